"""Every claim of the table is judged right, with an embedding model and without."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from copilot import grounding
from copilot.passages import sources
from copilot.types import Claim
from indexer.library import Library

from .hard_claims import ROWS
from .test_grounding import Texts, hit

CASES = [
    pytest.param(row.language, row.passage, claim, truth, id=f"{row.about}: {claim}")
    for row in ROWS
    for claims, truth in ((row.true, True), (row.false, False))
    for claim in claims
]


def judged(language: str, passage: str, claim: str) -> list[Claim]:
    found = replace(hit(passage), language=language, title="Notes", path="/d/notes.txt")
    library = cast("Library", Texts({found.document: passage}))
    return list(grounding.ground(f"{claim} [1]", sources([found]), library, lambda _: None).claims)


@pytest.mark.parametrize(("language", "passage", "claim", "truth"), CASES)
def test_what_is_said_is_supported_and_what_is_not_is_marked(
    language: str, passage: str, claim: str, truth: bool
) -> None:
    claims = judged(language, passage, claim)
    assert all(each.verdict == "supported" for each in claims) is truth, claims
    assert all(each.reason for each in claims if each.verdict != "supported")
    assert all(each.quote in " ".join(passage.split()) for each in claims)


def test_the_table_has_true_and_false_claims_in_five_languages() -> None:
    assert {row.language for row in ROWS} == {"en", "de", "es", "fr", "zh"}
    assert all(row.true and row.false for row in ROWS)
    assert sum(len(row.false) for row in ROWS) >= 120
