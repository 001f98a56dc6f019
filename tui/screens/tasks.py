"""Tasks: what is being done, how fast, what failed, what was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from tui.citing import file_name
from tui.keys import TASKS
from tui.progress import format_left, percent
from tui.screens.dialog import Dialog
from tui.widgets.bars import Bar
from tui.widgets.cells import Piece, fit, line_text, pad
from tui.widgets.rowlist import RowList
from tui.widgets.rows import Choice, ChoiceList

if TYPE_CHECKING:
    from textual.strip import Strip

    from indexer.types import Progress


class StageLines(Bar):
    """One line for each stage."""

    def __init__(self) -> None:
        """Begin without progress."""
        super().__init__(classes="stages")
        self.lines: tuple[str, ...] = ()

    def show(self, lines: tuple[str, ...]) -> None:
        """Say other lines; nothing is drawn when they are the same."""
        if lines != self.lines:
            self.lines = lines
            self.styles.height = max(1, len(lines))
            self.refresh()

    def draw_line(self, y: int) -> Strip:
        """One stage."""
        text = self.lines[y] if y < len(self.lines) else ""
        return self.draw_pieces(self.one(text, self.size.width))

    def one(self, text: str, width: int) -> list[Piece]:
        """A line of words."""
        return fit([(f" {text}", "")], width)


def stage_lines(progress: Progress | None, rate: float, left_s: float | None) -> tuple[str, ...]:
    """The stages with counts, rate and time left."""
    if progress is None:
        return ("The library is not open yet.",)
    keyword = f"{progress.done:,} of {progress.total:,}" if progress.total else f"{progress.done:,}"
    running = not progress.idle and progress.done < progress.total
    speed = f"{rate:,.0f} documents/s" if rate >= 0.5 and running else ""
    left = f"{format_left(left_s)} left" if left_s is not None and running else ""
    share = percent(progress.embedded, progress.chunks)
    meaning = f"{progress.embedded:,} of {progress.chunks:,} chunks ({share}%)" if progress.chunks else "-"
    rows = [
        ("folders", f"{progress.files_seen:,} files seen" if progress.files_seen else "compared"),
        (
            "parse",
            f"{progress.parsed:,} documents read"
            + (f", {progress.failed:,} failed" if progress.failed else ""),
        ),
        ("keyword", " · ".join(part for part in (keyword, speed, left) if part)),
        ("meaning", meaning),
        *([("ocr", _ocr(progress))] if progress.ocr_total else []),
        ("now", line_text(file_name(progress.current)) if progress.current else _stage(progress)),
    ]
    if progress.note:
        rows.append(("note", line_text(progress.note)))
    return tuple(pad(name, 10) + text for name, text in rows)


def _ocr(progress: Progress) -> str:
    share = percent(progress.ocr_done, progress.ocr_total)
    waits = "" if progress.stage == "ocr" else ", waits for the rest"
    return f"{progress.ocr_done:,} of {progress.ocr_total:,} pages ({share}%){waits} · x stops it"


def _stage(progress: Progress) -> str:
    return {
        "idle": "nothing: up to date",
        "scan": "comparing the folders",
        "parse": "reading",
        "keyword": "writing the keyword index",
        "embed": "embedding",
        "seal": "sealing vectors",
        "ocr": "reading pages that are pictures",
    }[progress.stage]


class Tasks(Dialog[None]):
    """Follows the work while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = list(TASKS)

    def __init__(self) -> None:
        """Open over the panes."""
        super().__init__("Tasks")

    def content(self) -> ComposeResult:
        """Stages, then failures and messages."""
        yield StageLines()
        yield ChoiceList(classes="choices failures")

    def on_mount(self) -> None:
        """Show the present state."""
        self.refresh_tasks()

    def refresh_tasks(self) -> None:
        """Take in the present state; called by the app when it redraws the status line."""
        quire = self.quire
        self.query_one(StageLines).show(stage_lines(quire.progress, *quire.pace()))
        failed = quire.status.library.failed if quire.status is not None else ()
        rows = [Choice(file.path, file_name(file.path), file.reason) for file in failed]
        rows += [
            Choice(f"message {number}", text, when) for number, (when, text) in enumerate(quire.messages_said)
        ]
        choices = self.query_one(ChoiceList)
        choices.empty = ("Nothing failed.",)
        if tuple(rows) != tuple(choices.rows_here()):
            choices.show(tuple(rows), cursor_on=choices.current_key)
        # title, borders, margins and keys take seven lines beside the stages, the box nine tenths
        room = self.app.size.height * 9 // 10 - 7 - len(self.query_one(StageLines).lines)
        choices.styles.height = max(1, min(len(rows), 12, room))

    @on(RowList.Opened)
    def show_row(self, event: RowList.Opened) -> None:
        """The whole reason with its remedy, to read and to copy."""
        event.stop()
        choice = self.query_one(ChoiceList).current
        if choice is None:
            return
        failed = self.quire.status.library.failed if self.quire.status is not None else ()
        file = next((file for file in failed if file.path == choice.key), None)
        if file is not None:
            text = f"{file.path}\n\n{file.reason}\n{file.hint}".strip()
            self.quire.show_text(line_text(file_name(file.path)), text)
        else:
            self.quire.show_text("Message", choice.label)

    def action_retry(self) -> None:
        """Read everything that failed again."""
        self.quire.retry_failed()

    def action_ocr(self) -> None:
        """Read pages that are pictures now."""
        self.quire.read_scans(())

    def action_stop_ocr(self) -> None:
        """Stop that."""
        self.quire.stop_ocr()

    def action_rescan(self) -> None:
        """Bring the folders up to date."""
        self.quire.action_rescan()
