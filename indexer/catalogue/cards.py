"""Cards: what people put on a file, and how it stays with the file through renames, edits and deletions.

A card hangs on a file and follows it: to other paths, to other content. When the file goes, the card
stays and waits, by the path and the content it was last seen with. `adopt` is the one place that decides
which labels a file begins with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from indexer.catalogue.connection import Connection

NOTHING = hashlib.sha256(b"").hexdigest()
"""The content of every empty file: it does not tell one from another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is on a file."""

    id: int
    file_id: int | None
    """None: it waits for its file."""
    path: bytes
    hash: str
    note: str = ""
    excluded: bool = False
    tags: Mapping[str, tuple[str, bool]] = field(default_factory=dict)
    """By folded name: the name, and whether the file has it (else it was taken away or refused)."""
    fields: Mapping[str, str] = field(default_factory=dict)
    verdicts: Mapping[str, int] = field(default_factory=dict)

    @property
    def blank(self) -> bool:
        """Nothing is on it."""
        return not (self.note or self.excluded or self.tags or self.fields or self.verdicts)

    @property
    def content(self) -> dict[str, Any]:
        """What is on it, as JSON has it."""
        return {
            "note": self.note,
            "excluded": self.excluded,
            "tags": [[key, tag, given] for key, (tag, given) in sorted(self.tags.items())],
            "fields": dict(sorted(self.fields.items())),
            "verdicts": dict(sorted(self.verdicts.items())),
        }

    def with_content(self, content: Mapping[str, Any]) -> Card:
        """The same card with other things on it, from `content`."""
        return replace(
            self,
            note=content["note"],
            excluded=bool(content["excluded"]),
            tags={key: (tag, bool(given)) for key, tag, given in content["tags"]},
            fields=content["fields"],
            verdicts=content["verdicts"],
        )


def merged(card: Card, other: Card) -> Card:
    """A card with everything of another one; where both say something, the first one's word stands."""
    notes = [card.note] if card.note else []
    if other.note and other.note not in card.note:
        notes.append(other.note)
    return replace(
        card,
        note="\n\n".join(notes),
        excluded=card.excluded or other.excluded,
        tags={**other.tags, **card.tags},
        fields={**other.fields, **card.fields},
        verdicts={**other.verdicts, **card.verdicts},
    )


# --- reading and writing -------------------------------------------------------------------------


def read(db: Connection, ids: Collection[int]) -> list[Card]:
    """Cards by id, ascending."""
    wanted = json.dumps(sorted(ids))
    inside = "IN (SELECT value FROM json_each(?))"
    tags: dict[int, dict[str, tuple[str, bool]]] = {}
    for card, key, tag, given in db.execute(
        f"SELECT card_id, key, tag, given FROM card_tags WHERE card_id {inside}", (wanted,)
    ):
        tags.setdefault(card, {})[key] = (tag, bool(given))
    fields: dict[int, dict[str, str]] = {}
    for card, name, value in db.execute(
        f"SELECT card_id, name, value FROM card_fields WHERE card_id {inside}", (wanted,)
    ):
        fields.setdefault(card, {})[name] = value
    verdicts: dict[int, dict[str, int]] = {}
    for card, query, verdict in db.execute(
        f"SELECT card_id, query, verdict FROM card_verdicts WHERE card_id {inside}", (wanted,)
    ):
        verdicts.setdefault(card, {})[query] = verdict
    rows = db.execute(
        f"SELECT id, file_id, path, hash, note, excluded FROM cards WHERE id {inside} ORDER BY id", (wanted,)
    )
    return [
        Card(
            id=row[0],
            file_id=row[1],
            path=row[2],
            hash=row[3],
            note=row[4],
            excluded=bool(row[5]),
            tags=tags.get(row[0], {}),
            fields=fields.get(row[0], {}),
            verdicts=verdicts.get(row[0], {}),
        )
        for row in rows
    ]


def read_all(db: Connection) -> list[Card]:
    """Every card there is, those that wait as well."""
    return read(db, [row[0] for row in db.execute("SELECT id FROM cards")])


def write(db: Connection, card: Card) -> None:
    """Make a card hold what this one holds; where it hangs is left alone."""
    db.execute("UPDATE cards SET note = ?, excluded = ? WHERE id = ?", (card.note, card.excluded, card.id))
    for table in ("card_tags", "card_fields", "card_verdicts"):
        db.execute(f"DELETE FROM {table} WHERE card_id = ?", (card.id,))
    db.executemany(
        "INSERT INTO card_tags (card_id, key, tag, given) VALUES (?, ?, ?, ?)",
        ((card.id, key, tag, given) for key, (tag, given) in card.tags.items()),
    )
    db.executemany(
        "INSERT INTO card_fields (card_id, name, value) VALUES (?, ?, ?)",
        ((card.id, name, value) for name, value in card.fields.items()),
    )
    db.executemany(
        "INSERT INTO card_verdicts (card_id, query, verdict) VALUES (?, ?, ?)",
        ((card.id, query, verdict) for query, verdict in card.verdicts.items()),
    )


def on_files(db: Connection, files: Collection[int]) -> dict[int, int]:
    """File id to card id, of those of these files that have one."""
    rows = db.execute(
        "SELECT file_id, id FROM cards WHERE file_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(files)),),
    )
    return dict(rows.fetchall())


def put_on(db: Connection, file_id: int) -> int:
    """Give a file that has none an empty card; returns its id."""
    cursor = db.execute(
        "INSERT INTO cards (file_id, path, hash) SELECT f.id, f.path, coalesce(d.hash, '')"
        " FROM files f LEFT JOIN documents d ON d.id = f.document_id WHERE f.id = ?",
        (file_id,),
    )
    return int(cursor.lastrowid or 0)


