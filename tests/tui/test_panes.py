"""What a person does and what then is on screen, over a scripted session."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from indexer.errors import EngineError, ProviderError, StoreError
from tests.tui.screens import (
    answer,
    ask,
    badges,
    files,
    footer,
    hits,
    lines,
    names,
    preview,
    reader,
    ready,
    search,
    sources,
    status,
    text,
    until,
)
from tests.tui.scripted import BUDGET, IDLE, INDEXING, NO_MODEL, NOT_FOUND, ROOT, ScriptedSession
from tui import organizing
from tui.app import QuireApp
from tui.panes.search import SearchPane
from tui.state import UiState, load_state, save_state, state_path
from tui.widgets.rowlist import WINDOW

Make = Callable[..., QuireApp]


# --- search


async def test_hits_change_with_every_key_and_the_preview_lights_the_matches(make_app: Make) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        await pilot.press(*"budget")
        await until(pilot, lambda: len(names(app)) == 7 and preview(app).text, "the refined hits")
        asked = [request.query for request in session.searched if request.mode == "keyword"]
        assert asked[-1] == "budget"
        assert len(asked) > 1
        assert names(app)[0] == "Q3 budget review.pdf"
        assert names(app)[-1] == "Re: money for spring.eml"  # found by meaning alone, by the refined search
        assert preview(app).text == BUDGET
        assert all(BUDGET[a:b].casefold() == "budget" for a, b in preview(app).matches)
        assert len(preview(app).matches) == 4


async def test_only_the_last_query_is_shown_when_answers_come_late(make_app: Make) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        session.gate = threading.Event()
        await pilot.press(*"bu")
        await pilot.press(*"dget garden")
        session.gate.set()
        session.gate = None
        pane = app.frame.query_one(SearchPane)
        await until(
            pilot, lambda: pane.result and pane.result.query == "budget garden", "the last query's hits"
        )
        asked = {request.query for request in session.searched}
        assert asked < {"", "b", "bu", "budget garden"}  # what was typed meanwhile was never asked


async def test_the_cursor_stays_on_its_document_when_the_query_changes(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("down", "down", "down")
        assert hits(app).current_key == f"{ROOT}/slides/Budget 2026.pptx"
        await pilot.press(*" all")
        pane = app.frame.query_one(SearchPane)
        await until(pilot, lambda: pane.result and pane.result.query == "budget all", "hits")
        assert hits(app).current_key == f"{ROOT}/slides/Budget 2026.pptx"


async def test_typing_while_the_library_opens_is_searched_when_it_is_open(make_app: Make) -> None:
    session, opened = ScriptedSession(), threading.Event()

    def connect() -> ScriptedSession:
        opened.wait(20)
        return session

    app = make_app(session)
    app._link._connect = connect
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"garden")
        await until(pilot, lambda: "opening" in status(app), "opening is said")
        assert "garden" in lines(app)[1]
        opened.set()
        await until(pilot, lambda: names(app)[:1] == ["ideas.md"], "hits of what was typed")


async def test_a_million_rows_are_a_few_windows(make_app: Make) -> None:
    session = ScriptedSession(many=1_000_000)
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "G")
        await until(pilot, lambda: hits(app).current is not None, "last window")
        assert hits(app).cursor == 999_999
        assert "0999999.pdf" in text(app)
        await pilot.press("home")
        assert hits(app).cursor == 0
        for _ in range(3):
            await pilot.press("ctrl+d", "pagedown")
        assert hits(app).current is not None
        offsets = {request.offset for request in session.searched}
        assert offsets <= {0, 999_999 // WINDOW * WINDOW}


async def test_marks_survive_new_results_and_escape_clears_them_in_its_order(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "space", "space")
        assert len(app.marks) == 2
        await pilot.press("slash", *" garden")
        pane = app.frame.query_one(SearchPane)
        await until(pilot, lambda: pane.result and pane.result.query == "budget garden", "hits")
        assert len(app.marks) == 2
        await until(pilot, lambda: "2 marked" in status(app), "marks are said")
        assert pane.query_input.has_focus
        await pilot.press("escape")
        assert not len(app.marks)
        assert pane.query_input.has_focus
        await pilot.press("escape")
        assert hits(app).has_focus
        await pilot.press("escape")
        assert app.is_running


async def test_a_range_and_all_of_the_result_can_be_marked(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "v", "j", "j", "v", "j")
        assert len(app.marks) == 3
        await pilot.press("asterisk")
        await until(pilot, lambda: len(app.marks) == 7, "all are marked")


async def test_no_hits_say_why_and_enter_widens(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "zebra ext:pdf")
        assert "Nothing found for zebra ext:pdf" in text(app)
        assert "Only 44 of 12,480 documents are in scope" in text(app)
        await pilot.press("enter")
        assert app.pane.query_input.value == "zebra"


async def test_new_documents_wait_when_they_would_move_what_is_read(make_app: Make) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "j")
        before = names(app)
        new = ("new/budget first.txt", "text", "text", 0, 0, "A budget that has just arrived.\n")
        session.documents = (new, *session.documents)
        session.push(replace(IDLE, revision=2))
        await until(pilot, lambda: "1 new (.)" in status(app), "the new one is announced")
        assert names(app) == before
        await pilot.press("full_stop")
        assert names(app)[0] == "budget first.txt"
        assert hits(app).current_key == f"{ROOT}/board/Minutes 2025-10-02.docx"


async def test_an_edit_is_found_without_a_key_when_nothing_was_found_before(make_app: Make) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "zebra")
        assert not names(app)
        session.documents = (*session.documents, ("notes/zoo.md", "text", "md", 0, 0, "The zebra.\n"))
        session.push(replace(IDLE, revision=3))
        await until(pilot, lambda: names(app)[:1] == ["zoo.md"], "the edit is found")


async def test_sort_becomes_part_of_the_query(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "s", "j", "enter")
        assert app.pane.query_input.value == "budget sort:new"


async def test_suggestions_complete_fields_and_their_values(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        await pilot.press(*"typ")
        await until(pilot, lambda: app.pane.query_input._suggestion == "type:", "a field is suggested")
        await pilot.press("right", *"sl")
        await until(pilot, lambda: app.pane.query_input._suggestion == "type:slides", "a value is suggested")


async def test_facets_narrow_the_query_on_a_very_wide_screen(make_app: Make) -> None:
    async with make_app().run_test(size=(200, 60)) as pilot:
        app = await search(pilot, "budget")
        assert "TYPE" in text(app)
        app.frame.query_one("#facets").focus()
        await pilot.press("j", "enter")
        assert app.pane.query_input.value == "budget type:pdf "


# --- reader


async def test_enter_reads_at_the_match_and_left_goes_back(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: reader(app).text, "the document")
        assert app.pane.NAME == "reader"
        assert "match 1 of 4" in status(app)
        await pilot.press("n", "n")
        assert "match 3 of 4" in status(app)
        await pilot.press("h")
        assert app.pane.NAME == "search"
        assert app.screen.focused is hits(app)


async def test_an_opened_hit_is_told_to_the_library_with_its_query(make_app: Make) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        await search(pilot, "budget")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: session.was_opened, "the library to know")
        (told,) = session.was_opened
        assert told[0] == "budget"
        assert told[1].startswith("sha256:")


async def test_find_in_the_reader_and_escape_clears_it_first(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: reader(app).text, "the document")
        await pilot.press("slash", *"trains", "enter")
        assert [BUDGET[a:b] for a, b in reader(app).matches] == ["trains"]
        await pilot.press("escape")
        await until(pilot, lambda: len(reader(app).matches) == 4, "the query's matches are back")
        assert app.pane.NAME == "reader"
        await pilot.press("escape")
        assert app.pane.NAME == "search"


async def test_pages_headings_and_ends_of_a_document(make_app: Make) -> None:
    long = "\n".join(f"line {n} of the report" for n in range(1_000))
    session = ScriptedSession(documents=(("long.pdf", "pdf", "pdf", 10, 1, long),))
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "report")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: reader(app).text, "the document")
        await pilot.press("right_curly_bracket")
        assert reader(app).page_at(reader(app).top_offset + 40) == 2
        await pilot.press("number_sign", "7", "enter")
        assert "page 7 of 10" in status(app) or "page 6 of 10" in status(app)
        await pilot.press("G")
        assert "100%" in status(app)
        await pilot.press("g")
        assert reader(app).top_offset == 0
        await pilot.press("q")
        assert app.pane.NAME == "search"
        assert app.is_running


async def test_a_long_document_is_read_in_parts_and_searched_through(make_app: Make) -> None:
    words = "".join(f"word {n} of many\n" for n in range(40_000))
    long = words + "the needle\n" + words
    session = ScriptedSession(documents=(("long.txt", "text", "text", 0, 0, long),))
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "word")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: reader(app).text, "the first part")
        assert len(reader(app).text) < len(long) // 4
        await pilot.press("G")
        await until(pilot, lambda: reader(app).end == len(long), "the last part")
        assert "word 39999" in text(app)
        await pilot.press("slash", *"needle", "enter")
        await until(pilot, lambda: "the needle" in text(app), "the needle is found in a part between")
        await pilot.press("g")
        await until(pilot, lambda: reader(app).start == 0, "the first part again")
        await pilot.press("j")
        ends: list[int] = []
        for _ in range(3):
            reader(app)._scroll_lines(10**9)
            ends.append(reader(app).end)
            await pilot.press("j")
            await until(pilot, lambda: reader(app).end > ends[-1], "read on past the end of the part")


# --- ask and summarize


async def test_an_answer_shows_its_verdicts_and_opens_its_source_at_the_quote(make_app: Make) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await ask(pilot, "when?")
        screen = text(app)
        assert " ~ Marketing was not touched [2]." in screen
        assert "read 6 of 44" in screen
        assert "! not read: scan-0031.pdf (needs OCR), offer.pdf (encrypted)" in screen
        assert "3 claims: 2 supported, 1 partly · 4.1 s · qwen3:4b" in status(app)
        await pilot.press("n", "n", "n")
        assert sources(app).cursor == 1
        await pilot.press("N", "N", "enter")
        await until(pilot, lambda: reader(app).text, "the source")
        start, end = reader(app).quote
        assert BUDGET[start:end] == "approved by the board on 2 October"
        await until(pilot, lambda: "Next match" not in footer(app), "nothing was searched for here")
        await pilot.press("slash", *"trains", "enter")
        await until(pilot, lambda: "Next match" in footer(app), "a match to go on from")


async def test_a_follow_up_carries_the_conversation_and_again_asks_anew(make_app: Make) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await ask(pilot, "when?")
        await pilot.press("slash", *"and why?", "enter")
        await until(pilot, lambda: len(session.asked) == 2 and answer(app).entries[-1].done, "second answer")
        assert [turn.question for turn in session.asked[1].history] == ["when?"]
        await pilot.press("r")
        await until(pilot, lambda: len(session.asked) == 3 and answer(app).entries[-1].done, "asked again")
        assert session.asked[2].question == "and why?"
        assert [turn.question for turn in session.asked[2].history] == ["when?"]
        assert len(answer(app).entries) == 2
        await pilot.press("c")
        assert not answer(app).entries


async def test_escape_stops_an_answer_and_keeps_what_was_written(make_app: Make) -> None:
    session = ScriptedSession(hold_answer=threading.Event())
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        await pilot.press("f3", *"when?", "enter")
        await until(pilot, lambda: answer(app).entries and "fifth" in answer(app).entries[-1].text, "tokens")
        await until(pilot, lambda: "slow" in status(app), "the notice")
        await pilot.press("escape")
        assert "Stopped" in text(app)
        assert "The board approved it" in text(app)
        assert session.hold_answer is not None
        session.hold_answer.set()


async def test_a_failing_model_leaves_what_was_written_with_the_cause(make_app: Make) -> None:
    error = ProviderError("The model server answered 500.", hint="Try again.")
    async with make_app(ScriptedSession(answer_error=error)).run_test(size=(80, 24)) as pilot:
        app = await ask(pilot, "when?")
        assert "The board approved it" in text(app)
        assert "The model server answered 500. Try again. r tries again." in text(app)


async def test_not_found_shows_the_nearest_passages(make_app: Make) -> None:
    async with make_app(ScriptedSession(answer=NOT_FOUND)).run_test(size=(80, 24)) as pilot:
        app = await ask(pilot, "king?")
        assert "This is not in your documents." in text(app)
        assert "Nearest passages" in text(app)
        assert status(app).startswith("not in your documents")


async def test_marked_documents_become_the_scope_of_a_question(make_app: Make) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "space", "space", "a", *"why?", "enter")
        await until(pilot, lambda: session.asked, "asked")
        assert session.asked[0].documents == (
            f"{ROOT}/finance/2025/Q3 budget review.pdf",
            f"{ROOT}/board/Minutes 2025-10-02.docx",
        )
        assert "scope: Q3 budget review.pdf, Minutes 2025-10-02.docx" in text(app)
        await pilot.press("s", *"ext:pdf", "enter", "r")
        await until(pilot, lambda: len(session.asked) == 2, "asked in another scope")
        assert session.asked[1].scope == "ext:pdf"
        assert session.asked[1].documents == ()


async def test_summarize_takes_a_document_or_a_query(make_app: Make) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "S")
        await until(pilot, lambda: "3 sentences" in status(app), "the summary")
        assert session.summarized[0].paths == (f"{ROOT}/finance/2025/Q3 budget review.pdf",)
        assert " ? Flights give way to trains. [2]" in text(app)
        await pilot.press("slash", "ctrl+u", *"ext:pdf", "enter")
        await until(pilot, lambda: len(session.summarized) == 2, "another summary")
        assert session.summarized[1].scope == "ext:pdf"
        assert session.summarized[1].paths == ()


async def test_without_a_model_quotes_are_said_and_never_a_dialog(make_app: Make) -> None:
    async with make_app(ScriptedSession(model=NO_MODEL)).run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        assert "quotes only" in badges(app)
        await pilot.press("f3")
        assert "start Ollama or set [language_model]" in text(app)
        assert len(app.screen_stack) == 1


async def test_a_remote_model_is_named_in_the_frame(make_app: Make) -> None:
    session = ScriptedSession()
    session.model = replace(session.model, host="api.example.org", local=False)
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        assert "REMOTE api.example.org" in badges(app)


# --- library


async def test_library_shows_groups_states_and_reasons(make_app: Make) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        await pilot.press("f5")
        await until(pilot, lambda: files(app).total == 10, "the files")
        assert "All 10" in text(app)
        await pilot.press("right_curly_bracket", "right_curly_bracket")
        await until(pilot, lambda: files(app).total == 2, "the failed ones")
        assert "!scan-0031.pdf" in text(app)
        assert "The pages are pictures. Run OCR over it." in status(app)
        await pilot.press("r")
        await until(pilot, lambda: session.retried, "read again")
        assert session.retried == [(f"{ROOT}/scans/scan-0031.pdf",)]
        await pilot.press("left_curly_bracket", "left_curly_bracket", "slash", *"contract")
        await until(pilot, lambda: files(app).total == 1, "the filter")
        assert "ready =2" in text(app)


async def test_details_tell_what_is_known(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "i")
        await until(pilot, lambda: len(app.screen_stack) == 2, "details")
        await pilot.pause()
        assert "48 pages" in text(app)
        assert "Anna" in text(app)
        await pilot.press("q")
        assert len(app.screen_stack) == 1


async def test_folders_are_added_and_removed(make_app: Make, tmp_path: object) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "A", "ctrl+u", *str(tmp_path), "enter")
        await until(pilot, lambda: "files" in text(app), "the count")
        assert not session.added
        await pilot.press("enter")
        await until(pilot, lambda: session.added == [str(tmp_path)], "added")
        await pilot.press("X", "enter")
        await until(pilot, lambda: "the files stay" in text(app), "the question")
        await pilot.press("enter")
        assert not session.removed
        await pilot.press("X", "enter")
        await until(pilot, lambda: "the files stay" in text(app), "the question again")
        await pilot.press("y")
        await until(pilot, lambda: session.removed == [ROOT], "removed")


# --- the frame


async def test_the_engine_is_lost_and_found_again(make_app: Make) -> None:
    first, second = ScriptedSession(), ScriptedSession()
    waiting, there_again = [second, first], threading.Event()

    def connect() -> ScriptedSession:
        if len(waiting) == 1:
            there_again.wait(20)
        return waiting.pop()

    app = make_app(first)
    app._link._connect = connect
    async with app.run_test(size=(80, 24)) as pilot:
        await search(pilot, "budget")
        first.die(EngineError("The engine ended."))
        await until(pilot, lambda: "reconnecting (0.5 s)" in status(app), "it is said")
        assert names(app)[0] == "Q3 budget review.pdf"
        await pilot.press(*" garden")
        there_again.set()
        await until(pilot, lambda: second.searched and app.session is second, "found again")
        await until(pilot, lambda: second.searched[-1].query == "budget garden", "what was typed is searched")


async def test_progress_is_drawn_in_the_status_line_and_the_badge(make_app: Make) -> None:
    async with make_app(ScriptedSession(progresses=(INDEXING,))).run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        await until(pilot, lambda: "idx 62% 7,740/12,480" in status(app), "progress")
        assert "idx 62%" in badges(app)
        assert "3!" in status(app)


async def test_tasks_show_stages_and_failures(make_app: Make) -> None:
    session = ScriptedSession(progresses=(INDEXING,))
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "w")
        await pilot.pause()
        assert "7,740 of 12,480" in text(app)
        assert "annual report.pdf" in text(app)
        assert "scan-0031.pdf" in text(app)
        await pilot.press("r")
        await until(pilot, lambda: session.retried == [()], "all are read again")


async def test_an_error_is_one_toast_and_stays_in_tasks(make_app: Make) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        session.search_error = StoreError("The disk is full.", hint="Make room; indexing goes on by itself.")
        await pilot.press(*" now", "enter")
        await until(pilot, lambda: "The disk is full" in status(app), "the error")
        assert names(app)
        assert len(app._notifications) == 1
        assert len([said for _, said in app.messages_said if "disk" in said]) == 1


async def test_find_by_name_opens_the_document(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        await pilot.press("ctrl+t", *"contract")
        await until(pilot, lambda: "legal" in text(app), "the name")
        await pilot.press("enter")
        await until(pilot, lambda: reader(app).text, "the document")
        assert "vendor-contract.pdf" in text(app)


async def test_history_offers_earlier_queries(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "slash", "ctrl+u", *"garden", "ctrl+r", *"bud", "enter")
        assert app.pane.query_input.value == "budget"


async def test_the_palette_runs_commands_and_changes_the_theme(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        await pilot.press("ctrl+p", *"theme quire-light", "enter")
        await pilot.pause()
        assert app.theme == "quire-light"
        await pilot.press("ctrl+p", *"what is being done", "enter")
        await until(pilot, lambda: len(app.screen_stack) == 2, "tasks")


async def test_help_begins_with_the_keys_of_this_place(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "question_mark")
        await pilot.pause()
        assert "In a list" in lines(app)[4] + lines(app)[5] + lines(app)[6]
        await pilot.press(*"near words")
        await pilot.pause()
        assert "within five words" in text(app)
        await pilot.press("escape")
        assert len(app.screen_stack) == 1


async def test_state_survives_a_restart(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "j", "space", "j", "p", "f5")
        await until(pilot, lambda: load_state(state_path("")).pane == "library", "written when it changes")
        kept = load_state(state_path(""))
    assert kept.query == "budget"
    assert kept.marks == [f"{ROOT}/board/Minutes 2025-10-02.docx"]
    assert kept.preview is False
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        assert app.pane.NAME == "library"
        await pilot.press("f2")
        await until(pilot, lambda: hits(app).current_key == kept.cursor, "the cursor is where it was")
        assert app.pane.query_input.value == "budget"
        assert len(app.marks) == 1


async def test_resizing_down_to_one_cell_and_back(make_app: Make) -> None:
    async with make_app().run_test(size=(200, 60)) as pilot:
        app = await search(pilot, "budget")
        for size in ((120, 36), (60, 12), (39, 24), (80, 7), (1, 1), (2, 3), (41, 9), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            shown = text(app)
            if size[0] < 40 or size[1] < 8:
                assert shown.startswith("terminal too small" if size[0] > 20 else "")
        assert "Q3 budget review.pdf" in shown
        await pilot.press("f3")
        await pilot.resize_terminal(3, 2)
        await pilot.press("f5", "f1")
        await pilot.resize_terminal(80, 24)
        await pilot.press("escape")
        assert app.is_running


async def test_zoom_shows_one_part_alone(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "z")
        await pilot.pause()
        assert not preview(app).display
        assert hits(app).size.height > 18
        await pilot.press("q")
        await pilot.pause()
        assert preview(app).display
        assert app.is_running


async def test_an_empty_library_offers_to_add_a_folder(make_app: Make) -> None:
    session = ScriptedSession(documents=(), roots=(), failures=())
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        await until(pilot, lambda: "No folders yet." in text(app), "the three lines")
        assert "Everything stays on this machine" in text(app)
        await pilot.press("A")
        await until(pilot, lambda: len(app.screen_stack) == 2, "the dialog")


@pytest.mark.parametrize("pane", ["f2", "f3", "f4", "f5"])
async def test_the_footer_fits_and_ends_with_help(make_app: Make, pane: str) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press(pane, "enter", "escape")
        await pilot.pause()
        assert len(footer(app)) <= 80
        assert footer(app).endswith("Keys")


async def test_ctrl_c_stops_then_asks_then_quits(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        await pilot.press("ctrl+c")
        assert app.is_running
        assert any("Ctrl-C again" in said for _, said in app.messages_said)
        await pilot.press("ctrl+c")
        assert app._exit


async def test_damaged_state_is_a_fresh_start(make_app: Make) -> None:
    path = state_path("")
    save_state(path, UiState(query="x"))
    path.write_text('{"query": 7, "marks": ["/a", 3], "pane": "library", "history": {"search": "no"}}')
    state = load_state(path)
    assert state.query == ""
    assert state.marks == ["/a"]
    assert state.pane == "library"
    path.write_text("[[[")
    assert load_state(path) == UiState()


async def test_the_palette_organizes_and_undoes_on_the_terminal(
    make_app: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[list[str], list[str]]] = []

    def run(app: object, options: list[str], command: list[str]) -> str:
        ran.append((options, command))
        return ""

    monkeypatch.setattr(organizing, "run", run)
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        await pilot.press("ctrl+p", *"organize files", "enter")
        await until(pilot, lambda: len(ran) == 1, "the plan is made")
        await pilot.press("ctrl+p", *"undo the last", "enter")
        await until(pilot, lambda: len(app.screen_stack) == 2, "a question")
        await pilot.press("n")
        await until(pilot, lambda: len(app.screen_stack) == 1, "answered")
        await pilot.press("ctrl+p", *"undo the last", "enter")
        await until(pilot, lambda: len(app.screen_stack) == 2, "a question")
        await pilot.press("y")
        await until(pilot, lambda: len(ran) == 2, "the plan is taken back")
    assert [command for _, command in ran] == [["organize"], ["undo"]]
