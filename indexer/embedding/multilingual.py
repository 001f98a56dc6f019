"""multilingual-e5-small so that languages meet, and all-MiniLM-L6-v2 beside it for English.

E5's vectors all lie in one narrow cone (unrelated texts have a cosine of 0.7), and those of one language in
a narrower one: a Chinese question is nearer to any Chinese passage than to the English one that answers it.
Without what all texts of a language share, it finds the latter first in 0.6 of cases instead of 0.03 (MRR
among XQuAD's paragraphs of both languages), and cosines are as MiniLM's.

MiniLM knows English texts better than E5 does and nothing else. Side by side in one vector they are better
than either on English, too: MRR@10 of paraphrases of proposals 0.83, alone 0.77 and 0.74. Each part is cut
to its principal components, so that the vector is no longer than one model's, at a loss of about 0.01. A
passage in another language gets the English part that its own vector predicts; without one, it would stand
behind every English passage. A question in another language has none: its cosines are E5's, scaled down.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexer import language

Vectors = NDArray[np.float32]

_BASES = Path(__file__).with_name("bases.npz")
ENGLISH_SHARE = 0.4
"""Weight of the English part in the cosine of two passages."""
SAME_SPACE = 0.7
"""Cosine to the mean of E5's vectors from which a model counts as one whose vectors these bases are of."""
RELATED = 0.1
"""Cosine from which on a text has to do with a question: unrelated ones reach 0.1 across languages and 0.2
within one; of passages that answer, one of a hundred stays below."""
NEARBY = 0.45
"""The same for a question of a word or two: letters that are no word reach 0.4."""


class Model(Protocol):
    """What is needed of each of the two."""

    name: str
    fingerprint: str
    dimensions: int

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Unit rows."""

    def embed_query(self, text: str) -> Vectors:
        """A unit vector."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bases:
    """What was learnt of the two models' vectors (`benchmarks/bases.py`)."""

    centre: Vectors
    """(384,): what is taken off E5's vectors of a language that `centres` has not."""
    centres: Mapping[str, Vectors]
    """The same by ISO 639-1 code."""
    english: Vectors
    """(384, n): principal components of MiniLM's vectors."""
    every: Vectors
    """(384, m): principal components of E5's vectors without their centres."""
    predicted: Vectors
    """(m, n): from E5's components to MiniLM's of the same English text."""
    digest: str
    """Of the file, in hex."""


def read_bases() -> Bases:
    """Read the file that lies beside this one."""
    with np.load(_BASES) as file:
        codes = str(file["codes"]).split()
        names = ("centre", "centres", "english", "every", "predicted")
        centre, centres, english, every, predicted = (file[name].astype(np.float32) for name in names)
    return Bases(
        centre=centre,
        centres=dict(zip(codes, centres, strict=True)),
        english=english,
        every=every,
        predicted=predicted,
        digest=hashlib.sha256(_BASES.read_bytes()).hexdigest()[:16],
    )


class MultilingualEmbedder:
    """Texts to unit vectors in which languages meet. Safe to call from several threads."""

    def __init__(self, every: Model, bases: Bases, english: Model | None = None) -> None:
        """Wrap loaded models.

        Args:
            every: multilingual-e5-small; see `fits`.
            bases: Of these models.
            english: all-MiniLM-L6-v2. Without it, vectors are E5's in full length.
        """
        self.name = f"{every.name} with {english.name}" if english else every.name
        parts = [every.fingerprint, *([english.fingerprint, str(ENGLISH_SHARE)] if english else [])]
        self.fingerprint = ":".join(["level", bases.digest, *parts])
        self.languages: frozenset[str] | None = None
        self.related, self.nearby = RELATED, NEARBY
        self._cut = bases.english.shape[1] if english else 0
        self.dimensions = self._cut + bases.every.shape[1] if english else every.dimensions
        self._english, self._every, self._bases = english, every, bases

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Embed texts to be found; (n, dimensions) float32 unit rows in the order given."""
        out = np.zeros((len(texts), self.dimensions), np.float32)
        if not len(texts):
            return out
        codes = [_spoken(text) for text in texts]
        every = self._level(self._every.embed_passages(texts), codes)
        out[:, self._cut :] = every
        if self._english is None:
            return out
        english = unit(every @ self._bases.predicted)
        rows = [row for row, code in enumerate(codes) if code == "en"]
        if rows:
            narrow = self._english.embed_passages([texts[row] for row in rows])
            english[rows] = unit(narrow @ self._bases.english)
        out[:, : self._cut] = english * ENGLISH_SHARE**0.5
        out[:, self._cut :] *= (1 - ENGLISH_SHARE) ** 0.5
        return out

    def embed_query(self, text: str) -> Vectors:
        """Embed a question; (dimensions,) float32, of length 1."""
        out = np.zeros(self.dimensions, np.float32)
        code = _spoken(text)
        out[self._cut :] = self._level(self._every.embed_query(text)[None], [code])[0]
        if self._english is not None and code == "en":
            narrow = self._english.embed_query(text)[None]
            out[: self._cut] = unit(narrow @ self._bases.english)[0] * ENGLISH_SHARE**0.5
            out[self._cut :] *= (1 - ENGLISH_SHARE) ** 0.5
        return out

    def _level(self, rows: Vectors, codes: Sequence[str]) -> Vectors:
        """E5's vectors without what their languages share, cut when there is an English part beside."""
        shared = np.stack([self._bases.centres.get(code, self._bases.centre) for code in codes])
        level = unit(rows - shared)
        return unit(level @ self._bases.every) if self._cut else level


def fits(model: Model, bases: Bases) -> bool:
    """Whether the bases are of this model's vectors: another model of E5's shape has its own space."""
    if model.dimensions != len(bases.centre):
        return False
    return float(model.embed_query("a") @ unit(bases.centre[None])[0]) >= SAME_SPACE


def _spoken(text: str) -> str:
    """The language of a text; what is too short to tell is English, when its letters may be."""
    return language.detect(text) or ("en" if text.isascii() else "")


def unit(rows: Vectors) -> Vectors:
    """Rows of length 1."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), np.float32)
