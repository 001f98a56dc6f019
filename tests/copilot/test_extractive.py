"""Which sentence answers: what is measured of it, how it is cut, how it is chosen and quoted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from copilot import likeness, sentences
from copilot.passages import Source, Term, Vectors, with_sentences
from copilot.providers import extractive
from copilot.types import Passage
from indexer.types import Hit


def hit(text: str, *, start: int = 0, score: float = 1.0, name: str = "a.txt") -> Hit:
    return Hit(
        rank=1,
        score=score,
        path=f"/docs/{name}",
        paths=(f"/docs/{name}",),
        title="",
        document="sha256:00",
        chunk=1,
        page=None,
        heading="",
        start=start,
        end=start + len(text),
        snippet="",
        highlights=(),
        matched_by=("keyword",),
        scores={"keyword": 10.0 * score},
        ranks={"keyword": 1},
        kind="text",
        format="text",
        language="en",
        pages=0,
        size_bytes=len(text),
        mtime_ns=0,
        text=text,
    )


def source(text: str, number: int = 1, **rest: float) -> Source:
    found = hit(text, start=int(rest.get("start", 0)), score=rest.get("score", 1.0))
    return with_sentences(Source(passage=Passage(number=number, hit=found)))


def wanted(*words: str) -> list[Term]:
    return [Term(word=word, weight=1.0, named=False) for word in words]


def no_model(texts: Sequence[str]) -> Vectors | None:
    return None


def best(question: str, words: Sequence[str], *texts: str) -> str:
    sources = [source(text, number) for number, text in enumerate(texts, 1)]
    ranked = extractive.rank_sentences(question, wanted(*words), sources, None, no_model)
    return ranked[0].sentence.text


def test_the_sentence_that_holds_the_kind_of_answer_comes_first() -> None:
    text = "The museum in Linz was founded by citizens. The museum was founded in 1895 and burned down later."
    assert "1895" in best("When was the museum founded?", ["museum", "founded"], text)


def test_words_in_the_order_of_the_question_count_more_than_words_anywhere() -> None:
    text = "Man bites dog, says the paper. The dog bites the man who came in."
    assert best("Which dog bites the man?", ["dog", "bites", "man"], text).startswith("The dog bites")


def test_a_reason_is_preferred_when_asked_why() -> None:
    text = "The bridge was closed at noon, they said. The bridge was closed because the river rose."
    assert "because" in best("Why was the bridge closed?", ["bridge", "closed"], text)


def test_a_sentence_that_only_repeats_the_question_is_no_answer() -> None:
    text = "Height of the tower. It has a height of 96 metres, the tower of them all."
    assert "96" in best("What is the height of the tower?", ["height", "tower"], text)


def test_a_name_with_its_abbreviation_is_no_answer_either() -> None:
    text = "Department of Harbour Works (DHW)\n\nThe works of the harbour moved to a yard in Esker."
    question = "Where is the Department of Harbour Works?"
    assert "Esker" in best(question, ["department", "harbour", "works"], text)


def test_a_subject_line_is_not_the_answer_but_may_tell_who_wrote() -> None:
    mail = "From: Pia Lund\nSubject: Roof repair cost\n\nThe repair of the roof will cost 4,100 euros."
    assert "4,100" in best("What is the cost of the roof repair?", ["cost", "roof", "repair"], mail)
    assert likeness.poor("From: Pia Lund", "who") < likeness.poor("From: Pia Lund")


def test_a_row_of_a_form_tells_no_reason() -> None:
    row = "Runway: | 04 | Airport: | Esker"
    assert likeness.poor(row, "why") > likeness.poor(row, "where")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# Rent\n\nThe rent is 5.\n\n## Next", ["Rent", "The rent is 5.", "Next"]),
        ("The rent is high. ##", ["The rent is high."]),
        ("A list\n## Cost of it\nmore of it", ["A list", "Cost of it", "more of it"]),
        ("The end. ----\n", ["The end."]),
        ("From: A\nTo: B\nSubject: C d", ["From: A", "To: B", "Subject: C d"]),
        ("C# is typed. Use #1 here.", ["C# is typed.", "Use #1 here."]),
        ("##", []),
    ],
)
def test_sentences_carry_no_marks_of_headings(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in sentences.cut(text, "en")] == expected


def test_spans_of_sentences_are_exact_within_the_document() -> None:
    found = source("## Part\n\nIt rose. It fell again. ##\n", start=40)
    assert [each.text for each in found.sentences] == ["Part", "It rose.", "It fell again."]
    for each in found.sentences:
        assert found.hit.text[each.start - 40 : each.end - 40] == each.text


def test_only_a_sentence_that_leans_is_quoted_with_the_one_before() -> None:
    found = source("Titan is a moon. It has an atmosphere. Saturn has rings.")
    titan, it, saturn = found.sentences
    assert extractive.span_to_quote(it, found) == (titan.start, it.end)
    assert extractive.span_to_quote(saturn, found) == (saturn.start, saturn.end)
    assert extractive.span_to_quote(titan, found) == (titan.start, titan.end)


def test_meaning_before_sees_what_a_pronoun_stands_for() -> None:
    text = "Titan is the largest moon. It is wrapped in nitrogen. The cellar is dry."
    asked: list[str] = []

    def embed(texts: Sequence[str]) -> Vectors:
        asked.extend(texts)
        rows = [[1.0, 0.0] if "Titan" in each else [0.0, 1.0] for each in texts]
        return np.array(rows, dtype=np.float32)

    query = cast("Vectors", np.array([1.0, 0.0], dtype=np.float32))
    ranked = extractive.rank_sentences("What wraps the moon?", wanted("wraps"), [source(text)], query, embed)
    assert "Titan is the largest moon. It is wrapped in nitrogen." in asked
    order = [each.sentence.text for each in ranked]
    assert order.index("It is wrapped in nitrogen.") < order.index("The cellar is dry.")


def test_measures_are_named_and_finite() -> None:
    found = source("One two three. Four five six.")
    asked = likeness.Asked(question="One two?", wanted=wanted("one", "two"))
    rows = likeness.measures(asked, found, (1.0, 10.0))
    assert list(rows) == list(found.sentences)
    assert all(len(row) == len(likeness.MEASURES) and np.isfinite(row).all() for row in rows.values())
    first = dict(zip(likeness.MEASURES, rows[found.sentences[0]], strict=True))
    assert first["words"] == 1.0
    assert first["order"] == 1.0


def test_no_words_are_quoted_twice() -> None:
    found = source("Titan is a moon. It has an atmosphere. It is cold there. Saturn has rings.")
    titan, it, cold, saturn = found.sentences
    spans = extractive.spans_to_quote([titan, it, saturn], [found])
    assert spans == [(each.start, each.end) for each in (titan, it, saturn)]
    assert extractive.spans_to_quote([cold, it], [found]) == [(cold.start, cold.end), (titan.start, it.end)]


@pytest.mark.parametrize(("older", "newer"), [(1, 2), (2, 1)])
def test_of_two_versions_the_newer_answers(older: int, newer: int) -> None:
    texts = {older: "The rent is 900 euros a month.", newer: "The rent is 950 euros a month."}
    sources = []
    for number in (1, 2):
        found = source(texts[number], number, score=1.0 if number == 1 else 0.97)
        dated = replace(found.passage.hit, document=f"sha256:{number}", mtime_ns=2 if number == newer else 1)
        sources.append(replace(found, passage=Passage(number=number, hit=dated)))
    ranked = extractive.rank_sentences("How much is the rent?", wanted("rent"), sources, None, no_model)
    assert "950" in ranked[0].sentence.text
    scores = [each.score for each in ranked]
    assert scores == sorted(scores, reverse=True)


def test_a_sentence_that_leans_on_one_quoted_is_quoted_with_it() -> None:
    found = source("Titan is a moon. It has an atmosphere. It is cold there. Saturn has rings.")
    titan, it, cold, saturn = found.sentences
    assert extractive.quotes([titan, it], [found]) == [(titan, titan.start, it.end)]
    assert extractive.quotes([it, titan], [found]) == [(it, titan.start, it.end)]
    assert extractive.quotes([titan, it, cold], [found]) == [(titan, titan.start, cold.end)]
    assert extractive.quotes([titan, saturn], [found]) == [
        (titan, titan.start, titan.end),
        (saturn, saturn.start, saturn.end),
    ]


def test_paragraphs_and_long_sentences_are_not_joined() -> None:
    apart = source("Titan is a moon.\n\nIt has an atmosphere.")
    assert len(extractive.quotes(apart.sentences, [apart])) == 2
    long = source(f"Titan is {'very ' * 90}big. It has an atmosphere {'of gas ' * 20}too.")
    assert len(extractive.quotes(long.sentences, [long])) == 2


def test_a_sentence_about_another_place_is_not_preferred() -> None:
    """The one asked about is named by the file alone; the other says it in the words of the question."""
    asked = [
        Term(word="flight", weight=0.4, named=False),
        Term(word="hours", weight=0.5, named=False),
        Term(word="student", weight=0.6, named=False),
        Term(word="madill", weight=0.8, named=True),
    ]
    other = source("The student pilot had 23 hours of flight experience. The wind was calm.", 1)
    own = source("Flight time: 28 hours. The sky was clear that day.", 2, score=0.8)
    named = replace(
        own, passage=replace(own.passage, hit=replace(own.passage.hit, path="/docs/Madill OK.pdf"))
    )
    question = "How many flight hours did the student have at Madill?"
    first, *_ = extractive.rank_sentences(question, asked, [other, with_sentences(named)], None, no_model)
    assert first.sentence.text == "Flight time: 28 hours."
    nowhere = extractive.rank_sentences(question, asked, [other, own], None, no_model)
    assert nowhere[0].sentence.text == "The student pilot had 23 hours of flight experience."
