"""Brings the keyword index up to date with the catalogue, by the catalogue's list of work.

A row of the list is removed only after the index has committed it, and doing a row twice is harmless:
whatever crashes in between, the next start does what is left. Used by one thread.
"""

from __future__ import annotations

from collections.abc import Sequence

from indexer.catalogue import Catalogue, stored_chunks
from indexer.keyword import KeywordIndex

Entry = tuple[int, str, str, str]
"""A chunk as the keyword index takes it: id, heading path, text, language."""


class KeywordFeed:
    """Applies `keyword_outbox` to Tantivy."""

    def __init__(self, catalogue: Catalogue, keyword: KeywordIndex) -> None:
        self._catalogue = catalogue
        self._keyword = keyword
        self._applied = 0
        self._fresh: dict[int, tuple[str, str, Sequence[Entry]]] = {}
        self.dirty = False
        """Something was applied that is not committed yet."""

    def prepare(self) -> None:
        """Queue everything when the index has to be built anew; nothing is parsed for that."""
        if not self._keyword.needs_rebuild:
            return
        self._keyword.wipe()
        with self._catalogue.transaction():
            self._catalogue.clear_outbox(self._catalogue.last_outbox())
            self._catalogue.queue_keywords("add-document", self._catalogue.live_documents())
            self._catalogue.queue_keywords("add-file", self._catalogue.file_ids())

    def remember(self, document_id: int, language: str, title: str, chunks: Sequence[Entry]) -> None:
        """Keep a document's text for the next `apply`, so that it need not be read back."""
        self._fresh[document_id] = (language, title, chunks)

    def apply(self, limit: int = 500) -> bool:
        """Do the next rows of the list, without making them visible; returns whether more may wait.

        Raises:
            StoreError: the index failed; call `rollback`.
        """
        rows = self._catalogue.outbox(self._applied, limit)
        if not rows:
            return False
        last = {(op.endswith("document"), target): place for place, (_, op, target) in enumerate(rows)}
        for place, (_, op, target) in enumerate(rows):
            # Of several rows for one target only the last one counts.
            if last[op.endswith("document"), target] == place:
                self._do(op, target)
        self._applied = rows[-1][0]
        self._fresh.clear()
        self.dirty = True
        return len(rows) == limit

    def _do(self, op: str, target: int) -> None:
        if op == "add-document":
            self._add_document(target)
        elif op == "add-file":
            self._add_file(target)
        elif op == "drop-document":
            self._keyword.drop_document(target)
        else:
            self._keyword.drop_file(target)

    def _add_document(self, document_id: int) -> None:
        fresh = self._fresh.get(document_id)
        if fresh is not None:
            self._keyword.add_document(document_id, *fresh)
            return
        with self._catalogue.reader() as db:
            row = db.execute(
                "SELECT language, title FROM documents d WHERE id = ? AND EXISTS"
                " (SELECT 1 FROM files WHERE document_id = d.id)",
                (document_id,),
            ).fetchone()
            chunks = [(c.id, c.heading, c.text, c.language) for c in stored_chunks(db, document_id)]
        if row is None:
            self._keyword.drop_document(document_id)
        else:
            self._keyword.add_document(document_id, row[0], row[1], chunks)

    def _add_file(self, file_id: int) -> None:
        with self._catalogue.reader() as db:
            row = db.execute(
                "SELECT f.document_id, f.name, f.path_text, coalesce(d.title, '') FROM files f"
                " LEFT JOIN documents d ON d.id = f.document_id WHERE f.id = ?",
                (file_id,),
            ).fetchone()
        if row is None:
            self._keyword.drop_file(file_id)
        else:
            self._keyword.add_file(file_id, row[0] or 0, row[1], row[2], row[3])

    def commit(self) -> None:
        """Make what was applied durable and searchable, then take it off the list."""
        self._keyword.commit()
        self._catalogue.clear_outbox(self._applied)
        if self._keyword.needs_rebuild and not self._catalogue.last_outbox():
            self._keyword.needs_rebuild = False
        self.dirty = False

    def rollback(self) -> None:
        """Forget what was applied since the last commit; it stays on the list."""
        self._keyword.rollback()
        self._fresh.clear()
        self._applied = 0
        self.dirty = False
