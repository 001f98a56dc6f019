"""Writing a note: a few lines of text."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import TextArea

from tui.keys import NOTE
from tui.screens.dialog import Dialog


class NoteDialog(Dialog[str]):
    """Returns the note; None when it is to stay as it was."""

    BINDINGS: ClassVar[list[BindingType]] = list(NOTE)
    DEFAULT_CSS = """
    NoteDialog TextArea { height: 10; border: none; padding: 0; background: $panel; }
    NoteDialog TextArea:focus { border: none; }
    """

    def __init__(self, name: str, note: str) -> None:
        """Begin with the note as it is."""
        super().__init__(f"Note on {name}")
        self._note = note

    def content(self) -> ComposeResult:
        """The lines."""
        area = TextArea(self._note, soft_wrap=True, show_line_numbers=False)
        area.cursor_blink = False
        yield area

    def on_mount(self) -> None:
        """Go on at the end of the note."""
        area = self.query_one(TextArea)
        area.move_cursor(area.document.end)

    def action_keep(self) -> None:
        """Keep what is written."""
        self.dismiss(self.query_one(TextArea).text)
