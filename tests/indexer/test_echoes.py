"""Near-copies found by the vectors of their chunks: damaged ones are, forms and licences are not."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.export.choosing import groups_of
from indexer import echoes
from indexer.library import Library
from indexer.related import CopyReport
from indexer.types import SearchRequest
from tests.builders import HashEmbedder, settings, write
from tests.damage import scanned


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """Looks only when told to."""
    with Library.open(tmp_path / "library", settings(), watch=False, load_embedder=HashEmbedder) as made:
        yield made


SYLLABLES = [a + b for a in "bcdfghklmn" for b in "aeiou"]


def prose(seed: int, count: int = 60) -> str:
    """Sentences of long words, in paragraphs."""
    pick = random.Random(seed)
    words = ["".join(pick.choices(SYLLABLES, k=pick.randint(2, 4))) for _ in range(400)]
    lines = [" ".join(pick.choices(words, k=12)).capitalize() + "." for _ in range(count)]
    return "\n\n".join(" ".join(lines[at : at + 4]) for at in range(0, count, 4))


def form(seed: int) -> str:
    """A report on a form that all reports share."""
    pick = random.Random(seed)
    return "\n\n".join(
        f"The {part} of the building was inspected on {pick.randrange(10, 28)} May"
        f" {pick.randrange(1950, 2026)}"
        f" and found to be in a state that costs {pick.randrange(10_000, 99_000)} euros to mend, of which"
        f" {pick.randrange(1_000, 9_999)} are to be paid by the tenant before the end of the year."
        for part in ("roof", "heating", "cellar", "garden", "wiring", "staircase", "chimney", "gate")
    )


def indexed(library: Library, folder: Path, files: dict[str, str]) -> CopyReport:
    write(folder, files)
    for _ in library.sync([str(folder)]):
        pass
    return library.duplicates(differences=True)


def rows(library: Library, table: str) -> list[tuple[object, ...]]:
    with library.catalogue.reader() as db:
        return db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()


def near(report: CopyReport) -> list[set[str]]:
    return [{Path(each.path).name for each in group.files} for group in report.groups]


ORIGINAL = prose(1)
SCAN = scanned(ORIGINAL, 0.02, random.Random(1))
OTHERS = {f"other {seed}.txt": prose(seed) for seed in range(10, 16)}


def test_a_copy_read_by_ocr_is_found_with_what_differs(library: Library, folder: Path) -> None:
    told = indexed(library, folder, {"letter.txt": ORIGINAL, "scan.txt": SCAN, **OTHERS})
    assert near(told) == [{"letter.txt", "scan.txt"}]
    (group,) = told.groups
    assert group.relation == "near"
    assert group.files[1].by_meaning
    assert group.files[1].similarity >= echoes.NEAR
    assert group.files[1].removed > 20
    assert group.files[1].added > 20
    documents = [each.document for each in group.files]
    groups = groups_of(told)
    assert groups.of(documents[0]) == groups.of(documents[1])


def test_such_a_pair_is_no_family_and_puts_nothing_out_of_answers(library: Library, folder: Path) -> None:
    told = indexed(library, folder, {"letter.txt": ORIGINAL, "scan.txt": SCAN})
    assert told.total == 1
    assert told.families_total == 0
    assert told.frees_bytes == 0
    assert not library.search(SearchRequest(query="is:old")).hits
    assert not any(row.copy_of or row.newer for row in library.files().rows)


def test_reports_on_one_form_and_texts_with_a_new_part_are_not_copies(library: Library, folder: Path) -> None:
    forms = {f"report {seed}.txt": form(seed) for seed in range(4)}
    longer = {"terms.txt": ORIGINAL, "conditions.txt": f"{ORIGINAL}\n\n{prose(3, 20)}"}
    assert indexed(library, folder, {**forms, **longer}).groups == ()
    assert rows(library, "echoes")


def test_a_new_document_is_compared_once(library: Library, folder: Path) -> None:
    indexed(library, folder, {"letter.txt": ORIGINAL, **OTHERS})
    before = rows(library, "echoes")
    assert all(row[3] for row in rows(library, "means"))
    assert len(rows(library, "means")) == 7
    told = indexed(library, folder, {"scan.txt": SCAN})
    assert near(told) == [{"letter.txt", "scan.txt"}]
    after = rows(library, "echoes")
    scan = max(int(str(row[0])) for row in rows(library, "means"))
    assert {row for row in after if scan not in row[:2]} == set(before)
    assert 1 <= len(after) - len(before) <= echoes.NEAREST


def test_what_was_found_is_kept_over_a_restart(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "library"
    with Library.open(place, settings(), watch=False, load_embedder=HashEmbedder) as library:
        first = indexed(library, folder, {"letter.txt": ORIGINAL, "scan.txt": SCAN})
    compared: list[str] = []
    monkeypatch.setattr("indexer.echoes.agreement", lambda a, b: compared.append(a))
    with Library.open(place, settings(), watch=False, load_embedder=HashEmbedder) as library:
        assert library.duplicates(differences=True) == first
    assert first.total == 1
    assert not compared


def test_without_a_model_nothing_is_kept(tmp_path: Path, folder: Path) -> None:
    with Library.open(tmp_path / "library", settings(), watch=False) as library:
        assert indexed(library, folder, {"letter.txt": ORIGINAL, "scan.txt": SCAN}).groups == ()
        assert rows(library, "means") == rows(library, "echoes") == []


def test_another_model_compares_anew(tmp_path: Path, folder: Path) -> None:
    place = tmp_path / "library"
    with Library.open(place, settings(), watch=False, load_embedder=HashEmbedder) as library:
        indexed(library, folder, {"letter.txt": ORIGINAL, "scan.txt": SCAN})
        (old,) = {row[1] for row in rows(library, "means")}
    with Library.open(
        place, settings(), watch=False, load_embedder=lambda: HashEmbedder("hash/2", 128)
    ) as library:
        for _ in library.sync():
            pass
        assert near(library.duplicates()) == [{"letter.txt", "scan.txt"}]
        (new,) = {row[1] for row in rows(library, "means")}
    assert new != old


def test_what_is_deleted_is_forgotten(library: Library, folder: Path) -> None:
    indexed(library, folder, {"letter.txt": ORIGINAL, "scan.txt": SCAN})
    assert len(rows(library, "echoes")) == 1
    (folder / "scan.txt").unlink()
    for _ in library.sync():
        pass
    assert library.duplicates().groups == ()
    library.catalogue.drop_documents([int(str(row[0])) for row in rows(library, "documents")])
    assert len(rows(library, "means")) == 1
    assert rows(library, "echoes") == []


@given(st.integers(0, 1000), st.integers(1, 40))
def test_a_new_row_brings_few_pairs_and_each_holds_a_new_one(seed: int, count: int) -> None:
    pick = np.random.default_rng(seed)
    means = pick.normal(size=(count, 4)).astype(np.float32)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    lengths = pick.integers(100, 2000, count)
    fresh = pick.random(count) < 0.4
    pairs = echoes.candidates(means, lengths, fresh)
    assert len(pairs) <= echoes.NEAREST * int(fresh.sum())
    for a, b in pairs:
        assert a < b
        assert fresh[a] or fresh[b]
        shorter, longer = sorted((lengths[a], lengths[b]))
        assert shorter >= echoes.SHORTEST
        assert shorter >= echoes.LENGTHS * longer


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1])
def test_damage_leaves_most_of_a_text_recognised(share: float) -> None:
    damaged = scanned(ORIGINAL[:600], share, random.Random(7))
    assert echoes.agreement(ORIGINAL[:600], damaged).share >= echoes.AGREED
    assert echoes.agreement(ORIGINAL[:600], prose(5)[:1800]).share < 0.4


def test_figures_tell_reports_apart() -> None:
    assert echoes.same_figures("In 1999 it cost 120.", "in 1999, it costs 120")
    assert not echoes.same_figures("In 1999 it cost 120.", "In 2004 it cost 180.")
    assert echoes.same_figures("Without any.", "In 2004.")
