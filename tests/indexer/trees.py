"""Trees of files for the tests of organizing: what they hold, and a disk that dies or is parted in two."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest import mock

from indexer.organize import disk
from indexer.organize.check import Bounds
from indexer.organize.plan import Action, Plan, identity


class Entry(NamedTuple):
    """What must be the same again after an undo."""

    content: bytes | None
    mode: int
    mtime_ns: int
    """0 of a folder, whose time every new name in it changes."""


def picture(folder: bytes) -> dict[bytes, Entry]:
    """Everything below a folder."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(place, name)
            status = os.lstat(path)
            mode = stat.S_IMODE(status.st_mode)
            if stat.S_ISREG(status.st_mode):
                with open(path, "rb") as stream:
                    found[path] = Entry(stream.read(), mode, status.st_mtime_ns)
            else:
                found[path] = Entry(None, mode, 0)
    return found


def contents(folder: bytes) -> list[bytes]:
    """The contents of all files below a folder, sorted: nothing may ever be missing."""
    return sorted(each.content for each in picture(folder).values() if each.content is not None)


def identity_of(path: bytes) -> str:
    mark = disk.mark(path)
    return identity(mark.size, mark.mtime_ns, mark.sha256)


def action(word: Any, source: bytes, second: bytes = b"", line: int = 1) -> Action:
    return Action(
        word=word,
        id=identity_of(source),
        source=source,
        target=b"" if word in ("trash", "keep") else second,
        kept=second if word == "trash" else b"",
        line=line,
    )


def plan(*actions: Action) -> Plan:
    return Plan(base=b"", into=(), actions=actions)


def bounds(*roots: bytes, never: tuple[bytes, ...] = ()) -> Bounds:
    return Bounds(roots=roots, never=never)


class Killed(BaseException):
    """Stands for SIGKILL: from here on nothing of the process reaches the disk."""


OPERATIONS = (
    (os, "mkdir"),
    (os, "rmdir"),
    (os, "link"),
    (os, "unlink"),
    (os, "write"),
    (os, "fsync"),
    (os, "fchmod"),
    (os, "utime"),
    (os, "ftruncate"),
    (disk, "rename_exclusively"),
)
"""All ways in which organizing reaches the disk."""


@contextmanager
def parted(name: bytes) -> Iterator[None]:
    """Folders of this name, and all below them, behave as if on another device; b"" parts nothing."""
    real = disk.rename_exclusively

    def side(folder: int) -> bool:
        return name in os.fsencode(os.readlink(f"/proc/self/fd/{folder}")).split(b"/")  # noqa: PTH115

    def rename(old_folder: int, old: bytes, new_folder: int, new: bytes) -> None:
        if name and side(old_folder) != side(new_folder):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        real(old_folder, old, new_folder, new)

    with mock.patch.object(disk, "rename_exclusively", rename):
        yield


@contextmanager
def without_renameat2() -> Iterator[None]:
    """A file system that has hard links, and no rename that never overwrites."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    with mock.patch.object(disk, "rename_exclusively", refuse):
        yield


@contextmanager
def ignoring_case() -> Iterator[None]:
    """A file system on which a name is found however its letters are written."""
    real = disk.look

    def look(path: bytes) -> os.stat_result | None:
        folder, name = os.path.split(path)
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            spelled = [entry.path for entry in entries if entry.name.lower() == name.lower()]
            return real(spelled[0]) if spelled else None
        return real(path)

    with mock.patch.object(disk, "look", look):
        yield


@contextmanager
def meanwhile(number: int, what: Callable[[], object]) -> Iterator[None]:
    """Let something happen just before the rename of this number (from 1 on)."""
    real = disk.rename_exclusively
    count = [0]

    def rename(old_folder: int, old: bytes, new_folder: int, new: bytes) -> None:
        count[0] += 1
        if count[0] == number:
            what()
        real(old_folder, old, new_folder, new)

    with mock.patch.object(disk, "rename_exclusively", rename):
        yield


@contextmanager
def dying(after: int, *, torn: bool = False) -> Iterator[list[int]]:
    """Let so many operations happen and none afterwards, whoever tries; gives the count.

    Args:
        after: How many operations still happen.
        torn: The last one, when it writes, writes half.
    """
    count = [0]

    def guarded(real: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            count[0] += 1
            if count[0] > after:
                if torn and name == "write" and count[0] == after + 1:
                    real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                raise Killed
            return real(*arguments, **options)

        return call

    with mock.patch.multiple(disk, rename_exclusively=guarded(disk.rename_exclusively, "rename")):
        patches = [
            mock.patch.object(place, name, guarded(getattr(place, name), name))
            for place, name in OPERATIONS
            if place is os
        ]
        for patch in patches:
            patch.start()
        try:
            yield count
        finally:
            for patch in patches:
                patch.stop()
