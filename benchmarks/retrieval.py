"""How well search finds what was asked: recall, MRR and nDCG on corpora with known answers.

Everything goes through `Library.search`, as a person's question does, in three modes: keyword, semantic
and hybrid. Units are documents, paragraphs (xquad) or pages (pdf-qa). With `QUIRE_BENCH_LIBRARIES` set to
a folder, the libraries are kept there, so that a second run embeds nothing.
"""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.result import CORPORA, Result, Row, markdown, row
from indexer.config import Config
from indexer.library import Library
from indexer.types import Hit, Mode, SearchRequest

MODES: dict[str, Mode] = {"keyword": "keyword", "semantic": "semantic", "hybrid": "auto"}
DEPTH = 10
"""Units that are looked at."""
METRICS = ("recall@1", "recall@5", "recall@10", "MRR@10", "nDCG@10")

Unit = tuple[str, int]
"""A document's path below its folder with a paragraph or page, 0 for the document as a whole."""
Question = tuple[str, frozenset[Unit]]
"""A question with every unit that answers it."""
Figures = dict[str, dict[str, float]]
"""Mode to metric to value."""


@dataclass(frozen=True)
class Task:
    """Questions to one folder, and what must come of them."""

    name: str
    library: str
    """Tasks with the same name here share a library."""
    folder: Path
    questions: Sequence[Question]
    by: Literal["document", "paragraph", "page"] = "document"
    goal: tuple[str, float] | None = None
    """A metric and its least value for hybrid search."""


def run(*, quick: bool = False) -> Result:
    """Ask every question in every mode; `quick` takes every eighth."""
    if not CORPORA.exists():
        return {"title": "Retrieval", "rows": [], "text": "Needs the corpora."}
    rows: list[Row] = []
    lines = [f"| set | questions | mode | {' | '.join(METRICS)} |", "|---" * 8 + "|"]
    data: dict[str, Figures] = {}
    for task in tasks():
        asked = task.questions[:: 8 if quick else 1]
        figures = data[task.name] = measure(task, asked)
        rows += _rows(task, figures)
        for mode, found in figures.items():
            values = " | ".join(f"{found[metric]:.3f}" for metric in METRICS)
            lines.append(f"| {task.name} | {len(asked)} | {mode} | {values} |")
    return {"title": "Retrieval", "rows": rows, "text": "\n".join(lines), "data": data}


def _rows(task: Task, figures: Figures) -> list[Row]:
    metric, least = task.goal or ("MRR@10", None)
    hybrid = figures["hybrid"][metric]
    best = max(figures["keyword"][metric], figures["semantic"][metric])
    rows = [
        row(
            f"{task.name}: hybrid {metric}",
            hybrid,
            "",
            reference=f"better of keyword and semantic: {best:.3f}",
            ratio=hybrid / best if best else None,
            budget="≥ 1 ×",
            met=hybrid >= best,
        )
    ]
    if least is not None:
        rows.append(row(f"{task.name}: {metric}", hybrid, "", budget=f"≥ {least}", met=hybrid >= least))
    return rows


# --- measuring -----------------------------------------------------------------------------------


def measure(task: Task, questions: Sequence[Question]) -> Figures:
    """Every metric in every mode."""
    with _library(task) as library:
        places = _Places(task)
        return {
            name: evaluate([(places.found(library, text, mode), wanted) for text, wanted in questions])
            for name, mode in MODES.items()
        }


def evaluate(results: Sequence[tuple[Sequence[frozenset[Unit]], frozenset[Unit]]]) -> dict[str, float]:
    """Mean metrics over questions, each with the units found at every rank and those wanted."""
    sums = dict.fromkeys(METRICS, 0.0)
    for found, wanted in results:
        right = [bool(units & wanted) for units in found[:DEPTH]]
        first = right.index(True) + 1 if True in right else 0
        for depth in (1, 5, 10):
            sums[f"recall@{depth}"] += 0 < first <= depth
        sums["MRR@10"] += 1 / first if first else 0.0
        gain = sum(1 / math.log2(rank + 1) for rank, is_right in enumerate(right, start=1) if is_right)
        ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(wanted), DEPTH) + 1))
        sums["nDCG@10"] += min(1.0, gain / ideal)
    return {metric: total / max(1, len(results)) for metric, total in sums.items()}


