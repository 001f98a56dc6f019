"""Answers without a model: verbatim sentences chosen by meaning, by words and by the kind of answer asked.

Every sentence is quoted at its span. The weights were tuned on the English questions of XQuAD and on the
PDF questions; `benchmarks/answers.py` measures what they reach.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from copilot import likeness
from copilot.passages import Footing, Sentence, Source, Term, Vectors, covered

NAME = "extractive"

READ_PASSAGES = 5
"""Passages whose sentences are compared with the question; more cost time and add noise."""
READ_WHOLE = 2
"""Passages of which every sentence is compared when there are too many."""
MAX_SENTENCES = 32
"""Sentences embedded for one question: the greater part of the time an answer takes."""
MAX_ACROSS = 64
"""The same where the question shares no language with the passages."""
MAX_CHARACTERS = 360
"""Of a longer sentence (a row of a table, as a rule) the beginning is embedded."""
MAX_QUOTED = 3
LONGEST_QUOTE = 500
"""Characters of sentences that are quoted together."""

Embed = Callable[[Sequence[str]], Vectors | None]

# Weights of `likeness.MEASURES`, fitted by `benchmarks/fit_answers.py`: a softmax over the sentences of each
# question, on one half of XQuAD's questions. A language the embedding model does not know has its own.
_WEIGHTS: dict[Footing, dict[str, float]] = {
    Footing.ENGLISH: {
        "meaning": 2.66,
        "meaning_before": 4.07,
        "passage_meaning": 3.46,
        "passage_score": 1.86,
        "passage_words": 1.1,
        "words": 2.35,
        "words_before": 3.35,
        "words_after": 2.05,
        "words_above": 1.46,
        "plain_words": 3.34,
        "less_than_before": -0.88,
        "order": 3.93,
        "kind": 0.67,
        "no_kind": -0.9,
        "leans": 0.38,
        "poor": -2.93,
        "repeats": -4.95,
    },
    Footing.UNKNOWN: {
        "meaning": 1.41,
        "meaning_before": 0.61,
        "passage_meaning": 3.44,
        "passage_score": 2.16,
        "passage_words": 1.57,
        "words": 5.49,
        "words_before": 5.86,
        "words_after": 1.89,
        "words_above": 1.78,
        "plain_words": 3.62,
        "less_than_before": -0.83,
        "order": 3.61,
        "kind": 0.78,
        "no_kind": -0.5,
        "leans": 0.48,
        "poor": -7.22,
        "repeats": -0.04,
    },
    Footing.HOME: {
        "meaning": 5.02,
        "meaning_before": 4.62,
        "passage_meaning": 3.19,
        "passage_score": 1.53,
        "passage_words": 1.21,
        "words": 1.53,
        "words_before": 3.06,
        "words_after": 1.9,
        "words_above": 1.4,
        "plain_words": 3.05,
        "less_than_before": -0.85,
        "order": 3.79,
        "kind": 0.7,
        "no_kind": -0.96,
        "leans": 0.36,
        "poor": -2.05,
        "repeats": -5.26,
    },
    Footing.WITHIN: {
        "meaning": 8.18,
        "meaning_before": 5.69,
        "passage_meaning": 4.17,
        "passage_score": 1.52,
        "passage_words": 0.48,
        "words": 3.2,
        "words_before": 5.41,
        "words_after": 2.02,
        "words_above": 1.88,
        "plain_words": 2.27,
        "less_than_before": -1.55,
        "order": 3.21,
        "kind": 0.62,
        "no_kind": -0.46,
        "leans": 0.67,
        "poor": -4.79,
        "repeats": -1.22,
    },
    Footing.ACROSS: {
        "meaning": 18.64,
        "meaning_before": 12.39,
        "passage_meaning": 7.68,
        "passage_score": 2.0,
        "passage_words": 0.54,
        "words": 1.48,
        "words_before": 3.73,
        "words_after": 5.27,
        "words_above": 2.13,
        "plain_words": 0.64,
        "less_than_before": -1.84,
        "order": -9.18,
        "kind": 0.42,
        "no_kind": -0.64,
        "leans": 0.09,
        "poor": -3.5,
        "repeats": -0.06,
    },
}

ANOTHER = 3.0
"""What is taken off the score of a sentence whose passage has none of the question's names, where another
passage has all."""
NEAR_BEST = 1.6
"""A further sentence is quoted when its score is at most this much below the first."""
NEAR_TIE = 0.8
"""A sentence of a newer version of a document comes first when it scores at most this much less."""
CONTEXT_READ = 6
"""Best sentences that are compared once more together with the sentence before them."""


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
    footing: Footing = Footing.ENGLISH,
) -> list[Scored]:
    """Sentences of the first passages, best first.

    Args:
        question: The question as asked.
        wanted: Its words with their weights.
        sources: Passages in the order of the search.
        query_vector: Unit vector of the question, or None without a model.
        embed: Makes unit row vectors of texts, or None without a model.
        footing: What question, passages and model have in common: it decides what a cosine says.
    """
    read = sources[:READ_PASSAGES]
    sentences = _worth_reading(wanted, read, footing)
    if not sentences:
        return []
    asked = likeness.Asked(question=question, wanted=wanted)
    rows = measured(asked, read)
    meaning = _cosines([sentence.telling[:MAX_CHARACTERS] for sentence in sentences], query_vector, embed)
    weights = weights_for(footing)
    missing = _names_missing(wanted, read)
    scored = []
    for sentence, cosine in zip(sentences, meaning, strict=True):
        row = rows[sentence]
        row[likeness.MEANING] = row[likeness.MEANING_BEFORE] = cosine
        score = float(weights @ np.asarray(row)) - ANOTHER * missing[sentence.passage]
        scored.append(Scored(sentence=sentence, score=score, meaning=cosine, words=row[likeness.WORDS]))
    scored.sort(key=_best_first)
    return _with_context(scored, read, query_vector, embed, float(weights[likeness.MEANING_BEFORE]))


def _names_missing(wanted: Sequence[Term], read: Sequence[Source]) -> dict[int, float]:
    """By passage, the share of the question's names that it lacks and another passage has, 0 to 1.

    A passage holds what its document is called, too. Who asks about one place wants nothing said of another.
    """
    names = [term for term in wanted if term.named]
    bags = {source.passage.number - 1: set(source.words) for source in read}
    total = sum(term.weight for term in names)
    held = {at: sum(term.weight for term in names if term.is_in(bag)) for at, bag in bags.items()}
    most = max(held.values(), default=0.0)
    return {at: (most - each) / total if total else 0.0 for at, each in held.items()}


def measured(asked: likeness.Asked, read: Sequence[Source]) -> dict[Sentence, list[float]]:
    """What is measured of every sentence, without the cosines."""
    best = max((source.hit.score for source in read), default=0.0)
    best_words = max((source.hit.scores.get("keyword", 0.0) for source in read), default=0.0)
    rows: dict[Sentence, list[float]] = {}
    for source in read:
        rows |= likeness.measures(asked, source, (best, best_words))
    return rows


def weights_for(footing: Footing) -> Vectors:
    """The weights of `likeness.MEASURES` on this footing."""
    chosen = _WEIGHTS[footing]
    return np.array([chosen[name] for name in likeness.MEASURES], dtype=np.float32)


def _with_context(
    scored: list[Scored], read: Sequence[Source], query_vector: Vectors | None, embed: Embed, weight: float
) -> list[Scored]:
    """Compare the best once more, each with the sentence before it, which says what "it" is."""
    head = scored[:CONTEXT_READ]
    texts = [text_in_context(each.sentence, read) for each in head]
    cosines = _cosines(texts, query_vector, embed)
    again = [
        replace(each, score=each.score + weight * (cosine - each.meaning))
        for each, cosine in zip(head, cosines, strict=True)
    ]
    return _newest_first(sorted(again, key=_best_first), read) + scored[CONTEXT_READ:]


def _newest_first(head: list[Scored], read: Sequence[Source]) -> list[Scored]:
    """Of versions of one sentence that do nearly as well, the one from the newest file comes first."""
    if not head:
        return head
    best = head[0]
    versions = [
        each
        for each in head
        if each.score >= best.score - NEAR_TIE
        and (each is best or _document(each, read) != _document(best, read))
        and _alike(each.sentence, best.sentence)
    ]
    newest = max(versions, key=lambda each: read[each.sentence.passage].hit.mtime_ns)
    if newest is best:
        return head
    # The newest takes the best's score, so that the order of scores stays that of the list.
    return [replace(newest, score=best.score), *(each for each in head if each is not newest)]


def _document(each: Scored, read: Sequence[Source]) -> str:
    return read[each.sentence.passage].hit.document


def text_in_context(sentence: Sentence, read: Sequence[Source]) -> str:
    """A sentence after the one before it, both cut to what is embedded."""
    before = _before(read[sentence.passage], sentence)
    text = sentence.telling[:MAX_CHARACTERS]
    return f"{before.text[-MAX_CHARACTERS:]} {text}" if before and not sentence.header else text


def _best_first(each: Scored) -> tuple[float, int, int]:
    return -each.score, each.sentence.passage, each.sentence.start


def _cosines(texts: Sequence[str], query_vector: Vectors | None, embed: Embed) -> list[float]:
    if query_vector is None or not texts:
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


def spans_to_quote(chosen: Sequence[Sentence], sources: Sequence[Source]) -> list[tuple[int, int]]:
    """The span of each sentence chosen, as `span_to_quote` has it; no two quote the same words.

    Args:
        chosen: Sentences in the order they are shown.
        sources: The passages, found by the numbers the sentences name.
    """
    by_passage = {source.passage.number - 1: source for source in sources}
    alone = {(by_passage[each.passage].hit.document, each.start): each.end for each in chosen}
    spans = []
    for each in chosen:
        source = by_passage[each.passage]
        start, end = span_to_quote(each, source)
        document = source.hit.document
        if any(held == document and start <= at < each.start for held, at in alone):
            start = each.start  # the sentence before is quoted by itself
        spans.append((start, end))
    return spans


def span_to_quote(sentence: Sentence, source: Source) -> tuple[int, int]:
    """The sentence's span, with the one before when it cannot be understood alone."""
    before = _leant_on(sentence, source)
    if before is None or sentence.end - before.start > LONGEST_QUOTE:
        return sentence.start, sentence.end
    return before.start, sentence.end


