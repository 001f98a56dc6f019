"""Collections in queries: a saved search in place of its name.

Pure: queries in, queries out. Where a name means nothing the query finds nothing, since a scope is a
promise that must not become wider by a typing error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from indexer import values
from indexer.query import And, Field, Node, Not, Or, Query, Word, parse
from indexer.text import fold

NOTHING = Field("is", ("marked",))
"""Holds for no file: marks live in the interface."""
EVERYTHING = Not(NOTHING)


def demanding(query: Query) -> tuple[Node, ...]:
    """The clauses of a query that filter: plain words of a ranking query do not."""
    if query.boolean:
        return query.clauses
    return tuple(clause for clause in query.clauses if not isinstance(clause, Word))


def expand(
    nodes: tuple[Node, ...], saved: Mapping[str, str], custom: Mapping[str, str]
) -> tuple[tuple[Node, ...], tuple[str, ...]]:
    """Put what collections hold in place of their names.

    Args:
        nodes: Parts of a query, all of which have to hold.
        saved: Queries by the folded name of their collection.
        custom: Kinds of the fields that exist.

    Returns:
        The parts, and for a person the names that mean nothing.
    """
    work = _Expansion(saved, custom)
    found: list[Node] = []
    for node in nodes:
        whole = work.of(node, ())
        found.extend(whole.children if isinstance(whole, And) else (whole,))
    return tuple(found), tuple(dict.fromkeys(work.notes))


@dataclass
class _Expansion:
    saved: Mapping[str, str]
    custom: Mapping[str, str]
    notes: list[str] = field(default_factory=list)

    def of(self, node: Node, inside: tuple[str, ...]) -> Node:
        """A node without names; `inside` are the collections it is part of."""
        match node:
            case Field("collection", found):
                choices = tuple(self._collection(name, inside) for name in found)
                return choices[0] if len(choices) == 1 else Or(choices)
            case Field(name) if name.startswith(values.CUSTOM):
                return self._custom(node, name.removeprefix(values.CUSTOM))
            case Not(child):
                whole = self.of(child, inside)
                return whole.child if isinstance(whole, Not) else Not(whole)
            case And(children):
                return And(tuple(self.of(child, inside) for child in children))
            case Or(children):
                return Or(tuple(self.of(child, inside) for child in children))
        return node

    def _collection(self, name: str, inside: tuple[str, ...]) -> Node:
        key = fold(name)
        text = self.saved.get(key)
        if text is None or key in inside:
            what = f'no collection "{name}"' if text is None else f'the collection "{name}" holds itself'
            self.notes.append(what)
            return NOTHING
        clauses = parse(text, custom=self.custom).clauses
        nodes = tuple(self.of(clause, (*inside, key)) for clause in clauses)
        if not nodes:
            return EVERYTHING
        return nodes[0] if len(nodes) == 1 else And(nodes)

    def _custom(self, node: Field, name: str) -> Node:
        if name in self.custom:
            return node
        self.notes.append(f"no field {name}:")
        return NOTHING
