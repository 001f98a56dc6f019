"""How near summaries without a language model come to those of people: ROUGE against lead-3 and LexRank.

All three have the same number of sentences of each document, chosen from the same list. LexRank is from
`sumy`, ROUGE from `rouge-score`; both serve this benchmark only and lie in a folder of their own, where
`make eval` puts them (`requirements-eval.txt`).
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import questions
from benchmarks.result import CORPORA, Result, Row, row
from copilot import sentences
from copilot.session import LocalSession
from copilot.types import SummarizeRequest, Summary
from indexer.library import Library

SENTENCES = 3
"""As many as lead-3 has, for papers; meetings are summarised in `MEETING_SENTENCES`."""
MEETING_SENTENCES = 7
PACKAGES = str(Path(sys.prefix, "eval"))
"""Where `make eval` puts what only this benchmark needs; `QUIRE_BENCH_PACKAGES` names another folder."""
KINDS = ("rouge1", "rouge2", "rougeL")

Scores = dict[str, float]
Lead = Callable[[Sequence[str], int], list[str]]


@dataclass
class Compared:
    """Mean F of every method over the documents of a set, and over each half of them."""

    scores: dict[str, list[Scores]] = field(default_factory=dict)

    def add(self, method: str, scores: Scores) -> None:
        """Count the scores of one document."""
        self.scores.setdefault(method, []).append(scores)

    def mean(self, method: str, kind: str, part: slice = slice(None)) -> float:
        """Mean F, 0 to 1."""
        values = [each[kind] for each in self.scores[method][part]]
        return sum(values) / max(len(values), 1)


def run(*, quick: bool = False) -> Result:
    """Measure on abstracts of papers and on meetings; `quick`: 40 papers only."""
    title = "Summaries without a model"
    if not CORPORA.is_dir():
        return {"title": title, "rows": [], "text": "needs ../shared/corpora"}
    sys.path.append(os.environ.get("QUIRE_BENCH_PACKAGES") or PACKAGES)  # last: it replaces nothing
    try:
        score, lexrank = _rouge(), _lexrank()
    except ImportError as exc:
        return {
            "title": title,
            "rows": [],
            "text": f"needs sumy and rouge-score, which `make eval` installs where they can be had: {exc}",
        }
    rows: list[Row] = []
    folder = CORPORA / "summaries"
    sets = [("scitldr", "references.jsonl", "references", SENTENCES, 40 if quick else None)]
    if not quick:
        sets.append(("qmsum", "queries.jsonl", "answers", MEETING_SENTENCES, None))
    for name, list_name, key, count, limit in sets:
        lines = (folder / name / list_name).read_text(encoding="utf-8").splitlines()
        wanted = [each for each in map(json.loads, lines) if each.get("type", "summary") == "summary"][:limit]
        rows += _rows(name, _compare(folder / name / "docs", wanted, key, count, score, lexrank))
    return {
        "title": title,
        "rows": rows,
        "text": f"Every method has {SENTENCES} sentences of a paper's abstract and {MEETING_SENTENCES} of a "
        "meeting; where ours quotes a sentence with the one before it, the others get as many. F with "
        "stemming; of several references the best counts. Tuned on every second document of each set; the "
        "other half stands beside.",
    }


def _compare(
    documents: Path,
    wanted: Sequence[dict[str, Any]],
    key: str,
    count: int,
    score: Callable[[Sequence[str], str], Scores],
    lexrank: Lead,
) -> Compared:
    compared = Compared()
    with questions.library(f"summaries-{documents.parent.name}", documents) as library:
        session = LocalSession(library)
        for each in wanted:
            path = str(documents / each["doc"])
            listed = list(_sentences(library, path))
            request = SummarizeRequest(paths=(path,), use_llm=False, sentences=count)
            *_, summary = session.summarize(request)
            assert isinstance(summary, Summary)
            ours = " ".join(line.text for line in summary.sentences)
            # A sentence that leans on the one before is quoted with it: the others get as many.
            length = len(sentences.cut(ours, "en"))
            compared.add("quire", score(each[key], ours))
            compared.add("lead", score(each[key], " ".join(listed[:length])))
            compared.add("lexrank", score(each[key], " ".join(lexrank(listed, length))))
    return compared


def _sentences(library: Library, path: str) -> Iterator[str]:
    """The sentences of a document without its title, in order, each once."""
    details = library.details(path)
    text = library.text(details.document, 0, 10**7).text
    body = text.partition("\n")[2] if text.startswith(details.title) else text
    for start, end in sentences.cut(body, details.language):
        yield " ".join(body[start:end].split())


def _rows(name: str, compared: Compared) -> list[Row]:
    rows = []
    for kind in KINDS:
        ours = compared.mean("quire", kind)
        lead, lexrank = compared.mean("lead", kind), compared.mean("lexrank", kind)
        held_out = compared.mean("quire", kind, slice(0, None, 2))
        rows.append(
            row(
                f"{name}: {kind} F",
                ours,
                "",
                reference=f"lead {lead:.4f}, LexRank {lexrank:.4f}; half not tuned on: {held_out:.4f}",
                ratio=ours / max(lead, lexrank),
                budget="ahead of both",
                met=ours > lead and ours > lexrank,
            )
        )
    return rows


def _rouge() -> Callable[[Sequence[str], str], Scores]:
    from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-not-found,import-untyped,unused-ignore]

    scorer = RougeScorer(list(KINDS), use_stemmer=True)

    def score(references: Sequence[str], text: str) -> Scores:
        found = [scorer.score(reference, text) for reference in references]
        return {kind: max(each[kind].fmeasure for each in found) for kind in KINDS}

    return score


class _Words:
    """The tokenizer `sumy` asks for; its own needs data from the net."""

    @staticmethod
    def to_words(text: str) -> list[str]:
        return re.findall(r"\w+", text.lower())


def _lexrank() -> Lead:
    from sumy.models.dom import ObjectDocumentModel, Paragraph, Sentence  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from sumy.nlp.stemmers import Stemmer  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from sumy.summarizers.lex_rank import LexRankSummarizer  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from sumy.utils import get_stop_words  # type: ignore[import-not-found,import-untyped,unused-ignore]

    rank = LexRankSummarizer(Stemmer("english"))
    rank.stop_words = get_stop_words("english")

    def choose(listed: Sequence[str], count: int) -> list[str]:
        document = ObjectDocumentModel([Paragraph([Sentence(text, _Words()) for text in listed])])
        return [str(each) for each in rank(document, count)]

    return choose
