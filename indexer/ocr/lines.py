"""Recognised lines of a page put into paragraphs and reading order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from indexer.parsing.pdflayout import Block, reading_order, running_text
from indexer.text import normalise

_WIDE = "[\u3001-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uffef]"
_WIDE_SPACES = re.compile(f"(?<={_WIDE}) +(?={_WIDE})")
_ITEM = re.compile(r"[•·▪■◦*–—-]\s*\S|\(?\d{1,3}[.)]\s")
_LATIN_SPACES = re.compile(f"(?<={_WIDE}) +(?=[0-9])|(?<=[0-9]) +(?={_WIDE})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of text where it stands on the page, in points of the page as it is read."""

    text: str
    confidence: float
    """0 to 100."""
    x0: float
    y0: float
    x1: float
    y1: float


def confidence(lines: Sequence[Line]) -> int:
    """How sure the engine is of all lines together: their mean, weighed by letters."""
    letters = sum(len(line.text) for line in lines)
    if not letters:
        return 0
    return max(0, min(100, round(sum(line.confidence * len(line.text) for line in lines) / letters)))


def compose(lines: Sequence[Line], *, vertical: bool = False) -> str:
    """The text of a page; `vertical`: lines are columns that run down, from the right to the left."""
    placed = [_placed(line, vertical) for line in lines if line.text.strip()]
    blocks = [_block(line) for line in _rows(placed)]
    at = {block.places[0]: line for block, line in zip(blocks, _rows(placed), strict=True)}
    ordered = [at[place] for block in reading_order(blocks) for place in block.places]
    found: list[list[str]] = []
    before: Line | None = None
    for line in ordered:
        if before is not None and _continues(before, line):
            found[-1].append(line.text)
        else:
            found.append([line.text])
        before = line
    return paragraphs(found)


def _continues(before: Line, line: Line) -> bool:
    """Whether a line goes on with the paragraph of the one before it: near, as large, which is full."""
    height, other = before.y1 - before.y0, line.y1 - line.y0
    low = min(height, other)
    if max(height, other) > 1.4 * low or not -0.6 * low < line.y0 - before.y1 < 0.95 * low:
        return False
    if _ITEM.match(line.text) or not -4 * low < line.x0 - before.x0 < 1.5 * low:
        return False
    right, left = max(before.x1, line.x1), min(before.x0, line.x0)
    return right - before.x1 < 0.15 * (right - left)


def paragraphs(found: Sequence[Sequence[str]]) -> str:
    """Paragraphs of lines as text: divided words joined, no spaces between Chinese or Japanese letters."""
    whole = "\n".join(line for lines in found for line in lines).lower()
    text = running_text([[_closed(line) for line in lines] for lines in found if lines], whole.__contains__)
    return normalise(text).strip()


def _closed(line: str) -> str:
    """Without the spaces that an engine puts between letters which have none."""
    line = _WIDE_SPACES.sub("", " ".join(line.split()))
    return _LATIN_SPACES.sub("", line) if _mostly_wide(line) else line


def _mostly_wide(line: str) -> bool:
    return 2 * len(re.findall(_WIDE, line)) > len(line)


def _placed(line: Line, vertical: bool) -> Line:
    """Where the line is read; columns turned by a quarter become lines."""
    if not vertical:
        return line
    return replace(line, x0=line.y0, y0=-line.x1, x1=line.y1, y1=-line.x0)


def _block(line: Line) -> Block:
    place = (line.y0, line.x0, line.y1 - line.y0)
    return Block(line.x0, line.y0, line.x1, line.y1, [line.text], places=[place])


def _rows(lines: Sequence[Line]) -> list[Line]:
    """From top to bottom, and what stands beside each other from left to right.

    A scan has no order of its own: with this one, "jumps back up" are columns.
    """
    ordered: list[Line] = []
    row: list[Line] = []
    for line in sorted(lines, key=lambda line: (line.y0, line.x0)):
        if row and (line.y0 + line.y1) / 2 > min(other.y1 for other in row):
            ordered += sorted(row, key=lambda other: other.x0)
            row = []
        row.append(line)
    return ordered + sorted(row, key=lambda other: other.x0)
