"""Questions that want "yes" or "no", and when a sentence may be taken to decide them.

Careful on purpose: a wrong "yes" above a right quote is worse than the quote alone. A sentence decides only
when one clause of it says everything that is asked, in the same order where the order tells who did what to
whom, denies it plainly or not at all, and hedges nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from copilot.claims import polarity, values
from copilot.passages import Term
from copilot.words import same_word, words
from indexer.language import detect

Decision = Literal["yes", "no", ""]

LABELS = {
    "en": ("Yes", "No"),
    "de": ("Ja", "Nein"),
    "es": ("Sí", "No"),
    "fr": ("Oui", "Non"),
    "it": ("Sì", "No"),
    "pt": ("Sim", "Não"),
    "nl": ("Ja", "Nee"),
    "zh": ("是", "否"),
    "ar": ("نعم", "لا"),
}
"""What stands before the quote, by the language of the question."""


class Asked(NamedTuple):
    """A question that wants "yes" or "no"."""

    language: str
    free: bool
    """It asks for a state or a permission: the order of its words does not tell who does what."""


_INTERROGATIVE = re.compile(
    r"\b(?:what|which|who|whom|whose|when|where|why|how|was für|welche[mnrs]?|wer|wem|wen|wann|warum|wie|"
    r"wieso|woher|was (?:ist|sind|war|waren|hat|haben|hatten?|wird|werden|wurden?|kann|können|soll|muss|darf|"
    r"macht|bedeutet|heißt)|qué|quién(?:es)?|cuándo|cuánt[oa]s?|dónde|cómo|cuál(?:es)?|quel(?:le)?s?|quand|où|"
    r"comment|combien|pourquoi|chi|cosa|quando|quanto|dove|come|perché|quem|onde|qual|quais|wat|welke?|wie|wanneer|waar|waarom|hoe)\b"
    r"|谁|什么|哪|几|多少|为何|怎|ماذا|متى|أين|كيف|كم|لماذا",
    re.IGNORECASE,
)
_STATE = (
    r"is|are|was|were|am|can|could|may|must|should|ist|sind|war|waren|darf|dürfen|kann|können|muss|müssen|gibt|"
    r"es|está|están|son|era|eran|hay|se puede|puede|pueden|est|sont|peut|peut-on|è|sono|può|é|são|"
    r"pode|kan|mag|moet|zijn"
)
_STARTS = {
    "en": r"(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|should|shall|may|must)\b",
    "de": (
        r"(?:ist|sind|war|waren|hat|haben|hatten?|kann|können|konnten?|darf|dürfen|durften?|muss|müssen|mussten?|soll|"
        r"sollen|wird|werden|wurden?|gibt es|gab es|gilt|gehört|gehören|liegt|besitzt|enthält|braucht)\b"
    ),
    "es": (
        r"¿?\s*(?:es|está|están|son|fue|fueron|era|eran|hay|había|tiene|tienen|tenía|puede|pueden|ha|han|debe|deben|"
        r"se (?:puede|permite|debe)|existe|existen)\b"
    ),
    "fr": (
        r"(?:est-ce qu|y a-t-il|y avait-il|peut-on|"
        r"(?:est|sont|était|a|ont|doit|peut)(?:-t)?-(?:ils?|elles?|on)\b)"
    ),
    "it": r"(?:è|sono|era|erano|ha|hanno|può|possono|c'è|ci sono|esiste|esistono|si può|deve)\b",
    "pt": r"(?:é|são|foi|foram|era|há|havia|tem|têm|pode|podem|existe|existem|deve)\b",
    "nl": r"(?:is|zijn|was|waren|heeft|hebben|had|kan|kunnen|mag|mogen|moet|moeten|wordt|worden|werd)\b",
    "zh": r".*(?:吗\s*[?？]?$|是否|是不是|有没有|能不能|可不可以|会不会|能否|可否)",
    "ar": r"هل\b",
}
_PATTERNS = {
    language: re.compile(rf"\s*{start}", re.IGNORECASE | re.DOTALL) for language, start in _STARTS.items()
}
_FREE = re.compile(rf"[\s¿]*(?:{_STATE})\b|.*(?:可以|允许|是不是|有没有|能不能)", re.IGNORECASE)
_CHOICE = re.compile(r"\b(?:or|oder|ou|oppure|of)\b(?!\s+(?:not|nicht)\b)|还是|أم", re.IGNORECASE)
_TO_US = re.compile(
    r"\s*(?:can|could|will|would|do|may)\s+(?:you|i|we)\b.{0,20}?\b(?:tell|know|say|explain|show|give|list|find|describe|ask)\b",
    re.IGNORECASE,
)

# What makes a statement less, more or other than what it says plainly.
_HEDGES = re.compile(
    r"\b(?:whether|ob|might|perhaps|possibly|probably|likely|unlikely|supposed|alleged\w*|claim(?:s|ed)?|deni(?:es|ed)|"
    r"according|believed?|believes|rumou?r\w*|myth|false\w*|plan(?:s|ned)?|propos\w+|expected|intend\w*|would|could|should|"
    r"if|unless|except|excluding|until|only|partly|partially|some|few|most|rarely|seldom|sometimes|almost|nearly|once|"
    r"formerly|previously|no longer|"
    r"vielleicht|möglicherweise|wahrscheinlich|angeblich|falls|wenn|sofern|außer|ausgenommen|könnten?|sollten?|würden?|"
    r"geplant|nur|teilweise|manche|einige|meisten|selten|früher|fast|bis|laut|"
    r"quizás?|posiblemente|probablemente|supuest\w+|si|salvo|excepto|podría\w*|debería\w*|solo|sólo|solamente|algun[oa]s|"
    r"mayoría|casi|hasta|según|antes|"
    r"peut-être|probablement|pourrait|devrait|sauf|seulement|certains|presque|jusqu|selon|"
    r"forse|probabilmente|potrebbe|dovrebbe|eccetto|soltanto|alcuni|quasi|fino|secondo|"
    r"talvez|provavelmente|poderia|deveria|exceto|apenas|alguns|quase|até|segundo|"
    r"misschien|waarschijnlijk|zou|tenzij|behalve|alleen|sommige|bijna|volgens)\b"
    r"|可能|也许|或许|据说|据称|如果|除非|除了|计划|只有|仅|部分|有些|大多|几乎|曾经|应该|ربما|قد|إذا|إلا|فقط|بعض",
    re.IGNORECASE,
)
_PASSIVE = re.compile(r"\b(?:by|von|durch|por|par|da|door)\b|被|由", re.IGNORECASE)
_CLAUSES = re.compile(
    r"[,;:，；：、(]|\s[-–—]\s|\b(?:but|whereas|while|although|though|however|aber|sondern|während|obwohl|pero|mientras|"
    r"aunque|mais|tandis|ma|mentre|mas|enquanto|maar|terwijl)\b|但是?|而|لكن",
    re.IGNORECASE,
)


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ALLOWED = _set(
    "allowed permitted allow allows permit permits may legal erlaubt gestattet zulässig permitido permite "
    "autorizado autorisé permis permesso consentito toegestaan"
)
_FORBIDDEN = _set(
    "forbidden prohibited banned forbids prohibits bans illegal verboten untersagt unzulässig prohibido "
    "prohíbe interdit vietato proibito proibido verboden"
)
_LEAVE = _set("may can darf dürfen darfst kann können man puede pueden peut peut-on può pode mag gibt")
"""Words by which a question asks for leave; they say nothing of what it is about."""
_PERMISSION = re.compile(rf"\b(?:{'|'.join(sorted(_ALLOWED | (_LEAVE - {'man', 'gibt'})))})\b", re.IGNORECASE)
_HAN_FORM = re.compile("吗|是否|是不是|有没有|能不能|可不可以|会不会|能否|可否|[?？。，,]|\\s")
_HAN_ALLOWED, _HAN_FORBIDDEN = re.compile("允许|可以|准许"), re.compile("禁止|不得|不准|不许|不允许|不可以")
_HAN_NOT = re.compile("不|没有?|未")


def asked(question: str) -> Asked | None:
    """The question's language and form when it wants "yes" or "no"; None for any other question."""
    if _TO_US.match(question) or _INTERROGATIVE.search(question) or _CHOICE.search(question):
        return None
    if not question.rstrip().endswith(("?", "？", "؟")) and not _PATTERNS["zh"].match(question):
        return None
    spoken = detect(question)  # "was" begins questions in English and in German
    for language, pattern in _PATTERNS.items():
        if spoken in ("", language) and pattern.match(question):
            return Asked(language, bool(_FREE.match(question)))
    return None


