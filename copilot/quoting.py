"""Answers in quotes: the best sentences, each proven at its span, and the word before them.

A row of a table comes with its header; a question that wants "yes" or "no" gets the word for it where a
sentence decides that plainly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from copilot import grounding, passages, yesno
from copilot.passages import Sentence, Source, Term
from copilot.providers import extractive
from copilot.providers.extractive import Scored
from copilot.types import Citation, Claim, Conflict
from indexer.library import Library


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the first quote says to a question that wants "yes" or "no"."""

    decision: yesno.Decision = ""
    label: str = ""
    """Its word in the language of the question, "" when nothing is decided."""
    sentence: str = ""
    """The word with its stop, as it stands before the quotes."""


UNDECIDED = Verdict()


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A text with its proof."""

    text: str
    claims: tuple[Claim, ...] = ()
    citations: tuple[Citation, ...] = ()
    notes: tuple[str, ...] = ()
    verdict: Verdict = UNDECIDED


def decided(question: str, wanted: Sequence[Term], ranked: Sequence[Scored]) -> tuple[Verdict, list[Scored]]:
    """What the best sentences decide, and the sentences with the one that does first.

    Sentences that could be quoted and decide differently decide nothing.
    """
    order = list(ranked)
    wants = yesno.asked(question)
    if wants is None or not order:
        return UNDECIDED, order
    near = [each for each in order if each.score >= order[0].score - extractive.NEAR_BEST]
    said = [yesno.decides(question, wants, wanted, each.sentence.text) for each in near]
    decisions = {decision for decision in said if decision}
    if len(decisions) != 1:
        return UNDECIDED, order
    decision = decisions.pop()
    first = near[said.index(decision)]
    # It takes the best's place, so that the order of scores stays that of the list.
    front = [replace(first, score=order[0].score), *(each for each in order if each is not first)]
    label = yesno.label(decision, wants.language)
    stop = "。" if wants.language == "zh" else "."
    return Verdict(decision=decision, label=label, sentence=label + stop), front


def undisputed(verdict: Verdict, quotes: Sequence[Citation], conflicts: Sequence[Conflict]) -> Verdict:
    """The verdict, unless another document that is as new or newer says otherwise than the first quote."""
    for conflict in conflicts if quotes else ():
        first, second = conflict.rows[:2]
        disputed = any(row.citation == quotes[0].n for row in conflict.rows)
        if disputed and (first.citation != quotes[0].n or first.date == second.date):
            return UNDECIDED
    return verdict


def quote_sentences(
    ranked: Sequence[Scored],
    sources: Sequence[Source],
    library: Library,
    first: int,
    *,
    near: float = extractive.NEAR_BEST,
) -> Written:
    """The best sentences as quotes, numbered from `first`; what cannot be proven is left out.

    A row of a table is quoted with its header, each at its own span.
    """
    claims: list[Claim] = []
    citations: list[Citation] = []
    chosen = [each.sentence for each in extractive.choose(ranked, near=near)]
    for sentence, start, end in extractive.quotes(chosen, sources):
        source = sources[sentence.passage]
        citation = passages.cite(library, first + len(citations), source.hit, start, end)
        if citation is None:
            continue
        citations.append(citation)
        text, numbers = " ".join(citation.quote.split()), [citation.n]
        if sentence.header:
            header = _header_of(library, first + len(citations), source, sentence, citations)
            if header is not None:
                citations += [header] if header not in citations else []
                text, numbers = f"{' '.join(header.quote.split())}\n{text}", [citation.n, header.n]
        claims.append(Claim(text=text, verdict="supported", citations=tuple(numbers)))
    text = " ".join(grounding.with_marks(claim.text, claim.citations) for claim in claims)
    return Written(text=text, claims=tuple(claims), citations=tuple(citations))


def _header_of(
    library: Library, n: int, source: Source, row: Sentence, cited: Sequence[Citation]
) -> Citation | None:
    """The citation of a row's header; the one there is when another row of its table is quoted."""
    header = passages.cite_header(library, n, source, row)
    same = (
        each
        for each in cited
        if header and (each.document, each.start, each.end) == (header.document, header.start, header.end)
    )
    return next(same, header)
