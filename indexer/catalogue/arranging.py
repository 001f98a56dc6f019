"""What the catalogue knows of files that could be put in order."""

from __future__ import annotations

from typing import NamedTuple

from indexer.catalogue.connection import Connection


class Fact(NamedTuple):
    """A file on disk with what its document tells."""

    id: int
    root: bytes
    path: bytes
    size: int
    mtime_ns: int
    ctime_ns: int
    document: int
    hash: str
    title: str
    kind: str
    format: str
    language: str
    created: str
    modified: str
    """Of the content, from its metadata; like the following ones it may be empty."""
    author: str
    sender: str
    subject: str
    status: str
    """How the reading of the document ended."""
    quality: int | None
    place: int
    """In its family of versions: 0 is the newest, or the only one."""
    newest: str
    """Path of the newest version as shown; "" for a newest or only one."""


def facts(db: Connection) -> list[Fact]:
    """Every file that was read or refused by a parser, by path; members of containers are no files."""
    rows = db.execute(
        "SELECT f.id, r.path, f.path, f.size_bytes, f.mtime_ns, f.ctime_ns, d.id, d.hash, d.title, d.kind,"
        " d.format, d.language, d.created, coalesce(json_extract(d.metadata, '$.modified'), ''),"
        " coalesce(json_extract(d.metadata, '$.author'), ''),"
        " coalesce(json_extract(d.metadata, '$.from'), ''),"
        " coalesce(json_extract(d.metadata, '$.subject'), ''), d.status, d.quality,"
        " coalesce(v.place, 0), CASE"
        " WHEN v.place > 0 THEN coalesce((SELECT min(o.path_text) FROM versions n JOIN files o"
        " ON o.document_id = n.document_id WHERE n.family = v.family AND n.place = 0), '') ELSE '' END"
        " FROM files f JOIN roots r ON r.id = f.root_id JOIN documents d ON d.id = f.document_id"
        " LEFT JOIN versions v ON v.document_id = d.id"
        " WHERE f.container_id IS NULL AND f.status = 'indexed' ORDER BY f.path"
    )
    return [Fact(*row) for row in rows]
