"""The bytes of plain and compressed files, expanded in chunks, in flat memory whatever the size.

The compression is told by the first bytes, not by the name. What ends early, is damaged or expands
beyond the limit raises: never is a part taken for the whole.
"""

from __future__ import annotations

import bz2
import io
import lzma
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from checks.core.errors import MissingDriver, NotAssessed, Refused, TooLarge, Unreachable, Unreadable

EXPANDED_LIMIT = 64 * 2**30
"""Bytes that one compressed file may expand to; a plain file is bounded by its disk."""
CHUNK = 2**20
_READ = 2**16  # bytes of compressed input at a time
_HEAD = 512  # bytes that suffice to tell what a file is; a tar archive shows at 257
_XZ_MEMORY = 2**28
_ZSTD_WINDOW = 2**27  # the limit of the zstd command too

_GZIP, _XZ, _ZSTD = b"\x1f\x8b", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"
# The mark of the first block belongs to it: a line of text may begin with "BZh9".
_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
_FOREIGN = {
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "a zip archive",
    b"\x04\x22\x4d\x18": "compressed with lz4",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"PGDMP": "a dump in pg_dump's custom format",
}
# What a whole file with this name holds at the least; a shorter one was cut off.
_SHORTEST = {".gz": 18, ".xz": 32, ".bz2": 14, ".zst": 9}


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
                if len(head) < _SHORTEST.get(self._path.suffix.lower(), 0):
                    raise Unreadable(f"{self._what} is truncated")
                make = _codec(head, self._what)
                whole = _plain(head, stream) if make is None else self._decompressed(head, stream, make)
                yield from self._checked(whole, compressed=make is not None)
        except NotAssessed:
            raise
        except OSError as error:
            raise failure(error, self._what) from None

    def _checked(self, chunks: Iterator[bytes], *, compressed: bool) -> Iterator[bytes]:
        head = b""
        for chunk in chunks:
            head += chunk
            if len(head) >= _HEAD:
                break
        if not head:
            return
        kind = foreign(head)
        if compressed and _codec(head, self._what) is not None:
            kind = "compressed twice"
        if kind is not None:
            raise Unreadable(f"{self._what} is {kind}, which is not read")
        yield self._counted(head, compressed)
        for chunk in chunks:
            yield self._counted(chunk, compressed)

    def _counted(self, chunk: bytes, compressed: bool) -> bytes:
        self.size += len(chunk)
        if compressed and self.size > self._limit:
            raise TooLarge(f"{self._what} expands to more than {self._limit} bytes")
        return chunk

    def _decompressed(self, head: bytes, stream: BinaryIO, make: Callable[[], _Codec]) -> Iterator[bytes]:
        """Yield what ``stream`` expands to; it may hold several members, and zeros as padding."""
        codec, begun, data = make(), True, head
        try:
            while data or (data := stream.read(_READ)):
                if not begun and not (data := data.lstrip(b"\0")):
                    continue
                begun = True
                out = codec.decompress(data, CHUNK)
                while not codec.eof and not codec.needs_input:
                    if out:
                        yield out
                    out = codec.decompress(b"", CHUNK)
                if out:
                    yield out
                data = b""
                if codec.eof:
                    data, codec, begun = codec.unused_data, make(), False
        except (zlib.error, lzma.LZMAError, ValueError, EOFError):
            raise Unreadable(f"{self._what} is damaged, or followed by something else") from None
        except OSError as error:
            if error.errno is None:  # bz2 speaks of damaged data in an OSError without a number
                raise Unreadable(f"{self._what} is damaged, or followed by something else") from None
            raise
        if begun:
            raise Unreadable(f"{self._what} is truncated")


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


class _Codec(Protocol):
    """What ``bz2`` and ``lzma`` have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """One gzip member; zlib checks its CRC."""

    def __init__(self) -> None:
        self._inner, self._tail = zlib.decompressobj(wbits=31), b""

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        out = self._inner.decompress(self._tail + data, max(max_length, 0))
        self._tail = self._inner.unconsumed_tail
        return out


class _Zstd:
    """One zstd frame. Its library bounds no output, so input goes in small slices.

    A block of 128 KiB takes four bytes at the least: 2 KiB expand to 64 MiB at most.
    """

    SLICE = 2048

    def __init__(self) -> None:
        import zstandard

        self._inner = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
        self._error, self._data, self._at = zstandard.ZstdError, b"", 0

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return self._at >= len(self._data)

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data + self._data[self._at :]

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        del max_length
        if data:
            self._data, self._at = self._data[self._at :] + data, 0
        part = self._data[self._at : self._at + self.SLICE]
        self._at += self.SLICE
        try:
            return self._inner.decompress(part)
        except self._error:
            raise ValueError from None


def _codec(head: bytes, what: str) -> Callable[[], _Codec] | None:
    """Return what makes a decompressor for a file that begins with ``head``; ``None``: it is plain."""
    if head.startswith(_GZIP):
        return _Gzip
    if head.startswith(_XZ):
        return lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
    if _BZIP2.match(head):
        return bz2.BZ2Decompressor
    if head.startswith(_ZSTD):
        try:
            import zstandard  # noqa: F401  only whether it is there
        except ImportError:
            raise MissingDriver(f"{what}: zstd needs a library; install policyproof[zstd]") from None
        return _Zstd
    return None


def _plain(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    if head:
        yield head
    while chunk := stream.read(CHUNK):
        yield chunk
