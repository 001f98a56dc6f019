"""Questions to every document: the table against the truth, the cost, and going on after a kill."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from copilot.background import Background
from copilot.providers import Message
from copilot.session import LocalSession
from copilot.types import Answer, AskRequest, Cost, Notice, Retrieved
from indexer.errors import ConsentNeededError, ProviderError
from indexer.library import Library
from tests.builders import settings

from .reports import QUESTION, Report, write_reports
from .scripted import ScriptedModels, ScriptedProvider

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def truth(documents: Path) -> list[Report]:
    return write_reports(documents)


@pytest.fixture(scope="module")
def library(
    truth: list[Report], documents: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Library]:
    with Library.open(tmp_path_factory.mktemp("library"), settings(), watch=False) as opened:
        list(opened.sync([str(documents)]))
        yield opened


def ask(
    library: Library, provider: ScriptedProvider | None = None, question: str = QUESTION, **more: object
) -> tuple[Answer, list[object]]:
    session = LocalSession(library, models=ScriptedModels(provider))
    request = AskRequest(question=question, remember=False, **more)  # type: ignore[arg-type]
    events: list[object] = list(session.ask(request))
    answer = events[-1]
    assert isinstance(answer, Answer)
    return answer, events


def table(answer: Answer) -> dict[str, str | None]:
    """Name of each document read, with the values found; None where nothing was."""
    return {
        Path(finding.path).name: ", ".join(cell.value for cell in finding.cells) if finding.found else None
        for finding in answer.findings
    }


def check_quotes(library: Library, answer: Answer, truth: Sequence[Report]) -> None:
    cited = {citation.n: citation for citation in answer.citations}
    pages = {report.name: report.page for report in truth}
    for finding in answer.findings:
        for cell in finding.cells:
            citation = cited[cell.citation]
            assert citation.path == finding.path
            assert cell.value in " ".join(citation.quote.split())
            assert citation.page == pages[Path(citation.path).name] or not citation.path.endswith("pdf")
            assert library.text(citation.document, citation.start, citation.end).text == citation.quote


def test_thirty_reports_are_read_and_the_table_is_true(library: Library, truth: list[Report]) -> None:
    answer, events = ask(library)
    assert isinstance(events[0], Retrieved)
    assert events[-2] == Notice(text="Read 30 of 30.")
    assert (answer.coverage.read, answer.coverage.in_scope, answer.coverage.unread) == (30, 30, ())
    assert table(answer) == {report.name: report.value for report in truth}
    found = sum(report.value is not None for report in truth)
    assert answer.answer.splitlines()[0] == f"{found} of 30 documents mention thermal conductivity."
    check_quotes(library, answer, truth)
    assert {claim.verdict for claim in answer.claims} == {"supported"}


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("How many of these reports mention hydraulic conductivity?", "hydraulic"),
        ("Welche Berichte erwähnen die hydraulic conductivity?", "hydraulic"),
        ('Which documents contain "electrical resistance"?', "electrical resistance"),
    ],
)
def test_other_questions_of_the_kind(
    library: Library, truth: list[Report], question: str, found: str
) -> None:
    answer, _ = ask(library, question=question)
    expected = {report.name for report in truth if found in "".join(report.paragraphs)}
    assert {name for name, value in table(answer).items() if value is not None} == expected
    assert len(answer.findings) == 30


def test_a_question_for_one_fact_is_not_put_to_every_document(library: Library) -> None:
    question = "How heavy are the samples that were stored in a dry room?"
    answer, _ = ask(library, question=question)
    assert answer.findings == ()
    forced, _ = ask(library, question="Thermal conductivity?", exhaustive=True)
    assert len(forced.findings) == 30
    forbidden, _ = ask(library, exhaustive=False)
    assert forbidden.findings == ()


def test_nothing_found_is_counted_too(library: Library) -> None:
    answer, _ = ask(library, question="Which of these reports mention the magnetic susceptibility?")
    assert answer.status == "not_found"
    assert answer.answer == "None of 30 documents mentions magnetic susceptibility."
    assert len(answer.findings) == 30


def test_only_the_scope_is_read(library: Library, truth: list[Report]) -> None:
    answer, _ = ask(library, scope="ext:pdf")
    assert table(answer) == {report.name: report.value for report in truth if report.name.endswith("pdf")}
    assert (answer.coverage.read, answer.coverage.in_scope) == (5, 5)


def test_a_document_that_cannot_be_read_is_named(
    documents: Path, truth: list[Report], tmp_path: Path
) -> None:
    broken = tmp_path / "more"
    broken.mkdir()
    (broken / "broken.pdf").write_bytes(b"%PDF-1.7\nno more than this")
    (broken / "one.txt").write_text("The thermal conductivity is 3 W/mK.")
    with Library.open(tmp_path / "library", settings(), watch=False) as library:
        list(library.sync([str(broken)]))
        answer, _ = ask(library)
    assert (answer.coverage.read, answer.coverage.in_scope) == (1, 2)
    (unread,) = answer.coverage.unread
    assert unread.path == str(broken / "broken.pdf")
    assert unread.reason


def says(report: Report) -> str:
    """What a faithful model answers about a report."""
    if report.value is None:
        return "NOT_FOUND"
    return f"{report.value or '-'} | The thermal conductivity is {report.value or 'not given'} [1]."


class Faithful(ScriptedProvider):
    """Reads the report's number from its source line and answers by the truth."""

    def __init__(self, truth: Sequence[Report], *, is_local: bool = True) -> None:
        super().__init__("", is_local=is_local)
        self.truth = {report.name.partition(".")[0].removeprefix("report-"): report for report in truth}

    def stream(self, messages: Sequence[Message], **options: Any) -> Background[str]:
        match = re.search(r'source="(?:Report |report-)(\d\d)', messages[-1].content)
        assert match is not None
        self.answers = [says(self.truth[match[1]])]
        return super().stream(messages, **options)


