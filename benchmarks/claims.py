"""The claim ledger against planted errors: what it lets pass, and what it flags without reason.

Claims come from `planting`: true sentences of XQuAD paragraphs (en, de, es, zh) and of the PDF questions'
documents, untouched or with one number, date, name, unit or negation altered, verbatim or paraphrased by
rule. A checker sees the claim with its own paragraph and two other paragraphs of the same article as
passages, in random order. Of every two claims one cites its own paragraph and one of the others, as models
do; the other cites nothing and is checked against all three. Half of the paragraphs (by hash) served for
tuning; the figures that have a budget are of the other half.
"""

from __future__ import annotations

import random
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from benchmarks import questions
from benchmarks.altering import Paragraph
from benchmarks.planting import CLASSES, Planted, planted
from benchmarks.result import CORPORA, Result, Row, row
from copilot import grounding
from copilot.passages import Vectors, sources
from indexer import embedding
from indexer.config import Config, EmbeddingConfig
from indexer.library import Library
from indexer.types import Hit, TextWindow

SEED = 20
CAUGHT = {"number": 0.95, "date": 0.95, "unit": 0.95, "name": 0.85, "negation": 0.85}
FLAGGED = 0.05
MOST = 50
"""Altered claims for each collection, language, class and half; of units there are fewer."""
LANGUAGES = ("en", "de", "es", "zh")
_PROPER = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{2,}(?:[ -][A-Z][a-z]{2,})*")


class Texts:
    """The one call of a library that proving quotes needs."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts

    def text(self, document: str, start: int, end: int, *, query: str = "") -> TextWindow:
        """A part of a paragraph."""
        whole = self._texts[document]
        return TextWindow(document=document, start=start, end=end, total=len(whole), text=whole[start:end])


class Remembered:
    """An embedder that embeds every text once."""

    def __init__(self, cache: Path) -> None:
        self._model = embedding.load(questions.configured().embedding, cache=cache, allow_remote=False)
        self._rows: dict[str, Vectors] = {}

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Unit rows of texts."""
        new = list(dict.fromkeys(text for text in texts if text not in self._rows))
        if new:
            self._rows.update(zip(new, self._model.embed_passages(new), strict=True))
        return np.stack([self._rows[text] for text in texts])


def run(*, quick: bool = False) -> Result:
    """Measure; `quick`: a tenth of the claims."""
    title = "Claims with planted errors"
    if not CORPORA.is_dir():
        return {"title": title, "rows": [], "text": "needs ../shared/corpora"}
    claims = list(planted(paragraphs(), seed=SEED, most=8 if quick else MOST))
    with tempfile.TemporaryDirectory() as cache:
        verdicts = check(claims, Remembered(Path(cache)))
    rows = report(claims, verdicts, held_out=True)
    tuned = report(claims, verdicts, held_out=False)
    return {
        "title": title,
        "rows": rows,
        "text": _remark(claims, tuned),
        "data": {"by_language": _by_language(rows)},
    }


