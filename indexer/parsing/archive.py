"""Zip archives: a list of the members as text, the members as documents of their own.

Everything is judged by the archive's directory before anything is unpacked. Members are unpacked in
memory; their names are labels and never paths.
"""

from __future__ import annotations

from indexer.errors import UnreadableDocument
from indexer.parsing.builder import TextBuilder
from indexer.parsing.source import Source
from indexer.parsing.zipsafe import SafeZip, clean_name
from indexer.types import Attachment, ParsedDocument, Status

VERSION = 1

MAX_MEMBERS = 1_000
"""Members that become documents; the others are only listed."""
MAX_LISTED = 10_000
_WHAT = "zip archive"
_NOISE = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")


def parse(source: Source) -> ParsedDocument:
    """List an archive and hand out its members, within the limits on number and size.

    Raises:
        UnreadableDocument: damaged, encrypted as a whole, or a bomb (budget).
    """
    archive = SafeZip(source.read(), what=_WHAT, max_total=10 * source.limits.max_file)
    names = [name for name in archive.names if not any(part in name for part in _NOISE)]
    if names and all(archive.locked(name) for name in names):
        raise UnreadableDocument(
            f"This {_WHAT} is protected by a password.",
            "Unpack it and add the files.",
            status=Status.ENCRYPTED,
        )
    out = TextBuilder.within(source.limits)
    labels = {name: clean_name(label) for name, label in archive.labels().items()}
    for name in names[:MAX_LISTED]:
        out.line(labels[name])
    return out.build(
        kind="archive",
        format="zip",
        attachments=_members(archive, {name: labels[name] for name in names}, source.limits.max_file, out),
    )


def _members(archive: SafeZip, labels: dict[str, str], room: int, out: TextBuilder) -> list[Attachment]:
    members: list[Attachment] = []
    seen: set[str] = set()
    for name, label in labels.items():
        if archive.locked(name):
            out.warn("Some members are protected by a password and were left out.")
            continue
        if len(members) >= MAX_MEMBERS or archive.size(name) > room:
            out.warn(
                "Some members were left out: the archive has more of them, or larger ones, than Quire takes."
            )
            continue
        try:
            content = archive.read(name, limit=room)
        except UnreadableDocument:
            out.warn("Some members are damaged and were left out.")
            continue
        room -= len(content)
        members.append(Attachment(name=unique_name(label, seen), content=content))
    return members


def unique_name(name: str, seen: set[str]) -> str:
    """The name, with a number before its extension when it was given out already; remembers it."""
    stem, dot, extension = name.rpartition(".")
    if not dot or "/" in extension:
        stem, extension = name, ""
    candidate, number = name, 1
    while candidate in seen:
        number += 1
        candidate = f"{stem} ({number}){dot}{extension}" if extension else f"{name} ({number})"
    seen.add(candidate)
    return candidate
