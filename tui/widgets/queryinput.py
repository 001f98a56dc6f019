"""The input line: one row, no border, no blinking, the query language in colour."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import BindingType
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

from tui.keys import INPUT
from tui.palette import styles_of

if TYPE_CHECKING:
    from indexer.labelled import Labelling
    from indexer.query import Query

_parse: Callable[..., Query] | None = None
"""Set when the parser is whole: a module in `sys.modules` may still be half loaded."""

_custom: frozenset[str] = frozenset()
"""Names of the fields that somebody made in this library."""

FIELDS = {
    "title": "",
    "name": "",
    "path": "",
    "heading": "",
    "author": "",
    "from": "",
    "to": "",
    "subject": "",
    "ext": "",
    "type": "pdf doc sheet slides mail web text code image",
    "lang": "",
    "tag": "",
    "note": "",
    "collection": "",
    "after": "today 7d 3w 6m 1y",
    "before": "today 7d 3w 6m 1y",
    "date": "",
    "created": "",
    "size": "",
    "pages": "",
    "quality": "",
    "page": "",
    "is": "new failed ocr duplicate old tagged untagged excluded",
    "sort": "relevance new old name size",
    "mode": "auto keyword semantic",
}
"""Fields of the query language with the values worth suggesting; `indexer.query` knows what they mean."""


class FieldSuggester(Suggester):
    """Completes the last word: a field, one of its values, or a folder after `path:`."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self.folders: tuple[str, ...] = ()
        self.names: Mapping[str, tuple[str, ...]] = {}
        """Values of fields that the library knows: tags, collections; fields of one's own have none."""

    def know(self, labelling: Labelling) -> None:
        """Complete these tags, collections and fields."""
        self.names = {
            **{field.name: () for field in labelling.fields},
            "tag": tuple(tag.name for tag in labelling.tags),
            "collection": tuple(_typed(each.name) for each in labelling.collections),
        }

    async def get_suggestion(self, value: str) -> str | None:
        """The whole value with the last word completed, or None."""
        return complete(value, self.folders, self.names)


def _typed(name: str) -> str:
    """A value as one types it."""
    return f'"{name}"' if " " in name or "," in name else name


def complete(
    value: str, folders: tuple[str, ...] = (), names: Mapping[str, tuple[str, ...]] | None = None
) -> str | None:
    """The value with its last word completed, or None where there is nothing to add."""
    names = names or {}
    word = value.rpartition(" ")[2].lstrip("+-(")
    field, colon, typed = word.partition(":")
    if not colon:
        if len(word) < 2:
            return None
        full = next((name for name in (*FIELDS, *names) if name.startswith(word)), None)
        return f"{value}{full[len(word) :]}:" if full else None
    values = folders if field in ("path", "in") else names.get(field) or tuple(FIELDS.get(field, "").split())
    full = next((known for known in values if known.startswith(typed) and known != typed), None)
    return f"{value}{full[len(typed) :]}" if full else None


def load_query_parser() -> None:
    """Load the parser that colours the input; called in a thread behind the first frame, never by a key."""
    global _parse
    from indexer.query import parse

    _parse = parse


def query_spans(text: str) -> tuple[tuple[int, int, str], ...]:
    """Spans and roles of a query's parts, () while the parser is not loaded."""
    return () if _parse is None else _spans(_parse, text, _custom)


def know_fields(names: Iterable[str]) -> None:
    """Colour these fields, too, which somebody has made."""
    global _custom
    _custom = frozenset(names)


@functools.lru_cache(maxsize=64)
def _spans(
    parse: Callable[..., Query], text: str, custom: frozenset[str]
) -> tuple[tuple[int, int, str], ...]:
    spans = parse(text, custom=dict.fromkeys(custom, "")).spans
    return tuple((span[0], span[1], str(span[2])) for span in spans)


class QueryInput(Input, inherit_css=False):
    """A line to type into. Keys that mean nothing to it go on to the list below."""

    BINDINGS: ClassVar[list[BindingType]] = list(INPUT)
    COMPONENT_CLASSES: ClassVar[set[str]] = set(Input.COMPONENT_CLASSES)
    # in place of Textual's rules for Input, which are longer than all of ours together
    DEFAULT_CSS = """
    QueryInput { height: 1; width: 100%; padding: 0 1; scrollbar-size-horizontal: 0; }
    QueryInput > .input--cursor { background: $foreground; color: $background; }
    QueryInput > .input--placeholder, QueryInput > .input--suggestion { color: $quire-dim; }
    QueryInput > .input--selection { background: $panel; }
    QueryInput:ansi > .input--cursor { background: ansi_default; color: ansi_default; text-style: reverse; }
    QueryInput:ansi > .input--selection { text-style: reverse; }
    """

    class ListMoved(Message):
        """Somebody moves in the list without leaving the input."""

        def __init__(self, rows: int, pages: int) -> None:
            super().__init__()
            self.rows = rows
            self.pages = pages

    def __init__(
        self,
        *,
        placeholder: str = "",
        id: str | None = None,
        is_query: bool = True,
        suggester: Suggester | None = None,
    ) -> None:
        """`is_query` colours fields and operators."""
        super().__init__(placeholder=placeholder, id=id, suggester=suggester, select_on_focus=False)
        self.cursor_blink = False
        if is_query:
            self.highlighter = self._paint  # type: ignore[assignment]  # any callable on Text serves

    def _paint(self, text: Text) -> Text:
        """Colour the parts of a query by their role."""
        styles = styles_of(self)
        for start, end, role in query_spans(text.plain):
            name = "field" if role == "value" else role
            if name in ("field", "operator", "phrase", "ignored"):
                text.stylize(styles[name], start, end)
        return text

    def set_quietly(self, value: str) -> None:
        """Put a value in with the cursor behind it."""
        self.value = value
        self.cursor_position = len(value)

    def action_list_move(self, rows: int) -> None:
        """Up or down in the list."""
        self.post_message(self.ListMoved(rows, 0))

    def action_list_page(self, pages: int) -> None:
        """A page up or down in the list."""
        self.post_message(self.ListMoved(0, pages))
