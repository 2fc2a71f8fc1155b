"""The opinion on one control over a window, by a rule that only ever gets worse with less evidence.

What counts is the time between two runs that showed the control to hold: unless a run looked, nothing
is known to have held in between. A failing run adds a violation and never shortens such a stretch; a
passing run that is missing joins two. So neither can better an opinion, which the tests hold against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from reports.quarter.period import DAY, at
from reports.quarter.shape import ControlFacts, Limits, OpinionWord, Rule
from reports.renderers.words import counted, day

DEFAULT_LIMITS = Limits(gap_days=7, least_days=5)
OPINIONS: tuple[OpinionWord, ...] = get_args(OpinionWord)
"""Worst first."""


def rules(limits: Limits) -> list[Rule]:
    """Return the rules in words, in the order in which they are tried."""
    gap, least = counted(limits["gap_days"], "day"), counted(limits["least_days"], "day")
    return [
        Rule(
            opinion="did-not-hold",
            rule="A control of the commitment failed, and no later run of the period showed it mended; or it"
            f" failed, and more than {gap} passed between the last run before that showed it to hold and the"
            " first run after.",
        ),
        Rule(
            opinion="not-sufficiently-observed",
            rule=f"None of that, but for more than {gap} no run showed a control of the commitment to hold"
            " (from the beginning of the period, between two runs, or up to its end), or such runs were made"
            f" on fewer than {least}. Runs whose evidence was removed, that did not reach a verdict, or that"
            " were made before a control existed or after it was removed, show nothing.",
        ),
        Rule(
            opinion="held-with-exceptions",
            rule=f"Sufficiently observed, and every failure was shown mended within {gap}; or a failure was"
            " accepted by a waiver.",
        ),
        Rule(
            opinion="held-throughout",
            rule="Sufficiently observed, and no run showed a failure, waived or not.",
        ),
    ]


@dataclass(frozen=True, slots=True)
class Sight:
    """What one run said of a control: a letter of its state, and whether its evidence is still there."""

    at: float
    day: str
    letter: str
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when something was promised, in seconds since 1970."""

    since: float
    until: float


def worst_opinion(words: Sequence[OpinionWord]) -> OpinionWord:
    """Return the worst of some opinions; of none: nothing was observed."""
    return min(words, key=OPINIONS.index, default="not-sufficiently-observed")


def judge(control: str, sights: Sequence[Sight], window: Window, limits: Limits) -> ControlFacts:
    """Return the opinion on one control; ``sights`` in the order of runs, all within the window."""
    shown = _Stretches(window.since)
    judged = _Stretches(window.since)
    days, days_shown = set(), set()
    failing = waived = unseen = 0
    judged_at: list[float] = []
    for sight in sights:
        holds = sight.letter in ("p", "w") and not sight.removed
        failing += sight.letter == "f"
        waived += sight.letter == "w"
        unseen += not holds and sight.letter != "f"
        if sight.letter == "f":
            shown.failed = True
        if holds or sight.letter == "f":
            judged.next(sight.at)
            judged_at.append(sight.at)
            days.add(sight.day)
        if holds:
            shown.next(sight.at)
            days_shown.add(sight.day)
    still_failing = shown.failed
    shown.next(window.until)
    judged.next(window.until)
    word, reason = _opinion(
        shown, still_failing, len(sights), len(days_shown), failing, waived, judged_at, limits
    )
    return ControlFacts(
        control=control,
        opinion=word,
        reason=reason,
        runs=len(sights),
        days=len(days),
        days_shown=len(days_shown),
        longest_gap=judged.longest[0],
        longest_unshown=shown.longest[0],
        gap_since=at(judged.longest[1]),
        gap_until=at(judged.longest[2]),
        first_judged=at(judged_at[0]) if judged_at else None,
        last_judged=at(judged_at[-1]) if judged_at else None,
        failing_runs=failing,
        waived_runs=waived,
        unseen_runs=unseen,
    )


class _Stretches:
    """The longest time between two moments, and the longest in which something failed."""

    def __init__(self, since: float) -> None:
        self.since = since
        self.failed = False
        self.longest = self.longest_failed = (0.0, since, since)
        self.bad = 0

    def next(self, moment: float) -> None:
        """End the stretch at ``moment`` and begin another; a clock put back makes no negative one."""
        stretch = (max(0.0, moment - self.since), self.since, moment)
        self.longest = max(self.longest, stretch)
        if self.failed:
            self.longest_failed = max(self.longest_failed, stretch)
            self.bad += 1
        self.since, self.failed = max(self.since, moment), False


def _opinion(
    shown: _Stretches,
    still_failing: bool,
    runs: int,
    days_shown: int,
    failing: int,
    waived: int,
    judged_at: Sequence[float],
    limits: Limits,
) -> tuple[OpinionWord, str]:
    limit = limits["gap_days"] * DAY
    if still_failing:
        return "did-not-hold", "A run failed, and no later run of the period showed it mended."
    if shown.longest_failed[0] > limit:
        return "did-not-hold", f"It failed, and {_stretch(shown.longest_failed)} it was not shown to hold."
    if not runs:
        return "not-sufficiently-observed", "No run of the period had it."
    if not days_shown:
        return "not-sufficiently-observed", "No run of the period showed that it holds."
    if shown.longest[0] > limit:
        return (
            "not-sufficiently-observed",
            f"F{_stretch(shown.longest)[1:]} no run showed it to hold.",
        )
    if days_shown < limits["least_days"]:
        return (
            "not-sufficiently-observed",
            f"Shown to hold on {counted(days_shown, 'day')}; at least {limits['least_days']} are asked for.",
        )
    said = []
    if failing:
        within = f"{shown.longest_failed[0] / DAY:.1f} days"
        said.append(f"it failed in {counted(failing, 'run')}, and was mended within {within}")
    if waived:
        said.append(f"a failure was accepted by waiver in {counted(waived, 'run')}")
    if said:
        return "held-with-exceptions", _sentence("; ".join(said))
    return "held-throughout", (
        f"{counted(len(judged_at), 'run')} on {counted(days_shown, 'day')} showed that it holds; the longest"
        f" time without one was {shown.longest[0] / DAY:.1f} days."
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _stretch(stretch: tuple[float, float, float]) -> str:
    length, since, until = stretch
    return f"for {length / DAY:.1f} days, from {day(at(since)[:10])} to {day(at(until)[:10])},"
