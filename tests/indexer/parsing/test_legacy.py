from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.errors import UnreadableDocument
from indexer.types import ParsedDocument

Compound = Callable[[dict[str, bytes]], bytes]


def word(
    text: str, *, wide_from: int, flags: int = 0x0200, formats: list[tuple[int, bytes]] | None = None
) -> bytes:
    """The streams of a Word file with two pieces: code page 1252, then UTF-16 from `wide_from`."""
    narrow, wide = text[:wide_from].encode("cp1252"), text[wide_from:].encode("utf-16-le", "surrogatepass")
    start = 1536
    second = start + len(narrow)
    stream = bytearray(start) + narrow + wide
    pieces = struct.pack("<3I", 0, wide_from, len(text))
    pieces += struct.pack("<HIH", 0, start * 2 | 0x40000000, 0) + struct.pack("<HIH", 0, second, 0)
    clx = b"\x01\x02\x00\xaa\xbb\x02" + struct.pack("<I", len(pieces)) + pieces
    runs = formats or []
    page = bytearray(512)
    bounds = [start, *(end for end, _properties in runs)]
    struct.pack_into(f"<{len(bounds)}I", page, 0, *bounds)
    at = 500
    for number, (_end, properties) in enumerate(runs):
        at -= 2 * ((len(properties) + 2) // 2)
        page[4 * len(bounds) + 13 * number] = at // 2
        # Odd lengths are counted in one byte, even ones in a second byte after a zero.
        size = (len(properties) + 1) // 2
        head = bytes([size]) if len(properties) % 2 else bytes([0, size])
        page[at : at + len(head) + len(properties)] = head + properties
    page[511] = len(runs)
    stream[1024:1536] = page
    struct.pack_into("<HHHHHH", stream, 0, 0xA5EC, 0xC1, 0, 0, 0, flags)
    struct.pack_into("<i", stream, 0x4C, len(text))
    struct.pack_into("<II", stream, 0x102, len(clx), 12)
    struct.pack_into("<II", stream, 0x1A2, 0, len(clx))
    table = clx + struct.pack("<III", start, second + len(wide), 2)
    return bytes(stream) + b"\x00SPLIT\x00" + table


def streams(made: bytes) -> dict[str, bytes]:
    main, _mark, table = made.partition(b"\x00SPLIT\x00")
    return {"WordDocument": main, "1Table": table}


def test_word_text_in_two_encodings_with_fields(
    parse: Callable[..., ParsedDocument], compound: Compound
) -> None:
    text = "Caf\xe9\rSee \x13 HYPERLINK secret\x14link\x15 now\x01\r日本語😀 end\r".replace(
        "😀", "\ud83d\ude00"
    )

    parsed = parse("legacy", compound(streams(word(text, wide_from=5))))

    assert parsed.text == "Café\n\nSee link now\n\n日本語😀 end"
    assert (parsed.format, parsed.kind) == ("doc", "doc")


def test_word_headings_and_table_rows(parse: Callable[..., ParsedDocument], compound: Compound) -> None:
    text = "Ziele\rText\ra\x07\x07c\x07\x07d\x07\x07After\r"
    cell = struct.pack("<HHB", 0, 0x2416, 1)
    row_end = cell + struct.pack("<HB", 0x2417, 1)
    start = 1536
    runs = [
        (start + 6, struct.pack("<H", 2)),
        (start + 11, struct.pack("<H", 0)),
        (start + 16, cell),
        (start + 17, row_end),
        (start + 19, cell),
        (start + 20, row_end),
        (start + 26, struct.pack("<H", 0)),
    ]

    parsed = parse("legacy", compound(streams(word(text, wide_from=len(text), formats=runs))))

    assert parsed.text == "Ziele\n\nText\n\na |  | c\nd\n\nAfter"
    assert [(h.level, parsed.text[h.start : h.end]) for h in parsed.headings] == [(2, "Ziele")]


def test_word_6_is_read_in_one_run(parse: Callable[..., ParsedDocument], compound: Compound) -> None:
    text = b"Old caf\xe9\rname\x07value\x07\x07end\r"
    main = bytearray(struct.pack("<H", 0xA5DC).ljust(768, b"\x00")) + text
    struct.pack_into("<II", main, 0x18, 768, 768 + len(text))

    assert parse("legacy", compound({"WordDocument": bytes(main)})).text == "Old café\n\nname | value\n\nend"


def record(kind: int, content: bytes, *, instance: int = 0, container: bool = False) -> bytes:
    return struct.pack("<HHI", instance << 4 | (0xF if container else 0), kind, len(content)) + content


def slide_entry(number: int, identity: int) -> bytes:
    return record(0x3F3, struct.pack("<IIiII", number, 0, 0, identity, 0))


def powerpoint(*, token: int = 0xE391C05F, sound: bool = True) -> dict[str, bytes]:
    texts = record(0xF9F, struct.pack("<I", 0)) + record(0xFA0, "Résumé".encode("utf-16-le"))
    texts += record(0xF9F, struct.pack("<I", 1)) + record(0xFA8, b"One\rTwo")
    listing = record(0xFF0, slide_entry(2, 256) + texts, container=True)
    notes = record(0xFF0, slide_entry(3, 77), instance=2, container=True)
    document = record(0x3E8, listing + notes, container=True)
    box = record(0xF00D, record(0xF9F, struct.pack("<I", 4)) + record(0xFA8, b"In a box"), container=True)
    linked = record(0xF00D, record(0xF9E, struct.pack("<I", 1)), container=True)
    slide = record(0x3EE, record(0x3EF, bytes(16) + struct.pack("<II", 77, 0)) + box + linked, container=True)
    note = record(0xF00D, record(0xF9F, struct.pack("<I", 2)) + record(0xFA8, b"Say hello"), container=True)
    notes_page = record(0x3F0, note, container=True)
    stream = document + slide + notes_page
    offsets = (0, len(document), len(document) + len(slide))
    directory = len(stream)
    stream += record(0x1772, struct.pack("<I", 3 << 20 | 1) + struct.pack("<3I", *offsets))
    edit = len(stream)
    stream += record(0xFF5, struct.pack("<IIIII", 0, 0, 0, directory if sound else 4, 1) + bytes(8))
    user = record(0xFF6, struct.pack("<III", 20, token, edit) + bytes(12))
    return {"PowerPoint Document": stream, "Current User": user}


def test_powerpoint_slides_are_pages_with_notes(
    parse: Callable[..., ParsedDocument], compound: Compound
) -> None:
    parsed = parse("legacy", compound(powerpoint()))

    assert [(page.label, parsed.text[page.start : page.end]) for page in parsed.pages] == [
        ("Résumé", "Résumé\n\nIn a box\n\nOne\nTwo\n\nSay hello")
    ]
    assert (parsed.format, parsed.kind, parsed.title) == ("ppt", "slides", "Résumé")


def test_powerpoint_with_a_broken_directory_still_gives_its_texts(
    parse: Callable[..., ParsedDocument], compound: Compound
) -> None:
    parsed = parse("legacy", compound(powerpoint(sound=False)))

    assert parsed.text == "Résumé\n\nOne\nTwo\n\nIn a box\n\nSay hello"
    assert parsed.pages == ()
    assert "damaged" in parsed.warnings[0]


@pytest.mark.parametrize(
    "content",
    [
        streams(word("x\r", wide_from=1, flags=0x0300)),
        powerpoint(token=0xF3D1C4DF),
        {"EncryptedPackage": b"x", "EncryptionInfo": b"y"},
    ],
)
def test_passwords_are_a_status(
    content: dict[str, bytes], refusal: Callable[..., UnreadableDocument], compound: Compound
) -> None:
    assert refusal("legacy", compound(content)).status == "encrypted"


def test_pieces_that_overlap_are_refused(
    refusal: Callable[..., UnreadableDocument], compound: Compound
) -> None:
    made = streams(word("x\r", wide_from=1))
    made["1Table"] = made["1Table"].replace(struct.pack("<3I", 0, 1, 2), struct.pack("<3I", 0, 1, 1 << 31))

    error = refusal("legacy", compound(made))

    assert error.status == "broken"
    assert "catdoc" in error.hint


def test_other_programs_are_asked_when_our_reader_fails(
    parse: Callable[..., ParsedDocument], compound: Compound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "catdoc"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nprint(len(open(sys.argv[3], 'rb').read()) > 512, 'Text')\n",
        encoding="utf-8",
    )
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert parse("legacy", compound({"WordDocument": bytes(600)})).text == "True Text"


def test_other_old_files_are_unsupported(
    refusal: Callable[..., UnreadableDocument], compound: Compound
) -> None:
    assert refusal("legacy", compound({"VisioDocument": b"x"})).status == "unsupported"
