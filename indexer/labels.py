"""What people put on documents: tags, notes, fields, exclusions, verdicts; and collections.

Labels hang on files and follow them (`indexer.catalogue.cards` says how). A change made to a document is
made to every file that holds its content, and the last ones can be undone. What a person took away or
refused stays away: neither rules nor suggestions bring it back.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import cast

from indexer import labelfile, naming
from indexer.catalogue import Catalogue, Connection, cards, scoping
from indexer.catalogue import labels as stored
from indexer.catalogue.cards import NOTHING, Card
from indexer.errors import NotFoundError, UsageError
from indexer.labelled import (
    Collection as Saved,
)
from indexer.labelled import (
    FieldKind,
    Imported,
    LabelChange,
    Labelled,
    Labelling,
    Labels,
    Rule,
    Suggestion,
    Verdict,
)
from indexer.listing import as_paths, file_for
from indexer.query import parse
from indexer.rules import Rules
from indexer.suggesting import Suggester
from indexer.text import fold, safe_text

FileIds = Callable[[str], frozenset[int]]
"""The files a query means."""


class LabelBook:
    """The labels of an open library. Thread-safe."""

    def __init__(
        self,
        catalogue: Catalogue,
        file_ids: FileIds,
        *,
        revision: Callable[[], int],
        changed: Callable[[], None],
    ) -> None:
        """Keep the parts.

        Args:
            catalogue: Where labels are kept.
            file_ids: The files a query means.
            revision: Grows with every change of what can be found.
            changed: Called after every change of labels.
        """
        self._catalogue = catalogue
        self._file_ids = file_ids
        self._changed = changed
        self.rules = Rules(catalogue, file_ids, revision=revision, changed=self._bump)
        self._suggester = Suggester(catalogue)
        self.revision = 0
        """Grows with every change of labels."""

    def _bump(self) -> None:
        self.revision += 1
        self._changed()

    # --- what is on a document ---

    def labels(self, target: str) -> Labels:
        """What is on a path or `sha256:…`. Raises NotFoundError."""
        with self._catalogue.reader() as db:
            for spelling in as_paths(target):
                found = file_for(db, spelling)
                if found is not None:
                    return _labels(db, found)
        raise _unknown(target)

    def change(self, change: LabelChange) -> Labelled:
        """Change labels of all documents named, or of none.

        Raises:
            NotFoundError: a target is not in the library.
            UsageError: nothing is named, or a name or value cannot be taken.
        """
        files = self._files(change)
        with self._catalogue.transaction() as db:
            change = _checked(db, change)
            every = stored.copies(db, files, NOTHING)
            changed = _apply(db, every, change)
            says = f"{_said(change)} on {_counted(stored.count_documents(db, files), 'document')}"
            if changed:
                stored.remember(db, says, json.dumps(changed))
            documents = stored.count_documents(db, files)
        if changed:
            self.rules.refresh(anyway=True)
            self._bump()
        return Labelled(documents=documents, changed=len(changed), says=says)

    def _files(self, change: LabelChange) -> frozenset[int]:
        if not change.targets and not change.query.strip():
            raise UsageError("Name documents, or give a query.")
        named: frozenset[int] | None = None
        if change.targets:
            with self._catalogue.reader() as db:
                named = frozenset().union(*(_named(db, target) for target in change.targets))
        if not change.query.strip():
            return named or frozenset()
        found = self._file_ids(change.query)
        return found if named is None else found & named

    def undo(self) -> str:
        """Take the last change back; returns what it was. Raises NotFoundError when there is none."""
        with self._catalogue.transaction() as db:
            last = stored.last_change(db)
            if last is None:
                raise NotFoundError("There is nothing to undo.")
            number, says, before = last
            _restore(db, json.loads(before))
            stored.forget_change(db, number)
        self.rules.refresh(anyway=True)
        self._bump()
        return says

    # --- what there is ---

    def labelling(self) -> Labelling:
        """Tags, collections, fields and rules, each with how many documents have it."""
        with self._catalogue.reader() as db:
            return Labelling(
                tags=stored.tag_counts(db),
                collections=stored.collections(db),
                fields=stored.field_counts(db),
                rules=stored.rules(db),
            )

    def suggest(
        self, targets: Collection[str] = (), query: str = "", *, at_least: float = 0.0, limit: int = 200
    ) -> tuple[Suggestion, ...]:
        """Tags that documents like these have; without targets and query, of all without a tag.

        Args:
            targets: Paths or `sha256:…`.
            query: Instead of targets.
            at_least: Least confidence; 0 means the usual one.
            limit: Documents at most.
        """
        wanted = LabelChange(
            targets=tuple(targets), query=query if targets or query.strip() else "is:untagged"
        )
        return self._suggester.suggest(self._files(wanted), at_least=at_least, limit=limit)

    # --- collections and rules ---

    def save_collection(self, name: str, query: str) -> Saved:
        """Keep a search under a name, in place of one of the same name.

        Raises:
            UsageError: the query is empty, or would hold the collection itself.
        """
        name, query = naming.clean_name(name), " ".join(query.split())
        if not query:
            raise UsageError("A collection needs a query.", hint="For example: type:pdf after:1y lease")
        with self._catalogue.transaction() as db:
            _refuse_circle(db, fold(name), query, frozenset())
            stored.save_collection(db, name, query)
        self._bump()
        return Saved(name=name, query=query)

    def remove_collection(self, name: str) -> None:
        """Forget a collection; its documents are not touched. Raises NotFoundError."""
        with self._catalogue.transaction() as db:
            if not stored.remove_collection(db, name):
                raise NotFoundError(
                    f"There is no collection {safe_text(name, 60, single_line=True)}.",
                    hint="'quire collection list' names them.",
                )
        self._bump()

    def save_rule(self, query: str, gives: str) -> Rule:
        """Let a query give a tag, or `NAME=VALUE`, to all it finds from now on."""
        rule = self.rules.save(query, gives)
        self._bump()
        return rule

    def remove_rule(self, rule: int) -> None:
        """Forget a rule and what it gave. Raises NotFoundError."""
        self.rules.remove(rule)
        self._bump()

    # --- the plain file ---

    def export(self) -> str:
        """All labels as a text: one line each, sorted, the same for the same labels."""
        with self._catalogue.reader() as db:
            return labelfile.write(db)

    def take_in(self, text: str) -> Imported:
        """Add what an exported text holds; what is here already stays.

        Raises:
            UsageError: the text is no export; nothing was changed.
        """
        entries = labelfile.parse(text)
        with self._catalogue.transaction() as db:
            imported, before = labelfile.take_in(db, entries)
            if before:
                stored.remember(
                    db, f"import of {_counted(imported.documents, 'document')}", json.dumps(before)
                )
        self.rules.refresh(anyway=True)
        self._bump()
        return imported


# --- what is on a file ---------------------------------------------------------------------------


def _labels(db: Connection, file_id: int) -> Labels:
    file = stored.file_of(db, file_id)
    card = next(iter(cards.read(db, [file.card])), None) or _blank(file_id)
    fields = stored.fields_on(db, file_id)
    return Labels(
        path=file.path,
        document=f"sha256:{file.document}" if file.document else "",
        tags=stored.tags_on(db, file_id),
        refused=tuple(tag for _, (tag, given) in sorted(card.tags.items()) if not given),
        note=card.note,
        fields={name: value for name, (value, _) in fields.items()},
        ruled_fields=tuple(name for name, (_, ruled) in fields.items() if ruled),
        excluded=card.excluded,
        verdicts=tuple(Verdict(query=query, verdict=v) for query, v in sorted(card.verdicts.items())),
    )


def _blank(file_id: int) -> Card:
    return Card(id=0, file_id=file_id, path=b"", hash="")


def _named(db: Connection, target: str) -> frozenset[int]:
    for spelling in as_paths(target):
        found = scoping.named(db, [spelling]).files
        if found:
            return found
    raise _unknown(target)


def _unknown(target: str) -> NotFoundError:
    return NotFoundError(
        f"{safe_text(target, 300, single_line=True)} is not in the library.",
        hint="Add its folder with 'quire add', or check the path.",
    )


# --- one change ----------------------------------------------------------------------------------


def _checked(db: Connection, change: LabelChange) -> LabelChange:
    """The change with names and values as they are kept; makes fields that are new."""

    def tags(names: tuple[str, ...]) -> tuple[str, ...]:
        cleaned = (naming.clean_tag(name) for name in names)
        return tuple(stored.spelling(db, fold(tag)) or tag for tag in cleaned)

    return replace(
        change,
        add=tags(change.add),
        remove=tags(change.remove),
        refuse=tags(change.refuse),
        note=None if change.note is None else naming.clean_note(change.note),
        fields=checked_fields(db, change.fields, change.kind),
        asked=" ".join(change.asked.split()),
    )


def checked_fields(db: Connection, fields: Mapping[str, str], kind: str = "") -> dict[str, str]:
    """Names and values as they are kept; a name that is new makes a field, by default of the value's kind."""
    if kind not in ("", "text", "date", "number"):
        raise UsageError(f"A field is of the kind text, date or number, not {kind}.")
    kinds = stored.custom_fields(db)
    now = dt.datetime.now()
    found = {}
    for name, value in fields.items():
        name = naming.clean_field(name)
        if name not in kinds and value:
            kinds[name] = cast(FieldKind, kind) if kind else naming.kind_of(value)
            stored.make_field(db, name, kinds[name])
        if name not in kinds:
            raise UsageError(f"There is no field {name}.", hint="'quire field' lists those there are.")
        found[name] = naming.clean_value(name, value, kinds[name], now) if value else ""
    return found


