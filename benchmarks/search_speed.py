"""How long a search takes in the engine, over 100,000 chunks.

The library is made of the corpora's own text, copied until it is large enough, every third word of a
copy replaced by another, so that words are as frequent and as rare as in real text. Vectors are random
around a few hundred directions: their values do not matter for the time. What is timed is the whole
search: parsing the query, embedding it, both retrievers, fusion, snippets of twenty hits.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.result import CORPORA, Result, Row, markdown, percentile, resident_mb, row, timed
from indexer import embedding
from indexer.catalogue import Catalogue
from indexer.config import Config, EmbeddingConfig
from indexer.errors import ModelMissingError
from indexer.keyword import KeywordIndex
from indexer.library import Library
from indexer.search import Searcher
from indexer.types import SearchRequest
from indexer.vectors import VectorStore

CHUNKS = 100_000
QUICK_CHUNKS = 10_000
QUERIES = 300
DIMENSIONS = 384
CHARACTERS = 480
"""In a chunk of such text, about."""


def run(*, quick: bool = False) -> Result:
    """Time keyword and hybrid search, with long and short questions, while typing and within a scope."""
    if not CORPORA.exists():
        return {"title": "Search speed", "rows": [], "text": "Needs the corpora."}
    rng = random.Random(20_251_015)
    with _searcher(QUICK_CHUNKS if quick else CHUNKS, rng) as (searcher, chunks, meaning):
        questions = _questions(rng, QUERIES // 3 if quick else QUERIES)
        rows = _keyword(searcher, questions, rng)
        if meaning:
            rows.append(_row("hybrid, whole questions", _ask(searcher, questions, "auto"), 60))
        used = resident_mb()
        rows.append(
            row("memory of the process after all of them", used, "MB", budget="≤ 600 MB", met=used <= 600)
        )
    return {"title": f"Search speed, {chunks:,} chunks, in the engine", "rows": rows}


def _keyword(searcher: Searcher, questions: Sequence[str], rng: random.Random) -> list[Row]:
    short = [_part(question, rng, 3) for question in questions]
    typed = [question[: rng.randint(2, max(2, len(question)))] for question in short]
    scoped = [f"{question} path:part-{rng.randint(10, 99)}" for question in short]
    return [
        _row("keyword, a few words", _ask(searcher, short, "keyword"), 10),
        _row("keyword, whole questions", _ask(searcher, questions, "keyword"), 10),
        _row("keyword, while typing", _ask(searcher, typed, "keyword", typing=True), 10),
        _row("keyword, a few words in a folder", _ask(searcher, scoped, "keyword"), 10),
    ]


def _ask(searcher: Searcher, queries: Sequence[str], mode: str, *, typing: bool = False) -> list[float]:
    """Seconds of each search, after a few to warm up."""
    requests = [SearchRequest(query=query, mode=mode, typing=typing) for query in queries]  # type: ignore[arg-type]
    for request in requests[:10]:
        searcher.search(request)
    return [timed(lambda request=request: searcher.search(request))[0] for request in requests[10:]]  # type: ignore[misc]


def _row(what: str, seconds: Sequence[float], budget_ms: float) -> Row:
    middle, slow = (1000 * percentile(seconds, share) for share in (0.5, 0.95))
    return row(
        f"{what}: p95", slow, "ms", reference=f"p50 {middle:.1f} ms", budget=f"≤ {budget_ms:g} ms",
        met=slow <= budget_ms,
    )  # fmt: skip


# --- the library ---------------------------------------------------------------------------------


@contextmanager
def _searcher(chunks: int, rng: random.Random) -> Iterator[tuple[Searcher, int, bool]]:
    """A searcher over about so many chunks, how many they are, and whether it has a model."""
    kept = os.environ.get("QUIRE_BENCH_LIBRARIES")
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(kept or scratch) / f"speed-{chunks}"
        folder = place.with_name(f"{place.name}-files")
        if not place.exists():
            _write(folder, chunks, rng)
        config = Config(embedding=EmbeddingConfig(provider="none"))
        with Library.open(place, config, watch=False) as library:
            for _ in library.sync([str(folder)], keyword_only=True):
                pass
        catalogue, keyword = Catalogue(place / "catalogue.sqlite3"), KeywordIndex(place / "keyword")
        searcher = Searcher(catalogue, keyword, Config())
        store = _add_vectors(place, catalogue, searcher)
        try:
            yield searcher, catalogue.counts()["chunks"], store is not None
        finally:
            if store is not None:
                store.close()
            keyword.close()
            catalogue.close()


def _write(folder: Path, chunks: int, rng: random.Random) -> None:
    """Text files with about so many chunks, a hundred of them to a folder."""
    sources = [
        path.read_text("utf-8")
        for pattern in ("xquad/corpus/en/*.txt", "xquad/corpus/de/*.txt", "peps/docs/*.rst")
        for path in sorted(CORPORA.glob(pattern))
    ]
    words = [word for text in sources for word in text.split(" ")]
    written = number = 0
    while written < chunks * CHARACTERS:
        text = rng.choice(sources)[:60_000]
        mixed = [rng.choice(words) if rng.random() < 0.3 else word for word in text.split(" ")]
        path = folder / f"part-{number // 100:02}" / f"{rng.choice(words)[:20].strip('/.')}-{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(" ".join(mixed), "utf-8")
        written += len(text)
        number += 1


def _add_vectors(place: Path, catalogue: Catalogue, searcher: Searcher) -> VectorStore | None:
    """Vectors for every chunk, sealed as the engine would have them; None without a model."""
    try:
        model = embedding.load(EmbeddingConfig(), cache=place / "models", allow_remote=False)
    except ModelMissingError:
        return None
    model_id = catalogue.use_model(model.fingerprint, model.dimensions)
    generator = np.random.default_rng(1)
    centres = generator.standard_normal((300, DIMENSIONS), dtype=np.float32)
    with catalogue.reader() as db:
        keys = [key for (key,) in db.execute("SELECT DISTINCT key FROM chunks")]
    for start in range(0, len(keys), 5000):
        part = keys[start : start + 5000]
        noise = generator.standard_normal((len(part), DIMENSIONS), dtype=np.float32)
        vectors = centres[generator.integers(0, len(centres), len(part))] + noise
        catalogue.store_vectors(model_id, part, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    store = VectorStore(place / "vectors", catalogue, model_id, DIMENSIONS, Config().vectors)
    store.seal_if_due(force=True)
    searcher.use_vectors(store, model, model_id)
    return store


def _questions(rng: random.Random, count: int) -> list[str]:
    questions = []
    for name in ("xquad", "peps", "pdf-qa"):
        for line in (CORPORA / name / "queries.jsonl").read_text("utf-8").splitlines():
            asked = json.loads(line)
            if asked["lang"] in ("en", "de"):
                questions.append(str(asked["question"]))
    return rng.sample(questions, count)


def _part(question: str, rng: random.Random, most: int) -> str:
    words = question.split()
    count = rng.randint(1, most)
    start = rng.randrange(max(1, len(words) - count + 1))
    return " ".join(words[start : start + count])


if __name__ == "__main__":
    print(markdown(run(quick="--quick" in sys.argv[1:])))
