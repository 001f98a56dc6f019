"""What kind of answer a question wants (number, time, place, person, name, reason); whether a text has it."""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["count", "time", "who", "where", "name", "why", ""]

_ASKS: tuple[tuple[Kind, str, str], ...] = (
    (
        "time",
        r"when|(?:what|which) (?:year|date|day|month|century|decade)|how long ago|"
        r"wann|welche[mnsr]? (?:jahr|tag|datum|monat|jahrhundert)|"
        r"quand|en quelle année|quelle année|cuándo|cuando fue|en qué año|qué año|quando|wanneer|когда",
        "什么时候|何时|何時|哪年|哪一年|哪天|متى|في أي عام|いつ|언제",
    ),
    (
        "count",
        r"how (?:many|much|long|far|old|large|big|tall|high|often|fast|deep|heavy)|"
        r"what (?:percent\w*|percentage|share|number|amount|fraction|proportion|population|total)|"
        r"wie ?(?:viele?n?|lange?|hoch|groß|oft|alt|weit)|combien|cuánt[oa]s?|quant[oaie]s?|hoeveel|сколько",
        "多少|几|幾|كم|いくつ|何人|몇",
    ),
    (
        "who",
        r"who|whom|whose|which (?:person|man|woman|president|king|player|author|scientist|company)|"
        r"wer|wem|wen|wessen|quién|quiénes|quien|chi|quem|wie was|кто",
        "谁|誰|哪位|من هو|من هي|من الذي|누가",
    ),
    (
        "where",
        r"where|(?:what|which) (?:city|country|state|place|town|location|region)|"
        r"wo|woher|wohin|où|dónde|donde|dove|onde|waar|где",
        "哪里|哪裡|何处|何處|在哪|أين|どこ|어디",
    ),
    (
        "why",
        r"why|(?:what|which) (?:reasons?|caused?)|for what reason|what (?:is|was|were|are) the reasons?|"
        r"warum|weshalb|wieso|weswegen|pourquoi|por qué|perché|por quê|waarom|почему",
        "为什么|為什麼|为何|原因|لماذا|なぜ|왜",
    ),
    (
        "name",
        r"(?:what|which)(?: \w+){0,2}? (?:players?|artists?|leaders?|teams?|companies|company|"
        r"organi[sz]ations?|agency|agencies|groups?|universit(?:y|ies)|schools?|networks?|studios?|actors?|"
        r"singers?|churches|church|generals?|books?|films?|movies?|magazines?|newspapers?|languages?|religions?|nations?|"
        r"rivers?|mountains?|seas?|oceans?|lakes?|islands?|counties|county|provinces?|districts?|"
        r"neighbou?rhoods?|buildings?|museums?|battles?|wars?|treaty|treaties|part(?:y|ies)|presidents?|"
        r"ministers?|governors?|directors?|writers?|composers?|names?|famil(?:y|ies)|dynast(?:y|ies)|tribes?)",
        "什么名字|اسم",
    ),
)
_PATTERNS = tuple(
    (kind, re.compile(rf"\b(?:{words})\b|{signs}", re.IGNORECASE)) for kind, words, signs in _ASKS
)

_NUMBER = re.compile(
    r"\d|%|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|twenty|thirty|forty|"
    r"fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|trillion|half|third|quarter|once|"
    r"twice|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|hundert|tausend|million(?:en)?|"
    r"deux|trois|quatre|cinq|six|sept|huit|neuf|dix|cent|mille|"
    r"dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|cien|mil|millones)\b|[一二三四五六七八九十百千万亿两]",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(?:1\d{3}|20\d{2})\b|\b\d{1,4} ?(?:BC|AD|BCE|CE)\b|年|月|世纪|"
    r"\b(?:january|february|march|april|june|july|august|september|october|november|december|"
    r"januar|februar|märz|mai|juni|juli|oktober|dezember|"
    r"janvier|février|mars|avril|juin|juillet|août|septembre|octobre|novembre|décembre|"
    r"enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|"
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday|century|jahrhundert|siècle|siglo|"
    r"today|yesterday|tomorrow|morning|afternoon|evening|night|easter|christmas)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)(?<!\n)\b[A-ZÀ-ÖØ-ÞЀ-Я][\w’'-]+")
_PLACE = re.compile(
    r"\b(?:[Ii]n|[Aa]t|[Nn]ear|[Ff]rom|[Tt]o|[Oo]f|[Oo]n|[Bb]ei|[Nn]ach|[Aa]us|[Àà]|[Aa]u|[Ee]n)\s+"
    r"(?:the\s+|der\s+|la\s+|el\s+)?[A-ZÀ-Þ][\w’'-]+"
)
_REASON = re.compile(
    r"\b(?:because|since|due to|so that|in order to|reasons?|caus(?:e|es|ed)|result(?:s|ed|ing)?|led to|"
    r"leads to|therefore|owing to|by|weil|denn|wegen|aufgrund|durch|damit|um zu|car|parce|grâce|afin|"
    r"porque|debido|causa|para|gracias|perché|omdat)\b|因为|由于|因此|以便|为了|原因|بسبب|لأن|من أجل|потому",
    re.IGNORECASE,
)
_HELD = {"count": _NUMBER, "time": _TIME, "who": _NAME, "where": _PLACE, "name": _NAME, "why": _REASON}


def asked(question: str) -> Kind:
    """The kind of answer a question wants, or "" when it does not say."""
    first = min(
        ((match.start(), kind) for kind, pattern in _PATTERNS if (match := pattern.search(question))),
        default=None,
    )
    return first[1] if first else ""


def holds(kind: Kind, sentence: str, question: str) -> bool:
    """Whether the sentence holds such an answer that the question does not hold already."""
    known = question.casefold()
    pattern = _HELD.get(kind)
    if pattern is None:
        return False
    if kind == "why":
        return bool(pattern.search(sentence))
    if kind == "count":
        known_numbers = set(re.findall(r"\d[\d.,]*", known))
        numbers = re.findall(r"\d[\d.,]*", sentence)
        if numbers:
            return any(number not in known_numbers for number in numbers)
    return any(match[0].casefold() not in known for match in pattern.finditer(sentence))
