"""Parses XML that may be hostile: no entity is expanded, no file or address is read.

Owns the parser flags for every XML format. libxml2's own limits (depth 256, text 10 MB) stay on.
"""

from __future__ import annotations

import html.entities
import io
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from indexer.errors import UnreadableDocument

Element: TypeAlias = Any
"""An element of lxml, whose published types lag behind the library."""

MAX_TREE = 64 * 1024**2
"""Bytes of XML made into a tree at once; the tree takes up to twenty times as much memory."""
_ENTITY_DECLARATION = re.compile(rb"<!ENTITY\b")
_NAMED = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,31});")
_XML_OWN = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})


def parse_xml(data: bytes, *, what: str = "file", recover: bool = False) -> Element:
    """The root element.

    Args:
        data: The document.
        what: Name of the format for messages.
        recover: Take what can be read of a damaged document.

    Raises:
        UnreadableDocument: not well-formed, nested too deeply, or it declares entities.
    """
    from lxml import etree

    if len(data) > MAX_TREE:
        raise UnreadableDocument(
            f"This {what} holds {len(data) >> 20} MB of XML in one part, more than Quire reads.",
            "Split it into smaller files.",
            status="budget",
        )
    refuse_entities(data, what)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        recover=recover,
    )
    try:
        root: Element | None = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as exc:
        raise damaged(what, exc) from exc
    if root is None:
        raise damaged(what)
    return root


def iterate_xml(data: bytes, *tags: str, what: str = "file") -> Iterator[Element]:
    """Elements of these tags as they end, in document order; the caller clears what it has used.

    Args:
        data: The document.
        tags: Tags in lxml's notation; "{*}p" matches any name space.
        what: Name of the format for messages.

    Raises:
        UnreadableDocument: as `parse_xml`, when the damage is reached.
    """
    from lxml import etree

    refuse_entities(data, what)
    events = etree.iterparse(
        io.BytesIO(data),
        events=("end",),
        tag=tags,
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for _event, element in events:
            yield element
    except (etree.XMLSyntaxError, ValueError) as exc:
        raise damaged(what, exc) from exc


def refuse_entities(data: bytes, what: str) -> None:
    """Refuse a document that declares entities: office formats never do, bombs always do."""
    head = data[: 64 * 1024]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in head[:4]:
        head = head.replace(b"\x00", b"")
    if b"<!DOCTYPE" in head and _ENTITY_DECLARATION.search(head):
        raise UnreadableDocument(
            f"This {what} is refused: it declares XML entities, as attacks do.",
            "Save it again with the program that made it.",
        )


def damaged(what: str, exc: Exception | None = None) -> UnreadableDocument:
    """The error for XML that cannot be parsed, with the parser's own words when there are any."""
    detail = str(exc).splitlines()[0][:120] if exc is not None and str(exc) else ""
    return UnreadableDocument(
        f"This {what} is damaged: part of it is not valid XML" + (f" ({detail})." if detail else "."),
        "Open and save it again with the program that made it.",
    )


def name_entities(data: bytes) -> bytes:
    """Replace HTML's named entities by character references, which XML knows without a DTD."""

    def replace(match: re.Match[bytes]) -> bytes:
        name = match[1]
        text = html.entities.html5.get(name.decode("ascii") + ";")
        if name in _XML_OWN or text is None:
            return match[0]
        return "".join(f"&#{ord(char)};" for char in text).encode("ascii")

    return _NAMED.sub(replace, data)


def local(element: Element) -> str:
    """The tag without its name space; "" for comments, instructions and entity references."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Element, name: str) -> str:
    """The attribute of this local name in any name space, or ""."""
    value = element.get(name)
    if value is not None:
        return str(value)
    for key, other in element.attrib.items():
        if str(key).rpartition("}")[2] == name:
            return str(other)
    return ""
