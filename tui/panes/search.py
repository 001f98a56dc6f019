"""Search: hits as you type, the best at once by keyword and refined by meaning, with a preview."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from tui.citing import Target, folder_name
from tui.keys import SEARCH
from tui.messages import ReaderWanted
from tui.panes.previewing import Peek, PreviewPane
from tui.widgets.cells import Piece, cut, fit, line_text, spread
from tui.widgets.queryinput import FieldSuggester, QueryInput
from tui.widgets.rowlist import WINDOW, RowList
from tui.widgets.rows import Choice, DocumentRows, HitList
from tui.widgets.textview import DocumentFacts

if TYPE_CHECKING:
    from copilot.types import Session
    from copilot.types import Status as LibraryState
    from indexer.types import Hit, Mode, Progress, SearchResult

REFINE_S = 0.15
"""Rest after the last key before the query is asked by meaning, too; on a slow line, before anything."""
_TYPING_LIMIT = 60
_ALL_LIMIT = 2_000
"""Most hits that `*` marks."""
_REVISION_S = 1.0
"""Least time between searches that only follow changes of the library."""


class Facet(NamedTuple):
    """A field's value with how many of the hits on screen have it; `query` is "" for a heading."""

    label: str
    hits: int
    query: str


class FacetList(RowList[Facet]):
    """Types, folders and languages of the hits."""

    def key_of(self, row: Facet) -> str:
        """Known by what it would add to the query."""
        return row.query or row.label

    def draw(self, row: Facet, width: int, line: int) -> list[Piece]:
        """A heading, or a value with its count."""
        if not row.query:
            return fit([(f" {row.label}", "head")], width)
        count = f"{row.hits:,}"
        return spread(
            [("   ", ""), (cut(line_text(row.label), width - 5 - len(count)), "")],
            [(f"{count} ", "dim")],
            width,
        )


def facets_of(hits: list[Hit]) -> tuple[Facet, ...]:
    """The facets of hits, most frequent first."""
    counted: list[tuple[str, Counter[tuple[str, str]]]] = [
        ("TYPE", Counter((hit.kind, f"type:{hit.kind}") for hit in hits)),
        ("FOLDER", Counter(_folder_facet(hit.path) for hit in hits)),
        ("TAG", Counter((tag, f"tag:{_typed(tag)}") for hit in hits for tag in hit.tags)),
        ("LANGUAGE", Counter((hit.language, f"lang:{hit.language}") for hit in hits if hit.language)),
    ]
    rows: list[Facet] = []
    for heading, values in counted:
        if values:
            rows.append(Facet(heading, 0, ""))
            rows += [Facet(label, count, query) for (label, query), count in values.most_common(8)]
    return tuple(rows)


def _folder_facet(path: str) -> tuple[str, str]:
    name = folder_name(path).rpartition("/")[2] or "/"
    return name, f"path:{_typed(name)}"


def _typed(value: str) -> str:
    return f'"{value}"' if re.search(r"[\s,:()]", value) else value


