"""XML of any vocabulary: text in the order of the file, a line for each element that holds text.

No entity is expanded that refers to another or to a file, nothing is fetched, depth does not matter.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from indexer.errors import UnreadableDocument
from indexer.parsing import encoding
from indexer.parsing.builder import TextBuilder
from indexer.parsing.source import Source
from indexer.parsing.xmlsafe import damaged
from indexer.types import ParsedDocument

VERSION = 1

_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)""")
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_ENTITY = re.compile(
    r"<!ENTITY\s+(?P<parameter>%)?\s*[\w.:-]+\s+(?:(?P<external>SYSTEM|PUBLIC)|[\"'](?P<value>[^\"']*))"
)
_DOCTYPE = re.compile(r"<!DOCTYPE\b(?:[^\[>\"']|\"[^\"]*\"|'[^']*')*(?:\[.*?\]\s*)?>", re.DOTALL)
_TITLES = frozenset({"title", "heading", "head"})
_SHOWN = ("title", "label", "alt", "name", "summary", "description", "caption")
"""Attributes that hold text for a reader, in whatever vocabulary."""
_TAG = re.compile(r"<[^<>]*>")
_SKIPPED = frozenset({"script", "style"})
_MAX_HEADING = 200


def parse(source: Source) -> ParsedDocument:
    """The text of an XML document.

    Raises:
        UnreadableDocument: it declares entities that grow or read files, or holds no XML at all.
    """
    content = source.read()
    declared = _DECLARED.match(content[:1024])
    decoded = encoding.decode(content, declared=declared[1].decode("ascii") if declared else "")
    text = _DECLARATION.sub("", decoded.text)
    _refuse_bombs(text)
    builder = _written(text, source.limits.max_text)
    if decoded.warning:
        builder.warn(decoded.warning)
    drawing = source.format == "svg"
    return builder.build(kind="image" if drawing else "text", format=source.format or "xml")


def _refuse_bombs(text: str) -> None:
    doctype = _DOCTYPE.search(text, 0, 1 << 20)
    for entity in _ENTITY.finditer(doctype.group() if doctype else text[: 1 << 16]):
        if entity["parameter"] or entity["external"] or "&" in (entity["value"] or ""):
            raise UnreadableDocument(
                "The XML is refused: it declares entities within entities or from files, as attacks do.",
                "Remove its DOCTYPE if you trust it.",
            )


def _written(text: str, limit: int) -> TextBuilder:
    from lxml import etree

    builder = TextBuilder(limit)
    lines: Any = _Lines(builder)  # the published types of lxml ask for more than it does
    expand: Any = "internal"
    parser = etree.XMLParser(
        target=lines,
        encoding="utf-8",
        resolve_entities=expand,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=True,
    )
    try:
        etree.fromstring(text.lstrip().encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError) as exc:
        raise damaged("XML document", exc) from exc
    fatal = [entry for entry in parser.error_log if entry.level_name == "FATAL"]
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in fatal):
        builder = TextBuilder(limit)
        builder.warn("The XML is nested very deeply: it was read without its structure.")
        for line in _TAG.sub("\n", text).split("\n"):
            builder.line(html.unescape(line))
    elif fatal and not builder.length:
        raise damaged("XML document", ValueError(fatal[0].message))
    elif fatal:
        builder.warn(f"The XML is damaged (line {fatal[0].line}): what could be read was kept.")
    return builder


class _Lines:
    """Takes the events of the parser: an element with text of its own becomes a line."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._pieces: list[str] = []
        self._open: list[_Element] = []
        self._gap = True

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Begin an element; in the midst of text it does not break the line."""
        if not self._open or not self._open[-1].holds_text:
            self._flush()
        if self._open:
            self._open[-1].holds_elements = True
        self._open.append(_Element(tag.rpartition("}")[2].lower()))
        for name in _SHOWN:
            if attributes.get(name, "").strip():
                self._builder.line(attributes[name])

    def data(self, text: str) -> None:
        """Take text; libxml2 gives it in pieces."""
        if self._open and self._open[-1].name not in _SKIPPED:
            if not self._open[-1].holds_text and text.strip():
                self._open[-1].holds_text = True
            self._pieces.append(text)

    def end(self, _tag: str) -> None:
        """End an element: its line is complete unless it stands in the midst of text."""
        element = self._open.pop()
        inline = bool(self._open) and self._open[-1].holds_text
        if element.name in _TITLES and element.holds_text and not inline:
            self._heading()
        elif not inline:
            self._flush()
            self._gap = self._gap or (element.holds_elements and not element.holds_text)

    def close(self) -> None:
        """End the document."""
        self._flush()

    def _flush(self) -> None:
        text = " ".join("".join(self._pieces).split())
        self._pieces.clear()
        if text:
            (self._builder.paragraph if self._gap else self._builder.line)(text)
            self._gap = False

    def _heading(self) -> None:
        text = " ".join("".join(self._pieces).split())
        if len(text) > _MAX_HEADING:
            self._flush()
            return
        self._pieces.clear()
        self._builder.heading(text, min(max(1, len(self._open)), 6))
        self._gap = True


@dataclass(slots=True)
class _Element:
    """An open element."""

    name: str
    holds_text: bool = False
    holds_elements: bool = False
