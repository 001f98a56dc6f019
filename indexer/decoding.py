"""Reads a text file again in another encoding: the readings that make sense, and the choice of one.

A choice belongs to the content (its hash), so it holds under every name and survives a rebuild.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterator

from indexer import language, quality
from indexer.catalogue import Catalogue, measures
from indexer.errors import UnreadableDocument, UsageError
from indexer.findings import Decoding
from indexer.parsing import encoding
from indexer.parsing.opening import open_document
from indexer.text import normalise
from indexer.types import DocumentDetails, ParsedDocument

SAMPLE_BYTES = 64 * 1024
"""Bytes from the beginning that are read in every encoding."""
SHOWN = 160
"""Characters of a sample."""
OFFERED = 6
ENCODINGS = (
    "utf-8", "cp1252", "cp1250", "cp1254", "cp1257", "mac_roman", "cp850", "cp1251", "koi8_r", "cp866",
    "cp1253", "cp1255", "cp1256", "cp874", "gb18030", "big5hkscs", "cp932", "euc_jp", "cp949", "utf-16-le",
    "utf-16-be",
)  # fmt: skip
"""What is tried, the likelier ones first."""
TWICE = ("cp1252", "latin-1", "cp1250", "cp1251", "koi8_r", "mac_roman", "cp437", "gb18030", "cp932")
"""Encodings that UTF-8 is often taken for before it is stored a second time."""


class Decoder:
    """Offers and keeps encodings. Thread-safe.

    Args:
        catalogue: The truth.
        reread: Has a document (by hash) read again from its paths on disk; returns when that is done.
    """

    def __init__(self, catalogue: Catalogue, reread: Callable[[str, list[bytes]], None]) -> None:
        self._catalogue = catalogue
        self._reread = reread

    def offer(self, details: DocumentDetails, now: str) -> tuple[Decoding, ...]:
        """Readings of a text file, the likeliest first: the best and the present one, no two alike.

        Args:
            details: The file.
            now: The beginning of its text as it is read at present.

        Raises:
            UsageError: it is no text file, or lies inside another file.
        """
        _check(details)
        content = self._beginning(details)
        chosen = details.encoding
        found: dict[str, Decoding] = {}
        for name in dict.fromkeys([*([chosen] if chosen else []), *_names()]):
            try:
                text = normalise(encoding.read_as(content, name))
            except (UnicodeError, LookupError):
                continue
            if text not in found:
                current = name == chosen or (not chosen and bool(now) and text.startswith(now))
                found[text] = _decoding(name, text, current=current)
        readings = sorted(found.values(), key=lambda each: -each.score)
        return tuple(each for at, each in enumerate(readings) if at < OFFERED or each.current)

    def choose(self, details: DocumentDetails, name: str) -> None:
        """Read a document in this encoding from now on; "auto": as it is found.

        Raises:
            UsageError: there is no such encoding, or the document is no text file.
        """
        _check(details)
        wanted = "" if name == "auto" else encoding.canonical(name)
        if name != "auto" and not wanted:
            raise UsageError(
                f"There is no encoding {name!r}.",
                hint="'quire decode PATH' without --encoding lists those that make sense.",
            )
        digest = details.document[7:]
        with self._catalogue.transaction() as db:
            measures.choose_decoding(db, digest, wanted)
        paths = {os.fsencode(path) for path in details.paths}
        self._reread(digest, sorted({self._catalogue.container_of(path) or path for path in paths}))

    def _beginning(self, details: DocumentDetails) -> bytes:
        path = next((path for path in details.paths if "!/" not in path), "")
        if not path:
            raise UsageError(
                "It lies inside another file, so its bytes cannot be shown.",
                hint="Name the encoding with --encoding, or unpack it first.",
            )
        place = os.fsencode(path)
        try:
            descriptor = open_document(place, root=os.path.dirname(place), follow_symlinks=True)
        except (UnreadableDocument, OSError) as exc:
            raise UsageError(f"{path} cannot be opened: {exc}", hint="Is it still there?") from exc
        with os.fdopen(descriptor, "rb") as stream:
            content = stream.read(SAMPLE_BYTES)
        end = content.rfind(b"\n")
        return content[: end + 1] if len(content) == SAMPLE_BYTES and end > 0 else content


def _check(details: DocumentDetails) -> None:
    if not details.document or (details.format and details.format not in quality.DECODABLE):
        raise UsageError(
            f"{details.path} is no text file ({details.format or details.state}).",
            hint="Only text, Markdown, HTML, XML, JSON, CSV and the like have an encoding to choose.",
        )


def _names() -> Iterator[str]:
    yield from ENCODINGS
    yield from (f"utf-8/{name}" for name in TWICE)


def _decoding(name: str, text: str, *, current: bool) -> Decoding:
    spoken = language.detect(text)
    document = ParsedDocument(title="", text=text, kind="text", format="text")
    score = quality.measure(document, spoken).score
    if not text.isascii():
        score = round(score * (0.5 + 0.5 * encoding.familiar(text)) * (1 - _strange(text)))
        score -= 0 if spoken else 10
    return Decoding(
        encoding=name,
        score=max(0, score),
        language=spoken,
        sample=_sample(text),
        current=current,
    )


def _strange(text: str) -> float:
    """Share of the characters beyond ASCII that are neither letters nor the usual marks."""
    beyond = [char for char in text if char > "\x7f"]
    odd = (
        "\u2500" <= char <= "\u25ff"
        or "\uff61" <= char <= "\uff9f"
        or char == "\ufffd"
        or not (char.isalnum() or unicodedata.category(char)[0] in "PMZ")
        for char in beyond
    )
    return sum(odd) / len(beyond)


def _sample(text: str) -> str:
    """What surrounds the first letter beyond ASCII, where readings differ."""
    first = next((at for at, char in enumerate(text) if char > "\x7f"), 0)
    start = max(0, first - SHOWN // 3)
    return " ".join(text[start : start + SHOWN].split())
