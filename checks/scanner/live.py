"""What live databases share as sources: their address, the choice of tables, rows into blocks, errors.

Every source reads in one session that cannot write, and opens its connection once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from checks.connectors.sql_errors import refusal
from checks.core.errors import NotAssessed, Unreachable, Unreadable
from checks.scanner.chunks import nested
from checks.scanner.source import Skipped

TIMEOUT = 30.0
"""Seconds allowed for connecting, and for each silence of a server afterwards."""
LARGE = 2**20
"""Bytes of a value. What is larger is left out of its row and read apart, piece by piece."""
PIECE = 2**23
"""Bytes of a large value that are asked for at once."""


class Choice:
    """The tables to read, named as ``schema.table`` or ``table``; all if ``tables`` is ``None``."""

    def __init__(self, tables: Sequence[str] | None) -> None:
        self._left = None if tables is None else dict.fromkeys(tables)
        self._named = frozenset(tables or ())

    def takes(self, schema: str, table: str) -> bool:
        """Whether a table is to be read."""
        if self._left is None:
            return True
        names = self._named & {f"{schema}.{table}" if schema else table, table}
        for name in names:
            self._left.pop(name, None)
        return bool(names)

    def missing(self, name: str) -> Iterator[Skipped]:
        """Yield, of the source ``name``, what was asked for and never seen."""
        for table in self._left or ():
            yield Skipped(nested(name, table), "is not there, or may not be seen by this login")


def parsed(url: str, name: str, schemes: Sequence[str]) -> sa.URL:
    """Return an address of one of ``schemes``; a driver after ``+`` is dropped. Raises ``Unreachable``."""
    try:
        address = sa.make_url(url)
        scheme = address.get_backend_name()
    except (sa.exc.ArgumentError, ValueError):
        raise Unreachable(f"{name}: its address is not a URL such as {schemes[0]}://user@host/name") from None
    if scheme not in schemes:
        raise Unreachable(f"{name}: its address does not begin with {schemes[0]}://")
    return address.set(drivername=scheme)


def share(sample: float | None) -> float | None:
    """Return ``sample`` if it is a share of the rows, above 0 and below 1, and ``None`` for all of them.

    Raises ``ValueError`` if it is neither.
    """
    if sample is None or sample == 1:
        return None
    if not 0 < sample < 1:
        raise ValueError("a sample is a share of the rows, above 0 and at most 1")
    return sample


def failed(name: str, error: BaseException) -> NotAssessed:
    """Return what a driver raised as one of our errors, without a word of the driver's."""
    return refusal(name, error) or Unreadable(f"{name}: the server could not answer the query")


def joined(rows: Sequence[bytes]) -> bytes:
    """Return ``rows`` as one block; a line feed within a row becomes a space."""
    block = b"\n".join(rows) + b"\n"
    if block.count(b"\n") != len(rows):
        block = b"\n".join([row.replace(b"\n", b" ") for row in rows]) + b"\n"
    return block
