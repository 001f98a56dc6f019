"""Breaking text into lines of a given width, by offsets: nothing is copied, every offset stays true."""

from __future__ import annotations

import re
from array import array
from typing import NamedTuple

from rich.cells import cell_len, get_character_cell_size

TAB_CELLS = 4


_SOFT_BREAK = re.compile(
    r"(?<=[^\n|]{45}[^\n.!?:;|\d])\n(?=[a-zß-ÿ(])|(?<=[^\n|]{60}[^\n.!?:;|\d])\n(?=[A-Za-zÀ-ɏ])"
)
"""A line end inside a sentence: after a long line, and before a small letter or after a very long line."""


_UNDERLINED = re.compile(
    r"^(?P<title>\S[^\n]*)\n(?P<rule>(?P<mark>[-=~^\"'`#*+_])(?P=mark){2,})[ \t]*$", re.MULTILINE
)
_MARKED = {"rst", "markdown", "text", "plaintext"}
_HASHED = re.compile(r"^#{1,6} \S[^\n]*", re.MULTILINE)


class Headings(NamedTuple):
    """Headings that a text marks by hand."""

    titles: list[tuple[int, int]]
    """Their spans, ascending."""
    rules: frozenset[int]
    """Where the lines below (and above) them begin, which say nothing but that they are headings."""


def underlined(text: str, format: str) -> Headings:
    """The headings of a text whose format has such."""
    titles: list[tuple[int, int]] = []
    rules: set[int] = set()
    for match in _UNDERLINED.finditer(text) if format in _MARKED else ():
        title, rule, mark = match["title"].rstrip(), match["rule"], match["mark"]
        if len(rule) < max(3, 0.7 * len(title)) or set(title) <= {mark} or "|" in title:
            continue
        above = text.rfind("\n", 0, max(0, match.start() - 1)) + 1
        if text[above : max(0, match.start() - 1)].rstrip() == rule:
            rules.add(above)
        titles.append((match.start(), match.start() + len(title)))
        rules.add(match.start("rule"))
    if format == "markdown":
        titles = sorted([*titles, *(match.span() for match in _HASHED.finditer(text))])
    return Headings(titles, frozenset(rules))


def reflowed(text: str) -> str:
    """Text of a fixed page with the line ends inside its sentences as spaces; the length is the same."""
    return _SOFT_BREAK.sub(" ", text)


def wrap(text: str, width: int, *, hidden: frozenset[int] = frozenset()) -> tuple[array[int], array[int]]:
    """Starts and ends of the lines that show `text` in `width` cells.

    Lines of the text that begin at one of the offsets `hidden` are left out.

    Lines break at spaces where they can and between any two characters where they must. The space or
    line end at a break belongs to no line. Ascending; `starts[i] <= ends[i] <= starts[i + 1]`.
    """
    width = max(1, width)
    starts, ends = array("q"), array("q")
    position, length = 0, len(text)
    while True:
        stop = text.find("\n", position)
        if stop < 0:
            stop = length
        if position not in hidden:
            _wrap_paragraph(text, position, stop, width, starts, ends)
        if stop == length:
            return starts, ends
        position = stop + 1


def _wrap_paragraph(
    text: str, start: int, stop: int, width: int, starts: array[int], ends: array[int]
) -> None:
    if stop - start <= width and text[start:stop].isascii() and text.find("\t", start, stop) < 0:
        starts.append(start)
        ends.append(stop)
        return
    plain = text[start:stop].isascii() and text.find("\t", start, stop) < 0
    while True:
        limit = start + width if plain else _reach(text, start, stop, width)
        if limit >= stop:
            starts.append(start)
            ends.append(stop)
            return
        # a space exactly at the limit ends a line that is full
        space = text.rfind(" ", start, limit + 1)
        end, following = (space, space + 1) if space > start else (limit, limit)
        starts.append(start)
        ends.append(end)
        start = following


def _reach(text: str, start: int, stop: int, width: int) -> int:
    """The offset after the last character that fits into the width; at least one character."""
    used, index = 0, start
    while index < stop:
        character = text[index]
        used += TAB_CELLS if character == "\t" else get_character_cell_size(character)
        if used > width:
            return max(index, start + 1)
        index += 1
    return stop


def shown(text: str) -> str:
    """A piece of a line as it is drawn: tabs as blanks."""
    return text.replace("\t", " " * TAB_CELLS) if "\t" in text else text


def cells(text: str) -> int:
    """Cells a piece of a line takes."""
    return cell_len(shown(text))
