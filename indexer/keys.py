"""The keys of model servers: where they come from, and that they are not shown."""

from __future__ import annotations

import os
import shlex
import subprocess

from indexer.errors import ConfigError
from indexer.text import safe_text


class Key:
    """A secret that does not show itself: `reveal()` is the only way to its value."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The secret itself, for the one header it belongs in."""
        return self.__value

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __repr__(self) -> str:
        return "Key(set)" if self.__value else "Key(none)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a key is not written anywhere")


def read_key(*, env: str = "", command: str = "") -> Key:
    """Get a key from the environment variable `env`, else from what `command` prints.

    Neither given: an empty key, which local servers accept.

    Raises:
        ConfigError: the variable is not set, or the command failed; what it printed is not repeated.
    """
    if env:
        value = os.environ.get(env, "").strip()
        if value:
            return Key(value)
        if not command:
            raise ConfigError(
                f"The environment variable {safe_text(env, 60, single_line=True)} for the key is not set.",
                hint="Set it before the engine starts ('quire engine stop' ends a running one).",
            )
    return Key(_printed_by(command)) if command else Key("")


def _printed_by(command: str) -> str:
    failed = ConfigError(
        "The command for the key (api_key_command) printed no key.",
        hint="Run it in a terminal to see why; it must print the key on its first line.",
    )
    try:
        done = subprocess.run(
            shlex.split(command), capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        raise failed from None
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        raise failed
    return lines[0].strip()
