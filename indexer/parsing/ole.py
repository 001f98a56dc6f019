"""Opens OLE containers (Word, Excel, PowerPoint 97-2003, Outlook messages, encrypted OOXML)."""

from __future__ import annotations

import codecs
import datetime
from typing import Any, TypeAlias

from indexer.errors import UnreadableDocument

Ole: TypeAlias = Any
"""An `olefile.OleFileIO`; the library has no types."""

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NO_SECTOR = 0xFFFFFFFA
"""Sector numbers from here on mean "end" or "none"."""
MAX_STREAM = 128 * 1024**2
"""Bytes read of one stream."""


def open_ole(content: bytes, what: str) -> Ole:
    """The container.

    Raises:
        UnreadableDocument: damaged, or an Office file with a password (encrypted).
    """
    import olefile

    try:
        # Only a broken directory is fatal: Office itself opens files with lesser defects.
        ole = olefile.OleFileIO(content, raise_defects=olefile.DEFECT_FATAL)
    except (OSError, ValueError, IndexError, KeyError, AttributeError, TypeError, RecursionError) as exc:
        raise damaged(what) from exc
    if has_stream(ole, "EncryptedPackage") or has_stream(ole, "EncryptionInfo"):
        raise locked(what)
    return ole


def refuse_ole(content: bytes, what: str) -> None:
    """Say why a file that should be a zip package is an OLE container: a password, mostly."""
    if content.startswith(MAGIC):
        open_ole(content, what)
        raise UnreadableDocument(
            f"This is an older Office file, not a {what}.", "Save it in the format of its name."
        )


def has_stream(ole: Ole, name: str) -> bool:
    """Whether a stream or storage of this path is there."""
    return bool(ole.exists(name))


def read_stream(ole: Ole, name: str, limit: int = MAX_STREAM) -> bytes:
    """The first `limit` bytes of a stream; nothing when it is missing or damaged."""
    try:
        with ole.openstream(name) as stream:
            data: bytes = stream.read(limit)
            return data
    except (OSError, ValueError, IndexError, KeyError, AttributeError, TypeError):
        return b""


def refuse_loops(ole: Ole, what: str) -> None:
    """Refuse containers whose chains of sectors never end, for readers that follow them into all memory.

    Raises:
        UnreadableDocument: a chain has a loop or leads nowhere.
    """
    fat = ole.fat
    for entry in ole.direntries:
        if entry is None or entry.entry_type not in (2, 5):
            continue
        small = entry.entry_type == 2 and entry.size < ole.minisectorcutoff
        if small and ole.minifat is None:
            ole.loadminifat()
        _follow(entry.isectStart, ole.minifat if small else fat, what)
    for start in (ole.first_dir_sector, ole.first_mini_fat_sector):
        _follow(start, fat, what)


def _follow(sector: int, table: Any, what: str) -> None:
    for _step in range(len(table) + 1):
        if sector >= _NO_SECTOR:
            return
        if sector >= len(table):
            break
        sector = table[sector]
    raise damaged(what)


def _summary(ole: Ole) -> dict[int, Any]:
    if not has_stream(ole, "\x05SummaryInformation"):
        return {}
    try:
        properties: dict[int, Any] = ole.getproperties("\x05SummaryInformation", convert_time=True)
    except (OSError, ValueError, IndexError, KeyError, AttributeError, TypeError, OverflowError):
        return {}
    return properties


def code_page(ole: Ole) -> str:
    """Python's name of the code page of the summary information; Western when it is not said."""
    number = _summary(ole).get(1)
    page = number & 0xFFFF if isinstance(number, int) else 1252
    name = {65001: "utf-8", 1200: "utf-16-le", 10000: "mac_roman"}.get(page, f"cp{page}")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "cp1252"


def facts(ole: Ole) -> dict[str, str]:
    """Title, author, subject, keywords, producer, created and modified of the summary information."""
    properties = _summary(ole)
    charset = code_page(ole)
    found: dict[str, str] = {}
    for number, key in ((2, "title"), (3, "subject"), (4, "author"), (5, "keywords"), (18, "producer")):
        value = properties.get(number)
        if isinstance(value, bytes):
            found[key] = value.decode(charset, "replace").strip("\x00 ")
        elif isinstance(value, str):
            found[key] = value.strip("\x00 ")
    for number, key in ((12, "created"), (13, "modified")):
        value = properties.get(number)
        if isinstance(value, datetime.datetime) and value.year > 1970:
            found[key] = value.isoformat(timespec="seconds") + "Z"
    return {key: value for key, value in found.items() if value}


def locked(what: str) -> UnreadableDocument:
    """The error for a file with a password."""
    return UnreadableDocument(
        f"This {what} is protected by a password.", "Save a copy without the password.", status="encrypted"
    )


def damaged(what: str) -> UnreadableDocument:
    """The error for a container or stream that makes no sense."""
    return UnreadableDocument(
        f"This {what} is damaged: its inner structure is broken.", "Get the file again from where it came."
    )
