"""The process that recognises pages: `python -m indexer.ocr.worker OPTIONS`, one page at a time.

It runs at the lowest priority, limits itself before it sees the first byte, and may be killed at any
moment. Standard output and standard error are the log file, so engines that print harm nobody.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import socket
import sys
from collections.abc import Sequence
from typing import Any

from indexer import ocr
from indexer.errors import EngineError, UnreadableDocument
from indexer.ocr.picture import Picture
from indexer.parsing import frames, sniff
from indexer.parsing.source import Limits, Source
from indexer.parsing.worker import confine, receive, send

_GOOD = 60
"""Confidence with which no second engine is asked."""
_SURE_ALONE = 70
"""Confidence a second engine needs where the first has found no text at all: photographs look like
letters to Tesseract."""


def main() -> None:
    """Serve pages until the other side closes the socket."""
    options = json.loads(sys.argv[1])
    limits = Limits(**options["limits"])
    os.nice(19)
    confine(options["parent"], limits)
    logging.disable(logging.WARNING)  # engines log with handlers of their own
    desk = _Desk()
    with socket.socket(fileno=options["socket"]) as channel:
        send(channel, frames.pack({"ready": True}))
        while (request := receive(channel)) is not None:
            header, descriptors = request
            try:
                source = Source(descriptors[0], header["name"], limits)
                answer = desk.answer(header, source)
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)
            send(channel, answer)
            gc.collect()


class _Desk:
    """The engines loaded so far."""

    def __init__(self) -> None:
        self._rapid: Any = None
        self._tesseract: Any = None

    def answer(self, header: dict[str, Any], source: Source) -> list[bytes]:
        """The frame that answers a request, whatever happens to it."""
        job = header["job"]
        try:
            reading = self._read(header, source)
        except (EngineError, ImportError) as exc:
            return frames.pack({"job": job, "unusable": str(exc)[:500]})
        except UnreadableDocument as exc:
            return frames.pack({"job": job, "failed": exc.reason[:500]})
        except MemoryError:
            return frames.pack({"job": job, "failed": "It needs more memory than ocr.memory_mb allows."})
        except Exception as exc:  # noqa: BLE001 - whatever an engine throws at a page is that page's affair
            reason = f"The engine failed: {type(exc).__name__}: {' '.join(str(exc).split())}"
            return frames.pack({"job": job, "failed": reason[:300]})
        found = {"job": job, "confidence": reading.confidence, "engine": reading.engine}
        return frames.pack(
            {**found, "turned": reading.turned, "skew": reading.skew},
            [reading.text.encode("utf-8", "replace")],
        )

    def _read(self, header: dict[str, Any], source: Source) -> ocr.Reading:
        format = sniff.sniff(source)
        if format not in ("pdf", "image"):
            raise UnreadableDocument("Only pages of PDF files and images can be recognised.")
        picture = Picture(source, format, header["page"], dpi=header["dpi"], max_pixels=header["max_pixels"])
        try:
            return self._best(picture, header)
        finally:
            picture.close()

    def _best(self, picture: Picture, header: dict[str, Any]) -> ocr.Reading:
        """The first engine's reading, or a second one's where the first is not sure."""
        languages = ocr.languages_of(header["languages"])
        best: ocr.Reading | None = None
        failure: Exception | None = None
        for name in in_order(header["engines"], languages, ocr.find(header["tessdata"])):
            try:
                reading = self._with(name, picture, languages, header)
            except (EngineError, ImportError) as exc:
                failure = exc
                continue
            if best is None or _better(reading, best):
                best = reading
            if best.confidence >= _GOOD:
                break
        if best is None:
            raise failure or EngineError(ocr.MISSING)
        return best

    def _with(
        self, name: str, picture: Picture, languages: Sequence[str], header: dict[str, Any]
    ) -> ocr.Reading:
        if name == "rapidocr":
            if self._rapid is None:
                from indexer.ocr.rapid import Rapid

                self._rapid = Rapid(header["threads"])
            reading: ocr.Reading = self._rapid.read(picture)
            return reading
        if self._tesseract is None:
            from indexer.ocr.tesseract import Tesseract

            self._tesseract = Tesseract(ocr.find(header["tessdata"]))
        reading = self._tesseract.read(picture, languages, ocr.languages_of([header["hint"]]))
        return reading


def in_order(engines: Sequence[str], languages: Sequence[str], installed: ocr.Engines) -> list[str]:
    """The engines to be asked, the best for these languages first.

    RapidOCR reads more of a bad scan and needs no language named; but what it has no letters for it
    turns into nonsense, quite sure of itself.
    """
    foreign = [name for name in languages if name.removesuffix("_vert") not in ocr.LETTERS]
    if "tesseract" in engines and any(name in installed.languages for name in foreign):
        return ["tesseract"]
    return sorted(engines, key=ocr.ENGINES.index)


def _better(reading: ocr.Reading, best: ocr.Reading) -> bool:
    if not best.text:
        return reading.confidence >= _SURE_ALONE
    letters = [min(len(each.text), 400) for each in (reading, best)]
    return reading.confidence * letters[0] > best.confidence * letters[1]


if __name__ == "__main__":
    main()