def let_wait(db: Connection, path: bytes, digest: str) -> int:
    """Make an empty card that waits for a file with this path or this content; returns its id."""
    cursor = db.execute("INSERT INTO cards (path, hash) VALUES (?, ?)", (path, digest))
    return int(cursor.lastrowid or 0)


def waiting_for(db: Connection, path: bytes, digest: str) -> int | None:
    """The card that waits for just this path (or, without one, this content)."""
    if path:
        row = db.execute(
            "SELECT id FROM cards WHERE file_id IS NULL AND path = ? ORDER BY hash = ? DESC, id DESC LIMIT 1",
            (path, digest),
        ).fetchone()
    else:
        row = db.execute(
            "SELECT id FROM cards WHERE file_id IS NULL AND path = x'' AND hash = ? ORDER BY id LIMIT 1",
            (digest,),
        ).fetchone()
    return row[0] if row else None


def holding(db: Connection, digest: str) -> list[tuple[int, bytes]]:
    """Files that hold a content now: (id, path)."""
    rows = db.execute(
        "SELECT f.id, f.path FROM files f JOIN documents d ON d.id = f.document_id WHERE d.hash = ?",
        (digest,),
    )
    return [(row[0], row[1]) for row in rows]


def file_at(db: Connection, path: bytes) -> int | None:
    """The file at a path."""
    row = db.execute("SELECT id FROM files WHERE path = ?", (path,)).fetchone()
    return row[0] if row else None


def remove(db: Connection, ids: Iterable[int]) -> None:
    """Throw cards away."""
    db.executemany("DELETE FROM cards WHERE id = ?", ((card,) for card in ids))


# --- which labels a file begins with ----------------------------------------------------------------


def adopt(db: Connection, file_id: int, *, moved: bool = False) -> None:
    """Give a file that was read, or has come to another path, the labels that are its own.

    A file with a card keeps it. Else it gets, from the first of these that there is:

    1. the card that waits at its path: the file was deleted and made again, or replaced by another;
    2. a copy of what is on the files with the same content;
    3. a card that waits for its content: the file was moved while nobody looked;
    4. as a member of a container a copy of the container's tags and its exclusion.

    A file that has only `moved` can find a card at its new path, nothing else: its content is what it was.
    """
    if db.execute("SELECT 1 FROM cards LIMIT 1").fetchone() is None:
        return
    path, name, container, digest = db.execute(
        "SELECT f.path, f.name, f.container_id, coalesce(d.hash, '') FROM files f"
        " LEFT JOIN documents d ON d.id = f.document_id WHERE f.id = ?",
        (file_id,),
    ).fetchone()
    waiting = waiting_for(db, path, digest)
    if db.execute("SELECT 1 FROM cards WHERE file_id = ?", (file_id,)).fetchone():
        _leave_path(db, path)
    elif waiting is not None:
        _attach(db, waiting, file_id)
        _leave_path(db, path)
    elif moved:
        return
    elif not (digest and digest != NOTHING and _by_content(db, file_id, name, digest)) and container:
        _from_container(db, file_id, container)


def _leave_path(db: Connection, path: bytes) -> None:
    """The path belongs to another card now; those that waited at it go on waiting for their content."""
    db.execute("UPDATE cards SET path = x'' WHERE path = ? AND file_id IS NULL", (path,))


def _attach(db: Connection, card: int, file_id: int) -> None:
    db.execute(
        "UPDATE cards SET (file_id, path, hash) = (SELECT f.id, f.path, coalesce(d.hash, cards.hash)"
        " FROM files f LEFT JOIN documents d ON d.id = f.document_id WHERE f.id = ?) WHERE id = ?",
        (file_id, card),
    )


def _by_content(db: Connection, file_id: int, name: str, digest: str) -> bool:
    # After a rebuild the other files may still have to be read; their cards are theirs all the same.
    held = db.execute(
        "SELECT c.id FROM cards c JOIN files f ON f.id = c.file_id JOIN documents d ON d.id = f.document_id"
        " WHERE c.hash = ?1 AND d.hash = ?1 UNION SELECT c.id FROM cards c JOIN files f ON f.path = c.path"
        " WHERE c.hash = ?1 AND c.file_id IS NULL ORDER BY 1",
        (digest,),
    ).fetchall()
    if held:
        _copy(db, read(db, [row[0] for row in held]), file_id)
        return True
    waiting = db.execute(
        "SELECT id, path FROM cards WHERE hash = ? AND file_id IS NULL ORDER BY id DESC", (digest,)
    ).fetchall()
    if not waiting:
        return False
    ending = b"/" + name.encode("utf-8", "surrogateescape")
    waiting.sort(key=lambda row: not row[1].endswith(ending))
    _attach(db, waiting[0][0], file_id)
    return True


def _from_container(db: Connection, file_id: int, container: int) -> None:
    for card in read(db, on_files(db, [container]).values()):
        tags = {key: (tag, given) for key, (tag, given) in card.tags.items() if given}
        _copy(db, [replace(card, note="", fields={}, verdicts={}, tags=tags)], file_id)


def _copy(db: Connection, sources: Sequence[Card], file_id: int) -> None:
    """Put all that is on some cards on a file; what one of them has, it has, whatever another refused."""
    whole = sources[0]
    given: dict[str, tuple[str, bool]] = {}
    for source in sources:
        whole = merged(whole, source)
        given |= {key: tag for key, tag in source.tags.items() if tag[1]}
    whole = replace(whole, tags={**whole.tags, **given})
    if not whole.blank:
        write(db, replace(whole, id=put_on(db, file_id)))
