"""The GET operations of an OpenAPI document, and values for their parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from checks.core.errors import NotAssessed

Scalar = str | int | float
IDENTIFIERS = ("id", "uuid", "slug", "key")
"""What a thing is known by, in order of preference."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an operation that has to be filled; ``value`` is what the document offers."""

    name: str
    place: str  # path | query | header | argument (of a GraphQL query)
    value: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Operation:
    """A documented ``GET path``. ``prefix`` is the path of the document's server."""

    path: str
    prefix: str
    parameters: tuple[Parameter, ...]
    json: bool  # JSON is documented as its answer

    @property
    def name(self) -> str:
        """The request, as ``GET /v1/orders/{id}``."""
        return f"GET {self.path}"

    def fill(
        self, seen: Seen, owner: str, given: Mapping[str, str] | None = None
    ) -> tuple[str, dict[str, str]]:
        """Return path with query, and headers; raises ``NotAssessed`` if a value is missing.

        ``given`` holds values of path parameters that go before the document's.
        """
        path, query = self.path, dict[str, str]()
        headers: dict[str, str] = {}
        for parameter in self.parameters:
            value = parameter.value
            if given is not None and parameter.place == "path":
                value = given.get(parameter.name, value)
            if value is None and parameter.place == "path":
                value = seen.value(self.path, parameter.name)
            if value is None:
                raise NotAssessed(f"{owner}: GET {self.path}: no example for parameter {parameter.name}")
            if parameter.place == "path":
                path = path.replace(f"{{{parameter.name}}}", quote(str(value), safe=""))
            elif parameter.place == "query":
                query[parameter.name] = str(value)
            else:
                headers[parameter.name] = str(value)
        return self.prefix + path + (f"?{urlencode(query)}" if query else ""), headers


class Seen:
    """Identifiers seen in answers, by the documented path of a list or the GraphQL type of a thing."""

    def __init__(self) -> None:
        self._items: dict[str, Mapping[str, Any]] = {}
        self._kinds: dict[str, Mapping[str, Any]] = {}

    def learn(self, operation: Operation, answer: Any) -> None:
        """Remember the first item of a list answer, bare or in an envelope such as ``data``."""
        lists = [answer] if isinstance(answer, list) else []
        if isinstance(answer, dict):
            lists = [value for value in answer.values() if isinstance(value, list)]
        for item in (items[0] for items in lists if items):
            if isinstance(item, dict):
                self._items.setdefault(operation.path.rstrip("/"), item)

    def learn_kind(self, item: Mapping[str, Any]) -> None:
        """Remember the first thing of its type, which GraphQL's ``__typename`` names."""
        if isinstance(kind := item.get("__typename"), str):
            self._kinds.setdefault(kind, item)

    def value(self, path: str, name: str) -> Scalar | None:
        """Return an identifier for parameter ``name`` of ``path`` from the list it stands under."""
        above = path.partition(f"{{{name}}}")[0].rstrip("/")
        return _identifier(self._items.get(above, {}), (_plain(name), *IDENTIFIERS))

    def of_kind(self, kind: str, name: str) -> Scalar | None:
        """Return an identifier for the argument ``name`` of a query that returns ``kind``.

        ``projectId`` is that of a ``Project``; ``id`` that of what is returned.
        """
        plain = _plain(name)
        for other, item in self._kinds.items():
            if plain in {_plain(other) + one for one in IDENTIFIERS}:
                return _identifier(item, IDENTIFIERS)
        names = (plain, *IDENTIFIERS) if plain in IDENTIFIERS else (plain,)
        return _identifier(self._kinds.get(kind, {}), names)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _identifier(item: Mapping[str, Any], names: tuple[str, ...]) -> Scalar | None:
    plain = {_plain(key): value for key, value in item.items()}
    for name in names:
        value = plain.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value):
            return value
    return None


def operations(
    document: Mapping[str, Any], base_path: str, examples: Mapping[str, Mapping[str, Scalar]] | None = None
) -> list[Operation]:
    """Return the GET operations of ``document``, lists before what stands under them.

    ``base_path`` is the path of the target's address; the document's server adds its own path
    unless the address has it already. The document's host is not heeded. ``examples`` holds, by path,
    values of path parameters for which the document offers none.
    """
    prefix = _prefix(document)
    if prefix and base_path.endswith(prefix):
        prefix = ""
    found = [
        _operation(document, path, item, item["get"], prefix, (examples or {}).get(path, {}))
        for path, item in _paths(document)
        if isinstance(item.get("get"), Mapping)
    ]
    return sorted(found, key=lambda operation: (operation.path.count("{"), operation.path))