def label(decision: Decision, language: str) -> str:
    """The word for a decision, "" when there is none."""
    return LABELS[language][decision == "no"] if decision else ""


def decides(question: str, wants: Asked, wanted: Sequence[Term], sentence: str) -> Decision:
    """What a sentence says to a question that wants "yes" or "no"; "" when that is not plain.

    Args:
        question: The question.
        wants: What `asked` found.
        wanted: The question's words that count.
        sentence: A sentence of a document.
    """
    if _hedged(question, sentence) or sentence.rstrip().endswith(("?", "？", "؟")):
        return ""
    if polarity.requantified(question, sentence)[0] or values.differences(question, [sentence]):
        return ""
    if wants.language == "zh":
        return _decides_in_han(question, sentence)
    if polarity.negations(question):
        return ""
    leave = bool(_PERMISSION.search(question))
    told = frozenset(re.findall(r"[^\W\d_]+", sentence.lower()) if leave else ())
    forbids, allows = told & _FORBIDDEN, told & _ALLOWED
    passed_over = _LEAVE | (_ALLOWED if forbids or allows else frozenset())
    terms = [term for term in wanted if term.word not in passed_over]
    clause = _clause(sentence, terms) if terms else ""
    if not clause or not _same_roles(question, wants, terms, sentence):
        return ""
    denied = polarity.negations(clause)
    turns = len(denied) + bool(forbids)
    if turns > 1 or len(polarity.negations(sentence)) > len(denied):
        return ""
    if denied and not _about(denied[0], terms, allows):
        return ""
    return "no" if turns else "yes"


