"""How sure it is that passages hold an answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from copilot import evidence
from copilot.evidence import Evidence
from copilot.passages import Term
from copilot.providers import extractive

from .test_extractive import no_model, source

NONE = Evidence(meaning=0.1, passage_words=0.1, near_words=0.0, near_names=0.0, has_meaning=True)
ALL = Evidence(meaning=0.8, passage_words=1.0, near_words=1.0, near_names=1.0, has_meaning=True)


@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.parametrize("has_meaning", [False, True])
def test_nothing_is_refused_and_everything_answered(has_meaning: bool, foreign: bool) -> None:
    none, every = (replace(each, has_meaning=has_meaning, foreign=foreign) for each in (NONE, ALL))
    assert 0 <= evidence.likelihood(none) < evidence.FOUND_WITH_MODEL
    assert evidence.FOUND < evidence.likelihood(every) <= 1


def test_more_of_anything_is_surer() -> None:
    some = Evidence(meaning=0.4, passage_words=0.5, near_words=0.4, near_names=0.5, has_meaning=True)
    more = [
        replace(some, meaning=0.9),
        replace(some, passage_words=0.9),
        replace(some, near_words=0.9),
        replace(some, near_names=0.9),
    ]
    assert all(evidence.likelihood(each) > evidence.likelihood(some) for each in more)


def test_a_name_that_is_missing_near_the_sentence_makes_less_sure() -> None:
    asked = [
        Term(word="rent", weight=0.3, named=False),
        Term(word="boathouse", weight=0.6, named=False),
        Term(word="2031", weight=1.0, named=True),
    ]
    found = source("The rent of the boathouse is 900 euros. It was 850 euros in 2019.")
    ranked = extractive.rank_sentences("rent", asked, [found], None, no_model)
    without = evidence.weigh(asked, [found], ranked)
    there = source("The rent of the boathouse is 900 euros. It was 850 euros in 2031.")
    within = evidence.weigh(asked, [there], extractive.rank_sentences("rent", asked, [there], None, no_model))
    assert (without.near_names, within.near_names) == (0.0, 1.0)
    assert evidence.likelihood(without) < evidence.likelihood(within)


def test_nothing_found_is_weighed_as_nothing() -> None:
    nothing = evidence.weigh([Term(word="rent", weight=1.0, named=False)], [], [])
    assert evidence.likelihood(nothing) < evidence.FOUND_WITH_MODEL
