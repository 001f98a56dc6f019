"""Pages that wait for OCR, and what it found on others.

Both belong to a content, not to a file: a rename, a copy or a new parser costs no page again. What waits
is derived from the documents (`fill`), so nothing needs to be noted when one is stored.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from indexer.catalogue.connection import Connection
from indexer.scans import RecognisedPage

HELD, WAITING, ASKED = 0, 1, 2
"""States of a page in the queue: stopped by a person; will be read; asked for by a person."""

_NOTHING = zlib.compress(b"", 6)
_HAS_FILE = "EXISTS (SELECT 1 FROM files f WHERE f.document_id = d.id)"


class QueuedPage(NamedTuple):
    """A page that waits."""

    hash: str
    page: int
    state: int
    engine: str
    """Asked for by a person; "" leaves it to the settings."""
    language: str


def fill(db: Connection, signature: str) -> list[tuple[str, int]]:
    """Pages that need OCR, are not queued, and were not tried by the engines of this signature."""
    return db.execute(
        "SELECT d.hash, t.value FROM documents d, json_each(d.textless) t"
        f" WHERE d.textless <> '[]' AND {_HAS_FILE}"
        " AND NOT EXISTS (SELECT 1 FROM ocr_queue q WHERE q.hash = d.hash AND q.page = t.value)"
        " AND NOT EXISTS (SELECT 1 FROM ocr_pages p WHERE p.hash = d.hash AND p.page = t.value"
        "  AND (p.reason = '' OR p.engine = ?))",
        (signature,),
    ).fetchall()


def enqueue(
    db: Connection,
    pages: Iterable[tuple[str, int]],
    state: int,
    *,
    engine: str = "",
    language: str = "",
) -> None:
    """Queue pages (hash, number), or change how they are queued."""
    db.executemany(
        "INSERT OR REPLACE INTO ocr_queue (hash, page, state, engine, language) VALUES (?, ?, ?, ?, ?)",
        ((digest, page, state, engine, language) for digest, page in pages),
    )


def hold(db: Connection) -> int:
    """Stop all pages that wait, until they are asked for; returns how many."""
    return db.execute("UPDATE ocr_queue SET state = ? WHERE state <> ?", (HELD, HELD)).rowcount


def count(db: Connection, least: int) -> int:
    """Pages in the queue with at least this state."""
    return int(db.execute("SELECT count(*) FROM ocr_queue WHERE state >= ?", (least,)).fetchone()[0])


def count_textless(db: Connection) -> int:
    """Pages of all documents that need OCR and have none."""
    row = db.execute(
        "SELECT coalesce(sum(json_array_length(d.textless)), 0) FROM documents d"
        f" WHERE d.textless <> '[]' AND {_HAS_FILE}"
    ).fetchone()
    return int(row[0])


def next_page(db: Connection, least: int, after: str = "") -> QueuedPage | None:
    """The page to be read next: those asked for first, and the document `after` before others."""
    row = db.execute(
        "SELECT q.hash, q.page, q.state, q.engine, q.language FROM ocr_queue q"
        f" JOIN documents d ON d.hash = q.hash WHERE q.state >= ? AND {_HAS_FILE}"
        " ORDER BY q.state DESC, q.hash = ? DESC, d.id DESC, q.page LIMIT 1",
        (least, after),
    ).fetchone()
    return QueuedPage(*row) if row else None


def drop_page(db: Connection, digest: str, page: int) -> None:
    """Take a page out of the queue."""
    db.execute("DELETE FROM ocr_queue WHERE hash = ? AND page = ?", (digest, page))


def store(db: Connection, digest: str, found: RecognisedPage) -> None:
    """Keep what came of a page and take it out of the queue; a failure hides no earlier success."""
    db.execute(
        "INSERT OR REPLACE INTO ocr_pages (hash, page, engine, text, confidence, reason, created_ns, stored)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
        (
            digest,
            found.page,
            found.engine,
            zlib.compress(found.text.encode("utf-8", "replace"), 6),
            found.confidence,
            found.reason,
            time.time_ns(),
        ),
    )
    drop_page(db, digest, found.page)


def pages_of(db: Connection, digest: str) -> list[RecognisedPage]:
    """What OCR found on the pages of a content: of each page the last success, else the last failure."""
    rows = db.execute(
        "SELECT page, text, confidence, engine, reason FROM ocr_pages WHERE hash = ?"
        " ORDER BY page, reason <> '' DESC, created_ns",
        (digest,),
    )
    found = {
        page: RecognisedPage(
            page=page,
            text=zlib.decompress(text).decode("utf-8"),
            confidence=confidence,
            engine=engine,
            reason=reason,
        )
        for page, text, confidence, engine, reason in rows
    }
    return list(found.values())


def confidences(db: Connection, digest: str) -> tuple[tuple[int, int], ...]:
    """(page, confidence) of the pages of a content whose text is from OCR."""
    rows = db.execute(
        "SELECT page, confidence, max(created_ns), length(text) FROM ocr_pages"
        " WHERE hash = ? AND reason = '' AND stored = 1 GROUP BY page ORDER BY page",
        (digest,),
    )
    return tuple((page, confidence) for page, confidence, _, size in rows if size > len(_NOTHING))


def mark_stored(db: Connection, digest: str, pages: Sequence[RecognisedPage]) -> None:
    """Note that these results are in the document's text."""
    db.executemany(
        "UPDATE ocr_pages SET stored = 1 WHERE hash = ? AND page = ? AND engine = ?",
        ((digest, page.page, page.engine) for page in pages),
    )


