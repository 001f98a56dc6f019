"""The types of what a library measures of its own search. They cross the socket.

Imports the standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Change = Literal["kept", "taken", "refused", "reset"]
Part = Literal["all", "origin", "folder", "language"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalRequest:
    """A measurement as every client asks for it."""

    queries: int = 200
    """Queries made from documents, at most; those of people come on top."""
    seed: int = 0
    tune: bool = False
    """Try other weights of meaning, and take one that is better beyond chance."""
    reset: bool = False
    """Forget a weight that was taken earlier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalProgress:
    """Event: how far a measurement is."""

    stage: Literal["asking", "searching", "tuning"]
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """How well the right documents were found; all from 0 to 1."""

    recall_1: float
    recall_10: float
    mrr: float
    """Mean of one divided by the rank; 0 beyond the tenth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalRow:
    """The scores of a part of the queries."""

    part: Part
    name: str
    queries: int
    keyword: Scores
    meaning: Scores | None
    """None without an embedding model."""
    both: Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What came of trying other weights."""

    change: Change
    before: float
    tried: float
    """The weight that was best on the first half of the queries."""
    gain: float
    """Of the mean reciprocal rank on the other half, by taking it."""
    low: float
    """The gain is between `low` and `high` with a probability of 95 %."""
    high: float
    queries: int
    """In the other half."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalReport:
    """Event: the measurement. The last one."""

    rows: tuple[RetrievalRow, ...]
    documents: int
    """From which queries were made."""
    weight: float
    """Weight of meaning in use, after tuning."""
    origin: Literal["default", "configuration", "tuned"]
    tuning: Tuning | None = None
    notes: tuple[str, ...] = ()
