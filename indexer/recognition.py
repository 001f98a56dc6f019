"""OCR in the background: takes the pages that wait, one after the other, and has their documents read again.

One thread (`quire-ocr`) with one process (`indexer.ocr.process`). What waits and what was found lies in the
catalogue, so that it can be killed at any moment and goes on with the next page. Pages found by themselves
wait until nothing is left to be read or embedded; pages that a person asks for do not.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path

from indexer import ocr
from indexer.catalogue import Catalogue, recognised
from indexer.catalogue.recognised import ASKED, WAITING, QueuedPage
from indexer.config import Config
from indexer.errors import AppError, EngineError, OcrMissingError, UnreadableDocument
from indexer.listing import as_paths
from indexer.ocr.process import Recogniser, Stopped
from indexer.parsing.opening import open_document
from indexer.parsing.pool import ParsePool
from indexer.parsing.source import memory_file
from indexer.scans import RecognisedPage
from indexer.types import Attachment, Check

log = logging.getLogger(__name__)

MERGE_EVERY = 20
"""Pages of a long document after which what was found so far becomes searchable."""
CROWDED_S = 0.5
"""Seconds between looks at whether the rest of the work is done."""
REST_S = 60.0
"""Seconds without a page after which the process is ended, to give its memory back."""
PAUSE_S = 300.0
"""Seconds until it is tried again when no engine works, or the disk is full."""


MEMBER_DEPTH = 4
"""Containers inside each other that are opened."""
CONTAINERS = (".zip", ".eml", ".msg", ".mbox")
"""Ends of names of containers that may lie in containers."""


@dataclass(slots=True)
class _Open:
    """The document whose pages are read now."""

    hash: str
    descriptor: int
    name: str
    mark: tuple[int, int]
    """Size and time of change of the file when its hash was taken."""
    read: int = 0
    """Pages since it was stored last."""


class Recognition:
    """The queue of pages without text, and who works it off."""

    def __init__(
        self,
        catalogue: Catalogue,
        pool: ParsePool,
        config: Config,
        *,
        log_path: Path,
        at_rest: Callable[[], bool],
        read_again: Callable[[Sequence[bytes]], None],
        changed: Callable[[], None],
    ) -> None:
        """Keep the parts; `start` begins.

        Args:
            catalogue: Where queue and results are.
            pool: Gets members out of their containers.
            config: Settings.
            log_path: Takes whatever the engines print.
            at_rest: Nothing else is to be done.
            read_again: Has files parsed again, so that their text holds what was found.
            changed: Called when the progress changes.
        """
        self._catalogue = catalogue
        self._pool = pool
        self._config = config
        self._at_rest, self._read_again, self._changed = at_rest, read_again, changed
        self._recogniser = Recogniser(config.ocr, log_path=log_path)
        self._thread = threading.Thread(target=self._run, name="quire-ocr", daemon=True)
        self._wake = threading.Condition()
        self._stopping = False
        self._woken = True
        self._looking = False
        """It was woken, and `waiting` is not yet what that has led to."""
        self._stops = 0
        self._open: _Open | None = None
        self.engines = ocr.find(config.ocr.tessdata)
        self.waiting = 0
        """Pages that are going to be read."""
        self.done = 0
        """Pages read since the queue was empty last."""
        self.current = ""
        """The document at work now; "" while none is."""
        self.note = ""
        """Why nothing is read although something waits."""

    # --- from other threads ---

    def start(self) -> None:
        """Begin; first what an earlier run left over."""
        self._thread.start()

    def close(self) -> None:
        """Stop in the middle of a page; it is read again at the next start."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.ident is not None:
            self._thread.join()
        self._recogniser.end()

    def wake(self) -> None:
        """Documents were stored: there may be pages to read."""
        with self._wake:
            self._woken = True
            self._wake.notify()

    @property
    def idle(self) -> bool:
        """Nothing waits, or nothing can be done about it now (see `note`)."""
        with self._wake:
            busy = self._woken or self._looking or self.waiting
        return not self._thread.is_alive() or bool(self.note) or not busy

    @property
    def usable(self) -> tuple[str, ...]:
        """The engines that the settings allow and that are installed."""
        return self.engines.usable(self._config.ocr.engine)

    def textless(self) -> int:
        """Pages that need OCR, whether or not anything can be done about it."""
        with self._catalogue.reader() as db:
            return recognised.count_textless(db)

    def check(self) -> Check:
        """The line of `quire doctor`."""
        return ocr.check(self.engines, self._config.ocr.engine, self.textless())

    def ask(self, paths: Sequence[str], *, engine: str = "", language: str = "", again: bool = False) -> int:
        """Have pages read now; returns how many.

        Args:
            paths: Files and folders, or `sha256:…`; none: everything.
            engine: One of `ocr.ENGINES`; pages that another one has read are read again. "": as set.
            language: Codes joined by "+"; "": as set.
            again: Pages that OCR has read before, too.

        Raises:
            OcrMissingError: no engine is there, or not the one asked for.
        """
        self.engines = ocr.find(self._config.ocr.tessdata)
        if not self.engines.usable(engine or "auto"):
            there = ", ".join(self.engines.names)
            if there:
                raise OcrMissingError(f"{engine} is not installed, only {there}.", hint=f"{ocr.INSTALL}.")
            raise OcrMissingError("No OCR engine is installed.", hint=f"Install one: {ocr.INSTALL}.")
        spellings = [spelling for path in paths for spelling in as_paths(path)]
        with self._catalogue.transaction() as db:
            found = [
                (digest, page)
                for digest, page, by in recognised.pages_below(db, spellings)
                if again or not by or (engine and not by.startswith(engine))
            ]
            recognised.enqueue(db, found, ASKED, engine=engine, language=language)
        self.note = ""
        self.wake()
        return len(found)

    def cancel(self) -> int:
        """Stop, in the middle of a page; returns how many pages stay unread until they are asked for."""
        with self._catalogue.transaction() as db:
            held = recognised.hold(db)
        with self._wake:
            self._stops += 1
            self._woken = True
            self._wake.notify()
        return held

    # --- the thread ---

    def _run(self) -> None:
        self._guarded(self._recover)
        used_at = time.monotonic()
        while not self._stopping:
            stops = self._stops  # before looking: what is cancelled from here on stops the page found
            page = None if self.note else self._next_page()
            if page is not None:
                self._guarded(lambda page=page, stops=stops: self._work(page, stops))  # type: ignore[misc]
                used_at = time.monotonic()
                continue
            if time.monotonic() - used_at > REST_S:
                self._recogniser.end()
            with self._wake:
                if not self._woken and not self._stopping:
                    self._wake.wait(self._patience())
                elif self.note:
                    self._wake.wait(PAUSE_S)
            self.note = ""
        self._close_document()

    def _patience(self) -> float | None:
        if self.note:
            return PAUSE_S
        if self.waiting:
            return CROWDED_S
        return REST_S if self._recogniser.pid else None

    def _guarded(self, work: Callable[[], None]) -> None:
        """Run a part of the loop; what fails is said, and tried again after a while."""
        try:
            work()
            return
        except Stopped:
            return
        except AppError as exc:
            self.note = f"OCR waits: {exc}"
        except Exception as exc:
            log.exception("OCR failed")
            self.note = f"OCR waits: {exc}"
        self._close_document()
        self._changed()

    def _recover(self) -> None:
        """What was found, but not put into the text, before an earlier run ended."""
        with self._catalogue.reader() as db:
            found = recognised.unstored(db)
        for digest in found:
            self._merge(digest)

    def _next_page(self) -> QueuedPage | None:
        """The page to read now; None when there is none, or others come first."""
        found: list[QueuedPage] = []
        self._guarded(lambda: found.extend(self._look()))
        return found[0] if found else None

    def _look(self) -> list[QueuedPage]:
        with self._wake:
            woken = self._looking = self._woken
            self._woken = False
        try:
            return self._look_for(woken)
        finally:
            self._looking = False

    def _look_for(self, woken: bool) -> list[QueuedPage]:
        automatic = self._config.ocr.automatic and bool(self.usable)
        if woken and automatic:
            self._fill()
        least = WAITING if automatic else ASKED
        after = self._open.hash if self._open else ""
        with self._catalogue.reader() as db:
            waiting = recognised.count(db, least)
            now = least if waiting and self._at_rest() else ASKED
            page = recognised.next_page(db, now, after) if waiting else None
        if not waiting:
            self.done = 0
        if self._open and (page is None or page.hash != self._open.hash):
            self._close_document()
        if waiting != self.waiting:
            self.waiting = waiting
            self._changed()
        return [page] if page else []

    def _fill(self) -> None:
        """Queue the pages of new documents."""
        with self._catalogue.reader() as db:
            found = recognised.fill(db, self.engines.signature)
        if found:
            with self._catalogue.transaction() as db:
                recognised.enqueue(db, found, WAITING)

    def _work(self, queued: QueuedPage, stops: int) -> None:
        """Read one page and keep what came of it; it ends when there are more stops than these."""
        document = self._document(queued.hash)
        if document is None:  # it has changed or gone; if it is needed, it is queued again later
            with self._catalogue.transaction() as db:
                recognised.drop_page(db, queued.hash, queued.page)
            return
        self.current = document.name
        self._changed()
        found = self._read(document, queued, lambda: self._stopping or self._stops != stops)
        if not _unchanged(document):
            self._close_document()
            return
        with self._catalogue.transaction() as db:
            recognised.store(db, queued.hash, found)
        self.done += 1
        document.read += 1
        if document.read >= MERGE_EVERY:
            document.read = 0
            self._merge(document.hash)

    def _read(self, document: _Open, queued: QueuedPage, stop: Callable[[], bool]) -> RecognisedPage:
        settings = self._config.ocr
        engines = self.engines.usable(
            queued.engine or (settings.engine if settings.engine != "off" else "auto")
        )
        with self._catalogue.reader() as db:
            hint = recognised.language_of(db, queued.hash)
        try:
            reading = self._recogniser.read(
                document.descriptor,
                document.name,
                queued.page,
                engines=engines,
                languages=queued.language.split("+") if queued.language else settings.languages,
                hint=hint,
                stop=stop,
            )
        except UnreadableDocument as exc:
            return RecognisedPage(
                page=queued.page, text="", confidence=0, engine=self.engines.signature, reason=exc.reason
            )
        return RecognisedPage(
            page=queued.page, text=reading.text, confidence=reading.confidence, engine=reading.engine
        )

    # --- documents ---

    def _merge(self, digest: str) -> None:
        """Have the files that hold a content parsed again, now with what was found."""
        paths = self._catalogue.paths_of(digest)
        self._read_again([self._catalogue.container_of(path) or path for path in paths[:1]])

    def _document(self, digest: str) -> _Open | None:
        """The bytes of a content; None when no file has them any more."""
        if self._open is not None and self._open.hash == digest:
            return self._open
        self._close_document()
        for path in self._catalogue.paths_of(digest):
            container = self._catalogue.container_of(path) or path
            name = os.fsdecode(path.rpartition(b"/")[2])
            try:
                descriptor = self._opened(container)
            except (OSError, UnreadableDocument):
                continue
            if container != path:
                descriptor = self._member(descriptor, container, digest)
            if descriptor >= 0:
                self._open = _Open(digest, descriptor, name, _mark(descriptor))
                if _digest(descriptor) == digest:
                    return self._open
                self._close_document()
        return None

    def _opened(self, path: bytes) -> int:
        roots = [root for root in self._catalogue.root_paths().values() if path.startswith(root)]
        root = max(roots, key=len, default=path)
        return open_document(path, root=root, follow_symlinks=self._config.watch.follow_symlinks)

    def _member(self, descriptor: int, container: bytes, digest: str) -> int:
        """A file in memory with the member of a container that has this hash; -1 when there is none."""
        try:
            content = self._unpacked(descriptor, os.fsdecode(container.rpartition(b"/")[2]), digest)
        finally:
            os.close(descriptor)
        return memory_file(content) if content is not None else -1

    def _unpacked(self, source: int | bytes, name: str, digest: str, depth: int = 0) -> bytes | None:
        try:
            attachments: Sequence[Attachment] = self._pool.submit(source, name).result().document.attachments
        except (UnreadableDocument, EngineError, CancelledError):
            return None
        for attachment in attachments:
            if hashlib.sha256(attachment.content).hexdigest() == digest:
                return attachment.content
        for attachment in attachments if depth < MEMBER_DEPTH else ():
            if attachment.name.lower().endswith(CONTAINERS):
                found = self._unpacked(attachment.content, attachment.name, digest, depth + 1)
                if found is not None:
                    return found
        return None

    def _close_document(self) -> None:
        """Let go of the document; what was found in it becomes a part of its text."""
        document, self._open = self._open, None
        self.current = ""
        if document is None:
            return
        os.close(document.descriptor)
        if document.read and not self._stopping:
            self._merge(document.hash)


def _mark(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_size, found.st_mtime_ns


def _unchanged(document: _Open) -> bool:
    return _mark(document.descriptor) == document.mark


def _digest(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
