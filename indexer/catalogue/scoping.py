"""What search asks of the catalogue: which files a filter means, and what a hit looks like.

Fields of a query become one SQL condition over `files f LEFT JOIN documents d`; what the keyword index
must answer (words, titles, headings) is none of its business.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from indexer import values
from indexer.catalogue import labelling, measures
from indexer.catalogue.connection import Connection
from indexer.catalogue.reads import read_text
from indexer.query import And, Field, Must, Node, Not, Or
from indexer.text import fold

NEW_S = 7 * 86_400
"""A file is new for this long after it was last changed on disk."""

SQL_FIELDS = values.FIELDS - {"title", "name", "heading", "collection"} - values.DIRECTIVES
"""Fields this module answers; the others are the keyword index's."""

_STATUS = "CASE f.status WHEN 'indexed' THEN d.status ELSE f.status END"
_HOLDS = labelling.HOLDS

_IS = {
    "new": "f.mtime_ns > :new",
    "failed": f"{_STATUS} NOT IN ('indexed', 'pending')",
    "ocr": f"({_STATUS} = 'needs-ocr' OR coalesce(d.textless, '[]') <> '[]')",
    "poor": f"({measures.IS_POOR})",
    "duplicate": "(SELECT count(*) FROM files o WHERE o.document_id = f.document_id) > 1",
    "old": "EXISTS (SELECT 1 FROM versions v WHERE v.document_id = f.document_id AND v.place > 0)",
    **labelling.IS,
    # Marks live in the interface.
    "marked": "0",
}
_NUMBERS = {"size": "f.size_bytes", "pages": "d.pages", "quality": "d.quality"}


class Selection(NamedTuple):
    """What filters leave over."""

    files: frozenset[int]
    documents: frozenset[int]
    """Documents that these files hold."""


class FilePlace(NamedTuple):
    """A path that holds a document."""

    id: int
    path: str
    name: str
    size_bytes: int
    mtime_ns: int


class DocumentRow(NamedTuple):
    """A document as a hit shows it."""

    id: int
    hash: str
    title: str
    kind: str
    format: str
    language: str
    pages: int
    created: str


class ChunkRow(NamedTuple):
    """A chunk without its text."""

    id: int
    document_id: int
    ordinal: int
    start: int
    end: int
    page: int | None
    heading: str
    language: str


# --- which files ---------------------------------------------------------------------------------


def in_sql(name: str) -> bool:
    """Whether this module answers a field."""
    return name in SQL_FIELDS or name.startswith(values.CUSTOM)


def answers(node: Node) -> bool:
    """Whether a part of a query consists of fields that `select` understands, and nothing else."""
    match node:
        case Field(name):
            return in_sql(name)
        case Not(child):
            return answers(child)
        case And(children) | Or(children):
            return all(map(answers, children))
        case _:
            return False


def select(db: Connection, nodes: Iterable[Node], now: dt.datetime) -> Selection:
    """The files for which all of these parts hold, and their documents."""
    db.create_function(_HOLDS, 2, _holds, deterministic=True)
    condition = _Condition(now, labelling.kinds(db))
    where = " AND ".join(map(condition.of, nodes)) or "1"
    rows = db.execute(
        "SELECT f.id, f.document_id FROM files f LEFT JOIN documents d ON d.id = f.document_id"
        f" WHERE {where}",
        condition.values,
    ).fetchall()
    return Selection(frozenset(row[0] for row in rows), frozenset(row[1] for row in rows if row[1]))


def files_of(db: Connection, documents: Collection[int]) -> frozenset[int]:
    """Ids of all files that hold one of the documents."""
    rows = db.execute(
        "SELECT id FROM files WHERE document_id IN (SELECT value FROM json_each(?))", (_json(documents),)
    )
    return frozenset(row[0] for row in rows)


