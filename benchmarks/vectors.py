"""The vector store against numpy and against Chroma itself."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.result import Result, percentile, resident_mb, row, timed
from indexer.config import VectorsConfig
from indexer.types import Generation
from indexer.vectors import VectorStore
from indexer.vectors.delta import Delta

DIMENSIONS = 384
UNSEALED = 20_000
QUERIES = 100

Matrix = NDArray[np.float32]


class _Truth:
    """A catalogue whose vectors are one matrix; id n is row n - 1."""

    def __init__(self, rows: Matrix) -> None:
        self.rows = rows
        self.sealed: list[Generation] = []

    def vector_ids(self, model_id: int, after: int = 0) -> NDArray[np.int64]:
        return np.arange(after + 1, len(self.rows) + 1, dtype=np.int64)

    def read_vectors(self, model_id: int, ids: Sequence[int] | NDArray[np.int64]) -> Matrix:
        return np.asarray(self.rows[np.asarray(ids) - 1])

    def generations(self, model_id: int) -> list[Generation]:
        return self.sealed

    def replace_generations(self, model_id: int, removed: Sequence[str], added: Sequence[Generation]) -> None:
        self.sealed = [g for g in self.sealed if g.name not in set(removed)] + list(added)


def run(quick: bool = False) -> Result:
    """Measure over random clusters, which are harder than texts: their neighbours are alike."""
    count = UNSEALED if quick else 100_000
    rows = _clusters(count)
    queries = _near(rows, QUERIES)
    results = [_brute_force(rows[:UNSEALED], queries)]
    truth = _Truth(rows)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        store = VectorStore(place, truth, 1, DIMENSIONS, VectorsConfig())
        began = time.monotonic()
        store.seal_if_due(force=True)
        sealing = time.monotonic() - began
        results += _sealed(store, rows, queries)
        store.close()
        before = resident_mb()
        began = time.monotonic()
        store = VectorStore(place, truth, 1, DIMENSIONS, VectorsConfig())
        opening = time.monotonic() - began
        store.search(queries[0], 10)
        size = sum(f.stat().st_size for f in place.rglob("*") if f.is_file()) / 1e6
        results += [
            row(
                f"sealing {count:,} vectors in a child process",
                sealing,
                "s",
                reference=f"{size:.0f} MB on disk",
            ),
            row("opening them: hashes checked, index loaded", opening, "s"),
            row("memory of the open index", resident_mb() - before, "MB"),
        ]
        store.close()
    return {"title": f"Vectors ({count:,} × {DIMENSIONS})", "rows": results}


def _clusters(count: int) -> Matrix:
    random = np.random.default_rng(1)
    centres = random.normal(size=(max(1, count // 100), DIMENSIONS)).astype(np.float32)
    rows = centres[random.integers(0, len(centres), count)]
    rows += 0.7 * random.normal(size=rows.shape).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float16).astype(np.float32)


def _near(rows: Matrix, count: int) -> Matrix:
    random = np.random.default_rng(2)
    found = rows[random.integers(0, len(rows), count)] + 0.02 * random.normal(size=(count, DIMENSIONS))
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def _each(queries: Matrix, search: Callable[[Matrix], object]) -> list[float]:
    """Milliseconds of each query, after one that warms up."""
    search(queries[0])
    return [1e3 * timed(lambda query=query: search(query))[0] for query in queries]  # type: ignore[misc]


def _brute_force(rows: Matrix, queries: Matrix) -> Any:
    delta = Delta(DIMENSIONS)
    delta.add(np.arange(len(rows)), rows)

    def by_hand(query: Matrix) -> object:
        scores = rows @ query
        best = np.argpartition(-scores, 50)[:50]
        return best[np.argsort(-scores[best])]

    raw = percentile(_each(queries, by_hand), 0.5)
    ours = percentile(_each(queries, lambda query: delta.search(query, 50)), 0.5)
    return row(f"scoring {len(rows):,} unsealed vectors, p50", ours, "ms", reference=f"numpy {raw:.2f} ms",
               ratio=ours / raw, budget="≤ 1.5 × numpy", met=ours <= 1.5 * raw)  # fmt: skip


def _sealed(store: VectorStore, rows: Matrix, queries: Matrix) -> list[Any]:
    (generation,) = store._sealed
    raw = _each(queries, lambda query: generation._directory.query(query, 50))
    ours = _each(queries, lambda query: store.search(query, 50))
    scope = list(range(1, len(rows), max(1, len(rows) // 4000)))
    scoped = _each(queries[:20], lambda query: store.search(query, 50, allowed=scope))
    hits = 0
    for query in queries:
        exact = set((np.argsort(-(rows @ query))[:10] + 1).tolist())
        hits += len(exact & {i for i, _ in store.search(query, 10)})
    recall = hits / (10 * len(queries))
    middle = percentile(ours, 0.5) / percentile(raw, 0.5)
    return [
        row("search in a sealed generation, p50", percentile(ours, 0.5), "ms", ratio=middle,
            reference=f"bare Chroma {percentile(raw, 0.5):.2f} ms", budget="≤ 1.5 × Chroma",
            met=middle <= 1.5),
        row("the same, p95", percentile(ours, 0.95), "ms",
            reference=f"bare Chroma {percentile(raw, 0.95):.2f} ms"),
        row(f"exact search in a scope of {len(scope):,}, p50", percentile(scoped, 0.5), "ms"),
        row("recall@10 against exact search", recall, "", budget="≥ 0.95", met=recall >= 0.95),
    ]  # fmt: skip
