"""The interface as a process: what it does to the terminal, and how it gives it back."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tui.progress import badge
from tui.settings import UiSettings
from tui.state import state_folder

if TYPE_CHECKING:
    from copilot.types import Session
    from tui.app import QuireApp

_LOG_BYTES = 1_000_000
"""A log larger than this is set aside when the interface starts."""
_CLOSE_S = 10.0
"""Longest wait for a library in this process to close its stores; an engine's client closes at once."""


def run(connect: Callable[[], Session], *, paths: Sequence[str], ui: UiSettings) -> int:
    """Run the interface until it is left; returns the exit code.

    Args:
        connect: Opens the library; called in a thread, again after the engine was lost.
        paths: Folders and files to add to the library first.
        ui: See `tui.settings.read_ui`.
    """
    from tui.app import QuireApp

    log_path = state_folder() / "interface.log"
    handler = _open_log(log_path)
    app = QuireApp(connect, paths=paths, ui=ui)
    try:
        with stderr_to(log_path) as restore:
            app.with_terminal = restore
            app.run(mouse=ui.mouse)
    finally:
        app.close_link(_CLOSE_S)
        logging.getLogger().removeHandler(handler)
        handler.close()
    _say_farewell(app, log_path)
    return app.return_code or 0


def _open_log(path: Path) -> logging.Handler:
    """Everything that is logged goes to a file of bounded size."""
    handler: logging.Handler
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    return handler


def _say_farewell(app: QuireApp, log_path: Path) -> None:
    if app.crash:
        sys.stderr.write(f"{app.crash}\nThis is a bug in Quire. The whole story is in {log_path}.\n")
    elif app.progress is not None and not app.progress.idle and not app.return_code:
        sys.stderr.write(
            f"Indexing goes on in the background ({badge(app.progress)}); 'quire status' tells.\n"
        )


@contextlib.contextmanager
def stderr_to(path: Path) -> Iterator[Callable[[], contextlib.AbstractContextManager[None]]]:
    """Send what C libraries write to file descriptor 2 into a file, not onto the screen.

    Textual draws through `sys.__stderr__`, so that gets a copy of the terminal's descriptor.

    Yields:
        A context manager that gives descriptor 2 back for as long as another program has the terminal.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    screen_fd = 2 if os.isatty(2) else 1  # `quire 2>errors` still draws
    try:
        log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError:
        log = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    screen = os.fdopen(os.dup(screen_fd), "w", encoding="utf-8", errors="replace")
    before = sys.__stderr__
    sys.__stderr__ = screen  # type: ignore[misc]  # the one place where the screen's file is chosen
    os.dup2(log, 2)

    @contextlib.contextmanager
    def restore() -> Iterator[None]:
        os.dup2(terminal, 2)
        try:
            yield
        finally:
            os.dup2(log, 2)

    try:
        yield restore
    finally:
        os.dup2(terminal, 2)
        sys.__stderr__ = before  # type: ignore[misc]
        with contextlib.suppress(OSError):
            screen.close()
        os.close(log)
        os.close(terminal)
