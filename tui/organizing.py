"""Organizing from the interface: the commands of the command line, in the terminal that steps aside for them.

The plan is read in an editor and answered in lines, which no dialog does better.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from textual.app import App, SuspendNotSupported


def run(app: App[Any], options: Sequence[str], command: Sequence[str]) -> str:
    """Give the terminal to `quire` until it has ended and Enter was pressed.

    Args:
        app: Steps aside.
        options: The global ones: which library, which configuration.
        command: The command and its own options.

    Returns:
        Why it could not be done; "" when it was.
    """
    try:
        with app.suspend():
            _run([*command, *options])
    except SuspendNotSupported:
        return "This needs a terminal of its own."
    except OSError as exc:
        return f"It did not start: {exc.strerror}."
    return ""


def _run(command: Sequence[str]) -> None:
    subprocess.run([sys.executable, "-P", "-m", "tui.cli", *command], check=False)
    # The app has its own hold on sys.stdout and sys.stdin: what is asked here goes to the terminal.
    os.write(2, b"\nEnter goes back to Quire. ")
    while os.read(0, 1) not in (b"\n", b"\r", b""):
        pass
