"""Delimited text (csv, tsv): a row is a line, cells joined by " | "."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from indexer.parsing.builder import TextBuilder
from indexer.parsing.encoding import decode
from indexer.parsing.source import Source
from indexer.types import ParsedDocument

VERSION = 1

_SAMPLE = 32 * 1024
_DELIMITERS = ",;\t|"
_MAX_LINE = 100_000
"""Characters of one line; a longer one is read as several."""
_MAX_CELL = 2 * _MAX_LINE
"""Characters of one cell: more means that a quote was never closed."""
_MAX_ROWS = 500_000
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


def parse(source: Source) -> ParsedDocument:
    """Read a table; the delimiter is the one that cuts the first lines into equal numbers of cells.

    Raises:
        UnreadableDocument: not text.
    """
    out = TextBuilder.within(source.limits)
    content = source.read()
    if len(content) > 4 * source.limits.max_text:
        content = _cut(content, 4 * source.limits.max_text)
        out.warn("Only the beginning of this table was read: it is too long.")
    decoded = decode(content)
    if decoded.warning:
        out.warn(decoded.warning)
    text = decoded.text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    declared = re.match(r"sep=(.)\n", text)
    if declared:
        text = text[declared.end() :]
    delimiter = (
        declared[1] if declared else "\t" if source.format == "tsv" else guess_delimiter(text[:_SAMPLE])
    )
    first = True
    for number, cells in enumerate(_rows(text, delimiter), start=1):
        if out.full:
            break
        if number > _MAX_ROWS:
            out.warn(f"Only the first {number - 1:,} rows were read.")
            break
        start, end = out.row(cells, first=first)
        first = first and start == end
    return out.build(kind="sheet", format="tsv" if delimiter == "\t" else "csv")


def guess_delimiter(sample: str) -> str:
    """The delimiter that most lines agree on; a comma when none does."""
    lines = [line for line in _QUOTED.sub("", sample).splitlines()[:50] if line.strip()]
    if len(sample) >= _SAMPLE and len(lines) > 1:
        lines.pop()  # cut in the middle
    best, most = ",", 0.0
    for delimiter in _DELIMITERS:
        counts = [line.count(delimiter) for line in lines]
        if not counts or not max(counts):
            continue
        common = max(set(counts), key=lambda count: (counts.count(count), count))
        # Squared: a decimal comma in half the lines must not beat a semicolon in all of them.
        score = (counts.count(common) / len(counts)) ** 2 * min(common, 5)
        if score > most:
            best, most = delimiter, score
    return best


def _cut(content: bytes, limit: int) -> bytes:
    """The first bytes, up to the last line end, or else to the last whole character of UTF-8."""
    end = content.rfind(b"\n", limit - _MAX_LINE, limit) + 1
    if not end:
        end = limit - limit % 4
        while end > limit - 8 and content[end] & 0xC0 == 0x80:
            end -= 1
    return content[:end]


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(_MAX_CELL)
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter)
    begun = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            # A quote that never closes swallowed the lines: from here on a quote is only a quote.
            lines.position = begun
            cells = next(lines).split(delimiter)
            reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
        begun = lines.position
        yield cells


class _Lines:
    """Lines with their ends, those beyond the limit cut into pieces; can be set back."""

    def __init__(self, text: str) -> None:
        self.position = 0
        self._text = text

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        start = self.position
        if start >= len(self._text):
            raise StopIteration
        most = min(start + _MAX_LINE, len(self._text))
        end = self._text.find("\n", start, most)
        self.position = most if end < 0 else end + 1
        return self._text[start : self.position].replace("\x00", "")