def named(db: Connection, targets: Iterable[str]) -> Selection:
    """The files that `sha256:…` or a path (of a file, or of a folder with all in it) names."""
    files: set[int] = set()
    documents: set[int] = set()
    for target in targets:
        if target.startswith("sha256:"):
            rows = db.execute(
                "SELECT f.id, f.document_id FROM files f JOIN documents d ON d.id = f.document_id"
                " WHERE d.hash = ?",
                (target[7:],),
            )
        else:
            # A name that is not UTF-8 is looked up as it is shown.
            path = os.fsencode(_absolute(target)).decode("utf-8", "replace")
            rows = db.execute(
                "SELECT id, document_id FROM files WHERE path_text = ?1 OR (path_text > ?1 || '/'"
                " AND path_text < ?1 || '0') OR (path_text > ?1 || '!/' AND path_text < ?1 || '!0')",
                (path,),
            )
        for file_id, document_id in rows:
            files.add(file_id)
            if document_id:
                documents.add(document_id)
    return Selection(frozenset(files), frozenset(documents))


def chunks_on(db: Connection, ranges: Sequence[values.Numbers], documents: Collection[int]) -> frozenset[int]:
    """Ids of the chunks of these documents that begin on one of these pages."""
    condition = _Condition(dt.datetime.now(), {})
    where = " OR ".join(condition.range("c.page", found.lo, found.hi) for found in ranges)
    rows = db.execute(
        f"SELECT c.id FROM chunks c WHERE ({where})"
        " AND c.document_id IN (SELECT value FROM json_each(:documents))",
        {**condition.values, "documents": _json(documents)},
    )
    return frozenset(row[0] for row in rows)


class _Condition:
    """Builds a condition; its values are bound by name."""

    def __init__(self, now: dt.datetime, custom: Mapping[str, str]) -> None:
        self.now = now
        self.custom = custom
        self.values: dict[str, Any] = {"new": time.time_ns() - NEW_S * 10**9}

    def of(self, node: Node) -> str:
        match node:
            case Field(name, found):
                return "(" + " OR ".join(self._value(name, value) for value in found) + ")"
            case Not(child):
                return f"NOT coalesce({self.of(child)}, 0)"
            case And(children):
                return "(" + " AND ".join(map(self.of, children)) + ")"
            case Or(children):
                return "(" + " OR ".join(map(self.of, children)) + ")"
            case Must(child):
                return self.of(child)
        raise AssertionError(node)

    def _bind(self, value: Any) -> str:
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def _value(self, name: str, value: str) -> str:
        if name == "path":
            return self._path(value)
        if name.startswith(values.CUSTOM):
            return labelling.field(name, value, self.custom, self.now, self._bind)
        if name in ("after", "before", "date", "created"):
            span = values.dates(name, value, self.now)
            return self._dates(name, span) if span else "1"
        if name in values.NUMBER_FIELDS:
            found = values.numbers(name, value)
            return self._numbers(name, found) if found else "1"
        return self._text(name, value)

    def _text(self, name: str, value: str) -> str:
        if name == "is":
            return _IS[value.lower()]
        if name == "ext":
            return f"f.ext = {self._bind(value.lower().lstrip('.'))}"
        if name == "type":
            return f"d.kind = {self._bind(value.lower())}"
        if name == "lang":
            return f"d.language = {self._bind(value.lower())}"
        if name == "tag":
            return labelling.tag(value, self._bind)
        if name == "note":
            return labelling.note(value, self._bind)
        return f"{_HOLDS}(json_extract(d.metadata, {self._bind(f'$.{name}')}), {self._bind(value)})"

    def range(self, column: str, lo: Any, hi: Any) -> str:
        """`lo <= column < hi`; a missing value is in no range."""
        parts = [f"{column} IS NOT NULL"]
        if lo is not None:
            parts.append(f"{column} >= {self._bind(lo)}")
        if hi is not None:
            parts.append(f"{column} < {self._bind(hi)}")
        return f"({' AND '.join(parts)})"

    def _dates(self, name: str, span: values.Dates) -> str:
        if name == "created":
            lo, hi = (moment.isoformat() if moment else None for moment in (span.lo, span.hi))
            return f"(d.created <> '' AND {self.range('substr(d.created, 1, 19)', lo, hi)})"
        return self.range("f.mtime_ns", _nanoseconds(span.lo), _nanoseconds(span.hi))

    def _numbers(self, name: str, found: values.Numbers) -> str:
        if name == "page":
            on_page = self.range("c.page", found.lo, found.hi)
            return f"EXISTS (SELECT 1 FROM chunks c WHERE c.document_id = d.id AND {on_page})"
        return self.range(_NUMBERS[name], found.lo, found.hi)

    def _path(self, value: str) -> str:
        """A folder piece, a path with everything below it, or a glob."""
        value = _absolute(value) if value.startswith(("~", "/")) else value
        if not any(sign in value for sign in "*?"):
            if value.startswith("/"):
                same = f"f.path_text = {self._bind(value)} COLLATE NOCASE"
                inside = f"f.path_text LIKE {self._bind(_like(value.rstrip('/')) + '/%')} ESCAPE '\\'"
                return f"({same} OR {inside})"
            piece = self._bind(f"%{_like(value)}%")
            if value.isascii():
                return f"f.path_text LIKE {piece} ESCAPE '\\'"
            return f"{_HOLDS}(f.path_text, {self._bind(value)})"
        pattern = _like(value).replace("*", "%").replace("?", "_")
        start = "" if value.startswith("/") else "%"
        choices = (
            (f"{start}{pattern}", f"{start}{pattern}/%")
            if start == ""
            else (f"%/{pattern}", f"%/{pattern}/%")
        )
        return "(" + " OR ".join(f"f.path_text LIKE {self._bind(c)} ESCAPE '\\'" for c in choices) + ")"


