"""PostgreSQL as a source: every table of one database that the login may read, and large objects.

COPY sends rows as text, ``FIELD`` between the values, so that nothing is done here for a row. Within a
value COPY writes a line feed as backslash and n. A value that is large, or a file, is left out of its
row; what stands in its place says where it lies, and it is read afterwards, as bytes.

Not read: the system's own schemas, views (they hold nothing), other databases of the server.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from checks.connectors.files import printable
from checks.core.errors import NotAssessed
from checks.scanner.chunks import file_of, nested
from checks.scanner.expand import expand, skipped
from checks.scanner.formats import HEAD, format_of
from checks.scanner.live import LARGE, PIECE, TIMEOUT, Choice, share
from checks.scanner.live_postgres_link import Link, connected
from checks.scanner.live_postgres_tables import Column, Relation, relations
from checks.scanner.source import BLOCK, Budget, Item, Limits, Skipped, Stream, Table

_SHORTEST_FILE = 21  # bytes; what is shorter is a number, a UUID or a digest
_STORED = 2**16  # bytes as stored; compressed up to 255 to 1, so what is smaller is not much over LARGE
_MANY_PAGES = 2**27  # bytes; a table as large is sampled page by page
_MARK = "\x1e"
# Column, page, item, table's number; then the value, if it is here, as COPY writes bytea.
_MARKED = re.compile(
    rb"\x1e(\d+)\((\d+),(\d+)\)(\d+);(?:\\\\x([0-9a-f]{%d,%d}))?" % (2 * _SHORTEST_FILE, 2 * HEAD)
)
_ESCAPED_FIELD = re.compile(rb"(?<!\\)((?:\\\\)*)\\\x1f")
_OBJECTS = "large objects"


def items(
    url: str,
    *,
    name: str,
    tables: Sequence[str] | None = None,
    sample: float | None = None,
    seed: int = 0,
    timeout: float = TIMEOUT,
) -> Iterator[Item]:
    """Yield the tables of the database at ``url``, as ``name!schema.table``, and its large objects.

    ``tables`` chooses some (``schema.table``, ``table``, ``large objects``). ``sample`` is a share of
    the rows of each, the same ones for the same ``seed``; large tables are sampled page by page.
    ``timeout`` (seconds) bounds connecting, waiting for a lock, and each silence. Raises
    ``NotAssessed`` if there is no connection, or no longer one.
    """
    part = share(sample)
    choice = Choice(tables)
    with connected(url, name, timeout) as link:
        for relation in relations(link):
            if not choice.takes(relation.schema, relation.table):
                continue
            shown = nested(name, f"{relation.schema}.{relation.table}")
            if relation.reason:
                yield Skipped(shown, relation.reason)
            if relation.source:
                yield from _relation(link, shown, relation, part, seed)
        if choice.takes("", _OBJECTS):
            yield from _large_objects(link, nested(name, _OBJECTS), part, seed)
        yield from choice.missing(name)


@dataclass(slots=True)
class _Rows:
    """A table being read. ``apart`` holds where values lie that were left out: four numbers for each."""

    link: Link
    columns: tuple[Column, ...]
    relation: Relation
    sampling: str
    may_be_large: bool
    apart: array[int] = field(default_factory=lambda: array("q"))

    def blocks(self) -> Iterator[bytes]:
        """Yield blocks of whole rows; raises ``NotAssessed``."""
        values = [self._value(number, column) for number, column in enumerate(self.columns)]
        query = f"SELECT {', '.join(values)} FROM {self.relation.source}{self.sampling}"  # noqa: S608
        if self.relation.where:
            query += f" WHERE {self.relation.where}"
        for block in self.link.copy(f"COPY ({query}) TO STDOUT (FORMAT text, DELIMITER E'\\x1f', NULL '')"):
            if _MARK.encode() in block:
                self._note(block)
            yield _ESCAPED_FIELD.sub(rb"\1 ", block) if b"\\\x1f" in block else block

    def _value(self, number: int, column: Column) -> str:
        """Return the expression for a column: the value, or where it lies, or both."""
        quoted = column.quoted
        where = f"E'\\x1e{number}' || ctid || tableoid || ';'"
        if column.kind == "bytes":
            return (
                f"CASE WHEN octet_length({quoted}) < {_SHORTEST_FILE} THEN {quoted}::text"
                f" WHEN octet_length({quoted}) <= {LARGE} THEN {where} || {quoted}::text"
                f" WHEN {quoted} IS NOT NULL THEN {where} END"
            )
        if column.kind == "fixed" or not self.may_be_large:
            return quoted
        large = f"octet_length({quoted}) > {LARGE}"
        if column.kind == "other":
            large = f"pg_column_size({quoted}) > {_STORED} AND octet_length({quoted}::text) > {LARGE}"
        return f"CASE WHEN {large} THEN {where} ELSE {quoted}::text END"

    def _note(self, block: bytes) -> None:
        """Remember what was left out, and what is a file; a value that only looks like a mark is neither."""
        for number, page, item, table, head in _MARKED.findall(block):
            column = int(number)
            if column >= len(self.columns) or self.columns[column].kind == "fixed":
                continue
            if not head or format_of(bytes.fromhex(head.decode()), "") is not None:
                self.apart.extend((column, int(page), int(item), int(table)))

    def values(self, shown: str) -> Iterator[Item]:
        """Yield what was left out: files by what they hold, other values as streams."""
        for at in range(0, len(self.apart), 4):
            number, page, item, table = self.apart[at : at + 4]
            column = self.columns[number]
            # The place names the row: its key may be a number of the kind that is looked for.
            part = f"{shown}, column {printable(column.name)}, row ({page},{item})"
            value = column.quoted if column.kind == "bytes" else f"{column.quoted}::text"
            if column.kind != "bytes":
                value = f"convert_to({value}, getdatabaseencoding()::name)"
            source = f"{self.relation.source} WHERE ctid = '({page},{item})' AND tableoid = {table}"
            pieces = _pieces(self.link, f"substr({value}, {{start}}, {{size}})", f" FROM {source}")
            if column.kind == "bytes":
                yield from expand(part, file_of(pieces), Budget(Limits()))
            else:
                yield Stream(part, pieces)


def _relation(link: Link, shown: str, relation: Relation, part: float | None, seed: int) -> Iterator[Item]:
    try:
        link.renew()
        found = relation.columns(link)
        size, outside = relation.sizes(link)
    except NotAssessed as error:
        if not link.alive:
            raise
        yield Skipped(shown, skipped(link.name, error).reason)
        return
    hidden = [printable(column.name) for column in found if not column.readable]
    if hidden:
        yield Skipped(f"{shown}, column {', '.join(hidden)}"[:500], "may not be read by this role")
    columns = tuple(column for column in found if column.readable)
    key = tuple(printable(column.name) for column in columns if column.in_key)
    rest = tuple(printable(column.name) for column in columns if not column.in_key)
    sampling = ""
    if part is not None:
        method = "SYSTEM" if size > _MANY_PAGES else "BERNOULLI"
        sampling = f" TABLESAMPLE {method} ({part * 100}) REPEATABLE ({seed})"
    rows = _Rows(link, columns, relation, sampling, bool(outside or relation.where))
    blocks = rows.blocks() if columns and relation.populated else iter(())
    yield Table(shown, key, rest, blocks)
    yield from rows.values(shown)


def _pieces(link: Link, value: str, source: str) -> Iterator[bytes]:
    """Yield a value of bytes piece by piece; raises ``NotAssessed``."""
    link.renew()
    start = 1
    while True:
        query = f"SELECT {value.format(start=start, size=PIECE)}{source}"
        found = link.rows(query, binary=True)
        piece = (found[0][0] if found else None) or b""
        for at in range(0, len(piece), BLOCK):
            yield piece[at : at + BLOCK]
        if len(piece) < PIECE:
            return
        start += PIECE


def _large_objects(link: Link, shown: str, part: float | None, seed: int) -> Iterator[Item]:
    """Yield each large object by what it holds; those of other roles, without a grant, are counted."""
    link.renew()
    sampling = "" if part is None else f" TABLESAMPLE BERNOULLI ({part * 100}) REPEATABLE ({seed})"
    query = f"""
        SELECT m.oid, current_setting('lo_compat_privileges')::bool OR pg_has_role(m.lomowner, 'USAGE')
         OR (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
         OR EXISTS (SELECT FROM aclexplode(m.lomacl) a WHERE a.privilege_type = 'SELECT'
          AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))
        FROM pg_catalog.pg_largeobject_metadata m{sampling} ORDER BY m.oid"""  # noqa: S608
    refused = 0
    for number, readable in link.rows(query):
        if readable != b"t" or number is None:
            refused += 1
            continue
        call = f"lo_get({int(number)}, {{start}} - 1, {{size}})"
        yield from expand(f"{shown} {int(number)}", file_of(_pieces(link, call, "")), Budget(Limits()))
    if refused:
        yield Skipped(shown, f"{refused} may not be read by this role")
