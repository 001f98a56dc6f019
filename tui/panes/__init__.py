"""The panes, in the order of their tabs. Tabs, keys and the order of `[` and `]` follow this tuple."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tui.panes.pane import Pane


class Entry(NamedTuple):
    """A pane before its module is loaded: only the one in front is loaded for the first frame."""

    name: str
    title: str
    class_name: str

    def load(self) -> type[Pane]:
        """The class of the pane, from the module that is called as the pane."""
        found: type[Pane] = getattr(importlib.import_module(f"tui.panes.{self.name}"), self.class_name)
        return found


PANES = (
    Entry("search", "Search", "SearchPane"),
    Entry("ask", "Ask", "AskPane"),
    Entry("summarize", "Summarize", "SummarizePane"),
    Entry("library", "Library", "LibraryPane"),
)
READER = Entry("reader", "Reader", "ReaderPane")
"""Not a tab: it lies over the pane it was opened from."""
