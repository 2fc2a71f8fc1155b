"""``python -m benchmarks.year.fill FILE [DAYS]``: a ledger of simulated runs, to measure and look at."""

from __future__ import annotations

import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

from benchmarks.year.simulate import World, runs
from reports.ledger import Ledger

YEAR, MONTH = 365, 31


def fill(path: Path, days: int = YEAR, first_month: Path | None = None) -> list[float]:
    """Record the runs of so many days; return the seconds that each append took.

    ``first_month`` receives a copy of the ledger as it was after 31 days.
    """
    ledger, took = Ledger(path), []
    month = "2026-02-01T00:00:00Z" if first_month else "9"
    for summary in runs(World(), days):
        if summary["run"]["started"] >= month:
            assert first_month is not None
            copied(path, first_month)
            month = "9"
        began = time.perf_counter()
        ledger.append(summary)
        took.append(time.perf_counter() - began)
        if len(took) % 500 == 0:
            print(f"{len(took):,} runs, {path.stat().st_size / 1e6:,.0f} MB", file=sys.stderr, flush=True)
    return took


def copied(path: Path, to: Path) -> None:
    """Copy a ledger that is in use."""
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


if __name__ == "__main__":
    where = Path(sys.argv[1])
    fill(where, int(sys.argv[2]) if len(sys.argv) > 2 else YEAR, where.with_suffix(".month"))
