"""Conditions on labels, for `indexer.catalogue.scoping`: tags, notes, fields somebody made.

Every condition is about `files f`; values are bound by the function given.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from indexer import values
from indexer.catalogue.connection import Connection
from indexer.query import ANY
from indexer.text import fold

HOLDS = "quire_holds"
"""SQL function: whether a text holds every word of another, case and accents ignored."""

_TAGGED = "f.id IN (SELECT file_id FROM file_tags{})"
_FIELD = "f.id IN (SELECT file_id FROM file_fields WHERE name = {}{})"

IS = {
    "excluded": "f.id IN (SELECT file_id FROM cards WHERE excluded = 1 AND file_id IS NOT NULL)",
    "tagged": _TAGGED.format(""),
    "untagged": "NOT " + _TAGGED.format(""),
}
"""Values of `is:`."""

Bind = Callable[[Any], str]


def kinds(db: Connection) -> dict[str, str]:
    """Kinds of the fields somebody made, by name."""
    return dict(db.execute("SELECT name, kind FROM custom_fields").fetchall())


def tag(value: str, bind: Bind) -> str:
    """Files with a tag or one below it; `begin*`: any tag that begins so."""
    key = fold(value).strip("/")
    if key == ANY:
        return _TAGGED.format("")
    if key.endswith("*"):
        begin = bind(key[:-1])
        return _TAGGED.format(f" WHERE substr(key, 1, length({begin})) = {begin}")
    return _TAGGED.format(
        f" WHERE key = {bind(key)} OR (key > {bind(key + '/')} AND key < {bind(key + '0')})"
    )


def note(value: str, bind: Bind) -> str:
    """Files whose note holds these words."""
    words = "" if value == ANY else f" AND {HOLDS}(note, {bind(value)})"
    return f"f.id IN (SELECT file_id FROM cards WHERE note <> '' AND file_id IS NOT NULL{words})"


def field(name: str, value: str, custom: Mapping[str, str], now: dt.datetime, bind: Bind) -> str:
    """Files whose field has this value, or one in this range."""
    bare = name.removeprefix(values.CUSTOM)
    column = bind(bare)
    if value == ANY:
        return _FIELD.format(column, "")
    match custom.get(bare):
        case "date":
            span = values.dates("date", value, now)
            lo, hi = (
                (moment.date().isoformat() if moment else None for moment in (span.lo, span.hi))
                if span
                else ("", "")
            )
            return _FIELD.format(column, _range("value", lo, hi, bind))
        case "number":
            found = values.decimals(value) or values.Decimals(0, 0)
            return _FIELD.format(column, _range("CAST(value AS REAL)", found.lo, found.hi, bind))
    return _FIELD.format(column, f" AND {HOLDS}(value, {bind(value)})")


def _range(column: str, lo: Any, hi: Any, bind: Bind) -> str:
    low = "" if lo is None else f" AND {column} >= {bind(lo)}"
    return low + ("" if hi is None else f" AND {column} < {bind(hi)}")
