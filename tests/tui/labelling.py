"""The part of the scripted session that keeps labels: in a dict, by path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from indexer.errors import NotFoundError
from indexer.labelled import (
    Collection,
    CustomField,
    Imported,
    LabelChange,
    Labelled,
    Labelling,
    Labels,
    Rule,
    Stale,
    Suggestion,
    Tag,
    TagCount,
)


@dataclass
class ScriptedLabels:
    """Implements what `copilot.types.Session` says of labels; every field may be set by a test."""

    on: dict[str, Labels] = field(default_factory=dict)
    """By path."""
    suggestions: tuple[Suggestion, ...] = ()
    collections: tuple[Collection, ...] = ()
    changes: list[LabelChange] = field(default_factory=list)
    undone: int = 0

    def labels(self, target: str) -> Labels:
        return self.on.get(target, Labels(path=target, document=f"sha256:{target}"))

    def label(self, change: LabelChange) -> Labelled:
        self.changes.append(change)
        for target in change.targets:
            before = self.labels(target)
            gone = {*change.remove, *change.refuse}
            tags = [tag for tag in before.tags if tag.name not in gone and tag.name not in change.add]
            tags += [Tag(name=name) for name in change.add]
            self.on[target] = replace(
                before,
                tags=tuple(sorted(tags, key=lambda tag: tag.name)),
                refused=tuple(sorted({*before.refused, *gone})),
                note=before.note if change.note is None else change.note,
                excluded=before.excluded if change.excluded is None else change.excluded,
            )
        count = len(change.targets)
        return Labelled(documents=count, changed=count, says=f"a change on {count} documents")

    def undo_label(self) -> str:
        if self.undone >= len(self.changes):
            raise NotFoundError("There is nothing to undo.")
        self.undone += 1
        return "tag tax on 1 document"

    def labelling(self) -> Labelling:
        names = sorted({tag.name for labels in self.on.values() for tag in labels.tags})
        return Labelling(
            tags=tuple(TagCount(name=name, documents=1, by_rule=0) for name in names),
            collections=self.collections,
            fields=(CustomField(name="review", kind="date", documents=0),),
            rules=(),
        )

    def suggest_tags(
        self, targets: Sequence[str] = (), query: str = "", *, at_least: float = 0.0, limit: int = 200
    ) -> tuple[Suggestion, ...]:
        return tuple(each for each in self.suggestions if each.path in targets)

    def save_rule(self, query: str, gives: str) -> Rule:
        return Rule(id=1, query=query, gives=gives)

    def remove_rule(self, rule: int) -> None:
        raise NotFoundError("There is no such rule.")

    def save_collection(self, name: str, query: str) -> Collection:
        made = Collection(name=name, query=query)
        self.collections = (*self.collections, made)
        return made

    def remove_collection(self, name: str) -> None:
        self.collections = tuple(each for each in self.collections if each.name != name)

    def export_labels(self) -> str:
        return '{"quire-labels": 1}\n'

    def import_labels(self, text: str) -> Imported:
        return Imported(documents=0, changed=0, waiting=(), kept=(), collections=0, rules=0)

    def stale(self, since: str = "2y", *, limit: int = 200) -> Stale:
        return Stale(untouched=(), review=(), contradicted=(), totals={}, compared=0)
