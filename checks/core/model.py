"""The words of policyproof as frozen values, without I/O: see ARCHITECTURE.md for their meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import isodate

from checks.core.errors import MissingAddress

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Severity(StrEnum):
    """How much a failing control matters, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for the worst, so that ``a.rank <= b.rank`` reads *a is at least as severe as b*."""
        return list(Severity).index(self)


class Outcome(StrEnum):
    """What one observation says of one thing."""

    MET = "met"
    VIOLATED = "violated"
    UNSEEN = "unseen"  # it should have been looked at and was not


class Status(StrEnum):
    """What the observations of one control on one target mean; there is no fourth value."""

    PASS = "pass"  # noqa: S105  a verdict, not a password
    FAIL = "fail"
    NOT_ASSESSED = "not-assessed"


@dataclass(frozen=True, slots=True)
class Location:
    """Where something stands: a path or address a person can open, and a 1-based line."""

    path: str
    line: int | None = None

    def __str__(self) -> str:
        return self.path if self.line is None else f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Measure:
    """How much was looked at.

    ``looked`` counts ``unit`` ("rows", "lines", "files", "columns", "settings", "responses" …);
    ``of`` is the whole where less than the whole was looked at; ``oldest`` is an age in seconds.
    ``looked == 0`` is no evidence unless the inventory says ``may_be_empty``.
    """

    looked: int
    unit: str
    of: int | None = None
    size: int | None = None  # bytes
    oldest: float | None = None
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing seen, as demanded or not. ``subject`` and ``detail`` hold no raw value of a target."""

    subject: str
    outcome: Outcome
    detail: str
    measure: Measure | None = None
    location: Location | None = None
    remediation: str | None = None  # only where it says more than the control's own

    @classmethod
    def met(
        cls, subject: str, detail: str, measure: Measure | None = None, location: Location | None = None
    ) -> Observation:
        """Something looked at and as demanded."""
        return cls(subject, Outcome.MET, detail, measure, location)

    @classmethod
    def violated(
        cls,
        subject: str,
        detail: str,
        measure: Measure | None = None,
        location: Location | None = None,
        remediation: str | None = None,
    ) -> Observation:
        """Something looked at and not as demanded."""
        return cls(subject, Outcome.VIOLATED, detail, measure, location, remediation)

    @classmethod
    def unseen(cls, subject: str, reason: str, location: Location | None = None) -> Observation:
        """Something that should have been looked at and could not; the rest goes on."""
        return cls(subject, Outcome.UNSEEN, reason, None, location)


@dataclass(frozen=True, slots=True)
class Period:
    """An ISO 8601 duration such as ``P7Y`` or ``PT36H``; months and years count by the calendar."""

    text: str

    def __post_init__(self) -> None:
        try:
            isodate.parse_duration(self.text)
        except (isodate.ISO8601Error, TypeError, ValueError):
            raise ValueError(f"{self.text!r} is not an ISO 8601 duration such as P30D or P7Y") from None

    def before(self, moment: datetime) -> datetime:
        """Return the moment this period before ``moment``."""
        result = moment - isodate.parse_duration(self.text)
        assert isinstance(result, datetime)  # noqa: S101  isodate has no types
        return result

    def seconds(self, until: datetime) -> float:
        """Return the length in seconds of the period that ends at ``until``."""
        return (until - self.before(until)).total_seconds()

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Address:
    """Where a target is reached. May hold a password, so it never prints: call :meth:`reveal`."""

    variable: str
    _value: str | None = field(repr=False)

    def reveal(self) -> str:
        """Return the address itself, for connectors only; raises ``MissingAddress`` if it is not set."""
        if not self._value:
            raise MissingAddress(f"environment variable {self.variable} is not set")
        return self._value

    def __str__(self) -> str:
        return f"${self.variable}"


# ── the inventory ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Environment:
    """Where a run looks. ``prefix`` + a target's address name is the environment variable to read."""

    id: str
    label: str
    prefix: str
    policy: str  # id of a document in policy.lock
    synthetic: bool = False  # the lab: no real person's data


@dataclass(frozen=True, slots=True)
class Retention:
    """How long data is kept, what starts the clock, on what legal basis, and what deletes it."""

    keep: Period | None
    clock: str | None  # a column, or what starts the clock in words
    basis: str | None
    deletion: str | None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Erasure:
    """Rows marked deleted (``column`` not null) are gone ``within`` this period."""

    column: str
    within: Period


