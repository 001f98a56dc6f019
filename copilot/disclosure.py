"""The types of what leaves the machine: what would go, what may not, what went.

Imports the standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A document whose text was kept from a model on another machine."""

    path: str
    document: str
    policy: str
    """never or ask."""
    reason: str
    """Where the policy comes from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCall:
    """A request as it would go out, byte for byte."""

    purpose: str
    """question (it is reworded first), answer, summary, second opinion on either."""
    url: str
    bytes: int
    body: str
    """The bytes that are sent, UTF-8."""
    certain: bool
    """False: it goes like this only if the reply to the call before is of no use, or, a second opinion, with
    the sentences of that reply in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentDocument:
    """A document of which text would go."""

    path: str
    document: str
    policy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would go to the language model, without sending anything."""

    model: str
    """"" when no model would be asked."""
    host: str
    local: bool
    """It stays on this machine."""
    bytes: int
    calls: tuple[PlannedCall, ...]
    documents: tuple[SentDocument, ...]
    redacted: Mapping[str, int]
    """How many values of each kind are replaced."""
    withheld: tuple[Withheld, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAt:
    """The policy in force at a path."""

    path: str
    policy: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPlace:
    """A model and where text goes for it."""

    name: str
    """"" when there is none."""
    host: str
    """"" when it is in this process."""
    local: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyStatus:
    """Where text may go, and what of it."""

    allow_remote: bool
    policy: str
    """Of folders that nothing is said of."""
    language_model: ModelPlace
    embedding_model: ModelPlace
    vectors: ModelPlace
    """The collection on a server, which holds no vector of what is never sent; no name: they are here."""
    places: tuple[PolicyAt, ...]
    """The folders of the library and of the configuration, or the path asked for."""
    patterns: tuple[str, ...]
    """Names of the owner's own patterns."""
    sent: int
    """Calls in the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentCall:
    """An entry of the log: one request to a model on another machine."""

    id: int
    when: str
    """ISO date and time, local."""
    host: str
    model: str
    purpose: str
    bytes: int
    documents: tuple[str, ...]
    """Paths; `sha256:…` of documents that are gone."""
    redacted: Mapping[str, int]
    outcome: str
