"""Where text may go, what of it, and what went: the answers of `quire privacy`."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from copilot.disclosure import ModelPlace, PolicyAt, PrivacyStatus, SentCall
from copilot.types import ModelStatus
from indexer import egress
from indexer.config import Config
from indexer.errors import AppError, NotFoundError
from indexer.library import Library
from indexer.policy import Ruling
from indexer.vectors.chroma import CLOUD

_LONGEST_LOG = 1_000_000


def status(library: Library, model: ModelStatus, path: str = "") -> PrivacyStatus:
    """Where text may go, and the policy of a path (of a document: the strictest of its copies)."""
    privacy = library.config.privacy
    embedding = library.config.embedding
    address = embedding.base_url if embedding.provider in ("openai", "ollama") else ""
    host = urlsplit(address).netloc.rpartition("@")[2]
    name = library.status().embedding_model
    return PrivacyStatus(
        allow_remote=privacy.allow_remote,
        policy=privacy.policy,
        language_model=ModelPlace(name=model.name, host=model.host, local=model.local),
        embedding_model=ModelPlace(name=name, host=host, local=library.embeds_here),
        vectors=_vectors(library.config),
        places=(_at(library, path),) if path else _folders(library),
        patterns=tuple(privacy.patterns),
        sent=len(library.catalogue.egress_log(_LONGEST_LOG)),
    )


def _vectors(config: Config) -> ModelPlace:
    """Where vectors are searched."""
    if config.vectors.mode == "embedded":
        return ModelPlace(name="", host="", local=True)
    url = config.vectors.url if config.vectors.mode == "server" else CLOUD
    try:
        target = egress.check(url, allow_remote=True, tunnels=config.privacy.tunnels)
    except AppError:
        return ModelPlace(name=config.vectors.collection, host="", local=True)
    return ModelPlace(name=config.vectors.collection, host=target.label, local=target.local)


def _folders(library: Library) -> tuple[PolicyAt, ...]:
    """The library's folders, those that the configuration names, and those that hold a policy file."""
    named = [os.path.normpath(Path(name).expanduser()) for name in library.config.privacy.folders]
    roots = [root.path for root in library.status().roots]
    paths = dict.fromkeys([*roots, *named, *library.guard.policy_folders()])
    return tuple(_place(path, library.guard.ruling_at(os.fsencode(path))) for path in paths)


def _at(library: Library, path: str) -> PolicyAt:
    try:
        document = library.details(path).document
    except NotFoundError:
        document = ""
    here = library.guard.ruling_at(os.fsencode(path))
    if document:
        here = here.stricter(library.guard.rulings([document])[document])
    return _place(path, here)


def _place(path: str, ruling: Ruling) -> PolicyAt:
    return PolicyAt(path=path, policy=ruling.policy, reason=ruling.reason)


def sent(library: Library, query: str, limit: int) -> tuple[SentCall, ...]:
    """Entries of the log, newest first, that hold all words of the query somewhere."""
    words = query.casefold().split()
    rows = library.catalogue.egress_log(_LONGEST_LOG if words else limit)
    digests = {digest for row in rows for digest in row["documents"]}
    names = library.guard.names(sorted(digests))
    entries = (_entry(row, names) for row in rows)
    return tuple(entry for entry in entries if all(word in _text(entry) for word in words))[:limit]


def _entry(row: dict[str, Any], names: dict[str, str]) -> SentCall:
    when = dt.datetime.fromtimestamp(row["created_ns"] / 1e9).replace(microsecond=0)
    return SentCall(
        id=row["id"],
        when=when.isoformat(" "),
        host=row["host"],
        model=row["model"],
        purpose=row["purpose"],
        bytes=row["bytes"],
        documents=tuple(names[document] for document in row["documents"]),
        redacted=row["redacted"],
        outcome=row["outcome"],
    )


def _text(entry: SentCall) -> str:
    parts = (entry.when, entry.host, entry.model, entry.purpose, entry.outcome)
    return " ".join([*parts, *entry.documents, *entry.redacted]).casefold()
