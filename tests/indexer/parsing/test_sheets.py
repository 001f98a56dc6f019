from __future__ import annotations

import datetime
import io
import struct
from collections.abc import Callable
from typing import Any

import pytest
import xlsxwriter

from indexer.errors import UnreadableDocument
from indexer.parsing import sheets
from indexer.types import ParsedDocument

Cells = list[tuple[int, int, Any]]


def workbook(*contents: tuple[str, Cells], hidden: str = "") -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"default_date_format": "yyyy-mm-dd"})
    book.set_properties({"title": "Stock", "author": "Ada"})
    for name, cells in contents:
        sheet = book.add_worksheet(name)
        for row, column, value in cells:
            sheet.write(row, column, value)
        if name == hidden:
            sheet.hide()
    book.close()
    return buffer.getvalue()


def pages(document: ParsedDocument) -> list[tuple[str, str]]:
    return [(page.label, document.text[page.start : page.end]) for page in document.pages]


def test_sheets_are_pages_and_values_read_as_people_write_them(parse: Callable[..., ParsedDocument]) -> None:
    cells = [
        (0, 0, "Item"), (0, 1, "Price"), (0, 2, "Since"),
        (1, 0, "Bolt"), (1, 1, 12500.0), (1, 2, datetime.date(2024, 3, 5)),
        (2, 0, "Nut"), (2, 1, 0.25), (2, 2, True),
    ]  # fmt: skip
    content = workbook(("Sheet1", cells), ("Secret plan", [(4, 3, "hidden text")]), hidden="Secret plan")

    parsed = parse("sheets", content, format="xlsx")

    assert pages(parsed) == [
        ("Sheet1", "Item | Price | Since\nBolt | 12500 | 2024-03-05\nNut | 0.25 | TRUE"),
        ("Secret plan (hidden)", "Secret plan\n\nhidden text"),
    ]
    assert (parsed.title, parsed.metadata["author"], parsed.kind) == ("Stock", "Ada", "sheet")


def test_workbook_without_cells_has_no_text(parse: Callable[..., ParsedDocument]) -> None:
    assert parse("sheets", workbook(("Plan", []))).text == ""


@pytest.mark.parametrize("corner", [(1_048_575, 16_383), (400_000, 900)])
def test_cells_in_far_corners_are_cheap(
    parse: Callable[..., ParsedDocument], corner: tuple[int, int]
) -> None:
    when = datetime.datetime(2024, 3, 5, 14, 30)
    content = workbook(("S", [(0, 0, "near"), (*corner, "far"), (0, 2, when), (0, 3, 2.5)]))

    assert parse("sheets", content).text == "S\n\nnear |  | 2024-03-05 14:30:00 | 2.5\nfar"


def test_streamed_and_laid_out_sheets_read_alike(
    parse: Callable[..., ParsedDocument], monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [
        (0, 0, "a"), (0, 2, 7.0), (1, 0, datetime.date(2020, 1, 2)), (1, 1, "x & y"), (2, 1, False),
        (3, 0, "=1+1"),
    ]  # fmt: skip
    content = workbook(("Numbers", cells))
    laid_out = parse("sheets", content)
    monkeypatch.setattr(sheets, "_STREAMED", 0)

    assert (
        parse("sheets", content).text
        == laid_out.text
        == "Numbers\n\na |  | 7\n2020-01-02 | x & y\n| FALSE\n0"
    )


def test_rows_beyond_the_budget_are_left_out_with_a_warning(
    parse: Callable[..., ParsedDocument], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "MAX_ROWS", 3)

    parsed = parse("sheets", workbook(("S", [(row, 0, f"row {row}") for row in range(9)])))

    assert parsed.text == "S\n\nrow 0\nrow 1\nrow 2"
    assert "Only a part" in parsed.warnings[0]


def test_comments_and_charts_are_read(parse: Callable[..., ParsedDocument]) -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    sheet = book.add_worksheet("Sheet1")
    sheet.write_column("A1", [1, 2])
    sheet.write_comment("A2", "Check this")
    chart = book.add_chart({"type": "line"})
    chart.add_series({"values": "=Sheet1!$A$1:$A$2"})
    chart.set_title({"name": "Growth"})
    sheet.insert_chart("C1", chart)
    book.close()

    text = parse("sheets", buffer.getvalue()).text

    assert text.startswith("1\n2\n\nComment on A2: Check this\n\nGrowth")


def ods(rows: str) -> str:
    return (
        '<office:document-content xmlns:office="urn:o" xmlns:table="urn:t" xmlns:text="urn:x"><office:body>'
        f'<office:spreadsheet><table:table table:name="Ducks">{rows}</table:table></office:spreadsheet>'
        "</office:body></office:document-content>"
    )


def test_ods_rows_with_repeats_that_would_fill_memory(
    parse: Callable[..., ParsedDocument], zipped: Callable[..., bytes]
) -> None:
    rows = (
        '<table:table-row table:number-rows-repeated="1048576">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
        "<table:table-row>"
        '<table:table-cell office:value-type="date" office:date-value="2024-03-05T00:00:00"/>'
        '<table:table-cell office:value-type="float" office:value="7"><text:p>7,00</text:p>'
        "</table:table-cell>"
        '<table:table-cell table:number-columns-repeated="99999999"><text:p>x</text:p></table:table-cell>'
        "</table:table-row>"
    )

    parsed = parse("sheets", zipped({"content.xml": ods(rows)}), format="ods")

    assert parsed.text.startswith("Ducks\n\n2024-03-05 | 7 | x | x")
    assert len(parsed.text) < 1_000
    assert parsed.format == "ods"


def test_xlsb_with_far_cells_is_refused_before_it_is_laid_out() -> None:
    def record(kind: int, value: int) -> bytes:
        return bytes([kind, 8]) + struct.pack("<II", value, 0)

    data = record(0, 0) + record(2, 0) + record(0, 1_048_575) + record(2, 16_383)

    assert sheets._xlsb_extent(data) == (1_048_576, 16_384, 2)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 no zip", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, b"text"]
)
def test_damaged_workbooks_end_in_a_status(
    content: bytes, refusal: Callable[..., UnreadableDocument]
) -> None:
    assert refusal("sheets", content).status == "broken"
