"""The second look at a phrase that no index finds: the text itself, letter by letter.

An index knows whole words, in one chunk. People also quote a phrase that begins or ends inside a word, that
runs over a paragraph, a table cell or a page, or that a parser spaced differently. The documents that hold
most of its words are read and compared without white space, case and accents.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from indexer.catalogue import Connection, scoping
from indexer.catalogue.reads import read_text
from indexer.query import And, Node, Phrase, Query, Word
from indexer.text import fold

READ = 60
"""Documents read at most, those with the most words of the phrase first."""
READ_CHARACTERS = 8_000_000
"""Characters read at most in all; about 0.2 s."""
SHORTEST = 2
"""Letters of a phrase that is looked for inside words; a single letter is in every text."""


def phrases(query: Query) -> tuple[str, ...]:
    """The exact phrases that the query demands."""
    return tuple(each.text for each in _demanded(query.clauses) if len(squeezed(each.text)) >= SHORTEST)


def by_words(query: Query) -> Query:
    """The same query with the words of its exact phrases instead of the phrases, to rank candidates by.

    The first and the last word may be torn: the rest of their letters is unknown.
    """
    clauses: list[Node] = []
    for clause in query.clauses:
        if isinstance(clause, Phrase) and clause.near is None:
            clauses += [Word(word) for word in clause.text.split()]
        else:
            clauses.append(clause)
    return Query(
        tuple(clauses), query.boolean, query.sort, "keyword", query.text, query.problems, query.spans
    )


def holding(db: Connection, documents: Iterable[tuple[int, int]], sought: Sequence[str]) -> dict[int, int]:
    """The documents that hold every phrase literally: document to the chunk where the first one begins.

    Args:
        db: A reader.
        documents: (id, characters) of the candidates, best first.
        sought: The phrases.
    """
    wanted = [squeezed(phrase) for phrase in sought]
    found: dict[int, int] = {}
    left = READ_CHARACTERS
    for document, characters in documents:
        left -= characters
        if left < 0:
            break
        text = read_text(db, document, 0, characters)
        bare = squeezed(text)
        if all(phrase in bare for phrase in wanted):
            chunk = scoping.chunk_at(db, document, _offset(text, bare.index(wanted[0])))
            if chunk is not None:
                found[document] = chunk
    return found


def squeezed(text: str) -> str:
    """The text as it is compared: folded, without white space and the bars between table cells."""
    return "".join(fold(text).replace("|", " ").split())


def _offset(text: str, place: int) -> int:
    """Where the letter at `place` of the squeezed text stands in the text, by halving."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if len(squeezed(text[:middle])) <= place:
            low = middle
        else:
            high = middle - 1
    return low


def _demanded(nodes: Iterable[Node]) -> Iterable[Phrase]:
    for node in nodes:
        if isinstance(node, Phrase) and node.near is None:
            yield node
        elif isinstance(node, And):
            yield from _demanded(node.children)
