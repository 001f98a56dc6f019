"""Embedding: against the raw ONNX Runtime session, in both precisions, and beside a waiting query."""

from __future__ import annotations

import re
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.result import CORPORA, Result, percentile, row, timed
from indexer import chunking, language
from indexer.config import EmbeddingConfig
from indexer.embedding import minilm
from indexer.types import ParsedDocument

QUESTION = "how is the index built again after a crash"
ROUNDS = 3


def run(quick: bool = False) -> Result:
    """Measure; needs the corpora."""
    title = "Embedding and chunking"
    if not CORPORA.is_dir():
        return {"title": title, "rows": [], "text": "The corpora are not here."}
    texts = _texts(32 if quick else 128)
    rows: list[Any] = []
    with tempfile.TemporaryDirectory() as cache:
        small, english = (
            _models(load, Path(cache), texts, rows) for load in (minilm.load_e5, minilm.load_minilm)
        )
        fast, slow = [], []
        for _ in range(ROUNDS):
            fast += timed(lambda: english.embed_passages(texts))
            slow += timed(lambda: small.embed_passages(texts))
        ratio = min(fast) / min(slow)
        rows.append(row(f"{small.name}, speed beside {english.name}", ratio, "×", ratio=ratio))
        rows += _query_beside_passages(small, texts)
    rows.append(_chunking())
    return {"title": title, "rows": rows}


def _models(
    load: Callable[..., minilm.BertEmbedder], cache: Path, texts: list[str], rows: list[Any]
) -> minilm.BertEmbedder:
    """A model in eight bits, after it was compared with its raw session and with itself in float32."""
    small = load(EmbeddingConfig(), cache=cache)
    plain = load(EmbeddingConfig(precision="float32"), cache=cache)
    rows += [
        _against_raw(f"{small.name} {name}", m, texts) for name, m in (("int8", small), ("float32", plain))
    ]
    rows.append(_speed_up(small, plain, texts))
    cosines = (small.embed_passages(texts) * plain.embed_passages(texts)).sum(axis=1)
    rows.append(
        row(f"{small.name}, int8 against float32, mean cosine", float(cosines.mean()), "", budget="≥ 0.98",
            met=bool(cosines.mean() >= 0.98), reference=f"least {cosines.min():.4f}")
    )  # fmt: skip
    return small


def _texts(count: int) -> list[str]:
    paragraphs: list[str] = []
    for path in sorted((CORPORA / "xquad" / "corpus" / "en").glob("*.txt")):
        paragraphs += path.read_text("utf-8").split("\n\n")
    return paragraphs[:count]


def _against_raw(name: str, model: minilm.BertEmbedder, texts: list[str]) -> Any:
    """The same token batches through the bare session; best of alternating rounds."""
    batches = [model._given(ids) for _, ids in model._batches(texts)]
    ours, raw = [], []
    for _ in range(ROUNDS):
        raw += timed(lambda: [model._session.run(None, feed) for feed in batches])
        ours += timed(lambda: model.embed_passages(texts))
    ratio = min(raw) / min(ours)
    return row(
        f"embedding, {name}",
        len(texts) / min(ours),
        "chunks/s",
        reference=f"raw session {len(texts) / min(raw):.1f}/s",
        ratio=ratio,
        budget="≥ 0.9 × raw",
        met=ratio >= 0.9,
    )


def _speed_up(small: minilm.BertEmbedder, plain: minilm.BertEmbedder, texts: list[str]) -> Any:
    fast, slow = [], []
    for _ in range(ROUNDS):
        fast += timed(lambda: small.embed_passages(texts))
        slow += timed(lambda: plain.embed_passages(texts))
    return row("int8 against float32, speed", min(slow) / min(fast), "×", ratio=min(slow) / min(fast))


def _query_beside_passages(model: minilm.BertEmbedder, texts: list[str]) -> list[Any]:
    alone = [1e3 * s for s in timed(lambda: model.embed_query(QUESTION), repeat=20)]
    worker = threading.Thread(target=model.embed_passages, args=(texts,))
    worker.start()
    beside: list[float] = []
    while worker.is_alive():
        beside += [1e3 * s for s in timed(lambda: model.embed_query(QUESTION))]
        time.sleep(0.05)
    worker.join()
    p95 = percentile(beside, 0.95)
    return [
        row("query while passages are embedded, p95", p95, "ms", budget="≤ 50 ms", met=p95 <= 50,
            reference=f"alone {percentile(alone, 0.5):.1f} ms")
    ]  # fmt: skip


def _chunking() -> Any:
    """Processor seconds to chunk all PEPs as plain text, language detection included."""
    documents = []
    for path in sorted((CORPORA / "peps").rglob("*.rst")):
        text = path.read_text("utf-8")
        documents.append(ParsedDocument(title=path.stem, text=text, kind="text", format="rst"))
    megabytes = sum(len(d.text) for d in documents) / 1e6
    words = _processor_seconds(lambda: [re.findall(r"\w+", d.text) for d in documents])
    took = _processor_seconds(
        lambda: [chunking.chunk_document(d, language.detect(d.text)) for d in documents]
    )
    return row(
        f"chunking {megabytes:.1f} MB of reStructuredText, processor time",
        took,
        "s",
        reference=f"only finding its words {words:.2f} s",
        ratio=took / words,
        budget="≤ 3 × finding words",
        met=took <= 3 * words,
    )


def _processor_seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
