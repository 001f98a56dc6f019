"""`quire quality`, `quire decode` and `quire report` as they are printed, and the page as it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.builders import write
from tests.damage import sound
from tui import htmlreport
from tui.cli import main

pytestmark = pytest.mark.xdist_group("cli")

Quire = Callable[..., tuple[int, str, str]]

NASTY = "<img src=x onerror=alert(1)>&\x1b[31m"


@pytest.fixture
def quire(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Quire:
    """Runs commands on a library with sound, garbled and Chinese texts."""
    write(
        folder,
        {
            "notes/good.md": sound("en", 1),
            "notes/年度报告.txt": sound("zh", 1),
            f"{NASTY.replace('/', '')}.md": f"# {NASTY}\n\n" + sound("de", 1).encode().decode("cp1252"),
            "old/twice.txt": sound("de", 2).encode().decode("cp1252"),
            "empty.txt": "",
        },
    )
    (tmp_path / "config.toml").write_text('[embedding]\nprovider = "none"\n', encoding="utf-8")
    monkeypatch.chdir(folder)

    def run(*arguments: str) -> tuple[int, str, str]:
        library, config = str(tmp_path / "library"), str(tmp_path / "config.toml")
        code = main([*arguments, "--library", library, "--config", config, "--no-engine"])
        out, err = capsys.readouterr()
        return code, out, err

    assert run("index", ".")[0] == 0
    return run


def test_quality_tells_scores_reasons_and_remedies(quire: Quire) -> None:
    code, out, _ = quire("quality")
    assert code == 1
    assert "of 5 files measured, 2 poor (below 50)" in out
    assert "Garbled letters" in out
    assert "quire decode" in out
    assert "old/twice.txt" in out
    assert "\x1b" not in out
    code, out, _ = quire("quality", "notes")
    assert code == 0
    assert "2 of 2 files measured, 0 poor" in out
    code, out, _ = quire("quality", "--json")
    report = json.loads(out)
    assert report["poor"] == 2
    assert {group["name"] for group in report["types"]} == {"text", "other"}
    assert quire("quality", "--scope", "lang:zh")[1].startswith("quality 100 of 100: 1 of 1")


def test_quality_of_one_file_and_show_tell_the_reasons(quire: Quire) -> None:
    code, out, _ = quire("quality", "old/twice.txt")
    assert code == 1
    assert re.search(r"old/twice.txt  \d+ of 100\n  Letters are garbled", out)
    code, out, _ = quire("quality", "old/twice.txt", "--json")
    found = json.loads(out)
    assert found["findings"][0]["code"] == "mojibake"
    assert found["quality"] < found["poor_below"]
    assert "Letters are garbled" in quire("show", "old/twice.txt")[1]
    code, _, err = quire("quality", "nowhere")
    assert code == 1
    assert "not in the library" in err


def test_decode_offers_readings_and_keeps_the_one_chosen(quire: Quire) -> None:
    code, out, _ = quire("decode", "old/twice.txt")
    assert code == 0
    assert out.splitlines()[0].split()[:2] == ["utf-8/cp1252", "100"]
    assert [line.split()[:2] for line in out.splitlines() if line.startswith("*")] == [["*", "utf-8"]]
    code, out, _ = quire("decode", "old/twice.txt", "--encoding", "utf-8/cp1252")
    assert code == 0
    assert "read as utf-8/cp1252, indexed, quality 100 of 100" in out
    assert quire("quality", "old")[0] == 0
    code, out, _ = quire("decode", "old/twice.txt", "-e", "auto", "--json")
    assert json.loads(out)["encoding"] == ""
    code, _, err = quire("decode", "old/twice.txt", "-e", "klingon")
    assert code == 2
    assert "no encoding 'klingon'" in err


class _Page(HTMLParser):
    """Tags, attributes, text and the table cells of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.cells: list[str] = []
        self.drawn: list[str] = []
        self._inside: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag == "td":
            self.cells.append("")
        if tag not in ("meta", "br", "rect"):
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "style" in self._inside:
            return
        self.text += data
        if "svg" in self._inside:
            self.drawn.append(data)
        elif "td" in self._inside:
            self.cells[-1] += data


@pytest.fixture
def page(quire: Quire, tmp_path: Path) -> str:
    target = tmp_path / "report.html"
    code, _, err = quire("report", "--html", str(target))
    assert (code, "report.html" in err) == (0, True)
    assert target.stat().st_mode & 0o077 == 0
    return target.read_text(encoding="utf-8")


def test_the_page_names_no_outside_resource_and_forbids_all(page: str) -> None:
    found = _Page(page)
    assert not found.tags & {
        "script", "img", "link", "iframe", "object", "embed", "form", "base", "a", "audio", "video", "source",
        "image", "use", "foreignobject", "animate", "set",
    }  # fmt: skip
    linking = {"href", "src", "srcset", "xlink:href", "action", "data", "poster", "background", "style"}
    assert not [each for each in found.attributes if each[1] in linking or each[1].startswith("on")]
    assert not re.search(r"url\(|@import|https?:|//[a-z]", page.replace("<!doctype", ""))
    assert ("meta", "content", htmlreport.POLICY) in found.attributes
    assert htmlreport.POLICY.startswith("default-src 'none'")
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_the_page_shows_foreign_text_as_text(page: str) -> None:
    found = _Page(page)
    assert "<img src=x" in found.text
    assert "年度报告" in found.text or "zh" in found.text
    assert "\x1b" not in page
    assert "&lt;img" in page


def test_every_number_of_a_plot_stands_in_a_table(page: str) -> None:
    found = _Page(page)
    assert found.drawn
    cells = set(found.cells)
    assert [text for text in found.drawn if text not in cells and not text.endswith("…")] == []


def test_a_report_does_not_replace_a_file_unasked(quire: Quire, tmp_path: Path) -> None:
    target = tmp_path / "mine.html"
    target.write_text("mine")
    code, _, err = quire("report", "--html", str(target))
    assert (code, target.read_text()) == (2, "mine")
    assert "--force" in err
    assert quire("report", "--html", str(target), "--force", "--scope", "lang:zh")[0] == 0
    assert "lang:zh" in target.read_text()
    assert quire("report", "--html", str(tmp_path / "no" / "x.html"))[0] == 2
    assert not list(tmp_path.glob(".quire-*"))


def test_a_report_of_nothing_is_a_page_too(quire: Quire, tmp_path: Path) -> None:
    target = tmp_path / "none.html"
    assert quire("report", "--html", str(target), "--scope", "lang:xx")[0] == 0
    assert "Nothing." in target.read_text()
