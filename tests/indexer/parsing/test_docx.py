from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable

import docx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn

from indexer.errors import UnreadableDocument
from indexer.parsing.source import Limits
from indexer.types import ParsedDocument, Status

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
STRICT = 'xmlns:w="http://purl.oclc.org/ooxml/wordprocessingml/main"'


def saved(document: docx.document.Document) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def headings(document: ParsedDocument) -> list[tuple[int, str]]:
    return [(heading.level, document.text[heading.start : heading.end]) for heading in document.headings]


def test_blocks_come_in_document_order_with_tables_as_rows(parse: Callable[..., ParsedDocument]) -> None:
    document = docx.Document()
    document.core_properties.title = "Annual plan"
    document.core_properties.author = "Ada"
    document.core_properties.keywords = "plan, year"
    document.add_heading("Goals", 1)
    document.add_paragraph("Before the table.")
    table = document.add_table(rows=3, cols=3)
    for row in range(3):
        for column in range(3):
            table.cell(row, column).text = f"r{row}c{column}"
    table.cell(0, 0).merge(table.cell(0, 1)).text = "wide"
    table.cell(1, 2).merge(table.cell(2, 2)).text = "tall"
    document.add_paragraph("After the table.")
    document.add_heading("Details", 2)

    parsed = parse("docx", saved(document))

    assert parsed.title == "Annual plan"
    assert parsed.metadata["author"] == "Ada"
    assert parsed.metadata["keywords"] == "plan, year"
    assert parsed.pages == ()
    assert headings(parsed) == [(1, "Goals"), (2, "Details")]
    rows = ["wide | r0c2", "r1c0 | r1c1 | tall", "r2c0 | r2c1"]
    assert (
        parsed.text == "Goals\n\nBefore the table.\n\n" + "\n".join(rows) + "\n\nAfter the table.\n\nDetails"
    )


def test_what_a_library_s_template_says_of_author_and_date_is_not_told(
    parse: Callable[..., ParsedDocument],
) -> None:
    document = docx.Document()
    document.add_paragraph("Employees get 28 days of leave.")
    assert not {"author", "created", "modified"} & set(parse("docx", saved(document)).metadata)
    document.core_properties.author = "Ada"
    document.core_properties.modified = dt.datetime(2026, 3, 1, 12, 0)
    said = parse("docx", saved(document)).metadata
    assert (said["author"], said["modified"][:10]) == ("Ada", "2026-03-01")
    assert "created" not in said


def test_localised_and_own_heading_styles_are_known_by_outline_level(
    parse: Callable[..., ParsedDocument],
) -> None:
    document = docx.Document()
    style = document.styles.add_style("Kapitelname", WD_STYLE_TYPE.PARAGRAPH)
    level = OxmlElement("w:outlineLvl")
    level.set(qn("w:val"), "1")
    style.element.get_or_add_pPr().append(level)
    child = document.styles.add_style("Kapitelname schmal", WD_STYLE_TYPE.PARAGRAPH)
    child.base_style = style
    document.add_paragraph("Überblick", style="Kapitelname")
    document.add_paragraph("Anhang", style="Kapitelname schmal")

    assert headings(parse("docx", saved(document))) == [(2, "Überblick"), (2, "Anhang")]


def test_lists_get_the_labels_that_word_shows(parse: Callable[..., ParsedDocument]) -> None:
    document = docx.Document()
    document.add_paragraph("first", style="List Number")
    document.add_paragraph("second", style="List Number")
    document.add_paragraph("dot", style="List Bullet")

    assert parse("docx", saved(document)).text == "1. first\n2. second\n• dot"


def test_headers_and_footers_are_read_once(parse: Callable[..., ParsedDocument]) -> None:
    document = docx.Document()
    document.add_paragraph("Body.")
    document.add_section()
    for section in document.sections:
        section.header.is_linked_to_previous = False
        section.header.paragraphs[0].text = "ACME internal"
        section.footer.is_linked_to_previous = False
        section.footer.paragraphs[0].text = "Page 3 of 7"

    assert parse("docx", saved(document)).text == "ACME internal\n\nBody."


def test_text_boxes_comments_and_fields_are_read_once(parse: Callable[..., ParsedDocument]) -> None:
    document = docx.Document()
    run = document.add_paragraph("Anchor").add_run(" text")
    document.add_comment(run, text="Is this so?", author="Grace")
    box = "<w:txbxContent><w:p><w:r><w:t>In the box</w:t></w:r></w:p></w:txbxContent>"
    run._r.append(
        parse_xml(
            f'<mc:AlternateContent {W} xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
            f'<mc:Choice Requires="wps">{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback>'
            "</mc:AlternateContent>"
        )
    )
    field = document.add_paragraph()
    field._p.append(
        parse_xml(f"<w:r {nsdecls('w')}><w:instrText>HYPERLINK secret</w:instrText><w:t>shown</w:t></w:r>")
    )

    parsed = parse("docx", saved(document))

    assert parsed.text == "Anchor text\n\nIn the box\n\nComment by Grace: Is this so?\n\nshown"


