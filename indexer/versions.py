"""What a file's name says of its version, and which of two versions is the newer one.

`report_v2.docx`, `report final.docx`, `report (1).docx`, `Copy of report.docx`, `报告 修订版.docx` and
`draft-ietf-foo-07.txt` each have a stem, which names the document, and marks, which order its versions.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from indexer.text import fold


class Marks(NamedTuple):
    """A name taken apart."""

    stem: str
    """What is left without marks, folded, words separated by one space; the folder's name, with a slash
    before it, when a name consists of marks alone (`contract/v2.pdf`)."""
    version: tuple[int, ...] = ()
    """2.1 as (2, 1); trailing zeros are cut."""
    explicit: bool = False
    """The number is called a version (`v2`, `rev3`, `第2版`) or ends an Internet-Draft's name."""
    date: tuple[int, int, int] = (0, 0, 0)
    """Year, month, day; zeros for what is not said."""
    state: int = 0
    """-2 superseded, -1 draft, 0 nothing said, 1 revised, 2 final."""
    copy: bool = False
    """Called a copy, or numbered by a program that would not overwrite: `(1)`."""

    @property
    def marked(self) -> bool:
        """Says anything of its version."""
        return bool(self.version or self.date[0] or self.state or self.copy)


class Member(NamedTuple):
    """A document as one of several versions."""

    id: int
    marks: Marks
    dated: str = ""
    """ISO 8601 date of the content, from its metadata; "" when it says none."""
    mtime_ns: int = 0


_YEAR = r"(?P<y>(?:19|20)\d\d)"
_MONTH = r"(?P<m>0[1-9]|1[0-2])"
_DAY = r"(?P<d>0[1-9]|[12]\d|3[01])"
_DATES = (
    re.compile(rf"(?<!\d){_YEAR}[-_. ]{_MONTH}[-_. ]{_DAY}(?!\d)"),
    re.compile(rf"(?<!\d){_YEAR}{_MONTH}{_DAY}(?!\d)"),
    re.compile(rf"(?<!\d){_DAY}[-_.]{_MONTH}[-_.]{_YEAR}(?!\d)"),
    re.compile(rf"(?<!\d){_YEAR}年(?P<m>0?[1-9]|1[0-2])月(?:(?P<d>[12]\d|3[01]|0?[1-9])日)?"),
    re.compile(rf"(?<!\d){_YEAR}[-_. ]{_MONTH}(?!\d)"),
    re.compile(rf"(?<!\d){_YEAR}年?(?![\da-z])"),
)
_EXPLICIT = re.compile(
    r"(?:(?<![a-z])(?:version|vers|ver|v|revision|rev|release|fassung|ausgabe|edition|draft)[ ._-]{0,2}"
    r"(?P<a>\d{1,4}(?:[._]\d{1,4}){0,3})(?![a-z0-9])"
    r"|(?<![a-z0-9])r(?P<b>\d{1,3})(?![a-z0-9])"
    r"|第\s?(?P<c>\d{1,3}|[一二三四五六七八九十])\s?[版稿])"
)
_INTERNET_DRAFT = re.compile(r"^(draft-[a-z0-9]+(?:-[a-z0-9]+)+)-(\d\d)$")
_BARE = re.compile(r"(?<![\d.])(\d{1,2}(?:\.\d{1,2}){1,2})(?![\d.])")
"""Only with a point: `report-07` is the seventh report, not a version of the sixth."""
_NUMBERED = re.compile(r"[ _]?[(\[（](\d{1,2})[)\]）]$")
_COPY = re.compile(
    r"(?<![a-z])(?:copy of|copy|kopie von|kopie|copie de|copie|copia de|copia|cópia)(?: ?\d{1,2})?(?![a-z])"
    r"|副本|拷贝|複製|复制|コピー|사본"
)
_STATES = (
    (
        -2,
        r"(?:old|older|obsolete|superseded|outdated|archived?|backup|bak|orig|original|previous|prev|veraltet"
        r"|ancien(?:ne)?|antiguo|vecchio)",
        "旧版|旧稿|原稿|原版|作废|旧",
    ),
    (-1, r"(?:draft|wip|entwurf|brouillon|borrador|bozza)", "草稿|初稿|草案|ドラフト"),
    (
        2,
        r"(?:final(?:e|ized|ised)?|definitive?|definitivo|endgultig|finale?fassung)\d?",
        "最终版|最終版|最终稿|最终|最終|终稿|定稿|终版",
    ),
    (
        1,
        r"(?:revised|updated|corrected|amended|uberarbeitet|korrigiert|revise|rev)",
        "修订版|修訂版|修订稿|修订|修改版|修改稿|更新版|改訂版|改订版|新版",
    ),
)
_STATE_WORDS = tuple(
    (rank, re.compile(rf"(?<![a-z]){western}(?![a-z])|{eastern}")) for rank, western, eastern in _STATES
)
_NUMERALS = {char: number for number, char in enumerate("一二三四五六七八九十", 1)}
_REST = re.compile(r"[\W_]+")