def _apply(
    db: Connection, files: Collection[int], change: LabelChange
) -> list[tuple[int, dict[str, object] | None]]:
    """Change the cards of files; returns those that changed with what was on them before."""
    known = cards.on_files(db, files)
    held = {card.file_id: card for card in cards.read(db, known.values())}
    ruled = stored.ruled_tags(db, files) if change.remove else {}
    changed: list[tuple[int, dict[str, object] | None]] = []
    for file_id in sorted(files):
        card = held.get(file_id) or _blank(file_id)
        after = edited(card, change, ruled.get(file_id, frozenset()))
        if after.content == card.content:
            continue
        number = card.id or cards.put_on(db, file_id)
        cards.write(db, replace(after, id=number))
        changed.append((number, card.content if card.id else None))
    return changed


def edited(card: Card, change: LabelChange, ruled: Collection[str]) -> Card:
    """A card after a change.

    Args:
        card: As it is.
        change: Checked.
        ruled: Folded tags that rules give the file.
    """
    tags = dict(card.tags)
    for tag in change.remove:
        if fold(tag) in tags or fold(tag) in ruled:
            tags[fold(tag)] = (tag, False)
    tags |= {fold(tag): (tag, False) for tag in change.refuse}
    tags |= {fold(tag): (tag, True) for tag in change.add}
    fields = {name: value for name, value in {**card.fields, **change.fields}.items() if value}
    verdicts = dict(card.verdicts)
    if change.verdict is not None:
        verdicts[change.asked] = change.verdict
    return replace(
        card,
        tags=tags,
        fields=fields,
        verdicts={query: verdict for query, verdict in verdicts.items() if verdict},
        note=card.note if change.note is None else change.note,
        excluded=card.excluded if change.excluded is None else change.excluded,
    )


