"""What goes wrong while files are put in order: at every operation, at the last moment, on odd disks."""

from __future__ import annotations

import errno
import itertools
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from indexer.errors import LibraryBusyError, NotFoundError
from indexer.library import Library
from indexer.organize import disk, trash
from indexer.organize.check import Bounds, Checked, check
from indexer.organize.journal import Journals
from indexer.organize.plan import Action, PlanError
from indexer.organize.runs import InterruptedRunError, Outcome, Runs
from tests.builders import HashEmbedder, settings, until
from tests.indexer.trees import (
    Entry,
    Killed,
    action,
    bounds,
    dying,
    ignoring_case,
    meanwhile,
    parted,
    picture,
    plan,
    without_renameat2,
)

STRIDE = int(os.environ.get("QUIRE_TEST_STRIDE", "5"))
"""Operations between two kills; 1 takes minutes."""


def path_of(path: bytes) -> Path:
    return Path(os.fsdecode(path))


class Desk:
    """A folder of documents, a trash and a library."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.root = os.fsencode(place / "documents")
        self.trash = os.fsencode(place / "trash")
        for name in ("documents", "library"):
            (place / name).mkdir(exist_ok=True)

    def put(self, name: str, text: str = "") -> bytes:
        path = self.place / "documents" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text or name)
        return os.fsencode(path)

    def at(self, name: str) -> bytes:
        return os.path.join(self.root, name.encode())

    def check(self, *actions: Action) -> Checked:
        return check(plan(*actions), bounds(self.root), home_trash=self.trash)

    @property
    def runs(self) -> Runs:
        return Runs(self.place / "library")

    def apply(self, *actions: Action) -> Outcome:
        return self.runs.apply(self.check(*actions))

    def picture(self) -> dict[bytes, Entry]:
        return {**picture(self.root), **picture(self.trash)}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def everything(desk: Desk) -> list[Action]:
    """A swap, a way below itself, a copy to the trash, another device, new folders."""
    a, b, c, deep, far = (desk.put(name) for name in ("a", "b", "c", "deep", "one/far"))
    copy = desk.put("copy of a", "a")
    return [
        action("rename", a, b),
        action("rename", b, a),
        action("trash", copy, a),
        action("move", deep, desk.at("deep/er")),
        action("move", c, desk.at("Two/new/c")),
        action("move", far, desk.at("c")),
    ]


# --- every moment ----------------------------------------------------------------------------------


def stories() -> Iterator[Any]:
    """Each begins at another operation, so that together they die at most of them."""
    disks: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "one device": nullcontext,
        "two devices": lambda: parted(b"Two"),
        "no renameat2": without_renameat2,
    }
    told = itertools.product(disks, ("apply", "undo"), ("resume", "rollback"))
    for first, (name, work, end) in enumerate(told):
        yield pytest.param(disks[name], work, end, first % STRIDE, id=f"{name}, {work}, {end}")


@pytest.mark.parametrize(("disk_of", "work", "end", "number"), list(stories()))
def test_a_kill_at_each_operation_leaves_the_state_before_or_after(
    desk: Desk, disk_of: Callable[[], AbstractContextManager[None]], work: str, end: str, number: int
) -> None:
    actions = everything(desk)
    before = desk.picture()
    with disk_of():
        assert desk.apply(*actions).state == "applied"
        after = desk.picture()
        assert desk.runs.undo().left == ()
        assert desk.picture() == before
        while _killed_at(desk, actions, number, work):
            if desk.runs.interrupted():
                getattr(desk.runs, end)()
                expected = (after, before) if work == "apply" else (before, after)
                assert _same(desk.picture(), expected[end == "rollback"]), number
            if desk.picture() != before:
                assert desk.runs.undo().left == ()
            assert desk.picture() == before, number
            number += STRIDE
        assert number > 60


def _killed_at(desk: Desk, actions: list[Action], number: int, work: str) -> bool:
    """Apply, and for `undo` undo; die at an operation. False when there are not so many."""
    checked = desk.check(*actions)
    if work == "undo":
        desk.runs.apply(checked)
    try:
        with dying(number, torn=number % 2 == 1):
            if work == "undo":
                desk.runs.undo()
            else:
                desk.runs.apply(checked)
    except Killed:
        return True
    return False


def _same(a: dict[bytes, Entry], b: dict[bytes, Entry]) -> bool:
    """Equal but for the dates in the notes of the trash, and for their times."""
    return {path: _timeless(path, each) for path, each in a.items()} == {
        path: _timeless(path, each) for path, each in b.items()
    }


def _timeless(path: bytes, entry: Entry) -> Entry:
    if not path.endswith(trash.SUFFIX) or entry.content is None:
        return entry
    return Entry(entry.content.partition(b"DeletionDate")[0], entry.mode, 0)


# --- the last moment -------------------------------------------------------------------------------


def test_what_appears_at_the_last_moment_is_not_overwritten(desk: Desk) -> None:
    checked = desk.check(
        action("rename", desk.put("a"), desk.at("x")), action("rename", desk.put("b"), desk.at("y"))
    )
    before = desk.picture()
    with meanwhile(2, lambda: desk.put("y", "somebody's")):
        outcome = desk.runs.apply(checked)
    assert outcome.state == "rolled back"
    assert "y has appeared meanwhile" in outcome.problem
    assert desk.picture().keys() - before.keys() == {desk.at("y")}
    assert path_of(desk.at("y")).read_text() == "somebody's"


def test_a_file_that_changes_at_the_last_moment_stays_and_all_is_taken_back(desk: Desk) -> None:
    checked = desk.check(
        action("rename", desk.put("a"), desk.at("x")), action("rename", desk.put("b"), desk.at("y"))
    )
    desk.put("b", "edited")
    outcome = desk.runs.apply(checked)
    assert (outcome.state, "b has changed" in outcome.problem) == ("rolled back", True)
    assert {os.path.basename(path) for path in desk.picture()} == {b"a", b"b"}


def test_a_file_put_under_the_name_at_the_last_moment_gets_it_back(desk: Desk) -> None:
    source = desk.put("a")
    checked = desk.check(action("rename", source, desk.at("x")))

    def replace_it() -> None:
        other = desk.put("other", "another one")
        path_of(other).replace(os.fsdecode(source))

    with meanwhile(1, replace_it):
        assert desk.runs.apply(checked).state == "rolled back"
    assert path_of(source).read_text() == "another one"
    assert not os.path.lexists(desk.at("x"))


def test_a_copy_stays_when_the_other_one_changes_at_the_last_moment(desk: Desk) -> None:
    kept, spare = desk.put("a", "same"), desk.put("b", "same")
    checked = desk.check(action("trash", spare, kept))
    status = path_of(kept).stat()
    desk.put("a", "else")
    os.utime(kept, ns=(status.st_atime_ns, status.st_mtime_ns))  # nothing but the bytes tells
    outcome = desk.runs.apply(checked)
    assert (outcome.state, "no longer has a copy" in outcome.problem) == ("rolled back", True)
    assert os.path.lexists(spare)
    assert picture(desk.trash) == {}


def test_a_copy_goes_while_the_one_that_stays_is_renamed(desk: Desk) -> None:
    kept, spare = desk.put("a", "same"), desk.put("b", "same")
    outcome = desk.apply(action("rename", kept, desk.at("x")), action("trash", spare, kept))
    assert outcome.state == "applied"
    assert {os.path.basename(path) for path in picture(desk.root)} == {b"x"}


def test_a_full_disk_takes_everything_back(desk: Desk) -> None:
    actions = everything(desk)
    before = desk.picture()
    full = mock.Mock(side_effect=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    with parted(b"Two"), mock.patch.object(disk, "_fill", full):
        outcome = desk.apply(*actions)
    assert full.called
    assert (outcome.state, "no space left" in outcome.problem) == ("rolled back", True)
    assert desk.picture() == before


def test_folders_that_become_links_are_not_followed(desk: Desk, tmp_path: Path) -> None:
    source = desk.put("in/a")
    checked = desk.check(action("move", source, desk.at("out/a")))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "documents/out").symlink_to(tmp_path / "elsewhere")
    outcome = desk.runs.apply(checked)
    assert (outcome.state, os.path.lexists(source)) == ("rolled back", True)
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert "or a link" in desk.check(action("move", source, desk.at("out/a"))).left[0].reason


# --- what a plan may not do ------------------------------------------------------------------------


def test_faults_of_a_plan_are_found_before_anything_is_touched(desk: Desk, tmp_path: Path) -> None:
    a, b = desk.put("a", "same"), desk.put("b", "same")
    outside = os.fsencode(tmp_path / "outside")
    path_of(outside).write_text("mine")
    faulty = {
        "named in line": [action("rename", a, desk.at("x")), action("rename", a, desk.at("y"))],
        "the same new path": [action("rename", a, desk.at("x")), action("rename", b, desk.at("x"))],
        "its folder is the new path": [action("move", a, desk.at("x")), action("move", b, desk.at("x/y"))],
        "in no folder of the library": [action("move", a, outside + b"2")],
        "the file is in no folder": [action("rename", outside, desk.at("x"))],
        "goes to the trash as well": [action("trash", a, b), action("trash", b, a)],
        "longer than 255": [action("rename", a, desk.at("x" * 256))],
    }
    for words, actions in faulty.items():
        with pytest.raises(PlanError, match=words):
            desk.check(*actions)


def test_where_case_does_not_count_it_may_change_and_tells_no_names_apart(desk: Desk) -> None:
    a, b = desk.put("a.txt"), desk.put("b.txt")
    before = desk.picture()
    with ignoring_case():
        with pytest.raises(PlanError, match="on its disk the new path is the same"):
            desk.check(action("rename", a, desk.at("x")), action("rename", b, desk.at("X")))
        checked = desk.check(action("rename", a, desk.at("A.txt")), action("move", b, desk.at("new/b.txt")))
    assert checked.left == ()
    assert len([step for step in checked.steps if step.do == "move"]) == 3  # by a name of our own
    assert desk.runs.apply(checked).state == "applied"
    assert {os.path.basename(path) for path in desk.picture()} == {b"A.txt", b"new", b"b.txt"}
    desk.runs.undo()
    assert desk.picture() == before


def test_what_may_not_be_touched_is_left_alone(desk: Desk, tmp_path: Path) -> None:
    desk.put("repository/.git/HEAD")
    tracked, hidden, plain = desk.put("repository/a"), desk.put(".notes/a"), desk.put("plain", "same")
    link, second = desk.at("link"), desk.at("second")
    path_of(link).symlink_to(os.fsdecode(plain))
    os.link(plain, second)
    other = desk.put("other", "another")
    mark = action("keep", plain).id
    lines = [
        action("rename", tracked, desk.at("repository/b")),
        action("rename", hidden, desk.at("b")),
        action("move", other, desk.at("repository/c")),
        Action(word="rename", id=mark, source=link, target=desk.at("l")),
        action("trash", second, plain),
    ]
    checked = desk.check(*lines)
    assert checked.steps == ()
    reasons = [each.reason for each in checked.left]
    for words in ("checkout", "hidden", "a link", "under a second name"):
        assert any(words in reason for reason in reasons), words
    own = check(plan(action("rename", plain, desk.at("x"))), Bounds(roots=(desk.root,), never=(desk.root,)))
    assert "library itself" in own.left[0].reason


def test_a_read_only_folder_is_left_alone(desk: Desk) -> None:
    locked, opened = desk.put("locked/a"), desk.put("open/b")
    with as_another_user(desk):
        path_of(desk.at("locked")).chmod(0o555)
        checked = desk.check(
            action("rename", locked, desk.at("locked/x")), action("move", opened, desk.at("locked/b"))
        )
        path_of(desk.at("locked")).chmod(0o755)
    assert checked.steps == ()
    reasons = [each.reason for each in checked.left]
    assert reasons[0] == "its folder may not be changed"
    assert reasons[1].endswith("locked may not be changed")


@contextmanager
def as_another_user(desk: Desk) -> Iterator[None]:
    """Root may write everywhere: the files belong to somebody else for a while, who looks at them."""
    if os.geteuid() != 0:
        yield
        return
    places = [desk.place, *desk.place.rglob("*")]
    opened = [each for each in (desk.place, *desk.place.parents) if not each.stat().st_mode & 0o001]
    for each in opened:
        each.chmod(each.stat().st_mode | 0o011)
    for each in places:
        os.chown(each, 65534, 65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        for each in places:
            os.chown(each, 0, 0)
        for each in opened:
            each.chmod(each.stat().st_mode & ~0o011)


# --- undoing ---------------------------------------------------------------------------------------


def test_what_changed_since_is_left_alone_by_undo(desk: Desk) -> None:
    names = ("a", "b", "c", "d")
    desk.apply(*[action("move", desk.put(name), desk.at(f"new/{name}")) for name in names])
    desk.put("new/a", "edited")
    path_of(desk.at("new/b")).unlink()
    desk.put("c", "somebody else's")
    outcome = desk.runs.undo()
    reasons = {os.path.basename(each.path): each.reason for each in outcome.left}
    assert reasons[b"a"] == "it has changed since"
    assert reasons[b"b"] == "it is no longer where it was put"
    assert "is there already" in reasons[b"c"]
    assert [os.path.basename(each.target) for each in outcome.transfers] == [b"d"]
    assert desk.runs.applied()[0].state == "partly undone"
    path_of(desk.at("c")).unlink()
    again = desk.runs.undo(1)
    assert [os.path.basename(each.target) for each in again.transfers] == [b"c"]
    assert path_of(desk.at("c")).read_text() == "c"
    assert path_of(desk.at("new/a")).read_text() == "edited"


def test_runs_are_undone_from_the_last_one_on(desk: Desk) -> None:
    desk.apply(action("rename", desk.put("a"), desk.at("b")))
    desk.apply(action("rename", desk.at("b"), desk.at("c")))
    assert "no longer where it was put" in desk.runs.undo(1).left[0].reason
    assert [desk.runs.undo().run, desk.runs.undo().run] == [2, 1]
    assert {os.path.basename(path) for path in desk.picture()} == {b"a"}
    with pytest.raises(NotFoundError):
        desk.runs.undo()


def test_one_process_at_a_time_and_nothing_after_an_interruption(desk: Desk, tmp_path: Path) -> None:
    checked = desk.check(action("rename", desk.put("a"), desk.at("b")))
    with Journals(tmp_path / "library").locked(), pytest.raises(LibraryBusyError):
        desk.runs.apply(checked)
    with pytest.raises(Killed), dying(5):
        desk.runs.apply(checked)
    with pytest.raises(InterruptedRunError, match="half done"):
        desk.runs.apply(checked)
    with pytest.raises(InterruptedRunError):
        desk.runs.undo()


def test_modes_times_and_attributes_survive_another_device(desk: Desk) -> None:
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK) or shared.stat().st_dev == path_of(desk.root).stat().st_dev:
        pytest.skip("needs a second device")
    with tempfile.TemporaryDirectory(prefix="quire-", dir=shared) as name:
        far = os.fsencode(name)
        source = desk.put("a", "text " * 50_000)
        path_of(source).chmod(0o640)
        os.utime(source, ns=(1, 1_234_567_890_123_456_789))
        attributes = _attributes(source, far)
        before = desk.picture()
        lines = plan(action("move", source, os.path.join(far, b"new/a")))
        checked = check(lines, bounds(desk.root, far), home_trash=desk.trash)
        assert desk.runs.apply(checked).state == "applied"
        moved = os.path.join(far, b"new/a")
        assert picture(far)[moved] == before[source]
        assert not os.path.lexists(source)
        if attributes:
            assert os.getxattr(moved, "user.colour") == b"red"
        assert desk.runs.undo().left == ()
        assert desk.picture() == before
        assert picture(far) == {}
        if attributes:
            assert os.getxattr(source, "user.colour") == b"red"


def test_a_disk_without_space_is_left_alone(desk: Desk) -> None:
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK) or shared.stat().st_dev == path_of(desk.root).stat().st_dev:
        pytest.skip("needs a second device")
    source, near = desk.put("a", "text"), desk.put("b")
    full = SimpleNamespace(f_bavail=3, f_frsize=1)
    with tempfile.TemporaryDirectory(prefix="quire-", dir=shared) as name:
        far = os.fsencode(name)
        lines = plan(action("move", source, os.path.join(far, b"a")), action("rename", near, source))
        with mock.patch.object(os, "statvfs", return_value=full):
            checked = check(lines, bounds(desk.root, far), home_trash=desk.trash)
    reasons = [each.reason for each in checked.left]
    assert "have no space there" in reasons[0]
    assert "is there already" in reasons[1]  # its place is not freed, then


def _attributes(path: bytes, far: bytes) -> bool:
    """Give a file an extended attribute, where both file systems can hold it."""
    trial = os.path.join(far, b"trial")
    path_of(trial).touch()
    try:
        os.setxattr(trial, "user.colour", b"red")
        os.setxattr(path, "user.colour", b"red")
    except OSError:
        return False
    finally:
        path_of(trial).unlink()
    return True


def test_new_folders_are_as_open_as_those_around_them(desk: Desk) -> None:
    path_of(desk.root).chmod(0o750)
    desk.apply(action("move", desk.put("a"), desk.at("new/deep/a")))
    for name in ("new", "new/deep"):
        assert stat.S_IMODE(path_of(desk.at(name)).stat().st_mode) == 0o750


# --- the trash -------------------------------------------------------------------------------------


def test_the_trash_is_as_the_specification_says(desk: Desk) -> None:
    kept = desk.put("keep", "same")
    names = ["100% é\n.txt", "two/100% é\n.txt"]
    desk.apply(*[action("trash", desk.put(name, "same"), kept) for name in names])
    files, info = (
        sorted(map(os.path.basename, picture(desk.trash + part))) for part in (b"/files", b"/info")
    )
    assert files == ["100% é\n.2.txt".encode(), "100% é\n.txt".encode()]
    assert info == [name + b".trashinfo" for name in files]
    notes = [path_of(os.path.join(desk.trash, b"info", name)).read_text("ascii") for name in info]
    for note, name in zip(notes, ("two/100%25%20%C3%A9%0A.txt", "100%25%20%C3%A9%0A.txt"), strict=True):
        head, path, date = note.splitlines()
        assert head == "[Trash Info]"
        assert path == f"Path={os.fsdecode(desk.root)}/{name}"
        assert date.startswith("DeletionDate=2")
    assert stat.S_IMODE(path_of(desk.trash).stat().st_mode) == 0o700


def test_another_device_has_a_trash_of_its_own(desk: Desk) -> None:
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK) or shared.stat().st_dev == path_of(desk.root).stat().st_dev:
        pytest.skip("needs a second device")
    found = trash.place_for(b"/dev/shm/docs/a", shared.stat().st_dev, home=desk.trash)
    assert found.top == b"/dev/shm"
    assert found.folder in (b"/dev/shm/.Trash-%d" % os.getuid(), b"/dev/shm/.Trash/%d" % os.getuid())
    slot = trash.slot(found, b"/dev/shm/docs/a b", set())
    assert "Path=docs/a%20b\n" in slot.text


def test_a_name_too_long_for_the_trash_is_cut(desk: Desk) -> None:
    kept, spare = desk.put("keep", "same"), desk.put("é" * 125 + ".txt", "same")
    before = desk.picture()
    assert desk.apply(action("trash", spare, kept)).state == "applied"
    desk.runs.undo()
    assert desk.picture() == before


def test_a_journal_that_is_torn_at_its_end_goes_on(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(Killed), dying(9):
        desk.apply(*[action("rename", desk.put(name), desk.at(name * 2)) for name in "abc"])
    with (tmp_path / "library/organize/000001.jsonl").open("ab") as stream:
        stream.write(b'{"done": 0, "mark": {"dev"')
    assert desk.runs.resume().state == "applied"
    assert {os.path.basename(path) for path in desk.picture()} == {b"aa", b"bb", b"cc"}


@pytest.mark.parametrize("end", ["resume", "rollback"])
def test_a_note_that_is_torn_by_a_kill_is_written_anew(desk: Desk, end: str) -> None:
    kept, spare = desk.put("a", "same"), desk.put("b", "same")
    before = desk.picture()
    checked = desk.check(action("trash", spare, kept))
    real = os.write

    def write(descriptor: int, content: bytes) -> int:
        if content.startswith(b"[Trash Info]"):
            real(descriptor, content[:20])
            raise Killed
        return real(descriptor, content)

    with mock.patch.object(os, "write", write), pytest.raises(Killed):
        desk.runs.apply(checked)
    getattr(desk.runs, end)()
    if end == "resume":
        note = path_of(checked.transfers[0].note).read_text()
        assert note.endswith("\n")
        assert note.startswith(f"[Trash Info]\nPath={os.fsdecode(spare)}\n")
        desk.runs.undo()
    assert desk.picture() == before


def test_a_second_name_left_by_a_kill_is_no_second_file(desk: Desk) -> None:
    source = desk.put("a")
    checked = desk.check(action("rename", source, desk.at("b")))
    with without_renameat2(), pytest.raises(Killed), mock.patch.object(disk, "sync", side_effect=Killed):
        desk.runs.apply(checked)
    assert path_of(source).samefile(path_of(desk.at("b")))
    assert desk.runs.rollback().state == "rolled back"
    assert {os.path.basename(path) for path in desk.picture()} == {b"a"}


# --- the library's view ----------------------------------------------------------------------------


def test_a_watching_library_follows_and_parses_nothing(desk: Desk, tmp_path: Path) -> None:
    texts = {name: f"the text of {name} " * 20 for name in ("a", "b", "c", "spare", "one/far")}
    a, b, c, spare, far = (desk.put(f"{name}.txt", text) for name, text in texts.items())
    desk.put("kept.txt", texts["spare"])
    with Library.open(tmp_path / "index", settings(), load_embedder=HashEmbedder) as library:
        for _ in library.sync([os.fsdecode(desk.root)], keyword_only=True):
            pass
        parsed = readings(library)
        documents = {row.path: row.document for row in library.files().rows}
        desk.apply(
            action("rename", a, b),
            action("rename", b, a),
            action("move", c, desk.at("new/c.txt")),
            action("move", far, desk.at("c.txt")),
            action("trash", spare, desk.at("kept.txt")),
        )
        moved = {**documents}
        moved[os.fsdecode(a)], moved[os.fsdecode(b)] = documents[os.fsdecode(b)], documents[os.fsdecode(a)]
        moved[os.fsdecode(desk.at("new/c.txt"))] = documents[os.fsdecode(c)]
        moved[os.fsdecode(c)] = documents[os.fsdecode(far)]
        del moved[os.fsdecode(far)], moved[os.fsdecode(spare)]
        until(
            lambda: {row.path: row.document for row in library.files().rows} == moved,
            "the new names are seen",
        )
        desk.runs.undo()
        until(
            lambda: {row.path: row.document for row in library.files().rows} == documents, "the old ones are"
        )
        assert readings(library) == parsed


def readings(library: Library) -> list[tuple[int, str, int]]:
    """Every document with the moment at which it was parsed."""
    with library.catalogue.reader() as db:
        return db.execute("SELECT id, hash, parsed_ns FROM documents ORDER BY id").fetchall()
