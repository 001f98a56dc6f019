"""The difference between disk and catalogue: what is new, changed, moved, gone.

Pure: compares two snapshots, decides nothing about what to do with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from indexer.catalogue import FileState, Fingerprint
from indexer.scan import Snapshot


@dataclass(slots=True)
class Changes:
    """What differs."""

    found: list[tuple[bytes, Fingerprint]] = field(default_factory=list)
    """Paths that must be read: new, or with another fingerprint than the catalogue has."""
    moved: list[tuple[FileState, bytes, Fingerprint]] = field(default_factory=list)
    """Files that have a new path and are otherwise untouched: a renamed folder's."""
    perhaps: list[tuple[FileState, bytes, Fingerprint]] = field(default_factory=list)
    """The same, but for the change time, which renaming a file itself alters: their hash decides."""
    gone: list[FileState] = field(default_factory=list)
    """Files at whose path there is nothing to index any more."""


def compare(known: Mapping[bytes, FileState], snapshot: Snapshot) -> Changes:
    """Compare what the catalogue knows of some folders with what lies there."""
    changes = Changes()
    for path, mark in snapshot.files.items():
        state = known.get(path)
        if state is None or mark != fingerprint(state) or state.status == "pending":
            changes.found.append((path, mark))
    gone = [state for path, state in known.items() if path not in snapshot.files and not snapshot.hides(path)]
    lost = {(state.dev, state.ino): state for state in gone if state.document_id is not None}
    remaining = []
    for path, mark in changes.found:
        state = lost.get((mark.dev, mark.ino)) if path not in known else None
        if state is None or (state.size, state.mtime_ns) != (mark.size, mark.mtime_ns):
            remaining.append((path, mark))
            continue
        del lost[mark.dev, mark.ino]
        same = state.ctime_ns == mark.ctime_ns and state.status == "indexed"
        (changes.moved if same else changes.perhaps).append((state, path, mark))
    matched = {state.id for state, _, _ in (*changes.moved, *changes.perhaps)}
    changes.found = remaining
    changes.gone = [state for state in gone if state.id not in matched]
    return changes


def fingerprint(state: FileState) -> Fingerprint:
    """What the catalogue knows a file by."""
    return Fingerprint(state.size, state.mtime_ns, state.ctime_ns, state.dev, state.ino)


def outermost(paths: set[bytes]) -> list[bytes]:
    """The paths without those that lie below another one of them."""
    kept: list[bytes] = []
    for path in sorted(paths, key=lambda p: p.rstrip(b"/") + b"/"):
        if not kept or not path.startswith(kept[-1].rstrip(b"/") + b"/"):
            kept.append(path)
    return kept
