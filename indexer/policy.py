"""Which documents may go to a model on another machine, by the folders that hold them.

The configuration gives a policy to folders and to all others; a file `.quire-policy` in a folder (or in
one above it) can only make it stricter, so that a folder from elsewhere cannot open itself. The strictest
of all that apply wins, over every path a document has; what is inside an archive or a mail goes with it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from indexer.config import Policy, PrivacyConfig

FILE_NAME = b".quire-policy"
_MAX_BYTES = 4096

POLICIES: tuple[Policy, ...] = get_args(Policy)
"""Strictest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The policy in force and where it comes from."""

    policy: Policy
    reason: str

    def stricter(self, other: Ruling) -> Ruling:
        """The stricter of the two; this one when they are equal."""
        return min(self, other, key=lambda each: POLICIES.index(each.policy))


GONE = Ruling(policy="never", reason="the document is no longer in the library")
"""Of what has no path: nothing tells that it may go."""


class Policies:
    """The rulings for paths. Each folder's file is read once, so make a new one for each question."""

    def __init__(self, config: PrivacyConfig) -> None:
        """Take the configuration's folders, also under the names that links lead to."""
        self._default = Ruling(policy=config.policy, reason="the configuration, for all other folders")
        self._folders: list[tuple[bytes, Ruling]] = []
        for name, policy in config.folders.items():
            ruling = Ruling(policy=policy, reason=f"the configuration, for {name}")
            path = Path(name).expanduser()
            spellings = {os.fsencode(os.path.normpath(path)), os.fsencode(os.path.realpath(path))}
            self._folders += [(spelling, ruling) for spelling in spellings]
        self._files: dict[bytes, Ruling | None] = {}

    def of(self, paths: Iterable[bytes]) -> Ruling:
        """The ruling for a document: the strictest of all its paths, `GONE` without any."""
        found: Ruling | None = None
        for path in paths:
            ruling = self.of_path(path)
            found = ruling if found is None else found.stricter(ruling)
        return GONE if found is None else found

    def of_path(self, path: bytes) -> Ruling:
        """The ruling for an absolute path of a file, a folder, or a member of a container."""
        named = [ruling for folder, ruling in self._folders if _is_in(path, folder)]
        found = named[0] if named else self._default
        for ruling in named[1:]:
            found = found.stricter(ruling)
        place = path
        while True:
            ruling_file = self._file(place)
            if ruling_file is not None:
                found = found.stricter(ruling_file)
            above = os.path.dirname(place)
            if above == place:
                return found
            place = above

    def with_files(self, folders: Iterable[bytes]) -> list[bytes]:
        """Those of these folders, and of those above them, that hold a policy file; by path."""
        seen: set[bytes] = set()
        for folder in folders:
            while folder not in seen:
                seen.add(folder)
                folder = os.path.dirname(folder)
        return sorted(folder for folder in seen if self._file(folder) is not None)

    def _file(self, folder: bytes) -> Ruling | None:
        if folder not in self._files:
            self._files[folder] = _read(folder)
        return self._files[folder]


def _is_in(path: bytes, folder: bytes) -> bool:
    """Whether a path is a folder (or file) or inside it; members of a container are in it."""
    return path == folder or path.startswith((folder.rstrip(b"/") + b"/", folder + b"!/"))


def _read(folder: bytes) -> Ruling | None:
    """What the policy file of a folder says; one that cannot be understood forbids everything."""
    name = folder.rstrip(b"/") + b"/" + FILE_NAME
    shown = name.decode("utf-8", "replace")
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as exc:
        if getattr(exc, "errno", 0) == errno.ENAMETOOLONG:
            return None  # a member of a container; no folder has such a name
        return Ruling(policy="never", reason=f"{shown} cannot be read ({getattr(exc, 'strerror', exc)})")
    try:
        text = os.read(fd, _MAX_BYTES).decode("utf-8", "replace")
    except OSError as exc:
        return Ruling(policy="never", reason=f"{shown} cannot be read ({exc.strerror})")
    finally:
        os.close(fd)
    words = {line.partition("#")[0].strip().lower() for line in text.splitlines()} - {""}
    known = [policy for policy in POLICIES if policy in words]
    if not known or len(known) < len(words):
        return Ruling(policy="never", reason=f"{shown} does not say never, ask, redact or allow")
    return Ruling(policy=known[0], reason=shown)
