"""Tells text from what looks like text: wrong encodings, codes of glyphs, noise of bad recognition.

Every function takes a stretch of normalised text and gives the share of it (of its words, or of its
characters) that is damaged, 0 to 1. All of it runs for every document, so each test begins with
something that costs next to nothing and lets sound text pass. Works on letters alone: knows no files.
"""

from __future__ import annotations

import functools
import re
from itertools import pairwise

_C1252 = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
"""What CP1252 has at the bytes 0x80 to 0x9F, which in UTF-8 follow a first byte."""
_NEXT = f"[\u0080-\u00bf{_C1252}]"
_NEXT_NOT_MARK = "[\u0080-\u00aa\u00ac-\u00b6\u00b8-\u00ba\u00bc-\u00bf€‚ƒ†‡ˆ‰Š‹ŒŽ•˜š›œžŸ]"
_UTF8_AS_LATIN = re.compile(
    f"[ÃÂÄÅ]{_NEXT}|â[€‚„…†‡ˆ‰]{_NEXT}?|[ÐÑÎÏ×ØÙÚÛ]{_NEXT_NOT_MARK}"
    f"|[à-áã-ï]{_NEXT_NOT_MARK}{_NEXT}|ðŸ{_NEXT}?"
    # What normalising leaves of sequences with a control, a hard space or a soft hyphen in them.
    "|(?<=[a-zß-ÿ])Ã|(?<=[\\w.,;:)])Â(?= )"
)
_LATIN = re.compile("[\u0080-\u017f€‚„†‡ˆ‰‹›˜™]")
_CERTAIN = re.compile(f"(?<=[a-z])[ÃÂ]{_NEXT}|â€")
"""Even one of these is no chance."""
_THROUGHOUT = 0.035
"""Added where nearly all letters beyond ASCII are garbled, however few there are: the whole is misread."""
_LEADS = re.compile("[ÂÃÄÅÐÑÎÏ×ØÙÚÛà-ïð]")

_HIGH_RUN = re.compile("[¡-ªª-¬®-¯±-¶¸-º¼-ÿŠŽšžŸŒœƒˆ˜†‡‰‹›€‚„]{4,}")
_FEW = 12
"""Letters in such runs that a list of a language's accented letters may have."""
_SJIS_AS_LATIN = re.compile("[‚ƒ][^\\s]")

_FOREIGN_INSIDE = (
    re.compile("[¡-©«¬®-´¶¸¹»-¿÷×†‡ˆ‰‹›”„“‚ƒ™•˜€√∂∆≈∫◊Ω≤≥Σ｡-ﾟ\u03ac-\u03ce\u0430-\u044f](?<=[a-z].)(?=[a-z])"),
    re.compile("[\u0430-\u044f](?:(?<=[a-z].)|(?=[a-z]))(?<![a-z].(?=[a-z]))"),
)
"""Signs and letters of other scripts in the midst of Latin words."""
_HAN_INSIDE = re.compile("[\u4e00-\u9fff](?<=[a-z].)(?=[a-z])")

_GLYPH_CODES = (
    re.compile(r"\(cid:\d{1,5}\)"),
    re.compile(r"GLYPH<[^>\n]{1,60}>"),
    re.compile(r"glyph<[^>\n]{1,60}>"),
    re.compile(r"/(?:(?:g|G|C|c|cid|uni|glyph)[0-9A-F]{1,4}(?=[/\s]|$)/?){2,}"),
)
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010fffd]")
_QUESTIONED = re.compile(r"(?<=[A-Za-z])\?{1,3}(?=[a-z])|(?<!\?)\?{3,}(?!\?*[\s]*$)")

_SPACED = re.compile(r"(?<![^\W_])(?:[^\W\d_] ){5,}[^\W\d_](?![^\W_])")

_HAN = re.compile("[\u4e00-\u9fff]")
_KANA = re.compile("[\u3041-\u30ff]")
_CYRILLIC = re.compile("[\u0400-\u045f\u0490\u0491]")
_FREQUENT_CYRILLIC = "оеаинтсрвл"
_PIECE = 300
_FLIPPED = re.compile("[\u0430-\u044f][\u0410-\u042f]{2}")

