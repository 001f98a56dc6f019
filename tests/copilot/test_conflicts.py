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


@pytest.mark.parametrize(
    ("first", "second", "versions"),
    [
        ("The contact is Ms Weber.",
         "The contact is Mr Ito.", True),
        ("The contact for the lease is Ms Weber.",
         "The contact for the lease is Mr Ito.", False),
        ("Der Ansprechpartner ist Frau Weber.",
         "Der Ansprechpartner ist Herr Ito.", True),
        ("El contacto del proyecto es Ana Ruiz.",
         "El contacto del proyecto es Luis Mora.", False),
        ("Le responsable du projet est Anne Petit.",
         "Le responsable du projet est Luc Morel.", False),
        ("项目联系人是王芳。",
         "项目联系人是李明。", True),
        ("The cooling circuit uses the HX-200 pump.",
         "The cooling circuit uses the HX-300 pump.", True),
        ("The annual meeting takes place in Lyon.",
         "The annual meeting takes place in Turin.", True),
        ("Contact: Ms Weber",
         "Contact: Mr Ito", True),
        ("Anna Berg leads the sales team.",
         "Karl Ott leads the sales team.", True),
        ("The lease was signed by Martha Keller.",
         "The lease was signed by Peter Schmidt.", False),
        ("Ansprechpartnerin für den Urlaub ist Frau Weber.",
         "Ansprechpartnerin für den Urlaub ist Frau Ito.", True),
        ("Dogs are allowed in the flat.",
         "Dogs are not allowed in the flat.", False),
        ("Smoking is allowed on the terrace.",
         "Smoking is prohibited on the terrace.", False),
        ("Haustiere sind in der Wohnung erlaubt.",
         "Haustiere sind in der Wohnung nicht erlaubt.", False),
        ("Se permiten mascotas en el apartamento.",
         "No se permiten mascotas en el apartamento.", False),
        ("Les animaux sont admis dans l’appartement.",
         "Les animaux ne sont pas admis dans l’appartement.", False),
        ("公寓内允许饲养宠物。",
         "公寓内不允许饲养宠物。", False),
        ("The kitchen is closed on Mondays in winter.",
         "The kitchen is closed on Tuesdays in winter.", False),
        ("The lease ends on the first of May 2030.",
         "The lease ends on the third of May 2030.", False),
        ("Der Vertrag endet am ersten Mai 2030.",
         "Der Vertrag endet am dritten Mai 2030.", False),
    ],
)  # fmt: skip
def test_another_name_day_or_a_denial_is_a_disagreement(first: str, second: str, versions: bool) -> None:
    for a, b in ((first, second), (second, first)):
        (found,) = pairs(a, b, versions=versions)
        assert found[0] != found[1]
        assert all(found)


@pytest.mark.parametrize(
    ("first", "second", "versions"),
    [
        ("The rent in Bremen is 900 euros.",
         "The rent in Lübeck is 900 euros.", True),
        ("Anna Berg has worked here for 5 years.",
         "Karl Ott has worked here for 5 years.", True),
        ("The author is Anna Berg.",
         "The author is Karl Ott.", False),
        ("Author: Guido van Rossum",
         "Author: Barry Warsaw", False),
        ("The company opened an office in Lyon.",
         "The company opened an office in Turin.", False),
        ("Dogs are allowed in the garden.",
         "Dogs are not allowed in the flat.", True),
        ("If the flat is clean, the deposit is returned.",
         "If the flat is clean, the deposit is not returned.", True),
        ("Status: Final",
         "Status: Draft", False),
        ("The Senate is controlled by Democrats.",
         "The House is controlled by Republicans.", True),
        ("It is not known.",
         "It is known.", False),
        ("Members are Anna Berg.",
         "Members are Karl Ott.", True),
        ("Python supports this feature.",
         "Ruby supports this feature.", True),
        ("Is smoking allowed here?",
         "Smoking is not allowed here.", True),
        ("In May the museum is open.",
         "In June the museum is open.", False),
    ],
)  # fmt: skip
def test_two_names_that_are_both_right_raise_no_alarm(first: str, second: str, versions: bool) -> None:
    assert pairs(first, second, versions=versions) == []
    assert pairs(second, first, versions=versions) == []


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


