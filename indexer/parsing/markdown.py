"""Markdown: ATX and setext headings outside code, title and author from the front matter."""

from __future__ import annotations

import re

from indexer.parsing.plaintext import document, read_text
from indexer.parsing.source import Source
from indexer.types import Heading, ParsedDocument

VERSION = 1

_BLOCK = re.compile(
    r"^ {0,3}(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})"
    r"|^ {0,3}(?P<marks>#{1,6})[ \t]+(?P<atx>\S.*?)(?:[ \t]+#+)?[ \t]*$"
    r"|^ {0,3}(?P<setext>[^\s#>|`~*+-].*?)[ \t]*\n {0,3}(?P<under>=+|-{2,})[ \t]*$",
    re.MULTILINE,
)
_FRONT = re.compile(r"\A---[ \t]*\n(?P<yaml>.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TOML_FRONT = re.compile(r"\A\+\+\+[ \t]*\n(?P<yaml>.*?\n)\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL)
_KEY = re.compile(r"^(?P<key>[A-Za-z_]+)[ \t]*[:=][ \t]*(?P<value>\S.*)$", re.MULTILINE)
_METADATA = {
    "author": "author", "authors": "author", "date": "created", "updated": "modified", "lastmod": "modified",
    "tags": "keywords", "keywords": "keywords", "lang": "language",
}  # fmt: skip


def parse(source: Source) -> ParsedDocument:
    """The file's own text with its headings."""
    text, warnings = read_text(source)
    front = _FRONT.match(text) or _TOML_FRONT.match(text)
    keys: dict[str, str] = {}
    if front:
        keys = {m["key"].lower(): m["value"].strip().strip("\"'[]") for m in _KEY.finditer(front["yaml"])}
    metadata = {_METADATA[key]: value for key, value in keys.items() if key in _METADATA}
    headings = find_headings(text, front.end() if front else 0)
    return document(source, text, warnings, headings, title=keys.get("title", ""), metadata=metadata)


def find_headings(text: str, position: int = 0) -> list[Heading]:
    """Headings from `position` on; what looks like one inside a fenced block is code."""
    headings: list[Heading] = []
    last = position
    while match := _BLOCK.search(text, position):
        position = match.end()
        if match["fence"]:
            position = last = _end_of_fence(text, match["fence"], match.end())
        elif match["marks"]:
            headings.append(
                Heading(level=len(match["marks"]), start=match.start("atx"), end=match.end("atx"))
            )
            last = position
        elif _stands_alone(text, match.start(), last):
            level = 1 if match["under"][0] == "=" else 2
            headings.append(Heading(level=level, start=match.start("setext"), end=match.end("setext")))
            last = position
        else:
            position = match.end("setext")
    return headings


def _end_of_fence(text: str, fence: str, start: int) -> int:
    closing = re.compile(rf"^ {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}[ \t]*$", re.MULTILINE)
    match = closing.search(text, start)
    return match.end() if match else len(text)


def _stands_alone(text: str, start: int, last: int) -> bool:
    """A setext heading here is one line: with text above, the line below is a rule or a table.

    `last` is where the last heading or fenced block ended.
    """
    return start <= last + 1 or not text[text.rfind("\n", 0, start - 1) + 1 : start].strip()
