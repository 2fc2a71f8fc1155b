"""Parquet files, a few rows of each row group at a time, however far they expand."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, BinaryIO

from checks.core.errors import TooLarge, Unreadable
from checks.scanner.columnar_source import Source, handle, lines_of
from checks.scanner.columnar_text import longest

pq = import_module("pyarrow.parquet")

_BUFFER = 2**16  # bytes of each column that are read at a time
_BATCH = 2**20  # bytes of rows that are decoded at a time, as the file counts them
_DECODED = 2**26  # bytes that they decode to, if each were the longest value of its column's dictionary
_ROWS = 2**16
_ROWS_OF_PREFIXES = 2**10  # where values share prefixes, and a short column may be one of long values
_BY_PREFIX = {"DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"}  # which are not read as dictionaries, too
_BY_DICTIONARY = {"RLE_DICTIONARY", "PLAIN_DICTIONARY"}
_PAGE = 2**28  # bytes of a column in a row group, from which on it may not be small as a file
_RATIO = 256


def parquet(name: str, file: BinaryIO) -> Source:
    """Open a Parquet file. Raises what pyarrow raises."""
    whole = _opened(file)
    metadata = whole.metadata
    notes = [f"{metadata.created_by}\n".encode(), *lines_of(metadata.metadata)]
    return Source(whole.schema_arrow, _batches(name, file, metadata), notes)


def _opened(file: BinaryIO, metadata: Any = None, dictionaries: list[str] | None = None) -> Any:
    return pq.ParquetFile(
        handle(file),
        metadata=metadata,
        read_dictionary=dictionaries,
        buffer_size=_BUFFER,
        pre_buffer=False,
        page_checksum_verification=True,
    )


def _batches(name: str, file: BinaryIO, metadata: Any) -> Iterator[Any]:
    schema = metadata.schema
    leaves = [schema.column(at) for at in range(len(schema))]
    texts = {
        leaf.path
        for leaf in leaves
        if leaf.physical_type == "BYTE_ARRAY" and leaf.logical_type.type != "DECIMAL"
    }
    left = metadata.num_rows
    for group in range(metadata.num_row_groups):
        # Only after a first row may the metadata of columns be asked for: where they are encrypted,
        # pyarrow would end the process.
        if next(_opened(file, metadata).iter_batches(1, [group], use_threads=False), None) is None:
            continue
        rows, dictionaries = _plan(name, file, metadata, group, texts)
        reader = _opened(file, metadata, dictionaries)
        for batch in reader.iter_batches(rows, [group], use_threads=False):
            left -= batch.num_rows
            yield batch
    if left:
        raise Unreadable(f"{name} is damaged: its number of rows is not the one that it claims")


def _plan(name: str, file: BinaryIO, metadata: Any, number: int, texts: set[str]) -> tuple[int, list[str]]:
    """Return how many rows to decode at a time, and the columns to keep as dictionaries meanwhile.

    A column of few values is one, and is faster so; of many it would be slower. Raises ``TooLarge``.
    """
    group = metadata.row_group(number)
    size, values, limit = 1, 1, _ROWS
    encoded, few = [], []
    for at in range(group.num_columns):
        chunk = group.column(at)
        expanded, path, encodings = chunk.total_uncompressed_size, chunk.path_in_schema, set(chunk.encodings)
        if expanded > max(_PAGE, _RATIO * chunk.total_compressed_size):
            raise TooLarge(f"{name} has a column that expands to more than {_RATIO} times its size")
        size += max(expanded, 0)
        values = max(values, chunk.num_values)
        if encodings & _BY_PREFIX:
            limit = _ROWS_OF_PREFIXES
        elif encodings & _BY_DICTIONARY and path in texts:
            encoded.append(path)
            # Stored plainly, each value would have taken four bytes for its length alone.
            if expanded < 4 * chunk.num_values:
                few.append(path)
    # A first row brings the dictionaries with it.
    first = next(_opened(file, metadata, encoded).iter_batches(1, [number], use_threads=False))
    rows = max(group.num_rows, 1)
    widest = sum(map(longest, first.columns)) * values // rows or 1
    return max(1, min(limit, _BATCH * rows // size, _DECODED // widest)), few
