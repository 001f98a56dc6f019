"""Weights in eight bits: a smaller, faster copy of a model, computed once and kept beside the library.

Each output channel of a matrix gets its own scale; one scale for a whole matrix loses too much (cosine to
float32 of 0.952 against 0.994). Matrices are stored as unsigned bytes around 128, because the signed kernel
of processors without VNNI saturates. The copy is a safetensors file too.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.embedding.graph import Weights, layer_count, read_weights
from indexer.errors import ModelMissingError

VERSION = 1
"""Part of the fingerprint: raise it when the arithmetic changes."""

_WORDS = "embeddings.word_embeddings.weight"
_CODES = {"float32": "F32", "uint8": "U8", "int8": "I8"}


Floats = Mapping[str, NDArray[np.float32]]
"""Tensors by BERT's names."""


class Stored(Mapping[str, NDArray[np.float32]]):
    """The float32 tensors of a safetensors file, read when asked for."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._data = np.memmap(weights.path, np.uint8, "r")

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        tensor = self._weights.tensors[name]
        raw = self._data[tensor.offset : tensor.offset + tensor.size]
        return np.frombuffer(raw, np.float32).reshape(tensor.shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._weights.tensors)

    def __len__(self) -> int:
        return len(self._weights.tensors)


def quantised(source: Callable[[], Floats], source_hash: str, cache: Path, *, bits: int = 8) -> Weights:
    """Return the eight-bit copy of a model from `cache`, made now when it is missing or damaged.

    Args:
        source: Gives the original, float32; a table of words need not be in it.
        source_hash: Hex SHA-256 of the original file; names the copy.
        cache: Folder for copies, created when missing.
        bits: 8, or 32 for a copy as it is, of a model that lies in no safetensors file.

    Raises:
        ModelMissingError: the copy cannot be written.
    """
    form = f"int8-v{VERSION}" if bits == 8 else "float32"
    target = cache / f"{source_hash[:16]}-{form}.safetensors"
    if not _intact(target):
        try:
            cache.mkdir(parents=True, exist_ok=True)
            _write(target, _tensors(source()) if bits == 8 else source())
        except OSError as exc:
            raise ModelMissingError(
                f"The model's copy cannot be written to {target}: {exc.strerror}.",
                hint='Free some space, or set provider = "none" under [embedding].',
            ) from exc
    return read_weights(target)


def _tensors(source: Floats) -> dict[str, NDArray[np.generic]]:
    load = source.__getitem__
    out: dict[str, NDArray[np.generic]] = {}
    if _WORDS in source:
        out[_WORDS], scale = _rows(load(_WORDS))
        out[f"{_WORDS}.scale"] = scale[:, None]
    for layer in range(layer_count(source)):
        prefix = f"encoder.layer.{layer}."
        attention = [f"{prefix}attention.self.{part}" for part in ("query", "key", "value")]
        _add_matrix(out, f"{prefix}attention.self.qkv", *_joined(load, attention))
        for part in ("attention.output.dense", "intermediate.dense", "output.dense"):
            _add_matrix(out, prefix + part, load(f"{prefix}{part}.weight"), load(f"{prefix}{part}.bias"))
    for name in source:
        if "LayerNorm" in name or name.startswith(("embeddings.position_emb", "embeddings.token_type_emb")):
            out[name] = load(name)
    return out


def _joined(
    load: Callable[[str], NDArray[np.float32]], names: list[str]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return (
        np.concatenate([load(f"{name}.weight") for name in names]),
        np.concatenate([load(f"{name}.bias") for name in names]),
    )


def _rows(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Each row in signed bytes with its own scale."""
    scale = np.maximum(np.abs(matrix).max(axis=1) / 127, 1e-12).astype(np.float32)
    return np.rint(matrix / scale[:, None]).clip(-127, 127).astype(np.int8), scale


def _add_matrix(
    out: dict[str, NDArray[np.generic]], name: str, matrix: NDArray[np.float32], bias: NDArray[np.float32]
) -> None:
    values, scale = _rows(matrix)
    out[f"{name}.weight"] = np.ascontiguousarray((values.T.astype(np.int16) + 128).astype(np.uint8))
    out[f"{name}.weight.scale"] = scale
    out[f"{name}.weight.zero"] = np.full(len(scale), 128, np.uint8)
    out[f"{name}.bias"] = bias


# --- the file ------------------------------------------------------------------------------------


def _digest_path(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _intact(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
        return _digest_path(path).read_text("ascii").strip() == actual
    except (OSError, UnicodeDecodeError):
        return False


def _write(path: Path, tensors: Mapping[str, NDArray[Any]]) -> None:
    header: dict[str, object] = {}
    offset = 0
    # Four-byte values first, so that all of them stay aligned for whoever maps the file.
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].dtype.itemsize, item[0]))
    for name, array in ordered:
        end = offset + array.nbytes
        header[name] = {
            "dtype": _CODES[array.dtype.name],
            "shape": array.shape,
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-(len(text) + 8) % 64)
    partial = path.with_suffix(f".{os.getpid()}.tmp")
    digest = hashlib.sha256()
    with partial.open("wb") as file:
        for part in (struct.pack("<Q", len(text)), text, *(array.tobytes() for _, array in ordered)):
            digest.update(part)
            file.write(part)
        file.flush()
        os.fsync(file.fileno())
    _digest_path(path).write_text(digest.hexdigest(), "ascii")
    partial.replace(path)
