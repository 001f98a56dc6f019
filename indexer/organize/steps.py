"""Transfers of files, and the single steps they are made of, in an order in which none is in another's way.

Pure but for looking at which folders exist. A cycle (two files that swap their names) is broken by a name
of our own in the same folder, hidden and not used by anybody.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from indexer.organize import disk
from indexer.organize.disk import Mark

Verb = Literal["rename", "move", "archive", "trash"]

TEMPORARY = b".quire-"
"""How names of our own begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A file that changes its path, whatever that takes."""

    id: int
    """Its place in the list of its run."""
    verb: Verb
    source: bytes
    target: bytes
    mark: Mark
    """What the file is now, at `source`."""
    kept: bytes = b""
    """Of a copy that goes to the trash: the file with the same bytes that stays, by its path now."""
    note: bytes = b""
    """The note in the trash that goes with it."""
    note_text: str = ""
    notes: Literal["", "write", "remove"] = ""
    """What becomes of the note: written before the file moves, removed after it."""


class Step(NamedTuple):
    """One change. Of a run all steps are known before the first is done."""

    do: Literal["move", "mkdir", "rmdir", "note", "unnote"]
    path: bytes
    """What is moved, made or removed."""
    target: bytes = b""
    """Where a file is moved to."""
    via: bytes = b""
    """Name for the copy beside the target when that is on another device."""
    transfer: int = -1
    mode: int = 0
    """Of a new folder."""
    text: str = ""
    """Of a note."""


def to_json(value: Transfer | Step | Mark) -> Any:
    """As JSON has it; paths as Python decodes them, lone bytes as surrogates."""
    told = value._asdict() if isinstance(value, Step) else {k: getattr(value, k) for k in value.__slots__}
    return {
        key: os.fsdecode(one) if isinstance(one, bytes) else to_json(one) if isinstance(one, Mark) else one
        for key, one in told.items()
    }


def step_from(told: dict[str, Any]) -> Step:
    """Read what `to_json` made of a step."""
    fields: dict[str, Any] = {**told}
    for key in ("path", "target", "via"):
        fields[key] = os.fsencode(fields[key])
    return Step(**fields)


def transfer_from(told: dict[str, Any]) -> Transfer:
    """Read what `to_json` made of a transfer."""
    fields: dict[str, Any] = {**told, "mark": Mark(**told["mark"])}
    for key in ("source", "target", "kept", "note"):
        fields[key] = os.fsencode(fields[key])
    return Transfer(**fields)


# --- order -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Order:
    """The steps so far, and what the disk will be like after them."""

    token: str
    by_source: dict[bytes, Transfer]
    aliases: Mapping[int, Transfer]
    """By transfer, who holds its target under another spelling (see `check`)."""
    steps: list[Step] = field(default_factory=list)
    place: dict[int, bytes] = field(default_factory=dict)
    """Where a transfer's file is by now, if it has moved."""
    finished: set[int] = field(default_factory=set)
    made: set[bytes] = field(default_factory=set)
    removable: frozenset[bytes] = frozenset()
    """Folders that go when they are empty."""

    def blockers(self, transfer: Transfer) -> Iterator[Transfer]:
        """Those whose file must be away before this one can move."""
        alias = self.aliases.get(transfer.id)
        if alias is not None and alias.id not in self.place:
            yield alias
        for path in (transfer.target, *disk.ancestors(transfer.target)):
            other = self.by_source.get(path)
            if other is not None and other.id not in self.place:
                yield other
        if transfer.target in self.removable:
            yield from (
                other
                for other in self.by_source.values()
                if other.id not in self.place and disk.is_inside(other.source, transfer.target)
            )

    def aside(self, transfer: Transfer, near: bytes) -> None:
        """Take a file out of the way: in its folder, or beside `near` when that folder has to go."""
        beside = near if disk.is_inside(transfer.source, near) else transfer.source
        name = TEMPORARY + f"{self.token}-{transfer.id}".encode()
        self._move(transfer, os.path.join(os.path.dirname(beside), name))

    def finish(self, transfer: Transfer) -> None:
        """Bring a file to its target, whose place is free by now."""
        if transfer.target in self.removable:
            inside = [each for each in self.removable if disk.is_inside(each, transfer.target)]
            for folder in (*sorted(inside, key=len, reverse=True), transfer.target):
                self.steps.append(Step("rmdir", folder))
        self.folders(transfer.target, 0o700 if transfer.notes == "write" else None)
        if transfer.notes == "write":
            self.folders(transfer.note, 0o700)
            self.steps.append(Step("note", transfer.note, transfer=transfer.id, text=transfer.note_text))
        self._move(transfer, transfer.target)
        if transfer.notes == "remove":
            self.steps.append(Step("unnote", transfer.note, transfer=transfer.id, text=transfer.note_text))
        self.finished.add(transfer.id)

    def _move(self, transfer: Transfer, target: bytes) -> None:
        here = self.place.get(transfer.id, transfer.source)
        via = os.path.join(os.path.dirname(target), TEMPORARY + f"{self.token}-{transfer.id}-copy".encode())
        self.steps.append(Step("move", here, target, via, transfer.id))
        self.place[transfer.id] = target

    def folders(self, path: bytes, mode: int | None) -> None:
        """Make the folders around a path that are missing; by default as open as the one around them."""
        missing = []
        for folder in disk.ancestors(path):
            if folder in self.made or disk.is_folder(folder):
                break
            missing.append(folder)
        if missing and mode is None:
            mode = self._mode(os.path.dirname(missing[-1]))
        for folder in reversed(missing):
            self.steps.append(Step("mkdir", folder, mode=mode or 0))
            self.made.add(folder)

    def _mode(self, folder: bytes) -> int:
        for step in self.steps:
            if step.do == "mkdir" and step.path == folder:
                return step.mode
        found = disk.look(folder) if folder != b"/" else None
        return stat.S_IMODE(found.st_mode) & 0o777 if found else 0o755


def schedule(
    transfers: Sequence[Transfer],
    token: str,
    aliases: Mapping[int, Transfer] | None = None,
    removable: Sequence[bytes] = (),
) -> list[Step]:
    """The steps that make all transfers, none of them in another's way.

    Args:
        transfers: With different sources and targets.
        token: Makes our own names unique.
        aliases: By transfer, the one whose file holds its target under another spelling.
        removable: Folders that are removed in the end if they are empty, outermost first.
    """
    order = _Order(
        token, {each.source: each for each in transfers}, aliases or {}, removable=frozenset(removable)
    )
    for first in transfers:
        waiting = [first]
        active = {first.id}
        while waiting:
            top = waiting[-1]
            blocker = None if top.id in order.finished else next(order.blockers(top), None)
            if blocker is not None and blocker.id in active:
                order.aside(blocker, top.target)
            elif blocker is not None:
                active.add(blocker.id)
                waiting.append(blocker)
            else:
                if top.id not in order.finished:
                    order.finish(top)
                waiting.pop()
                active.discard(top.id)
    return order.steps + [Step("rmdir", folder) for folder in reversed(removable)]


def reverse(transfers: Sequence[Transfer], *, noted: set[int]) -> list[Transfer]:
    """The transfers that take others back; `noted` are those whose note is there."""
    return [
        replace(
            each,
            source=each.target,
            target=each.source,
            kept=b"",
            notes="" if not each.note else "remove" if each.id in noted else "write",
        )
        for each in transfers
    ]
