"""`quire history` and `quire feedback`: what was asked and answered, and whether it helped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from indexer.errors import NotFoundError, UsageError
from indexer.text import safe_text
from tui import output, tables
from tui.commands import Command, Group, Settings, global_options
from tui.commands.tagging import change


class _History(Group):
    """The commands by name; anything else is words to look for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take the global options, as the list that needs no name does."""
        super().__init__(*args, **kwargs)
        self.params += global_options(hidden=True)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A command, or the list of conversations that hold the words."""
        if args[0] not in self.commands and not args[0].startswith("-"):
            return "find", self.commands["find"], args
        return super().resolve_command(ctx, args)


@click.group(cls=_History, invoke_without_command=True)
@click.pass_context
def history(ctx: click.Context) -> int:
    """Earlier questions with their answers: 'quire history [WORDS…]' lists those that hold all words."""
    return 0 if ctx.invoked_subcommand else _list(ctx.find_object(Settings) or Settings(), (), 50)


@history.command()
@click.argument("words", nargs=-1)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many."
)
@click.pass_obj
def find(settings: Settings, words: tuple[str, ...], limit: int) -> int:
    """List conversations that hold all words, newest first. Exit code 1 when there is none."""
    return _list(settings, words, limit)


def _list(settings: Settings, words: tuple[str, ...], limit: int) -> int:
    with settings.open() as library:
        found = library.call("history", query=" ".join(words), limit=limit)
    if settings.json:
        output.print_json({"conversations": found})
    else:
        for row in found:
            more = f"  (+{row['turns'] - 1})" if row["turns"] > 1 else ""
            question = safe_text(row["question"], 100, single_line=True)
            click.echo(f"{row['id']}  {row['started']}  {question}{more}")
        if not found:
            settings.note("Nothing of this kind was asked." if words else "No question was asked yet.")
    return 0 if found else 1


@history.command()
@click.argument("id", default="")
@click.pass_obj
def show(settings: Settings, id: str) -> int:
    """Show a conversation (the newest unless one is named); sources that have changed since are marked."""
    with settings.open() as library:
        conversation = library.call("conversation", id=id)
    if settings.json:
        output.print_json(conversation)
        return 0
    for turn in conversation["turns"]:
        answer = turn["answer"]
        click.echo(f"{turn['asked']}  {safe_text(answer['question'], single_line=True)}\n")
        click.echo(f"{output.answer_text(answer)}\n")
    return 0


@history.command()
@click.argument("id", default="")
@click.option("--all", "every", is_flag=True, help="All conversations, newest first.")
@click.option("-o", "--output", "target", type=click.Path(), default="", help="Write to this file.")
@click.pass_obj
def export(settings: Settings, id: str, every: bool, target: str) -> int:
    """Write a conversation (the newest unless one is named) as Markdown, with its citations."""
    with settings.open() as library:
        ids = [row["id"] for row in library.call("history", query="", limit=10_000)] if every else [id]
        found = [library.call("conversation", id=each) for each in ids]
    text = "\n".join(tables.conversation_markdown(conversation) for conversation in found)
    if not target:
        click.echo(text, nl=False)
        return 0
    try:
        Path(target).expanduser().write_text(text, encoding="utf-8")
    except OSError as exc:
        raise UsageError(f"Cannot write {target}: {exc.strerror}.") from exc
    settings.note(f"{len(found)} conversation{'s' if len(found) != 1 else ''} written to {target}.")
    return 0


@history.command()
@click.argument("id", default="")
@click.option("--all", "every", is_flag=True, help="Forget all conversations.")
@click.pass_obj
def forget(settings: Settings, id: str, every: bool) -> int:
    """Take a conversation out of the history, for good."""
    if bool(id) == every:
        raise UsageError("Name one conversation, or give --all.", hint="'quire history' lists them.")
    with settings.open() as library:
        count = library.call("forget", id=id)
    if settings.json:
        output.print_json({"forgotten": count})
    else:
        settings.note(f"{count} forgotten.")
    return 0


VERDICTS = {"helped": 1, "wrong": -1, "none": 0, "+": 1, "-": -1}


@click.command(cls=Command)
@click.argument("verdict", type=click.Choice(list(VERDICTS)))
@click.option("--turn", type=click.IntRange(1), default=None, help="Number of the answer; default: the last.")
@click.option(
    "--path", type=click.Path(), default=None, help="A document that was found, in place of an answer."
)
@click.option("--query", default="", metavar="QUERY", help="What it was found for.")
@click.pass_obj
def feedback(settings: Settings, verdict: str, turn: int | None, path: str | None, query: str) -> int:
    """Keep whether an answer helped (+), was wrong (-), or take that back (none); with --path: a hit."""
    if path is not None:
        if not query.strip() or turn is not None:
            raise UsageError("Feedback on a document needs --query, what it was found for, and no --turn.")
        return change(settings, (path,), "", verdict=VERDICTS[verdict], asked=query)
    with settings.open() as library:
        number = turn or _last_turn(library.call("conversation", id=""))
        library.call("judge", turn=number, verdict=VERDICTS[verdict])
    if settings.json:
        output.print_json({"turn": number, "verdict": VERDICTS[verdict]})
    else:
        settings.note("Noted.")
    return 0


def _last_turn(conversation: dict[str, Any]) -> int:
    if not conversation["turns"]:
        raise NotFoundError("No question was asked yet.")
    return int(conversation["turns"][-1]["id"])
