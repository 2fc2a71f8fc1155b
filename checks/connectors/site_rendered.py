"""A page of a site as people see it: as served where nothing runs on it, else as a browser made it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from checks.connectors.browser import Browser
from checks.connectors.http import Page, Site, login_in_place
from checks.core.errors import MissingDriver, Unreadable
from checks.core.model import Location
from checks.detectors.page_scripts import runs_scripts

Opening = Callable[[], Browser]
"""Gives the site's view in a browser; raises a ``NotAssessed``. It is called only where scripts run."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A page as seen. ``missing`` says why scripts that stand in it could not be run, else ``None``."""

    page: Page
    served: Page = field(repr=False)
    rendered: bool = False
    missing: str | None = None

    def line(self, number: int | None) -> int | None:
        """Return a line of the page's source; what a script has made has none."""
        return None if self.rendered else number


def seen(site: Site, path: str, browser: Opening, *, missing_ok: bool = False) -> Seen:
    """Return the page at ``path``, rendered if scripts run on it and there is a browser.

    Raises what ``Site.get`` raises, and a ``NotAssessed`` where a browser is there and cannot load it:
    what people see is then not known, whatever was served.
    """
    served = site.get(path, missing_ok=missing_ok)
    if not served.found or not runs_scripts(served.text):
        return Seen(served, served)
    try:
        url, html = browser().read(path)
    except MissingDriver as error:
        return Seen(served, served, missing=f"scripts run on it, and {error.reason}")
    page = replace(served, url=url, text=html, size=len(html.encode()), location=Location(url))
    if login_in_place(page):
        raise Unreadable(f"{site.target.id}: {path.partition('?')[0]}: a login page was shown")
    return Seen(page, served, rendered=True)


def opening(view: Callable[[str], Any], site: str) -> Opening:
    """Return what opens the browser's view of ``site`` by ``view``, which gives a target's view by its id."""

    def opened() -> Browser:
        found = view(f"{site}.browser")
        assert isinstance(found, Browser)  # noqa: S101  the inventory derives it for each site
        return found

    return opened