def _leant_on(sentence: Sentence, source: Source) -> Sentence | None:
    """The sentence before in the same paragraph, when this one refers to it."""
    before = _before(source, sentence)
    if before is None or not likeness.leans(sentence.text):
        return None
    gap = source.hit.text[before.end - source.hit.start : sentence.start - source.hit.start]
    return None if "\n\n" in gap else before


def quotes(chosen: Sequence[Sentence], sources: Sequence[Source]) -> list[tuple[Sentence, int, int]]:
    """What to quote with its span, in the order of `chosen`.

    Of two sentences chosen of which one leans on the other, the two are one quote: neither says all of it.
    """
    by_passage = {source.passage.number - 1: source for source in sources}
    found: list[tuple[Sentence, int, int]] = []
    for each, (start, end) in zip(chosen, spans_to_quote(chosen, sources), strict=True):
        source = by_passage[each.passage]
        before = _leant_on(each, source)
        for at, (other, first, last) in enumerate(found):
            same = other.passage == each.passage
            follows = before is not None and last == before.end
            leads = _leant_on(other, source) == each if same else False
            joined = min(first, each.start), max(last, each.end)
            if same and (follows or leads) and joined[1] - joined[0] <= LONGEST_QUOTE:
                found[at] = (other, *joined)
                break
        else:
            found.append((each, start, end))
    return found


def _worth_reading(wanted: Sequence[Term], read: Sequence[Source], footing: Footing) -> list[Sentence]:
    """Sentences that may hold an answer; when there are too many, those with the question's words."""
    every = [sentence for source in read for sentence in source.sentences if len(sentence.text) > 3]
    if len(every) <= MAX_SENTENCES:
        return every
    if footing is Footing.ACROSS:
        return every[:MAX_ACROSS]  # words do not tell which ones are likely
    # A paraphrase shares no word: of the first passages every sentence is read, of the others the likely.
    by_words = sorted(
        every,
        key=lambda each: (each.passage >= READ_WHOLE, -covered(wanted, each.told), each.passage, each.start),
    )
    return by_words[:MAX_SENTENCES]


def _before(source: Source, sentence: Sentence) -> Sentence | None:
    at = source.sentences.index(sentence)
    return source.sentences[at - 1] if at else None


def _alike(first: Sentence, second: Sentence) -> bool:
    a, b = set(first.words), set(second.words)
    return len(a & b) >= 0.8 * min(len(a), len(b)) if a and b else first.text == second.text
