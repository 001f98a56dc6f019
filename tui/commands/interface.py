"""`quire [PATH…]`: the interface. Imports Textual only before its first frame."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from copilot.engine.process import config_file
from tui import terminal
from tui.commands import Settings, absolute, existing
from tui.settings import read_ui

if TYPE_CHECKING:
    from copilot.types import Session


def open_interface(settings: Settings, paths: tuple[str, ...]) -> int:
    """Open the interface over the library; the paths become folders of it. Returns the exit code."""
    wanted = existing(paths)
    if not terminal.is_usable():
        click.echo("The interface needs a terminal. These commands do without one:\n", err=True)
        ctx = click.get_current_context().find_root()
        click.echo(ctx.command.get_help(ctx), err=True)
        return 2
    ui = read_ui(config_file(settings.config), library=str(settings.place().library))
    ui = replace(ui, config=absolute(settings.config) if settings.config else "")
    terminal.prepare(ui)

    def connect() -> Session:
        if settings.no_engine:
            from copilot.engine.local import open_session

            return open_session(settings.library_folder(), settings.config)
        from copilot.engine.client import connect as connect_engine

        return connect_engine(settings.library_folder(), settings.config)

    from tui.lifecycle import run

    with terminal.restored_at_the_end():
        code = run(connect, paths=wanted, ui=ui)
    sys.stdout.flush()
    return code
