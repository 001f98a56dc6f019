"""What every embedder must do, run over each of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from indexer.config import EmbeddingConfig
from indexer.embedding import Embedder, load
from indexer.embedding.remote import RemoteEmbedder

if TYPE_CHECKING:
    from tests.indexer.embedding.conftest import ModelServer

pytestmark = pytest.mark.xdist_group("embedding")

TEXTS = [
    "the cat sat on the mat",
    "a dog ran far away",
    "",
    "b",
    "the cat sat on the mat " * 60,
    "c \ud800 漢字 👍🏽",
]


def pseudo_vector(text: str) -> list[float]:
    """A vector that depends on the text alone, of length far from 1."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")
    return [float(x) for x in np.random.default_rng(seed).normal(0, 5, 16)]


def openai_reply(path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
    inputs = json.loads(body)["input"]
    inputs = [inputs] if isinstance(inputs, str) else inputs
    rows = [{"object": "embedding", "index": n, "embedding": pseudo_vector(t)} for n, t in enumerate(inputs)]
    answer = {"object": "list", "data": rows, "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}
    return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()


def ollama_reply(path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
    inputs = json.loads(body)["input"]
    inputs = [inputs] if isinstance(inputs, str) else inputs
    answer = {"model": "m", "embeddings": [pseudo_vector(t) for t in inputs]}
    return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()


@pytest.fixture(scope="session")
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(params=["auto", "minilm", "minilm-float32", "e5", "openai", "ollama"])
def embedder(
    request: pytest.FixtureRequest, model_cache: Path, tiny_model: Path, model_server: ModelServer
) -> Iterator[Embedder]:
    model_server.reply = ollama_reply if request.param == "ollama" else openai_reply
    config = {
        "auto": EmbeddingConfig(),
        "minilm": EmbeddingConfig(provider="minilm"),
        "minilm-float32": EmbeddingConfig(provider="minilm", precision="float32"),
        "e5": EmbeddingConfig(provider="e5", path=str(tiny_model)),
        "openai": EmbeddingConfig(provider="openai", model="m", base_url=f"{model_server.url}/v1"),
        "ollama": EmbeddingConfig(provider="ollama", model="m", base_url=model_server.url),
    }[request.param]
    embedder = load(config, cache=model_cache, allow_remote=False)
    yield embedder
    if isinstance(embedder, RemoteEmbedder):
        embedder.close()


def test_an_embedder_keeps_the_promises(embedder: Embedder) -> None:
    vectors = embedder.embed_passages(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.dimensions)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    again = embedder.embed_passages(TEXTS[::-1])[::-1]
    assert ((again * vectors).sum(axis=1) > 0.98).all()
    query = embedder.embed_query(TEXTS[0])
    assert query.shape == (embedder.dimensions,)
    assert query.dtype == np.float32
    assert abs(float(np.linalg.norm(query)) - 1) < 1e-4
    assert embedder.embed_passages([]).shape == (0, embedder.dimensions)
    assert embedder.name
    assert embedder.fingerprint
    assert embedder.languages is None or "en" in embedder.languages
