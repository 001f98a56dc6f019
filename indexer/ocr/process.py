"""Starts, feeds and kills the OCR process.

One page at a time, with a deadline; whoever asks can stop in the middle of a page. The process is
believed nothing: what it answers is checked like a parse worker's.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from indexer import ocr
from indexer.config import OcrConfig
from indexer.errors import EngineError, UnreadableDocument
from indexer.parsing import frames
from indexer.parsing.source import Limits
from indexer.parsing.spawn import spawn
from indexer.text import safe_text

log = logging.getLogger(__name__)

COMMAND = (sys.executable, "-P", "-m", "indexer.ocr.worker")
"""Starts the process; its options are added as the last argument."""
START_S = 60.0
"""Seconds the process may take to start."""
LOOK_S = 0.1
"""Seconds between looks at whether to stop."""
MAX_PAGES = 200
"""Pages after which the process is replaced: C libraries leak."""
_MAX_TEXT = 8 << 20


class Stopped(Exception):
    """The page was given up because somebody said so."""


class Recogniser:
    """The OCR process, started when the first page comes."""

    def __init__(self, config: OcrConfig, *, log_path: Path) -> None:
        """Keep the settings; `log_path` takes whatever the process prints."""
        self._config = config
        self._log_path = log_path
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._inbox = bytearray()
        self._jobs = 0

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        return self._process.pid if self._process else None

    def read(
        self,
        descriptor: int,
        name: str,
        page: int,
        *,
        engines: Sequence[str],
        languages: Sequence[str],
        hint: str,
        stop: Callable[[], bool],
    ) -> ocr.Reading:
        """Recognise a page.

        Args:
            descriptor: Of the document; stays the caller's.
            name: Its name, for the log.
            page: 1-based.
            engines: Those that may be used.
            languages: Most likely first; empty: found out.
            hint: The one that is tried first then; may be "".
            stop: Asked every tenth of a second.

        Raises:
            UnreadableDocument: this page cannot be read, for the reason it gives.
            EngineError: no engine works, whatever the page.
            Stopped: `stop` said so.
        """
        try:
            self._start(stop)
            self._jobs += 1
            header = {
                "job": self._jobs,
                "name": name[:200],
                "page": page,
                "engines": list(engines),
                "languages": list(languages),
                "hint": hint,
                "dpi": self._config.dpi,
                "max_pixels": self._config.max_megapixels * 1_000_000,
                "tessdata": self._config.tessdata,
                "threads": self._config.threads,
            }
            answer = self._exchange(header, descriptor, stop)
        except BaseException:
            self.end()
            raise
        if self._jobs >= MAX_PAGES:
            self.end()
        return _reading(answer)

    def end(self) -> None:
        """Kill the process, if there is one; the next page starts another."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._process is not None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
            self._process.wait()
            self._process = None
        self._inbox.clear()
        self._jobs = 0

    def _start(self, stop: Callable[[], bool]) -> None:
        if self._process is not None:
            return
        limits = Limits(timeout_s=self._config.timeout_s, memory_mb=self._config.memory_mb, max_file_mb=16384)
        self._channel, theirs = socket.socketpair()
        try:
            self._process = spawn(COMMAND, theirs.fileno(), limits, self._log_path)
        except OSError as exc:
            raise EngineError(f"The OCR process cannot be started: {exc.strerror}.") from exc
        finally:
            theirs.close()
        try:
            self._receive(time.monotonic() + START_S, stop)
        except UnreadableDocument as exc:
            raise EngineError(
                "The OCR process ends before it is ready.", hint=f"See {self._log_path}."
            ) from exc

    def _exchange(self, header: dict[str, object], descriptor: int, stop: Callable[[], bool]) -> frames.Frame:
        assert self._channel is not None
        (frame,) = frames.pack(header)
        try:
            socket.send_fds(self._channel, [frame], [descriptor])
        except OSError as exc:
            raise UnreadableDocument("The OCR process ended.") from exc
        answer = self._receive(time.monotonic() + self._config.timeout_s, stop)
        if answer.header.get("job") != self._jobs:
            raise UnreadableDocument("The OCR process answered garbage.")
        return answer

    def _receive(self, deadline: float, stop: Callable[[], bool]) -> frames.Frame:
        channel = self._channel
        assert channel is not None
        while True:
            try:
                if (found := frames.take(self._inbox, _MAX_TEXT)) is not None:
                    return found
            except frames.BadFrameError as exc:
                raise UnreadableDocument("The OCR process answered garbage.") from exc
            if stop():
                raise Stopped
            if time.monotonic() > deadline:
                raise UnreadableDocument(f"It took longer than {self._config.timeout_s:.0f} s.")
            if select.select([channel], [], [], LOOK_S)[0]:
                data = channel.recv(1 << 20)
                if not data:
                    raise UnreadableDocument(self._how_it_ended())
                self._inbox += data

    def _how_it_ended(self) -> str:
        assert self._process is not None
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "The OCR process closed its end."
        if code == -signal.SIGKILL:
            return "The system stopped the OCR process, probably for lack of memory."
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"The OCR process crashed ({how})."


def _reading(frame: frames.Frame) -> ocr.Reading:
    header = frame.header
    if "unusable" in header:
        raise EngineError(safe_text(str(header["unusable"]), 300, single_line=True))
    if "failed" in header:
        raise UnreadableDocument(safe_text(str(header["failed"]), 300, single_line=True))
    try:
        return ocr.Reading(
            text=frame.body.decode("utf-8"),
            confidence=max(0, min(100, int(header["confidence"]))),
            engine=safe_text(str(header["engine"]), 120, single_line=True),
            turned=int(header["turned"]),
            skew=float(header["skew"]),
        )
    except (LookupError, TypeError, ValueError) as exc:
        raise UnreadableDocument("The OCR process answered garbage.") from exc
