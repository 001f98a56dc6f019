"""Applying, killing, resuming, rolling back and undoing plans: nothing lost, everything as before."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import event, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from indexer.organize.check import Checked, check
from indexer.organize.disk import is_inside
from indexer.organize.plan import Action, PlanError
from indexer.organize.runs import Outcome, Runs
from tests.indexer.trees import Killed, action, bounds, contents, dying, parted, picture, plan

NAMES = [
    b"a",
    b"b",
    b"A",
    b"c d",
    b"e\nf",
    b"\xff\xfe",
    "é".encode(),
    "e\u0301".encode(),
    b'q"\\',
    b"-rf",
    b"x.pdf",
]
FOLDERS = [b"", b"one", b"one/two", b"Two", b"three \xfe"]
TEXTS = [b"", b"same", b"same", b"other", b"more" * 3000]


Draw = Callable[[st.SearchStrategy[Any]], Any]
EXAMPLES = int(os.environ.get("QUIRE_TEST_PLANS", "60"))
"""More of them by hand: QUIRE_TEST_PLANS=1000."""


class World:
    """A root with files, a library's folder and a trash, all thrown away in the end."""

    def __init__(self, place: bytes) -> None:
        self.place = place
        self.root = os.path.join(place, b"root")
        self.trash = os.path.join(place, b"trash")
        self.library = Path(os.fsdecode(os.path.join(place, b"library")))
        for each in (self.root, os.fsencode(self.library)):
            Path(os.fsdecode(each)).mkdir()

    def put(
        self, path: bytes, content: bytes, mode: int = 0o644, mtime_ns: int = 1_600_000_000_000_000_000
    ) -> bytes:
        whole = os.path.join(self.root, path)
        file = Path(os.fsdecode(whole))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(mode)
        os.utime(whole, ns=(mtime_ns, mtime_ns))
        return whole

    def at(self, path: bytes) -> bytes:
        return os.path.join(self.root, path)

    def check(self, *actions: Action) -> Checked:
        return check(plan(*actions), bounds(self.root), home_trash=self.trash)

    def runs(self) -> Runs:
        return Runs(self.library)

    def apply(self, *actions: Action) -> Outcome:
        return self.runs().apply(self.check(*actions))

    def picture(self) -> dict[bytes, object]:
        return {**picture(self.root), **picture(self.trash)}


@contextmanager
def world() -> Iterator[World]:
    place = tempfile.mkdtemp(prefix="quire-")
    try:
        yield World(os.fsencode(os.path.realpath(place)))
    finally:
        shutil.rmtree(place)


@st.composite
def trees(draw: st.DrawFn) -> dict[bytes, tuple[bytes, int, int]]:
    paths = st.builds(
        lambda folder, name: folder + b"/" * bool(folder) + name,
        st.sampled_from(FOLDERS),
        st.sampled_from(NAMES),
    )
    files = st.tuples(st.sampled_from(TEXTS), st.sampled_from([0o644, 0o400, 0o755]), st.integers(1, 2**61))
    found: dict[bytes, tuple[bytes, int, int]] = draw(st.dictionaries(paths, files, min_size=1, max_size=8))
    return found


def planned(draw: Draw, here: World, sources: list[bytes]) -> list[Action]:
    """Random lines: permutations, moves into files' old names and below them, copies to the trash."""
    places = [
        *sources,
        *(os.path.join(source, name) for source in sources for name in NAMES[:3]),
        *(os.path.join(here.root, folder, name) for folder in (*FOLDERS, b"new/deep") for name in NAMES),
    ]
    actions: list[Action] = []
    taken: set[bytes] = set()
    trashed: set[bytes] = set()
    for line, source in enumerate(draw(st.permutations(sources)), 1):
        copies = [each for each in sources if each not in {source, *trashed} and _same(each, source)]
        kept = {each.kept for each in actions}
        if copies and source not in kept and draw(st.booleans()):
            actions.append(action("trash", source, draw(st.sampled_from(copies)), line))
            trashed.add(source)
        elif draw(st.integers(0, 9)):
            target = draw(st.sampled_from(sources) if draw(st.booleans()) else st.sampled_from(places))
            if not any(
                target == each or is_inside(target, each) or is_inside(each, target) for each in taken
            ):
                actions.append(action("move", source, target, line))
                taken.add(target)
    return actions


