"""The system's trash by the freedesktop.org specification: where a file goes, and the note beside it.

On the device of the home folder that is `$XDG_DATA_HOME/Trash`, elsewhere `.Trash/$uid` or `.Trash-$uid`
in the top folder of the device. Says where; moving is left to others.
Source: specifications.freedesktop.org/trash-spec, version 1.0.
"""

from __future__ import annotations

import datetime as dt
import os
import stat
from dataclasses import dataclass
from urllib.parse import quote

from indexer.organize.disk import is_inside

SUFFIX = b".trashinfo"
_LONGEST = 255 - len(SUFFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A trash folder and the folder that paths in its notes are relative to."""

    folder: bytes
    top: bytes
    """b"" in the home trash: its notes hold absolute paths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A free name in the trash."""

    file: bytes
    note: bytes
    text: str
    """What the note holds; ASCII."""


def place_for(path: bytes, device: int, *, home: bytes | None = None) -> Place:
    """The trash for a file on a device. May not exist yet.

    Args:
        path: The file, absolute, without links.
        device: Its `st_dev`.
        home: The home trash; by default `$XDG_DATA_HOME/Trash`.

    Raises:
        OSError: the device has no top folder in which a trash can be.
    """
    home = os.path.realpath(home or _home_trash())
    if _device(home) == device:
        return Place(folder=home, top=b"")
    top = _top(path, device)
    shared = os.path.join(top, b".Trash")
    user = str(os.getuid()).encode()
    if _may_share(shared):
        return Place(folder=os.path.join(shared, user), top=top)
    return Place(folder=os.path.join(top, b".Trash-" + user), top=top)


def _home_trash() -> bytes:
    data = os.environb.get(b"XDG_DATA_HOME", b"")
    if not data.startswith(b"/"):
        data = os.path.join(os.path.expanduser(b"~"), b".local/share")  # noqa: PTH111 - bytes
    return os.path.join(data, b"Trash")


def _device(path: bytes) -> int:
    """The device of a path, or of the nearest folder above that exists."""
    while True:
        try:
            return os.stat(path).st_dev  # noqa: PTH116 - bytes
        except FileNotFoundError:
            path = os.path.dirname(path)


def _top(path: bytes, device: int) -> bytes:
    """The outermost folder around a path on its device: where it is mounted."""
    top = os.path.dirname(path)
    while top != b"/" and os.lstat(os.path.dirname(top)).st_dev == device:
        top = os.path.dirname(top)
    return top


def _may_share(folder: bytes) -> bool:
    """Whether an administrator made it for all users: a real folder with the sticky bit."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and bool(found.st_mode & stat.S_ISVTX)


def slot(place: Place, path: bytes, taken: set[bytes]) -> Slot:
    """A free name in a trash for a file, and its note; the name is added to `taken`."""
    stem, extension = os.path.splitext(os.path.basename(path))  # noqa: PTH122 - bytes
    number = 1
    while True:
        tail = extension if number == 1 else f".{number}".encode() + extension
        name = _cut(stem, _LONGEST - len(tail)) + tail
        file = os.path.join(place.folder, b"files", name)
        note = os.path.join(place.folder, b"info", name + SUFFIX)
        if file not in taken and not os.path.lexists(file) and not os.path.lexists(note):
            taken.add(file)
            return Slot(file=file, note=note, text=_note(place, path))
        number += 1


def _cut(stem: bytes, length: int) -> bytes:
    while len(stem) > length:
        stem = stem[:-1] if stem[-1] < 0x80 else stem[:length].decode("utf-8", "ignore").encode()
    return stem


def _note(place: Place, path: bytes) -> str:
    inside = place.top and is_inside(path, place.top)
    told = path[len(place.top.rstrip(b"/")) + 1 :] if inside else path
    now = dt.datetime.now().replace(microsecond=0).isoformat()
    return f"[Trash Info]\nPath={quote(told)}\nDeletionDate={now}\n"
