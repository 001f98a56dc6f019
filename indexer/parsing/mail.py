"""Mail: single messages (eml) and mailboxes (mbox: a message is a page).

The text begins with the headers people search for, then the body, then the names of the attachments,
which become documents of their own. Headers and charsets are decoded here rather than by the newer
header classes of the standard library, which raise on much of the mail that exists.
"""

from __future__ import annotations

import binascii
import email.message
import email.parser
import email.policy
import email.utils
import mimetypes
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from email.message import Message

from indexer.errors import UnreadableDocument
from indexer.parsing import encoding
from indexer.parsing.archive import unique_name
from indexer.parsing.builder import TextBuilder
from indexer.parsing.markup import write_html
from indexer.parsing.rtf import read_rtf
from indexer.parsing.source import Source
from indexer.parsing.zipsafe import clean_name
from indexer.types import Attachment, ParsedDocument, Status

VERSION = 1

MAX_ATTACHMENTS = 500
MAX_DEPTH = 20
"""Messages and multiparts inside one another that are followed."""
_MAX_PARTS = 2_000
_MAX_MESSAGES = 50_000
_SHORT = 2_000
"""Characters of a text attachment that are also quoted in the mail itself."""
_SHOWN = ("From", "To", "Cc", "Subject", "Date")
_WORD = re.compile(r"=\?([^?\s]+)\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(=\?)")
_FROM_LINE = re.compile(rb"^From [^\r\n]+\r?\n(?=[!-9;-~]+:)", re.M)
_PGP = re.compile(r"\s*-----BEGIN PGP MESSAGE-----")
_TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})


def parse(source: Source) -> ParsedDocument:
    """Read a message or a mailbox.

    Raises:
        UnreadableDocument: the body is encrypted, or messages are nested without end.
    """
    content = source.read()
    out = TextBuilder.within(source.limits)
    letters = Letters(out, source.limits.max_file)
    if source.format == "mbox" or _FROM_LINE.match(content.lstrip()):
        return _read_mailbox(content, letters, out)
    message = parse_message(content)
    letters.write(message)
    facts = message_facts(message)
    if letters.encrypted and not letters.has_body:
        raise locked_mail(letters.encrypted)
    return out.build(
        kind="mail",
        format="eml",
        title=facts.pop("title", ""),
        metadata=facts,
        attachments=letters.attachments,
    )


def locked_mail(how: str) -> UnreadableDocument:
    """The error for a mail whose body cannot be read without a key."""
    return UnreadableDocument(
        f"The body of this mail is encrypted ({how}).",
        "Decrypt it in the mail program and save it again.",
        status=Status.ENCRYPTED,
    )


def parse_message(content: bytes) -> Message:
    """The parts of a message.

    Raises:
        UnreadableDocument: parts are nested without end.
    """
    try:
        return email.parser.BytesParser(policy=email.policy.compat32).parsebytes(
            content.lstrip(b"\xef\xbb\xbf\r\n \t")
        )
    except (RecursionError, ValueError, LookupError, AttributeError, TypeError) as exc:
        raise UnreadableDocument(
            "This mail is refused: its parts are nested without end.", status=Status.BUDGET
        ) from exc


def message_facts(message: Message) -> dict[str, str]:
    """Title (the subject), from, to, author and created (ISO 8601) of a message."""
    facts = {
        "title": header(message, "Subject"),
        "from": header(message, "From"),
        "to": header(message, "To"),
    }
    facts["author"] = facts["from"]
    try:
        facts["created"] = email.utils.parsedate_to_datetime(header(message, "Date")).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        pass
    return {key: value for key, value in facts.items() if value}


def header(message: Message, name: str) -> str:
    """The first header of this name, decoded and on one line; "" without one."""
    for key, value in message.raw_items():
        if key.lower() == name.lower():
            return decode_header(str(value))
    return ""


def decode_header(value: str) -> str:
    """A header's text: encoded words, raw bytes in any charset, folded lines."""
    raw = value.encode("utf-8", "surrogateescape")
    text = " ".join(_decoded(raw, "").split())
    text = _BETWEEN_WORDS.sub(r"\1\2", text)
    pieces: list[str] = []
    pending, charset, position = b"", "", 0
    for match in _WORD.finditer(text):
        # A character may be split between neighbouring words: join their bytes first.
        if pending and (match.start() > position or match[1].lower() != charset):
            pieces.append(_decoded(pending, charset))
            pending = b""
        pieces.append(text[position : match.start()])
        charset = match[1].lower()
        pending += _word_bytes(match[2], match[3])
        position = match.end()
    if pending:
        pieces.append(_decoded(pending, charset))
    pieces.append(text[position:])
    return " ".join("".join(pieces).split())


