"""Ask: a question, a streamed answer, the sources it stands on, follow-ups."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.widgets import Input

from tui.citing import file_name
from tui.panes.sending import SendingPane
from tui.widgets.cells import line_text

if TYPE_CHECKING:
    from copilot.types import Answer, AskRequest, Conversation, Summary, Turn

_TURNS = 6
"""Earlier questions that a follow-up is understood with."""


class AskPane(SendingPane):
    """The second pane."""

    NAME = "ask"
    TITLE = "Ask"
    PLACEHOLDER: ClassVar[str] = "ask a question about your documents"

    def __init__(self) -> None:
        super().__init__()
        self._turns: list[Turn] = []
        self._question = ""

    def hints(self) -> tuple[str, ...]:
        """What happens here, and without a model."""
        model = self.quire.language_model
        lines = ["Every sentence of an answer names the page it stands on."]
        if model is not None and not model.name:
            lines.append("Answers are quotes now: no language model is set up.")
            if model.note:
                lines.append(line_text(model.note, 300))
        elif model is not None and model.note:
            lines.append(line_text(model.note, 300))
        return tuple(lines)

    def status_read(self, status: Any) -> None:
        """Another model may be there."""
        self.view.hint = self.hints()
        if not self.view.entries:
            self.view.refresh()

    def shown(self) -> None:
        """Show the scope."""
        self.show_scope()

    # --- scope

    def show_scope(self) -> None:
        """Say which documents are asked; nothing when all are."""
        state, line = self.quire.state, self.scope_line
        parts = []
        if state.scope_paths:
            names = ", ".join(file_name(path) for path in state.scope_paths[:2])
            more = f" and {len(state.scope_paths) - 2} more" if len(state.scope_paths) > 2 else ""
            parts.append(f"{line_text(names)}{more}")
        if state.scope:
            parts.append(line_text(state.scope))
        line.show(f"scope: {' · '.join(parts)}   s changes it" if parts else "")

    def action_scope(self) -> None:
        """Ask for a query whose filters limit the documents; empty means all of them."""

        def set_scope(text: str | None) -> None:
            if text is not None:
                self.set_scope(text.strip(), [])

        self.quire.ask_line("Ask only in (a query; empty for all)", self.quire.state.scope, set_scope)

    def set_scope(self, scope: str, paths: list[str]) -> None:
        """Limit the documents; another scope begins another conversation."""
        state = self.quire.state
        if (scope, paths) != (state.scope, state.scope_paths):
            state.scope, state.scope_paths = scope, paths
            self._turns, self.conversation = [], ""
            self.quire.state_changed()
        self.show_scope()

    # --- asking

    @on(Input.Submitted)
    def submit(self, event: Input.Submitted) -> None:
        """Send the question."""
        event.stop()
        question = event.value.strip()
        if question and self.ask(question):
            self.query_input.value = ""
            self.view.focus()

    def ask(self, question: str) -> bool:
        """Ask; the earlier turns go along."""
        state = self.quire.state
        if state.remember(self.NAME, question):
            self.quire.state_changed()
        self._question = question
        request = self.request(question)
        self.consent, self.agreed = "", False
        return self.start(question, lambda session: session.ask(request))

    def request(self, question: str) -> AskRequest:
        """The question with the conversation, in the scope that is set."""
        from copilot.types import AskRequest

        return AskRequest(
            question=question,
            scope=self.quire.state.scope,
            documents=tuple(self.quire.state.scope_paths),
            history=tuple(self._turns[-_TURNS:]),
            conversation=self.conversation,
            consent=self.consent,
            agreed=self.agreed,
        )

    def request_again(self) -> AskRequest | None:
        """The last question as it was asked: without its own answer in the conversation."""
        if not self._question:
            return None
        request = self.request(self._question)
        if request.history and request.history[-1].question == self._question:
            request = replace(request, history=request.history[:-1])
        return request

    def finished(self, answer: Answer | Summary) -> None:
        """Remember the turn for follow-ups."""
        from copilot.types import Turn

        documents = dict.fromkeys(citation.document for citation in answer.citations)
        said = self._entry.text if self._entry else ""
        self._turns.append(Turn(question=self._question, answer=said, documents=tuple(documents)))
        self.conversation = getattr(answer, "conversation", "")

    def show_conversation(self, kept: Conversation) -> None:
        """Go on from a conversation of the history, in the scope it had."""
        from copilot.types import Turn

        self.set_scope(kept.scope, list(kept.documents))
        super().show_conversation(kept)
        self._turns = [
            Turn(
                question=turn.answer.question,
                answer=turn.answer.answer,
                documents=tuple(dict.fromkeys(citation.document for citation in turn.answer.citations)),
            )
            for turn in kept.turns
        ]
        self._question = kept.turns[-1].answer.question if kept.turns else ""

    def action_again(self) -> None:
        """Ask the last question again, as if it had not been asked."""
        if not self._question:
            self.query_input.focus()
            return
        if self._turns and self._turns[-1].question == self._question:
            self._turns.pop()
        if self.view.entries:
            self.view.entries.pop()
        self.ask(self._question)

    def action_new(self) -> None:
        """Begin a new conversation."""
        self.stop()
        self._turns, self._question, self.answer, self._entry = [], "", None, None
        self.conversation = ""
        self.view.clear()
        self._show_sources((), "")
        self.say("")
        self.query_input.focus()
