"""How old the rows of a table are: a date column of any dialect and type as seconds since 1970."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import DATETIME

from checks.connectors.sql_reflect import LiveColumn

JULIAN_EPOCH = 2440587.5  # the Julian day on which 1970 began
JULIAN_LAST = 5373484.5  # the last one SQLite knows


@dataclass(frozen=True, slots=True)
class Age:
    """How old rows are: ``overdue`` of ``rows`` are older than asked, ``undated`` have no date."""

    rows: int
    oldest: datetime | None
    overdue: int
    undated: int

    @property
    def marked(self) -> Age:
        """The same, of the dated rows alone."""
        return Age(self.rows - self.undated, self.oldest, self.overdue, 0)


def aggregate(
    dialect: str, table: sa.FromClause, live: LiveColumn, before: datetime
) -> sa.Select[*tuple[Any, ...]]:
    """Return one query: rows, oldest second, overdue, undated, unparsable."""
    column: sa.ColumnElement[Any] = table.c[live.name]
    seconds = {"postgresql": _postgres, "sqlite": _sqlite}.get(dialect, _mysql)(column, live.type.lower())
    return sa.select(
        sa.func.count(),
        sa.func.min(seconds),
        _count_if(seconds < before.timestamp()),
        _count_if(column.is_(None)),
        _count_if(column.is_not(None) & seconds.is_(None)),
    ).select_from(table)


def moment(seconds: float | None) -> datetime | None:
    """Return seconds since 1970 as a time in UTC; ``ValueError`` if no calendar has it."""
    if seconds is None:
        return None
    seconds = float(seconds)
    if not math.isfinite(seconds):
        raise ValueError("infinite")
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError):
        raise ValueError("out of range") from None


def _count_if(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.count(sa.case((condition, 1)))


def _epoch(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Read a number as seconds, milli-, micro- or nanoseconds, told by its size."""
    size = sa.func.abs(column)
    return sa.case(
        (size < 1e11, column * 1.0),
        (size < 1e14, column / 1e3),
        (size < 1e17, column / 1e6),
        else_=column / 1e9,
    )


def _postgres(column: sa.ColumnElement[Any], type_: str) -> sa.ColumnElement[Any]:
    if type_.startswith(("int", "bigint", "numeric", "double", "real")) and type_ != "interval":
        return _epoch(sa.cast(column, sa.Double))
    # A timestamp without zone counts as UTC; text is read by the server, whose session is in UTC.
    if not type_.startswith(("date", "timestamp")):
        column = sa.cast(column, sa.TIMESTAMP(timezone=True))
    return sa.cast(sa.extract("epoch", column), sa.Double)


def _mysql(column: sa.ColumnElement[Any], type_: str) -> sa.ColumnElement[Any]:
    if type_.startswith(("int", "bigint", "decimal", "double", "float")):
        return _epoch(column)
    if not type_.startswith(("date", "timestamp")):
        column = sa.cast(column, DATETIME(fsp=6))
    unit: sa.ColumnElement[Any] = sa.literal_column("MICROSECOND")
    # NULL for a zero date or a text that is none, which the caller counts as unparsable.
    return sa.func.timestampdiff(unit, sa.literal_column("'1970-01-01'"), column, type_=sa.Double) / 1e6


def _sqlite(column: sa.ColumnElement[Any], _: str) -> sa.ColumnElement[Any]:
    kind = sa.func.typeof(column)
    # GLOB keeps out 'now', times without a day and bare Julian days in text.
    dated = column.op("GLOB")("[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*")
    return sa.case(
        ((kind == "real") & (column < JULIAN_LAST), (column - JULIAN_EPOCH) * 86400.0),
        (kind.in_(("integer", "real")), _epoch(column)),
        (dated, sa.func.round((sa.func.julianday(column) - JULIAN_EPOCH) * 86400.0, 3)),
    )
