"""What of the library's documents may go to a model on another machine, and the memory of what went.

Joins the owner's policy, the detectors and the log with the catalogue, which knows all paths of a
document. Everything that sends text of documents asks here first.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue import Catalogue
from indexer.config import Policy, PrivacyConfig
from indexer.egress import SENDING, Call
from indexer.policy import Policies, Ruling
from indexer.redaction import Redactor, Vault

WITHHELD = ("never", "ask")
"""Policies under which nothing goes unless a person agrees, which for `never` they cannot."""


class Guard:
    """The owner's rules applied to documents. Thread-safe."""

    def __init__(self, catalogue: Catalogue, config: PrivacyConfig) -> None:
        """Compile the owner's patterns.

        Raises:
            ConfigError: one of them cannot be used.
        """
        self._catalogue = catalogue
        self._config = config
        self._redactor = Redactor(config.patterns)
        self._now = threading.local()

    def vault(self) -> Vault:
        """Placeholders for a new call."""
        return Vault(self._redactor)

    def rulings(self, documents: Sequence[str]) -> dict[str, Ruling]:
        """The policy for each document (`sha256:…`): the strictest of all its paths."""
        policies = Policies(self._config)
        wanted = {document: document.removeprefix("sha256:") for document in documents}
        paths = self._catalogue.paths_holding(list(wanted.values()))
        return {document: policies.of(paths[digest]) for document, digest in wanted.items()}

    def names(self, documents: Sequence[str]) -> dict[str, str]:
        """A path of each document as shown; the document itself where it is gone."""
        wanted = {document: document.removeprefix("sha256:") for document in documents}
        paths = self._catalogue.paths_holding(list(wanted.values()))
        return {
            document: paths[digest][0].decode("utf-8", "replace") if paths[digest] else document
            for document, digest in wanted.items()
        }

    def ruling_at(self, path: bytes) -> Ruling:
        """The policy at a path."""
        return Policies(self._config).of_path(path)

    def policy_folders(self) -> list[str]:
        """The folders of the library, and those above, that hold a policy file."""
        found = Policies(self._config).with_files(self._catalogue.folders())
        return [os.fsdecode(folder) for folder in found]

    def withheld(self, documents: Iterable[int]) -> frozenset[int]:
        """Those of the documents (ids of the catalogue) of which nothing goes without asking."""
        policies = Policies(self._config)
        paths = self._catalogue.paths_by_id(set(documents))
        return frozenset(each for each, held in paths.items() if policies.of(held).policy in WITHHELD)

    def policies_of(self, documents: Iterable[int]) -> dict[int, Policy]:
        """The policy for each document (by its id in the catalogue)."""
        policies = Policies(self._config)
        paths = self._catalogue.paths_by_id(set(documents))
        return {document: policies.of(held).policy for document, held in paths.items()}

    def may_embed(self, documents: Sequence[str]) -> bool:
        """Whether text of all these documents may go to an embedding model elsewhere."""
        return all(ruling.policy not in WITHHELD for ruling in self.rulings(documents).values())

    @contextmanager
    def naming(self, documents: Sequence[str]) -> Iterator[None]:
        """Note these documents with what this thread embeds in the block."""
        self._now.documents = tuple(documents)
        try:
            yield
        finally:
            self._now.documents = ()

    @property
    def named(self) -> tuple[str, ...]:
        """The documents that `naming` names now."""
        found: tuple[str, ...] = getattr(self._now, "documents", ())
        return found

    def logger(
        self, model: str, purpose: str, documents: Sequence[str], redacted: Mapping[str, int]
    ) -> Callable[[Call], None]:
        """What notes the calls of one request: an entry before each goes, its outcome afterwards."""
        unique = list(dict.fromkeys(documents))
        going: list[int] = []

        def log(call: Call) -> None:
            if going and call.outcome != SENDING:
                self._catalogue.log_outcome(going.pop(), call.outcome)
                return
            entry = self._catalogue.log_egress(
                call.host, model, purpose, call.bytes, unique, call.outcome, redacted
            )
            if call.outcome == SENDING:
                going.append(entry)

        return log


class GuardedEmbedder:
    """An embedding model on another machine that gets only what may go there.

    Texts of documents are hidden like those for language models; who embeds documents must leave out
    the withheld ones (`Guard.withheld`). Every request is logged.
    """

    languages: frozenset[str] | None
    related: float
    nearby: float

    def __init__(self, inner: Any, guard: Guard) -> None:
        """Wrap an `indexer.embedding.remote.RemoteEmbedder`."""
        self._inner = inner
        self._guard = guard
        self._now = threading.local()
        self.name = inner.name
        self.host = inner.host
        self.fingerprint = inner.fingerprint
        self.dimensions = inner.dimensions
        self.languages = inner.languages
        self.related, self.nearby = inner.related, inner.nearby
        early = guard.logger(self.name, "embedding", (), {})
        for call in inner.calls.listen(self._log):  # the first one asked for the length of a vector
            early(call)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As the model does, from texts whose secrets are replaced."""
        with self._calling("embedding", texts) as hidden:
            found: NDArray[np.float32] = self._inner.embed_passages(hidden)
            return found

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """As the model does, from a text whose secrets are replaced."""
        with self._calling("search", [text]) as hidden:
            found: NDArray[np.float32] = self._inner.embed_query(hidden[0])
            return found

    def close(self) -> None:
        """End the connection."""
        self._inner.close()

    @contextmanager
    def _calling(self, purpose: str, texts: Sequence[str]) -> Iterator[list[str]]:
        counts: Counter[str] = Counter()
        hidden = []
        for text in texts:
            # One for each text: what its vector is must not depend on its neighbours.
            vault = self._guard.vault()
            hidden.append(vault.hide(text))
            counts.update(vault.counts)
        self._now.log = self._guard.logger(self.name, purpose, self._guard.named, counts)
        try:
            yield hidden
        finally:
            self._now.log = None

    def _log(self, call: Call) -> None:
        log = getattr(self._now, "log", None)
        if log is not None:
            log(call)
