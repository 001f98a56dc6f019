"""The first frame of the interface beside a bare Textual app, both as whole processes on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from statistics import median

from benchmarks.result import Result, row

BUDGET = 1.3
ROOT = Path(__file__).parents[1]

BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("ready")
Bare().run()
"""
USUAL = """
from textual.app import App
from textual.widgets import Footer, Input, OptionList, Static
class Usual(App):
    BINDINGS = [("q", "quit", "Quit")]
    def compose(self):
        yield Input(placeholder="ready")
        yield OptionList("one", "two", "three")
        yield Static("text")
        yield Footer()
Usual().run()
"""


def first_frame(command: list[str], shown: bytes, environ: dict[str, str]) -> float:
    """Seconds from the start of the process until `shown` arrives at the terminal."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=follower, stdout=follower, stderr=follower, env=environ, start_new_session=True
    )
    os.close(follower)
    written = b""
    try:
        while shown not in written:
            if not select.select([leader], [], [], 30)[0]:
                raise RuntimeError(f"no first frame of {command}: {written[-500:]!r}")
            written += os.read(leader, 65536)
        return time.perf_counter() - began
    finally:
        _end(process, leader)


def _end(process: subprocess.Popen[bytes], leader: int) -> None:
    """Let the program leave by itself, reading on so that it never waits for the terminal."""
    process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < deadline:
        if select.select([leader], [], [], 0.05)[0]:
            try:
                os.read(leader, 65536)
            except OSError:
                break
    process.kill()
    process.wait()
    os.close(leader)


def run(*, quick: bool = False) -> Result:
    """Time the programs in turn, so that a busy moment of the machine hits all of them alike."""
    rounds = 5 if quick else 15
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        environ = {
            **os.environ,
            "TERM": "xterm-256color",
            "XDG_STATE_HOME": f"{scratch}/state",
            "XDG_RUNTIME_DIR": scratch,
            "QUIRE_LIBRARY": f"{scratch}/library",
        }
        environ.pop("QUIRE_CONFIG", None)
        # as installed: with byte code, which some build machines switch off
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        environ["PYTHONPYCACHEPREFIX"] = f"{scratch}/pycache"
        programs = {
            "bare": ([sys.executable, "-c", BARE], b"ready"),
            "usual": ([sys.executable, "-c", USUAL], b"eady"),
            "quire": ([sys.executable, "-m", "tui.cli"], b"Search"),
        }
        times: dict[str, list[float]] = {name: [] for name in programs}
        try:
            for lap in range(rounds + 1):  # the first lap warms caches and byte code, and starts the engine
                for name, (command, shown) in programs.items():
                    taken = first_frame(command, shown, environ)
                    times[name] += [taken] if lap else []
        finally:
            subprocess.run(
                [sys.executable, "-m", "tui.cli", "engine", "stop", "--quiet"],
                env=environ,
                check=False,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
    bare_s, usual_s, quire_s = (median(times[name]) for name in ("bare", "usual", "quire"))
    ratio = quire_s / bare_s
    return {
        "title": "First frame",
        "rows": [
            row(
                "`quire`, 80 by 24",
                quire_s * 1000,
                "ms",
                reference=f"bare Textual app {bare_s * 1000:.0f} ms",
                ratio=ratio,
                budget=f"at most {BUDGET} times",
                met=ratio <= BUDGET,
            ),
            row(
                "`quire`, 80 by 24",
                quire_s * 1000,
                "ms",
                reference=f"Textual app of four stock widgets {usual_s * 1000:.0f} ms",
                ratio=quire_s / usual_s,
            ),
        ],
        "text": f"Medians of {rounds} starts; the engine runs already or is started behind the frame.",
    }
