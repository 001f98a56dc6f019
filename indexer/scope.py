"""What a search is limited to: the demands of a query, of a second query, of a list of documents.

Fields are answered by the catalogue, words by the keyword index; here their answers meet. Must not know
how what is left over is ranked.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from indexer import values
from indexer.catalogue import Catalogue, labelling, labels, scoping
from indexer.collected import demanding, expand
from indexer.keyword import KeywordIndex
from indexer.query import And, Field, Must, Node, Not, Or, Phrase, Query, Word, parse
from indexer.text import fold

_KEPT = 64
_CHANGING = frozenset({"tag", "is", "note", "quality"})
"""Fields whose answer can change without a change of the keyword index."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is left over; None means that nothing limits."""

    files: frozenset[int] | None
    """Files the fields select: the paths a hit is shown under."""
    documents: frozenset[int] | None
    """Documents that meet all demands, of fields and of words."""
    chunks: frozenset[int] | None
    """Chunks on the pages and under the headings asked for."""
    in_scope: int
    """Documents that the fields, the scope and the list leave over."""
    demands: bool
    """Whether words are demanded or excluded."""
    notes: tuple[str, ...] = ()
    """Said to the person: there is no such collection."""


class Scoper:
    """Turns demands into ids. Thread-safe."""

    def __init__(self, catalogue: Catalogue, keyword: KeywordIndex) -> None:
        self._catalogue = catalogue
        self._keyword = keyword
        self._lock = threading.Lock()
        self._snapshot: object = None
        self._selections: dict[str, scoping.Selection] = {}
        self._counted: tuple[int, tuple[str, ...]] | None = None
        self._universe: frozenset[int] | None = None

    def library(self) -> tuple[int, tuple[str, ...]]:
        """How many documents there are, and the languages most of them are in."""
        self._follow()
        counted = self._counted
        if counted is None:
            with self._catalogue.reader() as db:
                counted = (scoping.count_documents(db), scoping.common_languages(db))
            self._counted = counted
        return counted

    def limits(
        self, query: Query, scope: Query, documents: Sequence[str], languages: tuple[str, ...] = ()
    ) -> Limits:
        """What a search is limited to.

        Args:
            query: Its fields, phrases, `+` and `-` demand; in a boolean query everything does.
            scope: The same, from a second query.
            documents: `sha256:…` or paths; a folder stands for all in it. Empty: no limit.
            languages: Whose inflections count where a word is demanded.
        """
        self._follow()
        asked, notes = self._expanded((*demanding(query), *demanding(scope)))
        fields = [node for node in asked if scoping.answers(node)]
        words = [node for node in asked if not scoping.answers(node)]
        selection = self._select(fields, documents)
        allowed = selection.documents if selection else None
        in_scope = self.library()[0] if allowed is None else len(allowed)
        for node in words:
            found = self._holding(node, languages)
            allowed = found if allowed is None else allowed & found
        return Limits(
            selection.files if selection else None,
            allowed,
            self._chunks([*asked], allowed),
            in_scope,
            bool(words),
            notes,
        )

    def parse(self, text: str, *, typing: bool = False) -> Query:
        """Parse a query with the fields that were made in this library."""
        with self._catalogue.reader() as db:
            return parse(text, typing=typing, custom=labelling.kinds(db))

    def _expanded(self, nodes: tuple[Node, ...]) -> tuple[tuple[Node, ...], tuple[str, ...]]:
        """The nodes with what they name in place of the names, and what is to be said of that."""
        if not any(_names(node) for node in nodes):
            return nodes, ()
        with self._catalogue.reader() as db:
            saved = {fold(each.name): each.query for each in labels.collections(db)}
            return expand(nodes, saved, labelling.kinds(db))

    def _follow(self) -> None:
        """Forget everything when the keyword index has changed: so has the library, then."""
        snapshot = self._keyword.snapshot
        if snapshot is not self._snapshot:
            with self._lock:
                self._selections, self._counted, self._universe = {}, None, None
                self._snapshot = snapshot

    def _select(self, fields: Sequence[Node], documents: Sequence[str]) -> scoping.Selection | None:
        if not fields and not documents:
            return None
        key = f"{fields!r} {documents!r}"
        known = self._selections.get(key)
        if known is not None:
            return known
        now = dt.datetime.now()
        with self._catalogue.reader() as db:
            selection = scoping.select(db, fields, now) if fields else None
            if documents:
                named = scoping.named(db, documents)
                if selection:
                    files = selection.files & named.files
                    named = scoping.Selection(files, selection.documents & named.documents)
                selection = named
        if selection is not None and not any(_changes(field) for field in fields):
            with self._lock:
                if len(self._selections) >= _KEPT:
                    self._selections.clear()
                self._selections[key] = selection
        return selection

    def _holding(self, node: Node, languages: tuple[str, ...]) -> frozenset[int]:
        """The documents for which a part of a query holds."""
        match node:
            case Word() | Phrase():
                return self._keyword.documents(node, "", languages)
            case Must(child):
                return self._holding(child, languages)
            case Not(child):
                return self._everything() - self._holding(child, languages)
            case And(children):
                return frozenset.intersection(*(self._holding(child, languages) for child in children))
            case Or(children):
                return frozenset.union(*(self._holding(child, languages) for child in children))
            case Field(name) if scoping.in_sql(name):
                selection = self._select([node], ())
                return selection.documents if selection else frozenset()
            case Field(name, found):
                return frozenset.union(*(self._keyword.documents(value, name) for value in found))
        raise AssertionError(node)

    def _everything(self) -> frozenset[int]:
        known = self._universe
        if known is None:
            with self._catalogue.reader() as db:
                known = scoping.select(db, (), dt.datetime.now()).documents
            self._universe = known
        return known

    def _chunks(self, asked: Sequence[Node], allowed: frozenset[int] | None) -> frozenset[int] | None:
        """Chunks on the pages and under the headings demanded; None when neither is."""
        left: frozenset[int] | None = None
        for node in asked:
            if not isinstance(node, Field) or node.name not in ("page", "heading"):
                continue
            if node.name == "heading":
                found = frozenset.union(*map(self._keyword.chunks_under, node.values))
            else:
                ranges = [r for value in node.values if (r := values.numbers("page", value))]
                within = self._everything() if allowed is None else allowed
                with self._catalogue.reader() as db:
                    found = scoping.chunks_on(db, ranges, within)
            left = found if left is None else left & found
        return left


