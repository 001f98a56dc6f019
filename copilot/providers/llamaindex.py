"""Language models through LlamaIndex: Ollama, any OpenAI-compatible server, Anthropic.

The only module of the copilot that imports LlamaIndex, and only when a model is asked. Every library
gets a client of the gate, its own retries are off, and keys are given at construction, so that none
falls back to what the environment holds. The objects live for one request: their `repr` shows the key.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from copilot.prompts import estimate_tokens
from copilot.providers import streaming
from copilot.providers.streaming import Piece, Server
from indexer import egress
from indexer.config import LanguageModelConfig
from indexer.egress import Call, Connections, Planned
from indexer.errors import ProviderError

if TYPE_CHECKING:
    from copilot.background import Background
    from copilot.providers import Message

NO_KEY = "none"
"""Given where a library would otherwise look for a key in the environment."""


def connect(
    kind: str,
    settings: LanguageModelConfig,
    model: str,
    url: str,
    allow_remote: bool,
    tunnels: Sequence[str] = (),
) -> LlamaIndexProvider:
    """Make the provider of `kind`, a key of `KINDS`. Connects to nothing yet.

    Raises:
        EgressRefusedError: the policy forbids the server or the model.
        ConfigError: the key is missing.
    """
    there = egress.check(url, allow_remote=allow_remote, tunnels=tunnels)
    if kind == "ollama":
        egress.refuse_cloud_model(model, allow_remote=allow_remote)
    key = egress.read_key(env=settings.api_key_env, command=settings.api_key_command)
    server = Server(model=model, host=there.label, timeout_s=settings.timeout_s, key=key)
    local = there.local and not (kind == "ollama" and egress.is_cloud_model(model))
    return LlamaIndexProvider(
        kind, settings, server, url, local=local, allow_remote=allow_remote, tunnels=tunnels
    )


class LlamaIndexProvider:
    """One model of one server."""

    def __init__(
        self,
        kind: str,
        settings: LanguageModelConfig,
        server: Server,
        url: str,
        *,
        local: bool,
        allow_remote: bool,
        tunnels: Sequence[str] = (),
    ) -> None:
        self.name = server.model
        self.host = server.host
        self.is_local = local
        self.context_tokens = settings.context_tokens
        self.answer_tokens = min(settings.answer_tokens, settings.context_tokens // 2)
        self._kind = kind
        self._settings = settings
        self._server = server
        self._url = url
        self._allow_remote = allow_remote
        self._tunnels = tunnels
        # Importing takes seconds: it goes on while the passages are looked for.
        threading.Thread(target=_import, args=(kind,), name="quire-import", daemon=True).start()

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        on_call: Callable[[Call], None] | None = None,
        on_note: Callable[[str], None] | None = None,
    ) -> Background[str]:
        """Yield the answer in pieces; see `copilot.providers.Provider`."""

        def start(connections: Connections) -> Iterator[Piece]:
            make_client = egress.client2 if self._kind == "anthropic" else egress.client
            with make_client(
                self._url,
                allow_remote=self._allow_remote,
                timeout_s=self._server.timeout_s,
                on_call=on_call,
                connections=connections,
                tunnels=self._tunnels,
            ) as client:
                yield from KINDS[self._kind](
                    self._server, self._url, client, self._settings, messages, max_tokens
                )

        return streaming.stream(
            self._server,
            start,
            expected_tokens=sum(estimate_tokens(message.content) for message in messages),
            on_note=on_note,
        )

    def rehearse(self, messages: Sequence[Message], *, max_tokens: int) -> Planned:
        """The request that `stream` would send; see `copilot.providers.Provider`."""
        written: list[Planned] = []
        make_client = egress.client2 if self._kind == "anthropic" else egress.client
        with make_client(
            self._url,
            allow_remote=self._allow_remote,
            timeout_s=self._server.timeout_s,
            tunnels=self._tunnels,
            rehearsal=written.append,
        ) as client:
            pieces = KINDS[self._kind](self._server, self._url, client, self._settings, messages, max_tokens)
            try:
                next(pieces, None)
            except Exception as exc:  # noqa: BLE001 - three libraries wrap the end of the rehearsal
                if not written:
                    raise streaming.translate(exc, self._server) from None
        if not written:
            raise ProviderError(f"{self.name} wrote no request.", hint="Check provider and base_url.")
        return written[0]


def _import(kind: str) -> None:
    importlib.import_module(f"llama_index.llms.{'openai_like' if kind == 'openai' else kind}")


def _chat(messages: Sequence[Message]) -> list[Any]:
    from llama_index.core.base.llms.types import ChatMessage, MessageRole

    return [ChatMessage(role=MessageRole(message.role), content=message.content) for message in messages]


def _ollama(
    server: Server,
    url: str,
    client: Any,
    settings: LanguageModelConfig,
    messages: Sequence[Message],
    max_tokens: int,
) -> Iterator[Piece]:
    import ollama
    from llama_index.llms.ollama import Ollama

    native = ollama.Client(host=url)
    native._client.close()
    # Its constructor takes no client, only arguments for one with redirects and proxies.
    native._client = client
    if server.key:
        client.headers["authorization"] = f"Bearer {server.key.reveal()}"
    model = Ollama(
        model=server.model,
        base_url=url,
        client=native,
        temperature=settings.temperature,
        # Without it Ollama takes a small default and cuts the front of the prompt without a word.
        context_window=settings.context_tokens,
        request_timeout=server.timeout_s,
        thinking=False,
        additional_kwargs={"num_predict": max_tokens},
    )
    for part in model.stream_chat(_chat(messages)):
        raw = part.raw or {}
        yield Piece(
            text=part.delta or "",
            finished=str(raw.get("done_reason") or "stop") if raw.get("done") else "",
            prompt_tokens=raw.get("prompt_eval_count"),
        )


def _openai(
    server: Server,
    url: str,
    client: Any,
    settings: LanguageModelConfig,
    messages: Sequence[Message],
    max_tokens: int,
) -> Iterator[Piece]:
    from llama_index.llms.openai_like import OpenAILike

    model = OpenAILike(
        model=server.model,
        api_base=url,
        api_key=server.key.reveal() or NO_KEY,
        http_client=client,
        is_chat_model=True,
        context_window=settings.context_tokens,
        max_tokens=max_tokens,
        temperature=settings.temperature,
        timeout=server.timeout_s,
        max_retries=0,
    )
    for part in model.stream_chat(_chat(messages)):
        choices = getattr(part.raw, "choices", None) or []
        usage = getattr(part.raw, "usage", None)
        yield Piece(
            text=part.delta or "",
            finished=str(choices[0].finish_reason or "") if choices else "",
            prompt_tokens=getattr(usage, "prompt_tokens", None),
        )


def _anthropic(
    server: Server,
    url: str,
    client: Any,
    settings: LanguageModelConfig,
    messages: Sequence[Message],
    max_tokens: int,
) -> Iterator[Piece]:
    import anthropic
    from llama_index.core.base.llms.types import LLMMetadata
    from llama_index.llms.anthropic import Anthropic
    from llama_index.llms.anthropic import utils as anthropic_messages

    # LlamaIndex calls this class to make a message; since anthropic 2 it is a union that cannot be called.
    # Calling a TypedDict, which it was, made a plain dict.
    setattr(anthropic_messages, "MessageParam", dict)  # noqa: B010 - the type checker sees a type alias

    class AnyModel(Anthropic):
        """Goes with what LlamaIndex does not know yet: newer models, and a client without temperature."""

        @property
        def _model_kwargs(self) -> dict[str, Any]:
            return {"model": self.model, "max_tokens": self.max_tokens}

        @property
        def metadata(self) -> LLMMetadata:
            return LLMMetadata(
                context_window=settings.context_tokens, num_output=max_tokens, is_chat_model=True
            )

    key = server.key.reveal() or NO_KEY
    made: Callable[..., Anthropic] = AnyModel  # the plugin-less checker sees pydantic's fields only
    model = made(
        model=server.model,
        api_key=key,
        base_url=url,
        max_tokens=max_tokens,
        timeout=server.timeout_s,
        max_retries=0,
    )
    # LlamaIndex offers no way in for a client of ours.
    model._client = anthropic.Anthropic(
        api_key=key, base_url=url, http_client=client, timeout=server.timeout_s, max_retries=0
    )
    for part in model.stream_chat(_chat(messages)):
        yield Piece(
            text=part.delta or "", finished=str(part.message.additional_kwargs.get("stop_reason") or "")
        )


KINDS: dict[str, Callable[..., Iterator[Piece]]] = {
    "ollama": _ollama,
    "openai": _openai,
    "anthropic": _anthropic,
}
"""How each kind of server is asked. A new one: a function here and its address in `DEFAULT_URLS`."""
