"""Dialogs that are read: help, details, messages."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from tui.citing import short_path
from tui.keys import DETAILS, PLACES, QUERY_HELP, show_keys
from tui.screens.dialog import Dialog
from tui.widgets.cells import Piece, fit, line_text, pad
from tui.widgets.queryinput import QueryInput
from tui.widgets.rowlist import RowList
from tui.widgets.textview import DocumentFacts, TextView, format_size

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from indexer.types import DocumentDetails, TextWindow


class HelpRow(NamedTuple):
    """A heading (no keys) or a key with what it does."""

    keys: str
    text: str
    id: str = ""


class HelpList(RowList[HelpRow]):
    """Keys left, meaning right."""

    def key_of(self, row: HelpRow) -> str:
        """Known by id or text."""
        return row.id or row.text

    def draw(self, row: HelpRow, width: int, line: int) -> list[Piece]:
        """A heading, or keys and meaning."""
        if not row.keys:
            return fit([(f" {row.text}", "head")], width)
        column = 18 if width < 90 else 26
        name = f"  {row.id}" if row.id and width >= 90 else ""
        return fit([(pad(f"   {row.keys}", column), "name"), (f" {row.text}", ""), (name, "dim")], width)


def help_rows(active: Collection[str], keymap: Mapping[str, str]) -> list[HelpRow]:
    """All of help: the places whose bindings are active first, then the others, then the query language.

    Args:
        active: Ids of the bindings that work where help was asked for.
        keymap: Keys of the configuration, by id.
    """
    inner = [place for place in PLACES[1:] if any(binding.id in active for binding in place.bindings)]
    rest = [place for place in PLACES[1:] if place not in inner]
    rows: list[HelpRow] = []
    for place in [*inner, PLACES[0], *rest]:
        rows.append(HelpRow("", place.title))
        rows += [
            HelpRow(show_keys(keymap.get(binding.id or "", binding.key)), binding.tooltip, binding.id or "")
            for binding in place.bindings
        ]
    rows.append(HelpRow("", "Query language"))
    rows += [HelpRow(typed, meaning) for typed, meaning in QUERY_HELP]
    return rows


class Help(Dialog[None]):
    """Keys and the query language, searchable."""

    def __init__(self, rows: list[HelpRow]) -> None:
        """Show `rows`."""
        super().__init__("Keys of this place first; type to search")
        self._rows = rows

    def content(self) -> ComposeResult:
        """A line to search, and the rows."""
        yield QueryInput(placeholder="search in help", is_query=False)
        yield HelpList(classes="choices tall")

    def on_mount(self) -> None:
        """Show everything."""
        self.query_one(HelpList).show(tuple(self._rows))

    @on(Input.Changed)
    def search(self, event: Input.Changed) -> None:
        """Keep the rows that hold all words."""
        event.stop()
        words = event.value.casefold().split()
        rows = [
            row
            for row in self._rows
            if not words
            or (row.keys and all(word in f"{row.keys} {row.text} {row.id}".casefold() for word in words))
        ]
        self.query_one(HelpList).show(tuple(rows))

    @on(QueryInput.ListMoved)
    def move_list(self, event: QueryInput.ListMoved) -> None:
        """Scroll while typing."""
        event.stop()
        rows = self.query_one(HelpList)
        rows.action_page(event.pages) if event.pages else rows.action_move(event.rows)


class TextDialog(Dialog[None]):
    """A text to scroll and to copy."""

    BINDINGS: ClassVar[list[BindingType]] = list(DETAILS)

    def __init__(self, title: str, text: str) -> None:
        """Show `text`."""
        super().__init__(title)
        self.text = text

    def content(self) -> ComposeResult:
        """The text."""
        yield TextView(classes="choices tall")

    def on_mount(self) -> None:
        """Show it."""
        view = self.query_one(TextView)
        view.FOOTER_LABELS = {"text.next": ""}  # nothing is searched here
        view.show(_window(self.text), DocumentFacts(""), at=0)

    def action_copy(self) -> None:
        """Copy all of it."""
        self.quire.copy(self.text, "text")


def _window(text: str) -> TextWindow:
    from indexer.types import TextWindow

    return TextWindow(document="", start=0, end=len(text), total=len(text), text=text)


def details_text(details: DocumentDetails) -> str:
    """What is known of a document, one fact a line."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(details.mtime_ns / 1e9)) if details.mtime_ns else ""
    facts = [
        ("path", short_path(details.path)),
        ("title", details.title),
        ("state", f"{details.state}: {details.reason}" if details.reason else details.state),
        ("what to do", details.hint),
        ("format", f"{details.format} ({details.kind})"),
        ("language", details.language),
        ("length", _length(details)),
        ("changed", when),
        ("size", format_size(details.size_bytes)),
        ("quality", "" if details.quality is None else f"{details.quality} of 100"),
        *(("", line) for line in _findings(details)),
        ("encoding", f"{details.encoding}, as somebody chose" if details.encoding else ""),
        ("no text on pages", ", ".join(str(page) for page in details.textless_pages[:40])),
        *((name, value) for name, value in details.metadata.items()),
        *(("also at", short_path(path)) for path in details.duplicates),
        *(("version", short_path(path)) for path in details.versions),
        *(("warning", warning) for warning in details.warnings),
        ("document", details.document),
    ]
    return "\n".join(
        f"{name + ':' * bool(name):<18} {line_text(value, 2_000)}" for name, value in facts if value
    )


def _findings(details: DocumentDetails) -> list[str]:
    """Why the quality is what it is, and what helps."""
    from indexer.findings import REMEDIES

    costly = (finding for finding in details.findings if finding.cost)
    return [f"{finding.note} {REMEDIES[finding.remedy]}".strip() for finding in costly]


def _length(details: DocumentDetails) -> str:
    parts = [f"{details.pages:,} pages"] if details.pages else []
    return ", ".join([*parts, f"{details.characters:,} characters", f"{details.chunks:,} chunks"])
