"""What a record of each kind holds: one description for JSON, for Parquet and for the card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copilot.dataset import DataKind, Style
from copilot.export.pairs import Evidence

Type = str | tuple[Any, ...] | Mapping[str, Any]
"""A name of a type, a tuple with the type of a list's members, or the fields of an object."""

Fields = Mapping[str, Type]

_EVIDENCE: Type = (
    {
        "document": "string",
        "page": "int64",
        "start": "int64",
        "end": "int64",
        "quote": "string",
        "text_start": "int64",
        "text_end": "int64",
    },
)
_ORIGIN: Fields = {
    "language": "string",
    "document": "string",
    "path": "string",
    "title": "string",
    "family": "string",
    "licence": "string",
    "evidence": _EVIDENCE,
}
_TURN: Type = ({"role": "string", "content": "string"},)
_SAID: Type = ({"from": "string", "value": "string"},)

_TEXT: Fields = {
    "id": "string",
    "text": "string",
    "title": "string",
    "path": "string",
    "document": "string",
    "language": "string",
    "type": "string",
    "format": "string",
    "created": "string",
    "pages": "int64",
    "quality": "int64",
    "tags": ("string",),
    "family": "string",
    "licence": "string",
    "licence_source": "string",
    "provenance": {"path": "string", "document": "string", "parser": "string", "quire": "string"},
}
_PAIR: Mapping[Style, Fields] = {
    "chatml": {"messages": _TURN},
    "alpaca": {"instruction": "string", "input": "string", "output": "string"},
    "sharegpt": {"conversations": _SAID},
    "prompt-completion": {"prompt": "string", "completion": "string"},
}
_PREFERENCE: Mapping[Style, Fields] = {
    "chatml": {"prompt": _TURN, "chosen": _TURN, "rejected": _TURN},
    "alpaca": {"instruction": "string", "input": "string", "chosen": "string", "rejected": "string"},
    "sharegpt": {
        "conversations": _SAID,
        "chosen": {"from": "string", "value": "string"},
        "rejected": {"from": "string", "value": "string"},
    },
    "prompt-completion": {"prompt": "string", "chosen": "string", "rejected": "string"},
}
_CASE: Fields = {
    "question": "string",
    "answers": ("string",),
    "documents": ("string",),
    "quotes": ("string",),
    "scope": "string",
    "unanswerable": "bool",
}


def fields(kind: DataKind, style: Style) -> Fields:
    """The fields of a record, in order."""
    if kind == "text":
        return _TEXT
    if kind == "eval":
        return _CASE
    if kind == "qa":
        return {"id": "string", **_PAIR[style], "source": "string", **_ORIGIN}
    return {"id": "string", **_PREFERENCE[style], **_ORIGIN}


def pair(style: Style, question: str, answer: str) -> dict[str, Any]:
    """A question with its answer in a style."""
    if style == "alpaca":
        return {"instruction": question, "input": "", "output": answer}
    if style == "sharegpt":
        return {"conversations": [_said("human", question), _said("gpt", answer)]}
    if style == "prompt-completion":
        return {"prompt": question, "completion": answer}
    return {"messages": [_turn("user", question), _turn("assistant", answer)]}


def preference(style: Style, question: str, chosen: str, rejected: str) -> dict[str, Any]:
    """A question with a better and a worse answer in a style."""
    if style == "alpaca":
        return {"instruction": question, "input": "", "chosen": chosen, "rejected": rejected}
    if style == "sharegpt":
        return {
            "conversations": [_said("human", question)],
            "chosen": _said("gpt", chosen),
            "rejected": _said("gpt", rejected),
        }
    if style == "prompt-completion":
        return {"prompt": question, "chosen": chosen, "rejected": rejected}
    return {
        "prompt": [_turn("user", question)],
        "chosen": [_turn("assistant", chosen)],
        "rejected": [_turn("assistant", rejected)],
    }


def _turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _said(speaker: str, value: str) -> dict[str, str]:
    return {"from": speaker, "value": value}


def evidence(proof: Evidence, place: tuple[int, int] | None) -> dict[str, Any]:
    """A proof as it is written.

    Args:
        proof: The quote with its place in the document's own text.
        place: Its place in the text as exported; None when that text is not exported.
    """
    start, end = place if place is not None else (None, None)
    return {
        "document": proof.document,
        "page": proof.page,
        "start": proof.start,
        "end": proof.end,
        "quote": proof.quote,
        "text_start": start,
        "text_end": end,
    }


def described(found: Fields) -> list[dict[str, Any]]:
    """The fields as a card of a data set names them."""
    return [{"name": name, **_described(type_)} for name, type_ in found.items()]


def _described(type_: Type) -> dict[str, Any]:
    if isinstance(type_, str):
        return {"dtype": type_}
    if isinstance(type_, Mapping):
        return {"struct": described(type_)}
    (member,) = type_
    if isinstance(member, str):
        return {"list": member}
    return {"list": described(member)}
