"""One read-only session with PostgreSQL: answers of a few rows, and COPY in blocks of whole rows.

Works on libpq's own connection, with psycopg's calls for it: a loop over ``get_copy_data`` takes half
the time of psycopg's cursor, and each wait can be bounded on its own. COPY has no such bound.
"""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from checks.core.errors import MissingDriver, NotAssessed, TimedOut, Unreachable, Unreadable
from checks.scanner.live import failed, parsed
from checks.scanner.source import BLOCK

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult

Row = tuple[bytes | None, ...]
SCHEMES = ("postgresql", "postgres")
_SAVEPOINT = "policyproof"


@contextmanager
def connected(url: str, name: str, timeout: float) -> Iterator[Link]:
    """Yield a link in a transaction that reads one snapshot and cannot write.

    ``timeout`` (seconds) bounds connecting, each wait for a lock and each silence of the server. Raises
    ``MissingDriver``, ``Unreachable``, ``Refused``, ``TimedOut``.
    """
    try:
        import psycopg
    except ImportError:  # also when its C library is not there
        raise MissingDriver(
            f"{name}: the driver for PostgreSQL is not installed (pip install 'policyproof[postgres]')"
        ) from None
    address = parsed(url, name, SCHEMES)
    if not address.database:
        raise Unreachable(f"{name}: its address names no database")
    options: dict[str, Any] = address.translate_connect_args(username="user", database="dbname")
    for key, value in address.query.items():
        options[key] = value if isinstance(value, str) else ",".join(value)
    options |= {
        "connect_timeout": max(2, round(timeout)),
        "application_name": "policyproof",
        "autocommit": True,  # we begin and end the transaction ourselves
    }
    try:
        connection = psycopg.connect(**options)
    except psycopg.Error as error:
        raise failed(name, error) from None
    try:
        link = Link(name, connection.pgconn, timeout)
        link.begin()
        yield link
    finally:
        connection.close()  # at once: what is still on its way is not waited for


class Link:
    """A session. What it raises is ours, begins with ``name``, and leaves the link usable if it can be."""

    def __init__(self, name: str, connection: PGconn, timeout: float) -> None:
        self.name = name
        self._connection = connection
        self._timeout = timeout
        self._copying = False
        self._poll = select.poll()
        self._poll.register(connection.socket, select.POLLIN)

    def begin(self) -> None:
        """Begin the transaction; whatever the login's own settings are, it reads in plain text formats."""
        self.rows("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        encoding = self.rows("SHOW server_encoding")[0][0]
        for setting in (
            # Text of a database without an encoding is sent as it is: it may be anything.
            f"client_encoding = {'SQL_ASCII' if encoding == b'SQL_ASCII' else 'UTF8'}",
            f"lock_timeout = {max(1, round(self._timeout * 1000))}",
            "statement_timeout = 0",  # reading a large table takes hours
            "idle_in_transaction_session_timeout = 0",
            "bytea_output = hex",
            "extra_float_digits = 1",
            "DateStyle = ISO",
            "TimeZone = 'UTC'",
        ):
            self.rows(f"SET LOCAL {setting}")
        self.rows(f"SAVEPOINT {_SAVEPOINT}")

    @property
    def alive(self) -> bool:
        """Whether there still is a connection."""
        from psycopg.pq import ConnStatus

        return self._connection.status == ConnStatus.OK

    def renew(self) -> None:
        """Forget a failed statement, and give back the locks of the tables read so far."""
        self.rows(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")

    def rows(self, command: str, *, binary: bool = False) -> list[Row]:
        """Return the answer to one statement, all of it; ``binary`` gives bytea as the bytes it is."""
        with self._told():
            self._send(command, binary=binary)
            self._until_ready()
            found = self._results()
        if found is None:
            return []
        columns = range(found.nfields)
        return [tuple(found.get_value(row, column) for column in columns) for row in range(found.ntuples)]

    def copy(self, command: str) -> Iterator[bytes]:
        """Yield what ``COPY … TO STDOUT`` sends, in blocks of about ``BLOCK`` bytes of whole rows."""
        with self._told():
            self._send(command)
            self._until_ready()
            self._results()
            self._copying = True
            block = bytearray()
            while self._copying:
                size, row = self._connection.get_copy_data(1)
                if size > 0:
                    block += row
                    if len(block) >= BLOCK and block.endswith(b"\n"):
                        yield bytes(block)
                        block.clear()
                elif size == 0:
                    self._wait(select.POLLIN)
                else:
                    self._copying = False
            self._until_ready()
            self._results()
        if block:
            yield bytes(block)

    @contextmanager
    def _told(self) -> Iterator[None]:
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            raise failed(self.name, error) from None

    def _send(self, command: str, *, binary: bool = False) -> None:
        while self._copying:  # a reader has seen enough of the COPY before
            size, _ = self._connection.get_copy_data(1)
            if size == 0:
                self._wait(select.POLLIN)
            elif size < 0:
                self._copying = False
                self._until_ready()
                self._results()
        sent = command.encode("utf-8", "surrogateescape")
        if binary:
            self._connection.send_query_params(sent, None, result_format=1)
        else:
            self._connection.send_query(sent)
        while self._connection.flush():
            self._wait(select.POLLIN | select.POLLOUT)

    def _until_ready(self) -> None:
        while self._connection.is_busy():
            self._wait(select.POLLIN)

    def _wait(self, events: int) -> None:
        """Wait until the server says something, or takes something; raises ``TimedOut``."""
        self._poll.modify(self._connection.socket, events)
        # A second more than the server's own limit for locks, which gives the better answer.
        seconds = self._timeout + 1
        if not self._poll.poll(seconds * 1000):
            self._connection.finish()
            raise TimedOut(f"{self.name}: the server said nothing for {seconds:g} s")
        self._connection.consume_input()

    def _results(self) -> PGresult | None:
        """Return the last result of a statement, or the one that begins a COPY."""
        from psycopg.pq import ExecStatus

        last = None
        while (result := self._connection.get_result()) is not None:
            if result.status == ExecStatus.COPY_OUT:
                return result
            if last is None or last.status != ExecStatus.FATAL_ERROR:
                last = result
            self._until_ready()
        if last is not None and last.status == ExecStatus.FATAL_ERROR:
            raise self._meaning(last)
        return last

    def _meaning(self, result: PGresult) -> NotAssessed:
        import psycopg
        from psycopg.pq import DiagnosticField

        state = (result.error_field(DiagnosticField.SQLSTATE) or b"").decode("ascii", "replace")
        if not state:
            return failed(self.name, psycopg.OperationalError())
        try:
            return failed(self.name, psycopg.errors.lookup(state)())
        except KeyError:
            return Unreadable(f"{self.name}: the server could not answer the query")
