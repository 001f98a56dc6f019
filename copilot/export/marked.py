"""What people said of answers, as data: pairs that helped, better and worse answers, evaluation cases."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from copilot.export.pairs import Evidence, Pair
from copilot.words import content_words
from indexer import language
from indexer.catalogue import feedback
from indexer.errors import NotFoundError
from indexer.library import Library

_MARKS = re.compile(r"\s*\[\d+(?:[,;\s–-]+\d+)*\]")
BETTER_AND_WORSE = 8
"""Preference pairs of one question: every good answer with every bad one, but no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """An answer that somebody judged."""

    question: str
    answer: str
    """Without marks of citations."""
    good: bool
    answered: bool
    """False: it said that nothing was found."""
    scope: str
    evidence: tuple[Evidence, ...]
    """Quotes that still stand in their documents."""
    cited: tuple[str, ...]
    """Documents of all its quotes, also of those that have changed since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """A better and a worse answer to one question."""

    question: str
    chosen: str
    rejected: str
    language: str
    evidence: tuple[Evidence, ...]
    """Of the better one."""


def read(library: Library, scope_of: Callable[[int], str]) -> list[Marked]:
    """Every judged answer, by question and answer; of answers judged twice the last word.

    Args:
        library: Holds the judgements and the texts.
        scope_of: The scope a turn of the history was asked in; "" when it is forgotten.
    """
    with library.catalogue.reader() as db:
        rows = feedback.on_answers(db)
    found = {}
    for question, verdict, content in rows:
        made = _marked(library, question, verdict, content, scope_of)
        found[made.question, made.answer] = made
    return [found[key] for key in sorted(found)]


def _marked(
    library: Library, question: str, verdict: int, content: dict[str, Any], scope_of: Callable[[int], str]
) -> Marked:
    passages = content.get("passages") or []
    answered = content.get("status") == "answered"
    proven = [made for passage in passages if (made := _proven(library, passage))]
    return Marked(
        question=" ".join(question.split()),
        answer=_MARKS.sub("", str(content.get("answer", ""))).strip(),
        good=verdict > 0,
        answered=answered,
        scope=scope_of(int(content.get("turn", 0))),
        evidence=tuple(proven) if answered else (),
        cited=tuple(dict.fromkeys(str(passage["document"]) for passage in passages)) if answered else (),
    )


def _proven(library: Library, passage: dict[str, Any]) -> Evidence | None:
    start, end, quote = passage["start"], passage["end"], passage["quote"]
    try:
        window = library.text(passage["document"], start, end)
    except NotFoundError:
        return None
    if window.text != quote or not quote:
        return None
    return Evidence(document=passage["document"], page=passage.get("page"), start=start, end=end, quote=quote)


def pairs(marked: Sequence[Marked]) -> Iterator[Pair]:
    """The answers that helped."""
    for each in marked:
        if each.good and each.answered and each.evidence:
            yield Pair(
                question=each.question,
                answer=each.answer,
                source="marked",
                language=_spoken(each),
                evidence=each.evidence,
            )


def preferences(marked: Sequence[Marked]) -> Iterator[Preference]:
    """Answers that helped beside answers to the same question that were wrong."""
    asked: dict[tuple[str, ...], list[Marked]] = {}
    for each in marked:
        asked.setdefault(_same_question(each.question), []).append(each)
    for _, answers in sorted(asked.items()):
        good = [each for each in answers if each.good and each.answered and each.evidence]
        bad = [each for each in answers if not each.good and each.answer]
        both = [(better, worse) for better in good for worse in bad if better.answer != worse.answer]
        for better, worse in both[:BETTER_AND_WORSE]:
            yield Preference(
                question=better.question,
                chosen=better.answer,
                rejected=worse.answer,
                language=_spoken(better),
                evidence=better.evidence,
            )


def _same_question(question: str) -> tuple[str, ...]:
    """What two ways of asking the same have in common: their words without order and stop words."""
    return tuple(sorted(set(content_words(question)))) or (question.casefold(),)


def _spoken(marked: Marked) -> str:
    return language.detect(marked.answer) or language.detect(marked.question) or "en"


def case(marked: Marked) -> dict[str, Any] | None:
    """An evaluation case of an answer that helped; None for any other.

    An answer that rightly said that nothing was found becomes a question without an answer.
    """
    if not marked.good or (marked.answered and not marked.evidence):
        return None
    return {
        "question": marked.question,
        "answers": [marked.answer] if marked.answered else [],
        "documents": list(dict.fromkeys(proof.document for proof in marked.evidence)),
        "quotes": list(dict.fromkeys(proof.quote for proof in marked.evidence)),
        "scope": marked.scope,
        "unanswerable": not marked.answered,
    }
