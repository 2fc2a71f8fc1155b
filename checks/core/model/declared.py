"""What the inventory declares, and the targets it yields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from checks.core.model.probes import Probes
from checks.core.model.rights import Rights
from checks.core.model.words import NOTHING, Address, Location, Period


@dataclass(frozen=True, slots=True)
class Environment:
    """Where a run looks. ``prefix`` + a target's address name is the environment variable to read."""

    id: str
    label: str
    prefix: str
    policy: str  # id of a document in policy.lock
    synthetic: bool = False  # the lab: no real person's data
    drills: tuple[str, ...] = ()  # what may change something here: names of drills


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
    never_published: tuple[str, ...] = ()  # columns that no answer may hold, whatever their category

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
class Area:
    """A cache or broker, or an area of files: what it holds is not declared part by part."""

    id: str
    kind: str  # cache | files
    title: str
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
    signup_page: str | None = None  # site: where an account is made
    document: str | None = None  # api: path of its OpenAPI document
    document_file: Path | None = None  # api: an OpenAPI document in a file, instead
    routes: str | None = None  # api: whose list of routes is read, instead
    examples: Mapping[str, Mapping[str, str | int]] = field(default_factory=lambda: NOTHING)  # by path
    token: str | None = None  # api: name of the variable that holds a bearer token
    ca: str | None = None  # name of the variable that holds a CA bundle's path
    essential_cookies: tuple[str, ...] = ()  # site: globs of names that need no consent (ePrivacy 5(3))
    essential_storage: tuple[str, ...] = ()  # site: the same for keys in the browser's storage
    filter_lists: tuple[str, ...] = ()  # site: files of rules that name trackers
    crawl: Mapping[str, Any] = field(default_factory=lambda: NOTHING)  # site: depth, pages, wait
    consent: Mapping[str, str] = field(default_factory=lambda: NOTHING)  # site: CSS selectors of a dialog
    public: tuple[str, ...] = ()  # api: paths that answer whoever asks; a "*" stands for anything
    graphql: str | None = None  # api: path of its GraphQL endpoint
    probes: Probes | None = None  # api: what may be tried beyond plain GETs
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Transport:
    """How a site, API, database, cache or broker is reached; derived from its declaration."""

    id: str  # "site.transport"
    of: str  # id of what is reached
    title: str
    pages: tuple[str, ...] = ()  # paths whose headers are looked at
    document: str | None = None  # api: path of its OpenAPI document
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


Spec = Store | Dataset | Processor | Files | Area | Endpoint | Rights | Transport | Export | Attestation


@dataclass(frozen=True, slots=True)
class Target:
    """One thing from the inventory that a control applies to, with its address in this environment."""

    id: str
    kind: str  # a key of checks.connectors.CONNECTORS
    title: str
    spec: Spec | None  # None for the inventory itself
    address: Address | None = None
    secrets: Mapping[str, Address] = field(default_factory=dict, repr=False)  # token, ca, key, http
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
