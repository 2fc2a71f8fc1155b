"""Load ``inventory.yaml``: what runs where, what data it holds, who else sees it, and for how long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from checks.core import vocabulary
from checks.core.errors import InventoryError, nearest
from checks.core.model import (
    Address,
    Agreement,
    Attestation,
    Dataset,
    Endpoint,
    Environment,
    Erasure,
    Export,
    Files,
    Grant,
    Inventory,
    Location,
    Period,
    Processor,
    Retention,
    Spec,
    Store,
    Target,
)
from checks.core.yamlio import Document, Key, read, validate

FILE_SECTIONS = {"configs": "config", "logs": "log", "backups": "backup", "schemas": "schema"}
_COMMON = {"title", "environments", "tags", "address", "path", "format", "retention", "may_be_empty"}


def merged(base: Any, overlay: Any) -> Any:
    """Return ``base`` with ``overlay`` merged in: mappings by key, ``None`` removes, the rest replaces."""
    if not isinstance(base, Mapping) or not isinstance(overlay, Mapping):
        return overlay
    result = dict(base)
    for key, value in overlay.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def load_inventory(
    path: Path,
    environment: str,
    addresses: Mapping[str, str],
    *,
    overlay: Mapping[str, Any] | None = None,
    shown: str | None = None,
) -> Inventory:
    """Load the inventory at ``path`` as it is in ``environment``.

    ``addresses`` holds the values of environment variables. Raises ``InventoryError`` with file and
    line for anything malformed, unknown or contradictory.
    """
    document = read(path, InventoryError, shown=shown)
    if overlay:
        document = replace(document, data=merged(document.data, overlay))
    if document.data is None:
        raise InventoryError("is empty", path=document.path)
    validate(document, "inventory", InventoryError)
    return _Loader(document, environment, addresses).load()


@dataclass
class _Loader:
    document: Document
    environment: str
    addresses: Mapping[str, str]

    def load(self) -> Inventory:
        data: Mapping[str, Any] = self.document.data
        environments = {
            name: Environment(name, e["label"], e["prefix"], e["policy"], e.get("synthetic", False))
            for name, e in data["environments"].items()
        }
        if self.environment not in environments:
            raise self._error(
                f"no environment {self.environment!r}{nearest(self.environment, environments)};"
                f" there are: {', '.join(environments)}",
                "environments",
            )
        self.prefix = environments[self.environment].prefix
        self.known_environments = environments
        here = {
            section: dict(self._here(section, data.get(section, {})))
            for section in ("stores", "processors", *FILE_SECTIONS, "endpoints", "exports", "attestations")
        }
        stores = {name: self._store(name, item) for name, item in here["stores"].items()}
        processors = {name: self._processor(name, item) for name, item in here["processors"].items()}
        exports = {name: self._export(name, item) for name, item in here["exports"].items()}
        inventory = Inventory(
            path=self.document.path,
            digest=self.document.digest,
            organization=data["organization"],
            environment=environments[self.environment],
            environments=MappingProxyType(environments),
            stores=MappingProxyType(stores),
            processors=MappingProxyType(processors),
            exports=MappingProxyType(exports),
            own_hosts=tuple(data.get("own_hosts", ())),
            home_regions=tuple(data.get("home_regions", ())),
            targets=MappingProxyType(self._targets(here, stores, processors, exports)),
        )
        self._references(inventory)
        return inventory

    # ── one section each ─────────────────────────────────────────────────────────────────────────

    def _here(self, section: str, items: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield the items that exist in this environment."""
        for name, item in items.items():
            named = item.get("environments")
            for index, other in enumerate(named or ()):
                self._known(
                    other, self.known_environments, "environment", section, name, "environments", index
                )
            if named is None or self.environment in named:
                yield name, item

    def _store(self, name: str, item: Mapping[str, Any]) -> Store:
        at: tuple[Key, ...] = ("stores", name)
        datasets: dict[str, Dataset] = {}
        by_table: dict[str, Dataset] = {}
        for short, entry in item["datasets"].items():
            if self.environment not in entry.get("environments", (self.environment,)):
                continue
            dataset = self._dataset(name, short, entry)
            if dataset.table in by_table:
                other = by_table[dataset.table].id
                raise self._error(
                    f"table {dataset.table!r} is {other} already", *at, "datasets", short, "table"
                )
            datasets[short] = by_table[dataset.table] = dataset
        return Store(
            id=name,
            kind=item["kind"],
            title=item["title"],
            datasets=MappingProxyType(datasets),
            by_table=MappingProxyType(by_table),
            roles=MappingProxyType(dict(item.get("roles", {}))),
            ignore=tuple(item.get("ignore", ())),
            line=self._line(*at),
        )

    def _dataset(self, store: str, short: str, item: Mapping[str, Any]) -> Dataset:
        at: tuple[Key, ...] = ("stores", store, "datasets", short)
        columns: Mapping[str, str] = item["columns"]
        for column, category in columns.items():
            self._known(category, vocabulary.CATEGORIES, "data category", *at, "columns", column)
        self._purposes(item["purposes"], *at, "purposes")
        erasure = None
        if "erasure" in item:
            self._known(item["erasure"]["column"], columns, "column", *at, "erasure", "column")
            erasure = Erasure(item["erasure"]["column"], Period(item["erasure"]["within"]))
        for column in item.get("payloads", {}):
            self._known(column, columns, "column", *at, "payloads", column)
        return Dataset(
            id=f"{store}.{short}",
            store=store,
            table=item["table"],
            title=item["title"],
            columns=MappingProxyType(dict(columns)),
            subjects=tuple(item.get("subjects", ())),
            purposes=tuple(item["purposes"]),
            retention=self._retention(item, *at),
            erasure=erasure,
            payloads=MappingProxyType({k: tuple(v) for k, v in item.get("payloads", {}).items()}),
            may_be_empty=item.get("may_be_empty", False),
            tags=tuple(item.get("tags", ())),
            line=self._line(*at),
        )

    def _retention(self, item: Mapping[str, Any], *at: Key) -> Retention | None:
        entry = item.get("retention")
        if entry is None:
            return None
        return Retention(
            keep=Period(entry["keep"]) if "keep" in entry else None,
            clock=entry.get("clock"),
            basis=entry.get("basis"),
            deletion=entry.get("deletion"),
            line=self._line(*at, "retention"),
        )

    def _processor(self, name: str, item: Mapping[str, Any]) -> Processor:
        at: tuple[Key, ...] = ("processors", name)
        self._known(item["role"], vocabulary.ROLES, "role", *at, "role")
        for index, service in enumerate(item["services"]):
            self._known(service, vocabulary.SERVICES, "service", *at, "services", index)
        self._purposes(item["purposes"], *at, "purposes")
        for index, category in enumerate(item["categories"]):
            self._known(category, vocabulary.CATEGORIES, "data category", *at, "categories", index)
        agreements: dict[str, Agreement] = {}
        for environment, entry in item.get("agreements", {}).items():
            self._known(environment, self.known_environments, "environment", *at, "agreements", environment)
            agreements[environment] = Agreement(
                signed=self._date(entry["signed"], *at, "agreements", environment, "signed"),
                expires=self._date(entry["expires"], *at, "agreements", environment, "expires")
                if "expires" in entry
                else None,
                forbids_other_use=entry["forbids_other_use"],
                document=entry.get("document"),
                safeguard=entry.get("safeguard"),
            )
        return Processor(
            id=name,
            title=item["title"],
            role=item["role"],
            services=tuple(item["services"]),
            purposes=tuple(item["purposes"]),
            categories=tuple(item["categories"]),
            regions=tuple(item["regions"]),
            hosts=tuple(item.get("hosts", ())),
            vendor=item.get("vendor"),
            grants=tuple(
                Grant(g["store"], g["role"], tuple(p.upper() for p in g.get("privileges", ("SELECT",))))
                for g in item.get("grants", ())
            ),
            api_scopes=tuple(item.get("api_scopes", ())),
            agreements=MappingProxyType(agreements),
            line=self._line(*at),
        )

    def _export(self, name: str, item: Mapping[str, Any]) -> Export:
        self._purposes(item["purposes"], "exports", name, "purposes")
        return Export(
            id=name,
            title=item["title"],
            recipient=item["recipient"],
            datasets=tuple(item["datasets"]),
            purposes=tuple(item["purposes"]),
            line=self._line("exports", name),
        )

    def _attestation(self, name: str, item: Mapping[str, Any]) -> Attestation:
        at = ("attestations", name)
        return Attestation(
            id=name,
            statement=item["statement"],
            owner=item["owner"],
            dated=self._date(item["dated"], *at, "dated"),
            expires=self._date(item["expires"], *at, "expires"),
            pattern=item.get("document"),
            sha256=item.get("sha256"),
            line=self._line(*at),
        )

    def _files(self, section: str, name: str, item: Mapping[str, Any]) -> Files:
        for field, category in item.get("fields", {}).items():
            self._known(category, vocabulary.CATEGORIES, "data category", section, name, "fields", field)
        self._purposes(item.get("purposes", ()), section, name, "purposes")
        return Files(
            id=name,
            kind=FILE_SECTIONS[section],
            title=item["title"],
            pattern=item["path"],
            format=item["format"],
            retention=self._retention(item, section, name),
            options=MappingProxyType({k: v for k, v in item.items() if k not in _COMMON}),
            may_be_empty=item.get("may_be_empty", False),
            line=self._line(section, name),
        )

    def _endpoint(self, name: str, item: Mapping[str, Any]) -> Endpoint:
        return Endpoint(
            id=name,
            kind=item["kind"],
            title=item["title"],
            pages=tuple(item.get("pages", ())),
            policy_page=item.get("policy_page"),
            document=item.get("document"),
            token=item.get("token"),
            ca=item.get("ca"),
            line=self._line("endpoints", name),
        )

    # ── targets ──────────────────────────────────────────────────────────────────────────────────

    def _targets(
        self,
        here: Mapping[str, Mapping[str, Any]],
        stores: Mapping[str, Store],
        processors: Mapping[str, Processor],
        exports: Mapping[str, Export],
    ) -> dict[str, Target]:
        targets: dict[str, Target] = {}

        def add(section: str, item: Mapping[str, Any], spec: Spec, kind: str, title: str) -> None:
            if spec.id in targets:
                raise self._error(f"id {spec.id!r} is used by another target", section, spec.id)
            secrets = {key: self._address(item[key]) for key in ("token", "ca") if key in item}
            targets[spec.id] = Target(
                id=spec.id,
                kind=kind,
                title=title,
                spec=spec,
                address=self._address(item["address"]) if "address" in item else None,
                secrets=MappingProxyType(secrets),
                format=item.get("format"),
                tags=tuple(item.get("tags", ())),
                location=Location(self.document.path, spec.line),
            )

        for name, store in stores.items():
            item = here["stores"][name]
            add("stores", item, store, store.kind, store.title)
            for dataset in store.datasets.values():
                shared = {"address": item["address"], "tags": (*item.get("tags", ()), *dataset.tags)}
                add("stores", shared, dataset, "dataset", dataset.title)
        for section, kind in FILE_SECTIONS.items():
            for name, item in here[section].items():
                add(section, item, self._files(section, name, item), kind, item["title"])
        for name, item in here["endpoints"].items():
            add("endpoints", item, self._endpoint(name, item), item["kind"], item["title"])
        for name, processor in processors.items():
            add("processors", here["processors"][name], processor, "processor", processor.title)
        for name, export in exports.items():
            add("exports", here["exports"][name], export, "export", export.title)
        for name, item in here["attestations"].items():
            add("attestations", item, self._attestation(name, item), "attestation", item.get("title", name))
        title = f"Inventory of {self.document.data['organization']}"
        targets["inventory"] = Target(
            "inventory", "inventory", title, None, location=Location(self.document.path)
        )
        return targets

    def _address(self, name: str) -> Address:
        variable = self.prefix + name
        return Address(variable, self.addresses.get(variable))

    # ── one part must fit the other ──────────────────────────────────────────────────────────────

    def _references(self, inventory: Inventory) -> None:
        data = self.document.data
        everywhere = {section: data.get(section, {}) for section in ("stores", "processors", *FILE_SECTIONS)}
        for name, processor in inventory.processors.items():
            for index, grant in enumerate(processor.grants):
                self._known(grant.store, everywhere["stores"], "store", "processors", name, "grants", index)
        for name, export in inventory.exports.items():
            known = [*everywhere["processors"], "internal"]
            self._known(export.recipient, known, "recipient", "exports", name, "recipient")
            datasets = [f"{s}.{d}" for s, store in everywhere["stores"].items() for d in store["datasets"]]
            for index, dataset in enumerate(export.datasets):
                self._known(dataset, datasets, "dataset", "exports", name, "datasets", index)
        kept = [*everywhere["logs"], *everywhere["backups"]]
        for section, key, valid, what in (
            ("configs", "governs", kept, "log or backup"),
            ("backups", "stores", list(everywhere["stores"]), "store"),
        ):
            for name, item in everywhere[section].items():
                for index, other in enumerate(item.get(key, ())):
                    self._known(other, valid, what, section, name, key, index)
        for name, item in everywhere["schemas"].items():
            if "store" in item:
                self._known(item["store"], everywhere["stores"], "store", "schemas", name, "store")

    # ── small helpers ────────────────────────────────────────────────────────────────────────────

    def _purposes(self, purposes: Iterable[str], *at: Key) -> None:
        for index, purpose in enumerate(purposes):
            self._known(purpose, vocabulary.PURPOSES, "purpose", *at, index)

    def _known(self, name: str, valid: Iterable[str], what: str, *at: Key) -> None:
        if name not in valid:
            raise self._error(f"unknown {what} {name!r}{nearest(name, valid)}", *at)

    def _date(self, text: str, *at: Key) -> date:
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise self._error(f"{text!r} is not a date", *at) from None

    def _line(self, *at: Key) -> int | None:
        return self.document.line(at)

    def _error(self, message: str, *at: Key) -> InventoryError:
        return InventoryError(message, path=self.document.path, line=self.document.line(at))
