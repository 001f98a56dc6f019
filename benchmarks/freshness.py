"""How long after the last write a saved file is found by keyword, while the library is watched."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.result import Result, percentile, row
from indexer.config import Config, EmbeddingConfig
from indexer.library import Library
from indexer.types import SearchRequest

GIVE_UP_S = 20.0


def run(*, quick: bool = False) -> Result:
    """Save files one after the other and ask until each is found."""
    seconds = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "documents")
        folder.mkdir()
        for number in range(200):
            (folder / f"old{number}.md").write_text(
                f"# Old {number}\n\nAn old note about subject {number}.\n"
            )
        library = Library.open(Path(scratch, "library"), Config(embedding=EmbeddingConfig(provider="none")))
        try:
            library.add_root(str(folder))
            list(library.sync(keyword_only=True))
            for number in range(10 if quick else 40):
                seconds.append(_save_and_find(library, folder / f"new{number % 5}.md", f"heliotrope{number}"))
        finally:
            library.close()
    p95 = percentile(seconds, 0.95)
    return {
        "title": "Saved file to found by keyword",
        "rows": [
            row("median after the last write", percentile(seconds, 0.5), "s"),
            row("p95 after the last write", p95, "s", budget="≤ 1 s", met=p95 <= 1.0),
        ],
    }


def _save_and_find(library: Library, path: Path, word: str) -> float:
    path.write_text(f"# A note\n\nThis note holds the word {word} and little else.\n")
    began = time.monotonic()
    while time.monotonic() - began < GIVE_UP_S:
        if library.search(SearchRequest(query=f'"{word}"', mode="keyword")).hits:
            break
        time.sleep(0.01)
    return time.monotonic() - began
