"""Card numbers in what the controls read: rows of a table, text, a file of whatever format.

The engine, and numba with it, is loaded when the first of these is iterated, and kept.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.connectors.sql_scan import TextScan
from checks.connectors.text_lines import TextBytes
from checks.scanner.clock import ENDLESS, Clock, Until
from checks.scanner.expand import open_file, skipped
from checks.scanner.finding import Match
from checks.scanner.reading import Whole
from checks.scanner.source import FIELD, Budget, Item, Skipped, Table

if TYPE_CHECKING:
    from checks.scanner.engine import Engine

_FIELD = FIELD.decode()


@functools.cache
def engine() -> Engine:
    """Return the engine of this process; raises ``MissingDriver`` without numba."""
    from checks.scanner.engine import Engine

    return Engine()


class InRows:
    """Iterate once for ``(row, column, match)`` in the rows of ``scan``, whose counts it keeps.

    ``cut`` says whether ``clock`` was over before their end.
    """

    def __init__(self, scan: TextScan, clock: Clock = ENDLESS) -> None:
        self.cut = False
        self._scan, self._clock = scan, clock

    def __iter__(self) -> Iterator[tuple[str, str, Match]]:
        """Yield the matches in the order of the rows."""
        looked, scan = engine(), self._scan
        with closing(scan.batches()) as batches:
            timed = Until(batches, self._clock)
            for batch in timed:
                # The values of a row are kept apart by a byte that no number is written with.
                rows = [_FIELD.join([_text(value) for value in scan.texts(values)]) for values in batch]
                data = "\n".join(rows).encode("utf-8", "surrogatepass")
                scan.bytes += len(data)
                hits = looked.block(data)
                if len(hits):
                    yield from _placed(looked.matches(hits), rows, batch, scan)
            self.cut = timed.cut


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
    """Iterate once for the matches in a text; ``lines`` and ``bytes`` count what was read.

    ``cut`` says whether ``clock`` was over before its end.
    """

    def __init__(self, text: TextBytes, clock: Clock = ENDLESS) -> None:
        self.lines = 0
        self.bytes = 0
        self.cut = False
        self._text, self._clock = text, clock

    def __iter__(self) -> Iterator[Match]:
        """Yield the matches in order; raises what :class:`TextBytes` does."""
        looked = engine()
        lines, size = looked.lines, looked.size
        timed = Until(self._text, self._clock)
        whole = Whole(timed)  # what came before it breaks off is looked at all the same
        for hits in looked.stream(whole):
            self.bytes = looked.size - size
            yield from looked.matches(hits) if len(hits) else ()
        self.cut = timed.cut
        if whole.error is not None:
            raise whole.error
        self.bytes = self._text.size
        self.lines = looked.lines - lines + self._text.unended


class InItems:
    """Iterate once for ``(part, match or Skipped)`` in what a source holds.

    ``part`` is the item's name. ``lines`` counts lines of text and rows of tables, ``bytes`` what was
    read of them. ``Skipped`` is what was not looked at, or not to its end; ``cut`` says whether
    ``clock`` was over before the end.
    """

    def __init__(self, items: Iterable[Item], clock: Clock = ENDLESS) -> None:
        self.lines = 0
        self.bytes = 0
        self.cut = False
        self._items, self._clock = items, clock

    def __iter__(self) -> Iterator[tuple[str, Match | Skipped]]:
        """Yield the matches in order; raises what the source does."""
        looked = engine()
        for item in self._items:
            if self._clock.over:
                self.cut = True
                return
            if isinstance(item, Skipped):
                yield item.name, item
                continue
            lines, size = looked.lines, looked.size
            timed = Until(item.blocks if isinstance(item, Table) else item.chunks, self._clock)
            whole = Whole(timed)
            for hits in looked.stream(whole):
                for match in looked.matches(hits) if len(hits) else ():
                    yield item.name, match
            self.lines += looked.lines - lines
            self.bytes += looked.size - size
            if timed.cut:
                self.cut = True
                return
            if whole.error is not None:
                yield item.name, skipped(item.name, whole.error)


class InFile(InItems):
    """The same in a file of any format that is read; ``part`` names what is nested in it, down to it."""

    def __init__(self, path: Path, name: str, clock: Clock = ENDLESS) -> None:
        super().__init__(open_file(path, name, Budget()), clock)
