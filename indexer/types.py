"""The types that flow through the indexer and out of it.

Owns every value that crosses a module boundary. Imports the standard library only, so that a thin
client can load it in milliseconds. Every type that crosses the socket is built of str, int, float,
bool, None, tuples, mappings and other types of this kind; `indexer.wire` turns them into JSON and back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from indexer.findings import Finding

Kind = Literal["pdf", "doc", "sheet", "slides", "mail", "web", "text", "code", "image", "archive", "other"]
"""What a person calls the document; the values of the query field `type:`."""

Mode = Literal["auto", "keyword", "semantic"]


class Status(StrEnum):
    """How the reading of a document ended. Every document has exactly one."""

    PENDING = "pending"
    INDEXED = "indexed"
    EMPTY = "empty-text"
    NEEDS_OCR = "needs-ocr"
    ENCRYPTED = "encrypted"
    BROKEN = "broken"
    TOO_LARGE = "too-large"
    UNSUPPORTED = "unsupported"
    DENIED = "denied"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    BUDGET = "budget"
    CHANGED = "changed-while-reading"


UNREAD = frozenset(Status) - {Status.INDEXED, Status.PENDING}
"""Statuses of documents whose text cannot be found."""


# --- parsing -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page, slide, sheet, chapter or message: `text[start:end]` of its document."""

    number: int
    """1-based position in the document, never the printed label."""
    start: int
    end: int
    label: str = ""
    """Name of a sheet or printed label; empty when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading at `text[start:end]`; level 1 is the outermost."""

    level: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file inside a file (mail attachment, zip member): a document of its own."""

    name: str
    """Relative name with `/`, cleaned; never used as a path on disk."""
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedDocument:
    """One normalised text with the spans of its parts.

    The text is NFC, has LF line ends and no control characters but LF and TAB. A table row is one
    line, its cells joined by " | ". Paragraphs are separated by an empty line.
    """

    title: str
    """From the content (metadata, first heading, subject), never the file name; may be empty."""
    text: str
    kind: Kind
    format: str
    """Short name of the real format ("pdf", "docx", "eml"), decided by content."""
    pages: tuple[Page, ...] = ()
    """Ascending, not overlapping; empty for formats without pages."""
    headings: tuple[Heading, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Keys: author, created and modified (ISO 8601), subject, from, to, keywords, language, producer."""
    warnings: tuple[str, ...] = ()
    """What a person should know: text missing, budget reached, guessed encoding."""
    textless_pages: tuple[int, ...] = ()
    """1-based pages that show something but yield no text: they need OCR."""
    ocr_confidence: Mapping[int, int] = field(default_factory=dict)
    """How sure OCR was, 0 to 100, of each page whose text comes from it; empty without such pages."""
    hidden_text: Mapping[int, int] = field(default_factory=dict)
    """Share in percent, 1 to 100, of the text of a page that no reader sees; only pages that have some."""
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A stored span, the unit that is embedded: `text == parsed.text[start:end]`, always."""

    ordinal: int
    start: int
    end: int
    page: int | None
    """1-based page on which the chunk starts; None for formats without pages."""
    heading: str
    """Heading path, outermost first, joined by " > "; may be empty."""
    text: str
    language: str
    """ISO 639-1 code of the chunk's text, or "" when unknown."""


