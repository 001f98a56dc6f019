"""Messages between the pool and its workers: a JSON header and raw bytes, never pickle.

A worker may have been taken over by a hostile document, so the pool believes nothing it says: sizes
are capped before anything is read and every span is checked. Format of a frame: magic, length of the
header, length of the body (little endian), the header as UTF-8 JSON, the body.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from indexer.findings import REMEDIES, Finding, Quality, Stretch
from indexer.types import Attachment, Chunk, Heading, Page, ParsedDocument

HEAD = struct.Struct("<4sIQ")
MAGIC = b"QPF1"
MAX_HEADER = 64 << 20
"""Bytes; a document at the text limit has about 50,000 chunks of 40 bytes each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a worker made of a document."""

    document: ParsedDocument
    chunks: tuple[Chunk, ...]
    language: str
    """ISO 639-1, or "" when unknown."""
    parser: str
    """Versions of what read it, for example "pdf/1+chunks/1"."""
    quality: Quality | None = None
    """None when it could not be measured."""


class Frame(NamedTuple):
    """A received message."""

    header: dict[str, Any]
    body: bytes


class BadFrameError(ValueError):
    """The other side did not speak the protocol."""


def pack(header: dict[str, Any], body: Sequence[bytes] = ()) -> list[bytes]:
    """The buffers of a frame, to be sent one after the other."""
    encoded = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return [HEAD.pack(MAGIC, len(encoded), sum(map(len, body))) + encoded, *body]


def lengths(head: bytes | bytearray | memoryview, max_body: int) -> tuple[int, int]:
    """Length of header and body from the first `HEAD.size` bytes of a frame.

    Raises:
        BadFrameError: not a frame, or larger than allowed.
    """
    magic, header, body = HEAD.unpack(head)
    if magic != MAGIC:
        raise BadFrameError("garbage instead of a message")
    if header > MAX_HEADER or body > max_body:
        raise BadFrameError("message too large")
    return header, body


def unpack(header: bytes, body: bytes) -> Frame:
    """A frame from its two parts.

    Raises:
        BadFrameError: the header is not a JSON object.
    """
    try:
        values = json.loads(header)
    except (ValueError, RecursionError) as exc:
        raise BadFrameError("garbage instead of a header") from exc
    if not isinstance(values, dict):
        raise BadFrameError("garbage instead of a header")
    return Frame(values, body)


def take(inbox: bytearray, max_body: int) -> Frame | None:
    """Take the first frame out of what has arrived; None while it is not complete.

    Raises:
        BadFrameError: it is none, or larger than allowed.
    """
    if len(inbox) < HEAD.size:
        return None
    header, body = lengths(memoryview(inbox)[: HEAD.size], max_body)
    middle = HEAD.size + header
    if len(inbox) < middle + body:
        return None
    frame = unpack(bytes(inbox[HEAD.size : middle]), bytes(inbox[middle : middle + body]))
    del inbox[: middle + body]
    return frame


def pack_parsed(job: int, parsed: Parsed) -> list[bytes]:
    """The answer to a job that went well. Chunk texts are not sent: they are spans of the text."""
    document = parsed.document
    paths: dict[str, int] = {}
    text = document.text.encode("utf-8")
    header = {
        "job": job,
        "title": document.title,
        "kind": document.kind,
        "format": document.format,
        "language": parsed.language,
        "parser": parsed.parser,
        "text": len(text),
        "pages": [(page.number, page.start, page.end, page.label) for page in document.pages],
        "headings": [(heading.level, heading.start, heading.end) for heading in document.headings],
        "metadata": dict(document.metadata),
        "warnings": document.warnings,
        "textless": document.textless_pages,
        "ocr": sorted(document.ocr_confidence.items()),
        "hidden": sorted(document.hidden_text.items()),
        "attachments": [(attachment.name, len(attachment.content)) for attachment in document.attachments],
        "chunks": [
            (chunk.start, chunk.end, chunk.page, paths.setdefault(chunk.heading, len(paths)), chunk.language)
            for chunk in parsed.chunks
        ],
        "paths": (),
    }
    header["paths"] = list(paths)
    if parsed.quality is not None:
        header["quality"] = _packed_quality(parsed.quality)
    return pack(header, [text, *(attachment.content for attachment in document.attachments)])


def unpack_parsed(frame: Frame) -> Parsed:
    """The document from the answer of a worker.

    Raises:
        BadFrameError: a field is missing, of the wrong type or out of range.
    """
    try:
        return _parsed(frame.header, frame.body)
    except (LookupError, TypeError, ValueError) as exc:
        raise BadFrameError("a malformed document") from exc


def _parsed(header: dict[str, Any], body: bytes) -> Parsed:
    length = _number(header["text"])
    text = body[:length].decode("utf-8")
    document = ParsedDocument(
        title=_string(header["title"]),
        text=text,
        kind=header["kind"],
        format=_string(header["format"]),
        pages=tuple(_page(row, len(text)) for row in header["pages"]),
        headings=tuple(_heading(row, len(text)) for row in header["headings"]),
        metadata={_string(key): _string(value) for key, value in header["metadata"].items()},
        warnings=tuple(map(_string, header["warnings"])),
        textless_pages=tuple(map(_number, header["textless"])),
        ocr_confidence=dict(_percent(row) for row in header["ocr"]),
        hidden_text=dict(_percent(row) for row in header["hidden"]),
        attachments=tuple(_attachments(header["attachments"], body, length)),
    )
    paths = [_string(path) for path in header["paths"]]
    chunks = tuple(_chunk(ordinal, row, text, paths) for ordinal, row in enumerate(header["chunks"]))
    return Parsed(
        document=document,
        chunks=chunks,
        language=_string(header["language"]),
        parser=_string(header["parser"]),
        quality=_quality(header["quality"], len(text)) if "quality" in header else None,
    )


def _packed_quality(quality: Quality) -> list[Any]:
    findings = [(f.code, f.share, f.cost, f.note, f.remedy, f.pages) for f in quality.findings]
    stretches = [(s.start, s.end, s.page, s.score, s.codes) for s in quality.stretches]
    return [quality.score, findings, stretches]


def _quality(row: list[Any], length: int) -> Quality:
    score, findings, stretches = row
    return Quality(
        score=_score(score),
        findings=tuple(map(_finding, findings)),
        stretches=tuple(_stretch(each, length) for each in stretches),
    )


def _finding(row: list[Any]) -> Finding:
    code, share, cost, note, remedy, pages = row
    if remedy not in REMEDIES or not 0 <= float(share) <= 1:
        raise ValueError("no finding")
    return Finding(
        code=_string(code),
        share=float(share),
        cost=_score(cost),
        note=_string(note),
        remedy=remedy,
        pages=tuple(map(_number, pages)),
    )


def _stretch(row: list[Any], length: int) -> Stretch:
    start, end, page, score, codes = row
    _check_span(start, end, length)
    return Stretch(
        start=start,
        end=end,
        page=None if page is None else _number(page),
        score=_score(score),
        codes=tuple(map(_string, codes)),
    )


def _score(value: object) -> int:
    if _number(value) > 100:
        raise ValueError("not a score")
    return value  # type: ignore[return-value]


def _page(row: list[Any], length: int) -> Page:
    number, start, end, label = row
    _check_span(start, end, length)
    return Page(number=_number(number), start=start, end=end, label=_string(label))


def _percent(row: list[Any]) -> tuple[int, int]:
    """A page and something of it in percent."""
    page, percent = row
    if _number(percent) > 100:
        raise ValueError("not a percentage")
    return _number(page), percent


def _heading(row: list[Any], length: int) -> Heading:
    level, start, end = row
    _check_span(start, end, length)
    return Heading(level=_number(level), start=start, end=end)


def _chunk(ordinal: int, row: list[Any], text: str, paths: list[str]) -> Chunk:
    start, end, page, path, language = row
    _check_span(start, end, len(text))
    return Chunk(
        ordinal=ordinal,
        start=start,
        end=end,
        page=None if page is None else _number(page),
        heading=paths[_number(path)],
        text=text[start:end],
        language=_string(language),
    )


def _attachments(rows: list[Any], body: bytes, start: int) -> list[Attachment]:
    attachments: list[Attachment] = []
    for name, length in rows:
        end = start + _number(length)
        attachments.append(Attachment(name=_string(name), content=body[start:end]))
        start = end
    if start != len(body):
        raise ValueError("lengths do not add up")
    return attachments


def _number(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("not a count")
    return value


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value


def _check_span(start: object, end: object, length: int) -> None:
    if not (type(start) is int and type(end) is int and 0 <= start <= end <= length):
        raise ValueError("a span outside the text")
