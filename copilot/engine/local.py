"""The calls of `transport.Wire` answered in this process: the library is opened here, without an engine."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from copilot.engine import methods

if TYPE_CHECKING:
    from copilot.session import LocalSession


def open_session(library: str | os.PathLike[str], config: str | None, *, wait: bool = False) -> LocalSession:
    """Open a library here, with the settings of a configuration file; close it when done.

    Args:
        library: Its folder.
        config: The configuration file given, if any.
        wait: Return only when the models are loaded, as a single question wants it.

    Raises:
        AppError: it cannot be opened, for example because an engine holds it.
    """
    from copilot.engine.process import place_of
    from copilot.session import LocalSession
    from indexer.config import load_config
    from indexer.library import Library

    settings = load_config(config)
    ready = threading.Event()
    session = LocalSession(Library.open(place_of(library).library, settings, on_ready=ready.set))
    if wait:
        ready.wait(methods.MODELS_S)
    return session


class LocalWire:
    """Calls by name with JSON values on a session of this process."""

    def __init__(self, session: LocalSession) -> None:
        """Take the session over; `close` closes it."""
        self.session = session

    def call(self, method: str, **params: Any) -> Any:
        """Do one call and return its result as JSON has it."""
        limit = self.session.library.config.search.limit
        return methods.call(self.session, method, params, limit=limit)

    def stream(self, method: str, **params: Any) -> Generator[tuple[str, Any], None, None]:
        """The events of a streaming method as (type, value)."""
        for event in methods.stream(self.session, method, params):
            wire = methods.event_to_wire(event)
            yield wire["event"], wire["value"]

    def close(self) -> None:
        """Close the library."""
        self.session.close()
