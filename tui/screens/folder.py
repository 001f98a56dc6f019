"""Adding a folder: a path with completion, and a count of what is in it before saying yes."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Input

from tui.calls import CallEnded, Calls
from tui.keys import FOLDER
from tui.screens.dialog import Dialog
from tui.widgets.bars import InfoLine
from tui.widgets.queryinput import QueryInput
from tui.widgets.rowlist import RowList
from tui.widgets.rows import Choice, ChoiceList

_COUNT_S = 3.0
"""Longest time a count may take; then it says "more than"."""
_SHOWN = 200


class Count(NamedTuple):
    """What a folder holds."""

    path: str
    files: int
    types: tuple[tuple[str, int], ...]
    whole: bool
    """False when the time was up before everything was counted."""

    def __str__(self) -> str:
        if not self.files:
            return "no files"
        kinds = ", ".join(f"{name} {count:,}" for name, count in self.types)
        return f"{'' if self.whole else 'more than '}{self.files:,} files: {kinds}"


def count_files(path: str) -> Count:
    """Count the files below a path, hidden ones left out, links not followed."""
    if Path(path).is_file():
        return Count(path, 1, ((Path(path).suffix.lstrip(".") or "file", 1),), True)
    types: Counter[str] = Counter()
    deadline_s, whole = time.monotonic() + _COUNT_S, True
    for _, folders, files in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        types.update(Path(name).suffix.lower().lstrip(".") or "other" for name in files if name[:1] != ".")
        if time.monotonic() > deadline_s:
            whole = False
            break
    return Count(path, types.total(), tuple(types.most_common(5)), whole)


def completions(typed: str) -> list[str]:
    """Folders that continue what is typed, with a `/` at the end."""
    expanded = str(Path(typed).expanduser()) if typed.startswith("~") else typed
    if typed in ("", "~"):
        expanded = str(Path.home()) + "/"
    elif typed.endswith("/") and not expanded.endswith("/"):
        expanded += "/"
    folder, _, begin = expanded.rpartition("/")
    try:
        with os.scandir(folder or "/") as entries:
            names = sorted(
                entry.name
                for entry in entries
                if entry.name.startswith(begin)
                and (begin.startswith(".") or not entry.name.startswith("."))
                and entry.is_dir()
            )
    except OSError:
        return []
    return [f"{folder}/{name}/" for name in names[:_SHOWN]]


class PathInput(QueryInput):
    """A line for a path; Tab completes it."""

    BINDINGS: ClassVar[list[BindingType]] = list(FOLDER)

    class CompletionWanted(Message):
        """Tab was pressed."""

    def action_complete(self) -> None:
        """Take the folder under the cursor."""
        self.post_message(self.CompletionWanted())


class AddFolder(Dialog[str]):
    """Returns the path to add."""

    AUTO_FOCUS = "PathInput"

    def __init__(self) -> None:
        """Begin in the home folder."""
        super().__init__("Add a folder: Tab completes, Enter counts, Enter again adds")
        self._calls = Calls(self)
        self._counted: Count | None = None

    def content(self) -> ComposeResult:
        """Path, count, folders that continue it."""
        yield PathInput(placeholder="path of a folder or file", is_query=False)
        yield InfoLine(id="count")
        yield ChoiceList(classes="choices")

    def on_mount(self) -> None:
        """Offer the home folder's folders."""
        self.query_one(QueryInput).set_quietly("~/")

    @on(Input.Changed)
    def path_changed(self, event: Input.Changed) -> None:
        """Offer what continues the path; another path wants another count."""
        event.stop()
        typed, self._counted = event.value, None
        self.query_one("#count", InfoLine).show("")
        self._calls.make("complete", lambda: (typed, completions(typed)), self._offer, self._failed)

    def _offer(self, found: tuple[str, list[str]]) -> None:
        if self.is_attached and found[0] == self.query_one(QueryInput).value:
            rows = self.query_one(ChoiceList)
            rows.empty = ("No folder continues this path.",)
            rows.show(tuple(Choice(path, path) for path in found[1]))
            rows.styles.height = max(1, min(rows.total, 10))

    def _failed(self, error: BaseException) -> None:
        self.query_one("#count", InfoLine).show(str(error))

    @on(PathInput.CompletionWanted)
    def complete(self, event: PathInput.CompletionWanted) -> None:
        """Tab takes the folder under the cursor."""
        event.stop()
        self._take_choice()

    def _take_choice(self) -> None:
        choice = self.query_one(ChoiceList).current
        if choice is not None:
            self.query_one(QueryInput).set_quietly(choice.key)

    @on(QueryInput.ListMoved)
    def move_list(self, event: QueryInput.ListMoved) -> None:
        """Move among the folders while typing."""
        event.stop()
        rows = self.query_one(ChoiceList)
        rows.action_move(event.rows) if event.rows else rows.action_page(event.pages)

    @on(RowList.Opened)
    def take_row(self, event: RowList.Opened) -> None:
        """Enter on a folder takes it into the line."""
        event.stop()
        self._take_choice()
        self.query_one(QueryInput).focus()

    @on(Input.Submitted)
    def submitted(self, event: Input.Submitted) -> None:
        """The first Enter counts, the second adds."""
        event.stop()
        path = os.path.normpath(Path(event.value.strip()).expanduser())
        if not event.value.strip() or not Path(path).exists():
            self.query_one("#count", InfoLine).show("There is no such folder.")
        elif self._counted is not None and self._counted.path == path:
            self.dismiss(path)
        else:
            self.query_one("#count", InfoLine).show("counting…")
            self._calls.make("count", lambda: count_files(path), self._show_count, self._failed)

    def _show_count(self, count: Count) -> None:
        if self.is_attached:
            self._counted = count
            self.query_one("#count", InfoLine).show(f"{count}   Enter adds, Esc does not")

    @on(CallEnded)
    def finish_call(self, event: CallEnded) -> None:
        """Hand over what a thread brought."""
        event.stop()
        event.finish()
