"""Spreadsheets (xlsx, xlsm, xls, xlsb, ods): a sheet is a page, a row is a line.

calamine reads the ordinary ones, fast. It lays a sheet out as a full rectangle, so a sheet with two
cells in opposite corners would take all memory: sparse and huge sheets of xlsx are streamed instead
(`xlsxstream`), ods has its own reader (`odf`), and such xlsb files are refused.
"""

from __future__ import annotations

import datetime
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from indexer.errors import UnreadableDocument
from indexer.parsing import ole
from indexer.parsing.builder import TextBuilder
from indexer.parsing.ooxml import Package, write_drawing
from indexer.parsing.source import Source
from indexer.parsing.xmlsafe import attribute
from indexer.parsing.zipsafe import SafeZip
from indexer.types import ParsedDocument

VERSION = 1

_WHAT = "spreadsheet"
MAX_ROWS = 500_000
"""Rows kept of one document."""
MAX_CELLS = 5_000_000
"""Cells looked at in one document."""
_MAX_AREA = 4_000_000
"""Cells of a sheet's rectangle that calamine may always lay out."""
_MAX_DENSITY = 50
"""Cells of the rectangle for each one written, above `_MAX_AREA`."""
_STREAMED = 96 * 1024**2
"""Bytes of a sheet's XML above which it is streamed: laying it out could take 1 GB."""

_DEFAULT_NAME = re.compile(
    r"(page|sheet|tabelle|feuil|hoja|foglio|planilha|blad|arkusz|лист|工作表|シート)\s*\d*", re.I
)


class Budget:
    """What the reading of one spreadsheet may still cost."""

    def __init__(self) -> None:
        """Start with nothing spent."""
        self._rows = MAX_ROWS
        self._cells = MAX_CELLS

    def spend(self, cells: int) -> bool:
        """Pay for a row with text; False when the budget is used up."""
        self._rows -= 1
        self._cells -= cells
        return self._rows >= 0 and self._cells >= 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet with its rows as text."""

    name: str
    hidden: bool
    rows: Iterable[list[str]]


def parse(source: Source) -> ParsedDocument:
    """Read a spreadsheet; `source.format` may name the format, else the content decides.

    Raises:
        UnreadableDocument: broken, encrypted or a bomb.
    """
    content = source.read()
    out = TextBuilder.within(source.limits)
    budget = Budget()
    format = _format(content)
    facts: dict[str, str]
    if format == "xls":
        facts = _read_xls(source, content, out, budget)
    elif format == "ods":
        from indexer.parsing.odf import read_spreadsheet

        facts = {}
        facts.update(read_spreadsheet(content, lambda sheet: write_sheet(sheet, out, budget)))
    else:
        facts = _read_package(source, content, format, out, budget)
    title = facts.pop("title", "")
    return out.build(kind="sheet", format=format, title=title, metadata=facts)


def write_sheet(sheet: Sheet, out: TextBuilder, budget: Budget) -> None:
    """Add a sheet as a page. A sheet with a name somebody chose gets it as its heading."""
    out.open_page(f"{sheet.name} (hidden)" if sheet.hidden else sheet.name)
    first = True
    for cells in sheet.rows:
        if not any(cells):
            continue
        if out.full:
            return
        if not budget.spend(len(cells)):
            out.warn("Only a part of this spreadsheet was read: it has more rows or cells than Quire takes.")
            break
        if first and not _DEFAULT_NAME.fullmatch(sheet.name.strip()):
            out.heading(sheet.name, 1)
        out.row(_squeezed(cells), first=first)
        first = False


def cell_text(value: Any) -> str:
    """A cell's value as people write it: no ".0", dates in ISO 8601."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    if isinstance(value, datetime.datetime):
        return (
            value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ", "seconds")
        )
    if isinstance(value, datetime.time):
        return value.isoformat("seconds")
    return str(value)


def _squeezed(cells: list[str]) -> list[str]:
    """Cells without the many empty ones of a form that is laid out on a grid."""
    full = [cell for cell in cells if cell.strip()]
    return full if len(full) * 4 < len(cells) else cells


