"""A plan against the disk: what of it can be done, what is left alone and why, in which steps.

Faults of the plan itself (a file named twice, two files with one name) raise; what the disk has against a
line leaves that file alone. Reads, and changes nothing.
"""

from __future__ import annotations

import errno
import os
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from indexer.organize import disk, trash
from indexer.organize.disk import Mark, is_inside
from indexer.organize.journal import Left, new_token
from indexer.organize.plan import Action, Plan, PlanError, identity
from indexer.organize.steps import Step, Transfer, Verb, schedule

CHECKOUTS = frozenset(
    {b".git", b".hg", b".svn", b".bzr", b".jj", b"_darcs", b"CVS", b".fslckout", b"_FOSSIL_", b".pijul"}
)
"""What lies in the folder of a version-control checkout."""

LONGEST = 4096
"""Bytes of a path, the zero at its end included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Where files may be changed."""

    roots: tuple[bytes, ...]
    never: tuple[bytes, ...] = ()
    """Folders that are left alone whatever a plan says: the library's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What of a plan can be done."""

    token: str
    transfers: tuple[Transfer, ...]
    steps: tuple[Step, ...]
    left: tuple[Left, ...]


def check(
    plan: Plan,
    bounds: Bounds,
    *,
    home_trash: bytes | None = None,
    seen: Callable[[int], None] = lambda count: None,
) -> Checked:
    """Compare a plan with the disk; every file in it is read once.

    Args:
        plan: The plan.
        bounds: Where files may be changed, beside the folders the plan names itself.
        home_trash: Instead of the user's.
        seen: Called with the number of files read so far.

    Raises:
        PlanError: the plan contradicts itself or leaves its bounds.
    """
    actions = [each for each in plan.actions if each.word == "trash" or each.target not in (b"", each.source)]
    _raise_faults(plan, actions, bounds)
    inspector = _Inspector((*bounds.roots, *plan.into), bounds.never, home_trash)
    transfers: list[Transfer] = []
    left: list[Left] = []
    lines: dict[int, int] = {}
    for number, action in enumerate(actions, 1):
        try:
            found = inspector.transfer(len(transfers), action)
        except _Refusal as exc:
            left.append(Left(path=action.source, reason=str(exc), line=action.line))
        else:
            lines[found.id] = action.line
            transfers.append(found)
        seen(number)
    settled = settle(transfers)
    left += [replace(each, line=lines[id]) for id, each in settled.left.items()]
    token = new_token()
    numbered = {each.id: replace(each, id=at) for at, each in enumerate(settled.transfers)}
    aliases = {numbered[id].id: numbered[other.id] for id, other in settled.aliases.items()}
    steps = schedule(list(numbered.values()), token, aliases)
    return Checked(
        token=token,
        transfers=tuple(numbered.values()),
        steps=tuple(steps),
        left=tuple(sorted(left, key=lambda each: each.line)),
    )


# --- faults of the plan ----------------------------------------------------------------------------


def _raise_faults(plan: Plan, actions: Sequence[Action], bounds: Bounds) -> None:
    faults = [*_repeated(plan.actions), *_out_of_bounds(plan, actions, bounds), *_trash_faults(plan.actions)]
    faults += _colliding(actions)
    if faults:
        raise PlanError(faults)


def _repeated(actions: Sequence[Action]) -> Iterator[tuple[int, str]]:
    lines: dict[bytes, int] = {}
    for each in actions:
        if each.source in lines:
            yield each.line, f"the file is named in line {lines[each.source]} already"
        lines.setdefault(each.source, each.line)


def _out_of_bounds(plan: Plan, actions: Sequence[Action], bounds: Bounds) -> Iterator[tuple[int, str]]:
    for each in actions:
        if not any(is_inside(each.source, root) for root in bounds.roots):
            yield each.line, "the file is in no folder of the library"
        if not each.target:
            continue
        if not any(is_inside(each.target, folder) for folder in (*bounds.roots, *plan.into)):
            yield each.line, "the new path is in no folder of the library, and in none named by 'into'"
        if any(len(part) > 255 for part in each.target.split(b"/")):
            yield each.line, "a part of the new path is longer than 255 bytes"
        elif len(each.target) >= LONGEST:
            yield each.line, f"the new path is longer than {LONGEST - 1} bytes"


def _trash_faults(actions: Sequence[Action]) -> Iterator[tuple[int, str]]:
    trashed = {each.source for each in actions if each.word == "trash"}
    for each in actions:
        if each.word == "trash" and each.kept in trashed:
            yield each.line, "the copy that should stay goes to the trash as well"


