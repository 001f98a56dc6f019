"""Sealed generations: Chroma directories that are built once, checked, and never written again.

A generation is a folder:

    manifest.json            versions, id range, and size and SHA-256 of every other file
    ids.npy  vectors.npy     int64 ids, ascending, and their float16 vectors: for exact scans of small scopes
    chroma/                  what Chroma wrote

Chroma writes a row into its SQLite file whenever it opens it, so it is given a working copy: the SQLite file
copied, the large index files linked. The sealed files therefore stay as the manifest describes them.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from indexer.types import Generation
from indexer.vectors import chroma
from indexer.vectors.delta import score, top
from indexer.vectors.source import Ids, Matrix

FORMAT = 1
MANIFEST = "manifest.json"
MAX_CRASHES = 2
"""A generation during whose queries the process died this often is not opened again."""
FORGIVEN_AFTER = 50
"""Queries that must succeed before earlier crashes count no more."""
OPEN_TIMEOUT_S = 60.0
QUERY_TIMEOUT_S = 10.0
TWIN = 0.999
"""Cosine from which two vectors are the same but for rounding."""
_SCAN_ROWS = 8192

T = TypeVar("T")


class DamagedGeneration(Exception):
    """The files are not what was sealed, or Chroma fails on them. Never reaches a person."""


class HangingGeneration(DamagedGeneration):
    """Chroma did not answer in time."""


# --- the manifest --------------------------------------------------------------------------------


def seal(folder: Path, *, lo: int, hi: int, count: int, dimensions: int) -> None:
    """Write the manifest of a folder whose other files are complete, and make all of it durable."""
    files = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        with path.open("rb+") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        files[path.relative_to(folder).as_posix()] = [path.stat().st_size, digest]
    manifest = {
        "format": FORMAT,
        "chroma": chroma.version(),
        "lo": lo,
        "hi": hi,
        "count": count,
        "dimensions": dimensions,
        "files": files,
    }
    with (folder / MANIFEST).open("x", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    for path in (*(p for p in folder.rglob("*") if p.is_dir()), folder):
        sync_directory(path)


def manifest_hash(folder: Path) -> str:
    """Hex SHA-256 of the manifest."""
    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()


def verify(folder: Path, generation: Generation, dimensions: int) -> None:
    """Compare a folder with its manifest and the manifest with the catalogue.

    Raises:
        DamagedGeneration: something differs.
    """
    try:
        if manifest_hash(folder) != generation.manifest:
            raise DamagedGeneration("the manifest was changed")
        manifest = json.loads((folder / MANIFEST).read_bytes())
        expected = (FORMAT, chroma.version(), dimensions)
        if (manifest["format"], manifest["chroma"], manifest["dimensions"]) != expected:
            raise DamagedGeneration("it was built by another version")
        for name, (size, digest) in manifest["files"].items():
            with (folder / name).open("rb") as file:
                if os.fstat(file.fileno()).st_size != size:
                    raise DamagedGeneration(f"{name} has another size")
                if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                    raise DamagedGeneration(f"{name} was changed")
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise DamagedGeneration(f"{type(exc).__name__}: {exc}") from exc


def sync_directory(path: Path) -> None:
    """Make renames inside a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- crashes -------------------------------------------------------------------------------------


class CrashMarker:
    """Two bytes in a mapped file that outlive the process: queries under way, and deaths during one."""

    def __init__(self, path: Path) -> None:
        """Open or create the file. A query that was under way counts as a death."""
        if not path.exists() or path.stat().st_size != 2:
            path.write_bytes(b"\0\0")
        with path.open("rb+") as file:
            self._bytes = mmap.mmap(file.fileno(), 2)
        self._lock = threading.Lock()
        if self._bytes[0]:
            self._bytes[0] = 0
            self._bytes[1] = min(255, self._bytes[1] + 1)

    @property
    def crashes(self) -> int:
        """Processes that died (or hung) during a query."""
        return self._bytes[1]

    def enter(self) -> None:
        """A query begins."""
        with self._lock:
            self._bytes[0] = min(255, self._bytes[0] + 1)

    def leave(self) -> None:
        """A query ended, well or with an exception."""
        with self._lock:
            self._bytes[0] = max(0, self._bytes[0] - 1)

    def forgive(self) -> None:
        """Earlier crashes count no more."""
        self._bytes[1] = 0

    def close(self) -> None:
        """Release the file."""
        self._bytes.close()


def _within(seconds: float, call: Callable[[], T]) -> T:
    """Run `call` in a thread of its own: Chroma cannot be interrupted, only left alone.

    Raises:
        DamagedGeneration: it took longer.
    """
    outcome: list[tuple[bool, Any]] = []

    def run() -> None:
        try:
            outcome.append((True, call()))
        except BaseException as exc:  # noqa: BLE001 - handed to the caller, whatever it is
            outcome.append((False, exc))

    thread = threading.Thread(target=run, daemon=True, name="quire-chroma")
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise HangingGeneration(f"no answer in {seconds:.0f} s")
    good, value = outcome[0]
    if good:
        return value  # type: ignore[no-any-return]
    # A panic in Chroma's Rust code is no Exception; left alone it would pass every handler.
    raise DamagedGeneration(f"{type(value).__name__}: {value}") from value


# --- an open generation --------------------------------------------------------------------------


