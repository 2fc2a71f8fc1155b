"""Processors get only scoped access (policy 6.1-6.3; GDPR 28, 30; CC6.1-CC6.3 of SOC 2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from checks.connectors.config_records import records
from checks.connectors.configs import ConfigFiles
from checks.connectors.declared import Declared
from checks.connectors.sql import SqlStore
from checks.connectors.sql_grants import Privilege
from checks.core.errors import Nothing
from checks.core.model import Dataset, Files, Measure, Observation, Processor
from checks.core.registry import Scope, check
from checks.core.vocabulary import covers

EVERYBODY = "PUBLIC"


@check(reads="sql")
def grants_within_declared(store: SqlStore, scope: Scope) -> Iterator[Observation]:
    """No processor's role may do more than its declared purposes and categories need (GDPR 28(3)(a)).

    A grant is in scope if its privilege is declared, the table serves one of the processor's
    purposes, and every column it reaches is of a declared category or not personal. Grants to PUBLIC
    reach every processor, so none may be on a table with personal data.
    """
    owners = {
        grant.role: (processor, grant.privileges)
        for processor in scope.inventory.processors.values()
        for grant in processor.grants
        if grant.store == store.store.id
    }
    if not store.has_roles:
        raise Nothing(f"{store.target.id}: {store.dialect} has no roles, so no grants to look at")
    if not store.tables():
        raise Nothing(f"{store.target.id}: there is no table that anything could be granted on")
    known = {role.name for role in store.roles()}
    looked: dict[str, int] = defaultdict(int)
    guilty: set[str] = set()
    for held in store.grants():
        if held.role != EVERYBODY and held.role not in owners:
            continue  # our own roles; roles of nobody are PROC-02's
        looked[held.role] += 1
        reason = _public(store, held) if held.role == EVERYBODY else _outside(store, held, *owners[held.role])
        if reason is not None:
            guilty.add(held.role)
            what = held.table if held.column is None else f"{held.table}.{held.column}"
            yield Observation.violated(f"{held.role} on {what}", f"{held.privilege} ({held.via}): {reason}")
    for role in (*owners, EVERYBODY):
        if role != EVERYBODY and role not in known:
            yield Observation.unseen(role, "the inventory declares this role and the database has none")
        elif role not in guilty:
            # A role without any grant was looked at too: the catalogue is the evidence.
            measure = Measure(max(looked[role], 1), "grants")
            yield Observation.met(role, f"{looked[role]} effective grants, all in scope", measure)


def _public(store: SqlStore, held: Privilege) -> str | None:
    dataset = store.store.by_table.get(held.table)
    if dataset is None:
        return None  # an undeclared table is DATA-01's
    reached = [held.column] if held.column is not None else list(dataset.columns)
    named = [c for c in reached if _sensitive(dataset, c)]
    return f"reaches personal data or secrets: {_listed(named)}" if named else None


def _sensitive(dataset: Dataset, column: str) -> bool:
    category = dataset.columns.get(column, "user")
    return category.startswith("user") or category == "system.credentials"


def _outside(
    store: SqlStore, held: Privilege, processor: Processor, privileges: tuple[str, ...]
) -> str | None:
    """Return why a privilege is more than ``processor`` needs, or ``None``."""
    if held.table == "*":
        return "reaches every table"
    if held.privilege not in privileges:
        return f"only {', '.join(privileges)} is declared"
    dataset = store.store.by_table.get(held.table)
    if dataset is None:
        return "the table is not in the inventory"
    if not any(covers(purpose, processor.purposes) for purpose in dataset.purposes):
        return f"the table serves none of {processor.id}'s purposes"
    reached = [held.column] if held.column is not None else list(dataset.columns)
    named = [
        column
        for column in reached
        if _sensitive(dataset, column)
        and not covers(dataset.columns.get(column, "user"), processor.categories)
    ]
    return f"reaches categories not declared for {processor.id}: {_listed(named)}" if named else None


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


@check(reads="sql")
def login_roles_belong_to_somebody(store: SqlStore, scope: Scope) -> Iterator[Observation]:
    """Every role that can log in is ours, with an owner, or a declared processor's."""
    owners = dict(store.store.roles)
    for processor in scope.inventory.processors.values():
        for grant in processor.grants:
            owners[grant.role] = processor.title
    for role in store.roles():
        if not role.login:
            continue
        if role.name in owners:
            yield Observation.met(role.name, f"belongs to: {owners[role.name]}", Measure(1, "roles"))
        else:
            yield Observation.violated(role.name, "can log in and belongs to nobody in the inventory")


