"""The command line as scripts use it: keys, exit codes, streams. One real engine serves the whole file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from copilot.engine import VERSION, process
from tui.cli import COMMANDS, main

BOAT = """# The boat shed

The lease of the boat shed ends on 31 March 2034. The rent is 1,850 euros a month.

Nobody may drill into the roof because the covering contains asbestos.
"""
LAUNCH = "# 锅炉\n\n工作压力为八巴，安全阀在九巴时打开。\n"
CONFIG = '[language_model]\nprovider = "none"\n[watch]\nsettle_s = 0\n[search]\nlimit = 2\n'
HIT_KEYS = {
    *("rank", "score", "path", "paths", "title", "document", "chunk", "page", "heading", "start", "end"),
    *("snippet", "matched_by", "scores"),
}
CITATION_KEYS = {"n", "path", "title", "document", "page", "start", "end", "quote"}

pytestmark = pytest.mark.xdist_group("cli")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    (folder / "boat.md").write_text(BOAT)
    (folder / "copy of boat.md").write_text(BOAT)
    (folder / "launch.md").write_text(LAUNCH)
    (folder / "mail.txt").write_text("The museum needs a ferry.\n\nevil \x1b]52;c;aGk=\x07 \x9b31m text\n")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing that follows is a PDF")
    return folder


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    base = tmp_path_factory.mktemp("quire")
    (base / "config.toml").write_text(CONFIG)
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

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def indexed(quire: Run, documents: Path) -> Path:
    code, _, err = quire("index", documents)
    assert code == 0, err
    return documents


def as_json(out: str) -> dict[str, Any]:
    """The one object on standard output."""
    value = json.loads(out)
    assert isinstance(value, dict)
    assert out.isascii()
    return value


def test_index_tells_what_it_did_on_standard_error(quire: Run, documents: Path) -> None:
    code, out, err = quire("index", documents)
    assert (code, out) == (0, "")
    assert "5 files" in err
    assert "1 could not be read" in err
    code, out, err = quire("index", documents, "--json")
    assert (code, err) == (0, "")
    assert as_json(out)["unread"] == 1
    assert quire("index", "--quiet") == (0, "", "")


def test_index_of_a_file_that_cannot_be_read_fails(quire: Run, indexed: Path) -> None:
    code, _, err = quire("index", indexed / "broken.pdf")
    assert code == 3
    assert "broken.pdf" in err


def test_search_json_has_the_keys_of_the_contract(quire: Run, indexed: Path) -> None:
    code, out, err = quire("search", '"boat shed"', "--json")
    assert (code, err) == (0, "")
    result = as_json(out)
    assert {"query", "mode", "took_ms", "total", "hits"} <= set(result)
    (hit,) = result["hits"]
    assert set(hit) >= HIT_KEYS
    assert sorted(hit["paths"]) == [str(indexed / "boat.md"), str(indexed / "copy of boat.md")]
    assert hit["path"] == hit["paths"][0]
    assert hit["page"] is None
    assert hit["document"].startswith("sha256:")
    assert len(hit["document"]) == 71
    assert set(hit["matched_by"]) <= {"keyword", "semantic"}
    assert set(hit["scores"]) == {"keyword", "semantic"}


def test_global_options_count_before_and_after_the_command(quire: Run, indexed: Path, tmp_path: Path) -> None:
    before, after = quire("--json", "show", indexed / "boat.md"), quire("show", indexed / "boat.md", "--json")
    assert as_json(before[1]) == as_json(after[1])
    other = tmp_path / "other"
    try:
        assert quire("--library", other, "search", "ferry", "--json")[0] == 1
        assert quire("search", "ferry", "--library", other, "--json")[0] == 1
    finally:
        process.stop(process.place_of(other))


@pytest.mark.parametrize("mode", ["keyword", "semantic", "auto"])
def test_every_mode_finds(quire: Run, indexed: Path, mode: str) -> None:
    code, out, _ = quire("search", "when does the lease end", "--mode", mode, "--limit", 1, "--json")
    assert code == 0
    assert as_json(out)["hits"][0]["path"].endswith("boat.md")


def test_cold_engine_waits_for_its_models_where_they_are_needed(quire: Run, indexed: Path) -> None:
    quire("engine", "stop")
    result = as_json(quire("search", "which vehicle does the museum lack", "--mode", "semantic", "--json")[1])
    assert result["mode"] == "semantic"
    assert result["hits"][0]["path"] == str(indexed / "mail.txt")


def test_cold_engine_waits_for_its_models_when_words_find_nothing(quire: Run, indexed: Path) -> None:
    quire("engine", "stop")
    result = as_json(quire("search", "vaporetto wheelhouse berth", "--json")[1])
    assert result["mode"] == "hybrid"
    assert not any("not ready" in note for note in result["notes"])


def test_chinese_is_found(quire: Run, indexed: Path) -> None:
    assert as_json(quire("search", "安全阀", "--json")[1])["hits"][0]["path"] == str(indexed / "launch.md")


def test_phrase_that_begins_and_ends_inside_words_is_found(quire: Run, indexed: Path) -> None:
    (hit,) = as_json(quire("search", '"ease of the boat sh"', "--json")[1])["hits"]
    assert hit["path"] == str(indexed / "boat.md")


def test_configured_limit_counts_unless_one_is_given(quire: Run, indexed: Path) -> None:
    hits = [as_json(quire("search", "the", *more, "--json")[1])["hits"] for more in ([], ["--limit", 1])]
    assert [len(found) for found in hits] == [2, 1]
    quire("engine", "stop")
    assert len(as_json(quire("--no-engine", "search", "the", "--json")[1])["hits"]) == 2


def test_chunks_and_explain_add_to_hits(quire: Run, indexed: Path) -> None:
    hit = as_json(quire("search", "asbestos", "--chunks", "--explain", "--json")[1])["hits"][0]
    assert "asbestos" in hit["text"]
    assert hit["explain"]


def test_nothing_found_is_exit_code_1(quire: Run, indexed: Path) -> None:
    code, out, err = quire("search", '"no such words anywhere"')
    assert (code, out) == (1, "")
    assert "Nothing found" in err
    assert as_json(quire("search", '"no such words anywhere"', "--json")[1])["hits"] == []


def test_terminal_codes_of_documents_never_come_out(quire: Run, indexed: Path) -> None:
    for arguments in (["search", "ferry"], ["ask", "Who needs a ferry?"], ["show", indexed / "mail.txt"]):
        _, out, err = quire(*arguments)
        assert "\x1b]" not in out + err
        assert "\x9b" not in out + err


def test_ask_json_has_the_keys_of_the_contract(quire: Run, indexed: Path) -> None:
    code, out, _ = quire("ask", "When does the lease of the boat shed end?", "--json", "--no-llm")
    assert code == 0
    answer = as_json(out)
    assert {"question", "status", "answer", "generator", "took_ms", "claims", "citations", "coverage"} <= set(
        answer
    )
    assert answer["status"] == "answered"
    assert "2034" in answer["answer"]
    assert {"text", "verdict", "citations"} <= set(answer["claims"][0])
    assert set(answer["citations"][0]) >= CITATION_KEYS
    assert {"in_scope", "read", "unread"} <= set(answer["coverage"])
    assert {"path", "reason"} <= set(answer["coverage"]["unread"][0])


def test_ask_prints_sources_and_what_was_not_read(quire: Run, indexed: Path) -> None:
    code, out, _ = quire("ask", "When does the lease of the boat shed end?")
    assert code == 0
    assert "[1]" in out
    assert "boat.md" in out
    assert "broken.pdf" in out


def test_question_without_answer_is_exit_code_1(quire: Run, indexed: Path) -> None:
    code, out, _ = quire("ask", "Which enzyme splits lactose?", "--json")
    assert code == 1
    assert as_json(out)["status"] == "not_found"


def test_scope_limits_an_answer(quire: Run, indexed: Path) -> None:
    code, out, _ = quire("ask", "When does the lease end?", "--scope", "name:launch", "--json")
    assert as_json(out)["coverage"]["in_scope"] == 1
    assert code == 1


def test_summarize_json_has_the_keys_of_the_contract(quire: Run, indexed: Path) -> None:
    code, out, _ = quire("summarize", indexed / "boat.md", "--json")
    assert code == 0
    summary = as_json(out)
    assert {"target", "summary", "generator", "took_ms", "sentences", "citations", "coverage"} <= set(summary)
    assert {"text", "citations"} <= set(summary["sentences"][0])
    assert set(summary["citations"][0]) >= CITATION_KEYS


def test_summarize_takes_a_scope_and_needs_one_or_the_other(quire: Run, indexed: Path) -> None:
    assert quire("summarize", "--scope", "name:boat")[0] == 0
    assert quire("summarize")[0] == 2
    assert quire("summarize", indexed / "unknown.md")[0] in (1, 2)


def test_show_json_has_the_keys_of_the_contract(quire: Run, indexed: Path) -> None:
    code, out, _ = quire("show", indexed / "boat.md", "--json")
    assert code == 0
    details = as_json(out)
    keys = {"path", "paths", "document", "title", "language", "pages", "chunks", "state", "reason"}
    assert keys | {"quality", "duplicates", "versions", "tags"} <= set(details)
    assert details["duplicates"] == [str(indexed / "copy of boat.md")]
    assert as_json(quire("show", details["document"], "--json")[1])["document"] == details["document"]
    assert quire("show", indexed / "unknown.md")[0] == 1


def test_status_json_has_the_keys_of_the_contract(quire: Run, indexed: Path) -> None:
    code, out, _ = quire("status", "--json")
    assert code == 0
    status = as_json(out)
    assert {"library", "roots", "files", "documents", "chunks", "vectors"} <= set(status)
    assert set(status["pending"]) == {"parse", "embed"}
    assert set(status["engine"]) == {"pid", "version", "uptime_s", "rss_mb"}
    assert set(status["models"]) == {"embedding", "language"}
    (failed,) = [file for file in status["failed"] if file["path"] == str(indexed / "broken.pdf")]
    assert failed["reason"]
    assert status["files"] == 5
    assert "broken.pdf" in quire("status")[1]


def test_roots_are_listed_added_and_removed(quire: Run, indexed: Path, tmp_path: Path) -> None:
    code, out, _ = quire("add", tmp_path, "--json")
    assert code == 0
    assert as_json(out)["roots"][0]["path"] == str(tmp_path)
    paths = [root["path"] for root in as_json(quire("roots", "--json")[1])["roots"]]
    assert sorted(paths) == sorted([str(indexed), str(tmp_path)])
    assert quire("remove", tmp_path)[0] == 0
    assert str(tmp_path) not in quire("roots")[1]
    assert quire("remove", tmp_path)[0] == 1
    assert quire("add", tmp_path / "missing")[0] == 2


def test_doctor_finds_nothing_wrong(quire: Run, indexed: Path) -> None:
    code, out, _ = quire("doctor", "--json")
    checks = as_json(out)
    assert code == 0, [check for check in checks["checks"] if not check["ok"]]
    assert checks["ok"]


def test_engine_is_looked_at_stopped_and_started(quire: Run, indexed: Path) -> None:
    before = as_json(quire("engine", "status", "--json")[1])
    assert before["running"]
    assert quire("engine", "stop")[0] == 0
    assert quire("engine", "stop")[0] == 1
    code, out, _ = quire("engine", "status", "--json")
    assert (code, as_json(out)) == (1, {"running": False})
    assert as_json(quire("engine", "start", "--json")[1])["pid"] != before["pid"]
    assert as_json(quire("search", "ferry", "--json")[1])["total"] >= 1


def test_library_opens_in_this_process(quire: Run, indexed: Path) -> None:
    code, _, err = quire("--no-engine", "search", "ferry")
    assert code == 3
    assert "Traceback" not in err
    quire("engine", "stop")
    code, out, _ = quire("--no-engine", "search", "ferry", "--json")
    assert code == 0
    assert as_json(out)["mode"] == "hybrid"
    assert as_json(out)["hits"][0]["path"] == str(indexed / "mail.txt")
    assert quire("engine", "status")[0] == 1


def test_config_is_shown_located_and_written(quire: Run, tmp_path: Path) -> None:
    assert as_json(quire("config", "show", "--json")[1])["watch"]["settle_s"] == 0
    assert tomllib.loads(quire("config", "show")[1])["language_model"]["provider"] == "none"
    path = tmp_path / "new" / "config.toml"
    assert quire("--config", path, "config", "path")[1].strip() == str(path)
    assert quire("--config", path, "config", "init")[0] == 0
    example = Path(__file__).parents[2] / "config.example.toml"
    assert path.read_text() == example.read_text()
    assert quire("--config", path, "config", "init")[0] == 2
    assert quire("--config", path, "config", "show")[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["serach", "x"],
        ["search"],
        ["search", "x", "--mode", "telepathy"],
        ["search", "x", "--limit", "0"],
        ["ask", "   "],
        ["index", "/no/such/folder"],
        ["/no/such/folder"],
        ["--no-such-option"],
        ["--config", "/no/such/config.toml", "config", "show"],
        [],
    ],
)
def test_wrong_usage_is_exit_code_2(quire: Run, arguments: list[str]) -> None:
    code, out, err = quire(*arguments)
    assert (code, out) == (2, ""), err
    assert err
    assert "Traceback" not in err


def test_bug_is_exit_code_3_with_its_log(quire: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **more: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("copilot.engine.transport.Wire.call", fail)
    code, out, err = quire("status")
    assert (code, out) == (3, "")
    assert "ZeroDivisionError" in err
    log = Path(err.split(" in ")[-1].strip().rstrip("."))
    assert "Traceback" in log.read_text()


def test_version_and_help(quire: Run) -> None:
    assert quire("--version") == (0, f"quire {VERSION}\n", "")
    code, out, _ = quire("--help")
    assert code == 0
    assert all(command in out for command in COMMANDS)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_completes(quire: Run, shell: str) -> None:
    code, out, _ = quire("completion", shell)
    assert code == 0
    assert "_QUIRE_COMPLETE" in out


def test_shell_gets_commands_to_complete(surroundings: dict[str, str]) -> None:
    asked = {"_QUIRE_COMPLETE": "bash_complete", "COMP_WORDS": "quire su", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", "from tui.cli import main; main()"],
        env={**os.environ, **surroundings, **asked},
        capture_output=True,
        text=True,
    )
    assert "summarize" in done.stdout


def test_interrupt_is_exit_code_130(surroundings: dict[str, str], indexed: Path) -> None:
    watching = subprocess.Popen(
        [sys.executable, "-m", "tui.cli", "watch"],
        env={**os.environ, **surroundings},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None
    with watching:
        assert "watching 5 files" in watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        assert watching.wait(20) == 130


def test_watch_tells_of_a_new_file(surroundings: dict[str, str], indexed: Path) -> None:
    watching = subprocess.Popen(
        [sys.executable, "-m", "tui.cli", "watch"],
        env={**os.environ, **surroundings},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None
    with watching:
        watching.stdout.readline()
        (indexed / "later.md").write_text("Something new.")
        assert "+" in watching.stdout.readline()
        (indexed / "later.md").unlink()
        watching.terminate()


def test_reader_that_stops_early_is_no_error(surroundings: dict[str, str], indexed: Path) -> None:
    script = f"{sys.executable} -m tui.cli search ferry | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script], env={**os.environ, **surroundings}, capture_output=True, text=True
    )
    assert done.stdout.strip() == "0"
    assert "Traceback" not in done.stderr


def test_search_loads_nothing_slow(surroundings: dict[str, str], indexed: Path) -> None:
    script = (
        "import sys\nfrom tui.cli import main\ncode = main(['search', 'ferry', '--json'])\n"
        "slow = {'textual', 'rich', 'pydantic', 'numpy', 'email', 'copilot.types', 'indexer.types'}\n"
        "sys.exit(code or str(slow & set(sys.modules)) if slow & set(sys.modules) else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **surroundings}, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
