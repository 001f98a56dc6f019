"""Lines are counted in columns and broken where a reader of the script would break them."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui import output, wrapping

MIXED = st.text(alphabet="ab 漢字，。（）é\u0301한글 x-")


@given(MIXED, st.integers(10, 30))
def test_no_line_is_wider_than_the_screen_and_no_character_is_lost(text: str, columns: int) -> None:
    lines = wrapping.wrapped(text, first=" ! ", rest="   ", to=columns)
    assert all(wrapping.columns(line) <= columns for line in lines)
    assert "".join("".join(line[3:] for line in lines).split()) == "".join(text.split())


@given(st.lists(st.text(alphabet="abc.,-'", min_size=1, max_size=9)), st.integers(15, 30))
def test_words_are_broken_as_ever(words: list[str], columns: int) -> None:
    text = " ".join(words)
    expected = textwrap.wrap(
        text, width=columns, initial_indent="> ", subsequent_indent="  ", break_on_hyphens=False
    )
    assert wrapping.wrapped(text, first="> ", rest="  ", to=columns) == (expected or [">"])


def test_no_line_begins_with_a_closing_mark_or_ends_with_an_opening_one() -> None:
    text = "锅炉升压需要九十分钟，不得用强制通风（见附件）缩短时间。" * 4
    for to in range(40, 60):
        lines = wrapping.wrapped(text, to=to)
        assert not [line for line in lines if line[0] in "，。）" or line[-1] == "（"]


def test_an_answer_in_chinese_is_broken_at_the_edge_while_it_streams(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    screen = output.WordWrap()
    for char in "锅炉升压需要九十分钟，不得用强制通风缩短时间。工作压力为八巴。":
        screen.write(char)
    screen.end()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all(wrapping.columns(line) <= 40 for line in lines)


def test_the_reason_of_an_unread_file_stands_below_a_long_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    file = {"path": "/elsewhere/reports/Report 07.pdf", "reason": "It is protected by a password.",
            "hint": "Save a copy without it, for example with qpdf --decrypt."}  # fmt: skip
    coverage = {"read": 1, "in_scope": 2, "unread": [file]}
    lines = output.sources_text({"citations": [], "coverage": coverage})
    assert lines[1] == " ! not read: /elsewhere/reports/Report 07.pdf:"
    assert " ".join(line.strip() for line in lines[2:]) == f"{file['reason']} {file['hint']}"
    assert all(len(line) <= 80 for line in lines)


def test_values_of_a_disagreement_stand_in_one_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    rows = [
        {"value": value, "date": "2026-01-01", "path": "/a.md", "page": None, "citation": 1}
        for value in ("不允许", "允许", "no")
    ]
    conflicts = [{"about": "办公室…养狗。", "rows": rows}]
    result = {"conflicts": conflicts, "citations": [], "coverage": {"read": 1, "in_scope": 1, "unread": []}}
    shown = [line for line in output.sources_text(result) if "2026-01-01" in line]
    assert len({wrapping.columns(line.partition("2026")[0]) for line in shown}) == 1
