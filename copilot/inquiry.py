"""Questions about every document: which of them say something, how many, what each of them says.

Decides by rule whether a question is of that kind, and takes it apart: what a document must mention, and
what kind of value is wanted from it. Knows languages, no documents.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from operator import ge, gt, le, lt
from typing import Literal

from copilot import kinds
from copilot.claims.values import Value, stated
from copilot.words import WORD, counts
from indexer.analysis import has_pairs
from indexer.text import fold

Wanted = Literal["quantity", "date", "name", "any", ""]
"""Kind of the value asked for: "any" is a quantity or a date, "" none."""


@dataclass(frozen=True, slots=True)
class Group:
    """Words that belong together."""

    words: tuple[str, ...]
    """As written."""
    exact: bool = False
    """Quoted: one after the other, as written."""
    tied: bool = False
    """Said of the group before ("the temperature of the pump"): it must stand nearby."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What the value must be like to count."""

    sign: Literal[">", "<", ">=", "<="]
    value: Value
    written: str

    def holds(self, other: Value) -> bool:
        """Whether a value meets it; one that measures something else does not."""
        mine, theirs = (
            [reading * (each.unit.factor if each.unit else 1) for reading in each.readings]
            for each in (self.value, other)
        )
        if (self.value.unit.kind if self.value.unit else "") != (other.unit.kind if other.unit else ""):
            return False
        compared = {">": gt, "<": lt, ">=": ge, "<=": le}[self.sign]
        return any(compared(a, b) for a in theirs for b in mine)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """A question about every document, taken apart."""

    question: str
    topics: tuple[tuple[Group, ...], ...]
    """What a document must mention: all groups of one of these."""
    attribute: tuple[str, ...] = ()
    """Words the value stands by when they are not the topic's ("and what price do they give")."""
    kind: Wanted = ""
    condition: Condition | None = None

    @property
    def topic(self) -> str:
        """The topic in words, to be shown."""
        return " or ".join(
            " … ".join(
                f'"{" ".join(group.words)}"' if group.exact else " ".join(group.words) for group in topic
            )
            for topic in self.topics
        )


def _folded(listed: str) -> frozenset[str]:
    return frozenset(fold(word) for word in listed.split())


# Nouns for documents. The first of each pair are hardly ever asked about for themselves; the second need
# "of these", "my" or the like ("how many books did she write" is no question about every document).
_SURE = (
    r"documents?|files?|pdfs?|reports?|contracts?|agreements?|invoices?|leases?|handbooks?|manuals?|"
    r"polic(?:y|ies)|"
    r"e-?mails?|memos?|datasheets?|data sheets?|spreadsheets?|papers|"
    r"dokumente?n?|dateien|datei|berichte?n?|verträgen?|vertrag|rechnungen|rechnung|unterlagen|handbücher\w*|"
    r"documentos?|archivos?|ficheros?|informes?|contratos?|facturas?|"
    r"fichiers?|rapports?|contrats?|factures?|"
    r"documenti|documento|relazioni|rapporti|contratti|fatture|"
    r"relatórios?|arquivos?|ficheiros?|faturas?|documenten|bestanden|rapporten|contracten|facturen"
)
_LOOSE = (
    r"letters?|minutes|notes?|offers?|statements?|stud(?:y|ies)|articles?|books?|records?|"
    r"certificates?|sheets?|"
    r"presentations?|proposals?|receipts?|specifications?|versions?|paper|texts?|sources?|ones|messages?|"
    r"briefe?n?|protokolle?n?|notizen|angebote?n?|studien|artikeln?|bücher\w*|texte?n?|quellen|"
    r"cartas?|notas?|ofertas?|estudios?|artículos?|libros?|lettres?|notes|offres?|études?|articles?|livres?"
)
_MINE = (
    r"of (?:these|those|them|my|our|the|all)(?: the| my| our| these)?|these|those|my|our|"
    r"all(?: of)?(?: the| my| our| these)?|"
    r"dieser|diesen|diese|meiner|meinen|meine|unserer|unseren|unsere|von (?:diesen|den|meinen)|der|"
    r"de (?:estos|estas|los|las|mis|nuestros)|estos|estas|mis|de (?:ces|mes|nos)|des|ces|mes|nos|"
    r"di (?:questi|queste)|dei|delle|destes|dos|van (?:deze|de|mijn)"
)
_WHICH = (
    r"which|what|how many|in which|in how many|welche[rsnm]?|in welchen|wie viele|in wie vielen|"
    r"qué|que|cuáles|cuántos|cuántas|en qué|quels|quelles|lesquels|combien|dans quels|quali|quanti|quante|"
    r"quais|quantos|quantas|welke|hoeveel"
)
_EVERY = (
    r"all(?: of)?(?: the| my| our| these)?|each(?: of)?(?: the| my| these)?|every|"
    r"across(?: all)?(?: the| my)?|"
    r"alle[nr]?(?: diese[nr]?| meine[nr]?)?|jede[mnrs]?|sämtliche[nr]?|todos (?:los|mis|estos)|"
    r"todas (?:las|mis|estas)|"
    r"cada|en todos los|tous (?:les|mes|ces)|toutes (?:les|mes|ces)|chaque|tutti (?:i|gli)|ogni|"
    r"todos os|todas as|"
    r"alle|elk[e]?"
)
_COMPARE = r"compare|contrast|vergleiche?n?|compara|comparar|comparez|comparer|confronta|vergelijk"
_BETWEEN = r"(?:\w+[ -]){0,2}?"

