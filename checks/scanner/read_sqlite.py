"""SQLite databases: every table, blobs that are files themselves, and pages that were freed.

SQLite turns values into text and Python joins whole batches of them; no value is touched alone.
"""

from __future__ import annotations

import re
import sqlite3
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from checks.connectors.files import printable
from checks.core.errors import Unreadable
from checks.scanner.chunks import chunks_of, file_of, nested
from checks.scanner.formats import HEAD, format_of
from checks.scanner.source import BLOCK, FIELD, Context, Item, Skipped, Stream, Table
from checks.scanner.sqlite_opening import connected, meaning
from checks.scanner.sqlite_pages import freed, has_freed

_LARGE = 2**16  # characters of text, bytes of a blob: read as a stream of its own
_SHORTEST_FILE = 21  # bytes; what is shorter is a number, a UUID or a digest
_ROWS = 256  # of one batch at most: with large values left out, it fits in memory
_SCHEMA = "sqlite_master"
_HIDDEN, _COMPUTED = 1, 2  # PRAGMA table_xinfo: of virtual tables; made from other columns, not stored
_CONTENT = re.compile(r"\bcontent\s*=\s*(['\"]?)([^'\",)]*)\1", re.IGNORECASE)

# NULL stands for a value that is read as a stream of its own. A whole number in a column of floating
# point numbers is written in full digits.
_AS_TEXT = f"""CASE typeof({{0}})
 WHEN 'text' THEN CASE WHEN length({{0}}) > {_LARGE} THEN NULL ELSE {{0}} END
 WHEN 'real' THEN CASE WHEN {{0}} = CAST({{0}} AS INTEGER) THEN CAST(CAST({{0}} AS INTEGER) AS TEXT)
  ELSE CAST({{0}} AS TEXT) END
 WHEN 'blob' THEN CASE WHEN length({{0}}) > {_LARGE} OR (length({{0}}) >= {_SHORTEST_FILE}
  AND is_file(substr({{0}}, 1, {HEAD}))) THEN NULL ELSE {{0}} END
 ELSE ifnull(CAST({{0}} AS TEXT), '') END"""


def items(name: str, file: BinaryIO, context: Context) -> Iterator[Item]:
    """Yield the tables, the schema among them, then freed pages.

    Views hold nothing of their own; a virtual table is read as the tables that it is stored in.
    Raises ``Unreadable`` if it is damaged, encrypted, has a hot journal or changed while it was
    read, ``Refused``, ``TimedOut`` if it is locked, ``TooLarge``.
    """
    with connected(name, file, context.budget.limits) as connection:
        connection.create_function("is_file", 1, _is_file, deterministic=True)
        try:
            tables = _tables(connection)
        except sqlite3.Error as error:
            yield Stream(name, chunks_of(file, name))
            raise meaning(error, name) from None
        ordinary = {table.lower() for table, sql in tables if not _is_virtual(sql)}
        for table, sql in tables:
            context.budget.member(name)
            if not _is_virtual(sql):
                yield from _table(name, connection, table, context)
            elif not _is_stored(table.lower(), sql, ordinary):
                yield Skipped(nested(name, table), "is a virtual table, whose contents lie elsewhere")
        if has_freed(file):
            part = nested(name, "freed pages")
            yield Stream(part, freed(part, file))


