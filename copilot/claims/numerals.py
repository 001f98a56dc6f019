"""Numbers in a text, written in digits or in words of English, German, Spanish, French and Chinese.

A number has one reading or several: `1.250` is 1250 to a German and 1.25 to an American, and both are kept.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from fractions import Fraction

from copilot.claims import spelled
from indexer.text import fold

_FRACTIONS = {
    "½": Fraction(1, 2), "¼": Fraction(1, 4), "¾": Fraction(3, 4), "⅓": Fraction(1, 3), "⅔": Fraction(2, 3),
    "⅛": Fraction(1, 8), "⅜": Fraction(3, 8), "⅝": Fraction(5, 8), "⅞": Fraction(7, 8),
}  # fmt: skip

_DIGITS = re.compile(
    r"(?<![\w.,])(?P<plain>\d{1,3}(?:[.,’'\u00a0\u202f ]\d{3})+(?![\d])(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"
    r"(?P<part>[½¼¾⅓⅔⅛⅜⅝⅞])?"
)
_DIGITS_IN_HAN = re.compile(r"(?<![A-Za-z\d.,])\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<![A-Za-z\d.,])\d+(?:\.\d+)?")
_LONE_PART = re.compile("[½¼¾⅓⅔⅛⅜⅝⅞]")
_ROMAN = re.compile(r"(?<![\w.])[IVXL]{2,6}(?![\w])")
_HAN = re.compile(r"(?<![\d.])(?!百分之)[零〇一二两兩三四五六七八九十百千万萬亿億]+")
_HAN_CHAR = re.compile("[\u4e00-\u9fff]")
_WORD = re.compile(r"[^\W\d_]+")
_ONE_OF_SCALE = re.compile(
    r"(?<!\w)an?\s+(?=(?:hundred|thousand|million|billion|trillion|dozen)\b)", re.IGNORECASE
)
_PER = re.compile(r"(?:\bper|\bpour|\bpor)[\s-]\Z", re.IGNORECASE)
_PARTS = frozenset(("cent", "ciento", "cien", "mil", "mille"))
"""Behind "per" or "por" they make a share."""

_SCALES = {
    "hundred": 2, "hundreds": 2, "thousand": 3, "thousands": 3, "tausend": 3, "mil": 3, "mille": 3, "k": 3,
    "million": 6, "millions": 6, "millionen": 6, "mio": 6, "millon": 6, "millones": 6, "mn": 6,
    "billion": 9, "billions": 9, "bn": 9, "milliarde": 9, "milliarden": 9, "mrd": 9, "milliard": 9,
    "milliards": 9, "billionen": 12, "billon": 12, "billones": 12, "trillion": 12, "trillions": 12, "tn": 12,
}  # fmt: skip
"""Powers of ten by folded word. German and Spanish count in long scale, so `Billionen` is 10^12."""
_SCALE = re.compile(r"[\s\u00a0-]{0,2}(mil millones|miles de millones|[^\W\d_]+)")
_HAN_SCALES = {"十": 1, "百": 2, "千": 3, "万": 4, "萬": 4, "亿": 8, "億": 8, "兆": 12}
_HAN_SCALE = re.compile(r"\s?((?:[十万萬亿億]|百(?!帕)|[千兆](?!克|米|瓦|帕|赫|焦|伏|牛|字节))+)")
"""Where 千 and 兆 belong to a unit (千克, 兆帕) they are no scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numeral:
    """A number where it stands in a text."""

    start: int
    end: int
    readings: frozenset[Fraction]
    weak: bool = False
    """Perhaps an article and no number: "one", "un", "ein", 一."""


def numerals(text: str) -> list[Numeral]:
    """All numbers of a text, in order, without overlaps; scale words belong to their number."""
    han = bool(_HAN_CHAR.search(text))
    found = [*_in_digits(text, han=han), *_in_words(text), *_roman(text)]
    if han:
        found += _in_han(text)
    found.sort(key=lambda each: (each.start, -each.end))
    kept: list[Numeral] = []
    for each in found:
        if not kept or each.start >= kept[-1].end:
            kept.append(each)
    return kept


def _in_digits(text: str, *, han: bool) -> list[Numeral]:
    found = []
    pattern = _DIGITS_IN_HAN if han else _DIGITS
    for match in pattern.finditer(text):
        part = Fraction(0)
        end = match.end()
        plain = match[0]
        if not han and match["part"]:
            part, plain = _FRACTIONS[match["part"]], match["plain"]
        elif han and (follows := _LONE_PART.match(text, end)):
            part, end = _FRACTIONS[follows[0]], follows.end()
        readings = {value + part for value in read_digits(plain)}
        power, end = _million_sign(text, match.start(), end) or _scale(text, end)
        found.append(
            Numeral(start=match.start(), end=end, readings=frozenset(each * power for each in readings))
        )
    taken = {each.end for each in found}
    for match in _LONE_PART.finditer(text):
        if match.end() not in taken:
            value = frozenset([_FRACTIONS[match[0]]])
            found.append(Numeral(start=match.start(), end=match.end(), readings=value))
    return found


