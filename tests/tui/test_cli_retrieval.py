"""`quire doctor --retrieval` as it is printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import write
from tui.cli import main

pytestmark = pytest.mark.xdist_group("cli")

Quire = Callable[..., tuple[int, str, str]]


@pytest.fixture
def quire(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Quire:
    """Runs commands on a library in a folder of its own."""
    (tmp_path / "config.toml").write_text('[embedding]\nprovider = "none"\n', encoding="utf-8")

    def run(*arguments: str) -> tuple[int, str, str]:
        options = ("--library", str(tmp_path / "library"), "--config", str(tmp_path / "config.toml"))
        code = main([*arguments, *options, "--no-engine"])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def birds(quire: Quire, folder: Path) -> Quire:
    names = ("heron", "falcon", "raven", "swallow", "plover", "bittern")
    write(
        folder,
        {
            f"{name}.md": f"# The grey {name} of the northern marshes\n\nEvery spring the {name} builds its "
            f"nest among the reeds and feeds its young with whatever the tide brings.\n"
            for name in names
        },
    )
    assert quire("index", str(folder))[0] == 0
    return quire


def test_the_table_tells_how_well_each_way_finds(birds: Quire) -> None:
    code, out, _ = birds("doctor", "--retrieval", "--queries", "10")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].split() == ["keyword", "meaning", "both"]
    assert lines[2].startswith("all queries")
    assert "by folder" in lines
    assert "by language" in lines
    assert lines[-2].startswith("weight of meaning 0.5 (default), ")
    assert lines[-1] == "There is no embedding model, so only words were measured."
    assert lines[2].split()[6:9] == ["–", "–", "–"]
    assert max(map(len, lines)) <= 80


def test_a_refused_change_says_why_and_ends_with_one(birds: Quire) -> None:
    code, out, _ = birds("doctor", "--retrieval", "--tune")
    assert code == 1
    assert "refused: There is no meaning to be weighed." in out


def test_json_holds_the_whole_report(birds: Quire) -> None:
    code, out, _ = birds("doctor", "--retrieval", "--json", "--queries", "10")
    report = json.loads(out)
    assert code == 0
    assert report["tuning"] is None
    assert set(report["rows"][0]["both"]) == {"recall_1", "recall_10", "mrr"}


def test_an_empty_library_has_nothing_to_measure(quire: Quire) -> None:
    code, out, _ = quire("doctor", "--retrieval")
    assert code == 1
    assert "There is nothing to ask for" in out
