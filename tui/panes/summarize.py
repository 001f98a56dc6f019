"""Summarize: one document, the marked ones, or all that match a query."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.widgets import Input

from tui.citing import file_name, short_path
from tui.panes.proof import ProofPane
from tui.widgets.cells import line_text

if TYPE_CHECKING:
    from copilot.types import Session


class SummarizePane(ProofPane):
    """The third pane."""

    NAME = "summarize"
    TITLE = "Summarize"
    PLACEHOLDER: ClassVar[str] = "a path or a query; or S on a document in Search"

    def __init__(self) -> None:
        super().__init__()
        self._paths: tuple[str, ...] = ()
        self._target: tuple[tuple[str, ...], str] = ((), "")
        """Paths and query of the newest summary."""

    def hints(self) -> tuple[str, ...]:
        """How to name what is to be summarised."""
        return (
            "Type a path or a query (ext:pdf after:2025-07), or press S on a document or on marked ones.",
            "Every sentence names the page it stands on.",
        )

    def _show_paths(self) -> None:
        names = ", ".join(line_text(file_name(path)) for path in self._paths[:3])
        more = f" and {len(self._paths) - 3} more" if len(self._paths) > 3 else ""
        self.scope_line.show(f"documents: {names}{more}" if len(self._paths) > 1 else "")

    def summarize_paths(self, paths: list[str]) -> None:
        """Summarise documents."""
        self._paths = tuple(paths)
        with self.prevent(Input.Changed):
            name = short_path(paths[0]) if len(paths) == 1 else f"{len(paths)} marked documents"
            self.query_input.set_quietly(name)
        self._show_paths()
        if self._start(self._paths, ""):
            self.view.focus()

    @on(Input.Changed)
    def target_changed(self, event: Input.Changed) -> None:
        """Typing names another target."""
        event.stop()
        if self._paths:
            self._paths = ()
            self._show_paths()

    @on(Input.Submitted)
    def submit(self, event: Input.Submitted) -> None:
        """Summarise what is named: the documents handed over, a path, or a query."""
        event.stop()
        text = event.value.strip()
        if not text:
            return
        if self._paths:
            started = self._start(self._paths, "")
        elif text.startswith(("/", "~", "./")):
            started = self._start((str(Path(text).expanduser().absolute()),), "")
        else:
            if self.quire.state.remember(self.NAME, text):
                self.quire.state_changed()
            started = self._start((), text)
        if started:
            self.view.focus()

    def _start(self, paths: tuple[str, ...], scope: str) -> bool:
        self._target = (paths, scope)

        def open_summary(session: Session) -> Iterator[Any]:
            from copilot.types import SummarizeRequest

            return session.summarize(SummarizeRequest(paths=paths, scope=scope))

        names = ", ".join(line_text(file_name(path)) for path in paths[:3])
        more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
        return self.start(f"{names}{more}" if paths else scope, open_summary, fresh=True)

    def action_again(self) -> None:
        """Summarise the same again."""
        paths, scope = self._target
        if paths or scope:
            self._start(paths, scope)

    def action_scope(self) -> None:
        """The target is the scope here."""
        self.query_input.focus()

    def action_new(self) -> None:
        """Begin anew."""
        self.stop()
        self.answer, self._entry = None, None
        self.view.clear()
        self._show_sources((), "")
        self.query_input.value = ""
        self.query_input.focus()
