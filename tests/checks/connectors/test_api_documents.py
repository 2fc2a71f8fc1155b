"""Where the operations of an API are listed: a served document, a file, Enfyra's routes; hidden columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from api_people import DOCUMENT, SECRET, People, api_target, inventory, probes, verdict
from http_servers import Client, endless, raw, serving, silent

from checks import api
from checks.connectors.api_hidden import hidden_of
from checks.connectors.http import Api
from checks.core.errors import NotAssessed
from checks.core.model import Dataset, Location, Status, Store, Target


def from_file(url: str, path: Path) -> Target:
    """Return the target as declared with a document in a file."""
    target = api_target(url, probes())
    spec = replace(target.spec, document=None, document_file=path)  # type: ignore[type-var]
    return replace(target, spec=spec, location=Location("inventory.yaml", 41))


@pytest.mark.parametrize("dump", [json.dumps, lambda document: "\ufeff" + json.dumps(document, indent=1)])
def test_a_document_in_a_file_sends_its_requests_to_the_live_address(tmp_path: Path, dump: Any) -> None:
    people, path = People(), tmp_path / "openapi.json"
    path.write_text(dump({**DOCUMENT, "servers": [{"url": "https://elsewhere.example"}]}), "utf-8")
    people.things["us"][0]["pwHash"] = "s3cret"
    with serving({"*": people.answer}) as server:
        status, _, found = verdict(
            api.no_hidden_fields_answered, from_file(server.url, path), categories=(SECRET,)
        )
        assert "/openapi.json" not in {client.path for client in server.requests}
        assert {"/things", "/things/1"} <= {client.path for client in server.requests}
    assert status is Status.FAIL
    assert {seen.subject for seen in found} == {"GET /things", "GET /things/{id}"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no such file"),
        (b"", "the file is empty"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"{", "neither valid JSON nor valid YAML"),
        (b"a: [", "neither valid JSON nor valid YAML"),
        (b"a: 1", "not an OpenAPI document"),
        (b"openapi: 3.0.0", "an OpenAPI document without paths"),
        (b"openapi: 3.0.0\npaths: {}", "lists no GET operation"),
    ],
)
def test_a_file_that_is_no_document_is_said_in_one_line(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "contract.yaml"
    if content is not None:
        path.write_bytes(content)
    with serving({}) as server:
        status, reason, _ = verdict(api.no_secrets_answered, from_file(server.url, path))
        assert not server.requests
    assert status is Status.NOT_ASSESSED
    assert words in reason
    assert str(tmp_path) not in reason
    if "GET" not in words:
        assert reason.startswith("api: document_file contract.yaml (inventory.yaml:41): ")


def test_a_folder_is_no_document(tmp_path: Path) -> None:
    assert "cannot be read" in verdict(api.no_secrets_answered, from_file("http://127.0.0.1:9", tmp_path))[1]


def row(path: str, *methods: str, **more: Any) -> dict[str, Any]:
    """Return a route as newer servers show it."""
    configs = [{"available": name in methods, "method": {"name": name}} for name in ("GET", "POST", "DELETE")]
    return {"path": path, "isEnabled": True, "methodConfigs": configs, **more}


NEW = [row("/things", "GET", "POST"), row("/writes", "POST"), row("/off", "GET", isEnabled=False)]
OLD = [
    {"path": "/things", "isEnabled": True, "availableMethods": [{"id": 1, "name": "GET"}]},
    {"path": "/things/:id", "isEnabled": True, "availableMethods": [{"id": 1, "method": "GET"}]},
    {"path": "/writes", "isEnabled": True, "availableMethods": [{"id": 2, "name": "POST"}]},
]


def routes(url: str, **changes: Any) -> Target:
    """Return the target as declared with Enfyra's list."""
    target = api_target(url, probes())
    return replace(target, spec=replace(target.spec, document=None, routes="enfyra", **changes))  # type: ignore[type-var]


def listing(lists: Mapping[str, Any]) -> Any:
    """Answer as Enfyra does: ``lists`` by the path of the table, the rest as :class:`People`."""
    people = People()

    def answer(client: Client) -> None:
        path, _, query = client.path.partition("?")
        if path in lists:
            assert "limit=0" in query
            assert client.headers["authorization"] == "bearer ours"
            lists[path](client) if callable(lists[path]) else client.json(lists[path])
        elif "route" in path:
            client.json({"statusCode": 404}, 404)
        else:
            people.answer(client)

    return answer


@pytest.mark.parametrize(
    ("lists", "paths"),
    [
        ({"/enfyra_route": {"data": NEW, "meta": {"totalCount": 3}}}, ["/things"]),
        ({"/enfyra_route": {"data": OLD}}, ["/things", "/things/{id}"]),
        ({"/route_definition": {"data": OLD, "meta": {"totalCount": 3}}}, ["/things", "/things/{id}"]),
    ],
)
def test_routes_of_enfyra_are_operations(lists: Mapping[str, Any], paths: list[str]) -> None:
    with serving({"*": listing(lists)}) as server:
        with Api.open(routes(server.url), timeout=2) as view:
            assert [operation.path for operation in view.listed()] == paths
        assert verdict(api.no_secrets_answered, routes(server.url))[0] is Status.PASS
        assert {client.method for client in server.requests} == {"GET"}


