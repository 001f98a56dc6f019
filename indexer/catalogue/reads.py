"""What the pipeline and the facade ask of the catalogue.

Search has its own questions in `indexer.catalogue.scoping`. Functions that take a connection may be
used inside a block of `reader()`; methods open one of their own.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from indexer.catalogue.connection import Connection, Database
from indexer.catalogue.schema import TEXT_BLOCK
from indexer.types import Root, StoredChunk, UnreadFile


class FileState(NamedTuple):
    """What a scan compares with the disk."""

    id: int
    path: bytes
    size: int
    mtime_ns: int
    ctime_ns: int
    dev: int
    ino: int
    status: str
    document_id: int | None


class StoredDocument(NamedTuple):
    """A document's row, as far as linking and the keyword index need it."""

    id: int
    hash: str
    status: str
    format: str
    parser: str
    title: str
    language: str
    members: int


_STATE = "id, path, size_bytes, mtime_ns, ctime_ns, dev, ino, status, document_id"
KNOWN = "NOT (status = 'pending' AND document_id IS NULL)"
"""Files that were read at least once; others are not in the keyword index yet."""

HELD = "EXISTS (SELECT 1 FROM files f WHERE f.document_id = q.document_id)"
"""Of a row `q` of the queue: some path holds the document, so it is worth embedding."""

_DOCUMENT = "id, hash, status, format, parser, title, language, members"


_CHUNKS = (
    "SELECT coalesce(sum(chunk_count), 0) FROM documents d"
    " WHERE EXISTS (SELECT 1 FROM files WHERE document_id = d.id)"
)


