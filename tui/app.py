"""The app: the frame around the panes, the session behind them, and what belongs to neither.

Imports Textual, the standard library and light modules of this package only: the first frame is on
screen before pydantic, the types of the library or the engine are loaded.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.binding import BindingType
from textual.screen import Screen
from textual.widget import Widget

from tui import keys
from tui.controls import clean
from tui.dialogs import Dialogs
from tui.frame import Frame
from tui.lifecycle import run as run  # `tui.app.run` is the way in
from tui.messages import DiffWanted, ReaderWanted
from tui.panes import DIFF, OVER, PANES, READER
from tui.settings import UiSettings
from tui.speaking import clean_lines
from tui.widgets.bars import Tabs
from tui.widgets.queryinput import load_query_parser

if TYPE_CHECKING:
    from copilot.types import Session
    from tui.panes.ask import AskPane
    from tui.panes.diff import DiffPane
    from tui.panes.reader import ReaderPane
    from tui.panes.summarize import SummarizePane

_OVER = tuple(entry.name for entry in OVER)
_QUIT_S = 2.0
"""Time in which a second Ctrl-C quits."""

log = logging.getLogger(__name__)


class QuireApp(Dialogs, inherit_bindings=False):
    """The interface over one library."""

    CSS_PATH = "app.tcss"
    TITLE = "Quire"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = list(keys.ANYWHERE)

    def __init__(self, connect: Callable[[], Session], *, paths: Sequence[str] = (), ui: UiSettings) -> None:
        """See `tui.lifecycle.run`."""
        super().__init__(connect, paths=paths, ui=ui)
        self.crash = ""
        """One line about the exception that ended the app."""
        self._quit_before_s = 0.0
        self._focused: dict[str, Widget] = {}
        self._under: dict[str, str] = {}
        """Pane below each one that lies over another, by name."""

    # --- start and end

    def get_default_screen(self) -> Screen[None]:
        """The frame."""
        first = next((entry for entry in PANES if entry.name == self.state.pane), PANES[0])
        self._frame = Frame(first, self.size, columns=self.wide)
        return self._frame

    def begin(self) -> None:
        """Take up what was there the last time, then connect behind the first frame."""
        self.set_keymap(dict(self.settings.keys))
        self.draw_badges()
        self.show_pane(self.pane.NAME)
        self.take_keys()
        self.app_resume_signal.subscribe(self, lambda _: self._resumed())
        if not self.is_headless:
            self._catch_signals()
        if self.settings.screen_reader:
            self._show_terminal_cursor()
        problems = [*self.settings.problems, *keys.keymap_problems(self.settings.keys)]
        if problems:
            self.say_warning("; ".join(problems))
        self.call_after_refresh(self._begin)

    async def _begin(self) -> None:
        """Behind the first frame: the other panes, the library, the parser of the query language."""
        await self.frame.mount_others()
        self.connect()
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
        self.write_pending_state()

    def _fatal_error(self) -> None:
        """Log the exception, keep one line for the terminal. Never local variables: they hold documents."""
        log.critical("the interface crashed\n%s", clean_lines(traceback.format_exc()))
        self.crash = clean(traceback.format_exc(limit=0).strip().splitlines()[-1])
        self._close_messages_no_wait()

    # --- panes

    def show_pane(self, name: str) -> None:
        """Bring a pane to the front with the focus where it was."""
        frame = self.frame
        if frame.focused is not None:
            self._focused[frame.pane.NAME] = frame.focused
        frame.switcher.current = name
        pane = self.pane_named(name)
        if name not in _OVER:
            frame.tabs.choose(name)
            if name != self.state.pane:
                self.state.pane = name
                self.state_changed()
        focus = self._focused.get(name)
        if focus is None:
            focus = pane.main_part if name in ("library", *_OVER) else pane.query_input
        frame.set_focus(focus)
        pane.shown()
        self.say_left(pane.said)

    @on(Tabs.Chosen)
    def tab_clicked(self, event: Tabs.Chosen) -> None:
        """Show the pane that was clicked."""
        self.show_pane(event.pane)

    def action_pane(self, name: str) -> None:
        """Show a pane."""
        self.show_pane(name)

    def action_pane_step(self, step: int) -> None:
        """Show the pane before or after."""
        names = [entry.name for entry in PANES]
        here = self.pane.NAME
        while here in _OVER:
            here = self._under.get(here, names[0])
        self.show_pane(names[(names.index(here) + step) % len(names)])

    @on(ReaderWanted)
    def open_reader(self, event: ReaderWanted) -> None:
        """Open a document over the pane in front."""
        cast("ReaderPane", self.pane_named(READER.name)).open(event)
        self._lay_over(READER.name)

    @on(DiffWanted)
    def open_diff(self, event: DiffWanted) -> None:
        """Compare two documents over the pane in front."""
        cast("DiffPane", self.pane_named(DIFF.name)).open(event)
        self._lay_over(DIFF.name)

    def _lay_over(self, name: str) -> None:
        """Show a pane over the one in front; one that lies below already comes up and closes those above."""
        below = here = self.pane.NAME
        while below != name and below in _OVER:
            below = self._under.get(below, PANES[0].name)
        if below != name:
            self._under[name] = here
        self._focused.pop(name, None)
        self.show_pane(name)

    def leave_over(self) -> None:
        """Back to the pane below, its list in focus."""
        self.show_pane(self._under.get(self.pane.NAME, PANES[0].name))

    def search_for(self, query: str) -> None:
        """Go to Search with a query."""
        self.show_pane("search")
        search = self.pane_named("search")
        search.query_input.set_quietly(query)
        search.query_input.focus()

    def ask_about(self, paths: list[str]) -> None:
        """Go to Ask with documents as its scope."""
        ask = cast("AskPane", self.pane_named("ask"))
        ask.set_scope("", paths)
        self.show_pane("ask")
        ask.query_input.focus()

    def summarize(self, paths: list[str]) -> None:
        """Go to Summarize and begin."""
        if not paths:
            self.say_briefly("There is no document here.")
            return
        pane = cast("SummarizePane", self.pane_named("summarize"))
        self.show_pane("summarize")
        pane.summarize_paths(paths)

    def frame_resized(self) -> None:
        """One column or two; some panes show more when there is more room."""
        self.frame.set_class(self.wide, "-columns")
        for pane in self.panes:
            pane.screen_resized()

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


def _load_query_parser() -> None:
    """Load the parser that colours the input; without it the input is plain."""
    try:
        load_query_parser()
    except ImportError:
        log.exception("the query parser is not there")
