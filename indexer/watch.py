"""Notices that something changed in the folders; never decides what.

Events of the operating system are hints that mark paths; a path that has been left alone for a moment
is handed on to be compared with the catalogue. Where events are missing or were lost (overflow, limits,
network file systems, a root that was away, a machine that slept) whole folders are compared instead.
The only importer of watchdog.
"""

from __future__ import annotations

import logging
import os
import random
import stat
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from indexer.catalogue import Catalogue
from indexer.catalogue.connection import file_system, is_network
from indexer.config import WatchConfig
from indexer.errors import StoreError
from indexer.ignore import FILE_NAME

log = logging.getLogger(__name__)

EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileClosedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    FileAttribEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]
"""Without a filter watchdog also hears files being opened, its own walks included, and never rests."""

GROWING = 3.0
"""A file that was written to and not closed yet must be left alone this many times as long."""
MOST_HINTS = 20_000
"""Paths kept at once; more than these are one comparison of everything."""
HEALTH_S = 1.0
"""Seconds between looks at whether each root is still there and the same."""
JUMP_S = 30.0
"""Difference between clock and timer that means the machine slept or the clock was set."""


class Looked(Protocol):
    """A comparison that was asked for."""

    took_s: float

    @property
    def done(self) -> threading.Event:
        """Set when it has happened."""


class Look(Protocol):
    """Asks for a comparison of paths with the catalogue; no paths means everything."""

    def __call__(self, paths: Iterable[bytes] = (), *, certain: bool = False) -> Looked:
        """`certain`: an event reported these very paths."""


class Settling:
    """Paths that changed and must be left alone for a moment. Knows no clock and no file system."""

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._due: dict[bytes, float] = {}

    def __len__(self) -> int:
        return len(self._due)

    def note(self, path: bytes, now: float, *, complete: bool) -> None:
        """Something happened to a path; `complete` when no more is to be expected at once."""
        self._due[path] = now + self._settle_s * (1.0 if complete else GROWING)

    def clear(self) -> None:
        """Forget all paths."""
        self._due.clear()

    def next_at(self) -> float | None:
        """When the next path is due."""
        return min(self._due.values(), default=None)

    def take(self, now: float) -> set[bytes]:
        """The paths that are due. What falls due a moment later comes along: a move is two paths."""
        if not self._due or min(self._due.values()) > now:
            return set()
        ready = {path for path, due in self._due.items() if due <= now + self._settle_s / 6}
        for path in ready:
            del self._due[path]
        return ready


@dataclass(slots=True)
class _Root:
    """A root and how it is watched."""

    id: int
    path: bytes
    watch: object = None
    """watchdog's; None while it is polled or away."""
    polled: bool = False
    identity: tuple[int, int] | None = None
    """Device and inode; None while it is away."""
    next_poll: float = 0.0
    look: Looked | None = None


class _Handler(FileSystemEventHandler):
    def __init__(self, hint: Callable[[bytes, bool], None]) -> None:
        self._hint = hint

    def on_any_event(self, event: FileSystemEvent) -> None:
        complete = not isinstance(event, FileCreatedEvent | FileModifiedEvent)
        self._hint(os.fsencode(event.src_path), complete)
        if event.dest_path:
            self._hint(os.fsencode(event.dest_path), True)


