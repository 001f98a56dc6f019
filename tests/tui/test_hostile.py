"""Foreign text is shown as text: no widget obeys it, whatever way it comes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from copilot.types import Coverage
from indexer.errors import StoreError
from indexer.findings import Decoding
from indexer.types import Root, UnreadFile
from tests.tui import kin as data
from tests.tui.screens import answer, files, reader, ready, search, status, text, until
from tests.tui.scripted import IDLE, ROOT, ScriptedSession, make_answer, make_citation
from tui.app import QuireApp
from tui.controls import clean
from tui.widgets.diffview import DiffView
from tui.widgets.kintable import KinTable
from tui.widgets.rows import ChoiceList
from tui.widgets.textview import TextView

Make = Callable[..., QuireApp]

HOSTILE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
STRINGS = (
    "a[/b].pdf",
    "[@click=app.quit]x",
    "[/nope] [type=x, v={'a[0]'}] [b",
    "\x1b]52;c;aGk=\x07clip",
    "\x1b[2Jclear\x9b31mred",
    "moc\u202elp.exe",
    "tag\U000e0041\U000e0042 zero\u200bwidth",
    "lone \udce9 surrogate",
    "界" * 60 + "e" + "\u0301" * 300,
    "two\nlines\ttab",
    "x" * 10_000,
)


def poisoned(evil: str) -> ScriptedSession:
    """A library in which every string is hostile."""
    body = f"budget {evil}\nmore {evil}\n"
    name = evil.replace("/", "∕")[:200]
    document = (f"dir/{name}.txt", "text", "text", 3, 2, body)
    failure = UnreadFile(path=f"{ROOT}/{name}.bad", reason=evil, hint=evil)
    citation = replace(make_citation(1, document, "budget"), quote=body, note=evil)
    written = replace(
        make_answer("?"),
        answer=f"{evil} [1]. budget",
        generator=evil,
        citations=(citation,),
        coverage=Coverage(in_scope=1, read=1, unread=(failure,)),
        notes=(evil,),
    )
    claims = tuple(replace(claim, text=evil, verdict="partly", reason=evil) for claim in written.claims)
    session = ScriptedSession(
        documents=(document,),
        failures=(failure,),
        roots=(Root(path=f"{ROOT}/{name}", state="watched", files=1, note=evil),),
        answer=replace(written, claims=claims),
        notes=(evil,),
        progresses=(replace(IDLE, current=name, note=evil),),
    )
    beside = [data.copy(f"dir/{name}.{n}.txt", "near", 0.9) for n in range(2)]
    session.copies = data.report(
        [data.group("near", evil, data.copy(f"dir/{name}.txt", "exact"), *beside)],
        [data.family(evil, f"dir/{name}.txt", f"dir/{name}.1.txt")],
    )
    session.encodings = (
        Decoding(encoding=evil, score=1, language="", sample=evil, current=True),
        Decoding(encoding=evil, score=2, language="", sample=evil, current=False),
    )
    session.model = replace(session.model, name=evil, host=evil, local=False, note=evil)
    return session


async def visit_everything(pilot: Pilot[int], look: Callable[[], None]) -> None:
    app = await search(pilot, "budget")
    look()
    for keys in (["enter", "Y"], ["escape", "i"], ["escape", "w"], ["enter"], ["escape", "escape", "ctrl+p"]):
        await pilot.press(*keys)
        await pilot.pause()
        look()
    await pilot.press("escape", "ctrl+t")
    await until(pilot, lambda: app.screen.query_one(ChoiceList).total, "names")
    look()
    await pilot.press("escape", "enter")
    await until(pilot, lambda: reader(app).text, "document")
    look()
    await pilot.press("h", "f5")
    await until(pilot, lambda: files(app).total, "files")
    await pilot.press("G", "m")
    look()
    await pilot.press("escape", "g", "m", "e")
    await until(pilot, lambda: len(app.screen_stack) == 2, "encodings")
    look()
    await pilot.press("escape")
    for group in ("duplicates", "old"):
        app.pane.choose_group(group)  # type: ignore[attr-defined]
        kin = app.frame.query_one(KinTable)
        await until(pilot, lambda kin=kin: kin.total and kin.has_focus, group)  # type: ignore[misc]
        look()
        await pilot.press("j", "m")
        look()
        await pilot.press("escape", "D")
        await until(pilot, lambda: len(app.screen_stack) == 2, "relatives")
        look()
        await pilot.press("enter")
        await until(pilot, lambda: app.pane.NAME == "diff", "differences")
        await until(pilot, lambda: app.frame.query_one(DiffView).text, "differences")
        look()
        await pilot.press("h")
    app.pane.choose_group("all")  # type: ignore[attr-defined]
    await pilot.press("f3", "w", "enter")
    await until(pilot, lambda: answer(app).entries and answer(app).entries[-1].done, "answer")
    look()
    await pilot.press("n")
    look()
    await pilot.press("f2", "S")
    await pilot.pause()
    app.show_error(StoreError(STRINGS[3], hint=STRINGS[5]))
    app.copy(STRINGS[4], STRINGS[5])
    await pilot.pause()
    look()


@pytest.mark.parametrize(
    "evil",
    ["".join(STRINGS[:3]), "".join(STRINGS[3:8]), "".join(STRINGS[8:])],
    ids=["markup", "controls", "widths"],
)
async def test_hostile_strings_are_shown_as_text_everywhere(make_app: Make, evil: str) -> None:
    async with make_app(poisoned(evil)).run_test(size=(100, 30)) as pilot:
        app = pilot.app
        assert isinstance(app, QuireApp)

        def look() -> None:
            for strip in app.screen._compositor.render_strips():
                assert HOSTILE.search(strip.text) is None, repr(strip.text)
                assert strip.cell_length == 100

        await visit_everything(pilot, look)
        assert app.is_running
        assert HOSTILE.search(app.clipboard.replace("\n", "")) is None


async def test_markup_in_names_is_literal(make_app: Make) -> None:
    async with make_app(poisoned("[@click=app.quit]x[/b]")).run_test(size=(120, 36)) as pilot:
        app = await search(pilot, "budget")
        assert "[@click=app.quit]x[∕b]" in text(app)
        assert "[@click=app.quit]x[/b]" in text(app)
        await pilot.click("#hits", offset=(3, 0))
        await pilot.pause()
        assert app.is_running


async def test_what_is_typed_or_pasted_is_cleaned_on_screen(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        app.pane.query_input.value = "\x1b]52;c;x\x07 \u202e [b"
        await pilot.pause()
        assert HOSTILE.search(text(app).replace("\n", "")) is None
        assert HOSTILE.search(status(app)) is None


async def test_a_view_of_any_size_draws_hostile_text(make_app: Make) -> None:
    async with make_app(poisoned("".join(STRINGS[:9]))).run_test(size=(41, 18)) as pilot:
        app = await search(pilot, "budget")
        view = app.frame.query_one("#search-preview", TextView)
        for width in (41, 43, 77):
            await pilot.resize_terminal(width, 20)
            await pilot.pause()
            assert all(strip.cell_length == width for strip in app.screen._compositor.render_strips())
        assert view.text


def test_clean_keeps_columns() -> None:
    for evil in STRINGS:
        from rich.cells import cell_len

        assert cell_len(clean(evil)) == cell_len(evil)
        assert HOSTILE.search(clean(evil)) is None
        assert clean(clean(evil)) == clean(evil)
