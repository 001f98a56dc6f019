"""What is kept of the likeness of documents by meaning: their mean vectors, and pairs that were compared."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.connection import Connection
from indexer.catalogue.embeddings import matrix
from indexer.catalogue.kinship import READABLE

Vectors = NDArray[np.float32]


class Meant(NamedTuple):
    """A document with its mean vector as it is stored."""

    document: int
    characters: int
    mean: bytes
    """Little-endian float16 values."""
    compared: bool
    """With every document that had a mean at the time."""


class Spans(NamedTuple):
    """The chunks of a document: where they lie, and their vectors, (chunks, dimensions)."""

    places: Sequence[tuple[int, int]]
    vectors: Vectors


def unmeant(db: Connection, model: int, after: int, limit: int) -> list[int]:
    """Documents that have a vector of the model for every chunk and no mean yet; ids greater than `after`."""
    rows = db.execute(
        "SELECT d.id FROM documents d WHERE d.id > ?2 AND d.chunk_count > 0"
        f" AND {READABLE}"
        " AND NOT EXISTS (SELECT 1 FROM means m WHERE m.document_id = d.id AND m.model_id = ?1)"
        " AND NOT EXISTS (SELECT 1 FROM chunks c WHERE c.document_id = d.id AND NOT EXISTS"
        " (SELECT 1 FROM vectors v WHERE v.model_id = ?1 AND v.key = c.key))"
        " ORDER BY d.id LIMIT ?3",
        (model, after, limit),
    )
    return [row[0] for row in rows]


def spans(db: Connection, model: int, document: int) -> Spans:
    """The chunks of a document that have a vector of the model, in order."""
    rows = db.execute(
        'SELECT c.start, c."end", v.vector FROM chunks c'
        " JOIN vectors v ON v.key = c.key AND v.model_id = ? WHERE c.document_id = ? ORDER BY c.ordinal",
        (model, document),
    ).fetchall()
    if not rows:
        return Spans((), np.empty((0, 0), dtype=np.float32))
    return Spans([(row[0], row[1]) for row in rows], matrix([row[2] for row in rows]))


def put_means(db: Connection, model: int, found: Iterable[tuple[int, Vectors]]) -> None:
    """Store means; what was compared with earlier ones is forgotten."""
    rows = [(document, mean.astype("<f2").tobytes()) for document, mean in found]
    db.executemany("DELETE FROM means WHERE document_id = ?", ((document,) for document, _ in rows))
    db.executemany(
        "INSERT INTO means (document_id, model_id, mean) SELECT d.id, m.id, ?3 FROM documents d, models m"
        " WHERE d.id = ?1 AND m.id = ?2",
        ((document, model, mean) for document, mean in rows),
    )


def means(db: Connection, model: int) -> list[Meant]:
    """The means of all documents that a file holds, by id."""
    rows = db.execute(
        "SELECT m.document_id, d.characters, m.mean, m.compared FROM means m"
        f" JOIN documents d ON d.id = m.document_id WHERE m.model_id = ? AND {READABLE}"
        " ORDER BY m.document_id",
        (model,),
    )
    return [Meant(row[0], row[1], row[2], bool(row[3])) for row in rows]


def set_compared(db: Connection, documents: Collection[int]) -> None:
    """Note that these were compared with all others."""
    db.execute(
        "UPDATE means SET compared = 1 WHERE document_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(documents)),),
    )


def put_echoes(db: Connection, found: Iterable[tuple[int, int, float]]) -> None:
    """Store compared pairs, smaller id first, with the share that both say."""
    db.executemany(
        "INSERT OR REPLACE INTO echoes (a, b, share) SELECT ?1, ?2, ?3"
        " WHERE 2 = (SELECT count(*) FROM means WHERE document_id IN (?1, ?2))",
        found,
    )


def echoes(db: Connection, model: int) -> dict[tuple[int, int], float]:
    """Pairs compared by vectors of the model, smaller id first, with the share that both say."""
    rows = db.execute(
        "SELECT e.a, e.b, e.share FROM echoes e JOIN means m ON m.document_id = e.a"
        " WHERE m.model_id = ? ORDER BY e.a, e.b",
        (model,),
    )
    return {(row[0], row[1]): row[2] for row in rows}
