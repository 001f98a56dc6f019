"""Starts the process of a parse worker: its environment, its log, its session."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from indexer.parsing.source import Limits

COMMAND = (sys.executable, "-P", "-m", "indexer.parsing.worker")
"""Starts a worker; its options are added as the last argument."""
LOG_BYTES = 4 << 20
"""Size of the workers' log at which it is begun anew."""
_KEPT_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ", "TESSDATA_PREFIX")
"""Nothing else of the environment reaches a worker, least of all keys."""


def spawn(command: Sequence[str], channel: int, limits: Limits, log_path: Path) -> subprocess.Popen[bytes]:
    """Start a worker that talks over the descriptor `channel` and leads a session of its own.

    Raises:
        OSError: no process, or no log file, can be had.
    """
    options = {"parent": os.getpid(), "socket": channel, "limits": asdict(limits)}
    environment = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    environment |= {
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "PYTHONUTF8": "1",
        "OMP_NUM_THREADS": "1",
        "PYMUPDF_MESSAGE": "fd:2",
        "PYMUPDF_LOG": "fd:2",
    }
    with _open_log(log_path) as output:
        return subprocess.Popen(
            [*command, json.dumps(options)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=environment,
            pass_fds=[channel],
            start_new_session=True,
        )


def _open_log(path: Path) -> BinaryIO:
    """The log of all workers, begun anew when it has grown large."""
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    if os.fstat(descriptor).st_size > LOG_BYTES:
        os.ftruncate(descriptor, 0)
    return os.fdopen(descriptor, "wb", buffering=0)


def rss_mb(pid: int) -> float:
    """Resident memory of a process; 0 when it cannot be told."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
    except (OSError, IndexError, ValueError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
