"""Which vectors may go to a vector server on another machine: a vector can be turned back into its text.

So it goes as its text would: never, and without agreement, not at all; under "redact" only when there is
nothing in it to replace. What stays is searched here. Every upload and every search there is logged.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from indexer.catalogue import Catalogue
from indexer.catalogue.embeddings import Embedded
from indexer.egress import Call
from indexer.guard import Guard
from indexer.vectors.source import Ids

BATCH = 1000


class Uploads:
    """The owner's rules applied to vectors of one model. Thread-safe."""

    def __init__(self, catalogue: Catalogue, guard: Guard, model_id: int, store: str) -> None:
        """Keep the parts.

        Args:
            catalogue: Knows the texts and documents behind a vector.
            guard: The owner's rules and the log.
            model_id: Whose vectors.
            store: Name of the collection, for the log.
        """
        self._catalogue = catalogue
        self._guard = guard
        self._model_id = model_id
        self._store = store
        self._telling: dict[int, bool] = {}
        """Whether the text of a vector holds something to replace."""
        self._now = threading.local()

    def withheld(self, ids: Ids) -> Ids:
        """Those of the vectors that belong to a document of which nothing goes without asking."""
        found: list[int] = []
        for part in _parts(ids):
            rows = self._catalogue.embedded(self._model_id, part)
            kept = self._guard.withheld(row.document for row in rows)
            found += [row.vector for row in rows if row.document in kept]
        return np.unique(np.array(found, np.int64))

    def staying(self, ids: Ids) -> Ids:
        """Those of the vectors that must not go: withheld, of text with secrets, or of no text any more."""
        stay: set[int] = set()
        for part in _parts(ids):
            rows = self._catalogue.embedded(self._model_id, part)
            policies = self._guard.policies_of({row.document for row in rows})
            known = {row.vector for row in rows}
            stay |= {int(each) for each in part if int(each) not in known}
            for row in rows:
                policy = policies[row.document]
                if policy != "allow" and (policy != "redact" or self._tells(row)):
                    stay.add(row.vector)
        return np.array(sorted(stay), np.int64)

    def _tells(self, row: Embedded) -> bool:
        if row.vector not in self._telling:
            text = f"{row.title}\n{row.heading}\n{row.text}"
            self._telling[row.vector] = self._guard.vault().hide(text) != text
        return self._telling[row.vector]

    @contextmanager
    def noting(self, purpose: str, ids: Ids | None = None) -> Iterator[None]:
        """Log what this thread sends in the block, with the documents of these vectors."""
        documents: list[str] = []
        if ids is not None:
            rows = [row for part in _parts(ids) for row in self._catalogue.embedded(self._model_id, part)]
            documents = self._catalogue.hashes(row.document for row in rows)
        self._now.log = self._guard.logger(self._store, purpose, documents, {})
        try:
            yield
        finally:
            self._now.log = None

    def note(self, call: Call) -> None:
        """Write a request into the log; what is sent outside of `noting`, or empty, holds no vector."""
        log: Callable[[Call], None] | None = getattr(self._now, "log", None)
        if log is not None and call.bytes:
            log(call)


def _parts(ids: Ids) -> Iterator[Ids]:
    for first in range(0, len(ids), BATCH):
        yield ids[first : first + BATCH]
