"""Brings the file rows of the catalogue in line with the disk: the one place that decides what happened.

Events and timers only say where to look. Used by the pipeline's thread.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from indexer.catalogue import Catalogue, FileState, Fingerprint
from indexer.changes import Changes, compare, outermost
from indexer.config import WatchConfig
from indexer.errors import UnreadableDocument
from indexer.ignore import RuleBook, Rules
from indexer.parsing.opening import open_document
from indexer.scan import Snapshot, take

CONFIRM_S = 2.0
"""Seconds after which a mass disappearance is looked at again before it is believed."""
MASS = 20
"""Fewer files than this may vanish at once without a second look."""
MASS_SHARE = 0.3
"""Share of a root's files that may vanish at once without a second look."""


@dataclass(slots=True)
class Outcome:
    """What a look has led to."""

    waiting: list[tuple[bytes, Fingerprint]] = field(default_factory=list)
    """Files that must be read."""
    orphans: list[int] = field(default_factory=list)
    """Documents that no path holds any more."""
    visible: bool = False
    """Something that lists show has changed."""


class Reconciler:
    """Compares disk and catalogue, root by root or path by path."""

    def __init__(self, catalogue: Catalogue, config: WatchConfig, never: frozenset[bytes]) -> None:
        self._catalogue = catalogue
        self._config = config
        self._never = never
        self._roots: dict[int, bytes] = {}
        self._suspects: dict[int, float] = {}

    @property
    def confirm_at(self) -> float:
        """When a mass disappearance must be looked at again (monotonic); 0 when there is none."""
        return min(self._suspects.values(), default=0.0)

    def root_of(self, path: bytes) -> bytes | None:
        """The root a path belongs to: the innermost one."""
        found = self._root(path)
        return found[1] if found else None

    def _root(self, path: bytes) -> tuple[int, bytes] | None:
        best: tuple[int, bytes] | None = None
        for root_id, root in self._roots.items():
            inside = path == root or path.startswith(root.rstrip(b"/") + b"/")
            if inside and (best is None or len(root) > len(best[1])):
                best = (root_id, root)
        return best

    def reload(self) -> None:
        """Learn the roots anew."""
        self._roots = self._catalogue.root_paths()

    def look(self, paths: Sequence[bytes], *, certain: bool, seen: Callable[[int], None]) -> Outcome:
        """Bring some paths up to date; all roots when none are given.

        Args:
            paths: Files and folders, existing or not; those outside the roots are passed over.
            certain: An event reported these paths, so that many may vanish at once.
            seen: Called with the number of files found so far.
        """
        self.reload()
        known: dict[bytes, FileState] = {}
        snapshot = Snapshot()
        targets = self._targets(paths)
        for root_id, group in targets.items():
            self._take(root_id, group, known, snapshot, seen)
        changes = compare(known, snapshot)
        self._try_perhaps(changes)
        if not certain:
            self._doubt(changes, {i for i, group in targets.items() if self._roots[i] in group})
        return self._apply(changes)

    def _targets(self, paths: Sequence[bytes]) -> dict[int, list[bytes]]:
        """What to look at, by root."""
        if not paths:
            return {root_id: [root] for root_id, root in self._roots.items()}
        targets: dict[int, list[bytes]] = {}
        for path in outermost(set(paths)):
            found = self._root(path)
            if found:
                targets.setdefault(found[0], []).append(path)
                continue
            # A folder above some roots.
            inside = path.rstrip(b"/") + b"/"
            targets.update({i: [root] for i, root in self._roots.items() if root.startswith(inside)})
        return targets

    def _take(
        self,
        root_id: int,
        paths: Sequence[bytes],
        known: dict[bytes, FileState],
        snapshot: Snapshot,
        seen: Callable[[int], None],
    ) -> None:
        """Add what the catalogue knows of paths in a root, and what lies there."""
        root = self._roots[root_id]
        if not self._present(root_id, root):
            return
        never = self._never | (frozenset(self._roots.values()) - {root})
        book = RuleBook(root, Rules.for_root(root, self._config.ignore, never))
        states = self._catalogue.file_states(root_id, None if root in paths else paths)
        before = len(snapshot.files)
        for path in paths:
            rules = book.at(path)
            if rules is not None:
                found = take(
                    path,
                    rules,
                    follow_symlinks=self._config.follow_symlinks,
                    each=lambda count: seen(before + count),
                )
                snapshot.add(found)
        empty = len(snapshot.files) == before
        if root in paths and empty and states and self._unmounted(root, states.values()):
            self._catalogue.set_root_state(root_id, "missing", "It is empty: is its drive mounted?")
            return
        known.update(states)

    def _present(self, root_id: int, root: bytes) -> bool:
        """Whether the root is there; a missing one is frozen: nothing of it is deleted."""
        state = self._catalogue.root_state(root_id)
        try:
            os.stat(root)  # noqa: PTH116 - bytes
        except OSError as exc:
            if state != "missing":
                self._catalogue.set_root_state(root_id, "missing", f"It is not there ({exc.strerror}).")
            self._suspects.pop(root_id, None)
            return False
        if state == "missing":
            self._catalogue.set_root_state(root_id, "watched")
        return True

    def _unmounted(self, root: bytes, states: Iterable[FileState]) -> bool:
        """Whether an empty root is on another device than its files were: its drive is away."""
        device = Fingerprint.of(os.stat(root)).dev  # noqa: PTH116 - bytes
        return all(state.dev not in (device, 0) for state in states)

    def _try_perhaps(self, changes: Changes) -> None:
        """Decide by hash whether files with a new change time were renamed or replaced."""
        for state, path, mark in changes.perhaps:
            if self._holds_still(state, path):
                changes.moved.append((state, path, mark))
            else:
                changes.found.append((path, mark))
                changes.gone.append(state)
        changes.perhaps = []

    def _holds_still(self, state: FileState, path: bytes) -> bool:
        root = self.root_of(path)
        document = self._catalogue.document_by_id(state.document_id or 0)
        if root is None or document is None or state.status != "indexed":
            return False
        try:
            descriptor = open_document(path, root=root, follow_symlinks=False)
        except (UnreadableDocument, OSError):
            return False
        with os.fdopen(descriptor, "rb", buffering=0) as stream:
            try:
                return hashlib.file_digest(stream, "sha256").hexdigest() == document.hash
            except OSError:
                return False

    def _doubt(self, changes: Changes, whole: set[int]) -> None:
        """Hold back deletions when much of a root vanished at once, until a second look agrees."""
        now = time.monotonic()
        for root_id in whole:
            root = self._roots[root_id]
            gone = [s for s in changes.gone if self._root(s.path) == (root_id, root) and not _exists(s.path)]
            total = sum(1 for _ in self._catalogue.file_states(root_id)) if gone else 0
            if len(gone) < MASS or len(gone) <= MASS_SHARE * total:
                self._suspects.pop(root_id, None)
                continue
            due = self._suspects.setdefault(root_id, now + CONFIRM_S)
            if now < due:
                held = {state.id for state in gone}
                changes.gone = [state for state in changes.gone if state.id not in held]
            else:
                del self._suspects[root_id]

    def _apply(self, changes: Changes) -> Outcome:
        outcome = Outcome(waiting=changes.found)
        with self._catalogue.transaction():
            # Additions first: a file whose old path is freed keeps its id, its document and its place.
            moves = []
            for state, path, mark in changes.moved:
                found = self._root(path)
                if found:
                    moves.append((state.id, found[0], path, mark))
            dropped = self._catalogue.drop_files([state.id for state in changes.gone])
            if moves:
                self._catalogue.move_files(moves)
            for path, mark in changes.found:
                found = self._root(path)
                if found:
                    self._catalogue.mark_pending(found[0], [(path, mark)])
        outcome.orphans = dropped.orphans
        outcome.visible = bool(changes.gone or changes.moved or changes.found)
        return outcome


def _exists(path: bytes) -> bool:
    try:
        os.lstat(path)
    except OSError:
        return False
    return True