_TRIGGERS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"\b(?:{_WHICH})\s+(?:de\s+)?(?:(?:{_MINE})\s+)?{_BETWEEN}(?:{_SURE})\b",
        rf"\b(?:{_WHICH})\s+(?:{_MINE})\s+{_BETWEEN}(?:{_LOOSE})\b",
        rf"\b(?:{_EVERY})\s+{_BETWEEN}(?:{_SURE})\b",
        rf"\b(?:of|in|from|by) (?:these|those|my|our)\s+{_BETWEEN}(?:{_LOOSE})\b",
        rf"\b(?:do|does|did) (?:these|those|my|our|all(?: the)?|each of the)\s+{_BETWEEN}(?:{_SURE}|"
        rf"{_LOOSE})\b",
        r"(?:哪些|哪几[份个篇封]|哪[份个]|多少[份个篇封]|几[份个篇封]|所有的?|全部|每一?[份个篇封]|各[份个]?|这些)"
        r"[^，。？]{0,4}?(?:文件|文档|文書|报告|合同|发票|资料|论文|邮件|协议|手册)(?:里|中|里面)?",
        r"(?:どの|どれ|いくつの|何件の|すべての|全ての|各|これらの(?:うち)?)[^、。？]{0,4}?"
        r"(?:文書|書類|報告書?|レポート|契約書?|請求書|資料|ファイル|論文|メール)(?:の中|のうち)?(?:で|に|が|は)?",
        r"(?:어느|어떤|몇|모든|각|이)\s?(?:문서|파일|보고서|계약서?|송장|자료)(?:에서|에|가|는|들이|들)?",
        r"\b(?:какие|каких|сколько|все|всех|каждый|каждом)\s+(?:из\s+)?(?:этих\s+)?"
        r"(?:документ\w*|файл\w*|отч[её]т\w*|договор\w*|сч[её]т\w*)",
    )
)
_COMPARING = re.compile(rf"\b(?:{_COMPARE})\b|^(?:比较|对比|比較)|(?:を比較|比べて)", re.IGNORECASE)
_NOUN = re.compile(
    rf"\b(?:(?:between|in|of|across|from|zwischen|in|aus|von|entre|en|de|dans|di|tra)\s+)?"
    rf"(?:(?:the|these|those|my|our|both|all|den|der|die|diese[nr]?|los|las|estos|les|des|ces|i|le)\s+)?"
    rf"{_BETWEEN}(?:{_SURE}|{_LOOSE})\b"
    r"|(?:文件|文档|报告|合同|发票|文書|書類|報告書?|契約書?)(?:里|中)?的?",
    re.IGNORECASE,
)

