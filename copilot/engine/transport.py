"""How a client speaks with the engine: one request a connection over the Unix socket, by hand.

Imports next to nothing, so that a command of one question takes hardly longer than Python itself. That
is also why it speaks HTTP by hand: `http.client` alone loads the mail package, 35 ms; the engine's
answers are plain enough (one request a connection, a length or chunks).
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

from copilot.engine import process
from indexer import errors
from indexer.errors import AppError, EngineError

PATIENCE_S = 15.0
"""Silence after which the engine is asked whether it still lives; three of its heartbeats."""
HELLO_S = 5.0
"""Time for the answer to that question; an engine that needs longer hangs and is killed."""

_NOT_REPEATED = frozenset({"remove_root", "forget"})
"""Calls that would fail when they were done already: not sent again once they may have arrived."""


class EngineLostError(EngineError):
    """The engine went away in the middle of an answer."""


class Wire:
    """Calls by name with JSON values; restarts the engine when it is gone, hangs or is of other code.

    One connection a request: a Unix socket costs 50 µs and threads share nothing.
    """

    def __init__(self, library: str | os.PathLike[str], config: str | None = None, *, start: bool = True):
        """Keep where the library is. Nothing is started or connected yet."""
        self.place = process.place_of(library)
        self._config = config
        self._start = start
        self._build = process.build_id()

    def hello(self) -> dict[str, Any]:
        """Who serves: pid, version, build, uptime_s, rss_mb, clients. Replaces an engine of other code."""
        reply: dict[str, Any] = self._ask("hello")
        if reply["build"] != self._build and self._start:
            process.end(reply["pid"])
            reply = self._ask("hello")
        return reply

    def call(self, method: str, **params: Any) -> Any:
        """Do one call and return its result as JSON has it.

        Raises:
            AppError: of the class the library raised.
            EngineLostError: the engine ended twice, or once in a call that is not repeated.
        """
        return self._ask(method, params)

    def stream(self, method: str, **params: Any) -> EventStream:
        """Begin a stream of (event type, value). The engine has accepted the request when this returns."""
        for last in (False, True):
            connection = self._connected()
            try:
                stream = EventStream(self, connection, _request(method, params, self._headers()))
            except EngineLostError:
                connection.close()
                if last:
                    raise
                continue
            if stream.stale and not last:
                peer = process.peer_of(connection)
                stream.close()
                self._replace(peer)
                continue
            return stream
        raise AssertionError("unreachable")

    def _ask(self, method: str, params: dict[str, Any] | None = None) -> Any:
        lost: EngineLostError | None = None
        for _ in range(3):
            connection = self._connected()
            try:
                with connection:
                    peer = process.peer_of(connection)
                    connection.sendall(_request(method, params or {}, self._headers()))
                    reply = self._reply(connection)
            except (EngineLostError, ConnectionError) as exc:
                if lost is not None or method in _NOT_REPEATED:
                    raise EngineLostError("The engine ended.", hint=f"Look into {self.place.log}.") from exc
                lost = exc if isinstance(exc, EngineLostError) else EngineLostError("The engine ended.")
                continue
            if "stale" in reply:
                self._replace(peer)
                continue
            if "error" in reply:
                raise error_from_wire(reply["error"])
            return reply["result"]
        raise EngineError("Engines of other versions keep replacing this one.", hint="End the other program.")

    def _reply(self, connection: socket.socket) -> Any:
        received = bytearray()
        while piece := self.receive(connection):
            received += piece
        head, found, body = bytes(received).partition(b"\r\n\r\n")
        length = _content_length(head)
        if not found or length is None or len(body) < length:
            raise EngineLostError("The engine ended before it had answered.")
        return json.loads(body)

    def receive(self, connection: socket.socket) -> bytes:
        """The next bytes; empty at the end. An engine that hangs is killed, which ends the connection.

        Raises:
            EngineLostError: the connection broke.
        """
        while True:
            try:
                return connection.recv(262_144)
            except TimeoutError:
                self._check_alive(connection)
            except OSError as exc:
                raise EngineLostError("The connection to the engine broke.") from exc

    def _check_alive(self, connection: socket.socket) -> None:
        peer = process.peer_of(connection)
        probe = process.connect(self.place, timeout_s=HELLO_S)
        if probe is None:
            raise EngineLostError("The engine ended.")
        with probe:
            try:
                probe.sendall(_request("hello", {}, self._headers()))
                if probe.recv(1):
                    return
            except OSError:
                pass
        if peer is not None:
            process.kill(peer[0])
        raise EngineLostError("The engine did not answer any more and was ended.")

    def _connected(self) -> socket.socket:
        connection = process.connect(self.place, timeout_s=PATIENCE_S)
        if connection is None and self._start:
            process.ensure_running(self.place, self._config)
            connection = process.connect(self.place, timeout_s=PATIENCE_S)
        if connection is None:
            raise EngineError("The engine is not running.", hint="Start it with 'quire engine start'.")
        return connection

    def _replace(self, peer: tuple[int, int] | None) -> None:
        """End the engine that refused, and only that: another client may have replaced it already."""
        if not self._start:
            raise EngineError(
                "The engine that runs is of another version or has other settings.",
                hint="End it with 'quire engine stop'.",
            )
        if peer is None:
            process.stop(self.place)
        else:
            process.end(peer[0])

    def _headers(self) -> str:
        return f"X-Quire-Build: {self._build}\r\nX-Quire-Settings: {process.config_id(self._config)}\r\n"


class EventStream:
    """The events of one request as (type, value); `close` cancels it and may come from any thread."""

    def __init__(self, wire: Wire, connection: socket.socket, request: bytes) -> None:
        """Send the request and wait until the engine begins its answer.

        Raises:
            EngineLostError: the engine went away before that.
        """
        self._wire = wire
        self._connection = connection
        self._closed = threading.Event()
        self._chunked = self._lines = b""
        try:
            connection.sendall(request)
        except OSError as exc:
            raise EngineLostError("The connection to the engine broke.") from exc
        while b"\r\n\r\n" not in self._chunked:
            piece = wire.receive(connection)
            if not piece:
                raise EngineLostError("The engine ended before it had answered.")
            self._chunked += piece
        head, _, self._chunked = self._chunked.partition(b"\r\n\r\n")
        self.stale = head.split(b" ", 2)[1] == b"409"

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return self

    def __next__(self) -> tuple[str, Any]:
        while True:
            line = self._line()
            if line is None:
                raise StopIteration
            if not line.strip():
                continue
            message = json.loads(line)
            if "event" in message:
                return message["event"], message["value"]
            self.close()
            if "error" in message:
                raise error_from_wire(message["error"])
            raise StopIteration

    def _line(self) -> bytes | None:
        """The next line without its end; None when this stream was closed."""
        if self._closed.is_set():
            return None
        self._unpack()
        while b"\n" not in self._lines:
            try:
                piece = self._wire.receive(self._connection)
            except EngineLostError:
                if self._closed.is_set():
                    return None
                self.close()
                raise
            if not piece:
                if self._closed.is_set():
                    return None
                self.close()
                raise EngineLostError("The engine ended in the middle of its answer.", hint="Try again.")
            self._chunked += piece
            self._unpack()
        line, _, self._lines = self._lines.partition(b"\n")
        return line

    def _unpack(self) -> None:
        """Take whole chunks of HTTP's chunked encoding out of what was received."""
        while True:
            head, found, rest = self._chunked.partition(b"\r\n")
            if not found or len(rest) < int(head, 16) + 2:
                return
            size = int(head, 16)
            self._lines += rest[:size]
            self._chunked = rest[size + 2 :]

    def close(self) -> None:
        """Cancel the work behind it. A thread that waits for the next event wakes up."""
        if self._closed.is_set():
            return
        self._closed.set()
        try:
            # close() alone does not wake a thread that is inside recv on this socket.
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._connection.close()


def error_from_wire(wire: dict[str, Any]) -> AppError:
    """The error the library raised, as the same class where that class is one of `indexer.errors`."""
    cls = getattr(errors, wire["type"], AppError)
    message, hint = wire["message"], wire.get("hint", "")
    if cls is errors.ProviderError:
        return errors.ProviderError(message, hint=hint, retryable=bool(wire.get("retryable")))
    if cls is errors.UnreadableDocument:
        return errors.UnreadableDocument(message, hint, status=str(wire.get("status", "broken")))
    error: AppError = cls(message, hint=hint)
    error.exit_code = int(wire.get("exit_code", error.exit_code))
    return error


def _request(method: str, params: dict[str, Any], headers: str) -> bytes:
    """One request, one connection: the answer ends with the connection."""
    body = json.dumps(params).encode()
    head = f"POST /v1/{method} HTTP/1.1\r\nHost: quire\r\nConnection: close\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode("ascii") + body


def _content_length(head: bytes) -> int | None:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return None
