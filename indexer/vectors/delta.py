"""The vectors that no generation holds, scored one by one.

20,000 of 384 dimensions take about 4 ms. Beyond `WIDE_ROWS` rows (only while a damaged generation is being
rebuilt) they are kept as float16 and widened block by block, which halves the memory and costs time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from indexer.vectors.source import Ids, Matrix

WIDE_ROWS = 131_072
_FIRST_ROWS = 1024


def top(ids: Ids, scores: NDArray[np.float32], k: int) -> list[tuple[int, float]]:
    """The `k` best (id, score), best first; ties by id."""
    if len(scores) > k:
        good = scores >= np.partition(scores, len(scores) - k)[len(scores) - k]
        ids, scores = ids[good], scores[good]
    order = np.lexsort((ids, -scores))[:k]
    return [(int(ids[i]), float(scores[i])) for i in order]


class Delta:
    """Ids and vectors in memory. Readers see a state that was true at one moment; writers take turns."""

    def __init__(self, dimensions: int) -> None:
        """Start empty; `dimensions` is the length of a vector."""
        self._dimensions = dimensions
        self._write = threading.Lock()
        self._state = (np.empty(0, np.int64), np.empty((0, dimensions), np.float32), 0)

    def __len__(self) -> int:
        return self._state[2]

    @property
    def ids(self) -> Ids:
        """The ids, in order of arrival."""
        ids, _, count = self._state
        return ids[:count]

    def add(self, ids: Ids, vectors: Matrix) -> None:
        """Append vectors; ids already there are ignored."""
        with self._write:
            old_ids, old, count = self._state
            new = ~np.isin(ids, old_ids[:count])
            ids, vectors = ids[new], vectors[new]
            total = count + len(ids)
            if total > len(old_ids) or (total > WIDE_ROWS and old.dtype != np.float16):
                old_ids, old = self._grown(old_ids, old, count, total)
            # Rows beyond `count` belong to no reader yet.
            old_ids[count:total] = ids
            old[count:total] = vectors
            self._state = (old_ids, old, total)

    def keep(self, wanted: NDArray[np.bool_], count: int) -> None:
        """Keep the rows of the first `count` that are `wanted`, and all that came after them."""
        with self._write:
            ids, rows, total = self._state
            mask = np.ones(total, bool)
            mask[:count] = wanted
            kept = int(mask.sum())
            dtype = np.float16 if kept > WIDE_ROWS else np.float32
            self._state = (ids[:total][mask], rows[:total][mask].astype(dtype), kept)

    def remove(self, ids: Iterable[int]) -> None:
        """Drop ids; unknown ones are ignored."""
        gone = np.fromiter(ids, np.int64)
        known, _, count = self._state
        stay = ~np.isin(known[:count], gone)
        if not stay.all():
            self.keep(stay, count)

    def search(self, vector: Matrix, k: int, allowed: Ids | None = None) -> list[tuple[int, float]]:
        """The `k` nearest as (id, cosine), best first.

        Args:
            vector: Unit length.
            k: At most this many.
            allowed: Only these ids; None means all.
        """
        ids, rows, count = self._state
        ids, rows = ids[:count], rows[:count]
        if allowed is not None:
            chosen = np.isin(ids, allowed)
            ids, rows = ids[chosen], rows[chosen]
        return top(ids, score(rows, vector), k) if len(ids) else []

    def _grown(
        self, ids: Ids, rows: NDArray[np.floating], count: int, total: int
    ) -> tuple[Ids, NDArray[np.floating]]:
        size = max(_FIRST_ROWS, total + total // 2)
        dtype = np.float16 if total > WIDE_ROWS else np.float32
        new_ids = np.zeros(size, np.int64)
        new_rows = np.zeros((size, self._dimensions), dtype)
        new_ids[:count], new_rows[:count] = ids[:count], rows[:count]
        return new_ids, new_rows


_WIDE = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32)


def widen(rows: NDArray[np.float16]) -> Matrix:
    """float16 rows as float32, by table: three times as fast as a cast where the processor has none."""
    return _WIDE[rows.view(np.uint16)]


def score(rows: NDArray[np.floating], vector: Matrix) -> NDArray[np.float32]:
    """Dot product of each row with `vector`, in float32."""
    if rows.dtype == np.float32:
        return np.asarray(rows @ vector, np.float32)
    parts = [widen(rows[i : i + 4096]) @ vector for i in range(0, len(rows), 4096)]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)
