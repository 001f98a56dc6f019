"""Which documents are exported, and why the others are not."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from copilot.dataset import ExportRequest
from copilot.export.splitting import Groups
from indexer.catalogue import corpus
from indexer.catalogue.corpus import Placed
from indexer.library import Library
from indexer.related import CopyReport

EVERY = 1_000_000_000
"""Groups of copies: all."""
ASKED_FOR_OLD = "is:old"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The documents to read, by relative path, and the groups that must not be parted."""

    documents: tuple[Placed, ...]
    in_scope: int
    left_out: Counter[str]
    groups: Groups


def choose(request: ExportRequest, library: Library) -> Selection:
    """Choose the documents of a scope: no excluded, withheld, superseded ones, one of every group of copies.

    Of near-copies the one that `quire duplicates` would keep stays, or the next best that is in the scope.
    """
    report = library.duplicates(limit=EVERY)
    paths = dict(library.readable(request.scope))
    left_out = Counter({"cannot be read": len(library.scope(request.scope).unread)})
    left = _without(list(paths), _sorted_out(request, library), left_out)
    left = _without(left, _withheld(library, left), left_out)
    left = _without(left, _copies(report, set(left)), left_out)
    kept_paths = {} if request.scope else _kept_paths(report)
    documents = []
    with library.catalogue.reader() as db:
        for document in left:
            found = corpus.placed(db, document, kept_paths.get(document, paths[document]))
            if found is not None:
                documents.append(found)
    chosen = _limited(documents, request, left_out)
    return Selection(
        documents=tuple(sorted(chosen)),
        in_scope=len(paths),
        left_out=+left_out,
        groups=groups_of(report),
    )


def _sorted_out(request: ExportRequest, library: Library) -> dict[str, str]:
    """Documents that their owner keeps out of answers, and older versions unless they are asked for."""
    found = {document: "kept out of answers" for document, _ in library.readable("is:excluded")}
    if ASKED_FOR_OLD not in request.scope:
        for document, _ in library.readable(ASKED_FOR_OLD):
            found.setdefault(document, "superseded by a newer version")
    return found


def _withheld(library: Library, documents: Sequence[str]) -> dict[str, str]:
    rulings = library.guard.rulings(documents)
    return {document: "policy never" for document, ruling in rulings.items() if ruling.policy == "never"}


def _copies(report: CopyReport, left: set[str]) -> dict[str, str]:
    """Of every group of copies all documents but the first one that is left."""
    found: dict[str, str] = {}
    for group in report.groups:
        inside = [
            document
            for document in dict.fromkeys(each.document for each in group.files)
            if document in left and document not in found
        ]
        found.update(dict.fromkeys(inside[1:], f"copy of another document ({group.relation})"))
    return found


def _kept_paths(report: CopyReport) -> dict[str, str]:
    """Of documents that lie in several places the path to keep."""
    found: dict[str, str] = {}
    for group in report.groups:
        for each in group.files:
            found.setdefault(each.document, each.path)
    return found


def _without(documents: Sequence[str], gone: dict[str, str], left_out: Counter[str]) -> list[str]:
    left_out.update(gone[document] for document in documents if document in gone)
    return [document for document in documents if document not in gone]


def _limited(documents: list[Placed], request: ExportRequest, left_out: Counter[str]) -> list[Placed]:
    if not request.limit or len(documents) <= request.limit:
        return documents
    left_out["beyond the limit"] += len(documents) - request.limit
    by_chance = sorted(
        documents, key=lambda each: hashlib.sha256(f"{request.seed}{each.document}".encode()).digest()
    )
    return by_chance[: request.limit]


def groups_of(report: CopyReport) -> Groups:
    """Copies and versions as groups."""
    groups = Groups()
    for group in report.groups:
        groups.join(each.document for each in group.files)
    for family in report.families:
        groups.join(each.document for each in family.versions)
    return groups
