"""One read-only session with MySQL or MariaDB: answers of a few rows, and rows of one value as blocks.

Rows are taken off PyMySQL's own connection, packet by packet: its cursor takes four times as long.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from checks.core.errors import MissingDriver, Unreachable, Unreadable
from checks.scanner.live import failed, joined, parsed
from checks.scanner.source import BLOCK

Row = tuple[bytes | None, ...]
SCHEMES = ("mysql", "mariadb")
_LONGEST = 2**24 - 1  # bytes of a packet; one as long goes on in the next
_END, _ERROR, _NULL = 0xFE, 0xFF, 0xFB
_SIZED = {0xFC: 3, 0xFD: 4, 0xFE: 9}  # bytes of a length by its first; a short one is that byte alone


@contextmanager
def connected(url: str, name: str, timeout: float) -> Iterator[Link]:
    """Yield a link in a transaction that reads one snapshot and cannot write.

    ``timeout`` (seconds) bounds connecting, each wait for a lock and each silence of the server. Raises
    ``MissingDriver``, ``Unreachable``, ``Refused``, ``TimedOut``.
    """
    try:
        import pymysql
        from pymysql.converters import encoders
    except ImportError:
        raise MissingDriver(
            f"{name}: the driver for MySQL is not installed (pip install 'policyproof[mysql]')"
        ) from None
    address = parsed(url, name, SCHEMES)
    options: dict[str, Any] = dict(address.query) | address.translate_connect_args(username="user")
    options |= {
        "connect_timeout": max(1, timeout),
        "read_timeout": timeout + 1,  # more than the server's own limit for locks, which answers better
        "write_timeout": timeout,
        "charset": "utf8mb4",
        "use_unicode": False,
        "conv": dict(encoders),
    }
    try:
        connection = pymysql.connect(**options)
    except pymysql.Error as error:
        raise failed(name, error) from None
    except TypeError:  # how PyMySQL answers an unknown option
        raise Unreachable(f"{name}: its address has an option that the driver does not know") from None
    link = Link(name, connection)
    try:
        link.begin(timeout)
        yield link
    finally:
        link.close()


class Link:
    """A session. What it raises is ours and begins with ``name``."""

    def __init__(self, name: str, connection: Any) -> None:
        self.name = name
        self.alive = True
        self._connection = connection
        self._reading = False

    def begin(self, timeout: float) -> None:
        """Begin the transaction, whatever the login's own settings are."""
        limit = "max_statement_time" if "mariadb" in self._connection.get_server_info().lower() else ""
        for statement in (
            "SET SESSION TRANSACTION READ ONLY",
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "SET SESSION time_zone = '+00:00', sql_mode = ''",
            f"SET SESSION lock_wait_timeout = {max(1, math.ceil(timeout))}, net_write_timeout = 600",
            f"SET SESSION {limit or 'max_execution_time'} = 0",  # reading a large table takes hours
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        ):
            self.rows(statement)

    def close(self) -> None:
        """Close the connection at once: what is still on its way is not waited for."""
        self._forget()
        if self._connection.open:
            self._connection.close()

    def rows(self, statement: str) -> Sequence[Row]:
        """Return the answer to one statement, all of it."""
        with self._told():
            self._drain()
            with self._connection.cursor() as cursor:
                cursor.execute(statement)
                found: Sequence[Row] = cursor.fetchall()
        return found

    def blocks(self, statement: str) -> Iterator[bytes]:
        """Yield the rows of a statement for one value of bytes each, in blocks of about ``BLOCK`` bytes.

        Raises ``Unreadable`` at a NULL: the server gives it where a row is larger than it may send.
        """
        rows: list[bytes] = []
        size = 0
        for row in self.values(statement):
            rows.append(row)
            size += len(row)
            if size >= BLOCK:
                yield joined(rows)
                rows.clear()
                size = 0
        if rows:
            yield joined(rows)

    def values(self, statement: str) -> Iterator[bytes]:
        """Yield the one value of each row; raises ``Unreadable`` at a NULL."""
        with self._told():
            self._drain()
            self._connection.query(statement, unbuffered=True)
            self._reading = True
            while (packet := self._packet()) is not None:
                first = packet[0]
                if first == _NULL:
                    raise Unreadable(f"{self.name}: a row is larger than the server may send")
                yield packet[_SIZED.get(first, 1) :]

    def _packet(self) -> bytes | None:
        """Return the next row as it was sent; ``None`` at the end."""
        read = self._connection._read_bytes
        header = read(4)
        size = header[0] | header[1] << 8 | header[2] << 16
        packet: bytes = read(size)
        while size == _LONGEST:
            header = read(4)
            size = header[0] | header[1] << 8 | header[2] << 16
            packet += read(size)
        if packet[0] == _END and len(packet) < 9:
            self._forget()
            return None
        if packet[0] == _ERROR:
            self._forget()
            from pymysql import OperationalError

            raise OperationalError(int.from_bytes(packet[1:3], "little"), "")
        return packet

    def _drain(self) -> None:
        """Take what is left of rows that a reader has seen enough of: PyMySQL cannot stop the server."""
        while self._reading and self._packet() is not None:
            pass

    def _forget(self) -> None:
        # PyMySQL would read all that is left when its result is collected; there is no public way out.
        self._reading = False
        if self._connection._result is not None:
            self._connection._result.unbuffered_active = False
            self._connection._result = None

    @contextmanager
    def _told(self) -> Iterator[None]:
        import pymysql

        try:
            yield
        except pymysql.Error as error:
            self._broken()
            raise failed(self.name, error) from None
        except (OSError, AttributeError):  # the connection was closed before
            self._broken()
            raise Unreachable(f"{self.name}: the connection dropped before the answer was complete") from None

    def _broken(self) -> None:
        if not self._connection.open:
            self.alive = False
            self._forget()