def widened(query: Query) -> Query | None:
    """The query without the fields it demands; None when it has none or nothing would be left."""
    kept = tuple(clause for clause in query.clauses if not _is_field(clause))
    return dataclasses.replace(query, clauses=kept) if kept and len(kept) < len(query.clauses) else None


def loosened(query: Query) -> Query | None:
    """The query with quotes and parentheses that only rank; None when nothing changes.

    A whole sentence may hold both without meaning to demand anything.
    """
    if any(isinstance(clause, Or | Not) for clause in query.clauses):
        return None
    found: list[Node] = []
    for clause in query.clauses:
        if isinstance(clause, Phrase):
            found += [Word(word) for word in clause.text.split()]
        else:
            found.append(clause)
    plain = sum(isinstance(clause, Word) for clause in query.clauses)
    changed = query.boolean or tuple(found) != query.clauses
    return dataclasses.replace(query, clauses=tuple(found), boolean=False) if plain and changed else None


def _is_field(node: Node) -> bool:
    return isinstance(node, Field) or (isinstance(node, Not) and isinstance(node.child, Field))


def _changes(node: Any) -> bool:
    match node:
        case Field(name):
            return name in _CHANGING or name.startswith(values.CUSTOM)
        case Not(child) | Must(child):
            return _changes(child)
        case And(children) | Or(children):
            return any(map(_changes, children))
    return False


def _names(node: Any) -> bool:
    """Whether a node names a collection or a field somebody made."""
    match node:
        case Field(name):
            return name == "collection" or name.startswith(values.CUSTOM)
        case Not(child):
            return _names(child)
        case And(children) | Or(children):
            return any(map(_names, children))
    return False
