"""The pages of an SQLite database that no table owns: rows that were deleted linger there.

Source: SQLite's file format, sections 1.3 and 1.5, "The Freelist".
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

from checks.connectors.archives import failure
from checks.core.errors import Unreadable
from checks.scanner.source import BLOCK
from checks.scanner.sqlite_opening import page_size


def has_freed(file: BinaryIO) -> bool:
    """Whether there are free pages, or more pages than the database says it has."""
    header, _, pages = _header(file)
    return header[32:40] != bytes(8) or pages > _used(header, pages)


def freed(name: str, file: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of the free pages, a line feed behind each, and of those behind the last page.

    Raises ``Unreadable`` if the list of them is damaged.
    """
    try:
        yield from _freed(name, file)
    except OSError as error:
        raise failure(error, name) from None


def _freed(name: str, file: BinaryIO) -> Iterator[bytes]:
    header, size, pages = _header(file)
    trunk, left = (int.from_bytes(header[at : at + 4], "big") for at in (32, 36))
    out = bytearray()
    while trunk:
        if left <= 0 or trunk > pages:
            raise Unreadable(f"{name} are damaged: their list is wrong")
        page = _page(file, trunk, size)
        trunk, count = int.from_bytes(page[:4], "big"), int.from_bytes(page[4:8], "big")
        if count > size // 4 - 2 or count >= left:
            raise Unreadable(f"{name} are damaged: their list is wrong")
        left -= 1 + count
        end = 8 + 4 * count
        # What lay on the page before it became part of the list is there still.
        out += page[end:] + b"\n"
        for (number,) in struct.iter_unpack(">I", page[8:end]):
            if not 0 < number <= pages:
                raise Unreadable(f"{name} are damaged: their list is wrong")
            out += _page(file, number, size) + b"\n"
            if len(out) >= BLOCK:
                yield bytes(out)
                out.clear()
    if out:
        yield bytes(out)
    if left:
        raise Unreadable(f"{name} are damaged: their list is wrong")
    file.seek(_used(header, pages) * size)
    while chunk := file.read(BLOCK):
        yield chunk


def _header(file: BinaryIO) -> tuple[bytes, int, int]:
    """Return the header, the size of a page in bytes and how many pages the file holds."""
    file.seek(0)
    header = file.read(100)
    size = page_size(header)
    return header, size, file.seek(0, os.SEEK_END) // size


def _used(header: bytes, pages: int) -> int:
    """Return how many pages the database has; ``pages`` where an old SQLite left the number out of date."""
    return int.from_bytes(header[28:32], "big") if header[24:28] == header[92:96] else pages


def _page(file: BinaryIO, number: int, size: int) -> bytes:
    file.seek((number - 1) * size)
    return file.read(size)
