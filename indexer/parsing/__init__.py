"""File formats: one module for each family, registered here by name.

To add a format, write `indexer/parsing/<module>.py` with `VERSION: int` (raise it when the output
changes, so that documents are read again) and `parse(source: Source) -> ParsedDocument`, which raises
`UnreadableDocument(reason, hint, status=...)` rather than return rubbish; add a line below and, when
the content alone does not tell, its extension or signature in `sniff.py`. Modules import heavy
libraries inside `parse`. Parsers run in worker processes only (`pool.py`).
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import NamedTuple

from indexer.types import Kind


class Format(NamedTuple):
    """How a format is read and what a person calls it."""

    module: str
    kind: Kind


FORMATS: dict[str, Format] = {
    "pdf": Format("pdf", "pdf"),
    "text": Format("plaintext", "text"),
    "code": Format("plaintext", "code"),
    "markdown": Format("markdown", "text"),
    "rst": Format("rst", "text"),
    "asciidoc": Format("asciidoc", "text"),
    "org": Format("org", "text"),
    "html": Format("html", "web"),
    "xml": Format("xml", "text"),
    "svg": Format("xml", "image"),
    "json": Format("structured", "text"),
    "yaml": Format("structured", "text"),
    "ipynb": Format("notebook", "code"),
    "vtt": Format("subtitles", "text"),
    "srt": Format("subtitles", "text"),
    "docx": Format("docx", "doc"),
    "pptx": Format("pptx", "slides"),
    "xlsx": Format("sheets", "sheet"),
    "xls": Format("sheets", "sheet"),
    "xlsb": Format("sheets", "sheet"),
    "ods": Format("sheets", "sheet"),
    "csv": Format("delimited", "sheet"),
    "tsv": Format("delimited", "sheet"),
    "odt": Format("odf", "doc"),
    "odp": Format("odf", "slides"),
    "rtf": Format("rtf", "doc"),
    "epub": Format("epub", "doc"),
    "eml": Format("mail", "mail"),
    "mbox": Format("mail", "mail"),
    "msg": Format("outlook", "mail"),
    "zip": Format("archive", "archive"),
    "doc": Format("legacy", "doc"),
    "ppt": Format("legacy", "slides"),
    "image": Format("image", "image"),
}
"""Format, as decided by content, to the module that reads it."""

PURE_PYTHON = frozenset(
    {"plaintext", "markdown", "rst", "asciidoc", "org", "structured", "notebook", "subtitles"}
)
"""Modules without C libraries: they cannot leak memory, so their worker is replaced less often."""


def load(format: str) -> ModuleType:
    """The module that reads `format`; cheap, since heavy libraries wait until `parse`.

    Raises:
        KeyError: there is no such format.
    """
    return import_module(f"indexer.parsing.{FORMATS[format].module}")
