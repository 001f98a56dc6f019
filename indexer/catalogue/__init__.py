"""The catalogue: SQLite, the source of truth. The only package that knows SQL."""

from __future__ import annotations

from indexer.catalogue.connection import Connection, sqlite_version
from indexer.catalogue.embeddings import Waiting
from indexer.catalogue.reads import (
    FileState,
    StoredDocument,
    file_id_of,
    read_text,
    stored_chunks,
)
from indexer.catalogue.sent import Sent
from indexer.catalogue.writes import Dropped, Fingerprint, NewDocument

__all__ = [
    "Catalogue",
    "Connection",
    "Dropped",
    "FileState",
    "Fingerprint",
    "NewDocument",
    "StoredDocument",
    "Waiting",
    "file_id_of",
    "read_text",
    "sqlite_version",
    "stored_chunks",
]


class Catalogue(Sent):
    """Files, documents, chunks, vectors and the work still to do. Thread-safe.

    `reader()` gives a connection that cannot write, `transaction()` the one that can; the methods are
    the questions and changes the rest of the program needs.
    """
