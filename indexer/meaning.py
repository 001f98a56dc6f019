"""Search by meaning: a question's vector, the chunks near it, and the cosine of any other chunk."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from indexer import language
from indexer.catalogue import Catalogue, scoping

Vector = NDArray[np.float32]

NEAREST_SHARE = 0.5
"""Share of the nearest chunk's cosine that others must have, for models of many languages of which it is
known what unrelated texts have: across languages even what answers has a low one."""

FOREIGN = 0.75
"""Share of the cosines of English queries that others have, with models of many languages. What cannot be
told to be in another language may be no word at all."""

CJK_SHARE = 1 / 3
"""Share of the weight for foreign languages that is left for Chinese, Japanese and Korean."""

NARROW = 400
"""Documents in a scope up to which its vectors are looked up one by one."""


class Embedder(Protocol):
    """What search needs of an embedding model."""

    languages: frozenset[str] | None
    related: float
    nearby: float

    def embed_query(self, text: str) -> Vector:
        """The vector of a question, of length 1."""


class Vectors(Protocol):
    """What search needs of the vector store."""

    def search(
        self, vector: Vector, k: int, *, allowed: Collection[int] | None = None
    ) -> list[tuple[int, float]]:
        """Nearest vectors as (id, cosine), best first."""


class Near(NamedTuple):
    """A chunk found by meaning."""

    document: int
    cosine: float


class Meaning:
    """A loaded model with its vectors. Thread-safe as far as they are.

    Args:
        catalogue: The truth: which chunk has which vector.
        store: Vectors to search.
        embedder: Questions to vectors.
        model_id: The catalogue's id of the model.
    """

    def __init__(self, catalogue: Catalogue, store: Vectors, embedder: Embedder, model_id: int) -> None:
        self._catalogue = catalogue
        self._store = store
        self._languages = embedder.languages
        self._related = embedder.related
        self._nearby = embedder.nearby
        self._model_id = model_id
        self.vector = functools.lru_cache(maxsize=256)(embedder.embed_query)
        """The vector of a question; the same question is embedded once while it is refined."""

    def nearby(self, text: str) -> float:
        """Cosine from which on a chunk is near a query of a word or two."""
        foreign = self.multilingual and language.detect(text) not in ("", "en")
        return self._nearby * (FOREIGN if foreign else 1)

    @property
    def multilingual(self) -> bool:
        """Whether the model knows all languages."""
        return self._languages is None

    def knows(self, language: str, text: str) -> bool:
        """Whether the model knows the language; an undetected one is judged by its letters."""
        if self._languages is None:
            return True
        return language in self._languages if language else text.isascii()

    def near(
        self,
        vector: Vector,
        count: int,
        documents: frozenset[int] | None = None,
        chunks: frozenset[int] | None = None,
    ) -> dict[int, Near]:
        """The nearest chunks within a scope, best first.

        Args:
            vector: Of the question.
            count: Chunks at most.
            documents: Only chunks of these; None does not limit.
            chunks: Only these; None does not limit.
        """
        if documents is None and chunks is None:
            return self._search(vector, count, None, None, None)
        if chunks is None and documents is not None and len(documents) > NARROW:
            # Most of a wide scope's nearest are among the nearest of all; looking it up costs more.
            for reach in (2 * count, 10 * count):
                found = self._search(vector, reach, None, documents, chunks)
                if len(found) >= count // 2:
                    return dict(itertools.islice(found.items(), count))
        with self._catalogue.reader() as db:
            allowed = scoping.vector_ids_of(db, self._model_id, documents or (), chunks)
        return self._search(vector, count, allowed, documents, chunks)

    def _search(
        self,
        vector: Vector,
        count: int,
        allowed: Sequence[int] | None,
        documents: frozenset[int] | None,
        chunks: frozenset[int] | None,
    ) -> dict[int, Near]:
        found_ids = self._store.search(vector, count, allowed=allowed)
        least = self._related
        if self.multilingual and least > 0 and found_ids:
            least = max(least, NEAREST_SHARE * max(cosine for _, cosine in found_ids))
        cosines = {vector_id: cosine for vector_id, cosine in found_ids if cosine >= least}
        with self._catalogue.reader() as db:
            rows = scoping.chunks_of_vectors(db, self._model_id, cosines)
        found = {
            chunk: Near(document, cosines[vector_id])
            for vector_id, chunk, document in rows
            if (documents is None or document in documents) and (chunks is None or chunk in chunks)
        }
        return dict(sorted(found.items(), key=lambda item: (-item[1].cosine, item[0])))

    def cosines(self, vector: Vector, chunks: Collection[int]) -> Mapping[int, float]:
        """The exact cosine of each of these chunks; those without a vector are left out."""
        with self._catalogue.reader() as db:
            rows = scoping.vectors_of_chunks(db, self._model_id, chunks)
        if not rows:
            return {}
        matrix = np.frombuffer(b"".join(row[1] for row in rows), dtype="<f2").reshape(len(rows), -1)
        scores = matrix.astype(np.float32) @ vector
        return {row[0]: float(score) for row, score in zip(rows, scores, strict=True)}


def words_of(text: str, groups: int) -> int:
    """Words of a query; Chinese and Japanese, written without spaces, have one for every two letters."""
    return max(groups, len(text.replace(" ", "")) // 2) if groups and language.has_cjk(text) else groups


def foreign_share(text: str) -> float:
    """What meaning still says in a language the model does not know, 0 to 1.

    Of languages in Latin letters it knows the names and some words, of Han characters a few, of other
    scripts nothing: measured on questions in Arabic, where any weight made the order worse.
    """
    letters = [char for char in text if char.isalpha()]
    if sum(char < "\u0250" for char in letters) * 2 >= len(letters):
        return 1.0
    return CJK_SHARE if language.has_cjk(text) else 0.0
