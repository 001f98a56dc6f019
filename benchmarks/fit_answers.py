"""Fit the weights of quoted answers and of refusal: `python -m benchmarks.fit_answers`.

Prints `_WEIGHTS` of `copilot/providers/extractive.py` and of `copilot/evidence.py` for the footings that the
embedding model gives: run it with `QUIRE_BENCH_EMBEDDING=e5` and with `minilm`. Only questions of one half
(`questions.half`) are used; the other half measures. Not one of the benchmarks: it takes a while, and what
it prints is pasted by hand.
"""

from __future__ import annotations

import os
import pickle
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import questions
from benchmarks.questions import Question
from benchmarks.result import CORPORA
from benchmarks.swapping import swapped
from copilot import evidence, likeness, passages
from copilot.passages import Footing, Source, Term, Vectors
from copilot.providers import extractive
from indexer.library import Library

Floats = npt.NDArray[np.float64]

LANGUAGES = ("zh", "de", "es", "ar")
FOREIGN_QUESTIONS = 400
"""Of each language but English."""
STRANGERS = 120
"""Questions of another collection asked of each."""
PASSAGES = 8
ACROSS_ANSWERABLE = 1 / 5
"""Share of questions that the documents answer among those that find no passage in their own language: fewer
than of others, since who keeps documents in a language asks in it."""
PENALTY = 10.0
FEWEST = 15
"""Questions of a kind in a collection on one footing; fewer are questions whose language was mistaken."""
WITHOUT_MODEL = ("passage_words", "near_words", "near_names")
"""What is measured without an embedding model."""
EXCHANGED = 0.5
"""Weight of questions in which a detail was exchanged, beside other unanswerable ones."""


@dataclass(frozen=True)
class Found:
    """What is found for a question."""

    question: Question
    sources: list[Source]
    wanted: list[Term]
    vector: Vectors | None
    footing: Footing
    embed: extractive.Embed


def find(library: Library, question: Question, embed: extractive.Embed, scope: str = "") -> Found:
    """Search as Ask does."""
    text = question["question"]
    query = passages.plain_query(text)
    result = passages.retrieve(library, query, scope=scope, documents=(), limit=PASSAGES)
    return Found(
        question=question,
        sources=passages.sources(result.hits),
        wanted=passages.terms(text, library),
        vector=library.embed_query(text),
        footing=passages.footing(text, result.hits, library),
        embed=embed,
    )


# --- which sentence ------------------------------------------------------------------------------


def measured(found: Found) -> tuple[Floats, Floats] | None:
    """Rows of measures of every sentence read, and which of them hold the answer; None when none does."""
    read = found.sources[: extractive.READ_PASSAGES]
    asked = likeness.Asked(question=found.question["question"], wanted=found.wanted)
    rows = extractive.measured(asked, read)
    sentences = [sentence for sentence in rows if len(sentence.text) > 3]
    right = [questions.holds(sentence.text, found.question["answers"]) for sentence in sentences]
    if not any(right) or found.vector is None:
        return None
    values = np.array([rows[sentence] for sentence in sentences])
    alone = found.embed([sentence.telling[: extractive.MAX_CHARACTERS] for sentence in sentences])
    within = found.embed([extractive.text_in_context(sentence, read) for sentence in sentences])
    if alone is not None and within is not None:
        values[:, likeness.MEANING] = alone @ found.vector
        values[:, likeness.MEANING_BEFORE] = within @ found.vector
    return values, np.array(right, dtype=float)


def fit_softmax(data: Sequence[tuple[Floats, Floats]], *, penalty: float = 0.02, steps: int = 400) -> Floats:
    """Weights under which the right sentences of each question get most of a softmax over all of them.

    Args:
        data: For each question the rows of measures (sentences, measures) and which rows are right.
        penalty: Weight of the squares of the weights, of measures scaled to unit variance.
        steps: Steps of Adam (Kingma and Ba, ICLR 2015).
    """
    every = np.concatenate([rows for rows, _ in data])
    middle, spread = every.mean(axis=0), every.std(axis=0) + 1e-9
    longest = max(len(right) for _, right in data)
    values = np.zeros((len(data), longest, every.shape[1]))
    there, right = np.zeros((2, len(data), longest))
    for at, (rows, held) in enumerate(data):
        values[at, : len(rows)] = (rows - middle) / spread
        there[at, : len(rows)] = 1
        right[at, : len(rows)] = held
    weights = np.zeros(every.shape[1])
    mean, square = np.zeros((2, every.shape[1]))
    for step in range(1, steps + 1):
        scores = np.where(there > 0, values @ weights, -1e9)
        raised = np.exp(scores - scores.max(axis=1, keepdims=True))
        share = raised / raised.sum(axis=1, keepdims=True)
        wanted = raised * right / np.maximum((raised * right).sum(axis=1, keepdims=True), 1e-12)
        slope = np.einsum("ij,ijk->k", share - wanted, values) / len(data) + penalty * weights
        mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope**2
        weights -= 0.05 * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    return np.asarray(weights / spread)


