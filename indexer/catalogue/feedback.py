"""What a person said of results and answers: this helped, this was wrong."""

from __future__ import annotations

import json
import time
from typing import Any

from indexer.catalogue.connection import Connection


def keep_answer(db: Connection, turn: int, question: str, verdict: int, content: dict[str, Any]) -> None:
    """Keep a verdict on an answer, in place of an earlier one on the same turn of the history.

    Args:
        db: A transaction.
        turn: Id in the history.
        question: As asked.
        verdict: +1 it helped, -1 it was wrong, 0 takes it back.
        content: Answer and passages, as JSON has them.
    """
    db.execute("DELETE FROM feedback WHERE kind = 'answer' AND json_extract(content, '$.turn') = ?", (turn,))
    if verdict:
        db.execute(
            "INSERT INTO feedback (created_ns, kind, query, verdict, content) VALUES (?, 'answer', ?, ?, ?)",
            (time.time_ns(), question, verdict, json.dumps({"turn": turn, **content}, ensure_ascii=False)),
        )


def on_answers(db: Connection) -> list[tuple[str, int, dict[str, Any]]]:
    """(question, verdict, content) of every verdict on an answer, oldest first."""
    rows = db.execute("SELECT query, verdict, content FROM feedback WHERE kind = 'answer' ORDER BY id")
    return [(question, verdict, json.loads(content)) for question, verdict, content in rows]
