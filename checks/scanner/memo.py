"""What earlier looks found, so that a file which has not changed since need not be read again.

Not to look may never become "compliant": only complete looks are remembered, each with the run and the
time that it stands for, and whatever is in doubt is read again. The file holds no name and no number:
addresses as digests, results as JSON in which numbers are masked. It is its owner's alone (mode 0600).
"""

from __future__ import annotations

import functools
import json
import os
import re
import sqlite3
import stat
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, TypeVar

from checks.connectors.files import printable
from checks.scanner.places import Place, is_url

RACY = 2.0
"""Seconds. What was written so shortly before it was read may be written again under the same time."""
MAX_AGE = 30 * 86400.0
"""Seconds after which a look stands for nothing any more: every file is read again once a month."""
SMALL = 4096
"""Bytes. Of a smaller file no digest is kept: it might be guessed what it holds."""
_BUSY = 5.0  # seconds to wait for another process that writes
_APPLICATION, _VERSION = 0x70704D31, 1
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_LONG_NUMBER = re.compile(r"\d(?:[ .\-]?\d){12}")
_TABLE = """
CREATE TABLE IF NOT EXISTS looks (
  address BLOB NOT NULL, options BLOB NOT NULL, size INTEGER NOT NULL, stamp BLOB NOT NULL,
  content BLOB NOT NULL, result TEXT NOT NULL, run TEXT NOT NULL, read_at REAL NOT NULL,
  digest BLOB NOT NULL, PRIMARY KEY (address, options)
) WITHOUT ROWID
"""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Remembered:
    """An earlier look. ``result`` is the JSON that was given; ``content`` a digest, empty if not kept."""

    result: str = field(repr=False)
    content: bytes = field(repr=False)
    run: str
    read: datetime  # when the reading began, UTC


def options_digest(options: Mapping[str, object]) -> str:
    """Return a digest of how is looked: ``options`` (any JSON), and the code of ours and of libraries.

    With other code or another version of a library, nothing that was remembered is known any more.
    """
    text = json.dumps(options, sort_keys=True, default=repr)
    return blake2b(text.encode() + _code(), digest_size=32).hexdigest()


