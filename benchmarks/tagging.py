"""Suggested tags: precision and coverage by confidence, on documents that carry labels of their own.

The beginnings of the PEPs, tagged by their `Topic:` header (which is taken out; those without one are
untagged for good), of Wikipedia articles, of paper abstracts and of meetings, tagged by their collection.
Each document is judged without itself, once with all others tagged and once with every second one.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import questions
from benchmarks.result import CORPORA, Result, Row, row
from indexer.suggesting import AT_LEAST, vote

CHARACTERS = 2_500
"""Of each document: what it is about is said at the beginning, and embedding is slow."""
EACH = 40
"""Documents of a collection other than the PEPs."""
PEPS_WITHOUT_TOPIC = 80
THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
PRECISION = 0.85
"""Of the suggestions at the usual confidence."""


@dataclass(frozen=True)
class Labelled:
    """A document with the tags it should get and its unit mean vector."""

    name: str
    tags: tuple[str, ...]
    vector: NDArray[np.float32]

    @property
    def half(self) -> int:
        """0 or 1, the same every time."""
        return int(hashlib.sha256(self.name.encode()).hexdigest(), 16) % 2


def run(*, quick: bool = False) -> Result:
    """Measure both ways of tagging; `quick`: with a third of the documents."""
    title = "Suggested tags"
    if not CORPORA.is_dir():
        return {"title": title, "rows": [], "text": "needs ../shared/corpora"}
    documents = _embedded(list(_texts())[:: 3 if quick else 1])
    measured = {
        "all others tagged": _judged(documents, every=True),
        "half tagged": _judged(documents, every=False),
    }
    rows: list[Row] = []
    for how, judged in measured.items():
        precision, coverage, wrong = figures(judged, AT_LEAST)
        rows.append(
            row(
                f"precision at {AT_LEAST:.0%}, {how}",
                precision,
                "",
                budget=f">= {PRECISION}",
                met=precision >= PRECISION,
            )
        )
        rows.append(row(f"tags found at {AT_LEAST:.0%}, {how}", coverage, ""))
        rows.append(row(f"untagged documents with a suggestion, {how}", wrong, ""))
    return {"title": title, "rows": rows, "text": "\n\n".join(_curve(*each) for each in measured.items())}


def _texts() -> Iterable[tuple[str, tuple[str, ...], str]]:
    """(name, tags, text) of every document."""
    without = 0
    for path in sorted((CORPORA / "peps" / "docs").glob("PEP *.rst")):
        text = path.read_text(encoding="utf-8", errors="replace")
        topic = re.search(r"^Topic:(.*)$", text, re.MULTILINE)
        tags = tuple(f"python/{each.strip().lower()}" for each in topic[1].split(",")) if topic else ()
        without += not tags
        if tags or without <= PEPS_WITHOUT_TOPIC:
            yield path.stem, tags, text.partition("\n\n")[2]
    for tag, folder in (
        ("wiki", "xquad/corpus/en"),
        ("papers", "summaries/scitldr/docs"),
        ("meetings", "summaries/qmsum/docs"),
    ):
        for path in sorted((CORPORA / folder).glob("*.txt"))[:EACH]:
            yield f"{tag}-{path.stem}", (tag,), path.read_text(encoding="utf-8", errors="replace")


def _embedded(texts: Sequence[tuple[str, tuple[str, ...], str]]) -> list[Labelled]:
    with tempfile.TemporaryDirectory() as scratch:
        for name, _, text in texts:
            Path(scratch, f"{name}.txt").write_text(text[:CHARACTERS], encoding="utf-8")
        with questions.library("tagging", Path(scratch)) as library:
            found = []
            for name, tags, _ in texts:
                vectors = library.vectors_of(f"{scratch}/{name}.txt")
                if vectors is not None:
                    mean = vectors[1].mean(axis=0)
                    found.append(Labelled(name, tags, mean / max(float(np.linalg.norm(mean)), 1e-9)))
    return found


Judged = list[tuple[tuple[str, ...], dict[str, float]]]
"""Of each document the tags it should get, and the confidence of each tag suggested."""


def _judged(documents: Sequence[Labelled], *, every: bool) -> Judged:
    """Suggestions for each document (of the second half, when only the first is tagged)."""
    matrix = np.stack([each.vector for each in documents])
    tags = [each.tags if every or each.half == 0 else () for each in documents]
    judged = []
    for at, each in enumerate(documents):
        if not every and each.half == 0:
            continue
        nearness = matrix @ each.vector
        nearness[at] = -1.0
        votes = vote(nearness, tags)
        judged.append((each.tags, {tag: confidence for tag, (confidence, _) in votes.items()}))
    return judged


def figures(judged: Judged, at_least: float) -> tuple[float, float, float]:
    """Precision of suggestions, share of tags found, share of untagged documents that got one."""
    right = given = wanted = bothered = untagged = 0
    for tags, suggested in judged:
        chosen = {tag for tag, confidence in suggested.items() if confidence >= at_least}
        right += len(chosen & set(tags))
        given += len(chosen)
        wanted += len(tags)
        untagged += not tags
        bothered += bool(chosen) and not tags
    return right / max(given, 1), right / max(wanted, 1), bothered / max(untagged, 1)


def _curve(how: str, judged: Judged) -> str:
    lines = [f"{how.capitalize()}, {len(judged)} documents:", ""]
    lines += [
        "| confidence | precision | tags found | untagged with one | right in this step |",
        "|---|---|---|---|---|",
    ]
    for low, high in zip(THRESHOLDS, (*THRESHOLDS[1:], 2.0), strict=True):
        precision, coverage, wrong = figures(judged, low)
        step = [tag in tags for tags, found in judged for tag, sure in found.items() if low <= sure < high]
        share = f"{sum(step) / len(step):.2f} of {len(step)}" if step else ""
        lines.append(f"| {low:.1f} | {precision:.2f} | {coverage:.2f} | {wrong:.2f} | {share} |")
    return "\n".join(lines)
