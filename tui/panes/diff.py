"""What differs between two documents, over the pane it was asked from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Input

from tui.citing import Target, file_name
from tui.keys import DIFF
from tui.messages import DiffWanted, ReaderWanted
from tui.panes.items import ItemPane
from tui.widgets.cells import line_text
from tui.widgets.diffview import DiffView
from tui.widgets.queryinput import QueryInput
from tui.widgets.textview import TextView

if TYPE_CHECKING:
    from copilot.types import Session
    from indexer.related import Difference
    from indexer.types import DocumentDetails

CONTEXT = 200
"""Characters kept on each side of what is the same, until the whole text is asked for."""


class DiffPane(ItemPane):
    """Not a tab, like the reader."""

    NAME = "diff"
    TITLE = "Differences"
    BINDINGS: ClassVar[list[BindingType]] = list(DIFF)

    def __init__(self) -> None:
        super().__init__(QueryInput(placeholder="/ finds in both texts", id="diff-find", is_query=False))
        self.view = DiffView(id="diff-text", classes="part")
        self.opened: DiffWanted | None = None
        self.found: Difference | None = None
        self._details: DocumentDetails | None = None
        self._whole = False

    def compose(self) -> ComposeResult:
        """Find line and text."""
        yield self.query_input
        with Container(classes="body"):
            yield self.view

    @property
    def main_part(self) -> Widget:
        """The text."""
        return self.view

    # --- opening

    def open(self, wanted: DiffWanted, *, whole: bool = False) -> None:
        """Compare two documents and show the first change."""
        self.opened, self.found, self._details, self._whole = wanted, None, None, whole
        self.query_input.set_quietly("")
        self.view.clear(f"comparing with {line_text(file_name(wanted.b))}…")
        self.say("")
        context = -1 if whole else CONTEXT

        def work(session: Session) -> tuple[Difference, DocumentDetails]:
            return session.diff(wanted.a, wanted.b, context=context), session.details(wanted.b)

        if not self.call("diff", work, lambda found: self._show(*found, wanted)):
            self.view.clear("The library is not open yet; try again in a moment.")

    def _show(self, difference: Difference, details: DocumentDetails, wanted: DiffWanted) -> None:
        if wanted is not self.opened:
            return
        self.found, self._details = difference, details
        if self.view.merged.text == "" and not difference.edits:
            self.view.clear("Neither has any text.")
        else:
            self.view.show_difference(difference)
        self._say()

    def failed(self, error: BaseException) -> None:
        """Say it where the text would be, too."""
        if self.found is None:
            hint = line_text(str(getattr(error, "hint", "")), 300)
            self.view.clear(*[text for text in (line_text(str(error), 300), hint) if text])
        super().failed(error)

    # --- find

    @on(Input.Changed, "#diff-find")
    def find_changed(self, event: Input.Changed) -> None:
        """Light what is typed; n and N go through it until it is cleared."""
        event.stop()
        if self.found is None:
            return
        view, at = self.view, self.view.place[0]
        if event.value:
            pattern = re.compile(re.escape(event.value), re.IGNORECASE)
            spans = [match.span() for match in pattern.finditer(view.text)]
        else:
            spans = list(view.merged.changes)
        current = next((index for index, (start, _) in enumerate(spans) if start >= at), len(spans) - 1)
        view.set_matches(spans, current=current)
        self._say()

    @on(Input.Submitted, "#diff-find")
    def find_submitted(self, event: Input.Submitted) -> None:
        """Enter goes on in the text."""
        event.stop()
        self.view.focus()

    @on(TextView.MatchWanted)
    def wrap_around(self, event: TextView.MatchWanted) -> None:
        """Go on at the other end."""
        event.stop()
        view = self.view
        if view.matches:
            view.set_matches(view.matches, current=0 if event.direction > 0 else len(view.matches) - 1)
            self.quire.say_briefly("Round the end." if event.direction > 0 else "Round the start.")
            self._say()
        else:
            self.quire.say_briefly("Nothing found." if self.query_input.value else "No word differs.")

    @on(TextView.Scrolled)
    def scrolled(self, event: TextView.Scrolled) -> None:
        """Tell where one is."""
        event.stop()
        self._say()

    # --- keys

    def action_read(self) -> None:
        """Read the second document at this change."""
        if self.opened is not None and self._details is not None:
            start = self.view.place_in_second()
            self.post_message(ReaderWanted(self.opened.b, self._details.document, start=start))

    def action_whole(self) -> None:
        """The whole text, or the changes with a little around them."""
        if self.opened is not None:
            self.open(self.opened, whole=not self._whole)

    def action_swap(self) -> None:
        """The other way round."""
        if self.opened is not None:
            self.open(DiffWanted(self.opened.b, self.opened.a), whole=self._whole)

    def action_leave(self) -> None:
        """Back to where one came from."""
        self.quire.leave_over()

    def step_back(self) -> bool:
        """Clear find, then leave."""
        if self.query_input.value:
            self.query_input.value = ""
            self.view.focus()
        else:
            self.quire.leave_over()
        return True

    def close_part(self) -> bool:
        """`q` closes it."""
        self.quire.leave_over()
        return True

    def target(self) -> Target | None:
        """The second document at the change."""
        details = self._details
        if details is None:
            return None
        start = self.view.place_in_second()
        page = sum(1 for begin in details.page_starts if begin <= start) or None
        return Target(
            details.path,
            details.document,
            details.title,
            page,
            start,
            start,
            format=details.format,
            kind=details.kind,
        )

    def _say(self) -> None:
        found = self.found
        if found is None:
            return
        words = "word" if found.removed == 1 else "words"
        parts = [f"{found.removed:,} {words} out, {found.added:,} in, {found.kept:,} the same"]
        if not found.removed and not found.added:
            parts = ["Every word is the same."]
        view = self.view
        if view.matches and not view.shows_changes:  # the changes are counted in the line above
            parts.insert(0, f"match {view.current + 1} of {len(view.matches)}")
        if found.note:
            parts.insert(0, found.note.rstrip("."))
        self.say(" · ".join(parts))
