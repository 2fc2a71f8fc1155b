"""Which tables a PostgreSQL database has, what keeps this role from reading them, and their columns."""

from __future__ import annotations

from dataclasses import dataclass, replace

from checks.scanner.live_postgres_link import Link

_FOREIGN = "is a foreign table: its rows are stored elsewhere"
_OTHERS = "is a temporary table of another session"
_REFUSED = "may not be read by this role"
_MASKED = "row-level security hides rows of it from this role"
_BELOW = "may be read only through a table that also has foreign partitions"

# Statements go through SET LOCAL: what they name is looked up in pg_catalog first.
_RELATIONS = """
SELECT c.oid, n.nspname, c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relkind,
 c.relpersistence = 't' AND n.oid <> pg_my_temp_schema(), c.relispopulated, row_security_active(c.oid),
 has_schema_privilege(n.oid, 'USAGE')
  AND (has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT')),
 c.relispartition
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
ORDER BY n.nspname, c.relname"""

# Asked for one table at a time: it waits for whoever locks the table.
_SIZE = """
SELECT pg_relation_size(c.oid), coalesce(pg_relation_size(nullif(c.reltoastrelid, 0)), 0)
FROM pg_catalog.pg_class c WHERE c.oid = {oid}"""

# The highest table that a partition lies below and that may be read.
_ABOVE = """
SELECT c.oid, n.nspname, c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
 row_security_active(c.oid), EXISTS (SELECT FROM pg_partition_tree(c.oid) t
  JOIN pg_catalog.pg_class f ON f.oid = t.relid WHERE f.relkind = 'f')
FROM pg_partition_ancestors({oid}) WITH ORDINALITY AS a(oid, height)
JOIN pg_catalog.pg_class c ON c.oid = a.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid <> {oid} AND has_schema_privilege(n.oid, 'USAGE')
 AND (has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'))
ORDER BY a.height DESC LIMIT 1"""

_COLUMNS = """
SELECT a.attname, quote_ident(a.attname), has_column_privilege(a.attrelid, a.attnum, 'SELECT'),
 array_position(i.indkey::int2[], a.attnum) IS NOT NULL,
 CASE WHEN t.oid = 17 OR t.typbasetype = 17 THEN 'bytes' WHEN t.typlen <> -1 THEN 'fixed'
  WHEN t.typcategory = 'S' THEN 'text' ELSE 'other' END
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
WHERE a.attrelid = {oid} AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY array_position(i.indkey::int2[], a.attnum), a.attnum"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column. ``kind`` is ``bytes``, ``text``, ``other`` (of variable size) or ``fixed``."""

    name: str
    quoted: str
    readable: bool
    in_key: bool
    kind: str


@dataclass(frozen=True, slots=True)
class Relation:
    """A table. ``source`` is what to read from, empty if it may not be; ``reason`` is what is missing.

    ``where``, if any, chooses among the rows.
    """

    oid: int
    schema: str
    table: str
    source: str
    where: str = ""
    reason: str = ""
    populated: bool = True

    def columns(self, link: Link) -> tuple[Column, ...]:
        """Return the columns, those of the primary key first; raises ``NotAssessed``."""
        found = link.rows(_COLUMNS.format(oid=self.oid))
        return tuple(
            Column(_text(name), _text(quoted), readable == b"t", in_key == b"t", _text(kind))
            for name, quoted, readable, in_key, kind in found
        )

    def sizes(self, link: Link) -> tuple[int, int]:
        """Return its bytes, and those of values that lie outside its own pages; of itself alone.

        Raises ``NotAssessed``.
        """
        found = link.rows(_SIZE.format(oid=self.oid))
        return (_number(found[0][0]), _number(found[0][1])) if found else (0, 0)


def relations(link: Link) -> list[Relation]:
    """Return every table, leaf of a partitioned table and materialized view; raises ``NotAssessed``.

    Leaves that this role may read only through a table above them are read there, all at once.
    """
    found: list[Relation] = []
    leaves: dict[int, list[int]] = {}
    above: dict[int, Relation] = {}
    for row in link.rows(_RELATIONS):
        oid, schema, table, quoted, kind, others, populated, masked, readable, leaf = row
        one = Relation(
            _number(oid), _text(schema), _text(table), f"ONLY {_text(quoted)}",
            reason=_MASKED if masked == b"t" else "", populated=populated == b"t",
        )  # fmt: skip
        if kind == b"f":
            one = replace(one, source="", reason=_FOREIGN)
        elif others == b"t":
            one = replace(one, source="", reason=_OTHERS)
        elif readable != b"t":
            parent = _above(link, one) if leaf == b"t" else None
            if parent is not None and parent.source:
                above[parent.oid] = parent
                leaves.setdefault(parent.oid, []).append(one.oid)
                continue
            one = replace(one, source="", reason=parent.reason if parent else _REFUSED)
        found.append(one)
    for number, parent in above.items():
        found.append(replace(parent, where=f"tableoid IN ({', '.join(map(str, leaves[number]))})"))
    return found


def _above(link: Link, leaf: Relation) -> Relation | None:
    """Return the table through which ``leaf`` may be read, if there is one; without ``source`` if not all."""
    for oid, schema, table, quoted, masked, foreign in link.rows(_ABOVE.format(oid=leaf.oid)):
        one = Relation(_number(oid), _text(schema), _text(table), _text(quoted))
        if foreign == b"t":  # reading it would ask another server
            return replace(one, source="", reason=_BELOW)
        return replace(one, reason=_MASKED if masked == b"t" else "")
    return None


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "surrogateescape")


def _number(value: bytes | None) -> int:
    return int(value or 0)
