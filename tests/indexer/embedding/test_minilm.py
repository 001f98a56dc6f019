"""The built-in model: published figures, precision, order of work."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from indexer.config import EmbeddingConfig
from indexer.embedding import load, minilm, models
from indexer.embedding.graph import bert_graph, read_weights
from indexer.errors import ModelMissingError

pytestmark = pytest.mark.xdist_group("embedding")

CARD = [
    "That is a happy person",
    "That is a happy dog",
    "That is a very happy person",
    "Today is a sunny day",
]
PASSAGES = [
    "The council approved the yearly budget for roads and schools after a long debate.",
    "Photosynthesis turns light, water and carbon dioxide into sugar and oxygen.",
    "def add(a, b):\n    return a + b",
    "The treaty of 1648 ended thirty years of war in Europe and redrew its borders.",
    "To reset the router, hold the button for ten seconds until the light blinks. " * 8,
    "Invoice 2024-118: 12 chairs, 480.00 EUR, due within 30 days.",
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def plain(cache: Path) -> minilm.BertEmbedder:
    return minilm.load_minilm(EmbeddingConfig(precision="float32"), cache=cache)


@pytest.fixture(scope="module")
def small(cache: Path) -> minilm.BertEmbedder:
    return minilm.load_minilm(EmbeddingConfig(), cache=cache)


def test_similarities_are_those_published(plain: minilm.BertEmbedder) -> None:
    first, *others = plain.embed_passages(CARD)
    assert [round(float(first @ other), 3) for other in others] == [0.695, 0.943, 0.257]


def test_eight_bits_stay_close_to_float32(plain: minilm.BertEmbedder, small: minilm.BertEmbedder) -> None:
    texts = PASSAGES + CARD
    cosines = (plain.embed_passages(texts) * small.embed_passages(texts)).sum(axis=1)
    assert cosines.mean() >= 0.99
    assert cosines.min() >= 0.98


def test_precisions_never_share_vectors(plain: minilm.BertEmbedder, small: minilm.BertEmbedder) -> None:
    assert plain.fingerprint != small.fingerprint
    assert plain.dimensions == small.dimensions == 384
    assert plain.languages == frozenset({"en"})


def test_padding_and_company_change_nothing(plain: minilm.BertEmbedder) -> None:
    together = plain.embed_passages(PASSAGES)
    alone = np.stack([plain.embed_passages([text])[0] for text in PASSAGES])
    assert np.abs(together - alone).max() < 1e-4


def test_only_the_first_256_tokens_are_read(plain: minilm.BertEmbedder) -> None:
    start = "budget " * 300
    one, two = plain.embed_passages([start + "roads", start + "whales and other animals of the sea"])
    assert float(one @ two) > 0.9999


def test_the_eight_bit_copy_is_made_once_and_again_when_damaged(
    cache: Path, small: minilm.BertEmbedder
) -> None:
    (copy,) = cache.glob("*.safetensors")
    assert copy.stat().st_size < 30_000_000
    made = copy.stat().st_mtime_ns
    minilm.load_minilm(EmbeddingConfig(), cache=cache)
    assert copy.stat().st_mtime_ns == made
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 0xFF
    copy.write_bytes(content)
    again = minilm.load_minilm(EmbeddingConfig(), cache=cache)
    assert copy.stat().st_mtime_ns != made
    assert float(again.embed_query("a cat") @ small.embed_query("a cat")) > 0.9999


def test_a_query_goes_before_waiting_passages(
    small: minilm.BertEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    inside, go_on = threading.Event(), threading.Event()
    run = minilm.BertEmbedder._run

    def watched(self: minilm.BertEmbedder, ids: list[list[int]]) -> minilm.Vectors:
        is_query = threading.current_thread() is threading.main_thread()
        if not is_query and not inside.is_set():
            inside.set()
            assert go_on.wait(10)
        order.append("query" if is_query else "passages")
        return run(self, ids)

    monkeypatch.setattr(minilm.BertEmbedder, "_run", watched)
    monkeypatch.setattr(minilm, "BATCH_TOKENS", 64)
    worker = threading.Thread(target=small.embed_passages, args=(PASSAGES * 2,))
    worker.start()
    assert inside.wait(10)
    small.embed_query("which comes first")
    go_on.set()
    worker.join()
    assert order[0] == "query"
    assert order.count("passages") > 2


def test_the_graph_holds_no_weights() -> None:
    files = models.find_minilm(EmbeddingConfig(), Path("unused"))
    assert len(bert_graph(read_weights(files.weights), files.heads)) < 40_000


# --- e5 ------------------------------------------------------------------------------------------


def test_e5_marks_queries_and_passages(tiny_model: Path, tmp_path: Path) -> None:
    config = EmbeddingConfig(provider="e5", path=str(tiny_model), precision="float32")
    embedder = load(config, cache=tmp_path, allow_remote=False)
    assert embedder.languages is None
    plain = minilm.BertEmbedder(
        read_weights(tiny_model / "model.safetensors"),
        tiny_model / "tokenizer.json",
        name="plain",
        fingerprint="plain",
        languages=None,
        max_tokens=512,
        threads=1,
        heads=2,
    )
    assert np.allclose(embedder.embed_query("the cat"), plain.embed_query("query: the cat"), atol=1e-5)
    passages = embedder.embed_passages(["the cat"])
    assert np.allclose(passages, plain.embed_passages(["passage: the cat"]), atol=1e-5)


def test_the_graph_computes_what_bert_is(tiny_model: Path) -> None:
    """The same forward pass in numpy, from the paper's definition."""
    embedder = minilm.BertEmbedder(
        read_weights(tiny_model / "model.safetensors"),
        tiny_model / "tokenizer.json",
        name="tiny",
        fingerprint="tiny",
        languages=None,
        max_tokens=512,
        threads=1,
        heads=2,
    )
    (ids,) = embedder._encode(["the cat sat on the mat"])
    assert np.allclose(embedder.embed_query("the cat sat on the mat"), _forward(tiny_model, ids), atol=1e-4)


