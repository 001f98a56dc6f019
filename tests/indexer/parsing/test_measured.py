"""The measure on its way: made by the worker, sent, believed only as far as it makes sense."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.errors import UnreadableDocument
from indexer.findings import Finding, Quality, Stretch
from indexer.parsing import frames, sniff
from indexer.parsing.frames import BadFrameError, Parsed
from indexer.parsing.source import Source
from indexer.parsing.worker import read
from indexer.types import ParsedDocument

QUALITY = Quality(
    score=46,
    findings=(
        Finding(code="mojibake", share=0.25, cost=54, note="Garbled.", remedy="decode", pages=(1, 3)),
        Finding(code="undated", share=1.0, cost=0, note="No date."),
    ),
    stretches=(
        Stretch(start=0, end=5, page=1, score=46, codes=("mojibake",)),
        Stretch(start=5, end=9, page=None, score=100),
    ),
)


def sent(quality: Quality | None) -> Parsed:
    document = ParsedDocument(
        title="", text="some text", kind="pdf", format="pdf", hidden_text={2: 40}, ocr_confidence={1: 80}
    )
    parsed = Parsed(document=document, chunks=(), language="en", parser="pdf/2", quality=quality)
    raw = b"".join(frames.pack_parsed(7, parsed))
    header, body = frames.lengths(raw[: frames.HEAD.size], 1 << 20)
    start = frames.HEAD.size
    return frames.unpack_parsed(
        frames.unpack(raw[start : start + header], raw[start + header : start + header + body])
    )


def test_a_measure_arrives_as_it_was_made() -> None:
    assert sent(QUALITY).quality == QUALITY
    assert sent(None).quality is None
    assert dict(sent(None).document.hidden_text) == {2: 40}


@pytest.mark.parametrize(
    "quality",
    [
        Quality(score=101),
        Quality(score=-1),
        Quality(score=50, findings=(Finding(code="x", share=7.0, cost=1, note=""),)),
        Quality(score=50, findings=(Finding(code="x", share=0.5, cost=400, note=""),)),
        Quality(score=50, findings=(Finding(code="x", share=0.5, cost=1, note="", remedy="rm -r"),)),  # type: ignore[arg-type]
        Quality(score=50, stretches=(Stretch(start=2, end=99, page=1, score=5),)),
        Quality(score=50, stretches=(Stretch(start=-2, end=3, page=1, score=5),)),
    ],
)
def test_a_measure_that_cannot_be_is_refused(quality: Quality) -> None:
    with pytest.raises(BadFrameError):
        sent(quality)


# --- real files ------------------------------------------------------------------------------------

BROKEN = {
    "scan/no-unicode-mapping.pdf": "textless",
    "pdf/invisible_text_layer.pdf": "hidden",
    "encodings/utf8-with-bad-bytes.txt": "lost",
}
"""What the notes of the collection call broken although it can be opened, and the reason expected."""


def measured(path: Path) -> Quality | None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        source = Source(descriptor, path.name)
        source.format = sniff.sniff(source)
        return read(source).quality
    except UnreadableDocument as exc:
        from indexer import quality

        return quality.of_unread(exc.status, exc.reason)
    finally:
        os.close(descriptor)


@pytest.mark.corpora
@pytest.mark.parametrize(("name", "code"), BROKEN.items())
def test_broken_text_of_real_files_is_poor_for_the_right_reason(corpora: Path, name: str, code: str) -> None:
    found = measured(corpora / "mixed-files/files" / name)
    assert found is not None
    assert found.score < 50
    assert found.findings[0].code == code


def clean(corpora: Path) -> Iterator[Path]:
    """Some of every collection that is whole, in all languages and encodings."""
    for language in ("en", "zh", "de", "es", "ar"):
        yield from sorted((corpora / "xquad/corpus" / language).glob("*.txt"))[:12]
    yield from sorted((corpora / "peps/docs").glob("*.rst"))[::60]
    yield from sorted((corpora / "summaries").rglob("*.txt"))[::40]
    yield from sorted((corpora / "near-dup/docs").rglob("*.md"))[::20]
    mixed = corpora / "mixed-files/files"
    yield from (path for path in sorted((mixed / "encodings").iterdir()) if "bad-bytes" not in path.name)
    yield from sorted((mixed / "text").iterdir())
    yield from sorted((mixed / "web").glob("fake*"))
    yield mixed / "pdf/anhui-land-use-standard.pdf"


@pytest.mark.corpora
def test_clean_files_of_every_collection_are_above_80(corpora: Path) -> None:
    scores = {str(path): found.score for path in clean(corpora) if (found := measured(path))}
    assert len(scores) > 100
    assert {name: score for name, score in scores.items() if score <= 80} == {}
