"""The engine's log: one rotating file that also takes what libraries print."""

from __future__ import annotations

import logging
import os
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

_BYTES = 4_000_000
_KEPT = 3
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _OutputLog(RotatingFileHandler):
    """A rotating log that is also where descriptors 1 and 2 lead.

    C libraries write to the descriptors, not to `sys.stderr`; after a rotation they must follow.
    """

    def _open(self) -> TextIOWrapper:
        file = super()._open()
        os.fchmod(file.fileno(), 0o600)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        return file


def keep_log(path: Path) -> None:
    """Send logging and everything printed to a file of at most 16 MB with its predecessors, mode 0600."""
    handler = _OutputLog(
        path, maxBytes=_BYTES, backupCount=_KEPT, encoding="utf-8", errors="backslashreplace"
    )
    handler.setFormatter(logging.Formatter(_FORMAT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.captureWarnings(True)
    for chatty in ("uvicorn", "httpx", "httpcore", "chromadb", "asyncio", "watchdog", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
