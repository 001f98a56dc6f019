"""OCR in the background of a library: found, kept, resumed, cancelled, refused."""

from __future__ import annotations

import io
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import ocr, recognition
from indexer.config import Config, OcrConfig, ParsingConfig
from indexer.errors import OcrMissingError
from indexer.library import Library
from indexer.ocr import process
from indexer.parsing.pool import ParsePool
from indexer.parsing.recognised import merge
from indexer.rebuilding import rebuild
from indexer.recognition import Recognition
from indexer.scans import RecognisedPage, pack, unpack
from indexer.text import normalise
from indexer.types import Heading, Page, ParsedDocument, SearchRequest
from tests.builders import HashEmbedder, settings, until
from tests.indexer.ocr import drawing

Open = Callable[..., Library]
SCRIPTED = (sys.executable, str(Path(__file__).parent / "ocr" / "scripted_worker.py"))
OFFLINE = (sys.executable, str(Path(__file__).parent / "ocr" / "offline_worker.py"))

pytestmark = pytest.mark.xdist_group("ocr")


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens the library of this test; closed in the end."""
    made: list[Library] = []

    def make(**options: object) -> Library:
        if made:
            made[-1].close()
        config = settings().model_copy(update={"ocr": OcrConfig.model_validate(options)})
        made.append(
            Library.open(tmp_path / "library", config, watch=False, load_embedder=lambda: HashEmbedder())
        )
        return made[-1]

    yield make
    for library in made:
        library.close()


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engines obey the names of documents; both are "installed"."""
    monkeypatch.setattr(process, "COMMAND", SCRIPTED)


def blank(pages: int = 1) -> bytes:
    """A scan of this many pages; what is on them does not matter."""
    return drawing.scan(*[drawing.picture(("x" * 12,), dpi=30 + number) for number in range(pages)])


def synced(library: Library, *paths: Path) -> None:
    """Everything read, OCR included."""
    last = list(library.sync([str(path) for path in paths], ocr=True))[-1]
    assert last.idle, last


def hits(library: Library, query: str) -> list[tuple[str, int | None]]:
    result = library.search(SearchRequest(query=query, mode="keyword"))
    return [(hit.path.rpartition("/")[2], hit.page) for hit in result.hits]


def results(tmp_path: Path) -> list[tuple[object, ...]]:
    """What is kept of pages, with the time it was found."""
    with closing(sqlite3.connect(tmp_path / "library" / "catalogue.sqlite3")) as db:
        return db.execute("SELECT hash, page, engine, reason, created_ns FROM ocr_pages").fetchall()


def assert_spans_are_exact(library: Library, path: Path) -> None:
    details = library.details(str(path))
    text = library.text(str(path), 0, 1 << 30).text
    chunks = library.chunks(str(path))
    assert chunks
    for chunk in chunks:
        assert text[chunk.start : chunk.end] == chunk.text
        start = details.page_starts[(chunk.page or 1) - 1]
        assert start <= chunk.start


# --- real engines ---


def test_a_scan_is_found_by_its_words_and_its_page(opened: Open, folder: Path) -> None:
    path = folder / "harbour.pdf"
    first, second = drawing.ENGLISH[:2], drawing.ENGLISH[2:]
    path.write_bytes(drawing.scan(drawing.picture(first), drawing.picture(second, turn=90)))
    library = opened()
    synced(library, folder)

    assert hits(library, '"seventeen ships"') == [("harbour.pdf", 1)]
    assert hits(library, '"eastern foghorn"') == [("harbour.pdf", 2)]
    details = library.details(str(path))
    assert (details.state, details.textless_pages) == ("indexed", ())
    assert [page for page, _ in details.ocr_pages] == [1, 2]
    assert all(sure > 80 for _, sure in details.ocr_pages)
    assert any("read by OCR" in warning for warning in details.warnings)
    assert_spans_are_exact(library, path)
    assert library.status().pending_ocr == 0


