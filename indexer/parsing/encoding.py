"""Bytes to text when nobody says which encoding they are in.

Order: byte order mark, zero bytes that betray UTF-16, ISO-2022 escapes, UTF-8, what the document
declares, UTF-8 with a few bad bytes, then a guess: by the letters of the usual languages where single
accented letters stand in Latin text, by charset-normalizer elsewhere.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from indexer.errors import UnreadableDocument

SAMPLE_BYTES = 64 * 1024
"""Bytes that are looked at to guess: more makes it slow, not better."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ISO_2022 = (
    (re.compile(rb"\x1b\$[B@]"), "iso2022_jp_ext"),
    (re.compile(rb"\x1b\$\)C"), "iso2022_kr"),
)
_CONTROLS = bytes([*range(0x01, 0x08), *range(0x0E, 0x1B), *range(0x1C, 0x20), 0x7F])
"""Control characters that text does not hold; NUL and ESC are counted apart."""
_BELOW_SPACE = bytes(range(0x20))
_MAX_CONTROLS = 0.03
_MAX_NULS = 0.1

_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_PUNCTUATION = frozenset("‘’‚“”„–—…•€£¥§°·©®™«»¿¡ºª´±µ†‹›\xa0")
_WESTERN = (
    "éèàùâêîôûçëïœæÿ", "áéíóúñü", "äöüß", "áéíóúâêôãõàçü", "åäöæøé", "àèéìòùî", "áéíóúýþæöð", "éëïóöüáè",
)  # fmt: skip
_CENTRAL = (
    "ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž", "äöüß",
)  # fmt: skip
_LATIN = (
    ("cp1252", _WESTERN),
    ("cp1250", _CENTRAL),
    ("iso8859_2", _CENTRAL),
    ("cp1254", ("çğıöşüâîûi̇",)),
    ("cp1257", ("āčēģīķļņšūž", "ąčęėįšųūž", "õäöüšž")),
    ("mac_roman", _WESTERN),
    ("cp850", _WESTERN),
)
"""Encodings with the letters of each language written in them; earlier ones win a draw."""
_SURE = 0.85
"""Share of high bytes that must be letters of one language, or punctuation."""
_MULTI_BYTE = ["gb18030", "big5", "big5hkscs", "cp932", "euc_jp", "cp949"]
_SINGLE_BYTE = [
    "koi8_r", "koi8_u", "cp1251", "iso8859_5", "cp866", "mac_cyrillic", "cp1253", "iso8859_7", "cp1255",
    "iso8859_8", "cp1256", "iso8859_6", "cp874",
]  # fmt: skip
_ALIASES = {
    "gb2312": "gb18030", "gbk": "gb18030", "gb_2312-80": "gb18030", "x-gbk": "gb18030", "cp936": "gb18030",
    "iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "windows-31j": "cp932",
    "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "ks_c_5601": "cp949", "iso-8859-9": "cp1254",
    "tis-620": "cp874", "iso-8859-11": "cp874", "big5": "big5hkscs", "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman", "unicode": "utf-16", "iso-8859-8-i": "iso8859_8",
    "iso-2022-jp": "iso2022_jp_ext",
}  # fmt: skip
"""What people write and what they mean: the larger set that contains it."""


class Decoded(NamedTuple):
    """Text and the encoding it was read with."""

    text: str
    encoding: str
    warning: str = ""
    """What a person should know: bytes replaced, encoding guessed; empty when it was certain."""


def decode(content: bytes, *, declared: str = "") -> Decoded:
    """Decode text, whatever it is encoded in.

    Args:
        content: the bytes.
        declared: the encoding a header or markup names; believed only when it works.

    Raises:
        UnreadableDocument: these bytes are not text (unsupported).
    """
    encoding = _marked(content)
    if encoding:
        return _replacing(content, encoding)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        if is_binary(content[:SAMPLE_BYTES]):
            raise not_text()
        return Decoded(text, "utf-8")
    named = find_codec(declared)
    if named and _decodes(content, named):
        return _replacing(content, named)
    if is_binary(content[:SAMPLE_BYTES]):
        raise not_text()
    encoding = _guess(content)
    decoded = _replacing(content, encoding)
    return decoded._replace(warning=decoded.warning or f"The encoding was guessed: {encoding}.")


