"""Where a text matches a query, and the part of it that is worth showing."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from indexer import language as languages
from indexer.analysis import has_arabic
from indexer.keyword import Group, arabic_stem, spans

Span = tuple[int, int]

WIDTH = 240
"""Characters of a snippet, about; a sentence is not cut for less than half of it more."""

_BLANKS = re.compile(r"\s+")
_BLANKS_AND_RULES = re.compile(
    r"(?:\s*(?:^|(?<=\n))[ \t]*(?P<mark>[-=~^\"'`#*+_])(?P=mark){2,}[ \t]*(?=\n|\Z)\s*)+|\s+"
)
"""White space, with the lines of one repeated mark that underline headings or part paragraphs."""
_FOREIGN = re.compile(
    "[^\\W_\\x00-\\x7f]|[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u06ed\u0900-\u0dff]"
)
"""Anything beside ASCII letters and digits that can be part of a word; dashes and quotes cannot."""


class Found(NamedTuple):
    """A place in a text that matches something sought."""

    start: int
    end: int
    group: int
    """Which of the things sought."""


class Matcher:
    """Finds in any text what a query seeks, in every form the index knows.

    Args:
        groups: What is sought, from `Plan`.
    """

    def __init__(self, groups: Iterable[Group]) -> None:
        self._words: dict[str, int] = {}
        self._plain: re.Pattern[str] | None = None
        self._phrases: list[tuple[int, list[frozenset[str]]]] = []
        for number, group in enumerate(groups):
            forms = [frozenset(form.word for form in each) for each in group.words]
            if len(forms) == 1 or group.near is not None:
                for each in forms:
                    self._words.update(dict.fromkeys(each, number))
            else:
                self._phrases.append((number, forms))
                if group.joined:
                    self._words[group.joined] = number

    def find(self, text: str) -> list[Found]:
        """Matches in order; those of neighbouring characters may overlap."""
        if not self._words and not self._phrases:
            return []
        if not (self._phrases or _FOREIGN.search(text) or "++" in text or "#" in text):
            return self._find_plain(text.lower())
        words = spans(text)
        sought = self._words
        found = [Found(start, end, sought[word]) for word, start, end in words if word in sought]
        if has_arabic(text):
            for word, start, end in words:
                number = sought.get(arabic_stem(word))
                if number is not None and word not in sought:
                    found.append(Found(start, end, number))
        for number, forms in self._phrases:
            found += self._phrase(words, number, forms)
        return sorted(found)

    def _find_plain(self, text: str) -> list[Found]:
        """The same in a text whose words are ASCII letters and digits, without looking at all others."""
        if self._plain is None:
            words = "|".join(word for word in self._words if word.isascii() and word.isalnum())
            self._plain = re.compile(rf"(?<![^\W_])(?:{words or '(?!)'})(?![^\W_])")
        return [Found(*match.span(), self._words[match[0]]) for match in self._plain.finditer(text)]

    @staticmethod
    def _phrase(
        words: Sequence[tuple[str, int, int]], number: int, forms: list[frozenset[str]]
    ) -> Iterable[Found]:
        length = len(forms)
        for at in range(len(words) - length + 1):
            if all(words[at + place][0] in forms[place] for place in range(length)):
                yield Found(words[at][1], words[at + length - 1][2], number)


def merged(found: Iterable[Found]) -> tuple[Span, ...]:
    """Spans of matches, ascending, with overlapping and touching ones made one."""
    whole: list[Span] = []
    for start, end, _ in found:
        if whole and start <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(end, whole[-1][1]))
        else:
            whole.append((start, end))
    return tuple(whole)


def snippet(text: str, language: str, matcher: Matcher, width: int = WIDTH) -> tuple[str, tuple[Span, ...]]:
    """The part of a chunk that matches best, and the spans in it that match.

    Whole sentences as far as they fit, blanks and ruled lines folded; otherwise verbatim.
    """
    found = matcher.find(text)
    sentences = _sentences(text, language) or [(0, len(text))]
    start, end = _best(text, sentences, found, width)
    inside = [each for each in found if start <= each.start and each.end <= end]
    return _folded(text, start, end, merged(inside))


@functools.lru_cache(maxsize=1024)
def _sentences(text: str, language: str) -> list[Span]:
    """Spans of sentences; while a query is typed, the same chunks are found again and again."""
    return languages.sentences(text, language)


def _best(text: str, sentences: Sequence[Span], found: Sequence[Found], width: int) -> Span:
    """The stretch of sentences with the most different things sought in it, the earliest of equals."""
    best, best_score = _opening(sentences, width), 0.0
    for at, (start, first_end) in enumerate(sentences if found else ()):
        end = first_end
        for _, further in sentences[at + 1 :]:
            if further - start > width:
                break
            end = further
        inside = [each for each in found if start <= each.start and each.end <= end]
        kinds = len({each.group for each in inside})
        opens = any(each.start < first_end for each in inside)
        score = kinds + 0.1 * min(len(inside), 5) + 0.05 * opens
        if score > best_score:
            best, best_score = (start, end), score
    start, end = best
    return best if end - start <= width * 3 // 2 else _window(text, start, end, found, width)


def _opening(sentences: Sequence[Span], width: int) -> Span:
    """The first sentences; one that says too little takes the next with it, however long that is."""
    start, end = sentences[0]
    for _, further in sentences[1:]:
        if further - start > width and end - start > width // 3:
            break
        end = further
    return start, end


def _window(text: str, start: int, end: int, found: Sequence[Found], width: int) -> Span:
    """A part of a sentence that is too long, cut between words, around most of its matches."""
    inside = [each for each in found if start <= each.start and each.end <= end]
    if inside:
        first = max(
            inside, key=lambda each: len({m.group for m in inside if 0 <= m.start - each.start < width})
        )
        lead = max(start, first.start - width // 4)
        start = lead if lead == start else _word_start(text, lead, first.start)
    if end - start > width:
        cut = start + width
        blank = max(text.rfind(" ", start, cut), text.rfind("\n", start, cut))
        end = blank if blank > start + width // 2 else cut
        covering = [each.end for each in inside if each.start < end < each.end]
        end = max([end, *covering])
    return start, end


def _word_start(text: str, at: int, limit: int) -> int:
    blank = _BLANKS.search(text, at, limit)
    return blank.end() if blank else at


def _folded(text: str, start: int, end: int, marked: Sequence[Span]) -> tuple[str, tuple[Span, ...]]:
    """`text[start:end]` with runs of blanks and ruled lines made one blank, and the spans moved along."""
    parts: list[str] = []
    places: list[Span] = []
    length, at = 0, start
    for a, b in marked:
        # a match begins and ends with a character that is no blank, so that no run of blanks is cut here
        for stop in (a, b):
            parts.append(_BLANKS_AND_RULES.sub(" ", text[at:stop]))
            length += len(parts[-1])
            at = stop
        places.append((length - len(parts[-1]), length))
    parts.append(_BLANKS_AND_RULES.sub(" ", text[at:end]))
    return "".join(parts), tuple(places)
