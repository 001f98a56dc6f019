"""Plain text in any encoding, and source code as text."""

from __future__ import annotations

from indexer.parsing import encoding
from indexer.parsing.source import Source
from indexer.text import normalise
from indexer.types import Heading, Kind, ParsedDocument

VERSION = 1


def parse(source: Source) -> ParsedDocument:
    """The text as it is, without structure."""
    text, warnings = read_text(source)
    return ParsedDocument(
        title="",
        text=text,
        kind="code" if source.format == "code" else "text",
        format=source.format or "text",
        warnings=warnings,
    )


def read_text(source: Source, *, declared: str = "") -> tuple[str, tuple[str, ...]]:
    """The whole document decoded and normalised, at most `limits.max_text` characters, and warnings.

    Raises:
        UnreadableDocument: it is not text.
    """
    content = source.read()
    decoded = encoding.decode(content, declared=declared)
    warnings = [decoded.warning] if decoded.warning else []
    text = decoded.text
    limit = source.limits.max_text
    if len(text) > limit:
        text = text[:limit]
        warnings.append(f"Only the first {source.limits.max_text_mb} MB of text were read.")
    return normalise(text), tuple(warnings)


def document(
    source: Source,
    text: str,
    warnings: tuple[str, ...],
    headings: list[Heading],
    *,
    title: str = "",
    metadata: dict[str, str] | None = None,
    kind: Kind = "text",
) -> ParsedDocument:
    """A document whose text is the file's own; without a title the first heading becomes it."""
    if not title and headings:
        title = text[headings[0].start : headings[0].end]
    return ParsedDocument(
        title=" ".join(title.split())[:500],
        text=text,
        kind=kind,
        format=source.format,
        headings=tuple(headings),
        metadata=metadata or {},
        warnings=warnings,
    )
