"""Where documents disagree: nearly the same sentence in two of them, with another value in it.

An answer that quotes one of two versions has chosen silently. Here the sentences an answer stands on are
compared with all others that were found, and with those found for the sentence itself. To be silent on
ordinary tables and lists, a pair counts only when it is the same statement but for the value: no name and
no word on both sides that the other has not, no other date, the same unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from copilot import disagreeing, passages
from copilot.claims.dates import Date
from copilot.claims.roles import weekdays
from copilot.claims.values import Value, stated
from copilot.dating import date_of
from copilot.passages import Source, Term
from copilot.types import Citation, Conflict, ConflictRow
from copilot.words import WORD, counts, same_word, words
from indexer import language
from indexer.errors import NotFoundError
from indexer.library import Library

COMPARED = 3
"""Quotes of an answer that are compared."""
FOUND = 10
"""Passages that are looked for besides, by the words of a quote."""
MOST_ROWS = 8
SHARED = 0.6
"""Share of content words that two sentences must have in common when one only adds to the other."""
SHARED_REWORDED = 0.8
"""The same when each has words of its own; such documents must have similar names as well."""

_REFERENCE = re.compile(
    r"(?:\b(?:sections?|tables?|figures?|fig|pages?|pp?|chapters?|clauses?|articles?|art|annex|appendix|items?|"
    r"no|nr|nos|step|seite|abschnitt|kapitel|tabelle|abbildung|ziffer|absatz|artikel|artículo|página|"
    r"sección|capítulo|tabla|figura|chapitre|tableau)\.?\s*|§+\s*|第|#)$",
    re.IGNORECASE,
)
_SIGN = re.compile(r"(?:US\$|[$€£¥₹]|USD|EUR|GBP|CHF)\s?$")
_NUMBERED = re.compile(r"\s*[(\[]?\d{1,3}[.)\]]\s")


@dataclass(frozen=True, slots=True)
class Slot:
    """A value in a sentence."""

    kind: str
    """What it measures: "date", "year", "weekday", "number" without a unit, or the kind of its unit. Also
    "name" and "denial"."""
    value: Value | Date | str
    start: int
    end: int

    def same(self, other: Slot) -> bool:
        """Whether both say the same."""
        if isinstance(self.value, str) or isinstance(other.value, str):
            return self.value == other.value
        if isinstance(self.value, Date) or isinstance(other.value, Date):
            return (
                isinstance(self.value, Date)
                and isinstance(other.value, Date)
                and self.value.agrees(other.value)
            )
        return self.value.same_amount(other.value) or (
            self.value.same_number(other.value)
            and (self.value.unit is None or other.value.unit is None or self.value.unit == other.value.unit)
        )


class Statement:
    """A sentence as words and values."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def slots(self) -> list[Slot]:
        """Its values in order, without numbers of sections, pages and items."""
        found = stated(self.text)
        slots = [Slot("date", date, date.start, date.end) for date in found.dates]
        numbered = _NUMBERED.match(self.text)
        for value in found.values:
            if value.weak or _REFERENCE.search(self.text[: value.start]):
                continue
            if numbered and value.start < numbered.end():
                continue
            kind = "year" if value.year else value.unit.kind if value.unit else "number"
            sign = _SIGN.search(self.text[: value.start])
            start = sign.start() if sign else value.start
            slots.append(Slot(kind, value, start, value.start + len(value.written)))
        return sorted(slots, key=lambda slot: slot.start)

    @cached_property
    def compared(self) -> list[Slot]:
        """Its values and days of the week, in order."""
        days = [Slot("weekday", str(day), start, end) for day, start, end in weekdays(self.text)]
        return sorted([*self.slots, *days], key=lambda slot: slot.start)

    @cached_property
    def rest(self) -> str:
        """The text without its values."""
        text = self.text
        for slot in reversed(self.compared):
            text = f"{text[: slot.start]} {text[slot.end :]}"
        return text

    @cached_property
    def words(self) -> list[str]:
        """Folded content words outside the values, each once."""
        return list(dict.fromkeys(word for word in words(self.rest) if counts(word)))

    @property
    def says_enough(self) -> bool:
        """Whether the words name what the value is of: an item of a list or a table needs more of them."""
        if language.has_cjk(self.text):
            return len(self.words) >= 5
        plain = words(self.rest)
        prose = "|" not in self.text and any(not counts(word) for word in plain)
        return len(self.words) >= (2 if prose else 3)


