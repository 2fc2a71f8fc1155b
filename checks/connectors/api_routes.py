"""Enfyra's own list of routes, read as if it were an OpenAPI document without schemas.

An Enfyra server keeps its routes in a table that its API serves like any other: ``enfyra_route``, and
``route_definition`` in older versions (github.com/enfyra/server, github.com/enfyra/documents). A row has
a ``path`` with ``:name`` for a parameter, ``isEnabled``, and its methods: one ``methodConfigs`` row for
each (``available``, ``method.name``), in older versions ``availableMethods`` (``name``, older ``method``).
A list holds ten rows unless ``limit=0`` asks for all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from checks.connectors.api_send import Sender
from checks.core.errors import Nothing, Refused, Unreadable

_OLD = {"fields": "path,isEnabled,availableMethods.*", "limit": "0", "meta": "totalCount"}
_NEW = {
    "fields": "path,isEnabled,methodConfigs.available,methodConfigs.method.name",
    "limit": "0",
    "meta": "totalCount",
    "deep": '{"methodConfigs":{"limit":0}}',
}
_TRIED = (("/enfyra_route", _NEW), ("/enfyra_route", _OLD), ("/route_definition", _OLD))
_OTHER_VERSION = frozenset({400, 404, 422, 500})  # how a version answers for what it does not have
_PAGE = 10  # rows of a list that was not asked for more


def enfyra_document(owner: str, fetcher: Sender) -> Mapping[str, Any]:
    """Return a document of the enabled routes that take GET; what else they take is not read.

    Raises ``Refused`` if the list is not shown to us, ``Nothing`` if no route takes GET, ``Unreadable``
    for what is no such list, or only a part of it.
    """
    problem = ""
    for path, query in _TRIED:
        what = f"{owner}: GET {path}"
        answer = fetcher.send("GET", f"{path}?{urlencode(query)}", shown=f"GET {path}")
        if answer.status in {401, 403}:
            raise Refused(f"{what}: HTTP {answer.status}")
        if answer.status in _OTHER_VERSION:
            problem = problem or f"{what}: HTTP {answer.status}"
            continue
        if not 200 <= answer.status < 300:
            raise Unreadable(f"{what}: HTTP {answer.status}")
        rows = _rows(what, answer.text)
        if rows and all(_methods(row) is None for row in rows):
            problem = f"{what}: no route says which methods it takes"
            continue
        return _document(what, rows)
    raise Unreadable(problem)


def _rows(what: str, text: str) -> list[Mapping[str, Any]]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable(f"{what}: the list of routes is not valid JSON") from None
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unreadable(f"{what}: not a list of Enfyra's routes")
    meta = body.get("meta")
    total = meta.get("totalCount") if isinstance(meta, dict) else None
    if isinstance(total, int) and len(rows) < total:
        raise Unreadable(f"{what}: shows {len(rows)} of {total} routes")
    if total is None and len(rows) == _PAGE:
        raise Unreadable(f"{what}: shows {_PAGE} routes and not how many there are")
    return rows


def _document(what: str, rows: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    paths: dict[str, Any] = {}
    for row in rows:
        path, methods = row.get("path"), _methods(row)
        if row.get("isEnabled", True) in (False, None, 0):
            continue
        if not isinstance(path, str) or not path.startswith("/") or methods is None:
            raise Unreadable(f"{what}: a route without a path, or that does not say which methods it takes")
        if "GET" in methods:
            shown = re.sub(r":(\w+)\??", r"{\1}", path).replace("*", "{rest}")
            paths[shown] = {"get": _operation(shown)}
    if not paths:
        raise Nothing(f"{what}: no enabled route takes GET")
    return {"openapi": "3.0.3", "info": {"title": "Routes of Enfyra", "version": "1"}, "paths": paths}


def _operation(path: str) -> Mapping[str, Any]:
    names = dict.fromkeys(re.findall(r"\{(\w+)\}", path))
    return {
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
        ],
        "responses": {"200": {"description": "Not documented by the list of routes"}},
    }


def _methods(row: Mapping[str, Any]) -> set[str] | None:
    """Return the methods a route takes, in capitals, or ``None`` if it does not say."""
    configured = row.get("methodConfigs")
    if isinstance(configured, list):
        taken = [one for one in configured if isinstance(one, dict) and one.get("available") in (True, 1)]
        return {_name(one.get("method")) for one in taken}
    plain = row.get("availableMethods")
    if isinstance(plain, list):
        return {_name(one) for one in plain}
    return None


def _name(method: Any) -> str:
    if isinstance(method, dict):
        method = method.get("name", method.get("method", ""))
    return method.upper() if isinstance(method, str) else ""
