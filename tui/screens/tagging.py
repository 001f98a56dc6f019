"""Tags of one or several documents: those they have, suggestions, all there are, and a line for new ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.suggester import Suggester
from textual.widgets import Input

from tui.calls import CallEnded, Calls
from tui.citing import file_name
from tui.keys import TAGGING
from tui.panes.labelling import LOOKED_AT, SUGGESTED_FOR
from tui.screens.dialog import Dialog
from tui.screens.picker import match
from tui.widgets.bars import InfoLine
from tui.widgets.cells import line_text
from tui.widgets.queryinput import QueryInput
from tui.widgets.rowlist import RowList
from tui.widgets.rows import Choice, ChoiceList

if TYPE_CHECKING:
    from copilot.types import Session
    from indexer.labelled import LabelChange, Labels, Suggestion, TagCount


class State(NamedTuple):
    """What the dialog shows."""

    paths: list[str]
    labels: list[Labels]
    """Of the first of them."""
    tags: tuple[TagCount, ...]
    suggestions: tuple[Suggestion, ...]


def read(session: Session, paths: list[str]) -> State:
    """Everything the dialog shows of some documents; blocks."""
    return State(
        paths,
        [session.labels(path) for path in paths[:LOOKED_AT]],
        session.labelling().tags,
        session.suggest_tags(paths[:SUGGESTED_FOR]),
    )


class TagSuggester(Suggester):
    """Completes a tag."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self.names: tuple[str, ...] = ()

    async def get_suggestion(self, value: str) -> str | None:
        """The value with its last tag completed, or None."""
        typed = value.rpartition(",")[2].lstrip()
        if not typed:
            return None
        begin = typed.casefold()
        full = next(
            (name for name in self.names if name.casefold().startswith(begin) and name.casefold() != begin),
            None,
        )
        return value + full[len(typed) :] if full else None


class TagList(ChoiceList):
    """Tags; keys of rows are `has:`, `may:` or `all:` and the tag."""

    FOOTER_LABELS: ClassVar[dict[str, str]] = {"list.open": "Give/Take"}


