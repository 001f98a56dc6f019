"""What OCR found on pages, put into the text of their document.

Pages are recognised once and kept by content (`indexer.catalogue.recognised`); whenever the document is
read, now or by a later parser, their text goes to where the page stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from indexer.scans import RecognisedPage
from indexer.text import normalise
from indexer.types import Heading, Page, ParsedDocument

NEEDED = "OCR is needed"
"""Part of the warning of a parser about pages that are pictures."""


def merge(document: ParsedDocument, pages: Sequence[RecognisedPage], limit: int) -> ParsedDocument:
    """The document with the recognised text in place of what its pages yielded.

    Args:
        document: As parsed. Its text lies on its pages, whose spans ascend.
        pages: Those recognised; pages it does not have are ignored.
        limit: Characters of the whole text; recognised pages beyond are left out with a warning.
    """
    known = {page.number for page in document.pages}
    found = {page.page: page for page in pages if page.page in known}
    if not found:
        return document
    read = {number: page for number, page in found.items() if not page.reason}
    text, spans, headings, cut = _rewritten(document, read, limit)
    left = tuple(number for number in document.textless_pages if number not in read)
    return replace(
        document,
        text=text,
        pages=spans,
        headings=headings,
        textless_pages=left,
        ocr_confidence={number: page.confidence for number, page in read.items() if page.text},
        warnings=_warnings(document, found, left, cut),
    )


def _rewritten(
    document: ParsedDocument, read: Mapping[int, RecognisedPage], limit: int
) -> tuple[str, tuple[Page, ...], tuple[Heading, ...], bool]:
    """Text, page spans and headings, and whether something was left out."""
    parts: list[str] = []
    spans: list[Page] = []
    headings: list[Heading] = []
    length, cut = 0, False
    for page in document.pages:
        piece = document.text[page.start : page.end]
        if page.number in read:
            piece = normalise(read[page.number].text).strip()
            if length + len(piece) + 2 > limit:
                piece, cut = "", True
        start = length + (2 if length and piece else 0)
        if piece:
            parts.append(piece)
            length = start + len(piece)
        spans.append(replace(page, start=start, end=start + len(piece)))
        if page.number not in read:
            headings += [
                replace(
                    heading, start=heading.start - page.start + start, end=heading.end - page.start + start
                )
                for heading in document.headings
                if page.start <= heading.start < heading.end <= page.end
            ]
    return "\n\n".join(parts), tuple(spans), tuple(headings), cut


def _warnings(
    document: ParsedDocument, found: Mapping[int, RecognisedPage], left: Sequence[int], cut: bool
) -> tuple[str, ...]:
    kept = [warning for warning in document.warnings if NEEDED not in warning]
    sure = {number: page.confidence for number, page in found.items() if page.text}
    if sure:
        lowest, highest = min(sure.values()), max(sure.values())
        span = f"{lowest}" if lowest == highest else f"{lowest} to {highest}"
        kept.append(f"{page_list(sorted(sure))}: read by OCR, {span}% sure.")
    blank = sorted(number for number, page in found.items() if not page.text and not page.reason)
    if blank:
        kept.append(f"{page_list(blank)}: OCR found no text.")
    reasons: dict[str, list[int]] = {}
    for number, page in sorted(found.items()):
        if page.reason:
            reasons.setdefault(page.reason, []).append(number)
    kept += [f"{page_list(numbers)}: OCR failed. {reason}" for reason, numbers in reasons.items()]
    waiting = [number for number in left if number not in found]
    if waiting:
        them = "them" if len(waiting) > 1 else "it"
        kept.append(f"{page_list(waiting)} without text: {NEEDED} to search {them}.")
    if cut:
        kept.append("The text is longer than the limit: some recognised pages were left out.")
    return tuple(kept)


def page_list(numbers: Sequence[int], *, capital: bool = True) -> str:
    """Page numbers for a person: "Pages 3 and 5 to 9"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    parts = [f"{start}" if start == end else f"{start} to {end}" for start, end in runs[:12]]
    if len(runs) > 12:
        parts.append(f"{sum(end - start + 1 for start, end in runs[12:])} more")
    listed = parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
    word = "page" if len(numbers) == 1 else "pages"
    return f"{word.capitalize() if capital else word} {listed}"
