"""Words as the index knows them: splitting, folding and stems, for documents and queries alike."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any

import tantivy

from indexer import analysis

LONGEST_WORD = 128
"""Bytes of the longest word indexed; longer ones are base64 and the like."""

STEMMERS = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "fi": "finnish", "fr": "french", "hu": "hungarian", "it": "italian", "nl": "dutch", "no": "norwegian",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
"""ISO 639-1 code to the name of Tantivy's stemmer. Tantivy's source knows more of them than its wheel,
which refuses the others when the analyzer is built."""

_STEM_MARK = "\u1426"
"""A letter nobody writes; before it a stem cannot be mistaken for a word."""

_ARABIC_WORD = re.compile("[\u0620-\u06ff]+")
_ARABIC_ARTICLES = ("بال", "كال", "فال", "ال", "لل")
_ARABIC_ENDINGS = ("ها", "ان", "ات", "ون", "ين", "يه", "ه", "ي")

_TOKEN = re.compile(
    r"[A-Za-z]{1,3}(?:\+\+|#)(?![\w#+])"
    r"|(?:[^\W_]|[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u065f\u0670\u06d6-\u06ed\u0900-\u0dff])+"
)


def _build(stemmer: str = "") -> Any:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    builder = builder.filter(tantivy.Filter.remove_long(LONGEST_WORD)).filter(tantivy.Filter.lowercase())
    if stemmer:
        # Before folding: many stemmers know their suffixes by their accents.
        builder = builder.filter(tantivy.Filter.stemmer(stemmer))
    return builder.filter(tantivy.Filter.ascii_fold()).build()


@functools.cache
def words_analyzer() -> Any:
    """Tantivy's analyzer of all text fields; feed it with `analysis.prepare`d text."""
    return _build()


@functools.cache
def _stemmer(language: str) -> Any:
    return _build(STEMMERS[language])


@functools.lru_cache(maxsize=100_000)
def stem(word: str, language: str) -> str:
    """The stem of a word in a language of `STEMMERS`; "" when nothing is left."""
    found = _stemmer(language).analyze(word)
    return found[0] if found else ""


PARTICLES = {
    "en": (
        "a an and are as at be been by can could did do does for from had has have he her his how i if in "
        "is it its may many me much my no not of on or our she should so some that the their them there "
        "these they this to was we were what when where which while who whom whose why will with would "
        "you your"
    ),
    "de": (
        "aber als am an auch auf aus bei bis da das dass dem den der des die durch ein eine einem einen "
        "einer eines er es für hat hatte hatten ich im in ist kann man mit nach nicht noch nur oder sein "
        "sich sie sind so über um und uns unter vom von vor wann war waren warum was welche welchem "
        "welchen welcher welches wem wen wenn wer werden wessen wie wir wird wo woher wohin wurde wurden "
        "zu zum zur"
    ),
    "es": (
        "a al cómo con cuál cuáles cuándo cuánta cuántas cuánto cuántos de del desde dónde durante el "
        "ella ellos en entre era eran es esta este fue fueron ha había han la las lo los más no o para "
        "pero por porque qué que quién quiénes se ser si sin sobre son su sus también un una unos y"
    ),
    "fr": (
        "à au aux avec ce ces cette combien comment dans de des du elle en est et était été être il ils "
        "je la le les leur lui mais ne nous on ou où par pas plus pour pourquoi qu quand que quel quelle "
        "quelles quels qui quoi sa se ses son sont sur un une vous"
    ),
    "it": (
        "a al alla che chi ci come con cosa da dal dalla dei del della di dove e è era gli ha hanno i il "
        "in la le lo ma nel nella non o per perché più quale quali quando quanti quanto se si sono su sua "
        "suo un una uno"
    ),
    "nl": (
        "aan als bij dan dat de der des die dit door een en er het hij hoe hoeveel ik in is kan maar met "
        "naar niet nog of om onder ook op over te tot uit van voor waar waarom wanneer waren was wat welk "
        "welke werd wie wordt ze zich zij zijn"
    ),
    "pt": (
        "a ao aos as às com como da das de do dos e é em era foi foram mais mas na nas não no nos o onde "
        "os ou para pela pelo por porque qual quais quando quantas quantos que quem se são seu sua um uma"
    ),
}
"""Words of grammar by language: those that questions are made of."""


@functools.cache
def _particles(language: str) -> frozenset[str]:
    return frozenset(split(PARTICLES.get(language, "")))


def is_particle(word: str, languages: Sequence[str]) -> bool:
    """Whether a word of the index is one of grammar in the first of these languages, the question's."""
    return bool(languages) and word in _particles(languages[0])


def split(text: str) -> list[str]:
    """The words of a query's text, in order."""
    found: list[str] = words_analyzer().analyze(analysis.prepare(text, open_end=True))
    return found


def indexed(text: str) -> str:
    """A text as it is given to the index.

    Arabic puts articles and conjunctions before the word, where no search by beginnings finds the
    rest. So the stems of Arabic text are indexed as well: behind it, marked, out of the way of phrases.
    """
    prepared = analysis.prepare(text)
    if not analysis.has_arabic(prepared):
        return prepared
    return f"{prepared} {' '.join(map(_marked_stem, _ARABIC_WORD.findall(prepared)))}"


def arabic_stem(word: str) -> str:
    """The word under which `indexed` adds a stem; "" for words of other scripts."""
    return _marked_stem(word) if analysis.has_arabic(word) else ""


@functools.lru_cache(maxsize=50_000)
def _marked_stem(word: str) -> str:
    """A light stem: articles, conjunctions and the commonest endings off, at least two letters left.

    Source: light10 of Larkey, Ballesteros and Connell, "Light Stemming for Arabic Information
    Retrieval", 2007; `word` is normalised as they do.
    """
    if word.startswith("\u0648") and len(word) > 3:
        word = word[1:]
    for article in _ARABIC_ARTICLES:
        if word.startswith(article) and len(word) >= len(article) + 2:
            word = word.removeprefix(article)
            break
    for ending in _ARABIC_ENDINGS:
        if word.endswith(ending) and len(word) >= len(ending) + 2:
            word = word.removesuffix(ending)
    return _STEM_MARK + word


def spans(text: str) -> list[tuple[str, int, int]]:
    """The words of a text with their places: (word, start, end), overlapping for scripts in pairs."""
    if not analysis.has_pairs(text):
        return _plain_spans(text, 0)
    found: list[tuple[str, int, int]] = []
    at = 0
    for start, end, pairs in analysis.runs(text):
        found += _plain_spans(text[at:start], at)
        found += pairs
        at = end
    return found + _plain_spans(text[at:], at)


def _plain_spans(text: str, offset: int) -> list[tuple[str, int, int]]:
    found: list[tuple[str, int, int]] = []
    for match in _TOKEN.finditer(text):
        raw = match[0]
        start, end = offset + match.start(), offset + match.end()
        if raw.isascii() and raw.isalnum():
            found.append((raw.lower(), start, end))
        else:
            found += [(word, start, end) for word in words_analyzer().analyze(analysis.prepare(raw))]
    return found