def _colliding(actions: Sequence[Action]) -> Iterator[tuple[int, str]]:
    lines: dict[bytes, int] = {}
    for each in actions:
        if each.target in lines:
            yield each.line, f"line {lines[each.target]} has the same new path"
        elif each.target:
            lines[each.target] = each.line
    for target, line in lines.items():
        for folder in disk.ancestors(target):
            if folder in lines:
                yield line, f"its folder is the new path of the file in line {lines[folder]}"
    spelled: dict[str, bytes] = {}
    for target, line in lines.items():
        other = spelled.setdefault(_folded(target), target)
        if other != target and ignores_case(os.path.dirname(target)):
            yield line, f"on its disk the new path is the same as that in line {lines[other]}"


def _folded(path: bytes) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", os.fsdecode(path)).casefold())


def ignores_case(folder: bytes) -> bool:
    """Whether names in a folder (or where it will be) that differ in case only are one name."""
    while not disk.is_folder(folder) and folder not in (b"/", b""):
        folder = os.path.dirname(folder)
    try:
        with os.scandir(folder) as entries:
            names = {entry.name for entry in entries}
        for name in sorted(names):
            swapped = name.swapcase()
            if swapped != name and swapped not in names:
                return disk.look(os.path.join(folder, swapped)) is not None
    except OSError:
        return False
    return False


# --- one line against the disk ---------------------------------------------------------------------


class _Refusal(Exception):
    """Why a file is left alone."""


class _Inspector:
    """Turns lines into transfers."""

    def __init__(self, folders: Sequence[bytes], never: Sequence[bytes], home_trash: bytes | None) -> None:
        self._folders = folders
        self._never = never
        self._home_trash = home_trash
        self._checkouts: dict[bytes, bool] = {}
        self._slots: set[bytes] = set()

    def transfer(self, id: int, action: Action) -> Transfer:
        """The transfer of a line. Raises _Refusal."""
        self._may_touch(action.source)
        found = self._mark(action)
        if action.word == "trash":
            return self._trash(id, action, found)
        self._may_touch(action.target)
        verb: Verb = action.word if action.word != "keep" else "move"
        return Transfer(id=id, verb=verb, source=action.source, target=action.target, mark=found)

    def _may_touch(self, path: bytes) -> None:
        if any(is_inside(path, place) for place in self._never):
            raise _Refusal("it belongs to the library itself")
        root = max((each for each in self._folders if is_inside(path, each)), key=len, default=b"")
        if any(part.startswith(b".") for part in path[len(root) :].split(b"/")):
            raise _Refusal("it is hidden, or in a hidden folder")
        if self._in_checkout(os.path.dirname(path)):
            raise _Refusal("it is in a version-control checkout")

    def _in_checkout(self, folder: bytes) -> bool:
        known = self._checkouts.get(folder)
        if known is None:
            known = any(os.path.lexists(os.path.join(folder, name)) for name in CHECKOUTS)
            known = known or (folder != b"/" and self._in_checkout(os.path.dirname(folder)))
            self._checkouts[folder] = known
        return known

    def _mark(self, action: Action) -> Mark:
        found = read_mark(action.source)
        if identity(found.size, found.mtime_ns, found.sha256) != action.id:
            raise _Refusal("it has changed since the plan was made")
        return found

    def _trash(self, id: int, action: Action, found: Mark) -> Transfer:
        if action.kept == action.source:
            raise _Refusal("it is named as its own copy")
        if any(is_inside(action.kept, place) for place in self._never):
            raise _Refusal("its copy belongs to the library itself")
        try:
            kept = read_mark(action.kept)
        except _Refusal as exc:
            raise _Refusal(f"its copy does not stay: {exc}") from None
        if (kept.dev, kept.ino) == (found.dev, found.ino):
            raise _Refusal("its copy is the same file under a second name")
        if (kept.size, kept.sha256) != (found.size, found.sha256):
            raise _Refusal("its copy has other bytes")
        try:
            place = trash.place_for(action.source, found.dev, home=self._home_trash)
            slot = trash.slot(place, action.source, self._slots)
        except OSError as exc:
            raise _Refusal(f"there is no trash for it ({exc.strerror})") from None
        return Transfer(
            id=id,
            verb="trash",
            source=action.source,
            target=slot.file,
            mark=found,
            kept=action.kept,
            note=slot.note,
            note_text=slot.text,
            notes="write",
        )


def read_mark(path: bytes) -> Mark:
    """What a file is now. Raises _Refusal in words for a person."""
    try:
        return disk.mark(path)
    except FileNotFoundError:
        raise _Refusal("it is not there") from None
    except disk.Differs as exc:
        raise _Refusal(
            f"it is {exc.strerror}" if exc.errno == errno.EINVAL else "it is being written"
        ) from None
    except OSError as exc:
        if exc.errno in (errno.ELOOP, errno.ENOTDIR):
            raise _Refusal("it is a link, or is reached through one") from None
        raise _Refusal(f"it cannot be read ({exc.strerror})") from None


# --- transfers against the disk --------------------------------------------------------------------


