"""The vector store: sealed generations (or a server) plus what is newer, searched as one.

Reads never wait for writes. Nothing here is the truth: whatever is damaged is dropped, scored by brute force
from the catalogue's vectors meanwhile, and built again by the next `seal_if_due`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.config import VectorsConfig
from indexer.errors import StoreError
from indexer.types import Check, Generation
from indexer.vectors import generation as sealed_files
from indexer.vectors.delta import Delta
from indexer.vectors.generation import DamagedGeneration, Sealed
from indexer.vectors.remote import Remote
from indexer.vectors.source import Ids, Matrix, VectorSource, read_blocks

log = logging.getLogger(__name__)

SMALLEST = 1000
"""Fewer vectors are never sealed: scoring them takes 0.2 ms, loading Chroma seconds."""
MAX_DEAD = 0.2
"""Share of deleted vectors from which a generation is built anew."""
EXACT_ROWS = 8192
"""Scopes up to this many vectors are scanned exactly."""
_PUSH_ROWS = 2000
_BUILD_SECONDS = (120.0, 0.02)
"""Time limit of a build: seconds, and seconds for each vector."""
_NAME = re.compile(r"m(\d+)-g(\d+)(\.tmp|\.busy)?")


class VectorStore:
    """Vectors of one model. `search` may be called from any thread, the rest from one at a time."""

    def __init__(
        self,
        directory: Path,
        source: VectorSource,
        model_id: int,
        dimensions: int,
        config: VectorsConfig,
        *,
        allow_remote: bool = False,
    ) -> None:
        """Open what is sealed, read the rest into memory. Takes seconds; call it in the background.

        Args:
            directory: `<library>/vectors`; created when missing.
            source: The catalogue.
            model_id: Whose vectors.
            dimensions: Length of a vector.
            config: The section [vectors].
            allow_remote: The owner's policy, for a server on another machine.

        Raises:
            ConfigError: a server is configured without address or key.
            EgressRefusedError: the policy forbids the server.
        """
        self._directory = directory
        self._source = source
        self._model_id = model_id
        self._dimensions = dimensions
        self._config = config
        self._delta = Delta(dimensions)
        self._lock = threading.RLock()
        self._sealing = threading.Lock()
        self._sealed: tuple[Sealed, ...] = ()
        self._damaged = False
        self._builder: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._remote: Remote | None = None
        if config.mode != "embedded":
            self._remote = Remote(directory, model_id, dimensions, config, allow_remote=allow_remote)
        self._load()

    # --- reading ---

    def search(
        self, vector: NDArray[np.float32], k: int, *, allowed: Collection[int] | None = None
    ) -> list[tuple[int, float]]:
        """The `k` nearest vectors as (id, cosine), best first; ties by id.

        Args:
            vector: Unit length, `dimensions` long.
            k: At most this many.
            allowed: Only these vector ids; None means all.

        Raises:
            StoreError: the Chroma server does not answer (modes server and cloud only).
        """
        query = np.ascontiguousarray(vector, dtype=np.float32).reshape(-1)
        if len(query) != self._dimensions:
            raise StoreError(f"A vector of {len(query)} numbers in a store of {self._dimensions}.")
        scope = None if allowed is None else np.unique(np.fromiter(allowed, np.int64, len(allowed)))
        if k <= 0 or (scope is not None and not len(scope)):
            return []
        while True:
            with self._using() as generations:
                found = dict(self._delta.search(query, k, scope))
                bad: list[tuple[Sealed, str]] = []
                for each in generations:
                    try:
                        found.update(self._from_one(each, query, k, scope))
                    except DamagedGeneration as exc:
                        bad.append((each, str(exc)))
            if self._remote is not None:
                found |= dict(self._from_remote(self._remote, query, k, scope))
            if not bad:
                return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:k]
            for each, reason in bad:
                self._drop(each, reason)

    def count(self) -> int:
        """Vectors that can be found now."""
        held = sum(each.alive for each in self._sealed) + len(self._delta)
        return held + (len(self._remote.ids) - len(self._remote.doomed) if self._remote else 0)

    def check(self) -> list[Check]:
        """Compare with the catalogue, verify every file, and let samples look for themselves."""
        live = self._source.vector_ids(self._model_id)
        held = self.count()
        checks = [
            Check(
                name="vectors",
                ok=held == len(live),
                detail=f"{held} of {len(live)} can be found, {len(self._delta)} of them not sealed yet",
                remedy="" if held == len(live) else "Restart the engine: quire engine stop",
            )
        ]
        if self._remote is not None:
            checks.append(Check(name="vector server", ok=True, detail=self._remote.describe()))
        with self._using() as generations:
            checks += [self._check_one(each) for each in generations]
        return checks

    # --- writing ---

    def added(self, ids: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Vectors were committed to the catalogue; they are found from now on."""
        self._delta.add(np.asarray(ids, np.int64), np.asarray(vectors, np.float32))
        if self._remote is not None and len(self._delta) >= _PUSH_ROWS:
            # What the server does not take now stays in memory and is offered again.
            with contextlib.suppress(StoreError):
                self._push()

    def deleted(self, ids: Iterable[int]) -> None:
        """Vectors were deleted from the catalogue; they are not found from now on."""
        gone = np.unique(np.fromiter(ids, np.int64))
        with self._lock:
            self._delta.remove(gone)
            for each in self._sealed:
                each.mark_dead(gone)
            if self._remote is not None:
                self._remote.doomed |= set(np.intersect1d(gone, self._remote.ids).tolist())

    def seal_if_due(self, *, force: bool = False) -> bool:
        """Build a generation if there is reason to, and swap it in; True when something changed.

        Reasons: more than `seal_after` newer vectors, a fifth of a generation deleted, damage; `force` is
        one whenever there are newer vectors. Blocks for seconds to minutes; searches go on meanwhile. With
        a server: sends what it lacks.

        Raises:
            StoreError: the build failed (nothing is lost) or the server does not answer.
        """
        with self._sealing:
            if self._remote is not None:
                return self._push()
            return self._seal(force)

    def close(self) -> None:
        """Stop a build under way and release all files."""
        builder = self._builder
        if builder is not None:
            builder.kill()
        with self._lock:
            closing, self._sealed = self._sealed, ()
        for each in closing:
            each.close()

    # --- loading ---

    def _load(self) -> None:
        live = self._source.vector_ids(self._model_id)
        if self._remote is not None:
            try:
                self._remote.refresh(live)
            except StoreError as exc:
                log.warning("%s", exc.message)
            self._fill(np.setdiff1d(live, self._remote.ids, assume_unique=True))
            return
        known = self._source.generations(self._model_id)
        self._sweep({each.name for each in known})
        opened: list[Sealed] = []
        for each in known:
            try:
                opened.append(Sealed(self._directory, each, self._dimensions, live))
            except DamagedGeneration as exc:
                self._discard(each.name, str(exc))
        self._sealed = tuple(opened)
        self._fill(self._uncovered(live, self._sealed))

    def _fill(self, ids: Ids) -> None:
        for block, vectors in read_blocks(self._source, self._model_id, ids):
            self._delta.add(block, vectors)

    @staticmethod
    def _uncovered(ids: Ids, generations: Iterable[Sealed]) -> Ids:
        for each in generations:
            ids = ids[~each.covers(ids)]
        return ids

    def _sweep(self, known: Collection[str]) -> None:
        """Remove what a crash left behind: unfinished builds, replaced generations, working copies."""
        for path in (*self._directory.iterdir(), *(self._directory / "open").glob("*")):
            match = _NAME.match(path.name)
            if match is None or int(match[1]) != self._model_id:
                continue
            name = path.name.removesuffix(".busy")
            if name not in known:
                _remove(path)

    # --- searching ---

    @contextlib.contextmanager
    def _using(self) -> Iterator[tuple[Sealed, ...]]:
        with self._lock:
            generations = self._sealed
            for each in generations:
                each.acquire()
        try:
            yield generations
        finally:
            for each in generations:
                each.release()

    @staticmethod
    def _from_one(each: Sealed, query: Matrix, k: int, scope: Ids | None) -> list[tuple[int, float]]:
        if scope is None:
            return each.search(query, k)
        inside = int(each.covers(scope).sum())
        if inside > EXACT_ROWS:
            # Enough of the nearest lie in so wide a scope; if not, it is scanned after all.
            wanted = min(len(each.ids), 2 * k * len(each.ids) // inside + 32)
            near = [pair for pair in each.search(query, wanted) if _contains(scope, pair[0])]
            if len(near) >= k:
                return near[:k]
        return each.scan(query, k, scope) if inside else []

    def _from_remote(
        self, remote: Remote, query: Matrix, k: int, scope: Ids | None
    ) -> list[tuple[int, float]]:
        if scope is None:
            return remote.search(query, k)
        there = np.intersect1d(scope, remote.ids)
        if len(there) > EXACT_ROWS:
            wanted = min(len(remote.ids), 2 * k * len(remote.ids) // len(there) + 32)
            near = [pair for pair in remote.search(query, wanted) if _contains(scope, pair[0])]
            if len(near) >= k:
                return near[:k]
        exact = Delta(self._dimensions)
        for block, vectors in read_blocks(self._source, self._model_id, there):
            exact.add(block, vectors)
        return exact.search(query, k)

    # --- damage ---

    def _drop(self, each: Sealed, reason: str) -> None:
        """Take a generation out of use and score its vectors by brute force."""
        with self._lock:
            if each not in self._sealed:
                return
            self._sealed = tuple(other for other in self._sealed if other is not each)
            each.close()
            self._discard(each.generation.name, reason)
            self._fill(self._uncovered(self._source.vector_ids(self._model_id), self._sealed))

    def _discard(self, name: str, reason: str) -> None:
        log.warning("vector generation %s is dropped: %s", name, reason)
        self._damaged = True
        self._source.replace_generations(self._model_id, [name], [])
        self._erase(name)

    def _erase(self, name: str) -> None:
        _remove(self._directory / name)
        _remove(self._directory / f"{name}.busy")

    def _check_one(self, each: Sealed) -> Check:
        name = f"vector generation {each.generation.name}"
        try:
            sealed_files.verify(self._directory / each.generation.name, each.generation, self._dimensions)
            found, asked = each.self_query()
        except DamagedGeneration as exc:
            return Check(
                name=name, ok=False, detail=str(exc), remedy="It is built again when the engine starts."
            )
        return Check(
            name=name,
            ok=found * 10 >= asked * 9,
            detail=f"{each.alive} vectors, files intact, {found} of {asked} samples found",
        )

    # --- sealing ---

    def _seal(self, force: bool) -> bool:
        with self._lock:
            merged = self._to_merge(force)
            if merged is None:
                return False
            ids = np.concatenate([self._delta.ids, *(each.ids for each in merged)])
        live = self._source.vector_ids(self._model_id)
        ids = np.intersect1d(ids, live)
        old = [each.generation.name for each in merged]
        fresh = self._built(ids) if len(ids) else None
        opened = self._opened(fresh) if fresh else None
        with self._lock:
            self._source.replace_generations(self._model_id, old, [fresh] if fresh else [])
            if opened:
                # What was deleted since it was opened was not told to it.
                now = self._source.vector_ids(self._model_id)
                opened.mark_dead(np.setdiff1d(opened.ids, now, assume_unique=True))
            rest = tuple(each for each in self._sealed if each not in merged)
            self._sealed = (*rest, opened) if opened else rest
            self._delta.remove(ids.tolist())
            self._damaged = False
        for each in merged:
            each.close()
            self._erase(each.generation.name)
        return True

    def _to_merge(self, force: bool) -> list[Sealed] | None:
        """The generations to build anew together with the delta; None when nothing is due.

        Those not larger than what is built are taken along, as in a binary counter: each vector is built
        into an index about log2(n / seal_after) times, and a search meets as many generations.
        """
        fresh = len(self._delta)
        smallest = min(SMALLEST, self._config.seal_after)
        due = fresh >= smallest and (force or self._damaged or fresh > self._config.seal_after)
        stale = [each for each in self._sealed if len(each.dead) > MAX_DEAD * len(each.ids)]
        if not due and not stale:
            return None
        size = fresh + sum(each.alive for each in stale)
        merged = list(stale)
        for each in sorted(self._sealed, key=lambda one: one.alive):
            if each not in stale and each.alive <= size:
                merged.append(each)
                size += each.alive
        return merged

    def _built(self, ids: Ids) -> Generation:
        name = self._next_name()
        folder = self._directory / f"{name}.tmp"
        try:
            _remove(folder)
            folder.mkdir(mode=0o700)
            count = self._export(folder, ids)
            self._run_builder(folder, int(ids[0]), int(ids[-1]), count)
            folder.rename(self._directory / name)
            sealed_files.sync_directory(self._directory)
        except OSError as exc:
            raise StoreError(
                f"Vectors could not be sealed: {exc.strerror or exc}.",
                hint="Free some space; search works without, only slower.",
            ) from exc
        finally:
            _remove(folder)
        digest = sealed_files.manifest_hash(self._directory / name)
        return Generation(name=name, lo=int(ids[0]), hi=int(ids[-1]), count=count, manifest=digest)

    def _export(self, folder: Path, ids: Ids) -> int:
        """Write ids.npy and vectors.npy; returns how many there are."""
        rows = np.lib.format.open_memmap(
            folder / "vectors.npy", "w+", np.float16, (len(ids), self._dimensions)
        )
        written: list[Ids] = []
        at = 0
        for block, vectors in read_blocks(self._source, self._model_id, ids):
            rows[at : at + len(block)] = vectors
            written.append(block)
            at += len(block)
        rows.flush()
        if at < len(ids):
            np.save(folder / "vectors.npy", np.array(rows[:at]))
        np.save(folder / "ids.npy", np.concatenate(written))
        return at

    def _run_builder(self, folder: Path, lo: int, hi: int, count: int) -> None:
        command = [
            sys.executable,
            "-m",
            "indexer.vectors.build",
            str(folder),
            str(lo),
            str(hi),
            str(os.getpid()),
        ]
        base, each = _BUILD_SECONDS
        kept = {
            key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG", "PYTHONPATH")
        }
        with (folder.parent / "build.log").open("wb") as output:
            self._builder = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=kept,
                start_new_session=True,
            )
            try:
                code = self._builder.wait(timeout=base + each * count)
            except subprocess.TimeoutExpired:
                self._builder.kill()
                code = self._builder.wait()
            finally:
                self._builder = None
        if code != 0:
            raise StoreError(
                f"Vectors could not be sealed: the builder ended with {code}.",
                hint=f"See {folder.parent / 'build.log'}; search works without, only slower.",
            )

    def _opened(self, fresh: Generation) -> Sealed:
        try:
            live = self._source.vector_ids(self._model_id)
            return Sealed(self._directory, fresh, self._dimensions, live)
        except DamagedGeneration as exc:
            self._erase(fresh.name)
            raise StoreError(f"The sealed vectors cannot be opened: {exc}.") from exc

    def _next_name(self) -> str:
        names = [path.name for path in self._directory.iterdir()]
        names += [each.name for each in self._source.generations(self._model_id)]
        numbers = [int(m[2]) for name in names if (m := _NAME.match(name)) and int(m[1]) == self._model_id]
        return f"m{self._model_id}-g{max(numbers, default=0) + 1}"

    def _push(self) -> bool:
        assert self._remote is not None
        live = self._source.vector_ids(self._model_id)
        waiting = np.intersect1d(self._delta.ids, live)
        if not len(waiting) and not self._remote.doomed:
            return False
        self._remote.bury()
        for block, vectors in read_blocks(self._source, self._model_id, waiting):
            self._remote.push(block, vectors)
            self._delta.remove(block.tolist())
        return True


def forget_models(directory: Path, keep: Collection[int]) -> None:
    """Remove the generations of models that are not in `keep`."""
    for path in directory.glob("m*-g*"):
        match = _NAME.match(path.name)
        if match and int(match[1]) not in keep:
            _remove(path)


def _contains(ids: Ids, wanted: int) -> bool:
    at = int(np.searchsorted(ids, wanted))
    return at < len(ids) and int(ids[at]) == wanted


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
