"""Summaries over a real library; only the language model is scripted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from copilot import selecting
from copilot.passages import sources
from copilot.session import LocalSession
from copilot.types import Notice, SummarizeRequest, Summary, Token
from indexer.config import Config, EmbeddingConfig, LanguageModelConfig
from indexer.errors import NotFoundError, ProviderError, UsageError
from indexer.library import Library
from indexer.wire import from_wire, to_wire
from tests.builders import settings

from .conftest import ModelServer
from .scripted import ScriptedModels, ScriptedProvider

TOPICS = {
    "harbour": "The harbour of Vasa was widened so that ferries with a draught of nine metres can enter it.",
    "bridge": "The bridge over the Lapua river was closed for repairs because its bearings had rusted.",
    "library": "The town library lends tools and musical instruments besides books to its members.",
    "budget": "The council's budget grew by four percent and most of the growth goes to schools.",
    "weather": "Winters have become shorter, and the sea freezes two weeks later than in the nineties.",
    "theatre": "The theatre moved into the old brewery, whose halls seat six hundred visitors.",
}
FILLER = "Further remarks on the {0} follow in the annex, where the {0} is described with figures and maps. "


def report(*topics: str) -> str:
    parts = ["# Report on the town\n"]
    for topic in topics:
        parts.append(f"## The {topic}\n\n{TOPICS[topic]} {FILLER.format(topic) * 8}\n")
    return "\n".join(parts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("documents")
    (made / "town").mkdir()
    (made / "town" / "report.md").write_text(report(*TOPICS), encoding="utf-8")
    (made / "town" / "short.md").write_text(report("budget"), encoding="utf-8")
    (made / "cake.txt").write_text(
        "Plum cake\n\nUse two kilograms of plums for the cake. Bake it for fifty minutes until brown.\n",
        encoding="utf-8",
    )
    (made / "broken.pdf").write_text("%PDF-1.7\nnothing", encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def library(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with Library.open(tmp_path_factory.mktemp("library"), Config(), watch=False) as opened:
        for _ in opened.sync([str(folder)]):
            pass
        yield opened


def summarize(
    library: Library, provider: ScriptedProvider | None = None, **request: object
) -> tuple[Summary, list[object]]:
    session = LocalSession(library, models=ScriptedModels(provider))
    events = list(session.summarize(SummarizeRequest(**request)))  # type: ignore[arg-type]
    assert isinstance(events[-1], Summary)
    return events[-1], list(events)


def check(library: Library, summary: Summary) -> None:
    numbers = [citation.n for citation in summary.citations]
    assert len(set(numbers)) == len(numbers)
    assert {n for sentence in summary.sentences for n in sentence.citations} <= set(numbers)
    for citation in summary.citations:
        window = library.text(citation.document, citation.start, citation.end)
        assert window.text == citation.quote


def test_a_document_is_summarised_in_its_own_sentences(library: Library, folder: Path) -> None:
    summary, events = summarize(library, paths=(str(folder / "town" / "report.md"),), sentences=5)
    assert summary.generator == "extractive"
    assert 3 <= len(summary.sentences) <= 5
    assert all(sentence.citations for sentence in summary.sentences)
    headings = {topic for topic in TOPICS for each in summary.sentences if topic in each.text.lower()}
    assert len(headings) >= 3  # from all parts, not five times the same
    starts = [citation.start for citation in summary.citations]
    assert starts == sorted(starts)
    assert (summary.coverage.in_scope, summary.coverage.read) == (1, 1)
    assert any(isinstance(event, Token) for event in events)
    assert summary.target == "report.md"
    check(library, summary)


def test_a_summary_is_kept_until_something_changes(library: Library, folder: Path) -> None:
    path = str(folder / "cake.txt")
    first, _ = summarize(library, paths=(path,), sentences=2)
    again, _ = summarize(library, paths=(path,), sentences=2)
    assert (first.cached, again.cached) == (False, True)
    assert again.sentences == first.sentences
    assert not summarize(library, paths=(path,), sentences=1)[0].cached
    (folder / "cake.txt").write_text("Plum cake\n\nUse three kilograms of plums for the cake now.\n")
    for _ in library.sync([path]):
        pass
    changed, _ = summarize(library, paths=(path,), sentences=2)
    assert not changed.cached
    assert "three kilograms" in changed.summary


def test_several_documents_a_folder_and_a_query(library: Library, folder: Path) -> None:
    both, _ = summarize(library, paths=(str(folder / "cake.txt"), str(folder / "town" / "short.md")))
    assert {Path(citation.path).name for citation in both.citations} == {"cake.txt", "short.md"}
    town, _ = summarize(library, paths=(str(folder / "town"),))
    assert town.coverage.read == 2
    found, _ = summarize(library, scope="budget council", sentences=3)
    assert any("budget" in sentence.text for sentence in found.sentences)
    assert "cake.txt" not in {Path(citation.path).name for citation in found.citations[:1]}
    for summary in (both, town, found):
        check(library, summary)


def test_what_cannot_be_summarised_says_why(library: Library, folder: Path) -> None:
    with pytest.raises(UsageError):
        summarize(library)
    with pytest.raises(NotFoundError):
        summarize(library, paths=(str(folder / "missing.txt"),))
    with pytest.raises(NotFoundError) as unreadable:
        summarize(library, paths=(str(folder / "broken.pdf"),))
    assert library.details(str(folder / "broken.pdf")).reason.rstrip(".") in str(unreadable.value)


def test_a_model_summarises_from_numbered_passages(library: Library, folder: Path) -> None:
    text = "The harbour of Vasa was widened for ferries [1]. The mayor resigned in 1987 [1]."
    provider = ScriptedProvider(text)
    summary, events = summarize(library, provider, paths=(str(folder / "town" / "report.md"),))
    assert summary.generator == "scripted"
    assert summary.sentences[0].verdict == "supported"
    assert summary.sentences[1].verdict in ("unsupported", "contradicted")
    assert summary.sentences[1].reason
    written = [prompt for prompt in provider.prompts if "summarise" in prompt[0].content]
    assert len(written) == 1
    assert "".join(e.text for e in events if isinstance(e, Token)).startswith("The harbour")
    check(library, summary)


def test_a_long_text_is_read_in_parts(library: Library, folder: Path) -> None:
    provider = ScriptedProvider("The harbour of Vasa was widened for ferries [1].", context_tokens=1100)
    path = str(folder / "town" / "report.md")
    summary, events = summarize(library, provider, paths=(path,), sentences=6)
    notices = [event.text for event in events if isinstance(event, Notice)]
    parts = int(re.findall(r"of (\d+)", notices[0])[0])
    assert parts >= 2
    assert notices[parts - 1] == f"Reading part {parts} of {parts}."
    assert len(provider.prompts) > parts
    for prompt in provider.prompts:
        assert sum(len(message.content) for message in prompt) / 4 < 1100
    shown = "".join(message.content for prompt in provider.prompts for message in prompt)
    for text in TOPICS.values():
        assert text in shown  # every part was read
    assert summary.sentences
    check(library, summary)


def test_a_failing_model_leaves_quotes_that_are_not_kept(library: Library, folder: Path) -> None:
    failure = ProviderError("The server failed (500).", hint="Ask again.")
    paths = (str(folder / "town" / "short.md"),)
    summary, events = summarize(library, ScriptedProvider(failure), paths=paths, sentences=3)
    assert summary.generator == "extractive"
    assert summary.sentences
    assert any("500" in note for note in summary.notes)
    assert any(isinstance(event, Notice) for event in events)
    later, _ = summarize(library, ScriptedProvider("The budget grew [1]."), paths=paths, sentences=3)
    assert (later.generator, later.cached) == ("scripted", False)


def test_a_real_server_summarises(library: Library, folder: Path, model_server: ModelServer) -> None:
    from copilot.providers import Models

    settings = LanguageModelConfig(provider="openai", base_url=f"{model_server.url}/v1", model="ok")
    session = LocalSession(library, models=Models(Config(language_model=settings)))
    *_, summary = session.summarize(SummarizeRequest(paths=(str(folder / "town" / "short.md"),), sentences=4))
    assert isinstance(summary, Summary)
    assert summary.generator == "ok"
    assert summary.sentences
    check(library, summary)


def test_summaries_cross_the_wire(library: Library, folder: Path) -> None:
    summary, _ = summarize(library, paths=(str(folder / "town" / "short.md"),))
    assert from_wire(Summary, json.loads(json.dumps(to_wire(summary)))) == summary


def test_without_an_embedding_model_words_choose(folder: Path, tmp_path: Path) -> None:
    config = Config(embedding=EmbeddingConfig(provider="none"))
    with Library.open(tmp_path / "library", config, watch=False) as library:
        for _ in library.sync([str(folder)]):
            pass
        summary, _ = summarize(library, paths=(str(folder / "town" / "report.md"),), sentences=4)
        assert 2 <= len(summary.sentences) <= 4
        check(library, summary)


def test_word_vectors_are_unit_rows() -> None:
    rows = selecting.word_vectors(["the harbour", "the harbour and the bridge", ""])
    assert rows.shape[0] == 3
    assert abs(float(rows[0] @ rows[0]) - 1) < 1e-5
    assert float(rows[0] @ rows[1]) > 0
    assert sources([]) == []


def test_no_words_are_quoted_twice(library: Library, tmp_path: Path) -> None:
    text = (
        "Notes on the harbour\n\nThe harbour was widened in the spring by two Finnish companies. It can now "
        "take ferries with a draught of nine metres. They sail to Umeå every morning and carry timber. "
        "The old pier was taken down because its piles had rotted. This cost the town four million euros."
    )
    (tmp_path / "harbour.txt").write_text(text, encoding="utf-8")
    for _ in library.sync([str(tmp_path)]):
        pass
    request = SummarizeRequest(paths=(str(tmp_path / "harbour.txt"),), use_llm=False, sentences=4)
    *_, summary = LocalSession(library).summarize(request)
    assert isinstance(summary, Summary)
    assert len(summary.sentences) == 4
    spans = [(each.start, each.end) for each in summary.citations]
    assert all(before[1] <= after[0] for before, after in pairwise(sorted(spans)))


def test_a_summary_of_a_folder_leaves_older_versions_out_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "houses"
    folder.mkdir()
    rent = "# House rules {0}\n\nThe monthly rent of the boathouse is {1} euros. It ends in March 2031.\n"
    rest = "\n".join(f"Rule {n}: the boathouse is closed in the {n}th week of the year." for n in range(30))
    for number, amount in ((1, "990"), (2, "1,250")):
        (folder / f"house rules v{number}.md").write_text(f"{rent.format(number, amount)}\n{rest}\n")
    with Library.open(tmp_path / "versions", settings(), watch=False) as library:
        list(library.sync([str(folder)]))
        session = LocalSession(library, models=ScriptedModels(None))

        def summary(**more: object) -> Summary:
            *_, made = session.summarize(SummarizeRequest(**more))  # type: ignore[arg-type]
            assert isinstance(made, Summary)
            return made

        inside = summary(paths=(str(folder),))
        with_old = summary(paths=(str(folder),), scope="is:old")
        named = summary(paths=(str(folder / "house rules v1.md"),))
    assert {Path(each.path).name for each in inside.citations} == {"house rules v2.md"}
    assert any("1 older version was left out" in note for note in inside.notes)
    for made in (with_old, named):
        assert {Path(each.path).name for each in made.citations} == {"house rules v1.md"}
        assert not [note for note in made.notes if "left out" in note]
