"""What the vector store asks of the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.egress import Call
from indexer.types import Generation

Ids = NDArray[np.int64]
Matrix = NDArray[np.float32]

BLOCK = 4096
"""Vectors read at once, so that no step needs memory for all of them."""


class VectorSource(Protocol):
    """The catalogue's side. Ids of one model grow for ever and are never used again."""

    def vector_ids(self, model_id: int, after: int = 0) -> Ids:
        """Ids greater than `after`, ascending."""

    def read_vectors(self, model_id: int, ids: Sequence[int] | Ids) -> Matrix:
        """Vectors of ids, (n, dimensions), in the order given. Raises KeyError for an unknown one."""

    def generations(self, model_id: int) -> list[Generation]:
        """The sealed generations in use, by ascending ids."""

    def replace_generations(self, model_id: int, removed: Sequence[str], added: Sequence[Generation]) -> None:
        """Swap generations in one transaction."""


class Customs(Protocol):
    """What decides which vectors go to a server on another machine (`indexer.uploads`)."""

    def withheld(self, ids: Ids) -> Ids:
        """Vectors of documents of which nothing may go; ascending."""

    def staying(self, ids: Ids) -> Ids:
        """Vectors that must not go for whatever reason; ascending."""

    def noting(self, purpose: str, ids: Ids | None = None) -> AbstractContextManager[None]:
        """Log what the thread sends in the block."""

    def note(self, call: Call) -> None:
        """A request that is sent, and what came of it."""


def read_blocks(source: VectorSource, model_id: int, ids: Ids) -> Iterator[tuple[Ids, Matrix]]:
    """Read vectors in blocks; ids that were deleted in the meantime are left out."""
    for first in range(0, len(ids), BLOCK):
        block = ids[first : first + BLOCK]
        while len(block):
            try:
                yield block, source.read_vectors(model_id, block)
                break
            except KeyError:
                block = np.intersect1d(block, source.vector_ids(model_id, after=int(block[0]) - 1))
