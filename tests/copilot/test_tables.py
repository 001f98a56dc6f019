"""Rows of tables as answers: the header that names their cells, and both proven at their spans."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot import tables
from copilot.session import LocalSession
from copilot.types import Answer, AskRequest
from indexer.config import Config, EmbeddingConfig
from indexer.library import Library

TABLE = "Sales\n\nRegion | Units | 2021\nNorth | 40 | 1250\nSouth | 12 | 980\n\nNorth is cold.\n"


def header(text: str, row: str) -> str:
    span = tables.header_span(text, text.index(row))
    return text[span[0] : span[1]] if span else ""


def test_the_first_row_of_its_table_is_the_header_of_a_row() -> None:
    assert header(TABLE, "South | 12") == "Region | Units | 2021"
    assert header(f"Cost | Year\n1 | 2\n\n{TABLE}", "North | 40") == "Region | Units | 2021"


def test_a_caption_right_above_is_no_header() -> None:
    assert header("Table 3: sales\nRegion | Units\nNorth | 40\n", "North | 40") == "Region | Units"


@pytest.mark.parametrize(
    ("text", "row"),
    [
        (TABLE, "Region | Units"),
        ("North | 40 | 1250\nSouth | 12 | 980\n", "South | 12"),
        ("A sentence.\n\nNorth | 40\n", "North | 40"),
        ("Pilot: | Pia Lund | Seat: | left\nRunway: | 04 | Wind: | north\n", "Runway: | 04"),
    ],
)
def test_a_header_has_none_and_rows_of_amounts_have_none(text: str, row: str) -> None:
    assert header(text, row) == ""


def test_a_row_is_compared_with_the_names_of_its_cells() -> None:
    assert tables.paired("Region | Units | 2021", "South | 12 | 980") == "Region: South; Units: 12; 2021: 980"
    assert tables.paired("| Room | Area |", "| Kitchen | 12 m² |") == "Room: Kitchen; Area: 12 m²"
    assert tables.paired("A | B", "1 |  | 3") == "A: 1; 3"


@given(st.text(alphabet="ab |\n12", max_size=60), st.integers(0, 60))
def test_a_header_lies_before_its_row_and_is_a_row(text: str, at: int) -> None:
    span = tables.header_span(text, min(at, len(text)))
    if span is not None:
        start, end = span
        assert 0 <= start < at
        assert tables.is_row(text[start:end])


# --- asked ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSession]:
    folder = tmp_path_factory.mktemp("documents")
    (folder / "prices.csv").write_text(
        "Region,Units,Price in euros,Manager\nNorth,40,1250,Pia Lund\nSouth,12,980,Orlow Becker\n"
        "West,77,1430,Martha Keller\n",
        encoding="utf-8",
    )
    long = "".join(f"Number {at},{at * 7 % 1000},shelf {at % 90}\n" for at in range(4000))
    (folder / "stock.csv").write_text(f"Article,Pieces,Place\n{long}Sextant,31,cellar\n", encoding="utf-8")
    config = Config(embedding=EmbeddingConfig(provider="none"))
    with Library.open(tmp_path_factory.mktemp("library"), config, watch=False) as library:
        for _ in library.sync([str(folder)]):
            pass
        yield LocalSession(library)


def ask(session: LocalSession, question: str) -> Answer:
    *_, answer = session.ask(AskRequest(question=question, use_llm=False, remember=False))
    assert isinstance(answer, Answer)
    for citation in answer.citations:
        window = session.library.text(citation.document, citation.start, citation.end)
        assert window.text == citation.quote
    return answer


def test_a_row_is_quoted_with_its_header_each_at_its_span(session: LocalSession) -> None:
    answer = ask(session, "Who is the manager of the region West?")
    row, names = answer.citations[:2]
    assert row.quote == "West | 77 | 1430 | Martha Keller"
    assert names.quote == "Region | Units | Price in euros | Manager"
    assert answer.claims[0].citations == (row.n, names.n)
    assert answer.claims[0].text == f"{names.quote}\n{row.quote}"


def test_a_header_far_above_its_row_is_found(session: LocalSession) -> None:
    answer = ask(session, "In which place is the sextant?")
    assert answer.citations[0].quote == "Sextant | 31 | cellar"
    assert answer.citations[1].quote == "Article | Pieces | Place"
    assert answer.citations[1].start == 0


def test_rows_of_one_table_share_the_citation_of_its_header(session: LocalSession) -> None:
    answer = ask(session, "What is the price in euros of the units of North and South?")
    quotes = [citation.quote for citation in answer.citations]
    assert len(quotes) == len(set(quotes))
    assert len([quote for quote in quotes if quote.startswith(("North", "South"))]) > 1
