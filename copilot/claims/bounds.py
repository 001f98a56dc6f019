"""What stands around a value: that it ends a range, is paid by the month, is a change or what that leads to.

A number that is in the sentence may still be said of it wrongly. Also ordinals and "the following year".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from copilot.claims.values import Value, joined, stated
from copilot.words import counts, same_word
from indexer.text import fold

_TO = r"(?:to|and|bis|und|y|a|et|à|至|到|[-–—~])"
_BETWEEN = re.compile(r"\b(?:between|zwischen|entre)\s+\Z|介于\s*\Z", re.IGNORECASE)
_GAP = re.compile(rf"\s*{_TO}\s*(?:[$€£¥]\s?)?", re.IGNORECASE)
_BOUND = re.compile(
    r"(?:at\s+least|at\s+most|up\s+to|no\s+(?:more|less|fewer)\s+than|minimum(?:\s+of)?|maximum(?:\s+of)?|from|over|under|"
    r"more\s+than|less\s+than|mindestens|höchstens|bis\s+zu|ab|maximal|al\s+menos|como\s+(?:mínimo|máximo)|hasta|desde|"
    r"au\s+moins|au\s+plus|jusqu[’']à|à\s+partir\s+de|至少|最多|不超过|至|到)\s*(?:[$€£¥]\s?)?\Z",
    re.IGNORECASE,
)
_CHANGE = (
    r"(?:r[io]se[ns]?|rising|fell|fall(?:s|en|ing)?|grew|grow[ns]?|growing|increas\w+|decreas\w+|reduc\w+|rais\w+|lower\w+|"
    r"drop\w*|climb\w*|declin\w*|cut|jump\w*|stieg\w*|gestiegen|steigt|sank\w*|gesunken|sinkt|fiel\w*|erhöh\w+|senk\w+|wuchs\w*|"
    r"gewachsen|aument\w+|sub\w+|baj\w+|ca[yí]\w+|disminuy\w+|augment\w+|baiss\w+|progress\w+|recul\w+|diminu\w+|passé\w*)"
)
_CHANGED = re.compile(rf"\b{_CHANGE}\b|上升|下降|增加|减少|增长|提高|降低", re.IGNORECASE)


def half_of_a_range(claim: str, sentence: str) -> str:
    """A value of the claim that only ends a range in the sentence, as a reason; else ""."""
    claim, sentence = joined(claim), joined(sentence)
    if _CHANGED.search(sentence):
        return ""
    ends = list(_ranges(sentence))
    if not ends or next(_pairs(claim), None):
        return ""
    for value in stated(claim).values:
        if _BOUND.search(claim[: value.start]):
            continue
        for low, high in ends:
            if any(_same(value, each) for each in (low, high)) and not _same(low, high):
                return f"{{}} gives a range, {sentence[low.start : high.end].strip()}"
    return ""


def _same(first: Value, second: Value) -> bool:
    return first.same_amount(second) or (first.unit is None and first.same_number(second))


def _ranges(text: str) -> Iterator[tuple[Value, Value]]:
    """The pairs of values with a unit that are the ends of a range; years and scores are none."""
    for low, high in _pairs(text):
        gap = text[low.start + len(low.written) : high.start]
        between = bool(_BETWEEN.search(text[: low.start]))
        if low.year or (high.unit is None and not between):
            continue
        if between or not re.fullmatch(r"\s*(?:and|und|y|et)\s*", gap):
            yield low, high


def _pairs(text: str) -> Iterator[tuple[Value, Value]]:
    """Values with nothing but a "to" between them."""
    found = [each for each in stated(text).values if not each.weak]
    for low, high in pairwise(found):
        if _GAP.fullmatch(text[low.start + len(low.written) : high.start]):
            yield low, high


# --- rates ---------------------------------------------------------------------------------------

_PERIODS = {
    "hour": "hour hourly stunde hora heure 小时 h",
    "day": "day daily tag dia jour 天 日",
    "week": "week weekly woche semana semaine 周 星期",
    "month": "month monthly monat mes mois 月",
    "year": "year yearly annum annual annually jahr jährlich año ano an année annee 年",
}
_PERIOD = {fold(word): name for name, forms in _PERIODS.items() for word in forms.split()}
_RATE = re.compile(
    r"\s*(?:(?:a|an|per|each|every|pro|je|im|al|par|por|à\s+l[’'])\s*|/\s*)(?P<period>[^\W\d_]+)",
    re.IGNORECASE,
)


def _rates(text: str) -> Iterator[tuple[Value, str, str]]:
    for value in stated(text).values:
        end = max(value.end, value.start + len(value.written))
        found = _RATE.match(text, end)
        period = _PERIOD.get(fold(found["period"])) if found else None
        if found and period:
            yield value, period, text[value.start : found.end()]


def other_rate(claim: str, sentence: str) -> str:
    """An amount that is paid or done by another period than in the sentence, as a reason; else ""."""
    claim, sentence = joined(claim), joined(sentence)
    theirs = list(_rates(sentence))
    for value, period, _ in _rates(claim):
        alike = [each for each in theirs if _same(value, each[0])]
        if alike and all(each[1] != period for each in alike):
            return f'{{}} says "{alike[0][2].strip()}"'
    return ""


_PACE = {
    "day": r"daily|täglich\w*|diari[oa]s?|quotidien\w*|每天|每日",
    "week": r"weekly|wöchentlich\w*|semanal\w*|hebdomadaires?|每周|每星期",
    "month": r"monthly|monatlich\w*|mensual\w*|mensuel\w*|每月|每个月",
    "quarter": r"quarterly|vierteljährlich\w*|trimestral\w*|trimestriel\w*|每季度?",
    "year": r"yearly|annual(?:ly)?|jährlich\w*|anual\w*|annuel\w*|每年",
}
_PACES = {name: re.compile(rf"(?<![a-zà-ÿ])(?:{forms})", re.IGNORECASE) for name, forms in _PACE.items()}


def other_pace(claim: str, sentence: str) -> str:
    """A "monthly" where the sentence has only a "yearly", as a reason; else ""."""
    mine, theirs = (
        {name: found[0] for name, form in _PACES.items() if (found := form.search(text))}
        for text in (claim, sentence)
    )
    if len(mine) == len(theirs) == 1 and mine.keys() != theirs.keys():
        return f'{{}} says "{next(iter(theirs.values()))}"'
    return ""


# --- how many of what ----------------------------------------------------------------------------


def other_count(claim: str, sentence: str) -> str:
    """A number of something that the sentence counts with another number, as a reason; else ""."""
    claim, sentence = joined(claim), joined(sentence)
    theirs = list(_counted(sentence))
    for value, what in _counted(claim):
        alike = [each for each, other in theirs if same_word(what, other)]
        elsewhere = any(value.same_number(each) for each, other in theirs if not same_word(what, other))
        if elsewhere and alike and not any(value.same_number(each) for each in alike):
            return f"{{}} has {alike[0].written} {what}"
    return ""


def _counted(text: str) -> Iterator[tuple[Value, str]]:
    for value in stated(text).values:
        behind = re.match(r"\s+([^\W\d_]{3,})", text[value.start + len(value.written) :])
        if value.unit is None and not value.year and behind and counts(fold(behind[1])):
            yield value, fold(behind[1])


# --- from and until ------------------------------------------------------------------------------

_SINCE = re.compile(
    r"(?:\b(?:from|since|starting(?:\s+on)?|as\s+of|after|ab(?:\s+dem)?|seit(?:\s+dem)?|nach(?:\s+dem)?|desde(?:\s+el)?|"
    r"a\s+partir\s+del?|à\s+partir\s+du|depuis(?:\s+le)?|dès\s+le)\s+|[自从]\s?)\Z",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"(?:\b(?:until|till|by|before|through|up\s+to|bis(?:\s+zum)?|vor\s+dem|hasta(?:\s+el)?|antes\s+del?|"
    r"jusqu[’']au|avant\s+le)\s+|[至到]\s?)\Z",
    re.IGNORECASE,
)


def other_end(claim: str, sentence: str) -> str:
    """A date from which something is, where the sentence has it until then, or the reverse; else ""."""
    claim, sentence = joined(claim), joined(sentence)
    theirs = stated(sentence).dates
    for date in stated(claim).dates:
        mine = _side(claim, date.start)
        sides = {_side(sentence, each.start) for each in theirs if each.agrees(date)}
        if mine and sides and "" not in sides and mine not in sides:
            other = next(each for each in theirs if each.agrees(date))
            place = _LIMIT.search(sentence[: other.start]) or _SINCE.search(sentence[: other.start])
            return f'{{}} says "{(place[0] if place else "").strip()} {sentence[other.start : other.end]}"'
    return ""


def _side(text: str, start: int) -> str:
    before = text[:start]
    return "from" if _SINCE.search(before) else "until" if _LIMIT.search(before) else ""


# --- by and to -----------------------------------------------------------------------------------

_BY = re.compile(
    rf"{_CHANGE}(?:\s+\w+){{0,3}}?\s+(?:by|um|de|en)\s+(?:about\s+|nearly\s+|almost\s+|rund\s+|fast\s+)?(?:[$€£¥]\s?)?\Z|"
    rf"(?:上升|下降|增加|减少|增长|提高|降低)了\Z",
    re.IGNORECASE,
)
_UNTIL = re.compile(
    rf"{_CHANGE}(?:\s+[^\s,;]+){{0,9}}?\s+(?:to|auf|a|hasta|à)\s+(?:about\s+|nearly\s+|almost\s+|rund\s+|fast\s+)?(?:[$€£¥]\s?)?\Z|"
    rf"(?:上升|下降|增加|减少|增长|提高|降低)(?:到|至)\Z",
    re.IGNORECASE,
)


def change_for_level(claim: str, sentence: str) -> str:
    """A value by which something changed, where the sentence says to which; or the reverse; else ""."""
    claim, sentence = joined(claim), joined(sentence)
    for value in stated(claim).values:
        mine = _way(claim, value)
        theirs = {_way(sentence, each) for each in stated(sentence).values if _same(value, each)} - {""}
        if mine and theirs and mine not in theirs and not value.year:
            return f'{{}} says "{theirs.pop()} {value.written}"'
    return ""


def _way(text: str, value: Value) -> str:
    before = text[max(0, value.start - 90) : value.start]
    return "by" if _BY.search(before) else "to" if _UNTIL.search(before) else ""


# --- ordinals ------------------------------------------------------------------------------------

_ORDINALS = (
    "first 1st erste ersten erster erstes primero primera primer premier premiere",
    "second 2nd zweite zweiten zweiter zweites segundo segunda deuxieme seconde",
    "third 3rd dritte dritten dritter drittes tercero tercera tercer troisieme",
    "fourth 4th vierte vierten vierter viertes cuarto cuarta quatrieme",
    "fifth 5th fünfte fünften fünfter fünftes quinto quinta cinquieme",
    "sixth 6th sechste sechsten sechster sexto sexta sixieme",
    "seventh 7th siebte siebten siebter septimo septima septieme",
    "eighth 8th achte achten achter octavo octava huitieme",
    "ninth 9th neunte neunten neunter noveno novena neuvieme",
    "tenth 10th zehnte zehnten zehnter decimo decima dixieme",
)
_ORDINAL = {fold(word): number for number, forms in enumerate(_ORDINALS, 1) for word in forms.split()}
LAST = 0
_ORDINAL |= dict.fromkeys(
    ("last", "letzte", "letzten", "letzter", "letztes", "ultimo", "ultima", "dernier", "derniere"), LAST
)
_QUARTER = re.compile(
    r"(?<!\w)(?:Q(?P<q>[1-4])|(?P<n>[1-4])\.\s?Quartal|[T](?P<t>[1-4])(?=\s+(?:de\s+)?\d{4})|"
    r"第?(?P<han>[一二三四1-4])季度)(?!\w|\.\d)"
)
_HAN_ORDINAL = re.compile(r"第(?P<han>[一二三四五六七八九十])(?P<what>[\u3400-\u9fff])")
_WORD = re.compile(r"[^\W_]+")


def ordinals(text: str) -> list[tuple[int, str, str]]:
    """(number, the word it counts, as written); Q3 is the third quarter. `LAST` is the last."""
    found = []
    for match in _QUARTER.finditer(text):
        written = match["q"] or match["n"] or match["t"] or match["han"]
        number = "一二三四".find(written) + 1 or int(written)
        found.append((number, "quarter", match[0]))
    for match in _HAN_ORDINAL.finditer(text):
        found.append(("一二三四五六七八九十".find(match["han"]) + 1, match["what"], match[0]))
    tokens = list(_WORD.finditer(text))
    for here, after in pairwise(tokens):
        word = fold(here[0])
        if word in _ORDINAL and text[here.end() : after.start()].isspace():
            counted = fold(after[0])
            counted = "quarter" if counted in ("quarter", "quartal", "quartals", "trimestre") else counted
            found.append((_ORDINAL[word], counted, here[0]))
    return found


def other_place(claim: str, sentence: str) -> str:
    """An ordinal of the claim where the sentence counts the same with another, as a reason; else ""."""
    mine, theirs = ordinals(claim), ordinals(sentence)
    for number, what, _ in mine:
        alike = [each for each in theirs if each[1] == what or same_word(each[1], what)]
        if alike and all(each[0] != number for each in alike):
            return (
                f'{{}} says "{alike[0][2]} {alike[0][1]}"'
                if what != "quarter"
                else f'{{}} says "{alike[0][2]}"'
            )
    return ""


# --- relative years ------------------------------------------------------------------------------

_LATER = re.compile(
    r"\b(?:the\s+)?(?:following|next)\s+year\b|\b(?:one|a)\s+year\s+(?:later|after)|\bim\s+(?:folgenden|nächsten)\s+Jahr\b|"
    r"\bein\s+Jahr\s+(?:später|danach)|\bal\s+año\s+siguiente|\bun\s+año\s+(?:después|más\s+tarde)|"
    r"\bl[’']année\s+suivante|\bun\s+an\s+(?:après|plus\s+tard)|第二年|次年|翌年",
    re.IGNORECASE,
)
_EARLIER = re.compile(
    r"\b(?:the\s+)?(?:previous|preceding)\s+year\b|\b(?:one|a)\s+year\s+(?:earlier|before)|\bim\s+(?:Vorjahr|vorigen\s+Jahr)\b|"
    r"\bein\s+Jahr\s+(?:zuvor|davor)|\bel\s+año\s+anterior|\bl[’']année\s+précédente|\bun\s+an\s+plus\s+tôt|前一年|上一年",
    re.IGNORECASE,
)


def relative_year(claim: str, sentence: str, before: str) -> str:
    """A year of the claim that is another than "the following year" of the sentence; else "".

    Args:
        claim: The claim.
        sentence: The sentence it is about.
        before: The sentence before that, which says of which year.
    """
    step = 1 if _LATER.search(sentence) else -1 if _EARLIER.search(sentence) else 0
    if not step or _LATER.search(claim) or _EARLIER.search(claim) or _years(sentence):
        return ""
    known, said = _years(before), _years(claim)
    if len(known) != 1 or len(said) != 1 or said == {next(iter(known)) + step}:
        return ""
    phrase = (_LATER if step > 0 else _EARLIER).search(sentence)
    return f'{{}} says "{phrase[0]}"' if phrase else ""


def _years(text: str) -> set[int]:
    found = stated(text)
    return {each.year for each in found.values if each.year} | {
        each.year for each in found.dates if each.year
    }
