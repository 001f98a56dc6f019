"""Every statement that changes the catalogue, but for the vectors.

Each public method is one transaction, or joins the one it is called in. Whatever changes what can be
found leaves a row in `keyword_outbox` in the same transaction, so that the keyword index can be brought
up to date after any crash.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from indexer.catalogue import cards, measures
from indexer.catalogue.connection import Connection
from indexer.catalogue.reads import Reads
from indexer.catalogue.schema import TEXT_BLOCK
from indexer.findings import Quality
from indexer.types import Chunk, ParsedDocument, Status


class Fingerprint(NamedTuple):
    """What tells that a file has changed without reading it."""

    size: int
    mtime_ns: int
    ctime_ns: int
    dev: int
    ino: int

    @classmethod
    def of(cls, stat: os.stat_result) -> Fingerprint:
        """From a stat; device and inode as SQLite's signed 64 bits."""
        return cls(
            stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, _signed(stat.st_dev), _signed(stat.st_ino)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A content that was read, as the catalogue stores it."""

    hash: str
    """Hex SHA-256 of the bytes."""
    size_bytes: int
    parser: str
    language: str
    parsed: ParsedDocument
    chunks: Sequence[Chunk]
    keys: Sequence[bytes]
    """Of each chunk, in order."""
    status: Status
    reason: str = ""
    hint: str = ""
    quality: Quality | None = None
    priority: int = 0
    """Place of its chunks in the queue for embedding; smaller first."""


_MARK = "size_bytes = ?, mtime_ns = ?, ctime_ns = ?, dev = ?, ino = ?"


class Dropped(NamedTuple):
    """What a deletion took away."""

    files: list[int]
    orphans: list[int]
    """Documents that no path holds any more; their rows stay until `drop_documents`."""


class Writes(Reads):
    """The writing half of the catalogue."""

    # --- roots ---

    def add_root(self, path: bytes) -> int:
        """Make a folder or file a root; returns its id, also when it is one already."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO roots (path, added_ns) VALUES (?, ?) ON CONFLICT (path) DO NOTHING",
                (path, time.time_ns()),
            )
            return int(db.execute("SELECT id FROM roots WHERE path = ?", (path,)).fetchone()[0])

    def set_root_state(self, root_id: int, state: str, note: str = "") -> None:
        """Note whether a root is watched, polled or missing, and why."""
        with self.transaction() as db:
            db.execute("UPDATE roots SET state = ?, note = ? WHERE id = ?", (state, note, root_id))

    def adopt_files(self, root_id: int, below: bytes) -> None:
        """Give the files below a folder to another root, for one root that comes to lie in another."""
        with self.transaction() as db:
            db.execute(
                "UPDATE files SET root_id = ? WHERE path = ? OR (path >= ? AND path < ?)",
                (root_id, below, below + b"/", below + b"0"),
            )

    def remove_root(self, root_id: int) -> Dropped:
        """Forget a root and its files."""
        with self.transaction() as db:
            files = [row[0] for row in db.execute("SELECT id FROM files WHERE root_id = ?", (root_id,))]
            dropped = self.drop_files(files)
            db.execute("DELETE FROM roots WHERE id = ?", (root_id,))
            return dropped

    # --- files ---

    def mark_pending(self, root_id: int, found: Iterable[tuple[bytes, Fingerprint]]) -> None:
        """Note files that must be read: new ones, or known ones whose bytes may have changed.

        A known file keeps its document and its old fingerprint until it has been read, so that what
        was found before stays found and a crash does not hide the change.
        """
        now = time.time_ns()
        with self.transaction() as db:
            db.executemany(
                "INSERT INTO files (root_id, path, path_text, name, ext, size_bytes, mtime_ns, ctime_ns,"
                " dev, ino, status, added_ns) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 'pending', ?)"
                " ON CONFLICT (path) DO UPDATE SET status = 'pending', reason = '', hint = ''",
                ((root_id, path, *path_columns(path), mark.size, mark.mtime_ns, now) for path, mark in found),
            )

    def move_files(self, moves: Sequence[tuple[int, int, bytes, Fingerprint]]) -> None:
        """Give files new paths: (file id, root id, new path, fingerprint). Members move along."""
        with self.transaction() as db:
            before = {move[0]: self._path_of(db, move[0]) for move in moves}
            # A chain of renames (a to b, b to c) would collide half-way: park all first.
            db.executemany(
                "UPDATE files SET path = CAST('//' || id AS BLOB) WHERE id = ?",
                ((move[0],) for move in moves),
            )
            for file_id, root_id, path, mark in moves:
                text, name, ext = path_columns(path)
                db.execute(
                    "UPDATE files SET root_id = ?, path = ?, path_text = ?, name = ?, ext = ?,"
                    f" {_MARK} WHERE id = ?",
                    (root_id, path, text, name, ext, *mark, file_id),
                )
                _outbox(db, "add-file", [file_id])
                self._move_members(db, file_id, root_id, len(before[file_id]), path)
                cards.adopt(db, file_id, moved=True)

    def _path_of(self, db: Connection, file_id: int) -> bytes:
        return bytes(db.execute("SELECT path FROM files WHERE id = ?", (file_id,)).fetchone()[0])

    def _move_members(self, db: Connection, container: int, root_id: int, length: int, path: bytes) -> None:
        """Replace the first `length` bytes of the members' paths, the old path of their container."""
        members = db.execute("SELECT id, path FROM files WHERE container_id = ?", (container,)).fetchall()
        for member, old in members:
            new = path + old[length:]
            text, name, ext = path_columns(new)
            db.execute(
                "UPDATE files SET root_id = ?, path = ?, path_text = ?, name = ?, ext = ? WHERE id = ?",
                (root_id, new, text, name, ext, member),
            )
            _outbox(db, "add-file", [member])
            self._move_members(db, member, root_id, len(old), new)

    def link(self, file_id: int, document_id: int, mark: Fingerprint, *, fresh: bool = False) -> list[int]:
        """Let a file hold a document; returns documents that no path holds any more.

        Args:
            file_id: The file; nothing happens when it is gone by now.
            document_id: What it holds now.
            mark: Its fingerprint at the time it was read.
            fresh: The document was stored in this very transaction and is queued already.
        """
        with self.transaction() as db:
            row = db.execute("SELECT document_id FROM files WHERE id = ?", (file_id,)).fetchone()
            if row is None:
                return []
            before = row[0]
            db.execute(
                "UPDATE files SET document_id = ?, status = 'indexed', reason = '', hint = '',"
                f" {_MARK} WHERE id = ?",
                (document_id, *mark, file_id),
            )
            if before == document_id and not fresh:
                return []
            # A document that was read again may have another title, which the file's entry holds.
            _outbox(db, "add-file", [file_id])
            if not fresh:
                self._revive(db, document_id)
            if before == document_id:
                return []
            cards.adopt(db, file_id)
            return self._orphans(db, [before]) if before is not None else []

    def _revive(self, db: Connection, document_id: int) -> None:
        """Queue a document for the keyword index again when this is its first path."""
        held = db.execute("SELECT count(*) FROM files WHERE document_id = ?", (document_id,)).fetchone()[0]
        if held == 1:
            _outbox(db, "add-document", [document_id])

    def release(self, documents: Iterable[int]) -> list[int]:
        """Of these documents, those that no path holds; they leave the keyword index."""
        with self.transaction() as db:
            return self._orphans(db, documents)

    def _orphans(self, db: Connection, documents: Iterable[int]) -> list[int]:
        orphans = [
            document
            for document in documents
            if db.execute("SELECT 1 FROM files WHERE document_id = ? LIMIT 1", (document,)).fetchone() is None
        ]
        _outbox(db, "drop-document", orphans)
        return orphans

    def fail_file(self, file_id: int, mark: Fingerprint, status: str, reason: str, hint: str) -> list[int]:
        """Note why a path cannot be read at all; returns documents that no path holds any more."""
        with self.transaction() as db:
            row = db.execute("SELECT document_id FROM files WHERE id = ?", (file_id,)).fetchone()
            if row is None:
                return []
            db.execute(
                "UPDATE files SET document_id = NULL, status = ?, reason = ?, hint = ?,"
                f" {_MARK} WHERE id = ?",
                (status, reason, hint, *mark, file_id),
            )
            cards.adopt(db, file_id)
            _outbox(db, "add-file", [file_id])
            dropped = self.drop_files(self._member_ids(db, [file_id]))
            orphans = self._orphans(db, [row[0]]) if row[0] is not None else []
            return dropped.orphans + orphans

    def delay_file(self, file_id: int, reason: str) -> None:
        """Note that a file changed while it was read; its fingerprint stays old, so it is tried again."""
        with self.transaction() as db:
            db.execute(
                "UPDATE files SET status = ?, reason = ?, hint = ? WHERE id = ?",
                (str(Status.CHANGED), reason, "It is read as soon as it stays unchanged.", file_id),
            )

    def drop_files(self, ids: Sequence[int]) -> Dropped:
        """Forget files and their members."""
        with self.transaction() as db:
            gone = [*ids, *self._member_ids(db, ids)]
            held: set[int] = set()
            for file_id in gone:
                row = db.execute("SELECT document_id FROM files WHERE id = ?", (file_id,)).fetchone()
                if row is not None and row[0] is not None:
                    held.add(row[0])
            db.executemany("DELETE FROM files WHERE id = ?", ((file_id,) for file_id in gone))
            _outbox(db, "drop-file", gone)
            return Dropped(gone, self._orphans(db, sorted(held)))

    def _member_ids(self, db: Connection, containers: Iterable[int]) -> list[int]:
        found: list[int] = []
        level = list(containers)
        while level:
            level = [
                row[0]
                for container in level
                for row in db.execute("SELECT id FROM files WHERE container_id = ?", (container,))
            ]
            found += level
        return found

    def put_members(self, container: int, members: Sequence[tuple[bytes, int]]) -> tuple[list[int], Dropped]:
        """Make the members of a container what they are now: (name, size); all become pending.

        Returns:
            The file id of each member in order, and what was dropped. A member whose path is that of a
            real file (a folder can be called `a.zip!`) gets id 0 and is left out.
        """
        now = time.time_ns()
        with self.transaction() as db:
            root_id, path, mtime_ns = db.execute(
                "SELECT root_id, path, mtime_ns FROM files WHERE id = ?", (container,)
            ).fetchone()
            paths = {path + b"!/" + name: size for name, size in members}
            gone = [
                row[0]
                for row in db.execute("SELECT id, path FROM files WHERE container_id = ?", (container,))
                if row[1] not in paths
            ]
            dropped = self.drop_files(gone)
            db.executemany(
                "INSERT INTO files (root_id, path, path_text, name, ext, container_id, size_bytes, mtime_ns,"
                " ctime_ns, dev, ino, status, added_ns)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 'pending', ?)"
                " ON CONFLICT (path) DO UPDATE SET status = 'pending', size_bytes = excluded.size_bytes,"
                " mtime_ns = excluded.mtime_ns WHERE container_id = excluded.container_id",
                (
                    (root_id, member, *path_columns(member), container, size, mtime_ns, now)
                    for member, size in paths.items()
                ),
            )
            ids = dict(
                db.execute("SELECT path, id FROM files WHERE container_id = ?", (container,)).fetchall()
            )
            return [ids.get(path + b"!/" + name, 0) for name, _ in members], dropped

    def copy_members(self, source: int, target: int) -> list[int]:
        """Give a container the members of another one with the same content.

        Returns documents that no path holds any more.
        """
        with self.transaction() as db:
            rows = db.execute(
                "SELECT id, path, size_bytes, document_id, status, reason, hint FROM files"
                " WHERE container_id = ?",
                (source,),
            ).fetchall()
            skip = len(self._path_of(db, source)) + 2
            mtime_ns = db.execute("SELECT mtime_ns FROM files WHERE id = ?", (target,)).fetchone()[0]
            copies, dropped = self.put_members(target, [(row[1][skip:], row[2]) for row in rows])
            orphans = dropped.orphans
            for copy, (member, _, size, document, *failure) in zip(copies, rows, strict=True):
                mark = Fingerprint(size, mtime_ns, 0, 0, 0)
                if copy and document is not None:
                    orphans += self.link(copy, document, mark) + self.copy_members(member, copy)
                elif copy:
                    orphans += self.fail_file(copy, mark, *failure)
            return orphans

    # --- documents ---

    def store_document(self, new: NewDocument) -> tuple[int, list[int]]:
        """Store a content with its text, chunks and pending work; returns its id and its chunks' ids.

        A document with the same bytes is replaced in place (a better parser read it again).
        """
        parsed = new.parsed
        with self.transaction() as db:
            document_id = self._put_document(db, new)
            blocks = range(0, len(parsed.text), TEXT_BLOCK)
            db.executemany(
                "INSERT INTO texts VALUES (?, ?, ?)",
                ((document_id, o // TEXT_BLOCK, pack(parsed.text[o : o + TEXT_BLOCK])) for o in blocks),
            )
            first = (
                int(
                    db.execute(
                        "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'chunks'"
                    ).fetchone()[0]
                )
                + 1
            )
            ids = list(range(first, first + len(new.chunks)))
            db.executemany(
                'INSERT INTO chunks (id, document_id, ordinal, start, "end", page, heading, language, key)'
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (i, document_id, c.ordinal, c.start, c.end, c.page, c.heading, c.language, key)
                    for i, c, key in zip(ids, new.chunks, new.keys, strict=True)
                ),
            )
            if new.quality is not None:
                measures.put(db, document_id, new.quality, zip(ids, new.chunks, strict=True))
                measures.put_facts(db, document_id, parsed)
            if ids:
                db.execute("INSERT OR REPLACE INTO embed_queue VALUES (?, ?)", (document_id, new.priority))
            _outbox(db, "add-document", [document_id])
            return document_id, ids

    def _put_document(self, db: Connection, new: NewDocument) -> int:
        parsed = new.parsed
        row = {
            "hash": new.hash,
            "size_bytes": new.size_bytes,
            "status": str(new.status),
            "reason": new.reason,
            "hint": new.hint,
            "title": parsed.title,
            "kind": parsed.kind,
            "format": parsed.format,
            "language": new.language,
            "created": parsed.metadata.get("created", ""),
            "pages": len(parsed.pages),
            "characters": len(parsed.text),
            "chunk_count": len(new.chunks),
            "members": len(parsed.attachments),
            "quality": new.quality.score if new.quality else None,
            "parser": new.parser,
            "metadata": _json(dict(parsed.metadata)),
            "warnings": _json(parsed.warnings),
            "page_spans": _json([(p.number, p.start, p.end, p.label) for p in parsed.pages]),
            "headings": _json([(h.level, h.start, h.end) for h in parsed.headings]),
            "textless": _json(parsed.textless_pages),
            "parsed_ns": time.time_ns(),
        }
        known = db.execute("SELECT id FROM documents WHERE hash = ?", (new.hash,)).fetchone()
        if known is not None:
            self._empty_document(db, known[0])
            changes = ", ".join(f"{column} = :{column}" for column in row)
            db.execute(f"UPDATE documents SET {changes} WHERE id = :id", {**row, "id": known[0]})
            return int(known[0])
        columns = ", ".join(row)
        values = ", ".join(f":{column}" for column in row)
        cursor = db.execute(f"INSERT INTO documents ({columns}) VALUES ({values})", row)
        return int(cursor.lastrowid or 0)

    def _empty_document(self, db: Connection, document_id: int) -> None:
        for table in ("chunks", "texts", "embed_queue", "signatures", "means", "measures"):
            db.execute(f"DELETE FROM {table} WHERE document_id = ?", (document_id,))

    def drop_documents(self, ids: Iterable[int]) -> list[int]:
        """Remove documents that no path holds; those that found a path again stay. Returns those gone."""
        gone = []
        with self.transaction() as db:
            for document_id in ids:
                if db.execute("SELECT 1 FROM files WHERE document_id = ?", (document_id,)).fetchone():
                    continue
                self._empty_document(db, document_id)
                db.execute(
                    "DELETE FROM ocr_pages WHERE hash = (SELECT hash FROM documents WHERE id = ?)",
                    (document_id,),
                )
                db.execute("DELETE FROM documents WHERE id = ?", (document_id,))
                gone.append(document_id)
        return gone

    # --- the keyword index's work ---

    def queue_keywords(self, op: str, targets: Sequence[int]) -> None:
        """Queue work for the keyword index by hand: `op` as in `keyword_outbox`."""
        with self.transaction() as db:
            _outbox(db, op, targets)

    def clear_outbox(self, last: int) -> None:
        """Forget the work up to this row; the keyword index has committed it."""
        with self.transaction() as db:
            db.execute("DELETE FROM keyword_outbox WHERE id <= ?", (last,))

    # --- what people and models leave behind ---

    def set_meta(self, key: str, value: str) -> None:
        """Keep a small value under a name."""
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def cache(self, key: str, value: str) -> None:
        """Keep a summary (JSON) under its key."""
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO summaries VALUES (?, ?, ?)", (key, value, time.time_ns()))


def _outbox(db: Connection, op: str, targets: Sequence[int]) -> None:
    db.executemany("INSERT INTO keyword_outbox (op, target) VALUES (?, ?)", ((op, t) for t in targets))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def pack(text: str) -> bytes:
    """A block of text as `texts` holds it. Level 1: the rest gains little and costs twice the time."""
    return zlib.compress(text.encode("utf-8", "replace"), 1)


def path_columns(path: bytes) -> tuple[str, str, str]:
    """The path as shown, its last part, and its suffix in lower case without the dot."""
    text = path.decode("utf-8", "replace")
    name = text.rpartition("/")[2]
    stem, dot, ext = name.rpartition(".")
    return text, name, ext.casefold() if dot and stem else ""
