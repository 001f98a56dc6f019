"""`quire index` brings the library up to date and shows how far it is; `quire watch` tells of changes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import click

from indexer.errors import EngineError
from tui import output
from tui.commands import Caller, Command, Events, Settings, existing, is_file, on_terminal

LINE_EVERY_S = 10.0
"""Between lines of progress where there is no terminal."""


_COUNTS = ("done", "total", "parsed", "failed")
"""Of a run; documents that OCR has read are read again in a later one, which counts from the beginning."""


@click.command(cls=Command)
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--keyword-only", is_flag=True, help="Return when everything is searchable by keyword.")
@click.option("--ocr", is_flag=True, help="Wait until pages without text are read by OCR, too.")
@click.pass_obj
def index(settings: Settings, paths: tuple[str, ...], keyword_only: bool, ocr: bool) -> int:
    """Bring the library up to date; PATHs are added to it first.

    Returns when everything is searchable. Documents that cannot be read are listed by 'quire status';
    exit code 3 when a file named here is one of them.
    """
    started = time.monotonic()
    wanted = existing(paths)
    with settings.open() as library:
        add_missing(library, wanted)
        last = follow(settings, library, wanted, keyword_only=keyword_only, ocr=ocr)
        failed = [path for path in wanted if is_file(path) and _unreadable(settings, library, path)]
        status = library.call("status")["library"]
    took_s = time.monotonic() - started
    if settings.json:
        output.print_json(_index_json(last, status, took_s))
    else:
        settings.note(_summary(last, status, took_s))
    return 3 if failed else 0


def add_missing(library: Caller, paths: list[str]) -> None:
    """Make roots of the paths that no root holds yet."""
    if not paths:
        return
    roots = [root["path"].rstrip("/") for root in library.call("status")["library"]["roots"]]
    for path in paths:
        if not any(path == root or path.startswith(f"{root}/") for root in roots):
            library.call("add_root", path=path)
            roots.append(path.rstrip("/"))


def follow(
    settings: Settings, library: Caller, paths: list[str], *, keyword_only: bool = False, ocr: bool = False
) -> dict[str, Any]:
    """Wait until all is searchable, showing progress; once more if the engine was lost on the way."""
    from copilot.engine.transport import EngineLostError

    last: dict[str, Any] = {}
    for again in (True, False):
        try:
            stream = library.stream("sync", paths=paths, keyword_only=keyword_only, ocr=ocr)
            with closing(stream) as events:
                for progress in _shown(settings, events):
                    last = {**progress, **{name: max(progress[name], last.get(name, 0)) for name in _COUNTS}}
            return last
        except EngineLostError as exc:
            if not again:
                raise
            settings.note(f"{exc.message} Starting it again; nothing that was read is lost.")
    raise AssertionError("unreachable")


def _shown(settings: Settings, events: Events) -> Iterator[dict[str, Any]]:
    progress = (value for _, value in events)
    if settings.quiet or settings.json:
        return progress
    return _bars(progress) if on_terminal(sys.stderr) else _lines(progress)


def _lines(events: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    due = time.monotonic() + LINE_EVERY_S
    for progress in events:
        if time.monotonic() >= due:
            click.echo(_line(progress), err=True)
            due = time.monotonic() + LINE_EVERY_S
        yield progress


def _line(progress: dict[str, Any]) -> str:
    note = f", {progress['note']}" if progress["note"] else ""
    if progress["stage"] == "ocr":
        return f"ocr: {progress['ocr_done']:,} of {progress['ocr_total']:,} pages{note}"
    return (
        f"{progress['stage']}: {progress['done']:,} of {progress['total']:,} documents, "
        f"meaning of {progress['embedded']:,} of {progress['chunks']:,} passages{note}"
    )


def _bars(events: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from indexer.text import safe_text

    with Progress(
        TextColumn("{task.description:<10}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[current]}", markup=False),
        console=Console(stderr=True),
        refresh_per_second=2,
        transient=True,
    ) as bars:
        documents = bars.add_task("documents", total=None, current="")
        passages = bars.add_task("meaning", total=None, current="")
        pages = bars.add_task("ocr", total=None, current="", visible=False)
        for progress in events:
            current = safe_text(progress["current"].rpartition("/")[2], 30, single_line=True)
            bars.update(
                documents, completed=progress["done"], total=progress["total"] or None, current=current
            )
            bars.update(passages, completed=progress["embedded"], total=progress["chunks"] or None)
            recognised, found = progress["ocr_done"], progress["ocr_total"]
            bars.update(pages, completed=recognised, total=found or None, visible=found > 0)
            yield progress


def _unreadable(settings: Settings, library: Caller, path: str) -> bool:
    details = library.call("details", target=path)
    if details["reason"]:
        settings.note(f"{output.shown_path(path)}: {details['reason']} {details['hint']}")
    return bool(details["reason"])


def _index_json(last: dict[str, Any], status: dict[str, Any], took_s: float) -> dict[str, Any]:
    return {
        **{key: last.get(key, 0) for key in ("total", "done", "parsed", "failed", "embedded")},
        **{key: status[key] for key in ("library", "files", "documents", "chunks", "vectors")},
        "unread": len(status["failed"]),
        "pending_ocr": status["pending_ocr"],
        "note": last.get("note", ""),
        "took_ms": round(took_s * 1000),
    }


def _summary(last: dict[str, Any], status: dict[str, Any], took_s: float) -> str:
    unread = len(status["failed"])
    text = (
        f"{status['documents']:,} documents in {status['files']:,} files, "
        f"{last.get('parsed', 0):,} read now, {took_s:.1f} s"
    )
    text += f"; {unread:,} could not be read (see 'quire status')" if unread else ""
    return text + output.ocr_text(status, "; ")


@click.command(cls=Command)
@click.pass_obj
def watch(settings: Settings) -> int:
    """Tell of changes as they become searchable, until interrupted. Keeps the engine running."""
    with settings.open() as library, closing(library.stream("events")) as events:
        seen: dict[str, str] | None = None
        revision = -1
        for _, progress in events:
            if settings.json:
                output.print_json(progress)
            elif progress["revision"] != revision:
                revision = progress["revision"]
                seen = _tell_changes(library, seen)
                if progress["note"]:
                    settings.note(progress["note"])
    raise EngineError("The engine ended.", hint="Start 'quire watch' again.")


def _tell_changes(library: Caller, before: dict[str, str] | None) -> dict[str, str]:
    """Print what differs among the newest files from what they were; nothing the first time."""
    window = library.call("files", sort="new", limit=500)
    now = {row["path"]: row["document"] or row["status"] for row in window["rows"]}
    if before is None:
        click.echo(f"{_clock()}  watching {window['groups'].get('all', window['total']):,} files")
        return now
    for row in window["rows"]:
        if before.get(row["path"]) != now[row["path"]]:
            sign = "!" if row["reason"] else "~" if row["path"] in before else "+"
            click.echo(f"{_clock()}  {sign} {output.shown_path(row['path'])}  {row['reason']}".rstrip())
    for path in before.keys() - now.keys() if window["total"] <= 500 else ():
        click.echo(f"{_clock()}  - {output.shown_path(path)}")
    return now


def _clock() -> str:
    return time.strftime("%H:%M:%S")
