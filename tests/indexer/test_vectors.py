"""The vector store: exactness, sealing, damage, crashes, deletion, a server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.config import VectorsConfig
from indexer.errors import ConfigError, EgressRefusedError, StoreError
from indexer.types import Generation
from indexer.vectors import VectorStore, chroma, forget_models, generation
from indexer.vectors.delta import WIDE_ROWS, Delta, score
from indexer.vectors.store import plan_merge

pytestmark = pytest.mark.xdist_group("vectors")

DIM = 24
SEALED = 300
CONFIG = VectorsConfig(seal_after=100)
MODEL = 1


class Truth:
    """A catalogue in a dict."""

    def __init__(self) -> None:
        self.vectors: dict[int, NDArray[np.float32]] = {}
        self.sealed: list[Generation] = []

    def vector_ids(self, model_id: int, after: int = 0) -> NDArray[np.int64]:
        return np.array(sorted(i for i in self.vectors if i > after), np.int64)

    def read_vectors(self, model_id: int, ids: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32]:
        return np.array([self.vectors[int(i)] for i in ids], np.float32).reshape(-1, DIM)

    def generations(self, model_id: int) -> list[Generation]:
        return [g for g in self.sealed if g.name.startswith(f"m{model_id}-")]

    def replace_generations(self, model_id: int, removed: Sequence[str], added: Sequence[Generation]) -> None:
        self.sealed = [g for g in self.sealed if g.name not in set(removed)] + list(added)

    def add(self, count: int) -> tuple[list[int], NDArray[np.float32]]:
        first = max(self.vectors, default=0) + 1
        rows = unit(count, seed=first)
        ids = list(range(first, first + count))
        self.vectors.update(zip(ids, rows, strict=True))
        return ids, rows

    def exact(self, vector: NDArray[np.float32], k: int, allowed: Sequence[int] | None = None) -> list[int]:
        ids = self.vector_ids(MODEL) if allowed is None else np.array(sorted(allowed), np.int64)
        return [int(i) for i in ids[np.argsort(-(self.read_vectors(MODEL, ids) @ vector), kind="stable")][:k]]


def unit(count: int, seed: int) -> NDArray[np.float32]:
    """Random unit rows that float16 holds exactly, as the catalogue keeps them."""
    rows = np.random.default_rng(seed).normal(size=(count, DIM))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float16).astype(np.float32)


def ids_of(found: list[tuple[int, float]]) -> list[int]:
    return [i for i, _ in found]


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"open", "build.log"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    """300 vectors in one sealed generation, built once; `copied` gives each test its own."""
    truth = Truth()
    folder = tmp_path_factory.mktemp("vectors")
    store = VectorStore(folder, truth, MODEL, DIM, CONFIG)
    ids, rows = truth.add(SEALED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_seal_behind", lambda: None)
        store.added(ids, rows)
    assert store.seal_if_due(force=True)
    store.close()
    return folder, truth


@pytest.fixture
def copied(built: tuple[Path, Truth], tmp_path: Path) -> tuple[Path, Truth]:
    folder, truth = built
    shutil.copytree(folder, tmp_path / "vectors")
    mine = Truth()
    mine.vectors, mine.sealed = dict(truth.vectors), list(truth.sealed)
    return tmp_path / "vectors", mine


@pytest.fixture
def store(copied: tuple[Path, Truth]) -> Iterator[VectorStore]:
    opened = VectorStore(*copied, MODEL, DIM, CONFIG)
    yield opened
    opened.close()


# --- searching -----------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 60),
    st.integers(1, 20),
    st.lists(st.integers(1, 60)),
    st.none() | st.sets(st.integers(1, 70)),
)
def test_unsealed_vectors_are_found_exactly(
    count: int, k: int, dropped: list[int], allowed: set[int] | None
) -> None:
    rows = unit(count, seed=5)
    delta = Delta(DIM)
    for first in range(0, count, 7):
        part = slice(first, min(count, first + 7))
        delta.add(np.arange(part.start + 1, part.stop + 1), rows[part])
    delta.remove(dropped)
    left = [i for i in range(1, count + 1) if i not in dropped and (allowed is None or i in allowed)]
    query = unit(1, seed=9)[0]
    scope = None if allowed is None else np.array(sorted(allowed), np.int64)
    found = delta.search(query, k, scope)
    expected = sorted(left, key=lambda i: (-float(rows[i - 1] @ query), i))[:k]
    assert ids_of(found) == expected
    assert all(abs(cosine - float(rows[i - 1] @ query)) < 1e-5 for i, cosine in found)


def test_many_unsealed_vectors_are_kept_in_half_the_memory() -> None:
    delta = Delta(4)
    rows = np.tile(np.array([[1, 0, 0, 0]], np.float32), (WIDE_ROWS // 2, 1))
    for first in range(0, 3):
        delta.add(np.arange(len(rows)) + first * len(rows), rows)
    assert len(delta) == 3 * len(rows)
    assert delta._state[1].dtype == np.float16
    assert delta.search(rows[0], 1) == [(0, 1.0)]
    delta.remove(range(2 * len(rows)))
    assert delta._state[1].dtype == np.float32
    assert delta.search(rows[0], 1) == [(2 * len(rows), 1.0)]


def test_widening_is_exact() -> None:
    rows = unit(50, seed=1)
    assert np.array_equal(score(rows.astype(np.float16), rows[0]), score(rows, rows[0]))


def test_sealed_and_newer_vectors_are_searched_as_one(copied: tuple[Path, Truth], store: VectorStore) -> None:
    truth = copied[1]
    store.added(*truth.add(50))
    assert store.count() == SEALED + 50
    for query in unit(20, seed=77):
        found = store.search(query, 10)
        assert len(set(ids_of(found)) & set(truth.exact(query, 10))) >= 9
        assert [c for _, c in found] == sorted((c for _, c in found), reverse=True)
        assert all(abs(c - float(truth.vectors[i] @ query)) < 1e-3 for i, c in found)


def test_a_scope_is_searched_exactly(copied: tuple[Path, Truth], store: VectorStore) -> None:
    truth = copied[1]
    store.added(*truth.add(30))
    scope = [*range(1, SEALED, 3), SEALED + 7, 10**9]
    query = unit(1, seed=3)[0]
    assert ids_of(store.search(query, 15, allowed=scope)) == truth.exact(query, 15, scope[:-1])
    assert store.search(query, 15, allowed=[]) == []
    assert store.search(query, 0) == []


def test_a_wide_scope_is_searched_through_the_index(
    copied: tuple[Path, Truth], store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.vectors.store.EXACT_ROWS", 50)
    scope = list(range(1, SEALED, 2))
    query = unit(1, seed=4)[0]
    found = ids_of(store.search(query, 5, allowed=scope))
    assert set(found) <= set(scope)
    assert len(set(found) & set(copied[1].exact(query, 5, scope))) >= 4


def test_deleted_vectors_are_not_found(copied: tuple[Path, Truth], store: VectorStore) -> None:
    truth = copied[1]
    store.added(*truth.add(20))
    query = truth.vectors[5]
    doomed = [*truth.exact(query, 40), SEALED + 3]
    for i in doomed:
        del truth.vectors[i]
    store.deleted(doomed)
    found = ids_of(store.search(query, 30))
    assert not set(found) & set(doomed)
    assert len(set(found) & set(truth.exact(query, 30))) >= 28
    assert store.count() == len(truth.vectors)


def test_a_vector_of_another_length_is_refused(store: VectorStore) -> None:
    with pytest.raises(StoreError):
        store.search(np.ones(3, np.float32), 1)


def test_threads_search_while_vectors_come_and_go(copied: tuple[Path, Truth], store: VectorStore) -> None:
    truth = copied[1]
    failures: list[BaseException] = []
    stop = threading.Event()

    def search() -> None:
        try:
            while not stop.is_set():
                assert len(store.search(truth.vectors[1], 5)) == 5
        except BaseException as exc:  # noqa: BLE001 - reported below
            failures.append(exc)

    readers = [threading.Thread(target=search) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(10):
        ids, rows = truth.add(9)
        store.added(ids, rows)
        store.deleted(ids[:4])
    store._drop(store._sealed[0], "test")
    stop.set()
    for reader in readers:
        reader.join()
    assert failures == []


# --- life of a generation ------------------------------------------------------------------------


def test_a_second_start_finds_what_was_sealed_and_what_changed(copied: tuple[Path, Truth]) -> None:
    folder, truth = copied
    del truth.vectors[7]
    truth.add(5)
    store = VectorStore(folder, truth, MODEL, DIM, CONFIG)
    assert len(store._sealed) == 1
    assert store.count() == SEALED - 1 + 5
    assert 7 not in ids_of(store.search(unit(SEALED, seed=1)[6], 10))
    assert all(check.ok for check in store.check())
    store.close()
    assert names_in(folder) == {"m1-g1", "m1-g1.busy"}


def test_opening_leaves_the_sealed_files_alone(copied: tuple[Path, Truth]) -> None:
    folder, truth = copied
    for _ in range(2):
        store = VectorStore(folder, truth, MODEL, DIM, CONFIG)
        store.search(truth.vectors[1], 3)
        store.close()
        generation.verify(folder / "m1-g1", truth.sealed[0], DIM)


def test_what_a_crash_left_behind_is_removed(copied: tuple[Path, Truth]) -> None:
    folder, truth = copied
    (folder / "m1-g2.tmp" / "chroma").mkdir(parents=True)
    (folder / "m1-g3").mkdir()
    (folder / "m1-g3.busy").write_bytes(b"\1\0")
    (folder / "open" / "m1-g1-99999").mkdir(parents=True)
    (folder / "m2-g1.tmp").mkdir()
    VectorStore(folder, truth, MODEL, DIM, CONFIG).close()
    assert names_in(folder) == {"m1-g1", "m1-g1.busy", "m2-g1.tmp"}
    assert list((folder / "open").iterdir()) == []


FILES = ("chroma.sqlite3", "data_level0.bin", "header.bin", "index_metadata.pickle", "length.bin",
         "link_lists.bin", "ids.npy", "vectors.npy", "manifest.json")  # fmt: skip


@pytest.mark.parametrize("damage", ["cut", "garbage", "missing"])
@pytest.mark.parametrize("name", FILES)
def test_damage_is_seen_before_chroma_opens_it(
    copied: tuple[Path, Truth], name: str, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, truth = copied
    (path,) = (folder / "m1-g1").rglob(name)
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    else:
        middle = len(content) // 2
        path.write_bytes(content[:middle] + b"\xa5" * 8 + content[middle + 8 :])
    if path.exists() and path.read_bytes() == content:
        pytest.skip("an empty file cannot be cut")

    def opened(*_: object) -> None:
        raise AssertionError("Chroma opened a damaged generation")

    monkeypatch.setattr(chroma, "Directory", opened)
    store = VectorStore(folder, truth, MODEL, DIM, CONFIG)
    assert truth.sealed == []
    query = unit(1, seed=2)[0]
    assert ids_of(store.search(query, 10)) == truth.exact(query, 10)
    assert names_in(folder) == set()
    store.close()


def test_a_damaged_generation_is_built_again(copied: tuple[Path, Truth]) -> None:
    folder, truth = copied
    (folder / "m1-g1" / "manifest.json").write_text("{}")
    store = VectorStore(folder, truth, MODEL, DIM, CONFIG)
    assert len(store._delta) == SEALED
    assert store.seal_if_due()
    assert not store.seal_if_due()
    assert len(store._delta) == 0
    assert [g.count for g in truth.sealed] == [SEALED]
    assert all(check.ok for check in store.check())
    store.close()


def test_a_generation_with_many_deleted_is_built_again_without_them(copied: tuple[Path, Truth]) -> None:
    folder, truth = copied
    store = VectorStore(folder, truth, MODEL, DIM, CONFIG)
    gone = list(range(1, SEALED // 4))
    for i in gone:
        del truth.vectors[i]
    store.deleted(gone)
    store.added(*truth.add(10))
    assert store.seal_if_due()
    assert [g.count for g in truth.sealed] == [SEALED - len(gone) + 10]
    assert truth.sealed[0].lo == SEALED // 4
    assert store.count() == len(truth.vectors)
    assert {n.removesuffix(".busy") for n in names_in(folder)} == {truth.sealed[0].name}
    store.close()


def test_a_generation_of_deleted_vectors_only_goes_away(copied: tuple[Path, Truth]) -> None:
    folder, truth = copied
    store = VectorStore(folder, truth, MODEL, DIM, CONFIG)
    gone = list(truth.vectors)
    truth.vectors.clear()
    store.deleted(gone)
    assert store.seal_if_due()
    assert truth.sealed == []
    assert store.search(unit(1, seed=1)[0], 3) == []
    assert names_in(folder) == set()
    store.close()


def test_few_vectors_are_never_sealed(tmp_path: Path) -> None:
    truth = Truth()
    store = VectorStore(tmp_path, truth, MODEL, DIM, CONFIG)
    store.added(*truth.add(60))
    assert not store.seal_if_due(force=True)
    assert names_in(tmp_path) == set()
    store.close()


def test_many_new_vectors_are_sealed_unasked(tmp_path: Path) -> None:
    truth = Truth()
    store = VectorStore(tmp_path, truth, MODEL, DIM, CONFIG)
    store.added(*truth.add(150))
    assert store._behind is not None
    store._behind.join(120)
    assert [g.count for g in truth.sealed] == [150]
    store.close()


def test_a_killed_build_loses_nothing(copied: tuple[Path, Truth]) -> None:
    folder, truth = copied
    store = VectorStore(folder, truth, MODEL, DIM, VectorsConfig(seal_after=10_000))
    store.added(*truth.add(1500))
    killer = threading.Thread(target=_kill_builder, args=(store,))
    killer.start()
    with pytest.raises(StoreError, match="builder ended"):
        store.seal_if_due(force=True)
    killer.join()
    assert [g.name for g in truth.sealed] == ["m1-g1"]
    assert names_in(folder) == {"m1-g1", "m1-g1.busy"}
    assert store.count() == len(truth.vectors)
    store.close()


def _kill_builder(store: VectorStore) -> None:
    while (process := store._builder.process) is None:
        time.sleep(0.005)
    process.kill()


def test_the_builder_dies_with_the_engine(copied: tuple[Path, Truth], tmp_path: Path) -> None:
    folder = copied[0] / "m1-g2.tmp"
    folder.mkdir()
    shutil.copy(copied[0] / "m1-g1" / "ids.npy", folder)
    shutil.copy(copied[0] / "m1-g1" / "vectors.npy", folder)
    command = [sys.executable, "-m", "indexer.vectors.build", str(folder), "1", "300", str(os.getpid() + 1)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    assert not (folder / "manifest.json").exists()


CRASH = """
import os, sys
from pathlib import Path
from indexer.types import Generation
from indexer.vectors import chroma, generation
import numpy as np
folder, name, manifest, dim = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
chroma.Directory.query = lambda *a: os.kill(os.getpid(), 9)
known = Generation(name=name, lo=1, hi=300, count=300, manifest=manifest)
generation.Sealed(folder, known, dim, np.arange(1, 301))
"""


def test_a_generation_that_crashes_chroma_is_not_opened_a_third_time(copied: tuple[Path, Truth]) -> None:
    folder, truth = copied
    known = truth.sealed[0]
    command = [sys.executable, "-c", CRASH, str(folder), known.name, known.manifest, str(DIM)]
    for _ in range(2):
        assert subprocess.run(command, capture_output=True, check=False).returncode == -9
    store = VectorStore(folder, truth, MODEL, DIM, CONFIG)
    assert truth.sealed == []
    assert ids_of(store.search(truth.vectors[9], 1)) == [9]
    store.close()


def test_one_crash_is_forgiven_after_many_good_queries(copied: tuple[Path, Truth]) -> None:
    folder, truth = copied
    (folder / "m1-g1.busy").write_bytes(b"\1\0")
    store = VectorStore(folder, truth, MODEL, DIM, CONFIG)
    assert store._sealed[0]._marker.crashes == 1
    for _ in range(generation.FORGIVEN_AFTER):
        store.search(truth.vectors[1], 1)
    assert store._sealed[0]._marker.crashes == 0
    store.close()


@pytest.mark.parametrize("fault", ["hang", "error", "panic"])
def test_a_failing_query_falls_back_to_brute_force(
    copied: tuple[Path, Truth], store: VectorStore, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    truth = copied[1]
    release = threading.Event()

    class Panic(BaseException):
        """As Rust's panics arrive: no Exception."""

    def query(*_: object) -> list[tuple[int, float]]:
        if fault == "hang":
            release.wait(30)
        raise Panic("panic") if fault == "panic" else RuntimeError("error")

    monkeypatch.setattr(chroma.Directory, "query", query)
    monkeypatch.setattr(generation, "QUERY_TIMEOUT_S", 0.1)
    vector = unit(1, seed=8)[0]
    assert ids_of(store.search(vector, 10)) == truth.exact(vector, 10)
    assert truth.sealed == []
    release.set()


