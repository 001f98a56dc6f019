"""Tesseract, which PyMuPDF carries in its own library, through Tesseract's C interface.

PyMuPDF's functions for OCR do not tell how sure Tesseract is, so its library is asked directly. It
only needs the files of languages ("tessdata"). It reads straight lines in a language it is told, so the
page is turned, straightened and its script found out first, on a strip of it. Every call is made in the
OCR process, which may die.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from indexer import language, ocr
from indexer.errors import EngineError
from indexer.ocr.lines import paragraphs
from indexer.ocr.picture import Image, Picture
from indexer.parsing import pdf

_SURE = 78
"""Mean confidence of a strip with which no other script and no other direction is tried."""
_GARBAGE = 45
"""Mean confidence below which it is no text: Tesseract reads letters into every photograph."""
_NOISE = 35
"""Mean confidence below which a paragraph is left out: a picture, a line, a stain."""
_SURER = 5
"""Points of confidence that removing specks must gain."""
_STRIP = 0.22
"""Share of the page that is read to find out how it lies."""
_AUTO, _COLUMNS = 3, 5
"""Page segmentation: automatic; one block of columns that run down."""
_KEPT = 4
"""Loaded languages kept for the next page."""
_OTHER_SCRIPTS = (
    "chi_sim", "jpn", "chi_tra", "kor", "rus", "ukr", "bul", "srp", "ell", "ara", "fas", "heb", "hin", "ben",
    "tha", "tam", "tel", "kat", "hye",
)  # fmt: skip
"""Languages in other than Latin letters, in the order in which they are tried."""


class _Word(NamedTuple):
    """A row of Tesseract's table of words."""

    block: int
    paragraph: int
    line: int
    confidence: float
    text: str


class _Try(NamedTuple):
    """A way to read a page."""

    turn: int
    languages: str
    vertical: bool = False


