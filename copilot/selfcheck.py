"""A library measures its own search: known items are asked for, and it is seen at which place they come.

Queries are made from the documents: some words of a distinctive sentence without its rarest ones, words of
a title, a heading with key words. What people searched for before they opened a document, and questions
whose answers they found good, are asked as they were. Tuning chooses the weight of meaning on half of the
queries and takes it only if the other half, which had no say, gets better beyond chance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from copilot import passages
from copilot.background import Background, Task
from copilot.export.choosing import EVERY, groups_of
from copilot.export.splitting import Groups
from copilot.passages import Source, Term
from copilot.retrieval import (
    Change,
    Part,
    RetrievalProgress,
    RetrievalReport,
    RetrievalRequest,
    RetrievalRow,
    Scores,
    Tuning,
)
from copilot.types import Passage
from copilot.words import content_words
from indexer.catalogue import corpus, feedback
from indexer.catalogue.corpus import DocumentRecord
from indexer.library import Library
from indexer.types import Mode, SearchRequest, StoredChunk

DEPTH = 10
"""Places looked at."""
WEIGHTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
LEAST = 40
"""Queries in the deciding half below which nothing is tuned: chance would decide."""
RESAMPLES = 2_000
ROUNDS = 6
"""Queries from one document at most."""
SENTENCES = 8
"""Sentences of a passage among which the most distinctive one is looked for."""
WORDS = 7
"""Words of a query at most."""
LEAST_WORDS = 3
LEFT_OUT = 2
"""Rarest words of a sentence that its query leaves out: people remember what a text is about, not them."""
MADE = ("sentence", "title", "heading")
REAL = ("opened", "asked")
PARTS = 12
"""Folders and languages told one by one, those with most queries."""

MODES: tuple[Mode, ...] = ("keyword", "semantic", "auto")

Event = RetrievalProgress | RetrievalReport
Gains = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A query and the document it must find."""

    text: str
    document: str
    origin: str
    """One of `MADE` or `REAL`."""
    folder: str
    language: str


def check(
    request: RetrievalRequest, library: Library, opened: Callable[[], Sequence[tuple[str, str]]]
) -> Background[Event]:
    """Measure; the last event is the `RetrievalReport`. `close` cancels.

    Args:
        request: What to measure.
        library: The library.
        opened: Gives the searches after which documents were opened, with those.
    """

    def work(task: Task[Event]) -> Iterator[Event]:
        yield from _Measuring(request, library, opened, task).events()

    return Background(work)


