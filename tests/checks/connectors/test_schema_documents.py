"""OpenAPI and JSON Schema: every field where it is written, references, lines, and broken documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schema_files import SECRET, assert_one_line, fields

from checks.connectors.schema_tree import _Json, _yaml
from checks.core.errors import NotAssessed, Nothing, TooLarge, Unreadable
from checks.core.model import Location

OPENAPI = """\
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /orders:
    parameters:
      - {name: tenant, in: header, schema: {type: string}}
    get:
      parameters:
        - $ref: "#/components/parameters/Limit"
        - name: filter
          in: query
          description: what to show
          content: {application/json: {schema: {properties: {since: {type: string}}}}}
      responses:
        200:
          headers:
            X-Total: {description: how many, schema: {type: integer}}
            X-Ref: {$ref: "#/components/headers/Shared"}
          content:
            application/json: &body
              schema:
                type: object
                properties:
                  items:
                    type: array
                    items:
                      properties:
                        total: {type: integer, description: cents}
                        order: {$ref: "#/components/schemas/Order"}
            application/x-yaml: *body
            text/csv: {schema: {type: object, properties: {items: {type: array}}}}
        default: {$ref: "#/components/responses/Error"}
    post:
      requestBody:
        content:
          multipart/form-data:
            schema: {properties: {file: {type: string}}}
            encoding: {file: {headers: {X-Part: {schema: {type: string}}}}}
      responses: {"204": {description: done}}
      callbacks:
        paid: {"{$request.body#/url}": {post: {requestBody: {$ref: "#/x-body"}}}}
webhooks:
  sent: {post: {requestBody: {$ref: "#/components/requestBodies/Event"}}}
components:
  schemas:
    Order:
      properties:
        total: {type: [integer, "null"]}
        parent: {$ref: "#/components/schemas/Order"}
        buyer: {allOf: [{$ref: "#/components/schemas/Person"}], description: who}
    Person: {type: object, required: [email, cvv], properties: {email: {$ref: "#/components/schemas/Email"}}}
    Email: {type: string, description: an address}
    Loop: {$ref: "#/components/schemas/Loop"}
  parameters:
    Limit: {name: limit, in: query, schema: {type: integer}}
  headers:
    Shared: {schema: {type: string}}
  responses:
    Error: {content: {application/json: {schema: {properties: {code: {type: string}}}}}}
  requestBodies:
    Event: {content: {application/json: {schema: {properties: {id: {type: string}}}}}}