class _Places:
    """Hits into units."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._paragraphs: dict[str, list[tuple[int, int]]] = {}

    def found(self, library: Library, text: str, mode: Mode) -> list[frozenset[Unit]]:
        """The units at each rank, each unit at its first rank only."""
        chunks = self._task.by != "document"
        limit = 5 * DEPTH if chunks else DEPTH
        result = library.search(SearchRequest(query=text, mode=mode, limit=limit, chunks=chunks))
        ranked: list[frozenset[Unit]] = []
        seen: set[Unit] = set()
        for hit in result.hits:
            units = self._units(hit) - seen
            if units:
                ranked.append(units)
                seen |= units
        return ranked

    def _units(self, hit: Hit) -> frozenset[Unit]:
        name = str(Path(hit.path).relative_to(self._task.folder))
        if self._task.by == "page":
            return frozenset({(name, hit.page or 0)})
        if self._task.by == "document":
            return frozenset({(name, 0)})
        spans = self._spans(hit.path)
        return frozenset(
            (name, number)
            for number, (start, end) in enumerate(spans, start=1)
            if (min(end, hit.end) - max(start, hit.start)) * 2 > min(end - start, hit.end - hit.start)
        )

    def _spans(self, path: str) -> list[tuple[int, int]]:
        """Where the paragraphs of a text file lie; empty lines separate them."""
        if path not in self._paragraphs:
            spans, at = [], 0
            for part in Path(path).read_text("utf-8").rstrip("\n").split("\n\n"):
                spans.append((at, at + len(part)))
                at += len(part) + 2
            self._paragraphs[path] = spans
        return self._paragraphs[path]


@contextmanager
def _library(task: Task) -> Iterator[Library]:
    """A library with everything of the task's folder in it, searchable by meaning."""
    kept = os.environ.get("QUIRE_BENCH_LIBRARIES")
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(kept or scratch) / task.library
        with Library.open(place, Config(), watch=False) as library:
            for _ in library.sync([str(task.folder)]):
                pass
            yield library


# --- tasks ---------------------------------------------------------------------------------------


def tasks() -> Iterator[Task]:
    """Every set of questions."""
    xquad = CORPORA / "xquad" / "corpus"
    rows = _read("xquad")
    english = [row for row in rows if row["lang"] == "en"]
    paragraphs = [(row["question"], frozenset({(row["doc"][3:], row["para"])})) for row in english]
    yield Task("xquad en by paragraph", "xquad-en", xquad / "en", paragraphs, "paragraph", ("MRR@10", 0.975))
    goals = {"en": None, "zh": 0.97, "es": 0.96, "de": 0.93, "ar": 0.92}
    for code, least in goals.items():
        asked = [(row["question"], frozenset({(row["doc"][3:], 0)})) for row in rows if row["lang"] == code]
        goal = None if least is None else ("recall@1", least)
        yield Task(f"xquad {code}", f"xquad-{code}", xquad / code, asked, "document", goal)
    everything = [(row["question"], frozenset({(row["doc"], 0)})) for row in rows]
    yield Task("xquad, five languages in one", "xquad-all", xquad, everything)
    yield from _peps()
    yield from _pdfs()


def _peps() -> Iterator[Task]:
    goals = {"semantic": ("MRR@10", 0.83), "keyword": None, "crosslingual": None}
    for kind, goal in goals.items():
        asked = [
            (row["question"], frozenset((name, 0) for name in (row["doc"], *row["also"])))
            for row in _read("peps")
            if row["type"] == kind
        ]
        yield Task(f"peps {kind}", "peps", CORPORA / "peps" / "docs", asked, "document", goal)


def _pdfs() -> Iterator[Task]:
    groups: dict[str, list[Question]] = {"one language": [], "other languages": []}
    for found in _read("pdf-qa"):
        pages = frozenset((page["doc"], page["page"]) for page in (*found["evidence"], *found["also"]))
        if pages:
            groups["one language" if found["lang"] == "en" else "other languages"].append(
                (found["question"], pages)
            )
    folder = CORPORA / "pdf-qa" / "docs"
    yield Task("pdf-qa by page", "pdf-qa", folder, groups["one language"], "page", ("MRR@10", 0.94))
    yield Task("pdf-qa by page, other languages", "pdf-qa", folder, groups["other languages"], "page")


def _read(name: str) -> list[dict[str, Any]]:
    lines = (CORPORA / name / "queries.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


if __name__ == "__main__":
    print(markdown(run(quick="--quick" in sys.argv[1:])))
