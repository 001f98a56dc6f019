"""Plans as text: what is written is read back, whatever the names; what is not understood is told."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import UsageError
from indexer.organize import naming
from indexer.organize.plan import Action, Plan, PlanError, identity, read, write

ID = identity(1, 2, "3")

names = (
    st.one_of(
        st.binary(min_size=1, max_size=40),
        st.text(min_size=1, max_size=20).map(lambda text: text.encode("utf-8", "surrogateescape")),
        st.text(alphabet=' ->=#"\\\n\tax', min_size=1, max_size=12).map(str.encode),
    )
    .map(lambda name: name.replace(b"/", b"_").replace(b"\0", b"_"))
    .filter(lambda name: name not in (b".", b".."))
)
paths = st.lists(names, min_size=1, max_size=3).map(lambda parts: b"/base/" + b"/".join(parts))


@st.composite
def actions(draw: st.DrawFn) -> Action:
    word: Any = draw(st.sampled_from(["rename", "move", "archive", "trash", "keep"]))
    source = draw(paths)
    target = kept = b""
    if word == "rename":
        target = os.path.join(os.path.dirname(source), draw(names))
    elif word in ("move", "archive"):
        target = draw(paths)
    elif word == "trash":
        kept = draw(paths)
    return Action(
        word=word, id=ID, source=source, target=target, kept=kept, remark=draw(st.text(max_size=30))
    )


@given(
    st.lists(actions(), max_size=5),
    st.sampled_from([b"", b"/base", b"/base/ -> x"]),
    st.lists(paths, max_size=2),
)
def test_a_written_plan_is_read_back(lines: list[Action], base: bytes, into: list[bytes]) -> None:
    plan = Plan(base=base, into=tuple(into), actions=tuple(lines))
    text = write(plan, notes=["a note\nof two lines"])
    found = read(text.encode("utf-8"))
    assert (found.base, found.into) == (base, tuple(into))
    assert [_bare(each) for each in found.actions] == [_bare(each) for each in lines]


def _bare(action: Action) -> tuple[object, ...]:
    return action.word, action.id, action.source, action.target, action.kept


@given(st.binary(max_size=200))
def test_any_bytes_are_a_plan_or_a_fault_with_its_line(content: bytes) -> None:
    faults: list[tuple[int, str]] = []
    try:
        read(content)
    except PlanError as exc:
        faults = exc.faults
    assert all(0 <= line <= content.count(b"\n") + 1 for line, _ in faults)


def test_every_line_that_is_not_understood_is_named() -> None:
    text = f"""# a remark
in /base
rename {ID} a -> b
remove {ID} a
rename {ID} a -> b/c
move {ID} a
trash {ID} a
move {ID} "a -> b
move {ID} ../a -> b
move nonsense a -> b
"""
    with pytest.raises(PlanError) as caught:
        read(text.encode())
    assert [line for line, _ in caught.value.faults] == [4, 5, 6, 7, 8, 9, 10]
    assert "line 7: trash names the copy that stays" in str(caught.value)


def test_a_plan_may_be_written_shorter_and_with_another_systems_line_ends() -> None:
    text = f"\ufeffin /base\r\n\r\n  r {ID} a b.txt -> c d.txt  # why\r\nm {ID} x -> y/\r\nk {ID} z\r\n"
    found = read(text.encode())
    assert [(each.word, each.source, each.target) for each in found.actions] == [
        ("rename", b"/base/a b.txt", b"/base/c d.txt"),
        ("move", b"/base/x", b"/base/y/x"),
        ("keep", b"/base/z", b""),
    ]


# --- templates -------------------------------------------------------------------------------------

FIELDS = dict.fromkeys(naming.FIELDS, "")


@pytest.mark.parametrize(
    ("template", "fields", "name"),
    [
        ("{date} {author} {title}", {"date": "25", "author": "A. S.", "title": "Plan"}, "25 A. S. Plan.pdf"),
        ("{date} - {author} - {title}", {"date": "2025", "title": "Minutes"}, "2025 - Minutes.pdf"),
        ("{date} ({author}) {title}", {"title": "Minutes"}, "Minutes.pdf"),
        ("{title} [{language}]", {"title": "Minutes"}, "Minutes.pdf"),
        ("{title}, {author}", {"title": "A--B: the end?"}, "A--B - the end.pdf"),
        ("{title}", {"title": "a/b\\c<d>|e*\x00\x1b[31m\u202ef\n g"}, "a-b-c d e [31mf g.pdf"),
        ("{title}", {"title": "..hidden "}, "hidden.pdf"),
        ("{title}", {"title": "con"}, "con_.pdf"),
        ("{title}", {"title": "e\u0301te\u0301"}, "été.pdf"),
        ("{date} {title}", {"date": "2025"}, ""),
        ("{title}", {}, ""),
    ],
)  # fmt: skip
def test_names_from_templates(template: str, fields: dict[str, str], name: str) -> None:
    made = naming.name_from(template, {**FIELDS, **fields}, b".pdf")
    assert made.decode() == name


@given(st.text(max_size=400), st.text(max_size=400))
def test_a_name_made_is_legal_everywhere(title: str, author: str) -> None:
    name = naming.name_from("{author} {title}", {**FIELDS, "title": title, "author": author}, b".tar.gz")
    text = name.decode("utf-8")
    assert len(name) <= 255 - 5  # room for a number
    assert not set(text) & set('/\\<>:"|?*')
    assert text.isprintable() or not text
    assert not text.startswith((".", " ", "-"))
    assert not name or (name.endswith(b".tar.gz") and len(name) > 7)


def test_folders_drop_what_is_not_known() -> None:
    fields = {**FIELDS, "type": "pdf", "year": "2025"}
    assert naming.folders_from("{type}/{author}/{year}", fields) == b"pdf/2025"
    assert naming.folders_from("../{type}/x{author}", fields) == b"pdf"


@pytest.mark.parametrize("template", ["{titel}", "{title", "title", "{date}/{title}", "}{"])
def test_templates_that_cannot_be_used_say_why(template: str) -> None:
    with pytest.raises(UsageError, match="cannot be used"):
        naming.check(template, folders=False)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("scan0012.pdf", True), ("Scan_2024-01-02.pdf", True), ("Document (3).docx", True),
        ("IMG_2044.jpg", True),
        ("新建文档 2.docx", True), ("untitled.txt", True), ("---.txt", True),
        ("8f14e45fceea167a5a36dedd4bea2543.pdf", True),
        ("2024.pdf", False), ("minutes.pdf", False), ("invoice 12345.pdf", False), ("README.md", False),
        ("documentation.md", False), ("PEP 0008.rst", False), ("report v2.docx", False),
    ],
)  # fmt: skip
def test_names_that_say_nothing_are_known(name: str, expected: bool) -> None:
    assert naming.is_meaningless(name.encode()) is expected
