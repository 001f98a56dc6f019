"""Negation, quantifiers and opposites: whether a claim turns around what a sentence says.

A "not" matters by the words it stands at: a long sentence may deny one thing and state another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from copilot.claims import roles
from copilot.words import STOP_WORDS, content_words, holds, same_word, words
from indexer.text import fold

_NEGATION = re.compile(
    r"""\b(?:
      not|no(?!\.\s?(?-i:[a-z\d])|\s+longer\b)|no\s+longer|never|none|neither|nor|without|cannot|nobody|nothing|nowhere|unable|hardly|
      nicht|kein(?:e[nmrs]?)?|nie|niemals|ohne|weder|niemand(?:em|en)?|nichts|nirgends|keinesfalls|keineswegs|
      nunca|jamás|sin|ning[uú]n[ao]?s?|nadie|nada|tampoco|ni|
      jamais|sans|aucune?s?|ne
    )\b|(?<=[a-z])n['’]t\b|\bn['’](?=[a-zàâéèêîôûh])
    |不|没有?|沒有?|无|無|未|非|勿|莫|毫无|(?<!\w)(?:لا|لم|ليس|ليست|لن|غير|بدون)(?!\w)""",
    re.IGNORECASE | re.VERBOSE,
)
_NO_NEGATION = re.compile(
    r"\bnot\s+(?:only|just|merely)\b|\bno\s+doubt\b|\bno\s+obstante\b|\bnicht\s+(?:nur|lediglich|bloß|allein)\b|\bno\s+(?:solo|sólo|solamente|únicamente)\b|\bnon\s+seulement\b"
    r"|\bne\s+(?=[^.;]{0,40}?\bque\b)|\bsin\s+embargo\b|\bsin\s+duda\b|\bwhether\s+or\s+not\b"
    r"|不同|不断|不过|不仅|不但|不只|不久|不少|不管|不论|不得不|不错|不足|不良|不幸|不等|不丹|差不多|不列颠|不锈|无论|无线|无数|非常|未来"
    r"|非洲|除非|没收|沉没|淹没|非营利|非法|南非|东非|西非|北非|中非|是非|未必|不可避免|不可或缺|无疑|无名|无人机",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,;:，；：、。()（）]|\s[-–—]\s")
_HAN = re.compile("[\u3400-\u9fff]")

AROUND = 4
"""Content words on either side that a negation is taken to stand at."""


@dataclass(frozen=True, slots=True)
class Negation:
    """A word of negation with the words it stands at."""

    written: str
    around: tuple[str, ...]
    """Folded content words of its clause, nearest first."""


def negations(text: str) -> list[Negation]:
    """The negations of a text; "not only" is none."""
    skip = [match.span() for match in _NO_NEGATION.finditer(text)]
    found = []
    for match in _NEGATION.finditer(text):
        if any(start <= match.start() < end for start, end in skip):
            continue
        found.append(Negation(match[0], tuple(_around(text, match))))
    return found


def _around(text: str, match: re.Match[str]) -> list[str]:
    if _HAN.match(match[0]):
        after = re.split(_CLAUSE, text[match.end() :], maxsplit=1)[0].lstrip()
        return words(after[:3]) or words(re.split(_CLAUSE, text[: match.start()])[-1][-4:])
    after = _told(re.split(_CLAUSE, text[match.end() :], maxsplit=1)[0])[:AROUND]
    before = _told(re.split(_CLAUSE, text[: match.start()])[-1])[-AROUND:]
    mixed: list[str] = []
    for at in range(AROUND):
        mixed += after[at : at + 1]
        mixed += before[::-1][at : at + 1]
    return mixed


def _told(text: str) -> list[str]:
    return [word for word in content_words(_NEGATION.sub(" ", text)) if word not in STOP_WORDS]


def without_negations(text: str) -> str:
    """The text without the words that deny."""
    return _NEGATION.sub(" ", text)


def turned(claim: str, sentence: str) -> str:
    """Why claim and sentence contradict each other in what they deny, or ""."""
    mine, theirs = negations(claim), negations(sentence)
    said, told = _bag(claim), _bag(sentence)
    open_theirs = list(theirs)
    extra: list[Negation] = []
    for each in mine:
        partner = next((other for other in open_theirs if _meet(each, other)), None)
        if partner is None:
            extra.append(each)
        else:
            open_theirs.remove(partner)
    for each in extra:
        if _share(each.around, told) >= 0.5:
            return f'it says "{each.written.strip()}", {{}} does not'
    for other in open_theirs:
        if _share(other.around[:4], said) >= 0.5:
            return f'{{}} says "{other.written.strip()}", it does not'
    return ""


def _bag(text: str) -> set[str]:
    return set(words(_NEGATION.sub(" ", text)) if not _HAN.search(text) else words(text))


def _meet(first: Negation, second: Negation) -> bool:
    if not first.around or not second.around:
        return True
    return any(same_word(a, b) for a in first.around for b in second.around)


def _share(around: Sequence[str], bag: set[str]) -> float:
    return sum(holds(bag, word) for word in around) / len(around) if around else 0.0


# --- quantifiers and opposites -------------------------------------------------------------------

_QUANTIFIERS = r"""
all: all|every|each|entire|entirely|everyone|everything|whole|alle[nrsm]?|jede[nrsm]?|sämtliche[nrs]?
all: gesamte[nrs]?|todos?|todas?|cada|enter[oa]s?|tous|toutes?|tout|chaque
all: 所有|全部|每|全体|一切
some: some|several|partly|einige[nrs]?|manche[nrs]?|mehrere[nr]?|teilweise|algun[oa]s?|vari[oa]s
some: quelques|plusieurs|certain(?:e?s)?|一些|部分|有些|若干
most: most|majority|meisten|mehrheit|mayoría|plupart|majorité|大多数|大部分|多数
few: few|minority|wenige[nr]?|minderheit|poc[oa]s|minoría|peu|minorité|少数
only: only|solely|exclusively|just|merely|nur|lediglich|ausschließlich|bloß|solo|sólo|solamente|únicamente
only: exclusivamente|tan\s+s[oó]lo|seulement|uniquement|只|仅|唯一
least: at\s+least|no\s+(?:less|fewer)\s+than|minimum|mindestens|wenigstens|al\s+menos|por\s+lo\s+menos
least: como\s+mínimo|au\s+moins|至少|最少|起码
utmost: at\s+most|no\s+more\s+than|up\s+to|maximum|höchstens|maximal|a\s+lo\s+sumo|como\s+máximo
utmost: hasta|au\s+plus|至多|最多|不超过
over: more\s+than|over|above|exceed\w*|mehr\s+als|über|más\s+de|plus\s+de|supera\w*|超过|多于|以上|高于
under: less\s+than|fewer\s+than|under|below|weniger\s+als|unter|menos\s+de|moins\s+de|不到|少于|以下|低于|不足
exact: exactly|precisely|genau|exakt|exactamente|exactement|précisément|正好|恰好|刚好
always: always|immer|stets|siempre|toujours|总是|一直|始终
sometimes: sometimes|occasionally|rarely|seldom|manchmal|selten|gelegentlich
sometimes: a\s+veces|raramente|parfois|rarement|有时|偶尔|很少
never: never|nie|niemals|nunca|jamás|jamais|从不|从未|从来没
"""


def _read_quantifiers() -> dict[str, re.Pattern[str]]:
    forms: dict[str, list[str]] = {}
    for line in _QUANTIFIERS.strip().splitlines():
        name, _, written = line.partition(": ")
        for form in written.split("|"):
            edged = form if _HAN.match(form) else rf"(?<!\w){form}(?!\w)"
            forms.setdefault(name, []).append(edged)
    return {name: re.compile("|".join(each), re.IGNORECASE) for name, each in forms.items()}


_SAID = _read_quantifiers()
_CLASHES = (
    ("all", "some"), ("all", "most"), ("all", "few"), ("most", "few"), ("least", "utmost"), ("over", "under"),
    ("always", "sometimes"), ("always", "never"), ("sometimes", "never"), ("most", "some"),
    ("least", "under"), ("utmost", "over"), ("exact", "over"), ("exact", "under"),
    ("exact", "least"), ("exact", "utmost"),
)  # fmt: skip
_ADDED = ("all", "only", "always", "least", "utmost", "never")
"""What makes a claim stronger than a sentence that does not say it."""
_STANDS_FOR = {
    "all": ("always", "never"),
    "only": ("few",),
    "least": ("over",),
    "utmost": ("under", "over"),
    "always": ("all",),
}


_NO_QUANTIFIER = re.compile(
    r"\b(?:sobre\s+todo|ante\s+todo|después\s+de\s+todo|del\s+todo|vor\s+allem|unter\s+anderem|after\s+all|above\s+all|"
    r"at\s+all|not\s+(?:only|just|merely)|all\s+the\s+same|surtout|not\s+only|nicht\s+(?:nur|lediglich)|no\s+s[oó]lo|"
    r"no\s+solamente)\b|首都|都市|都会|成都|不仅仅?|不只",
    re.IGNORECASE,
)


def requantified(claim: str, sentence: str) -> tuple[str, bool]:
    """Why the quantities differ in kind, and whether that contradicts; ("", False) when they agree."""
    claim, sentence = (_NO_QUANTIFIER.sub(" ", text) for text in (claim, sentence))
    mine = {name for name, form in _SAID.items() if form.search(claim)}
    theirs = {name for name, form in _SAID.items() if form.search(sentence)}
    for pair in _CLASHES:
        for here, there in (pair, pair[::-1]):
            if here in mine - theirs and there in theirs - mine:
                word, other = _found(here, claim), _found(there, sentence)
                return f'it says "{word}", {{}} says "{other}"', True
    for name in _ADDED:
        if name in mine - theirs and theirs.isdisjoint(_STANDS_FOR.get(name, ())):
            return f'it says "{_found(name, claim)}", {{}} does not', False
    return "", False


def _found(name: str, text: str) -> str:
    match = _SAID[name].search(text)
    return match[0].strip() if match else name


_OPPOSITES = """
increase increases increased increasing | decrease decreases decreased decreasing reduce reduced reduces
rise rises rose risen rising | fall falls fell fallen falling drop dropped
more | less fewer
higher | lower
highest | lowest
before | after
first | last
largest biggest greatest | smallest least
larger greater bigger | smaller lesser
north northern | south southern
east eastern | west western
northeast | southwest
win wins won beat beats defeat defeated defeats | lose loses lost losing
early earlier earliest | late later latest
above | below
begin begins began begun start started | end ends ended stop stopped finish finished
open opens opened | close closed closes shut
valid | invalid
if | unless
because | although though despite
except excepting excluding | including
paid | unpaid
known | unknown
lawful | unlawful
limited | unlimited
complete completed | incomplete
correct | incorrect
authorised authorized | unauthorised unauthorized
insured | uninsured
changed | unchanged
safe | unsafe
available | unavailable
sufficient enough | insufficient
successful | unsuccessful
eligible | ineligible
employed | unemployed
furnished | unfurnished
affected | unaffected
necessary | unnecessary
likely | unlikely
gültig | ungültig
zulässig | unzulässig
bekannt | unbekannt
befristet | unbefristet
geöffnet offen | geschlossen
weil da | obwohl trotzdem
wenn falls | außer
válido válida | inválido inválida
abierto abierta | cerrado cerrada
porque | aunque
ouvert ouverte ouverts ouvertes | fermé fermée fermés fermées
accept accepts accepted approve approved | reject rejected rejects
allow allowed allows permit permitted | forbid forbidden prohibit prohibited ban banned
include includes included including | exclude excludes excluded excluding
legal | illegal
possible | impossible
able | unable
public | private
buy bought | sell sold
success succeeded | failure failed
gain gained | lost loss
best | worst
majority | minority
maximum | minimum
left | right
inside | outside
import imports imported | export exports exported
positive | negative
strong stronger strongest | weak weaker weakest
young younger youngest | old older oldest
male men man | female women woman
true | false
always | never
major | minor
internal | external
agree agreed | disagree disagreed
mehr | weniger
höher höchste höchsten | niedriger niedrigste niedrigsten
größer größte größten | kleiner kleinste kleinsten
vor | nach
erste ersten erster | letzte letzten letzter
nördlich norden nord | südlich süden süd
östlich osten | westlich westen
gewann gewonnen gewinnt gewannen besiegte besiegten besiegt schlug schlugen | verlor verloren verliert
früh früher | spät später
erlaubt | verboten
stieg gestiegen steigt | sank gesunken sinkt fiel
erhöht erhöhte | gesenkt senkte verringert
öffentlich öffentliche öffentlichen | privat private privaten
beginnt begann | endet endete
möglich | unmöglich
más | menos
mayor mayores | menor menores
antes | después
primero primera primer | último última
norte | sur
este oriental | oeste occidental
ganó ganar gana ganaron derrotó derrotaron venció | perdió perder pierde perdieron
aumentó aumentar aumenta | disminuyó disminuir disminuye
permitido permite | prohibido prohíbe
público pública | privado privada
posible | imposible
plus | moins
avant | après
premier première | dernier dernière
nord | sud
est | ouest
augmenté augmente | diminué diminue
增加 | 减少
上升 | 下降
之前 以前 | 之后 以后
最大 | 最小
最高 | 最低
北部 | 南部
东部 | 西部
赢得 获胜 击败 战胜 打败 | 输掉 输给 失败 败给
允许 | 禁止
合法 | 非法
开始 | 结束
成功 | 失败
进口 | 出口
公立 | 私立
有效 | 无效
开放 | 关闭
因为 | 尽管 虽然
支持 | 反对
"""


def _read_opposites() -> list[tuple[frozenset[str], frozenset[str]]]:
    pairs = []
    for line in _OPPOSITES.strip().splitlines():
        left, _, right = line.partition("|")
        pairs.append((frozenset(map(fold, left.split())), frozenset(map(fold, right.split()))))
    return pairs


PAIRS = _read_opposites()
"""Words and their opposites, folded."""
_CAPITALISED = re.compile(r"(?<!\w)[A-ZÀ-Þ][^\W\d_]{2,}")
_TOKEN = re.compile(r"[^\W\d_]+")


def _reversed(claim: str, sentence: str) -> bool:
    """Whether the first two names that both have stand in another order."""
    mine, theirs = ([match[0] for match in _CAPITALISED.finditer(text)] for text in (claim, sentence))
    shared = [name for name in dict.fromkeys(mine) if name in theirs and fold(name) not in STOP_WORDS]
    return len(shared) > 1 and theirs.index(shared[0]) > theirs.index(shared[1])


def opposed(claim: str, sentence: str) -> tuple[str, str]:
    """A word of the claim and its opposite in the sentence, when neither text has both; else ("", "").

    "A beat B" and "B lost to A" say the same: where the names stand in another order nothing is concluded,
    nor where what is compared does.
    """
    han = bool(_HAN.search(claim))
    if not han and (_reversed(claim, sentence) or roles.compared_backwards(claim, sentence)):
        return "", ""
    mine = {fold(match[0]) for match in _TOKEN.finditer(claim)}
    theirs = {fold(match[0]) for match in _TOKEN.finditer(sentence)}
    for left, right in PAIRS:
        for here, there in ((left, right), (right, left)):
            if han:
                said = {word for word in here if word in claim and word not in sentence}
                other = {word for word in there if word in sentence and word not in claim}
            else:
                if not mine.isdisjoint(there) or not theirs.isdisjoint(here):
                    continue
                said, other = mine & here, theirs & there
            if said and other:
                return next(iter(sorted(said))), next(iter(sorted(other)))
    return "", ""
