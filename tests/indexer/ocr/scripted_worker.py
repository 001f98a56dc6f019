"""An OCR process that obeys the document's name: answers at once, hangs, dies, fails, talks rubbish."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from indexer import ocr
from indexer.errors import EngineError, UnreadableDocument
from indexer.ocr import worker
from indexer.parsing.source import Source


def read(_: object, header: dict[str, Any], source: Source) -> ocr.Reading:
    name, page = header["name"], header["page"]
    if "hang" in name and (page == 2 or "all" in name):
        time.sleep(1000)
    if "die" in name:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "babble" in name:
        os.write(1, b"this goes to the log")
        raise SystemExit(3)
    if "refuse" in name:
        raise UnreadableDocument("Not a page I like.")
    if "broken" in name:
        raise EngineError("The engine is broken.", hint="Mend it.")
    if "blank" in name:
        return ocr.Reading(text="", confidence=0, engine="scripted 1")
    text = f"Recognised words of page {page}.\n\nSecond paragraph {header['hint']} {header['languages']}."
    return ocr.Reading(text=text, confidence=80 + page, engine="scripted 1")


worker._Desk._read = read  # type: ignore[assignment]

if __name__ == "__main__":
    worker.main()