@dataclass(slots=True)
class Settled:
    """Transfers that can be made together, those that cannot, and who holds a target by another spelling."""

    transfers: list[Transfer]
    left: dict[int, Left] = field(default_factory=dict)
    aliases: dict[int, Transfer] = field(default_factory=dict)

    def leave(self, transfer: Transfer, reason: str) -> None:
        """Take a transfer out."""
        self.transfers.remove(transfer)
        self.left[transfer.id] = Left(path=transfer.source, reason=reason)


def settle(transfers: Sequence[Transfer], *, removable: Sequence[bytes] = ()) -> Settled:
    """Leave alone what may not be moved, finds its place taken, or has no space.

    What is left alone keeps its place, which may be another one's target: so it goes round until nothing
    changes.

    Args:
        transfers: With different sources and targets.
        removable: Folders that go when they are empty: a file may come back to the path of one.
    """
    settled = Settled(list(transfers))
    for each in transfers:
        reason = _forbidden(each)
        if reason:
            settled.leave(each, reason)
    while True:
        before = len(settled.transfers)
        _leave_occupied(settled, frozenset(removable))
        _leave_without_space(settled)
        if len(settled.transfers) == before:
            return settled


def _forbidden(transfer: Transfer) -> str:
    try:
        if not _may_change(os.path.dirname(transfer.source), transfer.source):
            return "its folder may not be changed"
        folder = _existing(transfer.target)
        if not _may_change(folder, b""):
            return f"{_shown(folder)} may not be changed"
        if os.stat(folder).st_dev != transfer.mark.dev:  # noqa: PTH116 - bytes
            return _uncopyable(transfer)
    except OSError as exc:
        return f"it cannot be looked at ({exc.strerror})"
    return ""


def _uncopyable(transfer: Transfer) -> str:
    found = disk.look(transfer.source)
    if found is not None and found.st_nlink > 1:
        return "it has several names (hard links), which another disk would part"
    if found is not None and os.geteuid() not in (0, found.st_uid):
        return "it belongs to another user, whom a copy on another disk would not"
    return ""


def _existing(path: bytes) -> bytes:
    """The nearest folder around a path that is there."""
    return next((folder for folder in disk.ancestors(path) if disk.is_folder(folder)), b"/")


def _may_change(folder: bytes, file: bytes) -> bool:
    descriptor = disk.open_folder(folder)
    try:
        effective = os.access in os.supports_effective_ids
        if not os.access(".", os.W_OK | os.X_OK, dir_fd=descriptor, effective_ids=effective):
            return False
        around = os.fstat(descriptor)
        if file and around.st_mode & stat.S_ISVTX and os.geteuid() not in (0, around.st_uid):
            owner = os.stat(os.path.basename(file), dir_fd=descriptor, follow_symlinks=False).st_uid
            return owner == os.geteuid()
    finally:
        os.close(descriptor)
    return True


def _leave_occupied(settled: Settled, removable: frozenset[bytes]) -> None:
    settled.aliases = {}
    sources = {each.source: each for each in settled.transfers}
    by_inode = {(each.mark.dev, each.mark.ino): each for each in settled.transfers}
    for each in list(settled.transfers):
        if each.target in sources or any(folder in sources for folder in disk.ancestors(each.target)):
            continue
        try:
            found = disk.look(each.target)
        except OSError:
            settled.leave(each, f"a part of {_shown(each.target)} is no folder, or a link")
            continue
        if found is None or (each.target in removable and _is_vacated(each.target, sources, removable)):
            continue
        holder = by_inode.get((found.st_dev, found.st_ino))
        if holder is not None and _is_alias(holder.source, each.target):
            settled.aliases[each.id] = holder
        else:
            settled.leave(each, f"{_shown(each.target)} is there already")


def _is_vacated(folder: bytes, sources: Collection[bytes], removable: frozenset[bytes]) -> bool:
    """Whether a folder is empty once the sources have left it and the removable folders in it have gone."""
    if folder not in removable or not disk.is_folder(folder):
        return False
    with os.scandir(folder) as entries:
        inside = [entry.path for entry in entries]
    return all(path in sources or _is_vacated(path, sources, removable) for path in inside)


def _is_alias(path: bytes, spelled: bytes) -> bool:
    """Whether two spellings are one entry of a folder that ignores case."""
    same_folder = _folded(os.path.dirname(path)) == _folded(os.path.dirname(spelled))
    return same_folder and _folded(path) == _folded(spelled) and not disk.lists(spelled)


def _leave_without_space(settled: Settled) -> None:
    wanted: dict[int, list[Transfer]] = defaultdict(list)
    for each in settled.transfers:
        device = os.stat(_existing(each.target)).st_dev  # noqa: PTH116 - bytes
        if device != each.mark.dev:
            wanted[device].append(each)
    for group in wanted.values():
        free = os.statvfs(_existing(group[0].target))
        needed = sum(each.mark.size for each in group)
        if needed > free.f_bavail * free.f_frsize:
            for each in group:
                settled.leave(each, f"the {needed:,} bytes that would move to its disk have no space there")


def _shown(path: bytes) -> str:
    return os.fsdecode(path)
