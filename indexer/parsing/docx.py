"""Word documents (docx, docm, dotx): body, notes, comments, text boxes, headers and footers.

Read with lxml from the package itself: the body is streamed block by block, so that a document of
many small paragraphs costs memory for one of them; strict and transitional name spaces are alike.
Word stores no page numbers, so there are no pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from indexer.parsing.builder import TextBuilder
from indexer.parsing.ooxml import Package, chosen, flag, write_drawing
from indexer.parsing.source import Source
from indexer.parsing.wordlists import ListNumbers
from indexer.parsing.xmlsafe import Element, attribute, iterate_xml, local
from indexer.types import ParsedDocument

VERSION = 2

_WHAT = "Word document"
_WRAPPERS = frozenset({"sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag", "hyperlink"})
"""Elements that hold blocks or runs without being a block themselves."""
_SKIPPED = frozenset(
    {"del", "moveFrom", "instrText", "delText", "delInstrText", "rPr", "pPr", "rt", "sdtPr", "binData"}
)
_MAX_HEADING = 300
"""Characters: whole paragraphs are sometimes given a heading's style for its looks."""
_LAYOUT_PARAGRAPHS = 8
"""Paragraphs in one cell that make its row part of a layout rather than of a table."""
_PAGE_NUMBER = re.compile(
    r"[\W\d]*(page|seite|página|pagina|strona|页|頁)?[\W\d]*(of|von|de|di|sur|z)?[\W\d]*", re.I
)


def parse(source: Source) -> ParsedDocument:
    """Read a Word document.

    Raises:
        UnreadableDocument: broken, encrypted or a bomb.
    """
    package = Package(source.read(), what=_WHAT)
    reader = _Reader(package, package.main_part("word/document.xml"), TextBuilder.within(source.limits))
    reader.read()
    facts = package.properties()
    title = facts.pop("title", "") or reader.title
    return reader.out.build(kind="doc", format="docx", title=title, metadata=facts)


@dataclass(frozen=True, slots=True)
class _Style:
    level: int
    """1 to 9 for headings, 0 for others."""
    title: bool
    list_id: str
    list_level: int


_PLAIN = _Style(0, False, "", 0)


@dataclass(slots=True)
class _Words:
    """What one paragraph holds besides its text."""

    pieces: list[str] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    """("footnotes" | "endnotes" | "comments", id)"""
    boxes: list[Element] = field(default_factory=list)
    hidden: bool = False