def count_unstored(db: Connection, digest: str) -> int:
    """Results of a content that are not in its document's text yet."""
    row = db.execute("SELECT count(*) FROM ocr_pages WHERE hash = ? AND stored = 0", (digest,)).fetchone()
    return int(row[0])


def unstored(db: Connection) -> list[str]:
    """Contents in use with results that are not in their text yet, and with no further page waiting."""
    rows = db.execute(
        "SELECT DISTINCT p.hash FROM ocr_pages p JOIN documents d ON d.hash = p.hash"
        f" WHERE p.stored = 0 AND {_HAS_FILE}"
        " AND NOT EXISTS (SELECT 1 FROM ocr_queue q WHERE q.hash = p.hash AND q.state > 0)"
    )
    return [row[0] for row in rows]


def language_of(db: Connection, digest: str) -> str:
    """ISO 639-1 code of a content's text, "" when it has none."""
    row = db.execute("SELECT language FROM documents WHERE hash = ?", (digest,)).fetchone()
    return str(row[0]) if row else ""


def pages_below(db: Connection, paths: Sequence[str]) -> list[tuple[str, int, str]]:
    """(hash, page, engine that has read it or "") of pages of files at or below these paths; none: all.

    Only pages that are pictures, or whose text is from OCR.
    """
    if not paths:
        where, values = "1", []
    else:
        where = " OR ".join(
            "f.path_text = ? OR substr(f.path_text, 1, length(?)) = ? OR 'sha256:' || d.hash = ?"
            for _ in paths
        )
        values = [each for path in paths for each in (path, *[path.rstrip("/") + "/"] * 2, path)]
    rows = db.execute(
        "WITH chosen AS (SELECT DISTINCT d.id, d.hash, d.textless FROM documents d"
        f" JOIN files f ON f.document_id = d.id WHERE {where})"
        " SELECT c.hash, t.value AS page, '' FROM chosen c, json_each(c.textless) t WHERE c.textless <> '[]'"
        " UNION ALL SELECT hash, page, engine FROM (SELECT p.hash, p.page, p.engine, max(p.created_ns)"
        "  FROM chosen c JOIN ocr_pages p ON p.hash = c.hash WHERE p.reason = '' GROUP BY p.hash, p.page)"
        " ORDER BY 1, 2",
        values,
    )
    found = {(digest, page): engine for digest, page, engine in rows}
    return [(digest, page, engine) for (digest, page), engine in found.items()]


def forget_unused(db: Connection) -> None:
    """Drop what belongs to contents that are not in the library any more."""
    for table in ("ocr_queue", "ocr_pages"):
        db.execute(f"DELETE FROM {table} WHERE hash NOT IN (SELECT hash FROM documents)")
