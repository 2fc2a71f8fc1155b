"""A control over time: for each target the spans of its states, from the index of changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from reports.ledger import Entry, Ledger
from reports.view.filters import Filters
from reports.view.queries import WORST_FIRST, states

WINDOW = timedelta(days=90)
"""What is shown where the address names no days."""
TARGETS_A_PAGE = 25
SPANS_SHOWN = 40
"""Spans of one target that are listed, newest first."""
LATEST = 20
"""Changes that are listed above all targets."""
WIDTH = 1000.0
"""Width of a strip in its own units."""
LEAST = 6.0
"""Width of the shortest span: a state that one run saw is still to be seen."""


@dataclass(frozen=True, slots=True)
class Span:
    """A target in one state, from the run that saw it first up to the run that saw another.

    ``number`` is ``None`` for a span that began before what is shown; ``state`` is ``None`` where
    the control was not in the plan for this target.
    """

    state: str | None
    begun: str
    ended: str
    number: int | None
    until: int | None  # the run that saw another state; None: none did
    left: float = 0.0  # where it lies on the strip
    width: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return (datetime.fromisoformat(self.ended) - datetime.fromisoformat(self.begun)).total_seconds()


@dataclass(frozen=True, slots=True)
class TargetHistory:
    """One target with its spans, oldest first."""

    target: str
    spans: tuple[Span, ...]

    @property
    def now(self) -> Span:
        """The last span."""
        return self.spans[-1]

    @property
    def listed(self) -> tuple[Span, ...]:
        """The spans that a page lists, newest first."""
        return tuple(reversed(self.spans[-SPANS_SHOWN:]))


@dataclass(frozen=True, slots=True)
class Turned:
    """One change of a state."""

    number: int
    started: str
    target: str
    was: str | None
    now: str | None


@dataclass(frozen=True, slots=True)
class History:
    """A control on an environment between two moments."""

    begins: str
    ends: str
    targets: tuple[TargetHistory, ...]  # of this page
    all_targets: int
    latest: tuple[Turned, ...]
    changes: int
    page: int
    pages: int


def history(ledger: Ledger, environment: str, control: str, wanted: Filters) -> History | None:
    """Return the history of a control; ``None`` if no run on the environment ever planned it."""
    last = ledger.last(environment)
    if last is None:
        return None
    begins, ends = _window(ledger, environment, last, wanted)
    now = {target: state for (name, target), state in states(ledger, last).items() if name == control}
    if wanted.target is not None:
        now = {target: state for target, state in now.items() if target == wanted.target}
    turned: dict[str, list[Turned]] = {target: [] for target in now}
    # From the beginning of the window up to now, also beyond its end: what a target was at its end
    # is what the next change says it was.
    rows = ledger.changes(environment, control=control, target=wanted.target, since=begins)
    for row in rows:
        turned.setdefault(row.target, []).append(
            Turned(row.number, row.started, row.target, row.was, row.now)
        )
    if not turned and next(iter(ledger.changes(environment, control=control)), None) is None:
        return None
    every = [
        TargetHistory(target, spans)
        for target, changes in turned.items()
        if (spans := tuple(_spans(changes, now.get(target), begins, ends)))
    ]
    every.sort(key=_worst_first)
    within = sorted(
        (one for changes in turned.values() for one in changes if one.started <= ends),
        key=lambda one: (one.number, one.target),
        reverse=True,
    )
    pages = max(1, -(-len(every) // TARGETS_A_PAGE))
    page = min(wanted.page, pages)
    shown = every[(page - 1) * TARGETS_A_PAGE : page * TARGETS_A_PAGE]
    return History(begins, ends, tuple(shown), len(every), tuple(within[:LATEST]), len(within), page, pages)


def _window(ledger: Ledger, environment: str, last: Entry, wanted: Filters) -> tuple[str, str]:
    """Return the first and last moment shown: the days asked for, else those before the last run."""
    ends = min(wanted.ends or last.started, last.started)
    if wanted.begins is not None:
        return wanted.begins, max(ends, wanted.begins)
    begins = _text(datetime.fromisoformat(ends) - WINDOW)
    first = next(iter(ledger.entries(environment=environment, limit=1)), None)
    return (max(begins, first.started) if first and first.started <= ends else begins), ends


def _spans(changes: list[Turned], now: str | None, begins: str, ends: str) -> Iterator[Span]:
    """Yield the spans of one target in a window; none if it never was in the plan there."""
    state = changes[0].was if changes else now
    marks: list[tuple[str | None, str, int | None]] = [(state, begins, None)]
    beyond: int | None = None
    for change in changes:
        if change.started > ends:
            beyond = change.number
            break
        if change.started <= begins and len(marks) == 1:
            marks = [(change.now, begins, change.number)]
        else:
            marks.append((change.now, change.started, change.number))
    if all(mark[0] is None for mark in marks):
        return
    whole = max(1.0, _seconds(begins, ends))
    for index, (state, begun, number) in enumerate(marks):
        following = marks[index + 1] if index + 1 < len(marks) else None
        ended = following[1] if following else ends
        left = WIDTH * _seconds(begins, begun) / whole
        width = max(LEAST, WIDTH * _seconds(begun, ended) / whole) if ends > begins else WIDTH
        left = min(left, WIDTH - min(width, WIDTH))
        yield Span(state, begun, ended, number, following[2] if following else beyond, left, width)


def _worst_first(one: TargetHistory) -> tuple[int, int, str]:
    state = one.now.state
    return (len(WORST_FIRST) if state is None else WORST_FIRST.index(state), -len(one.spans), one.target)


def _seconds(begun: str, ended: str) -> float:
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
