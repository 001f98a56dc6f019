"""Documents into chunks: the spans that are embedded, found and cited.

A chunk never crosses a page, nor a heading of its own or a higher level. Inside a section it follows
paragraphs, table rows, sentences, lines and words, in this order; only what is longer than a chunk without
a single space is cut between graphemes. Light on purpose: parse workers import it, so token counts are a
calibrated estimate and no tokenizer is loaded.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from indexer import language as languages
from indexer.types import Chunk, Heading, Page, ParsedDocument

VERSION = 2
"""Part of a document's parser version: a change reads every document again."""

TARGET = 205
"""Tokens up to which small neighbours are put together."""
LIMIT = 244
"""Tokens of a chunk with title and headings; MiniLM reads 256, the rest is for the estimate's error."""
SMALL = 60
"""Tokens below which a paragraph looks for company."""
MAX_PREFIX = 60
"""Tokens that title and headings may take of a chunk."""

_TITLE_CHARS = 120
_PATH_CHARS = 160
_ENGLISH = ("en", "")
_SHORT = 48
_HEADING_MARKS = "#=* \t"
_PUNCTUATION = b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_DIGITS = b"0123456789"
_NOT_LETTERS = _PUNCTUATION + _DIGITS + b" \t\n"
_PARAGRAPH = re.compile(r"\S.*(?:\n[^\S\n]*\S.*)*")
_LINE = re.compile(r"[^\n]+")
_FOLD = re.compile(r"\s+")
_NUMERIC = re.compile(r"[\s\d.,:%€$£+-]*")
_PAUSES = frozenset("，、；：,;:。！？")


# --- tokens --------------------------------------------------------------------------------------


def estimate_tokens(text: str, language: str = "en") -> int:
    """About how many tokens MiniLM makes of a text in Latin letters.

    Fitted to its tokenizer on Wikipedia, abstracts, reStructuredText and Python source: within 15 % for
    nine of ten texts of more than 120 tokens. Words of other languages fall into more pieces. Other
    scripts are counted about as a multilingual tokenizer does, since MiniLM knows none of them.
    """
    raw = text.encode("utf-8", "surrogatepass")
    size = len(raw)
    if size < _SHORT:
        return size // 4 + 1
    letters = len(raw.translate(None, _NOT_LETTERS))
    marks = size - len(raw.translate(None, _PUNCTUATION))
    digits = size - len(raw.translate(None, _DIGITS))
    wide = size - len(text)
    if wide * 4 > letters:
        return int(0.12 * (letters + wide) + marks + 0.4 * digits) + 1
    return int((0.21 if language in _ENGLISH else 0.34) * letters + 1.13 * marks + 0.59 * digits) + 1


# --- what is embedded ----------------------------------------------------------------------------


def embedding_text(title: str, heading: str, text: str) -> str:
    """The text that is embedded for a chunk: document title and heading path, then the chunk itself.

    What the chunk's first line or the path already says is left out; of a long path the inner end is kept.
    """
    prefix = _prefix(title, heading, text)
    return f"{prefix}\n{text}" if prefix else text


def chunk_key(embedded: str) -> bytes:
    """Sixteen bytes that identify an embedded text; equal texts share one vector."""
    return hashlib.sha256(embedded.encode("utf-8", "surrogatepass")).digest()[:16]


def _prefix(title: str, heading: str, text: str) -> str:
    opening = text[: 2 * _PATH_CHARS].lstrip().casefold()
    kept: list[str] = []
    room = _PATH_CHARS
    parts = [part.strip() for part in heading.split(" > ")] if heading else []
    for part in reversed(parts):
        if part and not opening.startswith(part.casefold()) and len(part) <= room:
            room -= len(part)
            kept.insert(0, part)
    title = title.strip()[:_TITLE_CHARS]
    said = {part.casefold() for part in parts}
    if title and title.casefold() not in said and not opening.startswith(title.casefold()):
        kept.insert(0, title)
    elif title and parts and title.casefold() in said and title not in kept:
        kept = kept if opening.startswith(title.casefold()) else [title, *kept]
    return ": ".join(kept)


# --- chunks --------------------------------------------------------------------------------------


class _Section(NamedTuple):
    """A stretch of text that a chunk leaves only for a deeper section on the same page."""

    start: int
    end: int
    page: int | None
    level: int
    heading: str
    heading_end: int


class _Block(NamedTuple):
    """A paragraph, or a part of one that is too long for a chunk."""

    start: int
    end: int
    tokens: int
    section: _Section
    table: str = ""
    """Header row of the table this part continues."""


