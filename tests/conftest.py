"""Isolation for every test: nobody's own library, configuration or home can be reached."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.builders import Rig

# A shell without job control starts background jobs with SIGINT ignored, and every child would inherit
# that: the tests of Ctrl-C would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

CORPORA = Path(__file__).resolve().parents[2] / "shared" / "corpora"


@pytest.fixture(scope="session", autouse=True)
def isolated_home() -> Iterator[Path]:
    """Point the home, the platform's folders and Quire's own variables into a folder that goes away.

    Short on purpose: a Unix socket's path may have only 107 bytes.
    """
    kept = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="q") as name:
        home = Path(name)
        for variable in [key for key in os.environ if key.startswith(("QUIRE_", "XDG_"))]:
            del os.environ[variable]
        os.environ["HOME"] = name
        for variable, folder in (
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_RUNTIME_DIR", "run"),
        ):
            (home / folder).mkdir(mode=0o700)
            os.environ[variable] = str(home / folder)
        try:
            yield home
        finally:
            os.environ.clear()
            os.environ.update(kept)


@pytest.fixture
def corpora() -> Path:
    """The folder of corpora; use with `pytest.mark.corpora`."""
    if not CORPORA.is_dir():
        pytest.skip("needs ../shared/corpora")
    return CORPORA


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for documents."""
    place = tmp_path / "documents"
    place.mkdir()
    return place


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Makes pipelines over one library folder; all are closed in the end."""
    made: list[Rig] = []

    def make(**options: object) -> Rig:
        made.append(Rig(tmp_path / "library", **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        each.close()
