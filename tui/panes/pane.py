"""What every pane has: an input line, calls of the session, words for the status line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from textual import on
from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget

from tui.calls import CallEnded, Calls
from tui.citing import Target
from tui.keys import PANE
from tui.messages import Said
from tui.widgets.queryinput import QueryInput

if TYPE_CHECKING:
    from copilot.types import Session
    from copilot.types import Status as LibraryState
    from indexer.labelled import Labelling
    from indexer.types import Progress
    from tui.app import QuireApp

T = TypeVar("T")


class Pane(Container):
    """A pane: its input line first, then its parts."""

    NAME: ClassVar[str]
    """Id, and the name its history is kept under."""
    TITLE: ClassVar[str]
    BINDINGS: ClassVar[list[BindingType]] = list(PANE)

    def __init__(self, query_input: QueryInput) -> None:
        """Mount under the pane's name; a pane makes its parts at once, so that none is ever looked up."""
        super().__init__(id=self.NAME, classes="pane")
        self.query_input = query_input
        self.calls = Calls(self)
        self.said = ""
        """What the left half of the status line shows while this pane is in front."""

    @property
    def quire(self) -> QuireApp:
        """The app, by its own type."""
        return cast("QuireApp", self.app)

    @property
    def session(self) -> Session | None:
        """The open library; None before it is up and while it is lost."""
        return self.quire.session

    # --- calls

    def call(
        self,
        group: str,
        work: Callable[[Session], T],
        done: Callable[[T], Any],
        *,
        quiet: bool = False,
    ) -> bool:
        """Make a blocking call of the session in a thread.

        Returns:
            False when there is no session now, which is said unless `quiet`.
        """
        session = self.session
        if session is None:
            if not quiet:
                self.quire.say_briefly("Not now: the library is not open.")
            return False
        self.calls.make(group, lambda: work(session), lambda result: self._deliver(done, result), self.failed)
        return True

    def _deliver(self, done: Callable[[T], Any], result: T) -> None:
        if self.is_attached:
            done(result)

    @on(CallEnded)
    def finish_call(self, event: CallEnded) -> None:
        """Hand over what a thread brought."""
        event.stop()
        event.finish()

    def failed(self, error: BaseException) -> None:
        """A call failed: one place tells it."""
        self.quire.show_error(error)

    # --- what the app tells every pane

    def session_opened(self) -> None:
        """The library is open (again)."""

    def progress_changed(self, progress: Progress) -> None:
        """The library is at another point of its work."""

    def status_read(self, status: LibraryState) -> None:
        """Counts and models are known."""

    def labelling_read(self, labelling: Labelling) -> None:
        """Tags, collections and fields are known: complete them, colour the fields."""
        from tui.widgets.queryinput import FieldSuggester, know_fields

        know_fields(field.name for field in labelling.fields)
        suggester = self.query_input.suggester
        if isinstance(suggester, FieldSuggester):
            suggester.know(labelling)

    def marks_changed(self) -> None:
        """Other documents are marked."""

    def shown(self) -> None:
        """The pane has come to the front."""

    def screen_resized(self) -> None:
        """The terminal has another size."""

    # --- what the app asks of the pane in front

    @property
    def main_part(self) -> Widget:
        """The part that gets the focus after the input."""
        raise NotImplementedError

    def target(self) -> Target | None:
        """The place in a document that actions mean."""
        return None

    def stop(self) -> bool:
        """Stop what runs; whether anything did."""
        return False

    def step_back(self) -> bool:
        """Undo the last step inside this pane; whether there was one."""
        return self.unzoom()

    def close_part(self) -> bool:
        """Close what is open over the pane (reader, zoom); whether anything was."""
        return self.unzoom()

    def open_history(self) -> bool:
        """Offer what the pane itself keeps; False when that is its queries alone."""
        return False

    def take_history(self, query: str) -> None:
        """An earlier query was chosen."""
        self.query_input.set_quietly(query)
        self.query_input.focus()

    # --- shared behaviour

    def say(self, text: str) -> None:
        """Put words into the left half of the status line."""
        self.said = text
        self.post_message(Said(self.NAME, text))

    def action_input(self) -> None:
        """To the input line."""
        self.query_input.focus()

    def action_zoom(self) -> None:
        """The focused part on the whole screen, and back."""
        focused = self.screen.focused
        if self.unzoom() or focused is None:
            return
        part = next((node for node in focused.ancestors_with_self if node.has_class("part")), None)
        if part is not None:
            part.add_class("-zoom")
            self.add_class("-zoomed")

    def unzoom(self) -> bool:
        """Show all parts again; whether one was zoomed."""
        if not self.has_class("-zoomed"):
            return False
        self.remove_class("-zoomed")
        self.query(".-zoom").remove_class("-zoom")
        return True
