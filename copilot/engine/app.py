"""The engine's routes: `POST /v1/<method>` with JSON, and NDJSON for methods that give events.

Owns the event loop, the threads that call the library, and the decision to end. Knows the library only
as a `Session`; nothing here blocks the loop, so that an engine at work still answers `hello`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import GeneratorType
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from uvicorn.config import Config as ServerConfig
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import Server

from copilot.engine import VERSION, methods
from copilot.engine.process import peer_of
from copilot.types import EngineStatus, Session, Status
from indexer.errors import EngineError
from indexer.wire import to_wire

HEARTBEAT_S = 5.0
"""Longest silence in a stream; a client that hears nothing for longer may take the engine for dead."""

_THREADS = 16
"""Calls at once. Searches take milliseconds; the number bounds the readers SQLite has open."""
_AHEAD = 256
"""Events a stream may run ahead of its client."""

log = logging.getLogger(__name__)


class Engine:
    """Serves one session until it is told to end or has been idle for long enough."""

    def __init__(
        self,
        session: Session,
        *,
        build: str,
        settings: str,
        log_path: str = "",
        idle_s: float = 900.0,
        ready: threading.Event | None = None,
        search_limit: int = 20,
    ) -> None:
        """Keep the session (not closed here) and the marks of code and settings it was started with.

        `ready` is set when the models are loaded or known to be missing; None means at once.
        """
        self.session = session
        self.build = build
        self.settings = settings
        self.log_path = log_path
        self.idle_s = idle_s
        self._ready = ready
        self._search_limit = search_limit
        self.app = Starlette(routes=[Route("/v1/{method}", self._answer, methods=["POST"])])
        self._started = self._last_used = time.monotonic()
        self._active = 0
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="call")
        self._streams: set[_Pump] = set()
        self._news = _News(session)
        self._stopping = asyncio.Event()

    def run(self, listener: socket.socket, *, ended: Callable[[], bool] = lambda: False) -> None:
        """Serve on a listening Unix socket until `SIGTERM`, `stop` or idleness; streams are closed then.

        `ended` tells whether a signal came before this could handle it.
        """
        asyncio.run(self._run(listener, ended))

    def stop(self) -> None:
        """End soon: no new requests, streams are closed. Call it in the event loop's thread."""
        self._stopping.set()

    async def _run(self, listener: socket.socket, ended: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self.stop)
        if ended():
            self.stop()
        await self.serve(listener)

    async def serve(self, listener: socket.socket) -> None:
        """What `run` does, in an event loop that is there already and without signals."""
        server = _Server(
            ServerConfig(
                self.app,
                http=_OwnerOnly,
                ws="none",
                lifespan="off",
                loop="asyncio",
                log_config=None,
                access_log=False,
                date_header=False,
                server_header=False,
                timeout_graceful_shutdown=3,
            )
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        watching = asyncio.create_task(self._watch_idle())
        log.info("engine %s serves, pid %d", self.build, os.getpid())
        await asyncio.wait(
            {serving, watching, asyncio.create_task(self._stopping.wait())},
            return_when=asyncio.FIRST_COMPLETED,
        )
        watching.cancel()
        self._stopping.set()
        for pump in list(self._streams):
            pump.cut()
        server.should_exit = True
        await serving
        self._pool.shutdown(wait=False, cancel_futures=True)
        log.info("engine ends")

    async def _watch_idle(self) -> None:
        """Return when nobody has asked for anything for `idle_s` and the library has nothing to do."""
        while True:
            await asyncio.sleep(min(30.0, self.idle_s / 4))
            if self._active or time.monotonic() - self._last_used < self.idle_s:
                continue
            progress = await asyncio.get_running_loop().run_in_executor(self._pool, self.session.progress)
            if progress.idle and not self._active:
                log.info("idle for %.0f s", self.idle_s)
                return

    # --- requests ------------------------------------------------------------------------------------

    async def _answer(self, request: Request) -> Response:
        method = request.path_params["method"]
        if method == "stop":
            self.stop()
            return _json({"result": True})
        if method == "hello":
            return _json({"result": self._hello()})
        if not self._serves(request):
            return _json({"stale": self.build}, status=409)
        self._last_used = time.monotonic()
        try:
            params = json.loads(await request.body() or b"{}")
        except ValueError as exc:
            return _json({"error": methods.error_to_wire(EngineError(f"Not JSON: {exc}."))}, status=400)
        if method in methods.STREAMS:
            return StreamingResponse(self._lines(method, params), media_type="application/x-ndjson")
        return await self._call(method, params)

    def _serves(self, request: Request) -> bool:
        """False for a client of other code, and for one with other settings while nobody else is here."""
        if request.headers.get("x-quire-build") != self.build:
            return False
        settings = request.headers.get("x-quire-settings")
        return settings == self.settings or self._active > 0

    async def _call(self, method: str, params: dict[str, Any]) -> Response:
        self._active += 1
        try:
            body, status = await asyncio.get_running_loop().run_in_executor(
                self._pool, self._result, method, params
            )
            return Response(body, status, media_type="application/json")
        finally:
            self._active -= 1
            self._last_used = time.monotonic()

    def _result(self, method: str, params: dict[str, Any]) -> tuple[bytes, int]:
        try:
            if method == "status":
                result = to_wire(self._status())
            else:
                self._await_models(method, params)
                result = methods.call(self.session, method, params, limit=self._search_limit)
                loading = self._ready if self._ready is not None and not self._ready.is_set() else None
                if loading is not None and methods.found_nothing(method, params, result):
                    loading.wait(methods.MODELS_S)
                    result = methods.call(self.session, method, params, limit=self._search_limit)
            return json.dumps({"result": result}).encode(), 200
        except Exception as exc:  # noqa: BLE001  (one request's failure is that request's answer)
            return json.dumps({"error": methods.error_to_wire(exc, log_path=self.log_path)}).encode(), 400

    def _await_models(self, method: str, params: dict[str, Any]) -> None:
        if self._ready is not None and methods.needs_models(method, params):
            self._ready.wait(methods.MODELS_S)

    def _hello(self) -> dict[str, Any]:
        return {**to_wire(self._engine_status()), "build": self.build, "clients": self._active}

    def _engine_status(self) -> EngineStatus:
        return EngineStatus(
            pid=os.getpid(),
            version=VERSION,
            uptime_s=round(time.monotonic() - self._started, 1),
            rss_mb=round(_resident_bytes() / 1e6, 1),
        )

    def _status(self) -> Status:
        return replace(self.session.status(), engine=self._engine_status())

    async def _lines(self, method: str, params: dict[str, Any]) -> AsyncIterator[bytes]:
        if method == "events":
            pump = _Pump(self._news.subscribe)
        else:
            pump = _Pump(lambda: self._stream(method, params))
        self._active += 1
        self._streams.add(pump)
        try:
            async for line in pump.lines(self.log_path):
                yield line
        finally:
            pump.cancel()
            self._streams.discard(pump)
            self._active -= 1
            self._last_used = time.monotonic()

    def _stream(self, method: str, params: dict[str, Any]) -> Iterator[Any]:
        self._await_models(method, params)
        return methods.stream(self.session, method, params)


class _Pump:
    """Runs a blocking iterator in a thread of its own and hands its items to the event loop.

    A thread a stream, not the pool's: streams live long and must not keep searches waiting.
    """

    def __init__(self, iterate: Callable[[], Iterator[Any]]) -> None:
        self._iterate = iterate
        self._loop = asyncio.get_running_loop()
        self._items: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self._room = threading.Semaphore(_AHEAD)
        self._cancelled = threading.Event()
        self._iterator: Iterator[Any] | None = None

    async def lines(self, log_path: str) -> AsyncIterator[bytes]:
        """NDJSON: a line for each event, an empty one as a heartbeat, `end` or `error` as the last."""
        threading.Thread(target=self._work, name="stream", daemon=True).start()
        while True:
            try:
                kind, item = await asyncio.wait_for(self._items.get(), HEARTBEAT_S)
            except TimeoutError:
                yield b"\n"
                continue
            self._room.release()
            if kind == "event":
                yield json.dumps(methods.event_to_wire(item)).encode() + b"\n"
                continue
            if kind == "error":
                error = methods.error_to_wire(item, log_path=log_path)
                yield json.dumps({"error": error}).encode() + b"\n"
            elif kind == "end":
                yield b'{"end": true}\n'
            return

    def cut(self) -> None:
        """End the lines without a last one: the client sees that the engine went away and may come again."""
        self._items.put_nowait(("cut", None))

    def cancel(self) -> None:
        """Stop the work.

        An iterator whose `close` may come from another thread is closed at once; a generator can only be
        closed by its own thread, as soon as it gives its next item.
        """
        self._cancelled.set()
        self._room.release()
        iterator = self._iterator
        if iterator is not None and not isinstance(iterator, GeneratorType):
            # Not here: closing may cut a connection to a model server, and this thread is the event loop's.
            threading.Thread(target=_close, args=(iterator,), daemon=True).start()

    def _work(self) -> None:
        try:
            self._iterator = iterator = self._iterate()
            try:
                while not self._cancelled.is_set():
                    try:
                        item = next(iterator)
                    except StopIteration:
                        break
                    self._room.acquire()
                    self._put("event", item)
            finally:
                _close(iterator)
            self._put("end", None)
        except Exception as exc:  # noqa: BLE001  (a stream's failure is that stream's last line)
            if not self._cancelled.is_set():
                self._put("error", exc)

    def _put(self, kind: str, item: object) -> None:
        # The loop is closed when the engine ends while an iterator still works; nobody listens then.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._items.put_nowait, (kind, item))


class _News:
    """One reader of the session's events for any number of subscribers.

    The session's iterator waits for changes and cannot be woken; were there one for each client,
    every client that went away would leave a waiting thread behind until something changes.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._changed = threading.Condition()
        self._latest: Any = None
        self._number = 0
        self._ended: BaseException | None = None
        self._reading = False

    def now(self) -> Any:
        return self._session.progress()

    def subscribe(self) -> Iterator[Any]:
        with self._changed:
            if not self._reading:
                self._reading, self._ended = True, None
                threading.Thread(target=self._read, name="news", daemon=True).start()
        return _Subscription(self)

    def _read(self) -> None:
        ended: BaseException = EngineError("The library was closed.")
        try:
            for progress in self._session.events():
                with self._changed:
                    self._latest, self._number = progress, self._number + 1
                    self._changed.notify_all()
        except Exception as exc:  # noqa: BLE001  (handed to every subscriber)
            ended = exc
        with self._changed:
            self._reading, self._ended = False, ended
            self._changed.notify_all()

    def after(self, number: int, subscription: _Subscription) -> tuple[int, Any] | None:
        """The newest item once its number is above `number`; None when the subscription was closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._number > number or self._ended or subscription.closed)
            if subscription.closed:
                return None
            if self._number > number:
                return self._number, self._latest
            raise self._ended or EngineError("The library was closed.")

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


class _Subscription:
    """The newest state first, then every change; `close` may come from any thread."""

    def __init__(self, news: _News) -> None:
        self._news = news
        self._number = 0
        self._first = True
        self.closed = False

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._first:
            self._first = False
            return self._news.now()
        found = self._news.after(self._number, self)
        if found is None:
            raise StopIteration
        self._number, item = found
        return item

    def close(self) -> None:
        self.closed = True
        self._news.wake()


class _OwnerOnly(HttpToolsProtocol):
    """HTTP for processes of the user who runs the engine; others are cut off before they say anything."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Look at the other end first."""
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        peer = peer_of(connection) if connection is not None else None
        if peer is not None and peer[1] != os.geteuid():
            log.warning("refused a connection of user %d", peer[1])
            transport.abort()


class _Server(Server):
    """uvicorn's server without its signal handlers: the engine has its own, which close streams first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _close(iterator: Iterator[Any]) -> None:
    close = getattr(iterator, "close", None)
    if close is not None:
        close()


def _json(value: object, *, status: int = 200) -> Response:
    return Response(json.dumps(value), status, media_type="application/json")


def _resident_bytes() -> int:
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
