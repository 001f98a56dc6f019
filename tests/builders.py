"""What several tests need: settings, an embedder without a model, a pipeline without a library around it."""

from __future__ import annotations

import os
import sqlite3
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue import Catalogue
from indexer.config import Config, EmbeddingConfig, OcrConfig, ParsingConfig, WatchConfig
from indexer.keyword import KeywordIndex
from indexer.keywords import KeywordFeed
from indexer.parsing.pool import ParsePool
from indexer.pipeline import Pipeline

PATIENCE_S = 60.0
"""Longest wait for something that must happen; tests end as soon as it has."""


def settings(**watch: object) -> Config:
    """Settings for tests: one worker, no model, nothing settles, OCR only when asked for."""
    return Config(
        watch=WatchConfig.model_validate({"settle_s": 0.0, "poll_s": 1, **watch}),
        parsing=ParsingConfig(workers=1),
        embedding=EmbeddingConfig(provider="none"),
        ocr=OcrConfig(automatic=False),
    )


def until(condition: Callable[[], object], what: str) -> None:
    """Wait until a named condition holds."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.005)


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write text files below a folder; names may hold `/`."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def damage(catalogue: Path, table: str) -> None:
    """Overwrite the first page of a table; "" for the first page of the file."""
    root = 1
    if table:
        with closing(sqlite3.connect(catalogue)) as db:
            (root,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    with catalogue.open("r+b") as stream:
        stream.seek((root - 1) * 4096)
        stream.write(b"\xa5" * 4096)


class HashEmbedder:
    """Words to vectors by hashing: texts that share words are near each other. Counts what it embeds."""

    name = "hash"
    languages: frozenset[str] | None = None
    related = -1.0
    nearby = 0.3

    def __init__(self, fingerprint: str = "hash/1", dimensions: int = 64) -> None:
        self.fingerprint = fingerprint
        self.dimensions = dimensions
        self.embedded: list[str] = []
        self.broken = False

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.broken:
            raise OSError("the model is away")
        self.embedded += texts
        return np.stack([self.embed_query(text) for text in texts])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        vector = np.full(self.dimensions, 1e-3, dtype=np.float32)
        for word in text.lower().split():
            vector[zlib.crc32(word.strip(".,:;!?").encode()) % self.dimensions] += 1
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


class Rig:
    """Catalogue, keyword index, parse pool and pipeline: a library without search, watching, vectors."""

    def __init__(
        self, directory: Path, config: Config | None = None, *, pool: ParsePool | None = None
    ) -> None:
        directory.mkdir(exist_ok=True)
        self.config = config or settings()
        self.catalogue = Catalogue(directory / "catalogue.sqlite3")
        self.keyword = KeywordIndex(directory / "keyword")
        self.feed = KeywordFeed(self.catalogue, self.keyword)
        self._own_pool = pool is None
        self.pool = pool or ParsePool(self.config.parsing, log_path=directory / "logs" / "parse.log")
        self.parsed = 0
        self.pipeline = Pipeline(
            self.catalogue,
            self.feed,
            self.pool,
            self.config,
            never=frozenset({os.fsencode(directory)}),
            stored=lambda: None,
            changed=lambda: None,
            dropped=lambda: None,
        )
        self._closed = False
        self.pipeline.start()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self.pipeline.close()
        if self._own_pool:
            self.pool.close()
        self.keyword.close()
        self.catalogue.close()

    def sync(self, *roots: Path) -> int:
        """Make folders roots, bring everything up to date; returns how many documents were parsed."""
        for root in roots:
            self.catalogue.add_root(os.fsencode(root))
        self.settle()
        look = self.pipeline.look()
        until(look.done.is_set, "the look is done")
        self.settle()
        return self.pipeline.tally.parsed

    def settle(self) -> None:
        """Wait until nothing is under way."""
        until(lambda: self.pipeline.idle, "the pipeline is idle")

    def hint(self, *paths: Path) -> int:
        """As if events had told of these paths; returns how many documents were parsed."""
        look = self.pipeline.look([os.fsencode(path) for path in paths], certain=True)
        until(look.done.is_set, "the look is done")
        self.settle()
        return self.pipeline.tally.parsed

    def texts(self) -> dict[str, str]:
        """Path to text of every file, as the catalogue has it."""
        with self.catalogue.reader() as db:
            rows = db.execute(
                "SELECT f.path_text, d.hash FROM files f LEFT JOIN documents d ON d.id = f.document_id"
            ).fetchall()
        return {path: self.catalogue.text(digest) if digest else "" for path, digest in rows}

    def names(self) -> set[str]:
        """Last parts of all paths."""
        return {path.rpartition("/")[2] for path in self.texts()}

    def assert_agrees(self) -> None:
        """Catalogue and keyword index hold the same, and the catalogue does not contradict itself."""
        assert self.catalogue.check_file() == "ok"
        assert self.catalogue.inconsistencies() == []
        assert self.catalogue.outbox() == []
        live = self.catalogue.live_documents()
        chunks = {document: self.catalogue.chunk_ids(document) for document in live}
        assert {document: self.keyword.chunk_ids(document) for document in live} == chunks
        expected = (sum(map(len, chunks.values())), len(self.catalogue.file_ids()))
        assert self.keyword.count() == expected
