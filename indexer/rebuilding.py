"""A new catalogue in place of a damaged one, while no process has the library open."""

from __future__ import annotations

import shutil
from pathlib import Path

from indexer import directory as places
from indexer.catalogue import salvage
from indexer.errors import StoreError


def rebuild(directory: Path) -> str:
    """Put a catalogue aside and begin a new one with what people put into the old one.

    Returns what was kept, in a sentence for a person. The documents are read again at the next `sync`.

    Raises:
        LibraryBusyError: a process has the library open.
        StoreError: there is no catalogue.
    """
    place = places.prepare(directory)
    lock = places.OwnerLock(place)
    try:
        if not (place / "catalogue.sqlite3").exists():
            raise StoreError(f"There is no catalogue in {place}.")
        # Its entries carry the old catalogue's ids.
        shutil.rmtree(place / "keyword", ignore_errors=True)
        return salvage.rebuild(place / "catalogue.sqlite3")
    finally:
        lock.release()
