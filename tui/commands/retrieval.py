"""`quire doctor --retrieval`: how well search finds what is known to be there, and to what it is tuned."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import click

from indexer.text import safe_text
from tui import output
from tui.commands import Settings, on_terminal

WAYS = ("keyword", "meaning", "both")
ORIGINS = {
    "sentence": "words of a sentence",
    "title": "words of a title",
    "heading": "heading and key words",
    "opened": "searched and opened",
    "asked": "asked and found good",
}
WIDTH = 24
"""Columns of a name; the whole table has 78."""


def check(settings: Settings, *, tune: bool, reset: bool, queries: int, seed: int) -> int:
    """Measure, show, and say what came of tuning. Returns the exit code."""
    request = {"queries": queries, "seed": seed, "tune": tune, "reset": reset}
    report: dict[str, Any] = {}
    shown = on_terminal(sys.stderr) and not settings.quiet and not settings.json
    with (
        settings.open() as library,
        closing(library.stream("check_retrieval", request=request)) as events,
    ):
        for name, value in events:
            if name == "RetrievalReport":
                report = value
            elif shown:
                count = f" {value['done']:,} of {value['total']:,}" if value["done"] else ""
                click.echo(f"\r\x1b[K{value['stage']}{count}", err=True, nl=False)
    if shown:
        click.echo("\r\x1b[K", err=True, nl=False)
    if settings.json:
        output.print_json(report)
    else:
        click.echo("\n".join(_lines(report)))
    refused = report["tuning"] is not None and report["tuning"]["change"] == "refused"
    return 1 if refused or not report["rows"] else 0


def _lines(report: dict[str, Any]) -> Iterator[str]:
    if not report["rows"]:
        yield "There is nothing to ask for: no document has text."
        return
    ways = "".join(f"  {way:^14}" for way in WAYS)
    columns = "".join("  {:>4} {:>4} {:>4}".format("@1", "@10", "mrr") for _ in WAYS)
    yield f"{'':<{WIDTH}} {'':>5}{ways}".rstrip()
    yield f"{'':<{WIDTH}} {'asked':>5}{columns}"
    before = ""
    for row in report["rows"]:
        if row["part"] != before and row["part"] != "all":
            yield f"by {row['part']}"
        before = row["part"]
        yield _row(row)
    yield ""
    asked = f"{report['documents']:,} documents asked for"
    yield f"weight of meaning {report['weight']:g} ({report['origin']}), {asked}"
    if report["tuning"] is not None:
        yield _tuning(report["tuning"])
    yield from (safe_text(note, single_line=True) for note in report["notes"])


def _row(row: dict[str, Any]) -> str:
    name = (
        "all queries" if row["part"] == "all" else f"  {ORIGINS.get(row['name'], row['name'] or 'unknown')}"
    )
    scores = "".join(f"  {_scores(row[way])}" for way in WAYS)
    return f"{safe_text(name, WIDTH, single_line=True):<{WIDTH}} {row['queries']:>5,}{scores}"


def _scores(found: dict[str, float] | None) -> str:
    if found is None:
        return f"{'–':>4} {'–':>4} {'–':>4}"
    return f"{100 * found['recall_1']:>3.0f}% {100 * found['recall_10']:>3.0f}% {found['mrr']:>4.2f}"


def _tuning(tuning: dict[str, Any]) -> str:
    told = f"{tuning['change']}: {safe_text(tuning['reason'], single_line=True)}"
    if not tuning["queries"]:
        return told
    return (
        f"{told}\n  gain of the mean reciprocal rank {tuning['gain']:+.3f}, between {tuning['low']:+.3f} and "
        f"{tuning['high']:+.3f} (95 %), {tuning['queries']:,} queries"
    )
