"""A process to be killed: indexes a folder and notes in a journal what it has acknowledged.

python kill_child.py LIBRARY FOLDER JOURNAL
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from indexer.library import Library
from tests.builders import HashEmbedder, settings


def acknowledged(library: Library) -> list[str]:
    """Paths whose documents are stored and committed to the keyword index."""
    with library.catalogue.reader() as db:
        rows = db.execute(
            "SELECT path_text FROM files f WHERE status = 'indexed' AND NOT EXISTS"
            " (SELECT 1 FROM keyword_outbox o WHERE (o.op = 'add-file' AND o.target = f.id)"
            " OR (o.op = 'add-document' AND o.target = f.document_id))"
        ).fetchall()
    return [row[0] for row in rows]


def main(place: str, folder: str, journal: str) -> None:
    library = Library.open(Path(place), settings(), watch=False, load_embedder=HashEmbedder)
    with open(journal, "a", encoding="utf-8") as stream:
        written: set[str] = set()
        for _ in library.sync([folder]):
            new = set(acknowledged(library)) - written
            stream.writelines(f"{path}\n" for path in new)
            stream.flush()
            os.fsync(stream.fileno())
            written |= new
        stream.write("done\n")
    library.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
