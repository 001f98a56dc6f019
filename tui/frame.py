"""The one screen: tabs and badges, the panes, status, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import ContentSwitcher

from tui.panes import OVER, PANES, Entry
from tui.widgets.bars import KeyLine, StatusLine, Tabs, Words

if TYPE_CHECKING:
    from tui.app import QuireApp
    from tui.panes.pane import Pane

_WIDTHS = [(0, "-tiny"), (40, "-narrow"), (100, "-wide"), (160, "-xwide")]
_HEIGHTS = [(0, "-flat"), (8, "-few"), (10, "-short"), (18, "-tall")]
"""Least columns and rows, and the class the screen has from there on."""


class Frame(Screen[None], inherit_bindings=False):
    """Draws the pane in front at once; the others come behind the first frame."""

    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = _WIDTHS
    VERTICAL_BREAKPOINTS = _HEIGHTS

    def __init__(self, first: Entry, size: Size, *, columns: bool) -> None:
        """Begin with `first`; `columns` means room for two of them."""
        # the classes of the breakpoints are set before anything is styled: set later they style it all anew
        width, height = (
            max(point for point in points if point[0] <= length)[1]
            for points, length in ((_WIDTHS, size.width), (_HEIGHTS, size.height))
        )
        super().__init__(id="_default", classes=f"{width} {height} {'-columns' if columns else ''}")
        self._first = first
        self.tabs = Tabs([(pane.name, pane.title) for pane in PANES], id="tabs")
        self.switcher = ContentSwitcher(initial=first.name, id="panes")
        self.status_line = StatusLine(id="status")
        self.panes: dict[str, Pane] = {first.name: first.make()}
        """All panes by name, those that lie over others among them."""

    def compose(self) -> ComposeResult:
        """Tabs and badges, panes, status, keys."""
        yield self.tabs
        with self.switcher:
            yield self.panes[self._first.name]
        yield self.status_line
        yield KeyLine(id="keys")
        yield Words("terminal too small", id="too-small")

    def on_mount(self) -> None:
        """All parts of the first frame are here: begin."""
        cast("QuireApp", self.app).begin()

    def on_resize(self) -> None:
        """Pass it on: the app has its new size by now, which its own event comes too early for."""
        cast("QuireApp", self.app).frame_resized()

    async def mount_others(self) -> None:
        """Add the panes that are not in front, and those that lie over them."""
        others = [entry for entry in (*PANES, *OVER) if entry is not self._first]
        for entry in others:
            pane = self.panes[entry.name] = entry.make()
            pane.display = False
        await self.switcher.mount_all([self.panes[entry.name] for entry in others])

    @property
    def pane(self) -> Pane:
        """The pane in front."""
        return self.panes[self.switcher.current or self._first.name]
