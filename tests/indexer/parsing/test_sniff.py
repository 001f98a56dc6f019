"""The content decides what a document is; the name is only a hint."""

from __future__ import annotations

import importlib
import io
import os
import zipfile
from pathlib import Path

import pytest

from indexer.errors import UnreadableDocument
from indexer.parsing import FORMATS
from indexer.parsing.sniff import sniff
from indexer.parsing.source import Source


def sniffed(content: bytes, name: str) -> str:
    source = Source.from_bytes(content, name)
    try:
        return sniff(source)
    finally:
        os.close(source.descriptor)


def zipped(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as container:
        for name, text in members.items():
            container.writestr(name.replace("__", "/"), text)
    return buffer.getvalue()


def package(main: str) -> bytes:
    types = f'<Types><Override PartName="/x" ContentType="application/{main}"/></Types>'
    return zipped(**{"[Content_Types].xml": types})


PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"
WORD = "vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"


@pytest.mark.parametrize(
    ("content", "name", "format"),
    [
        (PDF, "a.pdf", "pdf"),
        (PDF, "a.txt", "pdf"),
        (PDF, "a", "pdf"),
        (b"\x00\x01junk" * 50 + PDF, "a.bin", "pdf"),
        (b"How to write %PDF-1.4 in a text about PDF files.\n", "a.txt", "text"),
        (package(WORD), "a.docx", "docx"),
        (package(WORD), "a.pdf", "docx"),
        (package("vnd.ms-word.document.macroEnabled.main+xml"), "a.docm", "docx"),
        (package("vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"), "a", "pptx"),
        (package("vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"), "a", "xlsx"),
        (package("vnd.ms-excel.sheet.binary.macroEnabled.main"), "a", "xlsb"),
        (zipped(mimetype="application/vnd.oasis.opendocument.text"), "a.zip", "odt"),
        (zipped(mimetype="application/vnd.oasis.opendocument.spreadsheet"), "a", "ods"),
        (zipped(mimetype="application/vnd.oasis.opendocument.presentation"), "a", "odp"),
        (zipped(mimetype="application/epub+zip"), "a.doc", "epub"),
        (zipped(**{"a.txt": "x"}), "a.docx", "zip"),
        (b"{\\rtf1\\ansi hello}", "a.doc", "rtf"),
        (b"\x89PNG\r\n\x1a\n....", "a.jpg", "image"),
        (b"\xff\xd8\xff\xe0....", "a.pdf", "image"),
        (b"<!DOCTYPE html><html><body>x</body></html>", "a.doc", "html"),
        (b"\xef\xbb\xbf <html><p>x", "a.txt", "html"),
        ("<html><p>x".encode("utf-16"), "a.txt", "html"),
        (b"<p>fragment</p>", "a.htm", "html"),
        (b'<?xml version="1.0"?><feed/>', "a.txt", "xml"),
        (b'<?xml version="1.0"?><svg xmlns="x"/>', "a.xml", "svg"),
        (b"WEBVTT\n\n00:01.000 --> 00:02.000\nx", "a.txt", "vtt"),
        (b"1\n00:00:01,000 --> 00:00:02,000\nx\n", "a", "srt"),
        (b"From: a@b\nTo: c@d\nMessage-ID: <1>\nSubject: x\n\nbody", "a", "eml"),
        (b"From a@b Mon Jan  1 00:00:00 2024\nFrom: a@b\nSubject: x\n\nbody", "a", "mbox"),
        (b"From: what people say, the report was late.\nTo: be or not to be.\n", "a.txt", "text"),
        (b'{"cells": [], "nbformat": 4}', "a.ipynb", "ipynb"),
        (b'{"a": 1}', "a.json", "json"),
        (b"no json at all", "a.json", "text"),
        (b"a: 1\n", "a.yaml", "yaml"),
        (b"# Title\n", "README.md", "markdown"),
        (b"# Title\n", "README.MD", "markdown"),
        (b'<p align="center">logo</p>\n\n# Title\n\n```html\n<html>\n```\n', "README.md", "markdown"),
        (b"<template><body></body></template>", "a.vue", "code"),
        (b"Title\n=====\n", "a.rst", "rst"),
        (b"= Title\n", "a.adoc", "asciidoc"),
        (b"* Title\n", "a.org", "org"),
        (b"a,b\n1,2\n", "a.csv", "csv"),
        (b"a\tb\n", "a.tsv", "tsv"),
        (b"print(1)\n", "a.py", "code"),
        (b"all: x\n", "Makefile", "code"),
        (b"#!/bin/sh\necho\n", "run", "code"),
        (b"plain words", "NO_EXTENSION", "text"),
        (b"plain words", ".hidden", "text"),
        (b"plain words", "a.pdf", "text"),
    ],
)
def test_content_decides(content: bytes, name: str, format: str) -> None:
    assert sniffed(content, name) == format


@pytest.mark.parametrize(
    ("content", "name", "status", "says"),
    [
        (b"", "a.txt", "empty-text", "0 bytes"),
        (b"\x7fELF\x02\x01\x01" + bytes(64), "a.pdf", "unsupported", "program"),
        (b"MZ\x90\x00\x03" + bytes(128), "a.pdf", "unsupported", "program"),
        (b"SQLite format 3\x00" + bytes(64), "a.db", "unsupported", "SQLite"),
        (b"\x1f\x8b\x08\x00" + bytes(64), "a.tar.gz", "unsupported", "gzip"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(64), "a.7z", "unsupported", "7-Zip"),
        (b"\x00\x00\x00\x20ftypisom" + bytes(64), "a.mp4", "unsupported", "video"),
        (zipped(**{"Index__Document.iwa": "x"}), "a.pages", "unsupported", "Pages"),
        (zipped(**{"META-INF__MANIFEST.MF": "x"}), "a.jar", "unsupported", "program"),
        (b"PK\x03\x04" + bytes(range(100, 200)), "a.docx", "broken", "damaged"),
        (bytes(range(256)) * 4, "a.docx", "broken", ".docx"),
        (bytes(range(256)) * 4, "a.unknown", "unsupported", "binary"),
    ],
)
def test_what_cannot_be_read_is_named(content: bytes, name: str, status: str, says: str) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        sniffed(content, name)
    assert caught.value.status == status
    assert says in caught.value.reason


def test_every_registered_module_can_be_loaded() -> None:
    for format, (module, _kind) in FORMATS.items():
        loaded = importlib.import_module(f"indexer.parsing.{module}")
        assert isinstance(loaded.VERSION, int), format
        assert callable(loaded.parse), format


def test_sniffing_a_large_file_does_not_read_it(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    with path.open("wb") as file:
        file.write(b"plain words\n" * 10_000)
        file.truncate(1 << 30)
    descriptor = os.open(path, os.O_RDONLY)
    assert sniff(Source(descriptor, "large.txt")) == "text"
    os.close(descriptor)
