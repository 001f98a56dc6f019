"""Vectors on a Chroma server: what it holds, and what it must still be told.

The server is durable by itself, so there are no generations. What it lacks stays in memory and is scored
there until an `upsert` went through; at start its ids are compared with the catalogue's, so a lost
message heals.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TypeVar

import numpy as np

from indexer import egress
from indexer.config import VectorsConfig
from indexer.errors import AppError, ConfigError, StoreError
from indexer.vectors import chroma
from indexer.vectors.source import Customs, Ids, Matrix

log = logging.getLogger(__name__)

T = TypeVar("T")


class Remote:
    """One library's rows on a server. Errors are StoreErrors that say what to do."""

    def __init__(
        self,
        directory: Path,
        model_id: int,
        dimensions: int,
        config: VectorsConfig,
        *,
        allow_remote: bool,
        tunnels: Sequence[str] = (),
        customs: Customs | None = None,
    ) -> None:
        """Check the settings; the connection is made when first needed.

        Args:
            directory: Of the vectors of this library.
            model_id: Whose vectors.
            dimensions: Length of a vector.
            config: The section [vectors].
            allow_remote: The owner's policy.
            tunnels: Addresses of this machine behind which another one answers.
            customs: Asked when the server is on another machine; without it nothing goes there.

        Raises:
            ConfigError: the address or the key is missing.
            EgressRefusedError: the policy forbids the server.
        """
        if config.mode == "server" and not config.url:
            raise ConfigError("No Chroma server is given.", hint="Set url under [vectors].")
        self._url = config.url if config.mode == "server" else ""
        target = egress.check(self._url or chroma.CLOUD, allow_remote=allow_remote, tunnels=tunnels)
        self._where = target.label
        self._tunnels = tunnels
        self._customs = None if target.local else customs
        self._closed = customs is None and not target.local
        self._key = egress.read_key(env=config.api_key_env) if self._needs_key(config) else egress.Key("")
        self._allow_remote = allow_remote
        self._config = config
        self._dimensions = dimensions
        self._root = str(directory)
        self._library = f"{_library_id(directory)}-m{model_id}"
        self._server: chroma.Server | None = None
        self.ids: Ids = np.empty(0, np.int64)
        """Ids the server holds, ascending."""
        self.doomed: set[int] = set()
        """Ids it must still be told to delete; masked until then."""

    def staying(self, ids: Ids) -> Ids:
        """Those of the vectors that must not go to the server; ascending."""
        if self._closed:
            return np.unique(ids)
        return self._customs.staying(ids) if self._customs and len(ids) else np.empty(0, np.int64)

    def withdraw(self) -> Ids:
        """Doom what the server holds of documents that must not be there any more; returns those ids."""
        held = np.setdiff1d(self.ids, np.fromiter(self.doomed, np.int64, len(self.doomed)))
        if self._customs is None or not len(held):
            return np.empty(0, np.int64)
        back = self._customs.withheld(held)
        self.doomed |= set(back.tolist())
        return back

    def refresh(self, live: Ids) -> None:
        """Ask which ids the server holds and compare them with the catalogue's.

        Raises:
            StoreError: it does not answer.
        """
        self.ids = self._ask(lambda server: server.ids())
        self.doomed = set(np.setdiff1d(self.ids, live, assume_unique=True).tolist())

    def push(self, ids: Ids, vectors: Matrix) -> None:
        """Store vectors.

        Raises:
            StoreError: it does not answer; repeating the call is harmless.
        """
        with self._noting("vectors", ids):
            self._ask(lambda server: server.upsert(ids, vectors))
        self.ids = np.union1d(self.ids, ids)

    def bury(self) -> None:
        """Delete what the catalogue no longer has.

        Raises:
            StoreError: it does not answer.
        """
        gone = sorted(self.doomed)
        if gone:
            self._ask(lambda server: server.delete(gone))
            self.ids = np.setdiff1d(self.ids, np.array(gone, np.int64))
            self.doomed -= set(gone)

    def search(self, vector: Matrix, k: int) -> list[tuple[int, float]]:
        """The nearest `k` as (id, cosine), best first.

        Raises:
            StoreError: it does not answer.
        """
        if not len(self.ids):
            return []
        with self._noting("search of vectors"):
            found = self._ask(lambda server: server.query(vector, k + len(self.doomed)))
        return [pair for pair in found if pair[0] not in self.doomed][:k]

    def _noting(self, purpose: str, ids: Ids | None = None) -> AbstractContextManager[None]:
        return self._customs.noting(purpose, ids) if self._customs else nullcontext()

    def close(self) -> None:
        """End the connection; the next call makes a new one."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def describe(self) -> str:
        """Where the vectors are, for `doctor`."""
        return f"{len(self.ids)} vectors on {self._where}"

    @staticmethod
    def _needs_key(config: VectorsConfig) -> bool:
        return config.mode == "cloud" or bool(config.api_key_env and os.environ.get(config.api_key_env))

    def _ask(self, call: Callable[[chroma.Server], T]) -> T:
        try:
            if self._server is None:
                self._server = self._connect()
            return call(self._server)
        except AppError:
            raise
        except Exception as exc:  # chromadb and its HTTP client have no common base class
            self.close()
            log.warning("Chroma at %s: %s", self._where, type(exc).__name__)
            raise StoreError(
                f"The Chroma server {self._where} does not answer ({type(exc).__name__}).",
                hint='Start it, or set mode = "embedded" under [vectors].',
            ) from exc

    def _connect(self) -> chroma.Server:
        config = self._config
        client, connection = chroma.connect(
            self._url,
            key=self._key.reveal(),
            tenant=config.tenant,
            database=config.database,
            allow_remote=self._allow_remote,
            tunnels=self._tunnels,
            on_call=self._customs.note if self._customs else None,
        )
        try:
            return chroma.Server(
                client,
                connection,
                collection=config.collection,
                library=self._library,
                dimensions=self._dimensions,
                root=self._root,
            )
        except BaseException:
            connection.close()
            raise


def _library_id(directory: Path) -> str:
    """A random name that stays with the library wherever it is moved."""
    path = directory / "library-id"
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        directory.mkdir(parents=True, exist_ok=True)
        path.write_text(uuid.uuid4().hex[:16], "ascii")
        return path.read_text("ascii")
