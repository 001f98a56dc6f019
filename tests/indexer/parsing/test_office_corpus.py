"""Real files of these formats, with a phrase that each must yield or the way it must fail."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.errors import UnreadableDocument
from indexer.parsing.source import Source
from indexer.text import normalise
from indexer.types import ParsedDocument

CORPUS = Path(__file__).parents[4] / "shared" / "corpora" / "mixed-files"
MODULES = {
    "docx": "docx", "pptx": "pptx", "xlsx": "sheets", "xls": "sheets", "ods": "sheets", "csv": "delimited",
    "tsv": "delimited", "odt": "odf", "odp": "odf", "rtf": "rtf", "epub": "epub", "eml": "mail",
    "mbox": "mail", "msg": "outlook", "zip": "archive", "doc": "legacy", "ppt": "legacy", "png": "image",
    "jpeg": "image",
}  # fmt: skip


def rows() -> list[dict[str, str]]:
    manifest = CORPUS / "manifest.csv"
    if not manifest.is_file():
        return []
    with manifest.open(encoding="utf-8", newline="") as lines:
        return [row for row in csv.DictReader(lines) if row["format"] in MODULES]


def bare(text: str) -> str:
    """Text without white space and without what separates cells here or there."""
    return re.sub(r"[\s|,]+", "", normalise(text))


def assert_found(row: dict[str, str], document: ParsedDocument) -> None:
    phrase = bare(row["phrase"])
    assert phrase in bare(document.text)
    if row["page"]:
        page = document.pages[int(row["page"]) - 1]
        assert phrase in bare(document.text[page.start : page.end])


@pytest.mark.corpora
@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpora are not here")
@pytest.mark.parametrize("row", rows(), ids=lambda row: row["path"])
def test_real_files_yield_their_phrase_or_fail_as_they_must(
    row: dict[str, str], parse: Callable[..., ParsedDocument]
) -> None:
    path = CORPUS / "files" / row["path"]
    module = MODULES[row["format"]]
    format = "image" if module == "image" else row["format"]
    try:
        document = parse(module, path.read_bytes(), path.name, format=format)
    except UnreadableDocument:
        assert row["outcome"] in ("fail", "ocr", "either")
        return
    if row["outcome"] == "text":
        assert_found(row, document)
    else:
        assert row["outcome"] in ("empty", "either")
        assert row["outcome"] == "either" or not document.text


def test_every_module_has_a_version() -> None:
    import importlib

    for name in set(MODULES.values()):
        module = importlib.import_module(f"indexer.parsing.{name}")
        assert isinstance(module.VERSION, int)
        assert callable(module.parse)
        assert Source.__name__ in str(module.parse.__annotations__["source"])
