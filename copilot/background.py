"""Iterators that can be closed from another thread while they wait.

A generator that waits for a silent server cannot be closed until it yields again. Here the work runs in
a thread of its own and feeds a queue, so that closing takes effect at once, whatever the work waits for.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Cancelled(Exception):
    """Raised inside the work when its consumer has gone; never reaches anybody else."""


class Task(Generic[T]):
    """What the work knows of its consumer."""

    def __init__(self) -> None:
        self.items: queue.SimpleQueue[tuple[str, T | BaseException | None]] = queue.SimpleQueue()
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    @property
    def cancelled(self) -> bool:
        """Whether the consumer has closed the iterator."""
        return self._cancelled.is_set()

    def emit(self, item: T) -> None:
        """Hand an item over from any thread, besides those that are yielded."""
        self.items.put(("item", item))

    def beat(self) -> None:
        """Tell that the work is alive though it has nothing to say."""
        self.items.put(("beat", None))

    def check(self) -> None:
        """Raise Cancelled when the consumer has gone."""
        if self.cancelled:
            raise Cancelled

    def wait(self, seconds: float) -> None:
        """Sleep, but no longer than the consumer is there."""
        if self._cancelled.wait(seconds):
            raise Cancelled

    @contextmanager
    def on_cancel(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call `callback` when the consumer closes while the block runs (from its thread)."""
        with self._lock:
            self._callbacks.append(callback)
            late = self.cancelled
        if late:
            callback()
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.remove(callback)

    def cancel(self) -> None:
        """Stop the work and wake whoever waits for it. Harmless when repeated."""
        with self._lock:
            first = not self.cancelled
            self._cancelled.set()
            callbacks = tuple(self._callbacks)
        if first:
            self.items.put(("end", None))
            for callback in callbacks:
                callback()


class Background(Iterator[T]):
    """The items of `work`, made in a thread that starts with the first `next`.

    An exception of the work is raised from `next`. `close` may be called from any thread.
    """

    def __init__(
        self,
        work: Callable[[Task[T]], Iterator[T]],
        *,
        silence_s: float | None = None,
        on_silence: Callable[[], Exception] | None = None,
    ) -> None:
        """Keep the work.

        Args:
            work: Makes the items; it is told of a close through its `Task`.
            silence_s: Seconds without item or beat after which the work is given up.
            on_silence: Makes the exception for that.
        """
        self._work = work
        self._task: Task[T] = Task()
        self._silence_s = silence_s
        self._on_silence = on_silence or TimeoutError
        self._started = False
        self._over = False

    def __iter__(self) -> Background[T]:
        return self

    def __next__(self) -> T:
        if self._over or self._task.cancelled:
            raise StopIteration
        if not self._started:
            self._started = True
            threading.Thread(target=_run, args=(self._work, self._task), daemon=True).start()
        while True:
            try:
                kind, value = self._task.items.get(timeout=self._silence_s)
            except queue.Empty:
                self.close()
                raise self._on_silence() from None
            if kind == "item":
                return value  # type: ignore[return-value]  # an item is a T
            if kind == "end":
                self._over = True
                raise StopIteration
            if isinstance(value, BaseException):
                self._over = True
                raise value

    def close(self) -> None:
        """Stop the work; `next` ends, also in a thread that waits in it."""
        self._over = True
        self._task.cancel()

    def __del__(self) -> None:
        self._task.cancel()


def _run(work: Callable[[Task[T]], Iterator[T]], task: Task[T]) -> None:
    try:
        items = work(task)
        try:
            for item in items:
                task.check()
                task.emit(item)
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()
        task.items.put(("end", None))
    except Cancelled:
        pass  # the consumer has gone; nobody waits
    except BaseException as exc:  # noqa: BLE001 - handed to the consumer, who raises it
        task.items.put(("error", exc))