_ONE = re.compile(
    r"\b(?:document|file|pdf|report|contract|agreement|invoice|lease|handbook|manual|policy|e-?mail|"
    r"memo|datasheet|"
    r"dokument|datei|bericht|vertrag|rechnung|documento|archivo|fichero|informe|contrato|factura|"
    r"fichier|rapport|"
    r"contrat|facture|relatório|arquivo|fatura)$|哪[份个](?:文件|文档|文書|报告|合同|发票|资料|论文|邮件|协议|手册)$",
    re.IGNORECASE,
)

_MENTIONS = _folded(
    """
    mention mentions mentioned mentioning contain contains containing containing say says said state states
    stated discuss discusses discussing refer refers referring cover covers covering include includes
    including give gives giving name names naming specify specifies talk talks talking deal deals dealing
    speak speaks treat treats address addresses quote quotes report reports describe describes set sets call
    calls require requires record records hold holds find show compare contrast come comes erwähnen erwähnt
    enthalten enthält nennen nennt sagen sagt behandeln behandelt besprechen angeben gibt geben vergleiche
    vergleichen steht stehen handeln mencionan menciona contienen contiene dicen dice hablan habla indican
    indica citan tratan incluyen compara comparar dan da mentionnent mentionne contiennent contient parlent
    parle disent indiquent indique citent traitent donnent comparez comparer donne menzionano contengono
    parlano indicano mencionam contêm falam dizem indicam noemen vermelden bevatten zeggen geven упоминают
    упоминается содержат говорят
    """
)
_FIGURES = _folded(
    """
    value values figure figures number numbers amount amounts quantity level wert werte zahl zahlen betrag
    beträge angabe valor valores cifra cifras cantidad importe valeur valeurs chiffre chiffres montant
    montants valore valori cifra importo waarde waarden bedrag значение значения
    """
)
_DATES = _folded(
    """
    date dates deadline deadlines day datum daten termin termine frist fecha fechas plazo dates échéance
    data scadenza datas prazo дата
    """
)
_AMOUNTS = _folded(
    """
    price prices cost costs rent fee fees salary budget revenue rate rates percentage size length width
    height weight temperature pressure voltage limit total sum preis preise kosten miete gebühr gehalt
    umsatz summe precio precios coste costo tarifa salario total prix coût loyer salaire prezzo costo preço
    custo prijs
    """
)
_TIES = _folded(
    """
    of for in on at by the a an its their from under during von vom für der des dem den die das im in am bei
    zur zum de del la el los las para en du des le les pour dans d l di della dello dei per do da dos van
    het
    """
)
_OR = frozenset(("or", "oder", "ou", "o", "of", "oppure", "или"))
_SECOND = re.compile(
    r"(?:[,;]\s*|\s)(?:(?:and|und|et|y|e|en|и)\s+)?(?=(?:at |in |for |to |by |zu |bei |mit |à |con |para )?"
    r"(?:what|which|how|when|who|whom|where|welche\w*|was|wie|wann|wer|wem|wo|quel\w*|combien|quand|"
    r"qui|où|qué|cuál\w*|"
    r"cuánt\w*|cuándo|quién\w*|dónde|quale|quali|quant[oiae]|quando|chi|qual|quais|wat|welke|hoeveel|"
    r"wanneer|wie|"
    r"какой|какое|какие|когда|кто|сколько)\b)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“”„«»「『]([^\"“”„«»「」『』]{2,80})[\"“”«»」』]")
_CJK_DROPPED = re.compile(
    r"(?:都|分别|各自)?(?:提到|提及|提过|包含|涉及|谈到|说到|写到|含有|给出|讲到|记载|说明|写明)(?:了|过|的)?|"
    r"分别是|是多少|是什么|有多少|多少|什么|哪些|数值|的值|数字|金额|各是|各为|并且|以及|比较|对比|如何|怎么|"
    r"(?:に|が|を|は)?(?:言及|記載|触れ|含ま|書かれ|述べ)[ぁ-ん]*|(?:その)?(?:値|数値|金額)(?:は|を)?(?:いくつ|いくら|何)?|"
    r"いくら|いくつ|何ですか|ですか|ますか|比較して?|について|언급|포함|얼마|무엇|값"
)
_CJK_BREAK = re.compile(r"[，。？?、,;；！!\s]+|和|与|以及|および|または|或者?")
_CJK_DATE = re.compile(r"什么时候|何时|日期|哪天|いつ|日付|期限|언제")
_CJK_FIGURE = re.compile(r"多少|数值|的值|金额|几|いくら|いくつ|値|数値|金額|얼마|값")


