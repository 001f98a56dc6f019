"""The part of the app that follows the library: connection, progress, counts, badges."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.timer import Timer

from indexer.errors import AppError
from tui import progress
from tui.controls import clean
from tui.link import Link
from tui.marks import Marks
from tui.messages import LabellingRead, ProgressChanged, Said, SessionLost, SessionOpened, StatusRead
from tui.panes.pane import Pane
from tui.settings import UiSettings
from tui.speaking import Speaking

if TYPE_CHECKING:
    from copilot.types import ModelStatus, Session
    from copilot.types import Status as LibraryState
    from indexer.labelled import Labelling
    from indexer.types import Progress

REDRAW_S = 1.0
SLOW_REDRAW_S = 3.0
"""Least time between two redraws of the progress; the second on a slow line."""
_LOADING_S = 3.0
"""Time between two looks while a model is being loaded."""
_STATUS_S = 2.0
"""Least time between two questions for the library's counts."""


class Following(Speaking, inherit_bindings=False):
    """The session, and what is known of the library."""

    def __init__(self, connect: Callable[[], Session], *, paths: Sequence[str], ui: UiSettings) -> None:
        """Connect nothing yet."""
        super().__init__(ui)
        self.marks = Marks(self.state.marks, self._marks_changed)
        self.session: Session | None = None
        self.progress: Progress | None = None
        self.status: LibraryState | None = None
        self.labelling: Labelling | None = None
        """What there is to label with, for completion and the palette."""
        self._paths = tuple(paths)
        self._link = Link(connect, self)
        self._meter = progress.Meter()
        self._redraw: Timer | None = None
        self._redrawn_s = 0.0
        self._status_timer: Timer | None = None

    def connect(self) -> None:
        """Begin to connect, in a thread."""
        self._link.start()

    @property
    def revision(self) -> int:
        """The library's revision as far as it is known."""
        return self.progress.revision if self.progress is not None else 0

    @property
    def language_model(self) -> ModelStatus | None:
        """The language model in use, once it is known."""
        return self.status.language_model if self.status is not None else None

    def pace(self) -> tuple[float, float | None]:
        """Documents a second, and seconds left."""
        return self._meter.rate, self._meter.left_s(time.monotonic())

    @property
    def panes(self) -> list[Pane]:
        """All panes, the reader last."""
        return list(self.frame.panes.values())

    @property
    def pane(self) -> Pane:
        """The pane in front; the reader while it lies over one."""
        return self.frame.pane

    def pane_named(self, name: str) -> Pane:
        """A pane by its name."""
        return self.frame.panes[name]

    @on(SessionOpened)
    def session_opened(self, event: SessionOpened) -> None:
        """The library is open: hand over the folders of the command line, tell the panes."""
        self.session = event.session
        paths, self._paths = self._paths, ()
        if paths:
            session = event.session
            self._in_thread(lambda: [session.add_root(os.path.abspath(path)) for path in paths])  # noqa: PTH100
        self._draw_progress()
        self.read_status()
        for pane in self.panes:
            pane.session_opened()
        if self.pane.said.startswith("opening"):
            self.pane.say("")
        self.say_left(self.pane.said)

    @on(SessionLost)
    def session_lost(self, event: SessionLost) -> None:
        """Say when it is tried again; what is on screen stays."""
        first = self.session is not None
        self.session = None
        self.draw_badges()
        retry = f"{event.retry_s:g} s"
        if isinstance(event.error, AppError) and not first:
            self.say_left(f"{clean(str(event.error))} Trying again ({retry}).", alert=True)
        else:
            self.say_left(f"reconnecting ({retry})", alert=True)
        if not isinstance(event.error, AppError | OSError):
            self.show_error(event.error)

    @on(ProgressChanged)
    def progress_changed(self, event: ProgressChanged) -> None:
        """Keep the progress; draw it at most once a second."""
        before, self.progress = self.progress, event.progress
        now_s = time.monotonic()
        self._meter.feed(event.progress, now_s)
        for pane in self.panes:
            pane.progress_changed(event.progress)
        changed = before is None or (before.idle, before.revision) != (
            event.progress.idle,
            event.progress.revision,
        )
        if changed and self._status_timer is None:
            self._status_timer = self.set_timer(_STATUS_S if before else 0.01, self.read_status)
        pause_s = SLOW_REDRAW_S if self.settings.slow else REDRAW_S
        if self._redraw is None:
            self._redraw = self.set_timer(max(0.01, self._redrawn_s + pause_s - now_s), self._draw_progress)

    def _draw_progress(self) -> None:
        self._redraw, self._redrawn_s = None, time.monotonic()
        self.draw_badges()
        if self.progress is None or (self.settings.screen_reader and not self.progress.idle):
            return
        rate, left_s = self.pace()
        text = progress.line(self.progress, rate, left_s, narrow=self.size.width < 72)
        self.frame.status_line.say(right=text)
        self.refresh_tasks()

    def draw_badges(self) -> None:
        """Where text goes, which model, how far the library is."""
        model = self.language_model
        badges: list[tuple[str, str]] = []
        if model is None or model.local or not model.host:
            badges.append(("LOCAL", "key"))
        else:
            badges.append((f"REMOTE {clean(model.host)}", "alert"))
        if model is not None:
            badges.append((clean(model.name) if model.name else "quotes only", ""))
        if self.status is not None and self._lacks_meaning(self.status):
            badges.append(("no meaning", ""))
        if self.session is None:
            badges.append(("opening" if self.progress is None else "offline", ""))
        elif self.progress is not None:
            badges.append((progress.badge(self.progress), ""))
        self.frame.tabs.set_badges(*badges)

    def read_status(self) -> None:
        """Ask for the counts and models."""
        self._status_timer = None
        session = self.session
        if session is None:
            return

        def read() -> None:
            self.post_message(StatusRead(session.status()))
            self.post_message(LabellingRead(session.labelling()))

        self._in_thread(read)

    @on(StatusRead)
    def status_was_read(self, event: StatusRead) -> None:
        """Keep the counts and tell the panes."""
        self.status = event.status
        self.draw_badges()
        for pane in self.panes:
            pane.status_read(event.status)
        self.refresh_tasks()
        library = event.status.library
        if not library.embedding_model and not self._lacks_meaning(event.status) and library.documents:
            # The model is still being loaded: look again until it is there or known to be missing.
            self._status_timer = self._status_timer or self.set_timer(_LOADING_S, self.read_status)

    @on(LabellingRead)
    def labelling_was_read(self, event: LabellingRead) -> None:
        """Keep what there is to label with and tell the panes."""
        self.labelling = event.labelling
        for pane in self.panes:
            pane.labelling_read(event.labelling)

    @staticmethod
    def _lacks_meaning(status: LibraryState) -> bool:
        """There is no embedding model, and not only because it is being loaded."""
        return not status.library.embedding_model and bool(status.library.embedding_note)

    def _in_thread(self, work: Callable[[], object]) -> None:
        """Do something that blocks and brings nothing back but its error."""

        def attempt() -> None:
            try:
                work()
            except Exception as exc:  # noqa: BLE001 - one place tells all errors
                with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
                    self.call_from_thread(self.show_error, exc)

        threading.Thread(target=attempt, name="call", daemon=True).start()

    def action_rescan(self) -> None:
        """Bring the folders up to date."""
        session = self.session
        if session is None:
            self._link.retry_now()
            return
        self.say_briefly("Comparing the folders.")
        self._in_thread(lambda: deque(session.sync(), maxlen=0))

    def retry_failed(self) -> None:
        """Read everything that failed again."""
        self.pane.call(
            "retry",
            lambda session: session.retry(),
            lambda count: self.say_briefly(f"{count:,} files are read again."),
        )

    def read_scans(self, paths: Sequence[str]) -> None:
        """Have pages that are pictures read now, of all files when none is named."""

        def tell(count: int) -> None:
            nothing = "There is no page to read: all text is there."
            self.say_briefly(f"{_waiting(count)} for OCR; Tasks shows how far it is." if count else nothing)

        self.pane.call("ocr", lambda session: session.ocr(paths), tell)

    def stop_ocr(self) -> None:
        """Stop reading them."""

        def tell(held: int) -> None:
            self.say_briefly(f"OCR is stopped; {_waiting(held)}." if held else "No page was waiting.")

        self.pane.call("ocr", lambda session: session.ocr_cancel(), tell)

    @on(Said)
    def pane_said(self, event: Said) -> None:
        """The pane in front has the left half of the status line."""
        if event.pane == self.pane.NAME:
            self.say_left(event.text)

    def close_link(self, timeout_s: float) -> None:
        """Let go of the library."""
        self._link.close(timeout_s)

    def _marks_changed(self) -> None:
        self.state.marks = list(self.marks)
        self.state_changed()
        for pane in self.panes:
            pane.marks_changed()

    def refresh_tasks(self) -> None:
        """Bring an open Tasks dialog up to date."""
        for screen in self.screen_stack[1:]:
            refresh = getattr(screen, "refresh_tasks", None)
            if refresh is not None and screen.is_attached:
                refresh()


def _waiting(pages: int) -> str:
    return "1 page waits" if pages == 1 else f"{pages:,} pages wait"
