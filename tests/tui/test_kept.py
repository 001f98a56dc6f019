"""Ask with tables, disagreements, verdicts and the history, over a scripted session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from copilot.types import AnswerEvent, AskRequest, Cost
from indexer.errors import ConsentNeededError
from tests.tui.keeping import conflict_answer, history, table_answer
from tests.tui.screens import answer, ask, lines, reader, ready, sources, status, text, until
from tests.tui.scripted import ScriptedSession
from tui.app import QuireApp

Make = Callable[..., QuireApp]
QUESTION = "Which of these documents mention a budget, and what amount?"


def row(app: QuireApp, part: str) -> str:
    """The one line of the screen that holds a text."""
    (found,) = [line for line in lines(app) if part in line]
    return found


async def test_a_table_has_a_row_for_each_value_and_enter_opens_it_at_the_quote(make_app: Make) -> None:
    async with make_app(ScriptedSession(answer=table_answer())).run_test(size=(80, 24)) as pilot:
        app = await ask(pilot, QUESTION)
        await until(pilot, lambda: "Findings" in text(app), "the table")
        assert "3 of 8 documents mention budget." in text(app)
        assert "read 8 of 10" in row(app, "Findings")
        assert "3 of 8 mention it" in status(app)
        assert "p.12" in row(app, "32,000")
        assert "~ 97,000" in row(app, "Budget 2026.pptx")
        assert "changed" in row(app, "Budget 2026.pptx")
        assert "5 do not mention it" in text(app)
        assert "not read: scan-0031.pdf" in text(app)
        assert app.screen.focused is sources(app)
        await pilot.press("enter")
        await until(pilot, lambda: reader(app).text, "the document")
        start, end = reader(app).quote
        assert reader(app).text[start:end] == "The travel budget falls from 40,000 to 32,000."


async def test_what_does_not_mention_it_is_listed(make_app: Make) -> None:
    async with make_app(ScriptedSession(answer=table_answer())).run_test(size=(80, 24)) as pilot:
        app = await ask(pilot, QUESTION)
        await until(pilot, lambda: sources(app).total == 5, "the table")
        await pilot.press("j", "j", "j", "enter")
        await until(pilot, lambda: len(app.screen_stack) == 2, "the list")
        assert "ideas.md" not in text(app)
        assert "vendor-contract.pdf" in text(app)


async def test_the_table_is_exported_by_a_key(make_app: Make, tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    async with make_app(ScriptedSession(answer=table_answer())).run_test(size=(80, 24)) as pilot:
        app = await ask(pilot, QUESTION)
        await until(pilot, lambda: sources(app).total == 5, "the table")
        await pilot.press("E")
        await until(pilot, lambda: len(app.screen_stack) == 2, "the question where to")
        await pilot.press("ctrl+u", *str(target), "enter")
        await until(pilot, target.exists, "the file")
        await until(pilot, lambda: "written to" in status(app), "it is said")
    assert target.read_text().splitlines()[1].startswith('Q3 budget review.pdf,yes,"32,000",12,')


async def test_documents_that_disagree_stand_below_the_answer(make_app: Make) -> None:
    async with make_app(ScriptedSession(answer=conflict_answer())).run_test(size=(80, 24)) as pilot:
        app = await ask(pilot, "How high is the travel budget?")
        assert "! Documents disagree: The travel budget is …" in text(app)
        first = next(
            at
            for at, line in enumerate(lines(app))
            if "97,000  2025-10-04  [1] Q3 budget review.pdf p.12" in line
        )
        assert "32,000  2024-02-11  [2]" in lines(app)[first + 1]
        await pilot.press("n", "n")
        await until(pilot, lambda: answer(app).cited == 1, "the citation in the list of values")


async def test_plus_and_minus_keep_a_verdict_and_take_it_back(make_app: Make) -> None:
    session = ScriptedSession(answer=conflict_answer())
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await ask(pilot, "How high is the travel budget?")
        await pilot.press("plus")
        await until(pilot, lambda: "this helped" in status(app), "said")
        await pilot.press("minus")
        await until(pilot, lambda: "was wrong" in status(app), "said")
        await pilot.press("minus")
        await until(pilot, lambda: "taken back" in status(app), "said")
    assert session.judged == [(9, 1), (9, -1), (9, 0)]


async def test_an_earlier_conversation_is_shown_again_and_goes_on(make_app: Make) -> None:
    session = ScriptedSession(conversations=history())
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        app.show_pane("ask")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: len(app.screen_stack) == 2, "the list")
        assert "2026-11-20 09:30" in text(app)
        await pilot.press(*"travel", "enter")
        await until(pilot, lambda: answer(app).entries, "the conversation")
        assert "Documents disagree" in text(app)
        assert "The file has changed since it was read" in text(app)
        assert "asked 2026-11-20 09:30" in status(app)
        assert "scope: ext:pdf" in text(app)
        app.pane.query_input.set_quietly("And in 2024?")
        await pilot.press("slash", "enter")
        await until(pilot, lambda: session.asked, "the follow-up")
    request = session.asked[0]
    assert (request.conversation, request.scope) == ("bb22", "ext:pdf")
    assert request.history[0].question == "How high is the travel budget?"
    assert request.history[0].documents


class Costly(ScriptedSession):
    """Wants to be agreed to."""

    def ask(self, request: AskRequest) -> Iterator[AnswerEvent]:
        if request.consent:
            yield from super().ask(request)
            return
        self.asked.append(request)
        yield Cost(documents=90, calls=90, tokens=120_000, kept=0, model="m", host="api.example.com")
        raise ConsentNeededError("This takes 90 calls of m.", hint="--yes agrees.")


async def agree(make_app: Make, keys: list[str]) -> list[AskRequest]:
    session = Costly(answer=table_answer())
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        app.show_pane("ask")
        app.pane.query_input.set_quietly(QUESTION)
        await pilot.press("enter")
        await until(pilot, lambda: len(app.screen_stack) == 2, "the question")
        assert "This takes 90 calls of m." in text(app)
        await pilot.press(*keys)
        await until(pilot, lambda: len(app.screen_stack) == 1, "answered")
        if keys != ["escape"]:
            await until(pilot, lambda: "Findings" in text(app), "the table")
            assert len(answer(app).entries) == 1
    return session.asked


async def test_a_cost_above_the_limit_is_asked_about(make_app: Make) -> None:
    consents: dict[str, Any] = {}
    for key in ("y", "n", "escape"):
        consents[key] = [request.consent for request in await agree(make_app, [key])]
    assert consents == {"y": ["", "yes"], "n": ["", "no"], "escape": [""]}