def test_models_do_not_disturb_each_other(copied: tuple[Path, Truth]) -> None:
    folder, truth = copied
    first = VectorStore(folder, truth, MODEL, DIM, CONFIG)
    (folder / "m2-g4").mkdir()
    other = Truth()
    second = VectorStore(folder, other, 2, DIM + 1, CONFIG)
    assert second.count() == 0
    assert first.count() == SEALED
    assert ids_of(first.search(truth.vectors[3], 1)) == [3]
    assert not (folder / "m2-g4").exists()
    second.close()
    first.close()
    forget_models(folder, keep=[2])
    assert names_in(folder) == set()


# --- merging -------------------------------------------------------------------------------------


def test_the_cost_of_merging_grows_with_the_logarithm() -> None:
    step, steps = 1000, 256
    sizes: list[int] = []
    written = 0
    for _ in range(steps):
        chosen = plan_merge(step, [(size, size) for size in sizes])
        assert chosen is not None
        fresh = step + sum(sizes[i] for i in chosen)
        sizes = [size for i, size in enumerate(sizes) if i not in chosen] + [fresh]
        written += fresh
        assert len(sizes) <= 9
    assert sum(sizes) == step * steps
    assert written <= step * steps * 9


def test_a_small_change_does_not_touch_a_large_generation() -> None:
    assert plan_merge(1000, [(100_000, 100_000), (500, 500)]) == [1]
    assert plan_merge(0, [(100_000, 100_000)]) is None
    assert plan_merge(0, [(79, 100), (85, 100)]) == [0]


