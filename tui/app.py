"""The app: the frame around the panes, the session behind them, and what belongs to neither.

Imports Textual, the standard library and light modules of this package only: the first frame is on
screen before pydantic, the types of the library or the engine are loaded.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.dom import DOMNode
from textual.filter import LineFilter
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from indexer.errors import AppError
from tui import clipboard, keys, progress, themes
from tui.controls import AsciiFilter, ControlFilter, clean
from tui.dialogs import Dialogs
from tui.lifecycle import run as run  # `tui.app.run` is the way in
from tui.link import Link
from tui.marks import Marks
from tui.messages import ProgressChanged, ReaderWanted, Said, SessionLost, SessionOpened, StatusRead
from tui.panes import PANES
from tui.panes.ask import AskPane
from tui.panes.pane import Pane
from tui.panes.reader import ReaderPane
from tui.panes.search import SearchPane
from tui.panes.summarize import SummarizePane
from tui.settings import UiSettings
from tui.state import UiState, load_state, save_state, state_folder, state_path
from tui.widgets.bars import KeyLine, StatusLine, Tabs, Words

if TYPE_CHECKING:
    from copilot.types import ModelStatus, Session
    from copilot.types import Status as LibraryState
    from indexer.types import Progress

REDRAW_S = 1.0
SLOW_REDRAW_S = 3.0
"""Least time between two redraws of the progress; the second on a slow line."""
_STATUS_S = 2.0
"""Least time between two questions for the library's counts."""
_STATE_S = 0.4
"""Changes are collected this long before the state is written."""
_QUIT_S = 2.0
"""Time in which a second Ctrl-C quits."""
_TOAST = 60
"""Characters of a toast."""

log = logging.getLogger(__name__)


class Frame(Screen[None], inherit_bindings=False):
    """The one screen with the panes."""

    AUTO_FOCUS = None
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-narrow"), (100, "-wide"), (160, "-xwide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (8, "-few"), (10, "-short"), (18, "-tall")]  # noqa: RUF012

    def compose(self) -> ComposeResult:
        """Tabs and badges, panes, status, keys."""
        with Container(id="frame"):
            yield Tabs([(pane.NAME, pane.TITLE) for pane in PANES], id="tabs")
            with ContentSwitcher(initial=PANES[0].NAME, id="panes"):
                for pane in PANES:
                    yield pane()
                yield ReaderPane()
            yield StatusLine(id="status")
            yield KeyLine(id="keys")
        yield Words("terminal too small", id="too-small")

    def on_mount(self) -> None:
        """All parts are here: begin."""
        app = self.app
        assert isinstance(app, QuireApp)
        app.begin()


