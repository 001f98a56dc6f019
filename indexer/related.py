"""The types that tell of copies, versions and differences; they cross the socket like `indexer.types`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Relation = Literal["exact", "same-text", "near"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A file of a group, beside the one to keep."""

    path: str
    document: str
    """`sha256:<hex>`."""
    format: str
    size_bytes: int
    mtime_ns: int
    relation: Relation
    """To the group's file to keep; of that file itself "exact"."""
    similarity: float
    """Share of runs of five words that both have, of all that either has: 0 to 1. When found by meaning:
    share of the shorter text that the longer one says again."""
    by_meaning: bool = False
    """Words differ throughout (read by OCR, respelled, reworded); the vectors of the chunks told."""
    removed: int = 0
    """Words of the file to keep that this one lacks; only counted when differences are asked for."""
    added: int = 0
    """Words that only this one has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyGroup:
    """Files with the same or nearly the same content; the first is the one proposed to be kept."""

    relation: Relation
    """The loosest one in the group."""
    why: str
    """Why that one is to be kept, in words for a person."""
    frees_bytes: int
    """Space to be won by removing all others."""
    files: tuple[Copy, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A document of a family. Copies of one version share its place."""

    path: str
    document: str
    place: int
    """0 is the newest."""
    mtime_ns: int
    similarity: float
    """To the newest version: share of runs of five words, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The versions of one document, newest first."""

    name: str
    """What their names have in common."""
    versions: tuple[Version, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyReport:
    """Copies and versions in the library."""

    groups: tuple[CopyGroup, ...]
    """Those that free most space first."""
    families: tuple[Family, ...]
    total: int
    """Groups of copies, of which `groups` may be a part."""
    families_total: int
    frees_bytes: int
    """By removing all but the proposed file of every group of exact copies and copies of the text."""
    compared: int
    """Documents with text that were compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A stretch of two texts that is equal or not; the stretches in order cover both texts."""

    op: Literal["equal", "delete", "insert", "replace"]
    a: str
    """Of the first text; of a long equal stretch its beginning and end around "…"."""
    b: str
    a_start: int
    """Offset in characters of the first document's text."""
    b_start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What differs between two documents, word by word."""

    a: str
    """Path of the first."""
    b: str
    removed: int
    """Words only in the first."""
    added: int
    """Words only in the second."""
    kept: int
    note: str
    """What is known beside the words: same bytes, an older version of the other; may be empty."""
    edits: tuple[Edit, ...]
