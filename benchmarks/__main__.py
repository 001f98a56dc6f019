"""Run benchmarks and write their results: `python -m benchmarks [NAME ...] [--quick]`.

Each benchmark runs in a process of its own, one after the other, and returns rows that compare a measured
value with a raw library or a peer of the same run. Machines are shared and noisy: read the ratios, not the
seconds. Results go to `benchmarks/results/` as Markdown and as JSON.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.result import Result, markdown

NAMES = (
    "first_frame",
    "commands",
    "indexing",
    "recoll",
    "embedding",
    "vectors",
    "search_speed",
    "freshness",
    "retrieval",
    "answers",
    "refusal",
    "yesno",
    "summaries",
    "claims",
    "counted",
    "redaction",
    "neardup",
    "organize",
    "quality",
    "tagging",
    "ocr",
)
RESULTS = Path(__file__).parent / "results"


def run_one(name: str, quick: bool) -> Result:
    """Run a benchmark in its own process; what it prints goes to stderr, its result comes back as JSON."""
    script = (
        "import importlib, json, sys\n"
        "out = sys.stdout; sys.stdout = sys.stderr\n"
        f"result = importlib.import_module('benchmarks.{name}').run(quick={quick})\n"
        "json.dump(result, out)"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=False)
    if done.returncode:
        return {
            "title": name,
            "rows": [],
            "text": f"failed with exit code {done.returncode}; see above",
            "took_s": 0,
        }
    result: Result = json.loads(done.stdout)
    result["took_s"] = round(time.monotonic() - began, 1)
    return result


def main(arguments: list[str]) -> int:
    """Run the benchmarks named, or all; exit code 1 when one of them fails to run."""
    quick = "--quick" in arguments
    names = [name for name in arguments if not name.startswith("-")] or list(NAMES)
    RESULTS.mkdir(exist_ok=True)
    results = {}
    for name in names:
        print(f"-- {name}", file=sys.stderr)
        results[name] = run_one(name, quick)
        print(markdown(results[name]), flush=True)
    head = f"Python {platform.python_version()}, {platform.machine()}, {time.strftime('%Y-%m-%d')}"
    text = f"# Results\n\n{head}. Ratios of one run on one machine.\n\n" + "\n\n".join(
        markdown(result) for result in results.values()
    )
    (RESULTS / "results.md").write_text(text + "\n", "utf-8")
    (RESULTS / "results.json").write_text(
        json.dumps({"machine": head, "results": results}, indent=1) + "\n", "utf-8"
    )
    return 1 if any(not result["rows"] for result in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
