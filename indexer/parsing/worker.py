"""The child process that reads documents: `python -m indexer.parsing.worker OPTIONS`.

It limits itself before it sees the first byte, takes descriptors from a socket, and answers each with
a document or a reason. It may die at any time; the pool copes. Standard output and standard error are
the log file, so libraries that print harm nobody.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from indexer.errors import UnreadableDocument
from indexer.findings import Quality
from indexer.parsing import FORMATS, PURE_PYTHON, frames, load, recognised, sniff
from indexer.parsing.source import Limits, Source
from indexer.scans import HINT, RecognisedPage, unpack
from indexer.types import Chunk, Page, ParsedDocument, Status

_PR_SET_PDEATHSIG = 1
_GARBAGE = 50_000
"""Objects made before cyclic garbage is looked for: pages become thousands of small tuples, none of them
cyclic, and looking through them every 700 takes a twelfth of the time."""
_FILE_BYTES = 512 << 20
"""The largest file a worker may write: converters need some room in the temporary folder."""


def main() -> None:
    """Serve documents until the pool closes the socket."""
    options = json.loads(sys.argv[1])
    limits = Limits(**options["limits"])
    confine(options["parent"], limits)
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    with socket.socket(fileno=options["socket"]) as channel:
        send(channel, frames.pack({"ready": True}))
        while (request := receive(channel)) is not None:
            header, descriptors = request
            _limit_cpu(limits)
            try:
                source = Source(descriptors[0], header["name"], limits)
                pages = _recognised(descriptors[1:], limits)
                answer = _answer(channel, header["job"], source, header.get("encoding", ""), pages)
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)
            send(channel, answer)


def _recognised(descriptors: list[int], limits: Limits) -> tuple[RecognisedPage, ...]:
    """What OCR has found on pages of the document, from the second descriptor if there is one."""
    if not descriptors:
        return ()
    return unpack(Source(descriptors[0], "", replace(limits, max_file_mb=1 << 20)).read())


def confine(parent: int, limits: Limits) -> None:
    """Die with the pool, and take no more than the limits."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the line above
            sys.exit(1)
    memory = limits.memory_mb << 20
    for kind, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
    os.umask(0o077)


def _limit_cpu(limits: Limits) -> None:
    """Give the next document its own share of processor time: the limit counts from the start."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    allowed = int(usage.ru_utime + usage.ru_stime + limits.timeout_s) + 2
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, hard))


def receive(channel: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """The next request with its descriptors. None when the other side has gone."""
    head, descriptors, _, _ = socket.recv_fds(channel, frames.HEAD.size, 2)
    if not head:
        return None
    head += _exactly(channel, frames.HEAD.size - len(head))
    length, _ = frames.lengths(head, 0)
    header: dict[str, Any] = json.loads(_exactly(channel, length))
    return header, list(descriptors)


def _exactly(channel: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = channel.recv(length - len(parts))
        if not part:
            raise EOFError("the pool has gone")
        parts += part
    return bytes(parts)


def send(channel: socket.socket, buffers: list[bytes]) -> None:
    """Send a frame."""
    if sum(map(len, buffers)) < 1 << 16:
        channel.sendall(b"".join(buffers))
        return
    for buffer in buffers:
        channel.sendall(buffer)


def _answer(
    channel: socket.socket, job: int, source: Source, encoding: str, pages: Sequence[RecognisedPage]
) -> list[bytes]:
    """The frame that answers a job, whatever happens to it."""
    given = source
    try:
        if encoding:
            source = _decoded(source, encoding)
        source.format = sniff.sniff(source)
        if FORMATS[source.format].module not in PURE_PYTHON:
            # Should the library take this process down, the pool still knows what it was reading.
            send(channel, frames.pack({"job": job, "began": source.format}))
        return frames.pack_parsed(job, read(source, pages))
    except UnreadableDocument as exc:
        return _refusal(job, exc.status, exc.reason, exc.hint, exc.format or source.format, exc.pages)
    except MemoryError:
        return _refusal(
            job, "budget", "The document needs more memory than a parser may take.", "", source.format
        )
    except Exception as exc:  # noqa: BLE001 - whatever a library throws at a damaged file is that file's affair
        reason = f"The {source.format or 'file'} parser failed: {type(exc).__name__}: {exc}"
        return _refusal(job, "broken", reason[:500], "The file may be damaged.", source.format)
    finally:
        if source is not given:
            os.close(source.descriptor)


def _decoded(source: Source, chosen: str) -> Source:
    """The same document in an encoding that somebody chose."""
    from indexer.parsing import encoding

    return Source.from_bytes(encoding.as_utf8(source.read(), chosen), source.name, source.limits)


def _refusal(job: int, status: str, reason: str, hint: str, format: str, pages: int = 0) -> list[bytes]:
    header: dict[str, Any] = {"job": job, "status": status, "reason": reason, "hint": hint, "format": format}
    return frames.pack({**header, "pages": pages})


def read(source: Source, pages: Sequence[RecognisedPage] = ()) -> frames.Parsed:
    """Parse, put in what OCR has found, find the language, chunk.

    Raises:
        UnreadableDocument: there is nothing to index, for the reason it gives.
    """
    from indexer import chunking, language

    module = load(source.format)
    document = _with_ocr(source, module.parse, pages)
    unread = len(document.textless_pages) == len(document.pages) > 0
    if (not document.text.strip() or unread) and not document.attachments:
        raise _without_text(document, pages)
    code = language.detect(document.text)
    chunks = tuple(chunking.chunk_document(document, code))
    return frames.Parsed(
        document=document,
        chunks=chunks,
        language=code,
        quality=_measured(document, code, chunks),
        parser=f"{source.format}/{module.VERSION}+chunks/{chunking.VERSION}",
    )


def _measured(document: ParsedDocument, code: str, chunks: Sequence[Chunk]) -> Quality | None:
    """The quality; a failure costs the measure, not the document."""
    from indexer import quality

    try:
        return quality.measure(document, code, chunks)
    except Exception as exc:  # noqa: BLE001 - foreign text may hold anything
        sys.stderr.write(f"not measured: {type(exc).__name__}: {exc}\n")
        return None


def _with_ocr(
    source: Source, parse: Callable[[Source], ParsedDocument], pages: Sequence[RecognisedPage]
) -> ParsedDocument:
    """The parsed document with the recognised text in it."""
    try:
        document = parse(source)
    except UnreadableDocument as exc:
        if exc.status != Status.NEEDS_OCR or not pages:
            raise
        document = ParsedDocument(
            title="",
            text="",
            kind=FORMATS[source.format].kind,
            format=source.format,
            pages=tuple(Page(number=number, start=0, end=0) for number in range(1, exc.pages + 1)),
            textless_pages=tuple(range(1, exc.pages + 1)),
        )
    return recognised.merge(document, pages, source.limits.max_text)


def _without_text(document: ParsedDocument, pages: Sequence[RecognisedPage]) -> UnreadableDocument:
    failed = [page.reason for page in pages if page.reason]
    if document.textless_pages or (document.kind == "image" and not pages):
        return UnreadableDocument(
            f"OCR failed. {failed[0]}"
            if failed
            else "Its pages are pictures, or show letters that cannot be read as text.",
            "'quire ocr --again' tries it once more." if failed else HINT,
            status="needs-ocr",
            pages=len(document.pages),
        )
    found = "OCR found no text in it." if pages else "There is no text in it."
    return UnreadableDocument(found, status="empty-text")


if __name__ == "__main__":
    main()
