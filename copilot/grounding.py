"""Claims, verdicts, citations: what of a text stands in the passages it was written from.

The door to `copilot.claims`: cuts a text into claims, has each checked against the passages it names (or,
when it names none, against all), and proves the quotes. The check is mechanical and says no more than it
knows: a claim in another language than its passage is only checked for numbers and names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from copilot.claims import verdicts
from copilot.passages import Sentence, Source, Vectors, cite, with_sentences
from copilot.types import Citation, Claim
from copilot.words import content_words
from indexer import language
from indexer.library import Library
from indexer.text import safe_text

Embed = Callable[[Sequence[str]], Vectors | None]

_MAY_END = re.compile(r"[\s。！？]")
"""Without it a piece of a text completes no sentence."""

MAX_QUOTE = 600
"""Characters of a quote that covers several sentences of one passage."""

LONGEST_LINK = 2000
"""Characters that are held back because they may be a link."""

_MARK = re.compile(r"[\[【]\s*(\d{1,3}(?:\s*(?:[,;]|[-–])\s*\d{1,3})*)\s*[\]】]")
_MARKS_AFTER_STOP = re.compile(r"([.!?。！？]+[\"”’)]*)((?:\s*[\[【]\s*\d[\d\s,;–-]*[\]】])+)")
_LINK = re.compile(r"!?\[([^\]\n]*)\]\((?:[^()\s]|\([^()]*\))*(?:\s+\"[^\"]*\")?\)")
_REFERENCE = re.compile(r"(!?)\[([^\]\n]+)\]\[(?!\d{1,3}\])[^\]\n]*\]")
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]{0,2000}>|<(?=[a-z][a-z0-9+.-]*:)([^<>\s]*)>")
_SCHEME = re.compile(
    r"\b(?:[a-z][a-z0-9+.-]{1,20}:/{2,}|(?:javascript|mailto|tel|file|vbscript):(?=\S)|data:(?=\w+/))(?:www\.)?",
    re.IGNORECASE,
)
_ESCAPE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]{0,2000}(?:\x07|\x1b\\))|\x9b[0-?]*[ -/]*[@-~]"
)
"""What a terminal obeys, whole: the words of a hidden link stay, its address does not."""
_BEGUN = re.compile(
    r"!?\[[^\]\n]*\Z|\]\([^)\n]*\Z|</?[a-zA-Z][^<>\n]*\Z|^[^\S\n]*\[[^\]\n]+\]:[^\n]*\Z"
    r"|\x1b[\]PX^_][^\x07\x1b]*\Z",
    re.MULTILINE,
)
"""What may become a link when more of the text comes."""
_HEADING = re.compile(r"^#{1,6}\s+")
_LINK_DEFINITION = re.compile(r"^\s*\[[^\]]+\]:\s*\S+.*$", re.MULTILINE)


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
    """A model's text made harmless: nothing in it is a link, in Markdown, HTML or plain text.

    Links become their words, tags, control characters and what terminals obey vanish, addresses lose the
    part that makes terminals and renderers open them.
    """
    return _disarmed(text).strip()


def _disarmed(text: str) -> str:
    text = _LINK_DEFINITION.sub("", _LINK.sub(r"\1", _ESCAPE.sub("", text)))
    text = _TAG.sub(lambda match: match[1] or "", _REFERENCE.sub(r"\2", safe_text(text)))
    return _SCHEME.sub("", text)


class Harmless:
    """A text made harmless as `clean` does, while it is written: what may become a link waits."""

    def __init__(self) -> None:
        """Begin without text."""
        self._held = ""

    def add(self, piece: str) -> str:
        """Take in more of the text; what of it may be shown now."""
        self._held = _ESCAPE.sub("", self._held + piece)
        cut = _last_space(self._held)
        while len(self._held) < LONGEST_LINK and (begun := _BEGUN.search(self._held, 0, cut)):
            cut = _last_space(self._held[: begun.start()])
        ready, self._held = self._held[:cut], self._held[cut:]
        return _disarmed(ready)

    def rest(self) -> str:
        """What was held back, at the end of the text."""
        ready, self._held = self._held, ""
        return _disarmed(ready)


def _last_space(text: str) -> int:
    """Where the white space behind the last whole word begins; a script without spaces has no words."""
    for at in range(len(text) - 1, -1, -1):
        if text[at].isspace():
            return at
        if "\u2e80" <= text[at] <= "\uffef":
            return at + 1
    return 0


def statements(text: str, shown: Sequence[int]) -> tuple[list[Statement], list[int]]:
    """Sentences of an answer with the passages they name, and the numbers of passages never shown."""
    text = _MARKS_AFTER_STOP.sub(lambda match: f" {match[2].strip()}{match[1]}", text)
    found: list[Statement] = []
    foreign: list[int] = []
    for start, end in language.sentences(text, language.detect(text)):
        named = _named(text[start:end])
        foreign += [number for number in named if number not in shown and number not in foreign]
        kept = tuple(dict.fromkeys(number for number in named if number in shown))
        bare = re.sub(r"\s+([.,;:!?])", r"\1", _MARK.sub("", text[start:end])).strip(" -*•\t\n")
        bare = _HEADING.sub("", bare)
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
    found, foreign = statements(clean(text), [source.passage.number for source in sources])
    return _grounded(found, foreign, sources, library, embed)


class Ledger:
    """A text that is checked while it is written: each sentence once the next has begun."""

    def __init__(
        self, sources: Sequence[Source], library: Library, embed: Embed, *, cited_only: bool = False
    ) -> None:
        """Begin without text.

        Args:
            sources: As in `ground`.
            library: As in `ground`.
            embed: As in `ground`.
            cited_only: Check against the passages that the text has named so far, for summaries of many;
                their sentences need not be cut.
        """
        self._sources = list(sources)
        self._cited_only = cited_only
        self._library = library
        self._embed = embed
        self._rows: dict[str, Vectors] = {}
        self._text = ""
        self._told = 0

    def add(self, piece: str) -> tuple[Claim, ...]:
        """Take in more of the text; the claims so far when there is a new one, else none."""
        self._text += piece
        if not _MAY_END.search(piece):
            return ()
        found, _ = statements(clean(self._text), self._numbers())
        complete = found[:-1]  # marks may follow the last
        if len(complete) <= self._told:
            return ()
        self._told = len(complete)
        return _grounded(complete, [], self._shown(complete), self._library, self._remembered).claims

    def finish(self) -> Grounded:
        """Check the whole text."""
        found, foreign = statements(clean(self._text), self._numbers())
        return _grounded(found, foreign, self._shown(found), self._library, self._remembered)

    def _shown(self, found: Sequence[Statement]) -> list[Source]:
        if not self._cited_only:
            return self._sources
        cited = {number for each in found for number in each.numbers}
        for at, source in enumerate(self._sources):
            if source.passage.number in cited and not source.sentences:
                self._sources[at] = with_sentences(source)
        return [source for source in self._sources if source.passage.number in cited]

    def _numbers(self) -> list[int]:
        return [source.passage.number for source in self._sources]

    def _remembered(self, texts: Sequence[str]) -> Vectors | None:
        """Embed each text once; a sentence is checked again with every one that follows it."""
        new = [text for text in dict.fromkeys(texts) if text not in self._rows]
        if new:
            rows = self._embed(new)
            if rows is None:
                return None
            self._rows.update(zip(new, rows, strict=True))
        return np.stack([self._rows[text] for text in texts])


def _grounded(
    found: Sequence[Statement],
    foreign: Sequence[int],
    sources: Sequence[Source],
    library: Library,
    embed: Embed,
) -> Grounded:
    by_number = {source.passage.number: source for source in sources}
    notes = []
    if foreign:
        listed = ", ".join(f"[{number}]" for number in foreign[:5])
        notes.append(f"Dropped citations of passages that were not shown: {listed}.")
    similar = _similarities([each.text for each in found], sources, embed)
    quotes = _Quotes(library)
    claims = []
    for row, each in enumerate(found):
        cited = [by_number[number] for number in each.numbers]
        judged = verdicts.judge(each.text, cited or sources, similar.to(row), named=bool(cited))
        claims.append(_claim(each, judged, quotes, by_number))
    return Grounded(
        text=" ".join(with_marks(claim.text, claim.citations) for claim in claims),
        claims=tuple(claims),
        citations=tuple(quotes.citations()),
        notes=tuple(notes),
    )


def _claim(
    statement: Statement, judged: verdicts.Judged, quotes: _Quotes, by_number: dict[int, Source]
) -> Claim:
    """The claim with the citations that could be proven, the first being what its reason speaks of."""
    verdict, reason, evidence = judged.verdict, judged.reason, judged.evidence
    if not statement.numbers and verdict not in ("supported", "contradicted"):
        verdict, reason, evidence = "unsupported", "It names no passage, and none says it.", ()
    proven = [(quotes.add(by_number, sentence), sentence) for sentence in evidence]
    kept = [(number, sentence) for number, sentence in proven if number is not None]
    mark = f"[{kept[0][0]}]" if kept else "the passage"
    reason = reason.replace(verdicts.HERE, mark)
    return Claim(
        text=statement.text,
        verdict=verdict,
        citations=tuple(dict.fromkeys(number for number, _ in kept)),
        reason=reason[:1].upper() + reason[1:],
        quote=" ".join(kept[0][1].text.split()) if kept else "",
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

    def to(self, row: int) -> verdicts.Similar:
        """The cosines of one claim."""

        def cosine(sentence: Sentence) -> float:
            column = self._columns.get((sentence.passage, sentence.start))
            if self._matrix is None or column is None:
                return 0.0
            return float(self._matrix[row, column])

        return cosine


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
