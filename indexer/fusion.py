"""Two rankings into one: keyword scores and cosines, fused as a convex combination.

A convex combination of normalised scores did better than reciprocal ranks on every set of questions it was
tried on: it keeps how much better the first is than the second. Both scores are known exactly for every
candidate, so that nothing wins or loses because one retriever did not list it.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

GOOD_COSINE = 0.5
"""Cosine that the best candidate must reach to count fully."""

BRIEF = 60
"""Characters of a chunk that halve its score: running heads and lone captions repeat the words of a
question and say nothing about them."""

SOUND = 0.4
"""What is left of the score of a chunk whose text is worth nothing."""

SHARE = 0.1
"""What the second-best chunk adds to its document's score; each next one adds half as much."""

_COUNTED = 5


class Blend(NamedTuple):
    """How scores become comparable.

    Where words hardly match, the best of them must not outweigh a clear meaning, nor the other way round.
    """

    good_keyword: float
    """Share of the ideal keyword score that the best candidate must reach to count fully."""
    floor: float
    """Cosine that counts nothing."""
    topic: float
    """What is added to the weight of meaning where the model knows question and text."""
    middling: bool = False
    """The cosine of the middling candidate counts nothing, where there are `MANY`: to a model of many
    languages all texts of one field are alike, and what counts is how far one stands out."""


PASSAGES = Blend(0.2, 0.1, 0.0)
"""For single passages: the one that answers holds the words."""
DOCUMENTS = Blend(0.5, 0.0, 0.15)
"""For documents: what one is about is often said in other words. Both fitted to questions about reports
(by page) and proposals (by document), with those about articles as a check."""
DOCUMENTS_MULTILINGUAL = Blend(0.2, 0.0, 0.25, middling=True)
"""The same for a model of many languages, fitted in the same way."""
MANY = 20


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk that one of the retrievers found."""

    chunk: int
    document: int
    keyword: float = 0.0
    """BM25 and what adds to it; 0 when no word matches."""
    semantic: float = 0.0
    """Cosine; 0 when the chunk has no vector."""
    weight: float = 0.0
    """Weight of meaning for this question and this chunk, 0 to 1."""
    length: int = 1000
    """Characters of the chunk."""
    quality: int = 100
    """Of its text, when that is poor; 100 otherwise."""
    tier: int = 0
    """2: the chunk holds everything sought, 1: its document does, 0: neither."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its fused score: its tier plus something from 0 to 1."""

    candidate: Candidate
    score: float


def fuse(candidates: Iterable[Candidate], ideal: float, blend: Blend = DOCUMENTS) -> list[Scored]:
    """Score chunks and order them, best first; ties by id.

    Args:
        candidates: All that either retriever found.
        ideal: Keyword score of a chunk that matches as well as can be.
        blend: How to weigh, by what is wanted.
    """
    found = list(candidates)
    keyword = max(max((each.keyword for each in found), default=0.0), blend.good_keyword * ideal, 1e-6)
    floor = blend.floor
    cosines = [each.semantic for each in found if each.semantic]
    if blend.middling and len(cosines) >= MANY:
        floor = max(floor, statistics.median(cosines))
    semantic = max(max((each.semantic for each in found), default=0.0), GOOD_COSINE) - floor
    scored = [Scored(each, each.tier + _combined(each, keyword, semantic, floor)) for each in found]
    return sorted(scored, key=lambda each: (-each.score, each.candidate.chunk))


def _combined(each: Candidate, full_keyword: float, full_semantic: float, floor: float) -> float:
    """0 to 1: how near the chunk comes to full marks in both."""
    words = (1 - each.weight) * each.keyword / full_keyword
    meaning = each.weight * max(0.0, each.semantic - floor) / full_semantic
    sound = SOUND + (1 - SOUND) * each.quality / 100
    return (words + meaning) * sound * each.length / (each.length + BRIEF)


@dataclass(frozen=True, slots=True)
class Group:
    """A document with its chunks, best first; its score is made like theirs."""

    document: int
    score: float
    chunks: tuple[Scored, ...]


def by_document(scored: Sequence[Scored]) -> list[Group]:
    """One entry a document, best first: its best chunk decides, further good ones add a little."""
    chunks: dict[int, list[Scored]] = {}
    for each in scored:
        chunks.setdefault(each.candidate.document, []).append(each)
    groups = [Group(document, _together(held), tuple(held)) for document, held in chunks.items()]
    return sorted(groups, key=lambda group: (-group.score, group.document))


def _together(held: Sequence[Scored]) -> float:
    tier = held[0].candidate.tier
    first, *rest = sorted((each.score - each.candidate.tier for each in held), reverse=True)[:_COUNTED]
    shares = [SHARE * 0.5**place for place in range(_COUNTED - 1)]
    total = first + sum(share * score for share, score in zip(shares, rest, strict=False))
    return tier + total / (1 + sum(shares))


def ranks(scores: Mapping[int, float]) -> dict[int, int]:
    """1-based rank of each key, highest score first; ties by key."""
    ordered = sorted(scores, key=lambda key: (-scores[key], key))
    return {key: rank for rank, key in enumerate(ordered, start=1)}
