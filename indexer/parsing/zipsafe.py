"""Opens zip containers that may be hostile: everything is checked before anything is unpacked.

Owns the limits on entries, sizes and ratios, and the cleaning of member names. A name is only ever
a label here; nothing is written to disk.
"""

from __future__ import annotations

import io
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from indexer.errors import UnreadableDocument
from indexer.parsing.encoding import decode

MAX_ENTRIES = 20_000
"""Members a container may list; large presentations have about 2,000."""
MAX_TOTAL = 2 * 1024**3
"""Bytes all members together may claim to unpack to, unless the caller is stricter."""
MAX_MEMBER = 256 * 1024**2
"""Bytes read of one member."""
MAX_RATIO = 200
"""Unpacked to packed bytes of one member, above `RATIO_FLOOR`. Deflate ends at about 1,030; sheets
with repeated cells reach 60."""
RATIO_FLOOR = 8 * 1024**2
"""Members that unpack to less than this may have any ratio."""
_MAX_DIRECTORY = 8 * 1024**2
"""Bytes of central directory: 46 and the name for each entry."""

_UTF8 = 0x800
"""Flag of a member whose name is UTF-8."""
_END = b"PK\x05\x06"


class SafeZip:
    """A zip container whose directory was checked; members are read with a limit."""

    def __init__(self, content: bytes, *, what: str = "file", max_total: int = MAX_TOTAL) -> None:
        """Check the directory.

        Args:
            content: The container's bytes.
            what: Name of the format for messages, for example "Word document".
            max_total: Bytes all members together may claim to unpack to.

        Raises:
            UnreadableDocument: broken, encrypted, or larger unpacked than allowed (budget).
        """
        self._what = what
        _check_directory_size(content, what)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, ValueError, OSError, EOFError, struct.error, NotImplementedError) as exc:
            raise UnreadableDocument(
                f"This {what} is damaged: its list of contents is missing or broken.",
                "Get the file again from where it came.",
            ) from exc
        self._check_members(max_total)
        self._members = {info.filename: info for info in self._zip.infolist()}
        self._folded = {name.casefold(): name for name in reversed(self._members)}

    def _check_members(self, max_total: int) -> None:
        infos = self._zip.infolist()
        if len(infos) > MAX_ENTRIES:
            raise _bomb(self._what, f"it lists {len(infos):,} members")
        total = sum(info.file_size for info in infos)
        if total > max_total:
            raise _bomb(self._what, f"it would unpack to {total // 1024**2:,} MB")
        for info in infos:
            if info.file_size > RATIO_FLOOR and info.file_size > MAX_RATIO * max(1, info.compress_size):
                ratio = info.file_size // max(1, info.compress_size)
                raise _bomb(self._what, f"a member would grow to {ratio:,} times its size")

    @property
    def names(self) -> list[str]:
        """Members that are no folders, as written in the directory and in its order."""
        return [name for name in self._members if not name.endswith("/")]

    def labels(self) -> dict[str, str]:
        """Members to their names as people see them.

        Old programs write names in the encoding of their machine without saying which; zipfile takes
        them for code page 437.
        """
        unmarked = {
            name: name.encode("cp437")
            for name in self.names
            if not name.isascii() and not self._members[name].flag_bits & _UTF8 and _is_cp437(name)
        }
        labels = {name: name for name in self.names}
        if unmarked:
            labels.update(zip(unmarked, _names_in_one_encoding(unmarked), strict=True))
        return labels

    @property
    def encrypted(self) -> bool:
        """Whether any member needs a password."""
        return any(info.flag_bits & 1 for info in self._members.values())

    def size(self, name: str) -> int:
        """Bytes the member says it unpacks to."""
        return self._members[name].file_size

    def locked(self, name: str) -> bool:
        """Whether this member needs a password."""
        return bool(self._members[name].flag_bits & 1)

    def find(self, name: str) -> str | None:
        """The member of this name, or of the same name in other case."""
        return name if name in self._members else self._folded.get(name.casefold())

    def read(self, name: str, limit: int = MAX_MEMBER) -> bytes:
        """The bytes of a member.

        Raises:
            UnreadableDocument: damaged, encrypted, or larger than `limit`.
        """
        with self.open(name) as stream:
            data = stream.read(limit + 1)
        if len(data) > limit:
            raise _bomb(self._what, f"a part is larger than {limit // 1024**2:,} MB")
        return data

    def read_if_there(self, name: str, limit: int = MAX_MEMBER) -> bytes | None:
        """The bytes of a member that may be missing or damaged; None then."""
        found = self.find(name)
        if found is None:
            return None
        try:
            return self.read(found, limit)
        except UnreadableDocument:
            return None

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A member as a stream. Damage shows up while reading, as `UnreadableDocument`."""
        info = self._members[name]
        if info.flag_bits & 1:
            raise UnreadableDocument(
                f"This {self._what} is protected by a password.",
                "Save a copy without the password.",
                status="encrypted",
            )
        try:
            with self._zip.open(info) as stream:
                yield stream
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, struct.error) as exc:
            raise self._damaged() from exc
        except (NotImplementedError, RuntimeError) as exc:
            raise UnreadableDocument(
                f"This {self._what} is packed in a way that Quire cannot unpack.",
                "Pack it again as a plain zip file.",
                status="unsupported",
            ) from exc

    def _damaged(self) -> UnreadableDocument:
        return UnreadableDocument(
            f"This {self._what} is damaged: a part of it cannot be unpacked.",
            "Get the file again from where it came.",
        )


def clean_name(name: str, *, fallback: str = "unnamed") -> str:
    """A member's name as a relative label: `/` between parts, no `..`, drive, root or controls.

    At most 200 characters a part and 1,000 in all. It is for people and for finding, never a path.
    """
    text = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode("utf-8"))
    text = "".join(" " if _unprintable(char) else char for char in text).replace("\\", "/")
    parts = [part.strip() for part in text.split("/")]
    kept = [part[-200:] for part in parts if part not in ("", ".", "..") and not _is_drive(part)]
    return "/".join(kept)[-1000:].lstrip("/") or fallback


def _names_in_one_encoding(names: dict[str, bytes]) -> list[str]:
    """Names decoded all alike where that is certain: as UTF-8 or an East Asian encoding."""
    try:
        decoded = decode(b"\n".join(names.values()))
    except UnreadableDocument:
        return list(names)
    found = decoded.text.split("\n")
    return found if decoded.encoding in _CERTAIN and len(found) == len(names) else list(names)


_CERTAIN = frozenset({"utf-8", "gb18030", "big5", "big5hkscs", "cp932", "euc_jp", "cp949"})


def _is_cp437(name: str) -> bool:
    try:
        name.encode("cp437")
    except UnicodeEncodeError:
        return False
    return "\n" not in name


def _is_drive(part: str) -> bool:
    return len(part) == 2 and part[0].isalpha() and part[1] == ":"


def _unprintable(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _check_directory_size(content: bytes, what: str) -> None:
    """Refuse a huge directory before zipfile makes an object for each of its entries."""
    at = content.rfind(_END, max(0, len(content) - 65_557))
    if at < 0 or at + 22 > len(content):
        return
    size: int = struct.unpack_from("<I", content, at + 12)[0]
    if size == 0xFFFFFFFF:
        record = content.rfind(b"PK\x06\x06", 0, at)
        size = struct.unpack_from("<Q", content, record + 40)[0] if 0 <= record <= len(content) - 48 else 0
    if size > _MAX_DIRECTORY:
        raise _bomb(what, "its list of contents is enormous")


def _bomb(what: str, why: str) -> UnreadableDocument:
    return UnreadableDocument(
        f"This {what} is refused as a possible bomb: {why}.",
        "If you trust it, unpack or convert it yourself and add the result.",
        status="budget",
    )
