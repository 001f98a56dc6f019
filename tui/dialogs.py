"""The dialogs of the app: palette, help, find, history, folders, texts. A part of `QuireApp`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tui import keys
from tui.following import Following
from tui.messages import ReaderWanted
from tui.widgets.cells import line_text
from tui.widgets.rows import Choice

if TYPE_CHECKING:
    from indexer.types import Root

Ended = Callable[[str | None], None]


class Dialogs(Following, inherit_bindings=False):
    """Opens dialogs. Their modules are loaded when the first one opens, behind the first frame."""

    def choose(self, title: str, choices: Sequence[Choice], ended: Ended) -> None:
        """A menu; `ended` gets the key of the choice, or None."""
        from tui.screens.picker import Picker

        self.push_screen(Picker(title, choices), ended)

    def choose_letter(self, title: str, choices: Sequence[Choice], ended: Ended) -> None:
        """A menu in which the key of each choice is a letter to press."""
        from tui.screens.picker import Menu

        self.push_screen(Menu(title, choices), ended)

    def choose_typing(self, title: str, choices: Sequence[Choice], ended: Ended, *, text: str = "") -> None:
        """A list that is filtered as one types."""
        from tui.screens.picker import Picker

        self.push_screen(Picker(title, choices, typing=True, text=text), ended)

    def ask_line(self, title: str, text: str, ended: Ended) -> None:
        """A line to type; `ended` gets it, or None."""
        from tui.screens.picker import LinePrompt

        self.push_screen(LinePrompt(title, text), ended)

    def show_text(self, title: str, text: str) -> None:
        """A text to read and to copy."""
        from tui.screens.texts import TextDialog

        self.push_screen(TextDialog(title, text))

    def action_help(self) -> None:
        """Keys of this place first, then all others, then the query language."""
        from tui.screens.texts import Help, help_rows

        active = {active.binding.id for active in self.screen.active_bindings.values() if active.binding.id}
        self.push_screen(Help(help_rows(active, self.settings.keys)))

    def action_tasks(self) -> None:
        """What is being done, and what failed."""
        from tui.screens.tasks import Tasks

        self.push_screen(Tasks())

    # --- finding

    def action_find_document(self) -> None:
        """Find a document by its name."""
        from tui.screens.picker import NamePicker

        session = self.session
        if session is None:
            self.say_briefly("Not now: the library is not open.")
            return

        def read(path: str | None) -> None:
            if path is not None:
                self.post_message(ReaderWanted(path, ""))

        self.push_screen(NamePicker(session), read)

    def action_history(self) -> None:
        """Earlier queries of this pane; in Ask, earlier conversations."""
        pane = self.pane
        if pane.open_history():
            return
        queries = self.state.history.get(pane.NAME, [])

        def take(query: str | None) -> None:
            if query is not None:
                pane.take_history(query)

        self.choose_typing("Earlier", [Choice(query, query) for query in queries], take)

    # --- the palette

    def action_palette(self) -> None:
        """All commands that work here, themes, and what has no key."""
        commands = self._commands()
        choices = [Choice(str(n), label, hint) for n, (label, hint, _) in enumerate(commands)]

        def act(chosen: str | None) -> None:
            if chosen is not None:
                commands[int(chosen)][2]()

        self.choose_typing("Commands", choices, act)

    def _commands(self) -> list[tuple[str, str, Callable[[], object]]]:
        """(what, key, how) of each command."""
        commands: dict[str, tuple[str, str, Callable[[], object]]] = {}
        for key, active in self.screen.active_bindings.items():
            binding = active.binding
            if binding.id is None or binding.id in commands or binding.id in _NOT_COMMANDS:
                continue

            def act(action: str = binding.action, node: object = active.node) -> None:
                self.call_later(self.run_action, action, node)

            commands[binding.id] = (binding.tooltip, keys.show_key(key), act)
        found = list(commands.values())
        found.append(("Organize files by a plan, in the editor", "", self.organize))
        found.append(("Undo the last organizing of files", "", self.undo_organizing))
        for theme in sorted(self.available_themes):
            if self.no_color and not theme.startswith("ansi"):
                continue  # its cursor is told by colour

            def choose(name: str = theme) -> None:
                self.choose_theme(name)

            found.append((f"Theme: {theme}", "", choose))
        return found + self._collections()

    def search_for(self, query: str) -> None:
        """Go to Search with a query."""
        raise NotImplementedError

    def _collections(self) -> list[tuple[str, str, Callable[[], object]]]:
        """Kept searches, and keeping the present one."""
        found: list[tuple[str, str, Callable[[], object]]] = []
        for each in self.labelling.collections if self.labelling is not None else ():

            def show(name: str = each.name) -> None:
                self.search_for(f'collection:"{name}" ' if " " in name else f"collection:{name} ")

            found.append((f"Collection: {line_text(each.name)}", line_text(each.query, 60), show))
        query = self.pane_named("search").query_input.value.strip()
        if query:
            found.append(("Keep this search as a collection", "", lambda: self._keep_search(query)))
        return found

    def _keep_search(self, query: str) -> None:
        def keep(name: str | None) -> None:
            if name and name.strip():
                self.pane.call(
                    "collection",
                    lambda session: session.save_collection(name, query),
                    lambda made: self.say_briefly(f"kept: collection:{line_text(made.name)}"),
                )

        self.ask_line(f"Name of the collection: {line_text(query, 60)}", "", keep)

    # --- putting files in order

    def organize(self) -> None:
        """Let the person edit a plan, and apply it."""
        self._command_line(["organize"])

    def undo_organizing(self) -> None:
        """Take the last plan back, after a question."""
        from tui.screens.picker import Confirm

        def undo(yes: bool | None) -> None:
            if yes:
                self._command_line(["undo"])

        self.push_screen(Confirm("Take the last plan back?", "Yes, files get their old names", "No"), undo)

    def _command_line(self, command: Sequence[str]) -> None:
        from tui import organizing

        told = (("--library", self.settings.library), ("--config", self.settings.config))
        options = [word for name, value in told if value for word in (name, value)]
        refusal = organizing.run(self, options, command)
        if refusal:
            self.say_briefly(refusal)
        else:
            self.read_status()

    # --- folders

    def action_add_folder(self) -> None:
        """Choose a folder and add it."""
        from tui.screens.folder import AddFolder

        if self.session is None:
            self.say_briefly("Not now: the library is not open.")
            return

        def add(path: str | None) -> None:
            if path:
                self.pane.call("root", lambda session: session.add_root(path), self._root_added)

        self.push_screen(AddFolder(), add)

    def _root_added(self, root: Root) -> None:
        self.say_briefly(f"Added {line_text(root.path)}")
        self.read_status()

    def action_remove_folder(self) -> None:
        """Choose a folder and stop watching it."""
        status = self.status
        if status is None or not status.library.roots:
            self.say_briefly("There are no folders.")
            return
        choices = [Choice(root.path, root.path, f"{root.files:,} files") for root in status.library.roots]

        def confirm(path: str | None) -> None:
            if path is not None:
                self._confirm_removal(path)

        self.choose("Stop watching which folder? Its files stay where they are.", choices, confirm)

    def _confirm_removal(self, path: str) -> None:
        from tui.screens.picker import Confirm

        def remove(yes: bool | None) -> None:
            if yes:
                self.pane.call("root", lambda session: session.remove_root(path), self._root_removed)

        self.push_screen(
            Confirm(f"Forget {line_text(path, 60)}?", "Yes, forget its documents; the files stay", "No"),
            remove,
        )

    def _root_removed(self, root: Root) -> None:
        self.say_briefly(f"Removed {line_text(root.path)}")
        self.read_status()


_NOT_COMMANDS = {
    "app.palette",
    "app.back",
    "app.interrupt",
    "app.close",
    "focus.next",
    "focus.previous",
    *(binding.id for binding in [*keys.LIST, *keys.INPUT]),
}
"""Bindings that are movements, not commands."""
