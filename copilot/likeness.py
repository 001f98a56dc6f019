"""What is measured of a sentence against a question: shared words and their order, surroundings, kind.

Each measure says a little; `providers/extractive.py` weighs them together. Nothing here needs a model: the
cosines are handed in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from copilot import kinds, tables
from copilot.passages import Sentence, Source, Term, covered
from copilot.sentences import is_head_line
from copilot.words import counts, holds, words

STEM = 5
"""Characters by which words are compared where order counts; enough to tell most of them apart."""
REACH = 3
"""Words apart that two words may stand and still be a pair."""

_LEANS = re.compile(
    r"^(?:(?:it|its|they|their|them|he|his|she|her|this|these|that|those|such|both|also|however|but|and|"
    r"therefore|thus|then|there|here|er|sie|es|dies\w*|sein\w*|ihr\w*|jedoch|aber|il|elle|ils|elles|ce|cette|"
    r"ces|este|esta|esto|él|ella)\b|这|那|他|她|它|其)",
    re.IGNORECASE,
)

MEASURES = (
    "meaning",
    "meaning_before",
    "passage_meaning",
    "passage_score",
    "passage_words",
    "words",
    "words_before",
    "words_after",
    "words_above",
    "plain_words",
    "less_than_before",
    "order",
    "kind",
    "no_kind",
    "leans",
    "poor",
    "repeats",
)
"""Names of the measures, in the order of the rows that `measures` returns."""
MEANING, MEANING_BEFORE, WORDS = (MEASURES.index(name) for name in ("meaning", "meaning_before", "words"))


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question with what is compared of it."""

    question: str
    wanted: Sequence[Term]

    @cached_property
    def kind(self) -> kinds.Kind:
        """The kind of answer it wants."""
        return kinds.asked(self.question)

    @cached_property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """Its words that stand near each other, stop words among them, in their order."""
        return _pairs(words(self.question))


def leans(text: str) -> bool:
    """Whether a sentence begins with a word that refers to the one before it."""
    return bool(_LEANS.match(text))


def measures(asked: Asked, source: Source, scale: tuple[float, float]) -> dict[Sentence, list[float]]:
    """A row of `MEASURES` for each sentence of a passage; those of meaning are 0 until known.

    Args:
        asked: The question.
        source: The passage.
        scale: Best fused score and best keyword score of the passages compared.
    """
    wanted = asked.wanted
    shares = [covered(wanted, sentence.told) for sentence in source.sentences]
    above = covered(wanted, source.words)
    scores = source.hit.scores
    rows: dict[Sentence, list[float]] = {}
    for at, sentence in enumerate(source.sentences):
        before = source.sentences[at - 1].words if at else []
        after = source.sentences[at + 1].words if at + 1 < len(source.sentences) else []
        holds_kind = kinds.holds(asked.kind, sentence.text, asked.question)
        rows[sentence] = [
            0.0,
            0.0,
            scores.get("semantic", 0.0),
            source.hit.score / (scale[0] or 1.0),
            scores.get("keyword", 0.0) / (scale[1] or 1.0),
            shares[at],
            covered(wanted, [*sentence.told, *source.above, *before]) - shares[at],
            covered(wanted, [*sentence.told, *after]) - shares[at],
            above,
            _plain_share(wanted, sentence),
            shares[at - 1] - shares[at] if at else 0.0,
            len(asked.pairs & _pairs(sentence.words)) / max(len(asked.pairs), 1),
            float(holds_kind),
            float(bool(asked.kind) and not holds_kind),
            float(at > 0 and leans(sentence.text)),
            poor(sentence.text, asked.kind) + _names_only(source.sentences, at),
            float(only_repeats(sentence, wanted)),
        ]
    return rows


def _plain_share(wanted: Sequence[Term], sentence: Sentence) -> float:
    """The share of the question's words in a sentence, each counting the same."""
    bag = set(sentence.told)
    return sum(term.is_in(bag) for term in wanted) / max(len(wanted), 1)


def _names_only(sentences: Sequence[Sentence], at: int) -> float:
    """What speaks against the header of a table: it names cells and says nothing of them."""
    text = sentences[at].text
    if not tables.is_row(text):
        return 0.0
    heads = at + 1 < len(sentences) and sentences[at + 1].header == text
    return 0.6 if heads or tables.is_rule(text) else 0.0


def _pairs(found: Sequence[str]) -> frozenset[tuple[str, str]]:
    """Pairs of words at most `REACH` apart (skip-bigrams; Lin and Och, ACL 2004)."""
    stems = [word[:STEM] for word in found]
    return frozenset((a, b) for at, a in enumerate(stems) for b in stems[at + 1 : at + 1 + REACH])


def poor(text: str, kind: kinds.Kind = "") -> float:
    """What speaks against quoting: headings, fragments, questions, tables of contents, heads of mails.

    The head of a mail does tell who wrote it and when; a row of a table or form tells no reason.
    """
    penalty = 0.0
    if len(text) < 25 and not re.search(r"\d|[\u3040-\u9fff]", text):
        penalty += 0.15
    if text.endswith(("?", "？", "؟")):
        penalty += 0.2
    if re.search(r"\.{4,}|(?:\. ){4,}|…{2,}", text):
        penalty += 0.2
    if kind not in ("who", "time") and is_head_line(text):
        penalty += 0.6
    if kind == "why" and tables.is_row(text):
        penalty += 0.3
    return penalty


def only_repeats(sentence: Sentence, wanted: Sequence[Term]) -> bool:
    """Whether a sentence holds no word but those of the question: a heading, not an answer.

    Nor does the abbreviation of its own words say more: "Department of Health (DH)".
    """
    asked = {term.word for term in wanted}
    said = [word for word in sentence.words if counts(word)]
    initials = "".join(word[0] for word in said)
    return all(holds(asked, word) or (len(word) > 1 and word in initials) for word in said)
