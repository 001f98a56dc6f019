"""The fields of the query language and what their values mean: dates, sizes, numbers, closed lists.

Standard library only. All ranges are half open: `lo <= value < hi`, None for no bound.
"""

from __future__ import annotations

import calendar
import datetime as dt
import math
import re
from dataclasses import dataclass

TEXT_FIELDS = frozenset({"title", "name", "path", "heading", "author", "from", "to", "subject", "note"})
EXACT_FIELDS = frozenset({"ext", "type", "lang", "tag", "collection"})
DATE_FIELDS = frozenset({"after", "before", "date", "created"})
NUMBER_FIELDS = frozenset({"size", "pages", "quality", "page"})
DIRECTIVES = frozenset({"sort", "mode"})
FIELDS = TEXT_FIELDS | EXACT_FIELDS | DATE_FIELDS | NUMBER_FIELDS | DIRECTIVES | {"is"}
"""Every field there is, under its own name."""

ALIASES = {"in": "path"}
"""Other names of fields."""

CUSTOM = "field."
"""What the name of a field somebody made begins with, where it has to be told from words."""

CHOICES = {
    "type": ("pdf", "doc", "sheet", "slides", "mail", "web", "text", "code", "image", "archive", "other"),
    "is": ("new", "failed", "ocr", "poor", "duplicate", "old", "excluded", "tagged", "untagged", "marked"),
    "sort": ("relevance", "new", "old", "name", "size"),
    "mode": ("auto", "keyword", "semantic"),
}
"""Fields whose values are a closed list; the interface offers them."""

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_NUMBER = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)([kmgt]?)(?:i?b)?", re.IGNORECASE)
_ABSOLUTE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_RELATIVE = re.compile(r"(\d{1,5})([dwmy])")


@dataclass(frozen=True, slots=True)
class Dates:
    """A span of local time; `lo` included, `hi` excluded."""

    lo: dt.datetime | None
    hi: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Numbers:
    """A range of numbers; `lo` included, `hi` excluded."""

    lo: int | None
    hi: int | None


@dataclass(frozen=True, slots=True)
class Decimals:
    """A range of numbers with decimals; `lo` included, `hi` excluded."""

    lo: float | None
    hi: float | None


def problem(name: str, value: str, now: dt.datetime, kind: str = "") -> str:
    """Why this value of a field means nothing, in words for a person; "" when it does mean something.

    Args:
        name: The field.
        value: As typed.
        now: Local time.
        kind: Of a field somebody made: text, date, number; "" when that is not known here.
    """
    if kind == "date" and value != "*" and dates("date", value, now) is None:
        return f'{name}: is no date: "{value}"; try 2026, 2026-05, 2026-05-01, today or <today'
    if kind == "number" and value != "*" and decimals(value) is None:
        return f'{name}: is no number: "{value}"; try >10, <=2.5 or 10..30'
    if name in CHOICES:
        if value.lower() in CHOICES[name]:
            return ""
        return f'{name}: has no "{value}"; there is {", ".join(CHOICES[name])}'
    if name in DATE_FIELDS and dates(name, value, now) is None:
        return f'{name}: is no date: "{value}"; try 2025, 2025-07, 2025-07-01, today, 7d or 6m'
    if name in NUMBER_FIELDS and numbers(name, value) is None:
        return f'{name}: is no number: "{value}"; try >10, <=20 or 10..30'
    if name == "lang" and not re.fullmatch(r"[A-Za-z]{2,3}", value):
        return f'lang: takes a code such as en or de, not "{value}"'
    return ""


# --- dates ---------------------------------------------------------------------------------------


def dates(name: str, value: str, now: dt.datetime) -> Dates | None:
    """The time a value of `after`, `before`, `date` or `created` means; None when it is no date.

    `after` begins with the start of its date, `before` ends there. The others take one date, which is
    all of that day, month or year (`7d`: the last seven days), a range `a..b` with both ends
    included and either of them left out, or a comparison such as `>=2025-07`.
    """
    value = value.strip().lower()
    if name in ("after", "before"):
        moment = _period(value, now)
        if moment is None:
            return None
        return Dates(moment[0], None) if name == "after" else Dates(None, moment[0])
    if ".." in value:
        first, _, last = value.partition("..")
        lo, hi = _period(first, now), _period(last, now)
        if (first and lo is None) or (last and hi is None) or not (first or last):
            return None
        return Dates(lo[0] if lo else None, hi[1] if hi else None)
    sign = re.match(r"[<>]=?", value)
    period = _period(value[sign.end() :] if sign else value, now)
    if period is None:
        return None
    match sign[0] if sign else "":
        case ">":
            return Dates(period[1], None)
        case ">=":
            return Dates(period[0], None)
        case "<":
            return Dates(None, period[0])
        case "<=":
            return Dates(None, period[1])
    if _RELATIVE.fullmatch(value):
        return Dates(period[0], None)
    return Dates(*period)


