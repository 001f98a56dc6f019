"""What Ask and Summarize share: a streamed text, its sources, and the way from one to the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.timer import Timer
from textual.widget import Widget

from tui.calls import Stream
from tui.citing import Target, citation, file_name
from tui.keys import ANSWER
from tui.messages import ReaderWanted
from tui.panes.items import ItemPane
from tui.panes.previewing import LEAST_ROWS
from tui.widgets.answerview import AnswerView, Entry
from tui.widgets.bars import InfoLine
from tui.widgets.cells import line_text
from tui.widgets.queryinput import QueryInput
from tui.widgets.rowlist import RowList
from tui.widgets.rows import Source, SourceList

if TYPE_CHECKING:
    from copilot.types import Answer, Citation, Coverage, Passage, Session, Summary

JOIN_S = 0.2
SLOW_JOIN_S = 0.5
"""Tokens are joined this long before they are drawn; the second on a slow line."""


class ProofPane(ItemPane):
    """A pane whose answers grow as they are written, every sentence traced to its source."""

    BINDINGS: ClassVar[list[BindingType]] = list(ANSWER)
    PLACEHOLDER: ClassVar[str]

    def __init__(self) -> None:
        name = self.NAME
        super().__init__(QueryInput(placeholder=self.PLACEHOLDER, id=f"{name}-input", is_query=False))
        self.scope_line = InfoLine(id=f"{name}-scope")
        self.view = AnswerView(id=f"{name}-answer")
        self.sources = SourceList(id=f"{name}-sources", classes="part side -hidden")
        self._stream: Stream | None = None
        self._entry: Entry | None = None
        self._joining: Timer | None = None
        self._began_s = 0.0
        self.answer: Answer | Summary | None = None
        """The newest finished answer."""

    def compose(self) -> ComposeResult:
        """Input, scope, text, sources."""
        yield self.query_input
        yield self.scope_line
        with Container(classes="body"):
            yield self.view
            yield self.sources

    def on_mount(self) -> None:
        """Say what this pane is for while it is empty."""
        self.view.add_class("part")
        self.view.hint = self.hints()

    def on_resize(self) -> None:
        """Sources take two lines where the screen is wide."""
        self.sources.row_height = 2 if self.quire.wide else 1
        self._size_sources()

    @property
    def main_part(self) -> Widget:
        """The text."""
        return self.view

    def hints(self) -> tuple[str, ...]:
        """Lines shown before the first question."""
        raise NotImplementedError

    # --- streaming

    @property
    def running(self) -> bool:
        """An answer is being written."""
        return self._stream is not None

    def start(
        self, title: str, open_iterator: Callable[[Session], Iterator[Any]], *, fresh: bool = False
    ) -> bool:
        """Begin to stream; False when there is no session."""
        session = self.session
        if session is None:
            self.say("The library is not open yet; Enter asks again.")
            return False
        self.stop()
        self._entry = self.view.begin(title, fresh=fresh)
        self.answer = None
        self._show_sources((), "")
        self._began_s = time.monotonic()
        self._stream = Stream(self, lambda: open_iterator(session), each=self._take, ended=self._ended)
        self.say("reading… · Esc stops")
        return True

    def _take(self, event: Any) -> None:
        """One event of the stream."""
        from copilot.types import Answer, Checked, Notice, Retrieved, Summary, Token

        match event:
            case Retrieved(passages=passages, coverage=coverage):
                self._show_passages(passages, coverage)
                self.say(f"{self._read(coverage)} · writing… · Esc stops")
            case Token(text=text):
                self._append(text)
            case Checked(claims=claims):
                if self._entry is not None:
                    self._entry.check(claims)
                    self._append("")
            case Notice(text=text):
                self.say(f"{line_text(text)} · Esc stops")
            case Answer() | Summary():
                self._finish(event)

    def _append(self, text: str) -> None:
        if self._entry is None:
            return
        self._entry.text += text
        if self._joining is None:
            delay = SLOW_JOIN_S if self.quire.settings.slow else JOIN_S
            self._joining = self.set_timer(delay, self._draw_joined)

    def _draw_joined(self) -> None:
        self._joining = None
        self.view.lay_out()

    def _finish(self, answer: Answer | Summary) -> None:
        if self._entry is None:
            return
        self.answer = answer
        self._entry.finish(answer)
        self.view.lay_out()
        self._show_citations(answer)
        self.say(self._verdicts(answer))
        self.finished(answer)

    def finished(self, answer: Answer | Summary) -> None:
        """An answer is complete."""

    def _ended(self, error: BaseException | None) -> None:
        self._stream = None
        if error is not None:
            self._break_off(f"{line_text(str(error), 300)} r tries again.")
            self.quire.show_error(error)
        elif self._entry is not None and not self._entry.done:
            self._break_off("The answer was cut off. r tries again.")

    def _break_off(self, note: str) -> None:
        """Keep what was written so far and say why it ends."""
        if self._entry is not None:
            self._entry.done = True
            self._entry.notes = (note,)
            self.view.lay_out()
        self.say(note)

    def stop(self) -> bool:
        """Stop the answer that is being written."""
        if self._stream is None:
            return False
        self._stream.stop()
        self._stream = None
        self._break_off("Stopped. r asks again.")
        return True

    # --- sources

    def _show_passages(self, passages: tuple[Passage, ...], coverage: Coverage) -> None:
        """The passages an answer will be written from."""
        from copilot.types import Citation

        rows = tuple(
            Source(
                str(passage.number),
                f"[{passage.number}]",
                Citation(
                    n=passage.number,
                    path=passage.hit.path,
                    title=passage.hit.title,
                    document=passage.hit.document,
                    page=passage.hit.page,
                    start=passage.hit.start,
                    end=passage.hit.end,
                    quote=passage.hit.snippet,
                ),
            )
            for passage in passages
        )
        self._show_sources(rows, self._read(coverage))

    def _show_citations(self, answer: Answer | Summary) -> None:
        nearest: tuple[Citation, ...] = getattr(answer, "nearest", ())
        cited = answer.citations or nearest
        self.sources.title = "Sources" if answer.citations or not nearest else "Nearest passages"
        rows = [Source(str(each.n), f"[{each.n}]" if answer.citations else "  ~", each) for each in cited]
        rows += self._unread_rows(answer.coverage)
        self._show_sources(tuple(rows), self._read(answer.coverage))

    def _unread_rows(self, coverage: Coverage) -> list[Source]:
        """What could not be read (Enter tells the remedies), and what still waits to be."""
        rows = []
        waiting = min(coverage.waiting, len(coverage.unread))
        unread = coverage.unread[: len(coverage.unread) - min(waiting, 50)]
        if unread:
            names = ", ".join(f"{file_name(each.path)} ({each.reason})" for each in unread[:3])
            more = f" and {len(unread) - 3:,} more" if len(unread) > 3 else ""
            rows.append(Source("unread", "!", None, f"! not read: {line_text(names)}{more}", "warn"))
        if coverage.withheld:
            rows.append(Source("withheld", "!", None, line_text(_kept_back(coverage)), "warn"))
        if coverage.waiting:
            text = f"! {coverage.waiting:,} new or changed, still to be read: R reads them, w shows how far"
            rows.append(Source("waiting", "!", None, text, "warn"))
        return rows

    def _show_sources(self, rows: tuple[Source, ...], read: str) -> None:
        sources = self.sources
        sources.read = read
        sources.set_class(not rows or self.app.size.height < LEAST_ROWS // 2, "-hidden")
        sources.show(rows)
        self._size_sources()

    def _size_sources(self) -> None:
        """As high as its rows, at most half the body; beside the text where the screen is wide."""
        sources = self.sources
        if self.quire.wide:
            sources.styles.height, sources.styles.width = "100%", "40%"
        else:
            half = max(3, self.size.height // 2)
            sources.styles.height = min(sources.total * sources.row_height + 1, half)
            sources.styles.width = "100%"

    def _read(self, coverage: Coverage) -> str:
        return f"read {coverage.read:,} of {coverage.in_scope:,}"

    def _verdicts(self, answer: Answer | Summary) -> str:
        from copilot.types import Answer

        seconds = f"{answer.took_ms / 1000:.1f} s"
        generator = "quotes only" if answer.generator == "extractive" else line_text(answer.generator)
        if isinstance(answer, Answer):
            sure = [] if answer.confidence is None else [f"{min(answer.confidence, 0.99):.0%} sure"]
            if answer.status == "not_found":
                return " · ".join(["not in your documents", *sure, seconds, generator])
            verdicts, noun = [claim.verdict for claim in answer.claims], "claim"
        else:
            verdicts, noun = [sentence.verdict for sentence in answer.sentences], "sentence"
            sure = []
        counts = [
            f"{verdicts.count(name)} {name}"
            for name in ("supported", "partly", "unsupported", "contradicted")
            if name in verdicts
        ]
        total = f"{len(verdicts)} {noun}{'s' if len(verdicts) != 1 else ''}"
        return " · ".join([f"{total}: {', '.join(counts)}" if counts else total, *sure, seconds, generator])

    # --- keys

    def action_citation(self, step: int) -> None:
        """Light the next citation and its source."""
        if self.view.step_citation(step) is None:
            self.sources.action_move(step)

    @on(AnswerView.Cited)
    def point_at_source(self, event: AnswerView.Cited) -> None:
        """The list of sources follows the citation that is lit."""
        event.stop()
        numbers = [source.key for source in self.sources.rows_here()]
        if str(event.number) in numbers:
            self.sources.move_to(numbers.index(str(event.number)))

    def action_open_source(self) -> None:
        """Read the source under the cursor, its quote lit."""
        source = self.sources.current
        if source is None:
            return
        if source.citation is not None:
            self.post_message(ReaderWanted.of_citation(source.citation))
        elif self.answer is not None and source.key == "withheld":
            kept = self.answer.coverage.withheld
            lines = [f"{each.path}\n    {each.policy}: {each.reason}" for each in kept]
            self.quire.show_text("Kept from the model", "\n".join(lines))
        elif self.answer is not None:
            unread = self.answer.coverage.unread
            lines = [f"{each.path}\n    {each.reason}\n    {each.hint}".rstrip() for each in unread]
            self.quire.show_text("Not read", "\n".join(lines))

    @on(RowList.Opened)
    def open_row(self, event: RowList.Opened) -> None:
        """Enter on a source."""
        event.stop()
        self.action_open_source()

    @on(RowList.Moved)
    def keep_moves(self, event: RowList.Moved) -> None:
        """Moves in the sources concern nobody else."""
        event.stop()

    @on(QueryInput.ListMoved)
    def leave_input(self, event: QueryInput.ListMoved) -> None:
        """Down from the input goes into the text."""
        event.stop()
        if event.rows > 0 or event.pages > 0:
            self.view.focus()

    def target(self) -> Target | None:
        """The source under the cursor."""
        source = self.sources.current if self.sources.display else None
        cited = source.citation if source is not None else None
        if cited is None:
            return None
        return Target(
            cited.path, cited.document, cited.title, cited.page, cited.start, cited.end, cited.quote
        )

    def action_copy(self) -> None:
        """Copy the source under the cursor; in the text, all of it with its sources."""
        if self.screen.focused is self.sources or self.answer is None:
            super().action_copy()
        else:
            self.quire.copy(self.as_text(), "answer with sources")

    def as_text(self) -> str:
        """The newest answer with its sources, as plain text."""
        if self.answer is None or self._entry is None:
            return ""
        sources = [
            f"[{each.n}] "
            + citation(Target(each.path, each.document, each.title, each.page, quote=each.quote)).replace(
                "\n", "\n    "
            )
            for each in self.answer.citations
        ]
        return "\n".join([self._entry.question, "", self._entry.text, "", *sources]).strip() + "\n"


def _kept_back(coverage: Coverage) -> str:
    """What was kept from a model on another machine, in a line."""
    kept = coverage.withheld
    names = ", ".join(f"{file_name(each.path)} ({each.policy})" for each in kept[:3])
    more = f" and {len(kept) - 3:,} more" if len(kept) > 3 else ""
    remedy = " · L lets it go" if any(each.policy == "ask" for each in kept) else ""
    return f"! kept from the model: {names}{more}{remedy}"
