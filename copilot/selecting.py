"""Which chunks and sentences stand for a text: near its middle, unlike each other, from all its parts.

Uses the vectors the library has; without them, and for what has none, the words of the text.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from copilot.likeness import leans
from copilot.passages import Sentence, Source, Vectors
from copilot.words import content_words
from indexer.library import Library
from indexer.types import DocumentDetails

MAX_SENTENCES = 90
"""Sentences that are embedded for one summary."""
_DIVERSITY = 0.45
"""Weight of being unlike what is chosen already (maximal marginal relevance)."""
_EARLY = 0.12
"""Bonus of the beginning of a document, where it says what it is about."""
_FOCUS = 0.8
"""Weight of nearness to the query beside nearness to the middle of the text."""
_HEADING = 0.06
"""Bonus for a heading path nothing is chosen from yet."""
_UNFINISHED = 0.12
"""What a line without a stop (a list item, a row of a table) has against it."""
_TITLE = 0.5
"""Weight of nearness to the title."""
_CUE = 0.3
"""Bonus of a sentence that says that it matters ("we show", "it was decided"; Edmundson, JACM 1969)."""
_LEANING = 0.1
"""What a sentence that refers to the one before it has against it: it costs the room of two."""
_CUES = re.compile(
    r"\b(?:we|this (?:paper|work|article|report|study)|in this|our (?:\w+ ){0,2}(?:results?|experiments?|"
    r"methods?|approach|models?|work))\b.{0,40}\b(?:propos|present|introduc|show|demonstrat|describ|develop|find|found|"
    r"argue|conclu|achiev|outperform|investigat|stud(?:y|ies)|analy|explor|provid|address|examin)|"
    r"\b(?:in conclusion|in summary|overall|to sum up|as a result|decided|agreed|the (?:main|key|central)|"
    r"zusammenfassend|insgesamt|ergebnis\w*|wir (?:zeigen|stellen|schlagen|untersuchen)|beschlossen|"
    r"vereinbart|en résumé|en conclusion|nous (?:proposons|présentons|montrons)|décidé|"
    r"en resumen|en conclusión|(?:proponemos|presentamos|mostramos)|acordado|decidido)\b|"
    r"本文|我们提出|结果表明|总之|结论|决定|同意",
    re.IGNORECASE,
)
_STOP = re.compile(r"[.!?。！？…][\"”’»)\]]*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """What can be chosen: its unit vector, its own worth, the part of the text it is from."""

    vector: Vectors
    worth: float
    part: str


def central_chunks(
    sources: Sequence[Source], vectors: Vectors | None, count: int, focus: Vectors | None
) -> list[Source]:
    """The `count` chunks that say most, in reading order.

    Args:
        sources: All chunks, in reading order, document after document.
        vectors: Their unit rows, or None to go by words.
        count: How many to choose.
        focus: Unit vector of what is asked about, if anything.
    """
    if len(sources) <= count:
        return list(sources)
    rows = vectors if vectors is not None else word_vectors([source.hit.text for source in sources])
    near = _nearness(rows, focus if vectors is not None else None)
    candidates = [
        _Candidate(
            vector=row,
            worth=float(worth) + _EARLY * _earliness(source, sources) - _thin(source.hit.text),
            part=f"{source.hit.document} {source.hit.heading}",
        )
        for row, worth, source in zip(rows, near, sources, strict=True)
    ]
    return [sources[at] for at in sorted(_choose(candidates, count))]


def choose_sentences(
    read: Sequence[Source], library: Library, count: int, focus: Vectors | None
) -> list[Sentence]:
    """The `count` sentences that say most of these passages, in reading order."""
    sentences = [each for source in read for each in source.sentences if _worth_saying(each.text, source)]
    sentences = sentences or [each for source in read for each in source.sentences]
    if not sentences:
        return []
    if len(sentences) > MAX_SENTENCES:
        share = max(MAX_SENTENCES // max(len(read), 1), 2)
        sentences = [each for source in read for each in _fullest(source, share)]
    documents = list(dict.fromkeys(source.hit.document for source in read))
    rows = library.embed_passages([each.text for each in sentences], documents)
    vectors = rows if rows is not None else word_vectors([each.text for each in sentences])
    near = _nearness(vectors, focus if rows is not None else None)
    titles = _titles(read, library, documents) if rows is not None else {}
    by_passage = {source.passage.number - 1: source for source in read}
    first = min(by_passage, default=0)
    candidates = []
    for each, row, worth in zip(sentences, vectors, near, strict=True):
        source = by_passage[each.passage]
        place = (each.start - source.hit.start) / max(len(source.hit.text), 1)
        bonus = _EARLY * (each.passage == first) * (1 - place) + _EARLY / 3 * (1 - place)
        bonus -= _UNFINISHED * (not _STOP.search(each.text) or each.text[0].islower())
        bonus += _CUE * bool(_CUES.search(each.text)) - _LEANING * leans(each.text)
        title = titles.get(source.hit.document)
        bonus += _TITLE * float(row @ title) if title is not None else 0.0
        candidates.append(
            _Candidate(
                vector=row, worth=float(worth) + bonus, part=f"{source.hit.document} {source.hit.heading}"
            )
        )
    return [sentences[at] for at in sorted(_choose(candidates, count))]


def _titles(read: Sequence[Source], library: Library, documents: Sequence[str]) -> dict[str, Vectors]:
    """The unit vector of each document's title."""
    titles = {source.hit.document: source.hit.title for source in read if source.hit.title.strip()}
    rows = library.embed_passages(list(titles.values()), list(documents)) if titles else None
    return {} if rows is None else dict(zip(titles, rows, strict=True))


