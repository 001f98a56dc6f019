"""Templates of names and folders, and what makes a name one that every system takes.

A template is text with fields in braces: `{date} {author} - {title}`. What a document does not tell is
left out together with the signs around it. Knows nothing of the disk.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

from indexer.errors import UsageError
from indexer.text import fold, safe_text

FIELDS = {
    "date": "the date the name or the content tells, 2025-10-02 or as much of it as is known",
    "year": "of that date, else of the file's last change",
    "month": "the same, 01 to 12",
    "modified": "date of the file's last change",
    "author": "first author, or sender of a mail",
    "title": "title in the content",
    "subject": "subject in the content, or of a mail",
    "type": "pdf, doc, sheet, slides, mail, web, text, image, archive, other",
    "language": "language of the text, as a code",
    "name": "the name the file has now, without its extension",
    "folder": "the name of the folder it is in now",
}
"""What may stand in braces."""

_TELLING = {"title", "subject", "name"}
"""Where a template asks for these, a date or an author alone would be a poor name."""

NAME_BYTES = 255
ROOM = 8
"""Bytes left for a number behind a name."""
FIELD_LENGTH = 120
"""Characters of a field; a title that is longer is a paragraph."""

_EDGES = " -_,;–—"
_FIELD = re.compile(r"\{([^{}]*)\}")
_EMPTY = "\0"
_SIGNS = r"[\s\-–—_,.;+&]*"
_BRACKETS = re.compile(r"\(\s*\0\s*\)|\[\s*\0\s*\]")
_GAP = re.compile(rf"({_SIGNS})\0(?:{_SIGNS}\0)*({_SIGNS})")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE | re.DOTALL)
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f/\\<>|?*"\ufffd\u2424]+')
_COLON = re.compile(r"\s*[:：]\s+|\s+[:：]\s*")
_TAR = re.compile(r"\.tar\.[A-Za-z0-9]{1,4}\Z", re.IGNORECASE)
_EXTENSION = re.compile(rb"(?<=.)\.[A-Za-z0-9_+~-]{1,16}\Z", re.DOTALL)
_MEANINGLESS = re.compile(
    r"(?:(?:new |my |neues |nouveau |nuevo )?(?:scan|scanned|img|image|dsc|dscn|pict?|picture|photo"
    r"|doc|document|file|untitled|unnamed|noname|download|attachment|att|page|print|output|out|temp|tmp|test|mail"
    r"|message|text"
    r"|unbenannt|dokument|datei|anhang|seite|ohne titel|sans titre|sin titulo|senza titolo|documento|archivo"
    r"|fichier|piece jointe|adobe scan|camscanner|microsoft word|winmail|noname|blank|default)"
    r"(?: document| page| file| image)?"
    r"|未命名|无标题|無標題|新建文档|新建文本文档|文档|文件|扫描|扫描件|下载|名称未設定|無題|スキャン)"
    r"[\W_\d]*"
    r"|[\W_]*\d{5,20}[\W_]*(?:\(\d+\))?"
    r"|[0-9a-f]{16,64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|[\W_]+"
)
_POOR_TITLE = re.compile(
    r"(?:microsoft (?:word|powerpoint|excel) - .*|powerpoint[ -]pr[aä]sentation|(?:slide|folie|sheet) ?\d*"
    r"|.*\.(?:docx?|pdf|xlsx?|pptx?|indd|qxd|tmp|txt|html?|tex|rtf)|\W*|\d+)"
)


class Split(NamedTuple):
    """A name in two parts."""

    stem: bytes
    extension: bytes
    """With its dot, as it is spelled; may be empty."""


def split(name: bytes) -> Split:
    """Take a name apart; `.tar.gz` and the like are one extension."""
    tar = _TAR.search(os.fsdecode(name))
    if tar and tar.start():
        extension = os.fsencode(tar[0])
        return Split(name[: -len(extension)], extension)
    found = _EXTENSION.search(name)
    return Split(name[: found.start()], found[0]) if found else Split(name, b"")


def is_meaningless(name: bytes) -> bool:
    """Whether a name says nothing of the document: `scan0012.pdf`, `Document (3).docx`, a checksum."""
    stem = split(name).stem.decode("utf-8", "replace")
    return _MEANINGLESS.fullmatch(fold(stem).strip()) is not None


def is_telling(title: str) -> bool:
    """Whether a title found in a document is one: not the name of a program or of another file."""
    text = fold(title).strip()
    return (
        len(text) >= 4
        and sum(char.isalpha() for char in text) >= 3
        and not _POOR_TITLE.fullmatch(text)
        and not _MEANINGLESS.fullmatch(text)
    )


def check(template: str, *, folders: bool) -> str:
    """A template as it was given, when it is one.

    Raises:
        UsageError: with the fields there are.
    """
    unknown = [name for name in _FIELD.findall(template) if name not in FIELDS]
    if unknown or re.search(r"[{}]", _FIELD.sub("", template)):
        what = (
            f"'{{{safe_text(unknown[0], 40, single_line=True)}}}' is no field"
            if unknown
            else "a brace is left over"
        )
        raise UsageError(
            f"The template '{safe_text(template, 80, single_line=True)}' cannot be used: {what}.",
            hint=f"Fields: {', '.join(FIELDS)}.",
        )
    if not _FIELD.search(template) or ("/" in template and not folders):
        what = "folders belong to --folder" if _FIELD.search(template) else "it has no field"
        raise UsageError(
            f"The template '{safe_text(template, 80, single_line=True)}' cannot be used: {what}.",
            hint="For example '{date} {title}'; with --folder '{type}/{year}'.",
        )
    return template


def used(template: str) -> list[str]:
    """The fields of a template, in its order."""
    return list(dict.fromkeys(_FIELD.findall(template)))


def name_from(template: str, fields: Mapping[str, str], extension: bytes) -> bytes:
    """A file name from a template; b"" when the document does not tell what would name it."""
    telling = _TELLING & set(used(template))
    if telling and not any(fields[name] for name in telling):
        return b""
    stem = _rendered(template, fields)
    return fitted(stem, extension) if stem else b""


def folders_from(template: str, fields: Mapping[str, str]) -> bytes:
    """A relative path of folders from a template; parts of which nothing is known are left out."""
    parts = [fitted(part, b"") for each in template.split("/") if (part := _rendered(each, fields))]
    return b"/".join(part for part in parts if part)


def _rendered(template: str, fields: Mapping[str, str]) -> str:
    """The template filled in; "" when none of its fields is known."""
    names = _FIELD.findall(template)
    values = {name: clean(fields.get(name, "")) for name in names}
    if names and not any(values.values()):
        return ""
    text = _FIELD.sub(lambda found: values[found[1]] or _EMPTY, template)
    text = _BRACKETS.sub(_EMPTY, text)
    text = _GAP.sub(lambda found: _joined(found, len(text)), text)
    return clean(text).strip("." + _EDGES)


def _joined(gap: re.Match[str], length: int) -> str:
    """What is left of the signs around something that is missing."""
    if gap.start() == 0 or gap.end() == length:
        return ""
    return gap[1] or gap[2]


def clean(text: str) -> str:
    """Text that may be part of a name on every system: one line, NFC, no reserved or unseen character."""
    text = safe_text(text.replace("\n", " "), FIELD_LENGTH * 4, single_line=True)
    text = _COLON.sub(" - ", text)
    text = text.replace('"', "'").replace("/", "-").replace("\\", "-").replace(":", "-")
    text = _FORBIDDEN.sub(" ", text.replace("\u200c", "").replace("\u200d", ""))
    text = "".join(char if char.isprintable() else " " for char in text)
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    return text.strip(_EDGES).lstrip("." + _EDGES)


def shortened(text: str, length: int = FIELD_LENGTH) -> str:
    """A field cut between words."""
    if len(text) <= length:
        return text
    cut = text[:length]
    return (cut.rpartition(" ")[0] if " " in cut[length // 2 :] else cut).rstrip("." + _EDGES)


def fitted(stem: str, extension: bytes, *, number: int = 1) -> bytes:
    """A name of at most 255 bytes, with a number behind it from the second on."""
    if _RESERVED.fullmatch(stem):
        stem += "_"
    tail = (f" ({number})".encode() if number > 1 else b"") + extension
    room = NAME_BYTES - len(extension) - ROOM
    encoded = stem.encode("utf-8", "replace")
    if len(encoded) > room:
        stem = encoded[:room].decode("utf-8", "ignore").rstrip("." + _EDGES)
    return stem.encode("utf-8", "replace") + tail if stem else b""


def folded(name: bytes) -> str:
    """What names are compared by, so that none differs from another in case or composition only."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", os.fsdecode(name)).casefold())
