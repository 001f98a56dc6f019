"""How sure it is that passages hold an answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from copilot import evidence, passages
from copilot.evidence import Evidence
from copilot.passages import Footing, Term
from copilot.providers import extractive
from indexer.config import Config, EmbeddingConfig
from indexer.library import Library

from .test_extractive import hit, no_model, source

NONE = Evidence(meaning=0.1, passage_words=0.1, near_words=0.0, near_names=0.0, has_meaning=True)
ALL = Evidence(meaning=0.8, passage_words=1.0, near_words=1.0, near_names=1.0, has_meaning=True)


@pytest.mark.parametrize("footing", list(Footing))
@pytest.mark.parametrize("has_meaning", [False, True])
def test_nothing_is_refused_and_everything_answered(has_meaning: bool, footing: Footing) -> None:
    none, every = (replace(each, has_meaning=has_meaning, footing=footing) for each in (NONE, ALL))
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


ASKED = {
    "en": "How much is the rent of the boathouse in winter?",
    "de": "Wie hoch ist die Miete für den Bootsschuppen im Winter?",
    "zh": "冬天船库的租金是多少？",
}


@pytest.mark.parametrize(
    ("known", "asked", "found", "footing"),
    [
        ({"en"}, "en", ("en",), Footing.ENGLISH),
        ({"en"}, "en", ("de",), Footing.ENGLISH),
        ({"en"}, "de", ("en",), Footing.UNKNOWN),
        (None, "en", ("en", "de"), Footing.HOME),
        (None, "de", ("", "de", "en", "en"), Footing.WITHIN),
        (None, "de", ("en", "de", "de"), Footing.ACROSS),
        (None, "de", ("en", "", "zh"), Footing.ACROSS),
        (None, "zh", ("en",), Footing.ACROSS),
        (None, "zh", (), Footing.WITHIN),
        # A language nobody could tell is no other language.
        (None, "de", ("",), Footing.WITHIN),
    ],
)
def test_the_footing_is_told_by_the_languages(
    known: set[str] | None, asked: str, found: tuple[str, ...], footing: Footing
) -> None:
    library = cast(Library, SimpleNamespace(languages=None if known is None else frozenset(known)))
    hits = [replace(hit("Any text."), language=code) for code in found]
    assert passages.footing(ASKED[asked], hits, library) is footing


def test_a_question_too_short_to_tell_is_in_the_language_of_its_passages() -> None:
    english = cast(Library, SimpleNamespace(languages=frozenset({"en"})))
    assert passages.footing("Miete?", [replace(hit("x"), language="de")], english) is Footing.UNKNOWN
    assert passages.footing("Rent?", [hit("x")], english) is Footing.ENGLISH
    assert passages.footing("Rent?", [], english) is Footing.ENGLISH
    every = cast(Library, SimpleNamespace(languages=None))
    assert passages.footing("Miete?", [replace(hit("x"), language="de")], every) is Footing.WITHIN
    assert passages.footing("Rent?", [hit("x")], every) is Footing.HOME


def test_what_stands_out_is_measured_by_the_others() -> None:
    scores = [0.9, 0.5, 0.3]
    found = [
        source(f"Sentence number {n} says something.", n + 1, score=each) for n, each in enumerate(scores)
    ]
    near = [
        replace(each, passage=replace(each.passage, hit=replace(each.hit, scores={"semantic": cosine})))
        for each, cosine in zip(found, (0.2, 0.6, 0.4), strict=True)
    ]
    fit = evidence.weigh([], near, [], footing=Footing.ACROSS)
    assert fit.stands_out == pytest.approx(0.6 - (0.2 + 0.4 + 3 * 0.1) / 5)
    assert fit.leads == pytest.approx(0.5)
    alone = evidence.weigh([], near[:1], [], footing=Footing.ACROSS)
    assert alone.stands_out == pytest.approx(0.1)
    assert alone.leads == 0.0
    nothing = evidence.weigh([], [], [], footing=Footing.ACROSS)
    assert (nothing.stands_out, nothing.leads) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("When did Martha Keller sign the lease of 2021?", {"martha", "keller", "2021"}),
        ("Wann hat Martha Keller den Mietvertrag von 2021 unterschrieben?", {"martha", "keller", "2021"}),
        ("Wie hoch ist die Miete für den Bootsschuppen?", set()),
        ("Was kostet der Eintritt für ICOM im Museum?", {"icom"}),
    ],
)
def test_german_nouns_are_no_names(library: Library, question: str, names: set[str]) -> None:
    assert {term.word for term in passages.terms(question, library) if term.named} == names


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path, Config(embedding=EmbeddingConfig(provider="none")), watch=False) as opened:
        yield opened
