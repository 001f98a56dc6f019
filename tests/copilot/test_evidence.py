"""How sure it is that passages hold an answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from copilot import evidence
from copilot.evidence import Evidence

NONE = Evidence(meaning=0.1, passage_words=0.1, sentence_words=0.0, named=0.0, has_meaning=True)
ALL = Evidence(meaning=0.8, passage_words=1.0, sentence_words=1.0, named=1.0, has_meaning=True)


@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.parametrize("has_meaning", [False, True])
def test_nothing_is_refused_and_everything_answered(has_meaning: bool, foreign: bool) -> None:
    none, every = (replace(each, has_meaning=has_meaning, foreign=foreign) for each in (NONE, ALL))
    assert 0 <= evidence.likelihood(none) < evidence.FOUND_WITH_MODEL
    assert evidence.FOUND < evidence.likelihood(every) <= 1


def test_more_of_anything_is_surer() -> None:
    some = Evidence(meaning=0.4, passage_words=0.5, sentence_words=0.4, named=0.5, has_meaning=True)
    more = [
        replace(some, meaning=0.9),
        replace(some, passage_words=0.9),
        replace(some, sentence_words=0.9),
        replace(some, named=0.9),
    ]
    assert all(evidence.likelihood(each) > evidence.likelihood(some) for each in more)
