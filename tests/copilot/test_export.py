"""Exports: what is written, what is left out, and that no split knows another."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from copilot.background import Background
from copilot.dataset import Exported, ExportProgress, ExportRequest
from copilot.export import leaks, splitting
from copilot.export.folder import MARKER, SplitFiles
from copilot.providers import Message
from copilot.session import LocalSession
from copilot.types import Answer, AskRequest
from indexer import neardup
from indexer.errors import StoreError, UsageError
from indexer.labelled import LabelChange
from indexer.library import Library
from tests.builders import settings, until, write

from .scripted import ScriptedModels, ScriptedProvider

TOPICS = ("boathouse", "orchard", "windmill", "quarry", "bakery", "lighthouse", "vineyard", "sawmill")


def sentences(topic: str, first: int, last: int) -> str:
    return " ".join(
        f"In the {n}th year of the {topic} its keeper wrote {n * 7} pages on {topic} matter number {n}."
        for n in range(first, last)
    )


def manual(topic: str) -> str:
    start = "This is the beginning, as every book of this kind has one of its own to offer."
    care = (
        f"The {topic} is cleaned by {topic} keepers on Mondays, when {topic} guests stay away. "
        f"Nobody else may enter the {topic} on that day."
    )
    return (
        f"# The {topic} handbook\n\n## Introduction\n\n{start}\n\n## Care of the {topic}\n\n{care}\n\n"
        f"## Yearly notes\n\n{sentences(topic, 1, 30)}\n"
    )


DOCUMENTS = {
    **{f"books/{topic}.md": manual(topic) for topic in TOPICS},
    "books/LICENSE": "MIT License\n\nPermission is hereby granted, free of charge, to any person "
    "obtaining a copy of this software and its documentation, to deal in it without restriction.\n",
    # Half alike, though neither versions nor near-copies.
    "half/alpha.txt": f"Alpha report. {sentences('harbour', 1, 40)} {sentences('crane', 1, 12)}\n",
    "half/omega.txt": f"Omega report. {sentences('harbour', 1, 40)} {sentences('ferry', 1, 12)}\n",
    "near/terms.txt": f"{sentences('station', 1, 60)}\n",
    "near/conditions.txt": f"{sentences('station', 1, 60)} One more word.\n",
    "lease v1.md": f"# Lease\n\n{sentences('lease', 1, 20)}\n\nThe rent is 800 euros.\n",
    "lease v2.md": f"# Lease\n\n{sentences('lease', 1, 20)}\n\nThe rent is 950 euros.\n",
    "people.md": "# Contacts of the rowing club\n\n## Reaching the treasurer\n\nWrite to the treasurer of "
    "the club at treasurer@rowing-club.org whenever the fee was not taken.\n\n"
    "## Reaching the harbour master\n\n"
    "The harbour master answers the telephone between nine and noon on every day but Sunday.\n",
    "prices.csv": "Boat,Length,Price\nGannet,4 metres,1200\nPuffin,6 metres,2300\nHeron,9 metres,4100\n",
    "secret/plan.txt": f"{sentences('tunnel', 1, 20)}\n",
    "secret/.quire-policy": "never\n",
    "tiny.txt": "Tea.\n",
}
SEED = 3


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    folder = tmp_path_factory.mktemp("documents")
    write(folder, DOCUMENTS)
    with Library.open(tmp_path_factory.mktemp("library"), settings(), watch=False) as opened:
        list(opened.sync([str(folder)]))
        yield opened


@pytest.fixture
def session(library: Library) -> LocalSession:
    return LocalSession(library, models=ScriptedModels(None))


Export = Callable[..., Exported]


@pytest.fixture
def export(session: LocalSession, tmp_path: Path) -> Export:
    def run(name: str = "out", **options: Any) -> Exported:
        options.setdefault("seed", SEED)
        *_, last = session.export(ExportRequest(folder=str(tmp_path / name), **options))
        assert isinstance(last, Exported)
        return last

    return run


def records(folder: Path | str, kind: str) -> dict[str, list[dict[str, Any]]]:
    """The records of each split."""
    return {
        path.stem: [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for path in sorted(Path(folder, "data", kind).glob("*.jsonl"))
    }


def every(folder: Path | str, kind: str) -> list[dict[str, Any]]:
    return [record for found in records(folder, kind).values() for record in found]


def said(record: dict[str, Any]) -> str:
    return " ".join(turn["content"] for turn in record["messages"])


def jaccard(a: str, b: str) -> float:
    """Of runs of five words, reckoned without the program's own code."""
    sets = []
    for text in (a, b):
        words = re.findall(r"\w+", text.lower())
        sets.append({tuple(words[at : at + 5]) for at in range(max(1, len(words) - 4))})
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


