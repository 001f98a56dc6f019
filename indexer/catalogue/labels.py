"""What there is to label with, and what files are labelled with now: by hand and by rule.

Cards, on which all that is by hand lies, are `indexer.catalogue.cards`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, cast

from indexer.catalogue.connection import Connection
from indexer.labelled import Collection as Saved
from indexer.labelled import CustomField, FieldKind, Rule, Tag, TagCount
from indexer.text import fold

UNDOABLE = 50
"""Changes that can be undone, one after the other."""


# As the view `file_tags`, in a prescribed order (CROSS): through the view SQLite would go through the tags
# of all files first, which every page of hits would pay for.
_TAGS_OF = """
SELECT f.document_id, t.key, t.tag FROM json_each(:ids) AS wanted
CROSS JOIN files f ON f.document_id = wanted.value
CROSS JOIN cards c ON c.file_id = f.id
CROSS JOIN card_tags t ON t.card_id = c.id AND t.given = 1
UNION
SELECT f.document_id, r.key, r.value FROM json_each(:ids) AS wanted
CROSS JOIN files f ON f.document_id = wanted.value
CROSS JOIN ruled r ON r.file_id = f.id
CROSS JOIN label_rules l ON l.id = r.rule_id AND l.field = ''
WHERE NOT EXISTS (
    SELECT 1 FROM cards c JOIN card_tags t ON t.card_id = c.id WHERE c.file_id = f.id AND t.key = r.key)
