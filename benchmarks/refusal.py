"""How well questions that nothing answers are refused: the share refused against the share wrongly refused.

A question is unanswerable when its collection says so, or when it belongs to another collection; a harder
kind, with its documents kept out of the scope, is shown apart. Every answer comes without a language model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import questions
from benchmarks.questions import Question
from benchmarks.result import CORPORA, Result, Row, row
from copilot.evidence import FOUND
from copilot.session import LocalSession
from copilot.types import Answer, AskRequest

REFUSED = 0.80
WRONGLY_REFUSED = 0.10
THRESHOLDS = tuple(at / 20 for at in range(1, 20))
FOREIGN_CORPUS = 50
"""Questions of the other collection asked of each of the two."""


@dataclass(frozen=True)
class Asked:
    """A question of a collection with how it was answered."""

    corpus: str
    kind: str
    """"answerable", "unanswerable", "other collection" or "kept out"."""
    language: str
    tuned: bool
    """The limits were tuned on it."""
    refused: bool
    right: bool
    """Answered, and the first quote is from a document that answers it."""
    confidence: float

    @property
    def foreign(self) -> bool:
        """Whether it is not in English, which is the language of all documents here."""
        return self.language != "en"


def run(*, quick: bool = False) -> Result:
    """Ask the PDF collection and the PEPs; `quick`: the PDF collection with fewer questions."""
    title = "Refusal without a model"
    if not CORPORA.is_dir():
        return {"title": title, "rows": [], "text": "needs ../shared/corpora"}
    asked: list[Asked] = []
    for corpus, other in (("pdf-qa", "peps"), ("peps", "pdf-qa"))[: 1 if quick else 2]:
        asked += _ask_all(corpus, other, 15 if quick else None)
    data = {"by_language": _by_language(asked)}
    return {"title": title, "rows": _rows(asked), "text": _curve(asked), "data": data}


def _ask_all(corpus: str, other: str, limit: int | None) -> list[Asked]:
    own = questions.sampled(questions.read(corpus), limit)
    strangers = [each for each in questions.read(other) if questions.documents_of(each)]
    work = [("answerable" if questions.documents_of(each) else "unanswerable", each, "") for each in own]
    work += [
        ("other collection", each, "")
        for each in questions.sampled(strangers, min(limit or FOREIGN_CORPUS, FOREIGN_CORPUS))
    ]
    work += [
        ("kept out", each, questions.without_documents(each))
        for each in own
        if questions.documents_of(each) and each["type"] != "multi"
    ]
    with questions.library(corpus, CORPORA / corpus / "docs") as library:
        session = LocalSession(library)
        return [_ask(session, corpus, kind, each, scope) for kind, each, scope in work]


def _ask(session: LocalSession, corpus: str, kind: str, question: Question, scope: str) -> Asked:
    request = AskRequest(question=question["question"], scope=scope, use_llm=False)
    *_, answer = session.ask(request)
    assert isinstance(answer, Answer)
    quoted = [Path(answer.citations[0].path).name] if answer.citations else []
    return Asked(
        corpus=corpus,
        kind=kind,
        language=question["lang"],
        tuned=questions.half(question) == 0,
        refused=answer.status == "not_found",
        right=answer.status == "answered"
        and quoted[:1] != []
        and quoted[0] in questions.documents_of(question),
        confidence=answer.confidence or 0.0,
    )


def _share(asked: Sequence[Asked]) -> float:
    return sum(each.refused for each in asked) / max(len(asked), 1)


def _right(asked: Sequence[Asked]) -> float:
    return sum(each.right for each in asked) / max(len(asked), 1)


def _rows(asked: Sequence[Asked]) -> list[Row]:
    wanted = [each for each in asked if each.kind == "answerable"]
    english = [each for each in wanted if not each.foreign]
    foreign = [each for each in wanted if each.foreign]
    nothing = [each for each in asked if each.kind in ("unanswerable", "other collection")]
    rows = [
        row(
            f"refused, of {len(nothing)} that nothing answers",
            _share(nothing),
            "",
            reference=f"half not tuned on: {_share([each for each in nothing if not each.tuned]):.3f}",
            budget=f"≥ {REFUSED:g}",
            met=_share(nothing) >= REFUSED,
        ),
        row(
            f"wrongly refused, of {len(wanted)}",
            _share(wanted),
            "",
            reference=f"half not tuned on: {_share([each for each in wanted if not each.tuned]):.3f}",
            budget=f"≤ {WRONGLY_REFUSED:g}",
            met=_share(wanted) <= WRONGLY_REFUSED,
        ),
        row(f"wrongly refused, of {len(english)} in English", _share(english), ""),
        row(f"wrongly refused, of {len(foreign)} in other languages", _share(foreign), ""),
        row(f"first quote from a right document, of {len(english)} in English", _right(english), ""),
        row(f"first quote from a right document, of {len(foreign)} in other languages", _right(foreign), ""),
    ]
    for corpus in dict.fromkeys(each.corpus for each in asked):
        for kind in ("answerable", "unanswerable", "other collection", "kept out"):
            some = [each for each in asked if (each.corpus, each.kind) == (corpus, kind) and not each.foreign]
            if some:
                rows.append(row(f"{corpus}, {kind}, English: refused of {len(some)}", _share(some), ""))
    return rows


def _by_language(asked: Sequence[Asked]) -> dict[str, dict[str, float]]:
    """Both shares for every language of the questions."""
    kinds = {
        "refused": ("unanswerable", "other collection"),
        "refused, documents kept out": ("kept out",),
        "wrongly refused": ("answerable",),
    }
    figures: dict[str, dict[str, float]] = {}
    for spoken in sorted({each.language for each in asked}):
        for what, names in kinds.items():
            some = [each for each in asked if each.language == spoken and each.kind in names]
            if some:
                figures.setdefault(spoken, {})[what] = _share(some)
    return figures


def _curve(asked: Sequence[Asked]) -> str:
    """Both shares at every limit of confidence, as a table."""
    wanted = [each.confidence for each in asked if each.kind == "answerable"]
    nothing = [each.confidence for each in asked if each.kind in ("unanswerable", "other collection")]
    kept_out = [each.confidence for each in asked if each.kind == "kept out"]
    lines = [
        "| confidence at least | refused | wrongly refused | refused, documents kept out |",
        "|---" * 4 + "|",
    ]
    for limit in sorted({*THRESHOLDS, FOUND}):
        shares = [
            f"{sum(value < limit for value in values) / max(len(values), 1):.3f}"
            for values in (nothing, wanted, kept_out)
        ]
        mark = " (chosen)" if limit == FOUND else ""
        lines.append(f"| {limit:.2f}{mark} | {' | '.join(shares)} |")
    return "\n".join(lines)
