"""The journal of a run: what is to be done, written before it begins, and what was done, step by step.

One file a run in `organize/` below the library's folder, JSON lines, append-only: the first line holds all
transfers and steps, then `begin` and `done` for each step, then `end`. A line counts when it is whole; each
is on the disk before the step it tells of is begun or the next one is. `Replay` reads one back.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from indexer.errors import LibraryBusyError, StoreError
from indexer.organize import ending
from indexer.organize.disk import Mark
from indexer.organize.steps import Step, Transfer, step_from, to_json, transfer_from

Kind = Literal["apply", "undo", "rollback"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A file that is left alone, and why."""

    path: bytes
    reason: str
    line: int = 0
    """Of the plan, 1-based; 0 without one."""


@dataclass(slots=True)
class Replay:
    """A journal as it was read, and what the disk is like after it."""

    number: int
    kind: Kind
    of: int
    """The run that is undone or rolled back; 0 for a plan."""
    token: str
    made: str
    """ISO date and time, local."""
    transfers: list[Transfer]
    steps: list[Step]
    left: list[Left]
    place: dict[int, bytes] = field(default_factory=dict)
    """Where the file of each transfer is now."""
    marks: dict[int, Mark] = field(default_factory=dict)
    folders: list[bytes] = field(default_factory=list)
    """Made by this run, in order."""
    noted: set[int] = field(default_factory=set)
    """Transfers whose note is in the trash."""
    done: int = 0
    """Steps that are done; all before."""
    begun: bool = False
    """The next one was begun."""
    copied: tuple[int, int] | None = None
    """Of the step begun: device and inode of the finished copy on the other device."""
    end: str = ""
    """"", "done" or "rolled back"."""
    problem: str = ""
    """Why the run that this one takes back was not finished."""
    failed: dict[int, str] = field(default_factory=dict)
    """Steps that were passed over, and why."""

    def __post_init__(self) -> None:
        for each in self.transfers:
            self.place[each.id] = each.source
            self.marks[each.id] = each.mark
            if each.notes == "remove":
                self.noted.add(each.id)

    def take(self, record: dict[str, Any]) -> None:
        """Follow a record."""
        if "done" in record:
            self._take_done(self.steps[record["done"]], record)
            self.done = record["done"] + 1
            self.begun, self.copied = False, None
        if "begin" in record:
            self.begun = True
        if "copied" in record:
            self.copied = (record["copied"][0], record["copied"][1])
        if "again" in record:
            self.begun, self.copied = False, None
        self.end = record.get("end", self.end)
        self.problem = record.get("problem", self.problem)

    def _take_done(self, step: Step, record: dict[str, Any]) -> None:
        if "failed" in record:
            self.failed[record["done"]] = record["failed"]
            if record.get("back"):
                self.place[step.transfer] = self.transfers[step.transfer].source
            return
        match step.do:
            case "move":
                self.place[step.transfer] = step.target
                self.marks[step.transfer] = Mark(**record["mark"])
            case "mkdir" if record["made"]:
                self.folders.append(step.path)
            case "note":
                self.noted.add(step.transfer)
            case "unnote":
                self.noted.discard(step.transfer)

    @property
    def moved(self) -> list[Transfer]:
        """Transfers whose file is not where it was."""
        return [each for each in self.transfers if self.place[each.id] != each.source]

    def failures(self) -> list[Left]:
        """Files that steps passed over."""
        return [
            Left(path=self.place.get(self.steps[number].transfer, self.steps[number].path), reason=reason)
            for number, reason in self.failed.items()
        ]


class Journal:
    """A run that goes on: every record is on the disk when its method returns."""

    def __init__(self, path: Path, replay: Replay) -> None:
        """Use `Journals.begin` or `Journals.open`."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
        self.replay = replay
        self._cut()

    def _cut(self) -> None:
        """Take a torn last line away."""
        size = os.fstat(self._descriptor).st_size
        tail = os.pread(self._descriptor, min(size, 1 << 16), max(0, size - (1 << 16)))
        torn = len(tail) - (tail.rfind(b"\n") + 1)
        if torn:
            os.ftruncate(self._descriptor, size - torn)
            os.fsync(self._descriptor)

    def write(self, **record: Any) -> None:
        """Append a record."""
        line = json.dumps(record).encode() + b"\n"
        while line:
            line = line[os.write(self._descriptor, line) :]
        os.fsync(self._descriptor)
        self.replay.take(record)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Journals:
    """The journals of a library, oldest first, and the lock of the one process that may write them."""

    def __init__(self, library: Path) -> None:
        """Keep the place; nothing is made yet."""
        self.folder = library / ending.FOLDER

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock. Raises LibraryBusyError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.folder / "lock", flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise LibraryBusyError(
                "Files of this library are being put in order by another process.",
                hint="Wait until it has finished.",
            ) from None
        try:
            yield
        finally:
            os.close(descriptor)

    def numbers(self) -> list[int]:
        """Numbers of all runs, ascending."""
        return ending.numbers(self.folder)

    def path(self, number: int) -> Path:
        """The file of a run."""
        return ending.path_of(self.folder, number)

    def begin(
        self,
        kind: Kind,
        transfers: Sequence[Transfer],
        steps: Sequence[Step],
        *,
        token: str,
        of: int = 0,
        left: Sequence[Left] = (),
    ) -> Journal:
        """Write down what is to be done. The file appears whole or not at all."""
        number = max(self.numbers(), default=0) + 1
        head = {
            "format": 1,
            "kind": kind,
            "of": of,
            "token": token,
            "made": dt.datetime.now().replace(microsecond=0).isoformat(),
            "transfers": [to_json(each) for each in transfers],
            "steps": [to_json(each) for each in steps],
            "left": [{"path": os.fsdecode(e.path), "reason": e.reason, "line": e.line} for e in left],
        }
        path = self.path(number)
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(json.dumps(head).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        draft.rename(path)
        self._sync()
        return Journal(path, self.read(number))

    def _sync(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def open(self, number: int) -> Journal:
        """Go on with a run."""
        return Journal(self.path(number), self.read(number))

    def read(self, number: int) -> Replay:
        """Read a run. Raises StoreError when its file is damaged."""
        try:
            head, *records = list(self._records(number))
            replay = Replay(
                number=number,
                kind=head["kind"],
                of=head["of"],
                token=head["token"],
                made=head["made"],
                transfers=[transfer_from(each) for each in head["transfers"]],
                steps=[step_from(each) for each in head["steps"]],
                left=[
                    Left(path=os.fsencode(e["path"]), reason=e["reason"], line=e["line"])
                    for e in head["left"]
                ],
            )
            for record in records:
                replay.take(record)
        except FileNotFoundError:
            raise StoreError(f"There is no run {number}.", hint="'quire undo list' lists them.") from None
        except (OSError, ValueError, KeyError, TypeError, IndexError) as exc:
            raise StoreError(
                f"The journal {self.path(number)} cannot be read: {exc}.",
                hint="It lists what was renamed; keep it, and compare by hand.",
            ) from exc
        return replay

    def _records(self, number: int) -> Iterator[dict[str, Any]]:
        with self.path(number).open("rb") as stream:
            for line in stream:
                if line.endswith(b"\n"):
                    yield json.loads(line)


def new_token() -> str:
    """Makes a run's own names differ from everything else."""
    return secrets.token_hex(4)
