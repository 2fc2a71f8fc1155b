"""One part of the inventory each: from plain, validated data to the values of the model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from checks.core import vocabulary
from checks.core.errors import InventoryError, nearest
from checks.core.inventory_probes import probes_of
from checks.core.model import (
    Agreement,
    Area,
    Attestation,
    Dataset,
    Endpoint,
    Environment,
    Erasure,
    Export,
    Files,
    Grant,
    Period,
    Processor,
    Retention,
    Store,
    Transport,
)
from checks.core.yamlio import Document, Key

FILE_SECTIONS = {"configs": "config", "logs": "log", "backups": "backup", "schemas": "schema"}
AREA_SECTIONS = {"caches": "cache", "files": "files"}
_COMMON = {"title", "environments", "tags", "address", "path", "format", "retention", "may_be_empty"}


@dataclass
class Sections:
    """Reads the sections of one inventory as they are in one environment."""

    document: Document
    environment: str
    addresses: Mapping[str, str]
    known_environments: Mapping[str, Environment] = field(default_factory=dict)
    folder: Path = field(default_factory=Path)  # of the inventory

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
        for index, column in enumerate(item.get("never_published", ())):
            self._known(column, columns, "column", *at, "never_published", index)
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
            never_published=tuple(item.get("never_published", ())),
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
        for key, category in item.get("fields", {}).items():
            self._known(category, vocabulary.CATEGORIES, "data category", section, name, "fields", key)
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

    def _area(self, section: str, name: str, item: Mapping[str, Any]) -> Area:
        return Area(
            id=name,
            kind=AREA_SECTIONS[section],
            title=item["title"],
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
            signup_page=item.get("signup_page"),
            document=item.get("document"),
            document_file=self._document_file(name, item),
            routes=item.get("routes"),
            examples=MappingProxyType(dict(item.get("examples", {}))),
            token=item.get("token"),
            ca=item.get("ca"),
            essential_cookies=tuple(item.get("essential_cookies", ())),
            essential_storage=tuple(item.get("essential_storage", ())),
            filter_lists=tuple(str(self.folder / path) for path in item.get("filter_lists", ())),
            crawl=MappingProxyType(dict(item.get("crawl", {}))),
            consent=MappingProxyType(dict(item.get("consent", {}))),
            public=tuple(item.get("public", ())),
            graphql=item.get("graphql"),
            probes=probes_of(self.document, name, self.environment, self.known_environments),
            line=self._line("endpoints", name),
        )

    def _document_file(self, name: str, item: Mapping[str, Any]) -> Path | None:
        """Return the file of an API's document; one source of its operations is enough, more would differ."""
        given = [key for key in ("document", "document_file", "routes") if key in item]
        if len(given) > 1:
            raise self._error(f"{given[0]} and {given[1]}: give one of them", "endpoints", name, given[1])
        return self.folder / item["document_file"] if "document_file" in item else None

    def _transport(self, of: Store | Endpoint | Area) -> Transport:
        pages = (of.pages or ("/",)) if isinstance(of, Endpoint) and of.kind == "site" else ()
        document = of.document if isinstance(of, Endpoint) else None
        return Transport(f"{of.id}.transport", of.id, of.title, pages, document, of.line)

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
