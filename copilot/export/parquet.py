"""Parquet: the one door to pyarrow, which is imported when a file is written.

The same records give the same bytes: schema, row groups, compression and version are fixed, and no
metadata of a writer's own is added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from copilot.export.schema import Fields, Type
from indexer.errors import UsageError

ROWS = 1_000
"""Records in a row group."""
GROUP_BYTES = 32 << 20
"""Text in a row group, about: a library of books is written with a few in memory."""


def demand() -> None:
    """See that Parquet can be written.

    Raises:
        UsageError: pyarrow is not installed.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise UsageError(
            "Parquet needs the package pyarrow, which is not installed.",
            hint="Install it with 'pip install quire[export]', or take --format jsonl.",
        ) from None


class ParquetFile:
    """A file that records are added to, one after the other."""

    def __init__(self, path: Path, fields: Fields) -> None:
        """Begin a file for records with these fields."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._schema = pa.schema([(name, _type(type_)) for name, type_ in fields.items()])
        self._writer = pq.ParquetWriter(
            path, self._schema, compression="zstd", version="2.6", store_schema=False, write_statistics=True
        )
        self._rows: list[Mapping[str, Any]] = []
        self._bytes = 0

    def add(self, record: Mapping[str, Any], size: int) -> None:
        """Add a record whose JSON has `size` bytes."""
        self._rows.append(record)
        self._bytes += size
        if len(self._rows) >= ROWS or self._bytes >= GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
            self._rows, self._bytes = [], 0

    def close(self) -> None:
        """Write the rest and the end of the file."""
        self._flush()
        self._writer.close()


def _type(type_: Type) -> Any:
    import pyarrow as pa

    if isinstance(type_, str):
        return {"string": pa.string(), "int64": pa.int64(), "bool": pa.bool_()}[type_]
    if isinstance(type_, Mapping):
        return pa.struct([(name, _type(each)) for name, each in type_.items()])
    members: Sequence[Any] = type_
    return pa.list_(_type(members[0]))
