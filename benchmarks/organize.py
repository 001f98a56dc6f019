"""Putting files in order: checking, applying, undoing; beside bare renames that reach the disk."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from benchmarks.result import CORPORA, Result, Row, row
from indexer.organize import disk
from indexer.organize.check import Bounds, check
from indexer.organize.plan import Action, Plan, identity, read, write
from indexer.organize.runs import Runs

FILES = 500
T = TypeVar("T")

SOURCES = ("mixed-files", "near-dup", "pdf-qa", "peps")


def run(*, quick: bool = False) -> Result:
    """A plan that gives files another name in another folder, and takes every eighth to the trash."""
    rows: list[Row] = []
    count = 50 if quick else FILES
    with tempfile.TemporaryDirectory(prefix="quire-organize-") as name:
        place = Path(name)
        files = _collect(place / "documents", count)
        before = _picture(place / "documents")
        plan = write(_plan(place / "documents", files)).encode()
        bounds = Bounds(roots=(os.fsencode(place / "documents"),))
        trash = os.fsencode(place / "trash")
        took, checked = _timed(lambda: check(read(plan), bounds, home_trash=trash))
        size = sum(path.stat().st_size for path in files)
        rows.append(row(f"check {count} files, {size / 1e6:.0f} MB", took * 1000 / count, "ms a file"))
        runs = Runs(place / "library")
        bare = _bare(place / "bare", count)
        for what, work in (("apply", lambda: runs.apply(checked)), ("undo", runs.undo)):
            took, outcome = _timed(work)
            done = len(outcome.transfers)
            reference = f"rename and fsync of both folders, {bare * 1000:.2f}"
            each = took / done
            rows.append(row(what, each * 1000, "ms a file", reference=reference, ratio=each / bare))
        same = _picture(place / "documents") == before
        rows.append(row("as before, names, contents, modes, times", float(same), "", budget="= 1", met=same))
    return {"title": "Putting files in order", "rows": rows}


def _collect(folder: Path, count: int) -> list[Path]:
    """Files of the corpora, or made ones, in a folder of their own."""
    found = [path for source in SOURCES for path in sorted((CORPORA / source).rglob("*")) if path.is_file()]
    last = folder
    step = max(1, len(found) // count)
    for number in range(count):
        original = found[number * step] if number * step < len(found) else None
        target = folder / f"{number % 7}" / f"{number}{original.suffix if original else '.txt'}"
        target.parent.mkdir(parents=True, exist_ok=True)
        if number % 8 == 7:
            shutil.copy2(last, last.with_name(f"{last.stem} copy{last.suffix}"))
            continue
        last = target
        if original:
            shutil.copy2(original, target)
        else:
            target.write_text(f"number {number} " * 500)
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _plan(folder: Path, files: list[Path]) -> Plan:
    actions = []
    for number, path in enumerate(files):
        source = os.fsencode(path)
        mark = disk.mark(source)
        id = identity(mark.size, mark.mtime_ns, mark.sha256)
        original = path.with_name(path.name.replace(" copy", ""))
        if original != path:
            actions.append(Action(word="trash", id=id, source=source, kept=os.fsencode(original)))
        else:
            target = folder / "new" / f"{number % 12:02}" / f"{number:04} {path.name}"
            actions.append(Action(word="move", id=id, source=source, target=os.fsencode(target)))
    return Plan(base=os.fsencode(folder), into=(), actions=tuple(actions))


def _bare(folder: Path, count: int) -> float:
    """Seconds of a bare rename from one folder to another, both brought to the disk."""
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        (folder / "a" / str(number)).write_text("text")
    folders = [os.open(folder / name, os.O_RDONLY) for name in ("a", "b")]
    began = time.monotonic()
    for number in range(count):
        (folder / "a" / str(number)).rename(folder / "b" / str(number))
        for descriptor in folders:
            os.fsync(descriptor)
    took = time.monotonic() - began
    for descriptor in folders:
        os.close(descriptor)
    return took / count


def _picture(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    return {
        str(path): (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    began = time.monotonic()
    result = work()
    return time.monotonic() - began, result
