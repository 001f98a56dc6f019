"""Puts the blocks of a page into reading order and their lines into running text.

Geometry in points, origin at the top left. Knows nothing of PDF.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TypeAlias

from indexer.language import is_wordless

Place: TypeAlias = tuple[float, float, float]
"""Top, left and height of a line."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a line looks."""

    size: float
    bold: bool


@dataclass(slots=True)
class Block:
    """A paragraph, a part of one, or a table, where it stands on the page."""

    x0: float
    y0: float
    x1: float
    y1: float
    lines: list[str]
    styles: Sequence[Style] = ()
    """One for each line, or empty when they are not known."""
    places: Sequence[Place] = ()
    """One for each line, or empty when they are not known."""
    rows: Sequence[Sequence[str]] = ()
    """Cells of a table; then there are no lines."""

    @property
    def characters(self) -> int:
        """Letters of all lines."""
        return sum(map(len, self.lines))


_BIN = 4.0
"""Points; the width of the strips in which gutters are looked for."""
_PROSE = 18
"""Characters of an average line of running text; cells of tables have fewer."""
_JUMPS = 0.15
"""Share of steps back up the page above which the order of the file is not trusted."""


def reading_order(blocks: list[Block]) -> list[Block]:
    """Blocks as a person reads them: down each column, columns from left to right.

    The order of the file is kept unless there are columns of running text, or it jumps about.
    """
    margin = [block for block in blocks if _is_turned(block)]
    if margin:  # text running up the margin belongs to no line of the page
        blocks = [block for block in blocks if not _is_turned(block)]
    blocks = [part for block in blocks for part in _side_by_side(block)]
    return _merged(_ordered(blocks)) + margin


def _side_by_side(block: Block) -> list[Block]:
    """The columns of a block whose lines stand beside each other; tables stay as they are."""
    lines, places = block.lines, block.places
    if len(lines) < 2 or len(places) != len(lines):
        return [block]
    if block.y1 - block.y0 > 0.9 * len(lines) * places[0][2]:
        return [block]  # high enough for all lines to stand above each other
    if not any(
        abs(before[0] - after[0]) < 0.5 * before[2]
        and abs(before[1] - after[1]) > 5 * before[2]
        and min(len(line), len(following)) >= _PROSE // 2  # a bullet or a number stands beside its text
        for before, after, line, following in zip(places, places[1:], lines, lines[1:], strict=False)
    ):
        return [block]
    lefts: list[float] = []
    for left in sorted(place[1] for place in places):
        if not lefts or left - lefts[-1] > 5 * places[0][2]:
            lefts.append(left)
    if len(lefts) < 2:
        return [block]
    columns: list[list[int]] = [[] for _ in lefts]
    for index, place in enumerate(places):
        columns[bisect_right(lefts, place[1] + 0.1) - 1].append(index)
    parts = [_part(block, column, edge) for column, edge in zip(columns, [*lefts[1:], block.x1], strict=True)]
    return parts if all(_is_prose(part) for part in parts) else [block]


def _part(block: Block, lines: list[int], edge: float) -> Block:
    places = [block.places[index] for index in lines]
    widest = max(len(block.lines[index]) for index in lines)
    return Block(
        min(left for _, left, _ in places),
        min(top for top, _, _ in places),
        min(edge - 1.5 * _BIN if edge < block.x1 else edge, places[0][1] + 0.6 * places[0][2] * widest),
        max(top + size for top, _, size in places),
        [block.lines[index] for index in lines],
        [block.styles[index] for index in lines] if block.styles else [],
        places,
    )


def _ordered(blocks: list[Block]) -> list[Block]:
    if len(blocks) < 2:
        return blocks
    columns = _columns(blocks)
    if columns:
        return _by_columns(blocks, columns)
    jumps = sum(after.y1 < before.y0 - 2 for before, after in pairwise(blocks))
    return _by_rows(blocks) if jumps > _JUMPS * len(blocks) else blocks


def _is_turned(block: Block) -> bool:
    return (
        len(block.lines) == 1 and len(block.lines[0]) > 4 and block.y1 - block.y0 > 3 * (block.x1 - block.x0)
    )


