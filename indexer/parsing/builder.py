"""Builds the text of a document piece by piece and records exact spans.

Every piece is normalised before it is added and pieces are joined by line ends only, so the spans
stay true for the finished text: normalising it again changes nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping

from indexer.parsing.source import Limits
from indexer.text import normalise
from indexer.types import Attachment, Heading, Kind, Page, ParsedDocument

MAX_CHARACTERS = 32 * 1024 * 1024
"""Text kept of one document unless the caller says otherwise."""
_SHARE = 0.6
"""Share of a document's time that reading may take; the rest is for chunking and slow moments."""


class TextBuilder:
    """The growing text of one document with its pages, headings and warnings."""

    def __init__(self, limit: int = MAX_CHARACTERS, *, seconds: float = math.inf) -> None:
        """Start empty; text beyond `limit` characters or `seconds` from now is cut off with a warning."""
        self._pieces: list[str] = []
        self._length = 0
        self._limit = limit
        self._deadline = time.monotonic() + seconds
        self._adds = 0
        self._pages: list[Page] = []
        self._page_open = False
        self._page_start: int | None = None
        self._page_label = ""
        self._headings: list[Heading] = []
        self._warnings: dict[str, None] = {}
        self.full = False
        """A limit is reached: whatever is added now is dropped. Parsers may stop."""

    @classmethod
    def within(cls, limits: Limits) -> TextBuilder:
        """A builder that stops in time: what was read by then is kept, not lost to the worker's end."""
        return cls(limits.max_text, seconds=_SHARE * limits.timeout_s)

    @property
    def length(self) -> int:
        """Characters so far."""
        return self._length

    @property
    def headings(self) -> int:
        """Number of headings so far."""
        return len(self._headings)

    def warn(self, message: str) -> None:
        """Add a warning once."""
        self._warnings.setdefault(message)

    def paragraph(self, text: str) -> tuple[int, int]:
        """Add a paragraph after an empty line; its span, (0, 0) when there is nothing in it."""
        return self._add(text, "\n\n")

    def line(self, text: str) -> tuple[int, int]:
        """Add a line right below the one before; its span, (0, 0) when there is nothing in it."""
        return self._add(text, "\n")

    def row(self, cells: Iterable[str], *, first: bool = False) -> tuple[int, int]:
        """Add a table row as one line; `first` sets it off from what came before."""
        texts = [" ".join(cell.split()) for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        return self._add(" | ".join(texts), "\n\n" if first else "\n")

    def heading(self, text: str, level: int) -> tuple[int, int]:
        """Add a heading, 1 being the outermost level."""
        start, end = self.paragraph(" ".join(text.split()))
        if end > start:
            self._headings.append(Heading(level=max(1, level), start=start, end=end))
        return start, end

    def open_page(self, label: str = "") -> None:
        """Begin a page, ending the one before. It starts at the first piece added to it."""
        self.close_page()
        self._page_open = True
        self._page_start = None
        self.label_page(label)

    def label_page(self, label: str) -> None:
        """Name the page begun last."""
        self._page_label = " ".join(normalise(label).split())[:200]

    def close_page(self) -> None:
        """End the page begun last, if any."""
        if not self._page_open:
            return
        start = self._length if self._page_start is None else self._page_start
        number = len(self._pages) + 1
        self._pages.append(Page(number=number, start=start, end=self._length, label=self._page_label))
        self._page_open = False

    def build(
        self,
        *,
        kind: Kind,
        format: str,
        title: str = "",
        metadata: Mapping[str, str] | None = None,
        attachments: Iterable[Attachment] = (),
        first_heading_is_title: bool = True,
    ) -> ParsedDocument:
        """The finished document; without a title the first heading becomes it, unless told otherwise."""
        self.close_page()
        text = "".join(self._pieces)
        name = " ".join(normalise(title).split())
        if not name and self._headings and first_heading_is_title:
            name = text[self._headings[0].start : self._headings[0].end]
        facts = {key: " ".join(normalise(value).split()) for key, value in (metadata or {}).items()}
        return ParsedDocument(
            title=name[:500].strip(),
            text=text,
            kind=kind,
            format=format,
            pages=tuple(self._pages),
            headings=tuple(self._headings),
            metadata={key: value for key, value in facts.items() if value},
            warnings=tuple(self._warnings),
            attachments=tuple(attachments),
        )

    def _add(self, text: str, separator: str) -> tuple[int, int]:
        # Cut before normalising too: a single piece may be larger than everything allowed.
        piece = normalise(text[: self._limit + 1]).strip()
        if not piece or self.full or self._late():
            return 0, 0
        room = self._limit - self._length - len(separator)
        if len(piece) > room:
            self.full = True
            self.warn(f"Only the first {self._limit:,} characters were read.")
            piece = piece[: max(0, room)].rstrip()
            if not piece:
                return 0, 0
        if self._length:
            self._pieces.append(separator)
            self._length += len(separator)
        start = self._length
        if self._page_open and self._page_start is None:
            self._page_start = start
        self._pieces.append(piece)
        self._length += len(piece)
        return start, self._length

    def _late(self) -> bool:
        self._adds += 1
        if self._adds % 64 == 0 and time.monotonic() > self._deadline:
            self.full = True
            self.warn("Only the beginning was read: the document takes too long.")
        return self.full