# --- what is written ---------------------------------------------------------------------------------


def test_a_text_record_tells_where_it_is_from(export: Export, library: Library) -> None:
    found = {record["path"]: record for record in every(export().folder, "text")}
    book = found["books/orchard.md"]
    assert book["text"] == DOCUMENTS["books/orchard.md"].rstrip("\n") or book["text"].startswith("# The orch")
    assert book["document"] == f"sha256:{hashlib.sha256(DOCUMENTS['books/orchard.md'].encode()).hexdigest()}"
    assert (book["licence"], book["licence_source"]) == ("MIT", "LICENSE")
    assert (book["language"], book["type"]) == ("en", "text")
    assert book["provenance"]["path"] == "books/orchard.md"
    assert book["provenance"]["parser"]
    assert found["people.md"]["licence"] == "unknown"
    assert not any(record["path"].startswith("/") for record in found.values())


def test_older_versions_copies_and_withheld_documents_are_left_out_and_counted(export: Export) -> None:
    done = export()
    paths = {record["path"] for record in every(done.folder, "text")}
    assert "lease v2.md" in paths
    assert not paths & {"lease v1.md", "secret/plan.txt", "tiny.txt"}
    assert len(paths & {"near/terms.txt", "near/conditions.txt"}) == 1
    assert done.left_out["text"] == {
        "superseded by a newer version": 1,
        "policy never": 1,
        "copy of another document (near)": 1,
        "shorter than 80 characters": 1,
    }
    readme = Path(done.folder, "README.md").read_text("utf-8")
    for reason in done.left_out["text"]:
        assert f"| text | {reason} | 1 |" in readme


def test_of_near_copies_the_one_that_duplicates_keeps_is_exported(export: Export, library: Library) -> None:
    (group,) = (each for each in library.duplicates().groups if each.relation == "near")
    paths = {record["path"] for record in every(export(paths="absolute").folder, "text")}
    assert [each.path in paths for each in group.files] == [True, False]


def test_a_scope_that_holds_only_the_worse_copy_exports_it(export: Export, library: Library) -> None:
    (group,) = (each for each in library.duplicates().groups if each.relation == "near")
    worse = group.files[1].path.rsplit("/", 1)[1]
    assert [record["path"] for record in every(export(scope=f"path:{worse}").folder, "text")] == [
        f"near/{worse}"
    ]


def test_documents_kept_out_of_answers_are_left_out(export: Export, library: Library) -> None:
    digest = hashlib.sha256(DOCUMENTS["books/bakery.md"].encode()).hexdigest()
    library.labels.change(LabelChange(targets=(f"sha256:{digest}",), excluded=True))
    try:
        done = export()
    finally:
        library.labels.undo()
    assert "books/bakery.md" not in {record["path"] for record in every(done.folder, "text")}
    assert done.left_out["text"]["kept out of answers"] == 1


def test_every_quote_stands_at_its_place_in_the_document_and_in_the_text(
    export: Export, library: Library
) -> None:
    folder = export().folder
    texts = {record["document"]: record["text"] for record in every(folder, "text")}
    found = every(folder, "qa")
    assert {record["source"] for record in found} == {"heading", "table"}
    for record in found:
        for proof in record["evidence"]:
            start, end, quote = proof["start"], proof["end"], proof["quote"]
            assert library.text(proof["document"], start, end).text == quote
            assert texts[proof["document"]][proof["text_start"] : proof["text_end"]] == quote
            assert " ".join(quote.split()) == record["messages"][1]["content"]


