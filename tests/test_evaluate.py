"""The table of `make eval`: what changed since the last run, what is kept, and a person's own cases."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import cases, evaluate
from benchmarks.result import Result, Row, row
from copilot.session import LocalSession
from indexer.config import Config, EmbeddingConfig
from indexer.errors import UsageError
from indexer.library import Library

PROJECT = Path(__file__).parents[1]


def result(*rows: Row, text: str = "") -> Result:
    return {"title": "Some", "rows": list(rows), "text": text}


def caught(share: float, of: int = 40) -> Row:
    return row(f"errors caught (of {of})", share, "", budget="≥ 0.95", met=share >= 0.95)


def test_a_figure_is_compared_with_the_last_run_however_many_it_counted() -> None:
    last = evaluate.after(None, result(caught(0.97, of=40)))
    run = {"claims": evaluate.after(last, result(caught(0.90, of=44)))}
    text = evaluate.report(run)
    assert "| claims | errors caught (of 44) | 0.9 | 0.97 | -0.07 **worse** | " in text
    assert "**no**" in text


@pytest.mark.parametrize(
    ("budget", "before", "now", "told"),
    [
        ("≥ 0.8", 0.8, 0.85, "+0.05 better"),
        ("≤ 0.1", 0.08, 0.05, "-0.03 better"),
        ("≤ 0.1", 0.05, 0.08, "+0.03 **worse**"),
        ("", 0.5, 0.25, "-0.25"),
        ("≥ 0.8", 0.9, 0.9, "="),
    ],
)
def test_the_goal_tells_which_way_is_better(budget: str, before: float, now: float, told: str) -> None:
    rows = [row("share", value, "", budget=budget) for value in (now, before)]
    assert evaluate.change(*rows) == told


def test_times_are_shown_but_not_compared() -> None:
    assert evaluate.change(row("answer", 900, "ms"), row("answer", 200, "ms")) == ""


def test_a_run_that_failed_keeps_the_figures_to_compare_with() -> None:
    first = evaluate.after(None, result(caught(0.97)))
    broken = evaluate.after(first, result(text="failed with exit code 1; see above"))
    assert evaluate.failed(broken["result"])
    again = evaluate.after(broken, result(caught(0.98)))
    assert "| 0.98 | 0.97 | +0.01 better |" in evaluate.report({"claims": again})


def test_what_is_left_out_is_said_and_is_no_failure() -> None:
    kept = evaluate.after(None, result(text="needs sumy and rouge-score"))
    assert not evaluate.failed(kept["result"])
    text = evaluate.report({"summaries": kept})
    assert "| summaries | not measured |" in text
    assert "needs sumy" in text


def test_languages_stand_side_by_side() -> None:
    told = result(caught(0.97))
    told["data"] = {"by_language": {"en": {"refused": 0.5}, "zh": {"refused": 0.25, "other": 1.0}}}
    text = evaluate.report({"refusal": evaluate.after(None, told)})
    assert "| area | what | en | zh |" in text
    assert "| refusal | refused | 0.500 | 0.250 |" in text
    assert "| refusal | other |  | 1.000 |" in text


def test_a_damaged_file_of_the_last_run_is_no_run(tmp_path: Path) -> None:
    file = tmp_path / "eval.json"
    assert evaluate.load(file) == {}
    file.write_text("{ half", encoding="utf-8")
    assert evaluate.load(file) == {}
    kept = {"claims": evaluate.after(None, result(caught(0.97)))}
    evaluate.save(file, kept)
    assert evaluate.load(file) == kept


def test_an_unknown_name_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.evaluate", "clams"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "clams" in done.stderr
    assert "claims" in done.stderr


# --- own cases -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSession]:
    folder = tmp_path_factory.mktemp("documents")
    (folder / "lease.txt").write_text(
        "Lease of the flat\n\nThe lease began on 1 March 2021. The monthly rent is 1,250 euros.\n",
        encoding="utf-8",
    )
    config = Config(embedding=EmbeddingConfig(provider="none"))
    with Library.open(tmp_path_factory.mktemp("library"), config, watch=False) as library:
        for _ in library.sync([str(folder)]):
            pass
        yield LocalSession(library)


def write(folder: Path, *lines: object) -> Path:
    file = folder / "cases.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


def test_own_cases_are_judged_by_answer_document_and_refusal(tmp_path: Path, session: LocalSession) -> None:
    lease = session.library.files(limit=1).rows[0].document
    file = write(
        tmp_path,
        {"question": "How high is the monthly rent?", "answers": ["1,250 euros"], "documents": [lease]},
        {"question": "When did the lease begin?", "quotes": ["The lease began on 1 March 2021."]},
        {"question": "How high is the monthly rent?", "answers": ["9,999 euros"], "documents": ["sha256:00"]},
        {"question": "Who won the chess championship in Reykjavik?", "unanswerable": True},
    )
    outcomes = [cases.judge(session, case) for case in cases.read(file)]
    assert [each.first for each in outcomes] == [True, True, False, None]
    assert [each.document for each in outcomes] == [True, None, False, None]
    assert [each.refused for each in outcomes] == [False, False, False, True]
    told = {each["what"]: each["value"] for each in cases.report(outcomes)["rows"]}
    assert told["answer right, of 3"] == pytest.approx(0.6667, abs=0.001)
    assert told["document of the first quote right, of 2"] == 0.5
    assert told["refused, of 1"] == 1.0
    assert next(value for what, value in told.items() if what.startswith("quotes at their span")) == 1.0


@pytest.mark.parametrize(
    "line",
    [
        "{ half",
        "[]",
        '{"answers": ["x"]}',
        '{"question": 3, "answers": ["x"]}',
        '{"question": "What?", "answers": [3]}',
        '{"question": "What?", "scope": 3, "answers": ["x"]}',
        '{"question": "What?"}',
    ],
)
def test_a_line_that_is_no_case_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text('{"question": "What?", "answers": ["x"]}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"Line 2 of .*cases\.jsonl"):
        cases.read(file)


def test_a_file_that_is_missing_is_said_instead_of_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUIRE_EVAL_CASES", str(tmp_path / "none.jsonl"))
    told = cases.run()
    assert told["rows"] == []
    assert "none.jsonl" in told.get("text", "")
