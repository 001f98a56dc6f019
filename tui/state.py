"""What survives a restart: pane, queries, marks, positions, theme.

One small JSON file for each library in the platform's state folder, written when something changes
and not at exit, because a closed laptop or a lost connection knows no exit.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

_HISTORY = 200
"""Queries kept for each pane."""


@dataclass(kw_only=True)
class UiState:
    """Everything the interface remembers."""

    pane: str = "search"
    theme: str = ""
    query: str = ""
    cursor: str = ""
    """Path of the document under the cursor of the hit list."""
    scope: str = ""
    scope_paths: list[str] = field(default_factory=list)
    """Documents that questions are limited to."""
    group: str = "all"
    sort: str = "name"
    preview: bool = True
    preview_share: int = 40
    marks: list[str] = field(default_factory=list)
    """Paths, in the order they were marked."""
    history: dict[str, list[str]] = field(default_factory=dict)
    """Pane to its queries, newest first."""

    def remember(self, pane: str, query: str) -> bool:
        """Put a query first in its pane's history; False when it was there already or is empty."""
        query = query.strip()
        queries = self.history.setdefault(pane, [])
        if not query or (queries and queries[0] == query):
            return False
        if query in queries:
            queries.remove(query)
        queries.insert(0, query)
        del queries[_HISTORY:]
        return True


def state_folder() -> Path:
    """Where state and the log are kept; made on demand, for its owner only."""
    base = os.environ.get("XDG_STATE_HOME")
    if not base:
        import platformdirs  # only where the environment does not say it

        base = platformdirs.user_state_dir()
    return Path(base) / "quire"


def state_path(library: str) -> Path:
    """The state file of a library."""
    name = f"{zlib.crc32(os.fsencode(library)):08x}" if library else "default"
    return state_folder() / f"interface-{name}.json"


def load_state(path: Path) -> UiState:
    """Read the state; a missing or damaged file means a fresh one, field by field."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return UiState()
    return UiState(**_fitting(data)) if isinstance(data, dict) else UiState()


def _fitting(data: dict[str, Any]) -> dict[str, Any]:
    """The values that have the name and type of a field."""
    fresh = UiState()
    kept = {}
    for item in fields(UiState):
        value = data.get(item.name)
        if type(value) is not type(getattr(fresh, item.name)):
            continue
        if isinstance(value, list):
            value = [entry for entry in value if isinstance(entry, str)]
        elif isinstance(value, dict):
            value = {
                key: [entry for entry in entries if isinstance(entry, str)]
                for key, entries in value.items()
                if isinstance(entries, list)
            }
        kept[item.name] = value
    return kept


def save_state(path: Path, state: UiState) -> None:
    """Write the state beside the old one and swap; a full disk loses nothing but this change."""
    text = json.dumps(asdict(state), ensure_ascii=True, indent=1)
    beside = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
