"""Counts of the work under way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Tally:
    """What has been done since the work began that is under way now."""

    files_seen: int = 0
    done: int = 0
    total: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    parsed: int = 0
    failed: int = 0
