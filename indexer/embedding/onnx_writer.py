"""Just enough of the ONNX file format to write a graph whose weights lie in another file.

ONNX models are protocol buffers; the numbers below are the field numbers of `onnx.proto3` (IR version 9).
Writing them by hand keeps the `onnx` package, 60 MB that only a converter needs, out of the installation.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from enum import IntEnum

from indexer.embedding.protobuf import nested, number, text, varint

_IR_VERSION = 9
_OPSET = 17
_CONTRIB = "com.microsoft"


class DType(IntEnum):
    """Element types, as ONNX numbers them."""

    FLOAT = 1
    UINT8 = 2
    INT8 = 3
    INT32 = 6
    INT64 = 7


class GraphWriter:
    """Collects nodes and weights; `finish` returns the model file's bytes."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._initializers: dict[str, bytes] = {}

    def node(
        self,
        op: str,
        inputs: Sequence[str],
        *,
        outputs: int = 1,
        name: str = "",
        contrib: bool = False,
        **attributes: float | int | Sequence[int],
    ) -> list[str]:
        """Add a node and return the names of its outputs.

        Args:
            op: Operator type.
            inputs: Names of the inputs; "" leaves an optional one out.
            outputs: Number of outputs.
            name: Name of the first output; one is made up when empty.
            contrib: The operator is one of ONNX Runtime's own.
            **attributes: Floats, integers or lists of integers.
        """
        name = name or f"{op}_{len(self._nodes)}"
        names = [name, *(f"{name}_{i}" for i in range(1, outputs))]
        fields = [text(1, i) for i in inputs] + [text(2, o) for o in names] + [text(3, name), text(4, op)]
        fields += [nested(5, _attribute(key, value)) for key, value in attributes.items()]
        if contrib:
            fields.append(text(7, _CONTRIB))
        self._nodes.append(nested(1, b"".join(fields)))
        return names

    def external(
        self, name: str, dtype: DType, dims: Sequence[int], file: str, offset: int, size: int
    ) -> str:
        """Declare a weight that lies at `offset` of `file`, `size` bytes long; returns its name."""
        place = {"location": file, "offset": str(offset), "length": str(size)}
        entries = b"".join(nested(13, text(1, key) + text(2, value)) for key, value in place.items())
        self._initializers[name] = _tensor(name, dtype, dims) + entries + number(14, 1)
        return name

    def constant(self, name: str, values: Sequence[int], *, scalar: bool = False) -> str:
        """Declare a small int64 vector (or scalar) inside the graph; returns its name."""
        raw = struct.pack(f"<{len(values)}q", *values)
        self._initializers[name] = _tensor(name, DType.INT64, () if scalar else (len(values),)) + nested(
            9, raw
        )
        return name

    def finish(
        self, inputs: Mapping[str, tuple[DType, Sequence[int | str]]], output: str, dimensions: int
    ) -> bytes:
        """Return the model.

        Args:
            inputs: Names of the inputs with their types and shapes; a name stands for any size.
            output: Name of the output, float32 of shape (batch, dimensions).
            dimensions: Length of a vector.
        """
        graph = b"".join(self._nodes) + text(2, "encoder")
        graph += b"".join(nested(5, tensor) for tensor in self._initializers.values())
        graph += b"".join(nested(11, _value(name, *kind)) for name, kind in inputs.items())
        graph += nested(12, _value(output, DType.FLOAT, ("batch", dimensions)))
        opsets = nested(8, number(2, _OPSET)) + nested(8, text(1, _CONTRIB) + number(2, 1))
        return number(1, _IR_VERSION) + text(2, "quire") + nested(7, graph) + opsets


def _tensor(name: str, dtype: DType, dims: Sequence[int]) -> bytes:
    return b"".join(number(1, d) for d in dims) + number(2, dtype) + text(8, name)


def _attribute(name: str, value: float | int | Sequence[int]) -> bytes:
    if isinstance(value, float):
        return text(1, name) + varint(2 << 3 | 5) + struct.pack("<f", value) + number(20, 1)
    if isinstance(value, int):
        return text(1, name) + number(3, value) + number(20, 2)
    return text(1, name) + b"".join(number(8, v) for v in value) + number(20, 7)


def _value(name: str, dtype: DType, dims: Sequence[int | str]) -> bytes:
    shape = b"".join(nested(1, text(2, d) if isinstance(d, str) else number(1, d)) for d in dims)
    return text(1, name) + nested(2, nested(1, number(1, dtype) + nested(2, shape)))
