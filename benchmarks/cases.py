"""A person's own questions: cases kept from use, asked of the library they came from.

`QUIRE_EVAL_CASES` names a JSONL file as `quire export --kind eval` writes it, one case a line:
`{"question", "answers": [text], "documents": ["sha256:…"], "quotes": [text], "scope", "unanswerable"}`.
The library is the one that `quire` opens (`QUIRE_LIBRARY`, `QUIRE_CONFIG`); its engine answers. Without a
language model, unless `QUIRE_EVAL_MODEL=1` asks for the configured one. Nothing goes into the history.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import questions
from benchmarks.result import Result, Row, row
from copilot.engine.client import connect
from copilot.engine.process import default_library
from copilot.types import Answer, AskRequest, Session
from indexer import language
from indexer.errors import AppError, NotFoundError, UsageError

TITLE = "Own cases"
_TEXTS = ("answers", "documents", "quotes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A question with what is known to be right."""

    question: str
    answers: tuple[str, ...] = ()
    """Any of them in the answer is right."""
    documents: tuple[str, ...] = ()
    """Documents that answer it (`sha256:…`)."""
    quotes: tuple[str, ...] = ()
    """Passages that were confirmed as its proof."""
    scope: str = ""
    unanswerable: bool = False

    @property
    def spoken(self) -> str:
        """ISO 639-1 code of the question's language; a short one in plain letters is taken for English."""
        return language.detect(self.question) or ("en" if self.question.isascii() else "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a case; None where the case does not say what is right."""

    case: Case
    refused: bool
    answer: bool | None
    """One of the known answers, or of the known quotes, stands in the answer."""
    first: bool | None
    """It stands in the first quote."""
    document: bool | None
    """The first citation is of a document that answers the question."""
    quotes: int
    proven: int
    """Quotes that stand in their document at their span."""


def run(*, quick: bool = False) -> Result:
    """Ask every case; `quick`: at most forty of them."""
    named = os.environ.get("QUIRE_EVAL_CASES", "")
    if not named:
        return {"title": TITLE, "rows": [], "text": "QUIRE_EVAL_CASES names no file of cases."}
    try:
        cases = read(Path(named))
        chosen = random.Random(7).sample(cases, 40) if quick and len(cases) > 40 else cases
        with closing(connect(default_library())) as session:
            return report([judge(session, case) for case in chosen], _gone(session, chosen))
    except AppError as exc:
        return {"title": TITLE, "rows": [], "text": str(exc)}


def read(path: Path) -> list[Case]:
    """The cases of a file.

    Raises:
        UsageError: the file cannot be read, or a line of it is no case.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"Cannot read the cases in {path}: {exc}.") from exc
    return [_case(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _case(path: Path, number: int, line: str) -> Case:
    try:
        held = json.loads(line)
        question = held["question"].strip()
        texts = {name: tuple(map(_text, held.get(name) or ())) for name in _TEXTS}
        scope, unanswerable = _text(held.get("scope") or ""), bool(held.get("unanswerable"))
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise UsageError(
            f"Line {number} of {path} is no case: {exc!r}.",
            hint="A line is an object with a question; `quire export --kind eval` writes such files.",
        ) from exc
    if not question or not (unanswerable or any(texts.values())):
        raise UsageError(
            f"Line {number} of {path} says neither what is right nor that nothing is.",
            hint="Give answers, documents or quotes, or set unanswerable to true.",
        )
    return Case(question=question, scope=scope, unanswerable=unanswerable, **texts)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def judge(session: Session, case: Case) -> Outcome:
    """Ask a case and compare the answer with what is right."""
    request = AskRequest(
        question=case.question,
        scope=case.scope,
        use_llm=os.environ.get("QUIRE_EVAL_MODEL") == "1",
        consent="no",
        remember=False,
    )
    *_, answer = session.ask(request)
    assert isinstance(answer, Answer)
    told = [citation.quote for citation in answer.citations]
    known = [*case.answers, *case.quotes]
    if answer.status == "not_found":
        told, everything = [], []
    else:
        everything = [*told, answer.answer]
    return Outcome(
        case=case,
        refused=answer.status == "not_found",
        answer=any(_says(each, known) for each in everything) if known else None,
        first=bool(told) and _says(told[0], known) if known else None,
        document=bool(told) and answer.citations[0].document in case.documents if case.documents else None,
        quotes=len(told),
        proven=sum(_stands(session, answer, at) for at in range(len(told))),
    )


def _says(text: str, known: Sequence[str]) -> bool:
    """Whether a text holds a known answer or quote, or is the better part of a known quote."""
    plain = " ".join(text.lower().split())
    return questions.holds(text, known) or any(
        plain in " ".join(each.lower().split()) and len(plain) * 2 > len(each) for each in known if plain
    )


def _stands(session: Session, answer: Answer, at: int) -> bool:
    citation = answer.citations[at]
    try:
        return session.text(citation.document, citation.start, citation.end).text == citation.quote
    except NotFoundError:
        return False


def _gone(session: Session, cases: Iterable[Case]) -> list[str]:
    """Documents of cases that the library does not hold any more."""
    gone = []
    for document in dict.fromkeys(document for case in cases for document in case.documents):
        try:
            session.details(document)
        except NotFoundError:
            gone.append(document)
    return gone


def report(outcomes: Sequence[Outcome], gone: Sequence[str] = ()) -> Result:
    """The figures of all cases, and by language."""
    by_language: dict[str, dict[str, float]] = {}
    for spoken in sorted({each.case.spoken for each in outcomes}):
        some = [each for each in outcomes if each.case.spoken == spoken]
        by_language[spoken] = {name: share for name, _, share in _shares(some)}
    text = f"{len(gone)} of the documents that answer them are not in the library any more." if gone else ""
    return {
        "title": TITLE,
        "rows": [_row(what, count, share) for what, count, share in _shares(outcomes)],
        "text": text,
        "data": {"by_language": by_language},
    }


def _shares(outcomes: Sequence[Outcome]) -> list[tuple[str, int, float]]:
    """(what, of how many, share) of everything that these cases say."""
    answerable = [each for each in outcomes if not each.case.unanswerable]
    nothing = [each for each in outcomes if each.case.unanswerable]
    quotes = sum(each.quotes for each in outcomes)
    counted: list[tuple[str, list[bool | None]]] = [
        ("answer right", [each.answer for each in answerable]),
        ("answer in the first quote", [each.first for each in answerable]),
        ("document of the first quote right", [each.document for each in answerable]),
        ("wrongly refused", [each.refused for each in answerable]),
        ("refused", [each.refused for each in nothing]),
    ]
    shares = []
    for what, values in counted:
        known = [value for value in values if value is not None]
        if known:
            shares.append((what, len(known), sum(known) / len(known)))
    if quotes:
        shares.append(("quotes at their span", quotes, sum(each.proven for each in outcomes) / quotes))
    return shares


def _row(what: str, count: int, share: float) -> Row:
    return row(f"{what}, of {count}", share, "")
