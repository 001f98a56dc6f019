r"""A plan as text: written, edited like an interactive rebase, read back.

One line an action. A path is written as it is where that is plain, else in double quotes with `\n`, `\"`,
`\\`, `\u{202e}` for a character that would not be seen and `\xff` for a byte that is not UTF-8. Knows
nothing of the disk.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from indexer.errors import UsageError
from indexer.organize import disk
from indexer.text import safe_text

Word = Literal["rename", "move", "archive", "trash", "keep"]

MAX_BYTES = 64 << 20
_SHORT: dict[str, Word] = {
    "r": "rename",
    "m": "move",
    "a": "archive",
    "t": "trash",
    "k": "keep",
}
_ACTION = re.compile(r"(?P<word>[a-z]+)[ \t]+(?P<id>[0-9a-f]{12})[ \t]+")
_ARROW = re.compile(r"[ \t]+(?P<sign>->|=)[ \t]+")
_END = re.compile(r"[ \t]*(?:#.*)?$")
_BARE = re.compile(r"[^\s\"#\\](?:(?!\s(?:->|=|#))[^\"\\])*?(?=[ \t]+(?:->|=)[ \t]|[ \t]+#|[ \t]*$)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r'\\(?:x(?P<byte>[0-9a-f]{2})|u\{(?P<point>[0-9a-f]{1,6})\}|(?P<char>[nrt"\\]))', re.I)
_CHARS = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}

_HEAD = """\
# What Quire proposes for {count}. Nothing is changed before this plan is applied.
#
# Each line is one action; paths are in the folder named by 'in'.
#   rename ID path -> name       another name in the same folder
#   move ID path -> path         another folder; a path that ends in / keeps the name
#   archive ID path -> path      the same, for what is out of date
#   trash ID path = path         into the system's trash; the second file has the same bytes and stays
#   keep ID path                 nothing
# The first letter is enough. Change names and words, take lines out, put them in another order: a
# line that is not there changes nothing, and a plan without lines does nothing. ID stands for size,
# time and content, by which a file is left alone that has changed since.
# Write a path in double quotes when it begins or ends with a space or holds " \\ # or ->.
"""


class PlanError(UsageError):
    """A plan that cannot be followed as it is written; nothing of it is done."""

    title = "Plan"

    def __init__(self, faults: Sequence[tuple[int, str]]) -> None:
        """Keep what is wrong, by line; 0 for no line of its own."""
        self.faults = sorted(faults)
        told = [f"line {line}: {text}" if line else text for line, text in self.faults]
        super().__init__(
            "\n  ".join(["The plan cannot be followed:", *told[:20], *(["…"] if len(told) > 20 else [])]),
            hint="Nothing was changed. Mend the plan, or make a new one.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A line of a plan; paths are absolute."""

    word: Word
    id: str
    """See `identity`."""
    source: bytes
    target: bytes = b""
    """Of `rename`, `move`, `archive`."""
    kept: bytes = b""
    """Of `trash`."""
    line: int = 0
    """1-based."""
    remark: str = ""
    """Written behind it; ignored when read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Actions, and where their paths are."""

    base: bytes
    """Folder that paths are written relative to; b"" for none."""
    into: tuple[bytes, ...]
    """Folders outside the library that files may be moved to."""
    actions: tuple[Action, ...]


def identity(size: int, mtime_ns: int, sha256: str) -> str:
    """What a file is, in twelve letters: another size, time or content gives others."""
    return hashlib.sha256(f"{size} {mtime_ns} {sha256}".encode()).hexdigest()[:12]


# --- writing ---------------------------------------------------------------------------------------


def write(plan: Plan, *, notes: Iterable[str] = ()) -> str:
    """The plan as text; `notes` are remarks for people at its end."""
    changing = sum(each.word != "keep" for each in plan.actions)
    lines = [_HEAD.format(count=f"{changing:,} file{'' if changing == 1 else 's'}")]
    if plan.base:
        lines.append(f"in {_quoted(plan.base)}")
    lines += [f"into {_quoted(folder)}" for folder in plan.into]
    lines.append("")
    lines += [_line(each, plan.base) for each in plan.actions]
    told = [f"# {safe_text(note, single_line=True)}" for note in notes]
    return "\n".join([*lines, "", *told]) + "\n"


def _line(action: Action, base: bytes) -> str:
    text = f"{action.word} {action.id} {_quoted(_relative(action.source, base))}"
    if action.word == "rename":
        text += f" -> {_quoted(os.path.basename(action.target))}"
    elif action.target:
        text += f" -> {_quoted(_relative(action.target, base))}"
    elif action.kept:
        text += f" = {_quoted(_relative(action.kept, base))}"
    return f"{text}  # {safe_text(action.remark, 160, single_line=True)}" if action.remark else text


def _relative(path: bytes, base: bytes) -> bytes:
    return path[len(base.rstrip(b"/")) + 1 :] if base and disk.is_inside(path, base) else path


def _quoted(path: bytes) -> str:
    text = os.fsdecode(path)
    found = _BARE.match(text)
    if text.isprintable() and found and found.end() == len(text) and not text.endswith(" "):
        return text
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char == "\n":
        return "\\n"
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char if char.isprintable() else f"\\u{{{ord(char):x}}}"


def remark(size_bytes: int, mtime_ns: int, reason: str) -> str:
    """Size, date and reason, as they stand behind an action."""
    date = dt.datetime.fromtimestamp(mtime_ns / 1e9).date().isoformat() if mtime_ns > 0 else "no date"
    return f"{_size(size_bytes)}, {date}: {reason}"


