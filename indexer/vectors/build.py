"""Builds one generation, as a child process of the engine: `python -m indexer.vectors.build FOLDER LO HI`.

A child, because adding to Chroma holds the interpreter lock for a second at a time, and because a crash here
costs nothing. The folder already holds ids.npy and vectors.npy; when this ends with 0 it is sealed.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.vectors import chroma, generation
from indexer.vectors.source import BLOCK, Ids, Matrix

SAMPLES = 64
MIN_FOUND = 0.9
"""Share of sampled vectors that must find themselves; an approximate index may miss one."""
_PR_SET_PDEATHSIG = 1


def build(folder: Path, lo: int, hi: int) -> None:
    """Fill, check and seal `folder`.

    Raises:
        RuntimeError: what was built does not answer rightly.
    """
    ids: Ids = np.load(folder / "ids.npy")
    vectors: NDArray[np.float16] = np.load(folder / "vectors.npy", mmap_mode="r")
    place = folder / "chroma"
    directory = chroma.Directory(place)
    directory.create(_blocks(ids, vectors), len(ids))
    directory.close()
    chroma.vacuum(place)
    _check(place, ids, vectors)
    generation.seal(folder, lo=lo, hi=hi, count=len(ids), dimensions=vectors.shape[1])


def _blocks(ids: Ids, vectors: NDArray[np.float16]) -> Iterator[tuple[Ids, Matrix]]:
    for first in range(0, len(ids), BLOCK):
        part = slice(first, first + BLOCK)
        yield ids[part], vectors[part].astype(np.float32)


def _check(place: Path, ids: Ids, vectors: NDArray[np.float16]) -> None:
    """Open it anew and let a sample of vectors look for themselves."""
    directory = chroma.Directory(place)
    count = directory.open()
    if count != len(ids):
        raise RuntimeError(f"{count} of {len(ids)} vectors arrived")
    sample = np.unique(np.linspace(0, len(ids) - 1, SAMPLES, dtype=np.int64))
    found = 0
    for row in sample:
        near = directory.query(vectors[row].astype(np.float32), min(10, len(ids)))
        # A twin at the same place is as good as the vector itself.
        found += any(i == ids[row] or cosine > generation.TWIN for i, cosine in near)
    directory.close()
    if found < MIN_FOUND * len(sample):
        raise RuntimeError(f"only {found} of {len(sample)} vectors find themselves")


def _die_with_parent(parent: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


def main(arguments: list[str]) -> int:
    """Run the build in this process."""
    folder, lo, hi, parent = arguments
    os.umask(0o077)
    if sys.platform == "linux":
        _die_with_parent(int(parent))
    os.nice(10)
    build(Path(folder), int(lo), int(hi))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
