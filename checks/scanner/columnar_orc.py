"""ORC files, a thousand rows of each stripe at a time."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, BinaryIO

from checks.core.errors import Unreadable
from checks.scanner.columnar_source import Source, handle, lines_of

_ROWS = 2**10  # at a time: ORC's own way to read is by whole stripes, which may expand without limit


def orc(name: str, file: BinaryIO) -> Source:
    """Open an ORC file. Raises what pyarrow raises; ``Unreadable``."""
    whole = import_module("pyarrow.orc").ORCFile(handle(file))
    if len(set(whole.schema.names)) < len(whole.schema.names):
        raise Unreadable(f"{name} has two columns of the same name")
    return Source(whole.schema, _batches(name, file, whole.nrows), list(lines_of(whole.metadata)))


def _batches(name: str, file: BinaryIO, rows: int) -> Iterator[Any]:
    fragment = import_module("pyarrow.dataset").OrcFileFormat().make_fragment(handle(file))
    scanner = fragment.scanner(batch_size=_ROWS, batch_readahead=0, fragment_readahead=0, use_threads=False)
    for batch in scanner.to_batches():
        rows -= batch.num_rows
        yield batch
    if rows:
        raise Unreadable(f"{name} is damaged: its number of rows is not the one that it claims")
