"""What is asked for when files are to be put in order, and what is proposed; these types cross the socket.

Paths are strings as Python decodes them from the disk (`os.fsdecode`): bytes that are not UTF-8 are lone
surrogates, which JSON's escapes carry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizeRequest:
    """What may be proposed. With nothing chosen: plain copies to the trash, names that say nothing."""

    scope: str = ""
    """A query; "" for every file."""
    rename: str = ""
    """Template of new names, or "" for none."""
    folder: str = ""
    """Template of folders below a file's root, or "" for none."""
    copies: bool = False
    """All copies with the same bytes, wherever they are."""
    archive_old: bool = False
    """Older versions to the archive folder."""
    archive: str = ""
    """Archive folder, absolute; "" for `Archive` in a file's root."""
    nothing: bool = False
    """Propose nothing: only where files may be changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """One line of a plan."""

    word: Literal["rename", "move", "archive", "trash", "keep"]
    source: str
    target: str = ""
    """New path of `rename`, `move` and `archive`."""
    kept: str = ""
    """Of `trash`: the copy that stays."""
    id: str
    """See `indexer.organize.plan.identity`."""
    size_bytes: int
    mtime_ns: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What could be done, and where files may be changed."""

    roots: tuple[str, ...]
    library: str
    """The library's own folder, which is never touched."""
    into: tuple[str, ...]
    """Folders outside the roots that the proposal moves files to."""
    actions: tuple[Proposed, ...]
    considered: int
    """Files in scope."""
    left_out: tuple[tuple[str, int], ...]
    """Reasons why files in scope are never touched, with their numbers."""
