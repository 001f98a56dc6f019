"""Outlook messages (msg): an OLE container with a stream for each property.

Source: [MS-OXMSG] 2.1 to 2.4 (storages and property streams), [MS-OXRTFCP] 3.1.3 (compressed RTF).
"""

from __future__ import annotations

import datetime
import itertools
import re
import struct
from collections.abc import Iterator

from indexer.errors import UnreadableDocument
from indexer.parsing import encoding, ole
from indexer.parsing.builder import TextBuilder
from indexer.parsing.mail import MAX_DEPTH, Letters, locked_mail
from indexer.parsing.source import Source
from indexer.types import ParsedDocument

VERSION = 1

_WHAT = "Outlook message"
_PROPERTIES = "__properties_version1.0"
_SUBJECT, _BODY, _HTML, _RTF = 0x0037, 0x1000, 0x1013, 0x1009
_CLASS, _SENDER, _SENDER_ADDRESS, _SENDER_SMTP = 0x001A, 0x0C1A, 0x0C1F, 0x5D01
_TO, _CC = 0x0E04, 0x0E03
_SENT, _DELIVERED, _CREATED = 0x0039, 0x0E06, 0x3007
_ATTACH_DATA, _ATTACH_NAME, _ATTACH_LONG_NAME, _ATTACH_TITLE, _CONTENT_ID = (
    0x3701,
    0x3704,
    0x3707,
    0x3001,
    0x3712,
)
_RECIPIENT_KIND, _RECIPIENT_NAME, _RECIPIENT_ADDRESS, _RECIPIENT_SMTP = 0x0C15, 0x3001, 0x3003, 0x39FE
_MAX_RECIPIENTS = 200
_CODE_PAGE, _HTML_CODE_PAGE = 0x3FFD, 0x3FDE
_PGP = re.compile(r"\s*-----BEGIN PGP MESSAGE-----")


def parse(source: Source) -> ParsedDocument:
    """Read an Outlook message with the messages and files attached to it.

    Raises:
        UnreadableDocument: damaged, or the body is encrypted.
    """
    container = ole.open_ole(source.read(), _WHAT)
    if not ole.has_stream(container, _PROPERTIES):
        raise ole.damaged(_WHAT)
    out = TextBuilder.within(source.limits)
    letters = Letters(out, source.limits.max_file)
    message = _Message(container)
    message.write(letters, 0)
    if letters.encrypted and not letters.has_body:
        raise locked_mail(letters.encrypted)
    facts = message.facts()
    return out.build(
        kind="mail",
        format="msg",
        title=facts.pop("title", ""),
        metadata=facts,
        attachments=letters.attachments,
    )


class _Storage:
    """The properties of a message or of an attachment."""

    def __init__(self, container: ole.Ole, path: tuple[str, ...] = (), code_page: str = "") -> None:
        self.container = container
        self.path = path
        self._fixed = _fixed_properties(self._stream(_PROPERTIES), self._header())
        self.code_page = code_page or _codec(self._fixed.get(_CODE_PAGE, b"")) or "cp1252"

    def _header(self) -> int:
        """Bytes before the records of the stream of properties."""
        return 8

    def text(self, number: int) -> str:
        """A string property; "" when it is missing."""
        wide = self._stream(f"__substg1.0_{number:04X}001F")
        if wide:
            return wide.decode("utf-16-le", "replace").rstrip("\x00")
        narrow = self._stream(f"__substg1.0_{number:04X}001E")
        return _decoded(narrow, self.code_page).rstrip("\x00")

    def binary(self, number: int) -> bytes:
        """A property of bytes; nothing when it is missing."""
        return self._stream(f"__substg1.0_{number:04X}0102")

    def fixed(self, number: int) -> bytes:
        """The eight bytes of a number or time; nothing when it is missing."""
        return self._fixed.get(number, b"")

    def has(self, *names: str) -> bool:
        """Whether a stream or storage is there."""
        return bool(self.container.exists("/".join((*self.path, *names))))

    def _stream(self, name: str) -> bytes:
        path = "/".join((*self.path, name))
        return ole.read_stream(self.container, path) if self.container.exists(path) else b""


