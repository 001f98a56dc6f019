"""Lists and details of files and documents, as the interface and `quire show` want them."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from indexer.catalogue import (
    Catalogue,
    Connection,
    file_id_of,
    kinship,
    labels,
    measures,
    read_text,
    recognised,
)
from indexer.catalogue.labelling import IS
from indexer.catalogue.reads import current_model
from indexer.catalogue.scoping import NEW_S
from indexer.copies import Told
from indexer.errors import NotFoundError
from indexer.findings import Finding, Stretch
from indexer.text import fold
from indexer.types import DocumentDetails, FileList, FileRow

_STATUS = "CASE f.status WHEN 'indexed' THEN d.status ELSE f.status END"
_ROW = f"""
    SELECT f.path_text, coalesce('sha256:' || d.hash, ''), coalesce(d.title, ''),
        coalesce(d.kind, 'other'), coalesce(nullif(d.format, ''), f.ext), {_STATUS},
        CASE f.status WHEN 'indexed' THEN d.reason ELSE f.reason END,
        CASE f.status WHEN 'indexed' THEN d.hint ELSE f.hint END,
        f.size_bytes, f.mtime_ns, coalesce(d.pages, 0), coalesce(d.language, ''),
        coalesce(d.chunk_count, 0), d.quality,
        (SELECT count(*) - 1 FROM files o WHERE o.document_id = f.document_id),
        NOT EXISTS (SELECT 1 FROM embed_queue q JOIN chunks c ON c.document_id = q.document_id
            WHERE q.document_id = d.id AND NOT EXISTS
            (SELECT 1 FROM vectors v WHERE v.model_id = :model AND v.key = c.key)),
        coalesce((SELECT min(o.path_text) FROM versions v
            JOIN versions n ON n.family = v.family AND n.place = 0
            JOIN files o ON o.document_id = n.document_id
            WHERE v.document_id = d.id AND v.place > 0), ''),
        {IS["excluded"]},
        coalesce(d.textless, '[]') <> '[]',
        coalesce((SELECT m.findings FROM measures m WHERE m.document_id = d.id), '[]'),
        coalesce({measures.IS_POOR}, 0)
    FROM files f LEFT JOIN documents d ON d.id = f.document_id