@functools.lru_cache(maxsize=65_536)
def marks(name: str, folder: str = "") -> Marks:
    """Take a file name (with its extension) apart; `folder` is the name of the folder it lies in."""
    rest = fold(PurePosixPath(name).stem if "." in name.strip(".") else name)
    draft = _INTERNET_DRAFT.match(rest)
    if draft:
        return Marks(_plain(draft[1]), _number(draft[2]) or (0,), explicit=True)
    rest, copies = _COPY.subn(" ", rest)
    rest, numbered = _NUMBERED.subn("", rest.strip())
    rest, date = _dated(rest)
    rest, version, explicit = _versioned(rest)
    state = 0
    for rank, words in _STATE_WORDS:
        rest, count = words.subn(" ", rest)
        state = state or (rank if count else 0)
    if not version:
        rest, version = _bare(rest)
    stem = _plain(rest) or (f"/{fold(folder)}" if folder else "")
    return Marks(stem, version, explicit, date, state, bool(copies or numbered))


def _plain(text: str) -> str:
    return _REST.sub(" ", text).strip()


def _number(text: str) -> tuple[int, ...]:
    parts = [_NUMERALS.get(part) or int(part) for part in re.split(r"[._]", text)]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def _dated(text: str) -> tuple[str, tuple[int, int, int]]:
    for pattern in _DATES:
        found = pattern.search(text)
        if found:
            said = found.groupdict()
            date = (int(said["y"]), int(said.get("m") or 0), int(said.get("d") or 0))
            return f"{text[: found.start()]} {text[found.end() :]}", date
    return text, (0, 0, 0)


def _versioned(text: str) -> tuple[str, tuple[int, ...], bool]:
    found = None
    for found in _EXPLICIT.finditer(text):  # noqa: B007 - the last one counts
        pass
    if found is None:
        return text, (), False
    number = found["a"] or found["b"] or found["c"]
    return f"{text[: found.start()]} {text[found.end() :]}", _number(number), True


def _bare(text: str) -> tuple[str, tuple[int, ...]]:
    text = text.strip(" _-.")
    found = _BARE.search(text)
    if found is None or not _plain(text[: found.start()]):
        return text, ()
    return f"{text[: found.start()]} {text[found.end() :]}", _number(found[1])


def newer(a: Member, b: Member) -> int:
    """1 when `a` is the newer one, -1 when `b` is, 0 when nothing tells.

    What the names say outweighs dates in the content, and those outweigh dates on disk, which every
    copying program sets anew.
    """
    x, y = a.marks, b.marks
    if -2 in (x.state, y.state) and x.state != y.state:
        return _sign(x.state, y.state)
    if x.version and y.version and x.version != y.version:
        return _sign(x.version, y.version)
    if x.date[0] and y.date[0] and x.date != y.date:
        return _sign(x.date, y.date)
    if x.state != y.state:
        return _sign(x.state, y.state)
    if bool(x.version) != bool(y.version) and not (x.date[0] or y.date[0]):
        return _sign(bool(x.version), bool(y.version))
    if a.dated and b.dated and a.dated[:19] != b.dated[:19]:
        return _sign(a.dated[:19], b.dated[:19])
    return _sign(a.mtime_ns, b.mtime_ns)


def _sign(x: Any, y: Any) -> int:
    return int(x > y) - int(x < y)


def ordered(members: Sequence[Member]) -> list[Member]:
    """Versions from the newest to the oldest.

    `newer` looks at other marks for each pair, so three members may beat each other in a circle: the
    order is by the number of others each one is newer than, then by date on disk and id.
    """
    wins = {each.id: sum(newer(each, other) for other in members if other.id != each.id) for each in members}
    return sorted(members, key=lambda each: (-wins[each.id], -each.mtime_ns, each.id))
