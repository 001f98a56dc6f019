"""The labels of documents in every list, preview and in the reader: tags, exclusion, note, undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.citing import file_name
from tui.panes.pane import Pane
from tui.widgets.cells import line_text

if TYPE_CHECKING:
    from copilot.types import Session
    from indexer.labelled import Labels

LOOKED_AT = 50
"""Documents whose labels are shown together."""
SUGGESTED_FOR = 20
"""Documents that suggestions are made for at once."""


class LabelPane(Pane):
    """A pane whose documents can be labelled."""

    def targets(self) -> list[str]:
        """Paths of the marked documents, or of the one here."""
        raise NotImplementedError

    def _chosen(self) -> list[str]:
        targets = self.targets()
        if not targets:
            self.quire.say_briefly("There is no document here.")
        return targets

    def action_tags(self) -> None:
        """Tags of the marked documents or this one, with suggestions."""
        from tui.screens.tagging import read

        targets = self._chosen()
        session = self.session
        if not targets or session is None:
            return
        self.call("tags", lambda session: read(session, targets), self._show_tags)

    def _show_tags(self, found: object) -> None:
        from tui.screens.tagging import State, TagDialog

        if self.session is not None and isinstance(found, State):
            self.quire.push_screen(TagDialog(self.session, found))

    def action_exclude(self) -> None:
        """Keep the marked documents or this one out of answers; when all are, take them back."""
        targets = self._chosen()

        def work(session: Session) -> str:
            from indexer.labelled import LabelChange

            kept_out = [session.labels(path).excluded for path in targets[:LOOKED_AT]]
            done = session.label(LabelChange(targets=tuple(targets), excluded=not all(kept_out)))
            return done.says

        if targets:
            self.call("label", work, self._labelled)

    def _labelled(self, says: str) -> None:
        self.quire.say_briefly(f"{line_text(says)} (u undoes it)")

    def action_undo(self) -> None:
        """Take the last tag, exclusion, note or feedback back."""
        self.call(
            "label",
            lambda session: session.undo_label(),
            lambda says: self.quire.say_briefly(f"undone: {line_text(says)}"),
        )

    def judge(self, path: str, query: str, verdict: int) -> None:
        """Keep that a hit helped (+1) or was wrong (-1) for a query; the same again takes it back."""
        query = " ".join(query.split())
        if not query:
            self.quire.say_briefly("Feedback belongs to a query: search for something first.")
            return

        def work(session: Session) -> str:
            from indexer.labelled import LabelChange

            said = {each.query: each.verdict for each in session.labels(path).verdicts}
            given = 0 if said.get(query) == verdict else verdict
            return session.label(LabelChange(targets=(path,), verdict=given, asked=query)).says

        self.call("label", work, self._labelled)

    def edit_note(self, labels: Labels) -> None:
        """Write a note on a document, then show its details again."""
        from tui.screens.note import NoteDialog

        def keep(text: str | None) -> None:
            if text is None or text.strip() == labels.note:
                self.show_details_of(labels.path)
                return

            def work(session: Session) -> str:
                from indexer.labelled import LabelChange

                return session.label(LabelChange(targets=(labels.path,), note=text)).says

            def done(says: str) -> None:
                self._labelled(says)
                self.show_details_of(labels.path)

            self.call("label", work, done)

        self.quire.push_screen(NoteDialog(line_text(file_name(labels.path), 60), labels.note), keep)

    def show_details_of(self, path: str) -> None:
        """Show what is known of a document and what is on it."""
        from tui.screens.details import DetailsDialog

        self.call(
            "details",
            lambda session: (session.details(path), session.labels(path)),
            lambda found: self.quire.push_screen(DetailsDialog(*found, edit_note=self.edit_note)),
        )