def _by_language(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """The figures of each language out of the rows of `report`; "pdf" is English."""
    figures: dict[str, dict[str, float]] = {}
    for each in rows:
        told = re.fullmatch(r"(.+?), (en|de|es|zh|pdf)(, \w+)? \(of \d+\)", each["what"])
        if told:
            figures.setdefault(told[2], {})[f"{told[1]}{told[3] or ''}"] = each["value"]
    return figures


def _remark(claims: Sequence[Planted], tuned: Sequence[Row]) -> str:
    held = sum(each.paragraph.held_out for each in claims)
    figures = "; ".join(f"{each['what']} {each['value']:g}" for each in tuned if each["budget"])
    return (
        f"{len(claims)} claims with seed {SEED}, {held} of them in the half reported above. "
        f"The half used for tuning: {figures}."
    )


def paragraphs() -> list[Paragraph]:
    """The paragraphs of XQuAD in four languages and the passages of the PDF documents."""
    return [*xquad(), *_pdf()]


def xquad() -> Iterator[Paragraph]:
    """The paragraphs of XQuAD in four languages."""
    root = CORPORA / "xquad" / "corpus"
    english = sorted((root / "en").glob("*.txt"))
    written_small = {
        word for path in english for word in re.findall(r"(?<!\w)[a-z]+", path.read_text("utf-8"))
    }
    small = frozenset(word.capitalize() for word in written_small)
    for path in english:
        read = {
            language: (root / language / path.name).read_text("utf-8-sig").strip().split("\n\n")
            for language in LANGUAGES
        }
        # A name is written alike in the translations; a German noun is not.
        names = [
            frozenset(part for match in _PROPER.finditer(text) for part in match[0].split())
            for text in read["en"]
        ]
        for language, texts in read.items():
            for index, text in enumerate(texts):
                known = names[index] - small if language == "de" else None
                yield Paragraph(path.stem, index, text.strip(), language, known, "xquad")


def _pdf() -> Iterator[Paragraph]:
    with (
        tempfile.TemporaryDirectory() as scratch,
        Library.open(
            Path(scratch, "library"), Config(embedding=EmbeddingConfig(provider="none")), watch=False
        ) as library,
    ):
        for _ in library.sync([str(CORPORA / "pdf-qa" / "docs")]):
            pass
        for file in library.files(limit=1000).rows:
            for index, chunk in enumerate(library.chunks(file.document)):
                yield Paragraph(Path(file.path).stem, index, chunk.text, "en", collection="pdf")


def check(claims: Sequence[Planted], embed: Remembered) -> list[str]:
    """The verdict of each claim."""
    rng = random.Random(SEED)
    return [_verdict(claim, embed, rng, cited=at % 4 < 2) for at, claim in enumerate(claims)]


def _verdict(claim: Planted, embed: Remembered, rng: random.Random, *, cited: bool) -> str:
    shown = [claim.paragraph, *claim.distractors]
    rng.shuffle(shown)
    made = [passage(each) for each in shown]
    texts = {hit.document: hit.text for hit in made}
    own = shown.index(claim.paragraph) + 1
    other = own % len(shown) + 1
    marks = f" [{own}][{other}]" if cited and other != own else f" [{own}]" if cited else ""
    library = cast("Library", Texts(texts))
    grounded = grounding.ground(claim.text + marks, sources(made), library, embed)
    found = [each.verdict for each in grounded.claims]
    return next((each for each in found if each != "supported"), "supported")


def passage(paragraph: Paragraph) -> Hit:
    """A paragraph as retrieval would have found it."""
    return Hit(
        rank=1,
        score=1.0,
        path=f"/{paragraph.article}.txt",
        paths=(f"/{paragraph.article}.txt",),
        title=paragraph.article.replace("_", " "),
        document=f"sha256:{paragraph.article}/{paragraph.index}",
        chunk=1,
        page=None,
        heading="",
        start=0,
        end=len(paragraph.text),
        snippet="",
        highlights=(),
        matched_by=("keyword",),
        scores={},
        ranks={},
        kind="text",
        format="txt",
        language=paragraph.language,
        pages=0,
        size_bytes=1,
        mtime_ns=0,
        text=paragraph.text,
    )


def group(claim: Planted) -> str:
    """The language of a claim, or "pdf"."""
    return "pdf" if claim.paragraph.collection == "pdf" else claim.paragraph.language


def report(claims: Sequence[Planted], verdicts: Sequence[str], *, held_out: bool) -> list[Row]:
    """Shares caught and flagged: in all, by language, verbatim and paraphrased apart."""
    asked: Counter[tuple[str, ...]] = Counter()
    flagged: Counter[tuple[str, ...]] = Counter()
    for claim, verdict in zip(claims, verdicts, strict=True):
        if claim.paragraph.held_out != held_out:
            continue
        style = "paraphrased" if claim.paraphrased else "verbatim"
        name = claim.altered or "true"
        for key in ((name,), (name, group(claim)), (name, style), (name, group(claim), style)):
            asked[key] += 1
            flagged[key] += verdict != "supported"
    rows: list[Row] = []
    for name in (*CLASSES, "true"):
        rows += [_row(key, flagged[key], asked[key]) for key in sorted(asked) if key[0] == name]
    return rows


def _row(key: tuple[str, ...], flagged: int, asked: int) -> Row:
    name, where = key[0], ", ".join(key[1:])
    share = flagged / asked
    told = "true ones flagged" if name == "true" else f"altered {name} caught"
    what = f"{told}{f', {where}' if where else ''} (of {asked})"
    if len(key) > 1:
        return row(what, share, "")
    if name == "true":
        return row(what, share, "", budget=f"≤ {FLAGGED:g}", met=share <= FLAGGED)
    return row(what, share, "", budget=f"≥ {CAUGHT[name]:g}", met=share >= CAUGHT[name])
