"""Redaction: planted secrets that stay, and what is hidden in ordinary documents though it is no secret.

Mail addresses and telephone numbers of the documents are real finds; whatever else is hidden there counts
as false, unless it was looked at and found to be one.
"""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.result import CORPORA, Result, row
from indexer.redaction import Redactor, Vault
from tests.planted import planted

SEED = 41
"""Not one that the tests use."""
_REAL = ("MAIL", "PHONE")


def run(*, quick: bool = False) -> Result:
    """Measure; the documents are left out where the corpora are not there."""
    redactor = Redactor()
    count = 800 if quick else 8000
    left = sum(_stays(redactor, secret, sentence) for _, secret, sentence in planted(count, SEED))
    rows = [row("planted secrets left", 100 * left / count, "%", budget="0", met=left == 0)]
    for name, texts in _corpora(quick):
        found: Counter[str] = Counter()
        characters, began = 0, time.process_time()
        for text in texts:
            characters += len(text)
            found.update(kind for _, _, kind in redactor.find(text))
        took = time.process_time() - began
        false = sum(number for kind, number in found.items() if kind not in _REAL)
        rows += [
            row(
                f"{name}: mail and telephone hidden",
                _per(found["MAIL"] + found["PHONE"], characters),
                "/100k chars",
            ),
            row(
                f"{name}: anything else hidden",
                _per(false, characters),
                "/100k chars",
                budget="< 1",
                met=_per(false, characters) < 1,
            ),
            row(f"{name}: speed", characters / 1e6 / took, "MB/s"),
        ]
    return {"title": "Redaction", "rows": rows}


def _stays(redactor: Redactor, secret: str, sentence: str) -> bool:
    hidden = Vault(redactor).hide(sentence)
    lines = [line for line in secret.splitlines() if not line.startswith("-----")]
    return any(line in hidden for line in lines)


def _per(count: int, characters: int) -> float:
    return count * 1e5 / max(characters, 1)


def _corpora(quick: bool) -> Iterator[tuple[str, list[str]]]:
    for name, ending in (("peps", "*.rst"), ("xquad", "*.txt"), ("pdf-qa", "*.pdf")):
        paths = sorted((CORPORA / name).rglob(ending))
        if quick:
            paths = random.Random(SEED).sample(paths, min(len(paths), 12))
        if paths:
            yield name, [_read(path) for path in paths]


def _read(path: Path) -> str:
    if path.suffix != ".pdf":
        return path.read_text(encoding="utf-8")
    import pymupdf

    opened: Any = pymupdf.open
    with opened(path) as document:
        return re.sub(r"\0", " ", "\n".join(page.get_text() for page in document))
