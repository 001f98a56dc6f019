"""The tour, as `make demo` runs it without a terminal and without a network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tui.demo import SAMPLES

NO_NETWORK = """
import socket, sys

def refuse(event, arguments):
    if event == "socket.__new__" and arguments[1] != socket.AF_UNIX:
        raise OSError("no network in this test")

sys.addaudithook(refuse)
"""


def test_tour_needs_no_network_and_leaves_nothing_behind(tmp_path: Path) -> None:
    scratch, home = tmp_path / "scratch", tmp_path / "home"
    scratch.mkdir()
    home.mkdir()
    (tmp_path / "sitecustomize.py").write_text(NO_NETWORK)
    before = {path: path.stat().st_mtime_ns for path in SAMPLES.rglob("*")}
    done = subprocess.run(
        [sys.executable, "-m", "tui.cli", "demo"],
        env={**os.environ, "TMPDIR": str(scratch), "HOME": str(home), "PYTHONPATH": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for shown in (
        "$ quire index",
        "$ quire search",
        "31,400 euros",
        "launch/delivery-note.pdf",  # a scan
        "[1]",
        "$ quire summarize",
        "visitor-handbook-2023.pdf  92% the same",
        "answers    quotes only",
    ):
        assert shown in done.stdout
    assert list(scratch.iterdir()) == []
    assert list(home.iterdir()) == []
    assert {path: path.stat().st_mtime_ns for path in SAMPLES.rglob("*")} == before
    running = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [line for line in running if str(scratch).encode() in line]
