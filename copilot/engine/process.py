"""Finding, starting and ending the one engine of a library.

What clients use: it imports little. Nothing here forks: the engine (`copilot.engine.serve`) is a new
program in a session of its own.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import select
import signal
import socket
import stat
import struct
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from copilot.engine import VERSION
from indexer import directory
from indexer.errors import EngineError, LibraryRefusedError

START_TIMEOUT_S = 60.0
"""A cold engine takes about a second; a library on a slow disk with a long journal may take many."""
STOP_TIMEOUT_S = 20.0
"""After this an engine that was asked to end is killed; nothing acknowledged is lost by that."""

_PEER_CREDENTIALS = struct.Struct("3i")
_LONGEST_SOCKET_PATH = 100
"""Bytes; `sun_path` holds 108 on Linux and 104 on macOS, the final NUL included."""


class Place(NamedTuple):
    """Where a library and its engine live."""

    library: Path
    socket: Path
    log: Path


def default_library() -> str:
    """The folder of the library when none is named: `QUIRE_LIBRARY`, or the platform's data folder."""
    chosen = os.environ.get("QUIRE_LIBRARY")
    if chosen:
        return chosen
    import platformdirs

    return platformdirs.user_data_dir("quire", appauthor=False)


def place_of(library: str | os.PathLike[str]) -> Place:
    """The places of a library given by its folder, which need not exist yet.

    The socket lies in the library. Where that path is too long for a socket, it lies in the user's
    runtime folder or in a folder of the user's own below /tmp, named after the library.
    """
    folder = Path(os.path.realpath(library))
    path = folder / "engine.sock"
    if len(os.fsencode(path)) > _LONGEST_SOCKET_PATH:
        import hashlib

        name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]
        path = _runtime_folder() / f"{name}.sock"
    return Place(folder, path, folder / "logs" / "engine.log")


def _runtime_folder() -> Path:
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if given and len(given) < 50 and Path(given).is_dir():
        return Path(given) / "quire"
    return Path(f"/tmp/quire-{os.geteuid()}")


def absolute(path: str) -> str:
    """The path without dots, as of the current folder; symbolic links stay as they are."""
    return os.path.abspath(path)  # noqa: PTH100  (Path.resolve would follow links)


def private_folder(path: Path) -> None:
    """Make a folder only its owner can enter; take an existing one only when nobody else can write to it.

    Raises:
        LibraryRefusedError: it belongs to somebody else, others may write to it, or it cannot be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
    except OSError as exc:
        raise LibraryRefusedError(f"Cannot use the folder {path}: {exc.strerror}.") from exc
    if stat.S_ISLNK(found.st_mode):
        raise LibraryRefusedError(f"{path} is a link; somebody may have planted it.", hint="Remove it.")
    directory.check_owner(path, found)


def build_id() -> str:
    """The version with a mark of the code's files, so that an engine of older code is replaced.

    Sizes and times of the files, not their content: this runs in every command. `QUIRE_BUILD` overrides
    it, for tests and for installations that stamp their builds.
    """
    if stamp := os.environ.get("QUIRE_BUILD"):
        return stamp
    mark = 0
    for package in ("copilot", "indexer"):
        for line in sorted(_code_files(str(Path(__file__).parents[2] / package))):
            mark = zlib.crc32(line.encode(errors="surrogateescape"), mark)
    return f"{VERSION}+{mark:08x}"


def _code_files(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                found = entry.stat()
                yield f"{entry.path}:{found.st_size}:{found.st_mtime_ns}"
            elif entry.is_dir() and entry.name != "__pycache__":
                yield from _code_files(entry.path)


def config_file(config: str | None) -> Path:
    """The configuration file that `indexer.config` will read, found without importing it."""
    chosen = config or os.environ.get("QUIRE_CONFIG")
    if chosen:
        return Path(chosen)
    import platformdirs

    return platformdirs.user_config_path("quire") / "config.toml"


def config_id(config: str | None) -> str:
    """A mark of the configuration file as it is now: path, size, time. `config` as given or None."""
    path = os.path.realpath(config_file(config))
    try:
        found = Path(path).stat()
        mark = f"{path}:{found.st_size}:{found.st_mtime_ns}"
    except OSError:
        mark = f"{path}:none"
    return f"{zlib.crc32(mark.encode(errors='surrogateescape')):08x}"


def peer_of(connection: socket.socket) -> tuple[int, int] | None:
    """(pid, uid) of the process at the other end; None where the system does not tell."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER_CREDENTIALS.size)
    pid, uid, _ = _PEER_CREDENTIALS.unpack(raw)
    return pid, uid