# --- whether at all ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trial:
    """The evidence of a question that something or nothing answers."""

    evidence: evidence.Evidence
    corpus: str
    kind: str
    """Why nothing answers it; "" when something does."""


def trial(corpus: str, found: Found, kind: str) -> Trial:
    """Weigh what is found for a question."""
    text = found.question["question"]
    ranked = extractive.rank_sentences(
        text, found.wanted, found.sources, found.vector, found.embed, footing=found.footing
    )
    fit = evidence.weigh(found.wanted, found.sources, ranked, footing=found.footing)
    return Trial(evidence=fit, corpus=corpus, kind=kind)


def weighty(trials: Sequence[Trial]) -> list[Trial]:
    """Trials without the kinds of which there are few: each kind weighs the same, however many there are."""
    count = Counter((each.corpus, each.kind) for each in trials)
    return [each for each in trials if count[each.corpus, each.kind] >= FEWEST]


def fit_logistic(
    trials: Sequence[Trial], used: Sequence[str], *, answerable: float = 0.5, penalty: float | None = None
) -> dict[str, float]:
    """Bias ("") and weights of the evidence.

    Within each of the two, every kind in every collection weighs the same; exchanged details weigh
    `EXCHANGED`, because they are rarer than questions on something else.

    Args:
        trials: Answerable and unanswerable questions.
        used: Names of the fields of the evidence.
        answerable: Share of all weight that answerable questions have.
        penalty: Weight of the squares of the weights, of fields scaled to unit variance; by default the
            fewer trials, the more.
    """
    penalty = PENALTY / len(trials) if penalty is None else penalty
    values = np.array([[getattr(each.evidence, name) for name in used] for each in trials])
    right = np.array([not each.kind for each in trials], dtype=float)
    count = Counter((each.corpus, each.kind) for each in trials)
    heavy = {"swapped": EXCHANGED}
    share = np.array([heavy.get(each.kind, 1.0) / count[each.corpus, each.kind] for each in trials])
    share *= np.where(
        right > 0, answerable / share[right > 0].sum(), (1 - answerable) / share[right == 0].sum()
    )
    middle, spread = values.mean(axis=0), values.std(axis=0) + 1e-9
    rows = np.column_stack([np.ones(len(values)), (values - middle) / spread])
    held = np.array([1e-9, *([penalty] * len(used))])
    weights = np.zeros(len(used) + 1)
    for _ in range(50):  # Newton's method
        likely = 1 / (1 + np.exp(-rows @ weights))
        slope = rows.T @ (share * (likely - right)) + held * weights
        bend = (rows * (share * likely * (1 - likely))[:, None]).T @ rows + np.diag(held)
        weights -= np.linalg.solve(bend, slope)
    slopes = weights[1:] / spread
    bias = weights[0] - float(slopes @ middle)
    return {"": round(float(bias), 2), **dict(zip(used, np.round(slopes, 2).tolist(), strict=True))}


# --- all of it -----------------------------------------------------------------------------------


def remembering(library: Library, known: dict[str, Any]) -> extractive.Embed:
    """Embeds no text twice; `known` keeps what was embedded."""

    def embed(texts: Sequence[str]) -> Vectors | None:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        rows = library.embed_passages(new) if new else None
        if new and rows is None:
            return None
        if rows is not None:
            known.update(zip(new, rows, strict=True))
        return np.stack([known[text] for text in texts])

    return embed


def tuned_on(corpus: str, wanted: Callable[[Question], bool], count: int | None = None) -> list[Question]:
    """Questions of the half that is tuned on."""
    chosen = questions.sampled([each for each in questions.read(corpus) if wanted(each)], count)
    return [each for each in chosen if questions.half(each) == 0]


