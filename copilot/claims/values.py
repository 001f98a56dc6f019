"""The values a sentence states, numbers with units and dates, and whether other sentences state the same."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from copilot.claims.dates import Date, dates
from copilot.claims.numerals import numerals
from copilot.claims.units import Unit, unit_at
from copilot.words import counts, holds, words

IDENTIFIER = re.compile(
    r"(?<![\w.])(?=[\w./-]*\d)[A-Za-z]{1,12}[-/]?\d[\w-]*(?:[./]\w+)*|(?<!\w)\d+[A-Z]{1,3}\d\w*"
)
"""Part numbers, versions, file numbers: letters that a digit follows."""
_CLOCK = re.compile(
    r"(?<![\d:.])([01]?\d|2[0-3]):([0-5]\d)(?::[0-5]\d)?(?!\d)\s*([ap]\.?m\b)?", re.IGNORECASE
)
_HOUR = re.compile(
    r"(?<![\w:.])(?P<hour>1[0-2]|0?[1-9])\s?(?P<half>[ap])\.?\s?m\b\.?|(?<![\w:.])(?P<uhr>[01]?\d|2[0-4])\s?Uhr\b",
    re.IGNORECASE,
)
_SAME_UNIT = re.compile(
    r"\s*(?:and|to|or|bis|und|oder|y|o|a|et|ou|à|至|到|和|或|[-–—~～/,])\s*(?:[$€£¥])?\s*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A number with what it measures."""

    start: int
    end: int
    """Of its unit, when that follows."""
    written: str
    readings: frozenset[Fraction]
    unit: Unit | None = None
    weak: bool = False

    def same_number(self, other: Value) -> bool:
        """Whether they are the same number, units aside."""
        return not self.readings.isdisjoint(other.readings)

    def same_amount(self, other: Value) -> bool:
        """Whether they are the same amount of the same kind: 5 km and 5,000 m."""
        if self.unit is None or other.unit is None or self.unit.kind != other.unit.kind:
            return False
        mine = [each * self.unit.factor for each in self.readings]
        theirs = [each * other.unit.factor for each in other.readings]
        slack = Fraction(0) if self.unit.factor == other.unit.factor else Fraction(1, 1000)
        return any(abs(a - b) <= slack * abs(b) for a in mine for b in theirs)

    @property
    def year(self) -> int:
        """The year it may be, or 0."""
        for reading in self.readings:
            if self.unit is None and reading.denominator == 1 and 1000 <= reading <= 2199:
                return int(reading)
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """All values of a text."""

    values: tuple[Value, ...]
    dates: tuple[Date, ...]
    names: tuple[str, ...]
    """Identifiers such as `PEP-484` or `N5812T`."""

    @property
    def numbers(self) -> list[Value]:
        """The numbers, and those within dates and identifiers."""
        parts = [
            Value(start=each.start, end=each.end, written=str(part), readings=frozenset([Fraction(part)]))
            for each in self.dates
            for part in (each.year, each.day, each.month)
            if part
        ]
        within = [
            Value(start=0, end=0, written=digits, readings=frozenset([Fraction(digits)]))
            for name in self.names
            for digits in re.findall(r"\d{1,9}", name)
        ]
        return [*self.values, *parts, *within]


@functools.lru_cache(maxsize=4096)
def stated(text: str) -> Stated:
    """Read the values of a text."""
    found = dates(text)
    taken = [(each.start, each.end) for each in found]
    identifiers = []
    for match in IDENTIFIER.finditer(text):
        if not _within(match.start(), match.end(), taken):
            identifiers.append(match[0])
            taken.append(match.span())
    values = []
    for match in _CLOCK.finditer(text):
        if not _within(match.start(), match.end(), taken):
            values.append(_clock(match))
            taken.append(match.span())
    for match in _HOUR.finditer(text):
        if not _within(match.start(), match.end(), taken):
            values.append(_hour(match))
            taken.append(match.span())
    for each in numerals(text):
        if _within(each.start, each.end, taken):
            continue
        unit, end = unit_at(text, each.start, each.end)
        values.append(
            Value(
                start=each.start, end=end, written=text[each.start : end].strip(),
                readings=each.readings, unit=unit, weak=each.weak and unit is None,
            )
        )  # fmt: skip
    values.sort(key=lambda each: each.start)
    return Stated(values=tuple(_inherit(text, values)), dates=tuple(found), names=tuple(identifiers))


