"""AsciiDoc: section titles in both styles, outside blocks; author and date from the header."""

from __future__ import annotations

import re

from indexer.parsing.plaintext import document, read_text
from indexer.parsing.source import Source
from indexer.types import Heading, ParsedDocument

VERSION = 1

_UNDERLINES = "=-~^+"
_BLOCK = re.compile(
    r"^(?P<fence>-{4,99}|\.{4,99}|\+{4,99}|/{4,99}|`{3,99})[ \t]*\S*$"
    r"|^(?P<marks>={1,6}|#{1,6})[ \t]+(?P<title>\S.*?)[ \t]*$",
    re.MULTILINE,
)
_UNDERLINED = re.compile(r"^(?P<title>[^\W_].*?)[ \t]*\n(?P<under>([=~^+-])\3+)[ \t]*$", re.MULTILINE)
_ATTRIBUTE = re.compile(
    r"^:(?P<name>author|revdate|keywords|lang|description):[ \t]+(?P<value>\S.*)$", re.MULTILINE
)
_AUTHOR = re.compile(r"\A=[ \t]+\S.*\n(?P<author>[^\W\d_][\w .'-]+)(?:[ \t]*<[^>\n]*>)?[ \t]*$", re.MULTILINE)
_METADATA = {"author": "author", "revdate": "created", "keywords": "keywords", "lang": "language"}


def parse(source: Source) -> ParsedDocument:
    """The file's own text with its headings."""
    text, warnings = read_text(source)
    top = text[:4096]
    metadata = {
        _METADATA[match["name"]]: match["value"].strip()
        for match in _ATTRIBUTE.finditer(top)
        if match["name"] in _METADATA
    }
    if author := _AUTHOR.match(top):
        metadata.setdefault("author", author["author"].strip())
    return document(source, text, warnings, find_headings(text), metadata=metadata)


def find_headings(text: str) -> list[Heading]:
    """Titles marked at the start of the line, or underlined about as long as they are."""
    headings: list[Heading] = []
    position = 0
    while True:
        block = _BLOCK.search(text, position)
        under = _UNDERLINED.search(text, position)
        if under and _is_title(under) and (not block or under.start() <= block.start()):
            level = _UNDERLINES.index(under["under"][0]) + 1
            headings.append(Heading(level=level, start=under.start("title"), end=under.end("title")))
            position = under.end()
        elif under and (not block or under.start() < block.start()):
            position = under.end("title")
        elif block and block["marks"]:
            headings.append(
                Heading(level=len(block["marks"]), start=block.start("title"), end=block.end("title"))
            )
            position = block.end()
        elif block:
            end = re.compile(rf"^{re.escape(block['fence'])}[ \t]*$", re.MULTILINE).search(text, block.end())
            position = end.end() if end else block.end()
        else:
            return headings


def _is_title(match: re.Match[str]) -> bool:
    return abs(len(match["title"]) - len(match["under"])) <= 2 and len(match["title"]) > 1
