"""`quire doctor`: compares the stores with each other and looks at the surroundings.

Reads only. Every line says what was looked at, what was found, and what to do about it.
"""

from __future__ import annotations

import os
import random
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING

from indexer.catalogue import sqlite_version
from indexer.catalogue.connection import file_system, is_network
from indexer.types import Check
from indexer.watch import granted_watches

if TYPE_CHECKING:
    from indexer.library import Library

SQLITE_FIXED = (3, 51, 3)
"""First version without a rare corruption when several connections write; we have one that writes."""

SAMPLE = 1000
"""Documents whose chunks are compared one by one; the totals are compared in any case."""

_REBUILD = "It is built again from the catalogue at the next start; restart with 'quire engine stop'."


def examine(library: Library) -> tuple[Check, ...]:
    """Run every check."""
    return (
        *_file(library),
        *_catalogue(library),
        *_keyword(library),
        *_vectors(library),
        *_surroundings(library),
    )


def _file(library: Library) -> Iterator[Check]:
    found = library.catalogue.check_file()
    yield Check(
        name="catalogue file",
        ok=found == "ok",
        detail="every page is sound" if found == "ok" else found,
        remedy="" if found == "ok" else "Run 'quire doctor --rebuild' to build it anew from your files.",
    )
    version = sqlite_version()
    yield Check(
        name="SQLite",
        ok=True,
        detail=".".join(map(str, version))
        + ("" if version >= SQLITE_FIXED else ", safe with the one writing connection used here"),
    )


def _catalogue(library: Library) -> Iterator[Check]:
    faults = library.catalogue.inconsistencies()
    counts = library.catalogue.counts()
    yield Check(
        name="catalogue",
        ok=not faults,
        detail="; ".join(faults)
        or f"{counts['files']} files, {counts['documents']} documents, {counts['chunks']} chunks",
        remedy="Run 'quire doctor --rebuild'." if faults else "",
    )


def _keyword(library: Library) -> Iterator[Check]:
    """Exactly the chunks and files of the catalogue must be in the keyword index, but for waiting work."""
    waiting = len(library.catalogue.outbox(limit=100_000))
    chunks, files = library.keyword.count()
    live = library.catalogue.live_documents()
    expected = library.catalogue.counts()["chunks"]
    known = len(library.catalogue.file_ids())
    looked_at = live if len(live) <= SAMPLE else random.sample(live, SAMPLE)
    wrong = [document for document in looked_at if not _same_chunks(library, document)]
    sound = not wrong and chunks == expected and files == known
    yield Check(
        name="keyword index",
        ok=sound or waiting > 0,
        detail=f"{chunks} chunks and {files} files; the catalogue has {expected} and {known}"
        + (f"; {len(wrong)} documents differ" if wrong else "")
        + (f"; {waiting} changes wait" if waiting else ""),
        remedy="" if sound or waiting else _REBUILD,
    )


def _same_chunks(library: Library, document: int) -> bool:
    return library.keyword.chunk_ids(document) == library.catalogue.chunk_ids(document)


def _vectors(library: Library) -> Iterator[Check]:
    store = library.vectors
    if store is None:
        yield Check(name="vectors", ok=True, detail=library.status().embedding_note or "no model is loaded")
        return
    yield from store.check()
    missing = library.catalogue.counts()["pending_embed"]
    yield Check(
        name="embedding",
        ok=True,
        detail=f"{missing} chunks wait for a vector" if missing else "every chunk has a vector",
    )


def _surroundings(library: Library) -> Iterator[Check]:
    yield library.recognition.check()
    here = library.directory
    kind = file_system(here)
    yield Check(
        name="file system",
        ok=not is_network(kind),
        detail=f"{here} is on {kind or 'an unknown file system'}",
        remedy="Put the library on a local disk." if is_network(kind) else "",
    )
    found = here.stat()
    private = found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o077
    yield Check(
        name="permissions",
        ok=private,
        detail="only you can read the library" if private else "others can read the library",
        remedy="" if private else f"Run 'chmod 700 {here}'.",
    )
    for root in library.catalogue.roots():
        yield Check(
            name=f"root {root.path}",
            ok=root.state == "watched" or (root.state == "polled" and not library.watch_note),
            detail=f"{root.state}, {root.files} files" + (f"; {root.note}" if root.note else ""),
            remedy="Connect its drive, or 'quire remove' it." if root.state == "missing" else "",
        )
    granted = granted_watches()
    yield Check(
        name="watching",
        ok=not library.watch_note,
        detail=library.watch_note
        or (f"{granted} folders are watched" if granted else "no folder is watched"),
        remedy="Raise fs.inotify.max_user_watches with sysctl." if library.watch_note else "",
    )
