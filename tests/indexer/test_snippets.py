"""Snippets: the part of a text that is worth showing, and where it matches."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.keyword import Group, KeywordIndex
from indexer.keyword.vocabulary import Form
from indexer.query import parse
from indexer.snippets import WIDTH, Matcher, merged, snippet

TEXT = (
    "Marketing keeps its share of everything. The quarterly budget was approved by the board on 2 October.\n"
    "Travel   was cut by a fifth.\n\nThe next review is planned for January. Budgets are public."
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeywordIndex]:
    keyword = KeywordIndex(tmp_path_factory.mktemp("snippets") / "keyword")
    keyword.add_document(
        1, "en", "", [(1, "", TEXT, "en"), (2, "", "foo-bar e-mail C++ 中文检索 ภาษาไทย كتب", "")]
    )
    keyword.commit()
    yield keyword
    keyword.close()


def matcher(index: KeywordIndex, query: str) -> Matcher:
    return Matcher(index.plan(parse(query).sought, ["en"]).groups)


def lit(index: KeywordIndex, query: str, text: str) -> list[str]:
    return [text[start:end] for start, end in merged(matcher(index, query).find(text))]


@pytest.mark.parametrize(
    ("query", "text", "words"),
    [
        ("budget", TEXT, ["budget", "Budgets"]),
        ('"quarterly budget"', TEXT, ["quarterly budget"]),
        ('"budget quarterly"', TEXT, []),
        ("bud*", TEXT, ["budget", "Budgets"]),
        ("foo-bar", "foo bar, Foo-Bar, foobar, foo", ["foo bar", "Foo-Bar", "foobar"]),
        ("C++", "C, C++ and c", ["C++"]),
        ("中文", "关于中文检索", ["中文"]),
        ("ไทย", "ภาษาไทย", ["ไทย"]),
        ("المكتبات", "في مكتبات", ["مكتبات"]),
        ("cafe", "Café CAFE", ["Café", "CAFE"]),
        ("", TEXT, []),
    ],
)
def test_matches_are_the_very_words(index: KeywordIndex, query: str, text: str, words: list[str]) -> None:
    assert lit(index, query, text) == words


def test_snippet_is_whole_sentences_around_the_matches(index: KeywordIndex) -> None:
    shown, spans = snippet(TEXT, "en", matcher(index, "fifth travel"), width=60)
    assert shown == "Travel was cut by a fifth."
    assert [shown[start:end] for start, end in spans] == ["Travel", "fifth"]


def test_snippet_without_a_match_is_the_beginning(index: KeywordIndex) -> None:
    shown, spans = snippet(TEXT, "en", matcher(index, "nothing"), width=60)
    assert shown.startswith("Marketing keeps")
    assert spans == ()


def test_a_sentence_that_is_too_long_is_cut_between_words(index: KeywordIndex) -> None:
    text = "word " * 300 + "the budget " + "tail " * 300
    shown, spans = snippet(text, "en", matcher(index, "budget"))
    assert len(shown) <= WIDTH * 3 // 2
    assert [shown[start:end] for start, end in spans] == ["budget"]
    assert set(shown.split()) == {"word", "the", "budget", "tail"}


@given(st.text(alphabet=st.sampled_from("ab budget.\n 中文ก้ é"), max_size=400), st.integers(10, 80))
@settings(max_examples=150, deadline=None)
def test_any_snippet_is_verbatim_and_its_highlights_lie_inside(text: str, width: int) -> None:
    sought = Matcher(
        [Group("budget", ((Form("budget", 1.0, 1),),)), Group("中文", ((Form("中文", 1.0, 1),),))]
    )
    shown, spans = snippet(text, "", sought, width=width)
    assert shown in " ".join(text.split()) or shown.strip() in " ".join(text.split())
    at = 0
    for start, end in spans:
        assert at <= start < end <= len(shown)
        at = end


def test_lines_that_underline_headings_are_not_shown(index: KeywordIndex) -> None:
    text = "========\nAbstract\n========\n\nThe budget -- all of it -- is spent.\n\nWhy\n---\nIt is --- so.\n"
    shown, spans = snippet(text, "en", matcher(index, "abstract budget spent"))
    assert shown.strip() == "Abstract The budget -- all of it -- is spent. Why It is --- so."
    assert [shown[start:end] for start, end in spans] == ["Abstract", "budget", "spent"]


@given(st.text(alphabet=st.sampled_from("ab budget\n\n=-"), max_size=200))
@settings(max_examples=200, deadline=None)
def test_ruled_lines_are_all_that_a_snippet_leaves_out(text: str) -> None:
    sought = Matcher([Group("budget", ((Form("budget", 1.0, 1),),))])
    shown, spans = snippet(text, "", sought, width=400)
    left = " ".join(line for line in text.split("\n") if not re.fullmatch(r"\s*(={3,}|-{3,})\s*", line))
    assert shown.split() == left.split()
    assert all(shown[start:end] == "budget" for start, end in spans)


@given(
    st.text(alphabet="abcC1_+# -.BUDGETudget\u2019\u2014\u0301", max_size=30),
    st.sampled_from(["c", "C++", "c#", "ab", "budget a"]),
)
@settings(max_examples=300, deadline=None)
def test_plain_text_is_lit_as_any_other(index: KeywordIndex, text: str, query: str) -> None:
    sought = matcher(index, query)
    assert sought.find(text) == [each for each in sought.find(text + " \u00e9") if each.end <= len(text)]
