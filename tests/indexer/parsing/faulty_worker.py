"""A parse worker that misbehaves on command: the real one, but a document may order a fault."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from indexer.errors import UnreadableDocument
from indexer.parsing import frames, worker
from indexer.parsing.source import Source
from indexer.scans import RecognisedPage
from indexer.types import ParsedDocument

CHANNEL: int = json.loads(sys.argv[1])["socket"]
HEAD = struct.Struct("<4sIQ")


def answer(text: str) -> frames.Parsed:
    document = ParsedDocument(title="", text=text, kind="text", format="text")
    return frames.Parsed(document=document, chunks=(), language="", parser="faulty")


def hang() -> None:
    for number in (signal.SIGTERM, signal.SIGALRM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(1000)


def grow() -> None:
    bytearray(16 << 30)


def babble() -> None:
    while True:
        os.write(CHANNEL, b"no frame at all " * 4096)


def claim_too_much() -> None:
    os.write(CHANNEL, HEAD.pack(b"QPF1", 2, 1 << 50) + b"{}")
    time.sleep(1000)


def never_finish_a_frame() -> None:
    os.write(CHANNEL, HEAD.pack(b"QPF1", 1 << 20, 1 << 20) + b"{")
    time.sleep(1000)


def send(header: bytes, body: bytes = b"") -> None:
    os.write(CHANNEL, HEAD.pack(b"QPF1", len(header), len(body)) + header + body)
    time.sleep(1000)


FAULTS: dict[str, Callable[[], object]] = {
    "hang": hang,
    "crash": lambda: ctypes.string_at(0),
    "exit": lambda: os._exit(3),
    "leave": lambda: sys.exit(0),
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "grow": grow,
    "babble": babble,
    "claim": claim_too_much,
    "unfinished": never_finish_a_frame,
    "nested": lambda: send(b"[" * 100_000),
    "no object": lambda: send(b"[1, 2]"),
    "foreign job": lambda: send(b'{"job": 4711, "text": 0}'),
    "empty answer": lambda: send(b'{"job": 1}'),
    "raise": lambda: 1 / 0,
    "refuse": lambda: (_ for _ in ()).throw(
        UnreadableDocument("Not today.", "Try tomorrow.", status="denied")
    ),
}


def read(source: Source, pages: Sequence[RecognisedPage] = ()) -> frames.Parsed:
    order = source.read().decode()
    if order in FAULTS:
        FAULTS[order]()
    if order == "pid":
        return answer(str(os.getpid()))
    if order == "environment":
        return answer(json.dumps(dict(os.environ)))
    if order == "child":
        child = subprocess.Popen(["sleep", "1000"])
        return answer(str(child.pid))
    if order == "print":
        os.write(1, b"printed by a library\n")
    return answer(order)


worker.read = read

if __name__ == "__main__":
    worker.main()
