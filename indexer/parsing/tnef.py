"""Outlook's winmail.dat: the files and the plain body packed in it.

Source: [MS-OXTNEF] 2.1 (attributes).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

_SIGNATURE = 0x223E9F78
_BODY, _RENDERING, _DATA, _TITLE, _PROPERTIES = 0x0002800C, 0x00069002, 0x0006800F, 0x00018010, 0x00069005
_LONG_NAME = b"\x1f\x00\x07\x37\x01\x00\x00\x00"
"""Property 0x3707 (long file name) as one UTF-16 string, within an attachment's MAPI properties."""
_MAX_FILES = 500


@dataclass(slots=True)
class Parcel:
    """What a winmail.dat holds."""

    body: str = ""
    files: list[tuple[str, bytes]] = field(default_factory=list)
    """(name, content)"""


def read_tnef(content: bytes) -> Parcel:
    """Take a winmail.dat apart as far as it is sound."""
    parcel = Parcel()
    if len(content) < 6 or struct.unpack_from("<I", content)[0] != _SIGNATURE:
        return parcel
    position = 6
    while position + 9 <= len(content) and len(parcel.files) <= _MAX_FILES:
        attribute, size = struct.unpack_from("<II", content, position + 1)
        data = content[position + 9 : position + 9 + size]
        _take(parcel, attribute, data)
        position += 9 + size + 2
    parcel.files = [(name, data) for name, data in parcel.files if data]
    return parcel


def _take(parcel: Parcel, attribute: int, data: bytes) -> None:
    if attribute == _BODY:
        parcel.body = data.rstrip(b"\x00").decode("cp1252", "replace")
    elif attribute == _RENDERING:
        parcel.files.append(("attachment", b""))
    elif not parcel.files:
        return
    elif attribute == _DATA:
        parcel.files[-1] = (parcel.files[-1][0], data)
    elif attribute == _TITLE:
        parcel.files[-1] = (data.rstrip(b"\x00").decode("cp1252", "replace"), parcel.files[-1][1])
    elif attribute == _PROPERTIES:
        at = data.find(_LONG_NAME)
        if 0 <= at <= len(data) - 12:
            (size,) = struct.unpack_from("<I", data, at + 8)
            name = data[at + 12 : at + 12 + size].decode("utf-16-le", "replace").rstrip("\x00")
            if name:
                parcel.files[-1] = (name, parcel.files[-1][1])
