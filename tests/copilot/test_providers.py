"""Language models over real connections to a server in a process of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from copilot.background import Background
from copilot.providers import Message, Models, llamaindex
from copilot.providers.llamaindex import LlamaIndexProvider
from indexer.config import Config, LanguageModelConfig, PrivacyConfig
from indexer.egress import Call
from indexer.errors import EgressRefusedError, ProviderError

from .conftest import ModelServer

KINDS = ("openai", "ollama", "anthropic")
PROMPT: Sequence[Message] = (
    Message(role="system", content="Answer from the passages."),
    Message(
        role="user",
        content='<passages>\n<passage number="1" source="notes">\nIt rains today. More.\n</passage>\n'
        "</passages>\n<question>What of today?</question>",
    ),
)


def provider(
    server: ModelServer, kind: str, model: str, *, timeout_s: float = 10, key_env: str = ""
) -> LlamaIndexProvider:
    settings = LanguageModelConfig(timeout_s=timeout_s, api_key_env=key_env)
    url = f"{server.url}/v1" if kind == "openai" else server.url
    return llamaindex.connect(kind, settings, model, url, False)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_arrives_in_pieces(model_server: ModelServer, kind: str) -> None:
    calls: list[Call] = []
    pieces = list(provider(model_server, kind, "ok").stream(PROMPT, max_tokens=50, on_call=calls.append))
    assert "".join(pieces) == "It rains today [1]."
    assert len(pieces) > 2
    assert [call.outcome for call in calls] == ["sending", "200"]
    assert calls[0].bytes > 100


@pytest.mark.parametrize("kind", KINDS)
def test_thoughts_are_not_part_of_the_answer(model_server: ModelServer, kind: str) -> None:
    text = "".join(provider(model_server, kind, "thinks").stream(PROMPT, max_tokens=50))
    assert text == "It rains today [1]."


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("model", "says", "remedy"),
    [
        ("unauthorised", "does not accept the key", "api_key_env"),
        ("unknown-model", "does not know the model", "base_url"),
        ("busy", "busy or its quota", "3600 s"),
        ("context", "too long", "context_tokens"),
        ("garbage", "not understood", "base_url"),
    ],
)
def test_failures_say_what_to_do(
    model_server: ModelServer, kind: str, model: str, says: str, remedy: str
) -> None:
    with pytest.raises(ProviderError) as failed:
        list(provider(model_server, kind, model).stream(PROMPT, max_tokens=50))
    assert says in failed.value.message
    assert remedy in failed.value.hint
    assert type(failed.value) is ProviderError


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model", ["dropped", "closed"])
def test_a_cut_answer_is_an_error_after_its_part(model_server: ModelServer, kind: str, model: str) -> None:
    before = len(model_server.asked(model))
    stream = provider(model_server, kind, model).stream(PROMPT, max_tokens=50)
    pieces: list[str] = []
    with pytest.raises(ProviderError, match="cut off"):
        pieces.extend(stream)
    assert "".join(pieces).split() == ["It", "rains", "today"]
    assert len(model_server.asked(model)) == before + 1  # after the first word nothing is tried again


def test_a_malformed_stream_is_an_error_after_its_part(model_server: ModelServer) -> None:
    stream = provider(model_server, "openai", "bad-sse").stream(PROMPT, max_tokens=50)
    assert next(stream) == "Hi"
    with pytest.raises(ProviderError, match="not understood"):
        next(stream)


def test_a_busy_server_is_tried_again_and_the_wait_is_told(model_server: ModelServer) -> None:
    notes: list[str] = []
    stream = provider(model_server, "openai", "busy-once").stream(PROMPT, max_tokens=50, on_note=notes.append)
    assert "".join(stream) == "It rains today [1]."
    assert len(model_server.asked("busy-once")) == 2
    assert len(notes) == 1
    assert "again in 0 s" in notes[0]  # what its Retry-After said


def test_a_failing_server_is_tried_a_few_times_only(
    model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("copilot.providers.streaming.random.uniform", lambda *_: 0.01)
    with pytest.raises(ProviderError, match="500: out of memory"):
        list(provider(model_server, "openai", "broken").stream(PROMPT, max_tokens=50))
    assert len(model_server.asked("broken")) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_redirect_to_another_host_is_refused(
    model_server: ModelServer, other_server: ModelServer, kind: str
) -> None:
    with pytest.raises(EgressRefusedError, match="wanted to send the text on"):
        list(provider(model_server, kind, f"redirect {other_server.url}").stream(PROMPT, max_tokens=50))
    assert other_server.log() == []


def test_nobody_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copilot.providers.streaming.ATTEMPTS", 1)
    gone = ModelServer("http://127.0.0.1:1")
    settings = LanguageModelConfig(timeout_s=5)
    stream = llamaindex.connect("ollama", settings, "ok", gone.url, False).stream(PROMPT, max_tokens=5)
    with pytest.raises(ProviderError, match="No server answers"):
        list(stream)


def test_silence_ends_after_the_time_set(model_server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copilot.providers.streaming.ATTEMPTS", 1)
    with pytest.raises(ProviderError, match="said nothing for 1 s"):
        list(provider(model_server, "openai", "hang", timeout_s=1).stream(PROMPT, max_tokens=50))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model", ["hang", "stalls"])
def test_closing_ends_a_stream_whose_server_is_silent(
    model_server: ModelServer, kind: str, model: str
) -> None:
    stream = provider(model_server, kind, model, timeout_s=50).stream(PROMPT, max_tokens=50)
    received: list[str] = []
    reader = threading.Thread(target=lambda: received.extend(stream))
    before = len(model_server.asked(model))
    reader.start()
    while len(model_server.asked(model)) == before:
        time.sleep(0.02)
    stream.close()
    reader.join(timeout=5)
    assert not reader.is_alive()
    assert list(stream) == []


def test_closing_cuts_the_connection(model_server: ModelServer) -> None:
    stream = provider(model_server, "openai", "slow").stream(PROMPT, max_tokens=50)
    assert next(stream).strip() == "It"
    stream.close()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if any(entry["path"] == "disconnected" for entry in model_server.log()):
            return
        time.sleep(0.05)
    pytest.fail("the server still writes")


def test_a_model_that_does_not_stop_is_stopped(
    model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("copilot.providers.streaming.MAX_ANSWER_CHARACTERS", 500)
    with pytest.raises(ProviderError, match="did not stop"):
        list(provider(model_server, "openai", "endless").stream(PROMPT, max_tokens=50))


def test_ollama_is_told_its_context_and_a_cut_prompt_is_noticed(model_server: ModelServer) -> None:
    notes: list[str] = []
    long = (Message(role="user", content="word " * 2000),)
    stream = provider(model_server, "ollama", "small-window").stream(
        long, max_tokens=77, on_note=notes.append
    )
    assert list(stream)
    options = model_server.asked("small-window")[-1]["options"]
    assert options["num_ctx"] == 8192
    assert options["num_predict"] == 77
    assert any("read only 20" in note for note in notes)


@pytest.mark.parametrize("kind", KINDS)
def test_the_key_goes_to_its_server_and_nowhere_else(
    model_server: ModelServer,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("QUIRE_TEST_KEY", "canary-key-123")
    asked = provider(model_server, kind, "unauthorised", key_env="QUIRE_TEST_KEY")
    with pytest.raises(ProviderError) as failed:
        list(asked.stream(PROMPT, max_tokens=50))
    sent = model_server.log()[-1]["headers"]
    assert any("canary-key-123" in value for value in sent.values())
    shown = f"{failed.value} {failed.value!r} {asked!r} {vars(asked)} {caplog.text} {capfd.readouterr()}"
    assert "canary" not in shown


@pytest.mark.parametrize("kind", KINDS)
def test_keys_of_the_environment_are_not_used_unasked(
    model_server: ModelServer, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "OLLAMA_API_KEY"):
        monkeypatch.setenv(name, "canary-key-123")
    list(provider(model_server, kind, "ok").stream(PROMPT, max_tokens=50))
    assert "canary" not in str(model_server.log()[-1]["headers"])


# --- the choice ------------------------------------------------------------------------------------


def models(*, allow_remote: bool = False, **settings: object) -> Models:
    return Models(
        Config(
            language_model=LanguageModelConfig.model_validate(settings),
            privacy=PrivacyConfig(allow_remote=allow_remote),
        )
    )


def test_ollama_on_this_machine_is_found_by_itself(
    model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", model_server.url.removeprefix("http://"))
    status = models().status()
    assert (status.name, status.local) == ("ok:latest", True)  # neither the embedder nor the cloud model
    found, note = models().provider()
    assert found is not None
    assert note == ""
    assert "".join(found.stream(PROMPT, max_tokens=50)) == "It rains today [1]."


@pytest.mark.parametrize(
    "host", ["http://127.0.0.1:1", "https://ollama.example.com", "0.0.0.0:1", "[::1", "@"]
)
def test_without_ollama_answers_are_quotes(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", host)
    monkeypatch.setattr("copilot.providers.OLLAMA_URL", "http://127.0.0.1:1")
    status = models().status()
    assert (status.name, status.host, status.local) == ("", "", True)
    assert "ollama serve" in status.note
    assert models().provider()[0] is None


def test_no_model_wanted_is_no_reproach() -> None:
    assert models(provider="none").status().note == ""
    assert models(provider="none").provider() == (None, "")


def test_a_remote_server_waits_for_the_owners_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUIRE_TEST_KEY", "canary-key-123")
    named: dict[str, Any] = {"provider": "openai", "model": "gpt", "api_key_env": "QUIRE_TEST_KEY"}
    refused = models(**named)
    assert refused.provider()[0] is None
    assert "allow_remote" in refused.status().note
    allowed = models(allow_remote=True, **named).status()
    assert (allowed.name, allowed.host, allowed.local) == ("gpt", "api.openai.com", False)


def test_a_cloud_model_of_a_local_server_waits_too(model_server: ModelServer) -> None:
    named: dict[str, Any] = {"provider": "ollama", "model": "big:120b-cloud", "base_url": model_server.url}
    assert "allow_remote" in models(**named).status().note
    allowed = models(allow_remote=True, **named).status()
    assert (allowed.name, allowed.local) == ("big:120b-cloud", False)


def test_a_model_that_ollama_lacks_is_said_with_the_command(model_server: ModelServer) -> None:
    status = models(provider="ollama", model="nope", base_url=model_server.url).status()
    assert "ollama pull nope" in status.note


def test_a_missing_key_is_said_and_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QUIRE_TEST_KEY", raising=False)
    found, note = models(
        allow_remote=True, provider="anthropic", model="claude", api_key_env="QUIRE_TEST_KEY"
    ).provider()
    assert found is None
    assert "QUIRE_TEST_KEY" in note
    missing = models(allow_remote=True, provider="openai", model="gpt", api_key_env="QUIRE_TEST_KEY").status()
    assert (missing.name, "QUIRE_TEST_KEY" in missing.note) == ("", True)


# --- the iterator ----------------------------------------------------------------------------------


def test_background_hands_items_and_errors_over() -> None:
    def work(task: object) -> object:
        yield 1
        yield 2
        raise ValueError("three")

    items: Background[int] = Background(work)  # type: ignore[arg-type]
    assert next(items) == 1
    assert next(items) == 2
    with pytest.raises(ValueError, match="three"):
        next(items)
    assert list(items) == []


def test_dropping_a_background_iterator_stops_its_work() -> None:
    stopped = threading.Event()

    def work(task: object) -> object:
        try:
            while True:
                yield 1
                task.wait(0.01)  # type: ignore[attr-defined]
        finally:
            stopped.set()

    items: Background[int] = Background(work)  # type: ignore[arg-type]
    next(items)
    del items
    assert stopped.wait(5)
