"""After any edits, renames, deletions, crashes and restarts, a sync makes catalogue and disk agree."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from indexer.config import ParsingConfig
from indexer.errors import StoreError
from indexer.parsing.pool import ParsePool
from tests.builders import Rig

NAMES = st.sampled_from(["a.txt", "b.txt", "sub/a.txt", "sub/c.txt", "sub/deep/d.txt", "other/e.txt"])
FOLDERS = st.sampled_from(["sub", "sub/deep", "other", "third"])
TEXTS = st.sampled_from(["red apples", "green pears", "blue plums", "grey stones", ""])


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ParsePool]:
    """One pool for all runs: starting workers takes longer than everything else."""
    made = ParsePool(ParsingConfig(workers=1), log_path=tmp_path_factory.mktemp("pool") / "parse.log")
    yield made
    made.close()


class Disk(RuleBasedStateMachine):
    """Files on disk, a model of them in a dict, and a library that must follow."""

    pool: ParsePool

    def __init__(self) -> None:
        super().__init__()
        self.top = Path(tempfile.mkdtemp(prefix="quire-"))
        self.folder = self.top / "documents"
        self.folder.mkdir()
        self.model: dict[str, str] = {}
        self.rig: Rig | None = None
        self.synced = False
        self.last: list[Path] = [self.folder]

    @initialize()
    def open(self) -> None:
        self.rig = Rig(self.top / "library", pool=self.pool)
        self.rig.sync(self.folder)

    @rule(name=NAMES, text=TEXTS)
    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.model[name] = text
        self.changed(name)

    @rule(name=NAMES, text=TEXTS)
    def save_like_an_editor(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f"{path.name}.tmp")
        scratch.write_text(text)
        scratch.replace(path)
        self.model[name] = text
        self.changed(name)

    @rule(old=NAMES, new=NAMES)
    def rename(self, old: str, new: str) -> None:
        if old not in self.model or old == new:
            return
        (self.folder / new).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / old).rename(self.folder / new)
        self.model[new] = self.model.pop(old)
        self.changed(old, new)

    @rule(old=FOLDERS, new=FOLDERS)
    def rename_folder(self, old: str, new: str) -> None:
        inside = old == new or new.startswith(old + "/") or old.startswith(new + "/")
        if inside or not (self.folder / old).exists():
            return
        shutil.rmtree(self.folder / new, ignore_errors=True)
        (self.folder / new).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / old).rename(self.folder / new)
        for name in [name for name in self.model if name.startswith(new + "/")]:
            del self.model[name]
        for name in [name for name in self.model if name.startswith(old + "/")]:
            self.model[new + name[len(old) :]] = self.model.pop(name)
        self.changed(old, new)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)
        self.model.pop(name, None)
        self.changed(name)

    @rule(folder=FOLDERS)
    def delete_folder(self, folder: str) -> None:
        shutil.rmtree(self.folder / folder, ignore_errors=True)
        for name in [name for name in self.model if name.startswith(folder + "/")]:
            del self.model[name]
        self.changed(folder)

    def changed(self, *names: str) -> None:
        self.synced = False
        self.last = [self.folder / name for name in names]

    @precondition(lambda self: not self.synced)
    @rule()
    def hint(self) -> None:
        """Events tell of the last change only; the others stay unknown until the next sync."""
        assert self.rig is not None
        self.rig.hint(*self.last)

    @rule()
    def sync(self) -> None:
        assert self.rig is not None
        self.rig.sync()
        self.synced = True

    @rule()
    def reopen(self) -> None:
        assert self.rig is not None
        self.rig.close()
        self.rig = Rig(self.top / "library", pool=self.pool)
        self.rig.settle()

    @rule()
    def crash_before_the_keyword_commit(self) -> None:
        """SQLite has committed, Tantivy has not: what a kill between the two leaves."""
        assert self.rig is not None
        feed = self.rig.feed

        def dead() -> None:
            raise StoreError("killed")

        feed.commit = dead  # type: ignore[method-assign]
        look = self.rig.pipeline.look()
        look.done.wait(10)
        self.rig.settle()
        self.rig.close()
        self.rig = Rig(self.top / "library", pool=self.pool)
        self.rig.settle()
        self.synced = False

    @invariant()
    def library_agrees(self) -> None:
        if self.rig is None or not self.synced:
            return
        found = {path[len(str(self.folder)) + 1 :]: text for path, text in self.rig.texts().items()}
        assert found == self.model
        self.rig.assert_agrees()

    def teardown(self) -> None:
        if self.rig is not None:
            self.rig.sync()
            self.synced = True
            self.library_agrees()
            self.rig.close()
        shutil.rmtree(self.top)


def test_catalogue_keyword_index_and_disk_agree(pool: ParsePool) -> None:
    Disk.pool = pool
    run_state_machine_as_test(
        Disk,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
