"""Answers and summaries: sentences with their citations, and a mark before each that is not supported.

A model's text is shown as plain text: no links, no pictures, no markup. That is safe by construction
and sends a fifth of the bytes that a rendered Markdown stream would.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from indexer.text import safe_text
from tui.citing import file_name
from tui.keys import READER
from tui.palette import Painted
from tui.widgets.cells import Piece, fit, line_text, segments
from tui.widgets.rows import place_name
from tui.widgets.textview import MOST_COLUMNS
from tui.widgets.wrap import wrap

if TYPE_CHECKING:
    from copilot.types import Answer, Claim, Conflict, Summary, SummarySentence

_CITATION = re.compile(r"\[(\d{1,3})\]")
_AFTER_LETTERS = re.compile(r"[^\w\s\[]*(?:\s?\[\d{1,3}\])*[^\w\s\[]*")
"""What follows the last letter of a sentence and belongs to it: its stop and its citations."""
MOST_QUOTE_LINES = 2
"""Lines of the quote below a sentence that is not supported; the whole stands among the sources."""
_MARGIN = 3
"""Cells before the text, the mark among them."""

VERDICT_MARKS = {"supported": " ", "partly": "~", "unsupported": "?", "contradicted": "!"}
VERDICT_NAMES = {
    "supported": "supported",
    "partly": "partly",
    "unsupported": "unsupported",
    "contradicted": "contradicted",
}


class Marked(NamedTuple):
    """A part of an answer's text with its verdict."""

    start: int
    end: int
    verdict: str
    reason: str
    quote: str = ""


class Entry:
    """A question with what has come of it so far."""

    def __init__(self, question: str) -> None:
        self.question = question
        self.text = ""
        self.marked: list[Marked] = []
        self.notes: tuple[str, ...] = ()
        self.conflicts: tuple[Conflict, ...] = ()
        self.done = False

    def check(self, claims: tuple[Claim, ...]) -> None:
        """Take in the verdicts of the sentences written so far."""
        self.marked = _locate(self.text, claims)

    def finish(self, answer: Answer | Summary) -> None:
        """Take in the final text with its verdicts."""
        self.done = True
        self.notes = answer.notes
        self.conflicts = getattr(answer, "conflicts", ())
        text, parts = _content(answer)
        if getattr(answer, "findings", ()):  # the rows stand in the table below
            text, parts = text.partition("\n")[0], ()
        self.text = plain(text)
        if parts and not _CITATION.search(self.text):
            self.text, self.marked = _from_parts(parts)
        else:
            self.marked = _locate(self.text, parts)


def _content(answer: Answer | Summary) -> tuple[str, tuple[Claim | SummarySentence, ...]]:
    from copilot.types import Summary  # known by then: the answer is one of its types

    if isinstance(answer, Summary):
        return answer.summary, answer.sentences
    return answer.answer, answer.claims


def plain(text: str) -> str:
    """A model's Markdown as plain text: emphasis and heading marks go, everything else stays."""
    text = safe_text(text)
    text = re.sub(r"(?m)^#{1,6}[ \t]+", "", text)
    text = re.sub(r"\*\*([^*\n]+)\*\*", r"\1", text)
    return text.strip()


def _from_parts(parts: tuple[Claim | SummarySentence, ...]) -> tuple[str, list[Marked]]:
    text, marked = "", []
    for part in parts:
        sentence = plain(part.text)
        numbers = "".join(f"[{number}]" for number in part.citations)
        piece = f"{sentence} {numbers}".strip()
        text += " " if text else ""
        marked.append(Marked(len(text), len(text) + len(piece), part.verdict, part.reason, part.quote))
        text += piece
    return text, marked


def _locate(text: str, parts: tuple[Claim | SummarySentence, ...]) -> list[Marked]:
    """Where each sentence stands in the text, in order; one that is not there is left out.

    Letters and digits are compared alone: the text has citations, links or emphasis where a claim has none.
    """
    held, places = _letters(text)
    marked, position = [], 0
    for part in parts:
        letters, _ = _letters(part.text)
        at = held.find(letters, position) if letters else -1
        if at < 0:
            continue
        position = at + len(letters)
        start, end = places[at], places[position - 1] + 1
        if match := _AFTER_LETTERS.match(text, end):
            end = match.end()
        reason, quote = (safe_text(each, 300, single_line=True) for each in (part.reason, part.quote))
        marked.append(Marked(start, end, part.verdict, reason, quote))
    return marked


