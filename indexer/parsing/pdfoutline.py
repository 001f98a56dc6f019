"""What a PDF's outline and page labels say, and where the outline's titles stand on a page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from indexer.parsing.pdflayout import Block
from indexer.text import fold

_LABELS = ("exhibit", "chapter", "section", "appendix", "part", "kapitel", "annex", "figure", "table")
"""Words before the number of a heading; the outline leaves them out."""
_DIGITS = "0123456789"
"""Section numbers are often in the text but not in the outline."""
_FIRST_WORD = re.compile(r"[^\W_]+")
_WORD = re.compile(r"[^\W_]")
_ROMAN = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"),
    (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip


def title_key(text: str) -> str:
    """Letters and digits of a heading, to compare what the outline says with what the page shows."""
    return "".join(_WORD.findall(fold(text)))


class Titles:
    """What the outline says stands on a page; each title is found once."""

    def __init__(self, titles: list[tuple[int, str]]) -> None:
        """Take level and key of each title."""
        self._titles = [(level, bare) for level, title in titles if (bare := _bare(title))]
        self._beginnings = {title[:1] for _, title in self._titles}

    def take(self, lines: Sequence[str]) -> tuple[int, int] | None:
        """Level and number of lines of a title that these lines begin with; None when they do not."""
        found = self._find(lines) if self._titles else None
        if found is None:
            return None
        index, length = found
        return self._titles.pop(index)[0], length

    def skip_running_header(self, blocks: Sequence[Block]) -> int:
        """1 when the first block repeats a title that stands further down, else 0."""
        found = self._find(blocks[0].lines) if self._titles and blocks and blocks[0].lines else None
        if found is None:
            return 0
        title = self._titles[found[0]][1]
        return any(_bare("".join(map(title_key, block.lines[:1]))) == title for block in blocks[1:])

    def _find(self, lines: Sequence[str]) -> tuple[int, int] | None:
        """Index of a title, and the number of lines it takes up."""
        first = _FIRST_WORD.search(lines[0])
        if not first:
            return None
        word = first.group()
        if not word[0].isdigit() and word.lower() not in _LABELS and fold(word)[:1] not in self._beginnings:
            return None
        key = ""
        for length, line in enumerate(lines[:5], 1):
            key += title_key(line)
            bare = _bare(key)
            for index, (_, title) in enumerate(self._titles):
                if bare == title:
                    return index, length
            if len(key) > 200:
                break
        return None


def _bare(key: str) -> str:
    """The key of a heading without its label and number, which text and outline seldom share."""
    bare = key.lstrip(_DIGITS)
    for label in _LABELS:
        if bare.startswith(label) and bare[len(label) :].lstrip(_DIGITS) != bare[len(label) :]:
            return bare[len(label) :].lstrip(_DIGITS) or key
    return bare or key


def page_labels(rules: list[dict[str, Any]], count: int) -> list[str]:
    """The number printed on each page, as far as the document says; empty where it is the page's place."""
    labels = [""] * count
    rules = sorted(rules, key=lambda rule: rule["startpage"])
    for rule, following in zip_longest(rules, rules[1:]):
        end = min(following["startpage"] if following else count, count)
        for place in range(max(0, rule["startpage"]), end):
            label = rule.get("prefix", "") + _numeral(
                rule.get("firstpagenum", 1) + place - rule["startpage"], rule.get("style", "")
            )
            labels[place] = label if label != str(place + 1) else ""
    return labels


def _numeral(number: int, style: str) -> str:
    """A page number as PDF writes it: decimal, Roman or letters."""
    if style == "D":
        return str(number)
    if style in ("A", "a") and number > 0:
        letters = chr(ord(style) + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letters[:20]
    if style in ("R", "r") and 0 < number < 4000:
        roman = ""
        for value, sign in _ROMAN:
            roman += sign * (number // value)
            number %= value
        return roman if style == "R" else roman.lower()
    return ""
