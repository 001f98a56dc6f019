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

    def make(self) -> Pane:
        """Make the pane, from the class in the module that is called as the pane."""
        pane: Pane = getattr(importlib.import_module(f"tui.panes.{self.name}"), self.class_name)()
        return pane


PANES = (
    Entry("search", "Search", "SearchPane"),
    Entry("ask", "Ask", "AskPane"),
    Entry("summarize", "Summarize", "SummarizePane"),
    Entry("library", "Library", "LibraryPane"),
)
READER = Entry("reader", "Reader", "ReaderPane")
DIFF = Entry("diff", "Differences", "DiffPane")
OVER = (READER, DIFF)
"""Not tabs: they lie over the pane they were opened from."""
