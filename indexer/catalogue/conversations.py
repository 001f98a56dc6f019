"""Conversations that were had with a library, in a file of their own beside the catalogue.

A person's questions are not derived from documents: they survive `doctor --rebuild`, and unlike the
catalogue's they are safe on the disk when the call returns (rollback journal, synchronous FULL).
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from indexer.catalogue.connection import Connection
from indexer.errors import LibraryRefusedError, StoreError
from indexer.text import fold

VERSION = 2
"""`PRAGMA user_version` of the file."""

_OPENED = """
CREATE TABLE opened (                   -- documents that were opened after a search
    query     TEXT NOT NULL,
    document  TEXT NOT NULL,            -- sha256:<hex>
    opened_ns INTEGER NOT NULL,
    PRIMARY KEY (query, document)
) STRICT, WITHOUT ROWID;
"""

_TABLES = """
CREATE TABLE conversations (
    id         TEXT PRIMARY KEY,
    started_ns INTEGER NOT NULL,
    changed_ns INTEGER NOT NULL,
    scope      TEXT NOT NULL,
    documents  TEXT NOT NULL            -- JSON array of paths or hashes the questions were limited to
) STRICT, WITHOUT ROWID;

CREATE TABLE turns (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    asked_ns        INTEGER NOT NULL,
    question        TEXT NOT NULL,
    words           TEXT NOT NULL,      -- folded text of question and answer, for searching
    answer          TEXT NOT NULL,      -- JSON of copilot.types.Answer
    verdict         INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX turns_conversation ON turns (conversation_id);
"""

OPENED_KEPT = 5_000
"""Pairs of query and document that are kept, the newest."""


class TurnRow(NamedTuple):
    """A question as it is kept."""

    id: int
    conversation: str
    asked_ns: int
    question: str
    answer: str
    verdict: int


class ConversationHead(NamedTuple):
    """A conversation without its answers."""

    id: str
    started_ns: int
    scope: str
    documents: str
    question: str
    """The first question, or the first that matches."""
    turns: int


class Conversations:
    """The file; made when the first question is kept. Thread-safe."""

    def __init__(self, path: Path) -> None:
        """Remember the place; nothing is opened yet."""
        self._path = path
        self._lock = threading.Lock()
        self._db: Connection | None = None
        self._closed = False

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._closed = True
            if self._db is not None:
                self._db.close()
                self._db = None

    @contextmanager
    def _open(self) -> Iterator[Connection]:
        with self._lock:
            if self._closed:
                raise StoreError("The library is closed.")
            try:
                if self._db is None:
                    self._db = self._connect()
                with self._db:  # commits, or rolls back on an error
                    yield self._db
            except sqlite3.DatabaseError as exc:
                raise StoreError(
                    f"The history {self._path} cannot be used: {exc}.",
                    hint="Free some space on the disk, or move the file away to begin a new one.",
                ) from exc

    def _connect(self) -> Connection:
        db = sqlite3.connect(self._path, check_same_thread=False, timeout=5)
        try:
            for pragma in (
                "journal_mode=DELETE",
                "synchronous=FULL",
                "foreign_keys=ON",
                "trusted_schema=OFF",
            ):
                db.execute(f"PRAGMA {pragma}")
            # What is taken out of the history is overwritten, not only unlinked.
            db.execute("PRAGMA secure_delete=ON")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise LibraryRefusedError(
                    f"A newer Quire wrote the history {self._path}.", hint="Update Quire."
                )
            missing = {0: _TABLES + _OPENED, 1: _OPENED}.get(version, "")
            if missing:
                db.executescript(f"BEGIN; {missing} PRAGMA user_version={VERSION}; COMMIT;")
        except BaseException:
            db.close()
            raise
        return db

    @property
    def _is_there(self) -> bool:
        return self._db is not None or self._path.exists()

    def add(
        self, conversation: str, question: str, answer: str, text: str, *, scope: str, documents: str
    ) -> tuple[str, int]:
        """Keep a question with its answer.

        Args:
            conversation: Its id; one that is not there (or "") begins another.
            question: As asked.
            answer: JSON of the answer.
            text: The answer's words, to be searched.
            scope: Query the conversation is limited to.
            documents: JSON array of documents it is limited to.

        Returns:
            The ids of the conversation and of the turn.
        """
        now = time.time_ns()
        with self._open() as db:
            known = db.execute("SELECT 1 FROM conversations WHERE id = ?", (conversation,)).fetchone()
            if known is None:
                conversation = secrets.token_hex(4)
                db.execute(
                    "INSERT INTO conversations VALUES (?, ?, ?, ?, ?)",
                    (conversation, now, now, scope, documents),
                )
            cursor = db.execute(
                "INSERT INTO turns (conversation_id, asked_ns, question, words, answer)"
                " VALUES (?, ?, ?, ?, ?)",
                (conversation, now, question, fold(f"{question}\n{text}"), answer),
            )
            db.execute("UPDATE conversations SET changed_ns = ? WHERE id = ?", (now, conversation))
            return conversation, int(cursor.lastrowid or 0)

    def find(self, words: Sequence[str], limit: int) -> list[ConversationHead]:
        """Conversations with a turn that holds all (folded) words, the latest used first."""
        if not self._is_there:
            return []
        where = " AND ".join(["instr(words, ?) > 0"] * len(words)) or "1"
        with self._open() as db:
            rows = db.execute(
                # SQLite takes the other columns of a group from the row with the least id.
                "SELECT c.id, c.started_ns, c.scope, c.documents, t.question,"
                " (SELECT count(*) FROM turns WHERE conversation_id = c.id), min(t.id)"
                " FROM conversations c JOIN turns t ON t.conversation_id = c.id"
                f" WHERE {where} GROUP BY c.id ORDER BY c.changed_ns DESC, c.id LIMIT ?",
                (*words, limit),
            ).fetchall()
        return [ConversationHead(*row[:6]) for row in rows]

    def head(self, conversation: str) -> ConversationHead | None:
        """A conversation by its id or the beginning of it; "" the latest used."""
        if not self._is_there:
            return None
        with self._open() as db:
            row = db.execute(
                "SELECT id, started_ns, scope, documents, '', 0 FROM conversations"
                " WHERE substr(id, 1, length(?1)) = ?1 ORDER BY changed_ns DESC, id LIMIT 1",
                (conversation,),
            ).fetchone()
        return ConversationHead(*row) if row else None

    def turns(self, conversation: str) -> list[TurnRow]:
        """The questions of a conversation, in order."""
        if not self._is_there:
            return []
        return self._turns("conversation_id = ?", conversation)

    def turn(self, id: int) -> TurnRow | None:
        """A question by its id."""
        found = self._turns("id = ?", id) if self._is_there else []
        return found[0] if found else None

    def _turns(self, where: str, value: str | int) -> list[TurnRow]:
        with self._open() as db:
            rows = db.execute(
                "SELECT id, conversation_id, asked_ns, question, answer, verdict FROM turns"
                f" WHERE {where} ORDER BY id",
                (value,),
            ).fetchall()
        return [TurnRow(*row) for row in rows]

    def set_verdict(self, turn: int, verdict: int) -> None:
        """Mark a turn; see `TurnRow`."""
        with self._open() as db:
            db.execute("UPDATE turns SET verdict = ? WHERE id = ?", (verdict, turn))

    def note_opened(self, query: str, document: str) -> None:
        """Keep that a document was opened after a search."""
        with self._open() as db:
            db.execute("INSERT OR REPLACE INTO opened VALUES (?, ?, ?)", (query, document, time.time_ns()))
            db.execute(
                "DELETE FROM opened WHERE opened_ns < (SELECT opened_ns FROM opened"
                " ORDER BY opened_ns DESC LIMIT 1 OFFSET ?)",
                (OPENED_KEPT - 1,),
            )

    def opened(self) -> list[tuple[str, str]]:
        """(query, document) of what was opened after a search, by query."""
        if not self._is_there:
            return []
        with self._open() as db:
            return db.execute("SELECT query, document FROM opened ORDER BY query, document").fetchall()

    def forget(self, conversation: str) -> int:
        """Delete a conversation ("" all of them, and what was opened); returns how many there were."""
        if not self._is_there:
            return 0
        where, values = ("id = ?", (conversation,)) if conversation else ("1", ())
        with self._open() as db:
            if not conversation:
                db.execute("DELETE FROM opened")
            return int(db.execute(f"DELETE FROM conversations WHERE {where}", values).rowcount)
