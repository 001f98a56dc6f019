"""Writes the text of (X)HTML inside other formats: mail bodies and chapters of books.

Nothing is fetched and nothing runs: scripts, styles, frames and pictures are passed over. Tables that
only lay a page out, as in most HTML mail, are read as running text.
"""

from __future__ import annotations

import html
import re

from indexer.parsing.builder import TextBuilder
from indexer.parsing.xmlsafe import Element, attribute, local

_SKIPPED = frozenset({
    "script", "style", "head", "title", "template", "svg", "iframe", "object", "embed", "audio",
    "video", "canvas", "noembed", "noframes", "datalist",
})  # fmt: skip
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog",
    "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3",
    "h4", "h5", "h6", "header", "hgroup", "hr", "html", "legend", "li", "main", "menu", "nav", "ol",
    "optgroup", "option", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th",
    "thead", "tr", "ul",
})  # fmt: skip
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.I)
_SPACE = re.compile(r"[ \t\r\n\f]+")
_MAX_CELL = 400
"""Characters: longer cells mean that a table lays out text."""
_MAX_HEADING = 300

_UNSEEN = re.compile(r"<(script|style|head|template)\b.*?</\1\s*>|<!--.*?-->", re.I | re.S)
_BREAK = re.compile(r"<(?:br|/?p|/?div|/?tr|/?li|/?h[1-6]|hr)\b[^>]*>", re.I)
_TAG = re.compile(r"<[a-zA-Z/!?][^<>]*>?")


def write_html(text: str, out: TextBuilder) -> None:
    """Add the text of an HTML document or fragment, however broken it is."""
    from lxml import etree

    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    data = text.replace("\x00", "").encode("utf-8", "replace")
    try:
        root: Element | None = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    too_deep = any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log)
    if root is None or too_deep:
        for line in _stripped(text).split("\n"):
            out.paragraph(line)
        return
    write_markup(root, out)


def _stripped(text: str) -> str:
    """Text between tags: for documents nested deeper than a parser follows."""
    bare = _BREAK.sub("\n", _UNSEEN.sub(" ", _SPACE.sub(" ", text)))
    return html.unescape(_TAG.sub("", bare))


def write_markup(root: Element, out: TextBuilder) -> None:
    """Add the text of a tree of HTML or XHTML elements: headings, paragraphs, lists, tables."""
    from lxml import etree

    flow = _Flow(out)
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        if out.full:
            return
        tag = local(element).lower()
        if event == "end":
            flow.leave(tag)
            flow.text(element.tail if element is not root else None)
        elif tag in _SKIPPED or _is_hidden(element):
            flow.skipped = tag
            walk.skip_subtree()
        elif tag == "table" and _is_data(element):
            flow.end()
            _write_table(element, out)
            flow.skipped = tag
            walk.skip_subtree()
        else:
            flow.enter(tag)
            flow.text(element.text)
    flow.end()


class _Flow:
    """Running text that becomes a block whenever a block begins or ends."""

    def __init__(self, out: TextBuilder) -> None:
        self.skipped = ""
        """Tag whose content was passed over: its end event follows at once."""
        self._out = out
        self._pieces: list[str] = []
        self._preformatted = 0
        self._bullet = False
        self._list_item = False

    def enter(self, tag: str) -> None:
        if tag == "br":
            self._pieces.append("\n")
        elif tag in _BLOCKS:
            self.end()
            self._preformatted += tag == "pre"
            if tag == "li":
                self._bullet = True

    def leave(self, tag: str) -> None:
        if self.skipped:
            if tag in _BLOCKS:
                self.end()
            self.skipped = ""
        elif tag in _HEADINGS:
            self._heading(_HEADINGS[tag])
        elif tag in _BLOCKS:
            self.end()
            self._preformatted -= tag == "pre"
            if tag in ("ul", "ol", "li"):
                self._bullet = False
            self._list_item = self._list_item and tag not in ("ul", "ol")

    def text(self, text: str | None) -> None:
        if text:
            self._pieces.append(text if self._preformatted else _SPACE.sub(" ", text))

    def end(self) -> None:
        text = self._taken()
        if not text:
            return
        if self._bullet:
            bulleted = f"• {text}"
            if self._list_item:
                self._out.line(bulleted)
            else:
                self._out.paragraph(bulleted)
            self._bullet, self._list_item = False, True
        else:
            self._list_item = False
            self._out.paragraph(text)

    def _heading(self, level: int) -> None:
        text = self._taken()
        self._list_item = False
        if len(text) <= _MAX_HEADING:
            self._out.heading(text, level)
        else:
            self._out.paragraph(text)

    def _taken(self) -> str:
        text = "".join(self._pieces)
        self._pieces.clear()
        if self._preformatted:
            return text.strip("\n")
        lines = (_SPACE.sub(" ", line).strip() for line in text.split("\n"))
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _is_hidden(element: Element) -> bool:
    return "hidden" in element.attrib or bool(_HIDDEN.search(attribute(element, "style")))


def _is_data(table: Element) -> bool:
    """Whether a table holds data rather than laying out a page."""
    if next(table.iterdescendants("table", "{*}table"), None) is not None:
        return False
    widths = []
    for row in table.iter("tr", "{*}tr"):
        cells = [cell for cell in row if local(cell).lower() in ("td", "th")]
        if any(len("".join(cell.itertext())) > _MAX_CELL for cell in cells):
            return False
        widths.append(len(cells))
    return sum(1 for width in widths if width > 1) >= 2


def _write_table(table: Element, out: TextBuilder) -> None:
    first = True
    for row in table.iter("caption", "{*}caption", "tr", "{*}tr"):
        if local(row).lower() == "caption":
            out.paragraph(" ".join("".join(row.itertext()).split()))
            continue
        if out.full:
            return
        cells = [_cell_text(cell) for cell in row if local(cell).lower() in ("td", "th")]
        start, end = out.row(cells, first=first)
        first = first and start == end


def _cell_text(cell: Element) -> str:
    """A cell's text on one line; blocks in it are set apart by a space."""
    from lxml import etree

    pieces: list[str] = []
    walk = etree.iterwalk(cell, events=("start", "end"))
    for event, element in walk:
        tag = local(element).lower()
        if tag in _BLOCKS or tag == "br":
            pieces.append(" ")
        if event == "end":
            pieces.append(element.tail or "" if element is not cell else "")
        elif tag in _SKIPPED or _is_hidden(element):
            walk.skip_subtree()
        else:
            pieces.append(element.text or "")
    return "".join(pieces)
