from __future__ import annotations

import os
from pathlib import Path

import pytest

from indexer.ignore import RuleBook, Rules
from indexer.scan import take
from tests.builders import write


def found(root: Path, *patterns: str, never: frozenset[bytes] = frozenset()) -> set[str]:
    rules = Rules.for_root(os.fsencode(root), patterns, never)
    snapshot = take(os.fsencode(root), rules, follow_symlinks=False)
    names = {os.fsdecode(path)[len(str(root)) + 1 :] for path in snapshot.files}
    for name in names:
        # The rules for one path must agree with the walk over all of them.
        assert RuleBook(os.fsencode(root), rules).at(os.fsencode(root / name)) is not None, name
    return names


@pytest.mark.parametrize(
    "name",
    [
        ".hidden",
        ".git/config",
        "node_modules/a.js",
        "__pycache__/a.txt",
        "a.txt~",
        "#a.txt#",
        ".#a.txt",
        "~$report.docx",
        ".~lock.report.odt#",
        ".a.txt.swp",
        "a.swp",
        "4913",
        "film.part",
        "a.pdf.crdownload",
        "a.tmp",
        ".DS_Store",
        "._a.txt",
        "Thumbs.db",
    ],
)
def test_leftovers_and_hidden_files_are_left_out(folder: Path, name: str) -> None:
    write(folder, {name: "x", "kept.txt": "x", "tmp/kept.txt": "x", "part.txt": "x"})
    assert found(folder) == {"kept.txt", "tmp/kept.txt", "part.txt"}


def test_patterns_follow_gitignore(folder: Path) -> None:
    write(
        folder,
        {
            ".quireignore": "*.log\n!keep.log\n/build/\n# comment\n!.notes/\n",
            "a.log": "x",
            "keep.log": "x",
            "build/out.txt": "x",
            "sub/build/out.txt": "x",
            ".notes/idea.txt": "x",
            "sub/.quireignore": "out.txt\n!a.log\n",
            "sub/a.log": "x",
            "sub/b.log": "x",
        },
    )
    assert found(folder) == {"keep.log", ".notes/idea.txt", "sub/a.log"}


def test_configured_patterns_give_way_to_the_file(folder: Path) -> None:
    write(folder, {".quireignore": "!b.txt\n", "a.txt": "x", "b.txt": "x", "c.md": "x"})
    assert found(folder, "*.txt") == {"b.txt", "c.md"}


def test_a_slip_in_one_line_does_not_switch_the_others_off(folder: Path) -> None:
    write(folder, {".quireignore": "!\nsecret.txt\n", "secret.txt": "x", "a.txt": "x"})
    assert found(folder) == {"a.txt"}


def test_some_folders_are_never_entered(folder: Path) -> None:
    write(folder, {"library/catalogue.txt": "x", "a.txt": "x", ".quireignore": "!library\n"})
    assert found(folder, never=frozenset({os.fsencode(folder / "library")})) == {"a.txt"}


def test_an_ignored_folder_hides_what_is_below(folder: Path) -> None:
    write(folder, {".quireignore": "out/\n", "out/deep/a.txt": "x"})
    rules = Rules.for_root(os.fsencode(folder), (), frozenset())
    book = RuleBook(os.fsencode(folder), rules)
    assert book.at(os.fsencode(folder / "out/deep/a.txt")) is None
    assert book.at(os.fsencode(folder)) is rules


def test_links_and_special_files(folder: Path, tmp_path: Path) -> None:
    write(folder, {"a.txt": "x", "sub/b.txt": "x"})
    (folder / "link.txt").symlink_to(folder / "a.txt")
    (folder / "loop").symlink_to(folder)
    (folder / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "pipe")
    assert found(folder) == {"a.txt", "sub/b.txt", "pipe"}
    rules = Rules.for_root(os.fsencode(folder), (), frozenset())
    followed = take(os.fsencode(folder), rules, follow_symlinks=True)
    assert os.fsencode(folder / "link.txt") in followed.files
    assert not any(b"/loop/" in path for path in followed.files)


def test_a_folder_that_cannot_be_listed_is_not_an_empty_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, {"open/a.txt": "x", "closed/b.txt": "x"})
    real = os.scandir

    def scandir(path: bytes) -> object:
        if path.endswith(b"/closed"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    snapshot = take(os.fsencode(folder), Rules(), follow_symlinks=False)
    assert set(snapshot.files) == {os.fsencode(folder / "open/a.txt")}
    assert snapshot.hides(os.fsencode(folder / "closed/b.txt"))
    assert not snapshot.hides(os.fsencode(folder / "open/gone.txt"))
