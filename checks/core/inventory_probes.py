"""The ``probes`` of an endpoint: from plain, validated data to the values of the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from checks.core.errors import InventoryError, nearest
from checks.core.model.probes import Default, Login, Probes, Reach
from checks.core.yamlio import Document, Key

_OURS = frozenset(
    {"authorization", "cookie", "content-length", "content-type", "transfer-encoding", "connection"}
)


def probes_of(document: Document, name: str, environment: str, environments: Iterable[str]) -> Probes | None:
    """Return what endpoint ``name`` may be tried with; ``None`` where the inventory declares nothing.

    Raises ``InventoryError`` for an unknown environment or store, a query without its placeholder,
    a relation query without relations, and for probes on what is no API.
    """
    at: tuple[Key, ...] = ("endpoints", name)
    item: Mapping[str, Any] = document.data["endpoints"][name]
    for key in ("public", "probes", "graphql", "document_file", "routes", "examples"):
        if key in item and item["kind"] != "api":
            raise _error(document, f"only an endpoint of kind api can have {key!r}", *at, key)
    entry: Mapping[str, Any] | None = item.get("probes")
    if entry is None:
        return None
    at = (*at, "probes")
    for index, other in enumerate(entry["environments"]):
        _known(document, other, environments, "environment", *at, "environments", index)
    for index, store in enumerate(entry.get("stores", ())):
        _known(document, store, document.data.get("stores", {}), "store", *at, "stores", index)
    query: Mapping[str, str] = entry.get("query", {})
    for kind, text in query.items():
        wanted = ("{field}", "{relation}") if kind == "relation" else ("{field}",)
        for placeholder in wanted:
            if placeholder not in text:
                raise _error(document, f"the query for {kind} has no {placeholder}", *at, "query", kind)
    if ("relation" in query) != bool(entry.get("relations")):
        raise _error(document, "query.relation and relations go together", *at)
    login = entry.get("login")
    if entry.get("defaults") and login is None:
        raise _error(document, "defaults need a login to try them on", *at, "defaults")
    return Probes(
        allowed=environment in entry["environments"],
        requests=entry.get("requests", 500),
        seconds=float(entry.get("seconds", 60)),
        generated=entry.get("generated", 5),
        methods=tuple(entry.get("methods", ("GET",))),
        stores=tuple(entry.get("stores", ())),
        reader="reader" in entry,
        query=MappingProxyType(dict(query)),
        relations=tuple(entry.get("relations", ())),
        tenants=tuple(entry.get("tenants", {})),
        reach=_reach(document, entry, *at),
        shared=tuple(entry.get("shared", ())),
        login=None
        if login is None
        else Login(
            login["path"], login["user"], login["password"], login.get("account"), login.get("tries", 10)
        ),
        defaults=tuple(
            Default(pair["user"], pair["password"], document.line((*at, "defaults", index)))
            for index, pair in enumerate(entry.get("defaults", ()))
        ),
    )


def secrets_of(item: Mapping[str, Any], environment: str) -> dict[str, str]:
    """Return the names of the variables that hold what probes sign in with, by what each is for.

    None in an environment that did not opt in: nothing is asked for there that is not used.
    """
    probes: Mapping[str, Any] = item.get("probes", {})
    if environment not in probes.get("environments", ()):
        return {}
    works: Mapping[str, str] = probes.get("login", {}).get("works", {})
    return {
        **({"reader": probes["reader"]} if "reader" in probes else {}),
        **{f"tenant {name}": entry["token"] for name, entry in probes.get("tenants", {}).items()},
        **{f"id of tenant {name}": e["id"] for name, e in probes.get("tenants", {}).items() if "id" in e},
        **{f"login {key}": variable for key, variable in works.items()},
    }


def _reach(document: Document, entry: Mapping[str, Any], *at: Key) -> Reach | None:
    """Return where a tenant's identifier is taken; that needs both identifiers, and a place for them."""
    reach: Mapping[str, Any] | None = entry.get("reach")
    if reach is None:
        return None
    if not all("id" in tenant for tenant in entry.get("tenants", {}).values()) or "tenants" not in entry:
        raise _error(document, "reach needs two tenants, each with an id", *at, "reach")
    for name, text in reach.get("headers", {}).items():
        if name.lower() in _OURS:
            raise _error(
                document, f"header {name} is not one that names a tenant", *at, "reach", "headers", name
            )
        if "{tenant}" not in text:
            raise _error(document, f"header {name} has no {{tenant}}", *at, "reach", "headers", name)
    for index, text in enumerate(reach.get("query", ())):
        if "{tenant}" not in text:
            raise _error(document, f"query {text!r} has no {{tenant}}", *at, "reach", "query", index)
    headers = MappingProxyType(dict(reach.get("headers", {})))
    return Reach(headers, tuple(reach.get("query", ())), tuple(reach.get("path", ())))


def _known(document: Document, name: str, valid: Iterable[str], what: str, *at: Key) -> None:
    if name not in valid:
        raise _error(document, f"unknown {what} {name!r}{nearest(name, valid)}", *at)


def _error(document: Document, message: str, *at: Key) -> InventoryError:
    return InventoryError(message, path=document.path, line=document.line(at))
