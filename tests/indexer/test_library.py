from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import cast

import pytest

from indexer import directory as places
from indexer.config import Config
from indexer.errors import LibraryBusyError, LibraryRefusedError, NotFoundError, StoreError, UsageError
from indexer.library import Library
from indexer.rebuilding import rebuild
from indexer.types import Progress, SearchRequest
from tests.builders import HashEmbedder, damage, settings, until, write

Open = Callable[..., Library]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens the library of this test; closed in the end."""
    made: list[Library] = []

    def make(
        config: Config | None = None, embedder: HashEmbedder | None = None, *, watch: bool = False
    ) -> Library:
        model = embedder or HashEmbedder()
        made.append(
            Library.open(tmp_path / "library", config or settings(), watch=watch, load_embedder=lambda: model)
        )
        return made[-1]

    yield make
    for library in made:
        library.close()


def synced(library: Library, *paths: Path) -> Progress:
    """Bring everything up to date; the last progress."""
    return list(library.sync([str(path) for path in paths]))[-1]


def found(library: Library, query: str, **more: object) -> list[str]:
    result = library.search(SearchRequest(**{"query": query, "mode": "keyword", **more}))  # type: ignore[arg-type]
    return [hit.path.rpartition("/")[2] for hit in result.hits]


FILES = {
    "rivers.md": "# Rivers\n\nThe Danube flows through ten countries.\n\n## Length\n\nIt is 2850 km long.\n",
    "sub/lakes.txt": "Lake Constance lies between three countries.",
    "sub/copy of lakes.txt": "Lake Constance lies between three countries.",
    "empty.txt": "",
}


def test_a_folder_becomes_searchable_by_word_and_by_meaning(opened: Open, folder: Path) -> None:
    write(folder, FILES)
    library = opened()
    last = synced(library, folder)
    assert last.idle
    assert (last.done, last.total, last.parsed, last.failed) == (4, 4, 3, 1)
    assert last.embedded == last.chunks > 0
    assert found(library, "danube") == ["rivers.md"]
    assert found(library, "danube countries", mode="semantic")[0] == "rivers.md"
    assert [check for check in library.doctor() if not check.ok] == []
    status = library.status()
    assert (status.files, status.documents, status.pending_parse, status.pending_embed) == (4, 3, 0, 0)
    assert status.vectors == status.chunks == last.chunks
    assert status.embedding_model == "hash"
    assert [row.reason for row in status.failed] == ["The file is empty (0 bytes)."]
    assert synced(library).parsed == 0


def test_paths_outside_the_roots_become_roots(opened: Open, folder: Path) -> None:
    write(folder, FILES)
    library = opened()
    synced(library, folder / "sub")
    assert [root.path for root in library.status().roots] == [str(folder / "sub")]
    synced(library, folder / "sub" / "lakes.txt")
    assert len(library.status().roots) == 1
    # A root around it takes its files over; nothing is read again.
    last = synced(library, folder)
    assert [root.path for root in library.status().roots] == [str(folder)]
    assert last.parsed == 2
    assert library.status().files == 4


def test_roots_are_added_and_removed(opened: Open, folder: Path, tmp_path: Path) -> None:
    write(folder, FILES)
    library = opened()
    root = library.add_root(str(folder))
    assert root.path == str(folder)
    synced(library)
    assert found(library, "danube") == ["rivers.md"]
    removed = library.remove_root(str(folder))
    assert removed.files == 4
    assert found(library, "danube") == []
    assert library.status().files == 0
    assert (folder / "rivers.md").exists()
    with pytest.raises(NotFoundError):
        library.remove_root(str(folder))
    with pytest.raises(UsageError, match="does not exist"):
        library.add_root(str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="library itself"):
        library.add_root(str(library.directory))


def test_the_library_is_never_indexed(opened: Open, tmp_path: Path) -> None:
    write(tmp_path, {"a.txt": "outside"})
    library = opened()
    synced(library, tmp_path)
    assert [row.path for row in library.files().rows] == [str(tmp_path / "a.txt")]


def test_details_text_and_chunks(opened: Open, folder: Path) -> None:
    write(folder, FILES)
    library = opened()
    synced(library, folder)
    details = library.details(str(folder / "rivers.md"))
    assert details.title == "Rivers"
    assert [(level, text) for level, _, text in details.headings] == [(1, "Rivers"), (2, "Length")]
    assert library.details(details.document).path == details.path
    copy = library.details(str(folder / "sub/lakes.txt"))
    assert copy.duplicates == (str(folder / "sub/copy of lakes.txt"),)
    window = library.text(details.document, 0, 10**9, query="danube")
    assert window.end == window.total == len(window.text)
    assert [window.text[a:b] for a, b in window.matches] == ["Danube"]
    part = library.text(details.path, 5, 20, query="danube")
    assert part.text == window.text[5:20]
    assert all(5 <= a < b <= 20 for a, b in part.matches)
    for chunk in library.chunks(details.document):
        assert chunk.text == window.text[chunk.start : chunk.end]
    vectors = library.vectors_of(details.path)
    assert vectors is not None
    assert vectors[1].shape == (len(library.chunks(details.path)), 64)
    with pytest.raises(NotFoundError):
        library.details(str(folder / "nothing.txt"))
    with pytest.raises(NotFoundError):
        library.text("sha256:00", 0, 1)


def test_lists_have_groups_sorts_and_windows(opened: Open, folder: Path) -> None:
    write(folder, FILES)
    os.utime(folder / "rivers.md", (1, 1))
    library = opened()
    synced(library, folder)
    listed = library.files()
    groups = {"all": 4, "new": 3, "failed": 1, "ocr": 0, "poor": 0, "duplicates": 1, "old": 0}
    assert dict(listed.groups) == {**groups, "excluded": 0, "pending": 0}
    assert [row.path.rpartition("/")[2] for row in listed.rows] == [
        "copy of lakes.txt",
        "empty.txt",
        "lakes.txt",
        "rivers.md",
    ]
    assert library.files(sort="old").rows[0].path.endswith("rivers.md")
    assert library.files(sort="size").rows[0].path.endswith("rivers.md")
    assert library.files(sort="state").rows[0].path.endswith("empty.txt")
    (failed,) = library.files(group="failed").rows
    assert (failed.status, failed.embedded) == ("empty-text", False)
    assert {row.copies for row in library.files(group="duplicates").rows} == {1}
    window = library.files(offset=1, limit=2)
    assert (window.total, len(window.rows), window.rows) == (4, 2, listed.rows[1:3])
    assert all(row.embedded for row in listed.rows if row.chunks)
    assert [row.path.rpartition("/")[2] for row in library.files(query="danube").rows] == ["rivers.md"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("lakes", {"lakes.txt", "copy of lakes.txt"}),
        ("lks", {"lakes.txt", "copy of lakes.txt"}),
        ("lakes !copy", {"lakes.txt"}),
        ("^rivers", {"rivers.md"}),
        ("txt$ sub", {"lakes.txt", "copy of lakes.txt"}),
        ("'of", {"copy of lakes.txt"}),
        ("documents/sub", {"lakes.txt", "copy of lakes.txt"}),
        ("RIVERS", {"rivers.md"}),
        ("zzz", set()),
        ("!", set()),
    ],
)
def test_names_are_found_in_the_syntax_of_fzf(
    opened: Open, folder: Path, pattern: str, names: set[str]
) -> None:
    write(folder, dict.fromkeys(FILES, ""))
    library = opened()
    for _ in library.sync([str(folder)], keyword_only=True):
        pass
    rows = library.find_names(pattern)
    assert {row.path.rpartition("/")[2] for row in rows} == names
    if pattern == "lakes":
        assert rows[0].path.endswith("/lakes.txt")


def test_failed_files_are_read_again_on_demand(opened: Open, folder: Path) -> None:
    write(folder, FILES)
    library = opened()
    synced(library, folder)
    assert library.retry([str(folder / "rivers.md")]) == 0
    assert library.retry([str(folder)]) == 1
    assert library.retry() == 1
    synced(library)
    assert [Path(file.path).name for file in library.status().failed] == ["empty.txt"]


def test_progress_and_events_tell_of_changes(opened: Open, folder: Path) -> None:
    library = opened()
    events = cast("Generator[Progress]", library.events())
    first = next(events)
    write(folder, FILES)
    library.add_root(str(folder))
    for event in events:
        if event.revision > first.revision and event.idle:
            break
    events.close()
    assert library.progress().revision == library.revision


def test_without_a_model_keyword_search_works_and_says_so(opened: Open, folder: Path, tmp_path: Path) -> None:
    write(folder, FILES)
    with Library.open(tmp_path / "library", settings(), watch=False) as library:
        last = synced(library, folder)
        assert last.idle
        assert last.note
        assert found(library, "danube") == ["rivers.md"]
        assert library.status().embedding_model == ""
        assert library.status().embedding_note
        assert library.embed_query("x") is None


def test_a_failing_model_holds_nothing_up_and_catches_up(
    opened: Open, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.backlog.FIRST_PAUSE_S", 0.05)
    write(folder, FILES)
    model = HashEmbedder()
    model.broken = True
    library = opened(embedder=model)
    last = synced(library, folder)
    assert "away" in last.note
    assert found(library, "danube") == ["rivers.md"]
    model.broken = False
    until(lambda: library.status().pending_embed == 0, "the backlog is done")
    assert library.progress().note == ""


def test_another_model_embeds_anew_and_the_first_one_costs_nothing_later(opened: Open, folder: Path) -> None:
    write(folder, FILES)
    first, second, third = HashEmbedder("a/1"), HashEmbedder("b/1", 32), HashEmbedder("a/1")
    for model, texts in ((first, 2), (second, 2), (third, 0)):
        library = opened(embedder=model)
        synced(library, folder)
        assert len(model.embedded) == texts
        assert found(library, "the danube flows through ten", mode="semantic")[0] == "rivers.md"
        library.close()


def test_what_an_old_model_left_goes_when_the_new_one_is_complete(
    opened: Open, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, FILES)
    library = opened(embedder=HashEmbedder("a/1"))
    synced(library, folder)
    library.close()
    monkeypatch.setattr("indexer.backlog.UNUSED_AFTER_S", 0.05)
    again = opened(embedder=HashEmbedder("b/1"))
    synced(again)

    def models() -> list[str]:
        with again.catalogue.reader() as db:
            return [row[0] for row in db.execute("SELECT fingerprint FROM models")]

    until(lambda: models() == ["b/1"], "the old model is forgotten")
    assert again.status().vectors == 2
    (folder / "rivers.md").unlink()
    monkeypatch.setattr("indexer.pipeline.GRACE_S", 0.0)
    synced(again)
    until(lambda: again.status().vectors == 1, "the vector of the deleted text is forgotten")
    until(lambda: all(check.ok for check in again.doctor()), "the vector store has followed")


def test_copies_renames_and_edits_embed_only_what_is_new(opened: Open, folder: Path) -> None:
    paragraphs = [f"Paragraph {n}. " + f"word{n} " * 170 for n in range(5)]
    write(folder, {"a.txt": "\n\n".join(paragraphs)})
    model = HashEmbedder()
    library = opened(embedder=model)
    synced(library, folder)
    total = len(model.embedded)
    shutil.copy(folder / "a.txt", folder / "b.txt")
    (folder / "a.txt").rename(folder / "c.txt")
    synced(library)
    assert len(model.embedded) == total
    paragraphs[4] = "Another end. " + "other " * 170
    write(folder, {"c.txt": "\n\n".join(paragraphs)})
    synced(library)
    assert total < len(model.embedded) <= total + 2
    assert [check for check in library.doctor() if not check.ok] == []


def test_a_second_start_finds_everything_and_reads_nothing(opened: Open, folder: Path) -> None:
    write(folder, FILES)
    library = opened()
    synced(library, folder)
    library.close()
    again = opened(watch=True)
    until(lambda: again.progress().idle, "it is up to date")
    assert again.progress().parsed == 0
    assert found(again, "danube") == ["rivers.md"]


def test_watching_follows_changes(opened: Open, folder: Path) -> None:
    write(folder, FILES)
    library = opened(settings(settle_s=0.05), watch=True)
    library.add_root(str(folder))
    until(lambda: found(library, "danube"), "the folder is indexed")
    write(folder, {"new.txt": "The Rhine flows north."})
    until(lambda: found(library, "rhine") == ["new.txt"], "the new file is found")
    library.remove_root(str(folder))
    assert found(library, "rhine") == []


# --- opening and closing ---


def test_closing_ends_all_threads_and_processes(opened: Open, folder: Path) -> None:
    before = set(threading.enumerate())
    write(folder, FILES)
    library = opened(settings(settle_s=0.05), watch=True)
    synced(library, folder)
    library.close()
    library.close()
    until(lambda: set(threading.enumerate()) <= before, "the threads are gone")
    for call in (lambda: library.search(SearchRequest(query="x")), lambda: library.add_root(str(folder))):
        with pytest.raises(StoreError, match="closed"):
            call()


def test_closing_in_the_middle_of_work_is_quick_and_loses_nothing(opened: Open, folder: Path) -> None:
    write(folder, {f"{n}.txt": f"text {n} " + "word " * 3000 for n in range(60)})
    library = opened()
    events = cast("Generator[Progress]", library.sync([str(folder)]))
    for event in events:
        if event.done >= 3:
            break
    events.close()
    library.close()
    again = opened()
    synced(again)
    assert again.status().documents == 60
    assert [check for check in again.doctor() if not check.ok] == []


def test_one_process_has_the_library(opened: Open, tmp_path: Path) -> None:
    library = opened()
    with pytest.raises(LibraryBusyError, match=str(os.getpid())):
        Library.open(tmp_path / "library", settings())
    library.close()
    opened()


def test_the_lock_is_free_after_a_kill(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from indexer.directory import OwnerLock\n"
        "lock = OwnerLock(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    with pytest.raises(LibraryBusyError):
        places.OwnerLock(tmp_path)
    child.kill()
    child.communicate()
    places.OwnerLock(tmp_path).release()


def test_the_library_is_private(opened: Open, folder: Path) -> None:
    write(folder, FILES)
    library = opened()
    synced(library, folder)
    for path in [library.directory, *library.directory.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_folder_others_can_write_to_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "library"
    place.mkdir()
    place.chmod(0o777)
    with pytest.raises(LibraryRefusedError, match="write"):
        places.prepare(place)
    place.chmod(0o755)
    assert stat.S_IMODE(places.prepare(place).stat().st_mode) == 0o700


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    found = list(tmp_path.stat())
    found[4] = os.geteuid() + 1
    with pytest.raises(LibraryRefusedError, match="another user"):
        places.check_owner(tmp_path, os.stat_result(found))


def test_a_folder_of_other_things_is_not_taken_for_a_library(folder: Path) -> None:
    write(folder, FILES)
    with pytest.raises(LibraryRefusedError, match="no library"):
        places.prepare(folder)
    assert {path.name for path in folder.iterdir()} == {"rivers.md", "sub", "empty.txt"}


def test_a_damaged_catalogue_is_rebuilt_with_what_people_put_into_it(
    opened: Open, folder: Path, tmp_path: Path
) -> None:
    write(folder, FILES)
    model = HashEmbedder()
    library = opened(embedder=model)
    synced(library, folder)
    library.close()
    damage(tmp_path / "library" / "catalogue.sqlite3", "texts")
    with pytest.raises(StoreError, match="damaged"):
        opened()
    said = rebuild(tmp_path / "library")
    assert "1 folders" in said
    again = opened(embedder=model)
    synced(again)
    assert found(again, "danube") == ["rivers.md"]
    assert [check for check in again.doctor() if not check.ok] == []


def test_damage_found_later_stops_all_writing(
    opened: Open, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.catalogue.connection.CHECKED_SIZE", 0)
    monkeypatch.setattr("indexer.pipeline.PAUSE_S", 0.05)
    write(folder, FILES)
    library = opened()
    synced(library, folder)
    library.close()
    place = library.directory / "catalogue.sqlite3"
    damage(place, "texts")
    again = opened(watch=True)
    until(lambda: "damaged" in again.progress().note, "the damage is said")
    write(folder, {"new.txt": "something new"})
    with pytest.raises(StoreError, match="damaged"):
        again.cache("a", "b")
    time.sleep(0.3)
    assert again.status().files == 4
    assert "--rebuild" in again.progress().note


def test_many_threads_may_ask_while_it_is_indexing(opened: Open, folder: Path) -> None:
    write(folder, {f"{n}.txt": f"number{n} " + "word " * 200 for n in range(60)})
    library = opened()
    failures: list[BaseException] = []
    stop = threading.Event()

    def ask() -> None:
        try:
            while not stop.is_set():
                library.search(SearchRequest(query="word"))
                library.files(limit=10)
                library.progress()
                library.find_names("1")
                library.status()
        except BaseException as exc:  # noqa: BLE001 - shown by the assertion
            failures.append(exc)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    synced(library, folder)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []


def test_the_real_model_is_loaded_behind_keyword_search(folder: Path, tmp_path: Path) -> None:
    write(folder, FILES)
    ready = threading.Event()
    config = Config.model_validate({"parsing": {"workers": 1}, "watch": {"settle_s": 0}})
    with Library.open(tmp_path / "library", config, watch=False, on_ready=ready.set) as library:
        began = time.monotonic()
        for _ in library.sync([str(folder)], keyword_only=True):
            pass
        assert found(library, "danube", mode="keyword") == ["rivers.md"]
        assert ready.wait(60), time.monotonic() - began
        if not library.status().embedding_model:
            pytest.skip(library.status().embedding_note)
        synced(library)
        assert found(library, "which stream crosses many nations", mode="semantic")[0] == "rivers.md"
