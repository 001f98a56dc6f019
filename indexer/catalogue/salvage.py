"""A new catalogue in place of a damaged one, with what people put into the old one.

Documents, texts and chunks come from the user's files again; roots, tags, exclusions, feedback and the
vectors, which cost the most to make, are copied as far as they can be read.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from indexer.catalogue.connection import Database, set_aside

_TABLES = ("roots", "models", "tags", "excluded", "feedback", "summaries", "egress_log", "decodings")


def rebuild(path: Path) -> str:
    """Put a catalogue aside and begin a new one; returns what was kept, for a person."""
    kept = set_aside(path)
    fresh = Database(path)
    try:
        counts = {table: _copy(kept, fresh, table) for table in (*_TABLES, "vectors")}
    finally:
        fresh.close()
    return (
        f"{counts['roots']} folders, {counts['tags']} tags and {counts['vectors']} vectors were kept;"
        f" the old catalogue is {kept.name}."
    )


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
        marks = ", ".join("?" * len(columns))
        into = f"{table} ({', '.join(columns)})"  # an older catalogue has fewer
        with fresh.transaction() as db:
            while batch := _next(rows):
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
