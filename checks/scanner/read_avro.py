"""Avro container files: their header as a stream, their rows as a table.

The container and its codecs are read here, so that no block expands without limit, and fastavro reads
the values from a container without compression (Avro 1.12 specification, "Object Container Files").
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Iterator
from importlib import import_module
from typing import BinaryIO

from checks.connectors.codecs import decompressed
from checks.connectors.files import printable
from checks.core.errors import MissingDriver, NotAssessed, TooLarge, Unreadable
from checks.scanner.chunks import file_of, nested
from checks.scanner.columnar_avro import Schema, blocks
from checks.scanner.source import BLOCK, Context, Item, Stream, Table

_MAGIC, _SYNC, _CHECKSUM = b"Obj\x01", 16, 4
_CODECS = {"bzip2": "bzip2", "xz": "xz", "zstandard": "zstd"}
_HEADER = 2**24  # bytes of a header's text at most
_LONGEST = 2**26  # bytes of a block at most, as stored and expanded


def items(name: str, file: BinaryIO, context: Context) -> Iterator[Item]:
    """Yield what the header says as a stream, then the rows as a table.

    Raises ``Unreadable`` if it is damaged or truncated; ``TooLarge``; ``MissingDriver`` for snappy.
    """
    fastavro = import_module("fastavro")
    container = _Container(name, file)
    about = b"".join(b"%b: %b\n" % pair for pair in container.header.items())
    context.budget.read(name, len(about))
    yield Stream(nested(name, "metadata"), (about[at : at + BLOCK] for at in range(0, len(about), BLOCK)))
    schema = Schema(name, container.header.get(b"avro.schema", b""))
    codec = container.header.get(b"avro.codec", b"null").decode("utf-8", "replace")
    if codec not in ("null", "deflate", "snappy", *_CODECS):
        raise Unreadable(f"{name} is compressed with a codec that is not read")

    def rows() -> Iterator[bytes]:
        try:
            plain = file_of(container.plain(schema, codec))
            records = fastavro.reader(plain, handle_unicode_errors="surrogateescape")
            for block in blocks(schema, records):
                context.budget.read(name, len(block))
                yield block
        except (NotAssessed, OSError):
            raise
        except Exception:  # a damaged value leads fastavro to whatever error
            raise Unreadable(f"{name} is damaged, or has a schema that is not read") from None

    yield Table(name, (), tuple(map(printable, schema.columns)), rows())


class _Container:
    """An object container file that is read once, from front to back."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        """Read the header; raises ``Unreadable``, ``TooLarge``."""
        self._name, self._file = name, file
        self.header: dict[bytes, bytes] = {}
        self._exactly(len(_MAGIC))
        left = _HEADER
        while count := self._long():
            if count < 0:  # then the size of the block follows
                self._long()
            for _ in range(abs(count)):
                key, value = self._text(left), self._text(left)
                left -= len(key) + len(value) + 1
                self.header[key] = value
        self._sync = self._exactly(_SYNC)

    def plain(self, schema: Schema, codec: str) -> Iterator[bytes]:
        """Yield the same file without compression, its header for ``schema.plain``.

        Raises ``Unreadable``, ``TooLarge``, ``MissingDriver``.
        """
        header = {b"avro.schema": json.dumps(schema.plain).encode(), b"avro.codec": b"null"}
        yield _MAGIC + _encoded(len(header))
        for pair in header.items():
            yield from (_encoded(len(text)) + text for text in pair)
        yield b"\0" + self._sync
        while first := self._file.read(1):
            count, size = self._long(first), self._long()
            if not 0 <= size <= _LONGEST:
                raise self._damaged() if size < 0 else self._too_large()
            block = self._expanded(codec, self._exactly(size))
            if self._exactly(_SYNC) != self._sync or not 0 <= count <= len(block):
                raise self._damaged()
            yield _encoded(count) + _encoded(len(block)) + block + self._sync

    def _expanded(self, codec: str, block: bytes) -> bytes:
        if codec == "null":
            return block
        if codec == "deflate":
            return self._inflated(block)
        if codec == "snappy":
            return self._snappy(block)
        parts, size = [], 0
        for part in decompressed(_CODECS[codec], b"", io.BytesIO(block), self._name, BLOCK):
            parts.append(part)
            size += len(part)
            if size > _LONGEST:
                raise self._too_large()
        return b"".join(parts)

    def _inflated(self, block: bytes) -> bytes:
        """Expand a block without a checksum; some writers leave what there is of zlib's behind it."""
        inner = zlib.decompressobj(-15)
        try:
            expanded = inner.decompress(block, _LONGEST + 1)
        except zlib.error:
            raise self._damaged() from None
        if len(expanded) > _LONGEST:
            raise self._too_large()
        if not inner.eof or len(inner.unused_data) > _CHECKSUM:
            raise self._damaged()
        return expanded

    def _snappy(self, block: bytes) -> bytes:
        """Expand a block, which says first how long it will be and is followed by its CRC-32."""
        try:
            snappy = import_module("cramjam").snappy
        except ImportError:
            raise MissingDriver(
                f"{self._name} is compressed with snappy, whose library is missing "
                "(pip install 'policyproof[columnar]')"
            ) from None
        body, checksum = block[:-_CHECKSUM], block[-_CHECKSUM:]
        try:
            if snappy.decompress_raw_len(body) > _LONGEST:
                raise self._too_large()
            expanded = bytes(snappy.decompress_raw(body))
        except NotAssessed:
            raise
        except Exception:  # of the library's own kind
            raise self._damaged() from None
        if zlib.crc32(expanded).to_bytes(_CHECKSUM, "big") != checksum:
            raise self._damaged()
        return expanded

    def _text(self, limit: int) -> bytes:
        size = self._long()
        if not 0 <= size <= limit:
            raise self._damaged()
        return self._exactly(size)

    def _long(self, first: bytes = b"") -> int:
        """Read a number of variable length, in zigzag coding."""
        value = 0
        for shift in range(0, 70, 7):
            byte = (first if shift == 0 and first else self._exactly(1))[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)
        raise self._damaged()

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise Unreadable(f"{self._name} is truncated")
        return data

    def _damaged(self) -> Unreadable:
        return Unreadable(f"{self._name} is damaged")

    def _too_large(self) -> TooLarge:
        return TooLarge(f"{self._name} has a block of more than {_LONGEST} bytes")


def _encoded(number: int) -> bytes:
    """Return a number that is not negative, as :meth:`_Container._long` reads it."""
    number <<= 1
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
