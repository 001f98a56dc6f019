"""A snapshot of what lies in a folder: the truth that the catalogue is compared with.

Reads directories and stats, never a file's content. Folders are never followed through links; a folder
that cannot be listed is reported, so that what the catalogue knows of it is kept.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field

from indexer.catalogue import Fingerprint
from indexer.ignore import Rules


@dataclass(slots=True)
class Snapshot:
    """Files found at or below a path."""

    files: dict[bytes, Fingerprint] = field(default_factory=dict)
    unreadable: list[bytes] = field(default_factory=list)
    """Folders that could not be listed, and paths that could not be looked at."""
    folders: int = 0
    """Folders listed; each needs a watch."""

    def add(self, other: Snapshot) -> None:
        """Take in what was found elsewhere."""
        self.files.update(other.files)
        self.unreadable += other.unreadable
        self.folders += other.folders

    def hides(self, path: bytes) -> bool:
        """Tell whether nothing can be said about a path, because it could not be looked at."""
        return any(path == place or path.startswith(place + b"/") for place in self.unreadable)


def take(
    path: bytes,
    rules: Rules,
    *,
    follow_symlinks: bool,
    each: Callable[[int], None] | None = None,
) -> Snapshot:
    """Look at a file, or at a folder and everything below it that is not ignored.

    Args:
        path: A file or folder; a missing one gives an empty snapshot.
        rules: The rules that hold in the folder around `path`.
        follow_symlinks: Whether links to files count; the caller checks that they stay inside the root.
        each: Called after each folder with the number of files found so far.
    """
    found = Snapshot()
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode) and follow_symlinks:
            status = os.stat(path)  # noqa: PTH116 - bytes
    except (FileNotFoundError, NotADirectoryError):
        return found
    except OSError:
        found.unreadable.append(path)
        return found
    if stat.S_ISDIR(status.st_mode):
        _walk(path, rules, found, follow_symlinks, each)
    elif not stat.S_ISLNK(status.st_mode):
        found.files[path] = Fingerprint.of(status)
    return found


def _walk(
    top: bytes, rules: Rules, found: Snapshot, follow: bool, each: Callable[[int], None] | None
) -> None:
    waiting = [(top, rules)]
    while waiting:
        folder, outer = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                inner = outer.enter(folder)
                for entry in entries:
                    _look(entry, inner, found, follow, waiting)
        except FileNotFoundError:
            continue
        except OSError:
            found.unreadable.append(folder)
            continue
        found.folders += 1
        if each is not None:
            each(len(found.files))


def _look(
    entry: os.DirEntry[bytes], rules: Rules, found: Snapshot, follow: bool, waiting: list[tuple[bytes, Rules]]
) -> None:
    try:
        folder = entry.is_dir(follow_symlinks=False)
        if rules.ignores(entry.path, entry.name, folder=folder):
            return
        if folder:
            waiting.append((entry.path, rules))
            return
        status = entry.stat(follow_symlinks=follow)
    except OSError:
        # Gone again, or a dangling link.
        return
    if not stat.S_ISLNK(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        found.files[entry.path] = Fingerprint.of(status)
