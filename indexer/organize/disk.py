"""What changes files and folders: on names in opened folders, following no link, overwriting nothing.

Every path is absolute bytes. A folder is opened part by part from the root of the file system, so that
no part may be a symbolic link; what happens in it then happens in that very folder, whatever becomes of
its path. Each function returns when its change is on the disk.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

BLOCK = 1 << 20
_NOREPLACE = 1
_UNSUPPORTED = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})
_WAY = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Differs(OSError):
    """A file is not what it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a file was when it was last looked at."""

    dev: int
    ino: int
    size: int
    mtime_ns: int
    ctime_ns: int
    sha256: str
    """Hex digest of the content."""

    def at(self, found: os.stat_result) -> Mark:
        """The same content as another inode, or as the same one after a rename."""
        return Mark(
            dev=found.st_dev,
            ino=found.st_ino,
            size=self.size,
            mtime_ns=self.mtime_ns,
            ctime_ns=found.st_ctime_ns,
            sha256=self.sha256,
        )

    def is_inode(self, found: os.stat_result | None) -> bool:
        """Whether that is this file, whatever it holds by now."""
        return found is not None and (found.st_dev, found.st_ino) == (self.dev, self.ino)

    def is_file(self, found: os.stat_result | None) -> bool:
        """Whether that is this file, with the size and the time it had."""
        return found is not None and (
            stat.S_ISREG(found.st_mode)
            and self.is_inode(found)
            and (found.st_size, found.st_mtime_ns) == (self.size, self.mtime_ns)
        )


def is_inside(path: bytes, folder: bytes) -> bool:
    """Whether a path lies below a folder."""
    return path.startswith(folder.rstrip(b"/") + b"/") and path != folder


def ancestors(path: bytes) -> Iterator[bytes]:
    """The folders around a path, innermost first, without the root of the file system."""
    folder = os.path.dirname(path)
    while folder not in (b"/", b""):
        yield folder
        folder = os.path.dirname(folder)


# --- looking ---------------------------------------------------------------------------------------


def open_folder(path: bytes) -> int:
    """A descriptor of a folder reached without following a link. The caller closes it.

    Raises:
        OSError: ELOOP or ENOTDIR where a part of the path is a link.
    """
    descriptor = os.open(b"/", _WAY)
    parts = [part for part in path.split(b"/") if part]
    try:
        for number, part in enumerate(parts, 1):
            inner = os.open(part, _FOLDER if number == len(parts) else _WAY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        if not parts:
            return os.open(b"/", _FOLDER)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def parent(path: bytes) -> Iterator[tuple[int, bytes]]:
    """The open folder around a path, and the name in it."""
    folder, name = os.path.split(path)
    descriptor = open_folder(folder)
    try:
        yield descriptor, name
    finally:
        os.close(descriptor)


def look(path: bytes) -> os.stat_result | None:
    """What is at a path; None when nothing is. Raises OSError when that cannot be told."""
    try:
        with parent(path) as (folder, name):
            return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def is_folder(path: bytes) -> bool:
    """Whether a folder is at a path, reached without a link."""
    try:
        found = look(path)
    except OSError:
        return False
    return found is not None and stat.S_ISDIR(found.st_mode)


def lists(path: bytes) -> bool:
    """Whether a folder lists exactly this name, letter by letter."""
    with parent(path) as (folder, name), os.scandir(folder) as entries:
        return any(entry.name == os.fsdecode(name) for entry in entries)


@contextmanager
def reading(path: bytes) -> Iterator[int]:
    """A regular file, open for reading. Raises Differs when something else is there."""
    with parent(path) as (folder, name):
        descriptor = os.open(name, _READ, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Differs(errno.EINVAL, "not a regular file")
        yield descriptor
    finally:
        os.close(descriptor)


def mark(path: bytes) -> Mark:
    """Read a file and say what it is. Raises OSError; Differs when it changes meanwhile."""
    with reading(path) as descriptor:
        before = os.fstat(descriptor)
        digest = _digest(descriptor)
        after = os.fstat(descriptor)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise Differs(errno.EBUSY, "is being written")
    return Mark(
        dev=after.st_dev,
        ino=after.st_ino,
        size=after.st_size,
        mtime_ns=after.st_mtime_ns,
        ctime_ns=after.st_ctime_ns,
        sha256=digest,
    )


def _digest(descriptor: int) -> str:
    digest = hashlib.sha256()
    for block in _blocks(descriptor):
        digest.update(block)
    return digest.hexdigest()


def _blocks(descriptor: int) -> Iterator[bytes]:
    while block := os.read(descriptor, BLOCK):
        yield block


def same_bytes(a: bytes, b: bytes) -> bool:
    """Whether two files, which must not be one file under two names, hold the same bytes."""
    with reading(a) as first, reading(b) as second:
        x, y = os.fstat(first), os.fstat(second)
        if (x.st_dev, x.st_ino) == (y.st_dev, y.st_ino) or x.st_size != y.st_size:
            return False
        left = x.st_size
        while left > 0:
            one, other = os.pread(first, BLOCK, x.st_size - left), os.pread(second, BLOCK, x.st_size - left)
            if one != other or not one:
                return False
            left -= len(one)
        return os.fstat(first).st_size == os.fstat(second).st_size == x.st_size


# --- changing --------------------------------------------------------------------------------------


def rename(source: bytes, target: bytes) -> None:
    """Give a file another name on the same device.

    Raises:
        FileExistsError: something is there already.
        OSError: EXDEV on another device; ENOTSUP where renaming could overwrite.
    """
    with parent(source) as (old_folder, old), parent(target) as (new_folder, new):
        _rename(old_folder, old, new_folder, new)
        sync(new_folder)
        sync(old_folder)


def _rename(old_folder: int, old: bytes, new_folder: int, new: bytes) -> None:
    try:
        rename_exclusively(old_folder, old, new_folder, new)
    except OSError as exc:
        if exc.errno not in _UNSUPPORTED:
            raise
        _link(old_folder, old, new_folder, new)


def _link(old_folder: int, old: bytes, new_folder: int, new: bytes) -> None:
    """Rename by a second name and the removal of the first: neither can overwrite."""
    try:
        os.link(old, new, src_dir_fd=old_folder, dst_dir_fd=new_folder, follow_symlinks=False)
    except PermissionError as exc:  # what file systems without hard links say
        raise OSError(errno.ENOTSUP, "this file system cannot rename without overwriting") from exc
    sync(new_folder)
    os.unlink(old, dir_fd=old_folder)


def rename_exclusively(old_folder: int, old: bytes, new_folder: int, new: bytes) -> None:
    """Linux's renameat2 with RENAME_NOREPLACE. Raises OSError ENOSYS elsewhere."""
    import ctypes

    call = _renameat2()
    if call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if call(old_folder, old, new_folder, new, _NOREPLACE):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), os.fsdecode(new))


