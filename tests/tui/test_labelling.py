"""Tags, exclusion, notes, feedback, undo and collections in the interface, over a scripted session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import TextArea

from indexer.labelled import Collection, Labels, Suggestion, Tag, Verdict
from tests.tui.screens import hits, names, reader, ready, search, text, until
from tests.tui.scripted import ROOT, ScriptedSession
from tui.app import QuireApp
from tui.screens.tagging import TagDialog
from tui.widgets.queryinput import QueryInput, complete, query_spans

Make = Callable[..., QuireApp]
Snap = Callable[..., bool]

REVIEW = f"{ROOT}/finance/2025/Q3 budget review.pdf"
MINUTES = f"{ROOT}/board/Minutes 2025-10-02.docx"


def labelled() -> ScriptedSession:
    """The first hit has a tag by hand and one by a rule; one is suggested."""
    tags = (Tag(name="finance"), Tag(name="year/2025", rule="path:2025"))
    return ScriptedSession(
        on={
            REVIEW: Labels(
                path=REVIEW, document="sha256:r", tags=tags, note="first line\nsecond [b]line[/b]"
            ),
            MINUTES: Labels(path=MINUTES, document="sha256:m", tags=(Tag(name="board"),)),
        },
        suggestions=(
            Suggestion(path=REVIEW, document="sha256:r", tag="board", confidence=0.71, because=(MINUTES,)),
        ),
        collections=(
            Collection(name="Due soon", query="review:<2027"),
            Collection(name="pdfs", query="type:pdf"),
        ),
    )


async def tags_of_first(pilot: Pilot[int]) -> QuireApp:
    app = await search(pilot, "budget")
    await pilot.press("enter", "t")
    await until(pilot, lambda: isinstance(app.screen, TagDialog), "the dialog")
    return app


async def test_the_dialog_shows_given_suggested_and_all_tags(make_app: Make) -> None:
    async with make_app(labelled()).run_test(size=(80, 24)) as pilot:
        app = await tags_of_first(pilot)
        shown = text(app)
        assert "Tags of Q3 budget review.pdf" in shown
        assert "* finance" in shown
        assert "by the rule path:2025" in shown
        assert "? board" in shown
        assert "71% sure, like Minutes 2025-10-02.docx" in shown


async def test_a_typed_tag_is_given_and_completed(make_app: Make) -> None:
    session = labelled()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await tags_of_first(pilot)
        await pilot.press(*"y")
        await until(
            pilot, lambda: app.screen.query_one(QueryInput)._suggestion == "year/2025", "the completion"
        )
        await pilot.press("backspace", *"q/j, x", "enter")
        await until(pilot, lambda: session.changes, "the change")
        assert session.changes[0].add == ("q/j", "x")
        assert session.changes[0].targets == (REVIEW,)
        await until(pilot, lambda: "* q/j" in text(app), "the new tag")
        assert app.screen.query_one(QueryInput).value == ""


async def test_suggestions_are_accepted_and_refused_by_a_key(make_app: Make) -> None:
    session = labelled()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        await tags_of_first(pilot)
        await pilot.press("down", "j", "j", "minus")
        await until(pilot, lambda: len(session.changes) == 1, "the refusal")
        await pilot.press("plus")
        await until(pilot, lambda: len(session.changes) == 2, "the tag")
        await pilot.press("g", "minus")
        await until(pilot, lambda: len(session.changes) == 3, "the removal")
        await pilot.press("u")
        await until(pilot, lambda: session.undone == 1, "undone")
        assert [(each.refuse, each.add, each.remove) for each in session.changes[:1]] == [
            (("board",), (), ())
        ]
        assert session.changes[1].add == ("board",)


async def test_marked_documents_are_tagged_together(make_app: Make) -> None:
    session = labelled()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "space", "space", "t")
        await until(pilot, lambda: isinstance(app.screen, TagDialog), "the dialog")
        assert "Tags of 2 documents" in text(app)
        assert "on 1 of 2" in text(app)
        await pilot.press(*"all", "enter")
        await until(pilot, lambda: session.changes, "the change")
        assert session.changes[0].targets == (REVIEW, MINUTES)


async def test_the_reader_has_its_own_key_for_tags_and_keeps_t_for_headings(make_app: Make) -> None:
    async with make_app(labelled()).run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: reader(app).text, "the document")
        await pilot.press("t")
        await until(pilot, lambda: len(app.screen_stack) == 2, "the headings")
        assert not isinstance(app.screen, TagDialog)
        await pilot.press("escape", "T")
        await until(pilot, lambda: isinstance(app.screen, TagDialog), "the tags")


async def test_x_keeps_out_of_answers_and_takes_back(make_app: Make) -> None:
    session = labelled()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "x")
        await until(pilot, lambda: len(session.changes) == 1, "excluded")
        await until(pilot, lambda: "u undoes it" in app.messages_said[0][1], "it is said")
        await pilot.press("x")
        await until(pilot, lambda: len(session.changes) == 2, "taken back")
        assert [each.excluded for each in session.changes] == [True, False]
        await pilot.press("u", "u", "u")
        await until(pilot, lambda: session.undone == 2, "undone")


async def test_feedback_on_a_hit_goes_with_the_query_and_is_taken_back_by_the_same_key(
    make_app: Make,
) -> None:
    session = labelled()
    session.on[REVIEW] = Labels(path=REVIEW, document="d", verdicts=(Verdict(query="budget", verdict=-1),))
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "plus")
        await until(pilot, lambda: len(session.changes) == 1, "it helped")
        await pilot.press("minus")
        await until(pilot, lambda: len(session.changes) == 2, "taken back")
        assert [(each.verdict, each.asked) for each in session.changes] == [(1, "budget"), (0, "budget")]
        await pilot.press("slash", "ctrl+u", "escape")
        await until(pilot, lambda: hits(app).total == 8, "all documents")
        await pilot.press("plus")
        await until(pilot, lambda: "search for something first" in app.messages_said[0][1], "it is said")


async def test_a_note_is_read_and_written_in_details(make_app: Make) -> None:
    session = labelled()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "i")
        await until(pilot, lambda: "first line" in text(app), "the note")
        assert "second [b]line[/b]" in text(app)
        await pilot.press("e")
        await until(pilot, lambda: app.screen.query(TextArea), "the editor")
        await pilot.press("enter", *"q: third", "escape")
        await until(pilot, lambda: session.changes, "the change")
        assert session.changes[0].note == "first line\nsecond [b]line[/b]\nq: third"
        await until(pilot, lambda: "q: third" in text(app), "the details again")
        await pilot.press("e")
        await until(pilot, lambda: app.screen.query(TextArea), "the editor")
        await pilot.press(*"lost", "ctrl+g")
        await until(pilot, lambda: not app.screen.query(TextArea), "left")
        assert len(session.changes) == 1


async def test_collections_are_in_the_palette_and_searches_are_kept_there(make_app: Make) -> None:
    session = labelled()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        await until(pilot, lambda: app.labelling is not None, "what there is")
        await pilot.press("ctrl+p", *"due soon", "enter")
        await until(pilot, lambda: app.pane.query_input.value == 'collection:"Due soon" ', "the query")
        await pilot.press("ctrl+u", *"budget")
        await until(pilot, lambda: names(app), "hits")
        await pilot.press("ctrl+p", *"keep this search", "enter")
        await until(pilot, lambda: "Name of the collection" in text(app), "the name")
        await pilot.press(*"Money", "enter")
        await until(pilot, lambda: len(session.collections) == 3, "kept")
        assert session.collections[2] == Collection(name="Money", query="budget")


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("tag:fi", "tag:finance"),
        ("x -tag:year", "x -tag:year/2025"),
        ("collection:p", "collection:pdfs"),
        ('collection:"Du', 'collection:"Due soon"'),
        ("revi", "review:"),
        ("is:ta", "is:tagged"),
        ("tag:zz", None),
    ],
)
async def test_the_query_completes_tags_collections_and_fields(
    make_app: Make, typed: str, completed: str | None
) -> None:
    async with make_app(labelled()).run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        await until(pilot, lambda: app.labelling is not None, "what there is")
        suggester: Any = app.pane.query_input.suggester
        assert complete(typed, (), suggester.names) == completed
        await until(pilot, lambda: query_spans("review:2026"), "the parser")
        assert query_spans("review:2026") == ((0, 7, "field"), (7, 11, "value"))


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
def test_dialog_of_tags_looks_as_it_should(make_app: Make, snap_compare: Snap, size: tuple[int, int]) -> None:
    async def look(pilot: Pilot[int]) -> None:
        await tags_of_first(pilot)
        await pilot.press("down", "j")
        await pilot.pause()

    assert snap_compare(make_app(labelled()), run_before=look, terminal_size=size)
