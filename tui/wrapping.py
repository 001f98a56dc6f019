"""Text broken into lines of the terminal, counted in columns: a Chinese character takes two.

Lines break between words and, in scripts that set no spaces, between characters, but not before a closing
mark or behind an opening one.
"""

from __future__ import annotations

import functools
import shutil
import unicodedata
from collections.abc import Iterator

WIDEST = 100
NARROWEST = 40

_NOT_FIRST = frozenset(
    "，。、；：？！）」』》〉】〕”’…％,.;:?!)]}'\"%·ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々"
)
_NOT_LAST = frozenset("（「『《〈【〔“‘([{$€£¥#\"'")


def width() -> int:
    """Columns that text may take in this terminal."""
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns))


def columns(text: str) -> int:
    """Columns that a text takes."""
    return len(text) if text.isascii() and text.isprintable() else sum(map(_columns_of, text))


def padded(text: str, to: int) -> str:
    """The text with spaces behind it up to a number of columns."""
    return text + " " * (to - columns(text))


def wrapped(text: str, *, first: str = "", rest: str = "", to: int = 0) -> list[str]:
    """Lines of a text, its white space joined.

    Args:
        text: What is to be broken.
        first: What stands before the first line.
        rest: What stands before all others.
        to: Columns of a line; 0 takes those of the terminal.
    """
    most = to or width()
    lines: list[str] = []
    line, used, empty = first, columns(first), True
    for gap, piece in _pieces(text):
        takes = columns(piece)
        if not empty and used + len(gap) + takes > most:
            lines.append(line)
            line, used, empty = rest, columns(rest), True
        if not empty:
            line, used = line + gap, used + len(gap)
        while used + takes > most:
            fits = max(_fitting(piece, most - used), 1)
            lines.append(line + piece[:fits])
            piece = piece[fits:]
            line, used, takes = rest, columns(rest), columns(piece)
        line, used, empty = line + piece, used + takes, empty and not piece
    return lines if empty and lines else [*lines, line if not empty else line.rstrip()]


def may_break(before: str, after: str) -> bool:
    """Whether a line may end between two characters that no space parts."""
    return (
        (_sets_no_spaces(before) or _sets_no_spaces(after))
        and before not in _NOT_LAST
        and after not in _NOT_FIRST
        and bool(_columns_of(before) and _columns_of(after))
    )


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """What no line may break inside, each with what parts it from the one before."""
    for word in text.split():
        gap, start = " ", 0
        if not word.isascii():
            for at in range(1, len(word)):
                if may_break(word[at - 1], word[at]):
                    yield gap, word[start:at]
                    gap, start = "", at
        yield gap, word[start:]


def _fitting(text: str, room: int) -> int:
    """How many characters fit into some columns."""
    for count, char in enumerate(text):
        room -= _columns_of(char)
        if room < 0:
            return count
    return len(text)


@functools.lru_cache(maxsize=4096)
def _columns_of(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _sets_no_spaces(char: str) -> bool:
    """Whether it is of a script whose words no space parts; Korean has spaces."""
    return "\u2e80" <= char <= "\ufaff" and not "\uac00" <= char <= "\ud7af" and _columns_of(char) == 2