def chunk_document(parsed: ParsedDocument, language: str) -> list[Chunk]:
    """Cut a document into chunks, in order.

    Every character that is not white space lies in exactly one chunk, and
    `parsed.text[chunk.start:chunk.end] == chunk.text` for each.

    Args:
        parsed: The document as a parser returned it.
        language: The document's main language (ISO 639-1) or "".
    """
    text = parsed.text
    chunks: list[Chunk] = []
    for blocks in _packed(text, _blocks(parsed, language)):
        first = blocks[0]
        body = text[first.start : blocks[-1].end]
        chunks.append(
            Chunk(
                ordinal=len(chunks),
                start=first.start,
                end=blocks[-1].end,
                page=first.section.page,
                heading=" > ".join(filter(None, (first.section.heading, first.table))),
                text=body,
                language=languages.of_part(body, language),
            )
        )
    return chunks


def _packed(text: str, blocks: Iterator[_Block]) -> Iterator[list[_Block]]:
    """Put small neighbours together; each list is one chunk."""
    waiting: list[_Block] = []
    chunk: list[_Block] = []
    tokens = 0
    for block in blocks:
        if chunk and not _joins(text, chunk, tokens, block):
            if waiting and tokens < SMALL and _takes_tail(waiting, chunk):
                waiting += chunk
            else:
                if waiting:
                    yield waiting
                waiting = chunk
            chunk, tokens = [], 0
        chunk.append(block)
        tokens += block.tokens
    if waiting and chunk and tokens < SMALL and _takes_tail(waiting, chunk):
        waiting += chunk
        chunk = []
    yield from filter(None, (waiting, chunk))


def _joins(text: str, chunk: list[_Block], tokens: int, block: _Block) -> bool:
    """Whether `block` goes into the chunk before it."""
    last, section = chunk[-1].section, block.section
    if section is not last and (section.page != last.page or section.level <= last.level):
        return False
    if chunk[-1].end <= last.heading_end:
        # A heading stays with what it announces, however long that is.
        return True
    if tokens + block.tokens > TARGET or (tokens >= SMALL and section is not last):
        return False
    if tokens < SMALL:
        return True
    return block.tokens < SMALL and text[block.end - 1] not in ":："


def _takes_tail(before: list[_Block], tail: list[_Block]) -> bool:
    """Whether a small rest at the end of a section goes to the chunk before it."""
    same = before[-1].section is tail[0].section and tail[-1].section is tail[0].section
    return same and sum(block.tokens for block in (*before, *tail)) <= TARGET + SMALL // 2


# --- sections and paragraphs ---------------------------------------------------------------------


def _blocks(parsed: ParsedDocument, language: str) -> Iterator[_Block]:
    text = parsed.text
    for section in _sections(parsed):
        prefix = _prefix(parsed.title, section.heading, "")
        limit = LIMIT - min(MAX_PREFIX, estimate_tokens(prefix, language))
        for match in _PARAGRAPH.finditer(text, section.start, section.end):
            body = match[0].rstrip()
            tokens = estimate_tokens(body, language)
            start = match.start()
            if tokens <= limit:
                yield _Block(start, start + len(body), tokens, section)
            else:
                yield from _long_paragraph(text, start, start + len(body), section, limit, language)


def _sections(parsed: ParsedDocument) -> Iterator[_Section]:
    """Stretches between page starts and headings; together they are the whole text."""
    text = parsed.text
    headings = {
        _opening(text, h.start): h for h in reversed(parsed.headings) if 0 <= h.start < h.end <= len(text)
    }
    pages = {p.start: p for p in parsed.pages if 0 <= p.start < len(text)}
    page: Page | None = parsed.pages[0] if parsed.pages else None
    path: list[tuple[int, str]] = []
    for start, end in pairwise(sorted({0, *pages, *headings, len(text)})):
        page = pages.get(start, page)
        heading = headings.get(start)
        if heading:
            path = [*(step for step in path if step[0] < heading.level), _step(text, heading)]
        yield _Section(
            start,
            end,
            page.number if page else None,
            path[-1][0] if path else 0,
            " > ".join(step[1] for step in path if step[1]),
            min(heading.end, end) if heading else start,
        )


def _opening(text: str, start: int) -> int:
    """Where a heading's section begins: with the marks before its words, "## " say, if it has any."""
    line = text.rfind("\n", 0, start) + 1
    return start if text[line:start].strip(_HEADING_MARKS) else line


def _step(text: str, heading: Heading) -> tuple[int, str]:
    line = _FOLD.sub(" ", text[heading.start : heading.end]).strip()
    return heading.level, line[:_PATH_CHARS].replace(" > ", " ")


def _long_paragraph(
    text: str, start: int, end: int, section: _Section, limit: int, language: str
) -> Iterator[_Block]:
    newline = text.find("\n", start, end)
    rows = newline > 0 and _is_row(text[start:newline])
    units = _lines(text, start, end) if rows else _sentences(text, start, end, language)
    header = _header(text[start:newline]) if rows else ""
    pieces = _balanced(text, list(units), limit, language)
    for piece_start, piece_end, size in pieces:
        yield _Block(piece_start, piece_end, size, section, header if piece_start > start else "")


def _is_row(line: str) -> bool:
    return " | " in line or "\t" in line.strip()


