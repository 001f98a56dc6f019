"""The copies and versions of one document, out of what the library tells of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui.widgets.textview import format_date

if TYPE_CHECKING:
    from indexer.related import Copy, CopyGroup, CopyReport


class Relative(NamedTuple):
    """Another file that is a copy or a version."""

    path: str
    about: str
    """What it is to the document, for a person."""
    before: bool
    """It is the older one, or the one proposed to be kept: in a comparison it comes first."""


def of(path: str, report: CopyReport) -> list[Relative]:
    """Versions first, newest first, then copies; each file once."""
    found: dict[str, Relative] = {}
    for family in report.families:
        places = {each.path: each.place for each in family.versions}
        if path not in places:
            continue
        here = places[path]
        for each in family.versions:
            if each.path == path:
                continue
            when = format_date(each.mtime_ns)
            if each.place == here:
                about = "the same version"
            elif each.place < here:
                about = "newest version" if not each.place else "newer version"
            else:
                about = "older version"
            found[each.path] = Relative(each.path, f"{about}, {when}", each.place > here)
    for group in report.groups:
        if all(each.path != path for each in group.files):
            continue
        for copy in group.files:
            if copy.path != path and copy.path not in found:
                found[copy.path] = Relative(copy.path, _copy_about(path, copy, group), copy is group.files[0])
    return list(found.values())


def _copy_about(path: str, each: Copy, group: CopyGroup) -> str:
    """Kind of copy, as far as it is known of this pair, and whether it is the one to keep."""
    first = group.files[0]
    own = next(file for file in group.files if file.path == path)
    if each.document == own.document:
        kind = "same bytes"
    elif group.relation != "near":
        kind = "same text"
    elif first.path in (path, each.path):
        other = own if each is first else each
        kind = f"{min(int(other.similarity * 100), 99)}% the same{' by meaning' if other.by_meaning else ''}"
    else:
        kind = "nearly the same"
    return f"{kind}, to keep" if each is first else kind
