"""Where the parts stand when the terminal is given another size."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from indexer.types import UnreadFile
from tests.tui.screens import footer, hits, lines, preview, reader, search, text, until
from tests.tui.scripted import ROOT, ScriptedSession
from tui.app import QuireApp
from tui.state import UiState

Make = Callable[..., QuireApp]


def side_by_side(app: QuireApp) -> bool:
    return preview(app).region.x >= hits(app).region.right and preview(app).region.y == hits(app).region.y


def stacked(app: QuireApp) -> bool:
    return preview(app).region.y >= hits(app).region.bottom and preview(app).region.x == 0


@pytest.mark.parametrize("from_reader", [False, True], ids=["list", "reader"])
async def test_a_new_size_is_laid_out_at_once(make_app: Make, from_reader: bool) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter")
        assert stacked(app)
        if from_reader:
            await pilot.press("enter")
            await until(pilot, lambda: reader(app).text, "the document")
        await pilot.resize_terminal(120, 36)
        if from_reader:
            await pilot.press("q")
        await until(pilot, lambda: side_by_side(app), "two columns")
        assert hits(app).size.height > 20
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: stacked(app), "one column")
        assert hits(app).size.height > 8
        assert all(len(line) == 80 for line in lines(app))


async def test_tasks_keep_their_keys_on_screen_however_much_failed(make_app: Make) -> None:
    failures = tuple(UnreadFile(path=f"{ROOT}/{n}.pdf", reason="It is broken.") for n in range(60))
    async with make_app(ScriptedSession(failures=failures)).run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "w")
        await until(pilot, lambda: "Try again" in footer(app), "the dialog")
        for height in (24, 20, 40):
            await pilot.resize_terminal(80, height)
            await pilot.pause()
            app.screen.refresh_tasks()  # type: ignore[attr-defined]
            await until(pilot, lambda: "r Try again" in text(app), "its keys")
            assert "Tasks" in text(app)


async def test_the_query_of_the_last_time_is_replaced_by_typing(make_app: Make) -> None:
    app = make_app()
    app.state = UiState(query="budget")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: hits(app).total, "its hits")
        assert app.pane.query_input.value == "budget"
        await pilot.press(*"garden")
        assert app.pane.query_input.value == "garden"