"""
_GROUPS = {
    "all": "1",
    "new": "f.mtime_ns > :new",
    "failed": f"{_STATUS} NOT IN ('indexed', 'pending')",
    "ocr": f"({_STATUS} = 'needs-ocr' OR coalesce(d.textless, '[]') <> '[]')",
    "poor": f"({measures.IS_POOR})",
    # Sets are made once; a subquery for each of 100,000 files took most of a second.
    "duplicates": "f.document_id IN (SELECT document_id FROM files GROUP BY 1 HAVING count(*) > 1)",
    "old": "f.document_id IN (SELECT document_id FROM versions WHERE place > 0)",
    "excluded": IS["excluded"],
    "pending": "f.status IN ('pending', 'changed-while-reading')",
}
_SORTS = {
    "name": "f.name COLLATE NOCASE, f.path",
    "new": "f.mtime_ns DESC, f.path",
    "old": "f.mtime_ns, f.path",
    "size": "f.size_bytes DESC, f.path",
    "quality": "d.quality IS NULL, d.quality, f.path",
    "state": f"{_STATUS} = 'indexed', {_STATUS}, f.path",
}


class Listing:
    """Questions about files. Thread-safe.

    Args:
        catalogue: The truth.
        revision: Grows whenever a list may have changed.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        revision: Callable[[], int],
    ) -> None:
        self._catalogue = catalogue
        self._revision = revision
        self._names_lock = threading.Lock()
        self._names: tuple[int, list[tuple[int, str, str]]] = (-1, [])

    def files(
        self,
        group: str,
        sort: str,
        offset: int,
        limit: int,
        paths: Collection[int] | None,
        told: Told | None = None,
    ) -> FileList:
        """A window of the list.

        Args:
            group: One of all, new, failed, ocr, poor, duplicates, old, excluded, pending; anything else
                means all.
            sort: One of name, new, old, size, state, quality.
            offset: Rows to pass over.
            limit: Rows at most.
            paths: File ids to choose from; None means every file.
            told: Copies as they are known; without them those with the same bytes are counted.
        """
        chosen = _GROUPS.get(group, "1")
        values: dict[str, Any] = {"new": time.time_ns() - NEW_S * 10**9, "limit": limit, "offset": offset}
        where = "1"
        if paths is not None:
            where = "f.id IN (SELECT value FROM json_each(:ids))"
            values["ids"] = json.dumps(list(paths))
        join = "FROM files f LEFT JOIN documents d ON d.id = f.document_id"
        sums = ", ".join(f"count(CASE WHEN {condition} THEN 1 END)" for condition in _GROUPS.values())
        with self._catalogue.reader() as db:
            values["model"] = current_model(db)
            counts = db.execute(f"SELECT {sums} {join} WHERE {where}", values).fetchone()
            # Two steps: a sorter would work out the columns of every file.
            ids = db.execute(
                f"SELECT f.id {join} WHERE {where} AND {chosen} ORDER BY {_SORTS.get(sort, _SORTS['name'])}"
                " LIMIT :limit OFFSET :offset",
                values,
            ).fetchall()
        rows = self.rows([row[0] for row in ids])
        groups = dict(zip(_GROUPS, counts, strict=True))
        total = groups.get(group, groups["all"])
        if told is not None:
            kept = told.kept
            rows = tuple(
                replace(row, copy_of=kept.get(row.path, ""), newer=kept.get(row.newer, row.newer))
                for row in rows
            )
            if paths is None:
                groups["duplicates"] = told.copies
        return FileList(rows=rows, total=total, offset=offset, groups=groups)

    def paths(self, ids: Collection[int]) -> frozenset[str]:
        """Paths of files by id, as they are shown."""
        with self._catalogue.reader() as db:
            return frozenset(
                row[0]
                for row in db.execute(
                    "SELECT path_text FROM files WHERE id IN (SELECT value FROM json_each(?))",
                    (json.dumps(list(ids)),),
                )
            )

    def rows(self, ids: Sequence[int]) -> tuple[FileRow, ...]:
        """Rows of files by id, in this order; those that are gone are left out."""
        with self._catalogue.reader() as db:
            model = current_model(db)
            found = [
                db.execute(f"{_ROW} WHERE f.id = :id", {"id": file_id, "model": model}).fetchone()
                for file_id in ids
            ]
        return tuple(_file_row(row) for row in found if row)

    def find_names(self, pattern: str, limit: int) -> tuple[FileRow, ...]:
        """Files whose path matches a pattern in fzf's syntax, best first."""
        terms = [_Term(word) for word in fold(pattern).split()]
        scored: list[tuple[float, int, int]] = []
        for file_id, name, path in self._all_names():
            score = 0.0
            for term in terms:
                points = term.score(name, path)
                if points is None:
                    break
                score += points
            else:
                scored.append((-score, len(path), file_id))
        scored.sort()
        return self.rows([file_id for _, _, file_id in scored[:limit]])

    def _all_names(self) -> list[tuple[int, str, str]]:
        """Id, folded name and folded path from its root's name on; made anew when something changed."""
        revision = self._revision()
        with self._names_lock:
            if self._names[0] != revision:
                with self._catalogue.reader() as db:
                    rows = db.execute(
                        "SELECT f.id, f.name, f.path_text, r.path FROM files f"
                        " JOIN roots r ON r.id = f.root_id"
                    ).fetchall()
                self._names = (
                    revision,
                    [(row[0], fold(row[1]), fold(_below(row[2], row[3]))) for row in rows],
                )
            return self._names[1]

    def details(self, target: str) -> DocumentDetails:
        """What is known of a path or `sha256:…`.

        Raises:
            NotFoundError: the library does not have it.
        """
        with self._catalogue.reader() as db:
            file_id = file_for(db, target)
            if file_id is None:
                raise NotFoundError(
                    f"{target} is not in the library.",
                    hint="Add its folder with 'quire add', or check the path.",
                )
            return _details(db, file_id)


def _below(path: str, root: bytes) -> str:
    """The path from its root's own name on: what lies above is the same for all and would match all."""
    return path[len(os.path.dirname(root).decode("utf-8", "replace")) :].lstrip("/")


def file_for(db: Connection, target: str) -> int | None:
    """The file a path as shown, or `sha256:…`, names."""
    if target.startswith("sha256:"):
        row = db.execute(
            "SELECT f.id FROM files f JOIN documents d ON d.id = f.document_id WHERE d.hash = ?"
            " ORDER BY f.path LIMIT 1",
            (target[7:],),
        ).fetchone()
        return row[0] if row else None
    return file_id_of(db, target)


def _details(db: Connection, file_id: int) -> DocumentDetails:
    db_row = db.execute(
        f"SELECT f.path_text, f.document_id, {_STATUS}, f.status, f.reason, f.hint, f.size_bytes, f.mtime_ns"
        " FROM files f LEFT JOIN documents d ON d.id = f.document_id WHERE f.id = ?",
        (file_id,),
    ).fetchone()
    path, document_id, state, file_status, reason, hint, size, mtime_ns = db_row
    row = db.execute(
        "SELECT hash, title, kind, format, language, pages, chunk_count, characters, reason, hint, quality,"
        " metadata, warnings, textless, headings, page_spans FROM documents WHERE id = ?",
        (document_id,),
    ).fetchone() or ("", "", "other", "", "", 0, 0, 0, "", "", None, "{}", "[]", "[]", "[]", "[]")
    digest, title, kind, format, language, pages, chunks, characters = row[:8]
    metadata, warnings, textless, headings, page_spans = map(json.loads, row[11:])
    others = db.execute(
        "SELECT path_text FROM files WHERE document_id = ? AND id <> ? ORDER BY path", (document_id, file_id)
    ).fetchall()
    tags = tuple(tag.name for tag in labels.tags_on(db, file_id))
    copies = tuple(other[0] for other in others)
    return DocumentDetails(
        path=path,
        paths=(path, *copies),
        document=f"sha256:{digest}" if digest else "",
        title=title,
        kind=kind,
        format=format,
        language=language,
        pages=pages,
        chunks=chunks,
        characters=characters,
        state=state,
        reason=row[8] if file_status == "indexed" else reason,
        hint=row[9] if file_status == "indexed" else hint,
        quality=row[10],
        duplicates=copies,
        versions=tuple(path for path, _ in kinship.family_of(db, document_id)),
        tags=tags,
        metadata=metadata,
        warnings=tuple(warnings),
        textless_pages=tuple(textless),
        size_bytes=size,
        mtime_ns=mtime_ns,
        headings=_headings(db, document_id, headings),
        page_starts=tuple(page[1] for page in page_spans),
        findings=measures.findings_of(db, document_id) + _superseded(db, document_id),
        page_scores=_page_scores(measures.stretches_of(db, document_id)),
        encoding=measures.decoding_of(db, digest),
        ocr_pages=recognised.confidences(db, digest),
    )


