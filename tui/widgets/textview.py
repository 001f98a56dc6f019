"""A document's text: the preview beside a list and the full reader are both this widget."""

from __future__ import annotations

import itertools
import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Offset, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.citing import file_name, folder_name
from tui.controls import clean
from tui.keys import READER
from tui.palette import Painted
from tui.widgets.cells import Piece, cut_middle, fit, line_text, measure, segments, spread
from tui.widgets.wrap import Headings, reflowed, shown, underlined, wrap

if TYPE_CHECKING:
    from indexer.types import TextWindow

MOST_COLUMNS = 100
"""Lines longer than this are hard to read; wider terminals get a margin."""


def format_size(size_bytes: int) -> str:
    """Bytes in the largest unit that leaves a number above one."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def format_date(mtime_ns: int) -> str:
    """A file time as a local date."""
    return time.strftime("%Y-%m-%d", time.localtime(mtime_ns / 1e9)) if mtime_ns else ""


class DocumentFacts:
    """What the line above the text tells about a document."""

    def __init__(
        self,
        path: str,
        *,
        pages: int = 0,
        page: int | None = None,
        mtime_ns: int = 0,
        size_bytes: int = 0,
        format: str = "",
    ) -> None:
        self.path = path
        self.pages = pages
        self.page = page
        self.mtime_ns = mtime_ns
        self.size_bytes = size_bytes
        self.format = format


class TextView(Painted, ScrollView, can_focus=True, inherit_bindings=False):
    """Wrapped text with lit matches; a fixed line above it names the document.

    All positions are offsets of the whole document; the view holds the part `[start, end)` of it.
    """

    DEFAULT_CSS = "TextView { scrollbar-size: 0 0; min-width: 8; height: 1fr; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = list(READER)

    FOOTER_LABELS: Mapping[str, str] = {}
    """Other words for the footer, by id; "" leaves a key out."""

    class EdgeReached(Message):
        """Somebody went past the part that is here: -1 before it, 1 after it, or to an end of the text."""

        def __init__(self, view: TextView, direction: int, *, whole: bool = False) -> None:
            super().__init__()
            self.view = view
            self.direction = direction
            self.whole = whole

        @property
        def control(self) -> TextView:
            """The view."""
            return self.view

    class MatchWanted(Message):
        """There is no further match in the part that is here."""

        def __init__(self, view: TextView, direction: int) -> None:
            super().__init__()
            self.view = view
            self.direction = direction

        @property
        def control(self) -> TextView:
            """The view."""
            return self.view

    class Scrolled(Message):
        """Another part of the text is on screen."""

        def __init__(self, view: TextView) -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> TextView:
            """The view."""
            return self.view

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        """Begin empty."""
        super().__init__(id=id, classes=classes)
        self.facts: DocumentFacts | None = None
        self.message: tuple[str, ...] = ()
        """Shown instead of text: why there is none."""
        self.start = 0
        self.whole = 0
        self.text = ""
        self.matches: list[tuple[int, int]] = []
        self.quote = (0, 0)
        self.current = -1
        """Index of the match that n and N are on; -1: none."""
        self.page_starts: tuple[int, ...] = ()
        self._starts: array[int] = array("q")
        self._ends: array[int] = array("q")
        self._headings = Headings([], frozenset())
        self._width = 0
        self._wanted: int | None = None
        """Offset to bring into view as soon as the size is known."""

    # --- content

    def clear(self, *message: str) -> None:
        """Show nothing, or a few lines in place of text."""
        self.facts = None
        self.message = message
        self._take("", 0, 0, ())
        self.quote = (0, 0)
        self._lay_out(force=True)

    def show(
        self,
        window: TextWindow,
        facts: DocumentFacts,
        *,
        at: int,
        quote: tuple[int, int] = (0, 0),
        page_starts: tuple[int, ...] = (),
    ) -> None:
        """Show a part of a document with the offset `at` in view and `quote` lit."""
        self.facts = facts
        self.message = ()
        text = reflowed(window.text) if facts.format == "pdf" else window.text
        self._take(text, window.start, window.total, window.matches)
        self._headings = underlined(text, facts.format)
        self.quote = quote
        self.page_starts = page_starts
        self.current = self._nearest_match(at)
        self._wanted = at
        self._lay_out(force=True)

    def _take(self, text: str, start: int, whole: int, matches: tuple[tuple[int, int], ...]) -> None:
        self.text, self.start, self.whole = text, start, whole
        self.matches = list(matches)
        self.current = -1
        self._headings = Headings([], frozenset())

    def set_matches(self, matches: list[tuple[int, int]], *, current: int) -> None:
        """Light other matches, for a search inside the document."""
        self.matches = matches
        self.current = current
        if 0 <= current < len(matches):
            self.go_to(matches[current][0])
        self.refresh_changed()

    def _nearest_match(self, at: int) -> int:
        index = bisect_left(self.matches, (at, 0))
        return index if index < len(self.matches) else len(self.matches) - 1

    @property
    def end(self) -> int:
        """Offset after the part that is here."""
        return self.start + len(self.text)

    # --- layout

    def on_resize(self) -> None:
        """Wrap anew, keeping the first line's text in view."""
        self._lay_out()

    def _lay_out(self, *, force: bool = False) -> None:
        width = min(self.size.width - 2, MOST_COLUMNS)
        if width <= 0:
            return
        if force or width != self._width:
            if self._wanted is None:
                self._wanted = self.top_offset
            self._width = width
            self._starts, self._ends = wrap(self.text, width, hidden=self._headings.rules)
        self.set_reactive(ScrollView.virtual_size, Size(1, len(self._starts) + 1))
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self.go_to(wanted, force=True)
        self.refresh_changed()

    def line_of(self, offset: int) -> int:
        """The line, 0-based, that shows an offset of the document."""
        return max(0, bisect_right(self._starts, offset - self.start) - 1)

    @property
    def rows(self) -> int:
        """Lines of text on screen."""
        return max(1, self.size.height - 1)

    @property
    def top_offset(self) -> int:
        """Offset of the first character on screen."""
        line = round(self.scroll_y)
        return self.start + (self._starts[line] if line < len(self._starts) else 0)

    @property
    def place(self) -> tuple[int, int]:
        """The span that actions mean: the current match, the quote, or the first line on screen."""
        top, bottom = self.top_offset, self.bottom_offset
        if 0 <= self.current < len(self.matches) and top <= self.matches[self.current][0] <= bottom:
            return self.matches[self.current]
        if self.quote[1] and top <= self.quote[0] <= bottom:
            return self.quote
        line = min(round(self.scroll_y), len(self._starts) - 1)
        return (self.start + self._starts[line], self.start + self._ends[line]) if line >= 0 else (0, 0)

    @property
    def bottom_offset(self) -> int:
        """Offset after the last character on screen."""
        line = min(round(self.scroll_y) + self.rows, len(self._starts)) - 1
        return self.start + (self._ends[line] if line >= 0 else 0)

    def page_at(self, offset: int) -> int | None:
        """The page, 1-based, an offset is on; None without pages."""
        if self.page_starts:
            return max(1, bisect_right(self.page_starts, offset))
        return self.facts.page if self.facts else None

    # --- moving

    def go_to(self, offset: int, *, force: bool = False) -> None:
        """Bring an offset into view, a third down the screen; nothing moves if it is in view already."""
        line, top = self.line_of(offset), round(self.scroll_y)
        if not force and top <= line < top + self.rows:
            return
        self._scroll_lines(line - self.rows // 3)

    def go_to_top(self, offset: int) -> None:
        """Make the line of an offset the first on screen."""
        self._scroll_lines(self.line_of(offset))

    def _scroll_lines(self, line: int) -> None:
        line = max(0, min(line, len(self._starts) - self.rows))
        if line != round(self.scroll_y):
            self.scroll_to(y=line, animate=False, force=True, immediate=True)
        if self.has_focus:
            self.app.cursor_position = self.content_region.offset + Offset(0, 1)
        self.post_message(self.Scrolled(self))

    def scroll_lines(self, lines: int) -> None:
        """Move by lines; past the part that is here, ask for the next one."""
        top = round(self.scroll_y)
        last = max(0, len(self._starts) - self.rows)
        if lines > 0 and top >= last and self.end < self.whole:
            self.post_message(self.EdgeReached(self, 1))
        elif lines < 0 and top == 0 and self.start > 0:
            self.post_message(self.EdgeReached(self, -1))
        else:
            self._scroll_lines(top + lines)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves by three lines."""
        event.stop()
        self.scroll_lines(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The other way."""
        event.stop()
        self.scroll_lines(-3)

    def action_line(self, lines: int) -> None:
        """Move by lines."""
        self.scroll_lines(lines)

    def action_screen(self, share: float) -> None:
        """Move by a share of the screen, keeping a line of what was read."""
        self.scroll_lines(int(share * max(1, self.rows - 1)) or (1 if share > 0 else -1))

    def action_edge(self, end: int) -> None:
        """Go to the start (0) or the end (1) of the document."""
        if (end and self.end < self.whole) or (not end and self.start > 0):
            self.post_message(self.EdgeReached(self, 1 if end else -1, whole=True))
        else:
            self._scroll_lines(len(self._starts) if end else 0)

    def action_match(self, step: int) -> None:
        """Go to the next or previous match."""
        following = self.current + step
        if self.current < 0 and self.matches:
            following = self._nearest_match(self.top_offset)
        if 0 <= following < len(self.matches):
            self.current = following
            self.go_to(self.matches[following][0])
            self.refresh_changed()
            self.post_message(self.Scrolled(self))
        else:
            self.post_message(self.MatchWanted(self, step))

    # --- drawing

    def draw_line(self, y: int) -> Strip:
        """One line of the screen; the first names the document."""
        width = self.size.width
        if width <= 0:
            return Strip.blank(0)
        styles = self.paint
        base = styles[""]
        if y == 0:
            if self.facts is None or not self.facts.path:
                return Strip.blank(width, base)
            head = {"": styles["title"], "dim": styles["title-dim"], "name": styles["title"]}
            return Strip(segments(self._head(width), head), width)
        if self.message:
            text = self.message[y - 1] if y <= len(self.message) else ""
            return Strip(segments(fit([(f" {text}", "")], width), {"": base}), width)
        line = y - 1 + round(self.scroll_y)
        if line >= len(self._starts) or not self.text:
            return Strip.blank(width, base)
        return Strip([Segment(" ", base), *self._text_segments(line, styles)]).adjust_cell_length(width, base)

    def _text_segments(self, line: int, styles: dict[str, Style]) -> list[Segment]:
        start, end = self.start + self._starts[line], self.start + self._ends[line]
        found = []
        for piece_start, piece_end, style in self._runs(start, end):
            text = shown(self.text[piece_start - self.start : piece_end - self.start])
            found.append(Segment(clean(text), styles[style]))
        return found

    def _runs(self, start: int, end: int) -> list[tuple[int, int, str]]:
        """The line cut at the borders of matches and quote, each run with its style."""
        quote_start, quote_end = self.quote
        borders = {start, end, *(min(max(edge, start), end) for edge in self.quote)}
        first = bisect_left(self.matches, (start, 0))
        while first > 0 and self.matches[first - 1][1] > start:
            first -= 1
        here = []
        for index in range(first, len(self.matches)):
            match_start, match_end = self.matches[index]
            if match_start >= end:
                break
            here.append((match_start, match_end, "lit" if index == self.current else "match"))
            borders |= {max(match_start, start), min(match_end, end)}
        edges = sorted(borders)
        plain = "name" if self._is_heading(start) else ""
        runs = []
        for left, right in itertools.pairwise(edges):
            style = "quote" if quote_start <= left < quote_end else plain
            style = next((name for a, b, name in here if a <= left < b), style)
            runs.append((left, right, style))
        return runs

    def _is_heading(self, offset: int) -> bool:
        titles = self._headings.titles
        at = offset - self.start
        index = bisect_right(titles, (at, len(self.text))) - 1
        return index >= 0 and titles[index][0] <= at < titles[index][1]

    def _head(self, width: int) -> list[Piece]:
        facts = self.facts
        if facts is None:
            return fit([], width)
        page = self.page_at(self.place[0]) if self.page_starts else facts.page
        of = f"/{facts.pages}" if facts.pages else ""
        about = [
            f"p.{page}{of}" if page else "",
            format_date(facts.mtime_ns),
            format_size(facts.size_bytes) if facts.size_bytes else "",
            folder_name(facts.path),
        ]
        right = self._where()
        room = width - len(right) - 4
        name = cut_middle(line_text(file_name(facts.path)), room)
        left: list[Piece] = [(f" {name}", "name")]
        for text in about:  # what does not fit is left out, not cut
            if text and measure(left) + len(text) + 3 <= room:
                left.append((f"   {clean(text)}", "dim"))
        return spread(left, [(f"{right} ", "dim")] if right else [], width)

    def _where(self) -> str:
        if self.matches:
            return f"match {self.current + 1}/{len(self.matches)}" if self.current >= 0 else ""
        if len(self.text) < self.whole or len(self._starts) > self.rows:
            return f"{min(100, self.bottom_offset * 100 // max(1, self.whole))}%"
        return ""
