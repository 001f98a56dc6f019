"""The parts without a screen: progress in words, citations, viewers, wrapping, settings, clipboard."""

from __future__ import annotations

import json
import os
import sys
import types
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui.scripted import IDLE, INDEXING
from tui import citing, clipboard, progress, viewers
from tui.citing import Target
from tui.controls import clean
from tui.panes.search import facets_of
from tui.progress import Meter, badge, format_left, line, percent, steady
from tui.screens.folder import completions, count_files
from tui.screens.picker import match
from tui.settings import UiSettings, read_ui
from tui.themes import automatic_theme
from tui.widgets import queryinput
from tui.widgets.answerview import plain
from tui.widgets.cells import cut, cut_middle, fit, measure, pad, spread
from tui.widgets.queryinput import complete
from tui.widgets.rows import Choice, around
from tui.widgets.wrap import cells, reflowed, underlined, wrap


@pytest.mark.parametrize(
    ("left_s", "long", "short"),
    [
        (0.2, "5 s", "5s"),
        (12, "15 s", "15s"),
        (59, "60 s", "60s"),
        (61, "1m10s", "2m"),
        (130, "2m10s", "3m"),
        (180, "3m", "3m"),
        (599, "10m", "10m"),
        (3_700, "1h02m", "1h02m"),
        (7_200, "2h", "2h"),
    ],
)
def test_time_left_in_words(left_s: float, long: str, short: str) -> None:
    assert format_left(left_s) == long
    assert format_left(left_s, short=True) == short


def test_time_left_never_counts_up_by_a_little() -> None:
    assert steady(None, 40) == 40
    assert steady(40, 35) == 35
    assert steady(40, 45) == 40
    assert steady(40, 90) == 90


def test_the_status_line_has_the_form_of_the_specification() -> None:
    searchable = replace(INDEXING, embedded=0, chunks=0)
    assert line(searchable, 410.2, 130.0) == "idx 62% 7,740/12,480 · 410/s · 2m10s left · 3!"
    assert line(searchable, 410.2, 130.0, narrow=True) == "idx 62% 3m"
    assert line(searchable, 0.0, None) == "idx 62% 7,740/12,480 · 3!"
    assert line(replace(INDEXING, done=12_480, stage="embed"), 0.0, None) == "meaning 10% · 3!"
    assert (
        line(replace(IDLE, stage="scan", files_seen=1_200, total=0), 90.0, None) == "idx 1,200 files · 90/s"
    )
    assert line(IDLE, 0.0, None) == ""
    assert line(replace(IDLE, failed=3), 0.0, None) == "3!"


def test_the_badge_says_how_much_is_searchable() -> None:
    assert badge(IDLE) == "up to date"
    assert badge(INDEXING) == "idx 62%"
    assert badge(replace(INDEXING, done=12_480, stage="embed")) == "meaning 10%"
    assert badge(replace(IDLE, stage="scan")) == "indexing"
    assert percent(999, 1000) == 99
    assert percent(0, 0) == 0


def test_the_meter_measures_documents_a_second_and_waits_before_it_promises() -> None:
    meter = Meter()
    for second in range(60):
        meter.feed(replace(INDEXING, done=second * 100, bytes_done=second * 10, bytes_total=1_000), second)
        if second < 5:
            assert meter.left_s(second) is None
    assert meter.rate == pytest.approx(100)
    assert meter.left_s(59) == pytest.approx(41.0)
    meter.feed(IDLE, 60)
    meter.feed(replace(INDEXING, done=0), 61)
    assert meter.rate == 0.0


TARGET = Target("/home/anna/[a] b.pdf", "sha256:1", "", 12, 3, 9, "quoted\n text", "pdf", "pdf")


def test_citations_in_every_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    ways = dict(citing.ways(TARGET))
    assert ways["citation"] == "“quoted text”\n[a] b.pdf, p. 12 (~/[a] b.pdf)"
    assert ways["path:page"] == "/home/anna/[a] b.pdf:12"
    assert ways["Markdown link"] == "[\\[a\\] b.pdf](<file:///home/anna/%5Ba%5D%20b.pdf#page=12>)"
    assert json.loads(ways["JSON"])["quote"] == "quoted\n text"
    assert "path:page" not in dict(citing.ways(TARGET._replace(page=None)))
    assert citing.file_name("/a/mail.eml!/plan.pdf") == "mail.eml!/plan.pdf"
    assert citing.folder_name("/a/b/c/d.txt") == "b/c"


def test_viewers_get_an_absolute_path_and_the_page_as_arguments(tmp_path: Path) -> None:
    path = tmp_path / "-rf $(x) {page}.pdf"
    path.write_bytes(b"%PDF-")
    target = TARGET._replace(path=str(path))
    offered = viewers.viewers(target, {"pdf": "zathura -P {page} {path}"}, {})
    assert offered[0].command == ["zathura", "-P", "12", str(path)]
    assert viewers.viewers(target, {"pdf": "less"}, {})[0] == viewers.Viewer(
        "less", ["less", str(path)], True
    )
    assert viewers.viewers(target, {"pdf": "open 'quote"}, {}) == []
    assert viewers.refusal(target) == ""


