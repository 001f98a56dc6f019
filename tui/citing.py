"""A place in a document, and the ways to write it down."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote as quote_url


class Target(NamedTuple):
    """What the actions on a document act on: a document and, where known, a place in it."""

    path: str
    document: str
    title: str = ""
    page: int | None = None
    start: int = 0
    end: int = 0
    quote: str = ""
    """Verbatim text at the place; may be empty."""
    format: str = ""
    kind: str = ""


def short_path(path: str) -> str:
    """A path with `~` for the home folder."""
    home = str(Path("~").expanduser())
    return f"~{path[len(home) :]}" if home != "/" and path.startswith(home + "/") else path


def file_name(path: str) -> str:
    """The last part of a path; of `mail.eml!/plan.pdf` the whole chain from the file on."""
    container, mark, member = path.partition("!/")
    name = os.path.basename(container) or container
    return f"{name}{mark}{member}"


def folder_name(path: str) -> str:
    """The last two folders of a path: enough to tell twins apart."""
    parts = os.path.dirname(path.partition("!/")[0]).split("/")
    return "/".join(part for part in parts[-2:] if part)


def citation(target: Target) -> str:
    """The default citation: quote, title, place, file."""
    place = f", p. {target.page}" if target.page else ""
    name = target.title or file_name(target.path)
    where = short_path(target.path)
    source = f"{name}{place} ({where})" if name != where else f"{name}{place}"
    return f"“{_one_line(target.quote)}”\n{source}" if target.quote else source


def path_and_page(target: Target) -> str:
    """`path:page`, or the path."""
    return f"{target.path}:{target.page}" if target.page else target.path


def markdown_link(target: Target) -> str:
    """A Markdown link to the file, at the page where it has one."""
    label = (target.title or file_name(target.path)).replace("[", "\\[").replace("]", "\\]")
    page = f"#page={target.page}" if target.page else ""
    return f"[{label}](<file://{quote_url(os.fsencode(target.path))}{page}>)"


def as_json(target: Target) -> str:
    """Path, document, page, span and quote as one line of JSON."""
    return json.dumps(
        {
            "path": target.path,
            "document": target.document,
            "page": target.page,
            "start": target.start,
            "end": target.end,
            "quote": target.quote,
        },
        ensure_ascii=False,
    )


def ways(target: Target) -> list[tuple[str, str]]:
    """Everything the copy menu offers: a name for it and the text."""
    offered = [("citation", citation(target)), ("path", target.path)]
    if target.page:
        offered.append(("path:page", path_and_page(target)))
    if target.quote:
        offered.append(("quote", target.quote))
    return [*offered, ("Markdown link", markdown_link(target)), ("JSON", as_json(target))]


def _one_line(text: str) -> str:
    return " ".join(text.split())
