"""The one door to chromadb; nothing of it leaves this file but plain numbers.

Chroma is never asked to embed, never told a text, and never reads a `.env` file or an environment variable.
"""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from indexer import egress
from indexer.vectors.source import Ids, Matrix

COLLECTION = "vectors"
_EMBEDDED = "chromadb.api.rust.RustBindingsAPI"
_TIMEOUT_S = 20.0
CLOUD = "https://api.trychroma.com"
_PAGE = 1000


def version() -> str:
    """Version of the installed chromadb; read from its metadata, without importing it."""
    from importlib.metadata import version as installed

    return installed("chromadb")


def _settings(**more: Any) -> Any:
    from chromadb import config

    make: Any = config.Settings
    return make(
        _env_file=None,
        allow_reset=False,
        anonymized_telemetry=False,
        chroma_otel_collection_endpoint="",
        migrations="apply",
        **more,
    )


class Directory:
    """An open Chroma directory of this process."""

    def __init__(self, path: Path) -> None:
        """Open `path`, which must belong to this process alone."""
        import chromadb

        settings = _settings(chroma_api_impl=_EMBEDDED)
        library: Any = chromadb
        self._client = library.PersistentClient(str(path), settings=settings)
        backend = type(self._client._server).__name__
        if backend != "RustBindingsAPI":
            raise RuntimeError(f"Chroma opened as {backend}")
        self._collection: Any = None

    def create(self, blocks: Iterator[tuple[Ids, Matrix]], count: int) -> None:
        """Fill a new collection with `count` vectors; all of them are persisted once, at the end."""
        self._collection = self._client.create_collection(
            COLLECTION,
            embedding_function=None,
            configuration={"hnsw": {"space": "cosine", "sync_threshold": max(2, count)}},
        )
        batch = int(self._client.get_max_batch_size())
        for ids, vectors in blocks:
            for first in range(0, len(ids), batch):
                part = slice(first, first + batch)
                self._collection.add(ids=[str(i) for i in ids[part]], embeddings=vectors[part])

    def open(self) -> int:
        """Open the collection and return how many vectors it holds."""
        self._collection = self._client.get_collection(COLLECTION, embedding_function=None)
        return int(self._collection.count())

    def query(self, vector: Matrix, k: int) -> list[tuple[int, float]]:
        """The nearest `k` as (id, cosine), best first."""
        answer = self._collection.query(
            query_embeddings=vector.reshape(1, -1), n_results=k, include=["distances"]
        )
        return [
            (int(i), 1.0 - float(d)) for i, d in zip(answer["ids"][0], answer["distances"][0], strict=True)
        ]

    def close(self) -> None:
        """Release the files."""
        self._collection = None
        self._client.close()


def vacuum(path: Path) -> None:
    """Give back the space of Chroma's write log, nine tenths of its SQLite file. Prints to stdout."""
    import chromadb_rust_bindings

    chromadb_rust_bindings.cli(["chroma", "vacuum", "--path", str(path), "--force"])


class Server:
    """A collection on a Chroma server or in its cloud; several libraries may share it.

    Ids are `<library>/<vector id>`, so that an `upsert` may be repeated and nobody meets another's rows.
    """

    def __init__(
        self, client: Any, connection: Any, *, collection: str, library: str, dimensions: int, root: str
    ) -> None:
        """Get or create the collection; `client` and its `connection` come from `connect`."""
        self._connection = connection
        self._library = library
        self._metadata = {"library": library, "host": platform.node(), "root": root}
        self._client = client
        self._collection = client.get_or_create_collection(
            f"{collection}-{dimensions}",
            embedding_function=None,
            configuration={"hnsw": {"space": "cosine"}},
        )

    def upsert(self, ids: Ids, vectors: Matrix) -> None:
        """Store vectors; repeating it changes nothing."""
        for first in range(0, len(ids), _PAGE):
            part = slice(first, first + _PAGE)
            names = [self._name(i) for i in ids[part]]
            rows = [dict(self._metadata) for _ in names]
            self._collection.upsert(ids=names, embeddings=vectors[part], metadatas=rows)

    def delete(self, ids: Sequence[int]) -> None:
        """Remove vectors; unknown ones are ignored."""
        for first in range(0, len(ids), _PAGE):
            self._collection.delete(ids=[self._name(i) for i in ids[first : first + _PAGE]])

    def ids(self) -> Ids:
        """Ids of this library that the server holds, ascending."""
        found: list[int] = []
        offset = 0
        while True:
            page = self._collection.get(
                where={"library": self._library}, include=[], limit=_PAGE, offset=offset
            )["ids"]
            found += [int(name.rpartition("/")[2]) for name in page]
            offset += len(page)
            if len(page) < _PAGE:
                return np.array(sorted(found), np.int64)

    def query(self, vector: Matrix, k: int) -> list[tuple[int, float]]:
        """The nearest `k` of this library as (id, cosine), best first."""
        answer = self._collection.query(
            query_embeddings=vector.reshape(1, -1),
            n_results=k,
            where={"library": self._library},
            include=["distances"],
        )
        return [
            (int(name.rpartition("/")[2]), 1.0 - float(d))
            for name, d in zip(answer["ids"][0], answer["distances"][0], strict=True)
        ]

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _name(self, vector_id: int) -> str:
        return f"{self._library}/{vector_id}"


class _GatedHttpx:
    """The httpx module as Chroma's client sees it while it makes its connection: the gate's client in it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def Client(self, **_: Any) -> Any:
        return self._connection

    def __getattr__(self, name: str) -> Any:
        import httpx

        return getattr(httpx, name)


_CONNECTING = threading.Lock()


def connect(
    url: str,
    *,
    key: str,
    tenant: str,
    database: str,
    allow_remote: bool,
    tunnels: Sequence[str] = (),
    on_call: Callable[[egress.Call], None] | None = None,
) -> tuple[Any, Any]:
    """A client for a Chroma server, or for Chroma's cloud when `url` is empty, and its HTTP connection.

    Chroma makes its own HTTP client, which would follow redirects and read proxy variables, and has no
    way to be given another; so it meets the gate's where it looks for httpx.

    Raises:
        EgressRefusedError: the server is on another machine and the policy forbids that.
    """
    import chromadb
    from chromadb.api import fastapi

    library: Any = chromadb
    module: Any = fastapi
    target = egress.check(url or CLOUD, allow_remote=allow_remote, tunnels=tunnels)

    connection = egress.client(
        url or CLOUD, allow_remote=allow_remote, timeout_s=_TIMEOUT_S, tunnels=tunnels, on_call=on_call
    )
    place = {"tenant": tenant} if tenant else {}
    place |= {"database": database} if database else {}
    with _CONNECTING:
        original = module.httpx
        module.httpx = _GatedHttpx(connection)
        try:
            if not url:
                return library.CloudClient(api_key=key, settings=_settings(), **place), connection
            client = library.HttpClient(
                host=target.host,
                port=target.port,
                ssl=target.scheme == "https",
                headers={"X-Chroma-Token": key} if key else None,
                settings=_settings(),
                **place,
            )
            return client, connection
        except BaseException:
            connection.close()
            raise
        finally:
            module.httpx = original
