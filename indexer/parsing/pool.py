"""Parses documents in disposable processes, so that a hostile file costs one file.

A worker is a child with limits of its own (`worker.py`). The pool hands it descriptors over a Unix
socket, a few small documents ahead so that it never waits, and watches the clock: a worker that hangs,
dies or talks rubbish is killed, the document at work gets a status, and the others go to another
worker. One thread serves all workers. Nothing here parses anything.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from pathlib import Path

from indexer.config import ParsingConfig
from indexer.errors import EngineError, UnreadableDocument
from indexer.parsing import FORMATS, PURE_PYTHON, frames, load
from indexer.parsing.frames import Parsed
from indexer.parsing.source import Limits, memory_file
from indexer.parsing.spawn import COMMAND, rss_mb, spawn
from indexer.text import safe_text
from indexer.types import UNREAD

log = logging.getLogger(__name__)

MAX_FILES = 200
"""Documents after which a worker is replaced: C libraries leak. One read in pure Python counts a tenth."""
MAX_RSS_MB = 500
"""Resident memory after which a worker is replaced."""
MAX_PAGES = 1_000_000
"""Pages that a document without text may claim to have."""
MAX_AHEAD = 4
"""Documents given to a worker at once."""
MAX_AHEAD_BYTES = 512 * 1024
"""Bytes given to a worker at once, unless it is one document: nothing should wait behind a large one."""
MAX_WAITING = 64
"""Files that wait with an open descriptor before `submit` blocks."""
STEAL_AFTER_S = 0.25
"""Seconds a document may hold up those behind it while another worker is idle."""
IDLE_S = 120.0
"""Seconds without work after which a worker is ended, to give its memory back."""
START_S = 60.0
"""Seconds a worker may take to start."""
MAX_FAILED_STARTS = 3
"""Workers that die before they are ready, one after the other, before the pool gives up."""


class _Job:
    """A document on its way; it belongs to the pool's thread once submitted."""

    def __init__(self, source: int | bytes, name: str, encoding: str = "", recognised: bytes = b"") -> None:
        self.future: Future[Parsed] = Future()
        self.recognised = recognised
        self.name = name
        self.encoding = encoding
        self.content = source if isinstance(source, bytes) else None
        self.descriptor = -1 if isinstance(source, bytes) else os.dup(source)
        self.size = len(source) if isinstance(source, bytes) else os.fstat(source).st_size
        self.stolen = False
        """Given to a second worker, since the first is stuck before it."""

    def open(self) -> int:
        """The descriptor; made now for a document in memory, so that waiting ones hold none."""
        if self.descriptor < 0:
            self.descriptor = memory_file(self.content or b"")
        return self.descriptor

    def finish(self, outcome: Parsed | Exception) -> None:
        """Release the descriptor and settle the future, unless that has happened already."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
        self.content = None
        try:
            if isinstance(outcome, Exception):
                self.future.set_exception(outcome)
            else:
                self.future.set_result(outcome)
        except InvalidStateError:  # cancelled by who wanted it
            pass

    @property
    def done(self) -> bool:
        return self.future.done()


class _Worker:
    """A child process with the jobs it has been given, the first of which it is at work on."""

    def __init__(self, command: Sequence[str], limits: Limits, log_path: Path) -> None:
        self.jobs: deque[tuple[int, _Job]] = deque()
        self.inbox = bytearray()
        self.ready = False
        self.gone = False
        """It does not listen any more."""
        self.since = time.monotonic()
        """When the first job, or the start of the process, began."""
        self.used = 0.0
        self.reading = ""
        """Format of the first job as far as the worker has said it."""
        self._number = 0
        self.channel, theirs = socket.socketpair()
        try:
            self.process = spawn(command, theirs.fileno(), limits, log_path)
        except BaseException:
            self.channel.close()
            raise
        finally:
            theirs.close()
        self.channel.setblocking(False)

    @property
    def queued(self) -> int:
        """Bytes of the jobs it has."""
        return sum(job.size for _, job in self.jobs)

    def takes(self, job: _Job) -> bool:
        """Whether to give it `job` now."""
        if not self.jobs or self.gone:
            return self.ready and not self.gone
        worn = self.used + len(self.jobs) / 10 >= MAX_FILES
        return not worn and len(self.jobs) < MAX_AHEAD and self.queued + job.size <= MAX_AHEAD_BYTES

    def give(self, job: _Job) -> None:
        """Send a job.

        Raises:
            OSError: the worker is gone, or no descriptor can be had.
        """
        self._number += 1
        (frame,) = frames.pack({"job": self._number, "name": job.name[:1024], "encoding": job.encoding})
        if job.recognised:
            pages = memory_file(job.recognised)
            try:
                socket.send_fds(self.channel, [frame], [job.open(), pages])
            finally:
                os.close(pages)
        else:
            socket.send_fds(self.channel, [frame], [job.open()])
        if not self.jobs:
            self.since = time.monotonic()
        self.jobs.append((self._number, job))

    def end(self, *, grace_s: float = 0.0) -> int:
        """Kill it with all it started; the return code, negative for the signal that ended it.

        A process that is about to end by itself gets `grace_s` seconds, so that the code is its own.
        """
        self.channel.close()
        if self.process.returncode is not None:
            return self.process.returncode
        patience = time.monotonic() + grace_s
        peek = os.WEXITED | os.WNOWAIT | os.WNOHANG
        while os.waitid(os.P_PID, self.process.pid, peek) is None and time.monotonic() < patience:
            time.sleep(0.005)
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        return self.process.wait()


class ParsePool:
    """Worker processes behind a `submit` that returns a future."""

    def __init__(self, config: ParsingConfig, *, log_path: Path, command: Sequence[str] = COMMAND) -> None:
        """Keep the limits; nothing is started before the first document.

        Args:
            config: Limits and the number of workers.
            log_path: File that takes whatever the workers print.
            command: Starts a worker; its options are added as the last argument.
        """
        self._command = command
        self._limits = Limits(
            timeout_s=config.timeout_s,
            memory_mb=config.memory_mb,
            max_file_mb=config.max_file_mb,
            max_text_mb=config.max_text_mb,
        )
        self._max_body = (4 * config.max_text_mb + config.max_file_mb) << 20
        self._size = config.workers or min(len(os.sched_getaffinity(0)), 8)
        self._log_path = log_path
        self._lock = threading.Lock()
        self._places = threading.Semaphore(MAX_WAITING)
        self._waiting: deque[_Job] = deque()
        self._workers: list[_Worker] = []
        self._working_on: tuple[str, ...] = ()
        self._failed_starts = 0
        self._closed = False
        self._thread: threading.Thread | None = None
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._selector.register(self._wake_read, selectors.EVENT_READ)

    def submit(
        self, source: int | bytes, name: str, *, encoding: str = "", recognised: bytes = b""
    ) -> Future[Parsed]:
        """Parse a document; the future raises `UnreadableDocument` with its status.

        Args:
            source: an open descriptor, duplicated at once and only ever read from its beginning, or
                the content of a document that is not a file.
            name: its name without folders, a hint to its type.
            encoding: what somebody chose to read it in; "" for what is found.
            recognised: what OCR has found on its pages (`recognised.pack`); b"": nothing.

        Blocks while many files wait, except for contents and in callbacks of futures.

        Raises:
            EngineError: the pool is closed.
        """
        held = isinstance(source, int) and threading.current_thread() is not self._thread
        if held:
            self._places.acquire()
        try:
            job = _Job(source, name, encoding, recognised)
            if held:
                job.future.add_done_callback(lambda _: self._places.release())
        except BaseException:
            if held:
                self._places.release()
            raise
        with self._lock:
            closed = self._closed
            if not closed:
                self._waiting.append(job)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._serve, name="parse-pool", daemon=True)
                    self._thread.start()
                self._wake()
        if closed:
            job.finish(EngineError("The library is being closed."))
        return job.future

    def working_on(self) -> tuple[str, ...]:
        """Names of the documents under work now."""
        return self._working_on

    def close(self) -> None:
        """Kill the workers; documents not finished are cancelled."""
        with self._lock:
            thread = self._thread
            if not self._closed:
                self._closed = True
                self._wake()
                if thread is None:
                    self._release()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def __enter__(self) -> ParsePool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _wake(self) -> None:
        try:
            os.write(self._wake_write, b"w")
        except BlockingIOError:  # the pipe is full of earlier calls
            pass

    def _release(self) -> None:
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    # --- everything below runs in the pool's thread ------------------------------------------------

    def _serve(self) -> None:
        try:
            while not self._closed:
                self._feed()
                self._note_work()
                for key, _ in self._selector.select(self._patience()):
                    if key.data is None:
                        os.read(self._wake_read, 4096)
                    elif key.data in self._workers:
                        self._receive(key.data)
                self._check_clock()
        except Exception:
            log.exception("the parse pool has stopped")
            raise
        finally:
            self._abandon()

    def _abandon(self) -> None:
        with self._lock:
            self._closed = True
            waiting, self._waiting = list(self._waiting), deque()
        for worker in self._workers:
            waiting += [job for _, job in worker.jobs]
            worker.end()
        self._workers.clear()
        self._working_on = ()
        for job in waiting:
            job.future.cancel()
            job.finish(EngineError("The library is being closed."))
        self._release()

    def _feed(self) -> None:
        """Give waiting documents to workers, starting workers while there are more documents."""
        while self._waiting:
            job = self._waiting[0]
            if job.done:  # cancelled
                self._waiting.popleft()
                job.finish(EngineError("Cancelled."))
                continue
            free = [worker for worker in self._workers if worker.takes(job)]
            if not free or all(worker.jobs for worker in free):
                self._start_workers()
            if not free:
                return
            self._waiting.popleft()
            self._give(min(free, key=lambda worker: len(worker.jobs)), job)
        self._steal()

    def _give(self, worker: _Worker, job: _Job) -> None:
        try:
            worker.give(job)
        except ConnectionError:  # it has just ended; the selector will tell, and bury it
            worker.gone = True
            self._waiting.appendleft(job)
        except OSError as exc:
            job.finish(EngineError(f"A document cannot be handed to a parser: {exc.strerror}."))

    def _steal(self) -> None:
        """Let an idle worker read what is stuck behind a slow document."""
        idle = [worker for worker in self._workers if worker.ready and not worker.gone and not worker.jobs]
        if not idle:
            return
        now = time.monotonic()
        for worker in self._workers:
            if len(worker.jobs) > 1 and now - worker.since > STEAL_AFTER_S:
                stuck = [job for _, job in list(worker.jobs)[1:] if not job.done and not job.stolen]
                for job, thief in zip(stuck, idle, strict=False):
                    job.stolen = True
                    self._give(thief, job)
                return

    def _start_workers(self) -> None:
        """Start as many as there is work for, at most the number configured."""
        starting = sum(not worker.ready for worker in self._workers)
        wanted = min(self._size - len(self._workers), len(self._waiting) - starting)
        for _ in range(wanted):
            try:
                worker = _Worker(self._command, self._limits, self._log_path)
            except OSError as exc:
                log.error("cannot start a parse worker: %s", exc)
                self._start_failed(f"A parse worker cannot be started: {exc.strerror}.")
                return
            self._workers.append(worker)
            self._selector.register(worker.channel, selectors.EVENT_READ, worker)

    def _start_failed(self, reason: str) -> None:
        self._failed_starts += 1
        if self._failed_starts < MAX_FAILED_STARTS:
            return
        with self._lock:
            waiting, self._waiting = list(self._waiting), deque()
        for job in waiting:
            job.finish(EngineError(reason, hint=f"See {self._log_path}."))
        self._failed_starts = 0

    def _patience(self) -> float | None:
        """Seconds until the clock must be looked at again."""
        now = time.monotonic()
        waits = [self._deadline(worker) - now for worker in self._workers]
        if any(len(worker.jobs) > 1 for worker in self._workers):
            waits.append(STEAL_AFTER_S)
        return max(0.0, min(waits)) if waits else None

    def _deadline(self, worker: _Worker) -> float:
        if not worker.ready:
            return worker.since + START_S
        return worker.since + (self._limits.timeout_s if worker.jobs else IDLE_S)

    def _check_clock(self) -> None:
        now = time.monotonic()
        for worker in list(self._workers):
            if now >= self._deadline(worker):
                seconds = round(self._limits.timeout_s)
                self._lose(worker, _failure(worker, "timeout", f"Reading took longer than {seconds} s."))

    def _receive(self, worker: _Worker) -> None:
        """Take what a worker has sent; a worker that breaks the protocol is killed."""
        try:
            data = worker.channel.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._bury(worker)
            return
        worker.inbox += data
        try:
            while worker in self._workers and (frame := frames.take(worker.inbox, self._max_body)):
                self._handle(worker, frame)
        except frames.BadFrameError as exc:
            large = "too large" in str(exc)
            status, reason = (
                ("budget", "It yields too much.") if large else ("crashed", "The parser answered garbage.")
            )
            self._lose(worker, _failure(worker, status, reason))

    def _handle(self, worker: _Worker, frame: frames.Frame) -> None:
        header = frame.header
        if not worker.ready:
            worker.ready, worker.since = True, time.monotonic()
            self._failed_starts = 0
            return
        if not worker.jobs or header.get("job") != worker.jobs[0][0]:
            raise frames.BadFrameError("an answer to nothing")
        if "began" in header:
            worker.reading = header["began"] if header["began"] in FORMATS else ""
            return
        outcome = _outcome(frame)
        _, job = worker.jobs.popleft()
        worker.since, worker.reading = time.monotonic(), ""
        pure = isinstance(outcome, Parsed) and FORMATS[outcome.document.format].module in PURE_PYTHON
        worker.used += 0.1 if pure else 1
        worn = worker.used >= MAX_FILES or (not pure and rss_mb(worker.process.pid) > MAX_RSS_MB)
        if worn or (isinstance(outcome, UnreadableDocument) and outcome.status == "budget"):
            self._lose(worker, None)
        job.finish(outcome)

    def _bury(self, worker: _Worker) -> None:
        """Deal with a worker that has closed its end."""
        code = worker.end(grace_s=0.5)
        if code == -signal.SIGXCPU:
            failure = _failure(worker, "timeout", "Reading took too much processor time.")
        elif code == -signal.SIGKILL:
            failure = _failure(
                worker, "budget", "The system stopped the parser, probably for lack of memory."
            )
        else:
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            failure = _failure(worker, "crashed", f"The parser crashed ({how}).")
        self._lose(worker, failure)

    def _lose(self, worker: _Worker, failure: UnreadableDocument | None) -> None:
        """End a worker. Its first document fails, if a failure is given; the others go elsewhere."""
        self._workers.remove(worker)
        self._selector.unregister(worker.channel)
        worker.end()
        jobs = [job for _, job in worker.jobs]
        worker.jobs.clear()
        if failure is not None and jobs:
            first = jobs.pop(0)
            log.warning("%s: %s", safe_text(first.name, 200, single_line=True), failure.reason)
            first.finish(failure)
        with self._lock:
            self._waiting.extendleft(reversed([job for job in jobs if not job.done]))
        if not worker.ready:
            self._start_failed("The parse workers end before they are ready.")

    def _note_work(self) -> None:
        self._working_on = tuple(worker.jobs[0][1].name for worker in self._workers if worker.jobs)


def _outcome(frame: frames.Frame) -> Parsed | UnreadableDocument:
    header = frame.header
    if "status" not in header:
        return frames.unpack_parsed(frame)
    status, reason, hint, format = (header.get(key) for key in ("status", "reason", "hint", "format"))
    pages = header.get("pages", 0)
    if status not in UNREAD or not isinstance(reason, str) or not isinstance(hint, str):
        raise frames.BadFrameError("a malformed refusal")
    if type(pages) is not int or not 0 <= pages <= MAX_PAGES:
        raise frames.BadFrameError("a malformed refusal")
    return UnreadableDocument(
        safe_text(reason, 500, single_line=True),
        safe_text(hint, 500, single_line=True),
        status=str(status),
        format=format if format in FORMATS else "",
        pages=pages,
    )


def _failure(worker: _Worker, status: str, reason: str) -> UnreadableDocument:
    hint = "Open it with another program and save it again, or leave it out with .quireignore."
    return UnreadableDocument(reason, hint, status=status, format=worker.reading)


def parser_version(format: str) -> str:
    """What `Parsed.parser` is now for a document of this format; "" for a format that is gone."""
    if format not in FORMATS:
        return ""
    from indexer import chunking

    return f"{format}/{load(format).VERSION}+chunks/{chunking.VERSION}"