def differing(first: Statement, second: Statement, *, versions: bool = False) -> list[tuple[Slot, Slot]]:
    """What two sentences that otherwise say the same differ in: values, else a name, else a denial.

    None when they do not say the same.

    Args:
        first: A sentence.
        second: Another.
        versions: Whether their documents look like versions of one.
    """
    if ("|" in first.text) != ("|" in second.text):
        return []
    return _of_values(first, second, versions=versions) or _of_words(first, second, versions=versions)


def _of_values(first: Statement, second: Statement, *, versions: bool) -> list[tuple[Slot, Slot]]:
    if not first.compared or not second.compared or not first.says_enough or not second.says_enough:
        return []
    if not _same_statement(first, second, versions=versions):
        return []
    pairs: list[tuple[Slot, Slot]] = []
    for kind in dict.fromkeys(slot.kind for slot in first.compared):
        mine = [slot for slot in first.compared if slot.kind == kind]
        theirs = [slot for slot in second.compared if slot.kind == kind]
        if len(mine) == len(theirs):
            pairs += [(a, b) for a, b in zip(mine, theirs, strict=True) if not a.same(b)]
    most = 1 if "|" in first.text else 2
    if len(pairs) > most or _of_other_times(pairs):
        return []
    return pairs


def _of_words(first: Statement, second: Statement, *, versions: bool) -> list[tuple[Slot, Slot]]:
    """A name, or a "not", in which they differ while all values are the same."""
    if "|" in first.text or not _overlap(first, second):
        return []
    if len(first.compared) != len(second.compared) or not all(
        a.kind == b.kind and a.same(b) for a, b in zip(first.compared, second.compared, strict=True)
    ):
        return []
    for kind, find in (("name", disagreeing.renamed), ("denial", disagreeing.denied)):
        found = find(first.text, second.text, versions=versions)
        if found is not None:
            (a, b), (c, d) = found.first, found.second
            mine, theirs = first.text[a:b], second.text[c:d]
            return [(Slot(kind, mine, a, b), Slot(kind, theirs, c, d))]
    return []


def _overlap(first: Statement, second: Statement) -> bool:
    """Whether a third of the words of the shorter are in the other: all else is too far apart to compare."""
    mine, theirs = set(first.words), set(second.words)
    return 3 * len(mine & theirs) >= min(len(mine), len(theirs)) > 0


def _of_other_times(pairs: Sequence[tuple[Slot, Slot]]) -> bool:
    """Whether a date differs beside another value: then both may be true, each of its time."""
    times = [pair for pair in pairs if pair[0].kind in ("date", "year")]
    return bool(times) and len(times) < len(pairs)


def _same_statement(first: Statement, second: Statement, *, versions: bool) -> bool:
    mine = [word for word in first.words if not any(same_word(word, other) for other in second.words)]
    theirs = [word for word in second.words if not any(same_word(word, other) for other in first.words)]
    shared = len(first.words) - len(mine)
    share = shared / max(shared + len(mine) + len(theirs), 1)
    if _has_name(first.rest, mine) or _has_name(second.rest, theirs):
        return False
    if mine and theirs:
        return versions and share >= SHARED_REWORDED
    return share >= SHARED