def test_files_that_a_desktop_would_run_are_refused(tmp_path: Path) -> None:
    script = tmp_path / "x.desktop"
    script.write_text("[Desktop Entry]")
    assert "run this file" in viewers.refusal(TARGET._replace(path=str(script)))
    assert "not there" in viewers.refusal(TARGET._replace(path=str(tmp_path / "gone.pdf")))
    assert "inside another file" in viewers.refusal(TARGET._replace(path="/a/mail.eml!/plan.pdf"))


@pytest.mark.parametrize(
    ("editor", "command"),
    [
        ("vim -u NONE", ["vim", "-u", "NONE", "+7", "/a"]),
        ("hx", ["hx", "/a:7"]),
        ("code --wait", ["code", "--wait", "--goto", "/a:7"]),
        ("ed", ["ed", "/a"]),
    ],
)
def test_editors_open_at_the_line(editor: str, command: list[str]) -> None:
    assert viewers.editor("/a", 7, {"EDITOR": editor}).command == command


def test_clipboards_by_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tmux", "wl-copy", "xclip"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert clipboard.commands({"TMUX": "x", "SSH_CONNECTION": "y", "DISPLAY": ":0"}) == [
        ["tmux", "load-buffer", "-w", "-"]
    ]
    assert clipboard.commands({"WAYLAND_DISPLAY": "w"}) == [["wl-copy"]]
    assert clipboard.commands({"DISPLAY": ":0"}) == [["xclip", "-selection", "clipboard"]]
    assert clipboard.commands({}) == []


def test_long_texts_become_a_private_file(tmp_path: Path) -> None:
    path = clipboard.save_long("x" * 80_000, tmp_path / "state")
    assert path.stat().st_size == 80_000
    assert path.stat().st_mode & 0o077 == 0


def test_settings_are_read_without_pydantic_and_problems_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert read_ui(path) == UiSettings()
    path.write_text(
        '[ui]\nascii = true\nmouse = "no"\n[keys]\n"list.down" = "m"\nx = 3\n[viewers]\npdf = "zathura"\n'
    )
    ui = read_ui(path, library="/l")
    assert ui.ascii
    assert ui.mouse
    assert ui.keys == {"list.down": "m"}
    assert ui.viewers == {"pdf": "zathura"}
    assert ui.problems == ("ui.mouse is not a switch", "keys.x is not a string")
    path.write_text("[ui\n")
    assert read_ui(path).problems


def test_a_line_over_ssh_or_mosh_is_slow_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    assert not UiSettings().slow
    monkeypatch.setenv("SSH_CONNECTION", "1.2.3.4 5 6.7.8.9 22")
    assert UiSettings().slow
    assert not UiSettings(link="fast").slow
    assert UiSettings(link="slow").slow


def test_the_theme_follows_the_terminal() -> None:
    assert automatic_theme({"TERM": "xterm-256color"}) == "quire-dark"
    assert automatic_theme({"TERM": "linux"}) == "ansi-dark"
    assert automatic_theme({"TERM": "xterm", "COLORTERM": "truecolor"}) == "quire-dark"
    assert automatic_theme({"TERM": "xterm-256color", "NO_COLOR": "1"}) == "ansi-dark"


LINES = st.text(alphabet=st.sampled_from("ab cd\n\tü漢字e\u0301🙂|."), max_size=200)


@given(text=LINES, width=st.integers(1, 40))
def test_wrapping_loses_nothing_but_breaks_and_never_overflows(text: str, width: int) -> None:
    starts, ends = wrap(text, width)
    position = 0
    for start, end in zip(starts, ends, strict=True):
        assert position <= start <= end
        assert text[position:start].strip(" \n") == ""
        assert "\n" not in text[start:end]
        assert cells(text[start:end]) <= width or end - start == 1
        position = end
    assert text[position:].strip(" \n") == ""


def test_wrapping_breaks_at_spaces_where_it_can() -> None:
    text = "one two three four\n\nfive"
    starts, ends = wrap(text, 9)
    assert [text[a:b] for a, b in zip(starts, ends, strict=True)] == ["one two", "three", "four", "", "five"]


def test_headings_are_told_by_weight_not_by_the_line_below_them() -> None:
    text = "=====\nTitle\n=====\n\nWords.\n\nPart one\n--------\nMore.\n\n-----\n\nA | B\n-----\n"
    found = underlined(text, "rst")
    assert [text[start:end] for start, end in found.titles] == ["Title", "Part one"]
    starts, ends = wrap(text, 40, hidden=found.rules)
    shown = [text[a:b] for a, b in zip(starts, ends, strict=True)]
    assert shown == [
        "Title", "", "Words.", "", "Part one", "More.", "", "-----", "", "A | B", "-----", "",
    ]  # fmt: skip
    assert underlined(text, "pdf").titles == []
    assert underlined("## Two\n#no\n", "markdown") == ([(0, 6)], frozenset())


