"""The one way from a changed path to a searchable chunk.

One thread (`quire-index`) owns every change of files and documents and the keyword index: it compares
disk and catalogue, links known contents, hands new ones to the parse workers, stores what comes back
and commits the keyword index. Others ask it to look (`look`), or to do something in its thread (`call`).
What must be done lies in the catalogue, so that the thread can be killed at any moment.
"""

from __future__ import annotations

import hashlib
import heapq
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import TypeVar

from indexer import chunking
from indexer.catalogue import Catalogue, Fingerprint, NewDocument, StoredDocument
from indexer.config import Config
from indexer.errors import AppError, StoreError, UnreadableDocument
from indexer.keywords import KeywordFeed
from indexer.parsing.frames import Parsed
from indexer.parsing.opening import open_document
from indexer.parsing.pool import ParsePool, parser_version
from indexer.reconcile import Reconciler
from indexer.types import Attachment, ParsedDocument, Status

T = TypeVar("T")

log = logging.getLogger(__name__)

COMMIT_S = 0.5
"""Longest time a stored document waits for the keyword index."""
IN_FLIGHT = 40
"""Documents with the workers at once; each holds an open descriptor."""
GRACE_S = 120.0
"""How long a content that no path holds is kept, so that a late second half of a move costs nothing."""
GROUP = 16
"""Documents stored in one transaction when they arrive quickly; each is a part that can fail by itself."""
LINGER_S = 0.04
"""How long the first of a group waits for others while more are at the workers."""
PAUSE_S = 5.0
"""Seconds between attempts while the disk is full or fails."""
CONTAINER_DEPTH = 4
"""Containers inside each other that are opened."""
MAX_TRIES = 8
"""Attempts to read a file that changes all the time before it gets that status; hints start anew."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """What has been done since the work began that is under way now."""

    files_seen: int = 0
    done: int = 0
    total: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    parsed: int = 0
    failed: int = 0


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


@dataclass(slots=True)
class _Holder:
    """A file that is to hold a content once that is read."""

    file_id: int
    path: bytes
    """b"" for a member of a container."""
    mark: Fingerprint


@dataclass(slots=True)
class _Flight:
    """A content at the workers."""

    digest: str
    size: int
    depth: int
    descriptor: int
    """Kept open to see whether the file changed meanwhile; -1 for a member."""
    holders: list[_Holder]
    future: Future[Parsed]


@dataclass(slots=True)
class _Member:
    """A file inside a container that waits for its turn."""

    file_id: int
    attachment: Attachment
    depth: int
    mark: Fingerprint


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
        self._pool = pool
        self._config = config
        self._stored, self._changed, self._dropped = stored, changed, dropped
        self._reconciler = Reconciler(catalogue, config.watch, never)
        self._wake = threading.Condition()
        self._requests: deque[Look | Callable[[], None]] = deque()
        self._results: deque[_Flight] = deque()
        self._results_due = 0.0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="quire-index", daemon=True)
        self._heap: list[tuple[int, bytes]] = []
        self._queued: dict[bytes, bool] = {}
        """Path to whether it must be parsed although its content is known."""
        self._later: list[tuple[float, bytes]] = []
        self._tries: dict[bytes, int] = {}
        self._members: deque[_Member] = deque()
        self._flights: dict[str, _Flight] = {}
        self._flying: set[bytes] = set()
        """Paths whose content is at the workers."""
        self._orphans: dict[int, float] = {}
        self._commit_due = 0.0
        self._busy = True
        self._scanning = False
        self._pause = ""
        self._resume_at = 0.0
        self.tally = Tally()
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

    def retry(self, paths: Sequence[bytes]) -> None:
        """Read files again, though neither they nor their parser changed."""
        self._request(lambda: self._enqueue([(path, 0, 0) for path in paths], forced=True))

    def _request(self, request: Look | Callable[[], None]) -> None:
        with self._wake:
            if self._stopping:
                raise StoreError("The library is closed.")
            if not self._busy:
                self._busy = True
                self.tally = Tally()
            self._requests.append(request)
            self._wake.notify()

    @property
    def idle(self) -> bool:
        """Everything asked for is done and searchable by keyword, or cannot go on (see `note`)."""
        return not self._busy or bool(self._pause)

    @property
    def stage(self) -> str:
        """Stage for `Progress`, "" when idle."""
        if not self._busy:
            return ""
        if self._scanning:
            return "scan"
        return "parse" if self._heap or self._flights or self._members else "keyword"

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
        for flight in self._flights.values():
            flight.future.cancel()
            _close(flight)

    def _ready(self) -> bool:
        return bool(
            self._stopping
            or self._requests
            or self._group_is_due()
            or ((self._heap or self._members) and len(self._flights) < IN_FLIGHT and not self._pause)
        )

    def _group_is_due(self) -> bool:
        """Whether the results that have arrived are worth a transaction."""
        arrived = len(self._results)
        if not arrived or arrived >= GROUP or arrived >= len(self._flights):
            return arrived > 0
        return time.monotonic() >= self._results_due

    def _patience(self) -> float | None:
        """Seconds until something is due without being asked; None for ever."""
        due = [self._commit_due] if self._feed.dirty else []
        due += [self._results_due] if self._results else []
        due += [self._resume_at] if self._pause else []
        due += [self._later[0][0]] if self._later else []
        due += [min(self._orphans.values())] if self._orphans else []
        due += [self._reconciler.confirm_at] if self._reconciler.confirm_at else []
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _guarded(self, work: Callable[[], None]) -> None:
        """Run a part of the loop; a full or failing disk pauses it, a fault costs one step."""
        try:
            work()
        except StoreError as exc:
            self._pause_for(str(exc))
        except AppError as exc:
            self._pause_for(f"Indexing is paused: {exc}")
        except Exception:
            log.exception("indexing: a step failed")
            time.sleep(0.05)

    def _pause_for(self, reason: str) -> None:
        log.warning("indexing is paused: %s", reason)
        self._pause = reason
        self._resume_at = time.monotonic() + PAUSE_S
        try:
            self._feed.rollback()
        except AppError:
            log.exception("the keyword index cannot be rolled back")
        self._changed()

    def _resume(self) -> None:
        """Go on after a pause, from what the catalogue says is left."""
        self._resume_at = time.monotonic() + PAUSE_S
        self._catalogue.set_meta("probe", str(time.time_ns()))
        self._drain_feed()
        self._pause = ""
        self._requeue()

    def _recover(self) -> None:
        """Take up what an earlier run left: keyword work, files not yet read, outdated parsers."""
        self._feed.prepare()
        self._drain_feed()
        self._reconciler.reload()
        self._requeue()
        for format, parser in self._catalogue.parsers():
            if parser != _parser_for(format):
                paths = self._catalogue.paths_read_with(format, parser)
                self._enqueue([(self._on_disk(path), 0, 0) for path in paths], forced=True)
        for document in self._catalogue.orphans():
            self._orphans[document] = time.monotonic()

    def _requeue(self) -> None:
        found = self._catalogue.waiting_files()
        self._enqueue([(path, mtime, size) for path, mtime, size, member in found if not member])
        # The bytes of a member are in its container, which has to be read again for them.
        self._enqueue([(self._on_disk(row[0]), 0, 0) for row in found if row[3]], forced=True)

    def _on_disk(self, path: bytes) -> bytes:
        return self._catalogue.container_of(path) or path

    def _step(self) -> None:
        now = time.monotonic()
        if self._pause:
            if now < self._resume_at and not self._stopping:
                self._serve_calls()
                return
            self._resume()
        self._serve_requests()
        if self._group_is_due():
            self._finish_group()
        while self._later and self._later[0][0] <= now:
            _, path = heapq.heappop(self._later)
            self._enqueue([(path, time.time_ns(), 0)], counted=False)
        if self._reconciler.confirm_at and self._reconciler.confirm_at <= now:
            self._look(Look((), certain=False))
        self._launch()
        self._feed_keywords()
        self._drop_orphans()

    def _serve_requests(self) -> None:
        while self._requests:
            request = self._requests.popleft()
            if isinstance(request, Look):
                try:
                    self._look(request)
                finally:
                    request.done.set()
            else:
                request()

    def _serve_calls(self) -> None:
        """While paused: answer, but change nothing on disk by ourselves."""
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
        for path, _ in outcome.waiting:
            self._tries.pop(path, None)
        self._enqueue([(path, mark.mtime_ns, mark.size) for path, mark in outcome.waiting])

    def _see(self, files: int) -> None:
        self.tally.files_seen = files
        self._changed()

    def _enqueue(
        self, found: Iterable[tuple[bytes, int, int]], *, forced: bool = False, counted: bool = True
    ) -> None:
        """Queue paths to be read: (path, mtime_ns, size), newest first."""
        for path, mtime_ns, size in found:
            if path in self._queued or path in self._flying:
                # What is at the workers is looked at again when it comes back.
                if path in self._queued:
                    self._queued[path] = self._queued[path] or forced
                continue
            self._queued[path] = forced
            heapq.heappush(self._heap, (-mtime_ns, path))
            if counted:
                self.tally.total += 1
                self.tally.bytes_total += size

    # --- from a path to a worker ---

    def _launch(self) -> None:
        """Give the workers more to do; returns often, so that results do not wait."""
        for _ in range(IN_FLIGHT):
            if len(self._flights) >= IN_FLIGHT or self._group_is_due() or self._stopping:
                return
            if self._members:
                self._launch_member(self._members.popleft())
            elif self._heap:
                _, path = heapq.heappop(self._heap)
                self._launch_file(path, forced=self._queued.pop(path))
            else:
                return

    def _launch_file(self, path: bytes, *, forced: bool) -> None:
        state = self._catalogue.file_at(path)
        root = self._reconciler.root_of(path)
        if state is None or root is None:
            self._count_done(0)
            return
        try:
            limit = self._config.parsing.max_file_mb << 20
            descriptor = open_document(
                path, root=root, follow_symlinks=self._config.watch.follow_symlinks, max_bytes=limit
            )
        except FileNotFoundError:
            self._count_done(0)
            self._look(Look((path,), certain=True))
            return
        except UnreadableDocument as exc:
            self._refuse(state.id, path, exc)
            return
        try:
            self._read(state.id, path, descriptor, forced)
        except OSError as exc:
            failure = UnreadableDocument(f"It cannot be read: {exc.strerror}.", "Check the disk.")
            self._refuse(state.id, path, failure)
        finally:
            os.close(descriptor)

    def _read(self, file_id: int, path: bytes, descriptor: int, forced: bool) -> None:
        mark = Fingerprint.of(os.fstat(descriptor))
        age = (time.time_ns() - mark.mtime_ns) / 1e9
        if 0 <= age < self._config.watch.settle_s:
            self._postpone(path, self._config.watch.settle_s - age + 0.005)
            return
        with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if Fingerprint.of(os.fstat(descriptor)) != mark:
            self._try_again(file_id, path)
            return
        holder = _Holder(file_id, path, mark)
        if not self._link_known(holder, digest, forced=forced):
            os.lseek(descriptor, 0, os.SEEK_SET)
            self._submit(holder, digest, descriptor, os.fsdecode(path.rpartition(b"/")[2]), mark.size, 0)

    def _launch_member(self, member: _Member) -> None:
        content = member.attachment.content
        digest = hashlib.sha256(content).hexdigest()
        holder = _Holder(member.file_id, b"", member.mark)
        if not self._link_known(holder, digest, forced=False):
            self._submit(holder, digest, content, member.attachment.name, len(content), member.depth)

    def _link_known(self, holder: _Holder, digest: str, *, forced: bool) -> bool:
        """Link a content that is known or on its way; False when it has to be parsed."""
        flight = self._flights.get(digest)
        if flight is not None:
            flight.holders.append(holder)
            self._flying.add(holder.path)
            return True
        known = self._catalogue.document_by_hash(digest)
        if known is None or forced or known.parser != _parser_for(known.format):
            return False
        with self._catalogue.transaction():
            if known.members and not self._copy_members(known, holder):
                return False
            if not known.members:
                self._leave(self._catalogue.link(holder.file_id, known.id, holder.mark))
        self._orphans.pop(known.id, None)
        self._count_done(holder.mark.size)
        return True

    def _copy_members(self, known: StoredDocument, holder: _Holder) -> bool:
        source = self._catalogue.holder(known.id, holder.file_id)
        if source is None:
            return False
        self._leave(self._catalogue.link(holder.file_id, known.id, holder.mark))
        self._leave(self._catalogue.copy_members(source, holder.file_id))
        return True

    def _submit(
        self, holder: _Holder, digest: str, source: int | bytes, name: str, size: int, depth: int
    ) -> None:
        future = self._pool.submit(source, name)
        kept = os.dup(source) if isinstance(source, int) else -1
        flight = _Flight(digest, size, depth, kept, [holder], future)
        self._flights[digest] = flight
        self._flying.add(holder.path)
        future.add_done_callback(lambda _: self._arrived(flight))

    def _arrived(self, flight: _Flight) -> None:
        with self._wake:
            if not self._results:
                self._results_due = time.monotonic() + LINGER_S
            self._results.append(flight)
            if len(self._results) == 1 or self._group_is_due():
                self._wake.notify()

    # --- from a worker to the catalogue ---

    def _finish_group(self) -> None:
        """Store what has come back in one transaction, which is the dearest part for a small document."""
        group = [self._results.popleft() for _ in range(len(self._results))]
        for flight in group:
            self._flights.pop(flight.digest, None)
            self._flying.difference_update(holder.path for holder in flight.holders)
        try:
            with self._catalogue.transaction():
                for flight in group:
                    self._finish(flight)
        finally:
            for flight in group:
                _close(flight)
        self._stored()

    def _finish(self, flight: _Flight) -> None:
        """Store one content. A fault of this program costs this document only, and it gets a status."""
        self.tally.parsed += 1
        if not _unchanged(flight):
            for holder in flight.holders:
                self._try_again(holder.file_id, holder.path)
            return
        holders = [holder for holder in flight.holders if self._still_there(holder)]
        try:
            with self._catalogue.part():
                self._store_outcome(flight, holders)
        except AppError:
            raise
        except Exception:
            log.exception("a document could not be stored")
            failure = UnreadableDocument("Quire failed to store it; the log tells more.", status="crashed")
            self._store_failure(flight, holders, failure)

    def _store_outcome(self, flight: _Flight, holders: Sequence[_Holder]) -> None:
        try:
            parsed = flight.future.result()
        except CancelledError:
            return
        except UnreadableDocument as exc:
            self._store_failure(flight, holders, exc)
        else:
            self._store_parsed(flight, holders, parsed)

    def _still_there(self, holder: _Holder) -> bool:
        """Whether the path still holds what was read; if not, it is looked at again."""
        if not holder.path:
            return True
        try:
            now = Fingerprint.of(os.lstat(holder.path))
        except OSError:
            self._count_done(holder.mark.size)
            self._later_look(holder.path)
            return False
        if now._replace(ctime_ns=0) == holder.mark._replace(ctime_ns=0):
            holder.mark = now
            return True
        if self._config.watch.follow_symlinks and now.ino != holder.mark.ino:
            return True
        self._try_again(holder.file_id, holder.path)
        return False

    def _later_look(self, path: bytes) -> None:
        self._request(Look((path,), certain=True))

    def _store_parsed(self, flight: _Flight, holders: Sequence[_Holder], parsed: Parsed) -> None:
        document = parsed.document
        keys = [_key(document.title, chunk.heading, chunk.text) for chunk in parsed.chunks]
        status, reason, hint = _verdict(document)
        new = NewDocument(
            hash=flight.digest,
            size_bytes=flight.size,
            parser=parsed.parser,
            language=parsed.language,
            parsed=document,
            chunks=parsed.chunks,
            keys=keys,
            status=status,
            reason=reason,
            hint=hint,
            quality=_quality(document),
            priority=_priority(holders, len(keys)),
        )
        document_id, ids = self._store(new, holders, document.attachments, flight.depth)
        entries = [(i, c.heading, c.text, c.language) for i, c in zip(ids, parsed.chunks, strict=True)]
        self._feed.remember(document_id, parsed.language, document.title, entries)
        if status is not Status.INDEXED:
            self.tally.failed += len(holders)

    def _store_failure(
        self, flight: _Flight, holders: Sequence[_Holder], failure: UnreadableDocument
    ) -> None:
        self.tally.failed += len(holders)
        new = NewDocument(
            hash=flight.digest,
            size_bytes=flight.size,
            parser=_parser_for(failure.format),
            language="",
            parsed=ParsedDocument(title="", text="", kind="other", format=failure.format),
            chunks=(),
            keys=(),
            status=Status(failure.status),
            reason=failure.reason,
            hint=failure.hint,
        )
        self._store(new, holders, (), flight.depth)

    def _store(
        self, new: NewDocument, holders: Sequence[_Holder], attachments: Sequence[Attachment], depth: int
    ) -> tuple[int, list[int]]:
        members: list[_Member] = []
        with self._catalogue.transaction():
            document_id, ids = self._catalogue.store_document(new)
            for holder in holders:
                self._leave(self._catalogue.link(holder.file_id, document_id, holder.mark, fresh=True))
                if attachments and depth < CONTAINER_DEPTH:
                    members += self._put_members(holder, attachments, depth + 1)
            self._leave(self._catalogue.release([document_id]))
        for holder in holders:
            self._count_done(holder.mark.size)
        self._members += members
        self.tally.total += len(members)
        return document_id, ids

    def _put_members(self, holder: _Holder, attachments: Sequence[Attachment], depth: int) -> list[_Member]:
        names = _distinct([attachment.name for attachment in attachments])
        rows = [
            (name.encode("utf-8", "replace"), len(attachment.content))
            for name, attachment in zip(names, attachments, strict=True)
        ]
        ids, dropped = self._catalogue.put_members(holder.file_id, rows)
        self._leave(dropped.orphans)
        return [
            _Member(
                file_id,
                attachment,
                depth,
                Fingerprint(len(attachment.content), holder.mark.mtime_ns, 0, 0, 0),
            )
            for file_id, attachment in zip(ids, attachments, strict=True)
            if file_id
        ]

    def _refuse(self, file_id: int, path: bytes, failure: UnreadableDocument) -> None:
        """Note a path that cannot even be opened."""
        try:
            mark = Fingerprint.of(os.lstat(path))
        except OSError:
            mark = Fingerprint(0, 0, 0, 0, 0)
        self._leave(self._catalogue.fail_file(file_id, mark, failure.status, failure.reason, failure.hint))
        self.tally.failed += 1
        self._count_done(mark.size)

    def _try_again(self, file_id: int, path: bytes) -> None:
        """Read a file later that changed while it was read."""
        if not path:
            return
        tries = self._tries[path] = self._tries.get(path, 0) + 1
        if tries >= 2:
            self._catalogue.delay_file(file_id, "It changes while it is read.")
        if tries >= MAX_TRIES:
            self._count_done(0)
            return
        self._postpone(path, max(self._config.watch.settle_s, 0.1) * 2**tries)

    def _postpone(self, path: bytes, delay_s: float) -> None:
        heapq.heappush(self._later, (time.monotonic() + delay_s, path))

    def _count_done(self, size: int) -> None:
        self.tally.done += 1
        self.tally.bytes_done += size

    # --- keyword index and clean-up ---

    def _feed_keywords(self) -> None:
        while self._feed.apply():
            pass
        if not self._feed.dirty:
            self._commit_due = 0.0
            return
        now = time.monotonic()
        if not self._commit_due:
            self._commit_due = now + COMMIT_S
        waiting = self._heap or self._members or self._flights
        if now >= self._commit_due or not waiting:
            self._commit()

    def _commit(self) -> None:
        if self._feed.dirty:
            self._feed.commit()
            self._commit_due = 0.0
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
        due = time.monotonic() + GRACE_S
        for document in documents:
            self._orphans[document] = due

    def _drop_orphans(self) -> None:
        if not self._orphans or self._heap or self._flights or self._members:
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
        retrying = any(self._tries.get(path, 0) < 2 for _, path in self._later)
        with self._wake:
            busy = bool(
                self._requests
                or self._results
                or self._heap
                or self._members
                or self._flights
                or retrying
                or self._feed.dirty
                or self._reconciler.confirm_at
            )
            finished = self._busy and not busy
            self._busy = busy
        if finished:
            self._catalogue.checkpoint()
        self._changed()


def _close(flight: _Flight) -> None:
    if flight.descriptor >= 0:
        os.close(flight.descriptor)
        flight.descriptor = -1


def _unchanged(flight: _Flight) -> bool:
    """Whether the bytes that were parsed are those that were hashed."""
    if flight.descriptor < 0:
        return True
    now = os.fstat(flight.descriptor)
    mark = flight.holders[0].mark
    return (now.st_size, now.st_mtime_ns) == (mark.size, mark.mtime_ns)


def _parser_for(format: str) -> str:
    """Version of the parser of a format; of all parsers together when the format could not be told."""
    if format:
        try:
            return parser_version(format)
        except ImportError:
            return ""
    return "unknown/" + _all_parsers()


_signature: list[str] = []


def _all_parsers() -> str:
    if not _signature:
        from indexer.parsing import FORMATS

        versions = " ".join(_parser_for(format) for format in sorted(FORMATS))
        _signature.append(hashlib.sha256(versions.encode()).hexdigest()[:12])
    return _signature[0]


def _key(title: str, heading: str, text: str) -> bytes:
    """Names all that goes into a chunk's embedded text, without making that text yet."""
    return chunking.chunk_key(f"{chunking.VERSION}\0{title}\0{heading}\0{text}")


