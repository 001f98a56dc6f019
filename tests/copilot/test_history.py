"""Conversations: kept, found, continued, judged, forgotten."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from copilot import freshness
from copilot.history import FILE
from copilot.session import LocalSession
from copilot.types import Answer, AskRequest
from indexer.catalogue import feedback
from indexer.errors import NotFoundError, UsageError
from indexer.library import Library
from tests.builders import settings, write

from .scripted import ScriptedModels, ScriptedProvider

DOCUMENTS = {
    "lease.md": "# Lease of the boathouse\n\nThe monthly rent of the boathouse is 1,250 euros. "
    "Martha Keller signed the lease of the boathouse.\n",
    "mill.md": "# Lease of the mill\n\nThe monthly rent of the mill is 900 euros.\n",
}


@pytest.fixture
def library(folder: Path, tmp_path: Path) -> Iterator[Library]:
    write(folder, DOCUMENTS)
    with Library.open(tmp_path / "library", settings(), watch=False) as opened:
        list(opened.sync([str(folder)]))
        yield opened


@pytest.fixture
def session(library: Library) -> LocalSession:
    return LocalSession(library, models=ScriptedModels(None))


def ask(session: LocalSession, question: str, **more: object) -> Answer:
    *_, answer = session.ask(AskRequest(question=question, **more))  # type: ignore[arg-type]
    assert isinstance(answer, Answer)
    return answer


def test_an_answer_is_kept_and_found_by_words_of_question_answer_and_path(session: LocalSession) -> None:
    answer = ask(session, "How high is the monthly rent of the boathouse?")
    ask(session, "How high is the monthly rent of the mill?")
    assert answer.conversation
    assert answer.turn
    for query in ("boathouse RENT", "1,250", "lease.md"):
        (row,) = session.history(query)
        assert (row.id, row.turns) == (answer.conversation, 1)
        assert row.question == "How high is the monthly rent of the boathouse?"
    assert len(session.history()) == 2
    assert session.history("zeppelin") == ()
    kept = session.conversation(answer.conversation)
    assert [turn.answer for turn in kept.turns] == [answer]


def test_a_kept_answer_says_that_its_source_has_changed(session: LocalSession, folder: Path) -> None:
    answer = ask(session, "How high is the monthly rent of the boathouse?")
    (folder / "lease.md").write_text("# Lease\n\nThe monthly rent of the boathouse is 1,400 euros.\n")
    (turn,) = session.conversation(answer.conversation[:4]).turns
    assert turn.answer.citations[0].note == freshness.CHANGED
    assert "1,250" in turn.answer.citations[0].quote


def test_a_conversation_goes_on_with_what_was_said(library: Library) -> None:
    provider = ScriptedProvider("The monthly rent is 1,250 euros [1].")
    session = LocalSession(library, models=ScriptedModels(provider))
    first = ask(session, "How high is the monthly rent of the boathouse?")
    provider.answers = ["Who signed the lease of the boathouse?", "Martha Keller signed it [1]."]
    second = ask(session, "And who signed it?", conversation=first.conversation)
    assert second.conversation == first.conversation
    assert "monthly rent of the boathouse" in provider.prompts[1][-1].content
    assert [turn.answer.question for turn in session.conversation("").turns] == [
        "How high is the monthly rent of the boathouse?",
        "And who signed it?",
    ]
    (row,) = session.history()
    assert row.turns == 2


def test_without_a_model_a_follow_up_is_understood_by_the_words_before(session: LocalSession) -> None:
    first = ask(session, "How high is the monthly rent of the boathouse?")
    second = ask(session, "And of the mill?", conversation=first.conversation)
    assert "900 euros" in second.citations[0].quote
    other = ask(session, "When does the lease of the boathouse end, and who signed it?")
    third = ask(session, "Who signed it?", conversation=other.conversation)
    assert any("Martha Keller" in citation.quote for citation in third.citations)


def test_nothing_is_kept_when_the_person_does_not_want_it(
    session: LocalSession, folder: Path, tmp_path: Path
) -> None:
    answer = ask(session, "How high is the monthly rent of the mill?", remember=False)
    assert (answer.conversation, answer.turn) == ("", 0)
    assert session.history() == ()
    session.close()
    config = settings()
    config = config.model_copy(update={"history": config.history.model_copy(update={"keep": False})})
    with Library.open(tmp_path / "second", config, watch=False) as other:
        list(other.sync([str(folder)]))
        again = LocalSession(other, models=ScriptedModels(None))
        assert ask(again, "How high is the monthly rent of the mill?").turn == 0
        assert not (other.directory / FILE).exists()


def test_a_verdict_is_kept_with_question_answer_and_passages(session: LocalSession, library: Library) -> None:
    answer = ask(session, "How high is the monthly rent of the mill?")
    session.judge(answer.turn, 1)
    session.judge(answer.turn, -1)
    with library.catalogue.reader() as db:
        ((question, verdict, content),) = feedback.on_answers(db)
    assert (question, verdict) == (answer.question, -1)
    assert content["answer"] == answer.answer
    assert content["passages"][0]["quote"] == answer.citations[0].quote
    assert content["passages"][0]["document"] == answer.citations[0].document
    assert [turn.verdict for turn in session.conversation("").turns] == [-1]
    session.judge(answer.turn, 0)
    with library.catalogue.reader() as db:
        assert feedback.on_answers(db) == []
    assert [turn.verdict for turn in session.conversation("").turns] == [0]


def test_wrong_verdicts_and_turns_are_refused(session: LocalSession) -> None:
    with pytest.raises(NotFoundError):
        session.judge(12, 1)
    with pytest.raises(NotFoundError):
        session.conversation("")
    answer = ask(session, "How high is the monthly rent of the mill?")
    with pytest.raises(UsageError):
        session.judge(answer.turn, 2)
    with pytest.raises(NotFoundError):
        session.forget("no such")


def test_what_is_forgotten_is_not_in_the_file(session: LocalSession, library: Library) -> None:
    answer = ask(session, "How high is the monthly rent of the boathouse?")
    ask(session, "How high is the monthly rent of the mill?")
    assert session.forget(answer.conversation) == 1
    assert session.history("boathouse") == ()
    assert len(session.history()) == 1
    content = (library.directory / FILE).read_bytes()
    assert b"boathouse" not in content
    assert b"mill" in content
    assert session.forget() == 1
    assert session.history() == ()


def test_the_history_outlives_the_library_and_is_its_owners(
    session: LocalSession, library: Library, folder: Path
) -> None:
    answer = ask(session, "How high is the monthly rent of the mill?")
    place = library.directory
    session.close()
    assert (place / FILE).stat().st_mode & 0o077 == 0 or place.stat().st_mode & 0o077 == 0
    with Library.open(place, settings(), watch=False) as again:
        assert LocalSession(again).conversation("").id == answer.conversation


def test_a_damaged_history_costs_the_entry_not_the_answer(session: LocalSession, library: Library) -> None:
    ask(session, "How high is the monthly rent of the mill?")
    session._history.close()
    (library.directory / FILE).write_bytes(b"no database" * 1000)
    again = LocalSession(library, models=ScriptedModels(None))
    answer = ask(again, "How high is the monthly rent of the mill?")
    assert answer.status == "answered"
    assert any("Not kept" in note for note in answer.notes)


def test_a_newer_history_is_left_alone(session: LocalSession, library: Library) -> None:
    ask(session, "How high is the monthly rent of the mill?")
    session._history.close()
    with closing(sqlite3.connect(library.directory / FILE)) as db:
        db.execute("PRAGMA user_version = 99")
    again = LocalSession(library, models=ScriptedModels(None))
    answer = ask(again, "How high is the monthly rent of the mill?")
    assert any("Not kept" in note for note in answer.notes)
