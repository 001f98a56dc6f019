"""`quire export` as it is typed and printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import write
from tui.cli import main
from tui.commands.export import _shares

pytestmark = pytest.mark.xdist_group("cli")

Quire = Callable[..., tuple[int, str, str]]

GUIDE = (
    "# Guide to the pond\n\n## Feeding the ducks\n\nThe ducks of the pond are fed with oats twice a day, "
    "and never with bread, which makes them ill.\n"
)


@pytest.fixture
def quire(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Quire:
    """Runs commands on a small library, beside its folder."""
    write(
        folder, {"pond.md": GUIDE, "mail.txt": f"Write to keeper@pond-house.org. {'The pond is deep. ' * 9}"}
    )
    (tmp_path / "config.toml").write_text('[embedding]\nprovider = "none"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        options = ("--library", str(tmp_path / "library"), "--config", str(tmp_path / "config.toml"))
        code = main([*arguments, *options, "--no-engine"])
        out, err = capsys.readouterr()
        return code, out, err

    assert run("index", str(folder))[0] == 0
    return run


def test_an_export_says_what_was_written_and_what_was_not(quire: Quire, tmp_path: Path) -> None:
    code, out, _ = quire("export", "set", "--split", "1/0")
    assert code == 0
    assert out.splitlines()[0] == "set: 2 documents in scope"
    assert "text       train 2" in out
    assert "qa         train 1  (1 heading)" in out
    assert "replaced   1 mail" in out
    card = (tmp_path / "set" / "README.md").read_text("utf-8")
    assert "quire export FOLDER --split 1/0" in card
    assert str(tmp_path) not in card


def test_an_export_as_json_names_every_file(quire: Quire, tmp_path: Path) -> None:
    code, out, _ = quire("export", "set", "--kind", "text", "--json", "--split", "train=1")
    found = json.loads(out)
    assert code == 0
    assert found["records"] == {"text": {"train": 2}}
    assert {each["path"] for each in found["files"]} == {"README.md", "data/text/train.jsonl"}
    assert Path(found["folder"]) == tmp_path / "set"


def test_an_export_of_nothing_ends_with_one(quire: Quire) -> None:
    code, out, _ = quire("export", "set", "--scope", "path:nowhere")
    assert code == 1
    assert "Nothing was found to export" in out


def test_a_folder_that_is_in_use_is_refused_with_a_remedy(quire: Quire, tmp_path: Path) -> None:
    write(tmp_path / "set", {"thesis.txt": "mine"})
    code, _, err = quire("export", "set")
    assert code == 2
    assert "is not empty" in err
    assert "Name a folder that does not exist yet" in err


@pytest.mark.parametrize(
    ("given", "shares"),
    [
        ("0.9/0.1", [("train", 0.9), ("test", 0.1)]),
        ("8/1/1", [("train", 0.8), ("validation", 0.1), ("test", 0.1)]),
        ("train=3, dev=1", [("train", 0.75), ("dev", 0.25)]),
        ("1", [("train", 1.0)]),
    ],
)
def test_shares_are_told_in_several_ways(given: str, shares: list[tuple[str, float]]) -> None:
    assert _shares(given) == shares


@pytest.mark.parametrize("given", ["", "much", "0/0", "-1/2", "train=1,train=1", "1/2/3/4", "nan/1", "inf/1"])
def test_shares_that_say_nothing_are_refused(quire: Quire, given: str) -> None:
    code, _, err = quire("export", "set", f"--split={given}")
    assert code == 2
    assert "tells no shares of splits" in err
