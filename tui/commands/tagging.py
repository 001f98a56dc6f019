"""`quire tag`: tags by hand and in bulk, suggestions, rules."""

from __future__ import annotations

from typing import Any

import click

from indexer.errors import UsageError
from tui import labeltext, output
from tui.commands import Group, Settings, absolute, global_options


class Listing(Group):
    """The commands by name, with the global options for the list that needs no name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Add the global options."""
        super().__init__(*args, **kwargs)
        self.params += global_options(hidden=True)


_query = click.option(
    "--query", default="", metavar="QUERY", help="All documents this query finds, or of PATHs."
)
_paths = click.argument("paths", nargs=-1, type=click.Path())


def change(settings: Settings, paths: tuple[str, ...], query: str, **labels: Any) -> int:
    """Change labels of documents and say what was done. Exit code 1 when nothing fits."""
    if not paths and not query.strip():
        raise UsageError("Name files or folders, or give --query.")
    request = {"targets": [absolute(path) for path in paths], "query": query, **labels}
    with settings.open() as library:
        done = library.call("label", change=request)
    if settings.json:
        output.print_json(done)
    else:
        same = "" if done["changed"] else " (it was so before)"
        settings.note(f"{labeltext.line(done['says'])}{same}")
    return 0 if done["documents"] else 1


@click.group(cls=Listing, invoke_without_command=True)
@click.pass_context
def tag(ctx: click.Context) -> int:
    """Tag documents: 'quire tag' lists the tags there are; 'project/alpha' is a part of 'project'."""
    return 0 if ctx.invoked_subcommand else _list(ctx.find_object(Settings) or Settings(), ())


@tag.command("list")
@_paths
@click.pass_obj
def list_(settings: Settings, paths: tuple[str, ...]) -> int:
    """List all tags with how many documents have them, or the tags of PATHs; in brackets those of rules."""
    return _list(settings, paths)


def _list(settings: Settings, paths: tuple[str, ...]) -> int:
    with settings.open() as library:
        if not paths:
            tags = library.call("labelling")["tags"]
            lines = list(labeltext.counts_text(tags))
            found: dict[str, Any] = {"tags": tags}
        else:
            each = [library.call("labels", target=absolute(path)) for path in paths]
            lines = [f"{output.shown_path(one['path'])}  {labeltext.tags_text(one['tags'])}" for one in each]
            found = {"documents": each}
            tags = [tag for one in each for tag in one["tags"]]
    if settings.json:
        output.print_json(found)
    else:
        click.echo("\n".join(lines)) if lines else None
        if not tags:
            settings.note("No tags yet. 'quire tag add TAG PATH…' gives one.")
    return 0 if tags else 1


@tag.command()
@click.argument("tags")
@_paths
@_query
@click.pass_obj
def add(settings: Settings, tags: str, paths: tuple[str, ...], query: str) -> int:
    """Give documents TAGS (several joined by commas). A folder stands for all in it."""
    return change(settings, paths, query, add=_split(tags))


@tag.command()
@click.argument("tags")
@_paths
@_query
@click.pass_obj
def remove(settings: Settings, tags: str, paths: tuple[str, ...], query: str) -> int:
    """Take TAGS away. No rule gives them back to these documents, and none is suggested again."""
    return change(settings, paths, query, remove=_split(tags))


@tag.command()
@click.argument("tags")
@_paths
@_query
@click.pass_obj
def accept(settings: Settings, tags: str, paths: tuple[str, ...], query: str) -> int:
    """Accept suggested TAGS: the same as giving them."""
    return change(settings, paths, query, add=_split(tags))


@tag.command()
@click.argument("tags")
@_paths
@_query
@click.pass_obj
def refuse(settings: Settings, tags: str, paths: tuple[str, ...], query: str) -> int:
    """Refuse suggested TAGS: they are not suggested for these documents again."""
    return change(settings, paths, query, refuse=_split(tags))


def _split(tags: str) -> list[str]:
    return [tag for tag in tags.split(",") if tag.strip()]


@tag.command()
@_paths
@_query
@click.option(
    "--at-least", type=click.FloatRange(0.0, 1.0), default=0.0, help="Least confidence; default 0.6."
)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=200, show_default=True, help="Most documents."
)
@click.pass_obj
def suggest(settings: Settings, paths: tuple[str, ...], query: str, at_least: float, limit: int) -> int:
    """Suggest tags that documents like these have; without PATHs for all that have none. Gives none."""
    with settings.open() as library:
        found = library.call(
            "suggest_tags",
            targets=[absolute(path) for path in paths],
            query=query,
            at_least=at_least,
            limit=limit,
        )
    if settings.json:
        output.print_json({"suggestions": found})
    elif found:
        click.echo("\n".join(labeltext.suggestions_text(found)))
        settings.note("'quire tag accept TAG PATH' takes one, 'quire tag refuse TAG PATH' stops it.")
    else:
        settings.note("Nothing to suggest. Suggestions learn from the tags you gave to similar documents.")
    return 0 if found else 1


@tag.group(cls=Listing, invoke_without_command=True)
@click.pass_context
def rules(ctx: click.Context) -> int:
    """Rules: queries that give a tag, or NAME=VALUE, to all they find, now and from now on."""
    return 0 if ctx.invoked_subcommand else _rules(ctx.find_object(Settings) or Settings())


@rules.command("list")
@click.pass_obj
def list_rules(settings: Settings) -> int:
    """List the rules."""
    return _rules(settings)


def _rules(settings: Settings) -> int:
    with settings.open() as library:
        found = library.call("labelling")["rules"]
    if settings.json:
        output.print_json({"rules": found})
    elif found:
        click.echo("\n".join(labeltext.rules_text(found)))
    else:
        settings.note("No rules yet. 'quire tag rules add TAG QUERY' makes one.")
    return 0 if found else 1


@rules.command("add", context_settings={"ignore_unknown_options": True})
@click.argument("gives")
@click.argument("query", nargs=-1, required=True)
@click.pass_obj
def add_rule(settings: Settings, gives: str, query: tuple[str, ...]) -> int:
    """Let QUERY give a tag (or a field: review=+1y, counted from the last change) to all it finds."""
    with settings.open() as library:
        rule = library.call("save_rule", query=" ".join(query), gives=gives)
    if settings.json:
        output.print_json(rule)
    else:
        click.echo("\n".join(labeltext.rules_text([rule])))
    return 0


@rules.command("remove")
@click.argument("number", type=click.IntRange(1))
@click.pass_obj
def remove_rule(settings: Settings, number: int) -> int:
    """Forget rule NUMBER and what it gave; tags given by hand stay."""
    with settings.open() as library:
        library.call("remove_rule", rule=number)
    if settings.json:
        output.print_json({"removed": number})
    else:
        settings.note(f"Rule {number} is gone.")
    return 0
