"""What is kept of the quality of documents: findings, flawed stretches and chunks, chosen encodings."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

from indexer import quality
from indexer.catalogue.connection import Connection
from indexer.catalogue.reads import read_text, stored_chunks
from indexer.findings import Finding, Quality, Stretch
from indexer.types import Chunk, Page, ParsedDocument, StoredChunk

POOR_BELOW = "poor_below"
"""Name of the threshold among the small values of the catalogue; queries compare with it."""
IS_POOR = (
    f"d.chunk_count > 0 AND d.quality < (SELECT CAST(value AS INTEGER) FROM meta WHERE key = '{POOR_BELOW}')"
)
"""Condition on `documents d`: it has text, and that is poor. What has none is not poor but unread."""
_WEAK = 90
"""Chunks of this quality and better are not noted."""


class Graded(NamedTuple):
    """A file with what a report of quality needs of it."""

    path: str
    title: str
    hash: str
    kind: str
    size_bytes: int
    mtime_ns: int
    score: int | None
    status: str
    reason: str
    language: str
    findings: str
    """JSON; "[]" when there are none."""
    document: int | None


# --- measures --------------------------------------------------------------------------------------


def put(
    db: Connection,
    document: int,
    measured: Quality,
    chunks: Iterable[tuple[int, Chunk | StoredChunk]],
) -> None:
    """Keep the measure of a document, and which of its chunks lie in flawed stretches."""
    flawed = [each for each in measured.stretches if each.codes]
    db.execute(
        "INSERT INTO measures (document_id, version, findings, stretches) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (document_id) DO UPDATE SET version = excluded.version, findings = excluded.findings,"
        " stretches = excluded.stretches",
        (
            document,
            quality.VERSION,
            _json([asdict(finding) for finding in measured.findings]),
            _json([(s.start, s.end, s.page, s.score, s.codes) for s in flawed]),
        ),
    )
    db.execute("UPDATE documents SET quality = ? WHERE id = ?", (measured.score, document))
    db.execute(
        "DELETE FROM weak_chunks WHERE chunk_id IN (SELECT id FROM chunks WHERE document_id = ?)", (document,)
    )
    if flawed:
        scores = ((i, quality.of_span(measured.stretches, c.start, c.end)) for i, c in chunks)
        db.executemany(
            "INSERT INTO weak_chunks VALUES (?, ?)", ((i, score) for i, score in scores if score < _WEAK)
        )


def put_facts(db: Connection, document: int, parsed: ParsedDocument) -> None:
    """Keep what a later measure needs and the text does not tell."""
    if parsed.hidden_text or parsed.ocr_confidence:
        db.execute(
            "UPDATE measures SET hidden = ?, recognised = ? WHERE document_id = ?",
            (_json(dict(parsed.hidden_text)), _json(dict(parsed.ocr_confidence)), document),
        )


def unmeasured(db: Connection, limit: int) -> list[int]:
    """Documents with text that this version of the measure has not seen."""
    rows = db.execute(
        "SELECT d.id FROM documents d LEFT JOIN measures m ON m.document_id = d.id"
        " WHERE d.status = 'indexed' AND d.characters > 0 AND (m.version IS NULL OR m.version <> ?)"
        " ORDER BY d.id LIMIT ?",
        (quality.VERSION, limit),
    )
    return [row[0] for row in rows]


def as_parsed(db: Connection, document: int) -> tuple[ParsedDocument, str, list[StoredChunk]] | None:
    """A document as its parser made it, as far as the measure looks, its language and its chunks."""
    row = db.execute(
        "SELECT d.title, d.kind, d.format, d.language, d.characters, d.metadata, d.warnings, d.page_spans,"
        " d.textless, coalesce(m.hidden, '{}'), coalesce(m.recognised, '{}')"
        " FROM documents d LEFT JOIN measures m ON m.document_id = d.id WHERE d.id = ?",
        (document,),
    ).fetchone()
    if row is None:
        return None
    title, kind, format, language, characters = row[:5]
    metadata, warnings, spans, textless, hidden, recognised = map(json.loads, row[5:])
    parsed = ParsedDocument(
        title=title,
        text=read_text(db, document, 0, characters),
        kind=kind,
        format=format,
        pages=tuple(Page(number=n, start=start, end=end, label=label) for n, start, end, label in spans),
        metadata=metadata,
        warnings=tuple(warnings),
        textless_pages=tuple(textless),
        hidden_text=_by_page(hidden),
        ocr_confidence=_by_page(recognised),
    )
    return parsed, language, list(stored_chunks(db, document))


def _by_page(values: Mapping[str, int]) -> dict[int, int]:
    return {int(page): value for page, value in values.items()}


def findings_of(db: Connection, document: int | None) -> tuple[Finding, ...]:
    """Why a document has its quality."""
    row = db.execute("SELECT findings FROM measures WHERE document_id = ?", (document,)).fetchone()
    return as_findings(row[0]) if row else ()


def as_findings(stored: str) -> tuple[Finding, ...]:
    """Findings as they are kept."""
    return tuple(Finding(**{**each, "pages": tuple(each["pages"])}) for each in json.loads(stored))


def stretches_of(db: Connection, document: int | None) -> tuple[Stretch, ...]:
    """The flawed pages and parts of a document."""
    row = db.execute("SELECT stretches FROM measures WHERE document_id = ?", (document,)).fetchone()
    if row is None:
        return ()
    return tuple(
        Stretch(start=start, end=end, page=page, score=score, codes=tuple(codes))
        for start, end, page, score, codes in json.loads(row[0])
    )


# --- what is poor ----------------------------------------------------------------------------------


def weak(db: Connection, chunks: Collection[int], below: int) -> dict[int, int]:
    """Of these chunks those of poor text, with their quality: their own or their document's."""
    if not chunks or below <= 0:
        return {}
    rows = db.execute(
        "SELECT c.id, min(coalesce(d.quality, 100), coalesce(w.quality, 100)) FROM json_each(:ids) AS wanted"
        " CROSS JOIN chunks c ON c.id = wanted.value JOIN documents d ON d.id = c.document_id"
        " LEFT JOIN weak_chunks w ON w.chunk_id = c.id WHERE d.quality < :below OR w.quality < :below",
        {"ids": _json(list(chunks)), "below": below},
    )
    return dict(rows.fetchall())


