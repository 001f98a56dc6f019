"""OCR: the text of pages that are pictures.

Two engines, either of which is enough: Tesseract, which PyMuPDF has built in and which only needs the
files of its languages, and RapidOCR, an extra that brings its models along. This module says what is
there without loading any of it; the work is done in a process of its own (`worker.py`, started by
`process.py`).
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from indexer.types import Check

VERSION = 1
"""Raised when results get better: pages that failed are then tried again."""
ENGINES = ("rapidocr", "tesseract")
INSTALL = "pip install 'quire[ocr]'  (or, for Tesseract: apt install tesseract-ocr tesseract-ocr-deu …)"
"""How to get an engine."""
MISSING = f"No OCR engine is installed. Install one: {INSTALL}."

LETTERS = frozenset(
    {"chi_sim", "chi_tra", "jpn", "eng", "fra", "deu", "ita", "spa", "por", "nld", "dan", "swe", "nor",
     "fin", "pol", "ces", "slk", "slv", "hrv", "ron", "hun", "est", "lit", "lav", "tur", "ind", "msa",
     "isl", "cat", "glg", "eus", "gle", "cym", "sqi", "vie", "afr", "lat", "mlt", "swa", "bos"}
)  # fmt: skip
"""Languages that RapidOCR's model has the letters of, in Tesseract's names."""

_MODELS = {
    "det": "PP-OCRv6_det_small.onnx",
    "rec": "PP-OCRv6_rec_small.onnx",
    "cls": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
}
_TESSDATA = (
    "/usr/share/tesseract-ocr/*/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
    "/usr/share/tesseract/tessdata",
    "/opt/homebrew/share/tessdata",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """What is installed."""

    rapidocr: str = ""
    """Its version; "" when it is not there."""
    tessdata: str = ""
    """Folder with the languages of Tesseract; "" when there is none."""
    languages: tuple[str, ...] = ()
    """Tesseract's names of them: eng, deu, chi_sim."""

    @property
    def names(self) -> tuple[str, ...]:
        """The engines that can work."""
        there = {"rapidocr": bool(self.rapidocr), "tesseract": bool(self.languages)}
        return tuple(name for name in ENGINES if there[name])

    @property
    def signature(self) -> str:
        """Names all that decides what comes out: a page that failed is tried once for each."""
        return f"{VERSION}/{self.rapidocr}/{'+'.join(self.languages)}"

    def usable(self, wanted: str) -> tuple[str, ...]:
        """The engines that may be used: `wanted` is auto, off, or one of `ENGINES`."""
        return self.names if wanted == "auto" else tuple(name for name in self.names if name == wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an engine made of a page."""

    text: str
    """Paragraphs in reading order, an empty line between them; "" when there is no text."""
    confidence: int
    """0 to 100, weighed by letters; 0 without text."""
    engine: str
    """Which one, with its version and languages."""
    turned: int = 0
    """Degrees by which the page was turned clockwise to be read: 0, 90, 180 or 270."""
    skew: float = 0.0
    """Degrees by which it was straightened besides."""


def find(tessdata: str = "") -> Engines:
    """Look for the engines; loads neither.

    Args:
        tessdata: Folder of Tesseract's languages; "" looks in the usual places.
    """
    folder = _tessdata(tessdata)
    files = sorted(folder.glob("*.traineddata")) if folder else []
    languages = tuple(file.stem for file in files if file.stem not in ("osd", "equ"))
    return Engines(
        rapidocr=_rapidocr(),
        tessdata=str(folder) if languages else "",
        languages=languages if importlib.util.find_spec("pymupdf") else (),
    )


def _tessdata(given: str) -> Path | None:
    chosen = given or os.environ.get("TESSDATA_PREFIX", "")
    if chosen:
        folder = Path(chosen).expanduser()
        return folder if folder.is_dir() else None
    places = [Path(sys.prefix) / "share/tessdata"]
    for pattern in _TESSDATA:
        places += sorted(Path("/").glob(pattern.lstrip("/")), reverse=True)
    return next((place for place in places if any(place.glob("*.traineddata"))), None)


def _rapidocr() -> str:
    return metadata.version("rapidocr") if models() else ""


def models() -> dict[str, str]:
    """RapidOCR's packaged models by task; empty when one of them, or the package, is missing.

    They are given to it by path, so that it never looks for them elsewhere.
    """
    try:
        package = metadata.distribution("rapidocr")
    except metadata.PackageNotFoundError:
        return {}
    found = {
        task: Path(str(package.locate_file(f"rapidocr/models/{name}"))) for task, name in _MODELS.items()
    }
    return {task: str(path) for task, path in found.items() if path.is_file()} if _all(found) else {}


def _all(found: dict[str, Path]) -> bool:
    return all(path.is_file() for path in found.values())


def check(engines: Engines, wanted: str, waiting: int) -> Check:
    """The line of `quire doctor`: which engines and languages are there, and what waits for them."""
    parts = [f"RapidOCR {engines.rapidocr}"] if engines.rapidocr else []
    if engines.languages:
        parts.append(f"Tesseract ({', '.join(engines.languages)})")
    detail = "; ".join(parts) or MISSING
    if wanted == "off":
        detail = "switched off by ocr.engine"
    elif parts and not engines.usable(wanted):
        detail += f"; but ocr.engine asks for {wanted}"
    return Check(name="OCR", ok=True, detail=detail + (f"; {pages(waiting)} wait" if waiting else ""))


def pages(count: int) -> str:
    """A number of pages in words."""
    return "1 page" if count == 1 else f"{count:,} pages"


def languages_of(codes: Sequence[str]) -> list[str]:
    """Tesseract's names of languages given by either's: "de" becomes "deu", "chi_sim" stays."""
    return [name for code in codes for name in _TESSERACT_NAMES.get(code.lower(), [code]) if code]


_TESSERACT_NAMES = {
    "ar": ["ara"], "bg": ["bul"], "bn": ["ben"], "ca": ["cat"], "cs": ["ces"], "da": ["dan"],
    "de": ["deu"], "el": ["ell"], "en": ["eng"], "es": ["spa"], "et": ["est"], "fa": ["fas"],
    "fi": ["fin"], "fr": ["fra"], "he": ["heb"], "hi": ["hin"], "hr": ["hrv"], "hu": ["hun"],
    "id": ["ind"], "is": ["isl"], "it": ["ita"], "ja": ["jpn"], "ka": ["kat"], "ko": ["kor"],
    "lt": ["lit"], "lv": ["lav"], "nl": ["nld"], "no": ["nor"], "pl": ["pol"], "pt": ["por"],
    "ro": ["ron"], "ru": ["rus"], "sk": ["slk"], "sl": ["slv"], "sr": ["srp"], "sv": ["swe"],
    "ta": ["tam"], "te": ["tel"], "th": ["tha"], "tr": ["tur"], "uk": ["ukr"], "ur": ["urd"],
    "vi": ["vie"], "zh": ["chi_sim", "chi_tra"],
}  # fmt: skip
