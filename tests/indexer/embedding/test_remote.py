"""Embedding endpoints on loopback: what is sent, what may come back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from indexer.config import EmbeddingConfig
from indexer.embedding import load
from indexer.embedding.remote import RemoteEmbedder
from indexer.errors import ConfigError, EgressRefusedError, ProviderError

if TYPE_CHECKING:
    from tests.indexer.embedding.conftest import ModelServer

Reply = tuple[int, dict[str, str], bytes]
JSON = {"Content-Type": "application/json"}


def rows_of(count: int, row: list[float]) -> Reply:
    data = [{"object": "embedding", "index": n, "embedding": row} for n in range(count)]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return 200, JSON, json.dumps({"object": "list", "data": data, "model": "m", "usage": usage}).encode()


def asked(body: bytes) -> int:
    inputs = json.loads(body)["input"]
    return 1 if isinstance(inputs, str) else len(inputs)


Connect = Callable[..., RemoteEmbedder]


@pytest.fixture
def connect(model_server: ModelServer) -> Iterator[Connect]:
    """Make an embedder for the server; its connection is closed after the test."""
    made: list[RemoteEmbedder] = []

    def make(**more: object) -> RemoteEmbedder:
        settings = {"provider": "openai", "model": "m", "base_url": f"{model_server.url}/v1", **more}
        embedder = load(EmbeddingConfig.model_validate(settings), cache=Path("unused"), allow_remote=False)
        assert isinstance(embedder, RemoteEmbedder)
        made.append(embedder)
        return embedder

    yield make
    for embedder in made:
        embedder.close()


def test_texts_go_in_batches_and_come_back_in_order(model_server: ModelServer, connect: Connect) -> None:
    def reply(path: str, body: bytes) -> Reply:
        inputs = json.loads(body)["input"]
        inputs = [inputs] if isinstance(inputs, str) else inputs
        data = [
            {"object": "embedding", "index": n, "embedding": [float(len(text)), 1.0]}
            for n, text in enumerate(inputs)
        ]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        answer = {"object": "list", "data": data, "model": "m", "usage": usage}
        return 200, JSON, json.dumps(answer).encode()

    model_server.reply = reply
    embedder = connect()
    vectors = embedder.embed_passages(["x" * (n + 1) for n in range(70)])
    ratios = vectors[:, 0] / vectors[:, 1]
    assert np.allclose(ratios, np.arange(1, 71), rtol=1e-3)
    assert [asked(body) for _, _, body in model_server.requests[1:]] == [32, 32, 6]


def test_the_key_goes_to_the_endpoint_and_nowhere_else(
    model_server: ModelServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "canary-key")
    monkeypatch.setenv("OPENAI_API_KEY", "other-key")
    model_server.reply = lambda path, body: rows_of(asked(body), [1.0, 2.0])
    embedder = connect(api_key_env="MY_KEY")
    assert model_server.requests[0][1]["Authorization"] == "Bearer canary-key"
    assert "canary-key" not in repr(embedder) + repr(vars(embedder)["name"]) + embedder.fingerprint


def test_a_wanted_length_is_sent(model_server: ModelServer, connect: Connect) -> None:
    model_server.reply = lambda path, body: rows_of(asked(body), [1.0, 2.0, 2.0])
    embedder = connect(dimensions=3)
    assert model_server.requests == []
    embedder.embed_query("x")
    assert json.loads(model_server.requests[0][2])["dimensions"] == 3


@pytest.mark.parametrize(
    ("status", "match", "retryable"),
    [(401, "refused the key", False), (404, "does not have this model", False), (500, "error 500", True)],
)
def test_a_failing_endpoint_is_explained(
    model_server: ModelServer, connect: Connect, status: int, match: str, retryable: bool
) -> None:
    model_server.reply = lambda path, body: (status, JSON, b'{"error": {"message": "no"}}')
    with pytest.raises(ProviderError, match=match) as caught:
        connect()
    assert caught.value.retryable is retryable


@pytest.mark.parametrize("row", [[1.0], [1.0, float("nan")], [1.0, 2.0, 3.0]])
def test_vectors_that_do_not_fit_are_refused(
    model_server: ModelServer, connect: Connect, row: list[float]
) -> None:
    model_server.reply = lambda path, body: rows_of(asked(body), [1.0, 2.0])
    embedder = connect()
    model_server.reply = lambda path, body: rows_of(asked(body), row)
    with pytest.raises(ProviderError):
        embedder.embed_passages(["a", "b"])


def test_garbage_is_explained(model_server: ModelServer, connect: Connect) -> None:
    model_server.reply = lambda path, body: (200, JSON, b"<html>")
    with pytest.raises(ProviderError):
        connect()


def test_a_dead_endpoint_is_explained() -> None:
    settings = EmbeddingConfig(provider="ollama", model="m", base_url="http://127.0.0.1:9")
    with pytest.raises(ProviderError, match="does not answer") as caught:
        load(settings, cache=Path("unused"), allow_remote=False)
    assert caught.value.retryable


@pytest.mark.parametrize("provider", ["openai", "ollama"])
def test_a_redirect_is_refused(model_server: ModelServer, connect: Connect, provider: str) -> None:
    model_server.reply = lambda path, body: (307, {"Location": "http://127.0.0.1:9/elsewhere"}, b"")
    with pytest.raises(EgressRefusedError):
        connect(provider=provider)
    assert len(model_server.requests) == 1


def test_another_machine_needs_permission() -> None:
    settings = EmbeddingConfig(provider="openai", model="m", base_url="https://models.example.org/v1")
    with pytest.raises(EgressRefusedError):
        load(settings, cache=Path("unused"), allow_remote=False)
    cloud = EmbeddingConfig(provider="ollama", model="big-cloud")
    with pytest.raises(EgressRefusedError):
        load(cloud, cache=Path("unused"), allow_remote=False)


def test_incomplete_settings_are_named() -> None:
    with pytest.raises(ConfigError, match="model"):
        load(EmbeddingConfig(provider="openai"), cache=Path("unused"), allow_remote=False)
    with pytest.raises(ConfigError, match="endpoint"):
        load(EmbeddingConfig(provider="openai", model="m"), cache=Path("unused"), allow_remote=False)
