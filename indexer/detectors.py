"""What text holds that should not leave by accident: addresses, numbers of people and accounts, keys.

Each detector is a pattern and, where the kind has one, its check digits; so that numbers of a report are
left alone. Patterns repeat within bounds only: their time grows with the text, not with its square.
Knows nothing of policies or of models.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache

Span = tuple[int, int]

MAIL = "MAIL"
PHONE = "PHONE"
IBAN = "IBAN"
CARD = "CARD"
ID = "ID"
KEY = "KEY"


def find(text: str) -> Iterator[tuple[int, int, str]]:
    """Every (start, end, kind) that is found, in no order; they may overlap."""
    plain = folded(text)
    for kind, detect in DETECTORS:
        for start, end in detect(plain):
            yield start, end, kind


def folded(text: str) -> str:
    """The text with digits, letters, dashes and spaces of all kinds as ASCII; as long as before."""
    return text if text.isascii() else text.translate(_Folding())


class _Folding(dict[int, str]):
    """Code point to character, made as needed."""

    def __missing__(self, code: int) -> str:
        self[code] = found = _fold(chr(code))
        return found


@cache
def _fold(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.digit(char))
    if category == "Pd" or char == "\u2212":
        return "-"
    if category == "Zs":
        return " "
    plain = unicodedata.normalize("NFKC", char)
    return plain if len(plain) == 1 and plain.isascii() else char


# --- mail, addresses ---------------------------------------------------------------------------------

_MAIL = re.compile(r"[\w.+%'-]{1,64}(?:@| ?[\[(](?:at|AT)[\])] ?)(?:[\w-]{1,63}\.){1,5}[^\W\d_]{2,24}")
_URL_LOGIN = re.compile(r"(?<=://)[^\s/@:\"'<>]{0,80}:[^\s/@\"'<>]{1,120}(?=@)")


def _all_of(pattern: re.Pattern[str], group: int = 0) -> Callable[[str], Iterator[Span]]:
    def detect(text: str) -> Iterator[Span]:
        for match in pattern.finditer(text):
            yield match.span(group)

    return detect


# --- accounts and cards ------------------------------------------------------------------------------

_IBAN_LENGTHS = {
    key: int(length)
    for key, length in re.findall(
        r"([A-Z]{2})(\d\d)",
        "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20EG29ES24FI18FO18FR27GB22"
        "GE22GI23GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22"
        "MK19MR27MT31MU30NL18NO15PK24PL28PS29PT25QA29RO24RS22SA24SC31SE24SI19SK24SM27ST25SV28TL23TN24TR26UA29"
        "VA22VG24XK20",
    )
}
"""Characters of an IBAN by country. Source: SWIFT, IBAN Registry."""

_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ \n-]?[A-Za-z0-9]){11,30}")
_DIGITS = re.compile(r"\d+")
_CARD = re.compile(r"(?<![\d.,])\d(?:[ \n-]{0,2}\d){12,40}(?!\d)")


def _ibans(text: str) -> Iterator[Span]:
    for match in _IBAN.finditer(text):
        wanted = _IBAN_LENGTHS.get(match[0][:2].upper())
        if wanted is None:
            continue
        places = [at for at, char in enumerate(match[0]) if char.isalnum()]
        if len(places) >= wanted:
            code = "".join(match[0][at] for at in places[:wanted]).upper()
            number = "".join(str(int(char, 36)) for char in code[4:] + code[:4])
            if int(number) % 97 == 1:
                yield match.start(), match.start() + places[wanted - 1] + 1


def luhn(digits: str) -> bool:
    """Whether the last digit checks the others. Source: ISO/IEC 7812-1."""
    doubled = "0246813579"
    total = sum(int(d) if at % 2 == 0 else int(doubled[int(d)]) for at, d in enumerate(reversed(digits)))
    return total % 10 == 0


def _is_card(digits: str) -> bool:
    """A length and a beginning that are issued, and the check digit."""
    length, four = len(digits), int(digits[:4])
    issued = (
        (digits[0] == "4" and length in (13, 16, 19))
        or ((5100 <= four <= 5599 or 2221 <= four <= 2720) and length == 16)
        or (digits[:2] in ("34", "37") and length == 15)
        or (digits[:2] in ("60", "62", "63", "64", "65", "67", "81") and 16 <= length <= 19)
        or (3528 <= four <= 3589 and 16 <= length <= 19)
        or ((300 <= four // 10 <= 305 or digits[:2] in ("36", "38", "39")) and length == 14)
        or (digits[:2] in ("50", "56", "57", "58", "67") and 13 <= length <= 19)
    )
    return issued and len(set(digits)) > 1 and luhn(digits)


def _cards(text: str) -> Iterator[Span]:
    """Cards among groups of digits; a group before or behind may be something else (a date, a code)."""
    for match in _CARD.finditer(text):
        groups = [(m.start() + match.start(), m.end() + match.start()) for m in _DIGITS.finditer(match[0])]
        first = 0
        while first < len(groups):
            last = _card_from(text, groups, first)
            if last is None:
                first += 1
                continue
            yield groups[first][0], groups[last][1]
            first = last + 1


def _card_from(text: str, groups: list[Span], first: int) -> int | None:
    """Index of the last group of a card that begins with group `first`."""
    digits = ""
    found = None
    for last in range(first, len(groups)):
        digits += text[slice(*groups[last])]
        # Cards are written in groups of four to six; the columns of a table are not one.
        if len(digits) > 19 or (last > first and groups[last - 1][1] - groups[last - 1][0] < 4):
            break
        if len(digits) >= 13 and _is_card(digits):
            found = last
    return found


# --- telephones --------------------------------------------------------------------------------------

_PHONE = re.compile(
    r"(?<![A-Za-z0-9.,$€£#/-])(?:\+\s?|\(\+?)?\d(?:[ \u00b7.()/-]{0,3}\d){5,17}(?![A-Za-z0-9%])(?![.,/-]\d)"
)
_PHONE_LABEL = re.compile(
    r"(?:\b(?:tel|telephone|phone|fax|mobile|cell|cellular|hotline|whatsapp|call|dial|telefon|telefax|handy|"
    r"mobil|mobiltelefon|rufnummer|durchwahl|anruf|tél|téléphone|portable|télécopie|teléfono|móvil|tfno|"
    r"telefono|cellulare)\b\.?|电话|手机|传真|聯絡電話|電話|手機)"
    r"[^\d\n+(]{0,14}(?P<number>(?:\+|\(\+?)?\d(?:[ .()/-]{0,3}\d){5,16})(?!\d)",
    re.IGNORECASE,
)
_MONEY_AFTER = re.compile(
    r"\s?(?:€|\$|£|¥|%|EUR|USD|GBP|CHF|euros?|dollars?|pesos?|francs?|tonn?e?s?|kg|km|m²|元|万|亿)",
    re.IGNORECASE,
)
_DATE = re.compile(r"(?:\d{1,2}[-/. ]\d{1,2}[-/. ]\d{4}|\d{4}[-/. ]\d{1,2}[-/. ]\d{1,2})(?!\d)")
_NATIONAL = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])[2-9]\d\d[ .-]\d{4}",  # North America
        r"\(?0[1-9]\d{0,4}\)?(?: ?[/-] ?| )\d{2,8}(?:[ -]\d{1,8}){0,4}",  # with the trunk 0, in groups
        r"\(0\d{2,5}\) ?\d{3,8}(?:[ -]\d{1,6}){0,2}",
        r"0[1-9](?:[ .-]\d\d){4}",  # France
        r"0[1-9]\d{8,10}",  # with the trunk 0, in one piece
        r"00[1-9]\d{0,2}(?:[ /-]\(?\d{1,8}\)?){2,6}",  # abroad, in groups
        r"00[1-9]\d{10,13}",
        r"1[3-9]\d([ -]?)\d{4}\1\d{4}",  # China, mobile
        r"[67]\d\d(?:([ .-])(?!000)\d{3}\1(?!000)\d{3}|([ .-])\d\d\2\d\d\2\d\d)",  # Spain
        r"9[1-8]\d([ -])(?!000)\d{3}\1(?!000)\d{3}",
        r"9[1-8]([ -])\d{3}\1\d\d\1\d\d",
    )
)


def _phones(text: str) -> Iterator[Span]:
    for match in _PHONE_LABEL.finditer(text):
        yield match.span("number")
    for match in _PHONE.finditer(text):
        if _is_phone(match[0]) and not _MONEY_AFTER.match(text, match.end()):
            yield match.span()


def _is_phone(written: str) -> bool:
    digits = "".join(_DIGITS.findall(written))
    if written.startswith(("+", "(+")):
        return digits[0] != "0" and 7 <= len(digits) <= 15
    if _DATE.match(written) or not 9 <= len(digits) <= 17:
        return False
    if digits[0] == "0" and digits[:2] != "00" and len(digits) > 13:
        return False
    return any(pattern.fullmatch(written) for pattern in _NATIONAL)


# --- numbers of people -------------------------------------------------------------------------------

_SSN = re.compile(r"(?<![A-Za-z0-9-])(?!000|666|9)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?![A-Za-z0-9-])")
_SSN_LABEL = re.compile(
    r"(?:\bSSN\b|\bsocial security\b)[^\d\n]{0,24}(?P<number>\d{3}[ -]?\d{2}[ -]?\d{4})(?!\d)", re.IGNORECASE
)
_STEUER_ID = re.compile(r"(?<![A-Za-z0-9.,+-])[1-9]\d ?\d{3} ?\d{3} ?\d{3}(?![A-Za-z0-9-])(?![.,]\d)")
_NIR = re.compile(
    r"(?<![A-Za-z0-9.,+-])[1-4] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d"
    r"(?![A-Za-z0-9-])"
)
_DNI = re.compile(
    r"(?<![A-Za-z0-9])(?:\d{2}\.?\d{3}\.?\d{3}|[XYZ]-? ?\d{7})-? ?[A-Z](?![A-Za-z0-9])", re.IGNORECASE
)
_CHINA = re.compile(r"(?<![A-Za-z0-9])[1-9]\d{5}(?:18|19|20)\d{2}[01]\d[0-3]\d\d{3}[\dXx](?![A-Za-z0-9])")
_NINO = re.compile(
    r"(?<![A-Za-z0-9])(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"
    r"([ -]?)\d\d\1\d\d\1\d\d\1[A-D](?![A-Za-z0-9])",
    re.IGNORECASE,
)
_FISCALE = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z](?![A-Za-z0-9])",
    re.IGNORECASE,
)
_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_ODD = dict(zip("0123456789", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21), strict=True)) | dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)


def _checked(pattern: re.Pattern[str], holds: Callable[[str], bool]) -> Callable[[str], Iterator[Span]]:
    def detect(text: str) -> Iterator[Span]:
        for match in pattern.finditer(text):
            if holds(re.sub(r"[\s.-]", "", match[0]).upper()):
                yield match.span()

    return detect


def steuer_id(digits: str) -> bool:
    """Germany: one of the first ten digits twice or thrice, ISO 7064 mod 11,10. Source: BZSt."""
    counts = sorted(digits[:10].count(digit) for digit in set(digits[:10]))
    if counts[-1] not in (2, 3) or (len(counts) > 1 and counts[-2] > 1):
        return False
    product = 10
    for digit in digits[:10]:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def nir(code: str) -> bool:
    """France: 97 less the number modulo 97; Corsica's letters stand for digits. Source: INSEE."""
    number = code[:13].replace("2A", "19").replace("2B", "18")
    return number.isdigit() and 97 - int(number) % 97 == int(code[13:])


