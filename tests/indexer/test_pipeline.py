from __future__ import annotations

import os
import shutil
import sqlite3
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from indexer import verdicts
from indexer.config import ParsingConfig
from indexer.errors import StoreError
from indexer.types import Status
from tests.builders import Rig, settings, until, write

Make = Callable[..., Rig]


def ten(folder: Path) -> None:
    write(folder, {f"sub/{number}.txt": f"document number {number} about rivers" for number in range(10)})


def test_everything_in_a_folder_is_indexed_and_then_nothing_is_read_again(rig: Make, folder: Path) -> None:
    ten(folder)
    write(folder, {"empty.txt": ""})
    made = rig()
    assert made.sync(folder) == 11
    assert made.texts()[str(folder / "sub/3.txt")] == "document number 3 about rivers"
    assert made.catalogue.counts()["files"] == 11
    made.assert_agrees()
    assert made.sync() == 0
    made.close()
    again = rig()
    assert again.sync() == 0
    again.assert_agrees()


def test_renaming_a_folder_reads_nothing(rig: Make, folder: Path) -> None:
    ten(folder)
    made = rig()
    made.sync(folder)
    before = {state.path.rpartition(b"/")[2]: state.id for state in made.catalogue.file_states(1).values()}
    (folder / "sub").rename(folder / "moved")
    assert made.hint(folder / "sub", folder / "moved") == 0
    after = {state.path.rpartition(b"/")[2]: state.id for state in made.catalogue.file_states(1).values()}
    assert after == before
    assert all("/moved/" in path for path in made.texts())
    made.assert_agrees()


def test_renaming_each_file_reads_nothing(rig: Make, folder: Path) -> None:
    ten(folder)
    made = rig()
    made.sync(folder)
    for path in (folder / "sub").iterdir():
        path.rename(path.with_name(f"new-{path.name}"))
    assert made.sync() == 0
    assert made.names() == {f"new-{number}.txt" for number in range(10)}
    made.assert_agrees()


def test_copies_are_linked(rig: Make, folder: Path) -> None:
    ten(folder)
    made = rig()
    made.sync(folder)
    shutil.copytree(folder / "sub", folder / "copy")
    assert made.sync() == 0
    counts = made.catalogue.counts()
    assert (counts["files"], counts["documents"]) == (20, 10)
    made.assert_agrees()


def test_copies_in_the_first_run_are_read_once(rig: Make, folder: Path) -> None:
    write(folder, {f"{number}.txt": "the same text everywhere" for number in range(12)})
    made = rig()
    assert made.sync(folder) == 1
    assert set(made.texts().values()) == {"the same text everywhere"}
    made.assert_agrees()


def test_a_move_seen_as_deletion_and_creation_reads_nothing(rig: Make, folder: Path, tmp_path: Path) -> None:
    ten(folder)
    other = tmp_path / "other"
    other.mkdir()
    made = rig()
    made.sync(folder, other)
    shutil.copytree(folder / "sub", tmp_path / "away")
    shutil.rmtree(folder / "sub")
    made.hint(folder / "sub")
    assert made.texts() == {}
    assert made.keyword.count() == (0, 0)
    shutil.move(tmp_path / "away", other / "sub")
    assert made.hint(other / "sub") == 0
    assert len(made.texts()) == 10
    made.assert_agrees()


def test_deleted_files_are_forgotten(rig: Make, folder: Path) -> None:
    ten(folder)
    made = rig()
    made.sync(folder)
    (folder / "sub/3.txt").unlink()
    made.hint(folder / "sub/3.txt")
    assert "3.txt" not in made.names()
    made.assert_agrees()


