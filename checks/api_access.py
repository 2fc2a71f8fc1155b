"""Who gets what from an API: strangers, readers of low privilege, other tenants, guessers (policy 7.2, 8.2).

A refusal proves something only beside the same request that is granted: each check first sees that the
thing is there for whom it is meant.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Iterator

from checks.connectors.api_contract import fields
from checks.connectors.api_queries import Asking, questions
from checks.connectors.api_reply import REFUSED, Reply
from checks.connectors.http import Api
from checks.core.errors import NotAssessed, Unreadable
from checks.core.model import Location, Measure, Observation
from checks.core.registry import Scope, check

WRONG = frozenset({400, 401, 403, 404, 422})  # how a login says that it does not know the pair
HELD = frozenset({403, 423, 429})  # how it says: not now (RFC 6585, 4 for 429)


@check(reads="api")
def strangers_get_public_only(api: Api) -> Iterator[Observation]:
    """Without credentials only what the inventory lists as public answers (ASVS 4.0.3, 4.1.1; API2:2023)."""
    api.own()
    granted = {
        f"{reply.method} {reply.path}"
        for _, reply in api.replies()
        if isinstance(reply, Reply) and reply.who == "ourselves" and reply.good
    }
    for name, reply in api.replies():
        if isinstance(reply, NotAssessed):
            if name.endswith("(nobody)") or name == f"POST {api.spec.graphql}":
                yield Observation.unseen(name, reply.reason)
            continue
        if reply.who != "nobody":
            continue
        if api.is_public(reply.path):
            yield Observation.met(name, "is public", Measure(1, "requests"), reply.location)
        elif reply.good:
            detail = f"HTTP {reply.status} without credentials, and the inventory does not list it as public"
            yield Observation.violated(name, detail, location=reply.location)
        elif f"{reply.method} {reply.path}" not in granted:
            yield Observation.unseen(name, "with credentials it does not answer either")
        elif reply.refused or 300 <= reply.status < 400:
            yield Observation.met(name, f"HTTP {reply.status}", Measure(1, "requests"), reply.location)
        else:
            yield Observation.unseen(name, f"HTTP {reply.status} is neither the thing nor a refusal")


@check(reads="api")
def reader_cannot_ask_for_hidden(
    api: Api, scope: Scope, *, categories: tuple[str, ...]
) -> Iterator[Observation]:
    """A user of low privilege reaches no never-published field by projection, filter, sort or relation.

    OWASP API3:2023 (broken object property level authorization), ASVS 4.0.3, 4.2.1 and 13.2.2. A filter
    or an order that obeys a hidden field gives its values away bit by bit, though it shows none.
    """
    probes = api.probes()
    api.own()
    columns = api.hidden_columns(scope.inventory, categories)
    hidden = {column.partition(".")[2]: column for column in columns.names.values()}
    if not probes.query and api.spec.graphql is None:
        raise NotAssessed(f"{api.target.id}: the inventory declares no way to ask (probes.query)")
    visit = api.visit("reader")
    if visit.problem is not None:
        yield Observation.unseen(f"POST {api.spec.graphql} (reader)", visit.problem.reason)
    refused: Counter[tuple[str, str]] = Counter()
    asking = Asking(api, visit, probes.query, probes.relations)
    rest = asking.results(tuple(hidden)) if probes.query else ()
    for asked in (*rest, *questions(api, visit, columns)):
        path = asked.operation.name if asked.operation else "lists"
        subject = f"{path} (reader, {asked.way})"
        if asked.problem is not None:
            yield Observation.unseen(f"{subject} {asked.field}".rstrip(), asked.problem)
        elif asked.obeyed:
            said = "obeys" if asked.way in {"filter", "sort"} else "shows"
            column = f"column {hidden.get(asked.field) or asked.column} that is never published"
            detail = f"HTTP {asked.status}: {said} {asked.field}, {column}"
            yield Observation.violated(f"{subject} {asked.field}", detail)
        else:
            refused[subject, asked.way] += 1
    for (subject, way), number in refused.items():
        detail = f"{number} hidden fields by {way}: refused or ignored"
        yield Observation.met(subject, detail, Measure(number, "requests"))


@check(reads="api")
def graphql_offers_nothing_hidden(
    api: Api, scope: Scope, *, categories: tuple[str, ...]
) -> Iterator[Observation]:
    """The GraphQL schema has no never-published field, and shows itself to nobody without credentials.

    OWASP API3:2023, ASVS 4.0.3, 13.4.2. Input fields count: a filter gives a value away bit by bit.
    """
    api.probes()
    api.own()
    hidden = api.hidden_columns(scope.inventory, categories)
    subject = f"POST {api.spec.graphql}"
    ours = api.graphql_fields(stranger=False)
    if not isinstance(ours, list) or not ours:
        raise (
            ours
            if isinstance(ours, NotAssessed)
            else Unreadable(f"{api.target.id}: {subject}: introspection as ourselves gives no schema")
        )
    types: dict[str, list[str]] = defaultdict(list)
    for field in ours:
        types[field.partition(".")[0]].append(field.partition(".")[2])
    found = [
        (f"{kind}.{match.field}", match.column)
        for kind, names in types.items()
        for match in hidden.within(names)
        if match.sure
    ]
    for field, column in found:
        yield Observation.violated(f"{subject}: {field}", f"is column {column}, which is never published")
    if not found:
        yield Observation.met(subject, "no hidden field in the schema", Measure(len(ours), "fields"))
    stranger = api.graphql_fields(stranger=True)
    if isinstance(stranger, NotAssessed):
        yield Observation.unseen(f"{subject} (nobody)", stranger.reason)
    elif isinstance(stranger, list):
        detail = f"shows a schema of {len(stranger)} fields without credentials"
        yield Observation.violated(f"{subject} (nobody)", detail)
    elif stranger.status in REFUSED or stranger.status == 400 or "errors" in _keys(stranger):
        yield Observation.met(f"{subject} (nobody)", f"HTTP {stranger.status}", Measure(1, "requests"))
    else:
        yield Observation.unseen(
            f"{subject} (nobody)", f"HTTP {stranger.status} is neither a schema nor a refusal"
        )


@check(reads="api", changes="logins")
def no_default_credentials(api: Api) -> Iterator[Observation]:
    """No user and password that a product ships with opens the login (OWASP ASVS 4.0.3, 2.5.4; CWE-1392)."""
    api.own()
    login, probes = api.login()
    if not probes.defaults:
        raise NotAssessed(f"{api.target.id}: the inventory lists no default credentials (probes.defaults)")
    good = _login_works(api)
    for number, pair in enumerate(probes.defaults, 1):
        subject = f"default pair {number} of {len(probes.defaults)}"
        where = Location(scope_path(api), pair.line)
        reply = api.sign_in(pair.user, pair.password)
        if isinstance(reply, NotAssessed):
            yield Observation.unseen(subject, reply.reason, where)
        elif reply.good and _keys(reply) >= _keys(good):
            detail = f"HTTP {reply.status} from POST {login.path}: it is let in"
            yield Observation.violated(subject, detail, location=where)
        elif reply.status in WRONG:
            yield Observation.met(subject, f"HTTP {reply.status}", Measure(1, "logins"), where)
        else:
            yield Observation.unseen(subject, f"HTTP {reply.status} does not say whether it is let in", where)


@check(reads="api", changes="logins")
def failed_logins_are_slowed(api: Api) -> Iterator[Observation]:
    """Wrong passwords, one after another, are soon refused or slowed (OWASP ASVS 4.0.3, 2.2.1; CWE-307).

    At most as many as the inventory says, never over twelve, and only on the account that it names.
    """
    api.own()
    login, _ = api.login()
    if login.account is None:
        raise NotAssessed(
            f"{api.target.id}: the inventory names no account for failed logins (probes.login.account)"
        )
    _login_works(api)
    subject = f"POST {login.path}"
    took: list[float] = []
    for number in range(1, login.tries + 1):
        started = time.monotonic()
        reply = api.sign_in(login.account, secrets.token_urlsafe(12))
        took.append(time.monotonic() - started)
        if isinstance(reply, NotAssessed):
            raise reply
        measure = Measure(number, "logins")
        if reply.good:
            raise Unreadable(f"{api.target.id}: {subject}: a wrong password was answered HTTP {reply.status}")
        if reply.status == 429 or (reply.status in HELD and number > 1):
            yield Observation.met(subject, f"refused with HTTP {reply.status} at try {number}", measure)
            return
        if reply.status not in WRONG:
            raise Unreadable(f"{api.target.id}: {subject}: HTTP {reply.status} at try {number}")
    early, late = min(took[:2]), min(took[-2:])
    if late >= 1 and late >= 2 * early:
        yield Observation.met(
            subject, f"slowed from {early:.1f} to {late:.1f} s a try", Measure(login.tries, "logins")
        )
    else:
        detail = f"{login.tries} wrong passwords in {sum(took):.1f} s, none refused or slowed"
        yield Observation.violated(subject, detail, Measure(login.tries, "logins"))


def _login_works(api: Api) -> Reply:
    """Return the reply to the login that works; raises if it does not, for then a refusal says nothing."""
    login, _ = api.login()
    good = api.sign_in(*api.credentials())
    if isinstance(good, NotAssessed):
        raise good
    if not good.good or not _keys(good):
        raise Unreadable(
            f"{api.target.id}: POST {login.path}: HTTP {good.status} for the login that should work"
        )
    return good


def _keys(reply: Reply) -> frozenset[str]:
    body = reply.json()
    return frozenset(name for name, _ in fields(body)) if isinstance(body, dict) else frozenset()


def scope_path(api: Api) -> str:
    """Return the inventory's path, as the target's own location names it."""
    return api.target.location.path if api.target.location else "inventory.yaml"
