"""Controls and their verdicts, down to each thing seen."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from reports.shape.states import Counts, Extent, State


class Place(TypedDict):
    """Where something stands."""

    path: str
    line: int | None


class Measure(TypedDict):
    """How much one observation looked at; see ``checks.core.model.Measure``."""

    looked: int
    unit: str
    of: int | None
    bytes: int | None
    oldest: float | None


class Observation(TypedDict):
    """One thing seen. ``remediation`` is what to do about it, set only for a violation.

    ``fingerprint`` tells the same finding in another run, set only for a violation; see
    :mod:`reports.fingerprint`.
    """

    subject: str
    detail: str
    location: Place | None
    measure: Measure | None
    remediation: str | None
    fingerprint: str | None


class Waiver(TypedDict):
    """An accepted failure; ``days_left`` is negative once expired; ``accepts`` counts verdicts."""

    control: str
    target: str
    subject: str
    reason: str
    approver: str
    expires: str
    days_left: int
    expired: bool
    accepts: int


class Pending(TypedDict):
    """What of a made-up person has until ``due`` to be gone from ``place``, an id of the inventory."""

    place: str
    what: str
    made: str
    due: str


class Verdict(TypedDict):
    """What one control on one target came to, with its evidence.

    The three lists of observations may be cut; ``counts`` (met, violated, unseen) says how many
    there were. ``waivers`` holds those that accept the failure, and those that no longer do.
    """

    target: str
    title: str
    kind: str
    state: State
    reason: str
    counts: Counts
    measures: dict[str, int]
    extent: Extent
    oldest: float | None
    findings: list[Observation]
    unseen: list[Observation]
    evidence: list[Observation]
    waivers: list[Waiver]
    started: str
    seconds: float
    crash: str | None
    pending: NotRequired[list[Pending]]


class Gap(TypedDict):
    """Something that was expected and did not run."""

    control: str
    target: str | None
    reason: str


class Control(TypedDict):
    """One control with its verdicts."""

    id: str
    title: str
    clauses: list[str]
    commitment: str
    severity: str
    owner: str
    remediation: str
    checks: list[str]
    frameworks: dict[str, list[str]]
    location: Place
    state: State
    counts: Counts
    verdicts: list[Verdict]
    gaps: list[Gap]
