"""What names say of versions, and the order that follows."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.families import Document, Place, keep, kin, member
from indexer.neardup import Likeness
from indexer.versions import Member, marks, newer, ordered

LADDERS = [
    ["lease old.docx", "lease draft.docx", "lease.docx", "lease revised.docx", "lease final.docx"],
    ["lease.docx", "lease v2.docx", "lease_v3.docx", "Lease-V10.docx", "lease v10.1.docx"],
    ["minutes 2023-12.pdf", "minutes 2024-03-01.pdf", "minutes_20240315.pdf"],
    ["draft-ietf-foo-00.txt", "draft-ietf-foo-07.txt", "draft-ietf-foo-12.txt"],
    ["合同 初稿.docx", "合同.docx", "合同 修订版.docx", "合同 最终版.docx"],
    ["合同第一版.docx", "合同第二版.docx", "合同第3版.docx"],
    ["报告2023年12月.pdf", "报告2024年3月.pdf"],
    ["plan-old.md", "plan_rev3.md", "plan_rev4.md"],
    ["offer v1 final.doc", "offer v2.doc", "offer v2 final.doc"],
    ["Vertrag Entwurf.odt", "Vertrag.odt", "Vertrag endgültig.odt"],
]


@pytest.mark.parametrize("names", LADDERS)
def test_names_order_versions(names: list[str]) -> None:
    members = [Member(at, marks(name)) for at, name in enumerate(names)]
    assert len({each.marks.stem for each in members}) == 1
    assert [each.id for each in ordered(members[::-1])] == list(range(len(names)))[::-1]


@pytest.mark.parametrize(
    "name",
    [
        "report (1).docx",
        "Copy of report.docx",
        "report - Copy (2).docx",
        "report 副本.docx",
        "Report Kopie.odt",
    ],
)
def test_copies_keep_the_stem(name: str) -> None:
    assert marks(name) in {marks("report (1).txt")}


@pytest.mark.parametrize(
    "name", ["report.pdf", "rfc7230.txt", "goldfinch.txt", "finally.txt", "README", ".profile"]
)
def test_plain_names_say_nothing(name: str) -> None:
    assert not marks(name).marked


def test_a_name_of_marks_alone_is_named_by_its_folder() -> None:
    assert marks("v2.pdf", "Lease").stem == marks("v3.pdf", "lease").stem == "/lease"


@given(st.text(max_size=40))
def test_any_name_can_be_taken_apart(name: str) -> None:
    assert marks(name, "x").stem == marks(name, "x").stem.strip()


NAMES = st.sampled_from([name for names in LADDERS for name in names] + ["x (1).md", "x.md", "x copy.md"])


DATES = st.sampled_from(["", "2024-01-01", "2023-05-05T10:00:00"])


@given(st.lists(st.tuples(NAMES, DATES, st.integers(0, 3)), max_size=7), st.randoms())
def test_the_order_is_the_same_however_versions_come(
    rows: list[tuple[str, str, int]], pick: random.Random
) -> None:
    members = [Member(at, marks(name), dated, mtime) for at, (name, dated, mtime) in enumerate(rows)]
    mixed = list(members)
    pick.shuffle(mixed)
    assert ordered(members) == ordered(mixed)
    for a in members:
        for b in members:
            assert newer(a, b) == -newer(b, a)


# --- families -----------------------------------------------------------------------------------


def made(*paths: str, dated: str = "") -> dict[int, Document]:
    return {
        at: Document(at, (Place(at, path, at, 100),), dated, None, "text") for at, path in enumerate(paths, 1)
    }


def found(
    documents: dict[int, Document], alike: float, *, series: bool = False
) -> list[tuple[tuple[int, ...], ...]]:
    members = {each: member(document) for each, document in documents.items()}
    likeness = {(a, b): Likeness(alike, alike) for a in documents for b in documents if a < b}
    return [each.places for each in kin(documents, members, likeness, [], lambda a, b: series)]


def test_numbered_versions_are_a_family_even_when_rewritten() -> None:
    documents = made("/d/plan v1.md", "/d/plan v2.md", "/d/plan v10.md", "/d/other.md")
    assert found(documents, 0.1) == [((3,), (2,), (1,))]
    assert found(documents, 0.0) == []
    assert found(made("/a/plan v1.md", "/b/plan v2.md"), 0.1) == []


def test_a_series_of_invoices_is_no_family() -> None:
    documents = made("/d/invoice 2024-01.pdf", "/d/invoice 2024-02.pdf")
    assert found(documents, 0.9) == [((2,), (1,))]
    assert found(documents, 0.9, series=True) == []
    assert found(documents, 0.4) == []


def test_numbered_documents_are_no_versions() -> None:
    assert found(made("/d/report-06.txt", "/d/report-07.txt", "/d/report-08.txt"), 0.9) == []
    assert found(made("/d/licence 1.1.txt", "/d/licence 1.2.txt"), 0.9) == [((2,), (1,))]


def test_files_that_merely_share_a_name_are_no_family() -> None:
    assert found(made("/a/README.md", "/b/README.md"), 0.9) == []
    assert found(made("/a/report.docx", "/a/report.pdf"), 0.9) == []


def test_the_same_text_shares_a_place() -> None:
    documents = made("/d/plan v1.md", "/d/plan v2.md", "/d/plan v2.pdf")
    members = {each: member(document) for each, document in documents.items()}
    likeness = {pair: Likeness(0.7, 0.9) for pair in ((1, 2), (1, 3), (2, 3))}
    families = kin(documents, members, likeness, [(2, 3)], lambda a, b: False)
    assert [set(place) for place in families[0].places] == [{2, 3}, {1}]


def test_what_to_keep_is_told_with_its_reason() -> None:
    same = list(made("/d/lease (1).docx", "/d/deep/er/lease.docx", "/d/lease.docx").values())
    chosen = keep(same, same_text=True)
    assert chosen.place.path == "/d/lease.docx"
    assert chosen.why == "not named a copy, in the least deep folder"
    near = list(made("/d/lease.docx", "/d/lease new.docx").values())
    assert keep(near, same_text=False).place.path == "/d/lease new.docx"
    assert keep(near, same_text=False).why == "the newest file"
