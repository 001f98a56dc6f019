"""What a parser is given: the bytes of one document, its name as a hint, its limits."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

from indexer.errors import UnreadableDocument

HEAD_BYTES = 64 * 1024
"""Bytes from the start of a document that decide its type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the reading of one document may cost."""

    timeout_s: float = 120.0
    """Seconds until the worker is killed; a parser may stop earlier and keep what it has."""
    memory_mb: int = 1500
    """Megabytes of address space of the worker."""
    max_file_mb: int = 200
    """Megabytes of the document; also the most a container may unpack to."""
    max_text_mb: int = 32
    """Megabytes of text kept; more is cut off with a warning."""

    @property
    def max_file(self) -> int:
        """`max_file_mb` in bytes."""
        return self.max_file_mb << 20

    @property
    def max_text(self) -> int:
        """`max_text_mb` in characters."""
        return self.max_text_mb << 20


class Source:
    """The bytes behind an open descriptor. The descriptor stays the caller's to close."""

    def __init__(self, descriptor: int, name: str, limits: Limits | None = None, *, format: str = "") -> None:
        """Wrap a descriptor; `name` is the file name without folders, `format` what `sniff` found."""
        self.descriptor = descriptor
        self.name = name
        self.limits = limits or Limits()
        self.format = format
        """A key of `indexer.parsing.FORMATS`: a parser of several formats looks here."""

    @classmethod
    def from_bytes(
        cls, content: bytes, name: str, limits: Limits | None = None, *, format: str = ""
    ) -> Source:
        """A document that is not a file: an attachment, a member of an archive, a test."""
        return cls(memory_file(content), name, limits, format=format)

    @property
    def path(self) -> str:
        """A path that opens the same bytes, for libraries and programs that insist on one."""
        folder = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
        return f"{folder}/{self.descriptor}"

    @property
    def extension(self) -> str:
        """The name's extension in lower case, without the dot: a hint, not the type."""
        stem, dot, extension = self.name.rpartition(".")
        return extension.lower() if dot and stem else ""

    @cached_property
    def size(self) -> int:
        """Bytes of the document."""
        return os.fstat(self.descriptor).st_size

    @cached_property
    def head(self) -> bytes:
        """The first `HEAD_BYTES`."""
        return self._read(HEAD_BYTES)

    def read(self) -> bytes:
        """The whole content, kept for further calls.

        Raises:
            UnreadableDocument: there is more than the limit.
        """
        return self._content

    @cached_property
    def _content(self) -> bytes:
        if len(self.head) < HEAD_BYTES:
            return self.head
        content = self._read(self.limits.max_file + 1)
        if len(content) > self.limits.max_file:
            raise UnreadableDocument(
                f"The document is larger than {self.limits.max_file_mb} MB.",
                "Raise parsing.max_file_mb to read it.",
                status="too-large",
            )
        return content

    def open(self) -> BinaryIO:
        """A seekable stream of its own over the bytes; the caller closes it."""
        return open(self.path, "rb")  # a path in /proc opens anew, with its own position

    def _read(self, limit: int) -> bytes:
        parts: list[bytes] = []
        offset = 0
        while offset < limit and (part := os.pread(self.descriptor, min(limit - offset, 1 << 24), offset)):
            parts.append(part)
            offset += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def memory_file(content: bytes) -> int:
    """A descriptor of a file in memory that holds `content`; the caller closes it."""
    descriptor = os.memfd_create("document", os.MFD_CLOEXEC)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
