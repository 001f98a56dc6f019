"""Every key binding of the interface, by the place where it works.

A widget takes its bindings from here, so that help, footer, the keymap of the configuration and the
tests speak of the same list. A binding has an id (for `[keys]`), a label of one word for the footer
and a tooltip that help shows. No action is on Alt, Ctrl+Shift or a key that a terminal or tmux takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from textual.binding import Binding


def _key(id: str, keys: str, action: str, label: str, tooltip: str) -> Binding:
    return Binding(keys, action, label, show=False, tooltip=tooltip, id=id)


ANYWHERE = [
    _key("app.palette", "ctrl+p,colon", "palette", "Commands", "Commands, panes, themes"),
    _key("app.help", "f1,question_mark", "help", "Keys", "Keys of this place, and the query language"),
    _key("pane.search", "f2,1", "pane('search')", "Search", "Search"),
    _key("pane.ask", "f3,2", "pane('ask')", "Ask", "Ask"),
    _key("pane.summarize", "f4,3", "pane('summarize')", "Summarize", "Summarize"),
    _key("pane.library", "f5,4", "pane('library')", "Library", "Library"),
    _key("pane.previous", "left_square_bracket", "pane_step(-1)", "Previous pane", "The pane before"),
    _key("pane.next", "right_square_bracket", "pane_step(1)", "Next pane", "The pane after"),
    _key("focus.next", "tab", "focus_next", "Next part", "Next part of the pane: input, list, preview"),
    _key("focus.previous", "shift+tab", "focus_previous", "Previous part", "Previous part of the pane"),
    _key(
        "app.back",
        "escape,ctrl+g",
        "back",
        "Back",
        "One step back: stop an answer, clear find, clear marks, leave the input; never quits",
    ),
    _key(
        "app.interrupt",
        "ctrl+c",
        "interrupt",
        "Stop",
        "Copy the selected text, else stop what runs, else (twice in 2 s) quit",
    ),
    _key("app.quit", "ctrl+q", "quit", "Quit", "Quit; indexing goes on in the background"),
    _key("app.close", "q", "close", "Close", "Close the reader or the zoom, else quit"),
    _key("app.find", "ctrl+t,f", "find_document", "Find", "Find a document by its name"),
    _key("app.history", "ctrl+r", "history", "History", "Earlier queries or questions of this pane"),
    _key("app.redraw", "ctrl+l", "redraw", "Redraw", "Draw the screen anew"),
    _key("app.suspend", "ctrl+z", "suspend_process", "Suspend", "Suspend to the shell; fg comes back"),
    _key("app.tasks", "w", "tasks", "Tasks", "What is being done, and what failed"),
    _key("app.rescan", "R", "rescan", "Rescan", "Bring the folders up to date"),
    _key("app.add", "A", "add_folder", "Add", "Add a folder"),
    _key("app.remove", "delete,X", "remove_folder", "Remove", "Stop watching a folder; its files stay"),
]
"""Work everywhere; plain letters only while no input has the focus."""

INPUT = [
    _key("input.enter", "enter", "submit", "Go", "To the list; in Ask and Summarize, send"),
    _key("input.up", "up", "list_move(-1)", "Up", "Up in the list while typing goes on"),
    _key("input.down", "down,ctrl+n", "list_move(1)", "Next", "Down in the list while typing goes on"),
    _key("input.page_up", "pageup", "list_page(-1)", "Page up", "A page up in the list"),
    _key("input.page_down", "pagedown", "list_page(1)", "Page down", "A page down in the list"),
]
"""In an input line, besides the usual keys of editing. Right at the end accepts a suggestion."""

LIST = [
    _key("list.open", "enter,l,right", "open", "Read", "Read it: the whole document at the match"),
    _key("list.down", "j,down", "move(1)", "Down", "One down"),
    _key("list.up", "k,up", "move(-1)", "Up", "One up"),
    _key("list.half_down", "ctrl+d", "page(0.5)", "Half down", "Half a page down"),
    _key("list.half_up", "ctrl+u", "page(-0.5)", "Half up", "Half a page up"),
    _key("list.page_down", "pagedown", "page(1)", "Page down", "A page down"),
    _key("list.page_up", "pageup", "page(-1)", "Page up", "A page up"),
    _key("list.first", "g,home", "first", "First", "First"),
    _key("list.last", "G,end", "last", "Last", "Last"),
]
"""In every list."""

ROWS = [
    _key("row.mark", "space", "mark", "Mark", "Mark and go down; actions take the marked ones"),
    _key("row.range", "v", "range", "Range", "Mark a range: from here to where you go; again ends it"),
    _key("row.all", "asterisk", "mark_all", "All", "Mark all of the result"),
]
"""In lists of documents."""

ITEM = [
    _key("item.view", "o,ctrl+o", "view", "Open", "Open at the page in its viewer"),
    _key("item.program", "O", "choose_program", "Program", "Choose the program to open it with"),
    _key("item.edit", "e", "edit", "Edit", "Open in $VISUAL or $EDITOR at the line"),
    _key(
        "item.copy", "y,ctrl+y", "copy", "Cite", "Copy a citation; in an answer, the answer with its sources"
    ),
    _key("item.copy_menu", "Y", "copy_menu", "Copy", "Copy path, page, quote, Markdown link or JSON"),
    _key("item.ask", "a", "ask_scope", "Ask", "Ask these documents: the marked ones or this one"),
    _key("item.summarize", "S", "summarize_scope", "Sum up", "Summarize the marked documents or this one"),
    _key("item.details", "i", "details", "Details", "What is known of this document, and its note"),
    _key("item.exclude", "x", "exclude", "Exclude", "Keep these documents out of answers, or take them back"),
    _key("item.undo", "u", "undo", "Undo", "Undo the last tag, note, exclusion or feedback"),
    _key(
        "item.relatives",
        "D",
        "relatives",
        "Versions",
        "Copies and versions of this document, and what differs; of two marked ones what differs",
    ),
]
"""On a document: in lists, previews and the reader."""

PANE = [
    _key("pane.input", "slash", "input", "Query", "To the input line"),
    _key("pane.zoom", "z", "zoom", "Zoom", "This part on the whole screen, and back"),
]
"""In every pane."""

PREVIEW = [
    _key("item.tags", "t", "tags", "Tags", "Tags of the marked documents or this one, with suggestions"),
    _key("preview.toggle", "p", "preview", "Preview", "Preview off or on"),
    _key("preview.down", "J", "preview_scroll(1)", "Preview down", "Scroll the preview down"),
    _key("preview.up", "K", "preview_scroll(-1)", "Preview up", "Scroll the preview up"),
    _key("preview.next", "n", "preview_match(1)", "Next match", "Next match in the preview"),
    _key("preview.previous", "N", "preview_match(-1)", "Previous match", "Previous match in the preview"),
    _key("preview.larger", "greater_than_sign", "preview_size(5)", "Larger", "Give the preview more room"),
    _key("preview.smaller", "less_than_sign", "preview_size(-5)", "Smaller", "Give the preview less room"),
]
"""In panes with a preview, without leaving the list."""

SEARCH = [
    _key(
        "search.helped", "plus", "judge(1)", "Helped", "This hit helped with the query (again: take it back)"
    ),
    _key(
        "search.wrong", "minus", "judge(-1)", "Wrong", "This hit is wrong for the query (again: take it back)"
    ),
    _key("search.sort", "s", "sort", "Sort", "Sort: relevance, new, old, name, size"),
    _key("search.arrived", "full_stop", "arrived", "New", "Show what arrived meanwhile"),
]

READER = [
    _key("text.down", "j,down", "line(1)", "Down", "A line down"),
    _key("text.up", "k,up", "line(-1)", "Up", "A line up"),
    _key("text.page_down", "space,pagedown", "screen(1)", "Page down", "A screen on"),
    _key("text.page_up", "b,pageup", "screen(-1)", "Page up", "A screen back"),
    _key("text.half_down", "ctrl+d", "screen(0.5)", "Half down", "Half a screen on"),
    _key("text.half_up", "ctrl+u", "screen(-0.5)", "Half up", "Half a screen back"),
    _key("text.start", "g,home", "edge(0)", "Start", "Start of the document"),
    _key("text.end", "G,end", "edge(1)", "End", "End of the document"),
    _key("text.next", "n", "match(1)", "Next match", "Next match"),
    _key("text.previous", "N", "match(-1)", "Previous match", "Previous match"),
]
"""In text: the preview when it has the focus, and the reader."""

READER_PANE = [
    _key("reader.close", "h,left", "leave", "Back", "Back to the list"),
    _key("reader.find", "slash", "input", "Find", "Find in this document"),
    _key("reader.page", "number_sign", "go_to_page", "Page", "Go to a page"),
    _key(
        "reader.page_previous",
        "left_curly_bracket",
        "page_step(-1)",
        "Page back",
        "A page of the document back",
    ),
    _key("reader.page_next", "right_curly_bracket", "page_step(1)", "Page on", "A page of the document on"),
    _key("reader.tags", "T", "tags", "Tags", "Tags of this document, with suggestions"),
    _key("reader.headings", "t", "headings", "Contents", "Headings of the document: go to one"),
]
"""In the reader."""

DIFF = [
    _key("diff.close", "h,left", "leave", "Back", "Back to where you came from"),
    _key("diff.read", "enter,l,right", "read", "Read", "Read the second document at this change"),
    _key("diff.find", "slash", "input", "Find", "Find in both texts"),
    _key("diff.whole", "c", "whole", "Whole", "The whole text, or the changes with a little around them"),
    _key("diff.swap", "s", "swap", "Swap", "Compare the other way round"),
]
"""In a comparison of two documents."""

ANSWER = [
    _key("answer.next", "n", "citation(1)", "Next source", "Next citation"),
    _key("answer.previous", "N", "citation(-1)", "Previous source", "Previous citation"),
    _key("answer.open", "enter", "open_source", "Source", "Open the source at the quote"),
    _key("answer.again", "r", "again", "Again", "Ask again"),
    _key("answer.scope", "s", "scope", "Scope", "Limit the documents by a query"),
    _key("answer.new", "c", "new", "New", "Begin a new conversation"),
]
"""In an answer or a summary."""

KEPT = [
    _key("answer.helped", "plus", "judge(1)", "Helped", "This answer helped (again: take it back)"),
    _key("answer.wrong", "minus", "judge(-1)", "Wrong", "This answer was wrong (again: take it back)"),
    _key("answer.export", "E", "export", "Export", "Write the table of findings to a CSV or Markdown file"),
]
"""In an answer of Ask."""

SENDING = [
    _key(
        "answer.sends",
        "P",
        "preview_sending",
        "Sends",
        "What this question sends to the model; sends nothing",
    ),
    _key("answer.agree", "L", "agree", "Let go", "Ask again and let documents under 'ask' go to the model"),
]
"""In Ask, for models on other machines."""

LIBRARY = [
    _key("library.group_previous", "left_curly_bracket", "group(-1)", "Group back", "The group before"),
    _key("library.group_next", "right_curly_bracket", "group(1)", "Group", "The group after"),
    _key("library.sort", "s", "sort", "Sort", "Sort: name, new, old, size, state"),
    _key("library.retry", "r", "retry", "Again", "Read the marked files or this one again"),
    _key("library.mend", "m", "mend", "Mend", "What can be done about this file"),
]

DIALOG = [
    _key("dialog.close", "escape,ctrl+g,ctrl+c", "close", "Close", "Close"),
    _key("dialog.done", "q", "close", "Close", "Close, where nothing is typed"),
    _key("dialog.quit", "ctrl+q", "app.quit", "Quit", "Quit"),
]

TASKS = [
    _key("tasks.retry", "r", "retry", "Try again", "Read everything that failed again"),
    _key("tasks.rescan", "R", "rescan", "Rescan", "Bring the folders up to date"),
    _key("tasks.ocr", "o", "ocr", "OCR", "Read pages that are pictures now"),
    _key("tasks.stop_ocr", "x", "stop_ocr", "Stop OCR", "Stop OCR; pages not yet read wait until asked for"),
]

FOLDER = [
    _key("folder.complete", "tab", "complete", "Complete", "Take the folder under the cursor"),
]

DETAILS = [
    _key("details.copy", "y", "copy", "Copy", "Copy this text"),
]

NOTED = [
    _key("details.note", "e", "note", "Note", "Write the note of this document"),
]
"""In the details of a document."""

NOTE = [
    _key("note.keep", "escape", "keep", "Keep", "Keep what is written"),
    _key("note.leave", "ctrl+g", "close", "Leave", "Leave the note as it was"),
]
"""In a note that is being written."""

TAGGING = [
    _key("tags.give", "plus", "accept", "Give", "Give this tag; accept this suggestion"),
    _key("tags.take", "minus,delete", "refuse", "Take away", "Take this tag away; refuse this suggestion"),
    _key("tags.undo", "u", "undo", "Undo", "Take the last change back"),
]
"""In the dialog of tags, in its list."""


class Place(NamedTuple):
    """A part of the interface and the bindings that work in it at the same time."""

    title: str
    bindings: list[Binding]


PLACES = [
    Place("Anywhere", ANYWHERE),
    Place("In an input", INPUT),
    Place("In a list", LIST),
    Place("In a list of documents", ROWS),
    Place("On a document", ITEM),
    Place("In a pane", PANE),
    Place("With a preview", PREVIEW),
    Place("In Search", SEARCH),
    Place("In text", READER),
    Place("In the reader", READER_PANE),
    Place("In a comparison", DIFF),
    Place("In an answer", ANSWER),
    Place("In an answer of Ask", [*KEPT, *SENDING]),
    Place("In Library", LIBRARY),
    Place("In a dialog", DIALOG),
    Place("In Tasks", TASKS),
    Place("In Details", [*DETAILS, *NOTED]),
    Place("In a note", NOTE),
    Place("In Tags", TAGGING),
    Place("Adding a folder", FOLDER),
]
"""All bindings, as help lists them."""

_TOGETHER = [
    (LIST, ROWS, ITEM, PANE, PREVIEW, SEARCH, ANYWHERE),
    (LIST, ROWS, ITEM, PANE, PREVIEW, LIBRARY, ANYWHERE),
    (READER, READER_PANE, ITEM, ANYWHERE),
    (READER, DIFF, ITEM, ANYWHERE),
    (ANSWER, KEPT, SENDING, PANE, ANYWHERE),
    (INPUT, ANYWHERE),
    (DIALOG, TASKS),
    (DIALOG, DETAILS, NOTED),
    (DIALOG, LIST, TAGGING),
]
"""Groups that are active at once: a key may have one meaning in each row."""


FOOTER = (
    "input.enter",
    "input.down",
    "list.open",
    "diff.read",
    "answer.open",
    "answer.next",
    "text.next",
    "item.view",
    "item.copy",
    "row.mark",
    "reader.find",
    "reader.page",
    "reader.headings",
    "reader.close",
    "diff.whole",
    "diff.close",
    "diff.find",
    "item.ask",
    "answer.again",
    "answer.scope",
    "answer.helped",
    "answer.wrong",
    "library.mend",
    "library.group_next",
    "tasks.retry",
    "tasks.rescan",
    "details.note",
    "details.copy",
    "note.keep",
    "note.leave",
    "tags.give",
    "tags.take",
    "tags.undo",
    "folder.complete",
    "pane.input",
    "dialog.close",
    "app.help",
)
"""Bindings worth a place in the footer, the most useful first; what does not fit is in help."""


def bindings_by_id() -> dict[str, Binding]:
    """All bindings."""
    return {binding.id: binding for place in PLACES for binding in place.bindings if binding.id}


def keymap_problems(keymap: Mapping[str, str]) -> list[str]:
    """What is wrong with the keys of the configuration: unknown ids, two actions on one key."""
    known = bindings_by_id()
    problems = []
    for unknown in sorted(set(keymap) - set(known)):
        import difflib  # only where a name is wrong

        near = difflib.get_close_matches(unknown, known, n=1)
        problems.append(f"keys: no action {unknown}" + (f"; did you mean {near[0]}?" if near else ""))
    return problems + sorted({clash for groups in _TOGETHER for clash in _clashes(groups, keymap)})


def _clashes(groups: Iterable[list[Binding]], keymap: Mapping[str, str]) -> Iterable[str]:
    taken: dict[str, str] = {}
    for binding in (binding for group in groups for binding in group):
        assert binding.id is not None
        for key in _keys(keymap.get(binding.id, binding.key)):
            other = taken.setdefault(key, binding.id)
            if other != binding.id and (other in keymap or binding.id in keymap):
                yield f"keys: {show_key(key)} means both {other} and {binding.id}"


def _keys(keys: str) -> list[str]:
    return [_NAMES.get(key.strip(), key.strip()) for key in keys.split(",") if key.strip()]


_SHOWN = {
    "escape": "Esc",
    "enter": "Enter",
    "space": "Space",
    "tab": "Tab",
    "up": "Up",
    "down": "Down",
    "left": "Left",
    "right": "Right",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "delete": "Del",
    "colon": ":",
    "question_mark": "?",
    "slash": "/",
    "asterisk": "*",
    "full_stop": ".",
    "number_sign": "#",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "plus": "+",
    "minus": "-",
}
_NAMES = {shown: name for name, shown in _SHOWN.items() if len(shown) == 1}


def show_key(key: str) -> str:
    """A key as a person reads it on a keyboard: Enter, Esc, Ctrl-P, F1, `/`."""
    *modifiers, last = key.split("+")
    shown = _SHOWN.get(last, last.upper() if last[:1] == "f" and last[1:].isdigit() else last)
    if "ctrl" in modifiers and len(shown) == 1:
        shown = shown.upper()
    return "-".join([*(name.capitalize() for name in modifiers), shown])


def show_keys(keys: str) -> str:
    """All keys of a binding, the first one first."""
    return " ".join(show_key(key.strip()) for key in keys.split(","))


QUERY_HELP = (
    ("plain words", "rank; what holds all of them comes first"),
    ('+word  "a phrase"', "must be there"),
    ("-word  NOT word", "must not be there"),
    ("a OR b  ( )", "boolean: plan budget OR costs = plan and (budget or costs)"),
    ('"near words"~5', "within five words of each other"),
    ("begin*", "words that begin so"),
    ("ext:pdf  type:mail", "pdf doc sheet slides mail web text code image"),
    ("path:  name:  title:", "folder or glob; file name; title (also heading: author: from: to: subject:)"),
    ("after:2025-07  before:7d", "changed; 2025, 2025-07, 2025-07-01, today, 7d, 3w, 6m, 1y"),
    ("date:a..b  created:", "a span of time; the document's own date"),
    ("size:>1M  pages:10..30", "size and length; page: is the page of the hit"),
    ("lang:de  tag:project", "language; tag with all below it (tag: any; is:tagged is:untagged)"),
    ("note:words  review:<2027", "words of a note; a field of your own, here a date"),
    ("collection:name", "a search you have kept"),
    ("is:new  is:failed", "also is:ocr is:duplicate is:old"),
    ("sort:new  mode:keyword", "order; how to search: auto, keyword, semantic"),
    ("field:a,b  -field:x", "any of; none of"),
    ("'exact ^start end$ !not", "in Find (by name): fzf's syntax"),
)
"""The query language, as help shows it: what to type and what it means."""
