"""The shape of a summary: what ``report.json`` holds, and what every renderer is given.

``report.schema.json`` says the same for readers in other languages. Moments are ISO 8601 in UTC,
days are ISO 8601 dates, digests are SHA-256 in hex, seconds are floats, paths are relative.
"""

from __future__ import annotations

from typing import Literal, TypedDict

SCHEMA = "urn:policyproof:report:1"
BANNER = "LAB — synthetic data, says nothing about production"

State = Literal["fail", "not-assessed", "did-not-run", "waived", "pass"]
"""What one control on one target came to, as a report counts it; worst first."""
ClauseState = Literal["broken", "not-shown", "uncovered", "not-testable", "held"]
PromiseState = Literal["broken", "not-shown", "held"]
Extent = Literal["whole", "sampled", "nothing"]

Counts = dict[str, int]
"""Every :data:`State`, also those at zero → how many."""


class Environment(TypedDict):
    """Where the run looked; ``banner`` is set only where no real person's data was looked at."""

    id: str
    label: str
    synthetic: bool
    banner: str | None
    planted: list[str]


class Conclusion(TypedDict):
    """The verdict at the top, in one word, one sentence, and what must be known beside it."""

    state: Literal["compliant", "violations", "not-assessed"]
    headline: str
    caveats: list[str]
    complete: bool
    gate: str
    exit_code: int


class RunFacts(TypedDict):
    """When, where and by what the run was made."""

    id: str
    started: str
    ended: str
    seconds: float
    version: str
    python: str
    host: str


class Policy(TypedDict):
    """Which policy the run was held against."""

    id: str
    version: str | None
    effective: str | None
    digest: str


class Tally(TypedDict):
    """How many verdicts and controls came to what."""

    verdicts: Counts
    controls: Counts
    by_severity: dict[str, Counts]


class Promise(TypedDict):
    """One of the promises that people ask about first, with the numbers behind its state.

    ``measures`` adds up what each of its verdicts looked at, so that what two controls looked at
    counts twice; ``oldest`` is the greatest age seen, in seconds.
    """

    id: str
    title: str
    clauses: list[str]
    state: PromiseState
    reason: str
    controls: list[str]
    verdicts: Counts
    measures: dict[str, int]
    oldest: float | None


class Failure(TypedDict):
    """A failing verdict, as the list at the top names it."""

    control: str
    title: str
    severity: str
    target: str
    reason: str
    clauses: list[str]
    gated: bool


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
    """One thing seen. ``remediation`` is what to do about it, set only for a violation."""

    subject: str
    detail: str
    location: Place | None
    measure: Measure | None
    remediation: str | None


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


class Reference(TypedDict):
    """A control that is shown in full in another section."""

    id: str
    title: str
    section: int
    state: State


class Clause(TypedDict):
    """One sentence of the policy, in our words, with how it is covered and what came of it."""

    id: str
    commitment: str
    status: str
    state: ClauseState
    controls: list[str]
    why: str | None


class Section(TypedDict):
    """One section of the policy; each control is in full in the first section that it cites."""

    number: int
    title: str
    state: ClauseState
    counts: Counts
    clauses: list[Clause]
    controls: list[Control]
    references: list[Reference]


class Item(TypedDict):
    """One control on one target."""

    control: str
    target: str


class NotAssessed(TypedDict):
    """Everything that could not be assessed for one reason."""

    reason: str
    items: list[Item]


class EngineFailure(TypedDict):
    """Where code of policyproof itself broke, as frames without values."""

    trace: str
    items: list[Item]


class Attestation(TypedDict):
    """A promise no machine can see; ``state`` is the worst verdict on it, ``None`` if it has none."""

    id: str
    title: str
    statement: str
    owner: str
    dated: str
    expires: str
    days_left: int
    expired: bool
    state: State | None


class Uncovered(TypedDict):
    """A sentence that no control covers."""

    id: str
    commitment: str
    why: str | None


class Coverage(TypedDict):
    """How many of the policy's sentences are covered how."""

    sentences: int
    automated: int
    attested: int
    not_testable: int
    uncovered: int
    gaps: list[Uncovered]


class LedgerEntry(TypedDict):
    """Where the ledger holds this run."""

    number: int
    digest: str
    previous: str


class Summary(TypedDict):
    """Everything a renderer needs."""

    schema: str
    verdict: Conclusion
    environment: Environment
    run: RunFacts
    policy: Policy
    counts: Tally
    promises: list[Promise]
    failures: list[Failure]
    coverage: Coverage
    sections: list[Section]
    elsewhere: list[Control]
    not_assessed: list[NotAssessed]
    engine_failures: list[EngineFailure]
    gaps: list[Gap]
    errors: list[str]
    waivers: list[Waiver]
    attestations: list[Attestation]
    digests: dict[str, str]
    checks: dict[str, str]
    ledger: LedgerEntry | None
