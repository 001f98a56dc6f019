"""Rows of tables in the text of a document: their cells, and the first row, which says what these mean.

Parsers write a row as a line, its cells joined by " | "; an empty line ends the table.
"""

from __future__ import annotations

import re

_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_NUMBER = re.compile(r"\W*\d[\d\s.,:/%–-]*\W*\D{0,4}")
_GAP = re.compile(r"\n[ \t]*\n\s*")
_RULE = re.compile(r"[\s|:+=-]*")
MOST_CELLS = 60
"""Cells of a row that are paired with their names."""


def is_row(line: str) -> bool:
    """Whether a line of text is a row of a table."""
    return " | " in line and "\n" not in line


def is_rule(line: str) -> bool:
    """Whether a row only draws a line, as below the header of a Markdown table."""
    return bool(_RULE.fullmatch(line))


def cells(row: str) -> list[str]:
    """The cells of a row, without the pipes some formats put around it."""
    bare = row.strip()
    if bare.startswith("|") and bare.endswith("|"):
        bare = bare[1:-1]
    return [cell.strip() for cell in f" {bare} ".split(" | ")]


def names_columns(row: str) -> bool:
    """Whether a first row is a header: words and years, no amounts, and no form with labels ("Name:")."""
    found = [cell for cell in cells(row) if cell]
    if len(found) < 2 or any(cell.endswith((":", "：")) for cell in found):
        return False
    return not any(_NUMBER.fullmatch(cell) and not _YEAR.fullmatch(cell) for cell in found)


def header_span(text: str, at: int) -> tuple[int, int] | None:
    """Where the header of the row at a position stands, or None when its table has none.

    Args:
        text: A text that begins no later than the table.
        at: Where the row begins.
    """
    start = 0
    for gap in _GAP.finditer(text, 0, at):
        start = gap.end()
    return _first_row(text, start, at)


def _first_row(text: str, start: int, at: int) -> tuple[int, int] | None:
    while start < at:  # a caption without cells may stand right above the table
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        line = text[start:end]
        if is_row(line):
            first = start + len(line) - len(line.lstrip())
            row = line.strip()
            return (first, first + len(row)) if first < at and names_columns(row) else None
        start = end + 1
    return None


def paired(header: str, row: str) -> str:
    """A row as "name: cell" for every cell, which is how its meaning is compared."""
    names = cells(header)
    pairs = []
    for at, cell in enumerate(cells(row)[:MOST_CELLS]):
        name = names[at] if at < len(names) else ""
        if cell:
            pairs.append(f"{name}: {cell}" if name else cell)
    return "; ".join(pairs)
