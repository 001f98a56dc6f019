"""Runs parsers on bytes made in the tests and checks what every result must keep."""

from __future__ import annotations

import importlib
import io
import os
import struct
import zipfile
from collections.abc import Callable, Mapping

import pytest

from indexer.errors import UnreadableDocument
from indexer.parsing.source import Limits, Source
from indexer.text import normalise
from indexer.types import ParsedDocument, Status

Parse = Callable[..., ParsedDocument]


def check_invariants(document: ParsedDocument) -> None:
    text = document.text
    assert normalise(text) == text
    last = 0
    for number, page in enumerate(document.pages, start=1):
        assert page.number == number
        assert last <= page.start <= page.end <= len(text)
        last = page.end
    for heading in document.headings:
        part = text[heading.start : heading.end]
        assert len(part) > 0
        assert part == part.strip()
        assert "\n" not in part
    for attachment in document.attachments:
        assert not attachment.name.startswith("/")
        assert ".." not in attachment.name.split("/")


def run_parser(
    module: str, content: bytes, name: str = "file", *, format: str = "", limits: Limits | None = None
) -> ParsedDocument:
    source = Source.from_bytes(content, name, limits, format=format)
    try:
        document: ParsedDocument = importlib.import_module(f"indexer.parsing.{module}").parse(source)
    finally:
        os.close(source.descriptor)
    check_invariants(document)
    return document


@pytest.fixture
def parse() -> Parse:
    """`parse(module, content, name, format=, limits=)`: the document, with its spans checked."""
    return run_parser


@pytest.fixture
def refusal() -> Callable[..., UnreadableDocument]:
    """Like `parse`, for content that must be refused: the error, which has a reason and a status."""

    def run(
        module: str, content: bytes, name: str = "file", *, format: str = "", limits: Limits | None = None
    ) -> UnreadableDocument:
        with pytest.raises(UnreadableDocument) as caught:
            run_parser(module, content, name, format=format, limits=limits)
        assert caught.value.reason.endswith(".")
        assert caught.value.status in set(Status)
        return caught.value

    return run


@pytest.fixture
def zipped() -> Callable[[Mapping[str, str | bytes]], bytes]:
    """A zip container of these members."""

    def make(members: Mapping[str, str | bytes]) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as container:
            for name, content in members.items():
                container.writestr(name, content)
        return buffer.getvalue()

    return make


@pytest.fixture
def compound() -> Callable[[Mapping[str, bytes]], bytes]:
    """An OLE container of these streams; `/` in a name makes storages."""
    return make_compound


SECTOR, END, FREE = 512, 0xFFFFFFFE, 0xFFFFFFFF


def make_compound(streams: Mapping[str, bytes]) -> bytes:
    """Lay out a version 3 container without a mini stream: every stream is padded to 4,096 bytes.

    Source: [MS-CFB] 2.2 (header), 2.6 (directory).
    """
    body, chains = bytearray(), []
    entries: list[dict[str, object]] = [
        {"name": "Root Entry", "kind": 5, "children": {}, "start": END, "size": 0}
    ]
    for name, data in streams.items():
        parent = 0
        *folders, leaf = name.split("/")
        for folder in folders:
            parent = _child(entries, parent, folder)
        index = _child(entries, parent, leaf)
        padded = data.ljust(4096, b"\x00")
        padded = padded.ljust(-(-len(padded) // SECTOR) * SECTOR, b"\x00")
        entries[index] |= {"kind": 2, "start": len(body) // SECTOR, "size": max(len(data), 4096)}
        chains.append((len(body) // SECTOR, len(padded) // SECTOR))
        body += padded
    directory = b"".join(_entry(entries, index) for index in range(len(entries)))
    directory = directory.ljust(-(-len(directory) // SECTOR) * SECTOR, b"\x00")
    chains.append((len(body) // SECTOR, len(directory) // SECTOR))
    first_directory = len(body) // SECTOR
    body += directory
    table = _table(chains, len(body) // SECTOR)
    fat_sectors = len(table) // SECTOR
    first_fat = len(body) // SECTOR
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<9I", 0, fat_sectors, first_directory, 0, 4096, END, 0, END, 0)
    fat = [first_fat + number for number in range(fat_sectors)]
    return head + struct.pack("<109I", *fat, *[FREE] * (109 - fat_sectors)) + bytes(body) + table


def _child(entries: list[dict[str, object]], parent: int, name: str) -> int:
    children = entries[parent]["children"]
    assert isinstance(children, dict)
    if name not in children:
        entries.append({"name": name, "kind": 1, "children": {}, "start": 0, "size": 0})
        children[name] = len(entries) - 1
    return int(children[name])


def _entry(entries: list[dict[str, object]], index: int) -> bytes:
    """A directory entry; siblings hang in a line, each on the right of the one before."""
    entry = entries[index]
    right = FREE
    for other in entries:
        line = list(other["children"].values())  # type: ignore[attr-defined]
        if index in line and line[-1] != index:
            right = line[line.index(index) + 1]
    own = list(entry["children"].values())  # type: ignore[attr-defined]
    name = str(entry["name"]).encode("utf-16-le") + b"\x00\x00"
    return name.ljust(64, b"\x00") + struct.pack(
        "<HBB3I36xIII",
        len(name),
        entry["kind"],
        1,
        FREE,
        right,
        own[0] if own else FREE,
        entry["start"],
        entry["size"],
        0,
    )


def _table(chains: list[tuple[int, int]], used: int) -> bytes:
    sectors = 1
    while used + sectors > sectors * 128:
        sectors += 1
    table = [FREE] * (sectors * 128)
    for start, length in chains:
        for number in range(start, start + length):
            table[number] = number + 1 if number + 1 < start + length else END
    for number in range(used, used + sectors):
        table[number] = 0xFFFFFFFD
    return struct.pack(f"<{len(table)}I", *table)