def _within(start: int, end: int, taken: Sequence[tuple[int, int]]) -> bool:
    return any(start < stop and begin < end for begin, stop in taken)


def _clock(match: re.Match[str]) -> Value:
    hour = int(match[1]) % 12 + 12 * (match[3][0] in "pP") if match[3] else int(match[1])
    return _time_of_day(match, hour * 60 + int(match[2]))


def _hour(match: re.Match[str]) -> Value:
    hour = int(match["uhr"] or match["hour"])
    if match["half"]:
        hour = hour % 12 + 12 * (match["half"] in "pP")
    return _time_of_day(match, hour * 60)


def _time_of_day(match: re.Match[str], minutes: int) -> Value:
    reading = Fraction(minutes, 1440) + 10**9  # no amount is like a time of day
    return Value(
        start=match.start(), end=match.end(), written=match[0].strip(), readings=frozenset([reading])
    )


def _inherit(text: str, values: list[Value]) -> list[Value]:
    """In "5 to 10 km" both numbers are kilometres; in "1 or 2 million" both are millions or not."""
    made = list(values)
    for at in range(len(made) - 2, -1, -1):
        here, after = made[at], made[at + 1]
        gap = text[here.end : after.start]
        if here.unit is None and after.unit is not None and _SAME_UNIT.fullmatch(gap) and not here.year:
            made[at] = replace(here, unit=after.unit)
    return made


@dataclass(frozen=True, slots=True)
class Difference:
    """A value of a claim that other sentences do not state."""

    written: str
    instead: str
    """The value of the same type that they have and the claim has not, or ""."""
    spare: bool = False
    """They have a value of any type that the claim has not: it may stand where this one should."""
    unit_only: bool = False
    """The number is there, what it measures differs or is not said."""


def differences(claim: str, evidence: Sequence[str], *, near: bool = False) -> list[Difference]:
    """The values of a claim that none of some sentences states, each once.

    Args:
        claim: The claim.
        evidence: The sentences.
        near: A value counts only where one of its neighbouring words stands beside it in the claim, too.
    """
    claim = joined(claim)
    mine = stated(claim)
    texts = [joined(each) for each in evidence]
    theirs = [stated(each) for each in texts]
    numbers = [(each, text) for part, text in zip(theirs, texts, strict=True) for each in part.numbers]
    days = [(each, text) for part, text in zip(theirs, texts, strict=True) for each in part.dates]
    bags = [set(words(each)) for each in texts]
    found: list[Difference | None] = []
    for value in mine.values:
        beside = _beside(claim, value.start, value.end) if near else None
        others = [each for each, text in numbers if _stands_alike(beside, text, each.start, each.end)]
        found.append(_of_value(claim, value, mine, others, bags))
    for date in mine.dates:
        beside = _beside(claim, date.start, date.end) if near else None
        there = [each for each, text in days if _stands_alike(beside, text, each.start, each.end)]
        others = [each for each, text in numbers if _stands_alike(beside, text, each.start, each.end)]
        found.append(_of_date(claim, date, there, others))
    found += [_of_name(each, texts, theirs) for each in mine.names]
    unique = {each.written: each for each in found if each is not None}
    return list(unique.values())


def joined(text: str) -> str:
    """The text with its white space joined: a line may end between a number and its unit."""
    return " ".join(text.split())


def without_values(text: str) -> str:
    """The text without its numbers and dates, which are compared as values and not as words."""
    found = stated(text)
    spans = [(each.start, each.end) for each in found.values]
    spans += [(each.start, each.end) for each in found.dates]
    for start, end in sorted(spans, reverse=True):
        text = f"{text[:start]} {text[end:]}"
    return text