def _merged(blocks: list[Block]) -> list[Block]:
    """Paragraphs whose lines came as blocks of their own, as with wide line spacing, in one piece."""
    merged: list[Block] = []
    last = Block(0, 0, 0, 0, [])
    for block in blocks:
        if merged and len(block.lines) == 1 and len(last.lines) == 1 and _continues(merged[-1], last, block):
            top = merged[-1]
            merged[-1] = Block(
                min(top.x0, block.x0),
                top.y0,
                max(top.x1, block.x1),
                block.y1,
                top.lines + block.lines,
                [*top.styles, *block.styles],
                [*top.places, *block.places],
            )
        else:
            merged.append(block)
        last = block
    return merged


def _continues(top: Block, last: Block, block: Block) -> bool:
    """Whether a line goes on where the one above, the last of `top`, is full."""
    height = block.y1 - block.y0
    if (
        not -0.5 * height < block.y0 - last.y1 < 0.35 * height
        or abs(last.y1 - last.y0 - height) > 0.25 * height
    ):
        return False
    if abs(block.x0 - top.x0) > 1.5 and len(top.lines) > 1:
        return False
    if abs(block.x0 - last.x0) > 3 * height or list(last.styles[:1]) != list(block.styles[:1]):
        return False
    return last.x1 - block.x0 > 0.85 * (max(top.x1, block.x1) - block.x0)


def _columns(blocks: Sequence[Block]) -> list[float]:
    """The x at which one column of text ends and the next begins; empty when there is one column."""
    prose = [block for block in blocks if block.lines]
    if len(prose) < 2:
        return []
    left = min(block.x0 for block in prose)
    width = max(block.x1 for block in prose) - left
    count = int(width / _BIN) + 1
    if not 20 <= count <= 5000:
        return []
    narrow = [block for block in prose if block.x1 - block.x0 < 0.6 * width]
    beside = [sum(len(block.lines) for block in side) for side in _sides(narrow, left, width)]
    if min(beside) < 3:
        return []
    heights = [0.0] * (count + 1)
    for block in narrow:
        height = block.y1 - block.y0
        heights[int((block.x0 - left) / _BIN)] += height
        heights[min(count, int((block.x1 - left) / _BIN) + 1)] -= height
    strips = list(accumulate(heights[:count]))
    limit = 0.04 * max(strips)
    gaps = _gaps([height <= limit for height in strips])
    return [x for gap in gaps if _separates(x := left + gap * _BIN, narrow)]


def _sides(blocks: Sequence[Block], left: float, width: float) -> tuple[list[Block], list[Block]]:
    """Blocks that leave the right, and those that leave the left third of the page free."""
    return (
        [block for block in blocks if block.x1 < left + 0.7 * width],
        [block for block in blocks if block.x0 > left + 0.3 * width],
    )


def _gaps(empty: list[bool]) -> list[float]:
    """Middles of the empty runs that have something on both sides."""
    gaps: list[float] = []
    start = -1
    for position, free in enumerate(empty):
        if free and start < 0:
            start = position
        elif not free:
            if start > 0:
                gaps.append((start + position) / 2)
            start = -1
    return gaps


def _separates(x: float, blocks: Sequence[Block]) -> bool:
    """Whether running text stands on both sides of `x`, side by side."""
    sides = [
        [block for block in blocks if block.x1 <= x + _BIN],
        [block for block in blocks if block.x0 >= x - _BIN],
    ]
    spans: list[tuple[float, float]] = []
    for side in sides:
        near = [block for block in side if _is_prose(block)]
        if sum(len(block.lines) for block in near) < 3:
            return False
        spans.append((min(block.y0 for block in near), max(block.y1 for block in near)))
    overlap = min(spans[0][1], spans[1][1]) - max(spans[0][0], spans[1][0])
    return overlap > 0.3 * min(end - start for start, end in spans)


def _is_prose(block: Block) -> bool:
    wide = sum(is_wordless(line[0]) for line in block.lines if line)
    return block.characters * (2 if 2 * wide > len(block.lines) else 1) >= _PROSE * len(block.lines)


def _by_columns(blocks: Sequence[Block], gutters: list[float]) -> list[Block]:
    """Down each column; a block across a gutter ends all columns above it."""
    ordered: list[Block] = []
    band: list[Block] = []
    for block in sorted(blocks, key=lambda block: block.y0):
        if any(block.x0 < gutter - _BIN and block.x1 > gutter + _BIN for gutter in gutters):
            ordered += _band(band, gutters)
            ordered.append(block)
            band = []
        else:
            band.append(block)
    return ordered + _band(band, gutters)