def _forward(folder: Path, ids: list[int], heads: int = 2) -> minilm.Vectors:
    weights = read_weights(folder / "model.safetensors")
    raw = weights.path.read_bytes()

    def load_one(name: str) -> minilm.Vectors:
        tensor = weights.tensors[name]
        return np.frombuffer(raw[tensor.offset : tensor.offset + tensor.size], np.float32).reshape(
            tensor.shape
        )

    def linear(x: minilm.Vectors, name: str) -> minilm.Vectors:
        return np.asarray(x @ load_one(f"{name}.weight").T + load_one(f"{name}.bias"), np.float32)

    def norm(x: minilm.Vectors, name: str) -> minilm.Vectors:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return np.asarray(scaled * load_one(f"{name}.weight") + load_one(f"{name}.bias"), np.float32)

    def gelu(x: minilm.Vectors) -> minilm.Vectors:
        from math import erf

        return np.asarray(x * 0.5 * (1 + np.vectorize(erf)(x / np.sqrt(2))), np.float32)

    x = load_one("embeddings.word_embeddings.weight")[ids]
    x = x + load_one("embeddings.position_embeddings.weight")[: len(ids)]
    x = norm(x + load_one("embeddings.token_type_embeddings.weight")[0], "embeddings.LayerNorm")
    for layer in range(weights.layers):
        prefix = f"encoder.layer.{layer}."
        q, k, v = (
            linear(x, f"{prefix}attention.self.{p}").reshape(len(ids), heads, -1).transpose(1, 0, 2)
            for p in ("query", "key", "value")
        )
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
        share = np.exp(scores - scores.max(-1, keepdims=True))
        share /= share.sum(-1, keepdims=True)
        mixed = (share @ v).transpose(1, 0, 2).reshape(len(ids), -1)
        x = norm(x + linear(mixed, f"{prefix}attention.output.dense"), f"{prefix}attention.output.LayerNorm")
        inner = linear(gelu(linear(x, f"{prefix}intermediate.dense")), f"{prefix}output.dense")
        x = norm(x + inner, f"{prefix}output.LayerNorm")
    pooled = x.mean(0)
    return np.asarray(pooled / np.linalg.norm(pooled), np.float32)


@pytest.mark.parametrize("damage", [b"", b"not a model", b"\xff" * 64])
def test_a_file_that_is_no_model_is_refused(tiny_model: Path, tmp_path: Path, damage: bytes) -> None:
    for file in tiny_model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(damage)
    config = EmbeddingConfig(provider="e5", path=str(tmp_path))
    with pytest.raises(ModelMissingError):
        load(config, cache=tmp_path / "cache", allow_remote=False)


def test_a_truncated_model_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    for file in tiny_model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    content = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelMissingError, match="outside"):
        load(EmbeddingConfig(provider="e5", path=str(tmp_path)), cache=tmp_path, allow_remote=False)


def test_a_tokenizer_that_is_none_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    for file in tiny_model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelMissingError, match="cannot be loaded"):
        load(EmbeddingConfig(provider="e5", path=str(tmp_path)), cache=tmp_path, allow_remote=False)
