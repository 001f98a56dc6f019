"""Secrets to plant in documents: made up with a seed, of every kind that is to be hidden, and valid."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable

Rng = random.Random

_UPPER = string.ascii_uppercase
_WORD = string.ascii_letters + string.digits


def digits(rng: Rng, count: int, first: str = "123456789") -> str:
    return rng.choice(first) + "".join(rng.choice(string.digits) for _ in range(count - 1))


def chars(rng: Rng, count: int, alphabet: str = _WORD) -> str:
    """Random characters with a letter and a digit among them, as in every real key."""
    made = "".join(rng.choice(alphabet) for _ in range(count - 4))
    return f"{made}{rng.choice('abcdef')}{rng.choice(string.digits)}{rng.choice('ABCDEF')}7"


def grouped(text: str, *sizes: int, by: str = " ") -> str:
    parts, at = [], 0
    for size in sizes:
        parts.append(text[at : at + size])
        at += size
    return by.join(parts)


def mail(rng: Rng) -> str:
    name = "".join(rng.choice(string.ascii_lowercase) for _ in range(7))
    host = "".join(rng.choice(string.ascii_lowercase) for _ in range(6))
    ending = rng.choice(["com", "de", "co.uk", "museum"])
    return f"{name}{rng.choice(['.', '_', '+', ''])}{digits(rng, 3)}@{host}.{ending}"


def phone_abroad(rng: Rng) -> str:
    number = digits(rng, 9)
    return rng.choice(
        [
            f"+49 {number[:3]} {number[3:]}",
            f"+1 ({digits(rng, 3, '23456789')}) {digits(rng, 3, '23456789')}-{number[:4]}",
            f"+33 {number[0]} {grouped(number[1:], 2, 2, 2, 2)}",
            f"+86 138 {number[:4]} {number[4:8]}",
            f"0044 20 {number[:4]} {number[4:8]}",
            f"+34{number}",
        ]
    )


def phone_national(rng: Rng) -> str:
    number = digits(rng, 9)
    return rng.choice(
        [
            f"0{digits(rng, 3)}/{number[:7]}",
            f"0{digits(rng, 2)} {number[:8]}",
            f"({digits(rng, 3, '23456789')}) {digits(rng, 3, '23456789')}-{number[:4]}",
            f"{digits(rng, 3, '23456789')}-{digits(rng, 3, '23456789')}-{number[:4]}",
            f"0{number[0]} {grouped(number[1:], 2, 2, 2, 2)}",
            f"020 7{number[:3]} {number[3:7]}",
            f"13{number}",
            f"6{number[:2]} {number[2:5]} {number[5:8]}",
        ]
    )


def iban(rng: Rng) -> str:
    country, length = rng.choice([("DE", 22), ("GB", 22), ("FR", 27), ("ES", 24), ("NL", 18), ("NO", 15)])
    bank = {"GB": "NWBK", "NL": "ABNA"}.get(country, "")
    account = bank + digits(rng, length - 4 - len(bank))
    number = int("".join(str(int(char, 36)) for char in f"{account}{country}00"))
    code = f"{country}{98 - number % 97:02}{account}"
    return code if rng.random() < 0.4 else " ".join(code[at : at + 4] for at in range(0, len(code), 4))


def card(rng: Rng) -> str:
    start, length = rng.choice([("4", 16), ("51", 16), ("2221", 16), ("37", 15), ("6011", 16), ("4", 13)])
    body = start + digits(rng, length - 1 - len(start))
    total = sum(sum(divmod(int(d) * (2 - at % 2), 10)) for at, d in enumerate(reversed(body)))
    number = f"{body}{-total % 10}"
    if length == 16 and rng.random() < 0.7:
        return grouped(number, 4, 4, 4, 4, by=rng.choice([" ", "-"]))
    return grouped(number, 4, 6, 5) if length == 15 and rng.random() < 0.5 else number


def ssn(rng: Rng) -> str:
    return f"{rng.randint(1, 665):03}-{rng.randint(1, 99):02}-{rng.randint(1, 9999):04}"


def steuer_id(rng: Rng) -> str:
    ten = rng.sample(string.digits, 9)
    ten.insert(rng.randrange(1, 9), ten[0])
    if ten[0] == "0":
        ten[0], ten[1] = ten[1], ten[0]
    if ten[0] == "0":
        return steuer_id(rng)
    product = 10
    for digit in ten:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    number = "".join(ten) + str((11 - product) % 10)
    return grouped(number, 2, 3, 3, 3) if rng.random() < 0.5 else number


def nir(rng: Rng) -> str:
    place = rng.choice(["75", "13", "2A", "2B"])
    body = f"{rng.choice('12')}{rng.randint(0, 99):02}{rng.randint(1, 12):02}{place}{digits(rng, 6)}"
    key = 97 - int(body.replace("2A", "19").replace("2B", "18")) % 97
    return grouped(f"{body}{key:02}", 1, 2, 2, 2, 3, 3, 2, by=rng.choice([" ", ""]))


def dni(rng: Rng) -> str:
    letters = "TRWAGMYFPDXBNJZSQVHLCKE"
    if rng.random() < 0.5:
        number = digits(rng, 8)
        return f"{number}{rng.choice(['-', ''])}{letters[int(number) % 23]}"
    kind, number = rng.choice("XYZ"), digits(rng, 7)
    return f"{kind}{number}{letters[int(str('XYZ'.index(kind)) + number) % 23]}"


def resident(rng: Rng) -> str:
    date = f"{rng.randint(1950, 2005)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    body = f"110105{date}{rng.randint(0, 999):03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    return body + "10X98765432"[total % 11]


def nino(rng: Rng) -> str:
    prefix = rng.choice(["AB", "CE", "JK", "SX", "PW"])
    return f"{prefix} {grouped(digits(rng, 6), 2, 2, 2)} {rng.choice('ABCD')}".replace(
        " ", rng.choice([" ", ""])
    )


def fiscale(rng: Rng) -> str:
    odd = {
        **dict(zip(string.digits, (1, 0, 5, 7, 9, 13, 15, 17, 19, 21), strict=True)),
        **dict(
            zip(
                _UPPER,
                (
                    1,
                    0,
                    5,
                    7,
                    9,
                    13,
                    15,
                    17,
                    19,
                    21,
                    2,
                    4,
                    18,
                    20,
                    11,
                    3,
                    6,
                    8,
                    12,
                    14,
                    16,
                    10,
                    22,
                    25,
                    24,
                    23,
                ),
                strict=True,
            )
        ),
    }
    name = "".join(rng.choice("BCDFGLMNPRSTVZ") for _ in range(6))
    birth = f"{rng.randint(40, 99)}{rng.choice('ABCDEHLMPRST')}{rng.randint(1, 28):02}"
    body = f"{name}{birth}H{rng.randint(100, 999)}"
    total = sum(
        odd[char] if at % 2 == 0 else int(char) if char.isdigit() else _UPPER.index(char)
        for at, char in enumerate(body)
    )
    return body + _UPPER[total % 26]


def token(rng: Rng) -> str:
    part = chars(rng, 40)
    return rng.choice(
        [
            f"AKIA{chars(rng, 16, _UPPER + string.digits).upper()}",
            f"ghp_{chars(rng, 36)}",
            f"github_pat_{chars(rng, 40)}",
            f"sk-{part}",
            f"sk-ant-api03-{part}",
            f"xoxb-{digits(rng, 12)}-{chars(rng, 24)}",
            f"eyJ{chars(rng, 30)}.eyJ{chars(rng, 40)}.{chars(rng, 43)}",
            f"AIza{chars(rng, 35)}",
            f"glpat-{chars(rng, 20)}",
        ]
    )


def pem(rng: Rng) -> str:
    body = base64.b64encode(rng.randbytes(300)).decode()
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    kind = rng.choice(["RSA ", "EC ", "OPENSSH ", ""])
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----"


def password(rng: Rng) -> str:
    return chars(rng, 10, _WORD + "!#%&*")


KINDS: dict[str, tuple[Callable[[Rng], str], tuple[str, ...]]] = {
    "mail": (mail, ("Write to {} for access.", "Contact: {}, any day")),
    "phone abroad": (phone_abroad, ("Call {} after six.", "Reached under {}; leave a word.")),
    "phone": (phone_national, ("Tel. {} (office)", "The number is {}.", "Fax: {}")),
    "iban": (iban, ("Transfer it to {} by Friday.", "IBAN: {}")),
    "card": (card, ("The card {} was charged.", "Card no. {}, valid 12/29")),
    "ssn": (ssn, ("Her SSN is {}.", "Number {} on the form")),
    "steuer-id": (steuer_id, ("Die Steuer-ID lautet {}.", "IdNr. {}")),
    "nir": (nir, ("Numéro de sécurité sociale : {}", "NIR {}.")),
    "dni": (dni, ("Con DNI {}.", "NIE/DNI: {}")),
    "resident": (resident, ("身份证号码{}。", "ID card {}.")),
    "nino": (nino, ("NI number {}.", "National Insurance: {}")),
    "fiscale": (fiscale, ("Codice fiscale {}.", "C.F. {}")),
    "token": (token, ("export KEY={}", "The key is {}, keep it safe.", '"{}"')),
    "pem": (pem, ("{}", "The key:\n{}\nEnd.")),
    "password": (password, ("password: {}", "Das Passwort: {}", "DB_SECRET_KEY='{}'", "api_key = {}")),
    "login": (password, ("postgres://app:{}@db.internal/app", "https://me:{}@example.com/x")),
}
"""Kind: how it is made, and sentences it stands in."""


def planted(count: int, seed: int) -> list[tuple[str, str, str]]:
    """(kind, secret, sentence with it), each kind as often as the others."""
    rng = random.Random(seed)
    names = list(KINDS)
    made = []
    for at in range(count):
        kind = names[at % len(names)]
        make, frames = KINDS[kind]
        secret = make(rng)
        made.append((kind, secret, rng.choice(frames).format(secret)))
    return made
