"""Labels and a disk that changes: whatever happens to files, what was put on them stays with them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from indexer.catalogue import salvage
from indexer.config import ParsingConfig
from indexer.labelled import LabelChange, Labels
from indexer.labels import LabelBook
from indexer.parsing.pool import ParsePool
from tests.builders import Rig

NAMES = st.sampled_from(["a.txt", "b.txt", "sub/a.txt", "sub/c.txt", "sub/deep/d.txt", "other/e.txt"])
FOLDERS = st.sampled_from(["sub", "sub/deep", "other", "third"])
TEXTS = st.sampled_from(["red apples", "green pears", "blue plums", "grey stones", ""])
TAGS = st.sampled_from(["tax", "Project/Alpha", "lease"])


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ParsePool]:
    made = ParsePool(ParsingConfig(workers=1), log_path=tmp_path_factory.mktemp("pool") / "parse.log")
    yield made
    made.close()


@dataclass
class Put:
    """What the model says is on a file: tags (False: taken away) and whether it is excluded."""

    tags: dict[str, bool] = field(default_factory=dict)
    excluded: bool = False

    def copy(self) -> Put:
        return Put(dict(self.tags), self.excluded)

    @property
    def shown(self) -> tuple[frozenset[str], frozenset[str], bool]:
        has = frozenset(tag for tag, given in self.tags.items() if given)
        return has, frozenset(self.tags) - has, self.excluded


def union(puts: list[Put]) -> Put:
    tags = {tag: any(put.tags.get(tag, False) for put in puts) for put in puts for tag in put.tags}
    return Put(tags, any(put.excluded for put in puts))


def shown(labels: Labels) -> tuple[frozenset[str], frozenset[str], bool]:
    return frozenset(tag.name for tag in labels.tags), frozenset(labels.refused), labels.excluded


@dataclass
class Gone:
    """Labels whose file is gone."""

    path: str
    """"" when another labelled file has taken its place."""
    text: str
    put: Put


class Desk(RuleBasedStateMachine):
    """Files, labels on them, and a model of both: labels belong to the path, and follow it."""

    pool: ParsePool

    def __init__(self) -> None:
        super().__init__()
        self.top = Path(tempfile.mkdtemp(prefix="quire-"))
        self.folder = self.top / "documents"
        self.folder.mkdir()
        self.texts: dict[str, str] = {}
        self.puts: dict[str, Put] = {}
        self.gone: list[Gone] = []
        self.rig: Rig | None = None

    @initialize()
    def open(self) -> None:
        self.rig = Rig(self.top / "library", pool=self.pool)
        self.book = LabelBook(
            self.rig.catalogue, lambda query: frozenset(), revision=lambda: 0, changed=lambda: None
        )
        self.rig.sync(self.folder)

    def close(self) -> None:
        assert self.rig is not None
        self.rig.close()
        self.rig = None

    # --- the model

    def holders(self, text: str) -> list[Put]:
        return [put for name, put in self.puts.items() if self.texts[name] == text and text]

    def appears(self, name: str, text: str) -> None:
        """A file that had no labels was read: it may find some."""
        self.texts[name] = text
        if at := next((gone for gone in self.gone if gone.path == name), None):
            self.gone.remove(at)
            self.puts[name] = at.put
        elif held := self.holders(text):
            if union(held).shown != Put().shown:
                self.puts[name] = union(held)
        elif candidates := [gone for gone in self.gone if text and gone.text == text]:
            chosen = candidates[0]
            if len(candidates) > 1:  # any of them may be meant: the library chooses
                actual = shown(self.labels(name))
                chosen = next(gone for gone in candidates if gone.put.shown == actual)
            self.gone.remove(chosen)
            self.puts[name] = chosen.put

    def vanishes(self, name: str) -> None:
        text = self.texts.pop(name)
        put = self.puts.pop(name, None)
        if put is not None:
            self.gone.append(Gone(name, text, put))

    def moves(self, old: str, new: str) -> None:
        """A rename, after whatever was at the new path has vanished."""
        self.texts[new] = self.texts.pop(old)
        put = self.puts.pop(old, None)
        at = next((gone for gone in self.gone if gone.path == new), None)
        if put is not None:
            self.puts[new] = put
            if at:
                at.path = ""
        elif at:
            self.gone.remove(at)
            self.puts[new] = at.put

    # --- the disk

    @rule(name=NAMES, text=TEXTS, replaced=st.booleans())
    def write(self, name: str, text: str, replaced: bool) -> None:
        if self.texts.get(name) == text:
            return
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if replaced:  # as editors save
            scratch = self.top / "scratch"
            scratch.write_text(text)
            scratch.replace(path)
        else:
            path.write_text(text)
        self.sync()
        if name in self.puts:
            self.texts[name] = text
        else:
            self.appears(name, text)

    @rule(old=NAMES, new=NAMES)
    def copy(self, old: str, new: str) -> None:
        if old in self.texts and old != new:
            self.write(name=new, text=self.texts[old], replaced=False)

    @rule(old=NAMES, new=NAMES)
    def rename(self, old: str, new: str) -> None:
        if old not in self.texts or old == new:
            return
        (self.folder / new).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / old).rename(self.folder / new)
        self.sync()
        if new in self.texts:
            self.vanishes(new)
        self.moves(old, new)

    @rule(old=FOLDERS, new=FOLDERS)
    def rename_folder(self, old: str, new: str) -> None:
        inside = old == new or new.startswith(old + "/") or old.startswith(new + "/")
        if inside or not (self.folder / old).exists() or (self.folder / new).exists():
            return
        (self.folder / new).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / old).rename(self.folder / new)
        self.sync()
        for name in [name for name in self.texts if name.startswith(old + "/")]:
            self.moves(name, new + name[len(old) :])

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        if name in self.texts:
            (self.folder / name).unlink()
            self.sync()
            self.vanishes(name)

    # --- labels

    def put_on(self, name: str) -> list[Put]:
        """What is on all files with the content of this one."""
        text = self.texts[name]
        names = [each for each in self.texts if self.texts[each] == text] if text else [name]
        return [self.puts.setdefault(each, Put()) for each in names]

    @rule(name=NAMES, tag=TAGS)
    def tag(self, name: str, tag: str) -> None:
        if name in self.texts:
            self.book.change(LabelChange(targets=(self.path(name),), add=(tag.lower(), tag.upper(), tag)))
            for put in self.put_on(name):
                put.tags[tag] = True

    @rule(name=NAMES, tag=TAGS)
    def untag(self, name: str, tag: str) -> None:
        if name in self.texts:
            self.book.change(LabelChange(targets=(self.path(name),), remove=(tag,)))
            text = self.texts[name]
            for each in [each for each in self.puts if self.texts[each] == text and (text or each == name)]:
                if tag in self.puts[each].tags:
                    self.puts[each].tags[tag] = False

    @rule(name=NAMES, excluded=st.booleans())
    def exclude(self, name: str, excluded: bool) -> None:
        if name in self.texts:
            text = self.texts[name]
            self.book.change(LabelChange(targets=(self.path(name),), excluded=excluded))
            names = [each for each in self.texts if self.texts[each] == text and (text or each == name)]
            for each in names:
                if excluded or each in self.puts:
                    self.puts.setdefault(each, Put()).excluded = excluded

    @rule(name=NAMES, tag=TAGS)
    def change_and_undo(self, name: str, tag: str) -> None:
        if name in self.texts:
            change = LabelChange(targets=(self.path(name),), add=(tag,), remove=("tax",), excluded=True)
            if self.book.change(change).changed:
                self.book.undo()

    # --- the library goes

    @rule()
    def rebuild(self) -> None:
        self.close()
        shutil.rmtree(self.top / "library" / "keyword")
        salvage.rebuild(self.top / "library" / "catalogue.sqlite3")
        self.open()
        self.read_anew()

    @rule(after=st.booleans())
    def lose_the_library_and_import(self, after: bool) -> None:
        text = self.book.export()
        self.close()
        shutil.rmtree(self.top / "library")
        self.puts = {name: put for name, put in self.puts.items() if put.shown != Put().shown}
        self.gone = [gone for gone in self.gone if gone.put.shown != Put().shown]
        if after:
            self.open()
        else:  # the plain file is read before any document is
            empty = self.top / "empty"
            empty.mkdir(exist_ok=True)
            folder, self.folder = self.folder, empty
            self.open()
            self.folder = folder
        first = self.book.take_in(text)
        assert first.kept == ()
        assert self.book.take_in(text).changed == 0
        assert self.rig is not None
        self.rig.sync(self.folder)
        assert not after or len(first.waiting) == len(self.gone)
        self.read_anew(looked=not after)

    def read_anew(self, *, looked: bool = True) -> None:
        """Files without labels were read as if they were new: they may have found some by their content."""
        if not looked:
            return
        for name in [name for name in self.texts if name not in self.puts]:
            self.appears(name, self.texts[name])

    # --- what must hold

    def sync(self) -> None:
        assert self.rig is not None
        self.rig.sync()

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def labels(self, name: str) -> Labels:
        return self.book.labels(self.path(name))

    @invariant()
    def labels_are_those_of_the_model(self) -> None:
        if self.rig is None:
            return
        actual = {name: shown(self.labels(name)) for name in self.texts}
        assert actual == {name: self.puts.get(name, Put()).shown for name in self.texts}

    def teardown(self) -> None:
        if self.rig is not None:
            self.close()
        shutil.rmtree(self.top, ignore_errors=True)  # the keyword index may still merge into its folder


def test_labels_stay_with_files_whatever_happens(pool: ParsePool) -> None:
    Desk.pool = pool
    run_state_machine_as_test(
        Desk,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