CONTACT = """# Rules of the house

The contact for repairs is {name}. Dogs are {dogs} in the flat.

The first floor is cleaned by {others}.
"""


def test_versions_that_name_another_or_deny_it_stand_side_by_side(folder: Path, tmp_path: Path) -> None:
    old = CONTACT.format(name="Ms Weber", dogs="allowed", others="Anna Berg")
    new = CONTACT.format(name="Mr Ito", dogs="not allowed", others="Anna Berg")
    put(folder, "house rules v1.md", old, "2021-03-01")
    put(folder, "house rules v2.md", new, "2022-03-01")
    with Library.open(tmp_path / "library", settings(), watch=False) as library:
        list(library.sync([str(folder)]))
        (contact,) = ask(library, "Who is the contact for repairs?").conflicts
        (dogs,) = ask(library, "Are dogs allowed in the flat?").conflicts
        assert ask(library, "Who cleans the first floor?").conflicts == ()
    assert [row.value for row in contact.rows] == ["Mr Ito", "Ms Weber"]
    assert contact.about == "The contact for repairs is …."
    assert [row.date for row in contact.rows] == ["2022-03-01", "2021-03-01"]
    assert ["not" in row.value for row in dogs.rows] == [True, False]


def test_a_document_that_names_both_disagrees_with_nobody(folder: Path, tmp_path: Path) -> None:
    both = "The contact for repairs is Ms Weber. The contact for repairs is Mr Ito.\n"
    put(folder, "house v1.md", CONTACT.format(name="Ms Weber", dogs="allowed", others="Ines"), "2021-03-01")
    put(folder, "house v2.md", both, "2022-03-01")
    with Library.open(tmp_path / "library", settings(), watch=False) as library:
        list(library.sync([str(folder)]))
        assert ask(library, "Who is the contact for repairs?").conflicts == ()


@pytest.mark.parametrize(
    ("first", "second", "shown"),
    [
        ("Dogs are not allowed here.", "Dogs are allowed here.", ("are not allowed", "are allowed")),
        ("Hunde sind im Büro nicht erlaubt.", "Hunde sind im Büro erlaubt.", ("nicht erlaubt", "erlaubt")),
        ("办公室不允许员工养狗。", "办公室允许员工养狗。", ("不允许", "允许")),
        ("Das Rauchen ist im Hof verboten.", "Das Rauchen ist im Hof erlaubt.", ("verboten", "erlaubt")),
    ],
)  # fmt: skip
def test_of_a_denial_only_what_differs_is_shown(first: str, second: str, shown: tuple[str, str]) -> None:
    assert pairs(first, second, versions=True) == [shown]


def test_a_date_of_a_german_handbook_is_compared_whole(folder: Path, tmp_path: Path) -> None:
    for day, name in (("30. Juni 2024", "2024"), ("30. September 2026", "2026")):
        text = f"# Handbuch {name}\n\nDas Berichtsjahr endet am {day}. Hunde sind im Büro erlaubt.\n"
        put(folder, f"handbuch-{name}.md", text, f"{name}-03-01")
    with Library.open(tmp_path / "library", settings(), watch=False) as library:
        list(library.sync([str(folder)]))
        (conflict,) = ask(library, "Wann endet das Berichtsjahr?").conflicts
    assert [row.value for row in conflict.rows] == ["30. September 2026", "30. Juni 2024"]


def test_no_yes_stands_above_a_quote_that_a_newer_document_denies(folder: Path, tmp_path: Path) -> None:
    put(folder, "员工手册2024.md", "# 员工手册 2024\n\n办公室允许养狗。\n", "2024-03-01")
    put(
        folder,
        "员工手册2026.md",
        "# 员工手册 2026\n\n除周五外休假须提前两周申请。\n\n办公室不允许养狗。\n",
        "2026-03-01",
    )
    with Library.open(tmp_path / "library", settings(), watch=False) as library:
        list(library.sync([str(folder)]))
        answer = ask(library, "办公室允许养狗吗？", scope="path:2024", documents=())
        both = ask(library, "办公室允许养狗吗？")
    assert (answer.decision, answer.label) == ("yes", "是")
    assert both.conflicts
    assert (both.decision, both.label) == ("", "")
