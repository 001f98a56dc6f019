from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer import literal
from indexer.library import Library
from indexer.query import Query, Word, parse
from indexer.types import SearchRequest
from tests.builders import settings, write


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('"two words" other', ("two words",)),
        ('"near words"~5', ()),
        ('-"not this" "but this"', ("but this",)),
        ("no phrase", ()),
        ('"x"', ()),
    ],
)
def test_only_demanded_exact_phrases_are_looked_for(query: str, expected: tuple[str, ...]) -> None:
    assert literal.phrases(parse(query)) == expected


def test_words_replace_the_phrase_and_filters_stay() -> None:
    worded = literal.by_words(parse('"ue budget ex" ext:pdf'))
    assert [clause.text for clause in worded.clauses if isinstance(clause, Word)] == ["ue", "budget", "ex"]
    assert len(worded.clauses) == 4


def test_comparison_ignores_white_space_case_accents_and_cell_bars() -> None:
    assert literal.squeezed("Größe |\n 12 cm") == literal.squeezed("GRÖSSE12CM")


def test_empty_query_has_no_phrases() -> None:
    assert literal.phrases(Query(())) == ()


@pytest.fixture
def library(tmp_path: Path, folder: Path) -> Iterator[Library]:
    filler = "Nothing of interest is said in this long sentence. " * 40
    write(
        folder,
        {
            "torn.txt": f"{filler}\n\nThe following quarterly budgetary considerations apply.\n",
            "cells.csv": "first,second\nMain document,para1\n",
            "ja.txt": "資料は総務部へ送ります。来週の水曜日に会議があります。\n",
            "other.txt": "The quarterly report and a budget.\n",
        },
    )
    with Library.open(tmp_path / "library", settings(), watch=False) as opened:
        list(opened.sync([str(folder)], keyword_only=True))
        yield opened


@pytest.mark.parametrize(
    ("phrase", "name", "part"),
    [
        ("owing quarterly budgetary consid", "torn.txt", "The following quarterly"),
        ("Main document para 1", "cells.csv", "first | second"),
        ("送ります。来週の水", "ja.txt", "資料は"),
    ],
)
def test_a_phrase_torn_inside_words_is_found_in_its_chunk(
    library: Library, phrase: str, name: str, part: str
) -> None:
    found = library.search(SearchRequest(query=f'"{phrase}"', chunks=True)).hits
    assert [Path(hit.path).name for hit in found] == [name]
    assert part in found[0].text


def test_a_phrase_that_is_nowhere_finds_nothing(library: Library) -> None:
    assert library.search(SearchRequest(query='"owing budgetary quarterly consid"')).hits == ()


def test_a_filter_beside_the_phrase_still_holds(library: Library) -> None:
    assert library.search(SearchRequest(query='"Main document para 1" ext:csv')).total == 1
    assert library.search(SearchRequest(query='"Main document para 1"', scope="ext:txt")).hits == ()


def test_pictures_are_words(library: Library, folder: Path) -> None:
    write(folder, {"cowboy.md": "Saddle up 🤠😅 today.\n"})
    list(library.sync(keyword_only=True))
    for query in ('"🤠😅"', "🤠"):
        hits = library.search(SearchRequest(query=query, mode="keyword")).hits
        assert [Path(hit.path).name for hit in hits] == ["cowboy.md"]