def test_headings_that_say_nothing_ask_nothing(export: Export) -> None:
    questions = [record["messages"][0]["content"] for record in every(export().folder, "qa")]
    assert any("Care of the orchard" in question for question in questions)
    assert not any("Introduction" in question for question in questions)


def test_a_cell_is_asked_for_by_its_row_and_column(export: Export) -> None:
    asked = {
        record["messages"][0]["content"]: record["messages"][1]["content"]
        for record in every(export().folder, "qa")
        if record["source"] == "table"
    }
    assert asked["In “prices”, what is “Price” for “Puffin”?"] == "2300"
    assert len(asked) == 6


def test_secrets_are_replaced_and_pairs_that_hold_them_are_left_out(export: Export) -> None:
    done = export()
    everything = "".join(path.read_text("utf-8") for path in Path(done.folder).rglob("*") if path.is_file())
    assert "treasurer@" not in everything
    assert "⟦MAIL-1⟧" in everything
    assert done.redacted == {"MAIL": 1}
    questions = [record["messages"][0]["content"] for record in every(done.folder, "qa")]
    assert any("harbour master" in question for question in questions)
    assert not any("treasurer" in question for question in questions)
    kept = export("open", redact=False)
    assert "treasurer@rowing-club.org" in "".join(record["text"] for record in every(kept.folder, "text"))


# --- splits ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_no_record_of_a_split_is_nearly_one_of_another(export: Export, seed: int) -> None:
    folder = export(f"out{seed}", seed=seed, split=(("train", 0.5), ("test", 0.5))).folder
    compared = 0
    for kind, text in (("text", lambda record: record["text"]), ("qa", said)):
        splits = records(folder, kind)
        assert set(splits) == {"train", "test"}
        for a in splits["train"]:
            for b in splits["test"]:
                assert jaccard(text(a), text(b)) < 0.5, (a["path"], b["path"])
                compared += 1
    assert compared > 40


def test_half_alike_documents_and_versions_are_one_family(export: Export) -> None:
    family = {record["path"]: record["family"] for record in every(export().folder, "text")}
    assert family["half/alpha.txt"] == family["half/omega.txt"]
    assert len(set(family.values())) == len(family) - 1


def test_a_new_document_moves_no_other(session: LocalSession, tmp_path: Path, folder: Path) -> None:
    write(folder, {f"{n}.txt": sentences(f"subject{n}", n, n + 20) for n in range(12)})
    places = []
    with Library.open(tmp_path / "own", settings(), watch=False) as library:
        for name in ("before", "after"):
            list(library.sync([str(folder)]))
            own = LocalSession(library, models=ScriptedModels(None))
            request = ExportRequest(folder=str(tmp_path / name), split=(("train", 0.5), ("test", 0.5)))
            assert isinstance([*own.export(request)][-1], Exported)
            places.append(
                {
                    record["path"]: split
                    for split, found in records(tmp_path / name, "text").items()
                    for record in found
                }
            )
            write(folder, {f"new{n}.txt": sentences(f"novelty{n}", n, n + 20) for n in range(6)})
    before, after = places
    assert len(after) == len(before) + 6
    assert {path: after[path] for path in before} == before


def test_texts_that_share_half_of_their_shingles_are_found_whatever_their_number() -> None:
    texts = [sentences("meadow", 100 * n, 100 * n + 30) for n in range(60)]
    texts += [
        f"{sentences('meadow', 100 * n, 100 * n + 24)} {sentences('heath', n, n + 6)}" for n in range(60)
    ]
    shingles = [neardup.shingles(text) for text in texts]
    found = set(splitting.alike([neardup.sketch(each) for each in shingles], lambda at: shingles[at]))
    wanted = {
        (a, b)
        for a in range(len(texts))
        for b in range(a + 1, len(texts))
        if neardup.compare(shingles[a], shingles[b]).jaccard >= 0.5
    }
    assert len(wanted) >= 60
    assert wanted <= found
    for at, each in enumerate(shingles):
        others = leaks.Index([*shingles[:at], *shingles[at + 1 :]])
        assert others.holds(each, 0.5) == any(at in pair for pair in wanted)


# --- files -------------------------------------------------------------------------------------------


