"""Two test tenants of an API, each trying to read what the other has (policy 7.2, 8.2; GDPR 28(3)(a), 32).

Each thing is first seen as its owner sees it; then the other asks for it, as an attacker would: by its
identifier, and by naming the owner wherever the inventory says that the API takes a tenant's identifier.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from checks.connectors.api_access import Visit
from checks.connectors.api_query import Query
from checks.connectors.api_reply import Reply
from checks.connectors.http import Api
from checks.core.errors import NotAssessed
from checks.core.model import Measure, Observation
from checks.core.model.probes import Reach
from checks.core.registry import check

_SHARED_KEYS = ("id", "uuid", "slug", "key", "number", "email")
_SENT_BACK = frozenset({400, 421, 422})  # how a request that names a foreign tenant is turned down


@check(reads="api")
def tenants_are_apart(api: Api) -> Iterator[Observation]:
    """Neither test tenant's credentials read the other's things (OWASP API1:2023, ASVS 4.0.3, 4.2.1)."""
    probes = api.probes()
    api.own()
    if len(probes.tenants) != 2:
        raise NotAssessed(f"{api.target.id}: the inventory declares no two test tenants (probes.tenants)")
    first, second = (api.visit(f"tenant {name}") for name in probes.tenants)
    if first.problem is not None:
        yield Observation.unseen(f"POST {api.spec.graphql}", first.problem.reason)
    yield from _apart(api, first, second, probes.shared)
    yield from _apart(api, second, first, probes.shared)


def _apart(api: Api, asks: Visit, owns: Visit, shared: tuple[str, ...]) -> Iterator[Observation]:
    """Yield what ``asks`` sees of what ``owns`` has."""
    mine = {operation.path: reply for operation, reply in asks.replies}
    ways = list(_ways(api.reach(), asks, owns))
    for operation, theirs in owns.replies:
        if any(fnmatch.fnmatchcase(operation.path, pattern) for pattern in (*shared, *api.spec.public)):
            continue
        subject = f"{operation.name} ({asks.who}, of {owns.who})"
        if isinstance(theirs, NotAssessed):
            yield Observation.unseen(subject, theirs.reason)
            continue
        things = _things(theirs)
        if not theirs.good or not things:
            yield Observation.unseen(subject, f"HTTP {theirs.status}: {owns.who} has nothing there itself")
            continue
        plain = mine[operation.path]
        own = _things(plain) if isinstance(plain, Reply) and plain.good else set()
        takes = [p for p in operation.parameters if p.place in {"path", "argument"}]
        named = isinstance(operation, Query) and operation.takes(owns.given)
        if named or any(p.value is None or p.name in owns.given for p in takes):
            plain = asks.ask(api, operation, of=owns)
        yield _judged(subject, plain, things)
        for way, more in ways:
            if not things - own:
                yield Observation.unseen(f"{subject[:-1]}, by {way})", "both tenants have the same there")
            else:
                reply = asks.ask(api, operation, of=owns, **more)
                yield _judged(f"{subject[:-1]}, by {way})", reply, things - own, sent_back=_SENT_BACK)


def _ways(reach: Reach | None, asks: Visit, owns: Visit) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each way to name the owner beside its things' identifiers: one header or query at a time."""
    if reach is None:
        return
    for name, value in owns.named(reach.headers).items():
        yield f"header {name}", {"headers": {**asks.headers, name: value}}
    for template in reach.query:
        name = template.partition("=")[0]
        yield f"query {name}", {"query": template.replace("{tenant}", quote(owns.tenant, safe=""))}


def _judged(
    subject: str, reply: Reply | NotAssessed, things: set[str], *, sent_back: frozenset[int] = frozenset()
) -> Observation:
    """Return what an answer to the other tenant says: whether any of the owner's ``things`` is in it."""
    if isinstance(reply, NotAssessed):
        return Observation.unseen(subject, reply.reason)
    both = len(things & _things(reply)) if reply.good else 0
    if both:
        detail = f"HTTP {reply.status}: {both} of {len(things)} things of the other tenant are in the answer"
        return Observation.violated(subject, detail, location=reply.location)
    led_away = bool(sent_back) and 300 <= reply.status < 400
    if reply.good or reply.refused or reply.status in sent_back or led_away:
        detail = f"HTTP {reply.status}, none of the other's {len(things)} things"
        return Observation.met(subject, detail, Measure(1, "requests"), reply.location)
    return Observation.unseen(subject, f"HTTP {reply.status} is neither an answer nor a refusal")


def _things(reply: Reply) -> set[str]:
    """Return what marks each thing in an answer: its identifiers, else the whole of it."""
    body = reply.content()
    items: list[Any] = body if isinstance(body, list) else [body]
    if isinstance(body, dict):
        lists = [value for value in body.values() if isinstance(value, list)]
        items = lists[0] if len(lists) == 1 and not any(k in body for k in _SHARED_KEYS) else [body]
    found: set[str] = set()
    for item in items:
        if isinstance(item, dict) and item:
            marks = {f"{key}={item[key]}" for key in _SHARED_KEYS if isinstance(item.get(key), str | int)}
            found |= marks or {json.dumps(item, sort_keys=True)}
    return found
