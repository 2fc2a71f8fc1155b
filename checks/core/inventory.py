"""Load ``inventory.yaml``: what runs where, what data it holds, who else sees it, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from checks.core.errors import InventoryError, nearest
from checks.core.inventory_probes import secrets_of
from checks.core.inventory_rights import RightsSection
from checks.core.inventory_sections import AREA_SECTIONS, FILE_SECTIONS
from checks.core.model import (
    Address,
    Area,
    Endpoint,
    Environment,
    Export,
    Inventory,
    Location,
    Processor,
    Spec,
    Store,
    Target,
)
from checks.core.yamlio import read, validate


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


def datasets_of(stores: Mapping[str, Any]) -> list[str]:
    """Return the ids of the datasets of every store, as ``store.dataset``."""
    return [f"{name}.{short}" for name, store in stores.items() for short in store["datasets"]]


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
    return _Loader(document, environment, addresses, folder=path.parent).load()


class _Loader(RightsSection):
    def load(self) -> Inventory:
        data: Mapping[str, Any] = self.document.data
        environments = {
            name: Environment(
                name,
                e["label"],
                e["prefix"],
                e["policy"],
                e.get("synthetic", False),
                tuple(e.get("drills", ())),
            )
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
            for section in (
                *("stores", "processors", *FILE_SECTIONS, *AREA_SECTIONS),
                *("endpoints", "exports", "attestations"),
            )
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
            secrets = {key: self._address(item[key]) for key in ("token", "ca", "key", "http") if key in item}
            secrets |= {
                key: self._address(variable) for key, variable in secrets_of(item, self.environment).items()
            }
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
            self._reached(add, "stores", item, store)
            for dataset in store.datasets.values():
                shared = {"address": item["address"], "tags": (*item.get("tags", ()), *dataset.tags)}
                add("stores", shared, dataset, "dataset", dataset.title)
        for section, kind in FILE_SECTIONS.items():
            for name, item in here[section].items():
                add(section, item, self._files(section, name, item), kind, item["title"])
        for section, kind in AREA_SECTIONS.items():
            for name, item in here[section].items():
                area = self._area(section, name, item)
                add(section, item, area, kind, area.title)
                if kind == "cache":
                    self._reached(add, section, item, area)
        for name, item in here["endpoints"].items():
            endpoint = self._endpoint(name, item)
            if endpoint.kind != "server":  # of which nothing but the way to it is looked at
                add("endpoints", item, endpoint, endpoint.kind, endpoint.title)
            self._reached(add, "endpoints", item, endpoint)
            if "rights" in item:
                rights = self._rights(name, item)
                # The canary signs in by itself: the API's own token is not handed on.
                shared = {key: item[key] for key in ("address", "ca", "tags") if key in item}
                shared["key"] = item["rights"]["key"]
                add("endpoints", shared, rights, "rights", rights.title)
            if item["kind"] == "site":
                seen = replace(endpoint, id=f"{name}.browser", kind="browser")
                add("endpoints", item, seen, "browser", f"{item['title']}, in a browser")
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

    def _reached(
        self, add: Callable[..., None], section: str, item: Mapping[str, Any], spec: Store | Endpoint | Area
    ) -> None:
        """Add the target for the way to ``spec``: at ``entry`` where that is another than ``address``."""
        name = item.get("entry", "")
        if not self.addresses.get(self.prefix + name):
            name = item["address"]
        if (self.addresses.get(self.prefix + name) or "").startswith("sqlite"):
            return  # a file has no transport
        kind = spec.kind if isinstance(spec, Endpoint) else "server"
        shared = {**item, "address": name, "format": kind}
        add(section, shared, self._transport(spec), "transport", f"Transport of: {spec.title}")

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
            datasets = datasets_of(everywhere["stores"])
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
        areas = [name for section in AREA_SECTIONS for name in data.get(section, {})]
        places = [*everywhere["stores"], *datasets_of(everywhere["stores"]), *kept, *areas]
        for name, item in data.get("endpoints", {}).items():
            for index, one in enumerate(item.get("rights", {}).get("remains", ())):
                at = ("endpoints", name, "rights", "remains", index, "place")
                self._known(one["place"], places, "store, dataset, log, backup, cache or file area", *at)
        for name, item in everywhere["schemas"].items():
            if "store" in item:
                self._known(item["store"], everywhere["stores"], "store", "schemas", name, "store")
