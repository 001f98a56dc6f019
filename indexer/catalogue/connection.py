"""Opening the catalogue's file: one connection that writes, as many that read as are needed at once.

Owns the rules that keep SQLite safe: a single writing connection in write-ahead mode, readers that
cannot write, no network file system, no file of a newer program, nothing written to a damaged file.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from indexer.catalogue.schema import MIGRATIONS, SCHEMA_VERSION, TABLES
from indexer.errors import DamagedError, LibraryRefusedError, StoreError

Connection = sqlite3.Connection


REBUILD = "Run 'quire doctor --rebuild' to build it anew from your files; they are not touched."


def sqlite_version() -> tuple[int, int, int]:
    """Version of the SQLite library in use."""
    return sqlite3.sqlite_version_info


CHECKED_SIZE = 64 * 1024 * 1024
"""Bytes up to which the whole file is checked at every start (about 0.2 s); larger ones by `doctor`."""

_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb", "smbfs", "smb2", "smb3", "9p", "lustre", "gpfs"}
) | frozenset({"beegfs", "ceph", "afs", "vboxsf", "virtiofs", "prl_fs"})
_LOCAL_FUSE = frozenset({"fuse.fuse-overlayfs", "fuseblk", "fuse.portal"})


class Database:
    """The file, its writer and its readers. Thread-safe."""

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises:
            LibraryRefusedError: a newer program wrote it, or SQLite cannot work in this folder.
            StoreError: the file is damaged (a copy is kept beside it) or cannot be opened.
        """
        self.path = path
        self._lock = threading.RLock()
        self._depth = 0
        self._idle: list[Connection] = []
        self._idle_lock = threading.Lock()
        self._closed = False
        self._damage: DamagedError | None = None
        refuse_network(path.parent)
        fresh = not path.exists()
        if fresh:
            probe(path.parent)
        try:
            self._writer = self._open_writer(fresh)
        except sqlite3.DatabaseError as exc:
            raise self._damaged(exc) from exc

    def _open_writer(self, fresh: bool) -> Connection:
        if not fresh:
            self._check()
        db = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=5, cached_statements=256
        )
        try:
            for pragma in (
                "journal_mode=WAL",
                "synchronous=NORMAL",
                "busy_timeout=5000",
                "foreign_keys=ON",
                "trusted_schema=OFF",
                "wal_autocheckpoint=8000",
                f"journal_size_limit={64 * 1024 * 1024}",
                "temp_store=MEMORY",
                "cache_size=-16384",
            ):
                db.execute(f"PRAGMA {pragma}")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                db.executescript(f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
            for old in range(version or SCHEMA_VERSION, SCHEMA_VERSION):
                db.executescript(f"BEGIN IMMEDIATE; {MIGRATIONS[old]} PRAGMA user_version={old + 1}; COMMIT;")
        except BaseException:
            db.close()
            raise
        return db

    def _check(self) -> None:
        """Look at an existing file through a reader, before anything could be written to it."""
        db = self._open_reader()
        try:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                raise LibraryRefusedError(
                    f"A newer Quire wrote this library (format {version}, this one knows {SCHEMA_VERSION}).",
                    hint="Update Quire, or use another library with --library DIR.",
                )
            if self.path.stat().st_size <= CHECKED_SIZE:
                found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
                if found != "ok":
                    raise sqlite3.DatabaseError(found.splitlines()[-1])
        finally:
            db.close()

    def _damaged(self, exc: sqlite3.DatabaseError) -> StoreError:
        if isinstance(exc, sqlite3.OperationalError) and "malformed" not in str(exc):
            return StoreError(
                f"The catalogue {self.path} cannot be opened: {exc}.",
                hint="Check the free space and the permissions of its folder.",
            )
        kept = self.path.with_name(f"{self.path.name}.damaged")
        if not kept.exists():
            shutil.copyfile(self.path, kept)
        return DamagedError(
            f"The catalogue {self.path} is damaged ({exc}). Nothing was written; a copy is {kept.name}.",
            hint=REBUILD,
        )

    def _open_reader(self) -> Connection:
        uri = f"file:{quote(os.fspath(self.path))}?mode=ro"
        db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=5)
        try:
            for pragma in ("query_only=ON", "busy_timeout=5000", "trusted_schema=OFF", "cache_size=-8192"):
                db.execute(f"PRAGMA {pragma}")
        except BaseException:
            db.close()
            raise
        return db

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """A connection that sees one state of the catalogue and cannot write.

        Keep the block short: as long as it lasts, the write-ahead log cannot be folded back. May be
        nested and used from any thread; the connection must not leave the block.
        """
        with self._idle_lock:
            if self._closed:
                raise StoreError("The library is closed.")
            db = self._idle.pop() if self._idle else None
        if db is None:
            db = self._open_reader()
        try:
            db.execute("BEGIN")
            yield db
        except sqlite3.DatabaseError as exc:
            raise self._failure(exc, "read") from exc
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")
            with self._idle_lock:
                keep = not self._closed and len(self._idle) < 16
                if keep:
                    self._idle.append(db)
            if not keep:
                db.close()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """The writing connection inside `BEGIN IMMEDIATE`; commits at the end, rolls back on an error.

        Nested blocks of one thread join the outermost one.

        Raises:
            StoreError: the disk is full or failed, or the file is damaged. Nothing was changed.
        """
        with self._lock:
            if self._closed:
                raise StoreError("The library is closed.")
            if self._damage is not None:
                raise self._damage
            if self._depth:
                yield self._writer
                return
            self._depth = 1
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer
                self._writer.execute("COMMIT")
            except sqlite3.DatabaseError as exc:
                self._rollback()
                raise self._failure(exc, "written") from exc
            except BaseException:
                self._rollback()
                raise
            finally:
                self._depth = 0

    @contextmanager
    def part(self) -> Iterator[Connection]:
        """A part of a transaction that is undone by itself when it fails, and the rest is not.

        Raises:
            StoreError: the disk is full or failed; SQLite may have undone the whole transaction.
        """
        with self.transaction() as db:
            db.execute("SAVEPOINT part")
            try:
                yield db
            except BaseException as exc:
                if db.in_transaction:
                    db.execute("ROLLBACK TO part")
                    db.execute("RELEASE part")
                if isinstance(exc, sqlite3.OperationalError):
                    raise self._failure(exc, "written") from exc
                raise
            db.execute("RELEASE part")

    def _rollback(self) -> None:
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except sqlite3.DatabaseError:
            # SQLite has rolled back by itself (disk full); there is nothing left to undo.
            pass

    def stop_writing(self, fault: str) -> DamagedError:
        """Write nothing any more, since the file is damaged; returns what each attempt will raise."""
        self._damage = DamagedError(f"The catalogue is damaged ({fault}).", hint=REBUILD)
        return self._damage

    def _failure(self, exc: sqlite3.DatabaseError, doing: str) -> StoreError:
        text = str(exc)
        if "malformed" in text or "not a database" in text:
            return self.stop_writing(text)
        hint = "Free some space on the disk; indexing goes on by itself."
        return StoreError(
            f"The catalogue cannot be {doing}: {text}.", hint=hint if "full" in text or "I/O" in text else ""
        )

    def checkpoint(self) -> None:
        """Fold the write-ahead log back into the file as far as readers allow; never waits for them."""
        with self._lock:
            if not self._closed and self._damage is None:
                self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    @property
    def is_large(self) -> bool:
        """Too large to have been checked when it was opened."""
        return self.path.stat().st_size > CHECKED_SIZE

    def check_file(self) -> str:
        """Check the whole file through a reader; returns "ok" or the first fault found."""
        try:
            with self.reader() as db:
                return str(db.execute("PRAGMA quick_check(1)").fetchone()[0]).splitlines()[-1]
        except StoreError as exc:
            return str(exc)

    def close(self) -> None:
        """Close all connections; blocks that are still open end with their own."""
        with self._lock:
            with self._idle_lock:
                self._closed = True
                idle, self._idle = self._idle, []
            for db in idle:
                db.close()
            self._writer.close()


