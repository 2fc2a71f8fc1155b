"""One request to an API as anybody who is asked for, and its answer whatever its status."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlunsplit

import requests
from urllib3.exceptions import HTTPError

from checks.connectors.http_body import body_of, cookie_names, text_of
from checks.connectors.http_errors import not_assessed
from checks.connectors.http_fetch import PATIENCE, Answer, Fetcher
from checks.core.errors import Refused, TimedOut
from checks.core.model import Address

Signer = Callable[[requests.PreparedRequest], requests.PreparedRequest]


def nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Sign nothing: whoever asks without credentials."""
    request.headers.pop("Authorization", None)
    return request


def bearer(owner: str, token: Address) -> Signer:
    """Return what signs with ``token``; raises ``Refused`` for what no header can carry."""
    text = token.reveal().strip()
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise Refused(f"{owner}: {token} holds no usable token")

    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {text}"
        return request

    return sign


class Sender(Fetcher):
    """Sends what a :class:`Fetcher` does not: other methods, bodies, other people's credentials.

    Redirects are answers like any other and are not followed, so no credential goes elsewhere.
    """

    def send(
        self,
        method: str,
        path: str,
        *,
        shown: str,
        signer: Signer | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer of any status; text that cannot be decoded has its faults replaced.

        ``path`` begins with "/" and stands below the target's address. ``signer`` takes the place of
        the target's own credentials. Raises ``Unreachable``, ``TimedOut``, ``TooLarge``, ``Unreadable``.
        """
        what = f"{self.name}: {shown}"
        base = urlunsplit((self.base.scheme, self.base.netloc, "", "", "")) + self.base.path
        sent = {"Accept": "application/json, */*;q=0.5", **(headers or {})}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        total = self._timeout * PATIENCE
        with self._deadline.within(total):
            try:
                answer = self._exchange(what, method, base + path, sent, data, signer)
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                raise not_assessed(what, error, late=self._deadline.passed, seconds=total) from None
        if self._deadline.passed:
            raise TimedOut(f"{what}: not complete after {total:g} s")
        return answer

    def _exchange(
        self,
        what: str,
        method: str,
        url: str,
        headers: Mapping[str, str],
        data: bytes | None,
        signer: Signer | None,
    ) -> Answer:
        with self._session.request(
            method,
            url,
            data=data,
            headers=dict(headers),
            auth=signer,
            timeout=self._timeout,
            allow_redirects=False,
            stream=True,
        ) as response:
            cookies = tuple(dict.fromkeys(cookie_names(response)))
            self._session.cookies.clear()  # every request is a first visit
            body = body_of(what, response)
            kind = response.headers.get("Content-Type", "")
            media = kind.partition(";")[0].strip().lower()
            return Answer(
                url=url.partition("?")[0],
                status=response.status_code,
                content_type=media,
                headers={
                    name: text for name, text in response.headers.items() if name.lower() != "set-cookie"
                },
                text=text_of(what, body, media, kind, strict=False),
                size=len(body),
                cookies=cookies,
            )


def renamed(answer: Answer, path: str, shown: str) -> Answer:
    """Return ``answer`` with the documented path in its address, which holds no identifier."""
    return replace(answer, url=answer.url.removesuffix(path.partition("?")[0]) + shown)
