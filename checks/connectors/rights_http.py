"""Requests of any method to an API, within limits of time and size; for the rights drill alone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlunsplit

import requests
from urllib3.exceptions import HTTPError

from checks.connectors.http_body import body_of, drain, text_of
from checks.connectors.http_errors import not_assessed
from checks.connectors.http_fetch import PATIENCE, Fetcher
from checks.core.errors import NotAssessed, Refused, TimedOut, Unreadable
from checks.core.model import Step

_PLACEHOLDER = re.compile(r"\{([a-z][a-z_]*)\}")
_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. Redirects are not followed: 3xx is a status like another."""

    status: int
    text: str = field(repr=False)
    size: int  # bytes

    @property
    def done(self) -> bool:
        """Whether the request was carried out, wholly (RFC 9110, 15.3; no 205 or 206)."""
        return 200 <= self.status < 300 and self.status not in {205, 206}


class Caller(Fetcher):
    """Sends the steps of a drill. Each is sent once: nothing that changes something is repeated."""

    def call(self, step: Step, values: Mapping[str, str], token: str | None) -> Reply:
        """Send ``step`` with its placeholders filled from ``values``; return whatever is answered.

        Raises ``TimedOut``, ``TooLarge``, ``Unreachable``, ``Unreadable``; no message holds a value.
        """
        what = f"{self.name}: {step.name}"
        path = filled(step.path, {name: quote(value, safe="") for name, value in values.items()}, what)
        url = urlunsplit((self.base.scheme, self.base.netloc, "", "", "")) + self.base.path + path
        body = None if step.body is None else json.dumps(filled(step.body, values, what)).encode()
        headers = {"Accept": "application/json, */*;q=0.5"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        total = self._timeout * PATIENCE
        with self._deadline.within(total):
            try:
                reply = self._exchange(what, step.method, url, headers, body)
            except (requests.RequestException, HTTPError, OSError) as error:
                raise not_assessed(what, error, late=self._deadline.passed, seconds=total) from None
        if self._deadline.passed:  # a body that ends with its connection just looks short
            raise TimedOut(f"{what}: not complete after {total:g} s")
        return reply

    def carry_out(self, step: Step, values: Mapping[str, str], token: str | None) -> Reply:
        """Send ``step`` as :meth:`call` does; raises ``Refused`` or ``Unreadable`` unless it is done."""
        reply = self.call(step, values, token)
        if not reply.done:
            kind: type[NotAssessed] = Refused if reply.status in {401, 403} else Unreadable
            raise kind(f"{self.name}: {step.name}: HTTP {reply.status}")
        return reply

    def _exchange(
        self, what: str, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        with self._session.request(
            method,
            url,
            data=body,
            headers=dict(headers),
            timeout=self._timeout,
            allow_redirects=False,
            stream=True,
        ) as response:
            self._session.cookies.clear()  # a session is its token and nothing else
            status = response.status_code
            if not 200 <= status < 300:
                drain(response)
                return Reply(status, "", 0)
            raw = body_of(what, response)
            kind = response.headers.get("Content-Type", "")
            media = kind.partition(";")[0].strip().lower()
            return Reply(status, text_of(what, raw, media, kind, strict=True), len(raw))


def kept(step: Step, reply: Reply, what: str) -> dict[str, str]:
    """Return what ``step`` says to remember of the answer; ``Unreadable`` where it is not there."""
    if not step.keep:
        return {}
    try:
        document = json.loads(reply.text)
    except (ValueError, RecursionError):
        raise Unreadable(f"{what}: {step.name}: the answer is not valid JSON") from None
    found: dict[str, str] = {}
    for name, path in step.keep.items():
        value: Any = document
        for part in path.split("."):
            value = _member(value, part)
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise Unreadable(f"{what}: {step.name}: the answer has no {path}")
        if name == "token" and not _TOKEN.fullmatch(str(value)):
            raise Unreadable(f"{what}: {step.name}: {path} holds no usable token")
        found[name] = str(value)
    return found


def _member(value: Any, part: str) -> Any:
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
        return value[int(part)]
    return None


def filled(template: Any, values: Mapping[str, str], what: str) -> Any:
    """Return ``template`` with every ``{name}`` in its strings replaced.

    Raises ``Unreadable`` for one that has no value yet, since a step before it did not give it.
    """
    if isinstance(template, str):

        def value(found: re.Match[str]) -> str:
            if found[1] not in values:
                raise Unreadable(f"{what}: no step before it gave {{{found[1]}}}")
            return values[found[1]]

        return _PLACEHOLDER.sub(value, template)
    if isinstance(template, Mapping):
        return {key: filled(inner, values, what) for key, inner in template.items()}
    if isinstance(template, list):
        return [filled(inner, values, what) for inner in template]
    return template
