"""Settings of the interface, read before the first frame.

The whole configuration is checked by `indexer.config`, which costs pydantic (75 ms). The first frame
needs three small tables of it, so they are read here with the standard library alone; what is wrong
with them is said in the interface instead of stopping it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class UiSettings:
    """The tables [ui], [keys] and [viewers] of the configuration."""

    theme: str = "auto"
    ascii: bool = False
    screen_reader: bool = False
    mouse: bool = True
    link: str = "auto"
    keys: Mapping[str, str] = field(default_factory=dict)
    """Id of a binding to its keys, separated by commas."""
    viewers: Mapping[str, str] = field(default_factory=dict)
    """Type or format to a command with {path} and {page}."""
    library: str = ""
    """Folder of the library; marks, queries and positions are kept for each library."""
    config: str = ""
    """The configuration file named on the command line, for commands that are started from here."""
    problems: tuple[str, ...] = ()
    """What is wrong in the file, one line each."""

    @property
    def slow(self) -> bool:
        """The line to the terminal is slow: SSH or mosh unless the configuration says otherwise."""
        if self.link != "auto":
            return self.link == "slow"
        return "SSH_CONNECTION" in os.environ or any(name.startswith("MOSH") for name in os.environ)

    @property
    def plain(self) -> bool:
        """No line-drawing characters."""
        return self.ascii or self.screen_reader


def read_ui(path: Path, *, library: str = "") -> UiSettings:
    """Read the interface's settings; a missing file means the defaults."""
    settings = UiSettings(library=library)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return settings
    except OSError as exc:
        return replace(settings, problems=(f"{path.name}: {exc.strerror}",))
    import tomllib  # only where there is a file to read: 5 ms

    try:
        tables = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        return replace(settings, problems=(f"{path.name}: {exc}",))
    values, problems = _choose(_table(tables, "ui"))
    for name in ("keys", "viewers"):
        table = _table(tables, name)
        wrong = [key for key, value in table.items() if not isinstance(value, str)]
        problems += [f"{name}.{key} is not a string" for key in wrong]
        values[name] = {key: value for key, value in table.items() if key not in wrong}
    return replace(settings, problems=tuple(problems), **values)


def _table(tables: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = tables.get(name, {})
    return table if isinstance(table, dict) else {}


def _choose(table: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The values whose name and type fit, and a line for each that does not."""
    fitting: dict[str, Any] = {}
    problems = []
    for name, kind in (
        ("theme", str),
        ("ascii", bool),
        ("screen_reader", bool),
        ("mouse", bool),
        ("link", str),
    ):
        if name not in table:
            continue
        if isinstance(table[name], kind):
            fitting[name] = table[name]
        else:
            problems.append(f"ui.{name} is not a {'switch' if kind is bool else 'string'}")
    return fitting, problems
