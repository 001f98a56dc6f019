"""Answers without a model: verbatim sentences chosen by meaning, by words and by the kind of answer asked.

Every sentence is quoted at its span. The weights were tuned on the English questions of XQuAD and on the
PDF questions; `benchmarks/answers.py` measures what they reach.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from copilot import kinds
from copilot.passages import Sentence, Source, Term, Vectors, covered
from copilot.words import counts, holds

NAME = "extractive"

READ_PASSAGES = 5
"""Passages whose sentences are compared with the question; more cost time and add noise."""
READ_WHOLE = 2
"""Passages of which every sentence is compared when there are too many."""
MAX_SENTENCES = 32
"""Sentences embedded for one question: the greater part of the time an answer takes."""
MAX_CHARACTERS = 360
"""Of a longer sentence (a row of a table, as a rule) the beginning is embedded."""
MAX_QUOTED = 3

Embed = Callable[[Sequence[str]], Vectors | None]

# Fitted by a softmax over the sentences of each question, on halves of XQuAD's English questions.
_MEANING = 1.0
_WORDS = 1.5
_BEFORE_WORDS = 0.55
_KIND = 0.38
_PASSAGE = 1.2
_CONTEXT = 0.75
_LEANING = 0.2
_POOR = 1.6
_NOTHING_NEW = 1.0

NEAR_BEST = 0.45
"""A further sentence is quoted when its score is at most this much below the first."""
CONTEXT_READ = 6
"""Best sentences that are compared once more together with the sentence before them."""

_LEANS = re.compile(
    r"^(?:(?:it|its|they|their|them|he|his|she|her|this|these|that|those|such|both|also|however|but|and|"
    r"therefore|thus|then|there|here|er|sie|es|dies\w*|sein\w*|ihr\w*|jedoch|aber|il|elle|ils|elles|ce|cette|"
    r"ces|este|esta|esto|él|ella)\b|这|那|他|她|它|其)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A sentence with how well it answers the question."""

    sentence: Sentence
    score: float
    meaning: float
    """Cosine of sentence and question, 0 without an embedding model."""
    words: float
    """Weighted share of the question's words in the sentence."""


def rank_sentences(
    question: str,
    wanted: Sequence[Term],
    sources: Sequence[Source],
    query_vector: Vectors | None,
    embed: Embed,
    *,
    trust: float = 1.0,
) -> list[Scored]:
    """Sentences of the first passages, best first.

    Args:
        question: The question as asked.
        wanted: Its words with their weights.
        sources: Passages in the order of the search.
        query_vector: Unit vector of the question, or None without a model.
        embed: Makes unit row vectors of texts, or None without a model.
        trust: Weight of meaning, 0 to 1: small in a language the embedding model does not know.
    """
    read = sources[:READ_PASSAGES]
    sentences = _worth_reading(wanted, read)
    if not sentences:
        return []
    meaning = _cosines([sentence.text[:MAX_CHARACTERS] for sentence in sentences], query_vector, embed)
    kind = kinds.asked(question)
    best_hit = max((source.hit.score for source in read), default=1.0) or 1.0
    scored = []
    for sentence, cosine in zip(sentences, meaning, strict=True):
        source = read[sentence.passage]
        share = covered(wanted, sentence.words)
        before = _before(source, sentence)
        nearby = [*sentence.words, *source.above, *(before.words if before else ())]
        context = covered(wanted, nearby)
        score = (
            trust * (_MEANING + _CONTEXT) * cosine
            + _WORDS * share
            + _BEFORE_WORDS * (context - share)
            + _KIND * kinds.holds(kind, sentence.text, question)
            + _PASSAGE * source.hit.score / best_hit
            + _LEANING * bool(before and _LEANS.match(sentence.text))
            - _POOR * _poor(sentence)
            - _NOTHING_NEW * _only_repeats(sentence, wanted)
        )
        scored.append(Scored(sentence=sentence, score=score, meaning=cosine, words=share))
    scored.sort(key=_best_first)
    return _with_context(scored, read, query_vector, embed) if trust > 0.5 else scored


