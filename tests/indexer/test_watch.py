from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from indexer import watch
from indexer.catalogue import Catalogue
from indexer.watch import Settling, Watcher, granted_watches
from tests.builders import Rig, settings, until, write


class Live:
    """A rig with a watcher on top."""

    def __init__(self, rig: Rig, folder: Path) -> None:
        self.rig = rig
        self.folder = folder
        rig.catalogue.add_root(os.fsencode(folder))
        self.watcher = Watcher(rig.catalogue, rig.config.watch, look=rig.pipeline.look, changed=lambda: None)
        self.watcher.start()

    def texts(self) -> dict[str, str]:
        return {path[len(str(self.folder)) + 1 :]: text for path, text in self.rig.texts().items()}

    def becomes(self, expected: dict[str, str]) -> None:
        until(
            lambda: self.texts() == expected and self.rig.pipeline.idle, f"the library holds {set(expected)}"
        )
        self.rig.assert_agrees()

    def armed(self) -> None:
        until(lambda: granted_watches() and self.rig.pipeline.idle, "the folder is watched")


@pytest.fixture
def live(rig: Callable[..., Rig], folder: Path) -> Iterator[Callable[..., Live]]:
    made: list[Live] = []

    def make(**options: object) -> Live:
        made.append(Live(rig(config=settings(**{"settle_s": 0.05, **options})), folder))
        return made[-1]

    yield make
    for each in made:
        each.watcher.close()


# --- settling, with a clock of its own ---


def test_a_path_is_taken_after_a_quiet_moment() -> None:
    settling = Settling(1.0)
    settling.note(b"/a", 10.0, complete=True)
    assert settling.next_at() == 11.0
    assert settling.take(10.9) == set()
    assert settling.take(11.0) == {b"/a"}
    assert settling.take(99.0) == set()
    assert settling.next_at() is None


def test_a_file_still_open_is_left_alone_longer() -> None:
    settling = Settling(1.0)
    settling.note(b"/a", 10.0, complete=False)
    assert settling.take(12.9) == set()
    settling.note(b"/a", 12.9, complete=False)
    assert settling.take(15.8) == set()
    settling.note(b"/a", 15.8, complete=True)
    assert settling.take(16.8) == {b"/a"}


def test_both_ends_of_a_move_come_together() -> None:
    settling = Settling(0.3)
    settling.note(b"/old", 10.0, complete=True)
    settling.note(b"/new", 10.01, complete=True)
    assert settling.take(10.3) == {b"/old", b"/new"}


# --- real events ---


def test_what_happens_in_a_folder_is_followed(
    live: Callable[..., Live], folder: Path, tmp_path: Path
) -> None:
    write(folder, {"a.txt": "first"})
    made = live()
    made.becomes({"a.txt": "first"})
    made.armed()
    write(folder, {"a.txt": "edited", "sub/deep/b.txt": "made at once with its folders"})
    made.becomes({"a.txt": "edited", "sub/deep/b.txt": "made at once with its folders"})
    (folder / "sub").rename(folder / "moved")
    made.becomes({"a.txt": "edited", "moved/deep/b.txt": "made at once with its folders"})
    assert made.rig.pipeline.tally.parsed == 0
    (folder / "moved").rename(tmp_path / "outside")
    made.becomes({"a.txt": "edited"})
    # Events of a folder that was moved out still arrive under its old path.
    write(tmp_path / "outside", {"deep/c.txt": "not ours"})
    (tmp_path / "outside").rename(folder / "back")
    made.becomes(
        {"a.txt": "edited", "back/deep/b.txt": "made at once with its folders", "back/deep/c.txt": "not ours"}
    )
    (folder / "a.txt").unlink()
    shutil.rmtree(folder / "back")
    made.becomes({})


def shape_plain(path: Path, text: str) -> None:
    path.write_text(text)


def shape_vim(path: Path, text: str) -> None:
    backup = path.with_name(f"{path.name}~")
    probe = path.with_name("4913")
    probe.touch()
    probe.unlink()
    path.rename(backup)
    path.write_text(text)
    backup.unlink()


def shape_emacs(path: Path, text: str) -> None:
    lock = path.with_name(f".#{path.name}")
    lock.symlink_to("user@host.1234:5678")
    auto = path.with_name(f"#{path.name}#")
    auto.write_text(text)
    shutil.copy(path, path.with_name(f"{path.name}~"))
    path.write_text(text)
    auto.unlink()
    lock.unlink()


def shape_replace(path: Path, text: str) -> None:
    scratch = path.with_name(f".{path.name}.x7")
    scratch.write_text(text)
    scratch.replace(path)


def shape_office(path: Path, text: str) -> None:
    lock = path.with_name(f".~lock.{path.name}#")
    lock.write_text(",user,host,;")
    owner = path.with_name(f"~${path.name}")
    owner.write_text("user")
    scratch = path.with_name("lu1234.tmp")
    scratch.write_text(text)
    path.unlink()
    scratch.rename(path)
    owner.unlink()
    lock.unlink()