def is_binary(sample: bytes) -> bool:
    """Whether bytes without a known encoding are something else than text."""
    if not sample:
        return False
    if _marked(sample):
        return False
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    if controls > _MAX_CONTROLS * len(sample) and (controls > 0.3 * len(sample) or not _is_utf8(sample)):
        return True
    return sample.count(0) > _MAX_NULS * len(sample)


def peek(sample: bytes) -> str:
    """The beginning of a text for its signs in ASCII; other letters may be wrong."""
    return sample.decode(_marked(sample) or "utf-8", "replace")


def _is_utf8(sample: bytes) -> bool:
    """Whether a sample, which may end in the midst of a character, is UTF-8."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def find_codec(name: str) -> str:
    """Python's name for an encoding that a document declares; "" when it means nothing."""
    name = name.strip().strip("\"'").lower()
    if not name:
        return ""
    try:
        codec = codecs.lookup(_ALIASES.get(name, name))
    except (LookupError, ValueError):
        return ""
    # Codecs that turn bytes into bytes, or text into something else, are not for foreign text.
    usable = getattr(codec, "_is_text_encoding", True) and codec.name.replace("_", "-") not in _NOT_TEXT
    return codec.name if usable else ""


_NOT_TEXT = {"idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined", "mbcs", "utf-7"}


def not_text() -> UnreadableDocument:
    """The error for bytes that are no text in any encoding."""
    return UnreadableDocument(
        "It holds binary data of an unknown kind, not text.",
        "Convert it to PDF or text to make it searchable.",
        status="unsupported",
    )


def _marked(content: bytes) -> str:
    """The encoding that marks of its own give away; "" when there are none."""
    for mark, name in _BOMS:
        if content.startswith(mark):
            return name
    sample = content[:SAMPLE_BYTES]
    if b"\0" in sample:
        wide = _wide(sample)
        if wide:
            return wide
    for escape, name in _ISO_2022:
        if b"\x1b$" in sample and escape.search(sample):
            return name
    return ""