def test_an_edit_replaces_the_text_and_keeps_unchanged_chunks(rig: Make, folder: Path) -> None:
    paragraphs = [f"Paragraph {n} is long enough to be a chunk. " + f"word{n} " * 150 for n in range(6)]
    write(folder, {"a.txt": "\n\n".join(paragraphs)})
    made = rig()
    made.sync(folder)
    file_id = made.catalogue.file_at(os.fsencode(folder / "a.txt"))
    with made.catalogue.reader() as db:
        before = {row[0] for row in db.execute("SELECT key FROM chunks")}
    paragraphs[3] = "Something else entirely. " + "other " * 150
    write(folder, {"a.txt": "\n\n".join(paragraphs)})
    assert made.sync() == 1
    with made.catalogue.reader() as db:
        rows = db.execute(
            "SELECT key FROM chunks WHERE document_id = (SELECT document_id FROM files)"
        ).fetchall()
    after = {row[0] for row in rows}
    assert len(before & after) >= len(before) - 2
    assert after != before
    now = made.catalogue.file_at(os.fsencode(folder / "a.txt"))
    assert file_id is not None
    assert now is not None
    assert now.id == file_id.id
    made.assert_agrees()


def test_an_edit_that_keeps_size_and_times_is_noticed(rig: Make, folder: Path) -> None:
    write(folder, {"a.txt": "first"})
    made = rig()
    made.sync(folder)
    old = (folder / "a.txt").stat()
    write(folder, {"a.txt": "later"})
    os.utime(folder / "a.txt", ns=(old.st_atime_ns, old.st_mtime_ns))
    assert made.sync() == 1
    assert set(made.texts().values()) == {"later"}


def test_a_replaced_file_of_the_same_size_and_time_is_not_taken_for_a_rename(rig: Make, folder: Path) -> None:
    write(folder, {"a.txt": "first"})
    made = rig()
    made.sync(folder)
    old = (folder / "a.txt").stat()
    # The same inode under another name, with other bytes and the old times.
    (folder / "a.txt").rename(folder / "b.txt")
    write(folder, {"b.txt": "later"})
    os.utime(folder / "b.txt", ns=(old.st_atime_ns, old.st_mtime_ns))
    made.sync()
    assert made.texts() == {str(folder / "b.txt"): "later"}
    made.assert_agrees()


def test_documents_are_dropped_after_the_grace(
    rig: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.pipeline.GRACE_S", 0.0)
    ten(folder)
    made = rig()
    made.sync(folder)
    shutil.rmtree(folder / "sub")
    made.hint(folder / "sub")
    until(lambda: not made.catalogue.orphans(), "the contents are gone")
    with made.catalogue.reader() as db:
        assert db.execute("SELECT count(*) FROM chunks").fetchone() == (0,)
    made.assert_agrees()


# --- what cannot be read ---


def test_each_failure_has_a_reason_and_is_tried_once(
    rig: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, {"good.txt": "fine"})
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nthis is no document")
    (folder / "program").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 20)
    os.mkfifo(folder / "pipe")
    made = rig()
    made.sync(folder)
    failed = {row.path.rpartition("/")[2]: row.reason for row in made.catalogue.failed()}
    assert set(failed) == {"broken.pdf", "program", "pipe"}
    assert all(failed.values())
    made.assert_agrees()
    assert made.sync() == 0
    made.close()
    again = rig()
    assert again.sync() == 0
    # On demand, and when the parser is another one, it is read again.
    again.pipeline.retry([os.fsencode(folder / "broken.pdf")])
    again.settle()
    assert again.pipeline.tally.parsed == 1
    again.close()
    monkeypatch.setattr("indexer.parsing.pdf.VERSION", 10_000)
    third = rig()
    third.settle()
    assert third.pipeline.tally.parsed == 1


