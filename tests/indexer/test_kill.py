"""SIGKILL at any moment: nothing acknowledged is lost or doubled, and the stores agree."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from indexer.library import Library
from tests.builders import HashEmbedder, settings, until, write

KILLS = int(os.environ.get("QUIRE_TEST_KILLS", "4"))
"""More of them by hand: QUIRE_TEST_KILLS=50."""

ROOT = Path(__file__).resolve().parents[2]


def start(place: Path, folder: Path, journal: Path) -> subprocess.Popen[bytes]:
    child = Path(__file__).with_name("kill_child.py")
    return subprocess.Popen(
        [sys.executable, str(child), str(place), str(folder), str(journal)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )


def test_kills_lose_and_double_nothing(folder: Path, tmp_path: Path) -> None:
    chance = random.Random(7)
    place, journal = tmp_path / "library", tmp_path / "journal"
    count = 40 * max(KILLS, 4)
    texts = {f"{n % 7}/{n}.txt": f"number {n} " + " ".join(["word"] * (n % 90 + 1)) for n in range(count)}
    write(folder, texts)
    for kill in range(KILLS):
        journal.touch()
        before = journal.stat().st_size
        child = start(place, folder, journal)
        # From the first acknowledgement on, somewhere in the middle of the work.
        until(lambda: journal.stat().st_size > before or child.poll() is not None, "work began")  # noqa: B023
        time.sleep(chance.uniform(0, 0.4))
        child.kill()
        child.wait()
        acked = {line for line in journal.read_text().splitlines() if line != "done"}
        _check(place, acked)
        # Something to do for the next one.
        write(folder, {f"{n % 7}/{n}.txt": f"number {n} edited {kill}" for n in range(kill, count, 5)})
    with Library.open(place, settings(), watch=False, load_embedder=HashEmbedder) as library:
        for _ in library.sync([str(folder)]):
            pass
        status = library.status()
        assert (status.files, status.pending_parse, status.pending_embed) == (count, 0, 0)
        for number in range(0, count, 17):
            path = folder / f"{number % 7}/{number}.txt"
            assert library.text(str(path), 0, 10_000).text == path.read_text()
        assert [check for check in library.doctor() if not check.ok] == []


def _check(place: Path, acked: set[str]) -> None:
    with Library.open(place, settings(), watch=False, load_embedder=HashEmbedder) as library:
        until(lambda: library.progress().stage in ("idle", "parse", "embed"), "left-over work is done")
        until(lambda: not library.catalogue.outbox(), "the keyword index has caught up")
        with library.catalogue.reader() as db:
            rows = db.execute("SELECT path_text FROM files WHERE document_id IS NOT NULL").fetchall()
        held = [row[0] for row in rows]
        assert len(held) == len(set(held))
        assert acked <= set(held)
        assert library.catalogue.check_file() == "ok"
        assert library.catalogue.inconsistencies() == []


def test_workers_end_with_a_killed_owner(folder: Path, tmp_path: Path) -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("needs /proc")
    write(folder, {f"{n}.txt": "words " * 2000 + str(n) for n in range(300)})
    journal = tmp_path / "journal"
    child = start(tmp_path / "library", folder, journal)

    def workers() -> list[str]:
        found = []
        for entry in Path("/proc").iterdir():
            try:
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                command = (entry / "cmdline").read_bytes()
            except (OSError, IndexError):
                continue
            if int(parent) == child.pid and b"indexer.parsing.worker" in command:
                found.append(entry.name)
        return found

    until(workers, "a worker runs")
    running = workers()
    child.kill()
    child.wait()
    until(lambda: not any(Path("/proc", pid).exists() for pid in running), "the workers are gone")
