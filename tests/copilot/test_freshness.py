"""Whether the files behind citations are still what was read, said beside the citation."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copilot import freshness
from copilot.session import LocalSession
from copilot.types import Answer, AskRequest, SummarizeRequest, Summary
from indexer.catalogue import Catalogue
from indexer.library import Library
from indexer.standing import standing
from tests.builders import settings, write

from .scripted import ScriptedModels

LEASE = "# Lease\n\nThe monthly rent of the boathouse is 1,250 euros. The lease ends on 31 March 2031.\n"


@pytest.fixture
def library(folder: Path, tmp_path: Path) -> Iterator[Library]:
    write(folder, {"lease.md": LEASE, "other.md": "# Other\n\nNothing of note is written here.\n"})
    with zipfile.ZipFile(folder / "papers.zip", "w") as archive:
        archive.writestr("inner.txt", "The deposit for the jetty is 800 euros.\n")
    with Library.open(tmp_path / "library", settings(), watch=False) as opened:
        list(opened.sync([str(folder)]))
        yield opened


def ask(library: Library, question: str = "How high is the monthly rent of the boathouse?") -> Answer:
    *_, answer = LocalSession(library, models=ScriptedModels(None)).ask(AskRequest(question=question))
    assert isinstance(answer, Answer)
    assert answer.status == "answered"
    return answer


def notes(answer: Answer) -> set[str]:
    return {citation.note for citation in answer.citations}


def test_an_unchanged_file_needs_no_word(library: Library) -> None:
    assert notes(ask(library)) == {""}


def test_an_edit_between_reading_and_asking_is_said_beside_the_citation(
    library: Library, folder: Path
) -> None:
    (folder / "lease.md").write_text(LEASE.replace("1,250", "1,400"))
    answer = ask(library)
    assert "1,250" in answer.citations[0].quote
    assert notes(answer) == {freshness.CHANGED}


def test_an_edit_that_keeps_size_and_time_is_noticed(library: Library, folder: Path) -> None:
    path = folder / "lease.md"
    before = path.stat()
    path.write_text(LEASE.replace("1,250", "1,400"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert notes(ask(library)) == {freshness.CHANGED}


def test_a_file_that_was_only_touched_is_the_same(library: Library, folder: Path) -> None:
    os.utime(folder / "lease.md", (1_600_000_000, 1_600_000_000))
    (folder / "lease.md").chmod(0o600)
    assert notes(ask(library)) == {""}


def test_a_file_that_is_gone_is_said_to_be(library: Library, folder: Path) -> None:
    (folder / "lease.md").unlink()
    assert notes(ask(library)) == {freshness.GONE}


def test_a_moved_file_is_said_to_be_where_it_is(library: Library, folder: Path) -> None:
    answer = ask(library)
    (folder / "2031").mkdir()
    (folder / "lease.md").rename(folder / "2031" / "lease.md")
    list(library.sync())
    (moved,) = freshness.checked(answer.citations[:1], library)
    assert moved.note == f"Moved to {folder / '2031' / 'lease.md'}."


def test_an_older_answer_is_told_of_a_newer_reading(library: Library, folder: Path) -> None:
    answer = ask(library)
    (folder / "lease.md").write_text(LEASE.replace("1,250", "1,400"))
    list(library.sync())
    (old,) = freshness.checked(answer.citations[:1], library)
    assert old.note == freshness.CHANGED
    assert notes(ask(library)) == {""}


def test_a_member_is_judged_by_its_container(library: Library, folder: Path) -> None:
    answer = ask(library, "How high is the deposit for the jetty?")
    assert answer.citations[0].path.endswith("papers.zip!/inner.txt")
    assert notes(answer) == {""}
    os.utime(folder / "papers.zip", (1_600_000_000, 1_600_000_000))
    assert freshness.checked(answer.citations, library)[0].note == ""
    with zipfile.ZipFile(folder / "papers.zip", "w") as archive:
        archive.writestr("inner.txt", "The deposit for the jetty is 900 euros.\n")
    assert freshness.checked(answer.citations, library)[0].note == freshness.CHANGED
    (folder / "papers.zip").unlink()
    assert freshness.checked(answer.citations, library)[0].note == freshness.GONE


def test_a_link_put_in_its_place_is_not_followed(library: Library, folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "lease.md", tmp_path / "copy.md")
    answer = ask(library)
    (folder / "lease.md").unlink()
    (folder / "lease.md").symlink_to(tmp_path / "copy.md")
    assert freshness.checked(answer.citations[:1], library)[0].note == freshness.UNKNOWN


def test_a_summary_from_the_cache_is_checked_too(library: Library, folder: Path) -> None:
    request = SummarizeRequest(paths=(str(folder / "lease.md"),), use_llm=False)
    session = LocalSession(library, models=ScriptedModels(None))
    *_, first = session.summarize(request)
    (folder / "lease.md").write_text(LEASE.replace("1,250", "1,400"))
    *_, second = session.summarize(request)
    assert isinstance(first, Summary)
    assert isinstance(second, Summary)
    assert {citation.note for citation in first.citations} == {""}
    assert second.cached
    assert {citation.note for citation in second.citations} == {freshness.CHANGED}


def test_only_a_file_whose_stat_differs_is_read(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(library)
    opened: list[str] = []
    real = open_of_standing()
    monkeypatch.setattr(
        "indexer.standing.open_document",
        lambda path, **rest: opened.append(os.fsdecode(path)) or real(path, **rest),  # type: ignore[func-returns-value]
    )
    citation = answer.citations[0]
    catalogue: Catalogue = library.catalogue
    assert standing(catalogue, citation.path, citation.document).state == "same"
    assert opened == []
    os.utime(citation.path, (1_600_000_000, 1_600_000_000))
    assert standing(catalogue, citation.path, citation.document).state == "same"
    assert opened == [citation.path]


def open_of_standing() -> Callable[..., int]:
    from indexer.parsing.opening import open_document

    return open_document