def _format(content: bytes) -> str:
    if content.startswith(ole.MAGIC) or not content.startswith(b"PK"):
        return "xls"
    names = SafeZip(content, what=_WHAT).names
    if any(name.endswith("workbook.bin") for name in names):
        return "xlsb"
    return "ods" if "content.xml" in names else "xlsx"


# --- Excel 2007 and later --------------------------------------------------------------------------


def _read_package(
    source: Source, content: bytes, format: str, out: TextBuilder, budget: Budget
) -> dict[str, str]:
    package = Package(content, what=_WHAT)
    main = package.main_part("xl/workbook.xml", "xl/workbook.bin")
    parts = _sheet_parts(package, main) if format == "xlsx" else {}
    with _workbook(source) as book:
        for meta in book.sheets_metadata:
            hidden = not str(meta.visible).endswith(".Visible")
            part = parts.get(meta.name, "")
            rows = _rows(book, meta.name, package, main, part, format, out)
            write_sheet(Sheet(meta.name, hidden, rows), out, budget)
            if part:
                _beside(package, part, out)
            if out.full:
                break
    return package.properties()


def _rows(
    book: Any, name: str, package: Package, main: str, part: str, format: str, out: TextBuilder
) -> Iterator[list[str]]:
    if format == "xlsx" and "chartsheet" in part:
        return iter(())
    if format == "xlsx" and part and _needs_streaming(package.zip, part):
        from indexer.parsing.xlsxstream import stream_rows

        return stream_rows(package, main, part)
    if format == "xlsb":
        _refuse_sparse_xlsb(package.zip)
    return _calamine_rows(book, name, out)


def _workbook(source: Source) -> Any:
    import python_calamine as calamine

    try:
        return calamine.load_workbook(source.path)
    except calamine.PasswordError as exc:
        raise ole.locked(_WHAT) from exc
    except (calamine.CalamineError, OSError, ValueError) as exc:
        if "password" in str(exc).lower():
            raise ole.locked(_WHAT) from exc
        raise _damaged(str(exc)) from exc
    except BaseException as exc:
        if _is_panic(exc):
            raise _damaged() from exc
        raise


def _damaged(detail: str = "") -> UnreadableDocument:
    return UnreadableDocument(
        f"This {_WHAT} is damaged: {detail[:120] or 'it cannot be opened'}.",
        "Open and save it again with the program that made it.",
    )


def _is_panic(exc: BaseException) -> bool:
    # A failed assertion in Rust arrives as a class of its own that cannot be imported.
    return type(exc).__name__ == "PanicException"


def _calamine_rows(book: Any, name: str, out: TextBuilder) -> Iterator[list[str]]:
    import python_calamine as calamine

    damage = f"The sheet {name} is damaged and was left out."
    try:
        sheet = book.get_sheet_by_name(name)
        rows = sheet.iter_rows()
    except (calamine.CalamineError, OSError, ValueError, OverflowError):
        out.warn(damage)
        return
    except BaseException as exc:
        if not _is_panic(exc):
            raise
        out.warn(damage)
        return
    for row in rows:
        yield [cell_text(value) if value != "" else "" for value in row]


def _sheet_parts(package: Package, main: str) -> dict[str, str]:
    """Sheet names to their parts."""
    root = package.xml_if_sound(main)
    links = package.relationships(main)
    parts: dict[str, str] = {}
    for element in root.iter("{*}sheet") if root is not None else ():
        identity = next((str(value) for key, value in element.attrib.items() if "}" in str(key)), "")
        if identity in links:
            parts[attribute(element, "name")] = links[identity].part
    return parts


def _needs_streaming(container: SafeZip, part: str) -> bool:
    if container.size(part) > _STREAMED:
        return True
    data = container.read(part)
    columns = 16_384 if _WIDE.search(data) else 702 if _BROAD.search(data) else 26
    rows = 1_048_576 if _LONG.search(data) else 99_999 if _TALL.search(data) else 9_999
    area = rows * columns
    return area > _MAX_AREA and area > _MAX_DENSITY * max(1, data.count(b"<c ") + data.count(b":c "))


