"""What the screens look like: each pane at three sizes, each state at 80 by 24, each mode of Search."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from indexer.errors import EngineError, ProviderError
from tests.tui.keeping import conflict_answer, table_answer
from tests.tui.screens import answer, ask, files, ready, search, status, text, until
from tests.tui.scripted import IDLE, INDEXING, NO_MODEL, NOT_FOUND, ScriptedSession
from tests.tui.test_library_pane import garbled, show_difference, show_group
from tui.app import QuireApp

Make = Callable[..., QuireApp]
Snap = Callable[..., bool]
Look = Callable[[Pilot[int]], Awaitable[Any]]

SIZES = [(80, 24), (120, 36), (200, 60)]
STATES = "80x24"


async def show_search(pilot: Pilot[int]) -> None:
    await search(pilot, "budget")
    await pilot.press("enter", "j", "space")
    await until(pilot, lambda: "vendor" in pilot.app.frame.query_one("#search-preview").facts.path, "preview")  # type: ignore[attr-defined]


async def show_ask(pilot: Pilot[int]) -> None:
    await ask(pilot, "When was the budget approved, and what was cut?")
    await pilot.press("n", "n")


async def show_summarize(pilot: Pilot[int]) -> None:
    app = await search(pilot, "budget")
    await pilot.press("enter", "S")
    await until(pilot, lambda: "3 sentences" in status(app), "summary")


async def show_library(pilot: Pilot[int]) -> None:
    app = await ready(pilot)
    await pilot.press("f5")
    await until(pilot, lambda: files(app).total, "files")
    await pilot.press("G", "k")
    await until(pilot, lambda: "pictures" in status(app), "reason")


async def show_reader(pilot: Pilot[int]) -> None:
    app = await search(pilot, "budget")
    await pilot.press("enter", "enter")
    await until(pilot, lambda: "match 1 of 4" in status(app), "document")
    await pilot.press("n")


PANES: dict[str, Look] = {
    "search": show_search,
    "ask": show_ask,
    "summarize": show_summarize,
    "library": show_library,
    "reader": show_reader,
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("pane", PANES)
def test_pane(make_app: Make, snap_compare: Snap, pane: str, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(), terminal_size=size, run_before=PANES[pane])


@pytest.mark.parametrize("size", SIZES[:2], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("group", ["new", "failed", "ocr", "poor", "duplicates", "old"])
def test_group(make_app: Make, snap_compare: Snap, group: str, size: tuple[int, int]) -> None:
    async def look(pilot: Pilot[int]) -> None:
        await show_group(pilot, group)
        await pilot.press("j")
        await pilot.pause()

    session = garbled() if group == "poor" else None
    assert snap_compare(make_app(session), terminal_size=size, run_before=look)


@pytest.mark.parametrize("size", SIZES[:2], ids=lambda size: f"{size[0]}x{size[1]}")
def test_difference(make_app: Make, snap_compare: Snap, size: tuple[int, int]) -> None:
    async def look(pilot: Pilot[int]) -> None:
        await show_difference(pilot)

    assert snap_compare(make_app(), terminal_size=size, run_before=look)


def test_remedies(make_app: Make, snap_compare: Snap) -> None:
    async def look(pilot: Pilot[int]) -> None:
        app = await show_group(pilot, "failed")
        await pilot.press("m")
        await until(pilot, lambda: len(app.screen_stack) == 2, "the menu")
        await pilot.pause()

    assert snap_compare(make_app(), run_before=look)


# --- the states of section 4


def held(session: ScriptedSession) -> QuireApp:
    """An app whose library does not open."""
    app = session_app(session)
    never = threading.Event()
    app._link._connect = lambda: (never.wait(60), session)[1]
    return app


def session_app(session: ScriptedSession) -> QuireApp:
    from tui.settings import UiSettings

    return QuireApp(lambda: session, ui=UiSettings(theme="quire-dark", link="fast"))


async def type_while_opening(pilot: Pilot[int]) -> None:
    app = pilot.app
    assert isinstance(app, QuireApp)
    await pilot.press(*"budget")
    await until(pilot, lambda: "opening" in status(app), "it is said")


async def show_empty(pilot: Pilot[int]) -> None:
    app = await ready(pilot)
    await until(pilot, lambda: "No folders yet." in text(app), "three lines")


async def show_indexing(pilot: Pilot[int]) -> None:
    app = await search(pilot, "budget")
    await until(pilot, lambda: "idx 62%" in status(app), "progress")


async def show_arrivals(pilot: Pilot[int]) -> None:
    app = await search(pilot, "budget")
    session = app.session
    assert isinstance(session, ScriptedSession)
    await pilot.press("enter", "j")
    new = ("new/budget first.txt", "text", "text", 0, 0, "A budget that has just arrived.\n")
    session.documents = (new, *session.documents)
    session.push(replace(IDLE, revision=2))
    await until(pilot, lambda: "1 new (.)" in status(app), "announced")


async def show_no_hits(pilot: Pilot[int]) -> None:
    await search(pilot, "zebra ext:pdf")


async def show_no_model(pilot: Pilot[int]) -> None:
    app = await ready(pilot)
    await pilot.press("f3")
    await until(pilot, lambda: "start Ollama" in text(app), "how to get a model")


async def show_failure(pilot: Pilot[int]) -> None:
    app = await ask(pilot, "when?")
    await until(pilot, lambda: "500" in text(app), "the cause")
    app.clear_notifications()
    await pilot.pause()


async def show_lost(pilot: Pilot[int]) -> None:
    app = await search(pilot, "budget")
    session = app.session
    assert isinstance(session, ScriptedSession)
    app._link._connect = lambda: threading.Event().wait(60)  # type: ignore[assignment, return-value]
    session.die(EngineError("The engine ended."))
    await until(pilot, lambda: "reconnecting" in status(app), "it is said")


async def show_not_found(pilot: Pilot[int]) -> None:
    app = await ask(pilot, "Who is the king?")
    await until(pilot, lambda: answer(app).entries[-1].done, "the answer")


def test_state_empty_library(snap_compare: Snap, fixed_world: None) -> None:
    session = ScriptedSession(documents=(), roots=(), failures=())
    assert snap_compare(session_app(session), run_before=show_empty)


def test_state_engine_starting(snap_compare: Snap, fixed_world: None) -> None:
    assert snap_compare(held(ScriptedSession()), run_before=type_while_opening)


def test_state_first_indexing(make_app: Make, snap_compare: Snap) -> None:
    assert snap_compare(make_app(ScriptedSession(progresses=(INDEXING,))), run_before=show_indexing)


def test_state_arrivals(make_app: Make, snap_compare: Snap) -> None:
    assert snap_compare(make_app(), run_before=show_arrivals)


def test_state_no_hits(make_app: Make, snap_compare: Snap) -> None:
    assert snap_compare(make_app(), run_before=show_no_hits)


def test_state_no_language_model(make_app: Make, snap_compare: Snap) -> None:
    assert snap_compare(make_app(ScriptedSession(model=NO_MODEL)), run_before=show_no_model)


def test_state_model_fails(make_app: Make, snap_compare: Snap) -> None:
    error = ProviderError("The model server answered 500.", hint="Look at its log.")
    assert snap_compare(make_app(ScriptedSession(answer_error=error)), run_before=show_failure)


def test_state_engine_lost(make_app: Make, snap_compare: Snap) -> None:
    assert snap_compare(make_app(), run_before=show_lost)


def test_state_not_found(make_app: Make, snap_compare: Snap) -> None:
    assert snap_compare(make_app(ScriptedSession(answer=NOT_FOUND)), run_before=show_not_found)


def test_state_table(make_app: Make, snap_compare: Snap) -> None:
    async def look(pilot: Pilot[int]) -> None:
        app = await ask(pilot, table_answer().question)
        await until(pilot, lambda: "mention it" in status(app), "table")

    assert snap_compare(make_app(ScriptedSession(answer=table_answer())), run_before=look)


def test_state_disagreement(make_app: Make, snap_compare: Snap) -> None:
    async def look(pilot: Pilot[int]) -> None:
        app = await ask(pilot, conflict_answer().question)
        await until(pilot, lambda: "disagree" in text(app), "both values")

    assert snap_compare(make_app(ScriptedSession(answer=conflict_answer())), run_before=look)


# --- modes and dialogs


@pytest.mark.parametrize(
    "mode",
    [{"theme": "ansi-dark"}, {"theme": "quire-light"}, {"ascii": True}, {"screen_reader": True}],
    ids=["ansi", "light", "ascii", "screen-reader"],
)
def test_mode(make_app: Make, snap_compare: Snap, mode: dict[str, Any]) -> None:
    size = (120, 36) if "screen_reader" in mode else (80, 24)
    assert snap_compare(make_app(**mode), terminal_size=size, run_before=show_search)


@pytest.mark.parametrize(
    ("dialog", "keys"),
    [
        ("help", ["question_mark"]),
        ("copy", ["Y"]),
        ("tasks", ["w"]),
        ("palette", ["ctrl+p"]),
        ("details", ["i"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_dialog(make_app: Make, snap_compare: Snap, dialog: str, keys: list[str]) -> None:
    async def look(pilot: Pilot[int]) -> None:
        app = await search(pilot, "budget")
        await pilot.press("enter", *keys)
        await until(pilot, lambda: len(app.screen_stack) == 2, dialog)
        await pilot.pause()

    assert snap_compare(make_app(), run_before=look)
