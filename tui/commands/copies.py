"""`quire duplicates` and `quire diff`: copies, versions, and what differs between two documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from indexer.text import safe_text
from tui import output
from tui.commands import Command, Settings, absolute

_RELATIONS = {"exact": "same bytes", "same-text": "same text", "near": "nearly the same"}


@click.command(cls=Command)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=200, show_default=True, help="Most groups shown."
)
@click.option("--words", is_flag=True, help="Count the words in which near-copies differ.")
@click.pass_obj
def duplicates(settings: Settings, limit: int, words: bool) -> int:
    """List copies, near-copies and versions, with the file to keep. Exit code 1 when there are none."""
    with settings.open() as library:
        report = library.call("duplicates", limit=limit, differences=words)
    if settings.json:
        output.print_json(report)
    else:
        for line in _report(report):
            click.echo(line)
        settings.note(_total(report))
    return 0 if report["total"] or report["families_total"] else 1


def _report(report: Mapping[str, Any]) -> Iterator[str]:
    for group in report["groups"]:
        kept, *rest = group["files"]
        size = _size(group["frees_bytes"])
        yield f"{_RELATIONS[group['relation']]}, {len(group['files'])} files, {size} to be won"
        yield f"  keep  {click.style(output.shown_path(kept['path']), bold=True)}  ({group['why']})"
        yield from (f"        {output.shown_path(each['path'])}{_told(each)}" for each in rest)
        yield ""
    for family in report["families"]:
        yield f"versions of {safe_text(family['name'], 80, single_line=True)}"
        for each in family["versions"]:
            mark = "        " if each["place"] else "  newest"
            share = f"  {each['similarity']:.0%} the same" if each["similarity"] and each["place"] else ""
            yield f"{mark}  {output.shown_path(each['path'])}{share}"
        yield ""


def _told(copy: Mapping[str, Any]) -> str:
    if copy["relation"] == "exact":
        return ""
    if copy["relation"] == "same-text":
        return f"  same text, {copy['format']}"
    share = f"  {copy['similarity']:.0%} the same" if copy["similarity"] else ""
    if copy["by_meaning"]:
        share = f"  by meaning: {copy['similarity']:.0%} in common"
    words = f"  +{copy['added']} -{copy['removed']} words" if copy["added"] or copy["removed"] else ""
    return share + words


def _total(report: Mapping[str, Any]) -> str:
    if not report["total"] and not report["families_total"]:
        return f"No copies and no versions among {report['compared']:,} documents."
    return (
        f"{_many(report['total'], 'group')} of copies, {_size(report['frees_bytes'])} to be won without"
        f" losing a word; {_many(report['families_total'], 'document')} with versions;"
        f" {report['compared']:,} compared"
    )


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _size(count: int) -> str:
    amount = float(count)
    for unit in ("bytes", "KB", "MB"):
        if amount < 1000:
            return f"{amount:,.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


@click.command(cls=Command)
@click.argument("a", type=click.Path())
@click.argument("b", type=click.Path())
@click.option("--all", "whole", is_flag=True, help="Print equal passages in full.")
@click.pass_obj
def diff(settings: Settings, a: str, b: str, whole: bool) -> int:
    """Compare two documents of the library word by word, whatever their formats. Exit code 1 when equal.

    Words only in A are marked [-so-], words only in B {+so+}.
    """
    with settings.open() as library:
        found = library.call("diff", a=absolute(a), b=absolute(b), context=-1 if whole else 60)
    if settings.json:
        output.print_json(found)
    else:
        click.echo(f"--- {output.shown_path(found['a'])}\n+++ {output.shown_path(found['b'])}")
        if found["removed"] or found["added"]:
            click.echo(marked(found["edits"]))
        note = f" {found['note']}" if found["note"] else ""
        settings.note(f"-{found['removed']} +{found['added']} words, {found['kept']} the same.{note}")
    return 0 if found["removed"] or found["added"] else 1


def marked(edits: list[Mapping[str, Any]]) -> str:
    """The edits as one text with marks, coloured as well where colours are shown."""
    parts = []
    for edit in edits:
        if edit["op"] == "equal":
            parts.append(safe_text(edit["b"]))
            continue
        for side, first, last, colour in (("a", "[-", "-]", "red"), ("b", "{+", "+}", "green")):
            body = safe_text(edit[side]).rstrip()
            space = safe_text(edit[side])[len(body) :]
            if body:
                parts.append(click.style(f"{first}{body}{last}", fg=colour) + space)
            elif side == "b" or not edit["b"]:
                parts.append(space)
    return "".join(parts).strip("\n")