def tree(folder: Path | str) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("format", ["jsonl", "parquet", "markdown"])
def test_the_same_library_gives_the_same_bytes(export: Export, format: str) -> None:
    first, second = export("one", format=format), export("two", format=format)
    assert tree(first.folder) == tree(second.folder)
    assert [each.sha256 for each in first.files] == [each.sha256 for each in second.files]


def test_another_library_of_the_same_files_gives_the_same_bytes(
    export: Export, library: Library, tmp_path: Path
) -> None:
    """Whatever the order in which they were read and the place where they lie."""
    root = library.status().roots[0].path
    elsewhere = tmp_path / "elsewhere"
    mtimes = {name: (Path(root) / name).stat().st_mtime_ns for name in DOCUMENTS}
    later = dict(reversed(DOCUMENTS.items()))
    with Library.open(tmp_path / "own", settings(), watch=False) as library:
        for name, text in later.items():
            write(elsewhere, {name: text})
            os.utime(elsewhere / name, ns=(mtimes[name], mtimes[name]))
            list(library.sync([str(elsewhere)]))
        own = LocalSession(library, models=ScriptedModels(None))
        *_, done = own.export(ExportRequest(folder=str(tmp_path / "two"), seed=SEED))
    assert isinstance(done, Exported)
    assert tree(done.folder) == tree(export("one").folder)


def test_a_folder_that_is_not_an_export_is_never_replaced(export: Export, tmp_path: Path) -> None:
    write(tmp_path / "out", {"thesis.txt": "mine"})
    with pytest.raises(UsageError, match="not empty"):
        export(overwrite=True)
    assert tree(tmp_path / "out") == {"thesis.txt": b"mine"}


def test_an_export_is_replaced_only_when_asked(export: Export, tmp_path: Path) -> None:
    export(kinds=("text",))
    with pytest.raises(UsageError, match="not empty"):
        export(kinds=("qa",))
    done = export(kinds=("qa",), overwrite=True)
    assert not Path(done.folder, "data", "text").exists()
    assert Path(done.folder, MARKER).is_file()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_export_into_the_library_itself_is_refused(export: Export, library: Library) -> None:
    root = library.status().roots[0].path
    with pytest.raises(UsageError, match="become documents itself"):
        export(f"{root}/out")
    assert not Path(root, "out").exists()


def test_a_closed_export_leaves_nothing_behind(session: LocalSession, tmp_path: Path) -> None:
    events = session.export(ExportRequest(folder=str(tmp_path / "out")))
    assert isinstance(next(events), ExportProgress)
    events.close()  # type: ignore[attr-defined]
    until(lambda: not list(tmp_path.iterdir()), "the folder is clean")


