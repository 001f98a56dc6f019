"""Plans applied, interrupted runs taken up or taken back, applied runs undone: all of it journaled.

A run is carried out whole or not at all: when a step fails, what was done before it is taken back. The
same steps, the same journal and the same code serve applying, undoing and taking back, so that a kill at
any moment of any of them leaves a journal from which the next process goes on.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from indexer.errors import AppError, NotFoundError
from indexer.organize import disk
from indexer.organize.check import Checked, settle
from indexer.organize.disk import Mark
from indexer.organize.ending import is_interrupted
from indexer.organize.journal import Journal, Journals, Left, Replay, new_token
from indexer.organize.steps import TEMPORARY, Step, Transfer, reverse, schedule, to_json

Seen = Callable[[int, int], None]
"""Told steps done and steps in all."""

State = Literal["applied", "undone", "rolled back", "nothing"]


class InterruptedRunError(AppError):
    """An earlier run has not ended; nothing else may be done before it has."""

    title = "Interrupted"
    exit_code = 1

    def __init__(self, what: str) -> None:
        """Say what was interrupted."""
        super().__init__(
            f"{what} was interrupted and is half done.",
            hint="'quire organize --resume' finishes it, 'quire organize --rollback' takes it back.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended."""

    run: int
    state: State
    transfers: tuple[Transfer, ...] = ()
    """What was done; of a run that was taken back nothing."""
    left: tuple[Left, ...] = ()
    problem: str = ""
    """Why a run was taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """An applied plan, for a list."""

    number: int
    made: str
    """ISO date and time, local."""
    files: int
    state: Literal["applied", "undone", "partly undone", "rolled back", "interrupted"]
    remaining: int
    """Files that are not back."""


class StepFailed(Exception):
    """A step could not be done; the disk is as it was before it."""


class Runs:
    """The runs of one library."""

    def __init__(self, library: Path) -> None:
        """Keep the place; nothing is made before the first run."""
        self._library = library
        self._journals = Journals(library)

    # --- what there is ---

    def interrupted(self) -> str:
        """What was interrupted, in words that begin a sentence; "" when nothing was."""
        if not is_interrupted(self._library):
            return ""
        replay = self._journals.read(self._journals.numbers()[-1])
        what = {"apply": "Putting files in order", "undo": "Undoing", "rollback": "Taking a run back"}
        when = replay.made.replace("T", " ")
        return f"{what[replay.kind]} ({when}, step {replay.done} of {len(replay.steps)})"

    def applied(self) -> list[Run]:
        """Applied plans, newest first."""
        replays = [self._journals.read(number) for number in self._journals.numbers()]
        found = []
        for each in replays:
            if each.kind == "apply":
                undone = [other for other in replays if other.of == each.number and other.kind == "undo"]
                found.append(_told(each, [other for other in undone if other.end == "done"]))
        return found[::-1]

    # --- runs ---

    def apply(self, checked: Checked, *, seen: Seen = lambda done, of: None) -> Outcome:
        """Carry out what was checked.

        Raises:
            InterruptedRunError: an earlier run has not ended.
            LibraryBusyError: another process is at it.
        """
        with self._journals.locked():
            self._refuse_interrupted()
            if not checked.steps:
                return Outcome(run=0, state="nothing", left=checked.left)
            journal = self._journals.begin(
                "apply", checked.transfers, checked.steps, token=checked.token, left=checked.left
            )
            with journal:
                return self._carry_out(journal, seen)

    def undo(self, number: int = 0, *, dry_run: bool = False, seen: Seen = lambda done, of: None) -> Outcome:
        """Take an applied plan back; what has changed since is left alone.

        Args:
            number: The run; 0 for the last one that is not undone.
            dry_run: Only tell what would be done.
            seen: Told of the progress.

        Raises:
            NotFoundError: there is no such run, or nothing to undo.
            InterruptedRunError: an earlier run has not ended.
            LibraryBusyError: another process is at it.
        """
        with self._journals.locked():
            self._refuse_interrupted()
            replay, remaining = self._to_undo(number)
            back, left = _unchanged(reverse(remaining, noted=replay.noted))
            settled = settle(back, removable=replay.folders)
            left += settled.left.values()
            transfers = [replace(each, id=at) for at, each in enumerate(settled.transfers)]
            if dry_run or not transfers:
                return Outcome(
                    run=replay.number, state="nothing", transfers=tuple(transfers), left=tuple(left)
                )
            token = new_token()
            steps = schedule(transfers, token, removable=replay.folders)
            journal = self._journals.begin("undo", transfers, steps, token=token, of=replay.number, left=left)
            with journal:
                return self._carry_out(journal, seen)

    def resume(self, *, seen: Seen = lambda done, of: None) -> Outcome:
        """Finish what was interrupted. Raises NotFoundError."""
        with self._journals.locked(), self._journals.open(self._unended()) as journal:
            if journal.replay.kind == "rollback":
                return self._finish_rollback(journal, seen)
            return self._carry_out(journal, seen)

    def rollback(self, *, seen: Seen = lambda done, of: None) -> Outcome:
        """Take back what was interrupted. Raises NotFoundError."""
        with self._journals.locked(), self._journals.open(self._unended()) as journal:
            if journal.replay.kind == "rollback":
                return self._finish_rollback(journal, seen)
            return self._take_back(journal, "it was interrupted.", seen)

    def _refuse_interrupted(self) -> None:
        what = self.interrupted()
        if what:
            raise InterruptedRunError(what)

    def _unended(self) -> int:
        if not is_interrupted(self._library):
            raise NotFoundError("Nothing was interrupted.")
        return self._journals.numbers()[-1]

    def _to_undo(self, number: int) -> tuple[Replay, list[Transfer]]:
        """A run, and its files that are not back yet, as they are now."""
        runs = self.applied()
        if number:
            run = next((each for each in runs if each.number == number), None)
        else:
            run = next((each for each in runs if each.state == "applied"), None)
        if run is None or not run.remaining:
            what = f"Run {number} is not there, or is undone." if number else "There is nothing to undo."
            raise NotFoundError(what, hint="'quire undo list' lists what was applied.")
        replay = self._journals.read(run.number)
        others = [self._journals.read(other) for other in self._journals.numbers() if other > run.number]
        undone = [other for other in others if other.of == run.number and other.kind == "undo"]
        back = _returned([other for other in undone if other.end == "done"])
        remaining = [
            replace(each, mark=replay.marks[each.id]) for each in replay.moved if each.source not in back
        ]
        return replay, remaining

    # --- carrying out ---

    def _carry_out(self, journal: Journal, seen: Seen) -> Outcome:
        replay = journal.replay
        try:
            _Execution(journal, lenient=False).go(seen)
        except StepFailed as exc:
            return self._take_back(journal, str(exc), seen)
        journal.write(end="done")
        return Outcome(
            run=replay.of or replay.number,
            state="applied" if replay.kind == "apply" else "undone",
            transfers=tuple(replay.transfers),
            left=tuple(replay.left),
        )

    def _take_back(self, journal: Journal, problem: str, seen: Seen) -> Outcome:
        replay = journal.replay
        _Execution(journal, lenient=True).settle_begun()
        back, left = _turned_back(replay)
        settled = settle(back, removable=replay.folders)
        left += settled.left.values()
        transfers = [replace(each, id=at) for at, each in enumerate(settled.transfers)]
        token = new_token()
        steps = _stray_notes(replay) + schedule(transfers, token, removable=replay.folders)
        begun = self._journals.begin("rollback", transfers, steps, token=token, of=replay.number, left=left)
        with begun:
            begun.write(problem=problem)
            return self._finish_rollback(begun, seen)

    def _finish_rollback(self, journal: Journal, seen: Seen) -> Outcome:
        replay = journal.replay
        _Execution(journal, lenient=True).go(seen)
        with self._journals.open(replay.of) as rolled:
            rolled.write(end="rolled back")
        journal.write(end="done")
        return Outcome(
            run=replay.of,
            state="rolled back",
            left=(*replay.left, *replay.failures()),
            problem=replay.problem,
        )


def _told(replay: Replay, undone: Sequence[Replay]) -> Run:
    back = _returned(undone)
    moved = replay.moved
    remaining = sum(each.source not in back for each in moved)
    state: Literal["applied", "undone", "partly undone", "rolled back", "interrupted"]
    if replay.end == "rolled back":
        state = "rolled back"
    elif not replay.end:
        state = "interrupted"
    elif not undone:
        state = "applied"
    else:
        state = "partly undone" if remaining else "undone"
    rolled_back = state == "rolled back"
    return Run(
        number=replay.number,
        made=replay.made,
        files=len(replay.transfers),
        state=state,
        remaining=0 if rolled_back else remaining,
    )


def _returned(undone: Sequence[Replay]) -> set[bytes]:
    """The old paths of files that some undoing has brought back."""
    return {each.target for replay in undone for each in replay.moved}


def _unchanged(transfers: Sequence[Transfer]) -> tuple[list[Transfer], list[Left]]:
    """Those whose file is where it was put, as it was put there; the others are left alone."""
    same, left = [], []
    for each in transfers:
        reason, mark = _changed(each)
        if reason:
            left.append(Left(path=each.source, reason=reason))
        else:
            same.append(replace(each, mark=mark))
    return same, left


def _changed(transfer: Transfer) -> tuple[str, Mark]:
    mark = transfer.mark
    where = "in the trash" if transfer.note else "where it was put"
    try:
        found = disk.look(transfer.source)
        if found is None:
            return f"it is no longer {where}", mark
        if mark.is_file(found) and found.st_ctime_ns == mark.ctime_ns:
            return "", mark
        now = disk.mark(transfer.source)
    except OSError as exc:
        return f"it cannot be read ({exc.strerror})", mark
    if (now.size, now.mtime_ns, now.sha256) != (mark.size, mark.mtime_ns, mark.sha256):
        return "it has changed since", mark
    return "", now


def _turned_back(replay: Replay) -> tuple[list[Transfer], list[Left]]:
    """The transfers that take back what a run has done so far."""
    back, left = [], []
    for each in replay.moved:
        here, mark = replay.place[each.id], replay.marks[each.id]
        noted = each.id in replay.noted
        notes: Literal["", "write", "remove"] = ""
        if each.notes == "write" and noted:
            notes = "remove"
        elif each.notes == "remove" and not noted:
            notes = "write"
        turned = replace(each, source=here, target=each.source, mark=mark, kept=b"", notes=notes)
        reason, mark = _changed(turned)
        if reason and _is_ours(here) and (found := _peek(here)) is not None:
            mark = replace(mark.at(found), size=found.st_size, mtime_ns=found.st_mtime_ns)
        elif reason:
            left.append(Left(path=here, reason=reason))
            continue
        back.append(replace(turned, mark=mark))
    return back, left


def _is_ours(path: bytes) -> bool:
    return os.path.basename(path).startswith(TEMPORARY)


def _stray_notes(replay: Replay) -> list[Step]:
    """Notes that were written for files that did not follow."""
    moved = {each.id for each in replay.moved}
    return [
        Step("unnote", each.note, text=each.note_text)
        for each in replay.transfers
        if each.notes == "write" and each.id in replay.noted and each.id not in moved
    ]


# --- steps -----------------------------------------------------------------------------------------


class _Execution:
    """Does the steps of a journal, from the first that is not done."""

    def __init__(self, journal: Journal, *, lenient: bool) -> None:
        """Keep the journal.

        Args:
            journal: The run.
            lenient: A step that fails is noted and passed over; otherwise it raises StepFailed.
        """
        self._journal = journal
        self._replay = journal.replay
        self._lenient = lenient

    def go(self, seen: Seen) -> None:
        """Do what is left."""
        self.settle_begun()
        steps = self._replay.steps
        done: dict[str, Any] = {}
        for number in range(self._replay.done, len(steps)):
            self._journal.write(**done, begin=number)
            done = {"done": number, **self._try(steps[number])}
            seen(number + 1, len(steps))
        if done:
            self._journal.write(**done)

    def settle_begun(self) -> None:
        """Find out whether the step that was begun has happened, and note it; tidy up when it has not."""
        replay = self._replay
        if not replay.begun:
            return
        try:
            facts = self._happened(replay.steps[replay.done])
        except StepFailed as exc:
            if not self._lenient:
                raise
            facts = {"failed": str(exc)}
        if facts is not None:
            self._journal.write(done=replay.done, **facts)
        else:
            self._journal.write(again=replay.done)

    def _try(self, step: Step) -> dict[str, Any]:
        try:
            return self._do(step)
        except StepFailed as exc:
            failure = exc
        except OSError as exc:
            failure = StepFailed(f"{os.fsdecode(step.path)}: {_reason(exc, step)}")
        try:
            facts = self._happened(step)
        except StepFailed as exc:
            failure, facts = exc, None
        if facts is not None:
            return facts
        if not self._lenient:
            raise failure
        return {"failed": str(failure), **self._bring_back(step)}

    def _bring_back(self, step: Step) -> dict[str, Any]:
        """A file must not stay under a name of ours: it goes back to where this run found it."""
        if step.do == "move" and _is_ours(step.path):
            transfer = self._replay.transfers[step.transfer]
            try:
                disk.rename(step.path, transfer.source)
            except OSError:
                return {}
            return {"back": True}
        return {}

    def _do(self, step: Step) -> dict[str, Any]:
        match step.do:
            case "move":
                return self._move(step)
            case "mkdir":
                return self._make_folder(step)
            case "rmdir":
                disk.remove_folder(step.path)
            case "note":
                disk.write_new(step.path, step.text.encode())
            case "unnote":
                if disk.read_small(step.path) == step.text.encode():
                    disk.remove(step.path)
        return {}

    def _make_folder(self, step: Step) -> dict[str, Any]:
        if disk.is_folder(step.path):
            return {"made": False}
        disk.make_folder(step.path, step.mode)
        return {"made": True}

    # --- moving ---

    def _move(self, step: Step) -> dict[str, Any]:
        mark = self._replay.marks[step.transfer]
        if not mark.is_file(disk.look(step.path)):
            raise StepFailed(f"{os.fsdecode(step.path)} has changed meanwhile.")
        self._compare_copy(step)
        try:
            disk.rename(step.path, step.target)
        except OSError as exc:
            if exc.errno != errno.EXDEV:
                raise
            return self._carry(step, mark)
        found = disk.look(step.target)
        if found is None or not mark.is_file(found):
            # Another file took its name in the last moment; it gets it back.
            disk.rename(step.target, step.path)
            raise StepFailed(f"{os.fsdecode(step.path)} has changed meanwhile.")
        return {"mark": to_json(mark.at(found))}

    def _compare_copy(self, step: Step) -> None:
        """A copy goes to the trash only when the file that stays holds the same bytes, now."""
        transfer = self._replay.transfers[step.transfer]
        if not transfer.kept:
            return
        kept = next(
            (self._replay.place[each.id] for each in self._replay.transfers if each.source == transfer.kept),
            transfer.kept,
        )
        if not disk.same_bytes(step.path, kept):
            raise StepFailed(f"{os.fsdecode(step.path)} no longer has a copy with the same bytes.")

    def _carry(self, step: Step, mark: Mark) -> dict[str, Any]:
        """Move to another device: copy beside the target, name it, and only then remove the source."""
        made = disk.copy(step.path, step.via, mark)
        self._journal.write(copied=[made.st_dev, made.st_ino])
        disk.rename(step.via, step.target)
        disk.remove(step.path, mark)
        found = disk.look(step.target)
        if found is None:
            raise StepFailed(f"{os.fsdecode(step.target)} has gone meanwhile.")
        return {"mark": to_json(mark.at(found))}

    # --- after an interruption ---

    def _happened(self, step: Step) -> dict[str, Any] | None:
        """What a begun step has led to; None when it has to be done (again), half of it taken away."""
        try:
            match step.do:
                case "move":
                    return self._has_moved(step)
                case "mkdir":
                    return self._has_made(step)
                case "note":
                    return self._has_noted(step)
                case "unnote" | "rmdir":
                    return {} if disk.look(step.path) is None else None
        except OSError as exc:
            raise StepFailed(f"{os.fsdecode(step.path)}: {_reason(exc, step)}") from exc

    def _has_moved(self, step: Step) -> dict[str, Any] | None:
        mark = self._replay.marks[step.transfer]
        here, there = disk.look(step.path), _peek(step.target)
        if there is not None and mark.is_inode(there):
            if mark.is_inode(here):
                disk.remove(step.path)  # renamed by a second name; the first was still there
            return {"mark": to_json(mark.at(there))}
        if there is not None and self._replay.copied == (there.st_dev, there.st_ino):
            return self._has_carried(step, mark, here, there)
        if _peek(step.via) is not None:
            disk.remove(step.via)
        return None

    def _has_carried(
        self, step: Step, mark: Mark, here: os.stat_result | None, there: os.stat_result
    ) -> dict[str, Any] | None:
        """The copy has its name; the source may still be there."""
        untouched = (there.st_size, there.st_mtime_ns) == (mark.size, mark.mtime_ns)
        if here is None:
            return {"mark": to_json(mark.at(there))}
        if mark.is_file(here) and untouched:
            disk.remove(step.path, mark)
            return {"mark": to_json(mark.at(there))}
        if untouched:
            disk.remove(step.target)  # the source was written to meanwhile: the copy is out of date
            return None
        raise StepFailed(f"{os.fsdecode(step.path)} was changed in both places; both are there.")

    def _has_made(self, step: Step) -> dict[str, Any] | None:
        if not disk.is_folder(step.path):
            return None
        with disk.parent(step.path) as (folder, name):
            disk.set_mode(folder, name, step.mode)
        return {"made": True}

    def _has_noted(self, step: Step) -> dict[str, Any] | None:
        found = disk.read_small(step.path)
        if found is not None and found == step.text.encode():
            return {}
        if found is not None and step.text.encode().startswith(found):
            disk.remove(step.path)  # torn
        return None


def _peek(path: bytes) -> os.stat_result | None:
    """What is at a path; None also when its folder cannot be reached."""
    try:
        return disk.look(path)
    except OSError:
        return None


def _reason(exc: OSError, step: Step) -> str:
    match exc.errno:
        case errno.EEXIST:
            return f"{os.fsdecode(step.target or step.path)} has appeared meanwhile."
        case errno.ENOENT:
            return "it, or the folder it should go to, has gone meanwhile."
        case errno.ELOOP | errno.ENOTDIR:
            return "a folder on the way is a link, or a folder no more."
        case errno.ENOSPC | errno.EDQUOT:
            return "there is no space left on the disk."
    return f"{exc.strerror or exc}."
