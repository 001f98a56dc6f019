"""The measure of quality: scores by collection, damage found and false alarms, and its share of parsing."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.result import CORPORA, Result, Row, row
from indexer import language, quality
from indexer.errors import UnreadableDocument
from indexer.findings import Quality
from indexer.parsing import sniff
from indexer.parsing.source import Source
from indexer.parsing.worker import read
from indexer.text import normalise
from indexer.types import ParsedDocument
from tests.damage import DAMAGES, SOUND, damaged, sound

COLLECTIONS = ("mixed-files", "peps", "pdf-qa", "xquad", "near-dup", "summaries")
POOR, CLEAN = 50, 80
DAMAGED_NOTES = (
    "no Unicode mapping",
    "invisible text",
    "a few invalid UTF-8 bytes",
)
"""What the notes of the mixed collection say of files whose text is broken although they can be opened."""
FLAWED_NOTES = ("flag page", "only a picture", "without a line break", "NUL bytes", "page 2 repeats")
"""Notes of files that are neither broken nor clean."""
_NAMED = 40


@dataclass(frozen=True, slots=True)
class _Scored:
    path: str
    quality: Quality
    parse_s: float
    measure_s: float


def run(*, quick: bool = False) -> Result:
    """All collections (quick: two), and generated damage."""
    rows: list[Row] = []
    lines = ["| score | document | reasons |", "|---|---|---|"]
    for name in COLLECTIONS[: 1 if quick else None]:
        folder = CORPORA / name
        if not folder.is_dir():
            continue
        scored = list(_scores(folder))
        rows += _rows(name, scored)
        if name == "mixed-files":
            rows += _against_notes(folder, scored)
        for each in sorted(scored, key=lambda each: each.quality.score)[:_NAMED]:
            if each.quality.score < 95:
                costly = [finding for finding in each.quality.findings if finding.cost]
                reasons = ", ".join(f"{f.code} {f.share:.1%} (-{f.cost})" for f in costly)
                lines.append(f"| {each.quality.score} | {name}/{each.path} | {reasons} |")
    rows += _generated(3 if quick else 20)
    return {"title": "Quality of text", "rows": rows, "text": "\n".join(lines)}


def _scores(folder: Path) -> Iterator[_Scored]:
    for path in sorted(folder.rglob("*")):
        skipped = path.suffix == ".jsonl" or path.name in ("manifest.csv", "PROVENANCE.md")
        if not path.is_file() or skipped or "LICENSE" in str(path):
            continue
        scored = _score(path, str(path.relative_to(folder)))
        if scored is not None:
            yield scored


def _score(path: Path, name: str) -> _Scored | None:
    descriptor = os.open(path, os.O_RDONLY)
    began = time.process_time()
    try:
        source = Source(descriptor, path.name)
        source.format = sniff.sniff(source)
        parsed = read(source)
    except UnreadableDocument as exc:
        found = quality.of_unread(exc.status, exc.reason)
        return None if found is None else _Scored(name, found, 0.0, 0.0)
    finally:
        os.close(descriptor)
    read_s = time.process_time() - began
    began = time.process_time()
    found = quality.measure(parsed.document, parsed.language, parsed.chunks)
    measure_s = time.process_time() - began
    return _Scored(name, found, max(0.0, read_s - measure_s), measure_s)


def _rows(name: str, scored: list[_Scored]) -> list[Row]:
    with_text = [each for each in scored if each.parse_s]
    scores = [each.quality.score for each in with_text]
    parse_s, measure_s = (sum(each.parse_s for each in with_text), sum(each.measure_s for each in with_text))
    return [
        row(
            f"{name}: mean score of {len(scores)} documents with text", sum(scores) / max(1, len(scores)), "",
            reference=f"lowest {min(scores, default=0)}; below {POOR}: {sum(s < POOR for s in scores)}; below"
            f" {CLEAN}: {sum(s < CLEAN for s in scores)}",
        ),
        row(
            f"{name}: processor time of the measure", 1000 * measure_s, "ms",
            reference=f"parsing {1000 * parse_s:.0f} ms", ratio=measure_s / max(parse_s, 1e-9),
        ),
    ]  # fmt: skip


def _against_notes(folder: Path, scored: list[_Scored]) -> list[Row]:
    """The mixed collection: what its notes call broken is poor, what they do not is clean."""
    scores = {each.path.removeprefix("files/"): each.quality.score for each in scored}
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        manifest = list(csv.DictReader(stream))
    broken = [each for each in manifest if any(note in each["note"] for note in DAMAGED_NOTES)]
    clean = [
        each
        for each in manifest
        if each["outcome"] == "text" and each not in broken
        and not any(note in each["note"] for note in FLAWED_NOTES)
    ]  # fmt: skip
    found = sum(scores.get(each["path"], 100) < POOR for each in broken)
    alarms = [each["path"] for each in clean if scores.get(each["path"], 100) <= CLEAN]
    return [
        row("mixed-files: broken text found", found / len(broken), "", reference=f"{found} of {len(broken)}"),
        row(
            "mixed-files: clean files not above 80", len(alarms) / len(clean), "",
            reference=f"{len(alarms)} of {len(clean)}: {', '.join(alarms) or 'none'}",
        ),
    ]  # fmt: skip


def _generated(seeds: int) -> list[Row]:
    found = right = total = 0
    for name, (expected, languages, _) in DAMAGES.items():
        for code in languages:
            for seed in range(100, 100 + seeds):
                measured = _measured(damaged(name, code, seed))
                total += 1
                found += measured.score < POOR
                right += any(finding.code in expected for finding in measured.findings if finding.cost)
    alarms = texts = 0
    for code in SOUND:
        for seed in range(100, 100 + seeds):
            for sentences in (4, 15, 60):
                texts += 1
                alarms += _measured(sound(code, seed, sentences=sentences)).score <= CLEAN
    return [
        row(
            "generated damage found", found / total, "",
            reference=f"{found} of {total} texts, {len(DAMAGES)} kinds",
            budget="≥ 0.98", met=found >= 0.98 * total,
        ),
        row("with the right reason", right / total, "", reference=f"{right} of {total}"),
        row(
            "false alarms on sound texts", alarms / texts, "",
            reference=f"{alarms} of {texts} in {len(SOUND)} languages",
            budget="≤ 0.01", met=alarms <= 0.01 * texts,
        ),
    ]  # fmt: skip


def _measured(text: str) -> Quality:
    text = normalise(text)
    document = ParsedDocument(title="", text=text, kind="text", format="text")
    return quality.measure(document, language.detect(text))
