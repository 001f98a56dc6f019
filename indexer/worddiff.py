"""What differs between two texts, word by word.

Words that occur once in both texts anchor the comparison (patience: the longest run of anchors in the
same order, Bram Cohen's method), first as runs of five, then of one; what lies between anchors is small
enough for `difflib`. So a book is compared in about a second and a moved paragraph does not shift all
that follows. White space is no difference: a text that was only broken anew is the same.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from indexer.neardup import WORD

Op = Literal["equal", "delete", "insert", "replace"]

SMALL = 90_000
"""Product of two lengths, in words, up to which a stretch is left to difflib."""
SPREAD = 0.02
"""Share of words that must differ in a series: a long contract with a corrected price is a new version."""
FURNITURE = 30
"""Words of a header or footer."""
NUMBERS = 0.4
"""Share of numbers among the words that differ, from which documents are a series."""
_TOKEN = re.compile(rf"{WORD.pattern}|[^\s]")


class Edit(NamedTuple):
    """A stretch of both texts; all of them in order give both texts back, every character."""

    op: Op
    a: str
    """Its text in the first; "" when inserted."""
    b: str
    a_start: int
    b_start: int


def diff(a: str, b: str) -> list[Edit]:
    """The edits that turn one text into the other; never two of the same kind in a row."""
    places = list(_places(a)), list(_places(b))
    if not places[0] or not places[1]:  # white space at most on one side: nothing to compare
        return [Edit(_op(a, b), a, b, 0, 0)] if a or b else []
    left = [a[start:end] for start, end in places[0]]
    right = [b[start:end] for start, end in places[1]]
    cuts_a = _cuts(places[0], a)
    cuts_b = _cuts(places[1], b)
    edits = []
    for op, a0, a1, b0, b1 in _joined(_spans(left, right)):
        start_a, start_b = cuts_a[a0], cuts_b[b0]
        edits.append(Edit(op, a[start_a : cuts_a[a1]], b[start_b : cuts_b[b1]], start_a, start_b))
    return edits


def _op(a: str, b: str) -> Op:
    """Of two texts that have no word in common, since one of them has none."""
    if not a.strip() and not b.strip():
        return "equal"
    return "insert" if not a else "delete" if not b else "replace"


def mostly_numbers(edits: Iterable[Edit]) -> bool:
    """Whether texts differ in numbers, and not just here and there: two invoices, not versions of one."""
    edits = list(edits)
    changed = [
        word
        for edit in edits
        if edit.op != "equal"
        for word in (*WORD.findall(edit.a), *WORD.findall(edit.b))
    ]
    numbers = sum(1 for word in changed if word[0].isdigit())
    spread = len(changed) >= SPREAD * (2 * summary(edits)[2] + len(changed))
    return spread and 0 < numbers >= NUMBERS * len(changed)


def count_words(text: str) -> int:
    """Words, or characters of scripts that write none."""
    return sum(1 for _ in WORD.finditer(text))


def summary(edits: Iterable[Edit]) -> tuple[int, int, int]:
    """(words taken out, words put in, words kept)."""
    removed = added = kept = 0
    for edit in edits:
        if edit.op == "equal":
            kept += count_words(edit.b)
        else:
            removed += count_words(edit.a)
            added += count_words(edit.b)
    return removed, added, kept


def only_furniture(edits: Sequence[Edit]) -> bool:
    """Whether one text is the other with headers, footers and page numbers put in, and no other word.

    What stands on every page is put in again and again, or is a number.
    """
    extra = [edit for edit in edits if edit.op != "equal" and (count_words(edit.a) or count_words(edit.b))]
    if len({edit.op for edit in extra}) != 1 or extra[0].op == "replace":
        return False
    runs = [re.sub(r"\d+", "0", " ".join(WORD.findall((edit.a or edit.b).casefold()))) for edit in extra]
    # The first header and the last footer stand alone, between pages a footer and a header are one run.
    again = [f" {run} " for run, count in Counter(runs).items() if count > 1]
    return all(
        run.count(" ") < FURNITURE and (run == "0" or any(f" {run} " in each for each in again))
        for run in runs
    )


def _places(text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in _TOKEN.finditer(text))


def _cuts(places: Sequence[tuple[int, int]], text: str) -> list[int]:
    """Where each token begins; white space belongs to the token before it, at the start to the first."""
    cuts = [start for start, _ in places] + [len(text)]
    cuts[0] = 0
    return cuts


_Span = tuple[Op, int, int, int, int]


def _joined(spans: Iterable[tuple[bool, int, int, int, int]]) -> Iterator[_Span]:
    """Runs of equal and of different stretches as single edits."""
    run: tuple[bool, int, int, int, int] | None = None
    for span in spans:
        if run is not None and run[0] == span[0]:
            run = (run[0], run[1], span[2], run[3], span[4])
            continue
        if run is not None:
            yield _named(run)
        run = span
    if run is not None:
        yield _named(run)


def _named(span: tuple[bool, int, int, int, int]) -> _Span:
    equal, a0, a1, b0, b1 = span
    op: Op = "equal" if equal else "insert" if a0 == a1 else "delete" if b0 == b1 else "replace"
    return op, a0, a1, b0, b1


def _spans(a: Sequence[str], b: Sequence[str]) -> Iterator[tuple[bool, int, int, int, int]]:
    """Stretches (equal?, a0, a1, b0, b1) that cover both, none of them empty on both sides."""
    waiting = [(0, len(a), 0, len(b), 5)]
    while waiting:
        a0, a1, b0, b1, width = waiting.pop()
        head = _common(a, b, a0, a1, b0, b1)
        if head:
            yield True, a0, a0 + head, b0, b0 + head
            a0, b0 = a0 + head, b0 + head
        tail = _common_end(a, b, a0, a1, b0, b1)
        if tail:
            waiting.append((a1 - tail, a1, b1 - tail, b1, 0))
            a1, b1 = a1 - tail, b1 - tail
        if a0 == a1 or b0 == b1:
            if a0 != a1 or b0 != b1:
                yield False, a0, a1, b0, b1
        elif (a1 - a0) * (b1 - b0) <= SMALL:
            yield from _small(a, b, a0, a1, b0, b1)
        else:
            anchors = _anchors(a[a0:a1], b[b0:b1], width) if width else []
            if anchors:
                waiting.extend(_between(anchors, a0, a1, b0, b1, width))
            elif width > 1:
                waiting.append((a0, a1, b0, b1, 1))
            else:  # nothing in common that stands out: one passage for another
                yield False, a0, a1, b0, b1


def _between(
    anchors: list[tuple[int, int]], a0: int, a1: int, b0: int, b1: int, width: int
) -> list[tuple[int, int, int, int, int]]:
    """The stretches that begin at anchors, last first, for a stack."""
    cuts = [(a0, b0), *((a0 + i, b0 + j) for i, j in anchors if i or j), (a1, b1)]
    return [
        (cuts[at][0], cuts[at + 1][0], cuts[at][1], cuts[at + 1][1], width)
        for at in range(len(cuts) - 2, -1, -1)
    ]


def _common(a: Sequence[str], b: Sequence[str], a0: int, a1: int, b0: int, b1: int) -> int:
    count = 0
    while a0 + count < a1 and b0 + count < b1 and a[a0 + count] == b[b0 + count]:
        count += 1
    return count


def _common_end(a: Sequence[str], b: Sequence[str], a0: int, a1: int, b0: int, b1: int) -> int:
    count = 0
    while a1 - count > a0 and b1 - count > b0 and a[a1 - count - 1] == b[b1 - count - 1]:
        count += 1
    return count


def _small(
    a: Sequence[str], b: Sequence[str], a0: int, a1: int, b0: int, b1: int
) -> Iterator[tuple[bool, int, int, int, int]]:
    for op, i0, i1, j0, j1 in SequenceMatcher(None, a[a0:a1], b[b0:b1], autojunk=False).get_opcodes():
        yield op == "equal", a0 + i0, a0 + i1, b0 + j0, b0 + j1


def _anchors(a: Sequence[str], b: Sequence[str], width: int) -> list[tuple[int, int]]:
    """Places of runs that occur once in both, as many as stand in the same order in both."""
    in_a, in_b = _once(a, width), _once(b, width)
    pairs = sorted((at, in_b[run]) for run, at in in_a.items() if run in in_b)
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for at, (_, j) in enumerate(pairs):
        place = bisect_left(ends, j)
        before.append(last[place - 1] if place else -1)
        if place == len(ends):
            ends.append(j)
            last.append(at)
        else:
            ends[place], last[place] = j, at
    chain: list[tuple[int, int]] = []
    at = last[-1] if last else -1
    while at >= 0:
        chain.append(pairs[at])
        at = before[at]
    return chain[::-1]


def _once(tokens: Sequence[str], width: int) -> dict[tuple[str, ...], int]:
    found: dict[tuple[str, ...], int] = {}
    again = set()
    for at in range(len(tokens) - width + 1):
        run = tuple(tokens[at : at + width])
        if run in found:
            again.add(run)
        found[run] = at
    for run in again:
        del found[run]
    return found
