"""What tests of the interface look at and wait for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from textual.pilot import Pilot

from tui.app import QuireApp
from tui.panes.search import SearchPane
from tui.widgets.answerview import AnswerView
from tui.widgets.bars import KeyLine, StatusLine, Tabs
from tui.widgets.rows import FileTable, HitList, SourceList
from tui.widgets.textview import TextView


async def until(pilot: Pilot[int], condition: Callable[[], object], what: str) -> None:
    """Wait for a named condition, never for time."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}"
        await asyncio.sleep(0.005)  # pilot.pause asks every widget, which costs more than the test itself
    await pilot.pause()


def lines(app: QuireApp) -> list[str]:
    """The screen as text."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


def text(app: QuireApp) -> str:
    return "\n".join(lines(app))


def hits(app: QuireApp) -> HitList:
    return app.frame.query_one(HitList)


def names(app: QuireApp) -> list[str]:
    return [hit.path.rpartition("/")[2] for hit in hits(app).rows_here()]


def files(app: QuireApp) -> FileTable:
    return app.frame.query_one(FileTable)


def preview(app: QuireApp) -> TextView:
    return app.frame.query_one("#search-preview", TextView)


def reader(app: QuireApp) -> TextView:
    return app.frame.query_one("#reader-text", TextView)


def answer(app: QuireApp) -> AnswerView:
    return app.frame.query_one("#ask-answer", AnswerView)


def sources(app: QuireApp) -> SourceList:
    return app.frame.query_one("#ask-sources", SourceList)


def status(app: QuireApp) -> str:
    line = app.frame.query_one(StatusLine)
    return f"{line.left} | {line.right}"


def badges(app: QuireApp) -> list[str]:
    return [text for text, _ in app.frame.query_one(Tabs).badges]


def footer(app: QuireApp) -> str:
    line = app.screen.query_one(KeyLine)
    return "".join(text for text, _ in line.pieces(line.size.width)).rstrip()


async def ready(pilot: Pilot[int]) -> QuireApp:
    """Wait until the library is open and the first search is on screen."""
    app = pilot.app
    assert isinstance(app, QuireApp)
    await until(pilot, lambda: app.status is not None and app.progress is not None, "library open")
    await until(pilot, lambda: app.pane.NAME != "search" or "docs" in status(app), "first hits")
    return app


async def search(pilot: Pilot[int], query: str) -> QuireApp:
    """Put in a query at once (keys are tested elsewhere); wait for the refined result with its preview."""
    app = await ready(pilot)
    pane = app.frame.query_one(SearchPane)

    def refined() -> bool:
        return pane.result is not None and (pane.result.query, pane.result.mode) == (query, "auto")

    pane.query_input.set_quietly(query)
    await until(pilot, refined, "hits")
    await until(
        pilot, lambda: not hits(app).total or preview(app).text or not preview(app).display, "preview"
    )
    return app


async def ask(pilot: Pilot[int], question: str) -> QuireApp:
    """Ask and wait for the whole answer."""
    app = await ready(pilot)
    app.show_pane("ask")
    app.pane.query_input.set_quietly(question)
    await pilot.press("enter")
    await until(pilot, lambda: answer(app).entries and answer(app).entries[-1].done, "answer")
    return app
