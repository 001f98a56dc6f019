"""PDF: what comes out of pages made for the purpose, and what bombs and wrecks end in."""

from __future__ import annotations

import csv
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from indexer.config import ParsingConfig
from indexer.errors import UnreadableDocument
from indexer.parsing import pdf
from indexer.parsing.pool import ParsePool
from indexer.types import ParsedDocument

Parse = Callable[..., ParsedDocument]
CORPUS = Path(__file__).resolve().parents[4] / "shared/corpora/mixed-files"
PATIENCE_S = 120


def load_hostile() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hostile", Path(__file__).with_name("hostile.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hostile"] = module
    spec.loader.exec_module(module)
    return module


hostile = load_hostile()


@pytest.fixture(scope="module")
def mupdf() -> Any:
    return pdf.mupdf()


@pytest.fixture
def blank(mupdf: Any) -> Iterator[Any]:
    with mupdf.open() as document:
        yield document


def text_of(document: ParsedDocument, page: int) -> str:
    return document.text[document.pages[page - 1].start : document.pages[page - 1].end]


def headings_of(document: ParsedDocument) -> list[tuple[int, str]]:
    return [(heading.level, document.text[heading.start : heading.end]) for heading in document.headings]


LEFT = [f"Left column line {number} with words enough to be prose" for number in range(8)]
RIGHT = [f"Right column line {number} with words enough to be prose" for number in range(8)]


def test_pages_keep_their_text_and_their_place(parse: Parse, blank: Any) -> None:
    for number in range(1, 4):
        blank.new_page().insert_text((72, 72), f"This is page number {number}.")
    document = parse("pdf", blank.tobytes())
    assert [page.number for page in document.pages] == [1, 2, 3]
    assert [text_of(document, number) for number in (1, 2, 3)] == [
        f"This is page number {n}." for n in (1, 2, 3)
    ]
    assert document.kind == "pdf"


def test_columns_are_read_one_after_the_other(parse: Parse, blank: Any) -> None:
    page = blank.new_page(width=700)
    page.insert_text(
        (60, 60), "A title that stands over both of the columns of this page, from left to right", fontsize=12
    )
    for number, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True)):
        y = 100 + 30 * number
        page.insert_text((60, y), left, fontsize=9)  # written line by line across the page
        page.insert_text((380, y), right, fontsize=9)
    text = parse("pdf", blank.tobytes()).text
    positions = [text.index(part) for part in ("A title", *LEFT, *RIGHT)]
    assert positions == sorted(positions)


def test_blocks_out_of_order_are_put_in_order(parse: Parse, blank: Any) -> None:
    page = blank.new_page()
    for y, word in ((500, "third"), (100, "first"), (300, "second")):
        page.insert_text((72, y), f"The {word} paragraph of the page.")
    text = parse("pdf", blank.tobytes()).text
    assert text.index("first") < text.index("second") < text.index("third")


def test_ruled_tables_become_rows(parse: Parse, blank: Any) -> None:
    page = blank.new_page()
    page.insert_text((72, 60), "Words before the table.")
    cells = [["Name", "Amount", "Place"], ["Bolts", "12,500", "North hall"], ["Nuts", "", "South hall"]]
    for row in range(4):
        page.draw_line((72, 100 + 30 * row), (432, 100 + 30 * row))
    for column in range(4):
        page.draw_line((72 + 120 * column, 100), (72 + 120 * column, 190))
    for row, texts in enumerate(cells):
        for column, text in enumerate(texts):
            page.insert_text((78 + 120 * column, 120 + 30 * row), text)
    page.insert_text((72, 240), "Words after the table.")
    document = parse("pdf", blank.tobytes())
    assert "Name | Amount | Place\nBolts | 12,500 | North hall\nNuts |  | South hall" in document.text
    assert document.text.count("Bolts") == 1
    assert document.text.index("before") < document.text.index("Bolts") < document.text.index("after")


def test_a_merged_cell_keeps_its_text_together(parse: Parse, blank: Any) -> None:
    page = blank.new_page()
    for y in (100, 130, 160, 190):
        page.draw_line((72, y), (432, y))
    for x in (72, 432):
        page.draw_line((x, 100), (x, 190))
    for x in (192, 312):
        page.draw_line((x, 130), (x, 190))
    page.insert_text((78, 120), "One cell over all of the columns here")
    for row, texts in enumerate((("a1", "b1", "c1"), ("a2", "b2", "c2"))):
        for column, text in enumerate(texts):
            page.insert_text((78 + 120 * column, 150 + 30 * row), text)
    text = parse("pdf", blank.tobytes()).text
    assert "One cell over all of the columns here\na1 | b1 | c1\na2 | b2 | c2" in text


