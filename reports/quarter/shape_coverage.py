"""What was looked at, what traces to what, and who stands for the rest."""

from __future__ import annotations

from typing import Literal, TypedDict

from reports.shape.policy import Coverage as PolicyCoverage
from reports.shape.policy import Uncovered
from reports.shape.states import Extent, State


class WaiverRecord(TypedDict):
    """A waiver that was declared at some time in the period."""

    control: str
    target: str
    subject: str
    reason: str
    approver: str
    expires: str
    first_seen: str
    last_seen: str
    granted: bool  # first seen in this period
    expired: bool  # stopped counting in this period
    status: Literal["in-force", "expired", "withdrawn"]  # at the end of the period
    runs: int  # runs in which it accepted something


class Attested(TypedDict):
    """An attestation that was declared at some time in the period, as last seen."""

    id: str
    title: str
    statement: str
    owner: str
    dated: str
    expires: str
    expired: bool  # at the end of the period
    state: State | None  # in the last run that had it
    first_seen: str
    last_seen: str
    renewals: list[str]  # other dates it was given in the period, oldest first


class TraceTarget(TypedDict):
    """What shows a control on one target: its verdict in the last run of the period."""

    target: str
    state: State


class TraceControl(TypedDict):
    """A control with its checks and evidence."""

    id: str
    title: str
    severity: str
    owner: str
    checks: list[str]
    versions: dict[str, str]  # check → version of its code, where the ledger tells it
    frameworks: dict[str, list[str]]
    clauses: list[str]
    run: int  # the run that holds the evidence
    evidence: str | None  # digest of the block of the ledger that holds it; None: none was kept
    targets: list[TraceTarget]


class TraceClause(TypedDict):
    """A sentence of the policy with the controls that answer for it."""

    id: str
    section: int
    section_title: str
    commitment: str
    status: str
    why: str | None
    controls: list[str]


class TraceCheck(TypedDict):
    """A check, seen from below: which controls use it, and which sentences they serve."""

    name: str
    version: str | None
    controls: list[str]
    clauses: list[str]


class Traceability(TypedDict):
    """Sentence → control → check → evidence, and back."""

    run: int | None  # the run it is told from: the last of the period whose evidence is there
    clauses: list[TraceClause]
    controls: list[TraceControl]
    checks: list[TraceCheck]
    totals: PolicyCoverage | None
    uncovered: list[Uncovered]


class TargetCoverage(TypedDict):
    """How much of one target was looked at, in the last run of the period.

    ``looked`` is for each unit the most that one control looked at, so that nothing counts twice.
    """

    target: str
    title: str
    kind: str
    controls: int
    assessed: int  # of them, those that came to a verdict
    extent: Extent
    looked: dict[str, int]
    oldest: float | None


class KindCoverage(TypedDict):
    """All targets of one kind."""

    kind: str
    targets: int
    assessed: int  # by at least one control
    whole: int
    sampled: int
    nothing: int
    looked: dict[str, int]


class Never(TypedDict):
    """One control on one target that no run of the period could assess."""

    control: str
    title: str
    target: str
    runs: int
    reason: str | None  # in the last run that tried; None: not known any more


class Coverage(TypedDict):
    """What was looked at."""

    run: int | None
    evidence_removed: bool
    targets: list[TargetCoverage]
    kinds: list[KindCoverage]
    never: list[Never]
    not_at_the_end: list[Never]  # assessed earlier in the period, but not in its last run
