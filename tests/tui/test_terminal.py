"""The terminal is usable after the interface, however that ended. Real pseudo-terminals, real kills."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tui import output, terminal
from tui.settings import UiSettings

SCREEN = """
import os, signal, sys, tty
from tui.terminal import restored_at_the_end
with restored_at_the_end():
    sys.stdout.write("\\x1b[?1049h\\x1b[?1000h")
    sys.stdout.flush()
    tty.setraw(0)
    if sys.argv[1] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdout.write("\\x1b[?1000l\\x1b[?1049l")
"""


def run_on_a_terminal(how: str, until: bytes) -> tuple[bytes, list[object], list[object]]:
    """What was written before and after the end, and the terminal's modes before it and now.

    A shell leads the session, as in life: the kernel hangs the terminal up when its leader ends.
    """
    leader, follower = pty.openpty()
    before = termios.tcgetattr(follower)
    shell = subprocess.Popen(
        ["setsid", "--ctty", "sh", "-c", '"$@"; echo over; cat', "sh", sys.executable, "-c", SCREEN, how],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm"},
    )
    written = b""
    deadline = time.monotonic() + 20
    while not (b"over" in written and until in written):
        assert time.monotonic() < deadline, written
        if select.select([leader], [], [], 0.1)[0]:
            written += os.read(leader, 65536)
    after = termios.tcgetattr(follower)
    shell.kill()
    shell.wait()
    os.close(leader)
    os.close(follower)
    return written, before, after


@pytest.mark.skipif(shutil.which("setsid") is None, reason="needs setsid of util-linux")
def test_killed_interface_gives_the_terminal_back() -> None:
    written, before, after = run_on_a_terminal("killed", b"unexpectedly")
    assert written.rindex(b"\x1b[?1049l") > written.index(b"\x1b[?1049h")
    assert b"\x1b[?1000l" in written
    assert after[:4] == before[:4]


@pytest.mark.skipif(shutil.which("setsid") is None, reason="needs setsid of util-linux")
def test_guard_says_nothing_after_a_normal_end() -> None:
    written, _, _ = run_on_a_terminal("ended", b"over")
    assert b"unexpectedly" not in written
    assert written.count(b"\x1b[?1049l") == 1


@pytest.mark.parametrize("term", ["dumb", ""])
def test_no_screen_is_drawn_where_there_is_none(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", term)
    assert not terminal.is_usable()


def test_slow_line_gets_fewer_frames_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TEXTUAL_ANIMATIONS", "TEXTUAL_SMOOTH_SCROLL", "TEXTUAL_FPS"):
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)
    terminal.prepare(UiSettings(link="fast"))
    assert "TEXTUAL_FPS" not in os.environ
    terminal.prepare(UiSettings(link="slow"))
    assert os.environ["TEXTUAL_FPS"] == "15"
    monkeypatch.setenv("TEXTUAL_FPS", "30")
    terminal.prepare(UiSettings(link="slow"))
    assert os.environ["TEXTUAL_FPS"] == "30"


def test_paths_are_shown_short_and_harmless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert output.shown_path(str(tmp_path / "a" / "b.txt")) == "a/b.txt"
    assert output.shown_path("/home/somebody/x.txt") == "~/x.txt"
    assert output.shown_path("/home/somebody-else/x.txt") == "/home/somebody-else/x.txt"
    assert output.shown_path("/a\nb\x1b[31m\udcff") == "/a␤b\ufffd[31m\ufffd"


def test_streamed_text_is_broken_between_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    screen = output.WordWrap()
    for piece in ("Nobody may dr", "ill into the ro", "of or hang anything from it.\nNew ", "line\x1b]0;x"):
        screen.write(piece)
    screen.end()
    shown = capsys.readouterr().out
    assert shown == "Nobody may drill into the roof or hang \nanything from it.\nNew line\ufffd]0;x\n"


def test_highlights_keep_their_place_when_text_is_cleaned() -> None:
    shown = output.highlighted("a\u200bb\x1bcd", [(3, 5)])
    assert shown == "ab\x1b[1m\ufffdc\x1b[0md"