def test_words_divided_at_line_ends_are_joined(parse: Parse, blank: Any) -> None:
    page = blank.new_page()
    page.insert_text((72, 100), ["The docu-", "ment names a well-", "known, self-", "evident truth."])
    assert "document names a well-known, self-evident truth." in parse("pdf", blank.tobytes()).text.replace(
        "\n", " "
    )


def test_a_word_written_with_hyphen_elsewhere_keeps_it(parse: Parse, blank: Any) -> None:
    blank.new_page().insert_text((72, 100), ["A water-", "tight seal."])
    blank.new_page().insert_text((72, 100), "It is water-tight.")
    assert "water-tight seal" in parse("pdf", blank.tobytes()).text


def test_wrapped_chinese_is_joined_without_spaces(parse: Parse, blank: Any) -> None:
    page = blank.new_page()
    lines = ["亚马逊雨林是世界上最大的热带雨林，其面积超过其他热带雨", "林的总和，河流众多。"]
    page.insert_text((72, 100), lines, fontname="china-s")
    assert "热带雨林的总和" in parse("pdf", blank.tobytes()).text


def test_the_outline_gives_the_headings(parse: Parse, blank: Any) -> None:
    for title, section in (("Chapter One", "1.1  First Part"), ("Chapter Two", "2.1  Second Part")):
        page = blank.new_page()
        page.insert_text((72, 80), title)
        page.insert_text((72, 120), section)
        page.insert_text((72, 160), f"Body text that mentions {title} again.")
    blank.set_toc(
        [[1, "Chapter One", 1], [2, "1.1 First Part", 1], [1, "CHAPTER TWO", 2], [2, "Not there", 2]]
    )
    document = parse("pdf", blank.tobytes())
    assert headings_of(document) == [(1, "Chapter One"), (2, "1.1 First Part"), (1, "Chapter Two")]
    assert document.title == "Chapter One"


def test_outline_and_text_need_not_agree_on_labels_and_numbers(parse: Parse, blank: Any) -> None:
    page = blank.new_page()
    page.insert_text((72, 40), "4   Metric Spaces")  # a running header repeats the title
    page.insert_text((72, 120), "1.2 Metric Spaces")
    page.insert_text((72, 160), ["Exhibit 3-1", "Sample Display"])
    blank.set_toc([[1, "Metric Spaces", 1], [2, "3-1 Sample Display", 1]])
    assert headings_of(parse("pdf", blank.tobytes())) == [
        (1, "1.2 Metric Spaces"),
        (2, "Exhibit 3-1 Sample Display"),
    ]


def test_running_headers_are_no_headings_and_the_largest_one_is_the_title(parse: Parse, blank: Any) -> None:
    for number in range(1, 5):
        page = blank.new_page()
        page.insert_text((72, 40), f"Page {number} of 4", fontsize=14)
        if number == 1:
            page.insert_text((72, 80), "A small line above", fontsize=13)
            page.insert_text((72, 120), "The Title", fontsize=26)
        page.insert_text((72, 160), [f"Plain line number {n} of the text." for n in range(12)], fontsize=10)
    document = parse("pdf", blank.tobytes())
    assert [text for _, text in headings_of(document)] == ["A small line above", "The Title"]
    assert document.title == "The Title"


def test_printed_page_numbers_are_kept_as_labels(parse: Parse, blank: Any) -> None:
    for _ in range(5):
        blank.new_page().insert_text((72, 72), "text")
    blank.set_page_labels(
        [{"startpage": 0, "style": "r", "firstpagenum": 3}, {"startpage": 2, "style": "D", "prefix": "A-"}]
    )
    labels = [page.label for page in parse("pdf", blank.tobytes()).pages]
    assert labels == ["iii", "iv", "A-1", "A-2", "A-3"]


def test_without_an_outline_size_and_weight_give_them(parse: Parse, blank: Any) -> None:
    page = blank.new_page()
    page.insert_text((72, 80), "Annual Report", fontsize=24)
    page.insert_text((72, 120), "Introduction", fontsize=16)
    page.insert_text(
        (72, 150), [f"Plain line number {n} of the running text." for n in range(12)], fontsize=10
    )
    page.insert_text((72, 330), "Results", fontsize=10, fontname="hebo")
    page.insert_text((72, 350), [f"More plain text in line {n}." for n in range(8)], fontsize=10)
    assert headings_of(parse("pdf", blank.tobytes())) == [
        (1, "Annual Report"),
        (2, "Introduction"),
        (3, "Results"),
    ]


def test_metadata_is_clean_and_dates_are_iso(parse: Parse, blank: Any) -> None:
    blank.new_page().insert_text((72, 72), "text")
    blank.set_metadata(
        {
            "title": "A Real Title",
            "author": "Ada Example",
            "creationDate": "D:20230621093027-04'00'",
            "modDate": "D:20240101",
        }
    )
    document = parse("pdf", blank.tobytes())
    assert document.title == "A Real Title"
    assert document.metadata["author"] == "Ada Example"
    assert document.metadata["created"] == "2023-06-21T09:30:27-04:00"
    assert document.metadata["modified"] == "2024-01-01"


