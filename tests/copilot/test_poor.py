"""Poor text stays out of answers and of summaries of queries, and both say so."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pymupdf
import pytest

from copilot import passages
from copilot.session import LocalSession
from copilot.types import Answer, AskRequest, SummarizeRequest, Summary
from indexer.labelled import LabelChange
from indexer.library import Library
from tests.builders import settings, write
from tests.damage import letterspaced, sound

from .scripted import ScriptedModels

FACT = "The monthly rent of the boathouse is 1,250 euros. The lease of the boathouse ends in March 2031."
OTHER = "The monthly rent of the boathouse is 990 euros, says an old paper about the boathouse."


@pytest.fixture
def library(folder: Path, tmp_path: Path) -> Iterator[Library]:
    apart = letterspaced(sound("en", 2), random.Random(1))
    write(folder, {"lease.md": f"# Lease\n\n{FACT}\n", "sub/scan.txt": f"{apart}\n\n{OTHER}\n"})
    with Library.open(tmp_path / "library", settings(), watch=False) as opened:
        list(opened.sync([str(folder)]))
        yield opened


def ask(library: Library, **more: object) -> Answer:
    request = AskRequest(question="How high is the monthly rent of the boathouse?", **more)  # type: ignore[arg-type]
    *_, answer = LocalSession(library, models=ScriptedModels(None)).ask(request)
    assert isinstance(answer, Answer)
    return answer


def summarize(library: Library, **more: object) -> Summary:
    request = SummarizeRequest(**more)  # type: ignore[arg-type]
    *_, summary = LocalSession(library, models=ScriptedModels(None)).summarize(request)
    assert isinstance(summary, Summary)
    return summary


def cited(answer: Answer | Summary) -> set[str]:
    return {Path(citation.path).name for citation in answer.citations}


def test_an_answer_leaves_poor_text_out_and_names_it_with_its_reason(library: Library) -> None:
    answer = ask(library)
    assert cited(answer) == {"lease.md"}
    assert answer.coverage.in_scope == 2
    (unread,) = answer.coverage.unread
    assert unread.path.endswith("scan.txt")
    assert "text is poor" in unread.reason
    assert "apart" in unread.reason
    assert unread.hint


@pytest.mark.parametrize("scope", ["is:poor", "quality:<50"])
def test_poor_text_is_read_when_it_is_asked_for(library: Library, scope: str) -> None:
    answer = ask(library, scope=scope)
    assert cited(answer) == {"scan.txt"}
    assert answer.coverage.unread == ()


def test_a_document_named_itself_is_read_however_poor_it_is(library: Library, folder: Path) -> None:
    answer = ask(library, documents=(str(folder / "sub/scan.txt"),))
    assert cited(answer) == {"scan.txt"}
    assert ask(library, documents=(str(folder),)).coverage.unread != ()


def test_counting_every_document_leaves_poor_ones_out_too(library: Library) -> None:
    request = AskRequest(question="Which of the documents mention the boathouse?", exhaustive=True)
    *_, answer = LocalSession(library, models=ScriptedModels(None)).ask(request)
    assert isinstance(answer, Answer)
    assert {Path(finding.path).name for finding in answer.findings} == {"lease.md"}
    assert [Path(file.path).name for file in answer.coverage.unread] == ["scan.txt"]


def test_summaries_of_queries_and_folders_leave_poor_text_out_but_named_ones_in(
    library: Library, folder: Path
) -> None:
    queried = summarize(library, scope="boathouse")
    assert cited(queried) == {"lease.md"}
    assert [Path(file.path).name for file in queried.coverage.unread] == ["scan.txt"]
    inside = summarize(library, paths=(str(folder),))
    assert cited(inside) == {"lease.md"}
    assert [Path(file.path).name for file in inside.coverage.unread] == ["scan.txt"]
    named = summarize(library, paths=(str(folder / "sub/scan.txt"),))
    assert cited(named) == {"scan.txt"}
    assert named.coverage.unread == ()


def test_poor_parts_of_a_sound_document_are_left_out(folder: Path, tmp_path: Path) -> None:
    apart = letterspaced(sound("en", 3, sentences=40), random.Random(1))
    text = f"{sound('en', 2, sentences=120)}\n\n{FACT}\n\n{apart}\n\n{OTHER}\n\n{apart}\n"
    write(folder, {"long.txt": text})
    with Library.open(tmp_path / "library", settings(), watch=False) as library:
        list(library.sync([str(folder)]))
        details = library.details(str(folder / "long.txt"))
        assert details.quality is not None
        assert details.quality >= 50
        answer = ask(library)
        assert answer.citations
        assert all("990" not in citation.quote for citation in answer.citations)
        (part,) = answer.coverage.unread
        assert part.path.endswith("long.txt")
        assert "parts of it" in part.reason
        named = ask(library, documents=(str(folder / "long.txt"),))
        assert named.coverage.unread == ()
        assert any("990" in citation.quote for citation in named.citations)
        summary = summarize(library, scope="boathouse")
        assert summary.coverage.unread == (part,)
        assert summarize(library, paths=(str(folder / "long.txt"),)).coverage.unread == ()
        assert all(
            "990" not in citation.quote and "a s k" not in citation.quote for citation in summary.citations
        )


def test_poor_pages_that_an_answer_skips_are_named(folder: Path, tmp_path: Path) -> None:
    apart = letterspaced(sound("en", 3, sentences=40), random.Random(1))
    pages = [f"{FACT} {sound('en', 2, sentences=12)}", *[sound("en", n, sentences=12) for n in (4, 5)]]
    with pymupdf.open() as pdf:  # type: ignore[no-untyped-call]
        for text in [*pages, apart[:1500], pages[1], apart[:1500], *pages[1:]]:
            pdf.new_page().insert_textbox(pymupdf.Rect(50, 50, 550, 800), text, fontsize=9)  # type: ignore[no-untyped-call]
        pdf.save(folder / "lease.pdf")
    with Library.open(tmp_path / "library", settings(), watch=False) as library:
        list(library.sync([str(folder)]))
        (part,) = ask(library).coverage.unread
        assert ask(library, scope="quality:<101").coverage.unread == ()
    assert part.path.endswith("lease.pdf")
    assert part.reason.startswith("Only p. 4, 6: the text there is poor (")


def test_a_poor_document_kept_out_of_answers_is_named_once(library: Library, folder: Path) -> None:
    library.labels.change(LabelChange(targets=(str(folder / "sub/scan.txt"),), excluded=True))
    for coverage in (ask(library).coverage, summarize(library, scope="boathouse").coverage):
        (unread,) = coverage.unread
        assert unread.reason == passages.KEPT_OUT


def test_a_summary_of_a_folder_names_what_is_kept_out_of_answers(library: Library, folder: Path) -> None:
    write(folder, {"sub/offer.md": "# Offer\n\nThe new roof costs 31,400 euros.\n"})
    list(library.sync())
    library.labels.change(LabelChange(targets=(str(folder / "sub/offer.md"),), excluded=True))
    summary = summarize(library, paths=(str(folder),))
    told = {Path(file.path).name: file.reason for file in summary.coverage.unread}
    assert told.keys() == {"scan.txt", "offer.md"}
    assert told["offer.md"] == passages.KEPT_OUT
    assert (summary.coverage.read, summary.coverage.in_scope) == (1, 3)
    other = summarize(library, paths=(str(folder / "lease.md"),))
    assert other.coverage.unread == ()
    assert other.coverage.in_scope == 1
