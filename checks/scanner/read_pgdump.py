"""Dumps in pg_dump's custom format: the rows of each table, large objects and all definitions.

The data follow the table of contents as blocks: a byte for the kind, the number of the entry, and runs
of chunks, each compressed as a stream of its own. They are read as they come; no offset is followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import chain
from typing import BinaryIO

from checks.connectors.codecs import decompressed
from checks.connectors.files import printable
from checks.core.errors import MissingDriver, TooLarge, Unreadable
from checks.scanner.chunks import counted, file_of, nested
from checks.scanner.pgdump_toc import CUSTOM, Archive, Entry
from checks.scanner.source import BLOCK, FIELD, Context, Item, Stream, Table

_DATA, _OBJECTS = 1, 3
_LONGEST_ROW = 2**28
_END = b"\\.\n"


def items(name: str, file: BinaryIO, context: Context) -> Iterator[Item]:
    """Yield the definitions as a stream, then a table for each COPY and what large objects hold.

    Raises ``Unreadable`` if it is damaged or truncated; ``TooLarge``; ``MissingDriver`` for lz4.
    """
    archive = Archive(file, name)
    definitions = archive.definitions()
    # "chain" has no "close": who reads the stream cannot end what is read on here.
    yield Stream(nested(name, "(definitions)"), chain(definitions))
    for _ in definitions:  # what was not asked for
        pass
    if not archive.complete:
        raise archive.damaged()
    if archive.form != CUSTOM:  # the data are files beside this one
        return
    missing = set(archive.entries)
    while not archive.at_end():
        kind, number = archive.byte(), archive.number()
        missing.discard(number)
        entry = archive.entries.get(number) or Entry(f"data {number}", None)
        if kind == _DATA:
            yield from _run(archive, nested(name, entry.name), entry.columns, context)
        elif kind == _OBJECTS:
            while oid := archive.number():
                yield from _run(archive, nested(name, f"large object {oid}"), None, context)
        else:
            raise archive.damaged()
    if missing:
        raise Unreadable(f"{name} is truncated: the data of {len(missing)} entries are missing")


def _run(archive: Archive, name: str, columns: tuple[str, ...] | None, context: Context) -> Iterator[Item]:
    """Yield what one run of chunks holds, and read on to its end, whatever was asked for."""
    context.budget.member(name)
    pieces = archive.pieces()
    data = counted(_expanded(archive, pieces, name), name, context.budget)
    if columns is None:
        yield from context.expand(name, file_of(data))
    else:
        yield Table(name, (), tuple(map(printable, columns)), _rows(data, name))
    for _ in pieces:
        pass
    if archive.within:
        raise archive.damaged()


def _expanded(archive: Archive, pieces: Iterator[bytes], name: str) -> Iterator[bytes]:
    if archive.compression is None:
        yield from chain(pieces)
    elif archive.compression == "lz4":
        yield from _lz4(pieces, name)
    else:
        yield from decompressed(archive.compression, b"", file_of(pieces), name, BLOCK)


def _lz4(pieces: Iterator[bytes], name: str) -> Iterator[bytes]:
    try:
        frame = import_module("lz4.frame")
    except ImportError:
        raise MissingDriver(
            f"{name} is compressed with lz4, whose library is missing (pip install lz4)"
        ) from None
    codec = frame.LZ4FrameDecompressor()
    try:
        for piece in pieces:
            out = codec.decompress(piece, BLOCK)
            while out or not (codec.needs_input or codec.eof):
                if out:
                    yield out
                out = b"" if codec.eof else codec.decompress(b"", BLOCK)
    except (RuntimeError, EOFError):
        raise Unreadable(f"{name} is damaged") from None
    if not codec.eof or codec.unused_data:
        raise Unreadable(f"{name} is damaged or truncated")


def _rows(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Yield whole rows of COPY's text form, up to the line that ends them.

    Raises ``Unreadable`` if there is none or something follows it; ``TooLarge`` for a row that is.
    """
    rest: list[bytes] = []
    size, ended = 0, False
    for chunk in chunks:
        if ended:
            _nothing_more(chunk, name)
            continue
        cut = chunk.rfind(b"\n") + 1
        if not cut:
            rest.append(chunk)
            size += len(chunk)
            if size > _LONGEST_ROW:
                raise TooLarge(f"{name} has a row of more than {_LONGEST_ROW} bytes")
            continue
        lines = b"".join((*rest, chunk[:cut]))
        rest, size = [chunk[cut:]], len(chunk) - cut
        end = 0 if lines.startswith(_END) else lines.find(b"\n" + _END) + 1
        if end or lines.startswith(_END):
            ended = True
            _nothing_more(lines[end + len(_END) :] + rest[0], name)
            lines = lines[:end]
        if lines:
            # A tab within a value is written as backslash and "t", so each tab is a delimiter.
            yield lines.replace(FIELD, b" ").replace(b"\t", FIELD)
    if not ended:
        raise Unreadable(f"{name} is truncated: the line that ends its rows is missing")


def _nothing_more(data: bytes, name: str) -> None:
    if data.strip(b"\n"):
        raise Unreadable(f"{name} is damaged: something follows its rows")
