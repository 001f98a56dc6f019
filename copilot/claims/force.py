"""How strongly something is said: may and will, planned and done, with exceptions, with a "but not".

A claim that drops a "probably" or an "except" says more than its sentence. What is found here is a reason
with `{}` for the passage, and whether it contradicts or only weakens the claim.
"""

from __future__ import annotations

import re

from copilot.claims import polarity
from copilot.words import content_words, holds, same_word, words

Finding = tuple[str, bool]
"""A reason, "" for none, and whether it contradicts."""

NOTHING: Finding = ("", False)

_HAN = re.compile("[\u3400-\u9fff]")

_MAYBE = re.compile(
    r"(?<!in )(?<!of )\b(?-i:may)\b(?!\s*\d)|\b(?:might|could|possibly|perhaps|probably|presumably)\b"
    r"|\b(?:könnten?|dürften?|möglicherweise|vielleicht|vermutlich|wahrscheinlich|eventuell)\b"
    r"|\b(?:podrían?|quizás?|posiblemente|probablemente|tal\s+vez)\b"
    r"|\b(?:pourraient|pourrait|peut-être|probablement|éventuellement)\b|可能|也许|或许|大概",
    re.IGNORECASE,
)
_CAN = re.compile(r"\bcan\b|\bkann\b|\bkönnen\b|\bpueden?\b|\bpeut\b|\bpeuvent\b|可以")
_PERMITTED = re.compile(
    r"\b(?:allowed|permitted|entitled|free|right|erlaubt|gestattet|dürfen|darf|permit\w+|permis\w*|autoris\w+|autoriz\w+)\b|允许|有权",
    re.IGNORECASE,
)
"""Another way to say that one may."""
_WILL = re.compile(
    r"\b(?:will|shall|must|certainly|definitely|undoubtedly|has\s+to|have\s+to|(?:is|are)\s+(?:required|obliged)\s+to)\b"
    r"|\b(?:wird|werden|muss|müssen|sicher(?:lich)?|zweifellos)\b|\b(?:deben?|sin\s+duda|seguramente)\b"
    r"|\b(?:doit|doivent|certainement|sans\s+doute)\b|必须|一定|肯定|将会",
)
_PLANNED = re.compile(
    r"\b(?:plans?|planned|intends?|intended|hopes?|hoped|proposes?|proposed|wants?|wanted|aims?)\s+to\b"
    r"|\b(?:beabsichtig\w+|plant|planen)\b|\b(?:planea|planean|prevén?|piensan?)\b|\b(?:prévoit|prévoient|envisage\w*)\b"
    r"|计划|打算|拟"
)
_PLANS = re.compile(
    r"\b(?:plan(?:s|ned|ning)?|intend\w*|hop(?:e|es|ed)|propos\w+|want(?:s|ed)?|aim(?:s|ed)?|will|to\s+be|going\s+to)\b"
    r"|\b(?:beabsichtig\w+|plan(?:t|en|te)|geplant|soll(?:en|te)?|will|wollen)\b"
    r"|\b(?:plane\w+|prev\w+|piensan?|quieren?)\b|\b(?:prévoi\w+|prévu\w*|envisage\w*|veu(?:len)?t)\b|计划|打算|拟|将",
    re.IGNORECASE,
)


def overstated(claim: str, sentence: str) -> Finding:
    """Whether a claim makes certain, or done, what the sentence holds possible or plans."""
    maybe = _MAYBE.search(sentence)
    said_maybe = _MAYBE.search(claim) or _CAN.search(claim) or _PERMITTED.search(claim)
    if maybe and not said_maybe and _is_of(claim, sentence, maybe):
        return f'{{}} says "{maybe[0]}"{_instead(claim)}', False
    can, will = _CAN.search(sentence), _WILL.search(claim)
    if can and will and not _WILL.search(sentence) and not said_maybe and _is_of(claim, sentence, can):
        return f'{{}} says "{can[0]}", it says "{will[0]}"', False
    planned = _PLANNED.search(sentence)
    if planned and not _PLANS.search(claim) and not said_maybe and _is_of(claim, sentence, planned):
        return f'{{}} says "{planned[0]}", it does not', False
    return NOTHING


