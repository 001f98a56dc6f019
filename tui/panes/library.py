"""Library: every file with its state, why it cannot be read, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from tui.citing import Target
from tui.keys import LIBRARY
from tui.messages import ReaderWanted
from tui.panes.mending import MendingPane
from tui.panes.previewing import Peek
from tui.remedies import mends
from tui.widgets.cells import line_text
from tui.widgets.groupbar import GROUPS, NOTHING, GroupBar
from tui.widgets.kintable import KinRow, KinTable, kin_rows
from tui.widgets.queryinput import FieldSuggester, QueryInput
from tui.widgets.rowlist import WINDOW, RowList
from tui.widgets.rows import Choice, DocumentRows, FileTable, state_text
from tui.widgets.textview import DocumentFacts, format_size

if TYPE_CHECKING:
    from copilot.types import Session
    from copilot.types import Status as LibraryState
    from indexer.related import CopyReport
    from indexer.types import FileList, FileRow, Progress

_FILTER_S = 0.12
_REVISION_S = 1.0
_ALL_LIMIT = 5_000
_KIN = ("duplicates", "old")
"""Groups shown as what belongs together."""
_KIN_LIMIT = 2_000
"""Groups of copies, or families, at most."""


class LibraryPane(MendingPane):
    """The fourth pane."""

    NAME = "library"
    TITLE = "Library"
    BINDINGS: ClassVar[list[BindingType]] = list(LIBRARY)
    SCOPED_CSS = False
    DEFAULT_CSS = """
    Screen.-columns #groups { width: 22; height: 100%; }
    Screen.-columns.-xwide #library-files { layout: horizontal; }
    #library-files { height: 1fr; width: 1fr; }
    .-zoomed #groups { display: none; }
    """

    def __init__(self) -> None:
        query = QueryInput(
            placeholder="filter: a name, or any query", id="filter", suggester=FieldSuggester()
        )
        self.table = FileTable(id="files", classes="part")
        self.kin = KinTable(id="kin", classes="part -hidden")
        super().__init__(query, self.table)
        self.groups = GroupBar(id="groups")
        self._filter: Timer | None = None
        self._follow: Timer | None = None
        self._revision = -1
        self._wanted = ("", "", "")
        self._counts: dict[str, int] = {}
        self._kin_rows: tuple[KinRow, ...] = ()
        self._kin_group = ""
        self._frees = 0
        self._state: LibraryState | None = None

    def compose(self) -> ComposeResult:
        """Filter, groups, files; which of the two tables has the focus is settled before either is there."""
        self._take_table()
        yield self.query_input
        with Container(id="library-body", classes="body"):
            yield self.groups
            with Container(id="library-files"):
                yield self.table
                yield self.kin
                yield self.preview

    def on_mount(self) -> None:
        """Take up marks and group."""
        for table in (self.table, self.kin):
            table.marks = self.quire.marks
            table.empty = ("opening library…",)
        self.groups.show(self.group, {})

    @property
    def group(self) -> str:
        """The group that is shown."""
        group = self.quire.state.group
        return group if group in GROUPS else "all"

    @property
    def main_part(self) -> Widget:
        """The files."""
        return self.rows

    @property
    def _shows_kin(self) -> bool:
        return self.group in _KIN

    def _take_table(self) -> None:
        """Show the table of this group, with the focus where the other one had it."""
        before, self.rows = self.rows, self.kin if self._shows_kin else self.table
        if before is self.rows:
            return
        self.unzoom()
        self.rows.remove_class("-hidden")
        before.add_class("-hidden")
        if before.has_focus:
            self.call_after_refresh(self._focus_rows)  # not before it is to be seen

    def _focus_rows(self) -> None:
        if self.quire.pane is self:
            self.rows.focus()

    # --- fetching

    def load(self, *, keep: bool) -> None:
        """Fetch the first window; `keep` leaves the cursor on its file."""
        wanted = (
            self.group,
            self.query_input.value.strip(),
            self.quire.state.sort,
        )
        self._wanted = wanted
        stay = self.rows.current_key if keep else None

        def take(files: FileList) -> None:
            if wanted == self._wanted:
                self._show(files, stay)

        self._revision = self.quire.revision
        if self._shows_kin:
            self._load_kin(wanted, stay)
        else:
            self.call("files", _files_call(*wanted, 0), take, quiet=True)

    def _load_kin(self, wanted: tuple[str, str, str], stay: str | None) -> None:
        """Fetch copies or versions, and the counts of the groups."""
        if not self.kin.total or self._kin_group != wanted[0]:
            self.kin.empty = ("comparing documents…",)
            self.kin.show(())

        def work(session: Session) -> tuple[CopyReport, FileList]:
            report = session.duplicates(limit=_KIN_LIMIT, query=wanted[1])
            return report, session.files(group="all", query=wanted[1], limit=0)

        def take(found: tuple[CopyReport, FileList]) -> None:
            if wanted == self._wanted:
                self._kin_rows, self._kin_group = kin_rows(found[0], wanted[0]), wanted[0]
                self._frees = found[0].frees_bytes
                self._show_counts(found[1])
                self.kin.empty, self.kin.versions = self._why_nothing(), wanted[0] == "old"
                self.kin.show(self._kin_rows, cursor_on=stay)
                self._say_row()

        self.call("kin", work, take, quiet=True)  # takes longer: no other group waits for it

    def _show(self, files: FileList, stay: str | None) -> None:
        self._show_counts(files)
        table = self.table
        table.empty = self._why_nothing()
        table.show(files.rows, files.total, cursor_on=stay)
        self._say_row()

    def _show_counts(self, files: FileList) -> None:
        self._counts = dict(files.groups)
        self.groups.show(self.group, self._counts)

    @on(RowList.Wanted, "#files")
    def fetch_window(self, event: RowList.Wanted) -> None:
        """Fetch files further down."""
        event.stop()
        wanted, offset = self._wanted, event.offset

        def take(files: FileList) -> None:
            if wanted == self._wanted:
                self.table.add_window(offset, files.rows, files.total)

        if not self.call(f"window-{offset}", _files_call(*wanted, offset), take, quiet=True):
            event.rows.forget_wish(offset)

    @on(RowList.Wanted, "#kin")
    def give_window(self, event: RowList.Wanted) -> None:
        """All rows of copies and versions are here; the table keeps a few windows of them."""
        event.stop()
        offset = event.offset
        self.kin.add_window(offset, self._kin_rows[offset : offset + WINDOW], len(self._kin_rows))

    def _why_nothing(self) -> tuple[str, ...]:
        if self._state is not None and not self._state.library.roots:
            return (
                "No folders yet.",
                "A adds one: Tab completes its path, and its files are counted first.",
                "Your files are read where they are; nothing is sent anywhere.",
            )
        if self.query_input.value.strip():
            return ("No file matches this filter.",)
        return NOTHING.get(self.group, ("Nothing in this group.",))

    # --- what the app tells

    def shown(self) -> None:
        """Fetch when the pane comes to the front."""
        self.load(keep=True)

    def session_opened(self) -> None:
        """Fetch if somebody is looking."""
        if self.quire.pane is self:
            self.load(keep=True)

    def status_read(self, status: LibraryState) -> None:
        """Keep the roots for the empty library."""
        self._state = status
        if not self.rows.total and self.session is not None and not self.calls.busy("kin"):
            self.rows.empty = self._why_nothing()
            self.rows.refresh()

    def progress_changed(self, progress: Progress) -> None:
        """Follow the library while somebody is looking, at most once a second."""
        if self._shows_kin and not progress.idle:
            return  # comparing is left for when everything is read
        if self.quire.pane is self and progress.revision != self._revision and self._follow is None:
            self._follow = self.set_timer(_REVISION_S, self._follow_changes)

    def _follow_changes(self) -> None:
        self._follow = None
        if self.quire.pane is self:
            self.load(keep=True)

    def marks_changed(self) -> None:
        """Draw the marks."""
        self.rows.refresh()
        self._say_row()

    # --- filter, groups, sort

    @on(Input.Changed, "#filter")
    def filter_changed(self, event: Input.Changed) -> None:
        """Filter when the typing rests for a moment."""
        event.stop()
        if self._filter is not None:
            self._filter.stop()
        self._filter = self.set_timer(_FILTER_S, lambda: self.load(keep=False))

    @on(Input.Submitted, "#filter")
    def leave_input(self, event: Input.Submitted) -> None:
        """Enter goes to the files."""
        event.stop()
        if self.quire.state.remember(self.NAME, event.value):
            self.quire.state_changed()
        self.main_part.focus()

    def action_group(self, step: int) -> None:
        """The group before or after."""
        names = self.groups.names
        self.choose_group(names[(names.index(self.group) + step) % len(names)])

    @on(GroupBar.Chosen)
    def group_clicked(self, event: GroupBar.Chosen) -> None:
        """Show the group that was clicked."""
        event.stop()
        self.choose_group(event.group)

    def choose_group(self, group: str) -> None:
        """Show another group."""
        self.quire.state.group = group
        self.quire.state_changed()
        self.groups.show(group, self._counts)
        self._take_table()
        self.load(keep=False)

    def action_sort(self) -> None:
        """Choose an order."""
        choices = [
            Choice("name", "name"),
            Choice("new", "new", "latest change first"),
            Choice("old", "old", "earliest change first"),
            Choice("size", "size", "largest first"),
            Choice("state", "state", "what could not be read first"),
            Choice("quality", "quality", "the worst first"),
        ]

        def sort(chosen: str | None) -> None:
            if chosen is not None:
                self.quire.state.sort = chosen
                self.quire.state_changed()
                self.load(keep=False)

        self.quire.choose("Sort", choices, sort)

    @on(DocumentRows.AllWanted)
    def mark_all(self, event: DocumentRows.AllWanted) -> None:
        """Mark every file of the group and filter; of copies and versions all but the ones to keep."""
        event.stop()
        group, query, sort = self._wanted
        if self._shows_kin:
            self.quire.marks.add(path for row in self._kin_rows if not row.path for path in row.kin.others)
            return

        def work(session: Session) -> FileList:
            return session.files(group=group, query=query, sort=sort, offset=0, limit=_ALL_LIMIT)

        def mark(files: FileList) -> None:
            self.quire.marks.add(row.path for row in files.rows)
            if files.total > len(files.rows):
                self.quire.say_briefly(f"The first {len(files.rows):,} of {files.total:,} are marked.")

        self.call("mark", work, mark)

    def step_back(self) -> bool:
        """Zoom, a range being marked, then the filter."""
        table = self.kin if self._shows_kin else self.table
        if table.in_range:
            table.end_range()
            return True
        return super().step_back()

    def _has_room(self) -> bool:
        """Columns leave no room for a preview but on a very wide screen."""
        return super()._has_room() and self.quire.xwide

    # --- the row under the cursor

    @property
    def file_row(self) -> FileRow | None:
        """The file, where files are listed."""
        return None if self._shows_kin else self.table.current

    @property
    def kin_row(self) -> KinRow | None:
        """The line, where copies or versions are listed."""
        return self.kin.current if self._shows_kin else None

    def cursor_moved(self) -> None:
        """Tell why the file cannot be read, and what m does about it."""
        self._say_row()
        self.kin.label_enter()

    def _say_row(self) -> None:
        rows = self.rows
        if not rows.total:
            self.say("")
            return
        marked = f" · {len(self.quire.marks):,} marked" if len(self.quire.marks) else ""
        unit = "" if self._shows_kin else " files"
        parts = [f"{rows.cursor + 1:,}/{rows.total:,}{unit}{marked}", *self._said_of_row()]
        if self._kin_group == "duplicates" and self._shows_kin and self._frees:
            parts.append(f"{format_size(self._frees)} to win in all")
        self.say(" · ".join(parts))

    def _said_of_row(self) -> list[str]:
        """Reason and remedy of a file; of copies and versions which one to keep, and why."""
        row, kin = self.file_row, self.kin_row
        if kin is not None:
            why = line_text(kin.kin.why, 300)
            if kin.kept:
                return [why if kin.kin.versions else f"to keep: {why}"]
            return ["Enter reads" if kin.is_read else "Enter compares", "m offers more"]
        if row is None:
            return []
        state = state_text(row, 60)
        said = line_text(f"{row.reason} {row.hint}".strip() or (row.flaw if row.poor else ""), 300)
        short = "" if state == "ready" or (said and row.status != "indexed") else state
        return [text for text in (short, mends(row), said) if text]

    def peek(self) -> Peek | None:
        """The beginning of the file under the cursor."""
        row, kin = self.file_row, self.kin_row
        if kin is not None and kin.path:
            facts = DocumentFacts(
                kin.path, mtime_ns=kin.mtime_ns, size_bytes=kin.size_bytes, format=kin.format
            )
            return Peek(kin.path, kin.document, 0, 0, "", facts)
        if row is None or not row.document or not row.chunks:
            return None
        facts = DocumentFacts(
            row.path, pages=row.pages, mtime_ns=row.mtime_ns, size_bytes=row.size_bytes, format=row.format
        )
        return Peek(row.path, row.document, 0, 0, "", facts)

    def no_text(self) -> tuple[str, ...]:
        """Why there is no text."""
        row = self.file_row
        return tuple(line_text(text, 500) for text in (row.reason, row.hint) if text) if row else ()

    def target(self) -> Target | None:
        """The file under the cursor; of a line about copies or versions the one to keep."""
        row, kin = self.file_row, self.kin_row
        if kin is not None:
            return Target(kin.path or kin.kin.kept, kin.document, format=kin.format)
        if row is None:
            return None
        return Target(row.path, row.document, row.title, format=row.format, kind=row.kind)

    @on(RowList.Opened, "#files")
    def read_file(self, event: RowList.Opened) -> None:
        """Read the file; of one without text, show what is known."""
        event.stop()
        row = self.file_row
        if row is None:
            return
        if row.document and row.chunks:
            self.post_message(ReaderWanted(row.path, row.document))
        else:
            self.action_details()

    @on(RowList.Opened, "#kin")
    def open_kin(self, event: RowList.Opened) -> None:
        """Compare with the file to keep."""
        event.stop()
        if (row := self.kin_row) is not None:
            self.compare(row)


def _files_call(group: str, query: str, sort: str, offset: int) -> Callable[[Session], FileList]:
    return lambda session: session.files(group=group, query=query, sort=sort, offset=offset, limit=WINDOW)
