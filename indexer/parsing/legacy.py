"""Word and PowerPoint files of 1993 to 2003 (doc, ppt).

Read with our own readers of the formats; catdoc, antiword, catppt or soffice are asked only for a
file these cannot read, where they are installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile

from indexer.errors import UnreadableDocument
from indexer.parsing import ole
from indexer.parsing.builder import TextBuilder
from indexer.parsing.encoding import decode
from indexer.parsing.source import Source
from indexer.types import Kind, ParsedDocument, Status

VERSION = 1

_PROGRAMS = {
    "doc": (
        ("catdoc", "-d", "utf-8", "{path}"),
        ("antiword", "-m", "UTF-8.txt", "{path}"),
        ("soffice", "-env:UserInstallation=file://{folder}", "--headless", "--cat", "{path}"),
    ),
    "ppt": (("catppt", "-d", "utf-8", "{path}"),),
}
_PROGRAM_SECONDS = 60


def parse(source: Source) -> ParsedDocument:
    """Read an old Word or PowerPoint file.

    Raises:
        UnreadableDocument: encrypted, damaged, or of a kind nothing here can read (unsupported).
    """
    container = ole.open_ole(source.read(), "old Office file")
    if ole.has_stream(container, "PowerPoint Document"):
        return _read(source, container, "ppt", "slides")
    if ole.has_stream(container, "WordDocument"):
        return _read(source, container, "doc", "doc")
    raise UnreadableDocument(
        "This is an old Office file of a kind that Quire does not read.",
        "Open it with LibreOffice and save it as docx, pptx or xlsx.",
        status=Status.UNSUPPORTED,
    )


def _read(source: Source, container: ole.Ole, format: str, kind: Kind) -> ParsedDocument:
    out = TextBuilder.within(source.limits)
    try:
        if format == "ppt":
            from indexer.parsing.ppt97 import read_powerpoint

            read_powerpoint(container, out)
        else:
            from indexer.parsing.word97 import read_word

            read_word(container, out)
    except UnreadableDocument as exc:
        if exc.status == Status.ENCRYPTED:
            raise
        out = TextBuilder.within(source.limits)
        text = _ask_programs(source, format)
        if text is None:
            raise UnreadableDocument(
                exc.reason, f"Save it in a current format, or install {_names(format)}.", status=exc.status
            ) from exc
        for paragraph in text.split("\n\n"):
            out.paragraph(paragraph)
    facts = ole.facts(container)
    title = facts.pop("title", "")
    return out.build(kind=kind, format=format, title=title, metadata=facts)


def _names(format: str) -> str:
    return " or ".join(command[0] for command in _PROGRAMS[format])


def _ask_programs(source: Source, format: str) -> str | None:
    """What the first installed program that can read the file makes of it; None without one."""
    for command in _PROGRAMS[format]:
        program = shutil.which(command[0])
        if program is None:
            continue
        with tempfile.TemporaryDirectory(prefix="quire-") as folder:
            path = f"/proc/self/fd/{source.descriptor}"
            arguments = [part.format(path=path, folder=folder) for part in command[1:]]
            try:
                done = subprocess.run(
                    [program, *arguments],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=min(_PROGRAM_SECONDS, source.limits.timeout_s / 2),
                    pass_fds=(source.descriptor,),
                    cwd=folder,
                    env={"PATH": os.environ.get("PATH", ""), "HOME": folder, "LANG": "C.UTF-8"},
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired):
                continue
        if done.returncode == 0 and done.stdout.strip():
            return decode(done.stdout).text
    return None