class _Reader:
    def __init__(self, package: Package, main: str, out: TextBuilder) -> None:
        self.package = package
        self.main = main
        self.out = out
        self.title = ""
        self.styles = _read_styles(self._root("styles"))
        self.numbers = ListNumbers.read(self._root("numbering"))
        self.notes = {
            kind: {attribute(note, "id"): note for note in (root if root is not None else ())}
            for kind in ("footnotes", "endnotes", "comments")
            for root in [self._root(kind)]
        }
        self._in_list = False

    def read(self) -> None:
        """Fill the builder."""
        data = self.package.zip.read(self.main)
        self._margin("header")
        for block in iterate_xml(data, "{*}p", "{*}tbl", "{*}altChunk", what=_WHAT):
            if not _is_top_level(block):
                continue
            self._block(block)
            _forget(block)
            if self.out.full:
                return
        for part in self.package.related(self.main, "chart", "diagramData"):
            root = self.package.xml_if_sound(part)
            if root is not None:
                write_drawing(root, self.out)
        self._margin("footer")

    def _root(self, kind: str) -> Element | None:
        parts = self.package.related(self.main, kind) or [f"word/{kind}.xml"]
        return self.package.xml_if_sound(parts[0])

    def _block(self, element: Element) -> None:
        tag = local(element)
        if tag == "p":
            self._paragraph(element)
        elif tag == "tbl":
            self._table(element)
        elif tag == "altChunk":
            self.out.warn("A document embedded in this one was not read.")
        elif tag == "AlternateContent":
            option = chosen(element)
            for child in option if option is not None else ():
                self._block(child)
        elif tag in _WRAPPERS:
            for child in element:
                self._block(child)

    def _paragraph(self, element: Element) -> None:
        words = _words(element)
        properties = element.find("{*}pPr")
        style = self._style(properties)
        label = self._label(properties, style)
        text = "".join(words.pieces).strip()
        if text:
            shown = f"{label} {text}" if label else text
            if style.level and len(text) <= _MAX_HEADING:
                self.out.heading(shown, style.level)
                if style.title and not self.title:
                    self.title = text
            elif label and self._in_list:
                self.out.line(shown)
            else:
                self.out.paragraph(shown)
            self._in_list = bool(label) and not style.level
        self._extras(words)

    def _extras(self, words: _Words) -> None:
        if words.hidden:
            self.out.warn("Text that is formatted as hidden was left out.")
        for box in words.boxes:
            for child in box:
                self._block(child)
        for kind, identity in words.notes:
            self._note(kind, identity)

    def _note(self, kind: str, identity: str) -> None:
        # Taken out, so that a note shown twice or one that holds itself is written once.
        note = self.notes[kind].pop(identity, None)
        if note is None:
            return
        text = " ".join("".join(_words(part).pieces).strip() for part in note.iter("{*}p")).strip()
        if not text:
            return
        if kind == "comments":
            author = attribute(note, "author")
            self.out.paragraph(f"Comment by {author}: {text}" if author else f"Comment: {text}")
        else:
            self.out.paragraph(f"[{identity}] {text}")
        self._in_list = False

    def _table(self, table: Element) -> None:
        self._in_list = False
        first = True
        for row in _children(table, "tr"):
            if self.out.full:
                return
            cells = list(_children(row, "tc"))
            if any(_is_layout(cell) for cell in cells):
                for cell in cells:
                    for child in cell:
                        self._block(child)
                first = True
                continue
            words = [_cell(cell) for cell in cells]
            start, end = self.out.row((_joined(cell) for cell in words), first=first)
            first = first and end == start
            for paragraphs in words:
                for paragraph in paragraphs:
                    if paragraph.notes or paragraph.boxes or paragraph.hidden:
                        self._extras(paragraph)
                        first = True

    def _margin(self, kind: str) -> None:
        """Headers before the body, footers after it, each text once whatever the number of sections."""
        seen: set[str] = set()
        for part in self.package.related(self.main, kind):
            root = self.package.xml_if_sound(part)
            for block in root if root is not None else ():
                text = " ".join("".join(_words(paragraph).pieces).strip() for paragraph in _paragraphs(block))
                if text.strip() and text not in seen and not _PAGE_NUMBER.fullmatch(text):
                    seen.add(text)
                    self._block(block)

    def _style(self, properties: Element | None) -> _Style:
        if properties is None:
            return self.styles.get("", _PLAIN)
        named = properties.find("{*}pStyle")
        style = self.styles.get(attribute(named, "val") if named is not None else "", _PLAIN)
        level = _outline_level(properties)
        return style if level is None else _Style(level, style.title, style.list_id, style.list_level)

    def _label(self, properties: Element | None, style: _Style) -> str:
        list_id, level = style.list_id, style.list_level
        numbering = properties.find("{*}numPr") if properties is not None else None
        if numbering is not None:
            own_id, own_level = numbering.find("{*}numId"), numbering.find("{*}ilvl")
            list_id = attribute(own_id, "val") if own_id is not None else list_id
            level = _int(attribute(own_level, "val")) if own_level is not None else level
        label = self.numbers.next(list_id, level) if list_id else ""
        return "" if style.level and label == "•" else label


def _words(paragraph: Element) -> _Words:
    """The text of a paragraph as a reader sees it; text boxes and notes are kept for later."""
    words = _Words()
    stack: list[Element] = list(reversed(paragraph))
    while stack:
        element = stack.pop()
        tag = local(element)
        if tag == "t":
            words.pieces.append(element.text or "")
        elif tag in _MARKS:
            words.pieces.append(_MARKS[tag])
        elif tag == "r" and flag(element.find("{*}rPr"), "vanish"):
            words.hidden = words.hidden or any((text.text or "").strip() for text in element.iter("{*}t"))
        elif tag == "txbxContent":
            words.boxes.append(element)
        elif tag in _REFERENCES:
            words.notes.append((_REFERENCES[tag], attribute(element, "id")))
        elif tag == "sym":
            words.pieces.append(_symbol(attribute(element, "char")))
        elif tag == "AlternateContent":
            option = chosen(element)
            stack.extend(reversed(option) if option is not None else ())
        elif tag not in _SKIPPED:
            stack.extend(reversed(element))
    return words


