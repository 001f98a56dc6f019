"""The lines that frame every pane: tabs and badges above, status and keys below."""

from __future__ import annotations

from collections.abc import Mapping

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from tui.keys import FOOTER, show_key
from tui.palette import Painted
from tui.widgets.cells import Piece, fit, measure, segments, spread


class Bar(Painted, Widget):
    """One line made of styled pieces."""

    DEFAULT_CSS = "Bar { height: 1; width: 100%; }"

    def pieces(self, width: int) -> list[Piece]:
        """The line in exactly `width` cells."""
        raise NotImplementedError

    def draw_line(self, y: int) -> Strip:
        """Draw the line."""
        width = self.size.width
        if y or width <= 0:
            return Strip.blank(max(0, width), self.paint[""])
        return self.draw_pieces(self.pieces(width))

    def draw_pieces(self, pieces: list[Piece]) -> Strip:
        """Pieces of a whole line in this widget's styles."""
        return Strip(segments(pieces, self.paint), self.size.width)


class InfoLine(Bar):
    """A line of words that is not there while it has nothing to say."""

    def __init__(self, *, style: str = "dim", id: str | None = None, classes: str | None = None) -> None:
        """Begin empty."""
        super().__init__(id=id, classes=classes)
        self.text = ""
        self._style = style
        self.display = False

    def show(self, text: str) -> None:
        """Say something, or nothing."""
        self.text = text
        self.display = bool(text)
        self.refresh()

    def pieces(self, width: int) -> list[Piece]:
        """The words."""
        return fit([(f" {self.text}", self._style)], width)


class Words(Bar):
    """A line of words whose place the style sheet decides."""

    def __init__(self, text: str, *, id: str | None = None) -> None:
        """Say `text`."""
        super().__init__(id=id)
        self.text = text

    def pieces(self, width: int) -> list[Piece]:
        """The words."""
        return fit([(self.text, "")], width)


class Tabs(Bar):
    """The panes on the left, the badges on the right."""

    class Chosen(Message):
        """Somebody clicked a tab."""

        def __init__(self, pane: str) -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, panes: list[tuple[str, str]], *, id: str | None = None) -> None:
        """Take (pane id, title) in order."""
        super().__init__(id=id)
        self._panes = panes
        self.current = panes[0][0]
        self.badges: tuple[tuple[str, str], ...] = ()
        """Text and style of each badge."""

    def choose(self, pane: str) -> None:
        """Light a tab."""
        if pane != self.current:
            self.current = pane
            self.refresh()

    def set_badges(self, *badges: tuple[str, str]) -> None:
        """Say other badges; nothing is drawn when they are the same."""
        if badges != self.badges:
            self.badges = badges
            self.refresh()

    def pieces(self, width: int) -> list[Piece]:
        """Tabs and as many badges as fit, the last ones going first."""
        left: list[Piece] = []
        for number, (pane, title) in enumerate(self._panes, start=1):
            left.append((f" {number} {title} ", "current" if pane == self.current else ""))
        badges = list(self.badges)
        while badges:
            right = [
                piece
                for index, (text, style) in enumerate(badges)
                for piece in ((("  " if index else ""), ""), (text, style))
            ]
            if measure(left) + measure(right) + 3 <= width:
                return spread(left, [*right, (" ", "")], width)
            badges.pop()
        return fit(left, width)

    async def on_click(self, event: events.Click) -> None:
        """Choose the tab that was clicked."""
        position = 0
        for number, (pane, title) in enumerate(self._panes, start=1):
            position += len(f" {number} {title} ")
            if event.x < position:
                self.post_message(self.Chosen(pane))
                return


class StatusLine(Bar):
    """What the pane says on the left, how far the library is on the right."""

    def __init__(self, *, id: str | None = None) -> None:
        """Begin empty."""
        super().__init__(id=id)
        self.left = ""
        self.right = ""
        self.alert = False

    def say(self, left: str | None = None, right: str | None = None, *, alert: bool = False) -> None:
        """Change a half or both; nothing is drawn when they are the same."""
        before = (self.left, self.right, self.alert)
        if left is not None:
            self.left, self.alert = left, alert
        if right is not None:
            self.right = right
        if before != (self.left, self.right, self.alert):
            self.refresh()

    def pieces(self, width: int) -> list[Piece]:
        """Both halves; what the pane says is cut first."""
        left: list[Piece] = [(f" {self.left}", "alert" if self.alert else "")]
        return spread(left, [(f"{self.right} ", "dim")] if self.right else [], width)


class KeyLine(Bar):
    """The keys of the part that has the focus, as many as fit."""

    def __init__(self, *, id: str | None = None) -> None:
        """Begin empty."""
        super().__init__(id=id)
        self._keys: list[tuple[str, str, str]] = []

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.read_bindings())

    def read_bindings(self) -> None:
        """Take the bindings of the focused part that the footer has a place for."""
        typing = isinstance(self.screen.focused, Input)
        labels: Mapping[str, str] = getattr(self.screen.focused, "FOOTER_LABELS", {})
        found: dict[str, tuple[str, str, str]] = {}
        for key, active in self.screen.active_bindings.items():
            binding = active.binding
            shown = show_key(key)
            if binding.id not in FOOTER or (typing and len(shown) == 1):
                continue  # a character would be typed
            if binding.id not in found or _rank(key, typing) < _rank(found[binding.id][2], typing):
                label = labels.get(binding.id, binding.description)
                found[binding.id] = (shown, label, key)
        keys = [found[id] for id in FOOTER if id in found and found[id][1]]
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def pieces(self, width: int) -> list[Piece]:
        """Keys and labels; the ones before the last give way on a narrow screen."""
        keys = list(self._keys)
        while keys:
            line: list[Piece] = []
            for shown, label, _ in keys:
                line += [(" ", ""), (shown, "key"), (f" {label} ", "dim")]
            if measure(line) <= width or len(keys) == 1:
                return fit(line, width)
            keys.pop(-2 if len(keys) > 1 else -1)
        return fit([], width)

    async def on_click(self, event: events.Click) -> None:
        """Press the key that was clicked."""
        position = 0
        for shown, label, key in self._keys:
            position += len(shown) + len(label) + 3
            if event.x < position:
                self.app.simulate_key(key)
                return


def _rank(key: str, typing: bool) -> tuple[bool, bool, int]:
    """Which of a binding's keys to show: Enter first, then a plain character, then the shortest."""
    shown = show_key(key)
    return (key != "enter", len(shown) > 1 and not typing, len(shown))