def _band(blocks: list[Block], gutters: list[float]) -> list[Block]:
    return sorted(
        blocks,
        key=lambda block: (
            sum(gutter <= (block.x0 + block.x1) / 2 for gutter in gutters),
            block.y0,
            block.x0,
        ),
    )


def _by_rows(blocks: Sequence[Block]) -> list[Block]:
    """From top to bottom; what stands side by side from left to right."""
    ordered: list[Block] = []
    row: list[Block] = []
    bottom = float("-inf")
    for block in sorted(blocks, key=lambda block: (block.y0, block.x0)):
        middle = (block.y0 + block.y1) / 2
        if row and middle > bottom:
            ordered += sorted(row, key=lambda block: block.x0)
            row, bottom = [], float("-inf")
        row.append(block)
        bottom = max(bottom, block.y1) if len(row) == 1 else min(bottom, block.y1)
    return ordered + sorted(row, key=lambda block: block.x0)


# --- lines ---------------------------------------------------------------------------------------

_HYPHEN = re.compile(r"[-\u2010]\n(?=[^\W\d_])")
_WORD_BEFORE = re.compile(r"(?<![^\W\d_])[^\W\d_]+\Z")
_WORD_AFTER = re.compile(r"[^\W\d_]+")
_LINE_END = re.compile(r"[ \t]+\n")
_SOFT = re.compile("\u00ad[ \t]*\n[ \t]*")
_WIDE = "[\u3001-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uffef]"
_WIDE_CHAR = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3001-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uffef]"
)
_WIDE_SPACE = re.compile(f"(?<={_WIDE}) (?={_WIDE})")
"""Chinese and Japanese have no spaces: what looks like one was made to fill the line."""
_PREFIXES = frozenset(
    {"self", "non", "well", "co", "pre", "post", "anti", "semi", "multi", "ex", "cross", "high", "low",
     "long", "short", "full", "part", "half", "all", "e", "x", "mid", "near", "real", "third", "first",
     "second", "two", "three", "four", "five", "ten", "one", "follow", "decision", "evidence", "risk"}
)  # fmt: skip
"""First halves of words that are usually written with a hyphen."""


def running_text(paragraphs: Sequence[Sequence[str]], is_word: Callable[[str], bool]) -> str:
    """Paragraphs of lines as text: words divided at line ends joined, wrapped Chinese and Japanese too.

    `is_word` tells whether a joined word stands elsewhere in the document.
    """
    text = "\n\n".join(["\n".join(lines) for lines in paragraphs])
    if " \n" in text or "\t\n" in text:
        text = _LINE_END.sub("\n", text)
    if "\u00ad" in text:
        text = _SOFT.sub("", text)
    if "-\n" in text or "\u2010\n" in text:
        text = _HYPHEN.sub(lambda match: _joint(match, is_word), text)
    if text.isascii() or not _WIDE_CHAR.search(text):
        return text
    return _WIDE_SPACE.sub("", "\n\n".join(map(_join_wordless, text.split("\n\n"))))


def _joint(match: re.Match[str], is_word: Callable[[str], bool]) -> str:
    """What stands between the halves of a word divided at a line end: nothing, or its own hyphen."""
    text = match.string
    before = _WORD_BEFORE.search(text, max(0, match.start() - 40), match.start())
    after = _WORD_AFTER.match(text, match.end())
    if before is None or after is None:
        return match.group()
    first, second = before.group(), after.group()
    if is_word(first + second):
        return ""
    if second[0].isupper() or first.lower() in _PREFIXES or is_word(f"{first}-{second}"):
        return "-"
    return ""


def _join_wordless(text: str) -> str:
    """Join lines where a script without spaces was wrapped; a short line ends where it ends."""
    lines = text.split("\n")
    longest = max(map(len, lines))
    parts = [lines[0]]
    for before, after in pairwise(lines):
        wrapped = before and after and len(before) >= 0.7 * longest
        glued = wrapped and is_wordless(before[-1]) and is_wordless(after[0])
        parts.append(after if glued else "\n" + after)
    return "".join(parts)
