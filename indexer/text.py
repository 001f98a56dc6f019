"""The cleaning of foreign text: what is stored, what is compared, what is shown.

`normalise` prepares text that is kept; `safe_text` prepares anything foreign (text, names, errors,
model output) for a screen, a log or standard output; `fold` prepares strings to be compared.
A leaf: imports the standard library only.
"""

from __future__ import annotations

import re
import unicodedata

REPLACEMENT = "\ufffd"
NEWLINE_MARK = "\u2424"
"""Stands for a line end in a name shown on one line."""

_INVISIBLE = (
    "\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e0fff"
)
"""Soft hyphen, joiners without a glyph, bidirectional controls, byte order mark, annotation and tag
characters: they change what a person sees without being seen. ZWJ and ZWNJ are not among them, since
emoji and Persian need them."""

_DROPPED = re.compile(f"[{_INVISIBLE}]+")
_SUSPECT = re.compile(
    f"[\\x00-\\x08\\x0b-\\x1f\\x7f-\\xa0\\u2000-\\u200a\\u2028-\\u202f\\u205f\\u3000\\ud800-\\udfff{_INVISIBLE}]"
)
_ASCII_CONTROLS = bytes([*range(0x09), *range(0x0B, 0x20), 0x7F])
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]+")
_SHOWN_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_LATIN_JOINERS = re.compile("(?<=[!-\u024f])[\u200c\u200d]+|[\u200c\u200d]+(?=[!-\u024f])")
_MARKS = (
    "[\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
)
_ANY_MARK = re.compile(_MARKS)
_TOO_MANY_MARKS = re.compile(f"({_MARKS}{{8}}){_MARKS}+")
"""Real writing needs about four marks on a letter; terminals stack hundreds over the lines above."""


def _compose(text: str) -> str:
    """NFC with runs of combining marks cut to eight."""
    text = unicodedata.normalize("NFC", text)
    while _ANY_MARK.search(text):
        shorter = unicodedata.normalize("NFC", _TOO_MANY_MARKS.sub(r"\1", text))
        if len(shorter) == len(text):
            break
        text = shorter  # what was cut may have kept later marks from composing: look again
    return text


def normalise(text: str) -> str:
    r"""Text as it is stored: NFC, LF line ends, no control characters but ``\n`` and ``\t``.

    Invisible and bidirectional characters are dropped, every kind of space becomes U+0020, lone
    surrogates become U+FFFD. Idempotent; a text joined from normalised parts by ``\n`` is normalised.
    """
    if text.isascii() and len(text.encode().translate(None, _ASCII_CONTROLS)) == len(text):
        return text  # nearly all source code and most English: no regular expression needed
    if _SUSPECT.search(text):
        text = _LINE_ENDS.sub("\n", text)
        text = _SPACES.sub(" ", text)
        text = _CONTROLS.sub("", text)
        text = _DROPPED.sub("", text)
        text = _SURROGATES.sub(REPLACEMENT, text)
    if text.isascii():
        return text
    if "\u200c" in text or "\u200d" in text:
        text = _LATIN_JOINERS.sub("", text)
    return _compose(text)


def safe_text(text: str, limit: int | None = None, *, single_line: bool = False) -> str:
    """Foreign text made harmless for a screen, a log or a pipe.

    Surrogates and control characters become U+FFFD, invisible and bidirectional characters are
    dropped, tabs are expanded. With `single_line` line ends become a visible mark. A text longer than
    `limit` characters is cut and ends in "…". Idempotent.
    """
    cut = limit is not None and len(text) > 8 * limit + 64
    if cut and limit is not None:  # megabytes must not be cleaned to show eighty characters
        text = text[: 8 * limit + 64]
    text = text.replace("\r\n", "\n")
    text = _DROPPED.sub("", text)
    text = text.replace("\u2028", " ").replace("\u2029", " ")
    if single_line:
        text = text.replace("\n", NEWLINE_MARK).replace("\r", NEWLINE_MARK)
    text = _SHOWN_CONTROLS.sub(REPLACEMENT, text)
    text = _SURROGATES.sub(REPLACEMENT, text).expandtabs(4)
    text = _TOO_MANY_MARKS.sub(r"\1", text)
    if limit is not None and (cut or len(text) > limit):
        text = text[: max(limit - 1, 0)] + "…" if limit > 0 else ""
    return text


def fold(text: str) -> str:
    """Text for comparing: case folded, accents removed, compatibility forms unified.

    The length may change; positions in the result are not positions in `text`.
    """
    if text.isascii():
        return text.lower()
    # Folding case and decomposing bring each other new work ("𝐀", "ͅ"): twice is enough for all of Unicode.
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    decomposed = unicodedata.normalize("NFKD", decomposed).casefold()
    bare = "".join(char for char in decomposed if not "\u0300" <= char <= "\u036f")
    return unicodedata.normalize("NFC", bare)
