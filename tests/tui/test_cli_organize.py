"""`quire organize` and `quire undo` as they are used: plans, checks, what an interruption leaves."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.organize.check import Bounds, check
from indexer.organize.plan import read
from indexer.organize.runs import Runs
from tests.builders import write
from tests.indexer.trees import Killed, dying, picture
from tui.cli import main

pytestmark = pytest.mark.xdist_group("cli")

Quire = Callable[..., tuple[int, str, str]]

LEASE = "# Lease of the boathouse\n\nThe tenant pays 800 euros a month.\n"
TEA = "# Tea for the harbour\n\nBlack tea, in the harbour, at noon.\n"


@pytest.fixture
def quire(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Quire:
    """Runs commands on a library of a few files."""
    write(
        folder,
        {
            "scan0001.md": LEASE,
            "papers/tea.md": TEA,
            "papers/tea copy.md": TEA,
            "elsewhere/harbour.md": TEA,
            "code/package.json": "{}",
            "code/notes.md": "# Notes of the program\n\nDo not touch.\n",
            "checkout/.git/HEAD": "ref",
            "checkout/scan0002.md": "# A tracked page\n\nDo not touch.\n",
            "program.py": "print('hello')\n",
        },
    )
    (tmp_path / "config.toml").write_text('[embedding]\nprovider = "none"\n', encoding="utf-8")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
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


def lines_of(text: str) -> list[str]:
    """The actions of a plan, without their ids and remarks."""
    found = [line for line in text.splitlines() if line and not line.startswith(("#", "in"))]
    return [" ".join((line.split()[0], *line.partition("  #")[0].split()[2:])) for line in found]


def test_what_is_proposed_by_itself_is_modest(quire: Quire) -> None:
    code, out, _ = quire("organize")
    assert code == 0
    assert lines_of(out) == [
        "trash papers/tea copy.md = papers/tea.md",
        "keep papers/tea.md",
        "rename scan0001.md -> Lease of the boathouse.md",
    ]
    assert "in a version-control checkout" in out
    assert "in the folder of a program" in out


def test_what_is_asked_for_is_proposed_and_nothing_else(quire: Quire, folder: Path) -> None:
    _, out, _ = quire("organize", "--copies")
    assert "trash elsewhere/harbour.md = papers/tea.md" in lines_of(out)
    _, out, _ = quire("organize", "--rename", "{title}", "--folder", "{type}", "--scope", "path:papers")
    assert lines_of(out) == [
        "move papers/tea copy.md -> text/Tea for the harbour.md",
        "move papers/tea.md -> text/Tea for the harbour (2).md",
    ]
    assert quire("organize", "--rename", "{titel}")[0] == 2
    code, out, err = quire("organize", "--rename", "{title}", "--scope", "path:code")
    assert (code, out) == (1, "")
    assert "Nothing to put in order" in err
    assert picture(os.fsencode(folder))  # and nothing was touched
    assert quire("undo", "list")[0] == 1


def test_pages_that_name_others_by_their_place_stay(quire: Quire, folder: Path) -> None:
    page = "<title>A page of the harbour</title><p>The harbour, in words.</p>"
    write(
        folder,
        {
            "site/index.html": page,
            "site/untitled.html": page.replace("A page", "Another page"),
            "saved/untitled.html": page.replace("A page", "A saved page"),
            "saved/untitled_files/logo.md": "# The logo of the harbour\n\nA picture, in words.",
            "alone/untitled.html": page.replace("A page", "A lonely page"),
        },
    )
    quire("index", ".")
    _, out, _ = quire("organize", "--rename", "{title}", "--scope", "type:web")
    assert f"in {folder}/alone\n" in out
    assert lines_of(out) == ["rename untitled.html -> A lonely page of the harbour.html"]


def test_old_versions_go_to_the_archive(quire: Quire, folder: Path) -> None:
    rooms = "\n\n".join(f"The tenant of flat {n} keeps room {n * 7} in good order." for n in range(12))
    write(
        folder,
        {
            "papers/lease v1.md": rooms + "\n\nThe rent is 800.",
            "papers/lease v2.md": rooms + "\n\nThe rent is 950.",
        },
    )
    quire("index", ".")
    _, out, _ = quire("organize", "--archive-old")
    assert lines_of(out) == ["archive papers/lease v1.md -> Archive/papers/lease v1.md"]
    _, out, _ = quire("organize", "--archive", str(folder.parent / "attic"), "--plan", "-")
    assert f"into {folder.parent}/attic" in out
    assert "attic/papers/lease v1.md" in out


def test_a_plan_is_edited_applied_and_undone(quire: Quire, folder: Path, tmp_path: Path) -> None:
    before = picture(os.fsencode(folder))
    plan = tmp_path / "plan.txt"
    code, out, err = quire("organize", "--plan", str(plan))
    assert (code, out) == (0, "")
    assert "2 files in" in err
    assert quire("organize", "--plan", str(plan))[0] == 2  # never over another file
    plan.write_text(plan.read_text().replace("-> Lease of the boathouse.md", '-> "Lease # 1.md"'))
    code, out, _ = quire("organize", "--apply", str(plan), "--dry-run")
    assert (code, out) == (0, "Would be done: 1 renamed, 1 trashed. Nothing was changed.\n")
    assert picture(os.fsencode(folder)) == before
    code, out, _ = quire("organize", "--apply", str(plan))
    assert (code, out) == (0, "1 renamed, 1 trashed. 'quire undo' takes it back (run 1).\n")
    assert (folder / "Lease # 1.md").read_text() == LEASE
    note = tmp_path / "data/Trash/info/tea copy.md.trashinfo"
    assert f"Path={folder}/papers/tea%20copy.md\n" in note.read_text()
    _, out, _ = quire("search", "boathouse tenant", "--mode", "keyword", "--json")
    assert [hit["path"] for hit in json.loads(out)["hits"]] == [str(folder / "Lease # 1.md")]
    code, out, _ = quire("undo", "--dry-run")
    assert (code, out) == (0, "Run 1: 2 files would go back. Nothing was changed.\n")
    code, out, _ = quire("undo", "--json")
    assert (code, json.loads(out)["state"]) == (0, "undone")
    assert picture(os.fsencode(folder)) == before
    assert not list((tmp_path / "data").rglob("*"))
    _, out, _ = quire("undo", "list")
    assert out.rstrip().endswith("2 files  undone")
    assert quire("undo")[0] == 1


def test_what_changed_since_is_left_alone_and_named(quire: Quire, folder: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.txt"
    quire("organize", "--plan", str(plan))
    (folder / "scan0001.md").write_text("another text")
    code, out, _ = quire("organize", "--apply", str(plan))
    assert code == 1
    assert "left alone: scan0001.md: it has changed since the plan was made (line" in out
    assert "1 trashed." in out
    (folder / "papers/tea copy.md").write_text("somebody wrote another one")
    code, out, _ = quire("undo", "--json")
    told = json.loads(out)
    assert (code, told["done"]) == (1, [])
    assert "is there already" in told["left"][0]["reason"]
    assert (folder / "papers/tea copy.md").read_text() == "somebody wrote another one"


def test_faults_of_a_plan_are_told_with_their_lines(quire: Quire, folder: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.txt"
    quire("organize", "--plan", str(plan))
    before = picture(os.fsencode(folder))
    text = plan.read_text()
    plan.write_text(text + "destroy everything\n")
    code, _, err = quire("organize", "--apply", str(plan))
    assert (code, f"line {text.count(chr(10)) + 1}: 'destroy everything' is no action" in err) == (2, True)
    plan.write_text(text.replace("rename", "move").replace("-> Lease", "-> /etc/Lease"))
    code, _, err = quire("organize", "--apply", str(plan))
    assert (code, "in no folder of the library" in err) == (2, True)
    assert picture(os.fsencode(folder)) == before
    assert quire("organize", "--apply", str(tmp_path / "none.txt"))[0] == 2
    assert quire("organize", "--apply", str(plan), "--rename", "{title}")[0] == 2
    assert quire("organize", "--dry-run")[0] == 2


def test_an_interruption_is_told_until_it_is_ended(quire: Quire, folder: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.txt"
    quire("organize", "--plan", str(plan))
    before = picture(os.fsencode(folder))
    checked = check(read(plan.read_bytes()), Bounds(roots=(os.fsencode(folder),)))
    with pytest.raises(Killed), dying(40):
        Runs(tmp_path / "library").apply(checked)
    assert picture(os.fsencode(folder)) != before
    _, _, err = quire("status")
    assert "interrupted and is half done: 'quire organize --resume'" in err
    code, _, err = quire("organize", "--apply", str(plan))
    assert (code, "--rollback" in err) == (1, True)
    assert quire("undo")[0] == 1
    code, out, err = quire("organize", "--rollback")
    assert (code, "taken back now" in err, "Nothing was changed" in out) == (0, True, True)
    assert picture(os.fsencode(folder)) == before
    assert quire("organize", "--resume")[0] == 1
    _, _, err = quire("status")
    assert "interrupted" not in err
    assert quire("organize", "--apply", str(plan))[0] == 0


def test_what_quire_writes_is_for_its_owner_alone(quire: Quire, folder: Path, tmp_path: Path) -> None:
    quire("organize", "--plan", str(tmp_path / "plan.txt"))
    quire("organize", "--apply", str(tmp_path / "plan.txt"))
    for path in (tmp_path / "plan.txt", *(tmp_path / "library/organize").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_the_json_of_a_proposal_can_be_applied(quire: Quire, folder: Path, tmp_path: Path) -> None:
    code, out, _ = quire("organize", "--json")
    told = json.loads(out)
    assert code == 0
    assert [each["word"] for each in told["actions"]] == ["trash", "keep", "rename"]
    (tmp_path / "plan.txt").write_text(told["plan"])
    code, out, _ = quire("organize", "--apply", str(tmp_path / "plan.txt"), "--json")
    done = json.loads(out)
    assert (code, done["state"], [each["action"] for each in done["done"]]) == (
        0,
        "applied",
        ["trash", "rename"],
    )


# --- on a terminal ---------------------------------------------------------------------------------


def on_terminal(tmp_path: Path, folder: Path, editor: str, *keys: str) -> tuple[int, str]:
    """`quire organize` on a pseudo-terminal with an editor in Python; a key after each question."""
    script = tmp_path / "editor.py"
    script.write_text(
        f"import pathlib, sys\nplan = pathlib.Path(sys.argv[-1])\ntext = plan.read_text()\n{editor}\n"
    )
    leader, follower = pty.openpty()
    options = [
        "--library",
        str(tmp_path / "library"),
        "--config",
        str(tmp_path / "config.toml"),
        "--no-engine",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "tui.cli", "organize", *options],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "VISUAL": f"{sys.executable} {script}",
            "TERM": "xterm",
        },
    )
    os.close(follower)
    printed = b""
    asked = 0
    while True:
        try:
            printed += os.read(leader, 65_536)
        except OSError:  # the other side has ended
            break
        if printed.count(b"[N]o:") > asked:
            os.write(leader, f"{keys[asked]}\n".encode())
            asked += 1
    os.close(leader)
    return process.wait(), printed.decode()


def test_a_plan_is_edited_asked_about_and_applied(quire: Quire, folder: Path, tmp_path: Path) -> None:
    before = picture(os.fsencode(folder))
    keep = 'plan.write_text(text.replace("Lease of the boathouse", "The lease"))'
    code, told = on_terminal(tmp_path, folder, keep, "n")
    assert (code, "1 renamed, 1 trashed" in told) == (0, True)
    assert "Nothing was changed. The plan is kept" in told
    assert picture(os.fsencode(folder)) == before
    code, told = on_terminal(tmp_path, folder, keep, "y")
    assert (code, "'quire undo' takes it back" in told) == (0, True)
    assert (folder / "The lease.md").read_text() == LEASE
    assert quire("undo")[0] == 0
    assert picture(os.fsencode(folder)) == before


def test_a_plan_with_faults_is_edited_again(quire: Quire, folder: Path, tmp_path: Path) -> None:
    mend = (
        'mended = text.replace("nonsense here\\n", "")\n'
        'plan.write_text(mended if mended != text else text + "nonsense here\\n")'
    )
    code, told = on_terminal(tmp_path, folder, mend, "e", "y")
    assert "'nonsense here' is no action" in told
    assert (code, (folder / "Lease of the boathouse.md").exists()) == (0, True)


def test_an_editor_that_fails_changes_nothing(quire: Quire, folder: Path, tmp_path: Path) -> None:
    before = picture(os.fsencode(folder))
    code, told = on_terminal(tmp_path, folder, "sys.exit(1)")
    assert (code, "Nothing was changed" in told) == (0, True)
    assert picture(os.fsencode(folder)) == before
