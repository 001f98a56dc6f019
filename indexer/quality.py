"""How good the text of a document is: a score from 0 to 100, with the reasons.

Pure functions over a `ParsedDocument`, cheap enough to run for every document in its parse worker. What
is broken letter by letter is found by `indexer.garble`, stretch by stretch (a page, or a part of a text
without pages); what shows only in the whole (repetition, headers, hidden text, dates) is found here.
Nothing is looked up: the same document always has the same measure.
"""

from __future__ import annotations

import functools
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from indexer import garble
from indexer.findings import Finding, Quality, Remedy, Stretch
from indexer.types import Chunk, ParsedDocument, Status, StoredChunk

VERSION = 1
"""Raise it when the measure changes: what was measured before is measured again, without parsing."""

STRETCH = 4000
"""Characters measured together."""
_FINE = 800
"""Characters of the parts of a flawed stretch."""
_NOISY_STRETCHES = 12
"""Stretches of a text without pages whose words are looked at; of longer ones every second, third, …"""
_MOST_STRETCHES = 2000
_SAMPLE = 100_000
"""Characters from the beginning in which repetition is looked for."""
_PAGES_NAMED = 12
_DOUBTED_WORDS = 40
"""Sound words that are added to those looked at: a few odd ones in a short text say little."""

Curve = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of finding: what its share costs, and what it means."""

    curve: Curve
    """(share, points) at the corners; straight lines between them."""
    note: str
    """With a place for the share in percent."""
    remedy: Remedy = ""


KINDS: dict[str, _Kind] = {
    "mojibake": _Kind(
        ((0.004, 0), (0.02, 18), (0.035, 54), (0.3, 88)),
        "Letters are garbled: {} of the words hold UTF-8 read wrongly.", "decode",
    ),
    "encoding": _Kind(
        ((0.004, 0), (0.04, 55), (0.5, 92)), "{} of the text is in another encoding than it was read in.",
        "decode",
    ),
    "glyphs": _Kind(
        ((0.004, 0), (0.05, 55), (0.5, 95)), "{} of the text are numbers of glyphs instead of letters.", "ocr"
    ),
    "lost": _Kind(
        ((0.001, 0), (0.01, 25), (0.05, 56), (0.3, 92)), "{} of the characters could not be read.", "decode"
    ),
    "noise": _Kind(
        ((0.04, 0), (0.07, 54), (0.2, 80), (0.6, 92)), "{} of the words look misread.", "ocr"
    ),
    "spaced": _Kind(((0.06, 0), (0.25, 54), (0.8, 75)), "Letters stand apart in {} of the text.", "ocr"),
    "hidden": _Kind(
        ((0.0, 8), (0.1, 30), (0.34, 55), (1.0, 70)), "{} of the text is hidden from readers.",
        "exclude",
    ),
    "textless": _Kind(((0.0, 2), (1.0, 100)), "{} of the pages show something but yield no text.", "ocr"),
    "recognised": _Kind(
        ((0.1, 0), (0.3, 30), (0.45, 55), (0.8, 90)), "The recognition of its text was unsure ({}).", "ocr"
    ),
    "repetition": _Kind(
        ((0.4, 2), (0.95, 18), (0.99, 52), (1.0, 60)), "{} of the text repeats itself.", "exclude"
    ),
    "boilerplate": _Kind(
        ((0.4, 0), (0.65, 25), (0.95, 55)),
        "{} of the text are headers, footers, banners or signatures.", "exclude",
    ),
    "hyphens": _Kind(((0.01, 0), (0.1, 15)), "{} of the words are divided at the end of a line."),
    "sparse": _Kind(((0.0, 0), (1.0, 15)), "It holds hardly any letters.", "exclude"),
    "languages": _Kind((), "{} of it is in other languages: "),
    "undated": _Kind((), "It says no date."),
    "unowned": _Kind((), "It names no author."),
}  # fmt: skip
"""What can be found. Broken text costs more than half, so that any of it in earnest makes a document poor."""

_BY_STRETCH = ("mojibake", "encoding", "glyphs", "lost", "spaced")
_DATED = frozenset(
    {"pdf", "docx", "pptx", "xlsx", "odt", "odp", "ods", "eml", "msg", "epub", "doc", "ppt", "xls"}
)
"""Formats that have a place for author and date."""
DECODABLE = frozenset(
    {
        "text",
        "code",
        "markdown",
        "rst",
        "asciidoc",
        "org",
        "html",
        "xml",
        "json",
        "yaml",
        "vtt",
        "srt",
        "csv",
        "tsv",
    }
)
"""Formats that are bytes in some encoding: they can be read again in another one."""
_RECOGNISABLE = frozenset({"pdf", "image"})
_UNSPELLED = frozenset({"code", "sheet", "archive"})
_STRUCTURED = frozenset({"json", "yaml", "xml", "svg", "ipynb"})
_REPEATING = frozenset({"code", "sheet", "slides"})
"""Kinds in which the same lines are no fault."""


def points(code: str, share: float) -> int:
    """What a share of this kind costs, in points of a hundred."""
    curve = KINDS[code].curve
    if not curve or share <= 0 or share < curve[0][0]:
        return 0
    for (left, low), (right, high) in pairwise(curve):
        if share <= right:
            return round(low + (high - low) * (share - left) / (right - left))
    return round(curve[-1][1])


def score(costs: Iterable[int]) -> int:
    """What costs leave of a hundred: each takes its part of what the others left."""
    left = 1.0
    for cost in costs:
        left *= 1 - cost / 100
    return round(100 * left)


def measure(document: ParsedDocument, language: str, chunks: Sequence[Chunk | StoredChunk] = ()) -> Quality:
    """Measure a document that yielded text.

    Args:
        document: As it was parsed.
        language: ISO 639-1 code of its text, or "".
        chunks: Its chunks, for the languages of its parts.
    """
    parts = _cut(document)
    found = _Measures(document, language)
    found.read(parts)
    shares = found.shares()
    shares["textless"] = _share(len(document.textless_pages), len(document.pages))
    shares["hidden"] = _share(sum(document.hidden_text.values()) / 100, len(document.pages))
    sure = document.ocr_confidence.values()
    shares["recognised"] = 1 - sum(sure) / len(sure) / 100 if sure else 0.0
    if document.kind not in _REPEATING and document.format not in _STRUCTURED:
        shares["repetition"] = repetition(document.text[:_SAMPLE])
        shares["boilerplate"] = boilerplate(document)
    if found.prose:
        shares["hyphens"] = hyphens(document.text[:_SAMPLE])
    shares["sparse"] = 1.0 if _letters(document.text) < 3 and not document.attachments else 0.0
    costs = {code: points(code, share) for code, share in shares.items()} | found.costs()
    findings = [
        _finding(code, shares[code], cost, found.pages_of(code, document), document.format)
        for code, cost in costs.items()
        if cost > 0
    ]
    findings += _facts(document, language, chunks)
    findings.sort(key=lambda finding: -finding.cost)
    return Quality(
        score=score(finding.cost for finding in findings),
        findings=tuple(findings),
        stretches=found.stretches(document),
    )


def of_unread(status: str, reason: str) -> Quality | None:
    """The measure of a document without text; None when that says nothing of the document (a password)."""
    if status == Status.NEEDS_OCR:
        return Quality(
            score=0, findings=(Finding(code="textless", share=1.0, cost=100, note=reason, remedy="ocr"),)
        )
    if status == Status.EMPTY:
        return Quality(
            score=0, findings=(Finding(code="empty", share=1.0, cost=100, note=reason, remedy="exclude"),)
        )
    return None


# --- stretch by stretch ---------------------------------------------------------------------------


@dataclass(slots=True)
class _Part:
    """A stretch with the shares found in it."""

    start: int
    end: int
    page: int | None
    shares: dict[str, float] = field(default_factory=dict)


def _cut(document: ParsedDocument) -> list[_Part]:
    """The pages, long ones in parts; a text without pages in parts that end with a line."""
    text = document.text
    spans: list[tuple[int, int, int | None]]
    spans = [(page.start, page.end, page.number) for page in document.pages] or [(0, len(text), None)]
    parts = [part for start, end, page in spans for part in _pieces(text, start, end, page, STRETCH)]
    step = -(-len(parts) // _MOST_STRETCHES)
    return parts[::step]


def _pieces(text: str, start: int, end: int, page: int | None, size: int) -> list[_Part]:
    """A span in parts of about this size that end with a line where they can."""
    parts: list[_Part] = []
    while end - start > 1.5 * size:
        cut = text.rfind("\n", start + size // 2, start + size) + 1 or start + size
        parts.append(_Part(start, cut, page))
        start = cut
    parts.append(_Part(start, end, page))
    return parts


class _Measures:
    """The shares of all stretches of a document."""

    def __init__(self, document: ParsedDocument, language: str) -> None:
        self._text = document.text
        self._paged = bool(document.pages)
        self._language = language
        self._parts: list[_Part] = []
        self._misread = self._words = 0.0
        self.prose = document.kind not in _UNSPELLED and document.format not in _STRUCTURED
        self._ascii = self._text.isascii()
        self._tests: list[tuple[str, Callable[[str], float]]] = []
        if garble.may_hold_glyph_codes(self._text):
            self._tests.append(("glyphs", garble.glyph_codes))
        if garble.may_be_lost(self._text):
            self._tests.append(("lost", garble.lost))
        if self.prose and garble.may_be_spaced(self._text):
            self._tests.append(("spaced", garble.spaced))

    def read(self, parts: list[_Part]) -> None:
        self._parts = parts
        for part in parts:
            self._examine(part)
        if self.prose:
            step = 1 if self._paged else -(-len(parts) // _NOISY_STRETCHES)
            for part in parts[::step]:
                self._count_misread(part)

    def _examine(self, part: _Part) -> None:
        """Look at the letters of a stretch."""
        text = self._text[part.start : part.end]
        for code, test in self._tests:
            part.shares[code] = test(text)
        if self._ascii or text.isascii():
            return
        telling = garble.telling(text)
        part.shares["mojibake"] = garble.mojibake(telling, garble.words(text))
        part.shares["encoding"] = garble.wrong_encoding(telling, text, self._language)
        if part.shares["mojibake"] > 0.02:  # one fault is told once
            part.shares["encoding"] = 0.0

    def _count_misread(self, part: _Part) -> None:
        """Look at the words of a stretch, unless its letters are known to be broken."""
        text = self._text[part.start : part.end]
        found = garble.noise(text, self._language)
        if found is None or max(part.shares.get(code, 0.0) for code in ("spaced", "glyphs")) >= 0.1:
            return
        misread, words = found
        part.shares["noise"] = misread / (words + _DOUBTED_WORDS)
        everything = garble.words(text)
        self._misread += misread / words * everything
        self._words += everything

    def _finer(self, part: _Part) -> list[_Part]:
        """A flawed stretch in parts of about a chunk's length, so that sound ones in it are told apart."""
        flawed = any(points(code, share) for code, share in part.shares.items())
        if not flawed or part.end - part.start <= 1.5 * _FINE:
            return [part]
        pieces = _pieces(self._text, part.start, part.end, part.page, _FINE)
        for piece in pieces:
            self._examine(piece)
            if self.prose:
                self._count_misread(piece)
        return pieces

    def shares(self) -> dict[str, float]:
        """What is true of the whole: the mean over the stretches, by their length."""
        shares = {code: self._mean(code, lambda share: share) for code in _BY_STRETCH}
        shares["noise"] = self._misread / (self._words + _DOUBTED_WORDS)
        return shares

    def costs(self) -> dict[str, int]:
        """Points by the mean over the stretches: a broken page of six costs a sixth of a broken text."""
        return {code: round(self._mean(code, functools.partial(points, code))) for code in _BY_STRETCH}

    def _mean(self, code: str, value: Callable[[float], float]) -> float:
        flawed = [part for part in self._parts if part.shares.get(code)]
        if not flawed:
            return 0.0
        total = sum(value(part.shares[code]) * (part.end - part.start) for part in flawed)
        return total / sum(part.end - part.start for part in self._parts)

    def pages_of(self, code: str, document: ParsedDocument) -> tuple[int, ...]:
        """The pages a finding is worst on; none when it is true of all."""
        if code == "textless":
            return document.textless_pages[:_PAGES_NAMED]
        if code == "hidden":
            return tuple(sorted(document.hidden_text)[:_PAGES_NAMED])
        if code == "recognised":
            unsure = [page for page, sure in document.ocr_confidence.items() if points(code, 1 - sure / 100)]
            return tuple(sorted(unsure)[:_PAGES_NAMED])
        worst = [p.page for p in self._parts if p.page and points(code, p.shares.get(code, 0.0))]
        return tuple(dict.fromkeys(worst))[:_PAGES_NAMED] if len(worst) < len(self._parts) else ()

    def stretches(self, document: ParsedDocument) -> tuple[Stretch, ...]:
        """Every stretch with its own score."""
        sure = document.ocr_confidence
        textless = frozenset(document.textless_pages)
        found = []
        for part in (piece for whole in self._parts for piece in self._finer(whole)):
            shares = dict(part.shares)
            if part.page is not None:
                shares["hidden"] = document.hidden_text.get(part.page, 0) / 100
                shares["recognised"] = 1 - sure.get(part.page, 100) / 100
                shares["textless"] = float(part.page in textless)
            costs = {code: points(code, share) for code, share in shares.items()}
            codes = tuple(code for code, cost in costs.items() if cost)
            found.append(
                Stretch(
                    start=part.start, end=part.end, page=part.page, score=score(costs.values()), codes=codes
                )
            )
        return tuple(found)


