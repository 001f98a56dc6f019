"""Ask for a model on another machine: what would go there, and the agreement to let it go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from copilot.disclosure import Withheld
from tests.tui.screens import ask, ready, text, until
from tests.tui.scripted import ScriptedSession, make_answer
from tui.app import QuireApp

Make = Callable[..., QuireApp]
QUESTION = "How high is the budget?"


async def test_a_key_shows_what_would_go_and_sends_nothing(make_app: Make) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await ask(pilot, QUESTION)
        await until(pilot, lambda: "supported" in text(app), "the answer")
        asked = len(session.asked)
        await pilot.press("P")
        await until(pilot, lambda: len(app.screen_stack) == 2, "the preview")
        await until(pilot, lambda: "api.example.com" in text(app), "the host")
        assert "leaves this machine" in text(app)
        assert "replaced: 1 mail" in text(app)
        assert "not sent" in text(app)
        assert "⟦MAIL-1⟧" in text(app).replace("\n", "")
        assert session.previewed[-1].question == QUESTION
        assert session.previewed[-1].history == ()
        assert len(session.asked) == asked


async def test_a_typed_question_is_previewed_before_it_is_asked(make_app: Make) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        await pilot.press("f3")
        await pilot.press(*"rent", "escape", "P")
        await until(pilot, lambda: len(app.screen_stack) == 2, "the preview")
        assert session.previewed[-1].question == "rent"
        assert session.asked == []


async def test_what_asks_first_goes_for_one_question_only(make_app: Make) -> None:
    kept = Withheld(path="/docs/deed.pdf", document="sha256:d", policy="ask", reason="the configuration")
    answer = make_answer(QUESTION)
    session = ScriptedSession(answer=replace(answer, coverage=replace(answer.coverage, withheld=(kept,))))
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await ask(pilot, QUESTION)
        await until(pilot, lambda: "kept from the model" in text(app), "what was kept")
        await pilot.press("L")
        await until(pilot, lambda: len(app.screen_stack) == 2, "the question")
        assert "deed.pdf" in text(app)
        await pilot.press("y")
        await until(pilot, lambda: len(session.asked) == 2, "the second answer")
        assert [request.agreed for request in session.asked] == [False, True]
        await until(pilot, lambda: len(app.screen_stack) == 1, "the answer")
        await pilot.press("r")
        await until(pilot, lambda: len(session.asked) == 3, "the third answer")
        assert not session.asked[2].agreed