# --- a server ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chroma_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).parent / "chroma"), "run", "--host", "127.0.0.1", "--port", str(port)]
    folder = tmp_path_factory.mktemp("server")
    process = subprocess.Popen(
        [*command, "--path", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder
    )
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the Chroma server did not start")


def on_server(url: str, folder: Path, truth: Truth) -> VectorStore:
    return VectorStore(folder, truth, MODEL, DIM, VectorsConfig(mode="server", url=url))


def test_a_server_holds_the_vectors_of_several_libraries(chroma_server: str, tmp_path: Path) -> None:
    one, two = Truth(), Truth()
    first = on_server(chroma_server, tmp_path / "one", one)
    second = on_server(chroma_server, tmp_path / "two", two)
    first.added(*one.add(120))
    second.added(*two.add(5))
    assert first.seal_if_due()
    assert second.seal_if_due()
    assert not first.seal_if_due()
    assert len(first._delta) == 0
    query = unit(1, seed=31)[0]
    assert len(set(ids_of(first.search(query, 10))) & set(one.exact(query, 10))) >= 9
    assert ids_of(second.search(query, 10)) == two.exact(query, 10)
    scope = [3, 50, 99, 110]
    assert ids_of(first.search(query, 3, allowed=scope)) == one.exact(query, 3, scope)
    gone = one.exact(query, 3)
    for i in gone:
        del one.vectors[i]
    first.deleted(gone)
    assert not set(ids_of(first.search(query, 10))) & set(gone)
    assert first.seal_if_due()
    assert first.count() == 117
    assert all(check.ok for check in first.check())
    first.close()
    second.close()


def test_what_the_server_missed_is_made_up_at_the_next_start(chroma_server: str, tmp_path: Path) -> None:
    truth = Truth()
    store = on_server(chroma_server, tmp_path, truth)
    store.added(*truth.add(20))
    store.seal_if_due()
    store.close()
    del truth.vectors[4]
    truth.add(3)
    again = on_server(chroma_server, tmp_path, truth)
    assert len(again._delta) == 3
    assert again.count() == 22
    assert 4 not in ids_of(again.search(unit(1, seed=1)[0], 30))
    assert again.seal_if_due()
    assert again.count() == 22
    again.close()


def test_without_the_server_the_vectors_are_scored_here(tmp_path: Path) -> None:
    truth = Truth()
    truth.add(10)
    store = on_server("http://127.0.0.1:9", tmp_path, truth)
    query = unit(1, seed=6)[0]
    assert ids_of(store.search(query, 3)) == truth.exact(query, 3)
    with pytest.raises(StoreError, match="does not answer"):
        store.seal_if_due()
    store.close()


def test_a_server_elsewhere_needs_permission(tmp_path: Path) -> None:
    with pytest.raises(EgressRefusedError):
        on_server("https://vectors.example.org", tmp_path, Truth())
    with pytest.raises(ConfigError, match="url"):
        on_server("", tmp_path, Truth())
    with pytest.raises(EgressRefusedError):
        VectorStore(tmp_path, Truth(), MODEL, DIM, VectorsConfig(mode="cloud"))


# --- the door ------------------------------------------------------------------------------------


def test_a_poisoned_folder_does_not_redirect_chroma(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text(
        "CHROMA_API_IMPL=chromadb.api.fastapi.FastAPI\nCHROMA_SERVER_HOST=evil.example\n"
    )
    monkeypatch.setenv("CHROMA_API_IMPL", "chromadb.api.fastapi.FastAPI")
    monkeypatch.setenv("CHROMA_SERVER_HOST", "evil.example")
    monkeypatch.chdir(tmp_path)
    directory = chroma.Directory(tmp_path / "chroma")
    directory.create(iter([(np.arange(1, 4), unit(3, seed=1))]), 3)
    assert [i for i, _ in directory.query(unit(3, seed=1)[1], 1)] == [2]
    directory.close()


def test_chroma_is_not_imported_before_something_is_sealed(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "import indexer.vectors, indexer.embedding, indexer.embedding.minilm, indexer.embedding.remote\n"
        "heavy = {'chromadb', 'onnxruntime', 'tokenizers', 'llama_index', 'httpx'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
