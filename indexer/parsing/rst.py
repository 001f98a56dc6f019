"""reStructuredText: sections by their adornment lines, title and author from the fields at the top."""

from __future__ import annotations

import re

from indexer.parsing.plaintext import document, read_text
from indexer.parsing.source import Source
from indexer.types import Heading, ParsedDocument

VERSION = 1

_MARKS = r"[!-/:-@\[-`{-~]"
_ADORNMENT = re.compile(rf"\n(?P<line>({_MARKS})\2+)[ \t]*(?=\n|\Z)")
_FIELD = re.compile(
    r"^:?(?P<name>[A-Za-z][\w -]{0,30}):[ \t]+(?P<value>\S.*(?:\n[ \t]+\S.*)*)$", re.MULTILINE
)
_METADATA = {
    "author": "author", "authors": "author", "date": "created", "created": "created",
    "last-modified": "modified", "keywords": "keywords",
}  # fmt: skip
_TOP = 4096
"""Characters in which the fields of a document are looked for."""


def parse(source: Source) -> ParsedDocument:
    """The file's own text with its sections as headings."""
    text, warnings = read_text(source)
    fields = _fields(text)
    title = fields.get("title", "")
    if title and "pep" in fields:
        title = f"PEP {fields['pep']} – {title}"
    metadata = {_METADATA[name]: value for name, value in fields.items() if name in _METADATA}
    return document(source, text, warnings, find_headings(text), title=title, metadata=metadata)


def find_headings(text: str) -> list[Heading]:
    """Titles with an adornment below, or above and below; each new style is one level deeper."""
    styles: dict[str, int] = {}
    headings: list[Heading] = []
    position = 0
    while match := _ADORNMENT.search(text, position):
        position = match.end()
        start = text.rfind("\n", 0, match.start()) + 1
        title, under = text[start : match.start()].rstrip(), match["line"]
        above = _line_before(text, start)
        if not _is_title(title, under, above):
            continue
        style = under[0] * (2 if above and set(above) == {under[0]} else 1)
        level = styles.setdefault(style, len(styles) + 1)
        headings.append(Heading(level=level, start=start, end=start + len(title)))
    return headings


def _is_title(title: str, under: str, above: str) -> bool:
    if not title or title[0].isspace() or set(title) == {under[0]}:
        return False  # a literal block, a rule, or an overline itself
    if len(under) < 0.7 * len(title) or (len(under) < len(title) and len(under) < 4):
        return False
    # Text above means the last line of a paragraph or a table, unless it is the overline.
    return not above.strip() or above[:1] * len(above) == above


def _line_before(text: str, start: int) -> str:
    if start == 0:
        return ""
    return text[text.rfind("\n", 0, start - 1) + 1 : start - 1].rstrip()


def _fields(text: str) -> dict[str, str]:
    """Fields before the first section: `:Author: …`, or the mail-like header of Python's proposals."""
    top = text[:_TOP]
    if not top.startswith(":") and not re.match(r"[A-Za-z-]+: ", top):
        found = find_headings(top)
        top = top[found[0].end :].partition("\n\n")[2].lstrip("\n") if found else ""
    block = top.split("\n\n", 1)[0]
    return {match["name"].lower(): " ".join(match["value"].split()) for match in _FIELD.finditer(block)}
