from __future__ import annotations

from collections.abc import Callable

import pytest

from indexer.errors import UnreadableDocument
from indexer.types import ParsedDocument

NAMES = (
    'xmlns:office="urn:o" xmlns:text="urn:x" xmlns:table="urn:t" xmlns:draw="urn:d" xmlns:dc="urn:dc" '
    'xmlns:presentation="urn:p" xmlns:style="urn:s" xmlns:meta="urn:m"'
)
META = (
    f"<office:document-meta {NAMES}><office:meta><dc:title>Plan</dc:title><meta:initial-creator>Ada"
    "</meta:initial-creator><meta:creation-date>2024-03-05T10:00:00.123456789</meta:creation-date>"
    "<meta:keyword>one</meta:keyword><meta:keyword>two</meta:keyword></office:meta></office:document-meta>"
)


def content(body: str, styles: str = "") -> str:
    return (
        f"<office:document-content {NAMES}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body>{body}</office:body></office:document-content>"
    )


def test_text_with_headings_lists_tables_and_notes(
    parse: Callable[..., ParsedDocument], zipped: Callable[..., bytes]
) -> None:
    body = (
        '<office:text><text:h text:outline-level="2">Goals <text:span>now</text:span></text:h>'
        '<text:p>A<text:s text:c="2"/>claim<text:note><text:note-citation>1</text:note-citation>'
        "<text:note-body><text:p>Source</text:p></text:note-body></text:note> made."
        "<text:line-break/>Next</text:p>"
        "<text:tracked-changes><text:deletion><text:p>gone</text:p></text:deletion></text:tracked-changes>"
        "<text:list><text:list-item><text:p>one</text:p></text:list-item>"
        "<text:list-item><text:p>two</text:p></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell>"
        "<table:table-cell><text:p>b</text:p><text:p>c</text:p></table:table-cell></table:table-row></table:table>"
        "<text:p><draw:frame><draw:text-box><text:p>boxed</text:p></draw:text-box></draw:frame></text:p></office:text>"
    )
    styles = (
        f"<office:document-styles {NAMES}><office:master-styles><style:master-page><style:header>"
        "<text:p>Letterhead</text:p></style:header><style:footer><text:p>7</text:p></style:footer>"
        "</style:master-page></office:master-styles></office:document-styles>"
    )

    parsed = parse("odf", zipped({"content.xml": content(body), "styles.xml": styles, "meta.xml": META}))

    assert parsed.text == (
        "Letterhead\n\nGoals now\n\nA  claim made.\nNext\n\n[1] Source\n• one\n• two\n\na | b c\n\nboxed"
    )
    assert [(h.level, parsed.text[h.start : h.end]) for h in parsed.headings] == [(2, "Goals now")]
    assert (parsed.title, parsed.format, parsed.kind) == ("Plan", "odt", "doc")
    assert dict(parsed.metadata) == {
        "author": "Ada",
        "created": "2024-03-05T10:00:00",
        "keywords": "one, two",
    }


def test_a_slide_is_a_page_with_its_notes(
    parse: Callable[..., ParsedDocument], zipped: Callable[..., bytes]
) -> None:
    styles = (
        '<style:style style:name="dp2"><style:drawing-page-properties presentation:visibility="hidden"/>'
        "</style:style>"
    )
    body = (
        '<office:presentation><draw:page draw:style-name="dp1"><draw:frame><text:p>Body</text:p></draw:frame>'
        '<draw:frame presentation:class="title"><text:p>Start</text:p></draw:frame>'
        '<presentation:notes><draw:frame presentation:class="notes"><text:p>Say hello</text:p></draw:frame>'
        '<draw:frame presentation:class="page-number"><text:p>1</text:p></draw:frame>'
        "</presentation:notes></draw:page>"
        '<draw:page draw:style-name="dp2"><draw:custom-shape><text:p>Backup</text:p></draw:custom-shape>'
        "</draw:page></office:presentation>"
    )

    parsed = parse("odf", zipped({"content.xml": content(body, styles)}))

    assert [(page.label, parsed.text[page.start : page.end]) for page in parsed.pages] == [
        ("Start", "Start\n\nBody\n\nSay hello"),
        ("(hidden)", "Backup"),
    ]
    assert (parsed.title, parsed.format, parsed.kind) == ("Start", "odp", "slides")


def test_password_is_found_in_the_manifest(
    refusal: Callable[..., UnreadableDocument], zipped: Callable[..., bytes]
) -> None:
    members = {"content.xml": b"\x8f\x00noise", "META-INF/manifest.xml": "<m><encryption-data/></m>"}

    assert refusal("odf", zipped(members)).status == "encrypted"


@pytest.mark.parametrize(
    "xml",
    [
        "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/hostname'>]>"
        + content("<office:text><text:p>&e;</text:p></office:text>"),
        content("<office:text>" + "<text:section>" * 200_000),
        "",
    ],
    ids=["external entity", "depth", "nothing"],
)
def test_hostile_content_is_broken(
    xml: str, refusal: Callable[..., UnreadableDocument], zipped: Callable[..., bytes]
) -> None:
    assert refusal("odf", zipped({"content.xml": xml})).status == "broken"


def test_package_without_content_is_broken(
    refusal: Callable[..., UnreadableDocument], zipped: Callable[..., bytes]
) -> None:
    assert refusal("odf", zipped({"mimetype": "application/vnd.oasis.opendocument.text"})).status == "broken"
