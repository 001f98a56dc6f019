"""Whether "yes" and "no" are said rightly, and how often: statements turned into questions by rule.

A sentence of the English XQuAD with one "is", "are", "was" or "were" becomes "Is … ?" and is put to itself:
it says yes, or no when it denies. A "not" is planted into others (`planting`), which then deny what is asked.
Questions in which one number, date or name was altered are put to the true sentence, which does not say yes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from benchmarks.claims import SEED, xquad
from benchmarks.planting import planted
from benchmarks.result import CORPORA, Result, row
from copilot import yesno
from copilot.passages import Term
from copilot.words import WORD, bare, counts
from indexer.analysis import prepare
from indexer.text import fold

WRONG = 0.01
_STATES = re.compile(r"\b(is|are|was|were)\b( not)?\b")


def run(*, quick: bool = False) -> Result:
    """Measure; `quick`: fewer statements."""
    title = "Yes and no without a model"
    if not CORPORA.is_dir():
        return {"title": title, "rows": [], "text": "needs ../shared/corpora"}
    said: Counter[tuple[str, str]] = Counter()
    for kind, question, sentence in _asked(60 if quick else 600):
        said[kind, _decision(question, sentence)] += 1
    rows = []
    for kind in ("true", "denied", "altered"):
        total = sum(count for (name, _), count in said.items() if name == kind)
        right = {"true": "yes", "denied": "no"}.get(kind, "")
        wrong = sum(count for (name, told), count in said.items() if name == kind and told not in ("", right))
        if kind == "altered":  # "no" to an exchanged detail may be right or not; "yes" never is
            wrong = said[kind, "yes"]
        share = wrong / max(total, 1)
        rows.append(
            row(f"{kind}: wrong word (of {total})", share, "", budget=f"≤ {WRONG:g}", met=share <= WRONG)
        )
        if right:
            rows.append(row(f"{kind}: right word", said[kind, right] / max(total, 1), ""))
    return {"title": title, "rows": rows, "text": "What is not decided gets no word: the quote stands alone."}


def _asked(most: int) -> Iterator[tuple[str, str, str]]:
    """(kind, question, the true sentence)."""
    paragraphs = [each for each in xquad() if each.language == "en"]
    for claim in planted(paragraphs, seed=SEED, most=most):
        if claim.paraphrased:
            continue
        planted_not = claim.altered == "negation"
        told = claim.text if planted_not else claim.original
        question = _question(claim.original if planted_not else claim.text)
        if question and claim.altered in ("", "negation"):
            yield "denied" if " not " in told else "true", question, told
        elif question:
            yield "altered", question, told


def _question(statement: str) -> str:
    """A statement with one finite "to be" as a question, without its "not"; "" when it has none, or more."""
    found = list(_STATES.finditer(statement))
    if len(found) != 1 or found[0].start() == 0 or found[0].start() > 60:
        return ""
    verb = found[0]
    subject, rest = statement[: verb.start()].strip(), statement[verb.end() :].strip(" .")
    if re.search(r"[,;:]", subject) or " not " in rest:
        return ""
    return f"{verb[1].capitalize()} {subject[0].lower()}{subject[1:]} {rest}?"


def _decision(question: str, sentence: str) -> str:
    wants = yesno.asked(question)
    return yesno.decides(question, wants, _terms(question), sentence) if wants else ""


def _terms(question: str) -> list[Term]:
    """Words that count, each with the same weight: no library weighs them."""
    found = {}
    for at, match in enumerate(WORD.finditer(prepare(question))):
        word = bare(fold(match[0].removesuffix("'s")))
        if word and counts(word):
            named = word.isdigit() or (at > 0 and match[0][0].isupper())
            found[word] = Term(word=word, weight=1.0, named=named)
    return list(found.values())
