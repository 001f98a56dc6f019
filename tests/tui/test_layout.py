"""Where the parts stand when the terminal is given another size."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tui.screens import hits, lines, preview, reader, search, until
from tui.app import QuireApp

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