def test_a_model_reads_one_document_a_call_and_the_cost_is_told_before(
    library: Library, truth: list[Report]
) -> None:
    provider = Faithful(truth)
    # Who cannot be asked has not agreed to many calls, but these are few.
    answer, events = ask(library, provider, consent="no")
    costs = [event for event in events if isinstance(event, Cost)]
    (cost,) = costs
    assert (cost.documents, cost.calls, cost.kept, cost.model, cost.host) == (30, 30, 0, "scripted", "")
    assert cost.tokens > 30 * 300
    assert events.index(cost) < events.index(Notice(text="Read 1 of 30."))
    assert len(provider.prompts) == 30
    assert answer.generator == "scripted"
    assert table(answer) == {report.name: report.value for report in truth}
    # Everything is kept: the same question costs nothing.
    again, events = ask(library, provider)
    assert len(provider.prompts) == 30
    assert not any(isinstance(event, Cost) for event in events)
    assert again.findings == answer.findings


def test_an_invented_value_is_marked(library: Library, truth: list[Report]) -> None:
    class Inventing(Faithful):
        name = "inventing"

    provider = Inventing(truth)
    provider.name = "inventing"
    provider.truth = {number: report._replace(value="99 W/mK") for number, report in provider.truth.items()}
    answer, _ = ask(library, provider, scope="ext:txt")
    verdicts = {
        cell.verdict for finding in answer.findings for cell in finding.cells if cell.value == "99 W/mK"
    }
    assert verdicts
    assert "supported" not in verdicts


def test_many_calls_need_consent(library: Library, truth: list[Report]) -> None:
    provider = Faithful(truth)
    provider.name = "costly"
    config = library.config
    exhaustive = config.exhaustive.model_copy(update={"calls_without_asking": 29})
    library.config = config.model_copy(update={"exhaustive": exhaustive})
    try:
        with pytest.raises(ConsentNeededError, match=r"30 calls of costly, about .* tokens"):
            ask(library, provider)
        assert provider.prompts == []
        refused, _ = ask(library, provider, consent="no")
        assert provider.prompts == []
        assert refused.generator == "extractive"
        assert any("not agreed" in note for note in refused.notes)
        assert table(refused) == {report.name: report.value for report in truth}
        ask(library, provider, consent="yes")
        assert len(provider.prompts) == 30
    finally:
        library.config = config


def test_a_model_that_fails_midway_leaves_a_whole_table(library: Library, truth: list[Report]) -> None:
    class Failing(Faithful):
        def stream(self, messages: Sequence[Message], **options: Any) -> Background[str]:
            if len(self.prompts) == 12:
                self.prompts.append([])
                raise ProviderError("The model went away.")
            return super().stream(messages, **options)

    provider = Failing(truth)
    provider.name = "failing"
    answer, _ = ask(library, provider)
    assert table(answer) == {report.name: report.value for report in truth}
    assert any("went away" in note for note in answer.notes)
    healed = Faithful(truth)
    healed.name = "failing"
    ask(library, healed)
    assert len(healed.prompts) == 18


