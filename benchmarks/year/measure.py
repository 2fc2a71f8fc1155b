"""What a year of runs costs: appends, size, the quarterly report, a page about a control."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.year.fill import YEAR, copied, fill
from benchmarks.year.simulate import START, World, run
from reports.ledger import Ledger

ROUNDS = 15
REPORT = """
import resource, sys, time
from policyproof.__main__ import main
began = time.perf_counter()
code = main(sys.argv[1:])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
print("MEASURED", code, time.perf_counter() - began, peak)
"""


def measure() -> Iterator[str]:
    """Fill a ledger with a year and measure what is done with it; takes about a quarter of an hour.

    A ledger that is there already is taken from ``POLICYPROOF_YEAR``, with its first month beside it
    (``python -m benchmarks.year.fill`` makes both).
    """
    given = os.environ.get("POLICYPROOF_YEAR")
    with tempfile.TemporaryDirectory(prefix="policyproof-year-") as folder:
        year, month = Path(folder) / "ledger.sqlite", Path(folder) / "month.sqlite"
        if given:
            copied(Path(given), year)
            copied(Path(given).with_suffix(".month"), month)
        else:
            fill(year, YEAR, month)
        ledger = Ledger(year)
        runs = ledger.count()
        size = year.stat().st_size
        each = size / runs / 1000
        yield f"{runs:,} runs of 60 controls on 40 targets: {each:.1f} kB a run, {size / 1e6:,.0f} MB"
        yield from _appends(year, Path(folder), runs)
        yield from _verified(ledger)
        yield from _quarter(year, Path(folder))
        yield from _pages(year, month)


def _appends(year: Path, folder: Path, runs: int) -> Iterator[str]:
    """Append in turns to the year's ledger and to one that is as young as it was at its beginning."""
    old, young = Ledger(year), Ledger(folder / "young.sqlite")
    took: dict[str, list[float]] = {"old": [], "young": []}
    late, early = World(2), World(3)
    for number in range(1, ROUNDS + 6):
        for name, ledger, world, first in (("old", old, late, runs), ("young", young, early, 0)):
            summary = run(world, first + number, START.replace(year=2027))
            summary["run"]["started"] = summary["run"]["ended"] = f"2027-01-01T00:{number:02}:00Z"
            took[name].append(_timed(lambda ledger=ledger, summary=summary: ledger.append(summary)))  # type: ignore[misc]
    ours, theirs = (median(took[name][5:]) for name in ("old", "young"))
    yield (
        f"appending to the year's ledger {ours / theirs:.2f} times appending to a new one"
        f" ({ours * 1000:.0f} and {theirs * 1000:.0f} ms, median of {ROUNDS}, in turns)"
    )


def _verified(ledger: Ledger) -> Iterator[str]:
    quick = _timed(lambda: ledger.verify(blocks=False))
    whole = _timed(ledger.verify)
    yield f"verifying: heads {quick:.1f} s, heads and all blocks {whole:.1f} s"


def _quarter(year: Path, folder: Path) -> Iterator[str]:
    """Make the quarterly HTML in a process of its own; what it needs beyond its start is counted in."""
    arguments = ["report", "--quarter", "2026Q4", "--environment", "production", "--ledger", str(year)]
    arguments += ["--report-dir", str(folder / "out"), "--no-pdf"]
    done = subprocess.run(
        [sys.executable, "-c", REPORT, *arguments], capture_output=True, text=True, check=False
    )
    measured = [line.split() for line in done.stdout.splitlines() if line.startswith("MEASURED")]
    if done.returncode or not measured:
        yield f"the quarterly report could not be made: {done.stderr.strip()[-300:]}"
        return
    _, code, seconds, peak = measured[0]
    page = next((folder / "out").rglob("quarter.html"))
    yield (
        f"quarterly report from the year's ledger: {float(seconds):.1f} s, {float(peak):.0f} MB at most,"
        f" page of {page.stat().st_size / 1e6:.2f} MB, exit {code}"
    )


def _pages(year: Path, month: Path) -> Iterator[str]:
    """Ask for the page about a control, in turns at the year's size and at the first month's."""
    from reports.view.app import create_app

    paths = {"year": year, "month": month}
    clients = {name: create_app(Ledger(path), title=name).test_client() for name, path in paths.items()}
    took: dict[str, list[float]] = {"year": [], "month": []}
    for turn in range(40):
        for name, client in clients.items():
            path = f"/production/control/CTL-{turn % 60 + 1:02}"

            def get(client: Any = client, path: str = path) -> None:
                assert client.get(path).status_code == 200, path

            took[name].append(_timed(get))
    ours, theirs = median(took["year"]), median(took["month"])
    yield (
        f"the page about a control: {ours * 1000:.0f} ms at the year's size, {theirs * 1000:.0f} ms at the"
        f" first month's, {ours / theirs:.2f} times (median of 40)"
    )


def _timed(what: Callable[[], Any]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began
