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
from collections.abc import Sequence
from typing import Any

from indexer.errors import UnreadableDocument
from indexer.findings import Quality
from indexer.parsing import FORMATS, PURE_PYTHON, frames, load, sniff
from indexer.parsing.source import Limits, Source
from indexer.types import Chunk, ParsedDocument

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
    _confine(options["parent"], limits)
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    with socket.socket(fileno=options["socket"]) as channel:
        _send(channel, frames.pack({"ready": True}))
        while (request := _receive(channel)) is not None:
            header, descriptor = request
            source = Source(descriptor, header["name"], limits)
            _limit_cpu(limits)
            try:
                answer = _answer(channel, header["job"], source, header.get("encoding", ""))
            finally:
                os.close(descriptor)
            _send(channel, answer)


def _confine(parent: int, limits: Limits) -> None:
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


def _receive(channel: socket.socket) -> tuple[dict[str, Any], int] | None:
    """The next job: what the pool says of it, and the descriptor. None when the pool has gone."""
    head, descriptors, _, _ = socket.recv_fds(channel, frames.HEAD.size, 1)
    if not head:
        return None
    head += _exactly(channel, frames.HEAD.size - len(head))
    length, _ = frames.lengths(head, 0)
    return json.loads(_exactly(channel, length)), descriptors[0]


def _exactly(channel: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = channel.recv(length - len(parts))
        if not part:
            raise EOFError("the pool has gone")
        parts += part
    return bytes(parts)


def _send(channel: socket.socket, buffers: list[bytes]) -> None:
    if sum(map(len, buffers)) < 1 << 16:
        channel.sendall(b"".join(buffers))
        return
    for buffer in buffers:
        channel.sendall(buffer)


def _answer(channel: socket.socket, job: int, source: Source, encoding: str) -> list[bytes]:
    """The frame that answers a job, whatever happens to it."""
    given = source
    try:
        if encoding:
            source = _decoded(source, encoding)
        source.format = sniff.sniff(source)
        if FORMATS[source.format].module not in PURE_PYTHON:
            # Should the library take this process down, the pool still knows what it was reading.
            _send(channel, frames.pack({"job": job, "began": source.format}))
        return frames.pack_parsed(job, read(source))
    except UnreadableDocument as exc:
        return _refusal(job, exc.status, exc.reason, exc.hint, exc.format or source.format)
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


def _refusal(job: int, status: str, reason: str, hint: str, format: str) -> list[bytes]:
    header: dict[str, Any] = {"job": job, "status": status, "reason": reason, "hint": hint, "format": format}
    return frames.pack(header)


def read(source: Source) -> frames.Parsed:
    """Parse, find the language, chunk.

    Raises:
        UnreadableDocument: there is nothing to index, for the reason it gives.
    """
    from indexer import chunking, language

    module = load(source.format)
    document = module.parse(source)
    unread = len(document.textless_pages) == len(document.pages) > 0
    if (not document.text.strip() or unread) and not document.attachments:
        raise _without_text(document)
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


def _without_text(document: ParsedDocument) -> UnreadableDocument:
    if document.textless_pages or document.kind == "image":
        return UnreadableDocument(
            "Its pages are pictures, or show letters that cannot be read as text.",
            "Run OCR on the file, for example with ocrmypdf.",
            status="needs-ocr",
        )
    return UnreadableDocument("There is no text in it.", status="empty-text")


if __name__ == "__main__":
    main()