# --- the library ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A watched folder (or a single file)."""

    path: str
    state: Literal["watched", "polled", "missing"]
    files: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A path in the library with what is known of it, as lists show it."""

    path: str
    """Absolute; a member of a container is `container!/member`."""
    document: str
    """`sha256:<hex>`, or "" when the file could not be read."""
    title: str
    kind: str
    format: str
    status: str
    reason: str
    """Why it is not indexed, in words for a person; empty when all is well."""
    hint: str
    """What to do about it; may be empty."""
    size_bytes: int
    mtime_ns: int
    pages: int
    language: str
    chunks: int
    quality: int | None = None
    """0 to 100; None when not measured."""
    flaw: str = ""
    """What costs it most, in words for a person."""
    flaw_code: str = ""
    """The same as a key of `indexer.findings.MEANINGS`."""
    mends: tuple[str, ...] = ()
    """Remedies that its findings name, dearest first: ocr, decode, exclude, newest."""
    poor: bool = False
    """Its text is so poor that it stays out of answers."""
    copies: int = 0
    """Other paths with the same content."""
    embedded: bool = False
    """All chunks have vectors."""
    newer: str = ""
    """Path of the newest version when this is an older one."""
    copy_of: str = ""
    """Path of the file proposed to be kept, when this is a copy of it (same bytes or same text)."""
    excluded: bool = False
    """Kept out of answers."""
    scanned_pages: bool = False
    """It has text, but some of its pages are pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileList:
    """A window of the file list with the counts of every group."""

    rows: tuple[FileRow, ...]
    total: int
    """Rows in the chosen group."""
    offset: int
    groups: Mapping[str, int]
    """Count per group: all, new, failed, ocr, poor, duplicates, old, excluded, pending.

    Duplicates are all copies known, near ones too, beside the files to keep; old are older versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDetails:
    """What `quire show` tells about a document."""

    path: str
    paths: tuple[str, ...]
    document: str
    title: str
    kind: str
    format: str
    language: str
    pages: int
    chunks: int
    characters: int
    state: str
    reason: str
    hint: str
    quality: int | None
    duplicates: tuple[str, ...]
    """Other paths with the same bytes."""
    versions: tuple[str, ...]
    tags: tuple[str, ...]
    metadata: Mapping[str, str]
    warnings: tuple[str, ...]
    textless_pages: tuple[int, ...]
    size_bytes: int
    mtime_ns: int
    headings: tuple[tuple[int, int, str], ...]
    """(level, start, text) of each heading, in order."""
    page_starts: tuple[int, ...]
    """Start offset of page 1, 2, …; empty when the format has no pages."""
    findings: tuple[Finding, ...] = ()
    """Why the quality is what it is, dearest first, with remedies; then what is merely worth knowing."""
    page_scores: tuple[tuple[int, int], ...] = ()
    """(page, score) of each page that is not of full quality."""
    encoding: str = ""
    """The encoding somebody chose for it; "" when it is read as found."""
    ocr_pages: tuple[tuple[int, int], ...] = ()
    """(page, confidence from 0 to 100) of each page whose text is from OCR."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextWindow:
    """A part of a document's normalised text: `text == whole[start:end]`."""

    document: str
    start: int
    end: int
    total: int
    """Length of the whole text in characters."""
    text: str
    matches: tuple[tuple[int, int], ...] = ()
    """Spans, in offsets of the whole text, that match the query given; ascending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the library is doing now. Counts are since the work began that is now under way."""

    stage: Literal["idle", "scan", "parse", "keyword", "embed", "seal", "ocr"]
    files_seen: int = 0
    done: int = 0
    """Documents searchable by keyword, of `total` in this run."""
    total: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    embedded: int = 0
    """Chunks with a vector, of `chunks` in the library."""
    chunks: int = 0
    parsed: int = 0
    """Documents really parsed in this run (a copy or rename is not)."""
    failed: int = 0
    current: str = ""
    """A file at work now."""
    revision: int = 0
    """Grows with every change of what can be found; clients search again when it does."""
    note: str = ""
    """One line about something that hinders: disk full, watch limit, no model."""
    ocr_done: int = 0
    """Pages read by OCR, of `ocr_total` that are being read in the background."""
    ocr_total: int = 0

    @property
    def idle(self) -> bool:
        """Nothing is under way and nothing waits."""
        return self.stage == "idle"


