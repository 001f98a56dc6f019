"""`quire collection` and `quire stale`: searches kept under a name, and what is out of date."""

from __future__ import annotations

import click

from tui import labeltext, output
from tui.commands import Command, Settings
from tui.commands.tagging import Listing


@click.group(cls=Listing, invoke_without_command=True)
@click.pass_context
def collection(ctx: click.Context) -> int:
    """Keep searches under a name; queries use them as collection:NAME."""
    return 0 if ctx.invoked_subcommand else _list(ctx.find_object(Settings) or Settings())


@collection.command("list")
@click.pass_obj
def list_(settings: Settings) -> int:
    """List the collections."""
    return _list(settings)


def _list(settings: Settings) -> int:
    with settings.open() as library:
        found = library.call("labelling")["collections"]
    if settings.json:
        output.print_json({"collections": found})
    else:
        for each in found:
            click.echo(f"{labeltext.line(each['name'])}: {labeltext.line(each['query'])}")
        if not found:
            settings.note("No collections yet. 'quire collection save NAME QUERY' makes one.")
    return 0 if found else 1


@collection.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("query", nargs=-1, required=True)
@click.pass_obj
def save(settings: Settings, name: str, query: tuple[str, ...]) -> int:
    """Keep QUERY under NAME, in place of a collection of that name."""
    with settings.open() as library:
        saved = library.call("save_collection", name=name, query=" ".join(query))
    if settings.json:
        output.print_json(saved)
    else:
        settings.note(f"collection:{labeltext.line(saved['name'])} is {labeltext.line(saved['query'])}")
    return 0


@collection.command()
@click.argument("name")
@click.option("--limit", type=click.IntRange(1, 5_000), default=200, show_default=True, help="Most files.")
@click.pass_obj
def show(settings: Settings, name: str, limit: int) -> int:
    """List the files of a collection. Exit code 1 when it has none."""
    quoted = name.replace("\\", "").replace('"', "")
    with settings.open() as library:
        saved = library.call("labelling")["collections"]
        known = next((each for each in saved if each["name"].casefold() == name.casefold()), None)
        if known is None:
            from indexer.errors import NotFoundError

            raise NotFoundError(
                f"There is no collection {labeltext.line(name, 60)}.",
                hint="'quire collection list' names them.",
            )
        files = library.call("files", query=f'collection:"{quoted}"', limit=limit)
    if settings.json:
        rows = [{"path": row["path"], "document": row["document"]} for row in files["rows"]]
        output.print_json({**known, "total": files["total"], "files": rows})
    else:
        for row in files["rows"]:
            click.echo(output.shown_path(row["path"]))
        settings.note(f"{files['total']:,} files: {labeltext.line(known['query'])}")
    return 0 if files["total"] else 1


@collection.command()
@click.argument("name")
@click.pass_obj
def remove(settings: Settings, name: str) -> int:
    """Forget a collection; its documents are not touched."""
    with settings.open() as library:
        library.call("remove_collection", name=name)
    if settings.json:
        output.print_json({"removed": name})
    else:
        settings.note(f"The collection {labeltext.line(name)} is gone.")
    return 0


@click.command(cls=Command)
@click.option(
    "--since", default="2y", show_default=True, metavar="SPAN", help="Untouched since: 2y, 6m, 2024-01."
)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Most files of a kind."
)
@click.pass_obj
def stale(settings: Settings, since: str, limit: int) -> int:
    """List files not touched for long, past their review date, or contradicting their newer version.

    The review date is the field 'review' (quire field PATH review=2026-05-01), or a rule's (quire tag rules
    add review=+1y QUERY). Exit code 1 when nothing is stale. Nothing is changed.
    """
    with settings.open() as library:
        found = library.call("stale", since=since, limit=limit)
    if settings.json:
        output.print_json(found)
    else:
        for line in labeltext.stale_text(found):
            click.echo(line)
        if not any(found["totals"].values()):
            settings.note("Nothing is stale.")
    return 0 if any(found["totals"].values()) else 1
