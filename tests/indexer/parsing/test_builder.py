from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from indexer.parsing.builder import TextBuilder
from indexer.text import normalise

STEPS = st.lists(
    st.tuples(st.sampled_from(["paragraph", "line", "heading", "page", "row"]), st.text(max_size=30)),
    max_size=30,
)


@given(steps=STEPS, limit=st.integers(min_value=0, max_value=400))
def test_spans_hold_for_any_text_and_limit(steps: list[tuple[str, str]], limit: int) -> None:
    out = TextBuilder(limit)
    spans: list[tuple[int, int, str]] = []
    pages = 0
    for kind, text in steps:
        if kind == "page":
            out.open_page(text)
            pages += 1
            continue
        if kind == "heading":
            start, end = out.heading(text, 2)
        elif kind == "row":
            start, end = out.row([text, "cell"])
        else:
            start, end = out.paragraph(text) if kind == "paragraph" else out.line(text)
        if end > start and kind in ("paragraph", "line"):
            spans.append((start, end, normalise(text).strip()))
    made = out.build(kind="text", format="text")

    assert normalise(made.text) == made.text
    assert len(made.text) <= limit
    assert len(made.pages) == pages
    assert all(wanted.startswith(made.text[start:end]) for start, end, wanted in spans)
    last = 0
    for page in made.pages:
        assert last <= page.start <= page.end <= len(made.text)
        last = page.end
    assert out.full or all(made.text[start:end] == wanted for start, end, wanted in spans)


def test_what_comes_after_the_time_is_up_is_left_out_with_a_warning() -> None:
    out = TextBuilder(seconds=-1)
    for number in range(200):
        out.line(f"line {number}")
    made = out.build(kind="text", format="text")

    assert out.full
    assert made.text.startswith("line 0\nline 1")
    assert "line 199" not in made.text
    assert made.warnings == ("Only the beginning was read: the document takes too long.",)