x-body: {content: {a/b: {schema: {properties: {pan: {}}}}}}
"""
EXPECTED = {
    "components.Order.total": ("integer", None),
    "components.Order.parent": ("object", None),
    "components.Order.buyer": (None, "who"),
    "components.Person.email": ("string", "an address"),
    "components.Person.cvv": (None, None),
    "components.Email": ("string", "an address"),
    "components.parameters.limit": ("integer", None),
    "components.responses.Error.code": ("string", None),
    "components.headers.Shared": ("string", None),
    "components.requestBodies.Event.id": ("string", None),
    "paths./orders.parameters.tenant": ("string", None),
    "paths./orders.get.parameters.filter": (None, "what to show"),
    "paths./orders.get.parameters.filter.since": ("string", None),
    "paths./orders.get.200.headers.X-Total": ("integer", "how many"),
    "paths./orders.get.200.headers.X-Ref": (None, None),
    "paths./orders.get.200.items": ("array", None),
    "paths./orders.get.200.items[].total": ("integer", "cents"),
    "paths./orders.get.200.items[].order": ("object", None),
    "paths./orders.post.request.file": ("string", None),
    "paths./orders.post.request.headers.X-Part": ("string", None),
    "paths./orders.post.callbacks.paid.{$request.body#/url}.post.request.pan": (None, None),
}


def test_openapi_in_yaml(tmp_path: Path) -> None:
    found = fields(tmp_path, "openapi", {"api.yaml": OPENAPI})
    told = {field.path: (field.type, field.comment) for field in found}
    assert told == EXPECTED
    assert len(told) == len(found)
    lines = OPENAPI.splitlines()
    for field in found:
        assert field.location.path == "api.yaml"
        assert field.name in lines[(field.location.line or 0) - 1]


SWAGGER = {
    "swagger": "2.0",
    "definitions": {"Card": {"type": "object", "properties": {"pan": {"type": "string"}}}},
    "parameters": {"q": {"name": "q", "in": "query", "type": "string"}},
    "paths": {
        "/a": {
            "post": {
                "parameters": [
                    {"name": "payload", "in": "body", "schema": {"properties": {"cvv": {"type": "string"}}}},
                    {"name": "f", "in": "formData", "type": "array", "items": {"properties": {"g": {}}}},
                    {"$ref": "#/parameters/q"},
                ],
                "responses": {
                    "200": {"schema": {"$ref": "#/definitions/Card"}, "headers": {"X": {"type": "string"}}}
                },
            }
        }
    },
}


def test_swagger_2(tmp_path: Path) -> None:
    found = fields(tmp_path, "openapi", {"api.json": json.dumps(SWAGGER)})
    assert [(field.path, field.type) for field in found] == [
        ("definitions.Card.pan", "string"),
        ("parameters.q", "string"),
        ("paths./a.post.request.cvv", "string"),
        ("paths./a.post.parameters.f", "array"),
        ("paths./a.post.parameters.f[].g", None),
        ("paths./a.post.200.headers.X", "string"),
    ]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"properties": {"a": {"properties": {"b": True}}}}, "x.a x.a.b"),
        ({"items": {"properties": {"a": {}}}, "prefixItems": [{"properties": {"b": {}}}]}, "x[].a x[].b"),
        ({"patternProperties": {"^card_": {"type": "string"}}}, "x./^card_/"),
        ({"additionalProperties": {"properties": {"a": {}}}}, "x.*.a"),
        ({"allOf": [{"properties": {"a": {}}}], "if": {"properties": {"b": {}}}}, "x.a x.b"),
        ({"dependentSchemas": {"a": {"properties": {"b": {}}}}, "dependencies": {"a": ["c"]}}, "x.b"),
        ({"$defs": {"Pan": {"type": "string"}, "O": {"properties": {"a": {}}}}}, "x.$defs.Pan x.$defs.O.a"),
        ({"definitions": {"n": {"$ref": "#/definitions/n"}}, "properties": {"a": {"$ref": "#"}}}, "x.a"),
        ({"properties": {"cvv": False, "a": {"not": {"properties": {"pan": {}}}}}}, "x.a"),
        ({"required": ["cvv"], "properties": {"a": {}}}, "x.a x.cvv"),
        ({"$ref": "#/x-own/0", "x-own": [{"properties": {"a": {}}}]}, "x.a"),
        ({"$ref": "#own", "x-y": {"$anchor": "own", "properties": {"a": {}}}}, "x.a"),
        ({"$ref": "other.json#/a~1b%20"}, "x.o other.o"),
        ({"$ref": "urn:zother", "x": 1}, "x.o zother.o"),
        ({"$ref": "urn:other", "x": 1}, "x.o other.o"),
        ({"$ref": "urn:y", "$defs": {"y": {"$id": "urn:y", "required": ["z"]}}}, "x.$defs.y.z"),
        ({"properties": {"a": {"$ref": "https://json-schema.org/draft/2020-12/schema"}}}, "x.a"),
    ],
)  # fmt: skip
def test_json_schema(tmp_path: Path, schema: dict[str, Any], expected: str) -> None:
    documents: dict[str, str | bytes] = {"x.json": json.dumps(schema)}
    for other in ("zother", "other"):
        if f" {other}." in expected:  # it is read in its own right too
            inner = {"properties": {"o": {}}}
            documents[f"{other}.json"] = json.dumps({"$id": f"urn:{other}", "a/b ": inner, "allOf": [inner]})
    found = fields(tmp_path, "json-schema", documents)
    assert {field.path for field in found} == set(expected.split())


def test_lines_of_json(tmp_path: Path) -> None:
    text = '{\r\n\t"properties"\r\n: {"a":\r\n {}, "b\\u0062\\ud83d\\ude00": {"description": "\\/\\""}}}'
    a, b = fields(tmp_path, "json-schema", {"x.json": b"\xef\xbb\xbf" + text.encode()})
    assert a.location == Location("x.json", 3)
    assert (b.name, b.comment, b.location) == ("bb\U0001f600", '/"', Location("x.json", 4))


def test_yaml_merges_and_json_in_a_yaml_file(tmp_path: Path) -> None:
    text = "base: &b {a: {type: string}}\nproperties:\n  <<: *b\n  c: {}\n"
    assert [f.path for f in fields(tmp_path, "json-schema", {"x.yaml": text})] == ["x.c", "x.a"]
    flow = '{"properties": {"a\\/b": {}}, x: y}'
    assert [f.path for f in fields(tmp_path / "flow", "json-schema", {"x.yaml": flow})] == ["x.a/b"]


@pytest.mark.parametrize(
    ("form", "name", "content", "error", "words"),
    [
        ("openapi", "x.yaml", "openapi: 3.1.0\ninfo: {}\n", Nothing, "without paths and components"),
        ("openapi", "x.json", '{"openapi": "3.0.0", "paths": {}}', Nothing, "without paths and components"),
        ("openapi", "x.json", '{"openapi": "3.0.0", "paths": {"/a": {}}}', Nothing, "describes no field"),
        ("openapi", "x.yaml", "name: x\n", Unreadable, "not an OpenAPI 3 or Swagger 2 document"),
        ("openapi", "x.yaml", "openapi: 4.0.0\n", Unreadable, "not an OpenAPI 3 or Swagger 2 document"),
        ("openapi", "x.yaml", "openapi: 3.0.0\npaths: []\n", Unreadable, "x.yaml:2: paths is not an object"),
        (
            "openapi",
            "x.yaml",
            "openapi: 3.0.0\npaths:\n /a:\n  parameters:\n  - {in: query}\n",
            Unreadable,
            "x.yaml:5: a parameter without a name",
        ),
        ("json-schema", "x.json", "{}", Nothing, "describes no field"),
        ("json-schema", "x.json", "[]", Unreadable, "not an object"),
        ("json-schema", "x.json", '{"a": 1,\n}', Unreadable, "x.json:2: not valid JSON"),
        ("json-schema", "x.json", '{"a": 1}\n x', Unreadable, "x.json:2: not valid JSON"),
        ("json-schema", "x.json", '{"a": "b', Unreadable, "x.json:1: not valid JSON"),
        ("json-schema", "x.json", '{"a": 01}', Unreadable, "x.json:1: not valid JSON"),
        ("json-schema", "x.json", '{"a": 1,\n"a": 2}', Unreadable, "x.json:2: a key stands twice"),
        ("json-schema", "x.yaml", "a: 1\na: 2\n", Unreadable, "x.yaml:2: a key stands twice"),
        ("json-schema", "x.yaml", "a: 1\n---\nb: 2\n", Unreadable, "x.yaml:2: not valid YAML"),
        ("json-schema", "x.yaml", "a: [\n", Unreadable, "x.yaml:2: not valid YAML"),
        ("json-schema", "x.yaml", "[a]: 1\n", Unreadable, "x.yaml:1: a key is not text"),
        ("json-schema", "x.yaml", "# only a comment\n", Unreadable, "not an object"),
        ("json-schema", "x.json", '{"a":' * 100_000, Unreadable, "nested too deeply"),
        ("json-schema", "x.json", '{"properties": []}', Unreadable, "x.json:1: properties is not an object"),
        ("json-schema", "x.json", f'{{"properties": {{"a": "{SECRET}"}}}}', Unreadable, "an object was"),
        ("json-schema", "x.json", '\n{"$ref": "#/nowhere"}', Unreadable, "x.json:2: $ref leads nowhere"),
        ("json-schema", "x.json", '{"$ref": "#none"}', Unreadable, "x.json:1: $ref leads nowhere"),
        ("json-schema", "x.json", f'{{"$ref": "https://u:{SECRET}@h/x"}}', Unreadable, "not among these"),
        ("json-schema", "x.json", '{"$ref": "../../x.json"}', Unreadable, "leads out of the folder"),
        ("json-schema", "x.json", '{"$ref": "gone.json"}', NotAssessed, "refers to gone.json"),
    ],
)
def test_documents_that_cannot_be_read(
    tmp_path: Path, form: str, name: str, content: str, error: type[NotAssessed], words: str
) -> None:
    with pytest.raises(error) as caught:
        fields(tmp_path, form, {name: content})
    assert not isinstance(caught.value, TooLarge)
    assert_one_line(caught.value, words, tmp_path)
    assert caught.value.reason.startswith(name)


def plain(value: Any) -> Any:
    """Return a tree as plain values; its numbers are text."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


VALUES = st.recursive(
    st.none() | st.booleans() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(VALUES, st.sampled_from([None, 1]), st.booleans())
def test_json_is_read_as_by_the_standard_library(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert plain(_Json("x", text).whole()) == json.loads(text)


@given(st.text(alphabet='{}[]:," \n\\ua1-tre#&*<', max_size=40))
def test_whatever_the_text_the_answer_is_a_tree_or_one_line(text: str) -> None:
    said = []
    for read in (lambda: _Json("x", text).whole(), lambda: _yaml("x", text)):
        try:
            read()
        except Unreadable as error:
            said.append(error.reason)
    assert all(line.startswith("x:") and "\n" not in line for line in said)
    try:
        json.loads(text, object_pairs_hook=list)
    except ValueError:
        assert any("JSON" in line or "twice" in line for line in said)
