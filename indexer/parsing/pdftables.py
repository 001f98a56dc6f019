"""Finds tables by their ruling lines and puts words into cells.

Geometry in points, origin at the top left. Only grids are believed: what has no lines between its
columns stays as the text it is.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from indexer.parsing.pdflayout import Block

_TOLERANCE = 3.0
"""Points by which lines that belong together may miss each other."""
_THIN = 3.0
"""Points; a box not wider than this is a line."""
_MAX_LINES = 4000
"""More lines than this are a drawing."""
_MAX_CELLS = 20_000

Line: TypeAlias = tuple[float, float, float]
"""A ruling line: its place on one axis, start and end on the other. A plain tuple, since pages have
hundreds and this runs on every page."""


class Box(NamedTuple):
    """A line or box that is drawn."""

    x0: float
    y0: float
    x1: float
    y1: float


class Piece(NamedTuple):
    """A word, or a line of text that lies in one cell, by a point inside it."""

    x: float
    y: float
    height: float
    text: str


_Placed: TypeAlias = tuple[int, int, Piece]
"""Number of a block, number of a line in it, and a piece of that line."""


def take_tables(
    blocks: list[Block],
    drawn: Sequence[Sequence[Any]],
    width: float,
    height: float,
    words: Callable[[], Iterable[Sequence[Any]]],
) -> list[Block]:
    """Blocks with the text of ruled tables taken out and the tables added.

    Args:
        blocks: Of the page, their lines with places.
        drawn: Lines and boxes: x0, y0, x1, y1 and whatever else.
        width: Of the page.
        height: Of the page.
        words: Gives the words of the page, x0, y0, x1, y1, text and more, in the order of the lines;
            asked only when a line of text runs through several cells.
    """
    grids = find_grids(drawn, width, height)
    if not grids:
        return blocks
    pieces = _lines_as_pieces(blocks)
    if pieces is None or not _fit(pieces, grids):
        pieces = _words_as_pieces(blocks, words()) or pieces
    if pieces is None:
        return blocks
    order = sorted((piece.y, piece.x, index) for index, (_, _, piece) in enumerate(pieces))
    inside: set[int] = set()
    tables: list[Block] = []
    for grid in grids:
        box = grid.box
        first, end = bisect_left(order, (box.y0,)), bisect_left(order, (box.y1,))
        held = [index for _, x, index in order[first:end] if box.x0 <= x < box.x1 and index not in inside]
        rows = grid.fill([pieces[index][2] for index in held])
        if rows:
            inside.update(held)
            tables.append(Block(*box, [], rows=rows))
    return _without(blocks, pieces, inside) + tables if tables else blocks


def _lines_as_pieces(blocks: Sequence[Block]) -> list[_Placed] | None:
    """Each line of the blocks with its place; None when the places are not known."""
    pieces: list[_Placed] = []
    for index, block in enumerate(blocks):
        if len(block.places) != len(block.lines):
            return None
        for position, (line, (top, left, size)) in enumerate(zip(block.lines, block.places, strict=True)):
            text = line.strip()
            if text:
                pieces.append((index, position, Piece(left + 1, top + size / 2, size, text)))
    return pieces


def _words_as_pieces(blocks: Sequence[Block], words: Iterable[Sequence[Any]]) -> list[_Placed] | None:
    """Each word with its place; None when words and lines do not agree."""
    lengths = [
        (index, position, len("".join(line.split())))
        for index, block in enumerate(blocks)
        for position, line in enumerate(block.lines)
    ]
    pieces: list[_Placed] = []
    current, room = -1, 0
    for x0, y0, x1, y1, text, *_ in words:
        while room <= 0:  # words and lines come in the same order
            current += 1
            if current == len(lengths):
                return None
            room = lengths[current][2]
        room -= len(text)
        index, position, _length = lengths[current]
        pieces.append((index, position, Piece((x0 + x1) / 2, (y0 + y1) / 2, y1 - y0, text)))
    return pieces


def _fit(pieces: Sequence[_Placed], grids: Sequence[Grid]) -> bool:
    """Whether no line of text seems to run over the edge of the cell it begins in."""
    for grid in grids:
        x0, y0, x1, y1 = grid.box
        for _, _, piece in pieces:
            x, y, height, text = piece
            if x0 <= x < x1 and y0 <= y < y1 and len(text) > 3:
                letter = 0.42 if text.isascii() else 0.8
                if x + letter * height * len(text) > grid.right(grid.place(piece)) + 2:
                    return False
    return True


def _without(blocks: Sequence[Block], pieces: Sequence[_Placed], inside: set[int]) -> list[Block]:
    """Blocks without the pieces inside tables; lines that lose some are put together from the rest."""
    touched = {pieces[index][0] for index in inside}
    rest: dict[int, dict[int, list[Piece]]] = {}
    for number, (index, position, piece) in enumerate(pieces):
        if index in touched and number not in inside:
            rest.setdefault(index, {}).setdefault(position, []).append(piece)
    kept: list[Block] = []
    for index, block in enumerate(blocks):
        if index not in touched:
            kept.append(block)
        elif index in rest:
            lines = rest[index]
            left = [piece for line in lines.values() for piece in line]
            kept.append(
                Block(
                    block.x0,
                    min(piece.y - piece.height / 2 for piece in left),
                    block.x1,
                    max(piece.y + piece.height / 2 for piece in left),
                    [" ".join(piece.text for piece in line) for line in lines.values()],
                    [block.styles[position] for position in lines if block.styles],
                    [block.places[position] for position in lines if block.places],
                )
            )
    return kept


def find_grids(drawn: Sequence[Sequence[Any]], width: float, height: float) -> list[Grid]:
    """Grids of at least two columns and two rows.

    Args:
        drawn: Lines and boxes: x0, y0, x1, y1 and whatever else.
        width: Of the page; a box that is nearly as large is a frame.
        height: Of the page.
    """
    across, down = _rulings(drawn, width, height)
    if len(across) < 3 or len(down) < 2 or len(across) + len(down) > _MAX_LINES:
        return []
    across, down = _merged(across), _merged(down)
    if len(across) < 3 or len(down) < 2:
        return []
    grids = [Grid.of(horizontal, vertical) for horizontal, vertical in _connected(across, down)]
    return [grid for grid in grids if grid is not None]


def _rulings(drawn: Sequence[Sequence[Any]], width: float, height: float) -> tuple[list[Line], list[Line]]:
    across: list[Line] = []
    down: list[Line] = []
    for box in drawn:
        x0, y0, x1, y1 = box[:4]
        wide, high = x1 - x0, y1 - y0
        if high <= _THIN:
            if wide > 2 * _THIN:
                across.append(((y0 + y1) / 2, x0, x1))
        elif wide <= _THIN:
            down.append(((x0 + x1) / 2, y0, y1))
        elif wide < 0.97 * width or high < 0.9 * height:
            across += ((y0, x0, x1), (y1, x0, x1))
            down += ((x0, y0, y1), (x1, y0, y1))
    return across, down


def _merged(lines: list[Line]) -> list[Line]:
    """Pieces of the same line as one line."""
    lines.sort()
    merged: list[Line] = []
    group: list[tuple[float, float]] = []
    first = float("-inf")
    for at, start, end in lines:
        if at - first > _TOLERANCE:
            _close(merged, first, group)
            first, group = at, []
        group.append((start, end))
    _close(merged, first, group)
    return merged


def _close(merged: list[Line], at: float, group: list[tuple[float, float]]) -> None:
    """Add the pieces found at one place, joined where they touch."""
    if not group:
        return
    group.sort()
    start, end = group[0]
    for begin, stop in group:
        if begin > end + _TOLERANCE:
            merged.append((at, start, end))
            start, end = begin, stop
        elif stop > end:
            end = stop
    merged.append((at, start, end))


def _connected(across: list[Line], down: list[Line]) -> list[tuple[list[Line], list[Line]]]:
    """Lines that cross or touch, directly or through others."""
    free = list(across)
    rest = list(down)
    parts: list[tuple[list[Line], list[Line]]] = []
    while rest:
        vertical = [rest.pop()]
        horizontal: list[Line] = []
        for line in vertical:  # grows while it is walked
            touched = [other for other in free if _cross(other, line)]
            if not touched:
                continue
            free = [other for other in free if other not in touched]
            horizontal += touched
            more = [other for other in rest if any(_cross(found, other) for found in touched)]
            if more:
                vertical += more
                rest = [other for other in rest if other not in more]
        parts.append((horizontal, vertical))
    return parts


def _cross(across: Line, down: Line) -> bool:
    return (
        across[1] - _TOLERANCE <= down[0] <= across[2] + _TOLERANCE
        and down[1] - _TOLERANCE <= across[0] <= down[2] + _TOLERANCE
    )


@dataclass(slots=True)
class Grid:
    """Columns and rows between ruling lines, and which cells are one since no line parts them."""

    xs: list[float]
    ys: list[float]
    owner: dict[tuple[int, int], tuple[int, int]]
    """(row, column) of each cell to the cell it is part of."""

    @classmethod
    def of(cls, across: list[Line], down: list[Line]) -> Grid | None:
        """The grid of connected lines; None when there are not two columns and two rows."""
        if len(across) < 3 or not down:
            return None
        xs = _positions([line[0] for line in down] + [x for line in across for x in line[1:]])
        ys = _positions([line[0] for line in across] + [y for line in down for y in line[1:]])
        if len(xs) < 3 or len(ys) < 3 or (len(xs) - 1) * (len(ys) - 1) > _MAX_CELLS:
            return None
        return cls(xs, ys, _owners(_drawn(down, xs, ys), _drawn(across, ys, xs), len(ys) - 1, len(xs) - 1))

    @property
    def box(self) -> Box:
        """The outline."""
        return Box(self.xs[0], self.ys[0], self.xs[-1], self.ys[-1])

    def place(self, piece: Piece) -> tuple[int, int]:
        """The cell that holds a piece within the outline."""
        column = min(bisect_right(self.xs, piece.x), len(self.xs) - 1) - 1
        row = min(bisect_right(self.ys, piece.y), len(self.ys) - 1) - 1
        return self.owner[row, column]

    def right(self, cell: tuple[int, int]) -> float:
        """Where a cell ends."""
        row, column = cell
        while column + 1 < len(self.xs) - 1 and self.owner[row, column + 1] == cell:
            column += 1
        return self.xs[column + 1]

    def fill(self, pieces: Sequence[Piece]) -> list[list[str]]:
        """Rows of cells with these pieces in them; empty when it is no table after all."""
        cells: dict[tuple[int, int], list[Piece]] = {}
        for piece in pieces:
            cells.setdefault(self.place(piece), []).append(piece)
        lines = sorted({row for row, _ in cells})
        owners = set(self.owner.values())
        if len({column for _, column in cells}) < 2 or len(lines) < 2:
            return []
        if len(cells) < 4 or len(cells) < 0.25 * len(owners):
            return []
        rows: list[list[str]] = []
        for row in lines:
            kept = [column for column in range(len(self.xs) - 1) if (row, column) in owners]
            rows += _rows([cells.get((row, column), []) for column in kept])
        return _without_empty_columns(rows)


def _drawn(lines: list[Line], places: list[float], steps: list[float]) -> set[tuple[int, int]]:
    """(place, step) where a line at `places[place]` covers the middle of a step."""
    middles = [(start + end) / 2 for start, end in pairwise(steps)]
    drawn: set[tuple[int, int]] = set()
    for at, start, end in lines:
        place = bisect_right(places, at + _TOLERANCE) - 1  # places are at most the tolerance below
        first, last = bisect_left(middles, start - _TOLERANCE), bisect_right(middles, end + _TOLERANCE)
        drawn.update((place, step) for step in range(first, last))
    return drawn


def _owners(
    walls: set[tuple[int, int]], floors: set[tuple[int, int]], rows: int, columns: int
) -> dict[tuple[int, int], tuple[int, int]]:
    owner: dict[tuple[int, int], tuple[int, int]] = {}
    for row in range(rows):
        for column in range(columns):
            if column and (column, row) not in walls:
                owner[row, column] = owner[row, column - 1]
            elif row and (row, column) not in floors:
                owner[row, column] = owner[row - 1, column]
            else:
                owner[row, column] = (row, column)
    return owner


def _without_empty_columns(rows: list[list[str]]) -> list[list[str]]:
    """Rows without the columns that only lie between lines drawn double."""
    width = len(rows[0])
    if any(len(row) != width for row in rows):
        return rows
    used = [any(row[column] for row in rows) for column in range(width)]
    return (
        rows if all(used) else [[cell for cell, keep in zip(row, used, strict=True) if keep] for row in rows]
    )


def _positions(values: list[float]) -> list[float]:
    """Distinct positions, those within the tolerance as one."""
    positions: list[float] = []
    for value in sorted(values):
        if not positions or value - positions[-1] > _TOLERANCE:
            positions.append(value)
    return positions


def _rows(cells: list[list[Piece]]) -> list[list[str]]:
    """The row of these cells, or several, when lines are drawn only after every few rows."""
    cut = [_lines(cell) for cell in cells]
    held = [lines for lines in cut if lines]
    most = max(map(len, held), default=0)
    if most < 2 or len(held) < 3 or sum(len(lines) == most for lines in held) < 0.6 * len(held):
        return [[_text(lines) for lines in cut]]
    tops = [line[0].y for line in _lines([piece for cell in cells for piece in cell])]
    edges = [float("-inf"), *((above + below) / 2 for above, below in pairwise(tops)), float("inf")]
    return [
        [_text([line for line in lines if top <= line[0].y < below]) for lines in cut]
        for top, below in pairwise(edges)
    ]


def _lines(pieces: list[Piece]) -> list[list[Piece]]:
    """Pieces of a cell by the line they stand on."""
    if len(pieces) < 2:
        return [pieces] if pieces else []
    lines: list[list[Piece]] = []
    for piece in sorted(pieces, key=itemgetter(1, 0)):
        if lines and piece.y - lines[-1][0].y < 0.5 * lines[-1][0].height:
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return lines


def _text(lines: list[list[Piece]]) -> str:
    return " ".join(piece.text for line in lines for piece in (sorted(line) if len(line) > 1 else line))
