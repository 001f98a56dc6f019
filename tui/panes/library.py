"""Library: every file with its state, why it cannot be read, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from tui.citing import Target
from tui.keys import LIBRARY
from tui.messages import ReaderWanted
from tui.panes.previewing import Peek, PreviewPane
from tui.widgets.bars import Bar
from tui.widgets.cells import Piece, fit, line_text, measure, spread
from tui.widgets.queryinput import FieldSuggester, QueryInput
from tui.widgets.rowlist import WINDOW, RowList
from tui.widgets.rows import Choice, DocumentRows, FileTable
from tui.widgets.textview import DocumentFacts

if TYPE_CHECKING:
    from copilot.types import Session
    from copilot.types import Status as LibraryState
    from indexer.types import FileList, FileRow, Progress

GROUPS = {
    "all": "All",
    "new": "New",
    "failed": "Failed",
    "ocr": "Needs OCR",
    "duplicates": "Duplicates",
    "pending": "Waiting",
}
_FILTER_S = 0.12
_REVISION_S = 1.0
_ALL_LIMIT = 5_000


class GroupBar(Bar):
    """The groups with their counts: a line in a narrow screen, a column in a wide one."""

    class Chosen(Message):
        """Somebody clicked a group."""

        def __init__(self, group: str) -> None:
            super().__init__()
            self.group = group

    def __init__(self, *, id: str | None = None) -> None:
        """Begin without counts."""
        super().__init__(id=id)
        self.current = "all"
        self.counts: dict[str, int] = {}

    def show(self, current: str, counts: dict[str, int]) -> None:
        """Say other counts or another group."""
        self.current, self.counts = current, counts
        self.refresh()

    @property
    def names(self) -> list[str]:
        """The groups that are not empty, "all" and the current one always."""
        return [name for name in GROUPS if name in ("all", self.current) or self.counts.get(name)]

    def _entries(self) -> list[tuple[str, str, str]]:
        """(group, title, count) of each."""
        return [
            (name, GROUPS[name], f"{self.counts[name]:,}" if name in self.counts else "")
            for name in self.names
        ]

    def pieces(self, width: int) -> list[Piece]:
        """All groups in one line; the current one stays visible."""
        entries = self._entries()
        while True:
            line: list[Piece] = []
            for name, title, count in entries:
                line.append(
                    (f" {title} {count} ".replace("  ", " "), "current" if name == self.current else "")
                )
            if measure(line) <= width or len(entries) < 2:
                return fit(line, width)
            entries.pop(-1 if entries[-1][0] != self.current else -2)

    def column(self, y: int, width: int) -> list[Piece]:
        """One group of the column."""
        entries = self._entries()
        if y >= len(entries):
            return fit([], width)
        name, title, count = entries[y]
        style = "current" if name == self.current else ""
        line = spread([(f" {title}", style)], [(f"{count} ", style)], width)
        return [(text, style) for text, _ in line]

    def draw_line(self, y: int) -> Strip:
        """A line of the bar or of the column."""
        if self.size.height <= 1:
            return super().draw_line(y)
        return self.draw_pieces(self.column(y, self.size.width))

    async def on_click(self, event: events.Click) -> None:
        """Choose the group that was clicked."""
        entries = self._entries()
        if self.size.height > 1:
            if event.y < len(entries):
                self.post_message(self.Chosen(entries[event.y][0]))
            return
        position = 0
        for name, title, count in entries:
            position += len(f" {title} {count} ".replace("  ", " "))
            if event.x < position:
                self.post_message(self.Chosen(name))
                return


class LibraryPane(PreviewPane):
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
        super().__init__(query, self.table)
        self.groups = GroupBar(id="groups")
        self._filter: Timer | None = None
        self._follow: Timer | None = None
        self._revision = -1
        self._wanted = ("", "", "")
        self._counts: dict[str, int] = {}
        self._state: LibraryState | None = None

    def compose(self) -> ComposeResult:
        """Filter, groups, files."""
        yield self.query_input
        with Container(id="library-body", classes="body"):
            yield self.groups
            with Container(id="library-files"):
                yield self.table
                yield self.preview

    def on_mount(self) -> None:
        """Take up marks and group."""
        table = self.table
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
        return self.table

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
        self.call("files", _files_call(*wanted, 0), take, quiet=True)

    def _show(self, files: FileList, stay: str | None) -> None:
        self._counts = dict(files.groups)
        self.groups.show(self.group, self._counts)
        table = self.table
        table.empty = self._why_nothing()
        table.show(files.rows, files.total, cursor_on=stay)
        self._say_row()

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

    def _why_nothing(self) -> tuple[str, ...]:
        if self._state is not None and not self._state.library.roots:
            return (
                "No folders yet.",
                "A adds one: Tab completes its path, and its files are counted first.",
                "Your files are read where they are; nothing is sent anywhere.",
            )
        if self.query_input.value.strip():
            return ("No file matches this filter.",)
        return ("Nothing in this group.",) if self.group != "all" else ("No files yet.",)

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
        if not self.rows.total and self.session is not None:
            self.table.empty = self._why_nothing()
            self.rows.refresh()

    def progress_changed(self, progress: Progress) -> None:
        """Follow the library while somebody is looking, at most once a second."""
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
        self.load(keep=False)

    def action_sort(self) -> None:
        """Choose an order."""
        choices = [
            Choice("name", "name"),
            Choice("new", "new", "latest change first"),
            Choice("old", "old", "earliest change first"),
            Choice("size", "size", "largest first"),
            Choice("state", "state", "what could not be read first"),
        ]

        def sort(chosen: str | None) -> None:
            if chosen is not None:
                self.quire.state.sort = chosen
                self.quire.state_changed()
                self.load(keep=False)

        self.quire.choose("Sort", choices, sort)

    @on(DocumentRows.AllWanted)
    def mark_all(self, event: DocumentRows.AllWanted) -> None:
        """Mark every file of the group and filter."""
        event.stop()
        group, query, sort = self._wanted

        def work(session: Session) -> FileList:
            return session.files(group=group, query=query, sort=sort, offset=0, limit=_ALL_LIMIT)

        def mark(files: FileList) -> None:
            self.quire.marks.add(row.path for row in files.rows)
            if files.total > len(files.rows):
                self.quire.say_briefly(f"The first {len(files.rows):,} of {files.total:,} are marked.")

        self.call("mark", work, mark)

    def action_retry(self) -> None:
        """Read the marked files or this one again."""
        paths = self.targets()
        if paths:
            self.call(
                "retry",
                lambda session: session.retry(paths),
                lambda count: self.quire.say_briefly(f"{count:,} files are read again."),
            )

    def step_back(self) -> bool:
        """Zoom, a range being marked, then the filter."""
        table = self.table
        if table.in_range:
            table.end_range()
            return True
        return super().step_back()

    def _has_room(self) -> bool:
        """Columns leave no room for a preview but on a very wide screen."""
        return super()._has_room() and self.quire.xwide

    # --- the row under the cursor

    @property
    def _row(self) -> FileRow | None:
        row: FileRow | None = self.table.current
        return row

    def cursor_moved(self) -> None:
        """Tell why the file cannot be read."""
        self._say_row()

    def _say_row(self) -> None:
        row = self._row
        marked = f" · {len(self.quire.marks):,} marked" if len(self.quire.marks) else ""
        position = f"{self.rows.cursor + 1:,}/{self.rows.total:,} files{marked}"
        if row is not None and row.reason:
            position = f"{line_text(f'{row.reason} {row.hint}'.strip(), 300)} · {position}"
        self.say(position if self.rows.total else "")

    def peek(self) -> Peek | None:
        """The beginning of the file under the cursor."""
        row = self._row
        if row is None or not row.document or not row.chunks:
            return None
        facts = DocumentFacts(
            row.path, pages=row.pages, mtime_ns=row.mtime_ns, size_bytes=row.size_bytes, format=row.format
        )
        return Peek(row.path, row.document, 0, 0, "", facts)

    def no_text(self) -> tuple[str, ...]:
        """Why there is no text."""
        row = self._row
        return tuple(line_text(text, 500) for text in (row.reason, row.hint) if text) if row else ()

    def target(self) -> Target | None:
        """The file under the cursor."""
        row = self._row
        if row is None:
            return None
        return Target(row.path, row.document, row.title, format=row.format, kind=row.kind)

    @on(RowList.Opened, "#files")
    def read_file(self, event: RowList.Opened) -> None:
        """Read the file; of one without text, show what is known."""
        event.stop()
        row = self._row
        if row is None:
            return
        if row.document and row.chunks:
            self.post_message(ReaderWanted(row.path, row.document))
        else:
            self.action_details()


def _files_call(group: str, query: str, sort: str, offset: int) -> Callable[[Session], FileList]:
    return lambda session: session.files(group=group, query=query, sort=sort, offset=offset, limit=WINDOW)
