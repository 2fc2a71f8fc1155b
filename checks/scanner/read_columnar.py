"""Parquet, Arrow and ORC files: their rows as a table, and what is said about them as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from checks.connectors.files import printable
from checks.scanner.chunks import nested
from checks.scanner.columnar_source import Source, lines_of, reading
from checks.scanner.columnar_text import blocks, paths
from checks.scanner.source import BLOCK, Context, Item, Stream, Table


def items(name: str, file: BinaryIO, context: Context) -> Iterator[Item]:
    """Yield names of columns and metadata as a stream, then the rows as a table.

    Raises ``Unreadable`` if it is damaged, truncated or encrypted; ``TooLarge``.
    """
    with reading(name):
        source = _opened(name, file, context)
    try:
        with reading(name):
            columns = tuple(map(printable, paths(source.schema)))
            about = b"".join([*_names(source.schema), *source.notes])
        if about:
            yield Stream(nested(name, "metadata"), _pieces(name, about, context))
        yield Table(name, (), columns, _rows(name, source, context))
        if source.later:
            later = b"".join(source.later)
            yield Stream(nested(name, "metadata of batches"), _pieces(name, later, context))
    finally:
        source.close()


def _opened(name: str, file: BinaryIO, context: Context) -> Source:
    """Open the file by its first bytes; each library is imported only where it is needed."""
    head = file.read(8)
    file.seek(0)
    if head.startswith(b"PAR1"):
        from checks.scanner.columnar_parquet import parquet

        return parquet(name, file)
    if head.startswith(b"ORC"):
        from checks.scanner.columnar_orc import orc

        return orc(name, file)
    from checks.scanner.columnar_ipc import arrow_file, arrow_stream

    opened = arrow_file if head.startswith(b"ARROW1") else arrow_stream
    return opened(name, file, context.budget)


def _names(schema: Any) -> Iterator[bytes]:
    """Yield the names of all fields, nested ones too, and what is said about each."""
    for field in schema:
        yield field.name.encode() + b"\n"
        yield from lines_of(field.metadata)
        kind = field.type
        yield from _names([kind.field(at) for at in range(kind.num_fields)])


def _rows(name: str, source: Source, context: Context) -> Iterator[bytes]:
    with reading(name):
        for batch in source.batches:
            for block in blocks(batch):
                context.budget.read(name, len(block))
                yield block


def _pieces(name: str, raw: bytes, context: Context) -> Iterator[bytes]:
    context.budget.read(name, len(raw))
    for at in range(0, len(raw), BLOCK):
        yield raw[at : at + BLOCK]
