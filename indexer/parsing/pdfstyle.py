"""What the look of lines tells: headings by size and weight, text that a reader cannot see.

Works on MuPDF's HTML of a page, in which each line is a paragraph with its place, and each change of
font a span with size and colour; invisible text has no colour.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from indexer.parsing.pdflayout import Block, Style
from indexer.parsing.pdftables import Box

_LINE = re.compile(r'<p style="top:(-?[\d.]+)pt;left:(-?[\d.]+)pt;line-height:[\d.]+pt">([^\n]*)')
_SPAN = re.compile(r'(<b>)?(?:<i>)?<span style="[^"]*?font-size:([\d.]+)pt(?:;color:#(\w{6}))?">([^<]*)')
_WORD = re.compile(r"[^\W_]")
_LARGER = 1.15
"""Size of a heading in relation to the text."""
_MAX_HEADING = 150
"""Characters of a heading, over at most three lines."""
_TINY = 2.0
"""Points; nobody reads smaller letters."""
_FAINT = 0xF0
"""Each part of a colour from here on makes it white on paper."""
_SENTENCE_END = re.compile(r"[.;,:。；，]\s*$")


def add_styles(blocks: Iterable[Block], html: str) -> None:
    """Give each line its style; none when the HTML has other lines than the blocks."""
    styles = [_style(match[3]) for match in _LINE.finditer(html)]
    blocks = list(blocks)
    if len(styles) != sum(len(block.lines) for block in blocks):
        return
    position = 0
    for block in blocks:
        block.styles = styles[position : position + len(block.lines)]
        position += len(block.lines)


def _style(spans: str) -> Style:
    """The smallest size and whether all of it is bold; white space does not count."""
    found = [match for match in _SPAN.finditer(spans) if match[4].strip()]
    if not found:
        return Style(0.0, bold=False)
    return Style(min(float(match[2]) for match in found), bold=all(match[1] for match in found))


@dataclass(frozen=True, slots=True)
class Body:
    """The look of the running text of a document, against which headings stand out."""

    size: float
    levels: tuple[float, ...]
    """Sizes of headings, largest first."""
    bold_stands_out: bool

    @classmethod
    def of(cls, blocks: Iterable[Block]) -> Body:
        """The look that most letters share; size 0 when nothing is known of it."""
        sizes: Counter[float] = Counter()
        bold = total = 0
        larger: Counter[float] = Counter()
        blocks = [block for block in blocks if block.styles]
        for block in blocks:
            for line, style in zip(block.lines, block.styles, strict=True):
                sizes[style.size] += len(line)
                bold += style.bold * len(line)
                total += len(line)
        if not total:
            return cls(0.0, (), bold_stands_out=False)
        size = sizes.most_common(1)[0][0]
        for block in blocks:
            for style in block.styles:
                if style.size >= _LARGER * size:
                    larger[style.size] += 1
        levels = tuple(sorted(larger, reverse=True)[:5])
        return cls(size, levels, bold_stands_out=bold < 0.3 * total)

    def heading(self, block: Block, position: int) -> tuple[int, int]:
        """Level and number of lines of a heading that begins at this line; (0, 0) when none does."""
        if not self.size or not block.styles:
            return 0, 0
        first = block.styles[position]
        level = self._level(first)
        if not level:
            return 0, 0
        end = position + 1
        while end < len(block.lines) and self._level(block.styles[end]) == level:
            end += 1
        text = " ".join(line.strip() for line in block.lines[position:end])
        if end - position > 3 or len(text) > _MAX_HEADING or len(_WORD.findall(text)) < 3:
            return 0, 0
        if level > len(self.levels) and (_SENTENCE_END.search(text) or not text[0].isupper()):
            return 0, 0  # bold words that begin a sentence, not a heading
        return level, end - position

    def _level(self, style: Style) -> int:
        if style.size >= _LARGER * self.size:
            return sum(size > style.size for size in self.levels) + 1
        if style.bold and self.bold_stands_out and style.size >= 0.95 * self.size:
            return len(self.levels) + 1
        return 0


def hidden(html: str, drawn: Sequence[tuple[Box, int]], *, pictures: bool) -> str:
    """How text on a page is hidden, in words; empty when it is not.

    Args:
        html: MuPDF's HTML of the page.
        drawn: Filled boxes with their colour.
        pictures: There are images: transparent text is then the text layer of a scan, and white text
            may stand on one of them.
    """
    if not pictures and html.count("font-size:") > html.count(";color:") and _transparent(html):
        return "invisible"
    if (":0." in html or ":1." in html) and _tiny(html):
        return "too small to see"
    if not pictures and ";color:#f" in html and _white(html, drawn):
        return "white on white"
    return ""


def _transparent(html: str) -> bool:
    return any(not match[3] and match[4].strip() for match in _SPAN.finditer(html))


def _tiny(html: str) -> bool:
    return any(float(match[2]) < _TINY and _WORD.search(match[4]) for match in _SPAN.finditer(html))


def _white(html: str, drawn: Sequence[tuple[Box, int]]) -> bool:
    dark = [box for box, colour in drawn if not _is_faint(colour)]
    for line in _LINE.finditer(html):
        if ";color:#f" not in line[3]:
            continue
        spans = list(_SPAN.finditer(line[3]))
        if not any(match[3] and _is_faint(int(match[3], 16)) and match[4].strip() for match in spans):
            continue
        top, left = float(line[1]), float(line[2])
        size = float(spans[0][2])
        if not any(
            box.x0 - 2 <= left <= box.x1 and box.y0 - size <= top + size / 2 <= box.y1 + size for box in dark
        ):
            return True
    return False


def _is_faint(colour: int) -> bool:
    return all((colour >> shift) & 0xFF >= _FAINT for shift in (0, 8, 16))
