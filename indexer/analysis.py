"""How text becomes words for the keyword index: what Rust's tokenizer cannot do, done to the string first.

Owns everything about scripts, accents and names such as `C++` that decides which words exist. Tantivy
then splits at everything that is neither letter nor digit, lower-cases and folds Latin accents. The
same preparation runs over documents and queries, so that both speak of the same words. Knows nothing
of Tantivy and nothing of queries.

Scripts without spaces between words (and Hangul, whose words carry their grammar with them) are
indexed as overlapping pairs of characters: `検索語` becomes `検索 索語 語`. The last character stands
alone as well, so that every single character is the beginning of some word.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence

_HAN = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
_KANA = "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
_HANGUL = "\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7fb"
_BOPOMOFO = "\u3105-\u312f"
_SOUTHEAST = (
    "\u0e01-\u0e4e\u0e81-\u0ece\u0edc-\u0edf\u1000-\u103f\u1050-\u108f\u1780-\u17d3\u17d7\u17dc\u17dd"
)

_PAIRED = re.compile(f"[{_HAN}{_KANA}{_HANGUL}{_BOPOMOFO}{_SOUTHEAST}]+")
_RUN = re.compile(f"[{_HAN}{_KANA}{_HANGUL}{_BOPOMOFO}]+|[{_SOUTHEAST}]+")

# Signs that Rust does not count as letters (tone marks, viramas): they would tear a pair apart. Dropping
# them is also what "accents ignored" means in these scripts.
_SILENT_SIGNS = "\u0e47-\u0e4c\u0e4e\u0ec8-\u0ecc\u1037\u1039\u103a\u17c9-\u17d3\u17dd"
_SILENT = re.compile(f"[{_SILENT_SIGNS}]")
# Vowel signs belong to the consonant before them: a pair is two syllables, not two code points.
_SIGNS = _SILENT_SIGNS + (
    "\u0e31\u0e34-\u0e3a\u0e4d\u0eb1\u0eb4-\u0ebc\u0ecd\u102b-\u1036\u1038\u103b-\u103e\u1056-\u1059"
    "\u105e-\u1060\u1062-\u1064\u1067-\u106d\u1071-\u1074\u1082-\u108d\u17b4-\u17c8"
)
_CLUSTER = re.compile(f"[^{_SIGNS}][{_SIGNS}]*|.")
_CLUSTERED = re.compile(f"[{_SOUTHEAST}]")

_WIDE_FORMS = re.compile("[\ufb00-\ufdfb\ufe70-\ufefc\uff01-\uffdc]+")
_MARKED = re.compile("[\u0370-\u06ff\u0750-\u077f\u08a0-\u08ff\u1f00-\u1fff]")
_COMBINING = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed]"
)
_ARABIC = re.compile("[\u0620-\u06ff]")

# `C++`, `C#`, `F#`: the signs become letters of a script nobody writes in, so the name stays one word.
_SHARP = re.compile(r"(?<![^\W_])([A-Za-z]{1,3})(\+\+|#)(?![\w#+])")
_SHARP_LETTERS = {"++": "\u1429\u1429", "#": "\u166f"}

# Pictures and signs are words of their own: people search for `☸` and `🤠` as they do for anything else.
_PICTURES = re.compile(
    "[\u2190-\u23ff\u2460-\u24ff\u25a0-\u27bf\u2900-\u29ff\u2b00-\u2bff\U0001f000-\U0001faff]"
)
_PICTURE_LETTER = "\u1427"

_FOLDED = str.maketrans(
    {
        **dict(zip("άέήίόύώϊϋΐΰς", "αεηιουωιυιυσ", strict=True)),
        **dict(zip("ΆΈΉΊΌΎΏΪΫ", "ΑΕΗΙΟΥΩΙΥ", strict=True)),
        "ё": "е",
        "Ё": "Е",
        **dict.fromkeys("آأإٱ", "ا"),
        "ة": "ه",
        "ى": "ي",
        "ی": "ي",
        "ک": "ك",
        **{chr(0x660 + digit): str(digit) for digit in range(10)},
        **{chr(0x6F0 + digit): str(digit) for digit in range(10)},
    }
)


def has_pairs(text: str) -> bool:
    """Whether the text holds a script that is indexed as pairs of characters."""
    return not text.isascii() and _PAIRED.search(text) is not None


def is_unit(word: str) -> bool:
    """Whether a word is one character of a script that is indexed as pairs: the beginning of many words."""
    return has_pairs(word) and len(_CLUSTER.findall(word)) == 1


def has_arabic(text: str) -> bool:
    """Whether the text holds Arabic letters."""
    return not text.isascii() and _ARABIC.search(text) is not None


def prepare(text: str, *, open_end: bool = False) -> str:
    """The text as Tantivy's tokenizer should see it.

    Args:
        text: Any text.
        open_end: True for a query: what follows is unknown, so a last run of pairs does not claim
            that its last character ends a run.
    """
    if "++" in text or "#" in text:
        text = _SHARP.sub(lambda m: m[1] + _SHARP_LETTERS[m[2]], text)
    if text.isascii():
        return text
    text = _WIDE_FORMS.sub(lambda m: unicodedata.normalize("NFKC", m[0]), text)
    if _MARKED.search(text):
        text = _COMBINING.sub("", text).translate(_FOLDED)
    if _PICTURES.search(text):
        text = _PICTURES.sub(lambda m: f" {_PICTURE_LETTER}{ord(m[0]):x} ", text)
    if _PAIRED.search(text):
        end = len(text) if open_end else -1
        text = _RUN.sub(lambda m: f" {_pairs(m[0], closed=m.end() != end)} ", text)
    return text


def runs(text: str) -> Iterator[tuple[int, int, list[tuple[str, int, int]]]]:
    """Where text is indexed as pairs: start and end of each run, and its pairs with their places."""
    for run in _RUN.finditer(text):
        units = [
            (_SILENT.sub("", unit[0]), run.start() + unit.start(), run.start() + unit.end())
            for unit in _CLUSTER.finditer(run[0])
        ]
        pairs = [(one + two, start, end) for (one, start, _), (two, _, end) in itertools.pairwise(units)]
        yield run.start(), run.end(), pairs + units[-1:]


def _pairs(run: str, *, closed: bool) -> str:
    units: Sequence[str] = run
    if _CLUSTERED.match(run):
        units = [_SILENT.sub("", unit) for unit in _CLUSTER.findall(run)]
    pairs = [first + second for first, second in itertools.pairwise(units)]
    if closed or len(units) == 1:
        pairs.append(units[-1])
    return " ".join(pairs)
