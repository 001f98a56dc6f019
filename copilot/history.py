"""Conversations: kept as they are had, found again, judged, written out as Markdown.

What is shown again is checked again: the files behind a kept answer may have changed since.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterator
from dataclasses import replace

from copilot import freshness
from copilot.types import (
    Answer,
    AnswerEvent,
    AskRequest,
    Conversation,
    ConversationRow,
    KeptTurn,
    Turn,
)
from indexer.catalogue import feedback
from indexer.catalogue.conversations import Conversations, TurnRow
from indexer.errors import AppError, NotFoundError, UsageError
from indexer.library import Library
from indexer.text import fold
from indexer.wire import from_wire, to_wire

log = logging.getLogger(__name__)

FILE = "conversations.sqlite3"
LONGEST_QUERY = 500
TURNS = 6
"""Earlier questions that a follow-up is understood with."""


class History:
    """The conversations had with a library."""

    def __init__(self, library: Library) -> None:
        """Keep them in the library's folder."""
        self._library = library
        self._store = Conversations(library.directory / FILE)

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def with_turns(self, request: AskRequest) -> AskRequest:
        """The request with the earlier questions of its conversation, unless it brings its own."""
        if not request.conversation or request.history:
            return request
        head = self._store.head(request.conversation)
        if head is None:
            return request
        turns = [(row.question, _answer(row)) for row in self._store.turns(head.id)[-TURNS:]]
        said = tuple(
            Turn(
                question=question,
                answer=answer.answer,
                documents=tuple(dict.fromkeys(citation.document for citation in answer.citations)),
            )
            for question, answer in turns
        )
        return replace(request, conversation=head.id, history=said)

    def keep(self, request: AskRequest, answer: Answer) -> Answer:
        """Keep an answer; returns it with its ids. A full disk costs the entry, not the answer."""
        if not request.remember or not self._library.config.history.keep:
            return answer
        try:
            conversation, turn = self._store.add(
                request.conversation,
                request.question,
                json.dumps(to_wire(answer)),
                "\n".join([answer.answer, *(citation.path for citation in answer.citations)]),
                scope=request.scope,
                documents=json.dumps(request.documents),
            )
        except AppError as exc:
            return replace(answer, notes=(*answer.notes, f"Not kept in the history: {exc.message}"))
        return replace(answer, conversation=conversation, turn=turn)

    def find(self, query: str, limit: int) -> tuple[ConversationRow, ...]:
        """Conversations with a question or answer that holds all words of the query."""
        return tuple(
            ConversationRow(
                id=head.id,
                started=_moment(head.started_ns),
                question=head.question,
                turns=head.turns,
                scope=head.scope,
            )
            for head in self._store.find(fold(query).split(), limit)
        )

    def conversation(self, id: str) -> Conversation:
        """A conversation, its citations checked against the files. Raises NotFoundError."""
        head = self._store.head(id)
        if head is None:
            raise NotFoundError(
                f"There is no conversation {id}." if id else "No question was asked yet.",
                hint="'quire history' lists them." if id else "",
            )
        turns = tuple(
            KeptTurn(
                id=row.id,
                asked=_moment(row.asked_ns),
                answer=self._checked(_answer(row)),
                verdict=row.verdict,
            )
            for row in self._store.turns(head.id)
        )
        documents = tuple(json.loads(head.documents))
        return Conversation(id=head.id, scope=head.scope, documents=documents, turns=turns)

    def _checked(self, answer: Answer) -> Answer:
        return replace(
            answer,
            citations=freshness.checked(answer.citations, self._library),
            nearest=freshness.checked(answer.nearest, self._library),
        )

    def forget(self, id: str) -> int:
        """Delete a conversation, "" all of them. Raises NotFoundError when the one named is not there."""
        head = self._store.head(id) if id else None
        if id and head is None:
            raise NotFoundError(f"There is no conversation {id}.", hint="'quire history' lists them.")
        return self._store.forget(head.id if head else "")

    def note_opened(self, query: str, document: str) -> None:
        """Keep that a document was opened after a search, if a history is kept.

        A full disk costs the entry, nothing else.
        """
        if self._library.config.history.keep and query.strip() and document.startswith("sha256:"):
            try:
                self._store.note_opened(" ".join(query.split())[:LONGEST_QUERY], document)
            except AppError as exc:
                log.warning("what was opened is not kept: %s", exc)

    def opened(self) -> list[tuple[str, str]]:
        """(query, document) of what was opened after a search."""
        return self._store.opened()

    def scope_of(self, turn: int) -> str:
        """The scope a turn was asked in; "" when it is not in the history."""
        row = self._store.turn(turn)
        head = self._store.head(row.conversation) if row is not None else None
        return head.scope if head is not None else ""

    def judge(self, turn: int, verdict: int) -> None:
        """Keep whether an answer helped, with question, answer and passages.

        Raises:
            UsageError: the verdict is none of -1, 0, 1.
            NotFoundError: the turn is not in the history.
        """
        if verdict not in (-1, 0, 1):
            raise UsageError("A verdict is +1 (it helped), -1 (it was wrong) or 0 (not said).")
        row = self._store.turn(turn)
        if row is None:
            raise NotFoundError("This answer is not in the history, so nothing can be said of it.")
        answer = _answer(row)
        passages = [
            {key: value for key, value in to_wire(citation).items() if key not in ("note", "newer")}
            for citation in answer.citations or answer.nearest
        ]
        content = {
            "status": answer.status,
            "answer": answer.answer,
            "generator": answer.generator,
            "passages": passages,
        }
        with self._library.catalogue.transaction() as db:
            feedback.keep_answer(db, turn, row.question, verdict, content)
        self._store.set_verdict(turn, verdict)


class Kept(Iterator[AnswerEvent]):
    """The events of a question; its answer is kept on the way. `close` cancels, from any thread."""

    def __init__(self, events: Iterator[AnswerEvent], request: AskRequest, history: History) -> None:
        """Take over the events."""
        self._events = events
        self._request = request
        self._history = history

    def __next__(self) -> AnswerEvent:
        event = next(self._events)
        return self._history.keep(self._request, event) if isinstance(event, Answer) else event

    def close(self) -> None:
        """Cancel the work behind it."""
        close = getattr(self._events, "close", None)
        if close is not None:
            close()


def _answer(row: TurnRow) -> Answer:
    answer = from_wire(Answer, json.loads(row.answer))
    return replace(answer, conversation=row.conversation, turn=row.id)


def _moment(ns: int) -> str:
    return dt.datetime.fromtimestamp(ns / 1e9).isoformat(sep=" ", timespec="minutes")
