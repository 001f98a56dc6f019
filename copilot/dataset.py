"""The types of an export: what is asked for, how far it is, what was written.

They cross the socket. Imports the standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

DataKind = Literal["text", "qa", "preference", "eval"]
DataFormat = Literal["jsonl", "parquet", "markdown"]
Style = Literal["chatml", "alpaca", "sharegpt", "prompt-completion"]
PathStyle = Literal["relative", "absolute", "none"]

KINDS: tuple[DataKind, ...] = ("text", "qa", "preference", "eval")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """A data set as every client asks for it."""

    folder: str
    """Absolute path of the folder to write; it must not exist, or be empty."""
    scope: str = ""
    """Query that limits the documents."""
    kinds: tuple[DataKind, ...] = KINDS
    format: DataFormat = "jsonl"
    style: Style = "chatml"
    min_quality: int = 50
    """0 to 100; documents below are left out."""
    split: tuple[tuple[str, float], ...] = (("train", 0.9), ("test", 0.1))
    """Names with their shares, which add up to 1."""
    seed: int = 0
    redact: bool = True
    generate: bool = False
    """Let the language model write pairs, too; kept is what the passages support."""
    calls: int = 100
    """Calls of the language model at most."""
    limit: int = 0
    """Documents at most, chosen by the seed; 0: all."""
    paths: PathStyle = "relative"
    overwrite: bool = False
    """Replace an earlier export in the same folder."""
    command: str = ""
    """For the card: the command that made it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportProgress:
    """Event: how far an export is."""

    stage: Literal["choosing", "reading", "asking", "comparing", "writing"]
    done: int = 0
    total: int = 0
    current: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A file of an export."""

    path: str
    """Relative to the folder."""
    records: int
    """0 for files that hold none, like the card."""
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """Event: the export is there. The last one."""

    folder: str
    documents: int
    """In scope, before anything was left out."""
    records: Mapping[str, Mapping[str, int]]
    """Per kind the records of each split."""
    left_out: Mapping[str, Mapping[str, int]]
    """Per kind what was left out, by reason."""
    redacted: Mapping[str, int]
    """Values replaced, by kind of value."""
    files: tuple[DataFile, ...]
    notes: tuple[str, ...] = ()
    """Said to the person: no test split came of it, the model failed."""
    sources: Mapping[str, int] = field(default_factory=dict)
    """Question-answer pairs by where they are from: marked, heading, table, generated."""


ExportEvent = ExportProgress | Exported
