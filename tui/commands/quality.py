"""`quire quality`, `quire decode` and `quire report`: how good the texts are, why, and what helps."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from indexer.findings import REMEDIES
from indexer.text import safe_text
from tui import output
from tui.commands import Command, Settings, absolute, is_file


@click.command(cls=Command)
@click.argument("path", required=False, type=click.Path())
@click.option("--scope", default="", metavar="QUERY", help="Only the documents that a query means.")
@click.option(
    "--limit", type=click.IntRange(0, 10_000), default=10, show_default=True, help="Most files named."
)
@click.pass_obj
def quality(settings: Settings, path: str | None, scope: str, limit: int) -> int:
    """Tell how good the texts of the library, a folder or a file are, with reasons and remedies.

    Scores go from 0 to 100. Exit code 1 when something is poor.
    """
    if path and (path.startswith("sha256:") or "!/" in path or is_file(absolute(path))):
        return _one(settings, absolute(path))
    query = f"{scope} {_inside(absolute(path))}".strip() if path else scope
    with settings.open() as library:
        report = library.call("quality", query=query, limit=limit)
    if path and not report["files"]:
        from indexer.errors import NotFoundError

        raise NotFoundError(
            f"{path} is not in the library.", hint="Add its folder with 'quire add', or check the path."
        )
    if settings.json:
        output.print_json(report)
    else:
        for line in _report(report):
            click.echo(line)
    return 1 if report["poor"] else 0


def _inside(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'path:"{escaped}"'


def _one(settings: Settings, path: str) -> int:
    with settings.open() as library:
        details = library.call("details", target=path)
        below = library.call("quality", query="", limit=0)["poor_below"]
    score = details["quality"]
    if settings.json:
        fields = ("path", "document", "quality", "findings", "page_scores", "encoding")
        output.print_json({**{name: details[name] for name in fields}, "poor_below": below})
    else:
        shown = "not measured" if score is None else f"{score} of 100"
        click.echo(f"{output.shown_path(details['path'])}  {shown}")
        for line in output.findings_text(details["findings"]):
            click.echo(f"  {line}")
        pages = ", ".join(f"{page} ({low})" for page, low in details["page_scores"][:20])
        if pages:
            more = len(details["page_scores"]) - 20
            click.echo(f"  pages and their scores: {pages}{f' and {more} more' if more > 0 else ''}")
    return 1 if score is not None and score < below else 0


def _report(report: Mapping[str, Any]) -> Iterator[str]:
    if report["score"] is None:
        yield f"Nothing is measured yet: {report['files']:,} files, none with text."
        return
    yield (
        f"quality {report['score']} of 100: {report['measured']:,} of {report['files']:,} files measured,"
        f" {report['poor']:,} poor (below {report['poor_below']})"
    )
    for title, key in (("folder", "folders"), ("type", "types"), ("month", "months")):
        yield ""
        yield f"{title:<34} {'files':>7} {'score':>6} {'poor':>5}"
        yield from map(_group, _lowest(report[key]))
        hidden = len(report[key]) - _MOST
        if hidden > 0:
            yield f"  and {hidden:,} more with better scores; --json lists all"
    if report["reasons"]:
        yield ""
        yield f"{'reason':<42} {'files':>7}"
    for reason in report["reasons"]:
        remedy = REMEDIES[reason["remedy"]]
        yield f"  {safe_text(reason['note'], 39):<40} {reason['files']:>7,}  {remedy}".rstrip()
    if report["worst"]:
        yield ""
        yield "lowest scores"
    for file in report["worst"]:
        yield f"  {file['score']:>3}  {output.shown_path(file['path'])}"
        yield from (
            f"       {line}" for line in output.findings_text([f for f in file["findings"] if f["cost"]][:2])
        )


_MOST = 12


def _lowest(groups: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The groups with the lowest scores, in the order given."""
    ranked = sorted(groups, key=lambda group: (group["score"] is None, group["score"]))[:_MOST]
    kept = {group["name"] for group in ranked}
    return [group for group in groups if group["name"] in kept]


def _group(group: Mapping[str, Any]) -> str:
    name = output.shown_path(group["name"]) if "/" in group["name"] else safe_text(group["name"] or "unknown")
    name = f"…{name[-31:]}" if len(name) > 32 else name
    score = "-" if group["score"] is None else str(group["score"])
    return f"  {name:<32} {group['files']:>7,} {score:>6} {group['poor'] or '':>5}".rstrip()


@click.command(cls=Command)
@click.argument("path", type=click.Path())
@click.option("--encoding", "-e", default="", metavar="NAME", help="Read it so from now on; auto: as found.")
@click.pass_obj
def decode(settings: Settings, path: str, encoding: str) -> int:
    """Read a text file again in another encoding; without --encoding show the ones that make sense.

    The choice belongs to the content: it holds for copies, renames and after a rebuild. The file itself is
    not changed. 'utf-8/cp1252' undoes UTF-8 that was taken for CP1252 and stored again.
    """
    with settings.open() as library:
        if not encoding:
            readings = library.call("decodings", target=absolute(path))
            if settings.json:
                output.print_json({"path": absolute(path), "decodings": readings})
            else:
                for line in _readings(readings):
                    click.echo(line)
                settings.note("'quire decode PATH --encoding NAME' reads it so from now on.")
            return 0
        details = library.call("decode", target=absolute(path), encoding=encoding)
    if settings.json:
        output.print_json(details)
    else:
        how = f"read as {details['encoding']}" if details["encoding"] else "read as found"
        score = "not measured" if details["quality"] is None else f"quality {details['quality']} of 100"
        click.echo(f"{output.shown_path(details['path'])}  {how}, {details['state']}, {score}")
    return 0


def _readings(readings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for reading in readings:
        mark = "*" if reading["current"] else " "
        name = f"{safe_text(reading['encoding']):<16} {reading['score']:>3}  {reading['language'] or '-':<3}"
        yield f"{mark} {name} {safe_text(reading['sample'], 74, single_line=True)}"


@click.command(cls=Command)
@click.option("--html", metavar="FILE", required=True, type=click.Path(), help="Where to write the page.")
@click.option("--scope", default="", metavar="QUERY", help="Only the documents that a query means.")
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
@click.pass_obj
def report(settings: Settings, html: str, scope: str, force: bool) -> int:
    """Write the library in numbers as one HTML page that opens without a network.

    Sizes, ages, types, languages, quality, copies, reasons and the poorest files, as plots and as tables.
    """
    from indexer.errors import UsageError
    from tui import htmlreport

    target = Path(html).expanduser()
    if target.exists() and not force:
        raise UsageError(f"{html} is there already.", hint="Name another file, or add --force to replace it.")
    if not target.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {target.absolute().parent}.", hint="Make it first.")
    with settings.open() as library:
        overview = library.call("overview", query=scope)
    page = htmlreport.page(overview)
    try:
        _write(target, page)
    except OSError as exc:
        raise UsageError(f"{html} cannot be written: {exc.strerror}.", hint="Name another place.") from exc
    if settings.json:
        output.print_json({"html": os.fspath(target.absolute()), "overview": overview})
    else:
        settings.note(f"{output.shown_path(os.fspath(target.absolute()))}: {len(page) // 1000 + 1} KB")
    return 0


def _write(target: Path, page: str) -> None:
    """The page as a whole or not at all."""
    import tempfile

    handle, name = tempfile.mkstemp(prefix=".quire-", suffix=".html", dir=target.absolute().parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as stream:
            stream.write(page)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink()
        raise