def _period(value: str, now: dt.datetime) -> tuple[dt.datetime, dt.datetime] | None:
    """Start and end of a day, month or year; of a moment, when it is relative."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if value == "today":
        return today, today + dt.timedelta(days=1)
    if value == "yesterday":
        return today - dt.timedelta(days=1), today
    try:
        if relative := _RELATIVE.fullmatch(value):
            moment = _back(now, int(relative[1]), relative[2])
            return moment, moment
        if absolute := _ABSOLUTE.fullmatch(value):
            return _calendar(*(int(part) if part else None for part in absolute.groups()))
    except (ValueError, OverflowError):
        return None
    return None


def _calendar(year: int | None, month: int | None, day: int | None) -> tuple[dt.datetime, dt.datetime]:
    start = dt.datetime(year or 0, 1 if month is None else month, 1 if day is None else day)
    if day is not None:
        return start, start + dt.timedelta(days=1)
    if month is not None:
        return start, _months_later(start, 1)
    return start, start.replace(year=start.year + 1)


def _back(now: dt.datetime, count: int, unit: str) -> dt.datetime:
    if unit in "dw":
        return now - dt.timedelta(days=count * (7 if unit == "w" else 1))
    return _months_later(now, -count * (12 if unit == "y" else 1))


def _months_later(moment: dt.datetime, months: int) -> dt.datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def later(moment: dt.datetime, span: str) -> dt.datetime | None:
    """The moment a span such as `30d`, `6m` or `1y` after another one; None when it is no span."""
    found = _RELATIVE.fullmatch(span.strip().lower())
    try:
        return _back(moment, -int(found[1]), found[2]) if found else None
    except (ValueError, OverflowError):
        return None


def earlier(moment: dt.datetime, span: str) -> dt.datetime | None:
    """The moment such a span before another one; None when it is no span."""
    found = _RELATIVE.fullmatch(span.strip().lower())
    try:
        return _back(moment, int(found[1]), found[2]) if found else None
    except (ValueError, OverflowError):
        return None


# --- numbers -------------------------------------------------------------------------------------


def numbers(name: str, value: str) -> Numbers | None:
    """The range a value of `size`, `pages`, `quality` or `page` means; None when it is no number.

    `>1M`, `>=5`, `<3`, `<=20`, `10..30` (both ends included, either left out) or one number. A size with
    a unit and no sign means anything that rounds down to it: `size:2M` is from 2 to 3 megabytes.
    """
    value = value.strip().lower()
    if ".." in value:
        first, _, last = value.partition("..")
        lo, hi = _number(name, first), _number(name, last)
        if (first and lo is None) or (last and hi is None) or not (first or last):
            return None
        return Numbers(lo[0] if lo else None, hi[0] + 1 if hi else None)
    sign = re.match(r"[<>]=?|=", value)
    number = _number(name, value[sign.end() :] if sign else value)
    if number is None:
        return None
    exact, step = number
    match sign[0] if sign else "":
        case ">":
            return Numbers(exact + 1, None)
        case ">=":
            return Numbers(exact, None)
        case "<":
            return Numbers(None, exact)
        case "<=":
            return Numbers(None, exact + 1)
    return Numbers(exact, exact + step)


def _number(name: str, value: str) -> tuple[int, int] | None:
    found = _NUMBER.fullmatch(value)
    if not found or (found[2] and name != "size"):
        return None
    unit = _UNITS[found[2].lower()]
    return int(float(found[1]) * unit), unit


_DECIMAL = re.compile(r"-?\d{1,15}(?:\.\d{1,9})?")


def decimals(value: str) -> Decimals | None:
    """The range that `>1.5`, `<=20`, `1..2.5` or one number means; None when it is no number."""
    value = value.strip()
    if ".." in value:
        first, _, last = value.partition("..")
        lo, hi = _decimal(first), _decimal(last)
        if (first and lo is None) or (last and hi is None) or not (first or last):
            return None
        return Decimals(lo, None if hi is None else math.nextafter(hi, math.inf))
    sign = re.match(r"[<>]=?|=", value)
    number = _decimal(value[sign.end() :] if sign else value)
    if number is None:
        return None
    after = math.nextafter(number, math.inf)
    match sign[0] if sign else "":
        case ">":
            return Decimals(after, None)
        case ">=":
            return Decimals(number, None)
        case "<":
            return Decimals(None, number)
        case "<=":
            return Decimals(None, after)
    return Decimals(number, after)


def _decimal(text: str) -> float | None:
    return float(text) if _DECIMAL.fullmatch(text) else None
