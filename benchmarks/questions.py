"""Questions with known answers, and the libraries they are asked of; shared by the benchmarks of answers."""

from __future__ import annotations

import hashlib
import json
import os
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.result import CORPORA
from indexer.config import Config
from indexer.library import Library

Question = dict[str, Any]
"""A line of a corpus's `queries.jsonl`."""


def configured() -> Config:
    """The usual settings, with the embedding model that `QUIRE_BENCH_EMBEDDING` names (e5, minilm)."""
    provider = os.environ.get("QUIRE_BENCH_EMBEDDING", "auto")
    return Config.model_validate({"embedding": {"provider": provider}})


@contextmanager
def library(name: str, documents: Path) -> Iterator[Library]:
    """A library over a folder, complete; kept by its name in `QUIRE_BENCH_LIBRARIES` when that is set."""
    kept = os.environ.get("QUIRE_BENCH_LIBRARIES")
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(kept or scratch, name)
        with Library.open(place, configured(), watch=False) as opened:
            for _ in opened.sync([str(documents)]):
                pass
            while opened.embed_query("warm") is None and opened.status().embedding_model:
                time.sleep(0.1)  # the model is loaded behind the first answers
            yield opened


def read(corpus: str) -> list[Question]:
    """All questions of a corpus."""
    lines = (CORPORA / corpus / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def sampled(questions: Sequence[Question], count: int | None) -> list[Question]:
    """At most so many, the same ones every time; None takes all."""
    if count is None or count >= len(questions):
        return list(questions)
    return random.Random(7).sample(list(questions), count)


def half(question: Question) -> int:
    """0 for the questions that are tuned on, 1 for those that only measure.

    The same in every language of one question, so that a translation is not tuned on either.
    """
    name = str(question["id"]).removeprefix(f"{question['lang']}-")
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 2


def holds(text: str, answers: Sequence[str]) -> bool:
    """Whether a text holds one of the known answers, case and white space aside."""
    plain = " ".join(text.lower().split())
    return any(" ".join(answer.lower().split()) in plain for answer in answers)


def documents_of(question: Question) -> list[str]:
    """Names of the documents that answer a question; none when nothing does."""
    places = [*question.get("evidence", ()), *(question.get("also") or ())]
    names = [place["doc"] if isinstance(place, dict) else place for place in places if place]
    return [Path(name).name for name in [question.get("doc"), *names] if name]


def without_documents(question: Question) -> str:
    """A scope that leaves out the documents that answer a question."""
    return " ".join(f'-name:"{name}"' for name in documents_of(question))
