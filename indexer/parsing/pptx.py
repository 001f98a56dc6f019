"""PowerPoint presentations (pptx, pptm, ppsx): a slide is a page, with its notes and comments.

Read with lxml from the package itself, so that a dangling picture or a shape of an unknown kind
costs that shape and not the presentation.
"""

from __future__ import annotations

from collections.abc import Iterator

from indexer.parsing.builder import TextBuilder
from indexer.parsing.ooxml import Package, chosen, write_drawing
from indexer.parsing.source import Source
from indexer.parsing.xmlsafe import Element, attribute, local
from indexer.types import ParsedDocument

VERSION = 2

_WHAT = "PowerPoint presentation"
_TITLES = frozenset({"title", "ctrTitle"})
_FURNITURE = frozenset({"sldNum", "dt", "ftr", "hdr", "sldImg"})
"""Placeholders that repeat on every slide: number, date, footer, header, picture of the slide."""
_SHAPES = frozenset({"sp", "grpSp", "graphicFrame", "cxnSp", "pic", "AlternateContent"})


def parse(source: Source) -> ParsedDocument:
    """Read a presentation.

    Raises:
        UnreadableDocument: broken, encrypted or a bomb.
    """
    package = Package(source.read(), what=_WHAT)
    main = package.main_part("ppt/presentation.xml")
    out = TextBuilder.within(source.limits)
    authors = _authors(package, main)
    for part in _slides(package, main):
        _slide(package, part, out, authors)
        if out.full:
            break
    facts = package.properties()
    title = facts.pop("title", "")
    if title.lower() in _DEFAULT_TITLES:
        title = ""
    return out.build(kind="slides", format="pptx", title=title, metadata=facts)


_DEFAULT_TITLES = frozenset({"powerpoint presentation", "powerpoint-präsentation", "présentation powerpoint"})
"""What PowerPoint writes when nobody chose a title."""


def _slides(package: Package, main: str) -> Iterator[str]:
    """Slides in the order of the presentation; by name when its list is missing or broken."""
    links = package.relationships(main)
    root = package.xml_if_sound(main)
    listed = list(root.iter("{*}sldId")) if root is not None else []
    parts = [links[identity].part for item in listed if (identity := _relation(item)) in links]
    if not any(parts):
        parts = sorted(package.related(main, "slide"), key=lambda name: (len(name), name))
    yield from (part for part in parts if part)


def _relation(element: Element) -> str:
    """The r:id of an element whose plain id is something else."""
    for key, value in element.attrib.items():
        if str(key).endswith("relationships}id"):
            return str(value)
    return ""


def _slide(package: Package, part: str, out: TextBuilder, authors: dict[str, str]) -> None:
    out.open_page()
    root = package.xml_if_sound(part)
    if root is None:
        out.warn("A slide is damaged and was left out.")
        return
    shapes = list(_ordered(root))
    title = next((text for text in map(_title, shapes) if text), "")
    hidden = attribute(root, "show") in ("0", "false")
    out.label_page(f"{title} (hidden)".strip() if hidden else title)
    if title:
        out.heading(title, 1)
    for shape in shapes:
        if not _title(shape):
            _shape(package, part, shape, out)
    for notes in package.related(part, "notesSlide"):
        _notes(package, notes, out)
    for comments in package.related(part, "comments"):
        _comments(package.xml_if_sound(comments), out, authors)


def _ordered(root: Element) -> Iterator[Element]:
    """Shapes in reading order: the title, then as placed in the file.

    PowerPoint's own reading order is the order in the file, which authors of accessible slides set;
    positions would need the layout and the master for every placeholder.
    """
    tree = next(root.iter("{*}spTree"), None)
    shapes = [child for child in (tree if tree is not None else ()) if local(child) in _SHAPES]
    yield from (shape for shape in shapes if _placeholder(shape) in _TITLES)
    yield from (shape for shape in shapes if _placeholder(shape) not in _TITLES)


