"""Asking an API for a field in every way it offers, and telling from its answers whether it obeyed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from checks.connectors.api_access import ApiAccess, Visit
from checks.connectors.api_contract import fields, objects
from checks.connectors.api_hidden import Hidden
from checks.connectors.api_operations import Operation
from checks.connectors.api_query import Query
from checks.connectors.api_reply import Reply
from checks.core.errors import NotAssessed

WAYS = ("projection", "filter", "sort", "relation")
NO_VALUE = "policyproof-no-such-value"
_TRIED = 4  # fields that may be asked for, tried until one shows that the API obeys


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking ``operation`` for ``field`` in one way; ``problem`` says why nothing did."""

    way: str
    operation: Operation | Query | None
    field: str
    obeyed: bool = False
    status: int = 0
    problem: str | None = None
    column: str = ""  # the column that the field is, where its name alone does not say it


class Asking:
    """The lists that one visitor gets, asked again with queries of the templates in ``query``."""

    def __init__(
        self, api: ApiAccess, visit: Visit, query: Mapping[str, str], relations: tuple[str, ...]
    ) -> None:
        self._api = api
        self._visit = visit
        self._query = query
        self._relations = relations
        self._lists: list[tuple[Operation, Any]] = []

    def results(self, hidden: tuple[str, ...]) -> Iterator[Asked]:
        """Yield what comes of asking each list for each ``hidden`` field in each way that is declared.

        A way that works on no list with a field that may be had yields one ``problem`` instead: to be
        ignored there says nothing about hidden fields.
        """
        yield from self._find_lists()
        if not self._lists:
            yield Asked("list", None, "", problem=f"{self._visit.who} gets no list with two things in it")
            return
        for way in WAYS:
            if way not in self._query:
                continue
            obeying = [operation for operation, plain in self._lists if self._works(way, operation, plain)]
            if not obeying:
                yield Asked(way, None, "", problem=f"query.{way} of the inventory does nothing on any list")
                continue
            for operation, plain in self._lists:
                if operation in obeying or way in {"projection", "relation"}:
                    for field in hidden:
                        yield self._try(way, operation, plain, field)

    def _find_lists(self) -> Iterator[Asked]:
        for operation, first in self._visit.replies:
            if isinstance(first, NotAssessed) or not first.good or not isinstance(operation, Operation):
                continue
            if len(_items(first.json())) < 2:
                continue
            again = self._ask(operation, "")
            if isinstance(again, Reply) and again.json() == first.json():
                self._lists.append((operation, first.json()))
            else:
                yield Asked("list", operation, "", problem="answers differently when it is asked again")

    def _ask(self, operation: Operation, query: str) -> Reply | NotAssessed:
        visit = self._visit
        return self._api.ask(operation, seen=visit.seen, who=visit.who, signer=visit.signer, query=query)

    def _works(self, way: str, operation: Operation, plain: Any) -> bool:
        """Whether the list obeys the query with a field that it shows anyway."""
        item = _items(plain)[0]
        if way == "relation":
            replies = [self._ask(operation, self._text(way, "id", name)) for name in self._relations]
            return any(
                isinstance(reply, Reply) and reply.good and name in _names(reply.json())
                for name, reply in zip(self._relations, replies, strict=True)
            )
        shown = [name for name, value in item.items() if isinstance(value, str | int)]
        for field in shown[:_TRIED]:
            if way == "projection":
                reply = self._ask(operation, self._text(way, field))
                names = _names(reply.json()) if isinstance(reply, Reply) and reply.good else set()
                if field in names and names < _names(plain):
                    return True
            elif self._try(way, operation, plain, field, shown=True).obeyed:
                return True
        return False

    def _try(self, way: str, operation: Operation, plain: Any, field: str, *, shown: bool = False) -> Asked:
        """Ask once, or twice to turn the order; a field that is ``shown`` anyway says nothing."""
        if way == "relation":
            queries = [self._text(way, field, name) for name in self._relations]
        elif way == "sort":
            queries = [self._text(way, field), self._text(way, f"-{field}")]
        else:
            queries = [self._text(way, field)]
        status = 0
        for query in queries:
            reply = self._ask(operation, query)
            if isinstance(reply, NotAssessed):
                return Asked(way, operation, field, problem=reply.reason)
            status = reply.status
            if status >= 500 or 300 <= status < 400 or status == 429:
                return Asked(way, operation, field, status=status, problem=f"HTTP {status}")
            if not reply.good:
                continue
            body = reply.json()
            shows = not shown and any(name == field and value is not None for name, value in fields(body))
            if shows or (way in {"filter", "sort"} and body != plain):
                return Asked(way, operation, field, obeyed=True, status=status)
        return Asked(way, operation, field, status=status)

    def _text(self, way: str, field: str, relation: str = "") -> str:
        text = self._query[way].replace("{field}", quote(field, safe="-"))
        return text.replace("{relation}", quote(relation)).replace("{value}", NO_VALUE)


def questions(api: ApiAccess, visit: Visit, hidden: Hidden) -> Iterator[Asked]:
    """Yield what comes of a visitor's GraphQL queries: hidden columns in the answers, and asked for by name.

    Asked for in both spellings, also where the schema that we were shown has no such field.
    """
    named: set[str] = set()
    for query, whole in visit.replies:
        if not isinstance(query, Query):
            continue
        if isinstance(whole, NotAssessed):
            yield Asked("query", query, "", problem=whole.reason)
            continue
        if not whole.good and not whole.refused:
            yield Asked("query", query, "", status=whole.status, problem=f"HTTP {whole.status}")
            continue
        shown = _shown(whole, hidden)
        for name, column in shown:
            yield Asked("query", query, name, obeyed=True, status=whole.status, column=column)
        if not shown:
            yield Asked("query", query, "", status=whole.status)
        if not whole.good or query.kind in named:
            continue  # one query of each type is enough to ask for names
        named.add(query.kind)
        for name, column in hidden.names.items():
            yield from _named(api, visit, query, column.partition(".")[2], name, hidden)


def _named(
    api: ApiAccess, visit: Visit, query: Query, name: str, plain: str, hidden: Hidden
) -> Iterator[Asked]:
    first, *more = name.split("_")
    for spelling in dict.fromkeys((name, first + "".join(part.capitalize() for part in more))):
        for selection in query.asking(spelling):
            variables = query.variables(visit.seen, api.target.id)
            reply = api.select(query, selection, variables, who=visit.who, signer=visit.signer)
            if isinstance(reply, NotAssessed):
                yield Asked("query", query, spelling, problem=reply.reason)
                return
            for match in _shown(reply, hidden):
                yield Asked("query", query, match[0], obeyed=True, status=reply.status, column=match[1])
                return
    yield Asked("query", query, plain, status=0)


def _shown(reply: Reply, hidden: Hidden) -> list[tuple[str, str]]:
    """Return (field, column) of each hidden column that an answer holds a value of."""
    found = {
        (match.field, match.column): None
        for one in objects(reply.content())
        for match in hidden.within([name for name, value in one.items() if value is not None])
        if match.sure
    }
    return list(found)


def _items(body: Any) -> list[Mapping[str, Any]]:
    """Return the things of a list answer, bare or in an envelope such as ``data``."""
    if isinstance(body, dict):
        lists = [value for value in body.values() if isinstance(value, list)]
        body = lists[0] if len(lists) == 1 else []
    return [item for item in body if isinstance(item, dict)] if isinstance(body, list) else []


def _names(body: Any) -> set[str]:
    return {name for name, _ in fields(body)}