def _header(row: str) -> str:
    """A table's first row when it names columns: cells with words, not numbers."""
    cells = [cell.strip() for cell in re.split(r" \| |\t", row)]
    if any(_NUMERIC.fullmatch(cell) for cell in cells):
        return ""
    return _FOLD.sub(" ", row).strip()[:_PATH_CHARS].replace(" > ", " ")


# --- long paragraphs -----------------------------------------------------------------------------


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for line in _LINE.finditer(text, start, end):
        stripped = line[0].strip()
        if stripped:
            first = line.start() + len(line[0]) - len(line[0].lstrip())
            yield first, first + len(stripped)


def _sentences(text: str, start: int, end: int, language: str) -> Iterator[tuple[int, int]]:
    spans = languages.sentences(text[start:end], language)
    at, until = spans[0]
    for first, last in spans[1:]:
        if is_boundary(text, start + first):
            yield start + at, start + until
            at = first
        until = last
    yield start + at, start + until


def _balanced(
    text: str, units: list[tuple[int, int]], limit: int, language: str
) -> Iterator[tuple[int, int, int]]:
    """Pack units into pieces of about equal size, none larger than `limit` tokens."""
    sized = [piece for unit in units for piece in _fitting(text, *unit, limit, language)]
    total = sum(size for _, _, size in sized)
    share = total / -(-total // limit)
    start, end, tokens = sized[0]
    for first, last, size in sized[1:]:
        if tokens + size > limit or tokens + size / 2 > share:
            yield start, end, tokens
            start, tokens = first, 0
        end = last
        tokens += size
    yield start, end, tokens


def _fitting(text: str, start: int, end: int, limit: int, language: str) -> Iterator[tuple[int, int, int]]:
    """A sentence or row as it is when it fits, else as lines, else cut at words or graphemes."""
    tokens = estimate_tokens(text[start:end], language)
    if tokens <= limit:
        yield start, end, tokens
    elif "\n" in text[start:end]:
        for first, last in _lines(text, start, end):
            yield from _fitting(text, first, last, limit, language)
    else:
        yield from _cut(text, start, end, tokens, limit, language)


def _cut(
    text: str, start: int, end: int, tokens: int, limit: int, language: str
) -> Iterator[tuple[int, int, int]]:
    """Cut one long line; each step looks at about one chunk of text, however long the line is."""
    reach = max(1, (end - start) * limit // tokens)
    while start < end:
        stop = min(end, start + reach)
        size = estimate_tokens(text[start:stop], language)
        while size > limit and stop - start > 1:
            stop = start + max(1, (stop - start) * limit // (size + 1))
            size = estimate_tokens(text[start:stop], language)
        if stop < end:
            stop = _cut_position(text, start, stop, end)
            size = estimate_tokens(text[start:stop], language)
        body = text[start:stop]
        yield start, start + len(body.rstrip()), size
        start = stop
        while start < end and text[start].isspace():
            start += 1


def _cut_position(text: str, start: int, stop: int, end: int) -> int:
    """The best place to cut at or before `stop`: at white space, after a pause, between graphemes."""
    fallback = 0
    for at in range(stop, start, -1):
        before, after = text[at - 1], text[at]
        if (before.isspace() or after.isspace()) and is_boundary(text, at):
            return fallback if fallback and at - start < (stop - start) // 2 else at
        if before in _PAUSES and languages.is_wordless(after) and at - start > (stop - start) // 2:
            return at
        if not fallback and (languages.is_wordless(before) or languages.is_wordless(after)):
            fallback = at if is_boundary(text, at) else 0
    at = fallback or stop
    while at < end and not is_boundary(text, at):
        at += 1
    return at


# --- graphemes -----------------------------------------------------------------------------------


def is_boundary(text: str, at: int) -> bool:
    """Whether a cut before `text[at]` leaves all that is seen as one character whole.

    Covers combining marks, variation selectors, emoji joined or modified, flags, Hangul letters and
    surrogate pairs: the rules of Unicode's UAX 29 that matter for text that is only cut in an emergency.
    """
    if at <= 0 or at >= len(text):
        return True
    before, after = text[at - 1], text[at]
    if after < "\u0300" and before != "\u200d":
        return True
    if _extends(after) or before == "\u200d" or _hangul(before) & _hangul(after):
        return False
    if "\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff":
        return False
    if _is_flag(before) and _is_flag(after):
        first = at
        while first > 0 and _is_flag(text[first - 1]):
            first -= 1
        return (at - first) % 2 == 0
    return True


def _extends(char: str) -> bool:
    """Whether the character is drawn on or with the one before it."""
    return (
        unicodedata.category(char)[0] == "M"
        or char in "\u200c\u200d\u0e33\u0eb3\uff9e\uff9f"
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\U000e0020" <= char <= "\U000e007f"
    )


def _is_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _hangul(char: str) -> bool:
    return "\u1100" <= char <= "\u11ff" or "\ua960" <= char <= "\ua97f" or "\uac00" <= char <= "\ud7fb"