_MARKS = {"tab": "\t", "br": "\n", "cr": "\n", "ptab": "\t", "noBreakHyphen": "-"}
_REFERENCES = {
    "footnoteReference": "footnotes",
    "endnoteReference": "endnotes",
    "commentReference": "comments",
}


def _symbol(code: str) -> str:
    try:
        value = int(code, 16)
    except ValueError:
        return ""
    # Symbol fonts live in the private area: their shapes have no text.
    return "" if 0xE000 <= value <= 0xF8FF or value > 0xFFFF else chr(value)


def _paragraphs(block: Element) -> Iterator[Element]:
    return iter([block]) if local(block) == "p" else block.iter("{*}p")


def _cell(cell: Element) -> list[_Words]:
    """Paragraphs of a cell; none for one that only continues a cell above."""
    properties = cell.find("{*}tcPr")
    merge = properties.find("{*}vMerge") if properties is not None else None
    if merge is not None and attribute(merge, "val") != "restart":
        return []
    return [_words(paragraph) for paragraph in cell.iter("{*}p") if not _in_box(paragraph, cell)]


def _in_box(paragraph: Element, cell: Element) -> bool:
    for parent in paragraph.iterancestors():
        if parent is cell:
            return False
        if local(parent) == "txbxContent":
            return True
    return False


def _joined(cell: list[_Words]) -> str:
    return " ".join("".join(words.pieces) for words in cell)


def _is_layout(cell: Element) -> bool:
    if next(cell.iter("{*}tbl"), None) is not None:
        return True
    return sum(1 for _ in _children(cell, "p")) > _LAYOUT_PARAGRAPHS


def _children(element: Element, tag: str) -> Iterator[Element]:
    """Children of this tag, looking through wrappers."""
    for child in element:
        name = local(child)
        if name == tag:
            yield child
        elif name in _WRAPPERS:
            yield from _children(child, tag)


def _is_top_level(block: Element) -> bool:
    parent = block.getparent()
    while parent is not None and local(parent) in _WRAPPERS:
        parent = parent.getparent()
    return parent is not None and local(parent) == "body"


def _forget(block: Element) -> None:
    """Free the memory of a block that was read, and of its siblings before it."""
    block.clear(keep_tail=False)
    parent = block.getparent()
    while parent is not None and block.getprevious() is not None:
        del parent[0]


def _read_styles(root: Element | None) -> dict[str, _Style]:
    """Paragraph styles by id with what they inherit; "" is the default style."""
    elements = {
        attribute(element, "styleId"): element
        for element in (root if root is not None else ())
        if local(element) == "style" and attribute(element, "type") in ("paragraph", "")
    }
    styles = {identity: _resolve_style(identity, elements) for identity in elements}
    for identity, element in elements.items():
        if attribute(element, "default") in ("1", "true"):
            styles[""] = styles[identity]
    return styles


def _resolve_style(identity: str, elements: dict[str, Element]) -> _Style:
    level, title, list_id, list_level = None, False, "", None
    seen: set[str] = set()
    while identity in elements and identity not in seen:
        seen.add(identity)
        element = elements[identity]
        named = element.find("{*}name")
        name = (attribute(named, "val") if named is not None else "").lower()
        properties = element.find("{*}pPr")
        if properties is not None:
            level = _outline_level(properties) if level is None else level
            numbering = properties.find("{*}numPr")
            if numbering is not None:
                own_id, own_level = numbering.find("{*}numId"), numbering.find("{*}ilvl")
                list_id = list_id or (attribute(own_id, "val") if own_id is not None else "")
                if list_level is None and own_level is not None:
                    list_level = _int(attribute(own_level, "val"))
        if level is None and (match := re.fullmatch(r"heading (\d)", name)):
            level = int(match[1])
        title = title or name == "title"
        based = element.find("{*}basedOn")
        identity = attribute(based, "val") if based is not None else ""
    return _Style(level or (1 if title else 0), title, list_id, list_level or 0)


def _outline_level(properties: Element) -> int | None:
    """1 to 9 for a heading, 0 for body text, None when nothing is said."""
    outline = properties.find("{*}outlineLvl")
    if outline is None:
        return None
    value = _int(attribute(outline, "val"))
    return value + 1 if value < 9 else 0


def _int(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 6 else 0
