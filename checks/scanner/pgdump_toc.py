"""Header and table of contents of pg_dump's archives, versions 1.10 (PostgreSQL 8.0) to 1.16 (17, 18).

The order of the fields is that in which ``pg_backup_archiver.c`` of PostgreSQL writes them (functions
``WriteHead`` and ``WriteToc``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from checks.core.errors import TooLarge, Unreadable
from checks.scanner.source import BLOCK

CUSTOM, TAR, DIRECTORY = 1, 3, 5
"""Forms of an archive; the last two keep their data in files beside the table of contents."""
_LONGEST_TEXT = 2**27
_NO_DATA = 3  # how an entry's offset says that it has none
_COMPRESSIONS = (None, "zlib", "lz4", "zstd")
_IDENTIFIER = r'(?:"(?:[^"]|"")*"|[^",()]+)'
_COLUMNS = re.compile(rf"\(({_IDENTIFIER}(?:, {_IDENTIFIER})*)\)\s+FROM stdin", re.IGNORECASE)
_COLUMN = re.compile(_IDENTIFIER + r"(?=, |$)")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry that has data. ``columns`` is ``None`` where that is no text of COPY but SQL or objects."""

    name: str
    columns: tuple[str, ...] | None


class Archive:
    """An archive from its start on; ``what`` names it in messages.

    ``form`` is one of ``CUSTOM``, ``TAR`` and ``DIRECTORY``, ``compression`` ``None``, ``zlib``,
    ``lz4`` or ``zstd``. ``entries`` holds those with data by their number; it is filled by
    :meth:`definitions`, which is ``complete`` then; ``within`` a run of data that is not read to its
    end. All methods raise ``Unreadable`` where the file is damaged or truncated.
    """

    def __init__(self, file: BinaryIO, what: str) -> None:
        self.what = what
        self.entries: dict[int, Entry] = {}
        self.complete = self.within = False
        self._file, self._data, self._at = file, b"", 0
        if self.take(5) != b"PGDMP":
            raise self.damaged()
        self._version = self.byte(), self.byte()
        self.byte()
        self._int_size, self._offset_size, self.form = self.byte(), self.byte(), self.byte()
        if not (1, 10) <= self._version <= (1, 16):
            major, minor = self._version
            raise Unreadable(f"{what} is a dump of version {major}.{minor}, which is not read")
        if self._int_size not in (4, 8) or self._offset_size not in (4, 8):
            raise self.damaged()
        if self.form not in (CUSTOM, TAR, DIRECTORY):
            raise Unreadable(f"{what} is a dump of an unknown form, which is not read")
        self.compression = self._compression()
        for _ in range(7):  # when it was made
            self.number()
        self.texts(3)  # database, version of the server, version of pg_dump

    def definitions(self) -> Iterator[bytes]:
        """Yield the SQL of the entries: tables, defaults, functions, comments, grants."""
        parts: list[bytes] = []
        size = 0
        count = self.number()
        if count < 0:
            raise self.damaged()
        for _ in range(count):
            sql = self._entry()
            parts.append(sql)
            size += len(sql)
            if size >= BLOCK:
                yield b"\n".join(parts)
                parts, size = [b""], 0
        self.complete = True
        if size:
            yield b"\n".join(parts)

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes of one run of data, as they lie in the file, to its end."""
        self.within = True
        parts: list[bytes] = []
        size = 0
        while left := self.number():
            if left < 0:
                raise self.damaged()
            while left:
                part = self.take(min(left, BLOCK))
                left -= len(part)
                parts.append(part)
                size += len(part)
                if size >= BLOCK:
                    yield b"".join(parts)
                    parts, size = [], 0
        self.within = False
        if size:
            yield b"".join(parts)

    def at_end(self) -> bool:
        """Whether nothing is left of the file."""
        if self._at == len(self._data):
            self._data, self._at = self._file.read(BLOCK), 0
        return not self._data

    def take(self, size: int) -> bytes:
        """Return the next ``size`` bytes."""
        at, end = self._at, self._at + size
        if end > len(self._data):
            self._data, at, end = self._data[at:] + self._file.read(max(BLOCK, size)), 0, size
            if end > len(self._data):
                raise Unreadable(f"{self.what} is truncated")
        self._at = end
        return self._data[at:end]

    def byte(self) -> int:
        """Return the next byte."""
        return self.take(1)[0]

    def number(self) -> int:
        """Return the next number: a byte for its sign, and the value, least byte first."""
        field = self.take(self._int_size + 1)
        value = int.from_bytes(field[1:], "little")
        return -value if field[0] else value

    def text(self) -> bytes:
        """Return the next string, empty where there is none; raises ``TooLarge``."""
        size = self.number()
        if size > _LONGEST_TEXT:
            raise TooLarge(
                f"{self.what} holds a definition of more than {_LONGEST_TEXT} bytes, or is damaged"
            )
        return self.take(size) if size > 0 else b""

    def texts(self, count: int) -> list[bytes]:
        """Return the next ``count`` strings."""
        return [self.text() for _ in range(count)]

    def damaged(self) -> Unreadable:
        """Return the error of an archive that is not as it should be."""
        return Unreadable(f"{self.what} is damaged")

    def _compression(self) -> str | None:
        if self._version >= (1, 15):
            kind = self.byte()
            if kind >= len(_COMPRESSIONS):
                raise self.damaged()
            return _COMPRESSIONS[kind]
        return "zlib" if self.number() else None  # the level

    def _entry(self) -> bytes:
        """Read an entry, note it if it has data, and return its SQL."""
        number = self.number()
        self.number()  # whether it had data when it was made
        self.texts(2)  # numbers in the catalogue
        tag, _ = self.texts(2)  # and its kind
        if self._version >= (1, 11):
            self.number()  # section
        sql, _, copy, schema, _ = self.texts(5)  # second: how to drop it; last: its tablespace
        if self._version >= (1, 14):
            self.text()  # access method
        if self._version >= (1, 16):
            self.number()  # kind of relation
        self.texts(2)  # owner, whether it has OIDs
        while self._another():
            pass
        if self.form != CUSTOM:
            self.text()  # the file that its data is in
            return sql
        state = self.byte()
        self.take(self._offset_size)
        if state != _NO_DATA:
            name = b".".join(filter(None, (schema, tag))).decode("utf-8", "replace")
            self.entries[number] = Entry(name, _columns(copy.decode("utf-8", "replace")))
        return sql

    def _another(self) -> bool:
        """Read one of the entries that this one depends on; whether there was one."""
        size = self.number()
        if size > 0:
            self.take(min(size, 64))
        return size >= 0


def _columns(copy: str) -> tuple[str, ...] | None:
    """Return the columns that a COPY statement names, ``None`` if it is none."""
    if not copy.startswith("COPY "):
        return None
    found = _COLUMNS.search(copy)
    if found is None:
        return ()
    names = _COLUMN.findall(found[1])
    return tuple(name[1:-1].replace('""', '"') if name[0] == '"' else name for name in names)
