"""What Ask adds for models on other machines: what would go there, and the agreement to let it go."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from tui.keys import SENDING
from tui.panes.kept import KeptPane
from tui.widgets.cells import line_text

if TYPE_CHECKING:
    from copilot.disclosure import Preview
    from copilot.types import AskRequest


class SendingPane(KeptPane):
    """A pane that shows what it would send, and sends nothing under "ask" unless told to."""

    BINDINGS: ClassVar[list[BindingType]] = list(SENDING)

    def __init__(self) -> None:
        super().__init__()
        self.agreed = False
        """For the question that is asked next: documents under "ask" may go to the model."""

    def request(self, question: str) -> AskRequest:
        """What would be asked now."""
        raise NotImplementedError

    def request_again(self) -> AskRequest | None:
        """What would be asked if the last question were asked again; None before the first."""
        raise NotImplementedError

    def action_preview_sending(self) -> None:
        """Show what the question in the input, else the last one, sends to the model; nothing is sent."""
        question = self.query_input.value.strip()
        request = self.request(question) if question else self.request_again()
        if request is None:
            self.quire.say_briefly("Type a question first.")
            return
        self.call("preview", lambda session: session.preview(request), self._show_preview)

    def _show_preview(self, preview: Preview) -> None:
        from indexer.wire import to_wire
        from tui.commands.privacy import preview_lines

        self.quire.show_text("What goes to the model", "\n".join(preview_lines(to_wire(preview))))

    def action_agree(self) -> None:
        """Ask again and let documents under "ask" go to the model, after one more look at which."""
        kept = self.answer.coverage.withheld if self.answer is not None else ()
        waiting = [each for each in kept if each.policy == "ask"]
        if not waiting:
            self.quire.say_briefly("Nothing waits for your agreement.")
            return
        from tui.screens.picker import Confirm

        def decided(yes: bool | None) -> None:
            if yes:
                self.agreed = True
                self.action_again()

        model = self.quire.language_model
        host = line_text(model.host, 40) if model is not None else ""
        first = line_text(waiting[0].path.rpartition("/")[2], 40)
        names = first if len(waiting) == 1 else f"{first} and {len(waiting) - 1} more"
        self.quire.push_screen(
            Confirm(f"Let text of {names} go to {host} this time?", "Yes, for this question", "No"), decided
        )

    def action_again(self) -> None:
        """Ask the last question again."""
        raise NotImplementedError
