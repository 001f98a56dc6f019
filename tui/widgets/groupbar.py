"""The groups of the Library with their counts: a line in a narrow screen, a column in a wide one."""

from __future__ import annotations

from typing import NamedTuple

from textual import events
from textual.message import Message
from textual.strip import Strip

from tui.widgets.bars import Bar
from tui.widgets.cells import Piece, fit, measure, spread

GROUPS = {
    "all": "All",
    "new": "New",
    "failed": "Failed",
    "ocr": "Needs OCR",
    "poor": "Poor",
    "duplicates": "Duplicates",
    "old": "Old versions",
    "pending": "Waiting",
    "excluded": "Excluded",
}
NOTHING = {
    "all": ("No files yet.",),
    "failed": ("Everything could be read.",),
    "ocr": ("No page without text.",),
    "duplicates": (
        "No copies.",
        "Same bytes, the same text in another format, and near-copies are looked for.",
    ),
    "old": ("No older versions.",),
    "pending": ("Nothing waits to be read.",),
}
"""Said where a group is empty."""
_SHORT = {"ocr": "OCR", "duplicates": "Copies", "old": "Old", "excluded": "Excl."}


class _Entry(NamedTuple):
    """A group as it stands in the bar."""

    name: str
    title: str
    size: str

    @property
    def text(self) -> str:
        return f" {self.title} {self.size} " if self.size else f" {self.title} "


class GroupBar(Bar):
    """The groups that are not empty."""

    class Chosen(Message):
        """Somebody clicked a group."""

        def __init__(self, group: str) -> None:
            super().__init__()
            self.group = group

    def __init__(self, *, id: str | None = None) -> None:
        """Begin without counts."""
        super().__init__(id=id)
        self.current = "all"
        self.counts: dict[str, int] = {}

    def show(self, current: str, counts: dict[str, int]) -> None:
        """Say other counts or another group."""
        if (current, counts) != (self.current, self.counts):
            self.current, self.counts = current, dict(counts)
            self.refresh()

    @property
    def names(self) -> list[str]:
        """The groups that are not empty, "all" and the current one always."""
        return [name for name in GROUPS if name in ("all", self.current) or self.counts.get(name)]

    def _entries(self, *, short: bool = False) -> list[_Entry]:
        titles = GROUPS | _SHORT if short else GROUPS
        return [
            _Entry(name, titles[name], f"{self.counts[name]:,}" if name in self.counts else "")
            for name in self.names
        ]

    def _line(self, width: int) -> tuple[list[_Entry], bool]:
        """The groups that fit into a line, the current one always, and whether some before them do not."""
        entries = self._entries()
        if _width(entries) > width:
            entries = self._entries(short=True)
        before = False
        while _width(entries) + 2 * before > width and len(entries) > 1:
            if entries[-1].name != self.current:
                entries.pop()
            else:
                entries.pop(0)
                before = True
        return entries, before

    def pieces(self, width: int) -> list[Piece]:
        """All groups in one line, under shorter names where they need the room."""
        entries, before = self._line(width)
        line: list[Piece] = [("… ", "dim")] if before else []
        line += [(entry.text, "current" if entry.name == self.current else "") for entry in entries]
        if len(entries) + before < len(self.names) and measure(line) + 2 <= width:
            line.append((" …", "dim"))
        return fit(line, width)

    def column(self, y: int, width: int) -> list[Piece]:
        """One group of the column."""
        entries = self._entries()
        if y >= len(entries):
            return fit([], width)
        entry = entries[y]
        style = "current" if entry.name == self.current else ""
        line = spread([(f" {entry.title}", style)], [(f"{entry.size} ", style)], width)
        return [(text, style) for text, _ in line]

    def draw_line(self, y: int) -> Strip:
        """A line of the bar or of the column."""
        if self.size.height <= 1:
            return super().draw_line(y)
        return self.draw_pieces(self.column(y, self.size.width))

    async def on_click(self, event: events.Click) -> None:
        """Choose the group that was clicked."""
        if self.size.height > 1:
            entries = self._entries()
            if event.y < len(entries):
                self.post_message(self.Chosen(entries[event.y].name))
            return
        entries, before = self._line(self.size.width)
        position = 2 * before
        for entry in entries:
            position += len(entry.text)
            if event.x < position:
                self.post_message(self.Chosen(entry.name))
                return


def _width(entries: list[_Entry]) -> int:
    return sum(len(entry.text) for entry in entries)
