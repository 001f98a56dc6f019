"""PDF: pages in reading order, headings, tables, hidden text, pages that need OCR.

The only module that imports PyMuPDF. Each page is interpreted once; the blocks give text, boxes and
drawn lines, the HTML of the same page gives size, weight and colour of each line at next to no cost.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from types import ModuleType
from typing import Any, TypeAlias

from indexer.errors import UnreadableDocument
from indexer.parsing import pdfstyle
from indexer.parsing.builder import TextBuilder
from indexer.parsing.pdflayout import Block, reading_order, running_text
from indexer.parsing.pdfoutline import Titles, page_labels, title_key
from indexer.parsing.pdftables import take_tables
from indexer.parsing.recognised import NEEDED, page_list
from indexer.parsing.source import Source
from indexer.types import ParsedDocument

VERSION = 2

Page: TypeAlias = Any

_TIME_SHARE = 0.8
"""Share of the time limit after which the rest of the pages is left out, rather than losing all."""
_VECTOR = 3
"""Type of a block that is a drawn line or box."""
_MAX_VECTORS = 20_000
"""More drawn lines than this on a page are a picture, not a table."""
_FEW_LETTERS = 30
"""A page with fewer letters than this and a picture over half of it is a scan with a stamp."""
_DRAWN = re.compile(r"<vector (\w+), color: #(\w{6}), alpha: (\d+)")
_MAX_LOOKUPS = 5000
"""Divided words of a document that are looked up elsewhere in it."""
_PDF_DATE = re.compile(
    r"D:(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(?:([Z+-])(?:(\d{2})'?(?:(\d{2})'?)?)?)?"
)
_NO_TITLE = re.compile(
    r"untitled|\(anonymous\)|Microsoft (?:Word|PowerPoint|Excel)\b.*|(?:PowerPoint )?Presentation|Document\d*"
    r"|\S*[\d_]\S*"
    r"|.*\.(?:docx?|pptx?|xlsx?|pdf|tex|dvi|indd|qxd|exe|html?|rtf|odt|wpd|pmd|ps)",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _PageContent:
    """What one page holds."""

    blocks: list[Block] = field(default_factory=list)
    letters: int = 0
    """Letters and digits, counted up to `_FEW_LETTERS`."""
    unreadable: bool = False
    """It shows something but yields no text, or none that means anything."""
    hidden: str = ""
    """How text on it is hidden; empty when none is."""
    hidden_characters: int = 0


def parse(source: Source) -> ParsedDocument:
    """Read a PDF.

    Raises:
        UnreadableDocument: encrypted, damaged beyond repair, or without pages.
        MemoryError: MuPDF could not get memory.
    """
    library = mupdf()
    document = _open(library, source)
    try:
        reader = _Reader(library, document, source)
        return reader.read()
    except (UnreadableDocument, MemoryError):
        raise
    except Exception as exc:  # the library lets errors of many kinds through, its C++ ones among them
        raise _failed(exc) from exc
    finally:
        document.close()


@cache
def mupdf() -> Any:
    """PyMuPDF, silent and without its layout model; imported when first asked for. Its one door."""
    # The layout model costs 0.7 s and 90 MB a worker, and reading order is found without it.
    blocked: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    blocked.setdefault("pymupdf.layout", None)
    blocked.setdefault("pymupdf4llm", None)
    import pymupdf

    library: Any = pymupdf
    library.no_recommend_layout()
    library.TOOLS.mupdf_display_errors(False)
    library.TOOLS.mupdf_display_warnings(False)
    return library


def _open(library: Any, source: Source) -> Any:
    try:
        document = library.open(source.path, filetype="pdf")
    except Exception as exc:
        raise _failed(exc) from exc
    if document.needs_pass:
        document.close()
        raise UnreadableDocument(
            "The PDF is protected by a password.",
            "Save a copy without the password, for example with qpdf --decrypt.",
            status="encrypted",
        )
    return document


def _failed(exc: Exception) -> Exception:
    """MuPDF's errors as ours: it reports a lack of memory like any other failure."""
    message = str(exc)
    if isinstance(exc, MemoryError) or "alloc" in message or "memory" in message.lower():
        return MemoryError(message)
    detail = " ".join(message.split())[:120]
    if "Failed to open" in detail or not detail:
        detail = "its structure cannot be repaired"
    return UnreadableDocument(
        f"The PDF is damaged: {detail}.", "Get the file again, or repair it with mutool clean."
    )


