"""Claims, verdicts, citations: what of a model's text stands in the passages it was given.

The check is mechanical and says so little more than it knows: numbers, dates and names must be in the
cited passages, words or meaning must be close to one of their sentences, and a "not" must be on both
sides. A claim in another language than its passage is only checked for numbers and names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from copilot.passages import Sentence, Source, Vectors, cite
from copilot.types import Citation, Claim, Verdict
from copilot.words import content_words, counts, holds, words
from indexer import language
from indexer.library import Library
from indexer.text import fold, safe_text

Embed = Callable[[Sequence[str]], Vectors | None]

MAX_QUOTE = 600
"""Characters of a quote that covers several sentences of one passage."""

_MARK = re.compile(r"[\[【]\s*(\d{1,3}(?:\s*(?:[,;]|[-–])\s*\d{1,3})*)\s*[\]】]")
_MARKS_AFTER_STOP = re.compile(r"([.!?。！？]+[\"”’)]*)((?:\s*[\[【]\s*\d[\d\s,;–-]*[\]】])+)")
_LINK = re.compile(r"!?\[([^\]\n]*)\]\((?:[^()\s]|\([^()]*\))*(?:\s+\"[^\"]*\")?\)")
_LINK_DEFINITION = re.compile(r"^\s*\[[^\]]+\]:\s*\S+.*$", re.MULTILINE)
_NUMBER = re.compile(r"\d+(?:[.,’' ]\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)?")
_NAME = re.compile(r"[A-ZÀ-ÖØ-Þ][\w’'-]*[\w]")
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|neither|nor|without|cannot|nobody|nothing|refus\w+|den(?:y|ies|ied)|fail(?:s|ed)?|"
    r"nicht|kein\w*|nie|niemals|ohne|weder|ne|pas|jamais|sans|aucun\w*|sin|nunca|ningún|ninguna?|jamás)\b"
    r"|n['’]t\b|不|没|沒|无|無|未|非|لا |لم |ليس|لن ",
    re.IGNORECASE,
)

_NUMBER_WORDS = {
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "ten": "10",
    "eleven": "11",
    "twelve": "12",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A sentence of a model's text with the passages it names."""

    text: str
    """Without citation marks."""
    numbers: tuple[int, ...]
    """Passages named that were shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounded:
    """A model's text after the check."""

    text: str
    claims: tuple[Claim, ...]
    citations: tuple[Citation, ...]
    notes: tuple[str, ...]


def clean(text: str) -> str:
    """A model's text made harmless: links become their words, pictures and control characters vanish."""
    text = _LINK_DEFINITION.sub("", _LINK.sub(r"\1", text))
    return safe_text(text).strip()


def statements(text: str, shown: Sequence[int]) -> tuple[list[Statement], list[int]]:
    """Sentences of an answer with the passages they name, and the numbers of passages never shown."""
    text = _MARKS_AFTER_STOP.sub(lambda match: f" {match[2].strip()}{match[1]}", text)
    found: list[Statement] = []
    foreign: list[int] = []
    for start, end in language.sentences(text):
        named = _named(text[start:end])
        foreign += [number for number in named if number not in shown and number not in foreign]
        kept = tuple(dict.fromkeys(number for number in named if number in shown))
        bare = re.sub(r"\s+([.,;:!?])", r"\1", _MARK.sub("", text[start:end])).strip(" -*•\t\n")
        if not re.search(r"\w", bare):
            if kept and found:  # marks alone on a line belong to the sentence before
                found[-1] = replace(found[-1], numbers=tuple(dict.fromkeys([*found[-1].numbers, *kept])))
            continue
        found.append(Statement(text=" ".join(bare.split()), numbers=kept))
    return found, foreign


def _named(text: str) -> list[int]:
    numbers: list[int] = []
    for match in _MARK.finditer(text):
        for part in re.split(r"[,;]", match[1]):
            first, dash, last = re.sub(r"\s", "", part).replace("–", "-").partition("-")
            numbers += range(int(first), min(int(last), int(first) + 20) + 1) if dash else [int(first)]
    return numbers