@dataclass(slots=True)
class _Rows:
    """A table to read. ``apart`` holds where large values and files lie: row's ordinal and id, column."""

    connection: sqlite3.Connection
    name: str
    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    has_rowid: bool
    apart: array[int] = field(default_factory=lambda: array("q"))

    def blocks(self) -> Iterator[bytes]:
        """Yield rows in blocks of about ``BLOCK`` bytes; raises ``NotAssessed``."""
        names = (*self.key, *self.columns)
        keys = [f"{_quoted(key)} || ''" for key in self.key] if self.has_rowid else []
        values = [_AS_TEXT.format(_quoted(column)) for column in names[len(keys) :]]
        # An index may be damaged, or need a function that is not here.
        query = f"SELECT {', '.join(keys + values)} FROM {_quoted(self.table)} NOT INDEXED"  # noqa: S608
        try:
            cursor = self.connection.execute(query)
            size, done = 1, 0
            while rows := cursor.fetchmany(size):
                try:
                    lines = list(map(FIELD.join, rows))
                except TypeError:
                    lines = self._with_gaps(rows, done)
                yield (block := _joined(lines, rows))
                done += len(rows)
                size = max(1, min(_ROWS, len(rows) * BLOCK // len(block), 4 * size))
        except sqlite3.Error as error:
            raise meaning(error, self.name) from None
        except (ValueError, OverflowError):
            raise Unreadable(f"{self.name} cannot be read") from None

    def _with_gaps(self, rows: list[tuple[bytes | None, ...]], done: int) -> list[bytes]:
        lines = []
        for ordinal, row in enumerate(rows, done):
            if None in row:
                rowid = int(row[0] or 0) if self.has_rowid else 0
                for index, value in enumerate(row):
                    if value is None:
                        self.apart.extend((ordinal, rowid, index))
            lines.append(FIELD.join([value or b"" for value in row]))
        return lines

    def files(self, context: Context) -> Iterator[Item]:
        """Yield what the values that were left out hold."""
        names = (*self.key, *self.columns)
        for at in range(0, len(self.apart), 3):
            ordinal, rowid, index = self.apart[at : at + 3]
            # The ordinal names the row: its key may be a number of the kind that is looked for.
            part = f"{self.name}, column {printable(names[index])}, row {ordinal + 1}"
            context.budget.member(part)
            read = self._by_rowid if self.has_rowid else self._by_ordinal
            yield from context.expand(part, file_of(read(part, names[index], rowid, ordinal)))

    def _by_rowid(self, part: str, column: str, rowid: int, ordinal: int) -> Iterator[bytes]:
        del ordinal
        try:
            with self.connection.blobopen(self.table, column, rowid, readonly=True) as blob:
                while chunk := blob.read(BLOCK):
                    yield chunk
        except sqlite3.Error as error:
            raise meaning(error, part) from None

    def _by_ordinal(self, part: str, column: str, rowid: int, ordinal: int) -> Iterator[bytes]:
        """Yield the value in pieces; SQLite has no other way into a table without rowid."""
        del rowid
        query = f"SELECT {_quoted(column)} FROM {_quoted(self.table)} NOT INDEXED LIMIT 1 OFFSET ?"  # noqa: S608
        try:
            row = self.connection.execute(query, (ordinal,)).fetchone()
        except sqlite3.Error as error:
            raise meaning(error, part) from None
        if row is None:
            raise Unreadable(f"{part} changed while it was read")
        for at in range(0, len(row[0]), BLOCK):
            yield row[0][at : at + BLOCK]


def _table(name: str, connection: sqlite3.Connection, table: str, context: Context) -> Iterator[Item]:
    part = nested(name, table)
    try:
        rows = _rows(part, connection, table)
    except sqlite3.Error as error:
        yield Skipped(part, meaning(error, "it").reason)
        return
    except (ValueError, UnicodeError):
        yield Skipped(part, "has a name that cannot be asked for")
        return
    columns = tuple(map(printable, rows.columns))
    yield Table(part, tuple(map(printable, rows.key)), columns, rows.blocks())
    yield from rows.files(context)


def _rows(part: str, connection: sqlite3.Connection, table: str) -> _Rows:
    """Return the table with its columns; raises ``sqlite3.Error`` or ``ValueError``."""
    listed = connection.execute(f"PRAGMA table_xinfo({_quoted(table)})").fetchall()
    stored = [
        (_text(column), place)
        for _, column, _, _, _, place, hide in listed
        if hide not in (_HIDDEN, _COMPUTED)
    ]
    names = tuple(column for column, _ in stored)
    free = {"rowid", "_rowid_", "oid"} - {_text(row[1]).lower() for row in listed}
    if free:
        try:
            rowid = min(free, key=("rowid", "_rowid_", "oid").index)
            connection.execute(f"SELECT {rowid} FROM {_quoted(table)} LIMIT 0").close()  # noqa: S608
            return _Rows(connection, part, table, (rowid,), names, True)
        except sqlite3.OperationalError:  # WITHOUT ROWID
            pass
    key = tuple(column for column, place in sorted(stored, key=lambda item: item[1]) if place)
    rest = tuple(column for column, place in stored if not place)
    return _Rows(connection, part, table, key, rest, False)


def _tables(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return name and definition of the schema's own table and of all tables in it."""
    query = "SELECT name, ifnull(sql, '') FROM sqlite_master WHERE type = 'table' ORDER BY rowid"
    return [(_SCHEMA, ""), *((_text(table), _text(sql)) for table, sql in connection.execute(query))]


def _is_virtual(sql: str) -> bool:
    return sql[:21].upper().startswith("CREATE VIRTUAL TABLE")


def _is_stored(table: str, sql: str, ordinary: set[str]) -> bool:
    """Whether all that a virtual table shows lies in ordinary tables of this database.

    A full-text index may leave out its texts, or take them from a table named as its ``content``.
    """
    if content := _CONTENT.search(sql):
        return content[2].strip().lower() in ordinary
    return any(other.startswith(f"{table}_") for other in ordinary)


def _is_file(head: bytes) -> bool:
    return format_of(head, "") is not None


def _joined(lines: list[bytes], rows: list[tuple[bytes | None, ...]]) -> bytes:
    """Return the rows as one block; a line feed or ``FIELD`` within a value becomes a space."""
    block = b"\n".join(lines) + b"\n"
    if block.count(FIELD) != len(rows) * (len(rows[0]) - 1):
        lines = [FIELD.join([(value or b"").replace(FIELD, b" ") for value in row]) for row in rows]
        block = b"\n".join(lines) + b"\n"
    if block.count(b"\n") != len(rows):
        block = b"\n".join([line.replace(b"\n", b" ") for line in lines]) + b"\n"
    return block


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
