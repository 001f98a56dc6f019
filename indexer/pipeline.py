"""The one way from a changed path to a searchable chunk.

One thread (`quire-index`) owns every change of files and documents and the keyword index: it compares
disk and catalogue (`reconcile`), has new contents read (`intake`) and commits the keyword index
(`keywords`). Others ask it to look (`look`), or to do something in its thread (`call`). What must be done
lies in the catalogue, so that the thread can be killed at any moment.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeVar

from indexer.catalogue import Catalogue
from indexer.config import Config
from indexer.errors import AppError, DamagedError, StoreError
from indexer.intake import Intake
from indexer.keywords import KeywordFeed
from indexer.parsing.pool import ParsePool
from indexer.reconcile import Reconciler
from indexer.tally import Tally
from indexer.verdicts import parser_for

T = TypeVar("T")

log = logging.getLogger(__name__)

COMMIT_S = 0.5
"""Longest time a stored document waits for the keyword index."""
GRACE_S = 120.0
"""How long a content that no path holds is kept, so that a late second half of a move costs nothing."""
CROWD = 8
"""Documents waiting above which reading them goes before embedding."""
PAUSE_S = 5.0
"""Seconds between attempts while the disk is full or fails."""


@dataclass(slots=True)
class Look:
    """A request to compare paths with the catalogue; `done` is set when that has happened.

    The files found changed are then queued, not yet read; wait for `Pipeline.idle` for that.
    """

    paths: tuple[bytes, ...]
    """Empty: all roots."""
    certain: bool
    """An event told of these paths, so a missing one is deleted and not merely out of sight."""
    done: threading.Event = field(default_factory=threading.Event)
    took_s: float = 0.0


class Pipeline:
    """Disk to catalogue to keyword index."""

    def __init__(
        self,
        catalogue: Catalogue,
        feed: KeywordFeed,
        pool: ParsePool,
        config: Config,
        *,
        never: frozenset[bytes],
        stored: Callable[[], None],
        changed: Callable[[], None],
        dropped: Callable[[], None],
    ) -> None:
        """Keep the parts; `start` begins.

        Args:
            catalogue: The truth.
            feed: Owned by this pipeline's thread from now on.
            pool: Where documents are parsed.
            config: Settings.
            never: Absolute paths that are never looked at (the library's own folder).
            stored: Called after new chunks were stored: there is something to embed.
            changed: Called when what can be found, or the progress, has changed.
            dropped: Called after documents were removed: some vectors may be of no use any more.
        """
        self._catalogue = catalogue
        self._feed = feed
        self._stored, self._changed, self._dropped = stored, changed, dropped
        self._wake = threading.Condition()
        self._reconciler = Reconciler(catalogue, config.watch, never)
        self._intake = Intake(
            catalogue, feed, pool, config, root_of=self._reconciler.root_of, wake=self._wake
        )
        self._requests: deque[Look | Callable[[], None]] = deque()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="quire-index", daemon=True)
        self._orphans: dict[int, float] = {}
        self._commit_due = 0.0
        self._busy = True
        self._scanning = False
        self._pause = ""
        self._resume_at = 0.0
        self.revision = 0
        """Grows with each change of what can be found by keyword or by name."""

    # --- from other threads ---

    def start(self) -> None:
        """Begin; first what an earlier run left over."""
        self._thread.start()

    def close(self) -> None:
        """Stop; work that is under way is found again at the next start."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.ident is not None:
            self._thread.join()

    def look(self, paths: Iterable[bytes] = (), *, certain: bool = False) -> Look:
        """Compare paths (default: all roots) with the catalogue, soon."""
        request = Look(tuple(paths), certain)
        self._request(request)
        return request

    def call(self, work: Callable[[], T], timeout_s: float | None = None) -> T:
        """Run something in the pipeline's thread and return its result, or raise what it raises."""
        outcome: Future[T] = Future()

        def run() -> None:
            try:
                outcome.set_result(work())
            except BaseException as exc:  # noqa: BLE001 - handed to the caller as it is
                outcome.set_exception(exc)

        self._request(run)
        return outcome.result(timeout_s)

    def forget_root(self, root_id: int) -> None:
        """Remove a root with its files; returns when lists no longer show them."""

        def forget() -> None:
            self._leave(self._catalogue.remove_root(root_id).orphans)
            self._reconciler.reload()
            self._drain_feed()
            self._bump()

        self.call(forget)

    def halt(self, failure: AppError) -> None:
        """Change nothing any more: the catalogue is damaged."""

        def stop() -> None:
            raise failure

        self._request(lambda: self._guarded(stop))

    def retry(self, paths: Sequence[bytes], *, first: bool = False) -> None:
        """Read files again, though neither they nor their parser changed; `first`: before all others."""
        urgency = time.time_ns() if first else 0
        self._request(lambda: self._intake.enqueue([(path, urgency, 0) for path in paths], forced=True))

    def _request(self, request: Look | Callable[[], None]) -> None:
        with self._wake:
            if self._stopping:
                raise StoreError("The library is closed.")
            if not self._busy:
                self._busy = True
                self._intake.tally = Tally()
            self._requests.append(request)
            self._wake.notify()

    @property
    def tally(self) -> Tally:
        """What has been done in the work under way, or the last one."""
        return self._intake.tally

    @property
    def idle(self) -> bool:
        """Everything asked for is done and searchable by keyword, or cannot go on (see `note`)."""
        return not self._busy or bool(self._pause)

    @property
    def crowded(self) -> bool:
        """Many documents wait to be read."""
        return self._intake.waiting > CROWD

    @property
    def stage(self) -> str:
        """Stage for `Progress`, "" when idle."""
        if not self._busy:
            return ""
        if self._scanning:
            return "scan"
        return "parse" if self._intake.reading else "keyword"

    @property
    def note(self) -> str:
        """Why nothing goes on, or ""."""
        return self._pause

    # --- the thread ---

    def _run(self) -> None:
        self._guarded(self._recover)
        self._guarded(self._settle)
        while True:
            with self._wake:
                if not self._ready():
                    self._wake.wait(self._patience())
                if self._stopping:
                    break
            self._guarded(self._step)
            self._guarded(self._settle)
        self._guarded(self._commit)
        self._intake.close()
        for request in self._requests:
            # Whoever waits for an answer gets one.
            if isinstance(request, Look):
                request.done.set()
            else:
                request()

    def _ready(self) -> bool:
        at_work = not self._pause and (
            self._intake.group_is_due() or self._intake.can_launch or self._intake.revisit
        )
        return bool(self._stopping or self._requests or at_work)

    def _patience(self) -> float | None:
        """Seconds until something is due without being asked; None for ever."""
        if self._pause:
            left = self._resume_at - time.monotonic()
            return None if left == math.inf else max(0.0, left)
        due = self._intake.next_at()
        due += [self._commit_due] if self._feed.dirty else []
        due += [min(self._orphans.values())] if self._orphans else []
        due += [self._reconciler.confirm_at] if self._reconciler.confirm_at else []
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _guarded(self, work: Callable[[], None]) -> None:
        """Run a part of the loop; a full or failing disk pauses it, a fault costs one step."""
        try:
            work()
        except DamagedError as exc:
            self._pause_for(str(exc), for_ever=True)
        except AppError as exc:
            self._pause_for(str(exc))
        except Exception:
            log.exception("indexing: a step failed")
            time.sleep(0.05)

    def _pause_for(self, reason: str, *, for_ever: bool = False) -> None:
        if not self._pause:
            log.warning("indexing is paused: %s", reason)
        self._pause = f"Indexing is paused. {reason}"
        self._resume_at = math.inf if for_ever else time.monotonic() + PAUSE_S
        try:
            self._feed.rollback()
        except AppError as exc:
            log.warning("the keyword index cannot be rolled back: %s", exc)
        self._changed()

    def _resume(self) -> None:
        """Go on after a pause, from what the catalogue says is left."""
        self._resume_at = time.monotonic() + PAUSE_S
        self._catalogue.set_meta("resumed", str(time.time_ns()))
        self._feed.prepare()
        self._drain_feed()
        self._requeue()
        self._pause = ""

    def _recover(self) -> None:
        """Take up what an earlier run left: keyword work, files not yet read, outdated parsers."""
        self._feed.prepare()
        self._drain_feed()
        self._reconciler.reload()
        self._requeue()
        # What cannot be opened depends on more than the file: settings, its folder's permissions.
        self._intake.enqueue([(path, 0, 0) for path in self._catalogue.refused_paths()])
        for format, parser in self._catalogue.parsers():
            if parser != parser_for(format):
                paths = self._catalogue.paths_read_with(format, parser)
                self._intake.enqueue([(self._on_disk(path), 0, 0) for path in paths], forced=True)
        self._orphans = dict.fromkeys(self._catalogue.orphans(), time.monotonic())

    def _requeue(self) -> None:
        found = self._catalogue.waiting_files()
        self._intake.enqueue([(path, mtime, size) for path, mtime, size, member in found if not member])
        # The bytes of a member are in its container, which has to be read again for them.
        self._intake.enqueue([(self._on_disk(row[0]), 0, 0) for row in found if row[3]], forced=True)

    def _on_disk(self, path: bytes) -> bytes:
        return self._catalogue.container_of(path) or path

    def _step(self) -> None:
        if self._pause:
            if time.monotonic() < self._resume_at:
                self._answer()
                return
            self._resume()
        self._serve()
        if self._intake.group_is_due():
            self._intake.finish_group()
            self._stored()
        self._intake.take_due()
        if self._reconciler.confirm_at and self._reconciler.confirm_at <= time.monotonic():
            self._look(Look((), certain=False))
        if self._intake.revisit:
            paths, self._intake.revisit = self._intake.revisit, set()
            self._look(Look(tuple(paths), certain=True))
        self._intake.launch()
        self._feed_keywords()
        self._drop_orphans()

    def _serve(self) -> None:
        while self._requests:
            request = self._requests.popleft()
            if isinstance(request, Look):
                try:
                    self._look(request)
                finally:
                    request.done.set()
            else:
                request()

    def _answer(self) -> None:
        """While paused: leave nobody waiting, but compare nothing."""
        for _ in range(len(self._requests)):
            request = self._requests.popleft()
            if isinstance(request, Look):
                request.done.set()
            else:
                request()

    def _look(self, request: Look) -> None:
        began = time.monotonic()
        self._scanning = True
        self._changed()
        try:
            outcome = self._reconciler.look(request.paths, certain=request.certain, seen=self._see)
        finally:
            self._scanning = False
            request.took_s = time.monotonic() - began
        self._leave(outcome.orphans)
        if outcome.visible:
            self._bump()
        self._intake.forgive(path for path, _ in outcome.waiting)
        self._intake.enqueue([(path, mark.mtime_ns, mark.size) for path, mark in outcome.waiting])

    def _see(self, files: int) -> None:
        self._intake.tally.files_seen = files
        self._changed()

    # --- keyword index and clean-up ---

    def _feed_keywords(self) -> None:
        while self._feed.apply():
            pass
        if not self._feed.dirty:
            return
        now = time.monotonic()
        if not self._commit_due:
            self._commit_due = now + COMMIT_S
        if now >= self._commit_due or not self._intake.reading:
            self._commit()

    def _commit(self) -> None:
        self._commit_due = 0.0
        if self._feed.dirty:
            self._feed.commit()
            self._bump()

    def _drain_feed(self) -> None:
        while self._feed.apply():
            pass
        self._commit()

    def _bump(self) -> None:
        self.revision += 1
        self._changed()

    def _leave(self, documents: Iterable[int]) -> None:
        """Note documents that no path holds any more."""
        self._orphans.update(dict.fromkeys(documents, time.monotonic() + GRACE_S))

    def _drop_orphans(self) -> None:
        self._leave(self._intake.orphans)
        self._intake.orphans.clear()
        if not self._orphans or self._intake.reading:
            return
        now = time.monotonic()
        due = [document for document, when in self._orphans.items() if when <= now]
        if due:
            self._catalogue.drop_documents(due)
            for document in due:
                del self._orphans[document]
            self._dropped()

    def _settle(self) -> None:
        """Note whether everything is done."""
        with self._wake:
            busy = bool(
                self._pause
                or self._requests
                or self._intake.busy
                or self._feed.dirty
                or self._reconciler.confirm_at
            )
            finished = self._busy and not busy
            self._busy = busy
        if finished:
            self._catalogue.checkpoint()
            # A content that found a path again may still be without vectors.
            self._stored()
        self._changed()