def ground(text: str, sources: Sequence[Source], library: Library, embed: Embed) -> Grounded:
    """Check a model's text against the passages it was shown.

    Args:
        text: What the model wrote, with `[n]` marks.
        sources: The passages shown; `passage.number` is their mark.
        library: Proves the quotes.
        embed: Makes unit rows of texts, or None without an embedding model.

    Returns:
        The text built from the sentences with the marks that hold, a claim for each sentence, the
        citations they name, and a note when something was dropped.
    """
    by_number = {source.passage.number: source for source in sources}
    found, foreign = statements(clean(text), tuple(by_number))
    notes = []
    if foreign:
        listed = ", ".join(f"[{number}]" for number in foreign[:5])
        notes.append(f"Dropped citations of passages that were not shown: {listed}.")
    similar = _similarities([each.text for each in found], sources, embed)
    quotes = _Quotes(library)
    claims = []
    for row, each in enumerate(found):
        cited = [by_number[number] for number in each.numbers]
        verdict, reason, evidence = judge(each.text, cited or sources, similar, row, named=bool(cited))
        if not cited and verdict != "supported":
            verdict, reason, evidence = "unsupported", "It names no passage, and none says it.", []
        numbers = [number for number in (quotes.add(by_number, sentence) for sentence in evidence) if number]
        claims.append(
            Claim(text=each.text, verdict=verdict, citations=tuple(dict.fromkeys(numbers)), reason=reason)
        )
    return Grounded(
        text=" ".join(with_marks(claim.text, claim.citations) for claim in claims),
        claims=tuple(claims),
        citations=tuple(quotes.citations()),
        notes=tuple(notes),
    )


def with_marks(text: str, numbers: Sequence[int]) -> str:
    """The sentence with its marks before the stop."""
    marks = "".join(f"[{number}]" for number in numbers)
    if not marks:
        return text
    stop = re.search(r"[.!?。！？]+[\"”’)]*$", text)
    at = stop.start() if stop else len(text)
    return f"{text[:at]} {marks}{text[at:]}"


class _Similarities:
    """Cosines between claims and sentences of passages; all zero without an embedding model."""

    def __init__(self, columns: dict[tuple[int, int], int], matrix: Vectors | None) -> None:
        self._columns = columns
        self._matrix = matrix

    def of(self, row: int, sentence: Sentence) -> float:
        column = self._columns.get((sentence.passage, sentence.start))
        if self._matrix is None or column is None:
            return 0.0
        return float(self._matrix[row, column])


def _similarities(claims: Sequence[str], sources: Sequence[Source], embed: Embed) -> _Similarities:
    sentences = [sentence for source in sources for sentence in source.sentences]
    # Embedding is slow: of many sentences only those that share words with a claim are compared.
    bags = [set(content_words(claim)) for claim in claims]
    sentences.sort(key=lambda each: -max((len(bag & set(each.words)) for bag in bags), default=0))
    sentences = sentences[: max(4 * len(claims), 24)]
    columns = {(each.passage, each.start): at for at, each in enumerate(sentences)}
    if not claims or not sentences:
        return _Similarities({}, None)
    rows = embed([*claims, *(each.text for each in sentences)])
    if rows is None:
        return _Similarities({}, None)
    matrix: Vectors = np.asarray(rows[: len(claims)] @ rows[len(claims) :].T, dtype=np.float32)
    return _Similarities(columns, matrix)


def judge(
    claim: str, cited: Sequence[Source], similar: _Similarities, row: int, *, named: bool
) -> tuple[Verdict, str, list[Sentence]]:
    """Check one claim against passages.

    Returns:
        The verdict, why it is not "supported", and the sentences to quote: of each passage the nearest
        when the claim `named` them, else the nearest of all.
    """
    wanted = content_words(claim)
    ranked = sorted(
        (
            (_closeness(wanted, sentence, similar.of(row, sentence)), sentence)
            for source in cited
            for sentence in source.sentences
        ),
        key=lambda pair: -pair[0][0],
    )
    if not ranked:
        return "unsupported", "The passage named holds no text.", []
    (_, overlap, cosine), best = ranked[0]
    firsts = {sentence.passage: sentence for _, sentence in reversed(ranked)}
    evidence = (
        [firsts[source.passage.number - 1] for source in cited if source.sentences] if named else [best]
    )
    text = " ".join(f"{source.hit.title} {source.hit.heading} {source.hit.text}" for source in cited)
    missing = _missing_numbers(claim, text)
    close = overlap >= 0.6 or cosine >= 0.7
    if missing:
        if close and _numbers(best.text):
            return "contradicted", f"The passage has another number than {missing[0]}.", evidence
        return "unsupported", f"The passage does not hold the number {missing[0]}.", evidence
    unknown = _missing_names(claim, text)
    if _foreign(claim, best.text):
        if unknown:
            return "partly", f"The passage, in another language, does not name {unknown[0]}.", evidence
        return "partly", "The passage is in another language: only numbers and names were compared.", evidence
    if close and bool(_NEGATION.search(claim)) != bool(_NEGATION.search(best.text)):
        return "contradicted", 'One of claim and passage says "not".', evidence
    held = set(words(text))
    share = sum(holds(held, word) for word in wanted) / len(wanted) if wanted else 1.0
    if unknown:
        return ("partly" if close else "unsupported"), f"The passage does not name {unknown[0]}.", evidence
    if (share >= 0.75 and (overlap >= 0.45 or cosine >= 0.55)) or cosine >= 0.8:
        return "supported", "", evidence
    if share >= 0.5 or cosine >= 0.5:
        return "partly", "The passage says only a part of it, or says it in other words.", evidence
    return "unsupported", "The passage does not say it.", evidence


