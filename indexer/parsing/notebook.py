"""Jupyter notebooks: text cells with their headings, code cells and the text they printed."""

from __future__ import annotations

import json
from typing import Any

from indexer.errors import UnreadableDocument
from indexer.parsing import encoding, markdown
from indexer.parsing.builder import TextBuilder
from indexer.parsing.source import Source
from indexer.types import ParsedDocument

VERSION = 1
MAX_OUTPUT = 4000
"""Characters kept of what one cell printed: logs would drown the text."""


def parse(source: Source) -> ParsedDocument:
    """Cells in order, each a paragraph or several."""
    try:
        notebook = json.loads(encoding.decode(source.read()).text)
    except (ValueError, RecursionError) as exc:
        raise UnreadableDocument(
            "The notebook is damaged: it is not valid JSON.", "Save it again in Jupyter."
        ) from exc
    if not isinstance(notebook, dict):
        raise UnreadableDocument("The notebook is damaged: it has no cells.", "Save it again in Jupyter.")
    builder = TextBuilder(source.limits.max_text)
    for cell in _cells(notebook):
        text = _text(cell.get("source", cell.get("input")))
        if cell.get("cell_type") in ("markdown", "heading"):
            _add_markdown(builder, text)
        else:
            builder.paragraph(text)
            _add_outputs(builder, cell.get("outputs"))
    facts = notebook.get("metadata")
    title = facts.get("title", "") if isinstance(facts, dict) else ""
    return builder.build(kind="code", format="ipynb", title=title if isinstance(title, str) else "")


def _cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    cells = notebook.get("cells")
    if not isinstance(cells, list):  # format 3 has worksheets
        sheets = notebook.get("worksheets")
        sheets = sheets if isinstance(sheets, list) else []
        cells = [
            cell for sheet in sheets if isinstance(sheet, dict) for cell in sheet.get("cells") or () if cell
        ]
    return [cell for cell in cells if isinstance(cell, dict)]


def _text(value: object) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _add_markdown(builder: TextBuilder, text: str) -> None:
    position = 0
    for heading in markdown.find_headings(text):
        line = text.rfind("\n", 0, heading.start) + 1
        builder.paragraph(text[position:line])
        builder.heading(text[heading.start : heading.end], heading.level)
        position = heading.end
    builder.paragraph(text[position:])


def _add_outputs(builder: TextBuilder, outputs: object) -> None:
    for output in outputs if isinstance(outputs, list) else ():
        if not isinstance(output, dict):
            continue
        shown = output.get("data")
        text = _text(output.get("text")) or (
            _text(shown.get("text/plain")) if isinstance(shown, dict) else ""
        )
        builder.paragraph(text[:MAX_OUTPUT])
