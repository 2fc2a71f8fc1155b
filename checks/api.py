"""What an API's answers must not hold, whatever their status (policy 2.1, 2.4, 8.1, 8.2; GDPR 25, 32).

Every check reads the same answers, fetched once: each documented GET signed as ourselves and as nobody,
a path that does not exist and, where the environment opted in, requests made up from the document.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping

from checks.connectors.api_contract import documented_fields, faults, fields, objects, schema_of
from checks.connectors.api_reply import Reply
from checks.connectors.http import Api
from checks.core.errors import NotAssessed
from checks.core.model import Inventory, Measure, Observation
from checks.core.registry import Scope, check
from checks.detectors.cards import find_cards
from checks.detectors.internals import find_internals
from checks.detectors.personal import find_personal
from checks.detectors.secrets import find_secrets, is_secret_field, plain_name


@check(reads="api")
def no_card_numbers_answered(api: Api) -> Iterator[Observation]:
    """No answer of any status holds a full card number (PCI DSS 4.0.1, 3.4.1)."""

    def look(reply: Reply) -> Iterator[str]:
        hits = Counter((hit.network, hit.masked) for hit in find_cards(reply.text))
        for (network, masked), number in hits.items():
            yield f"{network} number {masked} ({number} times)"

    yield from _each(api, look)


@check(reads="api")
def no_secrets_answered(api: Api) -> Iterator[Observation]:
    """No answer holds a password hash, private key or token (OWASP ASVS 4.0.3, 8.3.1; API3:2023)."""

    def look(reply: Reply) -> Iterator[str]:
        for form, number in find_secrets(_without(reply.text, reply.sent)).items():
            yield f"{form} ({number} times)"
        named = Counter(name for name, value in fields(reply.json()) if is_secret_field(name, value))
        for name, number in named.items():
            yield f"field {name} holds a secret by its name ({number} times)"

    yield from _each(api, look)


@check(reads="api")
def no_hidden_fields_answered(
    api: Api, scope: Scope, *, categories: tuple[str, ...]
) -> Iterator[Observation]:
    """No answer has a field whose column is never published: of ``categories`` or marked so (GDPR 25(2)).

    Fields are matched with columns by name in any spelling: ``passwordHash`` is ``password_hash``.
    """
    hidden = api.hidden_columns(scope.inventory, categories)

    def look(reply: Reply) -> Iterator[str]:
        found = Counter(
            match
            for one in objects(reply.json())
            for match in hidden.within([name for name, value in one.items() if value is not None])
        )
        for match, number in found.items():
            if match.sure:
                column = f"column {match.column}, which is never published"
                yield f"field {match.field} is {column} ({number} times)"
        doubtful = next((match for match in found if not match.sure), None)
        if doubtful is not None and not any(match.sure for match in found):
            raise NotAssessed(
                f"{reply.name}: field {doubtful.field} may be column {doubtful.column}, which is never"
                " published, or that of another table"
            )

    yield from _each(api, look)


@check(reads="api")
def no_internals_answered(api: Api) -> Iterator[Observation]:
    """No answer shows a stack trace, a database's message or SQL (OWASP ASVS 4.0.3, 7.4.1; CWE-209)."""

    def look(reply: Reply) -> Iterator[str]:
        found = find_internals(_without(reply.text, reply.sent), error=reply.status >= 400)
        told = find_internals(_without(reply.error, reply.sent), error=True)
        yield from dict.fromkeys([*found, *told])

    yield from _each(api, look)


@check(reads="api")
def errors_name_nobody(api: Api, scope: Scope) -> Iterator[Observation]:
    """No error carries anything personal but what was sent (OWASP ASVS 4.0.3, 7.4.1; GDPR 5(1)(c))."""
    errors = 0

    def look(reply: Reply) -> Iterator[str]:
        nonlocal errors
        if reply.error:
            errors += 1
            yield from find_personal(reply.error, scope.inventory.own_hosts, reply.sent)

    yield from _each(api, look)
    if not errors:
        yield Observation.unseen("errors", "no request met with an error, so none was read")


@check(reads="api")
def bodies_as_documented(api: Api, scope: Scope) -> Iterator[Observation]:
    """Each good answer is as documented; no personal field is undocumented (GDPR 5(1)(a), 25(2))."""
    document = api.document()
    personal = _personal_columns(scope.inventory)

    def look(reply: Reply) -> Iterator[str]:
        body = reply.json()
        if not reply.good or body is None:
            return
        schema = schema_of(document, reply)
        if schema is None:
            raise NotAssessed(f"{reply.name}: HTTP {reply.status} has no documented schema")
        known = documented_fields(schema)
        for name, value in fields(body):
            if known is not None and name in known:
                continue
            said = personal.get(plain_name(name)) or next(iter(find_personal(str(value)[:2000])), None)
            if said is not None and not isinstance(value, dict | list):
                yield f"field {name} is personal ({said}) and not documented"
        for place, fault in faults(schema, body):
            if not place:
                raise NotAssessed(f"{reply.name}: {fault}")
            if not (reply.who == "generated" and fault.startswith("lacks ")):  # it may ask for less
                yield f"{place} {fault}"

    yield from _each(api, look, graphql=False)  # a GraphQL answer holds what was asked for by its schema


def _personal_columns(inventory: Inventory) -> Mapping[str, str]:
    """Return plain name → data category of each column name that is personal wherever it is declared."""
    named: dict[str, set[str]] = defaultdict(set)
    for store in inventory.stores.values():
        for dataset in store.datasets.values():
            for column, category in dataset.columns.items():
                named[plain_name(column)].add(category)
    return {
        name: sorted(categories)[0]
        for name, categories in named.items()
        if all(category.startswith("user.") for category in categories)
    }


def _without(text: str, sent: str) -> str:
    """Return ``text`` without what is only an echo of the request."""
    return text.replace(sent, "") if len(sent) > 3 else text


def _each(api: Api, look: Callable[[Reply], Iterator[str]], *, graphql: bool = True) -> Iterator[Observation]:
    """Yield what ``look`` finds in each reply, of GraphQL too; a reply without a finding counts as read."""
    read: dict[str, list[Reply]] = {}
    told: set[tuple[str, str]] = set()
    for name, reply in api.replies():
        if not graphql and name.startswith(f"POST {api.spec.graphql}"):
            continue
        if isinstance(reply, NotAssessed):
            yield Observation.unseen(name, reply.reason)
            continue
        try:
            found = list(dict.fromkeys(look(reply)))
        except NotAssessed as error:
            yield Observation.unseen(name, error.reason)
            continue
        for said in found:
            if (name, said) not in told:  # generated requests meet the same again and again
                told.add((name, said))
                yield Observation.violated(name, f"HTTP {reply.status}: {said}", location=reply.location)
        if found:
            continue
        if reply.valid and not reply.good:
            yield Observation.unseen(name, f"HTTP {reply.status}: what it answers was not seen")
        elif reply.good and not reply.size and reply.method == "GET":
            yield Observation.unseen(name, f"HTTP {reply.status}: the answer is empty")
        else:
            read.setdefault(name, []).append(reply)
    for name, replies in read.items():
        statuses = ", ".join(str(status) for status in sorted({reply.status for reply in replies}))
        size = sum(reply.size for reply in replies)
        yield Observation.met(name, f"HTTP {statuses} read", Measure(len(replies), "responses", size=size))
