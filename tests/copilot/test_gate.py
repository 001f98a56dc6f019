"""What leaves the machine: bytes at a server that counts as remote, with secrets planted in documents."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from copilot import leaving
from copilot.background import Task
from copilot.providers import Message
from copilot.session import LocalSession
from copilot.types import Answer, AskRequest, SummarizeRequest, Summary, Turn
from indexer.config import Config
from indexer.errors import EgressRefusedError
from indexer.library import Library
from tests.planted import planted

from .conftest import ModelServer, start_server, stop_server
from .scripted import ScriptedModels, ScriptedProvider

SECRETS = planted(200, seed=20)
MARK = "quartzite"
"""A word of every passage under `never`; it stands nowhere else."""


def write(folder: Path) -> None:
    """Documents under each policy; the secrets are in `redact` and, some of them, in `never`."""
    for name in ("never", "redact", "ask", "open"):
        (folder / name).mkdir(parents=True)
    (folder / "never/.quire-policy").write_text("never\n")
    (folder / "ask/.quire-policy").write_text("ask\n")
    for at in range(0, len(SECRETS), 10):
        part = SECRETS[at : at + 10]
        text = "\n\n".join(f"Zephyr ledger entry {at + n}. {line}" for n, (_, _, line) in enumerate(part))
        (folder / f"redact/zephyr-{at:03}.txt").write_text(f"Zephyr ledger, part {at}\n\n{text}\n")
    (folder / "redact/jane.roe@zephyr-mail.example.txt").write_text(
        "Zephyr ledger, contacts\n\nThe keeper of the Zephyr ledger is jane.roe@zephyr-mail.example.\n"
    )
    (folder / "never/zephyr.txt").write_text(
        f"Zephyr ledger, the {MARK} part\n\nThe Zephyr ledger is kept in the {MARK} vault. "
        f"{SECRETS[0][2]} The {MARK} vault opens at nine.\n"
    )
    (folder / "open/copy.txt").write_bytes((folder / "never/zephyr.txt").read_bytes())
    with zipfile.ZipFile(folder / "never/box.zip", "w") as box:
        box.writestr("inside.txt", f"The Zephyr ledger has a second {MARK} vault under the stairs.\n")
    mail = EmailMessage()
    mail["Subject"] = "Zephyr ledger"
    mail.set_content(f"The Zephyr ledger of the {MARK} vault is attached.")
    mail.add_attachment(f"Zephyr ledger: the {MARK} vault has a red door.", filename="door.txt")
    (folder / "never/mail.eml").write_bytes(mail.as_bytes())
    (folder / "ask/zephyr.txt").write_text("The Zephyr ledger was begun by Aurelia Stonebridge in 1911.\n")


def config(server: ModelServer, **privacy: object) -> Config:
    return Config.model_validate(
        {
            "language_model": {
                "provider": "openai",
                "model": "ok",
                "base_url": f"{server.url}/v1",
                "context_tokens": 32000,
            },
            "privacy": {
                "allow_remote": True,
                "tunnels": [server.url.removeprefix("http://")],
                "patterns": {"codename": "Nightingale"},
                **privacy,
            },
        }
    )


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    process, running = start_server()
    yield running
    stop_server(process)


@pytest.fixture(scope="module")
def library(server: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    folder = tmp_path_factory.mktemp("documents")
    write(folder)
    with Library.open(tmp_path_factory.mktemp("library"), config(server), watch=False) as opened:
        for _ in opened.sync([str(folder)]):
            pass
        yield opened


def sent(server: ModelServer, since: int = 0) -> list[str]:
    return [entry["raw"] for entry in server.log()[since:] if "raw" in entry]


def ask(library: Library, question: str, **request: Any) -> Answer:
    *_, answer = LocalSession(library).ask(AskRequest(question=question, remember=False, **request))
    assert isinstance(answer, Answer)
    return answer


def leaked(captured: str) -> list[str]:
    """Planted secrets in what was captured, as they are or as JSON writes them."""
    texts = [
        captured,
        json.dumps(captured, ensure_ascii=False),
        captured.replace("\\n", "\n").replace('\\"', '"'),
    ]
    found = []
    for _, secret, _ in SECRETS:
        lines = [line for line in secret.splitlines() if not line.startswith("-----")]
        found += [line for line in lines if any(line in text for text in texts)]
    return found


def test_no_secret_and_no_passage_under_never_reaches_a_remote_server(
    library: Library, server: ModelServer
) -> None:
    before = len(server.log())
    logged = len(library.catalogue.egress_log())
    answers = [ask(library, f"What does the Zephyr ledger entry {at} say?") for at in (7, 77, 177)]
    root = _root(library)
    *_, summary = LocalSession(library).summarize(
        SummarizeRequest(paths=(f"{root}/redact", f"{root}/never", f"{root}/ask"))
    )
    assert isinstance(summary, Summary)
    captured = sent(server, before)
    assert len(captured) >= len(answers)
    everything = "\n".join(captured)
    numbers = {int(number) for number in re.findall(r"ledger entry (\d+)\.", everything)}
    assert numbers == set(range(len(SECRETS)))  # every passage with a secret went, without it
    assert "⟦" in everything
    assert leaked(everything) == []
    assert MARK not in everything
    assert "Stonebridge" not in everything
    assert "jane.roe" not in everything
    kept = {each.path.rsplit("/", 1)[-1]: each.policy for each in summary.coverage.withheld}
    assert kept == dict.fromkeys(("box.zip", "inside.txt", "mail.eml", "door.txt"), "never") | {
        "zephyr.txt": "ask"
    }
    entries = library.catalogue.egress_log()[: len(library.catalogue.egress_log()) - logged]
    assert len(entries) == len(captured)
    assert {entry["host"] for entry in entries} == {server.url.removeprefix("http://")}
    assert {entry["outcome"] for entry in entries} == {"200"}
    assert sorted(entry["bytes"] for entry in entries) == sorted(len(raw.encode()) for raw in captured)
    assert any(entry["redacted"].get("IBAN") for entry in entries)


def test_the_reader_sees_the_values(library: Library) -> None:
    answer = ask(library, "Who is the keeper of the Zephyr ledger?")
    assert "jane.roe@zephyr-mail.example" in answer.answer
    assert "⟦" not in answer.answer
    assert answer.claims[0].verdict == "supported"
    assert "jane.roe@zephyr-mail.example" in answer.citations[0].quote


def test_what_is_under_never_is_quoted_here_and_the_coverage_says_so(
    library: Library, server: ModelServer
) -> None:
    before = len(server.log())
    answer = ask(library, "When does the quartzite vault open?", documents=(f"{_root(library)}/never",))
    assert sent(server, before) == []
    assert answer.generator == "extractive"
    assert "nine" in answer.answer
    assert {each.policy for each in answer.coverage.withheld} == {"never"}
    assert all(".quire-policy" in each.reason for each in answer.coverage.withheld)
    assert any("kept from the model" in note for note in answer.notes)


def _root(library: Library) -> str:
    return library.status().roots[0].path


def test_what_asks_first_goes_only_when_the_person_agrees(library: Library, server: ModelServer) -> None:
    before = len(server.log())
    scope = (f"{_root(library)}/ask",)
    answer = ask(library, "Who began the Zephyr ledger?", documents=scope)
    assert "Stonebridge" in answer.answer  # quoted here
    assert sent(server, before) == []
    assert [each.policy for each in answer.coverage.withheld] == ["ask"]
    agreed = ask(library, "Who began the Zephyr ledger?", documents=scope, agreed=True)
    assert "Stonebridge" in sent(server, before)[-1]
    assert agreed.coverage.withheld == ()


@pytest.mark.parametrize("kind", ["openai", "ollama", "anthropic"])
def test_the_preview_is_what_is_sent(
    library: Library, server: ModelServer, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = f"{server.url}/v1" if kind == "openai" else server.url
    settings = library.config.language_model.model_copy(update={"provider": kind, "base_url": base})
    if kind == "ollama":
        settings = settings.model_copy(update={"model": "ok:latest"})
    monkeypatch.setattr(library, "config", library.config.model_copy(update={"language_model": settings}))
    session = LocalSession(library)
    request = AskRequest(question="What does the Zephyr ledger entry 7 say?", remember=False)
    before, logged = len(server.log()), len(library.catalogue.egress_log())
    preview = session.preview(request)
    assert sent(server, before) == []
    assert len(library.catalogue.egress_log()) == logged
    list(session.ask(request))
    (body,) = sent(server, before)
    (call,) = preview.calls
    assert call.body == body
    assert call.bytes == preview.bytes == len(body.encode())
    assert (preview.host, preview.local) == (server.url.removeprefix("http://"), False)
    assert {each.document for each in preview.documents} == set(
        library.catalogue.egress_log()[0]["documents"]
    )
    assert preview.redacted == library.catalogue.egress_log()[0]["redacted"]
    assert {each.policy for each in preview.documents} == {"redact"}


def test_the_preview_of_a_summary_is_what_is_sent(library: Library, server: ModelServer) -> None:
    session = LocalSession(library)
    request = SummarizeRequest(paths=(f"{_root(library)}/redact/zephyr-020.txt",), sentences=3)
    before = len(server.log())
    preview = session.preview_summary(request)
    assert sent(server, before) == []
    list(session.summarize(request))
    assert [call.body for call in preview.calls] == sent(server, before)


def test_a_conversation_does_not_carry_what_must_not_go(library: Library, server: ModelServer) -> None:
    document = library.details(f"{_root(library)}/never/zephyr.txt").document
    redacted = library.details(f"{_root(library)}/redact/zephyr-000.txt").document
    secret = SECRETS[0][1]
    history = (
        Turn(question="Where is it kept?", answer=f"In the {MARK} vault [1].", documents=(document,)),
        Turn(question="And before?", answer=f"In a {MARK} tower."),
        Turn(question="Who to ask?", answer=f"Ask {secret}.", documents=(redacted,)),
    )
    before = len(server.log())
    ask(library, "And what does the Zephyr ledger say of it?", history=history)
    everything = "\n".join(sent(server, before))
    assert "Where is it kept?" in everything
    assert MARK not in everything
    assert secret not in everything


def test_the_question_is_hidden_and_the_answer_is_not(library: Library) -> None:
    provider = ScriptedProvider("⟦CODENAME-1⟧ is bob, MAIL-1.", is_local=False)
    door = leaving.Door(library, provider)
    rules = Message(role="system", content="Answer.")
    asked = Message(role="user", content="Who is Nightingale, bob@example.org?")
    answer = "".join(door.stream([rules, asked], max_tokens=9, purpose="question", documents=[], task=Task()))
    assert provider.prompts[0][1].content == "Who is ⟦CODENAME-1⟧, ⟦MAIL-1⟧?"
    assert "⟦MAIL-1⟧" in provider.prompts[0][0].content  # the model is told what these are
    assert answer.split() == ["Nightingale", "is", "bob,", "bob@example.org."]
    assert library.catalogue.egress_log()[0]["redacted"] == {"CODENAME": 1, "MAIL": 1}


def test_a_local_server_gets_everything(library: Library) -> None:
    provider = ScriptedProvider("It opens at nine [1].")
    session = LocalSession(library, models=ScriptedModels(provider))
    list(session.ask(AskRequest(question="When does the quartzite vault open?", remember=False)))
    assert MARK in provider.prompts[-1][1].content
    assert session.preview(AskRequest(question="When does the quartzite vault open?")).local


def test_a_prompt_with_a_forbidden_document_is_refused_at_the_door(library: Library) -> None:
    provider = ScriptedProvider("Yes.", is_local=False)
    door = leaving.Door(library, provider, agreed=True)
    document = library.details(f"{_root(library)}/never/zephyr.txt").document
    messages = [Message(role="user", content="anything")]
    for named in (document, "sha256:" + "0" * 64):
        with pytest.raises(EgressRefusedError, match="does not leave"):
            list(door.stream(messages, max_tokens=9, purpose="x", documents=[named], task=Task()))
    assert provider.prompts == []


def test_copies_go_as_the_strictest_of_them(library: Library) -> None:
    status = LocalSession(library).privacy(f"{_root(library)}/open/copy.txt")
    assert [place.policy for place in status.places] == ["never"]
    assert "never/.quire-policy" in status.places[0].reason


def test_folders_with_a_policy_file_are_listed(library: Library) -> None:
    places = {place.path: place for place in LocalSession(library).privacy().places}
    closed = places[f"{_root(library)}/never"]
    assert closed.policy == "never"
    assert closed.reason.endswith("never/.quire-policy")


def test_what_was_kept_from_the_model_does_not_count_as_read(library: Library, server: ModelServer) -> None:
    answer = ask(library, "Who is the keeper of the Zephyr ledger, and who began it in 1911?")
    shown = {path for call in LocalSession(library).sent(limit=1) for path in call.documents}
    assert answer.coverage.withheld
    assert shown
    assert answer.coverage.read == len(shown)


def test_the_log_is_found_by_any_word(library: Library, server: ModelServer) -> None:
    ask(library, "What does the Zephyr ledger entry 12 say?")
    session = LocalSession(library)
    newest = session.sent()[0]
    assert newest.purpose == "answer"
    assert any("zephyr" in path for path in newest.documents)
    assert session.sent("zephyr answer ok")[0] == newest
    assert session.sent("zephyr summary nonsense") == ()
    assert len(session.sent(limit=1)) == 1


def test_every_call_of_a_model_goes_through_the_door() -> None:
    """No other module streams from a provider: what goes is decided, hidden and logged in one place."""
    package = Path(leaving.__file__).parent
    callers = {
        path.name
        for path in package.rglob("*.py")
        if re.search(r"\b_?provider\.(?:stream|rehearse)\(", path.read_text(encoding="utf-8"))
    }
    assert callers == {"leaving.py"}


LOCAL_ONLY = """
import socket, sys
seen = []
def watch(event, args):
    if event == "socket.connect":
        address = args[1]
        if args[0].family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1"):
            seen.append((event, address))
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        seen.append((event, args[0] if event != "socket.sendto" else args[1]))
sys.addaudithook(watch)
from pathlib import Path
from copilot.session import LocalSession
from copilot.types import AskRequest, SummarizeRequest
from indexer.config import Config
from indexer.library import Library
from indexer.types import SearchRequest
folder, place, embedding = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
config = Config.model_validate({
    "language_model": {"provider": "openai", "model": "gpt", "base_url": "https://models.example.com/v1"},
    "embedding": {"provider": embedding, "model": "e", "base_url": "https://models.example.com/v1"}
    if embedding == "openai" else {},
})
import threading
ready = threading.Event()
with Library.open(place, config, on_ready=ready.set) as library:
    for _ in library.sync([str(folder)]):
        pass
    ready.wait(60)
    session = LocalSession(library)
    for question in ("Who began the Zephyr ledger?", "齐柏林账本是谁开始的？"):
        request = AskRequest(question=question)
        *_, answer = session.ask(request)
        session.preview(request)
    *_, summary = session.summarize(SummarizeRequest(scope="zephyr"))
    session.search(SearchRequest(query="ledger"))
    session.status(); session.doctor(); session.privacy()
    print("generators", answer.generator, summary.generator, "log", len(library.catalogue.egress_log()))
print("outside", seen)
"""


@pytest.mark.parametrize("embedding", ["minilm", "openai"])
def test_local_only_opens_no_connection_and_resolves_no_name(tmp_path: Path, embedding: str) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "zephyr.txt").write_text("The Zephyr ledger was begun by Aurelia Stonebridge in 1911.\n")
    done = subprocess.run(
        [sys.executable, "-c", LOCAL_ONLY, str(folder), str(tmp_path / "library"), embedding],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    assert "generators extractive extractive log 0" in done.stdout
    assert "outside []" in done.stdout


def test_the_preview_of_a_follow_up_is_what_is_sent(library: Library, server: ModelServer) -> None:
    session = LocalSession(library)
    *_, first = session.ask(AskRequest(question="What does the Zephyr ledger entry 7 say?"))
    assert isinstance(first, Answer)
    request = AskRequest(question="And what does it say of entry 8?", conversation=first.conversation)
    preview = session.preview(request)
    before = len(server.log())
    list(session.ask(request))
    calls = sent(server, before)
    assert [call.certain for call in preview.calls] == [True, False]
    assert preview.calls[0].purpose == "question"
    assert preview.calls[0].body == calls[0]
    assert leaked("\n".join(calls)) == []
