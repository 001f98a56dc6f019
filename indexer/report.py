"""What is going on in a library, as one value, and the waiting for it to change.

Threads that work call `News.changed`; whoever shows progress waits on it. Nothing here starts work.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from indexer.backlog import Backlog
from indexer.catalogue import Catalogue
from indexer.parsing.pool import ParsePool
from indexer.pipeline import Pipeline
from indexer.recognition import Recognition
from indexer.types import Progress
from indexer.watch import Watcher

TICK_S = 0.25
"""Shortest time between two events of progress."""
BEAT_S = 5.0
"""Longest time between two events, so that whoever passes them on notices a closed connection."""


class News:
    """Tells waiting threads that something has changed."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._count = 0
        self.closed = False

    def changed(self) -> None:
        """Something has changed."""
        with self._condition:
            self._count += 1
            self._condition.notify_all()

    def close(self) -> bool:
        """Nothing will change any more; False when that was so before."""
        with self._condition:
            was, self.closed = self.closed, True
            self._condition.notify_all()
            return not was

    @property
    def count(self) -> int:
        """Changes so far."""
        return self._count

    def wait(self, seen: int, longest_s: float) -> None:
        """Wait until there are more changes than `seen`, or for `longest_s`."""
        with self._condition:
            self._condition.wait_for(lambda: self.closed or self._count != seen, longest_s)


class Reporter:
    """Puts what the parts say of themselves into one `Progress`."""

    def __init__(
        self,
        news: News,
        catalogue: Catalogue,
        pool: ParsePool,
        pipeline: Pipeline,
        backlog: Backlog,
        watcher: Watcher,
        recognition: Recognition,
        *,
        labels: Callable[[], int],
    ) -> None:
        """Keep the parts; `labels` counts the changes of labels."""
        self._news = news
        self._catalogue = catalogue
        self._pool = pool
        self._pipeline = pipeline
        self._backlog = backlog
        self._watcher = watcher
        self._labels = labels
        self._recognition = recognition
        self._counting = threading.Lock()
        self._count_at = 0.0
        self._counted = (0, 0)
        self.loading = True
        """The embedding model is still being loaded."""
        self.embedding_note = ""
        """Why there is no embedding model; "" when there is one."""

    @property
    def revision(self) -> int:
        """Grows with every change of what can be found."""
        return self._pipeline.revision + self._backlog.revision + self._labels()

    def progress(self, *, exact: bool = False) -> Progress:
        """What is being done now; `exact` counts chunks anew, though it was done a moment ago."""
        tally = self._pipeline.tally
        chunks, pending = self._count(exact)
        working = self._pool.working_on()
        ocr = self._recognition
        return Progress(
            stage=self._stage(pending),  # type: ignore[arg-type]
            files_seen=tally.files_seen,
            done=tally.done,
            total=tally.total,
            bytes_done=tally.bytes_done,
            bytes_total=tally.bytes_total,
            embedded=chunks - pending,
            chunks=chunks,
            parsed=tally.parsed,
            failed=tally.failed,
            current=working[0] if working else ocr.current,
            revision=self.revision,
            note=self._pipeline.note
            or self._watcher.note
            or self._backlog.note
            or self.embedding_note
            or ocr.note,
            ocr_done=ocr.done,
            ocr_total=ocr.done + ocr.waiting,
        )

    def _stage(self, pending: int) -> str:
        if self._pipeline.stage:
            return self._pipeline.stage
        if self._backlog.stage:
            return self._backlog.stage
        if pending and (self.loading or not self._backlog.idle):
            return "embed"
        return "ocr" if self._recognition.waiting and not self._recognition.idle else "idle"

    def _count(self, exact: bool) -> tuple[int, int]:
        """Chunks, and those without a vector; kept for a while that grows with the time it takes."""
        with self._counting:
            began = time.monotonic()
            if (exact or began >= self._count_at) and not self._news.closed:
                self._counted = self._catalogue.count_chunks()
                took = time.monotonic() - began
                self._count_at = began + max(0.2, 20 * took)
            return self._counted

    def until(self, done: Callable[[], bool]) -> Iterator[Progress]:
        """Progress while something goes on; the last one is of the moment when it was done."""
        shown: Progress | None = None
        next_at = 0.0
        while not self._news.closed:
            seen = self._news.count
            if done():
                yield self.progress(exact=True)
                return
            if time.monotonic() >= next_at:
                now = self.progress()
                if now != shown:
                    yield now
                shown, next_at = now, time.monotonic() + TICK_S
            self._news.wait(seen, TICK_S)

    def events(self) -> Iterator[Progress]:
        """Progress whenever it changes, at most four times a second, until the library is closed."""
        shown: Progress | None = None
        beat = 0.0
        while not self._news.closed:
            seen = self._news.count
            now = self.progress()
            if now != shown or time.monotonic() >= beat:
                yield now
                shown, beat = now, time.monotonic() + BEAT_S
            tick = time.monotonic() + TICK_S
            self._news.wait(seen, BEAT_S)
            time.sleep(max(0.0, tick - time.monotonic()))
