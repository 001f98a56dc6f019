"""Quality in an open library: what is poor ranks lower, is listed, and is measured and read again."""

from __future__ import annotations

import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from indexer import quality
from indexer.catalogue import measures
from indexer.config import QualityConfig
from indexer.errors import NotFoundError, UsageError
from indexer.library import Library
from indexer.rebuilding import rebuild
from indexer.types import SearchRequest
from tests.builders import settings, write
from tests.damage import damaged, sound

Open = Callable[..., Library]

KOI8 = "В следующую среду в девять часов утра мы обсудим бюджет школы и ремонт крыши. " * 3


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    made: list[Library] = []

    def make(poor_below: int = 50) -> Library:
        for library in made:
            library.close()
        config = settings().model_copy(update={"quality": QualityConfig(poor_below=poor_below)})
        made.append(Library.open(tmp_path / "library", config, watch=False))
        return made[-1]

    yield make
    made[-1].close()


def synced(library: Library, *paths: Path) -> None:
    list(library.sync([str(path) for path in paths]))


def names(library: Library, query: str) -> list[str]:
    return [row.path.rpartition("/")[2] for row in library.files(query=query).rows]


@pytest.fixture
def mixed(folder: Path, opened: Open) -> Library:
    write(
        folder,
        {
            "good.txt": sound("de", 1) + "\n\nDer Leuchtturm steht.",
            "bad/garbled.txt": damaged("utf-8 as cp1252", "de", 2) + "\n\nDer Leuchtturm steht. Leuchtturm.",
            "empty.txt": "",
        },
    )
    library = opened()
    synced(library, folder)
    return library


def test_poor_files_are_a_group_with_their_flaw_and_details_with_remedies(mixed: Library) -> None:
    listed = mixed.files(group="poor")
    assert (listed.total, listed.groups["poor"]) == (1, 1)
    (row,) = listed.rows
    assert row.path.endswith("garbled.txt")
    assert row.quality is not None
    assert row.quality < 50
    assert "garbled" in row.flaw
    details = mixed.details(row.path)
    assert details.findings[0].code == "mojibake"
    assert details.findings[0].remedy == "decode"
    good = mixed.files(query="name:good").rows[0]
    assert (good.quality, good.flaw) == (100, "")


def test_queries_know_quality_and_poor(mixed: Library) -> None:
    assert names(mixed, "is:poor") == ["garbled.txt"]
    assert names(mixed, "quality:>90") == ["good.txt"]
    assert set(names(mixed, "quality:<50")) == {"garbled.txt", "empty.txt"}
    assert mixed.files(sort="quality").rows[0].path.endswith("empty.txt")


def test_poor_text_ranks_below_good_text_and_can_be_left_out(mixed: Library) -> None:
    def found(*, sound: bool = False) -> list[str]:
        request = SearchRequest(query="Leuchtturm", mode="keyword", chunks=True, sound=sound)
        return [hit.path.rpartition("/")[2] for hit in mixed.search(request).hits]

    assert found() == ["good.txt", "garbled.txt"]
    assert found(sound=True) == ["good.txt"]


def test_the_threshold_is_a_setting_and_zero_means_that_nothing_is_poor(mixed: Library, opened: Open) -> None:
    library = opened(0)
    assert library.files(group="poor").total == 0
    assert library.poor("") == ()
    assert opened(100).files(group="poor").total == 1


def test_a_report_sums_up_by_folder_type_and_month(mixed: Library, folder: Path) -> None:
    report = mixed.quality()
    assert (report.files, report.measured, report.poor) == (3, 3, 1)
    by_folder = {group.name: group for group in report.folders}
    assert by_folder[str(folder)].files == 2
    assert by_folder[str(folder / "bad")].poor == 1
    assert sum(group.files for group in report.types) == sum(group.files for group in report.months) == 3
    assert [file.path.rpartition("/")[2] for file in report.worst] == ["garbled.txt"]
    assert {reason.code for reason in report.reasons} >= {"mojibake", "empty"}
    assert mixed.quality(f'path:"{folder / "bad"}"').files == 1