def set_aside(path: Path) -> Path:
    """Move a catalogue with its side files out of the way; returns its new place."""
    kept = path.with_name(f"{path.name}.{time.strftime('%Y%m%d-%H%M%S')}")
    for suffix in ("-wal", "-shm"):
        side = path.with_name(path.name + suffix)
        if side.exists():
            side.rename(kept.with_name(kept.name + suffix))
    path.rename(kept)
    path.with_name(f"{path.name}.damaged").unlink(missing_ok=True)
    return kept


def file_system(folder: Path, mountinfo: str | None = None) -> str:
    """Type of the file system that holds a folder ("ext4", "nfs4"), "" when it cannot be told.

    Args:
        folder: An existing folder.
        mountinfo: Content of /proc/self/mountinfo; read when None.
    """
    if mountinfo is None:
        try:
            mountinfo = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return ""
    target = os.path.realpath(folder)
    best, found = "", ""
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) < 5 or not right:
            continue
        mount = fields[4].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        inside = target == mount or target.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, found = mount, right.split()[0]
    return found


def is_network(kind: str) -> bool:
    """Tell whether a file system type is one on which SQLite's shared memory cannot be trusted."""
    return kind in _NETWORK or (kind.startswith("fuse.") and kind not in _LOCAL_FUSE)


_ELSEWHERE = "Put the library on a local disk: quire --library DIR."


def refuse_network(folder: Path, mountinfo: str | None = None) -> None:
    """Raise LibraryRefusedError when a folder is on a network file system."""
    kind = file_system(folder, mountinfo)
    if is_network(kind):
        raise LibraryRefusedError(
            f"The folder {folder} is on a network file system ({kind}), which would damage the catalogue.",
            hint=_ELSEWHERE,
        )


def probe(folder: Path) -> None:
    """Try out whether two connections can share a database in write-ahead mode in this folder.

    Raises:
        LibraryRefusedError: they cannot; network file systems often fail only at the first write.
    """
    scratch = folder / f".probe-{os.getpid()}.sqlite3"
    try:
        _share(scratch)
    except (sqlite3.Error, OSError) as exc:
        raise LibraryRefusedError(f"SQLite cannot work in {folder}: {exc}.", hint=_ELSEWHERE) from exc
    finally:
        for suffix in ("", "-wal", "-shm"):
            scratch.with_name(scratch.name + suffix).unlink(missing_ok=True)


def _share(scratch: Path) -> None:
    writer = sqlite3.connect(scratch, isolation_level=None)
    reader = None
    try:
        mode = writer.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        writer.execute("PRAGMA synchronous=OFF")
        writer.execute("CREATE TABLE probe (x)")
        writer.execute("INSERT INTO probe VALUES (1)")
        reader = sqlite3.connect(f"file:{quote(os.fspath(scratch))}?mode=ro", uri=True)
        seen = reader.execute("SELECT count(*) FROM probe").fetchone()[0]
        if mode != "wal" or seen != 1:
            raise sqlite3.OperationalError("write-ahead logging does not work here")
    finally:
        if reader is not None:
            reader.close()
        writer.close()
