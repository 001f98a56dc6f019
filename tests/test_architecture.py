"""What each way into the program loads. Slow imports are the difference between instant and not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from copilot.engine import VERSION

HEAVY = {
    "chromadb",
    "docx",
    "httpx",
    "httpx2",
    "llama_index",
    "lxml",
    "numpy",
    "onnxruntime",
    "openai",
    "pptx",
    "pydantic",
    "pymupdf",
    "tantivy",
    "tokenizers",
}
SERVER = {"starlette", "uvicorn", "http.client", "email"}

COMMANDS = """
import importlib
from tui.cli import COMMANDS, cli
for module in set(COMMANDS.values()):
    importlib.import_module(f"tui.commands.{module}")
import tui.output, tui.demo, copilot.engine.client
"""
INTERFACE = "import tui.cli, tui.commands.interface, tui.lifecycle, tui.app, copilot.engine.client"
LIBRARY = "import indexer.library"
ENGINE = "import copilot.engine.app, copilot.engine.methods, copilot.session"


def loaded_by(code: str) -> set[str]:
    """Names of all modules that a fresh Python has after `code`."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("code", "forbidden"),
    [
        (COMMANDS, HEAVY | SERVER | {"textual", "rich", "copilot.types", "indexer.types"}),
        (INTERFACE, HEAVY | SERVER),
        (LIBRARY, (HEAVY - {"numpy", "pydantic", "tantivy"}) | {"textual", "rich"}),
        (ENGINE, (HEAVY - {"numpy", "pydantic", "tantivy"}) | {"textual", "rich"}),
    ],
    ids=["commands", "interface", "library", "engine"],
)
def test_nothing_slow_is_loaded(code: str, forbidden: set[str]) -> None:
    assert loaded_by(code) & forbidden == set()


def test_version_is_that_of_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == VERSION


def test_onnxruntime_keeps_no_records_of_its_user(tmp_path: Path) -> None:
    folders = {
        "HOME": tmp_path / "home",
        "TMPDIR": tmp_path / "scratch",
        "XDG_CACHE_HOME": tmp_path / "cache",
    }
    for folder in folders.values():
        folder.mkdir()
    environment = {**os.environ, **{name: str(folder) for name, folder in folders.items()}}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    script = "import indexer, onnxruntime"
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    assert [path for folder in folders.values() for path in folder.rglob("*")] == []