ORDER BY 2"""


class Labelled(NamedTuple):
    """A file with what is on it beside its card."""

    path: str
    document: str
    """Hex hash, or ""."""
    card: int
    """Id of its card; 0 without one."""


# --- what files are labelled with -------------------------------------------------------------------


def file_of(db: Connection, file_id: int) -> Labelled:
    """Path, content and card of a file."""
    row = db.execute(
        "SELECT f.path_text, coalesce(d.hash, ''), coalesce(c.id, 0) FROM files f"
        " LEFT JOIN documents d ON d.id = f.document_id LEFT JOIN cards c ON c.file_id = f.id WHERE f.id = ?",
        (file_id,),
    ).fetchone()
    return Labelled(*row)


def tags_on(db: Connection, file_id: int) -> tuple[Tag, ...]:
    """The tags of a file, by name, with the rule that gives them."""
    rows = db.execute(
        "SELECT t.tag, max(coalesce(l.query, '')) FROM file_tags t"
        " LEFT JOIN label_rules l ON l.id = t.rule_id WHERE t.file_id = ? GROUP BY t.key ORDER BY t.key",
        (file_id,),
    )
    return tuple(Tag(name=name, rule=rule) for name, rule in rows)


def fields_on(db: Connection, file_id: int) -> dict[str, tuple[str, bool]]:
    """The fields of a file: value, and whether a rule gives it."""
    rows = db.execute(
        "SELECT name, value, rule_id IS NOT NULL FROM file_fields WHERE file_id = ? ORDER BY name", (file_id,)
    )
    return {name: (value, bool(ruled)) for name, value, ruled in rows}


def tags_of(db: Connection, documents: Collection[int]) -> dict[int, tuple[str, ...]]:
    """The tags of documents under any of their paths, by name."""
    rows = db.execute(_TAGS_OF, {"ids": json.dumps(list(documents))})
    found: dict[int, dict[str, str]] = {}
    for document, key, tag in rows:
        found.setdefault(document, {}).setdefault(key, tag)
    return {document: tuple(tags.values()) for document, tags in found.items()}


def copies(db: Connection, files: Collection[int], without: str) -> frozenset[int]:
    """These files and all others that hold the same content, but for the content `without` (hex)."""
    rows = db.execute(
        "SELECT o.id FROM files f JOIN documents d ON d.id = f.document_id AND d.hash <> ?"
        " JOIN files o ON o.document_id = f.document_id WHERE f.id IN (SELECT value FROM json_each(?))",
        (without, json.dumps(list(files))),
    )
    return frozenset(files) | {row[0] for row in rows}


def count_documents(db: Connection, files: Collection[int]) -> int:
    """Different contents among these files; one that cannot be read counts by itself."""
    row = db.execute(
        "SELECT count(DISTINCT coalesce(document_id, -id)) FROM files"
        " WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(files)),),
    ).fetchone()
    return int(row[0])


# --- what there is --------------------------------------------------------------------------------


def tag_counts(db: Connection) -> tuple[TagCount, ...]:
    """Every tag that a document has, by name."""
    rows = db.execute(
        "SELECT min(t.tag), count(DISTINCT coalesce(f.document_id, -f.id)),"
        " count(DISTINCT CASE WHEN t.rule_id IS NULL THEN coalesce(f.document_id, -f.id) END)"
        " FROM file_tags t JOIN files f ON f.id = t.file_id GROUP BY t.key ORDER BY t.key"
    )
    return tuple(TagCount(name=name, documents=all_, by_rule=all_ - hand) for name, all_, hand in rows)


def spelling(db: Connection, key: str) -> str | None:
    """How a tag is spelled where it was given first."""
    row = db.execute(
        "SELECT tag FROM card_tags WHERE key = ? AND given = 1 ORDER BY card_id LIMIT 1", (key,)
    ).fetchone()
    return row[0] if row else None


def custom_fields(db: Connection) -> dict[str, FieldKind]:
    """Kinds of the fields somebody made, by name."""
    return {name: cast(FieldKind, kind) for name, kind in db.execute("SELECT name, kind FROM custom_fields")}


def field_counts(db: Connection) -> tuple[CustomField, ...]:
    """The fields somebody made, with how many documents have them."""
    rows = db.execute(
        "SELECT c.name, c.kind, (SELECT count(DISTINCT coalesce(f.document_id, -f.id)) FROM file_fields v"
        " JOIN files f ON f.id = v.file_id WHERE v.name = c.name) FROM custom_fields c ORDER BY c.name"
    )
    return tuple(CustomField(name=name, kind=kind, documents=count) for name, kind, count in rows)


def make_field(db: Connection, name: str, kind: FieldKind) -> None:
    """Make a field."""
    db.execute("INSERT OR IGNORE INTO custom_fields VALUES (?, ?)", (name, kind))


def collections(db: Connection) -> tuple[Saved, ...]:
    """The searches kept, by name."""
    rows = db.execute("SELECT name, query FROM collections ORDER BY key")
    return tuple(Saved(name=name, query=query) for name, query in rows)


def collection(db: Connection, name: str) -> str | None:
    """The query of a collection."""
    row = db.execute("SELECT query FROM collections WHERE key = ?", (fold(name),)).fetchone()
    return row[0] if row else None


def save_collection(db: Connection, name: str, query: str) -> None:
    """Keep a search under a name, in place of one of the same name."""
    db.execute("INSERT OR REPLACE INTO collections VALUES (?, ?, ?)", (fold(name), name, query))


def remove_collection(db: Connection, name: str) -> bool:
    """Forget a collection; whether it was there."""
    return db.execute("DELETE FROM collections WHERE key = ?", (fold(name),)).rowcount > 0


# --- rules ----------------------------------------------------------------------------------------


def rules(db: Connection) -> tuple[Rule, ...]:
    """The rules, oldest first."""
    rows = db.execute(
        "SELECT id, query, field, value, (SELECT count(*) FROM ruled WHERE rule_id = label_rules.id)"
        " FROM label_rules ORDER BY id"
    )
    return tuple(
        Rule(id=number, query=query, gives=f"{field}={value}" if field else value, files=count)
        for number, query, field, value, count in rows
    )


def save_rule(db: Connection, query: str, field: str, value: str) -> int:
    """Keep a rule; returns its id, also when it was there."""
    db.execute(
        "INSERT OR IGNORE INTO label_rules (query, field, value) VALUES (?, ?, ?)", (query, field, value)
    )
    row = db.execute(
        "SELECT id FROM label_rules WHERE query = ? AND field = ? AND value = ?", (query, field, value)
    ).fetchone()
    return int(row[0])


def remove_rule(db: Connection, rule: int) -> bool:
    """Forget a rule and what it gave; whether it was there."""
    return db.execute("DELETE FROM label_rules WHERE id = ?", (rule,)).rowcount > 0


def ruled(db: Connection, rule: int) -> dict[int, str]:
    """What a rule gives now: value by file."""
    rows = db.execute("SELECT file_id, value FROM ruled WHERE rule_id = ?", (rule,))
    return dict(rows.fetchall())


def set_ruled(db: Connection, rule: int, key: str, gone: Iterable[int], given: Mapping[int, str]) -> None:
    """Let a rule hold for other files: take it from some, give others these values."""
    db.executemany("DELETE FROM ruled WHERE rule_id = ? AND file_id = ?", ((rule, each) for each in gone))
    db.executemany(
        # A file may have gone since the rule was asked.
        "INSERT OR REPLACE INTO ruled (rule_id, file_id, key, value)"
        " SELECT ?, id, ?, ? FROM files WHERE id = ?",
        ((rule, key, value, file) for file, value in given.items()),
    )


def ruled_tags(db: Connection, files: Collection[int]) -> dict[int, frozenset[str]]:
    """Folded tags that rules give to files."""
    rows = db.execute(
        "SELECT r.file_id, r.key FROM ruled r JOIN label_rules l ON l.id = r.rule_id WHERE l.field = ''"
        " AND r.file_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(files)),),
    )
    found: dict[int, set[str]] = {}
    for file_id, key in rows:
        found.setdefault(file_id, set()).add(key)
    return {file_id: frozenset(keys) for file_id, keys in found.items()}


def changed_at(db: Connection, files: Collection[int]) -> dict[int, int]:
    """When files were last changed on disk, in nanoseconds."""
    rows = db.execute(
        "SELECT id, mtime_ns FROM files WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(files)),),
    )
    return dict(rows.fetchall())


# --- undo -----------------------------------------------------------------------------------------


def remember(db: Connection, says: str, before: str) -> None:
    """Keep how cards were before a change (JSON)."""
    db.execute(
        "INSERT INTO label_undo (created_ns, says, before) VALUES (?, ?, ?)", (time.time_ns(), says, before)
    )
    db.execute("DELETE FROM label_undo WHERE id <= (SELECT max(id) FROM label_undo) - ?", (UNDOABLE,))


def last_change(db: Connection) -> tuple[int, str, str] | None:
    """The latest change that can be undone: (id, what it was, cards before it)."""
    row = db.execute("SELECT id, says, before FROM label_undo ORDER BY id DESC LIMIT 1").fetchone()
    return (row[0], row[1], row[2]) if row else None


def forget_change(db: Connection, change: int) -> None:
    """It is undone."""
    db.execute("DELETE FROM label_undo WHERE id = ?", (change,))


# --- what suggestions and lists are made from -----------------------------------------------------------


def given_by_hand(db: Connection, limit: int) -> dict[int, tuple[str, ...]]:
    """Tags by hand of each document that has some and can be read, at most `limit` documents."""
    rows = db.execute(
        "SELECT DISTINCT f.document_id, t.tag FROM card_tags t JOIN cards c ON c.id = t.card_id"
        " JOIN files f ON f.id = c.file_id JOIN documents d ON d.id = f.document_id"
        " WHERE t.given = 1 AND d.chunk_count > 0 ORDER BY f.document_id DESC, t.key"
    )
    found: dict[int, list[str]] = {}
    for document, tag in rows:
        if document not in found and len(found) >= limit:
            break
        found.setdefault(document, []).append(tag)
    return {document: tuple(tags) for document, tags in found.items()}


def documents_of(db: Connection, files: Collection[int]) -> list[tuple[int, int, str, str]]:
    """Readable documents among files: (document id, file id, path, hash), one row each, by path."""
    return db.execute(
        "SELECT d.id, f.id, min(f.path_text), d.hash FROM files f JOIN documents d ON d.id = f.document_id"
        " WHERE d.chunk_count > 0 AND f.id IN (SELECT value FROM json_each(?)) GROUP BY d.id ORDER BY 3",
        (json.dumps(list(files)),),
    ).fetchall()


def untouched(db: Connection, before_ns: int, limit: int) -> tuple[int, list[tuple[str, str, int]]]:
    """Files on disk not changed since a moment: how many, and (path, hash, mtime_ns), oldest first."""
    where = "FROM files f LEFT JOIN documents d ON d.id = f.document_id WHERE f.container_id IS NULL"
    total = db.execute(f"SELECT count(*) {where} AND f.mtime_ns < ?", (before_ns,)).fetchone()[0]
    rows = db.execute(
        f"SELECT f.path_text, coalesce(d.hash, ''), f.mtime_ns {where} AND f.mtime_ns < ?"
        " ORDER BY f.mtime_ns, f.path LIMIT ?",
        (before_ns, limit),
    ).fetchall()
    return int(total), rows


def overdue(db: Connection, name: str, day: str, limit: int) -> tuple[int, list[tuple[str, str, str, bool]]]:
    """Files whose date field lies before a day: how many, and (path, hash, date, whether by rule)."""
    where = (
        "FROM file_fields v JOIN files f ON f.id = v.file_id LEFT JOIN documents d ON d.id = f.document_id"
        " WHERE v.name = ? AND v.value < ?"
    )
    total = db.execute(f"SELECT count(*) {where}", (name, day)).fetchone()[0]
    rows = db.execute(
        f"SELECT f.path_text, coalesce(d.hash, ''), v.value, v.rule_id IS NOT NULL {where}"
        " ORDER BY v.value, f.path LIMIT ?",
        (name, day, limit),
    ).fetchall()
    return int(total), [(path, digest, date, bool(ruled)) for path, digest, date, ruled in rows]


def untagged(db: Connection, limit: int) -> list[int]:
    """Readable documents without any tag, by hand or by rule, the newest in the library first."""
    rows = db.execute(
        "SELECT d.id FROM documents d WHERE d.chunk_count > 0"
        " AND EXISTS (SELECT 1 FROM files f WHERE f.document_id = d.id)"
        " AND d.id NOT IN (SELECT f.document_id FROM file_tags t JOIN files f ON f.id = t.file_id"
        " WHERE f.document_id IS NOT NULL) ORDER BY d.id DESC LIMIT ?",
        (limit,),
    )
    return [row[0] for row in rows]


def vectors_of(db: Connection, model_id: int, documents: Sequence[int]) -> Iterable[tuple[int, int, bytes]]:
    """Vectors (little-endian float16) of documents: (document id, chunks it has, vector of one of them)."""
    return db.execute(
        "SELECT c.document_id, d.chunk_count, v.vector FROM json_each(?) AS wanted"
        " CROSS JOIN documents d ON d.id = wanted.value"
        " CROSS JOIN chunks c ON c.document_id = d.id"
        " CROSS JOIN vectors v ON v.key = c.key AND v.model_id = ?",
        (json.dumps(list(documents)), model_id),
    )
