"""The vector store: sealed generations (or a server) plus what is newer, searched as one.

Reads never wait for writes. Nothing here is the truth: whatever is damaged is dropped, scored by brute force
from the catalogue's vectors meanwhile, and built again by the next `seal_if_due`.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.config import VectorsConfig
from indexer.errors import StoreError
from indexer.types import Check, Generation
from indexer.vectors import generation as sealed_files
from indexer.vectors.builder import NAME, Builder, remove
from indexer.vectors.delta import Delta
from indexer.vectors.generation import DamagedGeneration, Sealed
from indexer.vectors.remote import Remote
from indexer.vectors.source import Customs, Ids, Matrix, VectorSource, read_blocks

log = logging.getLogger(__name__)

SMALLEST = 1000
"""Fewer vectors are never sealed: scoring them takes 0.2 ms, loading Chroma seconds."""
MAX_DEAD = 0.2
"""Share of deleted vectors from which a generation is built anew."""
EXACT_ROWS = 8192
"""Scopes up to this many vectors are scanned exactly."""
_PUSH_ROWS = 2000
_RETRY_S = 300.0
_LOOK_S = 60.0
"""Time between two looks at whether what a server holds may be there."""


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
        tunnels: Sequence[str] = (),
        customs: Customs | None = None,
    ) -> None:
        """Open what is sealed, read the rest into memory. Takes seconds; call it in the background.

        Args:
            directory: `<library>/vectors`; created when missing.
            source: The catalogue.
            model_id: Whose vectors.
            dimensions: Length of a vector.
            config: The section [vectors].
            allow_remote: The owner's policy, for a server on another machine.
            tunnels: Addresses of this machine behind which another one answers.
            customs: Decides which vectors go to another machine; none do without it.

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
        self._closed = False
        self._behind: threading.Thread | None = None
        self._retry_at = 0.0
        self._looked_at = -math.inf
        self._kept = 0  # vectors of the delta that do not go to the server
        self._builder = Builder(directory, source, model_id, dimensions)
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._remote: Remote | None = None
        if config.mode != "embedded":
            self._remote = Remote(
                directory,
                model_id,
                dimensions,
                config,
                allow_remote=allow_remote,
                tunnels=tunnels,
                customs=customs,
            )
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
            kept = f", {self._kept} stay here by the policy of their folders" if self._kept else ""
            checks.append(Check(name="vector server", ok=True, detail=f"{self._remote.describe()}{kept}"))
        with self._using() as generations:
            checks += [self._check_one(each) for each in generations]
        return checks

    # --- writing ---

    def added(self, ids: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Vectors were committed to the catalogue; they are found from now on."""
        self._delta.add(np.asarray(ids, np.int64), np.asarray(vectors, np.float32))
        if self._remote is not None and len(self._delta) - self._kept >= _PUSH_ROWS:
            # What the server does not take now stays in memory and is offered again.
            with contextlib.suppress(StoreError):
                self._push()
        elif self._remote is None and len(self._delta) > self._config.seal_after:
            self._seal_behind()

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
        with self._lock:
            self._closed = True
            behind = self._behind
        self._builder.stop()
        if behind is not None:
            behind.join()
        with self._lock:
            closing, self._sealed = self._sealed, ()
        for each in closing:
            each.close()
        if self._remote is not None:
            self._remote.close()

    # --- loading ---

    def _load(self) -> None:
        live = self._source.vector_ids(self._model_id)
        if self._remote is not None:
            try:
                self._remote.refresh(live)
            except StoreError as exc:
                log.warning("%s", exc.message)
            self._withdraw(self._remote)
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
            match = NAME.match(path.name)
            if match is None or int(match[1]) != self._model_id:
                continue
            name = path.name.removesuffix(".busy")
            if name not in known:
                remove(path)

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
        remove(self._directory / name)
        remove(self._directory / f"{name}.busy")

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

    def _seal_behind(self) -> None:
        """Seal in a thread, so that a long first run is not scored by brute force until its end."""
        with self._lock:
            busy = self._behind is not None and self._behind.is_alive()
            if busy or self._closed or time.monotonic() < self._retry_at:
                return
            self._behind = threading.Thread(target=self._try_to_seal, name="quire-seal", daemon=True)
            self._behind.start()

    def _try_to_seal(self) -> None:
        try:
            self.seal_if_due()
        except StoreError as exc:
            log.warning("%s", exc)
            self._retry_at = time.monotonic() + _RETRY_S

    def _seal(self, force: bool) -> bool:
        with self._lock:
            merged = self._to_merge(force)
            if merged is None:
                return False
            ids = np.concatenate([self._delta.ids, *(each.ids for each in merged)])
        live = self._source.vector_ids(self._model_id)
        ids = np.intersect1d(ids, live)
        old = [each.generation.name for each in merged]
        fresh = self._builder.build(ids) if len(ids) else None
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
        """The generations to build anew together with the delta; None when nothing is due."""
        fresh = len(self._delta)
        due = fresh >= min(SMALLEST, self._config.seal_after) and (
            force or self._damaged or fresh > self._config.seal_after
        )
        sizes = [(each.alive, len(each.ids)) for each in self._sealed]
        chosen = plan_merge(fresh if due else 0, sizes)
        return None if chosen is None else [self._sealed[i] for i in chosen]

    def _opened(self, fresh: Generation) -> Sealed:
        try:
            live = self._source.vector_ids(self._model_id)
            return Sealed(self._directory, fresh, self._dimensions, live)
        except DamagedGeneration as exc:
            self._erase(fresh.name)
            raise StoreError(f"The sealed vectors cannot be opened: {exc}.") from exc

    def _push(self) -> bool:
        assert self._remote is not None
        self._withdraw(self._remote)
        live = self._source.vector_ids(self._model_id)
        waiting = np.intersect1d(self._delta.ids, live)
        staying = self._remote.staying(waiting)
        self._kept = len(staying)
        waiting = np.setdiff1d(waiting, staying, assume_unique=True)
        if not len(waiting) and not self._remote.doomed:
            return False
        self._remote.bury()
        for block, vectors in read_blocks(self._source, self._model_id, waiting):
            self._remote.push(block, vectors)
            self._delta.remove(block.tolist())
        return True

    def _withdraw(self, remote: Remote) -> None:
        """Take back what a policy that has changed since forbids the server to hold."""
        if time.monotonic() - self._looked_at < _LOOK_S:
            return
        self._looked_at = time.monotonic()
        self._fill(remote.withdraw())


def plan_merge(fresh: int, generations: Sequence[tuple[int, int]]) -> list[int] | None:
    """Which generations to build anew together with `fresh` newer vectors; None when there is no reason.

    Those with many deleted vectors, and then all that are not larger than what is built already, as in a
    binary counter: a vector is built into an index about log2(n / seal_after) times in its life, and a
    search meets about as many generations.

    Args:
        fresh: Newer vectors that are due; 0 when none are.
        generations: (alive, in all) of each.
    """
    chosen = [i for i, (alive, total) in enumerate(generations) if total - alive > MAX_DEAD * total]
    if not fresh and not chosen:
        return None
    size = fresh + sum(generations[i][0] for i in chosen)
    for i in sorted(range(len(generations)), key=lambda i: generations[i][0]):
        if i not in chosen and generations[i][0] <= size:
            chosen.append(i)
            size += generations[i][0]
    return chosen


def forget_models(directory: Path, keep: Collection[int]) -> None:
    """Remove the generations of models that are not in `keep`."""
    for path in directory.glob("m*-g*"):
        match = NAME.match(path.name)
        if match and int(match[1]) not in keep:
            remove(path)


def _contains(ids: Ids, wanted: int) -> bool:
    at = int(np.searchsorted(ids, wanted))
    return at < len(ids) and int(ids[at]) == wanted
