"""Text of Word 6 to 2003 files, from the piece table and the paragraph formats of the format itself.

Source: [MS-DOC] 2.4.1 (retrieving text), 2.5 (file information block), 2.9.177 (piece descriptors),
2.9.174 and 2.9.181 (paragraph formats).
"""

from __future__ import annotations

import bisect
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from indexer.parsing import ole
from indexer.parsing.builder import TextBuilder

_WHAT = "Word 97-2003 document"
_WORD_97 = 0xA5EC
_OLDER = (0xA5DC, 0xA5DB)
_MAX_CHARACTERS = 64 * 1024**2
_IN_TABLE, _ROW_END = 0x2416, 0x2417
"""Paragraph properties sprmPFInTable and sprmPFTtp."""
_MAX_HEADING = 300


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    """First character position."""
    end: int
    offset: int
    """Of its first byte in the main stream."""
    compressed: bool
    """One byte a character (code page 1252), else two (UTF-16)."""


@dataclass(frozen=True, slots=True)
class _Format:
    style: int
    """1 to 9 are the headings in every language."""
    in_table: bool
    row_end: bool


_PLAIN = _Format(0, False, False)


def read_word(container: ole.Ole, out: TextBuilder) -> None:
    """Add the document's text, headings and tables, then notes, comments and text boxes.

    Raises:
        UnreadableDocument: encrypted or damaged.
    """
    stream = ole.read_stream(container, "WordDocument")
    if len(stream) < 0x60:
        raise ole.damaged(_WHAT)
    magic, flags = struct.unpack_from("<H8xH", stream)
    if flags & 0x0100:
        raise ole.locked(_WHAT)
    if magic in _OLDER:
        _read_word_6(stream, container, out)
        return
    if magic != _WORD_97:
        raise ole.damaged(_WHAT)
    table = ole.read_stream(container, "1Table" if flags & 0x0200 else "0Table")
    try:
        pieces = _pieces(stream, table)
        formats = _Formats(stream, table)
        main, notes, margins, _macros, *rest = struct.unpack_from("<8i", stream, 0x4C)
    except (struct.error, IndexError) as exc:
        raise ole.damaged(_WHAT) from exc
    text = "".join(_text(stream, piece) for piece in pieces)
    if not text:
        raise ole.damaged(_WHAT)
    _write(text, pieces, formats, 0, main, out)
    # Notes, headers, comments, endnotes and text boxes follow the body in this order.
    _write(text, pieces, formats, main, main + notes, out)
    after = main + notes + margins
    _write(text, pieces, formats, after, after + sum(rest), out)
    _write_once(text[main + notes : after], out)


def _pieces(stream: bytes, table: bytes) -> list[_Piece]:
    offset, size = struct.unpack_from("<II", stream, 0x1A2)
    clx = table[offset : offset + size]
    position = 0
    while position < len(clx) and clx[position] == 1:
        position += 3 + struct.unpack_from("<H", clx, position + 1)[0]
    if position >= len(clx) or clx[position] != 2:
        raise ole.damaged(_WHAT)
    length = struct.unpack_from("<I", clx, position + 1)[0]
    plc = clx[position + 5 : position + 5 + length]
    count = (len(plc) - 4) // 12
    bounds = struct.unpack_from(f"<{count + 1}I", plc)
    pieces: list[_Piece] = []
    total = 0
    for number in range(count):
        (raw,) = struct.unpack_from("<I", plc, 4 * (count + 1) + 8 * number + 2)
        start, end = bounds[number], bounds[number + 1]
        compressed = bool(raw & 0x40000000)
        offset = (raw & 0x3FFFFFFF) // 2 if compressed else raw & 0x3FFFFFFF
        # Each character lies in the stream once: pieces that add up to more overlap on purpose.
        total += end - start
        if (
            end < start
            or start != (pieces[-1].end if pieces else 0)
            or total > min(len(stream), _MAX_CHARACTERS)
        ):
            raise ole.damaged(_WHAT)
        pieces.append(_Piece(start, end, offset, compressed))
    return pieces


