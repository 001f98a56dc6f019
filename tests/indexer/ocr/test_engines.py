"""Both engines on drawn pages: turned, askew, noisy, in several scripts. Real models, no network."""

from __future__ import annotations

from collections.abc import Callable
from difflib import SequenceMatcher
from typing import Any

import pytest

from indexer import ocr
from indexer.ocr.lines import Line, compose, paragraphs
from indexer.ocr.picture import Picture, direction
from indexer.ocr.rapid import Rapid
from indexer.ocr.worker import in_order
from indexer.parsing.source import Source
from tests.indexer.ocr import drawing

Read = Callable[[bytes], ocr.Reading]


@pytest.fixture(scope="module")
def rapid() -> Rapid:
    return Rapid(1)


@pytest.fixture
def by_rapid(rapid: Rapid) -> Read:
    return lambda content: rapid.read(page_of(content))


@pytest.fixture
def by_tesseract() -> Read:
    engines = ocr.find()
    if not engines.languages:
        pytest.skip("Tesseract's languages are not installed")
    from indexer.ocr.tesseract import Tesseract

    tesseract = Tesseract(engines)
    return lambda content: tesseract.read(page_of(content), ())


def page_of(content: bytes, **more: int) -> Picture:
    options: dict[str, Any] = {"dpi": 300, "max_pixels": 12_000_000, **more}
    return Picture(Source.from_bytes(content, "page.pdf"), "pdf", 1, **options)


def likeness(reading: ocr.Reading, lines: tuple[str, ...]) -> float:
    """Of the text read to the text drawn, white space aside."""
    return SequenceMatcher(None, "".join(reading.text.split()), "".join("".join(lines).split())).ratio()


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_rapidocr_rights_pages_turned_by_quarters(by_rapid: Read, turn: int) -> None:
    reading = by_rapid(drawing.scan(drawing.picture(drawing.ENGLISH, turn=turn)))

    assert likeness(reading, drawing.ENGLISH) > 0.95
    assert reading.turned == (360 - turn) % 360
    assert reading.confidence > 85


@pytest.mark.parametrize("skew", [-4.0, 3.0])
def test_rapidocr_straightens_pages(by_rapid: Read, skew: float) -> None:
    reading = by_rapid(drawing.scan(drawing.picture(drawing.ENGLISH, skew=skew, noise=0.002)))

    assert likeness(reading, drawing.ENGLISH) > 0.95
    assert reading.skew == pytest.approx(skew, abs=0.8)


@pytest.mark.parametrize(
    ("lines", "font", "vertical"),
    [
        (drawing.CHINESE, "china-s", False),
        (drawing.JAPANESE, "japan", False),
        (drawing.JAPANESE, "japan", True),
    ],
)
def test_rapidocr_reads_chinese_and_japanese(
    by_rapid: Read, lines: tuple[str, ...], font: str, vertical: bool
) -> None:
    reading = by_rapid(drawing.scan(drawing.picture(lines, font=font, vertical=vertical)))

    assert likeness(reading, lines) > 0.85
    assert reading.turned == 0
    assert " " not in reading.text


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_tesseract_rights_pages_turned_by_quarters(by_tesseract: Read, turn: int) -> None:
    reading = by_tesseract(drawing.scan(drawing.picture(drawing.ENGLISH, turn=turn)))

    assert likeness(reading, drawing.ENGLISH) > 0.95
    assert reading.turned == (360 - turn) % 360
    assert reading.confidence > 75


def test_tesseract_straightens_pages(by_tesseract: Read) -> None:
    reading = by_tesseract(drawing.scan(drawing.picture(drawing.ENGLISH, skew=3.0, noise=0.002)))

    assert likeness(reading, drawing.ENGLISH) > 0.95
    assert reading.skew == pytest.approx(-3.0, abs=0.5)


def test_tesseract_finds_out_the_script(by_tesseract: Read) -> None:
    if "chi_sim" not in ocr.find().languages:
        pytest.skip("Tesseract's Chinese is not installed")
    reading = by_tesseract(drawing.scan(drawing.picture(drawing.CHINESE, font="china-s", size=16)))

    assert likeness(reading, drawing.CHINESE) > 0.75
    assert reading.engine.endswith("chi_sim")


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_tesseract_takes_the_language_of_the_text(by_tesseract: Read, noise: float) -> None:
    if "deu" not in ocr.find().languages:
        pytest.skip("Tesseract's German is not installed")
    reading = by_tesseract(drawing.scan(drawing.picture(drawing.GERMAN, noise=noise)))

    assert likeness(reading, drawing.GERMAN) > 0.95
    assert reading.engine.endswith("deu")


def test_a_page_without_text_yields_none(by_rapid: Read) -> None:
    assert by_rapid(drawing.scan(drawing.picture(()))).text == ""


def test_a_page_is_never_drawn_larger_than_allowed() -> None:
    picture = page_of(drawing.scan(drawing.picture(drawing.ENGLISH)), max_pixels=100_000)

    image = picture.draw(picture.scale())

    assert image.size <= 102_000  # pixels of the edge are whole ones


@pytest.mark.parametrize("angle", [-5.0, -1.0, 0.0, 2.0, 5.0])
@pytest.mark.parametrize("turn", [0, 90])
def test_the_direction_of_lines_is_measured(angle: float, turn: int) -> None:
    pixmap = drawing.picture(drawing.ENGLISH * 2, skew=angle, turn=turn, size=10)
    picture = page_of(drawing.scan(pixmap))

    found, sideways = direction(picture.draw(1.5))

    assert found == pytest.approx(-angle, abs=0.6)
    assert sideways == (turn == 90)


def test_lines_of_columns_are_read_one_column_after_the_other() -> None:
    left = [f"left column of running text line {n}" for n in range(6)]
    right = [f"right column of running text line {n}" for n in range(6)]
    lines = [
        Line(text=text, confidence=90, x0=x, y0=20 + 14 * n, x1=x + 200, y1=30 + 14 * n)
        for x, column in ((30, left), (300, right))
        for n, text in enumerate(column)
    ]

    assert [line for line in compose(lines).split("\n") if line] == left + right


def test_spaces_between_wide_letters_and_divided_words_are_closed() -> None:
    assert (
        paragraphs([["元 来 日 本 語 は"], ["a light-", "house keeper"]])
        == "元来日本語は\n\na lighthouse keeper"
    )


def test_a_language_without_letters_in_rapidocr_goes_to_tesseract() -> None:
    there = ocr.Engines(rapidocr="3", tessdata="/t", languages=("eng", "rus"))

    assert in_order(["tesseract", "rapidocr"], ["rus"], there) == ["tesseract"]
    assert in_order(["tesseract", "rapidocr"], ["deu"], there) == ["rapidocr", "tesseract"]
    assert in_order(["rapidocr"], ["rus"], there) == ["rapidocr"]
