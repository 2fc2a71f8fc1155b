"""What an API answers, whatever the status: the documented GETs, strangers, nonsense, generated requests."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Iterator, Mapping
from typing import Any

from checks.connectors.api_operations import Operation, Seen, operations
from checks.connectors.api_query import Query
from checks.connectors.api_questions import Questions
from checks.connectors.api_reply import Reply, Told, made_reply
from checks.connectors.api_send import Sender, Signer, nobody, renamed
from checks.core.errors import NotAssessed, Nothing, Refused, TimedOut, TooLarge, Unreachable
from checks.core.model import Endpoint, Target
from checks.core.model.probes import Probes

KEPT = 64 * 1024 * 1024
"""Bytes of answers that are kept in memory; what comes after them is not looked at, and said so."""
GIVE_UP = 3  # failures to connect in a row, after which the rest is not tried
MISSING = "/policyproof-no-such-path"


class Replies(Questions):
    """Mixed into the view of an API: requests of any kind, counted, each made once a run."""

    target: Target
    spec: Endpoint
    _fetcher: Sender

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0
        self._told: list[Told] | None = None
        self._broke: NotAssessed | None = None
        self._own: list[Told] | None = None
        self._listed: list[Operation] | None = None
        self._lost = 0

    def document(self) -> Mapping[str, Any]:
        """Return the OpenAPI document; the view does."""
        raise NotImplementedError

    def probes(self) -> Probes:
        """Return what this environment opted into; raises ``Refused`` if it opted into nothing."""
        probes = self.spec.probes
        if probes is None or not probes.allowed:
            raise Refused(
                f"{self.target.id}: this environment has not opted in to probes"
                f" (inventory: endpoints.{self.target.id}.probes.environments)"
            )
        return probes

    def listed(self) -> list[Operation]:
        """Return the documented GET operations, lists before what stands under them.

        None for an API of which the inventory names a GraphQL endpoint and nothing else.
        """
        sources = (self.spec.document, self.spec.document_file, self.spec.routes)
        if self.spec.graphql is not None and not any(sources):
            return []
        if self._listed is None:
            found = operations(self.document(), self._fetcher.base.path, self.spec.examples)
            if not found:
                raise Nothing(f"{self.target.id}: the OpenAPI document lists no GET operation")
            self._listed = found
        return self._listed

    def own(self) -> list[Told]:
        """Return each documented GET, signed as ourselves, with its reply or why there is none.

        Raises if the API answers none of them with what was asked for: nothing else means anything then.
        """
        if not self.listed():
            self.queries()
            return []
        if self._own is None:
            self._own = [(f"GET {o.path}", self.ask(o, seen=self.seen)) for o in self.listed()]
        closed = [(name, reply) for name, reply in self._own if not self.is_public(name.removeprefix("GET "))]
        told = closed or self._own  # what answers everybody does not show that we are let in
        if not any(isinstance(reply, Reply) and reply.good for _, reply in told):
            name, first = told[0]
            if isinstance(first, NotAssessed):
                raise first.with_traceback(None)
            raise Refused(f"{self.target.id}: {name}: HTTP {first.status}")
        return self._own

    def is_public(self, path: str) -> bool:
        """Whether the inventory lists the documented ``path`` among those that answer everybody."""
        return any(fnmatch.fnmatchcase(path, pattern) for pattern in self.spec.public)

    def replies(self) -> Iterator[Told]:
        """Yield every reply: own, as nobody, to nonsense and, where opted in, to generated requests.

        A look that broke off breaks off for everybody who asks, after what it had seen.
        """
        if self._told is None:
            self._told = []
            try:
                self._keep(self._told)
            except NotAssessed as error:
                self._broke = error
        yield from self._told
        if self._broke is not None:
            raise self._broke.with_traceback(None)

    def _keep(self, told: list[Told]) -> None:
        kept = 0
        for name, reply in self._gather():
            kept += reply.size if isinstance(reply, Reply) else 0
            if kept > KEPT:
                raise TooLarge(f"{self.target.id}: {name}: over {KEPT >> 20} MiB of answers already")
            told.append((name, reply))

    def _gather(self) -> Iterator[Told]:
        yield from self.own()
        for operation in self.listed():
            reply = self.ask(operation, who="nobody", signer=nobody, seen=self.seen, valid=False)
            yield f"GET {operation.path} (nobody)", reply
        for first in self.listed()[:1]:
            missing = first.path.rpartition("/")[0] + MISSING
            yield f"GET {missing}", self.request("GET", first.prefix + missing, shown=missing, valid=False)
        probes = self.spec.probes
        if probes is None or not probes.allowed:
            return
        until = time.monotonic() + probes.seconds
        if self.spec.graphql is not None:
            for told in self.questions(probes.generated):
                yield told
                self._in_time(until, probes)
        if probes.generated and self.listed():
            yield from self._generated(probes, until)

    def _in_time(self, until: float, probes: Probes) -> None:
        if time.monotonic() > until:
            raise TimedOut(f"{self.target.id}: generated requests took over {probes.seconds:g} s")

    def _generated(self, probes: Probes, until: float) -> Iterator[Told]:
        from checks.connectors.api_generated import cases

        prefix = self.listed()[0].prefix
        for case in cases(self.target.id, self.document(), probes.methods, probes.generated):
            self._in_time(until, probes)
            name = f"{case.method} {case.shown} (generated)"
            yield (
                name,
                self.request(
                    case.method,
                    prefix + case.path,
                    shown=case.shown,
                    who="generated",
                    body=case.body,
                    headers=case.headers,
                    sent=case.sent,
                    valid=False,
                ),
            )

    def ask(
        self,
        operation: Operation | Query,
        *,
        seen: Seen,
        who: str = "ourselves",
        signer: Signer | None = None,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        given: Mapping[str, str] | None = None,
        valid: bool = True,
    ) -> Reply | NotAssessed:
        """Return the reply to a documented GET, filled from ``seen``; ``query`` is added to its own.

        ``headers`` are added too, ``given`` are path parameters. Of a GraphQL query it is the first reply
        that holds data, or the last that holds none.
        """
        if isinstance(operation, Query):
            found = self.ask_query(
                operation, seen=seen, who=who, signer=signer, headers=headers, more=query, given=given
            )
            good = (reply for reply in found if isinstance(reply, Reply) and reply.good)
            return next(good, found[-1])
        try:
            path, needed = operation.fill(seen, self.target.id, given)
        except NotAssessed as error:
            return error
        if query:
            path += ("&" if "?" in path else "?") + query
        reply = self.request(
            "GET",
            path,
            shown=operation.path,
            who=who,
            signer=signer,
            headers={**needed, **(headers or {})},
            sent=" ".join([query, *(headers or {}).values(), *(given or {}).values()]).strip(),
            valid=valid,
        )
        if isinstance(reply, Reply) and reply.good:
            if operation.json and reply.json() is None:
                return NotAssessed(f"{self.target.id}: {reply.name}: the answer is not valid JSON")
            seen.learn(operation, reply.json())
        return reply

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
        """Send one request within the budget and return its reply, or why there is none.

        Raises what was last lost if nothing answers any more, and ``TooLarge`` over the budget.
        """
        if self.spec.probes is not None and self.sent >= self.spec.probes.requests:
            raise TooLarge(
                f"{self.target.id}: over the {self.spec.probes.requests} requests that probes allow"
            )
        self.sent += 1
        try:
            answer = self._fetcher.send(
                method, path, shown=f"{method} {shown}", signer=signer, body=body, headers=headers
            )
        except NotAssessed as error:
            self._lost = self._lost + 1 if isinstance(error, (Unreachable, TimedOut)) else 0
            if self._lost >= GIVE_UP:
                raise
            return error
        self._lost = 0
        named = renamed(answer, path, shown)
        return made_reply(named, method, shown, who, sent, valid=valid, graphql=graphql)