def _text(stream: bytes, piece: _Piece) -> str:
    """Exactly as many characters as the piece claims, so that positions stay true."""
    count = piece.end - piece.start
    if piece.compressed:
        return stream[piece.offset : piece.offset + count].decode("cp1252", "replace").ljust(count, "\x00")
    data = stream[piece.offset : piece.offset + 2 * count]
    # Code unit by code unit: a surrogate pair counts as two positions.
    units = struct.unpack(f"<{len(data) // 2}H", data[: len(data) // 2 * 2])
    return "".join(map(chr, units)).ljust(count, "\x00")


class _Formats:
    """Paragraph formats by position in the main stream."""

    def __init__(self, stream: bytes, table: bytes) -> None:
        self._starts: list[int] = []
        self._formats: list[_Format] = []
        offset, size = struct.unpack_from("<II", stream, 0x102)
        plc = table[offset : offset + size]
        count = max(0, (len(plc) - 4) // 8)
        for number in range(count):
            (page,) = struct.unpack_from("<I", plc, 4 * (count + 1) + 4 * number)
            at = (page & 0x3FFFFF) * 512
            self._read_page(stream[at : at + 512])
        order = sorted(range(len(self._starts)), key=self._starts.__getitem__)
        self._starts = [self._starts[index] for index in order]
        self._formats = [self._formats[index] for index in order]

    def at(self, offset: int) -> _Format:
        """The format of the paragraph that holds this byte."""
        index = bisect.bisect_right(self._starts, offset) - 1
        return self._formats[index] if index >= 0 else _PLAIN

    def _read_page(self, page: bytes) -> None:
        if len(page) < 512:
            return
        runs = page[511]
        if 4 * (runs + 1) + 13 * runs > 511:
            return
        bounds = struct.unpack_from(f"<{runs + 1}I", page)
        for number in range(runs):
            at = 2 * page[4 * (runs + 1) + 13 * number]
            self._starts.append(bounds[number])
            self._formats.append(_paragraph_format(page, at) if 0 < at < 508 else _PLAIN)


def _paragraph_format(page: bytes, at: int) -> _Format:
    size = 2 * page[at] - 1 if page[at] else 2 * page[at + 1]
    begin = at + 1 if page[at] else at + 2
    properties = page[begin : begin + size]
    if len(properties) < 2:
        return _PLAIN
    (style,) = struct.unpack_from("<H", properties)
    found = {_IN_TABLE: False, _ROW_END: False}
    position = 2
    while position + 3 <= len(properties):
        (code,) = struct.unpack_from("<H", properties, position)
        if code in found:
            found[code] = properties[position + 2] != 0
        position += 2 + _operand_size(properties, position, code)
    return _Format(style, found[_IN_TABLE], found[_ROW_END])


def _operand_size(properties: bytes, position: int, code: int) -> int:
    kind = code >> 13
    if kind != 6:
        return (1, 1, 2, 4, 2, 2, 0, 3)[kind]
    if code == 0xD608 and position + 4 <= len(properties):
        return int(struct.unpack_from("<H", properties, position + 2)[0]) + 1
    return properties[position + 2] + 1


# --- text to blocks ----------------------------------------------------------------------------------


def _write(
    text: str, pieces: list[_Piece], formats: _Formats, begin: int, end: int, out: TextBuilder
) -> None:
    cells: list[str] = []
    cell: list[str] = []
    first = True
    for start, stop in _paragraphs(text, begin, min(end, len(text))):
        shape = formats.at(_offset(pieces, stop - 1))
        content = readable(text[start:stop])
        if shape.row_end or (cells and not shape.in_table):
            start_at, end_at = out.row(cells, first=first)
            first = first and start_at == end_at
            cells, cell = [], []
        if shape.in_table and not shape.row_end:
            cell.append(content)
            if text[stop - 1] == "\x07":
                cells.append(" ".join(cell))
                cell = []
        elif not shape.row_end:
            first = True
            if 1 <= shape.style <= 9 and len(content) <= _MAX_HEADING:
                out.heading(content, shape.style)
            else:
                out.paragraph(content)
    out.row([*cells, " ".join(cell)], first=first)


def _write_once(text: str, out: TextBuilder) -> None:
    """Headers and footers: they are stored again for each section."""
    seen: set[str] = set()
    for part in text.replace("\x07", "\r").split("\r"):
        content = readable(part).strip()
        if content not in seen and any(char.isalpha() for char in content):
            seen.add(content)
            out.paragraph(content)


def _paragraphs(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Spans that end with a paragraph, cell or page mark."""
    start = begin
    for mark in _MARK.finditer(text, begin, end):
        yield start, mark.end()
        start = mark.end()
    if start < end:
        yield start, end


def _offset(pieces: list[_Piece], position: int) -> int:
    index = bisect.bisect_right(pieces, position, key=lambda piece: piece.start) - 1
    if index < 0:
        return 0
    piece = pieces[index]
    return piece.offset + (position - piece.start) * (1 if piece.compressed else 2)


def readable(text: str) -> str:
    """Text without field codes and Word's special characters."""
    if "\x13" in text:
        text = _without_codes(text)
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.translate(_SPECIAL)


def _without_codes(text: str) -> str:
    """A field is its code (dropped) between 13 and 14, its result (kept) between 14 and 15."""
    kept: list[str] = []
    fields: list[bool] = []
    for char in text:
        if char == "\x13":
            fields.append(True)
        elif char == "\x14" and fields:
            fields[-1] = False
        elif char == "\x15" and fields:
            fields.pop()
        elif not any(fields[-8:]):
            kept.append(char)
    return "".join(kept)


_MARK = re.compile("[\r\x07\x0c]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPECIAL = str.maketrans(
    {
        "\x0b": "\n",
        "\x0c": "\n",
        "\r": "\n",
        "\x1e": "-",
        **dict.fromkeys("\x00\x01\x02\x03\x04\x05\x07\x08\x14\x15\x1f", ""),
    }
)
"""Line, page and paragraph marks; hyphens; anchors of pictures, notes and comments."""


def _read_word_6(stream: bytes, container: ole.Ole, out: TextBuilder) -> None:
    """Word 6 and 95: one byte a character in the code page of the summary, in one run."""
    begin, end = struct.unpack_from("<II", stream, 0x18)
    if not 0 < begin < end <= len(stream):
        raise ole.damaged(_WHAT)
    text = stream[begin:end].decode(ole.code_page(container), "replace")
    first = True
    for line in text.replace("\x07\x07", "\r").replace("\x0c", "\r").split("\r"):
        if "\x07" in line:
            start, stop = out.row((readable(cell) for cell in line.split("\x07")), first=first)
            first = first and start == stop
        else:
            first = True
            out.paragraph(readable(line))
