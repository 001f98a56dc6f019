"""Answers with a table, with a disagreement, with a changed source; a history that holds them."""

from __future__ import annotations

from dataclasses import replace

from copilot.types import (
    Answer,
    Cell,
    Citation,
    Conflict,
    ConflictRow,
    Conversation,
    Coverage,
    Finding,
    KeptTurn,
)
from tests.tui.scripted import DOCUMENTS, FAILED, ROOT, document_id, make_answer

CHANGED = "The file has changed since it was read; 'quire index' reads it again."
VALUES = ("97,000", "32,000", "")


def _citation(n: int, at: int, quote: str, note: str = "") -> Citation:
    path, _, _, _, page, text = DOCUMENTS[at]
    start = max(text.find(quote), 0)
    return Citation(
        n=n,
        path=f"{ROOT}/{path}",
        title="",
        document=document_id(f"{ROOT}/{path}"),
        page=page or None,
        start=start,
        end=start + len(quote),
        quote=quote,
        note=note,
    )


def table_answer() -> Answer:
    """Three of eight documents say something."""
    citations = (
        _citation(1, 0, "The travel budget falls from 40,000 to 32,000."),
        _citation(2, 4, "Budget at a glance: 97,000 in all.", CHANGED),
        _citation(3, 6, "A budget for the garden: seeds, tools, a bench."),
    )
    cells = (
        Cell(value="32,000", citation=1),
        Cell(value="97,000", citation=2, verdict="partly", reason="the passage says it of all"),
        Cell(value="", citation=3),
    )
    places = {0: cells[0], 4: cells[1], 6: cells[2]}
    findings = [
        Finding(
            document=document_id(f"{ROOT}/{document[0]}"),
            path=f"{ROOT}/{document[0]}",
            title="",
            date="2025-10-04",
            found=at in places,
            cells=(places[at],) if at in places else (),
        )
        for at, document in enumerate(DOCUMENTS)
    ]
    findings.sort(key=lambda finding: not finding.found)
    return Answer(
        question="Which of these documents mention a budget, and what amount?",
        status="answered",
        answer="3 of 8 documents mention budget.\nQ3 budget review.pdf, p. 12: 32,000 [1]\n…",
        generator="extractive",
        took_ms=800.0,
        claims=(),
        citations=citations,
        coverage=Coverage(in_scope=10, read=8, unread=FAILED),
        findings=tuple(findings),
        conversation="aa11",
        turn=7,
    )


def conflict_answer() -> Answer:
    """Two documents give two amounts; one of them has changed since."""
    citations = (
        _citation(1, 0, "The travel budget falls from 40,000 to 32,000."),
        _citation(2, 4, "Budget at a glance: 97,000 in all.", CHANGED),
    )
    rows = tuple(
        ConflictRow(value=value, citation=each.n, path=each.path, page=each.page, date=date)
        for value, each, date in zip(
            ("97,000", "32,000"), citations, ("2025-10-04", "2024-02-11"), strict=True
        )
    )
    return replace(
        make_answer("How high is the travel budget?"),
        answer="The travel budget falls from 40,000 to 32,000 [1].",
        claims=(),
        citations=citations,
        conflicts=(Conflict(about="The travel budget is …", rows=rows),),
        coverage=Coverage(in_scope=44, read=6, unread=FAILED, waiting=0),
        conversation="bb22",
        turn=9,
    )


def history() -> tuple[Conversation, ...]:
    """Two conversations, the newest first."""
    return tuple(
        Conversation(
            id=answer.conversation,
            scope=scope,
            documents=(),
            turns=(KeptTurn(id=answer.turn, asked="2026-11-20 09:30", answer=answer),),
        )
        for answer, scope in ((conflict_answer(), "ext:pdf"), (table_answer(), ""))
    )
