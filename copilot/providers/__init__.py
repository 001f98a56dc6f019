"""Who writes the text: the registry of language models and the one in use.

Nothing here imports a model library; `llamaindex` does, when a model is first asked.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from copilot.background import Background
from copilot.types import ModelStatus
from indexer import egress
from indexer.config import Config, LanguageModelConfig
from indexer.egress import Call, Planned
from indexer.errors import AppError, ConfigError, EgressRefusedError, ProviderError

OLLAMA_URL = "http://127.0.0.1:11434"
DEFAULT_URLS = {
    "ollama": OLLAMA_URL,
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
}
PROBE_TIMEOUT_S = 0.3
"""An Ollama server on this machine lists its models in a few milliseconds."""
PROBE_AGE_S = 15.0
"""For so long the answer to "is there an Ollama server" is believed."""

NO_MODEL_HINT = (
    "No language model: answers are quotes. Start Ollama (ollama serve), or set [language_model] in the "
    "configuration."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


class Provider(Protocol):
    """A language model that can be asked. Made once, used from several threads."""

    name: str
    """The model's name."""
    host: str
    """Where text goes."""
    is_local: bool
    context_tokens: int
    """Tokens the model may be given at once, the answer included."""
    answer_tokens: int
    """Tokens an answer may have."""

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        on_call: Callable[[Call], None] | None = None,
        on_note: Callable[[str], None] | None = None,
    ) -> Background[str]:
        """Yield the answer in pieces. `close`, from any thread, cuts the connection.

        Args:
            messages: The prompt.
            max_tokens: Length of the answer at most.
            on_call: Told of every request that went out.
            on_note: Told one line for a person: waiting for a busy server, an answer cut short.

        Raises:
            ProviderError: the server failed; what was yielded before stays valid as a part.
            EgressRefusedError: the server wanted to send us elsewhere.
        """

    def rehearse(self, messages: Sequence[Message], *, max_tokens: int) -> Planned:
        """The request that `stream` would send, byte for byte; nothing is sent.

        Raises:
            ProviderError: no request came of it.
        """


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which model the configuration leads to now."""

    kind: str
    """Key of `DEFAULT_URLS`, or "" for none."""
    model: str = ""
    url: str = ""
    note: str = ""


class Models:
    """The language model that the configuration names, looked for when needed."""

    def __init__(self, config: Config) -> None:
        self._settings = config.language_model
        self._allow_remote = config.privacy.allow_remote
        self._tunnels = config.privacy.tunnels
        self._lock = threading.Lock()
        self._choice: _Choice | None = None
        self._chosen_at = 0.0
        self._connected: tuple[_Choice, Provider] | None = None

    def provider(self) -> tuple[Provider | None, str]:
        """The model to ask, or None and the reason with its remedy."""
        choice = self._choose()
        if not choice.kind or choice.note:
            return None, choice.note
        with self._lock:
            if self._connected is None or self._connected[0] != choice:
                from copilot.providers import llamaindex

                try:
                    made = llamaindex.connect(
                        choice.kind,
                        self._settings,
                        choice.model,
                        choice.url,
                        self._allow_remote,
                        self._tunnels,
                    )
                except AppError as exc:
                    return None, str(exc)
                self._connected = (choice, made)
            return self._connected[1], ""

    def status(self) -> ModelStatus:
        """Which model is in use and where its text would go; connects to nothing but loopback."""
        choice = self._choose()
        if not choice.kind or choice.note:
            return ModelStatus(name="", host="", local=True, note=choice.note)
        there = egress.check(choice.url, allow_remote=self._allow_remote, tunnels=self._tunnels)
        local = there.local and not (choice.kind == "ollama" and egress.is_cloud_model(choice.model))
        return ModelStatus(name=choice.model, host=there.label, local=local, note="")

    def _choose(self) -> _Choice:
        with self._lock:
            fresh = self._choice is not None and time.monotonic() - self._chosen_at < PROBE_AGE_S
            if not fresh:
                self._choice = _choose(self._settings, allow_remote=self._allow_remote, tunnels=self._tunnels)
                self._chosen_at = time.monotonic()
            assert self._choice is not None
            return self._choice


def _choose(settings: LanguageModelConfig, *, allow_remote: bool, tunnels: Sequence[str]) -> _Choice:
    if settings.provider == "none":
        return _Choice("")
    kind = "ollama" if settings.provider == "auto" else settings.provider
    try:
        url = settings.base_url or (_ollama_url() if kind == "ollama" else DEFAULT_URLS[kind])
        there = egress.check(url, allow_remote=allow_remote, tunnels=tunnels)
        if kind != "ollama":
            if not settings.model:
                raise ProviderError("No model is named.", hint="Set model under [language_model].")
            if not settings.api_key_command:  # a command may ask its owner: only when the model is used
                egress.read_key(env=settings.api_key_env)
            return _Choice(kind, settings.model, url)
        model = settings.model
        if there.local or not model:
            listed = _ollama_models(url, allow_remote=allow_remote, local=there.local)
            model = _named(model, listed) if model else _first(listed, allow_remote=allow_remote)
        egress.refuse_cloud_model(model, allow_remote=allow_remote)
        return _Choice("ollama", model, url)
    except (EgressRefusedError, ConfigError) as exc:
        return _Choice(kind, note=str(exc))
    except ProviderError as exc:
        return _Choice("", note=NO_MODEL_HINT if settings.provider == "auto" else str(exc))


def _ollama_url() -> str:
    """Ollama's address: `OLLAMA_HOST` when that is this machine, else the usual one."""
    given = os.environ.get("OLLAMA_HOST", "").strip()
    if not given:
        return OLLAMA_URL
    # The server's own setting "listen everywhere" is no address to connect to.
    given = given.replace("0.0.0.0", "127.0.0.1")
    url = given if "://" in given else f"http://{given}"
    try:
        there = egress.check(url, allow_remote=False)
    except EgressRefusedError:
        return OLLAMA_URL
    host = f"[{there.host}]" if ":" in there.host else there.host
    port = there.port if ":" in url.removeprefix("http://").rpartition("]")[2] else 11434
    return f"{there.scheme}://{host}:{port}"