def _instead(claim: str) -> str:
    will = _WILL.search(claim)
    return f', it says "{will[0]}"' if will else ", it does not"


def _is_of(claim: str, sentence: str, hedge: re.Match[str]) -> bool:
    """Whether the claim says what the hedge stands at: most of the words behind it in its clause."""
    clause = re.split(r"[,;:，；。]|\s(?:and|but|und|aber|y|pero|et|mais)\s", sentence[hedge.end() :])[0]
    behind = content_words(clause)[:4]
    bag = set(words(claim))
    if _HAN.search(sentence):
        behind = words(clause[:6])
    return bool(behind) and 2 * sum(holds(bag, word) for word in behind) >= len(behind)


# --- exceptions ----------------------------------------------------------------------------------

_EXCEPT = re.compile(
    r"(?:\b(?:except(?:ing)?(?:\s+for)?|excluding|apart\s+from|other\s+than|with\s+the\s+exception\s+of|"
    r"außer|ausgenommen|mit\s+Ausnahme(?:\s+von|\s+der|\s+des)?|abgesehen\s+von|"
    r"excepto|salvo|a\s+excepción\s+de|con\s+excepción\s+de|sauf|excepté|hormis|à\s+l[’']exception\s+d[eu’'])\b\s*)"
    r"(?P<what>[^,;.]*)|除(?:了)?(?P<han>[^，。；]{1,12}?)(?:之)?外",
    re.IGNORECASE,
)
_ALL = re.compile(
    r"\b(?:all|every|each|everyone|everything|always|alle[nrsm]?|jede[nrsm]?|sämtliche|immer|todos?|todas?|cada|"
    r"siempre|tous|toutes?|chaque|toujours)\b|所有|全部|每|都",
    re.IGNORECASE,
)


def excepted(claim: str, sentence: str) -> Finding:
    """Whether a claim is of what the sentence excepts, or leaves the exception out of an "all"."""
    found = _EXCEPT.search(sentence)
    if found is None or _EXCEPT.search(claim) or polarity.negations(sentence):
        return NOTHING
    what = content_words(found["what"] or "")[:1] if found["what"] is not None else words(found["han"])
    if not what or polarity.negations(claim):
        return NOTHING
    bag = set(words(claim))
    if any(holds(bag, word) for word in what):
        return f'{{}} excepts "{_shown(found)}"', True
    if _ALL.search(claim):
        return f'{{}} excepts "{_shown(found)}", it does not', False
    return NOTHING


def _shown(found: re.Match[str]) -> str:
    return " ".join((found["what"] or found["han"] or "").split()[:4])


# --- "but not" -----------------------------------------------------------------------------------

_BUT_NOT = re.compile(
    r"[,;]?\s+(?:but|yet|though)\s+(?:is\s+|are\s+|was\s+|were\s+|do(?:es)?\s+)?not\s+|[,;]?\s+aber\s+nicht\s+|[,;]?\s+jedoch\s+nicht\s+"
    r"|[,;]?\s+pero\s+no\s+|[,;]?\s+mais\s+pas\s+|[，；]?但(?:是)?不(?:能|可|得|包括|在)?",
    re.IGNORECASE,
)


def contrasted(claim: str, sentence: str) -> tuple[str, Finding]:
    """The part of "this but not that" a claim is to be compared with, and what is found already.

    Returns:
        The sentence, or its part before the "but not" when the claim is of that part alone.
    """
    cut = _BUT_NOT.search(sentence)
    if cut is None or _BUT_NOT.search(claim):
        return sentence, NOTHING
    before, after = sentence[: cut.start()], sentence[cut.end() :]
    known, bag = words(before), set(words(claim))
    only = [word for word in content_words(after) if not any(same_word(word, each) for each in known)]
    if not only or not all(holds(bag, word) for word in only[:2]):
        return before, NOTHING
    if polarity.negations(claim):
        return claim, NOTHING  # it denies what is denied
    return sentence, (f'{{}} says "{cut[0].strip(" ,;，；")}" of it', True)
