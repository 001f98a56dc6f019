"""`quire engine`: the process behind the library, by hand."""

from __future__ import annotations

from typing import Any

import click

from tui import output
from tui.commands import Group, Settings


@click.group(cls=Group)
def engine() -> None:
    """Start, stop or look at the engine. Every other command starts it when it is needed."""


@engine.command()
@click.pass_obj
def start(settings: Settings) -> int:
    """Start the engine unless it runs."""
    from copilot.engine.transport import Wire

    _show(settings, Wire(settings.library_folder(), settings.config).hello())
    return 0


@engine.command()
@click.pass_obj
def stop(settings: Settings) -> int:
    """End the engine; it finishes what it is writing. Exit code 1 when there was none."""
    from copilot.engine import process

    stopped = process.stop(settings.place())
    if settings.json:
        output.print_json({"stopped": stopped})
    elif not stopped:
        settings.note("The engine is not running.")
    return 0 if stopped else 1


@engine.command()
@click.pass_obj
def status(settings: Settings) -> int:
    """Tell whether the engine runs, without starting it. Exit code 1 when it does not."""
    from copilot.engine import process
    from copilot.engine.transport import Wire

    if process.engine_pid(settings.place()) is None:
        if settings.json:
            output.print_json({"running": False})
        else:
            settings.note("The engine is not running.")
        return 1
    _show(settings, Wire(settings.library_folder(), settings.config, start=False).hello())
    return 0


def _show(settings: Settings, hello: dict[str, Any]) -> None:
    place = settings.place()
    if settings.json:
        output.print_json({"running": True, **hello, "socket": str(place.socket), "log": str(place.log)})
        return
    click.echo(
        f"pid {hello['pid']}, version {hello['version']}, up {hello['uptime_s']:.0f} s, "
        f"{hello['rss_mb']:.0f} MB, {hello['clients']} requests open\n"
        f"socket {output.shown_path(str(place.socket))}\nlog    {output.shown_path(str(place.log))}"
    )
