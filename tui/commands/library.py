"""`quire add, remove, roots, show, status, doctor`: the library and what is known of it."""

from __future__ import annotations

from pathlib import Path

import click

from tui import labeltext, output
from tui.commands import Command, Settings, absolute, existing


@click.command(cls=Command)
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@click.pass_obj
def add(settings: Settings, paths: tuple[str, ...]) -> int:
    """Add folders (or files) to the library and keep watching them."""
    with settings.open() as library:
        roots = [library.call("add_root", path=path) for path in existing(paths)]
    if settings.json:
        output.print_json({"roots": roots})
    else:
        click.echo(output.roots_text(roots))
    return 0


@click.command(cls=Command)
@click.argument("path", type=click.Path())
@click.pass_obj
def remove(settings: Settings, path: str) -> int:
    """Forget a folder and its documents. The files themselves are not touched."""
    with settings.open() as library:
        root = library.call("remove_root", path=absolute(path))
    if settings.json:
        output.print_json({"removed": root})
    else:
        settings.note(f"{output.shown_path(root['path'])} is no longer in the library.")
    return 0


@click.command(cls=Command)
@click.pass_obj
def roots(settings: Settings) -> int:
    """List the folders of the library."""
    with settings.open() as library:
        found = library.call("status")["library"]["roots"]
    if settings.json:
        output.print_json({"roots": found})
    elif found:
        click.echo(output.roots_text(found))
    else:
        settings.note("No folders yet. Add one with 'quire add FOLDER'.")
    return 0


@click.command(cls=Command)
@click.argument("path", type=click.Path())
@click.pass_obj
def show(settings: Settings, path: str) -> int:
    """Tell what is known of a document: state, title, pages, copies."""
    with settings.open() as library:
        details = library.call("details", target=absolute(path))
        labels = library.call("labels", target=absolute(path))
    if settings.json:
        more = ("note", "fields", "ruled_fields", "excluded", "refused", "verdicts")
        output.print_json({**details, **{name: labels[name] for name in more}})
    else:
        click.echo("\n".join([output.details_text(details), *labeltext.labels_text(labels)]))
    return 0


@click.command(cls=Command)
@click.pass_obj
def status(settings: Settings) -> int:
    """Show counts, what could not be read and why, models, engine."""
    with settings.open() as library:
        found = library.call("status")
    if settings.json:
        output.print_json(output.status_json(found))
    else:
        click.echo(output.status_text(found))
    return 0


@click.command(cls=Command)
@click.option("--rebuild", is_flag=True, help="Put a damaged catalogue aside and begin a new one.")
@click.option("--retrieval", is_flag=True, help="Measure how well search finds your documents.")
@click.option(
    "--tune", is_flag=True, help="With --retrieval: take a better weight of meaning, if there is one."
)
@click.option("--reset", is_flag=True, help="With --retrieval: forget the weight that was taken.")
@click.option(
    "--queries",
    type=click.IntRange(10, 100_000),
    default=200,
    show_default=True,
    help="With --retrieval: queries made from documents, at most.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="With --retrieval: other queries.")
@click.pass_obj
def doctor(
    settings: Settings, /, rebuild: bool, retrieval: bool, tune: bool, reset: bool, queries: int, seed: int
) -> int:
    """Check the library and its surroundings. Exit code 1 when a check fails.

    With --retrieval, ask for known documents by words of theirs (and as you asked yourself, as far as a
    history is kept) and tell how often they came first or among the first ten, by words, by meaning and by
    both. --tune chooses the weight of meaning on half of the queries; it is taken only if the other half
    gets better beyond chance. Exit code 1 when a change was refused.
    """
    if rebuild:
        return _rebuild(settings)
    if retrieval or tune or reset:
        from tui.commands import retrieval as measuring

        return measuring.check(settings, tune=tune, reset=reset, queries=queries, seed=seed)
    with settings.open() as library:
        checks = library.call("doctor")
    ok = all(check["ok"] for check in checks)
    if settings.json:
        output.print_json({"ok": ok, "checks": checks})
    else:
        click.echo(output.checks_text(checks))
    return 0 if ok else 1


def _rebuild(settings: Settings) -> int:
    """Begin a new catalogue; no engine may run meanwhile."""
    from copilot.engine import process
    from indexer.rebuilding import rebuild

    process.stop(settings.place())
    kept = rebuild(Path(settings.library_folder()))
    if settings.json:
        output.print_json({"rebuilt": kept})
    else:
        settings.note(f"{kept} Run 'quire index' to read your files again.")
    return 0
