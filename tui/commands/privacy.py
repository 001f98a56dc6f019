"""`quire privacy`: where text may go, what of it, and what went. Also `--dry-run` and the agreement."""

from __future__ import annotations

import sys
from typing import Any

import click

from indexer.text import safe_text
from tui import output
from tui.commands import Caller, Command, Group, Settings, absolute, global_options, on_terminal


class _Privacy(Group):
    """A path instead of a command shows the policy there."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Add the global options, which come before a path."""
        super().__init__(*args, **kwargs)
        self.params += global_options(hidden=True)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command, or the one that shows."""
        if args[0] in self.commands or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        return "show", _show, args


@click.group(cls=_Privacy, invoke_without_command=True)
@click.pass_context
def privacy(ctx: click.Context) -> int:
    """Show where text may go and the policy of each folder; with a PATH, the policy there.

    never: nothing of it goes to a model on another machine. ask: only when you agree (quire ask --agree).
    redact: mail addresses, numbers of people and accounts, keys are replaced. allow: as it is.
    """
    if ctx.invoked_subcommand is None:
        return _tell(ctx.ensure_object(Settings), "")
    return 0


@click.command("show", cls=Command, hidden=True)
@click.argument("path", type=click.Path())
@click.pass_obj
def _show(settings: Settings, path: str) -> int:
    """Show the policy of a path and where it comes from."""
    return _tell(settings, absolute(path))


@privacy.command()
@click.argument("query", nargs=-1)
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="Entries.")
@click.pass_obj
def log(settings: Settings, query: tuple[str, ...], limit: int) -> int:
    """List what went to models on other machines, newest first: entries that hold all words of QUERY."""
    with settings.open() as library:
        entries = library.call("sent", query=" ".join(query), limit=limit)
    if settings.json:
        output.print_json({"entries": entries})
    elif entries:
        click.echo("\n".join(line for entry in entries for line in _entry(entry)))
    else:
        settings.note("Nothing has gone to another machine." if not query else "No entry holds these words.")
    return 0 if entries or not query else 1


def _tell(settings: Settings, path: str) -> int:
    with settings.open() as library:
        found = library.call("privacy", path=path)
    if settings.json:
        output.print_json(found)
    else:
        click.echo("\n".join(_status(found)))
    return 0


def _status(found: dict[str, Any]) -> list[str]:
    allowed = (
        "may be used" if found["allow_remote"] else "are not used (allow_remote = false): nothing leaves"
    )
    lines = [f"Models on other machines {allowed}."]
    for name, place in (("answers", found["language_model"]), ("embedding", found["embedding_model"])):
        lines.append(f"  {name:<10} {_model(place)}")
    if found["vectors"]["name"]:
        lines.append(f"  {'vectors':<10} {_model(found['vectors'])}")
        if not found["vectors"]["local"]:
            lines.append(
                "             those of folders under never and ask, and of text with secrets, stay here"
            )
    width = max((len(place["policy"]) for place in found["places"]), default=0)
    lines += [
        f"  {place['policy']:<{width}}  {output.shown_path(place['path'])}"
        f"  ({safe_text(place['reason'], single_line=True)})"
        for place in found["places"]
    ]
    lines.append(f"  {found['policy']:<{width}}  everything else")
    if found["patterns"]:
        lines.append(f"  patterns of your own: {safe_text(', '.join(found['patterns']), single_line=True)}")
    calls = f"{found['sent']:,} call{'s' if found['sent'] != 1 else ''}"
    lines.append(f"  {calls} in the log; 'quire privacy log' lists them.")
    return lines


def _model(place: dict[str, Any]) -> str:
    if not place["name"]:
        return "no model"
    where = "this machine" if place["local"] else f"REMOTE {safe_text(place['host'], 80, single_line=True)}"
    return f"{safe_text(place['name'], 80, single_line=True)}, {where}"


def _entry(entry: dict[str, Any]) -> list[str]:
    host, model = (safe_text(entry[key], 60, single_line=True) for key in ("host", "model"))
    head = (
        f"{entry['when']}  {host}  {model}  {entry['purpose']}  {entry['bytes']:,} bytes  {entry['outcome']}"
    )
    lines = [head]
    if entry["redacted"]:
        lines.append(f"    replaced: {counted(entry['redacted'])}")
    lines += [f"    {output.shown_path(path)}" for path in entry["documents"][:5]]
    if len(entry["documents"]) > 5:
        lines.append(f"    and {len(entry['documents']) - 5:,} more documents")
    return lines


def counted(redacted: dict[str, int]) -> str:
    """How many values of each kind: "2 mail, 1 iban"."""
    return ", ".join(f"{count:,} {safe_text(kind, 30).lower()}" for kind, count in redacted.items())


# --- before it goes --------------------------------------------------------------------------------


def dry_run(settings: Settings, library: Caller, method: str, request: dict[str, Any]) -> int:
    """Print what a question (`preview`) or a summary (`preview_summary`) would send."""
    found = library.call(method, request=request)
    if settings.json:
        output.print_json(found)
    else:
        click.echo("\n".join(preview_lines(found)))
    return 0


def preview_lines(found: dict[str, Any]) -> list[str]:
    """What would go, for people: where to, how much, of which documents, and the very bytes."""
    for_person = [safe_text(note, single_line=True) for note in found["notes"]]
    if not found["calls"]:
        return [*for_person, "Nothing would be sent to a model.", *_kept(found)]
    model, host = (safe_text(found[key], 80, single_line=True) for key in ("model", "host"))
    where = "stays on this machine" if found["local"] else "leaves this machine"
    lines = [*for_person, f"To {model} at {host}: {found['bytes']:,} bytes; it {where}."]
    lines += [f"  {each['policy']:<6}  {output.shown_path(each['path'])}" for each in found["documents"]]
    if found["redacted"]:
        lines.append(f"  replaced: {counted(found['redacted'])}")
    lines += _kept(found)
    for call in found["calls"]:
        doubt = "" if call["certain"] else f", {_doubt(call['purpose'])}"
        lines += [
            "",
            f"{call['purpose']}: {call['url']}, {call['bytes']:,} bytes{doubt}",
            safe_text(call["body"]),
        ]
    return lines


def _doubt(purpose: str) -> str:
    """Why a request may be another than the one shown."""
    if purpose.startswith("second opinion"):
        return "with the sentences the model will have written, if they are in its own words"
    return "if the reply to the call before is of no use"


def _kept(found: dict[str, Any]) -> list[str]:
    return [
        f"  {each['policy']:<6}  {output.shown_path(each['path'])}  not sent: "
        f"{safe_text(each['reason'], single_line=True)}"
        for each in found["withheld"]
    ]


def agreement(settings: Settings, library: Caller, method: str, request: dict[str, Any]) -> dict[str, Any]:
    """The request with the person's agreement to send documents under "ask", when they gave it.

    Asked only on a terminal, for a model on another machine, when there are such documents.
    """
    if not on_terminal(sys.stdin) or settings.json or not request["use_llm"]:
        return {}
    if library.call("privacy")["language_model"]["local"]:
        return {}
    found = library.call(method, request=request)
    waiting = [each for each in found["withheld"] if each["policy"] == "ask"]
    if not waiting:
        return {}
    host = safe_text(found["host"], 80, single_line=True)
    names = "\n".join(f"  {output.shown_path(each['path'])}" for each in waiting[:10])
    count = f"{len(waiting)} document{'s' if len(waiting) != 1 else ''}"
    return {"agreed": click.confirm(f"{names}\nLet text of {count} go to {host} this time?", err=True)}
