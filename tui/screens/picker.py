"""Choosing one of many: menus, the command palette, history, documents by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from tui.calls import CallEnded, Calls
from tui.screens.dialog import Dialog
from tui.widgets.queryinput import QueryInput
from tui.widgets.rowlist import RowList
from tui.widgets.rows import Choice, ChoiceList

if TYPE_CHECKING:
    from copilot.types import Session

_MOST = 2_000


class Picker(Dialog[str]):
    """A list to choose from; returns the key of the choice."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self, title: str, choices: Sequence[Choice], *, typing: bool = False, text: str = ""
    ) -> None:
        """Offer `choices`; with `typing` a line above the list filters them."""
        super().__init__(title)
        self.choices = list(choices)
        self._typing = typing
        self._text = text

    def content(self) -> ComposeResult:
        """A line to type into, if wanted, and the list."""
        if self._typing:
            yield QueryInput(placeholder="type to filter", is_query=False)
        yield ChoiceList(classes="choices")

    def on_mount(self) -> None:
        """Show the choices."""
        self.choose_from(self._filtered(self._text))
        if self._typing and self._text:
            self.query_one(QueryInput).set_quietly(self._text)

    def choose_from(self, choices: Sequence[Choice], *empty: str) -> None:
        """Show other choices."""
        rows = self.query_one(ChoiceList)
        rows.empty = empty or ("Nothing fits.",)
        rows.show(tuple(choices))
        rows.styles.height = max(1, min(rows.total or len(rows.empty), 16, self.app.size.height - 9))

    def _filtered(self, text: str) -> list[Choice]:
        words = text.casefold().split()
        if not words:
            return self.choices[:_MOST]
        found = [(place, choice) for choice in self.choices if (place := match(choice, words)) is not None]
        found.sort(key=lambda pair: pair[0][0])
        return [choice._replace(spans=place[1]) for place, choice in found[:_MOST]]

    @on(Input.Changed)
    def text_changed(self, event: Input.Changed) -> None:
        """Filter."""
        event.stop()
        self.choose_from(self._filtered(event.value))

    @on(QueryInput.ListMoved)
    def move_list(self, event: QueryInput.ListMoved) -> None:
        """Move in the list while typing."""
        event.stop()
        rows = self.query_one(ChoiceList)
        rows.action_move(event.rows) if event.rows else rows.action_page(event.pages)

    @on(Input.Submitted)
    @on(RowList.Opened)
    def chosen(self, event: Input.Submitted | RowList.Opened) -> None:
        """Enter chooses."""
        event.stop()
        choice = self.query_one(ChoiceList).current
        if choice is not None:
            self.dismiss(choice.key)


class Menu(Picker):
    """A few things to do, each with a letter of its own; Enter does the first."""

    def on_key(self, event: events.Key) -> None:
        """A letter chooses."""
        if event.character and any(choice.key == event.character for choice in self.choices):
            event.stop()
            self.dismiss(event.character)


def match(choice: Choice, words: list[str]) -> tuple[int, tuple[tuple[int, int], ...]] | None:
    """Where all words stand in a choice: a rank (smaller is better) and the spans in its label."""
    label, hint = choice.label.casefold(), choice.hint.casefold()
    rank, spans = 0, []
    for word in words:
        place = label.find(word)
        if place >= 0:
            rank += place if place == 0 or not label[place - 1].isalnum() else place + 100
            spans.append((place, place + len(word)))
        elif word in hint:
            rank += 1_000
        else:
            return None
    return rank, tuple(sorted(spans)) if len(label) == len(choice.label) else ()


class NamePicker(Picker):
    """Documents by name; the engine does the matching."""

    def __init__(self, session: Session) -> None:
        """Ask `session` for names."""
        super().__init__("Find a document by name", [], typing=True)
        self._session = session
        self._calls = Calls(self)
        self._wanted = ""

    def on_mount(self) -> None:
        """Say how to type."""
        self.query_one(QueryInput).placeholder = "words of the name; 'exact ^start end$ !not"
        self._find("")

    @on(Input.Changed)
    def text_changed(self, event: Input.Changed) -> None:
        """Ask for the names that fit."""
        event.stop()
        self._find(event.value)

    def _find(self, pattern: str) -> None:
        self._wanted = pattern
        self._calls.make("names", lambda: _names(self._session, pattern), self._show, self._failed)

    def _show(self, found: tuple[str, list[Choice]]) -> None:
        if found[0] == self._wanted and self.is_attached:
            self.choose_from(found[1], "No document of this name.")

    def _failed(self, error: BaseException) -> None:
        self.choose_from([], str(error))

    @on(CallEnded)
    def finish_call(self, event: CallEnded) -> None:
        """Hand over what a thread brought."""
        event.stop()
        event.finish()


def _names(session: Session, pattern: str) -> tuple[str, list[Choice]]:
    from tui.citing import file_name, folder_name

    rows = session.find_names(pattern)
    return pattern, [Choice(row.path, file_name(row.path), folder_name(row.path)) for row in rows]


class LinePrompt(Dialog[str]):
    """One line to type; returns it."""

    def __init__(self, title: str, text: str) -> None:
        """Begin with `text` in the line."""
        super().__init__(title)
        self._text = text

    def content(self) -> ComposeResult:
        """The line."""
        yield QueryInput(is_query=False)

    def on_mount(self) -> None:
        """Put the text in."""
        self.query_one(QueryInput).set_quietly(self._text)

    @on(Input.Submitted)
    def submitted(self, event: Input.Submitted) -> None:
        """Enter takes it."""
        event.stop()
        self.dismiss(event.value)


class Confirm(Dialog[bool]):
    """Yes or no; Enter on the lit answer, `y` and `n`."""

    def __init__(self, title: str, yes: str, no: str) -> None:
        """Say what both answers mean."""
        super().__init__(title)
        self._answers = (yes, no)

    def content(self) -> ComposeResult:
        """Both answers; the harmless one is lit."""
        yield ChoiceList(classes="choices")

    def on_mount(self) -> None:
        """Light the harmless answer."""
        rows = self.query_one(ChoiceList)
        rows.show((Choice("n", self._answers[1], "n"), Choice("y", self._answers[0], "y")))
        rows.styles.height = 2

    @on(RowList.Opened)
    def chosen(self, event: RowList.Opened) -> None:
        """Enter answers."""
        event.stop()
        choice = self.query_one(ChoiceList).current
        self.dismiss(choice is not None and choice.key == "y")

    def key_y(self) -> None:
        """Yes."""
        self.dismiss(True)

    def key_n(self) -> None:
        """No."""
        self.dismiss(False)


Ended = Callable[[str | None], None]
"""What is done with a choice; None when the dialog was closed."""
