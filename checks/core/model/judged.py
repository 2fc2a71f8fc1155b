"""Controls, and what comes of them: verdicts and whole runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from checks.core.model.declared import Environment, Target
from checks.core.model.words import NOTHING, Observation, Pending, Severity, Status


@dataclass(frozen=True, slots=True)
class CheckCall:
    """A check's address and the parameters the control gives it."""

    name: str  # "cards.no_card_numbers"
    params: Mapping[str, Any] = field(default_factory=lambda: NOTHING)  # 3.11 cannot hash it


@dataclass(frozen=True, slots=True)
class Control:
    """One machine-checkable obligation."""

    id: str
    title: str
    clauses: tuple[str, ...]
    commitment: str
    severity: Severity
    owner: str
    applies_to: Mapping[str, Any]
    checks: tuple[CheckCall, ...]
    remediation: str
    path: str
    line: int
    frameworks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    changes: bool = False  # it changes its target; the environment must have opted in

    @property
    def families(self) -> tuple[str, ...]:
        """The check modules this control draws on."""
        return tuple(dict.fromkeys(call.name.partition(".")[0] for call in self.checks))


@dataclass(frozen=True, slots=True)
class Waiver:
    """An accepted failure. ``subject`` is a glob over observation subjects; expired means failing."""

    control: str
    target: str
    subject: str
    reason: str
    approver: str
    expires: date
    line: int | None = None

    def in_force(self, today: date) -> bool:
        """Whether the waiver still counts on ``today`` (its last day included)."""
        return today <= self.expires


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one control on one target came to, with its evidence.

    ``findings`` are the violated observations, ``unseen`` those not looked at, ``evidence`` the met
    ones; each list is cut to a limit and the counts say how many there were.
    """

    control: str
    target: str
    status: Status
    reason: str
    findings: tuple[Observation, ...] = ()
    unseen: tuple[Observation, ...] = ()
    evidence: tuple[Observation, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)  # met, violated, unseen
    measures: Mapping[str, int] = field(default_factory=dict)  # unit → looked at
    waived_by: tuple[Waiver, ...] = ()  # every finding is waived
    started: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    seconds: float = 0.0
    checks: Mapping[str, str] = field(default_factory=dict)  # check → version digest
    crash: str | None = None  # where our own code broke; no values in it
    pending: tuple[Pending, ...] = ()  # what later runs are to follow up, all of it

    @property
    def waived(self) -> bool:
        """Whether the failure is accepted by waivers in force."""
        return bool(self.waived_by)


@dataclass(frozen=True, slots=True)
class Clause:
    """One sentence of the policy and how it is covered; the words are ours, never the policy's."""

    id: str  # "9.2"
    commitment: str
    status: str  # automated | attested | not-testable | uncovered
    controls: tuple[str, ...] = ()
    why: str | None = None  # not-testable and uncovered say why


@dataclass(frozen=True, slots=True)
class Section:
    """One numbered section of the policy."""

    number: int
    title: str  # our words
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """Which policy the run was held against."""

    id: str  # document in policy.lock
    version: str | None
    effective: str | None  # ISO date
    digest: str  # SHA-256 over the clause fingerprints


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that should have run and did not: a control, or one of its targets."""

    control: str
    target: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Run:
    """Everything one run came to. ``complete`` only if every expected item gave a verdict."""

    id: str
    environment: Environment
    planted: tuple[str, ...]  # violations planted in the lab for this run
    started: datetime
    ended: datetime
    version: str  # of policyproof
    python: str
    host: str
    gate: Severity
    exit_code: int
    policy: PolicyVersion
    sections: tuple[Section, ...]
    controls: Mapping[str, Control]
    targets: Mapping[str, Target]
    verdicts: tuple[Verdict, ...]  # sorted by control, then target
    gaps: tuple[Gap, ...]
    errors: tuple[str, ...]  # controls that could not be loaded, one line each
    waivers: tuple[Waiver, ...]
    digests: Mapping[str, str]  # inventory, controls, policy_lock, waivers, coverage → SHA-256

    @property
    def complete(self) -> bool:
        """Whether everything that was expected ran."""
        return not self.gaps and not self.errors
