"""Dates in a text in all the forms people write them: ISO, with month names, with points, in Chinese."""

from __future__ import annotations

import re
from dataclasses import dataclass

from copilot.claims import spelled
from indexer.text import fold

_NAMES = (
    "january jan januar janner enero ene janvier janv",
    "february feb februar febrero fevrier fevr",
    "march mar marz marzo mars",
    "april apr abril abr avril avr",
    "may mai mayo",
    "june jun juni junio juin",
    "july jul juli julio juillet juil",
    "august aug agosto ago aout",
    "september sep sept septiembre setiembre septembre",
    "october oct oktober okt octubre octobre",
    "november nov noviembre novembre",
    "december dec dezember dez diciembre dic decembre",
)
MONTHS = {name: number for number, names in enumerate(_NAMES, 1) for name in names.split()}
"""Folded names of months, also short ones."""

_MONTH = r"(?P<month>[^\W\d_]{3,10})\.?"
_MONTH_NAMED = (
    r"(?P<month>(?:jan|jän|ene|feb|fe[vb]|fév|mar|mär|mai|may|apr|abr|avr|jun|juin?|jul|aug|ago|aoû|aou|sep|set|oct|"
    r"okt|nov|dec|dez|dic|déc)[^\W\d_]{0,7})"
)
"""Behind a day in words, which any two words could be taken for."""
_YEAR = r"(?P<year>1\d{3}|20\d{2})"
_DAY = r"(?P<day>[0-3]?\d)"
_OF = r"(?:\s+(?:de|del|of|d’|d')\s*|[,\s\u00a0]+)"
_HAN_NUMBER = r"[\d〇零一二三四五六七八九十]"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"(?<!\d)(?P<year>\d{4})-(?P<month>[01]?\d)-(?P<day>[0-3]?\d)(?!\d)",
        r"(?<!\d)(?P<year>\d{4})/(?P<month>[01]?\d)/(?P<day>[0-3]?\d)(?!\d)",
        r"(?<![\d.])(?P<day>[0-3]?\d)\.(?P<month>[01]?\d)\.(?P<year>\d{4})(?!\d)",
        r"(?<![\d/])(?P<day>[0-3]?\d)/(?P<month>[0-3]?\d)/(?P<year>\d{4})(?!\d)",
        rf"(?P<year>{_HAN_NUMBER}{{4}})\s?年(?:\s?(?P<month>{_HAN_NUMBER}{{1,3}})\s?月)?"
        rf"(?:\s?(?P<day>{_HAN_NUMBER}{{1,3}})\s?[日号])?",
        rf"(?P<month>{_HAN_NUMBER}{{1,3}})\s?月\s?(?P<day>{_HAN_NUMBER}{{1,3}})\s?[日号]",
        rf"(?<!{_HAN_NUMBER})(?P<month>{_HAN_NUMBER}{{1,3}})\s?月(?!球|亮)",
        rf"(?<![\w.,]){_DAY}(?:\.|º|°|st|nd|rd|th|er)?(?:\s+(?:de|of|day of))?[\s\u00a0-]+{_MONTH}"
        rf"(?:{_OF}{_YEAR})?(?!\w)",
        rf"(?<!\w){_MONTH}\s+{_DAY}(?:st|nd|rd|th)?(?:(?:,\s*|\s+){_YEAR})?(?![\w%]|[.,]\d)",
        rf"(?<!\w)(?P<word>[^\W\d_]{{3,14}}(?:-[^\W\d_]{{3,8}})?)(?:\s+(?:de|of|day of))?\s+{_MONTH_NAMED}"
        rf"(?:{_OF}{_YEAR})?(?!\w)",
        rf"(?<!\w){_MONTH}{_OF}{_YEAR}(?!\d)",
    )
)
_ALONE = re.compile(r"(?<![\w.-])([^\W\d_]{4,10})(?!\w)")
_BEFORE_MONTH = re.compile(
    r"(?:\b(?:in|of|since|until|by|early|late|mid|last|next|this|every|im|seit|ende|anfang|mitte|bis|en|de|"
    r"desde|hasta|depuis|fin|debut)[\s-])\Z",
    re.IGNORECASE,
)
_ALSO_WORDS = frozenset(("may", "march", "mars", "mai"))
"""Months that mean something else as often."""
_ALSO_SMALL = frozenset(("sept", "janv", "mars", "juin", "mayo", "marzo", "august"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Date:
    """A date or a part of one, where it stands in a text; 0 is a part that is not said."""

    start: int
    end: int
    year: int = 0
    month: int = 0
    day: int = 0
    swapped: bool = False
    """Day and month may be the other way round: 03/04/2024."""

    def agrees(self, other: Date) -> bool:
        """Whether no part that both have differs."""
        years_differ = bool(self.year and other.year and self.year != other.year)
        return not years_differ and self._may_be(other)

    def _may_be(self, other: Date) -> bool:
        def same(month: int, day: int) -> bool:
            return not (month and other.month and month != other.month) and not (
                day and other.day and day != other.day
            )

        either = self.swapped or other.swapped
        return same(self.month, self.day) or (either and same(self.day, self.month))

    def shared(self, other: Date) -> int:
        """How many parts both have."""
        return sum(
            bool(a and b)
            for a, b in ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        )


def dates(text: str) -> list[Date]:
    """All dates of a text with at least a month, in order; a Chinese year counts as well."""
    found: list[Date] = []
    for form in _FORMS:
        for match in form.finditer(text):
            if any(match.start() < each.end and each.start < match.end() for each in found):
                continue
            made = _date(match)
            if made is not None:
                found.append(made)
    for match in _ALONE.finditer(text):
        if not any(match.start() < each.end and each.start < match.end() for each in found):
            made = _month_alone(text, match)
            if made is not None:
                found.append(made)
    return sorted(found, key=lambda each: each.start)


def _month_alone(text: str, match: re.Match[str]) -> Date | None:
    name = fold(match[1])
    month = MONTHS.get(name, 0)
    if not month or (len(name) < 4 and name != "may"):
        return None
    expected = bool(_BEFORE_MONTH.search(text, 0, match.start()))
    if name in _ALSO_SMALL and not match[1][0].isupper() and not expected:
        return None
    if name in _ALSO_WORDS and not (match[1][0].isupper() and expected):
        return None
    return Date(start=match.start(), end=match.end(), month=month)


def _date(match: re.Match[str]) -> Date | None:
    parts = match.groupdict()
    if parts.get("word"):
        day = _day_in_words(parts["word"])
        if not day:
            return None
        parts["day"] = str(day)
    year, month, day = (_part(parts.get(name)) for name in ("year", "month", "day"))
    if year < 0 or month < 0 or day < 0 or day > 31 or not (year or month):
        return None
    swapped = "/" in match[0] and not re.match(r"\d{4}", match[0])
    if month > 12:
        if not (swapped and day <= 12):
            return None
        month, day, swapped = day, month, False
    return Date(start=match.start(), end=match.end(), year=year, month=month, day=day, swapped=swapped)


_FIRST_DAYS = {"first": 1, "second": 2, "primero": 1, "premier": 1, "ersten": 1}


def _day_in_words(written: str) -> int:
    """The day of "the third of March", "am dritten März"; 0 when it is none."""
    said = [fold(part) for part in written.split("-")]
    if len(said) == 1 and said[0] in _FIRST_DAYS:
        return _FIRST_DAYS[said[0]]
    if said[-1] == "second" and len(said) == 2:
        return int(spelled.value(said[:1])[0] or 0) + 2
    value, used = spelled.value(said)
    if value is None or used < len(said) or spelled.is_article(said[0]) or not 1 <= value <= 31:
        return 0
    return int(value)


def _part(written: str | None) -> int:
    """The number of a part; 0 when it is not there, -1 when it is none."""
    if not written:
        return 0
    if written.isdecimal():
        return int(written)
    value = spelled.han(written) if written[0] in "〇零一二三四五六七八九十" else None
    if value is not None:
        return int(value)
    return MONTHS.get(fold(written), -1)
