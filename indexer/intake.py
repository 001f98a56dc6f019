"""From a path that must be read to a document in the catalogue.

Opens and hashes files, links contents that are known, hands new ones to the parse workers and stores
what comes back, in groups. Opens containers one level after the other. Used by the pipeline's thread;
only `arrived` is called by the pool's.
"""

from __future__ import annotations

import errno
import hashlib
import heapq
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass

from indexer import quality, verdicts
from indexer.catalogue import Catalogue, Fingerprint, NewDocument, StoredDocument, recognised
from indexer.config import Config
from indexer.errors import AppError, UnreadableDocument
from indexer.keywords import KeywordFeed
from indexer.parsing.frames import Parsed
from indexer.parsing.opening import open_document
from indexer.parsing.pool import ParsePool
from indexer.scans import RecognisedPage, pack
from indexer.tally import Tally
from indexer.types import Attachment, Page, ParsedDocument, Status

log = logging.getLogger(__name__)

PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EINTR, errno.ESTALE})
"""Errors that say nothing about the file: it is tried again."""
IN_FLIGHT = 40
"""Documents with the workers at once; each holds an open descriptor."""
GROUP = 16
"""Documents stored in one transaction when they arrive quickly; each is a part that can fail by itself."""
LINGER_S = 0.04
"""How long the first of a group waits for others while more are at the workers."""
CONTAINER_DEPTH = 4
"""Containers inside each other that are opened."""
PATIENT_TRIES = 3
"""Attempts that count as work under way; a file that needs more holds nobody up."""
MAX_TRIES = 8
"""Attempts to read a file that changes all the time before it gets that status; hints start anew."""


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
    pages: list[RecognisedPage]
    """What OCR had found on it when it went there."""


@dataclass(slots=True)
class _Member:
    """A file inside a container that waits for its turn."""

    file_id: int
    attachment: Attachment
    depth: int
    mark: Fingerprint


