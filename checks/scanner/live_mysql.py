"""MySQL and MariaDB as a source: every table that the login may read, of one database or of all.

The server joins the values of a row, so that little is done here for a row. Columns of text come in
their own encoding, or in UTF-8 where it does not keep the bytes of ASCII; columns of bytes as they are.
A byte ``FIELD`` within a value shifts the columns behind it, and hides nothing.

The server shows a login only tables on which it has some privilege: others cannot be told of. Views
hold nothing; the server's own schemas are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from checks.connectors.files import printable
from checks.core.errors import NotAssessed
from checks.scanner.chunks import file_of, nested
from checks.scanner.expand import expand, skipped
from checks.scanner.formats import HEAD, format_of
from checks.scanner.live import LARGE, PIECE, TIMEOUT, Choice, share
from checks.scanner.live_mysql_link import Link, connected
from checks.scanner.source import BLOCK, Budget, Item, Skipped, Stream, Table

_SHORTEST_FILE = 21  # bytes; what is shorter is a number, a UUID or a digest
_SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")
_ELSEWHERE = ("CONNECT", "FEDERATED", "SPIDER", "S3", "OQGRAPH")
_HOLD_NOTHING = ("BLACKHOLE", "MRG_MYISAM", "SEQUENCE")
_KEPT = ("ascii", "latin1", "utf8", "utf8mb3", "utf8mb4")  # character sets that are sent as they are
_BYTES = ("blob", "longblob", "mediumblob", "tinyblob", "binary", "varbinary")
_NUMBERS = ("tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "year")
_TIMES = ("date", "datetime", "timestamp", "time")
_PLAIN = (*_BYTES, *_NUMBERS, *_TIMES, "float", "double", "json")  # of these NULL can be made an empty text
_LARGE = ("longblob", "longtext", "mediumblob", "mediumtext", "json")
_SHAPES = ("point", "line", "polygon", "geom", "multi")  # how the types of geometry begin
_MARK = b"\x1e"  # in place of a large value
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    type: str
    charset: str
    length: int  # bytes that a value may have, of texts and bytes
    in_key: bool
    readable: bool

    @property
    def quoted(self) -> str:
        return _quoted(self.name)

    def text(self) -> str:
        """Return the expression for its value as text or bytes, never NULL."""
        value = self.quoted
        if self.type in _PLAIN:
            value = f"IFNULL({value}, '')"
        elif self.charset:
            value = f"IFNULL({value if self.charset in _KEPT else f'CONVERT({value} USING utf8mb4)'}, '')"
        elif self.type == "bit":
            value = f"IFNULL(CAST({value} + 0 AS CHAR), '')"
        elif self.type.startswith(_SHAPES):
            value = f"IFNULL(ST_AsText({value}), '')"
        else:
            value = f"IFNULL(CAST({value} AS CHAR), '')"
        return value

    def literal(self, value: bytes) -> str:
        """Return a value of this column, as the server sent it, as an expression equal to it."""
        if self.type in _NUMBERS and _NUMBER.fullmatch(value):
            return value.decode()
        hexadecimal = f"x'{value.hex()}'"
        return hexadecimal if self.type in _BYTES else f"CONVERT({hexadecimal} USING utf8mb4)"


def items(
    url: str,
    *,
    name: str,
    tables: Sequence[str] | None = None,
    sample: float | None = None,
    seed: int = 0,
    timeout: float = TIMEOUT,
) -> Iterator[Item]:
    """Yield the tables of the database at ``url``, or of all if it names none, as ``name!schema.table``.

    ``tables`` chooses some (``schema.table`` or ``table``). ``sample`` is a share of the rows of each,
    the same ones for the same ``seed`` as long as the table is unchanged. ``timeout`` (seconds) bounds
    connecting, waiting for a lock, and each silence. Raises ``NotAssessed`` if there is no connection,
    or no longer one.
    """
    part = share(sample)
    choice = Choice(tables)
    with connected(url, name, timeout) as link:
        for schema, table, kind, engine in _tables(link):
            if engine in _HOLD_NOTHING or not choice.takes(schema, table):
                continue
            shown = nested(name, f"{schema}.{table}")
            if engine in _ELSEWHERE:
                yield Skipped(shown, "is stored elsewhere")
            elif not engine:
                yield Skipped(shown, "cannot be opened by the server")
            else:
                yield from _table(link, shown, schema, table, kind, part, seed)
        yield from choice.missing(name)


@dataclass(slots=True)
class _Rows:
    """A table being read; ``marked`` once a value was left out."""

    link: Link
    columns: tuple[_Column, ...]
    source: str
    sampling: str
    marked: bool = field(default=False)

    def blocks(self) -> Iterator[bytes]:
        """Yield blocks of whole rows; raises ``NotAssessed``."""
        values = []
        for column in self.columns:
            value = column.text()
            if column.type in _LARGE:
                value = f"IF(OCTET_LENGTH({column.quoted}) > {LARGE}, 0x1e, {value})"
            values.append(value)
        # The binary separator makes the result binary: every value keeps its bytes.
        query = f"SELECT CONCAT_WS(0x1f, {', '.join(values)}) FROM {self.source}{self.sampling}"  # noqa: S608
        for block in self.link.blocks(query):
            self.marked = self.marked or _MARK in block
            yield block

    def apart(self, shown: str) -> Iterator[Item]:
        """Yield large values, as streams, and blobs that are files, by what they hold."""
        for column in self.columns:
            is_bytes = column.type in _BYTES
            if column.length < _SHORTEST_FILE and column.type != "json":  # MySQL tells no length of these
                continue
            if not is_bytes and not (self.marked and column.type in _LARGE):
                continue
            key = [one for one in self.columns if one.in_key]
            part = f"{shown}, column {printable(column.name)}"
            try:
                places = self._places(column, key)
            except NotAssessed as error:
                if not self.link.alive:
                    raise
                yield Skipped(part, skipped(self.link.name, error).reason)
                continue
            if places and not key:
                what = f"holds {len(places)} large values or files, in a table without a primary key"
                yield Skipped(part, what)
                continue
            for number, place in enumerate(places, 1):
                # The key of the row may be a number of the kind that is looked for.
                pieces = self._pieces(column, place)
                if is_bytes:
                    yield from expand(f"{part}, value {number}", file_of(pieces), Budget())
                else:
                    yield Stream(f"{part}, value {number}", pieces)

    def _places(self, column: _Column, key: list[_Column]) -> list[str]:
        """Return a condition for each row whose value was left out, or is a file; in order of the key."""
        fields = [
            f"HEX({one.quoted if one.type in _BYTES else f'CAST({one.quoted} AS CHAR)'})" for one in key
        ]
        size = f"IFNULL(OCTET_LENGTH({column.quoted}), 0)"
        fields += [size, f"IFNULL(HEX(LEFT({column.quoted}, {HEAD})), '')"]
        least = _SHORTEST_FILE if column.type in _BYTES else LARGE + 1
        query = f"SELECT CONCAT_WS(',', {', '.join(fields)}) FROM {self.source}{self.sampling}"  # noqa: S608
        # Rows in between, now and then, show that the server is at work.
        query += f"{' AND' if self.sampling else ' WHERE'} ({size} >= {least} OR RAND() < 0.01)"
        places = []
        for row in self.link.values(query):
            *values, length, head = row.split(b",")
            if int(length) < least:
                continue
            large = int(length) > LARGE and column.type in _LARGE
            if large or format_of(bytes.fromhex(head.decode()), "") is not None:
                equal = [
                    f"{one.quoted} = {one.literal(bytes.fromhex(value.decode()))}"
                    for one, value in zip(key, values, strict=True)
                ]
                places.append(" AND ".join(equal))
        return places

    def _pieces(self, column: _Column, place: str) -> Iterator[bytes]:
        value = column.quoted if column.type in _BYTES else f"CAST({column.quoted} AS BINARY)"
        start = 1
        while True:
            query = f"SELECT SUBSTRING({value}, {start}, {PIECE}) FROM {self.source} WHERE {place}"  # noqa: S608
            found = self.link.rows(query)
            piece = (found[0][0] if found else None) or b""
            for at in range(0, len(piece), BLOCK):
                yield piece[at : at + BLOCK]
            if len(piece) < PIECE:
                return
            start += PIECE


def _table(
    link: Link, shown: str, schema: str, table: str, kind: str, part: float | None, seed: int
) -> Iterator[Item]:
    try:
        found = _columns(link, schema, table)
    except NotAssessed as error:
        if not link.alive:
            raise
        yield Skipped(shown, skipped(link.name, error).reason)
        return
    columns = tuple(column for column in found if column.readable)
    hidden = [printable(column.name) for column in found if not column.readable]
    if not columns:
        yield Skipped(shown, "may not be read by this login")
        return
    if hidden:
        yield Skipped(f"{shown}, column {', '.join(hidden)}"[:500], "may not be read by this login")
    source = f"{_quoted(schema)}.{_quoted(table)}"
    if kind == "SYSTEM VERSIONED":
        source += " FOR SYSTEM_TIME ALL"  # rows of the past are stored too
    sampling = "" if part is None else f" WHERE RAND({seed}) < {part}"
    rows = _Rows(link, columns, source, sampling)
    key = tuple(printable(column.name) for column in columns if column.in_key)
    rest = tuple(printable(column.name) for column in columns if not column.in_key)
    yield Table(shown, key, rest, rows.blocks())
    yield from rows.apart(shown)


def _tables(link: Link) -> list[tuple[str, str, str, str]]:
    """Return schema, name, type and engine of each table; raises ``NotAssessed``."""
    query = f"""
        SELECT table_schema, table_name, table_type, ifnull(engine, '') FROM information_schema.tables
        WHERE table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') AND table_schema NOT IN {_SYSTEM}
         AND table_schema = ifnull(database(), table_schema) ORDER BY table_schema, table_name"""  # noqa: S608
    rows = link.rows(query)
    return [(_text(row[0]), _text(row[1]), _text(row[2]), _text(row[3]).upper()) for row in rows]


def _columns(link: Link, schema: str, table: str) -> list[_Column]:
    """Return the columns, those of the primary key first; raises ``NotAssessed``."""
    rows = link.rows(f"""
        SELECT column_name, data_type, ifnull(character_set_name, ''), ifnull(character_octet_length, 0),
         column_key = 'PRI', privileges
        FROM information_schema.columns WHERE table_schema = {_literal(schema)}
         AND table_name = {_literal(table)} ORDER BY column_key = 'PRI' DESC, ordinal_position""")  # noqa: S608
    return [
        _Column(
            _text(name), _text(kind).lower(), _text(charset), int(length or 0), key == b"1",
            "select" in _text(granted),
        )
        for name, kind, charset, length, key, granted in rows
    ]  # fmt: skip


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _literal(name: str) -> str:
    return f"CONVERT(x'{name.encode().hex()}' USING utf8mb4)"


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")
