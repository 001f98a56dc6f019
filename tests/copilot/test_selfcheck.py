"""A library that measures its own search, and is tuned only to what is better."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from copilot import selfcheck
from copilot.background import Task
from copilot.history import FILE
from copilot.retrieval import RetrievalReport, RetrievalRequest
from copilot.session import LocalSession
from copilot.words import content_words
from indexer.config import Config, HistoryConfig, SearchConfig
from indexer.library import Library
from indexer.types import SearchRequest
from tests.builders import HashEmbedder, settings, write

from .scripted import ScriptedModels

SYLLABLES = ("ba", "do", "ki", "lu", "me", "no", "pa", "ri", "so", "tu", "va", "ze")
LEXICON = [f"{a}{b}{c}" for a in SYLLABLES for b in SYLLABLES for c in ("rn", "st")]
CHANCE = random.Random(5)


def story() -> str:
    """A text of its own: a title, a heading and a sentence of words that others share, never all of them."""
    title, heading = " ".join(CHANCE.sample(LEXICON, 4)), " ".join(CHANCE.sample(LEXICON, 3))
    return f"# {title.title()}\n\n## {heading.title()}\n\nThe {' '.join(CHANCE.sample(LEXICON, 14))} came.\n"


DOCUMENTS = {f"shelf{n % 4}/story{n}.md": story() for n in range(100)}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    folder = tmp_path_factory.mktemp("animals")
    write(folder, DOCUMENTS)
    place = tmp_path_factory.mktemp("library")
    with Library.open(place, settings(), watch=False, load_embedder=HashEmbedder) as opened:
        list(opened.sync([str(folder)]))
        yield opened


def session_of(library: Library) -> LocalSession:
    return LocalSession(library, models=ScriptedModels(None))


def check(library: Library, **options: object) -> RetrievalReport:
    request = RetrievalRequest(**{"queries": 60, **options})  # type: ignore[arg-type]
    *_, report = session_of(library).check_retrieval(request)
    assert isinstance(report, RetrievalReport)
    return report


def known(library: Library, seed: int = 0) -> list[selfcheck.Known]:
    request = RetrievalRequest(queries=60, seed=seed)
    return list(selfcheck._Measuring(request, library, list, Task())._known())


def test_queries_are_words_of_their_documents_and_never_a_whole_sentence(library: Library) -> None:
    found = known(library)
    assert {each.origin for each in found} == {"sentence", "title", "heading"}
    for each in found:
        text = library.text(each.document, 0, 10_000).text
        wanted = content_words(each.text)
        assert len(wanted) >= 3
        assert set(wanted) <= set(content_words(text))
        if each.origin == "sentence":
            sentence = text.rsplit("\n\n", 1)[1]
            assert len(wanted) <= len(set(content_words(sentence))) - selfcheck.LEFT_OUT


def test_the_same_seed_asks_the_same_and_another_seed_asks_otherwise(library: Library) -> None:
    assert known(library, 1) == known(library, 1)
    assert known(library, 1) != known(library, 2)


def test_a_report_counts_every_query_in_each_division(library: Library) -> None:
    report = check(library)
    (whole,) = (row for row in report.rows if row.part == "all")
    assert whole.queries == 60
    for part in ("origin", "language"):
        assert sum(row.queries for row in report.rows if row.part == part) == 60
    for row in report.rows:
        for way in (row.keyword, row.meaning, row.both):
            assert way is not None
            assert 0 <= way.recall_1 <= way.mrr <= way.recall_10 <= 1
    assert whole.keyword.recall_10 > 0.5
    assert report.weight == 0.5
    assert report.origin == "default"


def test_what_was_opened_after_a_search_is_asked_again(tmp_path: Path, folder: Path) -> None:
    write(folder, dict(list(DOCUMENTS.items())[:12]))
    with Library.open(tmp_path / "library", settings(), watch=False) as library:
        list(library.sync([str(folder)]))
        session = session_of(library)
        (document, _), *_ = library.readable("path:story1.md")
        session.opened("grey bird that fishes", document)
        session.opened("grey bird that fishes", document)
        session.opened("   ", document)
        *_, report = session.check_retrieval(RetrievalRequest(queries=10))
        assert isinstance(report, RetrievalReport)
        assert [row.queries for row in report.rows if row.name == "opened"] == [1]
        session.forget()
        *_, report = session.check_retrieval(RetrievalRequest(queries=10))
        assert isinstance(report, RetrievalReport)
        assert [row for row in report.rows if row.name == "opened"] == []
        session.close()


def test_nothing_opened_is_kept_where_no_history_is(tmp_path: Path, folder: Path) -> None:
    write(folder, {"a.md": "# Heron\n\nThe heron fishes.\n"})
    config = settings().model_copy(update={"history": HistoryConfig(keep=False)})
    with Library.open(tmp_path / "library", config, watch=False) as library:
        list(library.sync([str(folder)]))
        session = session_of(library)
        (document, _), *_ = library.readable("")
        session.opened("grey bird", document)
        assert not (library.directory / FILE).exists()


def test_a_history_from_before_is_taken_along(tmp_path: Path, folder: Path) -> None:
    write(folder, {"a.md": "# Heron\n\nThe heron fishes.\n"})
    with Library.open(tmp_path / "library", settings(), watch=False) as library:
        list(library.sync([str(folder)]))
        (document, _), *_ = library.readable("")
        first = session_of(library)
        first.opened("grey bird", document)
        first._history.close()
        with closing(sqlite3.connect(library.directory / FILE)) as db:
            db.executescript("DROP TABLE opened; PRAGMA user_version=1;")
        again = session_of(library)
        again.opened("grey bird", document)
        assert again._history.opened() == [("grey bird", document)]
        again._history.close()


# --- tuning ------------------------------------------------------------------------------------------------


Tried = Callable[[Sequence[selfcheck.Known], Sequence[float]], NDArray[np.float64]]


def where_seven_tenths_gain(first: float, second: float) -> Tried:
    """Measurements in which a weight of 0.7 gains so much on the choosing half and on the deciding one."""

    def tried(known: Sequence[selfcheck.Known], weights: Sequence[float]) -> NDArray[np.float64]:
        found = np.full((len(known), len(weights)), 0.5)
        found[:, list(weights).index(0.7)] += first if len(weights) > 2 else second
        return found

    return tried


def tuned(library: Library, tried: Tried, monkeypatch: pytest.MonkeyPatch) -> RetrievalReport:
    monkeypatch.setattr(selfcheck._Measuring, "_tried", lambda _, known, weights: tried(known, weights))
    report = check(library, tune=True, queries=200)
    assert report.tuning is not None
    return report


def opened(place: Path, config: Config | None = None) -> Library:
    library = Library.open(place, config or settings(), watch=False, load_embedder=HashEmbedder)
    list(library.sync())  # the model is loaded by then
    return library


def test_a_better_weight_is_taken_kept_and_used(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, DOCUMENTS)
    with opened(tmp_path / "library") as library:
        list(library.sync([str(folder)]))
        report = tuned(library, where_seven_tenths_gain(0.2, 0.1), monkeypatch)
        assert report.tuning is not None
        assert (report.tuning.change, report.tuning.tried) == ("taken", 0.7)
        assert (report.weight, report.origin) == (0.7, "tuned")
    with opened(tmp_path / "library") as library:
        (hit, *_) = library.search(SearchRequest(query=known(library)[0].text, explain=True)).hits
        assert "weight of meaning 0.95" in hit.explain  # and what is added for whole documents
        assert check(library).origin == "tuned"
        reset = check(library, reset=True)
        assert (reset.weight, reset.origin) == (0.5, "default")
    with opened(tmp_path / "library") as library:
        assert library.searcher.weight.value == 0.5


def test_a_change_that_makes_it_worse_is_refused(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    report = tuned(library, where_seven_tenths_gain(0.4, -0.2), monkeypatch)
    assert report.tuning is not None
    assert (report.tuning.change, report.tuning.tried) == ("refused", 0.7)
    assert report.tuning.gain == pytest.approx(-0.2)
    assert "gets worse" in report.tuning.reason
    assert (report.weight, report.origin) == (0.5, "default")


def test_a_weight_in_the_configuration_is_never_changed(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, DOCUMENTS)
    config = settings().model_copy(update={"search": SearchConfig(semantic_weight=0.4)})
    with opened(tmp_path / "library", config) as library:
        list(library.sync([str(folder)]))
        report = tuned(library, where_seven_tenths_gain(0.2, 0.1), monkeypatch)
        assert report.tuning is not None
        assert report.tuning.change == "refused"
        assert "configuration" in report.tuning.reason
        assert (report.weight, report.origin) == (0.4, "configuration")


def test_where_words_find_everything_no_weight_is_better(library: Library) -> None:
    report = check(library, tune=True, queries=200)
    assert report.tuning is not None
    assert report.tuning.change in ("kept", "refused")
    assert report.weight == 0.5


def test_too_few_queries_decide_nothing(library: Library) -> None:
    report = check(library, tune=True, queries=20)
    assert report.tuning is not None
    assert report.tuning.change == "refused"
    assert "too few" in report.tuning.reason


def test_orders_are_those_of_searches_with_that_weight(library: Library) -> None:
    for each in known(library)[:8]:
        words, present = library.searcher.orders(each.text, (0.0, library.searcher.weight.value), 10)
        found = library.search(SearchRequest(query=each.text, limit=10)).hits
        assert present == tuple(hit.document for hit in found)
        assert words[0] == each.document


@pytest.mark.parametrize(
    ("gain", "low", "real", "says"),
    [(-0.1, -0.2, 0, "worse"), (0.1, -0.01, 0, "chance"), (0.1, 0.05, -1, "people"), (0.1, 0.05, 0, "")],
)
def test_what_speaks_against_a_change(gain: float, low: float, real: float, says: str) -> None:
    objection = selfcheck.objection(gain, low, real)
    assert says in objection
    assert bool(objection) == bool(says)


def test_bounds_of_a_gain_hold_its_mean_and_narrow_with_more_queries() -> None:
    chance = np.random.default_rng(7)
    few, many = chance.normal(0.1, 0.3, 30), chance.normal(0.1, 0.3, 3000)
    for gains in (few, many):
        low, high = selfcheck.bootstrap(gains, 0)
        assert low < gains.mean() < high
    assert np.diff(selfcheck.bootstrap(many, 0)) < np.diff(selfcheck.bootstrap(few, 0)) / 3
