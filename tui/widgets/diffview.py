"""What differs between two documents as one text: the words of both marked, n and N go along."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from tui.citing import file_name
from tui.widgets.cells import Piece, cut_middle, line_text, spread
from tui.widgets.textview import DocumentFacts, TextView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from indexer.related import Difference, Edit

Span = tuple[int, int]

_MARKS = {"removed": ("[-", "-]"), "added": ("{+", "+}")}


class Merged(NamedTuple):
    """Both texts in one."""

    text: str
    changes: tuple[Span, ...]
    """Each place where the texts differ, marks included."""
    words: tuple[tuple[int, int, str], ...]
    """(start, end, "removed" or "added") of the marked words."""
    places: tuple[int, ...]
    """Offset of each change in the second document."""


def merged(edits: Sequence[Edit]) -> Merged:
    """One text out of the edits: words of the first document only in `[-…-]`, of the second in `{+…+}`."""
    parts: list[str] = []
    length = 0
    changes: list[Span] = []
    words: list[tuple[int, int, str]] = []
    places: list[int] = []
    for edit, following in itertools.zip_longest(edits, edits[1:]):
        if edit.op == "equal":
            parts.append(_equal(edit, following))
            length += len(parts[-1])
            continue
        start = length
        for text, kind in ((edit.a, "removed"), (edit.b, "added")):
            body = text.rstrip()
            blank = text[len(body) :]
            if body:
                marked = f"{_MARKS[kind][0]}{body}{_MARKS[kind][1]}"
                words.append((length, length + len(marked), kind))
                parts += [marked, blank]
                length += len(marked) + len(blank)
            elif kind == "added" or not edit.b:
                parts.append(blank)
                length += len(blank)
        if words and words[-1][0] >= start:  # blanks alone are no change
            changes.append((start, words[-1][1]))
            places.append(edit.b_start)
    return Merged("".join(parts), tuple(changes), tuple(words), tuple(places))


def _equal(edit: Edit, following: Edit | None) -> str:
    """An equal stretch; of a shortened one both ends, cut at words, and how much is left out between."""
    left_out = (following.b_start - edit.b_start if following else 0) - len(edit.b)
    middle = len(edit.b) // 2
    if left_out <= 0 or edit.b[middle : middle + 1] != "…":
        return edit.b
    first, last = edit.b[:middle], edit.b[middle + 1 :]
    first = first[: max(first.rfind(" "), first.rfind("\n")) + 1].rstrip() if edit.b_start else ""
    blank = min((at for at in (last.find(" "), last.find("\n")) if at >= 0), default=-1)
    return f"{first}\n\n… the same for {left_out + 1:,} characters …\n\n{last[blank + 1 :].lstrip()}"


class DiffView(TextView):
    """Two documents as one text."""

    FOOTER_LABELS: Mapping[str, str] = {"text.next": "Next change"}

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        """Begin empty."""
        super().__init__(id=id, classes=classes)
        self.names = ("", "")
        self.merged = Merged("", (), (), ())

    def show_difference(self, difference: Difference) -> None:
        """Show the first change."""
        from indexer.types import TextWindow

        self.names = difference.a, difference.b
        self.merged = found = merged(difference.edits)
        window = TextWindow(
            document="",
            start=0,
            end=len(found.text),
            total=len(found.text),
            text=found.text,
            matches=found.changes,
        )
        self.show(window, DocumentFacts(difference.b), at=found.changes[0][0] if found.changes else 0)

    @property
    def shows_changes(self) -> bool:
        """The keys n and N go through the changes, not through what was found."""
        return self.matches == list(self.merged.changes)

    def place_in_second(self) -> int:
        """Offset in the second document of the change that is current or comes first on screen."""
        changes = self.merged.changes
        at = self.place[0] if self.matches else self.top_offset
        index = bisect_right(changes, (at, len(self.text)))
        return self.merged.places[max(0, index - 1)] if changes else 0

    def _runs(self, start: int, end: int) -> list[tuple[int, int, str]]:
        words = self.merged.words
        first = max(0, bisect_right(words, (start, 0, "")) - 1)
        here = list(itertools.takewhile(lambda word: word[0] < end, words[first:]))
        runs = []
        for left, right, style in super()._runs(start, end):
            borders = {left, right, *(edge for word in here for edge in word[:2] if left < edge < right)}
            for a, b in itertools.pairwise(sorted(borders)):
                kind = next((kind for x, y, kind in here if x <= a < y), "")
                found = style == "lit" or (style == "match" and not self.shows_changes)
                runs.append((a, b, style if found else kind))
        return runs

    def _head(self, width: int) -> list[Piece]:
        right = (
            f"change {self.current + 1}/{len(self.matches)} " if self.shows_changes and self.matches else ""
        )
        room = max(8, (width - len(right) - 8) // 2)
        old, new = (cut_middle(line_text(file_name(path)), room) for path in self.names)
        return spread([(f" {old}", "name"), (" -> ", "dim"), (new, "name")], [(right, "dim")], width)
