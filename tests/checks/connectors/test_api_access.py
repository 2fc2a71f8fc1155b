"""Who gets what: each check on an API that is clean, violating, empty, and one that does not answer."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from api_people import SECRET, People, api_target, judged, probes, serving_people, verdict
from http_servers import Client, dripping, endless, raw, redirect, serving, silent

from checks import api_access, api_tenants
from checks.core.model import Status
from checks.core.model.probes import Login

HIDDEN = {"categories": (SECRET,)}
CHECKS: list[tuple[Any, dict[str, Any]]] = [
    (api_access.strangers_get_public_only, {}),
    (api_access.reader_cannot_ask_for_hidden, HIDDEN),
    (api_tenants.tenants_are_apart, {}),
    (api_access.no_default_credentials, {}),
    (api_access.failed_logins_are_slowed, {}),
]


def held(number: int, user: str, password: str) -> tuple[int, str]:
    """Let one pair in, and hold back after three failures."""
    if (user, password) == ("me", "good"):
        return 200, '{"token": "x"}'
    return (429 if user == "held" and number > 3 else 401), "{}"


@pytest.mark.parametrize(("check", "params"), CHECKS)
def test_clean(check: Any, params: dict[str, Any]) -> None:
    status, reason, _ = judged(check, People(login=held), **params)
    assert status is Status.PASS, reason


def broken(client: Client) -> None:
    """An error page for everything."""
    client.reply(500, "<h1>Internal")


HOSTILE = [
    *((check, params, broken) for check, params in CHECKS),
    *((check, params, lambda client: client.json([])) for check, params in CHECKS[1:]),
    # The rest is the same for all: none goes on before our own requests are answered.
    (*CHECKS[0], silent),
    (*CHECKS[1], dripping),
    (*CHECKS[2], endless),
    (*CHECKS[3], redirect("/login")),
    (*CHECKS[4], redirect("https://elsewhere.example/")),
    (*CHECKS[0], raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", reset=True)),
    (*CHECKS[1], raw(b"HTTP/1.1 twohundred\r\n: :\r\n\r\n")),
    (*CHECKS[2], lambda client: client.reply(200, bomb(), "application/json", Content_Encoding="gzip")),
]


def bomb() -> bytes:
    """Return 64 MiB of nothing, compressed."""
    return gzip.compress(bytes(64 * 2**20), 1)


@pytest.mark.parametrize(("check", "params", "handler"), HOSTILE)
def test_not_answering(check: Any, params: dict[str, Any], handler: Any) -> None:
    """The document is there, and nothing behind it is."""
    people = People()

    def answer(client: Client) -> None:
        if client.path == "/openapi.json":
            people.answer(client)
        else:
            handler(client)

    with serving({"*": answer}) as server:
        status, reason, _ = verdict(check, api_target(server.url, probes()), **params)
    assert status is Status.NOT_ASSESSED
    assert re.fullmatch(r".{5,300}", reason)


@pytest.mark.parametrize(("check", "params"), CHECKS)
def test_nothing_there(check: Any, params: dict[str, Any]) -> None:
    with serving({}) as server:
        status, reason, _ = verdict(check, api_target(server.url, probes()), **params)
    assert (status, reason.count("404")) == (Status.NOT_ASSESSED, 1)


@pytest.mark.parametrize(("check", "params"), CHECKS[1:])
def test_without_opting_in_nothing_is_sent_but_gets(check: Any, params: dict[str, Any]) -> None:
    people = People()
    with serving_people(people) as server:
        status, reason, _ = verdict(check, api_target(server.url, probes(allowed=False)), **params)
        assert {client.method for client in server.requests} <= {"GET"}
        assert {client.headers.get("authorization") for client in server.requests} <= {"bearer ours"}
    assert status is Status.NOT_ASSESSED
    assert "has not opted in to probes" in reason


def test_a_stranger_who_is_let_in() -> None:
    people = People(stranger=lambda client: client.json([{"id": 1, "title": "s3cret"}]))
    status, _, found = judged(api_access.strangers_get_public_only, people)
    assert status is Status.FAIL
    assert {seen.subject for seen in found} == {"GET /things (nobody)", "GET /things/{id} (nobody)"}
    assert "s3cret" not in repr(found)


def test_what_is_listed_as_public_may_answer() -> None:
    people = People(stranger=lambda client: client.json([{"id": 1, "title": "one"}]))
    check = api_access.strangers_get_public_only
    assert judged(check, people, public=("/things*",))[0] is Status.PASS


@pytest.mark.parametrize("way", ["fields", "filter", "sort", "with"])
def test_a_reader_who_may_ask_for_a_hidden_field(way: str) -> None:
    status, _, found = judged(
        api_access.reader_cannot_ask_for_hidden, People(obeys=frozenset({way})), **HIDDEN
    )
    assert status is Status.FAIL
    (seen,) = found
    assert "people.pw_hash that is never published" in seen.detail
    assert "s8" not in repr(seen)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"query": {"sort": "unheard={field}"}, "relations": ()}, "query.sort of the inventory does nothing"),
        (
            {"query": {"filter": "unheard={field}"}, "relations": ()},
            "query.filter of the inventory does nothing",
        ),
        ({"query": {"projection": "unheard={field}"}, "relations": ()}, "query.projection of the inventory"),
        ({"query": {}, "relations": ()}, "declares no way to ask"),
    ],
)
def test_a_query_that_does_nothing_proves_nothing(changes: dict[str, Any], words: str) -> None:
    status, reason, _ = judged(api_access.reader_cannot_ask_for_hidden, People(), probes(**changes), **HIDDEN)
    assert status is Status.NOT_ASSESSED
    assert words in reason


def test_a_tenant_who_reads_the_other_by_identifier() -> None:
    status, _, found = judged(api_tenants.tenants_are_apart, People(mixed=True))
    assert status is Status.FAIL
    assert {seen.subject for seen in found} == {
        "GET /things/{id} (tenant a, of tenant b)",
        "GET /things/{id} (tenant b, of tenant a)",
    }
    assert "five" not in repr(found)


def test_a_tenant_whose_list_holds_a_thing_of_the_other() -> None:
    people = People()
    people.things["tenant a"].append(people.things["tenant b"][0])
    status, _, found = judged(api_tenants.tenants_are_apart, people)
    assert status is Status.FAIL
    assert "1 of" in found[0].detail


def test_a_tenant_without_things_proves_nothing() -> None:
    people = People()
    people.things["tenant b"].clear()
    status, reason, _ = judged(api_tenants.tenants_are_apart, people)
    assert status is Status.NOT_ASSESSED
    assert "tenant b has nothing there itself" in reason


def test_both_tenants_with_one_token_is_seen() -> None:
    with serving_people(People()) as server:
        target = api_target(server.url, probes(), secrets={"tenant b": "tenant-a"})
        assert verdict(api_tenants.tenants_are_apart, target)[0] is Status.FAIL


def test_default_credentials_that_work_are_named_by_line_and_not_by_value() -> None:
    people = People(login=lambda number, user, password: (200, '{"token": "x"}'))
    status, _, found = judged(api_access.no_default_credentials, people)
    assert status is Status.FAIL
    assert [seen.location.line for seen in found if seen.location] == [3, 4]
    assert "toor" not in repr(found)


@pytest.mark.parametrize("answer", [(429, "{}"), (500, "{}"), (200, '{"error": "no"}'), (302, "")])
def test_a_login_that_does_not_say_is_not_assessed(answer: tuple[int, str]) -> None:
    people = People(
        login=lambda number, user, password: (200, '{"token": "x"}') if password == "good" else answer
    )
    assert judged(api_access.no_default_credentials, people)[0] is Status.NOT_ASSESSED


@pytest.mark.parametrize("check", [api_access.no_default_credentials, api_access.failed_logins_are_slowed])
def test_a_login_where_nothing_works_proves_nothing(check: Any) -> None:
    status, reason, _ = judged(check, People(login=lambda number, user, password: (401, "{}")))
    assert status is Status.NOT_ASSESSED
    assert "for the login that should work" in reason


def test_failed_logins_are_counted_and_made_on_the_declared_account_alone() -> None:
    people = People()
    status, _, found = judged(api_access.failed_logins_are_slowed, people)
    assert status is Status.FAIL
    assert people.logins == ["me", *["held"] * 6]
    assert found[0].detail.startswith("6 wrong passwords in")


def test_without_an_account_no_login_fails() -> None:
    people = People()
    login = Login("/login", "user", "password")
    status, reason, _ = judged(api_access.failed_logins_are_slowed, people, probes(login=login))
    assert status is Status.NOT_ASSESSED
    assert "names no account" in reason
    assert people.logins == []


def test_a_login_that_slows_down_is_enough() -> None:
    import time

    def slow(number: int, user: str, password: str) -> tuple[int, str]:
        if password == "good":
            return 200, '{"token": "x"}'
        time.sleep(1.05 if number >= 5 else 0)
        return 401, "{}"

    with serving_people(People(login=slow)) as server:
        status, reason, _ = verdict(
            api_access.failed_logins_are_slowed, api_target(server.url, probes()), timeout=3
        )
    assert status is Status.PASS, reason


SCHEMA = {
    "data": {"__schema": {"types": [{"name": "Person", "fields": [{"name": "id"}], "inputFields": None}]}}
}
HIDING = json.loads(json.dumps(SCHEMA).replace('"id"', '"pwHash"'))
EMPTY: dict[str, Any] = {"data": {"__schema": {"types": []}}}


@pytest.mark.parametrize(
    ("ours", "strangers", "expected"),
    [
        ((200, SCHEMA), (401, {}), Status.PASS),
        ((200, SCHEMA), (200, {"errors": [{"message": "no"}]}), Status.PASS),
        ((200, HIDING), (401, {}), Status.FAIL),
        ((200, SCHEMA), (200, SCHEMA), Status.FAIL),
        ((200, SCHEMA), (500, {}), Status.NOT_ASSESSED),
        ((200, EMPTY), (401, {}), Status.NOT_ASSESSED),
        ((200, {"errors": [{"message": "introspection is off"}]}), (401, {}), Status.NOT_ASSESSED),
        ((404, {}), (404, {}), Status.NOT_ASSESSED),
    ],
)
def test_a_graphql_schema(ours: tuple[int, Any], strangers: tuple[int, Any], expected: Status) -> None:
    people = People()

    def answer(client: Client) -> None:
        if client.path == "/graphql":
            status, body = ours if "authorization" in client.headers else strangers
            assert "__schema" in client.body().decode()
            client.json(body, status)
        else:
            people.answer(client)

    with serving({"*": answer}) as server:
        target = api_target(server.url, probes())
        target = replace(target, spec=replace(target.spec, graphql="/graphql"))  # type: ignore[type-var]
        status, reason, _ = verdict(api_access.graphql_offers_nothing_hidden, target, **HIDDEN)
    assert status is expected, reason


def test_the_budget_of_requests_holds() -> None:
    people = People()
    with serving_people(people) as server:
        target = api_target(server.url, probes(requests=5))
        status, reason, _ = verdict(api_tenants.tenants_are_apart, target)
        assert len(server.requests) <= 6  # and the document
    assert status is Status.NOT_ASSESSED
    assert "over the 5 requests that probes allow" in reason
