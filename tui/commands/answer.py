"""`quire ask` and `quire summarize`: text with its sources, streamed to a terminal as it is written."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import click

from indexer.errors import EngineError, UsageError
from indexer.text import safe_text
from tui import output
from tui.commands import Command, Events, Settings, absolute, on_terminal


@click.command(cls=Command)
@click.argument("question", nargs=-1, required=True)
@click.option("--scope", default="", metavar="QUERY", help="Only documents that match this query.")
@click.option("--no-llm", is_flag=True, help="Quote only; write nothing.")
@click.pass_obj
def ask(settings: Settings, question: tuple[str, ...], scope: str, no_llm: bool) -> int:
    """Answer a question from your documents, every sentence with its source.

    Exit code 1 when the answer is not in them.
    """
    request = {"question": " ".join(question), "scope": scope, "use_llm": not no_llm}
    with settings.open() as library:
        answer, streamed = _follow(settings, library.stream("ask", request=request), "Answer")
    if settings.json:
        output.print_json(answer)
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
@click.pass_obj
def summarize(settings: Settings, paths: tuple[str, ...], scope: str, no_llm: bool, sentences: int) -> int:
    """Summarise documents or folders of the library, or all documents that match a query."""
    if not paths and not scope:
        raise UsageError("Nothing to summarise.", hint="Name files or folders, or give --scope QUERY.")
    request = {
        "paths": [absolute(path) for path in paths],
        "scope": scope,
        "use_llm": not no_llm,
        "sentences": sentences,
    }
    with settings.open() as library:
        summary, streamed = _follow(settings, library.stream("summarize", request=request), "Summary")
    if settings.json:
        output.print_json(summary)
    elif streamed:
        click.echo("\n".join(_doubts(summary["sentences"]) + output.sources_text(summary)))
    else:
        click.echo(output.summary_text(summary))
    _remarks(settings, summary)
    return 0


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
    settings.note(f"{result['generator']}, {result['took_ms'] / 1000:.1f} s")
