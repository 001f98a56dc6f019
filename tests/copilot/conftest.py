from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class ModelServer:
    """A running `model_server.py`."""

    url: str

    def log(self) -> list[dict[str, Any]]:
        """Every request since the start, oldest first."""
        with urllib.request.urlopen(f"{self.url}/_log", timeout=10) as answer:
            entries: list[dict[str, Any]] = json.load(answer)
        return entries

    def asked(self, model: str) -> list[dict[str, Any]]:
        """Bodies of the requests for one model."""
        return [entry["body"] for entry in self.log() if entry.get("body", {}).get("model") == model]


def start_server() -> tuple[subprocess.Popen[str], ModelServer]:
    script = Path(__file__).with_name("model_server.py")
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, ModelServer(f"http://127.0.0.1:{int(process.stdout.readline())}")


def stop_server(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@pytest.fixture(scope="session")
def model_server() -> Iterator[ModelServer]:
    process, server = start_server()
    yield server
    stop_server(process)


@pytest.fixture
def other_server() -> Iterator[ModelServer]:
    """A second server that must get nothing."""
    process, server = start_server()
    yield server
    stop_server(process)
