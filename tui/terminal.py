"""What the interface needs of the terminal before Textual is imported, and what it leaves behind.

Imports the standard library and the interface's settings only.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.settings import UiSettings

_RESET = "".join(
    (
        "\\033[?1000l\\033[?1002l\\033[?1003l\\033[?1006l\\033[?1015l",  # mouse
        "\\033[?2004l\\033[?1004l",  # bracketed paste, focus events
        "\\033[<u",  # the keyboard protocol Textual asks for
        "\\033[?1049l\\033[?25h\\033[0m",  # screen, cursor, colours
    )
)

_GUARD = f"""
trap '' TTOU INT HUP QUIT TSTP
read -r ended
[ "$ended" = ended ] && exit 0
stty "$1" <&1
printf '{_RESET}'
echo 'quire ended unexpectedly; the library is unharmed.'
"""
"""Waits for the end of the interface. Without its last word it puts the terminal back: stopping it from
the background would be refused (TTOU), so that signal is ignored."""


def is_usable() -> bool:
    """Standard input and output are a terminal on which a screen can be drawn."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def prepare(settings: UiSettings) -> None:
    """Set Textual's defaults for this terminal, as far as the person has not; before `import textual`."""
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    if settings.slow:
        os.environ.setdefault("TEXTUAL_FPS", "15")


@contextlib.contextmanager
def restored_at_the_end() -> Iterator[None]:
    """Leave the terminal usable even when this process is killed or a C library crashes it.

    A shell waits on a pipe for the end of this process (the interface itself is no child of anything, so
    that starting it costs nothing); only when the pipe closes without a word does it act.
    """
    guard = _start_guard()
    try:
        yield
    finally:
        if guard is not None and guard.stdin is not None:
            with contextlib.suppress(OSError):
                guard.stdin.write(b"ended\n")
                guard.stdin.close()
            guard.wait()


def _start_guard() -> subprocess.Popen[bytes] | None:
    try:
        modes = subprocess.run(["stty", "-g"], stdout=subprocess.PIPE, check=True, text=True).stdout.strip()
        return subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "sh", modes], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return None
