"""A list that draws only the rows on screen and asks for the rows it lacks, a window at a time."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.keys import LIST
from tui.palette import Painted
from tui.widgets.cells import Piece, fit, segments

T = TypeVar("T")

WINDOW = 200
"""Rows fetched at once."""
_WINDOWS_KEPT = 12


class RowList(Painted, ScrollView, Generic[T], can_focus=True, inherit_bindings=False):
    """Rows of `row_height` lines with a cursor; a subclass says how a row looks.

    The rows live elsewhere: `show` gives the first ones and the total, and `Wanted` asks for a window
    when one of its rows is to be drawn. One million rows cost as much as one hundred.
    """

    DEFAULT_CSS = "RowList { scrollbar-size: 0 0; min-width: 8; height: 1fr; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = list(LIST)
    HEADER: ClassVar[bool] = False
    """The first line is `draw_header` and does not scroll."""

    cursor: var[int] = var(0)
    row_height: var[int] = var(1)

    class Moved(Message):
        """The cursor rests on another row."""

        def __init__(self, rows: RowList[Any]) -> None:
            super().__init__()
            self.rows = rows

        @property
        def control(self) -> RowList[Any]:
            """The list, for `@on` with a selector."""
            return self.rows

    class Opened(Moved):
        """Enter or a double click on the row under the cursor."""

    class Wanted(Message):
        """The window that begins at row `offset` is to be drawn and is not here."""

        def __init__(self, rows: RowList[Any], offset: int) -> None:
            super().__init__()
            self.rows = rows
            self.offset = offset

        @property
        def control(self) -> RowList[Any]:
            """The list, for `@on` with a selector."""
            return self.rows

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        """Begin empty."""
        super().__init__(id=id, classes=classes)
        self.total = 0
        self._windows: dict[int, tuple[T, ...]] = {}
        self._asked: set[int] = set()
        self.empty: tuple[str, ...] = ()
        """Shown while there are no rows: why, and what to do."""

    # --- what a subclass says

    def key_of(self, row: T) -> str:
        """What a row is known by when the rows change."""
        raise NotImplementedError

    def draw(self, row: T, width: int, line: int) -> list[Piece]:
        """Line `line` of a row, in exactly `width` cells; the first cell belongs to the mark."""
        raise NotImplementedError

    def draw_header(self, width: int) -> list[Piece]:
        """The line above the rows, when `HEADER` is set."""
        return fit([], width)

    # --- rows

    def show(self, rows: tuple[T, ...], total: int | None = None, *, cursor_on: str | None = None) -> None:
        """Replace all rows.

        Args:
            rows: The first rows.
            total: How many there are in all, if more than these.
            cursor_on: Key of the row the cursor stays on; where it is gone the cursor keeps its place,
                and None puts it on the first row.
        """
        position = 0
        if cursor_on is not None:
            places = (index for index, row in enumerate(rows) if self.key_of(row) == cursor_on)
            position = next(places, self.cursor)
        self._windows.clear()
        self._asked.clear()
        self.total = max(len(rows), total or 0)
        self._store(0, rows)
        self._place(position, force=True)

    @property
    def current_key(self) -> str | None:
        """Key of the row under the cursor."""
        row = self.current
        return None if row is None else self.key_of(row)

    def add_window(self, offset: int, rows: tuple[T, ...], total: int | None = None) -> None:
        """Take in a window that was asked for; an empty one means that the list ends before it."""
        self._store(offset, rows)
        self._asked.discard(offset)
        if total is not None or len(rows) < min(WINDOW, self.total - offset):
            self.total = max(offset + len(rows), total or 0) if rows else min(self.total, offset)
            self._place(self.cursor, force=True)
        self.refresh()
        if offset <= self.cursor < offset + len(rows):
            self.post_message(self.Moved(self))

    def _store(self, offset: int, rows: tuple[T, ...]) -> None:
        for begin in range(0, len(rows), WINDOW):
            self._windows[offset + begin] = rows[begin : begin + WINDOW]
        while len(self._windows) > _WINDOWS_KEPT:
            here = self.cursor // WINDOW * WINDOW
            self._windows.pop(max(self._windows, key=lambda begin: abs(begin - here)))

    def row_at(self, index: int) -> T | None:
        """The row, or None where it is not here (yet)."""
        window = self._windows.get(index // WINDOW * WINDOW, ())
        place = index % WINDOW
        return window[place] if 0 <= place < len(window) else None

    @property
    def current(self) -> T | None:
        """The row under the cursor."""
        return self.row_at(self.cursor)

    def rows_here(self) -> list[T]:
        """All rows that are here, in order."""
        return [row for begin in sorted(self._windows) for row in self._windows[begin]]

    def rows_between(self, first: int, last: int) -> list[T]:
        """The rows of a range that are here, both ends included."""
        first, last = min(first, last), max(first, last)
        return [row for index in range(first, last + 1) if (row := self.row_at(index)) is not None]

    # --- the cursor

    @property
    def page_rows(self) -> int:
        """Rows on screen."""
        return max(1, (self.size.height - self.HEADER) // max(1, self.row_height))

    def move_to(self, index: int) -> None:
        """Put the cursor on a row and bring it into view."""
        self._place(index)

    def _place(self, index: int, *, force: bool = False) -> None:
        index = max(0, min(index, self.total - 1))
        before, self.cursor = self.cursor, index
        if force:
            self.set_reactive(ScrollView.virtual_size, Size(1, self.total * self.row_height + self.HEADER))
        scrolled = self._bring_into_view(index)
        if force:
            self.refresh_changed()
        elif scrolled:
            self.refresh()
        elif before != index:
            self._refresh_row(before)
            self._refresh_row(index)
        if force or before != index:
            self._point_at(index)
            self.post_message(self.Moved(self))

    def _bring_into_view(self, index: int) -> bool:
        """Scroll so that the row is on screen; by half a page on a slow line."""
        height, top = self.row_height, round(self.scroll_y)
        room = self.page_rows * height
        first = index * height
        jump = room // 2 if getattr(self.app, "slow_link", False) else 0
        if first < top:
            target = max(0, first - jump)
        elif first + height > top + room:
            target = first + height - room + jump
        else:
            target = top
        target = max(0, min(target // height * height, self.total * height - room))
        if target == top:
            return False
        self.scroll_to(y=target, animate=False, force=True, immediate=True)
        return True

    def _refresh_row(self, index: int) -> None:
        y = index * self.row_height - round(self.scroll_y) + self.HEADER
        self.refresh(Region(0, y, self.size.width, self.row_height))

    def _point_at(self, index: int) -> None:
        """Keep the terminal's own cursor on the row: screen readers and magnifiers follow it."""
        if self.has_focus and self.is_attached:
            y = index * self.row_height - round(self.scroll_y) + self.HEADER
            self.app.cursor_position = self.content_region.offset + Offset(0, y)

    def watch_row_height(self) -> None:
        """Lay the rows out anew."""
        self._place(self.cursor, force=True)

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._place(self.cursor, force=True)

    def on_focus(self) -> None:
        """Draw the cursor as the focused one."""
        self._point_at(self.cursor)
        self._refresh_row(self.cursor)

    def on_blur(self) -> None:
        """Draw the cursor as the other one."""
        self._refresh_row(self.cursor)

    # --- drawing

    def draw_line(self, y: int) -> Strip:
        """One line of the screen."""
        width = self.size.width
        if width <= 0:
            return Strip.blank(0)
        styles = self.paint
        if self.HEADER:
            if y == 0:
                return Strip(segments(self.draw_header(width), styles), width)
            y -= 1
        index, line = divmod(y + round(self.scroll_y), self.row_height)
        if index >= self.total:
            text = self.empty[y] if not self.total and y < len(self.empty) else ""
            style = "" if y == 0 else "dim"
            return Strip(segments(fit([(f" {text}", style)], width), styles), width)
        row = self.row_at(index)
        if row is None:
            self._want(index)
            return Strip(segments(fit([(" …" if line == 0 else "", "dim")], width), styles), width)
        pieces = self.draw(row, width, line)
        if index == self.cursor:
            return Strip(self._cursor_segments(pieces, styles), width)
        return Strip(segments(pieces, styles), width)

    def _cursor_segments(self, pieces: list[Piece], styles: dict[str, Style]) -> list[Segment]:
        """The row under the cursor: one background, matches told by bold and underline alone."""
        base = styles["cursor" if self.has_focus else "cursor-blurred"]
        on_cursor = {
            "": base,
            "match": base + Style(bold=True, underline=True),
            "name": base + Style(bold=True),
        }
        return segments(pieces, on_cursor)

    def _want(self, index: int) -> None:
        offset = index // WINDOW * WINDOW
        if offset not in self._asked:
            self._asked.add(offset)
            self.post_message(self.Wanted(self, offset))

    def forget_wish(self, offset: int) -> None:
        """The window did not come: it may be asked for again."""
        self._asked.discard(offset)

    # --- keys and mouse

    def action_move(self, rows: int) -> None:
        """Move the cursor by rows."""
        self._place(self.cursor + rows)

    def action_page(self, share: float) -> None:
        """Move the cursor by a share of what is on screen."""
        rows = int(self.page_rows * share)
        self._place(self.cursor + (rows or (1 if share > 0 else -1)))

    def action_first(self) -> None:
        """Go to the first row."""
        self._place(0)

    def action_last(self) -> None:
        """Go to the last row."""
        self._place(self.total - 1)

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if self.total:
            self.post_message(self.Opened(self))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the cursor: what is under it stays what actions mean."""
        event.stop()
        self.action_move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The other way."""
        event.stop()
        self.action_move(-3)

    async def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; a double click opens."""
        y = event.y - self.HEADER
        index = (y + round(self.scroll_y)) // self.row_height
        if y >= 0 and index < self.total:
            self._place(index)
            if event.chain > 1:
                self.action_open()