def _ollama_models(url: str, *, allow_remote: bool, local: bool) -> list[dict[str, object]]:
    """Models the server lists. Raises ProviderError when none answers as Ollama does."""
    import httpx

    timeout_s = PROBE_TIMEOUT_S if local else egress.CONNECT_TIMEOUT_S
    try:
        with egress.client(url, allow_remote=allow_remote, timeout_s=timeout_s) as client:
            client.get("/api/version").raise_for_status()
            answer = client.get("/api/tags").raise_for_status()
        listed = json.loads(answer.content)["models"]
    except (httpx.HTTPError, OSError, ValueError, KeyError, TypeError) as exc:
        raise ProviderError(
            f"No Ollama server answers at {url}.", hint="Start it with 'ollama serve'.", retryable=True
        ) from exc
    return [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []


def _named(model: str, listed: list[dict[str, object]]) -> str:
    """The name the server gives `model`. Raises ProviderError when it does not have it."""
    names = [str(row.get("name", "")) for row in listed]
    for name in names:
        if name in (model, f"{model}:latest"):
            return name
    raise ProviderError(f"Ollama does not have the model {model}.", hint=f"Get it: 'ollama pull {model}'.")


def _first(listed: list[dict[str, object]], *, allow_remote: bool) -> str:
    names = [
        str(row.get("name", ""))
        for row in listed
        if allow_remote or not (row.get("remote_host") or egress.is_cloud_model(str(row.get("name", ""))))
    ]
    writers = [name for name in names if name and "embed" not in name.lower()]
    if not writers:
        raise ProviderError("Ollama has no language model.", hint="Get one: 'ollama pull qwen3:4b'.")
    return writers[0]
