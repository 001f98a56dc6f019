"""What can be done about a file of the library: only what applies to it, the most useful first.

Knows no widget: the menu, the status line and the tests read the same list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui.citing import file_name

if TYPE_CHECKING:
    from indexer.types import FileRow
    from tui.widgets.kintable import KinRow


class Remedy(NamedTuple):
    """Something to do about a file."""

    id: str
    letter: str
    """Its key in the menu."""
    label: str
    brief: str = ""
    """What the status line says it does; "" for what mends nothing: reading, opening, details."""


READ_AGAIN = Remedy("retry", "r", "Read it again", "reads it again")
RECOGNISE = Remedy("ocr", "p", "Read its pictures by OCR", "reads it by OCR")
DECODE = Remedy("decode", "e", "Read it in another encoding", "reads it in another encoding")
EXCLUDE = Remedy("exclude", "x", "Leave it out of answers", "leaves it out of answers")
INCLUDE = Remedy("include", "x", "Let it into answers again")
KEEP = Remedy("keep", "n", "Leave the others out of answers", "leaves the others out of answers")
DIFFER = Remedy("differ", "d", "Show what differs from the newest version", "shows what differs")
MARK = Remedy("mark", "a", "Mark all others")
COPIES = Remedy("relatives", "c", "Copies and other versions of it")
READ = Remedy("read", "t", "Read its text")
OPEN = Remedy("view", "o", "Open it in its viewer")
DETAILS = Remedy("details", "i", "What is known of it")


def remedies(row: FileRow) -> list[Remedy]:
    """What applies to a file, first what mends it."""
    found: list[Remedy] = []
    if row.status == "needs-ocr" or row.scanned_pages:
        found.append(RECOGNISE)
    if row.status not in ("indexed", "pending"):
        found.append(READ_AGAIN)
    if "decode" in row.mends:
        found.append(DECODE)
    if row.excluded:
        found.append(INCLUDE)
    elif "exclude" in row.mends:
        found.append(EXCLUDE)
    if row.newer or (row.copy_of and not row.copies):  # of the same bytes nothing differs
        other = "newest version" if row.newer else "file to keep"
        name = file_name(row.newer or row.copy_of)
        found.append(DIFFER._replace(label=f"Show what differs from the {other}, {name}"))
    if row.chunks:
        found += [READ, COPIES]
        if row.kind in ("text", "code", "web", "mail") and DECODE not in found:
            found.append(DECODE)
        if not row.excluded and EXCLUDE not in found:
            found.append(EXCLUDE)
    return [*found, OPEN, DETAILS]


def kin_remedies(row: KinRow) -> list[Remedy]:
    """What applies to a line about copies or versions, or to one of their files."""
    kin = row.kin
    found = []
    if not kin.alike:
        what = "an older version" if row.kept or not row.path else "the newest one"
        if not kin.versions:
            what = "a near-copy" if row.kept or not row.path else "the one to keep"
        found.append(DIFFER._replace(label=f"Show what differs from {what}"))
    if kin.apart:
        newest = "newest" if kin.versions else "one to keep"
        found.append(KEEP._replace(label=f"Leave all but the {newest} out of answers"))
    count = len(kin.others)
    plural = "the other one" if count == 1 else f"the other {count:,}"
    return [
        *found,
        MARK._replace(label=f"Mark {plural}, for a key that takes marked ones"),
        READ,
        OPEN,
        DETAILS,
    ]


def mends(row: FileRow) -> str:
    """What m does first ("m reads it again"); "" when there is nothing to mend."""
    first = remedies(row)[0]
    return f"m {first.brief}" if first.brief else ""