class _Message(_Storage):
    """A message: the root of the container, or a storage in an attachment of it."""

    def _header(self) -> int:
        return 24 if self.path else 32

    def facts(self) -> dict[str, str]:
        """Title, from, to, author and created."""
        found = {
            "title": self.text(_SUBJECT),
            "from": self._sender(),
            "to": self._recipients(1) or self.text(_TO),
            "created": self._date(),
        }
        found["author"] = found["from"]
        return {key: value for key, value in found.items() if value}

    def write(self, letters: Letters, depth: int) -> None:
        """Add headers, body and attachments."""
        lines = {
            "From": self._sender(),
            "To": self._recipients(1) or self.text(_TO),
            "Cc": self._recipients(2) or self.text(_CC),
            "Subject": self.text(_SUBJECT),
            "Date": self._date(),
        }
        with letters.message(lines):
            self._write_body(letters)
            for path in self._storages("__attach"):
                self._write_attachment(path, letters, depth)

    def _write_body(self, letters: Letters) -> None:
        text = self.text(_BODY)
        kind = self.text(_CLASS).lower()
        if "smime" in kind and "multipartsigned" not in kind:
            letters.encrypted = "S/MIME"
        elif _PGP.match(text):
            letters.encrypted = "PGP"
        elif text.strip():
            letters.body(text)
        elif html := self._html():
            letters.body(html, is_html=True)
        elif packed := self.binary(_RTF):
            letters.rich_text(unpack_rtf(packed))

    def _html(self) -> str:
        page = _codec(self.fixed(_HTML_CODE_PAGE))
        return _decoded(self.binary(_HTML), page) or self.text(_HTML)

    def _storages(self, kind: str) -> Iterator[tuple[str, ...]]:
        depth = len(self.path)
        for path in self.container.listdir(streams=False, storages=True):
            if len(path) == depth + 1 and tuple(path[:depth]) == self.path and path[-1].startswith(kind):
                yield tuple(path)

    def _write_attachment(self, path: tuple[str, ...], letters: Letters, depth: int) -> None:
        part = _Storage(self.container, path, self.code_page)
        inner = f"__substg1.0_{_ATTACH_DATA:04X}000D"
        if part.has(inner, _PROPERTIES):
            if depth < MAX_DEPTH:
                _Message(self.container, (*path, inner)).write(letters, depth + 1)
            return
        name = part.text(_ATTACH_LONG_NAME) or part.text(_ATTACH_NAME) or part.text(_ATTACH_TITLE)
        if part.text(_CONTENT_ID) and name.lower().endswith(_PICTURES):
            return  # a picture of the layout: logo, signature
        letters.attach(name or "attachment", part.binary(_ATTACH_DATA))

    def _sender(self) -> str:
        return _person(self.text(_SENDER), self.text(_SENDER_SMTP) or self.text(_SENDER_ADDRESS))

    def _recipients(self, kind: int) -> str:
        """Names and addresses of those a message is to (1) or copied to (2)."""
        people = []
        for path in itertools.islice(self._storages("__recip"), _MAX_RECIPIENTS):
            entry = _Storage(self.container, path, self.code_page)
            value = entry.fixed(_RECIPIENT_KIND)
            if value and value[0] == kind:
                address = entry.text(_RECIPIENT_SMTP) or entry.text(_RECIPIENT_ADDRESS)
                people.append(_person(entry.text(_RECIPIENT_NAME), address))
        return ", ".join(person for person in people if person)

    def _date(self) -> str:
        for number in (_SENT, _DELIVERED, _CREATED):
            data = self.fixed(number)
            ticks = struct.unpack("<Q", data)[0] if len(data) == 8 else 0
            # Tenths of a microsecond since 1601; a date before 1970 is an unset one.
            if 116_444_736_000_000_000 < ticks < 2**61:
                moment = datetime.datetime(1601, 1, 1) + datetime.timedelta(microseconds=ticks // 10)
                return moment.isoformat(timespec="seconds") + "Z"
        return ""


_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp")


def _person(name: str, address: str) -> str:
    # Addresses of the mail server itself begin with a slash and mean nothing outside.
    if not address or address == name or address.startswith("/"):
        return name
    return f"{name} <{address}>" if name else address


def _fixed_properties(stream: bytes, header: int) -> dict[int, bytes]:
    """Property number to its eight bytes of value, from records of sixteen."""
    found: dict[int, bytes] = {}
    for position in range(header, len(stream) - 15, 16):
        (number,) = struct.unpack_from("<H", stream, position + 2)
        found[number] = stream[position + 8 : position + 16]
    return found


def _codec(value: bytes) -> str:
    if len(value) < 4:
        return ""
    (page,) = struct.unpack_from("<I", value)
    return encoding.find_codec({65001: "utf-8", 20127: "ascii", 28591: "latin-1"}.get(page, f"cp{page}"))


def _decoded(data: bytes, charset: str) -> str:
    if not data:
        return ""
    try:
        return encoding.decode(data, declared=charset).text
    except UnreadableDocument:
        return data.decode("latin-1")


_RTF_MAGIC = 0x75465A4C
_RTF_START = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
"""What the dictionary holds at first."""
_MAX_RTF = 32 * 1024**2


def unpack_rtf(data: bytes) -> bytes:
    """Decompress RTF: references into a ring of 4,096 bytes, eight to a control byte."""
    if len(data) < 16:
        return b""
    _size, raw_size, magic = struct.unpack_from("<III", data)
    if magic != _RTF_MAGIC:
        return data[16 : 16 + raw_size]
    ring = bytearray(_RTF_START.ljust(4096, b"\x00"))
    write, position, out = len(_RTF_START), 16, bytearray()
    while position < len(data) and len(out) < _MAX_RTF:
        control = data[position]
        position += 1
        for bit in range(8):
            if not control >> bit & 1:
                taken = data[position : position + 1]
                position += 1
            elif position + 1 < len(data):
                reference = data[position] << 8 | data[position + 1]
                position += 2
                if reference >> 4 == write:
                    return bytes(out)
                taken = _repeat(ring, reference >> 4, (reference & 0xF) + 2, write)
            else:
                return bytes(out)
            for byte in taken:
                ring[write] = byte
                write = (write + 1) % len(ring)
            out += taken
    return bytes(out)


def _repeat(ring: bytearray, offset: int, length: int, write: int) -> bytes:
    """What a reference stands for; it may run into the bytes that it writes itself."""
    before = (write - offset) % len(ring)
    return bytes(ring[(offset + index % before) % len(ring)] for index in range(length))
