"""Arrow files and streams, batch by batch, none of which is expanded before its size is known."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from importlib import import_module
from typing import Any, BinaryIO

from checks.core.errors import TooLarge, Unreadable
from checks.scanner.columnar_source import Source, handle, lines_of
from checks.scanner.source import Budget

pa = import_module("pyarrow")
ipc = import_module("pyarrow.ipc")

_MAGIC = b"ARROW1"
_CONTINUED = b"\xff\xff\xff\xff"
_DICTIONARY, _BATCH = 2, 3  # kinds of message
_MESSAGE_KIND, _MESSAGE_HEADER, _MESSAGE_BODY = 1, 2, 3  # places in the tables of the format
_DICTIONARY_DATA, _BATCH_BUFFERS, _BATCH_COMPRESSION = 1, 2, 3


def arrow_file(name: str, file: BinaryIO, budget: Budget) -> Source:
    """Open an Arrow file. Raises what pyarrow raises; ``TooLarge``, ``Unreadable``."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - 10, 0))
    footer, magic = struct.unpack("<i6s", file.read(10).rjust(10, b"\0"))
    if magic != _MAGIC:
        raise Unreadable(f"{name} is truncated")
    _weigh(name, file, budget, 8, size - 10 - footer)
    reader = ipc.open_file(handle(file), options=_options())
    source = Source(reader.schema, iter(()), [*lines_of(reader.schema.metadata), *lines_of(reader.metadata)])
    numbers = range(reader.num_record_batches)
    read = (reader.get_batch_with_custom_metadata(number) for number in numbers)
    source.batches = _batches(source, read)
    return source


def arrow_stream(name: str, file: BinaryIO, budget: Budget) -> Source:
    """Open an Arrow stream. Raises what pyarrow raises; ``TooLarge``, ``Unreadable``."""
    size = file.seek(0, os.SEEK_END)
    end = _weigh(name, file, budget, 0, size)
    file.seek(0)
    reader = ipc.open_stream(handle(file), options=_options())
    source = Source(reader.schema, iter(()), list(lines_of(reader.schema.metadata)))
    source.batches = _to_the_end(name, _batches(source, _each(reader)), end, size)
    return source


def _options() -> Any:
    return ipc.IpcReadOptions(use_threads=False)


def _each(reader: Any) -> Iterator[Any]:
    while True:
        try:
            yield reader.read_next_batch_with_custom_metadata()
        except StopIteration:
            return


def _batches(source: Source, read: Iterator[Any]) -> Iterator[Any]:
    for batch, notes in read:
        source.later.extend(lines_of(notes))
        yield _checked(batch)


def _to_the_end(name: str, batches: Iterator[Any], end: int | None, size: int) -> Iterator[Any]:
    yield from batches
    if end is None:
        raise Unreadable(f"{name} is truncated: the mark of its end is missing")
    if end < size:
        raise Unreadable(f"{name} is followed by something else")


def _checked(batch: Any) -> Any:
    """Return ``batch`` when every place in it that is pointed at is there; Arrow does not look itself.

    Raises ``pa.ArrowInvalid``. A text may be none: it is taken as bytes then.
    """
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        columns = [_as_bytes(column) for column in batch.columns]
        batch = pa.RecordBatch.from_arrays(columns, batch.schema.names)
        batch.validate(full=True)
    return batch


def _as_bytes(array: Any) -> Any:
    if pa.types.is_string(array.type):
        return array.cast(pa.binary())
    return array.cast(pa.large_binary()) if pa.types.is_large_string(array.type) else array


def _weigh(name: str, file: BinaryIO, budget: Budget, start: int, stop: int) -> int | None:
    """Walk over the messages between ``start`` and ``stop`` and return where their end is marked.

    ``None`` if it is not. Source: the Arrow columnar format, "Encapsulated message format". Raises
    ``TooLarge`` if one expands to more than may be held at once; ``Unreadable``.
    """
    at = start
    try:
        while at + 4 <= stop:
            file.seek(at)
            word = file.read(4)
            if word == _CONTINUED:
                word = file.read(4)
            (length,) = struct.unpack("<i", word)
            if length == 0:
                return file.tell()
            if not 0 < length <= stop - at:
                raise Unreadable(f"{name} is damaged or truncated")
            message = _Table.root(file.read(length))
            at = file.tell() + max(message.number(_MESSAGE_BODY, "<q"), 0)
            if at > stop:
                raise Unreadable(f"{name} is truncated")
            if _expanded(message, file) > budget.limits.spooled:
                raise TooLarge(f"{name} has a batch of more than {budget.limits.spooled} bytes")
    except struct.error:
        raise Unreadable(f"{name} is damaged or truncated") from None
    return None


def _expanded(message: _Table, file: BinaryIO) -> int:
    """Return what the buffers of a message, whose body ``file`` is at, say that they expand to."""
    kind = message.number(_MESSAGE_KIND, "<B")
    if kind not in (_DICTIONARY, _BATCH):
        return 0
    batch = message.table(_MESSAGE_HEADER)
    if kind == _DICTIONARY:
        batch = batch.table(_DICTIONARY_DATA)
    body = file.tell()
    compressed = batch.place(_BATCH_COMPRESSION) is not None
    total = 0
    for offset, size in batch.pairs(_BATCH_BUFFERS):
        total += max(size, 0)
        if compressed and size > 0:
            file.seek(max(body + offset, 0))
            total += max(struct.unpack("<q", file.read(8))[0], 0)
    return total


class _Table:
    """A table of a flatbuffer. Each method raises ``struct.error`` if it points where nothing is."""

    def __init__(self, raw: bytes, at: int) -> None:
        self._raw, self._at = raw, at
        self._fields = at - self._read("<i", at)

    @classmethod
    def root(cls, raw: bytes) -> _Table:
        """Return the outermost table."""
        return cls(raw, struct.unpack_from("<I", raw)[0])

    def place(self, field: int) -> int | None:
        """Return where a field lies; ``None`` if it is left out."""
        if 4 + 2 * field >= self._read("<H", self._fields):
            return None
        offset = self._read("<H", self._fields + 4 + 2 * field)
        return self._at + offset if offset else None

    def number(self, field: int, form: str) -> int:
        """Return a number, 0 if it is left out."""
        at = self.place(field)
        return 0 if at is None else self._read(form, at)

    def table(self, field: int) -> _Table:
        """Return a table within this one."""
        return _Table(self._raw, self._follow(field))

    def pairs(self, field: int) -> Iterator[tuple[int, int]]:
        """Yield the items of a vector of pairs of numbers."""
        if self.place(field) is None:
            return
        at = self._follow(field)
        for index in range(self._read("<I", at)):
            yield self._read("<q", at + 4 + 16 * index), self._read("<q", at + 12 + 16 * index)

    def _follow(self, field: int) -> int:
        at = self.place(field)
        if at is None:
            raise struct.error
        return at + self._read("<I", at)

    def _read(self, form: str, at: int) -> int:
        if at < 0:
            raise struct.error
        return int(struct.unpack_from(form, self._raw, at)[0])
