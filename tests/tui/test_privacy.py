"""`quire privacy`, `--dry-run` and `--agree` against a server on loopback that counts as remote."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from tests.copilot.conftest import ModelServer, start_server, stop_server
from tui.cli import main
from tui.commands import privacy

Run = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.xdist_group("privacy-cli")


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    process, running = start_server()
    yield running
    stop_server(process)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, server: ModelServer) -> Path:
    base = tmp_path_factory.mktemp("privacy")
    for name in ("never", "ask", "plain"):
        (base / "docs" / name).mkdir(parents=True)
        (base / "docs" / name / "ferry.txt").write_text(
            f"The ferry ({name}) sails at nine. Its captain is {name}@ferry.example.\n"
        )
    (base / "docs/never/.quire-policy").write_text("never")
    (base / "config.toml").write_text(
        f'[language_model]\nprovider = "openai"\nmodel = "ok"\nbase_url = "{server.url}/v1"\n'
        f'[privacy]\nallow_remote = true\ntunnels = ["{server.url.removeprefix("http://")}"]\n'
        f'folders = {{ "{base}/docs/ask" = "ask" }}\npatterns = {{ boat = "SS [A-Z]+" }}\n'
    )
    given = ["--library", f"{base}/library", "--config", f"{base}/config.toml", "--no-engine", "--quiet"]
    assert main([*given, "index", str(base / "docs")]) == 0
    return base


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        given = ["--library", f"{home}/library", "--config", f"{home}/config.toml", "--no-engine", *arguments]
        code = main(given)
        out, err = capsys.readouterr()
        return code, out, err

    return call


def bodies(server: ModelServer) -> list[str]:
    return [entry["raw"] for entry in server.log() if "raw" in entry]


def test_the_dry_run_is_what_is_sent_and_the_log_names_it(run: Run, home: Path, server: ModelServer) -> None:
    before = len(bodies(server))
    code, out, _ = run("ask", "--dry-run", "--json", "When does the ferry sail?")
    assert code == 0
    planned = json.loads(out)
    assert len(bodies(server)) == before
    code, out, _ = run("ask", "--json", "When does the ferry sail?")
    answer = json.loads(out)
    sent = bodies(server)[before:]
    assert sent == [call["body"] for call in planned["calls"]]
    assert "ferry.example" not in sent[0]
    assert {each["policy"] for each in answer["coverage"]["withheld"]} == {"never", "ask"}
    code, out, _ = run("privacy", "log", "--json", "plain answer")
    entry = json.loads(out)["entries"][0]
    assert entry["bytes"] == planned["bytes"] == len(sent[0].encode())
    assert entry["documents"] == [str(home / "docs/plain/ferry.txt")]
    assert entry["redacted"] == {"MAIL": 1}
    assert run("privacy", "log", "nonsense")[0] == 1
    code, out, _ = run("privacy", "log")
    assert "replaced: 1 mail" in out
    assert "plain/ferry.txt" in out


def test_people_read_what_would_go(run: Run, server: ModelServer) -> None:
    before = len(bodies(server))
    code, out, _ = run("ask", "--dry-run", "When does the ferry sail?")
    assert code == 0
    assert "leaves this machine" in out
    assert "replaced: 1 mail" in out
    assert "not sent:" in out
    assert "⟦MAIL-1⟧" in out
    code, out, _ = run("summarize", "--dry-run", "--scope", "ferry")
    assert code == 0
    assert "summary:" in out
    assert len(bodies(server)) == before


def test_agreeing_lets_go_what_asks(run: Run, server: ModelServer) -> None:
    code, out, _ = run("ask", "When does the ferry sail?")
    assert "(ask)" not in bodies(server)[-1]
    assert "--agree" in out
    code, out, _ = run("ask", "--agree", "When does the ferry sail?")
    assert code == 0
    assert "(ask)" in bodies(server)[-1]
    assert "(never)" not in bodies(server)[-1]


def test_on_a_terminal_one_is_asked(run: Run, server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    questions: list[str] = []

    def confirm(text: str, **_: object) -> bool:
        questions.append(text)
        return len(questions) == 1

    monkeypatch.setattr(privacy, "on_terminal", lambda stream=None: True)
    monkeypatch.setattr(click, "confirm", confirm)
    run("ask", "When does the ferry sail?")
    assert "(ask)" in bodies(server)[-1]
    run("ask", "When does the ferry sail?")
    assert "(ask)" not in bodies(server)[-1]
    assert all("docs/ask/ferry.txt" in question for question in questions)


def test_the_policy_of_a_path_says_where_it_comes_from(run: Run, home: Path) -> None:
    for name, reason in (("never", ".quire-policy"), ("ask", "docs/ask"), ("plain", "all other")):
        code, out, _ = run("privacy", "--json", str(home / "docs" / name / "ferry.txt"))
        (place,) = json.loads(out)["places"]
        assert place["policy"] == {"plain": "redact"}.get(name, name)
        assert reason in place["reason"]
    code, out, _ = run("privacy")
    assert code == 0
    assert "REMOTE" in out
    assert "everything else" in out
    assert "boat" in out


def test_a_bad_pattern_is_told_with_its_remedy(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = home / "bad.toml"
    path.write_text("[privacy]\npatterns = { mine = '(' }\n")
    code = main(["--library", f"{home}/library", "--config", str(path), "--no-engine", "privacy"])
    assert code == 2
    assert "mine" in capsys.readouterr().err