def shape_truncate(path: Path, text: str) -> None:
    with path.open("r+") as stream:
        stream.truncate(0)
        stream.flush()
        os.fsync(stream.fileno())
        stream.write(text)


@pytest.mark.parametrize(
    "save", [shape_plain, shape_vim, shape_emacs, shape_replace, shape_office, shape_truncate]
)
def test_editors_save_in_many_ways(
    live: Callable[..., Live], folder: Path, save: Callable[[Path, str], None]
) -> None:
    write(folder, {"a.txt": "before"})
    made = live()
    made.becomes({"a.txt": "before"})
    made.armed()
    file = made.rig.catalogue.file_at(os.fsencode(folder / "a.txt"))
    save(folder / "a.txt", "after")
    made.becomes({"a.txt": "after"})
    again = made.rig.catalogue.file_at(os.fsencode(folder / "a.txt"))
    assert file is not None
    assert again is not None
    assert again.id == file.id
    assert made.rig.pipeline.tally.parsed == 1


def test_a_slow_writer_is_read_once_at_its_end(live: Callable[..., Live], folder: Path) -> None:
    made = live(settle_s=0.2)
    made.armed()
    with (folder / "a.txt").open("w") as stream:
        for number in range(10):
            stream.write(f" {number}" if number else "0")
            stream.flush()
            time.sleep(0.1)
    made.becomes({"a.txt": "0 1 2 3 4 5 6 7 8 9"})
    assert made.rig.pipeline.tally.parsed == 1


def test_new_rules_are_followed_at_once(live: Callable[..., Live], folder: Path) -> None:
    write(folder, {"a.txt": "a", "b.txt": "b"})
    made = live()
    made.becomes({"a.txt": "a", "b.txt": "b"})
    made.armed()
    write(folder, {".quireignore": "b.txt\n"})
    made.becomes({"a.txt": "a"})
    (folder / ".quireignore").unlink()
    made.becomes({"a.txt": "a", "b.txt": "b"})


def test_a_single_file_can_be_a_root(rig: Callable[..., Rig], folder: Path) -> None:
    write(folder, {"a.txt": "watched", "b.txt": "not"})
    made = Live(rig(config=settings(settle_s=0.05)), folder / "a.txt")
    try:
        until(lambda: set(made.rig.texts().values()) == {"watched"}, "the file is there")
        shape_replace(folder / "a.txt", "edited")
        write(folder, {"c.txt": "not either"})
        until(lambda: set(made.rig.texts().values()) == {"edited"}, "the edit is there")
    finally:
        made.watcher.close()


def test_a_root_goes_away_and_comes_back(live: Callable[..., Live], folder: Path) -> None:
    write(folder, {"a.txt": "a", "sub/b.txt": "b"})
    made = live()
    made.becomes({"a.txt": "a", "sub/b.txt": "b"})
    away = folder.with_name("away")
    folder.rename(away)
    until(lambda: made.rig.catalogue.roots()[0].state == "missing", "the root is missed")
    assert set(made.texts()) == {"a.txt", "sub/b.txt"}
    away.rename(folder)
    until(lambda: made.rig.catalogue.roots()[0].state == "watched", "the root is back")
    made.rig.settle()
    assert made.rig.pipeline.tally.parsed == 0
    made.armed()
    write(folder, {"sub/c.txt": "c"})
    made.becomes({"a.txt": "a", "sub/b.txt": "b", "sub/c.txt": "c"})


def test_a_root_that_is_made_anew_is_watched_again(live: Callable[..., Live], folder: Path) -> None:
    write(folder, {"a.txt": "a"})
    made = live()
    made.becomes({"a.txt": "a"})
    shutil.rmtree(folder)
    folder.mkdir()
    made.becomes({})
    write(folder, {"b.txt": "b"})
    made.becomes({"b.txt": "b"})


def test_polling_finds_everything_too(live: Callable[..., Live], folder: Path) -> None:
    write(folder, {"a.txt": "a"})
    made = live(mode="polling", settle_s=0)
    made.becomes({"a.txt": "a"})
    assert made.rig.catalogue.roots()[0].state == "polled"
    write(folder, {"a.txt": "edited", "b.txt": "b"})
    made.becomes({"a.txt": "edited", "b.txt": "b"})


# --- faults, with a pipeline that only takes notes ---