class QuireApp(Dialogs, App[int], inherit_bindings=False):
    """The interface over one library."""

    CSS_PATH = "app.tcss"
    TITLE = "Quire"
    ENABLE_COMMAND_PALETTE = False
    NOTIFICATION_TIMEOUT = 4
    BINDINGS: ClassVar[list[BindingType]] = list(keys.ANYWHERE)

    def __init__(self, connect: Callable[[], Session], *, paths: Sequence[str] = (), ui: UiSettings) -> None:
        """See `tui.lifecycle.run`."""
        super().__init__()
        self.settings = ui
        self.state: UiState = load_state(state_path(ui.library))
        self.marks = Marks(self.state.marks, self._marks_changed)
        self.session: Session | None = None
        self.progress: Progress | None = None
        self.status: LibraryState | None = None
        self.messages_said: deque[tuple[str, str]] = deque(maxlen=50)
        """(time, text) of everything that was said in a toast, newest first."""
        self.crash = ""
        """One line about the exception that ended the app."""
        self.with_terminal: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext
        """Gives file descriptor 2 back while another program has the terminal."""
        self._paths = tuple(paths)
        self._link = Link(connect, self)
        self._meter = progress.Meter()
        self._redraw: Timer | None = None
        self._redrawn_s = 0.0
        self._status_timer: Timer | None = None
        self._state_timer: Timer | None = None
        self._quit_before_s = 0.0
        self._focused: dict[str, Widget] = {}
        self._under_reader = PANES[0].NAME
        self._clashes: set[str] = set()
        for theme in themes.HOUSE:
            self.register_theme(theme)
        self._set_first_theme()

    def _set_first_theme(self) -> None:
        chosen = self.state.theme or (self.settings.theme if self.settings.theme != "auto" else "")
        automatic = themes.automatic_theme(os.environ)
        if automatic.startswith("ansi"):
            chosen = chosen if chosen.startswith("ansi") else ""
        self.theme = chosen if chosen in self.available_themes else automatic

    # --- start and end

    def get_default_screen(self) -> Screen[None]:
        """The frame."""
        return Frame(id="_default")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Colours of ours for themes that are not ours."""
        return {
            "quire-cursor": self.current_theme.primary,
            "quire-cursor-text": self.current_theme.background or "ansi_default",
            "quire-dim": "ansi_bright_black" if self.current_theme.ansi else "#888888",
        }

    def begin(self) -> None:
        """Take up what was there the last time, then connect behind the first frame."""
        self.set_keymap(dict(self.settings.keys))
        self._draw_badges()
        name = self.state.pane if self.state.pane in {pane.NAME for pane in PANES} else PANES[0].NAME
        self.show_pane(name)
        self.watch_theme(self.theme)
        self.app_resume_signal.subscribe(self, lambda _: self._resumed())
        if not self.is_headless:
            self._catch_signals()
        if self.settings.screen_reader:
            self.screen.add_class("-one-column")
            self._show_terminal_cursor()
        problems = [*self.settings.problems, *keys.keymap_problems(self.settings.keys)]
        if problems:
            self.say_warning("; ".join(problems))
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """Behind the first frame: connect, and load the parser of the query language."""
        self._link.start()
        threading.Thread(target=_load_query_parser, name="parser", daemon=True).start()

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._exit_with, 128 + number)

    def _exit_with(self, code: int) -> None:
        self.exit(return_code=code)

    def _resumed(self) -> None:
        """Draw everything after `fg`; Textual leaves the screen empty."""
        self.refresh(layout=True)
        self._show_terminal_cursor()

    def _show_terminal_cursor(self) -> None:
        if self.settings.screen_reader and self._driver is not None and not self.is_headless:
            self._driver.write("\x1b[?25h")

    def on_unmount(self) -> None:
        """Write what has not been written yet."""
        if self._state_timer is not None:
            self._state_timer.stop()
            self._write_state()

    def close_link(self, timeout_s: float) -> None:
        """Let go of the library."""
        self._link.close(timeout_s)

    def _fatal_error(self) -> None:
        """Log the exception, keep one line for the terminal. Never local variables: they hold documents."""
        log.critical("the interface crashed\n%s", clean_lines(traceback.format_exc()))
        self.crash = clean(traceback.format_exc(limit=0).strip().splitlines()[-1])
        self._close_messages_no_wait()

    @contextlib.contextmanager
    def suspend(self) -> Iterator[None]:
        """Give the terminal to another program, descriptor 2 included."""
        with super().suspend(), self.with_terminal():
            yield

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Ours come first and last: nothing foreign passes, and plain terminals get plain characters."""
        filters = [ControlFilter(), *super().get_line_filters()]
        return [*filters, AsciiFilter()] if self.settings.plain else filters

    def get_key_display(self, binding: Binding) -> str:
        """Keys in words."""
        return keys.show_key(binding.key)

    def handle_bindings_clash(self, clashed_bindings: set[Binding], node: DOMNode) -> None:
        """Say once that two actions want one key."""
        names = " and ".join(sorted(binding.id or binding.action for binding in clashed_bindings))
        if names not in self._clashes:
            self._clashes.add(names)
            self.say_warning(f"keys: clash of {names}")

    # --- what there is

    @property
    def wide(self) -> bool:
        """Room for two columns."""
        return self.size.width >= 100 and not self.settings.screen_reader

    @property
    def xwide(self) -> bool:
        """Room for three columns."""
        return self.size.width >= 160 and not self.settings.screen_reader

    @property
    def slow_link(self) -> bool:
        """Bytes are dear."""
        return self.settings.slow

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
        return list(self.screen_stack[0].query(Pane))

    @property
    def pane(self) -> Pane:
        """The pane in front; the reader while it lies over one."""
        return self._pane(self.screen_stack[0].query_one(ContentSwitcher).current or PANES[0].NAME)

    def _pane(self, name: str) -> Pane:
        return self.screen_stack[0].query_one(f"#{name}", Pane)

    # --- panes

    def show_pane(self, name: str) -> None:
        """Bring a pane to the front with the focus where it was."""
        frame = self.screen_stack[0]
        switcher = frame.query_one(ContentSwitcher)
        if switcher.current and frame.focused is not None:
            self._focused[switcher.current] = frame.focused
        switcher.current = name
        pane = self._pane(name)
        if name != ReaderPane.NAME:
            frame.query_one("#tabs", Tabs).choose(name)
            if name != self.state.pane:
                self.state.pane = name
                self.state_changed()
        focus = self._focused.get(name)
        if focus is None:
            focus = pane.main_part if name in ("library", ReaderPane.NAME) else pane.query_input
        frame.set_focus(focus)
        pane.shown()
        self._say(pane.said)

    @on(Tabs.Chosen)
    def tab_clicked(self, event: Tabs.Chosen) -> None:
        """Show the pane that was clicked."""
        self.show_pane(event.pane)

    def action_pane(self, name: str) -> None:
        """Show a pane."""
        self.show_pane(name)

    def action_pane_step(self, step: int) -> None:
        """Show the pane before or after."""
        names = [pane.NAME for pane in PANES]
        here = self.pane.NAME if self.pane.NAME in names else self._under_reader
        self.show_pane(names[(names.index(here) + step) % len(names)])

    @on(ReaderWanted)
    def open_reader(self, event: ReaderWanted) -> None:
        """Open a document over the pane in front."""
        if self.pane.NAME != ReaderPane.NAME:
            self._under_reader = self.pane.NAME
        reader = self._pane(ReaderPane.NAME)
        assert isinstance(reader, ReaderPane)
        self._focused.pop(ReaderPane.NAME, None)
        reader.open(event)
        self.show_pane(ReaderPane.NAME)

    def leave_reader(self) -> None:
        """Back to the pane below the reader, its list in focus."""
        self.show_pane(self._under_reader)

    def ask_about(self, paths: list[str]) -> None:
        """Go to Ask with documents as its scope."""
        ask = self._pane(AskPane.NAME)
        assert isinstance(ask, AskPane)
        ask.set_scope("", paths)
        self.show_pane(AskPane.NAME)
        ask.query_input.focus()

    def summarize(self, paths: list[str]) -> None:
        """Go to Summarize and begin."""
        if not paths:
            self.say_briefly("There is no document here.")
            return
        pane = self._pane(SummarizePane.NAME)
        assert isinstance(pane, SummarizePane)
        self.show_pane(SummarizePane.NAME)
        pane.summarize_paths(paths)

    def on_resize(self) -> None:
        """Facets need the hits when they appear."""
        for pane in self.screen_stack[0].query(SearchPane):
            pane.lay_facets()

    # --- going back

    async def action_back(self) -> None:
        """One step: stop, clear find, leave the reader, unzoom, clear marks, leave the input."""
        pane = self.pane
        if pane.stop():
            return
        if pane.step_back():
            return
        if len(self.marks):
            self.marks.clear()
        elif self.screen.focused is pane.query_input:
            pane.main_part.focus()

    def action_close(self) -> None:
        """Close the reader or the zoom, else quit."""
        if not self.pane.close_part():
            self.exit()

    async def action_quit(self) -> None:
        """Quit."""
        self.exit()

    def action_interrupt(self) -> None:
        """Copy the selection, else stop what runs, else quit at the second time."""
        selected = self.screen.get_selected_text()
        if selected:
            self.copy(selected, "selection")
        elif not self.pane.stop():
            now_s = time.monotonic()
            if now_s - self._quit_before_s < _QUIT_S:
                self.exit()
            else:
                self._quit_before_s = now_s
                self.say_briefly("Ctrl-C again within 2 s quits.")

    def action_redraw(self) -> None:
        """Draw everything anew."""
        self.screen.refresh(layout=True, repaint=True)
        self.refresh(layout=True)

    # --- the session

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
        self._say(self.pane.said)

    @on(SessionLost)
    def session_lost(self, event: SessionLost) -> None:
        """Say when it is tried again; what is on screen stays."""
        first = self.session is not None
        self.session = None
        self._draw_badges()
        retry = f"{event.retry_s:g} s"
        if isinstance(event.error, AppError) and not first:
            self._say(f"{clean(str(event.error))} Trying again ({retry}).", alert=True)
        else:
            self._say(f"reconnecting ({retry})", alert=True)
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
        self._draw_badges()
        if self.progress is None or (self.settings.screen_reader and not self.progress.idle):
            return
        rate, left_s = self.pace()
        text = progress.line(self.progress, rate, left_s, narrow=self.size.width < 72)
        self.screen_stack[0].query_one("#status", StatusLine).say(right=text)
        self.refresh_tasks()

    def _draw_badges(self) -> None:
        model = self.language_model
        badges: list[tuple[str, str]] = []
        if model is None or model.local or not model.host:
            badges.append(("LOCAL", "key"))
        else:
            badges.append((f"REMOTE {clean(model.host)}", "alert"))
        if model is not None:
            badges.append((clean(model.name) if model.name else "quotes only", ""))
        if self.status is not None and not self.status.library.embedding_model:
            badges.append(("no meaning", ""))
        if self.session is None:
            badges.append(("opening" if self.progress is None else "offline", ""))
        elif self.progress is not None:
            badges.append((progress.badge(self.progress), ""))
        self.screen_stack[0].query_one("#tabs", Tabs).set_badges(*badges)

    def read_status(self) -> None:
        """Ask for the counts and models."""
        self._status_timer = None
        session = self.session
        if session is None:
            return

        def read() -> None:
            self.post_message(StatusRead(session.status()))

        self._in_thread(read)

    @on(StatusRead)
    def status_was_read(self, event: StatusRead) -> None:
        """Keep the counts and tell the panes."""
        self.status = event.status
        self._draw_badges()
        for pane in self.panes:
            pane.status_read(event.status)
        self.refresh_tasks()

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

    # --- saying things

    @on(Said)
    def pane_said(self, event: Said) -> None:
        """The pane in front has the left half of the status line."""
        if event.pane == self.pane.NAME:
            self._say(event.text)

    def _say(self, text: str, *, alert: bool = False) -> None:
        for line in self.screen_stack[0].query("#status").results(StatusLine):
            line.say(left=clean(text), alert=alert)

    def say_briefly(self, text: str) -> None:
        """A toast of one line."""
        self._toast(text, "information", 4)

    def say_warning(self, text: str) -> None:
        """A toast that stays longer; Tasks keeps the whole text."""
        self._toast(text, "warning", 10)

    def _toast(self, text: str, severity: str, seconds: float) -> None:
        text = " ".join(clean(text).split())
        self.messages_said.appendleft((time.strftime("%H:%M"), text))
        self.clear_notifications()
        shown = text if len(text) <= _TOAST else f"{text[: _TOAST - 10]}… (w: all)"
        self.notify(shown, severity=severity, timeout=seconds, markup=False)  # type: ignore[arg-type]
        if severity != "information":
            self._say(text, alert=True)

    def show_error(self, error: BaseException) -> None:
        """The one place that tells what went wrong; a bug goes to the log with its story."""
        if isinstance(error, AppError):
            text = f"{error.title}: {error}"
        elif isinstance(error, OSError):
            text = f"The engine does not answer: {error}"
        else:
            story = "".join(traceback.format_exception(error))
            log.error("a call failed\n%s", clean_lines(story))
            where = state_folder() / "interface.log"
            text = f"A bug in Quire ({type(error).__name__}); the log has it: {where}"
        recent = [said for _, said in list(self.messages_said)[:5]]
        if " ".join(clean(text).split()) not in recent:
            self._toast(text, "error", 10)
        else:
            self._say(text, alert=True)

    def copy(self, text: str, what: str) -> None:
        """Copy to every clipboard there is; long texts go to a file."""
        text = clean_lines(text)
        if len(text.encode("utf-8", "replace")) > clipboard.TERMINAL_LIMIT:
            path = clipboard.save_long(text, state_folder())
            self.say_briefly(f"Too long to copy: {what} is in {path}")
            return
        self.copy_to_clipboard(text)
        clipboard.hand_over(text)
        self.say_briefly(f"Copied: {what}")

    # --- state

    def state_changed(self) -> None:
        """Write the state soon."""
        if self._state_timer is None:
            self._state_timer = self.set_timer(_STATE_S, self._write_state)

    def _write_state(self) -> None:
        self._state_timer = None
        save_state(state_path(self.settings.library), self.state)

    def _marks_changed(self) -> None:
        self.state.marks = list(self.marks)
        self.state_changed()
        for pane in self.panes:
            pane.marks_changed()

    def watch_theme(self, name: str) -> None:
        """Mark the themes that use the terminal's own colours, and remember a choice."""
        if self._running and self.screen_stack:
            for screen in self.screen_stack:
                screen.set_class(self.current_theme.ansi, "-ansi-theme")

    def choose_theme(self, name: str) -> None:
        """Another theme, for this and the next time."""
        self.theme = name
        self.state.theme = name
        self.state_changed()


def clean_lines(text: str) -> str:
    """Foreign text without control characters, its lines kept."""
    return "\n".join(clean(line.replace("\t", "    ")) for line in text.split("\n"))


def _load_query_parser() -> None:
    """Load the parser that colours the input; without it the input is plain."""
    try:
        import indexer.query  # noqa: F401 - `queryinput.query_spans` finds it in sys.modules
    except ImportError:
        log.exception("the query parser is not there")
