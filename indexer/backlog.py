"""Embeds what waits for it, in the background, and seals the vectors when that is due.

One thread (`quire-embed`). What waits lies in the catalogue (`embed_queue`), so nothing is lost when it
ends; an embedder that fails is asked again with growing pauses and never holds up keyword search.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from indexer import chunking
from indexer.catalogue import Catalogue, Waiting
from indexer.embedding import Embedder
from indexer.errors import AppError, StoreError
from indexer.guard import Guard
from indexer.vectors import VectorStore, forget_models

log = logging.getLogger(__name__)

WINDOW = 256
"""Chunks taken from the queue at once, to be ordered by length."""
SLICE = 16
"""Chunks embedded and stored at once; the thread can stop between two slices."""
CROWDED_S = 0.2
"""Seconds between looks at whether documents still come first."""
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 300.0
UNUSED_AFTER_S = 600.0
"""How long a vector that no chunk uses is kept: an edit may be undone, a branch switched back."""


class Backlog:
    """The queue of chunks without a vector."""

    def __init__(
        self, catalogue: Catalogue, *, changed: Callable[[], None], crowded: Callable[[], bool]
    ) -> None:
        """Keep the parts; nothing happens before `use`.

        Args:
            catalogue: Where the queue is.
            changed: Called when vectors arrive.
            crowded: Tells that many documents wait to be read. They come first: reading all takes a
                small part of the time that embedding all takes, and makes all searchable by keyword.
        """
        self._catalogue = catalogue
        self._changed = changed
        self._crowded = crowded
        self._wake = threading.Condition()
        self._stopping = False
        self._pending = True
        self._woken = False
        self._embedder: Embedder | None = None
        self._store: VectorStore | None = None
        self._guard: Guard | None = None
        self._model = 0
        self._place = Path()
        self._unused_at = time.monotonic() + UNUSED_AFTER_S
        self._thread = threading.Thread(target=self._run, name="quire-embed", daemon=True)
        self.stage = ""
        """"embed", "seal", or "" when there is nothing to do."""
        self.revision = 0
        """Grows with each change of what can be found by meaning."""
        self.rested = 0
        """Grows when it comes to rest after such a change."""
        self._rested_at = -1
        self.note = ""
        """Why nothing is embedded although something waits."""

    def use(
        self,
        embedder: Embedder,
        store: VectorStore,
        model_id: int,
        place: Path,
        guard: Guard | None = None,
    ) -> None:
        """Begin to embed with a model.

        Args:
            embedder: The model.
            store: Gets the vectors.
            model_id: The model's in the catalogue.
            place: The vector store's folder.
            guard: Says which documents may go to the model; None for a model on this machine.
        """
        self._guard = guard
        self._embedder, self._store, self._model, self._place = embedder, store, model_id, place
        self._thread.start()

    def wake(self) -> None:
        """There is something to embed."""
        with self._wake:
            self._pending = self._woken = True
            self._wake.notify()

    def vectors_unused(self) -> None:
        """Some vectors may be of no use any more; they are removed after a while."""
        with self._wake:
            self._unused_at = time.monotonic() + UNUSED_AFTER_S
            self._wake.notify()

    @property
    def idle(self) -> bool:
        """Nothing waits, or nothing can be done about it now (see `note`)."""
        return self._embedder is None or bool(self.note) or not self._pending

    def close(self) -> None:
        """Stop after the slice that is at work."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        pause = FIRST_PAUSE_S
        while self._await():
            try:
                self._work()
                pause = FIRST_PAUSE_S
                self.note = ""
            except Exception as exc:
                if self._stopping:
                    return
                if not isinstance(exc, AppError):
                    log.exception("embedding failed")
                self.stage = ""
                self.note = f"Meaning search waits: {exc}"
                self._changed()
                self._rest(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)

    def _await(self) -> bool:
        """Wait for work; False when it is time to end."""
        with self._wake:
            while not self._stopping and not self._pending:
                patience = self._unused_at - time.monotonic() if self._unused_at else None
                if patience is not None and patience <= 0:
                    return True
                self._wake.wait(patience)
            return not self._stopping

    def _rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        with self._wake:
            while not self._stopping and (left := end - time.monotonic()) > 0:
                self._wake.wait(left)

    def _work(self) -> None:
        if self._unused_at and self._unused_at <= time.monotonic():
            self._drop_unused()
        # Pending until the queue was seen empty: nobody may think that all is done while it is looked at.
        with self._wake:
            self._woken = False
        while not self._stopping and (waiting := self._catalogue.next_to_embed(self._model, WINDOW)):
            self._embed(self._permitted(waiting))
        if not self._stopping:
            self._seal()
            left = bool(self._catalogue.next_to_embed(self._model, 1))
            if not left:
                self.stage = ""  # before it is seen at rest, too: the last progress told is that of the end
            with self._wake:
                # Before it is seen at rest: who waits for that asks what has changed.
                if not left and self._rested_at != self.revision:
                    self.rested, self._rested_at = self.rested + 1, self.revision
                self._pending = left or self._woken
        self.stage = ""
        self._changed()

    def _permitted(self, waiting: Sequence[Waiting]) -> Sequence[Waiting]:
        """What may go to the model, looked up just before it goes; the rest waits no longer."""
        if self._guard is None:
            return waiting
        withheld = self._guard.withheld(item.document for item in waiting)
        if withheld:
            self._catalogue.unqueue(withheld)
            self._changed()
        return [item for item in waiting if item.document not in withheld]

    def _noted(self, documents: Sequence[int]) -> AbstractContextManager[None]:
        """Names the documents in the log of what goes elsewhere."""
        if self._guard is None:
            return nullcontext()
        return self._guard.naming(self._catalogue.hashes(documents))

    def _embed(self, waiting: Sequence[Waiting]) -> None:
        texts = [
            (chunking.embedding_text(item.title, item.heading, item.text), item.key, item.document)
            for item in waiting
        ]
        texts.sort(key=lambda pair: len(pair[0]))
        for start in range(0, len(texts), SLICE):
            while self._crowded() and not self._stopping:
                self.stage = ""
                self._rest(CROWDED_S)
            if self._stopping:
                return
            self.stage = "embed"
            part = texts[start : start + SLICE]
            assert self._embedder is not None
            with self._noted([document for _, _, document in part]):
                vectors = self._embedder.embed_passages([text for text, _, _ in part])
            self.note = ""
            ids, stored = self._catalogue.store_vectors(self._model, [key for _, key, _ in part], vectors)
            if ids and self._store is not None:
                self._store.added(ids, stored)
            self.revision += 1
            self._changed()

    def _seal(self) -> None:
        assert self._store is not None
        first = not self._catalogue.generations(self._model) and self._store.count() > 0
        self.stage = "seal"
        try:
            self._store.seal_if_due(force=first)
        except StoreError as exc:
            # Brute force over the unsealed vectors answers as well, only more slowly.
            log.warning("vectors cannot be sealed: %s", exc)

    def _drop_unused(self) -> None:
        """Remove vectors of texts that are gone, and of models that this one has replaced."""
        self._unused_at = 0.0
        if self._catalogue.pending_embed():
            self._unused_at = time.monotonic() + UNUSED_AFTER_S
        else:
            self._catalogue.drop_other_models(self._model)
            forget_models(self._place, {self._model})
        ids = self._catalogue.drop_unused_vectors(self._model)
        if ids and self._store is not None:
            self._store.deleted(ids)
            with self._wake:
                self._pending = True
