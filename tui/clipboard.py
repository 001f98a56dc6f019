"""Copying text to where a person can paste it: the terminal, tmux, the desktop.

OSC 52 reaches the clipboard of the machine in front of the person through SSH; tmux drops it by
default, so tmux gets the text through its own command; a local desktop gets it through its own tool.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

TERMINAL_LIMIT = 70_000
"""Bytes; terminals cut or drop longer OSC 52 sequences."""

_TIMEOUT_S = 2.0


def commands(environ: Mapping[str, str]) -> list[list[str]]:
    """The programs that take text for a clipboard here, as argument lists."""
    found = []
    if environ.get("TMUX") and shutil.which("tmux"):
        found.append(["tmux", "load-buffer", "-w", "-"])
    if "SSH_CONNECTION" in environ:
        return found  # the desktop of the far machine is not in front of the person
    if environ.get("WAYLAND_DISPLAY") and shutil.which("wl-copy"):
        found.append(["wl-copy"])
    elif environ.get("DISPLAY") and shutil.which("xclip"):
        found.append(["xclip", "-selection", "clipboard"])
    elif shutil.which("pbcopy"):
        found.append(["pbcopy"])
    elif shutil.which("clip.exe"):
        found.append(["clip.exe"])
    return found


def hand_over(text: str, environ: Mapping[str, str] | None = None) -> None:
    """Give the text to the clipboard programs, in a thread: one of them may wait for a display."""
    for command in commands(os.environ if environ is None else environ):
        threading.Thread(target=_feed, args=(command, text), name="copy", daemon=True).start()


def _feed(command: list[str], text: str) -> None:
    try:
        subprocess.run(
            command,
            input=text.encode("utf-8", "replace"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        pass  # one of several ways; the terminal has the text already


def save_long(text: str, folder: Path) -> Path:
    """Text too long for a terminal's clipboard, as a file for its owner only."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "copied.txt"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
    return path
