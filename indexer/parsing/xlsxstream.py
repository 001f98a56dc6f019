"""Streams the cells of one xlsx sheet: for sheets too sparse or too large to lay out in memory."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

from indexer.parsing.ooxml import Package
from indexer.parsing.xmlsafe import Element, attribute, iterate_xml, local

_WHAT = "spreadsheet"
_GAP = 4
"""Empty cells written for a gap of any width."""
_BUILT_IN_DATES = frozenset({*range(14, 23), *range(45, 48)})
_LITERALS = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_MAX_STRINGS = 2_000_000
"""Shared strings kept; cells that refer to later ones read as empty."""


def stream_rows(package: Package, main: str, part: str) -> Iterator[list[str]]:
    """Rows with text, as lists of cell texts.

    Raises:
        UnreadableDocument: the sheet is damaged; rows before the damage were yielded.
    """
    strings = _shared_strings(package, main)
    dates = _date_styles(package, main)
    for row in iterate_xml(package.zip.read(part), "{*}row", what=_WHAT):
        cells: list[str] = []
        last = -1
        for cell in row:
            column = _column(cell.get("r", ""), last + 1)
            cells.extend([""] * min(_GAP, max(0, column - last - 1)))
            cells.append(_text(cell, strings, dates))
            last = column
        row.clear()
        while row.getprevious() is not None:
            del row.getparent()[0]
        if any(cells):
            yield cells


def _column(reference: str, default: int) -> int:
    number = 0
    for char in reference[:3]:
        if not "A" <= char <= "Z":
            break
        number = number * 26 + ord(char) - 64
    return number - 1 if number else default


def _text(cell: Element, strings: list[str], dates: frozenset[int]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return "".join(node.text or "" for node in cell.iter("{*}t"))
    node = cell.find("{*}v")
    value = (node.text or "").strip() if node is not None else ""
    if kind == "s":
        return strings[int(value)] if value.isdecimal() and int(value) < len(strings) else ""
    if kind == "b":
        return "TRUE" if value == "1" else "FALSE"
    if kind != "n" or not value:
        return value
    style = cell.get("s", "")
    return _number(value, style.isdecimal() and int(style) in dates)


def _number(value: str, is_date: bool) -> str:
    from indexer.parsing.sheets import cell_text

    try:
        number = float(value)
    except ValueError:
        return value
    if is_date and 0 < number < 2_958_466:
        # Excel counts days from here, the leap day of 1900 that never was included.
        moment = datetime.datetime(1899, 12, 30) + datetime.timedelta(seconds=round(number * 86_400))
        return cell_text(moment)
    return cell_text(number)


def _shared_strings(package: Package, main: str) -> list[str]:
    strings: list[str] = []
    for part in package.related(main, "sharedStrings"):
        for item in iterate_xml(package.zip.read(part), "{*}si", what=_WHAT):
            strings.append("".join(node.text or "" for node in item.iter("{*}t")))
            item.clear()
            while item.getprevious() is not None:
                del item.getparent()[0]
            if len(strings) >= _MAX_STRINGS:
                break
    return strings


def _date_styles(package: Package, main: str) -> frozenset[int]:
    """Indexes of the cell styles that show dates or times."""
    parts = package.related(main, "styles")
    root = package.xml_if_sound(parts[0]) if parts else None
    if root is None:
        return frozenset()
    formats = {attribute(item, "numFmtId"): attribute(item, "formatCode") for item in root.iter("{*}numFmt")}
    styles = next((child for child in root if local(child) == "cellXfs"), ())
    found = set()
    for index, style in enumerate(styles):
        identity = attribute(style, "numFmtId")
        code = _LITERALS.sub("", formats.get(identity, "")).lower()
        known = identity.isdecimal() and int(identity) in _BUILT_IN_DATES
        if known or any(letter in code for letter in "ymdh"):
            found.add(index)
    return frozenset(found)
