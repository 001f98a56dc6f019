"""`quire ask` with tables, disagreements and conversations; `quire history` and `quire feedback`."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from copilot.engine import process
from tui.cli import main

REPORTS = {
    "north.md": "# North\n\nThe boiler pressure of the plant is 8 bar. =HYPERLINK is no formula.\n",
    "south.md": "# South\n\nThe boiler pressure was not measured.\n",
    "west.md": "# West\n\nThe pressure of the tyres is 2 bar; a boiler is not there.\n",
    "handbook 2022.txt": "Employees get 28 days of paid leave a year.\n",
    "handbook 2024.txt": "Employees get 30 days of paid leave a year.\n",
    "broken.pdf": "%PDF-1.7\nnothing that follows is a PDF",
}
CONFIG = (
    '[language_model]\nprovider = "none"\n[embedding]\nprovider = "none"\n[watch]\nsettle_s = 0\n'
    'mode = "polling"\npoll_s = 3600\n'
)
QUESTION = "Which of these reports mention the boiler pressure, and what value do they give?"
LEAVE = "How many days of paid leave do employees get?"

pytestmark = pytest.mark.xdist_group("cli-answers")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    base = tmp_path_factory.mktemp("quire")
    (base / "config.toml").write_text(CONFIG)
    (base / "documents").mkdir()
    for name, text in REPORTS.items():
        (base / "documents" / name).write_text(text)
    os.utime(base / "documents" / "handbook 2022.txt", (1_650_000_000, 1_650_000_000))
    chosen = {
        "QUIRE_LIBRARY": str(base / "library"),
        "QUIRE_CONFIG": str(base / "config.toml"),
        "QUIRE_BUILD": "under-test",
        "HOME": str(base),
    }
    yield chosen
    process.stop(process.place_of(base / "library"))


@pytest.fixture
def quire(
    surroundings: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run a command line here; gives its exit code, standard output and standard error."""
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(Path(surroundings["HOME"]) / "documents")

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    code, _, err = run("index", ".")
    assert code == 0, err
    return run


def as_json(out: str) -> dict[str, Any]:
    value = json.loads(out)
    assert isinstance(value, dict)
    return value


def test_a_question_to_every_document_prints_a_table(quire: Run) -> None:
    code, out, err = quire("ask", QUESTION)
    assert code == 0, err
    assert out.splitlines()[0] == "2 of 5 documents mention boiler pressure."
    assert "north.md" in out
    assert "8 bar" in out
    assert "west.md" not in out
    assert "read 5 of 6 documents in scope" in out
    assert "broken.pdf" in out
    assert "Read 5 of 5." in err


def test_the_table_in_json(quire: Run) -> None:
    code, out, _ = quire("ask", QUESTION, "--json")
    answer = as_json(out)
    assert code == 0
    assert [finding["found"] for finding in answer["findings"]] == [True, True, False, False, False]
    cell = answer["findings"][0]["cells"][0]
    assert cell["value"] == "8 bar"
    assert "8 bar" in next(c["quote"] for c in answer["citations"] if c["n"] == cell["citation"])


def test_the_table_as_csv_and_markdown(quire: Run, tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    code, _, err = quire("ask", QUESTION, "--export", target)
    assert code == 0
    assert str(target) in err
    table = list(csv.DictReader(io.StringIO(target.read_text())))
    assert [(row["document"], row["mentions"], row["value"]) for row in table] == [
        ("north.md", "yes", "8 bar"),
        ("south.md", "yes", ""),
        ("handbook 2022.txt", "no", ""),
        ("handbook 2024.txt", "no", ""),
        ("west.md", "no", ""),
        ("broken.pdf", "not read", ""),
    ]
    code, out, _ = quire("ask", QUESTION, "--format", "md")
    assert code == 0
    assert out.startswith("# Which of these reports")
    assert "| north.md | yes | 8 bar |" in out
    assert quire("ask", QUESTION, "--export", tmp_path / "table.xlsx")[0] == 2


def test_cells_that_a_spreadsheet_would_run_are_made_text(quire: Run) -> None:
    code, out, _ = quire("ask", "Which documents contain HYPERLINK?", "--format", "csv")
    assert code == 0
    (row,) = [row for row in csv.DictReader(io.StringIO(out)) if row["mentions"] == "yes"]
    assert row["quote"] == "'=HYPERLINK is no formula."


def test_disagreeing_documents_stand_side_by_side(quire: Run) -> None:
    code, out, _ = quire("ask", LEAVE)
    assert code == 0
    lines = [line for line in out.splitlines() if "Documents disagree" in line or " days  2" in line]
    assert [line.split()[0] for line in lines] == ["!", "30", "28"]
    assert "2022-04-15" in lines[2]
    assert as_json(quire("ask", LEAVE, "--json")[1])["conflicts"][0]["rows"][0]["value"] == "30 days"


def test_an_edit_is_said_beside_the_citation(quire: Run) -> None:
    path = Path("handbook 2022.txt")
    text = path.read_text()
    try:
        path.write_text(text.replace("28", "27"))
        _, out, _ = quire("ask", LEAVE)
        assert "! The file has changed since it was read" in out
    finally:
        path.write_text(text)
        os.utime(path, (1_650_000_000, 1_650_000_000))


def test_conversations_are_listed_shown_continued_exported_and_forgotten(quire: Run, tmp_path: Path) -> None:
    quire("history", "forget", "--all")
    assert quire("history")[0] == 1
    assert quire("ask", LEAVE)[0] == 0
    code, out, _ = quire("ask", "--continue", "And of the trainees?", "--json")
    answer = as_json(out)
    (row,) = as_json(quire("history", "paid", "leave", "--json")[1])["conversations"]
    assert (row["id"], row["turns"], row["question"]) == (answer["conversation"], 2, LEAVE)
    assert quire("history", "zeppelin")[0] == 1
    assert quire("ask", "How many tyres are there?", "--no-history") is not None
    assert len(as_json(quire("history", "--json")[1])["conversations"]) == 1
    code, out, _ = quire("history", "show")
    assert code == 0
    assert LEAVE in out
    code, out, _ = quire("history", "export", row["id"])
    assert code == 0
    assert f"## {LEAVE}" in out
    assert "handbook 2024.txt: “Employees get 30 days of paid leave a year.”" in out
    target = tmp_path / "talk.md"
    assert quire("history", "export", "--all", "-o", target)[0] == 0
    assert LEAVE in target.read_text()
    assert quire("feedback", "helped")[0] == 0
    shown = as_json(quire("history", "show", "--json")[1])
    assert [turn["verdict"] for turn in shown["turns"]] == [0, 1]
    assert quire("feedback", "perhaps")[0] == 2
    assert quire("history", "forget")[0] == 2
    assert quire("history", "forget", row["id"])[0] == 0
    assert quire("history", "show")[0] == 1
    assert quire("feedback", "-")[0] == 1
