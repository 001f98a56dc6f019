"""Hybrid search: the one way from a query to hits.

Scope first, then words and meaning, each alone; then one ranking, one hit a document. Keyword search
never waits for vectors: while the model is loading, or when it fails, words alone answer and a note says
so. Thread-safe.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from indexer import fusion, hits, language, leading, literal
from indexer.catalogue import Catalogue, measures, scoping
from indexer.config import Config
from indexer.errors import AppError
from indexer.fusion import Blend, Candidate, Scored
from indexer.hits import Wanted
from indexer.keyword import WHOLE, KeywordIndex, Plan, Scope
from indexer.meaning import Embedder, Meaning, Near, Vector, Vectors, foreign_share, words_of
from indexer.query import Query
from indexer.scope import Limits, Scoper, loosened, widened
from indexer.snippets import Matcher, merged
from indexer.types import Hit, ScopeCount, SearchRequest, SearchResult, UnreadFile
from indexer.weight import Weight

log = logging.getLogger(__name__)

WORD_CHUNKS = 200
"""Chunks fetched by words for a first page of results."""
MEANING_CHUNKS = 100
"""Chunks fetched by meaning for a first page of results."""
NAMED = 20
"""Documents fetched because of their name or title alone."""
SHORT = 5
"""Words of a query up to which documents that hold all of them come first, wherever they hold them."""
FEW = 2
"""Words of a query up to which, when no document has any of them, only close chunks are found: of a word it
does not know the model says little, and everything is a little like it."""
DENSITY = {"zh": 2.5, "ja": 2.0, "ko": 2.0}
"""Characters of other languages that one of these says as much as."""
WIDENED = "nothing found in this scope: searched without it"
LOOSENED = "no document holds all that is demanded: searched for any of it"
WAITING_NAMED = 50
"""Files still to be read that are named with a scope; the others are counted."""
WAITING = "It is still waiting to be read."
STALE = "It has changed; the library still has the state before."
NO_SCOPE = Query(())
NOT_READY = "meaning search is not ready: found by words only"


@dataclass(frozen=True, slots=True)
class _Word:
    """A chunk found by its words."""

    document: int
    score: float
    whole: bool
    """It holds everything sought."""


@dataclass(slots=True)
class _Ranking:
    """What was found for a query, before it is cut into pages."""

    plan: Plan
    mode: str = "keyword"
    words: dict[int, _Word] = field(default_factory=dict)
    near: dict[int, Near] = field(default_factory=dict)
    vector: Vector | None = None
    blend: Blend = fusion.DOCUMENTS
    scored: list[Scored] = field(default_factory=list)
    holders: frozenset[int] = frozenset()
    """Documents with everything sought; only of short queries."""
    notes: list[str] = field(default_factory=list)


class Searcher:
    """Answers searches on one library.

    Args:
        catalogue: The truth.
        keyword: Words to chunks.
        config: Weights of meaning; whether a model is wanted.
    """

    def __init__(self, catalogue: Catalogue, keyword: KeywordIndex, config: Config) -> None:
        self._catalogue = catalogue
        self._keyword = keyword
        self._config = config
        self._scoper = Scoper(catalogue, keyword)
        self._meaning: Meaning | None = None
        self.weight = Weight(catalogue, config.search)

    def use_vectors(self, store: Vectors, embedder: Embedder, model_id: int) -> None:
        """Search by meaning from now on."""
        self._meaning = Meaning(self._catalogue, store, embedder, model_id)

    # --- questions --------------------------------------------------------------------------------

    def search(self, request: SearchRequest) -> SearchResult:
        """Search; `SearchRequest` says what can be asked. Nothing found is not an error."""
        began = time.perf_counter()
        query = self._scoper.parse(request.query, typing=request.typing)
        scope = self._scoper.parse(request.scope)
        limits = self._scoper.limits(query, scope, request.documents, self._languages(query))
        notes = [*query.problems, *scope.problems, *limits.notes]
        if query.sought:
            ranking = self._rank(query, limits, request)
            if not ranking.scored and (letters := self._literally(query, scope, request)):
                ranking, limits = letters
            for easier, note in ((widened(query), WIDENED), (loosened(query), LOOSENED)):
                if not ranking.scored and easier is not None:
                    # A scope given beside the query is a promise to the caller; the query's own is not.
                    wider = self._scoper.limits(easier, scope, request.documents, self._languages(query))
                    second = self._rank(easier, wider, request)
                    if second.scored:
                        ranking, limits = second, wider
                        notes.append(note)
            notes += ranking.notes
            used = ranking.mode
            total, found = self._page(ranking, query, limits, request)
        else:
            used = "keyword"
            total, found = self._newest(query, limits, request)
        return SearchResult(
            query=request.query,
            mode=used,
            took_ms=(time.perf_counter() - began) * 1000,
            total=total,
            in_scope=limits.in_scope,
            documents=self._scoper.library()[0],
            hits=found,
            notes=tuple(dict.fromkeys(notes)),
            spans=query.spans,
        )

    def orders(self, query: str, weights: Sequence[float], limit: int) -> list[tuple[str, ...]]:
        """The first documents (`sha256:…`) for a query, as each of these weights of meaning orders them."""
        parsed = self._scoper.parse(query)
        limits = self._scoper.limits(parsed, self._scoper.parse(""), (), self._languages(parsed))
        ranking = self._rank(parsed, limits, SearchRequest(query=query, limit=limit))
        found = []
        for weight in weights:
            candidates = self._candidates(ranking, parsed, limits, sound=False, weight=weight)
            groups = fusion.by_document(fusion.fuse(candidates, ranking.plan.ideal, ranking.blend))
            wanted = [Wanted(group.chunks[0], group.score) for group in groups]
            with self._catalogue.reader() as db:
                first = [each.best.candidate.document for each in leading.lead(db, wanted)[:limit]]
                rows = scoping.document_rows(db, first)
            found.append(tuple(f"sha256:{rows[document].hash}" for document in first if document in rows))
        return found

    def scope(self, query: str, documents: Sequence[str] = ()) -> ScopeCount:
        """How many documents a scope holds, and which of them cannot be read."""
        parsed = self._scoper.parse(query)
        limits = self._scoper.limits(parsed, NO_SCOPE, documents, self._languages(parsed))
        count = limits.in_scope if limits.documents is None else len(limits.documents)
        with self._catalogue.reader() as db:
            rows = scoping.unread(db, limits.files)
            total, waiting = scoping.waiting(db, limits.files, WAITING_NAMED)
        unread = tuple(UnreadFile(path=path, reason=reason, hint=hint) for path, reason, hint in rows)
        return ScopeCount(
            in_scope=count,
            unread=unread,
            waiting=tuple(
                UnreadFile(path=path, reason=STALE if older else WAITING, hint="Run 'quire index'.")
                for path, older in waiting
            ),
            waiting_total=total,
        )

    def readable(self, query: str, documents: Sequence[str] = ()) -> tuple[tuple[str, str], ...]:
        """The documents of a scope that have text: (`sha256:…`, path), by path."""
        parsed = self._scoper.parse(query)
        limits = self._scoper.limits(parsed, NO_SCOPE, documents, self._languages(parsed))
        with self._catalogue.reader() as db:
            rows = scoping.readable(db, limits.files)
        return tuple(
            (f"sha256:{digest}", path)
            for document, digest, path in rows
            if limits.documents is None or document in limits.documents
        )

    def files_in(self, query: str, documents: Sequence[str] = ()) -> frozenset[int] | None:
        """Ids of the files of a scope; None means all."""
        parsed = self._scoper.parse(query)
        limits = self._scoper.limits(parsed, NO_SCOPE, documents, self._languages(parsed))
        if not limits.demands or limits.documents is None:
            return limits.files
        with self._catalogue.reader() as db:
            files = scoping.files_of(db, limits.documents)
        return files if limits.files is None else files & limits.files

    def matches(self, text: str, query: str) -> tuple[tuple[int, int], ...]:
        """Spans of a text that match a query, ascending."""
        parsed = self._scoper.parse(query)
        plan = self._keyword.plan(parsed.sought, self._languages(parsed))
        return merged(Matcher(plan.telling).find(text))

    def file_ids(self, query: str) -> frozenset[int]:
        """Ids of the files a query means; here plain words demand as well, in text, title or name."""
        parsed = self._scoper.parse(query)
        demands = Query(parsed.clauses, boolean=True)
        limits = self._scoper.limits(demands, NO_SCOPE, (), self._languages(parsed))
        with self._catalogue.reader() as db:
            if limits.documents is None:
                return scoping.select(db, (), dt.datetime.now()).files
            if not limits.demands and limits.files is not None:
                return limits.files
            files = scoping.files_of(db, limits.documents)
        return files if limits.files is None else files & limits.files

    def _languages(self, query: Query) -> tuple[str, ...]:
        """Whose inflections count: the question's language and those of many documents."""
        spoken = language.detect(query.plain)
        return tuple(dict.fromkeys(code for code in (spoken, *self._scoper.library()[1]) if code))

    # --- retrieving -------------------------------------------------------------------------------

    def _rank(self, query: Query, limits: Limits, request: SearchRequest) -> _Ranking:
        ranking = _Ranking(self._keyword.plan(query.sought, self._languages(query)))
        if limits.documents is not None and not limits.documents:
            return ranking
        mode = request.mode if request.mode != "auto" else query.mode or "auto"
        depth = request.offset + request.limit
        self._tolerate(ranking, query, typing=request.typing)
        if mode != "keyword":
            self._find_by_meaning(ranking, query, limits, mode, max(MEANING_CHUNKS, 3 * depth))
        if ranking.mode != "semantic":
            self._find_by_words(ranking, limits, max(WORD_CHUNKS, 8 * depth))
        ranking.blend = self._blend(chunks=request.chunks)
        candidates = self._candidates(ranking, query, limits, sound=request.sound)
        ranking.scored = fusion.fuse(candidates, ranking.plan.ideal, ranking.blend)
        return ranking

    def _literally(
        self, query: Query, scope: Query, request: SearchRequest
    ) -> tuple[_Ranking, Limits] | None:
        """Phrases that no index finds, in the text itself; None when they are not there either."""
        sought = literal.phrases(query)
        if not sought:
            return None
        worded = literal.by_words(query)
        limits = self._scoper.limits(worded, scope, request.documents, self._languages(query))
        ranking = self._rank(worded, limits, replace(request, mode="keyword"))
        groups = fusion.by_document(ranking.scored)[: literal.READ]
        with self._catalogue.reader() as db:
            lengths = scoping.lengths(db, [group.document for group in groups])
            held = literal.holding(db, lengths.items(), sought)
        ranking.scored = [
            Scored(replace(group.chunks[0].candidate, chunk=held[group.document], tier=2), 2 + group.score)
            for group in groups
            if group.document in held
        ]
        ranking.holders = frozenset(held)
        return (ranking, limits) if held else None

    def _tolerate(self, ranking: _Ranking, query: Query, *, typing: bool) -> None:
        """Take words that nobody wrote for typing errors, when they are most of what is asked."""
        unknown = [group for group in ranking.plan.groups if not group.known]
        if not unknown or len(unknown) < len(ranking.plan.groups) > SHORT:
            return
        corrected = self._keyword.suggest(ranking.plan)
        if typing:
            corrected.pop(ranking.plan.groups[-1].text, None)
        if corrected:
            ranking.plan = self._keyword.plan(query.sought, self._languages(query), corrected)
            ranking.notes += [
                f"typing error tolerated: {wrong} → {right}" for wrong, right in corrected.items()
            ]

    def _find_by_words(self, ranking: _Ranking, limits: Limits, count: int) -> None:
        plan = ranking.plan
        found = self._keyword.top(plan, count, Scope(limits.documents, limits.chunks))
        if len(plan.groups) <= SHORT:  # a sentence holds words that nobody demands
            ranking.holders = self._keyword.holders(plan)
            if limits.documents is not None:
                ranking.holders &= limits.documents
            missing = ranking.holders - {match.document for match in found}
            if missing and len(missing) <= count:
                found += self._keyword.top(plan, count, Scope(missing, limits.chunks))
        single = len(plan.telling) == 1 and len(plan.telling[0].words) == 1
        for match in found:
            score = match.score % WHOLE
            ranking.words[match.chunk] = _Word(match.document, score, single or match.score >= WHOLE)

    def _find_by_meaning(
        self, ranking: _Ranking, query: Query, limits: Limits, mode: str, count: int
    ) -> None:
        meaning = self._meaning
        if meaning is None:
            if mode == "semantic" or self._config.embedding.provider != "none":
                ranking.notes.append(NOT_READY)
            return
        try:
            ranking.vector = meaning.vector(query.plain)
            ranking.near = meaning.near(ranking.vector, count, limits.documents, limits.chunks)
            groups = ranking.plan.groups
            if 0 < words_of(query.plain, len(groups)) <= FEW and not any(group.known for group in groups):
                least = meaning.nearby(query.plain)
                ranking.near = {chunk: near for chunk, near in ranking.near.items() if near.cosine >= least}
            ranking.mode = "semantic" if mode == "semantic" else "hybrid"
        except AppError as exc:
            log.warning("search by meaning failed: %s", exc)
            ranking.notes.append(f"found by words only: {exc.message}")

    # --- ranking ----------------------------------------------------------------------------------

    def _candidates(
        self,
        ranking: _Ranking,
        query: Query,
        limits: Limits,
        *,
        sound: bool,
        weight: float | None = None,
    ) -> list[Candidate]:
        """Every chunk found by either, with both scores exact; with `sound` no poor ones.

        `weight` of meaning is taken instead of that in use.
        """
        documents = {chunk: word.document for chunk, word in ranking.words.items()}
        documents |= {chunk: near.document for chunk, near in ranking.near.items()}
        names = self._names(ranking, limits, set(documents.values()))
        documents |= self._openings(set(names) - set(documents.values()))
        scores = {chunk: word.score for chunk, word in ranking.words.items()}
        if ranking.mode == "hybrid":
            scores |= {
                chunk: score % WHOLE
                for chunk, score in self._keyword.score(
                    ranking.plan, documents.keys() - scores.keys()
                ).items()
            }
        cosines = {chunk: near.cosine for chunk, near in ranking.near.items()}
        if self._meaning is not None and ranking.vector is not None:
            cosines |= self._meaning.cosines(ranking.vector, documents.keys() - cosines.keys())
        below = self._config.quality.poor_below
        with self._catalogue.reader() as db:
            rows = scoping.chunk_rows(db, documents)
            weak = measures.weak(db, documents, below)
        weigh = self._weigher(ranking, query, self.weight.value if weight is None else weight)
        return [
            Candidate(
                chunk=chunk,
                document=row.document_id,
                keyword=scores.get(chunk, 0.0) + names.get(row.document_id, 0.0),
                semantic=cosines.get(chunk, 0.0),
                weight=weigh(row.language),
                length=int((row.end - row.start) * DENSITY.get(row.language, 1.0)),
                tier=self._tier(ranking, chunk, row.document_id),
                quality=weak.get(chunk, 100),
            )
            for chunk, row in rows.items()
            if not (sound and chunk in weak)
        ]

    def _names(self, ranking: _Ranking, limits: Limits, documents: set[int]) -> dict[int, float]:
        """Score of file names and titles, of the documents found and of those found by nothing else."""
        if ranking.mode == "semantic":
            return {}
        names = self._keyword.names(ranking.plan, 4 * len(documents) + 1, documents)
        if limits.chunks is None:
            for document, score in self._keyword.names(ranking.plan, NAMED).items():
                if limits.documents is None or document in limits.documents:
                    names[document] = score
        return names

    def _openings(self, documents: set[int]) -> dict[int, int]:
        """The first chunk of documents found by their name alone."""
        if not documents:
            return {}
        with self._catalogue.reader() as db:
            return {row.id: document for document, row in scoping.first_chunks(db, documents).items()}

    def _tier(self, ranking: _Ranking, chunk: int, document: int) -> int:
        word = ranking.words.get(chunk)
        if word is not None and word.whole:
            return 2
        return 1 if document in ranking.holders else 0

    def _blend(self, *, chunks: bool) -> Blend:
        if chunks:
            return fusion.PASSAGES
        multilingual = self._meaning is not None and self._meaning.multilingual
        return fusion.DOCUMENTS_MULTILINGUAL if multilingual else fusion.DOCUMENTS

    def _weigher(self, ranking: _Ranking, query: Query, weight: float) -> Callable[[str], float]:
        """Weight of meaning by the language of a chunk: less where the model does not know both languages."""
        meaning, search = self._meaning, self._config.search
        if meaning is None or ranking.vector is None:
            return lambda _: 0.0
        if ranking.mode == "semantic":
            return lambda _: 1.0
        if not meaning.knows(language.detect(query.plain), query.plain):
            foreign = search.foreign_weight * foreign_share(query.plain)
            return lambda _: foreign
        known = min(1.0, weight + ranking.blend.topic) if weight else 0.0
        return lambda code: known if meaning.knows(code, "") else search.foreign_weight

    # --- pages ------------------------------------------------------------------------------------

    def _page(
        self, ranking: _Ranking, query: Query, limits: Limits, request: SearchRequest
    ) -> tuple[int, tuple[Hit, ...]]:
        if request.chunks:
            wanted = [Wanted(each, each.score) for each in ranking.scored]
        else:
            more = 0 if request.typing else hits.MORE  # half the work, and the next key makes it vain
            wanted = [
                Wanted(
                    group.chunks[0],
                    group.score,
                    tuple(
                        c
                        for c in group.chunks[1 : more + 1]
                        if c.score >= hits.WORTHY * group.chunks[0].score
                    ),
                )
                for group in fusion.by_document(ranking.scored)
            ]
        total = len(wanted)
        if not request.chunks:
            total = max(total, len(ranking.holders))
        if query.sort not in ("", "relevance"):
            wanted = self._sorted(wanted, query.sort)
        elif not request.chunks:
            with self._catalogue.reader() as db:
                wanted = leading.lead(db, wanted)
        page = wanted[request.offset : request.offset + request.limit]
        ranks = {
            "keyword": fusion.ranks({chunk: word.score for chunk, word in ranking.words.items()}),
            "semantic": {chunk: rank for rank, chunk in enumerate(ranking.near, start=1)},
        }
        if request.explain:
            page = [_explained(each, ranks) for each in page]
        matcher = Matcher(ranking.plan.telling)
        with self._catalogue.reader() as db:
            found = hits.build(
                db, page, matcher, first_rank=request.offset + 1, files=limits.files, ranks=ranks,
                whole=request.chunks,
            )  # fmt: skip
        return total, found

    def _sorted(self, wanted: Sequence[Wanted], sort: str) -> list[Wanted]:
        """By date, name or size: only what was found by words, since nearness in meaning has no end."""
        kept = [each for each in wanted if each.best.candidate.keyword > 0]
        documents = {each.best.candidate.document for each in kept}
        with self._catalogue.reader() as db:
            files = scoping.files_of(db, documents)
            order = scoping.newest(db, files, sort, len(documents), 0)
        place = {document: at for at, (document, _) in enumerate(order)}
        return sorted(kept, key=lambda each: place.get(each.best.candidate.document, len(place)))

    def _newest(self, query: Query, limits: Limits, request: SearchRequest) -> tuple[int, tuple[Hit, ...]]:
        """Nothing is sought: the documents in scope, the newest first."""
        with self._catalogue.reader() as db:
            files = limits.files
            if limits.demands and limits.documents is not None:
                held = scoping.files_of(db, limits.documents)
                files = held if files is None else files & held
            order = scoping.newest(db, files, query.sort, request.limit, request.offset)
            opening = scoping.first_chunks(db, [document for document, _ in order])
            wanted = [
                Wanted(Scored(Candidate(opening[document].id, document), 0.0), 0.0)
                for document, _ in order
                if document in opening
            ]
            shown = frozenset(file for _, file in order) if query.sort == "name" else files
            found = hits.build(
                db, wanted, Matcher(()), first_rank=request.offset + 1, files=shown, ranks={},
                whole=request.chunks,
            )  # fmt: skip
            return scoping.count_readable(db, files), found


def _explained(wanted: Wanted, ranks: Mapping[str, Mapping[int, int]]) -> Wanted:
    """The same with a line that says how the score came about."""
    each = wanted.best.candidate
    parts = [("", "its document holds every word; ", "holds every word; ")[each.tier]]
    for name, score in (("keyword", each.keyword), ("semantic", each.semantic)):
        rank = ranks[name].get(each.chunk)
        parts.append(f"{name} {score:.3f} ({f'rank {rank}' if rank else 'not among the first'}); ")
    parts.append(
        f"weight of meaning {each.weight:.2f}; chunk {wanted.best.score:.3f}, hit {wanted.score:.3f}"
    )
    return Wanted(wanted.best, wanted.score, wanted.more, "".join(parts))
