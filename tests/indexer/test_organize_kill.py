"""SIGKILL while files are put in order, in real processes: in the end all is as before."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from indexer.organize.plan import Plan, write
from indexer.organize.runs import Runs
from tests.indexer.trees import Entry, action, picture

KILLS = int(os.environ.get("QUIRE_TEST_KILLS", "4"))
"""More of them by hand: QUIRE_TEST_KILLS=50."""

ROOT = Path(__file__).resolve().parents[2]


def run(tmp_path: Path, what: str, kill: int) -> int:
    """A child that does something and dies at an operation; its exit code."""
    child = Path(__file__).with_name("organize_child.py")
    places = [str(tmp_path / name) for name in ("library", "documents", "trash")]
    return subprocess.run(
        [sys.executable, str(child), *places, what, str(kill)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    ).returncode


def test_kills_at_any_operation_lose_nothing(folder: Path, tmp_path: Path) -> None:
    chance = random.Random(11)
    (tmp_path / "library").mkdir()
    root = os.fsencode(folder)
    names = [b"a", b"b", b"c", b"copy of a", b"odd \xff\n name", b"deep"]
    for name in names:
        path = Path(os.fsdecode(os.path.join(root, name)))
        path.write_bytes(b"a" if name in (b"a", b"copy of a") else name)
        path.chmod(0o640)
    at = [os.path.join(root, name) for name in names]
    lines = [
        action("rename", at[0], at[1]),
        action("rename", at[1], at[2]),
        action("rename", at[2], at[0]),
        action("trash", at[3], at[0]),
        action("move", at[4], os.path.join(root, b"new/folder/", names[4])),
        action("move", at[5], os.path.join(at[5], b"er")),
    ]
    plan = tmp_path / "plan.txt"
    plan.write_text(write(Plan(base=root, into=(), actions=tuple(lines))))
    before = everything(tmp_path)
    for _ in range(KILLS):
        assert run(tmp_path, str(plan), chance.randrange(120)) in (0, -signal.SIGKILL)
        ended(tmp_path, chance)
        if everything(tmp_path) != before:
            assert Runs(tmp_path / "library").applied()[0].state == "applied"
            assert run(tmp_path, "undo", chance.randrange(120)) in (0, -signal.SIGKILL)
            ended(tmp_path, chance)
        if everything(tmp_path) != before:
            Runs(tmp_path / "library").undo()
        assert everything(tmp_path) == before


def ended(tmp_path: Path, chance: random.Random) -> None:
    """Resume or roll back what was interrupted, with more kills on the way."""
    while Runs(tmp_path / "library").interrupted():
        code = run(tmp_path, chance.choice(["resume", "rollback"]), chance.randrange(120))
        assert code in (0, -signal.SIGKILL)


def everything(tmp_path: Path) -> dict[bytes, Entry]:
    return {**picture(os.fsencode(tmp_path / "documents")), **picture(os.fsencode(tmp_path / "trash"))}
