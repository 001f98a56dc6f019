"""Copies and versions for scripted sessions."""

from __future__ import annotations

from collections.abc import Iterable

from indexer import worddiff
from indexer.related import Copy, CopyGroup, CopyReport, Difference, Edit, Family, Relation, Version

DAY_NS = 86_400 * 10**9
EPOCH_NS = 1_759_579_200 * 10**9
ROOT = "/home/anna/papers"


def copy(
    path: str, relation: Relation, similarity: float = 1.0, *, size: int = 714_000, age: int = 0
) -> Copy:
    return Copy(
        path=f"{ROOT}/{path}",
        document=f"sha256:{ROOT}/{path}",
        format=path.rpartition(".")[2],
        size_bytes=size,
        mtime_ns=EPOCH_NS - age * DAY_NS,
        relation=relation,
        similarity=similarity,
    )


def group(relation: Relation, why: str, *files: Copy) -> CopyGroup:
    return CopyGroup(
        relation=relation, why=why, frees_bytes=sum(each.size_bytes for each in files[1:]), files=files
    )


def family(name: str, *paths: str) -> Family:
    return Family(
        name=name,
        versions=tuple(
            Version(
                path=f"{ROOT}/{path}",
                document=f"sha256:{ROOT}/{path}",
                place=place,
                mtime_ns=EPOCH_NS - 90 * place * DAY_NS,
                similarity=1.0 - 0.13 * place,
            )
            for place, path in enumerate(paths)
        ),
    )


def report(groups: Iterable[CopyGroup], families: Iterable[Family]) -> CopyReport:
    groups, families = tuple(groups), tuple(families)
    return CopyReport(
        groups=groups,
        families=families,
        total=len(groups),
        families_total=len(families),
        frees_bytes=sum(each.frees_bytes for each in groups if each.relation != "near"),
        compared=12,
    )


KIN = report(
    [
        group(
            "exact",
            "not named a copy, in the least deep folder",
            copy("legal/vendor-contract.pdf", "exact"),
            copy("old/legal/vendor-contract.pdf", "exact", age=3),
            copy("old/legal/vendor-contract copy.pdf", "exact", age=4),
        ),
        group(
            "same-text",
            "the best read",
            copy("zh/季度预算.md", "exact", size=2_100),
            copy("zh/季度预算.docx", "same-text", size=18_000, age=1),
        ),
        group(
            "near",
            "the newest content",
            copy("board/Minutes 2025-10-02.docx", "exact", size=31_000),
            copy("board/Minutes draft.docx", "near", 0.934, size=30_000, age=2),
        ),
    ],
    [
        family("handbook-v3.docx", "hr/handbook-v3.docx", "hr/handbook-v2.docx", "hr/handbook-v1.docx"),
        family("Budget 2026.pptx", "slides/Budget 2026.pptx", "slides/Budget 2026 old.pptx"),
    ],
)

TEXTS = {
    f"{ROOT}/board/Minutes draft.docx": "Minutes\n\nThe budget was carried over to the quarter.\n",
    f"{ROOT}/hr/handbook-v1.docx": "Handbook\n\nLeave is 25 days a year.\n\nAsk the office.\n",
    f"{ROOT}/hr/handbook-v2.docx": "Handbook\n\nLeave is 28 days a year.\n\nAsk the office.\n",
    f"{ROOT}/hr/handbook-v3.docx": "Handbook\n\nLeave is 30 days a year.\n\nAsk Anna or the office.\n",
}
"""Texts of files that are in no list but that of copies and versions."""


def paths(found: CopyReport) -> list[str]:
    """All files of it."""
    files = [each.path for copies in found.groups for each in copies.files]
    return files + [each.path for kin in found.families for each in kin.versions]


def among(found: CopyReport, paths: Iterable[str]) -> CopyReport:
    """The groups and families with one of these paths."""
    wanted = set(paths)
    return report(
        (each for each in found.groups if any(file.path in wanted for file in each.files)),
        (each for each in found.families if any(file.path in wanted for file in each.versions)),
    )


def difference(a: str, b: str, texts: tuple[str, str], context: int) -> Difference:
    """As the library tells it."""
    edits = worddiff.diff(*texts)
    removed, added, kept = worddiff.summary(edits)
    shown = []
    for op, left, right, a_start, b_start in edits:
        if op == "equal" and 0 <= 2 * context + 1 < len(right):
            left = right = f"{right[:context]}…{right[len(right) - context :]}"
        shown.append(Edit(op=op, a=left, b=right, a_start=a_start, b_start=b_start))
    return Difference(
        a=a, b=b, removed=removed, added=added, kept=kept, note="", edits=tuple(shown)
    )  # fmt: skip
