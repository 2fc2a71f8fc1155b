"""Which charts a quarterly report has, and the numbers they are drawn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from reports.quarter import charts
from reports.quarter.shape import Quarter, Timeline

ON_ONE = 40
"""Controls on one drawing, so that it fits a page of paper."""


class Drawings(NamedTuple):
    """SVG texts, or the line that says why there are none."""

    runs: str = ""
    timelines: Sequence[str] = ()
    failing: str = ""
    ages: str = ""
    missing: str | None = None


def draw(quarter: Quarter) -> Drawings:
    """Draw all charts; without the libraries for it, say so in :attr:`Drawings.missing`."""
    try:
        return _draw(quarter)
    except charts.ChartsMissing as absent:
        return Drawings(missing=str(absent))


def runs_by_day(quarter: Quarter) -> list[int]:
    """Return how many runs began on each day of the period."""
    counted = Counter(run["started"][:10] for run in quarter["runs"])
    return [counted[day.isoformat()] for day in _days(quarter)]


def failing_by_day(quarter: Quarter) -> list[int]:
    """Return how many failing periods were open on each day, at any time of it."""
    counts = []
    last = quarter["title"]["period"]["ended"][:10]
    for day in (each.isoformat() for each in _days(quarter)):
        counts.append(
            0
            if day > last
            else sum(
                (one["began_before"] or one["first_seen"])[:10] <= day
                and (one["ended"] is None or one["ended"][:10] >= day)
                for one in quarter["failing"]["periods"]
            )
        )
    return counts


def _draw(quarter: Quarter) -> Drawings:
    first = _days(quarter)[0]
    runs, failing = runs_by_day(quarter), failing_by_day(quarter)
    ages = {group["title"]: group["open"] + group["waived"] for group in quarter["failing"]["ages"]}
    rows = quarter["timelines"]
    parts = [rows[start : start + ON_ONE] for start in range(0, len(rows), ON_ONE)]
    return Drawings(
        runs=charts.columns(
            runs,
            first,
            key="runs-by-day",
            title="Runs recorded, day by day",
            description=f"{sum(runs)} runs on {sum(n > 0 for n in runs)} of {len(runs)} days.",
        )
        if any(runs)
        else "",
        timelines=[_timeline(part, first, number, len(parts)) for number, part in enumerate(parts, 1)],
        failing=charts.columns(
            failing,
            first,
            key="failing-by-day",
            title="Failing periods open, day by day",
            description=f"At most {max(failing)} at once. The list of failing periods has their dates.",
        )
        if any(failing)
        else "",
        ages=charts.bars(
            ages,
            key="findings-by-age",
            title="Open findings by age",
            description=", ".join(f"{name}: {n}" for name, n in ages.items()) + ".",
        )
        if any(ages.values())
        else "",
    )


def _timeline(rows: Sequence[Timeline], first: date, number: int, of: int) -> str:
    part = f", part {number} of {of}" if of > 1 else ""
    return charts.timeline(
        [charts.Row(row["control"], [state or "none" for state in row["days"]]) for row in rows],
        first,
        key=f"timeline-{number}",
        title=f"Timeline of each control, {rows[0]['control']} to {rows[-1]['control']}{part}",
        description="One row a control, one cell a day: its worst state. The table below says the same.",
    )


def _days(quarter: Quarter) -> list[date]:
    period = quarter["title"]["period"]
    first = date.fromisoformat(period["since"][:10])
    return [first + timedelta(days=day) for day in range(max(1, period["days"]))]
