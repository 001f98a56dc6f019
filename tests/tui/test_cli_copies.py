"""`quire duplicates` and `quire diff` as they are printed, and older versions in searches and answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import write
from tui.cli import main

pytestmark = pytest.mark.xdist_group("cli")

ROOMS = ("kitchen", "hall", "attic", "cellar", "garden", "bath", "porch", "stair", "study", "larder")
CLAUSES = [
    f"Clause {n}: the tenant of flat {n} keeps the {room} in good order." for n, room in enumerate(ROOMS)
]
OLD = "\n\n".join([*CLAUSES, "The rent is 800 euros a month."])
NEW = "\n\n".join([*CLAUSES, "The rent is 950 euros a month."])

Quire = Callable[..., tuple[int, str, str]]


@pytest.fixture
def quire(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Quire:
    """Runs commands on a library with two versions of a lease and a copy."""
    write(
        folder, {"lease v1.md": OLD, "lease v2.md": NEW, "lease v2.html": f"<p>{NEW}</p>", "note.txt": "Tea."}
    )
    (tmp_path / "config.toml").write_text('[embedding]\nprovider = "none"\n', encoding="utf-8")
    monkeypatch.chdir(folder)

    def run(*arguments: str) -> tuple[int, str, str]:
        options = (
            "--library",
            str(tmp_path / "library"),
            "--config",
            str(tmp_path / "config.toml"),
            "--no-engine",
        )
        code = main([*arguments, *options])
        out, err = capsys.readouterr()
        return code, out, err

    assert run("index", ".")[0] == 0
    return run


def test_duplicates_are_listed_with_the_one_to_keep(quire: Quire) -> None:
    code, out, err = quire("duplicates")
    assert code == 0
    assert "same text, 2 files" in out
    assert "  newest  lease v2.md" in out
    assert "\n          lease v1.md" in out
    assert "1 group of copies" in err
    code, out, _ = quire("duplicates", "--json")
    told = json.loads(out)
    assert (told["total"], told["families_total"], told["compared"]) == (1, 1, 4)


def test_a_difference_is_marked_word_by_word(quire: Quire) -> None:
    code, out, err = quire("diff", "lease v1.md", "lease v2.html")
    assert code == 0
    assert out.startswith("--- lease v1.md\n+++ lease v2.html\n")
    assert "The rent is [-800-] {+950+} euros a month." in out
    assert "-1 +1 words" in err
    code, out, _ = quire("diff", "lease v1.md", "lease v2.md", "--json")
    assert [edit["op"] for edit in json.loads(out)["edits"]] == ["equal", "replace", "equal"]
    assert quire("diff", "lease v2.md", "lease v2.html")[0] == 1
    assert quire("diff", "lease v1.md", "nowhere.md")[0] != 0


def test_older_versions_are_marked_and_left_out_of_answers(quire: Quire) -> None:
    quire("duplicates")
    _, out, _ = quire("search", "tenant rent month", "--mode", "keyword")
    assert "lease v1.md" in out
    assert "(old of lease v2" in out
    _, out, _ = quire("ask", "How much is the rent a month?", "--no-llm", "--json")
    told = json.loads(out)
    assert "1 older version was left out; the scope 'is:old' asks them." in told["notes"]
    assert "950 euros" in told["answer"]
    assert "800 euros" not in told["answer"]
    _, out, _ = quire("ask", "How much is the rent a month?", "--no-llm", "--json", "--scope", "is:old")
    assert "800 euros" in json.loads(out)["answer"]
