"""The table of a counted answer, and conversations, as CSV and Markdown. Takes answers as the wire has them.

What is exported is opened by other programs: cells cannot become formulas, text cannot become links.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from indexer.errors import UsageError
from indexer.text import safe_text

FORMATS = {"csv": "csv", "md": "md", "markdown": "md"}
COLUMNS = ("document", "mentions", "value", "page", "quote", "verdict", "date", "path", "note")

_FORMULA = re.compile(r"^\s*[=+\-@|\t\r]")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|#])")

Row = dict[str, str]


def rows(answer: Mapping[str, Any]) -> Iterator[Row]:
    """A row for each value; for a document without one a row that says so, also when it could not be read."""
    cited = {citation["n"]: citation for citation in answer["citations"]}
    for finding in answer["findings"]:
        base = {
            "document": _name(finding["path"]),
            "mentions": "yes" if finding["found"] else "no",
            "date": finding["date"],
            "path": _line(finding["path"]),
            "note": _line(finding["note"]),
        }
        cells: list[Mapping[str, Any]] = finding["cells"] or [{}]
        for cell in cells:
            citation = cited.get(cell.get("citation"), {})
            yield {
                **base,
                "value": _line(cell.get("value", "")),
                "page": str(citation.get("page") or ""),
                "quote": _line(citation.get("quote", "")),
                "verdict": cell.get("verdict", ""),
                "note": _line("; ".join(_said_of(citation))) or base["note"],
            }
    for file in answer["coverage"]["unread"]:
        yield {
            **dict.fromkeys(COLUMNS, ""),
            "document": _name(file["path"]),
            "mentions": "not read",
            "path": _line(file["path"]),
            "note": _line(file["reason"]),
        }


def as_csv(answer: Mapping[str, Any]) -> str:
    """The table as CSV with a line of names; a cell that a spreadsheet would run gets an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows(answer):
        cells = (row[column] for column in COLUMNS)
        writer.writerow([f"'{cell}" if _FORMULA.match(cell) else cell for cell in cells])
    return text.getvalue()


def as_markdown(answer: Mapping[str, Any]) -> str:
    """The table as Markdown, below the question and the count."""
    columns = ("document", "mentions", "value", "page", "quote", "date")
    lines = [
        f"# {_escaped(answer['question'])}",
        "",
        _escaped(answer["answer"].partition("\n")[0]),
        "",
        "| " + " | ".join(columns) + " |",
        "|" + "---|" * len(columns),
    ]
    for row in rows(answer):
        note = f" ({_escaped(row['note'])})" if row["note"] else ""
        doubt = "" if row["verdict"] in ("", "supported") else f" ({row['verdict']})"
        cells = {column: _escaped(row[column]) for column in columns}
        cells["value"] += doubt
        cells["document"] += note
        lines.append("| " + " | ".join(cells[column] for column in columns) + " |")
    coverage = answer["coverage"]
    read = f"Read {coverage['read']:,} of {coverage['in_scope']:,} documents in scope"
    return "\n".join([*lines, "", f"{read}; {_escaped(answer['generator'])}.", ""])


def export(answer: Mapping[str, Any], target: str, format: str = "") -> str:
    """Write the table to a file; returns its absolute path.

    Args:
        answer: With findings.
        target: The file; it is replaced.
        format: csv or md; "" goes by the file's suffix.

    Raises:
        UsageError: the answer has no table, the format is unknown, or the file cannot be written.
    """
    path = Path(target).expanduser()
    text = formatted(answer, format or path.suffix.removeprefix(".").casefold())
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise UsageError(f"Cannot write {path}: {exc.strerror}.") from exc
    return os.path.abspath(path)  # noqa: PTH100 - links stay as they are


def formatted(answer: Mapping[str, Any], format: str) -> str:
    """The table in a format. Raises UsageError as `export` does."""
    if not answer["findings"]:
        raise UsageError(
            "There is no table to export: the question was not put to every document.",
            hint="--exhaustive puts it to every document.",
        )
    kind = FORMATS.get(format)
    if kind is None:
        raise UsageError(
            f"A table cannot be written as {format or 'a file without suffix'}.",
            hint="Name a file ending in .csv or .md, or give --format csv or --format md.",
        )
    return as_csv(answer) if kind == "csv" else as_markdown(answer)


def conversation_markdown(conversation: Mapping[str, Any]) -> str:
    """A conversation with its citations as Markdown."""
    turns = conversation["turns"]
    lines = [f"# Conversation of {turns[0]['asked'] if turns else ''}".rstrip(), ""]
    if conversation["scope"]:
        lines += [f"Scope: {_escaped(conversation['scope'])}", ""]
    for turn in turns:
        lines += _turn(turn)
    return "\n".join(lines)


def _turn(turn: Mapping[str, Any]) -> list[str]:
    answer = turn["answer"]
    lines = [f"## {_escaped(answer['question'])}", "", *_paragraphs(answer["answer"]), ""]
    doubts = [claim for claim in answer["claims"] if claim["verdict"] != "supported"]
    lines += [
        f"- **{claim['verdict']}**: {_escaped(claim['text'])} {_escaped(claim['reason'])}" for claim in doubts
    ]
    lines += [""] if doubts else []
    for conflict in answer["conflicts"]:
        lines += [f"Documents disagree: {_escaped(conflict['about'])}", ""]
        lines += [
            f"- {_escaped(row['value'])} ({row['date']}, {_escaped(_name(row['path']))}) "
            f"\\[{row['citation']}\\]"
            for row in conflict["rows"]
        ]
        lines.append("")
    cited = answer["citations"] or answer["nearest"]
    if cited:
        lines += ["Sources:" if answer["citations"] else "Nearest passages:", ""]
        lines += [_source(citation) for citation in cited]
        lines.append("")
    coverage = answer["coverage"]
    said = {1: " It helped.", -1: " It was wrong."}.get(turn["verdict"], "")
    read = f"Read {coverage['read']:,} of {coverage['in_scope']:,} documents"
    return [*lines, f"*{turn['asked']}, {_escaped(answer['generator'])}. {read}.{said}*", ""]


def _paragraphs(text: str) -> Iterable[str]:
    return (f"{_escaped(line)}  " if line.strip() else "" for line in text.splitlines())


def _source(citation: Mapping[str, Any]) -> str:
    page = f", p. {citation['page']}" if citation["page"] else ""
    note = "".join(f" ({_escaped(each)})" for each in _said_of(citation))
    quote = _escaped(" ".join(citation["quote"].split()))
    return f"- \\[{citation['n']}\\] {_escaped(citation['path'])}{page}: “{quote}”{note}"


def _said_of(citation: Mapping[str, Any]) -> list[str]:
    """What is said beside a citation: that its file has changed, that there is a newer version."""
    newer = citation.get("newer") or {}
    return [each for each in (citation.get("note", ""), newer.get("text", "")) if each]


def _name(path: str) -> str:
    return _line(path.rstrip("/").rpartition("/")[2])


def _line(text: str) -> str:
    return safe_text(" ".join(text.split()), single_line=True)


def _escaped(text: str) -> str:
    """Foreign text that Markdown shows as it is."""
    return _MARKDOWN.sub(r"\\\1", _line(text))
