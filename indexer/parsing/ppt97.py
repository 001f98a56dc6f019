"""Text of PowerPoint 97-2003 files, slide by slide.

Source: [MS-PPT] 2.1 (streams, persist objects), 2.4.14.3 (slide list), 2.9 (text atoms).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from indexer.parsing import ole
from indexer.parsing.builder import TextBuilder

_WHAT = "PowerPoint 97-2003 presentation"
_ENCRYPTED = 0xF3D1C4DF
_SLIDE_ATOM, _PERSIST_ATOM, _SLIDE_LIST = 0x03EF, 0x03F3, 0x0FF0
_HEADER, _CHARS, _BYTES, _REFERENCE = 0x0F9F, 0x0FA0, 0x0FA8, 0x0F9E
_TEXTBOX, _EDIT, _DIRECTORY = 0xF00D, 0x0FF5, 0x1772
_TITLES = frozenset({0, 6})
_NOTES_TEXT = 2
_MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class _Record:
    type: int
    instance: int
    start: int
    """Of the content."""
    end: int
    container: bool


@dataclass(slots=True)
class _Slide:
    """An entry of a slide list: where the slide is, and the texts of its placeholders."""

    persist: int
    identity: int
    texts: list[tuple[int, str]] = field(default_factory=list)
    """(kind, text) in the order that slides refer to them."""


def read_powerpoint(container: ole.Ole, out: TextBuilder) -> None:
    """Add a page for each slide: title, texts, notes.

    Raises:
        UnreadableDocument: encrypted or damaged.
    """
    user = ole.read_stream(container, "Current User", 4096)
    stream = ole.read_stream(container, "PowerPoint Document")
    if ole.has_stream(container, "EncryptedSummary") or user[12:16] == struct.pack("<I", _ENCRYPTED):
        raise ole.locked(_WHAT)
    if not stream:
        raise ole.damaged(_WHAT)
    try:
        _read_slides(stream, user, out)
    except (struct.error, KeyError, IndexError):
        # The list of slides is broken: every text is there still, without its slide.
        out.warn("The order of the slides is damaged: texts are given as they are stored.")
        _read_everything(stream, out)


def _read_slides(stream: bytes, user: bytes, out: TextBuilder) -> None:
    offsets, document = _persist_directory(stream, user)
    lists = {
        record.instance: _slide_list(stream, record)
        for record in _records(stream, *_span(stream, offsets[document]))
        if record.type == _SLIDE_LIST
    }
    notes = {slide.identity: slide for slide in lists.get(2, [])}
    for slide in lists[0]:
        out.open_page()
        begin, end = _span(stream, offsets[slide.persist])
        texts = list(_slide_texts(stream, begin, end, slide.texts))
        title = next((" ".join(text.split()) for kind, text in texts if kind in _TITLES and text.strip()), "")
        out.label_page(title)
        out.heading(title, 1)
        for kind, text in texts:
            if kind not in _TITLES:
                _write(text, out)
        note = notes.get(_notes_identity(stream, begin, end))
        if note is not None and note.persist in offsets:
            for kind, text in _slide_texts(stream, *_span(stream, offsets[note.persist]), note.texts):
                if kind == _NOTES_TEXT:
                    _write(text, out)


def _write(text: str, out: TextBuilder) -> None:
    lines = [line.strip() for line in text.replace("\x0b", "\n").replace("\r", "\n").split("\n")]
    out.paragraph("\n".join(line for line in lines if line))


def _persist_directory(stream: bytes, user: bytes) -> tuple[dict[int, int], int]:
    """Offsets of the persist objects by number, and the number of the document object."""
    (edit,) = struct.unpack_from("<I", user, 16)
    offsets: dict[int, int] = {}
    document = 0
    seen: set[int] = set()
    while edit not in seen and (edit or not seen):
        seen.add(edit)
        record = _record(stream, edit)
        if record.type != _EDIT:
            raise KeyError(record.type)
        previous, directory, number = struct.unpack_from("<III", stream, record.start + 8)
        document = document or number
        for key, offset in _directory(stream, directory):
            offsets.setdefault(key, offset)
        edit = previous
        if not edit:
            break
    return offsets, document


def _directory(stream: bytes, offset: int) -> Iterator[tuple[int, int]]:
    record = _record(stream, offset)
    if record.type != _DIRECTORY:
        raise KeyError(record.type)
    position = record.start
    while position + 4 <= record.end:
        (head,) = struct.unpack_from("<I", stream, position)
        first, count = head & 0xFFFFF, head >> 20
        for number in range(count):
            position += 4
            yield first + number, struct.unpack_from("<I", stream, position)[0]
        position += 4


def _slide_list(stream: bytes, container: _Record) -> list[_Slide]:
    slides: list[_Slide] = []
    kind = -1
    for record in _records(stream, container.start, container.end):
        if record.type == _PERSIST_ATOM:
            persist, _flags, _count, identity = struct.unpack_from("<IIiI", stream, record.start)
            slides.append(_Slide(persist, identity))
        elif record.type == _HEADER:
            (kind,) = struct.unpack_from("<I", stream, record.start)
            if slides:
                slides[-1].texts.append((kind, ""))
        elif record.type in (_CHARS, _BYTES) and slides and slides[-1].texts:
            slides[-1].texts[-1] = (kind, _string(stream, record))
    return slides


def _slide_texts(
    stream: bytes, begin: int, end: int, listed: list[tuple[int, str]]
) -> Iterator[tuple[int, str]]:
    """(kind, text) of the text boxes of a slide, in their order; then listed texts no box shows."""
    shown: set[int] = set()
    for box in _walk(stream, begin, end):
        if box.type != _TEXTBOX:
            continue
        kind = 4
        for record in _records(stream, box.start, box.end):
            if record.type == _REFERENCE:
                (index,) = struct.unpack_from("<I", stream, record.start)
                if index < len(listed) and index not in shown:
                    shown.add(index)
                    yield listed[index]
            elif record.type == _HEADER:
                (kind,) = struct.unpack_from("<I", stream, record.start)
            elif record.type in (_CHARS, _BYTES):
                yield kind, _string(stream, record)
    yield from (text for index, text in enumerate(listed) if index not in shown)


def _notes_identity(stream: bytes, begin: int, end: int) -> int:
    for record in _records(stream, begin, end):
        if record.type == _SLIDE_ATOM and record.end - record.start >= 20:
            return int(struct.unpack_from("<I", stream, record.start + 16)[0])
    return 0


def _read_everything(stream: bytes, out: TextBuilder) -> None:
    for record in _walk(stream, 0, len(stream)):
        if record.type in (_CHARS, _BYTES):
            _write(_string(stream, record), out)


def _string(stream: bytes, record: _Record) -> str:
    data = stream[record.start : record.end]
    return data.decode("utf-16-le", "replace") if record.type == _CHARS else data.decode("latin-1")


def _record(stream: bytes, offset: int) -> _Record:
    head, kind, size = struct.unpack_from("<HHI", stream, offset)
    start = offset + 8
    return _Record(kind, head >> 4, start, min(start + size, len(stream)), head & 0xF == 0xF)


def _span(stream: bytes, offset: int) -> tuple[int, int]:
    record = _record(stream, offset)
    return record.start, record.end


def _records(stream: bytes, start: int, end: int) -> Iterator[_Record]:
    while start + 8 <= end:
        record = _record(stream, start)
        yield record
        start = record.end


def _walk(stream: bytes, start: int, end: int, depth: int = 0) -> Iterator[_Record]:
    """Records and those inside them, in order."""
    for record in _records(stream, start, end):
        yield record
        if record.container and depth < _MAX_DEPTH:
            yield from _walk(stream, record.start, record.end, depth + 1)