class Notes:
    """Stands in for the pipeline: remembers what it was asked to look at."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, ...]] = []

    def look(self, paths: Iterable[bytes] = (), *, certain: bool = False) -> Notes:
        self.asked.append(tuple(paths))
        return self

    took_s = 0.0

    @property
    def done(self) -> threading.Event:
        event = threading.Event()
        event.set()
        return event


@pytest.fixture
def noted(tmp_path: Path, folder: Path) -> Iterator[tuple[Watcher, Notes, Catalogue]]:
    catalogue = Catalogue(tmp_path / "catalogue.sqlite3")
    catalogue.add_root(os.fsencode(folder))
    notes = Notes()
    watcher = Watcher(catalogue, settings().watch, look=notes.look, changed=lambda: None)
    yield watcher, notes, catalogue
    watcher.close()
    catalogue.close()


def test_lost_events_lead_to_a_full_comparison(noted: tuple[Watcher, Notes, Catalogue]) -> None:
    watcher, notes, _ = noted
    watcher.start()
    until(lambda: () in notes.asked, "the first comparison")
    notes.asked.clear()
    logging.getLogger("watchdog.observers.inotify_c").warning(
        "Inotify queue overflowed; filesystem events were lost"
    )
    until(lambda: () in notes.asked, "a full comparison")


def test_a_storm_of_events_is_bounded(
    noted: tuple[Watcher, Notes, Catalogue], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "MOST_HINTS", 50)
    watcher, notes, _ = noted
    for number in range(60):
        watcher._hint(b"/%d" % number, True)
    assert len(watcher._settling) <= 50
    watcher.start()
    until(lambda: () in notes.asked, "a full comparison")


def test_a_jump_of_the_clock_leads_to_a_full_comparison(
    noted: tuple[Watcher, Notes, Catalogue], monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher, notes, _ = noted
    watcher.start()
    until(lambda: () in notes.asked, "the first comparison")
    notes.asked.clear()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3600)
    until(lambda: () in notes.asked, "a full comparison after the jump")


def test_no_more_inotify_instances_means_polling(
    noted: tuple[Watcher, Notes, Catalogue], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OSError(24, "inotify instance limit reached")

    monkeypatch.setattr(watch, "Observer", refuse)
    watcher, notes, catalogue = noted
    watcher.start()
    until(lambda: catalogue.roots()[0].state == "polled", "the root is polled")
    assert "limit" in catalogue.roots()[0].note
    notes.asked.clear()
    until(lambda: len(notes.asked) >= 2, "it is compared again and again")


def test_a_dead_observer_is_replaced(
    live: Callable[..., Live], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "HEALTH_S", 0.05)
    write(folder, {"a.txt": "a"})
    made = live()
    made.becomes({"a.txt": "a"})
    made.armed()
    reader = made.watcher._observer._inotify_fd
    reader.stop()
    reader.join()
    until(
        lambda: made.watcher._observer not in (None, reader) and watch._is_alive(made.watcher._observer),
        "new",
    )
    write(folder, {"a.txt": "edited", "b.txt": "b"})
    made.becomes({"a.txt": "edited", "b.txt": "b"})


def test_a_failing_step_does_not_end_watching(
    noted: tuple[Watcher, Notes, Catalogue], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "HEALTH_S", 0.01)
    watcher, notes, _ = noted
    real = watcher._check_roots
    failures = iter([RuntimeError("once"), RuntimeError("twice")])

    def fail() -> None:
        for failure in failures:
            raise failure
        real()

    monkeypatch.setattr(watcher, "_check_roots", fail)
    watcher.start()
    until(lambda: () in notes.asked, "it goes on")


LIMITED = """
import os, sys
from pathlib import Path
Path("/proc/sys/user/max_inotify_watches").write_text("20")
from indexer.catalogue import Catalogue
from indexer.watch import Watcher
from tests.builders import settings, until
from tests.indexer.test_watch import Notes

catalogue = Catalogue(Path(sys.argv[1]) / "catalogue.sqlite3")
catalogue.add_root(os.fsencode(sys.argv[2]))
notes = Notes()
watcher = Watcher(catalogue, settings().watch, look=notes.look, changed=lambda: None)
watcher.start()
until(lambda: watcher.note, "the shortfall is noticed")
until(lambda: catalogue.roots()[0].state == "polled", "the root is polled")
until(lambda: len(notes.asked) >= 3, "it is compared again and again")
print(watcher.note)
watcher.close()
catalogue.close()
"""


def test_too_few_watches_are_noticed(folder: Path, tmp_path: Path) -> None:
    probe = (
        subprocess.run(
            ["unshare", "-Ur", "sh", "-c", "echo 20 > /proc/sys/user/max_inotify_watches"],
            capture_output=True,
            check=False,
        )
        if shutil.which("unshare")
        else None
    )
    if probe is None or probe.returncode:
        pytest.skip("needs user namespaces")
    for number in range(40):
        (folder / str(number)).mkdir()
    done = subprocess.run(
        ["unshare", "-Ur", sys.executable, "-c", LIMITED, str(tmp_path), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    assert done.returncode == 0, done.stderr
    assert "of 41 folders" in done.stdout