def test_of_a_mixed_document_only_the_pictures_are_read(opened: Open, folder: Path, tmp_path: Path) -> None:
    prose = "This page was typed and needs nobody to look at it twice. " * 4
    path = folder / "mixed.pdf"
    path.write_bytes(drawing.scan(prose, drawing.picture(drawing.ENGLISH), prose))
    library = opened()
    synced(library, folder)

    assert [row[1] for row in results(tmp_path)] == [2]
    assert hits(library, "foghorn") == [("mixed.pdf", 2)]
    assert hits(library, "typed") == [("mixed.pdf", 1)]
    assert_spans_are_exact(library, path)


@pytest.mark.parametrize(("name", "format"), [("a.png", "PNG"), ("a.jpg", "JPEG"), ("a.webp", "WEBP")])
def test_images_are_read(opened: Open, folder: Path, name: str, format: str) -> None:
    (folder / name).write_bytes(drawing.image(drawing.picture(drawing.ENGLISH), format=format))
    library = opened()
    synced(library, folder)

    assert hits(library, "lighthouse keeper") == [(name, 1)]
    assert library.details(str(folder / name)).kind == "image"


def test_all_pages_of_a_fax_are_read(opened: Open, folder: Path) -> None:
    pages = [drawing.picture(drawing.ENGLISH[:2]), drawing.picture(drawing.ENGLISH[2:])]
    (folder / "fax.tif").write_bytes(drawing.image(*pages, format="TIFF"))
    library = opened()
    synced(library, folder)

    assert hits(library, "foghorn") == [("fax.tif", 2)]


