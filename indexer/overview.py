"""The library in numbers: sizes, ages, types, languages, scores, copies, what could not be read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence

from indexer.catalogue.measures import Graded
from indexer.findings import Count, Overview
from indexer.grading import WORST, summed
from indexer.related import CopyReport

_SIZES = (
    (1 << 10, "below 1 KB"),
    (10 << 10, "1 to 10 KB"),
    (100 << 10, "10 to 100 KB"),
    (1 << 20, "100 KB to 1 MB"),
    (10 << 20, "1 to 10 MB"),
    (100 << 20, "10 to 100 MB"),
)
_LARGEST = "100 MB and more"
_SINGLE = "neither"
_RELATIONS: dict[str, str] = {"exact": "copy", "same-text": "same text", "near": "nearly the same"}
_OLD = "older version"
_STATES = {"needs-ocr": "needs OCR", "empty-text": "no text in it"}
_UNKNOWN = "unknown"
MOST = 24
"""Bars of a plot; what is rarer is put together."""


def made(
    rows: Sequence[Graded], related: CopyReport, poor_below: int, *, library: str, scope: str
) -> Overview:
    """Count files.

    Args:
        rows: The files.
        related: All copies and versions of the library.
        poor_below: Score below which a document is poor.
        library: Where it is, to be named.
        scope: The query that chose the files, to be named.
    """
    kinds = _kinds(related)
    return Overview(
        library=library,
        made=dt.datetime.now().isoformat(timespec="seconds"),
        scope=scope,
        quality=summed(rows, poor_below, WORST),
        documents=len({row.hash for row in rows if row.hash}),
        size_bytes=sum(row.size_bytes for row in rows),
        sizes=_in_order(rows, _size, [name for _, name in _SIZES] + [_LARGEST]),
        ages=_ages(rows),
        types=_frequent(rows, lambda row: row.kind),
        languages=_frequent([row for row in rows if row.hash], lambda row: row.language or _UNKNOWN),
        scores=_in_order(rows, _tens, [*(f"{low} to {low + 9}" for low in range(0, 90, 10)), "90 to 100"]),
        copies=_in_order(
            rows, lambda row: kinds.get(row.path, _SINGLE), [_SINGLE, *_RELATIONS.values(), _OLD]
        ),
        unread=_frequent([row for row in rows if row.status not in ("indexed", "pending")], _state),
    )


def _kinds(related: CopyReport) -> dict[str, str]:
    """Of files that are a copy or an older version, which: the closest relation counts."""
    kinds = {
        version.path: _OLD for family in related.families for version in family.versions if version.place
    }
    for relation in reversed(_RELATIONS):
        for group in related.groups:
            kinds |= {
                copy.path: _RELATIONS[relation] for copy in group.files[1:] if copy.relation == relation
            }
    return kinds


def _counted(name: str, rows: Sequence[Graded]) -> Count:
    return Count(name=name, files=len(rows), size_bytes=sum(row.size_bytes for row in rows))


def _held(rows: Iterable[Graded], key: Callable[[Graded], str]) -> dict[str, list[Graded]]:
    held: dict[str, list[Graded]] = {}
    for row in rows:
        held.setdefault(key(row), []).append(row)
    return held


def _in_order(
    rows: Iterable[Graded], key: Callable[[Graded], str], names: Sequence[str]
) -> tuple[Count, ...]:
    held = _held(rows, key)
    return tuple(_counted(name, held.get(name, [])) for name in names)


def _ages(rows: Sequence[Graded]) -> tuple[Count, ...]:
    """By year, oldest first; of many years the oldest ones together."""
    counts = _most(_in_order(rows, _year, sorted({_year(row) for row in rows}, reverse=True)))
    return tuple(
        Count(
            name="earlier" if each.name == "other" else each.name,
            files=each.files,
            size_bytes=each.size_bytes,
        )
        for each in reversed(counts)
    )


def _frequent(rows: Sequence[Graded], key: Callable[[Graded], str]) -> tuple[Count, ...]:
    counts = [_counted(name, members) for name, members in _held(rows, key).items()]
    return _most(sorted(counts, key=lambda count: (-count.files, count.name)))


def _most(counts: Sequence[Count]) -> tuple[Count, ...]:
    """At most `MOST` of them; of more the last ones are put together."""
    if len(counts) <= MOST:
        return tuple(counts)
    rest = counts[MOST - 1 :]
    size = sum(each.size_bytes for each in rest)
    return (*counts[: MOST - 1], Count(name="other", files=sum(each.files for each in rest), size_bytes=size))


def _size(row: Graded) -> str:
    return next((name for limit, name in _SIZES if row.size_bytes < limit), _LARGEST)


def _state(row: Graded) -> str:
    """Why there is no text, in a word or two."""
    return _STATES.get(row.status, row.status.replace("-", " "))


def _year(row: Graded) -> str:
    try:
        return str(dt.datetime.fromtimestamp(row.mtime_ns / 1e9).year)
    except (ValueError, OverflowError, OSError):
        return _UNKNOWN


def _tens(row: Graded) -> str:
    if row.score is None:
        return ""
    low = min(90, row.score // 10 * 10)
    return "90 to 100" if low == 90 else f"{low} to {low + 9}"
