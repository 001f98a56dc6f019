"""What a tag, a field, a value and a collection may be called, and how they are written down.

Pure; every refusal says what to type instead.
"""

from __future__ import annotations

import datetime as dt
import re

from indexer import values
from indexer.errors import UsageError
from indexer.labelled import FieldKind
from indexer.query import ANY
from indexer.text import normalise, safe_text

LONGEST = 100
"""Characters of a name."""
LONGEST_VALUE = 2_000
LONGEST_NOTE = 100_000

_DAY = re.compile(r"\d{4}-\d{1,2}(-\d{1,2})?")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,9})?")
_FIELD_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def clean_tag(text: str) -> str:
    """A tag as it is kept: parts joined by `/`, single blanks, no `#` before it.

    Raises:
        UsageError: nothing is left, it is too long, or it holds a sign that queries need.
    """
    parts = [" ".join(part.split()) for part in _line(text).strip().lstrip("#").split("/")]
    tag = "/".join(part for part in parts if part)
    if not tag:
        raise UsageError("A tag needs at least one letter.")
    if len(tag) > LONGEST:
        raise UsageError(f"A tag has at most {LONGEST} characters: {tag[:40]}…")
    if bad := next((sign for sign in ',="*\\' if sign in tag), ""):
        raise UsageError(
            f"A tag cannot hold {bad}: {tag}", hint="Parts are joined by /, as in project/alpha."
        )
    return tag


def clean_name(text: str) -> str:
    """The name of a collection.

    Raises:
        UsageError: it is empty or too long.
    """
    name = " ".join(_line(text).split())
    if not name or len(name) > LONGEST or '"' in name or "\\" in name:
        raise UsageError(f"A collection's name has 1 to {LONGEST} characters and no quotes.")
    return name


def clean_field(text: str) -> str:
    """The name of a field somebody makes, in lower case.

    Raises:
        UsageError: it is taken by the query language, or no word.
    """
    name = text.strip().lower().removeprefix(values.CUSTOM)
    if name in values.FIELDS or name in values.ALIASES or name == "field":
        raise UsageError(f"The query language has a field {name}: already.", hint="Take another name.")
    if not _FIELD_NAME.fullmatch(name) or len(name) > LONGEST:
        raise UsageError(
            f"A field's name is one word of a-z, 0-9, - and _: {safe_text(text, 60, single_line=True)}"
        )
    return name


def kind_of(value: str) -> FieldKind:
    """What kind of field a first value makes: a date, a number, else a text."""
    if _DAY.fullmatch(value.strip()):
        return "date"
    return "number" if _NUMBER.fullmatch(value.strip()) else "text"


def clean_value(name: str, value: str, kind: FieldKind, now: dt.datetime) -> str:
    """A value as it is kept: dates as 2026-05-01, `+6m` counted from now.

    Raises:
        UsageError: it is none of this kind.
    """
    value = " ".join(_line(value).split())
    if len(value) > LONGEST_VALUE or value == ANY:
        raise UsageError(f"{name} takes at most {LONGEST_VALUE:,} characters, and not just *.")
    if kind == "number":
        if not _NUMBER.fullmatch(value):
            raise UsageError(f"{name} takes a number such as 12 or 2.5, not {value}.")
        return value
    if kind == "date":
        return clean_date(name, value, now)
    return value


def clean_date(name: str, value: str, now: dt.datetime) -> str:
    """A day as it is kept, from a day, a month (its first day), `today`, or `+6m` after `now`."""
    moment = values.later(now, value[1:]) if value.startswith("+") else None
    if moment is None and (_DAY.fullmatch(value) or value.lower() == "today"):
        span = values.dates("date", value, now)
        moment = span.lo if span else None
    if moment is None:
        raise UsageError(f"{name} takes a date such as 2026-05-01 or +6m, not {value}.")
    return moment.date().isoformat()


def clean_note(text: str) -> str:
    """A note as it is kept.

    Raises:
        UsageError: it is too long.
    """
    note = normalise(text).strip()
    if len(note) > LONGEST_NOTE:
        raise UsageError(f"A note has at most {LONGEST_NOTE:,} characters.", hint="Put it into a file.")
    return note


def _line(text: str) -> str:
    return normalise(text).replace("\n", " ").replace("\t", " ")
