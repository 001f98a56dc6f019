"""Whole documents with all that is known of them, for those who take a library elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from indexer.catalogue.connection import Connection
from indexer.catalogue.labels import fields_on, tags_of

_LICENCE_NAMES = ("license", "licence", "copying", "unlicense")


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRecord:
    """A document without its text."""

    id: int
    document: str
    """`sha256:<hex>`."""
    path: str
    """One of its paths, absolute as shown."""
    root: str
    """The root that path is in."""
    title: str
    kind: str
    format: str
    language: str
    created: str
    """ISO 8601 from the content, or ""."""
    pages: int
    characters: int
    quality: int | None
    parser: str
    metadata: Mapping[str, str]
    warnings: tuple[str, ...]
    page_spans: tuple[tuple[int, int, int], ...]
    """(number, start, end)"""
    headings: tuple[tuple[int, int, int], ...]
    """(level, start, end)"""
    tags: tuple[str, ...]
    fields: Mapping[str, str] = field(default_factory=dict)
    """What its owner noted in fields of their own."""

    @property
    def relative(self) -> str:
        """The path below its root; the name where the root is the file itself."""
        return _relative(self.path, self.root)

    def page_at(self, position: int) -> int | None:
        """1-based page of a position; None where there are no pages."""
        held = [number for number, start, _ in self.page_spans if start <= position]
        return held[-1] if held else None


class Placed(NamedTuple):
    """A document and the path it is told by."""

    relative: str
    """The path below its root; the name where the root is the file itself."""
    document: str
    path: str
    title: str


def placed(db: Connection, document: str, path: str) -> Placed | None:
    """A document by `sha256:…` at the path given, or at its first; None when no path holds it."""
    row = db.execute(
        "SELECT f.path_text, r.path, d.title FROM documents d JOIN files f ON f.document_id = d.id"
        " JOIN roots r ON r.id = f.root_id WHERE d.hash = ? ORDER BY f.path_text <> ?, f.path LIMIT 1",
        (document.removeprefix("sha256:"), path),
    ).fetchone()
    if row is None:
        return None
    root = row[1].decode("utf-8", "replace")
    return Placed(_relative(row[0], root), document, row[0], row[2])


def _relative(path: str, root: str) -> str:
    below = path.removeprefix(root.rstrip("/") + "/")
    return below if below != path else path.rsplit("/", 1)[-1]


def record(db: Connection, document: str, path: str = "") -> DocumentRecord | None:
    """A document by `sha256:…`, with the path given or the first; None when no path holds it."""
    row = db.execute(
        "SELECT d.id, d.hash, f.path_text, r.path, d.title, d.kind, d.format, d.language, d.created, d.pages,"
        " d.characters, d.quality, d.parser, d.metadata, d.warnings, d.page_spans, d.headings, f.id"
        " FROM documents d JOIN files f ON f.document_id = d.id JOIN roots r ON r.id = f.root_id"
        " WHERE d.hash = ? ORDER BY f.path_text <> ?, f.path LIMIT 1",
        (document.removeprefix("sha256:"), path),
    ).fetchone()
    if row is None:
        return None
    tags = tags_of(db, [row[0]]).get(row[0], ())
    metadata, warnings, pages, headings = map(json.loads, row[13:17])
    return DocumentRecord(
        id=row[0],
        document=f"sha256:{row[1]}",
        path=row[2],
        root=row[3].decode("utf-8", "replace"),
        title=row[4],
        kind=row[5],
        format=row[6],
        language=row[7],
        created=row[8],
        pages=row[9],
        characters=row[10],
        quality=row[11],
        parser=row[12],
        metadata=metadata,
        warnings=tuple(warnings),
        page_spans=tuple((page[0], page[1], page[2]) for page in pages),
        headings=tuple((each[0], each[1], each[2]) for each in headings),
        tags=tags,
        fields={name: value for name, (value, _) in fields_on(db, row[17]).items()},
    )


def licence_files(db: Connection) -> list[tuple[str, int, int]]:
    """(path, document id, characters) of files whose name says that they hold a licence, by path."""
    names = " OR ".join(["lower(f.name) LIKE ?"] * len(_LICENCE_NAMES))
    return db.execute(
        "SELECT f.path_text, d.id, d.characters FROM files f JOIN documents d ON d.id = f.document_id"
        f" WHERE d.characters > 0 AND f.container_id IS NULL AND ({names}) ORDER BY f.path",
        [f"{name}%" for name in _LICENCE_NAMES],
    ).fetchall()
