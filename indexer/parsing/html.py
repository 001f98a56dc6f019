"""Web pages: text in blocks, headings, tables as rows; nothing is fetched and no script is run."""

from __future__ import annotations

import html
import re

from indexer.parsing import encoding
from indexer.parsing.builder import TextBuilder
from indexer.parsing.markup import write_html
from indexer.parsing.source import Source
from indexer.types import ParsedDocument

VERSION = 1

_HEAD_BYTES = 16 * 1024
_CHARSET = re.compile(
    rb"""<(?:meta|\?xml)[^>]*?(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)
_TITLE = re.compile(r"<title\b[^>]*>(.*?)</title\s*>", re.IGNORECASE | re.DOTALL)
_META = re.compile(r"<meta\b([^>]*)>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_LANGUAGE = re.compile(r"""<html\b[^>]*?\blang\s*=\s*["']?([\w-]+)""", re.IGNORECASE)
_METADATA = {
    "author": "author", "dc.creator": "author", "article:author": "author", "keywords": "keywords",
    "description": "subject", "date": "created", "dc.date": "created", "article:published_time": "created",
    "article:modified_time": "modified", "last-modified": "modified", "generator": "producer",
}  # fmt: skip
_DATA_URL = re.compile(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=\s]{200,}")


def parse(source: Source) -> ParsedDocument:
    """The visible text of a page; the title is the page's own."""
    content = source.read()
    declared = _CHARSET.search(content[:_HEAD_BYTES])
    decoded = encoding.decode(content, declared=declared[1].decode("ascii", "replace") if declared else "")
    builder = TextBuilder(source.limits.max_text)
    if decoded.warning:
        builder.warn(decoded.warning)
    text = _DATA_URL.sub("", decoded.text) if ";base64," in decoded.text else decoded.text
    write_html(text, builder)
    top = text[: 4 * _HEAD_BYTES]
    title = _TITLE.search(top)
    return builder.build(
        kind="web", format="html", title=html.unescape(title[1]) if title else "", metadata=_metadata(top)
    )


def _metadata(top: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _META.finditer(top):
        attributes = {
            name.lower(): html.unescape(double or single or bare)
            for name, double, single, bare in _ATTRIBUTE.findall(match[1])
        }
        name = (attributes.get("name") or attributes.get("property") or "").lower()
        if name in _METADATA and attributes.get("content"):
            found.setdefault(_METADATA[name], attributes["content"])
    if language := _LANGUAGE.search(top):
        found["language"] = language[1]
    return found
