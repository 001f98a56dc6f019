"""The command line: arguments, global options, exit codes. Each command lives in `tui.commands`.

Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 nothing found or
a check failed, 2 usage or configuration, 3 the engine or a file failed, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from indexer.errors import AppError
from tui.commands import Command, Settings, global_options

COMMANDS = {
    "add": "library",
    "remove": "library",
    "roots": "library",
    "index": "index",
    "ocr": "ocr",
    "search": "search",
    "ask": "answer",
    "summarize": "answer",
    "history": "history",
    "feedback": "history",
    "show": "library",
    "quality": "quality",
    "decode": "quality",
    "report": "quality",
    "duplicates": "copies",
    "diff": "copies",
    "export": "export",
    "organize": "organize",
    "undo": "organize",
    "tag": "tagging",
    "note": "labels",
    "field": "labels",
    "exclude": "labels",
    "include": "labels",
    "collection": "collection",
    "labels": "labels",
    "stale": "collection",
    "status": "library",
    "doctor": "library",
    "privacy": "privacy",
    "demo": "demo",
    "watch": "index",
    "engine": "engine",
    "config": "config",
    "completion": "completion",
}
"""Name of each command and the module of `tui.commands` that holds it, loaded when it is used."""


class _Commands(click.Group):
    """The commands by name; anything else that is a path opens the interface over it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table, which is the order in which one learns them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command."""
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        found: click.Command = getattr(importlib.import_module(f"tui.commands.{module}"), cmd_name)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A command, or the interface for paths."""
        if args[0] not in COMMANDS and _is_path(args[0]):
            return "open", _open_paths, args
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise _unknown(args[0], ctx)
        return super().resolve_command(ctx, args)


def _is_path(text: str) -> bool:
    return "/" in text or text in (".", "..", "~") or Path(text).exists()


def _unknown(name: str, ctx: click.Context) -> click.UsageError:
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, n=1)
    remedy = f"Did you mean '{near[0]}'?" if near else "See 'quire --help'."
    return click.UsageError(f"There is no command and no folder '{name}'. {remedy}", ctx)


@click.command("open", cls=Command, hidden=True)
@click.argument("paths", nargs=-1, type=click.Path())
@click.pass_obj
def _open_paths(settings: Settings, paths: tuple[str, ...]) -> int:
    from tui.commands.interface import open_interface

    return open_interface(settings, paths)


@click.group(
    cls=_Commands,
    params=[
        *global_options(),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=lambda ctx, _, given: _version(ctx) if given else None,
            help="Show the version.",
        ),
    ],
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.pass_context
def cli(ctx: click.Context) -> int:
    """Find, ask and summarise your own documents; every sentence traced to a page.

    'quire [PATH…]' opens the interface; PATHs become folders of the library.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    from tui.commands.interface import open_interface

    return open_interface(ctx.ensure_object(Settings), ())


def _version(ctx: click.Context) -> None:
    from copilot.engine import VERSION

    click.echo(f"quire {VERSION}")
    ctx.exit(0)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code, or ends the process when no arguments are given.

    The process of a command ends without Python taking itself apart, which is a tenth of the time of a
    search; what has to be closed is closed by then.
    """
    code = _run(argv)
    if argv is not None:
        return code
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _run(argv: Sequence[str] | None) -> int:
    """The one place that turns errors into exit codes."""
    os.umask(0o077)
    settings = Settings()
    try:
        result: Any = cli.main(args=argv, prog_name="quire", standalone_mode=False, obj=settings)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.ClickException as exc:
        exc.show()
        return 2
    except AppError as exc:
        _say(f"quire: {exc.message}", exc.hint)
        return exc.exit_code
    except (KeyboardInterrupt, click.Abort):
        return 130
    except SystemExit as exc:
        if exc.code != 1:
            return exc.code if isinstance(exc.code, int) else 0
        # Only click ends like this, when the reader has seen enough (`quire search … | head`). It has
        # muffled what Python would complain of at exit, and calls a failure what is none.
        return 0
    except Exception as exc:  # noqa: BLE001  (the last handler: a bug is told with the place of its trace)
        _say(f"quire: something went wrong inside ({type(exc).__name__}).", _keep_trace(settings))
        return 3


def _say(message: str, hint: str) -> None:
    from indexer.text import safe_text

    click.echo(safe_text(message), err=True)
    if hint:
        click.echo(safe_text(f"  {hint}"), err=True)


def _keep_trace(settings: Settings) -> str:
    """Write the present exception with the versions to a log of this user; say where."""
    import traceback

    from copilot.engine import VERSION

    with contextlib.suppress(OSError):
        folder = settings.place().log.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / "command.log"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as log:
            log.write(f"quire {VERSION}, Python {sys.version}\n{traceback.format_exc()}\n")
        return f"The details are in {path}."
    return traceback.format_exc(limit=-1)


if __name__ == "__main__":
    sys.exit(main())
