"""What a document really is. Its content decides; the name only chooses between kinds of text."""

from __future__ import annotations

import re

from indexer.errors import UnreadableDocument
from indexer.parsing import encoding, signatures
from indexer.parsing.source import Source

_SAMPLE_BYTES = 16 * 1024
"""Bytes of a text that tell its format."""

_PDF = re.compile(rb"%PDF-\d\.\d")
_TAG = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_MAIL = re.compile(
    r"^(?:From|To|Cc|Subject|Date|Received|Message-I[Dd]|MIME-Version|Return-Path|Delivered-To|Content-Type|Reply-To"
    r"|X-[\w-]+|Content-Transfer-Encoding|In-Reply-To|References|Sender):",
    re.IGNORECASE,
)
_HEADER_LINE = re.compile(r"[!-9;-~]+:|[ \t]")
_SRT = re.compile(r"\s*\d+\s*\n\d\d:\d\d:\d\d[,.]\d+ --> ")


def sniff(source: Source) -> str:
    """The format of a document, a key of `FORMATS`.

    Raises:
        UnreadableDocument: empty, encrypted, or of a kind that cannot be read (unsupported); the
            reason names the kind.
    """
    head = source.head
    if not head:
        raise UnreadableDocument("The file is empty (0 bytes).", status="empty-text")
    return _binary(source, head) or _text(source, head)


def _binary(source: Source, head: bytes) -> str:
    if head.startswith(b"%PDF-") or (
        (found := _PDF.search(head, 0, 1100)) and _is_pdf(source, head, found.start())
    ):
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08PK")):
        return _zip(source, head)
    if head.startswith(signatures.OLE):
        return _ole(source)
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{\\rtf"):
        return "rtf"
    if head.startswith(signatures.IMAGES) or _is_image(head):
        return "image"
    return ""


def _is_pdf(source: Source, head: bytes, start: int) -> bool:
    """Whether a PDF signature behind other bytes makes it a PDF, not a text that speaks of PDF."""
    return source.extension == "pdf" or encoding.is_binary(head[:start]) or b"endobj" in head


def _is_image(head: bytes) -> bool:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return True
    if head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"hevc"):
        return True
    return (
        head[:2] == b"BM"
        and len(head) > 26
        and int.from_bytes(head[2:6], "little") in range(26, 1 << 31)
        and (head[6:10] == b"\0\0\0\0")
    )


# --- containers ----------------------------------------------------------------------------------


def _zip(source: Source, head: bytes) -> str:
    found = _by_mimetype(head)
    if found:
        return found
    from indexer.parsing.zipsafe import SafeZip

    archive = SafeZip(source.read(), what=_named_kind(source))
    names = archive.names
    if "[Content_Types].xml" in names:
        return _ooxml(archive.read_if_there("[Content_Types].xml") or b"")
    mimetype = archive.read_if_there("mimetype")
    found = _by_media_type(mimetype or b"")
    if found:
        return found
    if "META-INF/container.xml" in names:
        return "epub"
    if any(name.endswith(".iwa") or name in signatures.IWORK for name in names):
        raise _iwork(source)
    if {"AndroidManifest.xml", "META-INF/MANIFEST.MF"} & set(names):
        raise UnreadableDocument("It is a Java or Android program.", status="unsupported")
    return "zip"


def _by_mimetype(head: bytes) -> str:
    """The format of a container whose first member is `mimetype`, not compressed."""
    if head[30:38] != b"mimetype":
        return ""
    extra = int.from_bytes(head[28:30], "little")
    return _by_media_type(head[38 + extra : 118 + extra])


def _by_media_type(content: bytes) -> str:
    for name, format in signatures.ODF.items():
        if name.encode() in content[:80]:
            return format
    return ""


def _ooxml(content_types: bytes) -> str:
    main = re.findall(rb'ContentType="([^"]*main\+xml|[^"]*sheet\.binary[^"]*main)"', content_types)
    for kinds in (b" ".join(main), content_types):
        for name, format in signatures.OOXML:
            if name in kinds:
                return format
    raise UnreadableDocument(
        "It is an Office package of an unknown kind.", signatures.CONVERT, status="unsupported"
    )


def _iwork(source: Source) -> UnreadableDocument:
    kind = {"pages": "a Pages", "numbers": "a Numbers", "key": "a Keynote"}.get(
        source.extension, "an Apple iWork"
    )
    return UnreadableDocument(
        f"It is {kind} document of Apple's, which cannot be read here.",
        "Export it as PDF or Word to make it searchable.",
        status="unsupported",
    )


def _named_kind(source: Source) -> str:
    kinds = {
        "docx": "Word document",
        "xlsx": "Excel workbook",
        "pptx": "PowerPoint presentation",
        "epub": "EPUB book",
    }
    return kinds.get(source.extension, "zip file")


