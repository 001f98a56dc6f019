"""The tour: a library over the sample documents in a temporary folder, gone afterwards.

With a terminal the interface opens over it. Without one, the commands a newcomer would type are run and
printed one after another, with the engine a person would use and with quotes instead of a language model.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

import click

SAMPLES = Path(__file__).parent / "samples"
"""Documents of a museum that does not exist; read where they lie, never written to."""

_SETTINGS = """[engine]
idle_minutes = 1

[language_model]
provider = "none"
"""

_INTRODUCTION = "A tour over the papers of a small museum: several formats, three languages, one a scan."

Run = Callable[[Sequence[str]], int]
"""Runs a command line in this process and returns its exit code."""


def tour(run: Run) -> int:
    """Run the commands of the tour and print them; 0 when each did what it is there to show."""
    with _library() as samples:
        click.echo(f"{_INTRODUCTION}\n")
        for line in _commands(samples):
            click.echo(click.style(f"$ quire {shlex.join(_short(line, samples))}", bold=True))
            with contextlib.redirect_stderr(sys.stdout):
                code = run(line)
            click.echo("")
            if code not in (0, 1):
                return code
    click.echo("Your own: 'quire index FOLDER', then 'quire search WORDS', or just 'quire FOLDER'.")
    return 0


def interface(run: Run) -> int:
    """Open the interface over the sample library; its exit code."""
    with _library(quotes_only=False) as samples:
        return run([os.fspath(samples)])


def _commands(samples: Path) -> list[list[str]]:
    handbook = samples / "handbook" / "visitor-handbook-2026.pdf"
    return [
        ["index", "--ocr", os.fspath(samples)],
        ["search", "--limit", "3", "solar panels on the roof"],
        ["search", "--limit", "2", "锅炉压力"],
        ["search", "--limit", "2", '"1.850 Euro" type:text'],
        ["search", "--limit", "1", "+delivery note boiler tubes"],
        ["ask", "How much does it cost to remove the asbestos?"],
        ["summarize", "--sentences", "4", os.fspath(handbook)],
        ["duplicates"],
        ["quality", os.fspath(samples / "launch")],
        ["status"],
    ]


def _short(line: list[str], samples: Path) -> list[str]:
    return [part.replace(os.fspath(samples), "samples") for part in line]


@contextlib.contextmanager
def _library(*, quotes_only: bool = True) -> Iterator[Path]:
    """A library of its own for the commands run meanwhile; yields the folder of samples."""
    folder = Path(tempfile.mkdtemp(prefix="quire-demo-"))
    chosen = {"QUIRE_LIBRARY": os.fspath(folder / "library")}
    if quotes_only:
        settings = folder / "config.toml"
        settings.write_text(_SETTINGS, encoding="utf-8")
        chosen["QUIRE_CONFIG"] = os.fspath(settings)
    with _environment(chosen), _ended_by_signals():
        try:
            yield SAMPLES
        finally:
            from copilot.engine import process

            with contextlib.suppress(Exception):
                process.stop(process.place_of(chosen["QUIRE_LIBRARY"]))
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _environment(chosen: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in chosen}
    os.environ.update(chosen)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into an exit that cleans up."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
