"""The folder of an export: made beside its place and put there whole, or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from copilot.dataset import DataFile, DataFormat, DataKind
from copilot.export.parquet import ParquetFile
from copilot.export.schema import Fields
from indexer.errors import StoreError, UsageError

MARKER = ".quire-export"
"""By it an export is known that may be replaced."""
Page = Callable[[Mapping[str, Any]], tuple[str, str]]
"""Draws a record as Markdown: the name of its page without suffix, and what is added to it."""

_MARK = "This folder was written by 'quire export' and may be replaced by it.\n"


class Folder:
    """A folder under construction. Use as a context manager: without `publish` nothing is left of it."""

    def __init__(self, place: Path, *, overwrite: bool) -> None:
        """Begin beside `place`.

        Raises:
            UsageError: there is something already, or nothing can be written there.
        """
        self.place = place
        self._overwrite = overwrite
        self.check(place, overwrite=overwrite)
        self.work = place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")
        try:
            self.work.mkdir(parents=True)
            (self.work / MARKER).write_text(_MARK, "utf-8")
        except OSError as exc:
            raise UsageError(
                f"{place} cannot be written: {exc.strerror}.", hint="Name a folder of your own."
            ) from exc

    @staticmethod
    def check(place: Path, *, overwrite: bool) -> None:
        """See that an export may go to a place.

        Raises:
            UsageError: there is something that is not to be replaced.
        """
        if not os.path.lexists(place):
            return
        if not place.is_dir() or place.is_symlink():
            raise UsageError(f"{place} is no folder.", hint="Name a folder that does not exist yet.")
        marked = (place / MARKER).is_file()
        if any(place.iterdir()) and not (overwrite and marked):
            remedy = (
                "'--overwrite' replaces it."
                if marked
                else "Name a folder that does not exist yet; only exports of Quire are ever replaced."
            )
            raise UsageError(f"{place} is not empty.", hint=remedy)

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.work, ignore_errors=True)

    def publish(self) -> tuple[DataFile, ...]:
        """Put the folder into its place; returns its files but the marker.

        Raises:
            UsageError: somebody else has made something there meanwhile.
        """
        self.check(self.place, overwrite=self._overwrite)
        files = tuple(_described(self.work, path) for path in sorted(self.work.rglob("*")) if path.is_file())
        old = self.place.with_name(f".{self.place.name}.{secrets.token_hex(4)}.old")
        try:
            if self.place.exists():
                self.place.rename(old)
            self.work.rename(self.place)
        except OSError as exc:
            if old.exists() and not self.place.exists():
                old.rename(self.place)
            raise StoreError(f"{self.place} cannot be put into place: {exc.strerror}.") from exc
        shutil.rmtree(old, ignore_errors=True)
        return tuple(each for each in files if each.path != MARKER)


def _described(root: Path, path: Path) -> DataFile:
    digest = hashlib.sha256()
    lines = 0
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
            lines += block.count(b"\n")
    return DataFile(
        path=path.relative_to(root).as_posix(),
        records=lines if path.suffix == ".jsonl" else 0,
        bytes=path.stat().st_size,
        sha256=digest.hexdigest(),
    )


def as_line(record: Mapping[str, Any]) -> bytes:
    """A record as a line of JSON."""
    return json.dumps(record, ensure_ascii=False, separators=(", ", ": ")).encode() + b"\n"


class Spool:
    """Records kept on disk until it is known where they go. Read back in order or one by one."""

    def __init__(self, path: Path) -> None:
        """Begin a file."""
        self._path = path
        self._stream: IO[bytes] = path.open("w+b")
        self._starts: list[int] = []

    def __len__(self) -> int:
        return len(self._starts)

    def add(self, record: Mapping[str, Any]) -> None:
        """Keep a record."""
        self._starts.append(self._stream.seek(0, os.SEEK_END))
        self._stream.write(as_line(record))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for at in range(len(self._starts)):
            yield self[at]

    def __getitem__(self, at: int) -> dict[str, Any]:
        self._stream.seek(self._starts[at])
        found: dict[str, Any] = json.loads(self._stream.readline())
        return found

    def close(self) -> None:
        """Delete the file."""
        self._stream.close()
        self._path.unlink(missing_ok=True)


class SplitFiles:
    """The files of one kind, one for each split, made when the first record comes."""

    def __init__(
        self, root: Path, kind: DataKind, fields: Fields, format: DataFormat, *, page: Page | None = None
    ) -> None:
        """Begin without files.

        Args:
            root: Folder of the export.
            kind: Kind of the records.
            fields: Their fields.
            format: "markdown" writes JSON Lines and pages to read.
            page: Draws a record for the pages to read; None: there are none.
        """
        self._root = root
        self._kind = kind
        self._fields = fields
        self._format = format
        self._page = page
        self._lines: dict[str, IO[bytes]] = {}
        self._tables: dict[str, ParquetFile] = {}
        self.counts: dict[str, int] = {}

    def add(self, split: str, record: Mapping[str, Any]) -> None:
        """Write a record."""
        self.counts[split] = self.counts.get(split, 0) + 1
        ordered = {name: record[name] for name in self._fields}
        line = as_line(ordered)
        if self._format == "parquet":
            self._table(split).add(ordered, len(line))
        if self._format != "parquet" or self._kind == "eval":
            self._stream(split).write(line)
        if self._format == "markdown" and self._page is not None:
            self._draw(split, ordered)

    def _place(self, split: str, suffix: str) -> Path:
        place = self._root / "data" / self._kind / f"{split}{suffix}"
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def _stream(self, split: str) -> IO[bytes]:
        if split not in self._lines:
            self._lines[split] = self._place(split, ".jsonl").open("wb")
        return self._lines[split]

    def _table(self, split: str) -> ParquetFile:
        if split not in self._tables:
            self._tables[split] = ParquetFile(self._place(split, ".parquet"), self._fields)
        return self._tables[split]

    def _draw(self, split: str, record: Mapping[str, Any]) -> None:
        assert self._page is not None
        name, text = self._page(record)
        place = self._root / "markdown" / self._kind / split / f"{name}.md"
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("a", encoding="utf-8") as stream:
            stream.write(text)

    def close(self) -> None:
        """Finish the files."""
        for stream in self._lines.values():
            stream.close()
        for table in self._tables.values():
            table.close()


def file_name(text: str, limit: int = 120) -> str:
    """A name for a file of at most `limit` bytes, from a path or a title.

    It holds no folder and nothing that a shell or a system minds.
    """
    name = re.sub(r"[^\w.-]+", "-", text).strip("-.")
    return name.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore").strip("-.") or "document"
