"""Who does what to whom, and which value belongs to which name: the same words with their places changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from copilot.claims import bounds
from copilot.claims.values import Value, stated
from copilot.words import STOP_WORDS, counts, holds, same_word, words
from indexer.language import has_cjk
from indexer.text import fold

_NAME = r"[A-ZÀ-Þ][^\W_]*(?:[’'-][^\W_]+)*"
_RUN = re.compile(rf"(?<![\w’'])(?P<name>{_NAME}(?:\s+{_NAME})*)")
_PREPOSITION = re.compile(
    r"\b(?:in|at|of|on|from|near|for|with|after|before|during|under|im|am|bei|von|vom|aus|nach|mit|en|de|del|dans|à|au|"
    r"chez|sur|con|para|por|pour)\s+(?:the\s+|der\s+|dem\s+|den\s+|la\s+|el\s+|le\s+|l[’'])?\Z",
    re.IGNORECASE,
)
_PASSIVE = re.compile(
    r"\b(?:is|are|was|were|been|being|be)\b.*\bby\b|\b(?:wird|werden|wurden?|worden)\b.*\b(?:von|durch)\b"
    r"|\b(?:es|son|fue|fueron|sido|está|están)\b.*\bpor\b|\b(?:est|sont|fut|furent|été)\b.*\bpar\b",
    re.IGNORECASE,
)
_MUTUAL = frozenset(
    word
    for line in (
        "meet met marry married border borders equal equals versus play played match talk talked discuss",
        "discussed agree agreed share shared join joined connect connects connected link links linked merge",
        "merged related like unlike resemble resembles grenzt traf heiratete entspricht limita conoció casó",
        "rencontré épousé",
    )
    for word in line.split()
)
"""Words of what both do to each other, folded."""
_JOINED = re.compile(
    r"[,;:()]|\b(?:and|or|und|oder|y|o|et|ou|between|zwischen|entre|as\s+well\s+as|sowie)\b", re.I
)


@dataclass(frozen=True, slots=True)
class _Deed:
    """Two names with what stands between them."""

    first: frozenset[str]
    second: frozenset[str]
    passive: bool
    between: frozenset[str]


def swapped(claim: str, sentence: str, *, german: bool = False) -> str:
    """The two names of a claim that stand the other way round in a sentence, as a reason; else "".

    Args:
        claim: The claim.
        sentence: The sentence.
        german: Every noun has a capital, so that one behind an article is no name.
    """
    if has_cjk(claim) or has_cjk(sentence):
        return ""  # nothing there tells a name from other words
    theirs = list(_deeds(sentence, german=german))
    known = words(sentence)
    for mine in _deeds(claim, german=german):
        for other in theirs:
            crossed = _meets(mine.first, other.second) and _meets(mine.second, other.first)
            along = _meets(mine.first, other.first) and _meets(mine.second, other.second)
            if crossed == along or mine.between & _MUTUAL:
                continue
            if crossed != (mine.passive != other.passive) and _same_deed(mine, other, known):
                return (
                    f'{{}} says it the other way round about "{_one(mine.first)}" and "{_one(mine.second)}"'
                )
    return _swapped_ways(claim, sentence)


def _deeds(text: str, *, german: bool) -> Iterator[_Deed]:
    runs = [match for match in _RUN.finditer(text) if not german or not _is_noun(text, match)]
    for at, first in enumerate(runs[:-1]):
        for second in runs[at + 1 : at + 3]:
            between = text[first.end() : second.start()]
            if _JOINED.search(between) or len(between.split()) > 8:
                break
            if _PREPOSITION.search(text[: first.start()]):
                break
            told = frozenset(word for word in words(between) if counts(word))
            passive = bool(_PASSIVE.search(f"{between} "))
            if told or passive:
                mine, other = _parts(first["name"]), _parts(second["name"])
                yield _Deed(mine - other, other - mine, passive, told)


def _is_noun(text: str, run: re.Match[str]) -> bool:
    """Whether a single German word with a capital stands behind an article, a number or an adjective."""
    if " " in run["name"]:
        return False
    return bool(
        re.search(r"(?:\b[a-zäöüß]+(?:e|en|er|es|em|as|ie|im|am|um|ur)|\d\.?)\s+\Z", text[: run.start()])
    )


def _parts(name: str) -> frozenset[str]:
    return frozenset(word for word in words(name) if word not in STOP_WORDS)


def _meets(first: frozenset[str], second: frozenset[str]) -> bool:
    return bool(first and second) and any(same_word(a, b) for a in first for b in second)


def _same_deed(mine: _Deed, other: _Deed, known: Sequence[str]) -> bool:
    """Whether both tell of the same: of two in the active a word between the names, else any of them."""
    if mine.passive == other.passive and not mine.passive:
        return any(same_word(a, b) for a in mine.between for b in other.between)
    return not mine.between or any(holds(set(known), word) for word in mine.between)


def _one(names: frozenset[str]) -> str:
    return " ".join(sorted(names))


_WAY = re.compile(
    r"\b(?:from|von|vom|desde|de)\s+(?:the\s+)?(?P<a>[^,;.]{2,40}?)\s+(?:to|nach|bis|hasta|a|à|zum|zur)\s+(?:the\s+)?(?P<b>[^,;.]{2,40})"
)


_PLACED = re.compile(
    rf"\b(?P<how>in|at|from|to|near|under|by|for|with|bei|aus|nach|von|in|mit|en|desde|hacia|dans|depuis|vers)\s+(?P<name>{_NAME})",
    re.IGNORECASE,
)


def _placed(text: str) -> dict[str, str]:
    """The one name that stands behind each preposition; those with several are left out."""
    found: dict[str, set[str]] = {}
    for match in _PLACED.finditer(text):
        if match["name"][0].isupper():
            found.setdefault(match["how"].lower(), set()).add(match["name"])
    return {how: next(iter(names)) for how, names in found.items() if len(names) == 1}


def _swapped_ways(claim: str, sentence: str) -> str:
    """From here to there, and from there to here."""
    placed, known = _placed(claim), _placed(sentence)
    for one, other in combinations(placed, 2):
        crossed = known.get(one) == placed[other] and known.get(other) == placed[one]
        if crossed and placed[one] != placed[other]:
            return f'{{}} says "{one} {known[one]}" and "{other} {known[other]}"'
    mine, theirs = _WAY.search(claim), _WAY.search(sentence)
    if mine is None or theirs is None or re.search(r"\d", mine["a"] + theirs["a"]):
        return ""
    start, end = words(mine["a"]), words(theirs["a"])
    goal, aim = words(mine["b"])[:3], words(theirs["b"])[:3]
    if start == end or not start or not end:
        return ""
    if set(start) <= set(aim) and set(end) <= set(goal):
        return f'{{}} says "{theirs[0].strip()[:60]}"'
    return ""


# --- comparisons ---------------------------------------------------------------------------------

_THAN = re.compile(
    r"\b(?P<more>(?:more|less|fewer)\s+\w+|[a-z]+er|more|less|worse|mehr|weniger|besser|(?:más|menos|plus|moins)\s+\w+|mejor|peor|"
    r"mayor|menor)\s+(?:\w+\s+){0,2}(?:than|als|que)\b",
    re.IGNORECASE,
)


_LABEL = re.compile(r"\b([A-ZÀ-Þ][a-zà-ÿ]+) ([A-Z])\b")
"""Model B, Annex C: the letter is no article."""


def other_label(claim: str, passage: str) -> str:
    """A "Model C" of the claim where the passage has only other letters, as a reason; else ""."""
    held = {(match[1], match[2]) for match in _LABEL.finditer(passage)}
    for match in _LABEL.finditer(claim):
        others = [letter for head, letter in held if head == match[1]]
        if others and match[2] not in others:
            return f"{match[0]} is not in {{}}; {{}} has {match[1]} {min(others)}"
    return ""


def comparison(text: str) -> tuple[set[str], str, set[str]] | None:
    """The words before a comparative, the comparative, and the words behind its "than"; None without one."""
    text = _LABEL.sub(r"\1\2", text)
    found = _THAN.search(text)
    if found is None:
        return None
    left = {word for word in words(text[: found.start()]) if counts(word)}
    right = {word for word in words(re.split(r"[,;.]", text[found.end() :])[0]) if counts(word)}
    if not left or not right or any(word.isdigit() for word in right):
        return None
    return left - right, fold(found["more"]), right - left


def compared_backwards(claim: str, sentence: str) -> bool:
    """Whether what is compared stands on the other side of the "than"."""
    mine, theirs = comparison(claim), comparison(sentence)
    if mine is None or theirs is None:
        return False
    return bool(mine[0] & theirs[2] and mine[2] & theirs[0]) and not (mine[2] & theirs[2])


def exchanged(claim: str, sentence: str) -> str:
    """A comparison with the same comparative the other way round, as a reason; else ""."""
    mine, theirs = comparison(claim), comparison(sentence)
    if mine is None or theirs is None or not compared_backwards(claim, sentence):
        return ""
    return f'{{}} compares them with "{theirs[1]}" the other way round' if mine[1] == theirs[1] else ""


# --- what belongs together -----------------------------------------------------------------------

_PART = re.compile(
    r"[;；，]|,(?!\s*\d)\s*|\s(?:and|but|while|whereas|und|aber|während|y|pero|mientras|et|mais|tandis\s+que)\s|而|，"
)
_WEEKDAYS = (
    "monday mondays montag montags lunes lundi 周一 星期一",
    "tuesday tuesdays dienstag dienstags martes mardi 周二 星期二",
    "wednesday wednesdays mittwoch mittwochs miercoles mercredi 周三 星期三",
    "thursday thursdays donnerstag donnerstags jueves jeudi 周四 星期四",
    "friday fridays freitag freitags viernes vendredi 周五 星期五",
    "saturday saturdays samstag samstags sonnabend sabado sabados samedi 周六 星期六",
    "sunday sundays sonntag sonntags domingo domingos dimanche 周日 星期日",
)  # fmt: skip
_DAY = {word: number for number, names in enumerate(_WEEKDAYS) for word in names.split()}


@dataclass(frozen=True, slots=True)
class _Anchor:
    """Something in a sentence that another may be exchanged for."""

    kind: str
    key: object
    start: int


def mispaired(claim: str, sentence: str, pairs: Sequence[tuple[frozenset[str], frozenset[str]]]) -> str:
    """Two things of a claim that the sentence has in different parts, each with another beside it; else "".

    Args:
        claim: The claim.
        sentence: The sentence.
        pairs: Opposites, which are exchanged for one another.
    """
    theirs = [_anchors(part, pairs) for part in _parted(sentence)]
    theirs = [part for part in theirs if part]
    if len(theirs) < 2:
        return ""
    for part in _parted(claim):
        mine = _anchors(part, pairs)
        for at, first in enumerate(mine):
            for second in mine[at + 1 :]:
                if first.kind != second.kind and _apart(first, second, mine, theirs):
                    a, b = _written(part, first), _written(part, second)
                    return f'{{}} says "{a}" and "{b}" of different things'
    return ""


def _parted(text: str) -> list[str]:
    return [part for part in _PART.split(text) if part and part.strip()]


def _apart(
    first: _Anchor, second: _Anchor, mine: Sequence[_Anchor], theirs: Sequence[Sequence[_Anchor]]
) -> bool:
    own = {each.key for each in mine}
    with_first = [part for part in theirs if any(each.key == first.key for each in part)]
    with_second = [part for part in theirs if any(each.key == second.key for each in part)]
    if not with_first or not with_second or any(part in with_second for part in with_first):
        return False
    return all(_rival(second, part, own) for part in with_first) and all(
        _rival(first, part, own) for part in with_second
    )


def _rival(anchor: _Anchor, part: Sequence[_Anchor], own: set[object]) -> bool:
    return any(each.kind == anchor.kind and each.key not in own for each in part)


def _anchors(text: str, pairs: Sequence[tuple[frozenset[str], frozenset[str]]]) -> list[_Anchor]:
    found = stated(text)
    anchors = [_Anchor(_kind(each), _key(each), each.start) for each in found.values if not each.weak]
    anchors += [_Anchor("date", (each.year, each.month, each.day), each.start) for each in found.dates]
    anchors += [_Anchor("id", name.lower(), text.find(name)) for name in found.names]
    for match in re.finditer(r"[^\W\d_]+", text):
        word = fold(match[0])
        if word in _DAY:
            anchors.append(_Anchor("weekday", _DAY[word], match.start()))
            continue
        for number, (left, right) in enumerate(pairs):
            if word in left or word in right:
                anchors.append(_Anchor(f"pair {number}", (number, word in left), match.start()))
                break
    anchors += [_Anchor(f"nth {what}", number, text.find(as_)) for number, what, as_ in bounds.ordinals(text)]
    for match in re.finditer(rf"{_NAME}(?:\s+{_NAME})+", text):
        anchors.append(_Anchor("name", fold(match[0]), match.start()))
    return sorted(anchors, key=lambda each: each.start)


def _kind(value: Value) -> str:
    return "year" if value.year else value.unit.kind if value.unit else "number"


def _key(value: Value) -> object:
    factor = value.unit.factor if value.unit else 1
    return (_kind(value), frozenset(reading * factor for reading in value.readings))


def _written(text: str, anchor: _Anchor) -> str:
    return re.split(r"[\s,;.，。]", text[anchor.start :].strip())[0][:24]


def other_day(claim: str, sentence: str, passage: str) -> str:
    """A day of the week that the passage does not name, where the sentence names another; else ""."""
    mine, theirs = _days(claim), _days(sentence)
    if any(day not in _days(passage) for day in mine) and any(day not in mine for day in theirs):
        return f"{{}} says {next(written for day, written in theirs.items() if day not in mine)}"
    return ""


def _days(text: str) -> dict[int, str]:
    return {day: text[start:end] for day, start, end in reversed(weekdays(text))}


def weekdays(text: str) -> list[tuple[int, int, int]]:
    """(day, start, end) of every day of the week in a text; Monday is 0."""
    found = []
    for match in re.finditer(r"[^\W\d_]+", text):
        day = _DAY.get(fold(match[0]))
        if day is not None:
            found.append((day, match.start(), match.end()))
    return found
