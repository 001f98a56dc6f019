"""The graph of a BERT sentence encoder over weights that stay in their safetensors file.

The graph names each weight by its offset in the file, so loading a model copies nothing and converts
nothing. It ends in mean pooling over the attention mask and L2 normalisation: one unit vector for each text.
`python -m indexer.embedding.graph MODEL.safetensors OUT.onnx` writes one to a file for inspection.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.embedding.onnx_writer import DType, GraphWriter
from indexer.errors import ModelMissingError

TOKENS, MASK = "input_ids", "attention_mask"
VECTORS = "word_vectors"
"""The first input of a model whose table of words is not in its weights; else it is `TOKENS`."""
OUTPUT = "embedding"
_DTYPES = {"F32": DType.FLOAT, "U8": DType.UINT8, "I8": DType.INT8}
_WORDS = "embeddings.word_embeddings.weight"
_MAX_HEADER = 16_000_000
_EPSILON = 1e-12


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor's place in a safetensors file; `offset` counts from the start of the file, in bytes."""

    dtype: str
    shape: tuple[int, ...]
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Weights:
    """The tensors of one safetensors file, without the prefix some exporters put before the names."""

    path: Path
    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]

    @property
    def layers(self) -> int:
        """Number of encoder layers."""
        return layer_count(self.tensors)

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self.tensors["embeddings.LayerNorm.weight"].shape[0]

    @property
    def has_words(self) -> bool:
        """Whether the table of words is there; else whoever runs the graph looks words up himself."""
        return _WORDS in self.tensors

    @property
    def positions(self) -> int:
        """Longest text in tokens that the model was built for."""
        return self.tensors["embeddings.position_embeddings.weight"].shape[0]


def layer_count(names: Iterable[str]) -> int:
    """Number of encoder layers among tensors with these names."""
    return len({name.split(".")[2] for name in names if name.startswith("encoder.layer.")})


def read_weights(path: Path) -> Weights:
    """Read the header of a safetensors file.

    Raises:
        ModelMissingError: it is not one, or its parts lie outside the file.
    """
    try:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            if size > _MAX_HEADER:
                raise ValueError("header too large")
            header = json.loads(file.read(size))
        metadata = header.pop("__metadata__", {})
        total = path.stat().st_size
        tensors = {_plain(name): _tensor(entry, 8 + size, total) for name, entry in header.items()}
        if "embeddings.LayerNorm.weight" not in tensors:
            raise ValueError("no BERT encoder")
    except (OSError, ValueError, KeyError, TypeError, struct.error) as exc:
        raise ModelMissingError(
            f"The model file {path} cannot be used: {exc}.",
            hint="Fetch the official model.safetensors again.",
        ) from exc
    return Weights(path, tensors, metadata)


def bert_graph(weights: Weights, heads: int) -> bytes:
    """Return the ONNX model that runs `weights`, plain or as `quantise` wrote them.

    Args:
        weights: Tensors named as BERT's.
        heads: Attention heads of each layer.
    """
    return _Bert(weights, heads).build()


def _plain(name: str) -> str:
    return name.removeprefix("bert.").removeprefix("model.")


def _tensor(entry: Any, base: int, total: int) -> Tensor:
    begin, end = (int(n) for n in entry["data_offsets"])
    if not 0 <= begin <= end <= total - base:
        raise ValueError("a tensor lies outside the file")
    return Tensor(str(entry["dtype"]), tuple(int(n) for n in entry["shape"]), base + begin, end - begin)