def _paths(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, item in document["paths"].items():
        item = resolve(document, item)
        if isinstance(path, str) and path.startswith("/") and isinstance(item, Mapping):
            yield path, item


def _operation(
    document: Mapping[str, Any],
    path: str,
    item: Mapping[str, Any],
    get: Mapping[str, Any],
    prefix: str,
    examples: Mapping[str, Scalar],
) -> Operation:
    given: dict[tuple[str, str], Mapping[str, Any]] = {}
    for raw in [*listed(item.get("parameters")), *listed(get.get("parameters"))]:  # the operation's win
        parameter = resolve(document, raw)
        if isinstance(parameter, Mapping) and isinstance(parameter.get("name"), str):
            given[str(parameter.get("in")), parameter["name"]] = parameter
    needed = [
        Parameter(name, "path", examples.get(name, _example(document, given.get(("path", name), {}))))
        for name in dict.fromkeys(re.findall(r"\{([^{}]+)\}", path))
    ]
    needed += [
        Parameter(name, place, _example(document, parameter))
        for (place, name), parameter in given.items()
        if place in {"query", "header"} and parameter.get("required") is True and name != "Authorization"
    ]
    return Operation(path, prefix, tuple(needed), _answers_json(document, get))


def _example(document: Mapping[str, Any], parameter: Mapping[str, Any]) -> Scalar | None:
    """Return the value a parameter's author offers: example, default, constant, first of an enum."""
    schema = resolve(document, parameter.get("schema"))
    schema = schema if isinstance(schema, Mapping) else parameter  # Swagger 2 has no schema here
    examples = resolve(document, parameter.get("examples"))
    named = next(iter(examples.values()), None) if isinstance(examples, Mapping) else None
    offered = [
        parameter.get("example"),
        resolve(document, named).get("value") if isinstance(named, Mapping) else None,
        parameter.get("x-example"),
        schema.get("example"),
        *listed(schema.get("examples"))[:1],
        schema.get("default"),
        schema.get("const"),
        *listed(schema.get("enum"))[:1],
    ]
    return next(
        (value for value in offered if isinstance(value, str | int | float) and not isinstance(value, bool)),
        None,
    )


def _answers_json(document: Mapping[str, Any], get: Mapping[str, Any]) -> bool:
    """Whether JSON alone is documented as the successful answer."""
    answers = get.get("responses")
    media: set[str] = set(listed(get.get("produces")) or listed(document.get("produces")))
    for status, answer in answers.items() if isinstance(answers, Mapping) else ():
        content = resolve(document, answer)
        content = content.get("content") if isinstance(content, Mapping) else None
        if str(status).startswith("2") and isinstance(content, Mapping):
            media |= {str(name) for name in content}
    kinds = [name.partition(";")[0].strip().lower() for name in media]
    return bool(kinds) and all(name.endswith(("/json", "+json")) for name in kinds)


def _prefix(document: Mapping[str, Any]) -> str:
    servers = listed(document.get("servers"))
    server = servers[0] if servers and isinstance(servers[0], Mapping) else {}
    url = server.get("url", document.get("basePath", ""))
    if not isinstance(url, str):
        return ""
    variables = server.get("variables")
    for name, variable in variables.items() if isinstance(variables, Mapping) else ():
        if isinstance(variable, Mapping):
            url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
    try:
        path = urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""
    return path if path.startswith("/") or not path else f"/{path}"


def resolve(document: Mapping[str, Any], node: Any) -> Any:
    """Follow local references; what leads nowhere is an empty mapping."""
    for _ in range(20):
        if not isinstance(node, Mapping) or not isinstance(node.get("$ref"), str):
            return node
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            target = target.get(key, {}) if isinstance(target, Mapping) else {}
        node = target
    return {}


def listed(node: Any) -> list[Any]:
    """Return ``node`` if it is a list, else an empty one."""
    return list(node) if isinstance(node, list) else []