def of_span(stretches: Sequence[Stretch], start: int, end: int) -> int:
    """The score of a part of the text: that of the stretches it lies in, by length; 100 where unmeasured."""
    total = covered = 0
    for each in stretches:
        shared = min(end, each.end) - max(start, each.start)
        if shared > 0:
            total += shared * each.score
            covered += shared
    return round(total / covered) if covered else 100


# --- in the whole ---------------------------------------------------------------------------------


def repetition(text: str) -> float:
    """Share of the text that was there before: paragraphs and lines said again, or one run of characters."""
    if len(text) < 400:
        return 0.0
    lines = Counter(text.split("\n"))
    again = sum(len(line) * (count - 1) for line, count in lines.items() if count > 1 and len(line) >= 30)
    if again > 0.3 * len(text):
        again = round(again * len(text) / sum(len(line) * n for line, n in lines.items() if len(line) >= 30))
    if len(lines) * 2000 > len(text):
        return min(1.0, again / len(text))
    # Few, very long lines: look inside.
    raw = text[:65_536].encode("utf-8", "replace")
    return max(again / len(text), 1 - 8 * len(zlib.compress(raw, 1)) / len(raw))


_BANNER = re.compile(
    r"(?:(?:we|this (?:web)?site|our (?:partners|site)) uses? cookies|accept (?:all )?cookies|cookie[ -]"
    r"(?:policy|settings|preferences|einstellungen|richtlinie)|verwende[nt] (?:wir )?cookies|alle cookies|"
    r"utilis(?:e|ons) des cookies|utiliza(?:mos)? cookies|politique de cookies|política de cookies|"
    r"使用\s?cookie|接受所有\s?cookie|manage (?:your )?consent|do not sell my|subscribe to our newsletter|"
    r"all rights reserved|unsubscribe)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"^>[^\n]*$", re.MULTILINE)
_SIGNATURE = re.compile(
    r"^-- ?\n(?:[^\n]*\n?){1,12}|(?:sent from my |von meinem \w+ gesendet|envoyé de mon |enviado desde mi "
    r"|this (?:e-?mail|message)[^\n]{0,80}confidential|diese (?:e-?mail|nachricht)[^\n]{0,60}vertraulich)",
    re.IGNORECASE | re.MULTILINE,
)


def boilerplate(document: ParsedDocument) -> float:
    """Share of the text that says nothing of its own: running heads, banners, signatures, quoted mail."""
    text = document.text[:_SAMPLE]
    if len(text) < 200:
        return 0.0
    count = _running(document)
    if document.kind in ("web", "mail"):
        count += _lines_with(_BANNER, text)
    if document.kind == "mail":
        count += _lines_with(_SIGNATURE, text)
        count += sum(len(match[0]) for match in _QUOTED.finditer(text))
    return min(1.0, count / len(text))


def _lines_with(pattern: re.Pattern[str], text: str) -> int:
    """Characters in the lines a pattern is found in."""
    count = done = 0
    for match in pattern.finditer(text):
        start, end = text.rfind("\n", 0, match.start()) + 1, text.find("\n", match.end())
        end = len(text) if end < 0 else end
        count += max(0, min(end, match.end() + 300) - max(start, done, match.start() - 300))
        done = max(done, end)
    return count


def _running(document: ParsedDocument) -> int:
    """Characters in lines at the top and bottom of pages that several pages share but for their numbers."""
    if len(document.pages) < 3:
        return 0
    edges: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for page in document.pages[:400]:
        if page.end > _SAMPLE:
            break
        lines = [line for line in document.text[page.start : page.end].split("\n") if line.strip()]
        for line in {*lines[:2], *lines[2:][-2:]}:
            key = "".join(char for char in line[:200] if char.isalpha())
            if len(key) >= 4:
                edges[key] += 1
                sizes[key] += len(line)
    return sum(sizes[key] for key, count in edges.items() if count >= 3)


_DIVIDED = re.compile(r"-\n(?<=[^\W\d_]-\n)[a-zß-ÿ]")


def hyphens(text: str) -> float:
    """Share of words that are still divided at the end of a line."""
    if "-\n" not in text:
        return 0.0
    return len(_DIVIDED.findall(text)) / (text.count(" ") + text.count("\n") + 1)


# --- findings -------------------------------------------------------------------------------------


def _finding(code: str, share: float, cost: int, pages: tuple[int, ...], format: str) -> Finding:
    kind = KINDS[code]
    share = min(1.0, share)
    return Finding(
        code=code,
        share=round(share, 4),
        cost=cost,
        note=kind.note.format(percent(share)),
        remedy=_remedy(kind.remedy, format),
        pages=pages,
    )


def _remedy(remedy: Remedy, format: str) -> Remedy:
    """What can be done with a document of this format."""
    if remedy == "decode" and format not in DECODABLE:
        remedy = "ocr"
    if remedy == "ocr" and format not in _RECOGNISABLE:
        return "exclude"
    return remedy


def _facts(document: ParsedDocument, language: str, chunks: Sequence[Chunk | StoredChunk]) -> list[Finding]:
    """What is worth knowing and costs nothing: languages, date, author."""
    facts = []
    others: Counter[str] = Counter()
    for chunk in chunks:
        if chunk.language and chunk.language != language:
            others[chunk.language] += chunk.end - chunk.start
    foreign = _share(sum(others.values()), sum(chunk.end - chunk.start for chunk in chunks))
    if language and foreign >= 0.1:
        note = KINDS["languages"].note.format(percent(foreign))
        names = ", ".join(code for code, _ in others.most_common(3))
        facts.append(Finding(code="languages", share=round(foreign, 4), cost=0, note=f"{note}{names}."))
    if document.format in _DATED:
        dated = document.metadata.get("created") or document.metadata.get("modified")
        owned = document.metadata.get("author") or document.metadata.get("from")
        for code, known in (("undated", dated), ("unowned", owned)):
            if not known:
                facts.append(Finding(code=code, share=1.0, cost=0, note=KINDS[code].note))
    return facts


def percent(share: float) -> str:
    """A share for a person: "0.4 %", "12 %"."""
    value = 100 * share
    return f"{value:.1f} %" if 0 < value < 2 else f"{value:.0f} %"


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text[:2000]))
