"""The transcripts in the README are what the commands print."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from indexer import embedding
from indexer.config import EmbeddingConfig
from indexer.errors import ModelMissingError
from tui.demo import SAMPLES

README = Path(__file__).parents[2] / "README.md"
TRANSCRIPT = re.compile(r"(?<=```console\n).*?(?=```)", re.DOTALL)
PROGRESS = re.compile(r"^[a-z]+: \d+ of \d+ (?:documents|pages).*\n", re.MULTILINE)
"""Printed every ten seconds, should it take that long."""
VARYING = re.compile(r"\d+(?:\.\d+)? m?s\b|\d+%|\d+ of \d+ found|read \d+")
"""Times, and what other processors reckon a little differently."""

pytestmark = pytest.mark.xdist_group("cli")


def test_transcripts_in_the_readme_are_true(tmp_path: Path) -> None:
    """With REWRITE_README=1 in the environment they are written anew instead."""
    try:
        embedding.load(EmbeddingConfig(threads=1), cache=tmp_path / "models", allow_remote=False)
    except ModelMissingError:
        pytest.skip("the embedding model is not installed")
    text = README.read_text("utf-8")
    told = TRANSCRIPT.findall(text)
    shutil.copytree(SAMPLES, tmp_path / "museum")
    try:
        printed = [replay(tmp_path, block) for block in told]
    finally:
        run(tmp_path, "$ quire engine stop")
    if os.environ.get("REWRITE_README"):
        blocks = iter(printed)
        README.write_text(TRANSCRIPT.sub(lambda _: next(blocks), text), "utf-8")
    else:
        assert [VARYING.sub("…", block) for block in printed] == [VARYING.sub("…", block) for block in told]


def replay(folder: Path, block: str) -> str:
    """A block of the README with what its commands print now; all blocks speak of one library."""
    lines = [line for line in block.splitlines() if line.startswith("$ ")]
    return "\n".join(f"{line}\n{run(folder, line)}" for line in lines)


def run(folder: Path, line: str) -> str:
    """What a command of the transcript prints, standard error after standard output."""
    _, *arguments = shlex.split(line.removeprefix("$ "))
    done = subprocess.run(
        [sys.executable, "-m", "tui.cli", *arguments],
        cwd=folder,
        env={
            **{name: value for name, value in os.environ.items() if name != "FORCE_COLOR"},
            "PYTHONPATH": str(README.parent),
            "QUIRE_LIBRARY": str(folder / "library"),
            "QUIRE_CONFIG": os.devnull,
            "HOME": str(folder),
            "COLUMNS": "100",
            "OLLAMA_HOST": "127.0.0.1:9",  # nothing listens there
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout + PROGRESS.sub("", done.stderr)