class _Measuring:
    """One measurement on its way."""

    def __init__(
        self,
        request: RetrievalRequest,
        library: Library,
        opened: Callable[[], Sequence[tuple[str, str]]],
        task: Task[Event],
    ) -> None:
        self.request = request
        self.library = library
        self.opened = opened
        self.task = task
        self.searcher = library.searcher
        self.weight = library.searcher.weight
        self.groups: Groups = groups_of(library.duplicates(limit=EVERY))
        self.notes: list[str] = []

    def events(self) -> Iterator[Event]:
        if self.request.reset:
            self.weight.keep(None)
        known: list[Known] = []
        for each in self._known():
            known.append(each)
            if len(known) % 10 == 0:
                self.task.check()
                yield RetrievalProgress(stage="asking", done=len(known), total=self.request.queries)
        ranks: dict[Mode, list[int]] = {mode: [] for mode in MODES}
        has_meaning = self.library.embed_query("meaning") is not None
        if not has_meaning:
            self.notes.append("There is no embedding model, so only words were measured.")
        for at, each in enumerate(known):
            self.task.check()
            if at % 10 == 0:
                yield RetrievalProgress(stage="searching", done=at, total=len(known))
            for mode in MODES:
                if has_meaning or mode != "semantic":
                    ranks[mode].append(self._rank(each, mode))
        tuning = None
        if self.request.tune:
            yield RetrievalProgress(stage="tuning", total=len(known))
            tuning = self._tune(known, has_meaning)
        elif self.request.reset:
            tuning = self._tuning("reset", self.weight.value, reason="The default holds again.")
        yield RetrievalReport(
            rows=tuple(_rows(known, ranks)),
            documents=len({each.document for each in known}),
            weight=self.weight.value,
            origin=self.weight.origin,
            tuning=tuning,
            notes=tuple(self.notes),
        )

    # --- queries ---------------------------------------------------------------------------------------

    def _known(self) -> Iterator[Known]:
        paths = {document for document, _ in self.library.readable("")}
        out = {
            document for query in ("is:excluded", "is:old") for document, _ in self.library.readable(query)
        }
        yield from self._real(paths)
        order = sorted(paths - out, key=lambda document: self._chance(document))
        asked: set[str] = set()
        made = 0
        for turn in range(ROUNDS):
            for at, document in enumerate(order):
                if made >= self.request.queries:
                    return
                found = self._made(document, turn, at)
                if found is not None and found.text not in asked:
                    asked.add(found.text)
                    made += 1
                    yield found

    def _chance(self, *what: object) -> bytes:
        return hashlib.sha256("\0".join(map(str, (self.request.seed, *what))).encode()).digest()

    def _real(self, there: set[str]) -> Iterator[Known]:
        """What people asked, as far as the documents are still there."""
        with self.library.catalogue.reader() as db:
            judged = feedback.on_answers(db)
        asked = [
            (question, passage["document"])
            for question, verdict, content in judged
            if verdict > 0 and content.get("status") == "answered"
            for passage in content.get("passages", ())[:1]
        ]
        for origin, found in (("opened", self.opened()), ("asked", asked)):
            for query, document in sorted(set(found)):
                record = self._record(document) if document in there else None
                if record is not None:
                    yield _known(query, record, origin, record.language)

    def _record(self, document: str) -> DocumentRecord | None:
        with self.library.catalogue.reader() as db:
            return corpus.record(db, document)

    def _made(self, document: str, turn: int, at: int) -> Known | None:
        """A query from a document; of another kind at each turn, and of the next kind where one fails."""
        record = self._record(document)
        if record is None:
            return None
        chunks = self.library.chunks(document)
        chunk = (
            chunks[int.from_bytes(self._chance(document, turn)[:4], "big") % len(chunks)] if chunks else None
        )
        if chunk is None:
            return None
        makers = {"sentence": self._from_sentence, "title": _from_title, "heading": self._from_heading}
        for step in range(len(MADE)):
            origin = MADE[(turn + at + step) % len(MADE)]
            words = makers[origin](record, chunk)
            if len(words) >= LEAST_WORDS:
                return _known(" ".join(words), record, origin, chunk.language or record.language)
        return None

    def _from_sentence(self, record: DocumentRecord, chunk: StoredChunk) -> list[str]:
        """Some words of the sentence whose words are rarest, without the very rarest."""
        best: list[Term] = []
        for text in self._sentences(record, chunk):
            terms = passages.terms(text, self.library)
            if len(terms) >= LEAST_WORDS + LEFT_OUT and _mean(terms) > _mean(best):
                best = terms
        rarest = {term.word for term in sorted(best, key=lambda term: (-term.weight, term.word))[:LEFT_OUT]}
        left = [term for term in best if term.word not in rarest]
        chosen = sorted(left, key=lambda term: self._chance(chunk.text, term.word))[:WORDS]
        return [term.word for term in left if term in chosen]

    def _sentences(self, record: DocumentRecord, chunk: StoredChunk) -> list[str]:
        hit = passages.as_hit(chunk, self.library.details(record.document))
        source = passages.with_sentences(Source(passage=Passage(number=1, hit=hit)))
        return [sentence.text for sentence in source.sentences[:SENTENCES]]

    def _from_heading(self, record: DocumentRecord, chunk: StoredChunk) -> list[str]:
        """The words of the heading above a passage with two words that tell it from others."""
        above = content_words(chunk.heading.rsplit(" > ", 1)[-1])[: WORDS - 2]
        if not above:
            return []
        terms = [term for term in passages.terms(chunk.text[:400], self.library) if term.word not in above]
        telling = sorted(terms, key=lambda term: (-term.weight, term.word))
        return [*above, *(term.word for term in telling[LEFT_OUT : LEFT_OUT + 2])]

    # --- measuring -------------------------------------------------------------------------------------

    def _rank(self, known: Known, mode: Mode) -> int:
        """The place of the document or of a copy or version of it, 0 when it is not among the first."""
        hits = self.library.search(SearchRequest(query=known.text, mode=mode, limit=DEPTH)).hits
        return self._place(known, [hit.document for hit in hits])

    def _place(self, known: Known, documents: Sequence[str]) -> int:
        wanted = self.groups.of(known.document)
        return next((at for at, each in enumerate(documents, 1) if self.groups.of(each) == wanted), 0)

    # --- tuning ----------------------------------------------------------------------------------------

    def _tune(self, known: Sequence[Known], has_meaning: bool) -> Tuning:
        """Choose on one half of the documents, decide on the other."""
        before = self.weight.value
        if not has_meaning:
            return self._tuning("refused", before, reason="There is no meaning to be weighed.")
        if self.weight.origin == "configuration":
            return self._tuning(
                "refused", before, reason="The configuration names the weight ([search] semantic_weight)."
            )
        halves: tuple[list[Known], list[Known]] = ([], [])
        for each in known:
            halves[self._chance("half", self.groups.of(each.document))[0] % 2].append(each)
        if min(map(len, halves)) < LEAST:
            return self._tuning(
                "refused", before, reason=f"There are too few queries: {len(known)}, where {2 * LEAST} do."
            )
        weights = tuple(sorted({*WEIGHTS, before}))
        chosen = self._best(self._tried(halves[0], weights), weights, before)
        if chosen == before:
            return self._tuning("kept", before, reason="No other weight did better on half of the queries.")
        tried = self._tried(halves[1], (before, chosen))
        return self._decide(halves[1], tried[:, 1] - tried[:, 0], before, chosen)

    def _tried(self, known: Sequence[Known], weights: Sequence[float]) -> Gains:
        """(queries, weights): one divided by the rank."""
        rows = np.zeros((len(known), len(weights)))
        for at, each in enumerate(known):
            self.task.check()
            for column, documents in enumerate(self.searcher.orders(each.text, weights, DEPTH)):
                place = self._place(each, documents)
                rows[at, column] = 1 / place if place else 0.0
        return rows

    @staticmethod
    def _best(tried: Gains, weights: Sequence[float], before: float) -> float:
        """The weight with the best mean; of equal ones that nearest to the present one."""
        means = tried.mean(axis=0)
        return min(
            zip(weights, means, strict=True), key=lambda each: (-round(each[1], 9), abs(each[0] - before))
        )[0]

    def _decide(self, known: Sequence[Known], gains: Gains, before: float, chosen: float) -> Tuning:
        gain, (low, high) = float(gains.mean()), bootstrap(gains, self.request.seed)
        real = [won for each, won in zip(known, gains.tolist(), strict=True) if each.origin in REAL]
        doubt = objection(gain, low, sum(real))
        if not doubt:
            self.weight.keep(chosen)
        told = f"{chosen:g} instead of {before:g} was best on one half of the queries"
        return self._tuning(
            "refused" if doubt else "taken",
            before,
            chosen,
            gain,
            (low, high),
            len(known),
            f"{told}, {doubt or 'and the other half gets better, too'}.",
        )

    @staticmethod
    def _tuning(
        change: Change,
        before: float,
        tried: float | None = None,
        gain: float = 0.0,
        between: tuple[float, float] = (0.0, 0.0),
        queries: int = 0,
        reason: str = "",
    ) -> Tuning:
        return Tuning(
            change=change,
            before=before,
            tried=before if tried is None else tried,
            gain=round(gain, 4),
            low=round(between[0], 4),
            high=round(between[1], 4),
            queries=queries,
            reason=reason,
        )


