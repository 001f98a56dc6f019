"""An export of real documents: proposals, much alike, and reports with pages."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from copilot.dataset import Exported, ExportRequest
from copilot.session import LocalSession
from indexer.library import Library
from tests.builders import settings

from .scripted import ScriptedModels
from .test_export import every, records, said, tree

SPLIT = (("train", 0.7), ("test", 0.3))


@pytest.mark.corpora
def test_proposals_and_reports_export_with_proofs_and_without_leaks(corpora: Path, tmp_path: Path) -> None:
    with Library.open(tmp_path / "library", settings(), watch=False) as library:
        list(library.sync([str(corpora / "peps" / "docs"), str(corpora / "pdf-qa" / "docs")]))
        session = LocalSession(library, models=ScriptedModels(None))
        for name in ("one", "two"):
            request = ExportRequest(
                folder=str(tmp_path / name), limit=90, split=(("train", 0.7), ("test", 0.3))
            )
            *_, done = session.export(request)
            assert isinstance(done, Exported)
        assert tree(tmp_path / "one") == tree(tmp_path / "two")
        texts = {record["document"]: record["text"] for record in every(tmp_path / "one", "text")}
        assert len(texts) > 80
        asked = every(tmp_path / "one", "qa")
        assert len(asked) > 300
        for record in asked:
            for proof in record["evidence"]:
                window = library.text(proof["document"], proof["start"], proof["end"])
                assert window.text == proof["quote"]
                assert texts[proof["document"]][proof["text_start"] : proof["text_end"]] == proof["quote"]
    for kind, text in (("text", lambda record: record["text"]), ("qa", said)):
        splits = {
            split: [text(each) for each in held] for split, held in records(tmp_path / "one", kind).items()
        }
        assert all(splits[name] for name in ("train", "test"))
        assert leaking(splits["train"], splits["test"]) == []


def leaking(train: list[str], test: list[str]) -> list[tuple[str, str]]:
    """Pairs of texts with half of their runs of five words in common."""

    def runs(text: str) -> set[tuple[str, ...]]:
        words = re.findall(r"\w+", text.lower())
        return {tuple(words[at : at + 5]) for at in range(max(1, len(words) - 4))}

    known = [runs(text) for text in test]
    holders: dict[tuple[str, ...], list[int]] = {}
    for at, found in enumerate(known):
        for run in found:
            holders.setdefault(run, []).append(at)
    leaks = []
    for text in train:
        found = runs(text)
        common = Counter(at for run in found for at in holders.get(run, ()))
        leaks += [
            (text[:80], test[at][:80])
            for at, count in common.items()
            if count >= 0.5 * (len(found) + len(known[at]) - count)
        ]
    return leaks
