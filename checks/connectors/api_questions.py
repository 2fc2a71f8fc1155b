"""What a GraphQL endpoint answers: each query, strangers, nonsense, odd arguments. Only queries are sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from checks.connectors.api_contract import objects
from checks.connectors.api_graphql import INTROSPECTION, Schema
from checks.connectors.api_operations import Seen
from checks.connectors.api_query import Query
from checks.connectors.api_reply import Reply, Told
from checks.connectors.api_send import Signer, nobody
from checks.core.errors import NotAssessed, Nothing, Refused, TooLarge, Unreadable
from checks.core.model import Endpoint, Target
from checks.core.model.probes import Probes

_FIRST = 2  # parts that show whether any is answered
_NONSENSE = {"policyproofNoSuchField": "{policyproofNoSuchField}", "malformed": "{"}


class Questions:
    """Mixed into the view of an API that has a GraphQL endpoint; a POST, so the probes have to allow it."""

    target: Target
    spec: Endpoint

    def __init__(self) -> None:
        self.seen = Seen()
        self._shown: Reply | NotAssessed | None = None
        self._queries: list[Query] | None = None
        self._unasked: list[str] = []

    def probes(self) -> Probes:
        """Return what this environment opted into; the view does."""
        raise NotImplementedError

    def request(
        self,
        method: str,
        path: str,
        *,
        shown: str,
        who: str = "ourselves",
        signer: Signer | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        sent: str = "",
        valid: bool = True,
        graphql: str | None = None,
    ) -> Reply | NotAssessed:
        """Send one request; the view does."""
        raise NotImplementedError

    def introspected(self, *, stranger: bool = False) -> Reply | NotAssessed:
        """Return the answer to introspection, as ourselves (asked once) or without credentials.

        Raises ``Nothing`` if the inventory names no endpoint, ``Refused`` if nobody opted in to probes.
        """
        self.probes()
        path = self.spec.graphql
        if path is None:
            raise Nothing(f"{self.target.id}: the inventory names no GraphQL endpoint (graphql)")
        body = {"query": INTROSPECTION}
        if stranger:
            return self.request("POST", path, shown=path, who="nobody", signer=nobody, body=body)
        if self._shown is None:
            self._shown = self.request("POST", path, shown=path, body=body)
        return self._shown

    def queries(self) -> list[Query]:
        """Return a query for each field of the query type; raises ``NotAssessed`` if no schema is shown."""
        if self._queries is None:
            reply = self.introspected()
            if isinstance(reply, NotAssessed):
                raise reply.with_traceback(None)
            what = f"{self.target.id}: POST {self.spec.graphql}"
            if reply.status in {401, 403}:
                raise Refused(f"{what}: HTTP {reply.status}")
            try:
                schema = Schema(reply.json())
                self._queries = schema.queries(self.spec.graphql or "")
            except (TypeError, KeyError, AttributeError, ValueError, RecursionError):
                raise Unreadable(
                    f"{what}: introspection as ourselves gives no schema that can be asked from"
                ) from None
            self._unasked = schema.unasked
        if not self._queries:
            raise Nothing(f"{self.target.id}: POST {self.spec.graphql}: the schema has no query")
        return self._queries

    def ask_query(
        self,
        query: Query,
        *,
        seen: Seen,
        who: str = "ourselves",
        signer: Signer | None = None,
        headers: Mapping[str, str] | None = None,
        more: str = "",
        given: Mapping[str, str] | None = None,
    ) -> list[Reply | NotAssessed]:
        """Return the replies to ``query``: one if it is answered as a whole, else those to its parts.

        A server that may not show one field often answers nothing at all; so the parts are asked for by
        themselves, unless the first few are refused as well.
        """
        try:
            variables = query.variables(seen, self.target.id, given)
        except NotAssessed as error:
            return [error]

        def ask(selection: str) -> bool:
            reply = self.select(
                query, selection, variables, who=who, signer=signer, headers=headers, more=more
            )
            found.append(reply)
            if not isinstance(reply, Reply) or not reply.good:
                return False
            for item in objects(reply.content()):
                seen.learn_kind(item)
            return True

        found: list[Reply | NotAssessed] = []
        if ask(query.full) or not query.parts or isinstance(found[0], NotAssessed):
            return found
        rest = list(query.parts)
        if query.plain != query.full and ask(query.plain):
            rest = [part for part in rest if part.count("{") > 1]
        elif not any(ask(rest.pop(0)) for _ in rest[:_FIRST]):
            return found
        for part in rest:
            ask(part)
        return found

    def select(
        self,
        query: Query,
        selection: str,
        variables: Mapping[str, Any],
        *,
        who: str = "ourselves",
        signer: Signer | None = None,
        headers: Mapping[str, str] | None = None,
        more: str = "",
    ) -> Reply | NotAssessed:
        """Return the reply to one ``selection`` of ``query``; ``more`` is added to the address."""
        values = [value if isinstance(value, str) else json.dumps(value) for value in variables.values()]
        return self.request(
            "POST",
            f"{self.spec.graphql}?{more}" if more else self.spec.graphql or "",
            shown=query.path,
            who=who,
            signer=signer,
            body=query.request(selection, variables),
            headers=headers,
            sent=" ".join([*values, *(headers or {}).values(), more]).strip(),
            valid=False,
            graphql=query.root,
        )

    def questions(self, odd: int) -> Iterator[Told]:
        """Yield every reply of the endpoint: as ourselves, as nobody, to nonsense, to ``odd`` odd arguments.

        What cannot be asked for, or answers us with nothing, is yielded as a ``NotAssessed``.
        """
        path = f"POST {self.spec.graphql}"
        try:
            queries = self.queries()
        except NotAssessed as error:
            yield path, error
            return
        for query in queries:
            found = self.ask_query(query, seen=self.seen)
            for reply in found:
                yield query.name, reply
            if all(isinstance(reply, Reply) and not reply.good for reply in found):
                yield query.name, Nothing(f"{self.target.id}: {query.name}: answers us with no data")
        if self._unasked:
            some = ", ".join(self._unasked[:3])
            why = f"{len(self._unasked)} fields cannot be asked for within bounds: {some}"
            yield f"{path} (not asked for)", TooLarge(f"{self.target.id}: {path}: {why}")
        for query in queries:
            yield from self._as_nobody(query)
        for name, text in _NONSENSE.items():
            shown = f"{self.spec.graphql}{{{name}}}"
            body = {"query": text}
            yield (
                f"POST {shown}",
                self.request(
                    "POST", self.spec.graphql or "", shown=shown, body=body, valid=False, graphql=name
                ),
            )
        for query in queries:
            for number in range(odd):
                variables = query.odd(self.seen, number)
                if variables is not None:
                    reply = self.select(query, query.full, variables, who="generated")
                    yield f"{query.name} (generated)", reply

    def _as_nobody(self, query: Query) -> Iterator[Told]:
        name = f"{query.name} (nobody)"
        try:
            variables = query.variables(self.seen, self.target.id)
        except NotAssessed as error:
            yield name, error
            return
        for selection in (query.full, *query.parts[:_FIRST]):
            reply = self.select(query, selection, variables, who="nobody", signer=nobody)
            yield name, reply
            if isinstance(reply, NotAssessed) or reply.good:
                return
