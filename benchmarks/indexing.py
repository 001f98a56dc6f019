"""Indexing beside the raw parser, and what must cost nothing: a rename, a copy, a second start.

The raw parser is PyMuPDF asked for the text of every page, in as many processes as there are cores, with
its import not counted; the pipeline does that and everything up to searchable by keyword.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.result import CORPORA, Result, Row, row
from indexer.config import Config, EmbeddingConfig
from indexer.library import Library
from indexer.types import SearchRequest

SETTINGS = Config(embedding=EmbeddingConfig(provider="none"))
RAW = """
import sys, time
sys.modules["pymupdf.layout"] = sys.modules["pymupdf4llm"] = None
import pymupdf
sys.stdin.readline()
for path in sys.argv[1:]:
    for page in pymupdf.open(path):
        page.get_text()
"""
SOME = "All about gardens, ponds and the weather in April. " * 20


def run(*, quick: bool = False) -> Result:
    """Compare with the raw parser, then rename, copy and reopen many files."""
    rows: list[Row] = []
    documents = CORPORA / "pdf-qa" / "docs"
    if documents.is_dir():
        rows += _beside_pymupdf(documents, repeat=1 if quick else 3)
    count = 1_000 if quick else 10_000
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        rows += _many_files(Path(scratch), count)
    return {"title": "Indexing", "rows": rows, "text": f"Many files: {count:,} of 1 kB each."}


def _beside_pymupdf(documents: Path, repeat: int) -> list[Row]:
    ours, raw = [], []
    for _ in range(repeat):
        with (
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch,
            Library.open(Path(scratch), SETTINGS, watch=False) as lib,
        ):
            began = time.perf_counter()
            _sync(lib, documents)
            ours.append(time.perf_counter() - began)
        raw.append(_raw(sorted(documents.glob("*.pdf"))))
    best, reference = min(ours), min(raw)
    return [
        row(
            f"pdf-qa: searchable by keyword, best of {repeat}",
            best,
            "s",
            reference=f"PyMuPDF's text alone {reference:.2f} s",
            ratio=reference / best,
            budget="≥ 0.8 × its speed",
            met=reference / best >= 0.8,
        )
    ]


def _raw(paths: list[Path]) -> float:
    """Seconds for the raw parser, work dealt out over the cores."""
    cores = len(os.sched_getaffinity(0))
    by_size = sorted(paths, key=lambda path: path.stat().st_size)
    children = [
        subprocess.Popen([sys.executable, "-c", RAW, *map(str, by_size[start::cores])], stdin=subprocess.PIPE)
        for start in range(cores)
    ]
    time.sleep(2)
    began = time.perf_counter()
    for child in children:
        child.communicate(b"go\n")
    return time.perf_counter() - began


def _many_files(scratch: Path, count: int) -> list[Row]:
    folder, place = scratch / "documents", scratch / "library"
    for number in range(count):
        path = folder / f"part{number % 17}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{SOME} Number {number}, and the word unique{number}.")
    with Library.open(place, SETTINGS, watch=False) as library:
        began = time.perf_counter()
        _sync(library, folder)
        first_s = time.perf_counter() - began
        rows = [row(f"{count:,} files: first indexing", first_s, "s")]
    rows.append(_second_start(place, count))
    with Library.open(place, SETTINGS) as library:
        _until(lambda: library.progress().idle)
        rows += [_rename(library, folder, count), _copy(library, folder, count)]
    return rows


def _second_start(place: Path, count: int) -> Row:
    began = time.perf_counter()
    with Library.open(place, SETTINGS) as library:
        _until(lambda: library.progress().idle and library.progress().files_seen >= count)
        took = time.perf_counter() - began
        parsed = library.progress().parsed
    name = f"{count:,} files: second start to an up-to-date status, {parsed} parsed"
    return row(name, took, "s", budget="≤ 2 s, nothing parsed", met=took <= 2 and parsed == 0)


def _rename(library: Library, folder: Path, count: int) -> Row:
    began = time.perf_counter()
    folder.joinpath("part3").rename(folder / "renamed")
    for part in [p for p in folder.iterdir() if p.name.startswith("part")]:
        part.rename(folder / f"renamed-{part.name}")
    wanted = f"unique{count - 1}"
    _until(lambda: all("renamed" in path for path in _paths(library, wanted)) and library.progress().idle)
    took = time.perf_counter() - began
    parsed = library.progress().parsed
    name = f"{count:,} files: their folders renamed, found under the new path, {parsed} parsed"
    return row(name, took, "s", budget="nothing parsed", met=parsed == 0)


def _copy(library: Library, folder: Path, count: int) -> Row:
    shutil.copytree(folder / "renamed", folder / "copied")
    copies = len(list((folder / "copied").iterdir()))
    began = time.perf_counter()
    _until(lambda: library.status().files == count + copies and library.progress().idle)
    took = time.perf_counter() - began
    parsed = library.progress().parsed
    name = f"a folder of {copies:,} of them copied, {parsed} parsed"
    return row(name, took, "s", budget="nothing parsed", met=parsed == 0)


def _paths(library: Library, word: str) -> tuple[str, ...]:
    hits = library.search(SearchRequest(query=word, mode="keyword")).hits
    return hits[0].paths if hits else ("none",)


def _sync(library: Library, folder: Path) -> None:
    for _ in library.sync([str(folder)], keyword_only=True):
        pass


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 300
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("a benchmark waited in vain")
        time.sleep(0.01)