class _Bert:
    """Builds the graph layer by layer."""

    def __init__(self, weights: Weights, heads: int) -> None:
        self._weights = weights
        self._heads = heads
        self._graph = GraphWriter()

    def build(self) -> bytes:
        graph = self._graph
        shape: tuple[int | str, ...] = ("batch", "tokens")
        words, kind = TOKENS, (DType.INT64, shape)
        if not self._weights.has_words:
            words, kind = VECTORS, (DType.FLOAT, (*shape, self._weights.dimensions))
        hidden = self._embeddings(words)
        (mask32,) = graph.node("Cast", [MASK], to=int(DType.INT32))
        for layer in range(self._weights.layers):
            hidden = self._layer(f"encoder.layer.{layer}.", hidden, mask32)
        # Mean over the real tokens is a sum once the vector is normalised, so no division is needed.
        (real,) = graph.node("Cast", [MASK], to=int(DType.FLOAT))
        (row,) = graph.node("Unsqueeze", [real, graph.constant("axis_1", [1])])
        (summed,) = graph.node("MatMul", [row, hidden])
        (flat,) = graph.node("Squeeze", [summed, "axis_1"])
        graph.node("LpNormalization", [flat], name=OUTPUT, axis=-1, p=2)
        inputs = {words: kind, MASK: (DType.INT64, shape)}
        return graph.finish(inputs, OUTPUT, self._weights.dimensions)

    def _embeddings(self, given: str) -> str:
        graph = self._graph
        words = self._words(given) if given == TOKENS else given
        (length,) = graph.node("Shape", [given], start=1, end=2)
        zero = graph.constant("zero", [0])
        table = self._weight("embeddings.position_embeddings.weight")
        (places,) = graph.node("Slice", [table, zero, length, graph.constant("axis_0", [0])])
        types = self._weight("embeddings.token_type_embeddings.weight")
        (kind,) = graph.node("Gather", [types, graph.constant("first", [0], scalar=True)])
        (context,) = graph.node("Add", [places, kind])
        (total,) = graph.node("Add", [words, context])
        return self._normalised(total, "embeddings.LayerNorm")

    def _words(self, ids: str) -> str:
        graph = self._graph
        (rows,) = graph.node("Gather", [self._weight(_WORDS), ids])
        if f"{_WORDS}.scale" not in self._weights.tensors:
            return rows
        (values,) = graph.node("Cast", [rows], to=int(DType.FLOAT))
        (scales,) = graph.node("Gather", [self._weight(f"{_WORDS}.scale"), ids])
        return graph.node("Mul", [values, scales])[0]

    def _layer(self, prefix: str, hidden: str, mask: str) -> str:
        graph = self._graph
        query, key, value = self._projections(f"{prefix}attention.self.", hidden)
        (mixed,) = graph.node(
            "MultiHeadAttention", [query, key, value, "", mask], contrib=True, num_heads=self._heads
        )
        mixed = self._linear(f"{prefix}attention.output.dense", mixed)
        (hidden,) = graph.node("Add", [hidden, mixed])
        hidden = self._normalised(hidden, f"{prefix}attention.output.LayerNorm")
        inner = self._linear(f"{prefix}intermediate.dense", hidden)
        (inner,) = graph.node("Gelu", [inner], contrib=True)
        inner = self._linear(f"{prefix}output.dense", inner)
        (hidden,) = graph.node("Add", [hidden, inner])
        return self._normalised(hidden, f"{prefix}output.LayerNorm")

    def _projections(self, prefix: str, hidden: str) -> list[str]:
        if f"{prefix}qkv.weight" not in self._weights.tensors:
            return [self._linear(prefix + part, hidden) for part in ("query", "key", "value")]
        size = self._weights.dimensions
        thirds = self._graph.constant("thirds", [size, size, size])
        return self._graph.node("Split", [self._linear(f"{prefix}qkv", hidden), thirds], outputs=3, axis=-1)

    def _linear(self, name: str, value: str) -> str:
        graph = self._graph
        if f"{name}.weight.scale" in self._weights.tensors:
            parts = ("weight", "weight.scale", "weight.zero", "bias")
            inputs = [value, *(self._weight(f"{name}.{part}") for part in parts)]
            return graph.node("DynamicQuantizeMatMul", inputs, contrib=True)[0]
        (transposed,) = graph.node("Transpose", [self._weight(f"{name}.weight")], perm=(1, 0))
        (product,) = graph.node("MatMul", [value, transposed])
        return graph.node("Add", [product, self._weight(f"{name}.bias")])[0]

    def _normalised(self, value: str, name: str) -> str:
        inputs = [value, self._weight(f"{name}.weight"), self._weight(f"{name}.bias")]
        return self._graph.node("LayerNormalization", inputs, axis=-1, epsilon=_EPSILON)[0]

    def _weight(self, name: str) -> str:
        tensor = self._weights.tensors[name]
        file = self._weights.path.name
        return self._graph.external(
            name, _DTYPES[tensor.dtype], tensor.shape, file, tensor.offset, tensor.size
        )


def _main(arguments: list[str]) -> int:
    source, target = arguments
    weights = read_weights(Path(source))
    Path(target).write_bytes(bert_graph(weights, heads=weights.dimensions // 32))
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