def _placeholder(shape: Element) -> str:
    """Type of a placeholder, "" for other shapes; one without a type is a body."""
    if local(shape) == "grpSp":
        return ""
    found = next(shape.iter("{*}ph"), None)
    return "" if found is None else attribute(found, "type") or "body"


def _title(shape: Element) -> str:
    if _placeholder(shape) not in _TITLES:
        return ""
    return " ".join(" ".join(_paragraphs(shape)).split())


def _shape(package: Package, part: str, shape: Element, out: TextBuilder) -> None:
    stack = [shape]
    while stack:
        element = stack.pop()
        tag = local(element)
        if tag == "grpSp":
            stack.extend(child for child in reversed(element) if local(child) in _SHAPES)
        elif tag == "AlternateContent":
            option = chosen(element)
            stack.extend(reversed(option) if option is not None else ())
        elif tag == "graphicFrame":
            _frame(package, part, element, out)
        elif tag in ("sp", "cxnSp") and _placeholder(element) not in _FURNITURE:
            _text_body(element, out)
        elif tag == "pic":
            _description(element, out)


def _text_body(element: Element, out: TextBuilder) -> None:
    first = True
    for text in _paragraphs(element):
        start, end = out.paragraph(text) if first else out.line(text)
        first = first and end == start


def _frame(package: Package, part: str, frame: Element, out: TextBuilder) -> None:
    table = next(frame.iter("{*}tbl"), None)
    if table is not None:
        _table(table, out)
        return
    links = package.relationships(part)
    for reference in frame.iter("{*}chart", "{*}relIds"):
        for key, identity in reference.attrib.items():
            link = links.get(str(identity)) if str(key).rpartition("}")[2] in ("id", "dm") else None
            root = package.xml_if_sound(link.part) if link is not None and link.part else None
            if root is not None:
                write_drawing(root, out)


def _table(table: Element, out: TextBuilder) -> None:
    first = True
    for row in table.iterchildren("{*}tr"):
        cells = [
            "" if attribute(cell, "vMerge") in ("1", "true") else " ".join(_paragraphs(cell))
            for cell in row.iterchildren("{*}tc")
            if attribute(cell, "hMerge") not in ("1", "true")
        ]
        start, end = out.row(cells, first=first)
        first = first and end == start


def _description(picture: Element, out: TextBuilder) -> None:
    properties = next(picture.iter("{*}cNvPr"), None)
    text = attribute(properties, "descr") if properties is not None else ""
    # Pictures without a description carry the name of the picture's file there.
    if " " in text.strip():
        out.paragraph(text)


def _paragraphs(element: Element) -> Iterator[str]:
    for paragraph in element.iter("{*}p"):
        pieces = []
        for run in paragraph.iter("{*}t", "{*}br", "{*}tab"):
            tag = local(run)
            pieces.append((run.text or "") if tag == "t" else "\n" if tag == "br" else "\t")
        text = "".join(pieces).strip()
        if text:
            yield text


def _notes(package: Package, part: str, out: TextBuilder) -> None:
    root = package.xml_if_sound(part)
    for shape in root.iter("{*}sp") if root is not None else ():
        if _placeholder(shape) not in _FURNITURE:
            _text_body(shape, out)


def _authors(package: Package, main: str) -> dict[str, str]:
    names: dict[str, str] = {}
    for part in package.related(main, "commentAuthors", "authors"):
        root = package.xml_if_sound(part)
        for element in root if root is not None else ():
            names[attribute(element, "id")] = attribute(element, "name")
    return names


def _comments(root: Element | None, out: TextBuilder, authors: dict[str, str]) -> None:
    for comment in root.iter("{*}cm") if root is not None else ():
        texts = [node.text or "" for node in comment.iter("{*}text", "{*}t")]
        text = " ".join(" ".join(texts).split())
        if text:
            author = authors.get(attribute(comment, "authorId"), "")
            out.paragraph(f"Comment by {author}: {text}" if author else f"Comment: {text}")
