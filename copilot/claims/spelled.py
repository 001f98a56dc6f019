"""Number words: "twenty-four", "vierundzwanzig", "veinticuatro", "quatre-vingt-dix", 二十四."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from fractions import Fraction

_UNITS: dict[str, int] = {}
"""Words that stand for a number below a hundred, cardinal and ordinal, folded."""


def _add(words: str, first: int = 0, step: int = 1) -> None:
    for at, group in enumerate(words.split()):
        for word in group.split("/"):
            if word != "-":
                _UNITS[word] = first + at * step


_add("one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen", 1)
_add("seventeen eighteen nineteen", 17)
_add("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10)
_add("first - third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth", 1)
_add("fifteenth sixteenth seventeenth eighteenth nineteenth", 15)
_add("twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth", 20, 10)
_add("once twice thrice", 1)
_add("uno/una/un dos tres cuatro cinco - siete ocho nueve diez once/once doce trece catorce quince", 1)
_add("dieciseis diecisiete dieciocho diecinueve veinte veintiuno/veintiun/veintiuna veintidos", 16)
_add("veintitres veinticuatro veinticinco veintiseis veintisiete veintiocho veintinueve", 23)
_add("seis", 6)
_add("treinta cuarenta cincuenta sesenta setenta ochenta noventa", 30, 10)
_add("primero/primera/primer - tercero/tercera/tercer cuarto/cuarta quinto/quinta sexto/sexta", 1)
_add("septimo/septima octavo/octava noveno/novena decimo/decima", 7)
_add("un/une deux trois quatre cinq - sept huit neuf dix onze douze treize quatorze quinze seize", 1)
_add("vingt trente quarante cinquante soixante", 20, 10)
_add("premier/premiere deuxieme troisieme quatrieme cinquieme sixieme septieme huitieme neuvieme", 1)
_add("dixieme onzieme douzieme treizieme", 10)
_UNITS["once"] = 11  # Spanish; the English adverb is no number that a text would be wrong about

_HUNDREDS = {
    "cien": 100, "ciento": 100, "doscientos": 200, "doscientas": 200, "trescientos": 300, "trescientas": 300,
    "cuatrocientos": 400, "cuatrocientas": 400, "quinientos": 500, "quinientas": 500, "seiscientos": 600,
    "seiscientas": 600, "setecientos": 700, "setecientas": 700, "ochocientos": 800, "ochocientas": 800,
    "novecientos": 900, "novecientas": 900,
}  # fmt: skip
_SCALES = {
    "hundred": 100, "cent": 100, "cents": 100, "thousand": 1000, "mil": 1000, "mille": 1000,
    "million": 10**6, "millions": 10**6, "millon": 10**6, "millones": 10**6, "millionen": 10**6,
    "billion": 10**9, "billions": 10**9, "milliard": 10**9, "milliards": 10**9, "milliarden": 10**9,
    "milliarde": 10**9, "billones": 10**12, "billionen": 10**12, "trillion": 10**12, "dozen": 12,
    "docena": 12, "douzaine": 12, "dutzend": 12,
}  # fmt: skip
_JOINTS = frozenset(("and", "y", "et"))
_ARTICLES = frozenset(
    [
        "one",
        "un",
        "una",
        "uno",
        "une",
        "ein",
        "eine",
        "einen",
        "einem",
        "einer",
        "eines",
        "eins",
        "once",
        "first",
        "primero",
        "primera",
        "primer",
        "premier",
        "premiere",
        "erste",
        "ersten",
        "erster",
        "erstes",
    ]
)

_GERMAN_SMALL = {
    "ein": 1, "eins": 1, "eine": 1, "einen": 1, "einem": 1, "einer": 1, "eines": 1, "zwei": 2, "zwo": 2,
    "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9, "zehn": 10, "elf": 11,
    "zwölf": 12, "dreizehn": 13, "vierzehn": 14, "fünfzehn": 15, "sechzehn": 16, "siebzehn": 17,
    "achtzehn": 18, "neunzehn": 19,
}  # fmt: skip
_GERMAN_TENS = {
    "zwanzig": 20, "dreißig": 30, "dreissig": 30, "vierzig": 40, "fünfzig": 50, "sechzig": 60,
    "siebzig": 70, "achtzig": 80, "neunzig": 90,
}  # fmt: skip


def _folded(table: dict[str, int]) -> dict[str, int]:
    spell = str.maketrans({"ü": "u", "ö": "o", "ß": "ss"})
    return {**table, **{word.translate(spell): value for word, value in table.items()}}


_SMALL, _TENS = _folded(_GERMAN_SMALL), _folded(_GERMAN_TENS)
_GERMAN_ORDINALS = _folded(
    {"erst": 1, "zweit": 2, "dritt": 3, "viert": 4, "fünft": 5, "sechst": 6, "siebt": 7, "acht": 8,
     "neunt": 9, "zehnt": 10, "elft": 11, "zwölft": 12}
)  # fmt: skip
_ORDINAL_END = re.compile(r"^(\w+t)(?:e|en|er|es|em)$")


@functools.lru_cache(maxsize=4096)
def german(word: str) -> int | None:
    """The value of a German number written as one folded word, or None."""
    if word in _SMALL:
        return _SMALL[word]
    if word in _TENS:
        return _TENS[word]
    for joint, factor in (("tausend", 1000), ("hundert", 100)):
        left, found, right = word.partition(joint)
        if found:
            before = german(left) if left else 1
            after = german(right.removeprefix("und")) if right else 0
            return None if before is None or after is None else before * factor + after
    left, found, right = word.partition("und")
    if found and left in _SMALL and right in _TENS:
        return _SMALL[left] + _TENS[right]
    ordinal = _ORDINAL_END.match(word)
    if ordinal:
        stem = ordinal[1]
        if stem in _GERMAN_ORDINALS:
            return _GERMAN_ORDINALS[stem]
        cut = stem.removesuffix("st") if stem.endswith("st") else stem.removesuffix("t")
        return german(cut) if len(cut) > 4 else None
    return None


def _one(word: str) -> int | None:
    if word in _UNITS:
        return _UNITS[word]
    if word in _HUNDREDS:
        return _HUNDREDS[word]
    return german(word)


def begins(word: str) -> bool:
    """Whether a number may begin with this folded word."""
    return _one(word) is not None or word in ("mil", "mille", "cent", "hundert", "tausend")


def goes_on(word: str) -> bool:
    """Whether a number may go on with it."""
    return begins(word) or word in _SCALES or word in _JOINTS


def is_article(word: str) -> bool:
    """Whether the word for 1 is as often an article or an adverb."""
    return word in _ARTICLES


def value(run: Sequence[str]) -> tuple[Fraction | None, int]:
    """The number that a run of folded words begins with, and how many of the words it takes.

    Units add to tens and to hundreds, scales multiply what stands before them, thousands close a group.
    """
    total = group = used = 0
    room = 10**9
    """What the next word must be smaller than."""
    for at, word in enumerate(run):
        if word in _JOINTS:
            if used and (room >= 100 or (room == 10 and word != "and")):
                continue
            break
        if word in _SCALES and (used or word in ("mil", "mille", "cent")):
            scale = _SCALES[word]
            if scale == 100 and group < 100:
                group = max(group, 1) * 100
            elif scale != 100:
                # "mil millones": the greater scale multiplies all before it.
                total = (total + group) * scale if total and scale > room else total + max(group, 1) * scale
                group = 0
            else:
                break
            room, used = scale, at + 1
            continue
        small = _one(word)
        if small is None:
            break
        if word in ("vingt", "vingts") and group == 4 and at:  # quatre-vingts
            group, room = 80, 20
        elif small < room and not (small >= 1000 and total):
            group += small
            room = _room_after(small, french=word in ("soixante", "dix"))
        elif 13 <= group <= 20 and 10 <= small < 100 and not total:  # nineteen eighty-four
            group = group * 100 + small
            room = _room_after(small, french=False)
        else:
            break
        used = at + 1
    return (Fraction(total + group), used) if used else (None, 0)


def _room_after(small: int, *, french: bool) -> int:
    if french and small == 60:
        return 20  # soixante-dix
    if small >= 100:
        return 100
    return 10 if (small >= 20 and small % 10 == 0) or (french and small == 10) else 0


_HAN_DIGITS = {char: at for at, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
_HAN_STEPS = {"十": 10, "百": 100, "千": 1000}
_HAN_MYRIADS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}


def han(written: str) -> Fraction | None:
    """The value of Chinese numerals, also digit by digit: 二〇一六 is 2016."""
    if len(written) > 1 and all(char in _HAN_DIGITS for char in written):
        return Fraction("".join(str(_HAN_DIGITS[char]) for char in written))
    total = section = digit = 0
    for char in written:
        if char in _HAN_DIGITS:
            digit = _HAN_DIGITS[char]
        elif char in _HAN_STEPS:
            section += max(digit, 1) * _HAN_STEPS[char]
            digit = 0
        elif section or digit:
            total = (total + section + digit) * _HAN_MYRIADS[char]
            section = digit = 0
        else:
            total = max(total, 1) * _HAN_MYRIADS[char]
    return Fraction(total + section + digit)