@pytest.mark.parametrize(
    "title", ["untitled", "Microsoft Word - Document1", "report_final.docx", "10811.exe", ""]
)
def test_titles_made_by_programs_are_not_believed(parse: Parse, blank: Any, title: str) -> None:
    blank.new_page().insert_text((72, 72), "text")
    blank.set_metadata({"title": title})
    assert parse("pdf", blank.tobytes()).title == ""


def test_a_rotated_page_is_read_as_it_is_seen(parse: Parse, blank: Any) -> None:
    page = blank.new_page(width=800, height=600)
    for number, word in enumerate(("first", "second", "third")):
        page.insert_text((100 + 60 * number, 500), f"The {word} line of a turned page.", rotate=90)
    page.set_rotation(90)
    text = parse("pdf", blank.tobytes()).text
    assert text.index("first") < text.index("second") < text.index("third")


# --- pages without text, hidden text -------------------------------------------------------------


def scanned(mupdf: Any, page: Any) -> None:
    pixels = mupdf.Pixmap(mupdf.csGRAY, mupdf.IRect(0, 0, 200, 200))
    pixels.clear_with(90)
    page.insert_image(page.rect, pixmap=pixels)


def test_scanned_pages_are_counted_and_named(parse: Parse, mupdf: Any, blank: Any) -> None:
    for number in range(1, 5):
        page = blank.new_page()
        if number == 1:
            page.insert_text((72, 72), "A page with a text that can be read.")
        else:
            scanned(mupdf, page)
        if number == 4:
            page.insert_text((10, 20), "p. 4")  # a stamp makes no text
    document = parse("pdf", blank.tobytes())
    assert document.textless_pages == (2, 3, 4)
    assert any("Pages 2 to 4" in warning and "OCR" in warning for warning in document.warnings)


def test_hidden_text_is_kept_and_named(parse: Parse, blank: Any) -> None:
    blank.new_page().insert_text((72, 72), "Nothing is hidden on this page.")
    blank.new_page().insert_text((72, 72), "white on paper", color=(1, 1, 1))
    blank.new_page().insert_text((72, 72), "one point", fontsize=1)
    blank.new_page().insert_text((72, 72), "rendered invisibly", render_mode=3)
    blank.new_page().insert_text((-400, 72), "left of the page")
    page = blank.new_page()
    page.draw_rect((60, 50, 300, 90), fill=(0, 0, 0.6))
    page.insert_text((72, 72), "white on blue is seen", color=(1, 1, 1))
    document = parse("pdf", blank.tobytes())
    for text in ("white on paper", "one point", "rendered invisibly", "left of the page"):
        assert text in document.text
    hidden = [warning for warning in document.warnings if warning.startswith("Hidden text")]
    assert hidden == [
        "Hidden text (white on white) on page 2.",
        "Hidden text (too small to see) on page 3.",
        "Hidden text (invisible) on page 4.",
        "Hidden text (outside the page) on page 5.",
    ]
    assert document.hidden_text == {2: 100, 3: 100, 4: 100, 5: 100}


def test_the_share_of_hidden_text_is_told_and_single_marks_are_next_to_nothing(
    parse: Parse, blank: Any
) -> None:
    page = blank.new_page()
    page.insert_text((72, 72), "Twenty letters shown")
    page.insert_text((72, 100), "twenty letters hidde", render_mode=3)
    page = blank.new_page()
    page.insert_text((72, 72), "All of this can be read.")
    page.insert_text((72, 100), "PLACEHOLDER_1_OF_A_PROGRAM", render_mode=3)
    document = parse("pdf", blank.tobytes())
    assert 45 <= document.hidden_text[1] <= 55
    assert document.hidden_text[2] == 1


def test_the_text_layer_of_a_scan_is_not_hidden_text(parse: Parse, mupdf: Any, blank: Any) -> None:
    page = blank.new_page()
    scanned(mupdf, page)
    page.insert_text((72, 72), "What the recognition has made of this scanned page.", render_mode=3)
    document = parse("pdf", blank.tobytes())
    assert document.warnings == ()
    assert "recognition" in document.text


def test_a_page_that_cannot_be_read_does_not_cost_the_others(parse: Parse, blank: Any) -> None:
    for number in range(3):
        blank.new_page().insert_text((72, 72), f"page {number}")
    blank.xref_set_key(blank[1].xref, "MediaBox", "[0 0 0]")
    content = blank.tobytes().replace(b"/Type/Page/", b"/Type/Page/", 1)
    document = parse("pdf", content)
    assert "page 0" in document.text
    assert "page 2" in document.text