# --- search --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """A search as every client makes it."""

    query: str
    mode: Mode = "auto"
    limit: int = 20
    offset: int = 0
    scope: str = ""
    """A second query whose filters (not its plain words) limit the documents; see ux.md section 3."""
    documents: tuple[str, ...] = ()
    """When not empty: only these documents (`sha256:…` or absolute paths)."""
    chunks: bool = False
    """True: one hit per chunk instead of one per document."""
    typing: bool = False
    """The last word is still being typed: treat it as a prefix."""
    explain: bool = False
    sound: bool = False
    """Leave out passages of poor text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkMatch:
    """A further matching chunk of a hit's document."""

    chunk: int
    page: int | None
    heading: str
    start: int
    end: int
    snippet: str
    highlights: tuple[tuple[int, int], ...]
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A chunk found for a query, with the reason it was found."""

    rank: int
    """1-based."""
    score: float
    """Fused, higher is better; comparable within one result only."""
    path: str
    paths: tuple[str, ...]
    """Every path that holds this content, `path` first."""
    title: str
    document: str
    chunk: int
    page: int | None
    heading: str
    start: int
    end: int
    """Offsets in characters of the document's normalised text."""
    snippet: str
    """A verbatim part of the text (white space and ruled lines folded), cut at sentences."""
    highlights: tuple[tuple[int, int], ...]
    """Spans of matched words in `snippet`."""
    matched_by: tuple[str, ...]
    """"keyword", "semantic" or both."""
    scores: Mapping[str, float]
    ranks: Mapping[str, int]
    """1-based rank per retriever; absent means not retrieved by it."""
    kind: str
    format: str
    language: str
    pages: int
    size_bytes: int
    mtime_ns: int
    text: str = ""
    """Whole chunk text; only filled for chunk results and for passages."""
    more: tuple[ChunkMatch, ...] = ()
    explain: str = ""
    newer: str = ""
    """Path of the newest version, when this is an older one; "" otherwise."""
    tags: tuple[str, ...] = ()
    """Of the document, by hand and by rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """Hits in order, with what was done to find them."""

    query: str
    mode: str
    """The mode really used: auto becomes hybrid, keyword or semantic."""
    took_ms: float
    total: int
    """Documents (or chunks) that match; a lower bound when meaning alone found them."""
    in_scope: int
    documents: int
    """Documents in the library."""
    hits: tuple[Hit, ...]
    notes: tuple[str, ...] = ()
    """Said to the person: "no field foo:", "typing error tolerated: recieve", "meaning search not ready"."""
    spans: tuple[tuple[int, int, str], ...] = ()
    """(start, end, role) of the query text, role one of word, phrase, field, value, operator, ignored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadFile:
    """A file in scope whose text is not available, and why."""

    path: str
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeCount:
    """How many documents a scope holds and which of them cannot be read."""

    in_scope: int
    unread: tuple[UnreadFile, ...]
    waiting: tuple[UnreadFile, ...] = ()
    """Some of the files that are new or have changed and are still to be read."""
    waiting_total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a file on disk stands to the document that was read from it."""

    state: Literal["same", "changed", "moved", "gone", "unknown"]
    path: str = ""
    """Where the same content lies now, when it has moved."""


# --- state ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryStatus:
    """Counts from the store, never from a state file."""

    library: str
    roots: tuple[Root, ...]
    files: int
    documents: int
    chunks: int
    vectors: int
    pending_parse: int
    pending_embed: int
    failed: tuple[UnreadFile, ...]
    embedding_model: str
    """Name of the embedding model in use, or "" when there is none."""
    embedding_note: str
    """What is missing and how to get it; "" when all is well."""
    revision: int
    pending_ocr: int = 0
    """Pages without text that OCR has not read."""
    ocr_engines: tuple[str, ...] = ()
    """Those that may read them: installed, and allowed by the settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of `quire doctor`."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


# --- what the stores hand to each other ------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChunk:
    """A chunk as the catalogue holds it: `text` is `[start:end]` of its document's text."""

    id: int
    ordinal: int
    start: int
    end: int
    page: int | None
    heading: str
    language: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A sealed Chroma directory in use."""

    name: str
    """Directory below `<library>/vectors`."""
    lo: int
    hi: int
    """Vector ids lo to hi, both included, that existed when it was built."""
    count: int
    """Vectors in it."""
    manifest: str
    """Hex SHA-256 of its manifest.json."""
