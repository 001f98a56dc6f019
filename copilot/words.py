"""The words of questions and passages: which ones count, and which are forms of one another.

Language-independent on purpose: a question is compared with passages of any language, and the stemmers
belong to the keyword index.
"""

from __future__ import annotations

import re

from indexer.analysis import has_arabic, prepare
from indexer.text import fold

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")

_STOP_WORDS = """
    a about above after all also am an and any are as at be because been before being between both
    but by can could did do does doing during each few for from further had has have having he her
    here hers him his how i if in into is it its itself just me more most much my no nor not now of
    off on once only or other our out over own s same shall she should so some such t than that the
    their them then there these they this those through to too under until up us very was we were
    what when where which while who whom whose why will with would you your many name give tell list
    show explain describe aber als auch auf aus bei bin bis da dann das dass dem den der des die
    dies diese dieser dieses doch dort du durch ein eine einem einen einer eines er es für haben hat
    hatte hatten hier ich ihr ihre im ist ja jede jeder kann kein keine mit nach nicht noch nur oder
    sein seine sich sie sind über um und uns unter vom von vor war waren warum welche welchem
    welchen welcher welches wem wen wenn wer werden wie wieso wird wir wo wurde wurden zu zum zur
    viele viel wann al ante con cual cuál cuáles cuando cuándo cuanto cuánto cuantos cuántos cuánta
    cuántas como cómo de del desde donde dónde durante e el ella ellos en entre era eran esa ese eso
    esta este esto fue fueron ha había han hasta hay la las le les lo los más mi muy nos o para pero
    por porque que qué quien quién quiénes se según ser si sí sin sobre son su sus también te tiene
    tienen tu un una uno unos y ya au aux avec ce ces cet cette combien comment dans elle elles est
    et eu il ils je leur leurs lui ma mais mes mon ne nous ont ou où par pas pour pourquoi qu quand
    quel quelle quelles quels qui quoi sa ses sont sur une vos votre vous été être d l n ad alla che
    chi ci come cosa dal dalla dei della di dove è gli hanno nel nella non per perché più qual quale
    quali quando quanti quanto sono sul ao aos à às com dos é ela ele em essa esse foi foram há mas
    na nas não onde os pela pelo quais quantos quem seu sua são uma aan bij dat dit door een heeft
    het hij hoe hoeveel ik kan maar met mijn naar niet om ook op tot uit van voor waar waarom wat
    welke wordt zijn ze من في على إلى عن ما ماذا متى أين كيف كم هل هو هي التي الذي هذا هذه كان كانت
    أن و أو لماذا أي مع и в во не что он на я с со как а то все она так его но да ты к у же вы за бы
    по кто где когда
"""
STOP_WORDS = frozenset(fold(word) for word in _STOP_WORDS.split())
"""Folded words of English, German, Spanish, French, Italian, Portuguese, Dutch, Arabic and Russian that
say nothing about what a question is about, its interrogatives among them."""

# Article and one-letter particles are written together with the word that follows them.
_ARABIC_PREFIX = re.compile("^(?:[وفبك]?ال|لل|[وفبل](?=\\w{4}))(?=\\w{3})")


def words(text: str) -> list[str]:
    """Folded words of a text, in order; scripts without spaces as overlapping pairs of characters."""
    found = [fold(match[0]) for match in WORD.finditer(prepare(text))]
    return [bare(word) for word in found] if has_arabic(text) else found


def bare(word: str) -> str:
    """An Arabic word without article and particles; any other as it is."""
    return word if word.isascii() else _ARABIC_PREFIX.sub("", word)


def content_words(text: str) -> list[str]:
    """Those of `words` that say what the text is about."""
    return [word for word in words(text) if counts(word)]


def counts(word: str) -> bool:
    """Whether a folded word says something: no stop word, no single letter."""
    return word not in STOP_WORDS and not (len(word) == 1 and word.isascii() and not word.isdigit())


def same_word(first: str, second: str) -> bool:
    """Whether two folded words are forms of one: a common beginning all but three letters long."""
    if first == second:
        return True
    short, long = sorted((first, second), key=len)
    if len(short) < 4 or short.isdigit() or long.isdigit():
        return False
    shared = 0
    for a, b in zip(short, long, strict=False):
        if a != b:
            break
        shared += 1
    return shared >= max(4, len(long) - 3)


def holds(bag: set[str], word: str) -> bool:
    """Whether a set of folded words has a form of `word`."""
    return word in bag or any(same_word(word, other) for other in bag if other[:3] == word[:3])
