"""Listens while pages load in one state: requests and who made them, cookies and keys and who set them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from checks.connectors.browser_jar import Jar, Keys
from checks.connectors.browser_makers import Makers
from checks.connectors.browser_record import Cookie, Request, Stored, Use
from checks.connectors.browser_urls import expired, host_of, named, shown
from checks.connectors.filter_list import FilterLists
from checks.core.errors import NotAssessed, TooLarge, Unreadable

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page, Response
    from playwright.async_api import Request as Sent

BYTES = 64 * 1024 * 1024
"""What one page may load, decompressed."""
MOST = 5_000
"""Requests of one page, and events of each other kind of one state; a page that makes more is ended."""
TOTAL = 100_000
"""Requests of one state that are told from each other."""
WINDOWS = 20
"""Windows open at a time in one state, those that pages open by themselves among them."""
SPEED = 16 * 1024 * 1024
"""Bytes a second a page may load: what an endless answer can bring within its time is bounded too."""
_STREAMS = frozenset({"eventsource", "websocket", "media"})  # these stay open by design


class Watch:
    """What happens in one browser context. Values of cookies and keys are judged and dropped at once."""

    def __init__(self, root: str, lists: FilterLists | None) -> None:
        self._root = root
        self._lists = lists
        self._rules: dict[Sent, str] = {}
        self.unjudged: dict[str, None] = {}  # hosts of which the lists could not say anything
        self.flood: NotAssessed | None = None
        self.hidden: NotAssessed | None = None  # what runs where nothing can be seen of it
        self.faults: dict[Page, int] = {}
        self._paths: dict[Page, str] = {}
        self._sent: dict[Page | None, dict[Sent, tuple[str, str, str, str]]] = {}  # host, url, kind, method
        self._statuses: dict[Sent, int] = {}
        self._past: dict[Request, None] = {}  # of pages that are done with
        self._extra: dict[Request, None] = {}  # web sockets, forms, WebRTC servers
        self._makers = Makers()
        self._jar = Jar()
        self._keys = Keys()
        self._uses: dict[tuple[str, str, str], None] = {}
        self._sizes: dict[Page, int] = {}
        self._busy: dict[Page, int] = {}
        self._last: dict[Page, float] = {}
        self._stopped: set[Page] = set()
        self._closing: set[asyncio.Task[None]] = set()

    async def follow(self, context: BrowserContext) -> None:
        """Listen to ``context`` from now on."""
        await context.expose_binding("__policyproof", self._told)
        context.on("page", self._window)
        context.on("request", self._request)
        context.on("response", self._response)
        context.on("requestfinished", self._ended)
        context.on("requestfailed", self._ended)

    async def open(self, context: BrowserContext, path: str) -> Page:
        """Return a new page for ``path``, listened to from its first request on."""
        page = await context.new_page()
        self._paths[page] = path
        self._last[page] = asyncio.get_running_loop().time()
        page.on("pageerror", lambda _: self._count(self.faults, page))
        page.on("websocket", lambda socket: self._add(page, socket.url, "websocket", "GET"))
        devtools = await context.new_cdp_session(page)
        urls: dict[str, str] = {}

        def sent(event: Mapping[str, Any]) -> None:
            """Note who made a request."""
            url = shown(event["request"]["url"])
            if len(urls) < MOST:
                urls[event["requestId"]] = url
                self._makers.note(path, event)

        def cookies(event: Mapping[str, Any]) -> None:
            """Note the cookies of an answer; the browser tells them here alone."""
            for name, line in event["headers"].items():
                if name.lower() == "set-cookie":
                    for one in line.split("\n"):
                        if self._room(page):
                            self._jar.by_answer(one, urls.get(event["requestId"], ""))

        def received(event: Mapping[str, Any]) -> None:
            """Stop a page that sends without end."""
            self._sizes[page] = self._sizes.get(page, 0) + event["dataLength"]
            if self._sizes[page] > BYTES:
                self._stop(page)

        devtools.on("Network.requestWillBeSent", sent)
        devtools.on("Network.responseReceivedExtraInfo", cookies)
        devtools.on("Network.dataReceived", received)
        # Nothing of a body is kept: only its size is of interest.
        await devtools.send("Network.enable", {"maxTotalBufferSize": 1, "maxResourceBufferSize": 1})
        speed = {"offline": False, "latency": 0, "downloadThroughput": SPEED, "uploadThroughput": -1}
        await devtools.send("Network.emulateNetworkConditions", speed)
        return page

    def done(self, page: Page) -> None:
        """Keep of ``page``, which is closed, what is told of it, and nothing that it takes to go on."""
        self._fold(page)
        for each in (self._sizes, self._busy, self._last, self.faults):
            each.pop(page, None)

    def ended(self, page: Page) -> str | None:
        """Return why ``page`` was ended before its time; ``None`` if it was not."""
        if self._sizes.get(page, 0) > BYTES:
            return f"loads more than {BYTES // 2**20} MiB"
        return self.flood.reason if self.flood is not None and page in self._stopped else None

    async def settle(self, page: Page, wait: float, *, longest: float = 3.0) -> None:
        """Return when ``page`` has been quiet, ``wait`` seconds from now at the earliest, bounded."""
        clock = asyncio.get_running_loop().time
        began = clock()
        while (now := clock()) < began + wait + longest and not page.is_closed():
            quiet = self._busy.get(page, 0) <= 0 and now - self._last.get(page, began) >= 0.1
            if now - began >= wait and (quiet or self.flood or self.hidden):  # nothing more will count
                return
            await asyncio.sleep(0.05)

    def keys(self, host: str, found: Sequence[tuple[str, str, str, bool]]) -> None:
        """Take what a frame of ``host`` holds: (area, key, value, and whether that is all of the value)."""
        for area, key, value, whole in found:
            if len(self._keys) >= MOST:
                self._overflow()
                return
            self._keys.found(area, key, host, value, whole=whole)

    def forms(self, page: Page, found: Sequence[Sequence[str]]) -> None:
        """Take where the forms of ``page`` send to, as (address, method); none is sent."""
        for url, method in found:
            self._add(page, url, "form", method)

    # ── what it came to ──────────────────────────────────────────────────────────────────────────

    def requests(self) -> tuple[Request, ...]:
        """Return the requests, each kind of one only once a page."""
        for page in list(self._sent):
            self._fold(page)
        return tuple({**self._past, **self._extra})

    def cookies(self, jar: Sequence[Mapping[str, Any]]) -> tuple[Cookie, ...]:
        """Return the cookies of the browser's ``jar``, then those that were set and are not in it."""
        return self._jar.cookies(jar)

    def stored(self) -> tuple[Stored, ...]:
        """Return the keys that were found, then those that were written and are gone."""
        return self._keys.stored()

    def uses(self) -> tuple[Use, ...]:
        """Return the telling uses of interfaces."""
        return tuple(Use(*key) for key in self._uses)

    # ── events ───────────────────────────────────────────────────────────────────────────────────

    def _told(self, source: Mapping[str, Any], event: Any) -> None:
        """Take what the probe tells; a hostile page may tell anything, so shapes are checked."""
        page = source["page"]
        if not isinstance(event, dict) or not all(isinstance(v, str) for v in event.values()):
            return
        path = self._paths.get(page, "")
        if event.get("what") == "picture":
            self._makers.told(path, event.get("name", "")[:500], event.get("by", "")[:500])
            return
        what, name = event.get("what"), named(event.get("name", ""))
        by = shown(event.get("by", "")[:500]) or path
        if not self._room(page):
            return
        if what == "cookie":
            kept = not expired(event.get("age", ""))
            self._jar.by_script(name, host_of(source["frame"].url), by, kept=kept)
        elif what == "key" and event.get("area") in {"localStorage", "sessionStorage"}:
            self._keys.written(event["area"], name, by)
        elif what == "use":
            self._uses[name, by, path] = None
        elif what == "ice":
            address = event.get("name", "").partition(":")[2].partition("?")[0].removeprefix("//")
            self._add(page, f"https://{address[:200]}", "webrtc", "GET")
        elif what == "shared worker":
            self.hidden = Unreadable(f"{by} starts a shared worker, whose requests cannot be seen")

    def _request(self, sent: Sent) -> None:
        page = _page(sent)
        if page is not None:
            self._last[page] = asyncio.get_running_loop().time()
            if sent.resource_type not in _STREAMS:
                self._busy[page] = self._busy.get(page, 0) + 1
        host = host_of(sent.url)
        if not host or not sent.url.startswith(("http:", "https:")):
            return
        sent_by = self._sent.setdefault(page, {})
        if len(sent_by) >= MOST:
            self._overflow(page)
            return
        path = "" if page is None else self._paths.get(page, "")
        sent_by[sent] = (host, shown(sent.url), sent.resource_type, sent.method)
        if not (sent.is_navigation_request() and page is not None and sent.frame == page.main_frame):
            rule = self._named(sent.url, path, host, sent.resource_type)
            if rule is not None:
                self._rules[sent] = rule

    def _response(self, response: Response) -> None:
        if response.request in self._sent.get(_page(response.request), ()):
            self._statuses[response.request] = response.status

    def _ended(self, sent: Sent) -> None:
        page = _page(sent)
        if page is not None and sent.resource_type not in _STREAMS:
            self._busy[page] = self._busy.get(page, 0) - 1
            self._last[page] = asyncio.get_running_loop().time()

    def _add(self, page: Page, url: str, kind: str, method: str) -> None:
        if not host_of(url):
            return
        if len(self._extra) >= MOST:
            self._overflow(page)
            return
        path = self._paths.get(page, "")
        rule = self._named(url, path, host_of(url), kind) if kind == "websocket" else None
        self._extra[Request(host_of(url), shown(url), kind, method, "", path, rule=rule)] = None

    def _named(self, url: str, path: str, host: str, kind: str) -> str | None:
        """Return the rule that names ``url``; queries count here, and are not kept."""
        if self._lists is None:
            return None
        try:
            kind = "subdocument" if kind == "document" else kind
            return self._lists.names(url, self._root + path, kind)
        except Unreadable:
            self.unjudged[host] = None
            return None

    def _window(self, page: Page) -> None:
        """End a window beyond those that there may be; what it would have shown is not looked at."""
        if len(page.context.pages) > WINDOWS:
            self.flood = TooLarge(f"more than {WINDOWS} windows are opened")
            self._stop(page, after=0.3)

    def _fold(self, page: Page | None) -> None:
        """Turn what was noted of the requests of ``page`` into what is told of them."""
        path = "" if page is None else self._paths.get(page, "")
        for sent, (host, url, kind, method) in self._sent.pop(page, {}).items():
            chain = self._makers.chain(path, url)
            by, status, rule = (
                next(iter(chain), ""),
                self._statuses.pop(sent, None),
                self._rules.pop(sent, None),
            )
            if len(self._past) >= TOTAL:
                self.flood = TooLarge(f"more than {TOTAL} requests in one state")
                return
            self._past[Request(host, url, kind, method, by, path, status, chain, rule)] = None

    def _room(self, page: Page) -> bool:
        """Whether more cookies, keys and uses can be told; if not, ``page`` has had its time."""
        if len(self._jar) + len(self._keys) + len(self._uses) < MOST:
            return True
        self._overflow(page)
        return False

    def _overflow(self, page: Page | None = None) -> None:
        self.flood = TooLarge(f"more than {MOST} requests, cookies, keys or uses")
        if page is not None:
            self._stop(page)

    def _stop(self, page: Page, after: float = 0.0) -> None:
        async def close() -> None:
            await asyncio.sleep(after)  # one that is still being opened would keep its opener waiting
            with contextlib.suppress(Exception):  # it was gone before: that is all that was wanted
                await page.close()

        if page not in self._stopped and not page.is_closed():
            self._stopped.add(page)
            task = asyncio.ensure_future(close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    @staticmethod
    def _count(counts: dict[Page, int], page: Page) -> None:
        counts[page] = counts.get(page, 0) + 1


def _page(sent: Sent) -> Page | None:
    from playwright.async_api import Error

    try:
        return sent.frame.page
    except Error:  # a service worker's, or a frame that is gone
        return None
