"""The part of the catalogue that remembers what went to models elsewhere, and whose documents these were.

An entry is written before the first byte leaves and gets its outcome once; the tables' triggers refuse
everything else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from indexer.catalogue.embeddings import Embeddings

_COLUMNS = ("id", "created_ns", "host", "model", "purpose", "bytes", "documents", "outcome", "redacted")
_BATCH = 400


class Sent(Embeddings):
    """The log of what was sent."""

    def log_egress(
        self,
        host: str,
        model: str,
        purpose: str,
        size: int,
        documents: Sequence[str],
        outcome: str,
        redacted: Mapping[str, int],
    ) -> int:
        """Note that text goes to a model elsewhere; returns the entry's id.

        Args:
            host: Where to.
            model: Its name.
            purpose: What for: answer, question, summary, embedding.
            size: Bytes.
            documents: Hashes of the documents it is from.
            outcome: "sending" before it goes, to be completed by `log_outcome`.
            redacted: How many values of each kind were hidden.
        """
        values = (time.time_ns(), host, model, purpose, size, _json(list(documents)), outcome)
        with self.transaction() as db:
            cursor = db.execute(
                "INSERT INTO egress_log"
                " (created_ns, host, model, purpose, bytes, documents, outcome, redacted)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, _json(dict(redacted))),
            )
            return int(cursor.lastrowid or 0)

    def log_outcome(self, entry: int, outcome: str) -> None:
        """Say how a request noted as "sending" has ended."""
        with self.transaction() as db:
            db.execute(
                "UPDATE egress_log SET outcome = ? WHERE id = ? AND outcome = 'sending'", (outcome, entry)
            )

    def egress_log(self, limit: int = 1000) -> list[dict[str, Any]]:
        """What went to models elsewhere, newest first; keys as the columns of `egress_log`."""
        with self.reader() as db:
            rows = db.execute(
                f"SELECT {', '.join(_COLUMNS)} FROM egress_log ORDER BY id DESC LIMIT ?", (limit,)
            ).fetchall()
        entries = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
        for entry in entries:
            entry["documents"] = json.loads(entry["documents"])
            entry["redacted"] = json.loads(entry["redacted"])
        return entries

    def paths_holding(self, digests: Sequence[str]) -> dict[str, list[bytes]]:
        """Every path that holds a document now, by its hash (hex); [] for one that is nowhere."""
        found: dict[str, list[bytes]] = {digest: [] for digest in digests}
        wanted = list(found)
        with self.reader() as db:
            for start in range(0, len(wanted), _BATCH):
                part = wanted[start : start + _BATCH]
                rows = db.execute(
                    "SELECT d.hash, f.path FROM documents d JOIN files f ON f.document_id = d.id"
                    f" WHERE d.hash IN ({','.join('?' * len(part))}) ORDER BY f.path",
                    part,
                )
                for digest, path in rows:
                    found[digest].append(path)
        return found

    def paths_by_id(self, documents: Iterable[int]) -> dict[int, list[bytes]]:
        """Every path that holds a document now, by the document's id; [] for one that is nowhere."""
        found: dict[int, list[bytes]] = {document: [] for document in documents}
        with self.reader() as db:
            for document, paths in found.items():
                rows = db.execute("SELECT path FROM files WHERE document_id = ?", (document,)).fetchall()
                paths += [row[0] for row in rows]
        return found

    def hashes(self, documents: Iterable[int]) -> list[str]:
        """`sha256:…` of documents by id."""
        wanted = sorted(set(documents))
        with self.reader() as db:
            rows = db.execute(
                f"SELECT hash FROM documents WHERE id IN ({','.join('?' * len(wanted))})", wanted
            ).fetchall()
        return [f"sha256:{row[0]}" for row in rows]

    def unqueue(self, documents: Iterable[int]) -> None:
        """Take documents off the queue for embedding; they are found by keyword only."""
        with self.transaction() as db:
            db.executemany("DELETE FROM embed_queue WHERE document_id = ?", [(each,) for each in documents])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
