"""The commands, one module for each that is loaded when it is used, and what they share.

Commands work on answers as JSON has them, from the engine (`copilot.engine.transport.Wire`) or from a
library opened here (`copilot.engine.local.LocalWire`): rebuilding the types would take longer than a
search. They import neither Textual nor pydantic.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

if TYPE_CHECKING:
    from copilot.engine.process import Place


class Events(Iterator[tuple[str, Any]], Protocol):
    """Events as (type, value)."""

    def close(self) -> None:
        """Cancel what is not needed any more."""


class Caller(Protocol):
    """Calls on a library, wherever it is open."""

    def call(self, method: str, **params: Any) -> Any:
        """One result."""

    def stream(self, method: str, **params: Any) -> Events:
        """Events, until the work is done."""


class Settings:
    """The global options. They are taken before and after the command; the last one given wins."""

    def __init__(self) -> None:
        """Nothing given yet."""
        self.library: str = ""
        self.config: str | None = None
        self.no_engine = False
        self.json = False
        self.quiet = False

    def library_folder(self) -> str:
        """`--library`, `QUIRE_LIBRARY`, or the platform's data folder."""
        if self.library:
            return self.library
        from copilot.engine.process import default_library

        return default_library()

    def place(self) -> Place:
        """Where the library and its engine's socket are."""
        from copilot.engine.process import place_of

        return place_of(self.library_folder())

    @contextmanager
    def open(self) -> Iterator[Caller]:
        """The library, through its engine or opened here."""
        self._tell_interrupted()
        if not self.no_engine:
            from copilot.engine.transport import Wire

            yield Wire(self.library_folder(), self.config)
            return
        from copilot.engine.local import LocalWire, open_session

        wire = LocalWire(open_session(self.library_folder(), self.config, wait=True))
        try:
            yield wire
        finally:
            wire.close()

    def _tell_interrupted(self) -> None:
        """Say that files are half put in order, until somebody has decided what becomes of them."""
        from indexer.organize.ending import is_interrupted

        if is_interrupted(self.place().library):
            self.note(
                "Putting files in order was interrupted and is half done: 'quire organize --resume' finishes "
                "it, 'quire organize --rollback' takes it back."
            )

    def note(self, text: str) -> None:
        """Say something beside the result: on standard error, not with --quiet or --json."""
        if not self.quiet and not self.json:
            from indexer.text import safe_text
            from tui import wrapping

            said = safe_text(text)
            if on_terminal(sys.stderr):
                said = "\n".join(line for each in said.split("\n") for line in wrapping.wrapped(each))
            click.echo(said, err=True)


class Command(click.Command):
    """A command that takes the global options, too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Add the global options behind the command's own."""
        super().__init__(*args, **kwargs)
        self.params += global_options(hidden=True)


class Group(click.Group):
    """Commands below a command (`engine start`)."""

    command_class = Command


def global_options(*, hidden: bool = False) -> list[click.Parameter]:
    """The global options, as new objects; hidden in the help of commands, which would drown in them."""
    return [
        _option("--library", metavar="DIR", hidden=hidden, help="Folder of the library (QUIRE_LIBRARY)."),
        _option("--config", metavar="FILE", hidden=hidden, help="Configuration file (QUIRE_CONFIG)."),
        _flag("--no-engine", hidden=hidden, help="Open the library in this process."),
        _flag("--json", hidden=False, help="Print one JSON object."),
        _flag("--quiet", hidden=hidden, help="No progress and no remarks."),
    ]


def _option(name: str, *, metavar: str, hidden: bool, help: str) -> click.Option:
    return click.Option(
        [name],
        metavar=metavar,
        hidden=hidden,
        help=help,
        expose_value=False,
        callback=_keep,
        type=click.Path(),
    )


def _flag(name: str, *, hidden: bool, help: str) -> click.Option:
    return click.Option([name], is_flag=True, hidden=hidden, help=help, expose_value=False, callback=_keep)


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value:
        setattr(ctx.ensure_object(Settings), str(param.name), value)


def absolute(path: str) -> str:
    """A path as the library knows it; `sha256:…` stays as it is."""
    if path.startswith("sha256:"):
        return path
    return os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111  (links stay as they are)


def existing(paths: tuple[str, ...]) -> list[str]:
    """Absolute paths of files and folders that must be there.

    Raises:
        UsageError: one of them is not.
    """
    from indexer.errors import UsageError

    found = [absolute(path) for path in paths]
    for path in found:
        if not os.path.lexists(path):
            raise UsageError(f"There is no file or folder {path}.")
    return found


def on_terminal(stream: Any = None) -> bool:
    """Standard output (or the stream given) is a terminal that can do more than print lines."""
    return (stream or sys.stdout).isatty() and os.environ.get("TERM") != "dumb"


def is_file(path: str) -> bool:
    """The path names a file itself, not a folder."""
    return Path(path).is_file()
