"""How the rows of each list look: hits, files, sources, choices."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.binding import BindingType
from textual.message import Message

from tui.citing import file_name, folder_name
from tui.keys import ROWS
from tui.marks import Marks
from tui.widgets.cells import Piece, cut, cut_middle, fit, line_text, lit, measure, pad, pad_left, spread
from tui.widgets.rowlist import RowList, T
from tui.widgets.textview import format_date, format_size

if TYPE_CHECKING:
    from copilot.types import Citation, Newer
    from indexer.types import FileRow, Hit

_PLACES = {"slides": "s.", "sheet": "t.", "mail": "m."}


def place_name(kind: str, page: int | None) -> str:
    """A page, slide, table or message as lists show it; "" without one."""
    return f"{_PLACES.get(kind, 'p.')}{page}" if page else ""


def around(
    text: str, spans: tuple[tuple[int, int], ...], width: int
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The part of a snippet that shows its first match in a line of `width` cells, with its spans."""
    first = spans[0] if spans else (0, 0)
    if first[1] <= width - 2:
        return text, spans
    start = text.rfind(" ", 0, max(0, first[0] - width // 4)) + 1
    return "…" + text[start:], tuple((a - start + 1, b - start + 1) for a, b in spans if a >= start)


class DocumentRows(RowList[T]):
    """A list of documents that can be marked."""

    BINDINGS: ClassVar[list[BindingType]] = list(ROWS)

    class AllWanted(Message):
        """Somebody wants all of the result marked, the rows that are not here included."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        """Begin empty and without marks."""
        super().__init__(id=id, classes=classes)
        self.marks: Marks | None = None
        self._range_from: int | None = None

    def path_of(self, row: T) -> str:
        """The path that a mark on the row means."""
        raise NotImplementedError

    def key_of(self, row: T) -> str:
        """Rows are known by their path."""
        return self.path_of(row)

    def mark_of(self, row: T) -> str:
        """`*` on marked rows."""
        return "*" if self.marks is not None and self.path_of(row) in self.marks else " "

    def action_mark(self) -> None:
        """Mark the row or take its mark back, and go down."""
        row = self.current
        if row is not None and self.marks is not None:
            self.marks.toggle(self.path_of(row))
            self.action_move(1)

    def action_range(self) -> None:
        """Begin or end a range."""
        self._range_from = self.cursor if self._range_from is None else None
        if self._range_from is not None:
            self._mark_range()

    def action_mark_all(self) -> None:
        """Mark all rows, by way of the pane."""
        self.post_message(self.AllWanted())

    @property
    def in_range(self) -> bool:
        """A range is being marked."""
        return self._range_from is not None

    def end_range(self) -> None:
        """Stop marking where the cursor goes."""
        self._range_from = None

    def _mark_range(self) -> None:
        if self._range_from is not None and self.marks is not None:
            self.marks.add(self.path_of(row) for row in self.rows_between(self._range_from, self.cursor))

    def watch_cursor(self) -> None:
        """A range follows the cursor."""
        self._mark_range()


class HitList(DocumentRows["Hit"]):
    """Hits in one line (name, place, snippet) or two."""

    def path_of(self, row: Hit) -> str:
        """A hit stands for its first path."""
        return row.path

    def draw(self, row: Hit, width: int, line: int) -> list[Piece]:
        """One line, or the name above the snippet."""
        if line == 1:
            text, spans = around(line_text(row.snippet, 600), row.highlights, width - 4)
            return fit([("   ", ""), *lit(text, spans, "match", "dim")], width)
        name = line_text(file_name(row.path))
        flags = self._flags(row)
        place = place_name(row.kind, row.page)
        if self.row_height == 1:
            return self._one_line(row, name, flags, place, width)
        right = [(flags, "dim"), (pad_left(place, 7), ""), (f"  {format_date(row.mtime_ns)} ", "dim")]
        room = max(8, width - measure(right) - 3)
        return spread(
            [(self.mark_of(row), "mark"), (cut_middle(name, room), "name")],
            [piece for piece in right if piece[0]],
            width,
        )

    def _one_line(self, row: Hit, name: str, flags: str, place: str, width: int) -> list[Piece]:
        name_width = max(8, min(30, width // 3))
        snippet_width = width - name_width - 15
        text, spans = around(line_text(row.snippet, 600), row.highlights, snippet_width)
        return fit(
            [
                (self.mark_of(row), "mark"),
                (pad(cut_middle(name, name_width), name_width), "name"),
                (pad(f" {flags}", 5), "dim"),
                (pad_left(place, 6), ""),
                ("  ", ""),
                *lit(text, spans, "match"),
            ],
            width,
        )

    def _flags(self, row: Hit) -> str:
        """`=2` copies collapsed into the hit, `~` found by its meaning only."""
        copies = f"={len(row.paths)}" if len(row.paths) > 1 else ""
        return copies + ("~" if "semantic" in row.matched_by and "keyword" not in row.matched_by else "")


_STATES = {
    "pending": "waiting",
    "indexed": "ready",
    "empty-text": "no text",
    "needs-ocr": "needs OCR",
    "too-large": "too large",
    "changed-while-reading": "changing",
}


def state_name(status: str) -> str:
    """A status as a person says it."""
    return _STATES.get(status, status)


def state_text(row: FileRow, width: int) -> str:
    """What a file's state is, the most needful first, in at most `width` cells."""
    if row.status != "indexed":
        return cut(state_name(row.status), width)
    if row.excluded:
        return "excluded"
    if row.poor:
        return cut(f"poor: {row.flaw_code}" if row.flaw_code else "poor", width)
    if row.newer:
        return cut(f"old of {_telling(row.newer, row.path)}", width)
    if row.copy_of:
        return cut(f"copy of {_telling(row.copy_of, row.path)}", width)
    copies = f" ={row.copies + 1}" if row.copies else ""
    return ("needs OCR" if row.scanned_pages else "ready") + copies


def short_type(format: str, path: str) -> str:
    """The format, or the ending of the name where that is shorter."""
    ending = file_name(path).rpartition(".")[2].lower()
    return line_text(ending if len(format) > 5 and 0 < len(ending) <= 5 else format, 12)


def _telling(other: str, path: str) -> str:
    """What tells another file from this one: the words its name has and this one's has not, or its folder."""
    name, own = file_name(other), file_name(path)
    if name == own:
        return line_text(f"{folder_name(other).rpartition('/')[2]}/{name}")
    shared = set(_words(own))
    told = [word for word in _words(name.rpartition(".")[0] or name) if word not in shared]
    return line_text(" ".join(told) if told and len(" ".join(told)) < len(name) else name)


def _words(name: str) -> list[str]:
    return re.findall(r"\w+(?:\.\d+)*", name)


class FileTable(DocumentRows["FileRow"]):
    """The files of the library in columns."""

    HEADER = True

    def path_of(self, row: FileRow) -> str:
        """The file's path."""
        return row.path

    def mark_of(self, row: FileRow) -> str:
        """`*` marked, `!` could not be read, `v` an older version."""
        if super().mark_of(row) == "*":
            return "*"
        if row.status not in ("indexed", "pending"):
            return "!"
        return "v" if row.newer else " "

    def draw_header(self, width: int) -> list[Piece]:
        """The names of the columns."""
        names = ("Name", "Folder", "Type", "Pages", "Lang", "Qual", "Size", "State", "Changed")
        return self._columns(width, " ", names, "head")

    def draw(self, row: FileRow, width: int, line: int) -> list[Piece]:
        """One file."""
        texts = (
            line_text(file_name(row.path)),
            line_text(folder_name(row.path)),
            short_type(row.format or row.kind, row.path),
            f"{row.pages:,}" if row.pages else "-",
            row.language or "-",
            "-" if row.quality is None else str(row.quality),
            format_size(row.size_bytes),
            state_text(row, _state_width(width) - 2),
            format_date(row.mtime_ns),
        )
        return self._columns(width, self.mark_of(row), texts, "")

    def _columns(self, width: int, mark: str, texts: tuple[str, ...], style: str) -> list[Piece]:
        """The columns that fit: name, state and date always, folder and size from 100 cells on."""
        name, folder, format, pages, language, quality, size, state, changed = texts
        tail: list[Piece] = [(pad(f"  {format}", 8), style or "dim"), (pad_left(pages, 6), style)]
        if width >= 64:
            tail.append((pad(f"  {language}", 6), style or "dim"))
        if width >= 70:
            tail.append((pad_left(quality, 5), style))
        if width >= 90:
            tail.append((pad_left(size, 8), style or "dim"))
        warn = mark in "!v" and not style
        tail += [
            (pad(f"  {state}", _state_width(width)), style or ("warn" if warn else "")),
            (pad(f" {changed}", 11), style or "dim"),
        ]
        room = width - measure(tail) - 1
        folder_width = min(36, room // 3) if room >= 48 else 0
        name_width = max(8, room - folder_width)
        pieces: list[Piece] = [
            (mark, style or ("warn" if warn else "mark")),
            (pad(cut_middle(name, name_width - 1), name_width), style or "name"),
        ]
        if folder_width:
            pieces.append((pad(folder, folder_width), style or "dim"))
        return fit([*pieces, *tail], width)


def _state_width(width: int) -> int:
    """Cells of the column of states: it names other files where there is room."""
    return 16 if width < 90 else 24


class Source(NamedTuple):
    """A row under an answer: a citation, a passage close by, or a line of text."""

    key: str
    label: str
    citation: Citation | None
    text: str = ""
    """Without a citation the row itself, with one the value found there."""
    style: str = "dim"
    """With a value its verdict."""


class SourceList(RowList[Source]):
    """What an answer stands on, below a line that says how much was read."""

    HEADER = True

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        """Begin empty."""
        super().__init__(id=id, classes=classes)
        self.title = "Sources"
        self.read = ""
        self.value_width = 0
        """Cells for the values of a table; 0 where the rows are no table."""

    def key_of(self, row: Source) -> str:
        """Rows are known by number."""
        return row.key

    def draw_header(self, width: int) -> list[Piece]:
        """`── Sources ──── read 6 of 44 ──`."""
        title = f"── {self.title} "
        read = f" {self.read} ──" if self.read else ""
        rule = "─" * max(0, width - len(title) - len(read))
        return fit([(title, "head"), (rule, "dim"), (read, "head")], width)

    def draw(self, row: Source, width: int, line: int) -> list[Piece]:
        """Number, document, page, quote; or a line of text."""
        citation = row.citation
        if citation is None:
            return fit([(f" {row.text}" if line == 0 else "", row.style)], width)
        quote = f'"{line_text(" ".join(citation.quote.split()), 300)}"'
        said: list[Piece] = []
        if row.text:
            doubt = {"partly": "~ ", "unsupported": "? ", "contradicted": "! "}.get(row.style, "")
            said = [(f"{doubt}{line_text(row.text, 60)}  ", "bad" if doubt else "name")]
        if self.value_width:
            value = cut(said[0][0].strip() if said else "", self.value_width)
            said = [(f"{pad(value, self.value_width)}  ", said[0][1] if said else "")]
        if citation.note:
            said.append((f"! {line_text(citation.note.partition(';')[0])}  ", "warn"))
        if citation.newer is not None:
            said.append((f"! {_newer(citation.newer)}  ", "warn"))
        if line == 1:
            return fit([("     ", ""), *said, (quote, "dim")], width)
        name = line_text(file_name(citation.path))
        place = place_name("", citation.page)
        head = [(f" {row.label} ", "mark")]
        if self.row_height == 1:
            name_width = max(8, min(28, width // 3))
            place_width = 7
            return fit(
                [
                    *head,
                    (pad(cut_middle(name, name_width), name_width), "name"),
                    (f"{pad_left(place, place_width)}  ", ""),
                    *said,
                    (quote, "dim"),
                ],
                width,
            )
        return spread([*head, (name, "name")], [(f"{place} ", "")], width)


def _newer(newer: Newer) -> str:
    """What a newer version says, as short as a row is."""
    if not newer.changes:
        return line_text(newer.text.partition(";")[0])
    first = newer.changes[0]
    more = f" +{len(newer.changes) - 1}" if len(newer.changes) > 1 else ""
    return line_text(f'older; now "{first.new}"{more}' if first.new else f"older; gone{more}", 40)


class Choice(NamedTuple):
    """An entry of a dialog's list."""

    key: str
    label: str
    hint: str = ""
    """Shown on the right."""
    spans: tuple[tuple[int, int], ...] = ()
    """Matched parts of the label."""


class ChoiceList(RowList[Choice]):
    """Entries of a dialog."""

    FOOTER_LABELS: ClassVar[dict[str, str]] = {"list.open": "Choose"}

    def key_of(self, row: Choice) -> str:
        """Entries are known by their key."""
        return row.key

    def draw(self, row: Choice, width: int, line: int) -> list[Piece]:
        """Short labels make a column with the hints beside it; long ones push the hints to the right."""
        label, hint = line_text(row.label), line_text(row.hint, 200)
        pieces = lit(label, row.spans, "match")
        if not hint:
            return fit([(" ", ""), *pieces], width)
        if self._column <= width // 3:
            gap = " " * max(2, self._column - measure(pieces) + 3)
            return fit([(" ", ""), *pieces, (gap, ""), (hint, "dim")], width)
        hint = cut(hint, width // 2)
        room = width - measure([(hint, "")]) - 4
        if not row.spans:
            pieces = [(cut_middle(label, max(8, room)), "")]
        return spread([(" ", ""), *pieces], [(hint, "dim"), (" ", "")], width)

    @property
    def _column(self) -> int:
        """Cells of the longest label, as far as it is here."""
        return max((measure([(line_text(row.label), "")]) for row in self.rows_here()[:50]), default=0)
