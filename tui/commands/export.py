"""`quire export` writes a data set: texts, questions with proven answers, preferences, evaluation cases."""

from __future__ import annotations

import re
import shlex
import sys
from contextlib import closing
from typing import Any

import click
from click.core import ParameterSource

from indexer.errors import UsageError
from indexer.text import safe_text
from tui import output
from tui.commands import Caller, Command, Settings, absolute, on_terminal

KINDS = ("text", "qa", "preference", "eval")
SPLITS = {2: ("train", "test"), 3: ("train", "validation", "test")}
"""Names of splits that are given by their shares alone."""
STYLES = ("chatml", "alpaca", "sharegpt", "prompt-completion")


@click.command(cls=Command)
@click.argument("folder", type=click.Path())
@click.option("--scope", default="", metavar="QUERY", help="Only documents that match.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice([*KINDS, "all"]),
    default=["all"],
    show_default=True,
    help="text: clean documents; qa: questions with answers and their quotes; preference: better and worse "
    "answers; eval: judged answers as evaluation cases. May be given several times.",
)
@click.option(
    "--format",
    type=click.Choice(["jsonl", "parquet", "markdown"]),
    default="jsonl",
    show_default=True,
    help="markdown adds pages to read to JSON Lines.",
)
@click.option("--style", type=click.Choice(STYLES), default="chatml", show_default=True, help="Of pairs.")
@click.option(
    "--min-quality",
    type=click.IntRange(0, 100),
    default=50,
    show_default=True,
    help="Leave out texts of which less can be read, in percent.",
)
@click.option(
    "--split",
    default="0.9/0.1",
    show_default=True,
    metavar="SHARES",
    help="Shares of train and test (of train, validation and test), or with names: train=0.8,test=0.2.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed deals another split.")
@click.option(
    "--redact/--no-redact",
    default=True,
    show_default=True,
    help="Replace mail addresses, numbers of people and accounts, keys, and what your patterns name.",
)
@click.option("--generate", is_flag=True, help="Let the language model write pairs, too; each is checked.")
@click.option(
    "--calls",
    type=click.IntRange(1, 1_000_000),
    default=100,
    show_default=True,
    help="Calls of the language model at most.",
)
@click.option("--limit", type=click.IntRange(0), default=0, help="Documents at most, chosen by the seed.")
@click.option(
    "--paths",
    type=click.Choice(["relative", "absolute", "none"]),
    default="relative",
    show_default=True,
    help="How files are named.",
)
@click.option("--overwrite", is_flag=True, help="Replace an earlier export in FOLDER.")
@click.pass_obj
def export(settings: Settings, /, folder: str, kinds: tuple[str, ...], split: str, **options: Any) -> int:
    """Write a data set to train or to evaluate a model with to FOLDER.

    It loads with datasets.load_dataset(FOLDER, KIND). Left out are older versions, all but one of near
    copies, what is kept out of answers and what may never leave; the card (README.md) counts them. The same
    library, seed and options give the same files. Exit code 1 when there was nothing to write.
    """
    request = {
        **options,
        "folder": absolute(folder),
        "kinds": [kind for kind in KINDS if kind in kinds or "all" in kinds],
        "split": _shares(split),
    }
    request["command"] = _command(click.get_current_context())
    with settings.open() as library:
        exported = _follow(settings, library, request)
    if settings.json:
        output.print_json(exported)
    else:
        click.echo("\n".join(_lines(exported)))
    return 0 if exported["records"] else 1


def _shares(split: str) -> list[tuple[str, float]]:
    """Names and shares, scaled so that they add up to 1 ("8/2", "90/10" and "0.9/0.1" are shares, too)."""
    parts = [part.strip() for part in re.split(r"[/,]", split) if part.strip()]
    names = SPLITS.get(len(parts), ("train",))
    found: list[tuple[str, float]] = []
    for at, part in enumerate(parts):
        name, equals, share = part.rpartition("=")
        try:
            found.append((name.strip() if equals else names[at], float(share)))
        except (ValueError, IndexError):
            raise _no_split(split) from None
    total = sum(share for _, share in found)
    if not found or any(not 0 <= share < float("inf") for _, share in found) or not total > 0:
        raise _no_split(split)
    if len({name for name, _ in found}) < len(found):
        raise _no_split(split)
    return [(name, share / total) for name, share in found]


def _no_split(split: str) -> UsageError:
    return UsageError(
        f"'{safe_text(split, 60, single_line=True)}' tells no shares of splits.",
        hint="For example --split 0.9/0.1, 0.8/0.1/0.1 or train=0.8,dev=0.2.",
    )


def _command(context: click.Context) -> str:
    """The command with what differs from the defaults; the folder's name is no part of the data."""
    words = ["quire", "export", "FOLDER"]
    for option in context.command.params:
        name = str(option.name)
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if isinstance(option, click.Option) and given and option.expose_value and name != "overwrite":
            words += _words(option, context.params[name])
    return shlex.join(words)


def _words(option: click.Option, value: Any) -> list[str]:
    name = option.opts[-1]
    if option.is_flag:
        return [name if value else option.secondary_opts[0]]
    values = value if isinstance(value, tuple) else (value,)
    return [word for each in values for word in (name, str(each))]


def _follow(settings: Settings, library: Caller, request: dict[str, Any]) -> dict[str, Any]:
    shown = on_terminal(sys.stderr) and not settings.quiet and not settings.json
    last: dict[str, Any] = {}
    with closing(library.stream("export", request=request)) as events:
        for name, value in events:
            if name == "Exported":
                last = value
            elif shown:
                click.echo(f"\r\x1b[K{_progress(value)}", err=True, nl=False)
    if shown:
        click.echo("\r\x1b[K", err=True, nl=False)
    for note in last.get("notes", ()):
        settings.note(note)
    return last


def _progress(value: dict[str, Any]) -> str:
    count = f" {value['done']:,} of {value['total']:,}" if value["total"] and value["done"] else ""
    current = f"  {safe_text(value['current'], 40, single_line=True)}" if value["current"] else ""
    return f"{value['stage']}{count}{current}"


def _lines(exported: dict[str, Any]) -> list[str]:
    """What was written and what was left out, for people."""
    if not exported["records"]:
        return ["Nothing was found to export; the card says what was left out.", *_left_out(exported)]
    lines = [f"{output.shown_path(exported['folder'])}: {exported['documents']:,} documents in scope"]
    for kind, counts in exported["records"].items():
        told = ", ".join(f"{split} {count:,}" for split, count in counts.items())
        origin = ""
        if kind == "qa":
            found = ", ".join(f"{count:,} {name}" for name, count in exported["sources"].items())
            origin = f"  ({found})"
        lines.append(f"  {kind:<10} {told}{origin}")
    if exported["redacted"]:
        counted = ", ".join(f"{count:,} {kind.lower()}" for kind, count in exported["redacted"].items())
        lines.append(f"  replaced   {counted}")
    return [*lines, *_left_out(exported)]


def _left_out(exported: dict[str, Any]) -> list[str]:
    return [
        f"  left out   {count:,} {kind}: {safe_text(reason, single_line=True)}"
        for kind, reasons in exported["left_out"].items()
        for reason, count in reasons.items()
    ]
