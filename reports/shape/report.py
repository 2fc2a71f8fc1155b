"""The whole of a summary, and the parts at its top and end."""

from __future__ import annotations

from typing import Literal, TypedDict

from reports.shape.evidence import Control, Gap, Waiver
from reports.shape.policy import Coverage, Promise, Section
from reports.shape.states import Counts, State


class Environment(TypedDict):
    """Where the run looked; ``banner`` is set only where no real person's data was looked at."""

    id: str
    label: str
    synthetic: bool
    banner: str | None
    planted: list[str]


class Conclusion(TypedDict):
    """The verdict at the top, in one word, one sentence, and what must be known beside it."""

    state: Literal["compliant", "holds-with-gaps", "violations", "not-assessed"]
    headline: str
    caveats: list[str]
    complete: bool
    gate: str
    exit_code: int


class Git(TypedDict):
    """The commit of controls and inventory; ``dirty`` if the work tree held more than that."""

    commit: str
    dirty: bool


class Trigger(TypedDict):
    """What started the run: a CI service with the name of its job, or ``by hand``; never a person."""

    by: str
    reference: str | None


class RunFacts(TypedDict):
    """When, where and by what the run was made; ``git`` is ``None`` outside a repository."""

    id: str
    started: str
    ended: str
    seconds: float
    version: str
    python: str
    host: str
    git: Git | None
    trigger: Trigger


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


class Failure(TypedDict):
    """A failing verdict, as the list at the top names it."""

    control: str
    title: str
    severity: str
    target: str
    reason: str
    clauses: list[str]
    gated: bool


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


class LedgerEntry(TypedDict):
    """Where the ledger holds this run; ``head`` is the canonical JSON that ``digest`` covers."""

    number: int
    digest: str
    previous: str
    head: str


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