class Tesseract:
    """The library with the languages loaded so far; of one thread."""

    def __init__(self, engines: ocr.Engines) -> None:
        """Find the library.

        Raises:
            EngineError: this PyMuPDF has no Tesseract in it, or there are no languages.
        """
        os.environ.setdefault("OMP_THREAD_LIMIT", "1")
        if not engines.languages:
            raise EngineError("Tesseract's languages are missing.", hint=f"Install them: {ocr.INSTALL}.")
        self._library = _library()
        self._folder = os.fsencode(engines.tessdata)
        self._installed = engines.languages
        self._loaded: dict[str, int] = {}
        self._version = self._library.TessVersion().decode("ascii", "replace")

    def read(self, picture: Picture, languages: Sequence[str], hints: Sequence[str] = ()) -> ocr.Reading:
        """Recognise a page.

        Args:
            picture: The page.
            languages: Tesseract's names, most likely first; empty: found out. Missing ones are ignored.
            hints: Those that are tried first where none is given.
        """
        wanted = [name for name in languages if name in self._installed]
        hints = [name for name in hints if name in self._installed]
        skew, sideways = picture.survey()
        scale = picture.scale()
        image = picture.draw(scale, turn=skew)
        tries = list(self._tries(wanted, hints, sideways))
        image = self._cleaned(image, scale, tries[:2], sideways)
        best, _ = self._best(image, scale, tries, sideways)
        turned = np.ascontiguousarray(np.rot90(image, -best.turn // 90))
        words = self._words(turned, scale, best)
        if not best.vertical and not wanted:
            better = self._refined(words, best)
            if better != best:
                best, words = better, self._words(turned, scale, better)
        sure = _mean(words)
        text = "" if sure < _GARBAGE else _text(words)
        return ocr.Reading(
            text=text,
            confidence=round(sure) if text else 0,
            engine=f"tesseract {self._version} {best.languages}",
            turned=best.turn,
            skew=round(skew, 1),
        )

    # --- how the page lies, and in which script ---

    def _cleaned(self, image: Image, scale: float, tries: Sequence[_Try], sideways: bool) -> Image:
        """The page without its specks, where Tesseract is surer of it then: they confuse it most."""
        _, sure = self._best(image, scale, tries, sideways)
        if sure >= _SURE:
            return image
        clean = _median(image)
        _, surer = self._best(clean, scale, tries, sideways)
        return clean if surer > sure + _SURER else image

    def _best(self, image: Image, scale: float, tries: Sequence[_Try], sideways: bool) -> tuple[_Try, float]:
        """The most promising way to read the page, from a strip with much on it, and how sure it is."""
        strip = _strip(image, sideways)
        best, best_score = None, -1.0
        for attempt in tries:
            words = self._words(np.ascontiguousarray(np.rot90(strip, -attempt.turn // 90)), scale, attempt)
            score = _mean(words)
            if score > best_score:
                best, best_score = attempt, score
            if score >= _SURE and sum(len(word.text) for word in words) >= 8:
                break
        assert best is not None
        return best, best_score

    def _tries(self, wanted: Sequence[str], hints: Sequence[str], sideways: bool) -> Iterator[_Try]:
        """Ways to read a page, likely ones first."""
        turns = (270, 90) if sideways else (0, 180)
        groups = ["+".join(wanted)] if wanted else list(dict.fromkeys([*hints, *self._groups()]))
        for group in groups:
            yield from (_Try(turn, group) for turn in turns)
            if sideways:
                yield from (_Try(0, name, vertical=True) for name in self._columns(group))
        for group in groups:
            others = (0, 180) if sideways else (270, 90)
            yield from (_Try(turn, group) for turn in others)
            if not sideways:
                yield from (_Try(0, name, vertical=True) for name in self._columns(group))

    def _groups(self) -> list[str]:
        """One language in Latin letters, then those in other scripts that are installed."""
        latin = "eng" if "eng" in self._installed else ""
        latin = latin or next((name for name in self._installed if name not in _OTHER_SCRIPTS), "")
        return [name for name in (latin, *_OTHER_SCRIPTS) if name and name in self._installed]

    def _columns(self, group: str) -> list[str]:
        """The models for columns that belong to a group."""
        names = [name.removesuffix("_vert") + "_vert" for name in group.split("+")]
        return [name for name in names if name in self._installed]

    def _refined(self, words: Sequence[_Word], best: _Try) -> _Try:
        """The same with the language that the text is in, when that is another one and installed."""
        text = " ".join(word.text for word in words)
        latin = sum(letter.isascii() and letter.isalpha() for letter in text)
        if best.languages in _OTHER_SCRIPTS and 2 * latin < len(text):
            return best  # those models know Latin letters, too, but not the words
        code = language.detect(text)
        names = [name for name in ocr.languages_of([code]) if name in self._installed]
        return best._replace(languages=names[0]) if names and names[0] != best.languages else best

    # --- Tesseract ---

    def _words(self, image: Image, scale: float, attempt: _Try) -> list[_Word]:
        api, call = self._api(attempt.languages), self._library
        call.TessBaseAPISetPageSegMode(api, _COLUMNS if attempt.vertical else _AUTO)
        height, width = image.shape
        call.TessBaseAPISetImage(api, image.tobytes(), width, height, 1, width)
        call.TessBaseAPISetSourceResolution(api, max(70, min(600, round(72 * scale))))
        if call.TessBaseAPIRecognize(api, None):
            raise EngineError("Tesseract could not read the page.")
        table = call.TessBaseAPIGetTsvText(api, 0)
        try:
            text = ctypes.string_at(table).decode("utf-8", "replace") if table else ""
        finally:
            call.TessDeleteText(table)
            call.TessBaseAPIClear(api)
        return [word for row in text.split("\n") if (word := _word(row)) is not None]

    def _api(self, languages: str) -> int:
        api = self._loaded.pop(languages, 0)
        if not api:
            while len(self._loaded) >= _KEPT:
                self._library.TessBaseAPIDelete(self._loaded.pop(next(iter(self._loaded))))
            api = self._library.TessBaseAPICreate()
            if self._library.TessBaseAPIInit3(api, self._folder, languages.encode()):
                self._library.TessBaseAPIDelete(api)
                raise EngineError(f"Tesseract cannot load {languages}.", hint="Its file may be damaged.")
        self._loaded[languages] = api
        return api


@cache
def _library() -> Any:
    """PyMuPDF's own library with the parts of Tesseract's C interface that are used here."""
    mupdf = pdf.mupdf()
    folder = Path(mupdf.__file__).parent
    path = next(iter(sorted(folder.glob("libmupdf.so*")) + sorted(folder.glob("libmupdf*.dylib"))), None)
    if path is None:
        raise EngineError("This build of PyMuPDF has no Tesseract in it.")
    library: Any = ctypes.CDLL(str(path))
    pointer, number, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    shapes: dict[str, tuple[Any, list[Any]]] = {
        "TessVersion": (text, []),
        "TessBaseAPICreate": (pointer, []),
        "TessBaseAPIDelete": (None, [pointer]),
        "TessBaseAPIInit3": (number, [pointer, text, text]),
        "TessBaseAPISetPageSegMode": (None, [pointer, number]),
        "TessBaseAPISetImage": (None, [pointer, text, number, number, number, number]),
        "TessBaseAPISetSourceResolution": (None, [pointer, number]),
        "TessBaseAPIRecognize": (number, [pointer, pointer]),
        "TessBaseAPIGetTsvText": (pointer, [pointer, number]),
        "TessBaseAPIClear": (None, [pointer]),
        "TessDeleteText": (None, [pointer]),
        "fz_new_context_imp": (pointer, [pointer, pointer, ctypes.c_size_t, text]),
        "fz_set_leptonica_mem": (None, [pointer]),
    }
    try:
        for name, (result, arguments) in shapes.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except AttributeError as exc:
        raise EngineError("This build of PyMuPDF has no Tesseract in it.") from exc
    # Tesseract's pictures are allocated through MuPDF, which wants a context for it, once a process.
    context = library.fz_new_context_imp(None, None, 1 << 20, mupdf.mupdf.FZ_VERSION.encode())
    if not context:
        raise MemoryError("MuPDF has no memory")
    library.fz_set_leptonica_mem(context)
    return library


def _word(row: str) -> _Word | None:
    """A row of the table: level, page, block, paragraph, line, word, box (4), confidence, text."""
    cells = row.split("\t", 11)
    if len(cells) != 12 or cells[0] != "5" or not cells[11].strip():
        return None
    sure = float(cells[10])
    return _Word(int(cells[2]), int(cells[3]), int(cells[4]), sure, cells[11])


def _mean(words: Sequence[_Word]) -> float:
    letters = sum(len(word.text) for word in words)
    return sum(word.confidence * len(word.text) for word in words) / letters if letters else 0.0


def _text(words: Sequence[_Word]) -> str:
    found = []
    for _, group in groupby(words, key=lambda word: (word.block, word.paragraph)):
        paragraph = list(group)
        if _mean(paragraph) < _NOISE:
            continue
        lines = groupby(paragraph, key=lambda word: word.line)
        found.append([" ".join(word.text for word in line) for _, line in lines])
    return paragraphs(found)


def _median(image: Image) -> Image:
    """Each pixel the median of its nine neighbours: specks go, strokes of two pixels stay."""
    padded = np.pad(image, 1, mode="edge")
    height, width = image.shape
    shifted = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    rows = [np.sort(shifted[n : n + 3], axis=0) for n in (0, 3, 6)]
    # The median of nine is that of the largest low, the middle middle and the smallest high one.
    low = np.maximum(np.maximum(rows[0][0], rows[1][0]), rows[2][0])
    middle = np.sort([row[1] for row in rows], axis=0)[1]
    high = np.minimum(np.minimum(rows[0][2], rows[1][2]), rows[2][2])
    median: Image = np.ascontiguousarray(np.sort([low, middle, high], axis=0)[1])
    return median


def _strip(image: Image, sideways: bool) -> Image:
    """The part of a page, as wide as its lines are long, with the most on it."""
    whole = image.T if sideways else image
    rows = len(whole)
    size = min(rows, max(300, round(_STRIP * rows)))
    if size >= rows:
        return image
    ink = np.abs(np.diff(whole[:, ::4].astype(np.int16), axis=1)).sum(axis=1, dtype=np.int64)
    sums = np.cumsum(np.concatenate([[0], ink]))
    start = int(np.argmax(sums[size:] - sums[:-size]))
    part = whole[start : start + size]
    return np.ascontiguousarray(part.T if sideways else part)
