"""The Library: groups, what belongs together, remedies, and what differs between two documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from indexer.errors import NotFoundError
from indexer.findings import Decoding
from indexer.related import Difference
from tests.tui import kin as data
from tests.tui.screens import files, footer, hits, lines, reader, ready, search, status, text, until
from tests.tui.scripted import DOCUMENTS, IDLE, INDEXING, ROOT, ScriptedSession
from tui import remedies
from tui.app import QuireApp
from tui.messages import DiffWanted
from tui.panes.diff import DiffPane
from tui.remedies import mends
from tui.state import UiState
from tui.widgets.diffview import DiffView, merged
from tui.widgets.kintable import KinTable, kin_rows
from tui.widgets.rowlist import WINDOW
from tui.widgets.rows import state_text

Make = Callable[..., QuireApp]


def kin(app: QuireApp) -> KinTable:
    return app.frame.query_one(KinTable)


def diff(app: QuireApp) -> DiffView:
    return app.frame.query_one(DiffView)


async def show_group(pilot: Pilot[int], group: str) -> QuireApp:
    """Go to a group of the Library by its key."""
    app = await ready(pilot)
    await pilot.press("f5")
    await until(pilot, lambda: files(app).total, "files")
    for _ in range(10):
        if app.state.group == group:
            break
        await pilot.press("right_curly_bracket")
    assert app.state.group == group
    shown = kin(app) if group in ("duplicates", "old") else files(app)
    await until(pilot, lambda: shown.total and shown.has_focus, group)
    return app


async def show_difference(pilot: Pilot[int]) -> QuireApp:
    """Compare an older version with the newest."""
    app = await show_group(pilot, "old")
    await pilot.press("j", "j", "enter")
    await until(pilot, lambda: app.pane.NAME == "diff" and diff(app).text, "the difference")
    return app


# --- groups


async def test_copies_are_grouped_with_the_one_to_keep_and_why(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await show_group(pilot, "duplicates")
        screen = text(app)
        assert "same bytes · 3 files · 1.4 MB to win · keeps not named a copy" in screen
        assert "nearly the same · 2 files" in screen
        kept = [row.path.rpartition("/")[2] for row in kin(app).rows_here() if row.kept]
        assert kept == ["vendor-contract.pdf", "季度预算.md", "Minutes 2025-10-02.docx"]
        assert any(line.startswith(" keep   vendor-contract.pdf") for line in lines(app))
        assert any("Minutes draft.docx" in line and " 93%" in line for line in lines(app))
        assert "1.4 MB to win in all" in status(app)
        await pilot.press("j")
        assert "to keep: not named a copy, in the least deep folder" in status(app)


async def test_versions_are_listed_by_family_newest_first(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await show_group(pilot, "old")
        rows = kin(app).rows_here()
        assert [row.path.rpartition("/")[2] for row in rows[:4]] == [
            "",
            "handbook-v3.docx",
            "handbook-v2.docx",
            "handbook-v1.docx",
        ]
        assert "handbook-v3.docx · 3 versions" in text(app)
        assert any(line.startswith(" newest handbook-v3.docx") for line in lines(app))
        assert any("handbook-v2.docx" in line and " 87%" in line for line in lines(app))


async def test_wide_characters_keep_the_columns(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await show_group(pilot, "duplicates")
        from rich.cells import cell_len

        ends = {cell_len(line.rstrip()) for line in lines(app) if "2025-" in line}
        assert len(ends) == 1


async def test_the_filter_keeps_groups_with_a_file_it_means(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await show_group(pilot, "duplicates")
        await pilot.press("slash", *"draft")
        await until(pilot, lambda: kin(app).total == 3, "one group")
        await pilot.press(*"zzz")
        await until(pilot, lambda: "No file matches this filter." in text(app), "why")


async def test_no_copies_is_said_with_what_was_looked_for(make_app: Make) -> None:
    session = ScriptedSession(copies=data.report([], []))
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        await pilot.press("f5")
        app.pane.choose_group("duplicates")  # type: ignore[attr-defined]
        await until(pilot, lambda: "No copies." in text(app), "it is said")


async def test_space_on_a_group_marks_all_but_the_one_to_keep(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await show_group(pilot, "duplicates")
        await pilot.press("space")
        assert [path.rpartition("/")[2] for path in app.marks] == [
            "vendor-contract.pdf",
            "vendor-contract copy.pdf",
        ]
        assert f"{ROOT}/legal/vendor-contract.pdf" not in app.marks
        assert not kin(app).current.path  # type: ignore[union-attr]
        await pilot.press("asterisk")
        assert len(app.marks) == 4
        await pilot.press("escape")
        assert not len(app.marks)
        await pilot.press("v", "G")
        assert len(app.marks) == 4
        assert "" not in app.marks


async def test_counts_and_rows_follow_the_library_and_the_cursor_stays(make_app: Make) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await show_group(pilot, "duplicates")
        await pilot.press("j", "j", "j", "j", "j")
        here = kin(app).current_key
        assert here is not None
        assert "季度预算.md" in here
        first = data.group("exact", "the newest file", *(data.copy(f"a/{n}.pdf", "exact") for n in range(3)))
        session.copies = data.report([first, *data.KIN.groups], data.KIN.families)
        session.push(replace(IDLE, revision=5))
        await until(pilot, lambda: kin(app).total == 14, "the new group")
        assert kin(app).current_key == here
        assert "Duplicates 6" in text(app)


async def test_copies_are_not_compared_while_files_are_being_read(make_app: Make) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await show_group(pilot, "duplicates")
        before = session.compared
        session.push(replace(INDEXING, revision=9))
        await until(pilot, lambda: "idx" in status(app), "indexing")
        assert app.pane._follow is None  # type: ignore[attr-defined]
        session.push(replace(IDLE, revision=10))
        await until(pilot, lambda: session.compared > before, "compared at rest")


async def test_the_cursor_of_files_stays_when_the_library_changes(make_app: Make) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await show_group(pilot, "all")
        await pilot.press("j", "j", "j")
        here = files(app).current_key
        new = ("aaa/first.txt", "text", "text", 0, 0, "new\n")
        session.documents = (new, *session.documents)
        session.push(replace(IDLE, revision=5))
        await until(pilot, lambda: files(app).total == 11, "the new file")
        assert files(app).current_key == here


async def test_a_hundred_thousand_lines_of_copies_are_a_few_windows(make_app: Make) -> None:
    many = [
        data.group("exact", "the newest file", *(data.copy(f"{n:05d}/{c}.pdf", "exact") for c in "ab"))
        for n in range(34_000)
    ]
    session = ScriptedSession(copies=data.report(many, []))
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await show_group(pilot, "duplicates")
        assert kin(app).total == 102_000
        await pilot.press("G")
        await until(pilot, lambda: kin(app).current is not None, "the last line")
        assert kin(app).current.path == f"{ROOT}/33999/b.pdf"  # type: ignore[union-attr]
        assert len(kin(app).rows_here()) <= 12 * WINDOW
        await pilot.press("g", "pagedown")
        assert kin(app).current is not None


@pytest.mark.parametrize("group", ["old", "failed"])
async def test_the_group_of_the_last_time_has_the_focus_at_the_start(make_app: Make, group: str) -> None:
    app = make_app()
    app.state = UiState(pane="library", group=group)
    async with app.run_test(size=(80, 24)) as pilot:
        shown = kin(app) if group == "old" else files(app)
        await until(pilot, lambda: shown.total, "rows")
        assert app.screen.focused is shown


@pytest.mark.parametrize("width", [40, 60, 80, 120])
async def test_no_group_is_out_of_reach_in_a_narrow_line(make_app: Make, width: int) -> None:
    counts = dict.fromkeys(("all", "new", "failed", "ocr", "poor", "duplicates", "old", "pending"), 12_480)
    async with make_app().run_test(size=(width, 24)) as pilot:
        app = await show_group(pilot, "all")
        bar = app.pane.groups  # type: ignore[attr-defined]
        for group in bar.names:
            bar.show(group, counts)
            line = "".join(piece for piece, _ in bar.pieces(width))
            current = [piece for piece, style in bar.pieces(width) if style == "current"]
            assert len(line) == width
            assert current
            assert "12,480" in current[0]


# --- states and remedies


def test_states_name_the_other_file_in_few_characters() -> None:
    from tests.tui.scripted import make_row

    row = make_row(0, f"{ROOT}/hr/handbook-v2.docx")
    assert state_text(row, 11) == "ready"
    assert state_text(replace(row, newer=f"{ROOT}/hr/handbook-v3.docx"), 11) == "old of v3"
    assert state_text(replace(row, newer=f"{ROOT}/hr/handbook.docx"), 40) == "old of handbook.docx"
    assert state_text(replace(row, copy_of=f"{ROOT}/a/handbook-v2.docx"), 40) == "copy of a/handbook-v2.docx"
    assert state_text(replace(row, copies=2), 12) == "ready =3"
    assert state_text(replace(row, scanned_pages=True), 12) == "needs OCR"
    assert state_text(replace(row, status="encrypted", newer="x"), 12) == "encrypted"
    assert state_text(replace(row, excluded=True), 12) == "excluded"
    assert state_text(replace(row, poor=True, flaw_code="mojibake", newer="x"), 14) == "poor: mojibake"
    assert "\x1b" not in state_text(replace(row, newer=f"{ROOT}/\x1b[2Jv9.docx"), 12)


def test_only_remedies_that_apply_are_offered() -> None:
    from tests.tui.scripted import make_row

    row = make_row(0, f"{ROOT}/a.pdf")
    assert [each.id for each in remedies.remedies(row)] == ["read", "relatives", "exclude", "view", "details"]
    assert mends(row) == ""
    failed = make_row(0, f"{ROOT}/a.pdf", status="encrypted", reason="It is encrypted.")
    assert [each.id for each in remedies.remedies(failed)] == ["retry", "view", "details"]
    assert mends(failed) == "m reads it again"
    scan = make_row(0, f"{ROOT}/a.pdf", status="needs-ocr", reason="Its pages are pictures.")
    assert [each.id for each in remedies.remedies(scan)] == ["ocr", "retry", "view", "details"]
    assert mends(scan) == "m reads it by OCR"
    mixed = replace(row, scanned_pages=True)
    assert remedies.remedies(mixed)[0].id == "ocr"
    old = replace(row, newer=f"{ROOT}/b.pdf")
    assert remedies.remedies(old)[0].id == "differ"
    for offered in (remedies.remedies(row), remedies.remedies(failed), remedies.remedies(old)):
        letters = [each.letter for each in offered]
        assert len(set(letters)) == len(letters)
        assert not set(letters) & set("jkgGlq")  # they move in the menu or close it


async def test_m_reads_a_failed_file_again_by_enter_or_by_letter(make_app: Make) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await show_group(pilot, "failed")
        assert "m reads it by OCR" in status(app)
        assert "m Mend" in footer(app)
        await pilot.press("m")
        await until(pilot, lambda: "r  Read it again" in text(app), "the menu")
        assert "Show what differs" not in text(app)
        await pilot.press("r")
        await until(pilot, lambda: session.retried, "read again")
        await pilot.press("j")
        await until(pilot, lambda: "m reads it again" in status(app), "the next file")
        await pilot.press("m")
        await until(pilot, lambda: len(app.screen_stack) == 2, "the menu")
        await pilot.press("enter")
        await until(pilot, lambda: len(session.retried) == 2, "read again")
        assert session.retried == [(f"{ROOT}/scans/scan-0031.pdf",), (f"{ROOT}/sales/offer.pdf",)]


async def test_scans_are_read_by_ocr_from_the_library_and_from_tasks(make_app: Make) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await show_group(pilot, "failed")
        await pilot.press("m")
        await until(pilot, lambda: "p  Read its pictures by OCR" in text(app), "the menu")
        await pilot.press("enter")
        await until(pilot, lambda: session.recognised, "read by OCR")
        await pilot.press("w")
        await until(pilot, lambda: len(app.screen_stack) == 2, "Tasks")
        await pilot.press("o")
        await until(pilot, lambda: len(session.recognised) == 2, "all are read")
        await pilot.press("x")
        await until(pilot, lambda: session.ocr_cancelled == 1, "stopped")
        assert session.recognised == [(f"{ROOT}/scans/scan-0031.pdf",), ()]


async def test_m_on_a_line_of_copies_marks_or_compares(make_app: Make) -> None:
    async with make_app().run_test(size=(120, 36)) as pilot:
        app = await show_group(pilot, "duplicates")
        await pilot.press("m")
        await until(pilot, lambda: "Mark the other 2" in text(app), "the menu")
        await pilot.press("a")
        await until(pilot, lambda: len(app.marks) == 2, "marked")
        await pilot.press("escape", "G", "m")
        await until(pilot, lambda: "Show what differs from the one to keep" in text(app), "the menu")
        await pilot.press("enter")
        await until(pilot, lambda: app.pane.NAME == "diff" and diff(app).text, "the difference")
        assert diff(app).names[1].endswith("Minutes draft.docx")


async def test_enter_compares_what_differs_and_reads_what_does_not(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await show_group(pilot, "duplicates")
        assert "Enter Read" in footer(app)
        await pilot.press("j", "j", "enter")
        await until(pilot, lambda: app.pane.NAME == "reader" and reader(app).text, "a copy is read")
        await pilot.press("h")
        assert kin(app).has_focus
        await pilot.press("G")
        assert "Enter Compare" in footer(app)
        await pilot.press("enter")
        await until(pilot, lambda: app.pane.NAME == "diff", "a near-copy is compared")


GARBLED = ("notes/garbled.txt", "text", "txt", 0, 0, "Ã¼ber BrÃ¼cken\n")
DECODINGS = (
    Decoding(encoding="utf-8", score=31, language="", sample="Ã¼ber", current=True),
    Decoding(encoding="utf-8/cp1252", score=98, language="de", sample="über", current=False),
)


def garbled() -> ScriptedSession:
    return ScriptedSession(documents=(*DOCUMENTS, GARBLED), encodings=DECODINGS)


async def test_poor_text_is_read_in_another_encoding(make_app: Make) -> None:
    session = garbled()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await show_group(pilot, "poor")
        assert "poor: mojibake" in text(app)
        assert "m reads it in another encoding" in status(app)
        assert "UTF-8 was read as CP1252." in status(app)
        await pilot.press("m")
        await until(pilot, lambda: "e  Read it in another encoding" in text(app), "the menu")
        await pilot.press("enter")
        await until(pilot, lambda: "utf-8  31 (now)" in text(app), "the encodings")
        assert "über" in text(app)
        await pilot.press("j", "enter")
        await until(pilot, lambda: session.decoded, "read so")
        assert session.decoded == [(f"{ROOT}/notes/garbled.txt", "utf-8/cp1252")]
        await until(pilot, lambda: "quality 98" in app.messages_said[0][1], "it is said")


async def test_the_present_encoding_changes_nothing_and_none_is_said(make_app: Make) -> None:
    session = garbled()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await show_group(pilot, "poor")
        await pilot.press("m", "e")
        await until(pilot, lambda: "(now)" in text(app), "the encodings")
        await pilot.press("enter")
        session.encodings = DECODINGS[:1]
        await pilot.press("m", "e")
        await until(pilot, lambda: app.messages_said, "it is said")
        assert "no sense in any other encoding" in app.messages_said[0][1]
        assert not session.decoded


async def test_a_file_is_left_out_of_answers_and_taken_back(make_app: Make) -> None:
    session = garbled()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await show_group(pilot, "poor")
        await pilot.press("m", "x")
        await until(pilot, lambda: "Excl. 1" in text(app), "its group")
        assert session.changes[-1].targets == (f"{ROOT}/notes/garbled.txt",)
        assert session.changes[-1].excluded is True
        await until(pilot, lambda: "excluded" in lines(app)[4], "its state")
        await pilot.press("m")
        await until(pilot, lambda: "x  Let it into answers again" in text(app), "the way back")
        await pilot.press("x")
        await until(pilot, lambda: "Excl" not in text(app), "taken back")
        assert session.changes[-1].excluded is False


async def test_all_but_the_newest_are_left_out_of_answers(make_app: Make) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await show_group(pilot, "old")
        await pilot.press("m")
        await until(pilot, lambda: "n  Leave all but the newest out of answers" in text(app), "the menu")
        await pilot.press("n")
        await until(pilot, lambda: session.changes, "left out")
        assert session.changes[-1].targets == (f"{ROOT}/hr/handbook-v2.docx", f"{ROOT}/hr/handbook-v1.docx")
        await until(pilot, lambda: "2 documents are left out" in app.messages_said[0][1], "it is said")


async def test_copies_with_the_same_bytes_cannot_be_left_out_one_without_the_other(make_app: Make) -> None:
    one = data.copy("a/x.pdf", "exact")
    same = replace(data.copy("b/x.pdf", "exact"), document=one.document)
    session = ScriptedSession(copies=data.report([data.group("exact", "the newest file", one, same)], []))
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await show_group(pilot, "duplicates")
        await pilot.press("m")
        await until(pilot, lambda: "a  Mark the other one" in text(app), "the menu")
        assert "out of answers" not in text(app)


async def test_the_menu_means_the_row_it_was_opened_on(make_app: Make) -> None:
    session = ScriptedSession()
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await show_group(pilot, "failed")
        await pilot.press("m")
        await until(pilot, lambda: len(app.screen_stack) == 2, "the menu")
        files(app).move_to(1)
        await pilot.press("r")
        await until(pilot, lambda: session.retried, "read again")
        assert session.retried == [(f"{ROOT}/scans/scan-0031.pdf",)]


# --- what differs


async def test_what_differs_is_readable_without_colour(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await show_difference(pilot)
        screen = text(app)
        assert "handbook-v2.docx -> handbook-v3.docx" in screen
        assert "Leave is [-28-] {+30+} days a year." in screen
        assert "Ask {+Anna or+} the office." in screen
        assert "change 1/2" in screen
        assert "1 word out, 3 in" in status(app)
        assert "n Next change" in footer(app)
        styles = {segment.style for strip in app.screen._compositor.render_strips() for segment in strip}
        assert any(style and style.underline and style.bold for style in styles)


async def test_n_and_N_go_round_the_changes(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await show_difference(pilot)
        await pilot.press("n")
        assert "change 2/2" in text(app)
        await pilot.press("n")
        assert "change 1/2" in text(app)
        await pilot.press("N")
        assert "change 2/2" in text(app)


async def test_the_second_document_is_read_at_the_change_and_the_way_back_is_short(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await show_difference(pilot)
        await pilot.press("n")
        newest = data.TEXTS[f"{ROOT}/hr/handbook-v3.docx"]
        assert newest[diff(app).place_in_second() :].startswith("Anna or")
        target = app.pane.target()
        assert target is not None
        assert target.path == f"{ROOT}/hr/handbook-v3.docx"
        await pilot.press("enter")
        await until(pilot, lambda: app.pane.NAME == "reader" and reader(app).text, "the newest version")
        await pilot.press("D")
        await until(pilot, lambda: len(app.screen_stack) == 2, "its versions")
        await pilot.press("enter")
        await until(pilot, lambda: app.pane.NAME == "diff", "compared again, over the library")
        await pilot.press("q")
        assert app.pane.NAME == "library"
        assert app.is_running


async def test_find_in_a_comparison_and_back_to_its_changes(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await show_difference(pilot)
        await pilot.press("slash", *"office", "enter")
        assert "match 1 of 1" in status(app)
        await pilot.press("escape")
        assert diff(app).shows_changes
        assert app.pane.NAME == "diff"
        await pilot.press("escape")
        assert app.pane.NAME == "library"


async def test_swap_and_whole_compare_anew(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await show_difference(pilot)
        await pilot.press("s")
        await until(pilot, lambda: "[-30-] {+28+}" in text(app), "the other way round")
        await pilot.press("c")
        await until(pilot, lambda: app.pane._whole and diff(app).text, "the whole text")  # type: ignore[attr-defined]


async def test_a_failed_comparison_says_why_in_its_place(make_app: Make) -> None:
    class Textless(ScriptedSession):
        def diff(self, a: str, b: str, *, context: int = 40) -> Difference:
            raise NotFoundError(f"{a} has no text to compare.", hint="Run OCR over it.")

    async with make_app(Textless()).run_test(size=(80, 24)) as pilot:
        app = await show_group(pilot, "old")
        await pilot.press("j", "j", "enter")
        await until(pilot, lambda: "has no text to compare." in text(app), "why")
        assert "Run OCR over it." in text(app)
        await pilot.press("h")
        assert app.pane.NAME == "library"


def test_long_equal_stretches_say_how_much_is_left_out() -> None:
    left = "First words here. " + "The same again and again. " * 400 + "The end was near."
    right = left.replace("near", "far").replace("First", "Last")
    found = merged(data.difference("a", "b", (left, right), 40).edits)
    assert found.text.startswith("[-First-] {+Last+} words here.")
    assert "… the same for 10,3" in found.text
    assert "[-near-]{+far+}." in found.text
    assert all(found.text[start:end][:2] in ("[-", "{+") for start, end, _ in found.words)
    assert [right[at:][:3] for at in found.places] == ["Las", "far"]
    whole = merged(data.difference("a", "b", (left, right), -1).edits)
    assert "the same for" not in whole.text
    assert len(whole.changes) == 2


# --- D anywhere


async def test_D_on_a_hit_offers_its_relatives_and_compares(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "j")
        assert hits(app).current_key == f"{ROOT}/board/Minutes 2025-10-02.docx"
        await pilot.press("D")
        await until(pilot, lambda: "93% the same" in text(app), "the dialog")
        await pilot.press("enter")
        await until(pilot, lambda: app.pane.NAME == "diff" and diff(app).text, "the difference")
        assert "{+was+}" in text(app)
        await pilot.press("h")
        assert app.pane.NAME == "search"
        assert hits(app).has_focus


async def test_D_of_two_marked_documents_compares_them(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "budget")
        await pilot.press("enter", "space", "space", "D")
        await until(pilot, lambda: app.pane.NAME == "diff" and diff(app).text, "the difference")
        assert [name.rpartition("/")[2] for name in diff(app).names] == [
            "Q3 budget review.pdf",
            "Minutes 2025-10-02.docx",
        ]


async def test_D_without_relatives_says_so(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "garden")
        await pilot.press("enter", "D")
        await until(pilot, lambda: app.messages_said, "it is said")
        assert "No copy and no other version" in app.messages_said[0][1]


async def test_panes_over_panes_are_left_in_turn(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        app = await search(pilot, "carried")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: reader(app).text, "the document")
        await pilot.press("D")
        await until(pilot, lambda: len(app.screen_stack) == 2, "the dialog")
        await pilot.press("enter")
        await until(pilot, lambda: app.pane.NAME == "diff" and diff(app).text, "the difference")
        await pilot.press("right_square_bracket")
        assert app.pane.NAME == "ask"  # the pane after the one at the bottom
        await pilot.press("f2")
        app.post_message(DiffWanted("a", "b"))
        await until(pilot, lambda: isinstance(app.pane, DiffPane), "over Search")
        await pilot.press("escape")
        assert app.pane.NAME == "search"


def test_rows_of_a_report_have_keys_of_their_own() -> None:
    for group in ("duplicates", "old"):
        rows = kin_rows(data.KIN, group)
        table = KinTable()
        assert len({table.key_of(row) for row in rows}) == len(rows)
