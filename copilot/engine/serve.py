"""The engine process: `python -m copilot.engine.serve LIBRARY`, started by clients through `process`.

Opens the library, binds the socket, tells the client that waits, and serves until it is idle or told to
end. Whatever happens is in the log; the waiting client gets it, too.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from copilot.engine.logs import keep_log
from copilot.engine.process import Place, build_id, config_id, place_of, private_folder
from indexer import directory
from indexer.errors import LibraryBusyError

if TYPE_CHECKING:
    from copilot.types import Session
    from indexer.config import Config

_CLOSING_S = 10.0
"""How long a new engine waits for the library that an old one is just closing."""


def main(argv: list[str] | None = None) -> int:
    """Run an engine until it is idle for long enough or told to end; returns its exit code."""
    parser = argparse.ArgumentParser(prog="quire engine", description="Serve one library (started by quire).")
    parser.add_argument("library")
    parser.add_argument("--config")
    parser.add_argument("--ready-fd", type=int, default=-1)
    args = parser.parse_args(argv)
    os.umask(0o077)
    # Of the code on disk now, not after the imports: code that changes meanwhile must count as newer.
    build, settings = build_id(), config_id(args.config)
    place = place_of(args.library)
    directory.prepare(place.library)
    for folder in (place.log.parent, place.socket.parent):
        private_folder(folder)
    keep_log(place.log)
    report = _Report(args.ready_fd)
    try:
        _serve(place, args.config, build, settings, report)
    except BaseException as exc:  # noqa: BLE001  (the last handler of the process: everything is reported)
        from copilot.engine.methods import error_to_wire

        error = error_to_wire(exc, log_path=str(place.log))
        report.send({"error": error})
        logging.getLogger(__name__).error("%s %s", error["message"], error["hint"])
        logging.shutdown()
        return int(error["exit_code"])
    logging.shutdown()
    return 0


class _EarlySignal:
    """Remembers a SIGTERM that comes before the event loop can take it.

    Raising from the handler would not do: an exception that meets the import machinery is swallowed.
    """

    def __init__(self) -> None:
        """Listen from now on."""
        self.came = False
        signal.signal(signal.SIGTERM, self._remember)

    def _remember(self, number: int, frame: object) -> None:
        self.came = True


class _Report:
    """One message to the client that started this engine and waits for it."""

    def __init__(self, fd: int) -> None:
        """The descriptor to write to, or -1 when nobody waits."""
        self._fd = fd

    def send(self, message: dict[str, Any]) -> None:
        """Tell it, the first time; the descriptor's number belongs to some other file afterwards."""
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        with contextlib.suppress(OSError):
            os.write(fd, json.dumps(message).encode() + b"\n")
        os.close(fd)


def _serve(place: Place, config_file: str | None, build: str, settings: str, report: _Report) -> None:
    from indexer.config import load_config

    early = _EarlySignal()
    config = load_config(config_file)
    ready = threading.Event()
    session = _open(place, config, ready)
    try:
        listener = _listen(place)
        inode = place.socket.stat().st_ino
        report.send({"ready": os.getpid()})
        from copilot.engine.app import Engine

        engine = Engine(
            session,
            build=build,
            settings=settings,
            log_path=str(place.log),
            idle_s=config.engine.idle_minutes * 60,
            ready=ready,
            search_limit=config.search.limit,
        )
        try:
            engine.run(listener, ended=lambda: early.came)
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it is ending, and must not be cut short
            # Before the library is closed: whoever comes now starts a new engine, which waits for the lock.
            with contextlib.suppress(OSError):
                if place.socket.stat().st_ino == inode:
                    place.socket.unlink()
    finally:
        session.close()


def _open(place: Place, config: Config, ready: threading.Event) -> Session:
    """Open the library; an engine that is just ending still holds it for a moment."""
    from copilot.session import LocalSession
    from indexer.library import Library

    deadline = time.monotonic() + _CLOSING_S
    while True:
        try:
            return LocalSession(Library.open(place.library, config, on_ready=ready.set))
        except LibraryBusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _listen(place: Place) -> socket.socket:
    """Bind the socket. Only the holder of the library's lock comes here, so an old socket is a dead one."""
    with contextlib.suppress(FileNotFoundError):
        place.socket.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(os.fspath(place.socket))
    place.socket.chmod(0o600)
    listener.listen(128)
    return listener


if __name__ == "__main__":
    code = main()
    # Threads of C libraries and parsers cannot be ended from here; everything that counts is closed.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