def test_a_scan_inside_an_archive_is_read(opened: Open, folder: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("papers/harbour.pdf", drawing.scan(drawing.picture(drawing.ENGLISH)))
    (folder / "papers.zip").write_bytes(inner.getvalue())
    library = opened()
    synced(library, folder)

    assert hits(library, "foghorn") == [("harbour.pdf", 1)]


def test_a_picture_of_a_billion_pixels_is_read_within_the_memory_allowed(
    opened: Open, folder: Path, tmp_path: Path
) -> None:
    (folder / "bomb.pdf").write_bytes(drawing.bomb())
    library = opened(memory_mb=2500)
    synced(library, folder)

    assert [(row[1], row[3]) for row in results(tmp_path)] == [(1, "")]
    assert library.details(str(folder / "bomb.pdf")).state == "empty-text"


def test_engines_ask_nothing_of_the_network(
    opened: Open, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "COMMAND", OFFLINE)
    (folder / "harbour.pdf").write_bytes(drawing.scan(drawing.picture(drawing.ENGLISH)))
    library = opened(engine="rapidocr")
    synced(library, folder)

    assert hits(library, "foghorn") == [("harbour.pdf", 1)]


def test_tesseract_alone_is_enough(opened: Open, folder: Path, tmp_path: Path) -> None:
    if "eng" not in ocr.find().languages:
        pytest.skip("Tesseract's English is not installed")
    (folder / "harbour.pdf").write_bytes(drawing.scan(drawing.picture(drawing.ENGLISH)))
    library = opened(engine="tesseract")
    synced(library, folder)

    assert hits(library, "foghorn") == [("harbour.pdf", 1)]
    assert str(results(tmp_path)[0][2]).startswith("tesseract")


# --- kept ---


@pytest.mark.usefixtures("scripted")
def test_a_rename_a_copy_and_a_new_parser_cost_no_page_again(
    opened: Open, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.pdf").write_bytes(blank(2))
    library = opened()
    synced(library, folder)
    before = results(tmp_path)
    assert len(before) == 2

    (folder / "a.pdf").rename(folder / "b.pdf")
    shutil.copy(folder / "b.pdf", folder / "c.pdf")
    synced(library, folder)
    monkeypatch.setattr("indexer.verdicts.parser_for", lambda format: f"{format}/later")
    library = opened()
    synced(library, folder)

    assert results(tmp_path) == before
    assert {name for name, _ in hits(library, "recognised words")} <= {"b.pdf", "c.pdf"}
    assert library.details(str(folder / "c.pdf")).state == "indexed"


@pytest.mark.usefixtures("scripted")
def test_results_outlive_a_rebuilt_catalogue(opened: Open, folder: Path, tmp_path: Path) -> None:
    (folder / "a.pdf").write_bytes(blank())
    library = opened()
    synced(library, folder)
    before = results(tmp_path)
    library.close()
    rebuild(tmp_path / "library")
    library = opened()
    synced(library)

    assert results(tmp_path) == before
    assert hits(library, "recognised words") == [("a.pdf", 1)]


@pytest.mark.usefixtures("scripted")
def test_a_page_that_fails_is_kept_with_its_reason_and_tried_once(
    opened: Open, folder: Path, tmp_path: Path
) -> None:
    (folder / "refuse.pdf").write_bytes(blank())
    library = opened()
    synced(library, folder)
    details = library.details(str(folder / "refuse.pdf"))
    before = results(tmp_path)

    assert details.state == "needs-ocr"
    assert "Not a page I like." in details.reason
    assert "quire ocr" in details.hint
    library = opened()
    synced(library)
    assert results(tmp_path) == before
    assert library.recognition.ask((), again=True) == 1
    synced(library)
    assert results(tmp_path) != before


@pytest.mark.usefixtures("scripted")
@pytest.mark.parametrize(
    ("name", "words"),
    [("die.pdf", "crashed"), ("babble.pdf", "crashed"), ("hang all.pdf", "longer than 2 s")],
)
def test_an_engine_that_dies_or_hangs_costs_one_page(
    opened: Open, folder: Path, name: str, words: str
) -> None:
    (folder / name).write_bytes(blank())
    (folder / "good.pdf").write_bytes(blank(2))
    library = opened(timeout_s=2)
    synced(library, folder)

    assert words in library.details(str(folder / name)).reason
    assert hits(library, "recognised words") == [("good.pdf", 1)]


@pytest.mark.usefixtures("scripted")
def test_a_page_without_text_is_not_read_again(opened: Open, folder: Path, tmp_path: Path) -> None:
    (folder / "blank.pdf").write_bytes(blank())
    library = opened()
    synced(library, folder)
    before = results(tmp_path)
    library = opened()
    synced(library)

    assert results(tmp_path) == before
    details = library.details(str(folder / "blank.pdf"))
    assert (details.state, details.reason) == ("empty-text", "OCR found no text in it.")


@pytest.mark.usefixtures("scripted")
def test_when_no_engine_works_it_is_said_and_nothing_is_lost(opened: Open, folder: Path) -> None:
    (folder / "broken.pdf").write_bytes(blank())
    library = opened()
    last = list(library.sync([str(folder)], ocr=True))[-1]

    assert "The engine is broken." in last.note
    assert library.status().pending_ocr == 1


# --- stopped ---


@pytest.mark.usefixtures("scripted")
def test_cancel_stops_within_a_page_and_holds_the_others(opened: Open, folder: Path, tmp_path: Path) -> None:
    (folder / "hang.pdf").write_bytes(blank(4))
    library = opened()
    list(library.sync([str(folder)]))
    until(lambda: len(results(tmp_path)) == 1, "the first page is read, the second hangs")
    worker = library.recognition._recogniser
    until(lambda: worker.pid is not None, "the process works")
    pid = worker.pid or 0

    assert library.recognition.cancel() == 3
    until(lambda: library.recognition.idle, "it rests")
    until(lambda: not Path(f"/proc/{pid}").exists(), "its process is gone")
    assert len(results(tmp_path)) == 1
    until(lambda: hits(library, '"recognised words"') == [("hang.pdf", 1)], "what was read is found")
    library = opened()
    synced(library)
    assert len(results(tmp_path)) == 1  # held until asked for
    (folder / "hang.pdf").rename(folder / "good.pdf")
    synced(library)
    assert library.recognition.ask([str(folder / "good.pdf")]) == 3
    synced(library)
    assert len(results(tmp_path)) == 4


@pytest.mark.usefixtures("scripted")
def test_cancel_between_two_pages_stops_the_next(
    opened: Open, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "hang.pdf").write_bytes(blank(4))
    found = Recognition._next_page
    held: list[int] = []

    def cancelled(self: Recognition) -> object:  # as another thread does it, at the worst moment
        page = found(self)
        if page is not None and page.page == 2:
            held.append(self.cancel())
        return page

    monkeypatch.setattr(Recognition, "_next_page", cancelled)
    library = opened()
    synced(library, folder)
    assert held == [3]
    assert len(results(tmp_path)) == 1


CHILD = """
import sys
from pathlib import Path
from indexer.config import OcrConfig
from indexer.library import Library
from indexer.ocr import process
from tests.builders import HashEmbedder, settings
process.COMMAND = (sys.executable, sys.argv[3])
config = settings().model_copy(update={"ocr": OcrConfig()})
library = Library.open(Path(sys.argv[1]), config, watch=False, load_embedder=HashEmbedder)
list(library.sync([sys.argv[2]], ocr=True))
"""


def test_after_a_kill_it_goes_on_with_the_next_page(
    opened: Open, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "COMMAND", SCRIPTED)
    (folder / "hang.pdf").write_bytes(blank(3))
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path / "library"), str(folder), SCRIPTED[1]],
        cwd=Path(__file__).parents[2],
    )
    try:
        catalogue = tmp_path / "library" / "catalogue.sqlite3"
        until(catalogue.exists, "the child has opened its library")
        until(lambda: _pages_kept(tmp_path) == 1, "the first page is read")
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    before = results(tmp_path)
    (folder / "hang.pdf").rename(folder / "good.pdf")  # now nothing hangs
    library = opened()
    synced(library)

    assert len(results(tmp_path)) == 3
    assert before[0] in results(tmp_path)
    assert [page for page, _ in library.details(str(folder / "good.pdf")).ocr_pages] == [1, 2, 3]


