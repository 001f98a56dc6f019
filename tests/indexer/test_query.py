"""The query language: any string is legal, and means what ux.md, section 3, says."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import values
from indexer.query import (
    MAX_CHARACTERS,
    And,
    Field,
    Must,
    Node,
    Not,
    Or,
    Phrase,
    Query,
    Word,
    parse,
)

NOW = dt.datetime(2025, 10, 15, 14, 30)
GOLDEN = Path(__file__).parent / "golden" / "queries.txt"


def tree(node: Node) -> str:
    """A node in one line, as the golden file shows it."""
    match node:
        case Word(text, prefix):
            return f"{text!r}{'*' if prefix else ''}"
        case Phrase(text, near):
            return f"phrase({text!r}{'' if near is None else f', ~{near}'})"
        case Field(name, found):
            return f"{name}={list(found)}"
        case Must(child):
            return f"+{tree(child)}"
        case Not(child):
            return f"-{tree(child)}"
        case And(children):
            return f"all({', '.join(map(tree, children))})"
        case Or(children):
            return f"any({', '.join(map(tree, children))})"


def describe(query: Query) -> str:
    """A query in one line: kind, clauses, directives, problems."""
    parts = ["boolean" if query.boolean else "rank", *map(tree, query.clauses)]
    parts += [f"{name}={value}" for name, value in (("sort", query.sort), ("mode", query.mode)) if value]
    parts += [f"[{problem}]" for problem in query.problems]
    return " ".join(parts)


def golden() -> list[tuple[str, str]]:
    """Queries with the tree each must have: a line each, the tree indented below."""
    lines = GOLDEN.read_text("utf-8").splitlines()
    return [(query, wanted.strip()) for query, wanted in zip(lines[::2], lines[1::2], strict=True)]


def test_golden_file_has_more_than_a_hundred_queries() -> None:
    assert len(golden()) == 115


@pytest.mark.parametrize(("text", "wanted"), golden())
def test_golden_query_has_its_tree(text: str, wanted: str) -> None:
    assert describe(parse(text, now=NOW)) == wanted


PIECES = st.sampled_from(
    [
        *("a", "b", "OR", "AND", "NOT", "|", "(", ")", "-", "+", '"', "~", "*", "\\", ":", ",", " ", "\0"),
        *('"x y"~3', "title:a,b", "sort:new", "is:zz", "date:2025..", "foo:1", "size:>1M", "-(", "c++"),
        *("“", "”", "„", "\ud800", "\u3000", "漢字", "it's", "path:~/x", "mode:", 'tag:"', "a*", "..."),
    ]
)
QUERIES = st.one_of(
    st.text(max_size=30),
    st.lists(PIECES, max_size=14).map("".join),
    st.lists(PIECES, max_size=14).map(" ".join),
)


@given(QUERIES, st.booleans())
@settings(max_examples=400, deadline=None)
def test_any_text_parses_and_prints_back_to_an_equal_tree(text: str, typing: bool) -> None:
    query = parse(text, now=NOW, typing=typing)
    printed = str(query)
    again = parse(printed, now=NOW)
    assert again == query
    assert str(again) == printed


@given(QUERIES)
@settings(max_examples=300, deadline=None)
def test_spans_lie_in_order_inside_the_text(text: str) -> None:
    at = 0
    for start, end, _ in parse(text, now=NOW).spans:
        assert at <= start < end <= len(text)
        at = end


@pytest.mark.parametrize(
    "text",
    [
        '"' * 100_000,
        "(" * 100_000,
        "a OR " * 30_000,
        "NOT " * 30_000,
        "()" * 50_000,
        "\\" * 100_000,
        "x" * 10**6,
    ],
    ids=["quotes", "groups", "or", "not", "empty groups", "escapes", "a megabyte"],
)
def test_long_nonsense_is_cut_and_said(text: str) -> None:
    query = parse(text)
    assert query.problems == (f"only the first {MAX_CHARACTERS:,} characters count",)
    assert query.spans[-1][2] == "ignored"


def test_roles_colour_every_kind_of_part() -> None:
    text = 'plan +x -"a b" title:"two w",c OR foo:1 after:nonsense'
    roles = [(text[start:end], role) for start, end, role in parse(text, now=NOW).spans]
    assert roles == [
        ("plan", "word"),
        ("+", "operator"),
        ("x", "word"),
        ("-", "operator"),
        ('"a b"', "phrase"),
        ("title:", "field"),
        ('"two w",c', "value"),
        ("OR", "operator"),
        ("foo:1", "word"),
        ("after:nonsense", "ignored"),
    ]


def test_last_word_is_a_beginning_while_typing() -> None:
    assert parse("quarterly bud", typing=True).clauses == (Word("quarterly"), Word("bud", prefix=True))
    assert parse("quarterly bud ", typing=True).clauses == (Word("quarterly"), Word("bud"))
    assert parse("plan OR", typing=True).clauses == (Word("plan"), Word("OR", prefix=True))
    assert parse("c++", typing=True).clauses == (Word("c++"),)


def test_what_is_sought_leaves_out_what_is_excluded_and_fields() -> None:
    query = parse('budget -draft "travel cost" ext:pdf (a OR b)')
    assert query.plain == "budget travel cost a b"
    assert parse("ext:pdf -draft").sought == ()
    assert parse("   ").empty


@pytest.mark.parametrize(
    ("name", "value", "lo", "hi"),
    [
        ("after", "2025", "2025-01-01", None),
        ("after", "2025-07", "2025-07-01", None),
        ("before", "2025-07-01", None, "2025-07-01"),
        ("after", "today", "2025-10-15", None),
        ("after", "7d", "2025-10-08T14:30", None),
        ("after", "3w", "2025-09-24T14:30", None),
        ("before", "6m", None, "2025-04-15T14:30"),
        ("after", "1y", "2024-10-15T14:30", None),
        ("date", "2025-02", "2025-02-01", "2025-03-01"),
        ("date", "2025-12", "2025-12-01", "2026-01-01"),
        ("date", "2024..2025-03", "2024-01-01", "2025-04-01"),
        ("date", "..2025-07-01", None, "2025-07-02"),
        ("date", "7d", "2025-10-08T14:30", None),
        ("created", ">=2020", "2020-01-01", None),
        ("created", "<2020", None, "2020-01-01"),
        ("created", "<=2020", None, "2021-01-01"),
    ],
)
def test_dates(name: str, value: str, lo: str | None, hi: str | None) -> None:
    wanted = values.Dates(*(None if end is None else dt.datetime.fromisoformat(end) for end in (lo, hi)))
    assert values.dates(name, value, NOW) == wanted


@pytest.mark.parametrize("value", ["", "..", "soon", "2025-13", "2025-02-30", "0", "d7", "99999y", "2025..x"])
def test_what_is_no_date_is_none(value: str) -> None:
    assert values.dates("date", value, NOW) is None


def test_months_back_end_on_the_last_day_there_is() -> None:
    assert values.dates("after", "1m", dt.datetime(2025, 3, 31)) == values.Dates(
        dt.datetime(2025, 2, 28), None
    )


@pytest.mark.parametrize(
    ("name", "value", "lo", "hi"),
    [
        ("size", ">1M", (1 << 20) + 1, None),
        ("size", ">=1.5k", 1536, None),
        ("size", "<2GB", None, 2 << 30),
        ("size", "2M", 2 << 20, 3 << 20),
        ("pages", "<=20", None, 21),
        ("pages", "10..30", 10, 31),
        ("page", "7", 7, 8),
        ("page", "5..", 5, None),
    ],
)
def test_numbers(name: str, value: str, lo: int | None, hi: int | None) -> None:
    assert values.numbers(name, value) == values.Numbers(lo, hi)


@pytest.mark.parametrize("value", ["", "big", "1M", "..", "1..x", "-3", "1e5", "½"])
def test_what_is_no_number_is_none(value: str) -> None:
    assert values.numbers("pages", value) is None


def test_the_parser_needs_the_standard_library_only() -> None:
    script = (
        "import sys; before = set(sys.modules); import indexer.query\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new - set(sys.stdlib_module_names) - {'indexer'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
