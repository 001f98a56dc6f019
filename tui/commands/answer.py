"""`quire ask` and `quire summarize`: text with its sources, streamed to a terminal as it is written."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import Any

import click

from indexer.errors import ConsentNeededError, EngineError, UsageError
from indexer.text import safe_text
from tui import output, tables
from tui.commands import Caller, Command, Events, Settings, absolute, on_terminal, privacy


@click.command(cls=Command)
@click.argument("question", nargs=-1, required=True)
@click.option("--scope", default="", metavar="QUERY", help="Only documents that match this query.")
@click.option("--no-llm", is_flag=True, help="Quote only; write nothing.")
@click.option(
    "--exhaustive/--no-exhaustive",
    default=None,
    help="Put it to every document in scope, not to the best passages; by default when it reads so.",
)
@click.option("--yes", is_flag=True, help="Agree to many calls of the language model.")
@click.option("--agree", is_flag=True, help="Let documents under the policy 'ask' go to the model this time.")
@click.option("--dry-run", is_flag=True, help="Show what would go to the model, byte for byte; send nothing.")
@click.option("--export", default="", metavar="FILE", help="Write the table to a .csv or .md file.")
@click.option("--format", type=click.Choice(["csv", "md"]), default=None, help="Format of the table.")
@click.option("-c", "--continue", "follow", is_flag=True, help="Go on with the last conversation.")
@click.option("--no-history", is_flag=True, help="Do not keep it in the history.")
@click.pass_obj
def ask(
    settings: Settings,
    question: tuple[str, ...],
    scope: str,
    no_llm: bool,
    exhaustive: bool | None,
    yes: bool,
    agree: bool,
    dry_run: bool,
    export: str,
    format: str | None,
    follow: bool,
    no_history: bool,
) -> int:
    """Answer a question from your documents, every sentence with its source.

    A question about all of them ("which of these reports mention …, and what value do they give") is
    answered by a table; --format without --export prints it. Exit code 1 when the answer is not in them.
    """
    request = {
        "question": " ".join(question),
        "scope": scope,
        "use_llm": not no_llm,
        "exhaustive": True if export or format else exhaustive,
        "remember": not no_history,
        "agreed": agree,
    }
    with settings.open() as library:
        if follow:
            request |= _continued(library, scope)
        if dry_run:
            return privacy.dry_run(settings, library, "preview", request)
        if not agree:
            request |= privacy.agreement(settings, library, "preview", request)
        answer, streamed = _asked(settings, library, request, yes=yes)
    if export:
        settings.note(f"Table written to {tables.export(answer, export, format or '')}.")
    if settings.json:
        output.print_json(answer)
    elif format and not export:
        click.echo(tables.formatted(answer, format), nl=False)
    elif streamed and answer["status"] == "answered":
        click.echo("\n".join(_doubts(answer["claims"]) + output.sources_text(answer)))
    else:
        click.echo(output.answer_text(answer))
    _remarks(settings, answer)
    return 0 if answer["status"] == "answered" else 1


@click.command(cls=Command)
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--scope", default="", metavar="QUERY", help="All documents that match this query.")
@click.option("--no-llm", is_flag=True, help="Quote only; write nothing.")
@click.option("--sentences", type=click.IntRange(1, 100), default=7, show_default=True, help="Length.")
@click.option("--agree", is_flag=True, help="Let documents under the policy 'ask' go to the model this time.")
@click.option("--dry-run", is_flag=True, help="Show what would go to the model first; send nothing.")
@click.pass_obj
def summarize(
    settings: Settings,
    paths: tuple[str, ...],
    scope: str,
    no_llm: bool,
    sentences: int,
    agree: bool,
    dry_run: bool,
) -> int:
    """Summarise documents or folders of the library, or all documents that match a query."""
    if not paths and not scope:
        raise UsageError("Nothing to summarise.", hint="Name files or folders, or give --scope QUERY.")
    request = {
        "paths": [absolute(path) for path in paths],
        "scope": scope,
        "use_llm": not no_llm,
        "sentences": sentences,
        "agreed": agree,
    }
    with settings.open() as library:
        if dry_run:
            return privacy.dry_run(settings, library, "preview_summary", request)
        if not agree:
            request |= privacy.agreement(settings, library, "preview_summary", request)
        summary, streamed = _follow(settings, library.stream("summarize", request=request), "Summary")
    if settings.json:
        output.print_json(summary)
    elif streamed:
        click.echo("\n".join(_doubts(summary["sentences"]) + output.sources_text(summary)))
    else:
        click.echo(output.summary_text(summary))
    _remarks(settings, summary)
    return 0


def _continued(library: Caller, scope: str) -> dict[str, Any]:
    """The conversation to go on with, in its own scope unless another is given."""
    last = library.call("conversation", id="")
    narrowed = {} if scope else {"scope": last["scope"], "documents": last["documents"]}
    return {"conversation": last["id"], **narrowed}


def _asked(
    settings: Settings, library: Caller, request: dict[str, Any], *, yes: bool
) -> tuple[dict[str, Any], bool]:
    """The answer; when it costs much, after the person has agreed, else without the language model."""
    may_ask = on_terminal(sys.stdin) and not settings.json
    request = {**request, "consent": "yes" if yes else "" if may_ask else "no"}
    try:
        return _follow(settings, library.stream("ask", request=request), "Answer")
    except ConsentNeededError as exc:
        agreed = click.confirm(f"{exc.message} Go on?", err=True)
        request["consent"] = "yes" if agreed else "no"
        return _follow(settings, library.stream("ask", request=request), "Answer")


def _follow(settings: Settings, events: Events, last: str) -> tuple[dict[str, Any], bool]:
    """The final event; pieces of text before it are shown at once on a terminal."""
    live = on_terminal() and not settings.json
    streamed = False
    screen = output.WordWrap()
    with closing(events):
        for name, value in events:
            if name == last:
                if streamed:
                    screen.end()
                    click.echo("")
                return value, streamed
            if name == "Token" and live:
                screen.write(value["text"])
                streamed = True
            elif name == "Notice":
                settings.note(value["text"])
            elif name == "Cost":
                settings.note(output.cost_text(value))
    raise EngineError("The answer ended before it was complete.", hint="Try again.")


def _doubts(sentences: list[dict[str, Any]]) -> list[str]:
    """Sentences that their sources do not bear out; the stream has shown them without marks."""
    return [
        f" {output.MARKS[sentence['verdict']]} {safe_text(sentence['text'], 100, single_line=True)}: "
        f"{safe_text(sentence['reason'] or sentence['verdict'], single_line=True)}"
        for sentence in sentences
        if sentence["verdict"] != "supported"
    ]


def _remarks(settings: Settings, result: dict[str, Any]) -> None:
    for note in result["notes"]:
        settings.note(note)
    sure = output.sure_text(result.get("confidence"))
    settings.note(", ".join(filter(None, [result["generator"], f"{result['took_ms'] / 1000:.1f} s", sure])))
