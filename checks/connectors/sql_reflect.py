"""Every table and column of a database in one bulk query: never one query a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from checks.connectors.sql_link import Link
from checks.core.errors import Refused

CARD_DIGITS = 13  # the shortest card number; a number column this wide can hold one


@dataclass(frozen=True, slots=True)
class LiveColumn:
    """A column as the database has it.

    ``text``: its values can hold free text or a card number (also JSON, arrays, wide numbers and
    bytes); floating point is not among them. ``binary``: the values are bytes.
    """

    name: str
    type: str
    comment: str | None
    text: bool
    json: bool = False
    array: bool = False
    binary: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table, partitioned table (its parts are not listed) or materialized view."""

    name: str  # bare in the default schema, else "schema.table"
    comment: str | None
    columns: tuple[LiveColumn, ...]
    key: tuple[str, ...]  # primary key
    schema: str | None = None
    bare: str = ""

    def column(self, name: str) -> LiveColumn | None:
        """Return the column called ``name``, or ``None``."""
        return next((column for column in self.columns if column.name == name), None)


POSTGRES = """
WITH RECURSIVE domains(oid, base, mod) AS (
  SELECT oid, typbasetype, typtypmod FROM pg_type WHERE typtype = 'd'
  UNION ALL
  SELECT d.oid, t.typbasetype, CASE WHEN d.mod = -1 THEN t.typtypmod ELSE d.mod END
  FROM domains d JOIN pg_type t ON t.oid = d.base AND t.typtype = 'd'
), bases AS (
  SELECT d.* FROM domains d JOIN pg_type t ON t.oid = d.base AND t.typtype <> 'd'
)
SELECT n.nspname AS schema, c.relname AS bare, td.description AS remark, a.attname AS name,
  format_type(a.atttypid, a.atttypmod) AS type, ad.description AS comment, t.typname AS base,
  t.typcategory AS category, t.typtype AS sort, e.typname AS element, e.typcategory AS element_category,
  e.typtype AS element_sort,
  CASE WHEN a.atttypmod = -1 THEN COALESCE(b.mod, -1) ELSE a.atttypmod END AS mod,
  1 + array_position(i.indkey::int2[], a.attnum) AS key
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN bases b ON b.oid = a.atttypid
LEFT JOIN pg_type t ON t.oid = COALESCE(b.base, a.atttypid)
LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
LEFT JOIN pg_description td ON td.objoid = c.oid AND td.classoid = 'pg_class'::regclass AND td.objsubid = 0
LEFT JOIN pg_description ad
  ON ad.objoid = c.oid AND ad.classoid = 'pg_class'::regclass AND ad.objsubid = a.attnum
WHERE c.relkind IN ('r', 'p', 'm', 'f') AND NOT c.relispartition
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%'
ORDER BY n.nspname, c.relname, a.attnum
"""
MYSQL = """
SELECT NULL AS `schema`, t.table_name AS bare, t.table_comment AS remark, c.column_name AS name,
  c.column_type AS type, c.column_comment AS comment, c.data_type AS base,
  c.numeric_precision AS wide, c.numeric_scale AS scale, k.ordinal_position AS `key`
FROM information_schema.tables t
JOIN information_schema.columns c ON c.table_schema = t.table_schema AND c.table_name = t.table_name
LEFT JOIN information_schema.key_column_usage k ON k.table_schema = t.table_schema
  AND k.table_name = t.table_name AND k.column_name = c.column_name AND k.constraint_name = 'PRIMARY'
WHERE t.table_schema = DATABASE() AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
ORDER BY t.table_name, c.ordinal_position
"""
MYSQL_OWN = """
(
  SELECT grantee, NULL AS `schema` FROM information_schema.user_privileges WHERE privilege_type = 'SELECT'
  UNION ALL
  SELECT grantee, table_schema FROM information_schema.schema_privileges WHERE privilege_type = 'SELECT'
) own JOIN (SELECT CURRENT_ROLE() AS role) me ON grantee IN (
  CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), ''''),
  CONCAT('''', role, '''@'''''), REPLACE(role, '`', '''')
)
"""
SQLITE = """
SELECT NULL AS schema, m.name AS bare, NULL AS remark, x.name AS name, x.type AS type,
  NULL AS comment, x.pk AS key
FROM sqlite_master m JOIN pragma_table_xinfo(m.name) x ON x.hidden <> 1
WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
ORDER BY m.name, x.cid
"""
POSTGRES_CLOSED = frozenset("BDTGIR")  # bool, date, interval, geometry, network, range: no free text
POSTGRES_WIDE = frozenset({"int8", "numeric"})
MYSQL_TEXT = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "json", "set"})
MYSQL_BINARY = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})