def _has_name(text: str, among: Sequence[str]) -> bool:
    """Whether one of some folded words is written with a capital inside the text."""
    wanted = set(among)
    return any(
        match.start() > 0 and match[0][0].isupper() and wanted.intersection(words(match[0]))
        for match in WORD.finditer(text.strip())
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """A sentence that says the same as a quote, or the quote itself."""

    statement: Statement
    slots: tuple[Slot, ...]
    citation: Citation


class Comparison:
    """Compares the quotes of one answer with what else was found."""

    def __init__(
        self,
        library: Library,
        question: str,
        sources: Sequence[Source],
        *,
        scope: str,
        documents: tuple[str, ...],
    ) -> None:
        """Keep what was found for the question."""
        self._library = library
        self._question = question
        self._sources = sources
        self._scope = scope
        self._documents = documents
        self._dates: dict[tuple[str, str], str] = {}
        self._citations: list[Citation] = []

    @cached_property
    def _named(self) -> list[Term]:
        return [term for term in passages.terms(self._question, self._library) if term.named]

    def find(self, citations: Sequence[Citation]) -> tuple[tuple[Conflict, ...], tuple[Citation, ...]]:
        """The disagreements about what an answer cites, and citations for what it did not cite."""
        self._citations = list(citations)
        conflicts: list[Conflict] = []
        told: set[tuple[str, int]] = set()
        for citation in citations[:COMPARED]:
            for statement, start in _statements(citation):
                if (citation.document, start) in told:
                    continue
                group = self._against(citation, statement)
                if len(group) > 1:
                    told |= {(each.citation.document, each.citation.start) for each in group}
                    conflicts.append(self._conflict(group))
        return tuple(conflicts), tuple(self._citations[len(citations) :])

    def _against(self, citation: Citation, statement: Statement) -> list[_Found]:
        if not statement.words:
            return []
        group: list[_Found] = []
        asked = self._asked_of(citation)
        for source in self._candidates(statement):
            hit = source.hit
            if hit.document == citation.document or any(
                each.citation.document == hit.document for each in group
            ):
                continue
            if not all(term.is_in(set(source.words)) for term in asked):
                continue
            versions = _alike(citation.path, hit.path)
            for sentence in source.sentences:
                other = Statement(sentence.text)
                pairs = differing(statement, other, versions=versions)
                if not pairs or self._agree(pairs, citation, statement, hit.document, other):
                    continue
                cited = self._cite(source, sentence.start, sentence.end)
                if cited is not None:
                    group.append(_Found(other, tuple(pair[1] for pair in pairs), cited))
                    mine = tuple(pair[0] for pair in pairs)
                    if group[0].citation != citation:
                        group.insert(0, _Found(statement, mine, citation))
                    break
            if len(group) >= MOST_ROWS:
                break
        return group

    def _agree(
        self,
        pairs: Sequence[tuple[Slot, Slot]],
        citation: Citation,
        statement: Statement,
        document: str,
        other: Statement,
    ) -> bool:
        """Whether one of both documents says both, of a name or a denial: then they are two things."""
        if not any(isinstance(pair[0].value, str) and pair[0].kind != "weekday" for pair in pairs):
            return False
        return self._holds(document, statement.text) or self._holds(citation.document, other.text)

    def _holds(self, document: str, text: str) -> bool:
        whole = self._library.catalogue.text(document.removeprefix("sha256:"))
        return " ".join(text.split()) in " ".join(whole.split())

    def _asked_of(self, citation: Citation) -> list[Term]:
        """Names in the question that the quote's passage holds: another passage must hold them, too."""
        for source in self._sources:
            hit = source.hit
            if hit.document == citation.document and hit.start <= citation.start < hit.end:
                held = set(source.words)
                return [term for term in self._named if term.is_in(held)]
        return []

    def _candidates(self, statement: Statement) -> Iterator[Source]:
        seen = set()
        for source in self._sources:
            seen.add(source.hit.chunk)
            yield source
        result = passages.retrieve(
            self._library,
            passages.plain_query(statement.text),
            scope=self._scope,
            documents=self._documents,
            limit=FOUND,
        )
        for source in passages.sources(result.hits):
            if source.hit.chunk not in seen:
                yield source

    def _cite(self, source: Source, start: int, end: int) -> Citation | None:
        """The citation of a sentence: one that is there already, or another."""
        hit = source.hit
        for citation in self._citations:
            if citation.document == hit.document and citation.start <= start and end <= citation.end:
                return citation
        n = max((citation.n for citation in self._citations), default=0) + 1
        made = passages.cite(self._library, n, hit, start, end)
        if made is not None:
            self._citations.append(made)
        return made

    def _conflict(self, group: Sequence[_Found]) -> Conflict:
        dated = sorted(group, key=lambda each: (self._date(each.citation), each.citation.path), reverse=True)
        return Conflict(
            about=_about(dated[0]),
            rows=tuple(
                ConflictRow(
                    value=", ".join(each.statement.text[slot.start : slot.end] for slot in each.slots),
                    citation=each.citation.n,
                    path=each.citation.path,
                    page=each.citation.page,
                    date=self._date(each.citation),
                )
                for each in dated
            ),
        )

    def _date(self, citation: Citation) -> str:
        key = (citation.path, citation.document)
        if key not in self._dates:
            try:
                self._dates[key] = date_of(self._library.details(citation.path))
            except NotFoundError:
                self._dates[key] = ""
        return self._dates[key]


def _statements(citation: Citation) -> Iterator[tuple[Statement, int]]:
    for start, end in language.sentences(citation.quote, language.detect(citation.quote)):
        yield Statement(citation.quote[start:end]), citation.start + start


def _about(found: _Found) -> str:
    text = found.statement.text
    for slot in sorted(found.slots, key=lambda slot: -slot.start):
        text = f"{text[: slot.start]}…{text[slot.end :]}"
    return " ".join(text.split())


def _alike(first: str, second: str) -> bool:
    """Whether two files are named like versions of one: half of the words of their names in common."""
    names = [
        {
            word
            for word in words(path.rsplit("/", 1)[-1].rsplit(".", 1)[0])
            if not re.fullmatch(r"v?\d+|final|draft|copy|old|new|rev|version", word)
        }
        for path in (first, second)
    ]
    return 2 * len(names[0] & names[1]) >= max(len(names[0] | names[1]), 1)
