"""What a measure of quality says: of a document, of its pages, of a library.

Standard library only: these values cross the socket. `indexer.quality` makes them of a text,
`indexer.grading` of a library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Remedy = Literal["", "ocr", "decode", "exclude", "newest"]
"""What helps: recognise the text again, read it in another encoding, leave it out, keep the newest."""

REMEDIES: dict[Remedy, str] = {
    "": "",
    "ocr": "Recognise its text: quire ocr --again.",
    "decode": "Read it again in another encoding: 'quire decode'.",
    "exclude": "Leave it out of answers.",
    "newest": "Keep the newest version.",
}
"""Each remedy in words for a person."""

MEANINGS = {
    "mojibake": "Garbled letters: UTF-8 read in another encoding",
    "encoding": "Read in the wrong encoding",
    "glyphs": "Numbers of glyphs instead of letters",
    "lost": "Characters that could not be read",
    "noise": "Misread words",
    "spaced": "Letters that stand apart",
    "hidden": "Text hidden from readers",
    "textless": "Pages without text",
    "recognised": "Unsure recognition",
    "repetition": "Text that repeats itself",
    "boilerplate": "Headers, footers, banners, signatures",
    "hyphens": "Words divided at the end of a line",
    "sparse": "Hardly any letters",
    "empty": "No text at all",
    "superseded": "An older version",
    "languages": "Several languages",
    "undated": "No date",
    "unowned": "No author",
}
"""Each code in a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Why a document is not of full quality, or something about it that is worth knowing."""

    code: str
    """A key of `MEANINGS`."""
    share: float
    """How much of the text (of the pages, for textless and hidden) it is true of, 0 to 1."""
    cost: int
    """Points it takes from the score; 0 only tells."""
    note: str
    """A sentence for a person."""
    remedy: Remedy = ""
    pages: tuple[int, ...] = ()
    """1-based pages it is worst on, at most twelve; empty for formats without pages, or all alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A page, or a part of a text without pages: `text[start:end]`."""

    start: int
    end: int
    page: int | None
    score: int
    codes: tuple[str, ...] = ()
    """What is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The measure of one document."""

    score: int
    """0 to 100."""
    findings: tuple[Finding, ...] = ()
    """Dearest first."""
    stretches: tuple[Stretch, ...] = ()
    """All that was measured, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The documents of a folder, a type or a month together."""

    name: str
    """Folder (absolute), type or month (2026-03); "" for what has none."""
    files: int
    size_bytes: int
    measured: int
    """Files whose document has a score."""
    score: int | None
    """The mean of these scores."""
    poor: int
    """Files with text below the threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A finding and how many files have it."""

    code: str
    files: int
    note: str
    """What it means, for a person."""
    remedy: Remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class GradedFile:
    """A file with its score and the reasons for it."""

    path: str
    title: str
    document: str
    score: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """The quality of a library, a folder, or the documents of a query."""

    files: int
    measured: int
    score: int | None
    """The mean of all scores, what has no text counting 0; None when nothing is measured."""
    poor_below: int
    """The threshold: what scores less is poor."""
    poor: int
    reasons: tuple[Reason, ...]
    """The most frequent first."""
    folders: tuple[Group, ...]
    types: tuple[Group, ...]
    months: tuple[Group, ...]
    worst: tuple[GradedFile, ...]
    """Files with text that is not of full quality, lowest score first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """One bar: how many files have this in common, and how large they are together."""

    name: str
    files: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The library in numbers, as the page of `quire report` shows it."""

    library: str
    made: str
    """ISO date and time, local."""
    scope: str
    """The query that chose the files; "" for all."""
    quality: QualityReport
    documents: int
    """Different contents among the files."""
    size_bytes: int
    sizes: tuple[Count, ...]
    ages: tuple[Count, ...]
    """By year of the last change."""
    types: tuple[Count, ...]
    languages: tuple[Count, ...]
    scores: tuple[Count, ...]
    """By tens of the score."""
    copies: tuple[Count, ...]
    """unique, exact copy, same text, nearly the same, older version."""
    unread: tuple[Count, ...]
    """By the reason for which there is no text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """A reading of a text file in one encoding."""

    encoding: str
    """As `decode` takes it; "utf-8/cp1252": UTF-8 that was taken for cp1252 and stored as UTF-8 again."""
    score: int
    """0 to 100, of the text so read."""
    language: str
    sample: str
    """What it looks like where the readings differ."""
    current: bool
    """This is how it is read now."""