def _absolute(path: str) -> str:
    if path == "~" or path.startswith("~/"):
        return str(Path.home()) + path[1:]
    return path.rstrip("/") or "/"


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _holds(text: str | None, wanted: str) -> bool:
    """Whether a text holds every word wanted, case and accents ignored."""
    if not text:
        return False
    folded = fold(text)
    return all(word in folded for word in fold(wanted).split())


def _nanoseconds(moment: dt.datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1e9)


def _json(ids: Iterable[int]) -> str:
    return json.dumps(list(ids))


# --- counts --------------------------------------------------------------------------------------


def count_documents(db: Connection) -> int:
    """Documents that a path holds."""
    return int(db.execute("SELECT count(DISTINCT document_id) FROM files").fetchone()[0])


def common_languages(db: Connection) -> tuple[str, ...]:
    """Languages of at least a tenth of the documents, the most frequent first; at most three."""
    rows = db.execute(
        "SELECT language, count(*) FROM documents WHERE status = 'indexed' GROUP BY language ORDER BY 2 DESC"
    ).fetchall()
    total = sum(row[1] for row in rows)
    return tuple(code for code, count in rows if code and count * 10 >= total)[:3]


def unread(db: Connection, files: Collection[int] | None) -> list[tuple[str, str, str]]:
    """Path, reason and hint of each of these files (None: of all) whose text is not available."""
    where, bound = "", ()
    if files is not None:
        where, bound = " AND f.id IN (SELECT value FROM json_each(?))", (_json(files),)  # type: ignore[assignment]
    return db.execute(
        "SELECT f.path_text, CASE f.status WHEN 'indexed' THEN d.reason ELSE f.reason END,"
        " CASE f.status WHEN 'indexed' THEN d.hint ELSE f.hint END"
        " FROM files f LEFT JOIN documents d ON d.id = f.document_id"
        " WHERE ((f.status = 'indexed' AND d.status <> 'indexed')"
        f" OR f.status NOT IN ('indexed', 'pending')){where} ORDER BY f.path",
        bound,
    ).fetchall()


def waiting(db: Connection, files: Collection[int] | None, limit: int) -> tuple[int, list[tuple[str, bool]]]:
    """How many of these files (None: of all) are still to be read, and the first of them.

    Of each its path, and whether an older state of it is in the library.
    """
    where, bound = "", ()
    if files is not None:
        where, bound = " AND id IN (SELECT value FROM json_each(?))", (_json(files),)  # type: ignore[assignment]
    which = f"FROM files WHERE status = 'pending'{where}"
    total = int(db.execute(f"SELECT count(*) {which}", bound).fetchone()[0])
    rows = db.execute(
        f"SELECT path_text, document_id IS NOT NULL {which} ORDER BY path LIMIT ?", (*bound, limit)
    ).fetchall()
    return total, [(path, bool(older)) for path, older in rows]


