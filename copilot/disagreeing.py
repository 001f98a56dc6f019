"""Two sentences that are the same but for a name, or of which one denies what the other says.

Most sentences that differ in a name are both true: "Anna works here", "Karl works here". So a name counts
only where there can be one: behind "the … is", as the one who is or leads "the …", and, between versions of
a document, anywhere behind the verb. Knows no documents.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from copilot.claims import names, polarity
from copilot.claims.dates import MONTHS
from copilot.claims.roles import weekdays
from copilot.words import STOP_WORDS, counts, same_word, words
from indexer.language import has_cjk
from indexer.text import fold

Span = tuple[int, int]

_TOKEN = re.compile(r"[^\W_]+(?:['’.&-][^\W_]+)*")
_PARTICLES = frozenset(("of", "de", "del", "la", "von", "van", "der", "den", "du", "and", "und", "y", "et"))
_IS = (
    r"(?:is|was|are|were|remains|becomes|will\s+be|ist|war|sind|bleibt|heißt|lautet|es|fue|será|son|est|était|"
    r"sera|sont)"
)
_THE = (
    r"(?:the|our|your|its|der|die|das|unsere?|ihre?|el|la|los|las|nuestr[oa]|su|le|les|l[’']|notre|votre|"
    r"son|sa)"
)
_ONE_OF_A_KIND = re.compile(
    rf"^\W*{_THE}\s*(?P<role>[^,;:]{{3,90}}?)\s+{_IS}(?:\s+(?:called|by|von|por|par))?\s*$", re.I
)
_BY = re.compile(
    rf"^\W*{_THE}\s*[^,;:]{{3,90}}?\s+{_IS}\s+[^,;:]{{3,60}}?\s+(?:by|von|durch|por|par)\s*$", re.I
)
_IS_THE = re.compile(
    rf"^\s+(?:{_IS}|[^\W\d_]+)\s+(?:the|der|die|das|den|dem|el|la|los|le|les|l[’'])(?!\w)", re.I
)
_SUBJECT_IS = re.compile(
    r"^\W*[^\W\d_]{4,}[^,;:]{0,90}?\s+(?:is|was|remains|becomes|will\s+be|ist|war|bleibt|heißt|lautet|es|fue|será|est|"
    r"était|sera)\s*$",
    re.I,
)
"""A headline's or a note's sentence without an article: "Contact for leave is"."""
_LABEL = re.compile(r"^\W*(?P<label>[^:：|]{2,40})[:：]\s*$")
_CONDITION = re.compile(r"\b(?:if|unless|whether|wenn|falls|ob|si|cuando)\b|\?|？|如果|是否", re.I)
_HAN_END = re.compile(r".?[\W_]|.?$")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Parting:
    """Where two sentences part: a span of each."""

    first: Span
    second: Span


def renamed(first: str, second: str, *, versions: bool) -> Parting | None:
    """The one name in which two sentences differ that are otherwise the same, where only one can be true.

    Args:
        first: A sentence.
        second: Another.
        versions: Whether their documents look like versions of one.
    """
    if has_cjk(first) or has_cjk(second):
        return _renamed_han(first, second, versions=versions)
    mine, theirs = list(_TOKEN.finditer(first)), list(_TOKEN.finditer(second))
    block = _one_replaced([fold(each[0]) for each in mine], [fold(each[0]) for each in theirs])
    if block is None:
        return None
    a, b, c, d = block
    if not _is_name(mine[a:b]) or not _is_name(theirs[c:d]):
        return None
    a, c, b, d = _widened(mine, theirs, a, b, c, d)
    found = Parting((mine[a].start(), mine[b - 1].end()), (theirs[c].start(), theirs[d - 1].end()))
    rest = [fold(each[0]) for each in (*mine[:a], *mine[b:])]
    told = [word for word in rest if counts(word) and not word.isdigit()]
    place = _is_unique(first, found.first, versions=versions)
    return found if place and len(told) >= (1 if versions else 2) else None


def _one_replaced(mine: Sequence[str], theirs: Sequence[str]) -> tuple[int, int, int, int] | None:
    """The one stretch in which two runs of words differ, when nothing else does but words that say little."""
    found = None
    for tag, a, b, c, d in SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        if tag == "equal" or all(word in STOP_WORDS for word in (*mine[a:b], *theirs[c:d])):
            continue
        if tag != "replace" or found is not None or b - a > 5 or d - c > 5:
            return None
        found = (a, b, c, d)
    return found


def _is_name(tokens: Sequence[re.Match[str]]) -> bool:
    """Whether words are written like a name or the number of a product."""
    proper = [each[0] for each in tokens if fold(each[0]) not in _PARTICLES]
    if not proper or any(fold(each) in MONTHS or weekdays(each) for each in proper):
        return False
    return all(each[0].isupper() and not each.isdigit() for each in proper)


def _widened(
    mine: Sequence[re.Match[str]], theirs: Sequence[re.Match[str]], a: int, b: int, c: int, d: int
) -> tuple[int, int, int, int]:
    """The names with the parts that both have: "Anna Weber" and "Karl Weber", "Ms Weber" and "Ms Ito"."""
    while a > 1 and c > 1 and mine[a - 1][0] == theirs[c - 1][0] and mine[a - 1][0][0].isupper():
        a, c = a - 1, c - 1
    while b < len(mine) and d < len(theirs) and mine[b][0] == theirs[d][0] and mine[b][0][0].isupper():
        b, d = b + 1, d + 1
    return a, c, b, d


def _is_unique(text: str, span: Span, *, versions: bool) -> bool:
    """Whether only one name can stand at this place of a sentence."""
    before, after = text[: span[0]], text[span[1] :]
    if _CONDITION.search(text):
        return False
    if _ONE_OF_A_KIND.match(before) or _BY.match(before):
        return True
    if not before.strip(" \"“'-*•"):
        return bool(_IS_THE.match(after))
    if not versions:
        return False
    if _LABEL.match(before) or _SUBJECT_IS.match(before):
        return True
    if re.search(rf"\b{_IS}\b", after, re.IGNORECASE) or sum(map(counts, words(after))) > 3:
        return False
    # Behind a verb: a sentence with words in small letters before the name.
    plain = [each[0] for each in _TOKEN.finditer(before)]
    return (
        len(plain) >= 3
        and sum(word[0].islower() for word in plain) >= 2
        and bool(re.match(_THE, before.strip(), re.I))
    )


def _renamed_han(first: str, second: str, *, versions: bool) -> Parting | None:
    blocks = [
        block
        for block in SequenceMatcher(None, first, second, autojunk=False).get_opcodes()
        if block[0] != "equal"
    ]
    if len(blocks) != 1 or blocks[0][0] != "replace":
        return None
    _, a, b, c, d = blocks[0]
    if not names.is_han_name(first[a:b]) or not names.is_han_name(second[c:d]):
        return None
    rest = len(re.findall(r"[\u3400-\u9fff]", first[:a] + first[b:]))
    named = re.search(r"(?:是|为|由|在|[:：])\s?$", first[:a])
    return Parting((a, b), (c, d)) if named and rest >= (4 if versions else 7) else None


# --- yes and no ----------------------------------------------------------------------------------


def denied(first: str, second: str, *, versions: bool) -> Parting | None:
    """Where one of two sentences with the same words denies what the other says.

    Args:
        first: A sentence.
        second: Another.
        versions: Whether their documents look like versions of one.
    """
    if _CONDITION.search(first) or _CONDITION.search(second):
        return None
    told = polarity.opposed(first, second)
    if not told[0] and bool(polarity.negations(first)) == bool(polarity.negations(second)):
        return None
    if not told[0] and not polarity.turned(first, second):
        return None
    mine, theirs = (_said(text, told) for text in (first, second))
    if len(mine) + bool(told[0]) < (2 if versions else 3) or not _same_words(mine, theirs):
        return None
    return _parting(first, second)


def _said(text: str, opposites: tuple[str, str]) -> list[str]:
    bare = polarity.without_negations(text)
    found = words(bare)
    if has_cjk(text):
        return found
    return [word for word in dict.fromkeys(found) if counts(word) and word not in opposites]


def _same_words(mine: Sequence[str], theirs: Sequence[str]) -> bool:
    def missing(some: Sequence[str], others: Sequence[str]) -> int:
        return sum(not any(same_word(word, other) for other in others) for word in some)

    # Where words are pairs of characters, a "not" parts one of them.
    most = 1 if len(mine) + len(theirs) > 24 or (mine and has_cjk(mine[0])) else 0
    return missing(mine, theirs) <= most and missing(theirs, mine) <= most


def _parting(first: str, second: str) -> Parting:
    """What to show of two sentences: where they part, with a word behind it, or their beginnings."""
    whole = Parting((0, min(len(first), _SHOWN)), (0, min(len(second), _SHOWN)))
    if has_cjk(first):
        blocks = _differences(first, second)
        if len(blocks) != 1:
            return whole
        a, b, c, d = blocks[0]
        behind = 2 if b - a + d - c < 4 and not _HAN_END.match(first, b, b + 2) else 0
        return Parting((a, b + behind), (c, d + behind)) if a < b + behind and c < d + behind else whole
    mine, theirs = list(_TOKEN.finditer(first)), list(_TOKEN.finditer(second))
    blocks = _differences([fold(each[0]) for each in mine], [fold(each[0]) for each in theirs])
    if len(blocks) != 1:
        return whole
    a, b, c, d = blocks[0]
    return Parting(_with_next(mine, a, b), _with_next(theirs, c, d))


def _differences(first: Sequence[str], second: Sequence[str]) -> list[tuple[int, int, int, int]]:
    blocks = SequenceMatcher(None, first, second, autojunk=False).get_opcodes()
    return [(a, b, c, d) for tag, a, b, c, d in blocks if tag != "equal"]


def _with_next(tokens: Sequence[re.Match[str]], start: int, end: int) -> Span:
    """The words that differ with the one behind, and the one before when that is a verb such as "is"."""
    last = min(end, len(tokens) - 1)
    first = min(start, last)
    if first and (fold(tokens[first - 1][0]) in STOP_WORDS or last == start - 1):
        first -= 1
    return tokens[first].start(), tokens[last].end()
