"""How good answers are without a language model: the right sentence, the right page, and "not found".

Asks questions with known answers over real documents through the same call the interface uses. A question
that nothing answers is one whose document is kept out by the scope, one of another collection, or one the
collection names as unanswerable.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.result import CORPORA, Result, Row, percentile, row
from copilot.session import LocalSession
from copilot.types import Answer, AskRequest
from indexer.config import Config
from indexer.library import Library

LANGUAGES = ("en", "de", "es", "zh", "ar")
FIRST_SENTENCE = 0.80
RIGHT_PAGE = 0.90
REFUSED = 0.80
WRONGLY_REFUSED = 0.10
TOOK_S = 0.5


@dataclass
class Tally:
    """Counts over the questions of one kind."""

    asked: int = 0
    first: int = 0
    """The first quote holds the answer."""
    any: int = 0
    """One of the quotes does."""
    page: int = 0
    refused: int = 0

    def share(self, count: int) -> float:
        return count / max(self.asked, 1)


def run(*, quick: bool = False) -> Result:
    """Measure on XQuAD and on the PDF questions; `quick`: English XQuAD only, few questions."""
    if not CORPORA.is_dir():
        return {"title": "Answers without a model", "rows": [], "text": "needs ../shared/corpora"}
    rows: list[Row] = []
    times: list[float] = []
    sample = 60 if quick else 300
    with _library(CORPORA / "xquad" / "corpus" / "en" if quick else CORPORA / "xquad" / "corpus") as session:
        for language in LANGUAGES[:1] if quick else LANGUAGES:
            rows += _paragraphs(session, language, sample if language == "en" else sample // 3, times)
    if not quick:
        with _library(CORPORA / "pdf-qa" / "docs") as session:
            rows += _pages(session, times)
    rows.append(
        row(
            "time of an answer, p95",
            percentile(times, 0.95) * 1000,
            "ms",
            budget=f"≤ {TOOK_S * 1000:.0f} ms",
            met=percentile(times, 0.95) <= TOOK_S,
        )
    )
    return {
        "title": "Answers without a model",
        "rows": rows,
        "text": "Questions are sampled with a fixed seed. Refused: the status is `not_found`.",
    }


@contextmanager
def _library(documents: Path) -> Iterator[LocalSession]:
    with (
        tempfile.TemporaryDirectory() as scratch,
        Library.open(Path(scratch, "library"), Config(), watch=False) as library,
    ):
        for _ in library.sync([str(documents)]):
            pass
        yield LocalSession(library)


def _questions(name: str) -> list[dict[str, Any]]:
    lines = (CORPORA / name / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _sampled(questions: Sequence[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    return random.Random(7).sample(list(questions), min(count, len(questions)))


def ask(session: LocalSession, question: str, times: list[float], *, scope: str = "") -> Answer:
    """Ask without a language model; the time goes to `times`, in seconds."""
    began = time.perf_counter()
    *_, answer = session.ask(AskRequest(question=question, scope=scope, use_llm=False))
    times.append(time.perf_counter() - began)
    assert isinstance(answer, Answer)
    return answer


def holds(text: str, answers: Sequence[str]) -> bool:
    """Whether a text holds one of the known answers, case and white space aside."""
    plain = " ".join(text.lower().split())
    return any(" ".join(answer.lower().split()) in plain for answer in answers)


def count(tally: Tally, answer: Answer, known: dict[str, Any]) -> None:
    """Compare one answer with what is known."""
    tally.asked += 1
    tally.refused += answer.status == "not_found"
    quotes = [citation.quote for citation in answer.citations]
    tally.first += bool(quotes) and holds(quotes[0], known["answers"])
    tally.any += any(holds(quote, known["answers"]) for quote in quotes)
    right = {
        (each["doc"], each["page"]) for each in [*known.get("evidence", ()), *known.get("also", ())] if each
    }
    tally.page += any(
        citation.path.endswith(doc) and citation.page == page
        for citation in answer.citations[:1]
        for doc, page in right
    )


def _paragraphs(session: LocalSession, language: str, sample: int, times: list[float]) -> list[Row]:
    questions = [each for each in _questions("xquad") if each["lang"] == language]
    answered, unanswerable = Tally(), Tally()
    for each in _sampled(questions, sample):
        count(answered, ask(session, each["question"], times, scope=f"lang:{language}"), each)
    for each in _sampled(questions, sample // 3):
        name = Path(each["doc"]).name
        scope = f'lang:{language} -name:"{name}"'
        count(unanswerable, ask(session, each["question"], times, scope=scope), each)
    what = f"xquad {language}"
    return [
        _at_least(
            f"{what}: answer in the first quote", answered.share(answered.first), FIRST_SENTENCE, language
        ),
        row(f"{what}: answer in any quote", answered.share(answered.any), ""),
        _at_most(f"{what}: wrongly refused", answered.share(answered.refused)),
        _at_least(f"{what}: refused, document kept out", unanswerable.share(unanswerable.refused), REFUSED),
    ]


def _pages(session: LocalSession, times: list[float]) -> list[Row]:
    questions = _questions("pdf-qa")
    english = Tally()
    foreign = Tally()
    unanswerable = Tally()
    for each in questions:
        tally = (
            unanswerable if each["type"] == "unanswerable" else english if each["lang"] == "en" else foreign
        )
        count(tally, ask(session, each["question"], times), each)
    for each in [
        *_sampled([q for q in _questions("xquad") if q["lang"] == "en"], 40),
        *_questions("peps")[::4],
    ]:
        count(unanswerable, ask(session, each["question"], times), each)
    given = max(english.asked - english.refused, 1)
    return [
        _at_least(
            "pdf-qa, English: page of the first quote, of those answered", english.page / given, RIGHT_PAGE
        ),
        row("pdf-qa, English: page of the first quote, of all", english.share(english.page), ""),
        row("pdf-qa, English: answer in the first quote, of all", english.share(english.first), ""),
        _at_most("pdf-qa, English: wrongly refused", english.share(english.refused)),
        row("pdf-qa, other languages: refused", foreign.share(foreign.refused), ""),
        _at_least(
            f"pdf-qa: refused of {unanswerable.asked} unanswerable",
            unanswerable.share(unanswerable.refused),
            REFUSED,
        ),
    ]


def _at_least(what: str, value: float, floor: float, language: str = "en") -> Row:
    if language != "en":
        return row(what, value, "")
    return row(what, value, "", budget=f"≥ {floor:g}", met=value >= floor)


def _at_most(what: str, value: float) -> Row:
    return row(what, value, "", budget=f"≤ {WRONGLY_REFUSED:g}", met=value <= WRONGLY_REFUSED)
