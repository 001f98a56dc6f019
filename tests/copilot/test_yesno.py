"""Questions that want "yes" or "no": which are, which sentence decides them, and when none may."""

from __future__ import annotations

import pytest

from copilot import quoting, yesno
from copilot.passages import Source, Term, with_sentences
from copilot.providers.extractive import Scored
from copilot.types import Citation, Conflict, ConflictRow, Passage
from copilot.words import WORD, bare, counts
from indexer.analysis import prepare
from indexer.text import fold

from .test_extractive import hit


def terms(question: str) -> list[Term]:
    found = {}
    for at, match in enumerate(WORD.finditer(prepare(question))):
        word = bare(fold(match[0]))
        if word and counts(word):
            named = word.isdigit() or (at > 0 and match[0][0].isupper())
            found[word] = Term(word=word, weight=1.0, named=named)
    return list(found.values())


def decide(question: str, sentence: str) -> str:
    wants = yesno.asked(question)
    assert wants is not None, f"no question of this kind: {question}"
    return yesno.decides(question, wants, terms(question), sentence)


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Is smoking allowed in the garden?", "en"),
        ("May tenants keep dogs?", "en"),
        ("Darf man auf dem Balkon grillen?", "de"),
        ("¿Está permitido fumar en el jardín?", "es"),
        ("Est-ce que le bail comprend le chauffage ?", "fr"),
        ("图书馆星期天开放吗？", "zh"),
        ("是否允许吸烟？", "zh"),
        ("هل التدخين مسموح في الحديقة؟", "ar"),
    ],
)
def test_a_question_that_wants_yes_or_no_is_known_by_its_language(question: str, language: str) -> None:
    wants = yesno.asked(question)
    assert wants is not None
    assert wants.language == language


@pytest.mark.parametrize(
    "question",
    [
        "When does the lease end?",
        "Is the house old or new?",
        "Can you tell me the price?",
        "Do you know when the lease ends?",
        "Wer darf grillen?",
        "Was sind Kladen?",
        "Was hatte einen negativen Einfluss auf die Wirtschaft?",
        "Ist das Haus alt oder neu?",
        "¿Es grande o pequeño? ¿Cuál?",
        "谁可以进入图书馆？",
        "Is this the end",
        "Isn't the museum open on Sunday?",
        "Qu'est-ce que le bail comprend ?",
        "",
    ],
)
def test_other_questions_want_no_yes_and_no_no(question: str) -> None:
    assert yesno.asked(question) is None


@pytest.mark.parametrize(
    ("question", "sentence", "decision"),
    [
        ("Is smoking allowed in the garden?", "Smoking is not allowed in the garden.", "no"),
        ("Is smoking allowed in the garden?", "Smoking is prohibited in the garden.", "no"),
        ("Is smoking allowed in the garden?", "In the garden smoking is permitted.", "yes"),
        ("May tenants keep cats in the flat?", "Tenants may keep cats in the flat.", "yes"),
        ("May tenants keep dogs in the flat?", "The tenants may not keep dogs in the flat.", "no"),
        ("Are dogs allowed in the flat?", "No dogs are allowed in the flat.", "no"),
        ("Can I smoke in the flat?", "Smoking is forbidden in the flat.", "no"),
        (
            "Does Titan have an atmosphere?",
            "Titan, the largest of them, has an atmosphere of nitrogen.",
            "yes",
        ),
        ("Was the boiler installed in 2014?", "The boiler was installed by Orlow Heating in 2014.", "yes"),
        ("Did the council approve the budget?", "The council did not approve the budget.", "no"),
        ("Did the council approve the budget?", "The council approved the budget in May.", "yes"),
        ("Is there a lift in the building?", "The building has no lift.", "no"),
        (
            "Ist das Grillen auf dem Balkon gestattet?",
            "Das Grillen auf dem Balkon ist nicht gestattet.",
            "no",
        ),
        ("Darf man auf dem Balkon grillen?", "Das Grillen auf dem Balkon ist verboten.", "no"),
        ("Ist das Rauchen im Garten erlaubt?", "Das Rauchen ist im Garten erlaubt.", "yes"),
        ("¿Está permitido fumar en el jardín?", "Está prohibido fumar en el jardín.", "no"),
        ("¿Hay un ascensor en el edificio?", "El edificio no tiene ascensor.", "no"),
        ("图书馆星期天开放吗？", "图书馆星期天不开放。", "no"),
        ("图书馆星期天开放吗？", "图书馆星期天开放。", "yes"),
        ("花园里允许吸烟吗？", "花园里禁止吸烟。", "no"),
        ("هل التدخين مسموح في الحديقة؟", "التدخين مسموح في الحديقة.", "yes"),
    ],
)
def test_a_plain_sentence_decides(question: str, sentence: str, decision: str) -> None:
    assert decide(question, sentence) == decision


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("Was Cassini launched in 2004?", "Cassini, launched in 1997, orbited Saturn from 2004 to 2017."),
        ("Did the dog bite the man?", "The man bit the dog."),
        ("Was Smith succeeded by Jones?", "Jones succeeded Smith."),
        ("Was Jones succeeded by Smith?", "Jones succeeded Smith."),
        ("Is Berlin larger than Paris?", "Paris is larger than Berlin."),
        ("Is the museum open on Sunday?", "The museum is open on Sunday if it rains."),
        ("Is the museum open on Sunday?", "The museum is open only on Sunday."),
        ("Is the museum open on Sunday?", "The museum is closed on Monday."),
        ("Is the museum open on Sunday?", "The museum, not the shop, is open on Sunday."),
        ("Is the museum open on Sunday?", "Is the museum open on Sunday?"),
        ("Is the museum not open on Sunday?", "The museum is open on Sunday."),
        ("Did the council approve the budget?", "The council approved the road, not the budget."),
        ("Did the council approve the budget?", "The mayor denied that the council approved the budget."),
        ("Is smoking allowed?", "Smoking is not prohibited."),
        ("Is the boiler new?", "The boiler is not only new but quiet."),
        ("Was the boiler installed in 2015?", "The boiler was installed by Orlow Heating in 2014."),
        ("Are all rooms heated?", "Some rooms are heated."),
        ("Are the rooms heated?", "It is not known whether the rooms are heated."),
        ("花园里可以吸烟吗？", "花园里吸烟是违法的。"),
        ("花园里允许吸烟吗？", "如果下雨，花园里允许吸烟。"),
    ],
)
def test_what_is_hedged_turned_round_or_about_something_else_decides_nothing(
    question: str, sentence: str
) -> None:
    assert decide(question, sentence) == ""