# --- hits ----------------------------------------------------------------------------------------

_CHUNK = 'id, document_id, ordinal, start, "end", page, heading, language'


def chunk_rows(db: Connection, ids: Collection[int]) -> dict[int, ChunkRow]:
    """Chunks by id; those that are gone are left out."""
    rows = db.execute(
        f"SELECT {_CHUNK} FROM chunks WHERE id IN (SELECT value FROM json_each(?))", (_json(ids),)
    )
    return {row[0]: ChunkRow(*row) for row in rows}


def first_chunks(db: Connection, documents: Collection[int]) -> dict[int, ChunkRow]:
    """The first chunk of each document that has one, by document."""
    rows = db.execute(
        f"SELECT {_CHUNK} FROM chunks WHERE ordinal = 0 AND document_id IN (SELECT value FROM json_each(?))",
        (_json(documents),),
    )
    return {row[1]: ChunkRow(*row) for row in rows}


def chunk_at(db: Connection, document: int, offset: int) -> int | None:
    """The chunk of a document that holds the character at `offset`, or the last one before it."""
    row = db.execute(
        "SELECT id FROM chunks WHERE document_id = ? AND start <= ? ORDER BY start DESC LIMIT 1",
        (document, offset),
    ).fetchone()
    return row[0] if row else None


def lengths(db: Connection, documents: Sequence[int]) -> dict[int, int]:
    """Characters of the text of each document, in the order given."""
    rows = dict(
        db.execute(
            "SELECT id, characters FROM documents WHERE id IN (SELECT value FROM json_each(?))",
            (_json(documents),),
        )
    )
    return {document: rows[document] for document in documents if document in rows}


def document_rows(db: Connection, ids: Collection[int]) -> dict[int, DocumentRow]:
    """Documents by id."""
    rows = db.execute(
        "SELECT id, hash, title, kind, format, language, pages, created FROM documents"
        " WHERE id IN (SELECT value FROM json_each(?))",
        (_json(ids),),
    )
    return {row[0]: DocumentRow(*row) for row in rows}


def places(db: Connection, documents: Collection[int]) -> dict[int, list[FilePlace]]:
    """The paths that hold each document, shortest and oldest first; documents without one are left out."""
    rows = db.execute(
        "SELECT document_id, id, path_text, name, size_bytes, mtime_ns FROM files WHERE document_id IN"
        " (SELECT value FROM json_each(?)) ORDER BY length(path_text), id",
        (_json(documents),),
    )
    found: dict[int, list[FilePlace]] = {}
    for document_id, *place in rows:
        found.setdefault(document_id, []).append(FilePlace(*place))
    return found


def newest(
    db: Connection, files: Collection[int] | None, sort: str, limit: int, offset: int
) -> list[tuple[int, int]]:
    """Readable documents with the file that puts them there, as (document id, file id), in order.

    Args:
        db: A reader.
        files: To choose from; None means all.
        sort: new, old, name or size; anything else means new.
        limit: Documents at most.
        offset: Documents to pass over.
    """
    order = {
        "old": "min(f.mtime_ns), f.id",
        "name": "min(f.name COLLATE NOCASE), f.id",
        "size": "max(f.size_bytes) DESC, f.id",
    }.get(sort, "max(f.mtime_ns) DESC, f.id")
    where = "" if files is None else " AND f.id IN (SELECT value FROM json_each(:files))"
    rows = db.execute(
        f"SELECT f.document_id, f.id, {order.split(',')[0].removesuffix(' DESC')}"
        " FROM files f JOIN documents d ON d.id = f.document_id"
        f" WHERE d.chunk_count > 0{where} GROUP BY f.document_id ORDER BY {order}"
        " LIMIT :limit OFFSET :offset",
        {"limit": limit, "offset": offset} | ({} if files is None else {"files": _json(files)}),
    ).fetchall()
    return [(row[0], row[1]) for row in rows]