class TagDialog(Dialog[None]):
    """Gives and takes tags at once; each change can be undone."""

    BINDINGS: ClassVar[list[BindingType]] = list(TAGGING)

    def __init__(self, session: Session, state: State) -> None:
        """Show `state`; changes go to `session`."""
        one = len(state.paths) == 1
        what = line_text(file_name(state.paths[0]), 60) if one else f"{len(state.paths):,} documents"
        super().__init__(f"Tags of {what}")
        self._session = session
        self._state = state
        self._calls = Calls(self)
        self._suggester = TagSuggester()
        self._moved = False
        """Enter takes the row under the cursor, since somebody has moved to it."""

    def content(self) -> ComposeResult:
        """A line, what was done, the tags."""
        yield QueryInput(
            placeholder="a tag, such as project/alpha",
            is_query=False,
            suggester=self._suggester,
        )
        yield InfoLine(id="done")
        yield TagList(classes="choices")

    def on_mount(self) -> None:
        """Show what there is."""
        self._show()

    # --- what is shown

    def _show(self) -> None:
        self._suggester.names = tuple(tag.name for tag in self._state.tags)
        text = self.query_one(QueryInput).value.rpartition(",")[2]
        words = text.casefold().split()
        found = [(place, choice) for choice in self._choices() if (place := match(choice, words)) is not None]
        rows = self.query_one(TagList)
        rows.empty = ("Enter gives this tag.",) if words else ("No tags yet: type one.",)
        shown = tuple(choice._replace(spans=place[1]) for place, choice in found)
        rows.show(shown, cursor_on=rows.current_key if self._moved else None)
        rows.styles.height = max(1, min(len(shown) or 1, 14, self.app.size.height - 10))

    def _choices(self) -> list[Choice]:
        """Tags the documents have, then suggestions, then all others."""
        counted, rules = self._counted()
        total = len(self._state.labels)
        rows = []
        for name, count in sorted(counted.items(), key=lambda pair: pair[0].casefold()):
            share = "" if count == total else f"on {count} of {total}"
            by = f"by the rule {rules[name]}" if name in rules else ""
            rows.append(Choice(f"has:{name}", f"* {name}", ", ".join(filter(None, (share, by))) or "given"))
        for name, each in self._suggested().items():
            like = ", ".join(file_name(path) for path in each.because[:2])
            rows.append(Choice(f"may:{name}", f"? {name}", f"{each.confidence:.0%} sure, like {like}"))
        taken = {*counted, *self._suggested()}
        for tag in self._state.tags:
            if tag.name not in taken:
                rows.append(Choice(f"all:{tag.name}", f"  {tag.name}", f"{tag.documents:,} documents"))
        return rows

    def _counted(self) -> tuple[Counter[str], dict[str, str]]:
        counted: Counter[str] = Counter()
        rules: dict[str, str] = {}
        for labels in self._state.labels:
            for tag in labels.tags:
                counted[tag.name] += 1
                if tag.rule:
                    rules[tag.name] = tag.rule
        return counted, rules

    def _suggested(self) -> dict[str, Suggestion]:
        """The surest suggestion of each tag, surest first."""
        found: dict[str, Suggestion] = {}
        for each in sorted(self._state.suggestions, key=lambda each: (-each.confidence, each.tag)):
            found.setdefault(each.tag, each)
        return found

    # --- typing and moving

    @on(Input.Changed)
    def text_changed(self, event: Input.Changed) -> None:
        """Show the tags that fit."""
        event.stop()
        self._moved = False
        self._show()

    @on(QueryInput.ListMoved)
    def move_list(self, event: QueryInput.ListMoved) -> None:
        """Move in the list while typing."""
        event.stop()
        rows = self.query_one(TagList)
        if self._moved or event.pages or event.rows < 0:
            rows.action_move(event.rows) if event.rows else rows.action_page(event.pages)
        self._moved = True
        rows.focus()

    @on(Input.Submitted)
    def typed(self, event: Input.Submitted) -> None:
        """Enter gives what is typed."""
        event.stop()
        tags = tuple(tag.strip() for tag in event.value.split(",") if tag.strip())
        if tags:
            self._change(add=tags)

    @on(RowList.Opened)
    def take_row(self, event: RowList.Opened) -> None:
        """Enter on a tag takes it away when all have it, else gives it."""
        event.stop()
        kind, name = self._row()
        everywhere = self._counted()[0][name] == len(self._state.labels)
        if kind == "has" and everywhere:
            self._change(remove=(name,))
        elif name:
            self._change(add=(name,))

    def _row(self) -> tuple[str, str]:
        choice = self.query_one(TagList).current
        kind, _, name = choice.key.partition(":") if choice is not None else ("", "", "")
        return kind, name

    # --- changes

    def action_accept(self) -> None:
        """Give the tag under the cursor."""
        _, name = self._row()
        if name:
            self._change(add=(name,))

    def action_refuse(self) -> None:
        """Take the tag under the cursor away, or let it not be suggested again."""
        kind, name = self._row()
        if kind == "may":
            self._change(refuse=(name,))
        elif kind == "has":
            self._change(remove=(name,))

    def action_undo(self) -> None:
        """Take the last change back."""
        self._make(lambda session: f"undone: {session.undo_label()}")

    def _change(self, **labels: tuple[str, ...]) -> None:
        def work(session: Session) -> str:
            from indexer.labelled import LabelChange

            change: LabelChange = LabelChange(targets=tuple(self._state.paths), **labels)  # type: ignore[arg-type]
            return session.label(change).says

        self._make(work)

    def _make(self, work: Callable[[Session], str]) -> None:
        session, paths = self._session, self._state.paths
        self._calls.make("tags", lambda: (work(session), read(session, paths)), self._changed, self._failed)

    def _changed(self, done: tuple[str, State]) -> None:
        if not self.is_attached:
            return
        says, self._state = done
        self.query_one("#done", InfoLine).show(line_text(says))
        line = self.query_one(QueryInput)
        if line.value:
            line.set_quietly("")
        else:
            self._show()

    def _failed(self, error: BaseException) -> None:
        if self.is_attached:
            self.query_one("#done", InfoLine).show(line_text(str(error)))

    @on(CallEnded)
    def finish_call(self, event: CallEnded) -> None:
        """Hand over what a thread brought."""
        event.stop()
        event.finish()
