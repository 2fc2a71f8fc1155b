"""Requests made up from an OpenAPI document by schemathesis: the same ones every time, and no more."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from checks.core.errors import MissingDriver, Unreadable

_LONGEST = 2000  # characters of a query that are sent
_OURS = frozenset({"authorization", "cookie", "host", "content-length", "transfer-encoding", "connection"})


@dataclass(frozen=True, slots=True)
class Case:
    """One request: ``path`` as sent, ``shown`` as documented, ``sent`` all that an answer may echo."""

    method: str
    shown: str
    path: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)
    sent: str = field(repr=False)


def cases(owner: str, document: Mapping[str, Any], methods: tuple[str, ...], count: int) -> Iterator[Case]:
    """Yield at most ``count`` requests for each documented operation of ``methods``.

    Raises ``MissingDriver`` without schemathesis, ``Unreadable`` for a document it cannot use.
    """
    try:
        found = _made(json.dumps(document, default=str), methods, count)
    except ImportError:
        raise MissingDriver(
            f"{owner}: generated requests need schemathesis: pip install 'policyproof[api]',"
            " or set probes.generated to 0 in the inventory"
        ) from None
    if found is None:
        raise Unreadable(f"{owner}: no request can be made up from the OpenAPI document")
    yield from found


@lru_cache(maxsize=4)
def _made(document: str, methods: tuple[str, ...], count: int) -> tuple[Case, ...] | None:
    import schemathesis
    from hypothesis.errors import HypothesisException
    from schemathesis.core.result import Err

    made: list[Case] = []
    try:
        for result in schemathesis.openapi.from_dict(json.loads(document)).get_all_operations():
            if isinstance(result, Err):
                return None
            operation = result.ok()
            if operation.method.upper() in methods:
                _gather(operation, count, made)
    except (schemathesis.errors.SchemathesisError, HypothesisException, ValueError, TypeError, KeyError):
        return None
    return tuple(made)


def _gather(operation: Any, count: int, made: list[Case]) -> None:
    """Add ``count`` cases of ``operation`` to ``made``, fewer where there are no more."""
    from hypothesis import HealthCheck, Phase, given, settings

    @settings(
        max_examples=count,
        database=None,  # nothing is written to the working folder
        derandomize=True,  # two runs can be compared
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def run(case: Any) -> None:
        made.append(_case(case, operation.method.upper(), operation.path))

    run()


def _case(case: Any, method: str, shown: str) -> Case:
    parameters = {str(name): str(value) for name, value in (case.path_parameters or {}).items()}
    path = shown
    for name, value in parameters.items():
        path = path.replace(f"{{{name}}}", quote(value, safe="") or "-")
    query = urlencode({str(k): v for k, v in (case.query or {}).items()}, doseq=True)[:_LONGEST]
    headers = {
        str(name): text
        for name, value in (case.headers or {}).items()
        if (text := _header(value)) is not None and str(name).lower() not in _OURS
    }
    body = case.body if isinstance(case.body, dict | list | str | int | float) else None
    sent = " ".join([*parameters.values(), query, *headers.values(), json.dumps(body, default=str)])
    return Case(method, shown, path + (f"?{query}" if query else ""), headers, body, sent)


def _header(value: object) -> str | None:
    """Return a value that a header can carry (RFC 9110, 5.5), or ``None``."""
    text = str(value).strip()
    return text if text.isascii() and text.isprintable() else None