def _wide(sample: bytes) -> str:
    """UTF-16 or UTF-32 without a mark: zero bytes stand in the same places throughout."""
    whole = sample[: len(sample) - len(sample) % 4]
    nuls = [whole[place::4].count(0) for place in range(4)]
    quarter = max(1, len(whole) // 4)
    for name, high in (("utf-32-le", (2, 3)), ("utf-32-be", (0, 1))):
        if all(nuls[place] > 0.95 * quarter for place in high) and _plausible(whole, name):
            return name
    pairs = sample[: len(sample) - len(sample) % 2]
    even, odd = pairs[::2].count(0), pairs[1::2].count(0)
    for name, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros > 20 * others and zeros > len(pairs) / 200 and _plausible(pairs, name):
            # A few zero bytes strayed into ASCII make Chinese of it; alphabets lie below U+2000.
            upper = pairs[1::2] if name == "utf-16-le" else pairs[::2]
            if not sample.isascii() or len(upper.translate(None, _BELOW_SPACE)) < 0.1 * len(upper):
                return name
    return ""


def _plausible(sample: bytes, encoding: str) -> bool:
    text = sample.decode(encoding, "replace")
    strange = sum(not char.isprintable() and char not in "\n\r\t\f\u3000\xa0\u2028" for char in text[:4096])
    return strange <= 0.02 * min(len(text), 4096) + 1


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return _bad(content[:SAMPLE_BYTES], encoding) < 0.002
    except (LookupError, ValueError):
        return False
    return True


def _bad(sample: bytes, encoding: str) -> float:
    """Share of characters that do not decode."""
    text = sample.decode(encoding, "replace")
    return text.count("\ufffd") / max(1, len(text))


def _replacing(content: bytes, encoding: str) -> Decoded:
    try:
        return Decoded(content.decode(encoding), encoding)
    except UnicodeDecodeError:
        text = content.decode(encoding, "replace")
    count = text.count("\ufffd")
    return Decoded(text, encoding, f"{count} bad characters were replaced (read as {encoding}).")


def _good_utf8(sample: bytes) -> tuple[int, int]:
    """Characters beyond ASCII that are well-formed UTF-8, and bytes that are not."""
    text = sample.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    return sum(char > "\x7f" for char in text) - bad, bad


def _guess(content: bytes) -> str:
    sample = content[:SAMPLE_BYTES]
    good, bad = _good_utf8(sample)
    if good > bad:
        return "utf-8"
    high = len(sample) - len(sample.translate(None, bytes(range(0x80, 0x100))))
    if high == 0:  # the high bytes come later; what they mean is anybody's guess
        return "cp1252"
    lonely = sum(run.end() - run.start() == 1 for run in _HIGH_RUN.finditer(sample))
    rare = high < 0.1 * len(sample)
    latin, share = _best_latin(sample)
    if share >= _SURE and (rare or lonely > 0.6 * high):
        return latin
    other = _other_script(sample)
    if rare and other in _SINGLE_BYTE:  # a few odd bytes in Latin text are damage, not Greek
        return "utf-8" if good else latin
    return other or latin


def _other_script(sample: bytes) -> str:
    """The encoding of text that is not in Latin script, as charset-normalizer sees it; may be ""."""
    from charset_normalizer import from_bytes

    best = from_bytes(_whole_lines(sample), cp_isolation=[*_MULTI_BYTE, *_SINGLE_BYTE]).best()
    return "" if best is None else best.encoding


def _whole_lines(sample: bytes) -> bytes:
    """The sample up to its last line end, so that no character is cut in two."""
    end = sample.rfind(b"\n")
    return sample[: end + 1] if len(sample) == SAMPLE_BYTES and end > 0 else sample


def _best_latin(sample: bytes) -> tuple[str, float]:
    """The Latin encoding in which most high bytes are letters of one language, and their share."""
    runs = b"".join(run.group() for run in _HIGH_RUN.finditer(sample))[:8192]
    best, best_share = "cp1252", -1.0
    for encoding, languages in _LATIN:
        text = [char for char in runs.decode(encoding, "replace").lower() if char not in _PUNCTUATION]
        for letters in languages:
            share = sum(char in letters for char in text) / len(text) if text else 1.0
            if share > best_share + 1e-9:
                best, best_share = encoding, share
    return best, best_share


# --- an encoding somebody chose --------------------------------------------------------------------


def canonical(name: str) -> str:
    """An encoding as `read_as` takes it: Python's name, or "utf-8/NAME"; "" when it means nothing.

    "utf-8/NAME" is UTF-8 that was once taken for NAME and stored as UTF-8 again.
    """
    first, slash, second = name.strip().lower().partition("/")
    if not slash:
        return find_codec(first)
    found = "latin-1" if second in ("latin-1", "latin1", "iso-8859-1") else find_codec(second)
    return f"utf-8/{found}" if find_codec(first) == "utf-8" and found else ""


def read_as(content: bytes, name: str) -> str:
    """The text of these bytes in an encoding that `canonical` gave.

    Raises:
        UnicodeError: what was stored twice cannot be undone.
        LookupError: there is no such encoding.
    """
    first, slash, second = name.partition("/")
    text = content.removeprefix(codecs.BOM_UTF8).decode(first, "replace")
    return _undo(text, second) if slash else text


def _undo(text: str, codec: str) -> str:
    """UTF-8 that was taken for another encoding, taken for what it is."""
    stored = b"".join(_as_byte(char, codec) for char in text)
    read = stored.decode("utf-8", "replace")
    bad = read.count("\ufffd") - text.count("\ufffd")
    good = sum(char > "\x7f" for char in read) - bad
    if 5 * bad > good or not good:
        raise UnicodeError("it was not stored twice")
    return read


def _as_byte(char: str, codec: str) -> bytes:
    """The bytes of a character; those that an encoding leaves undefined stand for themselves."""
    try:
        return char.encode(codec)
    except UnicodeEncodeError:
        return bytes((ord(char),)) if ord(char) < 0x100 else b"?"


def familiar(text: str) -> float:
    """Share of the accented Latin letters and signs that one language would use; 1 without any."""
    found = [char for char in text[:20_000].lower() if "\x7f" < char < "\u0250" or char in _PUNCTUATION]
    letters = [char for char in found if char not in _PUNCTUATION]
    if not letters:
        return 1.0
    return max(sum(char in known for char in letters) / len(letters) for _, sets in _LATIN for known in sets)


def as_utf8(content: bytes, name: str) -> bytes:
    """The text of these bytes in a chosen encoding, as UTF-8 with the mark that every parser believes."""
    return codecs.BOM_UTF8 + read_as(content, name).encode("utf-8", "replace")
