"""Org mode: outline headings and the keywords at the top."""

from __future__ import annotations

import re

from indexer.parsing.plaintext import document, read_text
from indexer.parsing.source import Source
from indexer.types import Heading, ParsedDocument

VERSION = 1

_HEADING = re.compile(
    r"^(?P<stars>\*+)[ \t]+(?:(?:TODO|DONE|NEXT|WAITING|CANCELLED)[ \t]+)?(?:\[#[A-Z]\][ \t]+)?"
    r"(?P<title>\S.*?)(?:[ \t]+:[\w@#%:]+:)?[ \t]*$",
    re.MULTILINE,
)
_KEYWORD = re.compile(
    r"^#\+(?P<key>title|author|date|keywords|filetags|language):[ \t]*(?P<value>\S.*)$", re.M | re.I
)
_METADATA = {
    "author": "author",
    "date": "created",
    "keywords": "keywords",
    "filetags": "keywords",
    "language": "language",
}


def parse(source: Source) -> ParsedDocument:
    """The file's own text with its headings."""
    text, warnings = read_text(source)
    keys = {match["key"].lower(): match["value"].strip() for match in _KEYWORD.finditer(text[:8192])}
    metadata = {_METADATA[key]: value for key, value in keys.items() if key in _METADATA}
    headings = [
        Heading(level=len(match["stars"]), start=match.start("title"), end=match.end("title"))
        for match in _HEADING.finditer(text)
    ]
    return document(source, text, warnings, headings, title=keys.get("title", ""), metadata=metadata)