def connect(place: Place, *, timeout_s: float) -> socket.socket | None:
    """A connection to the engine, or None when there is none to talk to.

    Raises:
        LibraryRefusedError: something of another user listens there.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout_s)
    try:
        connection.connect(os.fspath(place.socket))
    except OSError as exc:
        connection.close()
        # EAGAIN: the queue of a listening engine is full for a moment; it exists, so nothing to start.
        if exc.errno in (errno.ENOENT, errno.ECONNREFUSED, errno.ENOTSOCK, errno.ECONNRESET):
            return None
        raise EngineError(f"Cannot reach the engine: {exc.strerror or exc}.") from exc
    peer = peer_of(connection)
    if peer is not None and peer[1] != os.geteuid():
        connection.close()
        raise LibraryRefusedError(
            f"The engine at {place.socket} belongs to another user.", hint="Choose another --library."
        )
    return connection


def engine_pid(place: Place) -> int | None:
    """The process that listens on the library's socket; None when there is none."""
    connection = connect(place, timeout_s=5)
    if connection is None:
        return None
    with connection:
        peer = peer_of(connection)
    return peer[0] if peer else None


def ensure_running(place: Place, config: str | None, *, timeout_s: float = START_TIMEOUT_S) -> bool:
    """See to it that an engine listens; True when this call started it.

    However many clients do this at once, one of them starts one engine and the others wait for it.

    Raises:
        AppError: what kept the engine from starting, as the engine itself reported it.
        EngineError: it did not come up in time.
    """
    directory.prepare(place.library)
    deadline = time.monotonic() + timeout_s
    try:
        fd = os.open(place.library / "engine.starting", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise EngineError(f"Cannot start the engine: {exc.strerror}.", hint="Is the disk full?") from exc
    try:
        while not _lock(fd):
            if _listening(place):
                return False
            if time.monotonic() > deadline:
                raise EngineError(
                    "Another process has been starting the engine for too long.",
                    hint=f"Look into {place.log}.",
                )
            time.sleep(0.02)
        if _listening(place):
            return False
        try:
            _spawn(place, config, deadline)
        except OSError as exc:
            raise EngineError(
                f"Cannot start the engine: {exc.strerror or exc}.", hint="Is the disk full?"
            ) from exc
        return True
    finally:
        os.close(fd)


def _lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _listening(place: Place) -> bool:
    connection = connect(place, timeout_s=5)
    if connection is None:
        return False
    connection.close()
    return True


def _spawn(place: Place, config: str | None, deadline: float) -> None:
    import subprocess

    private_folder(place.log.parent)
    private_folder(place.socket.parent)
    command = [sys.executable, "-P", "-m", "copilot.engine.serve", os.fspath(place.library)]
    if config:
        command += ["--config", absolute(config)]
    reader, writer = os.pipe()
    output = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        process = subprocess.Popen(
            [*command, "--ready-fd", str(writer)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=_environment(),
            pass_fds=(writer,),
            start_new_session=True,
        )
    finally:
        os.close(output)
        os.close(writer)
    # The engine outlives most clients; where it does not, somebody must collect its exit status.
    threading.Thread(target=process.wait, daemon=True).start()
    try:
        report = _read_report(reader, deadline)
    finally:
        os.close(reader)
    _raise_for(report, place)


def _environment() -> dict[str, str]:
    """The client's, with the folder of the packages, so that a source tree works from anywhere."""
    root = str(Path(__file__).parents[2])
    inherited = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{inherited}" if inherited else root}


def _read_report(fd: int, deadline: float) -> bytes | None:
    """What the engine says when it is up or has failed; empty when it died, None when it is late."""
    report = b""
    while not report.endswith(b"\n"):
        ready, _, _ = select.select([fd], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return None
        piece = os.read(fd, 65536)
        if not piece:
            break
        report += piece
    return report


def _raise_for(report: bytes | None, place: Place) -> None:
    if report is None:
        raise EngineError("The engine did not come up in time.", hint=f"Look into {place.log}.")
    if not report.endswith(b"\n"):
        raise EngineError("The engine ended while it was starting.", hint=f"Look into {place.log}.")
    error = json.loads(report).get("error")
    if error:
        from copilot.engine.transport import error_from_wire

        raise error_from_wire(error)


def stop(place: Place, *, timeout_s: float = STOP_TIMEOUT_S) -> bool:
    """End the engine and wait until it is gone; False when there was none.

    It is asked first and killed when it does not end in time; both are safe for the library.
    """
    pid = engine_pid(place)
    if pid is None:
        return False
    end(pid, timeout_s=timeout_s)
    return True


def end(pid: int, *, timeout_s: float = STOP_TIMEOUT_S) -> None:
    """End this very engine; `pid` as its connection told it, so that no successor is hit."""
    _signal(pid, signal.SIGTERM)
    if not _wait_gone(pid, timeout_s):
        kill(pid)


def kill(pid: int) -> None:
    """Kill an engine that listens but does not answer; `pid` as its connection told it."""
    _signal(pid, signal.SIGKILL)
    _wait_gone(pid, 5)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _wait_gone(pid: int, timeout_s: float) -> bool:
    """Wait for a process that need not be a child of this one; a zombie counts as gone."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if not alive(pid):
            return True
        time.sleep(0.02)
    return not alive(pid)


def alive(pid: int) -> bool:
    """The process exists and is no zombie.

    While a killed process dies, its first thread is a zombie already and the others still hold its
    sockets open: it counts as alive until they are gone, too.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
        return state not in (b"Z", b"X") or len([*Path(f"/proc/{pid}/task").iterdir()]) > 1
    except (OSError, IndexError):
        return not Path("/proc/self").exists()