def _size(count: int) -> str:
    amount = float(count)
    units = ["bytes", "KB", "MB", "GB", "TB"]
    while amount >= 1000 and len(units) > 1:
        amount /= 1000
        del units[0]
    return f"{amount:.0f} bytes" if units[0] == "bytes" else f"{amount:.1f} {units[0]}"


# --- reading ---------------------------------------------------------------------------------------


def read(content: bytes) -> Plan:
    """Read a plan.

    Raises:
        PlanError: with every line that is not understood.
    """
    base: list[bytes] = []
    into: list[bytes] = []
    rows: list[tuple[int, str]] = []
    faults: list[tuple[int, str]] = []
    for number, line in _lines(content, faults):
        word, _, rest = line.partition(" ")
        if word not in ("in", "into"):
            rows.append((number, line))
            continue
        try:
            (base if word == "in" else into).append(_folder(rest.strip()))
        except ValueError as exc:
            faults.append((number, str(exc)))
    if len(base) > 1:
        faults.append((0, "'in' names more than one folder"))
    actions = []
    for number, line in rows:
        try:
            actions.append(_read_line(line, number, base[0] if base else b""))
        except ValueError as exc:
            faults.append((number, str(exc)))
    if faults:
        raise PlanError(faults)
    return Plan(base=base[0] if base else b"", into=tuple(into), actions=tuple(actions))


def _lines(content: bytes, faults: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Lines that say something, with their numbers."""
    for number, raw in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            line = raw.decode("utf-8").strip("\r\t ")
        except UnicodeDecodeError:
            faults.append((number, "it is not UTF-8"))
            continue
        if line and not line.startswith("#"):
            yield number, line


def _folder(text: str) -> bytes:
    path, rest = _path(text)
    if not _END.match(rest):
        raise ValueError("there is something after the folder")
    path = path.rstrip(b"/") or b"/"
    if not path.startswith(b"/") or os.path.normpath(path) != path:
        raise ValueError("the folder is no absolute path")
    return path


def _read_line(line: str, number: int, base: bytes) -> Action:
    found = _ACTION.match(line)
    word = _SHORT.get(found["word"][0]) if found else None
    if found is None or word is None or not (word == found["word"] or found["word"] in _SHORT):
        raise ValueError(f"'{safe_text(line, 60, single_line=True)}' is no action")
    source, rest = _path(line[found.end() :])
    sign = _ARROW.match(rest)
    second = b""
    if sign:
        second, rest = _path(rest[sign.end() :])
    if not _END.match(rest):
        raise ValueError(f"'{safe_text(rest, 40, single_line=True)}' is not understood")
    return _action(word, found["id"], source, sign["sign"] if sign else "", second, number, base)


def _action(word: Word, id: str, source: bytes, sign: str, second: bytes, number: int, base: bytes) -> Action:
    source = _absolute(source, base)
    match word, sign:
        case "keep", _:
            return Action(word=word, id=id, source=source, line=number)
        case "trash", "=":
            kept = _absolute(second, base)
            return Action(word=word, id=id, source=source, kept=kept, line=number)
        case "trash", _:
            raise ValueError("trash names the copy that stays: trash ID path = path")
        case "rename", "->":
            if b"/" in second:
                raise ValueError("rename takes a name; 'move' takes a path")
            target = os.path.join(os.path.dirname(source), _named(second))
        case _, "->":
            if second.endswith(b"/"):
                second += os.path.basename(source)
            target = _absolute(second, base)
            _named(os.path.basename(target))
        case _:
            raise ValueError(f"{word} says where to: {word} ID path -> path")
    return Action(word=word, id=id, source=source, target=target, line=number)


def _absolute(path: bytes, base: bytes) -> bytes:
    if not path.startswith(b"/"):
        if not base:
            raise ValueError("the path is relative, and no line 'in' names its folder")
        path = os.path.join(base, path)
    parts = path.split(b"/")[1:]
    if any(part in (b"", b".", b"..") for part in parts):
        raise ValueError("a path has an empty part, '.' or '..'")
    return path


def _named(name: bytes) -> bytes:
    if name in (b"", b".", b".."):
        raise ValueError("that is no name")
    if len(name) > 255:
        raise ValueError(f"the name is {len(name)} bytes long; 255 is the most")
    return name


def _path(text: str) -> tuple[bytes, str]:
    """The path a text begins with, and the rest."""
    if text.startswith('"'):
        quoted = _QUOTED.match(text)
        if quoted is None:
            raise ValueError("a quote is not closed")
        path, end = _unescaped(quoted[1]), quoted.end()
    else:
        bare = _BARE.match(text)
        if bare is None:
            raise ValueError("a path is missing, or needs double quotes")
        path, end = bare[0].encode("utf-8"), bare.end()
    if not path or b"\0" in path:
        raise ValueError("a path is empty or holds a zero byte")
    return path, text[end:]


def _unescaped(text: str) -> bytes:
    path = b""
    at = 0
    while at < len(text):
        if text[at] != "\\":
            path += text[at].encode("utf-8")
            at += 1
            continue
        found = _ESCAPE.match(text, at)
        if found is None:
            raise ValueError(f"the escape {text[at : at + 2]} is not known")
        if found["byte"]:
            path += bytes([int(found["byte"], 16)])
        elif found["point"]:
            path += chr(int(found["point"], 16)).encode("utf-8")
        else:
            path += _CHARS[found["char"].lower()].encode()
        at = found.end()
    return path