def test_an_overview_counts_every_file_once_in_each_plot(mixed: Library) -> None:
    overview = mixed.overview()
    for counts in (overview.sizes, overview.ages, overview.types, overview.scores, overview.copies):
        assert sum(count.files for count in counts) == 3
    assert overview.size_bytes == sum(count.size_bytes for count in overview.sizes)
    assert [(count.name, count.files) for count in overview.unread] == [("no text in it", 1)]


def test_documents_of_an_older_measure_are_measured_again_without_being_read(
    mixed: Library, opened: Open, folder: Path, tmp_path: Path
) -> None:
    before = mixed.details(str(folder / "bad/garbled.txt"))
    mixed.close()
    with closing(sqlite3.connect(tmp_path / "library/catalogue.sqlite3")) as db, db:
        db.execute("UPDATE documents SET quality = 99")
        db.execute("UPDATE measures SET version = version - 1, findings = '[]'")
        db.execute("DELETE FROM weak_chunks")
    (folder / "bad/garbled.txt").rename(folder / "bad/moved.txt")
    library = opened()
    parsed = library.progress().parsed
    synced(library)
    assert library.progress().parsed == parsed
    after = library.details(str(folder / "bad/moved.txt"))
    assert (after.quality, after.findings) == (before.quality, before.findings)
    with library.catalogue.reader() as db:
        assert measures.unmeasured(db, 10) == []
        assert db.execute("SELECT count(*) FROM weak_chunks").fetchone()[0] > 0


