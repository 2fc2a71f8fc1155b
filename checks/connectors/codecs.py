"""Decompression of streams: bounded output at a time, and never a part taken for the whole.

Several members may follow one another, as ``cat a.gz b.gz`` makes them, with zeros between or behind.
"""

from __future__ import annotations

import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import BinaryIO, Protocol, cast

from checks.connectors.zstd_frames import MAGIC as _ZSTD
from checks.connectors.zstd_frames import SKIPPABLE as _ZSTD_SKIPPABLE
from checks.connectors.zstd_frames import ZstdFrames
from checks.core.errors import MissingDriver, Unreadable

_READ = 2**16  # bytes of compressed input at a time
_ZSTD_READ = 2**19  # of zstd, which comes back for more so often that other threads would wait for it
_XZ_MEMORY = 2**28
_ZSTD_WINDOW = 2**27  # the limit of the zstd command too

_GZIP, _XZ = b"\x1f\x8b", b"\xfd7zXZ\x00"
# The mark of the first block belongs to it: a line of text may begin with "BZh9".
_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
SHORTEST = {".gz": 18, ".tgz": 18, ".xz": 32, ".bz2": 14, ".zst": 9}
"""What a whole file with such an ending holds at the least; a shorter one was cut off."""


def compression_of(head: bytes) -> str | None:
    """Return ``gzip``, ``xz``, ``bzip2`` or ``zstd`` by the first ten bytes of a file, else ``None``."""
    if head.startswith(_GZIP):
        return "gzip"
    if head.startswith(_XZ):
        return "xz"
    if _BZIP2.match(head):
        return "bzip2"
    skippable = head[1:4] == _ZSTD_SKIPPABLE and head[0] >> 4 == 5  # pzstd begins with such a frame
    return "zstd" if skippable or head.startswith(_ZSTD) else None


def decompressed(kind: str, head: bytes, stream: BinaryIO, what: str, block: int) -> Iterator[bytes]:
    """Yield what ``head`` and the rest of ``stream`` expand to, at most ``block`` bytes at a time.

    ``kind`` is one of :func:`compression_of`, or ``lzma`` (its old format), ``zlib`` or ``deflate``.
    ``what`` names the stream in messages. Errors of reading pass through.

    Raises ``Unreadable`` if it is truncated, damaged or followed by something else; ``MissingDriver``
    without the library for zstd.
    """
    if kind == "zstd":
        yield from iter(partial(Zstd(head, stream, what).read, block), b"")
        return
    with _told(what):
        whole = yield from _members(_MAKERS[kind], head, stream, block)
    if not whole:
        raise Unreadable(f"{what} is truncated")


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except (zlib.error, lzma.LZMAError, ValueError, EOFError):
        raise Unreadable(f"{what} is damaged, or followed by something else") from None
    except OSError as error:
        if error.errno is None:  # bz2 speaks of damaged data in an OSError without a number
            raise Unreadable(f"{what} is damaged, or followed by something else") from None
        raise


class _Codec(Protocol):
    """What ``bz2`` and ``lzma`` have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Zlib:
    """One member of what zlib reads, which checks its CRC; ``wbits`` as :mod:`zlib` explains them."""

    def __init__(self, wbits: int) -> None:
        self._inner, self._tail = zlib.decompressobj(wbits), b""

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


_MAKERS: dict[str, Callable[[], _Codec]] = {
    "gzip": lambda: _Zlib(31),
    "zlib": lambda: _Zlib(15),
    "deflate": lambda: _Zlib(-15),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY),
    "lzma": lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_XZ_MEMORY),
}


def _members(
    make: Callable[[], _Codec], head: bytes, stream: BinaryIO, block: int
) -> Generator[bytes, None, bool]:
    """Yield what the members expand to; return whether the last one is whole."""
    codec, begun, data = make(), True, head
    while data or (data := stream.read(_READ)):
        if not begun and not (data := data.lstrip(b"\0")):
            continue
        begun = True
        out = codec.decompress(data, block)
        while not codec.eof and not codec.needs_input:
            if out:
                yield out
            out = codec.decompress(b"", block)
        if out:
            yield out
        data = b""
        if codec.eof:
            data, codec, begun = codec.unused_data, make(), False
    return not begun


class Zstd:
    """What zstd frames expand to, to be read once; raises what :func:`decompressed` does."""

    def __init__(self, head: bytes, stream: BinaryIO, what: str) -> None:
        try:
            import zstandard
        except ImportError:
            raise MissingDriver(f"{what}: zstd needs a library; install policyproof[zstd]") from None
        self._what, self._frames = what, ZstdFrames(head, stream)
        self._damaged = zstandard.ZstdError
        self._reader = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).stream_reader(
            cast(BinaryIO, self._frames), read_size=_ZSTD_READ, read_across_frames=True, closefd=False
        )

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes; none at the end."""
        with self._told():
            return self._reader.read(size) or self._end()

    def readinto(self, view: memoryview) -> int:
        """Fill ``view`` from its front; return how many bytes that were, 0 at the end."""
        with self._told():
            return self._reader.readinto(view) or len(self._end())

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self._damaged:
            raise Unreadable(f"{self._what} is damaged, or followed by something else") from None

    def _end(self) -> bytes:
        if self._frames.foreign:
            raise Unreadable(f"{self._what} is damaged, or followed by something else")
        if not self._frames.whole:
            raise Unreadable(f"{self._what} is truncated")
        return b""
