"""Two runs on the same environment, held against each other finding by finding."""

from __future__ import annotations

from typing import Literal, TypedDict

from reports.shape.evidence import Place
from reports.shape.states import State

Turn = Literal["new", "still-failing", "fixed", "no-longer-assessed"]
"""What became of a finding or a verdict between two runs."""


class Baseline(TypedDict):
    """The run that this one is held against."""

    number: int
    run_id: str
    started: str
    digest: str
    commit: str | None


class Change(TypedDict):
    """One finding, or a verdict that says less than it did.

    ``fingerprint`` is ``None`` for a verdict as a whole (no longer assessed); ``was`` and ``now`` are
    the verdict's states in the two runs, ``None`` where a run did not have it.
    """

    turn: Turn
    control: str
    title: str
    severity: str
    target: str
    was: State | None
    now: State | None
    fingerprint: str | None
    subject: str
    detail: str
    location: Place | None


class Comparison(TypedDict):
    """What changed since ``baseline``; with no baseline, everything that fails is *new*."""

    baseline: Baseline | None
    new: list[Change]
    still_failing: list[Change]
    fixed: list[Change]
    no_longer_assessed: list[Change]