_COMPARED: tuple[tuple[Literal[">", "<", ">=", "<="], str], ...] = (
    (
        ">=",
        r"at least|no less than|not less than|mindestens|wenigstens|al menos|como mínimo|au moins|almeno|"
        r"至少",
    ),
    (
        "<=",
        r"at most|no more than|not more than|up to|höchstens|maximal|como máximo|hasta|au plus|至多|不超过",
    ),
    (
        ">",
        r"(?:more|longer|higher|greater|larger|later|heavier|bigger) than|over|above|exceeding|mehr als|"
        r"länger als|"
        r"höher als|größer als|über|más de|mayor(?:es)? (?:de|que)|superior(?:es)? a|plus de|"
        r"supérieure?s? à|più di|超过|大于|高于",
    ),
    (
        "<",
        r"(?:less|fewer|shorter|lower|smaller|lighter) than|under|below|weniger als|kürzer als|"
        r"niedriger als|unter|"
        r"menos de|menor(?:es)? (?:de|que)|inferior(?:es)? a|moins de|inférieure?s? à|meno di|少于|低于|小于",
    ),
)


def _condition(text: str) -> tuple[Condition | None, str]:
    """A condition on the value ("of more than 30 days"), and the text without it."""
    for value in stated(text).values:
        for sign, words in _COMPARED:
            before = rf"(?:\b(?:of|von|de|di|d['’])\s+)?(?:{words})\s*$"
            match = re.search(before, text[: value.start], re.IGNORECASE)
            if match:
                written = text[value.start : value.start + len(value.written)]
                rest = f"{text[: match.start()]} \n {text[value.start + len(value.written) :]}"
                return Condition(sign, value, written), rest
    return None, text


def is_exhaustive(question: str) -> bool:
    """Whether a question asks about every document rather than for the one that answers it."""
    return _trigger(question) is not None


def _trigger(question: str) -> tuple[int, int] | None:
    found = [
        match.span()
        for form in _TRIGGERS
        if (match := form.search(question)) and not _of_one(match, question)
    ]
    if found:
        return min(found)
    comparing = _COMPARING.search(question)
    noun = _NOUN.search(question) if comparing else None
    return noun.span() if noun else None


def _of_one(match: re.Match[str], question: str) -> bool:
    """Whether a question asks for one document by what it is: "which report had the correct date?"."""
    if not _ONE.search(match[0]) or re.match(rf"(?:{_EVERY})\b", match[0], re.IGNORECASE):
        return False
    after = WORD.search(question, match.end())
    return after is None or fold(after[0]) not in _MENTIONS


def parse(question: str) -> Inquiry | None:
    """Take a question apart; None when it names nothing to look for."""
    trigger = _trigger(question)
    rest = f"{question[: trigger[0]]} \n {question[trigger[1] :]}" if trigger else question
    condition, rest = _condition(rest)
    found = _parsed(question, rest, trigger)
    if found is None or condition is None:
        return found
    return replace(found, condition=condition, kind="quantity")