def dni(code: str) -> bool:
    """Spain: the letter is the number modulo 23. Source: Real Decreto 1553/2005."""
    number = code[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")
    return number.isdigit() and _LETTERS[int(number) % 23] == code[-1]


def resident(code: str) -> bool:
    """China: a date of birth and ISO 7064 mod 11-2. Source: GB 11643-1999."""
    try:
        dt.date(int(code[6:10]), int(code[10:12]), int(code[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * pow(2, 17 - at, 11) for at, digit in enumerate(code[:17]))
    return "10X98765432"[total % 11] == code[17]


def fiscale(code: str) -> bool:
    """Italy: the last letter checks the others. Source: D.M. 23/12/1976."""
    even = {char: int(char, 36) % 10 if char.isdigit() else ord(char) - 65 for char in _ODD}
    total = sum(_ODD[char] if at % 2 == 0 else even[char] for at, char in enumerate(code[:15]))
    return chr(65 + total % 26) == code[15]


# --- keys --------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    r"|gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_\w{20,255}|glpat-[\w-]{16,64}"
    r"|sk-[A-Za-z0-9_-]{16,256}|[srp]k_(?:live|test)_[A-Za-z0-9]{10,128}|rk_[A-Za-z0-9]{20,64}"
    r"|xox[abceoprs]-[A-Za-z0-9-]{8,256}|xapp-[A-Za-z0-9-]{10,256}"
    r"|AIza[\w-]{30,45}|ya29\.[\w-]{20,256}|hf_[A-Za-z0-9]{20,64}|npm_[A-Za-z0-9]{30,64}"
    r"|pypi-[\w-]{16,256}|SG\.[\w-]{16,64}\.[\w-]{16,64}|dop_v1_[a-f0-9]{32,64}"
    r"|eyJ[\w-]{6,2000}\.[\w-]{4,4000}(?:\.[\w-]{0,1000})?"
    r")"
)
_HOOK = re.compile(r"(?<=hooks\.slack\.com/services/)[\w/]{10,120}")
_PEM = re.compile(r"-----(?P<side>BEGIN|END) [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_PEM_LINE = re.compile(
    r"(?<![^\s\"'>])(?=[^\s]{0,59}[a-z])(?=[^\s]{0,59}[A-Z])(?=[^\s]{0,59}\d)"
    r"[A-Za-z0-9+/]{60,76}={0,2}(?![\w+/])"
)
_BASE64 = re.compile(r"[A-Za-z0-9+/=]{1,80}\s{0,4}")
_LONGEST_PEM = 20_000
_PASSWORD = re.compile(
    r"(?:\b(?:password|passwd|passcode|passphrase|passwort|kennwort|losungswort|mot de passe|contraseña|"
    r"clave de acceso|senha|pwd)|密码|密碼|口令|パスワード)['\"]?\s{0,3}(?:[:=：]|=>|->)\s{0,3}"
    r"['\"“‘`]?(?P<value>[^\s'\"“”‘’`⟦⟧]{3,200})",
    re.IGNORECASE,
)
_PIN = re.compile(
    r"\bPIN(?:[ -]?code)?\s{0,3}(?:[:=：]|is|ist)\s{0,3}(?P<value>\d{3,8})(?!\w)", re.IGNORECASE
)
_PASSWORD_IS = re.compile(
    r"(?:\b(?:password|passwd|passcode|passphrase|passwort|kennwort|mot de passe|contraseña|pin)\s{1,3}"
    r"(?:is|ist|lautet|est|es|was)|密码是|密碼是|口令是)\s{0,3}['\"“‘`]?(?P<value>[^\s'\"“”‘’`⟦⟧]{4,200})",
    re.IGNORECASE,
)
_SECRET = re.compile(
    r"\b(?:[\w-]{0,30}(?:api[_ -]?key|access[_ -]?key|secret|token|client[_ -]?secret|private[_ -]?key|"
    r"auth[_ -]?key|credential)s?(?:[_-]\w{1,20})?|authorization)['\"]?\s{0,3}(?:[:=]|=>)\s{0,3}['\"`]?"
    r"(?:(?:bearer|basic|token)\s{1,3})?(?P<value>[^\s'\"`,;⟦⟧]{8,500})",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(?:bearer|basic)\s{1,3}(?P<value>[A-Za-z0-9+/=._~-]{16,2000})", re.IGNORECASE)


def _is_random(value: str) -> bool:
    """Letters and digits, as words of a language or names in a program are not."""
    return any(char.isdigit() for char in value) and any(char.isalpha() for char in value)


def _pem(text: str) -> Iterator[Span]:
    """Private keys; of one that is cut off at a side, what is there."""
    begin: int | None = None
    for mark in _PEM.finditer(text):
        if mark["side"] == "BEGIN":
            if begin is not None:
                yield begin, mark.start()
            begin = mark.start()
        else:
            start = _lines_before(text, mark.start()) if begin is None else begin
            yield start, mark.end()
            begin = None
    if begin is not None:
        yield begin, min(len(text), begin + _LONGEST_PEM)


def _lines_before(text: str, end: int) -> int:
    """Where the lines of a key begin whose last one ends at `end`."""
    start = max(text.rfind("\n", 0, max(end - 1, 0)), 0)
    while _BASE64.fullmatch(text[start:end].strip()):
        if start == 0:
            return 0
        end, start = start, max(text.rfind("\n", 0, start), 0)
    return end


def _labelled(text: str) -> Iterator[Span]:
    for match in _PASSWORD.finditer(text):
        yield match.start("value"), match.end("value") - _trailing(match["value"])
    for match in _PASSWORD_IS.finditer(text):
        value = match["value"]
        cut = _trailing(value)
        inner = value[: len(value) - cut]
        if any(not char.isalpha() for char in inner.replace("-", "")):
            yield match.start("value"), match.end("value") - cut
    for match in _PIN.finditer(text):
        yield match.span("value")
    for pattern in (_SECRET, _BEARER):
        for match in pattern.finditer(text):
            if _is_random(match["value"]):
                yield match.start("value"), match.end("value") - _trailing(match["value"])


def _trailing(value: str) -> int:
    """How many characters at the end belong to the sentence."""
    return len(value) - len(value.rstrip(".,;)]}>"))


DETECTORS: tuple[tuple[str, Callable[[str], Iterator[Span]]], ...] = (
    (KEY, _pem),
    (KEY, _all_of(_PEM_LINE)),
    (KEY, _all_of(_URL_LOGIN)),
    (KEY, _all_of(_TOKEN)),
    (KEY, _all_of(_HOOK)),
    (KEY, _labelled),
    (MAIL, _all_of(_MAIL)),
    (IBAN, _ibans),
    (CARD, _cards),
    (ID, _all_of(_SSN)),
    (ID, lambda text: (match.span("number") for match in _SSN_LABEL.finditer(text))),
    (ID, _checked(_STEUER_ID, steuer_id)),
    (ID, _checked(_NIR, nir)),
    (ID, _checked(_DNI, dni)),
    (ID, _checked(_CHINA, resident)),
    (ID, _all_of(_NINO)),
    (ID, _checked(_FISCALE, fiscale)),
    (PHONE, _phones),
)
"""A kind and what finds it, in the order in which a kind is chosen where two overlap."""