def _letters(text: str) -> tuple[str, list[int]]:
    """The letters and digits of a text without those of citations, with the position of each."""
    skip = {at for match in _CITATION.finditer(text) for at in range(match.start(), match.end())}
    places = [at for at, char in enumerate(text) if char.isalnum() and at not in skip]
    return "".join(text[at] for at in places), places


class AnswerView(Painted, ScrollView, can_focus=True, inherit_bindings=False):
    """Questions and answers, the newest at the end."""

    DEFAULT_CSS = "AnswerView { scrollbar-size: 0 0; min-width: 8; height: 1fr; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        binding for binding in READER if binding.id not in ("text.next", "text.previous")
    ]

    class Cited(Message):
        """Another citation of the newest answer is lit."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, *, id: str | None = None) -> None:
        """Begin empty."""
        super().__init__(id=id)
        self.entries: list[Entry] = []
        self.hint: tuple[str, ...] = ()
        """Shown while there is no entry."""
        self._lines: list[list[Piece]] = []
        self._citations: list[tuple[int, int, int]] = []
        """(line, piece, number) of each citation of the newest entry."""
        self.cited = -1
        self._follow = True
        self._older: tuple[int, int, list[list[Piece]]] = (0, 0, [])
        """Lines of all entries but the newest: (how many entries, width, lines)."""

    # --- content

    def begin(self, question: str, *, fresh: bool) -> Entry:
        """Start another entry; `fresh` forgets those before."""
        if fresh:
            self.entries = []
        entry = Entry(question)
        self.entries.append(entry)
        self.cited, self._follow = -1, True
        self.lay_out()
        return entry

    def clear(self) -> None:
        """Forget all entries."""
        self.entries = []
        self.cited = -1
        self.lay_out()

    def lay_out(self) -> None:
        """Make the lines anew after a change of the newest entry or of the size."""
        width = min(self.size.width - _MARGIN - 1, MOST_COLUMNS)
        if width <= 4:
            return
        older = len(self.entries) - 1
        if self._older[:2] != (older, width):
            lines = [line for entry in self.entries[:-1] for line in _entry_lines(entry, width)]
            self._older = (older, width, lines)
        begin = len(self._older[2])
        newest = _entry_lines(self.entries[-1], width) if self.entries else []
        self._lines = [*self._older[2], *newest]
        self._citations = [
            (begin + number, index, int(piece[0][1:-1]))
            for number, line in enumerate(newest)
            for index, piece in enumerate(line)
            if piece[1] == "cite"
        ]
        self.set_reactive(ScrollView.virtual_size, Size(1, len(self._lines)))
        self._keep_view(begin)
        self.refresh_changed()

    def _keep_view(self, begin: int) -> None:
        """Follow the growing answer while nobody scrolled; a finished one is read from its question."""
        if not self._follow:
            return
        last = max(0, len(self._lines) - self.size.height)
        done = bool(self.entries) and self.entries[-1].done
        self.scroll_to(y=min(begin, last) if done else last, animate=False, force=True, immediate=True)

    def on_resize(self) -> None:
        """Wrap anew."""
        self.lay_out()

    # --- citations

    def step_citation(self, step: int) -> int | None:
        """Light the next or previous citation; its number, or None where there is none."""
        if not self._citations:
            return None
        self.cited = max(0, min(self.cited + step, len(self._citations) - 1)) if self.cited >= 0 else 0
        line, _, number = self._citations[self.cited]
        self._follow = False
        if not round(self.scroll_y) <= line < round(self.scroll_y) + self.size.height:
            self.scroll_to(y=max(0, line - self.size.height // 3), animate=False, force=True, immediate=True)
        self.refresh_changed()
        self.post_message(self.Cited(number))
        return number

    # --- moving

    def _move(self, lines: int) -> None:
        self._follow = False
        last = max(0, len(self._lines) - self.size.height)
        top = max(0, min(round(self.scroll_y) + lines, last))
        self.scroll_to(y=top, animate=False, force=True, immediate=True)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves by three lines."""
        event.stop()
        self._move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The other way."""
        event.stop()
        self._move(-3)

    def action_line(self, lines: int) -> None:
        """Move by lines."""
        self._move(lines)

    def action_screen(self, share: float) -> None:
        """Move by a share of the screen."""
        self._move(int(share * max(1, self.size.height - 1)) or (1 if share > 0 else -1))

    def action_edge(self, end: int) -> None:
        """Go to the start or the end."""
        self._move(len(self._lines) if end else -len(self._lines))

    # --- drawing

    def draw_line(self, y: int) -> Strip:
        """One line of the screen."""
        width = self.size.width
        if width <= 0:
            return Strip.blank(0)
        styles = self.paint
        if not self.entries:
            text = self.hint[y] if y < len(self.hint) else ""
            return Strip(segments(fit([(f" {text}", "dim")], width), styles), width)
        number = y + round(self.scroll_y)
        if number >= len(self._lines):
            return Strip.blank(width, styles[""])
        pieces = list(self._lines[number])
        if 0 <= self.cited < len(self._citations) and self._citations[self.cited][0] == number:
            index = self._citations[self.cited][1]
            pieces[index] = (pieces[index][0], "current")
        return Strip(segments(fit(pieces, width), styles), width)


def _entry_lines(entry: Entry, width: int) -> list[list[Piece]]:
    """An entry as lines of pieces, the margin included."""
    lines: list[list[Piece]] = [
        [(" > " if first else "   ", "dim"), (text, "question")]
        for first, text in _wrapped(entry.question, width)
    ]
    lines.append([])
    for start, end, mark in _runs(entry):
        lines += _run_lines(entry.text[start:end], mark, width)
    for conflict in entry.conflicts:
        lines += _conflict_lines(conflict, width)
    for note in entry.notes:
        lines += [
            [(" - " if first else "   ", "dim"), (text, "dim")] for first, text in _wrapped(note, width)
        ]
    return [*lines, []]


def _conflict_lines(conflict: Conflict, width: int) -> list[list[Piece]]:
    """What documents say differently, one a line, newest first."""
    lines: list[list[Piece]] = [[]]
    for first, text in _wrapped(f"Documents disagree: {conflict.about}", width):
        lines.append([(" ! " if first else "   ", "bad"), (text, "")])
    widest = max((len(row.value) for row in conflict.rows), default=0)
    for row in conflict.rows:
        value = safe_text(row.value, 40, single_line=True).ljust(min(widest, 40))
        place = f"{line_text(file_name(row.path))} {place_name('', row.page)}"
        text = f"{value}  {row.date}  [{row.citation}] {place}".rstrip()
        lines.append([("     ", ""), *_cited_pieces(text, "")])
    return lines


def _wrapped(text: str, width: int) -> list[tuple[bool, str]]:
    text = safe_text(text).strip()
    starts, ends = wrap(text, width)
    return [(index == 0, text[a:b]) for index, (a, b) in enumerate(zip(starts, ends, strict=True))]


def _runs(entry: Entry) -> list[tuple[int, int, Marked | None]]:
    """The text cut so that every sentence with a mark stands on lines of its own."""
    runs: list[tuple[int, int, Marked | None]] = []
    position = 0
    for marked in entry.marked:
        if marked.verdict == "supported":
            continue
        if entry.text[position : marked.start].strip():
            runs.append((position, marked.start, None))
        runs.append((marked.start, marked.end, marked))
        position = marked.end
    if entry.text[position:].strip():
        runs.append((position, len(entry.text), None))
    return runs


def _run_lines(text: str, marked: Marked | None, width: int) -> list[list[Piece]]:
    style, margin = "", "   "
    if marked is not None:
        style = "partly" if marked.verdict == "partly" else "bad"
        margin = f" {VERDICT_MARKS.get(marked.verdict, '?')} "
    lines: list[list[Piece]] = []
    for first, line in _wrapped(text, width):
        lines.append([(margin if first else "   ", style), *_cited_pieces(line, style)])
    if marked is not None and marked.reason:
        lines += [[("     ", "dim"), (f"{line}", "dim")] for _, line in _wrapped(marked.reason, width - 2)]
        if marked.quote:
            quote = _wrapped(f'"{marked.quote}"', width - 2)[:MOST_QUOTE_LINES]
            lines += [[("     ", "dim"), (line, "dim")] for _, line in quote]
    return lines


def _cited_pieces(line: str, style: str) -> list[Piece]:
    pieces: list[Piece] = []
    position = 0
    for match in _CITATION.finditer(line):
        if match.start() > position:
            pieces.append((line[position : match.start()], style))
        pieces.append((match.group(), "cite"))
        position = match.end()
    if position < len(line):
        pieces.append((line[position:], style))
    return pieces