BODY = f"""<w:document {W}><w:body>
<w:p><w:r><w:t>Claim</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r></w:p>
<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:ins><w:r><w:t>new</w:t></w:r></w:ins></w:p>
<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>invisible</w:t></w:r></w:p>
</w:body></w:document>"""
NOTES = (
    f'<w:footnotes {W}><w:footnote w:id="2"><w:p><w:r><w:t>Source of it</w:t></w:r></w:p>'
    "</w:footnote></w:footnotes>"
)


def test_footnotes_follow_their_paragraph_and_deleted_text_is_gone(
    parse: Callable[..., ParsedDocument], zipped: Callable[..., bytes]
) -> None:
    parsed = parse("docx", zipped({"word/document.xml": BODY, "word/footnotes.xml": NOTES}))

    assert parsed.text == "Claim\n\n[2] Source of it\n\nnew"
    assert parsed.warnings == ("Text that is formatted as hidden was left out.",)


def test_strict_name_spaces_are_read_alike(
    parse: Callable[..., ParsedDocument], zipped: Callable[..., bytes]
) -> None:
    strict = zipped({"word/document.xml": BODY.replace(W, STRICT)})

    assert parse("docx", strict).text == "Claim\n\nnew"


def test_layout_tables_become_paragraphs(parse: Callable[..., ParsedDocument]) -> None:
    document = docx.Document()
    outer = document.add_table(rows=1, cols=2)
    outer.cell(0, 0).text = "Left column"
    inner = outer.cell(0, 1).add_table(rows=1, cols=2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "a", "b"

    assert parse("docx", saved(document)).text == "Left column\n\na | b"


def test_many_paragraphs_are_cut_at_the_limit_with_a_warning(
    parse: Callable[..., ParsedDocument], zipped: Callable[..., bytes]
) -> None:
    body = "".join(f"<w:p><w:r><w:t>{f'part {number} ' * 50}</w:t></w:r></w:p>" for number in range(3_000))
    content = zipped({"word/document.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>"})

    parsed = parse("docx", content, limits=Limits(max_text_mb=1))

    assert len(parsed.text) <= 1 << 20
    assert parsed.warnings == ("Only the first 1,048,576 characters were read.",)


ENTITY = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
LAUGHS = (
    "<!DOCTYPE d [<!ENTITY a 'haha'>"
    + "".join(f"<!ENTITY {chr(98 + n)} '{('&' + chr(97 + n) + ';') * 10}'>" for n in range(9))
    + "]>"
)


@pytest.mark.parametrize(
    ("xml", "status"),
    [
        (
            f"{ENTITY}<w:document {W}><w:body><w:p><w:r><w:t>&x;</w:t></w:r></w:p></w:body></w:document>",
            "broken",
        ),
        (
            f"{LAUGHS}<w:document {W}><w:body><w:p><w:r><w:t>&j;</w:t></w:r></w:p></w:body></w:document>",
            "broken",
        ),
        (f"<w:document {W}><w:body>" + "<w:p>" * 200_000 + "</w:body></w:document>", "broken"),
        (f"<w:document {W}><w:body><w:p><w:r><w:t>{'A' * 20_000_000}", "budget"),
        ("not xml at all", "broken"),
    ],
    ids=["external entity", "billion laughs", "depth", "expands 1000 times", "no xml"],
)
def test_hostile_xml_ends_in_a_status(
    xml: str, status: str, refusal: Callable[..., UnreadableDocument], zipped: Callable[..., bytes]
) -> None:
    assert refusal("docx", zipped({"word/document.xml": xml})).status == status


def test_truncated_package_is_broken(refusal: Callable[..., UnreadableDocument]) -> None:
    content = saved(docx.Document())

    assert refusal("docx", content[: len(content) // 2]).status == Status.BROKEN


def test_footnote_that_refers_to_itself_ends(
    parse: Callable[..., ParsedDocument], zipped: Callable[..., bytes]
) -> None:
    notes = (
        f'<w:footnotes {W}><w:footnote w:id="2"><w:p><w:r><w:t>loop</w:t>'
        '<w:footnoteReference w:id="2"/></w:r></w:p></w:footnote></w:footnotes>'
    )

    assert (
        parse("docx", zipped({"word/document.xml": BODY, "word/footnotes.xml": notes})).text.count("loop")
        == 1
    )