def _trials(
    library: Library, corpus: str, own: Sequence[Question], embed: extractive.Embed, others: str
) -> Iterator[Trial]:
    for question in questions.sampled(own, STRANGERS):  # no collection outweighs the others
        if questions.documents_of(question):
            yield trial(corpus, find(library, question, embed), "")
            kept_out = questions.without_documents(question)
            yield trial(corpus, find(library, question, embed, kept_out), "kept out")
    for question in tuned_on(others, lambda each: bool(questions.documents_of(each)), STRANGERS):
        yield trial(corpus, find(library, question, embed), "another collection")
    for question in questions.sampled(list(swapped(own)), STRANGERS):
        yield trial(corpus, find(library, question, embed), "swapped")


def across(code: str) -> list[Question]:
    """Questions of XQuAD in a language, with the answers and documents of the English ones they translate."""
    english = {each["id"].partition("-")[2]: each for each in questions.read("xquad") if each["lang"] == "en"}
    own = tuned_on("xquad", lambda each: each["lang"] == code)
    pairs = [(each, english[each["id"].partition("-")[2]]) for each in own]
    return [{**each, "answers": same["answers"], "doc": same["doc"]} for each, same in pairs]


def _across(library: Library, corpus: str, embed: extractive.Embed) -> Iterator[Trial]:
    """Questions in other languages, asked of English documents."""
    for code in LANGUAGES:
        name = f"{corpus} from {code}"
        for question in questions.sampled(across(code), STRANGERS):
            found = find(library, question, embed)
            if corpus.startswith("xquad"):
                yield trial(name, found, "")
                kept_out = questions.without_documents(question)
                yield trial(name, find(library, question, embed, kept_out), "kept out")
            else:
                yield trial(name, found, "another collection")


def _xquad(code: str) -> tuple[str, list[Question]]:
    count = None if code == "en" else FOREIGN_QUESTIONS
    return f"xquad-{code}", tuned_on("xquad", lambda each: each["lang"] == code, count)


def fit_answers(known: dict[str, Any]) -> None:
    """Fit the weights of quotes, print them, and use them from now on."""
    rows: dict[Footing, list[tuple[Floats, Floats]]] = {footing: [] for footing in Footing}
    for code in ("en", *LANGUAGES):
        name, own = _xquad(code)
        with questions.library(name, CORPORA / "xquad" / "corpus" / code) as library:
            embed = remembering(library, known)
            if code == "en" and library.languages is None:
                own += [
                    each
                    for other in LANGUAGES
                    for each in questions.sampled(across(other), FOREIGN_QUESTIONS)
                ]
            for found in (find(library, each, embed) for each in own):
                row = measured(found)
                if row is not None:
                    rows[found.footing].append(row)
    for footing, some in rows.items():
        if len(some) > 10 * len(likeness.MEASURES):
            weights = np.round(fit_softmax(some), 2).tolist()
            extractive._WEIGHTS[footing] = dict(zip(likeness.MEASURES, weights, strict=True))
            print(f"answers, {footing}, {len(some)}:", extractive._WEIGHTS[footing], flush=True)


def main() -> None:
    """Fit everything and print it."""
    known: dict[str, Any] = {}
    fit_answers(known)
    trials: list[Trial] = []
    for code in ("en", *LANGUAGES):
        name, own = _xquad(code)
        with questions.library(name, CORPORA / "xquad" / "corpus" / code) as library:
            embed = remembering(library, known)
            trials += _trials(library, f"xquad {code}", own, embed, "pdf-qa")
            if code == "en" and library.languages is None:
                trials += _across(library, "xquad en", embed)
    with questions.library("pdf-qa", CORPORA / "pdf-qa" / "docs") as library:
        own = tuned_on("pdf-qa", lambda each: each["lang"] == "en")
        embed = remembering(library, known)
        trials += _trials(library, "pdf-qa", own, embed, "peps")
        if library.languages is None:
            trials += _across(library, "pdf-qa", embed)
    if kept := os.environ.get("QUIRE_FIT_TRIALS"):
        Path(kept).write_bytes(pickle.dumps(trials))
    for footing in Footing:
        some = weighty([each for each in trials if each.evidence.footing is footing])
        if any(each.kind for each in some) and not all(each.kind for each in some):
            share = ACROSS_ANSWERABLE if footing is Footing.ACROSS else 0.5
            for used in (evidence.MEASURES, WITHOUT_MODEL):
                print(
                    f"evidence, {footing}, {len(some)}:",
                    fit_logistic(some, used, answerable=share),
                    flush=True,
                )


if __name__ == "__main__":
    main()
