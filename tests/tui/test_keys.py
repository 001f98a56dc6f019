"""Every binding is reached by each of its keys, is in help, and can be changed in the configuration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.screens import answer, ask, hits, names, reader, ready, search, text, until
from tests.tui.scripted import ScriptedSession
from tui import keys
from tui.app import QuireApp
from tui.screens.note import NoteDialog
from tui.screens.tagging import TagDialog
from tui.screens.texts import help_rows

Make = Callable[..., QuireApp]
Go = Callable[[Pilot[int]], Awaitable[Any]]


async def to_list(pilot: Pilot[int]) -> None:
    await search(pilot, "budget")
    await pilot.press("enter")


async def to_library(pilot: Pilot[int]) -> None:
    await ready(pilot)
    await pilot.press("f5")


async def to_reader(pilot: Pilot[int]) -> None:
    app = await search(pilot, "budget")
    await pilot.press("enter", "enter")
    await until(pilot, lambda: reader(app).text, "document")


async def to_difference(pilot: Pilot[int]) -> None:
    app = await search(pilot, "budget")
    await pilot.press("enter", "space", "space", "D")
    await until(pilot, lambda: app.pane.NAME == "diff" and app.pane.main_part.has_focus, "the difference")


async def to_answer(pilot: Pilot[int]) -> None:
    await ask(pilot, "when?")


async def to_tasks(pilot: Pilot[int]) -> None:
    await to_list(pilot)
    await pilot.press("w")


async def to_details(pilot: Pilot[int]) -> None:
    app = pilot.app
    await to_list(pilot)
    await pilot.press("i")
    await until(pilot, lambda: len(app.screen_stack) == 2, "details")


async def to_folder(pilot: Pilot[int]) -> None:
    await to_list(pilot)
    await pilot.press("A")


async def to_input(pilot: Pilot[int]) -> None:
    await search(pilot, "budget")


async def to_note(pilot: Pilot[int]) -> None:
    await to_details(pilot)
    await pilot.press("e")
    await until(pilot, lambda: isinstance(pilot.app.screen, NoteDialog), "the note")


async def to_tags(pilot: Pilot[int]) -> None:
    await to_list(pilot)
    await pilot.press("t")
    await until(pilot, lambda: isinstance(pilot.app.screen, TagDialog), "the tags")
    await pilot.press("down")


PLACES: list[tuple[str, Go, list[list[Any]]]] = [
    ("list", to_list, [keys.ANYWHERE, keys.LIST, keys.ROWS, keys.ITEM, keys.PANE, keys.PREVIEW, keys.SEARCH]),
    ("input", to_input, [keys.INPUT]),
    ("library", to_library, [keys.LIBRARY]),
    ("reader", to_reader, [keys.READER, keys.READER_PANE]),
    ("difference", to_difference, [keys.READER, keys.DIFF, keys.ITEM]),
    ("answer", to_answer, [keys.ANSWER, keys.KEPT, keys.SENDING]),
    ("tasks", to_tasks, [keys.DIALOG, keys.TASKS]),
    ("details", to_details, [keys.DETAILS, keys.NOTED]),
    ("note", to_note, [keys.NOTE]),
    ("tags", to_tags, [keys.TAGGING]),
    ("folder", to_folder, [keys.FOLDER]),
]


@pytest.mark.parametrize(("place", "go", "groups"), PLACES, ids=[place for place, _, _ in PLACES])
async def test_every_binding_is_reached_by_each_of_its_keys(
    make_app: Make, place: str, go: Go, groups: list[list[Any]]
) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await go(pilot)
        await pilot.pause()
        active = pilot.app.screen.active_bindings
        for binding in (binding for group in groups for binding in group):
            for key in binding.key.split(","):
                assert key in active, f"{binding.id}: {key} does nothing in {place}"
                assert active[key].binding.id == binding.id, f"{key} in {place} is {active[key].binding.id}"
                node = active[key].node if not binding.action.startswith("app.") else pilot.app
                name = binding.action.removeprefix("app.").partition("(")[0]
                assert hasattr(node, f"action_{name}"), f"{binding.id}: no action on {node!r}"


def test_all_places_of_bindings_are_tested() -> None:
    tested = {binding.id for _, _, groups in PLACES for group in groups for binding in group}
    assert tested == set(keys.bindings_by_id())


def test_ids_are_unique_and_every_binding_explains_itself() -> None:
    bindings = [binding for place in keys.PLACES for binding in place.bindings]
    assert len({binding.id for binding in bindings}) == len(bindings)
    for binding in bindings:
        assert binding.id
        assert binding.tooltip
        assert binding.description


def test_no_key_is_one_that_terminals_or_tmux_take() -> None:
    lost = {"ctrl+a", "ctrl+b", "ctrl+i", "ctrl+m", "ctrl+h", "ctrl+left_square_bracket", "ctrl+s"}
    for place in keys.PLACES:
        for binding in place.bindings:
            for key in binding.key.split(","):
                assert key not in lost | {"ctrl+@", "ctrl+space", "shift+enter", "ctrl+enter"}, binding.id
                assert "alt+" not in key
                assert "ctrl+shift" not in key


def test_every_ctrl_or_function_key_has_a_plain_one_outside_inputs() -> None:
    within_inputs = {binding.id for binding in [*keys.INPUT, *keys.DIALOG, *keys.FOLDER, *keys.NOTE]}
    ways_out = {"app.history", "app.redraw", "app.suspend", "app.quit", "app.interrupt", "app.back"}
    ways_out |= {f"{place}.half_{way}" for place in ("list", "text") for way in ("up", "down")}
    for id, binding in keys.bindings_by_id().items():
        plain = [key for key in binding.key.split(",") if not key.startswith("ctrl+")]
        plain = [key for key in plain if not (key.startswith("f") and key[1:].isdigit())]
        assert plain or id in within_inputs | ways_out, id


def test_each_binding_and_the_query_language_are_in_help() -> None:
    rows = help_rows({"list.open"}, {})
    assert {row.id for row in rows if row.id} == set(keys.bindings_by_id())
    assert rows[0].text == "In a list"
    assert any("OR" in row.keys for row in rows)


def test_help_shows_the_keys_of_the_configuration() -> None:
    rows = {row.id: row for row in help_rows(set(), {"item.edit": "E,ctrl+e"})}
    assert rows["item.edit"].keys == "E Ctrl-E"


@pytest.mark.parametrize("typed", ["q", "j", "?", ":", "/", "quit: j/k?", "1[2]{3}", "R A w f z ."])
async def test_letters_typed_into_the_input_stay_text(make_app: Make, typed: str) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        await pilot.press(*typed)
        assert app.pane.query_input.value == typed
        assert app.pane.NAME == "search"
        assert len(app.screen_stack) == 1


async def test_keys_of_a_burst_take_effect_in_their_order(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "garden")
        for key in ("ctrl+u", *"budget", "enter", "j", "j", "space", "f3", *"why?"):
            app.post_message(key_event(key))
        await until(pilot, lambda: app.pane.NAME == "ask", "Ask is in front")
        await until(pilot, lambda: app.pane.query_input.value == "why?", "the question is typed")
        assert app.frame.panes["search"].query_input.value == "budget"
        assert len(app.marks) == 1


async def test_what_is_typed_before_the_first_frame_is_not_lost(make_app: Make) -> None:
    app = make_app()
    for key in "budget":
        app._keys.append(key_event(key))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: names(app)[:1] == ["Q3 budget review.pdf"], "hits")
        assert app.pane.query_input.value == "budget"


def key_event(key: str) -> Any:
    from textual.events import Key

    return Key({"?": "question_mark"}.get(key, key), key if len(key) == 1 else {"space": " "}.get(key))


async def test_keys_come_from_the_configuration(make_app: Make) -> None:
    app = make_app(keys={"list.down": "m,down", "item.details": "I"})
    async with app.run_test(size=(80, 24)) as pilot:
        await to_list(pilot)
        await pilot.press("m", "down")
        assert hits(app).cursor == 2
        await pilot.press("j")
        assert hits(app).cursor == 2
        await pilot.press("I")
        await until(pilot, lambda: len(app.screen_stack) == 2, "details")


async def test_clashes_and_unknown_ids_are_reported(make_app: Make) -> None:
    app = make_app(keys={"list.dwon": "m", "item.edit": "y"})
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        said = " ".join(said for _, said in app.messages_said)
        assert "no action list.dwon; did you mean list.down?" in said
        assert "y means both item.edit and item.copy" in said


async def test_the_keymap_of_the_default_bindings_has_no_clash() -> None:
    unchanged = {id: binding.key for id, binding in keys.bindings_by_id().items()}
    assert [problem for problem in keys.keymap_problems(unchanged) if not expected(problem)] == []


def expected(problem: str) -> bool:
    """Inner parts cover outer ones on purpose: Enter in a list, `n` in a preview that has the focus."""
    inner = {"dialog.close", "details.copy", "reader.find"}
    return any(id in problem for id in inner)


async def test_escape_goes_back_step_by_step_and_never_quits(make_app: Make) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "space", "z", "f1")
        assert len(app.screen_stack) == 2
        await pilot.press("escape")
        assert len(app.screen_stack) == 1
        assert app.pane.has_class("-zoomed")
        await pilot.press("escape")
        assert not app.pane.has_class("-zoomed")
        assert len(app.marks) == 1
        await pilot.press("ctrl+g")
        assert not len(app.marks)
        await pilot.press("escape", "escape", "escape")
        assert app.is_running
        assert "Q3 budget review.pdf" in text(app)


async def test_panes_are_reached_by_number_bracket_and_function_key(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter")
        for key, name in (
            ("4", "library"),
            ("left_square_bracket", "summarize"),
            ("f3", "ask"),
            ("f2", "search"),
        ):
            await pilot.press(key)
            assert name == app.pane.NAME
            if key == "left_square_bracket":
                await pilot.press("escape")
        await pilot.press("2")
        assert app.pane.NAME == "ask"
        assert not answer(app).entries
