"""Reading a whole table as text, row by row, in flat memory and with a count of what was read."""

from __future__ import annotations

import json
import random
import re
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from checks.connectors.sql_reflect import LiveColumn, Table
from checks.core.errors import Unreadable

LARGEST_PRINTED_KEY = 10**9  # larger numbers may be a phone or card number, so the ordinal is shown
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
NAME = re.compile(r"[A-Za-z_$@][A-Za-z0-9_$:-]{0,63}")

Batches = Iterator[Sequence[Sequence[Any]]]


def from_clause(table: Table) -> sa.TableClause:
    """Return ``table`` for a query, every name quoted."""
    quoted = sa.sql.quoted_name
    columns: list[sa.ColumnClause[Any]] = [
        sa.column(quoted(column.name, quote=True)) for column in table.columns
    ]
    schema = None if table.schema is None else quoted(table.schema, quote=True)
    return sa.table(quoted(table.bare, quote=True), *columns, schema=schema)


class TextScan:
    """The rows of a table in batches; ``rows`` counts what was read, ``bytes`` is its reader's to count.

    A table without a column that can hold text yields batches all the same: none of it is passed over.
    """

    def __init__(
        self,
        table: Table,
        dialect: str,
        stream: Callable[[sa.Executable], Batches],
        sample: tuple[float, int] | None = None,
    ) -> None:
        self.rows = 0
        self.bytes = 0
        self.columns = tuple(column for column in table.columns if column.text)
        self._table, self._dialect, self._stream, self._sample = table, dialect, stream, sample

    def batches(self) -> Generator[Sequence[Sequence[Any]], None, None]:
        """Yield the rows once, the key before the columns; of a sample, those that chance takes."""
        on_server = self._dialect == "postgresql"
        statement = select_cells(
            self._table, self.columns, self._dialect, self._sample if on_server else None
        )
        share, seed = self._sample or (1.0, 0)
        chance = random.Random(f"{seed} {self._table.name}")  # noqa: S311  no secret, but the same again
        for batch in self._stream(statement):
            if self._sample is not None and not on_server:
                batch = [row for row in batch if chance.random() < share]
            self.rows += len(batch)
            yield batch

    def texts(self, values: Sequence[Any]) -> Sequence[Any]:
        """Return of a row the values of ``columns``: text, bytes or ``None``."""
        return values[len(self._table.key) :] if self.columns else ()

    def label(self, values: Sequence[Any], before_last: int) -> str:
        """Return what a row is called; it stands ``before_last`` (0 or less) of all read so far."""
        return row_label(self._table.key, values, self.rows + before_last)


class PayloadScan:
    """Iterate once for ``(row, key paths)`` of each JSON value; ``rows`` counts what was read.

    Paths are those of the leaves: ``data.order_id``, ``items[].id``; an empty object or null ends
    its path. A key that is not shaped like a name (it may be a person's address) is ``<key>``.
    """

    def __init__(
        self,
        where: str,
        table: Table,
        column: LiveColumn,
        dialect: str,
        stream: Callable[[sa.Executable], Batches],
    ) -> None:
        self.rows = 0
        self._where, self._table, self._column = where, table, column
        self._dialect, self._stream = dialect, stream

    def __iter__(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield rows whose value is not NULL; ``Unreadable`` for a value that is not JSON."""
        statement = select_cells(self._table, (self._column,), self._dialect)
        keys = len(self._table.key)
        for batch in self._stream(statement):
            for values in batch:
                self.rows += 1
                if values[keys] is None:
                    continue
                label = row_label(self._table.key, values, self.rows)
                try:
                    document = json.loads(values[keys])
                except (ValueError, RecursionError, TypeError):
                    raise Unreadable(f"{self._where}: {label} is not JSON") from None
                yield label, key_paths(document)


def select_cells(
    table: Table, columns: Sequence[LiveColumn], dialect: str, sample: tuple[float, int] | None = None
) -> sa.Select[*tuple[Any, ...]]:
    """Select the key columns, then ``columns`` as text cast on the server (bytes stay bytes).

    ``sample`` is a share of the rows and the seed that chooses them, for PostgreSQL's TABLESAMPLE.
    """
    source: sa.FromClause = from_clause(table)
    if sample is not None:
        percent: sa.ColumnElement[Any] = sa.literal_column(repr(100 * sample[0]))
        seed: sa.ColumnElement[Any] = sa.literal_column(repr(sample[1]))
        source = sa.tablesample(source, sa.func.bernoulli(percent), seed=seed)
    chosen: list[sa.ColumnElement[Any]] = [source.c[name] for name in table.key]
    for number, column in enumerate(columns):
        value: sa.ColumnElement[Any] = source.c[column.name]
        if dialect != "sqlite" and not column.binary:
            value = sa.cast(value, sa.Text)
        chosen.append(value.label(f"value_{number}"))
    return sa.select(*(chosen or [sa.literal(1)])).select_from(source)


def row_label(key: Sequence[str], values: Sequence[Any], ordinal: int) -> str:
    """Return the primary key if it is small integers or UUIDs, else the ordinal."""
    parts = []
    for name, value in zip(key, values, strict=False):
        small = isinstance(value, int) and abs(value) < LARGEST_PRINTED_KEY
        if not (small or isinstance(value, uuid.UUID) or (isinstance(value, str) and UUID.fullmatch(value))):
            return f"row {ordinal}"
        parts.append(f"{name}={value}")
    return ",".join(parts) or f"row {ordinal}"


def key_paths(document: Any) -> tuple[str, ...]:
    """Return the distinct leaf paths of a JSON document, in the order met."""
    found: dict[str, None] = {}
    waiting: list[tuple[str, Any]] = [("", document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict) and value:
            inner = [(f"{path}.{_name(key)}" if path else _name(key), item) for key, item in value.items()]
            waiting.extend(reversed(inner))
        elif isinstance(value, list) and value:
            waiting.extend((f"{path}[]", item) for item in reversed(value))
        elif path:
            found[f"{path}[]" if isinstance(value, list) else path] = None
    return tuple(found)


def _name(key: str) -> str:
    return key if NAME.fullmatch(key) else "<key>"
