"""Secrets out of a text before it leaves, and back into what is answered.

A `Vault` lives as long as one call: the same value gets the same placeholder in all its texts. Whatever
the texts hold, `show(hide(text)) == text`: a placeholder that is in a text by itself is hidden, too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from indexer import detectors
from indexer.errors import ConfigError, EgressRefusedError
from indexer.text import safe_text

PATTERN_S = 1.0
"""Seconds one of the owner's patterns may take for one text; nothing is sent when it takes longer."""

_TEXT = "TEXT"
_NAME = r"[A-Z][A-Z0-9_]{1,30}-\d{1,6}"
_LOOKS = re.compile(_NAME)
_PLACEHOLDER = re.compile(rf"⟦({_NAME})⟧")
_WRITTEN = re.compile(
    rf"⟦\s?({_NAME})\s?⟧|\[{{1,2}}({_NAME})\]{{1,2}}|【({_NAME})】|(?<![\w-])({_NAME})(?![\w-])"
)
"""A placeholder as models write it: some lose the brackets or take others."""
_UNFINISHED = re.compile(
    r"(?:⟦\s?|\[{1,2}|【|(?<![\w-]))(?:[A-Z][A-Z0-9_]{0,31}(?:-\d{0,6}[\s\]⟧】]{0,2})?)?\Z"
)


class Redactor:
    """The detectors with the owner's own patterns."""

    def __init__(self, patterns: Mapping[str, str] | None = None) -> None:
        """Compile the patterns: name to regular expression.

        Raises:
            ConfigError: one is no pattern, matches the empty text, or takes too long on simple texts.
        """
        self._patterns = [
            (_kind(name), name, _compiled(name, text)) for name, text in (patterns or {}).items()
        ]

    def find(self, text: str) -> list[tuple[int, int, str]]:
        """(start, end, kind) of what is to be hidden, in order, without overlaps.

        Raises:
            EgressRefusedError: one of the owner's patterns takes too long on this text.
        """
        found = [(start, end, kind) for start, end, kind in detectors.find(text) if end > start]
        for kind, name, pattern in self._patterns:
            try:
                found += [
                    (*match.span(), kind)
                    for match in pattern.finditer(text, timeout=PATTERN_S)
                    if match.end() > match.start()
                ]
            except TimeoutError:
                raise EgressRefusedError(
                    f"The pattern {safe_text(name, 40, single_line=True)} takes too long; nothing was sent.",
                    hint="Make it simpler under [privacy.patterns]: no repetition inside a repetition.",
                ) from None
        return _merged(found)


def _kind(name: str) -> str:
    kind = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")[:20]
    return kind if re.fullmatch(r"[A-Z][A-Z0-9_]+", kind) else f"OWN_{kind}".rstrip("_")


def _compiled(name: str, text: str) -> Any:
    import regex

    shown = safe_text(name, 40, single_line=True)
    try:
        pattern = regex.compile(text)
        empty = pattern.search("", timeout=PATTERN_S)
        for probe in ("a" * 400 + "!", "1" * 400 + "!", "aA1 -" * 100 + "!", "\t" * 400 + "!"):
            pattern.search(probe, timeout=PATTERN_S)
    except regex.error as exc:
        raise ConfigError(
            f"The pattern {shown} under [privacy.patterns] is not a regular expression: {exc}.",
            hint="In TOML write it in single quotes: name = 'PRJ-[0-9]{6}'.",
        ) from None
    except TimeoutError:
        raise ConfigError(
            f"The pattern {shown} under [privacy.patterns] takes too long.",
            hint="Avoid a repetition inside a repetition, like (a+)+.",
        ) from None
    if empty is not None:
        raise ConfigError(
            f"The pattern {shown} under [privacy.patterns] matches the empty text.",
            hint="Let it demand at least one character.",
        )
    return pattern


