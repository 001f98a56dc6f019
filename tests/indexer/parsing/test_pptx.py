from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pptx
import pytest
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from indexer.errors import UnreadableDocument
from indexer.types import ParsedDocument

AREA = (Inches(1), Inches(1), Inches(4), Inches(2))


def saved(presentation: pptx.presentation.Presentation) -> bytes:
    buffer = io.BytesIO()
    presentation.save(buffer)
    return buffer.getvalue()


def slides(document: ParsedDocument) -> list[str]:
    return [document.text[page.start : page.end] for page in document.pages]


@pytest.fixture
def presentation() -> pptx.presentation.Presentation:
    made = pptx.Presentation()
    first = made.slides.add_slide(made.slide_layouts[1])
    first.shapes.title.text = "Results"
    first.placeholders[1].text = "Up by a fifth\nBest year"
    first.notes_slide.notes_text_frame.text = "Thank the team"
    second = made.slides.add_slide(made.slide_layouts[6])
    table = second.shapes.add_table(2, 2, *AREA).table
    for index, text in enumerate(("Fruit", "Count", "Apple", "3")):
        table.cell(index // 2, index % 2).text = text
    group = second.shapes.add_group_shape()
    group.shapes.add_textbox(*AREA).text_frame.text = "Inside a group"
    return made


def test_a_slide_is_a_page_with_its_title_and_notes(
    parse: Callable[..., ParsedDocument], presentation: pptx.presentation.Presentation
) -> None:
    parsed = parse("pptx", saved(presentation))

    assert slides(parsed) == [
        "Results\n\nUp by a fifth\nBest year\n\nThank the team",
        "Fruit | Count\nApple | 3\n\nInside a group",
    ]
    assert [page.label for page in parsed.pages] == ["Results", ""]
    assert parsed.title == "Results"
    assert parsed.kind == "slides"


def test_hidden_and_empty_slides_keep_their_numbers(
    parse: Callable[..., ParsedDocument], presentation: pptx.presentation.Presentation
) -> None:
    presentation.slides[0]._element.set("show", "0")
    presentation.slides.add_slide(presentation.slide_layouts[6])
    last = presentation.slides.add_slide(presentation.slide_layouts[5])
    last.shapes.title.text = "Last"

    parsed = parse("pptx", saved(presentation))

    assert [page.label for page in parsed.pages] == ["Results (hidden)", "", "", "Last"]
    assert slides(parsed)[2:] == ["", "Last"]


def test_chart_values_are_a_table(
    parse: Callable[..., ParsedDocument], presentation: pptx.presentation.Presentation
) -> None:
    data: Any = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = ["2023", "2024"]
    data.add_series("Ducks", (5, 5))
    presentation.slides[1].shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *AREA, data)

    assert "| Ducks\n2023 | 5\n2024 | 5" in parse("pptx", saved(presentation)).text


def test_damaged_slide_costs_itself_only(
    parse: Callable[..., ParsedDocument],
    zipped: Callable[..., bytes],
    presentation: pptx.presentation.Presentation,
) -> None:
    import zipfile

    with zipfile.ZipFile(io.BytesIO(saved(presentation))) as container:
        members = {name: container.read(name) for name in container.namelist()}
    members["ppt/slides/slide1.xml"] = members["ppt/slides/slide1.xml"][:-40]

    parsed = parse("pptx", zipped(members))

    assert slides(parsed) == ["", "Fruit | Count\nApple | 3\n\nInside a group"]
    assert parsed.warnings == ("A slide is damaged and was left out.",)


def test_package_without_a_presentation_is_broken(
    refusal: Callable[..., UnreadableDocument], zipped: Callable[..., bytes]
) -> None:
    assert refusal("pptx", zipped({"[Content_Types].xml": "<Types/>"})).status == "broken"
