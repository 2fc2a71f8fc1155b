"""The wire to one database: a read-only session with timeouts, and rows through it."""

from __future__ import annotations

import inspect
import math
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from checks.connectors.sql_errors import refusal
from checks.core.errors import MissingDriver, NotAssessed, Unreachable, Unreadable

DRIVERS = {  # backend → (driver we use, extra that brings it)
    "postgresql": ("postgresql+psycopg", "postgres"),
    "postgres": ("postgresql+psycopg", "postgres"),
    "mysql": ("mysql+pymysql", "mysql"),
    "mariadb": ("mariadb+pymysql", "mysql"),
    "sqlite": ("sqlite", ""),
}
BATCH = 256  # rows fetched at once; bounds memory when each holds a large document
UNLIMITED = 0
MYSQL = ("mysql", "mariadb")


class Link:
    """A pool of one read-only connection (a second one only while a stream is open) to a database."""

    def __init__(self, target_id: str, engine: sa.Engine, timeout: float) -> None:
        self.target_id = target_id
        self.dialect = engine.dialect.name
        self._engine = engine
        self._timeout = timeout

    def rows(self, statement: sa.Executable) -> Sequence[Any]:
        """Return all rows of one statement; for answers that are known to be small."""
        with self._session() as (connection, guarded), guarded():
            return connection.execute(statement).all()

    def stream(self, statement: sa.Executable) -> Iterator[Sequence[Any]]:
        """Yield the rows of one statement in batches through a server-side cursor."""
        batches = self._batches(statement)
        try:
            for batch in batches:  # noqa: UP028  it must be known when the reader lets go
                yield batch
        except GeneratorExit:
            with suppress(NotAssessed):  # who has seen enough is told no more, not even of a broken line
                batches.close()
            raise

    def _batches(self, statement: sa.Executable) -> Generator[Sequence[Any], None, None]:
        with self._session() as (connection, guarded):
            _limit_statement(connection, UNLIMITED)  # each read keeps its own limit
            with guarded():
                result = connection.execution_options(yield_per=BATCH).execute(statement)
            raw, cursor = connection.connection.dbapi_connection, result.cursor
            batches = result.partitions()
            try:
                while True:
                    with guarded():
                        batch = next(batches, None)
                    if batch is None:
                        break
                    yield batch
            except (GeneratorExit, sa.exc.DBAPIError):  # the reader has seen enough, or the line is broken
                if self.dialect in MYSQL:
                    _forget_answer(raw)
                    connection.invalidate()
                else:
                    _close(cursor)
                result.close()
                raise
            finally:
                if self.dialect not in MYSQL:
                    _close(cursor)
            _limit_statement(connection, self._timeout)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _session(self) -> Iterator[tuple[sa.Connection, Callable[[], Any]]]:
        """Yield a connection, and a guard for each wait on it; driver errors leave as ours."""
        watch = Watchdog(self._timeout)
        try:
            with self._engine.connect() as connection:
                yield connection, lambda: watch.over(connection)
        except sa.exc.DBAPIError as error:
            ours = refusal(self.target_id, error.orig, fired=watch.fired)
            if ours is None:
                raise
            raise ours from None
        except UnicodeDecodeError:
            raise Unreadable(f"{self.target_id}: a stored text is not in the database's encoding") from None


