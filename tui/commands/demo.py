"""`quire demo`: a tour over sample documents."""

from __future__ import annotations

from collections.abc import Sequence

import click

from tui.commands import Command, Settings


@click.command(cls=Command)
@click.pass_obj
def demo(settings: Settings) -> int:
    """Try everything on sample documents: the interface, or a printed tour without a terminal."""
    from tui import terminal
    from tui.cli import main
    from tui.demo import interface, tour

    def run(line: Sequence[str]) -> int:
        return main([*(["--quiet"] if settings.quiet else []), *line])

    return interface(run) if terminal.is_usable() else tour(run)
