"""What the interface does to a real terminal, as a real process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEAVE = b"\x1b[?1049l"
ENTER = b"\x1b[?1049h"


class Terminal:
    """A pseudo-terminal with the interface on it."""

    def __init__(self, scene: str, state: Path, **environ: str) -> None:
        self.leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.modes = termios.tcgetattr(follower)
        kept = {
            name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLORTERM", "TMUX")
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.tui.on_terminal"],
            stdin=follower,
            stdout=follower,
            stderr=follower,
            cwd=ROOT,
            env={**kept, "TERM": "xterm-256color", "SCENE": scene, "XDG_STATE_HOME": str(state), **environ},
            start_new_session=True,
        )
        self.follower = follower
        self.written = b""

    def read(self, seconds: float) -> bytes:
        """Everything that arrives within a time."""
        arrived, deadline = b"", time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and select.select([self.leader], [], [], left)[0]:
            try:
                arrived += os.read(self.leader, 65536)
            except OSError:
                break
        self.written += arrived
        return arrived

    def until(self, wanted: bytes) -> bytes:
        """Everything that arrives until something is on screen and the terminal is quiet."""
        arrived, deadline = b"", time.monotonic() + 30
        while wanted not in arrived:
            assert time.monotonic() < deadline, (wanted, arrived[-2000:])
            arrived += self.read(0.1)
        while more := self.read(0.4):
            arrived += more
        return arrived

    def keys(self, keys: str) -> None:
        os.write(self.leader, keys.encode())

    def end(self) -> int:
        """Wait for the end, reading on."""
        deadline = time.monotonic() + 30
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "it does not end"
            self.read(0.1)
        self.read(0.1)
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.leader)
        os.close(self.follower)


@contextlib.contextmanager
def terminal(scene: str, state: Path, **environ: str) -> Iterator[Terminal]:
    made = Terminal(scene, state, **environ)
    try:
        made.until(b"vendor-contract" if scene not in ("hostile",) else b"a[")
        yield made
    finally:
        made.close()


def assert_restored(made: Terminal) -> None:
    assert made.written.rindex(LEAVE) > made.written.rindex(ENTER)
    assert made.written.rindex(b"\x1b[?25h") > made.written.rindex(b"\x1b[?25l")
    assert termios.tcgetattr(made.follower) == made.modes


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals_leave_the_terminal_as_it_was(tmp_path: Path, number: signal.Signals, code: int) -> None:
    with terminal("plain", tmp_path) as made:
        made.process.send_signal(number)
        assert made.end() == code
        assert_restored(made)


def test_quiet_when_idle_cheap_when_moving_and_restored_after_q(tmp_path: Path) -> None:
    with terminal("noise", tmp_path) as made:
        made.read(1.0)
        assert made.read(5.0) == b""  # an idle screen sends nothing
        made.keys("budget")
        made.until(b"match")
        made.keys("\r")
        made.read(1.0)
        made.keys("j")
        step = made.read(1.0)
        assert 0 < len(step) <= 3_000
        made.keys("\r")
        made.until(b"page")
        made.keys(" ")
        assert len(made.read(1.0)) <= 8_000
        made.keys("qq")
        assert made.end() == 0
        assert_restored(made)
        assert b"NOISE" not in made.written  # C libraries write to the log
        assert b"NOISE" in (tmp_path / "quire" / "interface.log").read_bytes()


def test_suspending_and_coming_back_draws_the_screen_again(tmp_path: Path) -> None:
    with terminal("plain", tmp_path) as made:
        made.keys("\x1a")
        deadline = time.monotonic() + 20
        while stopped(made.process.pid) is False:
            assert time.monotonic() < deadline
            made.read(0.1)
        made.read(0.5)  # what it wrote just before it stopped
        assert made.written.rindex(LEAVE) > made.written.rindex(ENTER)
        made.process.send_signal(signal.SIGCONT)
        assert b"Minutes" in made.until(b"vendor-contract")
        made.keys("\x11")
        assert made.end() == 0
        assert_restored(made)


def stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_a_crash_restores_the_screen_and_shows_no_variables(tmp_path: Path) -> None:
    with terminal("crash", tmp_path, SECRET="hunter-2") as made:
        made.keys("\ri")
        assert made.end() == 1
        assert_restored(made)
        assert b"bug in Quire" in made.written
        log = (tmp_path / "quire" / "interface.log").read_bytes()
        assert b"Traceback" in log
        assert b"hunter-2" not in made.written + log


def test_no_hostile_sequence_reaches_the_terminal(tmp_path: Path) -> None:
    with terminal("hostile", tmp_path) as made:
        for keys in ("budget", "\r", "Y", "\x1b", "i", "\x1b", "\r", "h", "\x1bOT", "4", "2", "why?\r", "nw"):
            made.keys(keys)
            made.read(0.5)
        made.keys("\x1b")
        made.read(0.5)
        made.keys("\x11")
        made.end()
        assert b"\x1b]52" not in made.written
        assert b"aGk=\x07" not in made.written
        assert "\u202e".encode() not in made.written
        assert "\x9b".encode() not in made.written
        assert "\u200b".encode() not in made.written
        assert b"\x1b[2Jclear" not in made.written
        assert b"[@click=app.quit]x" in made.written


def test_no_color_sends_no_colours(tmp_path: Path) -> None:
    with terminal("plain", tmp_path, NO_COLOR="1") as made:
        made.keys("budget")
        made.until(b"match")
        made.keys("\rj")
        made.read(1.0)
        codes = {
            code for found in re.findall(rb"\x1b\[([\d;]*)m", made.written) for code in found.split(b";")
        }
        attributes = {b"", b"0", b"1", b"2", b"3", b"4", b"7", b"22", b"23", b"24", b"27"}
        assert codes <= attributes | {b"39", b"49"}, codes  # the last two mean "whatever the terminal has"


def test_the_first_frame_needs_no_heavy_module() -> None:
    heavy = ["numpy", "pydantic", "httpx", "httpx2", "llama_index", "chromadb", "tantivy", "sqlite3"]
    heavy += ["indexer.types", "copilot.types", "indexer.query"]
    script = (
        "import sys, tui.app, tui.panes.search, tui.lifecycle\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"
