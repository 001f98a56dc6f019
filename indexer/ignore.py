"""What is left out of a library: built-in names, the configuration's patterns, `.quireignore` files.

Patterns have the syntax and the precedence of `.gitignore`: a deeper file beats a higher one, a later
line an earlier one, `!` takes a path back in, and nothing below an ignored folder is looked at.
Hidden files and folders are ignored unless a pattern takes them back in.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pathspec import GitIgnoreSpec

FILE_NAME = b".quireignore"

MAX_BYTES = 1 << 20
"""Of a `.quireignore`; the rest of a larger one is not read."""

_DEFAULTS = re.compile(
    rb"""
    \.                                          # hidden: .git, .venv, .#lock, .~lock.x#, .x.swp, ._x
    | (?: node_modules | __pycache__ | \$RECYCLE\.BIN | System\ Volume\ Information | lost\+found
        | [Tt]humbs\.db | desktop\.ini
        | 4913                                  # vim tries whether it can write
        | .*~ | \#.*\# | ~\$.* | ~WRL\d+\.tmp     # backups and locks of editors and office programs
        | .*\.(?: sw[op] | part | partial | crdownload | download | tmp | temp | pyc )
      ) \Z
    """,
    re.VERBOSE | re.DOTALL,
)


class _Layer(NamedTuple):
    """The patterns of one file."""

    length: int
    """Of the folder's path with its slash: patterns see paths relative to it."""
    spec: GitIgnoreSpec


@dataclass(frozen=True, slots=True)
class Rules:
    """What is ignored in a folder and below, as far as files at or above it say."""

    layers: tuple[_Layer, ...] = ()
    """Innermost first."""
    never: frozenset[bytes] = frozenset()
    """Absolute paths that are always left out: the library's own folder, other roots."""

    @classmethod
    def for_root(cls, root: bytes, patterns: Sequence[str], never: frozenset[bytes]) -> Rules:
        """The rules of a root, its own `.quireignore` not yet read (see `enter`)."""
        spec = _spec(patterns)
        return cls((_Layer(len(root.rstrip(b"/")) + 1, spec),) if len(spec) else (), never)

    def enter(self, folder: bytes) -> Rules:
        """The rules inside a folder: these, and its `.quireignore` if it has one."""
        try:
            fd = os.open(
                folder + b"/" + FILE_NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            )
        except OSError:
            return self
        try:
            lines = os.read(fd, MAX_BYTES).decode("utf-8", "surrogateescape").splitlines()
        except OSError:
            return self
        finally:
            os.close(fd)
        spec = _spec(lines)
        if not len(spec):
            return self
        return Rules((_Layer(len(folder.rstrip(b"/")) + 1, spec), *self.layers), self.never)

    def ignores(self, path: bytes, name: bytes, *, folder: bool) -> bool:
        """Tell whether an entry of this folder is left out; `name` is the last part of `path`."""
        if path in self.never:
            return True
        for layer in self.layers:
            relative = os.fsdecode(path[layer.length :]) + ("/" if folder else "")
            include = layer.spec.check_file(relative).include
            if include is not None:
                return include
        return _DEFAULTS.match(name) is not None


class RuleBook:
    """The rules of one root, looked up by path. Each folder's file is read once, so make a new one soon.

    Args:
        root: The root's path.
        rules: As `Rules.for_root` gives them.
    """

    def __init__(self, root: bytes, rules: Rules) -> None:
        self._root = root.rstrip(b"/")
        self._rules = rules
        self._inside: dict[bytes, Rules | None] = {self._root: rules.enter(self._root)}

    def at(self, path: bytes) -> Rules | None:
        """The rules in the folder around a path; None when it or a folder above it is left out.

        Args:
            path: At or below the root; need not exist.
        """
        if path.rstrip(b"/") == self._root:
            return self._rules
        folder, _, name = path.rpartition(b"/")
        around = self._within(folder)
        # Whether it is a folder matters to patterns that end in a slash only.
        if around is None or around.ignores(path, name, folder=_is_folder(path)):
            return None
        return around

    def _within(self, folder: bytes) -> Rules | None:
        if folder not in self._inside:
            above, _, name = folder.rpartition(b"/")
            around = self._within(above)
            left_out = around is None or around.ignores(folder, name, folder=True)
            self._inside[folder] = None if left_out or around is None else around.enter(folder)
        return self._inside[folder]


def _is_folder(path: bytes) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _spec(lines: Sequence[str]) -> GitIgnoreSpec:
    return GitIgnoreSpec.from_lines(list(_legal(lines)))


def _legal(lines: Sequence[str]) -> Iterator[str]:
    """The lines that are patterns; a slip in one line must not switch the others off."""
    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:
            continue
        yield line
