"""`quire search`: hits for a query, best first."""

from __future__ import annotations

import click

from tui import output
from tui.commands import Command, Settings


@click.command(cls=Command)
@click.argument("query", nargs=-1, required=True)
@click.option(
    "--mode", type=click.Choice(["auto", "keyword", "semantic"]), default="auto", help="How to find."
)
@click.option("--limit", type=click.IntRange(1, 1000), help="Hits to show (as configured, 20).")
@click.option("--chunks", is_flag=True, help="One hit for each passage instead of each document.")
@click.option("--explain", is_flag=True, help="Say how each hit got its score.")
@click.pass_obj
def search(
    settings: Settings, query: tuple[str, ...], mode: str, limit: int | None, chunks: bool, explain: bool
) -> int:
    """Find documents: words, "phrases", ext:pdf, after:2025-07, -not.

    Exit code 1 when nothing is found.
    """
    request = {
        "query": " ".join(query),
        "mode": mode,
        **({"limit": limit} if limit else {}),
        "chunks": chunks,
        "explain": explain,
    }
    with settings.open() as library:
        result = library.call("search", request=request)
    if settings.json:
        output.print_json(output.search_json(result))
    else:
        if result["hits"]:
            click.echo(output.search_text(result))
        for note in result["notes"]:
            settings.note(note)
        settings.note(output.search_summary(result) if result["hits"] else _nothing(result))
    return 0 if result["hits"] else 1


def _nothing(result: dict[str, object]) -> str:
    if not result["documents"]:
        return "The library is empty. Add a folder with 'quire index FOLDER'."
    return f"Nothing found in {result['in_scope']:,} of {result['documents']:,} documents."
