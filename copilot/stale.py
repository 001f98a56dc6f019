"""What is out of date: not touched for long, past its review, contradicting its newer version.

Lists, not actions. Contradictions are looked for between the newest version of a document and its older
ones only, among the sentences that one has and the other has not, and within limits.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from copilot.conflicts import Statement, differing
from indexer import language, values
from indexer.catalogue import labels as stored
from indexer.errors import NotFoundError, UsageError
from indexer.labelled import Stale, StaleFile
from indexer.library import Library
from indexer.related import Family, Version

PAIRS = 100
"""Pairs of versions that are compared at most."""
LONGEST = 400_000
"""Characters of a text that are looked through."""
SENTENCES = 600
"""Sentences of a version, different from the other's, that are compared at most."""
_STOP = re.compile(r"[.!?。！？…][\"”’»)\]]*$")
REVIEW = "review"
"""The date field that says when a document is to be looked at again."""


def stale(library: Library, since: str, *, limit: int = 200, now: dt.datetime | None = None) -> Stale:
    """What is out of date.

    Args:
        library: Where.
        since: A span such as `2y` or a date: what was last changed before it is untouched.
        limit: Files of each kind at most.
        now: Local time; the present when None.

    Raises:
        UsageError: `since` is neither span nor date.
    """
    now = now or dt.datetime.now()
    before = _moment(since, now)
    with library.catalogue.reader() as db:
        untouched_total, untouched = stored.untouched(db, int(before.timestamp() * 1e9), limit)
        review_total, overdue = stored.overdue(db, REVIEW, now.date().isoformat(), limit)
    contradicted, compared = _contradicted(library)
    return Stale(
        untouched=tuple(_untouched(*row, now) for row in untouched),
        review=tuple(_overdue(*row, now) for row in overdue),
        contradicted=tuple(contradicted[:limit]),
        totals={
            "untouched": untouched_total,
            "review": review_total,
            "contradicted": len(contradicted),
        },
        compared=compared,
    )


def _moment(since: str, now: dt.datetime) -> dt.datetime:
    moment = values.earlier(now, since)
    if moment is None:
        span = values.dates("after", since, now)
        moment = span.lo if span else None
    if moment is None:
        raise UsageError(
            f"--since takes a span or a date, not {since}.", hint="For example 2y, 6m or 2024-01."
        )
    return moment


def _untouched(path: str, digest: str, mtime_ns: int, now: dt.datetime) -> StaleFile:
    day = dt.datetime.fromtimestamp(mtime_ns / 1e9)
    return StaleFile(
        path=path,
        document=f"sha256:{digest}" if digest else "",
        why="untouched",
        since=day.date().isoformat(),
        says=f"not changed for {_span((now - day).days)}",
    )


def _overdue(path: str, digest: str, day: str, ruled: bool, now: dt.datetime) -> StaleFile:
    days = (now.date() - dt.date.fromisoformat(day)).days
    return StaleFile(
        path=path,
        document=f"sha256:{digest}" if digest else "",
        why="review",
        since=day,
        says=f"review due for {_span(days)}{', by a rule' if ruled else ''}",
    )


def _span(days: int) -> str:
    for length, name in ((365, "year"), (30, "month"), (1, "day")):
        if days >= length:
            count = days // length
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "less than a day"


# --- contradictions ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    """A statement of an older version that the newest one makes with another value."""

    about: str
    old: str
    new: str


def _contradicted(library: Library) -> tuple[list[StaleFile], int]:
    found: list[StaleFile] = []
    compared = 0
    for old, newest in _pairs(library.duplicates(limit=PAIRS).families):
        if compared >= PAIRS:
            break
        compared += 1
        try:
            conflicts = list(_conflicts(_sentences(library, old), _sentences(library, newest)))
        except NotFoundError:  # it went meanwhile
            continue
        if conflicts:
            found.append(_stale(old, newest, conflicts))
    return sorted(found, key=lambda each: (each.since, each.path)), compared


def _pairs(families: Sequence[Family]) -> Iterator[tuple[Version, Version]]:
    """Each older version with the newest one; of copies of one version one file."""
    for family in families:
        newest = family.versions[0]
        seen = {newest.document}
        for version in family.versions:
            if version.place and version.document not in seen:
                seen.add(version.document)
                yield version, newest


def _sentences(library: Library, version: Version) -> list[str]:
    """The sentences and rows of tables of a version, each once; titles and numbered headings say nothing."""
    text = library.text(version.document, 0, LONGEST).text
    found = []
    for paragraph in text.split("\n\n"):
        lines = paragraph.split("\n")
        found += [" ".join(line.split()) for line in lines if "|" in line]
        prose = " ".join(line for line in lines if "|" not in line and not line.startswith("#"))
        for start, end in language.sentences(prose):
            sentence = " ".join(prose[start:end].split())
            if _STOP.search(sentence):
                found.append(sentence)
    return list(dict.fromkeys(found))


def _conflicts(old: Sequence[str], new: Sequence[str]) -> Iterator[_Found]:
    """Statements in which both differ, the first of each old sentence."""
    both = set(old) & set(new)
    mine = [Statement(text) for text in old if text not in both][:SENTENCES]
    theirs = [Statement(text) for text in new if text not in both][:SENTENCES]
    by_word: defaultdict[str, set[int]] = defaultdict(set)
    for at, statement in enumerate(theirs):
        for word in statement.words:
            by_word[word].add(at)
    for statement in mine:
        if not statement.slots or not statement.says_enough:
            continue
        shared: defaultdict[int, int] = defaultdict(int)
        for word in statement.words:
            for at in by_word.get(word, ()):
                shared[at] += 1
        for at in sorted(shared, key=lambda at: (-shared[at], at))[:5]:
            pairs = differing(statement, theirs[at], versions=True)
            if pairs:
                yield _Found(
                    statement.text,
                    ", ".join(statement.text[a.start : a.end] for a, _ in pairs),
                    ", ".join(theirs[at].text[b.start : b.end] for _, b in pairs),
                )
                break


def _stale(old: Version, newest: Version, conflicts: Sequence[_Found]) -> StaleFile:
    first = conflicts[0]
    more = f" (and {len(conflicts) - 1} more)" if len(conflicts) > 1 else ""
    return StaleFile(
        path=old.path,
        document=old.document,
        why="contradicted",
        since=dt.datetime.fromtimestamp(newest.mtime_ns / 1e9).date().isoformat(),
        says=f"says {first.old}, the newer version {first.new}: {first.about}{more}",
        newer=newest.path,
    )