def _with_context(
    scored: list[Scored], read: Sequence[Source], query_vector: Vectors | None, embed: Embed
) -> list[Scored]:
    """Compare the best once more, each with the sentence before it, which says what "it" is."""
    head = scored[:CONTEXT_READ]
    befores = [_before(read[each.sentence.passage], each.sentence) for each in head]
    texts = [
        f"{b.text[-MAX_CHARACTERS:]} {each.sentence.text[:MAX_CHARACTERS]}"
        if b
        else each.sentence.text[:MAX_CHARACTERS]
        for b, each in zip(befores, head, strict=True)
    ]
    cosines = _cosines(texts, query_vector, embed)
    again = [
        replace(each, score=each.score + _CONTEXT * (cosine - each.meaning))
        for each, cosine in zip(head, cosines, strict=True)
    ]
    return sorted(again, key=_best_first) + scored[CONTEXT_READ:]


def _best_first(each: Scored) -> tuple[float, int, int]:
    return -each.score, each.sentence.passage, each.sentence.start


def _cosines(texts: Sequence[str], query_vector: Vectors | None, embed: Embed) -> list[float]:
    if query_vector is None:
        return [0.0] * len(texts)
    rows = embed(texts)
    return [0.0] * len(texts) if rows is None else [float(cosine) for cosine in rows @ query_vector]


def choose(ranked: Sequence[Scored], limit: int = MAX_QUOTED, *, near: float = NEAR_BEST) -> list[Scored]:
    """The sentences to quote: the best, and others that say nearly as much, no two alike."""
    chosen: list[Scored] = []
    for each in ranked:
        if len(chosen) == limit or (chosen and each.score < chosen[0].score - near):
            break
        if not any(_alike(each.sentence, other.sentence) for other in chosen):
            chosen.append(each)
    return chosen


def span_to_quote(sentence: Sentence, source: Source) -> tuple[int, int]:
    """The sentence's span, with the one before when it cannot be understood alone.

    A row of a table is quoted with the header row of its table when that is in the same passage
    directly above; otherwise alone.
    """
    at = source.sentences.index(sentence)
    if at == 0 or not _LEANS.match(sentence.text):
        return sentence.start, sentence.end
    before = source.sentences[at - 1]
    gap = source.hit.text[before.end - source.hit.start : sentence.start - source.hit.start]
    if "\n\n" in gap or sentence.end - before.start > 500:
        return sentence.start, sentence.end
    return before.start, sentence.end


def _worth_reading(wanted: Sequence[Term], read: Sequence[Source]) -> list[Sentence]:
    """Sentences that may hold an answer; when there are too many, those with the question's words."""
    every = [sentence for source in read for sentence in source.sentences if len(sentence.text) > 3]
    if len(every) <= MAX_SENTENCES:
        return every
    # A paraphrase shares no word: of the first passages every sentence is read, of the others the likely.
    by_words = sorted(
        every,
        key=lambda each: (each.passage >= READ_WHOLE, -covered(wanted, each.words), each.passage, each.start),
    )
    return by_words[:MAX_SENTENCES]


def _before(source: Source, sentence: Sentence) -> Sentence | None:
    at = source.sentences.index(sentence)
    return source.sentences[at - 1] if at else None


def _poor(sentence: Sentence) -> float:
    """What speaks against quoting: headings, fragments, questions, tables of contents."""
    text = sentence.text
    penalty = 0.0
    if len(text) < 25 and not re.search(r"\d|[\u3040-\u9fff]", text):
        penalty += 0.15
    if text.endswith(("?", "？", "؟")):
        penalty += 0.2
    if re.search(r"\.{4,}|(?:\. ){4,}|…{2,}", text):
        penalty += 0.2
    return penalty


def _only_repeats(sentence: Sentence, wanted: Sequence[Term]) -> bool:
    """Whether a sentence holds no word but those of the question: a heading, not an answer."""
    asked = {term.word for term in wanted}
    return all(holds(asked, word) for word in sentence.words if counts(word))


def _alike(first: Sentence, second: Sentence) -> bool:
    a, b = set(first.words), set(second.words)
    return len(a & b) >= 0.8 * min(len(a), len(b)) if a and b else first.text == second.text
