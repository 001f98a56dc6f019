"""Numbers of Word's lists and numbered headings: what Word paints but does not store as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from indexer.parsing.xmlsafe import Element, attribute, local

_BULLET = "•"
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"),
    (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Level:
    format: str
    text: str
    start: int


@dataclass(slots=True)
class ListNumbers:
    """Counts the numbered paragraphs of one document, in document order."""

    _levels: dict[str, dict[int, _Level]] = field(default_factory=dict)
    """numId to its levels."""
    _shared: dict[str, str] = field(default_factory=dict)
    """numId to the abstract list whose counters it goes on with."""
    _counters: dict[str, dict[int, int]] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Element | None) -> ListNumbers:
        """The lists that numbering.xml defines; none without it."""
        numbers = cls()
        if root is None:
            return numbers
        abstract = {
            attribute(element, "abstractNumId"): _levels(element)
            for element in root
            if local(element) == "abstractNum"
        }
        for element in root:
            if local(element) != "num":
                continue
            identity = attribute(element, "numId")
            reference = element.find("{*}abstractNumId")
            source = attribute(reference, "val") if reference is not None else ""
            levels = dict(abstract.get(source, {}))
            overrides = _overrides(element, levels)
            levels.update(overrides)
            numbers._levels[identity] = levels
            numbers._shared[identity] = identity if overrides else source
        return numbers

    def next(self, list_id: str, level: int) -> str:
        """The label of the next paragraph of this list at this level: "3.1", "b)", "•", or ""."""
        levels = self._levels.get(list_id, {})
        shape = levels.get(level)
        if shape is None:
            return ""
        if shape.format == "bullet":
            return _BULLET
        counters = self._counters.setdefault(self._shared[list_id], {})
        counters[level] = counters.get(level, shape.start - 1) + 1
        for deeper in [other for other in counters if other > level]:
            del counters[deeper]
        if shape.format == "none":
            return ""
        return _render(shape.text, levels, counters)


def _levels(element: Element) -> dict[int, _Level]:
    levels: dict[int, _Level] = {}
    for child in element.iter("{*}lvl"):
        number = _number(attribute(child, "ilvl"), 0)
        levels[number] = _level(child)
    return levels


def _level(element: Element) -> _Level:
    values = {local(child): attribute(child, "val") for child in element}
    return _Level(
        format=values.get("numFmt", "decimal"),
        text=values.get("lvlText", ""),
        start=_number(values.get("start", "1"), 1),
    )


def _overrides(element: Element, levels: Mapping[int, _Level]) -> dict[int, _Level]:
    changed: dict[int, _Level] = {}
    for override in element.iter("{*}lvlOverride"):
        number = _number(attribute(override, "ilvl"), 0)
        own = override.find("{*}lvl")
        start = override.find("{*}startOverride")
        if own is not None:
            changed[number] = _level(own)
        elif start is not None and number in levels:
            known = levels[number]
            changed[number] = _Level(known.format, known.text, _number(attribute(start, "val"), 1))
    return changed


def _render(pattern: str, levels: Mapping[int, _Level], counters: Mapping[int, int]) -> str:
    text = pattern
    for level in range(9):
        mark = f"%{level + 1}"
        if mark in text:
            shape = levels.get(level)
            value = counters.get(level, shape.start if shape else 1)
            text = text.replace(mark, _numeral(value, shape.format if shape else "decimal"))
    return text.strip()


def _numeral(value: int, style: str) -> str:
    if style in ("lowerLetter", "upperLetter") and 0 < value <= 780:
        letters = chr(ord("a") + (value - 1) % 26) * ((value - 1) // 26 + 1)
        return letters.upper() if style == "upperLetter" else letters
    if style in ("lowerRoman", "upperRoman") and 0 < value < 4000:
        return _roman(value).upper() if style == "upperRoman" else _roman(value)
    if style == "decimalZero":
        return f"{value:02d}"
    return str(value)


def _roman(value: int) -> str:
    text = ""
    for worth, letters in _ROMAN:
        count, value = divmod(value, worth)
        text += letters * count
    return text


def _number(text: str, default: int) -> int:
    return int(text) if text.lstrip("-").isdecimal() and len(text) < 10 else default
