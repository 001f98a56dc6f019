"""The card of a data set: what is in it, where it is from, what was left out, how to make it again.

It names no time and no place on this machine: the same library gives the same card.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from copilot.dataset import KINDS, DataKind, ExportRequest
from copilot.engine import VERSION
from copilot.export import schema
from copilot.export.licences import UNKNOWN

FOLDERS = 20
"""Sources named one by one."""
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))

_WHAT = {
    "text": "whole documents as clean text",
    "qa": "questions with answers; every answer has quotes with their places",
    "preference": "a better and a worse answer to the same question, as people judged them",
    "eval": "judged answers as evaluation cases for Quire itself (`QUIRE_EVAL_CASES`); their documents may "
    "be in any split",
}


@dataclass(slots=True, kw_only=True)
class Tally:
    """What is counted on the way."""

    documents: int = 0
    in_scope: int = 0
    languages: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    folders: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    quality: Counter[int] = field(default_factory=Counter)
    """Documents by the lower end of ten percent."""
    sources: Counter[str] = field(default_factory=Counter)
    redacted: Counter[str] = field(default_factory=Counter)
    furniture: int = 0
    hidden_pages: int = 0
    suspected_pages: int = 0
    groups: int = 0
    left_out: dict[DataKind, Counter[str]] = field(default_factory=dict)
    records: dict[DataKind, dict[str, int]] = field(default_factory=dict)

    def without(self, kind: DataKind, reason: str) -> None:
        """Count what is left out."""
        self.left_out.setdefault(kind, Counter())[reason] += 1


def card(request: ExportRequest, tally: Tally) -> str:
    """The text of `README.md`."""
    kinds = [kind for kind in KINDS if any(tally.records.get(kind, {}).values())]
    parts = [
        f"---\n{_head(request, tally, kinds)}---",
        "# A data set from a library of documents",
        f"Made by Quire {VERSION} with\n\n```\n{request.command or 'quire export FOLDER'}\n```",
        *_contents(request, tally, kinds),
        *_sources(request, tally),
        *_filters(tally),
        *_redaction(request, tally),
        *_fields(request, kinds),
    ]
    return "\n\n".join(parts) + "\n"


def _head(request: ExportRequest, tally: Tally, kinds: Sequence[DataKind]) -> str:
    """The front matter that `datasets` reads; JSON is YAML."""
    total = sum(sum(tally.records[kind].values()) for kind in kinds)
    suffix = "parquet" if request.format == "parquet" else "jsonl"
    head: dict[str, Any] = {
        "pretty_name": "Documents of a Quire library",
        "language": sorted(code for code in tally.languages if code),
        "license": _licence(tally.licences),
        "size_categories": [next((name for limit, name in _SIZES if total < limit), "n>1M")],
        "task_categories": ["text-generation", "question-answering"],
        "configs": [
            {
                "config_name": kind,
                **({"default": True} if at == 0 else {}),
                "data_files": [
                    {"split": split, "path": f"data/{kind}/{split}.{suffix}"}
                    for split in _splits(request, tally, kind)
                ],
            }
            for at, kind in enumerate(kinds)
        ],
        "dataset_info": [
            {"config_name": kind, "features": schema.described(schema.fields(kind, request.style))}
            for kind in kinds
        ],
    }
    told = ((key, json.dumps(value, ensure_ascii=False)) for key, value in head.items() if value)
    return "".join(f"{key}: {value}\n" for key, value in told)


def _splits(request: ExportRequest, tally: Tally, kind: DataKind) -> list[str]:
    order = [name for name, _ in request.split]
    return sorted(
        (split for split, count in tally.records[kind].items() if count),
        key=lambda split: order.index(split) if split in order else len(order),
    )


def _licence(licences: Counter[str]) -> str:
    return next(iter(licences)).lower() if len(licences) == 1 and UNKNOWN not in licences else "other"


def _contents(request: ExportRequest, tally: Tally, kinds: Sequence[DataKind]) -> list[str]:
    names = list(dict.fromkeys(name for kind in kinds for name in _splits(request, tally, kind)))
    rows = [
        [f"`{kind}`", *(f"{tally.records[kind].get(name, 0):,}" for name in names), _WHAT[kind]]
        for kind in kinds
    ]
    shares = ", ".join(f"{name} {share:g}" for name, share in request.split)
    parts = [
        "## Contents",
        _table(["configuration", *names, "what"], rows) if rows else "Nothing was found to export.",
        f"Splits ({shares}; seed {request.seed}) part {tally.groups:,} groups of documents, not documents: "
        "near-copies (half of their runs of five words or more in common), versions of one document and "
        "documents cited by one answer are in one split.",
    ]
    if tally.sources:
        told = ", ".join(f"{name} {count:,}" for name, count in sorted(tally.sources.items()))
        parts.append(f"Pairs by origin: {told}.")
    if kinds:
        parts.append(f'```python\ndatasets.load_dataset("FOLDER", "{kinds[0]}")\n```')
    return parts


def _sources(request: ExportRequest, tally: Tally) -> list[str]:
    parts = [
        "## Sources",
        f"{tally.documents:,} of {tally.in_scope:,} documents in scope"
        + (f" (`{_code(request.scope)}`)." if request.scope else "."),
    ]
    if request.paths != "none" and tally.folders:
        rows = [[f"`{_code(name)}`", f"{count:,}"] for name, count in _most(tally.folders, FOLDERS)]
        parts.append(_table(["folder", "documents"], rows))
    for title, counts in (("type", tally.types), ("language", tally.languages), ("licence", tally.licences)):
        rows = [[_cell(name) or "unknown", f"{count:,}"] for name, count in _most(counts, FOLDERS)]
        if rows:
            parts.append(_table([title, "documents"], rows))
    rows = [[f"{low} to {min(low + 9, 100)}", f"{count:,}"] for low, count in sorted(tally.quality.items())]
    if rows:
        parts.append("Quality: how well the text was read, 100 being without fault.")
        parts.append(_table(["quality", "documents"], rows))
    return parts


def _filters(tally: Tally) -> list[str]:
    rows = [
        [kind, _cell(reason), f"{count:,}"]
        for kind in KINDS
        for reason, count in sorted(tally.left_out.get(kind, {}).items())
        if count
    ]
    parts = ["## Left out", _table(["kind", "why", "records"], rows) if rows else "Nothing."]
    if tally.furniture:
        parts.append(f"{tally.furniture:,} lines of running headers and footers were taken out.")
    if tally.hidden_pages:
        parts.append(f"{tally.hidden_pages:,} pages with text that nobody sees were taken out.")
    if tally.suspected_pages:
        parts.append(
            f"{tally.suspected_pages:,} pages stayed although some text on them is tiny, white or unseen: it "
            "is so on more than a fifth of the pages of their documents and was taken for layout."
        )
    return parts


def _redaction(request: ExportRequest, tally: Tally) -> list[str]:
    if not request.redact:
        return ["## Redaction", "None: the export was made with `--no-redact`."]
    rows = [[kind.lower(), f"{count:,}"] for kind, count in sorted(tally.redacted.items())]
    return [
        "## Redaction",
        "Values are replaced by placeholders like `⟦MAIL-1⟧`, in one document always by the same.",
        _table(["kind", "values replaced"], rows) if rows else "Nothing had to be replaced.",
    ]


def _fields(request: ExportRequest, kinds: Sequence[DataKind]) -> list[str]:
    names = "; ".join(
        f"`{kind}`: {', '.join(f'`{name}`' for name in schema.fields(kind, request.style))}" for kind in kinds
    )
    return [
        "## Fields",
        f"{names}." if names else "None.",
        "`document` is the SHA-256 of the file. In `evidence`, `quote` is `text[start:end]` of the document "
        "as Quire holds it, and `text[text_start:text_end]` of the record of `text` with the same "
        "`document`; `page` counts from 1. `family` names the group that is never parted.",
    ]


def _most(counts: Counter[str], limit: int) -> Iterable[tuple[str, int]]:
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    rest = sum(count for _, count in ordered[limit:])
    return [*ordered[:limit], *([("others", rest)] if rest else [])]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _code(text: str) -> str:
    return _cell(text).replace("`", "'")


def counted(records: Mapping[DataKind, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Per kind the records of each split, as the last event tells them."""
    return {kind: dict(found) for kind, found in records.items() if any(found.values())}