def weak_pages(db: Connection, hashes: Collection[str], below: int) -> list[tuple[str, int | None, int]]:
    """Poor pages of these documents, as far as they are sound themselves: path, page, quality.

    Documents without pages have the page None, once.
    """
    if not hashes or below <= 0:
        return []
    return db.execute(
        "SELECT (SELECT min(f.path_text) FROM files f WHERE f.document_id = d.id) AS path, c.page,"
        " min(w.quality) FROM json_each(:hashes) AS wanted CROSS JOIN documents d ON d.hash = wanted.value"
        " JOIN chunks c ON c.document_id = d.id JOIN weak_chunks w ON w.chunk_id = c.id"
        " WHERE coalesce(d.quality, 100) >= :below AND w.quality < :below"
        " GROUP BY d.id, c.page HAVING path IS NOT NULL ORDER BY path, c.page",
        {"hashes": _json(list(hashes)), "below": below},
    ).fetchall()


def poor_files(db: Connection, files: Collection[int] | None) -> list[tuple[str, int, str]]:
    """Path, score and findings (JSON) of each of these files (None: of all) whose text is poor; by path."""
    where = "" if files is None else " AND f.id IN (SELECT value FROM json_each(:files))"
    return db.execute(
        "SELECT f.path_text, d.quality, coalesce(m.findings, '[]') FROM files f"
        " JOIN documents d ON d.id = f.document_id LEFT JOIN measures m ON m.document_id = d.id"
        f" WHERE {IS_POOR}{where} ORDER BY f.path",
        {} if files is None else {"files": _json(list(files))},
    ).fetchall()


def graded(db: Connection, files: Collection[int] | None) -> list[Graded]:
    """These files (None: all) with score and findings, by path."""
    where = "" if files is None else " WHERE f.id IN (SELECT value FROM json_each(:files))"
    rows = db.execute(
        "SELECT f.path_text, coalesce(d.title, ''), coalesce(d.hash, ''), coalesce(d.kind, 'other'),"
        " f.size_bytes, f.mtime_ns, d.quality, CASE f.status WHEN 'indexed' THEN d.status ELSE f.status END,"
        " CASE f.status WHEN 'indexed' THEN d.reason ELSE f.reason END, coalesce(d.language, ''),"
        " coalesce(m.findings, '[]'), d.id"
        " FROM files f LEFT JOIN documents d ON d.id = f.document_id"
        f" LEFT JOIN measures m ON m.document_id = d.id{where} ORDER BY f.path",
        {} if files is None else {"files": _json(list(files))},
    )
    return [Graded(*row) for row in rows]


# --- encodings -------------------------------------------------------------------------------------


def decoding_of(db: Connection, digest: str) -> str:
    """The encoding somebody chose for a content; "" when nobody did."""
    row = db.execute("SELECT encoding FROM decodings WHERE hash = ?", (digest,)).fetchone()
    return str(row[0]) if row else ""


def choose_decoding(db: Connection, digest: str, encoding: str) -> None:
    """Keep the encoding of a content ("": as found), and have it read again wherever it turns up."""
    if encoding:
        db.execute("INSERT OR REPLACE INTO decodings VALUES (?, ?)", (digest, encoding))
    else:
        db.execute("DELETE FROM decodings WHERE hash = ?", (digest,))
    db.execute("UPDATE documents SET parser = '' WHERE hash = ?", (digest,))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
