"""Blocking calls of the session, off the screen's thread.

Why not Textual's thread workers: they share asyncio's executor, which has six threads on two cores
and is joined at exit, so that four streams would stop every search and `q` would wait for a model
that hangs. Here each call has a daemon thread of its own, calls of a group run one at a time, and of
those that wait only the newest is made: what fast typing needs.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any, TypeVar

from textual.message import Message
from textual.message_pump import MessagePump

T = TypeVar("T")

log = logging.getLogger(__name__)


class CallEnded(Message, bubble=False):
    """A call came back; `finish` hands over what it brought, on the screen's thread."""

    def __init__(self, finish: Callable[[], None]) -> None:
        super().__init__()
        self.finish = finish


class _Call:
    def __init__(
        self,
        work: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self.work = work
        self.done = done
        self.failed = failed


class Calls:
    """One call in flight for each group; the last one asked for wins."""

    def __init__(self, pump: MessagePump) -> None:
        self._pump = pump
        self._running: set[str] = set()
        self._waiting: dict[str, _Call] = {}

    def make(
        self,
        group: str,
        work: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Run `work` in a thread, then `done` or `failed` on the screen's thread.

        While another call of the group runs, this one waits, and replaces one that waited.
        """
        call = _Call(work, done, failed)
        if group in self._running:
            self._waiting[group] = call
        else:
            self._start(group, call)

    def busy(self, group: str) -> bool:
        """Whether a call of the group is under way."""
        return group in self._running

    def _start(self, group: str, call: _Call) -> None:
        self._running.add(group)
        threading.Thread(target=self._run, args=(group, call), name=f"call-{group}", daemon=True).start()

    def _run(self, group: str, call: _Call) -> None:
        try:
            result = call.work()
        except Exception as exc:  # noqa: BLE001 - shown by the one handler of errors on the screen's thread
            error = exc
            self._post(lambda: self._end(group, lambda: call.failed(error)))
        else:
            self._post(lambda: self._end(group, lambda: call.done(result)))

    def _post(self, finish: Callable[[], None]) -> None:
        try:
            self._pump.post_message(CallEnded(finish))
        except RuntimeError:  # the loop closed while the call was under way: nobody is left to tell
            log.debug("a call came back after the end")

    def _end(self, group: str, deliver: Callable[[], None]) -> None:
        self._running.discard(group)
        waiting = self._waiting.pop(group, None)
        if waiting is not None:
            self._start(group, waiting)
        deliver()


class Stream:
    """An iterator of the session read in a thread until it ends or is stopped."""

    def __init__(
        self,
        pump: MessagePump,
        open_iterator: Callable[[], Iterator[Any]],
        *,
        each: Callable[[Any], None],
        ended: Callable[[BaseException | None], None],
    ) -> None:
        """Start reading; `each` and `ended` are called on the screen's thread, never after `stop`."""
        self._pump = pump
        self._open = open_iterator
        self._each = each
        self._ended = ended
        self._stopped = threading.Event()
        self._iterator: Iterator[Any] | None = None
        threading.Thread(target=self._read, name="stream", daemon=True).start()

    def stop(self) -> None:
        """Stop at once for the person; the work behind it ends at its next event."""
        self._stopped.set()
        iterator = self._iterator
        if iterator is not None and not isinstance(iterator, Generator):
            iterator.close()  # type: ignore[attr-defined]  # a client's stream can be cut while it waits

    def _read(self) -> None:
        error: BaseException | None = None
        try:
            self._iterator = iterator = self._open()
            try:
                for event in iterator:
                    if self._stopped.is_set():
                        break
                    self._post(self._each, event)
            finally:
                iterator.close()  # type: ignore[attr-defined]  # every stream of a session has it
        except Exception as exc:  # noqa: BLE001 - as in Calls
            error = exc
        self._post(self._ended, error)

    def _post(self, deliver: Callable[[Any], None], value: Any) -> None:
        def finish() -> None:
            if not self._stopped.is_set():
                deliver(value)

        try:
            self._pump.post_message(CallEnded(finish))
        except RuntimeError:
            self._stopped.set()
