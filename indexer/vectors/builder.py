"""The engine's side of building a generation: exports the vectors, runs the child, seals what it made."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np

from indexer.errors import StoreError
from indexer.types import Generation
from indexer.vectors import generation
from indexer.vectors.source import Ids, VectorSource, read_blocks

NAME = re.compile(r"m(\d+)-g(\d+)(\.tmp|\.busy)?")
"""Model and number of a generation's folder, of one under construction, of its crash marker."""
_BASE_S, _EACH_S = 120.0, 0.02
"""Time limit of a build: so long, and so much longer for each vector."""
_KEPT = ("PATH", "HOME", "LANG", "PYTHONPATH", "VIRTUAL_ENV")
"""Variables the child sees; keys of model servers are not among them."""


class Builder:
    """Builds the generations of one model, one at a time."""

    def __init__(self, directory: Path, source: VectorSource, model_id: int, dimensions: int) -> None:
        """Keep where and whence; nothing is started."""
        self._directory = directory
        self._source = source
        self._model_id = model_id
        self._dimensions = dimensions
        self._lock = threading.Lock()
        self._stopped = False
        self.process: subprocess.Popen[bytes] | None = None
        """The child, while one runs."""

    def build(self, ids: Ids) -> Generation:
        """Build and seal a generation of `ids` (ascending, not empty). It is not in use yet.

        Raises:
            StoreError: the build failed or was stopped; nothing of it is left.
        """
        name = self._next_name()
        folder = self._directory / f"{name}.tmp"
        try:
            remove(folder)
            folder.mkdir(mode=0o700)
            count = self._export(folder, ids)
            self._run(folder, int(ids[0]), int(ids[-1]), count)
            folder.rename(self._directory / name)
            generation.sync_directory(self._directory)
            digest = generation.manifest_hash(self._directory / name)
        except OSError as exc:
            raise StoreError(
                f"Vectors could not be sealed: {exc.strerror or exc}.",
                hint="Free some space; search works without, only slower.",
            ) from exc
        finally:
            remove(folder)
        return Generation(name=name, lo=int(ids[0]), hi=int(ids[-1]), count=count, manifest=digest)

    def stop(self) -> None:
        """End a build under way and refuse later ones. Callable from any thread."""
        with self._lock:
            self._stopped = True
            if self.process is not None:
                self.process.kill()

    def _next_name(self) -> str:
        names = [path.name for path in self._directory.iterdir()]
        names += [each.name for each in self._source.generations(self._model_id)]
        numbers = [int(m[2]) for name in names if (m := NAME.match(name)) and int(m[1]) == self._model_id]
        return f"m{self._model_id}-g{max(numbers, default=0) + 1}"

    def _export(self, folder: Path, ids: Ids) -> int:
        """Write ids.npy and vectors.npy; returns how many there are."""
        path = folder / "vectors.npy"
        rows = np.lib.format.open_memmap(path, "w+", np.float16, (len(ids), self._dimensions))
        written: list[Ids] = []
        at = 0
        for block, vectors in read_blocks(self._source, self._model_id, ids):
            rows[at : at + len(block)] = vectors
            written.append(block)
            at += len(block)
        rows.flush()
        if at == 0:
            raise StoreError("Vectors could not be sealed: all of them were deleted meanwhile.")
        if at < len(ids):
            kept = np.array(rows[:at])
            del rows
            np.save(path, kept)
        np.save(folder / "ids.npy", np.concatenate(written))
        return at

    def _run(self, folder: Path, lo: int, hi: int, count: int) -> None:
        module = [sys.executable, "-m", "indexer.vectors.build"]
        log = self._directory / "build.log"
        with log.open("wb") as output, self._lock:
            if self._stopped:
                raise StoreError("The library is closed.")
            process = self.process = subprocess.Popen(
                [*module, str(folder), str(lo), str(hi), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={key: value for key, value in os.environ.items() if key in _KEPT},
                start_new_session=True,
            )
        try:
            code = process.wait(timeout=_BASE_S + _EACH_S * count)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        finally:
            self.process = None
        if code != 0:
            raise StoreError(
                f"Vectors could not be sealed: the builder ended with {code}.",
                hint=f"See {log}; search works without, only slower.",
            )


def remove(path: Path) -> None:
    """Delete a file or a folder, whatever is in it; a missing one is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
