"""The panes, in the order of their tabs. Tab, keys, help and palette follow this tuple."""

from __future__ import annotations

from tui.panes.ask import AskPane
from tui.panes.library import LibraryPane
from tui.panes.pane import Pane
from tui.panes.search import SearchPane
from tui.panes.summarize import SummarizePane

PANES: tuple[type[Pane], ...] = (SearchPane, AskPane, SummarizePane, LibraryPane)
