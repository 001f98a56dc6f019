"""Pairs for training that would give away pairs of another split, whatever documents they are from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from copilot.export.folder import Spool
from copilot.export.splitting import ALIKE
from indexer import neardup
from indexer.neardup import Shingles


def leaking(pairs: Spool, splits: Sequence[str], largest_first: Sequence[str]) -> Iterator[int]:
    """Numbers of the pairs that nearly say what a pair of a smaller split says.

    In memory are only the shingles of the smaller splits.

    Args:
        pairs: All of them.
        splits: The split of each.
        largest_first: The names of the splits.
    """
    for place, name in enumerate(largest_first[:-1]):
        smaller = set(largest_first[place + 1 :])
        known = [_shingles(pairs[at]) for at, split in enumerate(splits) if split in smaller]
        indexes = [Index([each[side] for each in known]) for side in (0, 1)]
        for at, split in enumerate(splits):
            if split == name:
                found = _shingles(pairs[at])
                if any(index.holds(each, ALIKE) for index, each in zip(indexes, found, strict=True)):
                    yield at


def _shingles(pair: Mapping[str, Any]) -> tuple[Shingles, Shingles]:
    """Of a pair, and of its answer; none of a short answer: many are alike, and nobody learns them."""
    answer = neardup.shingles(pair["answer"])
    whole = neardup.shingles(f"{pair['question']} {pair['answer']}")
    return whole, answer if len(answer) >= neardup.LEAST else answer[:0]


class Index:
    """Small sets of shingles, to be asked which of them others are like. Exact."""

    def __init__(self, sets: Sequence[Shingles]) -> None:
        """Sort the members of all sets; twelve bytes each."""
        self._sizes = np.array([len(each) for each in sets], dtype=np.int64)
        flat = np.concatenate([np.empty(0, dtype=np.uint64), *sets])
        rows = np.repeat(np.arange(len(sets), dtype=np.int32), self._sizes)
        order = np.argsort(flat, kind="stable")
        self._values, self._rows = flat[order], rows[order]

    def holds(self, found: Shingles, least: float) -> bool:
        """Whether one of the sets has at least this Jaccard with another set."""
        first = np.searchsorted(self._values, found, "left")
        last = np.searchsorted(self._values, found, "right")
        held = np.flatnonzero(last > first)
        if not len(held):
            return False
        rows = np.concatenate([self._rows[first[at] : last[at]] for at in held])
        which, common = np.unique(rows, return_counts=True)
        return bool((common >= least * (len(found) + self._sizes[which] - common)).any())
