"""What failed in a period: from when to when, what was found, how long it took to mend."""

from __future__ import annotations

from typing import Literal, TypedDict

from reports.shape.evidence import Place
from reports.shape.states import State

Ended = Literal["fixed", "removed", "waived", "open"]
"""How a failing period stood at the end: mended, no longer in the plan, accepted by a waiver, or open."""


class Found(TypedDict):
    """One finding of a failing period, masked as it was recorded.

    ``subject`` and ``detail`` are ``None`` where only the fingerprint is left: the evidence was removed,
    or the finding was in neither the first nor the last run of the failing period.
    """

    fingerprint: str
    subject: str | None
    detail: str | None
    location: Place | None
    remediation: str | None
    in_first: bool
    in_last: bool


class Acceptance(TypedDict):
    """A waiver that accepted a failing period, or part of it."""

    approver: str
    reason: str
    expires: str


class Turn(TypedDict):
    """A change of state inside a failing period."""

    state: State
    since: str
    number: int


class FailingPeriod(TypedDict):
    """One control failing on one target, from the first run that said so until one showed it mended.

    A run that could not assess it does not end it. ``seconds`` runs from the first such run (before the
    period, where it began there) to the mending, or to the end of the period.
    """

    id: str  # "F-1", in order of first_seen
    control: str
    title: str
    severity: str
    target: str
    clauses: list[str]
    first_seen: str
    first_run: int
    began_before: str | None  # failing before the period already: since this moment
    last_seen: str  # the last run that said so
    last_run: int
    good_before: str | None  # the last run of the period before it that showed it good
    ended: str | None  # the first run that showed it mended, or no longer had it
    ended_run: int | None
    how: Ended
    commit_first: str | None
    commit_ended: str | None
    seconds: float
    runs: int
    unseen_runs: int
    turns: list[Turn]
    reason: str | None  # of the last run that said so; None: evidence removed
    remediation: str | None
    findings: list[Found]
    more: int  # findings that no list holds
    evidence_removed: bool
    waivers: list[Acceptance]


class Regression(TypedDict):
    """Something that failed again after it had been mended."""

    control: str
    target: str
    severity: str
    failing: str  # id of the failing period
    before: str | None  # id of the one before; None: mended before the period
    fixed: str
    failed_again: str
    seconds: float
    same: list[str]  # fingerprints that came back


class Remediation(TypedDict):
    """How long mending took, for one severity (or ``all``)."""

    severity: str
    mended: int
    mean: float | None
    median: float | None
    longest: float | None
    still_open: int


class OpenFinding(TypedDict):
    """A finding of the last run of the period."""

    fingerprint: str
    control: str
    target: str
    severity: str
    since: str
    at_least: bool  # it was there in the earliest run that could be read
    seconds: float
    waived: bool
    failing: str | None  # id of the failing period


class AgeGroup(TypedDict):
    """Open findings by age; ``days`` is the upper end, ``None`` for the last group."""

    title: str
    days: int | None
    open: int
    waived: int
    by_severity: dict[str, int]


class Failing(TypedDict):
    """Everything that failed."""

    periods: list[FailingPeriod]
    regressions: list[Regression]
    remediation: list[Remediation]  # "all" first, then by severity
    open: list[OpenFinding]
    open_more: int  # findings of the last run without a fingerprint in the ledger
    ages: list[AgeGroup]
