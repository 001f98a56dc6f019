"""Finds tables by their ruling lines and puts lines of text into cells.

Geometry in points, origin at the top left. Only grids are believed: what has no lines between its
columns stays as the text it is. Plain tuples and lists throughout, since this runs on every page.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

from indexer.parsing.pdflayout import Block

_TOLERANCE = 3.0
"""Points by which lines that belong together may miss each other."""
_THIN = 3.0
"""Points; a box not wider than this is a line."""
_MAX_LINES = 4000
"""More lines than this are a drawing."""
_MAX_CELLS = 20_000
_LETTER = 0.42
_WIDE_LETTER = 0.8
"""Least width of a letter in relation to its height, in Latin text and in text that may be Chinese."""

Line: TypeAlias = tuple[float, float, float]
"""A ruling line: its place on one axis, start and end on the other."""
Piece: TypeAlias = tuple[float, float, float, str]
"""Text in a cell: a point inside it (y, then x), its height, the text."""


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
    rest = _take_lines(blocks, grids)
    if rest is None:
        for grid in grids:
            grid.clear()
        rest = _take_words(blocks, grids, words())
    tables: list[Block] = []
    taken: set[tuple[int, int]] = set()
    for grid in grids:
        rows = grid.rows()
        if rows:
            taken |= grid.lines
            tables.append(Block(grid.xs[0], grid.ys[0], grid.xs[-1], grid.ys[-1], [], rows=rows))
    return _without(blocks, taken, rest) + tables if tables else blocks


def _take_lines(blocks: Sequence[Block], grids: Sequence[Grid]) -> dict[tuple[int, int], str] | None:
    """Put whole lines into cells; None when one runs over the edge of its cell."""
    for index, block in enumerate(blocks):
        near = [
            grid
            for grid in grids
            if grid.ys[0] < block.y1
            and grid.ys[-1] > block.y0
            and grid.xs[0] < block.x1
            and grid.xs[-1] > block.x0
        ]
        if not near:
            continue
        if len(block.places) != len(block.lines):
            return None
        for position, (top, left, size) in enumerate(block.places):
            text = block.lines[position].strip()
            if not text:
                continue
            x, y = left + 1, top + size / 2
            for grid in near:
                if grid.xs[0] <= x < grid.xs[-1] and grid.ys[0] <= y < grid.ys[-1]:
                    cell = grid.put((y, x, size, text), (index, position))
                    letter = _LETTER if text.isascii() else _WIDE_LETTER
                    if len(text) > 3 and x + letter * size * len(text) > grid.right(cell) + 2:
                        return None
                    break
    return {}


def _take_words(
    blocks: Sequence[Block], grids: Sequence[Grid], words: Iterable[Sequence[Any]]
) -> dict[tuple[int, int], str]:
    """Put single words into cells; what is left of each line that loses some."""
    places = [
        (index, position, len("".join(line.split())))
        for index, block in enumerate(blocks)
        for position, line in enumerate(block.lines)
    ]
    rest: dict[tuple[int, int], str] = {}
    current, room = -1, 0
    for x0, y0, x1, y1, text, *_ in words:
        while room <= 0 and current + 1 < len(places):  # words and lines come in the same order
            current += 1
            room = places[current][2]
        room -= len(text)
        line = places[current][:2]
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        for grid in grids:
            if grid.xs[0] <= x < grid.xs[-1] and grid.ys[0] <= y < grid.ys[-1]:
                grid.put((y, x, y1 - y0, text), line)
                rest.setdefault(line, "")
                break
        else:
            rest[line] = f"{rest[line]} {text}" if rest.get(line) else text
    return rest


def _without(
    blocks: Sequence[Block], taken: set[tuple[int, int]], rest: dict[tuple[int, int], str]
) -> list[Block]:
    """Blocks without the lines in tables, but with what is left of them."""
    touched = {index for index, _ in taken}
    kept: list[Block] = []
    for index, block in enumerate(blocks):
        if index not in touched:
            kept.append(block)
            continue
        lines = [
            (position, rest.get((index, position), "") if (index, position) in taken else line)
            for position, line in enumerate(block.lines)
        ]
        positions = [position for position, line in lines if line]
        if not positions:
            continue
        places = [block.places[position] for position in positions] if block.places else []
        kept.append(
            Block(
                block.x0,
                min((top for top, _, _ in places), default=block.y0),
                block.x1,
                max((top + size for top, _, size in places), default=block.y1),
                [line for _, line in lines if line],
                [block.styles[position] for position in positions] if block.styles else [],
                places,
            )
        )
    return kept


# --- grids ---------------------------------------------------------------------------------------


def find_grids(drawn: Sequence[Sequence[Any]], width: float, height: float) -> list[Grid]:
    """Grids of at least two columns and two rows. A box nearly as large as the page is a frame."""
    across, down = _rulings(drawn, width, height)
    if len(across) < 3 or len(down) < 2 or len(across) + len(down) > _MAX_LINES:
        return []
    across, down = _merged(across), _merged(down)
    if len(across) < 3 or len(down) < 2:
        return []
    grids = [_grid(horizontal, vertical) for horizontal, vertical in _connected(across, down)]
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
    free, rest = across, down
    parts: list[tuple[list[Line], list[Line]]] = []
    while rest:
        vertical = [rest[-1]]
        rest = rest[:-1]
        horizontal: list[Line] = []
        for x, top, bottom in vertical:  # grows while it is walked
            left, right = x + _TOLERANCE, x - _TOLERANCE
            top, bottom = top - _TOLERANCE, bottom + _TOLERANCE
            touched = [
                line for line in free if top <= line[0] <= bottom and line[1] <= left and line[2] >= right
            ]
            if not touched:
                continue
            free = [line for line in free if line not in touched]
            horizontal += touched
            more = [line for line in rest if _touches(line, touched)]
            if more:
                vertical += more
                rest = [line for line in rest if line not in more]
        if len(horizontal) > 2:
            parts.append((horizontal, vertical))
    return parts


def _touches(down: Line, across: list[Line]) -> bool:
    left, right = down[0] + _TOLERANCE, down[0] - _TOLERANCE
    top, bottom = down[1] - _TOLERANCE, down[2] + _TOLERANCE
    return any(start <= left and end >= right and top <= y <= bottom for y, start, end in across)


def _grid(across: list[Line], down: list[Line]) -> Grid | None:
    """The grid of connected lines; None when there are not two columns and two rows."""
    xs = _positions([line[0] for line in down] + [x for line in across for x in line[1:]])
    ys = _positions([line[0] for line in across] + [y for line in down for y in line[1:]])
    if len(xs) < 3 or len(ys) < 3 or (len(xs) - 1) * (len(ys) - 1) > _MAX_CELLS:
        return None
    return Grid(xs, ys, _owners(_drawn(down, xs, ys), _drawn(across, ys, xs)))


def _positions(values: list[float]) -> list[float]:
    """Distinct positions, those within the tolerance as one."""
    values.sort()
    positions = values[:1]
    for value in values:
        if value - positions[-1] > _TOLERANCE:
            positions.append(value)
    return positions


def _drawn(lines: list[Line], places: list[float], steps: list[float]) -> list[bytearray]:
    """For each place the steps along which a line is drawn there: it covers their middle."""
    middles = [(start + end) / 2 for start, end in pairwise(steps)]
    drawn = [bytearray(len(middles)) for _ in places]
    for at, start, end in lines:
        place = bisect_right(places, at + _TOLERANCE) - 1  # places are at most the tolerance below
        first, last = bisect_left(middles, start - _TOLERANCE), bisect_right(middles, end + _TOLERANCE)
        drawn[place][first:last] = b"\1" * (last - first)
    return drawn


def _owners(walls: list[bytearray], floors: list[bytearray]) -> list[int]:
    """For each cell, row by row, the number of the cell it is part of: no line parts them."""
    columns = len(walls) - 1
    owner: list[int] = []
    for row in range(len(floors) - 1):
        for column in range(columns):
            number = len(owner)
            if column and not walls[column][row]:
                owner.append(owner[-1])
            elif row and not floors[row][column]:
                owner.append(owner[number - columns])
            else:
                owner.append(number)
    return owner


class Grid:
    """Columns and rows between ruling lines, and the text in the cells."""

    def __init__(self, xs: list[float], ys: list[float], owner: list[int]) -> None:
        """Take the edges of columns and rows, and which cells are one."""
        self.xs = xs
        self.ys = ys
        self.lines: set[tuple[int, int]] = set()
        """Block and line of what was put into it."""
        self._owner = owner
        self._cells: dict[int, list[Piece]] = {}
        self._rights: dict[int, float] = {}

    def clear(self) -> None:
        """Take all text out again."""
        self.lines.clear()
        self._cells.clear()

    def put(self, piece: Piece, line: tuple[int, int]) -> int:
        """Put a piece of a line into the cell that holds its point; the number of the cell."""
        column = min(bisect_right(self.xs, piece[1]), len(self.xs) - 1) - 1
        row = min(bisect_right(self.ys, piece[0]), len(self.ys) - 1) - 1
        cell = self._owner[row * (len(self.xs) - 1) + column]
        self._cells.setdefault(cell, []).append(piece)
        self.lines.add(line)
        return cell

    def right(self, cell: int) -> float:
        """Where a cell ends."""
        if cell not in self._rights:
            columns = len(self.xs) - 1
            last = cell
            while (last + 1) % columns and self._owner[last + 1] == cell:
                last += 1
            self._rights[cell] = self.xs[last % columns + 1]
        return self._rights[cell]

    def rows(self) -> list[list[str]]:
        """Rows of cells; empty when it is no table after all."""
        columns = len(self.xs) - 1
        filled = sorted({cell // columns for cell in self._cells})
        owners = set(self._owner)
        if len(filled) < 2 or len({cell % columns for cell in self._cells}) < 2:
            return []
        if len(self._cells) < 4 or len(self._cells) < 0.25 * len(owners):
            return []
        rows: list[list[str]] = []
        for row in filled:
            cells = range(row * columns, (row + 1) * columns)
            rows += _rows([self._cells.get(cell, []) for cell in cells if cell in owners])
        return _without_empty_columns(rows)


def _without_empty_columns(rows: list[list[str]]) -> list[list[str]]:
    """Rows without the columns that only lie between lines drawn double, or outside the text."""
    while all(len(row) > 1 and not row[0] for row in rows):
        rows = [row[1:] for row in rows]
    while all(len(row) > 1 and not row[-1] for row in rows):
        rows = [row[:-1] for row in rows]
    if any(len(row) != len(rows[0]) for row in rows):
        return rows
    used = [any(column) for column in zip(*rows, strict=True)]
    if all(used):
        return rows
    return [[cell for cell, keep in zip(row, used, strict=True) if keep] for row in rows]


def _rows(cells: list[list[Piece]]) -> list[list[str]]:
    """The row of these cells, or several, when lines are drawn only after every few rows."""
    cut = [_lines(cell) for cell in cells]
    held = [lines for lines in cut if lines]
    most = max(map(len, held), default=0)
    if most < 2 or len(held) < 3 or sum(len(lines) == most for lines in held) < 0.6 * len(held):
        return [[_text(lines) for lines in cut]]
    tops = [line[0][0] for line in _lines([piece for cell in cells for piece in cell])]
    edges = [float("-inf"), *((above + below) / 2 for above, below in pairwise(tops)), float("inf")]
    return [
        [_text([line for line in lines if top <= line[0][0] < below]) for lines in cut]
        for top, below in pairwise(edges)
    ]


def _lines(pieces: list[Piece]) -> list[list[Piece]]:
    """Pieces of a cell by the line they stand on."""
    if len(pieces) < 2:
        return [pieces] if pieces else []
    pieces.sort()
    lines: list[list[Piece]] = []
    for piece in pieces:
        if lines and piece[0] - lines[-1][0][0] < 0.5 * lines[-1][0][2]:
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return lines


def _text(lines: list[list[Piece]]) -> str:
    parts: list[str] = []
    for line in lines:
        if len(line) > 1:
            line.sort(key=lambda piece: piece[1])
        parts += [piece[3] for piece in line]
    return " ".join(parts)