def _same(a: bytes, b: bytes) -> bool:
    return Path(os.fsdecode(a)).read_bytes() == Path(os.fsdecode(b)).read_bytes()


def _change_meanwhile(draw: Draw, here: World, sources: list[bytes], targets: list[bytes]) -> set[bytes]:
    """What other programs do between plan and application; returns the files that changed or went."""
    touched: set[bytes] = set()
    for source in draw(st.lists(st.sampled_from(sources), max_size=2, unique=True)):
        match draw(st.sampled_from(["edit", "remove", "replace"])):
            case "edit":
                with open(source, "ab") as stream:
                    stream.write(b"edited")
            case "remove":
                Path(os.fsdecode(source)).unlink()
            case "replace":
                Path(os.fsdecode(source)).unlink()
                here.put(source, b"another one")
        touched.add(source)
    for target in draw(st.lists(st.sampled_from(targets), max_size=1)) if targets else []:
        if not os.path.lexists(target) and Path(os.fsdecode(target)).parent.is_dir():
            here.put(target, b"appeared")
    return touched


@given(st.data())
@hypothesis_settings(max_examples=EXAMPLES, deadline=None)
def test_an_undone_plan_leaves_everything_as_it_was(data: st.DataObject) -> None:
    with world() as here, parted(b"Two" if data.draw(st.booleans()) else b""):
        sources = _grow(here, data.draw(trees()))
        actions = planned(data.draw, here, sources)
        changed = _change_meanwhile(
            data.draw, here, sources, [each.target for each in actions if each.target]
        )
        before, everything = here.picture(), contents(here.place)
        try:
            checked = here.check(*actions)
        except PlanError:
            event("fault")
            return
        assert not changed & {each.source for each in checked.transfers}
        assert changed & {each.source for each in actions if _moves(each)} <= {
            each.path for each in checked.left
        }
        outcome = here.runs().apply(checked)
        event(f"{len(checked.transfers)} transfers, {len(checked.left)} left")
        assert outcome.state == ("applied" if checked.steps else "nothing"), outcome
        for each in checked.transfers:
            assert here.picture()[each.target] == before[each.source]
        assert not Counter(everything) - Counter(contents(here.place))
        if checked.steps:
            undone = here.runs().undo()
            assert (undone.state, undone.left) == ("undone", ())
        assert here.picture() == before


@given(st.data())
@hypothesis_settings(max_examples=EXAMPLES, deadline=None)
def test_a_kill_at_any_moment_is_resumed_or_rolled_back(data: st.DataObject) -> None:
    with world() as here, parted(b"Two" if data.draw(st.booleans()) else b""):
        sources = _grow(here, data.draw(trees()))
        before = here.picture()
        checked = here.check(*planned(data.draw, here, sources))
        if not checked.steps:
            return
        after = {each.target: before[each.source] for each in checked.transfers}
        kills = _survive(data.draw, here, lambda: here.runs().apply(checked))
        now = here.picture()
        if now != before:
            assert {path: now[path] for path in after} == after
            kills += _survive(data.draw, here, lambda: here.runs().undo())
            if here.picture() != before:  # the undoing was rolled back, or never begun
                assert {path: here.picture()[path] for path in after} == after
                assert here.runs().undo().left == ()
        event(f"{kills} kills")
        assert here.picture() == before


def _moves(action: Action) -> bool:
    return action.word == "trash" or action.target not in (b"", action.source)


def _grow(here: World, tree: dict[bytes, tuple[bytes, int, int]]) -> list[bytes]:
    return [here.put(path, *told) for path, told in sorted(tree.items())]


def _survive(draw: Draw, here: World, work: Callable[[], object]) -> int:
    """Do some work, die in it, resume or roll back, die again, until it has ended; returns the deaths."""
    kills = int(_die(draw, work))
    while here.runs().interrupted():
        runs = here.runs()
        kills += _die(draw, runs.resume if draw(st.booleans()) else runs.rollback)
    return kills


def _die(draw: Draw, work: Callable[[], object]) -> bool:
    """Do some work and die in it after some operations, or not at all; tells whether it died."""
    try:
        with dying(draw(st.integers(0, 50)), torn=draw(st.booleans())):
            work()
    except Killed:
        return True
    return False
