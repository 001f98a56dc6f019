"""The types that tell of what people put on documents; they cross the socket like `indexer.types`.

A *label* is a tag, a note, a field, an exclusion or a verdict. `indexer.labels` keeps them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

FieldKind = Literal["text", "date", "number"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag of a document."""

    name: str
    """Parts joined by `/`, the outermost first: `project/alpha`."""
    rule: str = ""
    """Query of the rule that gives it; "" when it was given by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What somebody said of a hit: it helped, or it was wrong."""

    query: str
    verdict: int
    """+1 or -1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Everything people put on a file, and what rules add."""

    path: str
    document: str
    """`sha256:<hex>`; "" when the file could not be read."""
    tags: tuple[Tag, ...] = ()
    refused: tuple[str, ...] = ()
    """Tags that were taken away or refused: neither rules nor suggestions bring them back."""
    note: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Values by name; dates as 2026-05-01."""
    ruled_fields: tuple[str, ...] = ()
    """Names of those that a rule gives."""
    excluded: bool = False
    """Kept out of answers."""
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelChange:
    """One change of labels, made to all documents it names or to none."""

    targets: tuple[str, ...] = ()
    """Paths (a folder or container stands for all in it) or `sha256:…`."""
    query: str = ""
    """Instead of targets, or to limit them: a query as lists take it."""
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    """Tags to take away; they count as refused from then on."""
    refuse: tuple[str, ...] = ()
    """Tags that are not to be suggested again."""
    note: str | None = None
    """Another note; "" takes it away; None leaves it."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Values by name; "" takes one away."""
    kind: str = ""
    """Of fields that are new: text, date or number; "" goes by the value."""
    excluded: bool | None = None
    verdict: int | None = None
    """+1 this helped, -1 this was wrong, 0 takes it back; for `asked`."""
    asked: str = ""
    """The query a verdict is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """What a change of labels came to."""

    documents: int
    """Documents it was made to, copies counted once."""
    changed: int
    """Files whose labels are different now."""
    says: str
    """The change in words, as undo names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagCount:
    """A tag with how many documents have it."""

    name: str
    documents: int
    by_rule: int
    """Of these, how many have it from a rule only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A search kept under a name."""

    name: str
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomField:
    """A field somebody made, with how many documents have it."""

    name: str
    kind: FieldKind
    documents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a query gives to all documents it finds."""

    id: int
    query: str
    gives: str
    """A tag, or `NAME=VALUE`; of a date field the value may be `+1y` after the last change."""
    files: int = 0
    """Files it holds for now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelling:
    """Everything there is to label with."""

    tags: tuple[TagCount, ...]
    collections: tuple[Collection, ...]
    fields: tuple[CustomField, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A tag that documents like this one have."""

    path: str
    document: str
    tag: str
    confidence: float
    """Share of the nearest tagged documents, weighed by nearness, that have it: 0 to 1."""
    because: tuple[str, ...]
    """Paths of the nearest that have it, at most three."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of a file of labels."""

    documents: int
    """Lines whose document is in the library."""
    changed: int
    """Files whose labels are different now."""
    waiting: tuple[str, ...]
    """Paths that matched nothing; their labels wait until the file appears."""
    kept: tuple[str, ...]
    """What the library said otherwise and was left as it is, in words."""
    collections: int
    rules: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleFile:
    """A file that time has passed by."""

    path: str
    document: str
    why: Literal["untouched", "review", "contradicted"]
    since: str
    """ISO date: of the last change, of the review, of the newer version."""
    says: str
    """In words for a person."""
    newer: str = ""
    """Path of the newer version, when that is what it contradicts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """What is out of date, each kind the longest ago first. A list: nothing is done about it."""

    untouched: tuple[StaleFile, ...]
    review: tuple[StaleFile, ...]
    contradicted: tuple[StaleFile, ...]
    totals: Mapping[str, int]
    """How many there are of each kind, of which the lists may be a part."""
    compared: int
    """Pairs of versions that were looked through for contradictions."""
