"""Finds tables by their ruling lines and puts words into cells.

Geometry in points, origin at the top left. Only grids are believed: what has no lines between its
columns stays as the text it is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

_TOLERANCE = 3.0
"""Points by which lines that belong together may miss each other."""
_THIN = 3.0
"""Points; a box not wider than this is a line."""
_MAX_LINES = 4000
"""More lines than this are a drawing."""
_MAX_CELLS = 20_000


class Box(NamedTuple):
    """A line or box that is drawn."""

    x0: float
    y0: float
    x1: float
    y1: float


class Word(NamedTuple):
    """A word and where it stands."""

    x0: float
    y0: float
    x1: float
    y1: float
    text: str


class _Line(NamedTuple):
    """A ruling line: at `at` on one axis, from `start` to `end` on the other."""

    at: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Table:
    """A grid of cells."""

    box: Box
    rows: list[list[str]]


def find_grids(boxes: Sequence[Box], page: Box) -> list[Grid]:
    """Grids of at least two columns and two rows, made by lines and boxes."""
    across, down = _rulings(boxes, page)
    if len(across) < 2 or len(down) < 2 or len(across) + len(down) > _MAX_LINES:
        return []
    across, down = _merged(across), _merged(down)
    grids: list[Grid] = []
    for horizontal, vertical in _connected(across, down):
        grid = Grid.of(horizontal, vertical)
        if grid:
            grids.append(grid)
    return grids


def _rulings(boxes: Sequence[Box], page: Box) -> tuple[list[_Line], list[_Line]]:
    across: list[_Line] = []
    down: list[_Line] = []
    width, height = page.x1 - page.x0, page.y1 - page.y0
    for x0, y0, x1, y1 in boxes:
        wide, high = x1 - x0, y1 - y0
        if high <= _THIN:
            if wide > 2 * _THIN:
                across.append(_Line((y0 + y1) / 2, x0, x1))
            elif wide > 0:  # a dot where two lines meet: part of both
                continue
        elif wide <= _THIN:
            down.append(_Line((x0 + x1) / 2, y0, y1))
        elif wide < 0.97 * width or high < 0.9 * height:
            across += [_Line(y0, x0, x1), _Line(y1, x0, x1)]
            down += [_Line(x0, y0, y1), _Line(x1, y0, y1)]
    return across, down


def _merged(lines: list[_Line]) -> list[_Line]:
    """Pieces of the same line as one line."""
    merged: list[_Line] = []
    for group in _grouped(sorted(lines), _TOLERANCE):
        at = sum(line.at for line in group) / len(group)
        start, end = float("inf"), float("-inf")
        for line in sorted(group, key=lambda line: line.start):
            if line.start > end + _TOLERANCE:
                if end >= start:
                    merged.append(_Line(at, start, end))
                start, end = line.start, line.end
            else:
                end = max(end, line.end)
        merged.append(_Line(at, start, end))
    return merged


def _grouped(lines: list[_Line], tolerance: float) -> list[list[_Line]]:
    """Sorted lines in groups that lie within `tolerance` of the first of each."""
    groups: list[list[_Line]] = []
    for line in lines:
        if groups and line.at - groups[-1][0].at <= tolerance:
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _connected(across: list[_Line], down: list[_Line]) -> list[tuple[list[_Line], list[_Line]]]:
    """Lines that cross or touch, directly or through others."""
    rest = list(down)
    free = set(range(len(across)))
    parts: list[tuple[list[_Line], list[_Line]]] = []
    while rest:
        vertical = [rest.pop()]
        horizontal: list[int] = []
        for line in vertical:  # grows while it is walked
            touched = [number for number in free if _cross(across[number], line)]
            free.difference_update(touched)
            horizontal += touched
            for number in touched:
                more = [other for other in rest if _cross(across[number], other)]
                if more:
                    vertical += more
                    taken = set(map(id, more))
                    rest = [other for other in rest if id(other) not in taken]
        parts.append(([across[number] for number in horizontal], vertical))
    return parts


def _cross(across: _Line, down: _Line) -> bool:
    return (
        across.start - _TOLERANCE <= down.at <= across.end + _TOLERANCE
        and down.start - _TOLERANCE <= across.at <= down.end + _TOLERANCE
    )


@dataclass(slots=True)
class Grid:
    """Columns and rows between ruling lines, and which lines are really drawn."""

    xs: list[float]
    ys: list[float]
    across: list[_Line]
    down: list[_Line]

    @classmethod
    def of(cls, across: list[_Line], down: list[_Line]) -> Grid | None:
        """The grid of connected lines; None when there are not two columns and two rows."""
        if not across or not down:
            return None
        xs = _positions(
            [line.at for line in down] + [line.start for line in across] + [line.end for line in across]
        )
        ys = _positions(
            [line.at for line in across] + [line.start for line in down] + [line.end for line in down]
        )
        if len(xs) < 3 or len(ys) < 3 or (len(xs) - 1) * (len(ys) - 1) > _MAX_CELLS:
            return None
        return cls(xs, ys, across, down)

    @property
    def box(self) -> Box:
        """The outline."""
        return Box(self.xs[0], self.ys[0], self.xs[-1], self.ys[-1])

    def holds(self, word: Word) -> bool:
        """Whether the middle of the word lies in the grid."""
        return self._place(word) is not None

    def fill(self, words: Sequence[Word]) -> Table | None:
        """The table with these words in its cells; None when it is no table after all."""
        owner = self._owners()
        cells: dict[tuple[int, int], list[Word]] = {}
        for word in words:
            place = self._place(word)
            if place is not None:
                cells.setdefault(owner[place], []).append(word)
        columns = {column for _, column in cells}
        lines = {row for row, _ in cells}
        owned = len(set(owner.values()))
        if len(columns) < 2 or len(lines) < 2 or len(cells) < 4 or len(cells) < 0.25 * owned:
            return None
        rows: list[list[str]] = []
        for row in sorted(lines):
            kept = [column for column in range(len(self.xs) - 1) if owner[row, column] == (row, column)]
            rows += _rows([cells.get((row, column), []) for column in kept])
        used = [any(row[column] for row in rows) for column in range(len(rows[0]))] if _even(rows) else []
        if used and not all(used):  # columns that only hold lines drawn double
            rows = [[cell for cell, keep in zip(row, used, strict=True) if keep] for row in rows]
        return Table(self.box, rows)

    def _place(self, word: Word) -> tuple[int, int] | None:
        x, y = (word.x0 + word.x1) / 2, (word.y0 + word.y1) / 2
        column, row = bisect_right(self.xs, x) - 1, bisect_right(self.ys, y) - 1
        if 0 <= column < len(self.xs) - 1 and 0 <= row < len(self.ys) - 1:
            return row, column
        return None

    def _owners(self) -> dict[tuple[int, int], tuple[int, int]]:
        """For each cell of the grid the cell it is merged into: no line between them is drawn."""
        walls = self._drawn(self.down, self.xs, self.ys)
        floors = self._drawn(self.across, self.ys, self.xs)
        owner: dict[tuple[int, int], tuple[int, int]] = {}
        for row in range(len(self.ys) - 1):
            for column in range(len(self.xs) - 1):
                if column and (column, row) not in walls:
                    owner[row, column] = owner[row, column - 1]
                elif row and (row, column) not in floors:
                    owner[row, column] = owner[row - 1, column]
                else:
                    owner[row, column] = (row, column)
        return owner

    @staticmethod
    def _drawn(lines: list[_Line], places: list[float], steps: list[float]) -> set[tuple[int, int]]:
        """(place, step) where a line at `places[place]` covers the middle of a step."""
        drawn: set[tuple[int, int]] = set()
        for line in lines:
            place = min(range(len(places)), key=lambda index: abs(places[index] - line.at))
            for step, (start, end) in enumerate(pairwise(steps)):
                if line.start - _TOLERANCE <= (start + end) / 2 <= line.end + _TOLERANCE:
                    drawn.add((place, step))
        return drawn


def _even(rows: list[list[str]]) -> bool:
    return bool(rows) and all(len(row) == len(rows[0]) for row in rows)


def _positions(values: list[float]) -> list[float]:
    """Distinct positions, those within the tolerance as one."""
    positions: list[float] = []
    for value in sorted(values):
        if not positions or value - positions[-1] > _TOLERANCE:
            positions.append(value)
    return positions


def _rows(cells: list[list[Word]]) -> list[list[str]]:
    """The row of these cells, or several, when lines are drawn only after every few rows."""
    held = [cell for cell in cells if cell]
    counts = [len(_lines(cell)) for cell in held]
    most = max(counts, default=0)
    if most < 2 or len(held) < 3 or sum(count == most for count in counts) < 0.6 * len(held):
        return [[_text(cell) for cell in cells]]
    tops = [line[0].y0 for line in _lines([word for cell in held for word in cell])]
    return [
        [
            _text([word for word in cell if top - 1 <= word.y0 and (word.y0 + word.y1) / 2 < below])
            for cell in cells
        ]
        for top, below in pairwise([*tops, float("inf")])
    ]


def _lines(words: list[Word]) -> list[list[Word]]:
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda word: ((word.y0 + word.y1) / 2, word.x0)):
        if lines and (word.y0 + word.y1) / 2 < lines[-1][0].y1:
            lines[-1].append(word)
        else:
            lines.append([word])
    return lines


def _text(words: list[Word]) -> str:
    """Words of a cell, line by line."""
    return " ".join(word.text for line in _lines(words) for word in sorted(line, key=lambda word: word.x0))
