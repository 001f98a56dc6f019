"""The leaves of a query as Tantivy's query objects; never as its query strings.

A plan serves three purposes: to rank chunks by all that is sought, to tell which chunks hold all of it,
and to find the documents that hold a demanded part.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tantivy

from indexer import analysis
from indexer.keyword.analyzers import is_particle, split
from indexer.keyword.vocabulary import Form, Vocabulary
from indexer.query import Phrase, Word

Q = tantivy.Query
MUST, SHOULD, MUST_NOT = tantivy.Occur.Must, tantivy.Occur.Should, tantivy.Occur.MustNot

WHOLE = 4096.0
"""Added to the score of a chunk that holds everything sought; a power of two keeps the rest exact."""

HEADING, NAME = 0.2, 1.0
"""What a word in the heading, or in the file's name or the title, adds against its weight."""

TEXTS, NAMES = ("text", "heading"), ("name", "title")
"""Fields of chunk entries and of file entries that are searched when none is named."""

SATURATED = 2.2
"""What BM25 multiplies a word's weight with when a short text repeats it for ever: k1 + 1."""

PAIR = 0.3
"""Weight of two words of the query standing side by side."""

SPELLED = 1.0
"""Weight of a name such as `Py_LIMITED_API` or `foo-bar` found as it is spelled."""

MAX_WORDS = 40
"""Words of a query that rank; of more, the rarest."""

FREQUENT = 0.15
"""Share of all entries from which on a word no longer ranks, when `ENOUGH` rarer ones do."""
ENOUGH = 3

_WHOLE_UP_TO = 12


@dataclass(frozen=True, slots=True)
class Scope:
    """What a search is limited to, by ids of the catalogue; None does not limit."""

    documents: frozenset[int] | None = None
    chunks: frozenset[int] | None = None

    @property
    def empty(self) -> bool:
        """Nothing can be found."""
        return self.documents is not None and not self.documents


@dataclass(frozen=True, slots=True)
class Group:
    """One thing sought: a word with its forms, or words that belong together in this order."""

    text: str
    """As in the index, words joined by a blank."""
    words: tuple[tuple[Form, ...], ...]
    """For each word the forms that stand for it."""
    near: int | None = None
    """For a phrase: words that may lie between, in any order; None: exactly in this order."""
    joined: str = ""
    """The parts written as one word: `e-mail` is also `email`."""
    start: bool = False
    """The last word is a beginning; its forms are the most frequent words that begin so."""
    particle: bool = False
    """A word of grammar, such as `which`: it tells nothing beside other words."""

    @property
    def entries(self) -> int:
        """Entries of the index that hold it, at most."""
        return min(sum(form.entries for form in forms) for forms in self.words)

    @property
    def known(self) -> bool:
        """Whether the index holds every word of it in some form."""
        return all(any(form.entries for form in forms) for forms in self.words)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is sought, resolved against one snapshot of the index."""

    groups: tuple[Group, ...]
    telling: tuple[Group, ...]
    """Those of the groups that rank and that tell whether a document holds everything."""
    ranking: Any
    """Tantivy query that scores chunks; None when nothing sought is in the index."""
    names: Any
    """Tantivy query that scores file entries; None likewise."""
    vocabulary: Vocabulary
    """The snapshot it was made for."""
    ideal: float
    """Keyword score of a chunk that says nothing but what is sought; real ones reach about half."""
    whole: bool
    """Whether chunks that hold everything carry `WHOLE` in their score."""


def any_of(schema: Any, field: str, values: Sequence[Any]) -> Any:
    """Entries with any of these values; several times as fast as Tantivy's own set query."""
    queries = [Q.term_query(schema, field, value, "freq") for value in values]
    return queries[0] if len(queries) == 1 else Q.boolean_query([(SHOULD, query) for query in queries])


