"""Whether a page of a site can be reached from its landing page with a few clicks, as a reader would."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from checks.connectors.http import Page, Site
from checks.connectors.site_rendered import Opening, seen
from checks.core.errors import NotAssessed, TimedOut, Unreachable, Unreadable
from checks.detectors.page_links import Link, same_site_links
from checks.detectors.page_scripts import runs_scripts

LANDING = "/"
PAGES = 40
"""Pages that a walk visits at most."""
RENDERED = 12
"""Pages that a walk has rendered at most: each takes a second or so."""
SECONDS = 60.0
"""How long a walk takes at most; one exchange more, if that was under way."""
_GIVE_UP = 3  # pages in a row of a host that has stopped answering

_LIKELY = re.compile(
    r"privacy|policy|policies|legal|terms|imprint|impressum|datenschutz|data[-_ ]protection"
    r"|contact|about|help",
    re.IGNORECASE,
)
_NO_PAGE = re.compile(
    r"\.(?:pdf|png|jpe?g|gif|svg|webp|ico|zip|gz|tgz|exe|dmg|mp[34]|webm|css|js|json|xml|txt|csv|woff2?)$",
    re.I,
)

# A file, a login or a place elsewhere has no links for a reader who has no account.
_NOT_FOR_READERS = re.compile(r"binary content|a login page was served|redirects off the site")


@dataclass
class Walk:
    """What was found: ``pages`` visited by path, ``goal`` as served once reached, and how."""

    clicks: int | None = None
    way: tuple[str, ...] = ()  # paths from the landing page to the goal
    goal: Page | None = None
    pages: dict[str, Page] = field(default_factory=dict, repr=False)
    looked: int = 0  # links followed or read
    unseen: str | None = None  # why not everything within reach was looked at


def walk(site: Site, goal: str, clicks: int, browser: Opening | None = None) -> Walk:
    """Follow same-site links from the landing page until the page at ``goal`` is reached.

    The nearest way counts. Links are read from the pages as served, or where ``browser`` is given as
    scripts made them; those that speak of privacy,
    terms or contact come first, and at the last click only they are followed (a link straight to
    ``goal`` is known by its path, one that is redirected to it by where it leads). Raises what the
    landing page or the goal itself raise; any other page that cannot be had makes ``unseen`` say so.
    """
    wanted = _told(site.root + goal)
    result = Walk()
    until = time.monotonic() + SECONDS
    tour = _Tour(site, result, until, browser)
    landing = tour.get(LANDING)
    result.pages[LANDING] = landing
    if wanted == _plain(landing.url):
        result.clicks, result.way, result.goal = 0, (LANDING,), landing
        return result
    tour.begin()
    layer: list[tuple[Page, tuple[str, ...]]] = [(landing, (LANDING,))]
    for click in range(1, clicks + 1):
        links = tour.links(layer)
        straight = next((way for link, way in links if _told(link.path) == wanted), None)
        if straight is not None:
            result.goal = tour.get(goal)
            result.clicks, result.way = click, (*straight, goal)
            return result
        layer = []
        for link, way in links:
            if click == clicks and not _LIKELY.search(f"{link.path} {link.label}"):
                continue
            page = tour.visit(link)
            if page is None:
                continue
            if _plain(page.url) == wanted:
                result.goal, result.clicks, result.way = page, click, (*way, _plain(link.path))
                return result
            layer.append((page, (*way, _plain(link.path))))
    return result


def scripted(tour: Walk) -> bool:
    """Whether scripts run on a page of the walk, so that it may have links that were not served."""
    return any(runs_scripts(page.text) for page in tour.pages.values())


class _Tour:
    """Reads links and visits pages, within the limits."""

    def __init__(self, site: Site, result: Walk, until: float, browser: Opening | None) -> None:
        self._site, self._result, self._until, self._browser = site, result, until, browser
        self._asked: set[str] = set()
        self._lost = 0
        self._most = PAGES if browser is None else RENDERED

    def begin(self) -> None:
        """Take the landing page for asked."""
        self._asked = {_plain(self._site.root + LANDING), _plain(self._result.pages[LANDING].url)}

    def get(self, path: str, *, missing_ok: bool = False) -> Page:
        """Return a page as this walk reads it; scripts that were not run make ``unseen`` say so."""
        if self._browser is None:
            return self._site.get(path, missing_ok=missing_ok)
        found = seen(self._site, path, self._browser, missing_ok=missing_ok)
        if found.missing is not None:
            self._result.unseen = self._result.unseen or f"{_plain(path)}: {found.missing}"
        return found.page

    def links(self, layer: list[tuple[Page, tuple[str, ...]]]) -> list[tuple[Link, tuple[str, ...]]]:
        """Return the links of some pages that lead to pages not asked for yet, the likely ones first."""
        found = []
        for page, way in layer:
            for link in same_site_links(page.text, page.url):
                told = _told(link.path)
                self._result.looked += 1
                if told not in self._asked and not _NO_PAGE.search(_plain(told)):
                    self._asked.add(told)
                    found.append((link, way))
        return sorted(found, key=lambda one: not _LIKELY.search(f"{one[0].path} {one[0].label}"))

    def visit(self, link: Link) -> Page | None:
        """Return the page behind a link, if it is one and there is leave to look."""
        result = self._result
        if len(result.pages) >= self._most:
            result.unseen = (
                result.unseen or f"more than {self._most} pages within reach: the rest was not visited"
            )
            return None
        if time.monotonic() > self._until:
            result.unseen = result.unseen or f"stopped after {SECONDS:g} s, before every page was visited"
            return None
        if not link.path.startswith(f"{self._site.root}/"):
            return None  # not below the address that was given to look at
        try:
            page = self.get(link.path.removeprefix(self._site.root), missing_ok=True)
        except NotAssessed as error:
            self._lost = self._lost + 1 if isinstance(error, (Unreachable, TimedOut)) else 0
            if self._lost >= _GIVE_UP:
                raise
            if not (isinstance(error, Unreadable) and _NOT_FOR_READERS.search(error.reason)):
                result.unseen = result.unseen or error.reason
            return None
        self._lost = 0
        if not page.found:
            return None
        result.pages[_plain(link.path)] = page
        return page


def _plain(url: str) -> str:
    """Return the path of a page as a report shows it: no host, no query, no final slash."""
    return urlsplit(url).path.rstrip("/") or "/"


def _told(path: str) -> str:
    """Return a path as pages are told apart: the query counts, a final slash does not."""
    query = urlsplit(path).query
    return f"{_plain(path)}?{query}" if query else _plain(path)
