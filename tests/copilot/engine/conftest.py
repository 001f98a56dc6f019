"""What all tests of the engine need."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _same_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files saved by an editor while the tests run must not look like another version."""
    monkeypatch.setenv("QUIRE_BUILD", "under-test")
