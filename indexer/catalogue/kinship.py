"""What is kept of the likeness of documents: signatures, compared pairs, places in families."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from indexer.catalogue.connection import Connection
from indexer.neardup import Likeness, Signature

READABLE = (
    "d.status = 'indexed' AND d.characters > 0 AND EXISTS (SELECT 1 FROM files f WHERE f.document_id = d.id)"
)
"""Of a document `d`: it has text, and some path holds it."""


class Signed(NamedTuple):
    """A document's signature as it is stored."""

    document: int
    key: bytes
    shingles: int
    sketch: bytes
    """Little-endian uint32 values."""
    compared: bool
    """With every document that was there at the time."""


class Held(NamedTuple):
    """A file with what families need of its document."""

    document: int
    path: str
    size_bytes: int
    mtime_ns: int
    dated: str
    quality: int | None
    format: str
    hash: str


def unsigned(db: Connection, version: int, limit: int) -> list[tuple[int, int]]:
    """(id, characters) of documents that have text and no signature of this version."""
    return db.execute(
        "SELECT d.id, d.characters FROM documents d LEFT JOIN signatures s ON s.document_id = d.id"
        f" WHERE (s.version IS NULL OR s.version <> ?) AND {READABLE} ORDER BY d.id LIMIT ?",
        (version, limit),
    ).fetchall()


def put_signatures(db: Connection, version: int, found: Iterable[tuple[int, Signature]]) -> None:
    """Store signatures; what was compared with an earlier one is forgotten."""
    rows = list(found)
    db.executemany("DELETE FROM signatures WHERE document_id = ?", ((document,) for document, _ in rows))
    db.executemany(
        "INSERT INTO signatures (document_id, version, key, shingles, sketch)"
        " SELECT id, ?, ?, ?, ? FROM documents WHERE id = ?",
        (
            (version, signature.key, signature.shingles, signature.sketch.astype("<u4").tobytes(), document)
            for document, signature in rows
        ),
    )


def signatures(db: Connection, version: int) -> list[Signed]:
    """The signatures of all documents that a file holds, by id."""
    rows = db.execute(
        "SELECT s.document_id, s.key, s.shingles, s.sketch, s.compared FROM signatures s"
        " JOIN documents d ON d.id = s.document_id"
        f" WHERE s.version = ? AND {READABLE} ORDER BY s.document_id",
        (version,),
    )
    return [Signed(row[0], row[1], row[2], row[3], bool(row[4])) for row in rows]


def put_likenesses(db: Connection, found: Iterable[tuple[int, int, Likeness, bool]]) -> None:
    """Store pairs, smaller id first, with whether their text is the same."""
    db.executemany(
        "INSERT OR REPLACE INTO likenesses (a, b, jaccard, containment, same)"
        " SELECT ?1, ?2, ?3, ?4, ?5"
        " WHERE 2 = (SELECT count(*) FROM signatures WHERE document_id IN (?1, ?2))",
        ((a, b, likeness.jaccard, likeness.containment, int(same)) for a, b, likeness, same in found),
    )


def set_compared(db: Connection, documents: Collection[int]) -> None:
    """Note that these were compared with all others."""
    db.execute(
        "UPDATE signatures SET compared = 1 WHERE document_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(documents)),),
    )


def likenesses(db: Connection) -> dict[tuple[int, int], tuple[Likeness, bool]]:
    """All compared pairs, smaller id first, with whether their text is the same."""
    rows = db.execute("SELECT a, b, jaccard, containment, same FROM likenesses ORDER BY a, b")
    return {(row[0], row[1]): (Likeness(row[2], row[3]), bool(row[4])) for row in rows}


def held(db: Connection) -> list[Held]:
    """Every file with a readable document, by path."""
    rows = db.execute(
        "SELECT d.id, f.path_text, f.size_bytes, f.mtime_ns,"
        " coalesce(json_extract(d.metadata, '$.modified'), d.created), d.quality, d.format, d.hash"
        " FROM files f JOIN documents d ON d.id = f.document_id"
        " WHERE d.status = 'indexed' AND d.characters > 0 ORDER BY f.path"
    )
    return [Held(*row) for row in rows]


def versions(db: Connection) -> dict[int, tuple[int, int]]:
    """(family, place) of each document that has versions."""
    rows = db.execute("SELECT document_id, family, place FROM versions")
    return {row[0]: (row[1], row[2]) for row in rows}


def versions_among(db: Connection, documents: Collection[int]) -> dict[int, tuple[int, int]]:
    """(family, place) of those of the documents that have versions."""
    rows = db.execute(
        "SELECT document_id, family, place FROM versions"
        " WHERE document_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(documents)),),
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def put_versions(db: Connection, families: Sequence[Sequence[Sequence[int]]]) -> None:
    """Replace all families: in each the documents by place, newest first."""
    db.execute("DELETE FROM versions")
    db.executemany(
        "INSERT INTO versions (document_id, family, place) SELECT id, ?, ? FROM documents WHERE id = ?",
        (
            (number, place, document)
            for number, family in enumerate(families, 1)
            for place, documents in enumerate(family)
            for document in documents
        ),
    )


def places_of(db: Connection, hashes: Sequence[str]) -> list[tuple[int, int]]:
    """(family, place) of documents by hash, in the order given; without those that have no versions."""
    found = [
        db.execute(
            "SELECT v.family, v.place FROM versions v JOIN documents d ON d.id = v.document_id"
            " WHERE d.hash = ?",
            (digest,),
        ).fetchone()
        for digest in hashes
    ]
    return [row for row in found if row is not None]


def newest_of(db: Connection, documents: Collection[int]) -> dict[int, str]:
    """Of these documents the old ones, each with the path of the newest version."""
    rows = db.execute(
        "SELECT v.document_id, min(f.path_text) FROM versions v"
        " JOIN versions n ON n.family = v.family AND n.place = 0"
        " JOIN files f ON f.document_id = n.document_id"
        " WHERE v.place > 0 AND v.document_id IN (SELECT value FROM json_each(?)) GROUP BY v.document_id",
        (json.dumps(list(documents)),),
    )
    return {row[0]: row[1] for row in rows}


def newest_by_hash(db: Connection, hashes: Sequence[str]) -> dict[str, str]:
    """Of documents by hash the old ones, each with the path of the newest version."""
    rows = db.execute(
        "SELECT d.hash, min(f.path_text) FROM documents d JOIN versions v ON v.document_id = d.id"
        " JOIN versions n ON n.family = v.family AND n.place = 0"
        " JOIN files f ON f.document_id = n.document_id"
        " WHERE v.place > 0 AND d.hash IN (SELECT value FROM json_each(?)) GROUP BY d.hash",
        (json.dumps(list(hashes)),),
    )
    return {row[0]: row[1] for row in rows}


def family_of(db: Connection, document: int) -> list[tuple[str, int]]:
    """(path, place) of every other file in a document's family, newest first."""
    return db.execute(
        "SELECT f.path_text, n.place FROM versions v JOIN versions n ON n.family = v.family"
        " JOIN files f ON f.document_id = n.document_id"
        " WHERE v.document_id = ?1 AND n.document_id <> ?1 ORDER BY n.place, f.path",
        (document,),
    ).fetchall()
