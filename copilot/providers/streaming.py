"""How a model's answer is fetched: one thread, limited retries, silence, cancelling, what failures mean.

Knows no model library: `start` makes the pieces, exceptions are recognised by what they carry (a status,
a response) and by the names of their classes, which the three libraries share.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from copilot.background import Background, Task
from indexer.egress import Connections, Key
from indexer.errors import EgressRefusedError, ProviderError
from indexer.text import safe_text

ATTEMPTS = 3
MAX_WAIT_S = 20.0
"""A server that wants to be left alone for longer is reported instead of waited for."""
MAX_ANSWER_CHARACTERS = 200_000
"""A model that does not stop is stopped here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of an answer as the model library hands it out."""

    text: str
    finished: str = ""
    """Why the model ended ("stop", "length", …); "" while it goes on."""
    prompt_tokens: int | None = None
    """Tokens the server says it has read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Whom we talk to, for messages."""

    model: str
    host: str
    timeout_s: float
    key: Key


def stream(
    server: Server,
    start: Callable[[Connections], Iterator[Piece]],
    *,
    expected_tokens: int = 0,
    on_note: Callable[[str], None] | None = None,
) -> Background[str]:
    """Fetch an answer.

    Args:
        server: Whom we talk to.
        start: Sends the request, yields the pieces; its connections are cut on close.
        expected_tokens: Own estimate of the prompt's length; a far smaller count of the server's means
            that it cut the prompt.
        on_note: Told one line that a person should read: waiting for a busy server, a cut prompt.

    Returns:
        The text in pieces. Raises ProviderError or EgressRefusedError.
    """
    note = on_note or (lambda _text: None)

    def work(task: Task[str]) -> Iterator[str]:
        def wait(state: RetryCallState) -> float:
            failure = state.outcome.exception() if state.outcome else None
            if isinstance(failure, _FailedError) and failure.retry_after_s is not None:
                return failure.retry_after_s
            return random.uniform(0.5, 1.0) * float(2 ** (state.attempt_number - 1))

        def before_sleep(state: RetryCallState) -> None:
            task.beat()
            failure = state.outcome.exception() if state.outcome else None
            reason = (
                failure.message.rstrip(".") if isinstance(failure, ProviderError) else "The server failed"
            )
            note(f"{reason}; again in {state.upcoming_sleep:.0f} s.")

        attempts = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait,
            retry=retry_if_exception(lambda exc: isinstance(exc, _FailedError) and exc.before_text),
            sleep=task.wait,
            before_sleep=before_sleep,
            reraise=True,
        )
        try:
            for attempt in attempts:
                with attempt:
                    yield from _once(server, start, task, expected_tokens, note)
        except _FailedError as exc:
            raise ProviderError(exc.message, hint=exc.hint, retryable=True) from None

    return Background(work, silence_s=server.timeout_s + MAX_WAIT_S, on_silence=lambda: _silent(server))


class _FailedError(ProviderError):
    """A failure that may pass, with when to try again."""

    before_text = True
    """Nothing was written yet, so that the request can be repeated."""
    retry_after_s: float | None = None


def _once(
    server: Server,
    start: Callable[[Connections], Iterator[Piece]],
    task: Task[str],
    expected_tokens: int,
    note: Callable[[str], None],
) -> Iterator[str]:
    connections = Connections()
    thoughts = _ThoughtFilter()
    finished, length = "", 0
    with task.on_cancel(connections.abort):
        try:
            for piece in start(connections):
                task.check()
                finished = piece.finished or finished
                _warn_if_cut(piece.prompt_tokens, expected_tokens, note)
                text = thoughts.feed(piece.text)
                if not text:
                    task.beat()
                    continue
                length += len(text)
                yield text
                if length > MAX_ANSWER_CHARACTERS:
                    raise ProviderError(f"{server.model} did not stop writing.", hint="It was stopped.")
        except Exception as exc:  # noqa: BLE001 - three libraries, each with its own exceptions
            task.check()  # a cut connection after a cancel is no failure
            failure = translate(exc, server)
            if isinstance(failure, _FailedError):
                failure.before_text = length == 0
            raise failure from None  # the original may carry the key: headers, an echoed body
        finally:
            connections.abort()
    _check_end(server, finished, length, note)


def _check_end(server: Server, finished: str, length: int, note: Callable[[str], None]) -> None:
    if not finished:
        if not length:
            raise ProviderError(
                f"The answer of {server.host} is not understood.",
                hint="Check base_url: is it the address of a model server?",
            )
        raise ProviderError(f"The answer of {server.host} was cut off.", hint="Ask again.", retryable=True)
    if not length:
        raise ProviderError(f"{server.model} answered nothing.", hint="Try another model.")
    if finished in ("length", "max_tokens"):
        note("The answer reached its longest length (answer_tokens) and may be incomplete.")


def _warn_if_cut(counted: int | None, expected: int, note: Callable[[str], None]) -> None:
    # Estimates are within a third; half as many tokens means that the server dropped the front.
    if counted and expected > 400 and counted < expected * 0.5:
        note(
            f"The model read only {counted} of about {expected} tokens: its context is smaller than "
            "context_tokens says."
        )


class _ThoughtFilter:
    """Drops a leading <think>…</think> block that some servers leave in the text."""

    def __init__(self) -> None:
        self._held = ""
        self._state = "start"

    def feed(self, text: str) -> str:
        """The part of what was fed so far that is answer."""
        if self._state == "answer":
            return text
        self._held += text
        if self._state == "start":
            head = self._held.lstrip()
            if head.startswith("<think>"):
                self._state = "thinking"
            elif "<think>".startswith(head):
                return ""
            else:
                self._state = "answer"
                return self._held
        _, end, rest = self._held.partition("</think>")
        if not end:
            return ""
        self._state = "answer"
        return rest.lstrip()


# --- what failures mean --------------------------------------------------------------------------


def translate(exc: BaseException, server: Server) -> ProviderError | EgressRefusedError:
    """Turn a failure of a model library into a sentence with a remedy."""
    chain = list(_chain(exc))
    for link in chain:
        if isinstance(link, ProviderError | EgressRefusedError):
            return link
    status = next((s for s in (getattr(link, "status_code", None) for link in chain) if s), None)
    if isinstance(status, int) and status > 0:
        return _status_error(status, chain, server)
    names = " ".join(cls.__name__ for link in chain for cls in type(link).__mro__)
    if "Timeout" in names:
        return _silent(server)
    if "ConnectError" in names or "ConnectionRefused" in names or "Failed to connect" in str(exc):
        return _failed(f"No server answers at {server.host}.", "Start it, or check base_url.")
    if any(isinstance(link, json.JSONDecodeError | UnicodeDecodeError | TypeError) for link in chain):
        return ProviderError(
            f"The answer of {server.host} is not understood.",
            hint="Check base_url: is it the address of a model server?",
        )
    if any(
        word in names for word in ("ReadError", "RemoteProtocolError", "APIConnectionError", "NetworkError")
    ):
        return _failed(f"The connection to {server.host} was cut off.", "Ask again.")
    said = _said(chain, server)
    if _about_context(said):
        return _too_long(server)
    return ProviderError(
        f"{server.host} failed{': ' + said if said else ''}.".replace("..", "."), hint="Ask again."
    )


def _status_error(status: int, chain: list[BaseException], server: Server) -> ProviderError:
    said = _said(chain, server)
    if status in (401, 403):
        return ProviderError(
            f"{server.host} does not accept the key.", hint="Check api_key_env under [language_model]."
        )
    if status == 404:
        return ProviderError(
            f"{server.host} does not know the model {server.model}.",
            hint="Check model and base_url; with Ollama: 'ollama pull MODEL'.",
        )
    if status == 413 or (status in (400, 422, 500) and _about_context(said)):
        return _too_long(server)
    if status in (408, 409, 425, 429) or status >= 500:
        return _busy(status, chain, server, said)
    return ProviderError(
        f"{server.host} refused the request: {said or status}.", hint="Check the model's settings."
    )


def _busy(status: int, chain: list[BaseException], server: Server, said: str) -> ProviderError:
    asked = next((s for s in (_retry_after(link) for link in chain) if s is not None), None)
    if status == 429:
        message, hint = f"{server.host} is busy or its quota is used up.", "Ask again in a moment."
    else:
        message, hint = f"{server.host} failed ({status}{': ' + said if said else ''}).", "Ask again."
    if asked is not None and asked > MAX_WAIT_S:
        return ProviderError(message, hint=f"It wants to be left alone for {asked:.0f} s.", retryable=True)
    failure = _failed(message, hint)
    failure.retry_after_s = asked
    return failure


def _failed(message: str, hint: str) -> _FailedError:
    return _FailedError(message, hint=hint, retryable=True)


def _silent(server: Server) -> ProviderError:
    return ProviderError(
        f"{server.host} said nothing for {server.timeout_s:.0f} s.",
        hint="Ask again, take a smaller model, or raise timeout_s.",
        retryable=True,
    )


def _too_long(server: Server) -> ProviderError:
    return ProviderError(
        f"The passages are too long for {server.model}.", hint="Lower context_tokens under [language_model]."
    )


def _about_context(said: str) -> bool:
    return bool(
        re.search(r"context|too long|too large|maximum.{0,20}(length|tokens)|exceed", said, re.IGNORECASE)
    )


def _chain(exc: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while exc is not None and id(exc) not in seen:
        seen.add(id(exc))
        yield exc
        exc = exc.__cause__ or exc.__context__


def _said(chain: list[BaseException], server: Server) -> str:
    """The server's own words, one short line without the key."""
    for link in chain:
        body = getattr(link, "body", None)
        text = body.get("message") if isinstance(body, dict) else None
        if not text and isinstance(body, dict) and isinstance(body.get("error"), dict):
            text = body["error"].get("message")
        text = text or getattr(link, "error", None)
        if isinstance(text, str) and text:
            if server.key:
                text = text.replace(server.key.reveal(), "***")
            return safe_text(text, 160, single_line=True).rstrip(".")
    return ""


def _retry_after(exc: BaseException) -> float | None:
    headers = getattr(getattr(exc, "response", None), "headers", None)
    try:
        return max(0.0, float(headers["retry-after"])) if headers is not None else None
    except (KeyError, ValueError):
        return None
