"""The interface as a process of its own, for tests of what it does to a terminal.

`python -m tests.tui.on_terminal` with SCENE = plain | hostile | noise | crash in the environment.
"""

from __future__ import annotations

import os
import sys
import threading

from tui.settings import UiSettings
from tui.terminal import prepare

SETTINGS = UiSettings(link="fast", mouse=False)


def main() -> int:
    """Run one scene."""
    prepare(SETTINGS)
    from tests.tui.scripted import ScriptedSession
    from tests.tui.test_hostile import STRINGS, poisoned
    from tui.lifecycle import run

    scene = os.environ.get("SCENE", "plain")
    session = poisoned("".join(STRINGS[:9])) if scene == "hostile" else ScriptedSession()
    if scene == "hostile":
        session.many = 0
    if scene == "noise":
        threading.Timer(0.3, lambda: os.write(2, b"NOISE FROM C\n")).start()
    if scene == "crash":
        secret = os.environ["SECRET"]

        def details(target: str) -> object:
            return (target, secret)

        session.details = details  # type: ignore[assignment, method-assign]  # a session of another version
    return run(lambda: session, paths=(), ui=SETTINGS)


if __name__ == "__main__":
    sys.exit(main())
