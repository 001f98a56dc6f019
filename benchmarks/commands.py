"""Commands as whole processes: what a person or a script waits for, beside an empty Python process."""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.result import CORPORA, Result, Row, row, timed

SAMPLES = Path(__file__).parents[1] / "tui" / "samples"
WARM_MS = 150
COLD_S = 1.5


def run(*, quick: bool = False) -> Result:
    """Time each command in turn, so that a busy moment of the machine hits all of them alike."""
    documents = CORPORA / "peps" / "docs"
    if quick or not documents.is_dir():
        documents = SAMPLES
    rounds, cold_rounds = (7, 3) if quick else (25, 7)
    for package in ("indexer", "copilot", "tui"):
        # As an installation has it; where PYTHONDONTWRITEBYTECODE is set, a source tree has no byte code.
        compileall.compile_dir(SAMPLES.parents[1] / package, quiet=1)
    with tempfile.TemporaryDirectory() as scratch:
        quire = _Quire(Path(scratch, "library"))
        try:
            quire.run("index", str(documents), "--quiet")
            quire.run("search", "warm", "--json", "--quiet")
            times: dict[str, list[float]] = {"python": [], "version": [], "warm": []}
            for _ in range(rounds):
                times["python"] += timed(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True))
                times["version"] += timed(lambda: quire.run("--version"))
                times["warm"] += timed(lambda: quire.run("search", "roof beams", "--json"))
            cold = []
            for _ in range(cold_rounds):
                quire.run("engine", "stop")
                cold += timed(lambda: quire.run("search", "roof beams", "--mode", "keyword", "--json"))
        finally:
            quire.run("engine", "stop", "--quiet")
    return {
        "title": "Commands as whole processes",
        "rows": _rows({name: median(values) for name, values in times.items()}, median(cold)),
        "text": f"Medians of {rounds} runs ({cold_rounds} with a cold engine) over `{documents.name}`.",
    }


def _rows(times: dict[str, float], cold_s: float) -> list[Row]:
    python_s = times["python"]
    reference = f"`python -c pass` {python_s * 1000:.0f} ms"
    return [
        row(
            "`quire --version`",
            times["version"] * 1000,
            "ms",
            reference=reference,
            ratio=times["version"] / python_s,
        ),
        row(
            "`quire search`, engine warm",
            times["warm"] * 1000,
            "ms",
            reference=reference,
            ratio=times["warm"] / python_s,
            budget=f"≤ {WARM_MS} ms",
            met=times["warm"] * 1000 <= WARM_MS,
        ),
        row(
            "`quire search --mode keyword`, engine cold",
            cold_s,
            "s",
            reference=reference,
            ratio=cold_s / python_s,
            budget=f"≤ {COLD_S} s",
            met=cold_s <= COLD_S,
        ),
    ]


class _Quire:
    """The installed command with a library of its own."""

    def __init__(self, library: Path) -> None:
        script = Path(sys.executable).with_name("quire")
        self._command = [str(script)] if script.exists() else [sys.executable, "-m", "tui.cli"]
        self._environment = {**os.environ, "QUIRE_LIBRARY": str(library), "QUIRE_CONFIG": os.devnull}

    def run(self, *arguments: str) -> None:
        """Run it; finding nothing (exit code 1) is no failure here."""
        done = subprocess.run([*self._command, *arguments], env=self._environment, stdout=subprocess.DEVNULL)
        if done.returncode not in (0, 1):
            raise RuntimeError(f"quire {' '.join(arguments)} ended with {done.returncode}")
