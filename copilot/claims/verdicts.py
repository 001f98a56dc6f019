"""One claim against the passages it names: which sentences it is about, and what they say of it.

A value counts where the claim is about it: in the sentence that is most like the claim, in its neighbours,
or in another sentence that says what the first does not. A number found anywhere else proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from copilot.claims import bounds, force, names, polarity, roles, values
from copilot.passages import Sentence, Source
from copilot.types import Verdict
from copilot.words import content_words, holds, words
from indexer import language
from indexer.text import safe_text

HERE = "{}"
"""Stands for the mark of the citation in a reason."""

COVERED = 0.8
"""Share of a claim's words from which on a sentence is what the claim is about."""

PARTLY_COVERED = 0.6
"""The same where the sentence has another value of the same type."""

ADDED_WORDS = 3
"""Content words from which on a clause says something of its own."""
ADDED_HELD = 0.25
"""Share of them that a passage holds by chance."""

_CLAUSE = re.compile(
    r",\s+(?=who|which|whose|where|although|though|because|so\b|and\b|but\b|der\b|die\b|das\b|weil|obwohl|und\b|que\b|porque|"
    r"aunque|y\b|qui\b|parce|et\b)|\s(?=(?:because|although|whereas|weil|obwohl|porque|aunque|parce\s+que|bien\s+que|"
    r"and|und|y|et)\s)|[;；，]"
)

Similar = Callable[[Sentence], float]
"""The cosine between the claim and a sentence; 0 without an embedding model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What came of a check."""

    verdict: Verdict
    reason: str = ""
    """Why it is not supported; `HERE` stands for the citation."""
    evidence: tuple[Sentence, ...] = ()
    """Sentences to quote, the best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Near:
    """A sentence with its nearness to the claim."""

    sentence: Sentence
    source: Source
    overlap: float
    """Share (0 to 1) of the claim's content words that it holds."""
    cosine: float

    @property
    def closeness(self) -> float:
        return self.overlap + self.cosine


def judge(claim: str, cited: Sequence[Source], similar: Similar, *, named: bool) -> Judged:
    """Check one claim against passages.

    Args:
        claim: A sentence without marks.
        cited: The passages it names, or all when it names none.
        similar: Cosine of the claim with a sentence.
        named: Whether the claim names them: then the nearest sentence of each is quoted.
    """
    ranked = _ranked(claim, cited, similar)
    if not ranked:
        return Judged(verdict="unsupported", reason="The passage named holds no text.")
    if is_fragment(claim):
        return Judged(verdict="unsupported", reason="It is a fragment that states nothing.")
    best = ranked[0]
    firsts = {near.sentence.passage: near.sentence for near in reversed(ranked)}
    others = [firsts[source.passage.number - 1] for source in cited if source.sentences] if named else []
    evidence = tuple(dict.fromkeys([best.sentence, *others]))
    if best.overlap < PARTLY_COVERED and _foreign(claim, best.sentence.text):
        verdict, reason = _in_another_language(claim, cited)
    else:
        verdict, reason = _Check(claim, ranked).result()
    return Judged(verdict=verdict, reason=reason, evidence=evidence)


def is_fragment(claim: str) -> bool:
    """Whether a text states nothing: a number, a name, "yes", an amount.

    A statement has two words besides names, numbers and units, or four words in all.
    """
    bare = claim
    stated = values.stated(claim)
    for value in sorted(stated.values, key=lambda each: -each.start):
        bare = bare[: value.start] + " " + bare[value.end :]
    if language.has_cjk(bare):
        return len(re.findall(r"[^\W\d_]", bare)) < 4
    said = re.findall(r"[^\W\d_][^\W_]*", bare)
    plain = [word for word in said if word[0].islower() and len(word) > 1]
    return len(plain) < 1 or (len(said) < 3 and len(plain) < 2)


def told_words(claim: str) -> list[str]:
    """The content words of a claim without its values; of a claim of values alone, all of them."""
    return content_words(values.without_values(claim)) or content_words(claim)


def _ranked(claim: str, cited: Sequence[Source], similar: Similar) -> list[_Near]:
    wanted = told_words(claim)
    found = []
    for source in cited:
        for sentence in source.sentences:
            bag = set(sentence.words)
            overlap = sum(holds(bag, word) for word in wanted) / len(wanted) if wanted else 0.0
            found.append(_Near(sentence=sentence, source=source, overlap=overlap, cosine=similar(sentence)))
    return sorted(found, key=lambda near: -near.closeness)


