"""Keeps up which documents say the same by the vectors of their chunks, for `indexer.kinship`.

Vectors arrive later than texts, so a document is taken up when all its chunks have one; it is then compared
once with all others, until the model changes. Without a model nothing is kept and nothing is found.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from indexer import echoes
from indexer.catalogue import Catalogue
from indexer.catalogue import echoes as stored
from indexer.catalogue.echoes import Meant, Spans
from indexer.catalogue.reads import current_model
from indexer.families import Pair

BATCH = 100
"""Documents taken up, or pairs compared, between two transactions; the work can stop there."""
HELD_BYTES = 32 << 20
"""Vectors of chunks kept while pairs are compared."""


class Echoing:
    """Likeness by meaning of an open library. Not thread-safe: kinship's lock guards it."""

    def __init__(self, catalogue: Catalogue, text: Callable[[int], str], stopping: threading.Event) -> None:
        """Keep the parts.

        Args:
            catalogue: The catalogue.
            text: Reads the text of a document.
            stopping: Ends the work at the next batch.
        """
        self._catalogue = catalogue
        self._text = text
        self._stopping = stopping

    def refresh(self, known: Collection[Pair]) -> Mapping[Pair, float]:
        """Take up and compare what is new; returns the share said again of every pair compared so far.

        Args:
            known: Pairs, smaller id first, that need no comparison: their words tell already.
        """
        with self._catalogue.reader() as db:
            model = current_model(db)
        if not model:
            return {}
        self._take_up(model)
        with self._catalogue.reader() as db:
            meant = stored.means(db, model)
            done = stored.echoes(db, model)
        self._compare(model, meant, {*known, *done})
        with self._catalogue.reader() as db:
            return stored.echoes(db, model)

    def _take_up(self, model: int) -> None:
        after = 0
        while not self._stopping.is_set():
            with self._catalogue.reader() as db:
                waiting = stored.unmeant(db, model, after, BATCH)
                found = [
                    (document, echoes.mean(stored.spans(db, model, document).vectors)) for document in waiting
                ]
            if not waiting:
                return
            with self._catalogue.transaction() as db:
                stored.put_means(db, model, found)
            after = waiting[-1]

    def _compare(self, model: int, meant: Sequence[Meant], done: Collection[Pair]) -> None:
        fresh = np.array([not each.compared for each in meant], dtype=np.bool_)
        if not fresh.any():
            return
        means = np.frombuffer(b"".join(each.mean for each in meant), dtype="<f2").reshape(len(meant), -1)
        lengths = np.array([each.characters for each in meant], dtype=np.int64)
        pairs = sorted(
            (meant[a].document, meant[b].document)
            for a, b in echoes.candidates(means.astype(np.float32), lengths, fresh)
        )
        lengths_of = {each.document: each.characters for each in meant}
        comparison = _Comparison(self._catalogue, self._text, model, lengths_of)
        pairs = [pair for pair in pairs if pair not in done]
        for first in range(0, len(pairs), BATCH):
            if self._stopping.is_set():
                return
            part = [(a, b, comparison.of(a, b)) for a, b in pairs[first : first + BATCH]]
            with self._catalogue.transaction() as db:
                stored.put_echoes(db, part)
        with self._catalogue.transaction() as db:
            stored.set_compared(db, [each.document for each in meant if not each.compared])


class _Comparison:
    """Compares documents pair by pair; the vectors of the latest ones are kept."""

    def __init__(
        self, catalogue: Catalogue, text: Callable[[int], str], model: int, lengths: Mapping[int, int]
    ) -> None:
        self._catalogue = catalogue
        self._text = text
        self._model = model
        self._lengths = lengths
        self._kept: OrderedDict[int, Spans] = OrderedDict()
        self._bytes = 0

    def of(self, a: int, b: int) -> float:
        """Share of the shorter document that the longer one says again; 0 where numbers tell them apart."""
        a, b = sorted((a, b), key=self._lengths.__getitem__)
        shorter, longer = self._spans(a), self._spans(b)
        if not shorter.places or not longer.places:
            return 0.0
        chosen = echoes.spread(len(shorter.places))
        partners = echoes.partners(shorter.vectors[chosen], longer.vectors).tolist()
        own = [shorter.places[at] for at in chosen]
        met = sum(end - start for (start, end), partner in zip(own, partners, strict=True) if partner >= 0)
        if met < echoes.NEAR * sum(end - start for start, end in own):
            return 0.0
        texts = self._text(a), self._text(b)
        if not echoes.same_figures(*texts):
            return 0.0
        return echoes.share(
            [texts[0][start:end] for start, end in own],
            [
                _beside(texts[1], longer.places, partner, (start + end) / 2 / max(self._lengths[a], 1))
                for (start, end), partner in zip(own, partners, strict=True)
            ],
        )

    def _spans(self, document: int) -> Spans:
        found = self._kept.pop(document, None)
        if found is None:
            with self._catalogue.reader() as db:
                found = stored.spans(db, self._model, document)
            self._bytes += found.vectors.nbytes
        self._kept[document] = found
        while self._bytes > HELD_BYTES and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.vectors.nbytes
        return found


def _beside(text: str, places: Sequence[tuple[int, int]], partner: int, at: float) -> list[str]:
    """What a chunk may be a copy of: what its vector says, then what stands at the same point of the text.

    Damage may turn a vector towards another chunk.
    """
    if partner < 0:
        return []
    wanted = at * places[-1][1]
    same_point = min(range(len(places)), key=lambda place: abs(sum(places[place]) / 2 - wanted))
    return [_around(text, places, place) for place in dict.fromkeys((partner, same_point))]


def _around(text: str, places: Sequence[tuple[int, int]], at: int) -> str:
    """A chunk with its neighbours: the chunks of a copy begin and end elsewhere."""
    return text[places[max(at - 1, 0)][0] : places[min(at + 1, len(places) - 1)][1]]
