"""Zip archives: every member with its CRC and size checked, and the bytes that no member owns."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from checks.connectors.archives import failure
from checks.connectors.codecs import decompressed
from checks.core.errors import NotAssessed, Unreadable
from checks.scanner.chunks import counted, file_of, nested
from checks.scanner.source import BLOCK, Context, Item, Skipped, Stream
from checks.scanner.zip_directory import Entry, ZipDirectory

_STORED, _LZMA = 0, 14
_METHODS = {8: "deflate", 12: "bzip2", _LZMA: "lzma", 20: "zstd", 93: "zstd", 95: "xz"}
"""APPNOTE 6.3.10, 4.4.5."""
_ENCRYPTED, _LZMA_END_MARK = 1, 1 << 1
_DESCRIPTOR = 24  # bytes that may follow a member: its sizes and CRC


def items(name: str, file: BinaryIO, context: Context) -> Iterator[Item]:
    """Yield what the members hold, comments, and the bytes before and between members.

    Raises ``Unreadable`` if the directory is damaged or not there, ``TooLarge``. A member that is
    damaged raises where it is read; one that is not read is skipped.
    """
    directory = ZipDirectory(file, name, context.budget)
    if directory.tail or directory.commented:
        yield Stream(nested(name, "(comments)"), _comments(directory))
    yield from _unowned(name, file, 0, directory.first)
    for entry in directory.entries():
        part = nested(name, entry.name)
        try:
            begin, behind = directory.data_of(entry)
        except NotAssessed as error:
            yield Skipped(part, error.reason)
            continue
        yield from _member(part, file, entry, begin, context)
        end = begin + entry.packed
        if behind - end > _DESCRIPTOR:
            yield from _unowned(name, file, end, behind)


def _member(part: str, file: BinaryIO, entry: Entry, begin: int, context: Context) -> Iterator[Item]:
    if entry.flags & _ENCRYPTED:
        yield Skipped(part, "is encrypted, which is not read")
    elif entry.method not in (_STORED, *_METHODS):
        yield Skipped(part, f"is compressed with method {entry.method}, which is not read")
    elif entry.size or entry.packed or not entry.name.endswith("/"):
        chunks = counted(_expanded(part, file, entry, begin), part, context.budget)
        yield from context.expand(part, file_of(_checked(chunks, part, entry)))


def _expanded(part: str, file: BinaryIO, entry: Entry, begin: int) -> Iterator[bytes]:
    """Yield the bytes of a member, expanded; raises ``Unreadable``."""
    packed = _slice(file, begin, entry.packed, part)
    if entry.method == _STORED:
        yield from packed
        return
    kind, head, stream = _METHODS[entry.method], b"", file_of(packed)
    if entry.method == _LZMA:
        # APPNOTE 5.8.8: version, length of properties, properties; lzma's own header has a size behind.
        head = stream.read(9)
        if len(head) < 9 or head[2:4] != b"\x05\0":
            raise Unreadable(f"{part} is damaged")
        size = 2**64 - 1 if entry.flags & _LZMA_END_MARK else entry.size
        head = head[4:] + size.to_bytes(8, "little")
    yield from decompressed(kind, head, stream, part, BLOCK)


def _slice(file: BinaryIO, begin: int, size: int, part: str) -> Iterator[bytes]:
    """Yield ``size`` bytes from ``begin`` on; other reads of the file may come between."""
    at, end = begin, begin + size
    while at < end:
        try:
            file.seek(at)
            chunk = file.read(min(BLOCK, end - at))
        except OSError as error:
            raise failure(error, part) from None
        if not chunk:
            raise Unreadable(f"{part} is truncated")
        at += len(chunk)
        yield chunk


def _checked(chunks: Iterable[bytes], part: str, entry: Entry) -> Iterator[bytes]:
    """Yield ``chunks``; raise ``Unreadable`` unless they have the size and CRC that the directory says."""
    size = crc = 0
    for chunk in chunks:
        size += len(chunk)
        if size > entry.size:
            raise Unreadable(f"{part} is larger than its archive says")
        crc = zlib.crc32(chunk, crc)
        yield chunk
    if (size, crc) != (entry.size, entry.crc):
        raise Unreadable(f"{part} is damaged: its size or checksum is not that which its archive says")


def _unowned(name: str, file: BinaryIO, begin: int, end: int) -> Iterator[Item]:
    """Yield the bytes of the archive that belong to no member, and say so if they hold one."""
    if begin >= end:
        return
    part = nested(name, "(outside its members)")
    yield Stream(part, _slice(file, begin, end - begin, part))
    file.seek(begin)
    if b"PK\x03\x04" in file.read(min(end - begin, BLOCK)):
        yield Skipped(part, "holds a member that the directory does not name")


def _comments(directory: ZipDirectory) -> Iterator[bytes]:
    """Yield the comments of members and archive, one a line."""
    for entry in directory.entries():
        if entry.comment:
            yield entry.comment + b"\n"
    if directory.tail:
        yield directory.tail
