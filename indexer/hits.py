"""Ranked chunks into hits: paths, titles, pages, snippets with highlights.

Reads what a person sees from the catalogue, in a handful of queries for a whole page of results.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from indexer.catalogue import Connection, scoping
from indexer.catalogue.kinship import newest_of
from indexer.catalogue.labels import tags_of
from indexer.catalogue.reads import read_text
from indexer.catalogue.schema import TEXT_BLOCK
from indexer.catalogue.scoping import ChunkRow, DocumentRow, FilePlace
from indexer.fusion import Scored
from indexer.snippets import Matcher, snippet
from indexer.types import ChunkMatch, Hit

MORE = 3
"""Further chunks of a document shown with its best one."""
WORTHY = 0.5
"""Share of the best chunk's score from which a further chunk is shown."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A hit to be: a chunk, what else its document has, and why it is there."""

    best: Scored
    score: float
    more: tuple[Scored, ...] = ()
    explain: str = ""


@dataclass(frozen=True, slots=True)
class _Source:
    """Everything read for a page of results."""

    chunks: Mapping[int, ChunkRow]
    documents: Mapping[int, DocumentRow]
    places: Mapping[int, Sequence[FilePlace]]
    texts: Mapping[int, str]
    newest: Mapping[int, str]
    """Of old documents the path of the newest version."""
    tags: Mapping[int, tuple[str, ...]]


def build(
    db: Connection,
    wanted: Sequence[Wanted],
    matcher: Matcher,
    *,
    first_rank: int,
    files: Collection[int] | None,
    ranks: Mapping[str, Mapping[int, int]],
    whole: bool,
) -> tuple[Hit, ...]:
    """Hits in the order given; chunks whose document is gone are left out.

    Args:
        db: A reader.
        wanted: What to show, best first.
        matcher: Finds what is lit up.
        first_rank: Rank of the first one, from 1.
        files: Files in scope, whose paths come first; None means all.
        ranks: For each retriever the rank of the chunks it found.
        whole: Whether hits carry the whole text of their chunk.
    """
    source = _read(db, wanted)
    hits: list[Hit] = []
    for each in wanted:
        row = source.chunks.get(each.best.candidate.chunk)
        if row is not None and row.document_id in source.places and row.document_id in source.documents:
            rank = first_rank + len(hits)
            hits.append(_hit(each, rank, row, source, matcher, files=files, ranks=ranks, whole=whole))
    return tuple(hits)


def _read(db: Connection, wanted: Sequence[Wanted]) -> _Source:
    ids = {scored.candidate.chunk for each in wanted for scored in (each.best, *each.more)}
    chunks = scoping.chunk_rows(db, ids)
    documents = {row.document_id for row in chunks.values()}
    return _Source(
        chunks,
        scoping.document_rows(db, documents),
        scoping.places(db, documents),
        _texts(db, chunks.values()),
        newest_of(db, documents),
        tags_of(db, documents),
    )


def _texts(db: Connection, rows: Iterable[ChunkRow]) -> dict[int, str]:
    """Text of the chunks by id; neighbours in one block of a document are unpacked together."""
    texts: dict[int, str] = {}
    blocks: dict[tuple[int, int], list[ChunkRow]] = {}
    for row in rows:
        blocks.setdefault((row.document_id, row.start // TEXT_BLOCK), []).append(row)
    for (document, _), held in blocks.items():
        first, last = min(row.start for row in held), max(row.end for row in held)
        text = read_text(db, document, first, last)
        texts.update({row.id: text[row.start - first : row.end - first] for row in held})
    return texts


def _hit(
    wanted: Wanted,
    rank: int,
    row: ChunkRow,
    source: _Source,
    matcher: Matcher,
    *,
    files: Collection[int] | None,
    ranks: Mapping[str, Mapping[int, int]],
    whole: bool,
) -> Hit:
    document = source.documents[row.document_id]
    places = sorted(
        source.places[row.document_id], key=lambda place: files is not None and place.id not in files
    )
    text = source.texts[row.id]
    shown, lit = snippet(text, row.language or document.language, matcher)
    candidate = wanted.best.candidate
    found = {name: ranked[row.id] for name, ranked in ranks.items() if row.id in ranked}
    scores = {"keyword": round(candidate.keyword, 4), "semantic": round(candidate.semantic, 4)}
    return Hit(
        rank=rank,
        score=round(wanted.score, 6),
        path=places[0].path,
        paths=tuple(place.path for place in places),
        title=document.title,
        document=f"sha256:{document.hash}",
        chunk=row.id,
        page=row.page,
        heading=row.heading,
        start=row.start,
        end=row.end,
        snippet=shown,
        highlights=lit,
        matched_by=tuple(found),
        scores={name: score for name, score in scores.items() if score},
        ranks=found,
        kind=document.kind,
        format=document.format,
        language=row.language or document.language,
        pages=document.pages,
        size_bytes=places[0].size_bytes,
        mtime_ns=places[0].mtime_ns,
        text=text if whole else "",
        more=tuple(
            _more(scored, source, matcher)
            for scored in wanted.more
            if scored.candidate.chunk in source.chunks
        ),
        explain=wanted.explain,
        newer=source.newest.get(row.document_id, ""),
        tags=source.tags.get(row.document_id, ()),
    )


def _more(scored: Scored, source: _Source, matcher: Matcher) -> ChunkMatch:
    row = source.chunks[scored.candidate.chunk]
    shown, lit = snippet(source.texts[row.id], row.language, matcher)
    return ChunkMatch(
        chunk=row.id,
        page=row.page,
        heading=row.heading,
        start=row.start,
        end=row.end,
        snippet=shown,
        highlights=lit,
        score=round(scored.score, 6),
    )
