"""Copies and versions as they belong together: a line about each group, below it its files."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui.citing import file_name, folder_name
from tui.widgets.cells import Piece, cut_middle, fit, line_text, measure, pad, pad_left
from tui.widgets.rows import DocumentRows, short_type
from tui.widgets.textview import format_date, format_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from indexer.related import CopyGroup, CopyReport, Family

RELATIONS = {"exact": "same bytes", "same-text": "same text", "near": "nearly the same"}
_SHARES = {"exact": "bytes", "same-text": "text"}


class Kin(NamedTuple):
    """A group of copies or a family of versions, as the table tells it."""

    key: str
    title: str
    """Of a family what its names have in common; else the kind of the copies."""
    about: str
    why: str
    """Why the first file is to be kept; of a family "the newest version"."""
    kept: str
    """Path of the file to keep."""
    others: tuple[str, ...]
    """Paths of the files that are not needed beside it."""
    apart: tuple[str, ...]
    """Those of the others that do not hold the same bytes: labels belong to contents."""
    total: int
    """Files of the group."""
    versions: bool
    alike: bool
    """The others have the same text, every word of it."""


class KinRow(NamedTuple):
    """A line of the table: about a group (no path), or a file of it."""

    kin: Kin
    path: str = ""
    document: str = ""
    kept: bool = False
    """The file to keep, or a copy of the newest version."""
    same: str = ""
    """How much it has in common with the one to keep, in a few characters."""
    format: str = ""
    size_bytes: int = 0
    mtime_ns: int = 0

    @property
    def is_read(self) -> bool:
        """Enter reads it: it is the file to keep, or nothing differs from that one."""
        return self.kept or self.kin.alike


def kin_rows(report: CopyReport, group: str) -> tuple[KinRow, ...]:
    """All lines: of versions for the group "old", else of copies."""
    if group == "old":
        return tuple(row for family in report.families for row in _family_rows(family))
    return tuple(row for copies in report.groups for row in _copy_rows(copies))


def _copy_rows(group: CopyGroup) -> Iterator[KinRow]:
    first, *rest = group.files
    kin = Kin(
        key=f"{group.relation}:{first.path}",
        title=RELATIONS[group.relation] + (" by meaning" if any(each.by_meaning for each in rest) else ""),
        about=f"{len(group.files)} files · {format_size(group.frees_bytes)} to win",
        why=group.why,
        kept=first.path,
        others=tuple(each.path for each in rest),
        apart=tuple(each.path for each in rest if each.document != first.document),
        total=len(group.files),
        versions=False,
        alike=group.relation != "near",
    )
    yield KinRow(kin)
    for each in group.files:
        same = _SHARES.get(each.relation) or ("~" if each.by_meaning else "") + _share(each.similarity)
        yield KinRow(
            kin,
            each.path,
            each.document,
            each is first,
            "" if each is first else same,
            each.format,
            each.size_bytes,
            each.mtime_ns,
        )


def _family_rows(family: Family) -> Iterator[KinRow]:
    versions = family.versions
    places = len({each.place for each in versions})
    files = f", {len(versions)} files" if len(versions) > places else ""
    kin = Kin(
        key=f"versions:{versions[0].path}",
        title=family.name,
        about=f"{places} versions{files}",
        why="the newest version",
        kept=versions[0].path,
        others=tuple(each.path for each in versions if each.place),
        apart=tuple(each.path for each in versions if each.place),
        total=len(versions),
        versions=True,
        alike=False,
    )
    yield KinRow(kin)
    for each in versions:
        yield KinRow(
            kin,
            each.path,
            each.document,
            not each.place,
            _share(each.similarity) if each.place else "",
            file_name(each.path).rpartition(".")[2].lower(),
            mtime_ns=each.mtime_ns,
        )


def _share(similarity: float) -> str:
    """A share; what differs is never said to be all the same."""
    return f"{min(int(similarity * 100), 99)}%" if similarity else "-"


class KinTable(DocumentRows[KinRow]):
    """Groups of copies or families of versions."""

    HEADER = True

    versions = False
    """The rows are versions: their types and sizes say little."""

    FOOTER_LABELS: Mapping[str, str] = {}

    def path_of(self, row: KinRow) -> str:
        """The file's path."""
        return row.path

    def key_of(self, row: KinRow) -> str:
        """A file may stand in two groups."""
        return f"{row.kin.key}|{row.path}"

    def label_enter(self) -> None:
        """Let the footer say what Enter does here."""
        row = self.current
        label = "Read" if row is None or row.is_read else "Compare"
        if self.has_focus and self.FOOTER_LABELS.get("list.open") != label:
            self.FOOTER_LABELS = {"list.open": label}
            self.screen.refresh_bindings()

    def mark_of(self, row: KinRow) -> str:
        """`*` marked."""
        return "*" if row.path and super().mark_of(row) == "*" else " "

    def action_mark(self) -> None:
        """Mark a file; on the line about a group, all its files but the one to keep."""
        row = self.current
        if row is not None and row.path:
            super().action_mark()
        elif row is not None:
            self.action_mark_others()
            self.action_move(row.kin.total + 1)

    def action_mark_others(self) -> None:
        """Mark all files of this group but the one to keep."""
        row = self.current
        if row is not None and self.marks is not None:
            self.marks.add(row.kin.others)

    def _mark_range(self) -> None:
        if self._range_from is not None and self.marks is not None:
            rows = self.rows_between(self._range_from, self.cursor)
            self.marks.add(row.path for row in rows if row.path)

    def draw_header(self, width: int) -> list[Piece]:
        """The names of the columns."""
        return self._columns(width, " ", "", ("Name", "Folder", "Type", "Size", "Same", "Changed"), "head")

    def draw(self, row: KinRow, width: int, line: int) -> list[Piece]:
        """A line about a group, or a file."""
        if not row.path:
            return self._heading(row.kin, width)
        texts = (
            line_text(file_name(row.path)),
            line_text(folder_name(row.path)),
            short_type(row.format, row.path),
            format_size(row.size_bytes) if row.size_bytes else "",
            row.same,
            format_date(row.mtime_ns),
        )
        role = ("newest" if row.kin.versions else "keep") if row.kept else ""
        return self._columns(width, self.mark_of(row), role, texts, "")

    def _heading(self, kin: Kin, width: int) -> list[Piece]:
        title = line_text(kin.title, 200)
        if kin.versions:
            title = cut_middle(title, max(8, width - len(kin.about) - 6))
        why = "" if kin.versions else f" · keeps {line_text(kin.why, 200)}"
        return fit([(" ", ""), (title, "head"), (f" · {kin.about}{why}", "dim")], width)

    def _columns(self, width: int, mark: str, role: str, texts: tuple[str, ...], style: str) -> list[Piece]:
        """The columns that fit: role, name, share and date always, folder from 56 cells on."""
        name, folder, format, size, same, changed = texts
        tail: list[Piece] = []
        if width >= 72 and not self.versions:
            tail += [(pad(f"  {format}", 8), style or "dim"), (pad_left(size, 8), style or "dim")]
        tail += [(pad_left(same, 7), style), (pad(f"  {changed}", 13), style or "dim")]
        room = width - measure(tail) - 8
        folder_width = min(36, room // 3) if width >= 56 else 0
        name_width = max(8, room - folder_width)
        pieces: list[Piece] = [
            (mark, style or "mark"),
            (pad(role, 7), style or "mark"),
            (pad(cut_middle(name, name_width - 1), name_width), style or "name"),
        ]
        if folder_width:
            pieces.append((pad(folder, folder_width), style or "dim"))
        return fit([*pieces, *tail], width)
