"""The reader: a whole document, opened from any pane at a place, and left to where one came from."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Input

from tui.citing import Target, file_name
from tui.keys import READER_PANE
from tui.messages import ReaderWanted
from tui.panes.items import ItemPane
from tui.widgets.cells import line_text
from tui.widgets.queryinput import QueryInput
from tui.widgets.rows import Choice
from tui.widgets.textview import DocumentFacts, TextView

if TYPE_CHECKING:
    from copilot.types import Session
    from indexer.types import DocumentDetails, TextWindow

PART = 200_000
"""Characters held and wrapped at once: 12 ms of Latin, 160 ms of Chinese."""
_OVERLAP = 20_000
"""Characters of the part before that stay when one reads on past its end."""
_STEPS = 200
"""Parts looked through for a match: 40 million characters, more than any document keeps."""


class ReaderPane(ItemPane):
    """Not a tab: it lies over the pane it was opened from."""

    NAME = "reader"
    TITLE = "Reader"
    BINDINGS: ClassVar[list[BindingType]] = list(READER_PANE)

    def __init__(self) -> None:
        super().__init__(QueryInput(placeholder="/ finds in this document", id="find", is_query=False))
        self.view = TextView(id="reader-text", classes="part")
        self.details: DocumentDetails | None = None
        self.opened: ReaderWanted | None = None
        self._find = ""

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

    def open(self, wanted: ReaderWanted) -> None:
        """Fetch a document and show it at the place."""
        self.opened, self.details = wanted, None
        self._find = ""
        self.query_input.value = ""
        self.view.clear(f"opening {line_text(file_name(wanted.path))}…")
        document = wanted.document or wanted.path

        def work(session: Session) -> tuple[DocumentDetails, TextWindow]:
            details = session.details(wanted.path)
            start = max(0, wanted.start - PART // 2)
            return details, session.text(document, start, start + PART, query=wanted.query)

        if not self.call("open", work, lambda found: self._show(found[0], found[1], wanted)):
            self.view.clear("The library is not open yet; try again in a moment.")

    def _show(self, details: DocumentDetails, window: TextWindow, wanted: ReaderWanted) -> None:
        if wanted is not self.opened:
            return
        self.details = details
        quote = (wanted.start, wanted.end) if wanted.end and not wanted.query else (0, 0)
        inside = (a for a, _ in window.matches if wanted.start <= a < max(wanted.end, wanted.start + 1))
        self._put(window, at=next(inside, wanted.start), quote=quote)
        if not window.total:
            lines = [details.reason or "This document has no text.", details.hint]
            self.view.clear(*[line_text(text) for text in lines if text])
        self._say()

    def _put(self, window: TextWindow, *, at: int, quote: tuple[int, int]) -> None:
        details = self.details
        assert details is not None
        facts = DocumentFacts(
            details.path,
            pages=details.pages,
            mtime_ns=details.mtime_ns,
            size_bytes=details.size_bytes,
            format=details.format,
        )
        self.view.show(window, facts, at=at, quote=quote, page_starts=details.page_starts)
        if self._find:
            self._light_find(at)

    def failed(self, error: BaseException) -> None:
        """Say it where the text would be, too."""
        if self.details is None:
            self.view.clear(line_text(str(error)))
        super().failed(error)

    # --- parts of long documents

    def _fetch(self, start: int, then: Callable[[TextWindow], None]) -> None:
        details = self.details
        if details is None:
            return
        start = max(0, start)
        query = self.opened.query if self.opened and not self._find else ""
        document = details.document or details.path

        def take(window: TextWindow) -> None:
            if self.details is details:
                then(window)

        self.call("part", lambda session: session.text(document, start, start + PART, query=query), take)

    def go_to(self, offset: int) -> None:
        """Bring an offset of the document into view, fetching its part if it is not here."""
        view = self.view
        if view.start <= offset < max(view.end, view.start + 1):
            view.go_to(offset, force=True)
        else:
            self._fetch(offset - PART // 2, lambda window: self._put(window, at=offset, quote=view.quote))

    @on(TextView.EdgeReached)
    def read_on(self, event: TextView.EdgeReached) -> None:
        """Read past the part that is here."""
        event.stop()
        view = event.view
        if event.whole:
            start, at = (view.whole - PART, view.whole) if event.direction > 0 else (0, 0)
        elif event.direction > 0:
            start, at = view.end - _OVERLAP, view.top_offset
        else:
            start, at = view.start + _OVERLAP - PART, view.top_offset
        self._fetch(start, lambda window: self._put(window, at=at, quote=view.quote))

    @on(TextView.Scrolled)
    def scrolled(self, event: TextView.Scrolled) -> None:
        """Tell where one is."""
        event.stop()
        self._say()

    # --- find

    @on(Input.Changed, "#find")
    def find_changed(self, event: Input.Changed) -> None:
        """Light what is typed, from here on."""
        event.stop()
        self._find = event.value
        if self.details is None:
            return
        if event.value:
            self._light_find(self.view.place[0])
        else:
            self._fetch(
                self.view.start, lambda window: self._put(window, at=self.view.top_offset, quote=(0, 0))
            )
        self._say()

    @on(Input.Submitted, "#find")
    def find_submitted(self, event: Input.Submitted) -> None:
        """Enter goes on in the text."""
        event.stop()
        self.quire.state.remember(self.NAME, event.value)
        self.view.focus()
        if self._find and not self.view.matches:
            self._find_further(1)

    def _light_find(self, at: int) -> None:
        view = self.view
        pattern = re.compile(re.escape(self._find), re.IGNORECASE)
        found = [(m.start() + view.start, m.end() + view.start) for m in pattern.finditer(view.text)]
        current = next((index for index, (start, _) in enumerate(found) if start >= at), len(found) - 1)
        view.set_matches(found, current=current)

    @on(TextView.MatchWanted)
    def further_match(self, event: TextView.MatchWanted) -> None:
        """Look for a match in the parts that are not here, and from the other end."""
        event.stop()
        self._find_further(event.direction)

    def _find_further(self, direction: int) -> None:
        details, view = self.details, self.view
        query = "" if self._find else (self.opened.query if self.opened else "")
        if details is None or not (self._find or query):
            return
        if len(view.text) >= view.whole:
            self._wrap_around(direction)
            return
        document, literal, whole = details.document or details.path, self._find, view.whole
        begin = view.end if direction > 0 else view.start

        def work(session: Session) -> int | None:
            return _next_match(session, document, literal, query, begin, whole, direction)

        def go(offset: int | None) -> None:
            if offset is None:
                self.quire.say_briefly("No further match.")
            elif self.details is details:
                self._fetch(offset - PART // 2, lambda window: self._put(window, at=offset, quote=(0, 0)))

        self.call("find", work, go)

    def _wrap_around(self, direction: int) -> None:
        view = self.view
        if view.matches:
            view.set_matches(view.matches, current=0 if direction > 0 else len(view.matches) - 1)
            self.quire.say_briefly("Round the end." if direction > 0 else "Round the start.")
            self._say()
        else:
            self.quire.say_briefly("Not in this document." if self._find else "No match here; / finds.")

    # --- pages and headings

    def action_go_to_page(self) -> None:
        """Ask for a page and go there."""
        details = self.details
        if details is None or not details.page_starts:
            self.quire.say_briefly("This document has no pages.")
            return

        def go(text: str | None) -> None:
            if text and text.strip().isdigit():
                self._go_to_page(int(text))

        self.quire.ask_line(f"Page (1 to {len(details.page_starts)})", "", go)

    def action_page_step(self, step: int) -> None:
        """A page of the document on or back."""
        if self.details is not None and self.details.page_starts:
            page = self.view.page_at(self.view.top_offset) or 1
            self._go_to_page(page + step)
        else:
            self.view.action_screen(step)

    def _go_to_page(self, page: int) -> None:
        assert self.details is not None
        starts = self.details.page_starts
        page = max(1, min(page, len(starts)))
        view, offset = self.view, starts[page - 1]
        if view.start <= offset < max(view.end, 1):
            view.go_to_top(offset)
        else:
            self.go_to(offset)
        self._say()

    def action_headings(self) -> None:
        """Choose a heading to go to."""
        details = self.details
        if details is None or not details.headings:
            self.quire.say_briefly("This document has no headings.")
            return
        choices = [
            Choice(str(start), "  " * (level - 1) + line_text(text))
            for level, start, text in details.headings
        ]

        def go(chosen: str | None) -> None:
            if chosen is not None:
                self.go_to(int(chosen))

        self.quire.choose("Contents", choices, go)

    # --- leaving

    def action_leave(self) -> None:
        """Back to the list."""
        self.quire.leave_over()

    def step_back(self) -> bool:
        """Clear find, then leave."""
        if self._find:
            self.query_input.value = ""
            self.view.focus()
            return True
        self.quire.leave_over()
        return True

    def close_part(self) -> bool:
        """`q` closes the reader."""
        self.quire.leave_over()
        return True

    def target(self) -> Target | None:
        """The match, the quote, or the first line on screen."""
        details, view = self.details, self.view
        if details is None:
            return None
        start, end = view.place
        quote = " ".join(view.text[start - view.start : end - view.start].split())
        return Target(
            details.path,
            details.document,
            details.title,
            view.page_at(start),
            start,
            end,
            quote,
            details.format,
            details.kind,
        )

    def _say(self) -> None:
        view = self.view
        self._offer_matches()
        if view.facts is None:
            self.say("")
            return
        parts = []
        page = view.page_at(view.top_offset)
        if page and view.page_starts:
            parts.append(f"page {page} of {len(view.page_starts)}")
        parts.append(f"{min(100, view.bottom_offset * 100 // max(1, view.whole))}%")
        if view.matches:
            parts.append(f"match {view.current + 1} of {len(view.matches)}")
        elif self._find:
            parts.append(
                "not in this part; Enter looks further" if len(view.text) < view.whole else "not found"
            )
        self.say(" · ".join(parts))

    def _offer_matches(self) -> None:
        """The footer names the key for the next match where there can be one."""
        sought = self._find or (self.opened.query if self.opened is not None else "")
        possible = bool(self.view.matches) or bool(sought and len(self.view.text) < self.view.whole)
        labels = {} if possible else {"text.next": ""}
        if labels != self.view.FOOTER_LABELS:
            self.view.FOOTER_LABELS = labels
            self.screen.refresh_bindings()


def _next_match(
    session: Session, document: str, literal: str, query: str, begin: int, whole: int, direction: int
) -> int | None:
    """Offset of the next match outside the part on screen, going round the end; None when there is none."""
    pattern = re.compile(re.escape(literal), re.IGNORECASE) if literal else None
    start = begin
    for _ in range(min(_STEPS, whole // PART + 2)):
        start = start % max(1, whole) if direction > 0 else (start - PART if start > 0 else whole - PART)
        window = session.text(document, max(0, start), max(0, start) + PART, query=query)
        found = (
            [match.start() + window.start for match in pattern.finditer(window.text)]
            if pattern
            else [a for a, _ in window.matches]
        )
        if found:
            return found[0] if direction > 0 else found[-1]
        start = window.end if direction > 0 else start
    return None