class SearchPane(PreviewPane):
    """The first pane."""

    NAME = "search"
    TITLE = "Search"
    TWO_LINES = True
    BINDINGS: ClassVar[list[BindingType]] = list(SEARCH)

    def __init__(self) -> None:
        query = QueryInput(
            placeholder="type to search your documents", id="query", suggester=FieldSuggester()
        )
        self.hits = HitList(id="hits", classes="part")
        super().__init__(query, self.hits)
        self.facets = FacetList(id="facets", classes="part")
        self.result: SearchResult | None = None
        """What is on screen."""
        self._waiting: SearchResult | None = None
        """A newer result that would move rows: shown when `.` is pressed."""
        self._refine: Timer | None = None
        self._moved = False
        """The cursor was moved since the query changed, so it stays on its document."""
        self._restore = ""
        """Path the cursor was on the last time, until the first result is there."""
        self._restored = False
        self._revision = -1
        self._follow: Timer | None = None
        self._state: LibraryState | None = None
        self._settled = False

    def compose(self) -> ComposeResult:
        """Input; facets, hits and preview."""
        yield self.query_input
        with Container(id="search-body", classes="body"):
            yield self.facets
            yield self.hits
            yield self.preview

    def on_mount(self) -> None:
        """Take up the query of the last time."""
        hits = self.hits
        hits.marks = self.quire.marks
        state = self.quire.state
        self._restore = state.cursor
        if state.query:
            self.query_input.set_quietly(state.query)
            self.query_input.select_all()  # the query of the last time is there to be replaced

    @property
    def query_text(self) -> str:
        """What is typed now."""
        return self.query_input.value

    @property
    def main_part(self) -> Widget:
        """The hits."""
        return self.hits

    # --- searching

    @on(Input.Changed, "#query")
    def query_changed(self, event: Input.Changed) -> None:
        """Search at once by keyword, and by meaning when the typing rests."""
        event.stop()
        self._settled = False
        if self._restored or not event.value.strip():  # another question, not a refinement of this one
            self._moved = self._restored = False
        if self._refine is not None:
            self._refine.stop()
        self._refine = self.set_timer(REFINE_S, self._refine_search)
        if not self.quire.settings.slow:
            self._search("keyword", typing=True)
        self.quire.state.query = event.value
        self.quire.state_changed()

    def _refine_search(self) -> None:
        self._search("auto", typing=not self.query_text.endswith(" "))

    def _search(self, mode: Mode, *, typing: bool) -> None:
        query = self.query_text
        work = _search_call(query, mode, typing=typing, limit=_TYPING_LIMIT if mode == "keyword" else WINDOW)
        if not self.call("search", work, self._found, quiet=True):
            self.say("opening library…")

    def _found(self, result: SearchResult) -> None:
        """Show a result, unless the query has changed since."""
        if result.query != self.query_text:
            return
        self._settled = True
        self._waiting = None
        self._show(result)

    def _show(self, result: SearchResult) -> None:
        hits = self.hits
        stay = self._restore or (hits.current_key if self._moved else None)
        if self.result is None or self.result.query != result.query:
            stay = stay if any(hit.path == stay for hit in result.hits) else None
        self._restored, self._restore = bool(self._restore), ""
        self.result = result
        self._revision = self.quire.revision
        hits.empty = self._why_nothing() if not result.hits else ()
        hits.show(result.hits, result.total, cursor_on=stay)
        self._moved = stay is not None
        if self.quire.xwide:
            self.facets.show(facets_of(list(result.hits)))
        self._say_result()

    @on(RowList.Wanted, "#hits")
    def fetch_window(self, event: RowList.Wanted) -> None:
        """Fetch hits further down."""
        event.stop()
        query, offset = self.query_text, event.offset
        work = _search_call(query, "auto", typing=True, limit=WINDOW, offset=offset)

        def take(result: SearchResult) -> None:
            if result.query == self.query_text:
                self.hits.add_window(offset, result.hits)

        if not self.call(f"window-{offset}", work, take, quiet=True):
            event.rows.forget_wish(offset)

    # --- following the library

    def session_opened(self) -> None:
        """Search what was typed meanwhile."""
        self._refine_search()

    def progress_changed(self, progress: Progress) -> None:
        """Search again when something else can be found, at most once a second."""
        if progress.revision != self._revision and self._follow is None and self.result is not None:
            self._follow = self.set_timer(_REVISION_S, self._follow_changes)

    def _follow_changes(self) -> None:
        self._follow = None
        if not self._settled or self.session is None:
            return
        self._revision = self.quire.revision
        self.call("search", _search_call(self.query_text, "auto", typing=True, limit=WINDOW), self._arrived)

    def _arrived(self, result: SearchResult) -> None:
        """New hits join without moving what is on screen; otherwise they wait for `.`."""
        if self.result is None or result.query != self.query_text:
            return
        before = [hit.path for hit in self.result.hits]
        after = [hit.path for hit in result.hits]
        untouched = not self._moved and not result.query.strip()
        if untouched or after[: len(before)] == before or not set(after) - set(before):
            self._moved = self._moved or self.rows.cursor > 0
            self._waiting = None
            self._show(result)
            self.forget_preview()
        else:
            self._waiting = result
            self._say_result()

    def action_arrived(self) -> None:
        """Show what arrived meanwhile; the cursor stays on its document."""
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self._moved = True
            self._show(waiting)

    def status_read(self, status: LibraryState) -> None:
        """Suggest the folders of the library; say so when there is none."""
        self._state = status
        suggester = self.query_input.suggester
        if isinstance(suggester, FieldSuggester):
            suggester.folders = tuple(
                sorted({folder_name(root.path + "/x") for root in status.library.roots})
            )
        if self.result is None or not self.result.hits:
            hits = self.hits
            hits.empty = self._why_nothing()
            hits.refresh()
        if self._no_folders() and self.query_input.has_focus and not self.query_text:
            self.main_part.focus()

    def _no_folders(self) -> bool:
        return self._state is not None and not self._state.library.roots

    def _why_nothing(self) -> tuple[str, ...]:
        """Why there are no hits, and one key that helps."""
        if self._no_folders():
            return (
                "No folders yet.",
                "A or Enter adds one: Tab completes its path, and its files are counted first.",
                "Everything stays on this machine unless you allow a remote model.",
            )
        if self.session is None:
            return ("opening library…", "Type on: the query is asked as soon as it is open.")
        if not self.query_text.strip() and self._state is not None and not self._state.library.documents:
            return ("Nothing to read yet.", *self._indexing_line())
        reasons = [
            f"Nothing found for {self.query_text.strip()}" if self.query_text.strip() else "No documents."
        ]
        if self.result is not None:
            reasons += [line_text(note) for note in self.result.notes]
            if self.result.in_scope < self.result.documents:
                reasons.append(
                    f"Only {self.result.in_scope:,} of {self.result.documents:,} documents are in scope."
                )
        if re.search(r'\w:\S|["+(]|(^|\s)-\w', self.query_text):
            reasons.append("Enter searches the plain words everywhere.")
        reasons += self._indexing_line()
        if self._state is not None and self._state.library.failed:
            reasons.append(f"{len(self._state.library.failed):,} files could not be read: F5 names them.")
        return tuple(reasons)

    def _indexing_line(self) -> tuple[str, ...]:
        progress = self.quire.progress
        if progress is None or progress.idle or progress.done >= progress.total:
            return ()
        return (f"{progress.done:,} of {progress.total:,} documents so far; new ones join by themselves.",)

    # --- what is said

    def _say_result(self) -> None:
        result = self.result
        if result is None:
            return
        parts = []
        if self._waiting is not None:
            shown = {hit.path for hit in result.hits}
            new = sum(hit.path not in shown for hit in self._waiting.hits)
            parts.append(f"{new:,} new (.)")
        position = f"{self.rows.cursor + 1:,}/" if self.rows.total else ""
        parts.append(f"{position}{self.rows.total:,} docs")
        if result.in_scope < result.documents:
            parts.append(f"{result.in_scope:,} of {result.documents:,} in scope")
        parts.append(f"{result.took_ms:.0f} ms")
        if len(self.quire.marks):
            parts.append(f"{len(self.quire.marks):,} marked")
        if self._hit is not None and self._hit.tags:
            parts.append(" ".join(f"#{line_text(tag)}" for tag in self._hit.tags))
        parts += [line_text(note) for note in result.notes]
        self.say(" · ".join(parts))

    def cursor_moved(self) -> None:
        """Remember where the cursor is; it stays on that document from now on."""
        if self.rows.cursor:
            self._moved = True
        key = self.rows.current_key
        if key is not None and key != self.quire.state.cursor:
            self.quire.state.cursor = key
            self.quire.state_changed()
        self._say_result()

    def marks_changed(self) -> None:
        """Draw the marks."""
        self.rows.refresh()
        self._say_result()

    # --- preview and reader

    @property
    def _hit(self) -> Hit | None:
        hit: Hit | None = self.hits.current
        return hit

    def peek(self) -> Peek | None:
        """The hit under the cursor."""
        hit = self._hit
        if hit is None:
            return None
        facts = DocumentFacts(
            hit.path,
            pages=hit.pages,
            page=hit.page,
            mtime_ns=hit.mtime_ns,
            size_bytes=hit.size_bytes,
            format=hit.format,
        )
        return Peek(
            hit.path, hit.document, hit.start, hit.end, self.result.query if self.result else "", facts
        )

    def target(self) -> Target | None:
        """The hit under the cursor."""
        hit = self._hit
        if hit is None:
            return None
        return Target(
            hit.path, hit.document, hit.title, hit.page, hit.start, hit.end, hit.snippet, hit.format, hit.kind
        )

    @on(RowList.Opened, "#hits")
    def read_hit(self, event: RowList.Opened) -> None:
        """Read the whole document at the match."""
        event.stop()
        hit = self._hit
        if hit is not None:
            self.remember_query()
            self._tell_opened(hit.document)
            self.post_message(
                ReaderWanted(
                    hit.path,
                    hit.document,
                    start=hit.start,
                    end=hit.end,
                    page=hit.page,
                    query=self.result.query if self.result else "",
                )
            )

    @on(Input.Submitted, "#query")
    def leave_input(self, event: Input.Submitted) -> None:
        """Enter goes to the hits; without any it widens the search, without folders it adds one."""
        event.stop()
        if self._no_folders():
            self.quire.action_add_folder()
        elif self.rows.total:
            self.remember_query()
            self.main_part.focus()
        elif self._settled:
            self._widen()

    def _tell_opened(self, document: str) -> None:
        """Let the library know which hit was the right one: by that its search is measured."""
        query = self.result.query if self.result else ""
        if query.strip():
            self.call("opened", lambda session: session.opened(query, document), lambda _: None)

    def remember_query(self) -> None:
        """Put the query into the history: it led somewhere."""
        if self.quire.state.remember(self.NAME, self.query_text):
            self.quire.state_changed()

    def _widen(self) -> None:
        """Leave out what demands: fields, quotes, exclusions."""
        words = re.sub(r"\S+:(\"[^\"]*\"|\S*)", " ", self.query_text)
        words = " ".join(re.sub(r'["+()]|(?<!\w)-', " ", words).split())
        if words and words != self.query_text:
            self.query_input.set_quietly(words)

    def step_back(self) -> bool:
        """Zoom, then a range being marked."""
        hits = self.hits
        if hits.in_range:
            hits.end_range()
            return True
        return super().step_back()

    # --- facets, marks, sort

    @on(RowList.Opened, "#facets")
    def add_facet(self, event: RowList.Opened) -> None:
        """Narrow the query down to a value."""
        event.stop()
        facet = self.facets.current
        if facet is not None and facet.query and facet.query not in self.query_text:
            self.query_input.set_quietly(f"{self.query_text.rstrip()} {facet.query} ".lstrip())

    @on(DocumentRows.AllWanted)
    def mark_all(self, event: DocumentRows.AllWanted) -> None:
        """Mark every hit, those that are not here included."""
        event.stop()

        def mark(result: SearchResult) -> None:
            self.quire.marks.add(hit.path for hit in result.hits)
            if result.total > len(result.hits):
                self.quire.say_briefly(f"The first {len(result.hits):,} of {result.total:,} are marked.")

        self.call("mark", _search_call(self.query_text, "auto", typing=True, limit=_ALL_LIMIT), mark)

    def action_judge(self, verdict: int) -> None:
        """This hit helped with the query, or is wrong for it."""
        hit = self._hit
        if hit is not None and self.result is not None:
            self.judge(hit.path, self.result.query, verdict)

    def action_sort(self) -> None:
        """Choose an order; it becomes part of the query, where it can be seen."""
        choices = [
            Choice("", "relevance", "what fits best first"),
            Choice("new", "new", "latest change first"),
            Choice("old", "old", "earliest change first"),
            Choice("name", "name", "by file name"),
            Choice("size", "size", "largest first"),
        ]

        def sort(chosen: str | None) -> None:
            if chosen is not None:
                rest = re.sub(r"\s*\bsort:\S*", "", self.query_text).strip()
                self.query_input.set_quietly(f"{rest} sort:{chosen}".strip() if chosen else rest)

        self.quire.choose("Sort", choices, sort)

    def screen_resized(self) -> None:
        """Fill the facets when there is room for them."""
        if self.quire.xwide and self.result is not None:
            self.facets.show(facets_of(list(self.result.hits)))


def _search_call(
    query: str, mode: Mode, *, typing: bool, limit: int, offset: int = 0
) -> Callable[[Session], SearchResult]:
    """The search as a call for a thread; the types are loaded there, not before the first frame."""

    def work(session: Session) -> SearchResult:
        from indexer.types import SearchRequest

        return session.search(
            SearchRequest(query=query, mode=mode, typing=typing, limit=limit, offset=offset)
        )

    return work