def reflect(link: Link) -> Mapping[str, Table]:
    """Return every table by name; ``Refused`` if the login would see only a part of them."""
    if link.dialect == "postgresql":
        return _tables(link.stream(sa.text(POSTGRES)), _postgres_column, default="public")
    if link.dialect == "sqlite":
        return _tables(link.stream(sa.text(SQLITE)), _sqlite_column)
    if not mysql_sees_all(link, sa.func.database()):
        raise Refused(f"{link.target_id}: the login sees only some tables; it needs SELECT on the database")
    return _tables(link.stream(sa.text(MYSQL)), _mysql_column)


def mysql_sees_all(link: Link, schema: sa.ColumnElement[Any]) -> bool:
    """Whether the login may read all of ``schema``: information_schema leaves out the rest silently."""
    return bool(
        link.rows(
            sa.select(sa.func.count())
            .select_from(sa.text(MYSQL_OWN))
            .where(sa.or_(sa.column("schema").is_(None), schema.op("LIKE")(sa.column("schema"))))
        )[0][0]
    )


def _tables(batches: Iterable[Sequence[Any]], read: Any, default: str | None = None) -> dict[str, Table]:
    """Group rows (schema, bare, remark, a column's cells …, key) of all tables, in order."""
    rows = (row for batch in batches for row in batch)
    seen: dict[Any, LiveColumn] = {}  # ten thousand tables share most of their columns
    tables = {}
    for (schema, bare), group in groupby(rows, key=lambda row: row[:2]):
        columns, keyed, remark = [], [], None
        for row in group:
            remark = row.remark
            if row.name is None:  # a table without columns
                continue
            cells = row[3:-1]
            if cells not in seen:
                seen[cells] = read(row)
            columns.append(seen[cells])
            if row.key:
                keyed.append((row.key, row.name))
        name = bare if schema in (None, default) else f"{schema}.{bare}"
        key = tuple(column for _, column in sorted(keyed))
        tables[name] = Table(name, remark or None, tuple(columns), key, schema, bare)
    return tables


def _postgres_column(row: Any) -> LiveColumn:
    array = row.category == "A" and row.element is not None
    base, category, sort = (
        (row.element, row.element_category, row.element_sort) if array else (row.base, row.category, row.sort)
    )
    if sort == "d":  # an array of a domain: not resolved, so taken for the widest
        text = True
    elif sort == "e" or base == "uuid":
        text = False
    elif category == "N":
        text = base in POSTGRES_WIDE and (base != "numeric" or _numeric_digits(row.mod) >= CARD_DIGITS)
    else:
        text = category not in POSTGRES_CLOSED
    is_json = not array and base in ("json", "jsonb")
    return LiveColumn(row.name, row.type, row.comment, text, is_json, array, not array and base == "bytea")


def _numeric_digits(mod: int) -> int:
    """Digits before the point that a numeric of this type modifier can hold."""
    if mod < 4:
        return 131_072
    precision, scale = (mod - 4) >> 16 & 0xFFFF, (mod - 4) & 0x7FF
    return precision - (scale - 2048 if scale >= 1024 else scale)


def _mysql_column(row: Any) -> LiveColumn:
    base = row.base.lower()
    binary = base in MYSQL_BINARY
    wide = base in ("bigint", "decimal") and (row.wide or 0) - (row.scale or 0) >= CARD_DIGITS
    text = base in MYSQL_TEXT or binary or wide
    # MariaDB keeps JSON as longtext with a check; the declared type is gone, so ``json`` is MySQL's only.
    return LiveColumn(row.name, row.type, row.comment or None, text, base == "json", False, binary)


def _sqlite_column(row: Any) -> LiveColumn:
    # SQLite types are advice: any column may hold any text or number.
    declared = row.type.upper()
    return LiveColumn(row.name, row.type, None, True, "JSON" in declared, False, "BLOB" in declared)