def _closeness(wanted: Sequence[str], sentence: Sentence, cosine: float) -> tuple[float, float, float]:
    bag = set(sentence.words)
    overlap = sum(holds(bag, word) for word in wanted) / len(wanted) if wanted else 0.0
    return overlap + cosine, overlap, cosine


def _numbers(text: str) -> set[str]:
    found = {_plain_number(match[0]) for match in _NUMBER.finditer(text)}
    return found | {_NUMBER_WORDS[word] for word in words(text) if word in _NUMBER_WORDS}


def _plain_number(number: str) -> str:
    """1,234.50 and 1.234,50 and 1 234.5 as one: digits, with the part after a decimal sign kept."""
    if re.fullmatch(r"\d{1,3}(?:[.,’' ]\d{3})+(?:[.,]\d+)?", number):
        tail = re.search(r"[.,]\d{1,2}$|[.,]\d{4,}$", number)
        whole = number[: tail.start()] if tail else number
        number = re.sub(r"\D", "", whole) + (tail[0] if tail else "")
    number = number.replace(",", ".")
    return number.rstrip("0").rstrip(".") if "." in number else number.lstrip("0") or "0"


def _missing_numbers(claim: str, text: str) -> list[str]:
    held = _numbers(text)
    return [match[0] for match in _NUMBER.finditer(claim) if _plain_number(match[0]) not in held]


def _missing_names(claim: str, text: str) -> list[str]:
    """Capitalised words of the claim, its first word left out, that the passages do not hold."""
    if language.detect(claim) == "de":  # every noun is capitalised
        return []
    held = set(words(text))
    return [
        match[0]
        for match in _NAME.finditer(claim)
        if match.start() > 0
        and counts(fold(match[0]))
        and not all(holds(held, word) for word in words(match[0]))
    ]


def _foreign(claim: str, text: str) -> bool:
    if language.has_cjk(claim) != language.has_cjk(text):
        return True
    first, second = language.detect(claim), language.detect(text)
    return bool(first and second and first != second and len(claim) > 40 and len(text) > 40)


class _Quotes:
    """Citations under construction: one number for each passage while its quotes lie close together."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._made: dict[int, Citation] = {}
        self._origin: dict[int, int] = {}

    def add(self, by_number: dict[int, Source], sentence: Sentence) -> int | None:
        """Number under which the sentence is quoted; None when the quote cannot be proven."""
        number = sentence.passage + 1
        source = by_number[number]
        for n, citation in self._made.items():
            if self._origin[n] != number:
                continue
            start, end = min(citation.start, sentence.start), max(citation.end, sentence.end)
            if end - start <= MAX_QUOTE or (start, end) == (citation.start, citation.end):
                wider = cite(self._library, n, source.hit, start, end)
                if wider is not None:
                    self._made[n] = wider
                    return n
        n = number if number not in self._made else max([*self._made, *by_number]) + 1
        made = cite(self._library, n, source.hit, sentence.start, sentence.end)
        if made is None:
            return None
        self._made[n], self._origin[n] = made, number
        return n

    def citations(self) -> list[Citation]:
        """All of them, by number."""
        return [self._made[n] for n in sorted(self._made)]
