"""How good answers are without a language model: the right sentence, the right page, every quote proven.

Asks questions with known answers over real documents through the same call the interface uses, and reads
every quote back from the document. `refusal` measures the questions that nothing answers.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import questions
from benchmarks.result import CORPORA, Result, Row, percentile, row
from copilot.session import LocalSession
from copilot.types import Answer, AskRequest
from indexer.library import Library

LANGUAGES = ("en", "de", "es", "zh", "ar")
FIRST_SENTENCE = 0.83
RIGHT_PAGE = 0.90
TOOK_S = 0.5
FOREIGN_QUESTIONS = 400
"""Of each language but English, of which all are asked."""


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
    proven: int = 0
    """Quotes that stand in the document at their span."""
    quotes: int = 0

    def share(self, count: int) -> float:
        """A count as a share of the questions."""
        return count / max(self.asked, 1)


def run(*, quick: bool = False) -> Result:
    """Measure on XQuAD and on the PDF questions; `quick`: English XQuAD only, few questions."""
    if not CORPORA.is_dir():
        return {"title": "Answers without a model", "rows": [], "text": "needs ../shared/corpora"}
    rows: list[Row] = []
    times: list[float] = []
    total = Tally()
    by_language: dict[str, dict[str, float]] = {}
    for language in LANGUAGES[:1] if quick else LANGUAGES:
        sample = 60 if quick else None if language == "en" else FOREIGN_QUESTIONS
        every, held_out = _paragraphs(language, sample, times, total)
        rows += _paragraph_rows(language, every, held_out)
        by_language[language] = {
            "answer in the first quote": every.share(every.first),
            "answer in any quote": every.share(every.any),
            "refused": every.share(every.refused),
        }
    if not quick:
        rows += _pages(times, total)
    rows.append(
        row(
            f"quotes at their span, of {total.quotes}",
            total.proven / max(total.quotes, 1),
            "",
            budget="all",
            met=total.proven == total.quotes,
        )
    )
    took = percentile(times, 0.95)
    rows.append(
        row(
            "time of an answer, p95",
            took * 1000,
            "ms",
            budget=f"≤ {TOOK_S * 1000:.0f} ms",
            met=took <= TOOK_S,
        )
    )
    return {
        "title": "Answers without a model",
        "rows": rows,
        "text": "A question that is refused counts as wrong. The weights were fitted on one half of the "
        "questions (`fit_answers`); what the other half reaches stands beside.",
        "data": {"by_language": by_language},
    }


def ask(session: LocalSession, question: str, times: list[float], *, scope: str = "") -> Answer:
    """Ask without a language model; the time goes to `times`, in seconds."""
    began = time.perf_counter()
    *_, answer = session.ask(AskRequest(question=question, scope=scope, use_llm=False))
    times.append(time.perf_counter() - began)
    assert isinstance(answer, Answer)
    return answer


def count(tally: Tally, answer: Answer, known: dict[str, Any], library: Library) -> None:
    """Compare one answer with what is known."""
    tally.asked += 1
    tally.refused += answer.status == "not_found"
    quotes = [citation.quote for citation in answer.citations]
    tally.first += bool(quotes) and questions.holds(quotes[0], known["answers"])
    tally.any += any(questions.holds(quote, known["answers"]) for quote in quotes)
    for citation in answer.citations:
        tally.quotes += 1
        text = library.text(citation.document, citation.start, citation.end).text
        tally.proven += bool(text) and text == citation.quote
    right = {
        (each["doc"], each["page"]) for each in [*known.get("evidence", ()), *known.get("also", ())] if each
    }
    tally.page += any(
        citation.path.endswith(doc) and citation.page == page
        for citation in answer.citations[:1]
        for doc, page in right
    )


def _halves(
    library: Library, asked: Sequence[dict[str, Any]], times: list[float], total: Tally
) -> tuple[Tally, Tally]:
    """Tallies of all questions, and of those that nothing was tuned on."""
    session = LocalSession(library)
    every, held_out = Tally(), Tally()
    for each in asked:
        answer = ask(session, each["question"], times)
        for tally in (every, held_out) if questions.half(each) else (every,):
            count(tally, answer, each, library)
    total.quotes += every.quotes
    total.proven += every.proven
    return every, held_out


def _paragraphs(language: str, sample: int | None, times: list[float], total: Tally) -> tuple[Tally, Tally]:
    known = [each for each in questions.read("xquad") if each["lang"] == language]
    folder = CORPORA / "xquad" / "corpus" / language
    with questions.library(f"xquad-{language}", folder) as library:
        return _halves(library, questions.sampled(known, sample), times, total)


def _paragraph_rows(language: str, every: Tally, held_out: Tally) -> list[Row]:
    what = f"xquad {language}"
    first, floor = every.share(every.first), FIRST_SENTENCE if language == "en" else None
    return [
        _row(
            f"{what}: answer in the first quote, of {every.asked}",
            first,
            floor,
            held_out.share(held_out.first),
        ),
        _row(f"{what}: answer in any quote", every.share(every.any), None, held_out.share(held_out.any)),
        _row(f"{what}: refused", every.share(every.refused), None, held_out.share(held_out.refused)),
    ]


def _pages(times: list[float], total: Tally) -> list[Row]:
    known = [each for each in questions.read("pdf-qa") if each["lang"] == "en" and each["answers"]]
    with questions.library("pdf-qa", CORPORA / "pdf-qa" / "docs") as library:
        every, held_out = _halves(library, known, times, total)
    what = "pdf-qa, English"
    return [
        _row(
            f"{what}: page of the first quote, of {every.asked}",
            every.share(every.page),
            RIGHT_PAGE,
            held_out.share(held_out.page),
        ),
        _row(
            f"{what}: answer in the first quote",
            every.share(every.first),
            None,
            held_out.share(held_out.first),
        ),
        _row(f"{what}: refused", every.share(every.refused), None, held_out.share(held_out.refused)),
    ]


def _row(what: str, value: float, floor: float | None, held_out: float) -> Row:
    """A share with its floor, if it has one, and what the questions reach that nothing was tuned on."""
    return row(
        what,
        value,
        "",
        reference=f"half not tuned on: {held_out:.3f}",
        budget="" if floor is None else f"≥ {floor:g}",
        met=None if floor is None else value >= floor,
    )
