"""A document's text without what belongs to its pages: running headers and footers, hidden text.

Cleaning only takes away, so every place of what is left is known in the document's own text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from indexer.catalogue.corpus import DocumentRecord
from indexer.text import REPLACEMENT

Span = tuple[int, int]
Place = Callable[[int, int], Span | None]
"""Tells where a span of a document's own text is in the exported text; None where it is not in one piece."""

PRINTED = ("pdf", "doc", "slides", "image")
"""Kinds of documents whose pages have headers and footers; those of a sheet are sheets."""
EDGE = 3
"""Lines at the top and at the bottom of a page that may be its header or footer."""
LEAST_PAGES = 3
FEW_PAGES = 3
"""Pages with hidden text that are left out whatever their share."""
SHARE = 0.25
"""Share of the pages on which a line must come again to be furniture: left and right pages differ."""
LONGEST_LINE = 160
SAMPLE = 200_000
"""Characters of a text by which it is judged."""

_HIDDEN = re.compile(r"^Hidden text \([^)]*\) on pages? (?P<pages>.*)\.$")
_PAGES = re.compile(r"(\d+)(?: to (\d+))?")
_TOKEN = re.compile(r"\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanText:
    """What is left of a text."""

    text: str
    kept: tuple[Span, ...]
    """Ascending spans of the document's own text; joined they are `text`."""
    furniture: int
    """Lines of headers and footers that were taken away."""
    hidden_pages: int
    """Pages that were taken away because text on them cannot be seen."""
    suspected_pages: int
    """Pages that stayed although some text on them may be hidden."""

    def place(self, start: int, end: int) -> Span | None:
        """Where a span of the document's own text is in `text`; None unless it is there in one piece."""
        at = bisect_right(self.kept, (start, float("inf"))) - 1
        if at < 0 or end > self.kept[at][1]:
            return None
        before = sum(last - first for first, last in self.kept[:at])
        offset = before - self.kept[at][0]
        return start + offset, end + offset


def clean(text: str, record: DocumentRecord) -> CleanText:
    """The text without the furniture of its pages and without pages that hold hidden text."""
    hidden = hidden_pages(record)
    pages = [(start, end) for _, start, end in record.page_spans] if record.kind in PRINTED else []
    furniture = _furniture(text, pages)
    gone = [(start, end) for number, start, end in record.page_spans if number in hidden]
    kept = _without(len(text), sorted([*gone, *furniture]))
    return CleanText(
        text="".join(text[start:end] for start, end in kept),
        kept=tuple(kept),
        furniture=len(furniture),
        hidden_pages=len(gone),
        suspected_pages=suspected_pages(record),
    )


def hidden_pages(record: DocumentRecord) -> frozenset[int]:
    """Pages that are to be left out, because the parser found text on them that nobody sees."""
    return frozenset().union(*(pages for pages in _suspected(record) if not _is_layout(pages, record)))


def suspected_pages(record: DocumentRecord) -> int:
    """How many pages stay although the parser found text on them that nobody sees."""
    return len(frozenset().union(*_suspected(record)) - hidden_pages(record))


def _suspected(record: DocumentRecord) -> list[frozenset[int]]:
    """Pages with hidden text, by the way it is hidden.

    The parser names twelve runs of pages at most; where there are more, all pages count.
    """
    told = [match["pages"] for warning in record.warnings if (match := _HIDDEN.match(warning))]
    every = frozenset(number for number, _, _ in record.page_spans)
    return [every if pages.endswith("more") else _numbers(pages) & every for pages in told]


def _is_layout(pages: frozenset[int], record: DocumentRecord) -> bool:
    """Whether text is hidden in one way on so many pages that the program that made them did it.

    Word processors leave specks of one point on every page, and white titles stand on pictures: of nine
    reports from offices nearly all pages would be lost.
    """
    return len(pages) > max(FEW_PAGES, len(record.page_spans) // 5)


def _numbers(listed: str) -> frozenset[int]:
    return frozenset(
        number
        for first, last in _PAGES.findall(listed)
        for number in range(int(first), int(last or first) + 1)
    )


def _furniture(text: str, pages: Sequence[Span]) -> list[Span]:
    """Spans of lines, with their ends, that come again at the edges of pages."""
    if len(pages) < LEAST_PAGES:
        return []
    edges = [_edges(text, start, end) for start, end in pages]
    counts = Counter(key for lines in edges for key in {_key(text[start:end]) for start, end in lines})
    counts = Counter({key: count for key, count in counts.items() if not _is_row(key)})
    least = max(LEAST_PAGES, SHARE * len(pages))
    return [
        _with_line_end(text, start, end)
        for lines in edges
        for start, end in lines
        if counts[_key(text[start:end])] >= least
    ]


def _edges(text: str, start: int, end: int) -> list[Span]:
    """The first and last lines of a page that are not empty."""
    lines = [
        (start + match.start(), start + match.end())
        for match in re.finditer(r"[^\n]*\S[^\n]*", text[start:end])
        if match.end() - match.start() <= LONGEST_LINE
    ]
    return lines if len(lines) <= 2 * EDGE else [*lines[:EDGE], *lines[-EDGE:]]


def _key(line: str) -> str:
    return re.sub(r"\d+", "#", " ".join(line.casefold().split()))


def _is_row(key: str) -> bool:
    """Whether a line is numbers of a table: these come again without being furniture."""
    return key.count("#") > 1 and not any(map(str.isalpha, key))


def _with_line_end(text: str, start: int, end: int) -> Span:
    while end < len(text) and text[end] == "\n":
        end += 1
    return start, end


def _without(length: int, gone: Iterable[Span]) -> list[Span]:
    kept: list[Span] = []
    at = 0
    for start, end in gone:
        if start > at:
            kept.append((at, start))
        at = max(at, end)
    if at < length:
        kept.append((at, length))
    return kept


def nowhere(start: int, end: int) -> tuple[int, int] | None:
    """The place of a span of a document that is gone."""
    del start, end
    return None


def through(clean: CleanText, placeholders: list[tuple[int, int, int]]) -> Place:
    """Where spans of the document went when values in its clean text were replaced."""

    def place(start: int, end: int) -> tuple[int, int] | None:
        found = clean.place(start, end)
        if found is None:
            return None
        first, last = found
        moved = 0
        for begins, ends, length in placeholders:
            at = begins - moved  # in the text before anything was replaced
            if at + length <= first:
                moved += ends - begins - length
            elif at < last:
                return None
            else:
                break
        return first + moved, last + moved

    return place


def quality(text: str, measured: int | None) -> int:
    """How much of a text can be read, 0 to 100.

    As it was measured when it was read; where it was not, the share of its tokens that look like words or
    numbers. Rubbish from OCR or a broken font is below 50, prose above 95.
    """
    if measured is not None:
        return measured
    tokens = _TOKEN.findall(text[:SAMPLE])
    if not tokens:
        return 0
    good = sum(map(_is_readable, tokens))
    return round(100 * good / len(tokens))


def _is_readable(token: str) -> bool:
    if REPLACEMENT in token:
        return False
    letters = sum(map(str.isalpha, token))
    digits = sum(map(str.isdigit, token))
    if len(token) > 60 and token.isascii() and "/" not in token:
        return False  # no word of any language
    if letters and token.isalpha() and token.isascii() and len(token) > 4:
        return bool(re.search("[aeiouyAEIOUY]", token))
    return 2 * (letters + digits) >= len(token) or len(token) <= 2