@pytest.mark.parametrize(
    ("question", "says", "denies"),
    [
        (
            "Is the tower in Linz open on Sunday?",
            "The tower in Linz is open on Sunday.",
            "The tower in Linz is not open on Sunday.",
        ),
        (
            "Did the harbour board repair the crane in 1987?",
            "The harbour board repaired the crane in 1987.",
            "The harbour board did not repair the crane in 1987.",
        ),
        (
            "Did Martha Keller sign the lease for the landlord?",
            "Martha Keller signed the lease for the landlord.",
            "Martha Keller never signed the lease for the landlord.",
        ),
    ],
)
def test_a_not_turns_the_decision(question: str, says: str, denies: str) -> None:
    assert decide(question, says) == "yes"
    assert decide(question, denies) == "no"


def scored(*texts: str) -> list[Scored]:
    found = []
    for number, text in enumerate(texts, 1):
        source = with_sentences(Source(passage=Passage(number=number, hit=hit(text))))
        found.append(Scored(sentence=source.sentences[0], score=10.0 - 0.1 * number, meaning=0.0, words=0.0))
    return found


def test_the_sentence_that_decides_comes_first_with_the_word_in_the_language_of_the_question() -> None:
    question = "Ist das Grillen auf dem Balkon gestattet?"
    ranked = scored("Der Balkon ist 8 Meter lang.", "Das Grillen ist auf dem Balkon nicht gestattet.")
    verdict, order = quoting.decided(question, terms(question), ranked)
    assert (verdict.decision, verdict.label, verdict.sentence) == ("no", "Nein", "Nein.")
    assert "nicht" in order[0].sentence.text
    assert [each.score for each in order] == sorted((each.score for each in order), reverse=True)


def test_sentences_that_decide_differently_decide_nothing() -> None:
    question = "Are dogs allowed in the flat?"
    ranked = scored("Dogs are allowed in the flat.", "Dogs are not allowed in the flat.")
    assert quoting.decided(question, terms(question), ranked) == (quoting.UNDECIDED, ranked)


def test_nothing_found_decides_nothing() -> None:
    assert quoting.decided("Are dogs allowed?", terms("Are dogs allowed?"), []) == (quoting.UNDECIDED, [])


def row(number: int, date: str) -> ConflictRow:
    return ConflictRow(value="", citation=number, path=f"/{number}.md", page=None, date=date)


@pytest.mark.parametrize(
    ("rows", "stands"),
    [
        ([row(1, "2026-03-01"), row(2, "2024-03-01")], True),
        ([row(2, "2026-03-01"), row(1, "2024-03-01")], False),
        ([row(1, "2026-03-01"), row(2, "2026-03-01")], False),
        ([row(3, "2026-03-01"), row(2, "2024-03-01")], True),
    ],
)
def test_a_decision_falls_when_a_document_not_older_says_otherwise(
    rows: list[ConflictRow], stands: bool
) -> None:
    verdict = quoting.Verdict(decision="yes", label="Yes", sentence="Yes.")
    quote = Citation(
        n=1, path="/1.md", title="", document="sha256:1", page=None, start=0, end=4, quote="Dogs"
    )
    found = quoting.undisputed(verdict, [quote], [Conflict(about="Dogs …", rows=tuple(rows))])
    assert found == (verdict if stands else quoting.UNDECIDED)
    assert quoting.undisputed(verdict, [quote], []) == verdict
