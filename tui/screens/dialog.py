"""What every dialog has: a title, a box, a line of keys, Esc."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.keys import DIALOG
from tui.widgets.bars import InfoLine, KeyLine

if TYPE_CHECKING:
    from tui.app import QuireApp

Result = TypeVar("Result")


class Dialog(ModalScreen[Result]):
    """A box in the middle of the screen; `close` ends it without a result."""

    BINDINGS: ClassVar[list[BindingType]] = list(DIALOG)
    AUTO_FOCUS = "*"
    # here and not in app.tcss: parsed when the first dialog opens, not before the first frame
    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog:ansi { background: ansi_default; }
    Dialog .box {
        width: 86%; max-width: 100; min-width: 20; height: auto; max-height: 90%;
        background: $background; border: round $quire-dim; padding: 0 1;
    }
    Dialog .box RowList { width: 100%; }
    Dialog .choices { height: auto; max-height: 100%; }
    Dialog .tall { height: 60vh; }
    Dialog .stages { width: 100%; }
    Dialog .box KeyLine { height: 1; width: 100%; margin-top: 1; }
    Dialog .failures { margin-top: 1; }
    """

    def __init__(self, title: str) -> None:
        """Take the title."""
        super().__init__()
        self._title = title

    @property
    def quire(self) -> QuireApp:
        """The app, by its own type."""
        return cast("QuireApp", self.app)

    def compose(self) -> ComposeResult:
        """Title, content, keys."""
        with Vertical(classes="box"):
            yield InfoLine(style="question", classes="dialog-title")
            yield from self.content()
            yield KeyLine()

    def content(self) -> ComposeResult:
        """The widgets between title and keys."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Show the title."""
        self.set_title(self._title)
        self.query_one(KeyLine).read_bindings()

    def set_title(self, title: str) -> None:
        """Say another title."""
        self.query_one(".dialog-title", InfoLine).show(title)

    def action_close(self) -> None:
        """End without a result."""
        self.dismiss(None)
