"""A tenant that names the other: in a header, in the query, in the path; over REST and GraphQL."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from api_people import DOCUMENT, People, api_target, probes, verdict
from http_servers import Client, Handler, serving

from checks import api_tenants
from checks.core.model import Status
from checks.core.model.probes import Reach

HEADERS = {"X-Tenant-Id": "{tenant}", "Host": "{tenant}.things.example"}
REACH = Reach(HEADERS, ("tenant={tenant}", "f[t]={tenant}"), ("tenant",))
LIST = DOCUMENT["paths"]["/things"]
WITH_PATH = {**DOCUMENT, "paths": {**DOCUMENT["paths"], "/tenants/{tenant}/things": LIST}}
EXAMPLES = {"/tenants/{tenant}/things": {"tenant": "t-3"}}
WAYS = {
    "x-tenant-id": "by header X-Tenant-Id",
    "host": "by header Host",
    "tenant": "by query tenant",
}


def judged(people: People, instead: Handler | None = None, **secrets: str) -> Any:
    """Return status, reason, violations and the server; ``instead`` answers what names another tenant."""

    def answer(client: Client) -> None:
        named = client.headers.get("x-tenant-id", ""), client.headers.get("authorization", "")
        if client.path == "/openapi.json":
            client.json(WITH_PATH)
        elif instead is not None and named in {("t-5", "bearer tenant-a"), ("t-3", "bearer tenant-b")}:
            instead(client)
        elif named[1] == "bearer ours":
            client.path = client.path.replace("/tenants/t-3", "")
            people.answer(client)
        else:
            people.answer(client)

    with serving({"*": answer}) as server:
        target = api_target(server.url, probes(reach=REACH, generated=0), secrets=secrets)
        target = replace(target, spec=replace(target.spec, examples=EXAMPLES))  # type: ignore[type-var]
        return (*verdict(api_tenants.tenants_are_apart, target), server)


def test_tenants_that_are_kept_apart() -> None:
    status, reason, _, server = judged(People())
    assert status is Status.PASS, reason
    sent = [client for client in server.requests if client.headers.get("authorization") == "bearer tenant-a"]
    assert {client.headers["x-tenant-id"] for client in sent} == {"t-3", "t-5"}
    assert {client.headers["host"] for client in sent} == {"t-3.things.example", "t-5.things.example"}
    assert {"/things?tenant=t-5", "/things?f%5Bt%5D=t-5", "/things/5?tenant=t-5", "/tenants/t-5/things"} <= {
        client.path for client in sent
    }
    assert {client.method for client in server.requests} == {"GET"}


@pytest.mark.parametrize("place", WAYS)
def test_a_tenant_that_is_believed_to_be_the_other(place: str) -> None:
    status, _, found, _ = judged(People(believes=place))
    assert status is Status.FAIL
    assert all(seen.subject.endswith(f", {WAYS[place]})") for seen in found)
    assert {seen.subject.partition(" (")[0] for seen in found} >= {"GET /things", "GET /things/{id}"}
    assert any("2 of 2 things of the other tenant" in seen.detail for seen in found)
    assert "t-5" not in repr(found)
    assert "five" not in repr(found)


def test_a_tenant_that_is_believed_by_the_path() -> None:
    status, _, found, _ = judged(People(believes="path"))
    assert status is Status.FAIL
    plain = {
        "GET /tenants/{tenant}/things (tenant a, of tenant b)",
        "GET /tenants/{tenant}/things (tenant b, of tenant a)",
    }
    assert plain <= {seen.subject for seen in found}
    assert {seen.subject.partition(" (")[0] for seen in found} == {"GET /tenants/{tenant}/things"}


@pytest.mark.parametrize(
    ("instead", "expected"),
    [
        (lambda client: client.json({}, 400), Status.PASS),
        (lambda client: client.json({}, 421), Status.PASS),
        (lambda client: client.reply(308, Location="https://elsewhere.example/"), Status.PASS),
        (lambda client: client.json([]), Status.PASS),
        (lambda client: client.json({}, 500), Status.NOT_ASSESSED),
        (lambda client: client.json({}, 429), Status.NOT_ASSESSED),
        (lambda client: client.reply(200, "<h1>oops"), Status.NOT_ASSESSED),
        (lambda client: client.reset(), Status.NOT_ASSESSED),
    ],
)
def test_what_an_answer_to_a_foreign_name_says(instead: Handler, expected: Status) -> None:
    status, reason, _, _ = judged(People(), instead=instead)
    assert status is expected, reason


@pytest.mark.parametrize("believes", [False, True])
def test_an_argument_of_a_query_names_a_tenant_too(believes: bool) -> None:
    scalar = {"kind": "SCALAR", "name": "ID"}
    argument = {"name": "tenant", "type": scalar}
    root = {"name": "things", "args": [argument], "type": {"kind": "OBJECT", "name": "Thing"}}
    types = [
        {"kind": "OBJECT", "name": "Query", "fields": [root]},
        {"kind": "OBJECT", "name": "Thing", "fields": [{"name": "id", "type": scalar}]},
        scalar,
    ]
    asked: list[tuple[str, str]] = []

    def answer(client: Client) -> None:
        body = json.loads(client.body())
        if "__schema" in body["query"]:
            client.json({"data": {"__schema": {"queryType": {"name": "Query"}, "types": types}}})
            return
        signed = {"bearer tenant-a": "t-3", "bearer tenant-b": "t-5"}[client.headers["authorization"]]
        named = body["variables"]["tenant"]
        assert body["query"].startswith("query($tenant:ID){things(tenant:$tenant)")
        asked.append((signed, named))
        if named == signed or believes:
            client.json({"data": {"things": {"id": named}}})
        else:
            client.json({"data": None, "errors": [{"message": "no"}]})

    with serving({"*": answer}) as server:
        target = api_target(server.url, probes(reach=Reach(path=("tenant",))))
        target = replace(target, spec=replace(target.spec, document=None, graphql="/graphql"))  # type: ignore[type-var]
        status, reason, _ = verdict(api_tenants.tenants_are_apart, target)
    assert status is (Status.FAIL if believes else Status.PASS), reason
    assert {("t-3", "t-3"), ("t-3", "t-5"), ("t-5", "t-3")} <= set(asked)


@pytest.mark.parametrize("identifier", ["", "t 5", "t-5\r\nX: y"])
def test_without_a_usable_identifier_nothing_is_assessed(identifier: str) -> None:
    status, reason, _, _ = judged(People(), **{"id of tenant b": identifier})
    assert (status, "V " in reason) == (Status.NOT_ASSESSED, True)


def test_tenants_with_the_same_things_are_told_before_any_trick() -> None:
    people = People()
    people.things["tenant b"][:] = people.things["tenant a"]
    status, _, found, _ = judged(people)
    assert status is Status.FAIL
    assert not any(", by " in seen.subject for seen in found)


def test_a_graphql_query_takes_the_same_ways() -> None:
    def kind(name: str) -> dict[str, str]:
        return {"kind": "SCALAR" if name == "ID" else "OBJECT", "name": name}

    types = [
        {**kind("Query"), "fields": [{"name": "things", "type": kind("Thing")}]},
        {**kind("Thing"), "fields": [{"name": "id", "type": kind("ID")}]},
        kind("ID"),
    ]

    def answer(client: Client) -> None:
        if "__schema" in json.loads(client.body())["query"]:
            client.json({"data": {"__schema": {"queryType": {"name": "Query"}, "types": types}}})
        else:
            named = "tenant=t-5" in client.path or client.headers["authorization"] == "bearer tenant-b"
            client.json({"data": {"things": {"id": 5 if named else 3}}})

    with serving({"*": answer}) as server:
        target = api_target(server.url, probes(reach=REACH))
        target = replace(target, spec=replace(target.spec, document=None, graphql="/graphql"))  # type: ignore[type-var]
        status, _, found = verdict(api_tenants.tenants_are_apart, target)
    assert status is Status.FAIL
    subjects = [seen.subject for seen in found]
    assert subjects == ["POST /graphql{things} (tenant a, of tenant b, by query tenant)"]
