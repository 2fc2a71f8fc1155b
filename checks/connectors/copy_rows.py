"""The rows of one table in plain dumps: the COPY sections that pg_dump writes.

The format is that of PostgreSQL's documentation of COPY, section "Text Format".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from checks.connectors.text_lines import TextBlocks
from checks.core.errors import TooLarge, Unreadable

Row = dict[str, str | None]

_NAME = r'(?:"(?:[^"]|"")+"|[^\s".,()]+)'
_HEADER = re.compile(rf"COPY (?:({_NAME})\.)?({_NAME}) \(({_NAME}(?:, {_NAME})*)\) FROM stdin;")
_COLUMN = re.compile(_NAME)
_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


class CopyRows:
    """Iterate once for the rows of a table as column → text, ``None`` for NULL; ``rows`` counts them.

    ``table`` is bare for schema ``public``, else ``schema.table``. ``tables`` holds the rows that
    the manifest gives for each table.

    Raises ``Unreadable`` if no file has a section of the table, one breaks off, a row has not the
    header's columns, there are not as many rows as the manifest says or the dump holds a table that
    the manifest does not name; ``TooLarge`` for a row too long; and what :class:`TextBlocks` does.
    """

    def __init__(
        self,
        what: str,
        files: Sequence[tuple[str, TextBlocks]],
        table: str,
        tables: Mapping[str, int],
    ) -> None:
        self.rows = 0
        self._what, self._files, self._table, self._tables = what, files, table, tables

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows in the order of the dump."""
        found = False
        for what, blocks in self._files:
            columns: tuple[str, ...] | None = None  # of the section wanted, while inside it
            inside = False  # any section
            for number, line, part in _lines(blocks):
                if inside:
                    if line == "\\.":
                        inside, columns = False, None
                    elif columns is not None:
                        if part:
                            raise TooLarge(f"{what}:{number}: a row is too long to be read whole")
                        self.rows += 1
                        yield _row(line, columns, f"{what}:{number}")
                elif line.startswith("COPY "):
                    name, header = _section(line, f"{what}:{number}")
                    if name not in self._tables:
                        raise Unreadable(f"{what}:{number}: a table that the manifest does not name")
                    inside = True
                    if name == self._table:
                        found, columns = True, header
            if inside:
                raise Unreadable(f"{what} breaks off within the rows of a table")
        if not found:
            raise Unreadable(f"{self._what}: no plain dump of table {self._table} in it")
        if self.rows != self._tables.get(self._table):
            raise Unreadable(
                f"{self._what}: {self.rows} rows of table {self._table}, not as many as its manifest says"
            )


def _lines(blocks: TextBlocks) -> Iterator[tuple[int, str, bool]]:
    """Yield number, text, and whether it is but a part, of each line."""
    for block in blocks:
        if block.part is not None:
            yield block.number, block.text, True
            continue
        for number, line in enumerate(block.text.split("\n"), block.number):
            yield number, line, False


def _section(line: str, where: str) -> tuple[str, tuple[str, ...]]:
    """Return table and columns that the header of a section names."""
    match = _HEADER.fullmatch(line)
    if match is None:
        raise Unreadable(f"{where}: a COPY statement that is not pg_dump's")
    schema, table = _unquoted(match[1] or "public"), _unquoted(match[2])
    columns = tuple(map(_unquoted, _COLUMN.findall(match[3])))
    return (table if schema == "public" else f"{schema}.{table}"), columns


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _row(line: str, columns: tuple[str, ...], where: str) -> Row:
    fields = line.split("\t") if line or len(columns) == 1 else []
    if len(fields) != len(columns):
        raise Unreadable(f"{where}: a row of {len(fields)} fields, its header has {len(columns)}")
    if "\\" not in line:
        return dict(zip(columns, fields, strict=True))
    return {
        column: None if text == "\\N" else _unescaped(text) if "\\" in text else text
        for column, text in zip(columns, fields, strict=True)
    }


def _unescaped(text: str) -> str:
    # In bytes, for octal and hexadecimal escapes stand for bytes of the encoding, not for characters.
    return _ESCAPE.sub(_byte, text.encode()).decode("utf-8", "replace")


def _byte(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if code.startswith(b"x") and len(code) > 1:
        return bytes((int(code[1:], 16),))
    if code[:1] in b"01234567":
        return bytes((int(code, 8) & 0xFF,))
    return _LETTERS.get(code, code)
