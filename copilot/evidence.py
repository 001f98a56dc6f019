"""Whether a library holds an answer at all, decided before anybody writes one.

A question that nothing answers still has nearest passages, and when only a detail is missing they are about
the right thing. What tells them from real ones: how near the nearest sentence is in meaning, how much of the
weight of the question's words one passage holds, how much of it stands around the sentence that would be
quoted, and whether the names, years and numbers asked about stand there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from copilot.passages import Footing, Source, Term, covered
from copilot.providers.extractive import Scored

MEASURES = ("meaning", "passage_words", "near_words", "near_names", "stands_out", "leads")
"""The fields of `Evidence` that are weighed."""

OTHERS = 5
"""Passages beside the nearest that it is compared with at least; what was not found counts `UNRELATED`."""
UNRELATED = 0.1
"""Cosine of a passage that has nothing to do with a question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """How well the nearest passages fit a question."""

    meaning: float
    """Best cosine of question and sentence; 0 without an embedding model."""
    passage_words: float
    """Best weighted share of the question's words in one passage, 0 to 1."""
    near_words: float
    """The same in the best sentence, its neighbours and what stands above them: names, titles, headings."""
    near_names: float
    """Share of the question's names and numbers there; 1 when it has none."""
    stands_out: float = 0.0
    """Cosine of question and nearest passage, less the mean of the others found: what a question is about is
    found in many passages, what answers it in one."""
    leads: float = 0.0
    """The same of the scores of words and meaning together."""
    has_meaning: bool
    """Whether `meaning` could be measured."""
    footing: Footing = Footing.ENGLISH
    """What question, passages and model have in common."""


def weigh(
    wanted: Sequence[Term],
    sources: Sequence[Source],
    ranked: Sequence[Scored],
    *,
    footing: Footing = Footing.ENGLISH,
) -> Evidence:
    """Measure the fit of the passages found; `footing` as in `extractive.rank_sentences`."""
    names = [term for term in wanted if term.named]
    near = set(_around(ranked[0], sources)) if ranked else set()
    return Evidence(
        meaning=max((each.meaning for each in ranked), default=0.0),
        passage_words=max((covered(wanted, source.words) for source in sources[:5]), default=0.0),
        near_words=covered(wanted, near),
        near_names=sum(term.is_in(near) for term in names) / len(names) if names else 1.0,
        stands_out=_stands_out([source.hit.scores.get("semantic", 0.0) for source in sources]),
        leads=_leads([source.hit.score for source in sources]),
        has_meaning=any(each.meaning for each in ranked),
        footing=footing,
    )


def _stands_out(cosines: Sequence[float]) -> float:
    """The highest cosine less the mean of the others, of which there are some that are not related."""
    if not cosines:
        return 0.0
    first = max(cosines)
    missing = max(0, OTHERS - (len(cosines) - 1))
    return first - (sum(cosines) - first + missing * UNRELATED) / (len(cosines) - 1 + missing)


def _leads(scores: Sequence[float]) -> float:
    """The first score less the mean of the others; 0 when there is but one."""
    return scores[0] - sum(scores[1:]) / (len(scores) - 1) if len(scores) > 1 else 0.0


def _around(best: Scored, sources: Sequence[Source]) -> Iterable[str]:
    """Folded words of a sentence, of the ones before and after, and of what stands above."""
    source = sources[best.sentence.passage]
    at = source.sentences.index(best.sentence)
    near = source.sentences[max(0, at - 1) : at + 2]
    return [*source.above, *(word for sentence in near for word in sentence.told)]


# Bias, then weights of `MEASURES`. Fitted by logistic regression (`benchmarks/fit_answers.py`) on halves of
# the questions of XQuAD and of the PDF collection, against questions whose document was kept out, questions
# of another collection and, with half the weight, questions in which a detail was exchanged. Every
# kind in every collection weighs the same, answerable and unanswerable too: 0.5 means that an answer is as
# likely there as not. Across languages, one in five is taken to be answerable.
_WEIGHTS = {
    # (with an embedding model, footing)
    (True, Footing.ENGLISH): (-12.69, 13.12, 4.66, 0.92, 3.1, 0.0, 0.0),
    (True, Footing.UNKNOWN): (-8.19, 6.34, 3.75, 5.38, 0.75, 0.0, 0.0),
    (True, Footing.HOME): (-9.7, 7.34, 3.13, 1.48, 2.73, 4.98, 0.5),
    (True, Footing.WITHIN): (-10.57, 10.11, 2.0, 1.37, 4.46, 3.4, 2.23),
    (True, Footing.ACROSS): (-8.94, 10.68, -4.81, 3.41, 2.51, 20.76, 6.12),
    (False, Footing.ENGLISH): (-7.92, 0.0, 6.59, 3.26, 2.99, 0.0, 0.0),
    (False, Footing.UNKNOWN): (-4.96, 0.0, 4.75, 4.38, 1.95, 0.0, 0.0),
}
_WITHOUT_MEANING = {
    Footing.HOME: Footing.ENGLISH,
    Footing.WITHIN: Footing.UNKNOWN,
    Footing.ACROSS: Footing.UNKNOWN,
}
"""Whose weights are taken where a model of many languages fails."""


def likelihood(evidence: Evidence) -> float:
    """How likely an answer is there, 0 to 1."""
    footing = evidence.footing
    if not evidence.has_meaning:
        footing = _WITHOUT_MEANING.get(footing, footing)
    bias, *weights = _WEIGHTS[evidence.has_meaning, footing]
    values = (getattr(evidence, name) for name in MEASURES)
    return 1 / (1 + math.exp(-bias - sum(w * v for w, v in zip(weights, values, strict=True))))


FOUND = 0.10
"""Below this likelihood the answer is "not found"; `benchmarks/refusal.py` shows the curve behind it."""
FOUND_WITH_MODEL = 0.05
"""The same where a model reads the passages and may itself say that they hold no answer."""