_UNDO_LATIN = re.compile("[√├┬ΓĂĹ]|‚Ä|¬[†¶°©®¢£]")
_UNDO = (
    (re.compile("[\u0400-\u04ff]"), ("cp1251", "koi8_r", "cp866", "mac_cyrillic")),
    (re.compile("[\u3041-\u30ff\u4e00-\u9fff\uff61-\uff9f]"), ("gb18030", "cp932", "big5")),
    (re.compile("[\uac00-\ud7a3]"), ("cp949",)),
    (re.compile("[\u0620-\u064a]"), ("cp1256",)),
    (re.compile("[\u0384-\u03ce]"), ("cp1253",)),
    (re.compile("[\u0e01-\u0e5b]"), ("cp874",)),
)
"""Letters of a script and the encodings that would show UTF-8 as these letters."""

_RARE_PAIRS = frozenset(
    (ord(first), ord(second))
    for first, seconds in {
        "b": "kqx", "c": "gjvwxz", "d": "qx", "f": "jpqvx", "g": "cjpqvxz", "h": "jpqvx", "i": "y",
        "j": "bcdfghjklmnpqrstvwxyz", "k": "jqvx", "l": "jx", "m": "hjqvx", "p": "qvwxz",
        "q": "abcdefghijklmnopqrstvwxyz", "r": "x", "s": "jx", "t": "jqx", "v": "bcdfghjklmnpqtvwxz",
        "w": "gjqvxz", "x": "bdgjklmnqrsz", "y": "jqvx", "z": "fjkmpqrsvx",
    }.items()
    for second in seconds
)  # fmt: skip
"""Pairs of letters that make up less than 0.003 % of English, German and Spanish text alike, without those
that common words have."""
_ODD = re.compile(rb"[a-z]\d[a-z]|[a-z][|!~^*;][a-z]|(?<![\w.])\d[a-z]{4}")
_CODES = re.compile(r"(?<![^\s'\"(<=])(?=[^\s]*\d)[A-Za-z0-9+/=_.:~-]{16,}")
"""Keys, checksums and identifiers: no words, so none misread."""
_SIGNS = b"{}()=<>_;\\/#$@[]"
_LETTERS = b"abcdefghijklmnopqrstuvwxyz"
_VOWELS = b"aeiouy"
SPELLED = frozenset({"en", "de", "es", "fr", "it", "pt", "nl"})
"""Languages whose pairs of letters are known well enough to see misread ones."""
_SAMPLE = 500
_PROSE = 0.03
"""Share of signs from which a stretch is code, formulas or a list of addresses."""
_FEW_WORDS = 25


def telling(text: str) -> str:
    """The words with letters beyond ASCII: all that `mojibake` and `wrong_encoding` need to see."""
    if 4 * len(text.encode("ascii", "ignore")) < 3 * len(text):
        return text
    return " ".join([word for word in text.split() if not word.isascii()])


def mojibake(text: str, words: int) -> float:
    """Share of words with letters that are UTF-8 read in another encoding.

    Args:
        text: What `telling` leaves of a stretch.
        words: All words of the stretch.
    """
    found = _UTF8_AS_LATIN.findall(text) if _LEADS.search(text) else []
    matched = sum(map(len, found))
    certain = len(found) >= 3 or (found and _CERTAIN.search(text))
    if not certain or 2 * matched < len(_LATIN.findall(text)):
        found = []  # chance, or bytes of another encoding
    share = max(len(found), _undone(text)) / max(1, words)
    beyond = len(text) - len(text.encode("ascii", "ignore"))
    if len(found) >= 4 and matched >= 0.6 * beyond:
        share += _THROUGHOUT
    return min(1.0, share)


def _undone(text: str) -> int:
    """Letters that appear when the text is stored in a legacy encoding and read as UTF-8."""
    part = text[:600]
    codecs = ("mac_roman", "cp437", "cp850", "cp1250") if _UNDO_LATIN.search(part) else ()
    for letters, names in _UNDO:
        if letters.search(part) and len(letters.findall(part)) >= 8:
            codecs = (*codecs, *names)
    best = max((_undone_with(part, codec) for codec in codecs), default=0)
    return best * len(text) // max(1, len(part))


def _undone_with(text: str, codec: str) -> int:
    stored = text.encode(codec, "ignore")
    high = len(stored) - len(stored.translate(None, _HIGH_BYTES))
    read = stored.decode("utf-8", "ignore")
    good = len(read.encode()) - (len(stored) - high)
    letters = len(read) - len(read.encode("ascii", "ignore"))
    return letters if high >= 4 and good >= 0.8 * high and letters >= 2 else 0


