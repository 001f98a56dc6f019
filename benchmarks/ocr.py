"""OCR: error rates of both engines on drawn pages, and the phrases of the mixed collection."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.result import CORPORA, Result, Row, row
from indexer import ocr
from indexer.ocr.picture import Picture
from indexer.ocr.rapid import Rapid
from indexer.parsing.source import Source
from tests.indexer.ocr import drawing

DPI, PIXELS = 300, 12_000_000
WAYS: dict[str, dict[str, Any]] = {
    "straight": {},
    "turned by 90°": {"turn": 90},
    "turned by 180°": {"turn": 180},
    "turned by 270°": {"turn": 270},
    "askew by 1°": {"skew": 1.0},
    "askew by -3°": {"skew": -3.0},
    "askew by 5°": {"skew": 5.0},
    "noisy": {"noise": 0.01},
    "askew by 2°, noisy, 100 dpi": {"skew": 2.0, "noise": 0.005, "dpi": 100},
}
TEXTS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "English": (drawing.ENGLISH, {}),
    "German": (drawing.GERMAN, {}),
    "Chinese": (drawing.CHINESE, {"font": "china-s"}),
    "Japanese": (drawing.JAPANESE, {"font": "japan"}),
    "Japanese in columns": (drawing.JAPANESE, {"font": "japan", "vertical": True}),
}
BY_LETTER = ("Chinese", "Japanese", "Japanese in columns")
"""Texts without spaces between words: letters are counted instead."""

Read = Callable[[Picture], ocr.Reading]


@dataclass(slots=True)
class _Sum:
    """Errors of many pages together."""

    errors: int = 0
    units: int = 0
    seconds: float = 0.0
    sure: list[int] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.errors / self.units if self.units else 0.0


def run(*, quick: bool = False) -> Result:
    """Both engines, one by one, over all texts and ways to scan them; then the mixed collection."""
    rows: list[Row] = []
    lines: list[str] = []
    for name, read in _engines():
        rows += _drawn(name, read, lines, quick)
        if (CORPORA / "mixed-files").is_dir():
            rows += _phrases(name, read, lines)
    return Result(title="OCR: drawn pages, scans of the mixed collection", rows=rows, text="\n".join(lines))


def _engines() -> Iterator[tuple[str, Read]]:
    found = ocr.find()
    if found.rapidocr:
        rapid = Rapid(1)
        yield "RapidOCR", rapid.read
    if found.languages:
        from indexer.ocr.tesseract import Tesseract

        tesseract = Tesseract(found)
        yield "Tesseract", lambda picture: tesseract.read(picture, ())


def _drawn(engine: str, read: Read, lines: list[str], quick: bool) -> list[Row]:
    total: dict[str, _Sum] = {}
    lines += ["", f"{engine}, share of words (letters) that are wrong:", "", f"| | {' | '.join(TEXTS)} |"]
    lines.append("|---" * (len(TEXTS) + 1) + "|")
    for way, shape in list(WAYS.items())[: 2 if quick else None]:
        cells = []
        for text, (content, style) in TEXTS.items():
            errors, units, reading, seconds = _read_drawn(
                read, content, {**style, **shape}, text in BY_LETTER
            )
            found = total.setdefault(text, _Sum())
            found.errors, found.units = found.errors + errors, found.units + units
            found.seconds += seconds
            found.sure.append(reading.confidence)
            cells.append(f"{errors / units:.1%}")
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return [_row(engine, text, found) for text, found in total.items()]


def _row(engine: str, text: str, found: _Sum) -> Row:
    pages = len(found.sure)
    return row(
        f"{engine}, {text}",
        100 * found.rate,
        "% letters wrong" if text in BY_LETTER else "% words wrong",
        reference=f"{sum(found.sure) / pages:.0f}% sure, {found.seconds / pages:.1f} s a page",
    )


def _read_drawn(
    read: Read, content: Sequence[str], style: dict[str, Any], by_letter: bool
) -> tuple[int, int, ocr.Reading, float]:
    page = drawing.scan(drawing.picture(tuple(content), **style))
    picture = Picture(Source.from_bytes(page, "page.pdf"), "pdf", 1, dpi=DPI, max_pixels=PIXELS)
    began = time.monotonic()
    try:
        reading = read(picture)
    finally:
        picture.close()
    expected: Sequence[str] = "".join(content) if by_letter else " ".join(content).split()
    got: Sequence[str] = "".join(reading.text.split()) if by_letter else reading.text.split()
    return distance(expected, got), len(expected), reading, time.monotonic() - began


def _phrases(engine: str, read: Read, lines: list[str]) -> list[Row]:
    folder = CORPORA / "mixed-files"
    found, seconds, pages = 0, 0.0, 0
    lines += [
        "",
        f"{engine}, files of the mixed collection:",
        "",
        "| file | letters wrong | sure |",
        "|---|---|---|",
    ]
    with (folder / "manifest.csv").open(encoding="utf-8") as file:
        wanted = [line for line in csv.DictReader(file) if line["outcome"] == "ocr" and line["phrase"]]
    for line in wanted:
        path = folder / "files" / line["path"]
        began = time.monotonic()
        reading = _read_file(read, path, int(line["page"]))
        seconds, pages = seconds + time.monotonic() - began, pages + 1
        phrase, text = "".join(line["phrase"].split()), "".join(reading.text.split())
        wrong = nearest(phrase, text) / len(phrase)
        found += not wrong
        lines.append(f"| {path.name} | {wrong:.1%} | {reading.confidence}% |")
    reference = f"of {pages}, {seconds / pages:.1f} s a page"
    return [row(f"{engine}, phrases of scans found whole", found, "pages", reference=reference)]


def _read_file(read: Read, path: Path, page: int) -> ocr.Reading:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        format = "pdf" if path.suffix == ".pdf" else "image"
        picture = Picture(Source(descriptor, path.name), format, page, dpi=DPI, max_pixels=PIXELS)
        try:
            return read(picture)
        finally:
            picture.close()
    finally:
        os.close(descriptor)


def distance(a: Sequence[str], b: Sequence[str]) -> int:
    """Edit distance of two sequences."""
    before = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        now = [i]
        for j, right in enumerate(b, 1):
            now.append(min(before[j] + 1, now[j - 1] + 1, before[j - 1] + (left != right)))
        before = now
    return before[-1]


def nearest(phrase: str, text: str) -> int:
    """Edit distance of a phrase to the part of a text that is most like it."""
    before = [0] * (len(text) + 1)
    for i, left in enumerate(phrase, 1):
        now = [i]
        for j, right in enumerate(text, 1):
            now.append(min(before[j] + 1, now[j - 1] + 1, before[j - 1] + (left != right)))
        before = now
    return min(before)
