"""Whether the last run has ended: looked up by every command, so it loads nothing and reads one line."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = "organize"
"""Below the library's folder; holds the journals."""


def numbers(folder: Path) -> list[int]:
    """Numbers of the runs journaled in a folder, ascending."""
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError:
        return []
    return sorted(int(name[:-6]) for name in names if name.endswith(".jsonl") and name[:-6].isdigit())


def path_of(folder: Path, number: int) -> Path:
    """The journal of a run."""
    return folder / f"{number:06d}.jsonl"


def has_ended(journal: Path) -> bool:
    """Whether a run has ended, from the last line of its journal."""
    with journal.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - 4096))
        tail = stream.read()
    return tail.endswith(b"\n") and tail.rstrip(b"\n").rpartition(b"\n")[2].startswith(b'{"end"')


def is_interrupted(library: Path) -> bool:
    """Whether a library's last run has not ended."""
    found = numbers(library / FOLDER)
    return bool(found) and not has_ended(path_of(library / FOLDER, found[-1]))