@check(reads="config")
def api_scopes_within_declared(config: ConfigFiles, scope: Scope) -> Iterator[Observation]:
    """An API client holds only scopes that the inventory declares for its owner."""
    for client in records(config, "clients"):
        name, owner = client.one("name") or client.key, client.one("owner")
        scopes = client.fields.get("scopes", ())
        processor = scope.inventory.processors.get(owner)
        extra = [] if processor is None else [s for s in scopes if s not in processor.api_scopes]
        if owner.startswith("internal:"):
            yield Observation.met(name, f"our own ({owner})", Measure(1, "clients"), client.location)
        elif processor is None:
            fault = f"owner {owner or '(none)'} is no declared processor"
            yield Observation.violated(name, fault, location=client.location)
        elif extra:
            fault = f"scopes not declared for {owner}: {_listed(extra)}"
            yield Observation.violated(name, fault, location=client.location)
        else:
            measure = Measure(1, "clients")
            yield Observation.met(name, f"{len(scopes)} scopes, all {owner}'s", measure, client.location)


@check(reads="config")
def shipped_fields_within_declared(config: ConfigFiles, scope: Scope) -> Iterator[Observation]:
    """A log shipper sends a processor only fields whose categories are declared for it.

    What a field holds is what the inventory's logs say; a field that no log declares is a violation,
    since nobody can say what it is.
    """
    categories = {
        name: category
        for log in scope.inventory.of_kind("log")
        if isinstance(log.spec, Files)
        for name, category in log.spec.options.get("fields", {}).items()
    }
    for sink in records(config, "sinks"):
        processor = scope.inventory.processors.get(sink.one("processor"))
        if processor is None:
            fault = f"processor {sink.one('processor') or '(none)'} is not declared"
            yield Observation.violated(sink.key, fault, location=sink.location)
            continue
        sent = sink.fields.get("fields", ())
        found = False
        for name in sent:
            category = categories.get(name)
            if category is None:
                fault = "no log of the inventory declares this field"
            elif category.startswith("user") and not covers(category, processor.categories):
                fault = f"{category} is not declared for {processor.id}"
            else:
                continue
            found = True
            yield Observation.violated(f"{sink.key}: {name}", fault, location=sink.location)
        if not found:
            measure = Measure(len(sent), "fields")
            yield Observation.met(sink.key, f"fields sent to {processor.id}", measure, sink.location)


@check(reads="processor", declared=True)
def agreement_in_force(declared: Declared, scope: Scope) -> Iterator[Observation]:
    """The contract is signed, in force and forbids use for other ends (GDPR 28(3); policy 6.2)."""
    processor = declared.spec
    assert isinstance(processor, Processor)  # noqa: S101  the registry gives targets of the kind read
    where, today = declared.target.location, scope.now.date()
    agreement = processor.agreements.get(scope.inventory.environment.id)
    if agreement is None:
        reason = f"no agreement is recorded for environment {scope.inventory.environment.id}"
        yield Observation.unseen(processor.id, reason, where)
        return
    faults = []
    if agreement.signed > today:
        faults.append(f"is to be signed on {agreement.signed} only")
    if agreement.expires is not None and agreement.expires < today:
        faults.append(f"expired on {agreement.expires}")
    if not agreement.forbids_other_use:
        faults.append("does not forbid use for unrelated purposes")
    for fault in faults:
        yield Observation.violated(processor.id, f"the agreement {fault}", location=where)
    if not faults:
        until = f"until {agreement.expires}" if agreement.expires else "until ended"
        detail = f"signed {agreement.signed}, in force {until}, forbids other use"
        yield Observation.met(processor.id, detail, Measure(1, "agreements"), where)