def _choose(candidates: Sequence[_Candidate], count: int) -> list[int]:
    """Indices by maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998)."""
    chosen: list[int] = []
    parts: set[str] = set()
    alike = np.zeros(len(candidates))
    open_ = set(range(len(candidates)))
    while open_ and len(chosen) < count:
        best = max(
            open_,
            key=lambda at: (
                candidates[at].worth - _DIVERSITY * alike[at] + _HEADING * (candidates[at].part not in parts),
                -at,
            ),
        )
        open_.remove(best)
        if alike[best] > 0.92:
            continue  # says the same as one that is chosen
        chosen.append(best)
        parts.add(candidates[best].part)
        for at in open_:
            alike[at] = max(alike[at], float(candidates[at].vector @ candidates[best].vector))
    return chosen


def _nearness(rows: Vectors, focus: Vectors | None) -> Vectors:
    middle = rows.mean(axis=0)
    middle /= max(float(np.linalg.norm(middle)), 1e-9)
    near = rows @ middle
    if focus is not None:
        near = near * (1 - _FOCUS / 2) + _FOCUS * (rows @ focus)
    return np.asarray(near, dtype=np.float32)


def _earliness(source: Source, sources: Sequence[Source]) -> float:
    """1 for the first chunk of its document, falling to 0."""
    first = next(each for each in sources if each.hit.document == source.hit.document)
    return 1.0 / (1 + source.passage.number - first.passage.number)


def _thin(text: str) -> float:
    """What speaks against a chunk: tables, lists of references, contents."""
    letters = sum(char.isalpha() for char in text)
    penalty = 0.25 if letters < 0.55 * len(text) else 0.0
    if re.search(r"\.{4,}|(?:\. ){4,}", text):
        penalty += 0.25
    return penalty


def _worth_saying(text: str, source: Source) -> bool:
    shortest = 40 if text.isascii() else 15
    if len(text) < shortest or text.endswith(("?", ":", "？", "：")) or _thin(text):
        return False
    return text not in source.hit.heading and text not in source.hit.title


def _fullest(source: Source, count: int) -> list[Sentence]:
    """Sentences of a passage with most words that count, in their order."""
    by_words = sorted(source.sentences, key=lambda each: -len(set(content_words(each.text))))[:count]
    return sorted(by_words, key=lambda each: each.start)


def word_vectors(texts: Sequence[str]) -> Vectors:
    """Unit rows of weighted word counts (tf-idf over these texts), at most 2,000 columns."""
    bags = [Counter(content_words(text)) for text in texts]
    held = Counter(word for bag in bags for word in bag)
    columns = {word: at for at, (word, _) in enumerate(held.most_common(2000))}
    rows = np.zeros((len(texts), max(len(columns), 1)), dtype=np.float32)
    for row, bag in zip(rows, bags, strict=True):
        for word, times in bag.items():
            if word in columns:
                row[columns[word]] = (1 + math.log(times)) * math.log(1 + len(texts) / held[word])
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def chunk_vectors(
    library: Library, documents: Sequence[DocumentDetails], sources: Sequence[Source]
) -> Vectors | None:
    """Unit rows of all chunks from the store, or None when some are still missing."""
    stored: dict[int, Vectors] = {}
    for details in documents:
        found = library.vectors_of(details.document)
        if found is None:
            return None
        stored.update(zip(found[0], found[1], strict=True))
    if any(source.hit.chunk not in stored for source in sources):
        return None
    return np.stack([stored[source.hit.chunk] for source in sources])