@dataclass(frozen=True, slots=True)
class Dataset:
    """One table of a store, and what the policy says of it."""

    id: str  # "store.dataset"
    store: str
    table: str
    title: str
    columns: Mapping[str, str]  # column → data category
    subjects: tuple[str, ...]
    purposes: tuple[str, ...]
    retention: Retention | None
    erasure: Erasure | None = None
    payloads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # column → JSON keys allowed
    may_be_empty: bool = False
    tags: tuple[str, ...] = ()
    line: int | None = None

    @property
    def personal(self) -> Mapping[str, str]:
        """The columns that hold personal data, with their categories."""
        return {name: category for name, category in self.columns.items() if category.startswith("user.")}


@dataclass(frozen=True, slots=True)
class Store:
    """A database. ``roles`` maps each login role that is our own to its owner."""

    id: str
    kind: str
    title: str
    datasets: Mapping[str, Dataset]  # by short id
    by_table: Mapping[str, Dataset]  # the same, by table name
    roles: Mapping[str, str] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()  # table name patterns that hold no data of the service
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a processor's database role is for."""

    store: str
    role: str
    privileges: tuple[str, ...] = ("SELECT",)


@dataclass(frozen=True, slots=True)
class Agreement:
    """The contract with a processor: dates, and whether it forbids other use (GDPR 28(3))."""

    signed: date
    expires: date | None  # None: runs until ended
    forbids_other_use: bool
    document: str | None = None  # reference in the contract register
    safeguard: str | None = None  # transfer safeguard (GDPR 46), where data leaves


@dataclass(frozen=True, slots=True)
class Processor:
    """Somebody else who receives data."""

    id: str
    title: str
    role: str  # processor | subprocessor | independent-controller
    services: tuple[str, ...]  # infrastructure, hosting, email, logging, security, payment
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    regions: tuple[str, ...]
    hosts: tuple[str, ...]
    vendor: str | None = None  # name in checks/detectors/vendors.yaml
    grants: tuple[Grant, ...] = ()
    api_scopes: tuple[str, ...] = ()
    agreements: Mapping[str, Agreement] = field(default_factory=dict)  # by environment
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Files:
    """Files under a root: a config, a log, a set of backups or a schema document, told by ``kind``.

    ``pattern`` is a glob below the root; ``format`` names the parser. ``options`` holds what only
    one kind has: ``governs`` (config), ``timestamp`` and ``fields`` (log), ``stores`` (backup),
    ``dialect`` (schema).
    """

    id: str
    kind: str  # config | log | backup | schema
    title: str
    pattern: str
    format: str
    retention: Retention | None = None
    options: Mapping[str, Any] = field(default_factory=lambda: NOTHING)  # 3.11 cannot hash it
    may_be_empty: bool = False
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A site or API that answers over HTTP(S)."""

    id: str
    kind: str  # site | api
    title: str
    pages: tuple[str, ...] = ()  # site: paths to visit
    policy_page: str | None = None
    document: str | None = None  # api: path of its OpenAPI document
    token: str | None = None  # api: name of the variable that holds a bearer token
    ca: str | None = None  # name of the variable that holds a CA bundle's path
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """Data handed on in a file or feed."""

    id: str
    title: str
    recipient: str  # a processor's id, or "internal"
    datasets: tuple[str, ...]
    purposes: tuple[str, ...]
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Attestation:
    """A promise no machine can see: a dated statement with owner, document digest and expiry."""

    id: str
    statement: str
    owner: str
    dated: date
    expires: date
    pattern: str | None = None  # the document, below the root at the target's address
    sha256: str | None = None
    line: int | None = None


Spec = Store | Dataset | Processor | Files | Endpoint | Export | Attestation


@dataclass(frozen=True, slots=True)
class Target:
    """One thing from the inventory that a control applies to, with its address in this environment."""

    id: str
    kind: (
        str  # sql, dataset, schema, config, log, backup, site, api, processor, export, attestation, inventory
    )
    title: str
    spec: Spec | None  # None for the inventory itself
    address: Address | None = None
    secrets: Mapping[str, Address] = field(default_factory=dict, repr=False)  # token, ca
    format: str | None = None
    tags: tuple[str, ...] = ()
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything declared, and the targets it yields in one environment."""

    path: str
    digest: str
    organization: str
    environment: Environment
    environments: Mapping[str, Environment]
    stores: Mapping[str, Store]
    processors: Mapping[str, Processor]
    exports: Mapping[str, Export]
    own_hosts: tuple[str, ...]  # globs
    home_regions: tuple[str, ...]  # no transfer safeguard needed inside these
    targets: Mapping[str, Target]

    def of_kind(self, kind: str) -> Iterator[Target]:
        """Yield the targets of a kind, in the order of the file."""
        return (target for target in self.targets.values() if target.kind == kind)


# ── controls and what comes of them ──────────────────────────────────────────────────────────────


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

    @property
    def waived(self) -> bool:
        """Whether the failure is accepted by waivers in force."""
        return bool(self.waived_by)


# ── a whole run, as the reports receive it ───────────────────────────────────────────────────────


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
