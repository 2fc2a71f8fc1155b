"""The bytes of plain and compressed files, expanded in chunks, in flat memory whatever the size.

The compression is told by the first bytes, not by the name. What ends early, is damaged or expands
beyond the limit raises: never is a part taken for the whole.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from checks.connectors.codecs import SHORTEST, compression_of, decompressed
from checks.core.errors import NotAssessed, Refused, TooLarge, Unreachable, Unreadable

EXPANDED_LIMIT = 64 * 2**30
"""Bytes that one compressed file may expand to; a plain file is bounded by its disk."""
CHUNK = 2**20
_HEAD = 512  # bytes that suffice to tell what a file is; a tar archive shows at 257

_FOREIGN = {
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "a zip archive",
    b"\x04\x22\x4d\x18": "compressed with lz4",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"PGDMP": "a dump in pg_dump's custom format",
}


class Expanded:
    """Iterate once for the bytes of a file in chunks; ``size`` counts them, after decompression.

    ``what`` names the file in messages. The first chunk holds 512 bytes or the whole.

    Raises ``Unreachable`` if the file is gone, ``Refused``, ``TooLarge`` if a compressed file
    expands beyond ``limit`` bytes, ``MissingDriver`` without the library for zstd, ``Unreadable``
    if it is truncated, damaged, an archive of several files or no regular file.
    """

    def __init__(self, path: Path, what: str, *, limit: int = EXPANDED_LIMIT) -> None:
        self.size = 0
        self._path, self._what, self._limit = path, what, limit

    def __iter__(self) -> Iterator[bytes]:
        """Yield the chunks in order; none is empty."""
        try:
            with opened(self._path, self._what) as stream:
                head = stream.read(_HEAD)
                if len(head) < SHORTEST.get(self._path.suffix.lower(), 0):
                    raise Unreadable(f"{self._what} is truncated")
                kind = compression_of(head)
                if kind is None:
                    whole = _plain(head, stream)
                else:
                    whole = decompressed(kind, head, stream, self._what, CHUNK)
                yield from self._checked(whole, compressed=kind is not None)
        except NotAssessed:
            raise
        except OSError as error:
            raise failure(error, self._what) from None

    def _checked(self, chunks: Iterator[bytes], *, compressed: bool) -> Iterator[bytes]:
        head = b""
        broke: NotAssessed | OSError | None = None
        try:
            for chunk in chunks:
                head += chunk
                if len(head) >= _HEAD:
                    break
        except (NotAssessed, OSError) as error:
            broke = error  # what came before is handed over first
        if not head and broke is None:
            return
        kind = foreign(head)
        if compressed and compression_of(head) is not None:
            kind = "compressed twice"
        if kind is not None:
            raise Unreadable(f"{self._what} is {kind}, which is not read")
        if head:
            yield self._counted(head, compressed)
        if broke is not None:
            raise broke
        for chunk in chunks:
            yield self._counted(chunk, compressed)

    def _counted(self, chunk: bytes, compressed: bool) -> bytes:
        self.size += len(chunk)
        if compressed and self.size > self._limit:
            raise TooLarge(f"{self._what} expands to more than {self._limit} bytes")
        return chunk


def opened(path: Path, what: str) -> io.BufferedReader[io.FileIO]:
    """Open a regular file; ``Unreadable`` for anything else, such as a pipe, which would block."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise failure(error, what) from None
    stream = io.BufferedReader(io.FileIO(handle))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        stream.close()
        raise Unreadable(f"{what} is no regular file")
    return stream


def failure(error: OSError, what: str) -> NotAssessed:
    """Return what an error of the operating system means for the file ``what``."""
    if isinstance(error, PermissionError):
        return Refused(f"{what}: permission denied")
    if isinstance(error, FileNotFoundError):
        return Unreachable(f"{what} is gone since its folder was listed")
    return Unreadable(f"{what} cannot be read ({error.strerror})")


def foreign(head: bytes) -> str | None:
    """Return in words what kind of archive begins with ``head``, if one that is not read."""
    if head[257:262] == b"ustar":
        return "a tar archive"
    return next((kind for magic, kind in _FOREIGN.items() if head.startswith(magic)), None)


def _plain(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    if head:
        yield head
    while chunk := stream.read(CHUNK):
        yield chunk
