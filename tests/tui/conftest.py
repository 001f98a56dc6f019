"""Apps over scripted sessions, in a world where time, paths and terminal are fixed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tui.scripted import ScriptedSession
from tui.app import QuireApp
from tui.settings import UiSettings

Make = Callable[..., QuireApp]


UNSET = (
    "COLORTERM",
    "DISPLAY",
    "EDITOR",
    "NO_COLOR",
    "SSH_CONNECTION",
    "TMUX",
    "VISUAL",
    "WAYLAND_DISPLAY",
)


@pytest.fixture
def fixed_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No state, clipboard, editor or time zone of whoever runs the tests."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("HOME", "/home/anna")
    for name in (
        "COLORTERM",
        "NO_COLOR",
        "TMUX",
        "SSH_CONNECTION",
        "DISPLAY",
        "WAYLAND_DISPLAY",
        "VISUAL",
        "EDITOR",
    ):
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.startswith("MOSH")]:
        monkeypatch.delenv(name)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def make_app(fixed_world: None) -> Make:
    """An app over a session, with settings by name."""

    def make(
        session: ScriptedSession | None = None, *, theme: str = "quire-dark", **settings: object
    ) -> QuireApp:
        opened = session or ScriptedSession()
        ui = UiSettings(theme=theme, link="fast", **settings)  # type: ignore[arg-type]
        return QuireApp(lambda: opened, ui=ui)

    return make