def _beside(text: str, start: int, end: int) -> set[str]:
    """Folded words next to a place, two on either side."""
    return {*words(text[max(0, start - 30) : start])[-2:], *words(text[end : end + 30])[:2]}


def _stands_alike(beside: set[str] | None, text: str, start: int, end: int) -> bool:
    return beside is None or any(
        holds(beside, word) for word in _beside(text, start, end) if counts(word) and len(word) > 1
    )


def _of_value(
    claim: str, value: Value, mine: Stated, others: Sequence[Value], bags: Sequence[set[str]]
) -> Difference | None:
    same = [each for each in others if value.same_number(each)]
    if any(value.same_amount(each) for each in others):
        return None
    if not same:
        instead = _instead(value, mine, others)
        spare = bool(_spare(mine, others))
        return None if value.weak and not instead else Difference(value.written, instead, spare)
    if value.unit is None:
        return _of_unit_unknown(claim, value, same, bags)
    if any(_compatible(value.unit, each.unit) for each in same):
        return None
    return Difference(value.written, next(each.written for each in same), unit_only=True)


def _of_unit_unknown(
    claim: str, value: Value, same: Sequence[Value], bags: Sequence[set[str]]
) -> Difference | None:
    """A number without a known unit, where the sentences have it with one: is the word behind it new?"""
    behind = re.match(r"[\s-]{0,2}([^\W\d_]+)", claim[value.end :])
    if behind is None or value.weak or any(each.unit is None or each.end == 0 for each in same):
        return None
    after = words(behind[1])[:1]
    if not after or any(holds(bag, after[0]) for bag in bags) or not counts(after[0]):
        return None
    return Difference(f"{value.written} {behind[1][:20]}", same[0].written, unit_only=True)


def _compatible(first: Unit, second: Unit | None) -> bool:
    if second is None:
        return False
    return (first.kind == second.kind and first.factor == second.factor) or {first.name, second.name} == {
        "pound", "pound sterling",
    }  # fmt: skip


def _spare(mine: Stated, others: Sequence[Value]) -> list[Value]:
    used = mine.numbers
    return [
        each
        for each in others
        if not each.weak and each.end > each.start and not any(each.same_number(other) for other in used)
    ]


def _instead(value: Value, mine: Stated, others: Sequence[Value]) -> str:
    alike = [
        each
        for each in _spare(mine, others)
        if bool(each.year) == bool(value.year)
        and (each.unit.kind if each.unit else "") == (value.unit.kind if value.unit else "")
    ]
    return alike[0].written if alike else ""


def _of_date(claim: str, date: Date, others: Sequence[Date], numbers: Sequence[Value]) -> Difference | None:
    written = claim[date.start : date.end]
    years = {each.year for each in numbers} | {
        int(next(iter(each.readings))) for each in numbers if len(each.readings) == 1
    }
    best = max(others, key=lambda each: (date.agrees(each), date.shared(each)), default=None)
    for other in others:
        if date.agrees(other) and date.shared(other):
            if (date.month and not other.month) or (date.day and not other.day):
                continue
            if date.year and not other.year and date.year not in years:
                continue
            return None
    if date.year and not date.month and date.year in years:
        return None
    return Difference(written, _say(best) if best else "", spare=best is not None)


def _say(date: Date) -> str:
    names = ("", "January", "February", "March", "April", "May", "June", "July", "August", "September",
             "October", "November", "December")  # fmt: skip
    parts = (str(date.day or ""), names[date.month], str(date.year or ""))
    return " ".join(part for part in parts if part)


def is_quarter(name: str) -> bool:
    """Whether an identifier is a quarter of a year, which `bounds.ordinals` compares."""
    return bool(re.fullmatch(r"[QT][1-4]", name))


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]", "", text).lower()


def _of_name(name: str, evidence: Sequence[str], theirs: Sequence[Stated]) -> Difference | None:
    if any(_squeezed(name) in _squeezed(each) for each in evidence) or is_quarter(name):
        return None
    others = [each for part in theirs for each in part.names if each != name]
    return Difference(name, others[0] if others else "")
