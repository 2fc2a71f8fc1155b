"""Opening an SQLite database to read: where it lies, in a copy, or in memory; nothing beside it changes.

A connection with ``mode=ro`` alone is not enough: over a database in WAL mode it puts a ``-shm`` file
beside it. So that is done only where an application has put one there already.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from checks.connectors.archives import failure
from checks.core.errors import NotAssessed, Refused, TimedOut, TooLarge, Unreadable
from checks.scanner.source import BLOCK, Limits

_MODES = slice(18, 20)  # file format, 1.3.3: 1 for a rollback journal, 2 for WAL
_WAL = 2
_LONGEST = len(b"SQLite format 3\0") + 84


@contextmanager
def connected(name: str, file: BinaryIO, limits: Limits) -> Iterator[sqlite3.Connection]:
    """Open the database in ``file`` for reading, with what its write-ahead log adds to it.

    Text comes as bytes, in UTF-8. Raises ``Unreadable`` if it is truncated, has a hot journal or
    changed meanwhile, ``TooLarge`` for what would have to be copied, ``Refused``.
    """
    header = _header(name, file)
    path = _path_of(file)
    if path is None:
        with _apart(name, file, header, limits) as connection:
            yield connection
        return
    wal, memory = Path(f"{path}-wal"), Path(f"{path}-shm")
    if _WAL not in header[_MODES]:
        _no_hot_journal(name, Path(f"{path}-journal"))
        with _connection(_uri(path, "mode=ro")) as connection:
            yield connection
        return
    before = _state(name, path), _state(name, wal)
    if before[1][0] and memory.exists():  # in use: SQLite's own locks hold writers and us apart
        with _connection(_uri(path, "mode=ro")) as connection:
            yield connection
        return
    if before[1][0]:  # left over from a crash, or a copy
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder, "database")
            _copied(name, path, copy, limits)
            _copied(name, wal, Path(f"{copy}-wal"), limits)
            with _connection(_uri(copy, "mode=ro")) as connection:
                yield connection
    else:
        with _connection(_uri(path, "mode=ro&immutable=1")) as connection:
            yield connection
    if before != (_state(name, path), _state(name, wal)):
        raise Unreadable(f"{name} changed while it was read")


def meaning(error: sqlite3.Error, name: str) -> NotAssessed:
    """Return what an error of SQLite means for ``name``; the driver's message is left out."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return TimedOut(f"{name} is locked by another program")
    if code == sqlite3.SQLITE_READONLY:
        return Unreadable(f"{name} has a hot journal")
    if code in (sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return Refused(f"{name}: permission denied")
    if code == sqlite3.SQLITE_TOOBIG:
        return TooLarge(f"{name} has a row of more than {10**9} bytes")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT):
        return Unreadable(f"{name} is damaged, truncated or encrypted")
    return Unreadable(f"{name} cannot be read (SQLite error {code})")


def page_size(header: bytes) -> int:
    """Return the size of a page in bytes, 0 if the header is wrong (file format, 1.3.2)."""
    size = int.from_bytes(header[16:18], "big")
    size = 2**16 if size == 1 else size
    return size if size >= 512 and size & (size - 1) == 0 else 0


def _header(name: str, file: BinaryIO) -> bytes:
    """Return the header; raises ``Unreadable`` unless whole pages follow, which SQLite does not ask for."""
    file.seek(0)
    header = file.read(_LONGEST)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if len(header) < _LONGEST:
        raise Unreadable(f"{name} is truncated")
    if not (page := page_size(header)):
        raise Unreadable(f"{name} is damaged or encrypted")
    if size % page:
        raise Unreadable(f"{name} is truncated, or followed by something else")
    return header


def _path_of(file: BinaryIO) -> Path | None:
    """Return where ``file`` lies on the disk, ``None`` if it has no name there."""
    with suppress(OSError, AttributeError, TypeError, ValueError):
        name, handle = file.name, file.fileno()
        if isinstance(name, int):
            if hasattr(fcntl, "F_GETPATH"):  # macOS
                name = fcntl.fcntl(handle, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0")
            else:
                name = Path("/proc/self/fd", str(handle)).readlink()
        path = Path(os.fsdecode(name)).absolute()
        if os.path.samestat(path.stat(), os.fstat(handle)):
            return path
    return None


@contextmanager
def _apart(name: str, file: BinaryIO, header: bytes, limits: Limits) -> Iterator[sqlite3.Connection]:
    """Open what has no name on the disk: in memory, or when large as a file only we may read."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if size <= limits.in_memory:
        raw = bytearray(file.read())
        raw[_MODES] = b"\1\1"  # a database in memory has no log
        with _connection(":memory:") as connection:
            try:
                connection.deserialize(bytes(raw))
            except sqlite3.Error as error:
                raise meaning(error, name) from None
            del raw
            yield connection
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "database")
        _written(copy, file, limits, name)
        with _connection(_uri(copy, "mode=ro&immutable=1")) as connection:
            yield connection


@contextmanager
def _connection(uri: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
    try:
        connection.text_factory = bytes
        # Nothing of the schema runs, and a cell that reaches out of its page is an error.
        for setting in ("query_only=ON", "trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0"):
            connection.execute(f"PRAGMA {setting}").close()
        yield connection
    finally:
        connection.close()


def _uri(path: Path, options: str) -> str:
    return f"file:{quote(os.fsencode(path))}?{options}"


def _no_hot_journal(name: str, journal: Path) -> None:
    """Raise ``Unreadable`` if a transaction was begun and not ended (file format, 3)."""
    try:
        with journal.open("rb") as file:
            hot = file.read(1) not in (b"", b"\0")
    except FileNotFoundError:
        return
    except OSError:
        raise Unreadable(f"{name} has a journal that cannot be read") from None
    if hot:
        raise Unreadable(f"{name} has a hot journal")


def _state(name: str, path: Path) -> tuple[int, int]:
    """Return size and time of the last change; zeros for a file that is not there."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
    except FileNotFoundError:
        return 0, 0
    except OSError:
        raise Unreadable(f"{name} has a write-ahead log that cannot be read") from None
    return status.st_size, status.st_mtime_ns


def _copied(name: str, path: Path, copy: Path, limits: Limits) -> None:
    try:
        with path.open("rb") as file:
            _written(copy, file, limits, name)
    except OSError as error:
        raise failure(error, name) from None


def _written(copy: Path, file: BinaryIO, limits: Limits, name: str) -> None:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if size > limits.spooled:
        raise TooLarge(f"{name} would have to be copied, and is larger than {limits.spooled} bytes")
    handle = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(handle, "wb", closefd=True) as out:  # noqa: PTH123  the mode is set from the start
        shutil.copyfileobj(file, out, BLOCK)
