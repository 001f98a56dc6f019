"""How good answers, summaries and checks are, as one table beside the last run: `make eval`.

`python -m benchmarks.evaluate [NAME ...] [--quick] [--model]` runs the benchmarks that measure quality, and
the person's own cases when `QUIRE_EVAL_CASES` names some (`--model` asks those of the language model that is
configured). Every figure is kept in `benchmarks/results/`, so that a change of prompt, threshold or model
shows what it did; a quick run is compared with quick runs only.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from benchmarks.__main__ import RESULTS, run_one
from benchmarks.result import Result, Row

NAMES = ("claims", "refusal", "answers", "yesno", "summaries", "counted", "redaction", "cases")
SAME = 0.0005
"""Shares that differ by less are shown as unchanged; times and speeds are not compared."""

_COUNT = re.compile(r"(?:,| \()? ?\bof [\d,]+\)?")
_TIMED = ("ms", "s", "MB/s")


class Kept(TypedDict):
    """The last run of one benchmark."""

    when: str
    """Date and time, local."""
    commit: str
    """Of the program, with "+" when files were changed since; "" when it is not known."""
    result: Result
    before: NotRequired[Result]
    """The run before that one."""


Run = dict[str, Kept]
"""By the name of the benchmark."""


def main(arguments: Sequence[str]) -> int:
    """Run, print and keep; exit code 1 when a benchmark fails to run or misses its goal."""
    quick = "--quick" in arguments
    if "--model" in arguments:
        os.environ["QUIRE_EVAL_MODEL"] = "1"
    names = [name for name in arguments if not name.startswith("-")] or list(NAMES)
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"No such evaluation: {', '.join(unknown)}. There are {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    name = "eval-quick" if quick else "eval"
    RESULTS.mkdir(exist_ok=True)
    kept = load(RESULTS / f"{name}.json")
    for each in names:
        print(f"-- {each}", file=sys.stderr)
        kept = {**kept, each: after(kept.get(each), run_one(each, quick))}
        save(RESULTS / f"{name}.json", kept)  # what is done is kept when a later one is interrupted
    text = report({each: kept[each] for each in names})
    (RESULTS / f"{name}.md").write_text(text + "\n", "utf-8")
    print(text)
    return int(any(failed(kept[each]["result"]) for each in names))


def after(last: Kept | None, result: Result) -> Kept:
    """The run that takes the place of the last; a failed one leaves the figures to compare with."""
    kept: Kept = {"when": time.strftime("%Y-%m-%d %H:%M"), "commit": _commit(), "result": result}
    if last is not None:
        before = last["result"] if last["result"]["rows"] else last.get("before")
        if before is not None:
            kept["before"] = before
    return kept


def failed(result: Result) -> bool:
    """Whether a benchmark broke, or a figure of it misses its goal; one that was left out did neither."""
    return result.get("text", "").startswith("failed") or any(each["met"] is False for each in result["rows"])


def load(path: Path) -> Run:
    """The last run; empty when there is none that can be read."""
    try:
        run: Run = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return run


def save(path: Path, run: Run) -> None:
    """Keep a run, whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(run, indent=1) + "\n", "utf-8")
    part.replace(path)


def _commit() -> str:
    """The commit of the program, "+" behind it when its files were changed."""
    told = []
    for command in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "--untracked-files=no"]):
        try:
            done = subprocess.run(
                ["git", *command], cwd=RESULTS.parent, capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            return ""
        told.append(done.stdout.strip())
    return told[0] + ("+" if told[1] else "")


# --- the table -----------------------------------------------------------------------------------


def report(run: Mapping[str, Kept]) -> str:
    """Everything measured as one table, what there is of each language as another, then the remarks."""
    head = ["# Evaluation", "", *_runs(run), ""]
    table = [
        "| area | what | now | before | change | beside | goal | met |",
        "|---|---|--:|--:|--:|---|---|---|",
        *(line for name, kept in run.items() for line in _lines(name, kept)),
    ]
    remarks = [f"{each}\n" for name, kept in run.items() if (each := _remark(name, kept["result"]))]
    return "\n".join([*head, *table, "", *_languages(run), *remarks]).rstrip()


def _remark(name: str, result: Result) -> str:
    text = result.get("text", "")
    gap = "\n\n" if "\n" in text else " "
    return text and f"**{name}**{gap}{text}"


def _runs(run: Mapping[str, Kept]) -> list[str]:
    stamps: dict[str, list[str]] = {}
    for name, kept in run.items():
        stamps.setdefault(f"{kept['when']}, {kept['commit'] or 'commit not known'}", []).append(name)
    return [f"{stamp}: {', '.join(names)}." for stamp, names in stamps.items()]


def _lines(name: str, kept: Kept) -> list[str]:
    rows = kept["result"]["rows"]
    if not rows:
        return [f"| {name} | not measured | | | | | | |"]
    earlier = by_key(kept["before"]["rows"] if "before" in kept else ())
    return [_line(name, each, earlier.get(key(each))) for each in rows]


def by_key(rows: Iterable[Row]) -> dict[str, Row]:
    """Rows by what they measure."""
    return {key(each): each for each in rows}


def key(row: Row) -> str:
    """What a row measures without how many it counted, which changes from run to run."""
    return _COUNT.sub("", row["what"])


def _line(name: str, now: Row, before: Row | None) -> str:
    met = {True: "yes", False: "**no**", None: ""}[now["met"]]
    value = f"{now['value']:g} {now['unit']}".strip()
    earlier = "" if before is None else f"{before['value']:g}"
    told = [name, now["what"], value, earlier, change(now, before), now["reference"], now["budget"], met]
    return f"| {' | '.join(told)} |"


def change(now: Row, before: Row | None) -> str:
    """The difference to the run before, with a word when its goal tells which way is better."""
    if before is None:
        return "new"
    difference = now["value"] - before["value"]
    if abs(difference) < SAME or now["unit"] in _TIMED:
        return "" if now["unit"] in _TIMED else "="
    way = {"≥": 1, "≤": -1, "<": -1, ">": 1}.get(now["budget"][:1], 0) * difference
    word = " better" if way > 0 else " **worse**" if way < 0 else ""
    return f"{difference:+.4g}{word}"


def _languages(run: Mapping[str, Kept]) -> list[str]:
    """A table with a column for each language, of what the benchmarks tell by language."""
    told: dict[tuple[str, str], dict[str, float]] = {}
    for name, kept in run.items():
        data: Any = kept["result"].get("data") or {}
        for language, figures in (data.get("by_language") or {}).items():
            for what, value in figures.items():
                told.setdefault((name, what), {})[language] = value
    if not told:
        return []
    columns = list(dict.fromkeys(language for figures in told.values() for language in figures))
    lines = [
        "By language:",
        "",
        f"| area | what | {' | '.join(columns)} |",
        f"|---|---|{'--:|' * len(columns)}",
    ]
    for (name, what), figures in told.items():
        values = " | ".join(f"{figures[each]:.3f}" if each in figures else "" for each in columns)
        lines.append(f"| {name} | {what} | {values} |")
    return [*lines, ""]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
