"""Labels as text for people: tags, suggestions, rules, what is stale. Takes answers as the wire has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from indexer.text import safe_text
from tui.output import shown_path


def line(text: str, limit: int = 200) -> str:
    """Foreign text for one line."""
    return safe_text(text, limit, single_line=True)


def tags_text(tags: Iterable[Mapping[str, Any]]) -> str:
    """Tags on one line; those of rules in brackets."""
    return ", ".join(f"({line(tag['name'])})" if tag["rule"] else line(tag["name"]) for tag in tags)


def labels_text(labels: Mapping[str, Any]) -> Iterator[str]:
    """What people put on a document, a line each; nothing when there is nothing."""
    facts = [
        ("note", safe_text(labels["note"])),
        *((name, f"{line(value)}{_by_rule(name, labels)}") for name, value in labels["fields"].items()),
        ("excluded", "kept out of answers" if labels["excluded"] else ""),
        ("refused", ", ".join(map(line, labels["refused"]))),
        *(("feedback", _verdict(each)) for each in labels["verdicts"]),
    ]
    for name, value in facts:
        if value:
            first, *rest = value.splitlines()
            yield f"{name:<11}{first}"
            yield from (f"{'':<11}{each}" for each in rest)


def _by_rule(name: str, labels: Mapping[str, Any]) -> str:
    return "  (by a rule)" if name in labels["ruled_fields"] else ""


def _verdict(verdict: Mapping[str, Any]) -> str:
    said = "helped with" if verdict["verdict"] > 0 else "was wrong for"
    return f"{said} {line(verdict['query'])}"


def counts_text(tags: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Every tag with how many documents have it."""
    for tag in tags:
        ruled = f"  ({tag['by_rule']:,} by a rule)" if tag["by_rule"] else ""
        yield f"{tag['documents']:7,}  {line(tag['name'])}{ruled}"


def suggestions_text(found: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Suggested tags below their document."""
    path = ""
    for each in found:
        if each["path"] != path:
            path = each["path"]
            yield click.style(shown_path(path), bold=True)
        like = ", ".join(shown_path(other) for other in each["because"])
        yield f"  {each['confidence']:4.0%}  {line(each['tag'])}   like {like}"


def rules_text(rules: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Rules with their numbers."""
    for rule in rules:
        files = f"{rule['files']:,} file{'' if rule['files'] == 1 else 's'}"
        yield f"{rule['id']:3}  {line(rule['gives'])}  where  {line(rule['query'])}  ({files})"


def stale_text(stale: Mapping[str, Any]) -> Iterator[str]:
    """The three lists, each with its total."""
    titles = {
        "contradicted": "contradict their newer version",
        "review": "past their review",
        "untouched": "not touched for long",
    }
    for kind, title in titles.items():
        if not stale[kind]:
            continue
        yield click.style(f"{stale['totals'][kind]:,} {title}", bold=True)
        for each in stale[kind]:
            yield f"  {each['since']}  {shown_path(each['path'])}  {line(each['says'], 300)}"
            if each["newer"]:
                yield f"              newer: {shown_path(each['newer'])}"
        yield ""
