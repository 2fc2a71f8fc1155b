"""An answer of an API to one request, REST or GraphQL."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from checks.connectors.http_fetch import Answer
from checks.core.errors import NotAssessed
from checks.core.model import Location

REFUSED = frozenset({401, 403, 404})
"""Statuses that keep a thing back (RFC 9110, 15.5)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to one request. ``path`` is the documented one; ``who`` says who asked.

    ``valid``: an answer other than 2xx means that the operation itself was not seen. ``graphql`` is the
    field of the query type that was asked for: such an answer is good only if it holds data for it.
    """

    method: str
    path: str
    who: str  # ourselves | nobody | generated
    status: int
    content_type: str
    text: str = field(repr=False)
    size: int
    location: Location
    sent: str = field(default="", repr=False)  # what the answer may echo
    valid: bool = True
    graphql: str | None = None

    @property
    def name(self) -> str:
        """The request, as ``GET /v1/orders/{id} (nobody)``."""
        return f"{self.method} {self.path}" + ("" if self.who == "ourselves" else f" ({self.who})")

    @property
    def good(self) -> bool:
        """Whether this is the thing asked for."""
        return 200 <= self.status < 300 and (self.graphql is None or self.content() is not None)

    @property
    def refused(self) -> bool:
        """Whether the thing is kept back: by status, or by a GraphQL answer without data (7.1)."""
        if self.status in REFUSED:
            return True
        if self.graphql is None or self.good or self.status not in {200, 400}:
            return False
        body = self.json()
        return isinstance(body, dict) and ("errors" in body or "data" in body)

    @property
    def error(self) -> str:
        """The text of an error: of a whole answer, or of a GraphQL answer's ``errors``; empty if none."""
        if self.status >= 400:
            return self.text
        body = self.json() if self.graphql is not None else None
        errors = body.get("errors") if isinstance(body, dict) else None
        return json.dumps(errors, ensure_ascii=False) if errors else ""

    def json(self) -> Any:
        """Return the body, parsed; ``None`` for what is no JSON."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None

    def content(self) -> Any:
        """Return the thing asked for: the body, of a GraphQL answer what stands under its field."""
        body = self.json()
        if self.graphql is None:
            return body
        data = body.get("data") if isinstance(body, dict) else None
        return data.get(self.graphql) if isinstance(data, dict) else None


Told = tuple[str, Reply | NotAssessed]


def made_reply(
    answer: Answer, method: str, path: str, who: str, sent: str, *, valid: bool, graphql: str | None = None
) -> Reply:
    """Return ``answer`` as the reply to ``method path`` (as documented) by ``who``."""
    return Reply(
        method=method,
        path=path,
        who=who,
        status=answer.status,
        content_type=answer.content_type,
        text=answer.text,
        size=answer.size,
        location=Location(answer.url),
        sent=sent,
        valid=valid,
        graphql=graphql,
    )