_WIDE = re.compile(rb"""\br=["'][A-Z]{3}\d""")
_BROAD = re.compile(rb"""\br=["'][A-Z]{2}\d""")
_LONG = re.compile(rb"""\br=["'][A-Z]{0,3}\d{6}""")
_TALL = re.compile(rb"""\br=["'][A-Z]{0,3}\d{5}""")


def _beside(package: Package, part: str, out: TextBuilder) -> None:
    """Comments, text boxes and charts of a sheet."""
    for comments in package.related(part, "comments", "threadedComment"):
        root = package.xml_if_sound(comments)
        for comment in root.iter("{*}comment", "{*}threadedComment") if root is not None else ():
            text = " ".join("".join(node.text or "" for node in comment.iter("{*}t", "{*}text")).split())
            if text and not text.startswith("[Threaded comment]"):
                out.paragraph(f"Comment on {attribute(comment, 'ref')}: {text}")
    for drawing in package.related(part, "drawing"):
        root = package.xml_if_sound(drawing)
        if root is not None:
            write_drawing(root, out)
        for chart in package.related(drawing, "chart"):
            chart_root = package.xml_if_sound(chart)
            if chart_root is not None:
                write_drawing(chart_root, out)


def _refuse_sparse_xlsb(container: SafeZip) -> None:
    """Refuse binary sheets whose rectangle is far larger than their data."""
    for name in container.names:
        if "/worksheets/" in name and name.endswith(".bin"):
            rows, columns, cells = _xlsb_extent(container.read(name))
            area = rows * columns
            if area > _MAX_AREA and area > _MAX_DENSITY * max(1, cells):
                raise UnreadableDocument(
                    f"This {_WHAT} has cells so far apart that it would not fit into memory.",
                    "Save it as xlsx.",
                    status="budget",
                )


def _xlsb_extent(data: bytes) -> tuple[int, int, int]:
    """Highest row and column plus one, and the number of cells, of a binary sheet.

    Records are a number and a size, both in groups of seven bits (MS-XLSB 2.1.4).
    """
    rows = columns = cells = position = 0
    while position < len(data) - 1:
        kind = data[position]
        position += 1
        if kind & 0x80:
            kind = (kind & 0x7F) | (data[position] & 0x7F) << 7
            position += 1
        size = shift = 0
        while position < len(data) and shift < 28:
            byte = data[position]
            position += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        if size >= 4 and kind <= 11 and position + 4 <= len(data):
            value: int = struct.unpack_from("<I", data, position)[0]
            if kind == 0:
                rows = max(rows, value + 1)
            else:
                columns = max(columns, value + 1)
                cells += 1
        position += size
    return rows, columns, cells


# --- Excel 97-2003 ---------------------------------------------------------------------------------


def _read_xls(source: Source, content: bytes, out: TextBuilder, budget: Budget) -> dict[str, str]:
    facts: dict[str, str] = {}
    if content.startswith(ole.MAGIC):
        container = ole.open_ole(content, _WHAT)
        ole.refuse_loops(container, _WHAT)
        if _has_password(ole.read_stream(container, "Workbook") or ole.read_stream(container, "Book")):
            raise ole.locked(_WHAT)
        facts = ole.facts(container)
    with _workbook(source) as book:
        for meta in book.sheets_metadata:
            hidden = not str(meta.visible).endswith(".Visible")
            write_sheet(Sheet(meta.name, hidden, _calamine_rows(book, meta.name, out)), out, budget)
            if out.full:
                break
    return facts


def _has_password(stream: bytes) -> bool:
    """Whether a FilePass record stands among the first ones (MS-XLS 2.4.117)."""
    position = 0
    for _record in range(64):
        if position + 4 > len(stream):
            return False
        kind, size = struct.unpack_from("<HH", stream, position)
        if kind == 0x2F:
            return True
        position += 4 + size
    return False