_HIGH_BYTES = bytes(range(0x80, 0x100))


def wrong_encoding(text: str, whole: str, language: str = "") -> float:
    """Share of a stretch that is in another encoding than it was read in.

    Args:
        text: What `telling` leaves of it.
        whole: The stretch.
        language: ISO 639-1 code of the document; spares Chinese and Japanese the test for Latin words.
    """
    visible = _visible(whole)
    found = sum(map(len, _HIGH_RUN.findall(text)))
    runs = found / visible if found >= _FEW else 0.0
    if runs < 0.02 and text.count("‚") + text.count("ƒ") > 0.03 * visible:
        runs = 1.6 * len(_SJIS_AS_LATIN.findall(text)) / visible
    inside = sum(len(pattern.findall(text)) for pattern in _FOREIGN_INSIDE)
    if language not in ("zh", "ja"):
        inside += len(_HAN_INSIDE.findall(text))
    mixed = inside / words(whole) if inside > 1 else 0.0
    return min(1.0, max(runs, mixed, _wrong_cyrillic(text, visible), _wrong_han(text, visible)))


def _wrong_cyrillic(text: str, visible: int) -> float:
    """Share of the text in Cyrillic letters that make no Slavic words, piece by piece."""
    if not _CYRILLIC.search(text):
        return 0.0
    pieces = (text[at : at + _PIECE] for at in range(0, len(text), _PIECE))
    return min(1.0, sum(map(_unlikely_cyrillic, pieces)) / visible)


def _unlikely_cyrillic(piece: str) -> int:
    """Cyrillic letters of a piece when they are not those that Slavic texts are made of; else 0."""
    letters = len(_CYRILLIC.findall(piece))
    if letters < 40:
        return 0
    lower = sum(map(piece.count, _FREQUENT_CYRILLIC)) / letters
    upper = sum(map(piece.count, _FREQUENT_CYRILLIC.upper())) / letters
    flipped = len(_FLIPPED.findall(piece)) * 40 > letters
    return 0 if max(lower, upper, 0.0 if flipped else lower + upper) >= 0.42 else letters


def _wrong_han(text: str, visible: int) -> float:
    """Share of the text in Han characters that nobody would put side by side."""
    found = _HAN.findall(text)
    if len(found) < 30:
        return 0.0
    common, frequent = _common_han()
    share = min(1.0, len(found) / visible)
    found = found[:400]
    known = sum(map(common.__contains__, found)) / len(found)
    if known < 0.8:
        return share
    if len(found) >= 80 and not _KANA.search(text):
        usual = sum(map(frequent.__contains__, found)) / len(found)
        return share if usual < 0.06 else 0.0
    return 0.0


_FREQUENT_HAN = (
    "的一是不了在人有我他这这個个们們中来來上大为為和国國地到以说說时時要就出会會可也你对對生能而子那得于於着著下自之年过過"
    "发發后後作里用道行所然家种種事成方多经經么麼去法学學如都同现現当當没沒动動面起看定天分还還进進好小部其些主样樣理心本前开開"
    "但因只从從想实實日军軍者意无無力它与與长長把机機十民第公此已工使情明性知全三又关關点點正业業外将將两兩高间間由问問很最重并"
    "并物手应應战戰向头頭文体體政美相见見被利什二等产產或新己制身果加西斯月话話合回特代内內信表化老给給世位次度门門任常先海通教"
    "儿兒原东東声聲提立及比员員解水名真论論处處走义義各入几幾口认認条條平系气氣题題活尔爾更别別打女变變四神总總何电電数數安少报"
    "報才结結反受目太量再感建务務做接必场場件计計管期市直德资資命山金指克许許统統区區保至队隊形社便空决決治展马馬科司五基眼书書"
    "非则則听聽白却卻界达達光放强強即像难難且权權思王象完设設式色路记記南品住告类類求据據程北边邊死张張该該交规規万萬取拉格望觉覺"
)