class _Reader:
    """Reads one document: first all pages, then the text, which needs words of all pages."""

    def __init__(self, library: Any, document: Any, source: Source) -> None:
        self._library = library
        self._document = document
        self._source = source
        self._flags = library.TEXT_PRESERVE_WHITESPACE | library.TEXT_COLLECT_VECTORS
        self._outline: dict[int, list[tuple[int, str]]] = {}
        self._builder = TextBuilder(source.limits.max_text)
        self._broken: list[int] = []
        self._title = ""
        """The largest heading, the first one of several."""
        self._title_level = 1000

    def read(self) -> ParsedDocument:
        count = self._document.page_count
        if count < 1:
            raise UnreadableDocument("The PDF is damaged: it has no pages.", "Get the file again.")
        self._read_outline()
        pages = self._read_pages(count)
        if len(self._broken) == count:
            raise UnreadableDocument(
                "The PDF is damaged: none of its pages can be read.", "Get the file again."
            )
        self._write(pages)
        textless = tuple(number for number, page in enumerate(pages, 1) if page.unreadable)
        self._warn(pages, textless, count)
        metadata = self._document.metadata or {}
        document = self._builder.build(
            kind="pdf",
            format="pdf",
            title=_title(metadata.get("title") or "") or self._title,
            metadata={
                "author": metadata.get("author") or "",
                "subject": metadata.get("subject") or "",
                "keywords": metadata.get("keywords") or "",
                "producer": metadata.get("producer") or "",
                "created": _iso_date(metadata.get("creationDate") or ""),
                "modified": _iso_date(metadata.get("modDate") or ""),
            },
        )
        hidden = {number: _hidden_share(page) for number, page in enumerate(pages, 1) if page.hidden}
        return replace(document, textless_pages=textless, hidden_text=hidden)

    # --- pages -----------------------------------------------------------------------------------

    def _read_outline(self) -> None:
        try:
            toc = self._document.get_toc(simple=True)
        except Exception:  # noqa: BLE001
            return  # a damaged outline costs the headings, not the document
        for level, title, number in toc[:5000]:
            key = title_key(title)
            if key and number > 0:
                self._outline.setdefault(number, []).append((level, key))

    def _read_pages(self, count: int) -> list[_PageContent]:
        stop = time.monotonic() + _TIME_SHARE * self._source.limits.timeout_s
        pages: list[_PageContent] = []
        characters = 0
        for number in range(1, count + 1):
            if time.monotonic() > stop or characters > self._source.limits.max_text:
                self._builder.warn(
                    f"Only pages 1 to {number - 1} of {count} were read: the limit was reached."
                )
                break
            try:
                page = self._read_page(number)
            except Exception as exc:
                if isinstance(failure := _failed(exc), MemoryError):
                    raise failure from exc
                self._broken.append(number)
                page = _PageContent()
            pages.append(page)
            characters += sum(block.characters for block in page.blocks)
        return pages

    def _read_page(self, number: int) -> _PageContent:
        page = self._document[number - 1]
        textpage = page.get_textpage(flags=self._flags)
        raw = textpage.extractBLOCKS()
        vectors = [block for block in raw if block[6] == _VECTOR]
        blocks = [_block(block) for block in raw if block[6] == 0 and block[4]]
        html = textpage.extractHTML()
        content = _PageContent()
        content.letters = _letters(blocks, _FEW_LETTERS)
        if content.letters < _FEW_LETTERS:
            content.unreadable = self._is_picture(page, blocks, vectors)
        elif any("\ufffd" in block[4] for block in raw):
            text = "".join(block[4] for block in raw if block[6] == 0)
            content.unreadable = text.count("\ufffd") > 0.3 * len(text)
        content.hidden = pdfstyle.hidden(
            html, lambda: _filled(vectors), pictures=lambda: bool(page.get_images())
        )
        outside = pdfstyle.place_lines(blocks, html, tuple(textpage.rect))
        if content.hidden:
            content.hidden_characters = pdfstyle.hidden_characters(html, content.hidden)
        if outside:
            content.hidden = content.hidden or "outside the page"
            content.hidden_characters += sum(block.characters for block in outside)
        if not self._outline:
            pdfstyle.add_styles(blocks, html)
        rotation = page.rotation
        if rotation and _lines_are_turned(textpage):
            blocks = [_turn(block, page.rotation_matrix) for block in blocks]
        elif 2 < len(vectors) <= _MAX_VECTORS:
            rect = page.rect
            blocks = take_tables(blocks, vectors, rect.width, rect.height, textpage.extractWORDS)
        seen = [block for block in blocks if block.rows or any(map(str.strip, block.lines))]
        content.blocks = reading_order(seen) + outside
        return content

    def _is_picture(self, page: Page, blocks: list[Block], vectors: list[Any]) -> bool:
        """Whether a page with hardly any letters shows something that OCR could read."""
        drawn = sum(_is_drawn(vector[4]) for vector in vectors[:200]) >= 5
        characters = sum(len(line.strip()) for block in blocks for line in block.lines)
        if not characters:
            return drawn or bool(page.get_images())
        if drawn and _letters(blocks, characters) < 0.5 * characters:
            return True  # its font does not say which letters it shows
        images = page.get_image_info() if page.get_images() else []
        covered = (abs(self._library.Rect(image["bbox"]) & page.rect) for image in images)
        return any(area > 0.5 * abs(page.rect) for area in covered)

    # --- text ------------------------------------------------------------------------------------

    def _write(self, pages: list[_PageContent]) -> None:
        words = _Words(pages)
        body = pdfstyle.Body.of([page.blocks for page in pages])
        labels = page_labels(self._document.get_page_labels(), len(pages))
        for number, page in enumerate(pages, 1):
            self._builder.open_page(labels[number - 1])
            self._write_page(page, Titles(self._outline.get(number, [])), body, words)

    def _write_page(self, page: _PageContent, titles: Titles, body: pdfstyle.Body, words: _Words) -> None:
        plain: list[list[str]] = []  # paragraphs are written together: each call has its price
        header = titles.skip_running_header(page.blocks)
        plain += [block.lines for block in page.blocks[:header]]
        for block in page.blocks[header:]:
            lines = block.lines
            while lines:
                position = len(block.lines) - len(lines)
                level, length = titles.take(lines) or body.heading(block, position)
                if not length:
                    plain.append(lines)
                    break
                self._write_plain(plain, words)
                heading = running_text([lines[:length]], words.has)
                self._builder.heading(heading, level)
                if level < self._title_level:
                    self._title, self._title_level = heading, level
                lines = lines[length:]
            if block.rows:
                self._write_plain(plain, words)
            for index, row in enumerate(block.rows):
                self._builder.row(row, first=index == 0)
        self._write_plain(plain, words)

    def _write_plain(self, paragraphs: list[list[str]], words: _Words) -> None:
        if paragraphs:
            self._builder.paragraph(running_text(paragraphs, words.has))
            paragraphs.clear()

    def _warn(self, pages: list[_PageContent], textless: tuple[int, ...], count: int) -> None:
        if textless:
            them = "them" if len(textless) > 1 else "it"
            self._builder.warn(f"{page_list(textless)} without text: {NEEDED} to search {them}.")
        if self._broken:
            self._builder.warn(f"{page_list(self._broken)}: damaged, could not be read.")
        ways: dict[str, list[int]] = {}
        for number, page in enumerate(pages, 1):
            if page.hidden:
                ways.setdefault(page.hidden, []).append(number)
        for way, numbers in ways.items():
            self._builder.warn(f"Hidden text ({way}) on {page_list(numbers, capital=False)}.")


