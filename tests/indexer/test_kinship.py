"""Copies and versions of a real library: found, ordered, kept over renames, forgotten with their files."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.errors import NotFoundError, UsageError
from indexer.library import Library
from indexer.related import CopyReport, Difference
from indexer.types import SearchRequest
from indexer.wire import from_wire, to_wire
from tests.builders import HashEmbedder, settings, until, write


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """Looks only when told to."""
    with Library.open(tmp_path / "library", settings(), watch=False, load_embedder=HashEmbedder) as made:
        yield made


def prose(seed: int, count: int = 120) -> list[str]:
    pick = random.Random(seed)
    return [" ".join(f"word{pick.randrange(900)}" for _ in range(12)) + "." for _ in range(count)]


LEASE = prose(1)
REVISED = [*LEASE[:40], *prose(2, 30), *LEASE[70:]]
NEARLY = [*LEASE[:-1], "The tenant pays nine hundred euros."]
FILES = {
    "lease v1.md": "\n\n".join(LEASE),
    "lease v2.md": "\n\n".join(REVISED),
    "lease v2 copy.html": "".join(f"<p>{line}</p>" for line in REVISED),
    "deep/lease v2.md": "\n\n".join(REVISED),
    "letter.md": "\n\n".join(prose(5)),
    "mail.txt": "\n".join([*prose(5)[:-1], "Yours sincerely"]),
    "other.md": "\n\n".join(prose(9)),
}


def indexed(library: Library, folder: Path, files: dict[str, str] = FILES) -> CopyReport:
    write(folder, files)
    for age, name in enumerate(files):
        os.utime(folder / name, (1_700_000_000 + age, 1_700_000_000 + age))
    for _ in library.sync([str(folder)]):
        pass
    return library.duplicates(differences=True)


def names(folder: Path, paths: list[str]) -> list[str]:
    return [str(Path(path).relative_to(folder)) for path in paths]


def test_copies_are_grouped_with_the_one_to_keep(library: Library, folder: Path) -> None:
    told = indexed(library, folder)
    groups = {group.relation: group for group in told.groups}
    assert told.total == len(told.groups) == 2
    assert told.compared == 6
    same = groups["same-text"]
    assert names(folder, [each.path for each in same.files]) == [
        "lease v2.md",
        "deep/lease v2.md",
        "lease v2 copy.html",
    ]
    assert [each.relation for each in same.files] == ["exact", "exact", "same-text"]
    assert same.why.startswith("not named a copy")
    assert same.frees_bytes == sum(each.size_bytes for each in same.files[1:]) == told.frees_bytes
    near = groups["near"]
    assert names(folder, [each.path for each in near.files]) == ["mail.txt", "letter.md"]
    assert 0.8 < near.files[1].similarity < 1
    assert (near.files[1].removed, near.files[1].added) == (2, 12)


def test_what_is_told_crosses_the_socket(library: Library, folder: Path) -> None:
    told = indexed(library, folder)
    assert from_wire(CopyReport, json.loads(json.dumps(to_wire(told)))) == told
    difference = library.diff(str(folder / "lease v1.md"), told.groups[0].files[0].document)
    assert from_wire(Difference, json.loads(json.dumps(to_wire(difference)))) == difference


def test_what_has_no_text_or_too_much_is_not_compared(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexed(library, folder, {"a.md": "Some words.", "b.md": "Other words.", "empty.md": " "})
    with pytest.raises(NotFoundError, match="no text"):
        library.diff(str(folder / "a.md"), str(folder / "empty.md"))
    monkeypatch.setattr("indexer.kinship.TOO_LONG", 5)
    with pytest.raises(UsageError, match="too long"):
        library.diff(str(folder / "a.md"), str(folder / "b.md"))


def test_versions_are_a_family_and_the_old_one_is_marked(library: Library, folder: Path) -> None:
    told = indexed(library, folder)
    assert told.families_total == 1
    versions = told.families[0].versions
    assert [each.place for each in versions] == [0, 0, 0, 1]
    assert names(folder, [versions[-1].path]) == ["lease v1.md"]
    old = library.search(SearchRequest(query="is:old"))
    assert names(folder, [hit.path for hit in old.hits]) == ["lease v1.md"]
    details = library.details(str(folder / "lease v1.md"))
    assert {Path(path).name for path in details.versions} == {"lease v2.md", "lease v2 copy.html"}


def test_the_newest_version_leads_and_the_old_one_says_so(library: Library, folder: Path) -> None:
    indexed(library, folder)
    result = library.search(SearchRequest(query=" ".join(LEASE[3].split()[:6])))
    hits = {Path(hit.path).name: hit for hit in result.hits}
    assert hits["lease v2.md"].rank < hits["lease v1.md"].rank
    newest = ("lease v2.md", "deep/lease v2.md", "lease v2 copy.html")
    assert hits["lease v1.md"].newer in {str(folder / name) for name in newest}
    assert not hits["lease v2.md"].newer


def test_a_rename_is_followed_without_comparing_again(library: Library, folder: Path) -> None:
    indexed(library, folder)
    with library.catalogue.reader() as db:
        before = db.execute("SELECT * FROM signatures ORDER BY document_id").fetchall()
    (folder / "lease v1.md").rename(folder / "lease v3.md")
    for _ in library.sync():
        pass
    versions = library.duplicates().families[0].versions
    assert names(folder, [versions[0].path]) == ["lease v3.md"]
    with library.catalogue.reader() as db:
        assert db.execute("SELECT * FROM signatures ORDER BY document_id").fetchall() == before


def test_what_is_deleted_is_no_copy_any_more(library: Library, folder: Path) -> None:
    indexed(library, folder)
    for name in ("lease v1.md", "deep/lease v2.md", "lease v2 copy.html", "mail.txt"):
        (folder / name).unlink()
    for _ in library.sync():
        pass
    told = library.duplicates()
    assert (told.groups, told.families, told.compared) == ((), (), 3)
    assert not library.search(SearchRequest(query="is:old")).hits


def test_new_documents_are_compared_with_all_and_the_outcome_is_the_same(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    half = dict(list(FILES.items())[:3])
    indexed(library, folder, half)
    step_by_step = indexed(library, folder)
    with Library.open(tmp_path / "again", settings(), watch=False, load_embedder=HashEmbedder) as other:
        assert indexed(other, folder) == step_by_step


def test_families_are_found_in_the_background(tmp_path: Path, folder: Path) -> None:
    write(folder, FILES)
    with Library.open(tmp_path / "library", settings(), load_embedder=HashEmbedder) as library:
        library.add_root(str(folder))
        until(lambda: library.scope("is:old").in_scope == 1, "the old version is known")


def test_a_difference_names_the_older_version(library: Library, folder: Path) -> None:
    indexed(library, folder)
    told = library.diff(str(folder / "lease v1.md"), str(folder / "lease v2.md"))
    assert told.note == "The first is the older version."
    assert told.removed == told.added == 1440 - told.kept
    assert 330 < told.removed <= 360
    whole = library.diff(str(folder / "lease v1.md"), str(folder / "lease v2.md"), context=-1)
    assert "".join(edit.a for edit in whole.edits) == FILES["lease v1.md"]
    assert "".join(edit.b for edit in whole.edits) == FILES["lease v2.md"]
    assert max(len(edit.b) for edit in told.edits if edit.op == "equal") <= 81
    copies = library.diff(str(folder / "lease v2.md"), str(folder / "deep/lease v2.md"))
    assert copies.note == "Both files hold the same bytes."
    with pytest.raises(NotFoundError):
        library.diff(str(folder / "lease v1.md"), "/nowhere.md")


def test_a_list_of_files_names_what_each_is_a_copy_or_an_older_version_of(
    library: Library, folder: Path
) -> None:
    indexed(library, folder)
    files = library.files()
    rows = {str(Path(row.path).relative_to(folder)): row for row in files.rows}
    kept = {name: Path(row.copy_of).name for name, row in rows.items() if row.copy_of}
    assert kept == {"lease v2 copy.html": "lease v2.md", "deep/lease v2.md": "lease v2.md"}
    newer = {name: str(Path(row.newer).relative_to(folder)) for name, row in rows.items() if row.newer}
    assert newer == {"lease v1.md": "lease v2.md"}
    report = library.duplicates()
    assert files.groups["duplicates"] == sum(len(group.files) - 1 for group in report.groups) == 3
    assert files.groups["old"] == library.files(group="old").total == 1
    assert [Path(row.path).name for row in library.files(group="old").rows] == ["lease v1.md"]


def test_copies_of_one_file_or_of_the_files_a_query_means(library: Library, folder: Path) -> None:
    everything = indexed(library, folder)
    assert everything.total == 2
    only = library.duplicates(path=str(folder / "mail.txt"))
    assert [group.relation for group in only.groups] == ["near"]
    assert (only.total, only.families_total) == (1, 0)
    old = library.duplicates(path=str(folder / "lease v1.md"))
    assert (old.total, old.families_total) == (0, 1)
    assert library.duplicates(query="name:letter").total == 1
    assert library.duplicates(query="ext:html").families_total == 1
    assert library.duplicates(query="name:other") == CopyReport(
        groups=(), families=(), total=0, families_total=0, frees_bytes=0, compared=everything.compared
    )


def test_copies_are_worked_out_once_until_the_library_changes(library: Library, folder: Path) -> None:
    first = indexed(library, folder)
    again = library.duplicates()
    assert again.families[0] is library.duplicates().families[0]
    (folder / "lease v1.md").unlink()
    for _ in library.sync([str(folder)]):
        pass
    assert first.families_total == 1
    assert library.duplicates().families_total == 0
    assert not library.files().groups["old"]
