"""Each control over the period, day by day and in stretches of one state."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import cast

from reports.quarter.definition import Obligation
from reports.quarter.history import WORST, History
from reports.quarter.opinion import Sight, Window, judge
from reports.quarter.period import DAY, at
from reports.quarter.shape import Limits, Span, Timeline
from reports.shape import State
from reports.shape.ledger import LETTERS

STATE: dict[str, State] = {letter: cast(State, state) for state, letter in LETTERS.items()}
"""Letter of a state → the state."""


def obligations(history: History) -> dict[str, Obligation]:
    """Return every control of the period, as it was stated last."""
    known: dict[str, Obligation] = {}
    for definition in dict.fromkeys(run.definition for run in history.runs or [history.model]):
        known.update(definition.controls)
    return known


def timelines(history: History, seen: dict[str, list[Sight]], limits: Limits) -> list[Timeline]:
    """Return the timeline of each control that a run of the period expected, by name."""
    first = (history.period.since + timedelta(days=n) for n in range(history.period.days))
    days = [f"{day:%Y-%m-%d}" for day in first]
    stated = obligations(history)
    plans = dict.fromkeys(run.plan for run in history.runs)
    severities = {row.control: row.severity for plan in plans for row in plan.rows}
    return [
        _timeline(history, name, stated.get(name), severities.get(name, ""), listed, days, limits)
        for name, listed in sorted(seen.items())
    ]


def _timeline(
    history: History,
    name: str,
    stated: Obligation | None,
    severity: str,
    seen: list[Sight],
    days: list[str],
    limits: Limits,
) -> Timeline:
    window = Window(history.since, history.until)
    by_day: dict[str, str] = {}
    for sight in seen:
        known = by_day.get(sight.day)
        if known is None or WORST.index(sight.letter) < WORST.index(known):
            by_day[sight.day] = sight.letter
    counted = Counter(sight.letter for sight in seen)
    began = history.runs[0]
    return Timeline(
        control=name,
        title=stated.title if stated else name,
        severity=severity,
        clauses=list(stated.clauses) if stated else [],
        opinion=judge(name, seen, window, limits)["opinion"],
        since=None if name in began.plan.ranges else at(seen[0].at),
        removed=_removed(history, name),
        days=[STATE[by_day[day]] if day in by_day else None for day in days],
        spans=spans(seen, window, limits["gap_days"] * DAY),
        runs={STATE[letter]: counted[letter] for letter in WORST},
    )


def _removed(history: History, name: str) -> str | None:
    """Return when the first run without the control started, if no later one had it."""
    gone = None
    for run in reversed(history.runs):
        if name in run.plan.ranges:
            break
        gone = run.started
    return gone


def spans(seen: list[Sight], window: Window, limit: float) -> list[Span]:
    """Return stretches of one state without holes; ``None`` where no run looked for longer than ``limit``."""
    if not seen:
        return [_span(None, window.since, window.since, window.until, 0)]
    found: list[Span] = []
    if seen[0].at - window.since > limit:
        found.append(_span(None, window.since, window.since, seen[0].at, 0))
    begin, runs = 0, len(seen)
    for index, (one, after) in enumerate(pairwise([*seen, None])):
        if one is None:
            continue
        ends = max(window.until, one.at) if after is None else after.at
        silent = ends - one.at > limit
        if after is not None and after.letter == one.letter and not silent:
            continue
        state = STATE[one.letter]
        until = one.at if silent else ends
        found.append(_span(state, seen[begin].at, one.at, until, index + 1 - begin))
        if silent:
            found.append(_span(None, one.at, one.at, ends, 0))
        begin = min(index + 1, runs - 1)
    return found


def _span(state: State | None, since: float, last: float, until: float, runs: int) -> Span:
    return Span(state=state, since=at(since), last_seen=at(last), until=at(until), runs=runs)