def _pages_kept(tmp_path: Path) -> int:
    try:
        return len(results(tmp_path))
    except sqlite3.Error:  # the tables are being made
        return 0


@pytest.mark.usefixtures("scripted")
def test_closing_does_not_wait_for_a_page(opened: Open, folder: Path, tmp_path: Path) -> None:
    (folder / "hang.pdf").write_bytes(blank(2))
    library = opened()
    list(library.sync([str(folder)]))
    until(lambda: len(results(tmp_path)) == 1, "the second page hangs")
    library.close()  # its page would hang for longer than this test may take
    assert library.recognition._recogniser.pid is None


@pytest.mark.usefixtures("scripted")
def test_a_long_document_is_searchable_before_its_last_page(
    opened: Open, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognition, "MERGE_EVERY", 1)
    (folder / "hang.pdf").write_bytes(blank(3))
    library = opened()
    list(library.sync([str(folder)]))
    until(lambda: hits(library, '"recognised words"') == [("hang.pdf", 1)], "the first page is found")
    assert library.details(str(folder / "hang.pdf")).textless_pages == (2, 3)
    library.recognition.cancel()


# --- settings, and nothing installed ---


@pytest.mark.usefixtures("scripted")
def test_without_automatic_it_waits_until_it_is_asked(opened: Open, folder: Path, tmp_path: Path) -> None:
    (folder / "a.pdf").write_bytes(blank())
    library = opened(automatic=False)
    synced(library, folder)
    assert results(tmp_path) == []
    assert library.status().pending_ocr == 1

    assert library.recognition.ask([str(folder)], language="de+eng") == 1
    synced(library)
    assert hits(library, "eng") == [("a.pdf", 1)]


@pytest.mark.usefixtures("scripted")
def test_another_engine_reads_again_what_one_has_read(opened: Open, folder: Path, tmp_path: Path) -> None:
    (folder / "a.pdf").write_bytes(blank())
    library = opened()
    synced(library, folder)
    assert library.recognition.ask([str(folder)]) == 0
    assert library.recognition.ask([str(folder)], engine="rapidocr") == 1
    synced(library)


