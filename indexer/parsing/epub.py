"""Electronic books (epub): an item of the spine is a page, its name comes from the table of contents."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

from indexer.errors import UnreadableDocument
from indexer.parsing import encoding
from indexer.parsing.builder import TextBuilder
from indexer.parsing.markup import write_html, write_markup
from indexer.parsing.source import Source
from indexer.parsing.xmlsafe import Element, attribute, local, name_entities, parse_xml
from indexer.parsing.zipsafe import SafeZip
from indexer.types import ParsedDocument, Status

VERSION = 1

_WHAT = "e-book"
_MAX_ITEMS = 5_000
_FACTS = {
    "title": "title",
    "creator": "author",
    "subject": "keywords",
    "language": "language",
    "date": "created",
    "description": "subject",
}


def parse(source: Source) -> ParsedDocument:
    """Read a book.

    Raises:
        UnreadableDocument: broken, protected, or a bomb.
    """
    book = SafeZip(source.read(), what=_WHAT)
    package_name = _package_name(book)
    package = parse_xml(book.read(package_name), what=_WHAT)
    folder = posixpath.dirname(package_name)
    items = {attribute(item, "id"): item for item in package.iter("{*}item") if attribute(item, "href")}
    locked = _locked_parts(book)
    labels = _labels(book, package, folder, items)
    out = TextBuilder.within(source.limits)
    read = 0
    for reference in list(package.iter("{*}itemref"))[:_MAX_ITEMS]:
        item = items.get(attribute(reference, "idref"))
        name = book.find(_join(folder, attribute(item, "href"))) if item is not None else None
        if name is None or name in locked:
            out.warn("A chapter is missing or protected and was left out.")
            continue
        out.open_page(labels.get(name, ""))
        _chapter(book, name, out)
        read += 1
        if out.full:
            break
    if locked and not read:
        raise UnreadableDocument(
            "This e-book is copy-protected (DRM).",
            "Use a copy without protection.",
            status=Status.ENCRYPTED,
        )
    facts = _facts(package)
    return out.build(kind="doc", format="epub", title=facts.pop("title", ""), metadata=facts)


def _package_name(book: SafeZip) -> str:
    """The package document, which container.xml names."""
    data = book.read_if_there("META-INF/container.xml")
    if data is not None:
        for root in parse_xml(data, what=_WHAT).iter("{*}rootfile"):
            if found := book.find(unquote(attribute(root, "full-path"))):
                return found
    for name in book.names:
        if name.lower().endswith(".opf"):
            return name
    raise UnreadableDocument(
        "This e-book is damaged: its list of chapters is missing.", "Get the file again from where it came."
    )


def _locked_parts(book: SafeZip) -> set[str]:
    """Parts encrypted by a protection scheme; fonts are often scrambled too, and do not matter."""
    data = book.read_if_there("META-INF/encryption.xml")
    if data is None:
        return set()
    try:
        root = parse_xml(data, what=_WHAT)
    except UnreadableDocument:
        return set()
    return {unquote(attribute(element, "URI")) for element in root.iter("{*}CipherReference")}


def _facts(package: Element) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    metadata = next(package.iter("{*}metadata"), None)
    for element in metadata.iter() if metadata is not None else ():
        text = (element.text or "").strip()
        tag = local(element)
        if tag in _FACTS and text:
            found.setdefault(_FACTS[tag], []).append(text)
        elif tag == "meta" and attribute(element, "property") == "dcterms:modified" and text:
            found.setdefault("modified", [text])
    several = {"author", "keywords"}
    return {key: ", ".join(texts) if key in several else texts[0] for key, texts in found.items()}


def _labels(book: SafeZip, package: Element, folder: str, items: dict[str, Element]) -> dict[str, str]:
    """Chapter file to its first entry in the table of contents (EPUB 3 nav, else EPUB 2 ncx)."""
    for item in items.values():
        if "nav" in attribute(item, "properties").split():
            labels = _contents(book, _join(folder, attribute(item, "href")))
            if labels:
                return labels
    spine = next(package.iter("{*}spine"), None)
    item = items.get(attribute(spine, "toc")) if spine is not None else None
    return _contents(book, _join(folder, attribute(item, "href"))) if item is not None else {}


def _contents(book: SafeZip, name: str) -> dict[str, str]:
    data = book.read_if_there(name)
    try:
        root = parse_xml(name_entities(data), what=_WHAT) if data else None
    except UnreadableDocument:
        root = None
    labels: dict[str, str] = {}
    folder = posixpath.dirname(name)
    for element in root.iter("{*}a", "{*}navPoint") if root is not None else ():
        if local(element) == "a":
            target, text = attribute(element, "href"), "".join(element.itertext())
        else:
            content, label = element.find("{*}content"), element.find("{*}navLabel")
            target = attribute(content, "src") if content is not None else ""
            text = "".join(label.itertext()) if label is not None else ""
        found = book.find(_join(folder, target.partition("#")[0]))
        if found and text.strip():
            labels.setdefault(found, " ".join(text.split()))
    return labels


def _chapter(book: SafeZip, name: str, out: TextBuilder) -> None:
    data = book.read(name)
    try:
        root = parse_xml(name_entities(data), what=_WHAT)
    except UnreadableDocument:
        # Many books are not well-formed; what browsers make of them is what people read.
        write_html(encoding.decode(data).text, out)
    else:
        body = next(root.iter("{*}body"), root)
        write_markup(body, out)


def _join(folder: str, target: str) -> str:
    return posixpath.normpath(posixpath.join("/" + folder, unquote(target))).lstrip("/")
