"""Values of `types` as JSON and back, for the socket between engine and clients."""

from __future__ import annotations

import dataclasses
import functools
import sys
import types as pytypes
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def to_wire(value: object) -> Any:
    """Turn a value of the types modules into what `json.dumps` takes; dataclasses become dicts."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_wire(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, str | int | float) or value is None:
        return value
    if isinstance(value, Mapping):
        return {str(k): to_wire(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_wire(v) for v in value]
    raise TypeError(f"{type(value).__name__} does not cross the wire")


def from_wire(cls: type[T], data: Any) -> T:
    """Build a `cls` from what `to_wire` made of one. Unknown keys are ignored.

    Raises:
        TypeError: a field without default is missing.
    """
    return typing.cast(T, _decode(cls, data))


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls, vars(sys.modules[cls.__module__]))


def _decode(hint: Any, data: Any) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        hints = _hints(hint)
        return hint(**{k: _decode(hints[k], v) for k, v in data.items() if k in hints})
    origin = typing.get_origin(hint)
    if origin is tuple:
        args = typing.get_args(hint)
        if len(args) == 2 and args[1] is Ellipsis:
            return tuple(_decode(args[0], v) for v in data)
        return tuple(_decode(a, v) for a, v in zip(args, data, strict=False))
    if origin is list:
        (item,) = typing.get_args(hint)
        return [_decode(item, v) for v in data]
    if origin in (typing.Union, pytypes.UnionType):
        if data is None:
            return None
        return _decode(next(a for a in typing.get_args(hint) if a is not type(None)), data)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        value_hint = typing.get_args(hint)[1]
        return {k: _decode(value_hint, v) for k, v in data.items()}
    return data
