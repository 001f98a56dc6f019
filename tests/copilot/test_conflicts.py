"""Where documents disagree: both values are shown, and ordinary tables and lists raise no alarm."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from copilot import freshness
from copilot.conflicts import Statement, differing
from copilot.session import LocalSession
from copilot.types import Answer, AskRequest
from indexer.library import Library
from tests.builders import settings

from .scripted import ScriptedModels, ScriptedProvider


def pairs(first: str, second: str, *, versions: bool = False) -> list[tuple[str, str]]:
    a, b = Statement(first), Statement(second)
    return [(first[x.start : x.end], second[y.start : y.end]) for x, y in differing(a, b, versions=versions)]


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("The notice period is 30 days.", "The notice period is 60 days.", [("30 days", "60 days")]),
        ("The monthly rent is 1,250 euros.", "The monthly rent is €1,400.", [("1,250 euros", "€1,400")]),
        (
            "The lease ends on 31 March 2031.",
            "The lease ends on 31 March 2033.",
            [("31 March 2031", "31 March 2033")],
        ),
        (
            "Employees get 28 days of annual leave.",
            "All employees get 30 days of annual leave.",
            [("28 days", "30 days")],
        ),
        (
            "Die Kündigungsfrist beträgt drei Monate.",
            "Die Kündigungsfrist beträgt sechs Monate.",
            [("drei Monate", "sechs Monate")],
        ),
        ("员工每年享有二十天带薪年假。", "员工每年享有三十天带薪年假。", [("二十天", "三十天")]),
        (
            "Revenue of the division | 5 million euros",
            "Revenue of the division | 6 million euros",
            [],  # two words do not tell whose revenue it is
        ),
        (
            "Annual revenue northern division | 5 million euros",
            "Annual revenue northern division | 6 million euros",
            [("5 million euros", "6 million euros")],
        ),
    ],
)
def test_the_same_statement_with_another_value(first: str, second: str, found: list[tuple[str, str]]) -> None:
    assert pairs(first, second) == found


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The notice period is 30 days.", "The notice period is 30 days."),
        ("The hall is 5 km from the station.", "The hall is 5,000 m from the station."),
        ("The notice period is three months.", "The notice period is 3 months."),
        ("The meeting is on 3 May 2024.", "The meeting is on 2024-05-03."),
        ("In 2022 the revenue was 5 million euros.", "In 2023 the revenue was 6 million euros."),
        ("The rent in Bremen is 900 euros.", "The rent in Lübeck is 800 euros."),
        ("Anna Berg has worked here for 5 years.", "Karl Ott has worked here for 9 years."),
        ("The probation period is 6 months.", "The notice period is 3 months."),
        ("January | 8,200 | 8,000", "February | 8,100 | 7,900"),
        ("January | 8,200 | 8,000", "January | 9,400 | 9,100"),
        ("Total | 8,200", "Total | 9,100"),
        ("- Screws: 40", "- Screws: 60"),
        ("- Oak boards: 4", "- Oak boards: 6"),
        ("3. The valve is opened.", "4. The valve is opened."),
        ("The valve is described in section 4.2.", "The valve is described in section 5.1."),
        ("Page 3 of 12", "Page 4 of 12"),
        (
            "Sales of the northern region rose by 5 percent.",
            "Sales of the southern region rose by 7 percent.",
        ),
        ("The pressure is 8 bar and the temperature 90 °C.", "The pressure of the steam is high."),
    ],
)
def test_no_alarm_where_nothing_is_contradicted(first: str, second: str) -> None:
    assert pairs(first, second, versions=True) == []


HANDBOOK = (
    "# Handbook for employees\n\n## Leave\n\nEmployees get {days} days of paid leave a year. Leave is "
    "asked for in writing.\n\n## Working hours\n\nWork begins at nine in the morning.\n"
)


def put(folder: Path, name: str, text: str, day: str) -> None:
    import datetime as dt

    path = folder / name
    path.write_text(text, encoding="utf-8")
    moment = dt.datetime.fromisoformat(f"{day}T12:00").timestamp()
    os.utime(path, (moment, moment))


@pytest.fixture
def library(folder: Path, tmp_path: Path) -> Iterator[Library]:
    put(folder, "handbook-2022.md", HANDBOOK.format(days=28), "2022-03-01")
    put(folder, "handbook-2024.md", HANDBOOK.format(days=30), "2024-05-02")
    put(folder, "copy of handbook-2024.md", HANDBOOK.format(days=30), "2024-05-02")
    put(
        folder,
        "canteen.md",
        "# Canteen\n\nLunch is served from noon. Fish is served on 2 days.\n",
        "2023-01-01",
    )
    table = "| Month | Days of leave |\n|---|---|\n| January | {0} |\n| February | {1} |\n"
    put(folder, "leave-a.md", table.format(12, 9), "2023-01-01")
    put(folder, "leave-b.md", table.format(14, 11), "2024-01-01")
    with Library.open(tmp_path / "library", settings(), watch=False) as opened:
        list(opened.sync([str(folder)]))
        yield opened


QUESTION = "How many days of paid leave do employees get?"


def ask(library: Library, question: str, provider: ScriptedProvider | None = None, **more: object) -> Answer:
    session = LocalSession(library, models=ScriptedModels(provider))
    *_, answer = session.ask(AskRequest(question=question, remember=False, **more))  # type: ignore[arg-type]
    assert isinstance(answer, Answer)
    return answer


def check_rows(answer: Answer) -> None:
    (conflict,) = answer.conflicts
    assert conflict.about == "Employees get … of paid leave a year."
    assert [row.value for row in conflict.rows] == ["30 days", "28 days"]
    assert [row.date for row in conflict.rows] == ["2024-05-02", "2022-03-01"]
    cited = {citation.n: citation for citation in answer.citations}
    for row in conflict.rows:
        assert row.value in cited[row.citation].quote
        assert cited[row.citation].path == row.path
    assert len(cited) == len(answer.citations)


def test_two_versions_that_disagree_are_shown_side_by_side(library: Library) -> None:
    answer = ask(library, QUESTION)
    assert answer.status == "answered"
    check_rows(answer)


def test_an_older_version_of_a_long_document_is_not_hidden(folder: Path, tmp_path: Path) -> None:
    rest = "\n\n".join(f"Rule {n}: the door of room {n} is locked at night by the porter." for n in range(60))
    for version, days in ((1, 28), (2, 30)):
        put(folder, f"rules v{version}.md", f"{HANDBOOK.format(days=days)}\n{rest}\n", f"202{version}-03-01")
    with Library.open(tmp_path / "library", settings(), watch=False) as library:
        list(library.sync([str(folder)]))
        (conflict,) = ask(library, QUESTION).conflicts
    assert [(row.value, row.date) for row in conflict.rows] == [
        ("30 days", "2022-03-01"),
        ("28 days", "2021-03-01"),
    ]


def test_a_model_that_chooses_one_version_does_not_hide_the_other(library: Library) -> None:
    answer = ask(library, QUESTION, ScriptedProvider("Employees get 30 days of paid leave a year [1]."))
    assert answer.generator == "scripted"
    check_rows(answer)


def test_the_other_version_outside_the_scope_is_left_alone(library: Library) -> None:
    assert ask(library, QUESTION, scope="name:2024").conflicts == ()


@pytest.mark.parametrize(
    "question",
    ["When is lunch served?", "When does work begin in the morning?", "Days of leave in February?"],
)
def test_an_answer_about_something_else_raises_no_alarm(library: Library, question: str) -> None:
    assert ask(library, question).conflicts == ()


def test_a_version_that_has_changed_meanwhile_is_said_to(library: Library, folder: Path) -> None:
    put(folder, "handbook-2022.md", HANDBOOK.format(days=25), "2025-01-01")
    answer = ask(library, QUESTION)
    noted = {Path(citation.path).name: citation.note for citation in answer.citations}
    assert noted["handbook-2022.md"] == freshness.CHANGED
    assert freshness.CHANGED not in [note for name, note in noted.items() if name != "handbook-2022.md"]


def test_pages_are_told(folder: Path, tmp_path: Path) -> None:
    import pymupdf

    for number, days in ((1, 28), (2, 30)):
        with pymupdf.open() as pdf:  # type: ignore[no-untyped-call]
            for text in ("Handbook for employees", f"Employees get {days} days of paid leave a year."):
                pdf.new_page().insert_text((72, 72), text)
            pdf.set_metadata({"creationDate": f"D:202{number}0301120000Z"})
            pdf.save(folder / f"handbook v{number}.pdf")
    with Library.open(tmp_path / "library", settings(), watch=False) as library:
        list(library.sync([str(folder)]))
        (conflict,) = ask(library, QUESTION).conflicts
    assert [(row.value, row.page, row.date[:4]) for row in conflict.rows] == [
        ("30 days", 2, "2022"),
        ("28 days", 2, "2021"),
    ]
