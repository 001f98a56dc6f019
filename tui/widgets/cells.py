"""Text in terminal cells: cutting, padding, lines made of styled pieces."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from tui.controls import clean

Piece = tuple[str, str]
"""Text and the name of its style; "" is the plain one."""

ELLIPSIS = "…"
_NAME = 400
"""Characters of a name worth looking at: no terminal shows more."""


def line_text(text: str, limit: int = _NAME) -> str:
    """Foreign text for one line of a list."""
    from indexer.text import safe_text  # its tables take 8 ms, and the first frame shows nothing foreign

    return safe_text(text, limit, single_line=True)


def cut(text: str, width: int) -> str:
    """The text in at most `width` cells; "…" stands for what was left out."""
    if width <= 0:
        return ""
    if len(text) * 2 <= width or cell_len(text) <= width:
        return text
    return head(text, width - 1) + ELLIPSIS


def head(text: str, width: int) -> str:
    """The longest beginning of the text that fits into `width` cells."""
    if text.isascii():
        return text[:width]
    used = 0
    for index, character in enumerate(text):
        used += cell_len(character)
        if used > width:
            return text[:index]
    return text


def cut_middle(text: str, width: int) -> str:
    """A file name in `width` cells, cut in the middle so that its type stays."""
    if cell_len(text) <= width:
        return text
    if width < 12:
        return cut(text, width)
    tail = text[-7:]
    while cell_len(tail) > 7:
        tail = tail[1:]
    return cut(text[: -len(tail)], width - cell_len(tail)) + tail


def pad(text: str, width: int) -> str:
    """The text cut and filled to exactly `width` cells."""
    text = cut(text, width)
    return text + " " * (width - cell_len(text))


def pad_left(text: str, width: int) -> str:
    """The same, aligned to the right."""
    text = cut(text, width)
    return " " * (width - cell_len(text)) + text


def measure(pieces: list[Piece]) -> int:
    """Cells the pieces take."""
    return sum(cell_len(text) for text, _ in pieces)


def fit(pieces: list[Piece], width: int) -> list[Piece]:
    """The pieces in exactly `width` cells, cut with "…" or filled with blanks."""
    fitted: list[Piece] = []
    left = width
    for index, (text, style) in enumerate(pieces):
        length = cell_len(text)
        if length > left or (length == left and any(more for more, _ in pieces[index + 1 :])):
            fitted.append((cut(text + " " if length <= left else text, left), style))
            left -= cell_len(fitted[-1][0])
            break
        fitted.append((text, style))
        left -= length
    if left > 0:
        fitted.append((" " * left, ""))
    return fitted


def spread(left: list[Piece], right: list[Piece], width: int, *, gap: int = 2) -> list[Piece]:
    """A line of exactly `width` cells: `left` is cut to make room for `right`."""
    right_width = measure(right)
    if not right or right_width + gap >= width:
        return fit(left, width)
    return [*fit(left, width - right_width - gap), (" " * gap, ""), *right]


def lit(text: str, spans: tuple[tuple[int, int], ...], style: str, plain: str = "") -> list[Piece]:
    """The text in pieces, the spans of it in `style`."""
    pieces: list[Piece] = []
    position = 0
    for start, end in spans:
        start, end = max(start, position), min(end, len(text))
        if start >= end:
            continue
        if start > position:
            pieces.append((text[position:start], plain))
        pieces.append((text[start:end], style))
        position = end
    if position < len(text):
        pieces.append((text[position:], plain))
    return pieces


def segments(pieces: list[Piece], styles: dict[str, Style]) -> list[Segment]:
    """Pieces as segments, as few as possible: each costs 30 bytes on the line to the terminal.

    Control characters that came so far end here.
    """
    plain = styles[""]
    joined: list[tuple[str, Style]] = []
    for text, name in pieces:
        if not text:
            continue
        style = styles.get(name, plain)
        if style is not plain and text.isspace() and _same_blanks(style, plain):
            style = plain
        if joined and joined[-1][1] == style:
            joined[-1] = (joined[-1][0] + text, style)
        else:
            joined.append((text, style))
    return [Segment(clean(text), style) for text, style in joined]


def _same_blanks(style: Style, other: Style) -> bool:
    """Blanks look the same in both styles."""
    return (
        style.bgcolor == other.bgcolor
        and not style.underline
        and bool(style.reverse) == bool(other.reverse)
        and not other.underline
    )