class Reads(Database):
    """The reading half of the catalogue."""

    # --- roots and files ---

    def root_paths(self) -> dict[int, bytes]:
        """Id and path of every root."""
        with self.reader() as db:
            return dict(db.execute("SELECT id, path FROM roots ORDER BY path").fetchall())

    def root_state(self, root_id: int) -> str:
        """State of a root: watched, polled or missing; "" when there is no such root."""
        with self.reader() as db:
            row = db.execute("SELECT state FROM roots WHERE id = ?", (root_id,)).fetchone()
        return row[0] if row else ""

    def roots(self) -> tuple[Root, ...]:
        """Every root with its state and the number of its files (members not counted)."""
        with self.reader() as db:
            rows = db.execute(
                "SELECT r.path, r.state, r.note, (SELECT count(*) FROM files f WHERE f.root_id = r.id"
                " AND f.container_id IS NULL) FROM roots r ORDER BY r.path"
            ).fetchall()
        return tuple(
            Root(path=path.decode("utf-8", "replace"), state=state, note=note, files=files)
            for path, state, note, files in rows
        )

    def file_states(self, root_id: int, at: Sequence[bytes] | None = None) -> dict[bytes, FileState]:
        """The files of a root, by path; members are left out.

        Args:
            root_id: The root.
            at: Only files at or below these paths; None: all.
        """
        whole = f"SELECT {_STATE} FROM files WHERE root_id = ? AND container_id IS NULL"
        with self.reader() as db:
            if at is None:
                return {row[1]: FileState(*row) for row in db.execute(whole, (root_id,))}
            found: dict[bytes, FileState] = {}
            # The plus keeps SQLite from going through the whole root for each path.
            whole = whole.replace("root_id", "+root_id")
            for path in at:
                for where, values in (
                    ("path = ?", (path,)),
                    ("path > ? AND path < ?", (path + b"/", path + b"0")),
                ):
                    rows = db.execute(f"{whole} AND {where}", (root_id, *values))
                    found.update((row[1], FileState(*row)) for row in rows)
            return found

    def file_at(self, path: bytes) -> FileState | None:
        """The file at a path."""
        with self.reader() as db:
            row = db.execute(f"SELECT {_STATE} FROM files WHERE path = ?", (path,)).fetchone()
        return FileState(*row) if row else None

    def waiting_files(self) -> list[tuple[bytes, int, int, bool]]:
        """Files that must be read: (path, mtime_ns, size, whether it is a member)."""
        with self.reader() as db:
            return db.execute(
                "SELECT path, mtime_ns, size_bytes, container_id IS NOT NULL FROM files"
                " WHERE status IN ('pending', 'changed-while-reading')"
            ).fetchall()

    def refused_paths(self) -> list[bytes]:
        """Paths on disk that could not be opened for a reason outside the file."""
        with self.reader() as db:
            rows = db.execute(
                "SELECT path FROM files WHERE document_id IS NULL AND container_id IS NULL"
                " AND status IN ('denied', 'broken', 'too-large')"
            ).fetchall()
        return [row[0] for row in rows]

    def folders(self) -> set[bytes]:
        """The folders that hold files of the library."""
        with self.reader() as db:
            rows = db.execute("SELECT path FROM files WHERE container_id IS NULL")
            return {os.path.dirname(row[0]) for row in rows}

    def container_of(self, path: bytes) -> bytes | None:
        """The outermost container of a member: a path on disk."""
        with self.reader() as db:
            row = db.execute(
                "WITH RECURSIVE up (path, container_id) AS"
                " (SELECT path, container_id FROM files WHERE path = ?"
                " UNION ALL SELECT f.path, f.container_id FROM files f JOIN up ON f.id = up.container_id)"
                " SELECT path FROM up WHERE container_id IS NULL",
                (path,),
            ).fetchone()
        return row[0] if row else None

    def resolve(self, target: str) -> str | None:
        """The hash (hex) of the document a path or `sha256:…` names; "" for a file without document.

        None when the library does not have it.
        """
        with self.reader() as db:
            if target.startswith("sha256:"):
                row = db.execute(
                    "SELECT hash FROM documents WHERE hash = ? AND EXISTS"
                    " (SELECT 1 FROM files WHERE document_id = documents.id)",
                    (target[7:],),
                ).fetchone()
                return row[0] if row else None
            found = file_id_of(db, target)
            if found is None:
                return None
            row = db.execute(
                "SELECT hash FROM documents WHERE id = (SELECT document_id FROM files WHERE id = ?)", (found,)
            ).fetchone()
            return row[0] if row else ""

    def paths_of(self, digest: str) -> list[bytes]:
        """The paths that hold a content now."""
        with self.reader() as db:
            rows = db.execute(
                "SELECT f.path FROM files f JOIN documents d ON d.id = f.document_id WHERE d.hash = ?"
                " ORDER BY length(f.path), f.id",
                (digest,),
            ).fetchall()
        return [row[0] for row in rows]

    # --- documents ---

    def document_by_hash(self, digest: str) -> StoredDocument | None:
        """The document with these bytes, also when no path holds it at the moment."""
        with self.reader() as db:
            row = db.execute(f"SELECT {_DOCUMENT} FROM documents WHERE hash = ?", (digest,)).fetchone()
        return StoredDocument(*row) if row else None

    def document_by_id(self, document_id: int) -> StoredDocument | None:
        """The document with this id."""
        with self.reader() as db:
            row = db.execute(f"SELECT {_DOCUMENT} FROM documents WHERE id = ?", (document_id,)).fetchone()
        return StoredDocument(*row) if row else None

    def holder(self, document_id: int, but: int) -> int | None:
        """A file other than `but` that holds the document and all of whose members are known."""
        with self.reader() as db:
            row = db.execute(
                "SELECT f.id FROM files f WHERE f.document_id = ? AND f.id <> ? AND f.status = 'indexed'"
                " AND EXISTS (SELECT 1 FROM files m WHERE m.container_id = f.id) AND NOT EXISTS"
                " (SELECT 1 FROM files m WHERE m.container_id = f.id AND m.status = 'pending') LIMIT 1",
                (document_id, but),
            ).fetchone()
        return row[0] if row else None

    def decoding(self, digest: str) -> str:
        """The encoding somebody chose for a content; "" when nobody did."""
        with self.reader() as db:
            row = db.execute("SELECT encoding FROM decodings WHERE hash = ?", (digest,)).fetchone()
        return str(row[0]) if row else ""

    def parsers(self) -> list[tuple[str, str]]:
        """Every pair of format and parser version that documents were read with."""
        with self.reader() as db:
            return db.execute("SELECT DISTINCT format, parser FROM documents").fetchall()

    def paths_read_with(self, format: str, parser: str) -> list[bytes]:
        """Paths on disk whose documents were read by this version of a parser."""
        with self.reader() as db:
            rows = db.execute(
                "SELECT f.path FROM files f JOIN documents d ON d.id = f.document_id"
                " WHERE d.format = ? AND d.parser = ?",
                (format, parser),
            ).fetchall()
        return [row[0] for row in rows]

    def orphans(self) -> list[int]:
        """Documents that no path holds."""
        with self.reader() as db:
            rows = db.execute(
                "SELECT id FROM documents d WHERE NOT EXISTS (SELECT 1 FROM files WHERE document_id = d.id)"
            ).fetchall()
        return [row[0] for row in rows]

    def chunks(self, digest: str) -> list[StoredChunk]:
        """The chunks of a document (hex hash) with their text, in order."""
        with self.reader() as db:
            row = db.execute("SELECT id FROM documents WHERE hash = ?", (digest,)).fetchone()
            return list(stored_chunks(db, row[0])) if row else []

    def characters(self, digest: str) -> int:
        """Length of a document's text; 0 when there is none."""
        with self.reader() as db:
            row = db.execute("SELECT characters FROM documents WHERE hash = ?", (digest,)).fetchone()
        return row[0] if row else 0

    def text(self, digest: str, start: int = 0, end: int | None = None) -> str:
        """A part of a document's text."""
        with self.reader() as db:
            row = db.execute("SELECT id, characters FROM documents WHERE hash = ?", (digest,)).fetchone()
            if row is None:
                return ""
            return read_text(db, row[0], start, row[1] if end is None else end)

    # --- the keyword index's work ---

    def outbox(self, after: int = 0, limit: int = 5000) -> list[tuple[int, str, int]]:
        """Work for the keyword index: (row id, op, target), oldest first."""
        with self.reader() as db:
            return db.execute(
                "SELECT id, op, target FROM keyword_outbox WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
            ).fetchall()

    def last_outbox(self) -> int:
        """The newest row of the outbox; 0 when it is empty."""
        with self.reader() as db:
            return int(db.execute("SELECT coalesce(max(id), 0) FROM keyword_outbox").fetchone()[0])

    def live_documents(self) -> list[int]:
        """Ids of all documents that a path holds."""
        with self.reader() as db:
            rows = db.execute(
                "SELECT DISTINCT document_id FROM files WHERE document_id IS NOT NULL ORDER BY 1"
            ).fetchall()
        return [row[0] for row in rows]

    def file_ids(self) -> list[int]:
        """Ids of all files that the keyword index should know, members included."""
        with self.reader() as db:
            return [
                row[0] for row in db.execute(f"SELECT id FROM files WHERE {KNOWN} ORDER BY id").fetchall()
            ]

    def chunk_ids(self, document_id: int) -> list[int]:
        """Ids of a document's chunks, ascending."""
        with self.reader() as db:
            rows = db.execute(
                "SELECT id FROM chunks WHERE document_id = ? ORDER BY id", (document_id,)
            ).fetchall()
        return [row[0] for row in rows]

    # --- counts ---

    def inconsistencies(self) -> list[str]:
        """Contradictions inside the catalogue, for people; empty when it is sound."""
        questions = {
            "documents have another number of chunks than they say": "SELECT count(*) FROM documents d"
            " WHERE chunk_count <> (SELECT count(*) FROM chunks WHERE document_id = d.id)",
            "documents lack a part of their text": "SELECT count(*) FROM documents d WHERE characters > 0 AND"
            f" (characters - 1) / {TEXT_BLOCK} + 1 <> (SELECT count(*) FROM texts WHERE document_id = d.id)",
            "chunks lie outside their text": "SELECT count(*) FROM chunks c JOIN documents d"
            ' ON d.id = c.document_id WHERE c.start < 0 OR c."end" > d.characters OR c.start >= c."end"',
            "files say they are read and hold nothing": "SELECT count(*) FROM files"
            " WHERE status = 'indexed' AND document_id IS NULL",
            "rows point to nothing": "SELECT count(*) FROM pragma_foreign_key_check",
        }
        with self.reader() as db:
            found = [(db.execute(sql).fetchone()[0], what) for what, sql in questions.items()]
        return [f"{count} {what}" for count, what in found if count]

    def counts(self) -> dict[str, int]:
        """Files, documents, chunks, vectors (of chunks that exist), pending_parse, pending_embed."""
        with self.reader() as db:
            return counts(db)

    def count_chunks(self) -> tuple[int, int]:
        """Chunks of documents that a path holds, and how many chunks wait for a vector."""
        with self.reader() as db:
            return int(db.execute(_CHUNKS).fetchone()[0]), count_pending(db)

    def failed_paths(self) -> list[bytes]:
        """Paths on disk that have a failure, by themselves or in a member."""
        with self.reader() as db:
            rows = db.execute(
                "SELECT f.path FROM files f LEFT JOIN documents d ON d.id = f.document_id"
                " WHERE (f.status = 'indexed' AND d.status <> 'indexed')"
                " OR f.status NOT IN ('indexed', 'pending') ORDER BY f.path"
            ).fetchall()
        return list(dict.fromkeys(self.container_of(row[0]) or row[0] for row in rows))

    def failed(self) -> tuple[UnreadFile, ...]:
        """Every path whose text is not available, with the reason."""
        with self.reader() as db:
            rows = db.execute(
                "SELECT f.path_text, CASE f.status WHEN 'indexed' THEN d.reason ELSE f.reason END,"
                " CASE f.status WHEN 'indexed' THEN d.hint ELSE f.hint END"
                " FROM files f LEFT JOIN documents d ON d.id = f.document_id"
                " WHERE (f.status = 'indexed' AND d.status <> 'indexed')"
                " OR f.status NOT IN ('indexed', 'pending') ORDER BY f.path"
            ).fetchall()
        return tuple(UnreadFile(path=path, reason=reason, hint=hint) for path, reason, hint in rows)

    # --- what people and models left behind ---

    def meta(self, key: str) -> str:
        """A small value kept under a name, or ""."""
        with self.reader() as db:
            row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else ""

    def cached(self, key: str) -> str | None:
        """A summary kept under its key, as JSON."""
        with self.reader() as db:
            row = db.execute("SELECT value FROM summaries WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None


def counts(db: Connection) -> dict[str, int]:
    """As `Reads.counts`, inside a block."""

    def one(sql: str) -> int:
        return int(db.execute(sql).fetchone()[0])

    return {
        "files": one("SELECT count(*) FROM files"),
        "documents": one("SELECT count(DISTINCT document_id) FROM files"),
        "chunks": one(_CHUNKS),
        "vectors": one(f"SELECT count(*) FROM vectors WHERE model_id = {current_model(db)}"),
        "pending_parse": one(
            "SELECT count(*) FROM files WHERE status IN ('pending', 'changed-while-reading')"
        ),
        "pending_embed": count_pending(db),
    }


def count_pending(db: Connection) -> int:
    """Chunks that wait for a vector of the model in use."""
    row = db.execute(
        "SELECT count(*) FROM embed_queue q JOIN chunks c ON c.document_id = q.document_id"
        f" WHERE {HELD} AND NOT EXISTS (SELECT 1 FROM vectors v WHERE v.model_id = ? AND v.key = c.key)",
        (current_model(db),),
    ).fetchone()
    return int(row[0])


def current_model(db: Connection) -> int:
    """Id of the embedding model in use; 0 before the first one was loaded."""
    row = db.execute("SELECT value FROM meta WHERE key = 'model_id'").fetchone()
    return int(row[0]) if row else 0


def file_id_of(db: Connection, target: str) -> int | None:
    """The file a path as shown names."""
    row = db.execute("SELECT id FROM files WHERE path = ?", (os.fsencode(target),)).fetchone()
    if row is None and "\ufffd" in target:
        # A name that is not UTF-8 is shown with replacement characters; look it up as shown.
        row = db.execute("SELECT id FROM files WHERE path_text = ? LIMIT 1", (target,)).fetchone()
    return row[0] if row else None


def unpack(block: bytes) -> str:
    """The text of a block of `texts`."""
    return zlib.decompress(block).decode("utf-8")


def read_text(db: Connection, document_id: int, start: int, end: int) -> str:
    """`text[start:end]` of a document; only the blocks that hold it are read."""
    if end <= start:
        return ""
    first, last = start // TEXT_BLOCK, (end - 1) // TEXT_BLOCK
    rows = db.execute(
        "SELECT text FROM texts WHERE document_id = ? AND block BETWEEN ? AND ? ORDER BY block",
        (document_id, first, last),
    )
    whole = "".join(unpack(row[0]) for row in rows)
    return whole[start - first * TEXT_BLOCK : end - first * TEXT_BLOCK]


def stored_chunks(db: Connection, document_id: int) -> Iterator[StoredChunk]:
    """The chunks of a document with their text, in order."""
    length = db.execute("SELECT characters FROM documents WHERE id = ?", (document_id,)).fetchone()
    text = read_text(db, document_id, 0, length[0]) if length else ""
    rows = db.execute(
        'SELECT id, ordinal, start, "end", page, heading, language FROM chunks WHERE document_id = ?'
        " ORDER BY ordinal",
        (document_id,),
    )
    for chunk, ordinal, start, end, page, heading, language in rows:
        yield StoredChunk(
            id=chunk,
            ordinal=ordinal,
            start=start,
            end=end,
            page=page,
            heading=heading,
            language=language,
            text=text[start:end],
        )
