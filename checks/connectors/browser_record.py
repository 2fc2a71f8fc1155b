"""What a visit in a browser leaves behind: names, hosts and shapes, never a value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from checks.core.errors import NotAssessed

FIRST, GPC, REFUSED, ACCEPTED = "before any choice", "with Sec-GPC: 1", "after refusing", "after accepting"
"""The states in which the pages are loaded, each in a cold profile."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a site is visited.

    ``pages`` are paths below its address; ``depth`` clicks from them links of the site are followed,
    ``most`` bounds the pages in all. ``wait`` (seconds) is how long a page is watched after it has
    loaded, ``timeout`` bounds each wait. ``dialog``, ``accept`` and ``refuse`` are CSS selectors of a
    consent dialog that is not recognised by itself. Evidence is written only to ``evidence``. ``lists``
    are files that name trackers, as :mod:`checks.connectors.filter_list` reads them.
    """

    pages: tuple[str, ...]
    depth: int = 1
    most: int = 20
    wait: float = 0.5
    timeout: float = 10.0
    dialog: str | None = None
    accept: str | None = None
    refuse: str | None = None
    evidence: Path | None = None
    lists: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """Something fetched or sent: ``kind`` as the browser names it (script, font, websocket …).

    Beside those, ``ping`` is a beacon, ``form`` where a form would send to (none is sent), ``webrtc``
    a server that a call asks for addresses.

    ``url`` has neither user nor query; ``by`` is what made the page ask (a script, a style sheet, the
    page itself); ``page`` is the path that was visited. ``chain`` begins with ``by`` and goes on with
    what loaded that, up to the page. ``rule`` is that of the user's filter lists which names it a tracker.
    """

    host: str
    url: str
    kind: str
    method: str
    by: str
    page: str
    status: int | None = None
    chain: tuple[str, ...] = ()
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie without its value. ``lifetime`` in seconds, ``None`` until the browser is closed.

    ``by`` is the response or script that set it; ``holds`` says what its value looks like, where
    that tells a person from others (an e-mail address, an identifier).
    """

    name: str
    host: str
    lifetime: float | None
    secure: bool
    http_only: bool
    same_site: str
    by: str
    holds: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A key in ``area`` (localStorage, sessionStorage, IndexedDB, Cache, service worker) of ``host``.

    ``whole``: all that it holds was looked at; of a cache that is the addresses in it.
    """

    area: str
    key: str
    host: str
    by: str = ""
    holds: str | None = None
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Use:
    """An interface used in the way that tells browsers apart, by which script, on which page."""

    api: str
    by: str
    page: str


@dataclass(frozen=True, slots=True)
class Button:
    """A button of a dialog: what it says, and its area in square pixels."""

    text: str
    area: float


@dataclass(frozen=True, slots=True)
class Dialog:
    """A consent dialog on ``page``, with the way to say yes and the way to say no on its first layer."""

    page: str
    accept: Button | None
    refuse: Button | None


@dataclass(frozen=True, slots=True)
class PageSeen:
    """A page in one state; ``error`` says why it could not be looked at. ``faults`` are script errors.

    ``links`` are paths of the site, ``away`` the hosts of other sites that the page links to.
    """

    path: str
    url: str
    error: NotAssessed | None = None
    dialog: Dialog | None = None
    faults: int = 0
    links: tuple[str, ...] = ()
    away: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of evidence, with the SHA-256 (hex) of its bytes."""

    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class StateSeen:
    """Everything seen in one state. ``again``: the dialog came back although it had been answered."""

    name: str
    pages: tuple[PageSeen, ...]
    requests: tuple[Request, ...] = ()
    cookies: tuple[Cookie, ...] = ()
    stored: tuple[Stored, ...] = ()
    uses: tuple[Use, ...] = ()
    again: bool = False
    error: NotAssessed | None = None  # the state could not be reached
    unjudged: tuple[str, ...] = ()  # hosts that the filter lists could not be held against
    kept: tuple[Kept, ...] = ()

    @property
    def loaded(self) -> int:
        """How many pages were looked at."""
        return sum(page.error is None for page in self.pages)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield what was not looked at, with the reason."""
        if self.error is not None:
            yield self.name, self.error.reason
        for page in self.pages:
            if page.error is not None:
                yield f"{page.path} {self.name}", page.error.reason
        if self.error is None and not self.pages:
            yield self.name, "no page was looked at"


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit, in every state. ``left`` counts links beyond the bounds of the crawl."""

    first: StateSeen
    gpc: StateSeen
    refused: StateSeen | None = None
    accepted: StateSeen | None = None
    left: int = 0

    @property
    def dialog(self) -> Dialog | None:
        """The consent dialog that a first visit meets."""
        return next((page.dialog for page in self.first.pages if page.dialog), None)

    @property
    def states(self) -> tuple[StateSeen, ...]:
        """The states that there are."""
        return tuple(s for s in (self.first, self.gpc, self.refused, self.accepted) if s is not None)
