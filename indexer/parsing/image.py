"""Images: recognised and measured, but their text needs OCR."""

from __future__ import annotations

import struct
from typing import BinaryIO, NoReturn

from indexer.errors import UnreadableDocument
from indexer.parsing.source import Source
from indexer.scans import HINT
from indexer.types import Status

VERSION = 2

_MOST_PAGES = 10_000


def parse(source: Source) -> NoReturn:
    """Say what the picture is and that its text needs OCR.

    Raises:
        UnreadableDocument: always; the status is needs-ocr, or unsupported when it is no picture.
    """
    name, size = measure(source.head)
    if not name:
        raise UnreadableDocument("This is not an image that Quire knows.", status=Status.UNSUPPORTED)
    shape = f" of {size[0]:,} × {size[1]:,} pixels" if all(size) else ""
    raise UnreadableDocument(
        f"This is an image ({name}){shape}: the text in it can be read with OCR only.",
        HINT,
        status=Status.NEEDS_OCR,
        pages=_count_pages(source) if name == "TIFF" else 1,
    )


def measure(head: bytes) -> tuple[str, tuple[int, int]]:
    """Name of the image format and (width, height) in pixels, (0, 0) when the head does not tell."""
    for magic, name, reader in _FORMATS:
        if head.startswith(magic) and (name != "WebP" or head[8:12] == b"WEBP"):
            try:
                return name, reader(head)
            except (struct.error, IndexError):
                return name, (0, 0)
    if head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"avif", b"mif1", b"msf1"):
        return "AVIF" if head[8:12] == b"avif" else "HEIF", (0, 0)
    return "", (0, 0)


def _count_pages(source: Source) -> int:
    """Pictures in a TIFF file: each directory names the place of the next one."""
    with source.open() as file:
        order = "<" if file.read(2) == b"II" else ">"
        seen: set[int] = set()
        position = _number(file, order, 4, "I")
        while position and position not in seen and len(seen) < _MOST_PAGES:
            seen.add(position)
            position = _number(file, order, position + 2 + 12 * _number(file, order, position, "H"), "I")
    return max(1, len(seen))


def _number(file: BinaryIO, order: str, at: int, kind: str) -> int:
    """An unsigned number of a TIFF file; 0 where the file ends."""
    file.seek(at)
    size = struct.calcsize(kind)
    found = file.read(size)
    return int(struct.unpack(order + kind, found)[0]) if len(found) == size else 0


def _png(head: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", head, 16)
    return width, height


def _gif(head: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", head, 6)
    return width, height


def _bmp(head: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<ii", head, 18)
    return abs(width), abs(height)


def _jpeg(head: bytes) -> tuple[int, int]:
    position = 2
    while position + 9 <= len(head):
        marker, kind, size = struct.unpack_from(">BBH", head, position)
        if marker != 0xFF:
            break
        # Start of frame, whichever the coding; C4, C8 and CC are tables.
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", head, position + 5)
            return width, height
        position += 2 + size
    return 0, 0


def _tiff(head: bytes) -> tuple[int, int]:
    order = "<" if head[:2] == b"II" else ">"
    (position,) = struct.unpack_from(order + "I", head, 4)
    (entries,) = struct.unpack_from(order + "H", head, position)
    found = {256: 0, 257: 0}
    for number in range(min(entries, 64)):
        tag, kind = struct.unpack_from(order + "HH", head, position + 2 + 12 * number)
        if tag in found:
            shape = order + ("H" if kind == 3 else "I")
            (found[tag],) = struct.unpack_from(shape, head, position + 2 + 12 * number + 8)
    return found[256], found[257]


def _webp(head: bytes) -> tuple[int, int]:
    kind = head[12:16]
    if kind == b"VP8X":
        return (
            1 + int.from_bytes(head[24:27], "little"),
            1 + int.from_bytes(head[27:30], "little"),
        )
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", head, 26)
    return width & 0x3FFF, height & 0x3FFF


_FORMATS = (
    (b"\x89PNG\r\n\x1a\n", "PNG", _png),
    (b"\xff\xd8\xff", "JPEG", _jpeg),
    (b"GIF8", "GIF", _gif),
    (b"BM", "BMP", _bmp),
    (b"II*\x00", "TIFF", _tiff),
    (b"MM\x00*", "TIFF", _tiff),
    (b"RIFF", "WebP", _webp),
)
