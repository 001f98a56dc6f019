from __future__ import annotations

from collections.abc import Callable

import pytest

from indexer.errors import UnreadableDocument
from indexer.types import ParsedDocument

CONTAINER = (
    '<container xmlns="urn:c"><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
)
PACKAGE = """<package xmlns="urn:opf" xmlns:dc="urn:dc"><metadata><dc:title>Snow &amp; Ice</dc:title>
<dc:creator>Ada</dc:creator><dc:creator>Grace</dc:creator><dc:language>en</dc:language></metadata>
<manifest><item id="n" href="nav.xhtml" properties="nav"/><item id="b" href="text/two%20b.xhtml"/>
<item id="a" href="text/one.xhtml"/></manifest>
<spine><itemref idref="a"/><itemref idref="b"/><itemref idref="gone"/></spine></package>"""
NAV = """<html xmlns="http://www.w3.org/1999/xhtml"><body><nav><ol>
<li><a href="text/one.xhtml#top">Part One</a></li>
<li><a href="text/two%20b.xhtml">Part Two</a></li></ol></nav></body></html>"""
ONE = """<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/x.dtd">
<html xmlns="http://www.w3.org/1999/xhtml"><head><title/><script src="x"/></head>
<body><a id="p1"/><h2>First</h2>
<p>It&nbsp;snowed &mdash; a&#xA0;lot.</p><ul><li>one</li><li>two</li></ul>
<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table></body></html>"""
TWO = "<html><body><p>Never closed <b>but read<p>Second<br>line</body>"


@pytest.fixture
def book() -> dict[str, str]:
    return {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OEBPS/book.opf": PACKAGE,
        "OEBPS/nav.xhtml": NAV,
        "OEBPS/text/one.xhtml": ONE,
        "OEBPS/text/two b.xhtml": TWO,
    }


def test_spine_items_are_pages_named_by_the_contents(
    book: dict[str, str], parse: Callable[..., ParsedDocument], zipped: Callable[..., bytes]
) -> None:
    parsed = parse("epub", zipped(book))

    assert [(page.label, parsed.text[page.start : page.end]) for page in parsed.pages] == [
        ("Part One", "First\n\nIt snowed — a lot.\n\n• one\n• two\n\na | b\n1 | 2"),
        ("Part Two", "Never closed but read\n\nSecond\nline"),
    ]
    assert [(h.level, parsed.text[h.start : h.end]) for h in parsed.headings] == [(2, "First")]
    assert parsed.title == "Snow & Ice"
    assert dict(parsed.metadata) == {"author": "Ada, Grace", "language": "en"}
    assert parsed.warnings == ("A chapter is missing or protected and was left out.",)


def test_protected_book_says_so(
    book: dict[str, str], refusal: Callable[..., UnreadableDocument], zipped: Callable[..., bytes]
) -> None:
    book["META-INF/encryption.xml"] = "".join(
        ["<e>", *(f'<CipherReference URI="{name}"/>' for name in book if name.endswith("l")), "</e>"]
    ).replace("two b", "two%20b")

    assert refusal("epub", zipped(book)).status == "encrypted"


def test_entities_are_not_expanded(
    book: dict[str, str], parse: Callable[..., ParsedDocument], zipped: Callable[..., bytes]
) -> None:
    book["OEBPS/text/one.xhtml"] = (
        "<!DOCTYPE html [<!ENTITY host SYSTEM 'file:///etc/hostname'><!ENTITY me 'expanded'>]>"
        "<html><body><p>before &host; &me; after</p></body></html>"
    )

    text = parse("epub", zipped(book)).text

    assert "expanded" not in text
    assert "before" in text


@pytest.mark.parametrize("members", [{"a": "b"}, {"META-INF/container.xml": "<x/>"}, {"x.opf": "<no"}])
def test_book_without_a_list_of_chapters_is_broken(
    members: dict[str, str], refusal: Callable[..., UnreadableDocument], zipped: Callable[..., bytes]
) -> None:
    assert refusal("epub", zipped(members)).status == "broken"
