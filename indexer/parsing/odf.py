"""OpenDocument files: text (odt), presentations (odp: a slide is a page) and the rows of ods.

Read with lxml from the package itself.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from indexer.errors import UnreadableDocument
from indexer.parsing.builder import TextBuilder
from indexer.parsing.ole import locked
from indexer.parsing.source import Source
from indexer.parsing.xmlsafe import Element, attribute, iterate_xml, local, parse_xml
from indexer.parsing.zipsafe import SafeZip
from indexer.types import ParsedDocument

if TYPE_CHECKING:
    from indexer.parsing.sheets import Sheet

VERSION = 1

_WHAT = "OpenDocument file"
_MAX_HEADING = 300
_SKIPPED = frozenset(
    {"tracked-changes", "note-citation", "ruby-text", "bookmark-ref-body", "sequence-decls", "forms"}
)
_MAX_REPEATED_ROWS = 1_000
"""Copies written of a row that a sheet says is repeated."""
_MAX_REPEATED_CELLS = 64
_MAX_EMPTY_CELLS = 4


def parse(source: Source) -> ParsedDocument:
    """Read a text document or a presentation.

    Raises:
        UnreadableDocument: broken, encrypted or a bomb.
    """
    package = _open(source.read())
    out = TextBuilder.within(source.limits)
    root = parse_xml(_content(package), what=_WHAT)
    presentation = next(root.iter("{*}presentation"), None)
    facts = _facts(package)
    title = facts.pop("title", "")
    if presentation is not None and local(presentation.getparent()) == "body":
        _read_slides(root, presentation, out)
        return out.build(kind="slides", format="odp", title=title, metadata=facts)
    _read_text(package, root, out)
    return out.build(kind="doc", format="odt", title=title, metadata=facts)


def read_spreadsheet(content: bytes, write: Callable[[Sheet], None]) -> dict[str, str]:
    """Hand each sheet of an ods file to `write`, streaming its rows; returns the metadata.

    Raises:
        UnreadableDocument: broken, encrypted or a bomb.
    """
    from indexer.parsing.sheets import Sheet

    package = _open(content)
    hidden: set[str] = set()
    rows = _table_rows(_content(package), hidden)
    for _identity, group in itertools.groupby(rows, key=lambda row: row[0]):
        first = next(group)
        _number, name, style, _cells = first
        texts = (cells for _n, _name, _style, cells in itertools.chain([first], group))
        write(Sheet(name, style in hidden, texts))
    return _facts(package)


def _open(content: bytes) -> SafeZip:
    package = SafeZip(content, what=_WHAT)
    manifest = package.read_if_there("META-INF/manifest.xml") or b""
    if package.encrypted or b"encryption-data" in manifest:
        raise locked(_WHAT)
    return package


def _content(package: SafeZip) -> bytes:
    name = package.find("content.xml")
    if name is None:
        raise UnreadableDocument(
            f"This {_WHAT} is damaged: its content is missing.", "Get the file again from where it came."
        )
    return package.read(name)


def _facts(package: SafeZip) -> dict[str, str]:
    data = package.read_if_there("meta.xml")
    try:
        root = parse_xml(data, what=_WHAT) if data else None
    except UnreadableDocument:
        root = None
    found: dict[str, str] = {}
    keywords: list[str] = []
    for element in root.iter() if root is not None else ():
        text = (element.text or "").strip()
        tag = local(element)
        if tag == "keyword" and text:
            keywords.append(text)
        elif tag in _FACTS and text:
            # LibreOffice writes times to the nanosecond.
            found.setdefault(_FACTS[tag], re.sub(r"(T[\d:]+)\.\d+", r"\1", text))
    if keywords:
        found["keywords"] = ", ".join(keywords)
    return found


_FACTS = {
    "title": "title",
    "initial-creator": "author",
    "creator": "author",
    "creation-date": "created",
    "date": "modified",
    "subject": "subject",
    "language": "language",
    "generator": "producer",
}


# --- text -------------------------------------------------------------------------------------------


def _read_text(package: SafeZip, root: Element, out: TextBuilder) -> None:
    body = next(root.iter("{*}body"), None)
    margins = _margins(package)
    for text in margins["header"]:
        out.paragraph(text)
    for office in body if body is not None else ():
        for block in office:
            _block(block, out, 0)
            if out.full:
                return
    for text in margins["footer"]:
        out.paragraph(text)


def _margins(package: SafeZip) -> dict[str, list[str]]:
    """Texts of headers and footers, each once."""
    found: dict[str, dict[str, None]] = {"header": {}, "footer": {}}
    data = package.read_if_there("styles.xml")
    try:
        root = parse_xml(data, what=_WHAT) if data else None
    except UnreadableDocument:
        root = None
    for master in root.iter("{*}master-page") if root is not None else ():
        for child in master:
            kind = local(child).partition("-")[0]
            if kind in found:
                for paragraph in child.iter("{*}p", "{*}h"):
                    text = _Inline(paragraph).text
                    if any(char.isalpha() for char in text):
                        found[kind].setdefault(text)
    return {kind: list(texts) for kind, texts in found.items()}


def _block(element: Element, out: TextBuilder, depth: int) -> None:
    tag = local(element)
    if tag == "h":
        inline = _Inline(element)
        level = attribute(element, "outline-level")
        if len(inline.text) <= _MAX_HEADING:
            out.heading(inline.text, int(level) if level.isdecimal() and len(level) < 3 else 1)
        else:
            out.paragraph(inline.text)
        _beside(inline, out, depth)
    elif tag == "p":
        inline = _Inline(element)
        out.paragraph(inline.text)
        _beside(inline, out, depth)
    elif tag == "list":
        _list(element, out, depth)
    elif tag == "table":
        _table(element, out, depth)
    elif tag not in _SKIPPED and depth < 200:
        for child in element:
            _block(child, out, depth + 1)


def _list(element: Element, out: TextBuilder, depth: int) -> None:
    for item in element:
        first = True
        for child in item:
            if local(child) == "p":
                inline = _Inline(child)
                text = inline.text.strip()
                if text:
                    out.line(f"• {text}" if first else text)
                    first = False
                _beside(inline, out, depth)
            elif depth < 200:
                _block(child, out, depth + 1)


def _table(table: Element, out: TextBuilder, depth: int) -> None:
    first = True
    for row in table.iter("{*}table-row"):
        if out.full:
            return
        if next(row.iterancestors("{*}table"), None) is not table:
            continue
        cells = [cell for cell in row if local(cell) in ("table-cell", "covered-table-cell")]
        if depth < 200 and any(next(cell.iter("{*}table"), None) is not None for cell in cells):
            for cell in cells:
                _block(cell, out, depth + 1)
            first = True
            continue
        inlines = [[_Inline(part) for part in cell.iter("{*}p", "{*}h")] for cell in cells]
        start, end = out.row((" ".join(part.text for part in cell) for cell in inlines), first=first)
        first = first and start == end
        for part in itertools.chain.from_iterable(inlines):
            _beside(part, out, depth)


def _beside(inline: _Inline, out: TextBuilder, depth: int) -> None:
    """Notes, comments and text boxes anchored in a paragraph."""
    for text in inline.notes:
        out.paragraph(text)
    for box in inline.boxes:
        if depth < 200:
            for child in box:
                _block(child, out, depth + 1)


class _Inline:
    """The text of one paragraph, and what is anchored in it."""

    def __init__(self, paragraph: Element) -> None:
        self.notes: list[str] = []
        self.boxes: list[Element] = []
        self._pieces: list[str] = []
        self._walk(paragraph)
        self.text = "".join(self._pieces).strip()

    def _walk(self, element: Element) -> None:
        # libxml2 refuses documents deeper than 256, so the recursion is bounded.
        self._pieces.append(_collapsed(element.text))
        for child in element:
            self._child(child)
            self._pieces.append(_collapsed(child.tail))

    def _child(self, child: Element) -> None:
        tag = local(child)
        if tag == "s":
            count = attribute(child, "c")
            self._pieces.append(" " * min(int(count) if count.isdecimal() and len(count) < 5 else 1, 80))
        elif tag in ("tab", "line-break"):
            self._pieces.append("\t" if tag == "tab" else "\n")
        elif tag == "note":
            self.notes.append(_note(child))
        elif tag == "annotation":
            self.notes.append(_comment(child))
        elif tag in ("text-box", "custom-shape"):
            self.boxes.append(child)
        elif tag not in _SKIPPED:
            self._walk(child)


def _collapsed(text: str | None) -> str:
    """Text with line ends of the file as spaces: in ODF they mean nothing more."""
    return text.replace("\n", " ").replace("\t", " ") if text else ""


def _note(element: Element) -> str:
    label = "".join(part.text or "" for part in element.iter("{*}note-citation"))
    body = " ".join(_Inline(part).text for part in element.iter("{*}p"))
    return f"[{label}] {body}" if label else body


def _comment(element: Element) -> str:
    author = next((part.text or "" for part in element.iter("{*}creator")), "")
    body = " ".join(_Inline(part).text for part in element.iter("{*}p"))
    return f"Comment by {author}: {body}" if author else f"Comment: {body}"


# --- presentations -----------------------------------------------------------------------------------


def _read_slides(root: Element, presentation: Element, out: TextBuilder) -> None:
    hidden = {
        attribute(style.getparent(), "name")
        for style in root.iter("{*}drawing-page-properties")
        if attribute(style, "visibility") == "hidden"
    }
    for page in presentation.iterchildren("{*}page"):
        shapes = [shape for shape in page if local(shape) not in ("notes", "forms")]
        titles = [shape for shape in shapes if attribute(shape, "class") == "title"]
        title = " ".join(" ".join(_Inline(part).text for part in shape.iter("{*}p")) for shape in titles)
        is_hidden = attribute(page, "style-name") in hidden
        out.open_page(f"{title} (hidden)".strip() if is_hidden else title)
        out.heading(title, 1)
        for shape in shapes:
            if shape not in titles:
                _shape(shape, out)
        for notes in page.iterchildren("{*}notes"):
            for shape in notes:
                if attribute(shape, "class") not in ("page-number", "date-time", "header", "footer"):
                    _shape(shape, out)
        if out.full:
            return


def _shape(shape: Element, out: TextBuilder) -> None:
    if attribute(shape, "class") in ("page-number", "date-time", "footer"):
        return
    if local(shape) == "annotation":
        out.paragraph(_comment(shape))
        return
    table = next(shape.iter("{*}table"), None)
    if table is not None:
        _table(table, out, 0)
        return
    first = True
    for paragraph in shape.iter("{*}p"):
        text = _Inline(paragraph).text
        start, end = out.paragraph(text) if first else out.line(text)
        first = first and start == end


# --- spreadsheets ------------------------------------------------------------------------------------


def _table_rows(data: bytes, hidden: set[str]) -> Iterator[tuple[int, str, str, list[str]]]:
    """(number of the sheet, its name, its style, cells) of each row; fills `hidden` with style names."""
    number, table = 0, None
    for element in iterate_xml(data, "{*}table-row", "{*}table-properties", what=_WHAT):
        if local(element) == "table-properties":
            if attribute(element, "display") == "false":
                hidden.add(attribute(element.getparent(), "name"))
            continue
        parent = next(element.iterancestors("{*}table"), None)
        if parent is not table:
            number, table = number + 1, parent
        cells = _cells(element)
        copies = min(_repeated(element, "number-rows-repeated"), _MAX_REPEATED_ROWS) if any(cells) else 1
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]
        if parent is not None:
            name, style = attribute(parent, "name"), attribute(parent, "style-name")
            for _copy in range(copies):
                yield number, name, style, cells


def _cells(row: Element) -> list[str]:
    cells: list[str] = []
    for cell in row:
        if local(cell) in ("table-cell", "covered-table-cell"):
            text = _value(cell)
            most = _MAX_REPEATED_CELLS if text else _MAX_EMPTY_CELLS
            cells.extend([text] * min(_repeated(cell, "number-columns-repeated"), most))
    return cells


def _value(cell: Element) -> str:
    kind = attribute(cell, "value-type")
    if kind == "date":
        return attribute(cell, "date-value").removesuffix("T00:00:00").replace("T", " ")
    if kind == "float":
        from indexer.parsing.sheets import cell_text

        try:
            return cell_text(float(attribute(cell, "value")))
        except ValueError:
            return ""
    parts = [_Inline(part) for part in cell if local(part) in ("p", "h", "annotation")]
    return " ".join(part.text for part in parts).strip()


def _repeated(element: Element, name: str) -> int:
    value = attribute(element, name)
    return int(value) if value.isdecimal() and len(value) < 12 else 1
