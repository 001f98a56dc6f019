"""A list with a preview of the document under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from textual import on
from textual.binding import BindingType
from textual.timer import Timer

from tui.keys import PREVIEW
from tui.panes.items import ItemPane
from tui.widgets.queryinput import QueryInput
from tui.widgets.rowlist import RowList
from tui.widgets.textview import DocumentFacts, TextView

if TYPE_CHECKING:
    from indexer.types import TextWindow

BEFORE = 1_500
AFTER = 6_000
"""Characters around the place that a preview holds."""
LEAST_ROWS = 18
"""Rows the screen has when there is a preview."""
REST_S = 0.08
SLOW_REST_S = 0.25
"""A preview is fetched when the cursor rested this long; the second on a slow line."""


class Peek(NamedTuple):
    """What a preview is to show."""

    path: str
    document: str
    start: int
    end: int
    query: str
    facts: DocumentFacts


class PreviewPane(ItemPane):
    """A pane with a list and a preview of its current row."""

    BINDINGS: ClassVar[list[BindingType]] = list(PREVIEW)
    TWO_LINES: ClassVar[bool] = False
    """Rows have two lines where the screen is wide."""

    def __init__(self, query_input: QueryInput, rows: RowList[Any]) -> None:
        """Take the parts of the pane; the preview is made here."""
        super().__init__(query_input)
        self.rows = rows
        self.preview = TextView(id=f"{self.NAME}-preview", classes="preview part side")
        self._rest: Timer | None = None
        self._peeked: Peek | None = None

    def peek(self) -> Peek | None:
        """What to preview of the row under the cursor; None when it has no text."""
        raise NotImplementedError

    def no_text(self) -> tuple[str, ...]:
        """Lines shown in place of text."""
        return ()

    def on_mount(self) -> None:
        """Take the size and visibility of the last time."""
        self._apply_preview()

    def on_resize(self) -> None:
        """Side by side or one above the other, as the screen has room."""
        self._apply_preview()

    def _apply_preview(self) -> None:
        """Give the preview its share: of the height in a narrow screen, of the width in a wide one."""
        state, styles = self.quire.state, self.preview.styles
        self.preview.set_class(not self._has_room(), "-hidden")
        share = max(15, min(state.preview_share, 75))
        wide = self.quire.wide
        styles.height = "100%" if wide else f"{share}%"
        styles.width = f"{share + 10}%" if wide else "100%"
        self.rows.row_height = 2 if wide and self.TWO_LINES else 1

    def _has_room(self) -> bool:
        """Whether the preview is switched on and fits."""
        return self.quire.state.preview and self.app.size.height >= LEAST_ROWS

    @property
    def preview_visible(self) -> bool:
        """Whether the preview has room and is not switched off."""
        return self.preview.display and self.preview.size.height > 1 and not self.has_class("-zoomed")

    # --- following the cursor

    @on(RowList.Moved)
    def follow_cursor(self, event: RowList.Moved) -> None:
        """Fetch the preview when the cursor rests."""
        if event.rows is not self.rows:
            return
        event.stop()
        self.cursor_moved()
        if self._rest is not None:
            self._rest.stop()
        delay = SLOW_REST_S if self.quire.settings.slow else REST_S
        self._rest = self.set_timer(delay, self.refresh_preview)

    def cursor_moved(self) -> None:
        """Another row is current."""

    def refresh_preview(self) -> None:
        """Show the text at the row under the cursor, unless it is there already."""
        if not self.preview_visible:
            self._peeked = None
            return
        wanted = self.peek()
        if wanted is None:
            self._peeked = None
            self.preview.clear(*self.no_text())
            return
        if self._peeked is not None and self._peeked[:5] == wanted[:5]:
            return
        start, end = max(0, wanted.start - BEFORE), wanted.end + AFTER
        self.call(
            "preview",
            lambda session: session.text(wanted.document, start, end, query=wanted.query),
            lambda window: self._show_preview(window, wanted),
            quiet=True,
        )

    def _show_preview(self, window: TextWindow, wanted: Peek) -> None:
        now = self.peek()
        if now is None or now[:5] != wanted[:5]:
            return
        self._peeked = wanted
        match = next((a for a, b in window.matches if wanted.start <= a < max(wanted.end, a + 1)), None)
        at = wanted.start if match is None else match
        quote = (wanted.start, wanted.end) if not wanted.query and wanted.end else (0, 0)
        self.preview.show(window, wanted.facts, at=at, quote=quote)

    def forget_preview(self) -> None:
        """The text may have changed: fetch it again."""
        self._peeked = None
        self.refresh_preview()

    # --- moving from the input

    @on(QueryInput.ListMoved)
    def move_list(self, event: QueryInput.ListMoved) -> None:
        """Move in the list while typing goes on."""
        event.stop()
        if event.rows:
            self.rows.action_move(event.rows)
        else:
            self.rows.action_page(event.pages)

    # --- keys

    def action_preview(self) -> None:
        """Switch the preview off or on."""
        self.quire.state.preview = not self.quire.state.preview
        self.quire.state_changed()
        self._apply_preview()
        self.call_after_refresh(self.refresh_preview)

    def action_preview_scroll(self, lines: int) -> None:
        """Scroll the preview."""
        self.preview.scroll_lines(lines * 3)

    def action_preview_match(self, step: int) -> None:
        """Go to another match in the preview."""
        self.preview.action_match(step)

    def action_preview_size(self, step: int) -> None:
        """Give the preview more or less room."""
        state = self.quire.state
        state.preview_share = max(15, min(state.preview_share + step, 75))
        self.quire.state_changed()
        self._apply_preview()
