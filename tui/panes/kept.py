"""What Ask adds to an answer once it is there: its table, a verdict by the person, the history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textual.binding import BindingType

from indexer.errors import AppError, ConsentNeededError
from tui.citing import file_name
from tui.keys import KEPT
from tui.panes.proof import ProofPane
from tui.widgets.cells import line_text, measure
from tui.widgets.rows import Choice, Source

if TYPE_CHECKING:
    from copilot.types import Answer, Conversation, ConversationRow, Summary

VALUE_WIDTH = 18
"""Cells at most for the values of a table."""

_SAID = {1: "noted: this helped", -1: "noted: this was wrong", 0: "taken back"}


class KeptPane(ProofPane):
    """A pane whose answers are kept, judged, and shown again."""

    BINDINGS: ClassVar[list[BindingType]] = list(KEPT)

    def __init__(self) -> None:
        super().__init__()
        self.conversation = ""
        """Id in the history; "" before the first answer."""
        self._judged: dict[int, int] = {}
        """Turn to verdict, as far as said here."""
        self.consent: Literal["", "yes", "no"] = ""
        """What was said to the cost of the question that is asked next."""

    # --- the table of a question to every document

    def _take(self, event: Any) -> None:
        from copilot.types import Cost

        if isinstance(event, Cost):
            where = f", text goes to {line_text(event.host)}" if event.host else ""
            self.say(f"{event.calls:,} calls, about {event.tokens:,} tokens{where} · Esc stops")
        else:
            super()._take(event)

    def _ended(self, error: BaseException | None) -> None:
        """Too many calls are asked about, everything else is told."""
        if not isinstance(error, ConsentNeededError):
            super()._ended(error)
            return
        self._stream = None
        self._break_off(f"{line_text(error.message, 200)} It waits for a yes or no.")
        from tui.screens.picker import Confirm

        def answered(agreed: bool | None) -> None:
            if agreed is not None:
                self.consent = "yes" if agreed else "no"
                self.action_again()

        title = line_text(error.message, 70)
        self.quire.push_screen(Confirm(title, "Yes, go on", "No, read by words alone"), answered)

    def action_again(self) -> None:
        """Ask the last question again."""
        raise NotImplementedError

    def _show_citations(self, answer: Answer | Summary) -> None:
        findings = getattr(answer, "findings", ())
        self.sources.value_width = 0
        if not any(finding.found for finding in findings):
            super()._show_citations(answer)
            return
        cited = {citation.n: citation for citation in answer.citations}
        rows = [
            Source(str(cell.citation), f"[{cell.citation}]", cited[cell.citation], cell.value, cell.verdict)
            for finding in findings
            for cell in finding.cells
        ]
        absent = [finding.path for finding in findings if not finding.found]
        if absent:
            rows.append(Source("absent", "", None, f"{len(absent):,} do not mention it; Enter lists them"))
        self.sources.title = "Findings"
        self.sources.value_width = min(
            max(measure([(row.text, "")]) + 2 for row in rows if row.citation), VALUE_WIDTH
        )
        self._show_sources((*rows, *self._unread_rows(answer.coverage)), self._read(answer.coverage))
        self.sources.focus()

    def _size_sources(self) -> None:
        """A table gets most of the body."""
        super()._size_sources()
        if not self.sources.value_width:
            return
        if self.quire.wide:
            self.sources.styles.width = "65%"
        else:
            self.sources.styles.height = min(self.sources.total + 1, max(3, self.size.height - 7))

    def _verdicts(self, answer: Answer | Summary) -> str:
        """For a table how many documents are in it, and the key that exports it."""
        findings = getattr(answer, "findings", ())
        if not findings:
            return super()._verdicts(answer)
        found = sum(finding.found for finding in findings)
        generator = "quotes only" if answer.generator == "extractive" else line_text(answer.generator)
        return (
            f"{found} of {len(findings)} mention it · {answer.took_ms / 1000:.1f} s · {generator} · E exports"
        )

    def action_open_source(self) -> None:
        """Read the source under the cursor; below a table, list what does not mention the matter."""
        source = self.sources.current
        findings = getattr(self.answer, "findings", ())
        if source is not None and source.key == "absent":
            paths = [line_text(finding.path, 400) for finding in findings if not finding.found]
            self.quire.show_text("Not mentioned in", "\n".join(paths))
        else:
            super().action_open_source()

    def action_export(self) -> None:
        """Write the table to a file."""
        answer = self.answer
        if not getattr(answer, "findings", ()):
            self.quire.say_briefly("Only the table of a question to every document is exported.")
            return

        def write(target: str | None) -> None:
            if target and target.strip():
                self._write(target.strip())

        self.quire.ask_line("Write the table to (.csv or .md)", "findings.csv", write)

    def _write(self, target: str) -> None:
        from indexer.wire import to_wire
        from tui import tables

        try:
            path = tables.export(to_wire(self.answer), target)
        except AppError as exc:
            self.quire.show_error(exc)
            return
        self.say(f"written to {line_text(path)}")

    def as_text(self) -> str:
        """The newest answer with its sources; a table as Markdown."""
        if not getattr(self.answer, "findings", ()):
            return super().as_text()
        from indexer.wire import to_wire
        from tui import tables

        return tables.as_markdown(to_wire(self.answer))

    # --- verdicts

    def action_judge(self, verdict: int) -> None:
        """Keep that the answer helped or was wrong; the same key again takes it back."""
        turn = getattr(self.answer, "turn", 0)
        if not turn:
            self.quire.say_briefly("There is no kept answer to judge.")
            return
        wanted = 0 if self._judged.get(turn) == verdict else verdict

        def done(_: None) -> None:
            self._judged[turn] = wanted
            self.say(_SAID[wanted])

        self.call("judge", lambda session: session.judge(turn, wanted), done)

    # --- history

    def open_history(self) -> bool:
        """Offer earlier conversations; False leaves it to the list of queries."""
        return self.call("history", lambda session: session.history(limit=500), self._offer, quiet=True)

    def _offer(self, rows: tuple[ConversationRow, ...]) -> None:
        choices = [
            Choice(
                row.id,
                line_text(row.question, 200),
                row.started + (f" ({row.turns})" if row.turns > 1 else ""),
            )
            for row in rows
        ]

        def chosen(id: str | None) -> None:
            if id is not None:
                self.call("history", lambda session: session.conversation(id), self.show_conversation)

        self.quire.choose_typing("Earlier conversations", choices, chosen)

    def show_conversation(self, kept: Conversation) -> None:
        """Show a conversation as it was, with a word where a source has changed since."""
        self.stop()
        self.view.clear()
        self.conversation = kept.id
        self._judged = {turn.id: turn.verdict for turn in kept.turns if turn.verdict}
        for turn in kept.turns:
            self.answer = turn.answer
            self._entry = self.view.begin(turn.answer.question, fresh=False)
            self._entry.finish(turn.answer)
            changed = {
                f"{file_name(each.path)}: {each.note}"
                for each in (*turn.answer.citations, *turn.answer.nearest)
                if each.note
            }
            self._entry.notes = (*turn.answer.notes, *sorted(changed))
        self.view.lay_out()
        if self.answer is not None:
            self._show_citations(self.answer)
            self.say(f"asked {kept.turns[-1].asked} · {self._verdicts(self.answer)}")
        self.view.focus()