def test_a_list_of_routes_documents_no_body() -> None:
    with serving({"*": listing({"/enfyra_route": {"data": NEW}})}) as server:
        status, reason, _ = verdict(api.bodies_as_documented, routes(server.url))
    assert (status, "no documented schema" in reason) == (Status.NOT_ASSESSED, True)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"data": NEW, "meta": {"totalCount": 40}}, "shows 3 of 40 routes"),
        ({"data": NEW + [row(f"/more{n}", "GET") for n in range(7)]}, "shows 10 routes and not how many"),
        ({"data": []}, "no enabled route takes GET"),
        ({"data": [row("/off", "POST")]}, "no enabled route takes GET"),
        ({"data": [{"path": "/x", "isEnabled": True}]}, "no route says which methods it takes"),
        ({"data": [*NEW, {"path": "/x", "isEnabled": True}]}, "a route without a path, or that does not say"),
        ({"data": "no"}, "not a list of Enfyra's routes"),
        ([], "not a list of Enfyra's routes"),
        (lambda client: client.reply(200, "<html>"), "not valid JSON"),
        (lambda client: client.json({}, 403), "HTTP 403"),
        (lambda client: client.json({}, 302), "HTTP 302"),
        (lambda client: client.json({}, 500), "HTTP 500"),
        (silent, "no answer"),
        (endless, "larger than 20 MiB"),
        (raw(b"HTTP/1.1 twohundred\r\n: :\r\n\r\n"), "GET /enfyra_route"),
    ],
)
def test_a_list_of_routes_that_is_none_is_said_in_one_line(answer: Any, words: str) -> None:
    with serving({"*": listing({"/enfyra_route": answer})}) as server:
        status, reason, _ = verdict(api.no_secrets_answered, routes(server.url))
    assert status is Status.NOT_ASSESSED
    assert words in reason
    assert "\n" not in reason


def test_a_parameter_without_an_example_takes_the_inventorys() -> None:
    lists = {"/enfyra_route": {"data": [row("/things/:id", "GET")]}}
    with serving({"*": listing(lists)}) as server:
        status, reason, _ = verdict(api.no_secrets_answered, routes(server.url))
        assert (status, "no example for parameter id" in reason) == (Status.NOT_ASSESSED, True)
        target = routes(server.url, examples={"/things/{id}": {"id": 2}})
        assert verdict(api.no_secrets_answered, target)[0] is Status.PASS
        assert "/things/2" in {client.path for client in server.requests}


# ── never published, column by column ────────────────────────────────────────────────────────────


def store(*tables: tuple[str, dict[str, str], tuple[str, ...]]) -> Store:
    """Return a store of tables with their columns and the marked ones among them."""
    made = {
        name: Dataset(f"db.{name}", "db", name, name, columns, (), (), None, never_published=marked)
        for name, columns, marked in tables
    }
    return Store("db", "sql", "DB", made, made)


NOTES = ("notes", {"id": "system.identifier", "inner_note": "user.content", "note": "user.content"})
PLAIN = ("messages", {"id": "system.identifier", "author": "user.name", "note": "user.content"})


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"id", "innerNote"}, [("innerNote", "notes.inner_note", True)]),
        ({"INNER-NOTE"}, [("INNER-NOTE", "notes.inner_note", True)]),
        ({"note", "author"}, []),  # the object is a message
        ({"note", "id"}, [("note", "notes.note", False)]),  # it may be either
        ({"id", "other"}, []),
    ],
)
def test_a_marked_column_is_found_whatever_its_category(names: set[str], expected: list[Any]) -> None:
    hidden = hidden_of([store((*NOTES, ("inner_note", "note")), (*PLAIN, ()))], (SECRET,))
    found = [(match.field, match.column, match.sure) for match in hidden.within(names)]
    assert found == expected
    both = hidden.within(["note", "innerNote", "id"])
    assert {(match.field, match.sure) for match in both} == {("note", True), ("innerNote", True)}


def test_a_category_alone_says_nothing_of_a_name_that_is_shown_elsewhere() -> None:
    tables = (("a", {"key": SECRET, "x": "system"}, ()), ("b", {"key": "system", "y": "system"}, ()))
    hidden = hidden_of([store(*tables)], (SECRET,))
    assert not hidden.names
    assert [match.column for match in hidden.within(["key", "x"])] == ["a.key"]
    assert hidden.within(["key", "y"]) == hidden.within(["key"]) == []
    assert not hidden_of([store((*PLAIN, ()))], (SECRET,))


@pytest.mark.parametrize(
    ("item", "status", "words"),
    [
        ({"id": 1, "innerNote": "s3cret"}, Status.FAIL, "field innerNote is column notes.inner_note"),
        ({"id": 1, "note": "s3cret"}, Status.NOT_ASSESSED, "field note may be column notes.note"),
        ({"note": "s3cret", "author": "x", "id": 1}, Status.PASS, ""),
        ({"id": 1, "innerNote": None}, Status.PASS, ""),
    ],
)
def test_an_answer_with_a_marked_column(
    item: dict[str, Any], status: Status, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import api_people

    stores = {"db": store((*NOTES, ("inner_note", "note")), (*PLAIN, ()))}
    known = replace(inventory(), stores=stores)
    monkeypatch.setattr(api_people, "inventory", lambda: known)
    people = People()
    people.things["us"][:] = [item]
    with serving({"*": people.answer}) as server:
        found, reason, seen = verdict(
            api.no_hidden_fields_answered, api_target(server.url, probes()), categories=(SECRET,)
        )
    assert found is status, reason
    assert words in (seen[0].detail if seen else reason)
    assert "s3cret" not in repr((seen, reason))


def test_nothing_marked_and_nothing_of_the_category_is_not_assessed() -> None:
    with (
        serving({"*": People().answer}) as server,
        Api.open(api_target(server.url, None), timeout=1) as view,
        pytest.raises(NotAssessed, match="marks none never_published"),
    ):
        view.hidden_columns(replace(inventory(), stores={"db": store((*PLAIN, ()))}), (SECRET,))
