"""A process to be killed while it puts files in order.

python organize_child.py LIBRARY ROOT TRASH PLAN KILL: applies a plan, or, when PLAN is `undo`, `resume` or
`rollback`, does that; kills itself with SIGKILL before operation number KILL that reaches the disk.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from indexer.organize.check import Bounds, check
from indexer.organize.plan import read
from indexer.organize.runs import Runs
from tests.indexer.trees import OPERATIONS


def arm(count: int) -> None:
    """Let so many operations happen, then die."""
    left = [count]

    def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return real(*arguments, **options)

        return call

    for place, name in OPERATIONS:
        setattr(place, name, guarded(getattr(place, name)))


def main(library: str, root: str, trash: str, plan: str, kill: str) -> None:
    runs = Runs(Path(library))
    if plan in ("undo", "resume", "rollback"):
        arm(int(kill))
        getattr(runs, plan)()
        return
    bounds = Bounds(roots=(os.fsencode(root),))
    checked = check(read(Path(plan).read_bytes()), bounds, home_trash=os.fsencode(trash))
    arm(int(kill))
    runs.apply(checked)


if __name__ == "__main__":
    main(*sys.argv[1:])
