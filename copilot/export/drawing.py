"""Records as Markdown to read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from copilot.dataset import DataKind
from copilot.export.folder import Page, file_name

_SHOWN = ("path", "document", "language", "type", "created", "pages", "quality", "licence", "family")


def page_of(kind: DataKind) -> Page | None:
    """What draws records of a kind; None when nobody wants to read them."""
    pages: dict[DataKind, Page] = {"text": _document, "qa": _pair, "preference": _preference}
    return pages.get(kind)


def _document(record: Mapping[str, Any]) -> tuple[str, str]:
    head = "".join(f"{name}: {json.dumps(record[name], ensure_ascii=False)}\n" for name in _SHOWN)
    title = json.dumps(record["title"], ensure_ascii=False)
    name = f"{file_name(str(record['path'] or record['title']))}.{record['id'][:8]}"
    return name, f"---\ntitle: {title}\n{head}---\n\n{record['text'].rstrip()}\n"


def _pair(record: Mapping[str, Any]) -> tuple[str, str]:
    question, answer = _said(record)
    return "pairs", f"## {question}\n\n{answer}\n\n{_proofs(record)}\n"


def _preference(record: Mapping[str, Any]) -> tuple[str, str]:
    question = _last(record.get("prompt") or record.get("instruction") or record.get("conversations"))
    chosen, rejected = _last(record["chosen"]), _last(record["rejected"])
    return (
        "preferences",
        f"## {question}\n\nBetter: {chosen}\n\nWorse: {rejected}\n\n{_proofs(record)}\n",
    )


def _said(record: Mapping[str, Any]) -> tuple[str, str]:
    turns = record.get("messages") or record.get("conversations")
    if turns:
        return _last(turns[:1]), _last(turns)
    return str(record.get("instruction") or record.get("prompt")), str(
        record.get("output") or record.get("completion")
    )


def _last(said: Any) -> str:
    """The text of the last turn, in whatever style it is."""
    if isinstance(said, list):
        said = said[-1]
    if isinstance(said, Mapping):
        said = said.get("content", said.get("value", ""))
    return str(said)


def _proofs(record: Mapping[str, Any]) -> str:
    lines = []
    for proof in record["evidence"]:
        page = f", page {proof['page']}" if proof["page"] else ""
        quote = " ".join(str(proof["quote"]).split())
        lines.append(f"> {quote}\n>\n> {record['path'] or proof['document']}{page}\n")
    return "\n".join(lines)
