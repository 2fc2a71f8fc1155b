"""One HTTP request of any method, answered as it is: any status, each header, no redirect followed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from checks.connectors.http_body import body_of, drain, text_of
from checks.connectors.http_errors import not_assessed
from checks.connectors.http_fetch import PATIENCE, Fetcher
from checks.core.errors import Nothing, TimedOut, Unreadable

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, 9.2.1); no other is ever sent from here."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. ``url`` has neither user nor query; headers hold values of cookies, so they never print."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    content_type: str
    text: str = field(repr=False, default="")

    def values(self, name: str) -> list[str]:
        """Return the values of a header, each as sent."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def value(self, name: str) -> str | None:
        """Return the values of a list header as one, or ``None`` if it was not sent (RFC 9110, 5.3)."""
        found = self.values(name)
        return ", ".join(found) if found else None


class Prober(Fetcher):
    """A fetcher that also tells what came with an answer nobody wants."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._known = self._session.auth

    def probe(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        base: str | None = None,
        text: bool = False,
    ) -> Reply:
        """Return the answer to one request for ``path`` below the target's address (or ``base``).

        With ``text`` the body is read too (text of at most 20 MiB), else passed over. Raises
        ``TimedOut``, ``TooLarge``, ``Nothing``, ``Unreadable``, ``Unreachable``, each in one line.
        """
        if method not in SAFE:
            raise ValueError(f"{method} is no safe method")
        url = (base or f"{self.base.scheme}://{self.base.netloc}{self.base.path}") + path
        parts = urlsplit(url)
        shown = f"{parts.scheme}://{parts.netloc}{parts.path}"
        what = f"{self.name}: {method} {parts.path or '/'}"
        total = self._timeout * PATIENCE
        # Neither token nor password goes to another address, least of all one in the clear.
        self._session.auth = None if base is not None else self._known
        with self._deadline.within(total):
            try:
                with self._send(url, headers or {}, method) as response:
                    self._session.cookies.clear()  # every request is a first visit
                    given = tuple((str(name), str(value)) for name, value in response.raw.headers.items())
                    status, kind = response.status_code, response.headers.get("Content-Type", "")
                    content = b""
                    if text:
                        content = body_of(what, response)
                    else:
                        drain(response)
            except (requests.RequestException, HTTPError, OSError) as error:
                raise not_assessed(what, error, late=self._deadline.passed, seconds=total) from None
            except (UnicodeError, ValueError):
                raise Unreadable(f"{what}: the answer is not HTTP") from None
        if self._deadline.passed:
            raise TimedOut(f"{what}: not complete after {total:g} s")
        if text and not content:
            raise Nothing(f"{what}: the answer is empty")
        media = kind.partition(";")[0].strip().lower()
        return Reply(shown, status, given, media, text_of(what, content, media, kind, strict=False))