def _decides_in_han(question: str, sentence: str) -> Decision:
    """The same in Chinese, where words are not set apart: all that is asked stands there in one piece."""
    forbids = len(_HAN_FORBIDDEN.findall(sentence))
    leave = _HAN_ALLOWED.search(question)
    bare = question if not leave else _HAN_ALLOWED.sub(" ", question)
    pieces = _HAN_FORM.sub(" ", bare).split()
    said = _HAN_ALLOWED.sub("", _HAN_FORBIDDEN.sub("", sentence)) if leave else sentence
    denied = [each for each in polarity.negations(said) if _HAN_NOT.fullmatch(each.written)]
    plain = _HAN_NOT.sub("", said)
    asserted = len("".join(pieces)) > 3 and all(piece in plain for piece in pieces)
    if not asserted or (leave and not forbids and not _HAN_ALLOWED.search(sentence)):
        return ""
    turns = len(denied) + (forbids if leave else 0)
    if turns > 1 or len(polarity.negations(said)) > len(denied):
        return ""
    return "no" if turns else "yes"


def _hedged(question: str, sentence: str) -> bool:
    known = {match[0].lower() for match in _HEDGES.finditer(question)}
    return any(match[0].lower() not in known for match in _HEDGES.finditer(sentence))


def _same_roles(question: str, wants: Asked, terms: Sequence[Term], sentence: str) -> bool:
    """Whether who does what to whom is the same, as far as the order of words can tell."""
    if wants.free and sum(term.named for term in terms) < 2:
        return True
    if bool(_PASSIVE.search(question)) != bool(_PASSIVE.search(sentence)):
        return False
    told, at = words(sentence), 0
    for term in terms:
        found = next((place for place in range(at, len(told)) if term.is_in({told[place]})), None)
        if found is None:
            return False
        at = found
    return True


def _clause(sentence: str, terms: Sequence[Term]) -> str:
    """The clause that says all that is asked, "" when none does.

    What the sentence is about may stand before the clause: "Titan, the largest moon, has an atmosphere".
    """
    clauses = _CLAUSES.split(sentence)
    subject = set(words(clauses[0]))
    for at, clause in enumerate(clauses):
        bag = set(words(clause))
        missing = [term for term in terms if not term.is_in(bag)]
        first = len(terms) > 1 and missing == [terms[0]] and missing[0].is_in(subject)
        if not missing or (at and first and not polarity.negations(clauses[0])):
            return clause
    return ""


def _about(denied: polarity.Negation, terms: Sequence[Term], allows: frozenset[str]) -> bool:
    """Whether what is denied is what is asked, or the leave for it: the words next to "not"."""
    near = denied.around[:3]
    return bool(allows.intersection(near)) or any(
        term.is_in({word}) or same_word(term.word, word) for term in terms for word in near
    )
