"""Words of a query into words of the index: inflected forms, beginnings, parts of compounds, typing errors.

The index holds words as they are written, folded. What a stemmed index decides when a document is added
is decided here when a question is asked: all words of the index with the stem of the word asked for,
in the languages that matter for this question. That halves the index, needs no language of the
document, and an exact match can be told from an inflected one.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from indexer.keyword.analyzers import STEMMERS, arabic_stem, stem

INFLECTED = 0.8
"""Weight of another form of a word against the word itself."""

COMMON, FEW = 0.1, 200
"""Share of all entries from which on a word is too common for its forms, or its neighbours, to matter;
in so few entries none is."""

_FORMS = 12
_COMPLETIONS = 40
_MIN_STEM = 3
_COMPOUNDING = frozenset({"da", "de", "fi", "nl", "no", "sv"})
_JOINTS = ("", "s", "es", "n", "en", "e")
_MIN_PART = 4


class Form(NamedTuple):
    """A word of the index that stands for a word of the query."""

    word: str
    weight: float
    """1 for the word itself; less for what was derived from it."""
    entries: int
    """Entries of the index that hold it."""


class Vocabulary:
    """The words of one snapshot of the index. Thread-safe; its caches die with the snapshot."""

    def __init__(self, searcher: Any) -> None:
        self.searcher = searcher
        self.held: dict[Any, frozenset[int]] = {}
        """Documents already found to hold something."""
        self.entries: int = max(1, searcher.num_docs)
        self.forms = functools.lru_cache(maxsize=20_000)(self._forms)
        self.completions = functools.lru_cache(maxsize=5_000)(self._completions)
        self.parts = functools.lru_cache(maxsize=5_000)(self._parts)

    def count(self, word: str, field: str = "text") -> int:
        """Entries with this word in a field."""
        return int(self.searcher.doc_freq(field, word))

    def is_common(self, entries: int) -> bool:
        """Whether a word in so many entries costs more than it tells."""
        return entries > max(FEW, self.entries * COMMON)

    def weight(self, entries: int) -> float:
        """Inverse document frequency as BM25 has it, of a word in so many entries."""
        found = min(entries, self.entries)
        return math.log(1 + (self.entries - found + 0.5) / (found + 0.5))

    def _forms(self, word: str, languages: tuple[str, ...]) -> tuple[Form, ...]:
        """The word itself and its other forms, most frequent first; itself also when it is nowhere."""
        own = Form(word, 1.0, self.count(word))
        if marked := arabic_stem(word):
            return own, Form(marked, INFLECTED, self.count(marked))
        if self.is_common(own.entries) or len(word) < _MIN_STEM or not word.isalpha():
            return (own,)
        found: dict[str, Form] = {}
        for language in languages:
            if language in STEMMERS:
                found.update((form.word, form) for form in self._same_stem(word, language))
        found.pop(word, None)
        others = sorted(found.values(), key=lambda form: (-form.entries, form.word))
        return own, *others[: _FORMS - 1]

    def _same_stem(self, word: str, language: str) -> list[Form]:
        wanted = stem(word, language)
        same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(word, wanted, strict=False))
        shared = word[: len(list(same))]
        if len(shared) < _MIN_STEM:
            return []
        return [
            Form(other, INFLECTED, entries)
            for other, entries in self.searcher.terms_with_prefix("text", shared, limit=400)
            if stem(other, language) == wanted
        ]

    def _completions(self, start: str, field: str) -> tuple[Form, ...]:
        """The most frequent words that begin so; the word itself counts fully."""
        return tuple(
            Form(word, 1.0 if word == start else INFLECTED, entries)
            for word, entries in self.searcher.terms_with_prefix(field, start, limit=_COMPLETIONS)
        )

    def _parts(self, word: str, languages: tuple[str, ...]) -> tuple[str, ...]:
        """The two known words a compound nobody wrote is made of; empty when there are none."""
        if not _COMPOUNDING.intersection(languages) or not word.isalpha() or self.count(word):
            return ()
        best: tuple[int, tuple[str, str]] = (0, ("", ""))
        for cut in range(_MIN_PART, len(word) - _MIN_PART + 1):
            head, tail = word[:cut], word[cut:]
            known = self.count(tail)
            if not known:
                continue
            for joint in _JOINTS:
                base = head.removesuffix(joint) if joint else head
                if len(base) >= _MIN_PART and head.endswith(joint):
                    best = max(best, (min(known, self.count(base)), (base, tail)))
        return best[1] if best[0] else ()

    def nearest(self, word: str) -> str:
        """The most likely known word when this one is a typing error; "" when nothing is near.

        One error in words of four to seven letters, two in longer ones.
        """
        if len(word) < 4 or not word.isalpha():
            return ""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        allowed = 1 if len(word) < 8 else 2
        known: dict[str, int] = {}
        for first in dict.fromkeys(word[:2]):
            known.update(self.searcher.terms_with_prefix("text", first, limit=50_000))
        found = process.extract(word, known.keys(), scorer=OSA.distance, score_cutoff=allowed, limit=50)
        if not found:
            return ""
        return min(found, key=lambda match: (match[1], -known[match[0]], match[0]))[0]


def languages_key(languages: Sequence[str]) -> tuple[str, ...]:
    """Languages as the caches of `Vocabulary` want them."""
    return tuple(dict.fromkeys(language for language in languages if language))