def _ole(source: Source) -> str:
    from indexer.parsing import ole

    container = ole.open_ole(source.read(), "Office file")
    for stream, format in signatures.OLE_STREAMS:
        if ole.has_stream(container, stream):
            if format == "encrypted":
                raise ole.locked("Office file")
            return format
    raise UnreadableDocument(
        "It is an older Microsoft file of an unknown kind (Publisher, Visio, installer …).",
        signatures.CONVERT,
        status="unsupported",
    )


# --- text ----------------------------------------------------------------------------------------


def _text(source: Source, head: bytes) -> str:
    sample = _sample(source, head)
    extension = source.extension
    stripped = sample.lstrip("\ufeff \t\r\n")
    if stripped.startswith("<"):
        found = _markup(stripped, extension)
        if found:
            return found
    if (
        stripped[:1] in "{["
        and (extension in ("ipynb", "json") or not extension)
        and '"nbformat"' in _all(source, sample)
    ):
        return "ipynb"
    if stripped.startswith("WEBVTT"):
        return "vtt"
    if _SRT.match(stripped):
        return "srt"
    named = extension in signatures.CODE or extension in signatures.EXTENSIONS
    if not named or extension in ("eml", "mbox"):
        found = _mail(sample, stripped, extension)
        if found:
            return found
    if (
        extension in signatures.CODE
        or source.name.lower() in signatures.CODE_NAMES
        or sample.startswith("#!")
    ):
        return "code"
    found = signatures.EXTENSIONS.get(extension, "text")
    return found if found != "json" or stripped[:1] in '{["' else "text"


def _sample(source: Source, head: bytes) -> str:
    """The beginning as text.

    Raises:
        UnreadableDocument: it is not text; the reason says what it is, as far as can be told.
    """
    if encoding.is_binary(head[:_SAMPLE_BYTES]):
        raise _unknown(source, head)
    return encoding.peek(head[:_SAMPLE_BYTES])


def _markup(stripped: str, extension: str) -> str:
    # Markdown and source code may begin with a tag and speak of others further down.
    named = extension in signatures.CODE or signatures.EXTENSIONS.get(extension, "html") not in (
        "html",
        "xml",
    )
    if _TAG.match(stripped) if named else _TAG.search(stripped, 0, 4096):
        return "html"
    root = re.search(r"<([A-Za-z_][\w.:-]*)", re.sub(r"<!--.*?-->", "", stripped[:8192], flags=re.DOTALL))
    if stripped.startswith("<?xml") or stripped.startswith("<!DOCTYPE"):
        return "svg" if root and root.group(1).lower() in ("svg", "svg:svg") else "xml"
    if root and root.group(1).lower() == "svg":
        return "svg"
    if extension in ("html", "htm", "xhtml", "shtml"):
        return "html"
    return "xml" if signatures.EXTENSIONS.get(extension) == "xml" else ""


def _all(source: Source, sample: str) -> str:
    """The text to look through for the mark of a notebook, which may stand at the very end."""
    if source.size <= len(source.head):
        return sample
    return source.read()[-4096:].decode("utf-8", "replace")


def _mail(sample: str, stripped: str, extension: str) -> str:
    if stripped.startswith("From ") and (
        extension == "mbox" or re.search(r"\n(?:From|Subject|Date|Received):", sample[:8192])
    ):
        return "mbox"
    if extension in ("eml", "mbox"):
        return extension
    headers = []
    for line in stripped.splitlines()[:200]:
        if not line.strip() or not _HEADER_LINE.match(line):
            break
        headers.append(line)
    names = {line.split(":", 1)[0].lower() for line in headers if _MAIL.match(line)}
    return (
        "eml" if len(names) >= 3 and names & {"received", "message-id", "mime-version", "return-path"} else ""
    )


def _unknown(source: Source, head: bytes) -> UnreadableDocument:
    """What to say of bytes that no parser takes."""
    for signature, kind, remedy in signatures.KNOWN:
        if head.startswith(signature):
            return UnreadableDocument(
                f"It is {kind}, which holds no text to search.", remedy, status="unsupported"
            )
    if head[257:262] == b"ustar":
        return UnreadableDocument("It is a tar archive.", signatures.UNPACK, status="unsupported")
    if head[4:8] == b"ftyp":
        return UnreadableDocument("It is an audio or video file.", status="unsupported")
    kind = _puremagic(head)
    if kind:
        return UnreadableDocument(f"It is binary: {kind}.", signatures.CONVERT, status="unsupported")
    if source.extension in signatures.BINARY_EXTENSIONS:
        return UnreadableDocument(
            f"It is named .{source.extension} but holds something else: unknown binary data.",
            "The file is probably damaged; get it again from where it came.",
            status="broken",
        )
    return encoding.not_text()


def _puremagic(head: bytes) -> str:
    import puremagic

    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return ""
    best = matches[0] if matches else None
    return str(best.name) if best is not None and best.confidence >= 0.8 else ""