def _word_bytes(kind: str, text: str) -> bytes:
    if kind in "qQ":
        return binascii.a2b_qp(text.encode("utf-8"), header=True)
    data = re.sub(r"[^A-Za-z0-9+/]", "", text)
    try:
        return binascii.a2b_base64(data + "=" * (-len(data) % 4))
    except binascii.Error:
        return text.encode("utf-8")


def _decoded(data: bytes, charset: str) -> str:
    try:
        return encoding.decode(data, declared=charset.partition("*")[0]).text
    except UnreadableDocument:
        return data.decode("latin-1")


class Letters:
    """Writes messages into a builder and collects their attachments, within limits."""

    def __init__(self, out: TextBuilder, room: int) -> None:
        """`room` is the number of bytes that all attachments together may have."""
        self.out = out
        self.attachments: list[Attachment] = []
        self.encrypted = ""
        """How a body that could not be read is encrypted: PGP or S/MIME."""
        self.has_body = False
        self._room = room
        self._parts = 0
        self._names: set[str] = set()
        self._listed: list[str] = []

    def begin(self) -> None:
        """Forget what was counted in the message before."""
        self.encrypted = ""
        self._parts = 0

    def write(self, message: Message, depth: int = 0) -> None:
        """Add a message: headers, body, the names of its attachments."""
        with self.message({name: header(message, name) for name in _SHOWN}):
            self._part(message, depth, whole=True)

    @contextmanager
    def message(self, headers: Mapping[str, str]) -> Iterator[None]:
        """Add a message's headers, let the caller add its parts, then list its attachments."""
        outer, self._listed = self._listed, []
        self._lines(f"{name}: {' '.join(text.split())}" for name, text in headers.items() if text.strip())
        yield
        self._lines(f"Attachment: {name}" for name in self._listed)
        self._listed = outer

    def rich_text(self, data: bytes) -> None:
        """Add a body in RTF."""
        before = self.out.length
        try:
            read_rtf(data, self.out)
        except UnreadableDocument:
            self.out.warn("The body of a message is damaged and was left out.")
        self.has_body = self.has_body or self.out.length > before

    def attach(self, name: str, content: bytes) -> None:
        """Keep an attachment as a document of its own, if there is room."""
        label = clean_name(name, fallback="attachment")
        self._listed.append(label)
        if content[:64].lstrip().startswith(b"-----BEGIN PGP MESSAGE-----"):
            self.encrypted = "PGP"
        if not content:
            return
        if len(content) > self._room or len(self.attachments) >= MAX_ATTACHMENTS:
            self.out.warn(
                "Some attachments were left out: there are more of them, or larger ones, than Quire takes."
            )
            return
        self._room -= len(content)
        self.attachments.append(Attachment(name=unique_name(label, self._names), content=content))

    def body(self, text: str, *, is_html: bool = False) -> None:
        """Add the text of a body."""
        before = self.out.length
        if is_html:
            write_html(text, self.out)
        else:
            for paragraph in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n")):
                self.out.paragraph(paragraph)
        self.has_body = self.has_body or self.out.length > before

    def _lines(self, lines: Iterable[str]) -> None:
        first = True
        for line in lines:
            start, end = self.out.paragraph(line) if first else self.out.line(line)
            first = first and start == end

    # --- parts --------------------------------------------------------------------------------------

    def _part(self, part: Message, depth: int, *, whole: bool = False) -> None:
        self._parts += 1
        if depth > MAX_DEPTH or self._parts > _MAX_PARTS:
            self.out.warn("Parts of this mail were left out: they are nested too deeply, or too many.")
            return
        kind = part.get_content_type()
        name = _file_name(part)
        if kind == "multipart/encrypted" or _is_enveloped(part, kind):
            self.encrypted = "PGP" if kind == "multipart/encrypted" else "S/MIME"
        elif kind == "multipart/alternative":
            self._alternatives(_children(part), depth)
        elif part.is_multipart() and kind != "message/rfc822":
            for child in _children(part):
                self._part(child, depth + 1)
        elif kind == "message/rfc822":
            for child in _children(part):
                self.write(child, depth + 1)
        elif kind in _TNEF or name.lower() == "winmail.dat":
            self._tnef(_bytes(part))
        elif kind.startswith("multipart/"):
            self.body(_text(part))  # announced parts that never came
        elif kind in ("text/plain", "text/html") and (whole or not name):
            self._text(part, kind)
        else:
            self._file(part, kind, name)

    def _alternatives(self, parts: list[Message], depth: int) -> None:
        """The plain text, unless it is a stub beside the HTML; other kinds as they come."""
        plain = [part for part in parts if part.get_content_type() == "text/plain"]
        rich = [part for part in parts if part not in plain and part.get_content_type() != "text/calendar"]
        text = "".join(_text(part) for part in plain)
        if text.strip() and (not rich or len(text.strip()) >= _html_length(rich) / 2):
            chosen = plain
            # A multipart beside the plain text may hold attachments besides the same text.
            extra = [part for part in rich if part.is_multipart()]
            for part in extra:
                for child in part.walk():
                    if not child.is_multipart() and child.get_content_maintype() not in ("text", "image"):
                        self._file(child, child.get_content_type(), _file_name(child))
        else:
            chosen = rich or plain or parts
        for part in chosen:
            self._part(part, depth + 1)

    def _text(self, part: Message, kind: str) -> None:
        text = _text(part)
        if _PGP.match(text):
            self.encrypted = "PGP"
            return
        self.body(
            text, is_html=kind == "text/html" or text[:200].lstrip().lower().startswith("<!doctype html")
        )

    def _file(self, part: Message, kind: str, name: str) -> None:
        inline = part.get("Content-ID") and part.get_content_disposition() != "attachment"
        if part.get_content_maintype() == "image" and inline:
            return  # a picture of the layout: logo, signature
        if kind in (
            "application/pgp-signature",
            "application/pkcs7-signature",
            "application/x-pkcs7-signature",
        ):
            return
        content = _bytes(part)
        if part.get_content_maintype() == "text":
            text = _text(part)
            content = text.encode("utf-8", "replace")
            if len(text) <= _SHORT and kind == "text/plain":
                # A short note is part of what the mail says.
                self.body(text)
        self.attach(name or f"part-{self._parts}{mimetypes.guess_extension(kind) or ''}", content)

    def _tnef(self, content: bytes) -> None:
        from indexer.parsing.tnef import read_tnef

        parcel = read_tnef(content)
        self.body(parcel.body)
        for name, data in parcel.files:
            self.attach(name, data)


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def _is_enveloped(part: Message, kind: str) -> bool:
    if kind not in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        return False
    return str(part.get_param("smime-type") or "").lower() not in ("signed-data", "certs-only")


