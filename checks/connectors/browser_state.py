"""One state of a visit: a cold profile, the pages loaded in it, and what it then holds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib import resources
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from checks.connectors.browser_errors import not_assessed
from checks.connectors.browser_evidence import keep_har, keep_screenshot
from checks.connectors.browser_frames import inside, place_of, shows, sound
from checks.connectors.browser_links import followed
from checks.connectors.browser_record import (
    ACCEPTED,
    FIRST,
    GPC,
    REFUSED,
    Button,
    Dialog,
    Kept,
    PageSeen,
    Plan,
    StateSeen,
)
from checks.connectors.browser_trust import Origin
from checks.connectors.browser_urls import host_of, named, path_of, shown
from checks.connectors.browser_watch import Watch
from checks.connectors.filter_list import FilterLists
from checks.connectors.http_fetch import LOGIN_PATH, PATIENCE
from checks.core.errors import NotAssessed, Nothing, Refused, TooLarge, Unreadable

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Frame, Page, Response

_SCROLL = "() => window.scrollTo(0, document.documentElement.scrollHeight)"
_LEAVING = """() => {
  for (const [name, value] of [["visibilityState", "hidden"], ["hidden", true]])
    try { Object.defineProperty(document, name, { value, configurable: true }); } catch {}
  document.dispatchEvent(new Event("visibilitychange"));
  window.dispatchEvent(new Event("pagehide"));
}"""
_SIGNAL = """Object.defineProperty(
  Navigator.prototype, "globalPrivacyControl", { get: () => true, configurable: true });"""


def _script(name: str) -> str:
    return resources.files("checks.connectors").joinpath(name).read_text("utf-8")


class State:
    """A cold browser profile in which pages are looked at. Use it as a context manager."""

    def __init__(
        self,
        name: str,
        called: str,
        browser: Browser,
        origin: Origin,
        plan: Plan,
        tabs: asyncio.Semaphore,
        lists: FilterLists | None = None,
    ) -> None:
        self.called = called
        self.pages: list[PageSeen] = []
        self._name = name
        self._browser = browser
        self._origin = origin
        self._plan = plan
        self._tabs = tabs
        self._watch = Watch(origin.base, lists)
        self._pictures: list[tuple[str, Kept]] = []  # with the path of the page
        self._pictured: set[str] = set()
        self.texts: dict[str, str] | None = None  # HTML by path, where it is asked for
        self._probe, self._read, self._consent = map(
            _script, ("browser_probe.js", "browser_page.js", "browser_consent.js")
        )

    async def __aenter__(self) -> Self:
        login = self._origin.login
        credentials: Any = login and {
            "username": login[0],
            "password": login[1],
            "origin": self._origin.root,
        }
        headers = {"Sec-GPC": "1"} if self.called == GPC else None
        self._context: BrowserContext = await self._browser.new_context(
            accept_downloads=False,
            extra_http_headers=headers,
            http_credentials=credentials,
            locale="en-GB",
            viewport={"width": 1280, "height": 900},
        )
        if headers:
            await self._context.add_init_script(_SIGNAL)
        await self._watch.follow(self._context)
        await self._context.add_init_script(self._probe)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(Exception):  # it may be gone already, with its browser
            await asyncio.wait_for(self._context.close(), 10)

    async def look(self, paths: Sequence[str], *, asked: bool) -> None:
        """Load ``paths`` side by side; those not ``asked`` for are passed over if they are no page."""
        looked = await asyncio.gather(*(self._look(path, asked) for path in paths))
        self.pages += [page for page in looked if page is not None]

    def miss(self, pages: Iterable[PageSeen]) -> None:
        """Take that of ``pages``, looked at in another state, those that are none in this one were not."""
        seen = {page.path for page in self.pages}
        for page in pages:
            if page.error is None and page.path not in seen:
                reason = f"{self._name}: {page.path} {self.called}: no page, though it is one {FIRST}"
                self.pages.append(PageSeen(page.path, page.url, Unreadable(reason)))

    async def answer(self, path: str, answer: str) -> None:
        """Load ``path`` and click the ``answer`` (accept, refuse) of its dialog; raises a ``NotAssessed``."""
        what = f"{self._name}: {path_of(path)} {self.called}"
        try:
            async with self._tabs, asyncio.timeout(self._plan.timeout * PATIENCE):
                page = await self._watch.open(self._context, path_of(path))
                await self._load(page, path, what)
                await self._watch.settle(page, self._plan.wait)
                dialog, frame = await self._dialog(page, path_of(path))
                if frame is None or dialog is None:
                    raise Unreadable(f"{what}: the consent dialog did not come again")
                button = frame.locator(f"[data-policyproof={answer}]").first
                await button.click(timeout=self._plan.timeout * 1000)
                await self._watch.settle(page, self._plan.wait)
                await page.close()
        except NotAssessed:
            raise
        except Exception as error:
            raise not_assessed(what, error, self._plan.timeout * PATIENCE) from None

    async def seen(self) -> StateSeen:
        """Return what the profile holds now, and what was noted on the way to it."""
        try:
            jar: Any = await self._context.cookies()
        except Exception as error:
            lost = not_assessed(f"{self._name}: {self.called}", error, self._plan.timeout)
            return StateSeen(self.called, tuple(self.pages), error=lost)
        watch = self._watch
        result = StateSeen(
            name=self.called,
            pages=tuple(replace(page, links=()) for page in self.pages),  # links have queries
            requests=watch.requests(),
            cookies=watch.cookies(jar),
            stored=watch.stored(),
            uses=watch.uses(),
            again=self.called in {REFUSED, ACCEPTED} and any(page.dialog for page in self.pages),
            error=watch.flood or watch.hidden,
            unjudged=tuple(watch.unjudged),
        )
        if self._plan.evidence is None:
            return result
        try:
            har = keep_har(self._plan.evidence, result, self._pictures, self._browser.version)
        except NotAssessed as error:
            return replace(result, error=error)
        return replace(result, kept=(har, *(kept for _, kept in self._pictures)))

    async def _look(self, path: str, asked: bool) -> PageSeen | None:
        bare = path_of(path)
        what = f"{self._name}: {bare} {self.called}"
        seconds = self._plan.timeout * PATIENCE
        async with self._tabs:
            page: Page | None = None
            try:
                async with asyncio.timeout(seconds):
                    page = await self._watch.open(self._context, bare)
                    return await self._see(page, path, bare, what, asked)
            except _NoPageError:
                return None
            except NotAssessed as error:
                return PageSeen(bare, f"{self._origin.base}{bare}", error)
            except Exception as error:
                reason = not_assessed(what, error, seconds)
                if page is not None and (ended := self._watch.ended(page)) is not None:
                    reason = TooLarge(f"{what}: {ended}")
                return PageSeen(bare, f"{self._origin.base}{bare}", reason)
            finally:
                if page is not None:
                    with contextlib.suppress(Exception):
                        await asyncio.wait_for(page.close(), 5)
                    self._watch.done(page)

    async def _see(self, page: Page, path: str, bare: str, what: str, asked: bool) -> PageSeen:
        response = await self._load(page, path, what, asked=asked)
        await page.evaluate(_SCROLL)
        await self._watch.settle(page, self._plan.wait)
        dialog, _ = await self._dialog(page, bare)
        if self._plan.evidence is not None and bare not in self._pictured:
            self._pictured.add(bare)  # two addresses may be one, once nothing in them identifies anybody
            kept = await keep_screenshot(self._plan.evidence, page, self.called, bare)
            self._pictures.append((bare, kept))
        await page.evaluate(_LEAVING)
        await self._watch.settle(page, 0.05)
        if not self._origin.holds(page.url):
            raise Unreadable(
                f"{what}: redirects off the site, to {urlsplit(page.url).hostname or 'no web address'}"
            )
        found = sound(await page.evaluate(self._read), what)
        if not found["elements"]:
            raise Nothing(f"{what}: the page is empty")
        if self.texts is not None:
            html = await page.evaluate(_script("browser_read.js"))
            if html is None:
                raise TooLarge(f"{what}: the page as scripts made it is longer than 20 MiB")
            self.texts[bare] = html
        arrived = urlsplit(page.url).path
        if asked and LOGIN_PATH.search(arrived) and not LOGIN_PATH.search(path):
            raise Unreadable(f"{what}: a login page was served")
        await self._keys(page, found, what)
        links = tuple(dict.fromkeys(filter(None, (followed(link, self._origin) for link in found["links"]))))
        away = dict.fromkeys(host_of(link) for link in found["links"] if not self._origin.holds(link))
        faults = self._watch.faults.get(page, 0)
        return PageSeen(bare, shown(response.url), None, dialog, faults, links, tuple(filter(None, away)))

    async def _load(self, page: Page, path: str, what: str, *, asked: bool = True) -> Response:
        """Load ``path``; raises what a page is not: another status, another site, no page at all."""
        timeout = self._plan.timeout * 1000
        response = await page.goto(self._origin.base + path, wait_until="load", timeout=timeout)
        if response is None:
            raise Unreadable(f"{what}: no answer")
        if not self._origin.holds(response.url):
            raise Unreadable(f"{what}: redirects off the site, to {urlsplit(response.url).hostname}")
        status, kind = response.status, response.headers.get("content-type", "")
        is_page = kind.partition(";")[0].strip().lower() in {"text/html", "application/xhtml+xml", ""}
        if not asked and (status in {404, 410} or not is_page):
            raise _NoPageError  # a dead link, or a file: there is no page to look at
        if status in {401, 403}:
            raise Refused(f"{what}: HTTP {status}")
        if not 200 <= status < 300:
            raise Unreadable(f"{what}: HTTP {status}")
        if not is_page:
            raise Unreadable(f"{what}: no web page")
        return response

    async def _dialog(self, page: Page, path: str) -> tuple[Dialog | None, Frame | None]:
        """Return the consent dialog that ``page`` shows, and the frame it stands in."""
        plan = self._plan
        for frame in page.frames:
            try:
                found = await frame.evaluate(self._consent, [plan.dialog, plan.accept, plan.refuse])
            except Exception:
                if frame is page.main_frame:
                    raise
                continue  # a frame that came and went
            if found and (frame is page.main_frame or await shows(frame)):
                buttons = [
                    found[answer] and Button(named(found[answer]["text"]), found[answer]["area"])
                    for answer in ("accept", "refuse")
                ]
                return Dialog(path, *buttons), frame
        return None, None

    async def _keys(self, page: Page, found: Any, what: str) -> None:
        """Take keys and forms of the page, and of every frame in it.

        Raises ``Unreadable`` for a frame that is there and cannot be read, ``TooLarge`` for one that
        holds more than is looked at.
        """
        for frame in page.frames:
            if frame is not page.main_frame:
                if frame.url.startswith("chrome-error:"):  # nothing came; that it was asked for is noted
                    continue
                inner = await inside(frame, self._read, what)
                if inner is None:
                    continue
                found = inner
            if found["more"]:
                raise TooLarge(f"{what}: more forms, keys or databases than are looked at")
            self._watch.keys(place_of(frame), found["stored"])
            self._watch.forms(page, found["forms"])


class _NoPageError(Exception):
    """A link leads to no page, which is not the site's promise to keep."""
