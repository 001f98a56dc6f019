"""`quire ocr` and what other commands say of pages that are pictures."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import ocr
from indexer.ocr import process
from tests.indexer.ocr import drawing
from tui.cli import main

pytestmark = pytest.mark.xdist_group("cli")

Quire = Callable[..., tuple[int, str, str]]
SCRIPTED = (sys.executable, str(Path(__file__).parents[1] / "indexer" / "ocr" / "scripted_worker.py"))


@pytest.fixture
def quire(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Quire:
    """Runs commands on a library with a scan of two pages; engines answer at once."""
    monkeypatch.setattr(process, "COMMAND", SCRIPTED)
    pages = [drawing.picture(("x" * 12,), dpi=30 + number) for number in range(2)]
    (folder / "scan.pdf").write_bytes(drawing.scan(*pages))
    config = '[embedding]\nprovider = "none"\n[ocr]\nautomatic = false\n'
    (tmp_path / "config.toml").write_text(config, encoding="utf-8")
    monkeypatch.chdir(folder)

    def run(*arguments: str) -> tuple[int, str, str]:
        library, settings = str(tmp_path / "library"), str(tmp_path / "config.toml")
        code = main([*arguments, "--library", library, "--config", settings, "--no-engine"])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_ocr_reads_and_waits_and_show_tells_how_sure_it_was(quire: Quire) -> None:
    code, _, err = quire("index", ".")
    assert code == 0
    assert "2 pages of pictures are not read by OCR yet" in err
    assert "quire ocr" in quire("status")[1]

    code, out, err = quire("ocr", ".")
    assert (code, out) == (0, "")
    assert "2 pages read" in err

    assert "page 1 (81%), page 2 (82%)" in quire("show", "scan.pdf")[1]
    shown = json.loads(quire("show", "scan.pdf", "--json")[1])
    assert shown["ocr_pages"] == [[1, 81], [2, 82]]
    found = json.loads(quire("search", '"words of page 2"', "--json")[1])
    assert [hit["page"] for hit in found["hits"]] == [2]
    assert "no page to read" in quire("ocr")[2]


def test_ocr_answers_in_json(quire: Quire) -> None:
    code, out, _ = quire("ocr", ".", "--json")

    assert code == 0
    told = json.loads(out)
    assert (told["asked"], told["pending"]) == (2, 0)
    assert set(told["engines"]) <= set(ocr.ENGINES)


def test_again_reads_pages_once_more(quire: Quire) -> None:
    quire("ocr", ".")

    assert "2 pages read" in quire("ocr", "--again", "--language", "de")[2]
    assert "['de']" in json.loads(quire("search", "second paragraph", "--json")[1])["hits"][0]["snippet"]


def test_index_waits_for_ocr_when_asked_to(quire: Quire, tmp_path: Path) -> None:
    config = (tmp_path / "config.toml").read_text().replace("false", "true")
    (tmp_path / "config.toml").write_text(config)
    code, _, err = quire("index", "--ocr", ".")

    assert code == 0
    assert "OCR" not in err
    assert "page 1 (81%)" in quire("show", "scan.pdf")[1]


def test_cancel_without_work_is_said(quire: Quire) -> None:
    assert "No page was waiting." in quire("ocr", "--cancel")[2]
    assert json.loads(quire("ocr", "--cancel", "--json")[1]) == {"held": 0}


def test_without_an_engine_the_command_that_installs_one_is_said(
    quire: Quire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocr, "find", lambda tessdata="": ocr.Engines())
    assert "'quire doctor' says how" in quire("index", ".")[2]

    assert "pip install 'quire[ocr]'" in quire("doctor")[1]
    code, out, err = quire("ocr", ".")
    assert (code, out) == (3, "")
    assert "No OCR engine is installed." in err
    assert "pip install 'quire[ocr]'" in err


def test_an_unknown_engine_is_refused(quire: Quire) -> None:
    assert quire("ocr", "--engine", "eyes")[0] == 2
