"""Embedding models behind an endpoint: OpenAI-compatible servers and Ollama, through LlamaIndex's classes.

The connection is the gate's (`indexer.egress`), so the policy holds and nothing is redirected. Vectors are
normalised here, because not every server does it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer import egress
from indexer.config import EmbeddingConfig
from indexer.egress import Call, Destination
from indexer.errors import AppError, ConfigError, EgressRefusedError, ProviderError

_BATCH = 32
_TIMEOUT_S = 60.0
_OLLAMA = "http://127.0.0.1:11434"


class Calls:
    """Passes on what a connection tells of its requests; keeps it until somebody listens."""

    def __init__(self) -> None:
        self._kept: list[Call] = []
        self._listener: Callable[[Call], None] | None = None

    def __call__(self, call: Call) -> None:
        """Take one."""
        if self._listener is None:
            self._kept.append(call)
        else:
            self._listener(call)

    def listen(self, listener: Callable[[Call], None]) -> list[Call]:
        """Tell `listener` from now on; returns what was kept."""
        self._listener = listener
        kept, self._kept = self._kept, []
        return kept


class RemoteEmbedder:
    """Texts to unit vectors through an endpoint."""

    languages: frozenset[str] | None = None
    related: float = -1.0
    nearby: float = 0.3

    def __init__(
        self,
        model: Any,
        connection: Any,
        *,
        name: str,
        fingerprint: str,
        dimensions: int,
        host: str,
        local: bool = True,
        calls: Calls | None = None,
    ) -> None:
        """Wrap a LlamaIndex embedding model.

        Args:
            model: Its class takes lists of texts (`get_text_embedding_batch`).
            connection: The gate's client that `model` uses; closed with this object.
            name: Model name at the endpoint.
            fingerprint: Identifies model and endpoint kind.
            dimensions: Length of a vector; 0 asks the endpoint once.
            host: Shown in messages.
            local: What is sent there stays on this machine.
            calls: What `connection` tells of its requests.
        """
        self.is_local = local
        self.calls = calls or Calls()
        self._model = model
        self._connection = connection
        self.host = host
        self.name = name
        try:
            self.dimensions = dimensions or len(self._ask(lambda: [model.get_query_embedding("length")])[0])
        except AppError:
            self.close()
            raise
        self.fingerprint = f"{fingerprint}:{self.dimensions}"

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts to be found; (n, dimensions) float32 unit rows.

        Raises:
            ProviderError: the endpoint failed or sent vectors of another length.
        """
        out = np.empty((len(texts), self.dimensions), np.float32)
        for first in range(0, len(texts), _BATCH):
            batch = [_sendable(text) for text in texts[first : first + _BATCH]]
            rows = self._ask(lambda batch=batch: self._model.get_text_embedding_batch(batch))  # type: ignore[misc]
            out[first : first + len(batch)] = self._unit(rows, len(batch))
        return out

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed a question; (dimensions,) float32, of length 1.

        Raises:
            ProviderError: the endpoint failed or sent a vector of another length.
        """
        rows = self._ask(lambda: [self._model.get_query_embedding(_sendable(text))])
        return np.asarray(self._unit(rows, 1)[0], np.float32)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _ask(self, call: Callable[[], list[list[float]]]) -> list[list[float]]:
        try:
            return call()
        except AppError:
            raise
        except Exception as exc:  # the SDKs have no common base class
            raise _explained(exc, self.host) from exc

    def _unit(self, rows: list[list[float]], count: int) -> NDArray[np.float32]:
        try:
            vectors = np.asarray(rows, np.float32)
        except (TypeError, ValueError) as exc:
            raise ProviderError(f"{self.host} sent something that is no vector.") from exc
        if vectors.shape != (count, self.dimensions) or not np.isfinite(vectors).all():
            raise ProviderError(
                f"{self.host} sent {vectors.shape} numbers where {(count, self.dimensions)} were due.",
                hint="Check model and dimensions under [embedding].",
            )
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def load(config: EmbeddingConfig, *, allow_remote: bool, tunnels: Sequence[str] = ()) -> RemoteEmbedder:
    """Connect to the configured endpoint.

    Raises:
        ConfigError: no model or no address is configured, or the key's variable is not set.
        EgressRefusedError: the policy forbids the endpoint.
        ProviderError: it does not answer.
    """
    if not config.model:
        raise ConfigError("No embedding model is named.", hint="Set model under [embedding].")
    if config.provider == "ollama":
        return _ollama(config, allow_remote, tunnels)
    if not config.base_url:
        raise ConfigError("No embedding endpoint is given.", hint="Set base_url under [embedding].")
    return _openai(config, allow_remote, tunnels)


def _openai(config: EmbeddingConfig, allow_remote: bool, tunnels: Sequence[str]) -> RemoteEmbedder:
    from llama_index.embeddings.openai_like import OpenAILikeEmbedding

    target = egress.check(config.base_url, allow_remote=allow_remote, tunnels=tunnels)
    calls = Calls()
    connection = egress.client(
        config.base_url, allow_remote=allow_remote, timeout_s=_TIMEOUT_S, on_call=calls, tunnels=tunnels
    )
    model = OpenAILikeEmbedding(
        model_name=config.model,
        api_base=config.base_url,
        api_key=egress.read_key(env=config.api_key_env).reveal() or "none",
        embed_batch_size=_BATCH,
        dimensions=config.dimensions or None,
        max_retries=0,  # the backlog asks again; the SDK would also repeat what the gate refused
        timeout=_TIMEOUT_S,
        reuse_client=True,
        http_client=connection,
    )
    return _wrap(model, connection, config, target, calls)


def _ollama(config: EmbeddingConfig, allow_remote: bool, tunnels: Sequence[str]) -> RemoteEmbedder:
    from llama_index.embeddings.ollama import OllamaEmbedding

    url = config.base_url or _OLLAMA
    target = egress.check(url, allow_remote=allow_remote, tunnels=tunnels)
    egress.refuse_cloud_model(config.model, allow_remote=allow_remote)
    model = OllamaEmbedding(model_name=config.model, base_url=url, embed_batch_size=_BATCH)
    calls = Calls()
    connection = egress.client(
        url, allow_remote=allow_remote, timeout_s=_TIMEOUT_S, on_call=calls, tunnels=tunnels
    )
    model._client.close()
    model._client._client = connection
    return _wrap(model, connection, config, target, calls)


def _wrap(
    model: Any, connection: Any, config: EmbeddingConfig, target: Destination, calls: Calls
) -> RemoteEmbedder:
    elsewhere = config.provider == "ollama" and egress.is_cloud_model(config.model)
    return RemoteEmbedder(
        model,
        connection,
        name=config.model,
        fingerprint=f"{config.provider}:{config.model}",
        dimensions=config.dimensions,
        host=target.label,
        local=target.local and not elsewhere,
        calls=calls,
    )


def _sendable(text: str) -> str:
    """Servers refuse empty texts and lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8") or " "


def _explained(exc: Exception, host: str) -> AppError:
    """The SDK's exception as one of ours; a refusal of the gate stays one, however deep it is wrapped."""
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, EgressRefusedError):
            return cause
        cause = cause.__cause__ or cause.__context__
    status = getattr(exc, "status_code", None)
    if status in (401, 403):
        return ProviderError(f"{host} refused the key.", hint="Check api_key_env under [embedding].")
    if status == 404:
        return ProviderError(f"{host} does not have this model.", hint="Check model under [embedding].")
    if status is not None:
        return ProviderError(
            f"{host} answered with error {status}.", retryable=status in (429, 500, 502, 503)
        )
    return ProviderError(
        f"{host} does not answer ({type(exc).__name__}).",
        hint="Start the embedding server; keyword search works without it.",
        retryable=True,
    )
