"""Citations of older versions say what the newest version has in their place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from copilot.session import LocalSession
from copilot.types import Answer, AskRequest, Citation, SummarizeRequest, Summary
from indexer.library import Library
from indexer.wire import from_wire, to_wire
from tests.builders import settings

from .test_conflicts import ask, put

RULES = "\n\n".join(f"Rule {n}: the door of room {n} is locked at night by the porter." for n in range(40))
OLD = f"""# Handbook

Employees get 28 days of paid leave a year. Leave is asked for in writing.

Bicycles are kept in the blue shed behind the canteen.

The canteen opens at noon on every working day.

{RULES}

Dogs are welcome in the office on Fridays.
"""
NEW = (
    OLD.replace("28 days", "30 days")
    .replace("asked for in writing", "asked for on the portal")
    .replace("\nDogs are welcome in the office on Fridays.\n", "")
    .replace("The canteen opens at noon on every working day.\n\n", "")
    .replace("# Handbook\n", "# Handbook\n\nThe canteen opens at noon on every working day.\n")
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    folder = tmp_path_factory.mktemp("documents")
    put(folder, "handbook v1.md", OLD, "2021-03-01")
    put(folder, "handbook v2.md", NEW, "2022-03-01")
    put(folder, "garden.md", "# Garden\n\nThe garden is watered by the neighbours in August.\n", "2022-01-01")
    with Library.open(tmp_path_factory.mktemp("library"), settings(), watch=False) as opened:
        list(opened.sync([str(folder)]))
        yield opened


def cited(answer: Answer, words: str) -> Citation:
    return next(
        each for each in answer.citations if words in " ".join(each.quote.split()) and "v1" in each.path
    )


def test_the_words_that_differ_are_told_with_the_newer_file(library: Library) -> None:
    answer = ask(library, "How many days of paid leave do employees get?", scope="is:old")
    newer = cited(answer, "28 days").newer
    assert newer is not None
    assert (newer.changes[0].old, newer.changes[0].new) == ("28", "30")
    assert newer.text.startswith('older version; in the newer one (handbook v2.md): "28" is now "30"')
    assert newer.path.endswith("handbook v2.md")
    text = library.text(newer.document, newer.start, newer.end).text
    assert text.startswith("Employees get 30 days")


def test_a_passage_that_stayed_is_said_to(library: Library) -> None:
    answer = ask(library, "Where are bicycles kept?", scope="is:old")
    newer = cited(answer, "Bicycles").newer
    assert newer is not None
    assert newer.changes == ()
    assert newer.text == "older version; the newer one (handbook v2.md) says the same"


def test_a_passage_that_was_moved_is_not_called_gone(library: Library) -> None:
    answer = ask(library, "When does the canteen open?", scope="is:old")
    newer = cited(answer, "The canteen opens").newer
    assert newer is not None
    assert newer.text.endswith("says the same")


def test_a_passage_that_was_taken_out_is_gone(library: Library) -> None:
    answer = ask(library, "When are dogs welcome in the office?", scope="is:old")
    newer = cited(answer, "Dogs").newer
    assert newer is not None
    assert newer.text.endswith("no longer says it")
    assert newer.start == newer.end


def test_the_newest_version_and_other_documents_say_nothing(library: Library) -> None:
    for question in ("How many days of paid leave do employees get?", "Who waters the garden in August?"):
        answer = ask(library, question)
        assert [each.newer for each in answer.citations if "v1" not in each.path] == [None] * sum(
            "v1" not in each.path for each in answer.citations
        )


def test_a_document_named_is_told_of_in_a_summary_too(library: Library) -> None:
    path = next(row.path for row in library.files().rows if "v1" in row.path)
    for _ in range(2):  # the second one is kept from the first
        *_, summary = LocalSession(library).summarize(SummarizeRequest(paths=(path,), sentences=3))
        assert isinstance(summary, Summary)
        assert all(each.newer is not None for each in summary.citations)


def test_it_crosses_the_socket_and_an_old_answer_has_none(library: Library) -> None:
    answer = ask(library, "How many days of paid leave do employees get?", scope="is:old")
    wired = json.loads(json.dumps(to_wire(answer)))
    assert from_wire(Answer, wired) == answer
    for citation in wired["citations"]:
        citation.pop("newer")
    assert all(each.newer is None for each in from_wire(Answer, wired).citations)


def test_an_answer_in_the_history_learns_of_a_version_that_came_later(folder: Path, tmp_path: Path) -> None:
    put(folder, "rules v1.md", OLD, "2021-03-01")
    with Library.open(tmp_path / "library", settings(), watch=False) as library:
        list(library.sync([str(folder)]))
        session = LocalSession(library)
        *_, answer = session.ask(AskRequest(question="How many days of paid leave do employees get?"))
        assert isinstance(answer, Answer)
        assert [each.newer for each in answer.citations] == [None] * len(answer.citations)
        put(folder, "rules v2.md", NEW, "2022-03-01")
        list(library.sync([str(folder)]))
        library.duplicates()
        (turn,) = session.conversation("").turns
        assert '"28" is now "30"' in "".join(each.newer.text for each in turn.answer.citations if each.newer)