def _foreign(claim: str, text: str) -> bool:
    if language.has_cjk(claim) != language.has_cjk(text):
        return True
    first, second = language.detect(claim), language.detect(text)
    return bool(first and second and first != second and len(claim) > 40 and len(text) > 40)


def _in_another_language(claim: str, cited: Sequence[Source]) -> tuple[Verdict, str]:
    """Only what is written alike in both languages can be compared."""
    texts = [source.hit.text for source in cited]
    missing = values.differences(claim, texts)
    if missing:
        return "unsupported", f"{missing[0].written} is not in {HERE}, which is in another language."
    if not language.has_cjk(claim) and not any(map(language.has_cjk, texts)):
        held = [word for source in cited for word in source.words]
        spoken = language.detect(claim)
        unknown = names.unknown_names(claim, "", held, language=spoken, whole="")
        if unknown:
            return "unsupported", f"{unknown[0][0]} is not in {HERE}, which is in another language."
    return "partly", "The passage is in another language: only numbers and names were compared."


class _Check:
    """A claim beside the sentences it is about, in its own language."""

    def __init__(self, claim: str, ranked: Sequence[_Near]) -> None:
        self.claim = claim
        self.best = ranked[0]
        self.ranked = ranked
        self.wanted = told_words(claim)
        self.sentence = self.best.sentence.text
        self.source = self.best.source
        self.wider = self._wider()
        held = self._held_words()
        self.share = sum(holds(held, word) for word in self.wanted) / len(self.wanted) if self.wanted else 1.0
        says_more = bool(content_words(values.without_values(claim)))
        self.close = says_more and (self.best.overlap >= 0.6 or self.best.cosine >= 0.7)

    def result(self) -> tuple[Verdict, str]:
        for check in (self._values, self._names, self._bounds, self._polarity, self._roles, self._meaning):
            found = check()
            if found is not None:
                return found
        return "supported", ""

    # --- what it is about ---

    def _wider(self) -> list[Sentence]:
        """The neighbours of the best sentence, and those that say what it does not."""
        sentences = self.source.sentences
        at = sentences.index(self.best.sentence)
        around = [*sentences[max(0, at - 1) : at], *sentences[at + 1 : at + 2]]
        bag = set(self.best.sentence.words)
        missing = [word for word in self.wanted if not holds(bag, word) and not any(map(str.isdigit, word))]
        if len(missing) < 0.15 * len(self.wanted):
            return around
        named = {word for each in re.findall(r"\b[A-ZÀ-Þ][\w’'-]+", self.claim) for word in words(each)}
        for near in self.ranked[1:12]:
            other = set(near.sentence.words)
            gained = [word for word in missing if holds(other, word)]
            if len(gained) >= 3 and any(word not in named for word in gained):
                around.append(near.sentence)
        return list(dict.fromkeys(around))

    def _held_words(self) -> set[str]:
        held = set(self.source.words)
        for each in self.wider:
            held |= set(each.words)
        return held

    # --- values ---

    def _values(self) -> tuple[Verdict, str] | None:
        here = values.differences(self.claim, [self.sentence])
        if not here:
            return None
        hit = self.source.hit
        wide = [self.sentence, hit.title, hit.heading, *(each.text for each in self.wider)]
        missing = {each.written for each in values.differences(self.claim, wide)}
        elsewhere = {each.written for each in values.differences(self.claim, wide, near=True)}
        for each in here:
            # Where the sentence has another value, one found beside it is a mix-up unless the words
            # around it are the same.
            rival = self.best.overlap >= (PARTLY_COVERED if each.instead else COVERED)
            mixed_up = each.spare and rival and each.written in elsewhere
            if each.written in missing or mixed_up:
                return self._say_value(each)
        return None

    def _say_value(self, difference: values.Difference) -> tuple[Verdict, str]:
        written, instead = difference.written, difference.instead
        if instead and self.close:
            return "contradicted", f"{written} is not in {HERE}; {HERE} has {instead}."
        if difference.unit_only:
            return "partly", f"{written} is not in {HERE}; {HERE} has {instead}."
        elsewhere = written in self.source.hit.text
        where = (
            f"{HERE} has it where it speaks of something else."
            if elsewhere
            else f"{written} is not in {HERE}."
        )
        return "unsupported", where

    # --- names ---

    def _names(self) -> tuple[Verdict, str] | None:
        held = [*self.source.words, *(word for each in self.wider for word in each.words)]
        unknown = names.unknown_names(
            self.claim, self.sentence, held, language=self._language(), whole=self.source.hit.text
        )
        if not unknown:
            return None
        name, other = unknown[0]
        if other and self.close:
            return "contradicted", f"{name} is not in {HERE}; {HERE} has {other}."
        return "unsupported", f"{name} is not in {HERE}."

    def _language(self) -> str:
        return language.detect(self.claim) or self.source.hit.language

    # --- what a value and a name are said of ---

    def _bounds(self) -> tuple[Verdict, str] | None:
        if not self.close:
            return None
        checks = (
            bounds.half_of_a_range,
            bounds.other_rate,
            bounds.change_for_level,
            bounds.other_place,
            bounds.other_pace,
            bounds.other_count,
            bounds.other_end,
        )
        for check in checks:
            reason = check(self.claim, self.sentence)
            if reason:
                return "contradicted", _sentence(reason)
        reason = bounds.relative_year(self.claim, self.sentence, self._before())
        return ("unsupported", _sentence(reason)) if reason else None

    def _before(self) -> str:
        at = self.source.sentences.index(self.best.sentence)
        return self.source.sentences[at - 1].text if at else ""

    def _roles(self) -> tuple[Verdict, str] | None:
        if not self.close:
            return None
        reason = (
            roles.swapped(self.claim, self.sentence, german=self._language() == "de")
            or roles.exchanged(self.claim, self.sentence)
            or roles.mispaired(self.claim, self.sentence, polarity.PAIRS)
            or roles.other_day(self.claim, self.sentence, self.source.hit.text)
            or roles.other_label(self.claim, self.source.hit.text)
        )
        return ("contradicted", _sentence(reason)) if reason else None

    # --- polarity and meaning ---

    def _polarity(self) -> tuple[Verdict, str] | None:
        if not self.close:
            return None
        sentence = self.sentence
        if self.best.overlap < COVERED:  # it says the rest of another sentence
            sentence = " ".join([sentence, *(each.text for each in self.wider)])
        sentence, found = force.contrasted(self.claim, sentence)
        for reason, clash in (found, force.excepted(self.claim, sentence)):
            if reason:
                return ("contradicted" if clash else "partly"), _sentence(reason)
        turned = polarity.turned(self.claim, sentence)
        if turned:
            return "contradicted", _sentence(turned)
        said, other = polarity.opposed(self.claim, sentence)
        if said:
            return "contradicted", f'It says "{said}"; {HERE} says "{other}".'
        quantity, clash = polarity.requantified(self.claim, sentence)
        if quantity:
            return ("contradicted" if clash else "partly"), _sentence(quantity)
        hedge, _ = force.overstated(self.claim, sentence)
        return ("partly", _sentence(hedge)) if hedge else None

    def _meaning(self) -> tuple[Verdict, str] | None:
        overlap, cosine = self.best.overlap, self.best.cosine
        # Pairs of characters overlap less than words when a character changes.
        enough = 0.6 if language.has_cjk(self.claim) else 0.75
        if (self.share >= enough and (overlap >= 0.45 or cosine >= 0.55)) or cosine >= 0.8:
            added = self._added()
            return ("partly", f'"{added}" is not in {HERE}.') if added else None
        if self.share >= 0.5 or cosine >= 0.5:
            return "partly", f"{HERE} says only a part of it, or says it in other words."
        return "unsupported", f"{HERE} does not say it."

    def _added(self) -> str:
        """A clause of the claim of which the passage has next to no word; "" when there is none."""
        held = self._held_words()
        for clause in _CLAUSE.split(self.claim)[1:]:
            told = content_words(values.without_values(clause))
            if len(told) >= ADDED_WORDS and sum(holds(held, word) for word in told) <= ADDED_HELD * len(told):
                return safe_text(clause.strip(" .,;"), 60, single_line=True)
        return ""


def _sentence(reason: str) -> str:
    return f"{reason[0].upper()}{reason[1:]}."
