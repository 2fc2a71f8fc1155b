"""The record of every run: rows that are only ever added, each chained to the one before.

A row's digest is the SHA-256 of the digest before it and its own body, so that a body changed, a row
taken out or two rows swapped show in :meth:`Ledger.verify`. Rows cut from the end cannot show by
themselves: the digest printed in each report is what they are held against.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checks.core.errors import PolicyproofError, one_line

GENESIS = "0" * 64
"""What the first run is chained to."""

PATIENCE = 30.0
"""Seconds to wait for another process that is writing."""

_TABLE = """
CREATE TABLE IF NOT EXISTS run (
  number INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL UNIQUE,
  environment TEXT NOT NULL,
  started TEXT NOT NULL,
  digest TEXT NOT NULL,
  previous TEXT NOT NULL,
  body TEXT NOT NULL
)
"""
# These stop a slip of the hand; whoever can write the file can drop them, which is why there is a chain.
_GUARDS = (
    "CREATE TRIGGER IF NOT EXISTS run_is_never_changed BEFORE UPDATE ON run "
    "BEGIN SELECT RAISE(ABORT, 'a recorded run is never changed'); END",
    "CREATE TRIGGER IF NOT EXISTS run_is_never_removed BEFORE DELETE ON run "
    "BEGIN SELECT RAISE(ABORT, 'a recorded run is never removed'); END",
)
_COLUMNS = "number, run_id, environment, started, digest, previous, body"


class LedgerError(PolicyproofError):
    """The ledger cannot be read or written, or its last run was changed; one line."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded run; ``body`` is canonical JSON."""

    number: int  # from 1, without holes
    run_id: str
    environment: str
    started: str
    digest: str
    previous: str
    body: str

    def read(self) -> dict[str, Any]:
        """Return the body as it was appended; raises ``ValueError`` if it no longer is an object."""
        body = json.loads(self.body)
        if not isinstance(body, dict):
            raise ValueError("not an object")
        return body

    def fault(self, number: int, previous: str) -> str | None:
        """Say what is wrong with this row at this place in the chain; ``None`` if nothing is."""
        if self.number != number or self.previous != previous:
            return f"the order was changed at run {number} (found run {self.number}, {self.run_id})"
        if not self._unchanged(previous):
            return f"run {number} ({self.run_id}) was changed after it was recorded"
        return None

    def _unchanged(self, previous: str) -> bool:
        try:
            if self.digest != chained(previous, self.body):
                return False
            return labels(self.read()) == (self.run_id, self.environment, self.started)
        except (ValueError, KeyError, TypeError, RecursionError):  # no longer text, JSON, or a run
            return False


def canonical(body: Mapping[str, Any]) -> str:
    """Return ``body`` as JSON with sorted keys and no spaces, the same for equal bodies."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def chained(previous: str, body: str) -> str:
    """Return the SHA-256 in hex over the digest before and the body."""
    return hashlib.sha256((previous + body).encode()).hexdigest()


def labels(body: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return run id, environment and start, as the columns repeat them."""
    return body["run"]["id"], body["environment"]["id"], body["run"]["started"]


class Ledger:
    """A ledger in an SQLite file, made at the first append; raises only :class:`LedgerError`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, body: Mapping[str, Any]) -> Entry:
        """Record one run in one transaction; safe from many processes at once."""
        text = canonical(body)
        run_id, environment, started = labels(body)
        with self._connection() as connection:
            _prepare(connection)
            connection.execute("BEGIN IMMEDIATE")
            for statement in (_TABLE, *_GUARDS):
                connection.execute(statement)
            row = connection.execute(f"SELECT {_COLUMNS} FROM run ORDER BY number DESC LIMIT 1").fetchone()  # noqa: S608
            last = Entry(*row) if row else None
            if last and (fault := last.fault(last.number, last.previous)):
                raise LedgerError(f"{self.path.name}: {fault}; keep the file, and begin a new one elsewhere")
            number, previous = (last.number + 1, last.digest) if last else (1, GENESIS)
            entry = Entry(number, run_id, environment, started, chained(previous, text), previous, text)
            connection.execute(
                f"INSERT INTO run ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                (number, run_id, environment, started, entry.digest, previous, text),
            )
            connection.execute("COMMIT")
        return entry

    def entries(self) -> Iterator[Entry]:
        """Yield every run in the order recorded; nothing if there is no ledger yet."""
        if self.path.exists():
            with self._connection() as connection:
                for row in connection.execute(f"SELECT {_COLUMNS} FROM run ORDER BY number"):  # noqa: S608
                    yield Entry(*row)

    def last(self, environment: str) -> Entry | None:
        """Return the latest run on an environment."""
        if not self.path.exists():
            return None
        with self._connection() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM run WHERE environment = ? ORDER BY number DESC LIMIT 1",  # noqa: S608
                (environment,),
            ).fetchone()
        return Entry(*row) if row else None

    def find(self, number: int) -> Entry | None:
        """Return the run recorded under ``number``."""
        if not 0 < number < 2**63 or not self.path.exists():  # SQLite's integers end there
            return None
        with self._connection() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM run WHERE number = ?",  # noqa: S608
                (number,),
            ).fetchone()
        return Entry(*row) if row else None

    def verify(self) -> str | None:
        """Name the first run whose content or order was changed; ``None`` if the chain is whole."""
        previous = GENESIS
        for number, entry in enumerate(self.entries(), start=1):
            if fault := entry.fault(number, previous):
                return fault
            previous = entry.digest
        return None

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection without implicit transactions; closing one undoes what was not committed."""
        try:
            with closing(sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)) as connection:
                # Bytes that are no longer UTF-8 are to fail the digest; SQLite's own error would quote them.
                connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
                yield connection
        except sqlite3.IntegrityError:
            raise LedgerError(f"{self.path.name}: this run is recorded already") from None
        except sqlite3.Error as error:  # SQLite's own words name no value of a row
            raise LedgerError(f"{self.path.name}: {one_line(error)}") from None


def _prepare(connection: sqlite3.Connection) -> None:
    """Switch to WAL. The switch itself does not wait for other processes, so it is tried again."""
    deadline = time.monotonic() + PATIENCE
    connection.execute("PRAGMA synchronous = FULL")
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
