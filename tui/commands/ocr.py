"""`quire ocr` has pages that are pictures read now, and waits for it."""

from __future__ import annotations

from typing import Any

import click

from tui import output
from tui.commands import Command, Settings, existing
from tui.commands.index import add_missing, follow


@click.command(cls=Command)
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--engine", type=click.Choice(["rapidocr", "tesseract"]), help="Use this engine.")
@click.option("--language", metavar="CODES", help="Languages of the pages, for example de or deu+eng.")
@click.option("--again", is_flag=True, help="Also pages that OCR has read or given up before.")
@click.option("--cancel", is_flag=True, help="Stop it; pages not yet read wait until they are asked for.")
@click.pass_obj
def ocr(
    settings: Settings,
    paths: tuple[str, ...],
    engine: str | None,
    language: str | None,
    again: bool,
    cancel: bool,
) -> int:
    """Read the text of scans and images; of all files, or of PATHs, which are added if need be.

    It happens by itself in the background where an engine is installed ('quire doctor' says so); this
    does it now and waits. Exit code 1 when pages are left that could not be read.
    """
    if cancel:
        with settings.open() as library:
            return _cancelled(settings, library.call("ocr_cancel"))
    wanted = existing(paths)
    with settings.open() as library:
        add_missing(library, wanted)
        follow(settings, library, wanted, keyword_only=True)
        asked = library.call("ocr", paths=wanted, engine=engine or "", language=language or "", again=again)
        progress = follow(settings, library, wanted, ocr=True) if asked else {}
        status = library.call("status")["library"]
    left = status["pending_ocr"]
    note = progress.get("note", "")
    if settings.json:
        output.print_json({"asked": asked, "pending": left, "engines": status["ocr_engines"], "note": note})
    else:
        _tell(settings, asked, status, note)
    return 1 if asked and left else 0


def _cancelled(settings: Settings, held: int) -> int:
    if settings.json:
        output.print_json({"held": held})
    else:
        settings.note(f"OCR is stopped; {_pages(held)} wait until 'quire ocr' is run." if held
                      else "No page was waiting.")  # fmt: skip
    return 0


def _tell(settings: Settings, asked: int, status: dict[str, Any], note: str) -> None:
    if not asked:
        settings.note("There is no page to read: all text is there.")
        return
    settings.note(f"{_pages(asked)} read{output.ocr_text(status, '; ')}" + (f". {note}" if note else ""))


def _pages(count: int) -> str:
    return "1 page" if count == 1 else f"{count:,} pages"