def test_a_document_that_cannot_be_measured_is_still_read(
    folder: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = opened()
    monkeypatch.setattr(quality, "measure", lambda *_: 1 / 0)
    write(folder, {"a.txt": "Some words about nothing."})
    synced(library, folder)
    with library.catalogue.transaction() as db:
        db.execute("DELETE FROM measures")
        db.execute("UPDATE documents SET quality = NULL")
    library.grading._done = False
    library.grading.settle()
    assert library.details(str(folder / "a.txt")).state == "indexed"
    with library.catalogue.reader() as db:
        assert measures.unmeasured(db, 10) == []


def test_an_older_version_is_told_with_keeping_the_newest_as_the_remedy(folder: Path, opened: Open) -> None:
    text = sound("en", 1)
    write(folder, {"plan v1.md": text, "plan v2.md": text.replace("October", "November")})
    library = opened()
    synced(library, folder)
    (finding,) = library.details(str(folder / "plan v1.md")).findings
    assert (finding.code, finding.remedy, finding.cost) == ("superseded", "newest", 0)
    assert "plan v2.md" in finding.note
    assert library.details(str(folder / "plan v2.md")).findings == ()


# --- another encoding -----------------------------------------------------------------------------


@pytest.fixture
def encoded(folder: Path, opened: Open) -> Library:
    folder.joinpath("russian.txt").write_bytes(KOI8.encode("koi8-r"))
    folder.joinpath("twice.txt").write_text(sound("de", 1).encode().decode("cp1252"), encoding="utf-8")
    with zipfile.ZipFile(folder / "box.zip", "w") as box:
        box.writestr("inside.txt", KOI8.encode("koi8-r") + b"\nbox")
    library = opened()
    synced(library, folder)
    return library


def text(library: Library, path: Path | str) -> str:
    details = library.details(str(path))
    return library.text(details.document, 0, 10_000).text.strip()


def test_readings_are_offered_the_right_one_first(encoded: Library, folder: Path) -> None:
    offered = encoded.decodings(str(folder / "twice.txt"))
    assert offered[0].encoding == "utf-8/cp1252"
    assert "ü" in offered[0].sample
    assert offered[0].score > offered[1].score
    russian = encoded.decodings(str(folder / "russian.txt"))
    assert (russian[0].encoding, russian[0].language, russian[0].current) == ("koi8_r", "ru", True)


def test_a_chosen_encoding_mends_text_quality_and_search(encoded: Library, folder: Path) -> None:
    path = str(folder / "twice.txt")
    assert (encoded.details(path).quality or 0) < 50
    details = encoded.decode(path, "utf-8/cp1252")
    assert details.encoding == "utf-8/cp1252"
    assert details.quality == 100
    assert text(encoded, path) == sound("de", 1)
    synced(encoded)  # searchable within half a second
    hits = encoded.search(SearchRequest(query="Rücklagen", mode="keyword")).hits
    assert [hit.path for hit in hits] == [path]
    assert (folder / "twice.txt").read_text(encoding="utf-8") == sound("de", 1).encode().decode("cp1252")
    assert (encoded.decode(path, "auto").quality or 0) < 50


def test_a_chosen_encoding_survives_rename_rebuild_and_another_parser(
    encoded: Library, folder: Path, opened: Open, tmp_path: Path
) -> None:
    encoded.decode(str(folder / "russian.txt"), "cp1251")
    wrong = KOI8.encode("koi8-r").decode("cp1251").strip()
    (folder / "russian.txt").rename(folder / "renamed.txt")
    synced(encoded)
    assert text(encoded, folder / "renamed.txt") == wrong
    with encoded.catalogue.transaction() as db:  # as if the parser had another version now
        db.execute("UPDATE documents SET parser = 'text/0'")
    again = opened()
    synced(again)
    assert text(again, folder / "renamed.txt") == wrong
    again.close()
    rebuild(tmp_path / "library")
    rebuilt = opened()
    synced(rebuilt)
    assert text(rebuilt, folder / "renamed.txt") == wrong
    assert rebuilt.details(str(folder / "renamed.txt")).encoding == "cp1251"


def test_a_member_of_an_archive_can_be_read_in_another_encoding(encoded: Library, folder: Path) -> None:
    member = f"{folder / 'box.zip'}!/inside.txt"
    with pytest.raises(UsageError, match="inside another file"):
        encoded.decodings(member)
    encoded.decode(member, "cp866")
    assert text(encoded, member) == (KOI8.encode("koi8-r") + b"\nbox").decode("cp866").strip()


@pytest.mark.parametrize(
    ("name", "template"),
    [
        ("page.html", "<html><head><meta charset='koi8-r'></head><body><p>{}</p></body></html>"),
        ("data.xml", "<?xml version='1.0' encoding='koi8-r'?><doc><p>{}</p></doc>"),
        ("table.csv", "name,text\n1,{}\n2,{}\n"),
        ("notes.md", "# {}\n\n{}\n"),
        ("list.json", '{{"text": "{}"}}'),
        ("film.srt", "1\n00:00:01,000 --> 00:00:02,000\n{}\n"),
    ],
)
def test_every_format_of_text_is_read_as_chosen_whatever_it_declares(
    name: str, template: str, folder: Path, opened: Open
) -> None:
    content = template.format(*[KOI8.strip()] * 2).encode("koi8-r")
    (folder / name).write_bytes(content)
    library = opened()
    synced(library, folder)
    path = str(folder / name)
    before = library.details(path).format
    library.decode(path, "cp1251")
    assert library.details(path).format == before
    assert KOI8.split(".")[0].encode("koi8-r").decode("cp1251") in text(library, path)
    library.decode(path, "koi8-r")
    assert KOI8.split(".")[0] in text(library, path)


def test_what_has_no_encoding_is_refused_with_a_reason(encoded: Library, folder: Path) -> None:
    with pytest.raises(UsageError, match="no encoding 'klingon'"):
        encoded.decode(str(folder / "russian.txt"), "klingon")
    with pytest.raises(UsageError, match="no text file"):
        encoded.decode(str(folder / "box.zip"), "cp1252")
    with pytest.raises(NotFoundError):
        encoded.decodings(str(folder / "nowhere.txt"))
