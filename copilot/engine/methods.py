"""What can be asked of an open library by name: `Session`'s methods, their arguments and results as JSON.

Used on the engine's side of the socket and by commands that open the library in their own process
(`--no-engine`), so that both give the same answers. Knows no sockets.
"""

from __future__ import annotations

import functools
import inspect
import logging
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from copilot.types import Session
from indexer.errors import AppError, UsageError
from indexer.wire import from_wire, to_wire

CALLS = frozenset(
    {
        "add_root",
        "remove_root",
        "progress",
        "search",
        "history",
        "conversation",
        "forget",
        "judge",
        "opened",
        "details",
        "text",
        "files",
        "find_names",
        "retry",
        "quality",
        "overview",
        "decodings",
        "decode",
        "ocr",
        "ocr_cancel",
        "duplicates",
        "diff",
        "organize",
        "status",
        "doctor",
        "preview",
        "preview_summary",
        "privacy",
        "sent",
        "labels",
        "label",
        "undo_label",
        "labelling",
        "suggest_tags",
        "save_rule",
        "remove_rule",
        "save_collection",
        "remove_collection",
        "export_labels",
        "import_labels",
        "stale",
    }
)
"""Methods with one result."""

STREAMS = frozenset({"sync", "events", "ask", "summarize", "export", "check_retrieval"})
"""Methods that give one event after another."""

log = logging.getLogger(__name__)


MODELS_S = 20.0
"""How long a request that needs the models waits for them after the library was opened."""


def needs_models(method: str, params: Mapping[str, Any]) -> bool:
    """Whether the answer would be poor before the models are loaded.

    A search is quick instead, by keyword, unless it asks for meaning alone.
    """
    request = params.get("request") or {}
    return (
        method in ("ask", "summarize", "preview", "preview_summary", "check_retrieval")
        or (method == "search" and request.get("mode") == "semantic")
        or (method == "export" and bool(request.get("generate")))
    )


def found_nothing(method: str, params: Mapping[str, Any], result: Any) -> bool:
    """Whether words found nothing for a search where meaning may: then it is worth waiting for the models."""
    request = params.get("request") or {}
    typed = request.get("typing") or request.get("mode") == "keyword"
    return method == "search" and not typed and result["mode"] == "keyword" and not result["hits"]


def call(session: Session, method: str, params: Mapping[str, Any], *, limit: int = 20) -> Any:
    """Call a method with arguments as JSON has them; the result likewise.

    Args:
        session: The open library.
        method: One of `CALLS`.
        params: Its arguments.
        limit: Hits of a search that does not say how many it wants.

    Raises:
        UsageError: there is no such method, or the arguments do not fit.
    """
    if method not in CALLS:
        raise UsageError(f"There is no call {method!r}.")
    if method == "search" and isinstance(params.get("request"), dict):
        params = {**params, "request": {"limit": limit, **params["request"]}}
    arguments = _arguments(method, params)
    return to_wire(getattr(session, method)(**arguments))


def stream(session: Session, method: str, params: Mapping[str, Any]) -> Iterator[Any]:
    """The iterator a streaming method returns; its items go through `event_to_wire`.

    Raises:
        UsageError: there is no such method, or the arguments do not fit.
    """
    if method not in STREAMS:
        raise UsageError(f"There is no stream {method!r}.")
    iterator: Iterator[Any] = getattr(session, method)(**_arguments(method, params))
    return iterator


def event_to_wire(event: object) -> dict[str, Any]:
    """An event with the name of its type, by which the other side rebuilds it."""
    return {"event": type(event).__name__, "value": to_wire(event)}


def error_to_wire(exc: BaseException, *, log_path: str = "") -> dict[str, Any]:
    """What a client is told of a failure. Anything but an `AppError` is a bug: logged, not shown."""
    if isinstance(exc, AppError):
        wire: dict[str, Any] = {
            "type": type(exc).__name__,
            "message": exc.message,
            "hint": exc.hint,
            "exit_code": exc.exit_code,
        }
        for name in ("retryable", "status"):
            if hasattr(exc, name):
                wire[name] = getattr(exc, name)
        return wire
    log.error("unexpected failure", exc_info=exc)
    return {
        "type": "EngineError",
        "message": f"Something went wrong inside ({type(exc).__name__}).",
        "hint": f"The details are in {log_path}." if log_path else "",
        "exit_code": 3,
    }


@functools.cache
def _signature(method: str) -> tuple[inspect.Signature, dict[str, Any]]:
    function = getattr(Session, method)
    return inspect.signature(function), typing.get_type_hints(function)


def _arguments(method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    signature, hints = _signature(method)
    try:
        signature.bind(None, **params)
        return {name: from_wire(hints[name], value) for name, value in params.items()}
    except (TypeError, AttributeError, ValueError) as exc:
        raise UsageError(f"The arguments of {method} do not fit: {exc}.") from exc
