"""Fields of protocol buffers, as far as two small writers need them: ONNX graphs and SentencePiece models."""

from __future__ import annotations


def varint(value: int) -> bytes:
    """A number in groups of seven bits, lowest first; negative ones as 64 bits."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """A field that holds a whole number."""
    return varint(field << 3) + varint(value)


def nested(field: int, value: bytes) -> bytes:
    """A field that holds bytes: a message, a list of numbers, raw data."""
    return varint(field << 3 | 2) + varint(len(value)) + value


def text(field: int, value: str) -> bytes:
    """A field that holds text."""
    return nested(field, value.encode())
