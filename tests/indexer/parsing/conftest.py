"""Runs parsers on bytes made in the tests and checks what every result must keep."""

from __future__ import annotations

import importlib
import io
import os
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
