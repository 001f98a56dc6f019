from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from indexer.errors import UnreadableDocument
from indexer.parsing.outlook import unpack_rtf
from indexer.types import ParsedDocument

Streams = dict[str, bytes]
PROPERTIES = "__properties_version1.0"


def wide(number: int, text: str) -> Streams:
    return {f"__substg1.0_{number:04X}001F": text.encode("utf-16-le")}


def fixed(header: int, **values: bytes) -> Streams:
    records = b"".join(
        struct.pack("<HHI", 0, int(number[1:], 16), 6) + value.ljust(8, b"\x00")
        for number, value in values.items()
    )
    return {PROPERTIES: bytes(header) + records}


def inside(folder: str, streams: Streams) -> Streams:
    return {f"{folder}/{name}": data for name, data in streams.items()}


SENT = struct.pack("<Q", 133_540_758_000_000_000)
"""Tenths of a microsecond from 1601 to 2024-03-05 01:30 UTC."""
HEAD = {
    **fixed(32, p0039=SENT),
    **wide(0x0037, "Picnic"),
    **wide(0x0C1A, "Ada"),
    **wide(0x5D01, "ada@example.com"),
    **wide(0x0E04, "Grace"),
}
RECIPIENT = inside(
    "__recip_version1.0_#00000000",
    {**fixed(8, p0C15=b"\x01"), **wide(0x3001, "Grace"), **wide(0x39FE, "grace@example.com")},
)


def attachment(number: int, name: str, content: bytes) -> Streams:
    streams = {**fixed(8), **wide(0x3707, name), "__substg1.0_37010102": content}
    return inside(f"__attach_version1.0_#{number:08X}", streams)


def test_headers_body_and_attachments(
    parse: Callable[..., ParsedDocument], compound: Callable[[Streams], bytes]
) -> None:
    streams = {
        **HEAD,
        **wide(0x1000, "See you.\r\n\r\nAda"),
        **RECIPIENT,
        **attachment(0, "plan.pdf", bytes(5_000)),
    }
    streams |= attachment(1, "big.bin", bytes(6_000))

    parsed = parse("outlook", compound(streams))

    assert parsed.text == (
        "From: Ada <ada@example.com>\nTo: Grace <grace@example.com>\nSubject: Picnic\n"
        "Date: 2024-03-05T01:30:00Z\n\nSee you.\n\nAda\n\nAttachment: plan.pdf\nAttachment: big.bin"
    )
    assert [(part.name, len(part.content)) for part in parsed.attachments] == [
        ("plan.pdf", 5_000),
        ("big.bin", 6_000),
    ]
    assert parsed.title == "Picnic"
    assert parsed.metadata["created"] == "2024-03-05T01:30:00Z"


def test_attached_messages_are_part_of_the_text(
    parse: Callable[..., ParsedDocument], compound: Callable[[Streams], bytes]
) -> None:
    inner = {**fixed(24), **wide(0x0037, "Inner"), **wide(0x1000, "Inner body")}
    holder = {**fixed(8), **inside("__substg1.0_3701000D", inner)}

    parsed = parse("outlook", compound({**HEAD, **inside("__attach_version1.0_#00000000", holder)}))

    assert parsed.text.endswith("Subject: Inner\n\nInner body")
    assert parsed.attachments == ()


def test_html_and_rich_bodies_are_read_without_a_plain_one(
    parse: Callable[..., ParsedDocument], compound: Callable[[Streams], bytes]
) -> None:
    page = {"__substg1.0_10130102": "<p>Grüße</p>".encode("cp1252")}
    raw = rb"{\rtf1\ansi plain \htmlrtf hidden\htmlrtf0 words\par}"
    packed = struct.pack("<IIII", len(raw) + 12, len(raw), 0x414C454D, 0) + raw

    assert parse("outlook", compound({**HEAD, **page})).text.endswith("\n\nGrüße")
    assert parse("outlook", compound({**HEAD, "__substg1.0_10090102": packed})).text.endswith(
        "\n\nplain words"
    )


def test_compressed_rtf_is_unpacked() -> None:
    # The first example of [MS-OXRTFCP] 4.1.1.
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232"
        "0af32068656c090020627705b06c647d0a800fa0"
    )  # fmt: skip

    assert unpack_rtf(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


@pytest.mark.parametrize(
    "streams",
    [
        wide(0x1000, "-----BEGIN PGP MESSAGE-----\nabc"),
        wide(0x001A, "IPM.Note.SMIME"),
        attachment(0, "x.asc", b"-----BEGIN PGP MESSAGE-----"),
    ],
)
def test_encrypted_messages_are_a_status(
    streams: Streams, refusal: Callable[..., UnreadableDocument], compound: Callable[[Streams], bytes]
) -> None:
    assert refusal("outlook", compound({**HEAD, **streams})).status == "encrypted"


def test_damage_is_a_status(
    refusal: Callable[..., UnreadableDocument], compound: Callable[[Streams], bytes]
) -> None:
    content = compound({**HEAD, **wide(0x1000, "text")})

    assert refusal("outlook", content[:700]).status == "broken"
    assert refusal("outlook", compound({"Other": b"x"})).status == "broken"
