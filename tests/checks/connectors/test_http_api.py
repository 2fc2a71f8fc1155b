"""An API as it documents itself and answers: every documented GET, or why it could not be had."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from http_servers import LOGIN, Client, Handler, page, raw, redirect, serving, target

from checks.connectors.http import Api, ApiResponse
from checks.core.errors import NotAssessed, Nothing, Refused, Unreachable, Unreadable

JSON = {"content": {"application/json": {}}}


def document(*paths: str, **more: Any) -> dict[str, Any]:
    """Return an OpenAPI document with a GET of JSON at each path."""
    return {
        "openapi": "3.0.0",
        "paths": {path: {"get": {"responses": {"200": JSON}}} for path in paths},
    } | more


def answers(routes: dict[str, Handler], contract: object) -> dict[str, ApiResponse | NotAssessed]:
    """Serve ``routes`` with their contract and return what each operation gives."""
    routes = {"/openapi.json": lambda client: client.json(contract), **routes}
    with serving(routes) as server, _open(server.url) as api:
        return dict(api.responses())


def _open(url: str, **more: Any) -> Any:
    return Api.open(target(url, kind="api", document="/openapi.json", token="t0ken", **more), timeout=0.5)


def test_every_documented_get_is_asked_for() -> None:
    contract = document("/orders", "/orders/{id}")
    contract["paths"]["/orders"]["post"] = {"responses": {"200": JSON}}
    asked: list[str] = []

    def orders(client: Client) -> None:
        asked.append(f"{client.method} {client.path} {client.headers['authorization']}")
        client.json([{"id": 17, "pan": "s3cret"}])

    found = answers({"/orders": orders, "/orders/17": orders}, contract)
    assert asked == ["GET /orders bearer t0ken", "GET /orders/17 bearer t0ken"]
    assert list(found) == ["GET /orders", "GET /orders/{id}"]
    for answer in found.values():
        assert isinstance(answer, ApiResponse)
        assert "s3cret" in answer.text
        assert "s3cret" not in repr(answer)
    assert str(found["GET /orders/{id}"].location).endswith("/orders/{id}")  # type: ignore[union-attr]  # as asserted


@pytest.mark.parametrize(
    ("handler", "family", "words"),
    [
        (page(LOGIN), Unreadable, "HTML was served where JSON is documented"),
        (page("<p>s3cret"), Unreadable, "HTML was served where JSON is documented"),
        (redirect("/login?next=s3cret"), Unreadable, "a login page was served"),
        (page("s3cret{", "application/json"), Unreadable, "the answer is not valid JSON"),
        (page("[" * 100_000, "application/json"), Unreadable, "the answer is not valid JSON"),
        (page('{"a": "s3cret', "application/json"), Unreadable, "the answer is not valid JSON"),
        (page("", "application/json"), Nothing, "the answer is empty"),
        (page("s3cret", status=401), Refused, "HTTP 401"),
        (page("s3cret", status=500), Unreadable, "HTTP 500"),
        (raw(b""), Unreachable, "the connection dropped before the answer was complete"),
    ],
)
def test_an_answer_that_is_not_the_documented_one(
    handler: Handler, family: type[NotAssessed], words: str
) -> None:
    def good(client: Client) -> None:
        client.json({"a": 1})

    found = answers({"/bad": handler, "/good": good}, document("/bad", "/good"))
    bad = found["GET /bad"]
    assert type(bad) is family
    assert str(bad) == f"api: GET /bad: {words}"
    assert isinstance(found["GET /good"], ApiResponse)


@pytest.mark.parametrize(
    ("handler", "family", "words"),
    [
        (page(LOGIN), Unreadable, "HTML was served where an OpenAPI document was expected"),
        (page("s3cret: [", "text/yaml"), Unreadable, "neither valid JSON nor valid YAML"),
        (page("[1]", "application/json"), Unreadable, "not an OpenAPI document"),
        (page('{"openapi": "3.0.0"}', "application/json"), Unreadable, "an OpenAPI document without paths"),
        (page(json.dumps(document()), "application/json"), Nothing, "lists no GET operation"),
        (page("", status=404), Unreadable, "HTTP 404"),
    ],
)
def test_a_document_that_cannot_be_used(handler: Handler, family: type[NotAssessed], words: str) -> None:
    with (
        serving({"/openapi.json": handler}) as server,
        _open(server.url) as api,
        pytest.raises(family, match=words) as caught,
    ):
        list(api.responses())
    assert type(caught.value) is family
    assert "s3cret" not in str(caught.value)


def test_a_document_in_yaml() -> None:
    text = "openapi: 3.0.0\npaths:\n  /a: {get: {responses: {200: {description: OK}}}}\n"
    routes = {"/openapi.json": page(text, "application/yaml"), "/a": page("plain", "text/plain")}
    with serving(routes) as server, _open(server.url) as api:
        assert api.document() is api.document()
        ((name, answer),) = api.responses()
    assert (name, answer.text) == ("GET /a", "plain")


def test_nothing_answers_or_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with _open(f"http://127.0.0.1:{port}") as api, pytest.raises(Unreachable, match="connection refused"):
        list(api.responses())
    nameless = target("http://127.0.0.1:1", kind="api")
    with Api.open(nameless) as api, pytest.raises(Nothing, match="names no OpenAPI document"):
        api.document()


def test_a_token_that_no_header_can_hold() -> None:
    where = target("http://127.0.0.1:1", kind="api", token="s3cret\nx: y")
    with pytest.raises(Refused, match=r"^api: \$LAB_TOKEN holds no usable token$"), Api.open(where):
        pass