_MILLIONS_OF = re.compile(r"[mM]\s+(?!across|towards|upwards|downwards)[^\W\d_]{4,}s\b")


def _million_sign(text: str, start: int, end: int) -> tuple[Fraction, int] | None:
    """The "m" of "$4.5m" and "1.2m households" is a million, that of "1.2m long" a metre."""
    money = text[max(0, start - 1) : start] in ("$", "€", "£")
    if money and text[end : end + 1] in ("m", "M") and not text[end + 1 : end + 2].isalnum():
        return Fraction(10**6), end + 1
    if _MILLIONS_OF.match(text, end):
        return Fraction(10**6), end + 1
    return None


def read_digits(written: str) -> set[Fraction]:
    """The values that a number in digits may have, by the customs of either side."""
    groups = re.split(r"[.,’'\u00a0\u202f ]", written)
    signs = re.findall(r"[.,’'\u00a0\u202f ]", written)
    if not signs:
        return {Fraction(written)}
    whole = Fraction("".join(groups))
    decimal = Fraction("".join(groups[:-1]) + "." + groups[-1])
    if len(signs) == 1:
        if len(groups[1]) != 3 or len(groups[0]) > 3:
            return {decimal}
        return {whole, decimal} if signs[0] in ".," and groups[0] != "0" else {whole}
    return {whole} if signs[-1] == signs[0] and len(groups[-1]) == 3 else {decimal}


def _scale(text: str, end: int) -> tuple[Fraction, int]:
    """The factor that stands behind a number, with the end of its words."""
    power = 0
    while match := _HAN_SCALE.match(text, end):
        power += sum(_HAN_SCALES[char] for char in match[1])
        end = match.end()
    if power:
        return Fraction(10**power), end
    factor = Fraction(1)
    while match := _SCALE.match(text, end):
        word = fold(match[1])
        if word in ("mil millones", "miles de millones"):
            exponent = 9
        elif word in _SCALES and not (word == "mille" and factor == 1):
            exponent = _SCALES[word]
        else:
            break
        factor *= 10**exponent
        end = match.end()
    return factor, end


def _in_words(text: str) -> list[Numeral]:
    found = [
        Numeral(start=match.start(), end=end, readings=frozenset([factor]))
        for match in _ONE_OF_SCALE.finditer(text)
        for factor, end in [_scale(text, match.end())]
    ]
    matches = list(_WORD.finditer(text))
    at = 0
    while at < len(matches):
        first = fold(matches[at][0])
        if not spelled.begins(first) or (first in _PARTS and _PER.search(text, 0, matches[at].start())):
            at += 1
            continue
        run = [first]
        last = at
        while last + 1 < len(matches):
            gap = text[matches[last].end() : matches[last + 1].start()]
            word = fold(matches[last + 1][0])
            if gap not in (" ", "-", "\u00a0", "\u2011") or not spelled.goes_on(word):
                break
            last += 1
            run.append(word)
        value, used = spelled.value(run)
        if value is None:
            at += 1
            continue
        end = matches[at + used - 1].end()
        weak = used == 1 and spelled.is_article(run[0])
        factor, end = _scale(text, end)
        found.append(
            Numeral(
                start=matches[at].start(),
                end=end,
                readings=frozenset([value * factor]),
                weak=weak and factor == 1,
            )
        )
        at += used
    return found


@functools.lru_cache(maxsize=512)
def _roman_value(written: str) -> int:
    worth = {"I": 1, "V": 5, "X": 10, "L": 50}
    total = 0
    for here, after in zip(written, [*written[1:], ""], strict=True):
        total += -worth[here] if after and worth[after] > worth[here] else worth[here]
    return total


def _roman(text: str) -> list[Numeral]:
    return [
        Numeral(start=match.start(), end=match.end(), readings=frozenset([Fraction(_roman_value(match[0]))]))
        for match in _ROMAN.finditer(text)
    ]


def _in_han(text: str) -> list[Numeral]:
    found = []
    for match in _HAN.finditer(text):
        value = spelled.han(match[0])
        if value is None:
            continue
        factor, end = _scale(text, match.end())
        found.append(
            Numeral(
                start=match.start(),
                end=end,
                readings=frozenset([value * factor]),
                weak=factor == 1 and len(match[0]) == 1 and match[0] in "一千万百十萬亿億",
            )
        )
    return found
