"""What flows between OCR, the catalogue and the parse workers. Imports the standard library only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

HINT = "OCR reads it: run 'quire ocr'."
"""The remedy of a document whose pages are pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognisedPage:
    """What came of the OCR of one page."""

    page: int
    """1-based."""
    text: str
    """Paragraphs; "" when there is no text on it, or it failed."""
    confidence: int
    """0 to 100."""
    engine: str
    reason: str = ""
    """Why it failed; "" when it did not."""


def pack(pages: Sequence[RecognisedPage]) -> bytes:
    """For the parse worker, which gets it as a second descriptor."""
    rows = [[page.page, page.text, page.confidence, page.engine, page.reason] for page in pages]
    return json.dumps(rows, ensure_ascii=False).encode("utf-8", "replace")


def unpack(content: bytes) -> tuple[RecognisedPage, ...]:
    """What `pack` packed."""
    return tuple(
        RecognisedPage(page=page, text=text, confidence=confidence, engine=engine, reason=reason)
        for page, text, confidence, engine, reason in json.loads(content)
    )
