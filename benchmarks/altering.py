"""Alterations of a true sentence: one number, date, name, unit or "not" becomes another.

An altered value is really false: it does not occur in the claim's own paragraph, in digits or in words.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.rephrasing import MOST_SPELLED, SPELL, spelled_numbers


@dataclass(frozen=True)
class Paragraph:
    """A piece of a document that claims are made of."""

    article: str
    index: int
    text: str
    language: str
    names: frozenset[str] | None = None
    """Words known to be parts of names, where capitals alone do not tell (German)."""
    collection: str = ""
    """Claims are made of each collection and language alike."""

    @property
    def held_out(self) -> bool:
        """Which half it belongs to: one is for tuning, the other for reporting."""
        key = f"{self.article}/{self.index}".encode()  # without the language: translations stay together
        return hashlib.sha256(key).digest()[0] % 2 == 1


# --- numbers -------------------------------------------------------------------------------------

_NUMBER = re.compile(
    r"(?<![\w.,:/#–-])\d{1,3}(?:,\d{3})+(?![\d.,]\d)|(?<![\w.,:/#–-])\d{1,3}(?:[.,]\d{1,2})?(?![\w:/–½-]|[.,]\d)"
)
_NUMBER_ZH = re.compile(
    r"(?<![A-Za-z\d.,:/–-])\d{1,3}(?:,\d{3})+(?!\d)|(?<![A-Za-z\d.,:/–-])\d{1,3}(?:\.\d{1,2})?(?![\d:/–½A-Za-z-]|[.,]\d|\s?[年月日号])"
)
_YEAR = re.compile(r"(?<![\w.,:/–$€£-])(?:1[0-9]\d\d|20[0-3]\d)(?![\w:/–-]|[.,]\d|\s?[%°])")
_NEAR_MONTH = re.compile(
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December|Januar|Februar|"
    r"März|Mai|Juni|Juli|Oktober|Dezember|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|"
    r"noviembre|diciembre)"
)


def _holds_number(text: str, number: str, language: str) -> bool:
    """Whether a text has the number in digits, with or without separators, or in words."""
    plain = number.replace(",", "")
    squeezed = re.sub(r"(?<=\d)[.,](?=\d{3})", "", text)
    if re.search(rf"(?<![\d]){re.escape(plain)}(?![\d])", squeezed) or number in text:
        return True
    if plain.isdigit() and int(plain) < MOST_SPELLED:
        word = SPELL[language](int(plain))
        return word in text.lower()
    return False


def alter_number(sentence: str, paragraph: Paragraph, rng: random.Random) -> str | None:
    """Another number in the place of one in digits or in words; dates are left alone."""
    language = paragraph.language
    places: list[tuple[int, int, str]] = []
    for match in (_NUMBER_ZH if language == "zh" else _NUMBER).finditer(sentence):
        near = sentence[max(0, match.start() - 14) : match.end() + 14]
        if not _NEAR_MONTH.search(near) and not _YEAR.fullmatch(match[0]):
            places.append((match.start(), match.end(), match[0]))
    places += [(start, end, str(value)) for start, end, value in spelled_numbers(sentence, language)]
    rng.shuffle(places)
    for start, end, number in places:
        new = _other_number(number, paragraph, rng)
        if new is None:
            continue
        if not sentence[start:end][0].isdigit():
            if not new.isdigit() or not 2 <= int(new) < MOST_SPELLED:
                continue
            new = SPELL[language](int(new))
        return sentence[:start] + new + sentence[end:]
    return None


def _other_number(number: str, paragraph: Paragraph, rng: random.Random) -> str | None:
    for _ in range(20):
        if re.fullmatch(r"\d+", number):
            value = int(number)
            new = str(max(2, value + rng.choice((-1, 1)) * rng.randint(1, max(2, value // 2))))
        else:
            digits = list(number)
            at = rng.choice([at for at, char in enumerate(digits) if char.isdigit()])
            digits[at] = rng.choice([each for each in "123456789" if each != digits[at]])
            new = "".join(digits)
        if new != number and not _holds_number(paragraph.text, new, paragraph.language):
            return new
    return None


# --- dates ---------------------------------------------------------------------------------------

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "zh": "1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月",
}


def alter_date(sentence: str, paragraph: Paragraph, rng: random.Random) -> str | None:
    """Another year, month or day."""
    language = paragraph.language
    places: list[tuple[int, int, str]] = []
    for match in _YEAR.finditer(sentence):
        if language == "zh" and not re.match(r"\s?年", sentence[match.end() :]):
            continue
        places += _years(match, paragraph, rng)
    names = _MONTHS[language].split()
    form = "|".join(sorted(names, key=len, reverse=True))
    edge = r"(?<!\d)" if language == "zh" else r"(?<!\w)"
    for match in re.finditer(
        rf"{edge}(?:{form})(?!\w|球)" if language != "zh" else rf"{edge}(?:{form})", sentence
    ):
        if match[0] == "May" and not re.search(
            r"\d|in May", sentence[max(0, match.start() - 4) : match.end() + 4]
        ):
            continue
        free = [name for name in names if name not in paragraph.text and name[:3] not in paragraph.text]
        if free:
            places.append((match.start(), match.end(), rng.choice(free)))
        places += _days(sentence, match, paragraph, rng)
    if not places:
        return None
    start, end, new = rng.choice(places)
    return sentence[:start] + new + sentence[end:]


def _years(match: re.Match[str], paragraph: Paragraph, rng: random.Random) -> list[tuple[int, int, str]]:
    year = int(match[0])
    for _ in range(20):
        new = str(year + rng.choice((-1, 1)) * rng.randint(1, 12))
        if new not in paragraph.text:
            return [(match.start(), match.end(), new)]
    return []


def _days(
    sentence: str, month: re.Match[str], paragraph: Paragraph, rng: random.Random
) -> list[tuple[int, int, str]]:
    after = re.compile(r"\s?([0-3]?\d)(?=日|号|,|\s|\.)").match(sentence, month.end())
    before = re.search(r"(?<!\d)([0-3]?\d)(?:\.? | de )\Z", sentence[: month.start()])
    for found in (after, before):
        if found:
            free = [str(day) for day in range(2, 29) if not re.search(rf"(?<!\d){day}(?!\d)", paragraph.text)]
            if free:
                return [(found.start(1), found.end(1), rng.choice(free))]
    return []


# --- names ---------------------------------------------------------------------------------------

_PROPER = r"[A-ZÁÉÍÓÚÄÖÜ][a-záéíóúñäöüß]{2,}"
_NAME = re.compile(rf"(?<=[a-zäöüßáéíóúñ,] ){_PROPER}(?: {_PROPER})?(?!\w|['’-])")
_SMALL_WORDS = frozenset(
    [
        "The",
        "This",
        "That",
        "These",
        "Those",
        "There",
        "When",
        "While",
        "Although",
        "However",
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
        "Januar",
        "Februar",
        "März",
        "Mai",
        "Juni",
        "Juli",
        "Oktober",
        "Dezember",
        "Sie",
        "Ihr",
        "Ihre",
        "Ihnen",
        "Los",
        "Las",
        "Del",
    ]
)
_HAN_NAME = re.compile("[\u4e00-\u9fff]{1,5}(?:·[\u4e00-\u9fff]{1,6})+")
_HAN_PLACES = [
    "美国",
    "英国",
    "法国",
    "德国",
    "中国",
    "日本",
    "俄罗斯",
    "印度",
    "韩国",
    "加拿大",
    "澳大利亚",
    "意大利",
    "西班牙",
    "荷兰",
    "瑞典",
    "波兰",
    "埃及",
    "巴西",
    "墨西哥",
    "伦敦",
    "巴黎",
    "柏林",
    "纽约",
    "罗马",
    "北京",
    "莫斯科",
    "加利福尼亚",
    "华盛顿",
    "苏格兰",
    "爱尔兰",
    "华沙",
    "肯尼亚",
    "奥地利",
    "土耳其",
    "佛罗里达",
    "芝加哥",
]


def names_of(
    text: str, language: str, known: frozenset[str] | None, small: frozenset[str]
) -> list[tuple[int, int]]:
    """Where names stand in a text, as far as its script tells; no name is a word also written `small`."""
    if language == "zh":
        found = [_trimmed(text, match) for match in _HAN_NAME.finditer(text)]
        for place in _HAN_PLACES:
            found += [match.span() for match in re.finditer(place, text)]
        return [each for each in found if each is not None]
    spans = []
    for match in _NAME.finditer(text):
        parts = match[0].split()
        if any(part in _SMALL_WORDS or part.lower() in small for part in parts) or (
            known is not None and not all(part in known for part in parts)
        ):
            continue
        spans.append(match.span())
    return spans


def _trimmed(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    """A Chinese name has no edges: the two or three characters on either side of its dot are surely of it."""
    dot = text.index("·", match.start())
    last = text.rindex("·", match.start(), match.end())
    return max(match.start(), dot - 2), min(match.end(), last + 3)


def alter_name(
    sentence: str, paragraph: Paragraph, rng: random.Random, others: Sequence[str], small: frozenset[str]
) -> str | None:
    """Another name of the same collection in the place of one."""
    spans = names_of(sentence, paragraph.language, paragraph.names, small)
    if not spans:
        return None
    start, end = rng.choice(spans)
    old = sentence[start:end]
    fitting = [
        each
        for each in others
        if each.count(" ") == old.count(" ")
        and ("·" in each) == ("·" in old)
        and not any(part in paragraph.text for part in re.split("[ ·]", each))
    ]
    return sentence[:start] + rng.choice(fitting) + sentence[end:] if fitting else None


# --- units ---------------------------------------------------------------------------------------

_UNITS = {
    "en": (
        "million billion trillion|kilometres miles|kilometers miles|km miles|metres feet|meters feet|"
        "feet meters|mi km|ft m|m ft|miles kilometers|days weeks|weeks months|months years|"
        "years months|hours minutes|minutes hours|percent dollars|percent per thousand|% kg|°C °F|"
        "°F °C|kg lb|lb kg|tons pounds|tonnes pounds|pounds tons|acres hectares|euros dollars|"
        "dollars euros|square miles square feet|billion million|decades years|centuries years|"
        "nautical miles"
    ),
    "de": (
        "Millionen Milliarden|Milliarden Millionen|Kilometer Meilen|km Meilen|Meter Fuß|"
        "Meilen Kilometer|Tage Wochen|Wochen Monate|Monate Jahre|Jahre Monate|Jahren Monaten|"
        "Tagen Wochen|Stunden Minuten|Minuten Stunden|Prozent Promille|% kg|°C °F|kg Pfund|"
        "Tonnen Pfund|Dollar Euro|Euro Dollar|m Fuß|Fuß Meter|Jahrhunderte Jahrzehnte|Monaten Jahren|"
        "Hektar Morgen"
    ),
    "es": (
        "millones billones|kilómetros millas|km millas|metros pies|millas kilómetros|días semanas|"
        "semanas meses|meses años|años meses|horas minutos|minutos horas|% kg|°C °F|kg libras|"
        "toneladas libras|dólares euros|euros dólares|m pies|pies metros|siglos décadas|"
        "hectáreas acres"
    ),
    "zh": (
        "亿 万|万 亿|公里 英里|英里 公里|米 英尺|英尺 米|天 周|周 个月|个月 天|小时 分钟|分钟 小时|"
        "美元 欧元|欧元 美元|英镑 美元|千米 英里|平方公里 英亩|公斤 磅|吨 磅|% 公斤|英亩 公顷|"
        "摄氏度 华氏度|岁 个月"
    ),
}


def alter_unit(sentence: str, paragraph: Paragraph, rng: random.Random) -> str | None:
    """Another unit or scale word behind a number."""
    places = []
    for pair in _UNITS[paragraph.language].split("|"):
        old, _, new = pair.partition(" ")
        new = new.strip()
        if new in paragraph.text:
            continue
        edge = "" if paragraph.language == "zh" or not old[-1].isalpha() else r"(?!\w)"
        before = (
            r"(?<=\d)"
            if old in ("%", "°C", "°F")
            else r"(?<=\d)[\s-]?|(?<=\d)\s?"
            if paragraph.language == "zh"
            else (r"(?<=\d)[ -]?|(?<=\d) |(?<=million )|(?<=billion )|(?<=Millionen )|(?<=millones de )")
        )
        for match in re.finditer(rf"(?:{before})({re.escape(old)}){edge}", sentence):
            places.append((match.start(1), match.end(1), new))
    if not places:
        return None
    start, end, new = rng.choice(places)
    gap = " " if new[0].isalpha() and new.isascii() and sentence[start - 1].isdigit() and len(new) > 2 else ""
    return sentence[:start] + gap + new + sentence[end:]


# --- negation ------------------------------------------------------------------------------------

_DROP = {
    "en": (
        (r" not (?!only|just|merely|necessarily)", " "),
        (r"n't\b", ""),
        (r" never ", " "),
        (r" no (?=[a-z])", " a "),
        (r" cannot ", " can "),
        (r" without ", " with "),
    ),
    "de": (
        (r" nicht (?!nur)", " "),
        (r" kein(e[nmrs]?|) ", r" ein\1 "),
        (r" nie ", " "),
        (r" niemals ", " "),
        (r" ohne ", " mit "),
    ),
    "es": ((r" no (?!solo|sólo|obstante)", " "), (r" nunca ", " "), (r" sin (?!embargo|duda)", " con ")),
    "zh": (
        ("不是", "是"),
        ("没有", "有"),
        ("不能", "能"),
        ("不会", "会"),
        ("不可以", "可以"),
        ("未(?=被|能|经)", ""),
        ("并未", ""),
    ),
}
_VERBS = {
    "en": "is was were are has have had can could will would may should must",
    "de": "wurde wurden ist war waren sind hat hatte kann konnte werden wird",
    "es": "fue fueron es era eran son está están ha han había puede pueden tiene tienen tenía",
}


def _verbs(language: str) -> str:
    return _VERBS[language].replace(" ", "|")


_ADD = {
    "en": ((rf" ({_verbs('en')})(?= [a-z])(?! (?:not|no|also|only)\b)", r" \1 not"),),
    "de": ((rf" ({_verbs('de')})(?= [a-zäöü])(?! nicht)", r" \1 nicht"),),
    "es": ((rf" (?<!no )(?<!se )({_verbs('es')})(?= [a-záéíóú])", r" no \1"),),
    "zh": (
        ("(?<![不还总但只若凡])是(?![否非])", "不是"),
        ("(?<![没具拥所只])有(?![关些时效所的])", "没有"),
        ("(?<![不])可以", "不可以"),
        ("(?<![不社机])会(?=[在被对使导])", "不会"),
        ("(?<![不])能够", "不能够"),
        ("(?<!没有)被(?=[^称誉])", "没有被"),
    ),
}


def alter_negation(sentence: str, paragraph: Paragraph, rng: random.Random) -> str | None:
    """A "not" more or one less."""
    language = paragraph.language
    made = []
    for rules in (_DROP[language], _ADD[language]):
        here = []
        for form, new in rules:
            for match in re.finditer(form, sentence):
                here.append(sentence[: match.start()] + match.expand(new) + sentence[match.end() :])
        if here:
            made.append(rng.choice(here))
    told = [each for each in made if each not in paragraph.text]
    return told[0] if told and rng.random() < 0.7 else told[-1] if told else None
