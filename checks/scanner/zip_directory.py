"""The directory of a zip archive (APPNOTE 6.3.10, 4.3.12 to 4.3.16), read in flat memory.

:mod:`zipfile` keeps all entries as objects: an archive of 50 MB can hold a million.
"""

from __future__ import annotations

import bisect
import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from checks.core.errors import Unreadable
from checks.scanner.source import Budget

_END, _END_SIZE, _LONGEST_COMMENT = b"PK\x05\x06", 22, 2**16
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_END_RECORD = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END_RECORD_64 = struct.Struct("<4sQ2H2L4Q")
_IN_EXTRA = 0xFFFFFFFF  # a size or offset that lies in the extra field of zip64
_IN_EXTRA_16 = 0xFFFF
_ZIP64, _UTF8 = 1, 1 << 11


@dataclass(frozen=True, slots=True)
class Entry:
    """One member: sizes in bytes, ``offset`` of its local header in the file, ``comment`` as it is."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    disk: int
    offset: int
    comment: bytes


class ZipDirectory:
    """The directory at the end of ``file``; ``what`` names it in messages.

    ``start`` and ``end`` are where it lies in the file. ``tail`` holds what follows its end record:
    the archive's comment. ``commented`` says whether any entry has a comment.

    Raises ``Unreadable`` if it is damaged or not there, ``TooLarge`` for more members than ``budget`` has.
    """

    def __init__(self, file: BinaryIO, what: str, budget: Budget) -> None:
        self.commented = False
        self._file, self._what = file, what
        self.start, self.end, self._shift, self.tail = self._located()
        self._offsets = array("Q")
        for entry in self.entries():
            budget.member(what)
            self.commented = self.commented or bool(entry.comment)
            self._offsets.append(entry.offset)
        self._offsets = array("Q", sorted(self._offsets))

    @property
    def first(self) -> int:
        """Where the first member begins."""
        return self._offsets[0] if self._offsets else self.start

    def entries(self) -> Iterator[Entry]:
        """Yield the entries in order; other reads of the file may come between."""
        at = self.start
        while at < self.end:
            self._file.seek(at)
            field = self._file.read(_ENTRY.size)
            if len(field) < _ENTRY.size or not field.startswith(b"PK\x01\x02"):
                raise self._damaged()
            (_, _, _, flags, method, _, _, crc, packed, size, *lengths, disk, _, _, offset) = _ENTRY.unpack(
                field
            )
            rest = self._file.read(sum(lengths))
            at += len(field) + len(rest)
            if len(rest) < sum(lengths) or at > self.end:
                raise self._damaged()
            extra = rest[lengths[0] : lengths[0] + lengths[1]]
            size, packed, offset = self._wide(extra, size, packed, offset)
            offset += self._shift
            if offset >= self.start:
                raise self._damaged()
            name = rest[: lengths[0]].decode("utf-8" if flags & _UTF8 else "cp437", "replace")
            comment = rest[lengths[0] + lengths[1] :]
            yield Entry(name, flags, method, crc, packed, size, disk, offset, comment)

    def data_of(self, entry: Entry) -> tuple[int, int]:
        """Return where the data of ``entry`` begins, and where the next member or the directory does.

        Raises ``Unreadable`` if there is no such member, or it reaches into the next one.
        """
        self._file.seek(entry.offset)
        field = self._file.read(_LOCAL.size)
        if len(field) < _LOCAL.size or not field.startswith(b"PK\x03\x04"):
            raise self._damaged()
        begin = entry.offset + _LOCAL.size + sum(_LOCAL.unpack(field)[-2:])
        index = bisect.bisect_right(self._offsets, entry.offset)
        behind = self._offsets[index] if index < len(self._offsets) else self.start
        twin = index > 1 and self._offsets[index - 2] == entry.offset
        if twin or begin + entry.packed > min(behind, self.start):
            raise Unreadable("shares its bytes with another member, or is damaged")
        return begin, behind

    def _located(self) -> tuple[int, int, int, bytes]:
        """Return start and end of the directory, what to add to offsets, and the comment behind it."""
        self._file.seek(0, 2)
        size = self._file.tell()
        begin = max(size - _END_SIZE - _LONGEST_COMMENT, 0)
        self._file.seek(begin)
        last = self._file.read(_END_SIZE + _LONGEST_COMMENT)
        at = last.rfind(_END)
        if at < 0 or len(last) - at < _END_SIZE:
            raise Unreadable(f"{self._what} is truncated or damaged: it has no directory")
        _, disk, _, _, count, length, offset, comment = _END_RECORD.unpack_from(last, at)
        tail, end = last[at + _END_SIZE :], begin + at
        if len(tail) < comment:
            raise Unreadable(f"{self._what} is truncated")
        if end >= _LOCATOR.size:
            self._file.seek(end - _LOCATOR.size)
            magic, _, _, _ = _LOCATOR.unpack(self._file.read(_LOCATOR.size))
            if magic == b"PK\x06\x07":
                end -= _LOCATOR.size + _END_RECORD_64.size
                disk, count, length, offset = self._end_record_64(end)
        if disk not in (0, _IN_EXTRA_16, _IN_EXTRA):
            raise Unreadable(f"{self._what} is one part of a split archive")
        start = end - length
        if start < 0 or start < offset:
            raise self._damaged()
        if (length == 0) != (count == 0):
            raise self._damaged()
        return start, end, start - offset, tail

    def _end_record_64(self, at: int) -> tuple[int, int, int, int]:
        self._file.seek(max(at, 0))
        field = self._file.read(_END_RECORD_64.size)
        if at < 0 or not field.startswith(b"PK\x06\x06") or len(field) < _END_RECORD_64.size:
            raise self._damaged()
        _, _, _, _, disk, _, _, count, length, offset = _END_RECORD_64.unpack(field)
        return disk, count, length, offset

    def _wide(self, extra: bytes, *values: int) -> list[int]:
        """Return size, packed size and offset, those that are ``_IN_EXTRA`` from ``extra``."""
        if _IN_EXTRA not in values:
            return list(values)
        wide = b""
        while len(extra) >= 4:
            kind, length = struct.unpack_from("<2H", extra)
            if kind == _ZIP64:
                wide = extra[4 : 4 + length]
            extra = extra[4 + length :]
        result = []
        for value in values:
            if value == _IN_EXTRA and wide:
                if len(wide) < 8:
                    raise self._damaged()
                value, wide = int.from_bytes(wide[:8], "little"), wide[8:]
            result.append(value)
        return result

    def _damaged(self) -> Unreadable:
        return Unreadable(f"{self._what} is damaged: its directory is wrong")