class _OverflowListener(logging.Handler):
    """watchdog tells of lost events in its log only."""

    def __init__(self, lost: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._lost = lost

    def emit(self, record: logging.LogRecord) -> None:
        if "overflow" in record.getMessage():
            self._lost()


class Watcher:
    """Watches the roots of a library in a thread of its own (`quire-watch`)."""

    def __init__(
        self,
        catalogue: Catalogue,
        config: WatchConfig,
        *,
        look: Look,
        changed: Callable[[], None],
    ) -> None:
        """Keep the parts; `start` begins.

        Args:
            catalogue: Knows the roots.
            config: Settings.
            look: Called with paths to be compared.
            changed: Called when the state of a root or the note has changed.
        """
        self._catalogue = catalogue
        self._config = config
        self._look = look
        self._changed = changed
        self._settling = Settling(config.settle_s)
        self._wake = threading.Condition()
        self._stopping = False
        self._everything = False
        self._stale = True
        self._observer: Any = None
        self._roots: dict[int, _Root] = {}
        self._rescan_at = 0.0
        self._drift = time.time() - time.monotonic()
        self._listener = _OverflowListener(self._lost_events)
        self._thread = threading.Thread(target=self._run, name="quire-watch", daemon=True)
        self.note = ""
        """What hinders watching, for people; "" when all is well."""

    # --- from other threads ---

    def start(self) -> None:
        """Watch all roots, and compare them once."""
        # A folder moved out and in again is watched already; watchdog warns and does the right thing.
        warnings.filterwarnings("ignore", message="Callback with id", category=RuntimeWarning)
        logging.getLogger("watchdog.observers.inotify_c").addHandler(self._listener)
        self._everything = True
        self._thread.start()

    def rearm(self) -> None:
        """The roots have changed."""
        with self._wake:
            self._stale = True
            self._wake.notify()

    def close(self) -> None:
        """Stop watching."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        logging.getLogger("watchdog.observers.inotify_c").removeHandler(self._listener)
        if self._thread.ident is not None:
            self._thread.join()
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()

    def _hint(self, path: bytes, complete: bool) -> None:
        if path.endswith(b"/" + FILE_NAME):
            # Other rules: everything around it may have come or gone.
            path, complete = os.path.dirname(path), True
        with self._wake:
            if len(self._settling) >= MOST_HINTS:
                self._everything = True
                self._settling.clear()
            first = not len(self._settling)
            self._settling.note(path, time.monotonic(), complete=complete)
            if first:
                self._wake.notify()

    def _lost_events(self) -> None:
        with self._wake:
            self._everything = True
            self._wake.notify()

    # --- the thread ---

    def _run(self) -> None:
        while True:
            with self._wake:
                if not (self._stopping or self._stale or self._everything):
                    self._wake.wait(self._patience())
                if self._stopping:
                    return
            try:
                self._step()
            except StoreError as exc:
                # The pipeline says so too, and goes on by itself; nothing is lost by waiting.
                log.warning("watching: %s", exc)
                time.sleep(HEALTH_S)
            except Exception:
                log.exception("watching: a step failed")
                time.sleep(HEALTH_S)

    def _patience(self) -> float:
        now = time.monotonic()
        due = self._settling.next_at()
        return max(0.0, min(HEALTH_S, due - now if due is not None else HEALTH_S))

    def _step(self) -> None:
        now = time.monotonic()
        self._check_observer()
        self._check_roots()
        if abs(time.time() - now - self._drift) > JUMP_S:
            self._drift = time.time() - now
            self._everything = True
        if now >= self._rescan_at:
            self._everything = self._everything or self._rescan_at > 0
            self._rescan_at = now + self._config.rescan_minutes * 60 * random.uniform(0.75, 1.25)
        with self._wake:
            everything, self._everything = self._everything, False
            if everything:
                self._settling.clear()
            ready = self._settling.take(now)
        if everything:
            self._check_coverage()
            self._look()
        elif ready:
            self._look(ready, certain=True)
        self._poll(now)

    def _poll(self, now: float) -> None:
        for root in self._roots.values():
            waits = root.look is not None and not root.look.done.is_set()
            if not root.polled or root.identity is None or now < root.next_poll or waits:
                continue
            took = root.look.took_s if root.look is not None else 0.0
            root.next_poll = now + max(self._config.poll_s, 20 * took)
            root.look = self._look([root.path])

    def _check_observer(self) -> None:
        """Begin anew with watchdog when its reading thread has ended: it would be silent for ever."""
        if self._observer is None or _is_alive(self._observer):
            return
        log.warning("watchdog has stopped; starting it again")
        self._observer.stop()
        self._observer = None
        for root in self._roots.values():
            root.watch, root.identity = None, None
        self._everything = True

    def _check_roots(self) -> None:
        """Follow the catalogue's list of roots, and each root's coming and going."""
        with self._wake:
            stale, self._stale = self._stale, False
        if stale:
            wanted = self._catalogue.root_paths()
            for root in [r for r in self._roots.values() if wanted.get(r.id) != r.path]:
                self._disarm(root)
                del self._roots[root.id]
            for root_id, path in wanted.items():
                self._roots.setdefault(root_id, _Root(root_id, path))
        silent = self._silent()
        returned = []
        for root in self._roots.values():
            identity = _identity(root.path)
            if identity == root.identity and root.watch not in silent:
                continue
            self._disarm(root)
            root.identity = identity
            if identity is not None:
                self._arm(root)
            returned.append(root.path)
        if stale and returned:
            self._check_coverage()
        if returned and not self._everything:
            self._look(returned)

    def _silent(self) -> set[object]:
        """Watches that have ended: a folder that was deleted and made again may have its old inode."""
        if self._observer is None:
            return set()
        return {emitter.watch for emitter in self._observer.emitters if not emitter.is_alive()}

    def _arm(self, root: _Root) -> None:
        reason = self._why_polled(root.path)
        if not reason:
            try:
                self._schedule(root)
            except OSError as exc:
                reason = f"The system gives no more watches ({exc.strerror or exc})."
        root.polled = bool(reason)
        self._tell(root, reason)

    def _why_polled(self, path: bytes) -> str:
        if self._config.mode == "polling":
            return "Polling is configured."
        kind = file_system(Path(os.fsdecode(path)))
        if self._config.mode == "auto" and is_network(kind):
            return f"Its file system ({kind}) tells nothing of changes made elsewhere."
        return ""

    def _schedule(self, root: _Root) -> None:
        if self._observer is None:
            observer = Observer()
            observer.start()
            self._observer = observer
        folder = stat.S_ISDIR(os.stat(root.path).st_mode)  # noqa: PTH116 - bytes
        # A file is replaced rather than changed by most editors, so its folder is watched.
        path = root.path if folder else os.path.dirname(root.path)
        handler = _Handler(self._hint if folder else _only(root.path, self._hint))
        root.watch = self._observer.schedule(
            handler, os.fsdecode(path), recursive=folder, event_filter=EVENTS
        )

    def _disarm(self, root: _Root) -> None:
        if root.watch is not None and self._observer is not None:
            try:
                self._observer.unschedule(root.watch)
            except KeyError:
                # watchdog has dropped it by itself, as it does when a root is deleted.
                pass
        root.watch = None

    def _tell(self, root: _Root, reason: str) -> None:
        """Note how a root is watched."""
        state = "polled" if root.polled else "watched"
        every = f" It is compared every {self._config.poll_s:g} s." if root.polled else ""
        self._catalogue.set_root_state(root.id, state, reason + every)
        self._changed()

    def _check_coverage(self) -> None:
        """Poll what the kernel did not grant watches for: watchdog passes over that in silence."""
        armed = [root for root in self._roots.values() if root.watch is not None]
        if not armed:
            return
        needed = sum(count_folders(root.path) for root in armed)
        granted = granted_watches()
        if granted is None or granted >= needed:
            self.note = ""
            return
        reason = f"The system watches only {granted} of {needed} folders; raise fs.inotify.max_user_watches."
        self.note = reason
        for root in armed:
            root.polled = True
            self._tell(root, reason)


def _is_alive(observer: Any) -> bool:
    # Only the thread that reads from the kernel can die of an event; it has no public name.
    reader = getattr(observer, "_inotify_fd", None)
    return observer.is_alive() and (reader is None or reader.is_alive())


def _only(path: bytes, hint: Callable[[bytes, bool], None]) -> Callable[[bytes, bool], None]:
    def filtered(changed: bytes, complete: bool) -> None:
        if changed == path:
            hint(changed, complete)

    return filtered


def _identity(path: bytes) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - bytes
    except OSError:
        return None
    # A file gets a new inode with most saves; only a folder that is another one must be armed again.
    return (found.st_dev, found.st_ino) if stat.S_ISDIR(found.st_mode) else (found.st_dev, 0)


def count_folders(path: bytes) -> int:
    """Folders at and below a path, ignored ones included: watchdog watches them all."""
    return max(1, sum(1 for _ in os.walk(path)))


def granted_watches() -> int | None:
    """Watches the kernel holds for this process; None where that cannot be told."""
    count = 0
    try:
        with os.scandir("/proc/self/fd") as entries:
            for entry in entries:
                try:
                    if os.readlink(entry.path) != "anon_inode:inotify":  # noqa: PTH115 - text
                        continue
                    info = Path("/proc/self/fdinfo", entry.name).read_text(encoding="ascii", errors="replace")
                except OSError:
                    continue
                count += sum(line.startswith("inotify") for line in info.splitlines())
    except OSError:
        return None
    return count
