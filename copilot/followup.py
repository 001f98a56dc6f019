"""Questions that need the conversation to be understood, made whole by rule when no model does it.

"And of the mill?" after "How high is the rent of the boathouse?" asks for the rent of the mill; "Who
signed it?" takes the words of the question before along; "he" takes the names of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from copilot.types import Turn
from copilot.words import content_words

_LEANS_BACK = re.compile(
    r"\b(?:it|its|they|them|their|he|him|his|she|her|this|that|these|those|there|then|same|one|ones|former|"
    r"latter|er|ihn|ihm|sein\w*|sie|ihr\w*|dies\w*|davon|dazu|dabei|dort|il|elle|ils|elles|celui|cela|ça|y|en|"
    r"él|ella|ellos|ellas|eso|esto|allí)\b|^(?:and|und|et|y|e)\b|它|他|她|这|那|其",
    re.IGNORECASE,
)
_OPENS = re.compile(
    r"^[¿\s]*(?:(?:and|but|so|und|aber|et|mais|y|e|ed|en)\s+)?"
    r"(?:(?:what|how) about|was ist mit|wie (?:ist es|steht es) (?:mit|um)|qu['’]en est[- ]il|"
    r"qué (?:hay|pasa) (?:con|de)|e per|en wat is)?\s*",
    re.IGNORECASE,
)
_PREPOSITION = re.compile(
    r"(?:of|in|at|for|from|with|on|by|to|under|before|after|during|since|von|vom|bei|beim|in|im|aus|für|mit|"
    r"unter|vor|nach|seit|der|des|de|du|des|d['’]|pour|dans|avec|chez|à|au|del|en|con|para|por|a|al)(?=\s|['’])",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\b(?:who|whom|whose|what|which|when|where|why|how|is|are|was|were|do|does|did|has|have|had|can|may|must|"
    r"wer|wem|wen|was|welche\w*|wann|wo|warum|wie|ist|sind|war|hat|qui|que|quoi|quel\w*|quand|où|pourquoi|"
    r"comment|combien|quién|qué|cuál\w*|cuándo|cuánt\w*|dónde|cómo|chi|cosa|quale|quali|quando|dove)\b",
    re.IGNORECASE,
)
_PERSON = re.compile(
    r"\b(?:he|him|his|she|her|they|them|their|er|ihn|ihm|sie|ihr\w*|il|elle|lui|él|ella)\b|他|她",
    re.IGNORECASE,
)
_NAME = re.compile(r"\b[A-ZÀ-ÖØ-ÞА-Я][\w’'-]+(?:\s+[A-ZÀ-ÖØ-ÞА-Я][\w’'-]+)*")

SHORT = 4
"""Words of a follow-up up to which it may stand for a part of the question before."""
STEPS = 3
"""Questions a chain of follow-ups is traced back."""


def leans_back(question: str) -> bool:
    """Whether a question needs the conversation to be understood: a pronoun, or hardly a word of its own."""
    return bool(_LEANS_BACK.search(question)) or len(content_words(question)) < 2


def standalone(question: str, history: Sequence[Turn], *, steps: int = STEPS) -> str:
    """The question with what it takes from the questions before; as it is when it stands alone."""
    if not history or not steps or not leans_back(question):
        return question
    before = standalone(history[-1].question, history[:-1], steps=steps - 1).strip().rstrip("?？. ")
    replaced = _in_place(question, before)
    if replaced:
        return replaced
    names = _names(history[-1].answer) if _PERSON.search(question) else []
    return " ".join([question, *names, before])


def _in_place(question: str, before: str) -> str:
    """The question before with its end replaced by this one ("and of the mill?"); "" when it is not so."""
    rest = _OPENS.sub("", question).strip(" ?？.!")
    if not rest or len(rest.split()) > SHORT or _ASKS.search(rest) or not content_words(rest):
        return ""
    preposition = _PREPOSITION.match(rest)
    if preposition:
        places = [
            match.start()
            for match in re.finditer(rf"(?<!\w){re.escape(preposition[0])}(?=\s|['’])", before, re.IGNORECASE)
        ]
        return f"{before[: places[-1]]}{rest}?" if places else ""
    names = [match for match in _NAME.finditer(before) if match.start() > 0]
    if names and _NAME.fullmatch(rest):
        return f"{before[: names[-1].start()]}{rest}{before[names[-1].end() :]}?"
    return ""


def _names(answer: str) -> list[str]:
    """Names of several words in an answer: whom "he" may mean. At most two."""
    found = [match[0] for match in _NAME.finditer(answer) if " " in match[0]]
    return list(dict.fromkeys(found))[:2]