def test_nothing_installed_is_said_with_the_command_that_installs_it(
    opened: Open, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocr, "find", lambda tessdata="": ocr.Engines())
    (folder / "a.pdf").write_bytes(blank())
    library = opened()
    synced(library, folder)

    assert library.progress().idle
    assert (library.status().pending_ocr, library.status().ocr_engines) == (1, ())
    assert "pip install 'quire[ocr]'" in library.recognition.check().detail
    with pytest.raises(OcrMissingError, match="No OCR engine is installed") as failure:
        library.recognition.ask(())
    assert "pip install 'quire[ocr]'" in failure.value.hint


def test_off_is_off(opened: Open, folder: Path, tmp_path: Path) -> None:
    (folder / "a.pdf").write_bytes(blank())
    library = opened(engine="off")
    synced(library, folder)

    assert results(tmp_path) == []
    assert "off" in library.recognition.check().detail


def test_engines_are_found_by_their_files(tmp_path: Path) -> None:
    for name in ("deu.traineddata", "osd.traineddata", "readme"):
        (tmp_path / name).touch()

    found = ocr.find(str(tmp_path))

    assert found.languages == ("deu",)
    assert found.tessdata == str(tmp_path)
    assert ocr.find(str(tmp_path / "nowhere")).languages == ()


# --- the text ---

PARAGRAPHS = st.text(st.characters(codec="utf-8"), max_size=60)


@given(st.lists(st.tuples(PARAGRAPHS, st.none() | PARAGRAPHS, st.booleans()), min_size=1, max_size=8))
def test_spans_are_exact_after_recognised_text_is_put_in(
    pages: list[tuple[str, str | None, bool]],
) -> None:
    parts, spans, headings, length = [], [], [], 0
    for number, (own, _, headed) in enumerate(pages, 1):
        piece = normalise(own).strip()
        start = length + (2 if length and piece else 0)
        if piece:
            parts.append(piece)
            length = start + len(piece)
        spans.append(Page(number=number, start=start, end=start + len(piece)))
        if piece and headed:
            headings.append(Heading(level=1, start=start, end=start + len(piece)))
    document = ParsedDocument(
        title="",
        text="\n\n".join(parts),
        kind="pdf",
        format="pdf",
        pages=tuple(spans),
        headings=tuple(headings),
        textless_pages=tuple(n for n, (_, found, _) in enumerate(pages, 1) if found is not None),
    )
    recognised = [
        RecognisedPage(page=number, text=found, confidence=70, engine="e")
        for number, (_, found, _) in enumerate(pages, 1)
        if found is not None
    ]

    merged = merge(document, unpack(pack(recognised)), 1 << 20)

    assert normalise(merged.text) == merged.text
    assert merged.textless_pages == ()
    for page, (own, found, _) in zip(merged.pages, pages, strict=True):
        text = own if found is None else unpack(pack([RecognisedPage(
            page=1, text=found, confidence=1, engine="")]))[0].text  # fmt: skip
        assert merged.text[page.start : page.end] == normalise(text).strip()
    for heading in merged.headings:
        assert merged.text[heading.start : heading.end].strip()
    assert all(before.end <= after.start for before, after in pairwise(merged.pages))


def test_the_parse_worker_puts_recognised_pages_in(tmp_path: Path) -> None:
    pages = [RecognisedPage(page=1, text="Words of a scan.", confidence=77, engine="e")]
    with ParsePool(ParsingConfig(workers=1), log_path=tmp_path / "log") as pool:
        parsed = pool.submit(blank(), "a.pdf", recognised=pack(pages)).result()

    assert parsed.document.text == "Words of a scan."
    assert parsed.document.ocr_confidence == {1: 77}
    assert [chunk.text for chunk in parsed.chunks] == ["Words of a scan."]


def test_the_settings_have_ocr_on_by_default() -> None:
    assert Config().ocr.automatic
    assert os.nice(0) < 19  # the niceness belongs to its process, not to this one
