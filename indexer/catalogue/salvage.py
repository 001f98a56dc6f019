"""A new catalogue in place of a damaged one, with what people put into the old one.

Documents, texts and chunks come from the user's files again; roots, labels, feedback and what costs the most
to make, vectors and recognised pages, are copied as far as they can be read. Labels wait for their files,
which find them when they are read (`indexer.catalogue.cards`).
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path

from indexer.catalogue import cards
from indexer.catalogue.connection import Database, set_aside
from indexer.text import fold

_TABLES = ("roots", "models", "feedback", "summaries", "egress_log", "decodings", "ocr_pages")
_LABELS = (
    "cards",
    "card_tags",
    "card_fields",
    "card_verdicts",
    "custom_fields",
    "collections",
    "label_rules",
)
_DERIVED = "file_id"
"""A column that points at what is made anew: it stays empty."""


def rebuild(path: Path) -> str:
    """Put a catalogue aside and begin a new one; returns what was kept, for a person."""
    kept = set_aside(path)
    fresh = Database(path)
    try:
        counts = {table: _copy(kept, fresh, table) for table in (*_TABLES, *_LABELS, "vectors")}
        tags = counts["card_tags"] + _copy_by_content(kept, fresh)
    finally:
        fresh.close()
    return (
        f"{counts['roots']} folders, {tags} tags and {counts['vectors']} vectors were kept;"
        f" the old catalogue is {kept.name}."
    )


def _copy_by_content(source: Path, fresh: Database) -> int:
    """Make cards of the tags and exclusions of a catalogue that hung them on contents; counts the tags."""
    tags = _rows(source, "SELECT hash, tag FROM tags")
    excluded = {row[0] for row in _rows(source, "SELECT hash FROM excluded")}
    with fresh.transaction() as db:
        for digest in sorted({row[0] for row in tags} | excluded):
            card = cards.read(db, [cards.let_wait(db, b"", digest)])[0]
            held = {fold(tag): (tag, True) for of, tag in tags if of == digest}
            cards.write(db, replace(card, excluded=digest in excluded, tags=held))
    return len(tags)


def _rows(source: Path, sql: str) -> list[tuple[str, ...]]:
    """What can be read of a table of an older catalogue; nothing when it is not there."""
    found: list[tuple[str, ...]] = []
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old,
    ):
        rows = old.execute(sql)
        while batch := _next(rows):
            found += batch  # type: ignore[arg-type]
    return found


def _copy(source: Path, fresh: Database, table: str) -> int:
    """Copy the rows of a table that can be read; returns how many."""
    copied = 0
    try:
        old = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    except sqlite3.Error:
        return 0
    try:
        rows = old.execute(f"SELECT * FROM {table}")
        columns = [column[0] for column in rows.description]
        kept = [name for name in columns if name != _DERIVED]
        if len(kept) < len(columns):
            rows = old.execute(f"SELECT {', '.join(kept)} FROM {table}")
        marks = ", ".join("?" * len(kept))
        into = f"{table} ({', '.join(kept)})"  # an older catalogue has fewer
        with fresh.transaction() as db:
            there = {row[0] for row in db.execute("SELECT id FROM cards")} if kept[0] == "card_id" else None
            while batch := _next(rows):
                # What hangs on a card that could not be read has nothing to hang on.
                batch = [row for row in batch if there is None or row[0] in there]
                db.executemany(f"INSERT OR IGNORE INTO {into} VALUES ({marks})", batch)
                copied += len(batch)
    except sqlite3.Error:
        # The damaged page: what came before it is kept.
        return copied
    finally:
        old.close()
    return copied


def _next(rows: sqlite3.Cursor) -> list[tuple[object, ...]]:
    try:
        return rows.fetchmany(500)
    except sqlite3.Error:
        return []