def test_sentences_of_fixed_pages_are_joined_and_nothing_moves() -> None:
    page = "The pilot reported completing three takeoffs and full stop\nlandings on runway 30.\nAnalysis\n"
    assert reflowed(page) == page.replace("stop\nlandings", "stop landings")
    table = "| Registered Owner: | On file with a rather long name and more | Rated\npower |"
    assert len(reflowed(table)) == len(table)


@given(text=st.text(max_size=60), width=st.integers(0, 40))
def test_cutting_and_padding_keep_to_their_cells(text: str, width: int) -> None:
    text = clean(text)
    assert cell_len(cut(text, width)) <= max(0, width)
    assert cell_len(pad(text, width)) == width
    assert cell_len(cut_middle(text, width)) <= max(width, 0)


@given(left=st.text(max_size=40), right=st.text(max_size=20), width=st.integers(1, 60))
def test_lines_fill_exactly_their_width(left: str, right: str, width: int) -> None:
    assert measure(fit([(clean(left), ""), (clean(right), "x")], width)) == width
    assert measure(spread([(clean(left), "")], [(clean(right), "")], width)) == width


def test_a_file_name_is_cut_in_the_middle() -> None:
    assert cut_middle("a very long name of a report.pdf", 20) == "a very long …ort.pdf"


def test_a_snippet_begins_near_its_first_match() -> None:
    text, spans = around("word " * 30 + "needle in the hay", ((150, 156),), 40)
    assert text.startswith("…")
    assert text[spans[0][0] : spans[0][1]] == "needle"
    assert spans[0][1] < 40


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("bef", "before:"),
        ("plan type:sl", "plan type:slides"),
        ("-ext", "-ext:"),
        ("path:fin", "path:finance"),
        ("b", None),
        ("before", "before:"),
        ("zebra", None),
        ("", None),
    ],
)
def test_the_last_word_is_completed(typed: str, completed: str | None) -> None:
    assert complete(typed, ("finance",)) == completed


def test_choices_match_by_all_words() -> None:
    choice = Choice("1", "Open at the page", "Ctrl-O")
    assert match(choice, ["page", "open"]) is not None
    assert match(choice, ["ctrl-o"]) == (1_000, ())
    assert match(choice, ["shut"]) is None


def test_folders_are_completed_and_counted(tmp_path: Path) -> None:
    (tmp_path / "papers" / "2025").mkdir(parents=True)
    (tmp_path / "photos").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in ("a.pdf", "b.PDF", ".secret", "2025/c.txt"):
        (tmp_path / "papers" / name).write_text("x")
    assert completions(f"{tmp_path}/p") == [f"{tmp_path}/papers/", f"{tmp_path}/photos/"]
    assert completions(f"{tmp_path}/.h") == [f"{tmp_path}/.hidden/"]
    assert completions(f"{tmp_path}/nothing/x") == []
    assert str(count_files(f"{tmp_path}/papers")) == "3 files: pdf 2, txt 1"
    assert str(count_files(f"{tmp_path}/photos")) == "no files"


def test_models_text_is_shown_without_markup() -> None:
    assert (
        plain("## Title\n**bold** and [link](http://x)\n- item") == "Title\nbold and [link](http://x)\n- item"
    )


def test_facets_count_what_is_there() -> None:
    assert facets_of([]) == ()


def test_log_and_state_folder_follow_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    from tui.state import state_folder

    monkeypatch.setenv("XDG_STATE_HOME", "/s")
    assert state_folder() == Path("/s/quire")
    monkeypatch.delenv("XDG_STATE_HOME")
    assert os.fspath(state_folder()).endswith("quire")
    assert progress.percent(1, 3) == 33


def test_input_is_plain_until_the_parser_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key typed while the parser is being imported finds a module without its classes."""
    half = types.ModuleType("indexer.query")
    half.parse = None  # type: ignore[attr-defined]
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "indexer.query", half)
        patched.setattr(queryinput, "_parse", None)
        assert queryinput.query_spans("budget -draft") == ()
    queryinput.load_query_parser()
    assert queryinput.query_spans("budget -draft") != ()


def test_ocr_is_told_in_pages() -> None:
    from tui.screens.tasks import stage_lines

    reading = replace(IDLE, stage="ocr", ocr_done=4, ocr_total=10)

    assert badge(reading) == "ocr 40%"
    assert line(reading, 0, None) == "ocr 4/10 pages"
    lines = stage_lines(reading, 0, None)
    assert any("4 of 10 pages (40%) · x stops it" in each for each in lines)
    assert any("reading pages that are pictures" in each for each in lines)
    waiting = stage_lines(replace(reading, stage="parse"), 0, None)
    assert any("waits for the rest" in each for each in waiting)