class _Words:
    """All words of a document, to tell how a divided word is written elsewhere."""

    def __init__(self, pages: list[_PageContent]) -> None:
        self._pages = pages
        self._text = ""
        self._known: dict[str, bool] = {}

    def has(self, word: str) -> bool:
        """Whether `word` stands anywhere on a line of its own accord."""
        word = word.lower()
        if word not in self._known and len(self._known) < _MAX_LOOKUPS:
            if not self._text:
                lines = (line for page in self._pages for block in page.blocks for line in block.lines)
                self._text = "\n".join(lines).lower()
            self._known[word] = word in self._text
        return self._known.get(word, False)


def _hidden_share(page: _PageContent) -> int:
    """Percent of the page's text that is hidden, at least 1."""
    characters = sum(block.characters for block in page.blocks)
    return max(1, min(100, 100 * page.hidden_characters // max(1, characters)))


def _letters(blocks: Sequence[Block], enough: int) -> int:
    """Letters and digits, counted until there are enough."""
    count = 0
    for block in blocks:
        for line in block.lines:
            count += sum(map(str.isalnum, line))
            if count >= enough:
                return count
    return count


def _block(raw: Sequence[Any]) -> Block:
    x0, y0, x1, y1, text = raw[:5]
    return Block(x0, y0, x1, y1, text.rstrip("\n").split("\n"))


def _is_drawn(description: str) -> bool:
    """Whether a line or box can be seen on white paper."""
    match = _DRAWN.search(description)
    return match is not None and match[2] != "ffffff" and match[3] != "0"


def _filled(vectors: Sequence[Any]) -> list[tuple[pdfstyle.Box, int]]:
    filled: list[tuple[pdfstyle.Box, int]] = []
    for vector in vectors:
        match = _DRAWN.search(vector[4])
        if match is not None and match[1] == "filled":
            filled.append((vector[:4], int(match[2], 16)))
    return filled


def _lines_are_turned(textpage: Any) -> bool:
    """Whether most lines run up or down in the coordinates of the page as it is stored."""
    lengths = [0, 0]
    for block in textpage.extractDICT()["blocks"]:
        for line in block.get("lines", ()):
            lengths[abs(line["dir"][1]) > abs(line["dir"][0])] += sum(
                len(span["text"]) for span in line["spans"]
            )
    return lengths[1] > lengths[0]


def _turn(block: Block, matrix: Any) -> Block:
    """The block where it is seen on a page that is shown rotated."""
    corners = [
        (x * matrix.a + y * matrix.c + matrix.e, x * matrix.b + y * matrix.d + matrix.f)
        for x in (block.x0, block.x1)
        for y in (block.y0, block.y1)
    ]
    xs, ys = zip(*corners, strict=True)
    return Block(min(xs), min(ys), max(xs), max(ys), block.lines, block.styles)


def _title(title: str) -> str:
    """The title of the metadata, unless a program made it up."""
    title = " ".join(title.split())
    return "" if _NO_TITLE.fullmatch(title) else title


def _iso_date(date: str) -> str:
    """A PDF date (D:20230621093027-04'00') as ISO 8601; "" when it is none."""
    match = _PDF_DATE.match(date)
    if not match:
        return ""
    year, month, day, hour, minute, second, sign, zone_hours, zone_minutes = match.groups()
    text = f"{year}-{month or '01'}-{day or '01'}"
    try:
        datetime.fromisoformat(text)
        if not hour:
            return text
        text += f"T{hour}:{minute or '00'}:{second or '00'}"
        datetime.fromisoformat(text)
    except ValueError:
        return ""
    if sign in ("+", "-") and zone_hours:
        return f"{text}{sign}{zone_hours}:{zone_minutes or '00'}"
    return text + "Z" if sign else text
