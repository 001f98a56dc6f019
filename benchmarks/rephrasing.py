"""Paraphrase by rule, in English, German, Spanish and Chinese: what says the same in other words.

Three kinds of rules: clauses change places, words give way to synonyms, numbers change between digits and
words. Shares no code with the checker on purpose: an error of one must not hide behind the same of the other.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

_EN_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_EN_TENS = ["-", "-", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_DE_ONES = [
    "null",
    "ein",
    "zwei",
    "drei",
    "vier",
    "fünf",
    "sechs",
    "sieben",
    "acht",
    "neun",
    "zehn",
    "elf",
    "zwölf",
    "dreizehn",
    "vierzehn",
    "fünfzehn",
    "sechzehn",
    "siebzehn",
    "achtzehn",
    "neunzehn",
]
_DE_TENS = ["-", "-", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"]
_ES_ONES = [
    "cero",
    "uno",
    "dos",
    "tres",
    "cuatro",
    "cinco",
    "seis",
    "siete",
    "ocho",
    "nueve",
    "diez",
    "once",
    "doce",
    "trece",
    "catorce",
    "quince",
    "dieciséis",
    "diecisiete",
    "dieciocho",
    "diecinueve",
    "veinte",
    "veintiuno",
    "veintidós",
    "veintitrés",
    "veinticuatro",
    "veinticinco",
    "veintiséis",
    "veintisiete",
    "veintiocho",
    "veintinueve",
]
_ES_TENS = ["-", "-", "-", "treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa"]
_ES_HUNDREDS = [
    "-",
    "ciento",
    "doscientos",
    "trescientos",
    "cuatrocientos",
    "quinientos",
    "seiscientos",
    "setecientos",
    "ochocientos",
    "novecientos",
]
_ZH = "零一二三四五六七八九"


def _en(number: int) -> str:
    if number < 20:
        return _EN_ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _EN_TENS[tens] + (f"-{_EN_ONES[ones]}" if ones else "")
    if number < 1000:
        hundreds, rest = divmod(number, 100)
        return f"{_EN_ONES[hundreds]} hundred" + (f" and {_en(rest)}" if rest else "")
    thousands, rest = divmod(number, 1000)
    return f"{_en(thousands)} thousand" + (f" {'and ' if rest < 100 else ''}{_en(rest)}" if rest else "")


def _de(number: int) -> str:
    if number == 1:
        return "eins"
    return _de_part(number)


def _de_part(number: int) -> str:
    if number < 20:
        return _DE_ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return (f"{_DE_ONES[ones]}und" if ones else "") + _DE_TENS[tens]
    if number < 1000:
        hundreds, rest = divmod(number, 100)
        return f"{_DE_ONES[hundreds]}hundert" + (_de_part(rest) if rest else "")
    thousands, rest = divmod(number, 1000)
    return f"{_de_part(thousands)}tausend" + (_de_part(rest) if rest else "")


def _es(number: int) -> str:
    if number < 30:
        return _ES_ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _ES_TENS[tens] + (f" y {_ES_ONES[ones]}" if ones else "")
    if number < 1000:
        hundreds, rest = divmod(number, 100)
        return "cien" if number == 100 else _ES_HUNDREDS[hundreds] + (f" {_es(rest)}" if rest else "")
    thousands, rest = divmod(number, 1000)
    head = "mil" if thousands == 1 else f"{_es(thousands)} mil"
    return head + (f" {_es(rest)}" if rest else "")


def _zh(number: int) -> str:
    if number < 10:
        return _ZH[number]
    text, zero = "", False
    for step, name in ((10000, "万"), (1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, step)
        if digit:
            text += ("零" if zero else "") + (_zh(digit) if step == 10000 else _ZH[digit]) + name
            zero = False
        elif text and number:
            zero = True
    return text.removeprefix("一") if text.startswith("一十") else text


SPELL: dict[str, Callable[[int], str]] = {"en": _en, "de": _de, "es": _es, "zh": _zh}
"""A whole number below 100,000 in words."""

MOST_SPELLED = 2000

_READ = {
    language: {spell(number): number for number in range(2, MOST_SPELLED)}
    for language, spell in SPELL.items()
}


_MORE_AFTER = re.compile(r"[ -](?:hundred|thousand|million|billion|mil\b|y\b|cien)")
_MORE_BEFORE = re.compile(r"(?:hundred|thousand|and|mil|y|cientos) \Z")


def spelled_numbers(text: str, language: str) -> list[tuple[int, int, int]]:
    """Where numbers stand in words, as (start, end, value); articles and 一 are none."""
    table = _READ[language]
    if language == "zh":
        pattern = re.compile(
            "(?<![十百千万亿零一二三四五六七八九第几数\\d])[二三四五六七八九十百千零]+(?=[个名次天种支位场座])"
        )
        return [
            (match.start(), match.end(), table[match[0]])
            for match in pattern.finditer(text)
            if match[0] in table
        ]
    found = []
    for match in re.finditer(r"(?<![\w-])[a-zäöüßáéíóú]+(?:-[a-z]+)?(?![\w-])", text):
        before, after = text[: match.start()], text[match.end() :]
        if match[0] in table and not (_MORE_AFTER.match(after) or _MORE_BEFORE.search(before)):
            found.append((match.start(), match.end(), table[match[0]]))
    return found


def digits_and_words(text: str, language: str, rng: random.Random) -> str:
    """Every second number in digits becomes words, and one in words becomes digits."""
    edits: list[tuple[int, int, str]] = []
    for match in re.finditer(
        r"(?<![\w.,:/$€£§#–-])(?<!\d\s)\d{1,4}(?![\w.,:/%°º½–-]|\s\d| ?[%°]|\. [A-ZÄÖÜa-z])", text
    ):
        number = int(match[0])
        if 2 <= number < 1000 and not match[0].startswith("0") and not _in_a_date(text, match, language):
            edits.append((match.start(), match.end(), SPELL[language](number)))
    for start, end, number in spelled_numbers(text, language):
        edits.append((start, end, f"{number}"))
    edits = [edit for edit in edits if rng.random() < 0.7] or edits[:1]
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


_MONTH_NEAR = re.compile(
    r"\b(?:Jan|Feb|M[aä]r|Apr|Ma[iy]|Jun|Jul|Aug|Sep|O[ck]t|Nov|De[cz]|enero|febrero|marzo|abril|mayo|junio|julio|"
    r"agosto|septiembre|octubre|noviembre|diciembre)",
)


def _in_a_date(text: str, match: re.Match[str], language: str) -> bool:
    near = text[max(0, match.start() - 14) : match.end() + 14]
    if language == "zh":
        return bool(re.match(r"\s?[年月日号世]", text[match.end() :])) or "世纪" in near
    return bool(_MONTH_NEAR.search(near))


_SYNONYMS = {
    "en": """
    began=started; started=began; located=situated; built=constructed; constructed=built;
    often=frequently; frequently=often; about=roughly; around=approximately; approximately=about;
    nearly=almost; almost=nearly; many=numerous; large=big; significant=important;
    important=significant; main=principal; primary=main; because=since; but=yet; also=additionally;
    used=employed; use=employ; known=recognised; called=named; named=called; received=got;
    shows=demonstrates; showed=demonstrated; such as=like; including=among them; area=region;
    region=area; people=persons; help=assist; became=turned into; created=made; however=nevertheless;
    therefore=thus; several=various; usually=normally; typically=usually; difficult=hard;
    quickly=rapidly; rapidly=quickly; just=only; only=just; until=till; required=needed; provide=offer;
    provides=offers; provided=offered; found=discovered; discovered=found; ended=finished;
    reported=stated; stated=said; attempt=try; attempted=tried; additional=further; further=additional;
    entire=whole; buy=purchase; select=choose; ensure=make sure; improve=enhance; support=back;
    goal=aim; goals=aims; did not=didn't; was not=wasn't; is not=isn't; were not=weren't;
    cannot=can not; could not=couldn't; do not=don't
    """,
    "de": """
    begann=startete; oft=häufig; häufig=oft; etwa=ungefähr; ungefähr=etwa; rund=etwa; fast=beinahe;
    groß=umfangreich; wichtig=bedeutend; wichtigsten=bedeutendsten; aber=jedoch; jedoch=allerdings;
    weil=da; auch=ebenfalls; ebenfalls=auch; sowie=und; bekannt=berühmt; erhielt=bekam;
    verwendet=benutzt; benutzt=verwendet; viele=zahlreiche; zahlreiche=viele; gebaut=errichtet;
    errichtet=gebaut; gegründet=ins Leben gerufen; insbesondere=vor allem; darunter=unter anderem;
    normalerweise=üblicherweise; schnell=rasch; zeigte=bewies; bereits=schon; schon=bereits;
    obwohl=obgleich; nur=lediglich; lediglich=nur; sehr=äußerst; einige=manche;
    verschiedene=unterschiedliche; benötigt=gebraucht; sagte=erklärte; erklärte=sagte;
    erreichte=erlangte; schließlich=letztlich; heute=gegenwärtig; danach=anschließend;
    gemeinsam=zusammen; daher=deshalb; beispielsweise=zum Beispiel
    """,
    "es": """
    empezó=comenzó; comenzó=empezó; a menudo=con frecuencia; aproximadamente=alrededor de;
    casi=prácticamente; grande=amplio; importante=relevante; importantes=relevantes; pero=aunque;
    también=asimismo; además=también; usado=utilizado; utilizado=empleado; utiliza=emplea;
    conocido=célebre; conocida=célebre; recibió=obtuvo; muchos=numerosos; muchas=numerosas;
    construido=edificado; construida=edificada; llamado=denominado; llamada=denominada; solo=solamente;
    sólo=solamente; debido a=a causa de; sin embargo=no obstante; especialmente=sobre todo;
    principales=fundamentales; principal=fundamental; incluyendo=entre ellos; normalmente=habitualmente;
    rápidamente=con rapidez; dijo=afirmó; afirmó=declaró; varios=diversos; varias=diversas; zona=área;
    crear=formar; muestra=indica; logró=consiguió; consiguió=logró; finalmente=por último;
    después de=tras; tras=después de; mientras que=en tanto que
    """,
    "zh": """
    开始=着手; 大约=约; 许多=很多; 很多=许多; 但是=不过; 但=然而; 因为=由于; 由于=因为; 也=亦; 以及=和;
    并且=而且; 重要=关键; 主要=首要; 使用=采用; 位于=坐落于; 建造=修建; 通常=一般; 经常=常常;
    几乎=差不多; 包括=包含; 例如=比如; 被称为=叫做; 此外=另外; 因此=所以; 所以=因此; 目前=现在;
    帮助=协助; 获得=得到; 成为=变成; 显示=表明; 认为=觉得; 如果=假如; 同时=与此同时; 特别是=尤其是;
    各种=各类; 迅速=快速; 人们=大家; 地区=地带; 之间=当中; 已经=早已; 最终=终于
    """,
}


def _table(written: str) -> list[tuple[str, str]]:
    pairs = [tuple(pair.strip().split("=")) for pair in written.replace("\n", " ").split(";")]
    return [(pair[0], pair[1]) for pair in pairs if len(pair) == 2]


SYNONYMS = {language: _table(written) for language, written in _SYNONYMS.items()}


def synonyms(text: str, language: str, rng: random.Random, *, most: int = 3) -> str:
    """At most `most` words give way to others of the same meaning."""
    pairs = list(SYNONYMS[language])
    rng.shuffle(pairs)
    done = 0
    made: set[str] = set()
    for word, other in pairs:
        pattern = re.escape(word) if language == "zh" else rf"(?<![\w-]){re.escape(word)}(?![\w-])"
        if word in made or not re.search(pattern, text):
            continue
        text = re.sub(pattern, lambda _, new=other: new, text, count=1)  # type: ignore[misc]
        made.add(other)
        done += 1
        if done == most:
            break
    return text


def _leading(words: str) -> re.Pattern[str]:
    """`In 2016, they won.`: something short before the first comma, and the rest."""
    return re.compile(rf"^(?P<a>(?:{words.replace(' ', '|')}) [^,;]{{3,70}}), (?P<b>[^;]{{20,}})\.$")


def _trailing(words: str) -> re.Pattern[str]:
    """`They won, while it rained.`: a subordinate clause behind the only comma."""
    return re.compile(rf"^(?P<b>[^,;]{{15,}}), (?P<a>(?:{words.replace(' ', '|')}) [^,;]{{12,}})\.$")


_TOGETHER = {
    "en": (
        _leading("In During After Before By At On Since Under For From Because Although While When If As"),
        _trailing("while although because when after before since where"),
    ),
    "de": (_trailing("während obwohl weil nachdem bevor wenn da als"),),
    "es": (
        _leading("En Durante Después Antes Tras Desde A Por Para Según Aunque Cuando Si Como"),
        _trailing("mientras aunque porque cuando después antes donde"),
    ),
    "zh": (re.compile("^(?P<a>[^，；。]{4,40})，(?P<b>[^；。]{6,})。$"),),
}
_JOINED = {
    "en": re.compile(r"^(?P<a>[^,;]{20,}), and (?P<b>[^,;]{20,})\.$"),
    "de": re.compile(r"^(?P<a>[^,;]{20,}), und (?P<b>[^,;]{20,})\.$"),
    "es": re.compile(r"^(?P<a>[^,;]{20,}), y (?P<b>[^,;]{20,})\.$"),
}
_AND = {"en": "and", "de": "und", "es": "y"}


def reordered(text: str, language: str) -> str:
    """The clauses of a sentence in another order, where a rule knows how; else the text."""
    for pattern in _TOGETHER[language]:
        match = pattern.match(text)
        if match is None:
            continue
        first, second = match["a"], match["b"]
        if text.startswith(first):
            if language == "zh":
                return f"{second}，{first}。"
            return f"{_upper(second)}, {_lower(first)}."
        return f"{_upper(first)}, {second[0].lower() if _is_plain(second) else second[0]}{second[1:]}."
    joined = _JOINED.get(language)
    match = joined.match(text) if joined else None
    if match:
        a = match["a"]
        a = _lower(a) if _is_plain(a) else a
        return f"{_upper(match['b'])}, {_AND[language]} {a}."
    return text


def _is_plain(text: str) -> bool:
    """Whether its first word is one that is written small within a sentence."""
    return text.split()[0] in {
        "The", "A", "An", "It", "He", "She", "They", "This", "These", "There", "Its", "His", "Her", "Der",
        "Die", "Das", "Ein", "Eine", "Er", "Sie", "Es", "Dies", "El", "La", "Los", "Las", "Un", "Una", "Este",
        "Esta", "Su", "Sus",
    }  # fmt: skip


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]


def paraphrase(text: str, language: str, rng: random.Random) -> str:
    """The sentence in other words; the text itself when no rule applies."""
    told = reordered(text, language)
    told = digits_and_words(told, language, rng)
    return synonyms(told, language, rng)
