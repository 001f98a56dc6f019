"""Programs that open a document outside: at the page where they can.

A command is an argument list made from a template of the configuration or from the table below;
nothing ever passes through a shell. A path is always absolute, so no name can pose as an option.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tui.citing import Target


class Viewer(NamedTuple):
    """A program for documents of one kind."""

    name: str
    command: list[str]
    terminal: bool
    """Needs the terminal: the interface steps aside while it runs."""


_AT_PAGE = (
    "zathura --fork -P {page} {path}",
    "evince -i {page} {path}",
    "okular -p {page} {path}",
    "sioyek --page {page} {path}",
    "qpdfview {path}#{page}",
    "mupdf {path} {page}",
    "xpdf {path} {page}",
)
"""Viewers of PDF that take a page, in the order they are tried."""

_ANYTHING = ("xdg-open {path}", "open {path}", "wslview {path}")

_DANGEROUS = {".desktop", ".sh", ".bash", ".exe", ".bat", ".cmd", ".com", ".app", ".jar", ".scr", ".appimage"}
"""Types that a desktop would run instead of show."""

_TERMINAL_PROGRAMS = {
    "vi",
    "vim",
    "nvim",
    "nano",
    "emacs",
    "hx",
    "helix",
    "micro",
    "kak",
    "less",
    "more",
    "ne",
}


def refusal(target: Target) -> str:
    """Why this file is not given to another program; "" when it may be."""
    if "!/" in target.path:
        return "It lies inside another file; copy its path or open that file."
    if not Path(target.path).is_file():
        return "The file is not there any more."
    if Path(target.path).suffix.lower() in _DANGEROUS:
        return "A desktop might run this file instead of showing it; use e to read it."
    return ""


def viewers(target: Target, templates: Mapping[str, str], environ: Mapping[str, str]) -> list[Viewer]:
    """The programs that can open the target here, best first."""
    offered = [
        viewer
        for key in (target.format, Path(target.path).suffix.lstrip(".").lower(), target.kind, "*")
        if key and key in templates and (viewer := _from_template(templates[key], target))
    ]
    if _has_display(environ):
        known = (*_AT_PAGE, *_ANYTHING) if target.format == "pdf" else _ANYTHING
        offered += [
            viewer
            for template in known
            if shutil.which(template.split()[0]) and (viewer := _from_template(template, target))
        ]
    return list({tuple(viewer.command): viewer for viewer in offered}.values())


def editor(path: str, line: int, environ: Mapping[str, str]) -> Viewer:
    """`$VISUAL`, `$EDITOR` or vi, at a line (1-based) where the program takes one."""
    import shlex  # behind the first frame, as everything that opens programs

    command = shlex.split(environ.get("VISUAL") or environ.get("EDITOR") or "vi")
    name = os.path.basename(command[0])
    if name in {"vi", "vim", "nvim", "nano", "emacs", "ne", "kak", "less"}:
        command += [f"+{line}", path]
    elif name in {"hx", "helix", "micro"}:
        command += [f"{path}:{line}"]
    elif name in {"code", "codium"}:
        command += ["--goto", f"{path}:{line}"]
    else:
        command += [path]
    return Viewer(name, command, name not in {"code", "codium", "gvim", "gedit", "kate"})


def _from_template(template: str, target: Target) -> Viewer | None:
    import shlex

    try:
        words = shlex.split(template)
    except ValueError:  # an open quote in the configuration
        return None
    if not words:
        return None
    path, page = str(Path(target.path).absolute()), str(target.page or 1)
    command = [word.replace("{page}", page).replace("{path}", path) for word in words]
    if not any("{path}" in word for word in words):
        command.append(path)
    name = os.path.basename(command[0])
    return Viewer(name, command, name in _TERMINAL_PROGRAMS)


def _has_display(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")) or sys.platform == "darwin"
