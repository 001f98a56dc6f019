"""What a benchmark returns, and how it is shown."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict

CORPORA = (Path(__file__).parents[2] / "shared" / "corpora").resolve()
"""Real documents with known answers; a benchmark that needs them says so when they are not there."""


class Row(TypedDict):
    """One measured figure beside its reference and its budget."""

    what: str
    value: float
    unit: str
    reference: str
    """What it is compared with, with its value; "" for an absolute figure."""
    ratio: float | None
    budget: str
    met: bool | None
    """None when there is no budget."""


class Result(TypedDict):
    """All rows of a benchmark."""

    title: str
    rows: list[Row]
    text: NotRequired[str]
    """More, as Markdown."""
    took_s: NotRequired[float]
    data: NotRequired[Any]


def row(
    what: str,
    value: float,
    unit: str,
    *,
    reference: str = "",
    ratio: float | None = None,
    budget: str = "",
    met: bool | None = None,
) -> Row:
    """Make a row; values are rounded for reading."""
    return {
        "what": what,
        "value": _short(value),
        "unit": unit,
        "reference": reference,
        "ratio": None if ratio is None else _short(ratio),
        "budget": budget,
        "met": met,
    }


def markdown(result: Result) -> str:
    """The result as a Markdown section."""
    lines = [f"## {result['title']}", ""]
    if result["rows"]:
        lines += ["| what | measured | beside | ratio | budget | met |", "|---|---|---|---|---|---|"]
    for each in result["rows"]:
        met = {True: "yes", False: "**no**", None: ""}[each["met"]]
        ratio = "" if each["ratio"] is None else f"{each['ratio']:g}"
        lines.append(
            f"| {each['what']} | {each['value']:g} {each['unit']} | {each['reference']} | {ratio} "
            f"| {each['budget']} | {met} |"
        )
    if result.get("text"):
        lines += ["", result["text"]]
    return "\n".join(lines)


def timed(work: Callable[[], object], *, repeat: int = 1) -> list[float]:
    """Wall-clock seconds of each of `repeat` calls, in order."""
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return times


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie; values need not be sorted."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=1000, method="inclusive")[min(998, round(share * 1000) - 1)]


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6