def _merged(found: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Overlapping finds as one, named after the one that begins first (the longest of these)."""
    merged: list[tuple[int, int, str]] = []
    for start, end, kind in sorted(found, key=lambda each: (each[0], -each[1])):
        if merged and start < merged[-1][1]:
            first, last, name = merged[-1]
            merged[-1] = (first, max(last, end), name)
        else:
            merged.append((start, end, kind))
    return merged


class Vault:
    """The placeholders of one call and what they stand for."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._by_value: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._taken: set[str] = set()
        self._counts: Counter[str] = Counter()

    @property
    def counts(self) -> dict[str, int]:
        """How many different values of each kind were hidden."""
        return {kind: count for kind, count in sorted(self._counts.items()) if kind != _TEXT}

    def places(self, hidden: str) -> list[tuple[int, int, int]]:
        """(start, end, length of the value) of every placeholder of this vault in a text that `hide` made."""
        return [
            (*match.span(), len(self._values[match[1]]))
            for match in _PLACEHOLDER.finditer(hidden)
            if match[1] in self._values
        ]

    def reserve(self, texts: Iterable[str]) -> None:
        """Keep clear of placeholders that texts hold by themselves."""
        for text in texts:
            self._taken.update(_LOOKS.findall(text))

    def hide(self, text: str, *, before: str = "", after: str = "") -> str:
        """The text with placeholders.

        Args:
            text: What will be sent, or a part of it.
            before: What stands before it in its document: a number may begin there.
            after: What follows it.

        Raises:
            EgressRefusedError: one of the owner's patterns takes too long.
        """
        self.reserve([text])
        return self._hidden(text, before, after, _LOOKS)

    def hide_again(self, text: str) -> str:
        """As `hide`, for a text that may hold placeholders of this vault; they stay."""
        parts: list[str] = []
        at = 0
        for match in _PLACEHOLDER.finditer(text):
            if match[1] in self._values:
                parts += [self._hidden(text[at : match.start()], "", "", None), match[0]]
                at = match.end()
        return "".join([*parts, self._hidden(text[at:], "", "", None)])

    def _hidden(self, text: str, before: str, after: str, literal: re.Pattern[str] | None) -> str:
        if not text:
            return text
        found = self._redactor.find(f"{before}{text}{after}")
        spans = [(start - len(before), end - len(before), kind) for start, end, kind in found]
        if literal is not None:
            spans += [(*m.span(), _TEXT) for m in literal.finditer(text) if m[0] in self._values]
        spans = _merged(
            [(max(s, 0), min(e, len(text)), kind) for s, e, kind in spans if e > 0 and s < len(text)]
        )
        parts: list[str] = []
        at = 0
        for start, end, kind in spans:
            # What stays is looked at again: without its neighbours a number may be one that is hidden.
            parts += [self._rest(text[at:start], bool(spans)), self._placeholder(text[start:end], kind)]
            at = end
        return "".join([*parts, self._rest(text[at:], bool(spans))])

    def _rest(self, text: str, cut: bool) -> str:
        return self._hidden(text, "", "", _LOOKS) if cut and text else text

    def _placeholder(self, value: str, kind: str) -> str:
        name = self._by_value.get(value, "")
        if not name:
            number = 1
            while (name := f"{kind}-{number}") in self._taken:
                number += 1
            self._taken.add(name)
            self._by_value[value] = name
            self._values[name] = value
            self._counts[kind] += 1
        return f"⟦{name}⟧"

    def show(self, text: str) -> str:
        """The text with the values again; a placeholder that nobody gave out stays."""
        return _WRITTEN.sub(self._shown, text) if self._values else text

    def _shown(self, match: re.Match[str]) -> str:
        return self._values.get(next(filter(None, match.groups())), match[0])

    def show_all(self, pieces: Iterable[str]) -> Iterator[str]:
        """A stream with the values again, also where a placeholder comes in several pieces."""
        held = last = ""
        for piece in pieces:
            held += piece
            # Whether a bare name is a placeholder depends on the character before it, too.
            match = _UNFINISHED.search(last + held) if self._values else None
            end = max(match.start() - len(last), 0) if match else len(held)
            if end:
                yield self.show(last + held[:end])[len(last) :]
                last, held = held[end - 1], held[end:]
        if held:
            yield self.show(last + held)[len(last) :]
