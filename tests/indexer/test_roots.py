from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import reconcile
from tests.builders import Rig, until, write

Make = Callable[..., Rig]


def ten(folder: Path) -> None:
    write(folder, {f"sub/{number}.txt": f"document number {number} about rivers" for number in range(10)})


def test_a_root_that_is_away_is_frozen(rig: Make, folder: Path) -> None:
    ten(folder)
    made = rig()
    made.sync(folder)
    away = folder.with_name("away")
    folder.rename(away)
    assert made.sync() == 0
    (root,) = made.catalogue.roots()
    assert (root.state, root.files) == ("missing", 10)
    assert len(made.texts()) == 10
    # Late events under the old path change nothing.
    made.hint(folder / "sub", folder / "sub/3.txt")
    assert len(made.texts()) == 10
    away.rename(folder)
    assert made.sync() == 0
    assert made.catalogue.roots()[0].state == "watched"
    made.assert_agrees()


def test_an_unmounted_root_is_frozen(rig: Make, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ten(folder)
    made = rig()
    made.sync(folder)
    with made.catalogue.transaction() as db:
        db.execute("UPDATE files SET dev = dev + 1")
    shutil.rmtree(folder / "sub")
    made.sync()
    assert made.catalogue.roots()[0].state == "missing"
    assert len(made.texts()) == 10


def test_a_mass_disappearance_is_looked_at_twice(
    rig: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "CONFIRM_S", 0.3)
    write(folder, {f"sub/{n}.txt": f"text {n}" for n in range(30)} | {"kept.txt": "kept"})
    made = rig()
    made.sync(folder)
    (folder / "sub").rename(folder.with_name("away"))
    look = made.pipeline.look()
    until(look.done.is_set, "the first look")
    assert len(made.texts()) == 31
    # It was only a moment: nothing is lost.
    folder.with_name("away").rename(folder / "sub")
    made.settle()
    assert len(made.texts()) == 31
    # It stays away: now it is believed.
    shutil.rmtree(folder / "sub")
    made.sync()
    assert made.names() == {"kept.txt"}
    made.assert_agrees()


def test_new_ignore_rules_apply_to_what_is_known(rig: Make, folder: Path) -> None:
    ten(folder)
    made = rig()
    made.sync(folder)
    write(folder, {".quireignore": "3.txt\n"})
    made.hint(folder)
    assert made.names() == {f"{n}.txt" for n in range(10) if n != 3}