def _verdict(document: ParsedDocument) -> tuple[Status, str, str]:
    """Status of a document that was parsed without an error, the reason, and the remedy."""
    if document.text.strip() or document.attachments:
        return Status.INDEXED, "", ""
    if document.textless_pages or document.kind == "image":
        return (
            Status.NEEDS_OCR,
            "Its pages are pictures without text.",
            ("Recognise the text, for example with 'ocrmypdf', and save it again."),
        )
    return Status.EMPTY, "It holds no text.", ""


def _quality(document: ParsedDocument) -> int | None:
    """Share of pages with text, in percent; None for formats without pages."""
    if not document.pages:
        return None
    return 100 - 100 * len(document.textless_pages) // len(document.pages)


def _priority(holders: Sequence[_Holder], chunks: int) -> int:
    """Newest and smallest first: every doubling of the size counts like thirty days of age."""
    newest = max((holder.mark.mtime_ns for holder in holders), default=0)
    return 30 * chunks.bit_length() - newest // (86_400 * 10**9)


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, made different by a number where two are alike."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        count = seen[name] = seen.get(name, 0) + 1
        stem, dot, ext = name.rpartition(".")
        result.append(name if count == 1 else f"{stem} ({count}).{ext}" if dot else f"{name} ({count})")
    return result
