"""Just enough of the ONNX file format to write a graph whose weights lie in another file.

ONNX models are protocol buffers; the numbers below are the field numbers of `onnx.proto3` (IR version 9).
Writing them by hand keeps the `onnx` package, 60 MB that only a converter needs, out of the installation.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import IntEnum

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
        fields = [_text(1, i) for i in inputs] + [_text(2, o) for o in names] + [_text(3, name), _text(4, op)]
        fields += [_bytes(5, _attribute(key, value)) for key, value in attributes.items()]
        if contrib:
            fields.append(_text(7, _CONTRIB))
        self._nodes.append(_bytes(1, b"".join(fields)))
        return names

    def external(
        self, name: str, dtype: DType, dims: Sequence[int], file: str, offset: int, size: int
    ) -> str:
        """Declare a weight that lies at `offset` of `file`, `size` bytes long; returns its name."""
        place = {"location": file, "offset": str(offset), "length": str(size)}
        entries = b"".join(_bytes(13, _text(1, key) + _text(2, value)) for key, value in place.items())
        self._initializers[name] = _tensor(name, dtype, dims) + entries + _int(14, 1)
        return name

    def constant(self, name: str, values: Sequence[int], *, scalar: bool = False) -> str:
        """Declare a small int64 vector (or scalar) inside the graph; returns its name."""
        raw = struct.pack(f"<{len(values)}q", *values)
        self._initializers[name] = _tensor(name, DType.INT64, () if scalar else (len(values),)) + _bytes(
            9, raw
        )
        return name

    def finish(self, inputs: Sequence[str], output: str, dimensions: int) -> bytes:
        """Return the model.

        Args:
            inputs: Names of the inputs, each int64 of shape (batch, tokens).
            output: Name of the output, float32 of shape (batch, dimensions).
            dimensions: Length of a vector.
        """
        graph = b"".join(self._nodes) + _text(2, "encoder")
        graph += b"".join(_bytes(5, tensor) for tensor in self._initializers.values())
        graph += b"".join(_bytes(11, _value(name, DType.INT64, ("batch", "tokens"))) for name in inputs)
        graph += _bytes(12, _value(output, DType.FLOAT, ("batch", dimensions)))
        opsets = _bytes(8, _int(2, _OPSET)) + _bytes(8, _text(1, _CONTRIB) + _int(2, 1))
        return _int(1, _IR_VERSION) + _text(2, "quire") + _bytes(7, graph) + opsets


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _int(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _tensor(name: str, dtype: DType, dims: Sequence[int]) -> bytes:
    return b"".join(_int(1, d) for d in dims) + _int(2, dtype) + _text(8, name)


def _attribute(name: str, value: float | int | Sequence[int]) -> bytes:
    if isinstance(value, float):
        return _text(1, name) + _varint(2 << 3 | 5) + struct.pack("<f", value) + _int(20, 1)
    if isinstance(value, int):
        return _text(1, name) + _int(3, value) + _int(20, 2)
    return _text(1, name) + b"".join(_int(8, v) for v in value) + _int(20, 7)


def _value(name: str, dtype: DType, dims: Sequence[int | str]) -> bytes:
    shape = b"".join(_bytes(1, _text(2, d) if isinstance(d, str) else _int(1, d)) for d in dims)
    return _text(1, name) + _bytes(2, _bytes(1, _int(1, dtype) + _bytes(2, shape)))
