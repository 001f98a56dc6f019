"""The connection to the library: opened in a thread, watched, opened again when it breaks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.message import Message
from textual.message_pump import MessagePump

from tui.messages import ProgressChanged, SessionLost, SessionOpened

if TYPE_CHECKING:
    from copilot.types import Session

FIRST_RETRY_S = 0.5
LAST_RETRY_S = 10.0


class Link:
    """Keeps a session open and tells `pump` about it: SessionOpened, ProgressChanged, SessionLost."""

    def __init__(self, connect: Callable[[], Session], pump: MessagePump) -> None:
        self._connect = connect
        self._pump = pump
        self._stopped = threading.Event()
        self._wake = threading.Event()
        self._session: Session | None = None
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def retry_now(self) -> None:
        """Do not wait for the next attempt."""
        self._wake.set()

    def close(self, timeout_s: float) -> None:
        """Let go of the session; a library in this very process gets `timeout_s` to close its stores."""
        self._stopped.set()
        self._wake.set()
        closer = threading.Thread(target=self._close_session, name="close", daemon=True)
        closer.start()
        closer.join(timeout_s)

    def _close_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _run(self) -> None:
        retry_s = FIRST_RETRY_S
        while not self._stopped.is_set():
            try:
                self._session = session = self._connect()
                self._post(SessionOpened(session))
                retry_s = FIRST_RETRY_S
                self._follow(session)
                error: BaseException = ConnectionError("The engine ended.")
            except Exception as exc:  # noqa: BLE001 - the screen's one handler of errors tells it
                error = exc
            if self._stopped.is_set():
                return
            self._post(SessionLost(error, retry_s))
            self._wake.wait(retry_s)
            self._wake.clear()
            retry_s = min(retry_s * 2, LAST_RETRY_S)

    def _follow(self, session: Session) -> None:
        for progress in session.events():
            if self._stopped.is_set():
                return
            self._post(ProgressChanged(progress))

    def _post(self, message: Message) -> None:
        try:
            self._pump.post_message(message)
        except RuntimeError:  # the loop is closed: the interface has ended
            self._stopped.set()
