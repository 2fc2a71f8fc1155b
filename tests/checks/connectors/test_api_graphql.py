"""GraphQL: every field is asked for and judged like any answer, on a real executor behind a real server."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import graphql
import pytest
from api_people import SECRET, TOKENS, api_target, probes, verdict
from http_servers import Client, Server, dripping, endless, redirect, serving, silent

from checks import api, api_access, api_tenants
from checks.connectors.api_graphql import INTROSPECTION, Schema
from checks.connectors.http import Api
from checks.core.model import Status, Target
from checks.core.model.probes import Probes

SDL = """
interface Node { id: ID! }
enum Shade { LIGHT DARK }
type Thing implements Node {
  id: ID!, title: String!, shade: Shade, owner: Owner, others(first: Int!): [Owner!]
}
type Owner implements Node { id: ID!, name(style: Shade! = DARK): String, things: [Thing!] EXTRA }
union Hit = Thing | Owner
input Wanted { text: String!, shade: Shade! }
type Query {
  things(limit: Int, filter: String): [Thing!]!
  thing(id: ID!): Thing
  owner(ownerId: ID!): Owner
  search(wanted: Wanted!): [Hit!]
  total: Int!
}
type Mutation { deleteThing(id: ID!): Boolean }
"""
CARD = "4111" + "111111111111"
HASH = "$2b$12$" + "abcdefghijklmnopqrstuv" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
HIDDEN = {"categories": (SECRET,)}
CHECKS: list[tuple[Any, dict[str, Any]]] = [
    (api.no_card_numbers_answered, {}),
    (api.no_secrets_answered, {}),
    (api.no_hidden_fields_answered, HIDDEN),
    (api.no_internals_answered, {}),
    (api.errors_name_nobody, {}),
    (api_access.strangers_get_public_only, {}),
    (api_access.reader_cannot_ask_for_hidden, HIDDEN),
    (api_access.graphql_offers_nothing_hidden, HIDDEN),
    (api_tenants.tenants_are_apart, {}),
]


@dataclass
class Graph:
    """A GraphQL server; a test changes what it wants to be wrong."""

    extra: str = ""  # more fields of an owner
    title: str = "one"
    open: bool = False  # to whoever asks
    mixed: bool = False  # an item is looked up by its identifier alone
    refused: str = ""  # a field that nobody may read
    failing: Callable[[str], str] = lambda text: ""  # what an error says, for a filter
    lies: bool = False  # answers a field that its schema does not show
    asked: list[str] = field(default_factory=list)
    schema: graphql.GraphQLSchema | None = None

    def answer(self, client: Client) -> None:
        """Answer one request."""
        if client.path != "/graphql":
            client.json({"error": "nothing here"}, 404)
            return
        body = json.loads(client.body())
        self.asked.append(body["query"])
        who = TOKENS.get(client.headers.get("authorization", "").removeprefix("bearer "))
        if who is None and not self.open:
            client.json({"errors": [{"message": "who are you"}]}, 401)
        elif self.lies and re.search(r"\bpwHash\b", body["query"]) and who == "reader":
            client.json({"data": {"things": [{"pwHash": "s3cret"}]}})
        else:
            self.schema = self.schema or graphql.build_schema(SDL.replace("EXTRA", self.extra))
            result = graphql.graphql_sync(
                self.schema,
                body["query"],
                self._root(who or "us"),
                variable_values=body.get("variables"),
                type_resolver=lambda value, *_: "Thing" if "title" in value else "Owner",
                field_resolver=self._resolve,
            )
            client.json(result.formatted)

    def _resolve(self, source: Any, info: graphql.GraphQLResolveInfo, **given: Any) -> Any:
        if info.field_name == self.refused:
            raise ValueError("you may not read this")
        value = source.get(info.field_name) if isinstance(source, dict) else None
        return value(**given) if callable(value) else value

    def _root(self, who: str) -> dict[str, Any]:
        start = {"us": 1, "tenant a": 3, "tenant b": 5, "reader": 1}[who]

        def thing(number: int) -> dict[str, Any]:
            owner = {"id": f"o{start}", "name": "Ada", "pwHash": "s3cret", "innerNote": "s3cret"}
            made = {"id": str(number), "title": self.title, "shade": "DARK", "owner": owner}
            return {**made, "others": lambda first: []}

        def things(limit: int, filter: str = "") -> list[Any]:  # noqa: A002  the schema's name
            if said := self.failing(filter):
                raise ValueError(said)
            return mine[:limit]

        mine = [thing(start), thing(start + 1)]
        known = [thing(number) for number in range(1, 7)] if self.mixed else mine
        return {
            "things": things,
            "thing": lambda id: next((one for one in known if one["id"] == id), None),  # noqa: A006
            "owner": lambda ownerId: mine[0]["owner"] if ownerId == f"o{start}" else None,
            "search": lambda wanted: [mine[0], mine[0]["owner"]],
            "total": 2 + start,
        }


def graph_target(server: Server, how: Probes | None = None) -> Target:
    """Return an API of which the inventory names a GraphQL endpoint and no document."""
    usual = probes(query={}, relations=(), generated=3, shared=("/graphql{total}",))
    target = api_target(server.url, how or usual)
    return replace(target, spec=replace(target.spec, document=None, graphql="/graphql"))  # type: ignore[type-var]


def judged(check: Any, graph: Graph, how: Probes | None = None, **params: Any) -> Any:
    """Return status, reason and violations."""
    with serving({"*": graph.answer}) as server:
        return verdict(check, graph_target(server, how), timeout=3, **params)


@pytest.mark.parametrize(("check", "params"), CHECKS)
def test_clean(check: Any, params: dict[str, Any]) -> None:
    graph = Graph()
    status, reason, found = judged(check, graph, **params)
    assert status is Status.PASS, (reason, found)
    assert not any("mutation" in text or "deleteThing" in text for text in graph.asked)


def test_every_field_is_asked_for_and_every_query_is_valid() -> None:
    schema = graphql.build_schema(SDL.replace("EXTRA", ""))
    shown = Schema({"data": graphql.graphql_sync(schema, INTROSPECTION).data})
    queries = shown.queries("/graphql")
    assert [query.path for query in queries[:3]] == [
        "/graphql{things}",
        "/graphql{search}",
        "/graphql{total}",
    ]
    assert shown.unasked == []
    for query in queries:
        for selection in (query.full, query.plain, *query.parts):
            text = query.request(selection, {p.name: p.value for p in query.parameters})["query"]
            assert graphql.validate(schema, graphql.parse(text)) == []
    assert "others(first:25){__typename id name}" in queries[0].full
    assert "... on Owner{id} ... on Owner{name}" in queries[1].full


@pytest.mark.parametrize(
    ("check", "graph", "words"),
    [
        (0, Graph(title=CARD), "411111******1111"),
        (1, Graph(title=HASH), "bcrypt password hash"),
        (2, Graph(extra=", pwHash: String"), "field pwHash is column people.pw_hash"),
        (3, Graph(failing=lambda text: "syntax error at or near" if "'" in text else ""), "database"),
        (4, Graph(failing=lambda text: "ask ada@corp.example" if "'" in text else ""), "an e-mail address"),
        (5, Graph(open=True), "HTTP 200 without credentials"),
        (6, Graph(extra=", pwHash: String"), "shows pwHash, column people.pw_hash"),
        (6, Graph(lies=True), "shows pwHash, column people.pw_hash"),
        (7, Graph(extra=", pwHash: String"), "is column people.pw_hash"),
        (8, Graph(mixed=True), "1 of 1 things of the other tenant"),
    ],
)
def test_violating(check: int, graph: Graph, words: str) -> None:
    function, params = CHECKS[check]
    status, reason, found = judged(function, graph, **params)
    assert status is Status.FAIL, reason
    assert any(words in seen.detail for seen in found), found
    assert all(seen.subject.startswith("POST /graphql") for seen in found)
    assert not {"s3cret", CARD, HASH, "ada@"} & set(re.findall(r"s3cret|ada@|[\d$]\S{15,}", repr(found)))


def test_a_field_that_is_refused_does_not_hide_the_rest() -> None:
    graph = Graph(title=CARD, refused="id")  # not null, so that the answer to the whole is nothing
    status, _, found = judged(api.no_card_numbers_answered, graph)
    assert status is Status.FAIL
    assert {seen.subject for seen in found} == {"POST /graphql{things}", "POST /graphql{search}"}
    assert any("{things(limit:$limit){__typename title}}" in text for text in graph.asked)


@pytest.mark.parametrize(("check", "params"), [CHECKS[0], CHECKS[5], CHECKS[6], CHECKS[8]])
def test_a_query_that_answers_us_with_nothing_is_not_assessed(check: Any, params: dict[str, Any]) -> None:
    status, reason, _ = judged(check, Graph(refused="things"), **params)
    assert status is (Status.PASS if check is CHECKS[6][0] else Status.NOT_ASSESSED), reason


MALFORMED: Any = {
    "data": {"__schema": {"queryType": {"name": "Query"}, "types": [{"name": "Query", "fields": 7}]}}
}


@pytest.mark.parametrize(("check", "params"), [CHECKS[0], CHECKS[5], CHECKS[6], CHECKS[8]])
@pytest.mark.parametrize(
    "handler",
    [
        lambda client: client.json({}, 500),
        lambda client: client.json({"errors": [{"message": "introspection is off"}]}),
        lambda client: client.json(MALFORMED),
        lambda client: client.reply(200, "<h1>Login"),
        lambda client: client.reply(200),
        redirect("https://elsewhere.example/"),
    ],
)
def test_without_a_schema_nothing_is_assessed(check: Any, params: dict[str, Any], handler: Any) -> None:
    with serving({"*": handler}) as server:
        status, reason, _ = verdict(check, graph_target(server), **params)
    assert status is Status.NOT_ASSESSED
    assert re.fullmatch(r"api: POST /graphql.{5,200}", reason)


@pytest.mark.parametrize("handler", [silent, dripping, endless])
def test_a_hostile_endpoint_is_not_waited_for(handler: Any) -> None:
    started = time.monotonic()
    with serving({"*": handler}) as server:
        status, reason, _ = verdict(api.no_secrets_answered, graph_target(server), timeout=0.3)
    assert (status, reason.count("POST /graphql")) == (Status.NOT_ASSESSED, 1)
    assert time.monotonic() - started < 4


def test_nothing_is_posted_without_opting_in() -> None:
    graph = Graph()
    status, reason, _ = judged(api.no_secrets_answered, graph, probes(allowed=False))
    assert (status, graph.asked) == (Status.NOT_ASSESSED, [])
    assert "has not opted in to probes" in reason


def test_the_budget_of_requests_holds() -> None:
    graph = Graph()
    status, reason, _ = judged(api.no_secrets_answered, graph, probes(requests=4))
    assert (status, len(graph.asked)) == (Status.NOT_ASSESSED, 4)
    assert "over the 4 requests that probes allow" in reason


def test_a_schema_in_which_all_leads_to_all_costs_little() -> None:
    names = [f"T{number}" for number in range(60)]
    links = " ".join(f"to{name}: {name}" for name in names)
    more = "type Lone { id: ID needs(x: ID!): Far } type Far { y: Int }"
    types = " ".join(f"type {name} {{ id: ID v{name}: String {links} }}" for name in names)
    schema = graphql.build_schema(f"{types} {more} type Query {{ {links} lone: Lone }}")
    body = {"data": graphql.graphql_sync(schema, INTROSPECTION).data}
    started = time.process_time()
    shown = Schema(body)
    queries = shown.queries("/graphql")
    assert time.process_time() - started < 4
    assert max(len(query.full) for query in queries) < 40_000
    assert shown.unasked == ["Far.y"]


def described(*types: dict[str, Any]) -> Any:
    """Return what introspection says of these types."""
    return {"data": {"__schema": {"queryType": {"name": "Query"}, "types": list(types)}}}


def test_a_schema_made_to_cost_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checks.connectors.api_graphql._STEPS", 300_000)  # as ever, ten times sooner

    def kind(name: str, what: str = "OBJECT") -> dict[str, str]:
        return {"kind": what, "name": name}

    inner = [
        {"name": f"f{n}", "type": {"kind": "NON_NULL", "ofType": kind("In", "INPUT_OBJECT")}}
        for n in range(300)
    ]
    root = {"name": "a", "type": kind("U"), "args": [{"name": "x", "type": inner[0]["type"]}]}
    members = [{"name": "U"}, {"name": "U"}]
    types = (
        {**kind("Query"), "fields": [root]},
        {**kind("U", "UNION"), "possibleTypes": members},
        {**kind("In", "INPUT_OBJECT"), "inputFields": inner},
    )
    started = time.process_time()
    with serving({"*": lambda client: client.json(described(*types))}) as server:
        status, reason, _ = verdict(api.no_secrets_answered, graph_target(server), timeout=5)
    assert time.process_time() - started < 3
    assert (status, "no schema that can be asked from" in reason) == (Status.NOT_ASSESSED, True)


def test_a_union_of_itself_ends() -> None:
    root = {"name": "a", "type": {"kind": "UNION", "name": "U"}}
    shown = Schema(
        described(
            {"kind": "OBJECT", "name": "Query", "fields": [root]},
            {"kind": "UNION", "name": "U", "possibleTypes": [{"name": "U"}, {"name": "U"}]},
        )
    )
    assert [query.full for query in shown.queries("/g")] == ["{__typename}"]


def test_what_cannot_be_asked_for_is_said() -> None:
    status, reason, _ = judged(api.no_secrets_answered, Graph(extra=", far(x: ID!): Far } type Far { y: Int"))
    assert status is Status.NOT_ASSESSED
    assert "1 fields cannot be asked for within bounds: Far.y" in reason


def test_a_view_asks_for_the_schema_once() -> None:
    graph = Graph()
    with serving({"*": graph.answer}) as server, Api.open(graph_target(server), timeout=2) as view:
        for _ in range(2):
            list(api.no_secrets_answered(view))
            list(api_tenants.tenants_are_apart(view))
    assert sum("__schema" in text for text in graph.asked) == 1