def test_a_better_parser_reads_old_documents_again_in_place(
    rig: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ten(folder)
    made = rig()
    made.sync(folder)
    before = made.catalogue.live_documents()
    with made.catalogue.transaction() as db:
        db.execute("UPDATE documents SET parser = 'text/0'")
    made.close()
    again = rig()
    again.settle()
    assert again.pipeline.tally.parsed == 10
    assert again.catalogue.live_documents() == before
    again.assert_agrees()


def test_permission_and_input_errors_cost_one_file(
    rig: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, {"closed.txt": "secret", "bad.txt": "on a bad sector", "good.txt": "fine"})
    real = os.open

    def fail(path: object, *args: int, **more: object) -> int:
        if isinstance(path, bytes) and path.endswith(b"closed.txt"):
            raise PermissionError(13, "Permission denied")
        if isinstance(path, bytes) and path.endswith(b"bad.txt"):
            raise OSError(5, "Input/output error")
        return real(path, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", fail)
    made = rig()
    made.sync(folder)
    states = {path.rpartition(b"/")[2]: state.status for path, state in made.catalogue.file_states(1).items()}
    assert states == {b"closed.txt": "denied", b"bad.txt": "broken", b"good.txt": "indexed"}
    made.assert_agrees()
    monkeypatch.undo()
    # Mode bits change only the change time, which is enough.
    (folder / "closed.txt").chmod(0o600)
    (folder / "bad.txt").chmod(0o600)
    assert made.sync() == 2
    assert set(made.texts().values()) == {"secret", "on a bad sector", "fine"}
    assert made.catalogue.failed() == ()


def test_a_shortage_of_descriptors_is_not_the_files_fault(
    rig: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, {"a.txt": "fine"})
    real = os.open
    shortages = iter([24, 23])

    def fail(path: object, *args: int, **more: object) -> int:
        if isinstance(path, bytes) and path.endswith(b"a.txt"):
            for number in shortages:
                raise OSError(number, os.strerror(number))
        return real(path, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", fail)
    made = rig()
    made.sync(folder)
    assert made.texts() == {str(folder / "a.txt"): "fine"}


def test_what_could_not_be_opened_is_tried_at_the_next_start(
    rig: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, {"large.txt": "short words " * 100_000})
    made = rig(config=settings().model_copy(update={"parsing": ParsingConfig(workers=1, max_file_mb=1)}))
    made.sync(folder)
    assert "larger than 1 MB" in made.catalogue.failed()[0].reason
    made.close()
    again = rig()
    again.settle()
    assert again.catalogue.failed() == ()


def test_links_to_files_are_followed_when_asked_to(rig: Make, folder: Path, tmp_path: Path) -> None:
    write(folder, {"a.txt": "inside"})
    write(tmp_path, {"secret.txt": "outside"})
    (folder / "inner.txt").symlink_to(folder / "a.txt")
    (folder / "outer.txt").symlink_to(tmp_path / "secret.txt")
    made = rig(config=settings(follow_symlinks=True))
    assert made.sync(folder) == 1
    assert made.texts()[str(folder / "inner.txt")] == "inside"
    assert "outside" not in made.texts().values()
    assert [row.path for row in made.catalogue.failed()] == [str(folder / "outer.txt")]
    assert made.sync() == 0
    made.assert_agrees()


def test_too_large_files_are_listed_as_such(rig: Make, folder: Path) -> None:
    with (folder / "sparse.txt").open("wb") as stream:
        stream.truncate(10 << 30)
    made = rig()
    made.sync(folder)
    (failed,) = made.catalogue.failed()
    assert "MB" in failed.reason or "hole" in failed.reason


# --- files that change while they are read ---


def test_a_file_still_being_written_is_not_taken(rig: Make, folder: Path) -> None:
    made = rig(config=settings(settle_s=0.4))
    write(folder, {"a.txt": "beginning"})
    made.catalogue.add_root(os.fsencode(folder))
    made.pipeline.look()
    for number in range(8):
        time.sleep(0.1)
        with (folder / "a.txt").open("a") as stream:
            stream.write(f" {number}")
    made.settle()
    assert set(made.texts().values()) == {"beginning 0 1 2 3 4 5 6 7"}
    assert made.pipeline.tally.parsed == 1


def test_a_file_that_changes_under_the_parser_is_read_again(
    rig: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, {"a.txt": "first"})
    made = rig()
    real = made.pool.submit
    changes = iter(["second", "third"])

    def submit(source: int | bytes, name: str, **options: Any) -> object:
        text = next(changes, None)
        if text is not None:
            write(folder, {"a.txt": text})
        return real(source, name, **options)

    monkeypatch.setattr(made.pool, "submit", submit)
    made.sync(folder)
    assert set(made.texts().values()) == {"third"}
    made.assert_agrees()


def test_a_file_that_never_rests_gets_that_status_and_holds_nothing_up(
    rig: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, {"log.txt": "0"})
    made = rig()
    real = made.pool.submit

    def submit(source: int | bytes, name: str, **options: Any) -> object:
        with (folder / "log.txt").open("a") as stream:
            stream.write("x")
        return real(source, name, **options)

    monkeypatch.setattr(made.pool, "submit", submit)
    made.sync(folder)
    state = made.catalogue.file_at(os.fsencode(folder / "log.txt"))
    assert state is not None
    assert state.status == Status.CHANGED
    monkeypatch.undo()
    made.hint(folder / "log.txt")
    until(lambda: made.texts()[str(folder / "log.txt")], "it is read once it rests")


def test_a_file_that_vanishes_while_it_is_read_leaves_nothing(
    rig: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, {"a.txt": "gone soon", "b.txt": "stays"})
    made = rig()
    real = made.pool.submit

    def submit(source: int | bytes, name: str, **options: Any) -> object:
        (folder / "a.txt").unlink(missing_ok=True)
        return real(source, name, **options)

    monkeypatch.setattr(made.pool, "submit", submit)
    made.sync(folder)
    assert made.texts() == {str(folder / "b.txt"): "stays"}
    made.assert_agrees()


# --- containers ---


def archive(path: Path, files: dict[str, str]) -> None:
    with zipfile.ZipFile(path, "w") as stream:
        for name, text in files.items():
            stream.writestr(name, text)


def test_members_of_archives_are_documents(rig: Make, folder: Path) -> None:
    archive(folder / "inner.zip", {"deep.txt": "deep inside"})
    inner = (folder / "inner.zip").read_bytes()
    (folder / "inner.zip").unlink()
    with zipfile.ZipFile(folder / "a.zip", "w") as stream:
        stream.writestr("notes/one.txt", "first note")
        stream.writestr("two.txt", "second note")
        stream.writestr("inner.zip", inner)
    write(folder, {"plain.txt": "first note"})
    made = rig()
    made.sync(folder)
    texts = {path[len(str(folder)) + 1 :]: text for path, text in made.texts().items()}
    assert texts["a.zip!/notes/one.txt"] == "first note"
    assert texts["a.zip!/two.txt"] == "second note"
    assert texts["a.zip!/inner.zip!/deep.txt"] == "deep inside"
    assert texts["plain.txt"] == "first note"
    made.assert_agrees()
    # Copy, rename and deletion take the members along without reading them.
    shutil.copy(folder / "a.zip", folder / "b.zip")
    assert made.sync() == 0
    assert made.texts()[str(folder / "b.zip!/inner.zip!/deep.txt")] == "deep inside"
    (folder / "b.zip").rename(folder / "c.zip")
    assert made.sync() == 0
    assert str(folder / "c.zip!/two.txt") in made.texts()
    (folder / "c.zip").unlink()
    made.sync()
    assert not any("c.zip" in path for path in made.texts())
    made.assert_agrees()
    # An edited archive keeps what is the same and forgets what is gone.
    archive(folder / "a.zip", {"two.txt": "second note", "three.txt": "third note"})
    assert made.sync() == 2
    names = {path[len(str(folder)) + 1 :] for path in made.texts()}
    assert names == {"a.zip", "a.zip!/two.txt", "a.zip!/three.txt", "plain.txt"}
    made.assert_agrees()


def test_members_not_yet_read_are_read_after_a_restart(rig: Make, folder: Path) -> None:
    archive(folder / "a.zip", {"one.txt": "first note", "two.txt": "second note"})
    made = rig()
    made.sync(folder)
    with made.catalogue.transaction() as db:
        db.execute("UPDATE files SET status = 'pending', document_id = NULL WHERE name = 'two.txt'")
    made.close()
    again = rig()
    again.settle()
    assert again.texts()[str(folder / "a.zip!/two.txt")] == "second note"
    assert again.catalogue.counts()["pending_parse"] == 0
    again.assert_agrees()


# --- faults of the stores ---


def test_a_full_disk_pauses_and_goes_on_by_itself(
    rig: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.pipeline.PAUSE_S", 0.1)
    ten(folder)
    made = rig()
    made.sync(folder)
    pages = made.catalogue._writer.execute("PRAGMA page_count").fetchone()[0]
    made.catalogue._writer.execute(f"PRAGMA max_page_count={pages}")
    words = " ".join(f"{number:x}" for number in range(200_000, 300_000))
    write(folder, {"large.txt": words})
    made.pipeline.look()
    until(lambda: "full" in made.pipeline.note, "the pause is said")
    assert len(made.keyword.chunk_ids(made.catalogue.live_documents()[0])) == 1
    made.catalogue._writer.execute("PRAGMA max_page_count=1000000")
    until(lambda: not made.pipeline.note, "it goes on")
    made.settle()
    assert made.texts()[str(folder / "large.txt")] == words
    made.assert_agrees()


def test_keyword_work_left_by_a_crash_is_done_at_the_next_start(
    rig: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ten(folder)
    made = rig()
    made.sync(folder)

    def dead(*_: object) -> bool:
        raise StoreError("killed")

    monkeypatch.setattr(made.feed, "apply", dead)
    write(folder, {"sub/3.txt": "edited", "new.txt": "new"})
    (folder / "sub/4.txt").unlink()
    made.pipeline.look()
    until(lambda: made.pipeline.note, "the crash")
    made.close()
    again = rig()
    again.settle()
    again.sync()
    assert again.texts()[str(folder / "new.txt")] == "new"
    again.assert_agrees()


@pytest.mark.parametrize("damage", ["remove", "garbage"])
def test_a_lost_keyword_index_is_built_again_without_parsing(rig: Make, folder: Path, damage: str) -> None:
    ten(folder)
    archive(folder / "a.zip", {"one.txt": "first note"})
    made = rig()
    made.sync(folder)
    made.close()
    place = folder.parent / "library" / "keyword"
    if damage == "remove":
        shutil.rmtree(place)
    else:
        for file in place.glob("*.idx"):
            file.write_bytes(b"\xa5" * 64)
    again = rig()
    again.settle()
    assert again.pipeline.tally.parsed == 0
    again.assert_agrees()
    assert again.keyword.count() == (12, 12)
    assert not again.keyword.needs_rebuild


def test_a_fault_in_one_document_costs_only_that_one(
    rig: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ten(folder)
    made = rig()
    real = verdicts.key

    def fail(title: str, heading: str, text: str) -> bytes:
        if "number 3" in text:
            raise sqlite3.ProgrammingError("a bug")
        return real(title, heading, text)

    monkeypatch.setattr(verdicts, "key", fail)
    made.sync(folder)
    (failed,) = made.catalogue.failed()
    assert failed.path.endswith("3.txt")
    assert made.catalogue.counts()["documents"] == 10
    made.assert_agrees()


def test_names_of_all_kinds(rig: Make, folder: Path) -> None:
    names = ["-rf", "new\nline.txt", "[b]x[b].txt", "é.txt", "e\u0301.txt", "a" * 251 + ".txt", "$(x).txt"]
    for name in names:
        (folder / name).write_text(f"text of {name!r}")
    (folder / os.fsdecode(b"caf\xe9.txt")).write_text("latin")
    made = rig()
    made.sync(folder)
    assert len(made.texts()) == len(names) + 1
    assert made.catalogue.failed() == ()
    made.assert_agrees()