def test_a_full_disk_is_told_and_leaves_nothing_behind(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(SplitFiles, "add", full)
    with pytest.raises(StoreError, match="No space left on device") as told:
        export()
    assert "Free some space" in told.value.hint
    assert list(tmp_path.iterdir()) == []


LOAD = """
import json, sys, warnings
warnings.simplefilter("ignore")
import datasets
folder, cache = sys.argv[1:3]
datasets.disable_progress_bars()
told = {}
for name in datasets.get_dataset_config_names(folder):
    loaded = datasets.load_dataset(folder, name, cache_dir=cache)
    told[name] = {split: len(rows) for split, rows in loaded.items()}
    told[name]["columns"] = next(iter(loaded.values())).column_names
print(json.dumps(told))
"""


def load(folder: str, cache: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", LOAD, folder, str(cache)],
        capture_output=True,
        text=True,
        check=False,
        env={"HF_HUB_OFFLINE": "1", "HF_HOME": str(cache), "HOME": str(cache), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    ("format", "style", "columns"),
    [
        ("jsonl", "chatml", ["messages"]),
        ("parquet", "alpaca", ["instruction", "input", "output"]),
        ("markdown", "sharegpt", ["conversations"]),
        ("parquet", "prompt-completion", ["prompt", "completion"]),
    ],
)
def test_datasets_loads_every_configuration(
    export: Export, session: LocalSession, tmp_path: Path, format: str, style: str, columns: list[str]
) -> None:
    judge_answers(session)
    done = export(format=format, style=style, split=(("train", 0.5), ("test", 0.5)))
    told = load(done.folder, tmp_path / "cache")
    assert set(told) == {"text", "qa", "preference", "eval"}
    for kind, splits in told.items():
        loaded = splits.pop("columns")
        assert splits == dict(done.records[kind])
        if kind == "qa":
            assert loaded[1 : 1 + len(columns)] == columns


# --- what people said of answers -----------------------------------------------------------------------


QUESTION = "On which day is the orchard cleaned by its keeper?"


def ask(session: LocalSession, question: str) -> Answer:
    *_, answer = session.ask(AskRequest(question=question))
    assert isinstance(answer, Answer)
    return answer


def judge_answers(session: LocalSession) -> None:
    """A good and a bad answer to one question, and a question that rightly found nothing."""
    good = ask(session, QUESTION)
    assert good.status == "answered"
    session.judge(good.turn, 1)
    provider = ScriptedProvider("The orchard is cleaned by the owner on Fridays [1].")
    bad = ask(LocalSession(session.library, models=ScriptedModels(provider)), QUESTION)
    session.judge(bad.turn, -1)
    none = ask(session, "What did the zeppelin captain pay for hydrogen in Lakehurst?")
    assert none.status == "not_found"
    session.judge(none.turn, 1)


def test_judged_answers_become_pairs_preferences_and_cases(export: Export, session: LocalSession) -> None:
    judge_answers(session)
    folder = export().folder
    marked = [record for record in every(folder, "qa") if record["source"] == "marked"]
    assert [record["messages"][0]["content"] for record in marked] == [QUESTION]
    assert "[1]" not in marked[0]["messages"][1]["content"]
    (preference,) = every(folder, "preference")
    assert "Fridays" in preference["rejected"][0]["content"]
    assert "Monday" in preference["chosen"][0]["content"]
    cases = {case["question"]: case for case in every(folder, "eval")}
    assert set(cases[QUESTION]) == {"question", "answers", "documents", "quotes", "scope", "unanswerable"}
    assert cases[QUESTION]["documents"] == [marked[0]["document"]]
    assert any("Monday" in quote for quote in cases[QUESTION]["quotes"])
    assert [case["unanswerable"] for case in cases.values()].count(True) == 1


# --- generated pairs -----------------------------------------------------------------------------------


class AboutCare(ScriptedProvider):
    """Writes a pair about the passage that tells who may enter, and nothing about any other."""

    def stream(self, messages: Sequence[Message], **options: Any) -> Background[str]:
        told = "Nobody else may enter" in messages[-1].content
        self.answers = [self.pair if told else "I would rather not."]
        return super().stream(messages, **options)

    pair = ""


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("Nobody else may enter the orchard on that day.", True),
        ("The orchard was painted blue by 300 sailors in 1850.", False),
        ("Nobody else may enter the orchard on that day. The fine is 300 euros.", False),
    ],
)
def test_a_generated_answer_is_kept_only_when_its_passage_says_all_of_it(
    library: Library, tmp_path: Path, answer: str, kept: bool
) -> None:
    provider = AboutCare("")
    provider.pair = f"Q: Who may not enter the orchard when it is cleaned?\nA: {answer}"
    session = LocalSession(library, models=ScriptedModels(provider))
    folder = str(tmp_path / "out")
    request = ExportRequest(folder=folder, kinds=("qa",), scope="path:orchard", generate=True, calls=50)
    *_, done = session.export(request)
    assert isinstance(done, Exported)
    made = [record for record in every(folder, "qa") if record["source"] == "generated"]
    assert [record["messages"][1]["content"] for record in made] == ([answer] if kept else [])
    assert done.left_out["qa"].get("generated: not supported by its passage", 0) == (not kept)
    for record in made:
        for proof in record["evidence"]:
            assert "Nobody else may enter" in proof["quote"]
            assert library.text(proof["document"], proof["start"], proof["end"]).text == proof["quote"]


def test_generating_without_a_model_is_refused(session: LocalSession, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no language model"):
        session.export(ExportRequest(folder=str(tmp_path / "out"), generate=True))
