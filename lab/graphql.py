"""The lab's GraphQL endpoint: a schema of one type, and as much of the language as queries of it need."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

_TOKENS = re.compile(r"\.\.\.|[\w$]+|[{}():,!\[\]=]|\"[^\"]*\"|[^\s]")


def schema(fields: Sequence[str]) -> Mapping[str, Any]:
    """Return the answer to introspection, where a project has these ``fields``."""

    def scalar(name: str) -> dict[str, Any]:
        return {"kind": "SCALAR", "name": name, "ofType": None}

    def needed(inner: Mapping[str, Any]) -> dict[str, Any]:
        return {"kind": "NON_NULL", "name": None, "ofType": inner}

    project = {"kind": "OBJECT", "name": "Project", "ofType": None}
    listed = {"kind": "LIST", "name": None, "ofType": needed(project)}
    key = {"name": "id", "defaultValue": None, "type": needed(scalar("ID"))}
    query = [
        {"name": "projects", "args": [], "type": needed(listed)},
        {"name": "project", "args": [key], "type": project},
    ]
    shown = [{"name": name, "args": [], "type": scalar("String")} for name in fields]
    types = [
        {"kind": "OBJECT", "name": "Query", "fields": query, "inputFields": None},
        {"kind": "OBJECT", "name": "Project", "fields": shown, "inputFields": None},
        {"kind": "SCALAR", "name": "ID", "fields": None, "inputFields": None},
        {"kind": "SCALAR", "name": "String", "fields": None, "inputFields": None},
    ]
    return {"data": {"__schema": {"queryType": {"name": "Query"}, "types": types}}}


def answer(
    body: Mapping[str, Any], fields: Sequence[str], roots: Mapping[str, Callable[[str | None], Any]]
) -> Mapping[str, Any]:
    """Return the answer to a query of ``roots``: what each finds for an id. Only ``fields`` exist."""
    tokens = iter(_TOKENS.findall(str(body.get("query", ""))))
    try:
        if (first := next(tokens)) == "query":
            while (first := next(tokens)) != "{":
                pass
        if first != "{":
            raise ValueError("syntax error")
        root = next(tokens)
        if root not in roots:
            raise ValueError("no such field")
        wanted = list(_selection(tokens))
    except StopIteration:
        return _error("syntax error")
    except ValueError as error:
        return _error(str(error))
    if not wanted or any(name not in {*fields, "__typename"} for name in wanted):
        return _error("no such field")
    given = (body.get("variables") or {}).get("id")
    found = roots[root](None if given is None else str(given))

    def shown(item: Mapping[str, Any]) -> dict[str, Any]:
        return {name: "Project" if name == "__typename" else item.get(name) for name in wanted}

    if isinstance(found, list):
        return {"data": {root: [shown(item) for item in found]}}
    return {"data": {root: None if found is None else shown(found)}}


def _selection(tokens: Iterator[str]) -> Iterator[str]:
    """Yield the names selected below a root; its arguments are given as variables, and passed over."""
    while next(tokens) != "{":
        pass
    while (name := next(tokens)) != "}":
        yield name


def _error(message: str) -> Mapping[str, Any]:
    return {"errors": [{"message": message}]}
