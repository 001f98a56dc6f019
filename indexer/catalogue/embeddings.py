"""The part of the catalogue that keeps vectors: the queue, the vectors, the sealed generations.

Implements what `indexer.vectors` calls its source.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.connection import Connection
from indexer.catalogue.reads import HELD, count_pending, current_model, read_text
from indexer.catalogue.writes import Writes
from indexer.types import Generation


class Waiting(NamedTuple):
    """A chunk whose text waits for its vector."""

    key: bytes
    chunk_id: int
    title: str
    heading: str
    text: str
    document: int
    """Id of its document."""


class Embedded(NamedTuple):
    """A vector with one of the chunks that it is of."""

    vector: int
    document: int
    """Id of its document."""
    title: str
    heading: str
    text: str


class Embeddings(Writes):
    """Vectors: truth for the vector store, work for the embedder."""

    def use_model(self, fingerprint: str, dimensions: int) -> int:
        """Make a model the one in use and queue every chunk it has no vector for; returns its id."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO models (fingerprint, dimensions) VALUES (?, ?)"
                " ON CONFLICT (fingerprint) DO NOTHING",
                (fingerprint, dimensions),
            )
            model = int(
                db.execute("SELECT id FROM models WHERE fingerprint = ?", (fingerprint,)).fetchone()[0]
            )
            self.set_meta("model_id", str(model))
            db.execute(
                "INSERT INTO embed_queue SELECT d.id, coalesce((SELECT -max(f.mtime_ns) / 86400000000000"
                " FROM files f WHERE f.document_id = d.id), 0) FROM documents d WHERE EXISTS"
                " (SELECT 1 FROM chunks c WHERE c.document_id = d.id AND NOT EXISTS"
                " (SELECT 1 FROM vectors v WHERE v.model_id = ? AND v.key = c.key))"
                " ON CONFLICT (document_id) DO NOTHING",
                (model,),
            )
            return model

    def next_to_embed(self, model_id: int, limit: int) -> list[Waiting]:
        """Up to `limit` chunks without a vector, most urgent document first; takes finished ones off."""
        while True:
            waiting: list[Waiting] = []
            finished: list[tuple[int]] = []
            with self.reader() as db:
                queued = db.execute(
                    f"SELECT document_id FROM embed_queue q WHERE {HELD}"
                    " ORDER BY priority, document_id LIMIT 64"
                ).fetchall()
                for (document,) in queued:
                    found = _without_vector(db, model_id, document, limit - len(waiting))
                    waiting += found
                    if len(waiting) >= limit:
                        break
                    if not found:
                        finished.append((document,))
            if finished:
                with self.transaction() as db:
                    db.executemany(
                        # A document that was replaced meanwhile has its chunks to be embedded.
                        "DELETE FROM embed_queue WHERE document_id = ?1 AND NOT EXISTS"
                        " (SELECT 1 FROM chunks c WHERE c.document_id = ?1 AND NOT EXISTS"
                        " (SELECT 1 FROM vectors v"
                        f" WHERE v.model_id = {int(model_id)} AND v.key = c.key))",
                        finished,
                    )
            if waiting or not queued:
                return waiting

    def pending_embed(self) -> int:
        """Chunks that wait for a vector of the model in use."""
        with self.reader() as db:
            return count_pending(db)

    def store_vectors(
        self, model_id: int, keys: Sequence[bytes], vectors: NDArray[np.float32]
    ) -> tuple[list[int], NDArray[np.float32]]:
        """Store vectors.

        Keys that have a vector already, or that no chunk has any more, are left out.

        Returns:
            The new ids, ascending, and their vectors as stored (float16 precision).
        """
        packed = np.asarray(vectors, dtype="<f2")
        ids: list[int] = []
        taken: list[int] = []
        with self.transaction() as db:
            for place, key in enumerate(keys):
                cursor = db.execute(
                    "INSERT INTO vectors (model_id, key, vector) SELECT ?1, ?2, ?3 WHERE EXISTS"
                    " (SELECT 1 FROM chunks WHERE key = ?2)"
                    " ON CONFLICT (model_id, key) DO NOTHING RETURNING id",
                    (model_id, key, packed[place].tobytes()),
                )
                row = cursor.fetchone()
                if row is not None:
                    ids.append(row[0])
                    taken.append(place)
        return ids, packed[taken].astype(np.float32)

    def drop_unused_vectors(self, model_id: int) -> list[int]:
        """Remove vectors whose text is in no chunk any more; returns the ids of this model's."""
        unused = "NOT EXISTS (SELECT 1 FROM chunks c WHERE c.key = vectors.key)"
        with self.transaction() as db:
            rows = db.execute(f"DELETE FROM vectors WHERE {unused} RETURNING id, model_id").fetchall()
        return [row[0] for row in rows if row[1] == model_id]

    def drop_other_models(self, model_id: int) -> None:
        """Remove the vectors of models that are no longer in use."""
        with self.transaction() as db:
            db.execute("DELETE FROM models WHERE id <> ?", (model_id,))

    def vectors_of(self, digest: str) -> tuple[list[int], NDArray[np.float32]] | None:
        """Chunk ids of a document and their vectors; None unless every chunk has one."""
        with self.reader() as db:
            rows = db.execute(
                "SELECT c.id, v.vector FROM chunks c JOIN documents d ON d.id = c.document_id"
                " LEFT JOIN vectors v ON v.key = c.key AND v.model_id = ? WHERE d.hash = ?"
                " ORDER BY c.ordinal",
                (current_model(db), digest),
            ).fetchall()
        if not rows or any(row[1] is None for row in rows):
            return None
        return [row[0] for row in rows], matrix([row[1] for row in rows])

    # --- the source of the vector store ---

    def vector_ids(self, model_id: int, after: int = 0) -> NDArray[np.int64]:
        """Ids of a model's vectors greater than `after`, ascending."""
        with self.reader() as db:
            rows = db.execute(
                "SELECT id FROM vectors WHERE model_id = ? AND id > ? ORDER BY id", (model_id, after)
            ).fetchall()
        return np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))

    def embedded(self, model_id: int, ids: Sequence[int] | NDArray[np.int64]) -> list[Embedded]:
        """The chunks behind vectors: a row for each document that holds the text of one."""
        found = []
        with self.reader() as db:
            rows = db.execute(
                'SELECT v.id, c.document_id, d.title, c.heading, c.start, c."end" FROM vectors v'
                " JOIN chunks c ON c.key = v.key JOIN documents d ON d.id = c.document_id"
                " WHERE v.model_id = ? AND v.id IN (SELECT value FROM json_each(?))"
                " GROUP BY v.id, c.document_id",
                (model_id, json.dumps([int(each) for each in ids])),
            ).fetchall()
            for vector, document, title, heading, start, end in rows:
                found.append(Embedded(vector, document, title, heading, read_text(db, document, start, end)))
        return found

    def read_vectors(self, model_id: int, ids: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32]:
        """Vectors by id, (n, dimensions) float32, in the order asked for.

        Raises:
            KeyError: an id does not exist.
        """
        wanted = [int(i) for i in ids]
        blobs: list[bytes] = []
        with self.reader() as db:
            dimensions = db.execute("SELECT dimensions FROM models WHERE id = ?", (model_id,)).fetchone()
            for start in range(0, len(wanted), 500):
                part = wanted[start : start + 500]
                marks = ",".join("?" * len(part))
                rows = db.execute(f"SELECT id, vector FROM vectors WHERE id IN ({marks})", part).fetchall()
                found = dict(rows)
                blobs += [found[i] for i in part]
        if not blobs:
            return np.empty((0, dimensions[0] if dimensions else 0), dtype=np.float32)
        return matrix(blobs)

    def generations(self, model_id: int) -> list[Generation]:
        """The sealed generations of a model, oldest vectors first."""
        with self.reader() as db:
            rows = db.execute(
                "SELECT name, lo, hi, count, manifest FROM generations WHERE model_id = ? ORDER BY lo",
                (model_id,),
            ).fetchall()
        return [
            Generation(name=name, lo=lo, hi=hi, count=count, manifest=manifest)
            for name, lo, hi, count, manifest in rows
        ]

    def replace_generations(self, model_id: int, removed: Iterable[str], added: Iterable[Generation]) -> None:
        """Swap sealed generations in one transaction."""
        now = time.time_ns()
        with self.transaction() as db:
            db.executemany(
                "DELETE FROM generations WHERE name = ? AND model_id = ?",
                ((name, model_id) for name in removed),
            )
            db.executemany(
                "INSERT INTO generations VALUES (?, ?, ?, ?, ?, ?, ?)",
                ((g.name, model_id, g.lo, g.hi, g.count, g.manifest, now) for g in added),
            )


def _without_vector(db: Connection, model_id: int, document: int, limit: int) -> list[Waiting]:
    rows = db.execute(
        'SELECT c.key, c.id, d.title, c.heading, c.start, c."end" FROM chunks c'
        " JOIN documents d ON d.id = c.document_id WHERE c.document_id = ?1 AND NOT EXISTS"
        " (SELECT 1 FROM vectors v WHERE v.model_id = ?2 AND v.key = c.key) ORDER BY c.ordinal LIMIT ?3",
        (document, model_id, limit),
    ).fetchall()
    if not rows:
        return []
    first, last = rows[0][4], rows[-1][5]
    text = read_text(db, document, first, last)
    distinct = {row[0]: row for row in rows}
    return [
        Waiting(key, chunk, title, heading, text[start - first : end - first], document)
        for key, chunk, title, heading, start, end in distinct.values()
    ]


def matrix(blobs: Sequence[bytes]) -> NDArray[np.float32]:
    """Stored vectors, at least one, as rows."""
    return np.frombuffer(b"".join(blobs), dtype="<f2").reshape(len(blobs), -1).astype(np.float32)
