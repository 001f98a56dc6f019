"""`quire note, field, exclude, include, labels`: what is put on documents beside tags, and the plain file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from indexer.errors import UsageError
from indexer.text import safe_text
from tui import labeltext, output
from tui.commands import Command, Group, Settings, absolute
from tui.commands.tagging import change

LARGEST = 256 * 1024 * 1024
"""Bytes of a file of labels that are read."""


@click.command(cls=Command)
@click.argument("path", type=click.Path())
@click.argument("text", required=False)
@click.option("--remove", is_flag=True, help="Take the note away.")
@click.pass_obj
def note(settings: Settings, path: str, text: str | None, remove: bool) -> int:
    """Write a note on a document, or show it; TEXT '-' is read from standard input."""
    if text is not None or remove:
        if text is not None and remove:
            raise UsageError("Give a text or --remove, not both.")
        given = sys.stdin.read() if text == "-" else text or ""
        return change(settings, (path,), "", note=given)
    with settings.open() as library:
        labels = library.call("labels", target=absolute(path))
    if settings.json:
        output.print_json({"path": labels["path"], "document": labels["document"], "note": labels["note"]})
    elif labels["note"]:
        click.echo(safe_text(labels["note"]))
    else:
        settings.note("There is no note on it.")
    return 0 if labels["note"] else 1


@click.command(cls=Command)
@click.argument("path", required=False, type=click.Path())
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@click.option(
    "--kind", type=click.Choice(["text", "date", "number"]), default=None, help="Of a field that is new."
)
@click.pass_obj
def field(settings: Settings, path: str | None, values: tuple[str, ...], kind: str | None) -> int:
    """Set fields of a document (NAME= takes one away), show them, or list all fields there are.

    Queries find them by NAME:value, NAME:>value, NAME:a..b. The date field 'review' is there from the start.
    """
    if path is None:
        return _list_fields(settings)
    if not values:
        return _show_fields(settings, path)
    fields = {}
    for each in values:
        name, sign, value = each.partition("=")
        if not sign:
            raise UsageError(f"{each} is not NAME=VALUE.")
        fields[name] = value.strip()
    return change(settings, (path,), "", fields=fields, kind=kind or "")


def _list_fields(settings: Settings) -> int:
    with settings.open() as library:
        found = library.call("labelling")["fields"]
    if settings.json:
        output.print_json({"fields": found})
    else:
        for each in found:
            click.echo(f"{labeltext.line(each['name'])}  {each['kind']}, in {each['documents']:,} documents")
    return 0


def _show_fields(settings: Settings, path: str) -> int:
    with settings.open() as library:
        labels = library.call("labels", target=absolute(path))
    if settings.json:
        output.print_json({key: labels[key] for key in ("path", "document", "fields", "ruled_fields")})
    else:
        for name, value in labels["fields"].items():
            ruled = "  (by a rule)" if name in labels["ruled_fields"] else ""
            click.echo(f"{labeltext.line(name)}={labeltext.line(value)}{ruled}")
        if not labels["fields"]:
            settings.note("It has no fields.")
    return 0 if labels["fields"] else 1


@click.command(cls=Command)
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--query", default="", metavar="QUERY", help="All documents this query finds, or of PATHs.")
@click.pass_obj
def exclude(settings: Settings, paths: tuple[str, ...], query: str) -> int:
    """Keep documents out of answers. They are still found by search; 'is:excluded' lists them."""
    return change(settings, paths, query, excluded=True)


@click.command(cls=Command)
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--query", default="", metavar="QUERY", help="All documents this query finds, or of PATHs.")
@click.pass_obj
def include(settings: Settings, paths: tuple[str, ...], query: str) -> int:
    """Take documents back into answers."""
    return change(settings, paths, query, excluded=False)


@click.group(cls=Group)
def labels() -> None:
    """The plain file of all labels: tags, notes, fields, exclusions, feedback, collections, rules."""


@labels.command()
@click.argument("file", type=click.Path())
@click.pass_obj
def export(settings: Settings, file: str) -> int:
    """Write all labels to FILE ('-': standard output): JSON Lines, the same bytes for the same labels."""
    with settings.open() as library:
        text: str = library.call("export_labels")
    count = sum('"path"' in line[:9] for line in text.splitlines())
    if file == "-":
        click.echo(text, nl=False)
        return 0
    target = Path(file).expanduser()
    beside = target.with_name(f"{target.name}.{os.getpid()}.new")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(target)
    except OSError as exc:
        raise UsageError(f"Cannot write {file}: {exc.strerror}.", hint="Name another place.") from exc
    if settings.json:
        output.print_json({"file": str(target), "documents": count})
    else:
        settings.note(f"Labels of {count:,} files written to {file}.")
    return 0


@labels.command("import")
@click.argument("file", type=click.Path())
@click.pass_obj
def import_(settings: Settings, file: str) -> int:
    """Add the labels of FILE ('-': standard input). What matches no file waits until it appears."""
    text = _read(file)
    with settings.open() as library:
        done = library.call("import_labels", text=text)
    if settings.json:
        output.print_json(done)
        return 0
    for path in done["waiting"]:
        click.echo(f"waits   {output.shown_path(path)}")
    for what in done["kept"]:
        click.echo(f"stays   {labeltext.line(what, 300)}")
    settings.note(_import_text(done))
    return 0


def _import_text(done: dict[str, Any]) -> str:
    waiting = f"; {len(done['waiting']):,} wait for their file" if done["waiting"] else ""
    kept = f"; {len(done['kept']):,} stayed as they are here" if done["kept"] else ""
    more = f", {done['collections']} collections, {done['rules']} rules new"
    return f"{done['documents']:,} files matched, {done['changed']:,} changed{more}{waiting}{kept}."


def _read(file: str) -> str:
    try:
        if file == "-":
            raw = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with Path(file).expanduser().open("rb") as stream:
                raw = stream.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise UsageError(f"{file} is larger than {LARGEST >> 20} MB.")
        return raw.decode("utf-8-sig")
    except OSError as exc:
        raise UsageError(f"Cannot read {file}: {exc.strerror}.", hint="Check the path.") from exc
    except UnicodeDecodeError as exc:
        raise UsageError(
            f"{file} is not UTF-8 text.", hint="'quire labels export' writes such files."
        ) from exc


@labels.command()
@click.pass_obj
def undo(settings: Settings) -> int:
    """Take the last change of labels back; again: the one before it."""
    with settings.open() as library:
        says = library.call("undo_label")
    if settings.json:
        output.print_json({"undone": says})
    else:
        settings.note(f"Undone: {labeltext.line(says)}")
    return 0
