"""Likeness of texts: which are the same, which nearly, which hold one another.

A text becomes a stream of words (case and accents folded; of Chinese, Japanese and Korean every
character is a word), its shingles are all runs of `SHINGLE` words. A signature keeps the smallest values
of `HASHES` hash functions over the shingles (MinHash: Broder, "On the resemblance and containment of
documents", 1997). Documents that share a band of it (locality-sensitive hashing) are candidates, and
candidates are verified on the shingles themselves. Knows neither the catalogue nor files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.text import fold

VERSION = 1
"""Raised when signatures change: all are then computed anew."""
SHINGLE = 5
HASHES = 128
ROWS = 4
"""Hashes in a band. 32 bands of 4 find 87 % of the pairs with Jaccard 0.5, practically all with 0.7."""
LONGEST = 4_000_000
"""Characters of a text whose words are compared; about two thousand pages."""
KNOWN = 100_000
"""Words whose hashes are kept; about 12 MB."""
LEAST = 20
"""Shingles below which two different texts are too short to be called nearly the same."""

NEAR = 0.8
"""Jaccard from which two documents are near-copies."""
HELD = 0.8
"""Share of a document's shingles from which another one holds it."""
KEPT = 0.45
"""Estimated Jaccard from which a candidate is verified: well below `NEAR`, since versions of a document
are often revised by half."""
CROWD = 24
"""Documents in one bucket from which only neighbours are compared: a thousand logs that are nearly equal
would be half a million pairs. Chained they come into one group all the same."""

Shingles = NDArray[np.uint64]
Sketch = NDArray[np.uint32]

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
WORD = re.compile(f"[{_CJK}]|[^\\W_{_CJK}]+")
"""A word, or one character of a script that writes none."""
_BROKEN = re.compile("(?<=[^\\W\\d_])[-\u2010]\n[ \\t]*(?=[^\\W\\d_])")
_AT_ONCE = 1 << 13
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_ODD = np.random.default_rng(20_240_229).integers(0, 2**63, size=(2, HASHES), dtype=np.uint64)
_FACTORS = _ODD[0] << np.uint64(1) | np.uint64(1)
_OFFSETS = _ODD[1]


class Signature(NamedTuple):
    """What is kept of a text."""

    key: bytes
    """16 bytes over its letters and digits alone, so the same text has the same key in every format;
    empty for a text without any."""
    shingles: int
    """Number of different shingles."""
    sketch: Sketch
    """(HASHES,)"""


class Likeness(NamedTuple):
    """How two texts overlap, in shares of their shingles."""

    jaccard: float
    containment: float
    """Share of the smaller one that the other holds."""


class _Hashed(dict[str, int]):
    """Words and their 64-bit hashes, the same in every process; most are known from other texts."""

    def __missing__(self, word: str) -> int:
        if len(self) >= KNOWN:
            self.clear()
        value = self[word] = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
        return value


_hash_of = _Hashed().__getitem__


def words(text: str) -> list[str]:
    """The words of a text as they are compared; a word that is broken at a line's end is one."""
    found: list[str] = WORD.findall(fold(_BROKEN.sub("", text[:LONGEST])))
    return found


def shingles(text: str) -> Shingles:
    """Hashes of the different shingles of a text, ascending; a short text is one shingle."""
    return _shingles(np.fromiter(map(_hash_of, words(text)), dtype=np.uint64))


def _shingles(hashes: NDArray[np.uint64]) -> Shingles:
    count = len(hashes) - SHINGLE + 1
    if count < 1:
        count = min(len(hashes), 1)
    width = min(len(hashes), SHINGLE)
    mixed = np.zeros(count, dtype=np.uint64)
    for place in range(width):
        mixed = (mixed ^ hashes[place : place + count]) * _GOLDEN
        mixed ^= mixed >> np.uint64(29)
    return np.unique(mixed)


def sign(text: str) -> Signature:
    """The signature of a text."""
    said = words(text)
    key = hashlib.blake2b("".join(said).encode(), digest_size=16).digest() if said else b""
    found = _shingles(np.fromiter(map(_hash_of, said), dtype=np.uint64, count=len(said)))
    return Signature(key, len(found), sketch(found))


def sketch(found: Shingles) -> Sketch:
    """MinHash of a set of shingles; all ones for the empty set."""
    lowest = np.full(HASHES, np.iinfo(np.uint32).max, dtype=np.uint32)
    for first in range(0, len(found), _AT_ONCE):
        part = found[first : first + _AT_ONCE, None] * _FACTORS + _OFFSETS
        lowest = np.minimum(lowest, (part >> np.uint64(32)).astype(np.uint32).min(axis=0))
    return lowest


def compare(a: Shingles, b: Shingles) -> Likeness:
    """The exact overlap of two texts."""
    if not len(a) or not len(b):
        return Likeness(0.0, 0.0)
    common = len(np.intersect1d(a, b, assume_unique=True))
    return Likeness(common / (len(a) + len(b) - common), common / min(len(a), len(b)))


def candidates(sketches: NDArray[np.uint32], fresh: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Pairs of rows, (n, 2) with the smaller first, that share a band and are worth verifying.

    Args:
        sketches: (documents, HASHES).
        fresh: Which of them are new; pairs without any are left out, they were compared before.
    """
    pairs: set[int] = set()
    count = len(sketches)
    for first in range(0, HASHES, ROWS):
        for bucket in _buckets(np.ascontiguousarray(sketches[:, first : first + ROWS])):
            if fresh[bucket].any():
                pairs.update(_pairs(bucket, fresh, count))
    if not pairs:
        return np.empty((0, 2), dtype=np.int64)
    coded = np.fromiter(sorted(pairs), dtype=np.int64, count=len(pairs))
    both = np.stack((coded // count, coded % count), axis=1)
    kept = [
        part[(sketches[part[:, 0]] == sketches[part[:, 1]]).mean(axis=1) >= KEPT]
        for part in (both[start : start + _AT_ONCE] for start in range(0, len(both), _AT_ONCE))
    ]
    return np.concatenate(kept)


def _buckets(band: NDArray[np.uint32]) -> Iterator[NDArray[np.int64]]:
    """Rows with equal bands, ascending; only where there are at least two."""
    keys = band.view(np.dtype((np.void, band.dtype.itemsize * ROWS))).ravel()
    _, inverse, sizes = np.unique(keys, return_inverse=True, return_counts=True)
    shared = np.flatnonzero(sizes[inverse] > 1)
    if len(shared):
        order = shared[np.argsort(inverse[shared], kind="stable")]
        cuts = np.flatnonzero(np.diff(inverse[order])) + 1
        yield from np.split(order, cuts)


def _pairs(bucket: NDArray[np.int64], fresh: NDArray[np.bool_], count: int) -> Iterator[int]:
    rows = bucket.tolist()
    if len(rows) > CROWD:
        yield from (a * count + b for a, b in pairwise(rows))
        return
    for at, a in enumerate(rows):
        for b in rows[at + 1 :]:
            if fresh[a] or fresh[b]:
                yield a * count + b


def groups(pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """What is connected by pairs: each group ascending, groups by their first."""
    above: dict[int, int] = {}

    def root(item: int) -> int:
        while above.setdefault(item, item) != item:
            above[item] = above[above[item]]
            item = above[item]
        return item

    for a, b in pairs:
        first, second = sorted((root(a), root(b)))
        above[second] = first
    found: dict[int, list[int]] = {}
    for item in sorted(above):
        found.setdefault(root(item), []).append(item)
    return list(found.values())
