"""A table looked at as a sample that grows while there is time.

The first rows of a table are no sample of it. So samples are drawn, each ten times as large as the one
before, up to the whole; what is said of the table rests on the last that was read to its end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from checks.connectors.sql_scan import TextScan
from checks.scanner.clock import ENDLESS, Clock
from checks.scanner.finding import Match
from checks.scanner.search import InRows

SMALL = 10_000
"""Rows up to which a table is read whole, though a sample is asked for: it is quick, and it says more."""
_GROWTH = 10


class InTable:
    """Iterate once for ``(row, column, match)`` in a table of ``whole`` rows, each match once.

    ``scan(share)`` reads a share of the rows, or all of them for ``None``; a larger share holds the
    smaller ones. ``share``, ``rows``, ``bytes`` and ``columns`` tell of the last look that was ended:
    a share of 1 is the whole, and 0 says that none was. ``cut``: whether ``clock`` was over before.
    """

    def __init__(
        self,
        scan: Callable[[float | None], TextScan],
        whole: int,
        *,
        most: float = 1.0,
        clock: Clock = ENDLESS,
    ) -> None:
        self.share = 0.0
        self.rows = self.bytes = self.columns = 0
        self.cut = False
        self._scan, self._clock = scan, clock
        self._shares = _shares(whole, most, growing=clock.limited)

    def __iter__(self) -> Iterator[tuple[str, str, Match]]:
        """Yield the matches."""
        shares, told = self._shares, Counter[tuple[str, str, str]]()
        while shares:
            if self._clock.over:
                self.cut = True
                return
            share, *shares = shares
            scan = self._scan(None if share >= 1 else share)
            look, known = InRows(scan, self._clock), told.copy()
            for row, column, match in look:
                # Where rows have no key, the same one has another number in a larger sample.
                key = "" if row.startswith("row ") else row, column, match.masked
                if known[key]:
                    known[key] -= 1
                    continue
                if shares:
                    told[key] += 1
                yield row, column, match
            if look.cut:
                self.cut = True
                return
            self.share, self.rows, self.bytes, self.columns = share, scan.rows, scan.bytes, len(scan.columns)
            if told:  # there is a violation anyway: only the most that can be said is worth a further look
                shares = shares[-1:]


def _shares(whole: int, most: float, *, growing: bool) -> list[float]:
    """Return the shares of a table that are read, one after the other."""
    if whole <= SMALL:
        return [1.0]
    shares = []
    share = SMALL / whole
    while growing and share < most:
        shares.append(share)
        share *= _GROWTH
    return [*shares, most]
