"""The last line of defence between foreign text and the terminal.

Text is cleaned when it is parsed and again by `indexer.text.safe_text` where a widget takes it.
Textual itself passes escape sequences through, so one filter over every line sent makes sure that a
string which slipped past both cannot move the cursor, write the clipboard or turn the text around.
"""

from __future__ import annotations

import re

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_HOSTILE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""C0, DEL, C1, invisible and bidirectional controls, surrogates, tags."""

_PLAIN = str.maketrans(
    {
        "─": "-",
        "━": "-",
        "│": "|",
        "┃": "|",
        "┌": "+",
        "┐": "+",
        "└": "+",
        "┘": "+",
        "├": "+",
        "┤": "+",
        "·": "-",
        "…": "~",
        "•": "*",
        "▔": "-",
        "▁": "_",
        "▎": "|",
        "▌": "|",
        "▊": "|",
        "▀": "-",
        "▄": "_",
        "–": "-",
        "—": "-",
        "“": '"',
        "”": '"',
        "‘": "'",
        "’": "'",
    }
)
"""What the Linux console and Braille displays cannot show, one cell for one cell."""


def clean(text: str) -> str:
    """The text without anything a terminal would obey; columns stay where they were."""
    if _HOSTILE.search(text) is None:
        return text
    return _HOSTILE.sub(lambda match: " " * cell_len(match.group()), text)


class ControlFilter(LineFilter):
    """Removes control characters from every line that is sent to the terminal."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Clean the text of all segments that are text."""
        return [
            segment
            if segment.control or _HOSTILE.search(segment.text) is None
            else Segment(clean(segment.text), segment.style)
            for segment in segments
        ]


class AsciiFilter(LineFilter):
    """Shows lines and marks with characters every terminal has."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Translate drawing characters cell by cell."""
        return [
            segment
            if segment.control or segment.text.isascii()
            else Segment(segment.text.translate(_PLAIN), segment.style)
            for segment in segments
        ]
