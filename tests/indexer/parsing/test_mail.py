from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from email.message import EmailMessage

import pytest

from indexer.errors import UnreadableDocument
from indexer.parsing import mail
from indexer.parsing.mail import decode_header
from indexer.types import ParsedDocument


def letter(subject: str = "Picnic", text: str = "See you on Friday.") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Ada Lovelace <ada@example.com>"
    message["To"] = "Grace <grace@example.com>"
    message["Subject"] = subject
    message["Date"] = "Tue, 05 Mar 2024 09:30:00 +0800"
    message.set_content(text)
    return message


HEAD = (
    "From: Ada Lovelace <ada@example.com>\nTo: Grace <grace@example.com>\nSubject: {}\n"
    "Date: Tue, 05 Mar 2024 09:30:00 +0800"
)


def test_headers_come_first_and_are_metadata(parse: Callable[..., ParsedDocument]) -> None:
    parsed = parse("mail", bytes(letter("Grüße")))

    assert parsed.text == HEAD.format("Grüße") + "\n\nSee you on Friday."
    assert parsed.title == "Grüße"
    assert parsed.metadata["from"] == "Ada Lovelace <ada@example.com>"
    assert parsed.metadata["created"] == "2024-03-05T09:30:00+08:00"
    assert (parsed.kind, parsed.format) == ("mail", "eml")


def test_attachments_are_documents_and_their_names_are_found(parse: Callable[..., ParsedDocument]) -> None:
    message = letter()
    message.add_attachment(
        b"%PDF-1.7", maintype="application", subtype="pdf", filename="../../Bericht März.pdf"
    )
    message.add_attachment("kurze Notiz", filename="note.txt")
    message.add_attachment("lang " * 1_000, filename="note.txt")

    parsed = parse("mail", bytes(message))

    names = [part.name for part in parsed.attachments]
    assert names == ["Bericht März.pdf", "note.txt", "note (2).txt"]
    assert parsed.attachments[0].content == b"%PDF-1.7"
    assert parsed.text.endswith(
        "Friday.\n\nkurze Notiz\n\nAttachment: Bericht März.pdf\nAttachment: note.txt\nAttachment: note.txt"
    )


def test_html_is_read_when_there_is_no_real_plain_text(parse: Callable[..., ParsedDocument]) -> None:
    message = letter(text="Your program does not show HTML.")
    html = (
        "<style>p{}</style><p>Dear Grace,</p><p>"
        + "the offer of the week " * 20
        + "<img src='http://x/y.png'></p>"
    )
    message.add_alternative(html, subtype="html")

    text = parse("mail", bytes(message)).text

    assert "Dear Grace,\n\nthe offer" in text
    assert "does not show" not in text


def test_plain_text_is_preferred_to_the_same_in_html(parse: Callable[..., ParsedDocument]) -> None:
    message = letter()
    message.add_alternative("<p>See you on <b>Friday</b>.</p>", subtype="html")

    assert parse("mail", bytes(message)).text.count("Friday") == 1


def test_forwarded_messages_are_part_of_the_text(parse: Callable[..., ParsedDocument]) -> None:
    inner = letter("Inner", "Inner body.")
    inner.add_attachment(b"data", maintype="application", subtype="x", filename="deep.bin")
    outer = letter("Outer")
    outer.add_attachment(inner)

    parsed = parse("mail", bytes(outer))

    assert (
        parsed.text.index("Subject: Outer")
        < parsed.text.index("Subject: Inner")
        < parsed.text.index("Inner body.")
    )
    assert [part.name for part in parsed.attachments] == ["deep.bin"]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?= an alle", "Grüße an alle"),
        ("=?utf-8?b?5pel?= =?utf-8?b?5pys?=", "日本"),
        ("=?utf-8?b?5pc=?=\n =?utf-8?b?pQ==?=", "日"),
        ("=?gb2312?B?u+HS6bzN0qo=?=", "会议纪要"),
        ("=?no-such-charset?q?caf=C3=A9?=", "café"),
        ("=?utf-8?b?not base64?= rest", None),
        (b"caf\xe9".decode("ascii", "surrogateescape"), "café"),
        ("plain\n folded", "plain folded"),
    ],
)
def test_headers_are_decoded_whatever_they_hold(raw: str, text: str | None) -> None:
    assert decode_header(raw) == text or text is None


