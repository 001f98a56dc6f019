"""Two rankings into one."""

from __future__ import annotations

from indexer.fusion import DOCUMENTS, DOCUMENTS_MULTILINGUAL, MANY, Blend, Candidate, fuse


def candidates(cosines: list[float], *, keyword: float = 0.0) -> list[Candidate]:
    return [
        Candidate(chunk=n, document=n, semantic=cosine, keyword=keyword * (n % 3), weight=0.6)
        for n, cosine in enumerate(cosines)
    ]


def order(found: list[Candidate], blend: Blend) -> list[int]:
    return [each.candidate.chunk for each in fuse(found, 3.0, blend)]


def test_where_all_are_alike_it_counts_how_far_one_stands_out() -> None:
    # All within a tenth of each other; words speak for 2, 5, 8 …, meaning for the last.
    close = [0.50 + 0.002 * n for n in range(MANY + 1)] + [0.62]
    found = candidates(close, keyword=0.5)
    assert order(found, DOCUMENTS)[0] != MANY + 1
    assert order(found, DOCUMENTS_MULTILINGUAL)[0] == MANY + 1


def test_of_few_candidates_each_counts() -> None:
    scores = {
        each.candidate.chunk: each.score for each in fuse(candidates([0.4]), 3.0, DOCUMENTS_MULTILINGUAL)
    }
    assert scores[0] > 0
    assert order(candidates([0.2, 0.6, 0.4]), DOCUMENTS_MULTILINGUAL) == [1, 2, 0]


def test_scores_lie_between_nothing_and_one() -> None:
    for blend in (DOCUMENTS, DOCUMENTS_MULTILINGUAL):
        for found in (candidates([0.0] * 30), candidates([0.1 * n for n in range(10)] * 3, keyword=3.0)):
            assert all(0 <= each.score <= 1 for each in fuse(found, 3.0, blend))
