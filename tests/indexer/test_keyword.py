"""The keyword index: which words there are, what they find, what a damaged file leads to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import analysis
from indexer.keyword import WHOLE, KeywordIndex, Scope, spans
from indexer.keyword.analyzers import STEMMERS, stem
from indexer.query import Phrase, Word, parse

TEXTS = {
    1: "The quarterly budget was approved by the board.",
    2: "Budgets of the last quarter were reviewed; the board met in the Größe hall.",
    3: "Programming in C++ and C#, with foo-bar, snake_case and e-mail to jane.doe@example.org.",
    4: "我们讨论了中文全文检索的方法。",
    5: "ภาษาไทยไม่มีช่องว่างระหว่างคำ",
    6: "한국어 문서를 검색합니다.",
    7: "كتب الطلاب في المكتبات الجامعية بالعَرَبِيَّة",
    8: "Die Bundesregierung beschloss Haushaltspläne für das Verfassungsgericht.",
    9: "It's naïve: Ελλάδα, ёлка, ＡＢＣ, ﬁne, Ñandú.",
    10: "budget alpha beta gamma board",
}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[KeywordIndex]:
    """Ten documents of one chunk each; document and chunk have the same number."""
    keyword = KeywordIndex(tmp_path / "keyword")
    for number, text in TEXTS.items():
        keyword.add_document(number, "", "", [(number, "Intro > Part one" if number == 1 else "", text, "")])
        keyword.add_file(
            number, number, f"QuarterlyReport_{number}.txt", f"/docs/{number}.txt", "A title" * (number == 2)
        )
    keyword.commit()
    yield keyword
    keyword.close()


def found(index: KeywordIndex, query: str, *languages: str, scope: Scope | None = None) -> list[int]:
    """Chunks in order."""
    plan = index.plan(parse(query).sought, languages)
    return [match.chunk for match in index.top(plan, 20, scope)]


@pytest.mark.parametrize(
    ("query", "chunks"),
    [
        ("C++", {3}),
        ("c#", {3}),
        ("c", set()),
        ("foo-bar", {3}),
        ("foobar", set()),
        ("snake_case", {3}),
        ("jane.doe@example.org", {3}),
        ("example.org", {3}),
        ("grosse", {2}),
        ("GRÖSSE", {2}),
        ("naive", {9}),
        ("it's", {9}),
        ("Ελλαδα", {9}),
        ("елка", {9}),
        ("abc", {9}),
        ("fine", {9}),
        ("nandu", {9}),
        ("全文检索", {4}),
        ("检", {4}),
        ("索", {4}),
        ("ไทย", {5}),
        ("ช่องว่าง", {5}),
        ("한국", {6}),
        ("검색", {6}),
        ("العربية", {7}),
        ("عربية", {7}),
        ("zzz", set()),
        ("…", set()),
        ("", set()),
    ],
)
def test_word_finds_its_text_whatever_the_script(index: KeywordIndex, query: str, chunks: set[int]) -> None:
    words = [Word(query)] if query == "c" else [Word(each) for each in query.split()]
    demanded = [index.documents(word) for word in words]
    assert (frozenset.intersection(*demanded) if demanded else set()) == chunks


def test_other_forms_count_less_than_the_word_itself(index: KeywordIndex) -> None:
    index.add_document(
        11, "en", "", [(11, "", "walls one two three", "en"), (12, "", "wall one two three", "en")]
    )
    index.commit()
    assert found(index, "walls", "en") == [11, 12]
    assert found(index, "wall", "en") == [12, 11]
    assert found(index, "walls") == [11], "without a language there are no other forms"


def test_every_stemmer_is_there() -> None:
    for code in STEMMERS:
        assert stem("words", code)


def test_a_language_without_a_stemmer_is_searched_all_the_same(index: KeywordIndex) -> None:
    for code in ("pl", "cs", "id", "et", "ca", "hi", "xx", ""):
        plan = index.plan(parse("boundaries of the invoice").sought, (code,))
        assert [group.text for group in plan.groups]


def test_arabic_prefixes_and_plurals_are_other_forms(index: KeywordIndex) -> None:
    assert found(index, "مكتبات", "ar") == [7]
    assert found(index, "جامعية", "ar") == [7]


def test_a_compound_nobody_wrote_is_found_by_its_parts(index: KeywordIndex) -> None:
    assert 8 in found(index, "Verfassungsgericht", "de")
    assert index.documents(Word("gerichtsbudget"), "", ["de"]) == frozenset()
    assert 1 in found(index, "boardbudget", "de")


def test_chunks_that_hold_everything_come_first(index: KeywordIndex) -> None:
    plan = index.plan(parse("quarterly approved board").sought, ["en"])
    matches = index.top(plan, 20)
    assert matches[0].chunk == 1
    assert matches[0].score >= WHOLE
    assert all(match.score < WHOLE for match in matches[1:])
    assert {match.chunk for match in matches} == {1, 2, 10}


def test_words_of_grammar_do_not_rank_beside_others(index: KeywordIndex) -> None:
    assert [group.text for group in index.plan(parse("what is the budget").sought, ["en"]).telling] == [
        "budget"
    ]
    assert [group.text for group in index.plan(parse("what is the").sought, ["en"]).telling] == [
        "what",
        "is",
        "the",
    ]
    assert "it" in [group.text for group in index.plan(parse("IT budget").sought, ["en"]).telling]


@pytest.mark.parametrize(
    ("phrase", "documents"),
    [
        (Phrase("quarterly budget"), {1}),
        (Phrase("budget quarterly"), set()),
        (Phrase("approved board"), set()),
        (Phrase("approved board", near=3), {1}),
        (Phrase("board approved", near=3), {1}),
        (Phrase("board approved", near=1), set()),
        (Phrase("foo bar"), {3}),
        (Phrase("foo-bar"), {3}),
        (Phrase("e mail to"), {3}),
        (Phrase("中文全文"), {4}),
        (Phrase("全文中文"), set()),
        (Phrase("C++ and C#"), {3}),
    ],
)
def test_phrases_keep_their_order_and_distance(
    index: KeywordIndex, phrase: Phrase, documents: set[int]
) -> None:
    assert index.documents(phrase) == documents


def test_phrase_never_matches_across_chunks(tmp_path: Path) -> None:
    keyword = KeywordIndex(tmp_path / "keyword")
    keyword.add_document(1, "en", "", [(1, "", "ends with alpha", "en"), (2, "", "beta begins", "en")])
    keyword.commit()
    assert keyword.documents(Phrase("alpha beta")) == frozenset()
    keyword.close()


def test_beginnings_find_every_word_that_starts_so(index: KeywordIndex) -> None:
    assert set(found(index, "budg*")) == {1, 2, 10}
    assert set(found(index, "quarterly bud*")) >= {1, 2, 10}
    assert index.documents("budg*") == {1, 2, 10}


def test_scope_comes_before_ranking(index: KeywordIndex) -> None:
    plan = index.plan(parse("budget board").sought)
    assert index.top(plan, 1)[0].chunk != 2
    assert [match.chunk for match in index.top(plan, 1, Scope(frozenset({2})))] == [2]
    assert [match.chunk for match in index.top(plan, 1, Scope(None, frozenset({10})))] == [10]
    assert index.top(plan, 5, Scope(frozenset())) == []


def test_wide_scopes_rank_alike(index: KeywordIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    scope = Scope(frozenset({2, 10}))
    narrow = found(index, "budget board", scope=scope)
    monkeypatch.setattr("indexer.keyword.index.WIDE_SCOPE", 0)
    assert found(index, "budget board", scope=scope) == narrow


def test_score_of_a_chunk_is_the_same_wherever_it_is_asked(index: KeywordIndex) -> None:
    plan = index.plan(parse("quarterly budget board").sought, ["en"])
    top = {match.chunk: match.score for match in index.top(plan, 20)}
    assert index.score(plan, [1, 2, 4]) == pytest.approx({chunk: top[chunk] for chunk in (1, 2)})


def test_names_and_titles_belong_to_files(index: KeywordIndex) -> None:
    assert set(index.names(index.plan([Word("report")]), 20)) == set(TEXTS)
    assert set(index.names(index.plan([Word("title")]), 20)) == {2}
    assert index.documents("title", "title") == {2}
    assert index.documents("quarterly", "name") == set(TEXTS)
    assert index.chunks_under("part one") == {1}
    index.drop_file(2)
    index.commit()
    assert index.documents("title", "title") == frozenset()
    assert index.documents(Word("reviewed")) == {2}, "the text stays"


def test_holders_hold_everything_wherever(tmp_path: Path) -> None:
    keyword = KeywordIndex(tmp_path / "keyword")
    keyword.add_document(1, "en", "", [(1, "", "alpha here", "en"), (2, "", "beta there", "en")])
    keyword.add_document(2, "en", "", [(3, "", "alpha only", "en")])
    keyword.add_file(1, 2, "gamma.txt", "/gamma.txt", "")
    keyword.commit()
    assert keyword.holders(keyword.plan(parse("alpha beta").sought)) == {1}
    assert keyword.holders(keyword.plan(parse("alpha gamma").sought)) == {2}
    assert keyword.holders(keyword.plan(parse("alpha nothing").sought)) == frozenset()
    keyword.close()


def test_typing_errors_have_a_nearest_word(index: KeywordIndex) -> None:
    plan = index.plan(parse("budegt aproved xyz board").sought)
    assert index.suggest(plan) == {"budegt": "budget", "aproved": "approved"}
    corrected = index.plan(parse("budegt").sought, ["en"], {"budegt": "budget"})
    assert {match.chunk for match in index.top(corrected, 20)} == {1, 2, 10}


def test_adding_again_replaces_and_dropping_removes(index: KeywordIndex) -> None:
    index.add_document(1, "en", "", [(101, "", "entirely new words", "en")])
    index.add_document(1, "en", "", [(101, "", "entirely new words", "en")])
    index.drop_document(2)
    index.commit()
    assert index.chunk_ids(1) == [101]
    assert index.chunk_ids(2) == []
    assert index.count() == (9, 10)
    assert index.documents(Word("quarterly")) == {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, "by their names"
    assert index.documents("quarterly", "text") == frozenset()


def test_rollback_forgets_what_was_not_committed(index: KeywordIndex) -> None:
    before = index.snapshot
    index.drop_document(1)
    index.rollback()
    index.commit()
    assert index.chunk_ids(1) == [1]
    assert index.snapshot is not before


def test_a_search_under_way_keeps_its_snapshot(index: KeywordIndex) -> None:
    plan = index.plan(parse("quarterly").sought)
    index.drop_document(1)
    index.commit()
    assert [match.chunk for match in index.top(plan, 5)] == [1]
    assert found(index, "quarterly") == []


def test_new_index_asks_for_a_rebuild_until_told_otherwise(tmp_path: Path) -> None:
    first = KeywordIndex(tmp_path / "keyword")
    assert first.needs_rebuild
    first.add_document(1, "en", "", [(1, "", "words", "en")])
    first.commit()
    first.close()
    second = KeywordIndex(tmp_path / "keyword")
    assert second.needs_rebuild, "the rebuild was not finished"
    assert second.count() == (0, 0)
    second.needs_rebuild = False
    second.close()
    third = KeywordIndex(tmp_path / "keyword")
    assert not third.needs_rebuild
    third.wipe()
    third.close()
    assert KeywordIndex(tmp_path / "keyword").needs_rebuild


@pytest.mark.parametrize("damage", ["cut", "emptied", "flipped", "gone"])
def test_damaged_files_are_noticed_and_wiped(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "keyword"
    keyword = KeywordIndex(folder)
    keyword.add_document(1, "en", "", [(1, "", "some words to index", "en")])
    keyword.add_document(2, "en", "", [(2, "", "others", "en")])
    keyword.commit()
    keyword.drop_document(2)
    keyword.commit()
    keyword.needs_rebuild = False
    keyword.close()
    contents = {path.name: path.read_bytes() for path in folder.iterdir()}
    parts = [name for name in contents if name[0] != "." and not name.endswith(".lock")]
    assert len(parts) >= 8
    for name in parts:
        for other, content in contents.items():
            (folder / other).write_bytes(content)
        content = contents[name]
        middle = len(content) // 2
        if damage == "gone":
            (folder / name).unlink()
        elif damage == "flipped":
            (folder / name).write_bytes(
                content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]
            )
        else:
            (folder / name).write_bytes(content[: middle if damage == "cut" else 0])
        again = KeywordIndex(folder)
        assert again.needs_rebuild or (damage == "flipped" and name == "meta.json"), name
        again.count()
        again.close()
        for path in folder.iterdir():
            path.unlink()


@pytest.mark.parametrize(
    ("text", "word", "place"),
    [
        ("The budget, again", "budget", "budget"),
        ("naïve Größe", "grosse", "Größe"),
        ("all of C++ here", "c\u1429\u1429", "C++"),
        ("中文检索", "检索", "检索"),
        ("ภาษาน้ำ", "นำ", "น้ำ"),
        ("snake_case", "case", "case"),
    ],
)
def test_spans_are_places_in_the_text_as_it_is(text: str, word: str, place: str) -> None:
    assert place in [text[start:end] for found_word, start, end in spans(text) if found_word == word]


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_can_be_indexed_and_its_words_have_places(text: str) -> None:
    analysis.prepare(text)
    for word, start, end in spans(text):
        assert word
        assert 0 <= start < end <= len(text)
