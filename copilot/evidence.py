"""Whether a library holds an answer at all, decided before anybody writes one.

A question that nothing answers still has nearest passages. What tells them from real ones: how near the
nearest sentence is in meaning, how much of the weight of the question's words one passage holds, and
whether it holds the names and numbers asked about.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from copilot.passages import Source, Term, covered
from copilot.providers.extractive import Scored


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """How well the nearest passages fit a question."""

    meaning: float
    """Best cosine of question and sentence; 0 without an embedding model."""
    passage_words: float
    """Best weighted share of the question's words in one passage, 0 to 1."""
    sentence_words: float
    """The same in one sentence."""
    named: float
    """Best share of the question's names and numbers in one passage; 1 when it has none."""
    has_meaning: bool
    """Whether `meaning` could be measured."""
    foreign: bool = False
    """The question is in a language the embedding model does not know well."""


def weigh(
    wanted: Sequence[Term], sources: Sequence[Source], ranked: Sequence[Scored], *, trust: float = 1.0
) -> Evidence:
    """Measure the fit of the passages found; `trust` as in `extractive.rank_sentences`."""
    read = sources[:5]
    names = [term for term in wanted if term.named]
    return Evidence(
        meaning=max((each.meaning for each in ranked), default=0.0),
        passage_words=max((covered(wanted, source.words) for source in read), default=0.0),
        sentence_words=max((each.words for each in ranked), default=0.0),
        named=max((_share(names, source) for source in read), default=0.0) if names else 1.0,
        has_meaning=any(each.meaning for each in ranked),
        foreign=trust < 1,
    )


def _share(names: Sequence[Term], source: Source) -> float:
    bag = set(source.words)
    return sum(term.is_in(bag) for term in names) / len(names)


# Bias, then weights of meaning, words of a passage, words of a sentence, names. Fitted by logistic regression
# (`benchmarks/fit_answers.py`) on halves of the questions of XQuAD, of the PEPs and of the PDF collection,
# against questions whose document was kept out and questions of another collection, both kinds of equal
# weight: 0.5 means that an answer is as likely there as not.
_WEIGHTS = {
    # (with an embedding model, foreign)
    (True, False): (-9.85, 11.87, 3.86, 0.55, 1.9),
    (True, True): (-8.23, 4.73, 8.51, 2.49, 0.99),
    (False, False): (-5.81, 0.0, 6.68, 1.52, 2.11),
    (False, True): (-4.23, 0.0, 9.16, 1.94, 0.0),
}


def likelihood(evidence: Evidence) -> float:
    """How likely an answer is there, 0 to 1."""
    bias, *weights = _WEIGHTS[evidence.has_meaning, evidence.foreign]
    values = (evidence.meaning, evidence.passage_words, evidence.sentence_words, evidence.named)
    return 1 / (1 + math.exp(-bias - sum(w * v for w, v in zip(weights, values, strict=True))))


FOUND = 0.2
"""Below this likelihood the answer is "not found"; `benchmarks/refusal.py` shows the curve behind it."""
FOUND_WITH_MODEL = 0.1
"""The same where a model reads the passages and may itself say that they hold no answer."""