def _known(text: str, record: DocumentRecord, origin: str, language: str) -> Known:
    root = record.root.rstrip("/").rsplit("/", 1)[-1]
    first, slash, _ = record.relative.partition("/")
    return Known(
        text=text,
        document=record.document,
        origin=origin,
        folder=f"{root}/{first}" if slash else root,
        language=language,
    )


def _from_title(record: DocumentRecord, _: StoredChunk) -> list[str]:
    return content_words(record.title)[:WORDS]


def _mean(terms: Sequence[Term]) -> float:
    return sum(term.weight for term in terms) / len(terms) if terms else 0.0


def objection(gain: float, low: float, real: float) -> str:
    """What speaks against a change; "" when nothing does.

    Args:
        gain: Mean gain on queries that had no say in choosing it.
        low: What the gain is at least, with a probability of 97.5 %.
        real: Sum of the gains of those queries that people asked.
    """
    if gain <= 0:
        return "but the other half gets worse or no better"
    if low <= 0:
        return "but its gain on the other half may be chance"
    return "but what was asked by people gets worse" if real < 0 else ""


def bootstrap(gains: Gains, seed: int) -> tuple[float, float]:
    """The bounds between which the mean gain is with a probability of 95 %, by drawing queries again.

    Source: Efron, Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentiles).
    """
    chance = np.random.default_rng(seed)
    drawn = chance.integers(0, len(gains), size=(RESAMPLES, len(gains)))
    low, high = np.percentile(gains[drawn].mean(axis=1), (2.5, 97.5))
    return float(low), float(high)


def _rows(known: Sequence[Known], ranks: dict[Mode, list[int]]) -> Iterator[RetrievalRow]:
    yield from _row("all", "", list(range(len(known))), ranks)
    parts: tuple[Part, ...] = ("origin", "folder", "language")
    for part in parts:
        members: dict[str, list[int]] = {}
        for at, each in enumerate(known):
            members.setdefault(getattr(each, part), []).append(at)
        ordered = sorted(members.items(), key=lambda each: (-len(each[1]), each[0]))
        for name, chosen in ordered[:PARTS]:
            yield from _row(part, name, chosen, ranks)


def _row(
    part: Part, name: str, chosen: Sequence[int], ranks: dict[Mode, list[int]]
) -> Iterator[RetrievalRow]:
    if chosen:
        keyword, meaning, both = (_scores(ranks[mode], chosen) for mode in MODES)
        assert keyword is not None
        assert both is not None
        yield RetrievalRow(
            part=part,
            name=name,
            queries=len(chosen),
            keyword=keyword,
            meaning=meaning,
            both=both,
        )


def _scores(all_ranks: Sequence[int], chosen: Sequence[int]) -> Scores | None:
    """The scores of some queries; None where nothing was measured."""
    if not all_ranks:
        return None
    ranks = [all_ranks[at] for at in chosen]
    count = len(ranks)
    return Scores(
        recall_1=round(sum(rank == 1 for rank in ranks) / count, 3),
        recall_10=round(sum(0 < rank <= DEPTH for rank in ranks) / count, 3),
        mrr=round(sum(1 / rank for rank in ranks if rank) / count, 3),
    )