def _parsed(question: str, rest: str, trigger: tuple[int, int] | None) -> Inquiry | None:
    comparing = bool(_COMPARING.search(question))
    quoted = tuple(Group(tuple(match[1].split()), exact=True) for match in _QUOTED.finditer(rest))
    rest = _QUOTED.sub(" \n ", rest)
    if has_pairs(rest):
        return _of_pairs(question, rest, quoted, comparing=comparing)
    first, second = _halves(rest, named=bool(quoted))
    topics, dropped = _topics(first)
    if quoted:
        topics = ((*quoted, *(group for group in topics[0] if not group.tied)),) if topics else (quoted,)
    attribute: tuple[str, ...] = ()
    if not topics and second:  # "What value do these reports give for X?"
        topics, dropped = _topics(second)
        second = ""
    elif second:
        attribute = tuple(
            word
            for topic in _topics(second)[0]
            for group in topic
            for word in group.words
            if fold(word) not in _DATES
        )
    if not topics:
        return None
    opening = question[: trigger[0]] if trigger else question
    kind = _kind(f"{opening} {second}" if trigger else question, dropped, attribute)
    if not kind and (
        comparing or (trigger and re.match(r"\s*(?:what|wie hoch|cuál|quel|qual)\b", opening, re.I))
    ):
        kind = "any"
    return Inquiry(question=question, topics=topics, attribute=attribute, kind=kind)


def _halves(text: str, *, named: bool) -> tuple[str, str]:
    """What must be mentioned, and the second question that asks for the value."""
    for match in _SECOND.finditer(text):
        if any(
            counts(fold(word[0])) and fold(word[0]) not in _MENTIONS
            for word in WORD.finditer(text[: match.start()])
        ):
            return text[: match.start()], text[match.end() :]
    return text, ""


def _kind(asked: str, dropped: set[str], attribute: tuple[str, ...]) -> Wanted:
    words = {fold(match[0]) for match in WORD.finditer(asked)} | dropped
    by_asking: dict[str, Wanted] = {"count": "quantity", "time": "date", "who": "name", "where": "name"}
    kind = by_asking.get(kinds.asked(asked), "")
    if kind:
        return kind
    if words & _DATES:
        return "date"
    if words & _FIGURES or {fold(word) for word in attribute} & _AMOUNTS:
        return "quantity"
    return "any" if attribute else ""


def _topics(text: str) -> tuple[tuple[tuple[Group, ...], ...], set[str]]:
    """Groups of words that belong together, and the words for values and mentioning that were left out."""
    topics: list[list[Group]] = [[]]
    dropped: set[str] = set()
    words: list[str] = []
    between: list[str] = []
    position = 0
    mentioned = False

    def close(*, tied: bool) -> None:
        if words:
            topics[-1].append(Group(tuple(words), tied=tied and bool(topics[-1])))
            words.clear()

    tied = False
    for match in WORD.finditer(text):
        written = re.sub(r"['’]s$", "", match[0])
        folded = fold(written)
        gap = text[position : match.start()]
        position = match.end()
        said = folded in _MENTIONS and not mentioned
        if said or folded in _FIGURES or not counts(folded):
            mentioned = mentioned or said
            dropped |= {folded} if folded in _FIGURES else set()
            if words:
                close(tied=tied)
                between = []
            between.append(folded if not said and folded not in _FIGURES else "\n")
            if folded in _OR and folded != "of" and topics[-1]:
                topics.append([])
            continue
        if re.search(r"[^\s'’-]|\n", gap):
            if words:
                close(tied=tied)
                between = []
            between.append("\n")
        if not words:
            tied = bool(between) and all(word in _TIES for word in between)
            between = []
        words.append(written)
    close(tied=tied)
    return tuple(tuple(topic) for topic in topics if topic), dropped


def _of_pairs(question: str, rest: str, quoted: tuple[Group, ...], *, comparing: bool) -> Inquiry | None:
    """The same for scripts without spaces: what is left when the words of asking are taken out."""
    kind: Wanted = "any" if comparing else ""
    if _CJK_DATE.search(question):
        kind = "date"
    elif _CJK_FIGURE.search(rest):
        kind = "quantity"
    parts = [
        part.strip("的了是在有のはがをにで？?")
        for piece in _CJK_DROPPED.split(rest)
        for part in _CJK_BREAK.split(piece or "")
    ]
    groups = tuple(Group((part,), exact=True) for part in parts if len(part) >= 2)
    topics = quoted or groups[:1]
    return Inquiry(question=question, topics=(topics,), kind=kind) if topics else None
