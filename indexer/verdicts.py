"""What is noted of a document besides its text: status, quality, keys, urgency, parser version."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence

from indexer import chunking
from indexer.parsing import FORMATS
from indexer.parsing.pool import parser_version
from indexer.scans import HINT
from indexer.types import ParsedDocument, Status


def parser_for(format: str) -> str:
    """Version of the parser of a format; of all parsers together when the format could not be told."""
    if format:
        try:
            return parser_version(format)
        except ImportError:
            return ""
    return "unknown/" + _all_parsers()


@functools.cache
def _all_parsers() -> str:
    versions = " ".join(parser_for(format) for format in sorted(FORMATS))
    return hashlib.sha256(versions.encode()).hexdigest()[:12]


def key(title: str, heading: str, text: str) -> bytes:
    """Names all that goes into a chunk's embedded text, without making that text yet."""
    return chunking.chunk_key(f"{chunking.VERSION}\0{title}\0{heading}\0{text}")


def verdict(document: ParsedDocument) -> tuple[Status, str, str]:
    """Status of a document that was parsed without an error, the reason, and the remedy."""
    if document.text.strip() or document.attachments:
        return Status.INDEXED, "", ""
    if document.textless_pages or document.kind == "image":
        return (
            Status.NEEDS_OCR,
            "Its pages are pictures without text.",
            HINT,
        )
    return Status.EMPTY, "It holds no text.", ""


def priority(newest_ns: int, chunks: int) -> int:
    """Newest and smallest first: every doubling of the size counts like thirty days of age."""
    return 30 * chunks.bit_length() - newest_ns // (86_400 * 10**9)


def distinct(names: Sequence[str]) -> list[str]:
    """The names, made different by a number where two are alike."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        count = seen[name] = seen.get(name, 0) + 1
        stem, dot, ext = name.rpartition(".")
        result.append(name if count == 1 else f"{stem} ({count}).{ext}" if dot else f"{name} ({count})")
    return result
