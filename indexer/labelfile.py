"""The plain file of labels: JSON Lines, sorted, the same bytes for the same labels.

It holds everything a person would miss when the library is gone. Lines of documents name the content and
the path; reading one in finds the document by its content first, then by its path, and what matches
nothing waits until the file appears.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from indexer import naming
from indexer.catalogue import Connection, cards
from indexer.catalogue import labels as stored
from indexer.catalogue.cards import NOTHING, Card
from indexer.errors import UsageError
from indexer.labelled import Imported
from indexer.text import fold, safe_text

FORMAT = 1
_HEAD = "quire-labels"
_LONGEST_PATH = 32_768


@dataclass(slots=True)
class Entries:
    """What a file of labels holds."""

    collections: list[tuple[str, str]] = field(default_factory=list)
    """(name, query)"""
    fields: list[tuple[str, str]] = field(default_factory=list)
    """(name, kind)"""
    rules: list[tuple[str, str, str]] = field(default_factory=list)
    """(query, field, value)"""
    documents: list[Card] = field(default_factory=list)


# --- writing -------------------------------------------------------------------------------------


def write(db: Connection) -> str:
    """Everything people put into the library beside their files, as text."""
    lines: list[dict[str, Any]] = [{_HEAD: FORMAT}]
    lines += [{"collection": each.name, "query": each.query} for each in stored.collections(db)]
    lines += [{"field": name, "kind": kind} for name, kind in sorted(stored.custom_fields(db).items())]
    rules = sorted((each.gives, each.query) for each in stored.rules(db))
    lines += [{"rule": gives, "query": query} for gives, query in rules]
    held = [card for card in cards.read_all(db) if not card.blank]
    documents = [_line(card) for card in sorted(held, key=lambda card: (card.path, card.hash, card.id))]
    return "".join(f"{_dump(line)}\n" for line in [*lines, *documents])


def _dump(line: dict[str, Any]) -> str:
    text = json.dumps(line, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # a path that is not UTF-8
        return json.dumps(line)
    return text


def _line(card: Card) -> dict[str, Any]:
    line = {
        "path": os.fsdecode(card.path),
        "document": f"sha256:{card.hash}" if card.hash else "",
        "tags": [tag for _, (tag, given) in sorted(card.tags.items()) if given],
        "refused": [tag for _, (tag, given) in sorted(card.tags.items()) if not given],
        "note": card.note,
        "fields": dict(sorted(card.fields.items())),
        "excluded": card.excluded,
        "verdicts": [{"query": query, "verdict": v} for query, v in sorted(card.verdicts.items())],
    }
    return {name: value for name, value in line.items() if value or name in ("path", "document")}


# --- reading -------------------------------------------------------------------------------------


def parse(text: str) -> Entries:
    """Read a file of labels.

    Raises:
        UsageError: it is none, with the line that is wrong.
    """
    entries = Entries()
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise UsageError("The file of labels is empty.")
    for number, line in lines:
        try:
            value = json.loads(line)
            if not isinstance(value, dict):
                raise ValueError("no JSON object")
            if number == lines[0][0]:
                _check_head(value)
            else:
                _take(entries, value)
        except (ValueError, RecursionError) as exc:
            told = safe_text(str(exc), 120, single_line=True)
            raise UsageError(
                f"Line {number} of the file of labels cannot be read: {told}.",
                hint="Nothing was changed. 'quire labels export' writes such files.",
            ) from exc
        except UsageError as exc:
            raise UsageError(
                f"Line {number} of the file of labels: {exc.message}", hint="Nothing was changed."
            ) from exc
    return entries


def _check_head(value: dict[str, Any]) -> None:
    version = value.get(_HEAD)
    if not isinstance(version, int):
        raise ValueError(f'it does not begin with {{"{_HEAD}": {FORMAT}}}')
    if version > FORMAT:
        raise UsageError("A newer Quire wrote it.")


def _take(entries: Entries, value: dict[str, Any]) -> None:
    if "collection" in value:
        entries.collections.append((naming.clean_name(_text(value, "collection")), _text(value, "query")))
    elif "field" in value:
        kind = _text(value, "kind")
        if kind not in ("text", "date", "number"):
            raise ValueError("kind is text, date or number")
        entries.fields.append((naming.clean_field(_text(value, "field")), kind))
    elif "rule" in value:
        name, sign, given = _text(value, "rule").partition("=")
        rule = (naming.clean_field(name), given) if sign else ("", naming.clean_tag(name))
        entries.rules.append((_text(value, "query"), *rule))
    elif "path" in value or "document" in value:
        entries.documents.append(_card(value))
    else:
        raise ValueError("it is neither collection, field, rule nor document")


def _card(value: dict[str, Any]) -> Card:
    digest = _text(value, "document").removeprefix("sha256:")
    if digest and (len(digest) != 64 or set(digest) - set("0123456789abcdef")):
        raise ValueError("document is sha256: and 64 digits")
    path = _text(value, "path")
    if len(path) > _LONGEST_PATH or "\0" in path:
        raise ValueError("path is none")
    verdicts = _list(value, "verdicts", lambda each: isinstance(each, dict))
    given = {fold(tag): (tag, True) for tag in map(naming.clean_tag, _list(value, "tags", _is_text))}
    refused = {fold(tag): (tag, False) for tag in map(naming.clean_tag, _list(value, "refused", _is_text))}
    fields = value.get("fields", {})
    if not isinstance(fields, dict) or not all(map(_is_text, fields.values())):
        raise ValueError("fields is an object of texts")
    return Card(
        id=0,
        file_id=None,
        path=os.fsencode(path),
        hash=digest,
        note=naming.clean_note(_text(value, "note")),
        excluded=value.get("excluded") is True,
        tags={**refused, **given},
        fields={naming.clean_field(name): text for name, text in fields.items() if text},
        verdicts={
            _text(each, "query"): 1 if each["verdict"] > 0 else -1
            for each in verdicts
            if isinstance(each.get("verdict"), int) and each["verdict"]
        },
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _text(value: dict[str, Any], name: str) -> str:
    found = value.get(name, "")
    if not isinstance(found, str):
        raise ValueError(f"{name} is no text")
    return found


def _list(value: dict[str, Any], name: str, right: Callable[[object], bool]) -> list[Any]:
    found = value.get(name, [])
    if not isinstance(found, list) or not all(map(right, found)):
        raise ValueError(f"{name} is no such list")
    return found


# --- taking in -----------------------------------------------------------------------------------

Before = list[tuple[int, dict[str, Any] | None]]
"""Cards that changed with what was on them; None: it is new."""


def take_in(db: Connection, entries: Entries) -> tuple[Imported, Before]:
    """Add all of this; what is in the library already stays as it is and is told."""
    kept: list[str] = []
    collections = _take_collections(db, entries.collections, kept)
    _take_fields(db, entries, kept)
    rules_before = len(stored.rules(db))
    for query, name, value in entries.rules:
        if name and name not in stored.custom_fields(db):
            stored.make_field(db, name, "date" if value.startswith("+") else naming.kind_of(value))
        stored.save_rule(db, query, name, value)
    work = _Taking(db, kept)
    waiting = work.take(entries.documents)
    return (
        Imported(
            documents=len(entries.documents) - len(waiting),
            changed=len(work.before),
            waiting=tuple(waiting),
            kept=tuple(dict.fromkeys(kept)),
            collections=collections,
            rules=len(stored.rules(db)) - rules_before,
        ),
        work.before,
    )


def _take_collections(db: Connection, found: Iterable[tuple[str, str]], kept: list[str]) -> int:
    made = 0
    for name, query in found:
        known = stored.collection(db, name)
        if known is None:
            stored.save_collection(db, name, query)
            made += 1
        elif known != query:
            kept.append(f"collection {name}")
    return made


def _take_fields(db: Connection, entries: Entries, kept: list[str]) -> None:
    for name, kind in entries.fields:
        stored.make_field(db, name, kind)  # type: ignore[arg-type]
        if stored.custom_fields(db)[name] != kind:
            kept.append(f"field {name}")
    for card in entries.documents:
        for name, value in card.fields.items():
            stored.make_field(db, name, naming.kind_of(value))


class _Taking:
    """Puts cards from a file onto the files of the library."""

    def __init__(self, db: Connection, kept: list[str]) -> None:
        self._db = db
        self._kept = kept
        self.before: Before = []

    def take(self, entries: Sequence[Card]) -> list[str]:
        """Take in cards; returns the paths of those that wait."""
        paths: defaultdict[str, set[bytes]] = defaultdict(set)
        for entry in entries:
            paths[entry.hash].add(entry.path)
        waiting = []
        for entry in entries:
            files = self._by_content(entry, paths[entry.hash]) or self._by_path(entry)
            for file_id in files:
                self._merge(cards.on_files(self._db, [file_id]).get(file_id, 0), entry, file_id)
            if not files:
                number = cards.waiting_for(self._db, entry.path, entry.hash) or 0
                self._merge(number, entry, None)
                waiting.append(os.fsdecode(entry.path) or entry.hash)
        return waiting

    def _by_content(self, entry: Card, own: set[bytes]) -> list[int]:
        """Files with the content; of those that have a line of their own only the one this is."""
        if not entry.hash or entry.hash == NOTHING:
            return []
        held = cards.holding(self._db, entry.hash)
        return [file_id for file_id, path in held if path == entry.path or path not in own]

    def _by_path(self, entry: Card) -> list[int]:
        found = cards.file_at(self._db, entry.path)
        return [] if found is None else [found]

    def _merge(self, number: int, entry: Card, file_id: int | None) -> None:
        known = next(iter(cards.read(self._db, [number] if number else [])), None)
        whole = cards.merged(known, entry) if known else entry
        if known and whole.content == known.content:
            self._note(known, entry)
            return
        if known:
            self._note(known, entry)
        elif file_id is not None:
            number = cards.put_on(self._db, file_id)
        else:
            number = cards.let_wait(self._db, entry.path, entry.hash)
        cards.write(self._db, replace(whole, id=number))
        self.before.append((number, known.content if known else None))

    def _note(self, known: Card, entry: Card) -> None:
        """Tell what the library says otherwise."""
        where = safe_text(os.fsdecode(entry.path), 200, single_line=True)
        for name, value in entry.fields.items():
            if known.fields.get(name, value) != value:
                self._kept.append(f"{name} of {where}")
        for key, (tag, given) in entry.tags.items():
            if known.tags.get(key, (tag, given))[1] != given:
                self._kept.append(f"tag {tag} of {where}")