CHILD = """
import sys, time
from pathlib import Path
from copilot.session import LocalSession
from copilot.types import AskRequest, Notice
from indexer.library import Library
from tests.builders import settings
from tests.copilot.reports import QUESTION, reports
from tests.copilot.scripted import ScriptedModels
from tests.copilot.test_exhaustive import Faithful

class Slow(Faithful):
    def stream(self, messages, **options):
        time.sleep(0.05)
        return super().stream(messages, **options)

with Library.open(Path(sys.argv[1]), settings(), watch=False) as library:
    list(library.sync([sys.argv[2]]))
    session = LocalSession(library, models=ScriptedModels(Slow(reports())))
    for event in session.ask(AskRequest(question=QUESTION, remember=False)):
        if isinstance(event, Notice):
            print(event.text, flush=True)
"""


def test_after_a_kill_only_the_rest_is_read(documents: Path, truth: list[Report], tmp_path: Path) -> None:
    place = tmp_path / "library"
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(place), str(documents)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stdout is not None
    for line in child.stdout:
        if line == "Read 12 of 30.\n":
            break
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
    provider = Faithful(truth)
    with Library.open(place, settings(), watch=False) as library:
        answer, events = ask(library, provider)
        (cost,) = [event for event in events if isinstance(event, Cost)]
        assert 12 <= cost.kept < 30
        assert len(provider.prompts) == cost.calls == 30 - cost.kept
        assert table(answer) == {report.name: report.value for report in truth}
        assert (answer.coverage.read, answer.coverage.in_scope) == (30, 30)


def test_a_changed_document_is_read_anew(tmp_path: Path, folder: Path) -> None:
    for number in range(3):
        (folder / f"report-0{number}.txt").write_text(f"The thermal conductivity is {number + 1} W/mK.")
    with Library.open(tmp_path / "library", settings(), watch=False) as library:
        list(library.sync([str(folder)]))
        first, _ = ask(library)
        (folder / "report-01.txt").write_text("The thermal conductivity is 7 W/mK.")
        list(library.sync())
        second, _ = ask(library)
    assert list(table(first).values()) == ["1 W/mK", "2 W/mK", "3 W/mK"]
    assert list(table(second).values()) == ["1 W/mK", "7 W/mK", "3 W/mK"]


def test_a_condition_on_the_value_decides_what_counts(tmp_path: Path, folder: Path) -> None:
    for name, period in (("a", "30 days"), ("b", "60 days"), ("c", "three months"), ("d", "two weeks")):
        (folder / f"{name}.txt").write_text(f"Contract {name}\n\nThe notice period is {period}.")
    (folder / "e.txt").write_text("Contract e\n\nA notice period is agreed elsewhere.")
    (folder / "f.txt").write_text("Contract f\n\nPayment is due within 90 days.")
    with Library.open(tmp_path / "library", settings(), watch=False) as library:
        list(library.sync([str(folder)]))
        longer, _ = ask(library, question="Which contracts have a notice period of more than 30 days?")
        shorter, _ = ask(library, question="Which contracts have a notice period of at most 30 days?")
    # Months and days are not compared; what gives no value is left for a person to look at.
    assert [name for name, value in table(longer).items() if value is not None] == ["b.txt", "e.txt"]
    assert [name for name, value in table(shorter).items() if value is not None] == [
        "a.txt",
        "d.txt",
        "e.txt",
    ]
    assert longer.answer.splitlines()[0] == "2 of 6 documents mention notice period of more than 30 days."


def test_a_chinese_table_gives_the_value_with_its_whole_unit(tmp_path: Path, folder: Path) -> None:
    (folder / "甲.txt").write_text("报告甲\n\n老化后绳索的抗拉强度为101兆帕。", encoding="utf-8")
    (folder / "乙.txt").write_text("报告乙\n\n由于机器故障，未测定抗拉强度。", encoding="utf-8")
    (folder / "丙.txt").write_text("报告丙\n\n混凝土的抗压强度为35兆帕。", encoding="utf-8")
    with Library.open(tmp_path / "library", settings(), watch=False) as library:
        list(library.sync([str(folder)]))
        answer, _ = ask(library, question="哪些报告提到了抗拉强度，给出的数值是多少？")
    assert table(answer) == {"甲.txt": "101兆帕", "乙.txt": "", "丙.txt": None}