# --- what cannot be read -------------------------------------------------------------------------


def test_encryption(parse: Parse, refusal: Callable[..., UnreadableDocument], mupdf: Any, blank: Any) -> None:
    blank.new_page().insert_text((72, 72), "secret text")
    method = mupdf.PDF_ENCRYPT_AES_256
    locked = blank.tobytes(encryption=method, user_pw="user", owner_pw="owner")
    refused = refusal("pdf", locked)
    assert refused.status == "encrypted"
    assert "password" in refused.reason
    assert "secret text" in parse("pdf", blank.tobytes(encryption=method, owner_pw="owner")).text


@pytest.mark.parametrize(
    "content",
    [b"%PDF-1.7\n", b"%PDF-1.4\n" + hostile.noise(5000), hostile.page_loop()],
    ids=["header only", "noise", "page loop"],
)
def test_wrecks_are_refused_with_a_reason(refusal: Callable[..., UnreadableDocument], content: bytes) -> None:
    assert refusal("pdf", content).status == "broken"


def test_any_truncation_or_damage_ends_well(mupdf: Any, blank: Any, tmp_path: Path) -> None:
    for number in range(3):
        blank.new_page().insert_text((72, 72), f"The text of page {number}.")
    whole = blank.tobytes(deflate=True)
    damaged = [whole[: len(whole) * part // 12] for part in range(1, 12)]
    for seed in range(12):
        copy = bytearray(whole)
        for place, byte in zip(hostile.noise(40, seed)[::2], hostile.noise(40, seed)[1::2], strict=True):
            copy[place * len(copy) // 256] = byte
        damaged.append(bytes(copy))
    with ParsePool(ParsingConfig(workers=1), log_path=tmp_path / "log") as pool:
        for future in [pool.submit(content, "x.pdf") for content in damaged]:
            error = future.exception(PATIENCE_S)
            if error is None:
                assert "page" in future.result().document.text
            else:
                assert isinstance(error, UnreadableDocument)
                assert error.status in ("broken", "empty-text", "unsupported", "encrypted")


@pytest.mark.parametrize(
    "message", ["code=2: malloc (1 bytes) failed", "code=2: calloc (4104 x 1 bytes) failed", "std::bad_alloc"]
)
def test_lack_of_memory_is_not_called_damage(message: str) -> None:
    assert isinstance(pdf._failed(RuntimeError(message)), MemoryError)


def test_bombs_end_within_their_limits(tmp_path: Path) -> None:
    bombs = {
        "glyphs": hostile.glyph_bomb(),
        "forms": hostile.form_bomb(),
        "loop": hostile.page_loop(),
        "pages": hostile.many_pages(),
        "states": hostile.nested_states(),
    }
    config = ParsingConfig(workers=2, timeout_s=3, memory_mb=600)
    with ParsePool(config, log_path=tmp_path / "log") as pool:
        futures = {name: pool.submit(content, f"{name}.pdf") for name, content in bombs.items()}
        ends = {}
        for name, future in futures.items():
            error = future.exception(PATIENCE_S)
            assert error is None or isinstance(error, UnreadableDocument)
            ends[name] = error.status if error else "read"
        good = pool.submit(hostile.page_pdf(b"BT /F 12 Tf 72 700 Td (still alive) Tj ET"), "good.pdf")
        assert good.result(PATIENCE_S).document.text == "still alive"
    assert ends["forms"] == "timeout"
    assert ends["glyphs"] in ("budget", "timeout")
    assert ends["loop"] == "broken"


def test_a_blank_pdf_has_no_text(tmp_path: Path, mupdf: Any, blank: Any) -> None:
    blank.new_page()
    empty = blank.tobytes()
    scanned(mupdf, blank[0])
    with ParsePool(ParsingConfig(workers=1), log_path=tmp_path / "log") as pool:
        for content, status in ((empty, "empty-text"), (blank.tobytes(), "needs-ocr"), (b"", "empty-text")):
            error = pool.submit(content, "x.pdf").exception(PATIENCE_S)
            assert isinstance(error, UnreadableDocument)
            assert error.status == status


@pytest.mark.corpora
@pytest.mark.skipif(not CORPUS.exists(), reason="needs ../shared/corpora")
def test_real_documents_yield_their_phrases(parse: Parse) -> None:
    with (CORPUS / "manifest.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["format"] == "pdf" and row["outcome"] == "text"]
    rows = [row for row in rows if "-pages" not in row["path"]]  # the two long ones take seconds
    missed = []
    for row in rows:
        path = CORPUS / "files" / row["path"]
        page = text_of(parse("pdf", path.read_bytes(), path.name), int(row["page"] or 1))
        if "".join(row["phrase"].split()) not in "".join(page.replace("|", "").split()):
            missed.append(row["path"])
    assert missed == []
