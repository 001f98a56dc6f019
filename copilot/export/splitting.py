"""Which split a document goes to, so that no near-copy of it is in another.

Documents that are versions, near-copies or cited together are one group. A group goes where the seed and
the least of its hashes say, so that a new document moves nothing but its own group.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from indexer import neardup
from indexer.neardup import Shingles, Sketch

ALIKE = 0.4
"""Jaccard of five-word shingles from which texts stay together. Half would be a leak; this leaves room."""
LOOKED_AT = 0.2
"""Estimate from 128 hashes below which no pair has half of its shingles in common: eight deviations."""
COARSE = 32
"""Hashes of which one byte is compared first."""
KEPT_SHINGLES = 200
"""Texts whose shingles are kept while pairs are compared."""

Pair = tuple[int, int]


class Groups:
    """What belongs together, by name. Joining costs nearly nothing."""

    def __init__(self) -> None:
        """Everything is on its own."""
        self._above: dict[str, str] = {}

    def of(self, name: str) -> str:
        """The name of a group: the least of its members."""
        while self._above.setdefault(name, name) != name:
            self._above[name] = self._above[self._above[name]]
            name = self._above[name]
        return name

    def join(self, names: Iterable[str]) -> None:
        """Put all of these into one group."""
        found = sorted({self.of(name) for name in names})
        for name in found[1:]:
            self._above[name] = found[0]


def choose(group: str, seed: int, shares: Sequence[tuple[str, float]]) -> str:
    """The split of a group.

    Args:
        group: Its name.
        seed: Another seed deals anew.
        shares: Names of splits with their shares, which add up to 1.
    """
    digest = hashlib.sha256(f"{seed}\0{group}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    for name, share in shares:
        place -= share
        if place < 0:
            return name
    return shares[-1][0]


def alike(sketches: Sequence[Sketch], shingles: Callable[[int], Shingles]) -> Iterator[Pair]:
    """Pairs of texts that must not be parted.

    Every pair is looked at, so none is missed by chance of banding; what may be alike is compared exactly.

    Args:
        sketches: MinHash of each text.
        shingles: Reads the shingles of a text.
    """
    if len(sketches) < 2:
        return
    kept = _Kept(shingles)
    for a, b in _candidates(np.array(sketches, dtype=np.uint32).reshape(len(sketches), -1)):
        if neardup.compare(kept.of(a), kept.of(b)).jaccard >= ALIKE:
            yield a, b


def _candidates(sketches: np.ndarray[tuple[int, int], np.dtype[np.uint32]]) -> Iterator[Pair]:
    # The low bytes of some hashes rule nearly all pairs out at a fraction of the cost.
    coarse = np.ascontiguousarray(sketches[:, :COARSE].astype(np.uint8).T)
    for row in range(len(sketches) - 1):
        equal = (coarse[:, row + 1 :] == coarse[:, row, None]).sum(axis=0)
        near = np.flatnonzero(equal >= 2) + row + 1
        if len(near):
            share = (sketches[near] == sketches[row]).mean(axis=1)
            yield from ((row, int(other)) for other in near[share >= LOOKED_AT])


class _Kept:
    """Shingles of the texts used last."""

    def __init__(self, read: Callable[[int], Shingles]) -> None:
        self._read = read
        self._kept: OrderedDict[int, Shingles] = OrderedDict()

    def of(self, text: int) -> Shingles:
        found = self._kept.pop(text, None)
        if found is None:
            found = self._read(text)
        self._kept[text] = found
        while len(self._kept) > KEPT_SHINGLES:
            self._kept.popitem(last=False)
        return found
