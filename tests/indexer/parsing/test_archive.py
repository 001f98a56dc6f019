from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.errors import UnreadableDocument
from indexer.parsing import zipsafe
from indexer.parsing.archive import unique_name
from indexer.parsing.source import Limits
from indexer.types import ParsedDocument


def test_members_are_listed_and_handed_out(
    parse: Callable[..., ParsedDocument], zipped: Callable[..., bytes]
) -> None:
    content = zipped({"notes/a.txt": "alpha", "notes/": "", "b.csv": "x,y", "__MACOSX/._b.csv": "junk"})

    parsed = parse("archive", content)

    assert parsed.text == "notes/a.txt\nb.csv"
    assert [(part.name, part.content) for part in parsed.attachments] == [
        ("notes/a.txt", b"alpha"),
        ("b.csv", b"x,y"),
    ]


def test_names_never_lead_out_and_stay_distinct(
    parse: Callable[..., ParsedDocument],
    zipped: Callable[..., bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    names = [
        "../../escape.txt",
        "/etc/passwd",
        "C:\\temp\\x.txt",
        "a/../../escape.txt",
        "e\x1b[31m\u202evil.txt",
        "..",
    ]

    parsed = parse("archive", zipped(dict.fromkeys(names, "text")))

    assert [part.name for part in parsed.attachments] == [
        "escape.txt", "etc/passwd", "temp/x.txt", "a/escape.txt", "e [31m vil.txt", "unnamed",
    ]  # fmt: skip
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("charset", ["utf-8", "gb18030", "cp437"])
def test_names_in_an_encoding_that_nobody_names_are_read(
    charset: str, parse: Callable[..., ParsedDocument], zipped: Callable[..., bytes]
) -> None:
    names = ["第三季度会议纪要/财务预算.txt", "供应链延误报告.txt"] if charset != "cp437" else ["Größe.txt"]
    members = {f"{number}".rjust(len(name.encode(charset)), "~"): name for number, name in enumerate(names)}
    content = zipped(dict.fromkeys(members, "text"))
    for stand_in, name in members.items():
        content = content.replace(stand_in.encode(), name.encode(charset))

    assert parse("archive", content).text == "\n".join(names)


def test_names_given_twice_get_a_number() -> None:
    seen: set[str] = set()

    assert [unique_name(name, seen) for name in ("a.txt", "a.txt", "d.x/b", "d.x/b")] == [
        "a.txt", "a (2).txt", "d.x/b", "d.x/b (2)",
    ]  # fmt: skip


def test_bombs_are_refused_before_anything_is_unpacked(
    refusal: Callable[..., UnreadableDocument], zipped: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = zipped({"zeros": b"\x00" * 20_000_000})
    crowd = zipped({f"f{number}": b"" for number in range(zipsafe.MAX_ENTRIES + 1)})
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_args, **_kwargs: pytest.fail("a member was opened"))

    assert refusal("archive", bomb).status == "budget"
    assert refusal("archive", crowd).status == "budget"


def test_members_that_overlap_are_refused(refusal: Callable[..., UnreadableDocument]) -> None:
    # Many directory entries for one large member: what they sum up to is what counts.
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as container:
        container.writestr("a", os.urandom(600_000))
        container.infolist().extend(container.infolist() * 20)

    assert refusal("archive", buffer.getvalue(), limits=Limits(max_file_mb=1)).status == "budget"


def test_an_enormous_directory_is_refused_unread(refusal: Callable[..., UnreadableDocument]) -> None:
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 64 << 20, 0, 0)

    assert refusal("archive", b"PK\x03\x04" + end).status == "budget"


def test_a_member_that_lies_about_its_size_is_left_out(
    parse: Callable[..., ParsedDocument], zipped: Callable[..., bytes]
) -> None:
    content = bytearray(zipped({"good.txt": "good", "liar.txt": "x" * 100}))
    at = content.rfind(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 50)

    parsed = parse("archive", bytes(content))

    assert [part.name for part in parsed.attachments] == ["good.txt"]
    assert parsed.warnings == ("Some members are damaged and were left out.",)


def test_encrypted_archives_say_so(
    refusal: Callable[..., UnreadableDocument], zipped: Callable[..., bytes]
) -> None:
    content = bytearray(zipped({"secret.txt": "text"}))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.find(magic) + offset] |= 1

    assert refusal("archive", bytes(content)).status == "encrypted"


def test_members_beyond_the_room_are_only_listed(
    parse: Callable[..., ParsedDocument], zipped: Callable[..., bytes]
) -> None:
    numbers = " ".join(map(str, range(200_000)))
    content = zipped({"small.txt": "small", "large.txt": numbers})

    parsed = parse("archive", content, limits=Limits(max_file_mb=1))

    assert parsed.text == "small.txt\nlarge.txt"
    assert [part.name for part in parsed.attachments] == ["small.txt"]
    assert parsed.warnings[0].startswith("Some members were left out")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"PK\x05\x06" + b"\x00" * 10, b"noise" * 100])
def test_damaged_archives_are_broken(content: bytes, refusal: Callable[..., UnreadableDocument]) -> None:
    assert refusal("archive", content).status == "broken"