class Planner:
    """Makes Tantivy queries for one snapshot."""

    def __init__(self, schema: Any, vocabulary: Vocabulary) -> None:
        self.schema = schema
        self.vocabulary = vocabulary

    # --- what is sought ---------------------------------------------------------------------------

    def groups(self, leaf: Word | Phrase | str, languages: tuple[str, ...]) -> tuple[Group, ...]:
        """The things a leaf seeks; plain text counts as a phrase. Several for text without spaces."""
        words = split(leaf if isinstance(leaf, str) else leaf.text)
        if not words:
            return ()
        exact: tuple[tuple[Form, ...], ...] = tuple(
            (Form(word, 1.0, self.vocabulary.count(word)),) for word in words
        )
        if (isinstance(leaf, Word) and leaf.prefix) or (len(words) == 1 and analysis.is_unit(words[0])):
            exact = (*exact[:-1], self.vocabulary.completions(words[-1], "text") or exact[-1])
            return (Group(" ".join(words), exact, start=True),)
        if isinstance(leaf, str):
            return (Group(" ".join(words), exact),)
        if isinstance(leaf, Phrase):
            return (Group(" ".join(words), exact, leaf.near),)
        if len(words) == 1:
            # Capitals are meant: the IT department, the US, the WHO.
            grammar = not (leaf.text.isupper() and len(words[0]) > 1) and is_particle(words[0], languages)
            return (Group(words[0], (self.vocabulary.forms(words[0], languages),), particle=grammar),)
        if analysis.has_pairs(leaf.text):
            return tuple(Group(word, (forms,)) for word, forms in zip(words, exact, strict=True))
        return (Group(" ".join(words), exact, joined="".join(words)),)

    def plan(
        self, leaves: Iterable[Word | Phrase], languages: tuple[str, ...], corrected: Mapping[str, str]
    ) -> Plan:
        """Resolve what is sought; each thing counts once, however often it was written.

        Args:
            leaves: What is sought.
            languages: Whose inflections count.
            corrected: Words that are typing errors, with the word that is meant.
        """
        found = {group.text: group for leaf in leaves for group in self.groups(leaf, languages)}
        for wrong, right in corrected.items():
            found[wrong] = Group(wrong, (self.vocabulary.forms(right, languages),))
        groups = tuple(found.values())
        telling = self._telling(groups)
        ranked = [query for group in telling for query in self._ranked(group, languages)]
        ranked += self._pairs(groups)
        several = len(telling) > 1 or any(len(group.words) > 1 for group in telling)
        whole = several and len(telling) <= _WHOLE_UP_TO and all(group.known for group in telling)
        if whole:
            holds_all = Q.boolean_query([(MUST, self.holding(group, TEXTS)) for group in telling])
            ranked.append(Q.const_score_query(holds_all, WHOLE))
        names = [self._named(group) for group in telling]
        return Plan(
            groups,
            telling,
            Q.boolean_query([(SHOULD, query) for query in ranked]) if ranked else None,
            Q.boolean_query([(SHOULD, query) for query in names]) if names else None,
            self.vocabulary,
            sum(SATURATED * self._weight(group) for group in telling),
            whole,
        )

    def _telling(self, groups: tuple[Group, ...]) -> tuple[Group, ...]:
        """The groups that rank: without the words of grammar and the commonest words of a sentence.

        A small library cannot tell from its frequencies that `which` says nothing; in a large one the
        commonest words cost most.
        """
        groups = tuple(group for group in groups if not group.particle) or groups
        limit = self.vocabulary.entries * FREQUENT
        rare = [group for group in groups if group.entries <= limit]
        if len(rare) < ENOUGH:
            return groups[:MAX_WORDS]
        return tuple(sorted(rare, key=lambda group: group.entries)[:MAX_WORDS])

    def _weight(self, group: Group) -> float:
        """Inverse document frequency of a group; of several words, of the rarest."""
        return max(self.vocabulary.weight(sum(form.entries for form in forms)) for forms in group.words)

    # --- ranking ----------------------------------------------------------------------------------

    def _ranked(self, group: Group, languages: tuple[str, ...]) -> list[Any]:
        queries: list[Any] = []
        share = 1.0 if len(group.words) == 1 else 0.5
        for forms in group.words:
            queries += self._scored(forms, share)
        if len(group.words) > 1:
            queries.append(Q.boost_query(self._in_field(group, "text"), SPELLED))
        elif not group.known:
            for part in self.vocabulary.parts(group.text, languages):
                queries += self._scored(self.vocabulary.forms(part, languages), 0.5)
        queries.append(Q.const_score_query(self._in_field(group, "heading"), HEADING * self._weight(group)))
        return queries

    def _scored(self, forms: Sequence[Form], share: float) -> list[Any]:
        """The best form a chunk holds, by BM25, each weighing as if all forms were one word."""
        known = [form for form in forms if form.entries]
        if not known:
            return []
        together = self.vocabulary.weight(sum(form.entries for form in known))
        choices = [
            Q.boost_query(
                Q.term_query(self.schema, "text", form.word, "freq"),
                share * form.weight * together / self.vocabulary.weight(form.entries),
            )
            for form in known
        ]
        return [choices[0] if len(choices) == 1 else Q.disjunction_max_query(choices)]

    def _pairs(self, groups: Sequence[Group]) -> list[Any]:
        """Neighbours of the query that are neighbours in the text; pairs of common words cost too much."""
        queries = []
        for first, second in itertools.pairwise(groups):
            pair = [group.words[0][0] for group in (first, second)]
            if any(len(group.words) > 1 or analysis.has_pairs(group.text) for group in (first, second)):
                continue
            rarer = min(form.entries for form in pair)
            if rarer and not self.vocabulary.is_common(rarer):
                words: list[Any] = [form.word for form in pair]
                phrase = Q.phrase_query(self.schema, "text", words)
                queries.append(Q.boost_query(phrase, PAIR))
        return queries

    def _named(self, group: Group) -> Any:
        """A word in the name or title counts by its rarity, not by the length of either."""
        return Q.const_score_query(self.holding(group, NAMES), NAME * self._weight(group))

    # --- holding ----------------------------------------------------------------------------------

    def holding(self, group: Group, fields: Sequence[str]) -> Any:
        """Entries that hold a group in one of the fields."""
        return Q.boolean_query([(SHOULD, self._in_field(group, field)) for field in fields])

    def _in_field(self, group: Group, field: str) -> Any:
        if len(group.words) == 1:
            if group.start:
                # Words of the index are letters and digits: nothing in them means anything to a pattern.
                return Q.regex_query(self.schema, field, f"{group.text}.*")
            return any_of(self.schema, field, [form.word for form in group.words[0]])
        choices = [self._phrase(group, field)]
        if group.joined:
            choices.append(Q.term_query(self.schema, field, group.joined, "freq"))
        return choices[0] if len(choices) == 1 else Q.boolean_query([(SHOULD, query) for query in choices])

    def _phrase(self, group: Group, field: str) -> Any:
        words: list[Any] = [forms[0].word for forms in group.words]
        if group.near is not None:
            return self._near(words, group.near, field)
        last = group.words[-1]
        if len(last) == 1:
            return Q.phrase_query(self.schema, field, words)
        return Q.boolean_query(
            [(SHOULD, Q.phrase_query(self.schema, field, [*words[:-1], form.word])) for form in last]
        )

    def _near(self, words: list[Any], between: int, field: str) -> Any:
        """Words in any order: Tantivy's slop counts moves, and turning a pair round takes two more."""
        orders = [words, words[::-1]]
        return Q.boolean_query(
            [(SHOULD, Q.phrase_query(self.schema, field, order, between)) for order in orders]
        )
