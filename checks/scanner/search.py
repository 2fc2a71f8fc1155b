"""Card numbers in what the controls read: rows of a table, text, a file of whatever format.

The engine, and numba with it, is loaded when the first of these is iterated, and kept.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.connectors.archives import opened
from checks.connectors.codecs import compression_of
from checks.connectors.sql_scan import TextScan
from checks.connectors.text_lines import TextBytes
from checks.scanner.expand import open_file, skipped
from checks.scanner.finding import Match
from checks.scanner.formats import HEAD
from checks.scanner.reading import Whole
from checks.scanner.sample import UNIT, Sample
from checks.scanner.source import FIELD, Budget, Skipped, Table

if TYPE_CHECKING:
    from checks.scanner.engine import Engine

_FIELD = FIELD.decode()
BEFORE = 256
"""Bytes before a block that the engine looks at too."""


@functools.cache
def engine() -> Engine:
    """Return the engine of this process; raises ``MissingDriver`` without numba."""
    from checks.scanner.engine import Engine

    return Engine()


def in_rows(scan: TextScan) -> Iterator[tuple[str, str, Match]]:
    """Yield ``(row, column, match)`` for the card numbers in the rows of ``scan``, whose counts it keeps."""
    looked = engine()
    for batch in scan.batches():
        # The values of a row are kept apart by a byte that no number is written with.
        rows = [_FIELD.join([_text(value) for value in scan.texts(values)]) for values in batch]
        data = "\n".join(rows).encode("utf-8", "surrogatepass")
        scan.bytes += len(data)
        hits = looked.block(data)
        if len(hits):
            yield from _placed(looked.matches(hits), rows, batch, scan)


def _placed(
    found: Sequence[Match], rows: Sequence[str], batch: Sequence[Sequence[Any]], scan: TextScan
) -> Iterator[tuple[str, str, Match]]:
    """Yield each match with the row and the column that hold its offset."""
    waiting = list(reversed(found))
    end = 0
    for index, row in enumerate(rows):
        start, end = end, end + len(row.encode("utf-8", "surrogatepass")) + 1
        while waiting and waiting[-1].offset < end:
            match = waiting.pop()
            before = row.encode("utf-8", "surrogatepass")[: match.offset - start]
            values = [_text(value) for value in scan.texts(batch[index])]
            column = scan.columns[_field(values, before)]
            yield scan.label(batch[index], index + 1 - len(batch)), column.name, match


def _field(values: Sequence[str], before: bytes) -> int:
    """Return which of ``values`` the byte behind ``before`` lies in; they may hold the mark themselves."""
    at = len(before)
    for index, value in enumerate(values):
        at -= len(value.encode("utf-8", "surrogatepass")) + 1
        if at < 0:
            return index
    return len(values) - 1


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)


class InText:
    """Iterate once for the matches in a text; ``lines`` and ``bytes`` count what was read."""

    def __init__(self, text: TextBytes) -> None:
        self.lines = 0
        self.bytes = 0
        self._text = text

    def __iter__(self) -> Iterator[Match]:
        """Yield the matches in order; raises what :class:`TextBytes` does."""
        looked = engine()
        lines, size = looked.lines, looked.size
        whole = Whole(self._text)  # what came before it breaks off is looked at all the same
        for hits in looked.stream(whole):
            self.bytes = looked.size - size
            yield from looked.matches(hits) if len(hits) else ()
        if whole.error is not None:
            raise whole.error
        self.bytes = self._text.size
        self.lines = looked.lines - lines + self._text.unended


class InSample:
    """Iterate once for ``(name, match)`` in what a sample takes of some files of text.

    A unit is a block of ``UNIT`` bytes of a plain file, or a compressed file. ``units`` of ``units_of``
    were looked at, ``bytes`` of text in them. Lines count from the block's start and say nothing.
    """

    def __init__(self, files: Sequence[tuple[str, Path, TextBytes]], sample: Sample) -> None:
        self.units = self.units_of = 0
        self.bytes = 0
        self._files, self._sample = files, sample

    def __iter__(self) -> Iterator[tuple[str, Match]]:
        """Yield the matches in order; raises what :class:`TextBytes` does."""
        looked = engine()
        for name, path, text in self._files:
            with opened(path, name) as file:
                if compression_of(file.read(HEAD)) is not None:
                    self.units_of += 1
                    if self._sample.takes(name):
                        self.units += 1
                        found = InText(text)
                        yield from ((name, match) for match in found)
                        self.bytes += found.bytes
                    continue
                size = os.fstat(file.fileno()).st_size
                self.units_of += -(-size // UNIT)
                for start, stop in self._sample.runs(name, 0, size):
                    self.units += -(-(stop - start) // UNIT)
                    self.bytes += stop - start
                    first = max(0, start - BEFORE)
                    file.seek(first)
                    for hits in looked.read(file.readinto, first=first, start=start, stop=stop):
                        yield from ((name, match) for match in looked.matches(hits) if len(hits))


class InFile:
    """Iterate once for ``(part, match or Skipped)`` in a file of any format that is read.

    ``part`` names what is nested in the file, down to it. ``lines`` counts lines of text and rows of
    tables, ``bytes`` what was read of them. ``Skipped`` is what was not looked at, or not to its end.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.lines = 0
        self.bytes = 0
        self._path, self._name = path, name

    def __iter__(self) -> Iterator[tuple[str, Match | Skipped]]:
        """Yield the matches in order."""
        looked = engine()
        for item in open_file(self._path, self._name, Budget()):
            if isinstance(item, Skipped):
                yield item.name, item
                continue
            lines, size = looked.lines, looked.size
            whole = Whole(item.blocks if isinstance(item, Table) else item.chunks)
            for hits in looked.stream(whole):
                for match in looked.matches(hits) if len(hits) else ():
                    yield item.name, match
            self.lines += looked.lines - lines
            self.bytes += looked.size - size
            if whole.error is not None:
                yield item.name, skipped(item.name, whole.error)
