"""A small API on loopback for the tests of API checks: two tenants, a reader, strangers, a login."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Any
from urllib.parse import parse_qs

from http_servers import Client, Handler, Server, serving

from checks.connectors.http import Api
from checks.core.judge import Judgement
from checks.core.model import (
    Address,
    Dataset,
    Endpoint,
    Environment,
    Inventory,
    Observation,
    Status,
    Store,
    Target,
)
from checks.core.model.probes import Default, Login, Probes
from checks.core.registry import Scope

SECRET = "user.authorization.credentials"
THING = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "title": {"type": "string"}},
    "required": ["id", "title"],
}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Things", "version": "1"},
    "paths": {
        "/things": {
            "get": {
                "responses": {
                    "200": {
                        "description": "All",
                        "content": {
                            "application/json": {
                                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}
                            }
                        },
                    }
                }
            }
        },
        "/things/{id}": {
            "get": {
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                "responses": {
                    "200": {
                        "description": "One",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                    }
                },
            }
        },
    },
    "components": {"schemas": {"Thing": THING}},
}
IDENTIFIERS = {"t-3": "tenant a", "t-5": "tenant b"}
TOKENS = {"ours": "us", "tenant-a": "tenant a", "tenant-b": "tenant b", "reader": "reader"}


@dataclass
class People:
    """What the API does; a test changes what it wants to be wrong."""

    things: Mapping[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {
            "us": [{"id": 1, "title": "one"}, {"id": 2, "title": "two"}],
            "tenant a": [{"id": 3, "title": "three"}, {"id": 4, "title": "four"}],
            "tenant b": [{"id": 5, "title": "five"}, {"id": 6, "title": "six"}],
            "reader": [{"id": 1, "title": "one"}, {"id": 2, "title": "two"}],
        }
    )
    error: str = '{"error": "no"}'
    stranger: Handler | None = None
    mixed: bool = False  # an item is looked up by its identifier alone
    obeys: frozenset[str] = frozenset()  # ways in which a hidden field may be asked for
    believes: str = ""  # the header, query or path in which any tenant is believed to be the asker
    login: Callable[[int, str, str], tuple[int, str]] = lambda number, user, password: (
        (200, '{"token": "x"}') if (user, password) == ("me", "good") else (401, "{}")
    )
    logins: list[str] = field(default_factory=list)
    failed: int = 0

    def answer(self, client: Client) -> None:
        """Answer one request."""
        path, _, query = client.path.partition("?")
        if path == "/openapi.json":
            client.json(DOCUMENT)
        elif path == "/login":
            given = json.loads(client.body())
            self.logins.append(given["user"])
            if given["password"] != "good":
                self.failed += 1
            status, body = self.login(self.failed, given["user"], given["password"])
            client.reply(status, body, "application/json")
        else:
            who = TOKENS.get(client.headers.get("authorization", "").removeprefix("bearer "))
            if who is None:
                (self.stranger or (lambda c: c.json({"error": "no"}, 401)))(client)
            else:
                self._thing(client, self._named(client, who), path, parse_qs(query))

    def _named(self, client: Client, who: str) -> str:
        """Return whom a request names, where that is believed without looking at its token."""
        path, _, query = client.path.partition("?")
        said = {
            "x-tenant-id": client.headers.get("x-tenant-id", ""),
            "host": client.headers.get("host", "").partition(".")[0],
            "tenant": parse_qs(query).get("tenant", [""])[0],
            "path": path.removeprefix("/tenants/").partition("/")[0],
        }
        return IDENTIFIERS.get(said.get(self.believes, ""), who)

    def _thing(self, client: Client, who: str, path: str, query: Mapping[str, list[str]]) -> None:
        if path.startswith("/tenants/"):
            named = path.split("/")[2]
            if IDENTIFIERS.get(named) != who:
                client.json({"error": "no"}, 403)
                return
            path = path.removeprefix(f"/tenants/{named}")
        if path == "/things":
            self._list(client, self.things[who], query)
            return
        mine = [*chain(*self.things.values())] if self.mixed else self.things[who]
        found = [item for item in mine if path == f"/things/{item['id']}"]
        if found:
            client.json(found[0])
        else:
            client.reply(404, self.error, "application/json")

    def _list(self, client: Client, items: list[dict[str, Any]], query: Mapping[str, list[str]]) -> None:
        secret = {item["id"]: f"s{9 - item['id']}" for item in items}
        for way, (text, *_) in query.items() if not {"tenant", "f[t]"} & query.keys() else ():
            name = text.partition(":")[0].removeprefix("-").rpartition(".")[2]
            if name == "pw_hash" and way not in self.obeys:
                client.json({"error": "no"}, 403)
                return
            full = [{**item, "pw_hash": secret[item["id"]]} for item in items]
            if way == "fields":
                items = [{name: item.get(name)} for item in full]
            elif way == "sort":
                turned = text.startswith("-")
                items = [
                    {k: v for k, v in item.items() if k != "pw_hash"}
                    for item in sorted(full, key=lambda i: str(i.get(name)), reverse=turned)
                ]
            elif way == "filter":
                items = []  # nothing has the value that is asked for
            elif way == "with":
                items = [{**item, "owner": {name: "x"}} for item in items]
        client.json(items)


QUERY = {
    "projection": "fields={field}",
    "filter": "filter={field}:{value}",
    "sort": "sort={field}",
    "relation": "with={relation}.{field}",
}


def probes(**changes: Any) -> Probes:
    """Return probes that this environment opted in to."""
    usual: dict[str, Any] = {
        "allowed": True,
        "generated": 0,
        "reader": True,
        "query": QUERY,
        "relations": ("owner",),
        "tenants": ("a", "b"),
        "login": Login("/login", "user", "password", account="held", tries=6),
        "defaults": (Default("admin", "admin", 3), Default("root", "toor", 4)),
    }
    return Probes(**{**usual, **changes})


def api_target(
    url: str, how: Probes | None, public: tuple[str, ...] = (), secrets: Mapping[str, str] | None = None
) -> Target:
    """Return the target as the inventory's loader would."""
    spec = Endpoint("api", "api", "Under test", document="/openapi.json", public=public, probes=how)
    given = {
        "token": "ours",
        "tenant a": "tenant-a",
        "tenant b": "tenant-b",
        "reader": "reader",
        "id of tenant a": "t-3",
        "id of tenant b": "t-5",
        "login user": "me",
        "login password": "good",
        **(secrets or {}),
    }
    return Target(
        "api", "api", "Under test", spec, Address("URL", url), {k: Address("V", v) for k, v in given.items()}
    )


