"""Opens a file of a watched folder without ever being led astray or kept waiting."""

from __future__ import annotations

import errno
import os
import stat

from indexer.errors import UnreadableDocument

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_SPARSE_FACTOR = 64
"""A file that claims this many times the bytes it has on disk is a hole, not a document."""
_SPARSE_BYTES = 64 << 20


def open_document(path: bytes, *, root: bytes, follow_symlinks: bool, max_bytes: int | None = None) -> int:
    """A descriptor of a regular file below `root`; the caller closes it. Never blocks.

    Args:
        path: absolute path, as the file system spells it.
        root: the watched folder (or the file itself) it belongs to.
        follow_symlinks: whether `path` itself may be a link; it must end inside `root` all the same.
        max_bytes: larger files are refused.

    Raises:
        UnreadableDocument: denied (permission, outside the root), unsupported (a pipe, a device, a
            folder), too-large, or broken (input/output error).
        FileNotFoundError: it is not there any more.
    """
    try:
        descriptor = os.open(path, _FLAGS | (0 if follow_symlinks else os.O_NOFOLLOW))
    except FileNotFoundError:
        raise
    except OSError as exc:
        raise _refused(exc) from exc
    try:
        _check(descriptor, path, root, max_bytes)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check(descriptor: int, path: bytes, root: bytes, max_bytes: int | None) -> None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableDocument(f"It is a {_what(status.st_mode)}, not a file.", status="unsupported")
    real = _real_path(descriptor, path)
    top = os.path.realpath(root)
    if real != top and not real.startswith(top.rstrip(b"/") + b"/"):
        raise UnreadableDocument(
            "It lies outside the folder through a link.", "Add the folder it really lies in.", status="denied"
        )
    if max_bytes is not None and status.st_size > max_bytes:
        raise UnreadableDocument(
            f"It is larger than {max_bytes >> 20} MB.",
            "Raise parsing.max_file_mb to read it.",
            status="too-large",
        )
    if status.st_size > _SPARSE_BYTES and status.st_blocks * 512 * _SPARSE_FACTOR < status.st_size:
        raise UnreadableDocument(
            "It is almost only a hole: it claims far more bytes than it holds.", status="too-large"
        )


def _real_path(descriptor: int, path: bytes) -> bytes:
    """Where the open file lies now. The descriptor is asked, so no swap of a link can deceive."""
    try:
        real = os.readlink(b"/proc/self/fd/%d" % descriptor)  # noqa: PTH115 - paths are bytes
    except OSError:
        return os.path.realpath(path)
    return real.removesuffix(b" (deleted)")


def _what(mode: int) -> str:
    kinds = {
        stat.S_IFDIR: "folder",
        stat.S_IFIFO: "pipe",
        stat.S_IFSOCK: "socket",
        stat.S_IFCHR: "device",
        stat.S_IFBLK: "device",
    }
    return kinds.get(stat.S_IFMT(mode), "special file")


def _refused(exc: OSError) -> UnreadableDocument:
    if exc.errno == errno.ELOOP:
        return UnreadableDocument(
            "It is a symbolic link.",
            "Set watch.follow_symlinks to follow links inside a folder.",
            status="unsupported",
        )
    if exc.errno in (errno.EACCES, errno.EPERM):
        return UnreadableDocument(
            "There is no permission to read it.", "Change its permissions.", status="denied"
        )
    if exc.errno in (errno.ENXIO, errno.ENODEV, errno.EOPNOTSUPP):
        return UnreadableDocument("It is a socket or a device, not a file.", status="unsupported")
    return UnreadableDocument(f"It cannot be opened: {exc.strerror}.", "Check the disk.", status="broken")