def _superseded(db: Connection, document_id: int | None) -> tuple[Finding, ...]:
    """That a newer version is there; nothing when it is not."""
    newest = kinship.newest_of(db, {document_id}).get(document_id) if document_id else None
    if not newest:
        return ()
    note = f"A newer version of it is {newest.rpartition('/')[2]}."
    return (Finding(code="superseded", share=1.0, cost=0, note=note, remedy="newest"),)


def _page_scores(stretches: Iterable[Stretch]) -> tuple[tuple[int, int], ...]:
    """The lowest score of each page that has flaws."""
    lowest: dict[int, int] = {}
    for each in stretches:
        if each.page is not None:
            lowest[each.page] = min(each.score, lowest.get(each.page, 100))
    return tuple(sorted(lowest.items()))


def _headings(db: Connection, document_id: int, spans: list[list[int]]) -> tuple[tuple[int, int, str], ...]:
    if not spans:
        return ()
    text = read_text(db, document_id, 0, max(span[2] for span in spans))
    return tuple((level, start, " ".join(text[start:end].split())) for level, start, end in spans)


def _file_row(row: tuple[Any, ...]) -> FileRow:
    flaws = [each for each in json.loads(row[19]) if each["cost"] > 0]
    return FileRow(
        path=row[0],
        document=row[1],
        title=row[2],
        kind=row[3],
        format=row[4],
        status=row[5],
        reason=row[6],
        hint=row[7],
        size_bytes=row[8],
        mtime_ns=row[9],
        pages=row[10],
        language=row[11],
        chunks=row[12],
        quality=row[13],
        copies=max(0, row[14]),
        embedded=bool(row[15]) and row[12] > 0,
        newer=row[16],
        excluded=bool(row[17]),
        scanned_pages=bool(row[18]) and row[5] == "indexed",
        flaw=flaws[0]["note"] if flaws else "",
        flaw_code=flaws[0]["code"] if flaws else "",
        mends=tuple(dict.fromkeys(each["remedy"] for each in flaws if each["remedy"])),
        poor=bool(row[20]),
    )


class _Term:
    """One word of a pattern: plain (fuzzy), 'exact, ^start, end$, or !not of these."""

    def __init__(self, word: str) -> None:
        self._negative = word.startswith("!") and len(word) > 1
        if self._negative:
            word = word[1:]
        self._start = word.startswith("^") and len(word) > 1
        self._end = word.endswith("$") and len(word) > 1
        exact = word.startswith("'") and len(word) > 1
        self._exact = exact or self._start or self._end or self._negative
        self._text = word[int(self._start or exact) : len(word) - int(self._end)]
        letters = ".*?".join(map(re.escape, self._text))
        self._letters = re.compile(letters, re.DOTALL)

    def score(self, name: str, path: str) -> float | None:
        """Points from 0 to 2 for a match, the more the better; None when it does not match."""
        if self._exact:
            return self._score_exact(name, path)
        if self._text in name:
            return 1.5 + len(self._text) / (2 * max(len(name), 1)) + 0.1 * name.startswith(self._text)
        if self._text in path:
            return 1.0
        if not self._letters.search(path):
            return None
        from rapidfuzz import fuzz

        whole = fuzz.partial_ratio(self._text, name) / 100
        return 0.8 * whole if self._letters.search(name) else 0.4 * whole

    def _score_exact(self, name: str, path: str) -> float | None:
        if self._start and self._end:
            hit = self._text in (name, path)
        elif self._start:
            hit = name.startswith(self._text) or path.startswith(self._text)
        elif self._end:
            hit = path.endswith(self._text)
        else:
            hit = self._text in path
        if self._negative:
            return None if hit else 0.0
        return (1.5 if self._text in name else 1.0) if hit else None


def as_paths(target: str) -> list[str]:
    """The spellings under which a path given by a person may be in the library."""
    if target.startswith("sha256:"):
        return [target]
    absolute = os.path.abspath(Path(target).expanduser())  # noqa: PTH100 - links stay, ".." goes
    container, mark, member = absolute.partition("!/")
    real = os.path.realpath(container) + mark + member
    return list(dict.fromkeys([target, absolute, real]))