@pytest.mark.parametrize(
    ("charset", "body"),
    [
        ("iso-8859-1", "Größe".encode()),
        ("utf-8", "会议纪要请在周四前".encode("gb18030")),
        ("x-unknown", b"plain"),
    ],
)
def test_wrong_charsets_do_not_garble(
    charset: str, body: bytes, parse: Callable[..., ParsedDocument]
) -> None:
    content = f"Subject: s\nContent-Type: text/plain; charset={charset}\n\n".encode() + body

    text = parse("mail", content).text

    assert text.endswith(("Größe", "会议纪要请在周四前", "plain"))


@pytest.mark.parametrize(
    "content",
    [
        b"Subject: s\nContent-Type: multipart/encrypted; boundary=b\n\n--b\n\nx\n--b--\n",
        b"Subject: s\n\n-----BEGIN PGP MESSAGE-----\nabc\n-----END PGP MESSAGE-----\n",
        b"Subject: s\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nMII\n",
    ],
)
def test_encrypted_bodies_are_a_status(content: bytes, refusal: Callable[..., UnreadableDocument]) -> None:
    assert refusal("mail", content).status == "encrypted"


def nested(depth: int) -> bytes:
    lines = [f"Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n" for level in range(depth)]
    return ("Subject: nest\n" + "".join(lines) + "\n\ninnermost\n").encode()


def test_deep_nesting_is_bounded(
    parse: Callable[..., ParsedDocument], refusal: Callable[..., UnreadableDocument]
) -> None:
    parsed = parse("mail", nested(100))

    assert parsed.text == "Subject: nest"
    assert "nested too deeply" in parsed.warnings[0]
    assert refusal("mail", nested(5_000)).status == "budget"


def test_attachments_beyond_the_limit_are_only_named(
    parse: Callable[..., ParsedDocument], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "MAX_ATTACHMENTS", 1)
    message = letter()
    for name in ("one.bin", "two.bin"):
        message.add_attachment(b"data", maintype="application", subtype="x", filename=name)

    parsed = parse("mail", bytes(message))

    assert [part.name for part in parsed.attachments] == ["one.bin"]
    assert parsed.text.endswith("Attachment: one.bin\nAttachment: two.bin")
    assert parsed.warnings[0].startswith("Some attachments were left out")


def test_uuencoded_parts_are_decoded(parse: Callable[..., ParsedDocument]) -> None:
    content = (
        b"Subject: s\nContent-Type: application/x; name=big.bin\nContent-Transfer-Encoding: x-uuencode\n\n"
        b"begin 644 big.bin\n#86)C\n`\nend\n"
    )

    assert [(part.name, part.content) for part in parse("mail", content).attachments] == [("big.bin", b"abc")]


def tnef(*attributes: tuple[int, bytes]) -> bytes:
    content = struct.pack("<IH", 0x223E9F78, 1)
    for number, data in attributes:
        content += struct.pack("<BII", 2, number, len(data)) + data + b"\x00\x00"
    return content


def test_winmail_is_taken_apart(parse: Callable[..., ParsedDocument]) -> None:
    message = letter()
    parcel = tnef(
        (0x2800C, b"Rich body\x00"), (0x69002, b""), (0x18010, b"plan.doc\x00"), (0x6800F, b"\xd0\xcf")
    )
    message.add_attachment(parcel, maintype="application", subtype="ms-tnef", filename="winmail.dat")

    parsed = parse("mail", bytes(message))

    assert [(part.name, part.content) for part in parsed.attachments] == [("plan.doc", b"\xd0\xcf")]
    assert "Rich body" in parsed.text


def test_a_message_of_a_mailbox_is_a_page(parse: Callable[..., ParsedDocument]) -> None:
    first = letter("One", "Line\n\n>From here on quoted\n").as_bytes()
    second = letter("Two").as_bytes()
    line = b"From ada@example.com Tue Mar  5 09:30:00 2024\n"
    content = (
        line
        + first
        + b"\n"
        + line
        + b"From: Eve <eve@example.com>\nSubject: Odd\n\nFrom the start\n\n"
        + line
        + second
    )

    parsed = parse("mail", content, format="mbox")

    assert [page.label for page in parsed.pages] == ["One", "Odd", "Two"]
    assert "\n\nFrom here on quoted" in parsed.text
    assert parsed.title == ""
    assert [parsed.text[h.start : h.end] for h in parsed.headings] == ["One", "Odd", "Two"]


@pytest.mark.parametrize("content", [b"", b"  \n\n  ", b"\x00\xff" * 50, base64.b64encode(bytes(999))])
def test_what_is_hardly_mail_raises_nothing_else(
    content: bytes, parse: Callable[..., ParsedDocument]
) -> None:
    assert parse("mail", content).title == ""