class Intake:
    """What waits to be read, what is being read, and what becomes of it."""

    def __init__(
        self,
        catalogue: Catalogue,
        feed: KeywordFeed,
        pool: ParsePool,
        config: Config,
        *,
        root_of: Callable[[bytes], bytes | None],
        wake: threading.Condition,
    ) -> None:
        """Keep the parts.

        Args:
            catalogue: The truth.
            feed: Told the text of new documents.
            pool: Where documents are parsed.
            config: Settings.
            root_of: The root a path belongs to.
            wake: Notified when results are worth a look; guards them.
        """
        self._catalogue = catalogue
        self._feed = feed
        self._pool = pool
        self._config = config
        self._root_of = root_of
        self._wake = wake
        self._heap: list[tuple[int, bytes]] = []
        self._queued: dict[bytes, bool] = {}
        """Path to whether it must be parsed although its content is known."""
        self._later: list[tuple[float, bytes]] = []
        self._tries: dict[bytes, int] = {}
        self._members: deque[_Member] = deque()
        self._flights: dict[str, _Flight] = {}
        self._flying: set[bytes] = set()
        """Paths whose content is at the workers."""
        self._results: deque[_Flight] = deque()
        self._results_due = 0.0
        self.tally = Tally()
        self.orphans: set[int] = set()
        """Documents that no path holds any more, for the pipeline to collect."""
        self.revisit: set[bytes] = set()
        """Paths that are not what they were, for the pipeline to look at."""

    # --- state ---

    @property
    def reading(self) -> bool:
        """Something waits for the workers or is with them."""
        return bool(self._heap or self._members or self._flights)

    @property
    def waiting(self) -> int:
        """Documents that wait for a worker."""
        return len(self._heap) + len(self._members)

    @property
    def busy(self) -> bool:
        """Something is to be done, not counting files that change all the time."""
        retrying = any(self._tries.get(path, 0) < PATIENT_TRIES for _, path in self._later)
        return self.reading or retrying or bool(self._results or self.revisit)

    @property
    def can_launch(self) -> bool:
        """There is work for the workers and room for it."""
        return bool(self._heap or self._members) and len(self._flights) < IN_FLIGHT

    def group_is_due(self) -> bool:
        """Whether the results that have arrived are worth a transaction."""
        arrived = len(self._results)
        if not arrived or arrived >= GROUP or arrived >= len(self._flights):
            return arrived > 0
        return time.monotonic() >= self._results_due

    def next_at(self) -> list[float]:
        """When something is due without being asked (monotonic)."""
        due = [self._results_due] if self._results else []
        return due + ([self._later[0][0]] if self._later else [])

    def take_due(self) -> None:
        """Queue again what was postponed until now."""
        now = time.monotonic()
        while self._later and self._later[0][0] <= now:
            _, path = heapq.heappop(self._later)
            self.enqueue([(path, time.time_ns(), 0)], counted=False)

    def forgive(self, paths: Iterable[bytes]) -> None:
        """Count the attempts for these paths anew."""
        for path in paths:
            self._tries.pop(path, None)

    def close(self) -> None:
        """Let go of what is at the workers; it is still marked as waiting in the catalogue."""
        for flight in self._flights.values():
            flight.future.cancel()
            _close(flight)

    def enqueue(
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

    def launch(self) -> None:
        """Give the workers more to do; returns often, so that results do not wait."""
        for _ in range(IN_FLIGHT):
            if len(self._flights) >= IN_FLIGHT or self.group_is_due():
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
        root = self._root_of(path)
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
            self.revisit.add(path)
            return
        except UnreadableDocument as exc:
            if getattr(exc.__cause__, "errno", None) in PASSING:
                self._try_again(state.id, path)
            else:
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
        if known is not None and not forced:
            with self._catalogue.reader() as db:
                forced = recognised.count_unstored(db, digest) > 0
        if known is None or forced or known.parser != verdicts.parser_for(known.format):
            return False
        with self._catalogue.transaction():
            if known.members and not self._copy_members(known, holder):
                return False
            if not known.members:
                self.orphans.update(self._catalogue.link(holder.file_id, known.id, holder.mark))
        self.orphans.discard(known.id)
        self._count_done(holder.mark.size)
        return True

    def _copy_members(self, known: StoredDocument, holder: _Holder) -> bool:
        source = self._catalogue.holder(known.id, holder.file_id)
        if source is None:
            return False
        self.orphans.update(self._catalogue.link(holder.file_id, known.id, holder.mark))
        self.orphans.update(self._catalogue.copy_members(source, holder.file_id))
        return True

    def _submit(
        self, holder: _Holder, digest: str, source: int | bytes, name: str, size: int, depth: int
    ) -> None:
        with self._catalogue.reader() as db:
            pages = recognised.pages_of(db, digest)
        future = self._pool.submit(
            source, name, encoding=self._catalogue.decoding(digest), recognised=pack(pages) if pages else b""
        )
        kept = os.dup(source) if isinstance(source, int) else -1
        flight = _Flight(digest, size, depth, kept, [holder], future, pages)
        self._flights[digest] = flight
        self._flying.add(holder.path)
        future.add_done_callback(lambda _: self._arrived(flight))

    def _arrived(self, flight: _Flight) -> None:
        with self._wake:
            if not self._results:
                self._results_due = time.monotonic() + LINGER_S
            self._results.append(flight)
            if len(self._results) == 1 or self.group_is_due():
                self._wake.notify()

    # --- from a worker to the catalogue ---

    def finish_group(self) -> None:
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
            now = self._mark(holder.path)
        except OSError:
            self._count_done(holder.mark.size)
            self.revisit.add(holder.path)
            return False
        if now._replace(ctime_ns=0) == holder.mark._replace(ctime_ns=0):
            holder.mark = now
            return True
        self._try_again(holder.file_id, holder.path)
        return False

    def _store_parsed(self, flight: _Flight, holders: Sequence[_Holder], parsed: Parsed) -> None:
        document = parsed.document
        keys = [verdicts.key(document.title, chunk.heading, chunk.text) for chunk in parsed.chunks]
        status, reason, hint = verdicts.verdict(document)
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
            quality=parsed.quality,
            priority=verdicts.priority(max((h.mark.mtime_ns for h in holders), default=0), len(keys)),
        )
        document_id, ids = self._store(new, holders, document.attachments, flight)
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
            parser=verdicts.parser_for(failure.format),
            language="",
            parsed=_pictures(failure),
            chunks=(),
            keys=(),
            status=Status(failure.status),
            reason=failure.reason,
            hint=failure.hint,
            quality=quality.of_unread(failure.status, failure.reason),
        )
        self._store(new, holders, (), flight)

    def _store(
        self,
        new: NewDocument,
        holders: Sequence[_Holder],
        attachments: Sequence[Attachment],
        flight: _Flight,
    ) -> tuple[int, list[int]]:
        members: list[_Member] = []
        with self._catalogue.transaction() as db:
            document_id, ids = self._catalogue.store_document(new)
            recognised.mark_stored(db, new.hash, flight.pages)
            for holder in holders:
                self.orphans.update(
                    self._catalogue.link(holder.file_id, document_id, holder.mark, fresh=True)
                )
                if attachments and flight.depth < CONTAINER_DEPTH:
                    members += self._put_members(holder, attachments, flight.depth + 1)
            self.orphans.update(self._catalogue.release([document_id]))
        for holder in holders:
            self._count_done(holder.mark.size)
        self._members += members
        self.tally.total += len(members)
        return document_id, ids

    def _put_members(self, holder: _Holder, attachments: Sequence[Attachment], depth: int) -> list[_Member]:
        names = verdicts.distinct([attachment.name for attachment in attachments])
        rows = [
            (name.encode("utf-8", "replace"), len(attachment.content))
            for name, attachment in zip(names, attachments, strict=True)
        ]
        ids, dropped = self._catalogue.put_members(holder.file_id, rows)
        self.orphans.update(dropped.orphans)
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
            mark = self._mark(path)
        except OSError:
            mark = Fingerprint(0, 0, 0, 0, 0)
        self.orphans.update(
            self._catalogue.fail_file(file_id, mark, failure.status, failure.reason, failure.hint)
        )
        self.tally.failed += 1
        self._count_done(mark.size)

    def _mark(self, path: bytes) -> Fingerprint:
        """The fingerprint of a path as a scan sees it."""
        follow = self._config.watch.follow_symlinks
        return Fingerprint.of(os.stat(path, follow_symlinks=follow))  # noqa: PTH116 - bytes

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


def _pictures(failure: UnreadableDocument) -> ParsedDocument:
    """A document without text; of one whose pages are pictures, the pages."""
    numbers = range(1, failure.pages + 1)
    return ParsedDocument(
        title="",
        text="",
        kind="other",
        format=failure.format,
        pages=tuple(Page(number=number, start=0, end=0) for number in numbers),
        textless_pages=tuple(numbers),
    )


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
