"""JSON, JSON lines and YAML as text, with escaped letters made readable."""

from __future__ import annotations

import json
import re

from indexer.parsing.plaintext import read_text
from indexer.parsing.source import Source
from indexer.text import normalise
from indexer.types import ParsedDocument

VERSION = 1

_ESCAPE = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
_LONG_LINE = 2000
"""Characters; JSON without line breaks is laid out anew, so that values stand on lines of their own."""


def parse(source: Source) -> ParsedDocument:
    """The file's own text; escapes for letters become the letters, one long line becomes many."""
    text, warnings = read_text(source)
    if source.format == "json":
        text = normalise(_unescape(_laid_out(text)))
    return ParsedDocument(title="", text=text, kind="text", format=source.format, warnings=warnings)


def _laid_out(text: str) -> str:
    longest = max(map(len, text.split("\n")), default=0)
    if longest <= _LONG_LINE:
        return text
    try:
        return json.dumps(json.loads(text), indent=1, ensure_ascii=False)
    except (ValueError, RecursionError):  # JSON lines, or damaged: as it is
        return text


def _unescape(text: str) -> str:
    return _ESCAPE.sub(_letters, text) if "\\u" in text else text


def _letters(match: re.Match[str]) -> str:
    units = bytes.fromhex("".join(match.group().split("\\u")))
    return units.decode("utf-16-be", "replace")