class Sealed:
    """An open generation. Safe to search from several threads; closed when the last search is over."""

    def __init__(self, root: Path, generation: Generation, dimensions: int, live: Ids) -> None:
        """Verify and open a generation.

        Args:
            root: The folder of all generations.
            generation: Which one, as the catalogue knows it.
            dimensions: Length of a vector.
            live: Ids of the catalogue, ascending; others are masked.

        Raises:
            DamagedGeneration: it must be built again.
        """
        self.generation = generation
        self._folder = root / generation.name
        self._work = root / "open" / f"{generation.name}-{os.getpid()}"
        self._lock = threading.Lock()
        self._in_use = 0
        self._closing = False
        self._answered = 0
        verify(self._folder, generation, dimensions)
        self._marker = CrashMarker(root / f"{generation.name}.busy")
        if self._marker.crashes >= MAX_CRASHES:
            self._marker.close()
            raise DamagedGeneration("Chroma crashed on it twice")
        self.ids: Ids = np.load(self._folder / "ids.npy")
        self._vectors: NDArray[np.float16] = np.load(self._folder / "vectors.npy", mmap_mode="r")
        self.dead = set(np.setdiff1d(self.ids, live, assume_unique=True).tolist())
        self._directory = self._open()

    @property
    def alive(self) -> int:
        """Vectors that still exist."""
        return len(self.ids) - len(self.dead)

    def covers(self, ids: Ids) -> NDArray[np.bool_]:
        """Which of `ids` this generation holds."""
        at = np.searchsorted(self.ids, ids)
        at[at == len(self.ids)] = 0
        return np.asarray(self.ids[at] == ids)

    def mark_dead(self, ids: Ids) -> None:
        """Mask vectors that were deleted."""
        self.dead = self.dead.union(ids[self.covers(ids)].tolist())

    def search(self, vector: Matrix, k: int) -> list[tuple[int, float]]:
        """The `k` nearest that are alive, as (id, cosine), best first.

        Raises:
            DamagedGeneration: Chroma failed or did not answer.
        """
        wanted = min(len(self.ids), k + 8 + 2 * k * len(self.dead) // max(1, len(self.ids)))
        while True:
            found = self._query(vector, wanted)
            alive = [pair for pair in found if pair[0] not in self.dead]
            if len(alive) >= min(k, self.alive) or wanted == len(self.ids) or len(found) < wanted:
                return alive[:k]
            wanted = min(len(self.ids), 4 * wanted)

    def scan(self, vector: Matrix, k: int, allowed: Ids) -> list[tuple[int, float]]:
        """The `k` nearest of `allowed` (ascending), exactly: every one of them is looked at."""
        rows = np.searchsorted(self.ids, allowed[self.covers(allowed)])
        best: list[tuple[int, float]] = []
        for first in range(0, len(rows), _SCAN_ROWS):
            part = rows[first : first + _SCAN_ROWS]
            best += top(self.ids[part], score(self._vectors[part], vector), k)
        return sorted(
            (pair for pair in best if pair[0] not in self.dead), key=lambda pair: (-pair[1], pair[0])
        )[:k]

    def self_query(self, samples: int = 20) -> tuple[int, int]:
        """Let samples look for themselves: (how many found themselves or a twin, how many were asked).

        Raises:
            DamagedGeneration: Chroma failed or did not answer.
        """
        rows = np.unique(np.linspace(0, len(self.ids) - 1, samples, dtype=np.int64))
        found = 0
        for row in rows:
            near = self._query(np.asarray(self._vectors[row], np.float32), min(10, len(self.ids)))
            found += any(i == self.ids[row] or cosine > TWIN for i, cosine in near)
        return found, len(rows)

    def acquire(self) -> None:
        """Keep it open until `release`."""
        with self._lock:
            self._in_use += 1

    def release(self) -> None:
        """End what `acquire` began."""
        with self._lock:
            self._in_use -= 1
            last = self._closing and self._in_use == 0
        if last:
            self._release()

    def close(self) -> None:
        """Release the files once no search uses them."""
        with self._lock:
            self._closing = True
            idle = self._in_use == 0
        if idle:
            self._release()

    def _open(self) -> chroma.Directory:
        shutil.rmtree(self._work, ignore_errors=True)
        try:
            _working_copy(self._folder / "chroma", self._work)
        except OSError as exc:
            raise DamagedGeneration(f"no working copy: {exc.strerror}") from exc
        directory = self._guarded(OPEN_TIMEOUT_S, lambda: chroma.Directory(self._work))
        count = self._guarded(OPEN_TIMEOUT_S, directory.open)
        if count != len(self.ids):
            raise DamagedGeneration(f"{count} vectors instead of {len(self.ids)}")
        probe = np.asarray(self._vectors[0], np.float32)
        self._guarded(OPEN_TIMEOUT_S, lambda: directory.query(probe, 1))
        return directory

    def _query(self, vector: Matrix, k: int) -> list[tuple[int, float]]:
        found = self._guarded(QUERY_TIMEOUT_S, lambda: self._directory.query(vector, k))
        self._answered += 1
        if self._answered == FORGIVEN_AFTER:
            self._marker.forgive()
        return found

    def _guarded(self, seconds: float, call: Callable[[], T]) -> T:
        self._marker.enter()
        try:
            result = _within(seconds, call)
        except HangingGeneration:
            raise  # still under way: whoever stops this process now stops it during a query
        except DamagedGeneration:
            self._marker.leave()
            raise
        self._marker.leave()
        return result

    def _release(self) -> None:
        self._directory.close()
        self._marker.close()
        shutil.rmtree(self._work, ignore_errors=True)


def _working_copy(source: Path, target: Path) -> None:
    """SQLite's files copied, the rest linked (copied where the file system has no links)."""
    for path in source.rglob("*"):
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.name.startswith("chroma.sqlite3"):
            shutil.copyfile(path, place)
            continue
        try:
            os.link(path, place)
        except OSError:
            shutil.copyfile(path, place)
