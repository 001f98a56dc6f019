"""What one document says of a topic: the sentences that mention it, and the value beside each mention.

Mechanical: words in all their forms that stand together, and the nearest value of the kind asked for. A
document that has the words apart ("thermal expansion and electrical conductivity") does not mention the
topic ("thermal conductivity").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from copilot.claims.values import Value
from copilot.conflicts import Slot, Statement
from copilot.inquiry import Group, Inquiry, Wanted
from copilot.passages import Term
from copilot.words import STOP_WORDS, WORD, bare, counts, same_word
from indexer import language
from indexer.analysis import has_pairs
from indexer.text import fold
from indexer.types import DocumentDetails, StoredChunk

MOST = 3
"""Different values of one document that are told."""
MOST_QUOTED = 600
"""Characters of a quote."""
_FAR_BEFORE = 20
"""A value before the mention counts as so many characters farther away: it mostly belongs elsewhere."""
_BARE_NUMBER = 15
"""So does a number without a unit."""

_APART = 40
"""And one in another clause."""

_JOINED = re.compile(r"\b(?:and|or|und|oder|sowie|et|ou|y|o|e|ed|en|of|resp)\b|[,/&]", re.IGNORECASE)
_GOES_ON = re.compile(
    r"^(?:(?:it|its|this|that|these|they|the (?:value|result|figure|amount|number|sum|measurement)s?|"
    r"er|sie|es|dies\w*|"
    r"der (?:wert|betrag)|il|elle|cette|este|esta|el valor|la valeur)\b|这|该|其|数值|値)",
    re.IGNORECASE,
)
_UNIT_TAIL = re.compile(
    r"[/·*](?:\([^()\s]{1,12}\)|[A-Za-zµΩ°%·*²³\d]{1,8})"
    r"|\s?(?:[A-Za-zµΩ]{1,4}(?:[/·*](?:\([^()\s]{1,12}\)|[A-Za-zµΩ·*²³\d]{1,8}))+|%|°[CF]?|"
    r"[µumkMGnpdch]?(?:W|V|A|Hz|Pa|N|J|g|m|s|l|L|Ω|mol|K|ppm|ppb|dB|lx|lm|bar|Bar)[²³]?)(?![A-Za-z\d])"
)
_NAMED = re.compile(
    r"\b[A-ZÀ-ÖØ-ÞА-Я][\w’'-]+(?:\s+(?:(?:von|van|de|der|la|del)\s+)?[A-ZÀ-ÖØ-ÞА-Я][\w’'-]+)*"
)
_CAPTION = re.compile(r"[^.!?。！？]{1,80}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A mention: `text[start:end]` of the document is its quote."""

    start: int
    end: int
    value: str = ""
    meets: bool = True
    """Whether the value is as the question wants it."""


class Sought:
    """What is looked for, with the forms that its words take in this library."""

    def __init__(self, inquiry: Inquiry, terms: Sequence[Term]) -> None:
        """Take the terms of all words of the inquiry."""
        self.inquiry = inquiry
        self._forms: Mapping[str, frozenset[str]] = {term.word: term.forms for term in terms}

    def forms(self, written: str) -> tuple[str, frozenset[str]]:
        """A word as it is compared, and its inflections."""
        word = bare(fold(written))
        return word, self._forms.get(word, frozenset())

    def may_be_in(self, folded: str, topic: Sequence[Group]) -> bool:
        """Whether a folded text can hold the first group of a topic: quick, never wrongly false."""
        return all(
            any(form[:4] in folded for form in (word, *forms))
            for word, forms in map(self.forms, _main(topic).words)
        )

    def find(self, group: Group, text: str) -> tuple[int, int] | None:
        """Where a group stands in a text, first place."""
        if any(has_pairs(word) for word in group.words):
            at = text.casefold().find(" ".join(group.words).casefold())
            return (at, at + len(" ".join(group.words))) if at >= 0 else None
        tokens = [(fold(match[0]), match.start(), match.end()) for match in WORD.finditer(text)]
        for at, (token, _, _) in enumerate(tokens):
            if any(self._is(token, word) for word in group.words):
                end = self._run(group, text, tokens, at)
                if end is not None:
                    return tokens[at][1], end
        return None

    def _is(self, token: str, written: str) -> bool:
        word, forms = self.forms(written)
        token = bare(token.removesuffix("'s").removesuffix("’s"))
        return token == word or token in forms or same_word(token, word)

    def _run(self, group: Group, text: str, tokens: Sequence[tuple[str, int, int]], at: int) -> int | None:
        """End of a run of words from `at` on that holds the whole group and nothing foreign; None without.

        One foreign word may stand between where words are joined: "thermal and electrical conductivity".
        """
        left = list(group.words)
        foreign = passed = 0
        for token, start, end in tokens[at:]:
            if group.exact and not self._is(token, left[0]):
                return None
            match = next((word for word in left if self._is(token, word)), None)
            if match is not None:
                left.remove(match)
                if not left:
                    return end
                continue
            if token in STOP_WORDS or not counts(token):
                passed += 1
                if passed > 4:
                    return None
                continue
            foreign += 1
            if foreign > 1 or not _JOINED.search(text[tokens[at][1] : start]):
                return None
        return None


