"""Sites and APIs as they answer now, by GET alone: pages, an OpenAPI document, its responses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from checks.connectors.api_access import ApiAccess
from checks.connectors.api_document import read_document
from checks.connectors.api_operations import Operation, Seen
from checks.connectors.api_send import Sender
from checks.connectors.http_fetch import LOGIN_PATH, Fetcher
from checks.core.errors import NotAssessed, Nothing, TimedOut, Unreachable, Unreadable
from checks.core.model import Endpoint, Location, Target
from checks.detectors import page_resources
from checks.detectors.page_resources import Resource

_GIVE_UP = 3  # failures to connect in a row, after which the rest is not tried
_FORMS_EXPECTED = ("signup", "sign-up", "register", "join", "password", "reset", "invite")


@dataclass(frozen=True, slots=True)
class Page:
    """A page as served. ``url`` has neither user nor query; ``cookies`` are names; ``size`` is bytes."""

    url: str
    path: str
    status: int
    content_type: str
    headers: Mapping[str, str] = field(repr=False)
    text: str = field(repr=False)
    size: int
    location: Location
    cookies: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        """Whether the page exists (it was not a 404 or 410)."""
        return self.status not in {404, 410}


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """What a documented GET returned. ``path`` is the documented one, so it holds no identifier."""

    method: str
    path: str
    status: int
    content_type: str
    text: str = field(repr=False)
    size: int
    location: Location

    @property
    def name(self) -> str:
        """The operation, as ``GET /v1/orders/{id}``."""
        return f"{self.method} {self.path}"


class Site:
    """A web site, visited page by page, each as on a first visit (no cookie is sent)."""

    kind: ClassVar[str] = "site"

    def __init__(self, target: Target, fetcher: Fetcher) -> None:
        assert isinstance(target.spec, Endpoint)  # noqa: S101  the inventory's loader sees to it
        self.target = target
        self.spec = target.spec
        self._fetcher = fetcher

    @classmethod
    @contextmanager
    def open(cls, target: Target, *, timeout: float = 10.0) -> Iterator[Self]:
        """Yield the view; ``timeout`` (seconds) bounds each wait, three times that a whole exchange."""
        with Fetcher.open(target, timeout=timeout) as fetcher:
            yield cls(target, fetcher)

    @property
    def root(self) -> str:
        """The path of the site's address, before every path that is asked for; mostly empty."""
        return self._fetcher.base.path

    def get(self, path: str, *, missing_ok: bool = False) -> Page:
        """Return the page at ``path``; with ``missing_ok`` also one that does not exist (404, 410).

        Raises a ``NotAssessed`` for everything that is not the page itself: other statuses, a login
        in its place, redirects off the site, an empty, binary, truncated or endless body.
        """
        answer = self._fetcher.get(path, missing_ok=missing_ok)
        page = Page(
            url=answer.url,
            path=path,
            status=answer.status,
            content_type=answer.content_type,
            headers=answer.headers,
            text=answer.text,
            size=answer.size,
            location=Location(answer.url),
            cookies=answer.cookies,
        )
        if answer.is_html and login_in_place(page):
            raise Unreadable(f"{self.target.id}: GET {path.partition('?')[0]}: a login page was served")
        return page

    def pages(self) -> Iterator[tuple[str, Page | NotAssessed]]:
        """Yield each path the inventory lists with its page, or with why it could not be had."""
        if not self.spec.pages:
            raise Nothing(f"{self.target.id}: the inventory lists no pages")
        patience = _Patience()
        for path in self.spec.pages:
            try:
                yield path, self.get(path)
            except NotAssessed as error:
                yield path, error
                patience.lose(error)
            else:
                patience.restore()

    def resources(self, page: Page) -> list[Resource]:
        """Return what a browser contacts on loading ``page``, the site's own host included."""
        return page_resources.resources(page.text, page.url)


class Api(ApiAccess):
    """An API that documents itself with OpenAPI; only GET is sent unless the inventory opts in to probes."""

    kind: ClassVar[str] = "api"

    def __init__(self, target: Target, fetcher: Sender) -> None:
        super().__init__()
        assert isinstance(target.spec, Endpoint)  # noqa: S101  the inventory's loader sees to it
        self.target = target
        self.spec = target.spec
        self._fetcher = fetcher
        self._document: Mapping[str, Any] | None = None

    @classmethod
    @contextmanager
    def open(cls, target: Target, *, timeout: float = 10.0) -> Iterator[Self]:
        """Yield the view; ``timeout`` (seconds) bounds each wait, three times that a whole exchange."""
        with Sender.open(target, timeout=timeout) as fetcher:
            yield cls(target, fetcher)

    def document(self) -> Mapping[str, Any]:
        """Return the OpenAPI (or Swagger 2) document, parsed; read at the first call."""
        if self._document is None:
            self._document = read_document(self.target, self.spec, self._fetcher)
        return self._document

    def responses(self) -> Iterator[tuple[str, ApiResponse | NotAssessed]]:
        """Yield each documented GET operation with its response, or with why there is none.

        Path parameters take the document's example, default or only values, else an identifier seen
        in the list above (``/v1/orders`` for ``/v1/orders/{id}``).
        """
        listed = self.listed()
        seen = Seen()
        patience = _Patience()
        for operation in listed:
            name = f"GET {operation.path}"
            try:
                answer, response = self._respond(operation, seen)
            except NotAssessed as error:
                yield name, error
                patience.lose(error)
            else:
                patience.restore()
                seen.learn(operation, answer)
                yield name, response

    def _respond(self, operation: Operation, seen: Seen) -> tuple[Any, ApiResponse]:
        path, headers = operation.fill(seen, self.target.id)
        accept = "application/json, */*;q=0.5" if operation.json else "*/*"
        answer = self._fetcher.get(path, shown=operation.path, accept=accept, headers=headers)
        what = f"{self.target.id}: GET {operation.path}"
        parsed = None
        if operation.json or answer.content_type.endswith(("/json", "+json")):
            if answer.is_html:
                raise Unreadable(f"{what}: HTML was served where JSON is documented")
            try:
                parsed = json.loads(answer.text)
            except (ValueError, RecursionError):
                raise Unreadable(f"{what}: the answer is not valid JSON") from None
        elif answer.is_html and page_resources.has_login_form(answer.text):
            raise Unreadable(f"{what}: a login page was served")
        return parsed, ApiResponse(
            method="GET",
            path=operation.path,
            status=answer.status,
            content_type=answer.content_type,
            text=answer.text,
            size=answer.size,
            location=Location(f"{answer.url.removesuffix(path.partition('?')[0])}{operation.path}"),
        )


class _Patience:
    """Stops a tour of a host that has stopped answering, so that it ends in time."""

    def __init__(self) -> None:
        self._lost = 0

    def lose(self, error: NotAssessed) -> None:
        """Raise ``error`` if too many in a row were of its kind."""
        self._lost = self._lost + 1 if isinstance(error, (Unreachable, TimedOut)) else 0
        if self._lost >= _GIVE_UP:
            raise error

    def restore(self) -> None:
        """Count from nought again."""
        self._lost = 0


def login_in_place(page: Page) -> bool:
    """Whether a login stands where a page should be that, by its path, asks for no password."""
    expected = not page.found or _may_ask_password(page.path)
    return not expected and page_resources.has_login_form(page.text)


def _may_ask_password(path: str) -> bool:
    lowered = path.lower()
    return LOGIN_PATH.search(path) is not None or any(word in lowered for word in _FORMS_EXPECTED)
