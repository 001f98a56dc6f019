"""How far the work is, in words: counts, rate and time left. Pure functions and one small meter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from indexer.types import Progress

_MEAN_S = 30.0
"""Time constant of the rate's exponential mean, seconds."""
_STEADY_S = 5.0
"""No time left is shown before the rate was watched this long."""


class Meter:
    """Rate and time left of the run under way, from the progress seen so far."""

    def __init__(self) -> None:
        self.rate = 0.0
        """Documents a second."""
        self._bytes_rate = 0.0
        self._began_s = 0.0
        self._seen_s = 0.0
        self._seen: Progress | None = None
        self._left_s: float | None = None

    def feed(self, progress: Progress, now_s: float) -> None:
        """Take a progress in; `now_s` is a monotonic clock."""
        before = self._seen
        if before is None or progress.done < before.done or progress.total < before.total or before.idle:
            self.rate = self._bytes_rate = 0.0
            self._began_s, self._left_s = now_s, None
        elif (passed_s := now_s - self._seen_s) > 0:
            weight = 1 - math.exp(-passed_s / _MEAN_S)
            if now_s - self._began_s < _MEAN_S:  # a plain mean until the exponential one has settled
                weight = passed_s / max(now_s - self._began_s, passed_s)
            self.rate += weight * ((progress.done - before.done) / passed_s - self.rate)
            self._bytes_rate += weight * (
                max(0, progress.bytes_done - before.bytes_done) / passed_s - self._bytes_rate
            )
        self._seen, self._seen_s = progress, now_s

    def left_s(self, now_s: float) -> float | None:
        """Seconds left, or None while unknown. Never grows by a little: see `steady`."""
        progress = self._seen
        if progress is None or not progress.total or now_s - self._began_s < _STEADY_S:
            return None
        if self._bytes_rate > 0 and progress.bytes_total:
            left = max(0, progress.bytes_total - progress.bytes_done) / self._bytes_rate
        elif self.rate > 0:
            left = (progress.total - progress.done) / self.rate
        else:
            return None
        self._left_s = steady(self._left_s, left)
        return self._left_s


def steady(shown_s: float | None, left_s: float) -> float:
    """The next time left to show: a rise of less than half is waited out, so it never counts up."""
    if shown_s is None or left_s < shown_s or left_s > shown_s * 1.5:
        return left_s
    return shown_s


def format_left(left_s: float, *, short: bool = False) -> str:
    """Seconds in words, rounded up to 5 s, 10 s or 1 min; short leaves out the smaller unit."""
    if left_s < 60:
        return f"{max(5, math.ceil(left_s / 5) * 5)}{'s' if short else ' s'}"
    if left_s < 600 and not short:
        minutes, seconds = divmod(math.ceil(left_s / 10) * 10, 60)
        return f"{minutes}m{seconds:02d}s" if seconds else f"{minutes}m"
    minutes = math.ceil(left_s / 60)
    if minutes < 60:
        return f"{minutes}m"
    return f"{minutes // 60}h{minutes % 60:02d}m" if minutes % 60 else f"{minutes // 60}h"


def percent(done: int, total: int) -> int:
    """Whole per cent, rounded down: 100 means all of it."""
    return min(100, done * 100 // total) if total else 0


def badge(progress: Progress) -> str:
    """The badge that is always visible: how much is searchable."""
    if progress.idle:
        return "up to date"
    if progress.total and progress.done < progress.total:
        return f"idx {percent(progress.done, progress.total)}%"
    if progress.stage in ("embed", "seal") and progress.chunks and progress.embedded < progress.chunks:
        return f"meaning {percent(progress.embedded, progress.chunks)}%"
    if progress.stage == "ocr":
        return f"ocr {percent(progress.ocr_done, progress.ocr_total)}%"
    return "indexing"


def line(progress: Progress, rate: float, left_s: float | None, *, narrow: bool = False) -> str:
    """The right half of the status line, `idx 62% 7,740/12,480 · 410/s · 2m10s left · 3!`; "" when idle."""
    failures = f"{progress.failed:,}!" if progress.failed else ""
    if progress.idle:
        return failures
    if progress.stage == "ocr":
        pages = f"ocr {progress.ocr_done:,}/{progress.ocr_total:,} pages"
        return pages if narrow or not failures else f"{pages} · {failures}"
    parts = []
    if progress.total and progress.done < progress.total:
        share = f"idx {percent(progress.done, progress.total)}%"
        if narrow:
            return f"{share} {format_left(left_s, short=True)}" if left_s is not None else share
        parts.append(f"{share} {progress.done:,}/{progress.total:,}")
        if rate >= 0.5:
            parts.append(f"{rate:,.0f}/s")
        if left_s is not None:
            parts.append(f"{format_left(left_s)} left")
    elif progress.stage == "scan" or (progress.stage == "parse" and not progress.total):
        parts.append(f"idx {progress.files_seen or progress.done:,} files")
        if rate >= 0.5 and not narrow:
            parts.append(f"{rate:,.0f}/s")
    if not parts or (progress.chunks and progress.embedded < progress.chunks and not narrow):
        if progress.chunks and progress.embedded < progress.chunks:
            parts.append(f"meaning {percent(progress.embedded, progress.chunks)}%")
        elif not parts:
            parts.append("indexing")
    if failures and not narrow:
        parts.append(failures)
    return " · ".join(parts)