class Memo:
    """The memory at ``path``, for any number of threads and processes; not to be used across a fork.

    ``run`` names this run. ``max_age`` is in seconds. ``notice``, if not ``None``, says in one line why
    nothing, or nothing from before, is remembered: the memory was damaged, say. No method raises for it.

    Raises ``ValueError`` if ``run`` has a number of 13 digits or more in it, and is no UUID.
    """

    def __init__(self, path: Path, *, run: str, max_age: float = MAX_AGE) -> None:
        if _LONG_NUMBER.search(run) and not _is_uuid(run):
            raise ValueError("a run's name holds no long number, for it might be a card's")
        self.notice: str | None = None
        self._path, self._run, self._max_age = path, run, max_age
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        with self._lock:
            self._begin()

    def known(self, place: Place, options: str) -> Remembered | None:
        """Return what a look at ``place`` with these ``options`` found, if it has not changed since."""
        if not place.stamp or place.size < 0:
            return None
        key = _digest(place.address), _digest(options)
        query = "SELECT size, stamp, content, result, run, read_at, digest FROM looks"
        row = self._run_sql(
            lambda db: db.execute(f"{query} WHERE address = ? AND options = ?", key).fetchone()
        )
        if row is None:
            return None
        *values, digest = row
        if digest != _row_digest(*key, *values):
            with self._lock:
                self._discard("was damaged")
            return None
        size, stamp, content, result, run, read_at = values
        age = time.time() - read_at
        if (size, stamp) != (place.size, _digest(place.stamp)) or not 0 <= age <= self._max_age:
            return None
        return Remembered(result, content, run, datetime.fromtimestamp(read_at, UTC))

    def remember(
        self, place: Place, options: str, content_hash: bytes, result_json: str, *, read_at: float
    ) -> bool:
        """Keep what a complete look at ``place`` found; return whether it was kept.

        ``content_hash`` is of the bytes as they were read for this look, by ``hashlib.blake2b``.
        ``result_json`` is an object; if its ``skipped`` is not empty, the look was not complete.
        ``read_at`` is the time (``time.time()``) before the file was opened.

        Not kept is what might change unseen: without a stamp, or written less than ``RACY`` seconds
        before it was read; nor what holds a number of 13 digits or more, be it in the address. Keep
        fingerprints out of the result: they may look like one, and say nothing in another run.
        """
        if not place.stamp or place.size < 0 or not content_hash or _racy(place, read_at):
            return False
        if any(_LONG_NUMBER.search(text) for text in (place.address, result_json)) or not _whole(result_json):
            return False
        content = content_hash if place.size >= SMALL else b""
        key = _digest(place.address), _digest(options)
        values = place.size, _digest(place.stamp), content, result_json, self._run, read_at
        row = *key, *values, _row_digest(*key, *values)
        insert = "INSERT OR REPLACE INTO looks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        return self._run_sql(lambda db: db.execute(insert, row).rowcount) == 1

    def close(self) -> None:
        """Close the file; nothing is known or kept afterwards."""
        with self._lock:
            self._end()

    def _begin(self) -> None:
        for _ in range(2):
            try:
                self._open()
            except sqlite3.Error as error:
                if not _is_damage(error):
                    self._off("cannot be used now")
                    return
                self._discard("was damaged", again=False)
            else:
                return
        self._off("cannot be made")

    def _open(self) -> None:
        """Open or make the file. Raises ``sqlite3.Error``."""
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self._off(f"cannot be opened ({error.strerror})")
            return
        try:
            status = os.fstat(handle)
        finally:
            os.close(handle)
        if not stat.S_ISREG(status.st_mode):
            self._off("is no regular file")
            return
        if status.st_mode & 0o077 or status.st_uid != os.geteuid():
            self._discard("was open to others", again=False)
            self._open()  # a new one, which is ours
            return
        database = sqlite3.connect(self._path, _BUSY, isolation_level=None, check_same_thread=False)
        self._database = database
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("BEGIN IMMEDIATE")
        kind = (_pragma(database, "application_id"), _pragma(database, "user_version"))
        if kind == (0, 0) and not _pragma(database, "schema_version"):
            database.execute(f"PRAGMA application_id = {_APPLICATION}")
            database.execute(f"PRAGMA user_version = {_VERSION}")
            database.execute(_TABLE)
        elif kind != (_APPLICATION, _VERSION):
            self._off("is another kind of file, and is left as it is")
            return
        database.execute("DELETE FROM looks WHERE read_at < ?", (time.time() - self._max_age,))
        database.execute("COMMIT")

    def _run_sql(self, what: Callable[[sqlite3.Connection], _T]) -> _T | None:
        """Return what ``what`` does; ``None`` if the memory cannot be used."""
        with self._lock:
            if self._database is None:
                return None
            try:
                return what(self._database)
            except sqlite3.Error as error:
                if _is_damage(error):
                    self._discard("was damaged")
                else:  # locked for long, or the disk is full: it is as if nothing were known
                    self.notice = self._says("could not be used throughout")
                return None

    def _discard(self, why: str, *, again: bool = True) -> None:
        """Put the file aside, as ``….damaged``, and begin with a new one unless told not to."""
        self._end()
        try:
            self._path.replace(self._path.with_name(f"{self._path.name}.damaged"))
        except OSError:
            self._off(f"{why}, and cannot be replaced")
            return
        for suffix in ("-wal", "-shm"):
            with suppress(OSError):
                self._path.with_name(f"{self._path.name}{suffix}").unlink()
        if again:
            self._begin()
        if self.notice is None:
            self.notice = self._says(f"{why}; everything is read again")

    def _off(self, why: str) -> None:
        self._end()
        self.notice = self._says(f"{why}; everything is read")

    def _says(self, what: str) -> str:
        return f"memory of earlier scans {printable(self._path.name)} {what}"

    def _end(self) -> None:
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.close()
            self._database = None


def _racy(place: Place, read_at: float) -> bool:
    """Whether ``place`` might be written again without its stamp changing (as git's index has it)."""
    if is_url(place.address):
        return False
    times = place.stamp.split("-")[:-1]
    return max(int(each) for each in times) / 1e9 > read_at - RACY


def _whole(result_json: str) -> bool:
    try:
        result = json.loads(result_json)
    except ValueError:
        return False
    return isinstance(result, dict) and not result.get("skipped")


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _is_damage(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None)  # of the driver's own complaints there is none
    return code is None or code & 0xFF in _DAMAGED


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).digest()


def _row_digest(*values: object) -> bytes:
    """Return a digest of a row: SQLite itself does not notice a flipped bit."""
    return blake2b(repr(values).encode("utf-8", "surrogatepass"), digest_size=32).digest()


def _pragma(database: sqlite3.Connection, name: str) -> Any:
    return database.execute(f"PRAGMA {name}").fetchone()[0]


@functools.cache
def _code() -> bytes:
    """Return a digest of the code that looks: the sources of ``checks``, Python, every library's version."""
    digest = blake2b(sys.version.encode(), digest_size=32)
    root = Path(__file__).parents[1]
    for path in sorted(root.rglob("*.py")):
        digest.update(f"\0{path.relative_to(root)}\0".encode() + path.read_bytes())
    versions = {(each.name, each.version) for each in distributions()}
    digest.update(repr(sorted(versions, key=repr)).encode())
    return digest.digest()