def count_readable(db: Connection, files: Collection[int] | None) -> int:
    """Documents among these files (None: all) that have text."""
    where = "" if files is None else " AND f.id IN (SELECT value FROM json_each(:files))"
    row = db.execute(
        "SELECT count(DISTINCT f.document_id) FROM files f JOIN documents d ON d.id = f.document_id"
        f" WHERE d.chunk_count > 0{where}",
        {} if files is None else {"files": _json(files)},
    ).fetchone()
    return int(row[0])


def readable(db: Connection, files: Collection[int] | None) -> list[tuple[int, str, str]]:
    """Documents among these files (None: all) that have text: id, hash, and one of the paths; by path."""
    where = "" if files is None else " AND f.id IN (SELECT value FROM json_each(:files))"
    return db.execute(
        "SELECT d.id, d.hash, min(f.path_text) FROM files f JOIN documents d ON d.id = f.document_id"
        f" WHERE d.chunk_count > 0{where} GROUP BY d.id ORDER BY 3",
        {} if files is None else {"files": _json(files)},
    ).fetchall()


def chunk_texts(db: Connection, chunks: Iterable[ChunkRow]) -> dict[int, str]:
    """The text of each chunk, by id."""
    return {row.id: read_text(db, row.document_id, row.start, row.end) for row in chunks}


# --- vectors -------------------------------------------------------------------------------------


# The order of the joins is prescribed (CROSS): without statistics SQLite would go through all vectors of a
# model and look each one up among the ids, which takes seconds.
_CHUNKS_OF_VECTORS = """
SELECT v.id, c.id, c.document_id FROM json_each(:ids) AS wanted
CROSS JOIN vectors v ON v.id = wanted.value AND v.model_id = :model
CROSS JOIN chunks c ON c.key = v.key"""
_VECTORS_OF_CHUNKS = """
SELECT c.id, v.vector FROM json_each(:ids) AS wanted
CROSS JOIN chunks c ON c.id = wanted.value
CROSS JOIN vectors v ON v.key = c.key AND v.model_id = :model"""
_VECTOR_IDS_OF_CHUNKS = """
SELECT DISTINCT v.id FROM json_each(:ids) AS wanted
CROSS JOIN chunks c ON c.id = wanted.value
CROSS JOIN vectors v ON v.key = c.key AND v.model_id = :model"""
_VECTOR_IDS_OF_DOCUMENTS = """
SELECT DISTINCT v.id FROM json_each(:ids) AS wanted
CROSS JOIN chunks c ON c.document_id = wanted.value
CROSS JOIN vectors v ON v.key = c.key AND v.model_id = :model"""
VECTOR_QUERIES = (_CHUNKS_OF_VECTORS, _VECTORS_OF_CHUNKS, _VECTOR_IDS_OF_CHUNKS, _VECTOR_IDS_OF_DOCUMENTS)


def chunks_of_vectors(db: Connection, model_id: int, ids: Collection[int]) -> list[tuple[int, int, int]]:
    """Chunks whose text has one of these vectors, as (vector id, chunk id, document id)."""
    return db.execute(_CHUNKS_OF_VECTORS, {"ids": _json(ids), "model": model_id}).fetchall()


def vectors_of_chunks(db: Connection, model_id: int, chunks: Collection[int]) -> list[tuple[int, bytes]]:
    """Chunks with their vectors, as (chunk id, little-endian float16); those without one are left out."""
    return db.execute(_VECTORS_OF_CHUNKS, {"ids": _json(chunks), "model": model_id}).fetchall()


def vector_ids_of(
    db: Connection, model_id: int, documents: Collection[int], chunks: Collection[int] | None = None
) -> list[int]:
    """Ids of the vectors of all chunks of these documents, or of these chunks only."""
    query, ids = (_VECTOR_IDS_OF_DOCUMENTS, documents) if chunks is None else (_VECTOR_IDS_OF_CHUNKS, chunks)
    return [row[0] for row in db.execute(query, {"ids": _json(ids), "model": model_id})]