@functools.cache
def _renameat2() -> Callable[[int, bytes, int, bytes, int], int] | None:
    import ctypes

    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    call.restype = ctypes.c_int
    found: Callable[[int, bytes, int, bytes, int], int] = call
    return found


def copy(source: bytes, target: bytes, expected: Mark) -> os.stat_result:
    """Copy a file to a name that is free, with owner, mode, times and extended attributes, and read it back.

    Raises:
        Differs: the source is not what it was, or the copy is not what was written.
        OSError: something cannot be copied. The name is free again, then.
    """
    with reading(source) as old, parent(target) as (folder, name):
        if not expected.is_file(os.fstat(old)):
            raise Differs(errno.EBUSY, "has changed")
        new = os.open(name, _NEW, 0o600, dir_fd=folder)
        try:
            _fill(old, new, expected)
            found = os.fstat(new)
            sync(folder)
            return found
        except OSError:
            os.unlink(name, dir_fd=folder)
            raise
        finally:
            os.close(new)


def _fill(old: int, new: int, expected: Mark) -> None:
    for block in _blocks(old):
        view = memoryview(block)
        while view:
            view = view[os.write(new, view) :]
    kept = os.fstat(old)
    made = os.fstat(new)
    if (kept.st_uid, kept.st_gid) != (made.st_uid, made.st_gid):
        os.fchown(new, kept.st_uid, kept.st_gid)
    _copy_attributes(old, new)
    os.fchmod(new, stat.S_IMODE(kept.st_mode))
    os.utime(new, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    os.fsync(new)
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(new, 0, 0, os.POSIX_FADV_DONTNEED)  # what is read back comes from the disk
    os.lseek(new, 0, os.SEEK_SET)
    if _digest(new) != expected.sha256:
        raise Differs(errno.EIO, "the copy differs from what was read before")


def _copy_attributes(old: int, new: int) -> None:
    """Extended attributes, access lists among them. Labels that the system gives are its own."""
    if not hasattr(os, "listxattr"):
        return
    try:
        names = os.listxattr(old)
    except OSError:
        return
    for name in names:
        if not name.startswith(("security.", "trusted.")):
            os.setxattr(new, name, os.getxattr(old, name))


def remove(path: bytes, expected: Mark | None = None) -> None:
    """Remove a name. Raises Differs when it is not the file expected."""
    with parent(path) as (folder, name):
        if expected is not None and not expected.is_file(os.stat(name, dir_fd=folder, follow_symlinks=False)):
            raise Differs(errno.EBUSY, "has changed")
        os.unlink(name, dir_fd=folder)
        sync(folder)


def make_folder(path: bytes, mode: int) -> None:
    """Make a folder with exactly this mode. Raises FileExistsError."""
    with parent(path) as (folder, name):
        os.mkdir(name, 0o700, dir_fd=folder)
        set_mode(folder, name, mode)
        sync(folder)


def set_mode(folder: int, name: bytes, mode: int) -> None:
    """Set a new folder's mode; the bit that hands its group down stays as the system gave it."""
    inner = os.open(name, _FOLDER, dir_fd=folder)
    try:
        given = os.fstat(inner).st_mode & stat.S_ISGID
        os.fchmod(inner, mode | given)
    finally:
        os.close(inner)


def remove_folder(path: bytes) -> bool:
    """Remove a folder if it is empty and no link; tells whether it is gone."""
    try:
        with parent(path) as (folder, name):
            os.rmdir(name, dir_fd=folder)
            sync(folder)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def write_new(path: bytes, content: bytes) -> None:
    """Write a small file under a name that is free. Raises FileExistsError."""
    with parent(path) as (folder, name):
        descriptor = os.open(name, _NEW, 0o600, dir_fd=folder)
        try:
            os.write(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync(folder)


def read_small(path: bytes, limit: int = 65_536) -> bytes | None:
    """The content of a small file; None when none is there."""
    try:
        with reading(path) as descriptor:
            return os.read(descriptor, limit)
    except OSError:
        return None


def sync(folder: int) -> None:
    """Bring a folder's names to the disk, where its file system can."""
    try:
        os.fsync(folder)
    except OSError as exc:
        if exc.errno not in _UNSUPPORTED:
            raise