class Watchdog:
    """Cuts the line of a server that stopped answering and so cannot enforce its own time limit."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self.fired = False

    @contextmanager
    def over(self, connection: sa.Connection) -> Iterator[None]:
        """Watch one wait: PyMySQL has read timeouts, SQLite a progress handler, psycopg gets a timer."""
        raw: Any = connection.connection.dbapi_connection
        if connection.dialect.name == "sqlite":
            raw.deadline = time.monotonic() + self._timeout
        if connection.dialect.name != "postgresql":
            yield
            return
        # A second more than the server's own limit, which gives the better answer when it works.
        timer = threading.Timer(self._timeout + 1, self._cut, [raw.fileno()])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self, descriptor: int) -> None:
        self.fired = True
        with socket.socket(fileno=os.dup(descriptor)) as line:
            line.shutdown(socket.SHUT_RDWR)


class SqliteConnection(sqlite3.Connection):
    """A connection that interrupts a statement at ``deadline`` (monotonic seconds)."""

    deadline = math.inf

    def late(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() > self.deadline


@contextmanager
def connect(target_id: str, address: str, timeout: float) -> Iterator[Link]:
    """Yield a link to the database at ``address`` (a URL) once it has answered a first query."""
    engine = _engine(target_id, address, timeout)
    sa.event.listen(engine, "connect", lambda raw, _: _prepare(engine.dialect.name, raw, timeout))
    if engine.dialect.name == "postgresql":
        sa.event.listen(engine, "handle_error", _close_cursor)
    link = Link(target_id, engine, timeout)
    try:
        link.rows(sa.select(sa.literal(1)))
        yield link
    finally:
        link.close()


def _engine(target_id: str, address: str, timeout: float) -> sa.Engine:
    try:
        url = sa.make_url(address)
        backend = url.get_backend_name()
    except (sa.exc.ArgumentError, ValueError):
        raise Unreachable(
            f"{target_id}: its address is not a database URL such as postgresql://user@host/name"
        ) from None
    if backend not in DRIVERS:
        raise Unreachable(
            f"{target_id}: its address names a kind of database that is not supported "
            "(use postgresql://, mysql://, mariadb:// or sqlite:///)"
        )
    driver, extra = DRIVERS[backend]
    url = url.set(drivername=driver)
    if not url.database:
        raise Unreachable(f"{target_id}: its address names no database")
    options: dict[str, Any] = {"poolclass": QueuePool, "pool_size": 1, "max_overflow": -1}
    if driver == "sqlite":
        options["creator"] = _sqlite_opener(url.database, timeout)
    else:
        options["connect_args"] = _connect_args(backend, timeout)
    try:
        engine = sa.create_engine(url, hide_parameters=True, **options)
    except ImportError:  # also when the driver is there and its C library is not
        raise MissingDriver(
            f"{target_id}: the driver for {backend} is not installed (pip install 'policyproof[{extra}]')"
        ) from None
    if extra == "mysql" and not url.query.keys() <= _mysql_options(engine):
        raise Unreachable(f"{target_id}: its address has an option that the driver does not know")
    return engine


def _connect_args(backend: str, timeout: float) -> dict[str, Any]:
    if backend.startswith("postgres"):
        return {
            "connect_timeout": max(2, math.ceil(timeout)),
            "client_encoding": "utf8",
            "application_name": "policyproof",
            "prepare_threshold": None,  # prepared statements break behind a connection pooler
        }
    return {
        "connect_timeout": timeout,
        "read_timeout": timeout,
        "write_timeout": timeout,
        "charset": "utf8mb4",
    }


def _mysql_options(engine: sa.Engine) -> set[str]:
    # PyMySQL answers an unknown option with a TypeError, which is no driver error.
    accepted = set(inspect.signature(engine.dialect.loaded_dbapi.connect).parameters)
    return accepted | {"ssl_check_hostname", "ssl_cipher", "ssl_capath"}


def _sqlite_opener(database: str, timeout: float) -> Callable[[], SqliteConnection]:
    uri = f"file:{quote(str(Path(database).absolute()))}?mode=ro"
    return lambda: sqlite3.connect(
        uri, uri=True, timeout=timeout, check_same_thread=False, factory=SqliteConnection
    )


def _prepare(dialect: str, raw: Any, timeout: float) -> None:
    """Make a new session read-only, in UTC and bounded in time, whatever the login's defaults are."""
    if dialect == "sqlite":
        raw.text_factory = lambda value: value.decode("utf-8", "replace")
        raw.set_progress_handler(raw.late, 10_000)
        raw.execute("PRAGMA query_only = ON")
        return
    with raw.cursor() as cursor:
        if dialect == "postgresql":
            raw.read_only = True  # every BEGIN says so too
            cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
            cursor.execute(f"SET statement_timeout = {max(1, round(timeout * 1000))}")
            cursor.execute("SET TimeZone = 'UTC'")
            raw.commit()
        else:
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
            cursor.execute("SET SESSION time_zone = '+00:00'")
            cursor.execute(_mysql_limit(raw.get_server_info(), timeout))


def _limit_statement(connection: sa.Connection, timeout: float) -> None:
    # Only MySQL counts the time of sending the rows; PostgreSQL bounds each FETCH by itself.
    if connection.dialect.name not in MYSQL:
        return
    raw: Any = connection.connection.dbapi_connection
    with raw.cursor() as cursor:
        cursor.execute(_mysql_limit(raw.get_server_info(), timeout))


def _forget_answer(raw: Any) -> None:
    # Closing or collecting PyMySQL's cursor would first read all that is left; it has no public way out.
    if raw._result is not None:
        raw._result.unbuffered_active = False


def _close(cursor: Any) -> None:
    """Close a cursor, also where its line breaks just now.

    SQLAlchemy's own attempt would leave it open then, and log a traceback. The first attempt of ours
    may meet the broken line; the second one knows of it and asks the server no more.
    """
    for _ in range(2 if cursor is not None else 0):
        with suppress(Exception):
            cursor.close()


def _close_cursor(context: sa.engine.ExceptionContext) -> None:
    # SQLAlchemy leaves the cursor of a broken line open, and psycopg warns of it when it is collected.
    cursor: Any = context.execution_context.cursor if context.execution_context else None
    if context.is_disconnect and cursor is not None:
        cursor.connection.close()  # else closing the cursor would ask the server
        cursor.close()


def _mysql_limit(version: str, timeout: float) -> str:
    if "mariadb" in version.lower():
        return f"SET SESSION max_statement_time = {timeout}"
    return f"SET SESSION max_execution_time = {round(timeout * 1000)}"
