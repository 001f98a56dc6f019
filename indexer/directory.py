"""The library's own folder: where things lie in it, whose it is, and the lock of the one process in it."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
from pathlib import Path

from indexer.errors import LibraryBusyError, LibraryRefusedError

_OURS = (
    "catalogue.sqlite3",
    "owner.lock",
    "engine",
    "keyword",
    "vectors",
    "models",
    "logs",
    "state.sqlite3",
    "organize",
    ".",
)
"""Beginnings of names that may lie in a library's folder before its catalogue does."""


def prepare(directory: Path) -> Path:
    """Make the folder if need be, private to its owner; returns its real path.

    Raises:
        LibraryRefusedError: it belongs to somebody else, others may write to it, or it is a folder
            of other things.
    """
    # Everything made from here on, SQLite's and Tantivy's files included, is for the owner alone.
    os.umask(0o077)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory = directory.resolve(strict=True)
        found = directory.stat()
        names = {entry.name for entry in directory.iterdir()}
    except OSError as exc:
        raise LibraryRefusedError(
            f"The library's folder {directory} cannot be used: {exc.strerror}.",
            hint="Name another one with --library DIR.",
        ) from exc
    check_owner(directory, found)
    if "catalogue.sqlite3" not in names and not all(name.startswith(_OURS) for name in names):
        raise LibraryRefusedError(
            f"The folder {directory} holds other things and no library.",
            hint="Name an empty or new folder with --library DIR.",
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        directory.chmod(0o700)
    return directory


def check_owner(directory: Path, found: os.stat_result) -> None:
    """Raise LibraryRefusedError when others own the folder or may write to it."""
    if found.st_uid != os.geteuid():
        raise LibraryRefusedError(
            f"The library's folder {directory} belongs to another user.",
            hint="Name a folder of your own with --library DIR.",
        )
    if stat.S_IMODE(found.st_mode) & 0o022:
        raise LibraryRefusedError(
            f"Others may write to the library's folder {directory}.",
            hint=f"Run 'chmod 700 {directory}' if nobody else put anything there.",
        )


class OwnerLock:
    """Held by the one process that has the library open, from `take` until it ends."""

    def __init__(self, directory: Path) -> None:
        """Take the lock.

        Raises:
            LibraryBusyError: another process has it.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(directory / "owner.lock", flags, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 200).decode("utf-8", "replace").strip()
            os.close(self._descriptor)
            raise LibraryBusyError(
                "Another process has this library open" + (f" ({holder})." if holder else "."),
                hint="Leave out --no-engine to share it, or end it with 'quire engine stop'.",
            ) from None
        except BaseException:
            os.close(self._descriptor)
            raise
        # For people only: the lock itself is what counts.
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)

    def release(self) -> None:
        """Let go of the lock."""
        os.close(self._descriptor)
