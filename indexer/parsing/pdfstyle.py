"""What the look of lines tells: headings by size and weight, text that a reader cannot see.

Works on MuPDF's HTML of a page, in which each line is a paragraph with its place, and each change of
font a span with size and colour; invisible text has no colour.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from indexer.parsing.pdflayout import Block, Place, Style

_LINE = re.compile(r'<p style="top:(-?[\d.]+)pt;left:(-?[\d.]+)pt;line-height:[\d.]+pt">([^\n]*)')
_SPAN = re.compile(r'(<b>)?(?:<i>)?<span style="[^"]*?font-size:([\d.]+)pt(?:;color:#(\w{6}))?">([^<]*)')
_LIGHT = re.compile(r';color:#(f\w{5})">([^<]*)')
_SMALL = re.compile(r"font-size:[01]\.\d+pt[^>]*>([^<]*)")
_PLACE = re.compile(r'<p style="top:(-?[\d.]+)pt;left:(-?[\d.]+)pt;line-height:([\d.]+)pt')
_TAG = re.compile(r"<[^>]*>")
_UNCOLOURED = re.compile(r'font-size:[\d.]+pt">([^<]*)')
_WORD = re.compile(r"[^\W_]")
Box: TypeAlias = tuple[float, float, float, float]
_MIN_LETTERS = 2
"""Letters of a heading: two are a heading in Chinese, a number alone is none."""
_LARGER = 1.15
"""Size of a heading in relation to the text."""
_MAX_HEADING = 150
"""Characters of a heading, over at most three lines."""
_FAINT = 0xF0
"""Each part of a colour from here on makes it white on paper."""
_SENTENCE_END = re.compile(r"[.;,:。；，]\s*$")


def place_lines(blocks: Sequence[Block], markup: str, page: tuple[float, float, float, float]) -> list[Block]:
    """Tell each line of the blocks its place; make blocks of what stands outside the page."""
    places: list[Place] = [
        (float(top), float(left), float(size)) for top, left, size in _PLACE.findall(markup)
    ]
    count = sum(len(block.lines) for block in blocks)
    outside: list[Block] = []
    if len(places) > count:
        texts = [_line_text(match[3]) for match in _LINE.finditer(markup)]
        off = [_is_off(place, text, page) for place, text in zip(places, texts, strict=False)]
        outside = [
            Block(left, top, left, top + size, [text])
            for (top, left, size), text, is_off in zip(places, texts, off, strict=False)
            if is_off and text.strip()
        ]
        places = [place for place, is_off in zip(places, off, strict=False) if not is_off]
    if len(places) == count:
        position = 0
        for block in blocks:
            block.places = places[position : position + len(block.lines)]
            position += len(block.lines)
    return outside


def _line_text(spans: str) -> str:
    """The text of a line."""
    return html.unescape(_TAG.sub("", spans))


def _is_off(place: Place, text: str, page: tuple[float, float, float, float]) -> bool:
    top, left, size = place
    x0, y0, x1, y1 = page
    return left >= x1 or top >= y1 or top + size <= y0 or left + 0.6 * size * len(text) <= x0


def add_styles(blocks: Sequence[Block], markup: str) -> None:
    """Give each line its style; none when the HTML has other lines than the blocks."""
    styles = [_style(match[3]) for match in _LINE.finditer(markup)]
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
    running: frozenset[str] = frozenset()
    """Keys of lines that stand at the top or bottom of several pages."""

    @classmethod
    def of(cls, pages: Sequence[Sequence[Block]]) -> Body:
        """The look that most letters share; size 0 when nothing is known of it."""
        sizes: Counter[float] = Counter()
        bold = total = 0
        larger: Counter[float] = Counter()
        blocks = [block for page in pages for block in page if block.styles]
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
        return cls(size, levels, bold < 0.3 * total, _running(pages))

    def heading(self, block: Block, position: int) -> tuple[int, int]:
        """Level and number of lines of a heading that begins at this line; (0, 0) when none does."""
        if not self.size or not block.styles:
            return 0, 0
        first = block.styles[position]
        level = self._level(first)
        if not level or _key(block.lines[position]) in self.running:
            return 0, 0
        end = position + 1
        while end < len(block.lines) and self._level(block.styles[end]) == level:
            end += 1
        text = " ".join(line.strip() for line in block.lines[position:end])
        if end - position > 3 or len(text) > _MAX_HEADING or sum(map(str.isalpha, text)) < _MIN_LETTERS:
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


def _running(pages: Sequence[Sequence[Block]]) -> frozenset[str]:
    """Lines at the top and bottom that pages share but for their numbers."""
    counts: Counter[str] = Counter()
    for page in pages:
        edge = [block for block in (*page[:2], *page[2:][-2:]) if block.lines]
        counts.update({_key(line) for block in edge for line in (block.lines[0], block.lines[-1])})
    return frozenset(key for key, count in counts.items() if count >= 3 or count == len(pages) > 1)


def _key(line: str) -> str:
    return "".join(char for char in line.casefold() if char.isalpha())


def hidden(
    markup: str, filled: Callable[[], Sequence[tuple[Box, int]]], *, pictures: Callable[[], bool]
) -> str:
    """How text on a page is hidden, in words; empty when it is not.

    Args:
        markup: MuPDF's HTML of the page.
        filled: Gives the filled boxes with their colour; asked only when there is white text.
        pictures: Tells whether there are images: transparent text is then the text layer of a scan,
            and white text may stand on one of them.
    """
    if markup.count("font-size:") > markup.count(";color:") and _transparent(markup) and not pictures():
        return "invisible"
    if (":0." in markup or ":1." in markup) and _tiny(markup):
        return "too small to see"
    if ";color:#f" in markup and _white(markup, filled) and not pictures():
        return "white on white"
    return ""


def hidden_characters(markup: str, way: str) -> int:
    """Characters of sentences that are hidden in the way `hidden` named.

    Single hidden words are marks that programs leave for themselves; text outside the page counts 0 here.
    """
    match way:
        case "invisible":
            found = [match[1] for match in _UNCOLOURED.finditer(markup)]
        case "too small to see":
            found = [match[1] for match in _SMALL.finditer(markup)]
        case "white on white":
            found = [match[2] for match in _LIGHT.finditer(markup) if _is_faint(int(match[1], 16))]
        case _:
            found = []
    return sum(len(text) for text in map(str.strip, found) if " " in text)


def _transparent(markup: str) -> bool:
    return any(_WORD.search(match[1]) for match in _UNCOLOURED.finditer(markup))


def _tiny(markup: str) -> bool:
    return any(_WORD.search(match[1]) for match in _SMALL.finditer(markup))


def _white(markup: str, filled: Callable[[], Sequence[tuple[Box, int]]]) -> bool:
    dark: list[Box] | None = None
    for match in _LIGHT.finditer(markup):
        if not _is_faint(int(match[1], 16)) or not _WORD.search(match[2]):
            continue
        line = markup.rfind("<p style=", 0, match.start())
        place = _PLACE.match(markup, line)
        if place is None:
            continue
        if dark is None:
            dark = [box for box, colour in filled() if not _is_faint(colour)]
        top, left, size = (float(part) for part in place.groups())
        if not any(
            x0 - 2 <= left <= x1 and y0 - size <= top + size / 2 <= y1 + size for x0, y0, x1, y1 in dark
        ):
            return True
    return False


def _is_faint(colour: int) -> bool:
    return all((colour >> shift) & 0xFF >= _FAINT for shift in (0, 8, 16))