def _file_name(part: Message) -> str:
    # Raw bytes in a header are lost in the library's own reading of it.
    raw = " ".join(str(value) for key, value in part.raw_items() if key.lower() in _NAMING)
    if not raw.isascii() and (match := _RAW_NAME.search(raw)):
        return decode_header(match[1] or match[2])
    try:
        name = part.get_filename() or ""
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""
    return decode_header(str(name))


_NAMING = ("content-disposition", "content-type")
_RAW_NAME = re.compile(r"""\b(?:file)?name\s*=\s*(?:"([^"]*)"|([^;\s]+))""", re.I)


def _bytes(part: Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError, AttributeError):
        return b""
    return payload if isinstance(payload, bytes) else b""


def _text(part: Message) -> str:
    charset = part.get_param("charset") or ""
    return _decoded(_bytes(part), charset if isinstance(charset, str) else str(charset[2]))


def _html_length(parts: list[Message]) -> int:
    """Characters of text, without tags, in the HTML among these parts."""
    length = 0
    for part in parts:
        for child in part.walk():
            if child.get_content_type() == "text/html":
                probe = TextBuilder()
                write_html(_text(child), probe)
                length += probe.length
    return length


# --- mailboxes ---------------------------------------------------------------------------------------


def _read_mailbox(content: bytes, letters: Letters, out: TextBuilder) -> ParsedDocument:
    locked = 0
    for number, data in enumerate(split_mailbox(content)):
        if out.full or number >= _MAX_MESSAGES:
            out.warn(f"Only the first {number:,} messages were read.")
            break
        try:
            message = parse_message(data)
        except UnreadableDocument:
            out.open_page()
            out.warn("A message with parts nested without end was left out.")
            continue
        subject = header(message, "Subject")
        out.open_page(subject)
        out.heading(subject, 1)
        letters.begin()
        letters.write(message)
        locked += bool(letters.encrypted)
    if locked:
        out.warn(f"{locked} encrypted messages: only their headers were read.")
    return out.build(
        kind="mail", format="mbox", attachments=letters.attachments, first_heading_is_title=False
    )


def split_mailbox(content: bytes) -> Iterator[bytes]:
    """The messages of a mailbox, without their "From " lines and with quoted ones restored."""
    begins = [
        (match.start(), match.end())
        for match in _FROM_LINE.finditer(content)
        if match.start() == 0
        or content[max(0, match.start() - 4) : match.start()].endswith((b"\n\n", b"\n\r\n"))
    ]
    if not begins:
        yield content
        return
    ends = [start for start, _end in begins[1:]] + [len(content)]
    for (_start, begin), end in zip(begins, ends, strict=True):
        yield re.sub(rb"^>(>*From )", rb"\1", content[begin:end], flags=re.M)