def inventory() -> Inventory:
    """Return an inventory with one table: a title, a personal address, and a hash nobody may see."""
    columns = {"id": "system.identifier", "pw_hash": SECRET, "phone": "user.contact.phone_number"}
    dataset = Dataset("db.people", "db", "people", "People", columns, (), (), None)
    lab = Environment("lab", "Lab", "LAB_", "acme")
    store = Store("db", "sql", "DB", {"people": dataset}, {"people": dataset})
    return Inventory(
        path="inventory.yaml",
        digest="",
        organization="Acme",
        environment=lab,
        environments={"lab": lab},
        stores={"db": store},
        processors={},
        exports={},
        own_hosts=("acme.example",),
        home_regions=(),
        targets={},
    )


@contextmanager
def serving_people(people: People) -> Iterator[Server]:
    """Serve them until the block ends."""
    with serving({"*": people.answer}) as server:
        yield server


def verdict(
    check: Any, target: Target, *, timeout: float = 0.5, **params: Any
) -> tuple[Status, str, list[Observation]]:
    """Return how ``check`` judges the API at ``target``: status, reason, violations."""
    judgement = Judgement()

    def observe() -> Iterator[Observation]:
        with Api.open(target, timeout=timeout) as api:
            names = check.__code__.co_varnames[: check.__code__.co_argcount]
            more = (
                [Scope(inventory(), datetime.now(UTC), target, lambda _: None, {})]
                if "scope" in names
                else []
            )
            yield from check(api, *more, **params)

    judgement.hear(observe())
    assert judgement.crash is None, judgement.crash
    return (*judgement.conclude(), judgement.findings)


def judged(
    check: Any, people: People, how: Probes | None = None, **params: Any
) -> tuple[Status, str, list[Observation]]:
    """The same, of an API that is served meanwhile."""
    public = params.pop("public", ())
    with serving_people(people) as server:
        return verdict(check, api_target(server.url, how or probes(), public), **params)