def _main(topic: Sequence[Group]) -> Group:
    """The group that says most: the one with most words, the first of them."""
    return max(topic, key=lambda group: (len(group.words), -topic.index(group)))


@dataclass(frozen=True)
class _Line:
    """A sentence, a heading or a row of a table."""

    text: str
    start: int
    chunk: int
    """Index of its chunk."""

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @cached_property
    def statement(self) -> Statement:
        return Statement(self.text)


class Reading:
    """One document as it is read for a topic."""

    def __init__(self, details: DocumentDetails, chunks: Sequence[StoredChunk], sought: Sought) -> None:
        """Nothing is cut into sentences unless the words are there."""
        self._details = details
        self._chunks = chunks
        self._sought = sought
        self._meets = True
        """Whether the value found last is as wanted."""

    @cached_property
    def _lines(self) -> list[_Line]:
        lines: list[_Line] = []
        reached = -1
        for index, chunk in enumerate(self._chunks):
            for start, end in language.sentences(chunk.text, chunk.language):
                if chunk.start + start >= reached:
                    lines.append(_Line(chunk.text[start:end], chunk.start + start, index))
                    reached = chunk.start + end
        return lines

    @cached_property
    def _head(self) -> str:
        """Title and name of the file."""
        name = self._details.path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        return f"{self._details.title}\n{re.sub(r'[_-]+', ' ', name)}"

    def spots(self) -> list[Spot]:
        """The mentions worth telling: those with different values, else the first one; none when absent."""
        found: list[Spot] = []
        for topic in self._sought.inquiry.topics:
            found += self._of_topic(topic)
        found = [spot for spot in found if spot.meets]
        found.sort(key=lambda spot: spot.start)
        valued = {" ".join(spot.value.casefold().split()): spot for spot in reversed(found) if spot.value}
        kept = sorted(valued.values(), key=lambda spot: spot.start)
        return kept[:MOST] or found[:1]

    def _of_topic(self, topic: Sequence[Group]) -> list[Spot]:
        if not any(self._sought.may_be_in(fold(chunk.text), topic) for chunk in self._chunks):
            in_head = self._sought.may_be_in(fold(self._head), topic)
            if not in_head and not any(self._sought.may_be_in(fold(c.heading), topic) for c in self._chunks):
                return []
        main = _main(topic)
        others = [group for group in topic if group is not main]
        spots = []
        for at, place in self._places(main):
            if all(
                self._nearby(group, at) if group.tied or main.tied else self._anywhere(group)
                for group in others
            ):
                spots += self._column(at, place) or [self._spot(at, place)]
        if (
            not spots
            and self._sought.find(main, self._head)
            and all(map(self._anywhere, others))
            and self._lines
        ):
            first = self._lines[0]
            spots.append(Spot(start=first.start, end=min(first.end, first.start + MOST_QUOTED)))
        return spots

    def _places(self, group: Group) -> Iterator[tuple[int, tuple[int, int]]]:
        """Lines that mention a group, with the place in it; under a heading that does, the first one."""
        mentioned = set()
        for at, line in enumerate(self._lines):
            place = self._sought.find(group, line.text)
            if place is not None:
                mentioned.add(line.chunk)
                yield at, place
        for index, chunk in enumerate(self._chunks):
            if index not in mentioned and self._sought.find(group, chunk.heading.rsplit(" > ", 1)[-1]):
                first = [at for at, line in enumerate(self._lines) if line.chunk == index][:1]
                for at in first:
                    yield at, (0, 0)

    def _nearby(self, group: Group, at: int) -> bool:
        line = self._lines[at]
        around = " \n ".join(each.text for each in self._lines[max(at - 1, 0) : at + 1])
        return bool(
            self._sought.find(group, around)
            or self._sought.find(group, self._chunks[line.chunk].heading)
            or self._sought.find(group, self._head)
        )

    def _anywhere(self, group: Group) -> bool:
        return bool(self._sought.find(group, self._head)) or any(
            self._sought.find(group, line.text) for line in self._lines
        )

    # --- values ---

    def _spot(self, at: int, place: tuple[int, int]) -> Spot:
        """The mention in a line, with the value that belongs to it."""
        kind = self._sought.inquiry.kind
        line = self._lines[at]
        if kind:
            for first, last, where in self._reach(at, place):
                text = " ".join(each.text for each in self._lines[last : last + 1])
                value = self._value(self._lines[last], where, kind)
                if value and text:
                    start, end = self._lines[first].start, self._lines[last].end
                    if end - start > MOST_QUOTED:
                        start = self._lines[last].start
                    end = min(end, start + MOST_QUOTED)
                    return Spot(start=start, end=end, value=value, meets=self._meets)
        return Spot(start=line.start, end=min(line.end, line.start + MOST_QUOTED))

    def _column(self, at: int, place: tuple[int, int]) -> list[Spot]:
        """The values below a mention in the head of a table, a row each."""
        kind = self._sought.inquiry.kind
        head = self._lines[at]
        column = head.text.count("|", 0, place[0])
        spots: list[Spot] = []
        if not kind or "|" not in head.text or any(_fits(slot, kind) for slot in head.statement.slots):
            return spots
        for line in self._lines[at + 1 :]:
            edges = [-1, *(index for index, char in enumerate(line.text) if char == "|"), len(line.text)]
            if len(edges) != head.text.count("|") + 2 or len(spots) == MOST:
                break
            slots = [
                slot
                for slot in line.statement.slots
                if _fits(slot, kind) and edges[column] < slot.start < edges[column + 1]
            ]
            if slots:
                start = head.start if line.end - head.start <= MOST_QUOTED else line.start
                value = _written(line.text, slots[0])
                end = min(line.end, start + MOST_QUOTED)
                spots.append(Spot(start=start, end=end, value=value, meets=self._as_wanted(slots[0])))
        return spots

    def _reach(self, at: int, place: tuple[int, int]) -> Iterator[tuple[int, int, tuple[int, int]]]:
        """Lines that may hold the value: (first line quoted, line with the value, place to measure from).

        The line itself, its neighbours with the words of the attribute, and the next line where it goes on
        about the same, or where the mention stands in a heading or the head of a table.
        """
        attribute = self._sought.inquiry.attribute
        line = self._lines[at]
        if attribute:
            group = Group(attribute)
            for near in (at, at + 1, at + 2, at - 1):
                if 0 <= near < len(self._lines):
                    where = self._sought.find(group, self._lines[near].text)
                    if where:
                        yield min(at, near), near, where
        yield at, at, place
        after = self._lines[at + 1] if at + 1 < len(self._lines) else None
        if after is None:
            return
        caption = bool(_CAPTION.match(line.text)) and "|" not in line.text
        if _GOES_ON.search(after.text) or caption or line.text.rstrip().endswith((":", "：")):
            yield at, at + 1, (0, 0)

    def _value(self, line: _Line, place: tuple[int, int], kind: Wanted) -> str:
        if kind == "name":
            return self._name(line, place)
        slots = [slot for slot in line.statement.slots if _fits(slot, kind)]
        slots = [slot for slot in slots if slot.end <= place[0] or slot.start >= place[1]]
        if "|" in line.text:
            after = [slot for slot in slots if slot.start >= place[1]]
            slots = after or slots
        if not slots:
            return ""
        best = min(slots, key=lambda slot: _distance(line.text, slot, place))
        self._meets = self._as_wanted(best)
        return _written(line.text, best)

    def _as_wanted(self, slot: Slot) -> bool:
        condition = self._sought.inquiry.condition
        return condition is None or (isinstance(slot.value, Value) and condition.holds(slot.value))

    def _name(self, line: _Line, place: tuple[int, int]) -> str:
        sought = self._sought.inquiry
        asked = {fold(word) for topic in sought.topics for group in topic for word in group.words}
        names = [
            match
            for match in _NAMED.finditer(line.text)
            if (match.end() <= place[0] or match.start() >= place[1])
            and not asked & {fold(word[0]) for word in WORD.finditer(match[0])}
            and (" " in match[0] or (match.start() > 0 and counts(fold(match[0]))))
        ]
        if not names:
            return ""
        best = min(
            names,
            key=lambda match: (
                " " not in match[0],
                min(abs(match.start() - place[1]), abs(place[0] - match.end())),
            ),
        )
        return best[0]


def _fits(slot: Slot, kind: Wanted) -> bool:
    dated = slot.kind in ("date", "year")
    return kind == "any" or (kind == "date") == dated


def _distance(text: str, slot: Slot, place: tuple[int, int]) -> int:
    """How far a value is from a mention: characters between, and what speaks against it."""
    behind = slot.start >= place[1]
    between = text[place[1] : slot.start] if behind else text[slot.end : place[0]]
    apart = _APART * len(re.findall(r"[;；—]|\. ", between))
    bare = _BARE_NUMBER if slot.kind in ("number", "year") else 0
    return len(between) + apart + bare + (0 if behind else _FAR_BEFORE)


def _written(text: str, slot: Slot) -> str:
    """The value with the whole of its unit."""
    tail = _UNIT_TAIL.match(text, slot.end) if slot.kind not in ("date", "year") else None
    end = tail.end() if tail else slot.end
    return " ".join(text[slot.start : end].split())
