"""One GET over HTTP(S), within limits of time, size and redirects, as text or as a clear error."""

from __future__ import annotations

import re
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import SplitResult, unquote, urljoin, urlsplit, urlunsplit

import requests
from urllib3.exceptions import HTTPError

from checks.connectors.http_body import body_of, cookie_names, drain, text_of
from checks.connectors.http_deadline import Deadline, DeadlineAdapter
from checks.connectors.http_errors import not_assessed, worth_a_retry
from checks.core.errors import (
    MissingAddress,
    NotAssessed,
    Nothing,
    Refused,
    TimedOut,
    Unreachable,
    Unreadable,
)
from checks.core.model import Target

REDIRECTS = 5
RETRIES = 2  # of connecting; nothing was sent yet
PATIENCE = 3  # the whole exchange may take so many times the timeout of a single wait

LOGIN_PATH = re.compile(
    r"/(?:users?/)?(?:log[-_]?in|sign[-_]?in|sso|oauth2?|auth|session/new)(?:[/.]|$)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A body with what came with it. ``url`` has no user and no query; cookies are names only."""

    url: str
    status: int
    content_type: str  # lower case, without parameters
    headers: Mapping[str, str] = field(repr=False)  # without Set-Cookie
    text: str = field(repr=False)
    size: int  # bytes
    cookies: tuple[str, ...] = ()

    @property
    def is_html(self) -> bool:
        """Whether this is a page rather than data."""
        return self.content_type in {"text/html", "application/xhtml+xml"}


class Fetcher:
    """Sends GET requests to one site over one pool of connections, and nothing else."""

    def __init__(
        self, name: str, base: SplitResult, session: requests.Session, deadline: Deadline, timeout: float
    ) -> None:
        self.name = name
        self.base = base
        self._session = session
        self._deadline = deadline
        self._timeout = timeout

    @classmethod
    @contextmanager
    def open(cls, target: Target, *, timeout: float) -> Iterator[Self]:
        """Yield a fetcher for the target's address; nothing is sent yet.

        The address is an http(s) URL, maybe with a user and password for Basic authentication;
        ``secrets`` may hold ``ca`` (path of a CA bundle) and ``token`` (bearer). Environment
        settings such as proxies and ``.netrc`` are not heeded, so that every machine sees the same.
        """
        if target.address is None:
            raise Unreachable(f"{target.id}: has no address")
        base = _base(target)
        deadline = Deadline()
        with _Session() as session:
            session.trust_env = False
            session.mount("http://", DeadlineAdapter(deadline))
            session.mount("https://", DeadlineAdapter(deadline))
            session.headers["User-Agent"] = "policyproof"
            session.headers["Accept-Encoding"] = "gzip, deflate"
            session.verify = authority_of(target)
            session.auth = _Authentication(target)
            yield cls(target.id, base, session, deadline, timeout)

    def get(
        self,
        path: str,
        *,
        shown: str | None = None,
        missing_ok: bool = False,
        accept: str = "*/*",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer to ``GET path`` (below the target's address), 2xx and text.

        With ``missing_ok`` a 404 or 410 is returned too. ``shown`` names the request in messages.
        Raises ``Refused``, ``TimedOut``, ``TooLarge``, ``Nothing``, ``Unreadable``, ``Unreachable``.
        """
        what = f"{self.name}: GET {shown or path.partition('?')[0]}"
        url = urlunsplit((self.base.scheme, self.base.netloc, "", "", "")) + self.base.path + path
        total = self._timeout * PATIENCE
        with self._deadline.within(total):
            try:
                answer, body = self._follow(what, url, {"Accept": accept, **(headers or {})}, missing_ok)
            except (requests.RequestException, HTTPError, OSError) as error:
                raise not_assessed(what, error, late=self._deadline.passed, seconds=total) from None
        if self._deadline.passed:  # a body that ends with its connection just looks short
            raise TimedOut(f"{what}: not complete after {total:g} s")
        if answer.status in {404, 410}:
            return answer
        if not body:
            raise Nothing(f"{what}: the answer is empty")
        return answer

    def _follow(
        self, what: str, url: str, headers: Mapping[str, str], missing_ok: bool
    ) -> tuple[Answer, bytes]:
        cookies: dict[str, None] = {}
        asked = urlsplit(url)
        for _ in range(REDIRECTS + 1):
            with self._send(url, headers) as response:
                cookies |= dict.fromkeys(cookie_names(response))
                self._session.cookies.clear()  # every request is a first visit
                if response.is_redirect:
                    url = _next(what, asked, url, response.headers["Location"])
                    drain(response)
                    continue
                unwanted = _unwanted(what, response.status_code, missing_ok)
                if unwanted is not None:
                    drain(response)
                    raise unwanted
                body = body_of(what, response)
                kind = response.headers.get("Content-Type", "")
                media = kind.partition(";")[0].strip().lower()
                missing = response.status_code in {404, 410}
                return (
                    Answer(
                        url=_shown(urlsplit(url)),
                        status=response.status_code,
                        content_type=media,
                        headers={
                            name: value
                            for name, value in response.headers.items()
                            if name.lower() != "set-cookie"
                        },
                        text=text_of(what, body, media, kind, strict=not missing),
                        size=len(body),
                        cookies=tuple(cookies),
                    ),
                    body,
                )
        raise Unreadable(f"{what}: more than {REDIRECTS} redirects")

    def _send(self, url: str, headers: Mapping[str, str], method: str = "GET") -> requests.Response:
        """Send one request; only connecting is tried again."""
        for attempt in range(RETRIES + 1):
            try:
                return self._session.request(
                    method,
                    url,
                    headers=dict(headers),
                    timeout=self._timeout,
                    allow_redirects=False,
                    stream=True,
                )
            except requests.ConnectionError as error:
                if attempt == RETRIES or not worth_a_retry(error):
                    raise
                time.sleep(0.1 * 2**attempt)
        raise AssertionError("the loop returns or raises")


class _Session(requests.Session):
    """A session that leaves redirects alone: the usual one reads the body of one without a limit."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """See ``requests.Session.get_redirect_target``."""


class _Authentication(requests.auth.AuthBase):
    """Adds the bearer token or the user and password of the target; kept out of every URL."""

    def __init__(self, target: Target) -> None:
        self._header: str | None = None
        assert target.address is not None  # noqa: S101  checked by open()
        parts = urlsplit(target.address.reveal())
        if "token" in target.secrets:
            token = target.secrets["token"].reveal().strip()
            if not re.fullmatch(r"[\x21-\x7e]+", token):
                raise Refused(f"{target.id}: {target.secrets['token']} holds no usable token")
            self._header = f"Bearer {token}"
        elif parts.username is not None:
            user, password = unquote(parts.username), unquote(parts.password or "")
            self._header = "Basic " + b64encode(f"{user}:{password}".encode()).decode()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._header is not None:
            request.headers["Authorization"] = self._header
        return request


def _base(target: Target) -> SplitResult:
    assert target.address is not None  # noqa: S101  checked by open()
    wrong = Unreachable(f"{target.id}: {target.address} is not an http or https address")
    try:
        parts = urlsplit(target.address.reveal().strip())
        port, host = parts.port, parts.hostname
    except ValueError:
        raise wrong from None
    if parts.scheme not in {"http", "https"} or not host:
        raise wrong
    place = f"[{host}]" if ":" in host else host
    return SplitResult(
        parts.scheme, place if port is None else f"{place}:{port}", parts.path.rstrip("/"), "", ""
    )


def authority_of(target: Target) -> str | bool:
    """Return the CA bundle to trust; where none is given, the public authorities and no other."""
    variable = target.secrets.get("ca")
    try:
        path = "" if variable is None else variable.reveal()
    except MissingAddress:
        path = ""
    if not path:
        return True
    try:
        ssl.create_default_context(cafile=path)
    except OSError:  # of which ssl.SSLError is one
        raise Unreachable(f"{target.id}: {variable} names no readable CA bundle") from None
    return path


def _shown(parts: SplitResult) -> str:
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _origin(parts: SplitResult) -> tuple[str, int]:
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _next(what: str, asked: SplitResult, url: str, location: str) -> str:
    """Return where a redirect leads, if it stays on the site and is not to a login."""
    try:
        parts = urlsplit(urljoin(url, location))
        host, port = _origin(parts)
    except ValueError:
        raise Unreadable(f"{what}: redirects to what is no address") from None
    upgraded = asked.scheme == "http" and parts.scheme == "https"
    same = (host, port) == _origin(asked) or (host == asked.hostname and upgraded)
    if parts.scheme not in {"http", "https"} or not host:
        raise Unreadable(f"{what}: redirects to what is no web address")
    if not same or (asked.scheme == "https" and parts.scheme == "http"):
        raise Unreadable(f"{what}: redirects off the site, to {parts.netloc.rpartition('@')[2]}")
    if LOGIN_PATH.search(parts.path) and not LOGIN_PATH.search(asked.path):
        raise Unreadable(f"{what}: a login page was served")
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()


def _unwanted(what: str, status: int, missing_ok: bool) -> NotAssessed | None:
    """Return the error for a status that does not come with the whole of what was asked for."""
    if status in {401, 403}:
        return Refused(f"{what}: HTTP {status}")
    if not (200 <= status < 300) and not (missing_ok and status in {404, 410}):
        return Unreadable(f"{what}: HTTP {status}")
    if status in {205, 206}:
        return Unreadable(f"{what}: HTTP {status}, not the whole")
    return None
