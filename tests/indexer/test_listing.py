"""Lists of files: what each row says of quality, versions and answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.labelled import LabelChange
from indexer.library import Library
from indexer.types import FileRow
from tests.builders import HashEmbedder, settings, write

WORDS = "Die Brücke über den Fluss wäre für größere Züge zu schwach, müßte also verstärkt werden. "


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "library", settings(), watch=False, load_embedder=HashEmbedder) as made:
        yield made


def rows(library: Library, folder: Path, group: str = "all") -> dict[str, FileRow]:
    for _ in library.sync([str(folder)]):
        pass
    return {Path(row.path).name: row for row in library.files(group=group).rows}


def test_a_poor_file_names_its_flaw_and_what_mends_it(library: Library, folder: Path) -> None:
    garbled = (WORDS * 30).encode().decode("cp1252", "replace")
    write(folder, {"good.txt": WORDS * 30, "garbled.txt": garbled})
    found = rows(library, folder)
    assert not found["good.txt"].poor
    row = found["garbled.txt"]
    assert row.poor
    assert row.flaw_code == "mojibake"
    assert row.flaw
    assert row.mends[0] == "decode"
    assert list(rows(library, folder, "poor")) == ["garbled.txt"]
    assert library.files().groups["poor"] == 1


def test_every_group_counts_the_rows_it_lists(library: Library, folder: Path) -> None:
    write(
        folder,
        {"a v1.md": WORDS * 9, "a v2.md": WORDS * 9 + "Mehr.", "b.md": "One. " * 40, "c/b.md": "One. " * 40},
    )
    (folder / "empty.txt").write_text("")
    rows(library, folder)
    library.labels.change(LabelChange(targets=(str(folder / "a v1.md"),), excluded=True))
    groups = library.files().groups
    assert groups["all"] == 5
    assert groups["excluded"] == groups["failed"] == 1
    for group in set(groups) - {"duplicates"}:  # counted as copies beside the ones to keep
        listed = library.files(group=group)
        assert (listed.total, len(listed.rows)) == (groups[group], groups[group]), group
    assert [Path(row.path).name for row in library.files(group="excluded").rows] == ["a v1.md"]
    assert all(row.excluded for row in library.files(group="excluded").rows)
    assert len(library.files(group="duplicates").rows) == 2


def test_windows_of_a_list_follow_each_other_in_its_order(library: Library, folder: Path) -> None:
    write(folder, {f"{n:02d}.txt": f"text {n} " * (n + 1) for n in range(23)})
    rows(library, folder)
    for sort in ("name", "new", "old", "size", "state", "quality"):
        whole = [row.path for row in library.files(sort=sort).rows]
        parts = [
            row.path
            for start in range(0, 25, 5)
            for row in library.files(sort=sort, offset=start, limit=5).rows
        ]
        assert parts == whole, sort
        assert len(set(whole)) == 23
