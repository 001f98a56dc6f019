"""The part of the app that speaks: status line, toasts, errors, clipboard, state, themes."""

from __future__ import annotations

import contextlib
import logging
import os
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.dom import DOMNode
from textual.filter import ANSIToTruecolor, LineFilter, Monochrome, NoColor
from textual.timer import Timer

from indexer.errors import AppError
from tui import clipboard, keys, themes
from tui.controls import AsciiFilter, ControlFilter, clean
from tui.settings import UiSettings
from tui.state import UiState, load_state, save_state, state_folder, state_path
from tui.typeahead import TypeAhead

if TYPE_CHECKING:
    from tui.frame import Frame

_STATE_S = 0.4
"""Changes are collected this long before the state is written."""
_TOAST = 60
"""Characters of a toast."""

log = logging.getLogger(__name__)


class Speaking(TypeAhead, inherit_bindings=False):
    """What the app says and remembers, whatever the panes are."""

    NOTIFICATION_TIMEOUT = 4

    def __init__(self, ui: UiSettings) -> None:
        """Take the settings, the state of the last time and the theme."""
        super().__init__()
        self.settings = ui
        self.state: UiState = load_state(state_path(ui.library))
        self.messages_said: deque[tuple[str, str]] = deque(maxlen=50)
        """(time, text) of everything that was said in a toast, newest first."""
        self.with_terminal: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext
        """Gives file descriptor 2 back while another program has the terminal."""
        self._frame: Frame | None = None
        self._state_timer: Timer | None = None
        self._clashes: set[str] = set()
        for theme in themes.HOUSE:
            self.register_theme(theme)
        self._set_first_theme()

    @property
    def frame(self) -> Frame:
        """The screen with the panes, below all dialogs."""
        assert self._frame is not None, "the screen comes first"
        return self._frame

    def _set_first_theme(self) -> None:
        chosen = self.state.theme or (self.settings.theme if self.settings.theme != "auto" else "")
        automatic = themes.automatic_theme(os.environ)
        if automatic.startswith("ansi"):
            chosen = chosen if chosen.startswith("ansi") else ""
        self.theme = chosen if chosen in self.available_themes else automatic

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Colours of ours for themes that are not ours."""
        return {
            "quire-cursor": self.current_theme.primary,
            "quire-cursor-text": self.current_theme.background or "ansi_default",
            "quire-dim": "ansi_bright_black" if self.current_theme.ansi else "#888888",
        }

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Ours come first and last: nothing foreign passes, and plain terminals get plain characters."""
        # none of our widgets draws with the 16 colours in a theme of other colours: nothing to translate
        replaced = (ANSIToTruecolor, Monochrome, NoColor)
        others = [each for each in super().get_line_filters() if not isinstance(each, replaced)]
        # Textual chooses greys or no colours before a theme is chosen; NO_COLOR means none
        filters = [ControlFilter(), *others, *([NoColor()] if self.no_color else [])]
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

    @contextlib.contextmanager
    def suspend(self) -> Iterator[None]:
        """Give the terminal to another program, descriptor 2 included."""
        with super().suspend(), self.with_terminal():
            yield

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

    def say_left(self, text: str, *, alert: bool = False) -> None:
        """Words for the left half of the status line."""
        self.frame.status_line.say(left=clean(text), alert=alert)

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
            self.say_left(text, alert=True)

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
            self.say_left(text, alert=True)

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

    def state_changed(self) -> None:
        """Write the state soon."""
        if self._state_timer is None:
            self._state_timer = self.set_timer(_STATE_S, self._write_state)

    def _write_state(self) -> None:
        self._state_timer = None
        save_state(state_path(self.settings.library), self.state)

    def choose_theme(self, name: str) -> None:
        """Another theme, for this and the next time."""
        self.theme = name
        self.state.theme = name
        self.state_changed()

    def write_pending_state(self) -> None:
        """Write what has not been written yet."""
        if self._state_timer is not None:
            self._state_timer.stop()
            self._write_state()


def clean_lines(text: str) -> str:
    """Foreign text without control characters, its lines kept."""
    return "\n".join(clean(line.replace("\t", "    ")) for line in text.split("\n"))
