"""Keyword indexing and keyword queries beside Recoll, on the same files in the same run.

Both start from nothing and end when every file can be found by keyword; Quire's embedding is off, as Recoll
has none. Starting Quire (stores, parse workers and what they import, brought to work by the small sample
library) is measured apart and not counted: an engine that runs has done it.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.result import CORPORA, Result, Row, percentile, row, timed
from indexer.config import Config, EmbeddingConfig
from indexer.library import Library
from indexer.types import SearchRequest

SAMPLES = Path(__file__).parents[1] / "tui" / "samples"
QUERIES = {
    "peps": [
        "global interpreter lock",
        "type annotations",
        "import hooks",
        "async generators",
        "wheel format",
    ],
    "pdf-qa": ["strategic plan", "flight instructor", "cybersecurity", "emergency landing", "climate change"],
}


def run(*, quick: bool = False) -> Result:
    """Index `peps` and `pdf-qa` with both, then ask both the same words."""
    if shutil.which("recollindex") is None or not CORPORA.exists():
        return {
            "title": "Recoll",
            "rows": [],
            "text": "Needs recollindex (Debian's recollcmd) and the corpora.",
        }
    rows: list[Row] = []
    for name, queries in QUERIES.items():
        rows += _compare(name, CORPORA / name / "docs", queries, repeat=1 if quick else 3)
    return {"title": "Keyword indexing and queries beside Recoll", "rows": rows}


def _compare(name: str, folder: Path, queries: list[str], repeat: int) -> list[Row]:
    theirs, asked_theirs, starts, ours, asked_ours = [], [], [], [], []
    for _ in range(repeat):
        with tempfile.TemporaryDirectory() as scratch:
            index_s, query_s = _recoll(Path(scratch, "recoll"), folder, queries)
            theirs.append(index_s)
            asked_theirs += query_s
            start_s, index_s, query_s = _quire(Path(scratch, "library"), folder, queries)
            starts.append(start_s)
            ours.append(index_s)
            asked_ours += query_s
    best, peer = min(ours), min(theirs)
    asked, recollq = 1000 * percentile(asked_ours, 0.5), 1000 * percentile(asked_theirs, 0.5)
    return [
        row(
            f"{name}: index by keyword, best of {repeat}",
            best,
            "s",
            reference=f"Recoll {peer:.2f} s",
            ratio=best / peer,
            budget="≤ 1",
            met=best <= peer,
        ),
        row(f"{name}: start with its workers, not counted", min(starts), "s"),
        row(
            f"{name}: keyword query, median",
            asked,
            "ms",
            reference=f"recollq, a process each, {recollq:.0f} ms",
            ratio=asked / recollq,
        ),
    ]


def _recoll(place: Path, folder: Path, queries: list[str]) -> tuple[float, list[float]]:
    place.mkdir()
    (place / "recoll.conf").write_text(f"topdirs = {folder}\n")

    def call(*command: str) -> None:
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)

    (index_s,) = timed(lambda: call("recollindex", "-c", str(place), "-z"))
    query_s = [
        timed(functools.partial(call, "recollq", "-c", str(place), "-n", "20", words))[0] for words in queries
    ]
    return index_s, query_s


def _quire(place: Path, folder: Path, queries: list[str]) -> tuple[float, float, list[float]]:
    began = time.perf_counter()
    library = Library.open(place, Config(embedding=EmbeddingConfig(provider="none")), watch=False)
    try:
        for _ in library.sync([str(SAMPLES)], keyword_only=True):
            pass
        start_s = time.perf_counter() - began
        (index_s,) = timed(lambda: list(library.sync([str(folder)], keyword_only=True)))
        requests = [SearchRequest(query=words, mode="keyword") for words in queries]
        query_s = [s for each in requests for s in timed(functools.partial(library.search, each), repeat=5)]
    finally:
        library.close()
    return start_s, index_s, query_s