@functools.cache
def _common_han() -> tuple[frozenset[str], frozenset[str]]:
    """Characters of everyday use (first levels of three national standards), and the most frequent ones."""
    rows = (("gb2312", 0xB0, 0xD8), ("big5", 0xA4, 0xC7), ("cp932", 0x88, 0x99))
    common: set[str] = set()
    for codec, first, last in rows:
        for lead in range(first, last):
            cells = (bytes((lead, trail)) for trail in range(0x40, 0xFF))
            common.update("".join(cell.decode(codec, "ignore") for cell in cells))
    return frozenset(common), frozenset(_FREQUENT_HAN)


def may_hold_glyph_codes(text: str) -> bool:
    """Whether `glyph_codes` can find anything in any part of a text."""
    if not text.isascii() and _PRIVATE.search(text):
        return True
    marks = ("(cid:", "GLYPH<", "glyph<", "/g", "/G", "/C", "/c", "/uni")
    return any(mark in text for mark in marks) and any(codes.search(text) for codes in _GLYPH_CODES)


def may_be_lost(text: str) -> bool:
    """Whether `lost` can find anything worth telling in a text."""
    return "\ufffd" in text or text.count("?") * 300 > len(text)


def may_be_spaced(text: str) -> bool:
    """Whether so many blanks stand alone that letters may stand apart."""
    return text.count(" ") - 2 * text.count("  ") > 0.19 * len(text)


def glyph_codes(text: str) -> float:
    """Share of characters that are numbers of glyphs, or of a font's private symbols."""
    coded = sum(len(found) for codes in _GLYPH_CODES for found in codes.findall(text))
    private = 0 if text.isascii() else len(_PRIVATE.findall(text))
    if private > 0.02 * len(text):
        coded += private
    return min(1.0, coded / _visible(text))


def lost(text: str) -> float:
    """Share of characters that could not be read at all and were replaced."""
    replaced = 0 if text.isascii() else text.count("\ufffd")
    if text.count("?") > 4 and text.count("?") > 0.01 * len(text):
        questioned = sum(map(len, _QUESTIONED.findall(text)))
        replaced += questioned if questioned > 0.01 * len(text) else 0
    return min(1.0, replaced / _visible(text))


def spaced(text: str) -> float:
    """Share of characters in words whose letters stand a p a r t."""
    single = text.count(" ") - 2 * text.count("  ")
    if single < 0.2 * len(text):
        return 0.0
    return min(1.0, sum(map(len, _SPACED.findall(text))) / max(1, len(text)))


def noise(text: str, language: str) -> tuple[int, int] | None:
    """Misread words, as bad recognition leaves them, and all words looked at; None when it cannot be told.

    Looks at the middle of the stretch, and at all of it when that is suspicious. Code, formulas and short
    stretches are not judged, nor are keys and checksums. Letters that make no words at all count as misread
    throughout.
    """
    middle = max(0, (len(text) - _SAMPLE) // 2)
    seen = _misread(text[middle : middle + _SAMPLE], language)
    if seen is None or seen[0] * 33 < seen[1]:
        return seen
    spelled = _CODES.sub(" ", text)
    if spelled != text:
        return _misread(spelled, language)
    return (_misread(text, language) or seen) if len(text) > _SAMPLE else seen


def _misread(text: str, language: str) -> tuple[int, int] | None:
    raw = text.encode("latin-1", "replace")
    count = words(text)
    if count < _FEW_WORDS or _count(raw, _SIGNS) > _PROSE * len(raw):
        return None
    low = raw.lower()
    letters = _count(low, _LETTERS)
    if letters < 0.4 * len(low):
        return None
    spelled = raw if _count(raw, _LETTERS) > 0.5 * letters else low  # acronyms have any letters
    rare = sum(map(_RARE_PAIRS.__contains__, pairwise(spelled)))
    vowels = _count(low, _VOWELS)
    if (rare > 0.06 * letters and vowels < 0.28 * letters) or (
        not language and rare > 0.1 * letters and vowels < 0.41 * letters
    ):
        return count, count
    if language not in SPELLED:
        return None
    return min(count, len(_ODD.findall(raw)) + rare), count


def _count(raw: bytes, wanted: bytes) -> int:
    return len(raw) - len(raw.translate(None, wanted))


def _visible(text: str) -> int:
    return max(1, len(text) - text.count(" ") - text.count("\n"))


def words(text: str) -> int:
    """Words, or what stands for them where there are no spaces."""
    return max(text.count(" ") + text.count("\n") + 1, len(text) // 12)
