"""The actions on a document, the same in every list, preview, answer and in the reader."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import SuspendNotSupported
from textual.binding import BindingType

from tui import citing, relatives, viewers
from tui.citing import Target
from tui.keys import ITEM
from tui.messages import DiffWanted
from tui.panes.labelling import LabelPane
from tui.widgets.cells import line_text
from tui.widgets.rows import Choice

if TYPE_CHECKING:
    from indexer.related import CopyReport

_AS_THEY_ARE = {"text", "code"}
"""Kinds whose file an editor can show at the line; of others it gets the extracted text."""


class ItemPane(LabelPane):
    """A pane whose parts show documents."""

    BINDINGS: ClassVar[list[BindingType]] = list(ITEM)

    def targets(self) -> list[str]:
        """Paths of the marked documents, or of the one here."""
        marked = list(self.quire.marks)
        target = self.target()
        return marked or ([target.path] if target else [])

    def _here(self) -> Target | None:
        target = self.target()
        if target is None:
            self.quire.say_briefly("There is no document here.")
        return target

    # --- open

    def action_view(self) -> None:
        """Open at the page in the best viewer there is."""
        target = self._here()
        if target is None:
            return
        if refusal := viewers.refusal(target):
            self.quire.say_briefly(refusal)
            return
        offered = viewers.viewers(target, self.quire.settings.viewers, os.environ)
        if offered:
            self.run_viewer(offered[0], target)
        else:
            self.quire.say_briefly("No viewer can start here; Enter reads, Y copies the path.")

    def action_choose_program(self) -> None:
        """Choose the program to open it with."""
        target = self._here()
        if target is None:
            return
        if refusal := viewers.refusal(target):
            self.quire.say_briefly(refusal)
            return
        offered = viewers.viewers(target, self.quire.settings.viewers, os.environ)
        offered.append(viewers.editor(target.path, 1, os.environ))
        choices = [Choice(str(n), viewer.name, " ".join(viewer.command)) for n, viewer in enumerate(offered)]

        def run(chosen: str | None) -> None:
            if chosen is not None:
                self.run_viewer(offered[int(chosen)], target)

        self.quire.choose("Open with", choices, run)

    def run_viewer(self, viewer: viewers.Viewer, target: Target) -> None:
        """Start a program; one that needs the terminal gets it until it ends."""
        try:
            if viewer.terminal:
                with self.app.suspend():
                    subprocess.run(viewer.command, check=False)
            else:
                subprocess.Popen(
                    viewer.command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
                self.quire.say_briefly(f"{viewer.name}: {citing.file_name(target.path)}")
        except SuspendNotSupported:
            self.quire.say_briefly(f"{viewer.name} needs a terminal of its own.")
        except OSError as exc:
            self.quire.say_briefly(f"{viewer.name} did not start: {exc.strerror}.")

    def action_edit(self) -> None:
        """Open the file, or its extracted text, in the editor at the line."""
        target = self._here()
        if target is None:
            return
        if refusal := viewers.refusal(target):
            self.quire.say_briefly(refusal)
            return
        document = target.document or target.path
        if target.kind in _AS_THEY_ARE:
            self.call(
                "edit",
                lambda session: session.text(document, 0, target.start).text.count("\n") + 1,
                lambda line: self.run_viewer(viewers.editor(target.path, line, os.environ), target),
            )
        else:
            self.call(
                "edit",
                lambda session: session.text(document, 0, 32_000_000).text,
                lambda text: self._edit_text(text, target),
            )

    def _edit_text(self, text: str, target: Target) -> None:
        """Show extracted text in the editor, in a folder that is gone afterwards."""
        import tempfile  # behind the first frame

        with tempfile.TemporaryDirectory(prefix="quire-") as folder:
            path = Path(folder) / "text.txt"
            path.write_text(text, encoding="utf-8", errors="replace")
            path.chmod(0o400)
            line = text.count("\n", 0, target.start) + 1
            self.run_viewer(viewers.editor(str(path), line, os.environ)._replace(terminal=True), target)

    # --- copy

    def action_copy(self) -> None:
        """Copy a citation of the place."""
        target = self._here()
        if target is not None:
            self.quire.copy(citing.citation(target), "citation")

    def action_copy_menu(self) -> None:
        """Choose what to copy."""
        target = self._here()
        if target is None:
            return
        ways = citing.ways(target)
        choices = [Choice(str(n), name, " ".join(text.split())) for n, (name, text) in enumerate(ways)]

        def copy(chosen: str | None) -> None:
            if chosen is not None:
                name, text = ways[int(chosen)]
                self.quire.copy(text, name)

        self.quire.choose("Copy", choices, copy)

    # --- hand on

    def action_ask_scope(self) -> None:
        """Ask the marked documents or this one."""
        self.quire.ask_about(self.targets())

    def action_summarize_scope(self) -> None:
        """Summarize the marked documents or this one."""
        self.quire.summarize(self.targets())

    # --- copies and versions

    def action_relatives(self) -> None:
        """Compare the two marked documents, or choose a copy or version of this one."""
        marked = list(self.quire.marks)
        if len(marked) == 2:
            self.post_message(DiffWanted(marked[0], marked[1]))
            return
        target = self._here()
        if target is not None:
            self.show_relatives(target)

    def show_relatives(self, target: Target) -> None:
        """Choose a copy or version of a document to compare it with."""
        self.call(
            "relatives",
            lambda session: session.duplicates(limit=50, path=target.path),
            lambda report: self._choose_relative(target.path, report),
        )

    def _choose_relative(self, path: str, report: CopyReport) -> None:
        found = relatives.of(path, report)
        if not found:
            self.quire.say_briefly("No copy and no other version of this.")
            return
        choices = [
            Choice(str(n), citing.file_name(each.path), f"{each.about} · {citing.folder_name(each.path)}")
            for n, each in enumerate(found)
        ]

        def compare(chosen: str | None) -> None:
            if chosen is not None:
                other = found[int(chosen)]
                pair = (other.path, path) if other.before else (path, other.path)
                self.post_message(DiffWanted(*pair))

        name = line_text(citing.file_name(path), 60)
        self.quire.choose(f"Copies and versions of {name}: compare with", choices, compare)

    def action_details(self) -> None:
        """Show what is known of this document."""
        target = self._here()
        if target is not None:
            self.show_details_of(target.path)
