"""Embedding: against the raw ONNX Runtime session, in both precisions, and beside a waiting query."""

from __future__ import annotations

import re
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

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
    with tempfile.TemporaryDirectory() as cache:
        small = minilm.load_minilm(EmbeddingConfig(), cache=Path(cache))
        plain = minilm.load_minilm(EmbeddingConfig(precision="float32"), cache=Path(cache))
        rows = [_against_raw(name, model, texts) for name, model in (("int8", small), ("float32", plain))]
        rows.append(_speed_up(small, plain, texts))
        cosines = (small.embed_passages(texts) * plain.embed_passages(texts)).sum(axis=1)
        rows.append(
            row("int8 against float32, mean cosine", float(cosines.mean()), "", budget="≥ 0.99",
                met=bool(cosines.mean() >= 0.99), reference=f"least {cosines.min():.4f}")
        )  # fmt: skip
        rows += _query_beside_passages(small, texts)
    rows.append(_chunking())
    return {"title": title, "rows": rows}


def _texts(count: int) -> list[str]:
    paragraphs: list[str] = []
    for path in sorted((CORPORA / "xquad" / "corpus" / "en").glob("*.txt")):
        paragraphs += path.read_text("utf-8").split("\n\n")
    return paragraphs[:count]


def _against_raw(name: str, model: minilm.BertEmbedder, texts: list[str]) -> Any:
    """The same token batches through the bare session; best of alternating rounds."""
    batches = [_feeds(ids) for _, ids in model._batches(texts)]
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


def _feeds(ids: list[list[int]]) -> dict[str, Any]:
    length = max(map(len, ids))
    tokens = np.array([values + [0] * (length - len(values)) for values in ids], np.int64)
    mask = np.array([[1] * len(v) + [0] * (length - len(v)) for v in ids], np.int64)
    return {"input_ids": tokens, "attention_mask": mask}


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