def _restore(db: Connection, before: list[tuple[int, dict[str, object] | None]]) -> None:
    """Put cards back as they were; those that were made go."""
    made = [number for number, content in before if content is None]
    contents = {number: content for number, content in before if content is not None}
    for card in cards.read(db, contents):
        cards.write(db, card.with_content(contents[card.id]))
    cards.remove(db, made)


def _said(change: LabelChange) -> str:
    parts = [f"tag {tag}" for tag in change.add]
    parts += [f"tag {tag} taken away" for tag in change.remove]
    parts += [f"tag {tag} refused" for tag in change.refuse]
    if change.note is not None:
        parts.append("note" if change.note else "note taken away")
    parts += [f"{name}={value}" if value else f"{name} taken away" for name, value in change.fields.items()]
    if change.excluded is not None:
        parts.append("kept out of answers" if change.excluded else "taken back into answers")
    if change.verdict is not None:
        parts.append({1: "this helped", -1: "this was wrong"}.get(change.verdict, "verdict taken back"))
    return ", ".join(parts) or "nothing"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _refuse_circle(db: Connection, key: str, query: str, seen: frozenset[str]) -> None:
    for leaf, _ in parse(query).leaves():
        if getattr(leaf, "name", "") != "collection":
            continue
        for name in leaf.values:  # type: ignore[union-attr]
            inner = fold(name)
            if inner == key:
                raise UsageError("A collection cannot hold itself.")
            text = stored.collection(db, name)
            if text is not None and inner not in seen:
                _refuse_circle(db, key, text, seen | {inner})
