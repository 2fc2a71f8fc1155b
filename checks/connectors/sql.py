"""A SQL database as read-only views, and one table of it; nothing is written, no raw error leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from fnmatch import fnmatchcase
from typing import ClassVar, Self

import sqlalchemy as sa

from checks.connectors import sql_grants
from checks.connectors.sql_clock import Age, aggregate, moment
from checks.connectors.sql_grants import Privilege, Role
from checks.connectors.sql_link import Link, connect
from checks.connectors.sql_reflect import LiveColumn, Table, reflect
from checks.connectors.sql_scan import PayloadScan, TextScan, from_clause
from checks.core.errors import Unreachable, Unreadable, nearest
from checks.core.model import Dataset, Store, Target

__all__ = [
    "Age",
    "LiveColumn",
    "PayloadScan",
    "Privilege",
    "Role",
    "SqlDataset",
    "SqlStore",
    "Table",
    "TextScan",
]


class SqlStore:
    """A database through a read-only session; table names are bare in the default schema."""

    kind: ClassVar[str] = "sql"

    def __init__(self, target: Target, link: Link) -> None:
        assert isinstance(target.spec, Store)  # noqa: S101  the inventory builds them together
        self.target = target
        self.store = target.spec
        self.dialect = link.dialect
        self._link = link
        self._tables: Mapping[str, Table] | None = None

    @classmethod
    @contextmanager
    def open(cls, target: Target, *, timeout: float = 10.0) -> Iterator[Self]:
        """Yield the store once it answers; ``timeout`` (seconds) bounds connecting and each answer."""
        if target.address is None:
            raise Unreachable(f"{target.id}: has no address")
        with connect(f"{target.id} ({target.address})", target.address.reveal(), timeout) as link:
            yield cls(target, link)

    @property
    def has_roles(self) -> bool:
        """Whether this kind of database has logins and grants at all."""
        return self.dialect != "sqlite"

    def tables(self) -> Mapping[str, Table]:
        """Return every table by name, from one bulk query at the first call."""
        if self._tables is None:
            self._tables = reflect(self._link)
        return self._tables

    def ignores(self, table: str) -> bool:
        """Whether the inventory says that ``table`` is none of ours to declare (``ignore``)."""
        return any(fnmatchcase(table, pattern) for pattern in self.store.ignore)

    def count(self, table: str) -> int:
        """Return the number of rows of a table."""
        statement = sa.select(sa.func.count()).select_from(from_clause(self._table(table)))
        return int(self._link.rows(statement)[0][0])

    def age(self, table: str, column: str, before: datetime) -> Age:
        """Return how old rows are by a date ``column``, from one query; zoneless dates count as UTC.

        Dates, timestamps, ISO text and numbers since 1970 (seconds to nanoseconds, told by size)
        are read; ``Unreadable`` for any other value.
        """
        found = self._table(table)
        live = self._column(found, column)
        statement = aggregate(self.dialect, from_clause(found), live, before)
        rows, oldest, overdue, undated, unparsable = self._link.rows(statement)[0]
        where = f"{self.target.id}: column {table}.{column}"
        if unparsable:
            raise Unreadable(f"{where} holds {unparsable} values that are no date")
        try:
            return Age(int(rows), moment(oldest), int(overdue), int(undated))
        except ValueError:
            raise Unreadable(f"{where} holds a date that no calendar has") from None

    def marked(self, table: str, column: str, before: datetime) -> Age:
        """Return the age of the rows whose ``column`` is not NULL; ``rows`` counts only these."""
        return self.age(table, column, before).marked

    def text_rows(self, table: str, sample: tuple[float, int] | None = None) -> TextScan:
        """Return a scan of every column of a table that can hold text, from one streamed query.

        ``sample`` is a share of the rows and the seed that chooses them.
        """
        return TextScan(self._table(table), self.dialect, self._link.stream, sample)

    def payload_keys(self, table: str, column: str) -> PayloadScan:
        """Return a scan of the JSON keys in a column."""
        found = self._table(table)
        live = self._column(found, column)
        where = f"{self.target.id}: column {table}.{column}"
        return PayloadScan(where, found, live, self.dialect, self._link.stream)

    def roles(self) -> tuple[Role, ...]:
        """Return every role; none where ``has_roles`` is false."""
        return sql_grants.roles(self._link)

    def grants(self) -> tuple[Privilege, ...]:
        """Return what each login role may do with each table; see :mod:`checks.connectors.sql_grants`."""
        return sql_grants.grants(self._link)

    def _table(self, name: str) -> Table:
        tables = self.tables()
        if name not in tables:
            raise Unreadable(f"{self.target.id}: has no table {name}{nearest(name, tables)}")
        return tables[name]

    def _column(self, table: Table, name: str) -> LiveColumn:
        column = table.column(name)
        if column is None:
            names = [known.name for known in table.columns]
            raise Unreadable(
                f"{self.target.id}: table {table.name} has no column {name}{nearest(name, names)}"
            )
        return column


class SqlDataset:
    """One table of a store, over the store's own connection."""

    kind: ClassVar[str] = "dataset"

    def __init__(self, target: Target, store: SqlStore) -> None:
        assert isinstance(target.spec, Dataset)  # noqa: S101  the inventory builds them together
        self.target = target
        self.dataset = target.spec
        self.store = store

    def count(self) -> int:
        """Return the number of rows."""
        return self.store.count(self.dataset.table)

    def age(self, before: datetime) -> Age:
        """Return how old rows are by the column that starts the retention clock."""
        clock = self.dataset.retention.clock if self.dataset.retention else None
        if clock is None:
            raise Unreadable(f"{self.target.id}: the inventory names no column that starts the clock")
        return self.store.age(self.dataset.table, clock, before)

    def marked(self, before: datetime) -> Age:
        """Return the age of the rows marked deleted, by the erasure column."""
        if self.dataset.erasure is None:
            raise Unreadable(f"{self.target.id}: the inventory names no column that marks erasure")
        return self.store.marked(self.dataset.table, self.dataset.erasure.column, before)

    def text_rows(self) -> TextScan:
        """Return a scan of every column that can hold text."""
        return self.store.text_rows(self.dataset.table)

    def payload_keys(self, column: str) -> PayloadScan:
        """Return a scan of the JSON keys in a column."""
        return self.store.payload_keys(self.dataset.table, column)
