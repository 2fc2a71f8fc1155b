"""The wire to the database that holds a ledger: SQLite by path, PostgreSQL by URL.

Writers wait for one another: on SQLite by its own lock, on PostgreSQL by an advisory lock that is
held to the end of the transaction. No message names a user, a password or a value of a row.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from random import uniform
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from checks.core.errors import one_line
from reports.ledger import migrating, tables
from reports.ledger.chain import LedgerError

PATIENCE = 30.0
"""Seconds to wait for another process that is writing."""
CROWDED = 300.0
"""Seconds to wait for a place at a server that takes no more connections."""
LOCK = 0x706F6C6963790001
"""What writers on PostgreSQL lock; any number that nobody else is likely to use."""
_FULL = ("too many clients", "connection slots", "too many connections")


class Store:
    """Connections to one ledger; raises only :class:`LedgerError`."""

    def __init__(self, where: Path | str) -> None:
        self._here = threading.local()
        text = str(where)
        if "://" not in text:
            self.path: Path | None = Path(text)
            self.name = self.path.name
            self._url = sa.URL.create("sqlite+pysqlite", database=text)
        else:
            self.path = None
            self._url = _server(text)
            self.name = f"ledger {self._url.database}"

    @cached_property
    def _engine(self) -> sa.Engine:
        try:
            if self.path is not None:
                return _sqlite(self._url)
            return sa.create_engine(
                self._url,
                poolclass=NullPool,
                isolation_level="READ COMMITTED",
                connect_args={"connect_timeout": 30, "application_name": "policyproof"},
            )
        except ModuleNotFoundError:
            raise LedgerError(
                f"{self.name}: no PostgreSQL driver (pip install 'policyproof[postgres]')"
            ) from None

    @property
    def sqlite(self) -> bool:
        """Whether this ledger is a file."""
        return self.path is not None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let all reading of this thread within the block go through one connection, at one moment."""
        if hasattr(self._here, "connection"):
            yield
            return
        with self.reading() as connection:
            self._here.connection = connection
            try:
                yield
            finally:
                del self._here.connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection | None]:
        """Yield a connection for one consistent look; ``None`` if there is no ledger yet."""
        if hasattr(self._here, "connection"):
            with self._guarded():
                yield self._here.connection
            return
        if self.path is not None and not self.path.exists():
            yield None
            return
        with self._guarded(), self._connected() as connection:
            if self.sqlite:
                connection.exec_driver_sql("BEGIN")
            else:
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            found = migrating.revision(connection, self.name)
            if found not in (None, tables.REVISION):
                raise LedgerError(migrating.outdated(self.name, found))
            try:
                yield connection if found else None
            finally:
                connection.rollback()

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Yield a connection that no other writer can overtake, with all tables made; commits at the end."""
        with self._guarded(), self._connected() as connection:
            if self.sqlite:
                _to_wal(connection)
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
            found = migrating.revision(connection, self.name)
            if found is None:
                tables.make(connection)
            elif found != tables.REVISION:
                migrating.upgrade(connection, self.name, found)
            yield connection
            connection.commit()

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        """Yield a connection, waiting for a place where a server is full; closing it undoes what is open."""
        deadline = time.monotonic() + CROWDED
        while True:
            try:
                connection = self._engine.connect()
                break
            except sa.exc.OperationalError as error:
                full = any(words in str(error.orig) for words in _FULL)
                if not full or time.monotonic() > deadline:
                    raise
                time.sleep(uniform(0.05, 0.3))  # noqa: S311  spreads writers, nothing secret
        with connection:
            yield connection

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Turn what the driver raises into one line of our own."""
        try:
            yield
        except sa.exc.IntegrityError:
            raise LedgerError(f"{self.name}: this run is recorded already") from None
        except sa.exc.DBAPIError as error:
            raise LedgerError(f"{self.name}: {_said(error, self.sqlite)}") from None
        except (sqlite3.Error, sa.exc.SQLAlchemyError, UnicodeError) as error:
            raise LedgerError(f"{self.name}: {type(error).__name__} while it was read") from None


def _said(error: sa.exc.DBAPIError, sqlite: bool) -> str:
    """Return what the database said. SQLite's words name no value; PostgreSQL's may, so its state only."""
    if sqlite:
        return one_line(error.orig)
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return "the server does not answer, or refuses this user"
    return f"the server refused (SQLSTATE {state}, {type(error.orig).__name__})"


def _server(text: str) -> sa.URL:
    """Return the address of a server; never shows the text, which may hold a password."""
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise LedgerError("the ledger's address is not a path and not postgresql://HOST/DATABASE") from None
    if url.drivername.partition("+")[0] not in ("postgresql", "postgres") or not url.database:
        raise LedgerError("a ledger is an SQLite file, or postgresql://HOST/DATABASE")
    return url.set(drivername="postgresql+psycopg")


def _sqlite(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, poolclass=NullPool, connect_args={"timeout": PATIENCE})

    def prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions begin where we say so
        # Bytes that are no longer UTF-8 are to fail the digest; SQLite's own error would quote them.
        connection.text_factory = _lenient
        connection.execute("PRAGMA synchronous = FULL")

    sa.event.listen(engine, "connect", prepare)
    return engine


_lenient: Callable[[bytes], str] = lambda raw: raw.decode("utf-8", "replace")  # noqa: E731


def _to_wal(connection: sa.Connection) -> None:
    """Switch to WAL. The switch itself does not wait for other processes, so it is tried again."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        except sa.exc.OperationalError as error:
            code = getattr(error.orig, "sqlite_errorcode", 0)
            if code & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
